/*
 * The driver of lowering: counts uses, keeps track of where values are, GETs and PUTs. See lower.h.
 */
#include "lower.h"

#include <stdlib.h>
#include <string.h>

#include "../ir/ops.h"
#include "table.h"

InterpLower *interp_lower_new(void)
{
    return calloc(1, sizeof(InterpLower));
}

void interp_lower_free(InterpLower *l)
{
    free(l);
}

/* Arithmetic comes first in InterpKind, its forms with acc last. */
static bool sets_acc(uintptr_t kind)
{
    return kind < IK_MOV64 || (kind >= IK_ADD64_A && kind < IK_TOTAL);
}

/* Operands that the operation before has just computed are taken from acc. */
static void take_acc(const InterpLower *l, InterpOp *op)
{
    const InterpOp *last = l->n_ops ? &l->ops[l->n_ops - 1] : NULL;
    if (l->options.plain || op->kind >= IK_MOV64 || !last || !sets_acc(last->kind))
        return;
    bool a = op->a == last->d, b = op->b == last->d;
    if (a)
        op->kind += (b ? IK_ADD64_AB : IK_ADD64_A) - IK_ADD64;
    else if (b)
        op->kind += IK_ADD64_B - IK_ADD64;
}

InterpOp *interp_lower_emit(InterpLower *l, InterpOp op)
{
    take_acc(l, &op);
    if (l->n_ops >= LOWER_MAX_OPS - 8) {
        l->failed = true;
        l->n_ops = 0;
    }
    l->ops[l->n_ops] = op;
    return &l->ops[l->n_ops++];
}

InterpOp *interp_lower_last(InterpLower *l)
{
    return l->n_ops && !l->options.plain ? &l->ops[l->n_ops - 1] : NULL;
}

static uint16_t temp_offset(unsigned i)
{
    return (uint16_t)(offsetof(EngVcpu, temp) + 8 * i);
}

uint16_t interp_lower_new_temp(InterpLower *l)
{
    if (!l->free_temps) {
        l->failed = true;
        return temp_offset(0);
    }
    unsigned i = (unsigned)__builtin_ctzll(l->free_temps);
    l->free_temps &= l->free_temps - 1;
    return temp_offset(i);
}

static bool is_temp(uint16_t place)
{
    return place >= temp_offset(0) && place < temp_offset(ENG_TEMPS);
}

static void free_temp(InterpLower *l, uint16_t place)
{
    l->freed_temps |= UINT64_C(1) << ((place - temp_offset(0)) / 8);
}

void interp_lower_release(InterpLower *l, IrVal v)
{
    LowerValue *value = &l->v[v];
    if (v == 0 || --value->uses > 0)
        return;
    if (value->state == LOWER_LAZY) {
        const IrOp *op = lower_op(l, v);
        unsigned n = ir_op_info(op->op)->args;
        const IrVal args[3] = {op->a, op->b, op->c};
        for (unsigned i = 0; i < n; i++)
            interp_lower_release(l, args[i]);
    } else if (is_temp(value->place)) {
        free_temp(l, value->place);
    }
}

void interp_lower_place(InterpLower *l, IrVal v, uint16_t place, unsigned bits)
{
    LowerValue *value = &l->v[v];
    value->state = LOWER_PLACED;
    value->place = place;
    value->bits = (uint8_t)bits;
    if (is_temp(place)) {
        if (value->uses == 0)
            free_temp(l, place);
    } else if (value->uses > 0) {
        if (l->n_aliases == LOWER_MAX_ALIASES)
            l->failed = true;
        else
            l->aliases[l->n_aliases++] = v;
    }
}

InterpKind interp_lower_widen(unsigned bits)
{
    return bits == 8 ? IK_GET8 : bits == 16 ? IK_GET16 : bits == 32 ? IK_MOV32 : IK_MOV64;
}

void interp_lower_move_away(InterpLower *l, IrVal v)
{
    LowerValue *value = &l->v[v];
    uint16_t temp = interp_lower_new_temp(l);
    InterpKind kind = interp_lower_widen(value->bits);
    interp_lower_emit(l, (InterpOp){.kind = kind, .d = temp, .a = value->place});
    if (is_temp(value->place))
        free_temp(l, value->place);
    value->place = temp;
    value->bits = 64;
}

void interp_lower_save_aliases(InterpLower *l, uint32_t offset, uint32_t size)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < l->n_aliases; i++) {
        IrVal v = l->aliases[i];
        const LowerValue *value = &l->v[v];
        if (value->uses == 0 || is_temp(value->place))
            continue;
        if (value->place < offset + size && offset < value->place + value->bits / 8u)
            interp_lower_move_away(l, v);
        else
            l->aliases[kept++] = v;
    }
    l->n_aliases = kept;
}

uint16_t interp_lower_use(InterpLower *l, IrVal v, unsigned bits)
{
    LowerValue *value = &l->v[v];
    if (value->state == LOWER_CONST) {
        uint64_t k = lower_op(l, v)->imm;
        if (k == 0)
            return LOWER_ZERO;
        if (value->place == 0) {
            value->place = interp_lower_new_temp(l);
            interp_lower_emit(l, (InterpOp){.kind = IK_MOVI, .d = value->place, .imm = k});
        }
        return value->place;
    }
    if (value->state == LOWER_LAZY)
        interp_lower_compute(l, v, 0);
    if (value->bits < bits)
        interp_lower_move_away(l, v);
    return value->place;
}

/* --- the block --- */

static void count_uses(InterpLower *l)
{
    const IrBlock *b = l->b;
    for (uint32_t i = 0; i < b->n_ops; i++)
        l->v[i] = (LowerValue){0};
    memset(l->done, 0, b->n_ops);
    for (uint32_t i = b->n_ops - 1; i > 0; i--) {
        const IrOp *op = &b->ops[i];
        unsigned flags = ir_op_info(op->op)->flags, n = ir_op_info(op->op)->args;
        if ((flags & IR_F_P) && l->v[i].uses == 0)
            continue; /* nobody wants it */
        if (n > 0)
            l->v[op->a].uses++;
        if (n > 1)
            l->v[op->b].uses++;
        if (n > 2)
            l->v[op->c].uses++;
    }
    l->v[0].uses = 0;
}

static void lower_pure(InterpLower *l, IrVal v)
{
    LowerValue *value = &l->v[v];
    if (lower_op(l, v)->op == IR_CONST) {
        value->state = LOWER_CONST;
        return;
    }
    value->state = LOWER_LAZY;
    if (l->options.plain && value->uses > 0)
        interp_lower_compute(l, v, 0);
}

static void lower_insn(InterpLower *l, const IrOp *op)
{
    l->delta = (int32_t)(op->imm >> 32);
    l->index++;
}

static void lower_one(InterpLower *l, IrVal v)
{
    const IrOp *op = lower_op(l, v);
    switch (op->op) {
    case IR_GET:
        interp_lower_get(l, v);
        break;
    case IR_PUT:
        interp_lower_put(l);
        break;
    case IR_LOAD:
        interp_lower_load(l, v);
        break;
    case IR_STORE:
        interp_lower_store(l);
        break;
    case IR_ATOMIC:
        interp_lower_atomic(l, v);
        break;
    case IR_FENCE:
        interp_lower_emit(l, (InterpOp){.kind = IK_FENCE, .imm = op->imm});
        break;
    case IR_CALL:
        interp_lower_call(l, v);
        break;
    case IR_CHECK:
        interp_lower_check(l);
        break;
    case IR_VEC:
        interp_lower_vec(l);
        break;
    case IR_INSN:
        lower_insn(l, op);
        break;
    default:
        if (ir_op_info(op->op)->flags & IR_F_T)
            interp_lower_end(l);
        else
            lower_pure(l, v);
        break;
    }
}

size_t interp_lower(InterpLower *l, const IrBlock *b, InterpOptions options)
{
    l->b = b;
    l->options = options;
    l->failed = false;
    l->index = 0;
    l->delta = 0;
    l->free_temps = ENG_TEMPS == 64 ? UINT64_MAX : (UINT64_C(1) << (ENG_TEMPS & 63)) - 1;
    l->freed_temps = 0;
    l->n_ops = l->n_sides = l->n_aliases = 0;
    l->links[0] = l->links[1] = 0;
    count_uses(l);
    if (options.counting)
        interp_lower_emit(l, (InterpOp){.kind = IK_TURN, .imm = b->n_insns});
    for (l->now = 1; l->now < b->n_ops && !l->failed; l->now++) {
        if (!l->done[l->now])
            lower_one(l, (IrVal)l->now);
        l->free_temps |= l->freed_temps;
        l->freed_temps = 0;
    }
    return l->failed ? 0 : l->n_ops * sizeof(InterpOp) + l->n_sides * sizeof(InterpSide);
}

static bool has_side(uintptr_t kind)
{
    return (kind >= IK_LD8_D && kind <= IK_ATOMIC) || kind == IK_CHECK || kind == IK_CHECKBITS;
}

/* Some operations have a second slot that is data. */
static bool has_data_slot(uintptr_t kind)
{
    return kind == IK_CALL || kind == IK_CALLRAISES || kind == IK_VEC;
}

static void store_op(const InterpLower *l, uint32_t i, InterpOp *out)
{
    uintptr_t kind = l->ops[i].kind;
    *out = l->ops[i];
    out->fn = interp_handlers[kind];
    if (has_side(kind)) {
        size_t slot = (l->n_ops - i) * sizeof(InterpOp) + out->c * sizeof(InterpSide);
        out->c = (uint16_t)(slot / 8);
    } else if (kind == IK_LINK || kind == IK_LINKFAR) {
        interp_link_set(out, NULL);
    }
}

void interp_store(const InterpLower *l, void *dst, uint16_t links[2])
{
    InterpOp *out = dst;
    for (uint32_t i = 0; i < l->n_ops; i++) {
        store_op(l, i, &out[i]);
        if (has_data_slot(l->ops[i].kind)) {
            i++;
            out[i] = l->ops[i];
        }
    }
    memcpy(out + l->n_ops, l->sides, l->n_sides * sizeof(InterpSide));
    for (unsigned i = 0; i < 2; i++)
        links[i] = (uint16_t)(l->links[i] * sizeof(InterpOp));
}
