/*
 * The distributor's cached choice against the rule itself: after each of many random operations,
 * what every PE was told is the best of what the registers say is pending for it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "armillary/random.h"
#include "gic/gic.h"

enum { CPUS = 3, LINES = 96, NONE = 1023, STEPS = 20000 };
enum { CTLR = 0, IGROUP = 0x80, ENABLE = 0x100, PEND = 0x200, ACTIVE = 0x300, PRIORITY = 0x400 };
enum { ICFG = 0xc00, INMI = 0xf80, IROUTER = 0x6000, WAKER = 0x14, SGI_BASE = 0x10000 };
#define DPG1 (UINT32_C(1) << 25)

static struct {
    Gic *gic;
    GicRegion *region;
    BaseRandom random;
    uint32_t told[CPUS];
    int rank[CPUS];         /* as told */
    uint32_t open[CPUS];    /* groups enabled at the CPU interfaces */
} t;

void mem_lock_devices(Mem *m)
{
}

void mem_unlock_devices(Mem *m)
{
}

static void told(void *ctx, uint32_t intid, uint8_t priority, unsigned group, bool nmi)
{
    const uint32_t cpu = (uint32_t)((uint32_t *)ctx - t.told);
    t.told[cpu] = intid;
    t.rank[cpu] = nmi ? priority - 1 : priority;
}

static uint32_t below(uint32_t n)
{
    return (uint32_t)(base_random_next(&t.random) >> 32) % n;
}

static uint64_t get(bool dist, uint32_t cpu, uint32_t offset, unsigned size)
{
    uint64_t value;
    if (dist) {
        gic_dist_ops.read(t.gic, offset, size, &value);
    } else {
        gic_redist_ops.read(t.region, cpu * GIC_REDIST_SPAN + offset, size, &value);
    }
    return value;
}

/* A register of the bank that intid is in, as PE cpu sees it. */
static uint32_t bank(uint32_t cpu, uint32_t offset, uint32_t intid)
{
    if (intid < 32) {
        return (uint32_t)get(false, cpu, SGI_BASE + offset, 4);
    }
    return (uint32_t)get(true, 0, offset + intid / 32 * 4, 4);
}

static bool is_for(uint32_t cpu, uint32_t n)
{
    const uint64_t route = n < 32 ? cpu : get(true, 0, IROUTER + 8 * n, 8);
    return route == cpu;
}

static bool is_any(uint32_t n)
{
    return n >= 32 && (get(true, 0, IROUTER + 8 * n, 8) & UINT64_C(1) << 31);
}

/* The priority; -1 is the Superpriority of a non-maskable interrupt. */
static int rank(uint32_t cpu, uint32_t n)
{
    if (bank(cpu, INMI, n) & bank(cpu, IGROUP, n) & UINT32_C(1) << (n % 32)) {
        return -1;
    }
    return (int)(n < 32 ? get(false, cpu, SGI_BASE + PRIORITY + n, 1)
                        : get(true, 0, PRIORITY + n, 1));
}

/* May PE cpu be offered interrupt n, wherever n is routed? */
static bool deliverable(uint32_t cpu, uint32_t n)
{
    const uint32_t bit = UINT32_C(1) << (n % 32);
    const uint32_t group = (bank(cpu, IGROUP, n) & bit) != 0;
    const uint32_t groups = (uint32_t)get(true, 0, CTLR, 4) & t.open[cpu];
    return (bank(cpu, PEND, n) & bank(cpu, ENABLE, n) & ~bank(cpu, ACTIVE, n) & bit) &&
           (groups >> group & 1) && !(get(false, cpu, WAKER, 4) & 2);
}

/* The rule: highest priority, then lowest INTID, of what is routed to the PE alone. */
static uint32_t best_of(uint32_t cpu)
{
    uint32_t best = NONE;
    for (uint32_t n = 0; n < LINES; n++) {
        if (is_for(cpu, n) && deliverable(cpu, n) &&
            (best == NONE || rank(cpu, n) < rank(cpu, best))) {
            best = n;
        }
    }
    return best;
}

static void check(void)
{
    for (uint32_t cpu = 0; cpu < CPUS; cpu++) {
        const uint32_t best = best_of(cpu), seen = t.told[cpu];
        assert_true(seen == NONE || t.rank[cpu] == rank(cpu, seen));
        if (seen == best) {
            continue;
        }
        /* Else it is one of the 1-of-N kind that comes before, and nobody else has it. */
        assert_int_not_equal(seen, NONE);
        assert_true(is_any(seen));
        assert_true(deliverable(cpu, seen));
        if (best != NONE) {
            assert_true(rank(cpu, seen) <= rank(cpu, best));
        }
        for (uint32_t other = 0; other < CPUS; other++) {
            assert_true(other == cpu || t.told[other] != seen);
        }
    }
}

/* While some PE takes part in a deliverable 1-of-N interrupt, one of those has it or better. */
static void check_any(void)
{
    for (uint32_t n = 32; n < LINES; n++) {
        bool somebody = false, served = false;
        for (uint32_t cpu = 0; is_any(n) && cpu < CPUS; cpu++) {
            const uint32_t bit = UINT32_C(1) << (n % 32);
            const bool declines = (bank(cpu, IGROUP, n) & bit) && (get(false, cpu, 0, 4) & DPG1);
            if (deliverable(cpu, n) && !declines) {
                somebody = true;
                served |=
                    t.told[cpu] != NONE && rank(cpu, t.told[cpu]) <= rank(cpu, n);
            }
        }
        assert_true(served || !somebody);
    }
}

static void poke_distributor(void)
{
    static const uint32_t blocks[] = {IGROUP,      ENABLE, ENABLE + 0x80, PEND,
                                      PEND + 0x80, ACTIVE, ACTIVE + 0x80, ICFG, INMI};
    const uint32_t block = blocks[below(9)],
                   word = 1 + below(2) + (block == ICFG ? 1 + below(3) : 0);
    const uint32_t sparse = UINT32_C(1) << below(32) | UINT32_C(1) << below(32);
    gic_dist_ops.write(t.gic, block + 4 * word, 4, sparse);
}

static void poke_redistributor(void)
{
    static const uint32_t blocks[] = {IGROUP,      ENABLE, ENABLE + 0x80, PEND,
                                      PEND + 0x80, ACTIVE, ACTIVE + 0x80, ICFG + 4, INMI};
    const uint32_t offset = below(CPUS) * (uint32_t)GIC_REDIST_SPAN + SGI_BASE + blocks[below(9)];
    gic_redist_ops.write(t.region, offset, 4, UINT32_C(1) << below(32) | UINT32_C(1) << below(32));
}

static void poke_port(void)
{
    const uint32_t cpu = below(CPUS);
    switch (below(4)) {
    case 0:
        gic_port.activate(t.gic, cpu, below(3) ? t.told[cpu] : below(1100));
        break;
    case 1:
        gic_port.deactivate(t.gic, cpu, below(1100) % 128);
        break;
    case 2:
        gic_port.send_sgi(t.gic, cpu, below(16) << 24 | below(8), below(2));
        break;
    default:
        t.open[cpu] = below(8) ? 3 : below(4);
        gic_port.upstream(t.gic, cpu, t.open[cpu] & 1, t.open[cpu] >> 1);
    }
}

static void poke_rare(void)
{
    const uint32_t cpu = below(CPUS);
    switch (below(3)) {
    case 0:
        gic_dist_ops.write(t.gic, CTLR, 4, below(4) ? 3 : below(4));
        break;
    case 1:
        gic_redist_ops.write(t.region, cpu * GIC_REDIST_SPAN + WAKER, 4, below(4) ? 0 : 2);
        break;
    default:
        gic_redist_ops.write(t.region, cpu * GIC_REDIST_SPAN, 4, below(2) ? DPG1 : 0);
    }
}

static void poke(void)
{
    const uint32_t n = 32 + below(LINES - 32);
    switch (below(8)) {
    case 0:
        poke_distributor();
        break;
    case 1:
        poke_redistributor();
        break;
    case 2:
        poke_port();
        break;
    case 3:
        gic_dist_ops.write(t.gic, PRIORITY + n, 1, below(256));
        gic_redist_ops.write(t.region,
                             below(CPUS) * GIC_REDIST_SPAN + SGI_BASE + PRIORITY + below(32), 1,
                             below(256));
        break;
    case 4: {
        const uint64_t any = below(4) ? 0 : UINT64_C(1) << 31;
        gic_dist_ops.write(t.gic, IROUTER + 8 * n, 8, any ? any : below(CPUS + 1));
        break;
    }
    case 5:
        gic_set_ppi(t.gic, below(CPUS), 16 + below(16), below(2));
        break;
    case 6:
        if (below(8) == 0) {
            poke_rare();
        }
        break;
    default:
        gic_set_spi(t.gic, n - 32, below(2));
    }
}

static void random_operations(void **state)
{
    const uint64_t affinity[CPUS] = {0, 1, 2};
    t.gic = gic_new(&(GicConfig){.lines = LINES, .cpus = CPUS, .affinity = affinity, .nmi = true});
    t.region = gic_add_region(t.gic, 0, CPUS);
    base_random_seed(&t.random, 7);
    for (uint32_t cpu = 0; cpu < CPUS; cpu++) {
        t.told[cpu] = NONE;
        gic_connect_cpu(t.gic, cpu, told, &t.told[cpu]);
    }
    unsigned busy = 0;
    for (unsigned step = 0; step < STEPS; step++) {
        poke();
        check();
        check_any();
        busy += t.told[0] != NONE;
    }
    assert_in_range(busy, STEPS / 10, STEPS - STEPS / 10); /* both cases were there */
    gic_free(t.gic);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
