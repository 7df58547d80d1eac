/*
 * FEAT_CSSC: minimum and maximum, absolute value, counting bits.
 * Arm ARM, "ABS", "CNT", "CTZ", "SMAX", "SMIN", "UMAX", "UMIN".
 */
#include "a64-decode.h"

static IrType type_of(uint32_t sf)
{
    return sf ? IR_I64 : IR_I32;
}

/* n where `less`(n, m) is as wanted, else m. */
static IrVal choose(A64Trans *t, IrType type, IrOpcode less, const IrVal nm[2])
{
    IrVal first = ir_bin(t->b, less, type, nm[0], nm[1]);
    return ir_emit(t->b, IR_SELECT, type, first, nm[0], nm[1], 0);
}

static IrVal choose_max(A64Trans *t, IrType type, IrOpcode less, const IrVal nm[2])
{
    IrVal first = ir_bin(t->b, less, type, nm[0], nm[1]);
    return ir_emit(t->b, IR_SELECT, type, first, nm[1], nm[0], 0);
}

bool a64_trans_minmax_imm(A64Trans *t, const A64Args_minmax_imm *a)
{
    IrType type = type_of(a->sf);
    bool sign = a->op == A64_MINMAX_IMM_SMAX || a->op == A64_MINMAX_IMM_SMIN;
    bool max = a->op == A64_MINMAX_IMM_SMAX || a->op == A64_MINMAX_IMM_UMAX;
    uint64_t imm = sign ? (uint64_t)(int64_t)a->simm : a->imm;
    const IrVal nm[2] = {a64_t_x(t, type, a->rn), a64_t_const(t, type, imm)};
    IrOpcode less = sign ? IR_SLT : IR_ULT;

    a64_t_set_x(t, a->rd, max ? choose_max(t, type, less, nm) : choose(t, type, less, nm));
    return true;
}

bool a64_trans_minmax_reg(A64Trans *t, const A64Args_minmax_reg *a)
{
    IrType type = type_of(a->sf);
    bool sign = a->op == A64_MINMAX_REG_SMAX || a->op == A64_MINMAX_REG_SMIN;
    bool max = a->op == A64_MINMAX_REG_SMAX || a->op == A64_MINMAX_REG_UMAX;
    const IrVal nm[2] = {a64_t_x(t, type, a->rn), a64_t_x(t, type, a->rm)};
    IrOpcode less = sign ? IR_SLT : IR_ULT;

    a64_t_set_x(t, a->rd, max ? choose_max(t, type, less, nm) : choose(t, type, less, nm));
    return true;
}

bool a64_trans_abs(A64Trans *t, const A64Args_reg1 *a)
{
    IrType type = type_of(a->sf);
    IrVal n = a64_t_x(t, type, a->rn);
    IrVal negative = ir_bin(t->b, IR_SLT, type, n, a64_t_const(t, type, 0));
    IrVal minus = ir_un(t->b, IR_NEG, type, n);
    a64_t_set_x(t, a->rd, ir_emit(t->b, IR_SELECT, type, negative, minus, n, 0));
    return true;
}

bool a64_trans_ctz(A64Trans *t, const A64Args_reg1 *a)
{
    IrType type = type_of(a->sf);
    IrVal reversed = ir_un(t->b, IR_RBIT, type, a64_t_x(t, type, a->rn));
    a64_t_set_x(t, a->rd, ir_un(t->b, IR_CLZ, type, reversed));
    return true;
}

/* (v >> shift) & mask */
static IrVal upper(A64Trans *t, IrType type, IrVal v, const uint64_t shift_mask[2])
{
    IrVal shifted = ir_bin(t->b, IR_SHR, type, v, a64_t_const(t, type, shift_mask[0]));
    return ir_bin(t->b, IR_AND, type, shifted, a64_t_const(t, type, shift_mask[1]));
}

/* Sums of pairs of bits, nibbles, bytes; then the multiplication adds the bytes up at the top. */
bool a64_trans_cnt(A64Trans *t, const A64Args_reg1 *a)
{
    static const uint64_t twos[2] = {2, UINT64_C(0x3333333333333333)};
    static const uint64_t pairs[2] = {1, UINT64_C(0x5555555555555555)};
    static const uint64_t nibbles = UINT64_C(0x0f0f0f0f0f0f0f0f);
    IrType type = type_of(a->sf);
    IrVal v = a64_t_x(t, type, a->rn);

    v = ir_bin(t->b, IR_SUB, type, v, upper(t, type, v, pairs));
    IrVal low = ir_bin(t->b, IR_AND, type, v, a64_t_const(t, type, twos[1]));
    v = ir_bin(t->b, IR_ADD, type, low, upper(t, type, v, twos));
    IrVal folded = ir_bin(t->b, IR_SHR, type, v, a64_t_const(t, type, 4));
    v = ir_bin(t->b, IR_ADD, type, v, folded);
    v = ir_bin(t->b, IR_AND, type, v, a64_t_const(t, type, nibbles));
    v = ir_bin(t->b, IR_MUL, type, v, a64_t_const(t, type, UINT64_C(0x0101010101010101)));
    v = ir_bin(t->b, IR_SHR, type, v, a64_t_const(t, type, a->sf ? 56 : 24));
    a64_t_set_x(t, a->rd, v);
    return true;
}
