/*
 * Single accesses of host memory that holds guest memory: atomics of the access's size, and the
 * 16-byte ones that C11 does not promise to do without a lock. The one header that knows how.
 */
#pragma once

#include "armillary/ir.h"

/* size: log2 of bytes; host aligned to it. */
static inline uint64_t eng_host_load(const void *host, unsigned size)
{
    switch (size) {
    case 0:
        return __atomic_load_n((const uint8_t *)host, __ATOMIC_ACQUIRE);
    case 1:
        return __atomic_load_n((const uint16_t *)host, __ATOMIC_ACQUIRE);
    case 2:
        return __atomic_load_n((const uint32_t *)host, __ATOMIC_ACQUIRE);
    default:
        return __atomic_load_n((const uint64_t *)host, __ATOMIC_ACQUIRE);
    }
}

static inline void eng_host_store_size(void *host, unsigned size, uint64_t v)
{
    switch (size) {
    case 0:
        __atomic_store_n((uint8_t *)host, (uint8_t)v, __ATOMIC_RELEASE);
        break;
    case 1:
        __atomic_store_n((uint16_t *)host, (uint16_t)v, __ATOMIC_RELEASE);
        break;
    case 2:
        __atomic_store_n((uint32_t *)host, (uint32_t)v, __ATOMIC_RELEASE);
        break;
    default:
        __atomic_store_n((uint64_t *)host, v, __ATOMIC_RELEASE);
        break;
    }
}

/* A store of the size and order in mem (IR_MEM_*); STLR is sequentially consistent. */
static inline void eng_host_store(void *host, uint64_t mem, uint64_t v)
{
    eng_host_store_size(host, IR_MEM_GET_SIZE(mem), v);
    if (IR_MEM_GET_ORDER(mem) != IR_ORDER_NONE)
        arm_full_fence();
}

/* The atomic operation, size and order in mem; b and c as for IR_ATOMIC. Returns the old value. */
uint64_t eng_host_atomic(void *host, uint64_t mem, uint64_t b, uint64_t c);

/*
 * 16 bytes at an aligned address, each in one piece: aligned SSE accesses of a processor that has
 * AVX are.
 * DIFFERS: on other hosts two halves move, which other vCPUs may tell apart (FEAT_LSE2).
 */
static inline void eng_host_load16(const void *host, uint64_t v[2])
{
#if defined(__x86_64__)
    typedef uint64_t Both __attribute__((vector_size(16)));
    Both both;
    __asm__ volatile("movdqa %1, %0" : "=x"(both) : "m"(*(const Both *)host) : "memory");
    v[0] = both[0];
    v[1] = both[1];
#else
    v[0] = eng_host_load(host, 3);
    v[1] = eng_host_load((const uint64_t *)host + 1, 3);
#endif
}

static inline void eng_host_store16(void *host, const uint64_t v[2])
{
#if defined(__x86_64__)
    typedef uint64_t Both __attribute__((vector_size(16)));
    const Both both = {v[0], v[1]};
    __asm__ volatile("movdqa %1, %0" : "=m"(*(Both *)host) : "x"(both) : "memory");
#else
    eng_host_store_size(host, 3, v[0]);
    eng_host_store_size((uint64_t *)host + 1, 3, v[1]);
#endif
}

/* cas: expected is what was seen afterwards. */
bool eng_host_cas16(void *host, uint64_t expected[2], const uint64_t desired[2]);
/* size: log2 of bytes, 0..3; *expected is what was seen afterwards. */
bool eng_host_cas(void *host, unsigned size, uint64_t *expected, uint64_t desired);

/*
 * What lies anywhere within 16 aligned bytes, in one piece. n: bytes; size: log2 of them. Arm ARM,
 * "Changes to single-copy atomicity in Armv8.4".
 */
uint64_t eng_host_load_within(const void *host, unsigned n);
void eng_host_store_within(void *host, unsigned n, uint64_t v);
bool eng_host_cas_within(void *host, unsigned size, uint64_t *expected, uint64_t desired);
uint64_t eng_host_atomic_within(void *host, uint64_t mem, uint64_t b, uint64_t c);
/* Two neighbours of n bytes each. */
void eng_host_load_pair_within(const void *host, unsigned n, uint64_t v[2]);
void eng_host_store_pair_within(void *host, unsigned n, const uint64_t v[2]);
