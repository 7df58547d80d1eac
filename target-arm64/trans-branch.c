/*
 * Branches.
 * Arm ARM, "Branches, Exception Generating and System instructions".
 */
#include "a64-decode.h"
#include "gcs.h"
#include "helpers.h"
#include "landing.h"
#include "pmu.h"

bool a64_trans_branch(A64Trans *t, const A64Args_branch *a)
{
    if (a->link) {
        a64_t_link(t);
    }
    a64_t_tell_branch(t, A64_PMU_IMMEDIATE | a64_t_gcs_accesses(t, a->link, false), 0);
    a64_t_goto(t, (int64_t)a->simm * 4);
    return true;
}

static void goto_if(A64Trans *t, IrVal cond, int64_t offset)
{
    a64_t_tell_branch(t, A64_PMU_IMMEDIATE, cond);
    a64_t_goto_if(t, cond, offset);
}

bool a64_trans_b_cond(A64Trans *t, const A64Args_b_cond *a)
{
    int64_t offset = (int64_t)a->simm * 4;
    if (a->cond >= 14) {
        a64_t_tell_branch(t, A64_PMU_IMMEDIATE, 0);
        a64_t_goto(t, offset); /* AL, NV */
    } else {
        goto_if(t, a64_t_cond(t, a->cond), offset);
    }
    return true;
}

bool a64_trans_cbz(A64Trans *t, const A64Args_cbz *a)
{
    IrType type = a->sf ? IR_I64 : IR_I32;
    IrVal v = a64_t_x(t, type, a->rt), zero = a64_t_const(t, type, 0);
    IrVal taken = ir_bin(t->b, a->nonzero ? IR_NE : IR_EQ, type, v, zero);
    goto_if(t, taken, (int64_t)a->simm * 4);
    return true;
}

bool a64_trans_tbz(A64Trans *t, const A64Args_tbz *a)
{
    IrVal v = a64_t_x(t, IR_I64, a->rt);
    IrVal bit = ir_emit(t->b, IR_UBFX, IR_I64, v, 0, 0, IR_FIELD(a->bit, 1));
    if (!a->nonzero) {
        bit = ir_bin(t->b, IR_EQ, IR_I64, bit, a64_t_const(t, IR_I64, 0));
    }
    goto_if(t, bit, (int64_t)a->simm * 4);
    return true;
}

bool a64_trans_branch_reg(A64Trans *t, const A64Args_branch_reg *a)
{
    IrVal target = a64_t_x(t, IR_I64, a->rn); /* before the link: BLR X30 */
    if (a->link) {
        a64_t_link(t);
    }
    if (a->ret) {
        target = a64_t_gcs_return(t, target, A64_GCS_RET, a->rn);
    }
    a64_t_tell_branch(
        t, (a->ret ? A64_PMU_RETURN : 0) | a64_t_gcs_accesses(t, a->link, a->ret), 0);
    a64_t_branch_ptr(t, target, a->ret ? ENG_LANDING_NONE : a64_landing(a->link, a->rn));
    return true;
}
