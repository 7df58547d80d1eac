/*
 * Data that a debugger watches, by physical address. The page has no fast TLB entries, so that each
 * access takes the slow path and comes by here, once it is translated and before it is done. The
 * vCPU then leaves with the instruction still to be executed, as for a device in counting mode.
 */
#include "machine.h"

static bool is_same(const EngWatch *a, const EngWatch *b)
{
    return a->owner == b->owner && a->va == b->va && a->n == b->n;
}

static void flush(EngMachine *m)
{
    for (uint32_t i = 0; i < m->n_cpus; i++)
        eng_tlb_flush(m->cpus[i]);
}

bool eng_watch_add(EngMachine *m, const EngWatch *what)
{
    EngWatches *s = &m->watches;
    uint64_t left = ARM_PAGE_SIZE - (what->pa.v & ARM_PAGE_MASK);
    if (s->n == ENG_MAX_WATCHES || what->n == 0 || what->n > left)
        return false;
    s->at[s->n++] = *what;
    flush(m);
    return true;
}

bool eng_watch_remove(EngMachine *m, const EngWatch *what)
{
    EngWatches *s = &m->watches;
    for (unsigned i = 0; i < s->n; i++) {
        if (is_same(&s->at[i], what)) {
            s->at[i] = s->at[--s->n];
            flush(m);
            return true;
        }
    }
    return false;
}

bool eng_watch_get(const EngMachine *m, unsigned n, EngWatch *out)
{
    if (n >= m->watches.n)
        return false;
    *out = m->watches.at[n];
    return true;
}

bool eng_watch_on_page(EngVcpu *cpu, Pa page)
{
    const EngWatches *s = &cpu->machine->watches;
    for (unsigned i = 0; i < s->n; i++) {
        if ((s->at[i].pa.v & ~ARM_PAGE_MASK) == page.v)
            return true;
    }
    return false;
}

bool eng_watch_hit(EngVcpu *cpu, Pa pa, uint64_t n, EngAccess access)
{
    const EngWatches *s = &cpu->machine->watches;
    for (unsigned i = 0; i < s->n; i++) {
        const EngWatch *w = &s->at[i];
        if (w->pa.v >= pa.v + n || pa.v >= w->pa.v + w->n ||
            !(access == ENG_WRITE ? w->write : w->read))
            continue;
        cpu->pc = cpu->insn_pc;
        cpu->insn_done--;
        cpu->leave = ENG_LEAVE_BREAK;
        cpu->brk.id = 0;
        cpu->brk.pc = cpu->pc;
        cpu->brk.owners = w->owner;
        cpu->brk.data = w->va;
        return true;
    }
    return false;
}
