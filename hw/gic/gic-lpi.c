/*
 * LPIs: a bitmap of what is pending at each redistributor, with the configuration byte that each
 * had when it became pending or was invalidated last. The pending table in guest memory is read
 * when LPIs are enabled and written when they are disabled.
 * GIC architecture specification, "LPI Configuration tables", "LPI Pending tables",
 * "GICR_PROPBASER", "GICR_PENDBASER".
 */
#include "gic-lpi.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = GIC_LPIS / 64, MIN_ID_BITS = 14 };
enum { CONFIG_ENABLE = 1, CONFIG_PRIORITY = 0xf8 };
#define PROPBASER_MASK UINT64_C(0x070fffffffffff9f)
#define PENDBASER_MASK UINT64_C(0x470fffffffff0f80)
#define PENDBASER_PTZ (UINT64_C(1) << 62)
#define PROPBASER_ADDRESS UINT64_C(0x000ffffffffff000)
#define PENDBASER_ADDRESS UINT64_C(0x000fffffffff0000)

static const GicPick none = {GIC_NO_INTID, GIC_IDLE_PRIORITY, 0, false};

void gic_lpi_init(Gic *gic)
{
    gic->lpi = calloc(gic->cpus, sizeof *gic->lpi);
    assert(gic->lpi);
}

void gic_lpi_fini(Gic *gic)
{
    free(gic->lpi);
}

static void forget_pending(Gic *gic, uint32_t p)
{
    GicLpis *l = &gic->lpi[p];
    memset(l->pending, 0, sizeof l->pending);
    l->count = 0;
    gic->pe[p].lpi = none;
}

void gic_lpi_reset(Gic *gic)
{
    for (uint32_t p = 0; p < gic->cpus; p++) {
        gic->lpi[p].propbaser = 0;
        gic->lpi[p].pendbaser = 0;
        forget_pending(gic, p);
    }
}

/* One more than the largest INTID that the PE's tables hold. Below 2^14 there are no LPIs. */
static uint32_t limit(const GicLpis *l)
{
    const uint32_t bits = (uint32_t)(l->propbaser & 0x1f) + 1;
    if (bits < MIN_ID_BITS) {
        return 0;
    }
    return UINT32_C(1) << (bits < GIC_ID_BITS ? bits : GIC_ID_BITS);
}

static bool is_enabled(const Gic *gic, uint32_t p)
{
    return gic->redist[p].ctlr & GICR_CTLR_ENABLE_LPIS;
}

static bool is_there(const Gic *gic, uint32_t p, uint32_t intid)
{
    return is_enabled(gic, p) && intid >= GIC_FIRST_LPI && intid < limit(&gic->lpi[p]);
}

static bool is_pending(const GicLpis *l, uint32_t intid)
{
    const uint32_t n = intid - GIC_FIRST_LPI;
    return n < GIC_LPIS && (l->pending[n / 64] >> (n % 64) & 1);
}

/* Memory that is not there configures nothing: the LPI is disabled. */
static uint8_t read_config(const Gic *gic, const GicLpis *l, uint32_t intid)
{
    const uint64_t pa = (l->propbaser & PROPBASER_ADDRESS) + (intid - GIC_FIRST_LPI);
    uint8_t config = 0;
    return mem_copy_from(gic->mem, &config, (Pa){pa}, 1) ? config : 0;
}

static GicPick pick_of(const GicLpis *l, uint32_t intid)
{
    const uint8_t config = l->config[intid - GIC_FIRST_LPI];
    return config & CONFIG_ENABLE ? (GicPick){intid, config & CONFIG_PRIORITY, 1, false} : none;
}

/* In order of INTIDs: the first of equals stays. */
void gic_lpi_find_best(Gic *gic, uint32_t p)
{
    const GicLpis *l = &gic->lpi[p];
    GicPick best = none;
    for (uint32_t w = 0; w < WORDS && l->count; w++) {
        for (uint64_t left = l->pending[w]; left; left &= left - 1) {
            const uint32_t n = w * 64 + (uint32_t)__builtin_ctzll(left);
            const GicPick pick = pick_of(l, n + GIC_FIRST_LPI);
            if (pick.priority < best.priority) {
                best = pick;
            }
        }
    }
    gic->pe[p].lpi = best;
    gic_publish(gic, p);
}

static void mark(Gic *gic, uint32_t p, uint32_t intid, uint8_t config)
{
    GicLpis *l = &gic->lpi[p];
    const uint32_t n = intid - GIC_FIRST_LPI;
    l->pending[n / 64] |= UINT64_C(1) << (n % 64);
    l->config[n] = config;
    l->count++;
}

static void unmark(Gic *gic, uint32_t p, uint32_t intid)
{
    const uint32_t n = intid - GIC_FIRST_LPI;
    gic->lpi[p].pending[n / 64] &= ~(UINT64_C(1) << (n % 64));
    gic->lpi[p].count--;
}

void gic_lpi_set(Gic *gic, uint32_t p, uint32_t intid)
{
    GicLpis *l = &gic->lpi[p];
    if (!is_there(gic, p, intid) || is_pending(l, intid)) {
        return;
    }
    mark(gic, p, intid, read_config(gic, l, intid));
    const GicPick pick = pick_of(l, intid), best = gic->pe[p].lpi;
    if (pick.priority < best.priority ||
        (pick.priority == best.priority && pick.intid < best.intid)) {
        gic->pe[p].lpi = pick;
        gic_publish(gic, p);
    }
}

void gic_lpi_clear(Gic *gic, uint32_t p, uint32_t intid)
{
    if (!is_pending(&gic->lpi[p], intid)) {
        return;
    }
    unmark(gic, p, intid);
    if (gic->pe[p].lpi.intid == intid) {
        gic_lpi_find_best(gic, p);
    }
}

bool gic_lpi_take(Gic *gic, uint32_t p, uint32_t intid)
{
    const bool ok = is_pending(&gic->lpi[p], intid);
    gic_lpi_clear(gic, p, intid);
    return ok;
}

void gic_lpi_move(Gic *gic, uint32_t from, uint32_t to, uint32_t intid)
{
    if (from != to && is_pending(&gic->lpi[from], intid)) {
        gic_lpi_clear(gic, from, intid);
        gic_lpi_set(gic, to, intid);
    }
}

void gic_lpi_move_all(Gic *gic, uint32_t from, uint32_t to)
{
    const GicLpis *l = &gic->lpi[from];
    if (from == to) {
        return;
    }
    for (uint32_t w = 0; w < WORDS && l->count; w++) {
        for (uint64_t left = l->pending[w]; left; left &= left - 1) {
            gic_lpi_set(gic, to, w * 64 + (uint32_t)__builtin_ctzll(left) + GIC_FIRST_LPI);
        }
    }
    forget_pending(gic, from);
    gic_publish(gic, from);
}

void gic_lpi_invalidate(Gic *gic, uint32_t p, uint32_t intid)
{
    GicLpis *l = &gic->lpi[p];
    if (is_pending(l, intid)) {
        l->config[intid - GIC_FIRST_LPI] = read_config(gic, l, intid);
        gic_lpi_find_best(gic, p);
    }
}

void gic_lpi_invalidate_all(Gic *gic, uint32_t p)
{
    GicLpis *l = &gic->lpi[p];
    for (uint32_t w = 0; w < WORDS && l->count; w++) {
        for (uint64_t left = l->pending[w]; left; left &= left - 1) {
            const uint32_t n = w * 64 + (uint32_t)__builtin_ctzll(left);
            l->config[n] = read_config(gic, l, n + GIC_FIRST_LPI);
        }
    }
    gic_lpi_find_best(gic, p);
}

uint32_t gic_lpi_pending(const Gic *gic, uint32_t p)
{
    return gic->lpi[p].count;
}

/* Where the pending table keeps the LPIs (a bit for each INTID), and how many bytes. */
static uint64_t table_of(const GicLpis *l, size_t *bytes)
{
    const uint32_t end = limit(l);
    *bytes = end ? (end - GIC_FIRST_LPI) / 8 : 0;
    return (l->pendbaser & PENDBASER_ADDRESS) + GIC_FIRST_LPI / 8;
}

/* Memory that is not there holds no pending LPIs. */
static void load_table(Gic *gic, uint32_t p)
{
    GicLpis *l = &gic->lpi[p];
    uint64_t table[WORDS] = {0};
    size_t bytes;
    const uint64_t pa = table_of(l, &bytes);
    if ((l->pendbaser & PENDBASER_PTZ) || !mem_copy_from(gic->mem, table, (Pa){pa}, bytes)) {
        return;
    }
    for (uint32_t w = 0; w < WORDS; w++) {
        for (uint64_t left = table[w]; left; left &= left - 1) {
            const uint32_t intid = w * 64 + (uint32_t)__builtin_ctzll(left) + GIC_FIRST_LPI;
            mark(gic, p, intid, read_config(gic, l, intid));
        }
    }
}

void gic_lpi_enable(Gic *gic, uint32_t p, bool enable)
{
    GicLpis *l = &gic->lpi[p];
    size_t bytes;
    const uint64_t pa = table_of(l, &bytes);
    if (enable) {
        load_table(gic, p);
    } else {
        mem_copy_to(gic->mem, (Pa){pa}, l->pending, bytes);
        l->pendbaser &= ~PENDBASER_PTZ; /* the table holds what was pending */
        forget_pending(gic, p);
    }
    gic_lpi_find_best(gic, p);
}

uint64_t gic_lpi_read_propbaser(const Gic *gic, uint32_t p)
{
    return gic->lpi[p].propbaser;
}

uint64_t gic_lpi_read_pendbaser(const Gic *gic, uint32_t p)
{
    return gic->lpi[p].pendbaser & ~PENDBASER_PTZ;
}

static uint64_t merge(uint64_t old, uint64_t value, uint64_t mask)
{
    return (old & ~mask) | (value & mask);
}

void gic_lpi_write_propbaser(Gic *gic, uint32_t p, uint64_t value, uint64_t mask)
{
    if (!is_enabled(gic, p)) {
        gic->lpi[p].propbaser = merge(gic->lpi[p].propbaser, value, mask & PROPBASER_MASK);
    }
}

void gic_lpi_write_pendbaser(Gic *gic, uint32_t p, uint64_t value, uint64_t mask)
{
    if (!is_enabled(gic, p)) {
        gic->lpi[p].pendbaser = merge(gic->lpi[p].pendbaser, value, mask & PENDBASER_MASK);
    }
}

void gic_lpi_restore(Gic *gic, uint32_t p, GicLpiBases bases)
{
    gic->lpi[p].propbaser = bases.propbaser & PROPBASER_MASK;
    gic->lpi[p].pendbaser = bases.pendbaser & PENDBASER_MASK;
    forget_pending(gic, p);
}

void gic_lpi_restore_pending(Gic *gic, uint32_t p, uint32_t intid, uint8_t config)
{
    if (is_there(gic, p, intid) && !is_pending(&gic->lpi[p], intid)) {
        mark(gic, p, intid, config);
    }
}
