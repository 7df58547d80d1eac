/*
 * Software Step: EL2 steps code at EL1 and EL0. Arm ARM: "Software Step exceptions".
 */
#include "rt.h"

PROBE(walk, "nop\n b 1f\n nop\n1: cbz xzr, 2f\n nop\n2: cbnz xzr, 3f\n ldxr x1, [x0]\n3: add x0, x0, #1");
static u64 cell;

enum { MAX_STEPS = 16 };
static struct {
    u64 elr[MAX_STEPS], esr[MAX_STEPS], n, limit;
    bool again;
} steps;

static bool on_step(struct RtFrame *f)
{
    if (BITS(f->esr, 31, 26) != 0x32 && BITS(f->esr, 31, 26) != 0x33)
        return false;
    if (steps.n < MAX_STEPS) {
        steps.elr[steps.n] = f->elr;
        steps.esr[steps.n] = f->esr;
    }
    if (++steps.n >= steps.limit)
        WRITE_ISB(mdscr_el1, READ(mdscr_el1) & ~BIT(0));
    else
        f->spsr |= BIT(21);
    return true;
}

static void run(u64 spsr, u64 (*probe)(u64), u64 limit)
{
    steps.n = 0;
    steps.limit = limit;
    rt_cpu()->sync = on_step;
    WRITE_ISB(mdscr_el1, READ(mdscr_el1) | BIT(0));
    rt_call(spsr, probe, (u64)&cell);
    WRITE_ISB(mdscr_el1, READ(mdscr_el1) & ~BIT(0));
    rt_cpu()->sync = 0;
}

#define STEPPED (BIT(24) | 0x22)
#define EXCLUSIVE BIT(6)
static void sequence(u64 spsr)
{
    static const u8 offsets[] = {4, 12, 20, 24, 28, 32};
    run(spsr | BIT(21), walk, 6);
    CHECK_EQ("steps taken", steps.n, 6);
    for (unsigned i = 0; i < 6; i++) {
        CHECK_EQ("ELR", steps.elr[i] - (u64)walk, offsets[i]);
        CHECK_EQ("ESR", steps.esr[i], ESR(0x32, STEPPED | (i == 4 ? EXCLUSIVE : 0)));
    }
    /* SPSR.SS = 0: the exception comes before the first instruction */
    run(spsr, walk, 1);
    CHECK_EQ("steps taken", steps.n, 1);
    CHECK_EQ("ELR, pending", steps.elr[0], (u64)walk);
    CHECK_EQ("ESR, pending", steps.esr[0], ESR(0x32, 0x22));
}

/* An instruction that faults has not been stepped: SS stays 1 in its SPSR. SVC has. */
PROBE(faults, "udf #0\n nop");
PROBE(calls, "svc #0\n nop");
static void exceptions(void)
{
    const struct RtExc *exc;
    WRITE_ISB(mdscr_el1, READ(mdscr_el1) | BIT(0));
    WRITE(hcr_el2, READ(hcr_el2) | HCR_TGE);
    ISB();
    steps.n = 0;
    steps.limit = 1;
    rt_cpu()->sync = on_step;
    exc = TRY(RT_SKIP, rt_call(SPSR_EL0 | BIT(21), faults, 0));
    CHECK_EQ("UDF: EC", EC(exc), 0);
    CHECK_EQ("UDF: SPSR.SS", BITS(exc->spsr, 21, 21), 1);
    WRITE_ISB(mdscr_el1, READ(mdscr_el1) | BIT(0));
    steps.n = 0;
    exc = TRY(RT_SKIP, rt_call(SPSR_EL0 | BIT(21), calls, 0));
    CHECK_EQ("SVC: EC", EC(exc), 0x15);
    CHECK_EQ("SVC: SPSR.SS", BITS(exc->spsr, 21, 21), 0);
    rt_cpu()->sync = 0;
    WRITE_ISB(mdscr_el1, READ(mdscr_el1) & ~BIT(0));
    WRITE_ISB(hcr_el2, READ(hcr_el2) & ~HCR_TGE);
}

void test_main(void)
{
    WRITE(oslar_el1, 0);
    WRITE_ISB(mdcr_el2, READ(mdcr_el2) | BIT(8)); /* TDE: debug exceptions go to EL2 */
    rt_el1_flat();
    sequence(SPSR_EL1H);
    sequence(SPSR_EL0);
    exceptions();
}
