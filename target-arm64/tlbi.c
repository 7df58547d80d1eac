/*
 * TLBI as an instruction of the vCPU: what it needs to know of the registers, and where it goes.
 * Arm ARM, "TLB maintenance instructions", HCR_EL2.FB.
 */
#include "tlbi.h"

#include "cpu.h"
#include "sysreg.h"
#include "view.h"

void a64_tlbi(A64Cpu *cpu, A64SysOp op, uint64_t xt)
{
    uint64_t hcr = a64_mmu_hcr(cpu), both = A64_HCR_EL2_E2H | A64_HCR_EL2_TGE;
    A64TlbiContext c = { .vmid = a64_vmid(cpu),
                         .el2_is_el20 = hcr & A64_HCR_EL2_E2H,
                         .el1_is_el20 = (hcr & both) == both,
                         .asid16 = cpu->mmu->caps.asid16 };
    bool broadcast;
    EngTlbi t;
    A64View v;

    a64_view(cpu, op.op1 == 4 || c.el1_is_el20 ? a64_regime_of(cpu, 2) : A64_REGIME_EL10, &v);
    c.ds1 = (v.caps.lpa2_4 || v.caps.lpa2_16) && (v.r.tcr >> 59 & 1);
    c.ds2 = (v.caps.lpa2_4 || v.caps.lpa2_16) && (cpu->st.sr[A64_SR_VTCR_EL2] >> 32 & 1);
    if (!a64_tlbi_decode(&c, op, xt, &t, &broadcast)) {
        return;
    }
    if (op.op1 == 0 && cpu->st.pstate.el == 1 && (hcr & A64_HCR_EL2_FB)) {
        broadcast = true;
    }
    a64_trace_tlbi(cpu, A64_SYS_KEY(1, op.op1, op.crn, op.crm, op.op2), &t, broadcast);
    eng_tlbi(&cpu->eng, &t, broadcast);
}
