/*
 * FEAT_GICv3_NMI: interrupts with the non-maskable property, physical and virtual: GICR_INMIR0, GICD_INMIR<n>, ICC_NMIAR1_EL1,
 * INTID 1022, Superpriority in arbitration, preemption and masking, ICC_RPR_EL1.NMI, ICC_AP1R0_EL1.NMI, ICH_LR<n>_EL2.NMI.
 * Arm GIC Architecture Specification, "Non-maskable interrupts" and these registers; Arm ARM, "Asynchronous exception masking".
 */
#include "gic.h"

#define ALLINT s3_0_c4_c3_0
#define ICC_NMIAR1_EL1 s3_0_c12_c9_5
#define SCTLR_NMI BIT(61)
#define SPINTMASK BIT(62)
#define MASKED 0x2000u
#define AP_NMI BIT(63)
#define INMIR 0xf80
#define SPI 90
#define SPURIOUS 1023
#define USE_NMIAR 1022
#define LR(state, intid, priority) ((u64)(state) << 62 | BIT(60) | (u64)(priority) << 48 | (u64)(intid))
#define LR_NMI BIT(59)
#define STATE(lr) ((lr) >> 62)
#define VMCR_CLOSED 2 /* Group 1 enabled, VPMR 0: every priority is masked */

PROBE(r_isr, "mrs x0, isr_el1");
PROBE(r_iar1, "mrs x0, s3_0_c12_c12_0\n isb");
PROBE(r_nmiar1, "mrs x0, s3_0_c12_c9_5\n isb");
PROBE(r_hppir1, "mrs x0, s3_0_c12_c12_2");
PROBE(r_rpr, "mrs x0, s3_0_c12_c11_3");
PROBE(w_eoir1, "msr s3_0_c12_c12_1, x0\n isb");
PROBE(r_ap1r0, "mrs x0, s3_0_c12_c9_0");
PROBE(w_ap1r0, "msr s3_0_c12_c9_0, x0\n isb");
PROBE(nothing, "isb\n nop\n nop");

static u64 sctlr2, sctlr1;

static u32 redist(u64 offset) { return io_read(rt_gicr() + offset); }

static void eoi(u64 intid)
{
    WRITE_ISB(ICC_EOIR1_EL1, intid);
    DSB();
}

static void make_nmi(unsigned intid, bool nmi)
{
    u64 at = (intid < 32 ? rt_gicr() : GICD_BASE) + INMIR + intid / 32 * 4;
    u32 bit = 1u << (intid & 31), old = io_read(at);
    io_write(at, nmi ? old | bit : old & ~bit);
    DSB();
}

static void nmi_mode(bool on)
{
    WRITE_ISB(sctlr_el2, on ? sctlr2 | SCTLR_NMI : sctlr2);
}

static void registers(void)
{
    io_write(rt_gicr() + 0x80, ~1u); /* SGI 0 is of Group 0 */
    io_write(rt_gicr() + INMIR, ~0u);
    CHECK_EQ("GICR_INMIR0, RES0 in Group 0 [peer differs]", redist(INMIR), ~1u);
    io_write(rt_gicr() + INMIR, 0);
    CHECK_EQ("GICR_INMIR0", redist(INMIR), 0);
    io_write(rt_gicr() + 0x80, ~0u);
    CHECK_EQ("GICR_INMIR0", redist(INMIR), 0);
    io_write(GICD_BASE + INMIR, ~0u);
    CHECK_EQ("GICD_INMIR0 is the redistributors' [peer differs]", io_read(GICD_BASE + INMIR), 0);
    make_nmi(SPI, true);
    CHECK_EQ("GICD_INMIR2, Group 0 [peer differs]", io_read(GICD_BASE + INMIR + 8), 0);
    make_nmi(SPI, false);
    CHECK_EQ("ICC_NMIAR1_EL1, nothing pending", READ(ICC_NMIAR1_EL1), SPURIOUS);
    WRITE_ISB(ICC_AP1R0_EL1, ~0ull);
    CHECK_EQ("ICC_AP1R0_EL1", READ(ICC_AP1R0_EL1), AP_NMI | 0xffffffff);
    WRITE_ISB(ICC_AP0R0_EL1, ~0ull);
    CHECK_EQ("ICC_AP0R0_EL1 has no NMI [peer differs]", READ(ICC_AP0R0_EL1), 0xffffffff);
    WRITE(ICC_AP0R0_EL1, 0);
    WRITE_ISB(ICC_AP1R0_EL1, 0);
}

/* Acknowledged as others are while SCTLR_EL2.NMI is 0, but above all priorities. */
static void by_iar(void)
{
    rt_irq_enable(3, 0xf0);
    make_nmi(3, true);
    CHECK_EQ("INMIR", redist(INMIR), 8);
    WRITE_ISB(ICC_PMR_EL1, 0);
    sgi(3);
    CHECK("HPPIR1 names it", offered(3));
    CHECK_EQ("no PMR masks it: ISR_EL1.{IS,I}", READ(isr_el1) & 0x7c0, BIT(10) | BIT(7));
    CHECK_EQ("IAR1", READ(ICC_IAR1_EL1), 3);
    CHECK_EQ("AP1R0", READ(ICC_AP1R0_EL1), AP_NMI);
    CHECK_EQ("RPR [peer differs]", READ(ICC_RPR_EL1), AP_NMI);
    CHECK_EQ("RPR.Priority", READ(ICC_RPR_EL1) & 0xff, 0);
    sgi(3);
    eoi(3);
    CHECK_EQ("priority dropped", READ(ICC_AP1R0_EL1), 0);
    CHECK("again", offered(3));
    CHECK_EQ("NMIAR1", READ(ICC_NMIAR1_EL1), 3);
    eoi(3);
    CHECK_EQ("idle", READ(ICC_RPR_EL1), 0xff);
    WRITE_ISB(ICC_PMR_EL1, 0xff);
}

static void by_nmiar(void)
{
    WRITE_ISB(ALLINT, MASKED);
    nmi_mode(true);
    rt_irq_enable(1, 0x00);
    rt_irq_enable(5, 0x00);
    make_nmi(5, true);
    sgi(1);
    CHECK("offered", offered(1));
    CHECK_EQ("NMIAR1 leaves a maskable one alone", READ(ICC_NMIAR1_EL1), SPURIOUS);
    CHECK_EQ("ISR_EL1", READ(isr_el1) & 0x7c0, BIT(7));
    sgi(3);
    CHECK("above priority 0 and a lower INTID", offered(3));
    CHECK_EQ("IAR1", READ(ICC_IAR1_EL1), USE_NMIAR);
    CHECK_EQ("and it is pending still", READ(ICC_HPPIR1_EL1), 3);
    CHECK_EQ("NMIAR1", READ(ICC_NMIAR1_EL1), 3);
    CHECK("the other", offered(1));
    CHECK_EQ("waits", READ(ICC_IAR1_EL1), SPURIOUS);
    eoi(3);
    CHECK_EQ("its turn", READ(ICC_IAR1_EL1), 1);
    CHECK_EQ("RPR", READ(ICC_RPR_EL1), 0);
    sgi(3);
    CHECK("offered", offered(3));
    CHECK_EQ("preempts priority 0", READ(ICC_NMIAR1_EL1), 3);
    CHECK_EQ("both are active", READ(ICC_AP1R0_EL1), AP_NMI | 1);
    sgi(5);
    CHECK("offered", offered(5));
    CHECK_EQ("does not preempt another one", READ(ICC_NMIAR1_EL1), SPURIOUS);
    CHECK_EQ("does not preempt another one", READ(isr_el1) & 0x7c0, 0);
    eoi(3);
    CHECK_EQ("EOIR drops the NMI first", READ(ICC_AP1R0_EL1), 1);
    CHECK_EQ("then the next", READ(ICC_NMIAR1_EL1), 5);
    eoi(5);
    eoi(1);
    CHECK_EQ("idle", READ(ICC_RPR_EL1), 0xff);
    make_nmi(5, false);
    rt_irq_disable(1);
    rt_irq_disable(5);
    nmi_mode(false);
    WRITE_ISB(ALLINT, 0);
}

static void spi(void)
{
    u64 cfg = GICD_BASE + 0xc00 + SPI / 16 * 4;
    io_write(cfg, io_read(cfg) | 2u << (SPI % 16 * 2));
    rt_irq_enable(SPI, 0xf0);
    rt_irq_enable(1, 0x00);
    make_nmi(SPI, true);
    CHECK_EQ("GICD_INMIR2", io_read(GICD_BASE + INMIR + 8), 1u << (SPI & 31));
    sgi(1);
    io_write(GICD_BASE + 0x200 + SPI / 32 * 4, 1u << (SPI & 31));
    CHECK("an SPI comes first", offered(SPI));
    make_nmi(SPI, false);
    CHECK("and no longer", offered(1));
    make_nmi(SPI, true);
    CHECK("again", offered(SPI));
    CHECK_EQ("NMIAR1", READ(ICC_NMIAR1_EL1), SPI);
    eoi(SPI);
    CHECK_EQ("IAR1", READ(ICC_IAR1_EL1), 1);
    eoi(1);
    make_nmi(SPI, false);
    rt_irq_disable(SPI);
    rt_irq_disable(1);
}

static u64 taken, acknowledged, vector, level;

static bool on_interrupt(struct RtFrame *f)
{
    taken++;
    vector = f->vector;
    level = f->el;
    acknowledged = READ(ICC_NMIAR1_EL1);
    if (acknowledged == SPURIOUS)
        acknowledged = READ(ICC_IAR1_EL1);
    WRITE_ISB(ICC_EOIR1_EL1, acknowledged);
    DSB();
    return true;
}

/* At EL2, with PSTATE.I set. */
static const struct Case {
    const char *name;
    u64 sctlr, allint;
    bool nmi, taken;
} cases[] = {
    {"EL2, NMI 0: I masks", 0, 0, true, false},
    {"EL2, NMI 1: I does not mask", SCTLR_NMI, 0, true, true},
    {"EL2, NMI 1: I masks one without Superpriority", SCTLR_NMI, 0, false, false},
    {"EL2, NMI 1: ALLINT masks", SCTLR_NMI, MASKED, true, false},
    {"EL2, SPINTMASK: SP_EL2 masks", SCTLR_NMI | SPINTMASK, 0, true, false},
    {"EL2, SPINTMASK alone", SPINTMASK, 0, true, false},
};

static void masks(void)
{
    WRITE_ISB(hcr_el2, HCR_RW | HCR_IMO);
    rt_cpu()->irq = on_interrupt;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct Case *c = &cases[i];
        make_nmi(3, c->nmi);
        WRITE_ISB(ALLINT, MASKED);
        WRITE_ISB(sctlr_el2, sctlr2 | c->sctlr);
        taken = 0;
        sgi(3);
        CHECK("pending", offered(3));
        WRITE_ISB(ALLINT, c->allint);
        ISB();
        WRITE_ISB(ALLINT, MASKED);
        CHECK_EQ(c->name, taken, c->taken);
        if (taken && c->taken) {
            CHECK_EQ(c->name, vector, 0x280);
            CHECK_EQ(c->name, acknowledged, 3);
        } else {
            CHECK_EQ("still there", READ(ICC_HPPIR1_EL1), 3);
            nmi_mode(false);
            eoi(READ(ICC_IAR1_EL1));
        }
    }
    WRITE_ISB(ALLINT, 0);
    nmi_mode(false);
    make_nmi(3, true);
}

static void lower(const char *what, u64 hcr, u64 sctlr, u64 spsr, u64 el)
{
    WRITE(hcr_el2, HCR_RW | hcr);
    WRITE_ISB(sctlr_el1, sctlr1 | sctlr);
    taken = 0;
    sgi(3);
    CHECK("pending", offered(3));
    rt_call(spsr, nothing, 0);
    CHECK_EQ(what, taken, el != 0);
    if (taken && el) {
        CHECK_EQ(what, level, el);
        CHECK_EQ(what, vector, el == 1 && (spsr & 0xf) == 5 ? 0x280 : 0x480);
        CHECK_EQ(what, acknowledged, 3);
    } else if (!taken) {
        eoi(READ(ICC_IAR1_EL1));
    }
    WRITE(sctlr_el1, sctlr1);
    WRITE_ISB(hcr_el2, HCR_RW);
}

static void targets(void)
{
    lower("to EL1, NMI 0: I masks", 0, 0, SPSR_EL1H, 0);
    lower("to EL1, NMI 1: I does not mask", 0, SCTLR_NMI, SPSR_EL1H, 1);
    lower("to EL1, NMI 1: ALLINT masks", 0, SCTLR_NMI, SPSR_EL1H | MASKED, 0);
    lower("to EL1, SPINTMASK masks", 0, SCTLR_NMI | SPINTMASK, SPSR_EL1H, 0);
    lower("EL0 to EL1, NMI 0: I masks", 0, 0, SPSR_EL0, 0);
    lower("EL0 to EL1, NMI 1: I does not mask", 0, SCTLR_NMI, SPSR_EL0, 1);
    lower("EL1 to EL2: nothing masks", HCR_IMO, 0, SPSR_EL1H, 2);
    rt_cpu()->irq = 0;
    make_nmi(3, false);
    rt_irq_disable(3);
}

/* --- the virtual interface ----------------------------------------------------------------------- */

static void start(u64 sctlr)
{
    WRITE(sctlr_el1, sctlr1 | sctlr);
    WRITE(ICH_AP1R0_EL2, 0);
    WRITE(ICH_AP0R0_EL2, 0);
    WRITE(ICH_LR0_EL2, 0);
    WRITE(ICH_LR1_EL2, 0);
    WRITE(ICH_VMCR_EL2, VMCR_CLOSED);
    WRITE_ISB(ICH_HCR_EL2, 1);
    WRITE_ISB(hcr_el2, HCR_RW | HCR_IMO | HCR_FMO);
}

/* With ALLINT set, that nothing is taken. */
static u64 guest(u64 (*probe)(u64), u64 arg)
{
    return rt_call(SPSR_EL1H | MASKED, probe, arg);
}

static void virtual_by_iar(void)
{
    start(0);
    WRITE_ISB(ICH_LR0_EL2, LR(1, 42, 0) | LR_NMI);
    CHECK_EQ("LR.NMI", READ(ICH_LR0_EL2), LR(1, 42, 0) | LR_NMI);
    CHECK_EQ("ISR_EL1.{IS,I} of the guest", guest(r_isr, 0) & 0x7c0, BIT(10) | BIT(7));
    CHECK_EQ("ISR_EL1 of EL2", READ(isr_el1) & 0x7c0, 0);
    CHECK_EQ("IAR1", guest(r_iar1, 0), 42);
    CHECK_EQ("active", STATE(READ(ICH_LR0_EL2)), 2);
    CHECK_EQ("AP1R0", READ(ICH_AP1R0_EL2), AP_NMI);
    CHECK_EQ("RPR", guest(r_rpr, 0), AP_NMI);
    CHECK_EQ("AP1R0 of the guest", guest(r_ap1r0, 0), AP_NMI);
    guest(w_eoir1, 42);
    CHECK_EQ("ended", STATE(READ(ICH_LR0_EL2)), 0);
    CHECK_EQ("AP1R0", READ(ICH_AP1R0_EL2), 0);
    guest(w_ap1r0, ~0ull);
    CHECK_EQ("AP1R0 by the guest", READ(ICH_AP1R0_EL2), AP_NMI | 0xffffffff);
}

static void virtual_by_nmiar(void)
{
    start(SCTLR_NMI);
    WRITE_ISB(ICH_LR1_EL2, LR(1, 43, 0));
    CHECK_EQ("NMIAR1, a maskable one", guest(r_nmiar1, 0), SPURIOUS);
    CHECK_EQ("pending still", STATE(READ(ICH_LR1_EL2)), 1);
    WRITE_ISB(ICH_LR0_EL2, LR(1, 42, 0) | LR_NMI);
    CHECK_EQ("HPPIR1", guest(r_hppir1, 0), 42);
    CHECK_EQ("IAR1", guest(r_iar1, 0), USE_NMIAR);
    CHECK_EQ("pending still", STATE(READ(ICH_LR0_EL2)), 1);
    CHECK_EQ("NMIAR1", guest(r_nmiar1, 0), 42);
    CHECK_EQ("active", STATE(READ(ICH_LR0_EL2)), 2);
    WRITE_ISB(ICH_VMCR_EL2, VMCR_CLOSED | 0xffull << 24);
    CHECK_EQ("priority 0 does not preempt it", guest(r_iar1, 0), SPURIOUS);
    CHECK_EQ("no interrupt meanwhile", guest(r_isr, 0) & 0x7c0, 0);
    guest(w_eoir1, 42);
    CHECK_EQ("ended", STATE(READ(ICH_LR0_EL2)), 0);
    CHECK_EQ("its turn", guest(r_iar1, 0), 43);
    WRITE_ISB(ICH_LR0_EL2, LR(1, 44, 0) | LR_NMI);
    CHECK_EQ("preempts priority 0", guest(r_nmiar1, 0), 44);
    CHECK_EQ("both", READ(ICH_AP1R0_EL2), AP_NMI | 1);
    guest(w_eoir1, 44);
    CHECK_EQ("the NMI first", READ(ICH_AP1R0_EL2), 1);
    guest(w_eoir1, 43);
    CHECK_EQ("idle", guest(r_rpr, 0), 0xff);
    WRITE(ICH_LR0_EL2, LR(1, 42, 0xf0) | LR_NMI);
    WRITE_ISB(ICH_LR1_EL2, LR(1, 43, 0x10));
    CHECK_EQ("LR.Priority of an NMI does not count [peer differs]", guest(r_hppir1, 0), 42);
}

static void virtual_masks(void)
{
    rt_cpu()->irq = on_interrupt;
    for (unsigned i = 0; i < 4; i++) {
        bool nmi = i & 1, enabled = i & 2;
        start(enabled ? SCTLR_NMI : 0);
        WRITE(ICH_VMCR_EL2, VMCR_CLOSED | 0xffull << 24);
        WRITE_ISB(ICH_LR0_EL2, LR(1, 42, 0) | (nmi ? LR_NMI : 0));
        taken = 0;
        rt_call(SPSR_EL1H, nothing, 0);
        CHECK_EQ("a virtual one, PSTATE.I set", taken, nmi && enabled);
        if (taken) {
            CHECK_EQ("vector", vector, 0x280);
            CHECK_EQ("at EL1", level, 1);
            CHECK_EQ("acknowledged", acknowledged, 42);
        }
    }
    rt_cpu()->irq = 0;
    start(0);
    WRITE_ISB(ICH_HCR_EL2, 1 | BIT(12));
    const struct RtExc *exc = TRY(RT_SKIP, rt_el1(r_nmiar1, 0));
    CHECK_EXC("TALL1", exc, 2, 0x400, ESR(0x18, 3u << 20 | 5 << 17 | 12 << 10 | 9 << 1 | 1));
    WRITE(ICH_HCR_EL2, 0);
    WRITE(sctlr_el1, sctlr1);
    WRITE_ISB(hcr_el2, HCR_RW);
}

void test_main(void)
{
    if (!BITS(READ(id_aa64pfr1_el1), 39, 36)) {
        CHECK_EXC("no FEAT_NMI, no ICC_NMIAR1_EL1", TRY(RT_SKIP, (void)READ(ICC_NMIAR1_EL1)), 2, 0x200, ESR(0, 0));
        CHECK_EQ("GICD_TYPER.NMI", BITS(io_read(GICD_BASE + 4), 9, 9), 0);
        rt_skip("non-maskable interrupts", "no FEAT_NMI");
        return;
    }
    rt_el1_flat();
    rt_gic_init();
    sctlr2 = READ(sctlr_el2);
    sctlr1 = READ(sctlr_el1);
    if (CHECK_EQ("GICD_TYPER.NMI", BITS(io_read(GICD_BASE + 4), 9, 9), 1)) {
        registers();
        by_iar();
        by_nmiar();
        spi();
        masks();
        targets();
    }
    virtual_by_iar();
    virtual_by_nmiar();
    virtual_masks();
}
