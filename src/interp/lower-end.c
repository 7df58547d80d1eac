/*
 * Lowering of block ends: the condition joined with what makes it, link slots.
 */
#include "lower.h"

#include "../ir/eval.h"
#include "../ir/ops.h"

static void add_link(InterpLower *l, unsigned n, int64_t delta)
{
    int64_t target = (int64_t)l->options.offset + delta;
    bool here = target >= 0 && target < (int64_t)ARM_PAGE_SIZE;
    union {
        InterpOp op;
        InterpLink link;
    } slot = {.link = {.delta = (int32_t)delta, .insns = l->index}};
    slot.op.kind = here ? IK_LINK : IK_LINKFAR;
    if (here)
        l->links[n] = (uint16_t)l->n_ops;
    interp_lower_emit(l, slot.op);
}

/* x ? and its bit number when v is one bit of a value that was put off */
static bool is_bit_test(const InterpLower *l, IrVal v, IrVal *x, unsigned *bit)
{
    const IrOp *op = lower_op(l, v);
    if (lower_is_lazy(l, v, IR_UBFX) && IR_FIELD_WIDTH(op->imm) == 1) {
        *bit = IR_FIELD_LSB(op->imm);
    } else if (lower_is_lazy(l, v, IR_AND) && lower_is_const(l, op->b)) {
        uint64_t k = lower_op(l, op->b)->imm;
        if (k == 0 || (k & (k - 1)))
            return false;
        *bit = (unsigned)__builtin_ctzll(k);
    } else {
        return false;
    }
    *x = op->a;
    return true;
}

static void branch_on_bit(InterpLower *l, IrVal x, unsigned bit, bool set)
{
    interp_lower_emit(l, (InterpOp){.kind = set ? IK_TBNZ : IK_TBZ, .imm = bit,
                             .a = interp_lower_use(l, x, bit < 32 ? 32 : 64)});
}

static void branch_on_compare(InterpLower *l, const IrOp *op)
{
    static const InterpKind kinds[] = {
        [IR_EQ - IR_EQ] = IK_BEQ64, [IR_NE - IR_EQ] = IK_BNE64, [IR_ULT - IR_EQ] = IK_BULT64,
        [IR_ULE - IR_EQ] = IK_BULE64, [IR_SLT - IR_EQ] = IK_BSLT64, [IR_SLE - IR_EQ] = IK_BSLE64};
    unsigned w = op->type == IR_I64 ? 64 : 32, bit;
    bool equal = op->op == IR_EQ || op->op == IR_NE, k = lower_is_const(l, op->b);
    uint64_t imm = k ? lower_op(l, op->b)->imm : 0;
    InterpOp o = {.kind = kinds[op->op - IR_EQ] + (w == 32 ? 2u : 0u) + k, .imm = imm};
    IrVal x;
    if (equal && k && imm == 0) {
        if (is_bit_test(l, op->a, &x, &bit)) {
            branch_on_bit(l, x, bit, op->op == IR_NE);
            return;
        }
        o.kind = (op->op == IR_EQ ? IK_BZ64 : IK_BNZ64) + (w == 32);
    }
    o.a = interp_lower_use(l, op->a, w);
    if (!k)
        o.b = interp_lower_use(l, op->b, w);
    interp_lower_emit(l, o);
}

/* The fused kind for flags of kind `made` branched on by `cond`; 0 when there is none. */
static uintptr_t fused_kind(uintptr_t made, unsigned cond)
{
    static const InterpKind subs[4] = {IK_SUBS64_EQ, IK_SUBS64I_EQ, IK_SUBS32_EQ,
                                       IK_SUBS32I_EQ};
    static const InterpKind ands[4] = {IK_ANDS64_EQ, IK_ANDS64I_EQ, IK_ANDS32_EQ,
                                       IK_ANDS32I_EQ};
    for (unsigned i = 0; i < 4; i++) {
        if (made == IK_FSUB64 + i || made == IK_SUBS64 + i)
            return subs[i] + cond;
        bool test = made == IK_FAND64 + i || made == IK_ANDS64 + i;
        if (test && cond < 2)
            return ands[i] + cond;
        if (test && (cond == 4 || cond == 5))
            return ands[i] + cond - 2;
    }
    return 0;
}

static bool only_flags(uintptr_t kind)
{
    return (kind >= IK_FSUB64 && kind <= IK_FSUB32I) || (kind >= IK_FAND64 && kind <= IK_FAND32I);
}

/* The kinds that go together with a BCOND in the next slot. */
static uintptr_t kind_before_branch(uintptr_t made)
{
    static const uint16_t from[4] = {IK_ADDS64, IK_FADD64, IK_CCMP64, IK_CCMN64};
    static const uint16_t to[4] = {IK_ADDSB64, IK_FADDB64, IK_CCMPB64, IK_CCMNB64};
    for (unsigned i = 0; i < 4; i++) {
        if (made >= from[i] && made < from[i] + 4u)
            return to[i] + (made - from[i]);
    }
    return 0;
}

static void branch_on_condition(InterpLower *l, const IrOp *cond)
{
    uint16_t flags = interp_lower_use(l, cond->a, 32);
    InterpOp *last = interp_lower_last(l);
    uintptr_t kind = last ? kind_before_branch(last->kind) : 0;
    bool adds = last && last->kind >= IK_ADDS64 && last->kind <= IK_ADDS32I;
    if (kind && flags == (adds ? last->c : last->d))
        last->kind = kind;
    interp_lower_emit(l, (InterpOp){.kind = IK_BCOND, .a = flags,
                                    .imm = ir_cond_mask((unsigned)cond->imm)});
}

/* Flags made by the last operation and branched on: one operation. */
static bool join_condition(InterpLower *l, const IrOp *cond)
{
    InterpOp *last = interp_lower_last(l);
    const LowerValue *flags = &l->v[cond->a];
    uintptr_t kind = last ? fused_kind(last->kind, (unsigned)cond->imm) : 0;
    if (!kind || flags->state != LOWER_PLACED)
        return false;
    bool alone = only_flags(last->kind);
    if (flags->place != (alone ? last->d : last->c))
        return false;
    if (alone) {
        last->c = last->d;
        last->d = interp_lower_new_temp(l);
    }
    last->kind = kind;
    return true;
}

static void branch_if(InterpLower *l, IrVal v)
{
    const IrOp *op = lower_op(l, v);
    unsigned bit;
    IrVal x;
    bool lazy = l->v[v].state == LOWER_LAZY;
    if (lazy && op->op == IR_COND) {
        if (l->v[op->a].state == LOWER_LAZY)
            interp_lower_use(l, op->a, 32);
        if (!join_condition(l, op))
            branch_on_condition(l, op);
    } else if (lazy && op->op >= IR_EQ && op->op <= IR_SLE) {
        branch_on_compare(l, op);
    } else if (is_bit_test(l, v, &x, &bit)) {
        branch_on_bit(l, x, bit, true);
    } else {
        interp_lower_emit(l, (InterpOp){.kind = IK_BNZ64, .a = interp_lower_use(l, v, 64)});
    }
}

/* The last operation puts the return address into a register: a call. */
static InterpOp *last_link_register(InterpLower *l)
{
    InterpOp *last = interp_lower_last(l);
    int64_t k = last ? (int64_t)last->imm : 0;
    return last && last->kind == IK_PC && k == (int32_t)k ? last : NULL;
}

static void lower_goto(InterpLower *l, const IrOp *op)
{
    InterpOp *last = last_link_register(l);
    if (last)
        last->kind = IK_CALLTO;
    else
        interp_lower_emit(l, (InterpOp){.kind = IK_GOTO});
    add_link(l, 0, (int64_t)op->imm);
}

static void lower_goto_ptr(InterpLower *l, const IrOp *op)
{
    uint16_t a = interp_lower_use(l, op->a, 64);
    InterpOp *last = last_link_register(l);
    if (last && last->d != a) {
        last->kind = op->imm ? IK_CALLPTRL : IK_CALLPTR;
        last->a = a;
        last->b = (uint16_t)op->imm;
        last->imm = last->imm << 32 | l->index;
    } else {
        interp_lower_emit(l, (InterpOp){.kind = op->imm ? IK_GOTOPTRL : IK_GOTOPTR, .a = a,
                                        .b = (uint16_t)op->imm, .imm = l->index});
    }
}

void interp_lower_end(InterpLower *l)
{
    const IrOp *op = &l->b->ops[l->now];
    switch (op->op) {
    case IR_GOTO:
        lower_goto(l, op);
        break;
    case IR_GOTO_IF:
        branch_if(l, op->a);
        add_link(l, 0, (int32_t)(op->imm >> 32));
        add_link(l, 1, (int32_t)op->imm);
        break;
    case IR_GOTO_PTR:
        lower_goto_ptr(l, op);
        break;
    case IR_EXIT:
        interp_lower_emit(l, (InterpOp){.kind = IK_EXIT,
                                 .imm = (uint32_t)op->imm | (uint64_t)l->index << 32});
        break;
    default:
        interp_lower_emit(l, (InterpOp){.kind = IK_EXITPC, .imm = l->index});
        break;
    }
}
