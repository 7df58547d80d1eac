/* Placing images in guest memory. */
#pragma once

#include "armillary/machine.h"
#include "armillary/memory.h"

typedef struct {
    Mem *mem;
    uint64_t ram_base, ram_size;
    GBytes *board_dtb; /* used unless the images name another */
    uint8_t rng_seed[32];
    uint64_t kaslr_seed;
} VmLoadPlan;

typedef struct {
    Pa entry;
    Pa dtb_at;
    GBytes *dtb;     /* as placed; owned */
    GArray *symbols; /* VmSymbol by address, NULL when there are none; owned */
} VmLoaded;

/* False and *error (with the path), nothing owned then. */
bool vm_load_images(const VmLoadPlan *plan, const VmImages *images, VmLoaded *out, GError **error);
void vm_loaded_clear(VmLoaded *l);
