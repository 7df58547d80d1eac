/*
 * Data processing with registers.
 * Arm ARM, "Data processing - register".
 */
#include "a64-decode.h"
#include "helpers.h"

static IrType type_of(uint32_t sf)
{
    return sf ? IR_I64 : IR_I32;
}

static bool reg2(A64Trans *t, IrOpcode op, const A64Args_reg2 *a)
{
    IrType type = type_of(a->sf);
    IrVal n = a64_t_x(t, type, a->rn), m = a64_t_x(t, type, a->rm);
    a64_t_set_x(t, a->rd, ir_bin(t->b, op, type, n, m));
    return true;
}

bool a64_trans_udiv(A64Trans *t, const A64Args_reg2 *a)
{
    return reg2(t, IR_UDIV, a);
}

bool a64_trans_sdiv(A64Trans *t, const A64Args_reg2 *a)
{
    return reg2(t, IR_SDIV, a);
}

static const IrOpcode shift_ops[4] = {IR_SHL, IR_SHR, IR_SAR, IR_ROR}; /* LSL LSR ASR ROR */

bool a64_trans_shift_reg(A64Trans *t, const A64Args_shift_reg *a)
{
    IrType type = type_of(a->sf);
    IrVal n = a64_t_x(t, type, a->rn), m = a64_t_x(t, type, a->rm);
    a64_t_set_x(t, a->rd, ir_bin(t->b, shift_ops[a->op], type, n, m));
    return true;
}

bool a64_trans_crc32(A64Trans *t, const A64Args_crc32 *a)
{
    IrVal acc = a64_t_x(t, IR_I32, a->rn);
    IrVal data = a64_t_x(t, a->size == 3 ? IR_I64 : IR_I32, a->rm);
    const IrHelper *h = a->c ? &a64_h_crc32c : &a64_h_crc32;
    IrVal crc = a64_t_call(t, h, acc, data, a64_t_const(t, IR_I64, a->size));
    a64_t_set_x(t, a->rd, crc);
    return true;
}

bool a64_trans_reg1(A64Trans *t, const A64Args_reg1 *a)
{
    static const IrOpcode ops[A64_REG1_OP_COUNT] = {
        [A64_REG1_RBIT] = IR_RBIT,   [A64_REG1_REV16] = IR_REV16, [A64_REG1_REV] = IR_REV,
        [A64_REG1_REV32] = IR_REV32, [A64_REG1_CLZ] = IR_CLZ,     [A64_REG1_CLS] = IR_CLS,
    };
    IrType type = type_of(a->sf);
    a64_t_set_x(t, a->rd, ir_un(t->b, ops[a->op], type, a64_t_x(t, type, a->rn)));
    return true;
}

/* Register m shifted by a constant; shift is LSL, LSR, ASR, ROR. */
static IrVal shifted(A64Trans *t, IrType type, unsigned m, uint32_t shift, uint32_t by)
{
    IrVal v = a64_t_x(t, type, m);
    return by ? ir_bin(t->b, shift_ops[shift], type, v, a64_t_const(t, type, by)) : v;
}

bool a64_trans_logical_shift(A64Trans *t, const A64Args_logical_shift *a)
{
    static const IrOpcode ops[A64_LOGICAL_SHIFT_OP_COUNT][2] = {
        [A64_LOGICAL_SHIFT_AND] = {IR_AND, IR_ANDN},
        [A64_LOGICAL_SHIFT_ORR] = {IR_OR, IR_ORN},
        [A64_LOGICAL_SHIFT_EOR] = {IR_XOR, IR_EON},
        [A64_LOGICAL_SHIFT_ANDS] = {IR_AND, IR_ANDN},
    };
    IrType type = type_of(a->sf);
    IrVal m = shifted(t, type, a->rm, a->shift, a->imm);
    IrVal result;

    if (a->op == A64_LOGICAL_SHIFT_ORR && a->rn == 31) {
        result = a->invert ? ir_un(t->b, IR_NOT, type, m) : m; /* MVN, MOV */
    } else {
        result = ir_bin(t->b, ops[a->op][a->invert], type, a64_t_x(t, type, a->rn), m);
    }
    if (a->op == A64_LOGICAL_SHIFT_ANDS) {
        a64_t_set_nzcv(t, ir_un(t->b, IR_FLAGS_LOGIC, type, result));
    }
    a64_t_set_x(t, a->rd, result);
    return true;
}

bool a64_trans_addsub_shift(A64Trans *t, const A64Args_addsub_shift *a)
{
    IrType type = type_of(a->sf);
    IrVal n = a64_t_x(t, type, a->rn);
    IrVal m = shifted(t, type, a->rm, a->shift, a->imm);
    IrVal sum = ir_bin(t->b, a->sub ? IR_SUB : IR_ADD, type, n, m);

    if (a->flags) {
        a64_t_set_nzcv(t, ir_bin(t->b, a->sub ? IR_FLAGS_SUB : IR_FLAGS_ADD, type, n, m));
    }
    a64_t_set_x(t, a->rd, sum);
    return true;
}

bool a64_trans_addsub_ext(A64Trans *t, const A64Args_addsub_ext *a)
{
    IrType type = type_of(a->sf);
    IrVal n = a64_t_x_sp(t, type, a->rn);
    IrVal m = a64_t_extended(t, type, (A64Extend){a->rm, a->option, a->imm});
    IrVal sum = ir_bin(t->b, a->sub ? IR_SUB : IR_ADD, type, n, m);

    if (a->flags) {
        a64_t_set_nzcv(t, ir_bin(t->b, a->sub ? IR_FLAGS_SUB : IR_FLAGS_ADD, type, n, m));
        a64_t_set_x(t, a->rd, sum);
    } else {
        a64_t_set_x_sp(t, a->rd, sum);
    }
    return true;
}

/* FEAT_CPA without FEAT_CPA2: no result is checked. */
bool a64_trans_addpt(A64Trans *t, const A64Args_addpt *a)
{
    enum { LSL = 3 };
    IrVal n = a64_t_x_sp(t, IR_I64, a->rn);
    IrVal m = a64_t_extended(t, IR_I64, (A64Extend){a->rm, LSL, a->imm});
    a64_t_set_x_sp(t, a->rd, ir_bin(t->b, a->sub ? IR_SUB : IR_ADD, IR_I64, n, m));
    return true;
}

bool a64_trans_addsub_carry(A64Trans *t, const A64Args_addsub_carry *a)
{
    IrType type = type_of(a->sf);
    IrVal n = a64_t_x(t, type, a->rn), m = a64_t_x(t, type, a->rm);
    IrVal carry = ir_emit(t->b, IR_UBFX, IR_I32, a64_t_nzcv(t), 0, 0, IR_FIELD(29, 1));

    if (a->sub) {
        m = ir_un(t->b, IR_NOT, type, m);
    }
    IrVal sum = ir_emit(t->b, IR_ADC, type, n, m, carry, 0);
    if (a->flags) {
        a64_t_set_nzcv(t, ir_emit(t->b, IR_FLAGS_ADC, type, n, m, carry, 0));
    }
    a64_t_set_x(t, a->rd, sum);
    return true;
}

/* NZCV with the bits of mask (N in bit 3) taken from the low four of v. */
static void merge_nzcv(A64Trans *t, IrVal v, uint32_t mask)
{
    IrVal moved = ir_bin(t->b, IR_SHL, IR_I32, v, a64_t_const(t, IR_I32, 28));
    IrVal taken = ir_bin(t->b, IR_AND, IR_I32, moved, a64_t_const(t, IR_I32, mask << 28));
    IrVal kept =
        ir_bin(t->b, IR_AND, IR_I32, a64_t_nzcv(t), a64_t_const(t, IR_I32, (~mask & 15) << 28));
    a64_t_set_nzcv(t, ir_bin(t->b, IR_OR, IR_I32, kept, taken));
}

bool a64_trans_rmif(A64Trans *t, const A64Args_rmif *a)
{
    IrVal n = a64_t_x(t, IR_I64, a->rn);
    IrVal by = a64_t_const(t, IR_I64, a->imm);
    merge_nzcv(t, ir_bin(t->b, IR_ROR, IR_I64, n, by), a->mask);
    return true;
}

bool a64_trans_setf(A64Trans *t, const A64Args_setf *a)
{
    unsigned top = a->size ? 15 : 7;
    IrVal n = a64_t_x(t, IR_I32, a->rn);
    IrVal sign = ir_emit(t->b, IR_UBFX, IR_I32, n, 0, 0, IR_FIELD(top, 1));
    IrVal above = ir_emit(t->b, IR_UBFX, IR_I32, n, 0, 0, IR_FIELD(top + 1, 1));
    IrVal low = ir_emit(t->b, IR_ZEXT, IR_I32, n, 0, 0, top + 1);
    IrVal zero = ir_bin(t->b, IR_EQ, IR_I32, low, a64_t_const(t, IR_I32, 0));
    IrVal flags = ir_bin(t->b, IR_XOR, IR_I32, sign, above);

    flags = ir_emit(t->b, IR_BFI, IR_I32, flags, zero, 0, IR_FIELD(2, 1));
    flags = ir_emit(t->b, IR_BFI, IR_I32, flags, sign, 0, IR_FIELD(3, 1));
    merge_nzcv(t, flags, 0xd);
    return true;
}

static void ccmp(A64Trans *t, const A64Args_ccmp *a, IrVal m)
{
    IrType type = type_of(a->sf);
    IrVal n = a64_t_x(t, type, a->rn);
    IrVal cond = a64_t_cond(t, a->cond);
    IrVal made = ir_bin(t->b, a->sub ? IR_FLAGS_SUB : IR_FLAGS_ADD, type, n, m);
    IrVal given = a64_t_const(t, IR_I32, (uint64_t)a->nzcv << 28);
    a64_t_set_nzcv(t, ir_emit(t->b, IR_SELECT, IR_I32, cond, made, given, 0));
}

bool a64_trans_ccmp_reg(A64Trans *t, const A64Args_ccmp *a)
{
    ccmp(t, a, a64_t_x(t, type_of(a->sf), a->rm));
    return true;
}

bool a64_trans_ccmp_imm(A64Trans *t, const A64Args_ccmp *a)
{
    ccmp(t, a, a64_t_const(t, type_of(a->sf), a->imm));
    return true;
}

bool a64_trans_csel(A64Trans *t, const A64Args_csel *a)
{
    IrType type = type_of(a->sf);
    IrVal cond = a64_t_cond(t, a->cond);
    IrVal n = a64_t_x(t, type, a->rn), m = a64_t_x(t, type, a->rm);

    switch (a->op) {
    case A64_CSEL_INC:
        m = ir_bin(t->b, IR_ADD, type, m, a64_t_const(t, type, 1));
        break;
    case A64_CSEL_INV:
        m = ir_un(t->b, IR_NOT, type, m);
        break;
    case A64_CSEL_NEG:
        m = ir_un(t->b, IR_NEG, type, m);
        break;
    default:
        break;
    }
    a64_t_set_x(t, a->rd, ir_emit(t->b, IR_SELECT, type, cond, n, m, 0));
    return true;
}

bool a64_trans_madd(A64Trans *t, const A64Args_reg3 *a)
{
    IrType type = type_of(a->sf);
    IrVal n = a64_t_x(t, type, a->rn), m = a64_t_x(t, type, a->rm);
    IrVal product = ir_bin(t->b, IR_MUL, type, n, m);
    IrVal addend = a64_t_x(t, type, a->ra);
    a64_t_set_x(t, a->rd, ir_bin(t->b, a->sub ? IR_SUB : IR_ADD, type, addend, product));
    return true;
}

bool a64_trans_maddpt(A64Trans *t, const A64Args_maddpt *a)
{
    const A64Args_reg3 plain = {
        .sf = 1, .sub = a->sub, .rm = a->rm, .ra = a->ra, .rn = a->rn, .rd = a->rd};
    return a64_trans_madd(t, &plain);
}

bool a64_trans_maddl(A64Trans *t, const A64Args_reg3l *a)
{
    IrOpcode extend = a->sign ? IR_SEXT : IR_ZEXT;
    IrVal n = ir_emit(t->b, extend, IR_I64, a64_t_x(t, IR_I64, a->rn), 0, 0, 32);
    IrVal m = ir_emit(t->b, extend, IR_I64, a64_t_x(t, IR_I64, a->rm), 0, 0, 32);
    IrVal product = ir_bin(t->b, IR_MUL, IR_I64, n, m);
    IrVal addend = a64_t_x(t, IR_I64, a->ra);
    a64_t_set_x(t, a->rd, ir_bin(t->b, a->sub ? IR_SUB : IR_ADD, IR_I64, addend, product));
    return true;
}

bool a64_trans_mulh(A64Trans *t, const A64Args_mulh *a)
{
    IrVal n = a64_t_x(t, IR_I64, a->rn), m = a64_t_x(t, IR_I64, a->rm);
    a64_t_set_x(t, a->rd, ir_bin(t->b, a->sign ? IR_SMULH : IR_UMULH, IR_I64, n, m));
    return true;
}
