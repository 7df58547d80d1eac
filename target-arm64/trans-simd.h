/*
 * What the SIMD and floating-point translators (trans-simd*.c, trans-fp.c) share.
 */
#pragma once

#include "trans.h"
#include "vec.h"

/* Active bytes of a descriptor: the vector's, or those of one lane of log2 `size`. */
static inline uint64_t simd_bytes(uint32_t q, uint32_t scalar, uint32_t size)
{
    return scalar ? UINT64_C(1) << size : q ? 16 : 8;
}

/* The same for the narrow operand of a long, wide or narrow form; with Q it is an upper half. */
static inline uint64_t simd_narrow_bytes(uint32_t q, uint32_t scalar, uint32_t size)
{
    return simd_bytes(0, scalar, size) | (q ? A64_VEC_UPPER : 0);
}

/* One VEC op on registers d, n, m; false (unallocated) when there is no such helper. */
static inline bool simd_emit(A64Trans *t, IrVecFn fn, const unsigned regs[3], uint64_t desc)
{
    if (!fn) {
        return false;
    }
    if (a64_t_fp_enabled(t)) {
        a64_t_vec(t, fn, regs, desc);
    }
    return true;
}

/*
 * One VEC op on a scalar of 2^size bytes in d; with FPCR.NEP what is above it comes from register
 * `reg`. Arm ARM, IsMerging.
 */
typedef struct {
    unsigned reg, size;
} SimdKeep;
bool a64_t_vec_scalar(A64Trans *t, IrVecFn fn, const unsigned regs[3], uint64_t desc,
                      SimdKeep keep);
/* The low lane v (I64) into d, and what is above it: zeros, or with FPCR.NEP what was there. */
void a64_t_put_fp(A64Trans *t, unsigned d, unsigned size, IrVal v);

/* Writes both halves of vector register d. */
static inline void simd_put(A64Trans *t, unsigned d, IrVal low, IrVal high)
{
    ir_put(t->b, IR_I64, A64_OFF_V(d), low);
    ir_put(t->b, IR_I64, A64_OFF_V(d) + 8u, high);
}

/* Writes vector register d: v, zero-extended. */
static inline void simd_put_scalar(A64Trans *t, unsigned d, IrVal v)
{
    simd_put(t, d, v, a64_t_const(t, IR_I64, 0));
}
