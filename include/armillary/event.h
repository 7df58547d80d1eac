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
    EV_MMU_FAULT,    /* stage 1 */
    EV_S2_FAULT,
    EV_TLBI,
    EV_VMID,         /* VTTBR_EL2.VMID changed */
    EV_ASID,         /* the ASID of a regime changed */
    EV_LR,           /* a GIC list register written */
    EV_SYSREG_WRITE,
    EV_IRQ,          /* interrupt taken */
    EV_MMIO,
    EV_WFI,
    EV_PSCI,
    EV_GUEST_ERROR,
    EV_INSN,
    EV_KIND_COUNT
} EvKind;

#define EV_NO_VMID UINT32_MAX

/* One event. Meaning of a..d by kind: src/trace/events.trace. text and detail may be NULL; valid
 * during the call, those of EV_EXCEPTION and EV_IRQ for ever. */
typedef struct {
    EvKind kind;
    uint32_t cpu;    /* UINT32_MAX when no vCPU */
    uint32_t vmid;   /* current; EV_NO_VMID when EL0 is the host's, or no vCPU */
    uint64_t insns;  /* the vCPU's instruction count */
    uint64_t pc;
    uint64_t a, b, c, d;
    const char *text;
    const char *detail; /* what more there is to say than text, e.g. the register of an access */
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
