/*
 * The reference for the TLB model test: a tiny guest whose translation tables are arrays, kept for
 * every moment of a sequence, and an uncached walker over one moment. Nothing here is shared with
 * the TLB. Arm ARM, "TLB maintenance": after a completed TLBI that matches it, an old translation
 * is never seen again.
 */
#pragma once

#include "armillary/vcpu.h"

enum {
    M_CPUS = 2,
    M_VMIDS = 2,
    M_ASIDS = 2,
    M_COPIES = 2,
    M_REGIONS = 3, /* of VA, 2 MiB each; the last in the upper half */
    M_IPA_REGIONS = 4,
    M_TABLE_REGION = 3, /* holds the stage-1 tables: page = ASID */
    M_PAGES = 4,        /* observed pages of a region */
    M_DIGESTS = 4,
    M_MAX_OPS = 64
};

enum { M_EL10, M_EL2 }; /* regimes */
/* Digests: what the control registers say. */
enum { M_PLAIN, M_WXN, M_S1_OFF, M_S2_OFF };

/* A leaf: valid, where to, what for. Stage 1: where = IPA region and page. Stage 2: where = a
 * number of physical memory. */
typedef struct {
    bool valid, write, user, exec, global;
    uint8_t where;
} MLeaf;

typedef struct {
    bool block;
    MLeaf whole;
    MLeaf page[M_PAGES];
} MRegion;

/* Everything a walk depends on, at one moment. */
typedef struct {
    MRegion s1[M_VMIDS][M_ASIDS][M_COPIES][M_REGIONS];
    MRegion el2[M_REGIONS];
    MRegion s2[M_VMIDS][M_IPA_REGIONS];
} MState;

typedef struct {
    uint32_t regime, vmid, digest, asid;
} MContext;

/* What a walk yields. */
typedef struct {
    bool ok;
    uint64_t pa;
    uint8_t s1_bits, s2_bits;
    bool global;
    uint8_t read, write, exec; /* by view */
} MXlat;

uint64_t m_va(unsigned region, unsigned page);
uint64_t m_ipa(unsigned region, unsigned page);
/* Index of the observed page that holds va (also of an IPA). */
unsigned m_page_of(uint64_t address);
unsigned m_region_of(uint64_t va);

/* Stage 2 alone. */
MXlat m_stage2(const MState *s, uint32_t vmid, uint64_t ipa);
/* Which copy of the tables a physical address of stage 2 selects. */
unsigned m_copy(uint64_t pa);
/* Does this context read its stage-1 tables through stage 2? */
bool m_tables_through_s2(const MContext *c);
uint64_t m_table_ipa(const MContext *c);
/* Both stages with the tables' copy given. */
MXlat m_walk(const MState *s, const MContext *c, unsigned copy, uint64_t va);
