/*
 * Guest physical memory: RAM regions with a host view, and devices behind callbacks.
 * The map may change at run time only through mem_* calls made while no vCPU runs, or with
 * the engine told (eng_map_changed).
 */
#pragma once

#include "armillary/types.h"

typedef struct Mem Mem;

/* Kinds of memory that CPUs may map directly. */
typedef enum { MEM_RAM, MEM_ROM } MemKind;

/* A device's access callbacks. size is 1, 2, 4 or 8 bytes, offset a multiple of it. Return
 * false: no response (external abort). */
typedef struct {
    const char *name;
    bool (*read)(void *dev, uint64_t offset, unsigned size, uint64_t *value);
    bool (*write)(void *dev, uint64_t offset, unsigned size, uint64_t value);
} MemDeviceOps;

Mem *mem_new(void);
void mem_free(Mem *m);

/*
 * Adds a region. RAM and ROM are zero-filled host memory owned by m and page-aligned; devices need
 * not be (several share a page). Regions must not overlap: returns false (and adds nothing) when
 * they do, or when the host has no memory. ROM ignores writes.
 */
bool mem_add_ram(Mem *m, const char *name, Pa base, uint64_t size, MemKind kind);
bool mem_add_device(Mem *m, Pa base, uint64_t size, const MemDeviceOps *ops, void *dev);

/*
 * Host address of guest byte pa when it is RAM (or ROM: reading only), else NULL. Valid up to
 * the end of its 4K page at least.
 * *kind tells which. The pointer is valid until the region goes away.
 */
uint8_t *mem_host(Mem *m, Pa pa, MemKind *kind);

/*
 * Accesses a device (or RAM, slowly) as a CPU or DMA master would; false = nothing answered. Takes
 * the device lock for a device. An unaligned access to a device arrives there as aligned pieces.
 */
bool mem_read(Mem *m, Pa pa, unsigned size, uint64_t *value);
bool mem_write(Mem *m, Pa pa, unsigned size, uint64_t value);

/* DMA: copies bytes from or to RAM; false when any byte is not RAM (nothing is written then
 * beyond the first hole). */
bool mem_copy_from(Mem *m, void *dst, Pa src, size_t n);
bool mem_copy_to(Mem *m, Pa dst, const void *src, size_t n);

/* Fills ROM or RAM from outside the guest (loaders); false when a byte is neither. */
bool mem_load_image(Mem *m, Pa dst, const void *src, size_t n);

/* Atomic accesses of translation table descriptors: one 64-bit load, compare-and-swap. False
 * when pa is not RAM. */
bool mem_load64(Mem *m, Pa pa, uint64_t *value);
bool mem_cas64(Mem *m, Pa pa, uint64_t expected, uint64_t desired, uint64_t *seen);

/*
 * Tells the owner of translated code that [pa, pa+n) was written by a device (DMA). Installed
 * by the engine; NULL before.
 */
typedef void (*MemCodeWriteFn)(void *ctx, Pa pa, uint64_t n);
void mem_on_code_write(Mem *m, MemCodeWriteFn fn, void *ctx);

/* The device lock: guards every device's state and every device callback. Rank 1 (outermost of
 * all). Recursive use is a bug. */
void mem_lock_devices(Mem *m);
void mem_unlock_devices(Mem *m);

/* Calls fn for each region in address order (state chunks, docs). */
typedef struct {
    const char *name;
    Pa base;
    uint64_t size;
    MemKind kind;
    uint8_t *host; /* NULL: a device */
} MemRegion;
typedef void (*MemRegionFn)(void *ctx, const MemRegion *region);
void mem_each_region(Mem *m, MemRegionFn fn, void *ctx);
