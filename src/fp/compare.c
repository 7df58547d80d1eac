/*
 * Comparison, maximum and minimum. Arm ARM, Shared Pseudocode, functions/float: FPCompare,
 * FPCompareEQ, FPCompareGE, FPCompareGT, FPMax, FPMin, FPMaxNum, FPMinNum.
 *
 * Encodings are sign and magnitude, so finite numbers and infinities compare as integers once
 * denormals that count as zero have been replaced.
 */
#include "core.h"

static inline uint64_t magnitude(const FpFormat *fmt, uint64_t bits)
{
    return bits & (fp_format_sign(fmt) - 1);
}

static inline bool is_nan(const FpFormat *fmt, uint64_t bits)
{
    return magnitude(fmt, bits) > fp_format_inf(fmt);
}

static inline bool is_quiet(const FpFormat *fmt, uint64_t bits)
{
    return is_nan(fmt, bits) && (bits & fp_format_quiet(fmt));
}

static inline bool is_signaling(const FpFormat *fmt, uint64_t bits)
{
    return is_nan(fmt, bits) && !(bits & fp_format_quiet(fmt));
}

/* The operand as FPUnpack sees it: a flushed denormal becomes a zero. */
static inline uint64_t flush(const FpFormat *fmt, uint64_t bits, FpEnv *env)
{
    uint64_t mag = magnitude(fmt, bits);
    if (mag != 0 && mag <= fp_format_frac(fmt) && fp_flushes(fmt, env)) {
        env->fpsr |= fp_flush_flags(fmt, env);
        return bits & fp_format_sign(fmt);
    }
    return bits;
}

/* Numbers were compared: with FPCR.AH a denormal among them raises IDC. */
static inline void used(const FpFormat *fmt, uint64_t a, uint64_t b, FpEnv *env)
{
    uint64_t x = magnitude(fmt, a) - 1, y = magnitude(fmt, b) - 1;
    if ((env->fpcr & FP_CR_AH) && fmt->width != 16 &&
        (x < fp_format_frac(fmt) || y < fp_format_frac(fmt))) {
        env->fpsr |= FP_SR_IDC;
    }
}

/* Orders numbers, with both zeros at 0. */
static inline int64_t key(const FpFormat *fmt, uint64_t bits)
{
    int64_t mag = (int64_t)magnitude(fmt, bits);
    return bits & fp_format_sign(fmt) ? -mag : mag;
}

typedef struct {
    uint64_t a, b;
    bool unordered;
} Pair;

/* Prepares a comparison; unordered operands raise IOC if one signals or `signal_nans`. */
static inline Pair pair(const FpFormat *fmt, Pair in, bool signal_nans, FpEnv *env)
{
    Pair p = {.a = flush(fmt, in.a, env), .b = flush(fmt, in.b, env)};
    p.unordered = is_nan(fmt, p.a) || is_nan(fmt, p.b);
    if (p.unordered && (signal_nans || is_signaling(fmt, p.a) || is_signaling(fmt, p.b))) {
        env->fpsr |= FP_SR_IOC;
    }
    if (!p.unordered) {
        used(fmt, p.a, p.b, env);
    }
    return p;
}

static inline unsigned compare(const FpFormat *fmt, Pair in, bool signal_nans, FpEnv *env)
{
    Pair p = pair(fmt, in, signal_nans, env);
    if (p.unordered) {
        return 3;
    }
    int64_t a = key(fmt, p.a);
    int64_t b = key(fmt, p.b);
    return a == b ? 6 : a < b ? 8 : 2;
}

static inline bool equal(const FpFormat *fmt, Pair in, FpEnv *env)
{
    Pair p = pair(fmt, in, false, env);
    return !p.unordered && key(fmt, p.a) == key(fmt, p.b);
}

static inline bool greater_equal(const FpFormat *fmt, Pair in, FpEnv *env)
{
    Pair p = pair(fmt, in, true, env);
    return !p.unordered && key(fmt, p.a) >= key(fmt, p.b);
}

static inline bool greater(const FpFormat *fmt, Pair in, FpEnv *env)
{
    Pair p = pair(fmt, in, true, env);
    return !p.unordered && key(fmt, p.a) > key(fmt, p.b);
}

static uint64_t nan_of_pair(const FpFormat *fmt, Pair p, FpEnv *env)
{
    FpParts op[2] = {fp_unpack(fmt, p.a, env), fp_unpack(fmt, p.b, env)};
    return fp_nan_of(fmt, op, 2, env);
}

/* The larger or (min) the smaller of two numbers; of zeros, the one whose sign makes it that. */
static inline uint64_t select(const FpFormat *fmt, Pair p, bool min)
{
    int64_t a = key(fmt, p.a);
    int64_t b = key(fmt, p.b);
    if (a == b) {
        return min ? p.a | p.b : p.a & p.b;
    }
    return (a > b) != min ? p.a : p.b;
}

/* A denormal result is flushed once more when FPCR.AH and FZ are set and operands are not. */
static inline uint64_t flush_result(const FpFormat *fmt, uint64_t bits, FpEnv *env)
{
    uint64_t mag = magnitude(fmt, bits);
    bool flushed = mag != 0 && mag <= fp_format_frac(fmt) && (env->fpcr & FP_CR_AH) &&
                   (env->fpcr & fmt->flush);
    env->fpsr |= flushed ? FP_SR_UFC | FP_SR_IXC : 0;
    return flushed ? bits & fp_format_sign(fmt) : bits;
}

/* As FPMAXNM and FMINNM have it, FPCR.AH or not. */
static inline uint64_t extreme(const FpFormat *fmt, Pair in, bool min, FpEnv *env)
{
    Pair p = {.a = flush(fmt, in.a, env), .b = flush(fmt, in.b, env)};
    if (is_nan(fmt, p.a) || is_nan(fmt, p.b)) {
        return nan_of_pair(fmt, p, env);
    }
    used(fmt, p.a, p.b, env);
    return flush_result(fmt, select(fmt, p, min), env);
}

/* With FPCR.AH the second operand is the answer for NaNs and zeros of both signs. */
static inline uint64_t alternative(const FpFormat *fmt, Pair in, bool min, FpEnv *env)
{
    Pair p = {.a = flush(fmt, in.a, env), .b = flush(fmt, in.b, env)};
    if (is_nan(fmt, p.a) || is_nan(fmt, p.b)) {
        env->fpsr |= FP_SR_IOC;
        return p.b;
    }
    if (magnitude(fmt, p.a) == 0 && magnitude(fmt, p.b) == 0) {
        return p.b;
    }
    used(fmt, p.a, p.b, env);
    return select(fmt, p, min);
}

static inline uint64_t maximum(const FpFormat *fmt, Pair in, FpEnv *env)
{
    return env->fpcr & FP_CR_AH ? alternative(fmt, in, false, env) : extreme(fmt, in, false, env);
}

static inline uint64_t minimum(const FpFormat *fmt, Pair in, FpEnv *env)
{
    return env->fpcr & FP_CR_AH ? alternative(fmt, in, true, env) : extreme(fmt, in, true, env);
}

/* A lone quiet NaN becomes the infinity that loses against any number. */
static inline Pair drop_quiet_nan(const FpFormat *fmt, Pair p, bool loser_sign, const FpEnv *env)
{
    if ((env->fpcr & FP_CR_AH) && is_nan(fmt, p.a) && is_nan(fmt, p.b)) {
        return p;
    }
    uint64_t loser = fp_signed(fmt, loser_sign, fp_format_inf(fmt));
    bool a_quiet = is_quiet(fmt, p.a);
    bool b_quiet = is_quiet(fmt, p.b);
    if (a_quiet && !b_quiet) {
        p.a = loser;
    } else if (b_quiet && !a_quiet) {
        p.b = loser;
    }
    return p;
}

static inline uint64_t maximum_number(const FpFormat *fmt, Pair in, FpEnv *env)
{
    return extreme(fmt, drop_quiet_nan(fmt, in, true, env), false, env);
}

static inline uint64_t minimum_number(const FpFormat *fmt, Pair in, FpEnv *env)
{
    return extreme(fmt, drop_quiet_nan(fmt, in, false, env), true, env);
}

#define BINARY(type, name, suffix, fmt, operation)                 \
    type fp_##name##_##suffix(type a, type b, FpEnv *env)          \
    {                                                              \
        return (type)operation(&fmt, (Pair){.a = a, .b = b}, env); \
    }

#define PREDICATE(type, name, suffix, fmt, operation)        \
    bool fp_##name##_##suffix(type a, type b, FpEnv *env)    \
    {                                                        \
        return operation(&fmt, (Pair){.a = a, .b = b}, env); \
    }

#define FORMAT(type, suffix, fmt)                                              \
    BINARY(type, max, suffix, fmt, maximum)                                    \
    BINARY(type, min, suffix, fmt, minimum)                                    \
    BINARY(type, maxnm, suffix, fmt, maximum_number)                           \
    BINARY(type, minnm, suffix, fmt, minimum_number)                           \
    PREDICATE(type, eq, suffix, fmt, equal)                                    \
    PREDICATE(type, ge, suffix, fmt, greater_equal)                            \
    PREDICATE(type, gt, suffix, fmt, greater)                                  \
    unsigned fp_compare_##suffix(type a, type b, bool signal_nans, FpEnv *env) \
    {                                                                          \
        return compare(&fmt, (Pair){.a = a, .b = b}, signal_nans, env);        \
    }

FORMAT(uint16_t, h, FP_HALF)
FORMAT(uint32_t, s, FP_SINGLE)
FORMAT(uint64_t, d, FP_DOUBLE)
