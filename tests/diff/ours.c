/*
 * Our side of the differential test: reads DiffCases or DiffSpecs from standard input, runs each at EL0 over one
 * identity-mapped gigabyte of Normal memory, writes what state.h says. `--features` prints the features that the CPU model announces.
 */
#include "state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu.h"

#define TABLE UINT64_C(0x1000)   /* level-1 translation table: one entry */
#define TABLE2 UINT64_C(0x3000)  /* level-2 table: 2 MiB blocks */
#define VECTORS UINT64_C(0x2000) /* `b .` at every vector */
#define SLOT(i) (DIFF_CODE + 64 * (uint64_t)(i))

typedef struct {
    Mem *mem;
    EngMachine *machine;
    A64Cpu *cpu;
    A64Ports ports;
} Ours;

static bool gic_activate(void *gic, uint32_t cpu, uint32_t intid)
{
    return false;
}

static void gic_deactivate(void *gic, uint32_t cpu, uint32_t intid)
{
}

static void gic_sgi(void *gic, uint32_t cpu, uint64_t value, unsigned group)
{
}

static void gic_upstream(void *gic, uint32_t cpu, bool group0, bool group1)
{
}

static void gic_ppi(void *gic, uint32_t cpu, uint32_t intid, bool level)
{
}

static const ArmGicPort no_gic = { gic_activate, gic_deactivate, gic_sgi, gic_upstream, gic_ppi };

static void store32(Ours *o, uint64_t pa, uint32_t word)
{
    mem_copy_to(o->mem, (Pa){ pa }, &word, 4);
}

static void setup_memory(Ours *o)
{
    o->mem = mem_new();
    if (!mem_add_ram(o->mem, "tables", (Pa){ 0 }, 0x10000, MEM_RAM) ||
        !mem_add_ram(o->mem, "code", (Pa){ DIFF_CODE }, 64 * DIFF_SLOTS + 4096, MEM_RAM) ||
        !mem_add_ram(o->mem, "data", (Pa){ DIFF_PAGES }, DIFF_PAGES_SIZE, MEM_RAM)) {
        fputs("ours: no memory\n", stderr);
        exit(1);
    }
    /* Blocks: AF, inner shareable, attribute 0 (Normal write-back), EL0 read/write but for the first, where the vectors are:
     * what EL0 may write EL1 may not execute. */
    const uint64_t table = TABLE2 | 3;
    mem_copy_to(o->mem, (Pa){ TABLE }, &table, 8);
    for (uint64_t i = 0; i < 512; i++) {
        const uint64_t block = i << 21 | 0x1 | 1 << 10 | 3 << 8 | (i > 0 ? 1 << 6 : 0);
        mem_copy_to(o->mem, (Pa){ TABLE2 + 8 * i }, &block, 8);
    }
    for (uint64_t v = 0; v < 0x800; v += 0x80) {
        store32(o, VECTORS + v, 0x14000000);
    }
}

static void setup_cpu(Ours *o, const A64Model *model)
{
    const EngConfig config = { .mem = o->mem, .clock = o->ports.clock };
    o->machine = eng_machine_new(&config);
    o->cpu = a64_cpu_new(o->machine, model, &o->ports);
    uint64_t *sr = o->cpu->st.sr;
    sr[A64_SR_MAIR_EL1] = 0xff;
    sr[A64_SR_TCR_EL1] = 25 | 1u << 23 | 2ull << 32; /* 39-bit TTBR0, no TTBR1, 40-bit PA */
    sr[A64_SR_TTBR0_EL1] = TABLE;
    sr[A64_SR_VBAR_EL1] = VECTORS;
    sr[A64_SR_CPACR_EL1] = 3 << 20;
    sr[A64_SR_SCTLR_EL1] |= 1 | 1 << 2 | 1 << 12 | 1 << 14 | 1 << 15 | 1 << 26;
    sr[A64_SR_SCTLR_EL1] |= UINT64_C(1) << 33; /* MSCEn, here and below */
    sr[A64_SR_HCRX_EL2] = UINT64_C(1) << 11;
    sr[A64_SR_SCTLR_EL1] |= A64_SCTLR_EL1_EnIA | A64_SCTLR_EL1_EnIB | A64_SCTLR_EL1_EnDA | A64_SCTLR_EL1_EnDB;
    for (unsigned i = 0; i < 8; i++) {
        sr[A64_SR_APIAKeyLo_EL1 + i] = UINT64_C(0x0123456789abcdef) * (i + 3); /* no pointer is its own signature */
    }
    sr[A64_SR_HCR_EL2] = UINT64_C(1) << 31 | A64_HCR_EL2_API | A64_HCR_EL2_APK;
}

static void lay(Ours *o, unsigned i, const uint32_t *word, unsigned n)
{
    uint32_t slot[16] = { 0xd53bd040 };
    memcpy(slot + 1, word, n * sizeof *word);
    for (unsigned k = n + 1; k < 16; k++) {
        slot[k] = k < n + 3 ? 0x14000000 : DIFF_LITERAL(i, k);
    }
    mem_copy_to(o->mem, (Pa){ SLOT(i) }, slot, sizeof slot);
}

static void load_state(A64Cpu *cpu, const DiffState *s)
{
    A64State *st = &cpu->st;
    a64_set_el(cpu, 0, 0);
    memcpy(st->x, s->x, sizeof s->x);
    st->x[31] = s->sp;
    st->pstate = (A64Pstate){ .nzcv = (uint32_t)s->nzcv, .daif = 15 };
    st->fp.fpcr = (uint32_t)s->fpcr;
    st->fp.fpsr = (uint32_t)s->fpsr;
    memcpy(st->v, s->v, sizeof s->v);
}

static void save_state(const A64Cpu *cpu, DiffState *s)
{
    const A64State *st = &cpu->st;
    memcpy(s->x, st->x, sizeof s->x);
    s->sp = st->pstate.el ? st->sp_el[0] : st->x[31];
    s->nzcv = st->pstate.el ? st->sr[A64_SR_SPSR_EL1] & 0xf0000000u : st->pstate.nzcv;
    s->fpcr = st->fp.fpcr;
    s->fpsr = st->fp.fpsr;
    memcpy(s->v, st->v, sizeof s->v);
}

/* How the case ended: from ESR_EL1 when an exception was taken, else from where it went. */
static uint64_t how_it_ended(const A64Cpu *cpu, uint64_t next)
{
    if (cpu->st.pstate.el == 0) {
        return cpu->eng.pc == next ? DIFF_NEXT : DIFF_SKIP;
    }
    const uint64_t esr = cpu->st.sr[A64_SR_ESR_EL1];
    switch (esr >> 26 & 63) {
    case 0x1c: /* FEAT_FPAC */
    case 0x27: /* FEAT_MOPS */
        return DIFF_OPERAND;
    case 0x20:
    case 0x24:
        return (esr & 63) == 0x21 ? DIFF_ALIGN : DIFF_ABORT;
    case 0x22:
    case 0x26:
        return DIFF_ALIGN;
    case 0x3c:
        return DIFF_TRAP;
    default:
        return DIFF_UNDEF;
    }
}

typedef struct {
    unsigned slot, n_words;
} Where;

static void run_case(Ours *o, Where at, const DiffState *before, DiffResult *r)
{
    A64Cpu *cpu = o->cpu;
    const Pa window = { DIFF_DATA - DIFF_WINDOW / 2 };
    mem_copy_to(o->mem, window, before->mem, DIFF_WINDOW);
    load_state(cpu, before);
    cpu->eng.pc = SLOT(at.slot) + 4;
    eng_clear_exclusive(&cpu->eng);
    a64_cpu_changed(cpu);
    cpu->eng.counting = true;
    cpu->eng.budget = at.n_words;
    eng_run(&cpu->eng);
    r->end = how_it_ended(cpu, SLOT(at.slot) + 4 + 4 * (uint64_t)at.n_words);
    save_state(cpu, &r->state);
    mem_copy_from(o->mem, r->state.mem, window, DIFF_WINDOW);
}

static void run_cases(Ours *o, unsigned n)
{
    static DiffCase cases[DIFF_SLOTS];
    static DiffResult result;
    if (fread(cases, sizeof *cases, n, stdin) != n) {
        exit(1);
    }
    for (unsigned i = 0; i < n; i++) {
        lay(o, i, cases[i].word, cases[i].n_words);
    }
    eng_ic_all(&o->cpu->eng, false);
    for (unsigned i = 0; i < n; i++) {
        run_case(o, (Where){ i, cases[i].n_words }, &cases[i].state, &result);
        fwrite(&result, sizeof result, 1, stdout);
    }
}

static void run_spec(Ours *o, const DiffSpec *p, bool show)
{
    static DiffShow one;
    for (unsigned k = 0; k < p->runs && k < DIFF_RUNS; k++) {
        diff_expand(p, p->first + k, &one.before);
        run_case(o, (Where){ p->slot, p->n_words }, &one.before, &one.after);
        const uint64_t digest = diff_digest(&one.after);
        fwrite(show ? (void *)&one : (void *)&digest, show ? sizeof one : sizeof digest, 1, stdout);
    }
}

static void run_specs(Ours *o, unsigned n, bool show)
{
    static DiffSpec specs[DIFF_SLOTS];
    if (fread(specs, sizeof *specs, n, stdin) != n) {
        exit(1);
    }
    for (unsigned i = 0; i < n; i++) {
        lay(o, specs[i].slot % DIFF_SLOTS, specs[i].word, specs[i].n_words);
    }
    eng_ic_all(&o->cpu->eng, false);
    for (unsigned i = 0; i < n; i++) {
        run_spec(o, &specs[i], show);
    }
}

static void run_all(Ours *o)
{
    DiffHeader h;
    while (fread(&h, sizeof h, 1, stdin) == 1 && h.count <= DIFF_SLOTS) {
        if (h.kind == DIFF_CASES) {
            run_cases(o, h.count);
        } else {
            run_specs(o, h.count, h.kind == DIFF_SHOW);
        }
        fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    GError *error = NULL;
    A64Model *model = a64_model_new("max", &error);
    if (!model) {
        fprintf(stderr, "ours: %s\n", error->message);
        return 1;
    }
    if (argc > 1 && strcmp(argv[1], "--features") == 0) {
        for (unsigned f = 0; f < A64_FEAT_COUNT; f++) {
            if (a64_has(model, (A64Feature)f)) {
                puts(a64_feature_names[f]);
            }
        }
        a64_model_free(model);
        return 0;
    }
    Ours o = { .ports = { .clock = ev_clock_new(true), .bus = ev_bus_new(), .gic = &no_gic } };
    setup_memory(&o);
    o.ports.mem = o.mem;
    setup_cpu(&o, model);
    run_all(&o);
    a64_cpu_free(o.cpu);
    eng_machine_free(o.machine);
    mem_free(o.mem);
    ev_bus_free(o.ports.bus);
    ev_clock_free(o.ports.clock);
    a64_model_free(model);
    return 0;
}
