/* The board's map (virt.map) and its numbers. */
#pragma once

#include "armillary/types.h"

typedef enum {
#define VM_MAP(id, base, size, count, spi, compatible) VM_MAP_##id,
#include "virt.map"
#undef VM_MAP
    VM_MAP_COUNT
} VmMapId;

typedef struct {
    const char *name;
    uint64_t base, size; /* of the first of count equal windows */
    unsigned count;
    int spi;                /* first shared interrupt, INTID - 32; -1 none */
    const char *compatible; /* strings with their NULs */
    size_t compatible_size;
} VmMapRow;

const VmMapRow *vm_map_row(VmMapId id);

#define VM_RAM_BASE UINT64_C(0x40000000)
/* RAM ends below the high windows (second redistributor region, high PCIe). */
#define VM_RAM_MAX (UINT64_C(255) << 30)
#define VM_HIGH_REDIST_BASE UINT64_C(0x4000000000)
#define VM_HIGH_REDIST_SIZE UINT64_C(0x4000000)

enum {
    VM_MAX_CPUS = 512,
    VM_SPI_BASE = 32,
    VM_REDIST_SPAN = 0x20000,
    VM_LOW_REDISTS = 0x00f60000 / VM_REDIST_SPAN, /* CPUs whose redistributor is below 4G */
    VM_GIC_LINES = 288,                           /* INTIDs: 256 shared interrupts */
};

/* Affinity of vCPU index: clusters of 16, so that one SGI write reaches a whole cluster. */
static inline uint64_t vm_affinity(unsigned index)
{
    return (uint64_t)(index / 16) << 8 | index % 16;
}
