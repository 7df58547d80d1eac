/*
 * Data processing with immediates.
 * Arm ARM, "Data processing - immediate".
 */
#include "a64-decode.h"

static IrType type_of(uint32_t sf)
{
    return sf ? IR_I64 : IR_I32;
}

bool a64_trans_adr(A64Trans *t, const A64Args_adr *a)
{
    if (!a->page) {
        a64_t_set_x(t, a->rd, a64_t_pc(t, a->simm));
        return true;
    }
    IrVal page =
        ir_bin(t->b, IR_AND, IR_I64, a64_t_pc(t, 0), a64_t_const(t, IR_I64, ~UINT64_C(0xfff)));
    IrVal offset = a64_t_const(t, IR_I64, (uint64_t)((int64_t)a->simm * 4096));
    a64_t_set_x(t, a->rd, ir_bin(t->b, IR_ADD, IR_I64, page, offset));
    return true;
}

bool a64_trans_addsub_imm(A64Trans *t, const A64Args_addsub_imm *a)
{
    IrType type = type_of(a->sf);
    IrVal n = a64_t_x_sp(t, type, a->rn);
    IrVal imm = a64_t_const(t, type, (uint64_t)a->imm << (a->sh ? 12 : 0));
    IrVal sum = ir_bin(t->b, a->sub ? IR_SUB : IR_ADD, type, n, imm);

    if (a->flags) {
        a64_t_set_nzcv(t, ir_bin(t->b, a->sub ? IR_FLAGS_SUB : IR_FLAGS_ADD, type, n, imm));
        a64_t_set_x(t, a->rd, sum);
    } else {
        a64_t_set_x_sp(t, a->rd, sum);
    }
    return true;
}

/* DecodeBitMasks of the manual for the logical immediates; false when the fields are reserved. */
static bool bitmask(const A64Args_logical_imm *a, uint64_t *mask)
{
    uint32_t levels = a->n << 6 | (~a->imms & 0x3f);
    if (levels < 2) {
        return false;
    }
    unsigned size = 1u << (31 - __builtin_clz(levels));
    unsigned ones = (a->imms & (size - 1)) + 1, rotate = a->immr & (size - 1);
    if (ones == size) {
        return false;
    }
    uint64_t element = (UINT64_C(1) << ones) - 1;
    uint64_t all = size == 64 ? UINT64_MAX : (UINT64_C(1) << size) - 1;
    if (rotate) {
        element = (element >> rotate | element << (size - rotate)) & all;
    }
    for (; size < 64; size *= 2) {
        element |= element << size;
    }
    *mask = element;
    return true;
}

bool a64_trans_logical_imm(A64Trans *t, const A64Args_logical_imm *a)
{
    static const IrOpcode ops[A64_LOGICAL_IMM_OP_COUNT] = {
        [A64_LOGICAL_IMM_AND] = IR_AND,
        [A64_LOGICAL_IMM_ORR] = IR_OR,
        [A64_LOGICAL_IMM_EOR] = IR_XOR,
        [A64_LOGICAL_IMM_ANDS] = IR_AND,
    };
    IrType type = type_of(a->sf);
    uint64_t mask;

    if (!bitmask(a, &mask)) {
        return false;
    }
    IrVal n = a64_t_x(t, type, a->rn);
    IrVal result = ir_bin(t->b, ops[a->op], type, n, a64_t_const(t, type, mask));
    if (a->op == A64_LOGICAL_IMM_ANDS) {
        a64_t_set_nzcv(t, ir_un(t->b, IR_FLAGS_LOGIC, type, result));
        a64_t_set_x(t, a->rd, result);
    } else {
        a64_t_set_x_sp(t, a->rd, result);
    }
    return true;
}

bool a64_trans_movz(A64Trans *t, const A64Args_movewide *a)
{
    a64_t_set_x(t, a->rd, a64_t_const(t, type_of(a->sf), (uint64_t)a->imm << (16 * a->hw)));
    return true;
}

bool a64_trans_movn(A64Trans *t, const A64Args_movewide *a)
{
    a64_t_set_x(t, a->rd, a64_t_const(t, type_of(a->sf), ~((uint64_t)a->imm << (16 * a->hw))));
    return true;
}

bool a64_trans_movk(A64Trans *t, const A64Args_movewide *a)
{
    IrType type = type_of(a->sf);
    IrVal old = a64_t_x(t, type, a->rd);
    IrVal part = a64_t_const(t, type, a->imm);
    uint64_t field = IR_FIELD(16 * a->hw, 16);

    a64_t_set_x(t, a->rd, ir_emit(t->b, IR_BFI, type, old, part, 0, field));
    return true;
}

/* Shifts by a constant below the width. */
static IrVal shift_left(A64Trans *t, IrType type, IrVal v, unsigned by)
{
    return by ? ir_bin(t->b, IR_SHL, type, v, a64_t_const(t, type, by)) : v;
}

/* SBFM and UBFM: extract down to bit 0, or extend the low bits and move them up. */
static void bitfield(A64Trans *t, const A64Args_bitfield *a, bool sign)
{
    IrType type = type_of(a->sf);
    unsigned bits = a->sf ? 64 : 32;
    IrVal v = a64_t_x(t, type, a->rn);

    if (a->imms >= a->immr) {
        uint64_t field = IR_FIELD(a->immr, a->imms - a->immr + 1);
        v = ir_emit(t->b, sign ? IR_SBFX : IR_UBFX, type, v, 0, 0, field);
    } else {
        unsigned width = a->imms + 1, up = bits - a->immr;
        if (width + up < bits) {
            v = ir_emit(t->b, sign ? IR_SEXT : IR_ZEXT, type, v, 0, 0, width);
        }
        v = shift_left(t, type, v, up);
    }
    a64_t_set_x(t, a->rd, v);
}

bool a64_trans_sbfm(A64Trans *t, const A64Args_bitfield *a)
{
    bitfield(t, a, true);
    return true;
}

bool a64_trans_ubfm(A64Trans *t, const A64Args_bitfield *a)
{
    bitfield(t, a, false);
    return true;
}

bool a64_trans_bfm(A64Trans *t, const A64Args_bitfield *a)
{
    IrType type = type_of(a->sf);
    unsigned bits = a->sf ? 64 : 32;
    IrVal d = a64_t_x(t, type, a->rd), n = a64_t_x(t, type, a->rn);

    if (a->imms >= a->immr) {
        unsigned width = a->imms - a->immr + 1;
        n = ir_emit(t->b, IR_UBFX, type, n, 0, 0, IR_FIELD(a->immr, width));
        d = ir_emit(t->b, IR_BFI, type, d, n, 0, IR_FIELD(0, width));
    } else {
        d = ir_emit(t->b, IR_BFI, type, d, n, 0, IR_FIELD(bits - a->immr, a->imms + 1));
    }
    a64_t_set_x(t, a->rd, d);
    return true;
}

bool a64_trans_extr(A64Trans *t, const A64Args_extr *a)
{
    IrType type = type_of(a->sf);
    IrVal low = a64_t_x(t, type, a->rm);

    if (a->imms) {
        low = ir_emit(t->b, IR_EXTR, type, a64_t_x(t, type, a->rn), low, 0, a->imms);
    }
    a64_t_set_x(t, a->rd, low);
    return true;
}
