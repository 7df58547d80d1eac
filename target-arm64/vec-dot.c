/*
 * Products of bytes summed into 32-bit lanes. Arm ARM, SDOT, UDOT, USDOT, SUDOT, SMMLA, UMMLA,
 * USMMLA.
 */
#include "vec-int.h"

/* Four products added to a lane; xs and ys: whether n's and m's bytes are signed. */
#define TERM(xs, ys, k) (U)(x->xs##8[4 * i + (k)] * y->ys##8[4 * i + (k)])
#define DOT(xs, ys) c + TERM(xs, ys, 0) + TERM(xs, ys, 1) + TERM(xs, ys, 2) + TERM(xs, ys, 3)
VEC_MAP(sdot, u, 32, DOT(s, s))
VEC_MAP(udot, u, 32, DOT(u, u))
VEC_MAP(usdot, u, 32, DOT(u, s))
VEC_MAP(sudot, u, 32, DOT(s, u))
VEC_EL(sdot, 32)
VEC_EL(udot, 32)
VEC_EL(usdot, 32)
VEC_EL(sudot, 32)

const IrVecFn a64_vec_dot[A64_SIMD_DOT_OP_COUNT] = {
    [A64_SIMD_DOT_SDOT] = sdot,
    [A64_SIMD_DOT_UDOT] = udot,
    [A64_SIMD_DOT_USDOT] = usdot,
};
const IrVecFn a64_vec_dot_el[A64_SIMD_DOT_EL_OP_COUNT] = {
    [A64_SIMD_DOT_EL_SDOT] = sdot_el,
    [A64_SIMD_DOT_EL_UDOT] = udot_el,
    [A64_SIMD_DOT_EL_USDOT] = usdot_el,
    [A64_SIMD_DOT_EL_SUDOT] = sudot_el,
};

/* Rows of eight bytes: n's row i / 2 by m's row i % 2, added to lane i. */
#define ROW_PRODUCT(fn, xs, ys)                                                                    \
    static inline uint32_t fn##_row(const A64Vreg *x, const A64Vreg *y, unsigned i)                \
    {                                                                                              \
        uint32_t sum = 0;                                                                          \
        for (unsigned k = 0; k < 8; k++) {                                                         \
            sum += (uint32_t)(x->xs##8[(i / 2) * 8 + k] * y->ys##8[(i % 2) * 8 + k]);              \
        }                                                                                          \
        return sum;                                                                                \
    }                                                                                              \
    VEC_MAP(fn, u, 32, c + fn##_row(x, y, i))
ROW_PRODUCT(smmla, s, s)
ROW_PRODUCT(ummla, u, u)
ROW_PRODUCT(usmmla, u, s)

const IrVecFn a64_vec_mmla[A64_SIMD_MMLA_OP_COUNT] = {
    [A64_SIMD_MMLA_SMMLA] = smmla,
    [A64_SIMD_MMLA_UMMLA] = ummla,
    [A64_SIMD_MMLA_USMMLA] = usmmla,
};
