/* Kernel images: unpacking and headers. */
#pragma once

#include <glib.h>

#include "armillary/types.h"

/* An arm64 Image in memory. Linux, "Booting AArch64 Linux". */
typedef struct {
    uint64_t text_offset; /* from a 2 MiB boundary */
    uint64_t size;        /* memory it needs from there on, with its BSS */
} VmImageHeader;

/* Most bytes an unpacked image may have: more is a bomb, not a kernel. */
#define VM_IMAGE_LIMIT (UINT64_C(1) << 30)

/*
 * Unpacks gzip, zstd and EFI zboot (nested if need be); what is none of these is returned as it is.
 * NULL and *error when the packing is damaged. Takes no reference to file; free with g_bytes_unref.
 */
GBytes *vm_image_unpack(GBytes *file, GError **error);

bool vm_image_is_elf(GBytes *file);
bool vm_image_is_arm64(GBytes *file);
/* False and *error: a header nobody can boot (big-endian, overflowing sizes). */
bool vm_image_header(GBytes *file, VmImageHeader *out, GError **error);
