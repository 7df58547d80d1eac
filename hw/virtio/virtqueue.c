/*
 * Split virtqueues. VIRTIO 1.2, "The Virtqueue Descriptor Table", "Indirect Descriptors", "The
 * Virtqueue Available Ring", "The Virtqueue Used Ring", "Available/Used Buffer Notification
 * Suppression".
 */
#include "virtqueue.h"

#include <stdatomic.h>

enum { DESC_NEXT = 1, DESC_WRITE = 2, DESC_INDIRECT = 4 };
enum { AVAIL_NO_INTERRUPT = 1 };

typedef struct {
    uint64_t addr;
    uint32_t len;
    uint16_t flags, next;
} Descriptor;
_Static_assert(sizeof(Descriptor) == 16, "as the driver lays it out");

static bool fail(VirtioRing *ring, const char *why)
{
    ring->error = why;
    return false;
}

/* Ring words are aligned, so that one load or store is one access for the driver's CPUs, too. */
static bool load16(VirtioRing *ring, uint64_t addr, uint16_t *value)
{
    MemKind kind;
    const uint8_t *host = addr % 2 ? NULL : mem_host(ring->mem, (Pa){addr}, &kind);
    if (!host) {
        return fail(ring, "virtqueue is not in RAM");
    }
    *value =
        atomic_load_explicit((const _Atomic(uint16_t) *)(const void *)host, memory_order_relaxed);
    return true;
}

static bool store16(VirtioRing *ring, uint64_t addr, uint16_t value)
{
    return mem_copy_to(ring->mem, (Pa){addr}, &value, sizeof value) ||
           fail(ring, "virtqueue is not in RAM");
}

bool virtio_queue_is_aligned(const VirtioQueue *q)
{
    return q->desc % 16 == 0 && q->driver % 2 == 0 && q->device % 4 == 0;
}

static bool add_segment(VirtioRing *ring, VirtioChain *c, const Descriptor *d)
{
    const unsigned n = c->n_out + c->n_in;
    if (n == VIRTIO_QUEUE_MAX) {
        return fail(ring, "descriptor chain is too long");
    }
    if (d->flags & DESC_WRITE) {
        c->n_in++;
        c->in_bytes += d->len;
    } else if (c->n_in) {
        return fail(ring, "readable descriptor after a writable one");
    } else {
        c->n_out++;
        c->out_bytes += d->len;
    }
    c->segment[n] = (VirtioSegment){d->addr, d->len};
    return true;
}

/* A descriptor table: the queue's own, or an indirect one. */
typedef struct {
    uint64_t base;
    uint32_t count;
} Table;

static bool load_descriptor(VirtioRing *ring, Table t, uint32_t i, Descriptor *d)
{
    if (i >= t.count) {
        return fail(ring, "descriptor index beyond the table");
    }
    return mem_copy_from(ring->mem, d, (Pa){t.base + 16 * (uint64_t)i}, sizeof *d) ||
           fail(ring, "descriptor is not in RAM");
}

static bool open_indirect(VirtioRing *ring, const Descriptor *d, Table *t)
{
    if (!(ring->features & VIRTIO_F_INDIRECT_DESC)) {
        return fail(ring, "indirect descriptor without the feature");
    }
    if ((d->flags & DESC_NEXT) || d->len == 0 || d->len % 16) {
        return fail(ring, "malformed indirect descriptor");
    }
    *t = (Table){d->addr, d->len / 16};
    return true;
}

/* Follows a chain; the number of steps bounds what a loop of descriptors can do. */
static bool collect(VirtioRing *ring, VirtioChain *c)
{
    Table t = {ring->q->desc, ring->q->num};
    bool indirect = false;
    uint32_t i = c->head;
    for (unsigned steps = 0; steps <= VIRTIO_QUEUE_MAX + 1; steps++) {
        Descriptor d;
        if (!load_descriptor(ring, t, i, &d)) {
            return false;
        }
        if (d.flags & DESC_INDIRECT) {
            if (indirect) {
                return fail(ring, "indirect descriptor in an indirect table");
            }
            if (!open_indirect(ring, &d, &t)) {
                return false;
            }
            indirect = true;
            i = 0;
            continue;
        }
        if (!add_segment(ring, c, &d)) {
            return false;
        }
        if (!(d.flags & DESC_NEXT)) {
            return true;
        }
        i = d.next;
    }
    return fail(ring, "descriptor chain loops");
}

bool virtio_queue_pop(VirtioRing *ring, VirtioChain *c)
{
    VirtioQueue *q = ring->q;
    uint16_t avail, head;
    if (!load16(ring, q->driver + 2, &avail)) {
        return false;
    }
    const uint16_t waiting = (uint16_t)(avail - q->last_avail);
    if (waiting == 0) {
        return false;
    }
    if (waiting > q->num) {
        return fail(ring, "available index runs away");
    }
    atomic_thread_fence(memory_order_acquire); /* with the driver's barrier before its index */
    if (!load16(ring, q->driver + 4 + 2 * (q->last_avail & (q->num - 1)), &head)) {
        return false;
    }
    c->head = head;
    c->n_out = c->n_in = 0;
    c->out_bytes = c->in_bytes = 0;
    if (!collect(ring, c)) {
        return false;
    }
    q->last_avail++;
    return true;
}

void virtio_queue_push(VirtioRing *ring, uint16_t head, uint32_t written)
{
    VirtioQueue *q = ring->q;
    const uint32_t element[2] = {head, written};
    const uint64_t at = q->device + 4 + 8 * (uint64_t)(q->used & (q->num - 1));
    if (!mem_copy_to(ring->mem, (Pa){at}, element, sizeof element)) {
        fail(ring, "used ring is not in RAM");
        return;
    }
    atomic_thread_fence(memory_order_release); /* the element before the index that covers it */
    q->used++;
    store16(ring, q->device + 2, q->used);
}

bool virtio_queue_rearm(VirtioRing *ring)
{
    VirtioQueue *q = ring->q;
    uint16_t avail;
    if ((ring->features & VIRTIO_F_EVENT_IDX) &&
        !store16(ring, q->device + 4 + 8 * (uint64_t)q->num, q->last_avail)) {
        return false;
    }
    atomic_thread_fence(memory_order_seq_cst); /* our event index before the driver's new index */
    return load16(ring, q->driver + 2, &avail) && avail != q->last_avail;
}

bool virtio_queue_wants_interrupt(VirtioRing *ring)
{
    VirtioQueue *q = ring->q;
    const uint16_t old = q->signalled;
    uint16_t word;
    if (q->used == old) {
        return false;
    }
    q->signalled = q->used;
    atomic_thread_fence(memory_order_seq_cst); /* our used index before the driver's wish */
    if (ring->features & VIRTIO_F_EVENT_IDX) {
        return load16(ring, q->driver + 4 + 2 * (uint64_t)q->num, &word) &&
               (uint16_t)(q->used - word - 1) < (uint16_t)(q->used - old);
    }
    return load16(ring, q->driver, &word) && !(word & AVAIL_NO_INTERRUPT);
}

/* One piece of a copy: a run of guest memory, and where it is in the whole. */
typedef struct {
    const VirtioSegment *next, *end;
    uint64_t skip; /* bytes before the copy's first, not passed yet */
    uint64_t left; /* bytes of the copy that are still to come */
} Cursor;

/* The next non-empty run; false when there is no more, which is an error unless left is 0. */
static bool advance(Cursor *c, Pa *pa, size_t *n)
{
    for (; c->left && c->next < c->end; c->next++) {
        const uint64_t len = c->next->len;
        if (c->skip >= len) {
            c->skip -= len;
            continue;
        }
        const uint64_t room = len - c->skip;
        *n = (size_t)(c->left < room ? c->left : room);
        pa->v = c->next++->addr + c->skip;
        c->skip = 0;
        c->left -= *n;
        return true;
    }
    return false;
}

bool virtio_chain_read(Mem *mem, const VirtioChain *c, uint64_t at, void *dst, size_t n)
{
    Cursor cursor = {c->segment, c->segment + c->n_out, at, n};
    uint8_t *bytes = dst;
    Pa pa;
    for (size_t run; advance(&cursor, &pa, &run); bytes += run) {
        if (!mem_copy_from(mem, bytes, pa, run)) {
            return false;
        }
    }
    return cursor.left == 0;
}

bool virtio_chain_write(Mem *mem, const VirtioChain *c, uint64_t at, const void *src, size_t n)
{
    const VirtioSegment *in = c->segment + c->n_out;
    Cursor cursor = {in, in + c->n_in, at, n};
    const uint8_t *bytes = src;
    Pa pa;
    for (size_t run; advance(&cursor, &pa, &run); bytes += run) {
        if (!mem_copy_to(mem, pa, bytes, run)) {
            return false;
        }
    }
    return cursor.left == 0;
}
