/*
 * The guarded control stack in translated code. Arm ARM, "The Guarded Control Stack"; BL, RET,
 * GCSPUSHM and its like, GCSSTR, GCSSTTR.
 */
#include "gcs.h"

#include "a64-decode.h"
#include "helpers.h"
#include "pmu.h"
#include "sysreg.h"
#include "trans-mem.h"

/* Encodings, all op0 = 1. */
enum {
    KEY_PUSHX = A64_SYS_KEY(1, 0, 7, 7, 4),
    KEY_POPCX = A64_SYS_KEY(1, 0, 7, 7, 5),
    KEY_POPX = A64_SYS_KEY(1, 0, 7, 7, 6),
    KEY_PUSHM = A64_SYS_KEY(1, 3, 7, 7, 0),
    KEY_POPM = A64_SYS_KEY(1, 3, 7, 7, 1),
    KEY_SS1 = A64_SYS_KEY(1, 3, 7, 7, 2),
};

void a64_t_link(A64Trans *t)
{
    IrVal next = a64_t_pc(t, 4);
    if (t->mode->gcs) {
        a64_t_call(t, &a64_h_gcs_push, next, 0, 0);
    }
    a64_t_set_x(t, 30, next);
}

IrVal a64_t_gcs_return(A64Trans *t, IrVal target, A64GcsKind kind, unsigned rn)
{
    if (!t->mode->gcs) {
        return target;
    }
    return a64_t_call(t, &a64_h_gcs_return, target, a64_t_const(t, IR_I64, kind | rn << 5), 0);
}

uint32_t a64_t_gcs_accesses(const A64Trans *t, bool call, bool ret)
{
    if (!t->mode->gcs) {
        return 0;
    }
    return (call ? A64_PMU_GCS_WRITE : 0) | (ret ? A64_PMU_GCS_READ : 0);
}

static void tell(A64Trans *t, uint32_t what)
{
    if (t->mode->events) {
        a64_t_call(t, &a64_h_pmu_access, a64_t_const(t, IR_I64, what), 0, 0);
    }
}

void a64_t_gcs_sys(A64Trans *t, uint16_t key, unsigned rt)
{
    IrVal number = a64_t_const(t, IR_I64, rt);
    switch (key) {
    case KEY_PUSHM:
        a64_t_call(t, &a64_h_gcs_push, a64_t_x(t, IR_I64, rt), 0, 0);
        tell(t, A64_PMU_GCS_WRITE);
        break;
    case KEY_POPM:
        a64_t_set_x(t, rt, a64_t_call(t, &a64_h_gcs_popm, number, 0, 0));
        tell(t, A64_PMU_GCS_READ);
        break;
    case KEY_SS1:
        a64_t_call(t, &a64_h_gcs_ss1, a64_t_x(t, IR_I64, rt), number, 0);
        tell(t, A64_PMU_GCS_READ | A64_PMU_GCS_WRITE);
        break;
    case KEY_PUSHX:
        a64_t_call(t, &a64_h_gcs_pushx, 0, 0, 0);
        tell(t, A64_PMU_GCS_WRITE);
        a64_t_exit(t);
        break;
    case KEY_POPCX:
        a64_t_call(t, &a64_h_gcs_popcx, 0, 0, 0);
        tell(t, A64_PMU_GCS_READ);
        a64_t_exit(t);
        break;
    case KEY_POPX:
        a64_t_call(t, &a64_h_gcs_popx, 0, 0, 0);
        tell(t, A64_PMU_GCS_READ);
        break;
    default:
        a64_t_set_x(t, rt, a64_t_call(t, &a64_h_gcs_ss2, 0, 0, 0));
        tell(t, A64_PMU_GCS_READ | A64_PMU_GCS_WRITE);
        break;
    }
}

bool a64_trans_gcsstr(A64Trans *t, const A64Args_gcsstr *a)
{
    IrVal unprivileged = a64_t_const(t, IR_I64, a->unpriv);
    uint64_t registers = (uint64_t)a->rn << 10 | (uint64_t)a->rt << 5;
    a64_t_call(t, &a64_h_gcsstr_trap, unprivileged, a64_t_const(t, IR_I64, registers), 0);
    IrVal address = a64_t_address(t, (A64Base){.rn = a->rn});
    a64_t_call(t, &a64_h_gcsstr, address, a64_t_x(t, IR_I64, a->rt), unprivileged);
    return true;
}
