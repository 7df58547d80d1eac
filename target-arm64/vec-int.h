/*
 * Integer vector helpers: the tables of functions by operation and log2 of the lane's bytes (NULL:
 * unallocated), and what several of their files need. Arm ARM, Shared Pseudocode, functions/vector.
 *
 * Descriptors are those of vec.h; the bytes are the vector's, 8 or 16 (1 to 16 in the tables that
 * say scalar), the immediate is the lane's index in the _el tables.
 */
#pragma once

#include "a64-decode.h" /* generated from the decode tables: the operations of each handler */
#include "vec.h"

extern const IrVecFn a64_vec_3same[A64_SIMD_3SAME_OP_COUNT][4]; /* scalar: D only */
extern const IrVecFn a64_vec_elem[A64_SIMD_ELEM_OP_COUNT][4];
extern const IrVecFn a64_vec_logic[A64_SIMD_LOGIC_OP_COUNT];
extern const IrVecFn a64_vec_3sat[A64_SIMD_3SAT_OP_COUNT][4]; /* scalar: all sizes */
extern const IrVecFn a64_vec_elem_sat[A64_SIMD_ELEM_SAT_OP_COUNT][4];
/* Lanes of size and of twice the size. Bytes are those of the narrow lanes: 8, or one scalar's. */
extern const IrVecFn a64_vec_long[A64_SIMD_3LONG_OP_COUNT][4];
extern const IrVecFn a64_vec_elem_long[A64_SIMD_ELEM_LONG_OP_COUNT][4];
extern const IrVecFn a64_vec_wide[A64_SIMD_3WIDE_OP_COUNT][4];
extern const IrVecFn a64_vec_narrow[A64_SIMD_3NARROW_OP_COUNT][4];
extern const IrVecFn a64_vec_xtn[A64_SIMD_XTN_OP_COUNT][4];
extern const IrVecFn a64_vec_shll[4];
extern const IrVecFn a64_vec_2misc[A64_SIMD_2MISC_OP_COUNT][4]; /* scalar: see the decode table */
extern const IrVecFn a64_vec_across[A64_SIMD_ACROSS_OP_COUNT][4];
/* The immediate is the shift: right 1..size, left 0..size-1. */
extern const IrVecFn a64_vec_shift[A64_SIMD_SHIFT_OP_COUNT][4];
extern const IrVecFn a64_vec_shift_narrow[A64_SIMD_SHIFT_NARROW_OP_COUNT][4];
extern const IrVecFn a64_vec_shift_long[A64_SIMD_SHIFT_LONG_OP_COUNT][4];
extern const IrVecFn a64_vec_perm[A64_SIMD_PERM_OP_COUNT][4];
extern const IrVecFn a64_vec_dup[4]; /* the immediate is the index of n's lane */
extern const IrVecFn a64_vec_dot[A64_SIMD_DOT_OP_COUNT];
extern const IrVecFn a64_vec_dot_el[A64_SIMD_DOT_EL_OP_COUNT];
extern const IrVecFn a64_vec_mmla[A64_SIMD_MMLA_OP_COUNT];

/* EXT: the immediate is the number of bytes. */
void a64_vec_ext(void *cpu, void *d, const void *n, const void *m, uint64_t desc);

/*
 * TBL and TBX are calls, for they read up to six registers: x = rd, rn, rm in bytes 0, 1, 2; y =
 * A64_VEC_DESC with len.
 */
extern const IrHelper a64_vec_tbl, a64_vec_tbx, a64_vec_lut;

/* The product of two polynomials over {0, 1}, 8 bits each, 16 bits long. */
static inline uint16_t vec_clmul8(uint8_t a, uint8_t b)
{
    unsigned r = 0;
    for (unsigned i = 0; i < 8; i++) {
        r ^= (b >> i & 1u) * ((unsigned)a << i);
    }
    return (uint16_t)r;
}
