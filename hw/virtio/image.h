/*
 * A disk image: a raw file or block device, read-only, read-write, or read-write with all changes
 * kept aside in a temporary file and forgotten at the end (snapshot).
 */
#pragma once

#include <glib.h>

#include "armillary/types.h"

typedef enum { VIRTIO_IMAGE_RW, VIRTIO_IMAGE_RO, VIRTIO_IMAGE_SNAPSHOT } VirtioImageMode;
typedef struct VirtioImage VirtioImage;

/* NULL and a sentence with the path in *error when it cannot be used, or is in use elsewhere: one
 * writer alone, or readers. */
VirtioImage *virtio_image_open(const char *path, VirtioImageMode mode, GError **error);
void virtio_image_free(VirtioImage *image);

/* Bytes, rounded up to whole sectors of 512; what lies beyond the file reads as zero. */
uint64_t virtio_image_size(const VirtioImage *image);
bool virtio_image_is_read_only(const VirtioImage *image);

/* All within the size. Return false when the host failed. */
bool virtio_image_read(VirtioImage *image, uint64_t at, void *dst, size_t n);
bool virtio_image_write(VirtioImage *image, uint64_t at, const void *src, size_t n);
bool virtio_image_zero(VirtioImage *image, uint64_t at, uint64_t n);
/* The bytes' contents no longer matter: frees host storage where it can. */
void virtio_image_discard(VirtioImage *image, uint64_t at, uint64_t n);
/* What was written is on the medium. */
bool virtio_image_flush(VirtioImage *image);
