/*
 * The exact path: numbers unpacked into sign, exponent and integer significand, and the one
 * rounding step every operation ends in. Arm ARM, Shared Pseudocode, functions/float: FPUnpack,
 * FPRound, FPProcessNaN, FPProcessNaNs.
 */
#pragma once

#include "armillary/fp.h"

__extension__ typedef unsigned __int128 FpU128;

/* A format, and how it treats what lies outside the normal range. */
typedef struct {
    unsigned width;
    unsigned frac_bits;
    int emin;       /* exponent of the smallest normal number */
    uint32_t flush; /* the FPCR bit that flushes this format's denormals; 0: none */
    bool specials;  /* the top exponent encodes infinities and NaNs */
} FpFormat;

static const FpFormat FP_HALF = {16, 10, -14, FP_CR_FZ16, true};
static const FpFormat FP_SINGLE = {32, 23, -126, FP_CR_FZ, true};
static const FpFormat FP_DOUBLE = {64, 52, -1022, FP_CR_FZ, true};

static inline int fp_format_bias(const FpFormat *fmt)
{
    return 1 - fmt->emin;
}

static inline uint64_t fp_format_sign(const FpFormat *fmt)
{
    return UINT64_C(1) << (fmt->width - 1);
}

static inline uint64_t fp_format_frac(const FpFormat *fmt)
{
    return (UINT64_C(1) << fmt->frac_bits) - 1;
}

/* Positive infinity; without specials, the encoding it would have. */
static inline uint64_t fp_format_inf(const FpFormat *fmt)
{
    return fp_format_sign(fmt) - 1 - fp_format_frac(fmt);
}

static inline uint64_t fp_format_quiet(const FpFormat *fmt)
{
    return UINT64_C(1) << (fmt->frac_bits - 1);
}

static inline uint64_t fp_format_default_nan(const FpFormat *fmt)
{
    return fp_format_inf(fmt) | fp_format_quiet(fmt);
}

/* FPDefaultNaN: negative with FPCR.AH. */
static inline uint64_t fp_default_nan(const FpFormat *fmt, const FpEnv *env)
{
    return fp_format_default_nan(fmt) | (env->fpcr & FP_CR_AH ? fp_format_sign(fmt) : 0);
}

/* Either sign with the magnitude `mag`. */
static inline uint64_t fp_signed(const FpFormat *fmt, bool sign, uint64_t mag)
{
    return sign ? mag | fp_format_sign(fmt) : mag;
}

typedef enum {
    FP_CLASS_ZERO,
    FP_CLASS_FINITE,
    FP_CLASS_INF,
    FP_CLASS_QNAN,
    FP_CLASS_SNAN,
} FpClass;

/* FINITE: |value| = sig * 2^(exp - 63) with bit 63 of sig set. NaN: sig is the encoding. */
typedef struct {
    FpClass cls;
    bool sign;
    bool denormal; /* of single or double precision, and FINITE */
    int exp;
    uint64_t sig;
} FpParts;

/* |value| = sig * 2^(exp - 127) with bit 127 set, or zero; bit 0 stands for all lower bits. */
typedef struct {
    bool sign;
    int exp;
    FpU128 sig;
} FpWide;

static inline bool fp_class_is_nan(FpClass cls)
{
    return cls >= FP_CLASS_QNAN;
}

/* Does FPCR make zeros of the format's denormal operands? */
static inline bool fp_flushes(const FpFormat *fmt, const FpEnv *env)
{
    if (fmt->flush != FP_CR_FZ)
        return env->fpcr & fmt->flush;
    return (env->fpcr & FP_CR_FIZ) || (env->fpcr & (FP_CR_FZ | FP_CR_AH)) == FP_CR_FZ;
}

/* IDC for that, unless FIZ did it or they are halves. */
static inline uint32_t fp_flush_flags(const FpFormat *fmt, const FpEnv *env)
{
    bool by_fz = (env->fpcr & (FP_CR_FZ | FP_CR_AH)) == FP_CR_FZ;
    return fmt->flush == FP_CR_FZ && by_fz ? FP_SR_IDC : 0;
}

/* A result was made of these operands: with FPCR.AH denormal ones raise IDC now. */
static inline void fp_used(const FpParts *ops, unsigned count, FpEnv *env)
{
    for (unsigned i = 0; i < count && (env->fpcr & FP_CR_AH); i++) {
        env->fpsr |= ops[i].denormal ? FP_SR_IDC : 0;
    }
}

/* How estimates and the steps that refine them round with FPCR.AH: to nearest, without denormals
 * and flags. */
static inline FpEnv fp_quiet_env(const FpEnv *env)
{
    uint32_t fpcr = env->fpcr;
    if (fpcr & FP_CR_AH) {
        fpcr = (fpcr & ~(uint32_t)FP_CR_RMODE) | FP_CR_FZ | FP_CR_FIZ;
    }
    return (FpEnv){.fpcr = fpcr, .fpsr = env->fpsr};
}

/* Its flags count only without FPCR.AH. */
static inline void fp_quiet_done(const FpEnv *quiet, FpEnv *env)
{
    if (!(env->fpcr & FP_CR_AH)) {
        env->fpsr = quiet->fpsr;
    }
}

/* Unpacks an operand; a denormal counts as zero (and raises IDC) where FPCR says so. */
FpParts fp_unpack(const FpFormat *fmt, uint64_t bits, FpEnv *env);

/* The NaN that the operands (in order of precedence; of three the first is the addend) yield, or
 * 0 when there is none. */
uint64_t fp_nan_of(const FpFormat *fmt, const FpParts *ops, unsigned count, FpEnv *env);

/* Default NaN with IOC: the answer to an invalid operation. */
uint64_t fp_invalid(const FpFormat *fmt, FpEnv *env);

/* Whether a magnitude that is odd or even, plus rest / 2^128, moves up to the next one. */
bool fp_rounds_up(FpRounding rounding, bool sign, bool odd, FpU128 rest);

/* Rounds a non-zero value into the format, with flags. */
uint64_t fp_round(const FpFormat *fmt, FpWide value, FpRounding rounding, FpEnv *env);

/* As fp_round by FPCR.RMode; an exact zero sum takes the sign that mode gives it. */
uint64_t fp_round_sum(const FpFormat *fmt, FpWide value, FpEnv *env);

FpWide fp_wide_of(FpParts a);
FpWide fp_wide_normalise(FpWide value);
FpWide fp_wide_add(FpWide a, FpWide b);
FpWide fp_wide_mul(FpParts a, FpParts b);

/* floor(sqrt(a)). */
uint64_t fp_isqrt(FpU128 a);
