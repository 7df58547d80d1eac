/*
 * PSTATE.DIT: reached by MRS and MSR at every Exception level, saved, kept and restored by exceptions. Arm ARM, "DIT, Data
 * Independent Timing", "SPSR_EL1", "Exception entry".
 */
#include "rt.h"

#define DIT s3_3_c4_c2_5
#define DIT_BIT BIT(24)

PROBE(set, "msr s0_3_c4_c1_2, xzr\n mrs x0, " STR(DIT));         /* MSR DIT, #1 */
PROBE(clear, "msr s0_3_c4_c0_2, xzr\n mrs x0, " STR(DIT));       /* MSR DIT, #0 */
PROBE(put, "msr " STR(DIT) ", x0\n mrs x0, " STR(DIT));
PROBE(trap, "mrs x9, " STR(DIT) "\n msr " STR(DIT) ", x0\n .inst 0\n mrs x0, " STR(DIT) "\n msr " STR(DIT) ", x9");

static u64 at_entry;

static bool note(struct RtFrame *frame)
{
    at_entry = READ(DIT);
    frame->elr += 4;
    return true;
}

static void each(u64 spsr)
{
    CHECK_EQ("MSR DIT, #1", rt_call(spsr, set, 0), DIT_BIT);
    CHECK_EQ("MSR DIT, #0", rt_call(spsr, clear, 0), 0);
    CHECK_EQ("MSR DIT, Xt", rt_call(spsr, put, ~0ull), DIT_BIT);
    CHECK_EQ("MSR DIT, Xt", rt_call(spsr, put, ~DIT_BIT), 0);
    /* kept by the exception's entry, saved, restored by the return */
    for (unsigned on = 0; on < 2; on++) {
        at_entry = 1;
        rt_cpu()->sync = note;
        CHECK_EQ("after the return", rt_call(spsr, trap, on ? DIT_BIT : 0), on ? DIT_BIT : 0);
        rt_cpu()->sync = 0;
        CHECK_EQ("in the handler [peer differs]", at_entry, on ? DIT_BIT : 0);
    }
    CHECK_EQ("DIT in the SPSR that starts", rt_call(spsr | DIT_BIT, put, DIT_BIT), DIT_BIT);
}

static void saved(void)
{
    const struct RtExc *exc = TRY(RT_SKIP, trap(DIT_BIT));
    CHECK_EQ("SPSR.DIT", exc->spsr & DIT_BIT, DIT_BIT);
    exc = TRY(RT_SKIP, trap(0));
    CHECK_EQ("SPSR.DIT", exc->spsr & DIT_BIT, 0);
}

void test_main(void)
{
    if (!BITS(READ(id_aa64pfr0_el1), 51, 48)) {
        rt_skip("FEAT_DIT", "not announced");
        CHECK("skipped", true);
        return;
    }
    rt_el1_flat();
    saved();
    each(SPSR_EL1H);
    each(SPSR_EL1T);
    each(SPSR_EL0);
}
