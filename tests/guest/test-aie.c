/*
 * Attribute index extension (FEAT_AIE): AttrIndx[3] selects MAIR2_ELx, in each regime and only with TCR2_ELx.AIE; AT with FEAT_ATS1A.
 * Arm ARM, "Stage 1 memory type and Cacheability attributes", MAIR2_EL1, PAR_EL1.
 */
#include "rt.h"

#define ID_AA64MMFR3_EL1 s3_0_c0_c7_3
#define HCRX_EL2 s3_4_c1_c2_2
#define TCR2_EL1 s3_0_c2_c0_3
#define TCR2_EL2 s3_4_c2_c0_3
#define MAIR2_EL1 s3_0_c10_c2_1
#define MAIR2_EL2 s3_4_c10_c1_1
#define AMAIR2_EL1 s3_0_c10_c3_1
#define HCRX_TCR2EN BIT(14)
#define TCR2_AIE BIT(4)
#define WINDOW 0x100000000ull
#define TARGET 0x46000000ull
/* Attributes that PAR_EL1 shows as they are. */
#define LOW 0xffeebbaa440c0400ull
#define HIGH 0x00040c44aabbeeffull

PROBE(at_read, "at s1e1r, x0\n isb\n mrs x0, par_el1");
PROBE(at_any, "sys #0, c7, c9, #2, x0\n isb\n mrs x0, par_el1");

static u64 at_el2(u64 va)
{
    __asm__ volatile("at s1e2r, %0\n isb" : : "r"(va) : "memory");
    return READ(par_el1);
}

static u64 at_el2_any(u64 va)
{
    __asm__ volatile("sys #4, c7, c9, #2, %0\n isb" : : "r"(va) : "memory");
    return READ(par_el1);
}

static u64 leaf(u64 i)
{
    return S1_AF | S1_SH | (i & 7) << 2 | (i >> 3) << 59;
}

static u64 want(u64 i, bool on)
{
    return (i < 8 || !on ? LOW : HIGH) >> 8 * (i & 7) & 0xff;
}

static void el1(bool on)
{
    rt_tlbi_all(); /* these registers may be cached in TLBs */
    for (u64 i = 0; i < 16; i++) {
        CHECK_EQ("AT S1E1R", rt_el1(at_read, WINDOW + i * 0x1000) >> 56, want(i, on));
        if (BITS(READ(s3_0_c0_c6_2), 63, 60))
            CHECK_EQ("AT S1E1A", rt_el1(at_any, WINDOW + i * 0x1000) >> 56, want(i, on));
    }
}

static void el2(bool on)
{
    rt_tlbi_all();
    for (u64 i = 0; i < 16; i++) {
        u64 w = (i < 8 || !on ? (u64)MAIR_VALUE : HIGH) >> 8 * (i & 7) & 0xff;
        CHECK_EQ("AT S1E2R", at_el2(WINDOW + i * 0x1000) >> 56, w);
        if (BITS(READ(s3_0_c0_c6_2), 63, 60))
            CHECK_EQ("AT S1E2A", at_el2_any(WINDOW + i * 0x1000) >> 56, w);
    }
}

void test_main(void)
{
    static struct RtMap map;
    u64 mmfr3 = READ(ID_AA64MMFR3_EL1);

    CHECK_EQ("FEAT_AIE needs FEAT_TCR2", BITS(mmfr3, 27, 24) && !BITS(mmfr3, 3, 0), 0);
    if (!BITS(mmfr3, 27, 24)) {
        rt_skip("AIE", "not announced");
        return;
    }
    rt_map_init(&map, 12, 39);
    for (u64 i = 0; i < 16; i++) {
        rt_map_set(&map, WINDOW + i * 0x1000, 3, TARGET, leaf(i));
        rt_map_set(&rt_el2_map, WINDOW + i * 0x1000, 3, TARGET, leaf(i));
    }
    rt_map_image(&map);
    WRITE(HCRX_EL2, READ(HCRX_EL2) | HCRX_TCR2EN);
    WRITE(TCR2_EL1, 0);
    WRITE(MAIR2_EL1, HIGH);
    WRITE(AMAIR2_EL1, 0);
    rt_el1_mmu(&map, 0);
    WRITE_ISB(mair_el1, LOW); /* EL1's own pages are Device memory now */
    el1(false);
    WRITE_ISB(TCR2_EL1, TCR2_AIE);
    CHECK_EQ("TCR2_EL1", READ(TCR2_EL1), TCR2_AIE);
    el1(true);
    WRITE_ISB(HCRX_EL2, READ(HCRX_EL2) & ~HCRX_TCR2EN);
    el1(false);
    WRITE_ISB(HCRX_EL2, READ(HCRX_EL2) | HCRX_TCR2EN);
    WRITE_ISB(TCR2_EL1, 0);
    rt_el1_mmu_off();

    WRITE_ISB(MAIR2_EL2, HIGH);
    el2(false);
    WRITE_ISB(TCR2_EL2, TCR2_AIE);
    el2(true);
    WRITE_ISB(TCR2_EL2, 0);
}
