/*
 * A GIC as a whole: its life, its input wires, and the port of the CPU interfaces.
 * GIC architecture specification, "Interrupt handling state machine", "Software Generated
 * Interrupts".
 */
#include "gic.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "gic-lpi.h"

static uint64_t affinity_of(uint64_t mpidr)
{
    return (mpidr & 0xffffff) | (mpidr >> 8 & 0xff000000);
}

/* PE numbers in order of affinity. Insertion: boards give them in order already. */
static void sort_by_affinity(Gic *gic)
{
    for (uint32_t p = 0; p < gic->cpus; p++) {
        uint32_t i = p;
        while (i && gic->pe[gic->by_affinity[i - 1]].affinity > gic->pe[p].affinity) {
            gic->by_affinity[i] = gic->by_affinity[i - 1];
            i--;
        }
        gic->by_affinity[i] = (uint16_t)p;
    }
}

Gic *gic_new(const GicConfig *config)
{
    assert(config->cpus >= 1 && config->cpus <= GIC_MAX_CPUS);
    assert(config->lines == GIC_MAX_LINES ||
           (config->lines % 32 == 0 && config->lines >= 64 && config->lines < GIC_MAX_LINES));
    Gic *gic = calloc(1, sizeof *gic);
    assert(gic);
    gic->mem = config->mem;
    gic->lines = config->lines;
    gic->cpus = config->cpus;
    gic->nmi = config->nmi;
    gic->redist = calloc(gic->cpus, sizeof *gic->redist);
    gic->pe = calloc(gic->cpus, sizeof *gic->pe);
    gic->by_affinity = calloc(gic->cpus, sizeof *gic->by_affinity);
    assert(gic->redist && gic->pe && gic->by_affinity);
    for (uint32_t p = 0; p < gic->cpus; p++) {
        gic->pe[p].affinity = affinity_of(config->affinity[p]);
        gic->pe[p].told.intid = GIC_NO_INTID;
        gic->pe[p].told.priority = GIC_IDLE_PRIORITY;
    }
    sort_by_affinity(gic);
    gic_lpi_init(gic);
    gic_reset(gic);
    return gic;
}

void gic_free(Gic *gic)
{
    if (!gic) {
        return;
    }
    for (GicRegion *next, *r = gic->regions; r; r = next) {
        next = r->next;
        free(r);
    }
    gic_lpi_fini(gic);
    free(gic->redist);
    free(gic->pe);
    free(gic->by_affinity);
    free(gic);
}

/* A bank after reset; input wires keep their level. */
static void reset_bank(GicBank *bank, uint32_t edge)
{
    *bank = (GicBank){.level = bank->level, .edge = edge};
}

void gic_reset(Gic *gic)
{
    GicDistState *d = &gic->dist;
    d->ctlr = 0;
    d->statusr = 0;
    for (uint32_t w = 0; w < GIC_WORDS; w++) {
        reset_bank(&d->bank[w], 0);
    }
    memset(d->priority, 0, sizeof d->priority);
    memset(d->route, 0, sizeof d->route);
    for (uint32_t p = 0; p < gic->cpus; p++) {
        GicRedistState *r = &gic->redist[p];
        const uint32_t level = r->bank.level;
        /*
         * DIFFERS: GICR_WAKER.ProcessorSleep resets to 1. EL3 firmware, which is emulated, wakes
         * the redistributor before the first guest instruction, so that is where a machine starts.
         */
        *r = (GicRedistState){0};
        r->bank.level = level;
        reset_bank(&r->bank, 0xffff);
    }
    gic_lpi_reset(gic);
    gic_all_changed(gic);
}

void gic_connect_cpu(Gic *gic, uint32_t cpu, ArmGicSetPending fn, void *ctx)
{
    assert(cpu < gic->cpus);
    gic->pe[cpu].set_pending = fn;
    gic->pe[cpu].ctx = ctx;
}

GicRegion *gic_add_region(Gic *gic, uint32_t first, uint32_t count)
{
    assert(count && first < gic->cpus && count <= gic->cpus - first);
    GicRegion *r = calloc(1, sizeof *r);
    assert(r);
    *r = (GicRegion){gic, first, count, gic->regions};
    gic->regions = r;
    return r;
}

/* Returns whether the interrupt may have become pending or stopped being so. */
static bool set_wire(GicBank *bank, uint32_t bit, bool level)
{
    if (!(bank->level & bit) == !level) {
        return false;
    }
    bank->level ^= bit;
    if (level) {
        bank->latched |= bit & bank->edge;
    }
    return true;
}

void gic_set_spi(Gic *gic, uint32_t n, bool level)
{
    const uint32_t intid = n + GIC_FIRST_SPI;
    if (n < gic->lines - GIC_FIRST_SPI &&
        set_wire(&gic->dist.bank[intid / 32], UINT32_C(1) << (intid % 32), level)) {
        gic_spi_changed(gic, intid);
    }
}

void gic_set_ppi(Gic *gic, uint32_t cpu, uint32_t intid, bool level)
{
    if (cpu < gic->cpus && intid >= 16 && intid < 32 &&
        set_wire(&gic->redist[cpu].bank, UINT32_C(1) << intid, level)) {
        gic_private_changed(gic, cpu);
    }
}

/* The bank of an INTID as PE p sees it; NULL when there is no such interrupt. */
static GicBank *bank_of(Gic *gic, uint32_t p, uint32_t intid)
{
    if (p >= gic->cpus || intid >= gic->lines) {
        return NULL;
    }
    return intid < GIC_FIRST_SPI ? &gic->redist[p].bank : &gic->dist.bank[intid / 32];
}

static void changed(Gic *gic, uint32_t p, uint32_t intid)
{
    if (intid < GIC_FIRST_SPI) {
        gic_private_changed(gic, p);
    } else {
        gic_spi_changed(gic, intid);
    }
}

static bool port_activate(void *ctx, uint32_t p, uint32_t intid)
{
    Gic *gic = ctx;
    mem_lock_devices(gic->mem);
    GicBank *bank = bank_of(gic, p, intid);
    bool ok = p < gic->cpus && gic->pe[p].told.intid == intid;
    if (ok && !bank) {
        ok = gic_lpi_take(gic, p, intid);
    } else if (ok) {
        bank->active |= UINT32_C(1) << (intid % 32);
        bank->latched &= ~(UINT32_C(1) << (intid % 32));
        changed(gic, p, intid);
    }
    mem_unlock_devices(gic->mem);
    return ok;
}

static void port_deactivate(void *ctx, uint32_t p, uint32_t intid)
{
    Gic *gic = ctx;
    mem_lock_devices(gic->mem);
    GicBank *bank = bank_of(gic, p, intid);
    const uint32_t bit = UINT32_C(1) << (intid % 32);
    if (bank && (bank->active & bit)) {
        bank->active &= ~bit;
        changed(gic, p, intid);
    }
    mem_unlock_devices(gic->mem);
}

/* The SGI becomes pending at PE p if it is of this group there. */
static void pend_sgi(Gic *gic, uint32_t p, uint32_t intid, unsigned group)
{
    GicBank *bank = &gic->redist[p].bank;
    if ((bank->group >> intid & 1) == group) {
        bank->latched |= UINT32_C(1) << intid;
        gic_private_changed(gic, p);
    }
}

/* Source: ICC_SGI1R_EL1 and the others of its layout. RS is RES0: GICD_TYPER.RSS is 0. */
static void port_send_sgi(void *ctx, uint32_t self, uint64_t value, unsigned group)
{
    Gic *gic = ctx;
    const uint32_t intid = value >> 24 & 0xf;
    mem_lock_devices(gic->mem);
    if (value >> 40 & 1) {
        for (uint32_t p = 0; p < gic->cpus; p++) {
            if (p != self) {
                pend_sgi(gic, p, intid, group);
            }
        }
    } else {
        const uint64_t cluster =
            (value >> 48 & 0xff) << 24 | (value >> 32 & 0xff) << 16 | (value >> 16 & 0xff) << 8;
        for (uint32_t left = value & 0xffff; left; left &= left - 1) {
            const uint32_t p = gic_find_pe(gic, cluster | (uint32_t)__builtin_ctz(left));
            if (p != GIC_NO_PE) {
                pend_sgi(gic, p, intid, group);
            }
        }
    }
    mem_unlock_devices(gic->mem);
}

static void port_upstream(void *ctx, uint32_t p, bool group0, bool group1)
{
    Gic *gic = ctx;
    const uint32_t groups = (group0 ? GIC_CTLR_GRP0 : 0) | (group1 ? GIC_CTLR_GRP1 : 0);
    mem_lock_devices(gic->mem);
    if (p < gic->cpus && gic->redist[p].groups != groups) {
        gic->redist[p].groups = groups;
        gic_pe_changed(gic, p);
    }
    mem_unlock_devices(gic->mem);
}

static void port_set_ppi(void *ctx, uint32_t p, uint32_t intid, bool level)
{
    Gic *gic = ctx;
    mem_lock_devices(gic->mem);
    gic_set_ppi(gic, p, intid, level);
    mem_unlock_devices(gic->mem);
}

const ArmGicPort gic_port = {
    .activate = port_activate,
    .deactivate = port_deactivate,
    .send_sgi = port_send_sgi,
    .upstream = port_upstream,
    .set_ppi = port_set_ppi,
};
