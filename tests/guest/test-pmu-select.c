/*
 * PMXEVCNTR_EL0 and PMXEVTYPER_EL0: every PMSELR_EL0.SEL, every MDCR_EL2.HPMN, every Exception level.
 * Arm ARM, the accessors of both registers; "MDCR_EL2", HPMN (FEAT_HPMN0, FEAT_FGT): a counter that is
 * not there is UNDEFINED, one that is EL2's traps; the cycle counter (SEL = 31) has a type only.
 */
#include "rt.h"

PROBE(get_counter, "mrs x0, pmxevcntr_el0");
PROBE(set_counter, "msr pmxevcntr_el0, x0");
PROBE(get_type, "mrs x0, pmxevtyper_el0");
PROBE(set_type, "msr pmxevtyper_el0, x0");

enum { CYCLE = 31, COUNTER_OP2 = 2, TYPE_OP2 = 1 };

static const struct {
    u64 (*probe)(u64);
    const char *name;
    u8 op2, read;
} rows[] = {
    {get_counter, "read of PMXEVCNTR_EL0 [peer differs]", COUNTER_OP2, 1},
    {set_counter, "write of PMXEVCNTR_EL0 [peer differs]", COUNTER_OP2, 0},
    {get_type, "read of PMXEVTYPER_EL0 [peer differs]", TYPE_OP2, 1},
    {set_type, "write of PMXEVTYPER_EL0 [peer differs]", TYPE_OP2, 0},
};

static const struct RtExc *try_at(unsigned el, u64 (*probe)(u64))
{
    return el == 0 ? TRY(RT_SKIP, rt_el0(probe, 0)) : el == 1 ? TRY(RT_SKIP, rt_el1(probe, 0)) : TRY(RT_SKIP, probe(0));
}

static void check(unsigned el, unsigned row, u64 sel, u64 hpmn, u64 counters)
{
    bool type = rows[row].op2 == TYPE_OP2;
    const struct RtExc *exc = try_at(el, rows[row].probe);
    u64 wanted = 0; /* level << 32 | ESR */
    if (sel >= counters && !(type && sel == CYCLE))
        wanted = (u64)(el ? el : 1) << 32 | ESR(0, 0);
    else if (el < 2 && sel >= hpmn && sel != CYCLE)
        wanted = UINT64_C(2) << 32 | ESR(0x18, 3u << 20 | rows[row].op2 << 17 | 3u << 14 | 9u << 10 | 13u << 1 | rows[row].read);
    CHECK_EQ(rows[row].name, exc->count ? (u64)exc->el << 32 | exc->esr : 0, wanted);
}

void test_main(void)
{
    rt_el1_flat();
    if (!BITS(READ(id_aa64dfr0_el1), 11, 8) || !BITS(READ(id_aa64mmfr0_el1), 59, 56)) {
        rt_skip("selected counters", "no FEAT_PMUv3, or no FEAT_FGT, without which accesses beyond HPMN are CONSTRAINED UNPREDICTABLE");
        return;
    }
    u64 mdcr = READ(mdcr_el2), counters = BITS(READ(pmcr_el0), 15, 11);
    WRITE(pmuserenr_el0, 1);
    for (u64 hpmn = 1; hpmn <= counters; hpmn++) {
        WRITE_ISB(mdcr_el2, (mdcr & ~UINT64_C(31)) | hpmn);
        for (u64 sel = 0; sel <= CYCLE; sel++) {
            WRITE_ISB(pmselr_el0, sel);
            for (unsigned el = 0; el <= 2; el++) {
                for (unsigned row = 0; row < 4; row++)
                    check(el, row, sel, hpmn, counters);
            }
        }
    }
    WRITE_ISB(mdcr_el2, mdcr);
}
