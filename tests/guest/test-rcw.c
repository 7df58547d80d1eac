/*
 * Read-Check-Write instructions (FEAT_THE), 64-bit: memory, register and flags against vectors computed from the manual (gen_rcw.py) at
 * EL0, EL1, EL2 and at both of a host; alignment, permissions, the mask registers. Without the feature: all UNDEFINED. Arm ARM,
 * "Read Check Write instructions", "RCWCheck", TCR2_ELx.PnCH, RCWMASK_EL1, RCWSMASK_EL1.
 */
#include "rt.h"

struct Vector {
    u16 which;
    u8 nzcv;
    u64 old, operand, compare, memory, read;
};
struct Group {
    bool protection;
    u64 mask, soft_mask;
    u32 first, count;
};
#include "rcw-vectors.inc"
extern const char rcw_stubs[];

#define ID_AA64MMFR3_EL1 s3_0_c0_c7_3
#define RCWSMASK_EL1 s3_0_c13_c0_3
#define RCWMASK_EL1 s3_0_c13_c0_6
#define TCR2_EL1 s3_0_c2_c0_3
#define TCR2_EL12 s3_5_c2_c0_3
#define TCR2_EL2 s3_4_c2_c0_3
#define HCRX_EL2 s3_4_c1_c2_2
#define HCRX_TCR2EN BIT(14)
#define TCR2_PNCH BIT(0)
#define SCTLR_SPAN BIT(23)
#define SPSR_PAN (SPSR_EL1H | BIT(22))
#define WNR BIT(6)
#define PAGE_TARGET 0x46000000ull
#define PAGE_USER 0x46010000ull
#define MASK_BITS ~((BIT(50) - BIT(18)) | BIT(52) | BIT(0)) /* the others are RES0 */

struct Got {
    u64 memory, read, nzcv;
};
static struct Got got[64]; /* of a part of a group */
static u64 cell __attribute__((aligned(64)));
static struct RtMap map;

/* Flags before: none of those that are wanted, so that flags that stay are noticed. */
static void execute(unsigned which, u64 *memory, u64 operand, u64 *reg, u64 *nzcv)
{
    register u64 x0 __asm__("x0") = (u64)memory;
    register u64 x1 __asm__("x1") = operand;
    register u64 x2 __asm__("x2") = *reg;
    register u64 x3 __asm__("x3") = *nzcv << 28;
    __asm__ volatile("blr %4" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : "r"(rcw_stubs + 16 * which) : "x30", "cc", "memory");
    *reg = x2;
    *nzcv = x3 >> 28;
}

static u64 run_part(u64 first)
{
    for (unsigned i = 0; i < 64 && first + i < sizeof vectors / sizeof vectors[0]; i++) {
        const struct Vector *v = &vectors[first + i];
        u64 reg = v->compare, nzcv = v->nzcv ^ 15;
        cell = v->old;
        execute(v->which, &cell, v->operand, &reg, &nzcv);
        got[i] = (struct Got){cell, reg, nzcv};
    }
    return 0;
}

static unsigned shown;
static bool compare(const char *where, const struct Group *g, const struct Vector *v, const struct Got *got)
{
    if (got->memory == v->memory && got->read == v->read && got->nzcv == v->nzcv)
        return true;
    if (shown++ < 20)
        rt_printf("%s: %s PnCH %d RCWMASK %lx RCWSMASK %lx memory %lx X1 %lx X2 %lx: memory %lx X2 %lx NZCV %d, "
                  "expected %lx %lx %d\n",
                  where, names[v->which], g->protection, g->mask, g->soft_mask, v->old, v->operand, v->compare, got->memory, got->read,
                  (int)got->nzcv, v->memory, v->read, v->nzcv);
    return false;
}

/* PnCH of the regime, which is that of EL2 if host or at EL2. */
static void protect(u64 regime, bool on)
{
    if (regime == 2)
        WRITE_ISB(TCR2_EL2, on ? TCR2_PNCH : 0);
    else if (READ(hcr_el2) & HCR_E2H)
        WRITE_ISB(TCR2_EL12, on ? TCR2_PNCH : 0);
    else
        WRITE_ISB(TCR2_EL1, on ? TCR2_PNCH : 0);
    rt_tlbi_all();
}

static void all_vectors(const char *where, u64 spsr, u64 regime)
{
    unsigned wrong = 0;
    shown = 0;
    for (unsigned n = 0; n < sizeof groups / sizeof groups[0]; n++) {
        const struct Group *g = &groups[n];
        protect(regime, g->protection);
        protect(regime ^ 3, !g->protection); /* not asked */
        WRITE(RCWMASK_EL1, g->mask);
        WRITE_ISB(RCWSMASK_EL1, g->soft_mask);
        for (u32 first = 0; first < g->count; first += 64) {
            if (spsr == SPSR_EL2H)
                run_part(g->first + first);
            else
                rt_call(spsr, run_part, g->first + first);
            for (u32 i = 0; i < 64 && first + i < g->count; i++)
                wrong += !compare(where, g, &vectors[g->first + first + i], &got[i]);
        }
    }
    CHECK_EQ("vectors that differ", wrong, 0);
    protect(1, false);
    protect(2, false);
}

/* HCRX_EL2.TCR2En clear: PnCH of EL1 has no effect. */
static void not_enabled(void)
{
    protect(1, true);
    WRITE_ISB(HCRX_EL2, READ(HCRX_EL2) & ~HCRX_TCR2EN);
    unsigned wrong = 0;
    for (unsigned n = 0; n < sizeof groups / sizeof groups[0] && !groups[n].protection; n += 3) {
        WRITE(RCWMASK_EL1, groups[n].mask);
        WRITE_ISB(RCWSMASK_EL1, groups[n].soft_mask);
        rt_el1(run_part, groups[n].first);
        for (u32 i = 0; i < 64 && i < groups[n].count; i++)
            wrong += !compare("TCR2En clear", &groups[n], &vectors[groups[n].first + i], &got[i]);
    }
    CHECK_EQ("TCR2En clear: vectors that differ", wrong, 0);
    WRITE_ISB(HCRX_EL2, READ(HCRX_EL2) | HCRX_TCR2EN);
    protect(1, false);
}

static void host(void)
{
    u64 hcr = READ(hcr_el2), ttbr = READ(ttbr0_el2), tcr = READ(tcr_el2), sctlr = READ(sctlr_el2);
    WRITE_ISB(hcr_el2, hcr | HCR_E2H | HCR_TGE);
    WRITE(tcr_el2, rt_tcr_e2h(&map));
    WRITE_ISB(ttbr0_el2, (u64)map.root);
    WRITE_ISB(sctlr_el2, sctlr | SCTLR_SPAN);
    rt_tlbi_all();
    all_vectors("host user", SPSR_EL0, 2);
    all_vectors("host", SPSR_EL2H, 2);
    WRITE(sctlr_el2, sctlr);
    WRITE(ttbr0_el2, ttbr);
    WRITE(tcr_el2, tcr);
    WRITE_ISB(hcr_el2, hcr);
    rt_tlbi_all();
}

/* --- faults -------------------------------------------------------------------------------------- */
static unsigned subject;
static u64 swap_at(u64 va)
{
    u64 reg = 0, nzcv = 0;
    execute(subject, (u64 *)va, 0x1234, &reg, &nzcv);
    return reg;
}

static void expect_abort(const char *what, const struct RtExc *exc, u64 el, u64 iss)
{
    CHECK_EQ(what, exc->count, 1);
    CHECK_EQ(what, exc->el, 1);
    CHECK_EQ(what, exc->vector, el ? 0x200 : 0x400);
    CHECK_EQ(what, EC(exc), el ? 0x25 : 0x24);
    CHECK_EQ(what, exc->esr & (WNR | 0x3f), iss);
}

static void faults(void)
{
    u64 page = 1ull << map.shift;
    volatile u64 *target = (u64 *)PAGE_TARGET;
    rt_map_range(&map, PAGE_TARGET, PAGE_TARGET, page, S1_RAM | S1_RO | S1_UXN | S1_PXN);
    rt_map_range(&map, PAGE_USER, PAGE_USER, page, S1_RAM | S1_USER | S1_UXN | S1_PXN);
    table_sync();
    rt_tlbi_all();
    target[0] = target[1] = *(volatile u64 *)PAGE_USER = 77;
    for (subject = 0; subject < COUNT; subject++) {
        /* a compare that fails as one that would write */
        expect_abort("read-only", TRY(RT_SKIP, rt_el1(swap_at, PAGE_TARGET)), 1, WNR | 15);
        CHECK_EQ("read-only: memory", target[0], 77);
        expect_abort("no access for EL0", TRY(RT_SKIP, rt_el0(swap_at, PAGE_TARGET)), 0, 15);
        for (u64 off = 1; off < 16; off++) {
            const struct RtExc *exc = TRY(RT_SKIP, rt_el0(swap_at, PAGE_USER + off));
            if (off == 8)
                CHECK_NONE("aligned", exc);
            else
                CHECK_EQ("not aligned", exc->count ? EC(exc) << 8 | FSC(exc) : 0, 0x2421);
        }
    }
}

/* These are accesses to which PAN applies. The image is privileged here, stack included. */
static void privileged(void)
{
    static struct RtMap own;
    rt_map_init(&own, map.shift, map.va_bits);
    rt_map_range(&own, 0x40200000, 0x40200000, 0x200000, S1_RAM | S1_RO);
    rt_map_range(&own, 0x40400000, 0x40400000, 0x3c00000, S1_RAM | S1_UXN | S1_PXN);
    rt_map_range(&own, PAGE_USER, PAGE_USER, 1ull << map.shift, S1_RAM | S1_USER | S1_UXN | S1_PXN);
    rt_el1_mmu(&own, 0);
    for (subject = 0; subject < COUNT; subject++) {
        expect_abort("PAN", TRY(RT_SKIP, rt_call(SPSR_PAN, swap_at, PAGE_USER)), 1, 15);
        CHECK_NONE("no PAN", TRY(RT_SKIP, rt_el1(swap_at, PAGE_USER)));
    }
    rt_el1_mmu(&map, 0);
}

static void registers(void)
{
    static const u64 values[] = {0, ~0ull, 0x0123456789abcdef, BIT(17), BIT(63) | BIT(1)};
    for (unsigned i = 0; i < 5; i++) {
        WRITE(RCWMASK_EL1, values[i]);
        WRITE_ISB(RCWSMASK_EL1, ~values[i]);
        CHECK_EQ("RCWMASK_EL1", READ(RCWMASK_EL1) & MASK_BITS, values[i] & MASK_BITS);
        CHECK_EQ("RCWSMASK_EL1", READ(RCWSMASK_EL1) & MASK_BITS, ~values[i] & MASK_BITS);
    }
}

PROBE(mask_at_el0, "mrs x0, s3_0_c13_c0_6");
PROBE(soft_mask_at_el0, "msr s3_0_c13_c0_3, x0");

static void undefined_at_el0(void)
{
    CHECK_EXC("RCWMASK_EL1 at EL0", TRY(RT_SKIP, rt_el0(mask_at_el0, 0)), 1, 0x400, ESR(0, 0));
    CHECK_EXC("RCWSMASK_EL1 at EL0", TRY(RT_SKIP, rt_el0(soft_mask_at_el0, 0)), 1, 0x400, ESR(0, 0));
}

static void absent(void)
{
    rt_skip("vectors", "no FEAT_THE here");
    for (subject = 0; subject < COUNT; subject++) {
        cell = 99;
        CHECK_EXC("UNDEFINED at EL2", TRY(RT_SKIP, swap_at((u64)&cell)), 2, 0x200, ESR(0, 0));
        CHECK_EXC("UNDEFINED at EL1", TRY(RT_SKIP, rt_el1(swap_at, (u64)&cell)), 1, 0x200, ESR(0, 0));
        CHECK_EXC("UNDEFINED at EL0, not aligned", TRY(RT_SKIP, rt_el0(swap_at, (u64)&cell + 1)), 1, 0x400, ESR(0, 0));
        CHECK_EQ("memory", cell, 99);
    }
    CHECK_EXC("RCWMASK_EL1", TRY(RT_SKIP, READ(RCWMASK_EL1)), 2, 0x200, ESR(0, 0));
    CHECK_EXC("RCWMASK_EL1 written", TRY(RT_SKIP, WRITE(RCWMASK_EL1, 0)), 2, 0x200, ESR(0, 0));
    CHECK_EXC("RCWSMASK_EL1", TRY(RT_SKIP, READ(RCWSMASK_EL1)), 2, 0x200, ESR(0, 0));
    CHECK_EXC("RCWSMASK_EL1 written", TRY(RT_SKIP, WRITE(RCWSMASK_EL1, 0)), 2, 0x200, ESR(0, 0));
}

void test_main(void)
{
    rt_map_init(&map, rt_el2_map.shift, rt_el2_map.shift == 14 ? 36 : 39);
    rt_map_image(&map);
    rt_el1_mmu(&map, 0);
    undefined_at_el0();
    if (!BITS(READ(id_aa64pfr1_el1), 51, 48)) {
        absent();
        return;
    }
    CHECK("FEAT_TCR2", BITS(READ(ID_AA64MMFR3_EL1), 3, 0) != 0);
    WRITE_ISB(HCRX_EL2, READ(HCRX_EL2) | HCRX_TCR2EN);
    registers();
    all_vectors("EL1", SPSR_EL1H, 1);
    all_vectors("EL0", SPSR_EL0, 1);
    all_vectors("EL2", SPSR_EL2H, 2);
    not_enabled();
    host();
    faults();
    privileged();
}
