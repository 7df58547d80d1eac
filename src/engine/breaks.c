/*
 * Breakpoints of a debugger, which the guest neither sees nor pays for: no guest word is changed.
 * A block never runs past a physical address with a breakpoint, and what begins at one is not
 * kept: whoever comes there asks for a block and is looked at. Pages without one are as always.
 *
 * A breakpoint by virtual address that has no place yet gets it when some vCPU in its condition
 * fetches from the page: handles to code are forgotten when such a breakpoint is set, so that
 * every way into a page leads through eng_break_look once. The same way it follows its translation
 * to another page.
 */
#include "machine.h"

/* How a vCPU came to the page that it fetches from. */
typedef struct {
    EngBreakHome by;
    unsigned level;
    uint64_t pc, page;
} Here;

static uint64_t page_of(uint64_t address)
{
    return address & ~ARM_PAGE_MASK;
}

/* --- the set, while no vCPU runs --- */

/* Blocks were, or will have to be, cut elsewhere at a place. */
static void cut_anew(EngMachine *m, const EngBreak *b)
{
    for (uint32_t i = 0; i < m->n_cpus; i++) {
        if (b->placed)
            eng_blocks_drop(m->cpus[i], b->pa, 4);
        if (b->when & ENG_BREAK_VA)
            eng_tlb_forget_code(m->cpus[i]);
    }
}

uint32_t eng_break_add(EngMachine *m, const EngBreak *what)
{
    EngBreaks *s = &m->breaks;
    bool by_va = what->when & ENG_BREAK_VA;
    if (s->n == ENG_MAX_BREAKS || (by_va && what->va & 3) || (what->placed && what->pa.v & 3) ||
        (!by_va && !what->placed))
        return 0;
    EngBreak *b = &s->at[s->n];
    *b = *what;
    b->id = ++s->last_id;
    s->since[s->n++] = s->generation;
    cut_anew(m, b);
    return b->id;
}

bool eng_break_remove(EngMachine *m, uint32_t id)
{
    EngBreaks *s = &m->breaks;
    unsigned i = 0;
    while (i < s->n && s->at[i].id != id)
        i++;
    if (i == s->n)
        return false;
    cut_anew(m, &s->at[i]);
    s->n--;
    for (; i < s->n; i++) {
        s->at[i] = s->at[i + 1];
        s->since[i] = s->since[i + 1];
    }
    return true;
}

bool eng_break_get(const EngMachine *m, unsigned n, EngBreak *out)
{
    if (n >= m->breaks.n)
        return false;
    *out = m->breaks.at[n];
    return true;
}

void eng_breaks_clear(EngMachine *m)
{
    while (m->breaks.n > 0)
        eng_break_remove(m, m->breaks.at[m->breaks.n - 1].id);
}

void eng_break_resume(EngVcpu *cpu, bool over)
{
    /* one that was let through before may not have come to run yet */
    bool pass = cpu->brk.pass || (over && cpu->brk.id != 0);
    cpu->brk.pass = pass && cpu->brk.pc == cpu->pc;
    cpu->brk.id = 0;
}

/* --- while they run, under the lock --- */

static bool same_translation(const EngBreakHome *a, const EngBreakHome *b)
{
    return a->regime == b->regime && a->vmid == b->vmid && a->global == b->global &&
           (a->global || a->asid == b->asid);
}

/* Places what waited for this page, and moves what has followed its translation here. */
static void find_places(EngBreaks *s, const Here *h)
{
    for (unsigned i = 0; i < s->n; i++) {
        EngBreak *b = &s->at[i];
        if (!(b->when & ENG_BREAK_VA) || page_of(b->va) != page_of(h->pc) ||
            !eng_break_admits(b, h->level, h->by.vmid, h->by.asid))
            continue;
        if (b->placed && (page_of(b->pa.v) == h->page || !same_translation(&b->home, &h->by)))
            continue;
        b->pa.v = h->page | (b->va & ARM_PAGE_MASK);
        b->home = h->by;
        b->placed = true;
        s->since[i] = ++s->generation;
    }
}

/* Blocks that this vCPU made before a place was found. */
static void catch_up(EngVcpu *cpu, const EngBreaks *s)
{
    for (unsigned i = 0; i < s->n && cpu->brk.seen != s->generation; i++) {
        if (s->at[i].placed && s->since[i] > cpu->brk.seen)
            eng_blocks_drop(cpu, s->at[i].pa, 4);
    }
    cpu->brk.seen = s->generation;
}

static bool holds(const EngBreak *b, const Here *h)
{
    return (!(b->when & ENG_BREAK_VA) || b->va == h->pc) &&
           eng_break_admits(b, h->level, h->by.vmid, h->by.asid);
}

/* Goes on over the breakpoint that was reported here, or during a step. */
static bool passes(EngVcpu *cpu)
{
    bool pass = cpu->stepping || (cpu->brk.pass && cpu->brk.pc == cpu->pc);
    if (pass)
        cpu->brk.pass = false;
    return pass;
}

static EngBreakLook look_here(EngVcpu *cpu, EngBreaks *s, const Here *h)
{
    uint64_t pa = h->page | (h->pc & ARM_PAGE_MASK);
    bool here = false;
    uint32_t id = 0;
    uint8_t owners = 0;
    for (unsigned i = 0; i < s->n; i++) {
        const EngBreak *b = &s->at[i];
        bool at = b->placed && b->pa.v == pa;
        here = here || at;
        if (at && holds(b, h)) {
            id = b->id;
            owners |= b->owner;
        }
    }
    if (!here || !id || passes(cpu))
        return here ? ENG_BREAK_ALONE : ENG_BREAK_NONE;
    for (unsigned i = 0; i < s->n; i++) {
        if (s->at[i].placed && s->at[i].pa.v == pa && holds(&s->at[i], h))
            s->at[i].hits++;
    }
    cpu->brk.pc = cpu->pc;
    cpu->brk.id = id;
    cpu->brk.owners = owners;
    return ENG_BREAK_STOP;
}

EngBreakLook eng_break_look(EngVcpu *cpu, const EngFetchEntry *f)
{
    EngBreaks *s = &cpu->machine->breaks;
    EngContext c = eng_tlb_fetch_context(cpu);
    const Here h = {
        .by = {c.regime, c.vmid, c.asid, f->flags & ENG_X_GLOBAL},
        .level = cpu->target->level ? cpu->target->level(cpu) : 0,
        .pc = cpu->pc,
        .page = f->pa.v,
    };
    pthread_mutex_lock(&s->lock);
    find_places(s, &h);
    catch_up(cpu, s);
    EngBreakLook look = look_here(cpu, s, &h);
    pthread_mutex_unlock(&s->lock);
    return look;
}

uint32_t eng_break_distance(EngBreaks *s, Pa pa, uint32_t max_insns)
{
    if (ARM_LIKELY(s->n == 0))
        return max_insns;
    pthread_mutex_lock(&s->lock);
    for (unsigned i = 0; i < s->n; i++) {
        uint64_t at = s->at[i].pa.v;
        bool ahead = s->at[i].placed && page_of(at) == page_of(pa.v) && at > pa.v;
        if (ahead && (at - pa.v) / 4 < max_insns)
            max_insns = (uint32_t)((at - pa.v) / 4);
    }
    pthread_mutex_unlock(&s->lock);
    return max_insns;
}
