/*
 * Taking exceptions, returning from them, and what instructions that make exceptions do.
 * Arm ARM, "AArch64 Exception model" (entry, return, asynchronous exceptions).
 */
#pragma once

#include "a64-exceptions.h" /* generated from exceptions.tbl: A64Ec, A64_ISS_<EC>_<FIELD> */
#include "armillary/ir.h"
#include "helpers.h"
#include "state.h"

/*
 * A synchronous exception. el: 1 or 2, or 0 for where exceptions of the current EL go when nothing
 * routes them elsewhere. Classes that name the origin (aborts) are given in their LOWER form and
 * become the other one when taken without a change of EL. The preferred return address is the
 * instruction (eng.insn_pc), or the next one with `after`. control: the bit that traps, for traces;
 * NULL when there is none.
 */
typedef struct {
    unsigned el;
    A64Ec ec;
    uint32_t iss;
    uint32_t iss2;
    bool has_far, has_ipa, after;
    uint64_t far;
    Ipa ipa;
    const char *control;
} A64Exception;

/* EL that takes a synchronous exception from the current EL: EL1 or above, EL2 for TGE. */
unsigned a64_target_el(const A64Cpu *cpu);
/* Takes it: state, PC and mode are the handler's, eng.leave is ENG_LEAVE_EXCEPTION. */
void a64_raise(A64Cpu *cpu, const A64Exception *e);
/* Undefined Instruction (EC 0). */
void a64_undefined(A64Cpu *cpu);

/* PSTATE as SPSR_ELx holds it, and back (fields of features that are not announced stay 0). */
uint64_t a64_spsr_pack(const A64Cpu *cpu);
/* All of it but EL, SP, IL and SS. */
void a64_set_pstate(A64Cpu *cpu, uint64_t spsr);
/* Moves to el with SP selected by sp, banking x[31]. */
void a64_set_el(A64Cpu *cpu, unsigned el, unsigned sp);

/* HCR_EL2, all 0 without EL2; NV2 as it counts (see NV2_ONLY), else as stored. */
uint64_t a64_hcr(const A64Cpu *cpu);
static inline bool a64_in_host(const A64Cpu *cpu) /* HCR_EL2.{E2H,TGE} = {1,1} */
{
    uint64_t both = A64_HCR_EL2_E2H | A64_HCR_EL2_TGE;
    return (cpu->st.sr[A64_SR_HCR_EL2] & both) == both;
}

/* CpuTarget hooks. */
bool a64_take_pending(EngVcpu *eng);
bool a64_wakes(EngVcpu *eng, bool wfe);
/* Would a64_take_pending take something now? */
bool a64_interrupt_due(A64Cpu *cpu);
/* Interrupts that ISR_EL1 shows, as bits IS (10), FS (9), A (8), I (7), F (6). */
uint64_t a64_isr(A64Cpu *cpu);

/* Helpers of this file's family beyond those in helpers.h. */
extern const IrHelper a64_h_isb;      /* mode and context as the registers now say */
/* (el << 32 | ec << 26 | iss, rule): a trapped access; RAISES */
extern const IrHelper a64_h_sys_trap;
