#include "virtio-bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static void set_line(void *ctx, unsigned n, bool level)
{
    Bench *b = ctx;
    b->edges += level && !b->line;
    b->line = level;
}

Bench *bench_new(VirtioDevice *d)
{
    Bench *b = calloc(1, sizeof *b);
    MemKind kind;
    b->mem = mem_new();
    assert_true(mem_add_ram(b->mem, "ram", (Pa){RAM}, RAM_SIZE, MEM_RAM));
    b->ram = mem_host(b->mem, (Pa){RAM}, &kind);
    b->clock = ev_clock_new(true);
    const HwEnv env = {.mem = b->mem, .clock = b->clock};
    b->dev = hw_device_new(virtio_mmio_class(), &env, d);
    hw_device_connect(b->dev, 0, (HwLine){set_line, b, 0});
    return b;
}

void bench_free(Bench *b)
{
    hw_device_free(b->dev);
    ev_clock_free(b->clock);
    mem_free(b->mem);
    free(b);
}

uint32_t get(Bench *b, uint32_t offset)
{
    uint64_t value;
    assert_true(hw_device_read(b->dev, offset, 4, &value));
    return (uint32_t)value;
}

void set(Bench *b, uint32_t offset, uint32_t value)
{
    assert_true(hw_device_write(b->dev, offset, 4, value));
}

uint8_t *at(Bench *b, uint64_t pa)
{
    return b->ram + (pa - RAM);
}

void put16(Bench *b, uint64_t pa, uint16_t v)
{
    memcpy(at(b, pa), &v, 2);
}

uint16_t get16(Bench *b, uint64_t pa)
{
    uint16_t v;
    memcpy(&v, at(b, pa), 2);
    return v;
}

void write_desc(Bench *b, uint64_t table, unsigned i, VirtioSegment s, uint32_t flags_next)
{
    memcpy(at(b, table + 16 * i), &s.addr, 8);
    memcpy(at(b, table + 16 * i + 8), &s.len, 4);
    memcpy(at(b, table + 16 * i + 12), &flags_next, 4);
}

uint32_t link_to(unsigned flags, unsigned next)
{
    return flags | next << 16;
}

void negotiate(Bench *b, uint64_t features)
{
    set(b, STATUS, 0);
    set(b, STATUS, 1);
    set(b, STATUS, 3);
    for (uint32_t i = 0; i < 2; i++) {
        set(b, 0x24, i);
        set(b, 0x20, (uint32_t)(features >> 32 * i));
    }
    set(b, STATUS, 0xb);
}

void start(Bench *b, uint32_t queue, uint64_t features)
{
    memset(at(b, DESC), 0, 0x4000);
    b->avail = 0;
    b->queue = queue;
    negotiate(b, features);
    assert_int_equal(get(b, STATUS), 0xb);
    set(b, 0x30, queue);
    assert_int_equal(get(b, 0x34), 256);
    set(b, 0x38, NUM);
    set(b, 0x80, (uint32_t)DESC);
    set(b, 0x90, (uint32_t)AVAIL);
    set(b, 0xa0, (uint32_t)USED);
    set(b, 0x44, 1);
    assert_int_equal(get(b, 0x44), 1);
    set(b, STATUS, 0xf);
}

/* Makes the chain that starts at descriptor `head` available. */
void offer(Bench *b, uint16_t head)
{
    put16(b, AVAIL + 4 + 2 * (b->avail % NUM), head);
    put16(b, AVAIL + 2, ++b->avail);
}

void kick(Bench *b)
{
    set(b, NOTIFY, b->queue);
}

/* Length of the last used element; its id must be `head`. */
uint32_t used_length(Bench *b, uint32_t head)
{
    const uint16_t used = get16(b, USED + 2);
    uint32_t element[2];
    assert_int_equal(used, b->avail);
    memcpy(element, at(b, USED + 4 + 8 * ((used - 1) % NUM)), 8);
    assert_int_equal(element[0], head);
    return element[1];
}
