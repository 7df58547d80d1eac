/*
 * Access to PSTATE, the banked stack pointers, FPCR and FPSR by MRS and MSR.
 * Arm ARM, "Special-purpose registers" and "MSR (immediate)".
 */
#pragma once

#include "sysreg.h"
#include "trans.h"

/* Emits the trap of decision d; iss as for an MRS or MSR. */
void a64_t_trap(A64Trans *t, const A64Decision *d, uint32_t iss);
/* Value of the register with this encoding. */
IrVal a64_t_read_pstate(A64Trans *t, uint16_t key);
void a64_t_write_pstate(A64Trans *t, uint16_t key, IrVal v);
/* MSR (immediate). */
void a64_t_write_pstate_imm(A64Trans *t, unsigned op1, unsigned op2, unsigned crm);
