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
#include "test-tlb.h"

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

EngContext test_context(EngVcpu *eng, IrView view, EngAccess access)
{
    const Cpu *c = (const Cpu *)eng;
    unsigned v = view == IR_VIEW_UNPRIV ? 0 : access == ENG_FETCH && c->view ? 1 : c->view;

    return (EngContext){ c->ctx.regime, c->ctx.vmid, c->ctx.digest, c->ctx.asid, v };
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
        m = m_stage2(test_seen(t), c->ctx.vmid, ipa.v);
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
    unsigned view = test_context(eng, IR_MEM_GET_VIEW(mem), access).view, copy;
    MXlat x;

    if (!table_copy(current, c, &copy)) {
        return false;
    }
    x = m_walk(test_seen(current), &c->ctx, copy, va.v);
    if (!judge_allows(&x, access, view)) {
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

static const CpuTarget target = { .name = "model", .translate_va = translate, .context = test_context };

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

            *(k < 0 ? &r->whole : &r->page[k]) = test_leaf(x, stage2);
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
        if (!test_do_op(t, &ops[t->now - 1])) {
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
            printf("  kind %u regime %u vmid %u asid %u any %d %#jx+%#jx%s hint %u", w->kind,
                   w->regime, w->vmid, w->asid, w->any_asid, (uintmax_t)w->base,
                   (uintmax_t)w->size, t->past[i].broadcast ? " broadcast" : "",
                   t->past[i].hint);
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
