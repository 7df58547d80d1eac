/*
 * QARMA, the block cipher of pointer authentication (FEAT_PACQARMA5, FEAT_PACQARMA3). Avanzi, "The
 * QARMA Block Cipher Family"; Arm ARM, pseudocode of ComputePACQARMA.
 */
#pragma once

#include "armillary/types.h"

/* key: the high half, the low half. */
uint64_t a64_qarma5(uint64_t data, uint64_t modifier, const uint64_t key[2]);
uint64_t a64_qarma3(uint64_t data, uint64_t modifier, const uint64_t key[2]);
