/*
 * Advanced SIMD on floating-point lanes: each handler picks the vector helper of its operation and
 * lane size. Arm ARM, "A64 Advanced SIMD and floating-point instruction descriptions". The tables
 * of helpers are in vec-fp.h.
 */
#include "a64-decode.h"
#include "trans-simd.h"
#include "vec-fp.h"

static IrVal join(A64Trans *t, IrVal above, unsigned size, IrVal lane)
{
    const unsigned bits = 8u << size;
    return size == 3 ? lane : ir_emit(t->b, IR_BFI, IR_I64, above, lane, 0, IR_FIELD(0, bits));
}

bool a64_t_vec_scalar(A64Trans *t, IrVecFn fn, const unsigned regs[3], uint64_t desc,
                      SimdKeep keep)
{
    if (!fn || !t->mode->nep || t->mode->fp_trap) {
        return simd_emit(t, fn, regs, desc);
    }
    const IrVal low = ir_get(t->b, IR_I64, A64_OFF_V(keep.reg));
    const IrVal high = ir_get(t->b, IR_I64, A64_OFF_V(keep.reg) + 8u);
    a64_t_vec(t, fn, regs, desc);
    const IrVal lane = ir_get(t->b, IR_I64, A64_OFF_V(regs[0]));
    simd_put(t, regs[0], join(t, low, keep.size, lane), high);
    return true;
}

void a64_t_put_fp(A64Trans *t, unsigned d, unsigned size, IrVal v)
{
    if (!t->mode->nep) {
        simd_put_scalar(t, d, v);
        return;
    }
    ir_put(t->b, IR_I64, A64_OFF_V(d), join(t, ir_get(t->b, IR_I64, A64_OFF_V(d)), size, v));
}

/* Comparisons keep what is in m, everything else what is in n. */
static unsigned kept_by(const A64Args_simd3 *a)
{
    bool compares = a->op == A64_SIMD_3SAME_FP_FCMEQ || a->op == A64_SIMD_3SAME_FP_FCMGE ||
                    a->op == A64_SIMD_3SAME_FP_FCMGT || a->op == A64_SIMD_3SAME_FP_FACGE ||
                    a->op == A64_SIMD_3SAME_FP_FACGT;
    return compares ? a->rm : a->rn;
}

bool a64_trans_simd_3same_fp(A64Trans *t, const A64Args_simd3 *a)
{
    const unsigned regs[3] = {a->rd, a->rn, a->rm};
    const uint64_t desc = simd_bytes(a->q, a->scalar, a->size);
    const IrVecFn fn = a64_vec_fp3[a->op][a->size];
    return a->scalar ? a64_t_vec_scalar(t, fn, regs, desc, (SimdKeep){kept_by(a), a->size})
                     : simd_emit(t, fn, regs, desc);
}

bool a64_trans_simd_elem_fp(A64Trans *t, const A64Args_simd_elem *a)
{
    const unsigned regs[3] = {a->rd, a->rn, a->rm};
    const uint64_t desc = A64_VEC_DESC(simd_bytes(a->q, a->scalar, a->size), a->index);
    const IrVecFn fn = a64_vec_fp_elem[a->op][a->size];
    const bool adds = a->op == A64_SIMD_ELEM_FP_FMLA || a->op == A64_SIMD_ELEM_FP_FMLS;
    const SimdKeep keep = {adds ? a->rd : a->rn, a->size};
    return a->scalar ? a64_t_vec_scalar(t, fn, regs, desc, keep) : simd_emit(t, fn, regs, desc);
}

/* FEAT_RPRES: singles' estimates are finer where FPCR.AH is set. */
static bool fine_estimate(const A64Trans *t, const A64Args_simd2 *a)
{
    bool estimate = a->op == A64_SIMD_2MISC_FP_FRECPE || a->op == A64_SIMD_2MISC_FP_FRSQRTE;
    return estimate && a->size == 2 && a64_t_has(t, A64_FEAT_RPRES);
}

/* These clear what is above their lane whatever FPCR.NEP says. */
static bool compares_with_zero(const A64Args_simd2 *a)
{
    return a->op == A64_SIMD_2MISC_FP_FCMEQ0 || a->op == A64_SIMD_2MISC_FP_FCMGE0 ||
           a->op == A64_SIMD_2MISC_FP_FCMGT0 || a->op == A64_SIMD_2MISC_FP_FCMLE0 ||
           a->op == A64_SIMD_2MISC_FP_FCMLT0;
}

bool a64_trans_simd_2misc_fp(A64Trans *t, const A64Args_simd2 *a)
{
    const unsigned regs[3] = {a->rd, a->rn, a->rn};
    const uint64_t desc = simd_bytes(a->q, a->scalar, a->size);
    const IrVecFn fn = fine_estimate(t, a) ? a64_vec_fp_fine[a->op == A64_SIMD_2MISC_FP_FRSQRTE]
                                           : a64_vec_fp2[a->op][a->size];
    return a->scalar && !compares_with_zero(a)
               ? a64_t_vec_scalar(t, fn, regs, desc, (SimdKeep){a->rd, a->size})
               : simd_emit(t, fn, regs, desc);
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
    const uint64_t desc = simd_bytes(0, a->scalar, a->size) | (a->q ? A64_VEC_UPPER : 0);
    return a->scalar
               ? a64_t_vec_scalar(t, fns[a->size], regs, desc, (SimdKeep){a->rd, a->size})
               : simd_emit(t, fns[a->size], regs, desc);
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
    const uint64_t desc = A64_VEC_DESC(simd_bytes(a->q, a->scalar, a->size), imm);
    const IrVecFn fn = a64_vec_fp_to_int[a->uns][a->size];
    return a->scalar ? a64_t_vec_scalar(t, fn, regs, desc, (SimdKeep){a->rd, a->size})
                     : simd_emit(t, fn, regs, desc);
}

bool a64_trans_simd_fp_from_int(A64Trans *t, const A64Args_simd_fpint *a)
{
    const unsigned regs[3] = {a->rd, a->rn, a->rn};
    const uint64_t desc = A64_VEC_DESC(simd_bytes(a->q, a->scalar, a->size), a->fbits);
    const IrVecFn fn = a64_vec_fp_from_int[a->uns][a->size];
    return a->scalar ? a64_t_vec_scalar(t, fn, regs, desc, (SimdKeep){a->rd, a->size})
                     : simd_emit(t, fn, regs, desc);
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
