/*
 * What every translator shares: registers, flags, block ends, exceptions.
 * Arm ARM, "The A64 instruction set".
 */
#include "trans.h"

#include "helpers.h"
#include "model.h"
#include "pmu.h"

bool a64_t_has(const A64Trans *t, A64Feature f)
{
    return a64_has(t->mode->model, f);
}

IrVal a64_t_x(A64Trans *t, IrType type, unsigned n)
{
    return n == 31 ? ir_const(t->b, type, 0) : ir_get(t->b, type, A64_OFF_X(n));
}

IrVal a64_t_x_sp(A64Trans *t, IrType type, unsigned n)
{
    return ir_get(t->b, type, A64_OFF_X(n));
}

/* Is v the stack pointer plus a multiple of 16? */
static bool keeps_alignment(const A64Trans *t, IrVal v)
{
    const IrOp *sum = &t->b->ops[v], *ops = t->b->ops;
    if (sum->op != IR_ADD && sum->op != IR_SUB) {
        return false;
    }
    return ops[sum->a].op == IR_GET && ops[sum->a].imm == A64_OFF_X(31) &&
           ops[sum->b].op == IR_CONST && ops[sum->b].imm % 16 == 0;
}

void a64_t_set_x_sp(A64Trans *t, unsigned n, IrVal v)
{
    if (n == 31) {
        t->sp_aligned = t->sp_aligned && keeps_alignment(t, v);
    }
    ir_put(t->b, IR_I64, A64_OFF_X(n), v);
}

void a64_t_set_x(A64Trans *t, unsigned n, IrVal v)
{
    if (n != 31) {
        a64_t_set_x_sp(t, n, v);
    }
}

IrVal a64_t_const(A64Trans *t, IrType type, uint64_t v)
{
    return ir_const(t->b, type, v);
}

IrVal a64_t_nzcv(A64Trans *t)
{
    return ir_get(t->b, IR_I32, A64_OFF(pstate.nzcv));
}

void a64_t_set_nzcv(A64Trans *t, IrVal flags)
{
    ir_put(t->b, IR_I32, A64_OFF(pstate.nzcv), flags);
}

IrVal a64_t_pc(A64Trans *t, int64_t off)
{
    return ir_emit(t->b, IR_PC, IR_I64, 0, 0, 0, (uint64_t)(t->delta + off));
}

IrVal a64_t_cond(A64Trans *t, unsigned cond)
{
    if (cond >= 14) {
        return ir_const(t->b, IR_I32, 1);
    }
    return ir_emit(t->b, IR_COND, IR_I32, a64_t_nzcv(t), 0, 0, cond);
}

/* Load-Exclusive of one or two registers. */
static bool is_load_exclusive(uint32_t word)
{
    return (word & 0x3fc00000) == 0x08400000;
}

enum { PACM = 0xd50324ff };

/* A block of one instruction. Software step: whatever would have come next, its exception does.
 * PSTATE.PACM: it held for this instruction. */
static void finish(A64Trans *t, IrVal next)
{
    if (t->mode->pacm && t->word != PACM) {
        ir_put(t->b, IR_I8, A64_OFF(pstate.pacm), a64_t_const(t, IR_I64, 0));
    }
    if (t->mode->single_step) {
        IrVal exclusive = a64_t_const(t, IR_I64, is_load_exclusive(t->word));
        a64_t_call(t, &a64_h_stepped, next, exclusive, 0);
    } else {
        a64_t_call(t, &a64_h_went_alone, next, 0, 0);
    }
    a64_t_exit_pc(t);
}

void a64_t_tell_branch(A64Trans *t, uint32_t kinds, IrVal taken)
{
    if (!t->mode->events) {
        return;
    }
    IrVal what = a64_t_const(t, IR_I64, A64_PMU_BRANCH | A64_PMU_TAKEN | kinds);
    IrVal always = a64_t_const(t, IR_I64, 1);
    a64_t_call(t, &a64_h_pmu_branch, what, taken ? taken : always, 0);
}

void a64_t_goto(A64Trans *t, int64_t off)
{
    if (a64_mode_alone(t->mode)) {
        finish(t, a64_t_pc(t, off));
        return;
    }
    ir_emit(t->b, IR_GOTO, IR_I64, 0, 0, 0, (uint64_t)(t->delta + off));
    t->end = true;
}

void a64_t_goto_if(A64Trans *t, IrVal cond, int64_t off)
{
    if (a64_mode_alone(t->mode)) {
        IrVal taken = a64_t_pc(t, off), other = a64_t_pc(t, 4);
        finish(t, ir_emit(t->b, IR_SELECT, IR_I64, cond, taken, other, 0));
        return;
    }
    uint64_t ways = IR_TWO_WAYS(t->delta + off, t->delta + 4);
    ir_emit(t->b, IR_GOTO_IF, IR_I32, cond, 0, 0, ways);
    t->end = true;
}

void a64_t_branch_ptr(A64Trans *t, IrVal va, unsigned landing)
{
    if (!a64_t_has(t, A64_FEAT_BTI)) {
        landing = ENG_LANDING_NONE;
    }
    if (a64_mode_alone(t->mode)) {
        if (landing) {
            a64_t_call(t, &a64_h_landing, a64_t_const(t, IR_I64, landing), 0, 0);
        }
        finish(t, va);
        return;
    }
    ir_emit(t->b, IR_GOTO_PTR, IR_I64, va, 0, 0, landing);
    t->end = true;
}

void a64_t_goto_ptr(A64Trans *t, IrVal va)
{
    a64_t_branch_ptr(t, va, ENG_LANDING_NONE);
}

void a64_t_exit(A64Trans *t)
{
    if (a64_mode_alone(t->mode)) {
        finish(t, a64_t_pc(t, 4));
        return;
    }
    ir_emit(t->b, IR_EXIT, IR_I64, 0, 0, 0, (uint64_t)(int64_t)(t->delta + 4));
    t->end = true;
}

void a64_t_exit_pc(A64Trans *t)
{
    ir_emit(t->b, IR_EXIT_PC, IR_I64, 0, 0, 0, 0);
    t->end = true;
}

IrVal a64_t_call(A64Trans *t, const IrHelper *h, IrVal a, IrVal b, IrVal c)
{
    const IrVal given[3] = {a, b, c};
    IrVal args[3] = {0, 0, 0};

    for (unsigned i = 0; i < h->nargs; i++) {
        args[i] = given[i] ? given[i] : ir_const(t->b, IR_I64, 0);
    }
    return ir_call(t->b, h, args[0], args[1], args[2]);
}

IrVal a64_t_extended(A64Trans *t, IrType type, A64Extend how)
{
    static const uint8_t bits[4] = {8, 16, 32, 64};
    unsigned width = bits[how.option & 3], room = (type == IR_I64 ? 64 : 32) - how.shift;
    IrVal v = a64_t_x(t, type, how.reg);

    if (width < room) {
        v = ir_emit(t->b, how.option & 4 ? IR_SEXT : IR_ZEXT, type, v, 0, 0, width);
    }
    return how.shift ? ir_bin(t->b, IR_SHL, type, v, a64_t_const(t, type, how.shift)) : v;
}

void a64_t_exception(A64Trans *t, const IrHelper *h, uint64_t syndrome)
{
    a64_t_call(t, h, h->nargs ? ir_const(t->b, IR_I64, syndrome) : 0, 0, 0);
    a64_t_exit_pc(t);
}

void a64_t_vec(A64Trans *t, IrVecFn fn, const unsigned regs[3], uint64_t desc)
{
    const uint16_t offsets[3] = {A64_OFF_V(regs[0]), A64_OFF_V(regs[1]), A64_OFF_V(regs[2])};
    ir_vec(t->b, fn, offsets, desc);
}
