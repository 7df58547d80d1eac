/*
 * Conversion to integers and rounding to an integral value. Arm ARM, Shared Pseudocode,
 * functions/float: FPToFixed, FPToFixedJS, FPRoundInt, FPRoundIntN.
 */
#include "armillary/fp-convert.h"
#include "core.h"

/* An integer by magnitude, and whether bits below it were dropped. */
typedef struct {
    FpU128 mag;
    bool sign;
    bool inexact;
} Integer;

/* Rounds a * 2^fbits. A magnitude of 2^64 or more is only known to be that. */
static Integer integer_of(FpParts a, unsigned fbits, FpRounding rounding)
{
    int exp = a.exp + (int)fbits;
    if (a.cls == FP_CLASS_INF || (a.cls == FP_CLASS_FINITE && exp >= 64)) {
        return (Integer){.mag = (FpU128)1 << 64, .sign = a.sign};
    }
    if (a.cls != FP_CLASS_FINITE) {
        return (Integer){.sign = a.sign};
    }
    uint64_t whole = 0;
    FpU128 rest = 1;
    if (exp >= -1) {
        FpU128 fixed = (FpU128)a.sig << (exp + 1);
        whole = (uint64_t)(fixed >> 64);
        rest = fixed << 64;
    }
    bool up = fp_rounds_up(rounding, a.sign, whole & 1, rest);
    return (Integer){.mag = (FpU128)whole + up, .sign = a.sign, .inexact = rest != 0};
}

/* The largest magnitude that an integer of `bits` bits holds on the side of `sign`. */
static FpU128 limit_of(unsigned bits, bool is_signed, bool sign)
{
    if (!is_signed) {
        return sign ? 0 : ((FpU128)1 << bits) - 1;
    }
    return ((FpU128)1 << (bits - 1)) - !sign;
}

typedef struct {
    unsigned bits, fbits;
    bool is_signed;
    FpRounding rounding;
} Target;

static uint64_t to_int(const FpFormat *fmt, uint64_t a, Target to, FpEnv *env)
{
    FpParts op = fp_unpack(fmt, a, env);
    if (fp_class_is_nan(op.cls)) {
        env->fpsr |= FP_SR_IOC;
        return 0;
    }
    Integer n = integer_of(op, to.fbits, to.rounding);
    FpU128 limit = limit_of(to.bits, to.is_signed, n.sign);
    if (n.mag > limit) {
        n.mag = limit;
        env->fpsr |= FP_SR_IOC;
    } else if (n.inexact) {
        env->fpsr |= FP_SR_IXC;
    }
    uint64_t result = n.sign ? -(uint64_t)n.mag : (uint64_t)n.mag;
    return result & (UINT64_MAX >> (64 - to.bits));
}

uint32_t fp_to_int32_js(uint64_t a, bool *exact, FpEnv *env)
{
    FpParts op = fp_unpack(&FP_DOUBLE, a, env);
    bool is_zero_encoding = (a & (fp_format_sign(&FP_DOUBLE) - 1)) == 0;
    *exact = false;
    if (fp_class_is_nan(op.cls) || op.cls == FP_CLASS_INF) {
        env->fpsr |= FP_SR_IOC;
        return 0;
    }
    if (op.exp >= 63) {
        /* Whole, and a multiple of 2^(exp - 63): only the low bits of the significand matter. */
        env->fpsr |= FP_SR_IOC;
        uint32_t low = op.exp < 95 ? (uint32_t)op.sig << (op.exp - 63) : 0;
        return op.sign ? -low : low;
    }
    Integer n = integer_of(op, 0, FP_ROUND_ZERO);
    if (n.mag > limit_of(32, true, n.sign)) {
        env->fpsr |= FP_SR_IOC;
    } else if (n.inexact) {
        env->fpsr |= FP_SR_IXC;
    } else {
        /* A zero must be one by encoding: flushed denormals and -0 are not exact. */
        *exact = op.cls == FP_CLASS_FINITE || (is_zero_encoding && !op.sign);
    }
    uint32_t low = (uint32_t)n.mag;
    return n.sign ? -low : low;
}

/* The integer in the format; its bits fit, since it came from there. */
static uint64_t pack_integer(const FpFormat *fmt, Integer n, FpEnv *env)
{
    if (n.mag == 0) {
        return fp_signed(fmt, n.sign, 0);
    }
    FpWide value = {.sign = n.sign, .exp = 127, .sig = n.mag};
    return fp_round(fmt, fp_wide_normalise(value), FP_ROUND_ZERO, env);
}

/* A magnitude below one: 0 or 1. */
static uint64_t round_below_one(const FpFormat *fmt, FpParts op, FpRounding rounding, bool *inexact)
{
    FpU128 rest = op.exp == -1 ? (FpU128)op.sig << 64 : 1;
    uint64_t one = (uint64_t)fp_format_bias(fmt) << fmt->frac_bits;
    *inexact = true;
    return fp_rounds_up(rounding, op.sign, false, rest) ? one : 0;
}

/*
 * A magnitude of one or more with fraction bits in its encoding: these are rounded away in place,
 * and a carry moves on into the exponent. The bit above them is the parity even for 1.f, where it
 * is the lowest exponent bit, since the bias is odd.
 */
static uint64_t round_fraction(const FpFormat *fmt, FpParts op, uint64_t a, FpRounding rounding,
                               bool *inexact)
{
    unsigned shift = fmt->frac_bits - (unsigned)op.exp;
    uint64_t mag = a & (fp_format_sign(fmt) - 1);
    uint64_t whole = mag >> shift;
    FpU128 rest = (FpU128)mag << (128 - shift);
    *inexact = rest != 0;
    return (whole + fp_rounds_up(rounding, op.sign, whole & 1, rest)) << shift;
}

static uint64_t round_int(const FpFormat *fmt, uint64_t a, FpRounding rounding, bool exact,
                          FpEnv *env)
{
    FpParts op = fp_unpack(fmt, a, env);
    if (fp_class_is_nan(op.cls)) {
        return fp_nan_of(fmt, &op, 1, env);
    }
    if (op.cls == FP_CLASS_ZERO) {
        return fp_signed(fmt, op.sign, 0);
    }
    if (op.cls == FP_CLASS_INF || op.exp >= (int)fmt->frac_bits) {
        return a;
    }
    bool inexact;
    uint64_t mag = op.exp < 0 ? round_below_one(fmt, op, rounding, &inexact)
                              : round_fraction(fmt, op, a, rounding, &inexact);
    if (inexact && exact) {
        env->fpsr |= FP_SR_IXC;
    }
    return fp_signed(fmt, op.sign, mag);
}

static uint64_t round_int_bits(const FpFormat *fmt, uint64_t a, unsigned bits, FpRounding rounding,
                               FpEnv *env)
{
    FpParts op = fp_unpack(fmt, a, env);
    Integer n = integer_of(op, 0, rounding);
    FpU128 limit = limit_of(bits, true, n.sign);
    if (fp_class_is_nan(op.cls) || n.mag > limit) {
        env->fpsr |= FP_SR_IOC;
        return pack_integer(fmt, (Integer){.sign = true, .mag = (FpU128)1 << (bits - 1)}, env);
    }
    if (n.inexact) {
        env->fpsr |= FP_SR_IXC;
    }
    return pack_integer(fmt, n, env);
}

#define TO_INT(type, name, suffix, fmt, is_signed_)                                                \
    uint64_t fp_to_##name##_##suffix(type a, unsigned bits, unsigned fbits, FpRounding rounding,   \
                                     FpEnv *env)                                                   \
    {                                                                                              \
        Target to = {.bits = bits, .fbits = fbits, .is_signed = is_signed_, .rounding = rounding}; \
        return to_int(&fmt, a, to, env);                                                           \
    }

#define FORMAT(type, suffix, fmt)                                                   \
    TO_INT(type, sint, suffix, fmt, true)                                           \
    TO_INT(type, uint, suffix, fmt, false)                                          \
    type fp_round_int_##suffix(type a, FpRounding rounding, bool exact, FpEnv *env) \
    {                                                                               \
        return (type)round_int(&fmt, a, rounding, exact, env);                      \
    }

#define ROUND_INT_BITS(type, suffix, fmt)                                                   \
    type fp_round_int_bits_##suffix(type a, unsigned bits, FpRounding rounding, FpEnv *env) \
    {                                                                                       \
        return (type)round_int_bits(&fmt, a, bits, rounding, env);                          \
    }

FORMAT(uint16_t, h, FP_HALF)
FORMAT(uint32_t, s, FP_SINGLE)
FORMAT(uint64_t, d, FP_DOUBLE)
ROUND_INT_BITS(uint32_t, s, FP_SINGLE)
ROUND_INT_BITS(uint64_t, d, FP_DOUBLE)
