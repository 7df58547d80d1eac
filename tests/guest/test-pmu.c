/*
 * Performance monitors: registers, MDCR_EL2.HPMN, traps, what EL0 may. Arm ARM, "The Performance Monitors Extension", the registers' own
 * descriptions.
 */
#include "pmu.h"

/* --- registers --- */
static u64 el1_pmcr(u64 x)
{
    return READ(pmcr_el0);
}

static u64 el1_enable_all(u64 x)
{
    WRITE(pmcntenset_el0, ~0ull);
    WRITE(pmovsset_el0, ~0ull);
    return READ(pmcntenset_el0) | READ(pmovsclr_el0) << 32;
}

static u64 el1_reset(u64 x)
{
    WRITE_ISB(pmcr_el0, PMCR_P);
    return 0;
}

static void registers(void)
{
    const u64 all = (BIT(counters) - 1) | CYCLE;
    reset();
    WRITE_ISB(pmcr_el0, PMCR_E | PMCR_DP | PMCR_P | PMCR_C);
    CHECK_EQ("PMCR_EL0: P and C read as 0, E and DP as written", READ(pmcr_el0) & 0x27, PMCR_E | PMCR_DP);
    WRITE_ISB(pmcr_el0, 0);
    CHECK_EQ("PMCR_EL0.{DP,C,P,E}", READ(pmcr_el0) & 0x27, 0);
    if (version >= 6) {
        WRITE_ISB(pmcr_el0, PMCR_LP);
        CHECK_EQ("PMCR_EL0.LP", READ(pmcr_el0) & PMCR_LP, PMCR_LP);
        WRITE_ISB(pmcr_el0, 0);
    }
    WRITE_ISB(pmcntenset_el0, ~0ull);
    CHECK_EQ("PMCNTENSET_EL0 has the counters that are there", READ(pmcntenset_el0), all);
    WRITE_ISB(pmcntenclr_el0, BIT(1));
    CHECK_EQ("PMCNTENCLR_EL0", READ(pmcntenclr_el0), all & ~BIT(1));
    WRITE_ISB(pmintenset_el1, ~0ull);
    CHECK_EQ("PMINTENSET_EL1", READ(pmintenset_el1), all);
    WRITE_ISB(pmintenclr_el1, CYCLE);
    CHECK_EQ("PMINTENCLR_EL1", READ(pmintenclr_el1), all & ~CYCLE);
    WRITE_ISB(pmintenclr_el1, ~0ull);
    WRITE_ISB(pmovsset_el0, ~0ull);
    CHECK_EQ("PMOVSSET_EL0", READ(pmovsset_el0), all);
    WRITE_ISB(pmovsclr_el0, BIT(0));
    CHECK_EQ("PMOVSCLR_EL0", READ(pmovsclr_el0), all & ~BIT(0));
    WRITE_ISB(pmselr_el0, ~0ull);
    CHECK_EQ("PMSELR_EL0.SEL", READ(pmselr_el0), 31);
    WRITE_ISB(pmxevtyper_el0, NOT_EL1 | EVENT_CYCLES);
    CHECK_EQ("PMXEVTYPER_EL0 of the cycle counter is PMCCFILTR_EL0", READ(pmccfiltr_el0), NOT_EL1);
    select_type(1, NOT_EL0 | IN_EL2 | 0xffff);
    if (version >= 8)
        CHECK_EQ("PMEVTYPER1_EL0", READ(pmevtyper1_el0), NOT_EL0 | IN_EL2 | 0xffff);
    WRITE_ISB(pmevcntr1_el0, 0x123456789abcdef0);
    CHECK_EQ("PMXEVCNTR_EL0", count(1), version >= 6 ? 0x123456789abcdef0 : 0x9abcdef0);
    CHECK("PMCEID0_EL0: SW_INCR and CPU_CYCLES", has_event(EVENT_SW_INCR) && has_event(EVENT_CYCLES));
    if (version >= 5)
        CHECK_NONE("PMMIR_EL1", TRY_ASM("mrs x9, s3_0_c9_c14_6", "i"(0)));
    reset();
}

/* --- MDCR_EL2.HPMN and traps --- */
PROBE(get_evcntr2, "mrs x0, pmevcntr2_el0");
PROBE(set_evtyper2, "msr pmevtyper2_el0, x0");
PROBE(get_evcntr0, "mrs x0, pmevcntr0_el0");
PROBE(get_evcntr30, "mrs x0, pmevcntr30_el0");
PROBE(get_xevcntr, "mrs x0, pmxevcntr_el0");
PROBE(set_xevtyper, "msr pmxevtyper_el0, x0");
PROBE(get_pmcr, "mrs x0, pmcr_el0");
PROBE(get_ccntr, "mrs x0, pmccntr_el0");
PROBE(set_ccntr, "msr pmccntr_el0, x0");
PROBE(set_swinc, "msr pmswinc_el0, x0");
PROBE(get_selr, "mrs x0, pmselr_el0");
PROBE(get_enset, "mrs x0, pmcntenset_el0");
PROBE(get_user, "mrs x0, pmuserenr_el0");
PROBE(set_user, "msr pmuserenr_el0, x0");


static void split(void)
{
    const u64 hpmn = 2;
    reset();
    WRITE_ISB(mdcr_el2, mdcr | hpmn);
    CHECK_EQ("N at EL1 is HPMN", BITS(rt_el1(el1_pmcr, 0), 15, 11), hpmn);
    CHECK_EQ("N at EL2 is all", BITS(READ(pmcr_el0), 15, 11), counters);
    CHECK_EQ("EL1 has the bits below HPMN [peer differs]", rt_el1(el1_enable_all, 0), (CYCLE | 3) | (CYCLE | 3) << 32);
    CHECK_EQ("... and has set no others [peer differs]", READ(pmcntenset_el0), CYCLE | 3);
    set_count(1, 5);
    set_count(2, 6);
    rt_el1(el1_reset, 0);
    CHECK_EQ("PMCR_EL0.P at EL1 clears those below HPMN", count(1), 0);
    CHECK_EQ("... and no other [peer differs]", count(2), 6);
    WRITE_ISB(pmcr_el0, PMCR_P);
    CHECK_EQ("PMCR_EL0.P at EL2 clears all", count(2), 0);
    if (BITS(READ(id_aa64mmfr0_el1), 59, 56) == 0) {
        rt_skip("accesses beyond HPMN", "CONSTRAINED UNPREDICTABLE without FEAT_FGT");
        return;
    }
    CHECK_EXC("PMEVCNTR2_EL0 at EL1 [peer differs]", TRY(RT_SKIP, rt_el1(get_evcntr2, 0)), 2, FROM_LOWER,
              ESR(0x18, ISS_READ(3, 14, 8, 2)));
    CHECK_EXC("PMEVTYPER2_EL0 at EL1 [peer differs]", TRY(RT_SKIP, rt_el1(set_evtyper2, 0)), 2, FROM_LOWER,
              ESR(0x18, ISS_WRITE(3, 14, 12, 2)));
    CHECK_NONE("PMEVCNTR0_EL0 at EL1", TRY(RT_SKIP, rt_el1(get_evcntr0, 0)));
    WRITE_ISB(pmselr_el0, 2);
    CHECK_EXC("PMXEVCNTR_EL0 at EL1, SEL = 2 [peer differs]", TRY(RT_SKIP, rt_el1(get_xevcntr, 0)), 2, FROM_LOWER,
              ESR(0x18, ISS_READ(3, 9, 13, 2)));
    CHECK_EXC("PMXEVTYPER_EL0 at EL1, SEL = 2 [peer differs]", TRY(RT_SKIP, rt_el1(set_xevtyper, 0)), 2, FROM_LOWER,
              ESR(0x18, ISS_WRITE(3, 9, 13, 1)));
    WRITE_ISB(pmselr_el0, 31);
    CHECK_NONE("PMXEVTYPER_EL0 at EL1, SEL = 31", TRY(RT_SKIP, rt_el1(set_xevtyper, 0)));
    WRITE_ISB(pmselr_el0, 30);
    CHECK_EQ("PMXEVCNTR_EL0 at EL2, SEL = 30 [peer differs]", EC(TRY_ASM("mrs x9, pmxevcntr_el0", "i"(0))), 0);
    CHECK_EQ("... was UNDEFINED [peer differs]", rt_cpu()->exc.count, 1);
    CHECK_EXC("PMEVCNTR30_EL0 at EL1 is UNDEFINED [peer differs]", TRY(RT_SKIP, rt_el1(get_evcntr30, 0)), 1, 0x200, ESR(0, 0));
    WRITE(pmuserenr_el0, 1);
    CHECK_EXC("PMEVCNTR2_EL0 at EL0 [peer differs]", TRY(RT_SKIP, rt_el0(get_evcntr2, 0)), 2, FROM_LOWER,
              ESR(0x18, ISS_READ(3, 14, 8, 2)));
    reset();
}

static void traps(void)
{
    reset();
    WRITE_ISB(mdcr_el2, mdcr | counters | MDCR_TPM);
    CHECK_EXC("TPM, PMCCNTR_EL0 at EL1", TRY(RT_SKIP, rt_el1(get_ccntr, 0)), 2, FROM_LOWER, ESR(0x18, ISS_READ(3, 9, 13, 0)));
    CHECK_EXC("TPM, PMSWINC_EL0 at EL1", TRY(RT_SKIP, rt_el1(set_swinc, 0)), 2, FROM_LOWER, ESR(0x18, ISS_WRITE(3, 9, 12, 4)));
    WRITE_ISB(mdcr_el2, mdcr | counters | MDCR_TPMCR);
    CHECK_EXC("TPMCR, PMCR_EL0 at EL1", TRY(RT_SKIP, rt_el1(get_pmcr, 0)), 2, FROM_LOWER, ESR(0x18, ISS_READ(3, 9, 12, 0)));
    CHECK_NONE("TPMCR, PMCCNTR_EL0 at EL1", TRY(RT_SKIP, rt_el1(get_ccntr, 0)));
    WRITE_ISB(mdcr_el2, mdcr | counters);
}

/* PMUSERENR_EL0: what EL0 may with each bit; 1: allowed. */
static void user(void)
{
    static const struct {
        u64 (*probe)(u64);
        const char *name;
        u8 none, en, sw, cr, er;
        u64 iss;
    } rows[] = {
        {get_ccntr, "read of PMCCNTR_EL0", 0, 1, 0, 1, 0, ISS_READ(3, 9, 13, 0)},
        {set_ccntr, "write of PMCCNTR_EL0", 0, 1, 0, 0, 0, ISS_WRITE(3, 9, 13, 0)},
        {set_swinc, "PMSWINC_EL0", 0, 1, 1, 0, 0, ISS_WRITE(3, 9, 12, 4)},
        {get_evcntr0, "read of PMEVCNTR0_EL0", 0, 1, 0, 0, 1, ISS_READ(3, 14, 8, 0)},
        {get_xevcntr, "read of PMXEVCNTR_EL0", 0, 1, 0, 0, 1, ISS_READ(3, 9, 13, 2)},
        {get_selr, "PMSELR_EL0", 0, 1, 0, 0, 1, ISS_READ(3, 9, 12, 5)},
        {get_enset, "PMCNTENSET_EL0", 0, 1, 0, 0, 0, ISS_READ(3, 9, 12, 1)},
        {get_pmcr, "PMCR_EL0", 0, 1, 0, 0, 0, ISS_READ(3, 9, 12, 0)},
        {get_user, "read of PMUSERENR_EL0", 1, 1, 1, 1, 1, 0},
    };
    reset();
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const u8 allowed[5] = {rows[i].none, rows[i].en, rows[i].sw, rows[i].cr, rows[i].er};
        for (unsigned b = 0; b < 5; b++) {
            WRITE_ISB(pmuserenr_el0, b ? BIT(b - 1) : 0);
            const struct RtExc *exc = TRY(RT_SKIP, rt_el0(rows[i].probe, 0));
            const u64 want = allowed[b] ? 0 : ESR(0x18, rows[i].iss | 0 << 5);
            rt_check(allowed[b] ? !exc->count : exc->count == 1 && exc->el == 1 && exc->esr == want, WHERE, rows[i].name,
                     exc->count ? exc->esr : 0, want);
        }
    }
    CHECK_EQ("PMUSERENR_EL0 is not EL0's to write", EC(TRY(RT_SKIP, rt_el0(set_user, 1))), 0);
    reset();
}

/* --- FEAT_PMUv3p9: PMUSERENR_EL0.{UEN,TID}, PMUACR_EL1, PMZR_EL0 --- */
#define PMUACR_EL1 s3_0_c9_c14_4
#define USER_UEN BIT(4)
#define USER_TID BIT(6)
#define USER_ER BIT(3)
#define USER_CR BIT(2)
#define USER_SW BIT(1)
PROBE(set_evcntr0, "msr pmevcntr0_el0, x0");
PROBE(get_evcntr1, "mrs x0, pmevcntr1_el0");
PROBE(set_enset, "msr pmcntenset_el0, x0");
PROBE(get_ceid0, "mrs x0, pmceid0_el0");
PROBE(zero, "msr s3_3_c9_c13_4, x0");
PROBE(set_acr, "msr s3_0_c9_c14_4, x0");

static void user_counters(void)
{
    set_count(0, 10);
    set_count(1, 11);
    WRITE_ISB(pmccntr_el0, 12);
    WRITE_ISB(PMUACR_EL1, 1);
    WRITE_ISB(pmuserenr_el0, USER_UEN);
    CHECK_EQ("UEN: EL0 reads a counter of PMUACR_EL1", rt_el0(get_evcntr0, 0), 10);
    CHECK_EQ("... no other", rt_el0(get_evcntr1, 0), 0);
    CHECK_EQ("... nor the cycle counter", rt_el0(get_ccntr, 0), 0);
    rt_el0(set_evcntr0, 20);
    CHECK_EQ("... and writes it", count(0), 20);
    rt_el0(set_enset, ~0ull);
    CHECK_EQ("... and its controls", READ(pmcntenset_el0), 1);
    WRITE(pmcntenclr_el0, ~0ull);
    rt_el0(zero, ~0ull);
    CHECK_EQ("PMZR_EL0 at EL0 zeroes that one", count(0) << 8 | count(1), 11);
    WRITE_ISB(pmuserenr_el0, USER_UEN | USER_ER);
    rt_el0(set_evcntr0, 30);
    CHECK_EQ("ER makes it read-only", count(0), 0);
    WRITE_ISB(PMUACR_EL1, CYCLE);
    rt_el0(set_ccntr, 40);
    CHECK_EQ("PMCCNTR_EL0 by PMUACR_EL1.C", READ(pmccntr_el0), 40);
    WRITE_ISB(pmuserenr_el0, USER_UEN | USER_CR);
    rt_el0(zero, ~0ull);
    CHECK_EQ("CR makes it read-only", READ(pmccntr_el0), 40);
    CHECK_EXC("PMCR_EL0 is not for EL0 with UEN", TRY(RT_SKIP, rt_el0(get_pmcr, 0)), 1, FROM_LOWER, ESR(0x18, ISS_READ(3, 9, 12, 0)));
}

static void user_software(void)
{
    reset();
    WRITE_ISB(PMUACR_EL1, 1);
    WRITE_ISB(pmcntenset_el0, 3);
    WRITE_ISB(pmcr_el0, PMCR_E);
    WRITE_ISB(pmuserenr_el0, USER_UEN);
    rt_el0(set_swinc, 3);
    CHECK_EQ("PMSWINC_EL0 by PMUACR_EL1", count(0) << 8 | count(1), 0x100);
    WRITE_ISB(pmuserenr_el0, USER_UEN | USER_SW);
    rt_el0(set_swinc, 3);
    CHECK_EQ("SW ignores that", count(0) << 8 | count(1), 0x201);
    WRITE_ISB(pmuserenr_el0, 1 | USER_TID);
    CHECK_EXC("TID traps PMCEID0_EL0", TRY(RT_SKIP, rt_el0(get_ceid0, 0)), 1, FROM_LOWER, ESR(0x18, ISS_READ(3, 9, 12, 6)));
}

static void finer(void)
{
    if (version < 9) {
        rt_skip("PMUACR_EL1, PMZR_EL0", "no FEAT_PMUv3p9");
        return;
    }
    reset();
    if (BITS(READ(id_aa64mmfr0_el1), 59, 56) >= 2) { /* HDFGRTR2_EL2, HDFGWTR2_EL2: nothing is trapped */
        CHECK_EXC("PMUACR_EL1 at EL1 by HDFGWTR2_EL2", TRY(RT_SKIP, rt_el1(set_acr, 0)), 2, FROM_LOWER,
                  ESR(0x18, ISS_WRITE(0, 9, 14, 4)));
        CHECK_EXC("PMZR_EL0 at EL1 by HDFGWTR2_EL2", TRY(RT_SKIP, rt_el1(zero, 0)), 2, FROM_LOWER, ESR(0x18, ISS_WRITE(3, 9, 13, 4)));
        WRITE(s3_4_c3_c1_0, ~0ull);
        WRITE_ISB(s3_4_c3_c1_1, ~0ull);
    }
    user_counters();
    user_software();
    reset();
    set_count(0, 1);
    set_count(1, 2);
    WRITE_ISB(pmccntr_el0, 3);
    WRITE_ISB(s3_3_c9_c13_4, 2 | CYCLE);
    CHECK_EQ("PMZR_EL0 zeroes what it names", count(0) << 16 | count(1) << 8 | READ(pmccntr_el0), 1 << 16);
    WRITE_ISB(mdcr_el2, mdcr | 2);
    WRITE_ISB(PMUACR_EL1, 0);
    rt_el1(set_acr, ~0ull);
    CHECK_EQ("PMUACR_EL1 at EL1 has the counters below HPMN", READ(PMUACR_EL1), CYCLE | 3);
    if (BITS(READ(id_aa64mmfr0_el1), 59, 56) >= 2) {
        WRITE(s3_4_c3_c1_0, 0);
        WRITE_ISB(s3_4_c3_c1_1, 0);
    }
    reset();
}

void test_main(void)
{
    u64 hpmn = READ(mdcr_el2) & 0x1f;
    if (!there_are_monitors())
        return;
    CHECK_EQ("MDCR_EL2.HPMN after reset: all counters", hpmn, counters);
    CHECK("at least 6 event counters", counters >= 6);
    registers();
    split();
    traps();
    user();
    finer();
}
