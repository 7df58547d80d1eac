/*
 * BFloat16 in vectors. Arm ARM, BFCVT, BFCVTN, BFDOT, BFMLALB, BFMLALT, BFMMLA.
 */
#include "vec-fp.h"
#include "vec-wide.h"

VEC_LANES(bfdot, u, 32, fp_dot_b(c, a, b, env))
VEC_EL(bfdot, 32)

/* One of each pair of elements. */
VEC_FN(bfmlal)
{
    const A64Vreg *x = n, *y = m, *z = d;
    const unsigned odd = vec_imm(desc) >> 8;
    A64Vreg r;
    for (unsigned i = 0; i < 4; i++) {
        const unsigned k = 2 * i + odd;
        r.u32[i] = fp_muladd_bs(z->u32[i], x->u16[k], y->u16[k], vec_env(cpu));
    }
    *(A64Vreg *)d = r;
}
VEC_EL(bfmlal, 16)

/* Rows of four elements: n's row i / 2 by m's row i % 2, two products at a time. */
VEC_FN(bfmmla)
{
    const A64Vreg *x = n, *y = m, *z = d;
    const FpEnv *env = vec_env(cpu);
    A64Vreg r;
    for (unsigned i = 0; i < 4; i++) {
        const uint32_t *row = &x->u32[i & 2], *column = &y->u32[2 * (i & 1)];
        const uint32_t first = fp_dot_b(z->u32[i], row[0], column[0], env);
        r.u32[i] = fp_dot_b(first, row[1], column[1], env);
    }
    *(A64Vreg *)d = r;
}

const IrVecFn a64_vec_bf[A64_SIMD_BF_OP_COUNT][2] = {
    [A64_SIMD_BF_DOT] = {bfdot, bfdot_el},
    [A64_SIMD_BF_MLAL] = {bfmlal, bfmlal_el},
    [A64_SIMD_BF_MMLA] = {bfmmla, NULL},
};

VEC_NARROW(bfcvtn, u, 16, 32, fp_convert_sb(a, env))

void a64_vec_bfcvtn(void *cpu, void *d, const void *n, const void *m, uint64_t desc)
{
    bfcvtn(cpu, d, n, m, desc);
}

void a64_fp_bfcvt(void *cpu, void *d, const void *n, const void *m, uint64_t desc)
{
    const A64Vreg *x = n;
    *(A64Vreg *)d = (A64Vreg){.u16 = {fp_convert_sb(x->u32[0], vec_env(cpu))}};
}
