/*
 * GET and PUT: reads and writes of guest state, and results computed straight into it.
 */
#include "lower.h"

#include "../ir/ops.h"

/* --- looking ahead for the register a result goes to --- */

static bool overlaps(const IrOp *op, uint32_t offset)
{
    return op->imm < offset + 8 && offset < op->imm + (1u << op->type);
}

static bool is_quiet(const IrOp *op)
{
    return (ir_op_info(op->op)->flags & IR_F_P) || op->op == IR_GET || op->op == IR_PUT ||
           op->op == IR_INSN;
}

static uint32_t find_put(const InterpLower *l, IrVal v, uint32_t from)
{
    uint32_t end = from + 16 < l->b->n_ops ? from + 16 : l->b->n_ops;
    for (uint32_t k = from + 1; k < end; k++) {
        const IrOp *op = &l->b->ops[k];
        if (op->op == IR_PUT && op->a == v)
            return op->type == IR_I64 && !l->done[k] ? k : 0;
        if (!is_quiet(op))
            return 0;
    }
    return 0;
}

uint16_t interp_lower_take_put(InterpLower *l, IrVal v, uint32_t from)
{
    uint32_t put = l->options.plain || l->v[v].uses == 0 ? 0 : find_put(l, v, from);
    if (!put)
        return 0;
    uint32_t offset = (uint32_t)l->b->ops[put].imm;
    for (uint32_t k = from + 1; k < put; k++) {
        const IrOp *op = &l->b->ops[k];
        if ((op->op == IR_GET || op->op == IR_PUT) && overlaps(op, offset))
            return 0;
    }
    l->done[put] = true;
    l->v[v].uses--;
    return (uint16_t)offset;
}

/* --- GET and PUT --- */

void interp_lower_get(InterpLower *l, IrVal v)
{
    const IrOp *op = lower_op(l, v);
    interp_lower_place(l, v, (uint16_t)op->imm, 8u << op->type);
    if (l->options.plain && l->v[v].uses > 0) {
        l->n_aliases--;
        interp_lower_move_away(l, v);
    }
}

/* Zero above the result of the load just emitted: what a load of a vector register does. */
static bool join_zero(InterpLower *l, const IrOp *op, uint64_t k)
{
    InterpOp *last = interp_lower_last(l);
    if (!last || k != 0 || op->type != IR_I64 || op->imm % 16 != 8 || last->d != op->imm - 8)
        return false;
    if (last->kind >= IK_LD64_D && last->kind <= IK_LD64_S)
        last->kind += IK_LDZ64_D - IK_LD64_D;
    else if (last->kind >= IK_LD32_D && last->kind <= IK_LD32_S)
        last->kind += IK_LDZ32_D - IK_LD32_D;
    else
        return false;
    return true;
}

static void put_const(InterpLower *l, const IrOp *op)
{
    static const InterpKind kinds[] = {
        [IR_I8] = IK_PUT8I, [IR_I16] = IK_PUT16I, [IR_I32] = IK_PUT32I, [IR_I64] = IK_MOVI};
    uint64_t k = lower_op(l, op->a)->imm;
    interp_lower_save_aliases(l, (uint32_t)op->imm, 1u << op->type);
    if (!join_zero(l, op, k))
        interp_lower_emit(l,
                          (InterpOp){.kind = kinds[op->type], .d = (uint16_t)op->imm, .imm = k});
}

static bool makes_flags(const IrOp *op)
{
    return op->op >= IR_FLAGS_ADD && op->op <= IR_FLAGS_LOGIC;
}

static void put_placed(InterpLower *l, const IrOp *op)
{
    static const InterpKind kinds[] = {
        [IR_I8] = IK_PUT8, [IR_I16] = IK_PUT16, [IR_I32] = IK_PUT32, [IR_I64] = IK_MOV64};
    unsigned bits = 8u << op->type;
    InterpKind kind = kinds[op->type];
    LowerValue *value = &l->v[op->a];
    if (value->state == LOWER_PLACED && op->type == IR_I64 && value->bits < 64)
        kind = interp_lower_widen(bits = value->bits);
    uint16_t from = interp_lower_use(l, op->a, bits);
    if (from == op->imm && kind == kinds[op->type])
        return;
    interp_lower_save_aliases(l, (uint32_t)op->imm, 1u << op->type);
    interp_lower_join(l, (InterpOp){.kind = kind, .d = (uint16_t)op->imm, .a = from});
}

void interp_lower_put(InterpLower *l)
{
    const IrOp *op = &l->b->ops[l->now];
    if (l->done[l->now])
        return;
    if (lower_is_const(l, op->a)) {
        put_const(l, op);
        interp_lower_release(l, op->a);
        return;
    }
    bool lazy = l->v[op->a].state == LOWER_LAZY;
    bool flags = makes_flags(lower_op(l, op->a));
    if (lazy && (flags ? op->type == IR_I32 : op->type == IR_I64)) {
        l->v[op->a].uses--;
        interp_lower_compute(l, op->a, (uint16_t)op->imm);
        return;
    }
    if (lazy && op->type == IR_I32) {
        l->v[op->a].uses--;
        if (interp_lower_compare(l, op->a, (uint16_t)op->imm))
            return;
        l->v[op->a].uses++;
    }
    put_placed(l, op);
    interp_lower_release(l, op->a);
}
