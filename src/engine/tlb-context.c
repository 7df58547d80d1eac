/*
 * Which context is current: scopes, spaces and sets of banks; a switch finds the set and swaps
 * pointers. Arm ARM, "Translation lookaside buffers", "TLB entry: regime, VMID, ASID".
 */
#include "tlb-impl.h"

#include <string.h>

uint64_t eng_tlb_new_id(EngTlb *t)
{
    return ++t->ids;
}

TlbScope *eng_tlb_scope(EngTlb *t, uint32_t regime, uint32_t vmid)
{
    for (uint32_t i = 0; i < t->n_scopes; i++) {
        if (t->scope[i].vmid == vmid && t->scope[i].regime == regime) {
            return &t->scope[i];
        }
    }
    return NULL;
}

void eng_tlb_contexts_reset(EngTlb *t)
{
    t->n_scopes = 0;
    t->n_spaces = 0;
    t->n_sets = 0;
    memset(t->set_hash, 0, sizeof t->set_hash);
}

static uint32_t scope_of(EngTlb *t, const EngContext *c)
{
    TlbScope *s = eng_tlb_scope(t, c->regime, c->vmid);

    if (!s) {
        s = &t->scope[t->n_scopes++];
        *s = (TlbScope){ .regime = c->regime, .vmid = c->vmid, .gen = eng_tlb_new_id(t) };
    }
    return (uint32_t)(s - t->scope);
}

static uint32_t space_of(EngTlb *t, const EngContext *c)
{
    uint32_t scope = scope_of(t, c);

    for (uint32_t i = 0; i < t->n_spaces; i++) {
        if (t->space[i].scope == scope && t->space[i].digest == c->digest) {
            return i;
        }
    }
    t->space[t->n_spaces] = (TlbSpace){ .scope = (uint16_t)scope,
                                        .digest = c->digest,
                                        .gen = t->scope[scope].gen,
                                        .global_id = eng_tlb_new_id(t) };
    return t->n_spaces++;
}

static bool same(const EngTlb *t, const TlbSet *s, const EngContext *c)
{
    const TlbSpace *space = &t->space[s->space];
    const TlbScope *scope = &t->scope[s->scope];

    return s->asid == c->asid && space->digest == c->digest && scope->vmid == c->vmid &&
           scope->regime == c->regime;
}

/* A set for a new context: an unused one, else the one unused for longest, which loses its
 * banks. */
static TlbSet *take_set(EngTlb *t)
{
    TlbSet *old = NULL;

    if (t->n_sets < TLB_SETS) {
        return &t->set[t->n_sets++];
    }
    for (uint32_t i = 0; i < TLB_SETS; i++) {
        TlbSet *s = &t->set[i];
        bool current = s == t->data->set || s == t->unpriv->set || s == t->fetch->set;

        if (!current && (!old || s->last_use < old->last_use)) {
            old = s;
        }
    }
    for (int f = 0; f < 2; f++) {
        for (unsigned v = 0; v < TLB_VIEWS; v++) {
            if (old->bank[f][v]) {
                old->bank[f][v]->set = NULL;
            }
        }
    }
    return old;
}

static TlbSet *add_set(EngTlb *t, const EngContext *c)
{
    uint32_t space;
    TlbSet *s;

    space = space_of(t, c);
    s = take_set(t);
    *s = (TlbSet){ .used = true,
                   .scope = t->space[space].scope,
                   .space = (uint16_t)space,
                   .asid = c->asid,
                   .gen = t->scope[t->space[space].scope].gen,
                   .id = eng_tlb_new_id(t) };
    return s;
}

void eng_tlb_set_sync(EngTlb *t, TlbSet *s)
{
    uint64_t gen = t->scope[s->scope].gen;
    TlbSpace *space = &t->space[s->space];

    if (ARM_UNLIKELY(space->gen != gen)) {
        space->gen = gen;
        space->global_id = eng_tlb_new_id(t);
    }
    if (ARM_UNLIKELY(s->gen != gen)) {
        s->gen = gen;
        s->id = eng_tlb_new_id(t);
    }
}

static uint32_t hash(const EngContext *c)
{
    uint32_t h = c->asid * 0x9e3779b1u ^ c->digest * 0x85ebca6bu;

    h ^= c->vmid * 0xc2b2ae35u ^ c->regime << 7;
    return (h ^ h >> 15) % TLB_SET_HASH;
}

TlbSet *eng_tlb_set(EngTlb *t, const EngContext *c)
{
    uint16_t *slot = &t->set_hash[hash(c)];
    TlbSet *s = *slot ? &t->set[*slot - 1] : NULL;

    if (ARM_UNLIKELY(!s || !same(t, s, c))) {
        s = NULL;
        for (uint32_t i = 0; i < t->n_sets && !s; i++) {
            s = same(t, &t->set[i], c) ? &t->set[i] : NULL;
        }
        s = s ? s : add_set(t, c);
        *slot = (uint16_t)(s - t->set + 1);
    }
    s->last_use = t->clock;
    eng_tlb_set_sync(t, s);
    return s;
}

bool eng_tlb_contexts_room(EngTlb *t)
{
    if (t->n_scopes + 4 < TLB_SCOPES && t->n_spaces + 4 < TLB_SPACES) {
        return false;
    }
    eng_tlb_reset(t);
    return true;
}

static TlbBank *bank_for(EngTlb *t, const EngContext *c, TlbSet *near, bool fetch)
{
    TlbSet *s = same(t, near, c) ? near : eng_tlb_set(t, c);

    eng_tlb_set_sync(t, s);
    return eng_tlb_bank(t, s, c->view, fetch);
}

void eng_tlb_publish(EngTlb *t)
{
    EngVcpu *cpu = t->cpu;

    cpu->l1 = t->data->data;
    cpu->l1_mask = (uint64_t)(t->data->n - 1) << ARM_PAGE_BITS;
    cpu->l1_unpriv = t->unpriv->data;
    cpu->l1_unpriv_mask = (uint64_t)(t->unpriv->n - 1) << ARM_PAGE_BITS;
    cpu->fetch = t->fetch->code;
    cpu->fetch_mask = (uint64_t)(t->fetch->n - 1) << ARM_PAGE_BITS;
    cpu->fetch_serial = t->fetch->serial;
}

static void current_contexts(EngVcpu *cpu, EngContext c[3])
{
    const CpuTarget *target = cpu->target;

    if (target->contexts) {
        target->contexts(cpu, c);
    } else {
        c[0] = target->context(cpu, IR_VIEW_CURRENT, ENG_READ);
        c[1] = target->context(cpu, IR_VIEW_UNPRIV, ENG_READ);
        c[2] = target->context(cpu, IR_VIEW_CURRENT, ENG_FETCH);
    }
}

void eng_tlb_switch(EngVcpu *cpu)
{
    EngTlb *t = cpu->tlb;
    EngContext c[3];

    current_contexts(cpu, c);
    eng_tlb_activate(t, tlb_vmid_bit(c[0].vmid) | tlb_vmid_bit(c[1].vmid) |
                            tlb_vmid_bit(c[2].vmid));
    eng_tlb_contexts_room(t);
    t->stats.switches++;
    t->clock++;
    t->data = bank_for(t, &c[0], t->data->set, false);
    t->unpriv = bank_for(t, &c[1], t->data->set, false);
    t->fetch = bank_for(t, &c[2], t->data->set, true);
    eng_tlb_publish(t);
}
