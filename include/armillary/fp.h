/*
 * Floating point as an Arm PE computes it: arithmetic, comparison and estimates on raw half, single
 * and double precision bit patterns. Arm ARM, Shared Pseudocode, functions/float; A1.5 "Advanced
 * SIMD and floating-point support"; FPCR and FPSR register descriptions.
 *
 * Every function is pure but for the environment it is handed: it reads env->fpcr, ORs cumulative
 * flags into env->fpsr and touches nothing else. Operands keep the instruction's order, because
 * NaN selection depends on it. Rounding is FPCR.RMode unless the function takes an FpRounding.
 *
 * The host FPU may be used behind these functions; it must be in its default state (round to
 * nearest, no flush to zero, exceptions masked), which is how every thread starts.
 *
 * DIFFERS: trapped exceptions (FPCR.IOE ... IDE) are not implemented; the bits are RES0, as the
 * architecture allows.
 *
 * FPCR.AH and FIZ (FEAT_AFP) are looked at wherever they are set; FPCR.NEP concerns the caller.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint32_t fpcr; /* FPCR, raw */
    uint32_t fpsr; /* FPSR, raw: cumulative flags are ORed in, all other bits are left alone */
} FpEnv;

enum {
    FP_CR_FIZ = 1 << 0,
    FP_CR_AH = 1 << 1,
    FP_CR_NEP = 1 << 2,
    FP_CR_EBF = 1 << 13,
    FP_CR_FZ16 = 1 << 19,
    FP_CR_RMODE_SHIFT = 22,
    FP_CR_RMODE = 3 << 22,
    FP_CR_FZ = 1 << 24,
    FP_CR_DN = 1 << 25,
    FP_CR_AHP = 1 << 26,
};

enum {
    FP_SR_IOC = 1 << 0, /* invalid operation */
    FP_SR_DZC = 1 << 1, /* division by zero */
    FP_SR_OFC = 1 << 2, /* overflow */
    FP_SR_UFC = 1 << 3, /* underflow */
    FP_SR_IXC = 1 << 4, /* inexact */
    FP_SR_IDC = 1 << 7, /* input denormal flushed */
};

/* The first four are the values of FPCR.RMode. */
typedef enum {
    FP_ROUND_TIEEVEN = 0,
    FP_ROUND_POSINF = 1,
    FP_ROUND_NEGINF = 2,
    FP_ROUND_ZERO = 3,
    FP_ROUND_TIEAWAY = 4,
    FP_ROUND_ODD = 5,
} FpRounding;

/* Rounding mode selected by FPCR.RMode. */
static inline FpRounding fp_env_rounding(const FpEnv *env)
{
    return (FpRounding)((env->fpcr & FP_CR_RMODE) >> FP_CR_RMODE_SHIFT);
}

/* FABS, FNEG (FPAbs, FPNeg): the sign bit only, NaNs included; no flags. */
static inline uint16_t fp_abs_h(uint16_t a)
{
    return a & 0x7fff;
}

static inline uint32_t fp_abs_s(uint32_t a)
{
    return a & 0x7fffffff;
}

static inline uint64_t fp_abs_d(uint64_t a)
{
    return a & ~(UINT64_C(1) << 63);
}

static inline uint16_t fp_neg_h(uint16_t a)
{
    return a ^ 0x8000;
}

static inline uint32_t fp_neg_s(uint32_t a)
{
    return a ^ 0x80000000;
}

static inline uint64_t fp_neg_d(uint64_t a)
{
    return a ^ (UINT64_C(1) << 63);
}

/*
 * FABS and FNEG as FPCR.AH has them: NaNs keep their sign. Also what other operations do to their
 * operands or results.
 */
#define FP_SIGN_OPERATIONS(type, suffix, infinity)                          \
    static inline type fp_keep_##suffix(type a, type other, const FpEnv *e) \
    {                                                                       \
        bool keeps = (e->fpcr & FP_CR_AH) && fp_abs_##suffix(a) > infinity; \
        return keeps ? a : other;                                           \
    }                                                                       \
    static inline type fp_magnitude_##suffix(type a, const FpEnv *env)      \
    {                                                                       \
        return fp_keep_##suffix(a, fp_abs_##suffix(a), env);                \
    }                                                                       \
    static inline type fp_negated_##suffix(type a, const FpEnv *env)        \
    {                                                                       \
        return fp_keep_##suffix(a, fp_neg_##suffix(a), env);                \
    }
FP_SIGN_OPERATIONS(uint16_t, h, 0x7c00)
FP_SIGN_OPERATIONS(uint32_t, s, 0x7f800000)
FP_SIGN_OPERATIONS(uint64_t, d, UINT64_C(0x7ff) << 52)

/* a + b, a - b, a * b, a / b: FADD, FSUB, FMUL, FDIV (FPAdd, FPSub, FPMul, FPDiv). FNMUL is FNEG of
 * fp_mul. */
uint16_t fp_add_h(uint16_t a, uint16_t b, FpEnv *env);
uint32_t fp_add_s(uint32_t a, uint32_t b, FpEnv *env);
uint64_t fp_add_d(uint64_t a, uint64_t b, FpEnv *env);
uint16_t fp_sub_h(uint16_t a, uint16_t b, FpEnv *env);
uint32_t fp_sub_s(uint32_t a, uint32_t b, FpEnv *env);
uint64_t fp_sub_d(uint64_t a, uint64_t b, FpEnv *env);
uint16_t fp_mul_h(uint16_t a, uint16_t b, FpEnv *env);
uint32_t fp_mul_s(uint32_t a, uint32_t b, FpEnv *env);
uint64_t fp_mul_d(uint64_t a, uint64_t b, FpEnv *env);
uint16_t fp_div_h(uint16_t a, uint16_t b, FpEnv *env);
uint32_t fp_div_s(uint32_t a, uint32_t b, FpEnv *env);
uint64_t fp_div_d(uint64_t a, uint64_t b, FpEnv *env);

/* FMULX (FPMulX): as fp_mul, but 0 * infinity is 2.0 with the product's sign, without a flag. */
uint16_t fp_mulx_h(uint16_t a, uint16_t b, FpEnv *env);
uint32_t fp_mulx_s(uint32_t a, uint32_t b, FpEnv *env);
uint64_t fp_mulx_d(uint64_t a, uint64_t b, FpEnv *env);

/* |a - b|: FABD (FPAbs of FPSub). */
uint16_t fp_abd_h(uint16_t a, uint16_t b, FpEnv *env);
uint32_t fp_abd_s(uint32_t a, uint32_t b, FpEnv *env);
uint64_t fp_abd_d(uint64_t a, uint64_t b, FpEnv *env);

/* FSQRT (FPSqrt). */
uint16_t fp_sqrt_h(uint16_t a, FpEnv *env);
uint32_t fp_sqrt_s(uint32_t a, FpEnv *env);
uint64_t fp_sqrt_d(uint64_t a, FpEnv *env);

/*
 * addend + a * b with one rounding (FPMulAdd). The negated forms flip signs of operands first, as
 * the instructions do:
 *   FMLA, FMADD   muladd(addend, a, b)          FMLS, FMSUB   muladd(addend, neg(a), b)
 *   FNMADD        muladd(neg(addend), neg(a), b) FNMSUB       muladd(neg(addend), a, b)
 */
uint16_t fp_muladd_h(uint16_t addend, uint16_t a, uint16_t b, FpEnv *env);
uint32_t fp_muladd_s(uint32_t addend, uint32_t a, uint32_t b, FpEnv *env);
uint64_t fp_muladd_d(uint64_t addend, uint64_t a, uint64_t b, FpEnv *env);

/* Single addend + half a * b with one rounding: FMLAL; FMLSL passes neg(a) (FPMulAddH). */
uint32_t fp_muladd_hs(uint32_t addend, uint16_t a, uint16_t b, FpEnv *env);

/* Single addend + BFloat16 a * b with one rounding: BFMLALB, BFMLALT (BFMulAddH). */
uint32_t fp_muladd_bs(uint32_t addend, uint16_t a, uint16_t b, FpEnv *env);

/*
 * Single addend + the products of two pairs of BFloat16 numbers, each in a word: BFDOT, BFMMLA
 * (BFDotAdd). FPCR.EBF chooses how it is rounded. No flags.
 */
uint32_t fp_dot_b(uint32_t addend, uint32_t a, uint32_t b, const FpEnv *env);

/* FMAX, FMIN (FPMax, FPMin): any NaN operand propagates. */
uint16_t fp_max_h(uint16_t a, uint16_t b, FpEnv *env);
uint32_t fp_max_s(uint32_t a, uint32_t b, FpEnv *env);
uint64_t fp_max_d(uint64_t a, uint64_t b, FpEnv *env);
uint16_t fp_min_h(uint16_t a, uint16_t b, FpEnv *env);
uint32_t fp_min_s(uint32_t a, uint32_t b, FpEnv *env);
uint64_t fp_min_d(uint64_t a, uint64_t b, FpEnv *env);

/* FMAXNM, FMINNM (FPMaxNum, FPMinNum): a single quiet NaN gives way to the number. */
uint16_t fp_maxnm_h(uint16_t a, uint16_t b, FpEnv *env);
uint32_t fp_maxnm_s(uint32_t a, uint32_t b, FpEnv *env);
uint64_t fp_maxnm_d(uint64_t a, uint64_t b, FpEnv *env);
uint16_t fp_minnm_h(uint16_t a, uint16_t b, FpEnv *env);
uint32_t fp_minnm_s(uint32_t a, uint32_t b, FpEnv *env);
uint64_t fp_minnm_d(uint64_t a, uint64_t b, FpEnv *env);

/*
 * FCMP, FCCMP; FCMPE, FCCMPE with signal_nans (FPCompare). Returns NZCV with N in bit 3 and V in
 * bit 0: equal 0b0110, less 0b1000, greater 0b0010, unordered 0b0011.
 */
unsigned fp_compare_h(uint16_t a, uint16_t b, bool signal_nans, FpEnv *env);
unsigned fp_compare_s(uint32_t a, uint32_t b, bool signal_nans, FpEnv *env);
unsigned fp_compare_d(uint64_t a, uint64_t b, bool signal_nans, FpEnv *env);

/*
 * a == b, a >= b, a > b: FCMEQ, FCMGE, FCMGT (FPCompareEQ, FPCompareGE, FPCompareGT). FCMLE and
 * FCMLT are these with the operands exchanged; FACGE and FACGT take fp_abs of both operands.
 * Unordered is false; eq raises IOC for signaling NaNs only, ge and gt for any NaN.
 */
bool fp_eq_h(uint16_t a, uint16_t b, FpEnv *env);
bool fp_eq_s(uint32_t a, uint32_t b, FpEnv *env);
bool fp_eq_d(uint64_t a, uint64_t b, FpEnv *env);
bool fp_ge_h(uint16_t a, uint16_t b, FpEnv *env);
bool fp_ge_s(uint32_t a, uint32_t b, FpEnv *env);
bool fp_ge_d(uint64_t a, uint64_t b, FpEnv *env);
bool fp_gt_h(uint16_t a, uint16_t b, FpEnv *env);
bool fp_gt_s(uint32_t a, uint32_t b, FpEnv *env);
bool fp_gt_d(uint64_t a, uint64_t b, FpEnv *env);

/* FRECPE, FRSQRTE (FPRecipEstimate, FPRSqrtEstimate): eight-bit estimates. */
uint16_t fp_recip_estimate_h(uint16_t a, FpEnv *env);
uint32_t fp_recip_estimate_s(uint32_t a, FpEnv *env);
uint64_t fp_recip_estimate_d(uint64_t a, FpEnv *env);
uint16_t fp_rsqrt_estimate_h(uint16_t a, FpEnv *env);
uint32_t fp_rsqrt_estimate_s(uint32_t a, FpEnv *env);
uint64_t fp_rsqrt_estimate_d(uint64_t a, FpEnv *env);

/* The same with FEAT_RPRES: twelve bits where FPCR.AH is set. */
uint32_t fp_recip_estimate12_s(uint32_t a, FpEnv *env);
uint32_t fp_rsqrt_estimate12_s(uint32_t a, FpEnv *env);

/* URECPE, URSQRTE (UnsignedRecipEstimate, UnsignedRSqrtEstimate): fixed point, no flags. */
uint32_t fp_recip_estimate_u32(uint32_t a);
uint32_t fp_rsqrt_estimate_u32(uint32_t a);

/* 2 - a * b with one rounding: FRECPS (FPRecipStepFused). A NaN taken from a changes sign. */
uint16_t fp_recip_step_h(uint16_t a, uint16_t b, FpEnv *env);
uint32_t fp_recip_step_s(uint32_t a, uint32_t b, FpEnv *env);
uint64_t fp_recip_step_d(uint64_t a, uint64_t b, FpEnv *env);

/* (3 - a * b) / 2 with one rounding: FRSQRTS (FPRSqrtStepFused). NaNs as fp_recip_step. */
uint16_t fp_rsqrt_step_h(uint16_t a, uint16_t b, FpEnv *env);
uint32_t fp_rsqrt_step_s(uint32_t a, uint32_t b, FpEnv *env);
uint64_t fp_rsqrt_step_d(uint64_t a, uint64_t b, FpEnv *env);

/* FRECPX (FPRecpX): the exponent inverted, the fraction cleared. */
uint16_t fp_recpx_h(uint16_t a, FpEnv *env);
uint32_t fp_recpx_s(uint32_t a, FpEnv *env);
uint64_t fp_recpx_d(uint64_t a, FpEnv *env);
