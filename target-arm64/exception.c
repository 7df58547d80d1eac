/*
 * Exception entry. Arm ARM, "Exception entry", "Exception syndromes", and the shared pseudocode
 * function for taking an exception to AArch64 state.
 */
#include "exception.h"

#include "armillary/engine.h"
#include "cpu.h"
#include "gcs.h"
#include "pmu.h"

uint64_t a64_hcr(const A64Cpu *cpu)
{
    uint64_t hcr = cpu->st.sr[A64_SR_HCR_EL2]; /* stays 0 without EL2 */
    return hcr & A64_HCR_EL2_NV ? hcr | cpu->model->nv2_implied : hcr;
}

unsigned a64_target_el(const A64Cpu *cpu)
{
    unsigned el = cpu->st.pstate.el;
    if (el == 0)
        return a64_hcr(cpu) & A64_HCR_EL2_TGE ? 2 : 1;
    return el;
}

void a64_set_el(A64Cpu *cpu, unsigned el, unsigned sp)
{
    A64State *st = &cpu->st;
    st->sp_el[st->pstate.sp ? st->pstate.el : 0] = st->x[31];
    st->pstate.el = (uint8_t)el;
    st->pstate.sp = (uint8_t)sp;
    st->x[31] = st->sp_el[sp ? el : 0];
}

uint64_t a64_spsr_pack(const A64Cpu *cpu)
{
    const A64Pstate *p = &cpu->st.pstate;
    return (uint64_t)p->pacm << 35 | (uint64_t)p->exlock << 34 | (uint64_t)p->pm << 32 | p->nzcv |
           (uint64_t)p->tco << 25 | (uint64_t)p->dit << 24 | (uint64_t)p->uao << 23 |
           (uint64_t)p->pan << 22 | (uint64_t)p->ss << 21 | (uint64_t)p->il << 20 |
           (uint64_t)p->allint << 13 | (uint64_t)p->ssbs << 12 | (uint64_t)cpu->eng.landing << 10 |
           (uint64_t)p->daif << 6 | (uint64_t)p->el << 2 | p->sp;
}

/* The mode field a guest hypervisor is shown: EL1 looks like EL2 to it. */
static uint64_t disguise_mode(const A64Cpu *cpu, unsigned target, uint64_t spsr)
{
    uint64_t hcr = a64_hcr(cpu);
    bool nv = hcr & A64_HCR_EL2_NV, nv1 = hcr & A64_HCR_EL2_NV1, nv2 = hcr & A64_HCR_EL2_NV2;
    if (cpu->st.pstate.el == 1 && target == 1 && nv && (!nv1 || nv2))
        return (spsr & ~UINT64_C(0xc)) | 0x8;
    return spsr;
}

/* PSTATE of a handler. PSTATE.{NZCV,DIT} stay. lower: from below it. */
static void set_entry_pstate(A64Cpu *cpu, unsigned target, bool lower)
{
    A64Pstate *p = &cpu->st.pstate;
    uint64_t sctlr = cpu->st.sr[target == 2 ? A64_SR_SCTLR_EL2 : A64_SR_SCTLR_EL1];
    p->daif = 0xf;
    p->ss = p->il = p->uao = p->pacm = 0;
    cpu->eng.landing = ENG_LANDING_NONE;
    bool el0_below = target == 1 || a64_in_host(cpu);
    if (a64_has(cpu->model, A64_FEAT_PAN) && el0_below && !(sctlr & A64_SCTLR_EL1_SPAN))
        p->pan = 1;
    if (a64_has(cpu->model, A64_FEAT_SSBS))
        p->ssbs = (sctlr & A64_SCTLR_EL1_DSSBS) != 0;
    if (a64_has(cpu->model, A64_FEAT_MTE))
        p->tco = 1;
    if (a64_has(cpu->model, A64_FEAT_EBEP))
        p->pm = 1;
    if (a64_has(cpu->model, A64_FEAT_NMI))
        p->allint = !(sctlr & A64_SCTLR_EL1_SPINTMASK);
    p->exlock = !lower && a64_gcs_locks(cpu, target);
}

void a64_enter(A64Cpu *cpu, unsigned target, unsigned offset, uint64_t return_pc)
{
    A64State *st = &cpu->st;
    bool lower = target > st->pstate.el;
    uint64_t spsr = disguise_mode(cpu, target, a64_spsr_pack(cpu));
    offset += lower ? 0x400 : st->pstate.sp ? 0x200 : 0;

    st->trap_ns = INT64_MAX; /* a WFE that waited for its trap begins anew */
    a64_pmu_event(cpu, A64_PMU_EXC_TAKEN);
    a64_pmu_switch(cpu, target);
    a64_set_el(cpu, target, 1);
    st->sr[target == 2 ? A64_SR_SPSR_EL2 : A64_SR_SPSR_EL1] = spsr;
    st->sr[target == 2 ? A64_SR_ELR_EL2 : A64_SR_ELR_EL1] = return_pc;
    set_entry_pstate(cpu, target, lower);
    cpu->eng.pc = (st->sr[target == 2 ? A64_SR_VBAR_EL2 : A64_SR_VBAR_EL1] & ~UINT64_C(0x7ff)) +
                  offset;
    cpu->eng.leave = ENG_LEAVE_EXCEPTION;
    a64_mode_select(cpu);
    eng_context_changed(&cpu->eng);
}

/* A class that names the origin, as seen from the target. */
static uint32_t class_for(const A64Cpu *cpu, unsigned target, A64Ec ec)
{
    bool same = target == cpu->st.pstate.el;
    switch ((unsigned)ec) {
    case A64_EC_INSN_ABORT_LOWER:
    case A64_EC_DATA_ABORT_LOWER:
    case A64_EC_BREAKPOINT_LOWER:
    case A64_EC_STEP_LOWER:
    case A64_EC_WATCHPOINT_LOWER:
        return ec + same;
    default:
        return ec;
    }
}

void a64_raise(A64Cpu *cpu, const A64Exception *e)
{
    A64State *st = &cpu->st;
    unsigned target = e->el ? e->el : a64_target_el(cpu);
    uint64_t esr = (uint64_t)e->iss2 << 32 | (uint64_t)class_for(cpu, target, e->ec) << 26 |
                   UINT64_C(1) << 25 | e->iss;
    st->sr[target == 2 ? A64_SR_ESR_EL2 : A64_SR_ESR_EL1] = esr;
    if (e->has_far)
        st->sr[target == 2 ? A64_SR_FAR_EL2 : A64_SR_FAR_EL1] = e->far;
    if (e->has_ipa)
        st->sr[A64_SR_HPFAR_EL2] = e->ipa.v >> 12 << 4;
    uint64_t from = cpu->eng.insn_pc;
    unsigned from_el = st->pstate.el;
    const char *control = e->control;
    if (!control && !e->el && from_el == 0 && target == 2 && !a64_in_host(cpu))
        control = "HCR_EL2.TGE";
    if (control)
        a64_trace_trap(cpu, target, esr, control);
    /* A fetch that fails is counted as an instruction when the handler's are (see eng_run). */
    bool begun = cpu->eng.insn_done != 0;
    st->pmu_aborted += !e->after && begun;
    a64_enter(cpu, target, 0, from + (e->after ? 4 : 0));
    st->pmu_aborted += !e->after && !begun;
    a64_trace_exception(cpu, from_el, from, esr);
}

void a64_undefined(A64Cpu *cpu)
{
    a64_raise(cpu, &(A64Exception){.ec = A64_EC_UNKNOWN});
}
