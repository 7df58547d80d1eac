/*
 * Translation of A64 instructions to IR: what every trans-*.c shares.
 * A handler `bool a64_trans_<name>(A64Trans *t, const A64Args_... *a)` (prototypes generated
 * from the decode tables) appends the IR of
 * one instruction and returns true; false = unallocated: the caller emits the Undefined
 * Instruction exception.
 */
#pragma once

#include "armillary/ir.h"
#include "mode.h"
#include "state.h"

typedef struct A64Trans {
    IrBlock *b;
    const A64Mode *mode;
    uint32_t word;    /* the instruction */
    int32_t delta;    /* its address - block start */
    bool sp_aligned; /* x31 is known to be a multiple of 16 here */
    /* the block ends with this instruction (set by a64_t_exit and the branch helpers) */
    bool end;
} A64Trans;

/* Is FEAT_x announced by this mode's model? The decoder has tested the row's own feature
 * already. */
bool a64_t_has(const A64Trans *t, A64Feature f);

/* Register n as a value of the type; 31 is zero (x) or the stack pointer (x_sp). */
IrVal a64_t_x(A64Trans *t, IrType type, unsigned n);
IrVal a64_t_x_sp(A64Trans *t, IrType type, unsigned n);
/* Writes register n (64-bit slot; an I32 value is zero-extended); 31 is discarded (x) or the
 * stack pointer (x_sp). */
void a64_t_set_x(A64Trans *t, unsigned n, IrVal v);
void a64_t_set_x_sp(A64Trans *t, unsigned n, IrVal v);

IrVal a64_t_const(A64Trans *t, IrType type, uint64_t v);
IrVal a64_t_nzcv(A64Trans *t);
void a64_t_set_nzcv(A64Trans *t, IrVal flags);
/* VA of this instruction + off. */
IrVal a64_t_pc(A64Trans *t, int64_t off);
/* Register extended as `option` (UXTB .. SXTX, bits 15:13) says, then shifted left. */
typedef struct {
    uint32_t reg, option, shift;
} A64Extend;
IrVal a64_t_extended(A64Trans *t, IrType type, A64Extend how);
/* Does condition cond hold now? 0 or 1. */
IrVal a64_t_cond(A64Trans *t, unsigned cond);

/* The instruction is a branch of these kinds (A64_PMU_*), and taken if `taken` (0: it is) is not 0:
 * for the performance monitors, before the block ends. */
void a64_t_tell_branch(A64Trans *t, uint32_t kinds, IrVal taken);

/* Block ends. Offsets are from this instruction. */
void a64_t_goto(A64Trans *t, int64_t off);
void a64_t_goto_if(A64Trans *t, IrVal cond, int64_t off);
void a64_t_goto_ptr(A64Trans *t, IrVal va);
/* landing: ENG_LANDING_*, which FEAT_BTI checks. */
void a64_t_branch_ptr(A64Trans *t, IrVal va, unsigned landing);
/* Back to the run loop at the next instruction: after a context change, ISB, MSR that unmasks
 * ... */
void a64_t_exit(A64Trans *t);
/* After a helper that always leaves with its own PC (exception, ERET). */
void a64_t_exit_pc(A64Trans *t);

/* Calls a helper; missing arguments 0. A RAISES helper ends or leaves as its flags say. */
IrVal a64_t_call(A64Trans *t, const IrHelper *h, IrVal a, IrVal b, IrVal c);

/* Ends the instruction with an exception to take now: SVC, HVC, SMC, BRK, trap: target decided
 * by the helper at run time from syndrome. */
void a64_t_exception(A64Trans *t, const IrHelper *h, uint64_t syndrome);

/*
 * FP/SIMD access check (CPACR_EL1.FPEN, CPTR_EL2): false when the mode traps it (the trap has
 * been emitted and the handler must return true).
 */
bool a64_t_fp_enabled(A64Trans *t);

/* A VEC op on vector registers d, n, m (0..31). */
void a64_t_vec(A64Trans *t, IrVecFn fn, const unsigned regs[3], uint64_t desc);
