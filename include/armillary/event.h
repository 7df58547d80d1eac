/*
 * The event bus: typed events from every room, sinks behind it. Off, an event costs one test
 * of a mask.
 */
#pragma once

#include "armillary/types.h"

typedef enum {
    EV_EXCEPTION,    /* exception entry */
    EV_ERET,
    EV_TRAP,         /* a trap to EL2/EL1 with the control bit that caused it */
    EV_MMU_FAULT,
    EV_TLBI,
    EV_SYSREG_WRITE,
    EV_IRQ,          /* interrupt taken */
    EV_MMIO,
    EV_WFI,
    EV_PSCI,
    EV_GUEST_ERROR,
    EV_INSN,
    EV_KIND_COUNT
} EvKind;

/* One event. Meaning of a..d by kind: tables/events.trace. text may be NULL; static or valid
 * during the call. */
typedef struct {
    EvKind kind;
    uint32_t cpu;    /* UINT32_MAX when no vCPU */
    uint64_t insns;  /* the vCPU's instruction count */
    uint64_t pc;
    uint64_t a, b, c, d;
    const char *text;
} EvEvent;

typedef struct EvBus EvBus;
struct EvBus {
    uint32_t mask; /* bit per EvKind that some sink wants; constant while vCPUs run */
    struct EvBusImpl *impl;
};

typedef void (*EvSinkFn)(void *ctx, const EvEvent *e);

EvBus *ev_bus_new(void);
void ev_bus_free(EvBus *b);
/* Adds a sink for the kinds in mask. Before vCPUs run. Sinks are called under the bus's own
 * lock (rank last). */
void ev_bus_subscribe(EvBus *b, uint32_t mask, EvSinkFn fn, void *ctx);
void ev_bus_post(EvBus *b, const EvEvent *e);

static inline bool ev_wanted(const EvBus *b, EvKind k)
{
    return ARM_UNLIKELY(b->mask >> k & 1);
}
