/*
 * Access flags of table descriptors, set by hardware (FEAT_HAFT): in each regime's stage 1 and in stage 2, by accesses and by address
 * translation instructions, down to the descriptor that faults; subject to stage 2. Arm ARM, "Hardware management of the Table
 * descriptor Access flag", TCR2_EL1.HAFT, TCR2_EL2.HAFT, VTCR_EL2.HAFT.
 */
#include "rt.h"

#define HCRX_EL2 s3_4_c1_c2_2
#define TCR2_EL1 s3_0_c2_c0_3
#define TCR2_EL2 s3_4_c2_c0_3
#define HCRX_TCR2EN BIT(14)
#define TCR2_HAFT BIT(11)
#define VTCR_HAFT BIT(44)
#define TCR_HA BIT(39)
#define TCR_EL2_HA BIT(21)
#define VTCR_HA BIT(21)
#define S1PTW BIT(7)
#define WINDOW 0x100000000ull
#define TARGET 0x46000000ull

PROBE(load, "ldr x0, [x0]");
PROBE(at_read, "at s1e1r, x0\n isb\n mrs x0, par_el1");

static struct RtMap map;

/* AF of the descriptors of levels 1 and 2, as two digits; both are then cleared. */
static u64 flags(struct RtMap *m)
{
    u64 *one = rt_map_entry(m, WINDOW, 1), *two = rt_map_entry(m, WINDOW, 2);
    u64 f = BITS(*one, 10, 10) << 4 | BITS(*two, 10, 10);

    *one &= ~BIT(10);
    *two &= ~BIT(10);
    rt_tlbi_all();
    return f;
}

static void el1(void)
{
    u64 *leaf = rt_map_entry(&map, WINDOW, 3), plain = *leaf, tcr;

    CHECK_EQ("clear", flags(&map), 0);
    CHECK_NONE("neither HA nor HAFT", TRY(RT_SKIP, rt_el1(load, WINDOW)));
    CHECK_EQ("neither HA nor HAFT", flags(&map), 0);
    WRITE_ISB(TCR2_EL1, TCR2_HAFT);
    CHECK_NONE("HAFT without HA", TRY(RT_SKIP, rt_el1(load, WINDOW)));
    CHECK_EQ("HAFT without HA", flags(&map), 0);
    tcr = READ(tcr_el1);
    WRITE_ISB(tcr_el1, tcr | TCR_HA);
    rt_tlbi_all();
    CHECK_NONE("HAFT", TRY(RT_SKIP, rt_el1(load, WINDOW)));
    CHECK_EQ("HAFT", flags(&map), 0x11);
    CHECK_EQ("AT", rt_el1(at_read, WINDOW) & 1, 0);
    CHECK_EQ("AT", flags(&map), 0x11);
    *leaf = 0;
    rt_tlbi_all();
    CHECK_EXC("no leaf", TRY(RT_SKIP, rt_el1(load, WINDOW)), 1, 0x200, ESR(0x25, 7));
    CHECK_EQ("no leaf", flags(&map), 0x11);
    *leaf = plain;
    WRITE_ISB(HCRX_EL2, READ(HCRX_EL2) & ~HCRX_TCR2EN);
    rt_tlbi_all();
    CHECK_NONE("TCR2_EL1 hidden", TRY(RT_SKIP, rt_el1(load, WINDOW)));
    CHECK_EQ("TCR2_EL1 hidden", flags(&map), 0);
    WRITE_ISB(HCRX_EL2, READ(HCRX_EL2) | HCRX_TCR2EN);
    WRITE_ISB(TCR2_EL1, 0);
    WRITE_ISB(tcr_el1, tcr);
}

static void el2(void)
{
    CHECK_EQ("EL2 clear", flags(&rt_el2_map), 0);
    WRITE_ISB(tcr_el2, READ(tcr_el2) | TCR_EL2_HA);
    rt_tlbi_all();
    CHECK_NONE("EL2, HA", TRY(RT_SKIP, load(WINDOW)));
    CHECK_EQ("EL2, HA", flags(&rt_el2_map), 0);
    WRITE_ISB(TCR2_EL2, TCR2_HAFT);
    rt_tlbi_all();
    CHECK_NONE("EL2, HAFT", TRY(RT_SKIP, load(WINDOW)));
    CHECK_EQ("EL2, HAFT", flags(&rt_el2_map), 0x11);
    WRITE_ISB(TCR2_EL2, 0);
    WRITE_ISB(tcr_el2, READ(tcr_el2) & ~TCR_EL2_HA);
    rt_tlbi_all();
}

/* Stage 2's own tables; and stage 1's, where stage 2 lets nothing write them. */
static void stage2(void)
{
    static struct RtMap outer;
    u64 place = (u64)rt_map_entry(&map, WINDOW, 2) & ~0xfffull, around = place & ~0x1fffffull;
    const struct RtExc *exc;

    rt_map_init(&outer, 12, 39);
    rt_map_image_s2(&outer);
    rt_map_set(&outer, WINDOW, 3, TARGET, S2_RAM);
    rt_map_set(&outer, TARGET, 3, TARGET, S2_RAM);
    *rt_map_entry(&outer, around, 2) = 0;
    rt_map_range(&outer, around, around, 0x1ff000, S2_RAM);
    rt_map_set(&outer, around + 0x1ff000, 3, around + 0x1ff000, S2_RAM);
    rt_s2(&outer, 1, 0);
    WRITE_ISB(vtcr_el2, READ(vtcr_el2) | VTCR_HA | VTCR_HAFT);
    rt_el1_mmu_off();
    CHECK_EQ("stage 2, clear", flags(&outer), 0);
    CHECK_NONE("stage 2, HAFT", TRY(RT_SKIP, rt_el1(load, WINDOW)));
    CHECK_EQ("stage 2, HAFT", flags(&outer), 0x11);
    WRITE_ISB(vtcr_el2, READ(vtcr_el2) & ~VTCR_HAFT);
    rt_tlbi_all();
    CHECK_NONE("stage 2, HA", TRY(RT_SKIP, rt_el1(load, WINDOW)));
    CHECK_EQ("stage 2, HA", flags(&outer), 0);

    WRITE_ISB(TCR2_EL1, TCR2_HAFT);
    rt_el1_mmu(&map, 0);
    WRITE_ISB(tcr_el1, READ(tcr_el1) | TCR_HA);
    CHECK_EQ("both stages, clear", flags(&map) & 0, 0);
    CHECK_NONE("both stages", TRY(RT_SKIP, rt_el1(load, WINDOW)));
    CHECK_EQ("both stages", flags(&map), 0x11);
    rt_map_set(&outer, place, 3, place, S2_RAM & ~(u64)S2_W); /* the table of level 2 */
    rt_tlbi_all();
    exc = TRY(RT_SKIP, rt_el1(load, WINDOW));
    CHECK_EQ("read-only table", exc->count * 4 + exc->el, 4 + 2);
    CHECK_EQ("read-only table", exc->esr & (0xfc000000 | S1PTW | 0x3f), ESR(0x24, S1PTW | 15) & ~BIT(25));
    CHECK_EQ("read-only table", exc->hpfar, place >> 12 << 4);
    CHECK_EQ("read-only table", flags(&map), 0x10);
    rt_el1_mmu_off();
    WRITE_ISB(TCR2_EL1, 0);
    rt_s2_off();
}

void test_main(void)
{
    bool have = BITS(READ(id_aa64mmfr1_el1), 3, 0) >= 3;

    CHECK_EQ("FEAT_HAFT needs FEAT_TCR2", have && !BITS(READ(s3_0_c0_c7_3), 3, 0), 0);
    if (!have) {
        rt_skip("HAFT", "not announced");
        return;
    }
    WRITE_ISB(HCRX_EL2, READ(HCRX_EL2) | HCRX_TCR2EN);
    WRITE_ISB(TCR2_EL1, 0);
    rt_map_init(&map, 12, 39);
    rt_map_image(&map);
    rt_map_set(&map, WINDOW, 3, TARGET, S1_RAM);
    rt_map_set(&rt_el2_map, WINDOW, 3, TARGET, S1_RAM);
    rt_el1_mmu(&map, 0);
    el1();
    el2();
    stage2();
}
