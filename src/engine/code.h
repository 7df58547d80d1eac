/*
 * The block cache of one vCPU: translated blocks in an arena, found by physical page, mode and
 * offset. Blocks never move; a dropped block stays readable until its part of the arena is used
 * again, which happens between blocks only. Single-threaded; what other vCPUs write arrives as
 * mail.
 */
#pragma once

#include "armillary/engine.h"

typedef struct EngBlock EngBlock;
typedef struct EngCode EngCode;

enum { ENG_PAGE_INSNS = ARM_PAGE_SIZE / 4, ENG_BLOCK_UNIT = 8 };

/* Entry points of one (code page, mode): what EngFetchEntry.code points to. */
struct EngCode {
    uint32_t entry[ENG_PAGE_INSNS]; /* by instruction: ops - cpu->code_base in units, 0 = none */
    uint64_t page;                  /* physical address */
    uint64_t lines;                 /* bit per 64 bytes: blocks here cover it */
    uint32_t mode;
    uint32_t hits;    /* writes to this page's code since the last translation on it */
    bool stale_links; /* some block of it died: links to it must go */
    EngBlock *blocks;
    EngCode *next;    /* same hash */
};

/* Precedes the predecoded operations in the arena. */
struct EngBlock {
    uint32_t size;     /* header included, bytes */
    uint16_t n_insns;
    uint16_t offset;   /* of the first instruction in its page */
    uint64_t lines;    /* as in EngCode */
    EngCode *code;     /* NULL: dead */
    EngBlock *next;    /* of the same EngCode */
    uint16_t links[2]; /* distance of link slots from ops, in bytes; 0 = none */
    uint16_t lands;    /* bits 3:0 as IrBlock.lands, 7:4 for pages not guarded */
    uint16_t pad;
    uint64_t ops[];
};
_Static_assert(sizeof(EngBlock) % ENG_BLOCK_UNIT == 0, "blocks and ops are aligned to the unit");

typedef struct {
    uint32_t max_block_insns; /* 0 = IR_MAX_INSNS */
    size_t arena_bytes;       /* 0 = 64 MiB */
} EngBlocksConfig;

/* Sets cpu->blocks and cpu->code_base; false when the host has no memory. */
bool eng_blocks_init(EngVcpu *cpu, const EngBlocksConfig *config);
void eng_blocks_fini(EngVcpu *cpu);

/*
 * Operations to run at cpu->pc, translated if need be; NULL when fetching took an exception. Called
 * between blocks. Patches cpu->link, if that asks for it, to lead here.
 */
const void *eng_blocks_find(EngVcpu *cpu);
/* A block of at most n instructions at cpu->pc, valid until the next call and never linked. */
const void *eng_blocks_short(EngVcpu *cpu, uint32_t n);

/* Drops translations of bytes [pa, pa+n) on this vCPU; n = UINT64_MAX: all. Safe within a block. */
void eng_blocks_drop(EngVcpu *cpu, Pa pa, uint64_t n);
/* Drops what a store would not have dropped: everything, if some code lies beyond the code map. */
void eng_blocks_maintain(EngVcpu *cpu);

/* The guest wrote [pa, pa+n) of a page that holds code: drops it here, at once, and on others. */
void eng_code_written(EngVcpu *cpu, Pa pa, uint64_t n);

typedef struct {
    uint64_t translated, insns, bytes, dropped, evicted;
} EngBlocksStats;
const EngBlocksStats *eng_blocks_stats(const EngVcpu *cpu);

/* Does the block at ops, on a page with cpu->page_flags, just accept what led to it? */
static inline bool eng_code_lands(const EngVcpu *cpu, const void *ops)
{
    const EngBlock *b = (const EngBlock *)((const char *)ops - sizeof(EngBlock));
    return b->lands >> (cpu->landing + (cpu->page_flags & ENG_X_GUARDED ? 0 : 4)) & 1;
}

/* The block at cpu->pc when instruction-side bank and table have it, else NULL. */
static inline const void *eng_code_probe(EngVcpu *cpu)
{
    uint64_t va = cpu->pc;
    const EngFetchEntry *e = &cpu->fetch[(va & cpu->fetch_mask) >> ARM_PAGE_BITS];
    if (ARM_UNLIKELY((va & (~ARM_PAGE_MASK | 3)) != e->tag || !e->code || e->mode != cpu->mode))
        return NULL;
    cpu->page_flags = (uint16_t)e->flags;
    uint32_t at = ((const EngCode *)e->code)->entry[(va & ARM_PAGE_MASK) / 4];
    return at ? cpu->code_base + (size_t)at * ENG_BLOCK_UNIT : NULL;
}
