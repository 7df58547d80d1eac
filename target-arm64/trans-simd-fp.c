/*
 * Advanced SIMD on floating-point lanes: each handler picks the vector helper of its operation and
 * lane size. Arm ARM, "A64 Advanced SIMD and floating-point instruction descriptions". The tables
 * of helpers are in vec-fp.h.
 */
#include "a64-decode.h"
#include "trans-simd.h"
#include "vec-fp.h"

bool a64_trans_simd_3same_fp(A64Trans *t, const A64Args_simd3 *a)
{
    const unsigned regs[3] = {a->rd, a->rn, a->rm};
    return simd_emit(t, a64_vec_fp3[a->op][a->size], regs,
                     simd_bytes(a->q, a->scalar, a->size));
}

bool a64_trans_simd_elem_fp(A64Trans *t, const A64Args_simd_elem *a)
{
    const unsigned regs[3] = {a->rd, a->rn, a->rm};
    return simd_emit(t, a64_vec_fp_elem[a->op][a->size], regs,
                     A64_VEC_DESC(simd_bytes(a->q, a->scalar, a->size), a->index));
}

bool a64_trans_simd_2misc_fp(A64Trans *t, const A64Args_simd2 *a)
{
    const unsigned regs[3] = {a->rd, a->rn, a->rn};
    return simd_emit(t, a64_vec_fp2[a->op][a->size], regs,
                     simd_bytes(a->q, a->scalar, a->size));
}

bool a64_trans_simd_across_fp(A64Trans *t, const A64Args_simd_across *a)
{
    const unsigned regs[3] = {a->rd, a->rn, a->rn};
    return simd_emit(t, a64_vec_fp_across[a->op][a->size], regs,
                     simd_bytes(a->q, 0, 0));
}

bool a64_trans_simd_pair(A64Trans *t, const A64Args_simd_pair *a)
{
    const unsigned regs[3] = {a->rd, a->rn, a->rn};
    return simd_emit(t, a64_vec_fp_pair[a->op][a->size], regs,
                     UINT64_C(2) << a->size | A64_VEC_FOLD);
}

bool a64_trans_simd_fcvtl(A64Trans *t, const A64Args_simd_fcvt *a)
{
    const unsigned regs[3] = {a->rd, a->rn, a->rn};
    return simd_emit(t, a64_vec_fcvtl[a->size], regs,
                     8 | (a->q ? A64_VEC_UPPER : 0));
}

bool a64_trans_simd_fcvtn(A64Trans *t, const A64Args_simd_fcvt *a)
{
    const IrVecFn *fns = a->odd ? a64_vec_fcvtxn : a64_vec_fcvtn;
    const unsigned regs[3] = {a->rd, a->rn, a->rn};
    return simd_emit(t, fns[a->size], regs,
                     simd_bytes(0, a->scalar, a->size) | (a->q ? A64_VEC_UPPER : 0));
}

bool a64_trans_simd_bfcvtn(A64Trans *t, const A64Args_simd_fcvt *a)
{
    const unsigned regs[3] = {a->rd, a->rn, a->rn};
    return simd_emit(t, a64_vec_bfcvtn, regs, 8 | (a->q ? A64_VEC_UPPER : 0));
}

/* Of BFMLAL Q says which of two neighbours is taken. */
bool a64_trans_simd_bf(A64Trans *t, const A64Args_simd_bf *a)
{
    const unsigned regs[3] = {a->rd, a->rn, a->rm};
    const bool odd = a->op == A64_SIMD_BF_MLAL && a->q;
    const unsigned bytes = a->op == A64_SIMD_BF_DOT && !a->q ? 8 : 16;
    return simd_emit(t, a64_vec_bf[a->op][a->el], regs,
                     A64_VEC_DESC(bytes, a->index | (unsigned)odd << 8));
}

bool a64_trans_simd_fp_to_int(A64Trans *t, const A64Args_simd_fpint *a)
{
    static const FpRounding modes[A64_SIMD_FP_TO_INT_ROUND_COUNT] = {
        [A64_SIMD_FP_TO_INT_EVEN] = FP_ROUND_TIEEVEN, [A64_SIMD_FP_TO_INT_PLUS] = FP_ROUND_POSINF,
        [A64_SIMD_FP_TO_INT_MINUS] = FP_ROUND_NEGINF, [A64_SIMD_FP_TO_INT_ZERO] = FP_ROUND_ZERO,
        [A64_SIMD_FP_TO_INT_AWAY] = FP_ROUND_TIEAWAY,
    };
    const unsigned imm = a->fbits | (unsigned)modes[a->round] << 8;
    const unsigned regs[3] = {a->rd, a->rn, a->rn};
    return simd_emit(t, a64_vec_fp_to_int[a->uns][a->size], regs,
                     A64_VEC_DESC(simd_bytes(a->q, a->scalar, a->size), imm));
}

bool a64_trans_simd_fp_from_int(A64Trans *t, const A64Args_simd_fpint *a)
{
    const unsigned regs[3] = {a->rd, a->rn, a->rn};
    return simd_emit(t, a64_vec_fp_from_int[a->uns][a->size], regs,
                     A64_VEC_DESC(simd_bytes(a->q, a->scalar, a->size), a->fbits));
}

bool a64_trans_simd_fcadd(A64Trans *t, const A64Args_simd_complex *a)
{
    const unsigned regs[3] = {a->rd, a->rn, a->rm};
    return simd_emit(t, a64_vec_fcadd[a->size], regs,
                     A64_VEC_DESC(simd_bytes(a->q, 0, 0), (a->rot ? 3 : 1) << 8));
}

bool a64_trans_simd_fcmla(A64Trans *t, const A64Args_simd_complex *a)
{
    const unsigned regs[3] = {a->rd, a->rn, a->rm};
    return simd_emit(t, a64_vec_fcmla[a->size], regs,
                     A64_VEC_DESC(simd_bytes(a->q, 0, 0), a->rot << 8));
}

bool a64_trans_simd_fcmla_el(A64Trans *t, const A64Args_simd_complex *a)
{
    const unsigned regs[3] = {a->rd, a->rn, a->rm};
    return simd_emit(t, a64_vec_fcmla_el[a->size], regs,
                     A64_VEC_DESC(simd_bytes(a->q, 0, 0), a->index | a->rot << 8));
}

static uint64_t fmlal_desc(const A64Args_simd_fmlal *a)
{
    return A64_VEC_DESC(simd_bytes(a->q, 0, 0), a->index | a->high << 8 | a->sub << 9);
}

bool a64_trans_simd_fmlal(A64Trans *t, const A64Args_simd_fmlal *a)
{
    const unsigned regs[3] = {a->rd, a->rn, a->rm};
    return simd_emit(t, a64_vec_fmlal, regs,
                     fmlal_desc(a));
}

bool a64_trans_simd_fmlal_el(A64Trans *t, const A64Args_simd_fmlal *a)
{
    const unsigned regs[3] = {a->rd, a->rn, a->rm};
    return simd_emit(t, a64_vec_fmlal_el, regs,
                     fmlal_desc(a));
}
