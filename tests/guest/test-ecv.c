/*
 * FEAT_ECV: self-synchronized counters, traps of the virtual counter and timer, scaled event streams, and with FEAT_ECV_POFF the
 * physical offset. Arm ARM, "The Generic Timer in AArch64 state", CNTHCTL_EL2, CNTPOFF_EL2, CNTKCTL_EL1.
 */
#include "rt.h"

#define CNTPCTSS s3_3_c14_c0_5
#define CNTVCTSS s3_3_c14_c0_6
#define CNTPOFF_EL2 s3_4_c14_c0_6

/* CNTHCTL_EL2 with HCR_EL2.E2H clear */
#define EL1PCTEN BIT(0)
#define EL1PCEN BIT(1)
#define ECV BIT(12)
#define EL1TVT BIT(13)
#define EL1TVCT BIT(14)
#define EL1NVPCT BIT(15)
#define EL1NVVCT BIT(16)
#define EVNTIS BIT(17)
#define OPEN (EL1PCTEN | EL1PCEN)
/* CNTKCTL_EL1 */
#define EL0_ALL (BIT(9) | BIT(8) | BIT(1) | BIT(0))

#define SYS(op2, crm, read) (3u << 20 | (op2) << 17 | 3u << 14 | 14u << 10 | (crm) << 1 | (read))

PROBE(r_pct, "isb\n mrs x0, cntpct_el0");
PROBE(r_vct, "mrs x0, cntvct_el0");
PROBE(r_pctss, "mrs x0, s3_3_c14_c0_5");
PROBE(r_vctss, "mrs x0, s3_3_c14_c0_6");
PROBE(r_frq, "mrs x0, cntfrq_el0");
PROBE(r_v_ctl, "mrs x0, cntv_ctl_el0");
PROBE(w_v_ctl, "mov x0, #0\n msr cntv_ctl_el0, x0");
PROBE(r_v_cval, "mrs x0, cntv_cval_el0");
PROBE(r_v_tval, "mrs x0, cntv_tval_el0");
PROBE(r_p_ctl, "isb\n mrs x0, cntp_ctl_el0");
PROBE(w_p_cval, "msr cntp_cval_el0, x0\n isb");
PROBE(w_p_tval, "msr cntp_tval_el0, x0\n isb");
PROBE(r_p_tval, "isb\n mrs x0, cntp_tval_el0");

static void counters(void)
{
    for (unsigned i = 0; i < 100; i++) {
        ISB();
        u64 a = READ(cntpct_el0), b = READ(CNTPCTSS);
        ISB();
        u64 c = READ(cntpct_el0);
        CHECK("CNTPCTSS is the physical count", a <= b && b <= c);
        WRITE_ISB(cntvoff_el2, 1ull << 40);
        a = READ(cntvct_el0), b = READ(CNTVCTSS);
        ISB();
        c = READ(cntvct_el0);
        CHECK("CNTVCTSS is the virtual count", a <= b && b <= c);
        WRITE_ISB(cntvoff_el2, 0);
    }
    u64 before = READ(CNTVCTSS);
    WRITE_ISB(cntvoff_el2, 1ull << 40);
    u64 inside = rt_el1(r_vctss, 0) + (1ull << 40);
    CHECK("CNTVCTSS at EL1 has the offset", inside >= before && inside - before < 1ull << 36);
    WRITE_ISB(cntvoff_el2, 0);
}

static const struct Case {
    const char *name;
    u64 cnthctl, cntkctl;
    u64 (*probe)(u64);
    u64 spsr;
    u64 el; /* 0: not trapped */
    u32 iss;
} cases[] = {
    {"EL1PCTEN, CNTPCTSS", EL1PCEN, EL0_ALL, r_pctss, SPSR_EL1H, 2, SYS(5, 0, 1)},
    {"EL1PCTEN, CNTPCTSS at EL0", EL1PCEN, EL0_ALL, r_pctss, SPSR_EL0, 2, SYS(5, 0, 1)},
    {"EL1PCTEN leaves CNTVCTSS", EL1PCEN, EL0_ALL, r_vctss, SPSR_EL1H, 0, 0},
    {"EL0PCTEN, CNTPCTSS", OPEN, 0, r_pctss, SPSR_EL0, 1, SYS(5, 0, 1)},
    {"EL0VCTEN, CNTVCTSS", OPEN, 0, r_vctss, SPSR_EL0, 1, SYS(6, 0, 1)},
    {"EL0VCTEN before EL1TVCT", OPEN | EL1TVCT, 0, r_vctss, SPSR_EL0, 1, SYS(6, 0, 1)},
    {"nothing, CNTPCTSS at EL0", OPEN, EL0_ALL, r_pctss, SPSR_EL0, 0, 0},
    {"nothing, CNTVCTSS at EL0", OPEN, EL0_ALL, r_vctss, SPSR_EL0, 0, 0},
    {"EL1TVCT, CNTVCT", OPEN | EL1TVCT, EL0_ALL, r_vct, SPSR_EL1H, 2, SYS(2, 0, 1)},
    {"EL1TVCT, CNTVCTSS", OPEN | EL1TVCT, EL0_ALL, r_vctss, SPSR_EL1H, 2, SYS(6, 0, 1)},
    {"EL1TVCT, CNTVCT at EL0", OPEN | EL1TVCT, EL0_ALL, r_vct, SPSR_EL0, 2, SYS(2, 0, 1)},
    {"EL1TVCT, CNTVCTSS at EL0", OPEN | EL1TVCT, EL0_ALL, r_vctss, SPSR_EL0, 2, SYS(6, 0, 1)},
    {"EL1TVCT leaves CNTFRQ", OPEN | EL1TVCT, EL0_ALL, r_frq, SPSR_EL0, 0, 0},
    {"EL1TVCT leaves CNTPCT", OPEN | EL1TVCT, EL0_ALL, r_pct, SPSR_EL1H, 0, 0},
    {"EL1TVCT leaves CNTV_CTL", OPEN | EL1TVCT, EL0_ALL, r_v_ctl, SPSR_EL1H, 0, 0},
    {"EL1TVT, CNTV_CTL", OPEN | EL1TVT, EL0_ALL, r_v_ctl, SPSR_EL1H, 2, SYS(1, 3, 1)},
    {"EL1TVT, CNTV_CTL written", OPEN | EL1TVT, EL0_ALL, w_v_ctl, SPSR_EL1H, 2, SYS(1, 3, 0)},
    {"EL1TVT, CNTV_CVAL", OPEN | EL1TVT, EL0_ALL, r_v_cval, SPSR_EL1H, 2, SYS(2, 3, 1)},
    {"EL1TVT, CNTV_TVAL at EL0", OPEN | EL1TVT, EL0_ALL, r_v_tval, SPSR_EL0, 2, SYS(0, 3, 1)},
    {"EL0VTEN before EL1TVT", OPEN | EL1TVT, 0, r_v_tval, SPSR_EL0, 1, SYS(0, 3, 1)},
    {"EL1TVT leaves CNTVCT", OPEN | EL1TVT, EL0_ALL, r_vct, SPSR_EL1H, 0, 0},
    {"EL1TVT leaves CNTP_CTL", OPEN | EL1TVT, EL0_ALL, r_p_ctl, SPSR_EL1H, 0, 0},
    {"EL1NVPCT, EL1NVVCT without nesting", OPEN | EL1NVPCT | EL1NVVCT, EL0_ALL, r_v_ctl, SPSR_EL1H, 0, 0},
};

static void traps(void)
{
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct Case *c = &cases[i];
        WRITE(cnthctl_el2, c->cnthctl);
        WRITE_ISB(cntkctl_el1, c->cntkctl);
        const struct RtExc *exc = TRY(RT_SKIP, rt_call(c->spsr, c->probe, 0));
        if (c->el)
            rt_check_exc(WHERE, c->name, exc, c->el, 0x400, ESR(0x18, c->iss));
        else
            rt_check(!exc->count, WHERE, c->name, exc->esr, 0);
    }
    WRITE_ISB(cnthctl_el2, OPEN | EL1TVT | EL1TVCT);
    CHECK_NONE("EL2 is not trapped", TRY(RT_SKIP, (void)(READ(CNTVCTSS) + READ(cntv_ctl_el0))));
    WRITE_ISB(cnthctl_el2, OPEN);
}

static u64 at_el2(void)
{
    ISB();
    return READ(cntpct_el0);
}

static void offset(void)
{
    const u64 off = 0 - (1ull << 44); /* EL1 is ahead */
    WRITE(CNTPOFF_EL2, off);
    WRITE_ISB(cnthctl_el2, OPEN);
    u64 a = at_el2(), b = rt_el1(r_pct, 0);
    CHECK("CNTPOFF_EL2 without CNTHCTL_EL2.ECV", b - a < 1ull << 36);
    WRITE_ISB(cnthctl_el2, OPEN | ECV);
    a = at_el2();
    CHECK("CNTPOFF_EL2, CNTPCT at EL1", rt_el1(r_pct, 0) + off - a < 1ull << 36);
    CHECK("CNTPOFF_EL2, CNTPCTSS at EL1", rt_el1(r_pctss, 0) + off - a < 1ull << 36);
    WRITE_ISB(cntkctl_el1, EL0_ALL);
    CHECK("CNTPOFF_EL2, CNTPCT at EL0", rt_el0(r_pct, 0) + off - a < 1ull << 36);
    CHECK("CNTPOFF_EL2 is not for EL2", READ(CNTPCTSS) - a < 1ull << 36);
    /* the condition of the EL1 physical timer, looked at from EL1 and from EL2 */
    WRITE_ISB(cntp_ctl_el0, 3);
    rt_el1(w_p_cval, a - off + (1ull << 38));
    CHECK_EQ("CNTP condition, later", rt_el1(r_p_ctl, 0), 3);
    rt_el1(w_p_cval, a - off);
    CHECK_EQ("CNTP condition, met", rt_el1(r_p_ctl, 0), 7);
    ISB();
    CHECK_EQ("CNTP condition, met, from EL2", READ(cntp_ctl_el0), 7);
    WRITE_ISB(cnthctl_el2, OPEN);
    CHECK_EQ("CNTP condition without the offset", READ(cntp_ctl_el0), 3);
    WRITE_ISB(cnthctl_el2, OPEN | ECV);
    /* the other view knows the offset at EL1, and does not at EL2 */
    rt_el1(w_p_tval, 0x10000000);
    u64 cval = READ(cntp_cval_el0);
    a = at_el2();
    CHECK("CNTP_TVAL at EL1", a - off + 0x10000000 - cval < 1ull << 36);
    u64 tval = rt_el1(r_p_tval, 0);
    CHECK("CNTP_TVAL read at EL1", tval <= 0x10000000);
    WRITE_ISB(cntp_tval_el0, 0x10000000);
    a = at_el2();
    CHECK("CNTP_TVAL at EL2", a + 0x10000000 - READ(cntp_cval_el0) < 1ull << 36);
    WRITE(cntp_ctl_el0, 0);
    WRITE(CNTPOFF_EL2, 0);
    WRITE_ISB(cnthctl_el2, OPEN);
}

/* Events of counter bit 8 + 8 come every 2^17 counts: they end a wait, and nothing else does. */
static void stream(const char *what, u64 control, bool physical)
{
    enum { PERIOD_LOG = 17 };
    control |= EVNTIS | 8 << 4 | 1 << 2;
    if (physical)
        WRITE_ISB(cnthctl_el2, OPEN | control);
    else
        WRITE_ISB(cntkctl_el1, control);
    __asm__ volatile("sevl\n wfe");
    /* an event may end one wait and leave its mark for the next */
    u64 phase = control & BIT(3) ? 0 : BIT(PERIOD_LOG - 1), periods = 0, last = (at_el2() + phase) >> PERIOD_LOG;
    for (unsigned i = 0; i < 12; i++) {
        __asm__ volatile("wfe");
        u64 period = (at_el2() + phase) >> PERIOD_LOG;
        periods += period != last;
        last = period;
    }
    CHECK(what, periods >= 6);
    WRITE(cntkctl_el1, EL0_ALL);
    WRITE_ISB(cnthctl_el2, OPEN);
}

void test_main(void)
{
    u64 ecv = BITS(READ(id_aa64mmfr0_el1), 63, 60);
    if (!ecv) {
        CHECK_EXC("no FEAT_ECV, no CNTPCTSS_EL0", TRY(RT_SKIP, (void)READ(CNTPCTSS)), 2, 0x200, ESR(0, 0));
        WRITE_ISB(cnthctl_el2, OPEN | EL1TVT | EL1TVCT);
        CHECK_EQ("no FEAT_ECV, bits of CNTHCTL_EL2", READ(cnthctl_el2), OPEN);
        rt_skip("enhanced counter virtualization", "no FEAT_ECV");
        return;
    }
    rt_el1_flat();
    counters();
    traps();
    if (ecv >= 2)
        offset();
    stream("physical stream, rising [peer differs]", 0, true);
    stream("physical stream, falling [peer differs]", BIT(3), true);
    stream("virtual stream, rising [peer differs]", 0, false);
    stream("virtual stream, falling [peer differs]", BIT(3), false);
}
