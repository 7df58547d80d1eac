/*
 * Guest time and alarms. Time is nanoseconds since power-on of the machine. Two kinds: host
 * (follows the host's monotonic clock)
 * and virtual (advanced by the run loop: 1 ns per instruction executed, idle time skipped).
 */
#pragma once

#include "armillary/types.h"

typedef struct EvClock EvClock;
typedef struct EvAlarm EvAlarm;

EvClock *ev_clock_new(bool is_virtual);
void ev_clock_free(EvClock *c);
bool ev_clock_is_virtual(const EvClock *c);

/* Guest time now, ns. Any thread (host clock); run-loop thread (virtual). */
int64_t ev_now_ns(EvClock *c);

/* Virtual clock only: ns that have passed since the last ev_clock_advance (the instructions of the
 * current turn). NULL: none. */
typedef int64_t (*EvElapsedFn)(void *ctx);
void ev_clock_on_elapsed(EvClock *c, EvElapsedFn fn, void *ctx);

/* Called with the device lock held when the earliest alarm has become earlier: whoever waits for
 * it must look again. */
typedef void (*EvSoonerFn)(void *ctx, int64_t ns);
void ev_clock_on_sooner(EvClock *c, EvSoonerFn fn, void *ctx);

/* Sets guest time, also back (loading a snapshot, reset). Alarms stay armed; devices re-arm
 * theirs. */
void ev_clock_set(EvClock *c, int64_t ns);

/* Seconds since 1970 on the host (the real-time clock's first value under the host clock). */
int64_t ev_host_wall_seconds(void);
/* CPU time of this process, ns (statistics; never seen by the guest). */
int64_t ev_host_cpu_ns(void);

/* Virtual clock only: moves time to `ns` (never back). The caller then runs due alarms. */
void ev_clock_advance(EvClock *c, int64_t ns);

/* Alarms: fn(ctx) runs once with the device lock held at or after `ns`. Re-arm from within fn
 * is fine. INT64_MAX disarms. */
typedef void (*EvAlarmFn)(void *ctx);
EvAlarm *ev_alarm_new(EvClock *c, EvAlarmFn fn, void *ctx);
void ev_alarm_free(EvAlarm *a);
void ev_alarm_set(EvAlarm *a, int64_t ns);

/* Earliest armed alarm, INT64_MAX when none; and runs all that are due now, in order of time
 * then creation. Device lock held. */
int64_t ev_next_alarm(EvClock *c);
void ev_run_due(EvClock *c);
