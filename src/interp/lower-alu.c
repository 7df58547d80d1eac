/*
 * Lowering of pure ops when their value is wanted: choice of the operation, with operands that were
 * put off (constants, shifts, extensions, products, conditions) taken in.
 */
#include "lower.h"

#include "../ir/eval.h"
#include "../ir/ops.h"

/* First of the four kinds 64, 64I, 32, 32I, or of the two 64, 32. 0 = not of this shape. */
static const uint16_t BINARY[IR_OP_COUNT] = {
    [IR_ADD] = IK_ADD64, [IR_SUB] = IK_SUB64, [IR_MUL] = IK_MUL64, [IR_AND] = IK_AND64,
    [IR_OR] = IK_OR64, [IR_XOR] = IK_XOR64, [IR_ANDN] = IK_ANDN64, [IR_ORN] = IK_ORN64,
    [IR_EON] = IK_EON64, [IR_SHL] = IK_SHL64, [IR_SHR] = IK_SHR64, [IR_SAR] = IK_SAR64,
    [IR_ROR] = IK_ROR64, [IR_EQ] = IK_EQ64, [IR_NE] = IK_NE64, [IR_ULT] = IK_ULT64,
    [IR_ULE] = IK_ULE64, [IR_SLT] = IK_SLT64, [IR_SLE] = IK_SLE64,
    [IR_FLAGS_ADD] = IK_FADD64, [IR_FLAGS_SUB] = IK_FSUB64,
};
static const uint16_t GENERAL[IR_OP_COUNT] = {
    [IR_UMULH] = IK_UMULH64, [IR_SMULH] = IK_SMULH64, [IR_UDIV] = IK_UDIV64,
    [IR_SDIV] = IK_SDIV64, [IR_ADC] = IK_ADC64, [IR_NOT] = IK_NOT64, [IR_NEG] = IK_NEG64,
    [IR_CLZ] = IK_CLZ64, [IR_CLS] = IK_CLS64, [IR_RBIT] = IK_RBIT64, [IR_REV] = IK_REV64,
    [IR_REV16] = IK_REV1664, [IR_REV32] = IK_REV3264, [IR_EXTR] = IK_EXTR64,
    [IR_BFI] = IK_BFI64, [IR_SELECT] = IK_SELECT64, [IR_FLAGS_ADC] = IK_FADC64,
};

static unsigned width(const IrOp *op)
{
    return op->type == IR_I64 ? 64 : 32;
}

static void set_operands(InterpLower *l, InterpOp *o, const IrOp *op)
{
    unsigned n = ir_op_info(op->op)->args, w = width(op);
    if (n > 0)
        o->a = interp_lower_use(l, op->a, w);
    if (n > 1)
        o->b = interp_lower_use(l, op->b, w);
    if (n > 2)
        o->c = interp_lower_use(l, op->c, w);
}

static bool same_type(const InterpLower *l, IrVal v, const IrOp *op)
{
    return lower_op(l, v)->type == op->type;
}

/* a op (b << k) and a op (b >> k), for the ops that have it. */
static bool take_shift(InterpLower *l, InterpOp *o, const IrOp *op, IrVal a, IrVal b)
{
    static const uint16_t left[IR_OP_COUNT] = {
        [IR_ADD] = IK_ADDSHL64, [IR_SUB] = IK_SUBSHL64, [IR_AND] = IK_ANDSHL64,
        [IR_OR] = IK_ORSHL64, [IR_XOR] = IK_XORSHL64};
    static const uint16_t right[IR_OP_COUNT] = {
        [IR_ADD] = IK_ADDSHR64, [IR_OR] = IK_ORSHR64, [IR_XOR] = IK_XORSHR64};
    const IrOp *shift = lower_op(l, b);
    bool shl = lower_is_lazy(l, b, IR_SHL), shr = lower_is_lazy(l, b, IR_SHR);
    uint16_t kind = shl ? left[op->op] : shr ? right[op->op] : 0;
    if (!kind || !same_type(l, b, op) || !lower_is_const(l, shift->b))
        return false;
    o->kind = kind + (op->type != IR_I64);
    o->imm = lower_op(l, shift->b)->imm;
    o->a = interp_lower_use(l, a, width(op));
    o->b = interp_lower_use(l, shift->a, width(op));
    return true;
}

/* Is v a put-off extension of 32 bits? */
static bool extends32(const InterpLower *l, IrVal v, IrOpcode op)
{
    return lower_is_lazy(l, v, op) && lower_op(l, v)->imm == 32 &&
           lower_op(l, v)->type == IR_I64;
}

/* a + (extended 32-bit b << k) */
static bool take_extension(InterpLower *l, InterpOp *o, const IrOp *op, IrVal a, IrVal b)
{
    IrVal from = b;
    uint64_t by = 0;
    if (lower_is_lazy(l, b, IR_SHL) && lower_is_const(l, lower_op(l, b)->b)) {
        from = lower_op(l, b)->a;
        by = lower_op(l, lower_op(l, b)->b)->imm;
    }
    bool sign = extends32(l, from, IR_SEXT);
    if (op->op != IR_ADD || op->type != IR_I64 || !(sign || extends32(l, from, IR_ZEXT)))
        return false;
    o->kind = sign ? IK_ADDSXTW64 : IK_ADDUXTW64;
    o->imm = by;
    o->a = interp_lower_use(l, a, 64);
    o->b = interp_lower_use(l, lower_op(l, from)->a, 32);
    return true;
}

/* c + a * b and c - a * b, also of extended 32-bit factors */
static bool take_product(InterpLower *l, InterpOp *o, const IrOp *op, IrVal c, IrVal product)
{
    if (!lower_is_lazy(l, product, IR_MUL) || !same_type(l, product, op) ||
        (op->op != IR_ADD && op->op != IR_SUB))
        return false;
    const IrOp *mul = lower_op(l, product);
    IrOpcode ext = extends32(l, mul->a, IR_SEXT) ? IR_SEXT : IR_ZEXT;
    if (lower_is_const(l, mul->b))
        return false;
    if (op->op == IR_ADD && extends32(l, mul->a, ext) && extends32(l, mul->b, ext)) {
        o->kind = ext == IR_SEXT ? IK_SMADDL64 : IK_UMADDL64;
        o->a = interp_lower_use(l, lower_op(l, mul->a)->a, 32);
        o->b = interp_lower_use(l, lower_op(l, mul->b)->a, 32);
    } else {
        o->kind = (op->op == IR_ADD ? IK_MADD64 : IK_MSUB64) + (op->type != IR_I64);
        o->a = interp_lower_use(l, mul->a, width(op));
        o->b = interp_lower_use(l, mul->b, width(op));
    }
    o->c = interp_lower_use(l, c, width(op));
    return true;
}

static bool take(InterpLower *l, InterpOp *o, const IrOp *op, IrVal a, IrVal b)
{
    return take_shift(l, o, op, a, b) || take_extension(l, o, op, a, b) ||
           take_product(l, o, op, a, b);
}

/* UMULL and SMULL without an addend. */
static bool choose_long_product(InterpLower *l, InterpOp *o, const IrOp *op)
{
    IrOpcode ext = extends32(l, op->a, IR_SEXT) ? IR_SEXT : IR_ZEXT;
    if (op->op != IR_MUL || !extends32(l, op->a, ext) || !extends32(l, op->b, ext))
        return false;
    o->kind = ext == IR_SEXT ? IK_SMADDL64 : IK_UMADDL64;
    o->a = interp_lower_use(l, lower_op(l, op->a)->a, 32);
    o->b = interp_lower_use(l, lower_op(l, op->b)->a, 32);
    o->c = LOWER_ZERO;
    return true;
}

static void choose_binary(InterpLower *l, InterpOp *o, const IrOp *op)
{
    bool narrow = op->type != IR_I64;
    if (take(l, o, op, op->a, op->b) || choose_long_product(l, o, op))
        return;
    if (op->op != IR_SUB && take(l, o, op, op->b, op->a))
        return; /* only ops that commute take anything in */
    o->kind = BINARY[op->op] + (narrow ? 2 : 0);
    o->a = interp_lower_use(l, op->a, width(op));
    if (lower_is_const(l, op->b)) {
        o->kind++;
        o->imm = lower_op(l, op->b)->imm;
    } else {
        o->b = interp_lower_use(l, op->b, width(op));
    }
}

/* NZ of a value; of an AND that was put off, without computing that. */
static void choose_flags_logic(InterpLower *l, InterpOp *o, const IrOp *op)
{
    const IrOp *and = lower_op(l, op->a);
    o->kind = op->type == IR_I64 ? IK_FAND64 : IK_FAND32;
    if (lower_is_lazy(l, op->a, IR_AND) && same_type(l, op->a, op)) {
        o->a = interp_lower_use(l, and->a, width(op));
        if (lower_is_const(l, and->b)) {
            o->kind++;
            o->imm = lower_op(l, and->b)->imm;
            return;
        }
        o->b = interp_lower_use(l, and->b, width(op));
    } else {
        o->a = o->b = interp_lower_use(l, op->a, width(op));
    }
}

/* cond ? 1 : 0 and cond ? 0 : 1 */
static bool is_zero_one(InterpLower *l, InterpOp *o, const IrOp *op, const IrOp *cond)
{
    if (!lower_is_const(l, op->b) || !lower_is_const(l, op->c))
        return false;
    uint64_t yes = lower_op(l, op->b)->imm, no = lower_op(l, op->c)->imm;
    if ((yes | no) != 1 || yes == no)
        return false;
    o->kind = IK_COND;
    o->imm = ir_cond_mask((unsigned)cond->imm) ^ (yes ? 0 : 0xffff);
    o->a = interp_lower_use(l, cond->a, 32);
    return true;
}

/* cond ? flags of a comparison : constant flags, for NZCV. Only when `place` is for flags. */
static bool choose_ccmp(InterpLower *l, InterpOp *o, const IrOp *op)
{
    const IrOp *cond = lower_op(l, op->a), *flags = lower_op(l, op->b);
    bool subtract = lower_is_lazy(l, op->b, IR_FLAGS_SUB);
    if (op->op != IR_SELECT || !lower_is_lazy(l, op->a, IR_COND) || !lower_is_const(l, op->c) ||
        !(subtract || lower_is_lazy(l, op->b, IR_FLAGS_ADD)))
        return false;
    bool narrow = flags->type != IR_I64, imm = lower_is_const(l, flags->b);
    uint64_t k = imm ? lower_op(l, flags->b)->imm : 0;
    if (k >> 32)
        return false;
    o->kind = (subtract ? IK_CCMP64 : IK_CCMN64) + (narrow ? 2 : 0) + imm;
    o->imm = ir_cond_mask((unsigned)cond->imm) | (lower_op(l, op->c)->imm & 0xf0000000) | k << 32;
    o->a = interp_lower_use(l, flags->a, width(flags));
    if (!imm)
        o->b = interp_lower_use(l, flags->b, width(flags));
    o->c = interp_lower_use(l, cond->a, 32);
    return true;
}

/* A carry bit taken from flags: v is (flags >> 29) & 1, put off. */
static bool is_carry(const InterpLower *l, IrVal v)
{
    return lower_is_lazy(l, v, IR_UBFX) && lower_op(l, v)->type == IR_I32 &&
           lower_op(l, v)->imm == IR_FIELD(IR_FLAG_SHIFT + 1, 1);
}

static bool choose_carry(InterpLower *l, InterpOp *o, const IrOp *op)
{
    if ((op->op != IR_ADC && op->op != IR_FLAGS_ADC) || !is_carry(l, op->c))
        return false;
    o->kind = (op->op == IR_ADC ? IK_ADCC64 : IK_FADCC64) + (op->type != IR_I64);
    o->a = interp_lower_use(l, op->a, width(op));
    o->b = interp_lower_use(l, op->b, width(op));
    o->c = interp_lower_use(l, lower_op(l, op->c)->a, 32);
    return true;
}

static void choose_select(InterpLower *l, InterpOp *o, const IrOp *op)
{
    IrVal other = op->c;
    const IrOp *alt = lower_op(l, other);
    InterpKind kind = IK_CSEL64;
    if (!lower_is_lazy(l, op->a, IR_COND)) {
        o->kind = IK_SELECT64 + (op->type != IR_I64);
        set_operands(l, o, op);
        return;
    }
    if (l->v[other].state == LOWER_LAZY && same_type(l, other, op)) {
        bool inc = alt->op == IR_ADD && lower_is_const(l, alt->b) &&
                   lower_op(l, alt->b)->imm == 1;
        kind = inc ? IK_CSINC64 : alt->op == IR_NOT ? IK_CSINV64
                                : alt->op == IR_NEG ? IK_CSNEG64 : IK_CSEL64;
        if (kind != IK_CSEL64)
            other = alt->a;
    }
    const IrOp *cond = lower_op(l, op->a);
    if (is_zero_one(l, o, op, cond))
        return;
    o->kind = kind + (op->type != IR_I64);
    o->imm = ir_cond_mask((unsigned)cond->imm);
    o->a = interp_lower_use(l, cond->a, 32);
    o->b = interp_lower_use(l, op->b, width(op));
    o->c = interp_lower_use(l, other, width(op));
}

static void choose_field(InterpLower *l, InterpOp *o, const IrOp *op)
{
    unsigned w = width(op), lsb = IR_FIELD_LSB(op->imm), n = IR_FIELD_WIDTH(op->imm);
    bool sign = op->op == IR_SBFX || op->op == IR_SEXT;
    if (op->op == IR_SEXT || op->op == IR_ZEXT) {
        lsb = 0;
        n = (unsigned)op->imm;
    }
    if (op->op == IR_ZEXT && n == 32) {
        o->kind = IK_MOV32;
        o->a = interp_lower_use(l, op->a, 32);
        return;
    }
    /* bits above the field are shifted out; what lies beside a narrow register must not be read */
    unsigned top = lsb + n;
    if (!sign && top <= 32)
        w = 32;
    o->kind = (sign ? IK_SBFX64 : IK_UBFX64) + (w == 32);
    o->imm = (w - lsb - n) | (w - n) << 8;
    o->a = interp_lower_use(l, op->a, w);
}

static void choose_insert(InterpLower *l, InterpOp *o, const IrOp *op)
{
    unsigned lsb = IR_FIELD_LSB(op->imm), n = IR_FIELD_WIDTH(op->imm);
    bool narrow = op->type != IR_I64;
    if (!lower_is_const(l, op->b)) {
        o->kind = IK_BFI64 + narrow;
        o->imm = op->imm;
        set_operands(l, o, op);
        return;
    }
    o->kind = IK_BFII64 + narrow;
    o->imm = (lower_op(l, op->b)->imm & ir_ones(n)) << lsb;
    o->c = (uint16_t)(lsb | n << 8);
    o->a = interp_lower_use(l, op->a, width(op));
}

static void choose(InterpLower *l, InterpOp *o, const IrOp *op)
{
    switch (op->op) {
    case IR_PC:
        o->kind = IK_PC;
        o->imm = op->imm;
        break;
    case IR_SEXT:
    case IR_ZEXT:
    case IR_UBFX:
    case IR_SBFX:
        choose_field(l, o, op);
        break;
    case IR_BFI:
        choose_insert(l, o, op);
        break;
    case IR_SELECT:
        choose_select(l, o, op);
        break;
    case IR_COND:
        o->kind = IK_COND;
        o->imm = ir_cond_mask((unsigned)op->imm);
        o->a = interp_lower_use(l, op->a, 32);
        break;
    case IR_FLAGS_LOGIC:
        choose_flags_logic(l, o, op);
        break;
    default:
        if (BINARY[op->op] || op->op == IR_ADD) {
            choose_binary(l, o, op);
            break;
        }
        if (choose_carry(l, o, op))
            break;
        o->kind = GENERAL[op->op] + (op->type != IR_I64);
        o->imm = op->imm;
        set_operands(l, o, op);
        break;
    }
}

void interp_lower_compute(InterpLower *l, IrVal v, uint16_t place)
{
    const IrOp *op = lower_op(l, v);
    const IrVal args[3] = {op->a, op->b, op->c};
    bool flags = op->op >= IR_FLAGS_ADD && op->op <= IR_FLAGS_LOGIC;
    InterpOp o = {.imm = 0};
    if (!place && choose_ccmp(l, &o, op))
        flags = true;
    else
        choose(l, &o, op);
    o.d = place ? place : interp_lower_new_temp(l);
    for (unsigned i = 0; i < ir_op_info(op->op)->args; i++)
        interp_lower_release(l, args[i]);
    if (place)
        interp_lower_save_aliases(l, place, flags ? 4 : 8);
    interp_lower_join(l, o);
    interp_lower_place(l, v, o.d, flags ? 32 : 64);
}

bool interp_lower_compare(InterpLower *l, IrVal v, uint16_t place)
{
    const IrOp *op = lower_op(l, v);
    InterpOp o = {.d = place};
    if (!choose_ccmp(l, &o, op))
        return false;
    interp_lower_release(l, op->a);
    interp_lower_release(l, op->b);
    interp_lower_release(l, op->c);
    interp_lower_save_aliases(l, place, 4);
    interp_lower_emit(l, o);
    interp_lower_place(l, v, place, 32);
    return true;
}
