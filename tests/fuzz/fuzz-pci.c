/*
 * Fuzz target: a driver that writes what it likes to configuration space, to the BARs and to memory
 * of virtio entropy and console devices behind the PCI host. Input: records of 16 bytes: what and
 * where (4 bytes), 4 not used, value (8). With libFuzzer: clang -fsanitize=fuzzer,address; else
 * replay.c runs the corpus.
 */
#include <stdint.h>
#include <string.h>

#include <glib.h>

#include "virtio/console.h"
#include "virtio/rng.h"
#include "virtio/virtio-pci.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RAM UINT64_C(0x40000000)
#define WINDOW UINT64_C(0x10000000)
enum { RAM_SIZE = 0x10000, DEVICES = 2, SLOT = 1 << 15 };

typedef struct {
    Mem *mem;
    EvClock *clock;
    BaseRandom random;
    HwCharPort port;
    VirtioDevice *device[DEVICES];
    HwDevice *dev[DEVICES];
    VirtioPci *pci[DEVICES];
    PciHost *host;
} Fuzz;

static void take_message(void *ctx, uint32_t requester, uint64_t address, uint32_t data)
{
    Fuzz *f = ctx;
    g_assert(requester == 8 || requester == 16);
    mem_copy_to(f->mem, (Pa){address}, &data, sizeof data);
}

static void write_bar(Fuzz *f, uint32_t at, unsigned size, uint64_t value)
{
    pci_bar_ops.write(f->host, at, size, value);
}

/* BARs, MSI-X, and both queues of a device; the input may do so again. */
static void start_driver(Fuzz *f, unsigned i)
{
    static const uint32_t writes[][3] = {
        {0x14, 1, 3},          {0x08, 4, 1},          {0x0c, 4, 1},
        {0x14, 1, 0xb},        {0x10, 2, 0},          {0x16, 2, 0},
        {0x18, 2, 16},         {0x1a, 2, 1},          {0x20, 4, 0x40000000},
        {0x28, 4, 0x40000200}, {0x30, 4, 0x40000300}, {0x1c, 2, 1},
        {0x16, 2, 1},          {0x18, 2, 16},         {0x1a, 2, 2},
        {0x20, 4, 0x40000000}, {0x28, 4, 0x40000200}, {0x30, 4, 0x40000300},
        {0x1c, 2, 1},          {0x14, 1, 0xf},
    };
    const uint32_t bar = i * PCI_BAR_BYTES;
    pci_ecam_ops.write(f->host, (i + 1) * SLOT + 0x10, 4, WINDOW + bar);
    pci_ecam_ops.write(f->host, (i + 1) * SLOT + 4, 2, 6);
    pci_ecam_ops.write(f->host, (i + 1) * SLOT + 0x42, 2, 0x8000);
    for (uint32_t v = 0; v < PCI_VECTORS; v++) {
        write_bar(f, bar + PCI_MSIX_TABLE + v * 16, 8, RAM + 0x8000 + v * 4);
        write_bar(f, bar + PCI_MSIX_TABLE + v * 16 + 8, 8, v);
    }
    for (size_t n = 0; n < G_N_ELEMENTS(writes); n++) {
        write_bar(f, bar + writes[n][0], writes[n][1], writes[n][2]);
    }
}

static void save_and_load(Fuzz *f)
{
    GBytes *bytes;
    SnapWriter *w = snap_writer_new(true);
    pci_host_save(f->host, w);
    snap_finish(w, &bytes);
    SnapReader *r = snap_reader_new(bytes, NULL);
    const bool ok = pci_host_load(f->host, r, NULL);
    g_assert(ok);
    snap_reader_free(r);
    g_bytes_unref(bytes);
    snap_writer_free(w);
}

static void step(Fuzz *f, uint16_t what, uint16_t where, uint64_t value)
{
    static const unsigned sizes[] = {1, 2, 4, 8};
    const unsigned size = sizes[what >> 4 & 3], i = what >> 6 & 1;
    const uint32_t aligned = where & ~(size - 1);
    uint64_t ignored;
    switch (what % 12) {
    case 0:
        pci_ecam_ops.write(f->host, (aligned & 0x11ff) + (i + 1) * SLOT, size, value);
        break;
    case 1:
        pci_ecam_ops.read(f->host, aligned % 0x20000, size, &ignored);
        break;
    case 2: /* common configuration */
        write_bar(f, i * PCI_BAR_BYTES + aligned % 0x40, size, value);
        break;
    case 3:
        pci_bar_ops.read(f->host, aligned, size, &ignored);
        break;
    case 4:
        write_bar(f, aligned, size, value);
        break;
    case 5: /* a notification */
        write_bar(f, i * PCI_BAR_BYTES + 0x3000, 2, value % 3);
        break;
    case 6:
        ev_clock_advance(f->clock, ev_now_ns(f->clock) + where);
        ev_run_due(f->clock);
        break;
    case 7:
        virtio_feed(f->dev[1], 0, (const uint8_t *)&value, 1 + where % sizeof value);
        break;
    case 8:
        save_and_load(f);
        break;
    case 9:
        start_driver(f, i);
        break;
    default:
        mem_copy_to(f->mem, (Pa){RAM + where % RAM_SIZE / 8 * 8}, &value, sizeof value);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Fuzz f = {.mem = mem_new(), .clock = ev_clock_new(true)};
    const HwEnv env = {.mem = f.mem, .clock = f.clock};
    mem_add_ram(f.mem, "ram", (Pa){RAM}, RAM_SIZE, MEM_RAM);
    base_random_seed(&f.random, 1);
    f.host = pci_host_new((PciMessages){take_message, &f});
    pci_host_set_window(f.host, WINDOW);
    f.device[0] = virtio_rng_new(&f.random);
    f.device[1] = virtio_console_new(&f.port);
    for (unsigned i = 0; i < DEVICES; i++) {
        f.dev[i] = hw_device_new(virtio_mmio_class(), &env, f.device[i]);
        f.pci[i] = virtio_pci_new(f.dev[i]);
        pci_host_add(f.host, virtio_pci_function(f.pci[i]));
        start_driver(&f, i);
    }
    for (size_t at = 0; at + 16 <= size; at += 16) {
        uint16_t head[2];
        uint64_t value;
        memcpy(head, data + at, sizeof head);
        memcpy(&value, data + at + 8, sizeof value);
        step(&f, head[0], head[1], value);
    }
    pci_host_free(f.host);
    for (unsigned i = 0; i < DEVICES; i++) {
        virtio_pci_free(f.pci[i]);
        hw_device_free(f.dev[i]);
    }
    virtio_rng_free(f.device[0]);
    virtio_console_free(f.device[1]);
    ev_clock_free(f.clock);
    mem_free(f.mem);
    return 0;
}
