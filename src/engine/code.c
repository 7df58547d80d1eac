/*
 * The block cache: translating and finding blocks. docs/architecture.md, "The life of an
 * instruction".
 */
#include "code-impl.h"

#include <assert.h>
#include <stdlib.h>

#include "code-map.h"
#include "machine.h"

/* Guest instructions at cpu->pc, of the physical page that host shows, to operations in e->lower;
 * returns their bytes. */
static size_t translate(EngVcpu *cpu, uint64_t page, const void *host, uint32_t max_insns)
{
    EngBlocks *e = cpu->blocks;
    uint32_t offset = (uint32_t)(cpu->pc & ARM_PAGE_MASK);
    max_insns = eng_break_distance(&cpu->machine->breaks, (Pa){page | offset}, max_insns);
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
    size_t bytes = translate(cpu, page, host, e->max_insns);
    eng_code_make_room(cpu, sizeof(EngBlock) + bytes);
    EngCode *c = eng_code_obtain(e, page, cpu->mode);
    assert(c);
    EngBlock *b = eng_code_reserve(e, sizeof(EngBlock) + bytes);
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

/* A block that is not kept, of at most n instructions. */
static const void *make_brief(EngVcpu *cpu, const EngFetchEntry *f, uint32_t n)
{
    EngBlocks *e = cpu->blocks;
    size_t bytes = translate(cpu, f->pa.v, f->host, n < e->max_insns ? n : e->max_insns);
    if (e->brief_size < sizeof(EngBlock) + bytes) {
        free(e->brief);
        e->brief_size = sizeof(EngBlock) + bytes;
        e->brief = malloc(e->brief_size);
        assert(e->brief);
    }
    fill(cpu, e->brief, bytes);
    return e->brief->ops;
}

/* What the bank does not know yet. */
static const void *find_slowly(EngVcpu *cpu)
{
    EngFetchEntry *f = fetch_entry(cpu);
    if (!f)
        return NULL;
    cpu->page_flags = (uint16_t)f->flags;
    if (ARM_UNLIKELY(cpu->machine->breaks.n)) {
        EngBreakLook look = eng_break_look(cpu, f);
        if (look == ENG_BREAK_STOP)
            cpu->leave = ENG_LEAVE_BREAK;
        if (look != ENG_BREAK_NONE)
            return look == ENG_BREAK_STOP ? NULL : make_brief(cpu, f, 1);
    }
    EngCode *c = eng_code_find(cpu->blocks, f->pa.v, cpu->mode);
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
    unsigned lands = code_block_of(ops)->lands;
    bool keep = lands & KEEP_LANDING;
    bool any = keep || !(cpu->page_flags & ENG_X_GUARDED);
    cpu->insn_pc = cpu->pc;
    return cpu->target->land(cpu, any || (lands >> cpu->landing & 1), keep);
}

/* Part of a block that lasts, or one whose operations these are. */
static bool is_kept(const EngBlocks *e, const void *p)
{
    return (size_t)((uintptr_t)p - (uintptr_t)e->arena) < e->segment_size * SEGMENTS;
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
    if (link && ops && evictions == cpu->blocks->evictions && is_kept(cpu->blocks, link) &&
        is_kept(cpu->blocks, ops))
        interp_link_set(link, ops);
    if (ARM_UNLIKELY(cpu->landing) && ops && !land(cpu, ops))
        return NULL;
    return ops;
}

const void *eng_blocks_short(EngVcpu *cpu, uint32_t n)
{
    const EngFetchEntry *f = fetch_entry(cpu);
    if (!f)
        return NULL;
    cpu->page_flags = (uint16_t)f->flags;
    const void *ops = make_brief(cpu, f, n);
    if (ARM_UNLIKELY(cpu->landing) && !land(cpu, ops))
        return NULL;
    return ops;
}
