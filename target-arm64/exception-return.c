/*
 * ERET and the rules of illegal exception returns. Arm ARM, "Exception return" and "Illegal
 * exception returns from AArch64 state".
 */
#include "armillary/engine.h"
#include "cpu.h"
#include "gcs.h"
#include "pauth.h"
#include "pmu.h"
#include "step.h"

enum { SPSR_AARCH32 = 0x10, SPSR_MODE = 0xf };

/* Is this a return the architecture forbids? AArch32 is never there. */
static bool is_illegal(const A64Cpu *cpu, uint64_t spsr)
{
    unsigned el = (unsigned)(spsr >> 2 & 3), sp = (unsigned)(spsr & 1);
    if (spsr & (SPSR_AARCH32 | 2) || el == 3 || (el == 0 && sp))
        return true;
    if (el > cpu->st.pstate.el)
        return true;
    if (el == cpu->st.pstate.el && !cpu->st.pstate.exlock && a64_gcs_locks(cpu, el))
        return true;
    return el == 1 && a64_hcr(cpu) & A64_HCR_EL2_TGE;
}

void a64_set_pstate(A64Cpu *cpu, uint64_t spsr)
{
    A64Pstate *p = &cpu->st.pstate;
    p->nzcv = (uint32_t)spsr & 0xf0000000;
    p->daif = spsr >> 6 & 15;
    if (a64_has(cpu->model, A64_FEAT_PAN))
        p->pan = spsr >> 22 & 1;
    if (a64_has(cpu->model, A64_FEAT_UAO))
        p->uao = spsr >> 23 & 1;
    if (a64_has(cpu->model, A64_FEAT_DIT))
        p->dit = spsr >> 24 & 1;
    if (a64_has(cpu->model, A64_FEAT_SSBS))
        p->ssbs = spsr >> 12 & 1;
    if (a64_has(cpu->model, A64_FEAT_MTE))
        p->tco = spsr >> 25 & 1;
    if (a64_has(cpu->model, A64_FEAT_NMI))
        p->allint = spsr >> 13 & 1;
    if (a64_has(cpu->model, A64_FEAT_EBEP))
        p->pm = spsr >> 32 & 1;
    if (a64_has(cpu->model, A64_FEAT_GCS))
        p->exlock = spsr >> 34 & 1;
    p->pacm = spsr >> 35 & 1 && a64_pacm_enabled(cpu, (unsigned)(spsr >> 2 & 3));
    if (a64_has(cpu->model, A64_FEAT_BTI))
        cpu->eng.landing = spsr >> 10 & 3;
}

/* What traps ERET itself at EL1, NULL when nothing does: HCR_EL2.NV, then HFGITR_EL2.ERET. */
static const char *trapped_by(const A64Cpu *cpu)
{
    if (cpu->st.pstate.el != 1)
        return NULL;
    if (a64_hcr(cpu) & A64_HCR_EL2_NV)
        return "HCR_EL2.NV";
    bool fine = a64_has(cpu->model, A64_FEAT_FGT) &&
                cpu->st.sr[A64_SR_HFGITR_EL2] & A64_HFGITR_EL2_ERET;
    return fine ? "HFGITR_EL2.ERET" : NULL;
}

static uint64_t return_address(const A64Cpu *cpu)
{
    return cpu->st.sr[cpu->st.pstate.el == 2 ? A64_SR_ELR_EL2 : A64_SR_ELR_EL1];
}

static void exception_return(A64Cpu *cpu, uint64_t to)
{
    A64State *st = &cpu->st;
    unsigned from = st->pstate.el;
    uint64_t spsr = st->sr[from == 2 ? A64_SR_SPSR_EL2 : A64_SR_SPSR_EL1];
    bool illegal = is_illegal(cpu, spsr);
    a64_pmu_event(cpu, A64_PMU_EXC_RETURN | A64_PMU_BRANCH | A64_PMU_TAKEN);
    st->pstate.ss = a64_step_after_return(cpu, spsr); /* looks at the old EL and D */
    uint8_t exlock = st->pstate.exlock;
    a64_set_pstate(cpu, spsr);
    if (illegal) {
        st->pstate.il = 1;
        st->pstate.pacm = 0;
        st->pstate.exlock = exlock;
        cpu->eng.landing = ENG_LANDING_NONE;
    } else {
        st->pstate.il = spsr >> 20 & 1;
        a64_pmu_switch(cpu, (unsigned)(spsr >> 2 & 3));
        a64_set_el(cpu, (unsigned)(spsr >> 2 & 3), (unsigned)(spsr & 1));
    }
    uint64_t from_pc = cpu->eng.insn_pc;
    cpu->eng.pc = a64_branch_address(cpu, to);
    eng_clear_exclusive(&cpu->eng);
    a64_event_set(cpu);
    cpu->eng.leave = ENG_LEAVE_EXCEPTION;
    a64_mode_select(cpu);
    eng_context_changed(&cpu->eng);
    a64_trace_eret(cpu, from, from_pc);
}

static uint64_t eret(void *env, uint64_t a, uint64_t b, uint64_t c)
{
    A64Cpu *cpu = env;
    const char *control = trapped_by(cpu);
    if (control)
        a64_raise(cpu, &(A64Exception){.el = 2, .ec = A64_EC_ERET, .control = control});
    else
        exception_return(cpu, return_address(cpu));
    return 0;
}

/* ISS of a trapped ERETAA or ERETAB. */
enum { ISS_ERETA = 2, ISS_KEY_B = 1 };

static uint64_t eret_pac(void *env, uint64_t what, uint64_t b, uint64_t c)
{
    A64Cpu *cpu = env;
    const char *control = trapped_by(cpu);
    if (control) {
        uint32_t iss = ISS_ERETA | (what >> 4 & 1 ? ISS_KEY_B : 0);
        a64_raise(cpu, &(A64Exception){.el = 2, .ec = A64_EC_ERET, .iss = iss,
                                       .control = control});
        return 0;
    }
    uint64_t to = a64_h_pac.fn(cpu, return_address(cpu), cpu->st.x[31], what);
    if (cpu->eng.leave == ENG_STAY)
        exception_return(cpu, to);
    return 0;
}

enum { RAISES = IR_H_READS | IR_H_WRITES | IR_H_RAISES };
const IrHelper a64_h_eret = {"eret", eret, 0, RAISES};
const IrHelper a64_h_eret_pac = {"eret_pac", eret_pac, 1, RAISES};
