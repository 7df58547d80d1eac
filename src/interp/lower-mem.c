/*
 * Lowering of memory accesses and helpers: address forms, pairs, side entries.
 */
#include "lower.h"

#include "../ir/ops.h"

typedef struct {
    uint16_t a, b;
    uint64_t imm;
    unsigned form; /* 0 D, 2 X, 3 U, 4 S: distance from the D kind */
} Address;

static bool fits32(uint64_t v)
{
    return (uint64_t)(int64_t)(int32_t)v == v;
}

/* base + index, the index shifted or extended */
static void indexed(InterpLower *l, IrVal base, IrVal index, Address *out)
{
    const IrOp *op = lower_op(l, index);
    out->form = 2;
    if (lower_is_lazy(l, index, IR_SHL) && op->type == IR_I64 && lower_is_const(l, op->b)) {
        out->imm = lower_op(l, op->b)->imm;
        index = op->a;
        op = lower_op(l, index);
    }
    bool sign = lower_is_lazy(l, index, IR_SEXT);
    if ((sign || lower_is_lazy(l, index, IR_ZEXT)) && op->imm == 32 && op->type == IR_I64) {
        out->form = sign ? 4 : 3;
        index = op->a;
    }
    out->a = interp_lower_use(l, base, 64);
    out->b = interp_lower_use(l, index, out->form == 2 ? 64 : 32);
}

/* may_index: the access has indexed forms, too. */
static Address address_of(InterpLower *l, IrVal v, bool may_index)
{
    Address out = {0};
    const IrOp *op = lower_op(l, v);
    if (lower_is_lazy(l, v, IR_PC) && fits32(op->imm)) {
        out.a = LOWER_PC;
        out.imm = (uint32_t)op->imm;
    } else if (lower_is_lazy(l, v, IR_ADD) && op->type == IR_I64 && lower_is_const(l, op->b) &&
               fits32(lower_op(l, op->b)->imm)) {
        out.a = interp_lower_use(l, op->a, 64);
        out.imm = (uint32_t)lower_op(l, op->b)->imm;
    } else if (lower_is_lazy(l, v, IR_ADD) && op->type == IR_I64 && may_index) {
        indexed(l, op->a, op->b, &out);
    } else {
        out.a = interp_lower_use(l, v, 64);
    }
    return out;
}

static uint16_t add_side(InterpLower *l, uint64_t mem)
{
    l->sides[l->n_sides] = (InterpSide){.mem = mem, .delta = l->delta, .index = l->index};
    return (uint16_t)l->n_sides++;
}

/* Current view, no order that needs care: the inline forms will do. */
static bool is_plain_access(uint64_t mem, bool store)
{
    if (IR_MEM_GET_VIEW(mem) != IR_VIEW_CURRENT)
        return false;
    if ((mem & IR_MEM_WITHIN16) && IR_MEM_GET_GRAIN(mem) > IR_MEM_GET_SIZE(mem))
        return false; /* answers for more than itself */
    return !store || IR_MEM_GET_ORDER(mem) == IR_ORDER_NONE;
}

static InterpKind load_kind(const IrOp *op)
{
    static const InterpKind plain[4] = {IK_LD8_D, IK_LD16_D, IK_LD32_D, IK_LD64_D};
    static const InterpKind sign32[4] = {IK_LD8S32_D, IK_LD16S32_D, IK_LD32_D, IK_LD64_D};
    static const InterpKind sign64[4] = {IK_LD8S64_D, IK_LD16S64_D, IK_LD32S64_D, IK_LD64_D};
    unsigned size = IR_MEM_GET_SIZE(op->imm);
    if (!(op->imm & IR_MEM_SIGN))
        return plain[size];
    return op->type == IR_I64 ? sign64[size] : sign32[size];
}

/* The register or temporary for a result; `from`: the op after which it may be PUT. */
static uint16_t result_place(InterpLower *l, IrVal v, uint32_t from)
{
    uint16_t place = interp_lower_take_put(l, v, from);
    if (place)
        interp_lower_save_aliases(l, place, 8);
    return place ? place : interp_lower_new_temp(l);
}

/* --- pairs --- */

/* base value and displacement of an address */
static IrVal split(const InterpLower *l, IrVal v, uint64_t *disp)
{
    const IrOp *op = lower_op(l, v);
    *disp = 0;
    if (op->op != IR_ADD || op->type != IR_I64 || lower_op(l, op->b)->op != IR_CONST)
        return v;
    *disp = lower_op(l, op->b)->imm;
    return op->a;
}

/* Index of the access that makes a pair with the one at `first`, 0 if none does. */
static uint32_t find_second(const InterpLower *l, uint32_t first)
{
    const IrOp *x = &l->b->ops[first];
    unsigned size = IR_MEM_GET_SIZE(x->imm);
    if (l->options.plain || !(x->imm & IR_MEM_PAIR) || (x->imm & IR_MEM_SIGN) || size < 2 ||
        !is_plain_access(x->imm, x->op == IR_STORE))
        return 0;
    for (uint32_t k = first + 1; k < l->b->n_ops && k < first + 6; k++) {
        const IrOp *y = &l->b->ops[k];
        if (y->op == x->op) {
            uint64_t at, next;
            IrVal base = split(l, x->a, &at);
            bool fits = y->imm == IR_MEM_SECOND(x->imm) && split(l, y->a, &next) == base &&
                        next == at + (UINT64_C(1) << size);
            return fits ? k : 0;
        }
        if (!(ir_op_info(y->op)->flags & IR_F_P) && y->op != IR_GET)
            return 0;
    }
    return 0;
}

/* Ops between the two accesses are pure or GETs; those GETs must be lowered before the pair. */
static void lower_between(InterpLower *l, uint32_t second)
{
    for (uint32_t k = l->now + 1; k < second; k++) {
        const IrOp *op = &l->b->ops[k];
        l->v[k].state = op->op == IR_CONST ? LOWER_CONST : LOWER_LAZY;
        if (op->op == IR_GET)
            interp_lower_place(l, (IrVal)k, (uint16_t)op->imm, 8u << op->type);
        l->done[k] = true;
    }
    l->done[second] = true;
}

static void lower_load_pair(InterpLower *l, IrVal v, uint32_t second)
{
    const IrOp *x = lower_op(l, v), *y = &l->b->ops[second];
    lower_between(l, second);
    bool wide = IR_MEM_GET_SIZE(x->imm) == 3;
    Address at = address_of(l, x->a, false);
    InterpOp o = {.kind = wide ? IK_LDP64_D : IK_LDP32_D, .a = at.a, .imm = at.imm};
    interp_lower_release(l, x->a);
    interp_lower_release(l, y->a);
    o.c = add_side(l, x->imm);
    o.d = result_place(l, v, second);
    o.b = result_place(l, (IrVal)second, second);
    if (wide && o.b == o.d + 8 && o.d % 16 == 0)
        o.kind = IK_LDQ_D;
    interp_lower_emit(l, o);
    interp_lower_place(l, v, o.d, 64);
    interp_lower_place(l, (IrVal)second, o.b, 64);
}

static void lower_store_pair(InterpLower *l, uint32_t second)
{
    const IrOp *x = &l->b->ops[l->now], *y = &l->b->ops[second];
    lower_between(l, second);
    bool wide = IR_MEM_GET_SIZE(x->imm) == 3;
    Address at = address_of(l, x->a, false);
    InterpOp o = {.kind = wide ? IK_STP64_D : IK_STP32_D, .a = at.a, .imm = at.imm};
    o.d = interp_lower_use(l, x->b, wide ? 64 : 32);
    o.b = interp_lower_use(l, y->b, wide ? 64 : 32);
    o.c = add_side(l, x->imm);
    interp_lower_release(l, x->a);
    interp_lower_release(l, y->a);
    interp_lower_release(l, x->b);
    interp_lower_release(l, y->b);
    interp_lower_emit(l, o);
}

/* --- single accesses --- */

void interp_lower_load(InterpLower *l, IrVal v)
{
    const IrOp *op = lower_op(l, v);
    uint32_t second = find_second(l, l->now);
    if (second) {
        lower_load_pair(l, v, second);
        return;
    }
    InterpOp o = {.kind = IK_LDANY, .imm = op->type};
    if (is_plain_access(op->imm, false)) {
        Address at = address_of(l, op->a, true);
        o = (InterpOp){.kind = load_kind(op) + at.form, .a = at.a, .b = at.b, .imm = at.imm};
    } else {
        o.a = interp_lower_use(l, op->a, 64);
    }
    interp_lower_release(l, op->a);
    o.c = add_side(l, op->imm);
    o.d = result_place(l, v, l->now);
    interp_lower_emit(l, o);
    interp_lower_place(l, v, o.d, 64);
}

void interp_lower_store(InterpLower *l)
{
    static const InterpKind kinds[4] = {IK_ST8_D, IK_ST16_D, IK_ST32_D, IK_ST64_D};
    const IrOp *op = &l->b->ops[l->now];
    unsigned size = IR_MEM_GET_SIZE(op->imm);
    uint32_t second = find_second(l, l->now);
    if (second) {
        lower_store_pair(l, second);
        return;
    }
    InterpOp o = {.kind = IK_STANY};
    if (is_plain_access(op->imm, true)) {
        Address at = address_of(l, op->a, true);
        o = (InterpOp){.kind = kinds[size] + at.form, .a = at.a, .b = at.b, .imm = at.imm};
        /* the slow path reads all 64 bits, of which the access's size counts */
        o.d = interp_lower_use(l, op->b, 8u << size);
    } else {
        o.a = interp_lower_use(l, op->a, 64);
        o.b = interp_lower_use(l, op->b, 8u << size);
    }
    interp_lower_release(l, op->a);
    interp_lower_release(l, op->b);
    o.c = add_side(l, op->imm);
    interp_lower_emit(l, o);
}

void interp_lower_atomic(InterpLower *l, IrVal v)
{
    const IrOp *op = lower_op(l, v);
    InterpOp o = {.kind = IK_ATOMIC};
    o.a = interp_lower_use(l, op->a, 64);
    o.b = interp_lower_use(l, op->b, 64);
    o.imm = interp_lower_use(l, op->c, 64);
    interp_lower_release(l, op->a);
    interp_lower_release(l, op->b);
    interp_lower_release(l, op->c);
    o.c = add_side(l, op->imm);
    o.d = result_place(l, v, l->now);
    interp_lower_emit(l, o);
    interp_lower_place(l, v, o.d, 64);
}

/* --- helpers --- */

void interp_lower_call(InterpLower *l, IrVal v)
{
    const IrOp *op = lower_op(l, v);
    const IrHelper *h = (const IrHelper *)(uintptr_t)op->imm;
    const IrVal args[3] = {op->a, op->b, op->c};
    uint16_t at[3];
    for (unsigned i = 0; i < 3; i++)
        at[i] = args[i] ? interp_lower_use(l, args[i], 64) : LOWER_ZERO;
    for (unsigned i = 0; i < 3; i++)
        interp_lower_release(l, args[i]);
    if (h->flags & IR_H_WRITES)
        interp_lower_save_aliases(l, 0, UINT32_MAX);
    InterpOp o = {.kind = h->flags & IR_H_RAISES ? IK_CALLRAISES : IK_CALL,
                  .a = at[0], .b = at[1], .c = at[2], .imm = (uintptr_t)h->fn};
    o.d = result_place(l, v, l->now);
    interp_lower_emit(l, o);
    union {
        InterpOp op;
        InterpSide side;
    } data = {.side = {.mem = IK_TOTAL, .delta = l->delta, .index = l->index}};
    interp_lower_emit(l, data.op);
    interp_lower_place(l, v, o.d, 64);
}

/* A test of some bits of a register, as for an aligned stack pointer, is one operation. */
void interp_lower_check(InterpLower *l)
{
    const IrOp *op = &l->b->ops[l->now], *test = lower_op(l, op->a);
    const IrHelper *h = (const IrHelper *)(uintptr_t)op->imm;
    InterpOp o = {.kind = IK_CHECK, .imm = (uintptr_t)h->fn};
    bool bits = lower_is_lazy(l, op->a, IR_AND) && lower_is_const(l, test->b) &&
                lower_op(l, test->b)->imm <= UINT16_MAX && l->v[op->a].uses == 1;
    if (bits) {
        o.kind = IK_CHECKBITS;
        o.a = interp_lower_use(l, test->a, 16);
        o.b = (uint16_t)lower_op(l, test->b)->imm;
        interp_lower_release(l, test->a);
        l->v[op->a].uses = 0;
    } else {
        o.a = interp_lower_use(l, op->a, 64);
        interp_lower_release(l, op->a);
    }
    o.c = add_side(l, 0);
    interp_lower_emit(l, o);
}

void interp_lower_vec(InterpLower *l)
{
    const IrOp *op = &l->b->ops[l->now];
    const IrVec *vec = &l->b->vecs[op->imm];
    interp_lower_save_aliases(l, op->a, 16);
    interp_lower_emit(l, (InterpOp){.kind = IK_VEC, .d = op->a, .a = op->b, .b = op->c,
                             .imm = vec->desc});
    interp_lower_emit(l, (InterpOp){.kind = IK_TOTAL, .imm = (uintptr_t)vec->fn});
}
