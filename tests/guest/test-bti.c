/*
 * FEAT_BTI: every indirect branch to every kind of first instruction, on guarded pages and others; what SPSR_ELx.BTYPE shows.
 * Arm ARM, "PSTATE.BTYPE", "Synchronous exception entry", instruction pages of BTI, PACIASP, BRK.
 */
#include "rt.h"

#define CODE 0x46000000ull
#define WINDOW 0x100000000ull
#define GP BIT(50)
#define MISSING 0x8000u /* nothing is mapped there */

/* x0: offset of the branch in the window, of its target << 16 */
PROBE(go, "mov x12, x30\n mov x13, #1\n lsl x13, x13, #32\n and x11, x0, #0xffff\n add x11, x11, x13\n ubfx x9, x0, #16, #16\n"
          "add x9, x9, x13\n blr x11\n mov x30, x12");

/* Branches: one every 32 bytes, to x9. */
__asm__(".pushsection .text\n.balign 32\nbranches:\n"
        "hint #34\n mov x10, x30\n blr x9\n mov x30, x10\n ret\n .balign 32\n"
        "hint #34\n mov x10, x30\n .inst 0xd63f093f\n mov x30, x10\n ret\n .balign 32\n" /* BLRAAZ X9 */
        "hint #34\n br x9\n .balign 32\n"
        "hint #34\n mov x16, x9\n br x16\n .balign 32\n"
        "hint #34\n mov x17, x9\n br x17\n .balign 32\n"
        "hint #34\n .inst 0xd61f0d3f\n .balign 32\n" /* BRABZ X9 */
        "hint #34\n mov x16, x9\n .inst 0xd71f0a1f\n .balign 32\n" /* BRAA X16, SP */
        "hint #34\n ret x9\n .balign 32\n"
        "branches_end:\n.popsection");
extern u32 branches[], branches_end[];

enum { CALL, JUMP, JUMP_16, RETURN };
static const struct {
    const char *name;
    u8 kind;
} ways[] = {
    {"BLR", CALL}, {"BLRAAZ", CALL}, {"BR", JUMP}, {"BR X16", JUMP_16}, {"BR X17", JUMP_16}, {"BRABZ", JUMP},
    {"BRAA X16", JUMP_16}, {"RET", RETURN},
};

static bool has_pauth_lr(void)
{
    u64 isar1 = READ(id_aa64isar1_el1), three = BITS(READ(s3_0_c0_c6_2), 15, 12);
    return (three | BITS(isar1, 11, 8) | BITS(isar1, 7, 4)) >= 6;
}

#define PACI 0x100 /* bit 3 by SCTLR_ELx.BT */
#define BREAKS 0x200
static const struct {
    const char *name;
    u32 words[3];
    u32 accepts; /* bit per BTYPE */
} targets[] = {
    {"NOP", {0xd503201f}, 1}, {"BTI", {0xd503241f}, 1}, {"BTI c", {0xd503245f}, 7}, {"BTI j", {0xd503249f}, 0xb},
    {"BTI jc", {0xd50324df}, 0xf}, {"PACIASP", {0xd503233f, 0xd50323bf}, 7 | PACI}, {"PACIBSP", {0xd503237f, 0xd50323ff}, 7 | PACI},
    {"PACIAZ", {0xd503231f, 0xd503239f}, 1}, {"RET", {0xd65f03c0}, 1}, {"ADD", {0x91000400}, 1}, {"B", {0x14000001}, 1},
    {"BRK", {0xd4200000}, 0xf | BREAKS}, {"HLT", {0xd4400000}, 1}, {"UDF", {0}, 1}, {"SVC", {0xd4000001}, 1},
    /* FEAT_PAuth_LR, with AUTIxSPPC behind them */
    {"PACIASPPC", {0xdac1a3fe, 0xf380003f}, 7 | PACI}, {"PACIBSPPC", {0xdac1a7fe, 0xf3a0003f}, 7 | PACI},
    {"PACNBIASPPC", {0xdac183fe, 0xf380003f}, 1}, {"PACNBIBSPPC", {0xdac187fe, 0xf3a0003f}, 1},
};
#define TARGETS (sizeof targets / sizeof *targets - (has_pauth_lr() ? 0 : 4))
#define WAYS (sizeof ways / sizeof *ways)

static void put_code(void)
{
    volatile u32 *page = (u32 *)CODE;
    for (unsigned i = 0; branches + i < branches_end; i++)
        page[i] = branches[i];
    for (unsigned t = 0; t < TARGETS; t++) {
        for (unsigned k = 0; k < 4; k++)
            page[1024 + 4 * t + k] = 0xd65f03c0; /* RET */
        for (unsigned k = 0; k < 3; k++)
            if (k == 0 || targets[t].words[k])
                page[1024 + 4 * t + k] = targets[t].words[k];
    }
    for (u64 at = CODE; at < CODE + 0x2000; at += 16)
        __asm__ volatile("dc cvau, %0" : : "r"(at) : "memory");
    __asm__ volatile("dsb ish\n ic iallu\n dsb ish\n isb" : : : "memory");
}

/* Pages of branches: 0 and, guarded, 1; of targets 2 and 3. */
static void map(struct RtMap *m, u64 attrs)
{
    rt_map_set(m, WINDOW, 3, CODE, attrs);
    rt_map_set(m, WINDOW + 0x1000, 3, CODE, attrs | GP);
    rt_map_set(m, WINDOW + 0x2000, 3, CODE + 0x1000, attrs);
    rt_map_set(m, WINDOW + 0x3000, 3, CODE + 0x1000, attrs | GP);
    DSB();
    rt_tlbi_all();
    table_sync();
}

static unsigned btype_of(unsigned kind, bool guarded)
{
    switch (kind) {
    case CALL:
        return 2;
    case JUMP:
        return guarded ? 3 : 1;
    case JUMP_16:
        return 1;
    default:
        return 0;
    }
}

static u64 run(u64 spsr, unsigned from, unsigned to)
{
    u64 arg = from | (u64)to << 16;
    return spsr == SPSR_EL2H ? go(arg) : rt_call(spsr, go, arg);
}

static void one(u64 spsr, bool bt, unsigned w, unsigned t, unsigned pages)
{
    unsigned from = 32 * w + (pages & 1 ? 0x1000 : 0), to = 16 * t + (pages & 2 ? 0x3000 : 0x2000);
    unsigned btype = btype_of(ways[w].kind, pages & 1), accepts = targets[t].accepts;
    bool fits = !(pages & 2) || (accepts >> btype & 1) || (btype == 3 && (accepts & PACI) && !bt);
    const struct RtExc *exc = TRY(RT_LR, run(spsr, from, to));
    u64 ec = exc->count ? EC(exc) : 0x99, want = 0x99, at = WINDOW + to;
    if (!fits)
        want = 0x0d;
    else if (accepts & BREAKS)
        want = 0x3c;
    bool ok = ec == want || (fits && want == 0x99 && targets[t].words[0] == 0 && ec == 0) ||
              (fits && targets[t].words[0] == 0xd4400000 && ec == 0) || (fits && targets[t].words[0] == 0xd4000001 && ec == 0x15);
    if (!fits)
        ok = ok && exc->esr == ESR(0x0d, btype) && exc->elr == at;
    if (!fits || (accepts & BREAKS))
        ok = ok && BITS(exc->spsr, 11, 10) == btype;
    if (!ok) {
        rt_printf("%s from %s page to %s on %s page, BT %d:\n", ways[w].name, pages & 1 ? "guarded" : "other", targets[t].name,
                  pages & 2 ? "guarded" : "other", bt);
        if (targets[t].words[0] == 0xd4400000) {
            CHECK_EQ("exception class of HLT [peer differs]", ec, want);
            return;
        }
        CHECK_EQ("exception class", ec, want);
        CHECK_EQ("ESR", exc->esr, ESR(0x0d, btype));
        CHECK_EQ("ELR", exc->elr, at);
        CHECK_EQ("SPSR.BTYPE", BITS(exc->spsr, 11, 10), btype);
    }
}

static void each(u64 spsr)
{
    for (unsigned bt = 0; bt < 2; bt++) {
        u64 bits = BIT(35) | BIT(36), sctlr1 = READ(sctlr_el1), sctlr2 = READ(sctlr_el2);
        WRITE(sctlr_el1, (sctlr1 & ~bits) | (bt ? spsr == SPSR_EL0 ? BIT(35) : BIT(36) : 0));
        WRITE_ISB(sctlr_el2, (sctlr2 & ~bits) | (bt ? BIT(36) : 0));
        for (unsigned pages = 0; pages < 4; pages++)
            for (unsigned w = 0; w < WAYS; w++)
                for (unsigned t = 0; t < TARGETS; t++)
                    for (unsigned twice = 0; twice < 2; twice++)
                        one(spsr, bt, w, t, pages);
        WRITE(sctlr_el1, sctlr1);
        WRITE_ISB(sctlr_el2, sctlr2);
        CHECK("all branches", true);
    }
}

/* Exceptions before the first instruction keep BTYPE; ERET brings it back. */
static void saved(void)
{
    const struct RtExc *exc = TRY(RT_LR, run(SPSR_EL2H, 0, MISSING));
    CHECK_EXC("instruction abort behind BLR", exc, 2, 0x200, ESR(0x21, 7));
    CHECK_EQ("SPSR.BTYPE", BITS(exc->spsr, 11, 10), 2);
    exc = TRY(RT_LR, run(SPSR_EL2H, 2 * 32 + 0x1000, MISSING));
    CHECK_EQ("SPSR.BTYPE of BR", BITS(exc->spsr, 11, 10), 3);
    exc = TRY(RT_LR, run(SPSR_EL2H, 0, 0x3002));
    CHECK_EXC("PC alignment fault behind BLR", exc, 2, 0x200, ESR(0x22, 0));
    CHECK_EQ("SPSR.BTYPE", BITS(exc->spsr, 11, 10), 2);
    u64 (*nop)(u64) = (void *)(WINDOW + 0x3000);
    for (unsigned btype = 0; btype < 4; btype++) {
        exc = TRY(RT_LR, rt_call(SPSR_EL1H | btype << 10, nop, 0));
        if (btype)
            CHECK_EXC("ERET to a guarded NOP", exc, 1, 0x200, ESR(0x0d, btype));
        else
            CHECK_NONE("ERET to a guarded NOP", exc);
    }
    /* routed to EL2 by TGE: not from EL1, but from EL0 */
    WRITE_ISB(sctlr_el1, READ(sctlr_el1));
}

/* A stepped branch: the step's exception, which comes before the target's first instruction, saves BTYPE; back from it the
 * target is checked. */
static u64 step_esr, step_spsr, step_elr;

static bool stepped(struct RtFrame *f)
{
    if (BITS(f->esr, 31, 26) != 0x32)
        return false;
    step_esr = f->esr;
    step_spsr = f->spsr;
    step_elr = f->elr;
    WRITE_ISB(mdscr_el1, 0);
    f->elr = WINDOW + 0x3000; /* a NOP on a guarded page */
    return true;
}

static void steps(void)
{
    static const struct {
        u16 at, btype;
    } branches_at[] = {{0x44, 1}, {0x1044, 3}, {0x1068, 1}, {0x10e4, 0}};
    u64 mdcr = READ(mdcr_el2);
    WRITE(oslar_el1, 0);
    WRITE_ISB(mdcr_el2, mdcr | BIT(8)); /* TDE */
    for (unsigned i = 0; i < sizeof branches_at / sizeof *branches_at; i++) {
        u64 (*branch)(u64) = (void *)(WINDOW + branches_at[i].at);
        rt_cpu()->sync = stepped;
        step_esr = 0;
        WRITE_ISB(mdscr_el1, 1);
        const struct RtExc *exc = TRY(RT_LR, rt_call(SPSR_EL1H | BIT(21), branch, 0));
        rt_cpu()->sync = 0;
        CHECK_EQ("step exception", BITS(step_esr, 31, 26), 0x32);
        CHECK_EQ("SPSR.BTYPE of a stepped branch", BITS(step_spsr, 11, 10), branches_at[i].btype);
        if (branches_at[i].btype)
            CHECK_EXC("the target, after the step", exc, 1, 0x200, ESR(0x0d, branches_at[i].btype));
    }
    WRITE_ISB(mdcr_el2, mdcr);
}

void test_main(void)
{
    if (!BITS(READ(id_aa64pfr1_el1), 3, 0)) {
        rt_skip("FEAT_BTI", "not announced");
        CHECK("skipped", true);
        return;
    }
    put_code();
    map(&rt_el2_map, S1_RAM);
    each(SPSR_EL2H);
    rt_el1_flat();
    map(&rt_flat, S1_RAM);
    each(SPSR_EL1H);
    saved();
    steps();
    map(&rt_flat, S1_RAM | S1_USER | S1_RO);
    each(SPSR_EL0);
}
