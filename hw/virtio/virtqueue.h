/*
 * Split virtqueues, the device's side. Virtual I/O Device (VIRTIO) version 1.2, "Split Virtqueues".
 * The rings are the guest's: whatever they hold, every call here ends after a bounded number of
 * steps, touches guest RAM only, and says when the queue is beyond repair.
 */
#pragma once

#include "armillary/memory.h"

enum { VIRTIO_QUEUE_MAX = 256 }; /* descriptors of a queue, and buffers of a chain */

#define VIRTIO_F_INDIRECT_DESC (UINT64_C(1) << 28)
#define VIRTIO_F_EVENT_IDX (UINT64_C(1) << 29)
#define VIRTIO_F_VERSION_1 (UINT64_C(1) << 32)

/* Saved state of a queue. */
typedef struct {
    uint64_t desc, driver, device; /* guest physical: descriptors, available ring, used ring */
    uint32_t num;                  /* a power of two up to VIRTIO_QUEUE_MAX */
    uint32_t ready;
    uint16_t last_avail; /* next entry of the available ring */
    uint16_t used;       /* next entry of the used ring */
    uint16_t signalled;  /* `used` when the driver was last interrupted, or spared it */
    uint16_t pad;
} VirtioQueue;

/* A queue with what it takes to work on it; made for a call. */
typedef struct {
    VirtioQueue *q;
    Mem *mem;
    uint64_t features; /* negotiated */
    const char *error; /* why the queue is broken; NULL: it is not. Static text. */
} VirtioRing;

typedef struct {
    uint64_t addr;
    uint32_t len;
} VirtioSegment;

/* The buffers of one request: those the device reads, then those it writes. */
typedef struct {
    uint16_t head;
    uint16_t n_out, n_in;
    uint64_t out_bytes, in_bytes;
    VirtioSegment segment[VIRTIO_QUEUE_MAX]; /* n_out, then n_in */
} VirtioChain;

/* A queue's addresses are aligned as the driver must align them. */
bool virtio_queue_is_aligned(const VirtioQueue *q);
/* Takes the next request. False when there is none, or ring->error says why there never will be. */
bool virtio_queue_pop(VirtioRing *ring, VirtioChain *chain);
/* Gives a request back, `written` bytes long in its in-buffers. Sets ring->error on failure. */
void virtio_queue_push(VirtioRing *ring, uint16_t head, uint32_t written);
/* Asks for a notification of the next request; true when one has come already. */
bool virtio_queue_rearm(VirtioRing *ring);
/* Does the driver want an interrupt for what was pushed since the last call? */
bool virtio_queue_wants_interrupt(VirtioRing *ring);

/* Bytes [at, at + n) of the out-buffers, or into the in-buffers. False: outside them, or not RAM.
 */
bool virtio_chain_read(Mem *mem, const VirtioChain *c, uint64_t at, void *dst, size_t n);
bool virtio_chain_write(Mem *mem, const VirtioChain *c, uint64_t at, const void *src, size_t n);
