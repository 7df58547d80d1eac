/* Exits to EL2 by reason, VMID and level, part of TraceStats. */
#pragma once

#include "armillary/trace.h"

typedef struct TraceExits TraceExits;

TraceExits *trace_exits_new(void);
void trace_exits_free(TraceExits *t);
/* EV_EXCEPTION, EV_IRQ and EV_ERET, in the order of each vCPU. */
void trace_exits_event(TraceExits *t, const EvEvent *e);
/* A table, nothing when there were no exits. */
void trace_exits_print(const TraceExits *t, FILE *to);
