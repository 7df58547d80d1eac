/*
 * Permission overlays of both stages (FEAT_S1POE, FEAT_S2POE): every encoding at EL0, EL1 and EL2 over direct and indirect
 * permissions, effect without TLB maintenance, WXN, priority of faults, what is disabled with them, traps of POR_EL0. Arm ARM,
 * "Stage 1 Overlay permissions", "Stage 2 Indirect permissions", "Prioritization of Permission faults", ESR_ELx.ISS2, POR_EL0.
 */
#include "rt.h"

#define ID_AA64MMFR3_EL1 s3_0_c0_c7_3
#define HCRX_EL2 s3_4_c1_c2_2
#define HFGRTR_EL2 s3_4_c1_c1_4
#define HFGWTR_EL2 s3_4_c1_c1_5
#define TCR2_EL1 s3_0_c2_c0_3
#define TCR2_EL2 s3_4_c2_c0_3
#define PIRE0_EL1 s3_0_c10_c2_2
#define PIR_EL1 s3_0_c10_c2_3
#define POR_EL1 s3_0_c10_c2_4
#define S2POR_EL1 s3_0_c10_c2_5
#define POR_EL0 s3_3_c10_c2_4
#define POR_EL2 s3_4_c10_c2_4
#define S2PIR_EL2 s3_4_c10_c2_5
#define HCRX_TCR2EN BIT(14)
#define TCR2_PIE BIT(1)
#define TCR2_E0POE BIT(2)
#define TCR2_POE BIT(3)
#define VTCR_S2PIE BIT(36)
#define VTCR_S2POE BIT(37)
#define NPOR (BIT(59) | BIT(60) | BIT(61)) /* HFGxTR_EL2.{nPOR_EL0, nPOR_EL1, nS2POR_EL1} */
#define E0POE BIT(29)                      /* CPACR_EL1 */
#define SCTLR_WXN BIT(19)
#define ISS2_OVERLAY BIT(32 + 6)
#define ISS2_DIRTY BIT(32 + 5)
#define WNR BIT(6)
#define PERMISSION 15 /* level 3 */
#define WINDOW 0x100000000ull
#define TARGET 0x46000000ull
#define KEY 5 /* POIndex of the page under test */
#define OPEN 0x77777777ull

PROBE(load, "ldr x0, [x0]");
PROBE(load_user, "ldtr x0, [x0]");
PROBE(store, "str x0, [x0]");
PROBE(add, "mov x1, #1\n ldadd x1, x2, [x0]\n mov x0, #0");
PROBE(at_read, "at s1e1r, x0\n isb\n mrs x0, par_el1");
PROBE(at_write, "at s1e1w, x0\n isb\n mrs x0, par_el1");
PROBE(at_user, "at s1e0r, x0\n isb\n mrs x0, par_el1");
PROBE(at_any, "sys #0, c7, c9, #2, x0\n isb\n mrs x0, par_el1");
PROBE(read_por, "mrs x0, s3_3_c10_c2_4");
PROBE(write_por, "msr s3_3_c10_c2_4, x0\n isb");

static struct RtMap map;

static u64 key(u64 i)
{
    return i << 60;
}

static u64 por(u64 value)
{
    return (OPEN & ~(15ull << 4 * KEY)) | value << 4 * KEY;
}

/* "Determination of stage 1 Overlay permissions" */
static bool may_read(u64 v)
{
    return v < 8 && (v & 1);
}

static bool may_write(u64 v)
{
    return v < 8 && (v & 4);
}

static bool may_execute(u64 v)
{
    return v < 8 && (v & 2);
}

static void expect(const char *what, const struct RtExc *exc, bool ok, unsigned el, u64 esr)
{
    if (ok)
        CHECK_NONE("permitted", exc);
    else
        CHECK_EXC(what, exc, el ? el : 1, el ? 0x200 : 0x400, esr + (el ? ESR(1, 0) - BIT(25) : 0));
}

#define DATA_FAULT (ESR(0x24, PERMISSION) | ISS2_OVERLAY)
#define EXEC_FAULT (ESR(0x20, PERMISSION) | ISS2_OVERLAY)
#define CODE(va) ((u64(*)(u64))(va))

/* The page's own permissions allow everything but EL1's execution (user) or EL0's accesses (not user). No TLB maintenance. */
static void overlays(bool user)
{
    for (u64 i = 0; i < 16; i++) {
        u64 at = user ? WINDOW : WINDOW + 0x1000;
        bool pr = may_read(i), pw = may_write(i);
        WRITE(POR_EL1, user ? OPEN : por(i));
        WRITE(POR_EL0, user ? por(i) : OPEN);
        ISB();
        if (user) {
            expect("EL0 loads", TRY(RT_SKIP, rt_el0(load, at)), pr, 0, DATA_FAULT);
            expect("EL0 stores", TRY(RT_SKIP, rt_el0(store, at + 8)), pw, 0, DATA_FAULT | WNR);
            expect("EL0 adds", TRY(RT_SKIP, rt_el0(add, at + 8)), pr && pw, 0, DATA_FAULT | (pr ? WNR : 0));
            expect("EL0 executes", TRY(RT_LR, rt_el0(CODE(at + 16), 0)), may_execute(i), 0, EXEC_FAULT);
            expect("LDTR", TRY(RT_SKIP, rt_el1(load_user, at)), pr, 1, DATA_FAULT);
            CHECK_EQ("AT S1E0R", rt_el1(at_user, at) & 0xc01f, pr ? 0 : BIT(14) | PERMISSION << 1 | 1);
            CHECK_NONE("EL1's overlay is another", TRY(RT_SKIP, rt_el1(load, at)));
        } else {
            expect("EL1 loads", TRY(RT_SKIP, rt_el1(load, at)), pr, 1, DATA_FAULT);
            expect("EL1 stores", TRY(RT_SKIP, rt_el1(store, at + 8)), pw, 1, DATA_FAULT | WNR);
            expect("EL1 adds", TRY(RT_SKIP, rt_el1(add, at + 8)), pr && pw, 1, DATA_FAULT | (pr ? WNR : 0));
            expect("EL1 executes", TRY(RT_LR, rt_el1(CODE(at + 16), 0)), may_execute(i), 1, EXEC_FAULT);
            CHECK_EQ("AT S1E1R", rt_el1(at_read, at) & 0xc01f, pr ? 0 : BIT(14) | PERMISSION << 1 | 1);
            CHECK_EQ("AT S1E1W", rt_el1(at_write, at) & 0xc01f, pw ? 0 : BIT(14) | PERMISSION << 1 | 1);
        }
    }
    WRITE(POR_EL1, OPEN);
    WRITE_ISB(POR_EL0, OPEN);
}

/* Overlays come before base permissions, reads before writes within each; EL0 changes its own. */
static void priorities(void)
{
    u64 ro = WINDOW + 0x2000;

    WRITE_ISB(POR_EL1, por(0));
    expect("AT S1E1A", TRY(RT_SKIP, CHECK_EQ("AT S1E1A", rt_el1(at_any, WINDOW) & 0xfffffff001, TARGET)), true, 1, 0);
    WRITE_ISB(POR_EL1, por(1)); /* read only: both forbid a store */
    expect("store", TRY(RT_SKIP, rt_el1(store, ro)), false, 1, DATA_FAULT | WNR);
    WRITE_ISB(POR_EL1, por(7));
    expect("store", TRY(RT_SKIP, rt_el1(store, ro)), false, 1, ESR(0x24, WNR | PERMISSION));
    expect("add", TRY(RT_SKIP, rt_el1(add, ro)), false, 1, ESR(0x24, WNR | PERMISSION));
    WRITE_ISB(POR_EL1, OPEN);

    CHECK_NONE("before", TRY(RT_SKIP, rt_el0(store, WINDOW + 8)));
    CHECK_NONE("EL0 writes POR_EL0", TRY(RT_SKIP, rt_el0(write_por, por(1))));
    expect("after", TRY(RT_SKIP, rt_el0(store, WINDOW + 8)), false, 0, DATA_FAULT | WNR);
    CHECK_EQ("POR_EL0", rt_el0(read_por, 0), por(1));
    CHECK_NONE("EL0 writes it again", TRY(RT_SKIP, rt_el0(write_por, OPEN)));
    CHECK_NONE("again", TRY(RT_SKIP, rt_el0(store, WINDOW + 8)));
}

static void enables(void)
{
    WRITE(POR_EL1, por(0));
    WRITE_ISB(POR_EL0, por(0));
    WRITE_ISB(TCR2_EL1, TCR2_E0POE);
    CHECK_NONE("POE off", TRY(RT_SKIP, rt_el1(load, WINDOW)));
    expect("E0POE on", TRY(RT_SKIP, rt_el0(load, WINDOW)), false, 0, DATA_FAULT);
    WRITE_ISB(TCR2_EL1, TCR2_POE);
    CHECK_NONE("E0POE off", TRY(RT_SKIP, rt_el0(load, WINDOW)));
    expect("POE on", TRY(RT_SKIP, rt_el1(load, WINDOW)), false, 1, DATA_FAULT);
    WRITE_ISB(TCR2_EL1, TCR2_POE | TCR2_E0POE);
    WRITE_ISB(HCRX_EL2, READ(HCRX_EL2) & ~HCRX_TCR2EN);
    CHECK_NONE("TCR2_EL1 hidden", TRY(RT_SKIP, rt_el0(load, WINDOW)));
    CHECK_NONE("TCR2_EL1 hidden", TRY(RT_SKIP, rt_el1(load, WINDOW)));
    WRITE_ISB(HCRX_EL2, READ(HCRX_EL2) | HCRX_TCR2EN);
    WRITE(POR_EL1, OPEN);
    WRITE_ISB(POR_EL0, OPEN);
}

/* With an overlay WXN takes the overlay's write permission away, where it has execute permission; without, execution. */
static void wxn(void)
{
    u64 priv = WINDOW + 0x1000; /* writable and executable at EL1 */

    WRITE_ISB(sctlr_el1, READ(sctlr_el1) | SCTLR_WXN);
    rt_tlbi_all();
    WRITE_ISB(POR_EL1, por(7));
    CHECK_NONE("WXN: executes", TRY(RT_LR, rt_el1(CODE(priv + 16), 0)));
    expect("WXN: stores", TRY(RT_SKIP, rt_el1(store, priv + 8)), false, 1, DATA_FAULT | WNR);
    WRITE_ISB(POR_EL1, por(5));
    CHECK_NONE("WXN: stores", TRY(RT_SKIP, rt_el1(store, priv + 8)));
    expect("WXN: executes", TRY(RT_LR, rt_el1(CODE(priv + 16), 0)), false, 1, EXEC_FAULT);
    WRITE_ISB(TCR2_EL1, TCR2_E0POE);
    CHECK_NONE("WXN alone: stores", TRY(RT_SKIP, rt_el1(store, priv + 8)));
    expect("WXN alone: executes", TRY(RT_LR, rt_el1(CODE(priv + 16), 0)), false, 1, ESR(0x20, PERMISSION));
    WRITE_ISB(TCR2_EL1, TCR2_POE | TCR2_E0POE);
    WRITE_ISB(sctlr_el1, READ(sctlr_el1) & ~SCTLR_WXN);
    rt_tlbi_all();
    WRITE_ISB(POR_EL1, OPEN);
}

static void hierarchical(void)
{
    u64 *table = rt_map_entry(&map, WINDOW, 2), plain = *table;

    *table = plain | 0x1full << 59; /* NSTable, APTable, UXNTable, PXNTable */
    for (unsigned i = 1; i < 4; i++) {
        WRITE_ISB(TCR2_EL1, (u64)i << 2);
        rt_tlbi_all();
        CHECK_NONE("hierarchical: EL1 stores", TRY(RT_SKIP, rt_el1(store, WINDOW + 8)));
        CHECK_NONE("hierarchical: EL0 loads", TRY(RT_SKIP, rt_el0(load, WINDOW)));
    }
    *table = plain;
    rt_tlbi_all();
}

/* Traps of POR_EL0 from EL0, and from EL1. */
static void traps(void)
{
    u64 iss_read = 3 << 20 | 4 << 17 | 3 << 14 | 10 << 10 | 2 << 1 | 1, iss_write = iss_read & ~1ull;

    WRITE_ISB(cpacr_el1, READ(cpacr_el1) & ~E0POE);
    CHECK_EXC("CPACR_EL1.E0POE", TRY(RT_SKIP, rt_el0(read_por, 0)), 1, 0x400, ESR(0x18, iss_read));
    CHECK_EXC("CPACR_EL1.E0POE", TRY(RT_SKIP, rt_el0(write_por, OPEN)), 1, 0x400, ESR(0x18, iss_write));
    CHECK_NONE("CPACR_EL1.E0POE and EL1", TRY(RT_SKIP, rt_el1(read_por, 0)));
    WRITE_ISB(cpacr_el1, READ(cpacr_el1) | E0POE);
    if (BITS(READ(id_aa64mmfr0_el1), 59, 56)) {
        WRITE_ISB(HFGRTR_EL2, READ(HFGRTR_EL2) & ~BIT(59));
        CHECK_EXC("HFGRTR_EL2.nPOR_EL0", TRY(RT_SKIP, rt_el0(read_por, 0)), 2, 0x400, ESR(0x18, iss_read));
        CHECK_EXC("HFGRTR_EL2.nPOR_EL0", TRY(RT_SKIP, rt_el1(read_por, 0)), 2, 0x400, ESR(0x18, iss_read));
        WRITE_ISB(HFGRTR_EL2, READ(HFGRTR_EL2) | NPOR);
    }
}

/* Over indirect permissions: encodings with bit 3 set have no overlay. */
static void over_indirect(void)
{
    static const u8 grants[16] = {0, 1, 2, 3, 0, 5, 5, 7, 1, 1, 3, 0, 5, 0, 7, 0}; /* R 1, X 2, W 4; 6: WXN below */
    u64 *entry = rt_map_entry(&map, WINDOW + 0x1000, 3), plain = *entry;

    WRITE_ISB(TCR2_EL1, TCR2_PIE | TCR2_POE | TCR2_E0POE);
    *entry = S1_RAM | TARGET | 3 | key(KEY) | 3ull << 53 | BIT(51) | BIT(6); /* PIIndex 15: no other page has it */
    for (u64 i = 0; i < 16; i++) {
        /* the indices of the test's own pages: everything for EL1; text (1) is read and executed at EL0, too */
        WRITE(PIR_EL1, 0x0eeeeeeeeeeeeeaeull | i << 60);
        WRITE(PIRE0_EL1, 0xa0);
        rt_tlbi_all();
        for (u64 k = 0; k < 9; k++) {
            u64 over = i & 8 ? 7 : k & 8 ? 0 : k, base = i == 6 ? 7 : grants[i];
            if (i == 6 && (over & 2))
                over &= 3;
            u64 both = base & over, overlay = ISS2_OVERLAY;
            WRITE_ISB(POR_EL1, por(k));
            expect("indirect: loads", TRY(RT_SKIP, rt_el1(load, WINDOW + 0x1000)), both & 1, 1,
                   ESR(0x24, PERMISSION) | (over & 1 ? 0 : overlay));
            expect("indirect: stores", TRY(RT_SKIP, rt_el1(store, WINDOW + 0x1008)), both & 4, 1,
                   ESR(0x24, WNR | PERMISSION) | (over & 4 ? 0 : overlay));
            expect("indirect: executes", TRY(RT_LR, rt_el1(CODE(WINDOW + 0x1010), 0)), both & 2, 1,
                   ESR(0x20, PERMISSION) | (over & 2 ? 0 : overlay));
        }
    }
    /* no base permission, overlay of reads alone: the write is what is reported */
    WRITE(PIR_EL1, 0x0eeeeeeeeeeeeeaeull);
    WRITE_ISB(POR_EL1, por(1));
    rt_tlbi_all();
    expect("add: overlay before base", TRY(RT_SKIP, rt_el1(add, WINDOW + 0x1008)), false, 1, DATA_FAULT | WNR);
    /* clean: the last reason */
    *entry |= S1_RO;
    WRITE(PIR_EL1, 0x5eeeeeeeeeeeeeaeull);
    rt_tlbi_all();
    expect("clean, overlay", TRY(RT_SKIP, rt_el1(store, WINDOW + 0x1008)), false, 1, DATA_FAULT | WNR);
    WRITE_ISB(POR_EL1, por(5));
    expect("clean", TRY(RT_SKIP, rt_el1(store, WINDOW + 0x1008)), false, 1, ESR(0x24, WNR | PERMISSION) | ISS2_DIRTY);
    *entry = plain;
    WRITE(POR_EL1, OPEN);
    WRITE_ISB(TCR2_EL1, TCR2_POE | TCR2_E0POE);
    rt_tlbi_all();
}

static void stage1(void)
{
    u64 *page = (u64 *)TARGET;

    for (unsigned i = 0; i < 16; i++)
        page[i] = 0xd65f03c0d65f03c0; /* ret */
    rt_map_init(&map, 12, 39);
    rt_map_image(&map);
    rt_map_set(&map, WINDOW, 3, TARGET, S1_RAM | S1_USER | key(KEY));
    rt_map_set(&map, WINDOW + 0x1000, 3, TARGET, S1_RAM | key(KEY));
    rt_map_set(&map, WINDOW + 0x2000, 3, TARGET, S1_RAM | S1_RO | key(KEY));
    if (BITS(READ(id_aa64mmfr0_el1), 59, 56)) {
        WRITE(HFGRTR_EL2, READ(HFGRTR_EL2) | NPOR);
        WRITE(HFGWTR_EL2, READ(HFGWTR_EL2) | NPOR);
    }
    WRITE(cpacr_el1, READ(cpacr_el1) | E0POE);
    WRITE(POR_EL1, OPEN);
    WRITE(POR_EL0, OPEN);
    WRITE_ISB(TCR2_EL1, TCR2_POE | TCR2_E0POE);
    rt_el1_mmu(&map, 0);
    overlays(true);
    overlays(false);
    priorities();
    enables();
    wxn();
    hierarchical();
    traps();
    if (BITS(READ(ID_AA64MMFR3_EL1), 11, 8))
        over_indirect();
    rt_el1_mmu_off();
    WRITE_ISB(TCR2_EL1, 0);
}

static void stage1_el2(void)
{
    rt_map_set(&rt_el2_map, WINDOW, 3, TARGET, S1_RAM | key(KEY));
    rt_tlbi_all();
    WRITE(POR_EL2, OPEN);
    WRITE_ISB(TCR2_EL2, TCR2_POE);
    for (u64 i = 0; i < 16; i++) {
        WRITE_ISB(POR_EL2, por(i));
        expect("EL2 loads", TRY(RT_SKIP, load(WINDOW)), may_read(i), 2, DATA_FAULT);
        expect("EL2 stores", TRY(RT_SKIP, store(WINDOW + 8)), may_write(i), 2, DATA_FAULT | WNR);
        expect("EL2 executes", TRY(RT_LR, CODE(WINDOW + 16)(0)), may_execute(i), 2, EXEC_FAULT);
    }
    WRITE_ISB(TCR2_EL2, 0);
    CHECK_NONE("EL2 without", TRY(RT_SKIP, load(WINDOW)));
    *rt_map_entry(&rt_el2_map, WINDOW, 3) = 0;
    rt_tlbi_all();
}

/* Stage 2: read, write, executed by EL1, by EL0. Base and overlay share the encodings. */
static void stage2(void)
{
    static const u8 grants[16] = {0, 0, 1, 1, 2, 0, 1, 1, 1, 9, 5, 13, 3, 11, 7, 15};
    static struct RtMap low;
    u64 image = S2_NORMAL | S2_SH | S2_AF | S2_W, index = 3ull << 53 | BIT(51) | BIT(6); /* PIIndex 15 */

    rt_map_init(&low, 12, 36);
    rt_map_range(&low, 0x08000000, 0x08000000, 0x02200000, S2_DEVICE | S2_AF | S2_W);
    rt_map_range(&low, 0x40200000, 0x40200000, 0x3e00000, image);
    rt_map_set(&low, TARGET, 3, TARGET, image | index | 9ull << 59);
    rt_el1_mmu_off();
    rt_s2(&low, 1, 0);
    WRITE_ISB(vtcr_el2, READ(vtcr_el2) | VTCR_S2PIE | VTCR_S2POE);
    for (u64 base = 0; base < 16; base++) {
        WRITE(S2PIR_EL2, base << 60 | 15);
        rt_tlbi_all();
        for (u64 over = 0; over < 16; over++) {
            u64 both = grants[base] & grants[over], seen = ISS2_OVERLAY | 0xfc00003f;
            const struct RtExc *exc;
            WRITE_ISB(S2POR_EL1, over << 36 | 15);
            exc = TRY(RT_SKIP, rt_el1(load, TARGET));
            CHECK_EQ("stage 2, load", exc->count ? exc->esr & seen : 0,
                     both & 1 ? 0 : 0x90000000 + PERMISSION + (grants[over] & 1 ? 0 : ISS2_OVERLAY));
            exc = TRY(RT_SKIP, rt_el1(store, TARGET + 8));
            CHECK_EQ("stage 2, store", exc->count ? exc->esr & seen : 0,
                     both & 2 ? 0 : 0x90000000 + PERMISSION + (grants[over] & 2 ? 0 : ISS2_OVERLAY));
            exc = TRY(RT_LR, rt_el1(CODE(TARGET + 16), 0));
            CHECK_EQ("stage 2, EL1 executes", exc->count ? exc->esr & seen : 0,
                     both & 4 ? 0 : 0x80000000 + PERMISSION + (grants[over] & 4 ? 0 : ISS2_OVERLAY));
            exc = TRY(RT_LR, rt_el0(CODE(TARGET + 16), 0));
            CHECK_EQ("stage 2, EL0 executes", exc->count ? exc->esr & seen : 0,
                     both & 8 ? 0 : 0x80000000 + PERMISSION + (grants[over] & 8 ? 0 : ISS2_OVERLAY));
        }
    }
    WRITE_ISB(vtcr_el2, READ(vtcr_el2) & ~(VTCR_S2PIE | VTCR_S2POE));
    rt_s2_off();
}

void test_main(void)
{
    u64 mmfr3 = READ(ID_AA64MMFR3_EL1);

    CHECK_EQ("FEAT_S1POE needs FEAT_TCR2", BITS(mmfr3, 19, 16) && !BITS(mmfr3, 3, 0), 0);
    if (!BITS(mmfr3, 19, 16)) {
        rt_skip("overlays", "not announced");
        return;
    }
    WRITE_ISB(HCRX_EL2, READ(HCRX_EL2) | HCRX_TCR2EN);
    stage1();
    stage1_el2();
    if (BITS(mmfr3, 23, 20))
        stage2();
}
