/*
 * Floating point on two or three vectors. Arm ARM, "Advanced SIMD three same", "Advanced SIMD
 * scalar three same", "Advanced SIMD vector x indexed element", "Advanced SIMD across lanes";
 * FMLAL, FCADD, FCMLA.
 */
#include "vec-fp-native.h"

FP_HSD(VEC_LANES, add_lanes, FP_ADD)
FP_HSD(VEC_LANES, sub_lanes, FP_SUB)
FP_HSD(VEC_LANES, mul_lanes, FP_MUL)
FP_HSD(VEC_LANES, div_lanes, FP_DIV)
#define add_h add_lanes_h
VEC_FP_NATIVE(add_s, 32, x + y, r == 0, add_lanes_s)
VEC_FP_NATIVE(add_d, 64, x + y, r == 0, add_lanes_d)
#define sub_h sub_lanes_h
VEC_FP_NATIVE(sub_s, 32, x - y, r == 0, sub_lanes_s)
VEC_FP_NATIVE(sub_d, 64, x - y, r == 0, sub_lanes_d)
#define mul_h mul_lanes_h
VEC_FP_NATIVE(mul_s, 32, x * y, (x == 0) | (y == 0), mul_lanes_s)
VEC_FP_NATIVE(mul_d, 64, x * y, (x == 0) | (y == 0), mul_lanes_d)
#define div_h div_lanes_h
VEC_FP_NATIVE(div_s, 32, x / y, x == 0, div_lanes_s)
VEC_FP_NATIVE(div_d, 64, x / y, x == 0, div_lanes_d)

FP_HSD(VEC_LANES, max, FP_MAX)
FP_HSD(VEC_LANES, min, FP_MIN)
FP_HSD(VEC_LANES, maxnm, FP_MAXNM)
FP_HSD(VEC_LANES, minnm, FP_MINNM)

/* FEAT_FAMINMAX: the larger or smaller magnitude; NaNs as with FPCR.{AH,FIZ,FZ,FZ16} clear, and
 * nothing is flushed. */
static FpEnv unflushed(const FpEnv *env)
{
    const uint32_t ignored = FP_CR_AH | FP_CR_FIZ | FP_CR_FZ | FP_CR_FZ16;
    return (FpEnv){.fpcr = env->fpcr & ~ignored, .fpsr = env->fpsr};
}

#define MAGNITUDES(type, x, infinity)                                         \
    static type amax_of_##x(type a, type b, bool larger, FpEnv *env)          \
    {                                                                         \
        const type p = fp_abs_##x(a), q = fp_abs_##x(b);                      \
        if (p <= infinity && q <= infinity)                                   \
            return (p > q) == larger ? p : q;                                 \
        FpEnv plain = unflushed(env);                                         \
        const type nan = fp_max_##x(a, b, &plain);                            \
        env->fpsr = plain.fpsr;                                               \
        return nan;                                                           \
    }
MAGNITUDES(uint16_t, h, 0x7c00)
MAGNITUDES(uint32_t, s, 0x7f800000)
MAGNITUDES(uint64_t, d, UINT64_C(0x7ff0000000000000))
#define AMAX(x) amax_of_##x(a, b, true, env)
#define AMIN(x) amax_of_##x(a, b, false, env)
FP_HSD(VEC_LANES, amax, AMAX)
FP_HSD(VEC_LANES, amin, AMIN)
#define MULX(x) fp_mulx_##x(a, b, env)
FP_HSD(VEC_LANES, mulx, MULX)
#define ABD(x) fp_magnitude_##x(quick_sub_##x(a, b, env), env)
FP_HSD(VEC_LANES, abd, ABD)
#define RECPS(x) fp_recip_step_##x(a, b, env)
FP_HSD(VEC_LANES, recps, RECPS)
#define RSQRTS(x) fp_rsqrt_step_##x(a, b, env)
FP_HSD(VEC_LANES, rsqrts, RSQRTS)
#define MLA(x) fp_muladd_##x(c, a, b, env)
FP_HSD(VEC_LANES, mla_lanes, MLA)
#define mla_h mla_lanes_h
VEC_FP_NATIVE_FMA(mla_s, 32, __builtin_fmaf, x, mla_lanes_s)
VEC_FP_NATIVE_FMA(mla_d, 64, __builtin_fma, x, mla_lanes_d)
#define MLS(x) fp_muladd_##x(c, fp_negated_##x(a, env), b, env)
FP_HSD(VEC_LANES, mls_lanes, MLS)
#define mls_h mls_lanes_h
VEC_FP_NATIVE_FMA(mls_s, 32, __builtin_fmaf, -x, mls_lanes_s)
VEC_FP_NATIVE_FMA(mls_d, 64, __builtin_fma, -x, mls_lanes_d)

#define WHEN(condition) ((condition) ? LANE_UMAX : 0)
#define CMEQ(x) WHEN(quick_eq_##x(a, b, env))
FP_HSD(VEC_LANES, cmeq, CMEQ)
#define CMGE(x) WHEN(quick_ge_##x(a, b, env))
FP_HSD(VEC_LANES, cmge, CMGE)
#define CMGT(x) WHEN(quick_gt_##x(a, b, env))
FP_HSD(VEC_LANES, cmgt, CMGT)
#define ACGE(x) WHEN(quick_ge_##x(fp_magnitude_##x(a, env), fp_magnitude_##x(b, env), env))
FP_HSD(VEC_LANES, acge, ACGE)
#define ACGT(x) WHEN(quick_gt_##x(fp_magnitude_##x(a, env), fp_magnitude_##x(b, env), env))
FP_HSD(VEC_LANES, acgt, ACGT)

FP_HSD(VEC_PAIR, addp, FP_ADD)
FP_HSD(VEC_PAIR, maxp, FP_MAX)
FP_HSD(VEC_PAIR, minp, FP_MIN)
FP_HSD(VEC_PAIR, maxnmp, FP_MAXNM)
FP_HSD(VEC_PAIR, minnmp, FP_MINNM)

const IrVecFn a64_vec_fp3[A64_SIMD_3SAME_FP_OP_COUNT][4] = {
    [A64_SIMD_3SAME_FP_FADD] = ROW_HSD(add),       [A64_SIMD_3SAME_FP_FSUB] = ROW_HSD(sub),
    [A64_SIMD_3SAME_FP_FMUL] = ROW_HSD(mul),       [A64_SIMD_3SAME_FP_FDIV] = ROW_HSD(div),
    [A64_SIMD_3SAME_FP_FMAX] = ROW_HSD(max),       [A64_SIMD_3SAME_FP_FMIN] = ROW_HSD(min),
    [A64_SIMD_3SAME_FP_FMAXNM] = ROW_HSD(maxnm),   [A64_SIMD_3SAME_FP_FMINNM] = ROW_HSD(minnm),
    [A64_SIMD_3SAME_FP_FAMAX] = ROW_HSD(amax),     [A64_SIMD_3SAME_FP_FAMIN] = ROW_HSD(amin),
    [A64_SIMD_3SAME_FP_FMULX] = ROW_HSD(mulx),     [A64_SIMD_3SAME_FP_FABD] = ROW_HSD(abd),
    [A64_SIMD_3SAME_FP_FRECPS] = ROW_HSD(recps),   [A64_SIMD_3SAME_FP_FRSQRTS] = ROW_HSD(rsqrts),
    [A64_SIMD_3SAME_FP_FMLA] = ROW_HSD(mla),       [A64_SIMD_3SAME_FP_FMLS] = ROW_HSD(mls),
    [A64_SIMD_3SAME_FP_FCMEQ] = ROW_HSD(cmeq),     [A64_SIMD_3SAME_FP_FCMGE] = ROW_HSD(cmge),
    [A64_SIMD_3SAME_FP_FCMGT] = ROW_HSD(cmgt),     [A64_SIMD_3SAME_FP_FACGE] = ROW_HSD(acge),
    [A64_SIMD_3SAME_FP_FACGT] = ROW_HSD(acgt),     [A64_SIMD_3SAME_FP_FADDP] = ROW_HSD(addp),
    [A64_SIMD_3SAME_FP_FMAXP] = ROW_HSD(maxp),     [A64_SIMD_3SAME_FP_FMINP] = ROW_HSD(minp),
    [A64_SIMD_3SAME_FP_FMAXNMP] = ROW_HSD(maxnmp), [A64_SIMD_3SAME_FP_FMINNMP] = ROW_HSD(minnmp),
};

/* The integer pair is here for company. */
VEC_PAIR(add_int_d, u, 64, a + b)
const IrVecFn a64_vec_fp_pair[A64_SIMD_PAIR_OP_COUNT][4] = {
    [A64_SIMD_PAIR_ADDP] = {NULL, NULL, NULL, add_int_d}, [A64_SIMD_PAIR_FADDP] = ROW_HSD(addp),
    [A64_SIMD_PAIR_FMAXP] = ROW_HSD(maxp),                [A64_SIMD_PAIR_FMINP] = ROW_HSD(minp),
    [A64_SIMD_PAIR_FMAXNMP] = ROW_HSD(maxnmp),            [A64_SIMD_PAIR_FMINNMP] = ROW_HSD(minnmp),
};

#define EL_HSD(fn) VEC_EL(fn##_h, 16) VEC_EL(fn##_s, 32) VEC_EL(fn##_d, 64)
EL_HSD(mul)
EL_HSD(mulx)
EL_HSD(mla)
EL_HSD(mls)

const IrVecFn a64_vec_fp_elem[A64_SIMD_ELEM_FP_OP_COUNT][4] = {
    [A64_SIMD_ELEM_FP_FMUL] = ROW_EL_HSD(mul),
    [A64_SIMD_ELEM_FP_FMULX] = ROW_EL_HSD(mulx),
    [A64_SIMD_ELEM_FP_FMLA] = ROW_EL_HSD(mla),
    [A64_SIMD_ELEM_FP_FMLS] = ROW_EL_HSD(mls),
};

/* Neighbours first, as the recursive Reduce of the manual does. */
#define FP_ACROSS(fn, sg, bits, expr)                                                              \
    VEC_FN(fn)                                                                                     \
    {                                                                                              \
        A64Vreg v = *(const A64Vreg *)n;                                                           \
        FpEnv *env = vec_env(cpu);                                                                 \
        for (unsigned lanes = vec_bytes(desc) * 8 / bits; lanes > 1; lanes /= 2) {                 \
            for (unsigned i = 0; i < lanes / 2; i++) {                                             \
                const uint##bits##_t a = v.sg##bits[2 * i], b = v.sg##bits[2 * i + 1];             \
                v.sg##bits[i] = expr;                                                              \
            }                                                                                      \
        }                                                                                          \
        *(A64Vreg *)d = (A64Vreg){.d = {v.sg##bits[0], 0}};                                        \
    }
#define ACROSS_HS(fn, expr) FP_ACROSS(fn##_h, u, 16, expr(h)) FP_ACROSS(fn##_s, u, 32, expr(s))
ACROSS_HS(maxv, FP_MAX)
ACROSS_HS(minv, FP_MIN)
ACROSS_HS(maxnmv, FP_MAXNM)
ACROSS_HS(minnmv, FP_MINNM)

const IrVecFn a64_vec_fp_across[A64_SIMD_ACROSS_FP_OP_COUNT][4] = {
    [A64_SIMD_ACROSS_FP_FMAXV] = ROW_HS(maxv),
    [A64_SIMD_ACROSS_FP_FMINV] = ROW_HS(minv),
    [A64_SIMD_ACROSS_FP_FMAXNMV] = ROW_HS(maxnmv),
    [A64_SIMD_ACROSS_FP_FMINNMV] = ROW_HS(minnmv),
};

/*
 * Complex numbers lie as (real, imaginary) in lanes i, i + 1 = i ^ 1; b is turned by 90 or 270
 * degrees and added.
 */
#define SIGNED(sfx, value, negative) ((negative) ? fp_negated_##sfx(value, env) : (value))
#define CADD(sfx, bits)                                                                            \
    quick_add_##sfx(a, SIGNED(sfx, y->u##bits[i ^ 1], (i & 1) == (imm >> 8 == 3)), env)
VEC_LANES(cadd_h, u, 16, CADD(h, 16))
VEC_LANES(cadd_s, u, 32, CADD(s, 32))
VEC_LANES(cadd_d, u, 64, CADD(d, 64))
const IrVecFn a64_vec_fcadd[4] = ROW_HSD(cadd);

/*
 * Half a complex product: the real part of a (imaginary at odd quarter turns) times b turned. The
 * imaginary lane takes b's other part at odd turns too; signs: real - at 1 and 2, imaginary - at 2
 * and 3 quarter turns.
 */
#define TURNS (imm >> 8 & 3)
#define CMLA(sfx, bits)                                                                            \
    fp_muladd_##sfx(c, x->u##bits[(i & ~1u) | (TURNS & 1)],                                        \
                    SIGNED(sfx, y->u##bits[i ^ (TURNS & 1)],                                       \
                           i & 1 ? TURNS >= 2 : TURNS == 1 || TURNS == 2),                         \
                    env)
VEC_LANES(cmla_h, u, 16, CMLA(h, 16))
VEC_LANES(cmla_s, u, 32, CMLA(s, 32))
VEC_LANES(cmla_d, u, 64, CMLA(d, 64))
const IrVecFn a64_vec_fcmla[4] = ROW_HSD(cmla);

/* The element is a pair of lanes. */
VEC_EL(cmla_h, 32)
VEC_EL(cmla_s, 64)
const IrVecFn a64_vec_fcmla_el[4] = {NULL, cmla_h_el, cmla_s_el, NULL};

void a64_vec_fmlal(void *cpu, void *d, const void *n, const void *m, uint64_t desc)
{
    const A64Vreg *x = n, *y = m, *z = d;
    const unsigned imm = vec_imm(desc), lanes = vec_bytes(desc) / 4;
    const unsigned first = imm >> 8 & 1 ? lanes : 0;
    A64Vreg r = {0};
    for (unsigned i = 0; i < lanes; i++) {
        FpEnv *env = vec_env(cpu);
        const uint16_t a = SIGNED(h, x->u16[first + i], imm >> 9 & 1), b = y->u16[first + i];
        r.u32[i] = fp_muladd_hs(z->u32[i], a, b, env);
    }
    *(A64Vreg *)d = r;
}

#define fmlal a64_vec_fmlal
VEC_EL(fmlal, 16)
void a64_vec_fmlal_el(void *cpu, void *d, const void *n, const void *m, uint64_t desc)
{
    fmlal_el(cpu, d, n, m, desc);
}
