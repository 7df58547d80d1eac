/*
 * FPCR.NEP; PSTATE.DIT, reached by MRS and MSR at every Exception level, saved, kept and restored by exceptions. Arm ARM, "DIT, Data
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

/* FPCR.NEP (FEAT_AFP) takes effect from the next instruction on: a scalar sum keeps what is above its first operand. */
PROBE(nep, "mrs x9, fpcr\n movi v1.16b, #0x11\n movi v0.16b, #0x22\n movi v2.2d, #0\n mov x10, #4\n msr fpcr, x10\n"
           "fadd s0, s1, s2\n msr fpcr, xzr\n fadd s1, s1, s2\n msr fpcr, x9\n umov x0, v0.d[0]\n umov x1, v1.d[0]\n"
           "lsr x1, x1, #32\n eor x0, x0, x1");

static void scalars(void)
{
    if (!BITS(READ(id_aa64mmfr1_el1), 47, 44)) {
        rt_skip("FEAT_AFP", "not announced");
        WRITE_ISB(fpcr, 7);
        CHECK_EQ("without it FPCR.{NEP,AH,FIZ} are not there", READ(fpcr) & 7, 0);
        WRITE_ISB(fpcr, 0);
        return;
    }
    WRITE_ISB(fpcr, 7);
    CHECK_EQ("FPCR.{NEP,AH,FIZ}", READ(fpcr) & 7, 7);
    WRITE_ISB(fpcr, 0);
    for (unsigned i = 0; i < 3; i++)
        CHECK_EQ("FPCR.NEP", nep(0), 0x1111111111111111);
}

/* RNDR and RNDRRS (FEAT_RNG): numbers that differ, and NZCV = 0; at every level. */
PROBE(rndr, "mov x9, #0xf0000000\n msr nzcv, x9\n mrs x0, s3_3_c2_c4_0\n mrs x9, nzcv\n eor x0, x0, x9");
PROBE(rndrrs, "mov x9, #0xf0000000\n msr nzcv, x9\n mrs x0, s3_3_c2_c4_1\n mrs x9, nzcv\n cbz x9, 1f\n mov x0, #0\n 1:");

static void numbers(void)
{
    if (!BITS(READ(id_aa64isar0_el1), 63, 60)) {
        const struct RtExc *exc = TRY(RT_SKIP, rndr(0));
        CHECK_EQ("without FEAT_RNG RNDR is UNDEFINED", exc->count && EC(exc) == 0, 1);
        return;
    }
    u64 all = ~0ull, any = 0, last = 0;
    for (unsigned i = 0; i < 96; i++) {
        u64 v = i < 32 ? rndr(0) : i < 64 ? rndrrs(0) : rt_call(i & 1 ? SPSR_EL0 : SPSR_EL1H, i & 2 ? rndr : rndrrs, 0);
        CHECK("another number, NZCV clear", v != last && v != 0);
        all &= v;
        any |= v;
        last = v;
    }
    CHECK_EQ("bits that are always 1", all, 0);
    CHECK_EQ("bits that are ever 1", any, ~0ull);
}

void test_main(void)
{
    rt_el1_flat();
    scalars();
    numbers();
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
