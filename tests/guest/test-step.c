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

/* A step that is pending comes before any fault of the fetch, and before PC alignment. */
#define NOWHERE 0x7000000000ull
static void before_fetch(void)
{
    for (unsigned i = 0; i < 2; i++) {
        u64 to = i ? (u64)walk + 2 : NOWHERE;
        steps.n = 0;
        steps.limit = 1;
        rt_cpu()->sync = on_step;
        WRITE_ISB(mdscr_el1, READ(mdscr_el1) | BIT(0));
        const struct RtExc *exc = TRY(RT_LR, rt_call(SPSR_EL1H, (void *)to, 0));
        CHECK_EQ("the step is first", steps.n, 1);
        CHECK_EQ("its ELR [peer differs]", steps.elr[0], to);
        CHECK_EQ("the fault follows", EC(exc), i ? 0x22 : 0x21);
        rt_cpu()->sync = 0;
    }
}

/* PSTATE.D of the Exception level that steps itself counts from the next instruction on. */
#define SELF(name, text) PROBE(name, "adr x1, 2f\n str x1, [x0]\n" text "\n2: nop\n nop")
SELF(by_clear, "msr daifclr, #8");
SELF(by_write, "mrs x2, daif\n bic x2, x2, #0x200\n msr daif, x2");
static void masked_at_once(u64 (*probe)(u64))
{
    u64 behind = 0;
    steps.n = 0;
    steps.limit = 1;
    rt_cpu()->sync = on_step;
    WRITE_ISB(mdscr_el1, READ(mdscr_el1) | BIT(13) | BIT(0)); /* KDE, SS; D is set */
    probe((u64)&behind);
    __asm__ volatile("msr daifset, #8" : : : "memory");
    WRITE_ISB(mdscr_el1, READ(mdscr_el1) & ~(BIT(13) | BIT(0)));
    CHECK_EQ("steps taken", steps.n, 1);
    CHECK_EQ("ELR", steps.elr[0], behind);
    CHECK_EQ("ESR", steps.esr[0], ESR(0x33, 0x22));
    rt_cpu()->sync = 0;
}

/* A breakpoint behind it, the same. */
static bool on_breakpoint(struct RtFrame *f)
{
    if (BITS(f->esr, 31, 26) != 0x31)
        return false;
    steps.elr[steps.n++] = f->elr;
    WRITE_ISB(dbgbcr0_el1, 0);
    return true;
}

static void breakpoint_at_once(u64 (*probe)(u64), unsigned length)
{
    u64 behind = 0, at = (u64)probe + length;
    steps.n = 0;
    rt_cpu()->sync = on_breakpoint;
    WRITE(dbgbvr0_el1, at);
    WRITE(dbgbcr0_el1, BIT(13) | 15 << 5 | 3 << 1 | 1);
    WRITE_ISB(mdscr_el1, READ(mdscr_el1) | BIT(13) | BIT(15)); /* KDE, MDE */
    probe((u64)&behind);
    __asm__ volatile("msr daifset, #8" : : : "memory");
    WRITE_ISB(mdscr_el1, READ(mdscr_el1) & ~(BIT(13) | BIT(15)));
    CHECK_EQ("address", at, behind);
    CHECK_EQ("breakpoints taken", steps.n, 1);
    CHECK_EQ("ELR", steps.elr[0], at);
    rt_cpu()->sync = 0;
}

/* Masked again: no step, no breakpoint follows. */
PROBE(mask_again, "msr daifclr, #8\n msr daifset, #8\n nop\n nop");
static void masked_again(void)
{
    steps.n = 0;
    rt_cpu()->sync = on_breakpoint;
    WRITE(dbgbvr0_el1, (u64)mask_again + 8);
    WRITE(dbgbcr0_el1, BIT(13) | 15 << 5 | 3 << 1 | 1);
    WRITE_ISB(mdscr_el1, READ(mdscr_el1) | BIT(13) | BIT(15));
    mask_again(0);
    WRITE_ISB(mdscr_el1, READ(mdscr_el1) & ~(BIT(13) | BIT(15)));
    WRITE_ISB(dbgbcr0_el1, 0);
    CHECK_EQ("breakpoints taken", steps.n, 0);
    rt_cpu()->sync = 0;
}

void test_main(void)
{
    WRITE(oslar_el1, 0);
    WRITE_ISB(mdcr_el2, READ(mdcr_el2) | BIT(8)); /* TDE: debug exceptions go to EL2 */
    rt_el1_flat();
    sequence(SPSR_EL1H);
    sequence(SPSR_EL0);
    exceptions();
    before_fetch();
    masked_at_once(by_clear);
    masked_at_once(by_write);
    breakpoint_at_once(by_clear, 12);
    breakpoint_at_once(by_write, 20);
    masked_again();
}
