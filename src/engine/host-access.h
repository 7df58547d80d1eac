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
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* The atomic operation, size and order in mem; b and c as for IR_ATOMIC. Returns the old value. */
uint64_t eng_host_atomic(void *host, uint64_t mem, uint64_t b, uint64_t c);

/* 16 bytes at an aligned address, each in one piece. cas: expected is what was seen afterwards. */
void eng_host_load16(const void *host, uint64_t v[2]);
void eng_host_store16(void *host, const uint64_t v[2]);
bool eng_host_cas16(void *host, uint64_t expected[2], const uint64_t desired[2]);
/* size: log2 of bytes, 0..3; *expected is what was seen afterwards. */
bool eng_host_cas(void *host, unsigned size, uint64_t *expected, uint64_t desired);
