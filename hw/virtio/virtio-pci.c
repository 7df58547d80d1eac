/*
 * virtio-pci: capabilities that say where the structures are, the common configuration, and
 * interrupts as MSI-X vectors. The work is that of virtio-mmio.c, whose registers are written here.
 * VIRTIO 1.2, "Virtio Structure PCI Capabilities", "Common configuration structure layout".
 * MISSING: VIRTIO_PCI_CAP_PCI_CFG, the window onto the BAR in configuration space.
 */
#include "virtio-pci.h"

#include <glib.h>

/* Structures in the BAR. */
enum { AREA_BYTES = 0x1000, AREA_COMMON = 0, AREA_ISR, AREA_DEVICE, AREA_NOTIFY };
enum { CAP_VENDOR = 9, CAP_COMMON = 1, CAP_NOTIFY, CAP_ISR, CAP_DEVICE };
/* Words of PciState.own. */
enum { CONFIG_VECTOR, QUEUE_VECTOR }; /* QUEUE_VECTOR + queue */
enum {
    COMMON_DEVICE_SELECT = 0x00,
    COMMON_DEVICE_FEATURE = 0x04,
    COMMON_DRIVER_SELECT = 0x08,
    COMMON_DRIVER_FEATURE = 0x0c,
    COMMON_CONFIG_VECTOR = 0x10,
    COMMON_NUM_QUEUES = 0x12,
    COMMON_STATUS = 0x14,
    COMMON_GENERATION = 0x15,
    COMMON_QUEUE_SELECT = 0x16,
    COMMON_QUEUE_SIZE = 0x18,
    COMMON_QUEUE_VECTOR = 0x1a,
    COMMON_QUEUE_ENABLE = 0x1c,
    COMMON_QUEUE_NOTIFY_OFF = 0x1e,
    COMMON_QUEUE_DESC = 0x20,
    COMMON_END = 0x38,
};
/* Registers of virtio-mmio. */
enum {
    MMIO_DEVICE_FEATURES = 0x10,
    MMIO_DEVICE_SELECT = 0x14,
    MMIO_DRIVER_FEATURES = 0x20,
    MMIO_DRIVER_SELECT = 0x24,
    MMIO_QUEUE_SELECT = 0x30,
    MMIO_QUEUE_SIZE = 0x38,
    MMIO_QUEUE_READY = 0x44,
    MMIO_NOTIFY = 0x50,
    MMIO_ACK = 0x64,
    MMIO_STATUS = 0x70,
    MMIO_QUEUE_DESC = 0x80, /* then, 0x10 apart, driver and device areas */
    MMIO_CONFIG = 0x100,
};

struct VirtioPci {
    PciFunction function;
    PciType type;
    HwDevice *dev;
};

static VirtioPci *of(PciFunction *f)
{
    return (VirtioPci *)(void *)f; /* the first member */
}

static VirtioState *state_of(const VirtioPci *p)
{
    return p->dev->state;
}

static unsigned n_queues(const VirtioPci *p)
{
    const VirtioDevice *d = p->dev->wiring;
    return d->type->n_queues;
}

static void reset_vectors(VirtioPci *p)
{
    for (unsigned i = 0; i <= VIRTIO_QUEUES; i++) {
        p->function.s.own[CONFIG_VECTOR + i] = PCI_NO_VECTOR;
    }
}

static void reset(PciFunction *f)
{
    reset_vectors(of(f));
}

/* The device has something to say: one message for each queue that has, one for the configuration.
 * Without MSI-X it stays in the ISR byte. */
static void deliver(PciFunction *f)
{
    VirtioPci *p = of(f);
    uint32_t queues;
    if (!pci_msix_is_enabled(f)) {
        return;
    }
    if (virtio_take_interrupts(p->dev, &queues) & VIRTIO_INT_CONFIG) {
        pci_msix_signal(f, f->s.own[CONFIG_VECTOR]);
    }
    for (; queues; queues &= queues - 1) {
        pci_msix_signal(f, f->s.own[QUEUE_VECTOR + (unsigned)__builtin_ctz(queues)]);
    }
}

static void on_line(void *ctx, unsigned n, bool level)
{
    if (level) {
        deliver(ctx);
    }
}

static uint64_t read_mmio(VirtioPci *p, uint32_t offset, unsigned size)
{
    uint64_t value = 0;
    hw_device_read(p->dev, offset, size, &value);
    return value;
}

static void write_mmio(VirtioPci *p, uint32_t offset, uint64_t value)
{
    hw_device_write(p->dev, offset, 4, value);
}

/* The selected queue; NULL: there is none. */
static VirtioQueue *queue_of(const VirtioPci *p)
{
    VirtioState *s = state_of(p);
    return s->queue_sel < n_queues(p) ? &s->queue[s->queue_sel] : NULL;
}

static uint64_t read_queue(const VirtioPci *p, uint32_t offset)
{
    const VirtioQueue *q = queue_of(p);
    if (!q) {
        return offset == COMMON_QUEUE_VECTOR ? PCI_NO_VECTOR : 0;
    }
    const uint64_t areas[] = {q->desc, q->driver, q->device};
    switch (offset) {
    case COMMON_QUEUE_SIZE:
        return q->num ? q->num : VIRTIO_QUEUE_MAX;
    case COMMON_QUEUE_VECTOR:
        return p->function.s.own[QUEUE_VECTOR + state_of(p)->queue_sel];
    case COMMON_QUEUE_ENABLE:
        return q->ready;
    default: /* notify_off is 0 for all: the value written says which queue */
        return offset >= COMMON_QUEUE_DESC && offset < COMMON_END
                   ? areas[(offset - COMMON_QUEUE_DESC) / 8] >> (offset & 4) * 8 & UINT32_MAX
                   : 0;
    }
}

static uint64_t read_common(VirtioPci *p, uint32_t offset)
{
    const VirtioState *s = state_of(p);
    switch (offset) {
    case COMMON_DEVICE_SELECT:
        return s->device_features_sel;
    case COMMON_DEVICE_FEATURE:
        return read_mmio(p, MMIO_DEVICE_FEATURES, 4);
    case COMMON_DRIVER_SELECT:
        return s->driver_features_sel;
    case COMMON_DRIVER_FEATURE:
        return s->driver_features_sel < 2 ? s->driver_features[s->driver_features_sel] : 0;
    case COMMON_CONFIG_VECTOR:
        return p->function.s.own[CONFIG_VECTOR];
    case COMMON_NUM_QUEUES:
        return n_queues(p);
    case COMMON_STATUS:
        return s->status;
    case COMMON_GENERATION:
        return 0;
    case COMMON_QUEUE_SELECT:
        return s->queue_sel;
    default:
        return read_queue(p, offset);
    }
}

/* The interrupt is told of once: reading takes it. */
static uint64_t read_isr(VirtioPci *p)
{
    const uint32_t isr = state_of(p)->interrupt_status;
    write_mmio(p, MMIO_ACK, isr);
    return isr;
}

static uint64_t read_bar(PciFunction *f, uint32_t offset, unsigned size)
{
    VirtioPci *p = of(f);
    const uint32_t at = offset % AREA_BYTES;
    switch (offset / AREA_BYTES) {
    case AREA_COMMON:
        return size == 8 ? read_common(p, at) | read_common(p, at + 4) << 32 : read_common(p, at);
    case AREA_ISR:
        return at == 0 ? read_isr(p) : 0;
    case AREA_DEVICE:
        return at + size <= VIRTIO_CONFIG_BYTES ? read_mmio(p, MMIO_CONFIG + at, size) : 0;
    default:
        return 0;
    }
}

/* A vector that does not exist is not taken: the driver reads it back and sees. */
static uint32_t checked_vector(uint64_t value)
{
    return value < PCI_VECTORS ? (uint32_t)value : PCI_NO_VECTOR;
}

/* A driver may leave the size as it is, which virtio-mmio does not know. */
static void enable_queue(VirtioPci *p, uint64_t value)
{
    const VirtioQueue *q = queue_of(p);
    if (q && !q->num) {
        write_mmio(p, MMIO_QUEUE_SIZE, VIRTIO_QUEUE_MAX);
    }
    if (value == 1) {
        write_mmio(p, MMIO_QUEUE_READY, 1);
    }
}

static void write_queue(VirtioPci *p, uint32_t offset, uint64_t value)
{
    if (!queue_of(p)) {
        return;
    }
    switch (offset) {
    case COMMON_QUEUE_SIZE:
        write_mmio(p, MMIO_QUEUE_SIZE, value);
        break;
    case COMMON_QUEUE_VECTOR:
        p->function.s.own[QUEUE_VECTOR + state_of(p)->queue_sel] = checked_vector(value);
        break;
    case COMMON_QUEUE_ENABLE:
        enable_queue(p, value);
        break;
    default:
        if (offset >= COMMON_QUEUE_DESC && offset < COMMON_END && offset % 4 == 0) {
            const uint32_t n = offset - COMMON_QUEUE_DESC;
            write_mmio(p, MMIO_QUEUE_DESC + n / 8 * 0x10 + (n & 4), value);
        }
    }
}

static void write_common(VirtioPci *p, uint32_t offset, uint64_t value)
{
    switch (offset) {
    case COMMON_DEVICE_SELECT:
        write_mmio(p, MMIO_DEVICE_SELECT, value);
        break;
    case COMMON_DRIVER_SELECT:
        write_mmio(p, MMIO_DRIVER_SELECT, value);
        break;
    case COMMON_DRIVER_FEATURE:
        write_mmio(p, MMIO_DRIVER_FEATURES, value);
        break;
    case COMMON_CONFIG_VECTOR:
        p->function.s.own[CONFIG_VECTOR] = checked_vector(value);
        break;
    case COMMON_STATUS:
        write_mmio(p, MMIO_STATUS, value & 0xff);
        if (!(value & 0xff)) {
            reset_vectors(p);
        }
        break;
    case COMMON_QUEUE_SELECT:
        write_mmio(p, MMIO_QUEUE_SELECT, value & 0xffff);
        break;
    default:
        write_queue(p, offset, value);
    }
}

static void write_bar(PciFunction *f, uint32_t offset, unsigned size, uint64_t value)
{
    VirtioPci *p = of(f);
    const uint32_t at = offset % AREA_BYTES;
    switch (offset / AREA_BYTES) {
    case AREA_COMMON:
        write_common(p, at, size == 8 ? value & UINT32_MAX : value);
        if (size == 8) {
            write_common(p, at + 4, value >> 32);
        }
        break;
    case AREA_DEVICE:
        if (at + size <= VIRTIO_CONFIG_BYTES) {
            hw_device_write(p->dev, MMIO_CONFIG + at, size, value);
        }
        break;
    case AREA_NOTIFY:
        write_mmio(p, MMIO_NOTIFY, value & 0xffff);
        break;
    default:
        break;
    }
}

/* struct virtio_pci_cap behind its first two bytes. */
static void add_structure(VirtioPci *p, uint8_t kind, unsigned area, uint32_t length)
{
    const bool notify = kind == CAP_NOTIFY; /* and a multiplier of notify_off: 0 */
    const uint8_t bytes = notify ? 20 : 16;
    uint8_t cap[18] = {bytes, kind};
    const uint32_t offset = area * AREA_BYTES;
    for (unsigned i = 0; i < 4; i++) {
        cap[6 + i] = (uint8_t)(offset >> (8 * i));
        cap[10 + i] = (uint8_t)(length >> (8 * i));
    }
    pci_function_add_capability(&p->function, CAP_VENDOR, cap, bytes - 2u);
}

static uint32_t class_of(uint32_t id)
{
    switch (id) {
    case 2: /* disk: mass storage */
        return 0x018000;
    case 3: /* console: communication, other */
        return 0x078000;
    default:
        return 0x00ff00;
    }
}

VirtioPci *virtio_pci_new(HwDevice *dev)
{
    VirtioPci *p = g_new0(VirtioPci, 1);
    const uint32_t id = ((const VirtioDevice *)dev->wiring)->type->id;
    p->dev = dev;
    p->type = (PciType){.vendor = 0x1af4,
                        .device = (uint16_t)(0x1040 + id),
                        .subsystem = 0x1100,
                        .class_code = class_of(id),
                        .reset = reset,
                        .read = read_bar,
                        .write = write_bar,
                        .msix_enabled = deliver};
    pci_function_init(&p->function, &p->type);
    add_structure(p, CAP_COMMON, AREA_COMMON, COMMON_END);
    add_structure(p, CAP_NOTIFY, AREA_NOTIFY, 4);
    add_structure(p, CAP_ISR, AREA_ISR, 1);
    add_structure(p, CAP_DEVICE, AREA_DEVICE, VIRTIO_CONFIG_BYTES);
    pci_function_reset(&p->function);
    hw_device_connect(dev, 0, (HwLine){on_line, &p->function, 0});
    return p;
}

void virtio_pci_free(VirtioPci *p)
{
    g_free(p);
}

PciFunction *virtio_pci_function(VirtioPci *p)
{
    return &p->function;
}
