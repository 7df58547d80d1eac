/*
 * Breakpoint exceptions: which EL, which context, where to, and before what. Arm ARM, "AArch64 Self-hosted Debug": "Breakpoint
 * exceptions", "Enabling debug exceptions from the current Exception level", "Routing debug exceptions", "Prioritization of
 * Synchronous exceptions".
 */
#include "rt.h"

#define E BIT(0)
#define PMC(n) ((u64)(n) << 1)
#define BAS (15ull << 5)
#define HMC BIT(13)
#define SSC(n) ((u64)(n) << 14)
#define LBN(n) ((u64)(n) << 16)
#define BT(n) ((u64)(n) << 20)
#define EL10 (E | BAS | PMC(3))       /* EL1 and EL0 */
#define ALL (E | BAS | PMC(3) | HMC)  /* EL2 too */
#define MDE BIT(15)
#define KDE BIT(13)
#define SS BIT(0)
#define TDE BIT(8)
#define D BIT(9)
#define BREAKPOINT 0x30
#define LIST(X) X(0) X(1) X(2) X(3) X(4) X(5)

static unsigned n_breakpoints, first_context;
static u64 mdcr;

static void set(unsigned n, u64 control, u64 value)
{
    switch (n) {
#define CASE(i) case i: WRITE(dbgbvr##i##_el1, value); WRITE_ISB(dbgbcr##i##_el1, control); break;
    LIST(CASE)
#undef CASE
    }
}

static u64 control_of(unsigned n)
{
    switch (n) {
#define CASE(i) case i: return READ(dbgbcr##i##_el1);
    LIST(CASE)
#undef CASE
    }
    return 0;
}

static void clear(void)
{
    for (unsigned n = 0; n < n_breakpoints; n++)
        set(n, 0, 0);
}

static void mdscr(u64 bits)
{
    WRITE_ISB(mdscr_el1, bits);
}

static void route(bool tde)
{
    WRITE_ISB(mdcr_el2, mdcr | (tde ? TDE : 0));
}

/* Two instructions before the one that is looked at, and one behind it. */
PROBE(line, "add x0, x0, #1\n add x0, x0, #1\n add x0, x0, #1\n add x0, x0, #1");
#define AT ((u64)line + 8)

static u64 el2_run(u64 (*probe)(u64), u64 spsr)
{
    if (spsr & D)
        return probe(0);
    __asm__ volatile("msr daifclr, #8" : : : "memory");
    u64 v = probe(0);
    __asm__ volatile("msr daifset, #8" : : : "memory");
    return v;
}

static const struct RtExc *run(u64 spsr, u64 (*probe)(u64))
{
    return TRY(RT_SKIP, BITS(spsr, 3, 2) == 2 ? el2_run(probe, spsr) : rt_call(spsr, probe, 0));
}

static void hit(const char *what, u64 spsr, u64 to)
{
    u64 from = BITS(spsr, 3, 2);
    const struct RtExc *exc = run(spsr, line);
    if (rt_check_exc(WHERE, what, exc, to, from == to ? 0x200 : 0x400, ESR(BREAKPOINT + (from == to), 0x22))) {
        rt_check(exc->elr == AT, WHERE, what, exc->elr, AT);
    }
}

static void miss(const char *what, u64 spsr)
{
    const struct RtExc *exc = run(spsr, line);
    rt_check(!exc->count, WHERE, what, exc->esr, 0);
}

static void expect(const char *what, bool yes, u64 spsr, u64 to)
{
    if (yes)
        hit(what, spsr, to);
    else
        miss(what, spsr);
}

/* Where it is taken, and what masks it. */
static void routing(void)
{
    set(0, ALL, AT);
    route(false);
    mdscr(MDE);
    hit("EL0 to EL1", SPSR_EL0, 1);
    miss("EL1, no KDE", SPSR_EL1H & ~D);
    mdscr(MDE | KDE);
    hit("EL1 to EL1", SPSR_EL1H & ~D, 1);
    miss("EL1, masked", SPSR_EL1H);
    miss("EL2 is above the target", SPSR_EL2H & ~D);
    hit("EL0: its D does not matter", SPSR_EL0, 1);
    route(true);
    hit("TDE: EL0 to EL2", SPSR_EL0, 2);
    hit("TDE: EL1 to EL2, whatever D", SPSR_EL1H, 2);
    hit("TDE: EL2", SPSR_EL2H & ~D, 2);
    miss("TDE: EL2, masked", SPSR_EL2H);
    mdscr(MDE);
    hit("TDE: EL1, no KDE", SPSR_EL1H & ~D, 2);
    miss("TDE: EL2, no KDE", SPSR_EL2H & ~D);
    mdscr(KDE);
    miss("no MDE, EL0", SPSR_EL0);
    miss("no MDE, EL2", SPSR_EL2H & ~D);
    mdscr(MDE | KDE);
    route(false);
    WRITE_ISB(hcr_el2, READ(hcr_el2) | HCR_TGE);
    hit("TGE: EL0 to EL2", SPSR_EL0, 2);
    hit("TGE: EL2", SPSR_EL2H & ~D, 2);
    WRITE_ISB(hcr_el2, READ(hcr_el2) & ~HCR_TGE);
    route(true);
    WRITE_ISB(oslar_el1, 1);
    miss("OS Lock, EL1 [peer differs]", SPSR_EL1H);
    miss("OS Lock, EL2 [peer differs]", SPSR_EL2H & ~D);
    WRITE_ISB(oslar_el1, 0);
    hit("OS Lock gone", SPSR_EL1H, 2);
    const struct RtExc *there = TRY(RT_SKIP, READ(dbgprcr_el1));
    if (BITS(READ(id_aa64dfr0_el1), 39, 36) == 0 && !there->count) {
        WRITE_ISB(osdlr_el1, 1);
        miss("OS Double Lock", SPSR_EL1H);
        WRITE_ISB(dbgprcr_el1, 1);
        hit("OS Double Lock without effect", SPSR_EL1H, 2);
        WRITE(dbgprcr_el1, 0);
        WRITE_ISB(osdlr_el1, 0);
    }
    set(0, ALL & ~E, AT);
    miss("not enabled", SPSR_EL1H);
    clear();
}

/* Arm ARM, "Summary of breakpoint HMC, SSC and PMC encodings" for Non-secure state without EL3: everything else is reserved. */
static void exception_levels(void)
{
    static const struct {
        u8 hmc, ssc, pmc, els;
    } valid[] = {{0, 0, 1, 2}, {0, 0, 2, 1}, {0, 0, 3, 3}, {1, 0, 1, 6}, {1, 0, 3, 7}, {1, 3, 0, 4}};
    for (unsigned all = 0; all < 32; all++) {
        unsigned hmc = all >> 4, ssc = all >> 2 & 3, pmc = all & 3, els = 0;
        bool reserved = true;
        for (unsigned i = 0; i < sizeof valid / sizeof valid[0]; i++) {
            if (valid[i].hmc == hmc && valid[i].ssc == ssc && valid[i].pmc == pmc) {
                els = valid[i].els;
                reserved = false;
            }
        }
        set(1, E | BAS | (hmc ? HMC : 0) | SSC(ssc) | PMC(pmc), AT);
        const char *what = reserved ? "EL by HMC, SSC, PMC, reserved [peer differs]" : "EL by HMC, SSC, PMC";
        expect(what, els & 1, SPSR_EL0, 2);
        expect(what, els & 2, SPSR_EL1H, 2);
        expect(what, els & 4, SPSR_EL2H & ~D, 2);
    }
    clear();
}

/* Each of them, at the address alone; DBGBVR bits 1:0 and those above the sign do not count. */
static void addresses(void)
{
    for (unsigned n = 0; n < n_breakpoints; n++) {
        set(n, EL10, AT);
        CHECK_EQ("BAS is not there to be cleared", control_of(n), EL10);
        hit("each breakpoint", SPSR_EL1H, 2);
        set(n, EL10, AT + 0x1000);
        miss("same offset of another page", SPSR_EL1H);
        set(n, EL10, AT - 0x40);
        miss("another offset", SPSR_EL1H);
        set(n, EL10, AT | 3);
        hit("bits 1:0", SPSR_EL1H, 2);
        set(n, EL10 | BT(4), AT + 0x20);
        miss("mismatch is AArch32's", SPSR_EL1H);
        set(n, 0, 0);
    }
    set(0, EL10, AT);
    set(3, EL10, (u64)line + 12);
    const struct RtExc *exc = run(SPSR_EL0, line);
    CHECK_EQ("two breakpoints", exc->count, 2);
    CHECK_EQ("the second one's ELR", exc->elr, (u64)line + 12);
    clear();
}

/* Set, moved and cleared again in code that has run before; in a loop each time. */
PROBE(loop, "mov x1, #5\n 1: add x0, x0, #3\n nop\n subs x1, x1, #1\n b.ne 1b");
static void loops(void)
{
    u64 value = 0;
    CHECK_EQ("no breakpoint", TRY(RT_SKIP, value = rt_el1(loop, 0))->count, 0);
    CHECK_EQ("result", value, 15);
    set(2, EL10, (u64)loop + 8);
    CHECK_EQ("in a loop", TRY(RT_SKIP, rt_el1(loop, 0))->count, 5);
    set(2, EL10, (u64)loop + 4);
    CHECK_EQ("skipped each time", TRY(RT_SKIP, value = rt_el1(loop, 0))->count, 5);
    CHECK_EQ("result", value, 0);
    set(2, 0, (u64)loop + 4);
    CHECK_EQ("cleared", TRY(RT_SKIP, value = rt_el1(loop, 0))->count, 0);
    CHECK_EQ("result", value, 15);
}

/* More settings than anybody would remember; a few of them are where the code is. */
static void many(void)
{
    unsigned at = (unsigned)BITS((u64)line, 11, 2);
    for (unsigned i = 0; i < 1000; i++) {
        bool there = i >= at && i < at + 4, behind = i >= at + 4 && i < at + 100;
        set(i % 6, behind ? 0 : EL10, ((u64)line & ~0xfffull) + 4 * i);
        const struct RtExc *exc = run(SPSR_EL1H, line);
        if (there || i < at)
            CHECK_EQ("one of many", exc->count, there ? i - at + 1 : 0);
    }
    clear();
}

struct Context {
    u64 id1, id2, vmid;
};

static void enter_context(const struct Context *c)
{
    WRITE(contextidr_el1, c->id1);
    WRITE(s3_4_c13_c0_1, c->id2); /* CONTEXTIDR_EL2 */
    WRITE_ISB(vttbr_el2, c->vmid << 48);
}

/* A context breakpoint stops at every instruction: the handler takes it away. */
static struct RtFrame first;
static bool on_context(struct RtFrame *f)
{
    if (BITS(f->esr, 31, 26) != BREAKPOINT)
        return false;
    if (!first.esr)
        first = *f;
    clear();
    return true;
}

static void context_is(const char *what, bool yes, u64 spsr)
{
    first.esr = first.elr = 0;
    rt_cpu()->sync = on_context;
    rt_call(spsr, line, 0);
    rt_cpu()->sync = 0;
    rt_check(first.esr == (yes ? ESR(BREAKPOINT, 0x22) : 0), WHERE, what, first.esr, yes);
    if (yes)
        rt_check(first.elr == (u64)line, WHERE, what, first.elr, (u64)line);
}

struct Type {
    const char *name;
    u8 bt;
    bool peer;    /* the other machine can link to it */
    u64 value;    /* for context {0x11, 0x22, 0x33} */
    u64 wrong[2]; /* values that do not match */
    bool guest, host0, host2; /* EL0 and EL1 of a guest, EL0 and EL2 of a host */
};
static const struct Type types[] = {
    {"context", 2, true, 0x11, {0x12, 0x33}, true, false, false},
    {"context of a host", 2, true, 0x22, {0x23, 0x33}, false, true, true},
    {"CONTEXTIDR_EL1", 6, true, 0x11, {0x12, 0x22}, true, false, false},
    {"VMID", 8, false, 0x33ull << 32, {0x34ull << 32, 0x33}, true, false, false},
    {"VMID and context", 10, false, 0x33ull << 32 | 0x11, {0x33ull << 32 | 0x12, 0x32ull << 32 | 0x11}, true, false, false},
    {"CONTEXTIDR_EL2", 12, false, 0x22ull << 32, {0x23ull << 32, 0x22}, true, true, true},
    {"both", 14, false, 0x22ull << 32 | 0x11, {0x22ull << 32 | 0x12, 0x21ull << 32 | 0x11}, true, false, false},
};

static const char *name_of(const struct Type *t, const char *text, bool peer)
{
    static char name[96];
    unsigned n = 0;
    for (const char *p = t->name; *p; p++)
        name[n++] = *p;
    for (const char *p = text; *p; p++)
        name[n++] = *p;
    for (const char *p = peer ? "" : " [peer differs]"; *p; p++)
        name[n++] = *p;
    name[n] = 0;
    return name;
}

static void unlinked(const struct Type *t, unsigned n, u64 spsr, bool matches)
{
    set(n, EL10 | BT(t->bt), t->value);
    context_is(name_of(t, "", false), matches, spsr);
    for (unsigned i = 0; i < 2; i++) {
        set(n, EL10 | BT(t->bt), t->wrong[i]);
        context_is(name_of(t, ", another", false), false, spsr);
    }
    set(n, 0, 0);
    set(first_context - 1, EL10 | BT(t->bt), t->value);
    context_is(name_of(t, ", breakpoint not context-aware", false), false, spsr);
    set(first_context - 1, 0, 0);
}

static void linked(const struct Type *t, unsigned n, u64 spsr, bool matches)
{
    set(0, ALL | BT(1) | LBN(n), AT);
    set(n, E | BAS | BT(t->bt + 1), t->value); /* its own EL does not count */
    expect(name_of(t, ", linked", t->peer), matches, spsr, 2);
    set(n, E | BAS | BT(t->bt + 1), t->wrong[0]);
    expect(name_of(t, ", linked, another", t->peer), false, spsr, 2);
    set(n, BAS | BT(t->bt + 1), t->value);
    expect(name_of(t, ", link not enabled", t->peer), false, spsr, 2);
    set(n, E | BAS | BT(t->bt), t->value); /* no EL */
    expect(name_of(t, ", not one to link to", t->peer), false, spsr, 2);
    set(n, ALL | BT(t->bt + 1), t->value);
    set(0, 0, 0);
    expect(name_of(t, ", nobody links", t->peer), false, spsr, 2);
    set(n, 0, 0);
}

static void contexts(bool host)
{
    static const struct Context c = {0x11, 0x22, 0x33};
    for (unsigned i = 0; i < sizeof types / sizeof types[0]; i++) {
        const struct Type *t = &types[i];
        for (unsigned n = first_context; n < n_breakpoints; n++) {
            enter_context(&c);
            unlinked(t, n, SPSR_EL0, host ? t->host0 : t->guest);
            linked(t, n, SPSR_EL0, host ? t->host0 : t->guest);
            if (!host)
                unlinked(t, n, SPSR_EL1H, t->guest);
            else
                linked(t, n, SPSR_EL2H & ~D, t->host2);
        }
    }
    enter_context(&(struct Context){0});
}

static void host_contexts(void)
{
    u64 hcr = READ(hcr_el2), ttbr = READ(ttbr0_el2), tcr = READ(tcr_el2);
    WRITE_ISB(hcr_el2, hcr | HCR_E2H | HCR_TGE);
    WRITE(tcr_el2, rt_tcr_e2h(&rt_flat));
    WRITE_ISB(ttbr0_el2, (u64)rt_flat.root);
    rt_tlbi_all();
    contexts(true);
    WRITE_ISB(hcr_el2, hcr);
    WRITE(tcr_el2, tcr);
    WRITE_ISB(ttbr0_el2, ttbr);
    rt_tlbi_all();
}

/* A link to something that is none is no match. */
static void bad_links(void)
{
    for (unsigned n = 0; n < 16; n++) {
        set(0, EL10 | BT(1) | LBN(n), AT);
        miss("linked to nothing", SPSR_EL1H);
    }
    set(1, EL10 | BT(3), 0);
    set(0, EL10 | BT(1) | LBN(1), AT);
    miss("linked to one that is not context-aware [peer differs]", SPSR_EL1H);
    clear();
}

PROBE(bad, "udf #0");
PROBE(brk, "brk #1");
PROBE(call, "stp x29, x30, [sp, #-16]!\n blr x0\n ldp x29, x30, [sp], #16");
#define NOWHERE 0x7000000000ull
static const struct RtExc *at(u64 address, enum RtPolicy policy, u64 spsr, u64 (*probe)(u64), u64 arg)
{
    set(0, EL10, address);
    const struct RtExc *exc = TRY(policy, rt_call(spsr, probe, arg));
    clear();
    return exc;
}

/* Software Step, PC alignment, Instruction Abort; Breakpoint; then what the instruction itself does. */
static void priorities(void)
{
    CHECK_EQ("UDF", EC(at((u64)bad, RT_LR, SPSR_EL1H, bad, 0)), BREAKPOINT);
    CHECK_EQ("BRK", EC(at((u64)brk, RT_LR, SPSR_EL1H, brk, 0)), BREAKPOINT);
    CHECK_EQ("Instruction Abort [peer differs]", EC(at(NOWHERE, RT_LR, SPSR_EL1H, call, NOWHERE)), 0x21);
    CHECK_EQ("PC alignment", EC(at((u64)line, RT_LR, SPSR_EL1H, call, (u64)line + 2)), 0x22);
    rt_cpu()->resume = (u64)line + 16; /* RET */
    CHECK_EQ("in the state of an illegal return", EC(at(AT, RT_AT, SPSR_EL1H | BIT(20), (void *)AT, 0)), BREAKPOINT);
}

static u64 stepped, at_step;
static bool on_step(struct RtFrame *f)
{
    u64 ec = BITS(f->esr, 31, 26);
    if (ec != 0x32 && ec != BREAKPOINT)
        return false;
    if (ec == BREAKPOINT) {
        at_step = f->spsr & BIT(21);
        set(0, 0, 0);
    } else {
        stepped++;
        at_step = BIT(63);
        mdscr(MDE);
    }
    return true;
}

/* Of a pending step and a breakpoint, the step is first; a step onto a breakpoint likewise. An instruction that was not stepped
 * for a breakpoint is stepped afterwards: SPSR.SS is still 1. */
static void stepping(void)
{
    rt_cpu()->sync = on_step;
    for (unsigned active = 0; active < 2; active++) {
        stepped = at_step = 0;
        set(0, EL10, (u64)line);
        mdscr(MDE | SS);
        rt_call(SPSR_EL1H | (active ? BIT(21) : 0), line, 0);
        CHECK_EQ("steps", stepped, 1);
        CHECK_EQ("breakpoint is left or was first", control_of(0) & E, 0);
        set(0, 0, 0);
    }
    rt_cpu()->sync = 0;
    mdscr(MDE | KDE);
}

void test_main(void)
{
    u64 dfr0 = READ(id_aa64dfr0_el1);
    mdcr = READ(mdcr_el2);
    n_breakpoints = BITS(dfr0, 15, 12) + 1;
    first_context = n_breakpoints - BITS(dfr0, 31, 28) - 1;
    if (!CHECK_EQ("breakpoints that this test knows", n_breakpoints, 6))
        return;
    WRITE_ISB(oslar_el1, 0);
    clear();
    rt_el1_flat();
    routing();
    exception_levels();
    addresses();
    loops();
    many();
    contexts(false);
    host_contexts();
    bad_links();
    priorities();
    stepping();
    mdscr(0);
}
