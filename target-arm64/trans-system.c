/*
 * Hints, barriers and exception generation.
 * Arm ARM, "Exception-generating and System instructions", "Hint instructions", "Barriers".
 */
#include "a64-decode.h"
#include "exception.h"
#include "sysreg-help.h"

bool a64_trans_hint(A64Trans *t, const A64Args_hint *a)
{
    return true;
}

/* X16 asks by bit what is on: the guarded control stack is bit 0. What is on is cleared. */
bool a64_trans_chkfeat(A64Trans *t, const A64Args_hint *a)
{
    if (t->mode->gcs) {
        IrVal asked = a64_t_x(t, IR_I64, 16);
        a64_t_set_x(t, 16, ir_bin(t->b, IR_ANDN, IR_I64, asked, a64_t_const(t, IR_I64, 1)));
    }
    return true;
}

bool a64_trans_yield(A64Trans *t, const A64Args_hint *a)
{
    return true;
}

/* No physical error is ever pending, and virtual ones are not EL2's. */
bool a64_trans_esb(A64Trans *t, const A64Args_hint *a)
{
    if (t->mode->el < 2 && a64_t_has(t, A64_FEAT_EL2)) {
        a64_t_call(t, &a64_h_esb, 0, 0, 0);
        a64_t_call(t, &a64_h_unmasked, 0, 0, 0);
    }
    return true;
}

/* A stepped WFI or WFE ends at once, as it may at any time. */
bool a64_trans_wfi(A64Trans *t, const A64Args_hint *a)
{
    if (!t->mode->single_step) {
        a64_t_call(t, &a64_h_wfi, 0, 0, 0);
    }
    return true;
}

bool a64_trans_wfe(A64Trans *t, const A64Args_hint *a)
{
    if (!t->mode->single_step) {
        a64_t_call(t, &a64_h_wfe, 0, 0, 0);
    }
    return true;
}

bool a64_trans_wfit(A64Trans *t, const A64Args_wait *a)
{
    if (!t->mode->single_step) {
        a64_t_call(t, &a64_h_wfit, a64_t_x(t, IR_I64, a->rt), a64_t_const(t, IR_I64, a->rt), 0);
    }
    return true;
}

bool a64_trans_wfet(A64Trans *t, const A64Args_wait *a)
{
    if (!t->mode->single_step) {
        a64_t_call(t, &a64_h_wfet, a64_t_x(t, IR_I64, a->rt), a64_t_const(t, IR_I64, a->rt), 0);
    }
    return true;
}

bool a64_trans_sev(A64Trans *t, const A64Args_hint *a)
{
    a64_t_call(t, &a64_h_sev, 0, 0, 0);
    return true;
}

bool a64_trans_sevl(A64Trans *t, const A64Args_hint *a)
{
    a64_t_call(t, &a64_h_sevl, 0, 0, 0); /* not a PUT: another vCPU's SEV may come just then */
    return true;
}

bool a64_trans_clrex(A64Trans *t, const A64Args_barrier *a)
{
    ir_put(t->b, IR_I32, offsetof(EngVcpu, excl_size), a64_t_const(t, IR_I32, 0));
    return true;
}

/* The low bits of CRm say which accesses are ordered; what is reserved orders all. */
static IrFence fence_of(uint32_t crm)
{
    return (crm & 3) == 1 ? IR_FENCE_LD : (crm & 3) == 2 ? IR_FENCE_ST : IR_FENCE_ALL;
}

bool a64_trans_dmb(A64Trans *t, const A64Args_barrier *a)
{
    ir_emit(t->b, IR_FENCE, IR_I64, 0, 0, 0, fence_of(a->crm));
    return true;
}

/* The block ends: mail served while waiting may have taken away what comes after. */
bool a64_trans_dsb(A64Trans *t, const A64Args_barrier *a)
{
    ir_emit(t->b, IR_FENCE, IR_I64, 0, 0, 0, IR_FENCE_ALL);
    a64_t_call(t, &a64_h_dsb, 0, 0, 0);
    a64_t_exit(t);
    return true;
}

bool a64_trans_isb(A64Trans *t, const A64Args_barrier *a)
{
    a64_t_call(t, &a64_h_isb, 0, 0, 0);
    a64_t_exit(t);
    return true;
}

/* Nothing is executed speculatively. */
bool a64_trans_sb(A64Trans *t, const A64Args_barrier *a)
{
    return true;
}

bool a64_trans_svc(A64Trans *t, const A64Args_exception *a)
{
    a64_t_exception(t, &a64_h_svc, a->imm);
    return true;
}

/* UNDEFINED at EL0 and without EL2; HCR_EL2.HCD is the helper's. */
bool a64_trans_hvc(A64Trans *t, const A64Args_exception *a)
{
    if (t->mode->el == 0) {
        return false;
    }
    a64_t_exception(t, &a64_h_hvc, a->imm);
    return true;
}

bool a64_trans_smc(A64Trans *t, const A64Args_exception *a)
{
    if (t->mode->el == 0) {
        return false;
    }
    a64_t_exception(t, &a64_h_smc, a->imm);
    return true;
}

bool a64_trans_brk(A64Trans *t, const A64Args_exception *a)
{
    a64_t_exception(t, &a64_h_brk, a->imm);
    return true;
}

/* Halting debug is not there: EDSCR.HDE is 0. */
bool a64_trans_hlt(A64Trans *t, const A64Args_exception *a)
{
    return false;
}

/* UNDEFINED outside Debug state. */
bool a64_trans_dcps(A64Trans *t, const A64Args_dcps *a)
{
    return false;
}

bool a64_trans_drps(A64Trans *t, const A64Args_none *a)
{
    return false;
}

bool a64_trans_eret(A64Trans *t, const A64Args_none *a)
{
    if (t->mode->el == 0) {
        return false;
    }
    a64_t_exception(t, &a64_h_eret, 0);
    return true;
}

bool a64_t_fp_enabled(A64Trans *t)
{
    if (t->mode->fp_trap == 0) {
        return true;
    }
    a64_t_exception(t, &a64_h_fp_trap, 0);
    return false;
}
