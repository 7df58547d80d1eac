/*
 * Building a block: appending ops, folding those whose arguments are known and the identities
 * that translators produce
 * all the time (x + 0, (x + c) + d), so that the passes see less.
 */
#include "armillary/ir.h"

#include <assert.h>

#include "eval.h"
#include "ops.h"

enum { SPARE_OPS = 8 }; /* kept for ending a block that overflowed */

void ir_begin(IrBlock *b)
{
    b->n_ops = 1;
    b->n_vecs = 0;
    b->n_insns = 0;
    b->ended = false;
    b->overflow = false;
    b->lands = IR_LANDS_ALL;
    b->ops[0] = (IrOp){0};
}

static bool is_const(const IrBlock *b, IrVal v)
{
    return b->ops[v].op == IR_CONST;
}

static bool all_const(const IrBlock *b, const IrOp *op)
{
    unsigned n = ir_op_info(op->op)->args;
    return n > 0 && is_const(b, op->a) && (n < 2 || is_const(b, op->b)) &&
           (n < 3 || is_const(b, op->c));
}

static bool commutes(IrOpcode op)
{
    return op == IR_ADD || op == IR_MUL || op == IR_AND || op == IR_OR || op == IR_XOR ||
           op == IR_EQ || op == IR_NE || op == IR_UMULH || op == IR_SMULH || op == IR_FLAGS_ADD;
}

/* May value v stand for the result of an op of this type without truncation? */
static bool fits(const IrBlock *b, IrVal v, IrType type)
{
    return type == IR_I64 || ir_value_type(&b->ops[v]) != IR_I64;
}

/* x op constant, when the result is x: returns x, else 0. */
static IrVal identity(const IrBlock *b, const IrOp *op)
{
    uint64_t ones = op->type == IR_I64 ? UINT64_MAX : UINT32_MAX, k = b->ops[op->b].imm;
    bool same = false;
    switch (op->op) {
    case IR_ADD:
    case IR_SUB:
    case IR_OR:
    case IR_XOR:
    case IR_ANDN:
    case IR_SHL:
    case IR_SHR:
    case IR_SAR:
    case IR_ROR:
        same = k == 0;
        break;
    case IR_AND:
        same = k == ones;
        break;
    case IR_ORN:
        same = (k & ones) == ones;
        break;
    default:
        break;
    }
    return same && fits(b, op->a, (IrType)op->type) ? op->a : 0;
}

static IrVal append(IrBlock *b, const IrOp *op)
{
    if (b->n_ops >= IR_MAX_OPS - SPARE_OPS && !(ir_op_info(op->op)->flags & IR_F_T)) {
        b->overflow = true;
        return b->n_ops > 1 ? 1 : 0;
    }
    assert(b->n_ops < IR_MAX_OPS);
    b->ops[b->n_ops] = *op;
    return (IrVal)b->n_ops++;
}

static IrVal append_const(IrBlock *b, IrType type, uint64_t value)
{
    return append(b, &(IrOp){.op = IR_CONST, .type = (uint8_t)type, .imm = value});
}

/* (x + c) + d and (x - c) + d become x + e; x - d becomes x + -d. */
static IrVal simplify_sum(IrBlock *b, IrOp *op)
{
    uint64_t k = op->op == IR_ADD ? b->ops[op->b].imm : 0 - b->ops[op->b].imm;
    IrOp inner = b->ops[op->a];
    IrVal base = op->a;
    if (inner.op == IR_PC && op->type == IR_I64)
        return append(b, &(IrOp){.op = IR_PC, .type = IR_I64, .imm = inner.imm + k});
    bool nested = inner.op == IR_ADD && inner.type == op->type && is_const(b, inner.b);
    if (nested) {
        base = inner.a;
        k += b->ops[inner.b].imm;
    }
    if (op->type != IR_I64)
        k = (uint32_t)k;
    if (!nested && op->op == IR_ADD)
        return 0;
    if (k == 0 && fits(b, base, (IrType)op->type))
        return base;
    IrVal sum = append_const(b, (IrType)op->type, k);
    return append(b, &(IrOp){.op = IR_ADD, .type = op->type, .a = base, .b = sum});
}

static IrVal simplify(IrBlock *b, IrOp *op)
{
    if (all_const(b, op)) {
        uint64_t v[3] = {b->ops[op->a].imm, b->ops[op->b].imm, b->ops[op->c].imm};
        IrType type = ir_value_type(op);
        return append_const(b, type, ir_eval((IrOpcode)op->op, (IrType)op->type, v, op->imm));
    }
    if (op->op == IR_SELECT && is_const(b, op->a)) {
        uint64_t k = b->ops[op->a].imm;
        IrVal v = (op->type == IR_I64 ? k : (uint32_t)k) ? op->b : op->c;
        return fits(b, v, (IrType)op->type) ? v : 0;
    }
    if (op->op == IR_COND && op->imm >= 14)
        return append_const(b, IR_I32, 1);
    if (ir_op_info(op->op)->args != 2)
        return 0;
    if (commutes((IrOpcode)op->op) && is_const(b, op->a)) {
        IrVal a = op->a;
        op->a = op->b;
        op->b = a;
    }
    if (!is_const(b, op->b))
        return 0;
    IrVal same = identity(b, op);
    if (!same && (op->op == IR_ADD || op->op == IR_SUB))
        same = simplify_sum(b, op);
    return same;
}

IrVal ir_append(IrBlock *b, IrOp o)
{
    assert(!b->ended || b->overflow);
    const IrOpInfo *info = ir_op_info(o.op);
    if ((info->flags & IR_F_P) && info->args > 0 && !b->overflow) {
        IrVal known = simplify(b, &o);
        if (known)
            return known;
    }
    if (o.op == IR_INSN)
        b->n_insns++;
    if (info->flags & IR_F_T)
        b->ended = true;
    return append(b, &o);
}

void ir_vec(IrBlock *b, IrVecFn fn, const uint16_t offsets[3], uint64_t desc)
{
    if (b->n_vecs >= IR_MAX_VECS) {
        b->overflow = true;
        return;
    }
    IrVal v = ir_emit(b, IR_VEC, IR_I64, offsets[0], offsets[1], offsets[2], b->n_vecs);
    if (!b->overflow && v)
        b->vecs[b->n_vecs++] = (IrVec){.fn = fn, .desc = desc};
}
