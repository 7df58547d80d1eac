/*
 * Three vectors of one integer type with saturation (FPSR.QC), and shifts by a vector of counts.
 * Arm ARM, "Advanced SIMD three same", "Advanced SIMD three same extra"; Shared Pseudocode, SatQ.
 */
#include "vec-int.h"
#include "vec-shift.h"

#define SATURATED(value) (sat = true, (value))
/* The exact result of the operation, or the nearest value of the lane. */
#define CLAMP(overflow, nearest)                                                                   \
    ({                                                                                             \
        T r_;                                                                                      \
        overflow ? SATURATED((T)(nearest)) : r_;                                                   \
    })

#define TOWARDS_A (a < 0 ? LANE_SMIN : LANE_SMAX)
VEC_BHSD(VEC_LANES, sqadd, s, CLAMP(__builtin_add_overflow(a, b, &r_), TOWARDS_A))
VEC_BHSD(VEC_LANES, uqadd, u, CLAMP(__builtin_add_overflow(a, b, &r_), LANE_UMAX))
VEC_BHSD(VEC_LANES, sqsub, s, CLAMP(__builtin_sub_overflow(a, b, &r_), TOWARDS_A))
VEC_BHSD(VEC_LANES, uqsub, u, CLAMP(__builtin_sub_overflow(a, b, &r_), 0))

/*
 * Doubling multiply returning the high half: N bits below the point are dropped (or rounded) from
 * 2ab. The accumulating forms add c there, with all bits, before they round. Halved throughout, so
 * that 64 bits suffice.
 */
#define HIGH_HALF(wide)                                                                            \
    ({                                                                                             \
        const int64_t high_ = (wide) >> (N - 1);                                                   \
        high_ > LANE_SMAX   ? SATURATED(LANE_SMAX)                                                 \
        : high_ < LANE_SMIN ? SATURATED(LANE_SMIN)                                                 \
                            : (S)high_;                                                            \
    })
#define PRODUCT ((int64_t)a * b)
#define ADDEND ((int64_t)c * (INT64_C(1) << (N - 1)))
#define HALF (INT64_C(1) << (N - 2))
#define VEC_HS(macro, fn, sg, expr) macro(fn##_h, sg, 16, expr) macro(fn##_s, sg, 32, expr)
VEC_HS(VEC_LANES, sqdmulh, s, HIGH_HALF(PRODUCT))
VEC_HS(VEC_LANES, sqrdmulh, s, HIGH_HALF(PRODUCT + HALF))
VEC_HS(VEC_LANES, sqrdmlah, s, HIGH_HALF(ADDEND + PRODUCT + HALF))
VEC_HS(VEC_LANES, sqrdmlsh, s, HIGH_HALF(ADDEND - PRODUCT + HALF))

/* The count is the signed low byte of b's lane; negative shifts right. */
VEC_BHSD(VEC_MAP, sshl, s, vec_sshl(a, (int8_t)b, N, false))
VEC_BHSD(VEC_MAP, ushl, u, vec_ushl(a, (int8_t)b, N, false))
VEC_BHSD(VEC_MAP, srshl, s, vec_sshl(a, (int8_t)b, N, true))
VEC_BHSD(VEC_MAP, urshl, u, vec_ushl(a, (int8_t)b, N, true))
VEC_BHSD(VEC_LANES, sqshl, s, vec_sqshl(a, (int8_t)b, N, false, &sat))
VEC_BHSD(VEC_LANES, uqshl, u, vec_uqshl(a, (int8_t)b, N, false, &sat))
VEC_BHSD(VEC_LANES, sqrshl, s, vec_sqshl(a, (int8_t)b, N, true, &sat))
VEC_BHSD(VEC_LANES, uqrshl, u, vec_uqshl(a, (int8_t)b, N, true, &sat))

const IrVecFn a64_vec_3sat[A64_SIMD_3SAT_OP_COUNT][4] = {
    [A64_SIMD_3SAT_SQADD] = ROW_BHSD(sqadd),
    [A64_SIMD_3SAT_UQADD] = ROW_BHSD(uqadd),
    [A64_SIMD_3SAT_SQSUB] = ROW_BHSD(sqsub),
    [A64_SIMD_3SAT_UQSUB] = ROW_BHSD(uqsub),
    [A64_SIMD_3SAT_SQDMULH] = ROW_HS(sqdmulh),
    [A64_SIMD_3SAT_SQRDMULH] = ROW_HS(sqrdmulh),
    [A64_SIMD_3SAT_SQRDMLAH] = ROW_HS(sqrdmlah),
    [A64_SIMD_3SAT_SQRDMLSH] = ROW_HS(sqrdmlsh),
    [A64_SIMD_3SAT_SSHL] = ROW_BHSD(sshl),
    [A64_SIMD_3SAT_USHL] = ROW_BHSD(ushl),
    [A64_SIMD_3SAT_SRSHL] = ROW_BHSD(srshl),
    [A64_SIMD_3SAT_URSHL] = ROW_BHSD(urshl),
    [A64_SIMD_3SAT_SQSHL] = ROW_BHSD(sqshl),
    [A64_SIMD_3SAT_UQSHL] = ROW_BHSD(uqshl),
    [A64_SIMD_3SAT_SQRSHL] = ROW_BHSD(sqrshl),
    [A64_SIMD_3SAT_UQRSHL] = ROW_BHSD(uqrshl),
};

VEC_EL(sqdmulh_h, 16) VEC_EL(sqdmulh_s, 32)
VEC_EL(sqrdmulh_h, 16) VEC_EL(sqrdmulh_s, 32)
VEC_EL(sqrdmlah_h, 16) VEC_EL(sqrdmlah_s, 32)
VEC_EL(sqrdmlsh_h, 16) VEC_EL(sqrdmlsh_s, 32)

const IrVecFn a64_vec_elem_sat[A64_SIMD_ELEM_SAT_OP_COUNT][4] = {
    [A64_SIMD_ELEM_SAT_SQDMULH] = ROW_EL_HS(sqdmulh),
    [A64_SIMD_ELEM_SAT_SQRDMULH] = ROW_EL_HS(sqrdmulh),
    [A64_SIMD_ELEM_SAT_SQRDMLAH] = ROW_EL_HS(sqrdmlah),
    [A64_SIMD_ELEM_SAT_SQRDMLSH] = ROW_EL_HS(sqrdmlsh),
};
