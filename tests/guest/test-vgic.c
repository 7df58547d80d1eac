/*
 * Virtual GIC CPU interface: list registers seen by EL1, EOI, hardware interrupts, priorities, maintenance, traps.
 * Arm GIC Architecture Specification, "Virtual Interrupt Handling and Prioritization".
 */
#include "gic.h"

#define LR(state, intid, priority)                                                                 \
    ((u64)(state) << 62 | BIT(60) | (u64)(priority) << 48 | (u64)(intid))
#define LR_HW(pintid) (BIT(61) | (u64)(pintid) << 32)
#define LR_EOI BIT(41)
#define LR_GROUP0(lr) ((lr) & ~BIT(60))
#define STATE(lr) ((lr) >> 62)
#define VMCR_OPEN (0xffull << 24 | 2)
#define SPURIOUS 1023
#define GUEST (SPSR_EL1H & ~0x80ull)

PROBE(g_iar1, "mrs x0, s3_0_c12_c12_0\n isb");
PROBE(g_iar0, "mrs x0, s3_0_c12_c8_0\n isb");
PROBE(g_eoir1, "msr s3_0_c12_c12_1, x0\n isb");
PROBE(g_eoir0, "msr s3_0_c12_c8_1, x0\n isb");
PROBE(g_dir, "msr s3_0_c12_c11_1, x0\n isb");
PROBE(g_hppir1, "mrs x0, s3_0_c12_c12_2");
PROBE(g_rpr, "mrs x0, s3_0_c12_c11_3");
PROBE(g_pmr_w, "msr s3_0_c4_c6_0, x0\n isb");
PROBE(g_pmr, "mrs x0, s3_0_c4_c6_0");
PROBE(g_grpen1_w, "msr s3_0_c12_c12_7, x0\n isb");
PROBE(g_sgi1r, "msr s3_0_c12_c11_5, x0");
PROBE(g_bpr1_w, "msr s3_0_c12_c12_3, x0\n isb");
PROBE(g_ctlr_w, "msr s3_0_c12_c12_4, x0\n isb");
PROBE(g_isr, "mrs x0, isr_el1");
PROBE(g_nop, "isb\n nop\n nop");
PROBE(g_ich_hcr, "mrs x0, s3_4_c12_c11_0");

static void start(void)
{
    start_with(VMCR_OPEN);
}

static u64 guest(u64 (*probe)(u64), u64 arg)
{
    u64 value = 0;
    const struct RtExc *exc = TRY(RT_SKIP, value = rt_el1(probe, arg));
    rt_check(!exc->count, WHERE, "guest ran through", exc->esr, 0);
    return value;
}

static void inject(void)
{
    start();
    CHECK_NONE("nothing injected", TRY(RT_SKIP, rt_call(GUEST, g_nop, 0)));
    WRITE_ISB(ICH_LR0_EL2, LR(1, 42, 0x80));
    CHECK_EQ("ELRSR", READ(ICH_ELRSR_EL2) & 3, 2);
    CHECK_EQ("ISR_EL1 of the guest", guest(g_isr, 0) & 0xc0, 0x80);
    CHECK_EQ("ISR_EL1 of EL2", READ(isr_el1) & 0xc0, 0);
    const struct RtExc *exc = TRY(RT_SKIP, rt_call(GUEST, g_nop, 0));
    CHECK_EQ("taken", exc->count, 1);
    CHECK_EQ("at EL1", exc->el, 1);
    CHECK_EQ("vector", exc->vector, 0x280);
    CHECK_NONE("masked", TRY(RT_SKIP, rt_call(SPSR_EL1H, g_nop, 0)));
    CHECK_EQ("HPPIR1", guest(g_hppir1, 0), 42);
    CHECK_EQ("IAR1", guest(g_iar1, 0), 42);
    CHECK_EQ("active", STATE(READ(ICH_LR0_EL2)), 2);
    CHECK_EQ("RPR", guest(g_rpr, 0), 0x80);
    u64 prebits = BITS(READ(ICH_VTR_EL2), 28, 26) + 1;
    CHECK_EQ("AP1R0", READ(ICH_AP1R0_EL2), BIT(0x80 >> (8 - prebits)));
    CHECK_EQ("nothing else", guest(g_iar1, 0), SPURIOUS);
    guest(g_eoir1, 42);
    CHECK_EQ("ended", STATE(READ(ICH_LR0_EL2)), 0);
    CHECK_EQ("RPR idle", guest(g_rpr, 0), 0xff);
    CHECK_EQ("AP1R0", READ(ICH_AP1R0_EL2), 0);
    CHECK_EQ("ELRSR", READ(ICH_ELRSR_EL2) & 3, 3);
    /* pending and active */
    WRITE_ISB(ICH_LR0_EL2, LR(1, 42, 0x80));
    guest(g_iar1, 0);
    WRITE_ISB(ICH_LR0_EL2, READ(ICH_LR0_EL2) | BIT(62));
    guest(g_eoir1, 42);
    CHECK_EQ("pending again", STATE(READ(ICH_LR0_EL2)), 1);
    CHECK_EQ("IAR1", guest(g_iar1, 0), 42);
    guest(g_eoir1, 42);
}

static void priorities(void)
{
    start();
    WRITE(ICH_LR1_EL2, LR(1, 51, 0x80));
    WRITE_ISB(ICH_LR0_EL2, LR(1, 50, 0x90));
    CHECK_EQ("highest first", guest(g_iar1, 0), 51);
    CHECK_EQ("the other waits", guest(g_iar1, 0), SPURIOUS);
    CHECK_EQ("HPPIR1", guest(g_hppir1, 0), 50);
    CHECK_EQ("no interrupt while it runs", guest(g_isr, 0) & 0xc0, 0);
    WRITE_ISB(ICH_LR2_EL2, LR(1, 52, 0x40));
    CHECK_EQ("preempts", guest(g_iar1, 0), 52);
    CHECK_EQ("RPR", guest(g_rpr, 0), 0x40);
    guest(g_eoir1, 52);
    CHECK_EQ("RPR", guest(g_rpr, 0), 0x80);
    guest(g_eoir1, 51);
    CHECK_EQ("its turn", guest(g_iar1, 0), 50);
    guest(g_eoir1, 50);
    guest(g_bpr1_w, 5);
    CHECK_EQ("VMCR.VBPR1", BITS(READ(ICH_VMCR_EL2), 20, 18), 5);
    WRITE(ICH_LR0_EL2, LR(1, 50, 0x98));
    CHECK_EQ("ack", guest(g_iar1, 0), 50);
    WRITE_ISB(ICH_LR1_EL2, LR(1, 51, 0x80));
    CHECK_EQ("same group priority", guest(g_iar1, 0), SPURIOUS);
    guest(g_eoir1, 50);
    guest(g_bpr1_w, 3);
    WRITE_ISB(ICH_LR1_EL2, 0);
    WRITE_ISB(ICH_LR0_EL2, LR(1, 50, 0x98));
    CHECK_EQ("ack", guest(g_iar1, 0), 50);
    WRITE_ISB(ICH_LR1_EL2, LR(1, 51, 0x90));
    CHECK_EQ("finer", guest(g_iar1, 0), 51);
    start();
    guest(g_pmr_w, 0x80);
    CHECK_EQ("VMCR.VPMR", BITS(READ(ICH_VMCR_EL2), 31, 24), 0x80);
    WRITE_ISB(ICH_LR0_EL2, LR(1, 50, 0x80));
    CHECK_EQ("masked by PMR", guest(g_iar1, 0), SPURIOUS);
    WRITE_ISB(ICH_VMCR_EL2, VMCR_OPEN);
    guest(g_pmr_w, 0xff);
    CHECK_EQ("PMR of the guest", guest(g_pmr, 0), (0xff << (7 - BITS(READ(ICH_VTR_EL2), 31, 29))) & 0xff);
    guest(g_grpen1_w, 0);
    CHECK_EQ("VMCR.VENG1", READ(ICH_VMCR_EL2) & 2, 0);
    CHECK_EQ("group disabled", guest(g_iar1, 0), SPURIOUS);
    guest(g_grpen1_w, 1);
    CHECK_EQ("group enabled", guest(g_iar1, 0), 50);
    start();
    WRITE_ISB(ICH_LR0_EL2, LR(1, 50, 0x80));
    WRITE_ISB(ICH_HCR_EL2, 0);
    CHECK_EQ("ICH_HCR.En clear", guest(g_isr, 0) & 0xc0, 0);
}

static void group0(void)
{
    start();
    WRITE_ISB(ICH_VMCR_EL2, VMCR_OPEN | 1);
    WRITE_ISB(ICH_LR0_EL2, LR_GROUP0(LR(1, 60, 0x80)));
    const struct RtExc *exc = TRY(RT_SKIP, rt_call(SPSR_EL1H & ~0x40ull, g_nop, 0));
    CHECK_EQ("group 0 is an FIQ", exc->count ? exc->vector : 0, 0x300);
    CHECK_EQ("not for IAR1", guest(g_iar1, 0), SPURIOUS);
    CHECK_EQ("IAR0", guest(g_iar0, 0), 60);
    CHECK("AP0R0", READ(ICH_AP0R0_EL2) != 0);
    guest(g_eoir0, 60);
    CHECK_EQ("ended", STATE(READ(ICH_LR0_EL2)), 0);
}

static void split_eoi(void)
{
    start();
    guest(g_ctlr_w, 2);
    CHECK_EQ("VMCR.VEOIM", BITS(READ(ICH_VMCR_EL2), 9, 9), 1);
    WRITE_ISB(ICH_LR0_EL2, LR(1, 70, 0x80));
    CHECK_EQ("IAR1", guest(g_iar1, 0), 70);
    guest(g_eoir1, 70);
    CHECK_EQ("priority dropped", guest(g_rpr, 0), 0xff);
    CHECK_EQ("still active", STATE(READ(ICH_LR0_EL2)), 2);
    guest(g_dir, 70);
    CHECK_EQ("deactivated", STATE(READ(ICH_LR0_EL2)), 0);
}

/* A timer interrupt handed to the guest: its EOI deactivates the physical one. */
static void hardware(void)
{
    start();
    rt_irq_enable(27, 0x80);
    WRITE_ISB(ICC_CTLR_EL1, READ(ICC_CTLR_EL1) | 2);
    WRITE_ISB(cntv_cval_el0, 0);
    WRITE_ISB(cntv_ctl_el0, 1);
    u64 intid = SPURIOUS;
    for (unsigned i = 0; i < 20000 && intid == SPURIOUS; i++)
        intid = READ(ICC_IAR1_EL1);
    CHECK_EQ("timer", intid, 27);
    WRITE_ISB(ICC_EOIR1_EL1, 27);
    WRITE_ISB(cntv_ctl_el0, 0);
    CHECK("active", io_read(rt_gicr() + 0x300) >> 27 & 1);
    WRITE_ISB(ICH_LR0_EL2, LR(1, 27, 0x80) | LR_HW(27));
    CHECK_EQ("IAR1", guest(g_iar1, 0), 27);
    CHECK("still active", io_read(rt_gicr() + 0x300) >> 27 & 1);
    guest(g_eoir1, 27);
    DSB();
    CHECK_EQ("deactivated", io_read(rt_gicr() + 0x300) >> 27 & 1, 0);
    CHECK_EQ("list register is free", STATE(READ(ICH_LR0_EL2)), 0);
    WRITE_ISB(ICC_CTLR_EL1, READ(ICC_CTLR_EL1) & ~2ull);
    rt_irq_disable(27);
}

static bool maintenance(void)
{
    for (unsigned i = 0; i < 1000; i++)
        if (io_read(rt_gicr() + 0x200) >> 25 & 1)
            return true;
    return false;
}

static void maintained(void)
{
    start();
    WRITE_ISB(ICH_LR0_EL2, LR(1, 42, 0x80) | LR_EOI);
    guest(g_iar1, 0);
    CHECK_EQ("no MISR yet", READ(ICH_MISR_EL2), 0);
    CHECK_EQ("PPI 25 is low", maintenance(), false);
    guest(g_eoir1, 42);
    CHECK_EQ("MISR.EOI", READ(ICH_MISR_EL2), 1);
    CHECK_EQ("EISR", READ(ICH_EISR_EL2), 1);
    CHECK_EQ("ELRSR: EOI keeps it from being free", READ(ICH_ELRSR_EL2) & 1, 0);
    CHECK_EQ("PPI 25", maintenance(), true);
    rt_irq_enable(25, 0x40);
    const struct RtExc *exc = TRY(RT_SKIP, rt_call(SPSR_EL1H, g_nop, 0));
    CHECK_EQ("maintenance interrupt comes to EL2", exc->count == 1 && exc->el == 2 ? exc->vector : 0, 0x480);
    WRITE_ISB(hcr_el2, HCR_RW | HCR_IMO | HCR_FMO);
    CHECK_EQ("INTID", READ(ICC_IAR1_EL1), 25);
    WRITE_ISB(ICH_LR0_EL2, 0);
    WRITE_ISB(ICC_EOIR1_EL1, 25);
    CHECK_EQ("gone", READ(ICH_MISR_EL2), 0);
    CHECK_EQ("PPI 25 is low", maintenance(), false);
    rt_irq_disable(25);
    WRITE_ISB(ICH_HCR_EL2, 1 | BIT(1));
    CHECK_EQ("MISR.U: none valid", READ(ICH_MISR_EL2), 2);
    WRITE_ISB(ICH_LR0_EL2, LR(1, 42, 0x80));
    CHECK_EQ("MISR.U: one valid", READ(ICH_MISR_EL2), 2);
    WRITE_ISB(ICH_LR1_EL2, LR(1, 43, 0x80));
    CHECK_EQ("MISR.U: two valid", READ(ICH_MISR_EL2), 0);
    WRITE_ISB(ICH_HCR_EL2, 1 | BIT(3));
    CHECK_EQ("MISR.NP: two pending", READ(ICH_MISR_EL2), 0);
    WRITE(ICH_LR0_EL2, 0);
    WRITE_ISB(ICH_LR1_EL2, 0);
    CHECK_EQ("MISR.NP: none pending", READ(ICH_MISR_EL2), 8);
    WRITE_ISB(ICH_HCR_EL2, 1 | BIT(6));
    CHECK_EQ("MISR.VGrp1E", READ(ICH_MISR_EL2), 64);
    WRITE_ISB(ICH_HCR_EL2, 1 | BIT(7));
    CHECK_EQ("MISR.VGrp1D, enabled", READ(ICH_MISR_EL2), 0);
    guest(g_grpen1_w, 0);
    CHECK_EQ("MISR.VGrp1D", READ(ICH_MISR_EL2), 128);
    /* EOI of what is in no list register */
    start();
    WRITE_ISB(ICH_LR0_EL2, LR(1, 44, 0x80));
    guest(g_iar1, 0);
    WRITE_ISB(ICH_LR0_EL2, 0);
    WRITE_ISB(ICH_HCR_EL2, 1 | BIT(2));
    CHECK_EQ("MISR.LRENP clear", READ(ICH_MISR_EL2), 0);
    guest(g_eoir1, 44);
    CHECK_EQ("EOIcount", READ(ICH_HCR_EL2) >> 27 & 31, 1);
    CHECK_EQ("MISR.LRENP", READ(ICH_MISR_EL2), 4);
    WRITE_ISB(ICH_HCR_EL2, 0);
    CHECK_EQ("disabled: nothing", READ(ICH_MISR_EL2), 0);
}

static void trapped(const char *what, u64 (*probe)(u64), u32 crn, u32 crm, u32 op2, u32 read)
{
    const struct RtExc *exc = TRY(RT_SKIP, rt_el1(probe, 0));
    CHECK_EXC(what, exc, 2, 0x400, ESR(0x18, 3u << 20 | op2 << 17 | crn << 10 | crm << 1 | read));
}

static void traps(void)
{
    start();
    trapped("SGI1R with IMO", g_sgi1r, 12, 11, 5, 0);
    WRITE_ISB(ICH_HCR_EL2, 1 | BIT(12));
    trapped("TALL1: IAR1", g_iar1, 12, 12, 0, 1);
    trapped("TALL1: EOIR1", g_eoir1, 12, 12, 1, 0);
    trapped("TALL1: IGRPEN1", g_grpen1_w, 12, 12, 7, 0);
    CHECK_EQ("TALL1 leaves PMR", guest(g_pmr, 0) != 0, 1);
    WRITE_ISB(ICH_HCR_EL2, 1 | BIT(11));
    trapped("TALL0: IAR0", g_iar0, 12, 8, 0, 1);
    CHECK_EQ("TALL0 leaves IAR1", guest(g_iar1, 0), SPURIOUS);
    WRITE_ISB(ICH_HCR_EL2, 1 | BIT(10));
    trapped("TC: PMR", g_pmr, 4, 6, 0, 1);
    trapped("TC: RPR", g_rpr, 12, 11, 3, 1);
    trapped("TC: CTLR", g_ctlr_w, 12, 12, 4, 0);
    trapped("TC: DIR", g_dir, 12, 11, 1, 0);
    if (BITS(READ(ICH_VTR_EL2), 19, 19)) {
        WRITE_ISB(ICH_HCR_EL2, 1 | BIT(14));
        trapped("TDIR: DIR", g_dir, 12, 11, 1, 0);
        CHECK_EQ("TDIR leaves PMR", guest(g_pmr, 0) != 0, 1);
    } else {
        rt_skip("ICH_HCR_EL2.TDIR", "not announced");
    }
    WRITE_ISB(ICH_HCR_EL2, 1);
    const struct RtExc *exc = TRY(RT_SKIP, rt_el1(g_ich_hcr, 0));
    CHECK_EXC("ICH_HCR_EL2 at EL1", exc, 1, 0x200, ESR(0, 0));
    WRITE_ISB(hcr_el2, HCR_RW);
}

void test_main(void)
{
    rt_el1_flat();
    rt_gic_init();
    CHECK("at least four list registers", BITS(READ(ICH_VTR_EL2), 4, 0) >= 3);
    inject();
    priorities();
    group0();
    split_eoi();
    hardware();
    maintained();
    traps();
}
