/*
 * Scalar floating point: one lane of a register, the rest of the destination cleared.
 * Arm ARM, "Floating-point data-processing (1 source)", "(2 source)", "(3 source)".
 */
#include "vec-fp.h"

/* a, b: the low lanes of n and m; addend: that of the fourth operand. */
#define SCALAR(fn, sg, bits, expr)                                                                 \
    VEC_FN(fn)                                                                                     \
    {                                                                                              \
        const uint##bits##_t a = ((const A64Vreg *)n)->sg##bits[0];                                \
        const uint##bits##_t b __attribute__((unused)) = ((const A64Vreg *)m)->sg##bits[0];        \
        FpEnv *env __attribute__((unused)) = vec_env(cpu);                                         \
        *(A64Vreg *)d = (A64Vreg){.d = {(expr), 0}};                                               \
    }
FP_HSD(SCALAR, add, FP_ADD)
FP_HSD(SCALAR, sub, FP_SUB)
FP_HSD(SCALAR, mul, FP_MUL)
FP_HSD(SCALAR, div, FP_DIV)
FP_HSD(SCALAR, max, FP_MAX)
FP_HSD(SCALAR, min, FP_MIN)
FP_HSD(SCALAR, maxnm, FP_MAXNM)
FP_HSD(SCALAR, minnm, FP_MINNM)
#define NMUL(x) fp_negated_##x(FP_MUL(x), env)
FP_HSD(SCALAR, nmul, NMUL)

const IrVecFn a64_fp_two[A64_FP2_OP_COUNT][4] = {
    [A64_FP2_FADD] = ROW_HSD(add),     [A64_FP2_FSUB] = ROW_HSD(sub),
    [A64_FP2_FMUL] = ROW_HSD(mul),     [A64_FP2_FDIV] = ROW_HSD(div),
    [A64_FP2_FMAX] = ROW_HSD(max),     [A64_FP2_FMIN] = ROW_HSD(min),
    [A64_FP2_FMAXNM] = ROW_HSD(maxnm), [A64_FP2_FMINNM] = ROW_HSD(minnm),
    [A64_FP2_FNMUL] = ROW_HSD(nmul),
};

#define MOV(x) a
FP_HSD(SCALAR, mov, MOV)
FP_HSD(SCALAR, abs, FP_ABS)
FP_HSD(SCALAR, neg, FP_NEG)
FP_HSD(SCALAR, sqrt, FP_SQRT)
FP_HSD(SCALAR, rintn, FP_RINTN)
FP_HSD(SCALAR, rintp, FP_RINTP)
FP_HSD(SCALAR, rintm, FP_RINTM)
FP_HSD(SCALAR, rintz, FP_RINTZ)
FP_HSD(SCALAR, rinta, FP_RINTA)
FP_HSD(SCALAR, rinti, FP_RINTI)
FP_HSD(SCALAR, rintx, FP_RINTX)
FP_SD(SCALAR, rint32z, FP_RINT32Z)
FP_SD(SCALAR, rint32x, FP_RINT32X)
FP_SD(SCALAR, rint64z, FP_RINT64Z)
FP_SD(SCALAR, rint64x, FP_RINT64X)

const IrVecFn a64_fp_one[A64_FP1_OP_COUNT][4] = {
    [A64_FP1_FMOV] = ROW_HSD(mov),         [A64_FP1_FABS] = ROW_HSD(abs),
    [A64_FP1_FNEG] = ROW_HSD(neg),         [A64_FP1_FSQRT] = ROW_HSD(sqrt),
    [A64_FP1_FRINTN] = ROW_HSD(rintn),     [A64_FP1_FRINTP] = ROW_HSD(rintp),
    [A64_FP1_FRINTM] = ROW_HSD(rintm),     [A64_FP1_FRINTZ] = ROW_HSD(rintz),
    [A64_FP1_FRINTA] = ROW_HSD(rinta),     [A64_FP1_FRINTI] = ROW_HSD(rinti),
    [A64_FP1_FRINTX] = ROW_HSD(rintx),     [A64_FP1_FRINT32Z] = ROW_SD(rint32z),
    [A64_FP1_FRINT32X] = ROW_SD(rint32x),  [A64_FP1_FRINT64Z] = ROW_SD(rint64z),
    [A64_FP1_FRINT64X] = ROW_SD(rint64x),
};

/* Fused: signs change before the operation, as FPMulAdd is handed them. */
#define ADDEND(bits) (vec_also(cpu, desc)->u##bits[0])
#define FUSED_OF(x, bits, of_product, of_addend)                                                   \
    fp_muladd_##x(of_addend##_##x(ADDEND(bits), env), of_product##_##x(a, env), b, env)
#define FUSED(fn, of_product, of_addend)                                                           \
    SCALAR(fn##_h, u, 16, FUSED_OF(h, 16, of_product, of_addend))                                  \
    SCALAR(fn##_s, u, 32, FUSED_OF(s, 32, of_product, of_addend))                                  \
    SCALAR(fn##_d, u, 64, FUSED_OF(d, 64, of_product, of_addend))
#define as_is_h(a, env) a
#define as_is_s(a, env) a
#define as_is_d(a, env) a
FUSED(madd, as_is, as_is)
FUSED(msub, fp_negated, as_is)
FUSED(nmadd, fp_negated, fp_negated)
FUSED(nmsub, as_is, fp_negated)

const IrVecFn a64_fp_three[2][2][4] = {
    {ROW_HSD(madd), ROW_HSD(nmsub)},
    {ROW_HSD(msub), ROW_HSD(nmadd)},
};

SCALAR(hs, u, 16, fp_convert_hs(a, env))
SCALAR(hd, u, 16, fp_convert_hd(a, env))
SCALAR(sh, u, 32, fp_convert_sh(a, env))
SCALAR(sd, u, 32, fp_convert_sd(a, env))
SCALAR(dh, u, 64, fp_convert_dh(a, env))
SCALAR(ds, u, 64, fp_convert_ds(a, env))

const IrVecFn a64_fp_fcvt[4][4] = {
    [1] = {NULL, NULL, hs, hd},
    [2] = {NULL, sh, NULL, sd},
    [3] = {NULL, dh, ds, NULL},
};
