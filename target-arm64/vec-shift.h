/*
 * Shifts of one lane, held sign- or zero-extended in 64 bits, by a signed count: left, or right
 * when it is negative, then with rounding if asked. n = bits of the lane. Arm ARM, SSHL, USHL,
 * SRSHL, SQSHL and kin.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* a / 2^count, count 1 or more; beyond the lane's size too. */
static inline int64_t vec_sshr(int64_t a, unsigned count, unsigned n, bool round)
{
    if (count >= n) {
        return round ? 0 : a >> 63;
    }
    return (a >> count) + (round ? a >> (count - 1) & 1 : 0);
}

static inline uint64_t vec_ushr(uint64_t a, unsigned count, unsigned n, bool round)
{
    if (count >= n) {
        return round && count == n ? a >> (n - 1) & 1 : 0;
    }
    return (a >> count) + (round ? a >> (count - 1) & 1 : 0);
}

static inline int64_t vec_sshl(int64_t a, int count, unsigned n, bool round)
{
    if (count < 0) {
        return vec_sshr(a, (unsigned)-count, n, round);
    }
    return (unsigned)count < n ? (int64_t)((uint64_t)a << count) : 0;
}

static inline uint64_t vec_ushl(uint64_t a, int count, unsigned n, bool round)
{
    if (count < 0) {
        return vec_ushr(a, (unsigned)-count, n, round);
    }
    return (unsigned)count < n ? a << count : 0;
}

/* The same, saturating to n bits: *sat is set when that changes the result. */
static inline int64_t vec_sqshl(int64_t a, int count, unsigned n, bool round, bool *sat)
{
    if (count < 0 || a == 0) {
        return vec_sshl(a, count, n, round);
    }
    const int64_t most = (int64_t)(UINT64_MAX >> (65 - n));
    if ((unsigned)count >= n || a > most >> count || a < (-most - 1) >> count) {
        *sat = true;
        return a < 0 ? -most - 1 : most;
    }
    return (int64_t)((uint64_t)a << count);
}

static inline uint64_t vec_uqshl(uint64_t a, int count, unsigned n, bool round, bool *sat)
{
    if (count < 0 || a == 0) {
        return vec_ushl(a, count, n, round);
    }
    const uint64_t most = UINT64_MAX >> (64 - n);
    if ((unsigned)count >= n || a > most >> count) {
        *sat = true;
        return most;
    }
    return a << count;
}

/* A signed value shifted left and saturated to n unsigned bits (SQSHLU), count 0 to n - 1. */
static inline uint64_t vec_sqshlu(int64_t a, int count, unsigned n, bool *sat)
{
    if (a < 0) {
        *sat = true;
        return 0;
    }
    return vec_uqshl((uint64_t)a, count, n, false, sat);
}
