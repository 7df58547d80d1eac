/*
 * Address translation instructions and PAR_EL1. Arm ARM, "Address translation instructions",
 * PAR_EL1.
 */
#include "exception.h"
#include "mmu-fault.h"
#include "view.h"

/* What an AT instruction asks. */
typedef struct {
    unsigned el; /* whose permissions and, for stage 1, regime */
    bool both;   /* stages 1 and 2 */
    bool write, pan, any;
} Query;

static Query decode(unsigned op1, unsigned crm, unsigned op2)
{
    Query q = { .write = op2 & 1 };

    if (op1 == 4 && op2 >= 4) { /* S12E1R, S12E1W, S12E0R, S12E0W */
        q.both = true;
        q.el = op2 & 2 ? 0 : 1;
    } else if (op1 == 4) { /* S1E2R, S1E2W; S1E2A */
        q.el = 2;
    } else {
        /* S1E1R, S1E1W, S1E0R, S1E0W; S1E1RP, S1E1WP, S1E1A */
        q.el = crm == 8 && (op2 & 2) ? 0 : 1;
    }
    if (crm == 9) {
        q.any = op2 == 2;
        q.pan = !q.any;
    }
    return q;
}

static uint64_t par_of(const A64Walk *w)
{
    const A64Fault *f = &w->fault;

    if (f->type != A64_FAULT_NONE) {
        return 1 | (uint64_t)a64_fault_status(f) << 1 | (uint64_t)f->s1ptw << 8 |
               (uint64_t)f->stage2 << 9 | 1 << 11 | (uint64_t)f->assured_only << 12 |
               (uint64_t)f->top_level << 13 | (uint64_t)f->overlay << 14 |
               (uint64_t)f->dirty << 15;
    }
    return (w->pa.v & UINT64_C(0x000ffffffffff000)) | (uint64_t)w->attr.sh << 7 | 1 << 11 |
           (uint64_t)w->attr.attr << 56;
}

void a64_at(A64Cpu *cpu, unsigned op1, unsigned crm, unsigned op2, uint64_t va)
{
    Query q = decode(op1, crm, op2);
    A64WalkIo io = a64_walk_io(cpu);
    A64Access a = { .va = { va },
                    .access = q.write ? ENG_WRITE : ENG_READ,
                    .el0 = q.el == 0,
                    .pan = q.pan && cpu->st.pstate.pan,
                    .at = true,
                    .no_perm = q.any };
    A64Regime regime = a64_regime_of(cpu, q.el);
    A64View v;
    A64Walk w;

    if (q.both) {
        regime = A64_REGIME_EL10;
    } else if (q.el == 1 && a64_in_host(cpu)) {
        regime = A64_REGIME_EL20;
    }
    a64_view(cpu, regime, &v);
    w = q.both ? a64_walk(&v, &io, &a) : a64_walk_stage1(&v, &io, &a);
    if (w.fault.type == A64_FAULT_EXTERNAL_WALK || (w.fault.s1ptw && cpu->st.pstate.el == 1)) {
        a64_abort(cpu, &(A64FaultSource){ .va = { va }, .access = a.access, .cache_op = true },
                  &w.fault);
        return;
    }
    cpu->st.sr[A64_SR_PAR_EL1] = par_of(&w);
}
