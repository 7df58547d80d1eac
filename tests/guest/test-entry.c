/*
 * PSTATE at an exception's entry, in SPSR_ELx and after the return: every combination of NZCV, DIT, SSBS, PAN, UAO and ALLINT that the
 * interrupted code may have, under each setting of SCTLR_ELx.{SPAN,DSSBS,SPINTMASK}. Arm ARM, "Process state, PSTATE", "Exception
 * entry", "PSTATE.PAN", "PSTATE.SSBS", "PSTATE.ALLINT"; bits of features that are absent are RES0 in SPSR_ELx.
 */
#include "rt.h"

#define TCO BIT(25)
#define DIT BIT(24)
#define UAO BIT(23)
#define PAN BIT(22)
#define ALLINT BIT(13)
#define SSBS BIT(12)
#define ALL (TCO | DIT | UAO | PAN | ALLINT | SSBS)
#define SPINTMASK BIT(62)
#define DSSBS BIT(44)
#define SPAN BIT(23)

PROBE(svc_twice, "svc #1\n svc #2");
PROBE(hvc_twice, "hvc #1\n hvc #2");

static u64 has; /* bits of SPSR whose features are there */
static struct Seen {
    u64 el, spsr, pstate, daif;
} seen[2];
static unsigned taken, wanted_class;

static u64 field(u64 id, unsigned lsb)
{
    return id >> lsb & 15;
}

static void features(void)
{
    u64 pfr0 = READ(id_aa64pfr0_el1), pfr1 = READ(id_aa64pfr1_el1);
    has = field(pfr0, 48) ? DIT : 0;
    has |= field(READ(id_aa64mmfr2_el1), 4) ? UAO : 0;
    has |= field(READ(id_aa64mmfr1_el1), 20) ? PAN : 0;
    has |= field(pfr1, 4) ? SSBS : 0;
    has |= field(pfr1, 36) ? ALLINT : 0;
    has |= field(pfr1, 8) ? TCO : 0;
}

/* The current PSTATE, of what has a register of its own. */
static u64 current(void)
{
    u64 v = 0;
    v |= has & PAN ? READ(s3_0_c4_c2_3) : 0;
    v |= has & UAO ? READ(s3_0_c4_c2_4) : 0;
    v |= has & DIT ? READ(s3_3_c4_c2_5) : 0;
    v |= has & SSBS ? READ(s3_3_c4_c2_6) : 0;
    v |= has & TCO ? READ(s3_3_c4_c2_7) : 0;
    v |= has & ALLINT ? READ(s3_0_c4_c3_0) : 0;
    return v;
}

static bool note(struct RtFrame *f)
{
    if (taken >= 2 || f->esr >> 26 != wanted_class)
        return false;
    seen[taken++] = (struct Seen){.el = f->el, .spsr = f->spsr, .pstate = current(), .daif = READ(daif)};
    return true;
}

struct Case {
    const char *name;
    u64 spsr, hcr;
    unsigned el;     /* that takes it */
    bool hvc, pan;   /* pan: SCTLR_ELx.SPAN counts */
};
static const struct Case cases[] = {
    {"EL0 to EL1", SPSR_EL0, 0, 1, false, true},
    {"EL1t to EL1", SPSR_EL1T, 0, 1, false, true},
    {"EL1h to EL1", SPSR_EL1H, 0, 1, false, true},
    {"EL1h to EL2", SPSR_EL1H, 0, 2, true, false},
    {"EL1h to EL2 with E2H", SPSR_EL1H, HCR_E2H, 2, true, false},
    {"EL0 to EL2 with TGE", SPSR_EL0, HCR_TGE, 2, false, false},
    {"EL0 to EL2 of a host", SPSR_EL0, HCR_E2H | HCR_TGE, 2, false, true},
};

/* SCTLR_ELx as it was, with these bits; RES1 SPAN where there is no FEAT_PAN stays. */
static u64 control(u64 before, unsigned setting)
{
    u64 bits = (setting & 1 ? SPAN : 0) | (setting & 2 ? DSSBS : 0) | (setting & 4 ? SPINTMASK : 0);
    return (before & ~(SPAN | DSSBS | SPINTMASK)) | bits;
}

static u64 in_handler(const struct Case *c, unsigned setting, u64 interrupted)
{
    u64 v = interrupted & (DIT | PAN) & has;
    v |= has & PAN && c->pan && !(setting & 1) ? PAN : 0;
    v |= setting & 2 ? SSBS & has : 0;
    v |= setting & 4 ? 0 : ALLINT & has;
    return v | (has & TCO);
}

static void one(const struct Case *c, unsigned setting, u64 bits)
{
    u64 spsr = c->spsr | bits;
    taken = 0;
    wanted_class = c->hvc ? 0x16 : 0x15;
    rt_cpu()->sync = note;
    rt_call(spsr, c->hvc ? hvc_twice : svc_twice, 0);
    rt_cpu()->sync = 0;
    CHECK_EQ(c->name, taken, 2);
    for (unsigned i = 0; i < taken; i++) {
        CHECK_EQ(c->name, seen[i].el, c->el);
        u64 saved = spsr & ~(ALL & ~has), entered = in_handler(c, setting, bits);
        CHECK_EQ(c->name, seen[i].spsr & ~TCO, saved & ~TCO);
        CHECK_EQ("TCO is saved [peer differs]", seen[i].spsr & TCO, saved & TCO);
        CHECK_EQ(c->name, seen[i].pstate & ~(DIT | TCO), entered & ~(DIT | TCO));
        CHECK_EQ("DIT stays, TCO is set [peer differs]", seen[i].pstate & (DIT | TCO), entered & (DIT | TCO));
        CHECK_EQ(c->name, seen[i].daif, 0x3c0);
    }
}

static void all(const struct Case *c, u64 sctlr1, u64 sctlr2)
{
    static const u64 each[] = {PAN, UAO, DIT, SSBS, ALLINT, TCO, BIT(31) | BIT(29), BIT(30) | BIT(28)};
    for (unsigned setting = 0; setting < 8; setting++) {
        WRITE_ISB(hcr_el2, HCR_RW | c->hcr);
        rt_tlbi_all();
        WRITE(sctlr_el1, control(sctlr1, setting)); /* with E2H: SCTLR_EL2, like the next line */
        WRITE(sctlr_el2, control(sctlr2, setting));
        if (c->hcr & HCR_E2H)
            WRITE(s3_5_c1_c0_0, control(sctlr1, setting));
        ISB();
        for (unsigned bits = 0; bits < 256; bits++) {
            u64 spsr = 0;
            for (unsigned i = 0; i < 8; i++)
                spsr |= bits >> i & 1 ? each[i] : 0;
            one(c, setting, spsr);
        }
    }
    WRITE_ISB(sctlr_el2, sctlr2);
    WRITE_ISB(hcr_el2, HCR_RW);
    WRITE_ISB(sctlr_el1, sctlr1);
}

void test_main(void)
{
    features();
    u64 sctlr1 = READ(sctlr_el1), sctlr2 = READ(sctlr_el2);
    bool vhe = field(READ(id_aa64mmfr1_el1), 8);
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++)
        if (vhe || !(cases[i].hcr & HCR_E2H))
            all(&cases[i], sctlr1, sctlr2);
}
