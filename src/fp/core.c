/*
 * Unpacking, NaN selection and rounding. Arm ARM, Shared Pseudocode, functions/float: FPUnpack,
 * FPProcessNaN, FPProcessNaNs, FPRound.
 */
#include "core.h"

#include <stddef.h>

static int clz64(uint64_t a)
{
    return __builtin_clzll(a);
}

static FpParts unpack_denormal(const FpFormat *fmt, bool sign, uint64_t frac, FpEnv *env)
{
    if (fp_flushes(fmt, env)) {
        env->fpsr |= fp_flush_flags(fmt, env);
        return (FpParts){.cls = FP_CLASS_ZERO, .sign = sign};
    }
    int shift = clz64(frac);
    return (FpParts){.cls = FP_CLASS_FINITE,
                     .sign = sign,
                     .denormal = fmt->width != 16,
                     .exp = fmt->emin - (int)fmt->frac_bits + 63 - shift,
                     .sig = frac << shift};
}

FpParts fp_unpack(const FpFormat *fmt, uint64_t bits, FpEnv *env)
{
    bool sign = bits & fp_format_sign(fmt);
    uint64_t frac = bits & fp_format_frac(fmt);
    uint64_t exp_field = bits & fp_format_inf(fmt);

    if (exp_field == 0 && frac == 0) {
        return (FpParts){.cls = FP_CLASS_ZERO, .sign = sign};
    }
    if (exp_field == 0) {
        return unpack_denormal(fmt, sign, frac, env);
    }
    if (exp_field == fp_format_inf(fmt) && fmt->specials) {
        FpClass nan = bits & fp_format_quiet(fmt) ? FP_CLASS_QNAN : FP_CLASS_SNAN;
        return (FpParts){.cls = frac ? nan : FP_CLASS_INF, .sign = sign, .sig = bits};
    }
    return (FpParts){.cls = FP_CLASS_FINITE,
                     .sign = sign,
                     .exp = (int)(exp_field >> fmt->frac_bits) - fp_format_bias(fmt),
                     .sig = UINT64_C(1) << 63 | frac << (63 - fmt->frac_bits)};
}

static uint64_t quieten(const FpFormat *fmt, FpParts nan, FpEnv *env)
{
    if (nan.cls == FP_CLASS_SNAN) {
        env->fpsr |= FP_SR_IOC;
    }
    return env->fpcr & FP_CR_DN ? fp_default_nan(fmt, env) : nan.sig | fp_format_quiet(fmt);
}

/* FPCR.AH: the first NaN, factors before the addend, which signals if any does. */
static uint64_t alternative_nan_of(const FpFormat *fmt, const FpParts *ops, unsigned count,
                                   FpEnv *env)
{
    const FpParts *first = NULL;
    FpClass cls = FP_CLASS_QNAN;
    for (unsigned i = 0; i < count; i++) {
        const FpParts *op = &ops[count == 3 ? (i + 1) % 3 : i];
        first = !first && fp_class_is_nan(op->cls) ? op : first;
        cls = op->cls == FP_CLASS_SNAN ? FP_CLASS_SNAN : cls;
    }
    if (!first) {
        return 0;
    }
    return quieten(fmt, (FpParts){.cls = cls, .sig = first->sig}, env);
}

uint64_t fp_nan_of(const FpFormat *fmt, const FpParts *ops, unsigned count, FpEnv *env)
{
    if (env->fpcr & FP_CR_AH) {
        return alternative_nan_of(fmt, ops, count, env);
    }
    for (unsigned i = 0; i < count; i++) {
        if (ops[i].cls == FP_CLASS_SNAN) {
            return quieten(fmt, ops[i], env);
        }
    }
    for (unsigned i = 0; i < count; i++) {
        if (ops[i].cls == FP_CLASS_QNAN) {
            return quieten(fmt, ops[i], env);
        }
    }
    return 0;
}

uint64_t fp_invalid(const FpFormat *fmt, FpEnv *env)
{
    env->fpsr |= FP_SR_IOC;
    return fp_default_nan(fmt, env);
}

bool fp_rounds_up(FpRounding rounding, bool sign, bool odd, FpU128 rest)
{
    const FpU128 half = (FpU128)1 << 127;

    switch (rounding) {
    case FP_ROUND_TIEEVEN:
        return rest > half || (rest == half && odd);
    case FP_ROUND_TIEAWAY:
        return rest >= half;
    case FP_ROUND_POSINF:
        return rest != 0 && !sign;
    case FP_ROUND_NEGINF:
        return rest != 0 && sign;
    case FP_ROUND_ODD:
        return rest != 0 && !odd;
    case FP_ROUND_ZERO:
        break;
    }
    return false;
}

static uint64_t overflow(const FpFormat *fmt, bool sign, FpRounding rounding, FpEnv *env)
{
    if (!fmt->specials) {
        env->fpsr |= FP_SR_IOC;
        return fp_signed(fmt, sign, fp_format_sign(fmt) - 1);
    }
    env->fpsr |= FP_SR_OFC | FP_SR_IXC;
    bool stays_finite = rounding == FP_ROUND_ZERO || rounding == FP_ROUND_ODD ||
                        rounding == (sign ? FP_ROUND_POSINF : FP_ROUND_NEGINF);
    return fp_signed(fmt, sign, fp_format_inf(fmt) - stays_finite);
}

/* Splits sig at `shift`: the part above is returned, the part below fills *rest from the top. */
static uint64_t split(FpU128 sig, int shift, FpU128 *rest)
{
    if (shift > 128) {
        *rest = 1;
        return 0;
    }
    if (shift == 128) {
        *rest = sig;
        return 0;
    }
    *rest = sig << (128 - shift);
    return (uint64_t)(sig >> shift);
}

/* FPCR.AH looks at tiny results after they were rounded, as if the exponent had no limit. */
static bool is_tiny_after(const FpFormat *fmt, FpWide value, FpRounding rounding)
{
    FpU128 rest;
    uint64_t mag = split(value.sig, 127 - (int)fmt->frac_bits, &rest);
    mag += fp_rounds_up(rounding, value.sign, mag & 1, rest);
    return value.exp + (int)(mag >> (fmt->frac_bits + 1)) < fmt->emin;
}

uint64_t fp_round(const FpFormat *fmt, FpWide value, FpRounding rounding, FpEnv *env)
{
    bool tiny = value.exp < fmt->emin, after = env->fpcr & FP_CR_AH;
    bool below = after ? tiny && is_tiny_after(fmt, value, rounding) : tiny;
    if (below && (env->fpcr & fmt->flush)) {
        env->fpsr |= FP_SR_UFC | (after ? FP_SR_IXC : 0);
        return fp_signed(fmt, value.sign, 0);
    }

    int below_min = tiny ? fmt->emin - value.exp : 0;
    FpU128 rest;
    uint64_t mag = split(value.sig, 127 - (int)fmt->frac_bits + below_min, &rest);
    mag += fp_rounds_up(rounding, value.sign, mag & 1, rest);

    /* A normal significand carries its leading one, so it and any carry add into the exponent. */
    if (!tiny) {
        mag += (uint64_t)(value.exp - fmt->emin) << fmt->frac_bits;
    }
    uint64_t limit = fmt->specials ? fp_format_inf(fmt) : fp_format_sign(fmt);
    if (mag >= limit) {
        return overflow(fmt, value.sign, rounding, env);
    }
    if (rest != 0) {
        env->fpsr |= FP_SR_IXC | (below ? FP_SR_UFC : 0);
    }
    return fp_signed(fmt, value.sign, mag);
}

uint64_t fp_round_sum(const FpFormat *fmt, FpWide value, FpEnv *env)
{
    FpRounding rounding = fp_env_rounding(env);
    if (value.sig == 0) {
        return fp_signed(fmt, rounding == FP_ROUND_NEGINF, 0);
    }
    return fp_round(fmt, value, rounding, env);
}
