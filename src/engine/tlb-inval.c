/*
 * What a TLBI does to one vCPU's TLB. Arm ARM, "TLB maintenance instructions": scope is regime,
 * VMID and ASID, never control registers; by-VA forms also take global entries; stage-1 forms take
 * combined entries and leave stage-2-only ones.
 */
#include "tlb-impl.h"

static void sync_current(EngTlb *t)
{
    TlbBank *b[3] = { t->data, t->unpriv, t->fetch };

    for (int i = 0; i < 3; i++) {
        eng_tlb_set_sync(t, b[i]->set);
        eng_tlb_bank_sync(t, b[i]);
    }
    eng_tlb_publish(t); /* serials, and sizes of banks that were emptied */
}

static void log_range(TlbRange *log, unsigned n, uint64_t *head, TlbRange r)
{
    log[*head % n] = r;
    ++*head;
}

static bool in_scope(const EngTlb *t, const TlbSet *s, const TlbScope *scope)
{
    return &t->scope[s->scope] == scope;
}

static bool is_current(const EngTlb *t, const TlbSet *s)
{
    return s == t->data->set || s == t->unpriv->set || s == t->fetch->set;
}

static void by_va(EngTlb *t, TlbScope *scope, const EngTlbi *what)
{
    TlbRange r = { what->base & TLB_VA_MASK, what->size, false };

    eng_tlb_l2_drop_va(t, scope, what);
    if (what->any_asid) {
        log_range(scope->log, TLB_SCOPE_LOG, &scope->log_head, r);
        return;
    }
    for (uint32_t i = 0; i < t->n_sets; i++) {
        TlbSet *s = &t->set[i];

        if (s->asid == what->asid && in_scope(t, s, scope) &&
            !(tlb_planted(t, TLB_PLANT_INACTIVE) && !is_current(t, s))) {
            log_range(s->log, TLB_SET_LOG, &s->log_head, r);
        }
    }
    if (scope->has_global[tlb_half(r.base)] && !tlb_planted(t, TLB_PLANT_GLOBAL)) {
        r.global_only = true;
        log_range(scope->log, TLB_SCOPE_LOG, &scope->log_head, r);
    }
}

static void by_asid(EngTlb *t, TlbScope *scope, uint32_t asid)
{
    for (uint32_t i = 0; i < t->n_sets; i++) {
        TlbSet *s = &t->set[i];

        if (s->asid == asid && in_scope(t, s, scope)) {
            s->epoch++;
            if (!tlb_planted(t, TLB_PLANT_ASID)) {
                s->id = eng_tlb_new_id(t);
            }
        }
    }
}

static void drop_scope(EngTlb *t, TlbScope *scope)
{
    scope->gen = eng_tlb_new_id(t);
    scope->has_global[0] = scope->has_global[1] = false;
}

void eng_tlb_apply(EngTlb *t, const EngTlbi *given)
{
    EngTlbi what = *given;
    TlbScope *scope = eng_tlb_scope(t, what.regime, what.vmid);

    if (tlb_planted(t, TLB_PLANT_RANGE) && what.size > ARM_PAGE_SIZE) {
        what.size = ARM_PAGE_SIZE;
    }
    switch (what.kind) {
    case ENG_TLBI_ALL:
        for (uint32_t i = 0; i < t->n_scopes; i++) {
            if (t->scope[i].regime == what.regime) {
                drop_scope(t, &t->scope[i]);
            }
        }
        eng_tlb_stage2_drop(t, &what);
        break;
    case ENG_TLBI_VMID:
        eng_tlb_stage2_drop(t, &what);
        if (scope) {
            drop_scope(t, scope);
        }
        break;
    case ENG_TLBI_VMID_S1:
        if (scope) {
            drop_scope(t, scope);
        }
        break;
    case ENG_TLBI_ASID:
        if (scope) {
            by_asid(t, scope, what.asid);
        }
        break;
    case ENG_TLBI_VA:
        if (scope) {
            by_va(t, scope, &what);
        }
        break;
    case ENG_TLBI_IPA:
        eng_tlb_stage2_drop(t, &what);
        return;
    }
    sync_current(t);
}

void eng_tlb_apply_protect(EngTlb *t, Pa page)
{
    t->code_log[t->code_head % TLB_CODE_LOG] = (Pa){ page.v & TLB_INFO_PA };
    t->code_head++;
    sync_current(t);
}

void eng_tlb_reset(EngTlb *t)
{
    static const EngContext nowhere = { .regime = UINT32_MAX };
    TlbSet *s;

    eng_tlb_banks_free(t);
    eng_tlb_contexts_reset(t);
    eng_tlb_l2_reset(t);
    t->stage2_gen++;
    t->stats.flushes++;
    s = eng_tlb_set(t, &nowhere);
    t->data = t->unpriv = eng_tlb_bank(t, s, 0, false);
    t->fetch = eng_tlb_bank(t, s, 0, true);
    eng_tlb_publish(t);
}
