/*
 * Instructions that make exceptions or may be trapped, as helpers of the translators. Arm ARM,
 * "Exception-generating instructions", "Traps to EL1 and EL2", and the instructions' own pages.
 */
#include "cpu.h"
#include "pmu.h"
#include "sysreg.h"
#include "timer.h"

enum { RAISES = IR_H_READS | IR_H_WRITES | IR_H_RAISES };
enum { FIRMWARE_REGS = 18 };

static uint64_t undefined(void *env, uint64_t a, uint64_t b, uint64_t c)
{
    a64_undefined(env);
    return 0;
}
const IrHelper a64_h_undefined = {"undefined", undefined, 0, RAISES};

/* PSTATE.PACM holds for one instruction, which is done. */
static void forget_pacm(A64Cpu *cpu)
{
    if (!cpu->st.pstate.pacm)
        return;
    cpu->st.pstate.pacm = 0;
    a64_mode_select(cpu);
}

/* SVC, HVC and SMC are done when their exception is taken, not when a trap takes their place: then
 * the step machine has advanced. */
static void advance(A64Cpu *cpu)
{
    const A64Mode *mode = a64_mode_current(&cpu->eng);
    if (mode->single_step)
        cpu->st.pstate.ss = 0;
    forget_pacm(cpu);
}

static uint64_t svc(void *env, uint64_t imm, uint64_t b, uint64_t c)
{
    A64Cpu *cpu = env;
    unsigned el = cpu->st.pstate.el;
    uint64_t control = el == 0 ? A64_HFGITR_EL2_SVC_EL0 : A64_HFGITR_EL2_SVC_EL1;
    bool trapped = el < 2 && !(el == 0 && a64_in_host(cpu)) &&
                   a64_has(cpu->model, A64_FEAT_FGT) &&
                   cpu->st.sr[A64_SR_HFGITR_EL2] & control;
    A64Exception e = {.ec = A64_EC_SVC, .iss = (uint32_t)imm, .after = !trapped};
    if (trapped) {
        e.el = 2;
        e.control = el == 0 ? "HFGITR_EL2.SVC_EL0" : "HFGITR_EL2.SVC_EL1";
    } else {
        advance(cpu);
    }
    a64_raise(cpu, &e);
    return 0;
}
const IrHelper a64_h_svc = {"svc", svc, 1, RAISES};

/* Firmware behind SMC or HVC. What it changes (CPU_ON, CPU_OFF, reset) is its own affair. */
static void call_firmware(A64Cpu *cpu)
{
    advance(cpu);
    cpu->eng.pc = cpu->eng.insn_pc + 4;
    cpu->eng.leave = ENG_LEAVE_NEXT;
    cpu->ports->firmware->call(cpu->ports->firmware_ctx, cpu->eng.index, cpu->st.x);
}

static uint64_t hvc(void *env, uint64_t imm, uint64_t b, uint64_t c)
{
    A64Cpu *cpu = env;
    if (!a64_has(cpu->model, A64_FEAT_EL2)) {
        if (cpu->ports->firmware && !cpu->ports->smc_is_firmware)
            call_firmware(cpu);
        else
            a64_undefined(cpu);
    } else if (a64_hcr(cpu) & A64_HCR_EL2_HCD) {
        a64_undefined(cpu);
    } else {
        advance(cpu);
        a64_raise(cpu, &(A64Exception){.el = 2, .ec = A64_EC_HVC, .iss = (uint32_t)imm,
                                       .after = true});
    }
    return 0;
}
const IrHelper a64_h_hvc = {"hvc", hvc, 1, RAISES};

/* DIFFERS: ID_AA64PFR0_EL1.EL3 is 0, yet SMC behaves as with an EL3 that holds the firmware. */
static uint64_t smc(void *env, uint64_t imm, uint64_t b, uint64_t c)
{
    A64Cpu *cpu = env;
    if (cpu->st.pstate.el == 1 && a64_hcr(cpu) & A64_HCR_EL2_TSC)
        a64_raise(cpu, &(A64Exception){.el = 2, .ec = A64_EC_SMC, .iss = (uint32_t)imm,
                                       .control = "HCR_EL2.TSC"});
    else if (cpu->ports->firmware && cpu->ports->smc_is_firmware)
        call_firmware(cpu);
    else
        a64_undefined(cpu);
    return 0;
}
const IrHelper a64_h_smc = {"smc", smc, 1, RAISES};

static uint64_t brk(void *env, uint64_t imm, uint64_t b, uint64_t c)
{
    A64Cpu *cpu = env;
    bool to_el2 = cpu->st.pstate.el < 2 && cpu->st.sr[A64_SR_MDCR_EL2] & A64_MDCR_EL2_TDE;
    a64_raise(cpu, &(A64Exception){.el = to_el2 ? 2 : 0, .ec = A64_EC_BRK,
                                   .iss = (uint32_t)imm,
                                   .control = to_el2 ? "MDCR_EL2.TDE" : NULL});
    return 0;
}
const IrHelper a64_h_brk = {"brk", brk, 1, RAISES};

static uint64_t illegal_state(void *env, uint64_t a, uint64_t b, uint64_t c)
{
    a64_raise(env, &(A64Exception){.ec = A64_EC_ILLEGAL});
    return 0;
}
const IrHelper a64_h_illegal_state = {"illegal_state", illegal_state, 0, RAISES};

static uint64_t sp_align(void *env, uint64_t a, uint64_t b, uint64_t c)
{
    a64_raise(env, &(A64Exception){.ec = A64_EC_SP_ALIGN});
    return 0;
}
const IrHelper a64_h_sp_align = {"sp_align", sp_align, 0, RAISES};

/* ISS of traps that carry a condition: it is always that of an unconditional instruction. */
#define ISS_COND (A64_ISS_FP_CV(1) | A64_ISS_FP_COND(14))

/* The mode says where to; the class is lost when TGE turns a trap to EL1 into one to EL2. */
static uint64_t fp_trap(void *env, uint64_t a, uint64_t b, uint64_t c)
{
    A64Cpu *cpu = env;
    const A64Mode *mode = a64_mode_current(&cpu->eng);
    bool promoted = mode->el == 0 && !a64_in_host(cpu) && a64_hcr(cpu) & A64_HCR_EL2_TGE &&
                    (cpu->st.sr[A64_SR_CPACR_EL1] & A64_CPACR_EL1_FPEN) != A64_CPACR_EL1_FPEN;
    A64Exception e = {.el = mode->fp_trap, .ec = A64_EC_FP, .iss = ISS_COND,
                      .control = a64_rule_controls[mode->fp_rule]};
    if (promoted) {
        e.ec = A64_EC_UNKNOWN;
        e.iss = 0;
    }
    a64_raise(cpu, &e);
    return 0;
}
const IrHelper a64_h_fp_trap = {"fp_trap", fp_trap, 0, RAISES};

typedef struct {
    unsigned el;         /* 0: no trap */
    const char *control; /* by which bit */
    uint64_t delay;      /* of a WFE before it is trapped, in ns */
} WfxTrap;

/* FEAT_TWED: 2^(TWEDEL + 8) cycles, of 1 ns like all instructions. en: the position of TWEDEn. */
static uint64_t trap_delay(uint64_t control, unsigned en, unsigned el)
{
    return control >> en & 1 ? UINT64_C(1) << ((control >> el & 15) + 8) : 0;
}

static WfxTrap wfx_trap(const A64Cpu *cpu, bool wfe)
{
    const A64State *st = &cpu->st;
    uint64_t hcr = a64_hcr(cpu);
    uint64_t ntw = wfe ? A64_SCTLR_EL1_nTWE : A64_SCTLR_EL1_nTWI;
    if (st->pstate.el == 0) {
        bool host = a64_in_host(cpu);
        uint64_t sctlr = st->sr[host ? A64_SR_SCTLR_EL2 : A64_SR_SCTLR_EL1];
        if (!(sctlr & ntw))
            return (WfxTrap){
                hcr & A64_HCR_EL2_TGE ? 2 : 1,
                host ? wfe ? "SCTLR_EL2.nTWE" : "SCTLR_EL2.nTWI"
                     : wfe ? "SCTLR_EL1.nTWE" : "SCTLR_EL1.nTWI",
                trap_delay(sctlr, A64_SCTLR_EL1_TWEDEn_SHIFT, A64_SCTLR_EL1_TWEDEL_SHIFT)};
        if (host)
            return (WfxTrap){0};
    }
    if (st->pstate.el == 2 || !(hcr & (wfe ? A64_HCR_EL2_TWE : A64_HCR_EL2_TWI)))
        return (WfxTrap){0};
    return (WfxTrap){2, wfe ? "HCR_EL2.TWE" : "HCR_EL2.TWI",
                     trap_delay(hcr, A64_HCR_EL2_TWEDEn_SHIFT, A64_HCR_EL2_TWEDEL_SHIFT)};
}

/* WFI, WFE, and with a time to give up at WFIT and WFET. */
typedef struct {
    bool wfe, timed;
    uint32_t rt;    /* register that held `until`, a value of CNTVCT_EL0 */
    uint64_t until;
} Wait;

/* Is there nothing to wait for? The event register's event is used up. */
static bool is_over(A64Cpu *cpu, const Wait *w)
{
    if (w->wfe && (a64_timers_take_event(cpu) || eng_lost_exclusive(&cpu->eng)))
        a64_event_set(cpu);
    if (w->wfe && a64_event_is_set(cpu)) {
        a64_event_clear(cpu);
        return true;
    }
    return (w->timed && a64_timers_virtual_count(cpu) >= w->until) || a64_wakes(&cpu->eng, w->wfe);
}

/* Waits: goes on at pc. The wait before a trap executes its instruction again. */
static void halt(A64Cpu *cpu, bool wfe, uint64_t pc)
{
    cpu->st.waits_for_event = wfe;
    a64_trace_wait(cpu, wfe);
    a64_pmu_wait(cpu);
    cpu->eng.pc = pc;
    cpu->eng.leave = ENG_LEAVE_HALT;
}

static void wait(A64Cpu *cpu, const Wait *w)
{
    if (is_over(cpu, w)) {
        cpu->st.trap_ns = INT64_MAX;
        return;
    }
    WfxTrap trap = wfx_trap(cpu, w->wfe);
    if (trap.el && w->wfe && trap.delay && a64_timers_delay_trap(cpu, trap.delay)) {
        halt(cpu, true, cpu->eng.insn_pc);
    } else if (trap.el) {
        uint32_t iss = ISS_COND | A64_ISS_WFX_TI((uint32_t)w->wfe | (uint32_t)w->timed << 1);
        if (w->timed)
            iss |= A64_ISS_WFX_RV(1) | A64_ISS_WFX_RN(w->rt);
        a64_raise(cpu, &(A64Exception){.el = trap.el, .ec = A64_EC_WFX, .iss = iss,
                                       .control = trap.control});
    } else {
        a64_timers_wait(cpu, w->wfe, w->timed ? w->until : UINT64_MAX);
        forget_pacm(cpu);
        halt(cpu, w->wfe, cpu->eng.insn_pc + 4);
    }
}

static uint64_t wfi(void *env, uint64_t a, uint64_t b, uint64_t c)
{
    wait(env, &(Wait){.wfe = false});
    return 0;
}
const IrHelper a64_h_wfi = {"wfi", wfi, 0, RAISES};

static uint64_t wfe(void *env, uint64_t a, uint64_t b, uint64_t c)
{
    wait(env, &(Wait){.wfe = true});
    return 0;
}
const IrHelper a64_h_wfe = {"wfe", wfe, 0, RAISES};

static uint64_t wfit(void *env, uint64_t until, uint64_t rt, uint64_t c)
{
    wait(env, &(Wait){.wfe = false, .timed = true, .rt = (uint32_t)rt, .until = until});
    return 0;
}
const IrHelper a64_h_wfit = {"wfit", wfit, 2, RAISES};

static uint64_t wfet(void *env, uint64_t until, uint64_t rt, uint64_t c)
{
    wait(env, &(Wait){.wfe = true, .timed = true, .rt = (uint32_t)rt, .until = until});
    return 0;
}
const IrHelper a64_h_wfet = {"wfet", wfet, 2, RAISES};

static uint64_t isb(void *env, uint64_t a, uint64_t b, uint64_t c)
{
    A64Cpu *cpu = env;
    a64_mode_select(cpu);
    eng_context_changed(&cpu->eng);
    return 0;
}
const IrHelper a64_h_isb = {"isb", isb, 0, IR_H_READS | IR_H_WRITES};

static uint64_t sys_trap(void *env, uint64_t what, uint64_t rule, uint64_t c)
{
    unsigned el = (unsigned)(what >> 32);
    uint32_t esr = (uint32_t)what | UINT32_C(1) << 25;
    a64_raise(env, &(A64Exception){.el = el, .ec = (A64Ec)(esr >> 26), .iss = esr & 0x1ffffff,
                                   .control = a64_rule_controls[rule]});
    return 0;
}
const IrHelper a64_h_sys_trap = {"sys_trap", sys_trap, 2, RAISES};
