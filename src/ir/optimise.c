/*
 * The passes. One forward pass replaces GETs by the value last PUT or GOT, and folds what that
 * makes known; one backward pass
 * drops PUTs that nothing can see and values that nobody uses. A dropped op becomes an unused
 * constant, so that values keep
 * their names. Both are linear.
 */
#include "armillary/ir.h"

#include <assert.h>
#include <string.h>

#include "eval.h"
#include "ops.h"

/*
 * What is known of guest state, by 8-byte slot. Direct-mapped and lossy: a slot that falls out is
 * merely not known. No access
 * crosses a slot (ir_verify), so a PUT concerns one entry.
 */
enum { SLOTS = 64 };

typedef struct {
    uint16_t offset;
    uint8_t type;
    bool known;
    IrVal value;
} Slot;

typedef struct {
    Slot slots[SLOTS];
    IrVal map[IR_MAX_OPS]; /* the value that stands for each op's */
} Forward;

static unsigned slot_of(uint64_t offset)
{
    return (unsigned)(offset >> 3) & (SLOTS - 1);
}

static bool narrow(const IrOp *op)
{
    return ir_value_type(op) != IR_I64;
}

static void forward_get(Forward *f, IrBlock *b, uint32_t at)
{
    IrOp *op = &b->ops[at];
    Slot *s = &f->slots[slot_of(op->imm)];
    bool same = s->known && s->offset == op->imm;
    if (same && s->type == op->type) {
        f->map[at] = s->value;
    } else if (same && op->type == IR_I32 && s->type == IR_I64 && narrow(&b->ops[s->value])) {
        f->map[at] = s->value;
    } else if (same && op->type == IR_I32 && s->type == IR_I64 &&
               b->ops[s->value].op == IR_CONST) {
        *op = (IrOp){.op = IR_CONST, .type = IR_I32, .imm = (uint32_t)b->ops[s->value].imm};
    } else if (op->type >= IR_I32) {
        *s = (Slot){(uint16_t)op->imm, op->type, true, (IrVal)at};
    }
}

static void forward_put(Forward *f, const IrBlock *b, const IrOp *op)
{
    Slot *s = &f->slots[slot_of(op->imm)];
    /* A PUT of 32 bits cuts the value it stores: only a 32-bit value can stand for what is
     * read back. */
    bool exact = op->type == IR_I64 || (op->type == IR_I32 && narrow(&b->ops[op->a]));
    *s = (Slot){(uint16_t)op->imm, op->type, exact, op->a};
}

static bool writes_state(const IrOp *op)
{
    return op->op == IR_CALL && (((const IrHelper *)(uintptr_t)op->imm)->flags & IR_H_WRITES);
}

/* Forgets what is known of an operand of a VEC, 16 bytes at `offset`. */
static void forget(Slot slots[SLOTS], uint64_t offset)
{
    for (uint64_t at = offset >> 3; at <= (offset + 15) >> 3; at++) {
        Slot *s = &slots[at & (SLOTS - 1)];
        s->known = s->known && s->offset >> 3 != at;
    }
}

/* Does the op see guest state as a whole, now (a fault or an exit included)? */
static bool sees_state(const IrOp *op)
{
    const unsigned sees = IR_H_READS | IR_H_WRITES | IR_H_RAISES;
    if (op->op == IR_CALL)
        return ((const IrHelper *)(uintptr_t)op->imm)->flags & sees;
    return ir_op_info(op->op)->flags & (IR_F_F | IR_F_T);
}

static bool fold_args(const IrBlock *b, const IrOp *op, uint64_t v[3])
{
    const IrVal args[3] = {op->a, op->b, op->c};
    unsigned n = ir_op_info(op->op)->args;
    for (unsigned i = 0; i < n; i++) {
        if (b->ops[args[i]].op != IR_CONST)
            return false;
        v[i] = b->ops[args[i]].imm;
    }
    return n > 0;
}

static void forward_pure(IrBlock *b, IrOp *op)
{
    uint64_t v[3] = {0};
    if (fold_args(b, op, v)) {
        uint64_t value = ir_eval((IrOpcode)op->op, (IrType)op->type, v, op->imm);
        *op = (IrOp){.op = IR_CONST, .type = (uint8_t)ir_value_type(op), .imm = value};
    } else if (op->op == IR_ADD && op->type == IR_I64 && b->ops[op->a].op == IR_PC &&
               b->ops[op->b].op == IR_CONST) {
        uint64_t sum = b->ops[op->a].imm + b->ops[op->b].imm;
        *op = (IrOp){.op = IR_PC, .type = IR_I64, .imm = sum};
    }
}

static void forward_op(Forward *f, IrBlock *b, uint32_t at)
{
    IrOp *op = &b->ops[at];
    const IrOpInfo *info = ir_op_info(op->op);
    f->map[at] = (IrVal)at;
    if (op->op != IR_VEC) { /* a VEC's operands are offsets */
        op->a = f->map[op->a];
        op->b = f->map[op->b];
        op->c = f->map[op->c];
    }
    if (info->flags & IR_F_P)
        forward_pure(b, op);
    else if (op->op == IR_GET)
        forward_get(f, b, at);
    else if (op->op == IR_PUT)
        forward_put(f, b, op);
    else if (op->op == IR_VEC)
        forget(f->slots, op->a);
    else if (writes_state(op))
        memset(f->slots, 0, sizeof f->slots);
}

static void pass_forward(IrBlock *b)
{
    Forward f;
    memset(f.slots, 0, sizeof f.slots);
    f.map[0] = 0;
    for (uint32_t i = 1; i < b->n_ops; i++)
        forward_op(&f, b, i);
}

typedef struct {
    Slot slots[SLOTS]; /* known = overwritten later, before anything can see it */
    bool used[IR_MAX_OPS];
} Backward;

static void drop(IrOp *op)
{
    *op = (IrOp){.op = IR_CONST, .type = IR_I64};
}

static bool backward_put(Backward *w, IrOp *op)
{
    Slot *s = &w->slots[slot_of(op->imm)];
    if (s->known && s->offset == op->imm && s->type >= op->type) {
        drop(op);
        return false;
    }
    *s = (Slot){(uint16_t)op->imm, op->type, true, 0};
    return true;
}

/* A VEC reads its operands, the destination too; it sees nothing else. */
static void backward_vec(Backward *w, const IrBlock *b, const IrOp *op)
{
    forget(w->slots, op->a);
    forget(w->slots, op->b);
    forget(w->slots, op->c);
    forget(w->slots, IR_VEC_GET_ALSO(b->vecs[op->imm].desc));
}

/* Returns whether the op stays. */
static bool backward_op(Backward *w, IrBlock *b, uint32_t at)
{
    IrOp *op = &b->ops[at];
    unsigned flags = ir_op_info(op->op)->flags;
    if (op->op == IR_PUT)
        return backward_put(w, op);
    if (((flags & IR_F_P) || op->op == IR_GET) && !w->used[at]) {
        drop(op);
        return false;
    }
    if (op->op == IR_GET)
        w->slots[slot_of(op->imm)].known = false;
    else if (op->op == IR_VEC)
        backward_vec(w, b, op);
    else if (sees_state(op))
        memset(w->slots, 0, sizeof w->slots);
    return true;
}

static void pass_backward(IrBlock *b)
{
    Backward w;
    memset(w.slots, 0, sizeof w.slots);
    memset(w.used, 0, b->n_ops);
    for (uint32_t i = b->n_ops - 1; i > 0; i--) {
        const IrOp *op = &b->ops[i];
        if (!backward_op(&w, b, i) || op->op == IR_VEC)
            continue;
        w.used[op->a] = w.used[op->b] = w.used[op->c] = true;
    }
}

void ir_optimise(IrBlock *b)
{
    pass_forward(b);
    assert(ir_verify(b) == NULL);
    pass_backward(b);
    assert(ir_verify(b) == NULL);
}
