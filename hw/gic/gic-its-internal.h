/*
 * Between the files of the ITS: gic-its.c (registers, the queue), gic-its-table.c (tables in guest
 * memory), gic-its-cmd.c (commands).
 */
#pragma once

#include "gic-its.h"
#include "gic-lpi.h"

enum {
    ITS_EVENT_BITS = 16,
    ITS_DEVICE_BITS = 16,
    ITS_COLLECTION_BITS = 16, /* GITS_TYPER.CIL = 0 */
    ITS_ENTRY_BYTES = 8,      /* of every table */
    ITS_COMMAND_BYTES = 32,
};

typedef enum { ITS_DEVICES, ITS_COLLECTIONS, ITS_TABLES } GicItsTable;

#define ITS_VALID (UINT64_C(1) << 63)
#define ITS_STALLED UINT64_C(1) /* GITS_CREADR */

/* Plain: saved as bytes. */
typedef struct {
    uint64_t enabled; /* GITS_CTLR.Enabled */
    uint64_t cbaser, cwriter, creadr;
    uint64_t baser[ITS_TABLES]; /* GITS_BASER<n> without the read-only fields */
    int64_t next_ns;            /* more commands are done then; INT64_MAX: none wait */
} GicItsState;

struct GicIts {
    GicItsState s;
    Gic *gic;
    Mem *mem;
    EvClock *clock;
    EvAlarm *alarm;
};

/*
 * Our table entries, 64 bits each, bit 63 = valid. The guest only provides the memory.
 *   device:     interrupt translation table address in bits 51:8, bits of EventID - 1 in 4:0
 *   collection: PE number in bits 15:0
 *   interrupt:  collection in bits 47:32, LPI in 23:0; at table address + 8 * EventID
 * An entry that is not valid, not there, or out of memory is read as 0.
 */
uint64_t gic_its_read_entry(const GicIts *its, GicItsTable table, uint32_t id);
/* False when the table has no such entry, or it is not in RAM. */
bool gic_its_write_entry(const GicIts *its, GicItsTable table, uint32_t id, uint64_t entry);

static inline uint64_t gic_its_device_table(uint64_t device)
{
    return device & UINT64_C(0x000fffffffffff00);
}

/* How many events a valid device has. */
static inline uint32_t gic_its_device_events(uint64_t device)
{
    return UINT32_C(2) << (device & 0xf);
}

static inline uint32_t gic_its_entry_lpi(uint64_t interrupt)
{
    return interrupt & 0xffffff;
}

static inline uint32_t gic_its_entry_collection(uint64_t interrupt)
{
    return interrupt >> 32 & 0xffff;
}

/* An interrupt's entry, and where it is. False: no such device or event. */
typedef struct {
    uint64_t pa, entry;
} GicItsEvent;
bool gic_its_find_event(const GicIts *its, uint32_t device, uint32_t event, GicItsEvent *found);
bool gic_its_write_event(const GicIts *its, const GicItsEvent *where, uint64_t entry);

/* The PE of a collection; GIC_NO_PE when it is not mapped. */
uint32_t gic_its_collection_pe(const GicIts *its, uint32_t collection);
/* May this collection be mapped at all: is there room for it in the table? */
bool gic_its_collection_exists(const GicIts *its, uint32_t collection);

/*
 * Does one command. False: it is in error, and nothing has been done. *cost: host work in units of
 * a simple command.
 */
bool gic_its_command(GicIts *its, const uint64_t dw[4], uint32_t *cost);
