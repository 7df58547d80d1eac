/*
 * Fuzz target: any control registers of EL1 and EL2 with any translation tables (which may name themselves, nothing, or places
 * beyond the address size), through the walker, the TLB, AT, TLBI and a few instructions. Input: numbers for all of that, taken in
 * order. Every access must end in an answer that the architecture has. Arm ARM, "The AArch64 Virtual Memory System Architecture".
 */
#include <stdint.h>
#include <string.h>

#include <glib.h>

#include "armillary/engine.h"
#include "cpu.h"
#include "mmu-fault.h"
#include "mode.h"
#include "tlb.h"
#include "view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RAM UINT64_C(0x40000000)
enum { RAM_BYTES = 0x40000, PAGES = RAM_BYTES / 4096, OPS = 48, SETTINGS = 15 };

/* The input; behind its end a fixed sequence goes on. */
typedef struct {
    const uint8_t *data;
    size_t size, at;
    uint64_t more;
} Input;

typedef struct {
    Mem *mem;
    EvClock *clock;
    EngMachine *machine;
    A64Model *model;
    A64Ports ports;
    A64Cpu *cpu;
    Input in;
} Rig;

static uint8_t byte(Input *in)
{
    if (in->at < in->size) {
        in->more = in->more * 31 + in->data[in->at];
        return in->data[in->at++];
    }
    in->more = in->more * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint8_t)(in->more >> 56);
}

static uint64_t word(Input *in)
{
    uint64_t v = 0;

    for (int i = 0; i < 8; i++) {
        v = v << 8 | byte(in);
    }
    return v;
}

static uint64_t place(Input *in)
{
    return RAM + (uint64_t)(byte(in) % PAGES) * 4096;
}

/* A number with few, many, or all bits anyhow. */
static uint64_t number(Input *in)
{
    switch (byte(in) % 4) {
    case 0:
        return 0;
    case 1:
        return UINT64_C(1) << byte(in) % 64;
    case 2:
        return word(in) & word(in);
    default:
        return word(in);
    }
}

/* A descriptor: mostly of the tables' own memory. */
static uint64_t descriptor(Input *in)
{
    uint64_t attrs = word(in);

    switch (byte(in) % 8) {
    case 0:
        return 0;
    case 1:
        return word(in);
    case 2: /* block */
        return (attrs & UINT64_C(0xfff0000000000ffc)) | (place(in) & ~UINT64_C(0x1fffff)) | 1 << 10 | 1;
    case 3:
    case 4: /* page */
        return (attrs & UINT64_C(0xfff0000000000ffc)) | place(in) | 1 << 10 | 3;
    default: /* table, also the one it is in */
        return (attrs & UINT64_C(0xf800000000000000) & word(in)) | place(in) | 3;
    }
}

static void put(Rig *r, uint64_t at, uint64_t value)
{
    mem_copy_to(r->mem, (Pa){ at }, &value, 8);
}

static void fill_tables(Rig *r)
{
    for (unsigned page = 0; page < PAGES; page++) {
        uint64_t row[64];

        for (unsigned i = 0; i < 64; i++) {
            row[i] = descriptor(&r->in);
        }
        for (unsigned i = 0; i < 8; i++) {
            mem_copy_to(r->mem, (Pa){ RAM + page * 4096u + i * sizeof row }, row, sizeof row);
        }
    }
}

/* ---- registers ---- */

static void set(Rig *r, unsigned slot, uint64_t value)
{
    A64Cpu *cpu = r->cpu;

    cpu->st.sr[slot] = (value & ~r->model->res0[slot]) | r->model->res1[slot];
}

/* Translation control: sizes that work now and then. */
static uint64_t tcr(Input *in)
{
    static const uint8_t sizes[8] = { 16, 25, 25, 28, 34, 39, 12, 48 };
    uint64_t v = number(in) & ~UINT64_C(0x3f003f);

    if (byte(in) % 8 == 0) {
        return v | word(in);
    }
    return v | sizes[byte(in) & 7] | (uint64_t)sizes[byte(in) & 7] << 16 | UINT64_C(5) << 32;
}

static uint64_t vtcr(Input *in)
{
    static const uint16_t works[4] = { 25 | 1 << 6, 16 | 2 << 6, 34 | 0 << 6, 28 | 2 << 14 | 2 << 6 };

    return byte(in) % 4 ? (number(in) & ~UINT64_C(0xc0ff)) | works[byte(in) & 3] | 5 << 16 : number(in);
}

static uint64_t hcr(Input *in)
{
    static const uint64_t often = A64_HCR_EL2_E2H | A64_HCR_EL2_TGE | A64_HCR_EL2_DC | A64_HCR_EL2_PTW |
                                  A64_HCR_EL2_FWB | A64_HCR_EL2_CD | A64_HCR_EL2_NV | A64_HCR_EL2_NV1;
    uint64_t v = byte(in) % 8 ? often & word(in) & word(in) : word(in);

    return v | (byte(in) % 4 ? A64_HCR_EL2_VM : 0);
}

static void set_some(Rig *r, unsigned which)
{
    Input *in = &r->in;

    switch (which) {
    case 0:
        set(r, A64_SR_SCTLR_EL1, number(in) | (byte(in) % 4 ? 1 : 0));
        break;
    case 1:
        set(r, A64_SR_SCTLR_EL2, number(in) | (byte(in) % 4 ? 1 : 0));
        break;
    case 2:
        set(r, A64_SR_TCR_EL1, tcr(in));
        break;
    case 3:
        set(r, A64_SR_TCR_EL2, tcr(in));
        break;
    case 4:
        set(r, A64_SR_VTCR_EL2, vtcr(in));
        break;
    case 5:
    case 6:
        set(r, A64_SR_HCR_EL2, hcr(in));
        break;
    case 7:
        set(r, A64_SR_TTBR0_EL1, place(in) | (byte(in) % 8 ? 0 : word(in)));
        set(r, A64_SR_TTBR1_EL1, place(in) | (byte(in) % 8 ? 0 : word(in)));
        break;
    case 8:
        set(r, A64_SR_TTBR0_EL2, place(in) | (byte(in) % 8 ? 0 : word(in)));
        set(r, A64_SR_TTBR1_EL2, place(in) | (byte(in) % 8 ? 0 : word(in)));
        break;
    case 9:
        set(r, A64_SR_VTTBR_EL2, place(in) | (byte(in) % 8 ? (uint64_t)byte(in) << 48 : word(in)));
        break;
    case 10:
        set(r, A64_SR_MAIR_EL1, word(in));
        set(r, A64_SR_MAIR_EL2, word(in));
        break;
    case 11: /* indirect permissions and overlays */
        set(r, A64_SR_TCR2_EL1, byte(in));
        set(r, A64_SR_TCR2_EL2, byte(in));
        set(r, A64_SR_HCRX_EL2, number(in) | (byte(in) % 4 ? A64_HCRX_EL2_TCR2En : 0));
        break;
    case 12: {
        static const uint16_t slots[] = { A64_SR_PIR_EL1, A64_SR_PIRE0_EL1, A64_SR_PIR_EL2, A64_SR_PIRE0_EL2,
                                          A64_SR_POR_EL0, A64_SR_POR_EL1,   A64_SR_POR_EL2, A64_SR_S2PIR_EL2,
                                          A64_SR_S2POR_EL1, A64_SR_MAIR2_EL1, A64_SR_MAIR2_EL2 };

        set(r, slots[byte(in) % G_N_ELEMENTS(slots)], word(in));
        set(r, slots[byte(in) % G_N_ELEMENTS(slots)], word(in));
        break;
    }
    case 13: /* any register at all */
        set(r, (unsigned)(word(in) % A64_SR_COUNT), number(in));
        break;
    default:
        put(r, place(in) + 8 * byte(in), descriptor(in));
        break;
    }
    a64_cpu_changed(r->cpu);
}

/* ---- what is asked ---- */

static uint64_t address(Input *in)
{
    uint64_t v = (uint64_t)byte(in) << 30 | (uint64_t)byte(in) << 21 | (uint64_t)byte(in) << 12 | byte(in);

    switch (byte(in) % 8) {
    case 0:
    case 1:
    case 2:
        return RAM + v % RAM_BYTES;
    case 3:
    case 4:
    case 5:
        return v;
    case 6:
        return v | UINT64_C(0xffff000000000000);
    default:
        return word(in);
    }
}

static void check_walk(const A64Walk *w)
{
    const A64Fault *f = &w->fault;

    if (f->type != A64_FAULT_NONE) {
        g_assert(f->type <= A64_FAULT_EXCLUSIVE && f->level >= -1 && f->level <= 3);
        g_assert(a64_fault_status(f) < 64);
        g_assert(f->stage2 || !f->s1ptw);
        g_assert(f->type == A64_FAULT_PERMISSION ||
                 !(f->overlay || f->dirty || f->top_level || f->assured_only));
        g_assert(f->overlay + f->dirty + f->top_level + f->assured_only <= 1);
        g_assert(!f->top_level || f->s1ptw);
        g_assert(!f->assured_only || f->stage2);
        return;
    }
    g_assert(w->pa.v >> 52 == 0 && w->ipa.v >> 56 == 0);
    g_assert(w->s1_bits >= 12 && w->s1_bits <= 52 && w->s2_bits <= 52);
    g_assert(w->s2_on == (w->s2_bits != 0));
    g_assert(w->attr.device == (w->attr.attr < 16));
}

static void walk(Rig *r)
{
    Input *in = &r->in;
    A64WalkIo io = a64_walk_io(r->cpu);
    A64Access a = { .va = { address(in) }, .access = (EngAccess)(byte(in) % 3) };
    uint8_t how = byte(in);
    A64View v;
    A64Walk w;

    a.el0 = how & 1;
    a.pan = how & 2;
    a.at = how & 4;
    a.no_perm = how & 8;
    a.rmw = how & 16;
    a.cmo = how & 32;
    a64_view(r->cpu, (A64Regime)(byte(in) % 3), &v);
    w = a64_walk(&v, &io, &a);
    check_walk(&w);
    io.s2_get = NULL;
    io.s2_put = NULL;
    w = a64_walk_stage1(&v, &io, &a);
    check_walk(&w);
}

/* Where an exception left the vCPU. */
static void check_exception(const Rig *r)
{
    unsigned el = r->cpu->st.pstate.el;

    g_assert(el == 1 || el == 2);
    r->cpu->eng.leave = ENG_STAY;
}

static void access_memory(Rig *r)
{
    Input *in = &r->in;
    EngVcpu *eng = &r->cpu->eng;
    Va va = { address(in) };
    uint64_t mem = IR_MEM_SIZE(byte(in) % 4) | IR_MEM_VIEW(byte(in) % 2), value = 0;
    bool ok;

    eng_tlb_enter(eng);
    switch (byte(in) % 3) {
    case 0:
        ok = eng_load(eng, va, mem, &value);
        break;
    case 1:
        ok = eng_store(eng, va, mem, word(in));
        break;
    default:
        ok = eng_tlb_fetch(eng, va);
        break;
    }
    if (!ok) {
        check_exception(r);
    }
    eng_tlb_leave(eng);
}

static void instruction(Rig *r)
{
    Input *in = &r->in;
    A64SysOp op = { byte(in) % 8, 8 + byte(in) % 2, byte(in) % 8, byte(in) % 8 };

    eng_tlb_enter(&r->cpu->eng);
    switch (byte(in) % 3) {
    case 0:
        a64_at(r->cpu, byte(in) % 2 ? 4 : 0, 8 + byte(in) % 2, byte(in) % 8, address(in));
        break;
    case 1:
        a64_tlbi(r->cpu, op, number(in));
        break;
    default:
        a64_dc_zva(r->cpu, address(in));
        break;
    }
    if (r->cpu->eng.leave != ENG_STAY) {
        check_exception(r);
    }
    eng_tlb_leave(&r->cpu->eng);
}

/* A few words at an address that may be mapped. */
static void run(Rig *r)
{
    EngVcpu *eng = &r->cpu->eng;

    r->cpu->st.pstate.el = byte(&r->in) % 3;
    r->cpu->st.pstate.pan = byte(&r->in) & 1;
    a64_set_el(r->cpu, r->cpu->st.pstate.el, byte(&r->in) & 1);
    a64_cpu_changed(r->cpu);
    eng->pc = address(&r->in) & ~UINT64_C(3);
    eng->counting = true; /* as under the virtual clock: the turn ends */
    eng->budget = 40;
    eng_run(eng);
    g_assert(r->cpu->st.pstate.el <= 2);
}

static void no_upstream(void *gic, uint32_t cpu, bool group0, bool group1)
{
}

static void no_ppi(void *gic, uint32_t cpu, uint32_t intid, bool level)
{
}

static const ArmGicPort no_gic = { .upstream = no_upstream, .set_ppi = no_ppi };

static void set_up(Rig *r)
{
    r->mem = mem_new();
    g_assert(mem_add_ram(r->mem, "ram", (Pa){ RAM }, RAM_BYTES, MEM_RAM));
    r->clock = ev_clock_new(true);
    r->machine = eng_machine_new(&(EngConfig){ .mem = r->mem, .clock = r->clock });
    r->model = a64_model_new("max", NULL);
    r->ports = (A64Ports){
        .mem = r->mem, .bus = ev_bus_new(), .clock = r->clock, .gic = &no_gic
    };
    r->cpu = a64_cpu_new(r->machine, r->model, &r->ports);
}

static void tear_down(Rig *r)
{
    a64_cpu_free(r->cpu);
    eng_machine_free(r->machine);
    a64_model_free(r->model);
    ev_bus_free(r->ports.bus);
    ev_clock_free(r->clock);
    mem_free(r->mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Rig r = { .in = { .data = data, .size = size, .more = size + 1 } };

    set_up(&r);
    fill_tables(&r);
    for (unsigned i = 0; i < SETTINGS; i++) {
        set_some(&r, i);
    }
    for (unsigned i = 0; i < OPS; i++) {
        switch (byte(&r.in) % 8) {
        case 0:
        case 1:
            set_some(&r, byte(&r.in) % SETTINGS);
            break;
        case 2:
        case 3:
            walk(&r);
            break;
        case 4:
            instruction(&r);
            break;
        case 5:
            run(&r);
            break;
        default:
            access_memory(&r);
            break;
        }
    }
    tear_down(&r);
    return 0;
}
