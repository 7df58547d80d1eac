/*
 * The rules of a well-formed block. A translator or pass that breaks one is our own error, found
 * here and not in a guest.
 */
#include "armillary/ir.h"

#include "ops.h"

static const char *check_arg(const IrBlock *b, uint32_t at, IrVal v)
{
    if (v == 0)
        return "an argument is missing";
    if (v >= at)
        return "an argument is used before its definition";
    if (!ir_op_info(b->ops[v].op)->result)
        return "an argument names an op without a value";
    return NULL;
}

static const char *check_args(const IrBlock *b, uint32_t at)
{
    const IrOp *op = &b->ops[at];
    unsigned n = op->op == IR_VEC ? 3 : ir_op_info(op->op)->args;
    const IrVal args[3] = {op->a, op->b, op->c};
    if (op->op == IR_VEC)
        return op->imm < b->n_vecs ? NULL : "a VEC has no entry in the block's table";
    for (unsigned i = 0; i < 3; i++) {
        if (i >= n && args[i] != 0)
            return "an op has more arguments than its row says";
        bool optional = op->op == IR_CALL && i >= ((const IrHelper *)(uintptr_t)op->imm)->nargs;
        if (i < n && !(optional && args[i] == 0)) {
            const char *wrong = check_arg(b, at, args[i]);
            if (wrong)
                return wrong;
        }
    }
    return NULL;
}

static const char *check_state(const IrOp *op)
{
    if (op->imm & ((UINT64_C(1) << op->type) - 1))
        return "guest state is accessed at an offset that is not a multiple of its size";
    if (op->imm > UINT16_MAX - 8)
        return "guest state is accessed outside the first 64 KiB";
    return NULL;
}

static const char *check_field(const IrOp *op)
{
    unsigned bits = op->type == IR_I64 ? 64 : 32, width = IR_FIELD_WIDTH(op->imm);
    if (width == 0 || IR_FIELD_LSB(op->imm) + width > bits)
        return "a bit field does not fit its type";
    return NULL;
}

static const char *check_extension(const IrOp *op)
{
    if (op->imm == 0 || op->imm > (op->type == IR_I64 ? 64 : 32))
        return "an extension does not fit its type";
    return NULL;
}

static const char *check_imm(const IrOp *op)
{
    switch (op->op) {
    case IR_GET:
    case IR_PUT:
        return check_state(op);
    case IR_UBFX:
    case IR_SBFX:
    case IR_BFI:
        return check_field(op);
    case IR_SEXT:
    case IR_ZEXT:
        return check_extension(op);
    case IR_COND:
        return op->imm > 15 ? "a condition is not 0 to 15" : NULL;
    case IR_LOAD:
    case IR_STORE:
    case IR_ATOMIC:
        return IR_MEM_GET_SIZE(op->imm) > 3 ? "a memory access is wider than 8 bytes" : NULL;
    case IR_CALL:
    case IR_CHECK:
        return op->imm == 0 ? "a CALL or CHECK has no helper" : NULL;
    default:
        return NULL;
    }
}

static const char *check_type(const IrOp *op)
{
    bool narrow = op->op == IR_GET || op->op == IR_PUT || op->op == IR_CONST ||
                  op->op == IR_LOAD || op->op == IR_STORE || op->op == IR_ATOMIC;
    if (op->type > IR_I64)
        return "an op has no such type";
    if (!narrow && ir_op_info(op->op)->args && op->type < IR_I32)
        return "an op computes on a type narrower than 32 bits";
    return NULL;
}

static const char *check_op(const IrBlock *b, uint32_t at)
{
    const IrOp *op = &b->ops[at];
    if (op->op >= IR_OP_COUNT)
        return "there is no such op";
    const char *wrong = check_type(op);
    if (!wrong)
        wrong = check_imm(op);
    return wrong ? wrong : check_args(b, at);
}

const char *ir_verify(const IrBlock *b)
{
    if (b->n_ops < 2 || b->n_ops > IR_MAX_OPS)
        return "a block has no ops, or too many";
    for (uint32_t i = 1; i < b->n_ops; i++) {
        const char *wrong = check_op(b, i);
        if (wrong)
            return wrong;
        bool last = i + 1 == b->n_ops, ends = ir_op_info(b->ops[i].op)->flags & IR_F_T;
        if (last != ends)
            return "a block does not end with its one end op";
    }
    return NULL;
}
