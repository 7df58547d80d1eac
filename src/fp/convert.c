/*
 * Conversion between precisions and from integers. Arm ARM, Shared Pseudocode, functions/float:
 * FPConvert, FPConvertNaN, FixedToFP.
 */
#include "armillary/fp-convert.h"
#include "armillary/fp-fast.h"
#include "exact.h"

/* Half precision in conversions: never flushed, and perhaps without infinities and NaNs. */
static const FpFormat HALF_CONVERT = {16, 10, -14, 0, true};
static const FpFormat HALF_ALTERNATIVE = {16, 10, -14, 0, false};

static const FpFormat *half_format(const FpEnv *env)
{
    return env->fpcr & FP_CR_AHP ? &HALF_ALTERNATIVE : &HALF_CONVERT;
}

uint64_t fp_nan_convert(const FpFormat *from, const FpFormat *to, uint64_t nan)
{
    uint64_t payload = nan & fp_format_frac(from);
    payload = from->frac_bits > to->frac_bits ? payload >> (from->frac_bits - to->frac_bits)
                                              : payload << (to->frac_bits - from->frac_bits);
    return fp_signed(to, nan & fp_format_sign(from), fp_format_default_nan(to) | payload);
}

static uint64_t convert_nan(const FpFormat *from, const FpFormat *to, FpParts op, FpEnv *env)
{
    if (op.cls == FP_CLASS_SNAN || !to->specials) {
        env->fpsr |= FP_SR_IOC;
    }
    if (!to->specials) {
        return fp_signed(to, op.sign, 0);
    }
    return env->fpcr & FP_CR_DN ? fp_default_nan(to, env) : fp_nan_convert(from, to, op.sig);
}

uint64_t fp_exact_convert(const FpFormat *from, const FpFormat *to, uint64_t a, FpRounding rounding,
                          FpEnv *env)
{
    FpParts op = fp_unpack(from, a, env);
    switch (op.cls) {
    case FP_CLASS_QNAN:
    case FP_CLASS_SNAN:
        return convert_nan(from, to, op, env);
    case FP_CLASS_INF:
        if (!to->specials) {
            env->fpsr |= FP_SR_IOC;
            return fp_signed(to, op.sign, fp_format_sign(to) - 1);
        }
        return fp_signed(to, op.sign, fp_format_inf(to));
    case FP_CLASS_ZERO:
        return fp_signed(to, op.sign, 0);
    case FP_CLASS_FINITE:
        break;
    }
    fp_used(&op, 1, env);
    return fp_round(to, fp_wide_of(op), rounding, env);
}

static uint64_t convert(const FpFormat *from, const FpFormat *to, uint64_t a, FpEnv *env)
{
    return fp_exact_convert(from, to, a, fp_env_rounding(env), env);
}

uint32_t fp_convert_hs(uint16_t a, FpEnv *env)
{
    return (uint32_t)convert(half_format(env), &FP_SINGLE, a, env);
}

uint64_t fp_convert_hd(uint16_t a, FpEnv *env)
{
    return convert(half_format(env), &FP_DOUBLE, a, env);
}

uint16_t fp_convert_sh(uint32_t a, FpEnv *env)
{
    return (uint16_t)convert(&FP_SINGLE, half_format(env), a, env);
}

uint16_t fp_convert_dh(uint64_t a, FpEnv *env)
{
    return (uint16_t)convert(&FP_DOUBLE, half_format(env), a, env);
}

uint64_t fp_convert_sd(uint32_t a, FpEnv *env)
{
    uint64_t result;
    if (fp_fast_convert_sd(a, &result)) {
        return result;
    }
    return convert(&FP_SINGLE, &FP_DOUBLE, a, env);
}

uint32_t fp_convert_ds(uint64_t a, FpEnv *env)
{
    uint32_t result;
    if (fp_fast_convert_ds(a, env, &result)) {
        return result;
    }
    return (uint32_t)convert(&FP_DOUBLE, &FP_SINGLE, a, env);
}

uint32_t fp_convert_ds_odd(uint64_t a, FpEnv *env)
{
    return (uint32_t)fp_exact_convert(&FP_DOUBLE, &FP_SINGLE, a, FP_ROUND_ODD, env);
}

uint64_t fp_exact_from_int(const FpFormat *fmt, uint64_t a, bool is_signed, unsigned fbits,
                           FpEnv *env)
{
    if (a == 0) {
        return 0;
    }
    bool sign = is_signed && a >> 63;
    FpWide value = {.sign = sign, .exp = 63 - (int)fbits, .sig = (FpU128)(sign ? -a : a) << 64};
    return fp_round(fmt, fp_wide_normalise(value), fp_env_rounding(env), env);
}

static inline int significant_bits(uint64_t a)
{
    return a == 0 ? 0 : 64 - __builtin_clzll(a) - __builtin_ctzll(a);
}

/*
 * Whether the host converts the integer of magnitude `mag` as the guest would, with IXC raised if
 * so: neither tiny results nor overflow are possible, so only the rounding mode matters, if
 * anything is rounded at all.
 */
static inline bool fast_from_int(const FpFormat *fmt, uint64_t mag, unsigned fbits, FpEnv *env)
{
    bool exact = significant_bits(mag) <= (int)fmt->frac_bits + 1;
    if (fbits != 0 || !(exact || fp_env_rounding(env) == FP_ROUND_TIEEVEN)) {
        return false;
    }
    env->fpsr |= exact ? 0 : FP_SR_IXC;
    return true;
}

#define FROM_INT_FAST(type, suffix, fmt, host_type)                    \
    type fp_from_sint_##suffix(uint64_t a, unsigned fbits, FpEnv *env) \
    {                                                                  \
        if (fast_from_int(&fmt, a >> 63 ? -a : a, fbits, env)) {       \
            return fp_bits_##suffix((host_type)(int64_t)a);            \
        }                                                              \
        return (type)fp_exact_from_int(&fmt, a, true, fbits, env);     \
    }                                                                  \
    type fp_from_uint_##suffix(uint64_t a, unsigned fbits, FpEnv *env) \
    {                                                                  \
        if (fast_from_int(&fmt, a, fbits, env)) {                      \
            return fp_bits_##suffix((host_type)a);                     \
        }                                                              \
        return (type)fp_exact_from_int(&fmt, a, false, fbits, env);    \
    }

#define FROM_INT(type, suffix, fmt)                                    \
    type fp_from_sint_##suffix(uint64_t a, unsigned fbits, FpEnv *env) \
    {                                                                  \
        return (type)fp_exact_from_int(&fmt, a, true, fbits, env);     \
    }                                                                  \
    type fp_from_uint_##suffix(uint64_t a, unsigned fbits, FpEnv *env) \
    {                                                                  \
        return (type)fp_exact_from_int(&fmt, a, false, fbits, env);    \
    }

FROM_INT(uint16_t, h, FP_HALF)
FROM_INT_FAST(uint32_t, s, FP_SINGLE, float)
FROM_INT_FAST(uint64_t, d, FP_DOUBLE, double)
