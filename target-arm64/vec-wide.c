/*
 * Lanes of one size with lanes of twice the size: long, wide and narrow forms.
 * Arm ARM, "Advanced SIMD three different"; the scalar and by-element forms of the same operations.
 */
#include "vec-crypto-host.h"
#include "vec-int.h"
#include "vec-wide.h"

#define ABS_DIFF(x, y) ((x) > (y) ? (x) - (y) : (y) - (x))
#define LONG_BHS(fn, sg, expr)                                                                     \
    VEC_LONG(fn##_b, sg, 8, 16, expr)                                                              \
    VEC_LONG(fn##_h, sg, 16, 32, expr)                                                             \
    VEC_LONG(fn##_s, sg, 32, 64, expr)
#define LONG_HS(fn, sg, expr)                                                                      \
    VEC_LONG(fn##_h, sg, 16, 32, expr)                                                             \
    VEC_LONG(fn##_s, sg, 32, 64, expr)

/* Sums go through WU, the unsigned wide type, where they wrap. */
LONG_BHS(saddl, s, (WU)(W)a + (WU)(W)b)
LONG_BHS(uaddl, u, (WU)a + (WU)b)
LONG_BHS(ssubl, s, (WU)(W)a - (WU)(W)b)
LONG_BHS(usubl, u, (WU)a - (WU)b)
LONG_BHS(sabdl, s, ABS_DIFF((W)a, (W)b))
LONG_BHS(uabdl, u, ABS_DIFF((W)a, (W)b))
LONG_BHS(sabal, s, (WU)c + (WU)ABS_DIFF((W)a, (W)b))
LONG_BHS(uabal, u, c + ABS_DIFF((W)a, (W)b))
LONG_BHS(smull, s, (W)a * (W)b)
LONG_BHS(umull, u, (W)a * (W)b)
LONG_BHS(smlal, s, (WU)c + (WU)((W)a * (W)b))
LONG_BHS(umlal, u, c + (W)a * (W)b)
LONG_BHS(smlsl, s, (WU)c - (WU)((W)a * (W)b))
LONG_BHS(umlsl, u, c - (W)a * (W)b)

/* 2ab saturates only for twice the lane's minimum; the accumulating forms saturate twice. */
#define DOUBLED                                                                                    \
    ({                                                                                             \
        W twice_;                                                                                  \
        if (__builtin_mul_overflow((W)a * b, (W)2, &twice_)) {                                     \
            sat = true;                                                                            \
            twice_ = W_MAX;                                                                        \
        }                                                                                          \
        twice_;                                                                                    \
    })
#define ACCUMULATED(op)                                                                            \
    ({                                                                                             \
        const W term_ = DOUBLED;                                                                   \
        W sum_;                                                                                    \
        if (__builtin_##op##_overflow(c, term_, &sum_)) {                                          \
            sat = true;                                                                            \
            sum_ = c < 0 ? W_MIN : W_MAX;                                                          \
        }                                                                                          \
        sum_;                                                                                      \
    })
LONG_HS(sqdmull, s, DOUBLED)
LONG_HS(sqdmlal, s, ACCUMULATED(add))
LONG_HS(sqdmlsl, s, ACCUMULATED(sub))

VEC_LONG(pmull_b, u, 8, 16, vec_clmul8(a, b))

/* 64 by 64 bits, a polynomial of 128. Four bits a step. */
VEC_FN(pmull_d_portable)
{
    const unsigned half = desc & A64_VEC_UPPER ? 1 : 0;
    const uint64_t a = ((const A64Vreg *)n)->d[half], b = ((const A64Vreg *)m)->d[half];
    unsigned __int128 multiple[16], r = 0;
    for (unsigned i = 0; i < 16; i++) {
        multiple[i] = 0;
        for (unsigned bit = 0; bit < 4; bit++) {
            multiple[i] ^= i >> bit & 1 ? (unsigned __int128)a << bit : 0;
        }
    }
    for (int shift = 60; shift >= 0; shift -= 4) {
        r = r << 4 ^ multiple[b >> shift & 15];
    }
    *(A64Vreg *)d = (A64Vreg){.d = {(uint64_t)r, (uint64_t)(r >> 64)}};
}

VEC_HOST_CLMUL(pmull_d, pmull_d_portable)

const IrVecFn a64_vec_long[A64_SIMD_3LONG_OP_COUNT][4] = {
    [A64_SIMD_3LONG_SADDL] = ROW_BHS(saddl),
    [A64_SIMD_3LONG_UADDL] = ROW_BHS(uaddl),
    [A64_SIMD_3LONG_SSUBL] = ROW_BHS(ssubl),
    [A64_SIMD_3LONG_USUBL] = ROW_BHS(usubl),
    [A64_SIMD_3LONG_SABDL] = ROW_BHS(sabdl),
    [A64_SIMD_3LONG_UABDL] = ROW_BHS(uabdl),
    [A64_SIMD_3LONG_SABAL] = ROW_BHS(sabal),
    [A64_SIMD_3LONG_UABAL] = ROW_BHS(uabal),
    [A64_SIMD_3LONG_SMULL] = ROW_BHS(smull),
    [A64_SIMD_3LONG_UMULL] = ROW_BHS(umull),
    [A64_SIMD_3LONG_SMLAL] = ROW_BHS(smlal),
    [A64_SIMD_3LONG_UMLAL] = ROW_BHS(umlal),
    [A64_SIMD_3LONG_SMLSL] = ROW_BHS(smlsl),
    [A64_SIMD_3LONG_UMLSL] = ROW_BHS(umlsl),
    [A64_SIMD_3LONG_SQDMULL] = ROW_HS(sqdmull),
    [A64_SIMD_3LONG_SQDMLAL] = ROW_HS(sqdmlal),
    [A64_SIMD_3LONG_SQDMLSL] = ROW_HS(sqdmlsl),
    [A64_SIMD_3LONG_PMULL] = {pmull_b, NULL, NULL, pmull_d},
};

VEC_EL(smull_h, 16) VEC_EL(smull_s, 32)
VEC_EL(umull_h, 16) VEC_EL(umull_s, 32)
VEC_EL(smlal_h, 16) VEC_EL(smlal_s, 32)
VEC_EL(umlal_h, 16) VEC_EL(umlal_s, 32)
VEC_EL(smlsl_h, 16) VEC_EL(smlsl_s, 32)
VEC_EL(umlsl_h, 16) VEC_EL(umlsl_s, 32)
VEC_EL(sqdmull_h, 16) VEC_EL(sqdmull_s, 32)
VEC_EL(sqdmlal_h, 16) VEC_EL(sqdmlal_s, 32)
VEC_EL(sqdmlsl_h, 16) VEC_EL(sqdmlsl_s, 32)

const IrVecFn a64_vec_elem_long[A64_SIMD_ELEM_LONG_OP_COUNT][4] = {
    [A64_SIMD_ELEM_LONG_SMULL] = ROW_EL_HS(smull),
    [A64_SIMD_ELEM_LONG_UMULL] = ROW_EL_HS(umull),
    [A64_SIMD_ELEM_LONG_SMLAL] = ROW_EL_HS(smlal),
    [A64_SIMD_ELEM_LONG_UMLAL] = ROW_EL_HS(umlal),
    [A64_SIMD_ELEM_LONG_SMLSL] = ROW_EL_HS(smlsl),
    [A64_SIMD_ELEM_LONG_UMLSL] = ROW_EL_HS(umlsl),
    [A64_SIMD_ELEM_LONG_SQDMULL] = ROW_EL_HS(sqdmull),
    [A64_SIMD_ELEM_LONG_SQDMLAL] = ROW_EL_HS(sqdmlal),
    [A64_SIMD_ELEM_LONG_SQDMLSL] = ROW_EL_HS(sqdmlsl),
};

/* Wide: the first source has wide lanes already. */
#define WIDE_BHS(fn, sg, expr)                                                                     \
    VEC_WIDE(fn##_b, sg, 8, 16, expr)                                                              \
    VEC_WIDE(fn##_h, sg, 16, 32, expr)                                                             \
    VEC_WIDE(fn##_s, sg, 32, 64, expr)
WIDE_BHS(saddw, s, (WU)a + (WU)(W)b)
WIDE_BHS(uaddw, u, (WU)a + (WU)(W)b)
WIDE_BHS(ssubw, s, (WU)a - (WU)(W)b)
WIDE_BHS(usubw, u, (WU)a - (WU)(W)b)

const IrVecFn a64_vec_wide[A64_SIMD_3WIDE_OP_COUNT][4] = {
    [A64_SIMD_3WIDE_SADDW] = ROW_BHS(saddw),
    [A64_SIMD_3WIDE_UADDW] = ROW_BHS(uaddw),
    [A64_SIMD_3WIDE_SSUBW] = ROW_BHS(ssubw),
    [A64_SIMD_3WIDE_USUBW] = ROW_BHS(usubw),
};

/* Narrow: the high half of each wide sum, rounded in the R forms. a, b are unsigned wide lanes. */
#define NARROW_BHS(fn, expr)                                                                       \
    VEC_NARROW(fn##_b, u, 8, 16, expr)                                                             \
    VEC_NARROW(fn##_h, u, 16, 32, expr)                                                            \
    VEC_NARROW(fn##_s, u, 32, 64, expr)
#define ROUNDING ((W)1 << (N - 1))
NARROW_BHS(addhn, (W)(a + b) >> N)
NARROW_BHS(subhn, (W)(a - b) >> N)
NARROW_BHS(raddhn, (W)(a + b + ROUNDING) >> N)
NARROW_BHS(rsubhn, (W)(a - b + ROUNDING) >> N)

const IrVecFn a64_vec_narrow[A64_SIMD_3NARROW_OP_COUNT][4] = {
    [A64_SIMD_3NARROW_ADDHN] = ROW_BHS(addhn),
    [A64_SIMD_3NARROW_SUBHN] = ROW_BHS(subhn),
    [A64_SIMD_3NARROW_RADDHN] = ROW_BHS(raddhn),
    [A64_SIMD_3NARROW_RSUBHN] = ROW_BHS(rsubhn),
};
