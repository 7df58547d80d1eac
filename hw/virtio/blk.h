/* virtio-blk: a disk. VIRTIO 1.2, "Block Device". */
#pragma once

#include "image.h"
#include "virtio.h"

/*
 * Wiring of a transport. Takes image. serial: what GET_ID answers, 20 bytes of it are used; NULL:
 * empty. Freeing closes the image.
 */
VirtioDevice *virtio_blk_new(VirtioImage *image, const char *serial);
void virtio_blk_free(VirtioDevice *d);
