/*
 * Floating point of one vector: signs, roots, roundings, estimates, comparisons with zero,
 * conversions. Arm ARM, "Advanced SIMD two-register miscellaneous" and its scalar and half-
 * precision kin; conversions with fraction bits, "Advanced SIMD shift by immediate".
 */
#include "vec-fp.h"
#include "vec-wide.h"

/* Signs: bits alone, but for NaNs with FPCR.AH. */
FP_HSD(VEC_LANES, abs_ah, FP_ABS)
FP_HSD(VEC_LANES, neg_ah, FP_NEG)
#define ABS_BITS(x) fp_abs_##x(a)
FP_HSD(VEC_MAP, abs_bits, ABS_BITS)
#define NEG_BITS(x) fp_neg_##x(a)
FP_HSD(VEC_MAP, neg_bits, NEG_BITS)
#define BY_AH(fn, x)                                                                               \
    VEC_FN(fn##_##x)                                                                               \
    {                                                                                              \
        const bool ah = vec_env(cpu)->fpcr & FP_CR_AH;                                             \
        (ah ? fn##_ah_##x : fn##_bits_##x)(cpu, d, n, m, desc);                                    \
    }
BY_AH(abs, h)
BY_AH(abs, s)
BY_AH(abs, d)
BY_AH(neg, h)
BY_AH(neg, s)
BY_AH(neg, d)
FP_HSD(VEC_LANES, sqrt, FP_SQRT)
FP_HSD(VEC_LANES, rintn, FP_RINTN)
FP_HSD(VEC_LANES, rintp, FP_RINTP)
FP_HSD(VEC_LANES, rintm, FP_RINTM)
FP_HSD(VEC_LANES, rintz, FP_RINTZ)
FP_HSD(VEC_LANES, rinta, FP_RINTA)
FP_HSD(VEC_LANES, rinti, FP_RINTI)
FP_HSD(VEC_LANES, rintx, FP_RINTX)
FP_SD(VEC_LANES, rint32z, FP_RINT32Z)
FP_SD(VEC_LANES, rint32x, FP_RINT32X)
FP_SD(VEC_LANES, rint64z, FP_RINT64Z)
FP_SD(VEC_LANES, rint64x, FP_RINT64X)
#define RECPE(x) fp_recip_estimate_##x(a, env)
FP_HSD(VEC_LANES, recpe, RECPE)
#define RSQRTE(x) fp_rsqrt_estimate_##x(a, env)
FP_HSD(VEC_LANES, rsqrte, RSQRTE)
VEC_LANES(recpe12, u, 32, fp_recip_estimate12_s(a, env))
VEC_LANES(rsqrte12, u, 32, fp_rsqrt_estimate12_s(a, env))
const IrVecFn a64_vec_fp_fine[2] = {recpe12, rsqrte12};
#define RECPX(x) fp_recpx_##x(a, env)
FP_HSD(VEC_LANES, recpx, RECPX)
VEC_MAP(urecpe, u, 32, fp_recip_estimate_u32(a))
VEC_MAP(ursqrte, u, 32, fp_rsqrt_estimate_u32(a))

#define WHEN(condition) ((condition) ? LANE_UMAX : 0)
#define CMEQ0(x) WHEN(quick_eq_##x(a, 0, env))
FP_HSD(VEC_LANES, cmeq0, CMEQ0)
#define CMGE0(x) WHEN(quick_ge_##x(a, 0, env))
FP_HSD(VEC_LANES, cmge0, CMGE0)
#define CMGT0(x) WHEN(quick_gt_##x(a, 0, env))
FP_HSD(VEC_LANES, cmgt0, CMGT0)
#define CMLE0(x) WHEN(quick_ge_##x(0, a, env))
FP_HSD(VEC_LANES, cmle0, CMLE0)
#define CMLT0(x) WHEN(quick_gt_##x(0, a, env))
FP_HSD(VEC_LANES, cmlt0, CMLT0)

const IrVecFn a64_vec_fp2[A64_SIMD_2MISC_FP_OP_COUNT][4] = {
    [A64_SIMD_2MISC_FP_FABS] = ROW_HSD(abs),
    [A64_SIMD_2MISC_FP_FNEG] = ROW_HSD(neg),
    [A64_SIMD_2MISC_FP_FSQRT] = ROW_HSD(sqrt),
    [A64_SIMD_2MISC_FP_FRINTN] = ROW_HSD(rintn),
    [A64_SIMD_2MISC_FP_FRINTP] = ROW_HSD(rintp),
    [A64_SIMD_2MISC_FP_FRINTM] = ROW_HSD(rintm),
    [A64_SIMD_2MISC_FP_FRINTZ] = ROW_HSD(rintz),
    [A64_SIMD_2MISC_FP_FRINTA] = ROW_HSD(rinta),
    [A64_SIMD_2MISC_FP_FRINTI] = ROW_HSD(rinti),
    [A64_SIMD_2MISC_FP_FRINTX] = ROW_HSD(rintx),
    [A64_SIMD_2MISC_FP_FRINT32Z] = ROW_SD(rint32z),
    [A64_SIMD_2MISC_FP_FRINT32X] = ROW_SD(rint32x),
    [A64_SIMD_2MISC_FP_FRINT64Z] = ROW_SD(rint64z),
    [A64_SIMD_2MISC_FP_FRINT64X] = ROW_SD(rint64x),
    [A64_SIMD_2MISC_FP_FRECPE] = ROW_HSD(recpe),
    [A64_SIMD_2MISC_FP_FRSQRTE] = ROW_HSD(rsqrte),
    [A64_SIMD_2MISC_FP_FRECPX] = ROW_HSD(recpx),
    [A64_SIMD_2MISC_FP_URECPE] = {NULL, NULL, urecpe, NULL},
    [A64_SIMD_2MISC_FP_URSQRTE] = {NULL, NULL, ursqrte, NULL},
    [A64_SIMD_2MISC_FP_FCMEQ0] = ROW_HSD(cmeq0),
    [A64_SIMD_2MISC_FP_FCMGE0] = ROW_HSD(cmge0),
    [A64_SIMD_2MISC_FP_FCMGT0] = ROW_HSD(cmgt0),
    [A64_SIMD_2MISC_FP_FCMLE0] = ROW_HSD(cmle0),
    [A64_SIMD_2MISC_FP_FCMLT0] = ROW_HSD(cmlt0),
};

VEC_LONG(fcvtl_h, u, 16, 32, fp_convert_hs(a, env))
VEC_LONG(fcvtl_s, u, 32, 64, fp_convert_sd(a, env))
VEC_NARROW(fcvtn_h, u, 16, 32, fp_convert_sh(a, env))
VEC_NARROW(fcvtn_s, u, 32, 64, fp_convert_ds(a, env))
VEC_NARROW(fcvtxn_s, u, 32, 64, fp_convert_ds_odd(a, env))
const IrVecFn a64_vec_fcvtl[4] = ROW_HS(fcvtl);
const IrVecFn a64_vec_fcvtn[4] = ROW_HS(fcvtn);
const IrVecFn a64_vec_fcvtxn[4] = {NULL, NULL, fcvtxn_s, NULL};

#define FRACTION (imm & 0xff)
#define TO_SINT(x) quick_to_sint_##x(a, N, FRACTION, (FpRounding)(imm >> 8), env)
FP_HSD(VEC_LANES, to_sint, TO_SINT)
#define TO_UINT(x) fp_to_uint_##x(a, N, FRACTION, (FpRounding)(imm >> 8), env)
FP_HSD(VEC_LANES, to_uint, TO_UINT)
#define FROM_SINT(x) quick_from_sint_##x((uint64_t)(S)a, FRACTION, env)
FP_HSD(VEC_LANES, from_sint, FROM_SINT)
#define FROM_UINT(x) fp_from_uint_##x(a, FRACTION, env)
FP_HSD(VEC_LANES, from_uint, FROM_UINT)
const IrVecFn a64_vec_fp_to_int[2][4] = {ROW_HSD(to_sint), ROW_HSD(to_uint)};
const IrVecFn a64_vec_fp_from_int[2][4] = {ROW_HSD(from_sint), ROW_HSD(from_uint)};
