/* The console device: queue 0 receives, queue 1 transmits. VIRTIO 1.2, "Console Device". */
#include "console.h"

#include <glib.h>

enum { RECEIVE, TRANSMIT };
enum { LONGEST = 1 << 20 }; /* bytes of one request; more is a driver gone wild */
#define F_EMERG_WRITE (UINT64_C(1) << 2)
enum { CONFIG_EMERG_WR = 8 };

typedef struct {
    VirtioDevice base;
    const HwCharPort *port;
} Console;

static uint64_t features(VirtioDevice *d)
{
    return F_EMERG_WRITE;
}

static void output(Console *c, const uint8_t *bytes, size_t n)
{
    if (c->port && c->port->output) {
        c->port->output(c->port->ctx, bytes, n);
    }
}

static bool serve(HwDevice *dev, unsigned queue, const VirtioChain *c, uint32_t *written)
{
    uint8_t bytes[4096];
    if (c->n_in || c->out_bytes > LONGEST) {
        return false;
    }
    for (uint64_t at = 0; at < c->out_bytes;) {
        const uint64_t left = c->out_bytes - at;
        const size_t n = left < sizeof bytes ? (size_t)left : sizeof bytes;
        if (!virtio_chain_read(dev->env.mem, c, at, bytes, n)) {
            return false;
        }
        output(dev->wiring, bytes, n);
        at += n;
    }
    return true;
}

static void hungry(VirtioDevice *d, unsigned queue)
{
    const Console *c = (Console *)d;
    if (c->port && c->port->input_ready) {
        c->port->input_ready(c->port->ctx);
    }
}

/* Emergency write: one character, at any stage of the driver's life. */
static void write_config(VirtioDevice *d, uint32_t offset, uint32_t value)
{
    if (offset == CONFIG_EMERG_WR) {
        output((Console *)d, &(uint8_t){(uint8_t)value}, 1);
    }
}

static const VirtioType type = {
    .name = "virtio-console",
    .id = 3,
    .n_queues = 2,
    .fed = 1u << RECEIVE,
    .features = features,
    .write_config = write_config,
    .serve = serve,
    .hungry = hungry,
};

VirtioDevice *virtio_console_new(const HwCharPort *port)
{
    Console *c = g_new0(Console, 1);
    c->base.type = &type;
    c->port = port;
    return &c->base;
}

void virtio_console_free(VirtioDevice *d)
{
    g_free(d);
}

size_t virtio_console_receive(HwDevice *dev, const uint8_t *bytes, size_t n)
{
    return virtio_feed(dev, RECEIVE, bytes, n);
}
