/*
 * One stage of translation: decoded parameters, and the loop over table levels that both stages
 * share; permissions and attributes of what it ends at. Arm ARM, "Translation table walk",
 * "VMSAv8-64 translation table format descriptors", "Memory access control", "Memory region
 * attributes".
 */
#pragma once

#include "mmu.h"

/* What the level loop needs. bad: TxSZ or the start level is out of range: every walk faults. */
typedef struct {
    uint8_t granule; /* log2 of the granule */
    uint8_t ia_bits, oa_bits;
    int8_t start; /* first level */
    bool bad;
    bool ds;     /* 52-bit descriptors of 4K and 16K granules */
    bool wide64; /* 52-bit descriptors of the 64K granule */
    bool ha, hd;
    bool haft; /* FEAT_HAFT: table descriptors have an access flag, which hardware sets */
    bool big_endian;
    bool assured; /* the first table has the Assured Translation property */
    uint64_t base; /* of the first table */
} A64Tables;

/* Stage 1 besides the tables. */
typedef struct {
    A64Tables t;
    bool upper; /* TTBR1's range */
    bool tbi, tbi_fetch;
    bool epd, e0pd, hpd;
    uint8_t sh; /* with DS */
} A64Stage1;

/* Parameters for a VA in a view; for the VMID's stage 2. */
A64Stage1 a64_stage1_params(const A64View *v, uint64_t va);
A64Tables a64_stage2_tables(const A64View *v);

/* The leaf a walk ends at, or the fault. */
typedef struct {
    A64Fault fault; /* when the walk failed */
    uint64_t desc;
    uint64_t at; /* address of the descriptor as the tables name it */
    Pa pa;       /* where it was read */
    uint64_t oa; /* output address of the input address */
    /* OR of bits 63:59 of the table descriptors above: NSTable, APTable, XNTable, PXNTable */
    uint8_t table;
    uint8_t bits; /* log2 of the leaf's size */
    int8_t level;
    /* The Assured Translation property, of the table and of what its descriptor leads to: the
     * reader's to keep. */
    bool table_assured, assured;
} A64Leaf;

typedef enum { A64_DESC_UPDATED, A64_DESC_CHANGED, A64_DESC_LOST } A64Update;

/*
 * A stage's way to its tables. read: the descriptor at the (intermediate) address `at` into
 * leaf->desc, its place into leaf->pa. write: leaf->desc at `at` becomes desc, unless it has
 * CHANGED meanwhile. False, LOST: leaf->fault says why.
 */
typedef struct {
    void *ctx;
    bool (*read)(void *ctx, uint64_t at, int level, A64Leaf *leaf);
    A64Update (*write)(void *ctx, uint64_t at, uint64_t desc, A64Leaf *leaf);
} A64TableMem;

/* Walks ia. False: leaf->fault has type and level. Checks neither access flag nor permissions of
 * the leaf. */
bool a64_walk_tables(const A64Tables *t, uint64_t ia, const A64TableMem *mem, A64Leaf *leaf);

static inline uint64_t a64_desc_order(bool big_endian, uint64_t desc)
{
    return big_endian ? __builtin_bswap64(desc) : desc;
}

/* ---- permissions (perms.c) ---- */

/* What an access needs; DIRTY: where software keeps the dirty state, that it is set. */
enum { A64_PERM_R = 1, A64_PERM_W = 2, A64_PERM_X = 4, A64_PERM_DIRTY = 8 };
/* Whom stage 2 tells apart: EL0, EL1, and accesses to stage-1 tables with RCW instructions. */
enum { A64_S2_EL0, A64_S2_EL1, A64_S2_MMU };

/* What a leaf permits. Stage 1: by A64_VIEW_*; stage 2: by A64_S2_*. */
typedef struct {
    uint8_t base[A64_VIEWS];
    uint8_t over[A64_VIEWS]; /* what overlays leave; all where there is none */
    bool clean;      /* a write sets the dirty state first ... */
    bool software;   /* ... which only software may do: it faults */
    bool mro;        /* stage 2: Mostly Read Only, written by the MMU and RCW instructions alone */
    uint8_t top;     /* with it TopLevel0 (bit 0) and TopLevel1 (bit 1) */
} A64Perms;

A64Perms a64_stage1_perms(const A64View *v, const A64Stage1 *s, const A64Leaf *l);
A64Perms a64_stage2_perms(const A64View *v, const A64Tables *t, uint64_t desc);
/* A64_PERM_* of an access that needs permission. */
unsigned a64_access_needs(const A64Access *a);
/* False: the rest of *f says what is missing. */
bool a64_permits(const A64Perms *p, unsigned who, unsigned needs, A64Fault *f);

/* Memory attributes. */
/* index: AttrIndx, 4 bits with FEAT_AIE */
A64MemAttr a64_attr_stage1(const A64View *v, unsigned index, unsigned sh);
/* Stage-1 attributes s1 combined with a stage-2 leaf's MemAttr[3:0] and SH. *device: stage 2
 * alone makes it Device. */
A64MemAttr a64_attr_combine(const A64View *v, A64MemAttr s1, unsigned attr, unsigned sh,
                            bool *device);
/* Device and Non-cacheable memory is always Outer Shareable. */
A64MemAttr a64_attr_effective(A64MemAttr a);
