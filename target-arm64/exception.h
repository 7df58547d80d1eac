/*
 * Taking exceptions, returning from them, and what instructions that make exceptions do.
 * Arm ARM, "AArch64 Exception model" (entry, return, asynchronous exceptions).
 */
#pragma once

#include "armillary/ir.h"
#include "helpers.h"
#include "state.h"

/* Exception classes (ESR_ELx.EC). */
typedef enum {
    A64_EC_UNKNOWN = 0x00,
    A64_EC_WFX = 0x01,
    A64_EC_FP = 0x07,
    A64_EC_ILLEGAL = 0x0e,
    A64_EC_SYS128 = 0x14,
    A64_EC_SVC = 0x15,
    A64_EC_HVC = 0x16,
    A64_EC_SMC = 0x17,
    A64_EC_SYS = 0x18,
    A64_EC_SVE = 0x19,
    A64_EC_ERET = 0x1a,
    A64_EC_INSN_ABORT_LOWER = 0x20,
    A64_EC_INSN_ABORT = 0x21,
    A64_EC_PC_ALIGN = 0x22,
    A64_EC_DATA_ABORT_LOWER = 0x24,
    A64_EC_DATA_ABORT = 0x25,
    A64_EC_SP_ALIGN = 0x26,
    A64_EC_SERROR = 0x2f,
    A64_EC_BREAKPOINT_LOWER = 0x30,
    A64_EC_STEP_LOWER = 0x32,
    A64_EC_WATCHPOINT_LOWER = 0x34,
    A64_EC_BRK = 0x3c
} A64Ec;

/*
 * A synchronous exception. el: 1 or 2, or 0 for where exceptions of the current EL go when nothing
 * routes them elsewhere. Classes that name the origin (aborts) are given in their LOWER form and
 * become the other one when taken without a change of EL. The preferred return address is the
 * instruction (eng.insn_pc), or the next one with `after`.
 */
typedef struct {
    unsigned el;
    A64Ec ec;
    uint32_t iss;
    uint32_t iss2;
    bool has_far, has_ipa, after;
    uint64_t far;
    Ipa ipa;
} A64Exception;

/* EL that takes a synchronous exception from the current EL: EL1 or above, EL2 for TGE. */
unsigned a64_target_el(const A64Cpu *cpu);
/* Takes it: state, PC and mode are the handler's, eng.leave is ENG_LEAVE_EXCEPTION. */
void a64_raise(A64Cpu *cpu, const A64Exception *e);
/* Undefined Instruction (EC 0). */
void a64_undefined(A64Cpu *cpu);

/* PSTATE as SPSR_ELx holds it, and back (fields of features that are not announced stay 0). */
uint64_t a64_spsr_pack(const A64Cpu *cpu);
/* Moves to el with SP selected by sp, banking x[31]. */
void a64_set_el(A64Cpu *cpu, unsigned el, unsigned sp);

/* HCR_EL2 as stored: all 0 without EL2. */
uint64_t a64_hcr(const A64Cpu *cpu);
static inline bool a64_in_host(const A64Cpu *cpu) /* HCR_EL2.{E2H,TGE} = {1,1} */
{
    uint64_t both = A64_HCR_EL2_E2H | A64_HCR_EL2_TGE;
    return (cpu->st.sr[A64_SR_HCR_EL2] & both) == both;
}

/* CpuTarget hooks. */
bool a64_take_pending(EngVcpu *eng);
bool a64_wakes(EngVcpu *eng, bool wfe);
/* Interrupts that ISR_EL1 shows, as bits A (8), I (7), F (6). */
uint64_t a64_isr(A64Cpu *cpu);

/* Helpers of this file's family beyond those in helpers.h. */
extern const IrHelper a64_h_isb;      /* mode and context as the registers now say */
extern const IrHelper a64_h_sys_trap; /* el << 32 | ec << 26 | iss: a trapped access; RAISES */
