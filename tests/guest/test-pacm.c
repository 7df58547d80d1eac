/*
 * PSTATE.PACM: what enables PACM, where the bit is kept and lost, software step. Arm ARM: "PSTATE.PACM", SCTLR2_ELx, HCRX_EL2,
 * "Exception entry", "Exception return", instruction page of PACM.
 */
#include "pauth-forms.h"

static bool full; /* and not the trivial implementation, which never sets it */

PROBE(shows, PACM "udf #0");
PROBE(shows_return, "udf #0");
PROBE(shows_nop, "nop\n udf #0");

struct Enables {
    u64 hcrx, sctlr2_el1, sctlr2_el2;
};

/* IsPACMEnabled at this Exception level. */
static bool wanted(const struct Enables *e, u64 el, bool host)
{
    u64 consent = HCRX_SCTLR2EN | HCRX_PACMEN;
    if (!full)
        return false;
    if (el == 2 || host)
        return e->sctlr2_el2 & (el ? EN_PACM : EN_PACM0);
    return (e->hcrx & consent) == consent && e->sctlr2_el1 & (el ? EN_PACM : EN_PACM0);
}

static void at(const char *what, const struct Enables *e, u64 spsr, bool host)
{
    u64 el = BITS(spsr, 3, 2), want = wanted(e, el, host);
    if (el == 2) {
        CHECK_EQ(what, lr_pacm_of(TRY(RT_LR, shows(0))), want);
        return;
    }
    CHECK_EQ(what, lr_pacm_of(TRY(RT_LR, rt_call(spsr, shows, 0))), want);
    CHECK_EQ(what, lr_pacm_of(TRY(RT_LR, rt_call(spsr | SPSR_PACM, shows_return, 0))), want); /* ERET keeps it where PACM sets it */
    CHECK_EQ(what, lr_pacm_of(TRY(RT_LR, rt_call(spsr, shows_return, 0))), 0);
    CHECK_EQ(what, lr_pacm_of(TRY(RT_LR, rt_call(spsr | SPSR_PACM, shows_nop, 0))), 0);
}

static void enables(void)
{
    u64 hcr = READ(hcr_el2), hcrx = READ(HCRX_EL2);
    bool vhe = BITS(READ(id_aa64mmfr1_el1), 11, 8);
    for (unsigned i = 0; i < 64; i++) {
        struct Enables e = {.hcrx = (i & 1 ? HCRX_PACMEN : 0) | (i & 2 ? HCRX_SCTLR2EN : 0),
                            .sctlr2_el1 = (i & 4 ? EN_PACM : 0) | (i & 8 ? EN_PACM0 : 0),
                            .sctlr2_el2 = (i & 16 ? EN_PACM : 0) | (i & 32 ? EN_PACM0 : 0)};
        WRITE(HCRX_EL2, (hcrx & ~(HCRX_PACMEN | HCRX_SCTLR2EN)) | e.hcrx);
        WRITE(SCTLR2_EL1, e.sctlr2_el1);
        WRITE_ISB(SCTLR2_EL2, e.sctlr2_el2);
        CHECK_EQ("SCTLR2_EL1", READ(SCTLR2_EL1), e.sctlr2_el1);
        CHECK_EQ("SCTLR2_EL2", READ(SCTLR2_EL2), e.sctlr2_el2);
        at("PACM at EL2", &e, SPSR_EL2H, false);
        at("PACM at EL1", &e, SPSR_EL1H, false);
        at("PACM at EL0", &e, SPSR_EL0, false);
        if (!vhe)
            continue;
        WRITE_ISB(hcr_el2, HCR_RW | HCR_E2H);
        rt_tlbi_all();
        at("PACM at EL2, E2H", &e, SPSR_EL2H, false);
        at("PACM at EL1, E2H", &e, SPSR_EL1H, false);
        at("PACM at EL0, E2H", &e, SPSR_EL0, false);
        WRITE_ISB(hcr_el2, HCR_RW | HCR_E2H | HCR_TGE);
        at("PACM at EL2 of a host", &e, SPSR_EL2H, true);
        at("PACM at EL0 of a host", &e, SPSR_EL0, true);
        WRITE_ISB(hcr_el2, hcr);
        rt_tlbi_all();
    }
}

/* One instruction between PACM and the exception that shows it: it is 0 after any that is executed, and kept by any that is not. */
#define AFTER(name, text) PROBE(name, "mov x9, sp\n mov x14, #0\n" PACM text "\n udf #0")
AFTER(after_b, "b 1f\n 1:");
AFTER(after_bl, "mov x10, x30\n bl 1f\n 1: mov x30, x10");
AFTER(after_cond, "b.eq 1f\n 1:");
AFTER(after_cbz, "cbz x14, 1f\n nop\n 1:");
AFTER(after_add, "add x11, x11, #1");
AFTER(after_ldr, "ldr x11, [x9, #-16]");
AFTER(after_str, "str x11, [x9, #-16]");
AFTER(after_ldxr, "ldxr x11, [x9]");
AFTER(after_isb, "isb");
AFTER(after_dsb, "dsb sy");
AFTER(after_daif, "msr daifset, #15");
AFTER(after_daifclr, "msr daifclr, #8");
AFTER(after_spsel, "msr spsel, #1");
AFTER(after_mrs, "mrs x11, cntvct_el0");
AFTER(after_msr, "msr tpidr_el0, x11");
AFTER(after_context, "msr contextidr_el1, xzr");
AFTER(after_tlbi, "tlbi vmalle1");
AFTER(after_sev, "sevl");
AFTER(after_mov, "mov x10, x30");
AFTER(after_pacm, PACM);
PROBE(after_pac, "mov x10, x30\n" PACM "paciasp\n mov x30, x10\n udf #0");
PROBE(after_ret, "mov x10, x30\n adr x30, 1f\n" PACM "ret\n 1: mov x30, x10\n udf #0");
PROBE(after_br, "adr x11, 1f\n" PACM "br x11\n 1: udf #0");
PROBE(after_wfe_event, "sevl\n" PACM "wfe\n udf #0");
PROBE(after_wfit, "mrs x9, cntvct_el0\n add x9, x9, #4, lsl #12\n isb\n" PACM ".inst 0xd5031029\n udf #0"); /* WFIT X9 */
PROBE(at_svc, PACM "svc #1");
PROBE(at_hvc, PACM "hvc #1");
PROBE(at_smc, PACM "smc #1");
PROBE(at_psci, "mov x0, #0x84000000\n" PACM "smc #0\n udf #0");
PROBE(at_brk, PACM "brk #1");
PROBE(at_fault, "mov x9, #-16\n" PACM "ldr x9, [x9]");
PROBE(at_align, "mov x9, #13\n movk x9, #0x4000, lsl #16\n" PACM "ldar x9, [x9]");
PROBE(at_eret, "adr x9, 1f\n msr elr_el1, x9\n mov x9, #0x3c5\n msr spsr_el1, x9\n isb\n" PACM "eret\n 1: udf #0");
PROBE(at_eret_to_pacm, "adr x9, 1f\n msr elr_el1, x9\n mov x9, #0x3c5\n movk x9, #8, lsl #32\n msr spsr_el1, x9\n isb\n eret\n 1: udf #0");

static const struct {
    const char *name;
    u64 (*probe)(u64);
    u64 pacm;
} befores[] = {
    {"B", after_b, 0}, {"BL", after_bl, 0}, {"B.EQ", after_cond, 0}, {"CBZ", after_cbz, 0}, {"ADD", after_add, 0},
    {"LDR", after_ldr, 0}, {"STR", after_str, 0}, {"LDXR", after_ldxr, 0}, {"ISB", after_isb, 0}, {"DSB", after_dsb, 0},
    {"MSR DAIFSet", after_daif, 0}, {"MSR DAIFClr", after_daifclr, 0}, {"MSR SPSel", after_spsel, 0}, {"MRS CNTVCT_EL0", after_mrs, 0},
    {"MSR TPIDR_EL0", after_msr, 0}, {"MSR CONTEXTIDR_EL1", after_context, 0}, {"TLBI", after_tlbi, 0}, {"SEVL", after_sev, 0},
    {"WFE", after_wfe_event, 0}, {"MOV", after_mov, 0}, {"PACM again", after_pacm, 1}, {"PACIASP", after_pac, 0},
    {"RET", after_ret, 0}, {"BR", after_br, 0}, {"SVC", at_svc, 0}, {"HVC", at_hvc, 0}, {"BRK", at_brk, 1}, {"a load's fault", at_fault, 1},
    {"a misaligned LDAR", at_align, 1}, {"ERET", at_eret, 0}, {"ERET with SPSR_EL1.PACM", at_eret_to_pacm, 1}, {"UDF", shows, 1},
};

static void lifetime(void)
{
    for (unsigned i = 0; i < sizeof befores / sizeof *befores; i++) {
        const struct RtExc *exc = TRY(RT_LR, rt_el1(befores[i].probe, 0));
        rt_check(lr_pacm_of(exc) == befores[i].pacm, WHERE, befores[i].name, lr_pacm_of(exc), befores[i].pacm);
    }
    if (BITS(READ(s3_0_c0_c6_2), 3, 0)) /* FEAT_WFxT */
        CHECK_EQ("WFIT that waits", lr_pacm_of(TRY(RT_LR, rt_el1(after_wfit, 0))), 0);
    u64 hcr = READ(hcr_el2);
    WRITE_ISB(hcr_el2, hcr | HCR_TSC);
    const struct RtExc *exc = TRY(RT_SKIP, rt_el1(at_smc, 0));
    CHECK_EXC("trapped SMC", exc, 2, 0x400, ESR(0x17, 1));
    CHECK_EQ("its SPSR.PACM", lr_pacm_of(exc), 1);
    WRITE_ISB(hcr_el2, hcr | HCR_HCD);
    exc = TRY(RT_LR, at_hvc(0));
    CHECK_EXC("disabled HVC", exc, 2, 0x200, ESR(0, 0));
    CHECK_EQ("its SPSR.PACM", lr_pacm_of(exc), 1);
    WRITE_ISB(hcr_el2, hcr);
    if (BITS(READ(id_aa64mmfr0_el1), 59, 56)) {
        WRITE_ISB(s3_4_c1_c1_6, BIT(53)); /* HFGITR_EL2.SVC_EL1 */
        exc = TRY(RT_LR, rt_el1(at_svc, 0));
        CHECK_EXC("trapped SVC", exc, 2, 0x400, ESR(0x15, 1));
        CHECK_EQ("its SPSR.PACM", lr_pacm_of(exc), 1);
        WRITE_ISB(s3_4_c1_c1_6, 0);
    }
    CHECK_EQ("SMC that firmware takes", lr_pacm_of(TRY(RT_LR, at_psci(0))), 0);
}

/* Vectors of EL1 that are SMC, which EL2 traps: its SPSR has PSTATE.PACM as the handler began. */
__asm__(".pushsection .text\n.balign 2048\nsmc_vectors:\n.rept 16\n smc #2\n b .\n.balign 128\n.endr\n.popsection");
extern char smc_vectors[];

static void entry(void)
{
    u64 hcr = READ(hcr_el2), vbar = READ(vbar_el1), spsr = READ(spsr_el1);
    WRITE(vbar_el1, (u64)smc_vectors);
    WRITE_ISB(hcr_el2, hcr | HCR_TSC);
    const struct RtExc *exc = TRY(RT_LR, rt_el1(shows, 0));
    CHECK_EXC("SMC in the handler", exc, 2, 0x400, ESR(0x17, 2));
    CHECK_EQ("PACM of the handler", lr_pacm_of(exc), 0);
    CHECK_EQ("PACM of what it interrupted", BITS(READ(spsr_el1), 35, 35), 1);
    CHECK_EQ("ELR_EL1", READ(elr_el1), (u64)shows + 4);
    /* an interrupt that waits for the first instruction after ERET, if it is taken there */
    WRITE_ISB(hcr_el2, hcr | HCR_TSC | HCR_IMO | HCR_VI);
    exc = TRY(RT_LR, rt_call((SPSR_EL1H & ~BIT(7)) | SPSR_PACM, shows_nop, 0));
    WRITE_ISB(hcr_el2, hcr | HCR_TSC);
    if (READ(elr_el1) == (u64)shows_nop) {
        CHECK_EQ("vIRQ: PACM of what it interrupted", BITS(READ(spsr_el1), 35, 35), 1);
        CHECK_EQ("vIRQ: PACM of the handler", lr_pacm_of(exc), 0);
    }
    WRITE(vbar_el1, vbar);
    WRITE(spsr_el1, spsr);
    WRITE_ISB(hcr_el2, hcr);
}

/* The instruction behind PACM is on a page that is not there. */
#define WINDOW 0x100000000ull
#define CODE 0x46000000ull
static void faults(void)
{
    volatile u32 *last = (u32 *)(CODE + 0xffc);
    u64 (*pacm)(u64) = (void *)(WINDOW + 0xffc);
    *last = 0xd50324ff;
    __asm__ volatile("dc cvau, %0\n dsb ish\n ic iallu\n dsb ish\n isb" : : "r"(last) : "memory");
    rt_map_set(&rt_flat, WINDOW, 3, CODE, S1_RAM);
    table_sync();
    const struct RtExc *exc = TRY(RT_LR, rt_el1(pacm, 0));
    CHECK_EXC("fetch behind PACM", exc, 1, 0x200, ESR(0x21, 7));
    CHECK_EQ("its ELR", exc->elr, WINDOW + 0x1000);
    CHECK_EQ("its SPSR.PACM", lr_pacm_of(exc), 1);
}

/* ---- software step ---- */

static u64 step_spsr[8], step_elr[8], steps;

static bool note_step(struct RtFrame *f)
{
    if (BITS(f->esr, 31, 26) != 0x32)
        return false;
    step_spsr[steps] = f->spsr;
    step_elr[steps++] = f->elr;
    if (steps == 8)
        WRITE_ISB(mdscr_el1, 0);
    f->spsr |= BIT(21);
    return true;
}

PROBE(stepped, KEEP LR PACM "paciasp\n adr x16, . - 4\n" PACM "9: autiasp\n" SAME);

static void stepping(void)
{
    u64 mdcr = READ(mdcr_el2), got = 0;
    WRITE(oslar_el1, 0);
    WRITE_ISB(mdcr_el2, mdcr | BIT(8)); /* TDE */
    rt_cpu()->sync = note_step;
    steps = 0;
    WRITE_ISB(mdscr_el1, 1);
    CHECK_NONE("stepped", TRY(RT_LR, got = rt_call((SPSR_EL1H & ~BIT(9)) | BIT(21), stepped, 0)));
    rt_cpu()->sync = 0;
    WRITE_ISB(mdscr_el1, 0);
    WRITE_ISB(mdcr_el2, mdcr);
    CHECK_EQ("steps", steps, 8);
    for (unsigned i = 0; i < 8; i++) { /* PACM is the fourth and the seventh instruction */
        CHECK_EQ("where a step ends", step_elr[i], (u64)stepped + 4 * (i + 1));
        CHECK_EQ("PACM after a step", BITS(step_spsr[i], 35, 35), i == 3 || i == 6);
    }
    CHECK_EQ("what was stepped", got, 77);
}

void test_main(void)
{
    bool qarma;
    if (!lr_announced(&full, &qarma)) {
        rt_skip("all", "no FEAT_PAuth_LR");
        return;
    }
    rt_el1_flat();
    enables();
    lr_enable();
    if (full) {
        lifetime();
        entry();
        faults();
        stepping();
    }
}
