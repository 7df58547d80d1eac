/*
 * The block cache's memory: segments that are reused in turn, tables of entry points, and what
 * drops blocks.
 */
#include "code-impl.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "code-map.h"
#include "machine.h"

enum {
    MAX_CODES = 6144,      /* tables of entry points: 4.2 KiB each */
    HOT_WRITES = 16,       /* so many writes to a page's code drop all of it */
    DEFAULT_ARENA = 64 << 20,
};

bool eng_blocks_init(EngVcpu *cpu, const EngBlocksConfig *config)
{
    EngBlocks *e = calloc(1, sizeof *e);
    if (!e)
        return false;
    size_t bytes = config->arena_bytes ? config->arena_bytes : DEFAULT_ARENA;
    e->segment_size = bytes / SEGMENTS & ~(size_t)4095;
    e->max_insns = config->max_block_insns ? config->max_block_insns : IR_MAX_INSNS;
    e->lower = interp_lower_new();
    e->arena = mmap(NULL, e->segment_size * SEGMENTS, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (e->arena != MAP_FAILED)
        madvise(e->arena, e->segment_size * SEGMENTS, MADV_HUGEPAGE); /* merely faster */
    cpu->blocks = e;
    if (!e->lower || e->arena == MAP_FAILED) {
        e->arena = NULL;
        eng_blocks_fini(cpu);
        return false;
    }
    /* offset 0 means "no entry" */
    e->used[0] = sizeof(EngBlock);
    memset(e->arena, 0, sizeof(EngBlock));
    ((EngBlock *)e->arena)->size = sizeof(EngBlock);
    cpu->code_base = e->arena;
    return true;
}

void eng_blocks_fini(EngVcpu *cpu)
{
    EngBlocks *e = cpu->blocks;
    if (!e)
        return;
    for (unsigned i = 0; i < HASH_SIZE; i++) {
        for (EngCode *c = e->hash[i], *next; c; c = next) {
            next = c->next;
            free(c);
        }
    }
    if (e->arena)
        munmap(e->arena, e->segment_size * SEGMENTS);
    interp_lower_free(e->lower);
    free(e->brief);
    free(e);
    cpu->blocks = NULL;
}

const EngBlocksStats *eng_blocks_stats(const EngVcpu *cpu)
{
    return &cpu->blocks->stats;
}

/* --- dropping --- */

/* Takes dead blocks off the list and makes links to them ask again. */
static void clean(EngCode *c)
{
    EngBlock **at = &c->blocks;
    c->stale_links = false;
    c->lines = 0;
    while (*at) {
        EngBlock *b = *at;
        if (!b->code) {
            *at = b->next;
            continue;
        }
        c->lines |= b->lines;
        for (unsigned i = 0; i < 2; i++) {
            void *link = (char *)b->ops + b->links[i];
            const void *target = b->links[i] ? interp_link_target(link) : NULL;
            if (target && target != link && !code_block_of(target)->code)
                interp_link_set(link, NULL);
        }
        at = &b->next;
    }
}

static void kill_block(EngBlock *b)
{
    b->code->entry[b->offset / 4] = 0;
    b->code->stale_links = true;
    b->code = NULL;
}

static void drop_lines(EngBlocks *e, EngCode *c, uint64_t lines)
{
    if (!(c->lines & lines))
        return;
    if (++c->hits >= HOT_WRITES)
        lines = UINT64_MAX;
    for (EngBlock *b = c->blocks; b; b = b->next) {
        if (b->lines & lines) {
            kill_block(b);
            e->stats.dropped++;
        }
    }
    clean(c);
}

static unsigned hash_of(uint64_t page)
{
    return (unsigned)(page >> ARM_PAGE_BITS) % HASH_SIZE;
}

static void drop_all(EngBlocks *e)
{
    for (unsigned i = 0; i < HASH_SIZE; i++) {
        for (EngCode *c = e->hash[i]; c; c = c->next)
            drop_lines(e, c, UINT64_MAX);
    }
}

void eng_blocks_drop(EngVcpu *cpu, Pa pa, uint64_t n)
{
    EngBlocks *e = cpu->blocks;
    if (n == UINT64_MAX) {
        drop_all(e);
        return;
    }
    for (uint64_t at = pa.v, end = pa.v + n; at < end;) {
        uint64_t page = at & ~ARM_PAGE_MASK, stop = page + ARM_PAGE_SIZE;
        uint64_t upto = end < stop ? end : stop;
        for (EngCode *c = e->hash[hash_of(page)]; c; c = c->next) {
            if (c->page == page)
                drop_lines(e, c, eng_code_lines(at - page, upto - at));
        }
        at = upto;
    }
}

void eng_blocks_maintain(EngVcpu *cpu)
{
    if (cpu->blocks->untracked)
        drop_all(cpu->blocks);
}

void eng_code_written(EngVcpu *cpu, Pa pa, uint64_t n)
{
    EngCodeMap *map = cpu->machine->code_map;
    Pa page = {pa.v & ~ARM_PAGE_MASK};
    uint64_t lines = eng_code_lines(pa.v - page.v, n);
    if (!(eng_code_map_lines(map, page) & lines))
        return;
    eng_code_map_remove(map, page, lines);
    eng_blocks_drop(cpu, pa, n);
    eng_tlb_post_code(cpu, pa, n);
}

/* --- making room --- */

/* Everything in the segment dies, and what was linked to it asks again. */
static void evict_segment(EngVcpu *cpu, unsigned segment)
{
    EngBlocks *e = cpu->blocks;
    uint8_t *base = e->arena + segment * e->segment_size;
    size_t first = segment == 0 ? sizeof(EngBlock) : 0;
    for (size_t at = first; at < e->used[segment];) {
        EngBlock *b = (EngBlock *)(base + at);
        at += b->size;
        if (b->code) {
            kill_block(b);
            e->stats.evicted++;
        }
    }
    e->used[segment] = first;
    e->evictions++;
    bool freed = false;
    for (unsigned i = 0; i < HASH_SIZE; i++) {
        for (EngCode **at = &e->hash[i]; *at;) {
            EngCode *c = *at;
            if (c->stale_links)
                clean(c);
            if (c->blocks) {
                at = &c->next;
                continue;
            }
            *at = c->next;
            free(c);
            e->n_codes--;
            freed = true;
        }
    }
    if (freed)
        eng_tlb_forget_code(cpu);
}

static void next_segment(EngVcpu *cpu)
{
    EngBlocks *e = cpu->blocks;
    e->segment = (e->segment + 1) % SEGMENTS;
    evict_segment(cpu, e->segment);
}

void eng_code_make_room(EngVcpu *cpu, size_t size)
{
    EngBlocks *e = cpu->blocks;
    assert(size <= e->segment_size - sizeof(EngBlock));
    if (e->used[e->segment] + size > e->segment_size)
        next_segment(cpu);
    for (unsigned i = 0; e->n_codes >= MAX_CODES && i < SEGMENTS; i++)
        next_segment(cpu);
}

EngBlock *eng_code_reserve(EngBlocks *e, size_t size)
{
    EngBlock *b = (EngBlock *)(e->arena + e->segment * e->segment_size + e->used[e->segment]);
    e->used[e->segment] += size;
    return b;
}

EngCode *eng_code_find(const EngBlocks *e, uint64_t page, uint32_t mode)
{
    for (EngCode *c = e->hash[hash_of(page)]; c; c = c->next) {
        if (c->page == page && c->mode == mode)
            return c;
    }
    return NULL;
}

EngCode *eng_code_obtain(EngBlocks *e, uint64_t page, uint32_t mode)
{
    EngCode **bucket = &e->hash[hash_of(page)], *there = eng_code_find(e, page, mode);
    if (there)
        return there;
    EngCode *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->page = page;
    c->mode = mode;
    c->next = *bucket;
    *bucket = c;
    e->n_codes++;
    return c;
}
