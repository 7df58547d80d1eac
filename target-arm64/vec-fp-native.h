/*
 * Arithmetic on whole vectors of singles or doubles by the host, where that is what the guest asks
 * for: FPCR is zero in what matters, FPSR.IXC is set already, and every result is an ordinary
 * number by the argument of armillary/fp-fast.h. Otherwise the function `slow` computes lane by
 * lane.
 */
#pragma once

#include <float.h>

#include "fp/host.h"
#include "vec-fp.h"

/* The conditions that do not depend on the numbers; the bytes of a scalar of 4 are not worth it. */
static inline bool vec_fp_native(const FpEnv *env, uint64_t desc)
{
    const uint32_t mode = FP_CR_RMODE | FP_CR_FZ | FP_CR_FIZ | FP_CR_AH;
    return !(env->fpcr & mode) && (env->fpsr & FP_SR_IXC) && vec_bytes(desc) >= 8;
}

static inline bool vec_fp_all(const void *mask)
{
    const A64Vreg *m = mask;
    return (m->d[0] & m->d[1]) == UINT64_MAX;
}

/* Smallest magnitude whose biased exponent is 2, and the largest finite one. */
#define VEC_FP_LEAST_32 0x1p-125f
#define VEC_FP_MOST_32 FLT_MAX
#define VEC_FP_LEAST_64 0x1p-1021
#define VEC_FP_MOST_64 DBL_MAX
#define VEC_FP_TYPE_32 float
#define VEC_FP_TYPE_64 double

/*
 * The types of a function on vectors of numbers F, bits VU and masks VS, with operands x, y and the
 * old z.
 */
#define VEC_FP_TYPES(bits)                                                                         \
    typedef VEC_FP_TYPE_##bits F __attribute__((vector_size(16)));                                 \
    typedef uint##bits##_t VU __attribute__((vector_size(16)));                                    \
    typedef int##bits##_t VS __attribute__((vector_size(16)));                                     \
    const F x = *(const F *)n, y __attribute__((unused)) = *(const F *)m;                          \
    const F z __attribute__((unused)) = *(const F *)d;
#define VEC_FP_MAGNITUDE(v, bits) ((F)((VU)(v) & (UINT##bits##_MAX >> 1)))
#define VEC_FP_ORDINARY(v, bits)                                                                   \
    ((VEC_FP_MAGNITUDE(v, bits) >= VEC_FP_LEAST_##bits) &                                          \
     (VEC_FP_MAGNITUDE(v, bits) <= VEC_FP_MOST_##bits))

/* result: an expression of x and y; exact_zero: a mask of lanes whose zero result is exact. */
#define VEC_FP_NATIVE(fn, bits, result, exact_zero, slow)                                          \
    VEC_FN(fn)                                                                                     \
    {                                                                                              \
        if (vec_fp_native(vec_env(cpu), desc)) {                                                   \
            VEC_FP_TYPES(bits)                                                                     \
            const F r = (result);                                                                  \
            const VS good = VEC_FP_ORDINARY(r, bits) | ((r == 0) & (exact_zero));                  \
            if (vec_fp_all(&good)) {                                                               \
                vec_put(d, (const A64Vreg *)&r, desc);                                             \
                return;                                                                            \
            }                                                                                      \
        }                                                                                          \
        slow(cpu, d, n, m, desc);                                                                  \
    }

/* z + x * y, or z - x * y, in one rounding, where the host has that (fp/host.h). */
#define VEC_FP_NATIVE_FMA(fn, bits, fma, factor, slow)                                             \
    FP_HOST_FMA static bool fn##_native(void *d, const void *n, const void *m, uint64_t desc)      \
    {                                                                                              \
        VEC_FP_TYPES(bits)                                                                         \
        F r;                                                                                       \
        for (unsigned i = 0; i < 128 / bits; i++) {                                                \
            r[i] = fma((factor)[i], y[i], z[i]);                                                   \
        }                                                                                          \
        const VS exact_zero = (r == 0) & ((x == 0) | (y == 0));                                    \
        const VS good = VEC_FP_ORDINARY(r, bits) | exact_zero;                                     \
        if (!vec_fp_all(&good)) {                                                                  \
            return false;                                                                          \
        }                                                                                          \
        vec_put(d, (const A64Vreg *)&r, desc);                                                     \
        return true;                                                                               \
    }                                                                                              \
    VEC_FN(fn)                                                                                     \
    {                                                                                              \
        if (!vec_fp_native(vec_env(cpu), desc) || !fp_host_has_fma() ||                            \
            !fn##_native(d, n, m, desc)) {                                                         \
            slow(cpu, d, n, m, desc);                                                              \
        }                                                                                          \
    }
