/*
 * Guest time and its alarms: a host or virtual clock and one list of alarms sorted by time. The
 * only file that reads host clocks.
 */
#include "armillary/clock.h"

#include <glib.h>
#include <stdatomic.h>
#include <time.h>

struct EvClock {
    bool is_virtual;
    /* host: host ns at guest time 0; virtual: guest time at the start of the turn */
    _Atomic(int64_t) base;
    EvElapsedFn elapsed;
    void *elapsed_ctx;
    EvSoonerFn sooner;
    void *sooner_ctx;
    EvAlarm *first;       /* armed alarms by (ns, serial); guarded by the device lock */
    uint64_t next_serial; /* alarms of one time run in order of creation */
};

struct EvAlarm {
    EvClock *clock;
    EvAlarm *next; /* in the armed list */
    int64_t ns;    /* INT64_MAX: not armed */
    uint64_t serial;
    EvAlarmFn fn;
    void *ctx;
};

static int64_t host_ns(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

EvClock *ev_clock_new(bool is_virtual)
{
    EvClock *c = g_new0(EvClock, 1);
    c->is_virtual = is_virtual;
    ev_clock_set(c, 0);
    return c;
}

void ev_clock_free(EvClock *c)
{
    g_free(c);
}

bool ev_clock_is_virtual(const EvClock *c)
{
    return c->is_virtual;
}

int64_t ev_now_ns(EvClock *c)
{
    const int64_t base = atomic_load_explicit(&c->base, memory_order_relaxed);
    if (!c->is_virtual) {
        return host_ns(CLOCK_MONOTONIC) - base;
    }
    return base + (c->elapsed ? c->elapsed(c->elapsed_ctx) : 0);
}

void ev_clock_on_elapsed(EvClock *c, EvElapsedFn fn, void *ctx)
{
    c->elapsed = fn;
    c->elapsed_ctx = ctx;
}

void ev_clock_on_sooner(EvClock *c, EvSoonerFn fn, void *ctx)
{
    c->sooner = fn;
    c->sooner_ctx = ctx;
}

void ev_clock_set(EvClock *c, int64_t ns)
{
    const int64_t base = c->is_virtual ? ns : host_ns(CLOCK_MONOTONIC) - ns;
    atomic_store_explicit(&c->base, base, memory_order_relaxed);
}

void ev_clock_advance(EvClock *c, int64_t ns)
{
    g_assert(c->is_virtual);
    if (ns > atomic_load_explicit(&c->base, memory_order_relaxed)) {
        atomic_store_explicit(&c->base, ns, memory_order_relaxed);
    }
}

int64_t ev_host_wall_seconds(void)
{
    return host_ns(CLOCK_REALTIME) / 1000000000;
}

int64_t ev_host_cpu_ns(void)
{
    return host_ns(CLOCK_PROCESS_CPUTIME_ID);
}

EvAlarm *ev_alarm_new(EvClock *c, EvAlarmFn fn, void *ctx)
{
    EvAlarm *a = g_new0(EvAlarm, 1);
    *a = (EvAlarm){ .clock = c, .ns = INT64_MAX, .serial = c->next_serial++, .fn = fn, .ctx = ctx };
    return a;
}

static void unlink_alarm(EvAlarm *a)
{
    for (EvAlarm **p = &a->clock->first; *p; p = &(*p)->next) {
        if (*p == a) {
            *p = a->next;
            break;
        }
    }
    a->next = NULL;
    a->ns = INT64_MAX;
}

void ev_alarm_free(EvAlarm *a)
{
    if (a) {
        unlink_alarm(a);
        g_free(a);
    }
}

static bool runs_before(const EvAlarm *a, const EvAlarm *b)
{
    return a->ns != b->ns ? a->ns < b->ns : a->serial < b->serial;
}

void ev_alarm_set(EvAlarm *a, int64_t ns)
{
    EvClock *c = a->clock;
    if (ns == a->ns) {
        return;
    }
    const int64_t before = ev_next_alarm(c);
    unlink_alarm(a);
    if (ns == INT64_MAX) {
        return;
    }
    a->ns = ns;
    EvAlarm **p = &c->first;
    while (*p && runs_before(*p, a)) {
        p = &(*p)->next;
    }
    a->next = *p;
    *p = a;
    if (ns < before && c->sooner) {
        c->sooner(c->sooner_ctx, ns);
    }
}

int64_t ev_next_alarm(EvClock *c)
{
    return c->first ? c->first->ns : INT64_MAX;
}

void ev_run_due(EvClock *c)
{
    const int64_t now = ev_now_ns(c);
    /* An alarm that re-arms itself for the past must not keep us here: those wait for the next
     * call. */
    const uint64_t limit = c->next_serial * 2 + 1;
    for (uint64_t runs = 0; c->first && c->first->ns <= now && runs < limit; runs++) {
        EvAlarm *a = c->first;
        unlink_alarm(a);
        a->fn(a->ctx);
    }
}
