/*
 * Vector registers filled from constants, general registers and lanes.
 * Arm ARM, "Advanced SIMD copy", "Advanced SIMD modified immediate", AdvSIMDExpandImm.
 */
#include "a64-decode.h"
#include "trans-simd.h"
#include "vec-int.h"

/* imm5 is the lane's index above a one at the position of log2 of its bytes. */
static unsigned lane_size(uint32_t imm5)
{
    return (unsigned)__builtin_ctz(imm5);
}

static unsigned lane_index(uint32_t imm5)
{
    return imm5 >> (lane_size(imm5) + 1);
}

static uint64_t lane_offset(unsigned reg, unsigned size, unsigned index)
{
    return (uint64_t)A64_OFF_V(reg) + ((uint64_t)index << size);
}

static IrVal get_lane(A64Trans *t, unsigned rn, uint32_t imm5)
{
    const unsigned size = lane_size(imm5);
    return ir_get(t->b, (IrType)size, lane_offset(rn, size, lane_index(imm5)));
}

/* The low lane of v repeated over 64 bits. */
static IrVal repeated(A64Trans *t, IrVal v, unsigned size)
{
    static const uint64_t ones[] = {0x0101010101010101, 0x0001000100010001, 0x0000000100000001, 1};
    if (size < 2) {
        v = ir_emit(t->b, IR_ZEXT, IR_I64, v, 0, 0, 8u << size);
    }
    return size == 3 ? v : ir_bin(t->b, IR_MUL, IR_I64, v, a64_t_const(t, IR_I64, ones[size]));
}

bool a64_trans_simd_dup_el(A64Trans *t, const A64Args_simd_copy *a)
{
    if (!a64_t_fp_enabled(t)) {
        return true;
    }
    const unsigned size = lane_size(a->imm), regs[3] = {a->rd, a->rn, a->rn};
    if (a->scalar) {
        simd_put(t, a->rd, get_lane(t, a->rn, a->imm), a64_t_const(t, IR_I64, 0));
    } else {
        a64_t_vec(t, a64_vec_dup[size], regs, A64_VEC_DESC(a->q ? 16 : 8, lane_index(a->imm)));
    }
    return true;
}

bool a64_trans_simd_dup_gpr(A64Trans *t, const A64Args_simd_copy *a)
{
    if (a64_t_fp_enabled(t)) {
        const unsigned size = lane_size(a->imm);
        const IrVal v = repeated(t, a64_t_x(t, size == 3 ? IR_I64 : IR_I32, a->rn), size);
        simd_put(t, a->rd, v, a->q ? v : a64_t_const(t, IR_I64, 0));
    }
    return true;
}

bool a64_trans_simd_umov(A64Trans *t, const A64Args_simd_copy *a)
{
    if (a64_t_fp_enabled(t)) {
        a64_t_set_x(t, a->rd, get_lane(t, a->rn, a->imm));
    }
    return true;
}

bool a64_trans_simd_smov(A64Trans *t, const A64Args_simd_copy *a)
{
    if (a64_t_fp_enabled(t)) {
        const IrVal lane = get_lane(t, a->rn, a->imm);
        const IrType type = a->q ? IR_I64 : IR_I32;
        a64_t_set_x(t, a->rd, ir_emit(t->b, IR_SEXT, type, lane, 0, 0, 8u << lane_size(a->imm)));
    }
    return true;
}

bool a64_trans_simd_ins_gpr(A64Trans *t, const A64Args_simd_copy *a)
{
    if (a64_t_fp_enabled(t)) {
        const unsigned size = lane_size(a->imm);
        const IrVal v = a64_t_x(t, size == 3 ? IR_I64 : IR_I32, a->rn);
        ir_put(t->b, (IrType)size, lane_offset(a->rd, size, lane_index(a->imm)), v);
    }
    return true;
}

bool a64_trans_simd_ins_el(A64Trans *t, const A64Args_simd_copy *a)
{
    if (a64_t_fp_enabled(t)) {
        const unsigned size = lane_size(a->imm);
        const IrVal v = ir_get(t->b, (IrType)size, lane_offset(a->rn, size, a->imm4 >> size));
        ir_put(t->b, (IrType)size, lane_offset(a->rd, size, lane_index(a->imm)), v);
    }
    return true;
}

/* The 64 bits that cmode makes of imm8 for MOVI, before MVNI and BIC invert them. */
static uint64_t expand_imm(uint32_t cmode, uint64_t imm8)
{
    const unsigned shift = 8 * (cmode >> 1 & 3);
    if (cmode < 8) {
        return (imm8 << shift) * 0x0000000100000001;
    }
    if (cmode < 12) {
        return (imm8 << (shift & 8)) * 0x0001000100010001;
    }
    if (cmode < 14) {
        return (cmode == 12 ? imm8 << 8 | 0xff : imm8 << 16 | 0xffff) * 0x0000000100000001;
    }
    return imm8 * 0x0101010101010101;
}

/* Each bit of imm8 as a byte of ones. */
static uint64_t expand_bits(uint64_t imm8)
{
    uint64_t r = 0;
    for (unsigned i = 0; i < 8; i++) {
        r |= imm8 >> i & 1 ? UINT64_C(0xff) << 8 * i : 0;
    }
    return r;
}

bool a64_trans_simd_modimm(A64Trans *t, const A64Args_simd_modimm *a)
{
    if (!a64_t_fp_enabled(t)) {
        return true;
    }
    uint64_t imm = expand_imm(a->cmode, a->imm8);
    switch (a->op) {
    case A64_SIMD_MODIMM_MVNI: imm = ~imm; break;
    case A64_SIMD_MODIMM_MOVID: imm = expand_bits(a->imm8); break;
    case A64_SIMD_MODIMM_FMOVH: imm = vec_fp_imm(1, a->imm8) * 0x0001000100010001; break;
    case A64_SIMD_MODIMM_FMOV: imm = vec_fp_imm(2, a->imm8) * 0x0000000100000001; break;
    case A64_SIMD_MODIMM_FMOVD: imm = vec_fp_imm(3, a->imm8); break;
    default: break;
    }
    const bool merge = a->op == A64_SIMD_MODIMM_ORR || a->op == A64_SIMD_MODIMM_BIC;
    const IrOpcode op = a->op == A64_SIMD_MODIMM_ORR ? IR_OR : IR_ANDN;
    IrVal half[2];
    for (unsigned i = 0; i < 2; i++) {
        half[i] = a64_t_const(t, IR_I64, i && !a->q ? 0 : imm);
        if (merge && (!i || a->q)) {
            const IrVal old = ir_get(t->b, IR_I64, A64_OFF_V(a->rd) + 8u * i);
            half[i] = ir_bin(t->b, op, IR_I64, old, half[i]);
        }
    }
    simd_put(t, a->rd, half[0], half[1]);
    return true;
}
