/*
 * Advanced SIMD on integer lanes: each handler picks the vector helper of its operation and lane
 * size. Arm ARM, "A64 Advanced SIMD and floating-point instruction descriptions". The tables of
 * helpers are in vec-int.h.
 */
#include "a64-decode.h"
#include "trans-simd.h"
#include "vec-int.h"

static bool emit3(A64Trans *t, const IrVecFn fns[4], const A64Args_simd3 *a, uint64_t desc)
{
    return simd_emit(t, fns[a->size], (const unsigned[3]){a->rd, a->rn, a->rm}, desc);
}

static bool emit2(A64Trans *t, const IrVecFn fns[4], const A64Args_simd2 *a, uint64_t desc)
{
    return simd_emit(t, fns[a->size], (const unsigned[3]){a->rd, a->rn, a->rn}, desc);
}

bool a64_trans_simd_3same(A64Trans *t, const A64Args_simd3 *a)
{
    return emit3(t, a64_vec_3same[a->op], a, simd_bytes(a->q, a->scalar, a->size));
}

bool a64_trans_simd_3sat(A64Trans *t, const A64Args_simd3 *a)
{
    return emit3(t, a64_vec_3sat[a->op], a, simd_bytes(a->q, a->scalar, a->size));
}

bool a64_trans_simd_logic(A64Trans *t, const A64Args_simd_logic *a)
{
    const unsigned regs[3] = {a->rd, a->rn, a->rm};
    return simd_emit(t, a64_vec_logic[a->op], regs, simd_bytes(a->q, 0, 0));
}

bool a64_trans_simd_3long(A64Trans *t, const A64Args_simd3 *a)
{
    return emit3(t, a64_vec_long[a->op], a, simd_narrow_bytes(a->q, a->scalar, a->size));
}

bool a64_trans_simd_3wide(A64Trans *t, const A64Args_simd3 *a)
{
    return emit3(t, a64_vec_wide[a->op], a, simd_narrow_bytes(a->q, 0, 0));
}

bool a64_trans_simd_3narrow(A64Trans *t, const A64Args_simd3 *a)
{
    return emit3(t, a64_vec_narrow[a->op], a, simd_narrow_bytes(a->q, 0, 0));
}

static bool emit_elem(A64Trans *t, const IrVecFn fns[4], const A64Args_simd_elem *a, uint64_t desc)
{
    const unsigned regs[3] = {a->rd, a->rn, a->rm};
    return simd_emit(t, fns[a->size], regs, desc | A64_VEC_DESC(0, a->index));
}

bool a64_trans_simd_elem(A64Trans *t, const A64Args_simd_elem *a)
{
    return emit_elem(t, a64_vec_elem[a->op], a, simd_bytes(a->q, 0, 0));
}

bool a64_trans_simd_elem_sat(A64Trans *t, const A64Args_simd_elem *a)
{
    return emit_elem(t, a64_vec_elem_sat[a->op], a, simd_bytes(a->q, a->scalar, a->size));
}

bool a64_trans_simd_elem_long(A64Trans *t, const A64Args_simd_elem *a)
{
    return emit_elem(t, a64_vec_elem_long[a->op], a, simd_narrow_bytes(a->q, a->scalar, a->size));
}

bool a64_trans_simd_dot(A64Trans *t, const A64Args_simd_dot *a)
{
    const unsigned regs[3] = {a->rd, a->rn, a->rm};
    return simd_emit(t, a64_vec_dot[a->op], regs, simd_bytes(a->q, 0, 0));
}

bool a64_trans_simd_dot_el(A64Trans *t, const A64Args_simd_dot *a)
{
    const unsigned regs[3] = {a->rd, a->rn, a->rm};
    const uint64_t desc = A64_VEC_DESC(simd_bytes(a->q, 0, 0), a->index);
    return simd_emit(t, a64_vec_dot_el[a->op], regs, desc);
}

bool a64_trans_simd_mmla(A64Trans *t, const A64Args_simd_dot *a)
{
    return simd_emit(t, a64_vec_mmla[a->op], (const unsigned[3]){a->rd, a->rn, a->rm}, 16);
}

bool a64_trans_simd_2misc(A64Trans *t, const A64Args_simd2 *a)
{
    return emit2(t, a64_vec_2misc[a->op], a, simd_bytes(a->q, a->scalar, a->size));
}

bool a64_trans_simd_xtn(A64Trans *t, const A64Args_simd2 *a)
{
    return emit2(t, a64_vec_xtn[a->op], a, simd_narrow_bytes(a->q, a->scalar, a->size));
}

bool a64_trans_simd_shll(A64Trans *t, const A64Args_simd2 *a)
{
    const uint64_t desc = simd_narrow_bytes(a->q, 0, 0) | A64_VEC_DESC(0, 8u << a->size);
    return emit2(t, a64_vec_shll, a, desc);
}

bool a64_trans_simd_across(A64Trans *t, const A64Args_simd_across *a)
{
    const unsigned regs[3] = {a->rd, a->rn, a->rn};
    return simd_emit(t, a64_vec_across[a->op][a->size], regs, simd_bytes(a->q, 0, 0));
}

/* immh:immb names the lane size by its highest set bit: log2 of its bytes. */
static unsigned shift_size(uint32_t imm)
{
    return 31u - (unsigned)__builtin_clz(imm) - 3u;
}

static unsigned right_shift(uint32_t imm)
{
    return (16u << shift_size(imm)) - imm;
}

static unsigned left_shift(uint32_t imm)
{
    return imm - (8u << shift_size(imm));
}

bool a64_trans_simd_shift(A64Trans *t, const A64Args_simd_shift *a)
{
    const unsigned size = shift_size(a->imm);
    const bool left = a->op == A64_SIMD_SHIFT_SHL || a->op == A64_SIMD_SHIFT_SLI ||
                      a->op == A64_SIMD_SHIFT_SQSHL || a->op == A64_SIMD_SHIFT_UQSHL ||
                      a->op == A64_SIMD_SHIFT_SQSHLU;
    const unsigned shift = left ? left_shift(a->imm) : right_shift(a->imm);
    return simd_emit(t, a64_vec_shift[a->op][size], (const unsigned[3]){a->rd, a->rn, a->rn},
                A64_VEC_DESC(simd_bytes(a->q, a->scalar, size), shift));
}

bool a64_trans_simd_shift_narrow(A64Trans *t, const A64Args_simd_shift *a)
{
    const unsigned size = shift_size(a->imm);
    return simd_emit(t, a64_vec_shift_narrow[a->op][size], (const unsigned[3]){a->rd, a->rn, a->rn},
                A64_VEC_DESC(simd_narrow_bytes(a->q, a->scalar, size), right_shift(a->imm)));
}

bool a64_trans_simd_shift_long(A64Trans *t, const A64Args_simd_shift *a)
{
    const unsigned size = shift_size(a->imm);
    return simd_emit(t, a64_vec_shift_long[a->op][size], (const unsigned[3]){a->rd, a->rn, a->rn},
                A64_VEC_DESC(simd_narrow_bytes(a->q, 0, 0), left_shift(a->imm)));
}

bool a64_trans_simd_perm(A64Trans *t, const A64Args_simd_perm *a)
{
    const unsigned regs[3] = {a->rd, a->rn, a->rm};
    return simd_emit(t, a64_vec_perm[a->op][a->size], regs, simd_bytes(a->q, 0, 0));
}

bool a64_trans_simd_ext(A64Trans *t, const A64Args_simd_ext *a)
{
    const unsigned regs[3] = {a->rd, a->rn, a->rm};
    return simd_emit(t, a64_vec_ext, regs, A64_VEC_DESC(simd_bytes(a->q, 0, 0), a->imm4));
}

bool a64_trans_simd_tbl(A64Trans *t, const A64Args_simd_tbl *a)
{
    if (a64_t_fp_enabled(t)) {
        const IrVal regs = a64_t_const(t, IR_I64, a->rd | a->rn << 8 | a->rm << 16);
        const IrVal desc = a64_t_const(t, IR_I64, A64_VEC_DESC(simd_bytes(a->q, 0, 0), a->len));
        a64_t_call(t, a->keep ? &a64_vec_tbx : &a64_vec_tbl, regs, desc, 0);
    }
    return true;
}

bool a64_trans_simd_lut(A64Trans *t, const A64Args_simd_lut *a)
{
    if (a64_t_fp_enabled(t)) {
        const IrVal regs = a64_t_const(t, IR_I64, a->rd | a->rn << 8 | a->rm << 16);
        const IrVal desc = a64_t_const(t, IR_I64, a->bits | a->size << 8 | a->part << 16);
        a64_t_call(t, &a64_vec_lut, regs, desc, 0);
    }
    return true;
}
