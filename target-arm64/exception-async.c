/*
 * Interrupts and SError: what is pending, who takes it, what masks it. Arm ARM, "Asynchronous
 * exception types, routing, masking and priorities".
 */
#include "cpu.h"
#include "gic-cpu.h"
#include "pauth.h"
#include "pmu.h"
#include "timer.h"

/* In the order of PSTATE.{A,I,F} and of HCR_EL2.{VSE,VI,VF}, {AMO,IMO,FMO}. */
enum { SERROR = 4, IRQ = 2, FIQ = 1 };

static unsigned mask_overrides(uint64_t hcr)
{
    return (unsigned)(hcr >> 3 & 7); /* AMO, IMO, FMO are bits 5..3 */
}

/* MISSING: physical SError: nothing in the machine raises one. */
static unsigned physical_pending(const A64Cpu *cpu)
{
    return (a64_gic_irq(cpu) ? IRQ : 0) | (a64_gic_fiq(cpu) ? FIQ : 0);
}

static unsigned virtual_pending(const A64Cpu *cpu)
{
    uint64_t hcr = a64_hcr(cpu);
    unsigned p = (unsigned)(hcr >> 6 & 7); /* VSE, VI, VF are bits 8..6 */
    return p | (a64_gic_virq(cpu) ? IRQ : 0) | (a64_gic_vfiq(cpu) ? FIQ : 0);
}

/* What of the physical ones has Superpriority: only IRQs can. Source: GIC architecture
 * specification, "Non-maskable interrupts". */
static unsigned physical_superior(const A64Cpu *cpu)
{
    return a64_gic_nmi(cpu) ? IRQ : 0;
}

/* And of the virtual ones: those of the list registers that say so, and HCR_EL2's own with
 * HCRX_EL2's consent. */
static unsigned virtual_superior(const A64Cpu *cpu)
{
    uint64_t hcr = a64_hcr(cpu), hcrx = cpu->st.sr[A64_SR_HCRX_EL2];
    return (a64_gic_vnmi(cpu) ? IRQ : 0) |
           (hcr & A64_HCR_EL2_VI && hcrx & A64_HCRX_EL2_VINMI ? IRQ : 0) |
           (hcr & A64_HCR_EL2_VF && hcrx & A64_HCRX_EL2_VFNMI ? FIQ : 0);
}

/* AllIntMask: what is aimed at the current Exception level and is no SError stays away. Source: Arm
 * ARM, "Asynchronous exception masking". */
static unsigned all_int_mask(const A64Cpu *cpu)
{
    const A64Pstate *p = &cpu->st.pstate;
    if (p->el == 0)
        return 0;
    uint64_t sctlr = cpu->st.sr[p->el == 2 ? A64_SR_SCTLR_EL2 : A64_SR_SCTLR_EL1];
    bool masked = sctlr & A64_SCTLR_EL1_NMI &&
                  (p->allint || (p->sp && sctlr & A64_SCTLR_EL1_SPINTMASK));
    return masked ? IRQ | FIQ : 0;
}

/* Which physical ones would be taken now. */
static unsigned physical_unmasked(const A64Cpu *cpu, unsigned pending)
{
    if (!pending)
        return 0; /* as mostly: the rest costs on every turn of the guest */
    uint64_t hcr = a64_hcr(cpu);
    unsigned mask = cpu->st.pstate.daif & 7;
    unsigned to_el2 = mask_overrides(hcr);
    bool host = cpu->st.pstate.el == 2 || hcr & A64_HCR_EL2_TGE;
    if (cpu->st.sr[host ? A64_SR_SCTLR_EL2 : A64_SR_SCTLR_EL1] & A64_SCTLR_EL1_NMI)
        mask &= ~physical_superior(cpu);
    mask |= all_int_mask(cpu);
    if (hcr & A64_HCR_EL2_TGE)
        to_el2 = hcr & A64_HCR_EL2_E2H ? 0 : 7;
    if (cpu->st.pstate.el < 2)
        mask &= ~to_el2; /* to a higher EL: PSTATE does not mask */
    else if (!(hcr & A64_HCR_EL2_TGE))
        mask |= ~to_el2; /* to a lower EL: stays pending */
    return pending & ~mask;
}

static unsigned virtual_enabled(const A64Cpu *cpu)
{
    uint64_t hcr = a64_hcr(cpu);
    if (cpu->st.pstate.el == 2 || hcr & A64_HCR_EL2_TGE)
        return 0;
    return mask_overrides(hcr);
}

/* Which virtual ones would be taken now. */
static unsigned virtual_unmasked(const A64Cpu *cpu)
{
    unsigned pending = virtual_pending(cpu), mask = cpu->st.pstate.daif & 7;
    if (!pending)
        return 0;
    if (cpu->st.sr[A64_SR_SCTLR_EL1] & A64_SCTLR_EL1_NMI)
        mask &= ~virtual_superior(cpu);
    return pending & virtual_enabled(cpu) & ~(mask | all_int_mask(cpu));
}

static unsigned physical_target(const A64Cpu *cpu, unsigned which)
{
    uint64_t hcr = a64_hcr(cpu);
    if (cpu->st.pstate.el == 2 || hcr & A64_HCR_EL2_TGE || mask_overrides(hcr) & which)
        return 2;
    return 1;
}

static const char *take(A64Cpu *cpu, unsigned target, unsigned which)
{
    static const char *const names[] = {[FIQ] = "FIQ", [IRQ] = "IRQ", [SERROR] = "SError"};
    unsigned offset = which == SERROR ? 0x180 : which == IRQ ? 0x80 : 0x100;
    /* a branch may have left its tag there */
    a64_enter(cpu, target, offset, a64_branch_address(cpu, cpu->eng.pc));
    return names[which];
}

/* DIFFERS: the order of unmasked asynchronous exceptions is IMPLEMENTATION DEFINED: SError, then
 * physical FIQ and IRQ, then the virtual ones. */
static unsigned first_of(unsigned pending)
{
    if (pending & SERROR)
        return SERROR;
    return pending & FIQ ? FIQ : IRQ;
}

enum { IDS_AND_ISS = 0x1ffffff };

static void take_virtual_serror(A64Cpu *cpu)
{
    uint64_t vsesr = a64_has(cpu->model, A64_FEAT_RAS) ? cpu->st.sr[A64_SR_VSESR_EL2] : 0;
    cpu->st.sr[A64_SR_ESR_EL1] =
        (uint64_t)A64_EC_SERROR << 26 | UINT64_C(1) << 25 | (vsesr & IDS_AND_ISS);
    cpu->st.sr[A64_SR_HCR_EL2] &= ~A64_HCR_EL2_VSE;
    take(cpu, 1, SERROR);
}

/*
 * A virtual SError that is pending and masked is consumed: VDISR_EL2 tells EL1 about it, under the
 * name of DISR_EL1. One that is not masked is taken before the next instruction anyway, and there
 * are no physical ones. Source: Arm ARM, "ESB" and "Virtual SError exceptions".
 */
static uint64_t esb(void *env, uint64_t a, uint64_t b, uint64_t c)
{
    A64Cpu *cpu = env;
    uint64_t *sr = cpu->st.sr;
    if (virtual_pending(cpu) & virtual_enabled(cpu) & cpu->st.pstate.daif & SERROR) {
        sr[A64_SR_VDISR_EL2] = A64_VDISR_EL2_A | (sr[A64_SR_VSESR_EL2] & IDS_AND_ISS);
        sr[A64_SR_HCR_EL2] &= ~A64_HCR_EL2_VSE;
    }
    return 0;
}
const IrHelper a64_h_esb = {"esb", esb, 0, IR_H_READS | IR_H_WRITES};

/* A PMU Profiling exception comes before interrupts, as it may. */
static bool take_profiling(A64Cpu *cpu)
{
    unsigned el = a64_pmu_exception(cpu), from_el = cpu->st.pstate.el;
    uint64_t esr = (uint64_t)A64_EC_PROFILING << 26 | UINT64_C(1) << 25;
    if (!el)
        return false;
    uint64_t from = a64_branch_address(cpu, cpu->eng.pc);
    cpu->st.sr[el == 2 ? A64_SR_ESR_EL2 : A64_SR_ESR_EL1] = esr;
    a64_enter(cpu, el, 0, from);
    a64_trace_exception(cpu, from_el, from, esr);
    return true;
}

bool a64_take_pending(EngVcpu *eng)
{
    A64Cpu *cpu = a64_cpu(eng);
    a64_timers_poll(cpu);
    a64_pmu_poll(cpu);
    if (take_profiling(cpu))
        return true;
    unsigned from_el = cpu->st.pstate.el;
    uint64_t from = eng->pc;
    unsigned now = physical_unmasked(cpu, physical_pending(cpu));
    if (now) {
        unsigned which = first_of(now);
        const char *name = take(cpu, physical_target(cpu, which), which);
        a64_trace_interrupt(cpu, from_el, from, name);
        return true;
    }
    now = virtual_unmasked(cpu);
    if (!now)
        return false;
    if (now & SERROR)
        take_virtual_serror(cpu);
    else
        take(cpu, 1, first_of(now));
    a64_trace_interrupt(cpu, from_el, from,
                        now & SERROR ? "vSError" : now & FIQ ? "vFIQ" : "vIRQ");
    return true;
}

/* WFI wakes for whatever is pending, WFE for what PSTATE does not mask. Source: Arm ARM, "Wait for
 * Interrupt" and "Wait for Event mechanism and Send event". */
bool a64_wakes(EngVcpu *eng, bool wfe)
{
    A64Cpu *cpu = a64_cpu(eng);
    a64_timers_poll(cpu);
    if (wfe && a64_timers_take_event(cpu))
        a64_event_set(cpu);
    unsigned physical = physical_pending(cpu);
    unsigned virtual = virtual_pending(cpu) & virtual_enabled(cpu);
    if (a64_pmu_exception(cpu))
        return true;
    if (!wfe)
        return physical || virtual;
    return a64_event_is_set(cpu) || physical_unmasked(cpu, physical) || virtual_unmasked(cpu);
}

bool a64_interrupt_due(A64Cpu *cpu)
{
    a64_timers_poll(cpu);
    return physical_unmasked(cpu, physical_pending(cpu)) || virtual_unmasked(cpu) ||
           a64_pmu_exception(cpu);
}

uint64_t a64_isr(A64Cpu *cpu)
{
    unsigned hidden = cpu->st.pstate.el == 1 ? virtual_enabled(cpu) : 0;
    unsigned shown = (physical_pending(cpu) & ~hidden) | (virtual_pending(cpu) & hidden);
    unsigned superior =
        (physical_superior(cpu) & ~hidden) | (virtual_superior(cpu) & hidden);
    return (uint64_t)shown << 6 | (superior & IRQ ? A64_ISR_EL1_IS : 0) |
           (superior & FIQ ? A64_ISR_EL1_FS : 0);
}
