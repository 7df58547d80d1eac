/*
 * Translation hardening (FEAT_THE): stage 2's TopLevel checks, assured translations and the AssuredOnly attribute, what is not assured
 * is not global, what read-check-write instructions may do in Mostly Read Only memory, their alignment and their atomicity. What they
 * compute is for test-rcw. Arm ARM, "Translation Hardening Extension", "Stage 2 Indirect permissions", "Prioritization of Permission
 * faults", TCR2_EL1, VTCR_EL2, ESR_EL2, PAR_EL1, RCWMASK_EL1, RCWSMASK_EL1.
 */
#include "rt.h"

#define ID_AA64MMFR3_EL1 s3_0_c0_c7_3
#define HCRX_EL2 s3_4_c1_c2_2
#define TCR2_EL1 s3_0_c2_c0_3
#define TCR2_EL2 s3_4_c2_c0_3
#define S2PIR_EL2 s3_4_c10_c2_5
#define RCWMASK_EL1 s3_0_c13_c0_6
#define RCWSMASK_EL1 s3_0_c13_c0_3
#define HCRX_TCR2EN BIT(14)
#define TCR2_PNCH BIT(0)
#define TCR2_FNGNA1 BIT(21)
#define VTCR_AO BIT(34)
#define VTCR_TL1 BIT(35)
#define VTCR_S2PIE BIT(36)
#define VTCR_TL0 BIT(41)
#define VTCR_THE (VTCR_AO | VTCR_TL1 | VTCR_TL0)
#define PROTECTED BIT(52)
#define S2_AO BIT(58)
#define S2_DIRTY BIT(7)
#define ISS2_AO BIT(32 + 7)
#define ISS2_DIRTY BIT(32 + 5)
#define TOPLEVEL BIT(21)
#define S1PTW BIT(7)
#define WNR BIT(6)
#define CM BIT(8)
#define PERMISSION 15 /* level 3 */
#define PAR_FAULT (BIT(9) | PERMISSION << 1 | 1)
#define PAR_PTW BIT(8)
#define PAR_AO BIT(12)
#define PAR_TOP BIT(13)
#define HIGH 0xffffff8000000000ull
#define WINDOW 0x100000000ull
#define SHARED 0x200000000ull /* in the lower range, with the last table of the upper one */
#define UP (HIGH | WINDOW)
#define TARGET 0x46000000ull
#define OTHER 0x46001000ull
enum { DATA = 1, ROOT0 = 3, ROOT1 = 4, TABLE = 5, SUBJECT = 13 };                /* PIIndex */
enum { NONE = 0, MRO = 2, MRO_TL1 = 3, MRO_TL0 = 6, MRO_TL01 = 7, RO = 8, RW = 12, ALL = 15 };

PROBE(load, "ldr x0, [x0]");
PROBE(store, "str x0, [x0]");
PROBE(swap, "mov x1, #1\n swp x1, x2, [x0]\n mov x0, #0");
PROBE(clean, "dc civac, x0\n mov x0, #0");
PROBE(at_both, "at s12e1r, x0\n isb\n mrs x0, par_el1");
PROBE(at_both_write, "at s12e1w, x0\n isb\n mrs x0, par_el1");
/* x1 = 0x55: RCWSWP, RCWSSWP, RCWCAS x1 (0), x2 (0x55), RCWCLR x1 (0), all [x0] */
PROBE(rcwswp, "mov x1, #0x55\n .inst 0x3821a002\n mrs x0, nzcv");
PROBE(rcwsswp, "mov x1, #0x54\n .inst 0x7821a002\n mrs x0, nzcv");
PROBE(rcwcas, "mov x1, #0\n mov x2, #0x55\n .inst 0x19210802\n mrs x0, nzcv");
PROBE(rcwclr, "mov x1, #0\n .inst 0x38219002\n mrs x0, nzcv");

static struct RtMap low, map0, map1;

static u64 index_bits(u64 i)
{
    return (i >> 2) << 53 | (i >> 1 & 1) << 51 | (i & 1) << 6;
}

static u64 perm(u64 i, u64 value)
{
    return value << (4 * i);
}

static void perms(u64 root0, u64 root1, u64 table, u64 subject)
{
    WRITE(S2PIR_EL2, perm(DATA, ALL) | perm(ROOT0, root0) | perm(ROOT1, root1) | perm(TABLE, table) | perm(SUBJECT, subject));
    rt_tlbi_all();
}

static void vtcr(u64 set)
{
    WRITE_ISB(vtcr_el2, (READ(vtcr_el2) & ~VTCR_THE) | set);
    rt_tlbi_all();
}

/* The page of stage 2 that holds pa: its descriptor, after its block has become pages. */
static u64 *page2(u64 pa)
{
    u64 *block = rt_map_entry(&low, pa, 2), first = pa & ~0x1fffffull;

    if ((*block & 3) != 3) {
        *block = 0;
        for (u64 at = first; at < first + 0x200000; at += 0x1000)
            rt_map_set(&low, at, 3, at, S2_NORMAL | S2_SH | S2_AF | S2_DIRTY | index_bits(DATA));
    }
    return rt_map_entry(&low, pa, 3);
}

static void set_index(u64 pa, u64 index)
{
    u64 *entry = page2(pa);

    *entry = (*entry & ~index_bits(15)) | index_bits(index);
}

static u64 *protect(unsigned level, bool on)
{
    u64 *entry = rt_map_entry(&map1, WINDOW, level);

    *entry = on ? *entry | PROTECTED : *entry & ~PROTECTED;
    rt_tlbi_all();
    return entry;
}

static void expect(const char *what, const struct RtExc *exc, bool ok, u64 esr)
{
    if (ok)
        CHECK_NONE("permitted", exc);
    else if (CHECK_EQ(what, exc->count * 4 + exc->el, 4 + 2)) /* of accesses that are not table walks ISV may be set */
        CHECK_EQ(what, exc->esr & ~(esr & S1PTW ? 0 : 0x1ffc000ull), esr);
}

/* PAR_EL1 of a fault; else 0. */
static u64 par(u64 (*at)(u64), u64 va)
{
    u64 value = at(va);

    return value & 1 ? value & ~BIT(11) : 0; /* RES1 */
}

static void set_up(void)
{
    u64 *page = (u64 *)TARGET;

    for (unsigned i = 0; i < 16; i++)
        page[i] = 0xd65f03c0d65f03c0; /* ret */
    rt_map_init(&map0, 12, 39);
    rt_map_image(&map0);
    rt_map_set(&map0, WINDOW, 3, TARGET, S1_RAM);
    rt_map_init(&map1, 12, 39);
    rt_map_set(&map1, WINDOW, 3, TARGET, S1_RAM);
    rt_map_set(&map1, WINDOW + 0x1000, 3, OTHER, S1_RAM);
    *rt_map_entry(&map0, SHARED, 2) = ((u64)rt_map_entry(&map1, WINDOW, 3) & ~0xfffull) | 3;
    rt_map_init(&low, 12, 36);
    rt_map_range(&low, 0x08000000, 0x08000000, 0x02200000, S2_DEVICE | S2_AF | S2_DIRTY | index_bits(DATA));
    rt_map_range(&low, 0x40200000, 0x40200000, 0x3e00000, S2_NORMAL | S2_SH | S2_AF | S2_DIRTY | index_bits(DATA));
    rt_map_set(&low, TARGET, 3, TARGET, S2_NORMAL | S2_SH | S2_AF | S2_DIRTY | index_bits(SUBJECT));
    rt_map_set(&low, OTHER, 3, OTHER, S2_NORMAL | S2_SH | S2_AF | S2_DIRTY | index_bits(DATA));
    set_index((u64)map0.root, ROOT0);
    set_index((u64)map1.root, ROOT1);
    set_index((u64)rt_map_entry(&map1, WINDOW, 2), TABLE);
    set_index((u64)rt_map_entry(&map1, WINDOW, 3), TABLE);
    WRITE_ISB(HCRX_EL2, READ(HCRX_EL2) | HCRX_TCR2EN);
    rt_el1_mmu_off();
    rt_s2(&low, 1, 0);
    WRITE_ISB(vtcr_el2, READ(vtcr_el2) | VTCR_S2PIE);
    perms(ALL, ALL, ALL, ALL);
    rt_el1_mmu(&map0, 0);
    WRITE(tcr_el1, (READ(tcr_el1) & ~BIT(23)) | (64ull - 39) << 16 | 1 << 24 | 1 << 26 | 3 << 28 | 2ull << 30);
    WRITE_ISB(ttbr1_el1, (u64)map1.root);
    rt_tlbi_all();
}

/* --- TopLevel -------------------------------------------------------------------------------- */

/* "TopLevel check conditions for translations by TTBR0_EL1", "... by TTBR1_EL1". own: the control of the range. */
static bool forbidden(bool own, bool other, bool top_own, bool top_other)
{
    return own ? !top_own : other && top_other && !top_own;
}

static void top_level(void)
{
    static const u8 values[] = { MRO, MRO_TL1, MRO_TL0, MRO_TL01, RO, RW };

    for (unsigned tl = 0; tl < 4; tl++) {
        bool tl0 = tl & 1, tl1 = tl & 2;
        vtcr((tl0 ? VTCR_TL0 : 0) | (tl1 ? VTCR_TL1 : 0));
        for (unsigned i = 0; i < sizeof values; i++) {
            u64 v = values[i];
            bool t0 = v == MRO_TL0 || v == MRO_TL01, t1 = v == MRO_TL1 || v == MRO_TL01;
            bool bad0 = forbidden(tl0, tl1, t0, t1), bad1 = forbidden(tl1, tl0, t1, t0);
            const struct RtExc *exc;

            perms(MRO_TL01, v, ALL, ALL);
            exc = TRY(RT_SKIP, rt_el1(load, UP));
            expect("TTBR1: load", exc, !bad1, ESR(0x24, TOPLEVEL | S1PTW | PERMISSION));
            if (bad1)
                CHECK_EQ("HPFAR_EL2", exc->hpfar, ((u64)map1.root >> 12) << 4);
            expect("TTBR1: store", TRY(RT_SKIP, rt_el1(store, UP + 8)), !bad1, ESR(0x24, TOPLEVEL | S1PTW | WNR | PERMISSION));
            expect("TTBR1: load, cached", TRY(RT_SKIP, rt_el1(load, UP + 0x1000)), !bad1, ESR(0x24, TOPLEVEL | S1PTW | PERMISSION));
            expect("TTBR1: executes", TRY(RT_LR, rt_el1((u64(*)(u64))(UP + 16), 0)), !bad1, ESR(0x20, TOPLEVEL | S1PTW | PERMISSION));
            CHECK_EQ("TTBR1: AT S12E1R", par(at_both, UP), bad1 ? PAR_TOP | PAR_PTW | PAR_FAULT : 0);
            /* the other range: not with instructions of it */
            perms(v, MRO_TL01, ALL, ALL);
            CHECK_EQ("TTBR0: AT S12E1R", par(at_both, WINDOW), bad0 ? PAR_TOP | PAR_PTW | PAR_FAULT : 0);
        }
    }
    /* Any other table than the first needs no TopLevel permission; nothing has it with direct permissions. */
    vtcr(VTCR_TL1);
    perms(MRO_TL01, MRO_TL1, MRO, ALL);
    CHECK_NONE("tables below the first", TRY(RT_SKIP, rt_el1(load, UP)));
    perms(MRO_TL01, NONE, MRO, ALL);
    expect("TopLevel comes first", TRY(RT_SKIP, rt_el1(load, UP)), false, ESR(0x24, TOPLEVEL | S1PTW | PERMISSION));
    vtcr(0);
}

/* A table that is the first one of both ranges. */
static void shared_root(void)
{
    vtcr(VTCR_TL0 | VTCR_TL1);
    perms(MRO_TL0, MRO_TL1, ALL, ALL);
    WRITE_ISB(ttbr1_el1, (u64)map0.root);
    rt_tlbi_all();
    CHECK_NONE("TTBR0", TRY(RT_SKIP, rt_el1(load, WINDOW)));
    expect("TTBR1, cached", TRY(RT_SKIP, rt_el1(load, UP)), false, ESR(0x24, TOPLEVEL | S1PTW | PERMISSION));
    CHECK_NONE("TTBR0", TRY(RT_SKIP, rt_el1(load, WINDOW + 8)));
    WRITE_ISB(ttbr1_el1, (u64)map1.root);
    vtcr(0);
}

static void direct_permissions(void)
{
    u64 *entry = page2((u64)map1.root), plain = *entry, before = READ(vtcr_el2);

    *entry = (plain & ~index_bits(15)) | S2_R | S2_W;
    WRITE_ISB(vtcr_el2, (before & ~VTCR_S2PIE) | VTCR_TL1);
    rt_tlbi_all();
    CHECK_EQ("direct permissions: AT S12E1R", par(at_both, UP), PAR_TOP | PAR_PTW | PAR_FAULT);
    *entry = plain;
    WRITE_ISB(vtcr_el2, before);
    rt_tlbi_all();
}

/* --- assured translations ----------------------------------------------------------------------- */

static void assured_perms(u64 subject)
{
    perms(MRO_TL01, MRO_TL1, MRO, subject);
}

/* Loads through the upper range; not ok: the AssuredOnly check fails. */
static void through(const char *what, bool ok)
{
    expect(what, TRY(RT_SKIP, rt_el1(load, UP)), ok, ESR(0x24, PERMISSION) | ISS2_AO);
    expect(what, TRY(RT_SKIP, rt_el1(load, UP + 8)), ok, ESR(0x24, PERMISSION) | ISS2_AO);
    CHECK_EQ(what, par(at_both, UP), ok ? 0 : PAR_AO | PAR_FAULT);
}

static void accesses(bool ok)
{
    u64 ao = ISS2_AO | PERMISSION;

    expect("EL1 stores", TRY(RT_SKIP, rt_el1(store, UP + 8)), ok, ESR(0x24, WNR) | ao);
    expect("EL1 swaps", TRY(RT_SKIP, rt_el1(swap, UP + 8)), ok, ESR(0x24, 0) | ao);
    expect("EL1 RCWSWP", TRY(RT_SKIP, rt_el1(rcwswp, UP + 8)), ok, ESR(0x24, 0) | ao);
    expect("EL1 executes", TRY(RT_LR, rt_el1((u64(*)(u64))(UP + 16), 0)), ok, ESR(0x20, 0) | ao);
    expect("EL1 cleans", TRY(RT_SKIP, rt_el1(clean, UP)), ok, ESR(0x24, CM | WNR) | ao);
    CHECK_EQ("AT S12E1W", par(at_both_write, UP), ok ? 0 : PAR_AO | PAR_FAULT);
}

static void assured(void)
{
    u64 *target = page2(TARGET), *table = page2((u64)rt_map_entry(&map1, WINDOW, 3));

    WRITE_ISB(TCR2_EL1, TCR2_PNCH);
    for (unsigned level = 1; level <= 3; level++)
        protect(level, true);
    assured_perms(ALL);
    *target |= S2_AO;
    *page2(OTHER) |= S2_AO;
    *rt_map_entry(&map1, WINDOW + 0x1000, 3) |= PROTECTED;
    vtcr(VTCR_TL0 | VTCR_TL1 | VTCR_AO);
    through("assured", true);
    CHECK_NONE("assured, tables cached", TRY(RT_SKIP, rt_el1(load, UP + 0x1000)));
    accesses(true);
    for (unsigned level = 1; level <= 3; level++) {
        protect(level, false);
        through("a descriptor is not Protected", false);
        protect(level, true);
    }
    accesses(true);
    protect(2, false);
    accesses(false);
    protect(2, true);
    perms(MRO_TL01, MRO_TL1, RW, ALL);
    through("tables below the first are RW", false);
    perms(MRO_TL01, MRO_TL1, RO, ALL);
    through("tables below the first are RO", false);
    perms(MRO_TL01, MRO_TL01, MRO_TL0, ALL);
    through("MRO-TL0 is MRO", true);
    assured_perms(ALL);
    vtcr(VTCR_TL0 | VTCR_AO);
    perms(MRO_TL01, MRO_TL01, MRO, ALL);
    through("without TL1", false);
    vtcr(VTCR_TL0 | VTCR_TL1);
    through("without VTCR_EL2.AssuredOnly", true);
    protect(3, false);
    through("without VTCR_EL2.AssuredOnly, not Protected", true);
    protect(3, true);
    vtcr(VTCR_TL0 | VTCR_TL1 | VTCR_AO);
    WRITE_ISB(TCR2_EL1, 0);
    rt_tlbi_all();
    through("without PnCH", false);
    WRITE_ISB(TCR2_EL1, TCR2_PNCH);
    WRITE_ISB(HCRX_EL2, READ(HCRX_EL2) & ~HCRX_TCR2EN);
    rt_tlbi_all();
    through("PnCH hidden by EL2", false);
    WRITE_ISB(HCRX_EL2, READ(HCRX_EL2) | HCRX_TCR2EN);
    rt_tlbi_all();
    through("again", true);
    /* the lower range has no Protected descriptors */
    CHECK_EQ("TTBR0: AT S12E1R", par(at_both, WINDOW), PAR_AO | PAR_FAULT);
    /* priority */
    protect(3, false);
    assured_perms(NONE);
    through("NoAccess and not assured", false);
    protect(3, true);
    expect("NoAccess", TRY(RT_SKIP, rt_el1(load, UP)), false, ESR(0x24, PERMISSION));
    assured_perms(ALL);
    /* tables can be AssuredOnly as well */
    *table |= S2_AO;
    rt_tlbi_all();
    through("AssuredOnly table", true);
    CHECK_NONE("AssuredOnly table, cached", TRY(RT_SKIP, rt_el1(load, UP + 0x1000)));
    expect("AssuredOnly table, cached, by way of others", TRY(RT_SKIP, rt_el1(load, SHARED)), false, ESR(0x24, S1PTW | PERMISSION) | ISS2_AO);
    protect(1, false);
    expect("AssuredOnly table", TRY(RT_SKIP, rt_el1(load, UP)), false, ESR(0x24, S1PTW | PERMISSION) | ISS2_AO);
    CHECK_EQ("AssuredOnly table", par(at_both, UP), PAR_AO | PAR_PTW | PAR_FAULT);
    protect(1, true);
    *table &= ~S2_AO;
    rt_tlbi_all();
    /* stage 1 off */
    u64 sctlr = READ(sctlr_el1);
    WRITE_ISB(sctlr_el1, sctlr & ~1ull);
    rt_tlbi_all();
    expect("stage 1 off", TRY(RT_SKIP, rt_el1(load, TARGET)), false, ESR(0x24, PERMISSION) | ISS2_AO);
    CHECK_NONE("stage 1 off, not AssuredOnly", TRY(RT_SKIP, rt_el1(load, (u64)&map0)));
    WRITE_ISB(sctlr_el1, sctlr);
    rt_tlbi_all();
}

/* Under another ASID a page that is not global is looked up anew. */
static void not_global(void)
{
    u64 *entry = protect(3, false), plain, asid = READ(ttbr0_el1);

    *page2(TARGET) &= ~S2_AO;
    *page2(OTHER) &= ~S2_AO;
    *(u64 *)TARGET = 1;
    *(u64 *)OTHER = 2;
    plain = *entry; /* nG is 0 */
    WRITE_ISB(TCR2_EL1, TCR2_PNCH | TCR2_FNGNA1);
    for (unsigned i = 0; i < 2; i++) { /* assured in the second round: then it is as nG says, and either answer is right */
        protect(3, i);
        *entry = (*entry & ~0xfffffff000ull) | TARGET;
        WRITE_ISB(ttbr0_el1, asid | 1ull << 48);
        rt_tlbi_all();
        CHECK_EQ("ASID 1", rt_el1(load, UP), 1);
        *entry = (*entry & ~0xfffffff000ull) | OTHER;
        DSB();
        WRITE_ISB(ttbr0_el1, asid | 2ull << 48);
        u64 seen = rt_el1(load, UP);
        CHECK("ASID 2", i ? seen == 1 || seen == 2 : seen == 2);
    }
    *entry = plain;
    WRITE_ISB(ttbr0_el1, asid);
    WRITE_ISB(TCR2_EL1, 0);
    rt_tlbi_all();
}

/* --- read-check-write and stage 2 ------------------------------------------------------------------ */

static void rcw_permissions(void)
{
    /* "Accesses permitted by stage 2 ..." */
    static const u16 reads = 0xffcc, writes = 0xf0cc, stores = 0xf010;
    u64 *entry = page2(TARGET), plain = *entry;

    for (unsigned i = 0; i < 16; i++) {
        bool r = reads >> i & 1, w = writes >> i & 1;
        u64 esr = ESR(0x24, PERMISSION) | (r ? WNR : 0);

        perms(MRO_TL01, MRO_TL01, MRO, i);
        *(volatile u64 *)(TARGET + 8) = 0;
        expect("RCWSWP", TRY(RT_SKIP, rt_el1(rcwswp, UP + 8)), r && w, esr);
        CHECK_EQ("RCWSWP wrote", *(volatile u64 *)(TARGET + 8), r && w ? 0x55 : 0);
        *(volatile u64 *)(TARGET + 8) = 0;
        expect("RCWCAS", TRY(RT_SKIP, rt_el1(rcwcas, UP + 8)), r && w, esr);
        CHECK_EQ("RCWCAS wrote", *(volatile u64 *)(TARGET + 8), r && w ? 0x55 : 0);
        expect("store", TRY(RT_SKIP, rt_el1(store, UP + 8)), stores >> i & 1, ESR(0x24, WNR | PERMISSION));
        expect("swap", TRY(RT_SKIP, rt_el1(swap, UP + 8)), r && (stores >> i & 1), esr);
        *rt_map_entry(&map1, WINDOW, 3) |= S1_USER;
        rt_tlbi_all();
        expect("EL0, RCWCLR", TRY(RT_SKIP, rt_el0(rcwclr, UP + 8)), r && w, esr);
        *rt_map_entry(&map1, WINDOW, 3) &= ~(u64)S1_USER;
    }
    perms(MRO_TL01, MRO_TL01, MRO, MRO);
    *entry = plain & ~S2_DIRTY;
    rt_tlbi_all();
    expect("MRO, clean", TRY(RT_SKIP, rt_el1(rcwswp, UP + 8)), false, ESR(0x24, WNR | PERMISSION) | ISS2_DIRTY);
    *entry = plain;
    rt_tlbi_all();
    CHECK_EXC("unaligned", TRY(RT_SKIP, rt_el1(rcwswp, UP + 4)), 1, 0x200, ESR(0x25, 0x21));
    perms(ALL, ALL, ALL, ALL);
}

/* --- registers -------------------------------------------------------------------------------------- */

static void registers(void)
{
    WRITE(RCWMASK_EL1, ~0ull);
    CHECK_EQ("RCWMASK_EL1", READ(RCWMASK_EL1), ~(BIT(52) | (BIT(50) - BIT(18)) | 1));
    WRITE(RCWSMASK_EL1, ~0ull);
    CHECK_EQ("RCWSMASK_EL1", READ(RCWSMASK_EL1), ~((BIT(50) - BIT(18)) | 1));
    WRITE(RCWMASK_EL1, 0);
    CHECK_EQ("RCWMASK_EL1", READ(RCWMASK_EL1), 0);
    WRITE(RCWSMASK_EL1, 0);
    CHECK_EQ("RCWSMASK_EL1", READ(RCWSMASK_EL1), 0);
    WRITE_ISB(TCR2_EL2, TCR2_PNCH | BIT(10));
    CHECK_EQ("TCR2_EL2.{PTTWI,PnCH}", READ(TCR2_EL2) & ~BIT(10), TCR2_PNCH); /* PTTWI may be read-only */
    WRITE_ISB(TCR2_EL2, 0);
}

/* Protection is that of the current EL's regime, whether or not its stage 1 is on. */
static void regimes(void)
{
    static u64 word;
    u64 tcr2_el1 = READ(TCR2_EL1);
    enum { PASS = 2, RCW_FAILS = 6, SOFT_FAILS = 0 };

    WRITE(RCWMASK_EL1, 0);
    WRITE(RCWSMASK_EL1, 0);
    for (unsigned i = 0; i < 4; i++) {
        bool el1 = i & 1, el2 = i & 2;

        WRITE(TCR2_EL1, el1 ? TCR2_PNCH : 0);
        WRITE_ISB(TCR2_EL2, el2 ? TCR2_PNCH : 0);
        rt_tlbi_all();
        word = PROTECTED | 1;
        CHECK_EQ("EL2, RCWSWP", rcwswp((u64)&word) >> 28, el2 ? RCW_FAILS : PASS);
        CHECK_EQ("EL2, RCWSWP", word, el2 ? PROTECTED | 1 : 0x55);
        word = PROTECTED | 1;
        CHECK_EQ("EL1, RCWSWP", rt_el1(rcwswp, (u64)&word) >> 28, el1 ? RCW_FAILS : PASS);
        word = 1;
        CHECK_EQ("EL1, RCWSSWP", rt_el1(rcwsswp, (u64)&word) >> 28, SOFT_FAILS);
        CHECK_EQ("EL1, RCWSSWP", word, 1);
    }
    WRITE_ISB(TCR2_EL2, 0);
    WRITE_ISB(HCRX_EL2, READ(HCRX_EL2) & ~HCRX_TCR2EN);
    word = PROTECTED | 1;
    CHECK_EQ("EL1, hidden by EL2", rt_el1(rcwswp, (u64)&word) >> 28, PASS);
    WRITE_ISB(HCRX_EL2, READ(HCRX_EL2) | HCRX_TCR2EN);
    u64 sctlr = READ(sctlr_el1);
    WRITE_ISB(sctlr_el1, sctlr & ~1ull);
    rt_tlbi_all();
    word = PROTECTED | 1;
    DSB();
    CHECK_EQ("EL1, stage 1 off", rt_el1(rcwswp, (u64)&word) >> 28, RCW_FAILS);
    WRITE_ISB(sctlr_el1, sctlr);
    WRITE_ISB(TCR2_EL1, tcr2_el1);
    rt_tlbi_all();
}

/* --- atomicity ---------------------------------------------------------------------------------------- */

enum { ROUNDS = 4000 };
static volatile u64 counter, started, ended;

/* Adds 2 to the counter with RCWCAS (x1: expected, then seen; x2: wanted), again while that fails. */
static void count(void)
{
    for (unsigned i = 0; i < ROUNDS; i++)
        __asm__ volatile("ldr x1, [%0]\n 1: mov x3, x1\n add x2, x1, #2\n mov x0, %0\n .inst 0x19e10802\n b.mi 1b\n"
                         : : "r"(&counter) : "x0", "x1", "x2", "x3", "cc", "memory");
}

static void other(u64 n)
{
    started = 1;
    count();
    DSB();
    ended = 1;
}

static void atomic(void)
{
    u64 start = READ(cntpct_el0), freq = READ(cntfrq_el0);

    if (!rt_start_cpu(1, other)) {
        rt_skip("atomicity", "one CPU");
        return;
    }
    while (!started && READ(cntpct_el0) - start < 20 * freq)
        ;
    count();
    while (!ended && READ(cntpct_el0) - start < 20 * freq)
        ;
    CHECK_EQ("two CPUs count", counter, 4 * ROUNDS);
}

void test_main(void)
{
    if (!BITS(READ(id_aa64pfr1_el1), 51, 48)) {
        rt_skip("translation hardening", "not announced");
        CHECK_EXC("RCWMASK_EL1", TRY(RT_SKIP, READ(RCWMASK_EL1)), 2, 0x200, ESR(0, 0));
        return;
    }
    registers();
    atomic();
    set_up();
    regimes();
    if (!BITS(READ(ID_AA64MMFR3_EL1), 15, 12)) {
        rt_skip("permissions of stage 2", "no FEAT_S2PIE");
        return;
    }
    top_level();
    shared_root();
    direct_permissions();
    assured();
    not_global();
    rcw_permissions();
    rt_el1_mmu_off();
    rt_s2_off();
}
