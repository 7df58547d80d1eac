/*
 * Indirect permissions of both stages (FEAT_S1PIE, FEAT_S2PIE): every encoding for every kind of access, PAN, dirty state kept by
 * software and by hardware, what is disabled with them, address translation instructions (with FEAT_ATS1A). Arm ARM, "Stage 1
 * Indirect permissions", "Stage 2 Indirect permissions", "The dirty state", ESR_ELx.ISS2, PAR_EL1.
 */
#include "rt.h"

#define ID_AA64MMFR3_EL1 s3_0_c0_c7_3
#define HCRX_EL2 s3_4_c1_c2_2
#define TCR2_EL1 s3_0_c2_c0_3
#define TCR2_EL2 s3_4_c2_c0_3
#define PIRE0_EL1 s3_0_c10_c2_2
#define PIR_EL1 s3_0_c10_c2_3
#define PIR_EL2 s3_4_c10_c2_3
#define S2PIR_EL2 s3_4_c10_c2_5
#define HCRX_TCR2EN BIT(14)
#define TCR2_PIE BIT(1)
#define VTCR_S2PIE BIT(36)
#define TCR_HA BIT(39)
#define TCR_HD BIT(40)
#define TCR_EL2_HA BIT(21)
#define TCR_EL2_HD BIT(22)
#define VTCR_HA BIT(21)
#define VTCR_HD BIT(22)
#define SCTLR_WXN BIT(19)
#define SPSR_PAN (SPSR_EL1H | BIT(22))
#define ISS2_DIRTY BIT(32 + 5)
#define WNR BIT(6)
#define S1PTW BIT(7)
#define PERMISSION 15 /* level 3 */
#define WINDOW 0x100000000ull
#define TARGET 0x46000000ull
enum { DATA = 1, TEXT = 2, SUBJECT = 13 }; /* PIIndex */

PROBE(load, "ldr x0, [x0]");
PROBE(store, "str x0, [x0]");
PROBE(add, "mov x1, #1\n ldadd x1, x2, [x0]\n mov x0, #0");
PROBE(at_read, "at s1e1r, x0\n isb\n mrs x0, par_el1");
PROBE(at_write, "at s1e1w, x0\n isb\n mrs x0, par_el1");
PROBE(at_any, "sys #0, c7, c9, #2, x0\n isb\n mrs x0, par_el1");

static struct RtMap map;

/* PIIndex in a descriptor: bits 54:53, 51, 6. */
static u64 index_bits(u64 i)
{
    return (i >> 2) << 53 | (i >> 1 & 1) << 51 | (i & 1) << 6;
}

static u64 perm(u64 i, u64 value)
{
    return value << (4 * i);
}

/* --- stage 1 --------------------------------------------------------------------------------- */

/* "Determination of stage 1 Base permissions and Overlay application", WXN applied. */
static const struct {
    bool r, w, x, gcs, reserved;
} base1[16] = {
    {0}, {.r = 1}, {.x = 1}, {.r = 1, .x = 1},
    {.reserved = 1}, {.r = 1, .w = 1}, {.r = 1, .w = 1}, {.r = 1, .w = 1, .x = 1},
    {.r = 1}, {.r = 1, .gcs = 1}, {.r = 1, .x = 1}, {.reserved = 1},
    {.r = 1, .w = 1}, {.reserved = 1}, {.r = 1, .w = 1, .x = 1}, {.reserved = 1},
};

static void set_pir(u64 priv, u64 user, u64 text_user)
{
    WRITE(PIR_EL1, perm(DATA, 0xc) | perm(TEXT, 0xa) | perm(SUBJECT, priv));
    WRITE(PIRE0_EL1, perm(TEXT, text_user) | perm(SUBJECT, user));
    rt_tlbi_all(); /* the fields may be cached in TLBs */
}

static void expect(const char *what, const struct RtExc *exc, bool ok, u64 el, u64 ec, u64 iss)
{
    if (ok)
        CHECK_NONE("permitted", exc);
    else
        CHECK_EXC(what, exc, 1, el ? 0x200 : 0x400, ESR(ec + (el ? 1 : 0), iss | PERMISSION));
}

static void every_access(u64 priv, u64 user)
{
    /* 0b0110 with WXN: no execution */
    bool unsafe = (base1[priv].x || priv == 6 || base1[priv].gcs) &&
                  (base1[user].w || base1[user].gcs);
    bool pr = base1[priv].r && !unsafe, pw = base1[priv].w && !unsafe, px = base1[priv].x && !unsafe;
    bool ur = base1[user].r && !unsafe, uw = base1[user].w && !unsafe, ux = base1[user].x && !unsafe;

    set_pir(priv, user, 0xa);
    expect("EL1 loads", TRY(RT_SKIP, rt_el1(load, WINDOW)), pr, 1, 0x24, 0);
    expect("EL1 stores", TRY(RT_SKIP, rt_el1(store, WINDOW + 8)), pw, 1, 0x24, WNR);
    expect("EL1 executes", TRY(RT_LR, rt_el1((u64(*)(u64))(WINDOW + 16), 0)), px, 1, 0x20, 0);
    expect("EL0 loads", TRY(RT_SKIP, rt_el0(load, WINDOW)), ur, 0, 0x24, 0);
    expect("EL0 stores", TRY(RT_SKIP, rt_el0(store, WINDOW + 8)), uw, 0, 0x24, WNR);
    expect("EL0 executes", TRY(RT_LR, rt_el0((u64(*)(u64))(WINDOW + 16), 0)), ux, 0, 0x20, 0);
    expect("EL1 adds [peer differs]", TRY(RT_SKIP, rt_el1(add, WINDOW + 8)), pr && pw, 1, 0x24, pr ? WNR : 0);
    CHECK_EQ("AT S1E1R", rt_el1(at_read, WINDOW) & 0x1f, pr ? 0 : PERMISSION << 1 | 1);
    CHECK_EQ("AT S1E1W", rt_el1(at_write, WINDOW) & 0x1f, pw ? 0 : PERMISSION << 1 | 1);
    CHECK_EQ("AT S1E1A", rt_el1(at_any, WINDOW) & 0xfffffff001, TARGET);
    if (base1[user].reserved)
        return; /* IMPLEMENTATION DEFINED whether PAN applies */
    set_pir(priv, user, 0);
    expect("EL1 loads with PAN", TRY(RT_SKIP, rt_call(SPSR_PAN, load, WINDOW)), pr && !user, 1, 0x24, 0);
    expect("EL1 stores with PAN", TRY(RT_SKIP, rt_call(SPSR_PAN, store, WINDOW + 8)), pw && !user, 1, 0x24, WNR);
}

static void dirty_state(void)
{
    u64 *entry = rt_map_entry(&map, WINDOW, 3), plain = *entry;
    const struct RtExc *exc;

    set_pir(0xc, 0, 0xa);
    *entry = plain | S1_RO; /* nDirty */
    rt_tlbi_all();
    exc = TRY(RT_SKIP, rt_el1(store, WINDOW));
    CHECK_EXC("store, clean", exc, 1, 0x200, ESR(0x25, WNR | PERMISSION) | ISS2_DIRTY);
    CHECK_NONE("load, clean", TRY(RT_SKIP, rt_el1(load, WINDOW)));
    exc = TRY(RT_SKIP, rt_el1(store, WINDOW));
    CHECK_EXC("store, clean, cached [peer differs]", exc, 1, 0x200, ESR(0x25, WNR | PERMISSION) | ISS2_DIRTY);
    exc = TRY(RT_SKIP, rt_el1(add, WINDOW));
    CHECK_EXC("add, clean [peer differs]", exc, 1, 0x200, ESR(0x25, WNR | PERMISSION) | ISS2_DIRTY);
    CHECK_EQ("AT S1E1R, clean", rt_el1(at_read, WINDOW) & 1, 0);
    CHECK_EQ("AT S1E1W, clean [peer differs]", rt_el1(at_write, WINDOW) & 0xc01f, BIT(15) | PERMISSION << 1 | 1);
    *entry = plain;
    rt_tlbi_all();
    CHECK_NONE("store, dirty", TRY(RT_SKIP, rt_el1(store, WINDOW)));
    set_pir(8, 0, 0xa);
    *entry = plain | S1_RO;
    rt_tlbi_all();
    exc = TRY(RT_SKIP, rt_el1(store, WINDOW));
    CHECK_EXC("store, read-only, clean", exc, 1, 0x200, ESR(0x25, WNR | PERMISSION));
    if (BITS(READ(id_aa64mmfr1_el1), 3, 0) >= 2) {
        u64 tcr = READ(tcr_el1);
        WRITE_ISB(tcr_el1, tcr | TCR_HA | TCR_HD);
        rt_tlbi_all();
        exc = TRY(RT_SKIP, rt_el1(store, WINDOW));
        CHECK_EXC("hardware, store, read-only, clean", exc, 1, 0x200, ESR(0x25, WNR | PERMISSION));
        CHECK_EQ("stays clean", *entry, plain | S1_RO);
        set_pir(0xc, 0, 0xa);
        CHECK_NONE("hardware, load", TRY(RT_SKIP, rt_el1(load, WINDOW)));
        CHECK_EQ("hardware, AT S1E1W", rt_el1(at_write, WINDOW) & 1, 0);
        CHECK_EQ("stays clean", *entry, plain | S1_RO);
        CHECK_NONE("hardware, store", TRY(RT_SKIP, rt_el1(store, WINDOW)));
        CHECK_EQ("becomes dirty, cached [peer differs]", *entry, plain);
        *entry = plain | S1_RO;
        rt_tlbi_all();
        CHECK_NONE("hardware, store", TRY(RT_SKIP, rt_el1(store, WINDOW)));
        CHECK_EQ("becomes dirty, PIIndex[1] = 0 [peer differs]", *entry, plain);
        WRITE_ISB(tcr_el1, tcr);
    } else {
        rt_skip("dirty state by hardware", "HAFDBS is not announced");
    }
    *entry = plain;
    rt_tlbi_all();
}

static void disabled_with_it(void)
{
    u64 *table = rt_map_entry(&map, WINDOW, 2), plain = *table;

    set_pir(0xe, 0xa, 0xa);
    *table = plain | 0x1full << 59; /* NSTable, APTable, UXNTable, PXNTable */
    rt_tlbi_all();
    CHECK_NONE("hierarchical: store", TRY(RT_SKIP, rt_el1(store, WINDOW + 8)));
    CHECK_NONE("hierarchical: EL0 loads", TRY(RT_SKIP, rt_el0(load, WINDOW)));
    CHECK_NONE("hierarchical: EL1 executes", TRY(RT_LR, rt_el1((u64(*)(u64))(WINDOW + 16), 0)));
    *table = plain;
    WRITE_ISB(sctlr_el1, READ(sctlr_el1) | SCTLR_WXN);
    rt_tlbi_all();
    CHECK_NONE("SCTLR_EL1.WXN", TRY(RT_LR, rt_el1((u64(*)(u64))(WINDOW + 16), 0)));
    WRITE_ISB(sctlr_el1, READ(sctlr_el1) & ~SCTLR_WXN);
    rt_tlbi_all();
}

static void stage1(void)
{
    u64 ram = S1_RAM, *page = (u64 *)TARGET;

    rt_map_init(&map, 12, 39);
    rt_map_range(&map, 0x08000000, 0x08000000, 0x02200000, S1_DEVICE | S1_AF | index_bits(DATA));
    rt_map_range(&map, 0x40200000, 0x40200000, 0x200000, ram | index_bits(TEXT));
    rt_map_range(&map, 0x40400000, 0x40400000, 0x3c00000, ram | index_bits(DATA));
    rt_map_set(&map, WINDOW, 3, TARGET, ram | index_bits(SUBJECT));
    for (unsigned i = 0; i < 16; i++)
        page[i] = 0xd65f03c0d65f03c0; /* ret */
    WRITE_ISB(TCR2_EL1, TCR2_PIE);
    WRITE(PIR_EL1, perm(DATA, 0xc) | perm(TEXT, 0xa));
    rt_el1_mmu(&map, 0);
    for (unsigned priv = 0; priv < 16; priv++)
        for (unsigned user = 0; user < 16; user++)
            every_access(priv, user);
    page[1] = 0xd65f03c0d65f03c0;
    dirty_state();
    disabled_with_it();
    /* EL2 can hide the register: then these are direct permissions, user execute-never */
    rt_el1_mmu_off();
    WRITE_ISB(HCRX_EL2, READ(HCRX_EL2) & ~HCRX_TCR2EN);
    rt_el1_flat();
    CHECK_NONE("TCR2_EL1 hidden", TRY(RT_SKIP, rt_el1(load, (u64)&map)));
    CHECK_NONE("TCR2_EL1 hidden, EL0", TRY(RT_SKIP, rt_el0(load, (u64)&map)));
    rt_el1_mmu_off();
    WRITE_ISB(HCRX_EL2, READ(HCRX_EL2) | HCRX_TCR2EN);
    WRITE_ISB(TCR2_EL1, 0);
}

/* EL2's own regime: PIRE0_EL2 plays no part in it. */
static void stage1_el2(void)
{
    enum { MINE = 11 }; /* not an index of the test's own pages, which have no bit 51 */
    u64 usual = 0xeeeeeeeeeeeeeeeeull & ~perm(MINE, 15), *entry;

    rt_map_set(&rt_el2_map, WINDOW, 3, TARGET, S1_RAM | index_bits(MINE));
    WRITE(PIR_EL2, usual);
    WRITE_ISB(TCR2_EL2, TCR2_PIE);
    for (unsigned i = 0; i < 16; i++) {
        WRITE(PIR_EL2, usual | perm(MINE, i));
        rt_tlbi_all();
        const struct RtExc *exc = TRY(RT_SKIP, load(WINDOW));
        if (base1[i].r)
            CHECK_NONE("EL2 loads", exc);
        else
            CHECK_EXC("EL2 loads", exc, 2, 0x200, ESR(0x25, PERMISSION));
        exc = TRY(RT_SKIP, store(WINDOW + 8));
        if (base1[i].w)
            CHECK_NONE("EL2 stores", exc);
        else
            CHECK_EXC("EL2 stores", exc, 2, 0x200, ESR(0x25, WNR | PERMISSION));
        exc = TRY(RT_LR, ((u64(*)(u64))(WINDOW + 16))(0));
        if (base1[i].x)
            CHECK_NONE("EL2 executes", exc);
        else
            CHECK_EXC("EL2 executes", exc, 2, 0x200, ESR(0x21, PERMISSION));
    }
    entry = rt_map_entry(&rt_el2_map, WINDOW, 3);
    *entry |= S1_RO;
    WRITE(PIR_EL2, usual | perm(MINE, 0xc));
    rt_tlbi_all();
    CHECK_EXC("EL2, clean", TRY(RT_SKIP, store(WINDOW + 8)), 2, 0x200, ESR(0x25, WNR | PERMISSION) | ISS2_DIRTY);
    if (BITS(READ(id_aa64mmfr1_el1), 3, 0) >= 2) {
        WRITE_ISB(tcr_el2, READ(tcr_el2) | TCR_EL2_HA | TCR_EL2_HD);
        rt_tlbi_all();
        CHECK_NONE("EL2, hardware", TRY(RT_SKIP, store(WINDOW + 8)));
        CHECK_EQ("EL2, becomes dirty", *entry & S1_RO, 0);
        WRITE_ISB(tcr_el2, READ(tcr_el2) & ~(TCR_EL2_HA | TCR_EL2_HD));
    }
    WRITE_ISB(TCR2_EL2, 0);
    *entry = 0;
    rt_tlbi_all();
}

/* --- stage 2 --------------------------------------------------------------------------------- */

/* "Determination of stage 2 Base permissions and Overlay permissions"; mr, mw: accesses to stage 1's tables. */
static const struct {
    bool r, w, px, ux, mr, mw;
} base2[16] = {
    {0}, {0}, {.r = 1, .mr = 1, .mw = 1}, {.r = 1, .mr = 1, .mw = 1},
    {.w = 1}, {0}, {.r = 1, .mr = 1, .mw = 1}, {.r = 1, .mr = 1, .mw = 1},
    {.r = 1, .mr = 1}, {.r = 1, .ux = 1, .mr = 1}, {.r = 1, .px = 1, .mr = 1}, {.r = 1, .px = 1, .ux = 1, .mr = 1},
    {.r = 1, .w = 1, .mr = 1, .mw = 1}, {.r = 1, .w = 1, .ux = 1, .mr = 1, .mw = 1},
    {.r = 1, .w = 1, .px = 1, .mr = 1, .mw = 1}, {.r = 1, .w = 1, .px = 1, .ux = 1, .mr = 1, .mw = 1},
};
#define S2_DIRTY BIT(7)
#define ISS_SEEN (BIT(38) | ISS2_DIRTY | 0xfc000000 | S1PTW | WNR | 0x3f)

static struct RtMap low;

static void set_s2pir(u64 subject)
{
    WRITE(S2PIR_EL2, perm(DATA, 0xf) | perm(SUBJECT, subject));
    rt_tlbi_all();
}

static void expect2(const char *what, const struct RtExc *exc, bool ok, u64 want)
{
    if (ok)
        CHECK_NONE("permitted by stage 2", exc);
    else if (CHECK_EQ(what, exc->count * 4 + exc->el, 4 + 2))
        CHECK_EQ(what, exc->esr & ISS_SEEN, want & ISS_SEEN);
}

static void every_access2(unsigned i)
{
    set_s2pir(i);
    expect2("EL1 loads", TRY(RT_SKIP, rt_el1(load, TARGET)), base2[i].r, ESR(0x24, PERMISSION));
    expect2("EL1 stores", TRY(RT_SKIP, rt_el1(store, TARGET + 8)), base2[i].w, ESR(0x24, WNR | PERMISSION));
    expect2("EL1 executes", TRY(RT_LR, rt_el1((u64(*)(u64))(TARGET + 16), 0)), base2[i].px, ESR(0x20, PERMISSION));
    expect2("EL0 loads", TRY(RT_SKIP, rt_el0(load, TARGET)), base2[i].r, ESR(0x24, PERMISSION));
    expect2("EL0 stores", TRY(RT_SKIP, rt_el0(store, TARGET + 8)), base2[i].w, ESR(0x24, WNR | PERMISSION));
    expect2("EL0 executes", TRY(RT_LR, rt_el0((u64(*)(u64))(TARGET + 16), 0)), base2[i].ux, ESR(0x20, PERMISSION));
}

static void dirty_state2(void)
{
    u64 *entry = rt_map_entry(&low, TARGET, 3), plain = *entry & ~S2_DIRTY;

    set_s2pir(0xc);
    *entry = plain;
    rt_tlbi_all();
    expect2("stage 2, clean, store", TRY(RT_SKIP, rt_el1(store, TARGET)), false, ESR(0x24, WNR | PERMISSION) | ISS2_DIRTY);
    CHECK_NONE("stage 2, clean, load", TRY(RT_SKIP, rt_el1(load, TARGET)));
    expect2("stage 2, clean, store, cached [peer differs]", TRY(RT_SKIP, rt_el1(store, TARGET)), false, ESR(0x24, WNR | PERMISSION) | ISS2_DIRTY);
    CHECK_EQ("stage 2, clean", *entry, plain);
    if (BITS(READ(id_aa64mmfr1_el1), 3, 0) >= 2) {
        WRITE_ISB(vtcr_el2, READ(vtcr_el2) | VTCR_HA | VTCR_HD);
        rt_tlbi_all();
        CHECK_NONE("stage 2, hardware, load", TRY(RT_SKIP, rt_el1(load, TARGET)));
        CHECK_EQ("stage 2, hardware, clean", *entry, plain);
        CHECK_NONE("stage 2, hardware, store", TRY(RT_SKIP, rt_el1(store, TARGET)));
        CHECK_EQ("stage 2, hardware, dirty, cached [peer differs]", *entry, plain | S2_DIRTY);
        *entry = plain;
        rt_tlbi_all();
        CHECK_NONE("stage 2, hardware, store", TRY(RT_SKIP, rt_el1(store, TARGET)));
        CHECK_EQ("stage 2, hardware, dirty, PIIndex[1] = 0 [peer differs]", *entry, plain | S2_DIRTY);
        WRITE_ISB(vtcr_el2, READ(vtcr_el2) & ~(VTCR_HA | VTCR_HD));
    }
    *entry = plain | S2_DIRTY;
    rt_tlbi_all();
}

/* Stage-1 tables in memory with these permissions: walks, and updates of the access flag. */
static void tables2(void)
{
    static struct RtMap high;
    u64 *entry, place;

    rt_map_init(&high, 12, 39);
    rt_map_image(&high);
    rt_map_set(&high, WINDOW, 3, TARGET, S1_RAM | S1_UXN | S1_PXN);
    entry = rt_map_entry(&high, WINDOW, 3);
    place = (u64)entry & ~0xfffull;
    *rt_map_entry(&low, place & ~0x1fffffull, 2) = 0; /* smaller pages around the table */
    for (u64 at = place & ~0x1fffffull; at < (place & ~0x1fffffull) + 0x200000; at += 0x1000)
        rt_map_set(&low, at, 3, at,
                   (at == place ? (S2_RAM & ~(u64)S2_R) | index_bits(SUBJECT) : S2_RAM) | S2_DIRTY);
    set_s2pir(0xf);
    rt_el1_mmu(&high, 0);
    for (unsigned i = 0; i < 16; i++) {
        WRITE_ISB(tcr_el1, READ(tcr_el1) & ~TCR_HA);
        *entry |= S1_AF;
        set_s2pir(i);
        expect2("table walk", TRY(RT_SKIP, rt_el1(load, WINDOW)), base2[i].mr, ESR(0x24, S1PTW | PERMISSION));
        expect2("EL1 stores in a table", TRY(RT_SKIP, rt_el1(store, place + 8)), base2[i].w, ESR(0x24, WNR | PERMISSION));
        if (!base2[i].mr || !BITS(READ(id_aa64mmfr1_el1), 3, 0))
            continue;
        *entry &= ~(u64)S1_AF;
        WRITE_ISB(tcr_el1, READ(tcr_el1) | TCR_HA);
        rt_tlbi_all();
        const struct RtExc *exc = TRY(RT_SKIP, rt_el1(load, WINDOW));
        if (base2[i].mw)
            CHECK_NONE("access flag", exc);
        else /* WnR: that of the load, or of the update */
            CHECK_EQ("access flag", exc->esr & ISS_SEEN & ~WNR, ESR(0x24, S1PTW | PERMISSION) & ISS_SEEN);
        CHECK_EQ("access flag in memory", BITS(*entry, 10, 10), base2[i].mw);
    }
    rt_el1_mmu_off();
}

static void stage2(void)
{
    u64 *page = (u64 *)TARGET;

    for (unsigned i = 0; i < 16; i++)
        page[i] = 0xd65f03c0d65f03c0;
    rt_map_init(&low, 12, 36);
    rt_map_range(&low, 0x08000000, 0x08000000, 0x02200000, S2_DEVICE | S2_AF | S2_DIRTY | index_bits(DATA));
    rt_map_range(&low, 0x40200000, 0x40200000, 0x3e00000, S2_NORMAL | S2_SH | S2_AF | S2_DIRTY | index_bits(DATA));
    rt_map_set(&low, TARGET, 3, TARGET, S2_NORMAL | S2_SH | S2_AF | S2_DIRTY | index_bits(SUBJECT));
    WRITE(S2PIR_EL2, perm(DATA, 0xf));
    rt_el1_mmu_off();
    rt_s2(&low, 1, 0);
    WRITE_ISB(vtcr_el2, READ(vtcr_el2) | VTCR_S2PIE);
    rt_tlbi_all();
    for (unsigned i = 0; i < 16; i++)
        every_access2(i);
    dirty_state2();
    tables2();
    WRITE_ISB(vtcr_el2, READ(vtcr_el2) & ~VTCR_S2PIE);
    rt_s2_off();
}

void test_main(void)
{
    u64 mmfr3 = READ(ID_AA64MMFR3_EL1);

    if (!BITS(mmfr3, 11, 8) && !BITS(mmfr3, 15, 12)) {
        rt_skip("indirect permissions", "not announced");
        CHECK_EQ("TCR2_EL1.PIE", BITS(mmfr3, 3, 0) ? ({ WRITE(TCR2_EL2, TCR2_PIE); READ(TCR2_EL2); }) : 0, 0);
        return;
    }
    if (BITS(mmfr3, 11, 8)) {
        WRITE_ISB(HCRX_EL2, READ(HCRX_EL2) | HCRX_TCR2EN);
        stage1();
        stage1_el2();
    }
    if (BITS(mmfr3, 15, 12))
        stage2();
}
