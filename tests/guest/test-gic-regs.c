/*
 * The registers of the physical GIC field by field, with one Security state and affinity routing: CPU interface, distributor,
 * redistributors.
 * Arm GIC Architecture Specification, the register descriptions by their names; "Priority grouping", "Software Generated
 * Interrupts", "Message-based SPIs".
 */
#include "gic.h"

#define SPI 90
#define SPURIOUS 1023
#define WORD (SPI / 32 * 4)
#define SPI_BIT (1u << (SPI & 31))
#define RD(cpu) (rt_gicr() - 0x10000 + (u64)(cpu) * 0x20000)

static u32 dist(u64 offset) { return io_read(GICD_BASE + offset); }
static u32 redist(u64 offset) { return io_read(rt_gicr() + offset); }

static u64 read64(u64 address)
{
    u64 value;
    __asm__ volatile("ldr %0, [%1]" : "=r"(value) : "r"(address) : "memory");
    return value;
}

static void write64(u64 address, u64 value)
{
    __asm__ volatile("str %0, [%1]" : : "r"(value), "r"(address) : "memory");
}

static void dist_set(u64 offset, u32 value)
{
    io_write(GICD_BASE + offset, value);
    DSB();
}

static bool pending(unsigned cpu, u32 bit)
{
    for (unsigned i = 0; i < 2000; i++)
        if (io_read(RD(cpu) + 0x10200) & bit)
            return true;
    return false;
}

static u64 min_bpr0;

static void control(void)
{
    u64 fixed = READ(ICC_CTLR_EL1) & ~0x43ull;
    WRITE_ISB(ICC_CTLR_EL1, ~0ull);
    CHECK_EQ("ICC_CTLR_EL1, all ones", READ(ICC_CTLR_EL1) & ~0x40ull, fixed | 3);
    WRITE_ISB(ICC_CTLR_EL1, 0);
    CHECK_EQ("ICC_CTLR_EL1, zero", READ(ICC_CTLR_EL1) & ~0x40ull, fixed);
    CHECK_EQ("ICC_CTLR_EL1, RES0", fixed & ~0xcff00ull, 0);
    CHECK("ICC_CTLR_EL1.PRIbits: at least 32 levels", BITS(fixed, 10, 8) >= 4);
    CHECK("ICC_CTLR_EL1.IDbits", BITS(fixed, 13, 11) <= 1);
    WRITE(ICC_SRE_EL1, 0);
    WRITE_ISB(ICC_SRE_EL2, 0);
    CHECK_EQ("ICC_SRE_EL1, RAO/WI", READ(ICC_SRE_EL1), 7);
    CHECK_EQ("ICC_SRE_EL2, RAO/WI", READ(ICC_SRE_EL2), 0xf);
    WRITE(ICC_IGRPEN0_EL1, ~0ull);
    WRITE_ISB(ICC_IGRPEN1_EL1, ~1ull);
    CHECK_EQ("ICC_IGRPEN0_EL1", READ(ICC_IGRPEN0_EL1), 1);
    CHECK_EQ("ICC_IGRPEN1_EL1", READ(ICC_IGRPEN1_EL1), 0);
    WRITE(ICC_IGRPEN0_EL1, 0);
    WRITE_ISB(ICC_IGRPEN1_EL1, 1);
    WRITE_ISB(ICC_PMR_EL1, ~0ull);
    CHECK_EQ("ICC_PMR_EL1", READ(ICC_PMR_EL1), (0xff << (7 - BITS(fixed, 10, 8))) & 0xff);
}

static void binary_points(void)
{
    WRITE(ICC_BPR0_EL1, 0);
    WRITE_ISB(ICC_BPR1_EL1, 0);
    min_bpr0 = READ(ICC_BPR0_EL1);
    CHECK("least ICC_BPR0_EL1", min_bpr0 <= 3);
    CHECK_EQ("least ICC_BPR1_EL1", READ(ICC_BPR1_EL1), min_bpr0 + 1);
    WRITE(ICC_BPR0_EL1, 5);
    WRITE_ISB(ICC_BPR1_EL1, 7);
    WRITE_ISB(ICC_CTLR_EL1, 1);
    CHECK_EQ("CBPR: BPR1 is BPR0 + 1", READ(ICC_BPR1_EL1), 6);
    WRITE_ISB(ICC_BPR1_EL1, 4);
    CHECK_EQ("CBPR: BPR1 ignores writes", READ(ICC_BPR1_EL1), 6);
    WRITE_ISB(ICC_BPR0_EL1, ~0ull);
    CHECK_EQ("ICC_BPR0_EL1", READ(ICC_BPR0_EL1), 7);
    CHECK_EQ("CBPR: at most 7", READ(ICC_BPR1_EL1), 7);
    WRITE(ICC_BPR0_EL1, 6);
    WRITE_ISB(ICC_CTLR_EL1, 0);
    CHECK_EQ("CBPR 0: BPR1 as it was", READ(ICC_BPR1_EL1), 7);
    /* group priorities by BPR0: bit 7 alone */
    WRITE(ICC_BPR1_EL1, 0);
    WRITE_ISB(ICC_CTLR_EL1, 1);
    rt_irq_enable(1, 0xb0);
    rt_irq_enable(2, 0x80);
    rt_irq_enable(4, 0x70);
    sgi(1);
    CHECK("offered", offered(1));
    CHECK_EQ("acknowledged", READ(ICC_IAR1_EL1), 1);
    CHECK_EQ("ICC_RPR_EL1: the group priority", READ(ICC_RPR_EL1), 0x80);
    sgi(2);
    CHECK("offered", offered(2));
    CHECK_EQ("CBPR: the same group priority", READ(ICC_IAR1_EL1), SPURIOUS);
    sgi(4);
    CHECK("offered", offered(4));
    CHECK_EQ("CBPR: another", READ(ICC_IAR1_EL1), 4);
    WRITE(ICC_EOIR1_EL1, 4);
    WRITE_ISB(ICC_EOIR1_EL1, 1);
    CHECK_EQ("its turn", READ(ICC_IAR1_EL1), 2);
    WRITE_ISB(ICC_EOIR1_EL1, 2);
    WRITE(ICC_CTLR_EL1, 0);
    WRITE(ICC_BPR0_EL1, 0);
    WRITE_ISB(ICC_BPR1_EL1, 0);
    rt_irq_disable(1);
    rt_irq_disable(2);
    rt_irq_disable(4);
}

static void active_priorities(void)
{
    WRITE(ICC_AP0R0_EL1, BIT(4));
    WRITE_ISB(ICC_AP1R0_EL1, BIT(3) | BIT(4));
    CHECK_EQ("ICC_AP0R0_EL1", READ(ICC_AP0R0_EL1), BIT(4));
    CHECK_EQ("ICC_RPR_EL1: the higher of both groups", READ(ICC_RPR_EL1), 3 << (min_bpr0 + 1));
    WRITE_ISB(ICC_EOIR0_EL1, 8192);
    CHECK_EQ("EOIR0 is not for Group 1's", READ(ICC_AP0R0_EL1) | READ(ICC_AP1R0_EL1), BIT(3) | BIT(4));
    for (u64 special = 1020; special < 1024; special++)
        WRITE_ISB(ICC_EOIR1_EL1, special);
    CHECK_EQ("special INTIDs drop nothing", READ(ICC_AP1R0_EL1), BIT(3) | BIT(4));
    WRITE_ISB(ICC_EOIR1_EL1, 8192);
    CHECK_EQ("EOIR1 drops", READ(ICC_AP1R0_EL1), BIT(4));
    WRITE_ISB(ICC_EOIR0_EL1, 8192);
    WRITE_ISB(ICC_EOIR1_EL1, 8192);
    CHECK_EQ("equal ones: neither is stuck", READ(ICC_AP0R0_EL1) | READ(ICC_AP1R0_EL1), 0);
    CHECK_EQ("idle", READ(ICC_RPR_EL1), 0xff);
    WRITE_ISB(ICC_EOIR1_EL1, 8192);
    CHECK_EQ("nothing to drop", READ(ICC_RPR_EL1), 0xff);
}

/* HPPIR and IAR are of their own group alone; SGIs go by the group that the register names. */
static void groups(void)
{
    io_write(rt_gicr() + 0x80, ~8u); /* SGI 3 is of Group 0 */
    io_write8(rt_gicr() + 0x403, 0x80);
    io_write(rt_gicr() + 0x100, 8);
    dist_set(0, 0x13);
    WRITE_ISB(ICC_IGRPEN0_EL1, 1);
    sgi(3);
    CHECK("SGI1R, Group 0: not sent", !pending(0, 8));
    WRITE_ISB(ICC_SGI0R_EL1, 3ull << 24 | BIT(READ(mpidr_el1) & 15));
    CHECK("SGI0R, Group 0: sent", pending(0, 8));
    rt_irq_enable(2, 0x90);
    WRITE_ISB(ICC_SGI0R_EL1, 2ull << 24 | BIT(READ(mpidr_el1) & 15));
    CHECK("SGI0R, Group 1: not sent", !pending(0, 4));
    sgi(2);
    for (unsigned i = 0; i < 20000 && READ(ICC_HPPIR0_EL1) != 3; i++)
        ;
    CHECK_EQ("ICC_HPPIR0_EL1", READ(ICC_HPPIR0_EL1), 3);
    CHECK_EQ("ICC_HPPIR1_EL1: the highest is of the other group", READ(ICC_HPPIR1_EL1), SPURIOUS);
    CHECK_EQ("ICC_IAR1_EL1: the highest is of the other group", READ(ICC_IAR1_EL1), SPURIOUS);
    CHECK_EQ("ICC_IAR0_EL1", READ(ICC_IAR0_EL1), 3);
    CHECK("AP0R0", READ(ICC_AP0R0_EL1) && !READ(ICC_AP1R0_EL1));
    WRITE_ISB(ICC_EOIR0_EL1, 3);
    CHECK("offered", offered(2));
    CHECK_EQ("ICC_IAR0_EL1, of Group 1", READ(ICC_IAR0_EL1), SPURIOUS);
    CHECK_EQ("ICC_IAR1_EL1", READ(ICC_IAR1_EL1), 2);
    WRITE_ISB(ICC_EOIR1_EL1, 2);
    WRITE_ISB(ICC_IGRPEN0_EL1, 0);
    dist_set(0, 0x12);
    rt_irq_disable(2);
    rt_irq_disable(3);
    io_write(rt_gicr() + 0x80, ~0u);
}

static void targets(void)
{
    for (unsigned cpu = 0; cpu < 4; cpu++)
        io_write(RD(cpu) + 0x10080, ~0u);
    DSB();
    WRITE_ISB(ICC_SGI1R_EL1, BIT(40) | 5ull << 24);
    CHECK("IRM: all but this one", !pending(0, 32) && pending(1, 32) && pending(2, 32) && pending(3, 32));
    WRITE_ISB(ICC_SGI1R_EL1, 6ull << 24 | 0x1000a);
    CHECK("Aff1 is nobody's", !pending(1, 64) && !pending(3, 64));
    WRITE_ISB(ICC_SGI1R_EL1, 6ull << 24 | 0xa);
    CHECK("a list", pending(1, 64) && pending(3, 64) && !pending(2, 64) && !pending(0, 64));
    for (unsigned cpu = 0; cpu < 4; cpu++) {
        io_write(RD(cpu) + 0x10280, ~0u);
        CHECK("GICR_ICPENDR0", !(io_read(RD(cpu) + 0x10200) & 0xffff));
    }
}

static void distributor(void)
{
    dist_set(0, ~0u);
    CHECK_EQ("GICD_CTLR: ARE and DS, both groups enabled", dist(0) & 0x57, 0x53);
    CHECK_EQ("GICD_CTLR, RES0", dist(0) & 0x7ffffe2c, 0);
    dist_set(0, 0);
    CHECK_EQ("GICD_CTLR, zero: ARE and DS stay", dist(0) & 0x57, 0x50);
    dist_set(0, 0x12);
    CHECK_EQ("GICD_TYPER: no Security states", BITS(dist(4), 10, 10), 0);
    CHECK_EQ("GICD_TYPER.CPUNumber", BITS(dist(4), 7, 5), 0);
    CHECK("GICD_TYPER.IDbits", BITS(dist(4), 23, 19) >= 9);
    for (u64 block = 0x80; block < 0x400; block += 0x80) {
        io_write(GICD_BASE + block, ~0u);
        CHECK_EQ("word 0 of a block: RES0 with affinity routing", dist(block), 0);
    }
    io_write(GICD_BASE + 0x400, ~0u);
    CHECK_EQ("GICD_IPRIORITYR0", dist(0x400), 0);
    io_write(GICD_BASE + 0x800 + SPI / 4 * 4, ~0u);
    CHECK_EQ("GICD_ITARGETSR22", dist(0x800 + SPI / 4 * 4), 0);
    io_write(GICD_BASE + 0xd00 + WORD, ~0u);
    CHECK_EQ("GICD_IGRPMODR2 with DS", dist(0xd00 + WORD), 0);
    io_write(GICD_BASE + 0xe00 + SPI / 16 * 4, ~0u);
    CHECK_EQ("GICD_NSACR5 with DS", dist(0xe00 + SPI / 16 * 4), 0);
    for (u64 block = 0x100; block < 0x400; block += 0x100) {
        u64 set = block + WORD, clear = set + 0x80;
        dist_set(set, SPI_BIT);
        CHECK_EQ("set", dist(set) & SPI_BIT, SPI_BIT);
        CHECK_EQ("clear shows the same", dist(clear), dist(set));
        dist_set(set, 0);
        dist_set(clear, 0);
        CHECK_EQ("zeros change nothing", dist(set) & SPI_BIT, SPI_BIT);
        dist_set(clear, SPI_BIT);
        CHECK_EQ("cleared", dist(set) & SPI_BIT, 0);
    }
    u64 config = 0xc00 + SPI / 16 * 4;
    dist_set(config, ~0u);
    CHECK_EQ("GICD_ICFGR5: bit 0 of a pair is RES0", dist(config), 0xaaaaaaaa);
    dist_set(config, 0);
    CHECK_EQ("GICD_ICFGR5", dist(config), 0);
    u64 route = GICD_BASE + 0x6000 + 8 * SPI;
    write64(route, ~0ull);
    CHECK_EQ("GICD_IROUTER90 [peer differs]", read64(route), 0xff80ffffff);
    io_write(route, 0);
    CHECK_EQ("its halves [peer differs]", read64(route), 0xff00000000);
    io_write(route + 4, 0);
    CHECK_EQ("its halves", read64(route), 0);
}

/* GICD_SETSPI_NSR: level-sensitive, pending until GICD_CLRSPI_NSR; edge-triggered, until acknowledged. */
static void messages(void)
{
    if (!BITS(dist(4), 16, 16)) {
        rt_skip("message-based SPIs", "GICD_TYPER.MBIS is 0");
        return;
    }
    u64 config = 0xc00 + SPI / 16 * 4;
    for (unsigned edge = 0; edge < 2; edge++) {
        dist_set(config, edge ? 2u << (SPI % 16 * 2) : 0);
        rt_irq_enable(SPI, 0x80);
        dist_set(0x40, SPI);
        CHECK("offered", offered(SPI));
        CHECK_EQ("acknowledged", READ(ICC_IAR1_EL1), SPI);
        DSB();
        CHECK_EQ("a level is there still", dist(0x200 + WORD) & SPI_BIT, edge ? 0 : SPI_BIT);
        dist_set(0x48, SPI);
        CHECK_EQ("CLRSPI", dist(0x200 + WORD) & SPI_BIT, 0);
        WRITE_ISB(ICC_EOIR1_EL1, SPI);
        CHECK_EQ("nothing is left", READ(ICC_IAR1_EL1), SPURIOUS);
    }
    dist_set(config, 0);
    rt_irq_disable(SPI);
}

static void redistributors(void)
{
    for (unsigned cpu = 0; cpu < 4; cpu++) {
        u64 typer = read64(RD(cpu) + 8);
        CHECK_EQ("GICR_TYPER.Affinity_Value", typer >> 32, cpu);
        CHECK_EQ("GICR_TYPER.Processor_Number", BITS(typer, 23, 8), cpu);
        CHECK_EQ("GICR_TYPER.Last", BITS(typer, 4, 4), cpu == 3);
        CHECK_EQ("GICR_TYPER: no virtual LPIs", BITS(typer, 1, 1), 0);
    }
    io_write(RD(1) + 0x14, 2);
    for (unsigned i = 0; i < 2000 && !(io_read(RD(1) + 0x14) & 4); i++)
        ;
    CHECK_EQ("GICR_WAKER: asleep", io_read(RD(1) + 0x14) & 6, 6);
    io_write(RD(1) + 0x14, 0);
    for (unsigned i = 0; i < 2000 && io_read(RD(1) + 0x14) & 4; i++)
        ;
    CHECK_EQ("GICR_WAKER: awake", io_read(RD(1) + 0x14) & 6, 0);
    io_write(rt_gicr() + 0xc00, 0);
    CHECK_EQ("GICR_ICFGR0: SGIs are edge-triggered", redist(0xc00), 0xaaaaaaaa);
    io_write(rt_gicr() + 0xd00, ~0u);
    CHECK_EQ("GICR_IGRPMODR0 with DS", redist(0xd00), 0);
    io_write(rt_gicr() + 0xe00, ~0u);
    CHECK_EQ("GICR_NSACR with DS", redist(0xe00), 0);
    for (u64 block = 0x100; block < 0x400; block += 0x100) {
        io_write(rt_gicr() + block, 0x80);
        CHECK_EQ("set", redist(block) & 0x80, 0x80);
        CHECK_EQ("clear shows the same", redist(block + 0x80), redist(block));
        io_write(rt_gicr() + block + 0x80, 0x80);
        CHECK_EQ("cleared", redist(block) & 0x80, 0);
    }
}

void test_main(void)
{
    rt_gic_init();
    control();
    binary_points();
    active_priorities();
    groups();
    targets();
    distributor();
    messages();
    redistributors();
}
