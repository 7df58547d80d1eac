/*
 * GICv3 distributor and redistributors: values worked out from the GIC architecture specification.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "gic/gic.h"

enum { CTLR = 0, TYPER = 4, STATUSR = 0x10, SETSPI = 0x40, CLRSPI = 0x48 };
enum { IGROUP = 0x80, ISENABLE = 0x100, ICENABLE = 0x180, ISPEND = 0x200, ICPEND = 0x280 };
enum { ISACTIVE = 0x300, ICACTIVE = 0x380, IPRIORITY = 0x400, ICFG = 0xc00, IROUTER = 0x6000 };
enum { WAKER = 0x14, SGI_BASE = 0x10000 };
enum { NONE = 1023, CPUS = 4 };

/* What a CPU interface was told last. */
typedef struct {
    uint32_t intid;
    uint8_t priority;
    unsigned group, calls;
} Told;

typedef struct {
    Gic *gic;
    GicRegion *region;
    Told cpu[CPUS];
} Bench;

static int locked;

void mem_lock_devices(Mem *m)
{
    assert_int_equal(locked, 0);
    locked = 1;
}

void mem_unlock_devices(Mem *m)
{
    assert_int_equal(locked, 1);
    locked = 0;
}

static void told(void *ctx, uint32_t intid, uint8_t priority, unsigned group, bool nmi)
{
    Told *t = ctx;
    *t = (Told){intid, priority, group, t->calls + 1};
}

static void dist_write(Bench *b, uint32_t offset, uint32_t value)
{
    assert_true(gic_dist_ops.write(b->gic, offset, 4, value));
}

static uint32_t dist_read(Bench *b, uint32_t offset)
{
    uint64_t value = 0;
    assert_true(gic_dist_ops.read(b->gic, offset, 4, &value));
    return (uint32_t)value;
}

static void redist_write(Bench *b, uint32_t cpu, uint32_t offset, uint32_t value)
{
    assert_true(gic_redist_ops.write(b->region, cpu * GIC_REDIST_SPAN + offset, 4, value));
}

static uint32_t redist_read(Bench *b, uint32_t cpu, uint32_t offset)
{
    uint64_t value = 0;
    assert_true(gic_redist_ops.read(b->region, cpu * GIC_REDIST_SPAN + offset, 4, &value));
    return (uint32_t)value;
}

/* PEs 0.0.0.0, 0.0.0.1, 0.0.1.0, 0.0.1.1; MPIDR_EL1 has RES1 bit 31. */
static int setup_lines(void **state, uint32_t lines)
{
    static const uint64_t affinity[CPUS] = {0x80000000, 0x80000001, 0x80000100, 0x80000101};
    Bench *b = calloc(1, sizeof *b);
    const GicConfig config = {.lines = lines, .cpus = CPUS, .affinity = affinity};
    b->gic = gic_new(&config);
    b->region = gic_add_region(b->gic, 0, CPUS);
    for (uint32_t i = 0; i < CPUS; i++) {
        gic_connect_cpu(b->gic, i, told, &b->cpu[i]);
        b->cpu[i].intid = NONE;
    }
    *state = b;
    return 0;
}

static int setup(void **state)
{
    return setup_lines(state, 288);
}

static int setup_most(void **state)
{
    return setup_lines(state, GIC_MAX_LINES);
}

static int teardown(void **state)
{
    Bench *b = *state;
    gic_free(b->gic);
    free(b);
    return 0;
}

/* Both groups enabled everywhere, every interrupt in Group 1 and enabled. */
static void open_all(Bench *b)
{
    dist_write(b, CTLR, 3);
    for (uint32_t w = 1; w < 32; w++) {
        dist_write(b, IGROUP + 4 * w, UINT32_MAX);
        dist_write(b, ISENABLE + 4 * w, UINT32_MAX);
    }
    for (uint32_t i = 0; i < CPUS; i++) {
        redist_write(b, i, SGI_BASE + IGROUP, UINT32_MAX);
        redist_write(b, i, SGI_BASE + ISENABLE, UINT32_MAX);
        gic_port.upstream(b->gic, i, true, true);
    }
}

static void route(Bench *b, uint32_t intid, uint64_t value)
{
    assert_true(gic_dist_ops.write(b->gic, IROUTER + 8 * intid, 8, value));
}

static void priority(Bench *b, uint32_t intid, uint8_t value)
{
    assert_true(gic_dist_ops.write(b->gic, IPRIORITY + intid, 1, value));
}

static void identification(void **state)
{
    Bench *b = *state;
    /* ITLinesNumber 8 (288 lines), MBIS, IDbits 9 (10 bits), A3V */
    assert_int_equal(dist_read(b, TYPER), 0x017b0008);
    assert_int_equal(dist_read(b, CTLR), 0x50); /* ARE, DS */
    assert_int_equal(dist_read(b, 0xffe8), 0x3b);
    assert_int_equal(redist_read(b, 0, 0xffe8), 0x3b);
    /* Processor_Number, DPGS, Last on the last one; affinity above */
    assert_int_equal(redist_read(b, 2, 8), 0x221);
    assert_int_equal(redist_read(b, 3, 8), 0x331);
    assert_int_equal(redist_read(b, 3, 12), 0x101);
    uint64_t typer;
    gic_redist_ops.read(b->region, 3 * GIC_REDIST_SPAN + 8, 8, &typer);
    assert_int_equal(typer, UINT64_C(0x0000010100000331));
    dist_write(b, CTLR, UINT32_MAX);
    assert_int_equal(dist_read(b, CTLR), 0x53);
}

static void most_lines(void **state)
{
    Bench *b = *state;
    assert_int_equal(dist_read(b, TYPER) & 0x1f, 31);
    open_all(b);
    assert_int_equal(dist_read(b, ISENABLE + 4 * 31),
                     0x0fffffff); /* 1020..1023 are no interrupts */
    gic_set_spi(b->gic, 987, true);
    assert_int_equal(b->cpu[0].intid, 1019);
    gic_set_spi(b->gic, 988, true); /* no such wire */
    gic_set_spi(b->gic, UINT32_MAX, true);
    assert_int_equal(b->cpu[0].intid, 1019);
}

static void registers_keep_what_exists(void **state)
{
    Bench *b = *state;
    uint64_t value;
    dist_write(b, IGROUP, UINT32_MAX); /* SGIs and PPIs are not the distributor's */
    assert_int_equal(dist_read(b, IGROUP), 0);
    dist_write(b, IPRIORITY + 0x10, UINT32_MAX);
    assert_int_equal(dist_read(b, IPRIORITY + 0x10), 0);
    dist_write(b, IPRIORITY + 0x20, 0x12345678); /* 5 bits of each */
    assert_int_equal(dist_read(b, IPRIORITY + 0x20), 0x10305078);
    priority(b, 33, 0xff);
    assert_int_equal(dist_read(b, IPRIORITY + 0x20), 0x1030f878);
    gic_dist_ops.read(b->gic, IPRIORITY + 0x21, 1, &value);
    assert_int_equal(value, 0xf8);
    dist_write(b, ICFG + 4 * 2, 0xc0000006); /* interrupts 32 and 47; bit 0 of a pair is RES0 */
    assert_int_equal(dist_read(b, ICFG + 4 * 2), 0x80000002);
    dist_write(b, ICFG + 4 * 3, 0x8);
    assert_int_equal(dist_read(b, ICFG + 4 * 3), 0x8);
    assert_int_equal(dist_read(b, ICFG + 4 * 2), 0x80000002);
    assert_int_equal(redist_read(b, 0, SGI_BASE + ICFG), 0xaaaaaaaa);
    redist_write(b, 0, SGI_BASE + ICFG, 0);
    assert_int_equal(redist_read(b, 0, SGI_BASE + ICFG), 0xaaaaaaaa);
    redist_write(b, 0, SGI_BASE + ICFG + 4, 0x80000000);
    assert_int_equal(redist_read(b, 0, SGI_BASE + ICFG + 4), 0x80000000);
    dist_write(b, IROUTER + 8 * 40 + 4, 0x1ff);
    dist_write(b, IROUTER + 8 * 40, 0xff030201);
    gic_dist_ops.read(b->gic, IROUTER + 8 * 40, 8, &value);
    assert_int_equal(value, UINT64_C(0xff80030201));
    assert_int_equal(dist_read(b, 0xd04), 0); /* IGRPMODR: RAZ with one Security state */
    assert_int_equal(dist_read(b, STATUSR), 0);
}

static void status_of_errors(void **state)
{
    Bench *b = *state;
    uint64_t value = 1;
    dist_read(b, 0x20);
    assert_int_equal(dist_read(b, STATUSR), 1);
    dist_write(b, 0x20, 1);
    dist_read(b, SETSPI);
    dist_write(b, TYPER, 0);
    assert_int_equal(dist_read(b, STATUSR), 0xf);
    dist_write(b, STATUSR, 0x5);
    assert_int_equal(dist_read(b, STATUSR), 0xa);
    assert_true(gic_dist_ops.read(b->gic, CTLR, 1, &value)); /* no byte access there */
    assert_int_equal(value, 0);
    assert_int_equal(dist_read(b, STATUSR), 0xb);
    redist_write(b, 1, 8, 0);
    assert_int_equal(redist_read(b, 1, STATUSR), 8);
    assert_int_equal(redist_read(b, 0, STATUSR), 0);
}

static void level_spi(void **state)
{
    Bench *b = *state;
    open_all(b);
    priority(b, 33, 0xa0);
    gic_set_spi(b->gic, 1, true);
    assert_int_equal(b->cpu[0].intid, 33);
    assert_int_equal(b->cpu[0].priority, 0xa0);
    assert_int_equal(b->cpu[0].group, 1);
    assert_int_equal(dist_read(b, ISPEND + 4), 2);
    dist_write(b, ICPEND + 4, 2); /* the wire keeps it pending */
    assert_int_equal(b->cpu[0].intid, 33);
    assert_true(gic_port.activate(b->gic, 0, 33));
    assert_int_equal(b->cpu[0].intid, NONE);
    assert_int_equal(dist_read(b, ISACTIVE + 4), 2);
    assert_int_equal(dist_read(b, ISPEND + 4), 2); /* active and pending */
    gic_port.deactivate(b->gic, 0, 33);
    assert_int_equal(b->cpu[0].intid, 33);
    gic_set_spi(b->gic, 1, false);
    assert_int_equal(b->cpu[0].intid, NONE);
    assert_false(gic_port.activate(b->gic, 0, 33));
    assert_int_equal(dist_read(b, ISACTIVE + 4), 0);
}

static void edge_spi(void **state)
{
    Bench *b = *state;
    open_all(b);
    dist_write(b, ICFG + 8, 0x8); /* 33 */
    gic_set_spi(b->gic, 1, true);
    gic_set_spi(b->gic, 1, false);
    assert_int_equal(b->cpu[0].intid, 33);
    assert_true(gic_port.activate(b->gic, 0, 33));
    assert_int_equal(dist_read(b, ISPEND + 4), 0);
    gic_set_spi(b->gic, 1, true); /* again while active: active and pending */
    assert_int_equal(dist_read(b, ISPEND + 4), 2);
    assert_int_equal(b->cpu[0].intid, NONE);
    gic_port.deactivate(b->gic, 0, 33);
    assert_int_equal(b->cpu[0].intid, 33);
    dist_write(b, ICPEND + 4, 2);
    assert_int_equal(b->cpu[0].intid, NONE); /* high wire, no edge */
}

static void software_pending_of_a_level_spi(void **state)
{
    Bench *b = *state;
    open_all(b);
    dist_write(b, ISPEND + 8, 1);
    assert_int_equal(b->cpu[0].intid, 64);
    assert_true(gic_port.activate(b->gic, 0, 64));
    gic_port.deactivate(b->gic, 0, 64);
    assert_int_equal(b->cpu[0].intid, NONE); /* the activation took the latch */
    dist_write(b, SETSPI, 65);
    assert_int_equal(b->cpu[0].intid, 65);
    dist_write(b, CLRSPI, 65);
    assert_int_equal(b->cpu[0].intid, NONE);
    dist_write(b, SETSPI, 5); /* no SPI */
    dist_write(b, SETSPI, 288);
    assert_int_equal(b->cpu[0].intid, NONE);
    dist_write(b, ISPEND + 8, 1);
    dist_write(b, ISACTIVE + 8, 1);
    assert_int_equal(b->cpu[0].intid, NONE);
    dist_write(b, ICACTIVE + 8, 1);
    assert_int_equal(b->cpu[0].intid, 64);
    dist_write(b, ICENABLE + 8, 1);
    assert_int_equal(b->cpu[0].intid, NONE);
}

/* GICD_SETSPI_NSR: level-sensitive, pending until GICD_CLRSPI_NSR; edge-triggered, until taken. */
static void messages(void **state)
{
    Bench *b = *state;
    open_all(b);
    dist_write(b, ICFG + 0x10, 0x8); /* 65: edge */
    dist_write(b, SETSPI, 64);
    assert_true(gic_port.activate(b->gic, 0, 64));
    assert_int_equal(dist_read(b, ISPEND + 8), 1); /* active and pending */
    gic_port.deactivate(b->gic, 0, 64);
    assert_int_equal(b->cpu[0].intid, 64);
    dist_write(b, ICPEND + 8, 1);
    assert_int_equal(b->cpu[0].intid, 64);
    dist_write(b, CLRSPI, 64);
    assert_int_equal(b->cpu[0].intid, NONE);
    dist_write(b, SETSPI, 65);
    assert_true(gic_port.activate(b->gic, 0, 65));
    gic_port.deactivate(b->gic, 0, 65);
    assert_int_equal(b->cpu[0].intid, NONE);
    dist_write(b, SETSPI, 64);
    gic_reset(b->gic);
    open_all(b);
    assert_int_equal(b->cpu[0].intid, NONE);
}

/* Without GICD_TYPER.NMI there are no GICD_INMIR<n> and GICR_INMIR0. */
static void nothing_is_non_maskable(void **state)
{
    Bench *b = *state;
    open_all(b);
    assert_int_equal(dist_read(b, 4) >> 9 & 1, 0);
    dist_write(b, 0xf80 + 4, UINT32_MAX);
    redist_write(b, 0, 0x10000 + 0xf80, UINT32_MAX);
    assert_int_equal(dist_read(b, 0xf80 + 4), 0);
    assert_int_equal(redist_read(b, 0, 0x10000 + 0xf80), 0);
    assert_int_equal(dist_read(b, STATUSR) | redist_read(b, 0, STATUSR), 0);
}

static void highest_priority_wins(void **state)
{
    Bench *b = *state;
    open_all(b);
    for (uint32_t n = 40; n < 48; n++) {
        priority(b, n, 0x80);
    }
    gic_set_spi(b->gic, 45 - 32, true);
    gic_set_spi(b->gic, 42 - 32, true);
    assert_int_equal(b->cpu[0].intid, 42); /* equal priorities: lowest INTID */
    gic_set_spi(b->gic, 44 - 32, true);
    assert_int_equal(b->cpu[0].intid, 42);
    priority(b, 45, 0x78);
    assert_int_equal(b->cpu[0].intid, 45);
    priority(b, 45, 0x88); /* the best one falls behind */
    assert_int_equal(b->cpu[0].intid, 42);
    gic_set_ppi(b->gic, 0, 27, true); /* priority 0 */
    assert_int_equal(b->cpu[0].intid, 27);
    assert_true(gic_port.activate(b->gic, 0, 27));
    assert_int_equal(b->cpu[0].intid, 42);
    gic_set_spi(b->gic, 42 - 32, false);
    assert_int_equal(b->cpu[0].intid, 44);
    redist_write(b, 0, SGI_BASE + IPRIORITY + 24, 0xf8000000);
    gic_port.deactivate(b->gic, 0, 27);
    assert_int_equal(b->cpu[0].intid, 44);
    assert_int_equal(redist_read(b, 0, SGI_BASE + IPRIORITY + 24), 0xf8000000);
}

static void group_enables(void **state)
{
    Bench *b = *state;
    open_all(b);
    dist_write(b, IGROUP + 4, ~UINT32_C(1)); /* 32 in Group 0 */
    priority(b, 32, 0x40);
    priority(b, 33, 0x80);
    gic_set_spi(b->gic, 0, true);
    gic_set_spi(b->gic, 1, true);
    assert_int_equal(b->cpu[0].intid, 32);
    assert_int_equal(b->cpu[0].group, 0);
    gic_port.upstream(b->gic, 0, false, true); /* the one below it must come through */
    assert_int_equal(b->cpu[0].intid, 33);
    dist_write(b, CTLR, 1);
    assert_int_equal(b->cpu[0].intid, NONE);
    gic_port.upstream(b->gic, 0, true, true);
    assert_int_equal(b->cpu[0].intid, 32);
    dist_write(b, CTLR, 2);
    assert_int_equal(b->cpu[0].intid, 33);
    dist_write(b, IGROUP + 4, UINT32_MAX); /* 32 moves to Group 1 */
    assert_int_equal(b->cpu[0].intid, 32);
    assert_int_equal(b->cpu[0].group, 1);
}

static void routing(void **state)
{
    Bench *b = *state;
    open_all(b);
    route(b, 50, 0x101);
    gic_set_spi(b->gic, 50 - 32, true);
    assert_int_equal(b->cpu[3].intid, 50);
    assert_int_equal(b->cpu[0].intid, NONE);
    route(b, 50, 0x100); /* moves while pending */
    assert_int_equal(b->cpu[3].intid, NONE);
    assert_int_equal(b->cpu[2].intid, 50);
    route(b, 50, 0x5); /* nobody */
    assert_int_equal(b->cpu[2].intid, NONE);
    route(b, 50, 0x1);
    assert_int_equal(b->cpu[1].intid, 50);
    assert_false(gic_port.activate(b->gic, 0, 50));
    assert_true(gic_port.activate(b->gic, 1, 50));
    gic_set_spi(b->gic, 50 - 32, false);
    gic_port.deactivate(b->gic, 3, 50); /* any PE may deactivate an SPI */
    assert_int_equal(dist_read(b, ISACTIVE + 4), 0);
}

static void one_of_n(void **state)
{
    Bench *b = *state;
    open_all(b);
    route(b, 60, UINT64_C(1) << 31);
    route(b, 61, UINT64_C(1) << 31);
    gic_set_spi(b->gic, 60 - 32, true);
    gic_set_spi(b->gic, 61 - 32, true);
    assert_int_equal(b->cpu[0].intid, 60); /* one each */
    assert_int_equal(b->cpu[1].intid, 61);
    redist_write(b, 0, 0, UINT32_C(1) << 25);          /* DPG1NS: PE 0 stops taking part */
    assert_int_equal(redist_read(b, 0, 0), 0x2000006); /* and CES, IR */
    assert_int_equal(b->cpu[0].intid, NONE);
    assert_int_equal(b->cpu[2].intid, 60);
    redist_write(b, 2, WAKER, 2);
    assert_int_equal(redist_read(b, 2, WAKER), 6);
    assert_int_equal(b->cpu[2].intid, NONE);
    assert_int_equal(b->cpu[3].intid, 60);
    assert_true(gic_port.activate(b->gic, 3, 60));
    for (uint32_t i = 0; i < CPUS; i++) {
        assert_int_not_equal(b->cpu[i].intid, 60);
    }
    gic_port.upstream(b->gic, 1, true, false);
    assert_int_equal(b->cpu[3].intid, 61);
    gic_port.upstream(b->gic, 3, true, false);
    assert_int_equal(b->cpu[3].intid, NONE); /* PE 0 declines, 2 sleeps, 1 and 3 are closed */
    redist_write(b, 2, WAKER, 0);
    assert_int_equal(b->cpu[2].intid, 61);
}

static void asleep(void **state)
{
    Bench *b = *state;
    open_all(b);
    redist_write(b, 0, WAKER, 2);
    gic_set_spi(b->gic, 1, true);
    gic_set_ppi(b->gic, 0, 27, true);
    assert_int_equal(b->cpu[0].intid, NONE);
    redist_write(b, 0, WAKER, 0);
    assert_int_equal(redist_read(b, 0, WAKER), 0);
    assert_int_equal(b->cpu[0].intid, 27);
}

static void sgis(void **state)
{
    Bench *b = *state;
    open_all(b);
    /* INTID 5 to 0.0.1.{0,1} and to 0.0.1.7, which is not there */
    gic_port.send_sgi(b->gic, 0, 0x05010083, 1);
    assert_int_equal(b->cpu[0].intid, NONE);
    assert_int_equal(b->cpu[1].intid, NONE);
    assert_int_equal(b->cpu[2].intid, 5);
    assert_int_equal(b->cpu[3].intid, 5);
    assert_int_equal(redist_read(b, 3, SGI_BASE + ISPEND), 0x20);
    gic_port.send_sgi(b->gic, 1, UINT64_C(0x1000f000000), 1); /* IRM: all but self */
    assert_int_equal(b->cpu[0].intid, 15);
    assert_int_equal(b->cpu[1].intid, NONE);
    assert_int_equal(redist_read(b, 3, SGI_BASE + ISPEND), 0x8020);
    assert_true(gic_port.activate(b->gic, 3, 5));
    assert_int_equal(b->cpu[3].intid, 15);
    gic_port.send_sgi(b->gic, 0, 0x06000002, 0); /* Group 0 request, Group 1 SGI */
    assert_int_equal(b->cpu[1].intid, NONE);
    redist_write(b, 1, SGI_BASE + IGROUP, ~UINT32_C(0x40));
    gic_port.send_sgi(b->gic, 0, 0x06000002, 0);
    assert_int_equal(b->cpu[1].intid, 6);
    assert_int_equal(b->cpu[1].group, 0);
    redist_write(b, 1, SGI_BASE + ICPEND, 0x40);
    assert_int_equal(b->cpu[1].intid, NONE);
}

/* A change that does not move the best interrupt tells nobody; reset keeps the wires. */
static void quiet_and_reset(void **state)
{
    Bench *b = *state;
    open_all(b);
    gic_set_spi(b->gic, 3, true);
    const unsigned calls = b->cpu[0].calls;
    gic_set_spi(b->gic, 3, true);
    gic_set_spi(b->gic, 9, true);
    gic_set_spi(b->gic, 9, false);
    assert_int_equal(b->cpu[0].calls, calls);
    gic_reset(b->gic);
    assert_int_equal(b->cpu[0].intid, NONE);
    assert_int_equal(dist_read(b, CTLR), 0x50);
    open_all(b);
    assert_int_equal(b->cpu[0].intid, 35);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(identification, setup, teardown),
        cmocka_unit_test_setup_teardown(most_lines, setup_most, teardown),
        cmocka_unit_test_setup_teardown(registers_keep_what_exists, setup, teardown),
        cmocka_unit_test_setup_teardown(status_of_errors, setup, teardown),
        cmocka_unit_test_setup_teardown(level_spi, setup, teardown),
        cmocka_unit_test_setup_teardown(edge_spi, setup, teardown),
        cmocka_unit_test_setup_teardown(software_pending_of_a_level_spi, setup, teardown),
        cmocka_unit_test_setup_teardown(messages, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_is_non_maskable, setup, teardown),
        cmocka_unit_test_setup_teardown(highest_priority_wins, setup, teardown),
        cmocka_unit_test_setup_teardown(group_enables, setup, teardown),
        cmocka_unit_test_setup_teardown(routing, setup, teardown),
        cmocka_unit_test_setup_teardown(one_of_n, setup, teardown),
        cmocka_unit_test_setup_teardown(asleep, setup, teardown),
        cmocka_unit_test_setup_teardown(sgis, setup, teardown),
        cmocka_unit_test_setup_teardown(quiet_and_reset, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
