/*
 * GICv3 ITS: turns (DeviceID, EventID) of a message-signalled interrupt into an LPI at a
 * redistributor. Commands come from a queue, translations from tables, both in guest memory.
 * GIC architecture specification (IHI 0069), "The Interrupt Translation Service".
 */
#pragma once

#include "armillary/clock.h"
#include "gic.h"

typedef struct GicIts GicIts;

#define GIC_ITS_SPAN UINT64_C(0x20000) /* control and translation frames */
#define GIC_ITS_TRANSLATER UINT64_C(0x10040) /* where devices write their messages */

typedef struct {
    Gic *gic;       /* whose redistributors get the LPIs */
    Mem *mem;       /* both outlive the ITS, as does the clock */
    EvClock *clock; /* long command queues are worked on in pieces of time */
} GicItsConfig;

/* An ITS in its reset state; the caller frees it, device lock held or nothing running. */
GicIts *gic_its_new(const GicItsConfig *config);
void gic_its_free(GicIts *its);

/*
 * Both frames; dev is the GicIts.
 * A write of GITS_TRANSLATER through them is a CPU's, which has no DeviceID of its own: it counts
 * as device 0. Devices of the machine call gic_its_msi.
 */
extern const MemDeviceOps gic_its_ops;

/* The rest: device lock held. A device's write of `event` to GITS_TRANSLATER. */
void gic_its_msi(GicIts *its, uint32_t device, uint32_t event);
void gic_its_reset(GicIts *its);
void gic_its_save(GicIts *its, SnapWriter *w);
bool gic_its_load(GicIts *its, SnapReader *r, GError **error);
