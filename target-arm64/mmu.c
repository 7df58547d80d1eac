/*
 * The MMU's hooks of CpuTarget: translation of an access, alignment and external aborts; DC by VA
 * and DC ZVA. Arm ARM, "Translation process", "Alignment support", "A64 Cache maintenance system
 * instructions".
 */
#include "armillary/engine.h"
#include "debug.h"
#include "exception.h"
#include "mmu-fault.h"
#include "pmu.h"
#include "view.h"

bool a64_translate_va(EngVcpu *eng, Va va, EngAccess access, uint64_t mem, EngXlat *out)
{
    A64Cpu *cpu = a64_cpu(eng);
    A64WalkIo io = a64_walk_io(cpu);
    A64Access a = { .va = va,
                    .access = access,
                    .unaligned = access != ENG_FETCH && ((va.v & IR_MEM_LOW_BITS(mem)) ||
                                                         (mem & IR_MEM_NORMAL)),
                    .rcw = mem & A64_MEM_RCW,
                    .rmw = access == ENG_READ && (mem & IR_MEM_RMW) };
    unsigned number;
    A64View v;
    A64Walk w;

    a64_view(cpu, a64_access_view(cpu, IR_MEM_GET_VIEW(mem), access, &number), &v);
    a.el0 = a64_view_is_el0(number);
    a.pan = number == A64_VIEW_PRIV_PAN;
    a.gcs = a64_view_is_gcs(number);
    w = a64_walk(&v, &io, &a);
    if (w.fault.type != A64_FAULT_NONE) {
        a64_abort(cpu, &(A64FaultSource){ .va = va, .access = access, .mem = mem }, &w.fault);
        return false;
    }
    a64_pmu_event(cpu, access == ENG_FETCH ? A64_PMU_FETCH_WALK : A64_PMU_DATA_WALK);
    *out = (EngXlat){ .pa = w.pa,
                      .ipa = w.ipa,
                      .s1_bits = w.s1_bits,
                      .s2_bits = w.s2_bits,
                      .flags = (uint16_t)((w.attr.device ? ENG_X_DEVICE : 0) |
                                          (w.global ? ENG_X_GLOBAL : 0) |
                                          (w.s2_on ? ENG_X_STAGE2 : 0) |
                                          (w.guarded ? ENG_X_GUARDED : 0)),
                      .s1_level = (uint8_t)w.s1_level,
                      .s2_level = (uint8_t)w.s2_level,
                      .read = w.read,
                      .write = w.clean ? 0 : w.write,
                      .exec = w.exec };
    return true;
}

unsigned a64_alignment(EngVcpu *eng)
{
    A64Cpu *cpu = a64_cpu(eng);
    bool el1 = a64_regime(cpu) == A64_REGIME_EL10;
    uint64_t sctlr = cpu->st.sr[el1 ? A64_SR_SCTLR_EL1 : A64_SR_SCTLR_EL2];

    return (sctlr & A64_SCTLR_EL1_A ? ENG_ALIGN_CHECKED : 0u) |
           (sctlr & A64_SCTLR_EL1_nAA ? ENG_ALIGN_NAA : 0u);
}

/* Is it only stage 2 that makes va Device memory? Its alignment faults go to EL2. */
static bool stage2_device(A64Cpu *cpu, Va va, uint64_t mem)
{
    A64WalkIo io = a64_walk_io(cpu);
    A64Access a = { .va = va, .access = ENG_READ, .at = true, .no_perm = true };
    unsigned number;
    A64View v;
    A64Walk w;

    a64_view(cpu, a64_access_view(cpu, IR_MEM_GET_VIEW(mem), ENG_READ, &number), &v);
    a.el0 = a64_view_is_el0(number);
    w = a64_walk(&v, &io, &a);
    return w.fault.type == A64_FAULT_NONE && w.attr.device && !w.s1_device;
}

void a64_alignment_fault(EngVcpu *eng, Va va, EngAccess access, uint64_t mem)
{
    A64Cpu *cpu = a64_cpu(eng);
    A64Fault f = { .type = A64_FAULT_ALIGNMENT, .write = access == ENG_WRITE };

    if (access == ENG_FETCH) {
        a64_raise(cpu, &(A64Exception){ .ec = A64_EC_PC_ALIGN, .has_far = true, .far = va.v });
        return;
    }
    f.stage2 = !eng_alignment_enforced(eng, va, mem) && stage2_device(cpu, va, mem);
    a64_abort(cpu, &(A64FaultSource){ .va = va, .access = access, .mem = mem }, &f);
}

void a64_external_abort(EngVcpu *eng, Va va, EngAccess access, uint64_t mem)
{
    A64Fault f = { .type = A64_FAULT_EXTERNAL, .write = access == ENG_WRITE };

    a64_abort(a64_cpu(eng), &(A64FaultSource){ .va = va, .access = access, .mem = mem }, &f);
}

enum { LINE_BYTES = 64, ZVA_BYTES = 64 };

/* DC CIVAC and IC IVAU take something away from what was written: FEAT_CMOW lets that count as a
 * write, in stage 1 for EL0, in stage 2 for both levels. */
static void cmow(const A64Cpu *cpu, A64SysOp op, A64Access *a)
{
    bool taken = op.op1 == 3 && (op.crm == 14 || op.crm == 5);
    bool host = a64_regime(cpu) != A64_REGIME_EL10;

    a->cmow1 = taken && a->el0 &&
               (cpu->st.sr[host ? A64_SR_SCTLR_EL2 : A64_SR_SCTLR_EL1] & A64_SCTLR_EL1_CMOW);
    a->cmow2 = taken && !host && cpu->mmu->caps.el2 &&
               (cpu->st.sr[A64_SR_HCRX_EL2] & A64_HCRX_EL2_CMOW);
}

bool a64_dc_va(A64Cpu *cpu, A64SysOp op, uint64_t va, Pa *pa)
{
    bool invalidate = op.op1 == 0 && op.crm == 6; /* DC IVAC: wants write permission */
    A64WalkIo io = a64_walk_io(cpu);
    A64Access a = { .va = { va },
                    .access = invalidate ? ENG_WRITE : ENG_READ,
                    .el0 = cpu->st.pstate.el == 0,
                    .at = true,
                    .cmo = true,
                    .no_perm = !invalidate && cpu->st.pstate.el != 0 };
    A64View v;
    A64Walk w;

    cmow(cpu, op, &a);
    a64_view(cpu, a64_regime(cpu), &v);
    w = a64_walk(&v, &io, &a);
    if (w.fault.type != A64_FAULT_NONE) {
        a64_abort(cpu, &(A64FaultSource){ .va = { va }, .access = a.access, .cache_op = true },
                  &w.fault);
        return false;
    }
    *pa = w.pa;
    Va line = { va & ~(uint64_t)(LINE_BYTES - 1) };
    return !(invalidate && a64_watch_invalidate(cpu, line, LINE_BYTES));
}

void a64_dc_zva(A64Cpu *cpu, uint64_t va)
{
    eng_zero(&cpu->eng, (Va){ va & ~(uint64_t)(ZVA_BYTES - 1) }, ZVA_BYTES, (Va){ va });
}
