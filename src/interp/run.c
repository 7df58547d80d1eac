/*
 * Entering predecoded code, links, and the table of handlers.
 */
#include "interp.h"

#include "table.h"

const InterpFn interp_handlers[IK_TOTAL] = {
#define X(name) [IK_##name] = interp_op_##name,
#define INTERP_X(name) [IK_##name] = interp_op_##name,
    INTERP_KINDS(X)
    INTERP_ACC_KINDS()
#undef INTERP_X
#undef X
};

#if INTERP_MUSTTAIL
void interp_run(EngVcpu *cpu, const void *ops)
{
    const InterpOp *op = ops;
    op->fn(cpu, op, cpu->l1, cpu->l1_mask, 0);
}

bool interp_is_threaded(void)
{
    return true;
}
#else
void interp_run(EngVcpu *cpu, const void *ops)
{
    for (const InterpOp *op = ops; op;)
        op = op->fn(cpu, op, cpu->l1, cpu->l1_mask, cpu->acc);
}

bool interp_is_threaded(void)
{
    return false;
}
#endif

const void *interp_link_target(const void *link)
{
    return ((const InterpLink *)link)->target;
}

void interp_link_set(void *link, const void *ops)
{
    InterpLink *slot = link;
    slot->target = ops ? ops : link;
}
