/*
 * Pointer authentication: signing, authenticating, stripping, and the branches, returns and loads
 * that authenticate. Arm ARM, "Pointer authentication".
 */
#include "a64-decode.h"
#include "gcs.h"
#include "helpers.h"
#include "landing.h"
#include "pauth.h"
#include "pmu.h"
#include "trans-mem.h"

/* Nothing is signed or authenticated where no key is enabled. */
static bool is_idle(const A64Trans *t, uint64_t what)
{
    return !t->mode->pac && (what & 15) != A64_PAC_STRIP;
}

static IrVal apply(A64Trans *t, IrVal ptr, IrVal modifier, uint64_t what)
{
    if (is_idle(t, what)) {
        return ptr;
    }
    return a64_t_call(t, &a64_h_pac, ptr, modifier, a64_t_const(t, IR_I64, what));
}

/* The pointer is in register reg. */
static IrVal apply2(A64Trans *t, IrVal first, IrVal second, uint64_t what)
{
    if (is_idle(t, what)) {
        return a64_t_x(t, IR_I64, what >> 16 & 31);
    }
    return a64_t_call(t, &a64_h_pac2, first, second, a64_t_const(t, IR_I64, what));
}

/* The first of two modifiers: LR is signed with SP, X17 with X16. */
static IrVal first_of(A64Trans *t, unsigned reg)
{
    return a64_t_x_sp(t, IR_I64, reg == 30 ? 31 : 16);
}

/* PSTATE.PACM: signing LR takes the PC too, authenticating it X16, and X17 is done with X15. */
static IrVal second_by_pacm(A64Trans *t, const A64Args_pac *a)
{
    if (a->rd == 17) {
        return a64_t_x(t, IR_I64, 15);
    }
    return a->what == A64_PAC_SIGN ? a64_t_pc(t, 0) : a64_t_x(t, IR_I64, 16);
}

static IrVal modifier_of(A64Trans *t, uint32_t zero, uint32_t rn)
{
    return zero ? a64_t_const(t, IR_I64, 0) : a64_t_x_sp(t, IR_I64, rn);
}

bool a64_trans_pac(A64Trans *t, const A64Args_pac *a)
{
    uint64_t what = A64_PAC_DO(a->what, a->key, 0);
    if (is_idle(t, what)) {
        return true;
    }
    if (a->pacm && t->mode->pacm) {
        what = A64_PAC2_DO(a->what, a->key, 0, a->rd);
        IrVal first = first_of(t, a->rd), second = second_by_pacm(t, a);
        a64_t_set_x(t, a->rd, apply2(t, first, second, what));
        return true;
    }
    IrVal modifier = modifier_of(t, a->zero, a->rn);
    a64_t_set_x(t, a->rd, apply(t, a64_t_x(t, IR_I64, a->rd), modifier, what));
    return true;
}

bool a64_trans_pac2(A64Trans *t, const A64Args_pac2 *a)
{
    IrVal first = first_of(t, a->rd);
    IrVal second = a->pc ? a64_t_pc(t, -4 * (int64_t)a->imm) : a64_t_x(t, IR_I64, a->rn);
    a64_t_set_x(t, a->rd, apply2(t, first, second, A64_PAC2_DO(a->what, a->key, 0, a->rd)));
    return true;
}

bool a64_trans_pacm(A64Trans *t, const A64Args_hint *a)
{
    a64_t_call(t, &a64_h_pacm, 0, 0, 0);
    return true;
}

bool a64_trans_pacga(A64Trans *t, const A64Args_reg2x *a)
{
    IrVal n = a64_t_x(t, IR_I64, a->rn), modifier = a64_t_x_sp(t, IR_I64, a->rm);
    a64_t_set_x(t, a->rd, a64_t_call(t, &a64_h_pacga, n, modifier, 0));
    return true;
}

/* A return with SP and a second modifier. */
static IrVal return_target(A64Trans *t, bool key_b, IrVal second)
{
    A64PacKey key = key_b ? A64_KEY_IB : A64_KEY_IA;
    return apply2(t, first_of(t, 30), second, A64_PAC2_DO(A64_PAC_AUTH, key, 1, 30));
}

static IrVal branch_target(A64Trans *t, const A64Args_branch_pac *a)
{
    if (a->ret && t->mode->pacm) {
        return return_target(t, a->key_b, a64_t_x(t, IR_I64, 16));
    }
    A64PacKey key = a->key_b ? A64_KEY_IB : A64_KEY_IA;
    IrVal modifier = modifier_of(t, a->zero, a->rm);
    return apply(t, a64_t_x(t, IR_I64, a->rn), modifier, A64_PAC_DO(A64_PAC_AUTH, key, 1));
}

bool a64_trans_branch_pac(A64Trans *t, const A64Args_branch_pac *a)
{
    IrVal target = branch_target(t, a);
    if (a->link) {
        a64_t_link(t);
    }
    if (a->ret) {
        target = a64_t_gcs_return(t, target, a->key_b ? A64_GCS_RETAB : A64_GCS_RETAA, 30);
    }
    a64_t_tell_branch(
        t, (a->ret ? A64_PMU_RETURN : 0) | a64_t_gcs_accesses(t, a->link, a->ret), 0);
    a64_t_branch_ptr(t, target, a->ret ? ENG_LANDING_NONE : a64_landing(a->link, a->rn));
    return true;
}

bool a64_trans_ret_pac2(A64Trans *t, const A64Args_ret_pac2 *a)
{
    IrVal second = a->pc ? a64_t_pc(t, -4 * (int64_t)a->imm) : a64_t_x(t, IR_I64, a->rm);
    IrVal target = return_target(t, a->key_b, second);
    target = a64_t_gcs_return(t, target, a->key_b ? A64_GCS_RETAB : A64_GCS_RETAA, 30);
    a64_t_tell_branch(t, A64_PMU_RETURN | a64_t_gcs_accesses(t, false, true), 0);
    a64_t_branch_ptr(t, target, ENG_LANDING_NONE);
    return true;
}

/* The helper of ERET reads ELR: it is authenticated there. A trapped ERETAA (HCR_EL2.NV, HFGITR)
 * has authenticated nothing: the helper looks first. */
bool a64_trans_eret_pac(A64Trans *t, const A64Args_branch_pac *a)
{
    if (t->mode->el == 0) {
        return false;
    }
    A64PacKey key = a->key_b ? A64_KEY_IB : A64_KEY_IA;
    a64_t_exception(t, &a64_h_eret_pac, A64_PAC_DO(A64_PAC_AUTH, key, 1));
    return true;
}

bool a64_trans_ldr_pac(A64Trans *t, const A64Args_ldr_pac *a)
{
    if (a->wback && a64_t_overlaps(true, a->rn, a->rt)) {
        return false;
    }
    A64PacKey key = a->key_b ? A64_KEY_DB : A64_KEY_DA;
    const A64Transfer x = {.size = 3, .sf = 1, .rt = a->rt};
    uint64_t mem = IR_MEM_SIZE(3) | (a->wback ? 0 : a64_t_iss(&x));
    IrVal zero = a64_t_const(t, IR_I64, 0);
    IrVal base = a64_t_address(t, (A64Base){.rn = a->rn});
    IrVal offset = a64_t_const(t, IR_I64, (uint64_t)((int64_t)a->simm * 8));

    base = apply(t, base, zero, A64_PAC_DO(A64_PAC_AUTH, key, 1));
    IrVal address = ir_bin(t->b, IR_ADD, IR_I64, base, offset);
    a64_t_set_x(t, a->rt, ir_load(t->b, IR_I64, address, mem));
    if (a->wback) {
        a64_t_set_x_sp(t, a->rn, address);
    }
    return true;
}
