/*
 * The event bus: hands typed events to the sinks that asked for their kind.
 */
#include "armillary/event.h"

#include <glib.h>
#include <pthread.h>

enum { MAX_SINKS = 8 };

struct EvBusImpl {
    pthread_mutex_t lock; /* serialises sinks; rank last */
    unsigned n_sinks;
    struct {
        uint32_t mask;
        EvSinkFn fn;
        void *ctx;
    } sinks[MAX_SINKS];
};

EvBus *ev_bus_new(void)
{
    EvBus *b = g_new0(EvBus, 1);
    b->impl = g_new0(struct EvBusImpl, 1);
    pthread_mutex_init(&b->impl->lock, NULL);
    return b;
}

void ev_bus_free(EvBus *b)
{
    if (b) {
        pthread_mutex_destroy(&b->impl->lock);
        g_free(b->impl);
        g_free(b);
    }
}

void ev_bus_subscribe(EvBus *b, uint32_t mask, EvSinkFn fn, void *ctx)
{
    struct EvBusImpl *i = b->impl;
    g_assert(i->n_sinks < MAX_SINKS);
    i->sinks[i->n_sinks].mask = mask;
    i->sinks[i->n_sinks].fn = fn;
    i->sinks[i->n_sinks].ctx = ctx;
    i->n_sinks++;
    b->mask |= mask;
}

void ev_bus_post(EvBus *b, const EvEvent *e)
{
    struct EvBusImpl *i = b->impl;
    pthread_mutex_lock(&i->lock);
    for (unsigned s = 0; s < i->n_sinks; s++) {
        if (i->sinks[s].mask >> e->kind & 1) {
            i->sinks[s].fn(i->sinks[s].ctx, e);
        }
    }
    pthread_mutex_unlock(&i->lock);
}
