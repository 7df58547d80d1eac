/*
 * Operations that are joined with the one before: result and flags, flags and what they decide,
 * two moves, an access and its writeback.
 */
#include "lower.h"

static bool same_operands(const InterpOp *x, const InterpOp *y)
{
    return x->a == y->a && x->b == y->b && x->imm == y->imm;
}

/*
 * The flags of an operation have just been made and now its result is wanted (or the reverse, for
 * flags): both in one operation. Four kinds in a row: 64, 64I, 32, 32I.
 */
static bool join_flags(InterpLower *l, const InterpOp *o)
{
    InterpOp *last = interp_lower_last(l);
    InterpOp flags = *o;
    if (!last)
        return false;
    uintptr_t base = 0;
    for (unsigned i = 0; i < 4; i++) {
        if (last->kind == IK_FADD64 + i && o->kind == IK_ADD64 + i)
            base = IK_ADDS64 + i;
        else if (last->kind == IK_FSUB64 + i && o->kind == IK_SUB64 + i)
            base = IK_SUBS64 + i;
        else if (last->kind == IK_FAND64 + i && o->kind == IK_AND64 + i)
            base = IK_ANDS64 + i;
    }
    if (last->kind == IK_FSUB64I && o->kind == IK_ADD64I) {
        base = IK_SUBS64I; /* x - k was built as x + -k */
        flags.imm = 0 - o->imm;
    } else if (last->kind == IK_FSUB32I && o->kind == IK_ADD32I) {
        base = IK_SUBS32I;
        flags.imm = (uint32_t)(0 - o->imm);
    }
    if (!base || !same_operands(last, &flags))
        return false;
    last->c = last->d;
    last->d = o->d;
    last->kind = base;
    return true;
}

/* The flags that the last operation made decide this one: one step for both slots. */
static void join_choice(InterpLower *l, const InterpOp *o)
{
    static const uint16_t choices[] = {IK_COND, IK_CSEL64, IK_CSEL32, IK_CSINC64, IK_CSINC32};
    InterpOp *last = interp_lower_last(l);
    if (!last || last->kind < IK_FSUB64 || last->kind > IK_FSUB32I || last->d != o->a)
        return;
    for (unsigned i = 0; i < 5; i++) {
        if (o->kind == choices[i]) {
            last->kind = IK_FSUB64_COND + 5 * (last->kind - IK_FSUB64) + i;
            return;
        }
    }
}

/* Two moves in a row. */
static bool join_moves(InterpLower *l, const InterpOp *o)
{
    InterpOp *last = interp_lower_last(l);
    if (!last || o->kind != IK_MOV64 || last->kind != IK_MOV64)
        return false;
    last->kind = IK_MOV64X2;
    last->b = o->d;
    last->c = o->a;
    return true;
}

static bool fits32(uint64_t v)
{
    return (uint64_t)(int64_t)(int32_t)v == v;
}

/* base += k right after an access off base: a writeback. */
static bool join_writeback(InterpLower *l, const InterpOp *o)
{
    InterpOp *last = interp_lower_last(l);
    if (!last || o->kind != IK_ADD64I || o->d != o->a || last->a != o->a || !fits32(o->imm))
        return false;
    uintptr_t kind = last->kind;
    bool form_d = (kind >= IK_LD8_D && kind <= IK_ST64_S && (kind - IK_LD8_D) % 5 == 0) ||
                  kind == IK_LDP64_D || kind == IK_LDQ_D || kind == IK_LDP32_D ||
                  kind == IK_STP64_D ||
                  kind == IK_STP32_D;
    bool loads = kind < IK_ST8_D || kind == IK_LDP64_D || kind == IK_LDQ_D || kind == IK_LDP32_D;
    bool pair = kind >= IK_LDQ_D;
    if (!form_d || (loads && (last->d == o->a || (pair && last->b == o->a))))
        return false;
    last->kind = kind + 1;
    last->imm = (uint32_t)last->imm | o->imm << 32;
    return true;
}

void interp_lower_join(InterpLower *l, InterpOp o)
{
    if (join_flags(l, &o) || join_writeback(l, &o) || join_moves(l, &o))
        return;
    join_choice(l, &o);
    interp_lower_emit(l, o);
}
