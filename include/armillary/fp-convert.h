/*
 * Floating-point conversions: between precisions, to and from integers and fixed point, and
 * rounding to an integral value. Arm ARM, Shared Pseudocode, functions/float: FPConvert, FPToFixed,
 * FPToFixedJS, FixedToFP, FPRoundInt, FPRoundIntN. Conventions of armillary/fp.h.
 */
#pragma once

#include "armillary/fp.h"

/*
 * FCVT, FCVTL, FCVTN (FPConvert) from the first to the second precision, rounded by FPCR.RMode.
 * Half precision is the alternative format when FPCR.AHP is set; FPCR.FZ16 does not apply.
 */
uint32_t fp_convert_hs(uint16_t a, FpEnv *env);
uint64_t fp_convert_hd(uint16_t a, FpEnv *env);
uint16_t fp_convert_sh(uint32_t a, FpEnv *env);
uint64_t fp_convert_sd(uint32_t a, FpEnv *env);
uint16_t fp_convert_dh(uint64_t a, FpEnv *env);
uint32_t fp_convert_ds(uint64_t a, FpEnv *env);

/* BFCVT, BFCVTN: single to BFloat16 (FPConvertBF). */
uint16_t fp_convert_sb(uint32_t a, FpEnv *env);

/* FCVTXN: double to single, rounded to odd. */
uint32_t fp_convert_ds_odd(uint64_t a, FpEnv *env);

/*
 * a * 2^fbits as a signed or an unsigned integer of `bits` (16, 32 or 64) bits:
 * FCVT{N,P,M,Z,A}{S,U} (FPToFixed). The result saturates (NaN gives 0) and is zero-extended to 64
 * bits. fbits is 0 for the integer forms and at most 64; rounding is any mode but FP_ROUND_ODD.
 */
uint64_t fp_to_sint_h(uint16_t a, unsigned bits, unsigned fbits, FpRounding rounding, FpEnv *env);
uint64_t fp_to_sint_s(uint32_t a, unsigned bits, unsigned fbits, FpRounding rounding, FpEnv *env);
uint64_t fp_to_sint_d(uint64_t a, unsigned bits, unsigned fbits, FpRounding rounding, FpEnv *env);
uint64_t fp_to_uint_h(uint16_t a, unsigned bits, unsigned fbits, FpRounding rounding, FpEnv *env);
uint64_t fp_to_uint_s(uint32_t a, unsigned bits, unsigned fbits, FpRounding rounding, FpEnv *env);
uint64_t fp_to_uint_d(uint64_t a, unsigned bits, unsigned fbits, FpRounding rounding, FpEnv *env);

/*
 * a / 2^fbits rounded by FPCR.RMode: SCVTF, UCVTF (FixedToFP). The caller sign-extends (sint) or
 * zero-extends (uint) a narrower integer to 64 bits. fbits is at most 64.
 */
uint16_t fp_from_sint_h(uint64_t a, unsigned fbits, FpEnv *env);
uint32_t fp_from_sint_s(uint64_t a, unsigned fbits, FpEnv *env);
uint64_t fp_from_sint_d(uint64_t a, unsigned fbits, FpEnv *env);
uint16_t fp_from_uint_h(uint64_t a, unsigned fbits, FpEnv *env);
uint32_t fp_from_uint_s(uint64_t a, unsigned fbits, FpEnv *env);
uint64_t fp_from_uint_d(uint64_t a, unsigned fbits, FpEnv *env);

/* FJCVTZS (FPToFixedJS): a toward zero, modulo 2^32. *exact is Z: a is an int32 and not -0. */
uint32_t fp_to_int32_js(uint64_t a, bool *exact, FpEnv *env);

/*
 * FRINT{N,P,M,Z,A,I,X} (FPRoundInt): a rounded to an integral value in its own format. IXC is
 * raised only with `exact` (FRINTX). FRINTI and FRINTX pass fp_env_rounding(env).
 */
uint16_t fp_round_int_h(uint16_t a, FpRounding rounding, bool exact, FpEnv *env);
uint32_t fp_round_int_s(uint32_t a, FpRounding rounding, bool exact, FpEnv *env);
uint64_t fp_round_int_d(uint64_t a, FpRounding rounding, bool exact, FpEnv *env);

/*
 * FRINT32{X,Z}, FRINT64{X,Z} (FPRoundIntN): as fp_round_int with IXC, but what does not fit a
 * signed integer of `bits` (32 or 64) bits gives -2^(bits-1) and IOC.
 */
uint32_t fp_round_int_bits_s(uint32_t a, unsigned bits, FpRounding rounding, FpEnv *env);
uint64_t fp_round_int_bits_d(uint64_t a, unsigned bits, FpRounding rounding, FpEnv *env);
