/*
 * L1 banks: direct-mapped by VA page, one per (space, ASID, view) and side, drawn from a bounded
 * pool. A bank that thrashes doubles; the memory comes from the banks unused for longest.
 */
#include "tlb-impl.h"

#include <glib.h>

static void clear_slots(TlbBank *b, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        if (b->fetch) {
            b->code[i] = (EngFetchEntry){ .tag = ENG_TAG_NONE };
        } else {
            b->data[i].tag_read = ENG_TAG_NONE;
            b->data[i].tag_write = ENG_TAG_NONE;
        }
    }
}

static uint32_t first_size(const EngTlb *t, const TlbBank *b)
{
    return b->fetch ? TLB_FETCH_BANK : t->group->cfg.bank_entries;
}

/* Empties the bank. One that was hardly used shrinks, so that emptying it stays cheap. */
static void clear_bank(EngTlb *t, TlbBank *b)
{
    while (b->n > first_size(t, b) && b->fills < b->n / 4) {
        b->n /= 2;
    }
    clear_slots(b, 0, b->n);
    b->s1_sizes[0] = b->s1_sizes[1] = 0;
    for (int i = 0; i < TLB_FILTER; i++) {
        b->blocks[i] = 0;
    }
    b->evictions = 0;
    b->fills = 0;
}

static void bank_release(EngTlb *t, TlbBank *b)
{
    if (b->set) {
        b->set->bank[b->fetch][b->view] = NULL;
    }
    g_free(b->data);
    g_free(b->code);
    g_free(b->code_info);
    t->bank_entries -= b->cap;
    *b = (TlbBank){ 0 };
}

static bool is_current(const EngTlb *t, const TlbBank *b)
{
    return b == t->data || b == t->unpriv || b == t->fetch;
}

/* Frees the bank unused for longest (a current one or `keep` never). False: there is none. */
static bool release_coldest(EngTlb *t, const TlbBank *keep)
{
    TlbBank *cold = NULL;

    for (uint32_t i = 0; i < TLB_BANKS; i++) {
        TlbBank *b = &t->bank[i];

        if (b->n && b != keep && !is_current(t, b) &&
            (!cold || !b->set || (cold->set && b->last_use < cold->last_use))) {
            cold = b;
        }
    }
    if (cold) {
        bank_release(t, cold);
    }
    return cold;
}

/* Memory for cap entries; what it held is kept. */
static void bank_reserve(EngTlb *t, TlbBank *b, uint32_t cap)
{
    while (t->bank_entries + cap - b->cap > t->group->cfg.bank_budget && release_coldest(t, b)) {
    }
    t->bank_entries += cap - b->cap;
    b->cap = cap;
    if (b->fetch) {
        b->code = g_renew(EngFetchEntry, b->code, cap);
        b->code_info = g_renew(uint64_t, b->code_info, cap);
    } else {
        b->data = g_renew(EngL1Entry, b->data, cap);
    }
}

static TlbBank *bank_new(EngTlb *t, TlbSet *s, unsigned view, bool fetch)
{
    TlbBank *b = NULL;

    while (!b) {
        for (uint32_t i = 0; i < TLB_BANKS && !b; i++) {
            b = t->bank[i].n ? NULL : &t->bank[i];
        }
        if (!b) {
            release_coldest(t, NULL);
        }
    }
    *b = (TlbBank){ .set = s,
                    .view = (uint8_t)view,
                    .fetch = fetch,
                    .scope_gen = t->scope[s->scope].gen,
                    .set_epoch = s->epoch,
                    .set_pos = s->log_head,
                    .scope_pos = t->scope[s->scope].log_head,
                    .code_pos = t->code_head,
                    .watch_epoch = t->watch_epoch,
                    .serial = ++t->serials };
    b->n = first_size(t, b);
    bank_reserve(t, b, b->n);
    clear_bank(t, b);
    s->bank[fetch][view] = b;
    return b;
}

TlbBank *eng_tlb_bank(EngTlb *t, TlbSet *s, unsigned view, bool fetch)
{
    TlbBank *b = s->bank[fetch][view];

    if (ARM_UNLIKELY(!b)) {
        b = bank_new(t, s, view, fetch);
    }
    b->last_use = t->clock;
    eng_tlb_bank_sync(t, b);
    return b;
}

/* ---- replaying what a bank has missed ---- */

static void drop_slot(TlbBank *b, uint32_t i)
{
    if (b->fetch) {
        b->code[i].tag = ENG_TAG_NONE;
    } else {
        b->data[i].tag_read = ENG_TAG_NONE;
        b->data[i].tag_write = ENG_TAG_NONE;
    }
}

/* Drops slot i when r hits the leaf it came from. */
static void drop_if_hit(TlbBank *b, uint32_t i, const TlbRange *r)
{
    uint64_t tag, info;

    if (b->fetch) {
        tag = b->code[i].tag;
        info = b->code_info[i];
    } else {
        tag = b->data[i].tag_read & b->data[i].tag_write;
        if (tag == ENG_TAG_NONE) {
            return;
        }
        tag = b->data[i].tag_read != ENG_TAG_NONE ? b->data[i].tag_read : b->data[i].tag_write;
        info = b->data[i].info;
    }
    if (tag != ENG_TAG_NONE && (!r->global_only || (info & TLB_INFO_GLOBAL)) &&
        tlb_leaf_hit(r, tag, (unsigned)info & 63)) {
        drop_slot(b, i);
    }
}

/* Could entries have come from leaves of 2^bits bytes (more than a page) that r touches? */
static bool may_hold(const TlbBank *b, const TlbRange *r, unsigned bits)
{
    uint64_t first = r->base >> bits, last = (r->base + r->size - 1) >> bits;

    if (last - first > 8) {
        return true;
    }
    for (uint64_t n = first; n <= last; n++) {
        unsigned bit = tlb_block_bit(n << bits, bits);

        if (b->blocks[bit / 64] >> bit % 64 & 1) {
            return true;
        }
    }
    return false;
}

static void drop_range(TlbBank *b, const TlbRange *r)
{
    uint64_t sizes = b->s1_sizes[tlb_half(r->base)];
    unsigned largest = ARM_PAGE_BITS;
    uint64_t first, pages;

    if (!sizes) {
        return;
    }
    for (uint64_t m = sizes & ~(UINT64_C(1) << ARM_PAGE_BITS); m; m &= m - 1) {
        unsigned bits = (unsigned)__builtin_ctzll(m);

        largest = may_hold(b, r, bits) ? bits : largest;
    }
    first = r->base >> largest << largest;
    pages = ((r->base + r->size - 1) >> largest << largest) + (UINT64_C(1) << largest) - first;
    pages >>= ARM_PAGE_BITS;
    if (pages >= b->n) {
        for (uint32_t i = 0; i < b->n; i++) {
            drop_if_hit(b, i, r);
        }
        return;
    }
    for (uint64_t i = 0; i < pages; i++) {
        drop_if_hit(b, (uint32_t)((first >> ARM_PAGE_BITS) + i) & (b->n - 1), r);
    }
}

static void replay_code(EngTlb *t, TlbBank *b)
{
    uint64_t behind = t->code_head - b->code_pos;

    b->code_pos = t->code_head;
    if (b->fetch) {
        return;
    }
    for (uint32_t i = 0; i < b->n; i++) {
        EngL1Entry *e = &b->data[i];
        bool code = behind > TLB_CODE_LOG;

        if (e->tag_write == ENG_TAG_NONE) {
            continue;
        }
        for (uint64_t k = 0; k < behind && !code; k++) {
            code = (e->info & TLB_INFO_PA) == t->code_log[(t->code_head - 1 - k) % TLB_CODE_LOG].v;
        }
        if (code) {
            e->tag_write = ENG_TAG_NONE;
        }
    }
}

/* True when the bank has lost entries. */
static bool replay_ranges(EngTlb *t, TlbBank *b)
{
    TlbScope *scope = &t->scope[b->set->scope];
    TlbSet *s = b->set;
    bool changed = false;

    if (b->scope_gen != scope->gen || b->set_epoch != s->epoch ||
        s->log_head - b->set_pos > TLB_SET_LOG || scope->log_head - b->scope_pos > TLB_SCOPE_LOG) {
        clear_bank(t, b);
        changed = true;
    } else {
        for (; b->set_pos != s->log_head; b->set_pos++, changed = true) {
            drop_range(b, &s->log[b->set_pos % TLB_SET_LOG]);
        }
        for (; b->scope_pos != scope->log_head; b->scope_pos++, changed = true) {
            drop_range(b, &scope->log[b->scope_pos % TLB_SCOPE_LOG]);
        }
    }
    b->scope_gen = scope->gen;
    b->set_epoch = s->epoch;
    b->set_pos = s->log_head;
    b->scope_pos = scope->log_head;
    return changed;
}

void eng_tlb_bank_sync(EngTlb *t, TlbBank *b)
{
    const TlbScope *scope = &t->scope[b->set->scope];
    const TlbSet *s = b->set;

    if (ARM_UNLIKELY(b->scope_gen != scope->gen || b->set_epoch != s->epoch ||
                     b->set_pos != s->log_head || b->scope_pos != scope->log_head)) {
        if (replay_ranges(t, b)) {
            b->serial = ++t->serials;
        }
    }
    if (ARM_UNLIKELY(b->code_pos != t->code_head)) {
        replay_code(t, b);
    }
    if (ARM_UNLIKELY(b->watch_epoch != t->watch_epoch)) {
        b->watch_epoch = t->watch_epoch;
        if (!b->fetch) {
            clear_bank(t, b);
        }
    }
}

/* ---- growth ---- */

/* Entries of the lower half whose index has one more bit now move up. */
static void spread(TlbBank *b, uint32_t half)
{
    for (uint32_t i = 0; i < half; i++) {
        if (b->fetch) {
            if (b->code[i].tag != ENG_TAG_NONE && (b->code[i].tag >> ARM_PAGE_BITS & half)) {
                b->code[i + half] = b->code[i];
                b->code_info[i + half] = b->code_info[i];
                b->code[i].tag = ENG_TAG_NONE;
            }
        } else {
            EngL1Entry *e = &b->data[i];
            uint64_t tag = e->tag_read != ENG_TAG_NONE ? e->tag_read : e->tag_write;

            if (tag != ENG_TAG_NONE && (tag >> ARM_PAGE_BITS & half)) {
                b->data[i + half] = *e;
                e->tag_read = e->tag_write = ENG_TAG_NONE;
            }
        }
    }
}

void eng_tlb_bank_grow(EngTlb *t, TlbBank *b)
{
    uint32_t half = b->n;

    b->evictions++;
    if (ARM_LIKELY(b->evictions < half)) {
        return;
    }
    b->evictions = 0;
    if (half >= TLB_MAX_BANK || half * 4 > t->group->cfg.bank_budget) {
        return;
    }
    if (b->cap < half * 2) {
        bank_reserve(t, b, half * 2);
    }
    b->n = half * 2;
    clear_slots(b, half, b->n);
    spread(b, half);
    eng_tlb_publish(t);
}

void eng_tlb_banks_free(EngTlb *t)
{
    for (uint32_t i = 0; i < TLB_BANKS; i++) {
        if (t->bank[i].n) {
            bank_release(t, &t->bank[i]);
        }
    }
}
