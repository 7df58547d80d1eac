/*
 * Reciprocal and reciprocal square root estimates. Arm ARM, Shared Pseudocode: FPRecipEstimate,
 * FPRSqrtEstimate, FPRecpX, RecipEstimate, RecipSqrtEstimate, UnsignedRecipEstimate,
 * UnsignedRSqrtEstimate.
 */
#include "core.h"

/* For a in 256 ... 511, as 0.5 <= a/512 < 1: the reciprocal at the interval's middle. */
static unsigned recip_of(unsigned a)
{
    unsigned middle = 2 * a + 1;
    return ((1U << 19) / middle + 1) / 2;
}

/* The largest b in 512 ... 1023 with middle * b^2 < 2^28. */
static unsigned largest_root(unsigned middle)
{
    unsigned b = 512;
    for (unsigned bit = 256; bit != 0; bit >>= 1) {
        unsigned trial = b | bit;
        if ((uint64_t)middle * trial * trial < UINT64_C(1) << 28) {
            b = trial;
        }
    }
    return b;
}

/* For a in 128 ... 511, as 0.25 <= a/512 < 1: 1/sqrt at the interval's middle, 256 ... 511. */
static unsigned rsqrt_of(unsigned a)
{
    unsigned middle = a < 256 ? 2 * a + 1 : 2 * (a | 1);
    return (largest_root(middle) + 1) / 2;
}

/* FEAT_RPRES: the same with twelve bits. a in 2048 ... 4095, result in 4096 ... 8191. */
static unsigned recip12_of(unsigned a)
{
    unsigned middle = 2 * a + 1;
    return ((1U << 26) / middle + 1) / 2;
}

/* a in 1024 ... 4095: the root of the interval's middle with 47 bits behind the point, its
 * reciprocal rounded to nearest. */
static unsigned rsqrt12_of(unsigned a)
{
    /* twice the middle, so that it is whole */
    uint64_t twice = a < 2048 ? 2 * a + 1 : 2 * ((uint64_t)a | 1);
    FpU128 square = (FpU128)twice << 95; /* (sqrt(twice / 2) * 2^48)^2 */
    uint64_t root = (fp_isqrt(square) + 1) / 2;
    FpU128 one = (FpU128)1 << 66;
    return (unsigned)((uint64_t)(one / root + 1) / 2);
}

/* A significand of `bits` bits behind its leading one at the biased exponent `exp`, which may be
 * below 1. */
static uint64_t assemble(const FpFormat *fmt, bool sign, int exp, unsigned estimate, unsigned bits)
{
    uint64_t mag = (uint64_t)estimate << (fmt->frac_bits - bits);
    mag = exp < 1 ? mag >> (1 - exp) : mag + ((uint64_t)(exp - 1) << fmt->frac_bits);
    return fp_signed(fmt, sign, mag);
}

/* The reciprocal is too large: as fp_round would overflow. */
static uint64_t recip_overflow(const FpFormat *fmt, bool sign, FpEnv *env)
{
    FpWide huge = {.sign = sign, .exp = fp_format_bias(fmt) + 1, .sig = (FpU128)1 << 127};
    return fp_round(fmt, huge, fp_env_rounding(env), env);
}

static uint64_t recip_finite(const FpFormat *fmt, FpParts op, unsigned bits, FpEnv *env)
{
    int bias = fp_format_bias(fmt);
    if (op.exp < -bias - 1) {
        return recip_overflow(fmt, op.sign, env);
    }
    if ((env->fpcr & fmt->flush) && op.exp >= bias - 1) {
        env->fpsr |= FP_SR_UFC;
        return fp_signed(fmt, op.sign, 0);
    }
    unsigned estimate = bits == 12 ? recip12_of((unsigned)(op.sig >> 52))
                                   : recip_of((unsigned)(op.sig >> 55));
    return assemble(fmt, op.sign, bias - 1 - op.exp, estimate, bits);
}

static uint64_t recip_bits(const FpFormat *fmt, uint64_t a, unsigned bits, FpEnv *env)
{
    FpParts op = fp_unpack(fmt, a, env);
    switch (op.cls) {
    case FP_CLASS_QNAN:
    case FP_CLASS_SNAN:
        return fp_nan_of(fmt, &op, 1, env);
    case FP_CLASS_INF:
        return fp_signed(fmt, op.sign, 0);
    case FP_CLASS_ZERO:
        env->fpsr |= FP_SR_DZC;
        return fp_signed(fmt, op.sign, fp_format_inf(fmt));
    case FP_CLASS_FINITE:
        break;
    }
    return recip_finite(fmt, op, bits, env);
}

static uint64_t rsqrt_bits(const FpFormat *fmt, uint64_t a, unsigned bits, FpEnv *env)
{
    FpParts op = fp_unpack(fmt, a, env);
    if (fp_class_is_nan(op.cls)) {
        return fp_nan_of(fmt, &op, 1, env);
    }
    if (op.cls == FP_CLASS_ZERO) {
        env->fpsr |= FP_SR_DZC;
        return fp_signed(fmt, op.sign, fp_format_inf(fmt));
    }
    if (op.sign) {
        return fp_invalid(fmt, env);
    }
    if (op.cls == FP_CLASS_INF) {
        return 0;
    }
    /* An even power of two is taken out: what remains is in 0.25 ... 1. The bias is odd. */
    int biased = op.exp + fp_format_bias(fmt);
    unsigned scaled = (unsigned)(op.sig >> (63 - (bits == 12 ? 11 : 8) + (biased & 1)));
    unsigned estimate = bits == 12 ? rsqrt12_of(scaled) : rsqrt_of(scaled);
    return assemble(fmt, false, (3 * fp_format_bias(fmt) - 1 - biased) / 2, estimate, bits);
}

static uint64_t recpx_bits(const FpFormat *fmt, uint64_t a, unsigned bits, FpEnv *env)
{
    FpParts op = fp_unpack(fmt, a, env);
    if (fp_class_is_nan(op.cls)) {
        return fp_nan_of(fmt, &op, 1, env);
    }
    uint64_t exp_mask = fp_format_inf(fmt);
    uint64_t exp_field = a & exp_mask;
    uint64_t largest = exp_mask - (UINT64_C(1) << fmt->frac_bits);
    return fp_signed(fmt, op.sign, exp_field ? exp_mask ^ exp_field : largest);
}

/* With FPCR.AH estimates raise no flags and know no denormals. */
#define QUIET(name, operation, bits)                                       \
    static uint64_t name(const FpFormat *fmt, uint64_t a, FpEnv *env)      \
    {                                                                      \
        FpEnv quiet = fp_quiet_env(env);                                   \
        uint64_t result = operation(fmt, a, bits, &quiet);                 \
        fp_quiet_done(&quiet, env);                                        \
        return result;                                                     \
    }
QUIET(recip_estimate, recip_bits, 8)
QUIET(rsqrt_estimate, rsqrt_bits, 8)
QUIET(recpx, recpx_bits, 0)
QUIET(recip_estimate12, recip_bits, env->fpcr &FP_CR_AH ? 12 : 8)
QUIET(rsqrt_estimate12, rsqrt_bits, env->fpcr &FP_CR_AH ? 12 : 8)

uint32_t fp_recip_estimate_u32(uint32_t a)
{
    return a >> 31 ? recip_of(a >> 23) << 23 : UINT32_MAX;
}

uint32_t fp_rsqrt_estimate_u32(uint32_t a)
{
    return a >> 30 ? rsqrt_of(a >> 23) << 23 : UINT32_MAX;
}

#define UNARY(type, name, suffix, fmt, operation) \
    type fp_##name##_##suffix(type a, FpEnv *env) \
    {                                             \
        return (type)operation(&fmt, a, env);     \
    }

#define FORMAT(type, suffix, fmt)                            \
    UNARY(type, recip_estimate, suffix, fmt, recip_estimate) \
    UNARY(type, rsqrt_estimate, suffix, fmt, rsqrt_estimate) \
    UNARY(type, recpx, suffix, fmt, recpx)

FORMAT(uint16_t, h, FP_HALF)
FORMAT(uint32_t, s, FP_SINGLE)
FORMAT(uint64_t, d, FP_DOUBLE)
UNARY(uint32_t, recip_estimate12, s, FP_SINGLE, recip_estimate12)
UNARY(uint32_t, rsqrt_estimate12, s, FP_SINGLE, rsqrt_estimate12)
