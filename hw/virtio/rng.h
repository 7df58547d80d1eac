/* virtio-rng: random bytes of the machine's generator. VIRTIO 1.2, "Entropy Device". */
#pragma once

#include "armillary/random.h"
#include "virtio.h"

/* Wiring of a transport. random is borrowed and used with the device lock held. */
VirtioDevice *virtio_rng_new(BaseRandom *random);
void virtio_rng_free(VirtioDevice *d);
