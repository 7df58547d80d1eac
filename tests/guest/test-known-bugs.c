/*
 * Bugs that other models of the architecture had, and that hypervisors met: a test each that no other file has (docs/testing.md has the
 * whole list). Arm ARM, MDCR_EL2 and PMCR_EL0 (HPMN), "Breakpoint exceptions", TCR_EL1.DS (FEAT_LPA2).
 */
#include "rt.h"

#define MDSCR_MDE BIT(15)
#define MDSCR_KDE BIT(13)
#define NO_D (SPSR_EL1H & ~BIT(9))
#define BREAKPOINT 0x30
#define TCR_DS BIT(59)

static u64 r_pmcr(u64 x)
{
    return READ(pmcr_el0);
}

/* A model showed the number of all counters in PMCR_EL0.N instead of what MDCR_EL2.HPMN leaves to EL1 and EL0. */
static void counters(void)
{
    const u64 version = BITS(READ(id_aa64dfr0_el1), 11, 8);
    if (version == 0 || version == 15) {
        rt_skip("MDCR_EL2.HPMN and PMCR_EL0.N", "no PMU is announced");
        const struct RtExc *exc = TRY(RT_SKIP, rt_el1(r_pmcr, 0));
        CHECK_EQ("PMCR_EL0 is UNDEFINED then", exc->count == 1 ? EC(exc) : ~0ull, 0);
        return;
    }
    const u64 before = READ(mdcr_el2), all = BITS(READ(pmcr_el0), 15, 11);
    for (u64 n = 1; n <= all; n++) {
        WRITE_ISB(mdcr_el2, (before & ~0x1full) | n);
        CHECK_EQ("HPMN: N at EL1", BITS(rt_el1(r_pmcr, 0), 15, 11), n);
        CHECK_EQ("HPMN: N at EL2", BITS(READ(pmcr_el0), 15, 11), all);
    }
    WRITE_ISB(mdcr_el2, before);
}

/* --- breakpoints on pages of two stages --- */
static struct RtMap stage1, stage2;
#define CODE_VA 0x50000000ull /* EL1's name for the page with the code, two names away from where it lies */
#define CODE_IPA 0x60000000ull

static u64 call_code(u64 address)
{
    u64 result;
    __asm__ volatile("stp x29, x30, [sp, #-16]!\n blr %1\n ldp x29, x30, [sp], #16\n mov %0, x0"
                     : "=r"(result)
                     : "r"(address)
                     : "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "x30",
                       "memory");
    return result;
}

/* One page with: mov x0, #42; ret. */
static u64 code_page(void)
{
    u32 *code = rt_alloc(rt_level_size(&stage1, 3), rt_level_size(&stage1, 3));
    code[0] = 0xd2800540;
    code[1] = 0xd65f03c0;
    __asm__ volatile("dc cvau, %0\n dsb sy\n ic ivau, %0\n dsb sy\n isb" : : "r"(code) : "memory");
    return (u64)code;
}

static void two_stages(void)
{
    const unsigned shift = rt_el2_map.shift, bits = shift == 14 ? 36 : 39;
    rt_map_init(&stage1, shift, bits);
    rt_map_image(&stage1);
    rt_map_init(&stage2, shift, bits);
    rt_map_image_s2(&stage2);
    const u64 page = code_page(), size = rt_level_size(&stage1, 3);
    rt_map_range(&stage1, CODE_VA, CODE_IPA, size, S1_RAM);
    rt_map_range(&stage2, CODE_IPA, page, size, S2_RAM);
    rt_el1_mmu(&stage1, 0);
    rt_s2(&stage2, 7, 0);
}

/* Nothing of the page is in the TLB when the breakpoint is looked for: a model stopped there. */
static void breakpoints(void)
{
    two_stages();
    WRITE_ISB(oslar_el1, 0);
    WRITE_ISB(mdscr_el1, MDSCR_MDE | MDSCR_KDE);
    WRITE(dbgbvr0_el1, CODE_VA);
    WRITE_ISB(dbgbcr0_el1, BIT(0) | 3 << 1 | 15 << 5);
    for (unsigned round = 0; round < 3; round++) {
        rt_tlbi_all();
        const struct RtExc *exc = TRY(RT_SKIP, rt_call(NO_D, call_code, CODE_VA));
        CHECK_EXC("two stages, cold TLB", exc, 1, 0x200, ESR(BREAKPOINT + 1, 0x22));
        CHECK_EQ("its address", exc->elr, CODE_VA);
    }
    WRITE_ISB(dbgbcr0_el1, 0);
    rt_tlbi_all();
    CHECK_EQ("the code runs without it", rt_call(NO_D, call_code, CODE_VA), 42);
    WRITE_ISB(dbgbcr0_el1, BIT(0) | 3 << 1 | 15 << 5);
    *rt_map_entry(&stage2, CODE_IPA, 3) = 0;
    rt_tlbi_all();
    const struct RtExc *exc = TRY(RT_LR, rt_call(NO_D, call_code, CODE_VA));
    CHECK_EXC("stage 2 does not map it: Instruction Abort first [peer differs]", exc, 2, 0x400, ESR(0x20, 0x07));
    CHECK_EQ("its IPA [peer differs]", exc->hpfar, CODE_IPA >> 8);
    WRITE_ISB(dbgbcr0_el1, 0);
    WRITE_ISB(mdscr_el1, 0);
    rt_s2_off();
    rt_el1_mmu_off();
}

/*
 * TCR_EL1.DS changes where the top bits of an output address lie, and only with FEAT_LPA2 of that granule. Kernels that set it
 * trusting an ID register, or have it set behind their back, died without a word in models that mixed the two up.
 */
static void wide_addresses(void)
{
    if (!rt_has_granule(12)) {
        rt_skip("TCR_EL1.DS", "no 4K granule");
        return;
    }
    const bool lpa2 = BITS(READ(id_aa64mmfr0_el1), 31, 28) == 1;
    rt_map_init(&stage1, 12, 39);
    rt_map_image(&stage1); /* with bits 9:8, shareability or address bits 51:50, set */
    const u64 page = code_page();
    rt_map_range(&stage1, CODE_VA, page, 4096, S1_RAM);
    rt_el1_mmu(&stage1, 0);
    CHECK_EQ("DS clear: bits 9:8 are shareability", rt_call(SPSR_EL1H, call_code, CODE_VA), 42);
    if (lpa2) {
        rt_skip("TCR_EL1.DS without FEAT_LPA2", "FEAT_LPA2 is announced");
    } else {
        WRITE_ISB(tcr_el1, READ(tcr_el1) | TCR_DS);
        rt_tlbi_all();
        CHECK_EQ("DS set without FEAT_LPA2: nothing changes", rt_call(SPSR_EL1H, call_code, CODE_VA), 42);
    }
    rt_el1_mmu_off();
}

void test_main(void)
{
    counters();
    breakpoints();
    wide_addresses();
}
