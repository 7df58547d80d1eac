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

/*
 * A fence that orders everything before it with everything behind it. On x86-64 a locked
 * instruction does that for ordinary memory at a fraction of the price of the MFENCE that compilers
 * make of it (Intel SDM, volume 3, "Strengthening or Weakening the Memory-Ordering Model"); the
 * thread sanitizer only knows the library's.
 */
static inline void arm_full_fence(void)
{
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
    __asm__ volatile("lock; orl $0, (%%rsp)" : : : "memory", "cc");
#else
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}
