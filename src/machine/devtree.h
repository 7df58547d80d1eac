/* The board's device tree. */
#pragma once

#include <glib.h>

#include "armillary/types.h"

/* What the tree says about the machine. */
typedef struct {
    unsigned cpus;
    uint64_t memory;  /* bytes of RAM */
    bool el2;         /* the guest starts at EL2: PSCI by SMC, maintenance interrupt, EL2 timers */
    bool pmu;
    bool its;
    bool pci;         /* needs its */
    unsigned virtio;  /* transports present, from the first slot */
} VmFdtBoard;

/* What /chosen says about this run. Strings are borrowed. */
typedef struct {
    const char *bootargs; /* NULL: leave what is there */
    uint64_t initrd_start, initrd_end; /* equal: no initrd */
    uint8_t rng_seed[32];
    uint64_t kaslr_seed;
} VmFdtChosen;

/* A new tree without boot arguments. Never fails. Unref with g_bytes_unref. */
GBytes *vm_fdt_build(const VmFdtBoard *board);

/*
 * A copy of dtb with /chosen completed. Seeds that are there already are kept. NULL and *error
 * when dtb is not a well-formed tree.
 */
GBytes *vm_fdt_with_chosen(GBytes *dtb, const VmFdtChosen *chosen, GError **error);
