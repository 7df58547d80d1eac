/*
 * What tests of the ITS need: its registers, its queue and commands, tables for it.
 * Arm GIC Architecture Specification, "ITS commands", "ITS register descriptions".
 */
#pragma once

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
