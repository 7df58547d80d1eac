/*
 * LPIs and the ITS: tables, every command, commands in error, pending and configuration tables, priorities, two CPUs.
 * Arm GIC Architecture Specification, "Locality-specific Peripheral Interrupts and the ITS".
 * A command in error may be skipped or stall the queue (CONSTRAINED UNPREDICTABLE): both are right, but it must change nothing.
 */
#include "rt.h"

#define GITS 0x08080000ull
#define CTLR (GITS + 0)
#define TYPER (GITS + 8)
#define CBASER (GITS + 0x80)
#define CWRITER (GITS + 0x88)
#define CREADR (GITS + 0x90)
#define BASER(n) (GITS + 0x100 + 8 * (n))
#define TRANSLATER (GITS + 0x10040)
#define VALID BIT(63)
#define NOWHERE 0x7000000000ull /* above all memory */
#define SPURIOUS 1023
#define QUEUE 4096
#define LPI 8192u

enum { MOVI = 1, INT = 3, CLEAR, SYNC, MAPD = 8, MAPC, MAPTI, MAPI, INV, INVALL, MOVALL, DISCARD };

static u8 *config;    /* of LPI 8192 on */
static u8 *pending[2]; /* of each CPU */
static u64 *queue;
static u8 *itt[4];
static int devices, collections; /* numbers of their GITS_BASER */
static u64 rd_base[2], target[2];

static u64 io_read64(u64 address) { return *(volatile u64 *)address; }
static void io_write64(u64 address, u64 value)
{
    DSB();
    *(volatile u64 *)address = value;
    DSB();
}

static u64 ack(void)
{
    u64 intid = SPURIOUS;
    for (unsigned i = 0; i < 20000 && intid == SPURIOUS; i++) {
        intid = READ(ICC_IAR1_EL1);
        DSB();
    }
    return intid;
}

/* Nothing comes; a while is enough for what is on its way. */
static u64 quiet(void)
{
    for (unsigned i = 0; i < 200; i++)
        DSB();
    return READ(ICC_IAR1_EL1);
}

static void eoi(u64 intid)
{
    WRITE_ISB(ICC_EOIR1_EL1, intid);
    DSB();
}

static void take(const char *what, u64 lpi)
{
    if (CHECK_EQ(what, ack(), lpi))
        eoi(lpi);
}

/* --- the queue -------------------------------------------------------------------------------- */
static u64 stuck; /* GITS_CREADR.Stalled, where Retry does not clear it */

static u64 wait_queue(void)
{
    u64 at = io_read64(CREADR) & ~stuck;
    for (unsigned i = 0; i < 200000 && at != io_read64(CWRITER) && !(at & 1); i++)
        at = io_read64(CREADR) & ~stuck;
    return at;
}

static void put(u64 at, u64 d0, u64 d1, u64 d2, u64 d3)
{
    u64 *c = &queue[at / 8];
    c[0] = d0;
    c[1] = d1;
    c[2] = d2;
    c[3] = d3;
}

static u64 issue(u64 d0, u64 d1, u64 d2, u64 d3)
{
    u64 at = io_read64(CWRITER) & 0xfffe0;
    put(at, d0, d1, d2, d3);
    io_write64(CWRITER, (at + 32) % QUEUE);
    return wait_queue();
}

static void do_good(const char *where, const char *what, u64 d0, u64 d1, u64 d2, u64 d3)
{
    u64 at = issue(d0, d1, d2, d3);
    rt_check(at == io_read64(CWRITER), where, what, at, io_read64(CWRITER));
}
#define GOOD(what, ...) do_good(WHERE, what, __VA_ARGS__)

/* A command in error: skipped or stalled; a valid one in its place and Retry go on. */
static void do_bad(const char *where, const char *what, u64 d0, u64 d1, u64 d2, u64 d3)
{
    u64 was = io_read64(CWRITER);
    u64 at = issue(d0, d1, d2, d3), end = io_read64(CWRITER);
    rt_check(at == end || at == (was | (stuck ^ 1)), where, what, at, end);
    if (at != end) {
        put(was, SYNC, 0, target[0], 0);
        io_write64(CWRITER, end | 1);
        at = wait_queue();
        rt_check((at & ~1ull) == end, where, "retried", at, end);
        CHECK_EQ("Retry clears Stalled [peer differs]", at & 1, 0);
        stuck |= at & 1;
    }
    CHECK_EQ(what, quiet(), SPURIOUS);
}
#define BAD(what, ...) do_bad(WHERE, what, __VA_ARGS__)

#define DEV(command, device) ((command) | (u64)(device) << 32)
#define mapd(device, bits) GOOD("MAPD", DEV(MAPD, device), (bits) - 1, (u64)itt[device] | VALID, 0)
#define mapc(collection, cpu) GOOD("MAPC", MAPC, 0, (collection) | target[cpu] | VALID, 0)
#define mapti(device, event, lpi, collection) \
    GOOD("MAPTI", DEV(MAPTI, device), (event) | (u64)(lpi) << 32, collection, 0)
#define on_event(command, device, event) GOOD(#command, DEV(command, device), event, 0, 0)

static void configure(u32 lpi, u8 priority, bool enable)
{
    config[lpi - LPI] = (priority & 0xfc) | 2 | enable; /* bit 1 is RES1 */
    DSB();
}

/* --- set-up ------------------------------------------------------------------------------------ */
static void enable_lpis(unsigned cpu, bool on)
{
    u64 rd = rd_base[cpu];
    io_write(rd, (io_read(rd) & ~1u) | on);
    while (io_read(rd) & 8)
        ;
}

static void set_up_redist(unsigned cpu)
{
    rd_base[cpu] = rt_gicr() - 0x10000;
    target[cpu] = io_read64(TYPER) & BIT(19) ? rd_base[cpu] & 0xffffffff0000 : BITS(io_read64(rd_base[cpu] + 8), 23, 8) << 16;
    io_write64(rd_base[cpu] + 0x70, (u64)config | 15 | 7ull << 7 | 1 << 10);
    io_write64(rd_base[cpu] + 0x78, (u64)pending[cpu] | BIT(62) | 7ull << 7 | 1 << 10);
    enable_lpis(cpu, true);
}

/* A table of one page of 64 KiB. */
static void set_table(int n, u64 extra)
{
    io_write64(BASER(n), VALID | 7ull << 59 | 1 << 10 | 2 << 8 | (u64)rt_alloc(65536, 65536) | extra);
}

static void set_up_its(void)
{
    devices = collections = -1;
    for (int i = 0; i < 8; i++) {
        u64 type = BITS(io_read64(BASER(i)), 58, 56);
        devices = type == 1 ? i : devices;
        collections = type == 4 ? i : collections;
    }
    CHECK("a device table", devices >= 0);
    CHECK("collections: a table or in hardware", collections >= 0 || BITS(io_read64(TYPER), 31, 24) >= 2);
    set_table(devices, 0);
    if (collections >= 0)
        set_table(collections, 0);
    io_write64(CBASER, VALID | 7ull << 59 | 1 << 10 | (u64)queue);
    CHECK_EQ("CREADR after CBASER", io_read64(CREADR), 0);
    io_write64(CWRITER, 0);
    CHECK_EQ("quiescent", io_read(CTLR) >> 31, 1);
    io_write(CTLR, 1);
    CHECK_EQ("enabled", io_read(CTLR) & 1, 1);
    CHECK_EQ("not quiescent [peer differs]", io_read(CTLR) >> 31, 0);
}

static void identity(void)
{
    u64 typer = io_read64(TYPER);
    CHECK_EQ("GITS_PIDR2.ArchRev", BITS(io_read(GITS + 0xffe8), 7, 4), 3);
    CHECK_EQ("GITS_TYPER.Physical", typer & 1, 1);
    CHECK("ID bits of events", BITS(typer, 12, 8) >= 13);
    CHECK_EQ("the high half", io_read(TYPER + 4), typer >> 32);
    CHECK_EQ("GICD_TYPER.LPIS", BITS(io_read(GICD_BASE + 4), 17, 17), 1);
    CHECK("GICD_TYPER.IDbits", BITS(io_read(GICD_BASE + 4), 23, 19) >= 13);
    CHECK_EQ("GICR_TYPER.PLPIS", io_read(rt_gicr() - 0x10000 + 8) & 1, 1);
    CHECK_EQ("reserved", io_read64(GITS + 0x98), 0);
}

static void base_registers(void)
{
    u64 was = io_read64(BASER(devices));
    io_write(CTLR, 0);
    io_write64(BASER(devices), ~0ull);
    u64 now = io_read64(BASER(devices));
    CHECK_EQ("Type and Entry_Size are read-only", now & 0x071f000000000000, was & 0x071f000000000000);
    CHECK_EQ("Size, Valid", now & (VALID | 0xff), VALID | 0xff);
    io_write(BASER(devices), (u32)was);
    io_write(BASER(devices) + 4, (u32)(was >> 32));
    CHECK_EQ("in halves", io_read64(BASER(devices)), was);
    io_write(CTLR, 1);
    CHECK_EQ("CWRITER keeps bits 19:5", io_read64(CWRITER) & ~0xfffe0ull, 0);
    u64 rd = rd_base[0], prop = io_read64(rd + 0x70);
    CHECK_EQ("PROPBASER", prop & 0xffffffffff000, (u64)config);
    CHECK_EQ("PROPBASER in halves", io_read(rd + 0x70) | (u64)io_read(rd + 0x74) << 32, prop);
    CHECK_EQ("PENDBASER", io_read64(rd + 0x78) & 0xfffffffff0000, (u64)pending[0]);
    CHECK_EQ("PTZ reads as 0 [peer differs]", io_read64(rd + 0x78) & BIT(62), 0);
}

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
