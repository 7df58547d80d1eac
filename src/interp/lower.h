/*
 * Lowering: IR to predecoded operations. A GET costs nothing: its value is the register itself
 * until somebody writes that. A pure op is put off until its value is wanted; what wants it may
 * take it in (an address, a shifted operand, a condition), and a PUT has it computed straight into
 * the register. So most guest instructions become one operation. Values carry the number of uses
 * still to come; a value put off holds on to its operands.
 */
#pragma once

#include "interp.h"
#include "kinds.h"

enum { LOWER_MAX_OPS = 3 * IR_MAX_OPS, LOWER_MAX_SIDES = IR_MAX_OPS, LOWER_MAX_ALIASES = 512 };

typedef enum { LOWER_NONE, LOWER_CONST, LOWER_LAZY, LOWER_PLACED } LowerState;

typedef struct {
    uint16_t uses;  /* still to come */
    uint16_t place; /* offset from the vCPU; for LOWER_CONST 0 = none yet */
    uint8_t state;  /* LowerState */
    uint8_t bits;   /* PLACED: how many may be read there; more only after zero extension */
} LowerValue;

struct InterpLower {
    const IrBlock *b;
    InterpOptions options;
    bool failed;
    uint32_t now;           /* index of the IR op being lowered */
    int32_t delta;          /* of the current instruction */
    uint32_t index;         /* its number, from 1 */
    uint64_t free_temps;    /* bit per EngVcpu.temp */
    uint64_t freed_temps;   /* become free after this IR op */
    uint32_t n_ops, n_sides, n_aliases;
    uint16_t links[2];      /* index of link slots, 0 = none */
    LowerValue v[IR_MAX_OPS];
    bool done[IR_MAX_OPS];  /* PUTs that were taken in */
    IrVal aliases[LOWER_MAX_ALIASES]; /* values placed in guest state; some may be dead */
    InterpSide sides[LOWER_MAX_SIDES];
    InterpOp ops[LOWER_MAX_OPS];
};

static inline const IrOp *lower_op(const InterpLower *l, IrVal v)
{
    return &l->b->ops[v];
}

static inline bool lower_is_const(const InterpLower *l, IrVal v)
{
    return l->v[v].state == LOWER_CONST;
}

/* Is v put off, with this opcode? Never in plain mode. */
static inline bool lower_is_lazy(const InterpLower *l, IrVal v, IrOpcode op)
{
    return l->v[v].state == LOWER_LAZY && l->b->ops[v].op == op;
}

/* Appends an operation and returns it. */
InterpOp *interp_lower_emit(InterpLower *l, InterpOp op);
/* The operation before the next one, NULL when there is none or fusion is off. */
InterpOp *interp_lower_last(InterpLower *l);

/* A place where the low `bits` of v can be read; computes v if it was put off. */
uint16_t interp_lower_use(InterpLower *l, IrVal v, unsigned bits);
/* One use of v is over. */
void interp_lower_release(InterpLower *l, IrVal v);
uint16_t interp_lower_new_temp(InterpLower *l);
/* [offset, offset + size) of guest state is about to be written: values still wanted move away. */
void interp_lower_save_aliases(InterpLower *l, uint32_t offset, uint32_t size);
/* Moves v, zero-extended, into a temporary. */
void interp_lower_move_away(InterpLower *l, IrVal v);
/* The move that zero-extends so many bits. */
InterpKind interp_lower_widen(unsigned bits);
/* v is at `place` from now on. */
void interp_lower_place(InterpLower *l, IrVal v, uint16_t place, unsigned bits);

/* Computes a value that was put off into place (0: a new temporary). */
void interp_lower_compute(InterpLower *l, IrVal v, uint16_t place);

/* The same for flags chosen by a condition (CCMP), into 32 bits of guest state; false: v is not. */
bool interp_lower_compare(InterpLower *l, IrVal v, uint16_t place);
/* Appends an operation, or joins it with the one before. */
void interp_lower_join(InterpLower *l, InterpOp op);

void interp_lower_get(InterpLower *l, IrVal v);
void interp_lower_put(InterpLower *l);
void interp_lower_load(InterpLower *l, IrVal v);
void interp_lower_store(InterpLower *l);
void interp_lower_atomic(InterpLower *l, IrVal v);
void interp_lower_call(InterpLower *l, IrVal v);
void interp_lower_check(InterpLower *l);
void interp_lower_vec(InterpLower *l);
void interp_lower_end(InterpLower *l);

/* The 64-bit register that v is PUT into soon enough to be computed there directly; marks that PUT
 * done. 0: none. `from`: the op after which to look. */
uint16_t interp_lower_take_put(InterpLower *l, IrVal v, uint32_t from);

#define LOWER_ZERO ((uint16_t)offsetof(EngVcpu, zero))
#define LOWER_PC ((uint16_t)offsetof(EngVcpu, pc))
