/*
 * Model test of the tagged TLB: random sequences of table changes, TLBIs, barriers, context
 * switches and accesses on two vCPUs. An answer is right when some moment at or after the last
 * completed TLBI that matches it would have given it. Usage: test-tlb [--seed N] [--sequences N]
 * [--plant N] [--budget N]; with --plant the build's deliberate mistake N must be noticed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "armillary/memory.h"
#include "model.h"
#include "tlb-impl.h"

#define HOST UINT64_C(0x100000000000)

typedef enum {
    OP_S1,
    OP_S2,
    OP_TLBI,
    OP_DSB,
    OP_SWITCH,
    OP_ACCESS,
    OP_SERVE,
    OP_PAUSE,
    OP_KINDS
} Kind;

typedef struct {
    Kind kind;
    uint8_t cpu;
    uint32_t r[6]; /* random arguments */
} Op;

typedef struct {
    EngVcpu eng;
    MContext ctx;
    unsigned view;
    bool running;
} Cpu;

typedef struct {
    EngTlbi what;
    uint8_t cpu;
    bool broadcast;
    unsigned done; /* op that completed it (DSB); 0 = not yet */
} Past;

typedef struct {
    EngTlbGroup *group;
    Cpu cpu[M_CPUS];
    MState state[M_MAX_OPS + 2]; /* after op i; 0 = start */
    Past past[M_MAX_OPS + 2];    /* TLBI of op i, if it was one */
    bool is_tlbi[M_MAX_OPS + 2];
    unsigned now; /* the op being done, from 1 */
    uint64_t rng;
    uint64_t hits, faults;
} Test;

static Test *current; /* the fakes below have no other way to it */

static uint32_t random32(Test *t)
{
    t->rng ^= t->rng << 13;
    t->rng ^= t->rng >> 7;
    t->rng ^= t->rng << 17;
    return (uint32_t)(t->rng >> 24);
}

/* ---- fakes ---- */

uint8_t *mem_host(Mem *m, Pa pa, MemKind *kind)
{
    *kind = MEM_RAM;
    return (uint8_t *)(uintptr_t)(HOST + pa.v);
}

/* eng_dsb yields while it waits: the other vCPU gets its turn. */
int sched_yield(void)
{
    for (int i = 0; current && i < M_CPUS; i++) {
        eng_tlb_serve(&current->cpu[i].eng);
    }
    return 0;
}

static const MState *seen(const Test *t)
{
    return &t->state[t->now - 1];
}

static EngContext context(EngVcpu *eng, IrView view, EngAccess access)
{
    const Cpu *c = (const Cpu *)eng;
    unsigned v = view == IR_VIEW_UNPRIV ? 0 : access == ENG_FETCH && c->view ? 1 : c->view;

    return (EngContext){ c->ctx.regime, c->ctx.vmid, c->ctx.digest, c->ctx.asid, v };
}

static bool allowed(const MXlat *x, EngAccess access, unsigned view)
{
    uint8_t m = access == ENG_READ ? x->read : access == ENG_WRITE ? x->write : x->exec;

    return x->ok && (m >> view & 1);
}

/* Reads the tables through the TLB's stage 2, as the product's walker does. False: stage-2
 * fault. */
static bool table_copy(Test *t, Cpu *c, unsigned *copy)
{
    Ipa ipa = { m_table_ipa(&c->ctx) };
    EngXlat x;
    MXlat m;

    *copy = 0;
    if (!m_tables_through_s2(&c->ctx)) {
        return true;
    }
    if (!eng_tlb_stage2(&c->eng, c->ctx.vmid, 0, ipa, &x)) {
        m = m_stage2(seen(t), c->ctx.vmid, ipa.v);
        if (!m.ok) {
            return false;
        }
        x = (EngXlat){ .pa = { m.pa }, .s2_bits = m.s2_bits, .read = 1 };
        eng_tlb_stage2_fill(&c->eng, c->ctx.vmid, 0, ipa, &x);
    }
    *copy = m_copy(x.pa.v);
    return true;
}

static bool translate(EngVcpu *eng, Va va, EngAccess access, uint64_t mem, EngXlat *out)
{
    Cpu *c = (Cpu *)eng;
    unsigned view = context(eng, IR_MEM_GET_VIEW(mem), access).view, copy;
    MXlat x;

    if (!table_copy(current, c, &copy)) {
        return false;
    }
    x = m_walk(seen(current), &c->ctx, copy, va.v);
    if (!allowed(&x, access, view)) {
        return false;
    }
    *out = (EngXlat){ .pa = { x.pa },
                      .s1_bits = x.s1_bits,
                      .s2_bits = x.s2_bits,
                      .flags = x.global ? ENG_X_GLOBAL : 0,
                      .read = x.read,
                      .write = x.write,
                      .exec = x.exec };
    return true;
}

static const CpuTarget target = { .name = "model", .translate_va = translate, .context = context };

/* ---- the judge ---- */

static bool overlaps(uint64_t base, uint64_t size, uint64_t at, unsigned bits)
{
    uint64_t mask = (UINT64_C(1) << 56) - 1, leaf = (at & mask) >> bits << bits;

    base &= mask;
    return base < leaf + (UINT64_C(1) << bits) && leaf < base + size;
}

/* Does it name a combined or stage-1 translation x of va, made in context c? */
static bool names(const EngTlbi *i, const MContext *c, const MXlat *x, uint64_t va)
{
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
        return (x->global || i->any_asid || i->asid == c->asid) &&
               overlaps(i->base, i->size, va, x->s1_bits);
    case ENG_TLBI_IPA:
    default:
        return false;
    }
}

static bool names_stage2(const EngTlbi *i, uint32_t vmid, uint64_t ipa, unsigned bits)
{
    if (i->regime != M_EL10) {
        return false;
    }
    return i->kind == ENG_TLBI_ALL || (i->kind == ENG_TLBI_VMID && i->vmid == vmid) ||
           (i->kind == ENG_TLBI_IPA && i->vmid == vmid && overlaps(i->base, i->size, ipa, bits));
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
                   names_stage2(&t->past[u].what, c->vmid, ipa, x.s2_bits);
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
                    !allowed(&x, (EngAccess)(want[2] & 3), (unsigned)want[2] >> 2);

        if (c->asid != t->cpu[cpu].ctx.asid && !x.global) {
            continue;
        }
        for (unsigned u = a + 1; u < t->now && !dead; u++) {
            dead = complete(t, u, cpu, t->now) && names(&t->past[u].what, c, &x, want[0]);
        }
        if (!dead) {
            return true;
        }
    }
    return false;
}

static bool right_answer(const Test *t, unsigned cpu, uint64_t va, uint64_t pa, unsigned how)
{
    uint64_t want[3] = { va, pa, how };
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
static bool right_fault(const Test *t, unsigned cpu, uint64_t va, unsigned how)
{
    const MContext *c = &t->cpu[cpu].ctx;
    unsigned set = copies(t, cpu, c, t->now);

    if (m_tables_through_s2(c) && !m_stage2(seen(t), c->vmid, m_table_ipa(c)).ok) {
        return true;
    }
    for (unsigned copy = 0; copy < M_COPIES; copy++) {
        MXlat x = m_walk(seen(t), c, copy, va);

        if ((set >> copy & 1) && !allowed(&x, (EngAccess)(how & 3), how >> 2)) {
            return true;
        }
    }
    return false;
}

/* ---- operations ---- */

static MLeaf leaf(const uint32_t *r, bool stage2)
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
        r->whole = leaf(x, stage2);
        break;
    default:
        r->page[o->r[1] >> 16 & 3] = leaf(x, stage2);
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

static void do_tlbi(Test *t, const Op *o)
{
    static const EngTlbiKind kinds[16] = {
        ENG_TLBI_ALL,  ENG_TLBI_VMID, ENG_TLBI_VMID_S1, ENG_TLBI_ASID, ENG_TLBI_ASID, ENG_TLBI_VA,
        ENG_TLBI_VA,   ENG_TLBI_VA,   ENG_TLBI_VA,      ENG_TLBI_VA,   ENG_TLBI_VA,   ENG_TLBI_VA,
        ENG_TLBI_IPA,  ENG_TLBI_IPA,  ENG_TLBI_IPA,     ENG_TLBI_IPA
    };
    static const uint64_t sizes[8] = { 1, 1, 1, 1, 2, 101, 512, 1024 };
    EngTlbi i = { .kind = kinds[o->r[0] % 16], .regime = (o->r[0] >> 8) % 8 == 0 ? M_EL2 : M_EL10 };
    bool broadcast = o->r[4] & 1;

    if (i.kind == ENG_TLBI_IPA || i.kind == ENG_TLBI_VMID) {
        i.regime = M_EL10;
    }
    if (i.regime == M_EL10 && i.kind != ENG_TLBI_ALL) {
        i.vmid = o->r[1] & 1;
    }
    if (i.regime == M_EL10 && (i.kind == ENG_TLBI_ASID || i.kind == ENG_TLBI_VA)) {
        i.any_asid = i.kind == ENG_TLBI_VA && o->r[1] >> 8 & 1;
        i.asid = i.any_asid ? 0 : o->r[1] >> 1 & 1;
    }
    if (i.kind == ENG_TLBI_VA) {
        i.base = m_va(o->r[2] % M_REGIONS, o->r[2] >> 8 & 3) & ((UINT64_C(1) << 56) - 1);
    } else if (i.kind == ENG_TLBI_IPA) {
        i.base = m_ipa((o->r[2] & 15) < 8 ? M_TABLE_REGION : o->r[2] % M_IPA_REGIONS,
                       o->r[2] >> 8 & 3);
    }
    if (i.kind == ENG_TLBI_VA || i.kind == ENG_TLBI_IPA) {
        i.size = sizes[o->r[3] & 7] * 4096;
    }
    t->past[t->now] = (Past){ .what = i, .cpu = o->cpu, .broadcast = broadcast };
    t->is_tlbi[t->now] = true;
    eng_tlbi(&t->cpu[o->cpu].eng, &i, broadcast);
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
    unsigned view = context(&c->eng, unpriv ? IR_VIEW_UNPRIV : IR_VIEW_CURRENT, access).view;
    unsigned how = access | view << 2;
    bool ok;

    enter(c);
    ok = access == ENG_FETCH ?
             look_code(c, va, &pa) :
             look_data(c, va, access, IR_MEM_VIEW(unpriv ? IR_VIEW_UNPRIV : IR_VIEW_CURRENT), &pa);
    if (!ok) {
        t->faults++;
        return right_fault(t, o->cpu, va, how);
    }
    t->hits++;
    return right_answer(t, o->cpu, va, pa, how);
}

static bool do_op(Test *t, const Op *o)
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

/* ---- sequences ---- */

static void start(Test *t, uint64_t seed)
{
    uint64_t keep = t->rng;

    t->rng = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    for (unsigned i = 0; i < sizeof t->state[0] / sizeof(MRegion); i++) {
        MRegion *r = (MRegion *)&t->state[0] + i;
        bool stage2 = r >= &t->state[0].s2[0][0];

        r->block = random32(t) & 1;
        for (int k = -1; k < M_PAGES; k++) {
            uint32_t x[4] = { random32(t), random32(t), random32(t), random32(t) };

            *(k < 0 ? &r->whole : &r->page[k]) = leaf(x, stage2);
        }
    }
    t->rng = keep;
    for (int i = 0; i < M_CPUS; i++) {
        Cpu *c = &t->cpu[i];

        eng_tlb_serve(&c->eng);
        eng_tlb_flush(&c->eng);
        c->ctx = (MContext){ 0 };
        c->view = 1;
        c->running = false;
        eng_tlb_leave(&c->eng);
        eng_tlb_switch(&c->eng);
    }
}

/* Returns the op that went wrong, from 1, or 0. */
static unsigned run(Test *t, uint64_t seed, const Op *ops, unsigned n)
{
    start(t, seed);
    for (t->now = 1; t->now <= n; t->now++) {
        if (!do_op(t, &ops[t->now - 1])) {
            return t->now;
        }
    }
    return 0;
}

static void make(Test *t, Op *ops, unsigned n)
{
    static const Kind kinds[32] = {
        OP_ACCESS, OP_ACCESS, OP_ACCESS, OP_ACCESS, OP_ACCESS, OP_ACCESS, OP_ACCESS, OP_ACCESS,
        OP_ACCESS, OP_ACCESS, OP_ACCESS, OP_ACCESS, OP_S1,     OP_S1,     OP_S1,     OP_S1,
        OP_S2,     OP_S2,     OP_TLBI,   OP_TLBI,   OP_TLBI,   OP_TLBI,   OP_DSB,    OP_DSB,
        OP_DSB,    OP_DSB,    OP_SWITCH, OP_SWITCH, OP_SWITCH, OP_SWITCH, OP_SERVE,  OP_PAUSE
    };
    /* a sequence dwells on few places, else nothing ever meets */
    uint32_t focus = random32(t), contexts[2] = { random32(t) | 16, random32(t) | 16 };

    for (unsigned i = 0; i < n; i++) {
        ops[i].kind = kinds[random32(t) % 32];
        ops[i].cpu = random32(t) % 4 == 0;
        for (int k = 0; k < 6; k++) {
            ops[i].r[k] = random32(t);
        }
        if (random32(t) % 4 && ops[i].kind == OP_ACCESS) {
            ops[i].r[0] = focus;
        } else if (random32(t) % 2 && ops[i].kind == OP_TLBI) {
            ops[i].r[2] = focus;
        } else if (random32(t) % 2 && ops[i].kind == OP_SWITCH) {
            ops[i].r[0] = contexts[random32(t) & 1];
        }
    }
}

static void shrink(Test *t, uint64_t seed, Op *ops, unsigned *n)
{
    bool smaller = true;

    while (smaller) {
        smaller = false;
        for (unsigned i = *n; i-- > 0;) {
            Op less[M_MAX_OPS];

            memcpy(less, ops, i * sizeof *ops);
            memcpy(less + i, ops + i + 1, (*n - i - 1) * sizeof *ops);
            if (run(t, seed, less, *n - 1)) {
                memcpy(ops, less, (*n - 1) * sizeof *ops);
                --*n;
                smaller = true;
            }
        }
    }
}

static void print(Test *t, uint64_t seed, const Op *ops, unsigned n)
{
    static const char *names_of[] = { "s1",     "s2",     "tlbi",  "dsb",
                                      "switch", "access", "serve", "pause" };

    run(t, seed, ops, n);
    for (unsigned i = 1; i <= n; i++) {
        const Op *o = &ops[i - 1];
        const EngTlbi *w = &t->past[i].what;

        printf("  %2u cpu%u %-6s %08x %08x %08x %08x", i, o->cpu, names_of[o->kind], o->r[0],
               o->r[1], o->r[2], o->r[3]);
        if (o->kind == OP_TLBI) {
            printf("  kind %u regime %u vmid %u asid %u any %d %#jx+%#jx%s", w->kind, w->regime,
                   w->vmid, w->asid, w->any_asid, (uintmax_t)w->base, (uintmax_t)w->size,
                   t->past[i].broadcast ? " broadcast" : "");
        } else if (o->kind == OP_ACCESS) {
            printf("  va %#jx access %u",
                   (uintmax_t)m_va(o->r[0] % M_REGIONS, o->r[0] >> 8 & 3), o->r[1] % 3);
        }
        putchar('\n');
    }
}

static bool sequences(Test *t, uint64_t seed, unsigned count, bool quiet)
{
    for (unsigned i = 0; i < count; i++) {
        Op ops[M_MAX_OPS];
        unsigned n = M_MAX_OPS, bad;

        t->rng = (seed + i) * UINT64_C(0xd1342543de82ef95) + 0x1234567;
        make(t, ops, n);
        bad = run(t, seed + i, ops, n);
        if (bad) {
            if (!quiet) {
                n = bad;
                shrink(t, seed + i, ops, &n);
                printf("seed %ju fails; smallest sequence found:\n", (uintmax_t)(seed + i));
                print(t, seed + i, ops, n);
            } else {
                printf("noticed by sequence %u\n", i);
            }
            return false;
        }
    }
    return true;
}

static uint64_t option(int argc, char **argv, const char *name, uint64_t otherwise)
{
    for (int i = 1; i + 1 < argc; i++) {
        if (!strcmp(argv[i], name)) {
            return strtoull(argv[i + 1], NULL, 0);
        }
    }
    return otherwise;
}

int main(int argc, char **argv)
{
    EngTlbConfig cfg = { .bank_entries = 4, .l2_entries = 64 };
    Test *t = calloc(1, sizeof *t);
    uint64_t plant = option(argc, argv, "--plant", 0);
    bool clean;

    current = t;
    cfg.bank_budget = (uint32_t)option(argc, argv, "--budget", 8192);
    t->group = eng_tlb_group_new(&cfg);
    t->group->plant = (uint32_t)plant;
    for (int i = 0; i < M_CPUS; i++) {
        t->cpu[i].eng.target = &target;
        eng_tlb_init(t->group, &t->cpu[i].eng);
    }
    clean = sequences(t, option(argc, argv, "--seed", 1),
                      (unsigned)option(argc, argv, "--sequences", 1000), plant != 0);
    printf("%ju answers, %ju faults\n", (uintmax_t)t->hits, (uintmax_t)t->faults);
    for (int i = 0; i < M_CPUS; i++) {
        eng_tlb_fini(&t->cpu[i].eng);
    }
    eng_tlb_group_free(t->group);
    free(t);
    current = NULL;
    if (plant && clean) {
        printf("planted fault %ju was not noticed\n", (uintmax_t)plant);
    }
    return clean == (plant == 0) ? 0 : 1;
}
