/*
 * The ITS's registers and its command queue.
 * GIC architecture specification, "The ITS registers", "The command queue".
 */
#include "gic-its-internal.h"

#include <assert.h>
#include <stdlib.h>

enum {
    GITS_CTLR = 0x0,
    GITS_IIDR = 0x4,
    GITS_TYPER = 0x8,
    GITS_CBASER = 0x80,
    GITS_CWRITER = 0x88,
    GITS_CREADR = 0x90,
    GITS_BASER = 0x100,
    GITS_BASER_END = GITS_BASER + 8 * ITS_TABLES,
    GITS_IDREGS = 0xffd0,
    GITS_TRANSLATION = 0x10000, /* the second frame */
};
enum { VERSION = 1 };
#define CTLR_ENABLED UINT64_C(1)
#define CTLR_QUIESCENT (UINT64_C(1) << 31)
#define CBASER_MASK UINT64_C(0xf8effffffffffcff)
#define BASER_MASK UINT64_C(0xf8e0ffffffffffff)
#define OFFSET_MASK UINT64_C(0xfffe0) /* of GITS_CWRITER and GITS_CREADR */
#define CWRITER_RETRY UINT64_C(1)

/* Work of one piece of the queue, in units of a simple command, and the time to the next. */
enum { PIECE_UNITS = 2048, PIECE_NS = 100000 };

static const uint8_t table_types[ITS_TABLES] = {[ITS_DEVICES] = 1, [ITS_COLLECTIONS] = 4};

/* Physical LPIs only; targets are PE numbers; no collections without memory. */
static uint64_t typer(void)
{
    const uint64_t physical = 1, entry = ITS_ENTRY_BYTES - 1;
    return physical | entry << 4 | (uint64_t)(ITS_EVENT_BITS - 1) << 8 |
           (uint64_t)(ITS_DEVICE_BITS - 1) << 13;
}

static uint64_t read_only_fields(GicItsTable table)
{
    return (uint64_t)table_types[table] << 56 | (uint64_t)(ITS_ENTRY_BYTES - 1) << 48;
}

static uint64_t queue_bytes(const GicIts *its)
{
    return ((its->s.cbaser & 0xff) + 1) << 12;
}

/* Is there a command that can be done? A write pointer out of the queue makes it invalid. */
static bool has_work(const GicIts *its)
{
    const GicItsState *s = &its->s;
    return s->enabled && (s->cbaser & ITS_VALID) && !(s->creadr & ITS_STALLED) &&
           s->cwriter < queue_bytes(its) && s->creadr != s->cwriter;
}

/* The next command: true, and CREADR goes on, or the queue stalls at it. */
static void step_queue(GicIts *its, uint32_t *cost)
{
    uint64_t dw[4];
    const uint64_t base = its->s.cbaser & UINT64_C(0x000ffffffffff000);
    const uint64_t at = its->s.creadr & OFFSET_MASK;
    *cost = 1;
    if (!mem_copy_from(its->mem, dw, (Pa){base + at}, sizeof dw) ||
        !gic_its_command(its, dw, cost)) {
        its->s.creadr |= ITS_STALLED;
        return;
    }
    const uint64_t next = at + ITS_COMMAND_BYTES;
    its->s.creadr = next < queue_bytes(its) ? next : 0;
}

/* A piece of the queue; what is left waits for the alarm, so that no guest holds the machine. */
static void run_queue(void *ctx)
{
    GicIts *its = ctx;
    uint32_t done = 0, cost;
    while (has_work(its) && done < PIECE_UNITS) {
        step_queue(its, &cost);
        done += cost;
    }
    its->s.next_ns = has_work(its) ? ev_now_ns(its->clock) + PIECE_NS : INT64_MAX;
    ev_alarm_set(its->alarm, its->s.next_ns);
}

/* Something that may start or stop the queue was written. While a piece waits, it stays so: a
 * guest's writes do not buy more work. */
static void poke_queue(GicIts *its)
{
    if (its->s.next_ns == INT64_MAX || !has_work(its)) {
        run_queue(its);
    }
}

GicIts *gic_its_new(const GicItsConfig *config)
{
    GicIts *its = calloc(1, sizeof *its);
    assert(its);
    *its = (GicIts){.gic = config->gic, .mem = config->mem, .clock = config->clock};
    its->alarm = ev_alarm_new(its->clock, run_queue, its);
    gic_its_reset(its);
    return its;
}

void gic_its_free(GicIts *its)
{
    if (its) {
        ev_alarm_free(its->alarm);
        free(its);
    }
}

void gic_its_reset(GicIts *its)
{
    its->s = (GicItsState){.next_ns = INT64_MAX};
    ev_alarm_set(its->alarm, INT64_MAX);
}

void gic_its_msi(GicIts *its, uint32_t device, uint32_t event)
{
    GicItsEvent e;
    if (!its->s.enabled || !gic_its_find_event(its, device, event, &e) || !e.entry) {
        return;
    }
    const uint32_t pe = gic_its_collection_pe(its, gic_its_entry_collection(e.entry));
    if (pe != GIC_NO_PE) {
        gic_lpi_set(its->gic, pe, gic_its_entry_lpi(e.entry));
    }
}

static uint64_t merge(uint64_t old, uint64_t value, uint64_t mask)
{
    return (old & ~mask) | (value & mask);
}

static uint64_t read_control(const GicIts *its, uint32_t offset)
{
    if (offset >= GITS_IDREGS) {
        return gic_id_register(offset, 0x94);
    }
    if (offset >= GITS_BASER && offset < GITS_BASER_END) {
        const GicItsTable table = (offset - GITS_BASER) / 8;
        return its->s.baser[table] | read_only_fields(table);
    }
    switch (offset & ~7u) {
    case GITS_CTLR: /* and IIDR. Quiescent: nothing is under way once it is disabled */
        return (its->s.enabled ? CTLR_ENABLED : CTLR_QUIESCENT) | (uint64_t)GIC_IIDR << 32;
    case GITS_TYPER:
        return typer();
    case GITS_CBASER:
        return its->s.cbaser;
    case GITS_CWRITER:
        return its->s.cwriter;
    case GITS_CREADR:
        return its->s.creadr;
    default:
        return 0;
    }
}

/* UNPREDICTABLE while the ITS is enabled: ignored then. */
static void write_baser(GicIts *its, GicItsTable table, uint64_t value, uint64_t mask)
{
    if (!its->s.enabled) {
        its->s.baser[table] =
            merge(its->s.baser[table], value, mask & BASER_MASK & ~read_only_fields(table));
    }
}

static void write_cbaser(GicIts *its, uint64_t value, uint64_t mask)
{
    if (!its->s.enabled) {
        its->s.cbaser = merge(its->s.cbaser, value, mask & CBASER_MASK);
        its->s.creadr = 0;
    }
}

static void write_cwriter(GicIts *its, uint64_t value, uint64_t mask)
{
    its->s.cwriter = merge(its->s.cwriter, value, mask & OFFSET_MASK);
    if (value & mask & CWRITER_RETRY) {
        its->s.creadr &= ~ITS_STALLED;
    }
    poke_queue(its);
}

static void write_control(GicIts *its, uint32_t offset, uint64_t value, uint64_t mask)
{
    if (offset >= GITS_BASER && offset < GITS_BASER_END) {
        write_baser(its, (offset - GITS_BASER) / 8, value, mask);
        return;
    }
    switch (offset & ~7u) {
    case GITS_CTLR:
        its->s.enabled = merge(its->s.enabled, value, mask & CTLR_ENABLED);
        poke_queue(its);
        break;
    case GITS_CBASER:
        write_cbaser(its, value, mask);
        break;
    case GITS_CWRITER:
        write_cwriter(its, value, mask);
        break;
    default:
        break;
    }
}

/* 32-bit accesses reach the halves of 64-bit registers. Others do nothing and read as zero. */
static bool its_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
    const unsigned shift = (offset & 4) * 8;
    *value = 0;
    if (offset < GITS_TRANSLATION && size >= 4) {
        *value = read_control(dev, (uint32_t)offset) >> (offset >= GITS_IDREGS ? 0 : shift);
        *value = size == 8 ? *value : *value & UINT32_MAX;
    }
    return true;
}

static bool its_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
    const unsigned shift = (offset & 4) * 8;
    if (offset == GIC_ITS_TRANSLATER && (size == 2 || size == 4)) {
        gic_its_msi(dev, 0, (uint32_t)value);
    } else if (offset < GITS_TRANSLATION && size >= 4) {
        write_control(dev, (uint32_t)offset, value << shift,
                      size == 8 ? UINT64_MAX : (uint64_t)UINT32_MAX << shift);
    }
    return true;
}

const MemDeviceOps gic_its_ops = {.name = "gits", .read = its_read, .write = its_write};

void gic_its_save(GicIts *its, SnapWriter *w)
{
    snap_put(w, "gits", VERSION, &its->s, sizeof its->s);
}

bool gic_its_load(GicIts *its, SnapReader *r, GError **error)
{
    if (!snap_get(r, (SnapWant){"gits", VERSION, &its->s, sizeof its->s}, error)) {
        return false;
    }
    its->s.creadr &= OFFSET_MASK | ITS_STALLED;
    its->s.cwriter &= OFFSET_MASK;
    ev_alarm_set(its->alarm, its->s.next_ns);
    return true;
}
