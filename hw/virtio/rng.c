/* The entropy device: one queue, each request is filled. VIRTIO 1.2, "Entropy Device". */
#include "rng.h"

#include <stdlib.h>

#include <glib.h>

enum { AT_ONCE = 4096 }; /* a request may ask for as much as it likes; the answer may be shorter */

typedef struct {
    VirtioDevice base;
    BaseRandom *random;
} Rng;

static uint64_t no_features(VirtioDevice *d)
{
    return 0;
}

static bool serve(HwDevice *dev, unsigned queue, const VirtioChain *c, uint32_t *written)
{
    Rng *rng = dev->wiring;
    uint8_t bytes[AT_ONCE];
    const size_t n = c->in_bytes < AT_ONCE ? (size_t)c->in_bytes : AT_ONCE;
    for (size_t i = 0; i < n; i++) {
        bytes[i] = (uint8_t)(base_random_next(rng->random) >> 56);
    }
    *written = (uint32_t)n;
    return c->n_out == 0 && n != 0 && virtio_chain_write(dev->env.mem, c, 0, bytes, n);
}

static const VirtioType type = {
    .name = "virtio-rng",
    .id = 4,
    .n_queues = 1,
    .features = no_features,
    .serve = serve,
};

VirtioDevice *virtio_rng_new(BaseRandom *random)
{
    Rng *rng = g_new0(Rng, 1);
    rng->base.type = &type;
    rng->random = random;
    return &rng->base;
}

void virtio_rng_free(VirtioDevice *d)
{
    g_free(d);
}
