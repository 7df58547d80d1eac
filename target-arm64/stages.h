/*
 * What the files of the two stages share. Arm ARM, "Translation process".
 */
#pragma once

#include "walk.h"

/* One translation. */
typedef struct {
    const A64View *v;
    const A64WalkIo *io;
    const A64Access *a;
} A64WalkCtx;

enum { A64_DESC_AF = 1 << 10, A64_DESC_BIT7 = 1 << 7 };
#define A64_DESC_DBM (UINT64_C(1) << 51)

static inline bool a64_walk_fail(A64Fault *f, A64FaultType type, int level)
{
    f->type = type;
    f->level = (int8_t)level;
    return false;
}

/* Reads leaf->desc from leaf->pa. */
bool a64_walk_load(const A64WalkCtx *c, bool stage2, int level, A64Leaf *leaf);

/* Replaces the leaf at `at` atomically. CHANGED: it is another one meanwhile, walk again; LOST:
 * nothing answered. */
A64Update a64_walk_update(const A64WalkCtx *c, bool big, Pa at, uint64_t old, uint64_t desc);

/* What stage 2 says about one IPA. */
typedef enum { A64_FOR_TABLE_READ, A64_FOR_TABLE_WRITE, A64_FOR_ACCESS } A64Stage2Use;
typedef struct {
    Ipa ipa;
    A64MemAttr s1; /* stage 1's attributes */
    A64Stage2Use use;
    bool assured;    /* stage 1 has the Assured Translation property up to here */
    bool top, upper; /* a read of the first table of a walk; by way of TTBR1 */
} A64Stage2Ask;
typedef struct {
    Pa pa;
    A64MemAttr attr; /* combined */
    uint8_t bits;
    int8_t level;
    bool device, again;
    bool assured_only; /* the AssuredOnly attribute */
    A64Perms p;
    A64Fault fault;
} A64Stage2;

/* False: o->fault. */
bool a64_stage2(const A64WalkCtx *c, const A64Stage2Ask *ask, A64Stage2 *o);

/* VTCR_EL2.GCSH: does a leaf with this AssuredOnly attribute keep out EL1's accesses to guarded
 * control stacks? */
bool a64_wants_assured_gcs(const A64View *v, bool assured_only);
/* "Stage 2 TopLevel checks": may a walk begin at a table with these permissions (A64Perms.top)? */
bool a64_may_top(const A64View *v, const A64Stage2Ask *ask, unsigned top);
