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
