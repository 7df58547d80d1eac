/*
 * The commands of the ITS. A command in error changes nothing and stalls the queue, one of the
 * choices of the architecture (GITS_TYPER.SEIS is 0: there are no SErrors).
 * GIC architecture specification, "ITS commands", "ITS command error encodings".
 */
#include "gic-its-internal.h"

enum {
    CMD_MOVI = 0x01,
    CMD_INT = 0x03,
    CMD_CLEAR = 0x04,
    CMD_SYNC = 0x05,
    CMD_MAPD = 0x08,
    CMD_MAPC = 0x09,
    CMD_MAPTI = 0x0a,
    CMD_MAPI = 0x0b,
    CMD_INV = 0x0c,
    CMD_INVALL = 0x0d,
    CMD_MOVALL = 0x0e,
    CMD_DISCARD = 0x0f,
};
enum { PENDING_PER_UNIT = 16 };

static uint32_t device_of(const uint64_t *dw)
{
    return (uint32_t)(dw[0] >> 32);
}

static uint32_t event_of(const uint64_t *dw)
{
    return (uint32_t)dw[1];
}

static uint32_t collection_of(const uint64_t *dw)
{
    return dw[2] & 0xffff;
}

/* GITS_TYPER.PTA is 0: the target is a PE number. GIC_NO_PE: there is none of this number. */
static uint32_t target(const GicIts *its, uint64_t dw)
{
    const uint64_t pe = dw >> 16 & UINT64_C(0x7ffffffff);
    return pe < its->gic->cpus ? (uint32_t)pe : GIC_NO_PE;
}

static bool mapd(GicIts *its, const uint64_t *dw)
{
    const uint64_t size = dw[1] & 0x1f;
    if (!(dw[2] & ITS_VALID)) {
        return gic_its_write_entry(its, ITS_DEVICES, device_of(dw), 0);
    }
    return size < ITS_EVENT_BITS &&
           gic_its_write_entry(its, ITS_DEVICES, device_of(dw),
                               ITS_VALID | gic_its_device_table(dw[2]) | size);
}

static bool mapc(GicIts *its, const uint64_t *dw)
{
    const uint32_t pe = target(its, dw[2]);
    if (!(dw[2] & ITS_VALID)) {
        return gic_its_write_entry(its, ITS_COLLECTIONS, collection_of(dw), 0);
    }
    return pe != GIC_NO_PE &&
           gic_its_write_entry(its, ITS_COLLECTIONS, collection_of(dw), ITS_VALID | pe);
}

/* MAPTI, and MAPI whose LPI has the number of the event. */
static bool map_event(GicIts *its, const uint64_t *dw, uint32_t lpi)
{
    GicItsEvent e;
    if (lpi < GIC_FIRST_LPI || lpi >> GIC_ID_BITS ||
        !gic_its_collection_exists(its, collection_of(dw)) ||
        !gic_its_find_event(its, device_of(dw), event_of(dw), &e)) {
        return false;
    }
    return gic_its_write_event(its, &e, ITS_VALID | (uint64_t)collection_of(dw) << 32 | lpi);
}

static bool mapped_event(const GicIts *its, const uint64_t *dw, GicItsEvent *e)
{
    return gic_its_find_event(its, device_of(dw), event_of(dw), e) && e->entry;
}

static bool movi(GicIts *its, const uint64_t *dw)
{
    GicItsEvent e;
    const uint32_t to = gic_its_collection_pe(its, collection_of(dw));
    if (to == GIC_NO_PE || !mapped_event(its, dw, &e)) {
        return false;
    }
    const uint32_t from = gic_its_collection_pe(its, gic_its_entry_collection(e.entry));
    const uint32_t lpi = gic_its_entry_lpi(e.entry);
    if (!gic_its_write_event(its, &e, ITS_VALID | (uint64_t)collection_of(dw) << 32 | lpi)) {
        return false;
    }
    if (from != GIC_NO_PE) {
        gic_lpi_move(its->gic, from, to, lpi);
    }
    return true;
}

/* An interrupt that goes away is not pending any more; its collection may have gone before. */
static bool discard(GicIts *its, const uint64_t *dw)
{
    GicItsEvent e;
    if (!mapped_event(its, dw, &e) || !gic_its_write_event(its, &e, 0)) {
        return false;
    }
    const uint32_t pe = gic_its_collection_pe(its, gic_its_entry_collection(e.entry));
    if (pe != GIC_NO_PE) {
        gic_lpi_clear(its->gic, pe, gic_its_entry_lpi(e.entry));
    }
    return true;
}

/* INT, CLEAR, INV. */
static bool on_event(GicIts *its, const uint64_t *dw, void (*act)(Gic *, uint32_t, uint32_t))
{
    GicItsEvent e;
    if (!mapped_event(its, dw, &e)) {
        return false;
    }
    const uint32_t pe = gic_its_collection_pe(its, gic_its_entry_collection(e.entry));
    if (pe == GIC_NO_PE) {
        return false;
    }
    act(its->gic, pe, gic_its_entry_lpi(e.entry));
    return true;
}

static uint32_t cost_of_all(const GicIts *its, uint32_t pe)
{
    return 1 + gic_lpi_pending(its->gic, pe) / PENDING_PER_UNIT;
}

static bool invall(GicIts *its, const uint64_t *dw, uint32_t *cost)
{
    const uint32_t pe = gic_its_collection_pe(its, collection_of(dw));
    if (pe == GIC_NO_PE) {
        return false;
    }
    *cost = cost_of_all(its, pe);
    gic_lpi_invalidate_all(its->gic, pe);
    return true;
}

static bool movall(GicIts *its, const uint64_t *dw, uint32_t *cost)
{
    const uint32_t from = target(its, dw[2]), to = target(its, dw[3]);
    if (from == GIC_NO_PE || to == GIC_NO_PE) {
        return false;
    }
    *cost = cost_of_all(its, from);
    gic_lpi_move_all(its->gic, from, to);
    return true;
}

bool gic_its_command(GicIts *its, const uint64_t dw[4], uint32_t *cost)
{
    *cost = 1;
    switch (dw[0] & 0xff) {
    case CMD_MAPD:
        return mapd(its, dw);
    case CMD_MAPC:
        return mapc(its, dw);
    case CMD_MAPTI:
        return map_event(its, dw, (uint32_t)(dw[1] >> 32));
    case CMD_MAPI:
        return map_event(its, dw, event_of(dw));
    case CMD_MOVI:
        return movi(its, dw);
    case CMD_MOVALL:
        return movall(its, dw, cost);
    case CMD_INT:
        return on_event(its, dw, gic_lpi_set);
    case CMD_CLEAR:
        return on_event(its, dw, gic_lpi_clear);
    case CMD_INV:
        return on_event(its, dw, gic_lpi_invalidate);
    case CMD_INVALL:
        return invall(its, dw, cost);
    case CMD_DISCARD:
        return discard(its, dw);
    case CMD_SYNC: /* every command has had its effect already */
        return target(its, dw[2]) != GIC_NO_PE;
    default:
        return false;
    }
}
