/*
 * Fuzz target: a driver that writes what it likes to memory and to the registers of a virtio disk,
 * console or entropy device. Input: which device, then records of 4 bytes (what, where) each with
 * its value. With libFuzzer: clang -fsanitize=fuzzer,address; else replay.c runs the corpus.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#include "virtio/blk.h"
#include "virtio/console.h"
#include "virtio/rng.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RAM UINT64_C(0x40000000)
enum { RAM_SIZE = 0x10000, DISK_SIZE = 0x8000, WORD = 8 };

typedef struct {
    Mem *mem;
    EvClock *clock;
    HwDevice *dev;
    VirtioDevice *device;
    HwCharPort port;
    BaseRandom random;
} Fuzz;

static VirtioImage *scratch_disk(void)
{
    char path[] = "/tmp/armillary-fuzz-XXXXXX";
    const int fd = g_mkstemp(path);
    g_assert(fd >= 0 && ftruncate(fd, DISK_SIZE) == 0);
    close(fd);
    VirtioImage *image = virtio_image_open(path, VIRTIO_IMAGE_SNAPSHOT, NULL);
    unlink(path);
    g_assert(image);
    return image;
}

static VirtioDevice *make_device(Fuzz *f, unsigned kind)
{
    switch (kind % 3) {
    case 0:
        return virtio_blk_new(scratch_disk(), "fuzz");
    case 1:
        return virtio_console_new(&f->port);
    default:
        return virtio_rng_new(&f->random);
    }
}

static void free_device(Fuzz *f, unsigned kind)
{
    switch (kind % 3) {
    case 0:
        virtio_blk_free(f->device);
        break;
    case 1:
        virtio_console_free(f->device);
        break;
    default:
        virtio_rng_free(f->device);
    }
}

/* Accepts all features and sets both queues up, 16 descriptors each; the input may do so again. */
static void start_driver(Fuzz *f)
{
    static const uint32_t writes[][2] = {
        {0x70, 3},          {0x24, 0},          {0x20, 0x30006244}, {0x24, 1},
        {0x20, 1},          {0x70, 0xb},        {0x30, 0},          {0x38, 16},
        {0x80, 0x40000000}, {0x90, 0x40000200}, {0xa0, 0x40000300}, {0x44, 1},
        {0x30, 1},          {0x38, 16},         {0x80, 0x40000000}, {0x90, 0x40000200},
        {0xa0, 0x40000300}, {0x44, 1},          {0x70, 0xf},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(writes); i++) {
        uint32_t value = writes[i][1];
        if (writes[i][0] == 0x20 && writes[i][1] != 1) {
            uint64_t offered;
            hw_device_write(f->dev, 0x14, 4, 0);
            hw_device_read(f->dev, 0x10, 4, &offered);
            value = (uint32_t)offered;
        }
        hw_device_write(f->dev, writes[i][0], 4, value);
    }
}

/* One record: memory, a register, a notification, input, or time. */
static void step(Fuzz *f, uint16_t what, uint16_t where, uint64_t value)
{
    uint64_t ignored;
    switch (what % 8) {
    case 0:
        hw_device_write(f->dev, where % 0x200 & ~3u, 4, (uint32_t)value);
        break;
    case 1:
        hw_device_read(f->dev, where % 0x200 & ~3u, 4, &ignored);
        break;
    case 2:
        hw_device_write(f->dev, 0x50, 4, (uint32_t)value % 3);
        break;
    case 3:
        ev_clock_advance(f->clock, ev_now_ns(f->clock) + where);
        ev_run_due(f->clock);
        break;
    case 4:
        virtio_feed(f->dev, 0, (const uint8_t *)&value, 1 + where % sizeof value);
        break;
    default:
        mem_copy_to(f->mem, (Pa){RAM + where % RAM_SIZE / WORD * WORD}, &value, sizeof value);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Fuzz f = {.mem = mem_new(), .clock = ev_clock_new(true)};
    const unsigned kind = size ? data[0] : 0;
    mem_add_ram(f.mem, "ram", (Pa){RAM}, RAM_SIZE, MEM_RAM);
    base_random_seed(&f.random, 1);
    f.device = make_device(&f, kind);
    const HwEnv env = {.mem = f.mem, .clock = f.clock};
    f.dev = hw_device_new(virtio_mmio_class(), &env, f.device);
    start_driver(&f);
    for (size_t at = 1; at + 4 + WORD <= size; at += 4 + WORD) {
        uint16_t head[2];
        uint64_t value;
        memcpy(head, data + at, sizeof head);
        memcpy(&value, data + at + 4, sizeof value);
        step(&f, head[0], head[1], value);
    }
    hw_device_free(f.dev);
    free_device(&f, kind);
    ev_clock_free(f.clock);
    mem_free(f.mem);
    return 0;
}
