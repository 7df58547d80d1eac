/*
 * FEAT_TWED: a WFE that is to be trapped waits first, and is not trapped when an event comes before the delay is over.
 * Arm ARM, "Trapping of WFE and WFET", HCR_EL2.{TWEDEn,TWEDEL}, SCTLR_ELx.{TWEDEn,TWEDEL}.
 */
#include "rt.h"

#define HCR_TWE BIT(14)
#define HCR_TWI BIT(13)
#define HCR_TWED(n) ((u64)(n) << 60 | BIT(59))
#define SCTLR_TWED(n) ((u64)(n) << 46 | BIT(45))
#define SCTLR_TWED_FIELDS (15ull << 46 | BIT(45))
#define NTWE BIT(18)
#define WFX(ti) (1u << 24 | 0xe << 20 | (ti))
#define LONGEST 15 /* 2^23 cycles: 0.8 ms at 10 GHz */

/* The exception return, like any event, may have set the event register. */
PROBE(wfe_twice, "sevl\n wfe\n wfe");
PROBE(wfi_once, "wfi");
static u64 sctlr;

static u64 now(void)
{
    ISB();
    return READ(cntpct_el0);
}

static u64 half_ms(void)
{
    return READ(cntfrq_el0) / 2000;
}

static void set(u64 hcr, u64 sctlr_el1)
{
    WRITE(hcr_el2, HCR_RW | hcr);
    WRITE_ISB(sctlr_el1, sctlr_el1);
}

static void trapped(const char *what, u64 spsr, u64 el, bool delayed)
{
    u64 start = now();
    const struct RtExc *exc = TRY(RT_SKIP, rt_call(spsr, wfe_twice, 0));
    u64 took = now() - start;
    CHECK_EXC(what, exc, el, 0x400, ESR(1, WFX(1)));
    CHECK_EQ(what, exc->elr, (u64)wfe_twice + 8);
    if (delayed)
        CHECK(what, took >= half_ms());
}

static void delays(void)
{
    set(HCR_TWE, sctlr | NTWE);
    trapped("HCR_EL2.TWE at EL1", SPSR_EL1H, 2, false);
    set(HCR_TWE | HCR_TWED(0), sctlr | NTWE);
    trapped("the shortest delay", SPSR_EL1H, 2, false);
    set(HCR_TWE | HCR_TWED(LONGEST), sctlr | NTWE);
    trapped("the longest delay, EL1", SPSR_EL1H, 2, true);
    trapped("the longest delay, EL0", SPSR_EL0, 2, true);
    trapped("a delay anew", SPSR_EL0, 2, true);
    set(0, (sctlr & ~NTWE) | SCTLR_TWED(LONGEST));
    trapped("SCTLR_EL1.nTWE", SPSR_EL0, 1, true);
    /* the delay is no priority: it is EL1's trap whatever EL2 asks for */
    set(HCR_TWE, (sctlr & ~NTWE) | SCTLR_TWED(LONGEST));
    trapped("EL1 delays, EL2 does not", SPSR_EL0, 1, true);
    set(HCR_TWE | HCR_TWED(LONGEST), sctlr & ~NTWE);
    trapped("EL2 delays, EL1 does not", SPSR_EL0, 1, false);
    set(HCR_TWI | HCR_TWED(LONGEST), sctlr | NTWE);
    CHECK_EXC("WFI knows no delay", TRY(RT_SKIP, rt_el1(wfi_once, 0)), 2, 0x400, ESR(1, WFX(0)));
}

static void host(void)
{
    u64 before = READ(sctlr_el2);
    rt_tlbi_all();
    WRITE(sctlr_el2, (before & ~NTWE) | SCTLR_TWED(LONGEST));
    WRITE_ISB(hcr_el2, HCR_RW | HCR_E2H | HCR_TGE | HCR_TWE);
    trapped("SCTLR_EL2.nTWE, EL0 of a host", SPSR_EL0, 2, true);
    WRITE_ISB(hcr_el2, HCR_RW);
    WRITE_ISB(sctlr_el2, before);
}

/* A machine that stood still for the whole delay may trap all the same: one of several must not. */
#define CHECK_ONE_QUIET(what, try_) ({ \
    const struct RtExc *quiet_ = (try_); \
    for (unsigned i_ = 0; i_ < 9 && quiet_->count; i_++) \
        quiet_ = (try_); \
    CHECK_NONE(what, quiet_); })

/* An event stream of at most 10 us ends each wait before its trap. */
static void events(void)
{
    set(HCR_TWE | HCR_TWED(LONGEST), (sctlr & ~NTWE) | SCTLR_TWED(LONGEST));
    WRITE_ISB(cntkctl_el1, READ(cntkctl_el1) | 5u << 4 | BIT(2));
    CHECK_ONE_QUIET("an event before the delay is over, EL1", TRY(RT_SKIP, rt_el1(wfe_twice, 0)));
    CHECK_ONE_QUIET("an event before the delay is over, EL0", TRY(RT_SKIP, rt_el0(wfe_twice, 0)));
    WRITE_ISB(cntkctl_el1, READ(cntkctl_el1) & ~BIT(2));
    trapped("no event", SPSR_EL1H, 2, true);
}

static bool stop_timer(struct RtFrame *f)
{
    u64 intid = READ(ICC_IAR1_EL1);
    WRITE_ISB(cntp_ctl_el0, 0);
    WRITE(ICC_EOIR1_EL1, intid);
    return true;
}

static const struct RtExc *wait_for_timer(void)
{
    WRITE(cntp_cval_el0, now() + half_ms() / 10);
    WRITE_ISB(cntp_ctl_el0, 1);
    return TRY(RT_SKIP, rt_el1(wfe_twice, 0));
}

/* An interrupt that EL1 cannot mask is taken, and nothing is trapped. */
static void interrupts(void)
{
    rt_gic_init();
    rt_irq_enable(30, 0x80);
    rt_cpu()->irq = stop_timer;
    set(HCR_IMO | HCR_TWE | HCR_TWED(LONGEST), sctlr | NTWE);
    for (unsigned i = 0; i < 5; i++) {
        CHECK_ONE_QUIET("an interrupt before the delay is over", wait_for_timer());
        CHECK_EQ("the interrupt was taken", READ(cntp_ctl_el0) & 1, 0);
    }
    rt_irq_disable(30);
    set(HCR_TWE | HCR_TWED(LONGEST), sctlr | NTWE);
    trapped("no interrupt", SPSR_EL1H, 2, true);
}

void test_main(void)
{
    rt_el1_flat();
    sctlr = READ(sctlr_el1);
    if (!BITS(READ(id_aa64mmfr1_el1), 35, 32)) {
        set(HCR_TWED(LONGEST), sctlr | SCTLR_TWED(LONGEST));
        CHECK_EQ("no FEAT_TWED: HCR_EL2", BITS(READ(hcr_el2), 63, 59), 0);
        CHECK_EQ("no FEAT_TWED: SCTLR_EL1 [peer differs]", READ(sctlr_el1) & SCTLR_TWED_FIELDS, 0);
        set(0, sctlr);
        rt_skip("delayed traps", "no FEAT_TWED");
        return;
    }
    delays();
    if (BITS(READ(id_aa64mmfr1_el1), 11, 8))
        host();
    events();
    interrupts();
    set(0, sctlr);
}
