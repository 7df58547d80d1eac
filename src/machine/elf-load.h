/* ELF images of AArch64 programs. */
#pragma once

#include <glib.h>

#include "armillary/memory.h"

typedef struct {
    uint64_t address, size;
    char *name;
} VmSymbol;

typedef struct {
    Pa entry;
    uint64_t low, high; /* physical addresses it occupies: [low, high) */
    GArray *symbols;    /* VmSymbol by address; owned by the caller; unref frees the names */
} VmElf;

/* Copies the loadable segments to their physical addresses. False and *error, nothing kept. */
bool vm_elf_load(Mem *mem, GBytes *file, VmElf *out, GError **error);
