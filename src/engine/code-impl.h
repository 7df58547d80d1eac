/*
 * What the files of the block cache share.
 */
#pragma once

#include "../interp/interp.h"
#include "code.h"

enum { SEGMENTS = 16, HASH_SIZE = 4096 };

struct EngBlocks {
    uint8_t *arena;
    size_t segment_size;
    unsigned segment;              /* being filled */
    size_t used[SEGMENTS];
    EngCode *hash[HASH_SIZE];      /* by page */
    uint32_t n_codes, max_insns;
    uint64_t evictions;            /* moves when part of the arena is used again */
    EngBlocksStats stats;
    bool untracked; /* some code lies where stores are not noticed */
    InterpLower *lower;
    EngBlock *brief;               /* the one block of eng_blocks_short */
    size_t brief_size;
    IrBlock ir;
};

/* The block whose operations these are. */
static inline EngBlock *code_block_of(const void *ops)
{
    return (EngBlock *)((char *)(uintptr_t)ops - sizeof(EngBlock));
}

/* After this the current segment has room for size bytes and there is room for a table. */
void eng_code_make_room(EngVcpu *cpu, size_t size);
/* Takes size bytes of the current segment, which has them. */
EngBlock *eng_code_reserve(EngBlocks *e, size_t size);
/* The table of (page, mode), or NULL. */
EngCode *eng_code_find(const EngBlocks *e, uint64_t page, uint32_t mode);
/* The same, made if it is not there; NULL without memory. */
EngCode *eng_code_obtain(EngBlocks *e, uint64_t page, uint32_t mode);
