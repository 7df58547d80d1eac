/*
 * Private to hw/gic: the saved state (plain), the wiring and caches around it, and the calls
 * between the files.
 */
#pragma once

#include "gic.h"

#define GIC_WORDS 32u
#define GIC_NO_PE UINT16_MAX
#define GIC_IDLE_PRIORITY 0xffu

enum { GIC_CTLR_GRP0 = 1, GIC_CTLR_GRP1 = 2 };
enum { GIC_WAKER_SLEEP = 2, GIC_WAKER_ASLEEP = 4 };
#define GICR_CTLR_DPG0 (UINT32_C(1) << 24)
#define GICR_CTLR_DPG1NS (UINT32_C(1) << 25)
#define GICR_CTLR_DPG1S (UINT32_C(1) << 26)
#define GIC_ROUTE_ANY (UINT64_C(1) << 31) /* GICD_IROUTER.Interrupt_Routing_Mode: 1 of N */

/* Errors that GICD_STATUSR and GICR_STATUSR record. */
enum {
    GIC_ERR_READ_RESERVED = 1,
    GIC_ERR_WRITE_RESERVED = 2,
    GIC_ERR_READ_WO = 4,
    GIC_ERR_WRITE_RO = 8
};

/*
 * Thirty-two interrupts: the SGIs and PPIs of a PE, or 32 SPIs. One bit each.
 * An interrupt is pending when its latch is set, or when it is level-sensitive and its wire is
 * high or a message said so.
 */
typedef struct {
    uint32_t group; /* 1: Group 1 */
    uint32_t enabled;
    uint32_t latched; /* pending by edge or by software */
    uint32_t level;   /* input wire */
    uint32_t message; /* level as messages (GICD_SETSPI_NSR) say it is */
    uint32_t active;
    uint32_t edge; /* edge-triggered */
    uint32_t nmi;  /* non-maskable, where the interrupt is of Group 1 */
} GicBank;

typedef struct {
    uint32_t ctlr, statusr;
    GicBank bank[GIC_WORDS]; /* [0] is not used */
    uint8_t priority[GIC_WORDS * 32];
    uint64_t route[GIC_WORDS * 32];
} GicDistState;

typedef struct {
    uint32_t ctlr, statusr, waker;
    uint32_t groups; /* enabled at the CPU interface: bit 0 Group 0, bit 1 Group 1 */
    GicBank bank;
    uint8_t priority[32];
} GicRedistState;

/* An interrupt some PE could take. */
typedef struct {
    uint32_t intid; /* GIC_NO_INTID: none */
    uint8_t priority;
    uint8_t group;
    bool nmi; /* Superpriority: above priority 0, which it has */
} GicPick;

/* Wiring and caches of one PE. */
typedef struct {
    ArmGicSetPending set_pending;
    void *ctx;
    uint64_t affinity; /* Aff3..Aff0 as in GICR_TYPER[63:32] */
    GicPick own;       /* best of its SGIs and PPIs */
    GicPick spi;       /* best of the SPIs that target it */
    GicPick lpi;       /* best of its LPIs */
    GicPick told;      /* what the CPU interface was told last */
} GicPe;

typedef struct GicLpis GicLpis;
#define GIC_LPIS ((1u << GIC_ID_BITS) - GIC_FIRST_LPI)

struct GicRegion {
    Gic *gic;
    uint32_t first, count;
    GicRegion *next;
};

struct Gic {
    GicDistState dist;
    GicRedistState *redist; /* [cpus] */
    GicLpis *lpi;           /* [cpus]; gic-lpi.c */
    /* wiring */
    Mem *mem;
    uint32_t lines, cpus;
    bool nmi;
    GicPe *pe;             /* [cpus] */
    uint16_t *by_affinity; /* PE numbers in order of affinity */
    GicRegion *regions;
    /* caches over the state */
    uint32_t
        ready[GIC_WORDS]; /* SPIs that are pending, enabled, not active and of an enabled group */
    uint32_t ready_words; /* bit w: ready[w] is not 0 */
    uint16_t target[GIC_WORDS * 32]; /* PE a ready SPI is offered to */
};

/* gic-select.c. All: device lock held. */
uint32_t gic_bank_pending(const GicBank *bank);
/* Interrupt intid of this bank, as a candidate. */
GicPick gic_bank_pick(const GicBank *bank, uint32_t intid, uint8_t priority);
/* Something about SPI intid changed: state, priority, group or route. */
void gic_spi_changed(Gic *gic, uint32_t intid);
/* Something about SGIs or PPIs of pe changed. */
void gic_private_changed(Gic *gic, uint32_t pe);
/* gic->pe[pe].lpi changed. */
void gic_publish(Gic *gic, uint32_t pe);
/* GICD_CTLR, or everything (reset, load), changed. */
void gic_all_changed(Gic *gic);
/* The PE's group enables, sleep or 1-of-N participation changed. */
void gic_pe_changed(Gic *gic, uint32_t pe);
/* PE with this affinity (Aff3..Aff0 in bits 31:0), or GIC_NO_PE. */
uint32_t gic_find_pe(const Gic *gic, uint64_t affinity);

/*
 * gic-bank.c: the per-interrupt register blocks that both frames share. block = GIC_BLK_*; half
 * picks the 16 interrupts of an ICFGR word and is 0 elsewhere. Reading returns false when there is
 * no such block.
 */
bool gic_bank_read(const GicBank *bank, uint32_t block, uint32_t half, uint32_t *value);
/* Returns the bits of interrupts whose state may have changed. fixed_edge: bits of ICFGR that
 * cannot be written. */
uint32_t gic_bank_write(GicBank *bank, uint32_t block, uint32_t half, uint32_t value,
                        uint32_t fixed_edge);

/* Register blocks, by offset / 0x80 (CONFIG has several). */
enum {
    GIC_BLK_GROUP = 1,
    GIC_BLK_SET_ENABLE,
    GIC_BLK_CLEAR_ENABLE,
    GIC_BLK_SET_PENDING,
    GIC_BLK_CLEAR_PENDING,
    GIC_BLK_SET_ACTIVE,
    GIC_BLK_CLEAR_ACTIVE,
    GIC_BLK_CONFIG = 24,
    GIC_BLK_NMI = 31,
};
#define GIC_IIDR UINT32_C(0x43b)

/* Identification registers at 0xffd0..0xfffc; part0 is the low byte of the part number. */
uint32_t gic_id_register(uint64_t offset, uint8_t part0);
