/*
 * Three vectors of one integer type, without saturation: sums, comparisons, products, pairs. Arm
 * ARM, "Advanced SIMD three same"; "Advanced SIMD vector x indexed element" for the _el helpers.
 */
#include "vec-int.h"

VEC_BHSD(VEC_WHOLE, add, u, a + b)
VEC_BHSD(VEC_WHOLE, sub, u, a - b)
VEC_BHSD(VEC_WHOLE, cmgt, s, a > b)
VEC_BHSD(VEC_WHOLE, cmge, s, a >= b)
VEC_BHSD(VEC_WHOLE, cmhi, u, a > b)
VEC_BHSD(VEC_WHOLE, cmhs, u, a >= b)
VEC_BHSD(VEC_WHOLE, cmeq, u, a == b)
VEC_BHSD(VEC_WHOLE, cmtst, u, (a & b) != 0)

/* Halves of sums and differences, without the carry that the lane has no room for. */
VEC_BHS(VEC_WHOLE, shadd, s, (a & b) + ((a ^ b) >> 1))
VEC_BHS(VEC_WHOLE, uhadd, u, (a & b) + ((a ^ b) >> 1))
VEC_BHS(VEC_WHOLE, srhadd, s, (a | b) - ((a ^ b) >> 1))
VEC_BHS(VEC_WHOLE, urhadd, u, (a | b) - ((a ^ b) >> 1))
VEC_BHS(VEC_WHOLE, shsub, s, ((a ^ b) >> 1) - (~a & b))
VEC_BHS(VEC_WHOLE, uhsub, u, ((a ^ b) >> 1) - (~a & b))

VEC_BHS(VEC_WHOLE, smax, s, VEC_SELECT(a > b, a, b))
VEC_BHS(VEC_WHOLE, umax, u, VEC_SELECT(a > b, a, b))
VEC_BHS(VEC_WHOLE, smin, s, VEC_SELECT(a < b, a, b))
VEC_BHS(VEC_WHOLE, umin, u, VEC_SELECT(a < b, a, b))

#define DISTANCE VEC_SELECT(a > b, (VU)a - (VU)b, (VU)b - (VU)a)
VEC_BHS(VEC_WHOLE, sabd, s, DISTANCE)
VEC_BHS(VEC_WHOLE, uabd, u, DISTANCE)
VEC_BHS(VEC_WHOLE, saba, s, (VU)c + DISTANCE)
VEC_BHS(VEC_WHOLE, uaba, u, c + DISTANCE)

VEC_BHS(VEC_WHOLE, mul, u, a * b)
VEC_BHS(VEC_WHOLE, mla, u, c + a * b)
VEC_BHS(VEC_WHOLE, mls, u, c - a * b)
VEC_MAP(pmul_b, u, 8, vec_clmul8(a, b))

VEC_BHSD(VEC_WHOLE_PAIR, addp, u, a + b)
VEC_BHS(VEC_WHOLE_PAIR, smaxp, s, VEC_SELECT(a > b, a, b))
VEC_BHS(VEC_WHOLE_PAIR, umaxp, u, VEC_SELECT(a > b, a, b))
VEC_BHS(VEC_WHOLE_PAIR, sminp, s, VEC_SELECT(a < b, a, b))
VEC_BHS(VEC_WHOLE_PAIR, uminp, u, VEC_SELECT(a < b, a, b))

const IrVecFn a64_vec_3same[A64_SIMD_3SAME_OP_COUNT][4] = {
    [A64_SIMD_3SAME_ADD] = ROW_BHSD(add),
    [A64_SIMD_3SAME_SUB] = ROW_BHSD(sub),
    [A64_SIMD_3SAME_CMGT] = ROW_BHSD(cmgt),
    [A64_SIMD_3SAME_CMGE] = ROW_BHSD(cmge),
    [A64_SIMD_3SAME_CMHI] = ROW_BHSD(cmhi),
    [A64_SIMD_3SAME_CMHS] = ROW_BHSD(cmhs),
    [A64_SIMD_3SAME_CMEQ] = ROW_BHSD(cmeq),
    [A64_SIMD_3SAME_CMTST] = ROW_BHSD(cmtst),
    [A64_SIMD_3SAME_SHADD] = ROW_BHS(shadd),
    [A64_SIMD_3SAME_UHADD] = ROW_BHS(uhadd),
    [A64_SIMD_3SAME_SRHADD] = ROW_BHS(srhadd),
    [A64_SIMD_3SAME_URHADD] = ROW_BHS(urhadd),
    [A64_SIMD_3SAME_SHSUB] = ROW_BHS(shsub),
    [A64_SIMD_3SAME_UHSUB] = ROW_BHS(uhsub),
    [A64_SIMD_3SAME_SMAX] = ROW_BHS(smax),
    [A64_SIMD_3SAME_UMAX] = ROW_BHS(umax),
    [A64_SIMD_3SAME_SMIN] = ROW_BHS(smin),
    [A64_SIMD_3SAME_UMIN] = ROW_BHS(umin),
    [A64_SIMD_3SAME_SABD] = ROW_BHS(sabd),
    [A64_SIMD_3SAME_UABD] = ROW_BHS(uabd),
    [A64_SIMD_3SAME_SABA] = ROW_BHS(saba),
    [A64_SIMD_3SAME_UABA] = ROW_BHS(uaba),
    [A64_SIMD_3SAME_MUL] = ROW_BHS(mul),
    [A64_SIMD_3SAME_MLA] = ROW_BHS(mla),
    [A64_SIMD_3SAME_MLS] = ROW_BHS(mls),
    [A64_SIMD_3SAME_PMUL] = ROW_B(pmul),
    [A64_SIMD_3SAME_ADDP] = ROW_BHSD(addp),
    [A64_SIMD_3SAME_SMAXP] = ROW_BHS(smaxp),
    [A64_SIMD_3SAME_UMAXP] = ROW_BHS(umaxp),
    [A64_SIMD_3SAME_SMINP] = ROW_BHS(sminp),
    [A64_SIMD_3SAME_UMINP] = ROW_BHS(uminp),
};

VEC_EL(mul_h, 16) VEC_EL(mul_s, 32)
VEC_EL(mla_h, 16) VEC_EL(mla_s, 32)
VEC_EL(mls_h, 16) VEC_EL(mls_s, 32)

const IrVecFn a64_vec_elem[A64_SIMD_ELEM_OP_COUNT][4] = {
    [A64_SIMD_ELEM_MUL] = ROW_EL_HS(mul),
    [A64_SIMD_ELEM_MLA] = ROW_EL_HS(mla),
    [A64_SIMD_ELEM_MLS] = ROW_EL_HS(mls),
};

/* Whole registers: the lane size does not matter. */
VEC_WHOLE(and, u, 64, a & b)
VEC_WHOLE(bic, u, 64, a & ~b)
VEC_WHOLE(orr, u, 64, a | b)
VEC_WHOLE(orn, u, 64, a | ~b)
VEC_WHOLE(eor, u, 64, a ^ b)
VEC_WHOLE(bsl, u, 64, b ^ ((b ^ a) & c))
VEC_WHOLE(bit, u, 64, c ^ ((c ^ a) & b))
VEC_WHOLE(bif, u, 64, c ^ ((c ^ a) & ~b))

const IrVecFn a64_vec_logic[A64_SIMD_LOGIC_OP_COUNT] = {
    [A64_SIMD_LOGIC_AND] = and, [A64_SIMD_LOGIC_BIC] = bic, [A64_SIMD_LOGIC_ORR] = orr,
    [A64_SIMD_LOGIC_ORN] = orn, [A64_SIMD_LOGIC_EOR] = eor, [A64_SIMD_LOGIC_BSL] = bsl,
    [A64_SIMD_LOGIC_BIT] = bit, [A64_SIMD_LOGIC_BIF] = bif,
};
