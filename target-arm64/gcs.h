/*
 * The guarded control stack (FEAT_GCS): what calls and returns do to it, and its own instructions.
 * Arm ARM, "The Guarded Control Stack".
 *
 * Whether it is on is part of the translation mode (A64Mode.gcs): where it is off nothing here is
 * in a block.
 */
#pragma once

#include "state.h"
#include "trans.h"

/* ISS of a GCS exception: ExType (DATA is 0), and for DATA the kind of instruction, IT. */
enum { A64_GCS_EXLOCK = 1, A64_GCS_STR = 2 };
typedef enum {
    A64_GCS_RET = 0, A64_GCS_POPM = 1, A64_GCS_RETAA = 2, A64_GCS_RETAB = 3, A64_GCS_SS1 = 4,
    A64_GCS_SS2 = 5, A64_GCS_POPCX = 8, A64_GCS_POPX = 9
} A64GcsKind;

/* Is the effective value of GCSCR_ELx.EXLOCKEN 1? el: 1 or 2. */
static inline bool a64_gcs_locks(const A64Cpu *cpu, unsigned el)
{
    return cpu->st.sr[el == 2 ? A64_SR_GCSCR_EL2 : A64_SR_GCSCR_EL1] & A64_GCSCR_EL1_EXLOCKEN;
}

/* X30 = the address after this instruction, which is pushed, too. */
void a64_t_link(A64Trans *t);
/* Pops the address that a procedure return to `target` goes to and compares them; kind and rn are
 * for the syndrome. What it returns is where to go. */
IrVal a64_t_gcs_return(A64Trans *t, IrVal target, A64GcsKind kind, unsigned rn);
/* A64_PMU_* of what a call or return does to the stack, if it is on. */
uint32_t a64_t_gcs_accesses(const A64Trans *t, bool call, bool ret);
/* SYS and SYSL of the guarded control stack, allowed and on. key: A64_SYS_KEY. */
void a64_t_gcs_sys(A64Trans *t, uint16_t key, unsigned rt);

/* Helpers; all raise. */
extern const IrHelper a64_h_gcs_push;   /* (value) */
/* (target, IT | Rn << 5) -> where to go */
extern const IrHelper a64_h_gcs_return;
extern const IrHelper a64_h_gcs_popm;   /* (Rt) -> value */
extern const IrHelper a64_h_gcs_ss1;    /* (Xt, t) */
extern const IrHelper a64_h_gcs_ss2;    /* -> the outgoing stack's pointer */
extern const IrHelper a64_h_gcs_pushx;
extern const IrHelper a64_h_gcs_popcx;
extern const IrHelper a64_h_gcs_popx;
/* (unprivileged form?, Raddr << 10 | Rvalue << 5): the trap that is set for it, if any */
extern const IrHelper a64_h_gcsstr_trap;
/* (address, value, unprivileged form?) */
extern const IrHelper a64_h_gcsstr;
