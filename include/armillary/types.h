/*
 * Addresses that must not be mixed, and the small scalar types every room shares.
 * Arm ARM, "The AArch64 Virtual Memory System Architecture": virtual, intermediate physical
 * and physical addresses.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t v;
} Va;

typedef struct {
    uint64_t v;
} Ipa;

typedef struct {
    uint64_t v;
} Pa;

#define ARM_PAGE_BITS 12
#define ARM_PAGE_SIZE (UINT64_C(1) << ARM_PAGE_BITS)
#define ARM_PAGE_MASK (ARM_PAGE_SIZE - 1)

#define ARM_LIKELY(x) __builtin_expect(!!(x), 1)
#define ARM_UNLIKELY(x) __builtin_expect(!!(x), 0)
