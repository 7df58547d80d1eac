/*
 * FEAT_WFxT: WFET and WFIT give up when CNTVCT_EL0 reaches the register's value; their traps name the register. Arm ARM, WFET, WFIT,
 * "Wait for Event", "ISS encoding for an exception from a WF* instruction".
 */
#include "rt.h"

#define WFET(reg) ".inst 0xd5031000 | " #reg "\n"
#define WFIT(reg) ".inst 0xd5031020 | " #reg "\n"
#define COND (1u << 24 | 0xe << 20)
#define RV(reg) ((reg) << 5 | 1 << 2)

PROBE(wfet_x0, WFET(0));
PROBE(wfit_x0, WFIT(0));
PROBE(wfet_x7, "mov x7, x0\n" WFET(7));
PROBE(wfit_x13, "mov x13, x0\n" WFIT(13));
PROBE(wfit_zr, WFIT(31));
PROBE(wfet_zr, "sevl\n wfe\n" WFET(31));
PROBE(wfet_two, "mov x7, x0\n" WFET(7) WFET(7)); /* the first one may find the event of the exception return */
PROBE(r_vct, "isb\n mrs x0, cntvct_el0");

static u64 now(void)
{
    ISB();
    return READ(cntvct_el0);
}

static u64 ms(u64 n)
{
    return READ(cntfrq_el0) / 1000 * n;
}

/* Times out between `least` and far later, and not before. */
static void waits(const char *what, u64 (*probe)(u64), u64 spsr, u64 offset)
{
    for (unsigned i = 1; i < 4; i++) {
        u64 start = now(), until = start + ms(i) - offset;
        if (spsr)
            rt_call(spsr, probe, until);
        else
            probe(until);
        u64 end = now();
        CHECK(what, end - start < READ(cntfrq_el0) * 5);
        if (probe == wfit_x0 || probe == wfit_x13)
            CHECK(what, end - start >= ms(i));
    }
}

static void timeouts(void)
{
    WRITE_ISB(hcr_el2, HCR_RW);
    WRITE_ISB(sctlr_el1, READ(sctlr_el1) | BIT(16) | BIT(18));
    waits("WFIT at EL2", wfit_x0, 0, 0);
    waits("WFIT at EL1", wfit_x13, SPSR_EL1H, 0);
    waits("WFIT at EL0", wfit_x0, SPSR_EL0, 0);
    waits("WFET at EL2", wfet_x0, 0, 0);
    waits("WFET at EL1", wfet_two, SPSR_EL1H, 0);
    waits("WFET at EL0", wfet_two, SPSR_EL0, 0);
    /* the virtual count, with the offset that is in force */
    WRITE_ISB(cntvoff_el2, 1ull << 40);
    waits("WFIT at EL1, CNTVOFF", wfit_x0, SPSR_EL1H, 0);
    WRITE_ISB(cntvoff_el2, 0);
    u64 start = now();
    WRITE_ISB(cntvoff_el2, 0 - ms(1000));
    rt_el1(wfit_x0, start + ms(900)); /* long past in EL1's eyes */
    WRITE_ISB(cntvoff_el2, 0);
    CHECK("WFIT whose time is past, by CNTVOFF", now() - start < ms(900));
    start = now();
    rt_el1(wfit_zr, 0);
    rt_el1(wfet_zr, 0);
    CHECK("XZR is past [peer differs]", now() - start < ms(900));
}

/* An event ends WFET, a pending interrupt WFIT, long before the time. */
PROBE(sevl_wfet, "sevl\n" WFET(0));
static void wakeups(void)
{
    u64 start = now();
    sevl_wfet(start + READ(cntfrq_el0) * 600);
    WRITE(cntp_cval_el0, start);
    WRITE_ISB(cntp_ctl_el0, 1);
    rt_irq_enable(30, 0x80);
    wfit_x0(start + READ(cntfrq_el0) * 600);
    WRITE_ISB(cntp_ctl_el0, 0);
    rt_irq_disable(30);
    CHECK("woken early", now() - start < READ(cntfrq_el0) * 20);
}

static void trapped(const char *what, u64 (*probe)(u64), u64 spsr, u64 el, u32 ti, u32 reg)
{
    u64 far = now() + READ(cntfrq_el0) * 600;
    const struct RtExc *exc = TRY(RT_SKIP, rt_call(spsr, probe, far));
    CHECK_EXC(what, exc, el, el == 2 || !BITS(spsr, 3, 2) ? 0x400 : 0x200, ESR(1, COND | RV(reg) | ti));
}

static void traps(void)
{
    WRITE_ISB(hcr_el2, HCR_RW | BIT(13)); /* TWI */
    trapped("TWI, WFIT", wfit_x13, SPSR_EL1H, 2, 2, 13);
    trapped("TWI, WFIT at EL0", wfit_x0, SPSR_EL0, 2, 2, 0);
    CHECK_NONE("TWI, time is past", TRY(RT_SKIP, rt_el1(wfit_x0, 1)));
    CHECK_NONE("TWI leaves WFET", TRY(RT_SKIP, rt_el1(wfet_x0, now() + ms(1))));
    WRITE_ISB(hcr_el2, HCR_RW | BIT(14)); /* TWE */
    /* of two, the second one at least is trapped: the first one may find the event of the exception return */
    u64 far = now() + READ(cntfrq_el0) * 600;
    const struct RtExc *exc = TRY(RT_SKIP, rt_el1(wfet_two, far));
    CHECK("TWE", exc->count >= 1 && exc->count <= 2);
    CHECK_EQ("TWE", exc->esr, ESR(1, COND | RV(7) | 3));
    CHECK_NONE("TWE, time is past", TRY(RT_SKIP, rt_el1(wfet_x7, 1)));
    WRITE_ISB(hcr_el2, HCR_RW);
    u64 sctlr = READ(sctlr_el1);
    WRITE_ISB(sctlr_el1, sctlr & ~(BIT(16) | BIT(18)));
    trapped("nTWI, WFIT at EL0", wfit_x13, SPSR_EL0, 1, 2, 13);
    exc = TRY(RT_SKIP, rt_el0(wfet_two, far));
    CHECK("nTWE", exc->count >= 1 && exc->count <= 2 && exc->el == 1);
    CHECK_EQ("nTWE", exc->esr, ESR(1, COND | RV(7) | 3));
    WRITE_ISB(sctlr_el1, sctlr);
}

void test_main(void)
{
    if (BITS(READ(s3_0_c0_c6_2), 3, 0) < 2) {
        CHECK_EXC("no FEAT_WFxT, no WFIT", TRY(RT_SKIP, wfit_x0(0)), 2, 0x200, ESR(0, 0));
        rt_skip("waits with a timeout", "no FEAT_WFxT");
        return;
    }
    rt_el1_flat();
    rt_gic_init();
    timeouts();
    wakeups();
    traps();
}
