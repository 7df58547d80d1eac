/*
 * LPIs and the ITS: tables, every command, commands in error, pending and configuration tables, priorities, two CPUs.
 * Arm GIC Architecture Specification, "Locality-specific Peripheral Interrupts and the ITS".
 * A command in error may be skipped or stall the queue (CONSTRAINED UNPREDICTABLE): both are right, but it must change nothing.
 */
#include "its.h"

/* --- one CPU -------------------------------------------------------------------------------------- */
static void basic(void)
{
    mapd(1, 5);
    mapc(0, 0);
    configure(8200, 0x80, true);
    configure(8201, 0x40, true);
    mapti(1, 3, 8200, 0);
    mapti(1, 31, 8201, 0);
    GOOD("SYNC", SYNC, 0, target[0], 0);
    CHECK_EQ("nothing yet", quiet(), SPURIOUS);
    on_event(INT, 1, 3);
    for (unsigned i = 0; i < 20000 && READ(ICC_HPPIR1_EL1) == SPURIOUS; i++)
        ;
    CHECK_EQ("HPPIR1", READ(ICC_HPPIR1_EL1), 8200);
    CHECK_EQ("INT", ack(), 8200);
    CHECK_EQ("running priority", READ(ICC_RPR_EL1), 0x80);
    on_event(INT, 1, 3);
    CHECK_EQ("its own priority does not preempt", quiet(), SPURIOUS);
    on_event(INT, 1, 31);
    CHECK_EQ("a higher one does", ack(), 8201);
    CHECK_EQ("running priority", READ(ICC_RPR_EL1), 0x40);
    eoi(8201);
    eoi(8200);
    CHECK_EQ("no active state: it comes again", ack(), 8200);
    eoi(8200);
    CHECK_EQ("idle", READ(ICC_RPR_EL1), 0xff);
    CHECK_EQ("nothing left", quiet(), SPURIOUS);
    on_event(INT, 1, 3);
    on_event(INT, 1, 3);
    take("pending once", 8200);
    CHECK_EQ("pending once", quiet(), SPURIOUS);
    on_event(INT, 1, 31);
    on_event(INT, 1, 3);
    on_event(CLEAR, 1, 31);
    take("CLEAR", 8200);
    CHECK_EQ("cleared", quiet(), SPURIOUS);
}

static void priorities(void)
{
    rt_irq_enable(3, 0x60);
    on_event(INT, 1, 3);
    WRITE_ISB(ICC_SGI1R_EL1, 3ull << 24 | 1);
    on_event(INT, 1, 31);
    take("LPI 0x40", 8201);
    take("SGI 0x60", 3);
    take("LPI 0x80", 8200);
    rt_irq_disable(3);
    configure(8200, 0x20, true);
    on_event(INV, 1, 3);
    on_event(INT, 1, 31);
    on_event(INT, 1, 3);
    take("INV raised its priority", 8200);
    take("the other", 8201);
    WRITE_ISB(ICC_PMR_EL1, 0x20);
    on_event(INT, 1, 3);
    CHECK_EQ("PMR masks", quiet(), SPURIOUS);
    WRITE_ISB(ICC_PMR_EL1, 0xf0);
    take("PMR", 8200);
    WRITE_ISB(ICC_IGRPEN1_EL1, 0);
    on_event(INT, 1, 3);
    CHECK_EQ("LPIs are of group 1", quiet(), SPURIOUS);
    WRITE_ISB(ICC_IGRPEN1_EL1, 1);
    take("IGRPEN1", 8200);
    io_write(GICD_BASE, 0x10);
    on_event(INT, 1, 3);
    CHECK_EQ("GICD_CTLR.EnableGrp1", quiet(), SPURIOUS);
    io_write(GICD_BASE, 0x12);
    take("EnableGrp1", 8200);
    WRITE_ISB(ICC_CTLR_EL1, READ(ICC_CTLR_EL1) | 2);
    on_event(INT, 1, 3);
    CHECK_EQ("EOImode 1", ack(), 8200);
    eoi(8200);
    WRITE_ISB(ICC_DIR_EL1, 8200);
    CHECK_EQ("EOImode 1: idle", READ(ICC_RPR_EL1), 0xff);
    WRITE_ISB(ICC_CTLR_EL1, READ(ICC_CTLR_EL1) & ~2ull);
}

static void invalidate(void)
{
    configure(8200, 0x80, false);
    on_event(INV, 1, 3);
    on_event(INT, 1, 3);
    CHECK_EQ("disabled", quiet(), SPURIOUS);
    configure(8200, 0x80, true);
    on_event(INV, 1, 3);
    take("INV", 8200);
    configure(8200, 0x80, false);
    configure(8201, 0x80, false);
    GOOD("INVALL", INVALL, 0, 0, 0);
    on_event(INT, 1, 3);
    on_event(INT, 1, 31);
    CHECK_EQ("disabled", quiet(), SPURIOUS);
    configure(8200, 0x80, true);
    configure(8201, 0x70, true);
    GOOD("INVALL", INVALL, 0, 0, 0);
    take("INVALL", 8201);
    take("INVALL", 8200);
    configure(8200, 0x80, false);
    GOOD("INVALL", INVALL, 0, 0, 0);
    on_event(INT, 1, 3);
    u64 rd = rd_base[0];
    bool direct = (io_read(rd) & 4) || (io_read(rd + 8) & 8);
    configure(8200, 0x80, true);
    if (direct) {
        io_write64(rd + 0xa0, 8200);
        CHECK_EQ("SYNCR", io_read(rd + 0xc0) & 1, 0);
        take("GICR_INVLPIR", 8200);
        configure(8200, 0x80, false);
        io_write64(rd + 0xb0, 0);
        on_event(INT, 1, 3);
        CHECK_EQ("disabled", quiet(), SPURIOUS);
        configure(8200, 0x80, true);
        io_write64(rd + 0xb0, 0);
        take("GICR_INVALLR", 8200);
    } else {
        rt_skip("GICR_INVLPIR", "not announced");
        on_event(INV, 1, 3);
        take("INV", 8200);
    }
}

static void mappings(void)
{
    mapd(2, 14);
    configure(8195, 0x50, true);
    GOOD("MAPI", DEV(MAPI, 2), 8195, 0, 0);
    on_event(INT, 2, 8195);
    take("MAPI", 8195);
    on_event(INT, 2, 8195);
    WRITE_ISB(ICC_PMR_EL1, 0);
    on_event(INT, 2, 8195);
    on_event(DISCARD, 2, 8195);
    WRITE_ISB(ICC_PMR_EL1, 0xf0);
    CHECK_EQ("DISCARD clears it", quiet(), SPURIOUS);
    BAD("INT of a discarded event", DEV(INT, 2), 8195, 0, 0);
    mapti(2, 16383, 8300, 0);
    configure(8300, 0x50, true);
    on_event(INT, 2, 16383);
    take("last event", 8300);
    GOOD("MAPD, not valid", DEV(MAPD, 2), 0, 0, 0);
    BAD("INT of an unmapped device", DEV(INT, 2), 16383, 0, 0);
    on_event(INT, 1, 3);
    take("another device stays", 8200);
    configure(8192, 0x50, true);
    configure(65535, 0x50, true);
    mapti(1, 0, 8192, 0);
    mapti(1, 1, 65535, 0);
    on_event(INT, 1, 0);
    on_event(INT, 1, 1);
    take("first LPI", 8192);
    take("last LPI", 65535);
}

static void bad_commands(void)
{
    u64 large = BIT(BITS(io_read64(TYPER), 17, 13) + 1); /* first DeviceID there is not */
    BAD("no such command", 0xff, 1, VALID, 0);
    BAD("command 0", 0, 0, 0, 0);
    BAD("MAPD, DeviceID", DEV(MAPD, 0xffffffff), 4, (u64)itt[3] | VALID, 0);
    if (large < BIT(32))
        BAD("MAPD, first DeviceID too large", DEV(MAPD, large), 4, (u64)itt[3] | VALID, 0);
    BAD("MAPD, Size", DEV(MAPD, 3), 31, (u64)itt[3] | VALID, 0);
    BAD("MAPC, target", MAPC, 0, 5 | 0x7ffff0000ull | VALID, 0);
    BAD("MAPC, collection", MAPC, 0, 0xffff | target[0] | VALID, 0);
    BAD("MAPTI, LPI too small", DEV(MAPTI, 1), 5 | 100ull << 32, 0, 0);
    BAD("MAPTI, LPI 0", DEV(MAPTI, 1), 5, 0, 0);
    BAD("MAPTI, LPI too large", DEV(MAPTI, 1), 5 | 0xffffffffull << 32, 0, 0);
    BAD("MAPTI, event", DEV(MAPTI, 1), 32 | 8210ull << 32, 0, 0);
    BAD("MAPTI, device not mapped", DEV(MAPTI, 3), 0 | 8210ull << 32, 0, 0);
    BAD("MAPTI, collection", DEV(MAPTI, 1), 5 | 8210ull << 32, 0xffff, 0);
    BAD("MAPI, LPI too small", DEV(MAPI, 1), 6, 0, 0);
    BAD("INT, event not mapped by any of these", DEV(INT, 1), 5, 0, 0);
    BAD("INT, event", DEV(INT, 1), 32, 0, 0);
    BAD("INT, event", DEV(INT, 1), 0xffffffff, 0, 0);
    BAD("INT, DeviceID", DEV(INT, 0xffffffff), 0, 0, 0);
    BAD("CLEAR, event", DEV(CLEAR, 1), 6, 0, 0);
    BAD("INV, event", DEV(INV, 1), 6, 0, 0);
    BAD("DISCARD, event", DEV(DISCARD, 1), 6, 0, 0);
    BAD("MOVI, event", DEV(MOVI, 1), 6, 0, 0);
    BAD("MOVI, collection not mapped", DEV(MOVI, 1), 3, 7, 0);
    BAD("MOVI, collection", DEV(MOVI, 1), 3, 0xffff, 0);
    BAD("INVALL, collection not mapped", INVALL, 0, 7, 0);
    BAD("MOVALL, target", MOVALL, 0, 0x7ffff0000ull, target[0]);
    BAD("MOVALL, target", MOVALL, 0, target[0], 0x7ffff0000ull);
    mapti(1, 7, 8207, 7);
    BAD("INT, collection not mapped", DEV(INT, 1), 7, 0, 0);
    mapd(3, 4);
    GOOD("MAPD, table where no memory is", DEV(MAPD, 3), 3, NOWHERE | VALID, 0);
    BAD("MAPTI into no memory", DEV(MAPTI, 3), 0 | 8210ull << 32, 0, 0);
    BAD("INT out of no memory", DEV(INT, 3), 0, 0, 0);
    GOOD("MAPD, not valid", DEV(MAPD, 3), 0, 0, 0);
    on_event(INT, 1, 3);
    take("all the same", 8200);
}

static void queue_limits(void)
{
    for (unsigned i = 0; i < QUEUE / 32 + 5; i++)
        on_event(i & 1 ? INT : CLEAR, 1, 3);
    CHECK("wrapped", io_read64(CREADR) < QUEUE);
    if (READ(ICC_HPPIR1_EL1) == 8200)
        take("after the wrap", 8200);
    u64 at = io_read64(CREADR) & ~stuck;
    io_write64(CWRITER, 0xfffe0);
    CHECK_EQ("a write pointer out of the queue", io_read64(CREADR) & ~stuck, at);
    io_write64(CWRITER, at);
    CHECK_EQ("goes on", wait_queue(), at);
    for (unsigned i = 0; i < QUEUE / 32 - 1; i++) /* many at once */
        put((at + 32 * i) % QUEUE, DEV(i & 1 ? CLEAR : INT, 1), i % 3 ? 3 : 31, 0, 0);
    at = (at + QUEUE - 32) % QUEUE;
    io_write64(CWRITER, at);
    CHECK_EQ("a full queue", wait_queue(), at);
    on_event(CLEAR, 1, 3);
    on_event(CLEAR, 1, 31);
    CHECK_EQ("nothing pending", quiet(), SPURIOUS);
    io_write(CTLR, 0);
    for (unsigned i = 0; i < 100000 && !(io_read(CTLR) >> 31); i++)
        ;
    u64 base = io_read64(CBASER);
    io_write64(CBASER, VALID | NOWHERE);
    io_write64(CWRITER, 32);
    io_write(CTLR, 1);
    CHECK("a queue where no memory is", (wait_queue() & 0xfffe0) <= 32);
    io_write(CTLR, 0);
    io_write64(CBASER, base);
    io_write64(CWRITER, 0);
    CHECK_EQ("CREADR", io_read64(CREADR), 0);
    put(0, DEV(INT, 1), 3, 0, 0);
    io_write64(CWRITER, 32);
    CHECK_EQ("not while it is disabled", io_read64(CREADR), 0);
    CHECK_EQ("not while it is disabled", quiet(), SPURIOUS);
    io_write(CTLR, 1);
    CHECK_EQ("when it is enabled", wait_queue(), 32);
    take("when it is enabled", 8200);
}

/* A CPU's write has no DeviceID of its own; this board, as its models do, takes it as device 0. */
static void translater(void)
{
    mapd(0, 5);
    mapti(0, 9, 8200, 0);
    io_write(TRANSLATER, 9);
    take("MSI", 8200);
    *(volatile u16 *)TRANSLATER = 9;
    take("16-bit MSI", 8200);
    io_write(TRANSLATER, 10);
    CHECK_EQ("event not mapped", quiet(), SPURIOUS);
    io_write(TRANSLATER, 0xffffffff);
    CHECK_EQ("no such event", quiet(), SPURIOUS);
    io_write(CTLR, 0);
    io_write(TRANSLATER, 9);
    CHECK_EQ("ITS disabled", quiet(), SPURIOUS);
    io_write(CTLR, 1);
    io_write(TRANSLATER, 9);
    take("enabled", 8200);
    GOOD("MAPC, not valid", MAPC, 0, 0, 0);
    io_write(TRANSLATER, 9);
    CHECK_EQ("collection not mapped", quiet(), SPURIOUS);
    mapc(0, 0);
    io_write(TRANSLATER, 9);
    take("mapped", 8200);
}

static bool bit_of(unsigned cpu, u32 lpi) { return pending[cpu][lpi / 8] >> (lpi % 8) & 1; }

static void pending_table(void)
{
    if (!(io_read(rd_base[0]) & 2)) {
        rt_skip("pending table", "GICR_CTLR.CES is 0");
        return;
    }
    configure(8200, 0x80, false);
    configure(8201, 0x80, true);
    GOOD("INVALL", INVALL, 0, 0, 0);
    on_event(INT, 1, 3);
    enable_lpis(0, false);
    CHECK_EQ("EnableLPIs", io_read(rd_base[0]) & 1, 0);
    CHECK("saved: pending", bit_of(0, 8200));
    CHECK("saved: not pending", !bit_of(0, 8201));
    on_event(INT, 1, 31);
    CHECK_EQ("lost while LPIs are disabled", quiet(), SPURIOUS);
    pending[0][8300 / 8] |= 1 << 8300 % 8;
    configure(8200, 0x80, true);
    configure(8300, 0x70, true);
    enable_lpis(0, true);
    take("loaded: set in memory", 8300);
    take("loaded: saved", 8200);
    CHECK_EQ("loaded: no more", quiet(), SPURIOUS);
    enable_lpis(0, false);
    CHECK("saved: no more", !bit_of(0, 8300) && !bit_of(0, 8200));
    pending[0][8300 / 8] |= 1 << 8300 % 8;
    io_write64(rd_base[0] + 0x78, (u64)pending[0]);
    io_write64(rd_base[0] + 0x70, (u64)config | 12); /* 13 bits: no LPI */
    enable_lpis(0, true);
    on_event(INT, 1, 3);
    CHECK_EQ("no ID bits, no LPIs", quiet(), SPURIOUS);
    enable_lpis(0, false);
    io_write64(rd_base[0] + 0x70, NOWHERE | 15);
    io_write64(rd_base[0] + 0x78, NOWHERE);
    enable_lpis(0, true);
    CHECK("tables where no memory is", issue(DEV(INT, 1), 3, 0, 0) != ~0ull);
    CHECK_EQ("tables where no memory is", quiet(), SPURIOUS);
    enable_lpis(0, false);
    for (unsigned i = 1024; i < 8192; i++)
        pending[0][i] = 0;
    io_write64(rd_base[0] + 0x70, (u64)config | 15);
    io_write64(rd_base[0] + 0x78, (u64)pending[0] | BIT(62));
    enable_lpis(0, true);
    CHECK_EQ("PTZ", quiet(), SPURIOUS);
    on_event(INT, 1, 3);
    take("as before", 8200);
}

/* --- two CPUs ------------------------------------------------------------------------------------- */
static volatile u64 asked, answered, seen;

/* CPU 1 says what it acknowledges whenever it is asked. */
static void second(u64 cpu)
{
    rt_gic_init();
    set_up_redist(1);
    for (u64 n = 1;; n++) {
        answered = n;
        while (asked < n)
            DSB();
        seen = ack();
        if (seen != SPURIOUS)
            eoi(seen);
        DSB();
    }
}

static u64 ask(void)
{
    u64 n = answered;
    asked = n;
    while (answered <= n)
        DSB();
    return seen;
}

static void two_cpus(void)
{
    if (!rt_start_cpu(1, second)) {
        rt_skip("two CPUs", "there is one");
        return;
    }
    while (!answered)
        DSB();
    mapc(1, 1);
    mapti(1, 4, 8204, 1);
    configure(8204, 0x80, true);
    on_event(INT, 1, 4);
    CHECK_EQ("not here", quiet(), SPURIOUS);
    CHECK_EQ("at CPU 1", ask(), 8204);
    configure(8200, 0x80, false);
    GOOD("INVALL", INVALL, 0, 0, 0);
    on_event(INT, 1, 3);
    configure(8200, 0x80, true);
    GOOD("MOVI", DEV(MOVI, 1), 3, 1, 0);
    GOOD("INVALL", INVALL, 0, 1, 0);
    CHECK_EQ("MOVI: not here", quiet(), SPURIOUS);
    CHECK_EQ("MOVI moves what is pending", ask(), 8200);
    on_event(INT, 1, 3);
    CHECK_EQ("MOVI: the next", ask(), 8200);
    GOOD("MOVI", DEV(MOVI, 1), 3, 0, 0);
    on_event(INT, 1, 3);
    take("MOVI back", 8200);
    WRITE_ISB(ICC_PMR_EL1, 0);
    on_event(INT, 1, 3);
    on_event(INT, 1, 31);
    GOOD("MOVALL", MOVALL, 0, target[0], target[1]);
    WRITE_ISB(ICC_PMR_EL1, 0xf0);
    CHECK_EQ("MOVALL: none here", quiet(), SPURIOUS);
    u64 sum = ask();
    sum += ask();
    CHECK_EQ("MOVALL: both there", sum, 8200 + 8201);
    mapc(0, 1);
    on_event(INT, 1, 3);
    CHECK_EQ("collection moved", ask(), 8200);
    mapc(0, 0);
    on_event(INT, 1, 3);
    take("collection back", 8200);
}

/* --- a two-level device table ------------------------------------------------------------------- */
static void two_levels(void)
{
    u64 was = io_read64(BASER(devices));
    io_write(CTLR, 0);
    io_write64(BASER(devices), was | BIT(62));
    if (!(io_read64(BASER(devices)) & BIT(62))) {
        rt_skip("two-level table", "not implemented");
    } else {
        u64 entry = BITS(was, 52, 48) + 1;
        u64 *first = rt_alloc(4096, 4096), *level2 = rt_alloc(4096, 4096);
        unsigned a_page = 4096 / entry;
        first[1] = (u64)level2 | VALID;
        first[2] = NOWHERE | VALID;
        io_write64(BASER(devices), VALID | BIT(62) | (u64)first);
        io_write(CTLR, 1);
        u64 device = a_page + 3;
        GOOD("MAPD", DEV(MAPD, device), 4, (u64)itt[3] | VALID, 0);
        mapti(device, 2, 8200, 0);
        on_event(INT, device, 2);
        take("two levels", 8200);
        bool written = false;
        for (unsigned i = 0; i < 512; i++)
            written |= level2[i] != 0;
        CHECK("the entry is in the second level", written);
        BAD("no second level", DEV(MAPD, 3), 4, (u64)itt[3] | VALID, 0);
        BAD("second level in no memory", DEV(MAPD, 2 * a_page), 4, (u64)itt[3] | VALID, 0);
        BAD("no device", DEV(INT, device + 1), 2, 0, 0);
        io_write(CTLR, 0);
    }
    io_write64(BASER(devices), VALID | NOWHERE);
    io_write(CTLR, 1);
    BAD("device table where no memory is", DEV(MAPD, 1), 4, (u64)itt[1] | VALID, 0);
    BAD("device table where no memory is", DEV(INT, 1), 3, 0, 0);
    io_write(CTLR, 0);
    io_write64(BASER(devices), was & ~VALID);
    io_write(CTLR, 1);
    BAD("no device table", DEV(MAPD, 1), 4, (u64)itt[1] | VALID, 0);
    io_write(CTLR, 0);
    io_write64(BASER(devices), was);
    io_write(CTLR, 1);
    on_event(INT, 1, 3);
    take("the first table is as it was", 8200);
}

void test_main(void)
{
    rt_gic_init();
    config = rt_alloc(65536, 65536);
    pending[0] = rt_alloc(65536, 65536);
    pending[1] = rt_alloc(65536, 65536);
    queue = rt_alloc(65536, 65536);
    for (unsigned i = 0; i < 4; i++)
        itt[i] = rt_alloc(65536 * 4, 65536);
    identity();
    set_up_redist(0);
    set_up_its();
    base_registers();
    basic();
    priorities();
    invalidate();
    mappings();
    bad_commands();
    queue_limits();
    translater();
    pending_table();
    two_cpus();
    two_levels();
}
