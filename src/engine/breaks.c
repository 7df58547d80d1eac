/*
 * Breakpoints of a debugger, which the guest neither sees nor pays for: no guest word is changed.
 * A block never runs past an address whose offset in the page has a breakpoint and never starts at
 * one, so that the run loop sees every such address come by.
 */
#include "machine.h"

static unsigned slot_of(const EngBreaks *b, Va va)
{
    unsigned i = 0;
    while (i < b->n && b->va[i] != va.v)
        i++;
    return i;
}

/* Blocks were cut elsewhere before. */
static void cut_anew(EngMachine *m)
{
    for (uint32_t i = 0; i < m->n_cpus; i++)
        eng_blocks_drop(m->cpus[i], (Pa){0}, UINT64_MAX);
}

bool eng_break_add(EngMachine *m, Va va)
{
    EngBreaks *b = &m->breaks;
    if (slot_of(b, va) < b->n)
        return true;
    if (b->n == ENG_MAX_BREAKS || va.v & 3)
        return false;
    b->va[b->n++] = va.v;
    cut_anew(m);
    return true;
}

bool eng_break_remove(EngMachine *m, Va va)
{
    EngBreaks *b = &m->breaks;
    unsigned i = slot_of(b, va);
    if (i == b->n)
        return false;
    b->va[i] = b->va[--b->n];
    cut_anew(m);
    return true;
}

void eng_breaks_clear(EngMachine *m)
{
    if (m->breaks.n == 0)
        return;
    m->breaks.n = 0;
    cut_anew(m);
}

static uint32_t insn_of(uint64_t va)
{
    return (uint32_t)(va & ARM_PAGE_MASK) / 4;
}

uint32_t eng_break_distance(const EngBreaks *b, uint64_t pc, uint32_t max_insns)
{
    uint32_t at = insn_of(pc);
    for (unsigned i = 0; i < b->n; i++) {
        uint32_t stop = insn_of(b->va[i]);
        if (stop > at && stop - at < max_insns)
            max_insns = stop - at;
    }
    return max_insns;
}

bool eng_break_near(const EngBreaks *b, uint64_t pc)
{
    for (unsigned i = 0; i < b->n; i++) {
        if (insn_of(b->va[i]) == insn_of(pc))
            return true;
    }
    return false;
}

bool eng_break_hit(const EngBreaks *b, uint64_t pc)
{
    return slot_of(b, (Va){pc}) < b->n;
}
