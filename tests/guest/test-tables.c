/*
 * Tables of unusual shape: FEAT_TTST (few address bits), FEAT_BBM (the size of a mapping changes while it is used), FEAT_E0PD.
 * Arm ARM: "Translation table walk", "Support levels for changing table or block size", TCR_EL1.
 */
#include "rt.h"

#define TARGET 0x46000000ull
#define WINDOW 0x100000000ull
#define PAGE 0x1000ull
#define UPPER 0xffffff8000000000ull /* the TTBR1 half with 39 bits */

PROBE(load, "ldr x0, [x0]");
PROBE(store, "str x0, [x0]");
PROBE(load_user, "ldtr x0, [x0]");

static struct RtMap map, up;

static void upper_half(const struct RtMap *m, u64 extra)
{
    u64 tcr = (rt_tcr_el1(&map) & ~BIT(23)) | (u64)(64 - m->va_bits) << 16 | 3 << 28 | 1 << 24 | 1 << 26;
    WRITE(ttbr1_el1, (u64)m->root);
    WRITE_ISB(tcr_el1, tcr | (m->shift == 12 ? 2ull : m->shift == 14 ? 1ull : 3ull) << 30 | extra);
    rt_tlbi_all();
}

static u64 par(u64 va)
{
    __asm__ volatile("at s12e1r, %0\n isb" : : "r"(va) : "memory");
    return READ(par_el1);
}

/* ---- FEAT_TTST ---- */

/* The last bits, TnSZ = 48 (47 with 64K): one table of level 3 with a handful of entries. */
static void small_stage1(unsigned shift)
{
    unsigned bits = shift == 16 ? 17 : 16;
    u64 unit = 1ull << shift, top = 0 - (1ull << bits), last = 0 - unit;
    static u64 entries[16] __attribute__((aligned(128)));
    struct RtMap small = {.root = entries, .shift = shift, .va_bits = bits, .start = 3};
    if (!rt_has_granule(shift)) {
        rt_skip("granule", "not announced");
        return;
    }
    for (unsigned i = 0; i < 16; i++)
        entries[i] = 0;
    entries[0] = TARGET | S1_RAM | 3;
    entries[(1u << (bits - shift)) - 1] = (TARGET + 0x20000) | S1_RAM | 3;
    upper_half(&small, 0);
    *(volatile u64 *)(TARGET + 8) = 0x1111 + shift;
    *(volatile u64 *)(TARGET + 0x20000 + 16) = 0x2222 + shift;
    CHECK_NONE("first", TRY(RT_SKIP, CHECK_EQ("first page", rt_el1(load, top + 8), 0x1111 + shift)));
    CHECK_NONE("last", TRY(RT_SKIP, CHECK_EQ("last page", rt_el1(load, last + 16), 0x2222 + shift)));
    CHECK_EXC("below", TRY(RT_SKIP, rt_el1(load, top - 8)), 1, 0x200, ESR(0x25, 4));
    if ((1u << (bits - shift)) > 2)
        CHECK_EXC("missing", TRY(RT_SKIP, rt_el1(load, top + unit)), 1, 0x200, ESR(0x25, 7));
}

/* Stage 2 of 64 KiB: SL0 = 3 starts a 4K walk at level 3. Stage 1 is off: the VA is the IPA. */
static void small_stage2(void)
{
    static u64 entries[16] __attribute__((aligned(128)));
    u64 sctlr = READ(sctlr_el1);
    WRITE_ISB(sctlr_el1, SCTLR_EL1_OFF);
    entries[2] = TARGET | S2_RAM | 3;
    WRITE(vtcr_el2, 48 | 3 << 6 | 1 << 8 | 1 << 10 | 3 << 12 | 5 << 16 | BIT(31));
    WRITE(vttbr_el2, (u64)entries);
    WRITE_ISB(hcr_el2, HCR_RW | HCR_VM);
    rt_tlbi_all();
    CHECK_EQ("mapped", par(2 * PAGE + 8) & 0xfffffffff001, TARGET);
    CHECK_EQ("missing: level 3 of stage 2", par(PAGE) & 0xb7f, 1 << 11 | 1 << 9 | 7 << 1 | 1);
    CHECK_EQ("beyond: level 0 of stage 2", par(1 << 16) & 0xb7f, 1 << 11 | 1 << 9 | 4 << 1 | 1);
    rt_s2_off();
    WRITE_ISB(sctlr_el1, sctlr);
    rt_tlbi_all();
}

static void small(void)
{
    if (BITS(READ(id_aa64mmfr2_el1), 31, 28) < 1) {
        rt_skip("small tables", "TTST is not announced");
        return;
    }
    small_stage1(12);
    small_stage1(14);
    small_stage1(16);
    small_stage2();
}

/* ---- FEAT_BBM ---- */

/* One load: the value must be right; level 1 may report a TLB conflict, and nT a Translation fault. */
static void during(const char *what, u64 va, u64 want, unsigned level, bool no_tlb)
{
    u64 got = 0;
    const struct RtExc *exc = TRY(RT_SKIP, got = rt_el1(load, va));
    if (exc->count && ((level < 2 && FSC(exc) == 0x30) || (no_tlb && FSC(exc) == 6)))
        rt_tlbi_all();
    else if (CHECK_EQ(what, exc->count ? exc->esr : 0, 0))
        CHECK_EQ(what, got, want);
}

/* 2 MiB as a block, then as pages, then as a block, and no invalidation between. */
static void live(void)
{
    unsigned level = BITS(READ(id_aa64mmfr2_el1), 55, 52);
    u64 *entry = rt_map_entry(&map, WINDOW, 2), nt = BIT(16);
    u64 *pages = rt_alloc(4096, 4096), block = TARGET | S1_RAM | 1;
    if (level < 1) {
        rt_skip("changing sizes", "BBM is not announced");
        return;
    }
    for (unsigned i = 0; i < 512; i++) {
        pages[i] = (TARGET + i * PAGE) | S1_RAM | 3;
        *(volatile u64 *)(TARGET + i * PAGE) = 7000 + i;
    }
    for (unsigned round = 0; round < 3; round++) {
        bool no_tlb = level < 2 || round == 2;
        *(volatile u64 *)entry = block | (no_tlb ? nt : 0);
        table_sync();
        during("block", WINDOW + 3 * PAGE, 7003, level, no_tlb);
        *(volatile u64 *)entry = (u64)pages | 3;
        table_sync();
        during("pages", WINDOW + 3 * PAGE, 7003, level, no_tlb);
        during("pages", WINDOW + 9 * PAGE, 7009, level, no_tlb);
        *(volatile u64 *)entry = block | (no_tlb ? nt : 0);
        table_sync();
        during("block again", WINDOW + 9 * PAGE, 7009, level, no_tlb);
        during("block again", WINDOW + 500 * PAGE, 7500, level, no_tlb);
    }
    *entry = 0;
    rt_tlbi_all();
    CHECK_EXC("all of them go", TRY(RT_SKIP, rt_el1(load, WINDOW + 3 * PAGE)), 1, 0x200, ESR(0x25, 6));
}

/* ---- FEAT_E0PD ---- */

static void unprivileged(void)
{
    if (BITS(READ(id_aa64mmfr2_el1), 63, 60) < 1) {
        rt_skip("E0PD", "not announced");
        return;
    }
    rt_map_init(&up, 12, 39);
    rt_map_set(&up, UPPER, 3, TARGET, S1_RAM | S1_USER);
    *(volatile u64 *)TARGET = 4711;
    upper_half(&up, 0);
    CHECK_EQ("EL0 without E0PD1", rt_el0(load, UPPER), 4711);
    CHECK_EQ("LDTR without E0PD1", rt_el1(load_user, UPPER), 4711);
    upper_half(&up, BIT(56));
    CHECK_EQ("EL1 with E0PD1", rt_el1(load, UPPER), 4711);
    CHECK_EXC("EL0, mapped", TRY(RT_SKIP, rt_el0(load, UPPER)), 1, 0x400, ESR(0x24, 4));
    CHECK_EXC("EL0, store", TRY(RT_SKIP, rt_el0(store, UPPER)), 1, 0x400, ESR(0x24, 1 << 6 | 4));
    CHECK_EXC("EL0, not mapped", TRY(RT_SKIP, rt_el0(load, UPPER + (1ull << 32))), 1, 0x400, ESR(0x24, 4));
    CHECK_EXC("LDTR", TRY(RT_SKIP, rt_el1(load_user, UPPER)), 1, 0x200, ESR(0x25, 4));
    upper_half(&up, BIT(55)); /* E0PD0 says nothing of the upper half */
    CHECK_EQ("LDTR with E0PD0", rt_el1(load_user, UPPER), 4711);
    CHECK_EXC("LDTR below with E0PD0", TRY(RT_SKIP, rt_el1(load_user, TARGET)), 1, 0x200, ESR(0x25, 4));
}

void test_main(void)
{
    rt_map_init(&map, 12, 39);
    rt_map_image(&map);
    rt_map_entry(&map, WINDOW, 2);
    rt_map_range(&map, TARGET, TARGET, 0x200000, S1_RAM | S1_USER);
    rt_el1_mmu(&map, 0);
    CHECK_NONE("start", TRY(RT_SKIP, rt_el1(load, TARGET)));
    live();
    small();
    unprivileged();
}
