/*
 * Makers of vector helpers between lanes of `bits` and lanes of `wbits`, twice that: see vec.h. The
 * descriptor's bytes are those of the narrow lanes, 8, or fewer for a scalar; A64_VEC_UPPER takes
 * or fills the upper half of the narrow register. In the expressions T, U, S are the narrow types
 * and N their bits; W is the wide type of the same signedness, WU unsigned. sat and imm are as in
 * VEC_LANES.
 */
#pragma once

#include "vec.h"

#define VEC_WIDE_TYPES(sg, bits, wbits)                                                            \
    VEC_TYPES(sg, bits)                                                                            \
    typedef __typeof__(((A64Vreg *)0)->sg##wbits[0]) W __attribute__((unused));                    \
    typedef uint##wbits##_t WU __attribute__((unused));                                            \
    const unsigned imm __attribute__((unused)) = vec_imm(desc);                                    \
    const unsigned lanes = vec_bytes(desc) * 8 / N;                                                \
    const unsigned first __attribute__((unused)) = desc & A64_VEC_UPPER ? 64 / N : 0;              \
    bool sat __attribute__((unused)) = false;                                                      \
    FpEnv *env __attribute__((unused)) = vec_env(cpu);
#define W_MAX ((W)((WU) ~(WU)0 >> 1))
#define W_MIN ((W)((WU)1 << (2 * N - 1)))

/* Wide results of narrow a and b and the old wide c. */
#define VEC_LONG(fn, sg, bits, wbits, expr)                                                        \
    VEC_FN(fn)                                                                                     \
    {                                                                                              \
        VEC_WIDE_TYPES(sg, bits, wbits)                                                            \
        const A64Vreg *x = n, *y = m, *z = d;                                                      \
        A64Vreg r = {0};                                                                           \
        for (unsigned i = 0; i < lanes; i++) {                                                     \
            const T a = x->sg##bits[first + i];                                                    \
            const T b __attribute__((unused)) = y->sg##bits[first + i];                            \
            const W c __attribute__((unused)) = z->sg##wbits[i];                                   \
            r.sg##wbits[i] = (W)(expr);                                                            \
        }                                                                                          \
        vec_saturated(cpu, sat);                                                                   \
        *(A64Vreg *)d = r;                                                                         \
    }

/* Wide results of wide a and narrow b. */
#define VEC_WIDE(fn, sg, bits, wbits, expr)                                                        \
    VEC_FN(fn)                                                                                     \
    {                                                                                              \
        VEC_WIDE_TYPES(sg, bits, wbits)                                                            \
        const A64Vreg *x = n, *y = m;                                                              \
        A64Vreg r = {0};                                                                           \
        for (unsigned i = 0; i < lanes; i++) {                                                     \
            const W a = x->sg##wbits[i];                                                           \
            const T b = y->sg##bits[first + i];                                                    \
            r.sg##wbits[i] = (W)(expr);                                                            \
        }                                                                                          \
        *(A64Vreg *)d = r;                                                                         \
    }

/* Narrow results of wide a and b. */
#define VEC_NARROW(fn, sg, bits, wbits, expr)                                                      \
    VEC_FN(fn)                                                                                     \
    {                                                                                              \
        VEC_WIDE_TYPES(sg, bits, wbits)                                                            \
        const A64Vreg *x = n, *y = m;                                                              \
        A64Vreg r = {0};                                                                           \
        for (unsigned i = 0; i < lanes; i++) {                                                     \
            const W a = x->sg##wbits[i];                                                           \
            const W b __attribute__((unused)) = y->sg##wbits[i];                                   \
            r.u##bits[i] = (U)(expr);                                                              \
        }                                                                                          \
        vec_saturated(cpu, sat);                                                                   \
        vec_put_narrow(d, r.d[0], desc);                                                           \
    }
