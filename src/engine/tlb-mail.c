/*
 * Between vCPUs: broadcast TLBIs, code tracking and the barrier that waits for them. A message is
 * posted, then a full fence, then the target's `running` is read; the target sets `running`, then a
 * full fence, then reads its mail: one of the two sees the other. Arm ARM, "Ordering and completion
 * of TLB maintenance instructions".
 * A vCPU that runs in another VM than a TLBI names is neither disturbed nor waited for: it
 * publishes the VMIDs it may use (`active`) in the same way, before a world switch.
 */
#include "tlb-impl.h"

#include <glib.h>
#include <sched.h>

EngTlbGroup *eng_tlb_group_new(const EngTlbConfig *config)
{
    EngTlbGroup *g = g_new0(EngTlbGroup, 1);

    g->cfg = *config;
    g->cfg.bank_entries = config->bank_entries ? config->bank_entries : 256;
    g->cfg.bank_budget = config->bank_budget ? config->bank_budget : 32768;
    g->cfg.l2_entries = config->l2_entries ? config->l2_entries : 8192;
    return g;
}

void eng_tlb_group_free(EngTlbGroup *g)
{
    g_free(g->tlb);
    g_free(g);
}

static void serve_one(EngTlb *t, const TlbMail *m)
{
    const EngTlbConfig *cfg = &t->group->cfg;

    switch (m->kind) {
    case MAIL_TLBI:
        eng_tlb_apply(t, &m->tlbi);
        break;
    case MAIL_PROTECT:
        eng_tlb_apply_protect(t, m->pa);
        break;
    case MAIL_CODE:
        if (cfg->drop_code) {
            cfg->drop_code(t->cpu, m->pa, m->n);
        }
        break;
    case MAIL_FLUSH:
        eng_tlb_reset(t);
        eng_tlb_switch(t->cpu);
        break;
    }
    t->stats.mails++;
}

static void serve_overflow(EngTlb *t)
{
    serve_one(t, &(TlbMail){ .kind = MAIL_FLUSH });
    serve_one(t, &(TlbMail){ .kind = MAIL_CODE, .n = UINT64_MAX });
}

bool eng_tlb_serve(EngVcpu *cpu)
{
    EngTlb *t = cpu->tlb;
    TlbMail mail[TLB_MAIL];
    uint64_t posted;
    uint32_t n;
    bool overflow;

    if (atomic_load_explicit(&t->posted, memory_order_acquire) ==
        atomic_load_explicit(&t->served, memory_order_relaxed)) {
        return false;
    }
    pthread_mutex_lock(&t->mail_lock);
    n = t->n_mail;
    for (uint32_t i = 0; i < n; i++) {
        mail[i] = t->mail[i];
    }
    overflow = t->mail_overflow;
    t->n_mail = 0;
    t->mail_overflow = false;
    posted = atomic_load_explicit(&t->posted, memory_order_relaxed);
    pthread_mutex_unlock(&t->mail_lock);
    if (overflow) {
        serve_overflow(t);
    } else {
        for (uint32_t i = 0; i < n; i++) {
            serve_one(t, &mail[i]);
        }
    }
    atomic_store_explicit(&t->served, posted, memory_order_release); /* pairs with eng_dsb */
    return true;
}

void eng_tlb_activate(EngTlb *t, uint64_t vmids)
{
    if (ARM_LIKELY(atomic_load_explicit(&t->active, memory_order_relaxed) == vmids)) {
        return;
    }
    atomic_store_explicit(&t->active, vmids, memory_order_relaxed);
    tlb_announce_fence(t);
    if (!tlb_planted(t, TLB_PLANT_ACTIVE)) {
        eng_tlb_serve(t->cpu);
    }
}

void eng_tlb_enter(EngVcpu *cpu)
{
    atomic_store_explicit(&cpu->tlb->running, true, memory_order_relaxed);
    tlb_announce_fence(cpu->tlb);
    eng_tlb_serve(cpu);
}

void eng_tlb_leave(EngVcpu *cpu)
{
    atomic_store_explicit(&cpu->tlb->running, false, memory_order_release);
}

/* Does the mail matter to what the target does until its next world switch? */
static bool concerns(const EngTlb *to, const TlbMail *m)
{
    uint64_t active = atomic_load_explicit(&to->active, memory_order_relaxed);

    return m->kind != MAIL_TLBI || m->tlbi.kind == ENG_TLBI_ALL ||
           (active & tlb_vmid_bit(m->tlbi.vmid));
}

static bool same_scope(const TlbMail *a, const TlbMail *b)
{
    return a->kind == MAIL_TLBI && b->kind == MAIL_TLBI && a->tlbi.regime == b->tlbi.regime &&
           a->tlbi.vmid == b->tlbi.vmid;
}

/* The box is full: everything about m's VMID becomes one message. */
static void merge(EngTlb *to, TlbMail *m)
{
    uint32_t n = 0;

    if (m->kind != MAIL_TLBI || m->tlbi.kind == ENG_TLBI_ALL) {
        return;
    }
    for (uint32_t i = 0; i < to->n_mail; i++) {
        if (!same_scope(&to->mail[i], m) || to->mail[i].tlbi.kind == ENG_TLBI_ALL) {
            to->mail[n++] = to->mail[i];
        }
    }
    to->n_mail = n;
    m->tlbi = (EngTlbi){ .kind = ENG_TLBI_VMID, .regime = m->tlbi.regime, .vmid = m->tlbi.vmid };
}

static void append(EngTlb *to, TlbMail m)
{
    if (to->n_mail == TLB_MAIL) {
        merge(to, &m);
    }
    if (to->n_mail < TLB_MAIL && !to->mail_overflow) {
        to->mail[to->n_mail++] = m;
    } else {
        to->mail_overflow = true;
    }
}

static void post(EngTlb *from, EngTlb *to, const TlbMail *m)
{
    uint64_t seq;

    pthread_mutex_lock(&to->mail_lock);
    append(to, *m);
    seq = atomic_fetch_add_explicit(&to->posted, 1, memory_order_release) + 1;
    pthread_mutex_unlock(&to->mail_lock);
    /* pairs with tlb_announce_fence() */
    arm_full_fence();
    /* one that stands still is not woken: it serves its mail when it goes on */
    if (!atomic_load_explicit(&to->running, memory_order_relaxed) || !concerns(to, m)) {
        return;
    }
    from->wait_for[to->index] = seq;
    from->owes = true;
    if (from->group->cfg.kick) {
        from->group->cfg.kick(to->cpu, ENG_ATT_MAIL);
    }
}

/* To every other TLB of the group. */
static void post_all(EngTlb *t, const TlbMail *m)
{
    EngTlbGroup *g = t->group;

    for (uint32_t i = 0; i < g->n; i++) {
        if (!g->tlb[i] || g->tlb[i] == t) {
            continue;
        }
        if (g->cfg.immediate) {
            serve_one(g->tlb[i], m);
        } else {
            post(t, g->tlb[i], m);
        }
    }
}

void eng_tlbi(EngVcpu *cpu, const EngTlbi *what, bool broadcast)
{
    EngTlb *t = cpu->tlb;

    eng_tlb_apply(t, what);
    if (broadcast && t->group->n > 1 && !tlb_planted(t, TLB_PLANT_BROADCAST)) {
        post_all(t, &(TlbMail){ .kind = MAIL_TLBI, .tlbi = *what });
    }
}

void eng_tlb_protect(EngVcpu *cpu, Pa page)
{
    eng_tlb_apply_protect(cpu->tlb, page);
    post_all(cpu->tlb, &(TlbMail){ .kind = MAIL_PROTECT, .pa = page });
}

void eng_tlb_post_code(EngVcpu *cpu, Pa pa, uint64_t n)
{
    post_all(cpu->tlb, &(TlbMail){ .kind = MAIL_CODE, .pa = pa, .n = n });
}

void eng_tlb_map_changed(EngTlbGroup *g)
{
    for (uint32_t i = 0; i < g->n; i++) {
        if (g->tlb[i]) {
            serve_one(g->tlb[i], &(TlbMail){ .kind = MAIL_FLUSH });
        }
    }
}

/* A vCPU that stands still has served nothing yet but will before it uses a translation. */
static bool waits(const EngTlb *other, uint64_t seq)
{
    return atomic_load_explicit(&other->running, memory_order_seq_cst) &&
           atomic_load_explicit(&other->served, memory_order_acquire) < seq;
}

void eng_dsb(EngVcpu *cpu)
{
    EngTlb *t = cpu->tlb;
    EngTlbGroup *g = t->group;

    if (!t->owes || tlb_planted(t, TLB_PLANT_DSB)) {
        return;
    }
    t->owes = false;
    for (uint32_t i = 0; i < g->n; i++) {
        for (unsigned spins = 0; t->wait_for[i] && g->tlb[i] && waits(g->tlb[i], t->wait_for[i]);
             spins++) {
            eng_tlb_serve(cpu); /* two barriers may wait for each other */
            if (spins > 100) {
                sched_yield();
            }
        }
        t->wait_for[i] = 0;
    }
}
