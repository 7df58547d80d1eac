/*
 * The exact operations, one function for all formats: operands and results are encodings of `fmt`
 * in the low bits. What the public functions fall back on when the host FPU cannot be trusted.
 */
#pragma once

#include "core.h"

uint64_t fp_exact_add(const FpFormat *fmt, uint64_t a, uint64_t b, FpEnv *env);
uint64_t fp_exact_sub(const FpFormat *fmt, uint64_t a, uint64_t b, FpEnv *env);
uint64_t fp_exact_mul(const FpFormat *fmt, uint64_t a, uint64_t b, FpEnv *env);
uint64_t fp_exact_mulx(const FpFormat *fmt, uint64_t a, uint64_t b, FpEnv *env);
uint64_t fp_exact_div(const FpFormat *fmt, uint64_t a, uint64_t b, FpEnv *env);
uint64_t fp_exact_sqrt(const FpFormat *fmt, uint64_t a, FpEnv *env);

/* ops: addend, a, b, already unpacked; NaNs among them hold encodings of `fmt`. */
uint64_t fp_exact_muladd(const FpFormat *fmt, const FpParts ops[3], FpEnv *env);

uint64_t fp_exact_recip_step(const FpFormat *fmt, uint64_t a, uint64_t b, FpEnv *env);
uint64_t fp_exact_rsqrt_step(const FpFormat *fmt, uint64_t a, uint64_t b, FpEnv *env);

uint64_t fp_exact_convert(const FpFormat *from, const FpFormat *to, uint64_t a, FpRounding rounding,
                          FpEnv *env);

/* `a` is sign-extended when is_signed. */
uint64_t fp_exact_from_int(const FpFormat *fmt, uint64_t a, bool is_signed, unsigned fbits,
                           FpEnv *env);

/* The encoding of a NaN of `from` in `to`, quiet (FPConvertNaN). */
uint64_t fp_nan_convert(const FpFormat *from, const FpFormat *to, uint64_t nan);
