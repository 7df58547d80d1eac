/*
 * Pointer authentication (FEAT_PAuth, FEAT_PAuth2, FEAT_FPAC) with an algorithm of our own
 * (FEAT_PACIMP). Arm ARM, "Pointer authentication".
 */
#pragma once

#include "state.h"

typedef enum { A64_KEY_IA, A64_KEY_IB, A64_KEY_DA, A64_KEY_DB } A64PacKey;

/* What a helper is asked to do with a pointer. */
typedef enum { A64_PAC_SIGN, A64_PAC_AUTH, A64_PAC_STRIP } A64PacWhat;

/* Third argument of a64_h_pac. combined: part of a branch, return or load. */
#define A64_PAC_DO(what, key, combined) \
    ((uint64_t)(what) | (uint64_t)(key) << 4 | (uint64_t)(combined) << 8)

/* The address that a branch to va goes to at the current EL: without its tag, where it has one.
 * Source: Arm ARM, "Address tagging" and the pseudocode function for branch addresses. */
uint64_t a64_branch_address(const A64Cpu *cpu, uint64_t va);
/* Is any key enabled at this EL? Otherwise signing and authenticating change nothing. */
bool a64_pac_enabled(const A64Cpu *cpu);
/* The result of a64_h_pac without traps and without failing authentication's exception; *ok tells
 * whether it succeeded. */
uint64_t a64_pac(const A64Cpu *cpu, uint64_t ptr, uint64_t modifier, uint64_t what, bool *ok);
