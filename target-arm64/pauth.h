/*
 * Pointer authentication (FEAT_PAuth, FEAT_PAuth2, FEAT_FPAC, FEAT_PAuth_LR) with an algorithm of
 * our own (FEAT_PACIMP) or QARMA. Arm ARM, "Pointer authentication".
 */
#pragma once

#include "state.h"

typedef enum { A64_KEY_IA, A64_KEY_IB, A64_KEY_DA, A64_KEY_DB } A64PacKey;

/* What a helper is asked to do with a pointer. */
typedef enum { A64_PAC_SIGN, A64_PAC_AUTH, A64_PAC_STRIP } A64PacWhat;

/* Third argument of a64_h_pac. combined: part of a branch, return or load. */
#define A64_PAC_DO(what, key, combined) \
    ((uint64_t)(what) | (uint64_t)(key) << 4 | (uint64_t)(combined) << 8)
/* ... of a64_h_pac2: the register with the pointer as well. */
#define A64_PAC2_DO(what, key, combined, reg) \
    (A64_PAC_DO(what, key, combined) | (uint64_t)(reg) << 16)

/* One or two 64-bit values that a code depends on besides the pointer and the key. */
typedef struct {
    uint64_t first, second;
    bool two;
} A64PacModifiers;

/* The address that a branch to va goes to at the current EL: without its tag, where it has one.
 * Source: Arm ARM, "Address tagging" and the pseudocode function for branch addresses. */
uint64_t a64_branch_address(A64Cpu *cpu, uint64_t va);
/* Is any key enabled at this EL? Otherwise signing and authenticating change nothing. */
bool a64_pac_enabled(const A64Cpu *cpu);
/* The result of a64_h_pac without traps and without failing authentication's exception; *ok tells
 * whether it succeeded. */
uint64_t a64_pac(A64Cpu *cpu, uint64_t ptr, const A64PacModifiers *modifiers, uint64_t what,
                 bool *ok);
/* Does PACM set PSTATE.PACM at this Exception level? Source: Arm ARM, "PSTATE.PACM", SCTLR2_ELx,
 * HCRX_EL2 and the pseudocode function for its being enabled. */
bool a64_pacm_enabled(const A64Cpu *cpu, unsigned el);
