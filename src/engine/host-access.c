/*
 * Atomic read-modify-write on host memory. Arm ARM, "Atomic instructions"; 16 bytes: "Requirements
 * for single-copy atomicity".
 */
#include "host-access.h"

#include <string.h>

/* min and max have no host instruction: compare-and-swap until it holds. */
#define OPERATE(U, S)                                                                       \
    static U operate_##U(U *p, IrAtomic op, U b, U c)                                       \
    {                                                                                       \
        U old = b;                                                                          \
        switch (op) {                                                                       \
        case IR_ATOMIC_SWP:                                                                 \
            return __atomic_exchange_n(p, b, __ATOMIC_SEQ_CST);                             \
        case IR_ATOMIC_ADD:                                                                 \
            return __atomic_fetch_add(p, b, __ATOMIC_SEQ_CST);                              \
        case IR_ATOMIC_CLR:                                                                 \
            return __atomic_fetch_and(p, (U)~b, __ATOMIC_SEQ_CST);                          \
        case IR_ATOMIC_EOR:                                                                 \
            return __atomic_fetch_xor(p, b, __ATOMIC_SEQ_CST);                              \
        case IR_ATOMIC_SET:                                                                 \
            return __atomic_fetch_or(p, b, __ATOMIC_SEQ_CST);                               \
        case IR_ATOMIC_CAS:                                                                 \
            __atomic_compare_exchange_n(p, &old, c, false, __ATOMIC_SEQ_CST,                \
                                        __ATOMIC_SEQ_CST);                                  \
            return old;                                                                     \
        case IR_ATOMIC_SMAX:                                                                \
        case IR_ATOMIC_SMIN:                                                                \
        case IR_ATOMIC_UMAX:                                                                \
        case IR_ATOMIC_UMIN:                                                                \
            break;                                                                          \
        }                                                                                   \
        old = __atomic_load_n(p, __ATOMIC_RELAXED);                                         \
        for (;;) {                                                                          \
            bool less = op == IR_ATOMIC_SMAX || op == IR_ATOMIC_SMIN ? (S)old < (S)b        \
                                                                     : old < b;             \
            bool max = op == IR_ATOMIC_SMAX || op == IR_ATOMIC_UMAX;                        \
            U want = less == max ? b : old;                                                 \
            if (__atomic_compare_exchange_n(p, &old, want, false, __ATOMIC_SEQ_CST,         \
                                            __ATOMIC_SEQ_CST))                              \
                return old;                                                                 \
        }                                                                                   \
    }

OPERATE(uint8_t, int8_t)
OPERATE(uint16_t, int16_t)
OPERATE(uint32_t, int32_t)
OPERATE(uint64_t, int64_t)

uint64_t eng_host_atomic(void *host, uint64_t mem, uint64_t b, uint64_t c)
{
    IrAtomic op = IR_MEM_GET_ATOMIC(mem);
    switch (IR_MEM_GET_SIZE(mem)) {
    case 0:
        return operate_uint8_t(host, op, (uint8_t)b, (uint8_t)c);
    case 1:
        return operate_uint16_t(host, op, (uint16_t)b, (uint16_t)c);
    case 2:
        return operate_uint32_t(host, op, (uint32_t)b, (uint32_t)c);
    default:
        return operate_uint64_t(host, op, b, c);
    }
}

#define CAS(U)                                                                              \
    static bool cas_##U(U *p, uint64_t *expected, uint64_t desired)                         \
    {                                                                                       \
        U want = (U)*expected;                                                              \
        bool done = __atomic_compare_exchange_n(p, &want, (U)desired, false,                \
                                                __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);        \
        *expected = want;                                                                   \
        return done;                                                                        \
    }

CAS(uint8_t)
CAS(uint16_t)
CAS(uint32_t)
CAS(uint64_t)

bool eng_host_cas(void *host, unsigned size, uint64_t *expected, uint64_t desired)
{
    switch (size) {
    case 0:
        return cas_uint8_t(host, expected, desired);
    case 1:
        return cas_uint16_t(host, expected, desired);
    case 2:
        return cas_uint32_t(host, expected, desired);
    default:
        return cas_uint64_t(host, expected, desired);
    }
}

bool eng_host_cas16(void *host, uint64_t expected[2], const uint64_t desired[2])
{
#if defined(__x86_64__)
    bool done;
    __asm__ volatile("lock cmpxchg16b %1"
                     : "=@ccz"(done), "+m"(*(unsigned __int128 *)host), "+a"(expected[0]),
                       "+d"(expected[1])
                     : "b"(desired[0]), "c"(desired[1])
                     : "memory");
    return done;
#else
    unsigned __int128 want, value;
    memcpy(&want, expected, 16);
    memcpy(&value, desired, 16);
    bool done = __atomic_compare_exchange_n((unsigned __int128 *)host, &want, value, false,
                                            __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    memcpy(expected, &want, 16);
    return done;
#endif
}

/* --- anywhere within 16 bytes --- */

static unsigned offset_in(const void *host)
{
    return (uintptr_t)host & 15;
}

static void *base_of(const void *host)
{
    return (void *)((uintptr_t)host & ~(uintptr_t)15);
}

uint64_t eng_host_load_within(const void *host, unsigned n)
{
    uint64_t v[2], part = 0;
    eng_host_load16(base_of(host), v);
    memcpy(&part, (const uint8_t *)v + offset_in(host), n);
    return part;
}

/* Replaces n bytes; the others keep what they hold. */
static void replace(void *host, unsigned n, const void *from)
{
    uint64_t seen[2], want[2];
    eng_host_load16(base_of(host), seen);
    do {
        memcpy(want, seen, 16);
        memcpy((uint8_t *)want + offset_in(host), from, n);
    } while (!eng_host_cas16(base_of(host), seen, want));
}

void eng_host_store_within(void *host, unsigned n, uint64_t v)
{
    replace(host, n, &v);
}

bool eng_host_cas_within(void *host, unsigned size, uint64_t *expected, uint64_t desired)
{
    uint64_t seen[2], want[2], now = 0;
    if (!((uintptr_t)host & ((1u << size) - 1)))
        return eng_host_cas(host, size, expected, desired);
    eng_host_load16(base_of(host), seen);
    do {
        memcpy(&now, (uint8_t *)seen + offset_in(host), 1u << size);
        if (now != *expected) {
            *expected = now;
            return false;
        }
        memcpy(want, seen, 16);
        memcpy((uint8_t *)want + offset_in(host), &desired, 1u << size);
    } while (!eng_host_cas16(base_of(host), seen, want));
    return true;
}

uint64_t eng_host_atomic_within(void *host, uint64_t mem, uint64_t b, uint64_t c)
{
    uint64_t seen[2], want[2], now = 0, old;
    unsigned n = 1u << IR_MEM_GET_SIZE(mem);
    eng_host_load16(base_of(host), seen);
    do {
        memcpy(want, seen, 16);
        memcpy(&now, (uint8_t *)seen + offset_in(host), n);
        old = eng_host_atomic(&now, mem, b, c);
        memcpy((uint8_t *)want + offset_in(host), &now, n);
    } while (!eng_host_cas16(base_of(host), seen, want));
    return old;
}

void eng_host_load_pair_within(const void *host, unsigned n, uint64_t v[2])
{
    uint64_t seen[2];
    const uint8_t *at = (const uint8_t *)seen + offset_in(host);
    eng_host_load16(base_of(host), seen);
    v[0] = v[1] = 0;
    memcpy(&v[0], at, n);
    memcpy(&v[1], at + n, n);
}

void eng_host_store_pair_within(void *host, unsigned n, const uint64_t v[2])
{
    uint8_t both[16];
    memcpy(both, &v[0], n);
    memcpy(both + n, &v[1], n);
    replace(host, 2 * n, both);
}
