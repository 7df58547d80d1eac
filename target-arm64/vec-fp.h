/*
 * Floating-point helpers on vector registers: tables by operation and log2 of the lane's bytes (1
 * to 3; NULL: unallocated). Exceptions and FPCR are the environment's; only active lanes are
 * computed.
 */
#pragma once

#include "a64-decode.h"
#include "vec-fp-quick.h"
#include "vec.h"

/* Vectors, and scalars where the lane is the only active one. */
extern const IrVecFn a64_vec_fp3[A64_SIMD_3SAME_FP_OP_COUNT][4];
/* index: low byte of the immediate */
extern const IrVecFn a64_vec_fp_elem[A64_SIMD_ELEM_FP_OP_COUNT][4];
extern const IrVecFn a64_vec_fp2[A64_SIMD_2MISC_FP_OP_COUNT][4];
extern const IrVecFn a64_vec_fp_across[A64_SIMD_ACROSS_FP_OP_COUNT][4];
/* FRECPE and FRSQRTE of singles with FEAT_RPRES. */
extern const IrVecFn a64_vec_fp_fine[2];
/* Pairs of one register: bytes are the pair's, with A64_VEC_FOLD. */
extern const IrVecFn a64_vec_fp_pair[A64_SIMD_PAIR_OP_COUNT][4];
/*
 * Immediate: bits 7:0 of an _el form the index; bits 9:8 the rotation in quarter turns (FCADD: 1 or
 * 3).
 */
extern const IrVecFn a64_vec_fcadd[4], a64_vec_fcmla[4], a64_vec_fcmla_el[4];
/*
 * Immediate: bits 7:0 of the _el form the index; bit 8 the second half of n's and m's lanes; bit 9
 * subtract.
 */
void a64_vec_fmlal(void *cpu, void *d, const void *n, const void *m, uint64_t desc);
void a64_vec_fmlal_el(void *cpu, void *d, const void *n, const void *m, uint64_t desc);

/* BFloat16, by operation and el. Immediate: bits 7:0 the index, bit 8 the odd elements (MLAL). */
extern const IrVecFn a64_vec_bf[A64_SIMD_BF_OP_COUNT][2];
void a64_vec_bfcvtn(void *cpu, void *d, const void *n, const void *m, uint64_t desc);
void a64_fp_bfcvt(void *cpu, void *d, const void *n, const void *m, uint64_t desc);

/* Between floating-point sizes, by the narrow one; bytes as in vec-wide.h. */
extern const IrVecFn a64_vec_fcvtl[4], a64_vec_fcvtn[4], a64_vec_fcvtxn[4];
/* Immediate: fraction bits in 7:0, FpRounding in 11:8. First index: unsigned. */
extern const IrVecFn a64_vec_fp_to_int[2][4], a64_vec_fp_from_int[2][4];

/* Scalar instructions: one lane, whatever the descriptor says. */
extern const IrVecFn a64_fp_one[A64_FP1_OP_COUNT][4];
extern const IrVecFn a64_fp_two[A64_FP2_OP_COUNT][4];
/* [product negated][addend negated]; addend: IR_VEC_ALSO */
extern const IrVecFn a64_fp_three[2][2][4];
extern const IrVecFn a64_fp_fcvt[4][4];     /* [from][to] */

/* The macro of a helper for half, single and double precision: expr(h), expr(s), expr(d). */
#define FP_HSD(macro, fn, expr)                                                                    \
    macro(fn##_h, u, 16, expr(h)) macro(fn##_s, u, 32, expr(s)) macro(fn##_d, u, 64, expr(d))
#define FP_SD(macro, fn, expr) macro(fn##_s, u, 32, expr(s)) macro(fn##_d, u, 64, expr(d))
#define ROW_SD(fn) {NULL, NULL, fn##_s, fn##_d}

/* What several files compute of lanes a, b and the old c. */
#define FP_ADD(x) quick_add_##x(a, b, env)
#define FP_SUB(x) quick_sub_##x(a, b, env)
#define FP_MUL(x) quick_mul_##x(a, b, env)
#define FP_DIV(x) quick_div_##x(a, b, env)
#define FP_MAX(x) quick_max_##x(a, b, env)
#define FP_MIN(x) quick_min_##x(a, b, env)
#define FP_MAXNM(x) quick_maxnm_##x(a, b, env)
#define FP_MINNM(x) quick_minnm_##x(a, b, env)
#define FP_ABS(x) fp_magnitude_##x(a, env)
#define FP_NEG(x) fp_negated_##x(a, env)
#define FP_SQRT(x) fp_sqrt_##x(a, env)
#define FP_RINT(x, mode) fp_round_int_##x(a, mode, false, env)
#define FP_RINTN(x) FP_RINT(x, FP_ROUND_TIEEVEN)
#define FP_RINTP(x) FP_RINT(x, FP_ROUND_POSINF)
#define FP_RINTM(x) FP_RINT(x, FP_ROUND_NEGINF)
#define FP_RINTZ(x) FP_RINT(x, FP_ROUND_ZERO)
#define FP_RINTA(x) FP_RINT(x, FP_ROUND_TIEAWAY)
#define FP_RINTI(x) FP_RINT(x, fp_env_rounding(env))
#define FP_RINTX(x) fp_round_int_##x(a, fp_env_rounding(env), true, env)
#define FP_RINT32Z(x) fp_round_int_bits_##x(a, 32, FP_ROUND_ZERO, env)
#define FP_RINT32X(x) fp_round_int_bits_##x(a, 32, fp_env_rounding(env), env)
#define FP_RINT64Z(x) fp_round_int_bits_##x(a, 64, FP_ROUND_ZERO, env)
#define FP_RINT64X(x) fp_round_int_bits_##x(a, 64, fp_env_rounding(env), env)
