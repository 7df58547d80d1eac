/*
 * Generic timers: EL1 physical and virtual, EL2 physical and virtual; conditions, masks, interrupts, offset, access control.
 * Arm ARM, "The Generic Timer in AArch64 state". PPIs of the board: 30, 27, 26, 28.
 */
#include "rt.h"

#define CTL_ENABLE 1
#define CTL_IMASK 2
#define CTL_ISTATUS 4

static u64 taken_intid, taken_count;
static void (*quiet)(void);

static bool on_irq(struct RtFrame *f)
{
    u64 intid = READ(ICC_IAR1_EL1);
    taken_intid = intid;
    taken_count++;
    if (intid < 1020) {
        quiet();
        ISB();
        WRITE(ICC_EOIR1_EL1, intid);
    }
    return true;
}

static u64 count(void)
{
    ISB();
    return READ(cntpct_el0);
}

#define TIMER(name, ctl, cval, tval)                                                               \
    static void name##_ctl(u64 v) { WRITE_ISB(ctl, v); }                                           \
    static u64 name##_ctl_r(void) { ISB(); return READ(ctl); }                                     \
    static void name##_cval(u64 v) { WRITE_ISB(cval, v); }                                         \
    static u64 name##_cval_r(void) { return READ(cval); }                                          \
    static void name##_tval(u64 v) { WRITE_ISB(tval, v); }                                         \
    static u64 name##_tval_r(void) { ISB(); return READ(tval); }                                   \
    static void name##_quiet(void) { WRITE(ctl, 0); }

TIMER(cntp, cntp_ctl_el0, cntp_cval_el0, cntp_tval_el0)
TIMER(cntv, cntv_ctl_el0, cntv_cval_el0, cntv_tval_el0)
TIMER(cnthp, s3_4_c14_c2_1, s3_4_c14_c2_2, s3_4_c14_c2_0)
TIMER(cnthv, s3_4_c14_c3_1, s3_4_c14_c3_2, s3_4_c14_c3_0)

static const struct Timer {
    const char *name;
    unsigned intid;
    bool virtual;
    void (*ctl)(u64), (*cval)(u64), (*tval)(u64), (*quiet)(void);
    u64 (*ctl_r)(void), (*cval_r)(void), (*tval_r)(void);
} timers[] = {
#define ROW(name, intid, virtual)                                                                  \
    {#name, intid, virtual, name##_ctl, name##_cval, name##_tval, name##_quiet, name##_ctl_r,      \
     name##_cval_r, name##_tval_r},
    ROW(cntp, 30, false) ROW(cntv, 27, true) ROW(cnthp, 26, false) ROW(cnthv, 28, false)
};

static bool pending(unsigned intid)
{
    DSB();
    return io_read(rt_gicr() + 0x200) >> intid & 1;
}

static bool pending_soon(unsigned intid, bool want)
{
    for (u64 start = count(); pending(intid) != want;)
        if (count() - start > READ(cntfrq_el0))
            return !want;
    return want;
}

static void conditions(const struct Timer *t, u64 offset)
{
    u64 failures = rt_failures, freq = READ(cntfrq_el0);
    t->ctl(0);
    t->cval(0x123456789abcdef0);
    CHECK_EQ("CVAL reads back", t->cval_r(), 0x123456789abcdef0);
    t->cval(0);
    t->ctl(0);
    CHECK_EQ("disabled: no interrupt", pending(t->intid), 0);
    t->ctl(CTL_ENABLE | CTL_IMASK);
    CHECK_EQ("past: ISTATUS", t->ctl_r(), CTL_ENABLE | CTL_IMASK | CTL_ISTATUS);
    CHECK_EQ("masked: not pending", pending(t->intid), 0);
    t->ctl(CTL_ENABLE);
    CHECK_EQ("unmasked: pending", pending_soon(t->intid, true), true);
    t->cval(~0ull);
    CHECK_EQ("far future: no ISTATUS", t->ctl_r(), CTL_ENABLE);
    CHECK_EQ("far future: level gone", pending_soon(t->intid, false), false);
    /* TVAL: signed 32 bits relative to the counter */
    t->tval(0xffffffff);
    CHECK_EQ("TVAL -1: past", t->ctl_r(), CTL_ENABLE | CTL_ISTATUS);
    u64 before = count() - offset;
    t->tval(0x7fffffff);
    u64 after = count() - offset;
    CHECK("TVAL 0x7fffffff adds to the counter",
          t->cval_r() - before >= 0x7fffffff && t->cval_r() - after <= 0x7fffffff);
    CHECK_EQ("future: no ISTATUS", t->ctl_r(), CTL_ENABLE);
    before = count() - offset;
    t->cval(before + freq);
    u64 tval = t->tval_r();
    CHECK("TVAL reads what is left", tval <= freq && tval >= freq / 2 && tval >> 32 == 0);
    t->cval(before - 0x1000);
    CHECK("TVAL of the past is negative", t->tval_r() >> 31 == 1 && t->tval_r() >> 32 == 0);
    t->tval(0x80000000); /* 2^31 before now; before the counter's zero that is the far future */
    CHECK_EQ("TVAL 0x80000000", t->ctl_r(), CTL_ENABLE | (count() - offset >= t->cval_r() ? CTL_ISTATUS : 0));
    t->ctl(0);
    if (rt_failures != failures)
        rt_printf("  timer %s\n", t->name);
}

static void fires(const struct Timer *t)
{
    u64 failures = rt_failures, freq = READ(cntfrq_el0);
    rt_irq_enable(t->intid, 0x80);
    quiet = t->quiet;
    taken_count = 0;
    u64 start = count();
    t->tval(freq / 1000);
    t->ctl(CTL_ENABLE);
    __asm__ volatile("msr daifclr, #2");
    while (!taken_count && count() - start < 2 * freq)
        ;
    u64 took = count() - start;
    __asm__ volatile("msr daifset, #2");
    CHECK_EQ("one interrupt", taken_count, 1);
    CHECK_EQ("INTID", taken_intid, t->intid);
    CHECK("not before its time", took >= freq / 1000);
    /* WFI ends with the interrupt, masked in PSTATE or not */
    start = count();
    t->tval(freq / 1000);
    t->ctl(CTL_ENABLE);
    while (!(t->ctl_r() & CTL_ISTATUS) && count() - start < 2 * freq)
        __asm__ volatile("wfi");
    CHECK("WFI waits", count() - start >= freq / 1000);
    CHECK_EQ("masked: not taken", taken_count, 1);
    __asm__ volatile("msr daifclr, #2\n isb\n msr daifset, #2" : : : "memory");
    CHECK_EQ("a short window takes it", taken_count, 2);
    t->ctl(0);
    rt_irq_disable(t->intid);
    if (rt_failures != failures)
        rt_printf("  timer %s\n", t->name);
}

PROBE(el1_cntp_ctl, "mrs x0, cntp_ctl_el0");
PROBE(el1_cntpct, "mrs x0, cntpct_el0");
PROBE(el1_cntvct, "mrs x0, cntvct_el0");
PROBE(el1_cntv_ctl, "mrs x0, cntv_ctl_el0");
PROBE(el1_cntfrq, "mrs x0, cntfrq_el0");
PROBE(el1_cntp_tval_w, "msr cntp_tval_el0, x0");

#define MRS_ISS(op0, op1, crn, crm, op2, rt, read)                                                  \
    ((u32)(op0) << 20 | (op2) << 17 | (op1) << 14 | (crn) << 10 | (rt) << 5 | (crm) << 1 | (read))

static void expect(const char *what, u64 spsr, u64 (*probe)(u64), u64 el, u32 iss)
{
    const struct RtExc *exc = TRY(RT_SKIP, rt_call(spsr, probe, 0));
    if (el == 0)
        rt_check(!exc->count, WHERE, what, exc->esr, 0);
    else
        CHECK_EXC(what, exc, el, el == 2 || !BITS(spsr, 3, 2) ? 0x400 : 0x200, ESR(0x18, iss));
}

/* CNTHCTL_EL2 (E2H clear: EL1PCTEN bit 0, EL1PCEN bit 1; set with TGE clear: bits 10, 11) and CNTKCTL_EL1. */
static void access(void)
{
    u32 ctl = MRS_ISS(3, 3, 14, 2, 1, 0, 1), pct = MRS_ISS(3, 3, 14, 0, 1, 0, 1);
    u32 vct = MRS_ISS(3, 3, 14, 0, 2, 0, 1), vctl = MRS_ISS(3, 3, 14, 3, 1, 0, 1);
    u32 tval_w = MRS_ISS(3, 3, 14, 2, 0, 0, 0);
    WRITE_ISB(cntkctl_el1, 0x303);
    for (unsigned e2h = 0; e2h <= 1; e2h++) {
        unsigned shift = e2h ? 10 : 0;
        if (e2h && !BITS(READ(id_aa64mmfr1_el1), 11, 8)) {
            rt_skip("CNTHCTL_EL2 with E2H", "VHE is not announced");
            break;
        }
        WRITE_ISB(hcr_el2, HCR_RW | (e2h ? HCR_E2H : 0));
        WRITE_ISB(cnthctl_el2, 0ull << shift);
        expect("EL1PCEN 0, CNTP_CTL", SPSR_EL1H, el1_cntp_ctl, 2, ctl);
        expect("EL1PCEN 0, CNTP_TVAL write", SPSR_EL1H, el1_cntp_tval_w, 2, tval_w);
        expect("EL1PCTEN 0, CNTPCT", SPSR_EL1H, el1_cntpct, 2, pct);
        expect("EL1PCTEN 0, CNTPCT at EL0", SPSR_EL0, el1_cntpct, 2, pct);
        expect("CNTVCT is not trapped", SPSR_EL1H, el1_cntvct, 0, 0);
        expect("CNTV_CTL is not trapped", SPSR_EL1H, el1_cntv_ctl, 0, 0);
        WRITE_ISB(cnthctl_el2, 1ull << shift);
        expect("EL1PCTEN 1, CNTPCT", SPSR_EL1H, el1_cntpct, 0, 0);
        expect("EL1PCEN 0, CNTP_CTL", SPSR_EL1H, el1_cntp_ctl, 2, ctl);
        WRITE_ISB(cnthctl_el2, 2ull << shift);
        expect("EL1PCTEN 0, CNTPCT", SPSR_EL1H, el1_cntpct, 2, pct);
        expect("EL1PCEN 1, CNTP_CTL", SPSR_EL1H, el1_cntp_ctl, 0, 0);
        expect("EL1PCEN 1, CNTP_CTL at EL0", SPSR_EL0, el1_cntp_ctl, 0, 0);
        WRITE_ISB(cnthctl_el2, 3ull << shift);
        CHECK_NONE("CNTPCT of EL2", TRY(RT_SKIP, (void)READ(cntpct_el0)));
    }
    WRITE_ISB(hcr_el2, HCR_RW);
    WRITE_ISB(cnthctl_el2, 3);
    WRITE_ISB(cntkctl_el1, 0);
    expect("EL0PTEN 0", SPSR_EL0, el1_cntp_ctl, 1, ctl);
    expect("EL0VTEN 0", SPSR_EL0, el1_cntv_ctl, 1, vctl);
    expect("EL0PCTEN 0", SPSR_EL0, el1_cntpct, 1, pct);
    expect("EL0VCTEN 0", SPSR_EL0, el1_cntvct, 1, vct);
    expect("CNTFRQ, neither", SPSR_EL0, el1_cntfrq, 1, MRS_ISS(3, 3, 14, 0, 0, 0, 1));
    expect("CNTKCTL_EL1 does not bind EL1", SPSR_EL1H, el1_cntvct, 0, 0);
    WRITE_ISB(cntkctl_el1, 2);
    expect("EL0VCTEN 1", SPSR_EL0, el1_cntvct, 0, 0);
    expect("CNTFRQ with EL0VCTEN", SPSR_EL0, el1_cntfrq, 0, 0);
    WRITE_ISB(cntkctl_el1, 0x200);
    expect("EL0PTEN 1", SPSR_EL0, el1_cntp_ctl, 0, 0);
}

static void offset(void)
{
    WRITE_ISB(cntvoff_el2, 0x100000000);
    u64 p = count(), v = READ(cntvct_el0);
    ISB();
    u64 p2 = count();
    CHECK("CNTVCT = CNTPCT - CNTVOFF", v + 0x100000000 >= p && v + 0x100000000 <= p2);
    CHECK_EQ("seen by EL1", (rt_el1(el1_cntvct, 0) - v) >> 32, 0);
    conditions(&timers[1], 0x100000000);
    if (BITS(READ(id_aa64mmfr1_el1), 11, 8)) {
        WRITE_ISB(hcr_el2, READ(hcr_el2) | HCR_E2H);
        CHECK("E2H at EL2: no offset", READ(cntvct_el0) >= p2);
        conditions(&timers[3], 0);
        WRITE_ISB(hcr_el2, READ(hcr_el2) & ~HCR_E2H);
    }
    WRITE_ISB(cntvoff_el2, 0);
}

void test_main(void)
{
    bool vhe = BITS(READ(id_aa64mmfr1_el1), 11, 8);
    rt_el1_flat();
    CHECK("CNTFRQ is set", READ(cntfrq_el0) >= 1000000);
    u64 first = count();
    CHECK("the counter counts", (rt_delay_us(100), count()) > first);
    rt_gic_init();
    rt_cpu()->irq = on_irq;
    WRITE_ISB(hcr_el2, HCR_RW | HCR_IMO);
    for (unsigned i = 0; i < 4; i++) {
        if (i == 3 && !vhe) {
            rt_skip("CNTHV", "VHE is not announced");
            continue;
        }
        conditions(&timers[i], 0);
        fires(&timers[i]);
    }
    offset();
    access();
}
