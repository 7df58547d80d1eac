/*
 * The software step state machine. Inactive, or active with PSTATE.SS = 1 (the next instruction is
 * stepped) or 0 (its exception is pending). Arm ARM, "Software Step exceptions".
 */
#include "step.h"

#include "armillary/engine.h"
#include "debug.h"
#include "exception.h"
#include "helpers.h"
#include "pauth.h"

enum { ISS_STEP = 0x22, ISS_ISV = 1 << 24, ISS_EX = 1 << 6 };

bool a64_step_active(const A64Cpu *cpu)
{
    const A64Pstate *p = &cpu->st.pstate;
    return cpu->st.sr[A64_SR_MDSCR_EL1] & A64_MDSCR_EL1_SS &&
           a64_debug_enabled(cpu, p->el, p->daif & 8);
}

bool a64_step_after_return(const A64Cpu *cpu, uint64_t spsr)
{
    const A64Pstate *p = &cpu->st.pstate;
    if (!(cpu->st.sr[A64_SR_MDSCR_EL1] & A64_MDSCR_EL1_SS))
        return false;
    return !a64_debug_enabled(cpu, p->el, p->daif & 8) &&
           a64_debug_enabled(cpu, (unsigned)(spsr >> 2 & 3), spsr >> 9 & 1) && spsr >> 21 & 1;
}

static void raise_step(A64Cpu *cpu, uint32_t iss)
{
    a64_raise(cpu, &(A64Exception){.el = a64_debug_target(cpu),
                                   .control = a64_debug_control(cpu),
                                   .ec = A64_EC_STEP_LOWER,
                                   .iss = ISS_STEP | iss});
}

bool a64_step_pending(const A64Cpu *cpu)
{
    return !cpu->st.pstate.ss && a64_step_active(cpu);
}

/* Before an instruction: active-pending takes the exception without having stepped. */
static uint64_t step_pending(void *env, uint64_t a, uint64_t b, uint64_t c)
{
    A64Cpu *cpu = env;
    if (!cpu->st.pstate.ss)
        raise_step(cpu, 0);
    return 0;
}

/* It comes before the instruction is fetched, too. */
bool a64_before_fetch(EngVcpu *eng)
{
    A64Cpu *cpu = a64_cpu(eng);
    eng->pc = eng->insn_pc = a64_branch_address(cpu, eng->pc);
    if (!a64_step_pending(cpu))
        return true;
    raise_step(cpu, 0);
    return false;
}

/* To the next instruction, in the mode that PSTATE.PACM asks for now. */
static void leave(A64Cpu *cpu)
{
    a64_mode_select(cpu);
    cpu->eng.leave = ENG_LEAVE_NEXT;
}

/* After it. Its own effects (MDSCR_EL1, OSLAR_EL1) count. */
static uint64_t stepped(void *env, uint64_t next, uint64_t exclusive, uint64_t c)
{
    A64Cpu *cpu = env;
    cpu->st.pstate.ss = 0;
    cpu->eng.pc = cpu->eng.insn_pc = a64_branch_address(cpu, next);
    if (a64_step_active(cpu))
        raise_step(cpu, ISS_ISV | (exclusive ? ISS_EX : 0));
    else
        leave(cpu);
    return 0;
}

static uint64_t went_alone(void *env, uint64_t next, uint64_t b, uint64_t c)
{
    A64Cpu *cpu = env;
    cpu->eng.pc = cpu->eng.insn_pc = a64_branch_address(cpu, next);
    leave(cpu);
    return 0;
}

enum { RAISES = IR_H_READS | IR_H_WRITES | IR_H_RAISES };
const IrHelper a64_h_step_pending = {"step_pending", step_pending, 0, RAISES};

/* The way of an indirect branch that was stepped. */
static uint64_t set_landing(void *env, uint64_t how, uint64_t b, uint64_t c)
{
    EngVcpu *eng = env;
    eng->landing = eng_landing(eng, (unsigned)how);
    return 0;
}

const IrHelper a64_h_landing = {"landing", set_landing, 1, IR_H_READS | IR_H_WRITES};
const IrHelper a64_h_stepped = {"stepped", stepped, 2, RAISES};
const IrHelper a64_h_went_alone = {"went_alone", went_alone, 1, RAISES};
