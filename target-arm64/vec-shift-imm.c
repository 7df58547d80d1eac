/*
 * Shifts by an immediate. Arm ARM, "Advanced SIMD shift by immediate", "Advanced SIMD scalar shift
 * by immediate". imm is the shift itself: 1 to the lane's bits to the right, 0 to bits - 1 to the
 * left.
 */
#include "vec-int.h"
#include "vec-shift.h"
#include "vec-wide.h"

/* A right shift by the whole lane is legal, so it goes in two steps where it must vectorise. */
#define SHR ((a >> (imm - 1)) >> 1)
#define SHR_ROUNDED (SHR + (a >> (imm - 1) & 1))
VEC_BHSD(VEC_WHOLE, sshr, s, SHR)
VEC_BHSD(VEC_WHOLE, ushr, u, SHR)
VEC_BHSD(VEC_WHOLE, ssra, s, (VU)c + (VU)SHR)
VEC_BHSD(VEC_WHOLE, usra, u, c + SHR)
VEC_BHSD(VEC_WHOLE, srshr, s, SHR_ROUNDED)
VEC_BHSD(VEC_WHOLE, urshr, u, SHR_ROUNDED)
VEC_BHSD(VEC_WHOLE, srsra, s, (VU)c + (VU)SHR_ROUNDED)
VEC_BHSD(VEC_WHOLE, ursra, u, c + SHR_ROUNDED)
VEC_BHSD(VEC_WHOLE, sri, u, (c & (U)~(LANE_UMAX >> (imm - 1) >> 1)) | SHR)
VEC_BHSD(VEC_WHOLE, shl, u, a << imm)
VEC_BHSD(VEC_WHOLE, sli, u, (c & (U) ~((uint64_t)LANE_UMAX << imm)) | a << imm)
VEC_BHSD(VEC_LANES, sqshl, s, vec_sqshl(a, (int)imm, N, false, &sat))
VEC_BHSD(VEC_LANES, uqshl, u, vec_uqshl(a, (int)imm, N, false, &sat))
VEC_BHSD(VEC_LANES, sqshlu, s, vec_sqshlu(a, (int)imm, N, &sat))

const IrVecFn a64_vec_shift[A64_SIMD_SHIFT_OP_COUNT][4] = {
    [A64_SIMD_SHIFT_SSHR] = ROW_BHSD(sshr),
    [A64_SIMD_SHIFT_USHR] = ROW_BHSD(ushr),
    [A64_SIMD_SHIFT_SSRA] = ROW_BHSD(ssra),
    [A64_SIMD_SHIFT_USRA] = ROW_BHSD(usra),
    [A64_SIMD_SHIFT_SRSHR] = ROW_BHSD(srshr),
    [A64_SIMD_SHIFT_URSHR] = ROW_BHSD(urshr),
    [A64_SIMD_SHIFT_SRSRA] = ROW_BHSD(srsra),
    [A64_SIMD_SHIFT_URSRA] = ROW_BHSD(ursra),
    [A64_SIMD_SHIFT_SRI] = ROW_BHSD(sri),
    [A64_SIMD_SHIFT_SHL] = ROW_BHSD(shl),
    [A64_SIMD_SHIFT_SLI] = ROW_BHSD(sli),
    [A64_SIMD_SHIFT_SQSHL] = ROW_BHSD(sqshl),
    [A64_SIMD_SHIFT_UQSHL] = ROW_BHSD(uqshl),
    [A64_SIMD_SHIFT_SQSHLU] = ROW_BHSD(sqshlu),
};

#define NARROW_BHS(fn, sg, expr)                                                                   \
    VEC_NARROW(fn##_b, sg, 8, 16, expr)                                                            \
    VEC_NARROW(fn##_h, sg, 16, 32, expr)                                                           \
    VEC_NARROW(fn##_s, sg, 32, 64, expr)

/* value, of any width, saturated to the narrow signed or unsigned lane. */
#define SIGNED_SAT(value)                                                                          \
    ({                                                                                             \
        const int64_t value_ = (value);                                                            \
        sat |= value_ > LANE_SMAX || value_ < LANE_SMIN;                                           \
        value_ > LANE_SMAX ? LANE_SMAX : value_ < LANE_SMIN ? LANE_SMIN : (S)value_;               \
    })
#define UNSIGNED_SAT(value)                                                                        \
    ({                                                                                             \
        const uint64_t value_ = (value);                                                           \
        sat |= value_ > LANE_UMAX;                                                                 \
        value_ > LANE_UMAX ? LANE_UMAX : (U)value_;                                                \
    })
#define SIGNED_TO_UNSIGNED_SAT(value)                                                              \
    ({                                                                                             \
        const int64_t value_ = (value);                                                            \
        sat |= value_ > LANE_UMAX || value_ < 0;                                                   \
        value_ > LANE_UMAX ? LANE_UMAX : value_ < 0 ? (U)0 : (U)value_;                            \
    })
NARROW_BHS(shrn, u, a >> imm)
NARROW_BHS(rshrn, u, SHR_ROUNDED)
NARROW_BHS(sqshrn, s, SIGNED_SAT(a >> imm))
NARROW_BHS(sqrshrn, s, SIGNED_SAT(SHR_ROUNDED))
NARROW_BHS(uqshrn, u, UNSIGNED_SAT(a >> imm))
NARROW_BHS(uqrshrn, u, UNSIGNED_SAT(SHR_ROUNDED))
NARROW_BHS(sqshrun, s, SIGNED_TO_UNSIGNED_SAT(a >> imm))
NARROW_BHS(sqrshrun, s, SIGNED_TO_UNSIGNED_SAT(SHR_ROUNDED))

const IrVecFn a64_vec_shift_narrow[A64_SIMD_SHIFT_NARROW_OP_COUNT][4] = {
    [A64_SIMD_SHIFT_NARROW_SHRN] = ROW_BHS(shrn),
    [A64_SIMD_SHIFT_NARROW_RSHRN] = ROW_BHS(rshrn),
    [A64_SIMD_SHIFT_NARROW_SQSHRN] = ROW_BHS(sqshrn),
    [A64_SIMD_SHIFT_NARROW_SQRSHRN] = ROW_BHS(sqrshrn),
    [A64_SIMD_SHIFT_NARROW_UQSHRN] = ROW_BHS(uqshrn),
    [A64_SIMD_SHIFT_NARROW_UQRSHRN] = ROW_BHS(uqrshrn),
    [A64_SIMD_SHIFT_NARROW_SQSHRUN] = ROW_BHS(sqshrun),
    [A64_SIMD_SHIFT_NARROW_SQRSHRUN] = ROW_BHS(sqrshrun),
};

/* The narrowing moves are narrowing shifts by 0. */
const IrVecFn a64_vec_xtn[A64_SIMD_XTN_OP_COUNT][4] = {
    [A64_SIMD_XTN_XTN] = ROW_BHS(shrn),
    [A64_SIMD_XTN_SQXTN] = ROW_BHS(sqshrn),
    [A64_SIMD_XTN_UQXTN] = ROW_BHS(uqshrn),
    [A64_SIMD_XTN_SQXTUN] = ROW_BHS(sqshrun),
};

#define LONG_BHS(fn, sg, expr)                                                                     \
    VEC_LONG(fn##_b, sg, 8, 16, expr)                                                              \
    VEC_LONG(fn##_h, sg, 16, 32, expr)                                                             \
    VEC_LONG(fn##_s, sg, 32, 64, expr)
LONG_BHS(sshll, s, (WU)(W)a << imm)
LONG_BHS(ushll, u, (WU)a << imm)

const IrVecFn a64_vec_shift_long[A64_SIMD_SHIFT_LONG_OP_COUNT][4] = {
    [A64_SIMD_SHIFT_LONG_SSHLL] = ROW_BHS(sshll),
    [A64_SIMD_SHIFT_LONG_USHLL] = ROW_BHS(ushll),
};

/* SHLL shifts by the narrow lane's size. */
const IrVecFn a64_vec_shll[4] = ROW_BHS(ushll);
