/*
 * FEAT_HCX and FEAT_TIDCP1: the bits of HCRX_EL2 that their features bring, no others, and what they trap; SCTLR_ELx.TIDCP.
 * Arm ARM, HCRX_EL2, "SCTLR_EL1.TIDCP".
 */
#include "rt.h"

#define HCRX_EL2 s3_4_c1_c2_2
#define TIDCP BIT(63)
#define SYS(op0, op1, crn, crm, op2) ((u32)(op0) << 20 | (op2) << 17 | (op1) << 14 | (crn) << 10 | (crm) << 1)

PROBE(r_impdef, "mrs x0, s3_3_c15_c2_1");
PROBE(w_impdef, "msr s3_3_c11_c0_0, x0");
PROBE(i_impdef, "sys #3, c15, c1, #2, x0");
PROBE(r_tcr2, "mrs x0, s3_0_c2_c0_3");
PROBE(w_sctlr2, "mov x0, #0\n msr s3_0_c1_c0_3, x0");

static u64 isar1, isar2, pfr1, mmfr1, mmfr3;
#define FIELD(reg, lsb) BITS(reg, (lsb) + 3, lsb)

/* Which bits there are. Those of what no machine here has (SME, GCS, THE, D128, SRMASK ...) are left out. */
static u64 expected(void)
{
    u64 ls64 = FIELD(isar1, 60), bits = 0;
    bits |= ls64 >= 3 ? BIT(0) : 0;
    bits |= ls64 >= 1 ? BIT(1) : 0;
    bits |= ls64 >= 2 ? BIT(2) : 0;
    bits |= FIELD(isar1, 56) ? BIT(3) | BIT(4) : 0;           /* XS: FnXS, FGTnXS */
    bits |= FIELD(pfr1, 36) ? BIT(6) | BIT(7) | BIT(8) : 0;   /* NMI: TALLINT, VINMI, VFNMI */
    bits |= FIELD(mmfr1, 56) ? BIT(9) : 0;                    /* CMOW */
    bits |= FIELD(isar2, 16) ? BIT(10) | BIT(11) : 0;         /* MOPS: MCE2, MSCEn */
    bits |= FIELD(mmfr3, 0) ? BIT(14) : 0;                    /* TCR2En */
    bits |= FIELD(mmfr3, 4) ? BIT(15) : 0;                    /* SCTLR2En */
    return bits;
}

static void bits(void)
{
    const u64 looked_at = BITS(~0ull, 4, 0) | BITS(~0ull, 11, 6) << 6 | 3 << 12 | 3 << 14;
    WRITE_ISB(HCRX_EL2, 0);
    CHECK_EQ("HCRX_EL2, no bits", READ(HCRX_EL2) & looked_at, 0);
    WRITE_ISB(HCRX_EL2, ~0ull);
    CHECK_EQ("HCRX_EL2, all bits", READ(HCRX_EL2) & looked_at, expected());
    CHECK_EQ("HCRX_EL2, RES0", READ(HCRX_EL2) & (3ull << 12 | BIT(25) | 15ull << 28 | ~0ull << 37), 0);
    WRITE_ISB(HCRX_EL2, 0);
}

static void enables(void)
{
    u64 sctlr2 = ESR(0x18, SYS(3, 0, 1, 0, 3)), tcr2 = ESR(0x18, SYS(3, 0, 2, 0, 3) | 1);
    if (FIELD(mmfr3, 0)) {
        CHECK_EXC("TCR2En 0", TRY(RT_SKIP, rt_el1(r_tcr2, 0)), 2, 0x400, tcr2);
        WRITE_ISB(HCRX_EL2, BIT(14));
        CHECK_NONE("TCR2En 1", TRY(RT_SKIP, rt_el1(r_tcr2, 0)));
    } else {
        CHECK_EXC("no TCR2_EL1", TRY(RT_SKIP, rt_el1(r_tcr2, 0)), 1, 0x200, ESR(0, 0));
    }
    WRITE_ISB(HCRX_EL2, 0);
    if (FIELD(mmfr3, 4)) {
        CHECK_EXC("SCTLR2En 0", TRY(RT_SKIP, rt_el1(w_sctlr2, 0)), 2, 0x400, sctlr2);
        WRITE_ISB(HCRX_EL2, BIT(15));
        CHECK_NONE("SCTLR2En 1", TRY(RT_SKIP, rt_el1(w_sctlr2, 0)));
    } else {
        CHECK_EXC("no SCTLR2_EL1", TRY(RT_SKIP, rt_el1(w_sctlr2, 0)), 1, 0x200, ESR(0, 0));
    }
    WRITE_ISB(HCRX_EL2, 0);
}

static void tidcp(void)
{
    static const struct {
        const char *name;
        u64 (*probe)(u64);
        u32 iss;
    } rows[] = {
        {"TIDCP, MRS", r_impdef, SYS(3, 3, 15, 2, 1) | 1},
        {"TIDCP, MSR", w_impdef, SYS(3, 3, 11, 0, 0)},
        {"TIDCP, SYS", i_impdef, SYS(1, 3, 15, 1, 2)},
    };
    u64 sctlr = READ(sctlr_el1);
    bool there = FIELD(mmfr1, 52);
    WRITE_ISB(sctlr_el1, sctlr | TIDCP);
    CHECK_EQ("SCTLR_EL1.TIDCP", !!(READ(sctlr_el1) & TIDCP), there);
    for (unsigned i = 0; there && i < sizeof rows / sizeof *rows; i++) {
        u64 esr = ESR(0x18, rows[i].iss);
        CHECK_EXC(rows[i].name, TRY(RT_SKIP, rt_el0(rows[i].probe, 0)), 1, 0x400, esr);
        CHECK_EXC(rows[i].name, TRY(RT_SKIP, rt_el1(rows[i].probe, 0)), 1, 0x200, ESR(0, 0));
        WRITE_ISB(hcr_el2, HCR_RW | BIT(20));
        CHECK_EXC("HCR_EL2.TIDCP comes later", TRY(RT_SKIP, rt_el0(rows[i].probe, 0)), 1, 0x400, esr);
        CHECK_EXC("HCR_EL2.TIDCP", TRY(RT_SKIP, rt_el1(rows[i].probe, 0)), 2, 0x400, esr);
        WRITE_ISB(hcr_el2, HCR_RW | HCR_TGE);
        CHECK_EXC("TGE", TRY(RT_SKIP, rt_el0(rows[i].probe, 0)), 2, 0x400, esr);
        WRITE_ISB(hcr_el2, HCR_RW);
    }
    WRITE_ISB(sctlr_el1, sctlr);
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_EXC("without TIDCP", TRY(RT_SKIP, rt_el0(rows[i].probe, 0)), 1, 0x400, ESR(0, 0));
}

void test_main(void)
{
    rt_el1_flat();
    isar1 = READ(id_aa64isar1_el1), isar2 = READ(s3_0_c0_c6_2), pfr1 = READ(id_aa64pfr1_el1);
    mmfr1 = READ(id_aa64mmfr1_el1), mmfr3 = READ(s3_0_c0_c7_3);
    tidcp();
    if (!FIELD(mmfr1, 40)) {
        CHECK_EXC("no FEAT_HCX, no HCRX_EL2", TRY(RT_SKIP, (void)READ(HCRX_EL2)), 2, 0x200, ESR(0, 0));
        rt_skip("HCRX_EL2", "no FEAT_HCX");
        return;
    }
    bits();
    enables();
}
