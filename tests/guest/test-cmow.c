/*
 * FEAT_CMOW: DC CIVAC and IC IVAU of EL0 want to be allowed to write where SCTLR_EL1.CMOW says so; with HCRX_EL2.CMOW stage 2 must let
 * them. (QEMU 11 announces it and does nothing.) Arm ARM, SCTLR_EL1.CMOW, HCRX_EL2.CMOW.
 */
#include "rt.h"

#define TARGET 0x46000000ull
#define WINDOW 0x100000000ull
#define PAGE 0x1000ull
#define SCTLR_UCI BIT(26)
#define SCTLR_CMOW BIT(32)
#define HCRX_EL2 s3_4_c1_c2_2
#define HCRX_CMOW BIT(9)

enum { RW, RO, S2_READ_ONLY };

PROBE(civac, "dc civac, x0");
PROBE(cvac, "dc cvac, x0");
PROBE(cvau, "dc cvau, x0");
PROBE(ivau, "ic ivau, x0");

static struct RtMap s1, s2;
static const struct {
    const char *name;
    u64 (*probe)(u64);
    bool taken; /* CMOW concerns it */
} ops[] = {{"DC CIVAC [peer differs]", civac, true}, {"DC CVAC", cvac, false}, {"DC CVAU", cvau, false},
         {"IC IVAU [peer differs]", ivau, true}};
enum { OPS = sizeof ops / sizeof *ops };

static u64 va_of(unsigned page)
{
    return WINDOW + page * PAGE;
}

/* CM and WnR are 1. */
static void result(unsigned op, const struct RtExc *exc, bool refused, u64 el, u64 vector)
{
    if (refused)
        CHECK_EXC(ops[op].name, exc, el, vector, ESR(0x24, 1 << 8 | 1 << 6 | 15));
    else
        CHECK_NONE("allowed", exc);
}

static void stage1(bool on)
{
    for (unsigned i = 0; i < OPS; i++) {
        result(i, TRY(RT_SKIP, rt_el0(ops[i].probe, va_of(RW))), false, 0, 0);
        result(i, TRY(RT_SKIP, rt_el0(ops[i].probe, va_of(RO))), on && ops[i].taken, 1, 0x400);
        result(i, TRY(RT_SKIP, rt_el1(ops[i].probe, va_of(RO))), false, 0, 0);
    }
}

static void stage2(bool on)
{
    for (unsigned i = 0; i < OPS; i++) {
        result(i, TRY(RT_SKIP, rt_el0(ops[i].probe, va_of(RW))), false, 0, 0);
        result(i, TRY(RT_SKIP, rt_el0(ops[i].probe, va_of(S2_READ_ONLY))), on && ops[i].taken, 2, 0x400);
        result(i, TRY(RT_SKIP, rt_el1(ops[i].probe, va_of(S2_READ_ONLY))), on && ops[i].taken, 2, 0x400);
    }
}

void test_main(void)
{
    if (!BITS(READ(id_aa64mmfr1_el1), 59, 56)) {
        rt_skip("CMOW", "not announced");
        CHECK_EQ("SCTLR_EL1.CMOW is RES0", (WRITE(sctlr_el1, SCTLR_EL1_OFF | SCTLR_CMOW), READ(sctlr_el1)) & SCTLR_CMOW, 0);
        return;
    }
    rt_map_init(&s1, 12, 39);
    rt_map_image(&s1);
    rt_map_set(&s1, va_of(RW), 3, TARGET, S1_RAM | S1_USER);
    rt_map_set(&s1, va_of(RO), 3, TARGET, S1_RAM | S1_USER | S1_RO);
    rt_map_set(&s1, va_of(S2_READ_ONLY), 3, TARGET + PAGE, S1_RAM | S1_USER);
    rt_el1_mmu(&s1, SCTLR_UCI);
    stage1(false);
    WRITE_ISB(sctlr_el1, READ(sctlr_el1) | SCTLR_CMOW);
    stage1(true);
    WRITE_ISB(sctlr_el1, READ(sctlr_el1) & ~SCTLR_CMOW);
    rt_map_init(&s2, 12, 39);
    rt_map_image_s2(&s2);
    rt_map_set(&s2, TARGET, 3, TARGET, S2_RAM);
    rt_map_set(&s2, TARGET + PAGE, 3, TARGET + PAGE, S2_RAM & ~(u64)S2_W);
    rt_s2(&s2, 1, 0);
    WRITE_ISB(HCRX_EL2, 0);
    stage2(false);
    WRITE_ISB(HCRX_EL2, HCRX_CMOW);
    stage2(true);
    WRITE_ISB(HCRX_EL2, 0);
    rt_s2_off();
}
