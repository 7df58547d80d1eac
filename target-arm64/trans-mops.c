/*
 * Memory copy and memory set. Arm ARM, "Memory Copy and Memory Set" of the A64 encoding index.
 */
#include "a64-decode.h"
#include "trans-mops.h"
#include "trans.h"
#include "unpredictable.h"

static bool emit(A64Trans *t, const A64Args_mops *a, bool set)
{
    if (a64_unpred_mops(a->rd, a->rs, a->rn, set)) {
        return false;
    }
    a64_t_call(t, &a64_h_mops, a64_t_const(t, IR_I64, t->word), 0, 0);
    return true;
}

bool a64_trans_mops_copy(A64Trans *t, const A64Args_mops *a)
{
    return emit(t, a, false);
}

bool a64_trans_mops_set(A64Trans *t, const A64Args_mops *a)
{
    return emit(t, a, true);
}
