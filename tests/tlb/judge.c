/*
 * The judge of the TLB model test: which answers are right. Arm ARM, "TLB maintenance": a
 * translation may be used until a TLBI that matches it is complete.
 */
#include "test-tlb.h"

bool judge_allows(const MXlat *x, EngAccess access, unsigned view)
{
    uint8_t m = access == ENG_READ ? x->read : access == ENG_WRITE ? x->write : x->exec;

    return x->ok && (m >> view & 1);
}


static bool overlaps(uint64_t base, uint64_t size, uint64_t at, unsigned bits)
{
    uint64_t mask = (UINT64_C(1) << 56) - 1, leaf = (at & mask) >> bits << bits;

    base &= mask;
    return base < leaf + (UINT64_C(1) << bits) && leaf < base + size;
}

/* A hint at another level than the leaf's: nothing need happen. */
static bool hinted(const Past *p, unsigned bits)
{
    return !p->hint || bits == 12u + 9u * (3u - p->hint);
}

/* Does it name a combined or stage-1 translation x of va, made in context c? */
static bool names(const Past *p, const MContext *c, const MXlat *x, uint64_t va)
{
    const EngTlbi *i = &p->what;

    if (i->regime != c->regime || (i->kind != ENG_TLBI_ALL && i->vmid != c->vmid)) {
        return false;
    }
    switch (i->kind) {
    case ENG_TLBI_ALL:
    case ENG_TLBI_VMID:
    case ENG_TLBI_VMID_S1:
        return true;
    case ENG_TLBI_ASID:
        return !x->global && i->asid == c->asid;
    case ENG_TLBI_VA:
        return (x->global || i->any_asid || i->asid == c->asid) && hinted(p, x->s1_bits) &&
               overlaps(i->base, i->size, va, x->s1_bits);
    case ENG_TLBI_IPA:
    default:
        return false;
    }
}

static bool names_stage2(const Past *p, uint32_t vmid, uint64_t ipa, unsigned bits)
{
    const EngTlbi *i = &p->what;

    if (i->regime != M_EL10) {
        return false;
    }
    return i->kind == ENG_TLBI_ALL || (i->kind == ENG_TLBI_VMID && i->vmid == vmid) ||
           (i->kind == ENG_TLBI_IPA && i->vmid == vmid && hinted(p, bits) &&
            overlaps(i->base, i->size, ipa, bits));
}

/* Is TLBI of op u over for cpu by op `by`? */
static bool complete(const Test *t, unsigned u, unsigned cpu, unsigned by)
{
    const Past *p = &t->past[u];

    return t->is_tlbi[u] && (p->cpu == cpu || p->broadcast) && p->done && p->done <= by;
}

/* Copies of the tables that a walk in op a may have read, as bits. */
static unsigned copies(const Test *t, unsigned cpu, const MContext *c, unsigned a)
{
    uint64_t ipa = m_table_ipa(c);
    unsigned set = 0;

    if (!m_tables_through_s2(c)) {
        return 1;
    }
    for (unsigned j = a; j >= 1; j--) {
        MXlat x = m_stage2(&t->state[j - 1], c->vmid, ipa);
        bool dead = !x.ok;

        for (unsigned u = j + 1; u < a && !dead; u++) {
            dead = complete(t, u, cpu, a) &&
                   names_stage2(&t->past[u], c->vmid, ipa, x.s2_bits);
        }
        set |= dead ? 0 : 1u << m_copy(x.pa);
    }
    return set;
}

/* Could a walk in op a, by a context c, have left what was seen now? */
static bool from_moment(const Test *t, unsigned cpu, const MContext *c, unsigned a,
                        const uint64_t want[3])
{
    unsigned set = copies(t, cpu, c, a);

    for (unsigned copy = 0; copy < M_COPIES; copy++) {
        MXlat x = m_walk(&t->state[a - 1], c, copy, want[0]);
        bool dead = !(set >> copy & 1) || x.pa != want[1] ||
                    !judge_allows(&x, (EngAccess)(want[2] & 3), (unsigned)want[2] >> 2);

        if (c->asid != t->cpu[cpu].ctx.asid && !x.global) {
            continue;
        }
        for (unsigned u = a + 1; u < t->now && !dead; u++) {
            dead = complete(t, u, cpu, t->now) && names(&t->past[u], c, &x, want[0]);
        }
        if (!dead) {
            return true;
        }
    }
    return false;
}

bool judge_answer(const Test *t, unsigned cpu, const uint64_t va_pa[2], unsigned how)
{
    uint64_t want[3] = { va_pa[0], va_pa[1], how };
    MContext c = t->cpu[cpu].ctx;

    for (unsigned a = t->now; a >= 1; a--) {
        for (uint32_t asid = 0; asid < (c.regime == M_EL2 ? 1 : M_ASIDS); asid++) {
            c.asid = asid;
            if (from_moment(t, cpu, &c, a, want)) {
                return true;
            }
        }
    }
    return false;
}

/* A fault always comes from a walk made now. */
bool judge_fault(const Test *t, unsigned cpu, uint64_t va, unsigned how)
{
    const MContext *c = &t->cpu[cpu].ctx;
    unsigned set = copies(t, cpu, c, t->now);

    if (m_tables_through_s2(c) && !m_stage2(test_seen(t), c->vmid, m_table_ipa(c)).ok) {
        return true;
    }
    for (unsigned copy = 0; copy < M_COPIES; copy++) {
        MXlat x = m_walk(test_seen(t), c, copy, va);

        if ((set >> copy & 1) && !judge_allows(&x, (EngAccess)(how & 3), how >> 2)) {
            return true;
        }
    }
    return false;
}
