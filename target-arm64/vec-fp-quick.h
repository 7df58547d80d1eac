/*
 * The operations of armillary/fp.h with what most programs do in place: the fast paths of fp-
 * fast.h, and comparisons and conversions of ordinary numbers on the host FPU. What is not ordinary
 * goes to the exact function.
 */
#pragma once

#include "armillary/fp-convert.h"
#include "armillary/fp-fast.h"

#define FP_QUICK2(name, sfx, type)                                                                 \
    static inline type quick_##name##_##sfx(type a, type b, FpEnv *env)                            \
    {                                                                                              \
        type r;                                                                                    \
        return fp_fast_##name##_##sfx(a, b, env, &r) ? r : fp_##name##_##sfx(a, b, env);           \
    }
FP_QUICK2(add, s, uint32_t)
FP_QUICK2(add, d, uint64_t)
FP_QUICK2(sub, s, uint32_t)
FP_QUICK2(sub, d, uint64_t)
FP_QUICK2(mul, s, uint32_t)
FP_QUICK2(mul, d, uint64_t)
FP_QUICK2(div, s, uint32_t)
FP_QUICK2(div, d, uint64_t)

/* Denormals are numbers like others: no operand is flushed. */
static inline bool quick_keeps_denormals(const FpEnv *env)
{
    return !(env->fpcr & (FP_CR_FZ | FP_CR_FIZ | FP_CR_AH));
}

/* Comparisons of numbers raise nothing. */
#define FP_QUICK_TEST(name, op, sfx, type)                                                         \
    static inline bool quick_##name##_##sfx(type a, type b, FpEnv *env)                            \
    {                                                                                              \
        const __typeof__(fp_host_##sfx(a)) x = fp_host_##sfx(a), y = fp_host_##sfx(b);             \
        if (quick_keeps_denormals(env) && !__builtin_isunordered(x, y)) {                          \
            return x op y;                                                                         \
        }                                                                                          \
        return fp_##name##_##sfx(a, b, env);                                                       \
    }
/*
 * Maximum and minimum of numbers that differ are one of them; zeros may need their sign looked at.
 */
#define FP_QUICK_SELECT(name, op, sfx, type)                                                       \
    static inline type quick_##name##_##sfx(type a, type b, FpEnv *env)                            \
    {                                                                                              \
        const __typeof__(fp_host_##sfx(a)) x = fp_host_##sfx(a), y = fp_host_##sfx(b);             \
        if (quick_keeps_denormals(env) && (x < y || x > y || (x == y && a == b))) {                \
            return x op y ? a : b;                                                                 \
        }                                                                                          \
        return fp_##name##_##sfx(a, b, env);                                                       \
    }
#define FP_QUICK_ORDER(sfx, type)                                                                  \
    FP_QUICK_TEST(eq, ==, sfx, type)                                                               \
    FP_QUICK_TEST(ge, >=, sfx, type)                                                               \
    FP_QUICK_TEST(gt, >, sfx, type)                                                                \
    FP_QUICK_SELECT(max, >, sfx, type)                                                             \
    FP_QUICK_SELECT(maxnm, >, sfx, type)                                                           \
    FP_QUICK_SELECT(min, <, sfx, type)                                                             \
    FP_QUICK_SELECT(minnm, <, sfx, type)                                                           \
    static inline unsigned quick_compare_##sfx(type a, type b, bool signal, FpEnv *env)            \
    {                                                                                              \
        const __typeof__(fp_host_##sfx(a)) x = fp_host_##sfx(a), y = fp_host_##sfx(b);             \
        if (quick_keeps_denormals(env) && !__builtin_isunordered(x, y)) {                          \
            return x == y ? 6 : x < y ? 8 : 2;                                                     \
        }                                                                                          \
        return fp_compare_##sfx(a, b, signal, env);                                                \
    }
FP_QUICK_ORDER(s, uint32_t)
FP_QUICK_ORDER(d, uint64_t)

/* Towards zero, to a signed integer that has room: what the host's conversion does. */
#define FP_QUICK_TO_SINT(sfx, type)                                                                \
    static inline uint64_t quick_to_sint_##sfx(type a, unsigned bits, unsigned fbits,              \
                                               FpRounding rounding, FpEnv *env)                    \
    {                                                                                              \
        const __typeof__(fp_host_##sfx(a)) x = fp_host_##sfx(a);                                   \
        const __typeof__(x) limit = bits == 64 ? 0x1p63f : 0x1p31f;                                \
        const bool fits = bits >= 32 && x < limit && x > -limit;                                   \
        if (rounding != FP_ROUND_ZERO || fbits || !fits || !quick_keeps_denormals(env)) {          \
            return fp_to_sint_##sfx(a, bits, fbits, rounding, env);                                \
        }                                                                                          \
        const int64_t r = (int64_t)x;                                                              \
        env->fpsr |= (__typeof__(x))r != x ? FP_SR_IXC : 0;                                        \
        return (uint64_t)r & (UINT64_MAX >> (64 - bits));                                          \
    }
FP_QUICK_TO_SINT(s, uint32_t)
FP_QUICK_TO_SINT(d, uint64_t)

/* An int32 is a double exactly; other integers round to nearest as the host does. */
static inline uint64_t quick_from_sint_d(uint64_t a, unsigned fbits, FpEnv *env)
{
    const int64_t value = (int64_t)a;
    const bool exact = value == (int32_t)value;
    const bool rounds = !(env->fpcr & FP_CR_RMODE) && (env->fpsr & FP_SR_IXC);
    return !fbits && (exact || rounds) ? fp_bits_d((double)value) : fp_from_sint_d(a, fbits, env);
}

static inline uint32_t quick_from_sint_s(uint64_t a, unsigned fbits, FpEnv *env)
{
    const int64_t value = (int64_t)a;
    const bool exact = value < 1 << 24 && value > -(1 << 24);
    const bool rounds = !(env->fpcr & FP_CR_RMODE) && (env->fpsr & FP_SR_IXC);
    return !fbits && (exact || rounds) ? fp_bits_s((float)value) : fp_from_sint_s(a, fbits, env);
}

/* Half precision has no fast paths. */
#define quick_add_h fp_add_h
#define quick_sub_h fp_sub_h
#define quick_mul_h fp_mul_h
#define quick_div_h fp_div_h
#define quick_eq_h fp_eq_h
#define quick_ge_h fp_ge_h
#define quick_gt_h fp_gt_h
#define quick_max_h fp_max_h
#define quick_maxnm_h fp_maxnm_h
#define quick_min_h fp_min_h
#define quick_minnm_h fp_minnm_h
#define quick_compare_h fp_compare_h
#define quick_to_sint_h fp_to_sint_h
#define quick_from_sint_h fp_from_sint_h
