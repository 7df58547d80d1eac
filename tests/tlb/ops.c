/*
 * The operations of the TLB model test: table changes, TLBIs, barriers, switches, accesses.
 */
#include "test-tlb.h"

MLeaf test_leaf(const uint32_t *r, bool stage2)
{
    return (MLeaf){ .valid = r[0] % 16 != 0,
                    .write = r[1] & 3,
                    .user = r[1] & 12,
                    .exec = r[1] & 48,
                    .global = r[2] & 1,
                    .where = (uint8_t)(r[3] % (stage2 ? 32 : 12)) };
}

static void change(MRegion *r, const Op *o, bool stage2)
{
    const uint32_t *x = &o->r[2];

    switch (o->r[1] >> 8 & 7) {
    case 0:
        r->block = !r->block;
        break;
    case 1:
    case 2:
        r->whole = test_leaf(x, stage2);
        break;
    default:
        r->page[o->r[1] >> 16 & 3] = test_leaf(x, stage2);
    }
}

static void do_change(Test *t, const Op *o)
{
    MState *s = &t->state[t->now];
    uint32_t a = o->r[0];

    if (o->kind == OP_S2) {
        change(&s->s2[a % M_VMIDS][(a >> 8) % M_IPA_REGIONS], o, true);
    } else if ((a >> 4) % 8 == 0) {
        change(&s->el2[(a >> 8) % M_REGIONS], o, false);
    } else {
        change(&s->s1[a % M_VMIDS][a >> 1 & 1][a >> 2 & 1][(a >> 8) % M_REGIONS], o, false);
    }
}

/* Kind and scope. */
static EngTlbi scope(const Op *o)
{
    static const EngTlbiKind kinds[16] = {
        ENG_TLBI_ALL,  ENG_TLBI_VMID, ENG_TLBI_VMID_S1, ENG_TLBI_ASID, ENG_TLBI_ASID, ENG_TLBI_VA,
        ENG_TLBI_VA,   ENG_TLBI_VA,   ENG_TLBI_VA,      ENG_TLBI_VA,   ENG_TLBI_VA,   ENG_TLBI_VA,
        ENG_TLBI_IPA,  ENG_TLBI_IPA,  ENG_TLBI_IPA,     ENG_TLBI_IPA
    };
    EngTlbi i = { .kind = kinds[o->r[0] % 16], .regime = (o->r[0] >> 8) % 8 == 0 ? M_EL2 : M_EL10 };

    if (i.kind == ENG_TLBI_IPA || i.kind == ENG_TLBI_VMID) {
        i.regime = M_EL10;
    }
    if (i.regime == M_EL2 && i.kind != ENG_TLBI_VA) {
        i.kind = ENG_TLBI_VMID_S1; /* ALLE2 */
    }
    if (i.regime == M_EL10 && i.kind != ENG_TLBI_ALL) {
        i.vmid = o->r[1] & 1;
    }
    if (i.regime == M_EL10 && (i.kind == ENG_TLBI_ASID || i.kind == ENG_TLBI_VA)) {
        i.any_asid = i.kind == ENG_TLBI_VA && o->r[1] >> 8 & 1;
        i.asid = i.any_asid ? 0 : o->r[1] >> 1 & 1;
    }
    return i;
}

/* One address or a range, and the hint. */
static void extent(Past *p, const Op *o)
{
    static const uint8_t ranges[8][2] = { { 0, 0 }, { 0, 1 },  { 0, 15 }, { 0, 31 },
                                          { 1, 0 }, { 1, 7 }, { 1, 15 }, { 3, 1 } };
    EngTlbi *i = &p->what;

    i->base = i->kind == ENG_TLBI_VA ?
                  m_va(o->r[2] % M_REGIONS, o->r[2] >> 8 & 3) & TLB_VA_MASK :
                  m_ipa((o->r[2] & 15) < 8 ? M_TABLE_REGION : o->r[2] % M_IPA_REGIONS,
                        o->r[2] >> 8 & 3);
    i->size = 4096;
    p->hint = (uint8_t)((o->r[3] >> 8 & 1) * (2 + (o->r[3] >> 9 & 1)));
    p->range = o->r[3] & 1;
    if (p->range) {
        p->scale = ranges[o->r[3] >> 1 & 7][0];
        p->num = ranges[o->r[3] >> 1 & 7][1];
        i->size = (p->num + UINT64_C(1)) << (5 * p->scale + 1 + 12);
        /* with a hint the base is that of a leaf */
        i->base &= ~(p->hint == 2 ? UINT64_C(0x1fffff) : 0);
    }
}

static void do_tlbi(Test *t, const Op *o)
{
    Past p = { .what = scope(o), .cpu = o->cpu, .broadcast = o->r[4] & 1 };
    A64TlbiContext context = { .vmid = p.what.vmid, .asid16 = true };
    EngTlbi decoded;
    bool broadcast;
    uint64_t xt;

    if (p.what.kind == ENG_TLBI_VA || p.what.kind == ENG_TLBI_IPA) {
        extent(&p, o);
    }
    t->past[t->now] = p;
    t->is_tlbi[t->now] = true;
    A64SysOp op = test_encode(&p, o->r[5], &xt); /* sets xt: before the call that reads it */
    if (a64_tlbi_decode(&context, op, xt, &decoded, &broadcast)) {
        eng_tlbi(&t->cpu[o->cpu].eng, &decoded, broadcast);
    }
}

static void do_dsb(Test *t, const Op *o)
{
    eng_dsb(&t->cpu[o->cpu].eng);
    for (unsigned u = 1; u < t->now; u++) {
        if (t->is_tlbi[u] && t->past[u].cpu == o->cpu && !t->past[u].done) {
            t->past[u].done = t->now;
        }
    }
}

static void enter(Cpu *c)
{
    if (!c->running) {
        eng_tlb_enter(&c->eng);
        c->running = true;
    }
}

static void do_switch(Test *t, const Op *o)
{
    Cpu *c = &t->cpu[o->cpu];
    uint32_t a = o->r[0];

    c->view = a % 3;
    if (a >> 4 & 1) {
        c->ctx = (MContext){ .regime = M_EL10, .vmid = a >> 8 & 1, .asid = a >> 9 & 1 };
        c->ctx.digest = a >> 10 & 1 ? (a >> 12) % M_DIGESTS : M_PLAIN;
        if ((a >> 16) % 8 == 0) {
            c->ctx = (MContext){ .regime = M_EL2 };
        }
    }
    enter(c);
    eng_tlb_switch(&c->eng);
}

static bool look_data(Cpu *c, uint64_t va, EngAccess access, uint64_t mem, uint64_t *pa)
{
    bool unpriv = IR_MEM_GET_VIEW(mem) == IR_VIEW_UNPRIV;
    const EngL1Entry *bank = unpriv ? c->eng.l1_unpriv : c->eng.l1;
    const EngL1Entry *e = &bank[(va & (unpriv ? c->eng.l1_unpriv_mask : c->eng.l1_mask)) >> 12];
    EngTlbHit hit;

    if ((access == ENG_WRITE ? e->tag_write : e->tag_read) == va) {
        *pa = va + e->addend - HOST;
        return true;
    }
    if (!eng_tlb_data(&c->eng, (Va){ va }, access, mem, &hit)) {
        return false;
    }
    *pa = hit.pa.v;
    return (uint64_t)(uintptr_t)hit.host == HOST + hit.pa.v;
}

static bool look_code(Cpu *c, uint64_t va, uint64_t *pa)
{
    const EngFetchEntry *e = eng_tlb_fetch_probe(&c->eng, (Va){ va });

    e = e ? e : eng_tlb_fetch(&c->eng, (Va){ va });
    *pa = e ? e->pa.v : 0;
    return e;
}

static bool do_access(Test *t, const Op *o)
{
    Cpu *c = &t->cpu[o->cpu];
    EngAccess access = (EngAccess)(o->r[1] % 3);
    bool unpriv = access != ENG_FETCH && (o->r[1] >> 8) % 8 == 0;
    uint64_t va = m_va(o->r[0] % M_REGIONS, o->r[0] >> 8 & 3), pa;
    unsigned view = test_context(&c->eng, unpriv ? IR_VIEW_UNPRIV : IR_VIEW_CURRENT, access).view;
    unsigned how = access | view << 2;
    bool ok;

    enter(c);
    ok = access == ENG_FETCH ?
             look_code(c, va, &pa) :
             look_data(c, va, access, IR_MEM_VIEW(unpriv ? IR_VIEW_UNPRIV : IR_VIEW_CURRENT), &pa);
    if (!ok) {
        t->faults++;
        return judge_fault(t, o->cpu, va, how);
    }
    t->hits++;
    return judge_answer(t, o->cpu, (const uint64_t[]){ va, pa }, how);
}

bool test_do_op(Test *t, const Op *o)
{
    Cpu *c = &t->cpu[o->cpu];

    t->state[t->now] = t->state[t->now - 1];
    t->is_tlbi[t->now] = false;
    switch (o->kind) {
    case OP_S1:
    case OP_S2:
        do_change(t, o);
        return true;
    case OP_TLBI:
        enter(c);
        do_tlbi(t, o);
        return true;
    case OP_DSB:
        enter(c);
        do_dsb(t, o);
        return true;
    case OP_SWITCH:
        do_switch(t, o);
        return true;
    case OP_SERVE:
        eng_tlb_serve(&c->eng);
        return true;
    case OP_PAUSE:
        eng_tlb_leave(&c->eng);
        c->running = false;
        return true;
    case OP_ACCESS:
    case OP_KINDS:
    default:
        return do_access(t, o);
    }
}
