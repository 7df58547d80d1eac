/*
 * Fuzz target: a guest that writes what it likes to memory, to the ITS, to the redistributors and
 * to the command queue. Input: records of 16 bytes: what and where (4), 4 not used, value (8).
 * Whatever happens, the queue comes to rest in bounded time and what the CPU interfaces are told is
 * an interrupt. With libFuzzer: clang -fsanitize=fuzzer,address; else replay.c runs the corpus.
 */
#include <stdint.h>
#include <string.h>

#include <glib.h>

#include "gic/gic-its.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RAM UINT64_C(0x40000000)
enum { RAM_SIZE = 0x80000, CPUS = 2 };
enum {
    QUEUE = 0,
    DEVICES = 0x10000,
    COLLECTIONS = 0x20000,
    ITT = 0x30000,
    CONFIG = 0x40000,
    PENDING = 0x60000
};
enum {
    CTLR = 0,
    CBASER = 0x80,
    CWRITER = 0x88,
    CREADR = 0x90,
    BASER = 0x100,
    TRANSLATER = 0x10040
};

typedef struct {
    Mem *mem;
    EvClock *clock;
    Gic *gic;
    GicRegion *region;
    GicIts *its;
    uint32_t told[CPUS];
} Fuzz;

static void told(void *ctx, uint32_t intid, uint8_t priority, unsigned group, bool nmi)
{
    *(uint32_t *)ctx = intid;
    g_assert(intid < 288 || intid == GIC_NO_INTID ||
             (intid >= GIC_FIRST_LPI && intid >> GIC_ID_BITS == 0 && group == 1));
    g_assert(priority <= 0xf8 || intid == GIC_NO_INTID);
}

static void write_its(Fuzz *f, uint64_t offset, unsigned size, uint64_t value)
{
    gic_its_ops.write(f->its, offset, size, value);
}

static void write_redist(Fuzz *f, uint64_t offset, uint64_t value)
{
    gic_redist_ops.write(f->region, offset, 8, value);
}

static void command(Fuzz *f, const uint64_t dw[4])
{
    uint64_t at;
    gic_its_ops.read(f->its, CWRITER, 8, &at);
    mem_copy_to(f->mem, (Pa){RAM + QUEUE + at % 0x1000}, dw, 32);
    write_its(f, CWRITER, 8, ((at + 32) % 0x1000) | 1);
}

/* Tables and a queue as a driver sets them up; device 1 and collections 0 and 1 are mapped. */
static void set_up(Fuzz *f)
{
    const uint64_t valid = UINT64_C(1) << 63;
    gic_dist_ops.write(f->gic, 0, 4, 2);
    for (uint32_t p = 0; p < CPUS; p++) {
        const uint64_t rd = p * GIC_REDIST_SPAN;
        gic_port.upstream(f->gic, p, true, true);
        write_redist(f, rd + 0x70, (RAM + CONFIG) | 15);
        write_redist(f, rd + 0x78, RAM + PENDING + p * 0x10000);
        gic_redist_ops.write(f->region, rd, 4, 1);
    }
    write_its(f, BASER, 8, valid | (RAM + DEVICES) | 2 << 8);
    write_its(f, BASER + 8, 8, valid | (RAM + COLLECTIONS) | 2 << 8);
    write_its(f, CBASER, 8, valid | (RAM + QUEUE));
    write_its(f, CTLR, 4, 1);
    command(f, (const uint64_t[4]){8 | UINT64_C(1) << 32, 9, valid | (RAM + ITT)});
    command(f, (const uint64_t[4]){9, 0, valid});
    command(f, (const uint64_t[4]){9, 0, valid | 1 << 16 | 1});
}

/* A command that is likely to be right: small numbers. */
static void likely_command(Fuzz *f, uint16_t where, uint64_t value)
{
    static const uint8_t codes[] = {1, 3, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15, 3, 10, 3, 10};
    const uint64_t event = value & 0x3ff, lpi = value >> 10 & 0xffff, valid = value & 1ull << 63;
    const uint64_t target = (value >> 26 & 3) << 16, other = (value >> 28 & 3) << 16;
    command(f, (const uint64_t[4]){codes[where & 15] | (uint64_t)(where >> 4 & 3) << 32,
                                   event | lpi << 32,
                                   valid | (RAM + ITT) | (value >> 30 & 3) | target, other});
}

static void save_and_load(Fuzz *f)
{
    GBytes *bytes;
    const uint32_t before[CPUS] = {f->told[0], f->told[1]};
    SnapWriter *w = snap_writer_new(true);
    gic_save(f->gic, w);
    gic_its_save(f->its, w);
    snap_finish(w, &bytes);
    SnapReader *r = snap_reader_new(bytes, NULL);
    const bool ok = gic_load(f->gic, r, NULL) && gic_its_load(f->its, r, NULL);
    g_assert(ok && f->told[0] == before[0] && f->told[1] == before[1]);
    snap_reader_free(r);
    g_bytes_unref(bytes);
    snap_writer_free(w);
}

static void step(Fuzz *f, uint16_t what, uint16_t where, uint64_t value)
{
    static const uint64_t places[] = {
        QUEUE,       DEVICES, COLLECTIONS, ITT, CONFIG, PENDING + 1024, PENDING + 0x10000 + 1024,
        ITT + 0x8000};
    const unsigned sizes[] = {1, 2, 4, 8};
    const unsigned size = sizes[what >> 4 & 3];
    uint64_t ignored;
    switch (what % 12) {
    case 0: /* the registers */
        write_its(f, (where % 0x140) & ~(size - 1), size, value);
        break;
    case 1:
        gic_its_ops.read(f->its, (uint64_t)(where % 0x20) * 8 & ~(size - 1), size, &ignored);
        break;
    case 2:
        write_its(f, TRANSLATER, size, value);
        break;
    case 3:
        gic_redist_ops.write(
            f->region, (where % 0xc8 & ~(size - 1)) + (where >> 15) * GIC_REDIST_SPAN, size, value);
        break;
    case 4: /* a CPU takes what it was told */
        gic_port.activate(f->gic, where & 1, f->told[where & 1]);
        break;
    case 5: /* time */
        ev_clock_advance(f->clock, ev_now_ns(f->clock) + where * 16);
        ev_run_due(f->clock);
        break;
    case 6:
        save_and_load(f);
        break;
    case 7:
        gic_its_msi(f->its, where & 3, value & 0x3ff);
        break;
    case 8:
        mem_copy_to(f->mem, (Pa){RAM + places[where & 7] + (where >> 3) % 0x1000 * 8}, &value, 8);
        break;
    case 9: /* the whole queue at once */
        write_its(f, CWRITER, 8, (uint64_t)(where % 0x80) * 32 | 1);
        break;
    default:
        likely_command(f, where, value);
    }
}

/* However it was left, the queue ends: each command of it once, in pieces. */
static void come_to_rest(Fuzz *f)
{
    unsigned pieces = 0;
    while (ev_next_alarm(f->clock) != INT64_MAX) {
        ev_clock_advance(f->clock, ev_next_alarm(f->clock));
        ev_run_due(f->clock);
        g_assert(++pieces < 0x100000 / 32 * 4);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint64_t affinity[CPUS] = {0, 1};
    Fuzz f = {.mem = mem_new(), .clock = ev_clock_new(true)};
    mem_add_ram(f.mem, "ram", (Pa){RAM}, RAM_SIZE, MEM_RAM);
    f.gic = gic_new(&(GicConfig){.mem = f.mem, .lines = 288, .cpus = CPUS, .affinity = affinity});
    f.region = gic_add_region(f.gic, 0, CPUS);
    f.its = gic_its_new(&(GicItsConfig){.gic = f.gic, .mem = f.mem, .clock = f.clock});
    for (uint32_t p = 0; p < CPUS; p++) {
        gic_connect_cpu(f.gic, p, told, &f.told[p]);
    }
    set_up(&f);
    for (size_t at = 0; at + 16 <= size; at += 16) {
        uint16_t head[2];
        uint64_t value;
        memcpy(head, data + at, sizeof head);
        memcpy(&value, data + at + 8, sizeof value);
        step(&f, head[0], head[1], value);
    }
    come_to_rest(&f);
    gic_its_free(f.its);
    gic_free(f.gic);
    ev_clock_free(f.clock);
    mem_free(f.mem);
    return 0;
}
