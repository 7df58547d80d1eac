/*
 * Fills: from the banks' misses to the second level, from there to the target's walk. Owner's
 * thread only.
 */
#include "tlb-impl.h"

#include <glib.h>

void eng_tlb_init(EngTlbGroup *g, EngVcpu *cpu)
{
    EngTlb *t = g_new0(EngTlb, 1);
    uint32_t sets = 1;

    while (sets * TLB_WAYS < g->cfg.l2_entries) {
        sets *= 2;
    }
    t->cpu = cpu;
    t->group = g;
    t->index = g->n;
    t->l2_mask = sets - 1;
    t->l2 = g_new0(TlbEntry, (size_t)sets * TLB_WAYS);
    g->tlb = g_renew(EngTlb *, g->tlb, g->n + 1);
    g->tlb[g->n++] = t;
    for (uint32_t i = 0; i < g->n; i++) {
        if (g->tlb[i]) {
            g_free(g->tlb[i]->wait_for);
            g->tlb[i]->wait_for = g_new0(uint64_t, g->n);
        }
    }
    pthread_mutex_init(&t->mail_lock, NULL);
    cpu->tlb = t;
    eng_tlb_reset(t);
}

void eng_tlb_fini(EngVcpu *cpu)
{
    EngTlb *t = cpu->tlb;

    eng_tlb_banks_free(t);
    pthread_mutex_destroy(&t->mail_lock);
    g_free(t->l2);
    g_free(t->wait_for);
    t->group->tlb[t->index] = NULL;
    g_free(t);
    cpu->tlb = NULL;
}

const EngTlbStats *eng_tlb_stats(const EngVcpu *cpu)
{
    return &cpu->tlb->stats;
}

void eng_tlb_flush(EngVcpu *cpu)
{
    eng_tlb_reset(cpu->tlb);
    cpu->context_dirty = true; /* the bank of its context is gone, too */
}

/* Flags of an entry that came by way of info. */
static uint16_t info_flags(uint64_t info)
{
    return (uint16_t)((info & TLB_INFO_DEVICE ? ENG_X_DEVICE : 0) |
                      (info & TLB_INFO_GLOBAL ? ENG_X_GLOBAL : 0) |
                      (info & TLB_INFO_STAGE2 ? ENG_X_STAGE2 : 0));
}

static uint64_t info_of(uint64_t pa, uint16_t flags, unsigned s1_bits)
{
    return (pa & TLB_INFO_PA) | TLB_INFO_S1(s1_bits) |
           (flags & ENG_X_DEVICE ? TLB_INFO_DEVICE : 0) |
           (flags & ENG_X_GLOBAL ? TLB_INFO_GLOBAL : 0) |
           (flags & ENG_X_STAGE2 ? TLB_INFO_STAGE2 : 0);
}

/* What a translation of one page comes down to. */
typedef struct {
    uint64_t pa; /* of the byte */
    uint16_t flags;
    uint8_t s1_bits, read, write, exec;
    bool cached;
} Found;

static bool allows(uint8_t views, unsigned view)
{
    return views >> view & 1;
}

static bool find(EngTlb *t, const TlbBank *b, Va va, EngAccess access, Found *f)
{
    const TlbEntry *e = eng_tlb_l2_find(t, b->set, va.v);

    if (!e || !allows(access == ENG_READ    ? e->read :
                      access == ENG_WRITE ? e->write :
                                            e->exec,
                      b->view)) {
        return false; /* a cached lack of permission walks again before it faults */
    }
    t->stats.l2_hits++;
    *f = (Found){ .pa = e->pa | (va.v & ((UINT64_C(1) << e->reach) - 1)),
                  .flags = e->flags,
                  .s1_bits = e->s1_bits,
                  .read = e->read,
                  .write = e->write,
                  .exec = e->exec,
                  .cached = true };
    return true;
}

static bool walk(EngTlb *t, TlbBank *b, Va va, const uint64_t how[2], Found *f)
{
    EngXlat x = { 0 };

    t->stats.walks++;
    if (!t->cpu->target->translate_va(t->cpu, va, (EngAccess)how[0], how[1], &x)) {
        return false;
    }
    if (!(x.flags & ENG_X_NOCACHE)) {
        eng_tlb_l2_add(t, b->set, va.v, &x);
    }
    *f = (Found){ .pa = x.pa.v,
                  .flags = x.flags,
                  .s1_bits = x.s1_bits,
                  .read = x.read,
                  .write = x.write,
                  .exec = x.exec,
                  .cached = !(x.flags & ENG_X_NOCACHE) };
    return true;
}

/* Where the page is on the host. */
typedef struct {
    uint8_t *page; /* NULL: a device, or nothing */
    bool rom, code, watched, debug;
} Place;

static Place locate(EngTlb *t, uint64_t pa)
{
    const EngTlbConfig *cfg = &t->group->cfg;
    Pa page = { pa & ~ARM_PAGE_MASK };
    MemKind kind = MEM_RAM;
    Place p = { .page = mem_host(cfg->mem, page, &kind) };

    p.rom = kind == MEM_ROM;
    p.debug = cfg->holds_watch && cfg->holds_watch(t->cpu, page);
    p.code = p.page && cfg->holds_code && cfg->holds_code(t->cpu, page);
    return p;
}

/* Fills the data bank. A page that may be written but not read keeps both tags out: the slow path
 * decides. */
static void fill_data(EngTlb *t, TlbBank *b, Va va, const Found *f, const Place *p)
{
    uint64_t page = va.v & ~ARM_PAGE_MASK;
    EngL1Entry *e = &b->data[(va.v >> ARM_PAGE_BITS) & (b->n - 1)];

    if (e->tag_read != ENG_TAG_NONE && e->tag_read != page) {
        eng_tlb_bank_grow(t, b);
        e = &b->data[(va.v >> ARM_PAGE_BITS) & (b->n - 1)];
    }
    e->tag_read = allows(f->read, b->view) ? page : ENG_TAG_NONE;
    e->tag_write = e->tag_read == page && allows(f->write, b->view) && !p->rom && !p->code ?
                       page :
                       ENG_TAG_NONE;
    e->addend = (uint64_t)(uintptr_t)p->page - page;
    e->info = info_of(f->pa, f->flags, f->s1_bits);
    if ((f->flags & ENG_X_DEVICE) || (t->cpu->align & ENG_ALIGN_CHECKED)) {
        e->info |= ENG_L1_CAREFUL;
    }
    tlb_bank_note(b, va.v, f->s1_bits);
}

/* Of a view that is not often used: looked up each time. */
static TlbBank *rare_bank(EngTlb *t, IrView view, EngAccess access)
{
    EngContext c = t->cpu->target->context(t->cpu, view, access);

    if (eng_tlb_contexts_room(t)) {
        eng_tlb_switch(t->cpu);
    }
    eng_tlb_also_activate(t, c.vmid);
    return eng_tlb_bank(t, eng_tlb_set(t, &c), c.view, false);
}

static TlbBank *bank_of(EngTlb *t, IrView view, EngAccess access)
{
    switch (view) {
    case IR_VIEW_UNPRIV:
        return t->unpriv;
    case IR_VIEW_VNCR:
    case IR_VIEW_GCS:
    case IR_VIEW_GCS_UNPRIV:
        return rare_bank(t, view, access);
    case IR_VIEW_CURRENT:
    default:
        return t->data;
    }
}

bool eng_tlb_data(EngVcpu *cpu, Va va, EngAccess access, uint64_t mem, EngTlbHit *hit)
{
    EngTlb *t = cpu->tlb;
    TlbBank *b = bank_of(t, IR_MEM_GET_VIEW(mem), access);
    uint64_t page = va.v & ~ARM_PAGE_MASK;
    const EngL1Entry *e = &b->data[(va.v >> ARM_PAGE_BITS) & (b->n - 1)];
    uint64_t how[2] = { access, mem };
    Found f;
    Place p;

    if ((access == ENG_READ ? e->tag_read : e->tag_write) == page) {
        /* misaligned, or a helper asks: the bank knows already */
        *hit = (EngTlbHit){ .pa = { (e->info & TLB_INFO_PA) | (va.v & ARM_PAGE_MASK) },
                            .host = (uint8_t *)(uintptr_t)(va.v + e->addend),
                            .flags = info_flags(e->info) };
        return true;
    }
    t->stats.l1_misses++;
    if (!find(t, b, va, access, &f) && !walk(t, b, va, how, &f)) {
        return false;
    }
    p = locate(t, f.pa);
    p.watched = cpu->watching && cpu->target->watched(cpu, va);
    if (p.page && f.cached && !p.watched && !p.debug) {
        fill_data(t, b, va, &f, &p);
    }
    *hit = (EngTlbHit){ .pa = { f.pa },
                        .host = p.page && !(p.rom && access == ENG_WRITE) ?
                                    p.page + (va.v & ARM_PAGE_MASK) :
                                    NULL,
                        .flags = f.flags,
                        .code = p.code,
                        .watched = p.watched,
                        .debug = p.debug };
    return true;
}

EngFetchEntry *eng_tlb_fetch(EngVcpu *cpu, Va va)
{
    EngTlb *t = cpu->tlb;
    TlbBank *b = t->fetch;
    uint64_t page = va.v & ~ARM_PAGE_MASK, how[2] = { ENG_FETCH, 0 };
    uint32_t i = (uint32_t)(va.v >> ARM_PAGE_BITS) & (b->n - 1);
    MemKind kind;
    Found f;

    if (b->code[i].tag == page) {
        return &b->code[i];
    }
    t->stats.l1_misses++;
    if (!find(t, b, va, ENG_FETCH, &f) && !walk(t, b, va, how, &f)) {
        return NULL;
    }
    if (b->code[i].tag != ENG_TAG_NONE) {
        eng_tlb_bank_grow(t, b);
        i = (uint32_t)(va.v >> ARM_PAGE_BITS) & (b->n - 1);
    }
    b->code[i] = (EngFetchEntry){ .tag = page,
                                  .pa = { f.pa & ~ARM_PAGE_MASK },
                                  .flags = f.flags };
    b->code[i].host = mem_host(t->group->cfg.mem, b->code[i].pa, &kind);
    b->code_info[i] = info_of(f.pa, f.flags, f.s1_bits);
    tlb_bank_note(b, va.v, f.s1_bits);
    return &b->code[i];
}

EngContext eng_tlb_fetch_context(const EngVcpu *cpu)
{
    const EngTlb *t = cpu->tlb;
    const TlbSet *s = t->fetch->set;

    return s ? (EngContext){ .regime = t->scope[s->scope].regime,
                             .vmid = t->scope[s->scope].vmid,
                             .asid = s->asid,
                             .view = t->fetch->view } :
               (EngContext){ 0 };
}

void eng_watch(EngVcpu *cpu, bool any)
{
    cpu->watching = any;
    cpu->tlb->watch_epoch++;
    cpu->context_dirty = true;
}

void eng_tlb_forget_code(EngVcpu *cpu)
{
    EngTlb *t = cpu->tlb;

    for (uint32_t k = 0; k < TLB_BANKS; k++) {
        TlbBank *b = &t->bank[k];

        for (uint32_t i = 0; b->fetch && i < b->n; i++) {
            b->code[i].code = NULL;
        }
        b->serial = ++t->serials;
    }
    cpu->fetch_serial = t->fetch->serial;
}
