/*
 * The second level: set-associative by VA at the true size of the translation, tagged with the
 * context's id (global entries: the space's), free of privilege. Arm ARM, "TLB maintenance": a TLBI
 * by VA takes every piece of the stage-1 leaf that holds the VA.
 */
#include "tlb-impl.h"

#include <string.h>

/* placements that depend on the ASID: a TLBI for any ASID looks at them all */
enum { ASID_SLOTS = 8 };

static uint32_t scope_hash(const TlbScope *s)
{
    return s->vmid * 0x9e3779b1u ^ s->regime * 0x85ebca6bu;
}

/* Set for a VA at a size; slot: 0 for global entries, else 1 + low bits of the ASID. */
static TlbEntry *place(EngTlb *t, const TlbScope *s, uint64_t va, unsigned reach, unsigned slot)
{
    uint64_t n = (va & TLB_VA_MASK) >> reach;
    uint32_t h = (uint32_t)(n ^ n >> 11 ^ n >> 22) ^ scope_hash(s) ^ slot * 0x1d3u ^ reach * 0x61u;

    return &t->l2[(h & t->l2_mask) * TLB_WAYS];
}

static unsigned asid_slot(uint32_t asid)
{
    return 1 + asid % ASID_SLOTS;
}

static uint16_t *splinter(EngTlb *t, const TlbScope *s, uint64_t va, unsigned bits)
{
    uint64_t n = (va & TLB_VA_MASK) >> bits;

    return &t->splinter[(n ^ n >> 10 ^ scope_hash(s) ^ bits * 37u) % TLB_SPLINTERS];
}

static void drop(EngTlb *t, TlbEntry *e)
{
    if (e->s1_bits > e->reach) {
        --*splinter(t, &t->scope[e->scope], e->va, e->s1_bits);
    }
    e->id = 0;
}

static const TlbEntry *find_in(TlbEntry *e, uint64_t va, unsigned reach, uint64_t id)
{
    for (int i = 0; i < TLB_WAYS; i++) {
        if (e[i].id == id && e[i].reach == reach && !((e[i].va ^ va) >> reach)) {
            return &e[i];
        }
    }
    return NULL;
}

const TlbEntry *eng_tlb_l2_find(EngTlb *t, const TlbSet *s, uint64_t va)
{
    const TlbScope *scope = &t->scope[s->scope];
    uint64_t global = t->space[s->space].global_id;

    for (uint64_t m = scope->reaches; m; m &= m - 1) {
        unsigned reach = (unsigned)__builtin_ctzll(m);
        TlbEntry *ways = place(t, scope, va, reach, asid_slot(s->asid));
        const TlbEntry *e = find_in(ways, va, reach, s->id);

        if (!e && scope->has_global[tlb_half(va)]) {
            e = find_in(place(t, scope, va, reach, 0), va, reach, global);
        }
        if (e) {
            return e;
        }
    }
    return NULL;
}

/* The way to replace: the same translation, an empty or outdated one, else the last; the new one
 * goes first. */
static TlbEntry *victim(EngTlb *t, TlbEntry *e, const TlbEntry *n)
{
    int i;

    for (i = 0; i < TLB_WAYS - 1; i++) {
        if (!e[i].id || (e[i].id == n->id && e[i].reach == n->reach && e[i].va == n->va)) {
            break;
        }
    }
    if (e[i].id) {
        drop(t, &e[i]);
    }
    memmove(&e[1], &e[0], (size_t)i * sizeof *e);
    return &e[0];
}

void eng_tlb_l2_add(EngTlb *t, const TlbSet *s, uint64_t va, const EngXlat *x)
{
    TlbScope *scope = &t->scope[s->scope];
    bool global = x->flags & ENG_X_GLOBAL;
    unsigned reach = x->s2_bits && x->s2_bits < x->s1_bits ? x->s2_bits : x->s1_bits;
    TlbEntry n = { .va = va >> reach << reach,
                   .pa = x->pa.v >> reach << reach,
                   .id = global ? t->space[s->space].global_id : s->id,
                   .scope = s->scope,
                   .flags = x->flags,
                   .asid = s->asid,
                   .reach = (uint8_t)reach,
                   .s1_bits = x->s1_bits,
                   .s2_bits = x->s2_bits,
                   .read = x->read,
                   .write = x->write,
                   .exec = x->exec };

    *victim(t, place(t, scope, va, reach, global ? 0 : asid_slot(s->asid)), &n) = n;
    scope->reaches |= UINT64_C(1) << reach;
    scope->has_global[tlb_half(va)] |= global;
    if (x->s1_bits > reach) {
        scope->splinter_sizes |= UINT64_C(1) << x->s1_bits;
        ++*splinter(t, scope, va, x->s1_bits);
    }
}

/* ---- TLBI by VA ---- */

typedef struct {
    TlbScope *scope;
    uint16_t index; /* of the scope */
    uint32_t asid;
    bool any_asid;
    uint64_t id; /* 0: of any digest (planted fault otherwise) */
    TlbRange range;
} Match;

static void drop_ways(EngTlb *t, TlbEntry *e, const Match *m)
{
    for (int i = 0; i < TLB_WAYS; i++) {
        bool global = e[i].flags & ENG_X_GLOBAL;

        if (!e[i].id || e[i].scope != m->index || (m->id && e[i].id != m->id) ||
            !(global || m->any_asid || e[i].asid == m->asid) ||
            (global && tlb_planted(t, TLB_PLANT_GLOBAL))) {
            continue;
        }
        if (tlb_leaf_hit(&m->range, e[i].va,
                         tlb_planted(t, TLB_PLANT_S1_SIZE) ? e[i].reach : e[i].s1_bits)) {
            drop(t, &e[i]);
        }
    }
}

static void drop_at(EngTlb *t, const Match *m, uint64_t va, unsigned reach)
{
    if (m->scope->has_global[tlb_half(va)]) {
        drop_ways(t, place(t, m->scope, va, reach, 0), m);
    }
    if (m->any_asid) {
        for (unsigned i = 0; i < ASID_SLOTS; i++) {
            drop_ways(t, place(t, m->scope, va, reach, 1 + i), m);
        }
    } else {
        drop_ways(t, place(t, m->scope, va, reach, asid_slot(m->asid)), m);
    }
}

static void drop_everywhere(EngTlb *t, const Match *m)
{
    for (uint32_t i = 0; i <= t->l2_mask; i++) {
        drop_ways(t, &t->l2[i * TLB_WAYS], m);
    }
}

/* Visits every piece of `reach` bytes in [base, end); false: it is cheaper to look at all
 * entries. */
static bool drop_pieces(EngTlb *t, const Match *m, const uint64_t span[2], unsigned reach)
{
    uint64_t first = span[0] >> reach, last = (span[1] - 1) >> reach;

    if (last - first > t->l2_mask / 4) {
        return false;
    }
    for (uint64_t n = first; n <= last; n++) {
        drop_at(t, m, n << reach, reach);
    }
    return true;
}

/* Leaves of 2^bits bytes in the range that are held in smaller pieces. */
static bool drop_splinters(EngTlb *t, const Match *m, unsigned bits)
{
    uint64_t first = m->range.base >> bits, last = (m->range.base + m->range.size - 1) >> bits;

    if (last - first > 64) {
        return false;
    }
    for (uint64_t n = first; n <= last; n++) {
        uint64_t span[2] = { n << bits, (n + 1) << bits };

        if (!*splinter(t, m->scope, n << bits, bits)) {
            continue;
        }
        for (uint64_t r = m->scope->reaches & ((UINT64_C(1) << bits) - 1); r; r &= r - 1) {
            if (!drop_pieces(t, m, span, (unsigned)__builtin_ctzll(r))) {
                return false;
            }
        }
    }
    return true;
}

void eng_tlb_l2_drop_va(EngTlb *t, TlbScope *scope, const EngTlbi *what)
{
    Match m = { .scope = scope,
                .index = (uint16_t)(scope - t->scope),
                .asid = what->asid,
                .any_asid = what->any_asid,
                .range = { what->base & TLB_VA_MASK, what->size, false } };
    uint64_t span[2] = { m.range.base, m.range.base + m.range.size };
    bool done = true;

    if (tlb_planted(t, TLB_PLANT_DIGEST)) {
        m.id = t->data->set->id;
    }
    for (uint64_t r = scope->reaches; r && done; r &= r - 1) {
        done = drop_pieces(t, &m, span, (unsigned)__builtin_ctzll(r));
    }
    for (uint64_t r = scope->splinter_sizes; r && done && !tlb_planted(t, TLB_PLANT_S1_SIZE);
         r &= r - 1) {
        done = drop_splinters(t, &m, (unsigned)__builtin_ctzll(r));
    }
    if (!done) {
        drop_everywhere(t, &m);
    }
}

void eng_tlb_l2_reset(EngTlb *t)
{
    memset(t->l2, 0, (size_t)(t->l2_mask + 1) * TLB_WAYS * sizeof *t->l2);
    memset(t->splinter, 0, sizeof t->splinter);
}
