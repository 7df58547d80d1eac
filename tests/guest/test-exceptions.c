/*
 * Exception entry and return: routing, vector offsets, ESR, ELR, SPSR, PSTATE on entry, illegal returns.
 * Arm ARM: "Exception entry", "Exception vectors", "Illegal exception returns from AArch64 state", "ESR_ELx".
 */
#include "rt.h"

#define FLAGS "mov x9, #0xa0000000\n msr nzcv, x9\n"
PROBE(probe_svc, FLAGS "svc #0x1234");
PROBE(probe_hvc, FLAGS "hvc #0x2345");
PROBE(probe_smc, FLAGS "smc #0x3456");
PROBE(probe_brk, FLAGS "brk #0x4567");
PROBE(probe_udf, FLAGS "udf #0x89");
PROBE(probe_hlt, FLAGS ".inst 0xd4400000"); /* no external debug: UNDEFINED */

struct Kind {
    const char *name;
    u64 (*probe)(u64);
    u32 ec, iss;
    bool behind; /* ELR is the next instruction */
    u8 lowest;   /* UNDEFINED below this Exception level */
    u8 to;       /* taken at least to here */
};

static const struct Kind kinds[] = {
    {"SVC", probe_svc, 0x15, 0x1234, true, 0, 1},  {"HVC", probe_hvc, 0x16, 0x2345, true, 1, 2},
    {"SMC", probe_smc, 0x17, 0x3456, false, 1, 2}, {"BRK", probe_brk, 0x3c, 0x4567, false, 0, 1},
    {"UDF", probe_udf, 0, 0, false, 0, 1},         {"HLT", probe_hlt, 0, 0, false, 0, 1},
};

static const struct {
    const char *name;
    u32 spsr;
} modes[] = {{"EL0", SPSR_EL0},   {"EL1t", SPSR_EL1T}, {"EL1h", SPSR_EL1H},
             {"EL2t", SPSR_EL2T}, {"EL2h", SPSR_EL2H}};

static u64 seen_daif, seen_sp, seen_el;
static bool look(struct RtFrame *f)
{
    seen_daif = READ(daif);
    seen_sp = READ(SPSel);
    seen_el = READ(CurrentEL) >> 2;
    return false;
}

static void at_el2t(u64 (*probe)(u64))
{
    u64 fresh = READ(sp_el0);
    __asm__ volatile("msr spsel, #0\n mov x20, x30\n blr %0\n mov x30, x20\n msr spsel, #1"
                     :
                     : "r"(probe), "r"(fresh)
                     : "x9", "x20", "x30", "memory", "cc");
}

static void one(const struct Kind *kind, const char *mode, u64 spsr, bool tge)
{
    u64 from = BITS(spsr, 3, 2), to = from > kind->to ? from : kind->to;
    u64 esr = ESR(kind->ec, kind->iss);
    if (from < kind->lowest) {
        esr = ESR(0, 0);
        to = 1;
    }
    if (tge && from == 0)
        to = 2;
    u64 vector = to > from ? 0x400 : spsr & 1 ? 0x200 : 0x000;
    seen_el = 99;
    rt_arm(RT_SKIP);
    if (from < 2)
        rt_call(spsr, kind->probe, 0);
    else if (spsr & 1)
        kind->probe(0);
    else
        at_el2t(kind->probe);
    const struct RtExc *exc = rt_disarm();
    if (!CHECK_EXC(kind->name, exc, to, vector, esr))
        rt_printf("  %s at %s\n", kind->name, mode);
    CHECK_EQ("ELR", exc->elr, (u64)kind->probe + 8 + (kind->behind && esr >> 26 ? 4 : 0));
    CHECK_EQ("SPSR", exc->spsr & (0xf0000000 | BIT(20) | BIT(21) | 0x3df),
             0xa0000000 | (spsr & 0x1f) | (from == 2 ? READ(daif) : SPSR_DAIF));
    CHECK_EQ("EL of the handler", seen_el, to);
    CHECK_EQ("SPSel of the handler", seen_sp, 1);
    CHECK_EQ("DAIF of the handler", seen_daif, 0x3c0);
}

static void matrix(bool tge)
{
    for (unsigned k = 0; k < sizeof kinds / sizeof *kinds; k++)
        for (unsigned m = 0; m < sizeof modes / sizeof *modes; m++) {
            u64 from = BITS(modes[m].spsr, 3, 2);
            if (from == 2 && kinds[k].probe == probe_smc)
                continue; /* reaches the firmware */
            if (tge && from == 1)
                continue;
            one(&kinds[k], modes[m].name, modes[m].spsr, tge);
        }
}

PROBE(nothing_el0, "nop");

/* ERET with an SPSR that cannot be: IL is set, EL and SP stay, flags and masks come from the SPSR. */
#define ILLEGAL(el)                                                                                \
    PROBE(illegal_el##el, " adr x9, landing_el" #el "\n msr elr_el" #el ", x9\n msr spsr_el" #el   \
          ", x0\n isb\n eret\n landing_el" #el ": nop\n resume_el" #el ": nop")
ILLEGAL(1);
ILLEGAL(2);
extern char landing_el1[], landing_el2[], resume_el1[], resume_el2[];

static void illegal(const char *what, u64 spsr, unsigned el)
{
    rt_cpu()->resume = (u64)(el == 1 ? resume_el1 : resume_el2);
    rt_arm(RT_AT);
    if (el == 1)
        rt_el1(illegal_el1, spsr | 0x50000000);
    else
        illegal_el2(spsr | 0x50000000);
    const struct RtExc *exc = rt_disarm();
    CHECK_EXC(what, exc, el, 0x200, ESR(0x0e, 0));
    CHECK_EQ("ELR", exc->elr, el == 1 ? landing_el1 : landing_el2);
    CHECK_EQ("SPSR", exc->spsr & (0xf0000000 | BIT(20) | BIT(21) | 0x3df),
             0x50000000 | BIT(20) | (spsr & 0x3c0) | el << 2 | 1);
}

static void illegal_returns(void)
{
    illegal("EL1 to EL2h", 0x3c9, 1);
    illegal("EL1 to EL2t", 0x3c8, 1);
    illegal("EL1 to EL3h", 0x3cd, 1);
    illegal("EL1, M[1] set", 0x3c6, 1);
    illegal("EL1 to EL0 with SP_EL1", 0x3c1, 1);
    illegal("EL2, M[1] set", 0x3ca, 2);
    illegal("EL2 to EL0 with SP_EL2", 0x3c1, 2);
    illegal("EL2 keeps the masks of the SPSR", 0x142, 2);
    if (BITS(READ(id_aa64pfr0_el1), 15, 12) == 0)
        illegal("EL2 to EL3", 0x3cd, 2);
    else
        rt_skip("EL2 to EL3h", "EL3 exists; covered by EL1 to EL3h");
    if (BITS(READ(id_aa64pfr0_el1), 3, 0) == 1)
        illegal("EL2 to AArch32 User", 0x1d0, 2);
    else
        rt_skip("EL2 to AArch32 User", "AArch32 exists");
    illegal("EL2 to AArch32 Hyp with RW of EL2 64", 0x1da, 2);
    WRITE_ISB(hcr_el2, HCR_RW | HCR_TGE);
    illegal("EL2 to EL1 with TGE", 0x3c5, 2);
    WRITE_ISB(hcr_el2, HCR_RW);
}

/* A legal return with SPSR.IL: the state is entered and its first instruction is refused. */
static void illegal_state(u64 spsr, u64 vector)
{
    rt_cpu()->resume = (u64)resume_el1;
    rt_arm(RT_AT);
    rt_call(spsr | BIT(20), illegal_el1, 0);
    const struct RtExc *exc = rt_disarm();
    CHECK_EXC("IL in the SPSR", exc, 1, vector, ESR(0x0e, 0));
    CHECK_EQ("ELR", exc->elr, (u64)illegal_el1);
    CHECK_EQ("SPSR", exc->spsr & (BIT(20) | 0x1f), BIT(20) | (spsr & 0x1f));
}

/* HCD makes HVC UNDEFINED at EL1 and EL2; where EL3 exists the bit is RES0. */
static void hvc_disabled(void)
{
    if (BITS(READ(id_aa64pfr0_el1), 15, 12)) {
        rt_skip("HCR_EL2.HCD", "EL3 exists");
        return;
    }
    WRITE_ISB(hcr_el2, HCR_RW | BIT(29));
    const struct RtExc *exc = TRY(RT_SKIP, probe_hvc(0));
    CHECK_EXC("HVC of EL2 with HCD", exc, 2, 0x200, ESR(0, 0));
    WRITE_ISB(hcr_el2, HCR_RW);
}

PROBE(el0_daifset, "msr daifset, #5");
PROBE(el0_daif, "mrs x0, daif");
PROBE(el0_daif_w, "msr daif, x0");
PROBE(el0_spsel, "msr spsel, #0");
PROBE(el0_vbar, "mrs x0, vbar_el1");
PROBE(el1_vbar_el2, "mrs x0, vbar_el2");
PROBE(el0_eret, "eret");

static void privilege(void)
{
    const struct RtExc *exc = TRY(RT_SKIP, rt_el0(el0_daifset, 0));
    CHECK_EXC("DAIFSet at EL0 [peer differs]", exc, 1, 0x400, ESR(0x18, 3u << 14 | 6 << 17 | 4 << 10 | 5 << 1 | 31 << 5));
    exc = TRY(RT_SKIP, rt_el0(el0_daif, 0));
    CHECK_EXC("MRS DAIF at EL0", exc, 1, 0x400, ESR(0x18, 3u << 20 | 3 << 14 | 1 << 17 | 4 << 10 | 2 << 1 | 1));
    exc = TRY(RT_SKIP, rt_el0(el0_daif_w, 0));
    CHECK_EXC("MSR DAIF at EL0", exc, 1, 0x400, ESR(0x18, 3u << 20 | 3 << 14 | 1 << 17 | 4 << 10 | 2 << 1));
    WRITE_ISB(sctlr_el1, READ(sctlr_el1) | BIT(9));
    exc = TRY(RT_SKIP, CHECK_EQ("DAIF at EL0 with UMA", rt_el0(el0_daif, 0), 0x3c0));
    CHECK_NONE("DAIF at EL0 with UMA", exc);
    WRITE_ISB(sctlr_el1, READ(sctlr_el1) & ~BIT(9));
    exc = TRY(RT_SKIP, rt_el0(el0_spsel, 0));
    CHECK_EXC("SPSel at EL0", exc, 1, 0x400, ESR(0, 0));
    exc = TRY(RT_SKIP, rt_el0(el0_vbar, 0));
    CHECK_EXC("VBAR_EL1 at EL0", exc, 1, 0x400, ESR(0, 0));
    exc = TRY(RT_SKIP, rt_el1(el1_vbar_el2, 0));
    CHECK_EXC("VBAR_EL2 at EL1", exc, 1, 0x200, ESR(0, 0));
    exc = TRY(RT_SKIP, rt_el0(el0_eret, 0));
    CHECK_EXC("ERET at EL0", exc, 1, 0x400, ESR(0, 0));
    CHECK_EQ("a call comes back", rt_el0(nothing_el0, 77), 77);
}

/* PSTATE.PAN: kept over an exception with SPAN set, set by one with SPAN clear; saved in SPSR bit 22. */
PROBE(el1_pan, "mrs x0, s3_0_c4_c2_3");
static u64 pan_at_entry;
static bool look_pan(struct RtFrame *f)
{
    pan_at_entry = READ(s3_0_c4_c2_3);
    return false;
}

static void pan(void)
{
    if (!BITS(READ(id_aa64mmfr1_el1), 23, 20)) {
        rt_skip("PAN", "not announced");
        return;
    }
    rt_cpu()->sync = look_pan;
    CHECK_EQ("PAN from the SPSR", rt_call(SPSR_EL1H | BIT(22), el1_pan, 0), BIT(22));
    CHECK_EQ("PAN clear from the SPSR", rt_call(SPSR_EL1H, el1_pan, 0), 0);
    const struct RtExc *exc = TRY(RT_SKIP, rt_call(SPSR_EL1H, probe_hvc, 0));
    CHECK_EQ("PAN saved", BITS(exc->spsr, 22, 22), 0);
    exc = TRY(RT_SKIP, rt_call(SPSR_EL1H | BIT(22), probe_hvc, 0));
    CHECK_EQ("PAN saved", BITS(exc->spsr, 22, 22), 1);
    exc = TRY(RT_SKIP, rt_call(SPSR_EL0, probe_brk, 0));
    CHECK_EQ("PAN with SPAN set", pan_at_entry, 0);
    CHECK_EQ("PAN saved", BITS(exc->spsr, 22, 22), 0);
    /* SPAN clear: the handler runs with PAN set, and its own pages are not user pages */
    struct RtMap private;
    rt_map_init(&private, rt_flat.shift, rt_flat.va_bits);
    rt_map_range(&private, 0x08000000, 0x08000000, 0x02200000, S1_DEVICE | S1_AF | S1_UXN | S1_PXN);
    rt_map_range(&private, 0x40200000, 0x40200000, 0x200000, S1_RAM | S1_RO);
    rt_map_range(&private, 0x40400000, 0x40400000, 0x3c00000, S1_RAM | S1_PXN);
    rt_el1_mmu(&private, 0);
    WRITE_ISB(sctlr_el1, SCTLR_EL1_ON & ~BIT(23));
    exc = TRY(RT_SKIP, rt_call(SPSR_EL0, probe_brk, 0));
    CHECK_EQ("PAN with SPAN clear", pan_at_entry, BIT(22));
    CHECK_EQ("PAN saved", BITS(exc->spsr, 22, 22), 0);
    exc = TRY(RT_SKIP, rt_call(SPSR_EL1H, probe_brk, 0));
    CHECK_EQ("PAN with SPAN clear, from EL1", pan_at_entry, BIT(22));
    rt_cpu()->sync = 0;
    rt_el1_flat();
}

void test_main(void)
{
    rt_el1_flat();
    rt_cpu()->sync = look;
    WRITE_ISB(hcr_el2, HCR_RW | BIT(19)); /* TSC: SMC of EL1 comes to EL2 */
    matrix(false);
    WRITE_ISB(hcr_el2, HCR_RW | BIT(19) | HCR_TGE);
    matrix(true);
    WRITE_ISB(hcr_el2, HCR_RW);
    rt_cpu()->sync = 0;
    hvc_disabled();
    illegal_returns();
    illegal_state(SPSR_EL1H, 0x200);
    illegal_state(SPSR_EL1T, 0x000);
    illegal_state(SPSR_EL0, 0x400);
    privilege();
    pan();
}
