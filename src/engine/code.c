/*
 * The block cache: arena in segments that are reused in turn, tables of entry points, links.
 * docs/architecture.md, "The life of an instruction".
 */
#include "code.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../interp/interp.h"
#include "code-map.h"
#include "machine.h"

enum {
    SEGMENTS = 16,
    HASH_SIZE = 4096,
    MAX_CODES = 6144,      /* tables of entry points: 4.2 KiB each */
    HOT_WRITES = 16,       /* so many writes to a page's code drop all of it */
    DEFAULT_ARENA = 64 << 20,
    MAX_BLOCK = 256 << 10, /* bytes of one block, far above what IR_MAX_OPS can give */
};

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

static EngBlock *block_of(const void *ops)
{
    return (EngBlock *)((char *)(uintptr_t)ops - sizeof(EngBlock));
}

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
            if (target && target != link && !block_of(target)->code)
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

/* After this the current segment has room for size bytes and there is room for a table. */
static void make_room(EngVcpu *cpu, size_t size)
{
    EngBlocks *e = cpu->blocks;
    assert(size <= e->segment_size - sizeof(EngBlock));
    if (e->used[e->segment] + size > e->segment_size)
        next_segment(cpu);
    for (unsigned i = 0; e->n_codes >= MAX_CODES && i < SEGMENTS; i++)
        next_segment(cpu);
}

static EngBlock *reserve(EngBlocks *e, size_t size)
{
    EngBlock *b = (EngBlock *)(e->arena + e->segment * e->segment_size + e->used[e->segment]);
    e->used[e->segment] += size;
    return b;
}

static EngCode *find_code(const EngBlocks *e, uint64_t page, uint32_t mode)
{
    for (EngCode *c = e->hash[hash_of(page)]; c; c = c->next) {
        if (c->page == page && c->mode == mode)
            return c;
    }
    return NULL;
}

/* The table of (page, mode), made if it is not there; NULL without memory. */
static EngCode *code_of(EngBlocks *e, uint64_t page, uint32_t mode)
{
    EngCode **bucket = &e->hash[hash_of(page)], *there = find_code(e, page, mode);
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

/* --- translating --- */

/* Guest instructions at cpu->pc, of the page that host shows, to operations in e->lower; returns
 * their bytes. */
static size_t translate(EngVcpu *cpu, const void *host, uint32_t max_insns)
{
    EngBlocks *e = cpu->blocks;
    uint32_t offset = (uint32_t)(cpu->pc & ARM_PAGE_MASK);
    max_insns = eng_break_distance(&cpu->machine->breaks, cpu->pc, max_insns);
    for (;;) {
        ir_begin(&e->ir);
        cpu->target->translate(&e->ir, cpu->target->mode(cpu), host, offset, max_insns);
        ir_optimise(&e->ir);
        size_t bytes = interp_lower(e->lower, &e->ir,
                                    (InterpOptions){.offset = offset, .counting = cpu->counting});
        if (bytes > 0)
            return bytes;
        assert(max_insns > 1);
        max_insns = e->ir.n_insns / 2 ? e->ir.n_insns / 2 : 1;
    }
}

enum { KEEP_LANDING = 256, LANDS_UNGUARDED = 0xf0 };

static uint16_t lands_of(const IrBlock *b)
{
    if (b->lands & IR_LANDS_KEEP)
        return KEEP_LANDING; /* never without asking the target */
    return (b->lands & IR_LANDS_ALL) | LANDS_UNGUARDED;
}

static void fill(EngVcpu *cpu, EngBlock *b, size_t bytes)
{
    EngBlocks *e = cpu->blocks;
    uint32_t offset = (uint32_t)(cpu->pc & ARM_PAGE_MASK);
    uint32_t n = e->ir.n_insns ? e->ir.n_insns : 1;
    *b = (EngBlock){
        .size = (uint32_t)(sizeof(EngBlock) + bytes),
        .n_insns = (uint16_t)n,
        .offset = (uint16_t)offset,
        .lines = eng_code_lines(offset, n * 4),
        .lands = lands_of(&e->ir),
    };
    interp_store(e->lower, b->ops, b->links);
    e->stats.translated++;
    e->stats.insns += n;
    e->stats.bytes += b->size;
}

/* Writes to the page are noticed from now on. */
static void watch(EngVcpu *cpu, uint64_t page, uint64_t lines)
{
    if (eng_code_map_add(cpu->machine->code_map, (Pa){page}, lines) == 0)
        eng_tlb_protect(cpu, (Pa){page});
    if (!eng_code_map_tracks((Pa){page}))
        cpu->blocks->untracked = true;
}

/* page: physical; host: its bytes. (The instruction side's entry does not outlive watch().) */
static EngBlock *make_block(EngVcpu *cpu, uint64_t page, const void *host)
{
    EngBlocks *e = cpu->blocks;
    uint32_t offset = (uint32_t)(cpu->pc & ARM_PAGE_MASK);
    /* before reading the code: a write after this is noticed */
    watch(cpu, page, eng_code_lines(offset, 1));
    size_t bytes = translate(cpu, host, e->max_insns);
    make_room(cpu, sizeof(EngBlock) + bytes);
    EngCode *c = code_of(e, page, cpu->mode);
    assert(c);
    EngBlock *b = reserve(e, sizeof(EngBlock) + bytes);
    fill(cpu, b, bytes);
    watch(cpu, page, b->lines);
    b->code = c;
    b->next = c->blocks;
    c->blocks = b;
    c->lines |= b->lines;
    c->hits = 0;
    c->entry[offset / 4] = (uint32_t)(((uint8_t *)b->ops - e->arena) / ENG_BLOCK_UNIT);
    return b;
}

/* The instruction-side entry for cpu->pc; NULL when the exception has been taken. */
static EngFetchEntry *fetch_entry(EngVcpu *cpu)
{
    if (cpu->target->before_fetch && !cpu->target->before_fetch(cpu))
        return NULL;
    Va pc = {cpu->pc};
    cpu->insn_pc = cpu->pc;
    if (pc.v & 3) {
        cpu->target->alignment_fault(cpu, pc, ENG_FETCH, 0);
        return NULL;
    }
    EngFetchEntry *f = eng_tlb_fetch(cpu, pc);
    if (f && !f->host) {
        cpu->target->external_abort(cpu, pc, ENG_FETCH, 0);
        return NULL;
    }
    return f;
}

/* What the bank does not know yet. */
static const void *find_slowly(EngVcpu *cpu)
{
    EngFetchEntry *f = fetch_entry(cpu);
    if (!f)
        return NULL;
    cpu->page_flags = (uint16_t)f->flags;
    EngCode *c = find_code(cpu->blocks, f->pa.v, cpu->mode);
    uint32_t at = c ? c->entry[(cpu->pc & ARM_PAGE_MASK) / 4] : 0;
    f->code = c;
    f->mode = cpu->mode;
    if (at)
        return cpu->code_base + (size_t)at * ENG_BLOCK_UNIT;
    const EngBlock *b = make_block(cpu, f->pa.v, f->host);
    /* making room may have emptied the bank's handles */
    f = eng_tlb_fetch_probe(cpu, (Va){cpu->pc});
    if (f) {
        f->code = b->code;
        f->mode = cpu->mode;
    }
    return b->ops;
}

/* An indirect branch has led to the block at ops. False: the exception has been taken. */
static bool land(EngVcpu *cpu, const void *ops)
{
    unsigned lands = block_of(ops)->lands;
    bool keep = lands & KEEP_LANDING;
    bool any = keep || !(cpu->page_flags & ENG_X_GUARDED);
    cpu->insn_pc = cpu->pc;
    return cpu->target->land(cpu, any || (lands >> cpu->landing & 1), keep);
}

const void *eng_blocks_find(EngVcpu *cpu)
{
    uint64_t evictions = cpu->blocks->evictions;
    void *link = (void *)(uintptr_t)cpu->link;
    cpu->link = NULL;
    const void *ops = eng_code_probe(cpu);
    if (!ops)
        ops = find_slowly(cpu);
    /* the slot's own block may have been in the part of the arena that was just used again */
    if (link && ops && evictions == cpu->blocks->evictions)
        interp_link_set(link, ops);
    if (ARM_UNLIKELY(cpu->landing) && ops && !land(cpu, ops))
        return NULL;
    return ops;
}

const void *eng_blocks_short(EngVcpu *cpu, uint32_t n)
{
    EngBlocks *e = cpu->blocks;
    const EngFetchEntry *f = fetch_entry(cpu);
    if (!f)
        return NULL;
    cpu->page_flags = (uint16_t)f->flags;
    size_t bytes = translate(cpu, f->host, n < e->max_insns ? n : e->max_insns);
    if (e->brief_size < sizeof(EngBlock) + bytes) {
        free(e->brief);
        e->brief_size = sizeof(EngBlock) + bytes;
        e->brief = malloc(e->brief_size);
        assert(e->brief);
    }
    fill(cpu, e->brief, bytes);
    if (ARM_UNLIKELY(cpu->landing) && !land(cpu, e->brief->ops))
        return NULL;
    return e->brief->ops;
}
