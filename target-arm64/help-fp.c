/*
 * FPCR and FPSR for MRS and MSR. Floating-point helpers change them in place, so that GET and PUT
 * must not name them (armillary/ir.h, IrVecFn).
 */
#include "helpers.h"
#include "state.h"

static uint64_t get_fpcr(void *cpu, uint64_t unused, uint64_t unused2, uint64_t unused3)
{
    return a64_cpu(cpu)->st.fpcr;
}

static uint64_t get_fpsr(void *cpu, uint64_t unused, uint64_t unused2, uint64_t unused3)
{
    return a64_cpu(cpu)->st.fpsr;
}

static uint64_t set_fpcr(void *cpu, uint64_t value, uint64_t unused, uint64_t unused2)
{
    a64_cpu(cpu)->st.fpcr = (uint32_t)value;
    return 0;
}

static uint64_t set_fpsr(void *cpu, uint64_t value, uint64_t unused, uint64_t unused2)
{
    a64_cpu(cpu)->st.fpsr = (uint32_t)value;
    return 0;
}

const IrHelper a64_h_get_fpcr = {"get-fpcr", get_fpcr, 0, 0};
const IrHelper a64_h_get_fpsr = {"get-fpsr", get_fpsr, 0, 0};
const IrHelper a64_h_set_fpcr = {"set-fpcr", set_fpcr, 1, 0};
const IrHelper a64_h_set_fpsr = {"set-fpsr", set_fpsr, 1, 0};
