/*
 * Which pending interrupt a PE is offered. Each PE's best private interrupt and best SPI are
 * cached, so that a line change costs a compare; only when a PE's best SPI goes away are the ready
 * SPIs (few at any time) looked through. GIC architecture specification, "Interrupt
 * prioritization", "Shared Peripheral Interrupts: 1 of N model".
 */
#include "gic-state.h"

static const GicPick none = {GIC_NO_INTID, GIC_IDLE_PRIORITY, 0, false};

/* Equal priorities: a non-maskable one first, then the lowest INTID (the choice is the
 * implementation's). */
static bool outranks(GicPick a, GicPick b)
{
    if (a.priority != b.priority) {
        return a.priority < b.priority;
    }
    return a.nmi != b.nmi ? a.nmi : a.intid < b.intid;
}

/* The interrupts of a bank whose group is in `groups` (bit 0: Group 0, bit 1: Group 1). */
static uint32_t of_groups(const GicBank *bank, uint32_t groups)
{
    return (groups & GIC_CTLR_GRP0 ? ~bank->group : 0) | (groups & GIC_CTLR_GRP1 ? bank->group : 0);
}

static uint32_t bank_ready(const GicBank *bank, uint32_t groups)
{
    return gic_bank_pending(bank) & bank->enabled & ~bank->active & of_groups(bank, groups);
}

static GicPick spi_pick(const Gic *gic, uint32_t n)
{
    return gic_bank_pick(&gic->dist.bank[n / 32], n, gic->dist.priority[n]);
}

uint32_t gic_find_pe(const Gic *gic, uint64_t affinity)
{
    uint32_t low = 0, high = gic->cpus;
    while (low < high) {
        const uint32_t mid = (low + high) / 2;
        const uint64_t seen = gic->pe[gic->by_affinity[mid]].affinity;
        if (seen == affinity) {
            return gic->by_affinity[mid];
        }
        if (seen < affinity) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return GIC_NO_PE;
}

/* Tells the CPU interface when its highest-priority pending interrupt is another one than it knows.
 */
void gic_publish(Gic *gic, uint32_t p)
{
    GicPe *pe = &gic->pe[p];
    GicPick best = outranks(pe->own, pe->spi) ? pe->own : pe->spi;
    /* LPIs are in Group 1 */
    if ((gic->dist.ctlr & gic->redist[p].groups & GIC_CTLR_GRP1) && outranks(pe->lpi, best)) {
        best = pe->lpi;
    }
    if (gic->redist[p].waker & GIC_WAKER_SLEEP) {
        best = none;
    }
    if (best.intid == pe->told.intid && best.priority == pe->told.priority &&
        best.group == pe->told.group && best.nmi == pe->told.nmi) {
        return;
    }
    pe->told = best;
    if (pe->set_pending) {
        pe->set_pending(pe->ctx, best.intid, best.priority, best.group, best.nmi);
    }
}

static void find_own(Gic *gic, uint32_t p)
{
    const GicRedistState *r = &gic->redist[p];
    GicPick best = none;
    for (uint32_t left = bank_ready(&r->bank, gic->dist.ctlr & r->groups); left; left &= left - 1) {
        const uint32_t n = (uint32_t)__builtin_ctz(left);
        const GicPick pick = gic_bank_pick(&r->bank, n, r->priority[n]);
        if (outranks(pick, best)) {
            best = pick;
        }
    }
    gic->pe[p].own = best;
}

static void find_spi(Gic *gic, uint32_t p)
{
    const uint32_t groups = gic->redist[p].groups;
    GicPick best = none;
    for (uint32_t words = gic->ready_words; words; words &= words - 1) {
        const uint32_t w = (uint32_t)__builtin_ctz(words);
        uint32_t left = gic->ready[w] & of_groups(&gic->dist.bank[w], groups);
        for (; left; left &= left - 1) {
            const uint32_t n = w * 32 + (uint32_t)__builtin_ctz(left);
            if (gic->target[n] == p && outranks(spi_pick(gic, n), best)) {
                best = spi_pick(gic, n);
            }
        }
    }
    gic->pe[p].spi = best;
}

/* May PE p be chosen for a 1-of-N interrupt of this group? */
static bool participates(const Gic *gic, uint32_t p, uint32_t group)
{
    const GicRedistState *r = &gic->redist[p];
    const uint32_t declined = group ? GICR_CTLR_DPG1NS : GICR_CTLR_DPG0;
    return !(r->waker & GIC_WAKER_SLEEP) && !(r->ctlr & declined) && (r->groups >> group & 1);
}

/* 1 of N: stays with `now` while that PE takes part, else an idle PE, else the first that takes
 * part. */
static uint32_t choose_any(const Gic *gic, uint32_t n, uint32_t now)
{
    const uint32_t group = gic->dist.bank[n / 32].group >> (n % 32) & 1;
    uint32_t chosen = GIC_NO_PE;
    if (now != GIC_NO_PE && participates(gic, now, group)) {
        return now;
    }
    for (uint32_t p = 0; p < gic->cpus; p++) {
        if (!participates(gic, p, group)) {
            continue;
        }
        if (gic->pe[p].told.intid == GIC_NO_INTID) {
            return p;
        }
        if (chosen == GIC_NO_PE) {
            chosen = p;
        }
    }
    return chosen;
}

static uint32_t choose(const Gic *gic, uint32_t n, uint32_t now)
{
    const uint64_t route = gic->dist.route[n];
    if (route & GIC_ROUTE_ANY) {
        return choose_any(gic, n, now);
    }
    return gic_find_pe(gic, (route & 0xffffff) | (route >> 8 & 0xff000000));
}

static bool mark_ready(Gic *gic, uint32_t n)
{
    const uint32_t w = n / 32, bit = UINT32_C(1) << (n % 32);
    const bool ready = bank_ready(&gic->dist.bank[w], gic->dist.ctlr) & bit;
    gic->ready[w] = ready ? gic->ready[w] | bit : gic->ready[w] & ~bit;
    gic->ready_words = gic->ready[w] ? gic->ready_words | UINT32_C(1) << w
                                     : gic->ready_words & ~(UINT32_C(1) << w);
    return ready;
}

void gic_spi_changed(Gic *gic, uint32_t n)
{
    const uint32_t old = gic->target[n];
    const bool ready = mark_ready(gic, n);
    const uint32_t now = ready ? choose(gic, n, old) : GIC_NO_PE;
    gic->target[n] = (uint16_t)now;
    if (old != GIC_NO_PE && gic->pe[old].spi.intid == n) {
        find_spi(gic, old);
        gic_publish(gic, old);
    }
    if (now == GIC_NO_PE || gic->pe[now].spi.intid == n) {
        return;
    }
    const GicPick pick = spi_pick(gic, n);
    if ((gic->redist[now].groups >> pick.group & 1) && outranks(pick, gic->pe[now].spi)) {
        gic->pe[now].spi = pick;
        gic_publish(gic, now);
    }
}

void gic_private_changed(Gic *gic, uint32_t p)
{
    find_own(gic, p);
    gic_publish(gic, p);
}

void gic_all_changed(Gic *gic)
{
    for (uint32_t n = GIC_FIRST_SPI; n < gic->lines; n++) {
        gic->target[n] = mark_ready(gic, n) ? (uint16_t)choose(gic, n, gic->target[n]) : GIC_NO_PE;
    }
    for (uint32_t p = 0; p < gic->cpus; p++) {
        find_own(gic, p);
        find_spi(gic, p);
        gic_publish(gic, p);
    }
}

void gic_pe_changed(Gic *gic, uint32_t p)
{
    find_own(gic, p);
    find_spi(gic, p);
    gic_publish(gic, p);
    for (uint32_t words = gic->ready_words; words; words &= words - 1) {
        const uint32_t w = (uint32_t)__builtin_ctz(words);
        for (uint32_t left = gic->ready[w]; left; left &= left - 1) {
            const uint32_t n = w * 32 + (uint32_t)__builtin_ctz(left);
            if (gic->dist.route[n] & GIC_ROUTE_ANY) {
                gic_spi_changed(gic, n);
            }
        }
    }
}
