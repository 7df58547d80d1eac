/*
 * Physical LPIs of the redistributors: configuration and pending tables in guest memory, what is
 * pending, and the best of it. Private to hw/gic. All calls: device lock held; p is a PE's number.
 * GIC architecture specification, "Locality-specific Peripheral Interrupts".
 */
#pragma once

#include "gic-state.h"

struct GicLpis {
    uint64_t propbaser, pendbaser;
    uint64_t pending[GIC_LPIS / 64];
    uint8_t config[GIC_LPIS]; /* of those that are pending */
    uint32_t count;
};

/* What GICR_CTLR has to do with LPIs. */
#define GICR_CTLR_ENABLE_LPIS UINT32_C(1)
#define GICR_CTLR_CES UINT32_C(2) /* EnableLPIs can be cleared */
#define GICR_CTLR_IR UINT32_C(4)  /* INVLPIR, INVALLR and SYNCR are there */

/* The redistributor's registers: GICR_PROPBASER and GICR_PENDBASER as read; written with `mask`
 * telling which bits. Writes are ignored while LPIs are enabled. */
uint64_t gic_lpi_read_propbaser(const Gic *gic, uint32_t p);
uint64_t gic_lpi_read_pendbaser(const Gic *gic, uint32_t p);
void gic_lpi_write_propbaser(Gic *gic, uint32_t p, uint64_t value, uint64_t mask);
void gic_lpi_write_pendbaser(Gic *gic, uint32_t p, uint64_t value, uint64_t mask);
/* GICR_CTLR.EnableLPIs changes: reads or writes the pending table. */
void gic_lpi_enable(Gic *gic, uint32_t p, bool enable);

/* LPI intid becomes pending at p, or stops being so. Ignored when p has LPIs disabled or no such
 * LPI. */
void gic_lpi_set(Gic *gic, uint32_t p, uint32_t intid);
void gic_lpi_clear(Gic *gic, uint32_t p, uint32_t intid);
/* Its pending state goes from PE `from` to PE `to`. */
void gic_lpi_move(Gic *gic, uint32_t from, uint32_t to, uint32_t intid);
void gic_lpi_move_all(Gic *gic, uint32_t from, uint32_t to);
/* The configuration of one LPI, or all, is read again. */
void gic_lpi_invalidate(Gic *gic, uint32_t p, uint32_t intid);
void gic_lpi_invalidate_all(Gic *gic, uint32_t p);
/* How many are pending at p: what the calls for all of them cost. */
uint32_t gic_lpi_pending(const Gic *gic, uint32_t p);

/* The CPU takes LPI intid: false when it is not pending. */
bool gic_lpi_take(Gic *gic, uint32_t p, uint32_t intid);

void gic_lpi_init(Gic *gic);
void gic_lpi_fini(Gic *gic);
void gic_lpi_reset(Gic *gic);

/* gic-lpi-save.c; and what it needs: the registers with nothing pending, then each LPI, then the
 * choice of the best. gic->redist holds its state by then. */
void gic_lpi_save(Gic *gic, SnapWriter *w);
bool gic_lpi_load(Gic *gic, SnapReader *r, GError **error);
typedef struct {
    uint64_t propbaser, pendbaser;
} GicLpiBases;
void gic_lpi_restore(Gic *gic, uint32_t p, GicLpiBases bases);
void gic_lpi_restore_pending(Gic *gic, uint32_t p, uint32_t intid, uint8_t config);
void gic_lpi_find_best(Gic *gic, uint32_t p);
