/*
 * The vCPU's side of the MMU: contexts, syndromes, AT and TLBI. Expected values are read off the
 * register and instruction descriptions. Arm ARM, ESR_ELx, FAR_ELx, HPFAR_EL2, PAR_EL1, "TLB
 * maintenance instructions".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "armillary/engine.h"
#include "cpu.h"
#include "mmu.h"
#include "tlb.h"
#include "tlbi.h"

#define RAM UINT64_C(0x40000000)
#define TABLE(n) (RAM + UINT64_C(0x1000) * (n))
#define AF (UINT64_C(1) << 10)

typedef struct {
    Mem *mem;
    EngMachine *machine;
    EvClock *clock;
    A64Model *model;
    A64Ports ports;
    A64Cpu *cpu;
} Rig;

static void no_upstream(void *gic, uint32_t cpu, bool group0, bool group1)
{
}

static void no_ppi(void *gic, uint32_t cpu, uint32_t intid, bool level)
{
}

static const ArmGicPort no_gic = { .upstream = no_upstream, .set_ppi = no_ppi };

static void put(Rig *r, unsigned table, unsigned index, uint64_t desc)
{
    assert_true(mem_copy_to(r->mem, (Pa){ TABLE(table) + 8 * index }, &desc, 8));
}

/* 4K granule, 48 bits; TTBR0 tables 0..3, page 5 -> 0x40010000 read-only, page 6 EL0 read/write,
 * page 7 without access flag. */
static void tables(Rig *r)
{
    uint64_t *sr = r->cpu->st.sr;

    put(r, 0, 0, TABLE(1) | 3);
    put(r, 1, 0, TABLE(2) | 3);
    put(r, 2, 0, TABLE(3) | 3);
    put(r, 3, 5, 0x40010000 | 3 | AF | 1 << 7);
    put(r, 3, 6, 0x40011000 | 3 | AF | 1 << 6 | 1 << 11 | 3 << 8);
    put(r, 3, 7, 0x40012000 | 3);
    sr[A64_SR_TCR_EL1] = 16 | 16 << 16 | UINT64_C(2) << 30 | UINT64_C(5) << 32 | UINT64_C(1) << 36;
    sr[A64_SR_MAIR_EL1] = 0xff;
    sr[A64_SR_SCTLR_EL1] = 1 | 4;
    sr[A64_SR_TTBR0_EL1] = TABLE(0) | UINT64_C(0x123) << 48;
    sr[A64_SR_TTBR1_EL1] = TABLE(0) | UINT64_C(0x456) << 48;
}

/* Stage 2: level 1, 39-bit IPA; 1 GiB blocks: [1] RAM itself. */
static void stage2(Rig *r, unsigned s2ap)
{
    uint64_t *sr = r->cpu->st.sr;

    put(r, 8, 1, RAM | 1 | AF | 0xf << 2 | s2ap << 6);
    sr[A64_SR_VTCR_EL2] = 25 | 1 << 6 | 5 << 16;
    sr[A64_SR_VTTBR_EL2] = TABLE(8) | UINT64_C(9) << 48;
    sr[A64_SR_HCR_EL2] |= A64_HCR_EL2_VM;
}

static void at_el(Rig *r, unsigned el)
{
    r->cpu->st.pstate.el = (uint8_t)el;
    a64_mmu_changed(r->cpu);
    r->cpu->eng.leave = ENG_STAY;
    r->cpu->eng.insn_pc = 0x1000;
}

static int set_up(void **state)
{
    Rig *r = g_new0(Rig, 1);

    r->mem = mem_new();
    assert_true(mem_add_ram(r->mem, "ram", (Pa){ RAM }, 0x100000, MEM_RAM));
    r->machine = eng_machine_new(&(EngConfig){ .mem = r->mem });
    r->model = a64_model_new("max", NULL);
    assert_non_null(r->model);
    r->clock = ev_clock_new(true);
    r->ports = (A64Ports){
        .mem = r->mem, .bus = ev_bus_new(), .clock = r->clock, .gic = &no_gic
    };
    r->cpu = a64_cpu_new(r->machine, r->model, &r->ports);
    r->cpu->st.sr[A64_SR_HCR_EL2] = 0;
    tables(r);
    at_el(r, 1);
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    Rig *r = *state;

    a64_cpu_free(r->cpu);
    eng_machine_free(r->machine);
    a64_model_free(r->model);
    ev_bus_free(r->ports.bus);
    ev_clock_free(r->clock);
    mem_free(r->mem);
    g_free(r);
    return 0;
}

static bool translate(Rig *r, uint64_t va, EngAccess access, uint64_t mem, EngXlat *x)
{
    return a64_translate_va(&r->cpu->eng, (Va){ va }, access, mem, x);
}

static void test_translation(void **state)
{
    Rig *r = *state;
    EngXlat x;

    assert_true(translate(r, 0x5abc, ENG_READ, 3, &x));
    assert_int_equal(x.pa.v, 0x40010abc);
    assert_int_equal(x.s1_bits, 12);
    assert_int_equal(x.flags & ENG_X_GLOBAL, ENG_X_GLOBAL);
    assert_int_equal(x.read, 1 << 1 | 1 << 2);
    assert_int_equal(x.write, 0);
    assert_true(translate(r, 0x6000, ENG_WRITE, 3, &x));
    assert_int_equal(x.read, 1 << 0 | 1 << 1);
    assert_int_equal(x.flags & ENG_X_GLOBAL, 0);
}

static void test_data_abort(void **state)
{
    Rig *r = *state;
    uint64_t *sr = r->cpu->st.sr;
    EngXlat x;

    assert_false(translate(r, 0x8123, ENG_READ, IR_MEM_ISS(0x1234000) | 3, &x));
    assert_int_equal(sr[A64_SR_ESR_EL1], UINT64_C(0x25) << 26 | 1 << 25 | 0x07);
    assert_int_equal(sr[A64_SR_FAR_EL1], 0x8123);
    assert_int_equal(sr[A64_SR_ELR_EL1], 0x1000);
    at_el(r, 0);
    assert_false(translate(r, 0x5000, ENG_WRITE, 3, &x));
    assert_int_equal(sr[A64_SR_ESR_EL1], UINT64_C(0x24) << 26 | 1 << 25 | 1 << 6 | 0x0f);
    at_el(r, 1);
    assert_false(translate(r, 0x7000, ENG_WRITE, 3, &x));
    assert_int_equal(sr[A64_SR_ESR_EL1], UINT64_C(0x25) << 26 | 1 << 25 | 1 << 6 | 0x0b);
    at_el(r, 0);
    assert_false(translate(r, 0x8000, ENG_FETCH, 0, &x));
    assert_int_equal(sr[A64_SR_ESR_EL1], UINT64_C(0x20) << 26 | 1 << 25 | 0x07);
    assert_int_equal(sr[A64_SR_ELR_EL1], 0x8000);
    at_el(r, 1);
    r->cpu->st.pstate.pan = 1;
    assert_false(translate(r, 0x6000, ENG_READ, 3, &x));
    assert_int_equal(sr[A64_SR_ESR_EL1] & 0x3f, 0x0f);
    at_el(r, 1);
    assert_true(translate(r, 0x6000, ENG_READ, 3 | IR_MEM_VIEW(IR_VIEW_UNPRIV), &x));
}

static void test_stage2_abort(void **state)
{
    Rig *r = *state;
    uint64_t *sr = r->cpu->st.sr;
    EngXlat x;

    stage2(r, 3);
    put(r, 3, 9, UINT64_C(0x80009000) | 3 | AF);
    at_el(r, 1);
    /* ISV, 64-bit register 17, size 3 */
    assert_false(translate(r, 0x9008, ENG_WRITE,
                           IR_MEM_ISS(1 << 24 | 3 << 22 | 17 << 16 | 1 << 15) | 3, &x));
    assert_int_equal(sr[A64_SR_ESR_EL2], UINT64_C(0x24) << 26 | 1 << 25 | 1 << 24 | 3 << 22 |
                                             17 << 16 | 1 << 15 | 1 << 6 | 0x05);
    assert_int_equal(sr[A64_SR_FAR_EL2], 0x9008);
    assert_int_equal(sr[A64_SR_HPFAR_EL2], 0x80009 << 4);
    /* the stage-1 tables are not mapped: S1PTW, no ISV */
    put(r, 8, 1, 0);
    eng_tlb_flush(&r->cpu->eng);
    at_el(r, 1);
    assert_false(translate(r, 0x5000, ENG_READ, IR_MEM_ISS(1 << 24) | 3, &x));
    assert_int_equal(sr[A64_SR_ESR_EL2], UINT64_C(0x24) << 26 | 1 << 25 | 1 << 7 | 0x05);
    assert_int_equal(sr[A64_SR_HPFAR_EL2], 0x40000 << 4);
}

static void test_routing(void **state)
{
    Rig *r = *state;
    uint64_t *sr = r->cpu->st.sr;

    /* TGE takes EL0's stage-1 faults to EL2; alignment by the register is the same class */
    sr[A64_SR_HCR_EL2] |= A64_HCR_EL2_TGE;
    at_el(r, 0);
    a64_alignment_fault(&r->cpu->eng, (Va){ 0x6001 }, ENG_READ, 3 | IR_MEM_ALIGN);
    assert_int_equal(sr[A64_SR_ESR_EL2], UINT64_C(0x24) << 26 | 1 << 25 | 0x21);
    sr[A64_SR_HCR_EL2] = 0;
    at_el(r, 1);
    a64_external_abort(&r->cpu->eng, (Va){ 0x6000 }, ENG_WRITE, 3);
    assert_int_equal(sr[A64_SR_ESR_EL1], UINT64_C(0x25) << 26 | 1 << 25 | 1 << 6 | 0x10);
    assert_int_equal(r->cpu->st.pstate.el, 1);
}

static void test_at(void **state)
{
    Rig *r = *state;
    uint64_t *sr = r->cpu->st.sr;

    a64_at(r->cpu, 0, 8, 0, 0x5000); /* S1E1R */
    assert_int_equal(sr[A64_SR_PAR_EL1], UINT64_C(0xff) << 56 | 0x40010000 | 1 << 11);
    a64_at(r->cpu, 0, 8, 1, 0x5000); /* S1E1W: read-only */
    assert_int_equal(sr[A64_SR_PAR_EL1], 1 | 0x0f << 1 | 1 << 11);
    a64_at(r->cpu, 0, 8, 3, 0x6000); /* S1E0W: Inner Shareable */
    assert_int_equal(sr[A64_SR_PAR_EL1], UINT64_C(0xff) << 56 | 0x40011000 | 1 << 11 | 3 << 7);
    a64_at(r->cpu, 0, 8, 2, 0x8000); /* S1E0R */
    assert_int_equal(sr[A64_SR_PAR_EL1], 1 | 0x07 << 1 | 1 << 11);
    r->cpu->st.pstate.pan = 1;
    a64_at(r->cpu, 0, 9, 0, 0x6000); /* S1E1RP */
    assert_int_equal(sr[A64_SR_PAR_EL1], 1 | 0x0f << 1 | 1 << 11);
    a64_at(r->cpu, 0, 8, 0, 0x6000); /* S1E1R is blind to PAN */
    assert_int_equal(sr[A64_SR_PAR_EL1] & 1, 0);
    assert_int_equal(r->cpu->eng.leave, ENG_STAY);
}

static void test_at_two_stages(void **state)
{
    Rig *r = *state;
    uint64_t *sr = r->cpu->st.sr;

    stage2(r, 1);
    at_el(r, 2);
    a64_at(r->cpu, 4, 8, 4, 0x6000); /* S12E1R */
    assert_int_equal(sr[A64_SR_PAR_EL1], UINT64_C(0xff) << 56 | 0x40011000 | 1 << 11 | 3 << 7);
    a64_at(r->cpu, 4, 8, 5, 0x6000); /* S12E1W: stage 2 is read-only (level 1) */
    assert_int_equal(sr[A64_SR_PAR_EL1], 1 | 0x0d << 1 | 1 << 9 | 1 << 11);
    a64_at(r->cpu, 0, 8, 1, 0x6000); /* S1E1W stops at stage 1 */
    assert_int_equal(sr[A64_SR_PAR_EL1] & 1, 0);
    put(r, 8, 1, 0);
    /* no stage 2 for the tables: from EL2 an answer in PAR, from EL1 an exception to EL2 */
    a64_at(r->cpu, 0, 8, 0, 0x5000);
    eng_tlb_flush(&r->cpu->eng);
    a64_at(r->cpu, 0, 8, 0, 0x5000);
    assert_int_equal(sr[A64_SR_PAR_EL1], 1 | 0x05 << 1 | 1 << 8 | 1 << 9 | 1 << 11);
    at_el(r, 1);
    a64_at(r->cpu, 0, 8, 0, 0x5000);
    assert_int_equal(r->cpu->st.pstate.el, 2);
    assert_int_equal(sr[A64_SR_ESR_EL2],
                     UINT64_C(0x24) << 26 | 1 << 25 | 1 << 8 | 1 << 7 | 1 << 6 | 0x05);
}

static EngContext context(Rig *r, IrView view)
{
    return a64_context(&r->cpu->eng, view, ENG_READ);
}

static void same_context(const EngContext *a, const EngContext *b)
{
    assert_int_equal(a->regime, b->regime);
    assert_int_equal(a->vmid, b->vmid);
    assert_int_equal(a->digest, b->digest);
    assert_int_equal(a->asid, b->asid);
    assert_int_equal(a->view, b->view);
}

/* Three at once are what asking for each one gives, at every level and with every bit that has a say. */
static void test_three_contexts(void **state)
{
    static const uint64_t hcr[] = { A64_HCR_EL2_E2H, A64_HCR_EL2_TGE, A64_HCR_EL2_NV,
                                    A64_HCR_EL2_NV1 };
    Rig *r = *state;
    EngVcpu *eng = &r->cpu->eng;

    for (unsigned i = 0; i < 3 << 6; i++) {
        EngContext c[3], data, unpriv, fetch;

        r->cpu->st.sr[A64_SR_HCR_EL2] = 0;
        for (unsigned k = 0; k < 4; k++) {
            r->cpu->st.sr[A64_SR_HCR_EL2] |= i >> k & 1 ? hcr[k] : 0;
        }
        at_el(r, i >> 6);
        r->cpu->st.pstate.pan = i >> 4 & 1;
        r->cpu->st.pstate.uao = i >> 5 & 1;
        a64_mmu_changed(r->cpu);
        a64_contexts(eng, c);
        data = a64_context(eng, IR_VIEW_CURRENT, ENG_READ);
        unpriv = a64_context(eng, IR_VIEW_UNPRIV, ENG_READ);
        fetch = a64_context(eng, IR_VIEW_CURRENT, ENG_FETCH);
        same_context(&c[0], &data);
        same_context(&c[1], &unpriv);
        same_context(&c[2], &fetch);
    }
}

static void test_contexts(void **state)
{
    Rig *r = *state;
    uint64_t *sr = r->cpu->st.sr;
    EngContext a = context(r, IR_VIEW_CURRENT), b;

    assert_int_equal(a.regime, A64_REGIME_EL10);
    assert_int_equal(a.asid, 0x123);
    sr[A64_SR_TCR_EL1] |= 1 << 22; /* A1: TTBR1's ASID, the same walk */
    a64_mmu_changed(r->cpu);
    b = context(r, IR_VIEW_CURRENT);
    assert_int_equal(b.asid, 0x456);
    assert_int_equal(b.digest, a.digest);
    sr[A64_SR_TCR_EL1] &= ~(UINT64_C(1) << 36); /* AS: 8 bits */
    a64_mmu_changed(r->cpu);
    assert_int_equal(context(r, IR_VIEW_CURRENT).asid, 0x56);
    sr[A64_SR_SCTLR_EL1] |= 1 << 19; /* WXN changes what a walk yields */
    a64_mmu_changed(r->cpu);
    b = context(r, IR_VIEW_CURRENT);
    assert_int_not_equal(b.digest, a.digest);
    sr[A64_SR_SCTLR_EL1] &= ~(UINT64_C(1) << 19);
    a64_mmu_changed(r->cpu);
    assert_int_equal(context(r, IR_VIEW_CURRENT).digest, a.digest);
    sr[A64_SR_VTTBR_EL2] = UINT64_C(0x1ff) << 48; /* VTCR.VS = 0: 8 bits; also with VM = 0 */
    assert_int_equal(context(r, IR_VIEW_CURRENT).vmid, 0xff);
    sr[A64_SR_VTCR_EL2] |= 1 << 19;
    assert_int_equal(context(r, IR_VIEW_CURRENT).vmid, 0x1ff);
    assert_int_not_equal(context(r, IR_VIEW_UNPRIV).view, context(r, IR_VIEW_CURRENT).view);
    r->cpu->st.pstate.uao = 1;
    assert_int_equal(context(r, IR_VIEW_UNPRIV).view, context(r, IR_VIEW_CURRENT).view);
    at_el(r, 2);
    assert_int_equal(context(r, IR_VIEW_CURRENT).regime, A64_REGIME_EL2);
    sr[A64_SR_HCR_EL2] |= A64_HCR_EL2_E2H;
    assert_int_equal(context(r, IR_VIEW_CURRENT).regime, A64_REGIME_EL20);
    at_el(r, 0);
    assert_int_equal(context(r, IR_VIEW_CURRENT).regime, A64_REGIME_EL10);
    sr[A64_SR_HCR_EL2] |= A64_HCR_EL2_TGE;
    assert_int_equal(context(r, IR_VIEW_CURRENT).regime, A64_REGIME_EL20);
    assert_int_equal(context(r, IR_VIEW_CURRENT).vmid, 0);
}

/* More settings than there are numbers: none may be used twice for what is still cached. */
static void test_many_digests(void **state)
{
    Rig *r = *state;
    uint64_t *sr = r->cpu->st.sr;

    for (uint64_t i = 0; i < 2000; i++) {
        EngXlat x;

        sr[A64_SR_MAIR_EL1] = i << 8 | 0xff;
        a64_mmu_changed(r->cpu);
        assert_true(context(r, IR_VIEW_CURRENT).digest < 512);
        eng_tlb_flush(&r->cpu->eng);
        assert_true(translate(r, 0x5000, ENG_READ, 3, &x));
    }
}

/* The word at va as a vCPU that goes on running sees it. */
static uint64_t seen_by(A64Cpu *cpu, uint64_t va)
{
    uint64_t value = 0;

    eng_tlb_enter(&cpu->eng);
    eng_tlb_switch(&cpu->eng);
    assert_true(eng_load(&cpu->eng, (Va){ va }, IR_MEM_SIZE(3), &value));
    eng_tlb_leave(&cpu->eng);
    return value;
}

/* HCR_EL2.FB makes EL1's local TLBI reach the other vCPU. */
static void test_forced_broadcast(void **state)
{
    Rig *r = *state;
    A64Cpu *other = a64_cpu_new(r->machine, r->model, &r->ports);
    uint64_t one = 1, two = 2;
    A64SysOp vaae1 = { 0, 8, 7, 3 };

    memcpy(other->st.sr, r->cpu->st.sr, sizeof other->st.sr);
    other->st.pstate = r->cpu->st.pstate;
    a64_mmu_changed(other);
    assert_true(mem_copy_to(r->mem, (Pa){ 0x40010000 }, &one, 8));
    assert_true(mem_copy_to(r->mem, (Pa){ 0x40012000 }, &two, 8));
    assert_int_equal(seen_by(other, 0x5000), 1);
    put(r, 3, 5, 0x40012000 | 3 | AF | 1 << 7);
    a64_tlbi(r->cpu, vaae1, 5);
    assert_int_equal(seen_by(other, 0x5000), 1); /* ours: local means local */
    r->cpu->st.sr[A64_SR_HCR_EL2] |= A64_HCR_EL2_FB;
    a64_tlbi(r->cpu, vaae1, 5);
    eng_dsb(&r->cpu->eng);
    assert_int_equal(seen_by(other, 0x5000), 2);
    a64_cpu_free(other);
}

static const A64TlbiContext plain = { .vmid = 7, .asid16 = true };
static const A64TlbiContext host = {
    .vmid = 7, .asid16 = true, .el2_is_el20 = true, .el1_is_el20 = true
};

typedef struct {
    A64SysOp op;
    EngTlbiKind kind;
    bool broadcast, any;
} Row;

static void test_tlbi_names(void **state)
{
    /* encodings from the instructions' pages */
    static const Row rows[] = {
        { { 0, 8, 7, 0 }, ENG_TLBI_VMID_S1, false, false }, /* VMALLE1 */
        { { 0, 8, 3, 0 }, ENG_TLBI_VMID_S1, true, false },  /* VMALLE1IS */
        { { 0, 8, 1, 0 }, ENG_TLBI_VMID_S1, true, false },  /* VMALLE1OS */
        { { 0, 9, 3, 0 }, ENG_TLBI_VMID_S1, true, false },  /* VMALLE1ISNXS */
        { { 0, 8, 7, 1 }, ENG_TLBI_VA, false, false },      /* VAE1 */
        { { 0, 8, 3, 5 }, ENG_TLBI_VA, true, false },       /* VALE1IS */
        { { 0, 8, 7, 2 }, ENG_TLBI_ASID, false, false },    /* ASIDE1 */
        { { 0, 8, 3, 3 }, ENG_TLBI_VA, true, true },        /* VAAE1IS */
        { { 0, 8, 3, 7 }, ENG_TLBI_VA, true, true },        /* VAALE1IS */
        { { 4, 8, 7, 0 }, ENG_TLBI_VMID_S1, false, false }, /* ALLE2 */
        { { 4, 8, 3, 1 }, ENG_TLBI_VA, true, false },       /* VAE2IS */
        { { 4, 8, 3, 4 }, ENG_TLBI_ALL, true, false },      /* ALLE1IS */
        { { 4, 8, 7, 4 }, ENG_TLBI_ALL, false, false },     /* ALLE1 */
        { { 4, 8, 3, 6 }, ENG_TLBI_VMID, true, false },     /* VMALLS12E1IS */
        { { 4, 8, 1, 6 }, ENG_TLBI_VMID, true, false },     /* VMALLS12E1OS */
        { { 4, 8, 0, 1 }, ENG_TLBI_IPA, true, false },      /* IPAS2E1IS */
        { { 4, 8, 0, 5 }, ENG_TLBI_IPA, true, false },      /* IPAS2LE1IS */
        { { 4, 8, 4, 1 }, ENG_TLBI_IPA, false, false },     /* IPAS2E1 */
        { { 4, 8, 4, 0 }, ENG_TLBI_IPA, true, false },      /* IPAS2E1OS */
        { { 4, 8, 4, 4 }, ENG_TLBI_IPA, true, false },      /* IPAS2LE1OS */
    };
    EngTlbi t;
    bool broadcast;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_true(a64_tlbi_decode(&plain, rows[i].op, UINT64_C(0x0123000000abcdef), &t,
                                    &broadcast));
        assert_int_equal(t.kind, rows[i].kind);
        assert_int_equal(broadcast, rows[i].broadcast);
        assert_int_equal(t.any_asid, rows[i].any);
        if (t.kind == ENG_TLBI_VA) {
            assert_int_equal(t.base, UINT64_C(0xabcdef000));
            assert_int_equal(t.size, 0x1000);
        } else if (t.kind == ENG_TLBI_IPA) {
            assert_int_equal(t.base, UINT64_C(0xabcdef000));
            assert_int_equal(t.vmid, 7);
        } else if (t.kind == ENG_TLBI_ASID) {
            assert_int_equal(t.asid, 0x123);
        }
    }
}

static void test_tlbi_scope(void **state)
{
    EngTlbi t;
    bool b;

    assert_true(a64_tlbi_decode(&plain, (A64SysOp){ 0, 8, 7, 1 }, UINT64_C(0x0123) << 48, &t, &b));
    assert_int_equal(t.regime, A64_REGIME_EL10);
    assert_int_equal(t.vmid, 7);
    assert_int_equal(t.asid, 0x123);
    /* {E2H,TGE} = {1,1}: EL1's instructions mean EL2&0, which has no VMID */
    assert_true(a64_tlbi_decode(&host, (A64SysOp){ 0, 8, 7, 1 }, UINT64_C(0x0123) << 48, &t, &b));
    assert_int_equal(t.regime, A64_REGIME_EL20);
    assert_int_equal(t.vmid, 0);
    assert_true(a64_tlbi_decode(&host, (A64SysOp){ 4, 8, 7, 1 }, UINT64_C(0x0123) << 48, &t, &b));
    assert_int_equal(t.regime, A64_REGIME_EL20);
    assert_int_equal(t.asid, 0x123);
    /* ... but guests by VMID are still EL1&0 */
    assert_true(a64_tlbi_decode(&host, (A64SysOp){ 4, 8, 3, 6 }, 0, &t, &b));
    assert_int_equal(t.regime, A64_REGIME_EL10);
    assert_int_equal(t.vmid, 7);
    assert_true(a64_tlbi_decode(&plain, (A64SysOp){ 4, 8, 7, 1 }, UINT64_C(0x0123) << 48, &t, &b));
    assert_int_equal(t.regime, A64_REGIME_EL2);
    assert_int_equal(t.asid, 0);
}

#define RANGE(tg, scale, num, base)                                                                \
    ((uint64_t)(tg) << 46 | (uint64_t)(scale) << 44 | (uint64_t)(num) << 39 | (base))

static void test_tlbi_range(void **state)
{
    A64TlbiContext ds = plain;
    EngTlbi t;
    bool b;

    /* RVAE1IS: 4K, (3 + 1) * 2^(5*1 + 1) pages */
    assert_true(a64_tlbi_decode(&plain, (A64SysOp){ 0, 8, 2, 1 }, RANGE(1, 1, 3, 0x12345), &t, &b));
    assert_true(b);
    assert_int_equal(t.kind, ENG_TLBI_VA);
    assert_int_equal(t.base, 0x12345000);
    assert_int_equal(t.size, 4 * 64 * 4096);
    /* RVAALE1OS, 64K, in the upper half: bit 36 is the sign */
    assert_true(a64_tlbi_decode(&plain, (A64SysOp){ 0, 8, 5, 7 },
                                RANGE(3, 0, 0, UINT64_C(0x1fffffffff)), &t, &b));
    assert_true(b && t.any_asid);
    assert_int_equal(t.base, UINT64_C(0xffffffffff0000));
    assert_int_equal(t.size, 0x10000); /* two pages asked for, one is left below the top */
    /* RVAE2, 16K, local */
    assert_true(a64_tlbi_decode(&plain, (A64SysOp){ 4, 8, 6, 1 }, RANGE(2, 3, 31, 5), &t, &b));
    assert_false(b);
    assert_int_equal(t.base, 5 << 14);
    assert_int_equal(t.size, (UINT64_C(32) << 16) << 14);
    /* RIPAS2E1IS and OS; with 52-bit addresses BaseADDR counts 64K */
    assert_true(a64_tlbi_decode(&plain, (A64SysOp){ 4, 8, 0, 2 }, RANGE(1, 0, 1, 0x80000), &t, &b));
    assert_int_equal(t.kind, ENG_TLBI_IPA);
    assert_int_equal(t.base, 0x80000000);
    assert_int_equal(t.size, 4 * 4096);
    assert_true(b);
    ds.ds2 = true;
    assert_true(a64_tlbi_decode(&ds, (A64SysOp){ 4, 8, 4, 3 }, RANGE(1, 0, 1, 0x80000), &t, &b));
    assert_int_equal(t.base, UINT64_C(0x800000000));
    assert_true(b);
    assert_true(a64_tlbi_decode(&ds, (A64SysOp){ 4, 8, 4, 2 }, RANGE(1, 0, 1, 0x80000), &t, &b));
    assert_false(b);
    /* TG = 0 is reserved: nothing */
    assert_false(a64_tlbi_decode(&plain, (A64SysOp){ 0, 8, 2, 1 }, RANGE(0, 1, 3, 1), &t, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_translation, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_data_abort, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stage2_abort, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_routing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_at, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_at_two_stages, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_contexts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_three_contexts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many_digests, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_forced_broadcast, set_up, tear_down),
        cmocka_unit_test(test_tlbi_names),
        cmocka_unit_test(test_tlbi_scope),
        cmocka_unit_test(test_tlbi_range),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
