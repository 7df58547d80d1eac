/*
 * What an A64 vCPU asks of the machine around it, besides memory and the clock: the interrupt
 * controller behind Arm's GIC stream
 * protocol, firmware, and the event bus. target-arm64 names no device; the machine fills these in.
 */
#pragma once

#include "armillary/clock.h"
#include "armillary/memory.h"
#include "armillary/event.h"

/* Commands of a GIC CPU interface to its redistributor/distributor. Source: GICv3
 * specification, "GIC Stream Protocol interface".
 * Each takes the device lock itself; called on the vCPU's thread without it. */
typedef struct {
    /* The CPU takes intid for activation; false when it is no longer the PE's highest pending
     * (the CPU reads spurious and asks again). */
    bool (*activate)(void *gic, uint32_t cpu, uint32_t intid);
    void (*deactivate)(void *gic, uint32_t cpu, uint32_t intid);
    /* ICC_SGI0R/SGI1R/ASGI1R write: value as written; group 0, 1. */
    void (*send_sgi)(void *gic, uint32_t cpu, uint64_t value, unsigned group);
    /* The CPU interface's group enables or PMR changed: the redistributor may choose another
     * highest pending interrupt. */
    void (*upstream)(void *gic, uint32_t cpu, bool group0, bool group1);
    /* Level of one of this vCPU's own PPI lines (timers 26, 27, 28, 30; PMU 23; maintenance 25). */
    void (*set_ppi)(void *gic, uint32_t cpu, uint32_t intid, bool level);
} ArmGicPort;

/* The other way: the distributor tells a CPU interface its highest-priority pending interrupt.
 * Device lock held; any thread.
 * intid 1023 = none. nmi: it has the non-maskable property (priority is 0 then). Implemented by
 * target-arm64 (gic-cpu.c): stores it atomically and kicks the vCPU. */
typedef void (*ArmGicSetPending)(void *cpu, uint32_t intid, uint8_t priority, unsigned group,
                                 bool nmi);

/* Firmware behind SMC (or HVC when the machine starts at EL1). x0..x17 in and out. Runs on the
 * vCPU's thread, no lock held. */
typedef struct {
    void (*call)(void *firmware, uint32_t cpu, uint64_t x[18]);
} ArmFirmwarePort;

typedef struct A64Ports {
    Mem *mem;
    EvClock *clock;
    EvBus *bus;
    const ArmGicPort *gic;
    void *gic_ctx;
    /* SEV: a64_event() for every vCPU of the machine. NULL: there is one vCPU. */
    void (*send_event)(void *event_ctx);
    void *event_ctx;
    const ArmFirmwarePort *firmware;
    void *firmware_ctx;
    uint64_t seed;        /* of RNDR's numbers */
    bool smc_is_firmware; /* conduit: true = SMC, false = HVC (no EL2) */
} A64Ports;
