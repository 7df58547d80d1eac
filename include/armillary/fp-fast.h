/*
 * Fast paths: single and double precision on the host FPU where result and flags are provably those
 * of the exact path. Each function returns false, having changed nothing, when it cannot tell; the
 * caller then uses the plain function of armillary/fp.h (which tries the fast path itself).
 *
 * The argument, once for all of them. With FPCR.RMode at nearest and no NaN, infinity or flushed
 * denormal among the operands, IEEE 754 fixes the result, and host and guest agree. A result of
 * biased exponent 2 or more is neither tiny before rounding nor an overflow, and shows that no
 * operand was a NaN; that leaves the inexact flag. Either it is set already (it is cumulative, and
 * once set stays set in nearly all programs), or the rounding error is tested for, exactly.
 */
#pragma once

#include <string.h>

#include "armillary/fp.h"

static inline float fp_host_s(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline double fp_host_d(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t fp_bits_s(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline uint64_t fp_bits_d(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* Finite, and well clear of the denormals. */
static inline bool fp_fast_normal_s(float value)
{
    return ((fp_bits_s(value) >> 23) & 0xff) - 2 < 0xfd;
}

static inline bool fp_fast_normal_d(double value)
{
    return ((fp_bits_d(value) >> 52) & 0x7ff) - 2 < 0x7fd;
}

static inline bool fp_fast_is_denormal_s(uint32_t bits)
{
    return fp_abs_s(bits) - 1 < 0x7fffff;
}

static inline bool fp_fast_is_denormal_d(uint64_t bits)
{
    return fp_abs_d(bits) - 1 < (UINT64_C(1) << 52) - 1;
}

/* Whether FPCR allows the host FPU for these operands (pass one twice when there are fewer). */
static inline bool fp_fast_allows_s(uint32_t a, uint32_t b, const FpEnv *env)
{
    uint32_t mode = env->fpcr & (FP_CR_RMODE | FP_CR_FZ | FP_CR_FIZ | FP_CR_AH);
    return mode == 0 ||
           (mode == FP_CR_FZ && !fp_fast_is_denormal_s(a) && !fp_fast_is_denormal_s(b));
}

static inline bool fp_fast_allows_d(uint64_t a, uint64_t b, const FpEnv *env)
{
    uint32_t mode = env->fpcr & (FP_CR_RMODE | FP_CR_FZ | FP_CR_FIZ | FP_CR_AH);
    return mode == 0 ||
           (mode == FP_CR_FZ && !fp_fast_is_denormal_d(a) && !fp_fast_is_denormal_d(b));
}

/* Ends an operation whose error is known: delivers the result and raises IXC if it was inexact. */
static inline bool fp_fast_done_s(float value, bool inexact, uint32_t *result, FpEnv *env)
{
    *result = fp_bits_s(value);
    env->fpsr |= inexact ? FP_SR_IXC : 0;
    return true;
}

static inline bool fp_fast_done_d(double value, bool inexact, uint64_t *result, FpEnv *env)
{
    *result = fp_bits_d(value);
    env->fpsr |= inexact ? FP_SR_IXC : 0;
    return true;
}

/*
 * A sum is exact just when taking either operand away leaves the other: taking away the larger one
 * makes no rounding error (Dekker). A sum of zero is always exact.
 */
static inline bool fp_fast_add_s(uint32_t a, uint32_t b, FpEnv *env, uint32_t *result)
{
    float x = fp_host_s(a);
    float y = fp_host_s(b);
    float sum = x + y;
    if (!fp_fast_allows_s(a, b, env) || !(fp_fast_normal_s(sum) || sum == 0)) {
        return false;
    }
    bool inexact = !(env->fpsr & FP_SR_IXC) && !(sum - x == y && sum - y == x);
    return fp_fast_done_s(sum, inexact, result, env);
}

static inline bool fp_fast_add_d(uint64_t a, uint64_t b, FpEnv *env, uint64_t *result)
{
    double x = fp_host_d(a);
    double y = fp_host_d(b);
    double sum = x + y;
    if (!fp_fast_allows_d(a, b, env) || !(fp_fast_normal_d(sum) || sum == 0)) {
        return false;
    }
    bool inexact = !(env->fpsr & FP_SR_IXC) && !(sum - x == y && sum - y == x);
    return fp_fast_done_d(sum, inexact, result, env);
}

/* x - y is x + (-y), NaNs excepted, and they do not get here. */
static inline bool fp_fast_sub_s(uint32_t a, uint32_t b, FpEnv *env, uint32_t *result)
{
    return fp_fast_add_s(a, fp_neg_s(b), env, result);
}

static inline bool fp_fast_sub_d(uint64_t a, uint64_t b, FpEnv *env, uint64_t *result)
{
    return fp_fast_add_d(a, fp_neg_d(b), env, result);
}

/* Significant bits of a finite number; a denormal may be given too many, which is the safe side. */
static inline int fp_fast_length_d(double value)
{
    return 53 - __builtin_ctzll(fp_bits_d(value) | UINT64_C(1) << 52);
}

/* Products of singles are exact in double. */
static inline bool fp_fast_mul_s(uint32_t a, uint32_t b, FpEnv *env, uint32_t *result)
{
    double x = fp_host_s(a);
    double y = fp_host_s(b);
    float product = fp_host_s(a) * fp_host_s(b);
    bool is_zero = product == 0 && (x == 0 || y == 0);
    if (!fp_fast_allows_s(a, b, env) || !(fp_fast_normal_s(product) || is_zero)) {
        return false;
    }
    return fp_fast_done_s(product, x * y != product, result, env);
}

/* When the operands' significant bits together fit in 53, so does the product; else ask elsewhere.
 */
static inline bool fp_fast_mul_d(uint64_t a, uint64_t b, FpEnv *env, uint64_t *result)
{
    double x = fp_host_d(a);
    double y = fp_host_d(b);
    double product = x * y;
    bool is_zero = product == 0 && (x == 0 || y == 0);
    if (!fp_fast_allows_d(a, b, env) || !(fp_fast_normal_d(product) || is_zero)) {
        return false;
    }
    bool exact = is_zero || fp_fast_length_d(x) + fp_fast_length_d(y) <= 53;
    if (!exact && !(env->fpsr & FP_SR_IXC)) {
        return false;
    }
    return fp_fast_done_d(product, false, result, env);
}

/* A quotient is exact just when multiplying back gives the dividend, in arithmetic wide enough. */
static inline bool fp_fast_div_s(uint32_t a, uint32_t b, FpEnv *env, uint32_t *result)
{
    float quotient = fp_host_s(a) / fp_host_s(b);
    bool is_zero = fp_abs_s(a) == 0 && quotient == 0;
    if (!fp_fast_allows_s(a, b, env) || !(fp_fast_normal_s(quotient) || is_zero)) {
        return false;
    }
    bool inexact = !is_zero && (double)quotient * fp_host_s(b) != fp_host_s(a);
    return fp_fast_done_s(quotient, inexact, result, env);
}

static inline bool fp_fast_div_d(uint64_t a, uint64_t b, FpEnv *env, uint64_t *result)
{
    double x = fp_host_d(a);
    double y = fp_host_d(b);
    double quotient = x / y;
    bool is_zero = x == 0 && quotient == 0;
    if (!fp_fast_allows_d(a, b, env) || !(fp_fast_normal_d(quotient) || is_zero)) {
        return false;
    }
    if (!(env->fpsr & FP_SR_IXC) && !is_zero) {
        bool fits = fp_fast_length_d(quotient) + fp_fast_length_d(y) <= 53 && fp_fast_normal_d(x);
        if (!fits || quotient * y != x) {
            return false;
        }
    }
    return fp_fast_done_d(quotient, false, result, env);
}

/* As for quotients, with the square. */
static inline bool fp_fast_sqrt_s(uint32_t a, FpEnv *env, uint32_t *result)
{
    float x = fp_host_s(a);
    float root = __builtin_sqrtf(x);
    if (!fp_fast_allows_s(a, a, env) || !(fp_fast_normal_s(root) || x == 0)) {
        return false;
    }
    return fp_fast_done_s(root, (double)root * root != x, result, env);
}

static inline bool fp_fast_sqrt_d(uint64_t a, FpEnv *env, uint64_t *result)
{
    double x = fp_host_d(a);
    double root = __builtin_sqrt(x);
    if (!fp_fast_allows_d(a, a, env) || !(fp_fast_normal_d(root) || x == 0)) {
        return false;
    }
    if (!(env->fpsr & FP_SR_IXC) && x != 0) {
        bool fits = 2 * fp_fast_length_d(root) <= 53 && fp_fast_normal_d(x);
        if (!fits || root * root != x) {
            return false;
        }
    }
    return fp_fast_done_d(root, false, result, env);
}

static inline bool fp_fast_convert_ds(uint64_t a, FpEnv *env, uint32_t *result)
{
    double x = fp_host_d(a);
    float narrow = (float)x;
    if (!fp_fast_allows_d(a, a, env) || !(fp_fast_normal_s(narrow) || x == 0)) {
        return false;
    }
    return fp_fast_done_s(narrow, narrow != x, result, env);
}

/* Exact for every normal number and zero, in any mode. */
static inline bool fp_fast_convert_sd(uint32_t a, uint64_t *result)
{
    float x = fp_host_s(a);
    if (!fp_fast_normal_s(x) && x != 0) {
        return false;
    }
    *result = fp_bits_d(x);
    return true;
}
