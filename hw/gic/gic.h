/*
 * GICv3 distributor and redistributors, one Security state (GICD_CTLR.DS = 1), affinity routing
 * always on. GIC architecture specification (IHI 0069), "Distributor and Redistributors", "GIC
 * Stream Protocol interface". The CPU interfaces are elsewhere (the target's); they meet this
 * through include/armillary/port.h.
 */
#pragma once

#include "armillary/port.h"
#include "armillary/snapshot.h"

#define GIC_MAX_LINES 1020u /* INTIDs of SGIs, PPIs and SPIs; 1020..1023 are special */
#define GIC_MAX_CPUS 512u
#define GIC_FIRST_SPI 32u
#define GIC_NO_INTID 1023u
#define GIC_ID_BITS 16u /* INTIDs below 2^16 */
#define GIC_FIRST_LPI 8192u

#define GIC_DIST_SPAN UINT64_C(0x10000)
#define GIC_REDIST_SPAN UINT64_C(0x20000) /* one PE: RD_base and SGI_base frames */

typedef struct Gic Gic;
typedef struct GicRegion GicRegion;

typedef struct {
    Mem *mem;       /* for the device lock; outlives the GIC */
    uint32_t lines; /* INTIDs 0..lines-1; a multiple of 32 from 64, or GIC_MAX_LINES */
    uint32_t cpus;  /* 1..GIC_MAX_CPUS */
    bool nmi;       /* interrupts can be made non-maskable: GICD_TYPER.NMI */
    const uint64_t
        *affinity; /* MPIDR_EL1 of each PE; only Aff3..Aff0 are looked at; copied, all different */
} GicConfig;

/* A GIC in its reset state; the caller frees it. Asserts on a config that breaks the limits above:
 * they are the board's. */
Gic *gic_new(const GicConfig *config);
void gic_free(Gic *gic);
/* Device lock held. */
void gic_reset(Gic *gic);

/* Wires PE `cpu`: fn(ctx, ...) is called, device lock held, whenever its highest-priority pending
 * interrupt changes. */
void gic_connect_cpu(Gic *gic, uint32_t cpu, ArmGicSetPending fn, void *ctx);

/*
 * A redistributor region: PEs first..first+count-1, GIC_REDIST_SPAN bytes each; the last has
 * GICR_TYPER.Last. Owned by gic. The result is the `dev` of gic_redist_ops; `dev` of gic_dist_ops
 * is the Gic itself.
 */
GicRegion *gic_add_region(Gic *gic, uint32_t first, uint32_t count);
extern const MemDeviceOps gic_dist_ops;
extern const MemDeviceOps gic_redist_ops;

/* Input wires; device lock held. n counts SPIs from 0 (INTID n + 32); intid of a PPI is 16..31.
 * Wires not there are ignored. */
void gic_set_spi(Gic *gic, uint32_t n, bool level);
void gic_set_ppi(Gic *gic, uint32_t cpu, uint32_t intid, bool level);

/* What the CPU interfaces call; context = the Gic. Takes the device lock. */
extern const ArmGicPort gic_port;

/* State chunks; device lock held. Loading checks nothing beyond sizes: state decides no addresses.
 * */
void gic_save(Gic *gic, SnapWriter *w);
bool gic_load(Gic *gic, SnapReader *r, GError **error);
