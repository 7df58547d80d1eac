/*
 * Virtio devices behind virtio-mmio, version 2 (no legacy interface). VIRTIO 1.2, "Virtio Over
 * MMIO". One transport is one HwDevice of virtio_mmio_class; its wiring is a VirtioDevice, or NULL
 * for a slot with no device behind it. Line 0: the interrupt.
 */
#pragma once

#include "armillary/device.h"
#include "virtqueue.h"

enum { VIRTIO_QUEUES = 2, VIRTIO_CONFIG_BYTES = 64 };

typedef struct VirtioDevice VirtioDevice;

/* A kind of device. Every function is called with the device lock held. */
typedef struct {
    const char *name;
    uint32_t id; /* VIRTIO 1.2, "Device Types" */
    unsigned n_queues;
    uint32_t
        fed; /* bit q: requests of queue q wait for the device (input); served by virtio_feed */
    /* Features of its own; the transport adds those of rings. */
    uint64_t (*features)(VirtioDevice *d);
    /* The configuration space as it is now, little-endian. */
    void (*read_config)(VirtioDevice *d, uint8_t config[VIRTIO_CONFIG_BYTES]);
    void (*write_config)(VirtioDevice *d, uint32_t offset, uint32_t value); /* may be NULL */
    /* Does one request. Returns false when it has not even the form of one: the driver is broken.
     */
    bool (*serve)(HwDevice *dev, unsigned queue, const VirtioChain *c, uint32_t *written);
    /* The driver gave new requests to a fed queue. NULL without such. */
    void (*hungry)(VirtioDevice *d, unsigned queue);
} VirtioType;

/* First member of each device's own struct. */
struct VirtioDevice {
    const VirtioType *type;
};

/* Saved state of a transport. */
typedef struct {
    uint32_t device_features_sel, driver_features_sel;
    uint32_t driver_features[2];
    uint32_t queue_sel, shm_sel;
    uint32_t interrupt_status, status;
    uint32_t unserved; /* bit q: queue q has requests left for the next update */
    uint32_t used_queues; /* bit q: VIRTIO_INT_USED is of queue q */
    VirtioQueue queue[VIRTIO_QUEUES];
} VirtioState;

enum { VIRTIO_INT_USED = 1, VIRTIO_INT_CONFIG = 2 };

const HwDeviceClass *virtio_mmio_class(void);

/* Negotiated features. */
uint64_t virtio_features(const HwDevice *dev);
/* The device is the driver's to use: DRIVER_OK, and nothing broke. */
bool virtio_is_live(const HwDevice *dev);

/* For a transport with messages in place of the line: what waited, and bit q of *queues for each
 * queue with used buffers. Nothing waits any more, and the line is low. Called from the line's far
 * end, or whenever no register access is under way. */
uint32_t virtio_take_interrupts(HwDevice *dev, uint32_t *queues);

/*
 * Gives n bytes to the requests of a fed queue, as much of each as fits; returns how many bytes
 * were taken.
 */
size_t virtio_feed(HwDevice *dev, unsigned queue, const uint8_t *bytes, size_t n);
