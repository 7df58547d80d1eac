/*
 * The virtio-mmio transport: registers, negotiation, and serving of queues.
 * VIRTIO 1.2, "MMIO Device Register Layout", "Device Initialization", "Device Status Field".
 */
#include "virtio.h"

#include <string.h>

enum {
    STATUS_DRIVER_OK = 4,
    STATUS_FEATURES_OK = 8,
    STATUS_NEEDS_RESET = 64,
};
enum { PAUSE_NS = 1000 }; /* before requests that serve() left over */
#define RING_FEATURES (VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX | VIRTIO_F_VERSION_1)

static VirtioDevice *device(const HwDevice *dev)
{
    return dev->wiring;
}

static unsigned n_queues(const HwDevice *dev)
{
    return dev->wiring ? device(dev)->type->n_queues : 0;
}

static uint64_t offered(const HwDevice *dev)
{
    return dev->wiring ? device(dev)->type->features(device(dev)) | RING_FEATURES : 0;
}

uint64_t virtio_features(const HwDevice *dev)
{
    const VirtioState *s = dev->state;
    return s->driver_features[0] | (uint64_t)s->driver_features[1] << 32;
}

bool virtio_is_live(const HwDevice *dev)
{
    const VirtioState *s = dev->state;
    return (s->status & (STATUS_DRIVER_OK | STATUS_NEEDS_RESET)) == STATUS_DRIVER_OK;
}

/* Beyond repair until the driver resets it. */
static void break_down(HwDevice *dev, const char *why)
{
    VirtioState *s = dev->state;
    hw_guest_error(dev, why, 0, 0);
    s->status |= STATUS_NEEDS_RESET;
    s->unserved = 0;
    if (s->status & STATUS_DRIVER_OK) {
        s->interrupt_status |= VIRTIO_INT_CONFIG;
    }
}

static VirtioRing ring_of(HwDevice *dev, unsigned queue)
{
    VirtioState *s = dev->state;
    return (VirtioRing){&s->queue[queue], dev->env.mem, virtio_features(dev), NULL};
}

/* After requests were served: interrupt, or breakdown. */
static void settle(HwDevice *dev, VirtioRing *ring, unsigned queue)
{
    VirtioState *s = dev->state;
    if (!ring->error && virtio_queue_wants_interrupt(ring)) {
        s->interrupt_status |= VIRTIO_INT_USED;
        s->used_queues |= 1u << queue;
    }
    if (ring->error) {
        break_down(dev, ring->error);
    }
}

/*
 * Serves a queue. A driver that adds requests as fast as they are served gets one queue's length
 * of them now and the others at the next update, so that nobody waits for it.
 */
static void serve(HwDevice *dev, unsigned queue)
{
    VirtioState *s = dev->state;
    const VirtioType *type = device(dev)->type;
    VirtioRing ring = ring_of(dev, queue);
    VirtioChain chain;
    s->unserved &= ~(1u << queue);
    for (unsigned left = ring.q->num;; left--) {
        if (left == 0) {
            s->unserved |= 1u << queue;
            break;
        }
        if (!virtio_queue_pop(&ring, &chain)) {
            if (!ring.error && virtio_queue_rearm(&ring)) {
                continue;
            }
            break;
        }
        uint32_t written = 0;
        if (!type->serve(dev, queue, &chain, &written)) {
            ring.error = "malformed virtio request";
            break;
        }
        virtio_queue_push(&ring, chain.head, written);
        if (ring.error) {
            break;
        }
    }
    settle(dev, &ring, queue);
}

size_t virtio_feed(HwDevice *dev, unsigned queue, const uint8_t *bytes, size_t n)
{
    VirtioState *s = dev->state;
    VirtioChain chain;
    size_t taken = 0;
    if (!virtio_is_live(dev) || !s->queue[queue].ready) {
        return 0;
    }
    VirtioRing ring = ring_of(dev, queue);
    while (taken < n && virtio_queue_pop(&ring, &chain)) {
        const uint64_t room = chain.in_bytes, left = n - taken;
        const size_t piece = left < room ? (size_t)left : (size_t)room;
        if (!virtio_chain_write(dev->env.mem, &chain, 0, bytes + taken, piece)) {
            ring.error = "virtio buffer is not in RAM";
            break;
        }
        taken += piece;
        virtio_queue_push(&ring, chain.head, (uint32_t)piece);
        if (ring.error || piece == 0) {
            break; /* an empty buffer takes nothing: the next byte waits for the next call */
        }
    }
    if (!ring.error) {
        virtio_queue_rearm(&ring);
    }
    settle(dev, &ring, queue);
    hw_device_update(dev);
    return taken;
}

static void notify(HwDevice *dev, unsigned i, uint32_t queue)
{
    VirtioState *s = dev->state;
    if (queue >= n_queues(dev) || !virtio_is_live(dev) || !s->queue[queue].ready) {
        hw_guest_error(dev, "notification of a virtqueue that is not in use", 0x50, queue);
        return;
    }
    const VirtioType *type = device(dev)->type;
    if (!(type->fed >> queue & 1)) {
        serve(dev, queue);
    } else if (type->hungry) {
        type->hungry(device(dev), queue);
    }
}

static void update(HwDevice *dev)
{
    VirtioState *s = dev->state;
    dev->lines = s->interrupt_status != 0;
    dev->alarm_ns = s->unserved ? hw_now_ns(dev) + PAUSE_NS : INT64_MAX;
}

/* Identification. */
static uint32_t magic(HwDevice *dev, unsigned i)
{
    return 0x74726976;
}

static uint32_t version(HwDevice *dev, unsigned i)
{
    return 2;
}

static uint32_t device_id(HwDevice *dev, unsigned i)
{
    return dev->wiring ? device(dev)->type->id : 0;
}

static uint32_t vendor_id(HwDevice *dev, unsigned i)
{
    return 0x4c4d5241;
}

/* Negotiation. */
static uint32_t device_features(HwDevice *dev, unsigned i)
{
    const VirtioState *s = dev->state;
    return s->device_features_sel < 2 ? (uint32_t)(offered(dev) >> 32 * s->device_features_sel) : 0;
}

static void write_driver_features(HwDevice *dev, unsigned i, uint32_t value)
{
    VirtioState *s = dev->state;
    if (s->status & STATUS_FEATURES_OK) {
        hw_guest_error(dev, "features written after FEATURES_OK", 0x20, value);
    } else if (s->driver_features_sel < 2) {
        s->driver_features[s->driver_features_sel] = value;
    }
}

static void write_status(HwDevice *dev, unsigned i, uint32_t value)
{
    VirtioState *s = dev->state;
    if (value == 0) {
        memset(s, 0, sizeof *s);
        return;
    }
    const uint64_t accepted = virtio_features(dev);
    if ((value & STATUS_FEATURES_OK) &&
        ((accepted & ~offered(dev)) || !(accepted & VIRTIO_F_VERSION_1))) {
        value &= ~(uint32_t)STATUS_FEATURES_OK; /* the driver reads it back and sees */
    }
    if ((value & STATUS_DRIVER_OK) && !(value & STATUS_FEATURES_OK)) {
        hw_guest_error(dev, "DRIVER_OK without FEATURES_OK", 0x70, value);
        value &= ~(uint32_t)STATUS_DRIVER_OK;
    }
    s->status = (value & 0xff) | (s->status & STATUS_NEEDS_RESET);
}

/* Queues. */
static VirtioQueue *selected(HwDevice *dev)
{
    VirtioState *s = dev->state;
    return s->queue_sel < n_queues(dev) ? &s->queue[s->queue_sel] : NULL;
}

/* The selected queue, if it may be set up now. */
static VirtioQueue *open_queue(HwDevice *dev)
{
    VirtioQueue *q = selected(dev);
    if (!q || q->ready) {
        hw_guest_error(dev, "set-up of a virtqueue that is not there or in use", 0, 0);
        return NULL;
    }
    return q;
}

static uint32_t queue_num_max(HwDevice *dev, unsigned i)
{
    return selected(dev) ? VIRTIO_QUEUE_MAX : 0;
}

static void write_queue_num(HwDevice *dev, unsigned i, uint32_t value)
{
    VirtioQueue *q = open_queue(dev);
    if (q && value && value <= VIRTIO_QUEUE_MAX && !(value & (value - 1))) {
        q->num = value;
    } else {
        hw_guest_error(dev, "bad virtqueue size", 0x38, value);
    }
}

static uint32_t queue_ready(HwDevice *dev, unsigned i)
{
    const VirtioQueue *q = selected(dev);
    return q ? q->ready : 0;
}

static void write_queue_ready(HwDevice *dev, unsigned i, uint32_t value)
{
    VirtioQueue *q = selected(dev);
    if (!q) {
        return;
    }
    if (!(value & 1)) {
        *q = (VirtioQueue){0};
    } else if (!q->ready && q->num && virtio_queue_is_aligned(q)) {
        q->ready = 1;
    } else if (!q->ready) {
        break_down(dev, "virtqueue without a size, or misaligned");
    }
}

static void set_half(uint64_t *address, unsigned high, uint32_t value)
{
    const unsigned shift = high * 32;
    *address = (*address & ~((uint64_t)UINT32_MAX << shift)) | (uint64_t)value << shift;
}

static void write_queue_desc(HwDevice *dev, unsigned high, uint32_t value)
{
    VirtioQueue *q = open_queue(dev);
    if (q) {
        set_half(&q->desc, high, value);
    }
}

static void write_queue_driver(HwDevice *dev, unsigned high, uint32_t value)
{
    VirtioQueue *q = open_queue(dev);
    if (q) {
        set_half(&q->driver, high, value);
    }
}

static void write_queue_device(HwDevice *dev, unsigned high, uint32_t value)
{
    VirtioQueue *q = open_queue(dev);
    if (q) {
        set_half(&q->device, high, value);
    }
}

static void acknowledge(HwDevice *dev, unsigned i, uint32_t value)
{
    VirtioState *s = dev->state;
    s->interrupt_status &= ~value;
    s->used_queues = s->interrupt_status & VIRTIO_INT_USED ? s->used_queues : 0;
}

uint32_t virtio_take_interrupts(HwDevice *dev, uint32_t *queues)
{
    VirtioState *s = dev->state;
    const uint32_t status = s->interrupt_status;
    *queues = s->used_queues;
    s->interrupt_status = 0;
    s->used_queues = 0;
    dev->lines = 0;
    dev->driven = 0;
    return status;
}

/* There is no shared memory: all regions have length and base ~0. */
static uint32_t no_region(HwDevice *dev, unsigned i)
{
    return UINT32_MAX;
}

static uint32_t config_generation(HwDevice *dev, unsigned i)
{
    return 0; /* no field ever changes while the driver could read it */
}

static uint32_t read_config(HwDevice *dev, unsigned i)
{
    uint8_t config[VIRTIO_CONFIG_BYTES] = {0};
    uint32_t word = 0;
    if (dev->wiring && device(dev)->type->read_config) {
        device(dev)->type->read_config(device(dev), config);
    }
    for (unsigned b = 0; b < 4; b++) {
        word |= (uint32_t)config[i * 4 + b] << (b * 8);
    }
    return word;
}

static void write_config(HwDevice *dev, unsigned i, uint32_t value)
{
    if (dev->wiring && device(dev)->type->write_config) {
        device(dev)->type->write_config(device(dev), i * 4, value);
    }
}

/* Requests left over by serve(). */
static void update_and_serve(HwDevice *dev)
{
    VirtioState *s = dev->state;
    for (uint32_t left = virtio_is_live(dev) ? s->unserved : 0; left; left &= left - 1) {
        serve(dev, (unsigned)__builtin_ctz(left));
    }
    update(dev);
}

#define SLOT(f) offsetof(VirtioState, f)
#define ALL UINT32_MAX
#define NONE HW_NO_SLOT
static const HwReg regs[] = {
    {0x000, "MagicValue", HW_RO, NONE, 0, 0, 0, magic, NULL},
    {0x004, "Version", HW_RO, NONE, 0, 0, 0, version, NULL},
    {0x008, "DeviceID", HW_RO, NONE, 0, 0, 0, device_id, NULL},
    {0x00c, "VendorID", HW_RO, NONE, 0, 0, 0, vendor_id, NULL},
    {0x010, "DeviceFeatures", HW_RO, NONE, 0, 0, 0, device_features, NULL},
    {0x014, "DeviceFeaturesSel", HW_WO, SLOT(device_features_sel), 0, ALL, 0, NULL, NULL},
    {0x020, "DriverFeatures", HW_WO, NONE, 0, 0, 0, NULL, write_driver_features},
    {0x024, "DriverFeaturesSel", HW_WO, SLOT(driver_features_sel), 0, ALL, 0, NULL, NULL},
    {0x030, "QueueSel", HW_WO, SLOT(queue_sel), 0, ALL, 0, NULL, NULL},
    {0x034, "QueueNumMax", HW_RO, NONE, 0, 0, 0, queue_num_max, NULL},
    {0x038, "QueueNum", HW_WO, NONE, 0, 0, 0, NULL, write_queue_num},
    {0x044, "QueueReady", HW_RW, NONE, 0, 0, 0, queue_ready, write_queue_ready},
    {0x050, "QueueNotify", HW_WO, NONE, 0, 0, 0, NULL, notify},
    {0x060, "InterruptStatus", HW_RO, SLOT(interrupt_status), 0, 0, 0, NULL, NULL},
    {0x064, "InterruptACK", HW_WO, NONE, 0, 0, 0, NULL, acknowledge},
    {0x070, "Status", HW_RW, SLOT(status), 0, 0, 0, NULL, write_status},
    {0x080, "QueueDesc", HW_WO, NONE, 2, 0, 0, NULL, write_queue_desc},
    {0x090, "QueueDriver", HW_WO, NONE, 2, 0, 0, NULL, write_queue_driver},
    {0x0a0, "QueueDevice", HW_WO, NONE, 2, 0, 0, NULL, write_queue_device},
    {0x0ac, "SHMSel", HW_WO, SLOT(shm_sel), 0, ALL, 0, NULL, NULL},
    {0x0b0, "SHM", HW_RO, NONE, 4, 0, 0, no_region, NULL},
    {0x0fc, "ConfigGeneration", HW_RO, NONE, 0, 0, 0, config_generation, NULL},
    {0x100, "Config", HW_RW, NONE, VIRTIO_CONFIG_BYTES / 4, 0, 0, read_config, write_config},
};

static const HwDeviceClass class = {
    .name = "virtio",
    .span = 0x200,
    .state_size = sizeof(VirtioState),
    .state_version = 2,
    .regs = regs,
    .n_regs = sizeof regs / sizeof *regs,
    .update = update_and_serve,
};

const HwDeviceClass *virtio_mmio_class(void)
{
    return &class;
}
