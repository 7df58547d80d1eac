/*
 * GICv3: SGIs, PPIs, SPIs, priorities, preemption, EOImode, groups, routing to EL1 and EL2, virtual interrupts by HCR_EL2.
 * Arm GIC Architecture Specification, "Interrupt Handling and Prioritization"; Arm ARM, "Asynchronous exception routing".
 */
#include "gic.h"

#define SPI 90
#define SPURIOUS 1023

static u32 redist(u64 offset) { return io_read(rt_gicr() + offset); }
static u32 dist(u64 offset) { return io_read(GICD_BASE + offset); }
/* The interface sees a change of distributor or redistributor after a while. */
static u64 ack(void)
{
    u64 intid = SPURIOUS;
    for (unsigned i = 0; i < 20000 && intid == SPURIOUS; i++) {
        intid = READ(ICC_IAR1_EL1);
        DSB();
    }
    return intid;
}

static void eoi(u64 intid)
{
    WRITE_ISB(ICC_EOIR1_EL1, intid);
    DSB();
}

static bool soon(u32 (*read)(u64), u64 offset, u32 mask, u32 want)
{
    for (unsigned i = 0; i < 20000; i++)
        if ((read(offset) & mask) == want)
            return true;
    return false;
}

static void identity(void)
{
    CHECK_EQ("GICD_PIDR2.ArchRev", BITS(dist(0xffe8), 7, 4), 3);
    CHECK_EQ("GICR_PIDR2.ArchRev", BITS(io_read(rt_gicr() - 0x10000 + 0xffe8), 7, 4), 3);
    CHECK("GICD_TYPER has the SPI", (BITS(dist(4), 4, 0) + 1) * 32 > SPI);
    CHECK_EQ("ICC_SRE_EL1.SRE", READ(ICC_SRE_EL1) & 1, 1);
    CHECK_EQ("ICC_SRE_EL2.SRE sticks", READ(ICC_SRE_EL2) & 1, 1);
    CHECK_EQ("idle priority", READ(ICC_RPR_EL1), 0xff);
    CHECK_EQ("nothing pending", READ(ICC_IAR1_EL1), SPURIOUS);
    CHECK_EQ("nothing pending", READ(ICC_HPPIR1_EL1), SPURIOUS);
    CHECK_EQ("GICR_TYPER names the CPU", io_read(rt_gicr() - 0x10000 + 0xc), READ(mpidr_el1) & 0xffffff);
    CHECK_EQ("unsigned word past the end reads", dist(0xc000), 0);
}

static void self_sgi(void)
{
    rt_irq_enable(3, 0xa0);
    sgi(3);
    CHECK("SGI pending", soon(redist, 0x200, 8, 8));
    CHECK_EQ("HPPIR1", READ(ICC_HPPIR1_EL1), 3);
    CHECK_EQ("acknowledged", ack(), 3);
    CHECK_EQ("running priority", READ(ICC_RPR_EL1), 0xa0);
    CHECK("active", soon(redist, 0x300, 8, 8));
    CHECK("not pending", soon(redist, 0x200, 8, 0));
    sgi(3);
    CHECK("active and pending", soon(redist, 0x200, 8, 8));
    CHECK_EQ("an active one is not signalled", READ(ICC_IAR1_EL1), SPURIOUS);
    eoi(3);
    CHECK_EQ("again", ack(), 3);
    eoi(3);
    CHECK_EQ("idle priority", READ(ICC_RPR_EL1), 0xff);
    CHECK("inactive", soon(redist, 0x300, 8, 0));
    rt_irq_disable(3);
    sgi(3);
    CHECK_EQ("disabled", READ(ICC_IAR1_EL1), SPURIOUS);
    CHECK("but pending", soon(redist, 0x200, 8, 8));
    io_write(rt_gicr() + 0x280, 8);
    CHECK("ICPENDR", soon(redist, 0x200, 8, 0));
}

static void priorities(void)
{
    rt_irq_enable(1, 0x90);
    rt_irq_enable(2, 0x50);
    rt_irq_enable(5, 0xc0);
    WRITE_ISB(ICC_PMR_EL1, 0x90);
    sgi(1);
    CHECK("pending", soon(redist, 0x200, 2, 2));
    CHECK_EQ("PMR equal to the priority masks", READ(ICC_IAR1_EL1), SPURIOUS);
    WRITE_ISB(ICC_PMR_EL1, 0x98);
    CHECK_EQ("PMR above", ack(), 1);
    sgi(5);
    sgi(2);
    CHECK_EQ("preempts", ack(), 2);
    CHECK_EQ("running priority", READ(ICC_RPR_EL1), 0x50);
    WRITE_ISB(ICC_PMR_EL1, 0xff);
    CHECK_EQ("lower priority waits", READ(ICC_IAR1_EL1), SPURIOUS);
    eoi(2);
    CHECK_EQ("back to the first", READ(ICC_RPR_EL1), 0x90);
    CHECK_EQ("lower priority waits", READ(ICC_IAR1_EL1), SPURIOUS);
    eoi(1);
    CHECK_EQ("its turn", ack(), 5);
    eoi(5);
    sgi(5);
    sgi(1);
    sgi(2);
    CHECK("all pending", soon(redist, 0x200, 0x26, 0x26));
    CHECK_EQ("highest first", ack(), 2);
    eoi(2);
    CHECK_EQ("then", ack(), 1);
    eoi(1);
    CHECK_EQ("then", ack(), 5);
    eoi(5);
    io_write8(rt_gicr() + 0x401, 0xff);
    u64 bits = BITS(READ(ICC_CTLR_EL1), 10, 8) + 1;
    CHECK_EQ("implemented priority bits [peer differs]", io_read(rt_gicr() + 0x400) >> 8 & 0xff, (0xff << (8 - bits)) & 0xff);
}

static void binary_point(void)
{
    rt_irq_enable(1, 0x88);
    rt_irq_enable(2, 0x80);
    WRITE_ISB(ICC_BPR1_EL1, 4);
    CHECK_EQ("BPR1", READ(ICC_BPR1_EL1), 4);
    sgi(1);
    CHECK_EQ("first", ack(), 1);
    sgi(2);
    CHECK("pending", soon(redist, 0x200, 4, 4));
    CHECK_EQ("same group priority: no preemption", READ(ICC_IAR1_EL1), SPURIOUS);
    eoi(1);
    CHECK_EQ("then", ack(), 2);
    eoi(2);
    WRITE_ISB(ICC_BPR1_EL1, 3);
    sgi(1);
    CHECK_EQ("first", ack(), 1);
    sgi(2);
    CHECK_EQ("another group priority: preemption", ack(), 2);
    eoi(2);
    eoi(1);
    CHECK_EQ("idle", READ(ICC_RPR_EL1), 0xff);
    WRITE_ISB(ICC_BPR1_EL1, 0);
    CHECK("smallest BPR1 is at least 1", READ(ICC_BPR1_EL1) >= 1);
}

static void split_eoi(void)
{
    rt_irq_enable(4, 0x80);
    WRITE_ISB(ICC_CTLR_EL1, READ(ICC_CTLR_EL1) | 2);
    sgi(4);
    CHECK_EQ("ack", ack(), 4);
    eoi(4);
    CHECK_EQ("EOIR drops the priority", READ(ICC_RPR_EL1), 0xff);
    CHECK("EOIR leaves it active", soon(redist, 0x300, 16, 16));
    sgi(4);
    CHECK_EQ("still active", READ(ICC_IAR1_EL1), SPURIOUS);
    WRITE_ISB(ICC_DIR_EL1, 4);
    CHECK("DIR deactivates", soon(redist, 0x300, 16, 0));
    CHECK_EQ("and the next comes", ack(), 4);
    eoi(4);
    WRITE_ISB(ICC_DIR_EL1, 4);
    WRITE_ISB(ICC_CTLR_EL1, READ(ICC_CTLR_EL1) & ~2ull);
    rt_irq_disable(4);
}

static void spi(void)
{
    u64 word = SPI / 32 * 4;
    u32 bit = 1u << (SPI & 31);
    u64 cfg = 0xc00 + SPI / 16 * 4;
    io_write(GICD_BASE + cfg, dist(cfg) | 2u << (SPI % 16 * 2));
    CHECK_EQ("edge", dist(cfg) >> (SPI % 16 * 2) & 3, 2);
    rt_irq_enable(SPI, 0x60);
    CHECK_EQ("enabled", dist(0x100 + word) & bit, bit);
    io_write(GICD_BASE + 0x200 + word, bit);
    CHECK("pending", soon(dist, 0x200 + word, bit, bit));
    CHECK_EQ("ack", ack(), SPI);
    CHECK("active", soon(dist, 0x300 + word, bit, bit));
    CHECK("not pending", soon(dist, 0x200 + word, bit, 0));
    eoi(SPI);
    CHECK("inactive", soon(dist, 0x300 + word, bit, 0));
    io_write(GICD_BASE + 0x200 + word, bit);
    io_write(GICD_BASE + 0x280 + word, bit);
    CHECK("ICPENDR", soon(dist, 0x200 + word, bit, 0));
    CHECK_EQ("nothing", READ(ICC_IAR1_EL1), SPURIOUS);
    io_write(GICD_BASE + 0x300 + word, bit);
    io_write(GICD_BASE + 0x200 + word, bit);
    CHECK("ISACTIVER", soon(dist, 0x300 + word, bit, bit));
    CHECK_EQ("active by software: not signalled", READ(ICC_IAR1_EL1), SPURIOUS);
    io_write(GICD_BASE + 0x380 + word, bit);
    CHECK_EQ("ICACTIVER", ack(), SPI);
    eoi(SPI);
    rt_irq_disable(SPI);
}

static void groups(void)
{
    rt_irq_enable(6, 0x80);
    WRITE_ISB(ICC_IGRPEN1_EL1, 0);
    sgi(6);
    CHECK("pending", soon(redist, 0x200, 64, 64));
    CHECK_EQ("group 1 disabled at the interface", READ(ICC_IAR1_EL1), SPURIOUS);
    WRITE_ISB(ICC_IGRPEN1_EL1, 1);
    CHECK_EQ("enabled", ack(), 6);
    eoi(6);
    io_write(GICD_BASE, 0x10);
    sgi(6);
    CHECK_EQ("group 1 disabled at the distributor", READ(ICC_IAR1_EL1), SPURIOUS);
    io_write(GICD_BASE, 0x12);
    CHECK_EQ("enabled", ack(), 6);
    eoi(6);
    if (!(dist(0) & 0x40)) {
        rt_skip("group 0", "two security states");
        return;
    }
    io_write(rt_gicr() + 0x80, ~64u);
    io_write(GICD_BASE, 0x13);
    WRITE_ISB(ICC_IGRPEN0_EL1, 1);
    WRITE_ISB(ICC_SGI0R_EL1, 6ull << 24 | BIT(READ(mpidr_el1) & 15));
    CHECK("pending", soon(redist, 0x200, 64, 64));
    WRITE_ISB(hcr_el2, HCR_RW | HCR_IMO | HCR_FMO);
    const struct RtExc *exc = TRY(RT_SKIP, __asm__ volatile("msr daifclr, #3\n isb\n isb\n msr daifset, #3"));
    CHECK_EQ("group 0 is an FIQ", exc->count ? exc->vector : 0, 0x300);
    CHECK_EQ("ISR_EL1.F", READ(isr_el1) & 0xc0, 0x40);
    CHECK_EQ("HPPIR0", READ(ICC_HPPIR0_EL1), 6);
    CHECK_EQ("IAR0", READ(ICC_IAR0_EL1), 6);
    WRITE_ISB(ICC_EOIR0_EL1, 6);
    CHECK_EQ("idle", READ(ICC_RPR_EL1), 0xff);
    WRITE_ISB(ICC_IGRPEN0_EL1, 0);
    io_write(rt_gicr() + 0x80, ~0u);
    io_write(GICD_BASE, 0x12);
    WRITE_ISB(hcr_el2, HCR_RW);
}

PROBE(el1_open, "msr daifclr, #2\n isb\n nop\n nop\n msr daifset, #2");
PROBE(el1_nop, "nop\n isb\n nop\n nop");
PROBE(el1_isr, "mrs x0, isr_el1");

static void route(const char *what, u64 hcr, u64 spsr, u64 (*probe)(u64), u64 el, u64 vector)
{
    WRITE_ISB(hcr_el2, HCR_RW | hcr);
    const struct RtExc *exc = TRY(RT_SKIP, rt_call(spsr, probe, 0));
    rt_check(exc->count == (vector != 0), WHERE, what, exc->count, vector != 0);
    if (vector && exc->count) {
        CHECK_EQ(what, exc->el, el);
        CHECK_EQ(what, exc->vector, vector);
    }
}

#define OPEN(spsr) ((spsr) & ~0x80ull)

static void routing(void)
{
    rt_irq_enable(7, 0x80);
    sgi(7);
    CHECK("pending", soon(redist, 0x200, 0x80, 0x80));
    CHECK_EQ("ISR_EL1.I", READ(isr_el1) & 0xc0, 0x80);
    route("IMO 0, EL1 masked", 0, SPSR_EL1H, el1_nop, 0, 0);
    route("IMO 0, EL1 open", 0, OPEN(SPSR_EL1H), el1_nop, 1, 0x280);
    route("IMO 0, EL1t open", 0, OPEN(SPSR_EL1T), el1_nop, 1, 0x080);
    route("IMO 0, EL1 opens", 0, SPSR_EL1H, el1_open, 1, 0x280);
    route("IMO 0, EL0 open", 0, OPEN(SPSR_EL0), el1_nop, 1, 0x480);
    route("IMO 1, EL1 masked: EL2 takes it", HCR_IMO, SPSR_EL1H, el1_nop, 2, 0x480);
    route("IMO 1, EL0 masked: EL2 takes it", HCR_IMO, SPSR_EL0, el1_nop, 2, 0x480);
    route("TGE, EL0 open", HCR_TGE, OPEN(SPSR_EL0), el1_nop, 2, 0x480);
    WRITE_ISB(hcr_el2, HCR_RW);
    const struct RtExc *exc = TRY(RT_SKIP, __asm__ volatile("msr daifclr, #2\n isb\n nop\n msr daifset, #2"));
    CHECK_NONE("IMO 0: never taken at EL2", exc);
    WRITE_ISB(hcr_el2, HCR_RW | HCR_IMO);
    exc = TRY(RT_SKIP, __asm__ volatile("msr daifclr, #2\n isb\n nop\n msr daifset, #2"));
    CHECK_EQ("IMO 1, EL2 open", exc->count ? exc->vector : 0, 0x280);
    CHECK_EQ("ack", ack(), 7);
    eoi(7);
    /* virtual interrupts of HCR_EL2 */
    route("VI, EL1 masked", HCR_IMO | HCR_VI, SPSR_EL1H, el1_nop, 0, 0);
    route("VI, EL1 open", HCR_IMO | HCR_VI, OPEN(SPSR_EL1H), el1_nop, 1, 0x280);
    route("VI, EL0 open", HCR_IMO | HCR_VI, OPEN(SPSR_EL0), el1_nop, 1, 0x480);
    route("VI needs IMO", HCR_VI, OPEN(SPSR_EL1H), el1_nop, 0, 0);
    route("VF, EL1 open", HCR_FMO | HCR_VF, SPSR_EL1H & ~0x40ull, el1_nop, 1, 0x300);
    route("VSE, EL1 open", HCR_AMO | BIT(8), SPSR_EL1H & ~0x100ull, el1_nop, 1, 0x380);
    WRITE_ISB(hcr_el2, HCR_RW | HCR_IMO | HCR_VI);
    CHECK_EQ("ISR_EL1 at EL1 shows the virtual one", rt_el1(el1_isr, 0) & 0xc0, 0x80);
    CHECK_EQ("ISR_EL1 at EL2 shows the physical one", READ(isr_el1) & 0xc0, 0);
    const struct RtExc *none = TRY(RT_SKIP, __asm__ volatile("msr daifclr, #2\n isb\n nop\n msr daifset, #2"));
    CHECK_NONE("VI is not taken at EL2", none);
    WRITE_ISB(hcr_el2, HCR_RW);
}

void test_main(void)
{
    rt_el1_flat();
    rt_gic_init();
    identity();
    self_sgi();
    priorities();
    binary_point();
    split_eoi();
    spi();
    groups();
    routing();
}
