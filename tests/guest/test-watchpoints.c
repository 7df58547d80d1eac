/*
 * Watchpoint exceptions: every form of access, which bytes, at which EL and in which context, what is reported. Arm ARM,
 * "AArch64 Self-hosted Debug": "Watchpoint exceptions"; "ISS encoding for an exception from a Watchpoint exception".
 */
#include "rt.h"

#define E BIT(0)
#define PAC(n) ((u64)(n) << 1)
#define LSC(n) ((u64)(n) << 3)
#define BAS(n) ((u64)(n) << 5)
#define HMC BIT(13)
#define SSC(n) ((u64)(n) << 14)
#define LBN(n) ((u64)(n) << 16)
#define WT BIT(20)
#define MASK(n) ((u64)(n) << 24)
#define EL10 (E | PAC(3))
#define BYTES BAS(255)
#define MDE BIT(15)
#define KDE BIT(13)
#define TDE BIT(8)
#define D BIT(9)
#define WATCHPOINT 0x34
#define WNR BIT(6)
#define CM BIT(8)
#define WPTV BIT(17)
#define BLOCK 64 /* FAR lies in the same naturally aligned block, at most this big (DCZID_EL0.BS) */
#define WINDOW 0x100000000ull
#define TARGET 0x46000000ull

static u8 area[8192] __attribute__((aligned(4096)));
static u64 mdcr;

static void set(unsigned n, u64 control, u64 value)
{
    switch (n) {
#define CASE(i) case i: WRITE(dbgwvr##i##_el1, value); WRITE_ISB(dbgwcr##i##_el1, control); break;
    CASE(0) CASE(1) CASE(2) CASE(3)
#undef CASE
    }
}

static void clear(void)
{
    for (unsigned n = 0; n < 4; n++)
        set(n, 0, 0);
}

/* One byte. */
static void watch_byte(unsigned n, u64 control, u64 address)
{
    set(n, control | BAS(1 << (address & 7)), address & ~7ull);
}

static void route(bool tde)
{
    WRITE_ISB(mdcr_el2, mdcr | (tde ? TDE : 0));
}

static const struct RtExc *run_by(enum RtPolicy policy, u64 spsr, u64 (*probe)(u64), u64 arg)
{
    if (BITS(spsr, 3, 2) < 2)
        return TRY(policy, rt_call(spsr, probe, arg));
    if (spsr & D)
        return TRY(policy, probe(arg));
    rt_arm(policy);
    __asm__ volatile("msr daifclr, #8" : : : "memory");
    probe(arg);
    __asm__ volatile("msr daifset, #8" : : : "memory");
    return rt_disarm();
}

static const struct RtExc *run(u64 spsr, u64 (*probe)(u64), u64 arg)
{
    return run_by(RT_SKIP, spsr, probe, arg);
}

struct Want {
    const char *name;
    u64 spsr, to;
    unsigned n;       /* watchpoint */
    u64 iss;          /* WnR, CM */
    u64 first, last;  /* FAR: from the lowest address accessed to the highest that is watched */
};

static void check_hit(const struct Want *w, const struct RtExc *exc)
{
    u64 from = BITS(w->spsr, 3, 2), esr = exc->esr, same = from == w->to;
    if (esr & WPTV) {
        rt_check(BITS(esr, 23, 18) == w->n, WHERE, w->name, BITS(esr, 23, 18), w->n);
        esr &= ~(WPTV | 0x3full << 18);
    }
    struct RtExc plain = *exc;
    plain.esr = esr;
    if (!rt_check_exc(WHERE, w->name, &plain, w->to, same ? 0x200 : 0x400, ESR(WATCHPOINT + same, 0x22 | w->iss)))
        return;
    bool in_block = exc->far / BLOCK == w->last / BLOCK;
    rt_check(exc->far >= w->first && exc->far <= w->last && in_block, WHERE, w->name, exc->far, w->first);
}

static void miss(const char *what, const struct RtExc *exc)
{
    rt_check(!exc->count, WHERE, what, exc->esr, 0);
}

/* --- forms of access ------------------------------------------------------------------------ */
PROBE(ldrb, "ldrb w0, [x0]");
PROBE(ldrsh, "ldrsh x0, [x0]");
PROBE(ldr32, "ldr w0, [x0]");
PROBE(ldr64, "ldr x0, [x0]");
PROBE(ldrx, "mov x1, #0\n ldr x0, [x0, x1]");
PROBE(ldpost, "ldr x1, [x0], #8");
PROBE(ldp32, "ldp w1, w2, [x0]");
PROBE(ldp64, "ldp x1, x2, [x0]");
PROBE(ldpsw, "ldpsw x1, x2, [x0]");
PROBE(ldnp, "ldnp x1, x2, [x0]");
PROBE(ldar, "ldar x0, [x0]");
PROBE(ldxr, "ldxr x1, [x0]\n clrex");
PROBE(ldxp, "ldxp x1, x2, [x0]\n clrex");
PROBE(ldtr, "ldtr x0, [x0]");
PROBE(strb, "strb w1, [x0]");
PROBE(strh, "strh w1, [x0]");
PROBE(str32, "str w1, [x0]");
PROBE(str64, "str x1, [x0]");
PROBE(stp64, "stp x1, x2, [x0]");
PROBE(stppre, "stp x1, x2, [x0, #0]!");
PROBE(stlr, "stlr x1, [x0]");
PROBE(sttr, "sttr x1, [x0]");
PROBE(stxr, "add x3, x0, #0\n ldxr x1, [x3]\n stxr w2, x1, [x0]");
#define FP ".arch_extension fp\n .arch_extension simd\n"
PROBE(ldr_s, FP "ldr s0, [x0]");
PROBE(ldr_q, FP "ldr q0, [x0]");
PROBE(ldp_q, FP "ldp q0, q1, [x0]");
PROBE(str_b, FP "str b0, [x0]");
PROBE(str_q, FP "str q0, [x0]");
PROBE(stp_d, FP "stp d0, d1, [x0]");
PROBE(ld1_4, FP "ld1 {v0.16b-v3.16b}, [x0]");
PROBE(ld4, FP "ld4 {v0.8b-v3.8b}, [x0]");
PROBE(st3, FP "st3 {v0.8h-v2.8h}, [x0]");
PROBE(ld1r, FP "ld1r {v0.4s}, [x0]");
PROBE(st2_lane, FP "st2 {v0.h,v1.h}[3], [x0]");
#define LSE ".arch_extension lse\n"
PROBE(ldadd, LSE "ldadd x1, x2, [x0]");
PROBE(swph, LSE "swph w1, w2, [x0]");
PROBE(stset, LSE "stset w1, [x0]");
PROBE(cas, LSE "mov x1, #-1\n cas x1, x2, [x0]"); /* fails */
PROBE(casp, LSE "casp x2, x3, x4, x5, [x0]");
PROBE(zva, "dc zva, x0");

struct Form {
    const char *name;
    u64 (*probe)(u64);
    u8 size;
    bool read, write, lse;
};
static const struct Form forms[] = {
    {"LDRB", ldrb, 1, true, false, false},      {"LDRSH", ldrsh, 2, true, false, false},
    {"LDR W", ldr32, 4, true, false, false},    {"LDR X", ldr64, 8, true, false, false},
    {"LDR reg", ldrx, 8, true, false, false},   {"LDR post", ldpost, 8, true, false, false},
    {"LDP W", ldp32, 8, true, false, false},    {"LDP X", ldp64, 16, true, false, false},
    {"LDPSW", ldpsw, 8, true, false, false},    {"LDNP", ldnp, 16, true, false, false},
    {"LDAR", ldar, 8, true, false, false},      {"LDXR", ldxr, 8, true, false, false},
    {"LDXP", ldxp, 16, true, false, false},     {"STRB", strb, 1, false, true, false},
    {"STRH", strh, 2, false, true, false},      {"STR W", str32, 4, false, true, false},
    {"STR X", str64, 8, false, true, false},    {"STP X", stp64, 16, false, true, false},
    {"STP pre", stppre, 16, false, true, false}, {"STLR", stlr, 8, false, true, false},
    {"LDR S", ldr_s, 4, true, false, false},    {"LDR Q", ldr_q, 16, true, false, false},
    {"LDP Q", ldp_q, 32, true, false, false},   {"STR B", str_b, 1, false, true, false},
    {"STR Q", str_q, 16, false, true, false},   {"STP D", stp_d, 16, false, true, false},
    {"LD1 x4", ld1_4, 64, true, false, false},  {"LD4", ld4, 32, true, false, false},
    {"ST3", st3, 48, false, true, false},       {"LD1R", ld1r, 4, true, false, false},
    {"ST2 lane", st2_lane, 4, false, true, false},
    {"DC ZVA", zva, 64, false, true, false},
    {"LDADD [peer differs]", ldadd, 8, true, true, true},
    {"SWPH [peer differs]", swph, 2, true, true, true},
    {"STSET [peer differs]", stset, 4, true, true, true},
    {"CAS, not equal [peer differs]", cas, 8, true, true, true},
    {"CASP [peer differs]", casp, 16, true, true, true},
};

static void one_byte(const struct Form *f, u64 at, u64 byte, unsigned lsc)
{
    bool inside = byte >= at && byte < at + f->size;
    bool reads = f->read && (lsc & 1), writes = f->write && (lsc & 2);
    watch_byte(lsc, EL10 | LSC(lsc), byte);
    const struct RtExc *exc = run(lsc & 1 ? SPSR_EL1H : SPSR_EL0, f->probe, at);
    if (inside && (reads || writes)) {
        const struct Want w = {f->name, lsc & 1 ? SPSR_EL1H : SPSR_EL0, 2, lsc, reads ? 0 : WNR, at, byte};
        check_hit(&w, exc);
    } else {
        miss(f->name, exc);
    }
    set(lsc, 0, 0);
}

/* Each byte of the access and one on either side. Of an atomic's read and write, the read is reported when it is watched. */
static void all_forms(void)
{
    bool lse = BITS(READ(id_aa64isar0_el1), 23, 20) >= 2;
    u64 at = (u64)area + 0x400;
    for (unsigned i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        const struct Form *f = &forms[i];
        if (f->lse && !lse)
            continue;
        for (u64 byte = at - 1; byte <= at + f->size; byte++)
            for (unsigned lsc = 1; lsc < 4; lsc++)
                one_byte(f, at, byte, lsc);
    }
    one_byte(&forms[0], at, at, 0); /* LSC 0: never */
}

/* The address given to DC ZVA may be any of its block. */
static void block_zeroed(void)
{
    u64 at = (u64)area + 0x480;
    for (unsigned i = 0; i < 64; i++)
        area[0x480 + i] = 0x5a;
    watch_byte(0, EL10 | LSC(2), at + 60);
    check_hit(&(struct Want){"DC ZVA in the middle", SPSR_EL0, 2, 0, WNR, at, at + 60}, run(SPSR_EL0, zva, at + 33));
    CHECK_EQ("nothing is zeroed", area[0x480], 0x5a);
    CHECK_EQ("nothing is zeroed", area[0x480 + 63], 0x5a);
    clear();
    run(SPSR_EL0, zva, at + 33);
    CHECK_EQ("zeroed without it", area[0x480 + 60], 0);
}

/* Accesses across a doubleword, a block, a page. */
static void misaligned(void)
{
    static const u16 starts[] = {0x401, 0x405, 0x43d, 0xffb, 0xffd};
    for (unsigned i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        u64 at = (u64)area + starts[i];
        for (u64 byte = at - 1; byte <= at + 8; byte++) {
            bool inside = byte >= at && byte < at + 8;
            watch_byte(0, EL10 | LSC(3), byte);
            const struct RtExc *exc = run(SPSR_EL1H, ldr64, at);
            if (inside)
                check_hit(&(struct Want){"misaligned load", SPSR_EL1H, 2, 0, 0, at, byte}, exc);
            else
                miss("misaligned load", exc);
            exc = run(SPSR_EL0, str64, at);
            if (inside)
                check_hit(&(struct Want){"misaligned store", SPSR_EL0, 2, 0, WNR, at, byte}, exc);
            else
                miss("misaligned store", exc);
        }
    }
    clear();
}

PROBE(prfm, "prfm pldl1keep, [x0]");
PROBE(cvac, "dc cvac, x0");
PROBE(civac, "dc civac, x0");
PROBE(ivau, "ic ivau, x0");
PROBE(translate, "at s1e1w, x0");
PROBE(ivac, "dc ivac, x0");

static void other_instructions(void)
{
    u64 at = (u64)area + 0x600;
    set(1, EL10 | LSC(3) | BYTES, at);
    miss("PRFM", run(SPSR_EL1H, prfm, at));
    miss("DC CVAC", run(SPSR_EL1H, cvac, at));
    miss("DC CIVAC", run(SPSR_EL1H, civac, at));
    miss("IC IVAU", run(SPSR_EL1H, ivau, at));
    miss("AT", run(SPSR_EL1H, translate, at));
    miss("instruction fetch", (set(1, EL10 | LSC(3) | BYTES, (u64)prfm & ~7ull), run(SPSR_EL1H, prfm, at)));
    set(1, EL10 | LSC(2) | BYTES, at);
    check_hit(&(struct Want){"DC IVAC [peer differs]", SPSR_EL1H, 2, 1, WNR | CM, at, at + 7}, run(SPSR_EL1H, ivac, at + 4));
    set(1, EL10 | LSC(1) | BYTES, at);
    miss("DC IVAC is a store", run(SPSR_EL1H, ivac, at));
    clear();
    at += 0x20;
    watch_byte(0, EL10 | LSC(2), at);
    const struct RtExc *exc = run(SPSR_EL1H, stxr, at);
    check_hit(&(struct Want){"STXR", SPSR_EL1H, 2, 0, WNR, at, at}, exc);
    clear();
}

/* --- which bytes ------------------------------------------------------------------------------ */
static void byte_select(void)
{
    u64 at = (u64)area + 0x700;
    for (unsigned first = 0; first < 8; first++) {
        for (unsigned last = first; last < 8; last++) {
            set(3, EL10 | LSC(3) | BAS((2u << last) - (1u << first)), at);
            for (unsigned i = 0; i < 9; i++)
                rt_check(run(SPSR_EL1H, ldrb, at - (i == 8) + (i & 7))->count == (i >= first && i <= last), WHERE, "BAS", i, first);
        }
    }
    for (unsigned bas = 1; bas < 16; bas <<= 1) { /* of a word: the upper four do not count */
        set(3, EL10 | LSC(3) | BAS(bas | 0xf0), at + 4);
        for (unsigned i = 0; i < 12; i++)
            rt_check(run(SPSR_EL1H, ldrb, at + i)->count == (i >= 4 && i < 8 && (bas >> (i - 4) & 1)), WHERE,
                     "BAS of a word [peer differs]", i, bas);
    }
    set(3, EL10 | LSC(3) | BAS(15), at + 4 + 3);
    CHECK_EQ("bits 1:0 of the address", run(SPSR_EL1H, ldr32, at + 4)->count, 1);
    set(3, EL10 | LSC(3), at);
    miss("no byte", run(SPSR_EL1H, ldr64, at));
    clear();
}

/* 2^n bytes each, mapped where a window has the same page over and over. */
static void masks(void)
{
    for (unsigned bits = 3; bits < 32; bits++) {
        u64 size = 1ull << bits, base = WINDOW + (bits == 31 ? 0x80000000ull : size);
        u64 edges[4] = {base - 8, base, base + size - 8, base + size};
        for (unsigned i = 0; i < 4; i++)
            rt_map_set(&rt_flat, edges[i] & ~0xfffull, 3, TARGET, S1_RAM | S1_USER);
        table_sync();
        set(2, EL10 | LSC(3) | BYTES | MASK(bits), base);
        for (unsigned i = 0; i < 4; i++) {
            const struct RtExc *exc = run(SPSR_EL0, ldr64, edges[i]);
            rt_check(exc->count == (i == 1 || i == 2), WHERE, "MASK", edges[i], bits);
        }
        set(2, 0, 0);
        for (unsigned i = 0; i < 4; i++)
            miss("MASK gone", run(SPSR_EL0, ldr64, edges[i]));
    }
    for (unsigned bits = 1; bits < 3; bits++) {
        set(2, EL10 | LSC(3) | BYTES | MASK(bits), WINDOW + 0x1000);
        miss("reserved MASK [peer differs]", run(SPSR_EL0, ldr64, WINDOW + 0x1000));
    }
    clear();
}

/* A tag is not compared, and is reported. */
static void tags(void)
{
    u64 at = (u64)area + 0x740, tagged = at | 0x5aull << 56, tcr = READ(tcr_el1);
    WRITE_ISB(tcr_el1, tcr | BIT(37));
    set(0, EL10 | LSC(3) | BYTES, at);
    check_hit(&(struct Want){"tagged [peer differs]", SPSR_EL0, 2, 0, 0, tagged, tagged + 7}, run(SPSR_EL0, ldr64, tagged));
    WRITE_ISB(tcr_el1, tcr);
    clear();
}

/* --- which EL, where to, when --------------------------------------------------------------------- */
static void routing(void)
{
    u64 at = (u64)area + 0x800;
    set(0, EL10 | HMC | LSC(3) | BYTES, at);
    struct Want w = {"EL0 to EL1", SPSR_EL0, 1, 0, 0, at, at};
    route(false);
    WRITE_ISB(mdscr_el1, MDE);
    check_hit(&w, run(w.spsr, ldrb, at));
    miss("EL1, no KDE", run(SPSR_EL1H & ~D, ldrb, at));
    WRITE_ISB(mdscr_el1, MDE | KDE);
    w = (struct Want){"EL1 to EL1", SPSR_EL1H & ~D, 1, 0, WNR, at, at};
    check_hit(&w, run(w.spsr, strb, at));
    miss("EL1, masked", run(SPSR_EL1H, ldrb, at));
    miss("EL2 is above the target", run(SPSR_EL2H & ~D, ldrb, at));
    route(true);
    w = (struct Want){"EL2", SPSR_EL2H & ~D, 2, 0, 0, at, at};
    check_hit(&w, run(w.spsr, ldrb, at));
    miss("EL2, masked", run(SPSR_EL2H, ldrb, at));
    WRITE_ISB(mdscr_el1, KDE);
    miss("no MDE", run(SPSR_EL1H, ldrb, at));
    WRITE_ISB(mdscr_el1, MDE | KDE);
    WRITE_ISB(oslar_el1, 1);
    miss("OS Lock [peer differs]", run(SPSR_EL1H, ldrb, at));
    WRITE_ISB(oslar_el1, 0);
    clear();
}

/* Arm ARM, "Summary of watchpoint HMC, SSC and PAC encodings" for Non-secure state without EL3: everything else is reserved. LDTR
 * at EL1 is an access of EL0. */
static void exception_levels(void)
{
    static const struct {
        u8 hmc, ssc, pac, els;
    } valid[] = {{0, 0, 1, 2}, {0, 0, 2, 1}, {0, 0, 3, 3}, {1, 0, 1, 6}, {1, 0, 3, 7}, {1, 3, 0, 4}};
    u64 at = (u64)area + 0x900;
    for (unsigned all = 0; all < 32; all++) {
        unsigned hmc = all >> 4, ssc = all >> 2 & 3, pac = all & 3, els = 0;
        const char *what = "EL by HMC, SSC, PAC, reserved [peer differs]";
        for (unsigned i = 0; i < sizeof valid / sizeof valid[0]; i++) {
            if (valid[i].hmc == hmc && valid[i].ssc == ssc && valid[i].pac == pac) {
                els = valid[i].els;
                what = "EL by HMC, SSC, PAC";
            }
        }
        set(1, E | LSC(3) | BYTES | (hmc ? HMC : 0) | SSC(ssc) | PAC(pac), at);
        CHECK_EQ(what, run(SPSR_EL0, ldr64, at)->count, els & 1);
        CHECK_EQ(what, run(SPSR_EL1H, ldr64, at)->count, els >> 1 & 1);
        CHECK_EQ(what, run(SPSR_EL2H & ~D, ldr64, at)->count, els >> 2 & 1);
        CHECK_EQ(what, run(SPSR_EL1H, ldtr, at)->count, els & 1);
        CHECK_EQ(what, run(SPSR_EL1H, sttr, at)->count, els & 1);
        CHECK_EQ(what, run(SPSR_EL2H & ~D, ldtr, at)->count, els >> 2 & 1);
        if (BITS(READ(id_aa64mmfr2_el1), 7, 4))
            CHECK_EQ(what, run(SPSR_EL1H | BIT(23), ldtr, at)->count, els >> 1 & 1); /* UAO */
    }
    clear();
}

/* Linked to the context-aware breakpoint 5. */
static void contexts(void)
{
    static const struct {
        const char *name;
        u64 control, value;
        bool match;
    } links[] = {
        {"CONTEXTIDR_EL1", 7, 0x11, true},
        {"CONTEXTIDR_EL1, another", 7, 0x12, false},
        {"context", 3, 0x11, true},
        {"context, another", 3, 0x22, false},
        {"VMID [peer differs]", 9, 0x33ull << 32, true},
        {"VMID, another", 9, 0x34ull << 32, false},
        {"VMID and context [peer differs]", 11, 0x33ull << 32 | 0x11, true},
        {"CONTEXTIDR_EL2 [peer differs]", 13, 0x22ull << 32, true},
        {"CONTEXTIDR_EL2, another", 13, 0x23ull << 32, false},
        {"both [peer differs]", 15, 0x22ull << 32 | 0x11, true},
        {"not one to link to", 6, 0x11, false},
        {"an address", 1, (u64)ldr64, false},
    };
    u64 at = (u64)area + 0xa00;
    WRITE(contextidr_el1, 0x11);
    WRITE(s3_4_c13_c0_1, 0x22);
    WRITE(vttbr_el2, 0x33ull << 48);
    set(0, EL10 | LSC(3) | BYTES | WT | LBN(5), at);
    for (unsigned i = 0; i < sizeof links / sizeof links[0]; i++) {
        WRITE(dbgbvr5_el1, links[i].value);
        WRITE_ISB(dbgbcr5_el1, links[i].control << 20 | E);
        CHECK_EQ(links[i].name, run(SPSR_EL1H, ldr64, at)->count, links[i].match);
        CHECK_EQ(links[i].name, run(SPSR_EL0, str64, at)->count, links[i].match);
    }
    WRITE(dbgbvr5_el1, 0x11);
    WRITE_ISB(dbgbcr5_el1, 7 << 20);
    miss("link not enabled", run(SPSR_EL1H, ldr64, at));
    WRITE_ISB(dbgbcr5_el1, 7 << 20 | E);
    for (unsigned n = 0; n < 16; n++) {
        set(0, EL10 | LSC(3) | BYTES | WT | LBN(n), at);
        CHECK_EQ("LBN", run(SPSR_EL1H, ldr64, at)->count, n == 5);
    }
    WRITE(contextidr_el1, 0);
    WRITE(s3_4_c13_c0_1, 0);
    WRITE(dbgbcr5_el1, 0);
    WRITE_ISB(vttbr_el2, 0);
    clear();
}

/* Translation, permission and alignment are looked at before. */
static void priorities(void)
{
    u64 at = WINDOW;
    rt_map_set(&rt_flat, at, 3, TARGET, S1_RAM | S1_RO | S1_USER);
    rt_map_set(&rt_flat, at + 0x1000, 3, 0, 0);
    rt_tlbi_all();
    set(0, EL10 | LSC(3) | BYTES | MASK(13), at & ~0x1fffull);
    CHECK_EQ("permission fault", EC(run(SPSR_EL1H, str64, at)), 0x25);
    CHECK_EQ("translation fault", EC(run(SPSR_EL1H, ldr64, at + 0x1000)), 0x25);
    CHECK_EQ("watchpoint", EC(run(SPSR_EL1H, ldr64, at)), WATCHPOINT);
    CHECK_EQ("permission fault of DC ZVA", EC(run(SPSR_EL1H, zva, at + 8)), 0x25);
    CHECK_EQ("permission fault of an atomic [peer differs]", EC(run(SPSR_EL1H, ldadd, at)), 0x25);
    WRITE_ISB(sctlr_el1, READ(sctlr_el1) | 2); /* A */
    const struct RtExc *exc = run(SPSR_EL1H, ldr64, at + 1);
    CHECK_EQ("alignment fault", EC(exc), 0x25);
    CHECK_EQ("alignment fault", FSC(exc), 0x21);
    WRITE_ISB(sctlr_el1, READ(sctlr_el1) & ~2ull);
    CHECK_EQ("alignment fault of an atomic", FSC(run(SPSR_EL1H, ldadd, (u64)area + 0xc0c)), 0x21);
    clear();
}

/* Set, moved and taken away while the page is in use; what was not done has not happened. */
static void effects(void)
{
    volatile u64 *cell = (u64 *)&area[0xb00];
    u64 at = (u64)cell;
    *cell = 0x1234;
    miss("before", run(SPSR_EL1H, str64, at + 8));
    set(0, EL10 | LSC(2) | BYTES, at);
    CHECK_EQ("store", run(SPSR_EL1H, str64, at)->count, 1);
    CHECK_EQ("nothing is stored", *cell, 0x1234);
    CHECK_EQ("atomic", run(SPSR_EL1H, ldadd, at)->count, 1);
    CHECK_EQ("nothing is added", *cell, 0x1234);
    miss("neighbour", run(SPSR_EL1H, str64, at + 8));
    miss("neighbour", run(SPSR_EL1H, stp64, at + 8));
    set(1, EL10 | LSC(2) | BYTES, at + 16);
    CHECK_EQ("the second of two", BITS(run(SPSR_EL1H, stp64, at + 8)->esr, 31, 26), WATCHPOINT);
    set(0, 0, 0);
    CHECK_EQ("the other one is left", run(SPSR_EL1H, str64, at + 16)->count, 1);
    set(1, EL10 | LSC(2) | BYTES, at + 4096);
    miss("moved to another page", run(SPSR_EL1H, str64, at + 16));
    CHECK_EQ("there", run(SPSR_EL1H, str64, at + 4096)->count, 1);
    set(1, 0, at + 4096);
    miss("taken away", run(SPSR_EL1H, str64, at + 4096));
    u64 value = 0;
    set(0, EL10 | LSC(1) | BYTES, at + 8);
    TRY(RT_SKIP, value = rt_el1(ldpost, at + 8));
    CHECK_EQ("no writeback", value, at + 8);
    clear();
    /* a device is not touched */
    set(0, EL10 | LSC(3) | BAS(15), RTC_BASE);
    CHECK_EQ("device", run(SPSR_EL1H, ldr32, RTC_BASE)->count, 1);
    clear();
    miss("device", run(SPSR_EL1H, ldr32, RTC_BASE));
}

/* Memory copy and set: any byte of what they touch, read or written. */
#define MOPS ".arch_extension mops\n add x4, x0, #1024\n mov x5, x0\n mov x6, #200\n mov x7, #0x33\n"
PROBE(mops_set, MOPS "setp [x5]!, x6!, x7\n setm [x5]!, x6!, x7\n sete [x5]!, x6!, x7");
PROBE(mops_to, MOPS "cpyp [x5]!, [x4]!, x6!\n cpym [x5]!, [x4]!, x6!\n cpye [x5]!, [x4]!, x6!");
PROBE(mops_from, MOPS "cpyfp [x4]!, [x5]!, x6!\n cpyfm [x4]!, [x5]!, x6!\n cpyfe [x4]!, [x5]!, x6!");
PROBE(mops_back, MOPS "add x4, x5, #8\n cpyp [x4]!, [x5]!, x6!\n cpym [x4]!, [x5]!, x6!\n cpye [x4]!, [x5]!, x6!");
static void memory_copy(void)
{
    static const struct {
        const char *name;
        u64 (*probe)(u64);
        bool write;
        u8 first; /* byte accessed */
    } kinds[] = {{"SET", mops_set, true, 0}, {"CPY, written", mops_to, true, 0}, {"CPYF, read", mops_from, false, 0},
                 {"CPY backwards, written", mops_back, true, 8}};
    u64 at = (u64)area + 0xf80; /* it goes on in the next page */
    if (BITS(READ(s3_0_c0_c6_2), 19, 16) == 0) { /* ID_AA64ISAR2_EL1.MOPS */
        rt_skip("memory copy and set", "not announced");
        return;
    }
    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        u64 first = at + kinds[i].first, bytes[] = {first - 1, first, first + 100, first + 150, first + 199, first + 200};
        for (unsigned b = 0; b < 6; b++) {
            watch_byte(2, E | HMC | PAC(1) | LSC(kinds[i].write ? 2 : 1), bytes[b]);
            const struct RtExc *exc = run_by(RT_LR, SPSR_EL2H & ~D, kinds[i].probe, at); /* no HCRX_EL2 is in the way there */
            if (b == 0 || b == 5)
                miss(kinds[i].name, exc);
            else
                check_hit(&(struct Want){kinds[i].name, SPSR_EL2H, 2, 2, kinds[i].write ? WNR : 0, first, bytes[b]}, exc);
        }
    }
    clear();
}

/* A register access of EL1 that has become an access of EL2 to the VNCR page. */
#define VNCR_EL2 s3_4_c2_c2_0
#define HCR_NV BIT(42)
#define HCR_NV2 BIT(45)
#define VTTBR_OFFSET 0x20
PROBE(r_vttbr, "mrs x0, vttbr_el2");
PROBE(w_vttbr, "msr vttbr_el2, x1");
static void nested(void)
{
    u64 hcr = READ(hcr_el2), at = (u64)area + VTTBR_OFFSET;
    if (BITS(READ(id_aa64mmfr2_el1), 27, 24) < 2) {
        rt_skip("VNCR_EL2", "not announced");
        return;
    }
    WRITE(VNCR_EL2, (u64)area);
    WRITE_ISB(hcr_el2, hcr | HCR_NV | HCR_NV2);
    miss("VNCR page", run(SPSR_EL1H, w_vttbr, 0));
    set(1, E | HMC | SSC(3) | LSC(3) | BYTES, at);
    for (unsigned write = 0; write < 2; write++) {
        const struct RtExc *exc = run(SPSR_EL1H, write ? w_vttbr : r_vttbr, 0);
        u64 esr = exc->esr & ~(WPTV | 0x3full << 18);
        CHECK_EQ("VNCR page: count [peer differs]", exc->count, 1);
        CHECK_EQ("VNCR page: vector [peer differs]", exc->vector, 0x400);
        CHECK_EQ("VNCR page: ESR [peer differs]", esr, ESR(WATCHPOINT + 1, 0x22 | BIT(13) | (write ? WNR : 0)));
        CHECK_EQ("VNCR page: FAR [peer differs]", exc->far, at);
    }
    WRITE_ISB(mdscr_el1, MDE);
    miss("VNCR page, no KDE", run(SPSR_EL1H, r_vttbr, 0));
    WRITE_ISB(mdscr_el1, MDE | KDE);
    set(1, E | PAC(1) | LSC(3) | BYTES, at);
    miss("VNCR page, EL1 [peer differs]", run(SPSR_EL1H, r_vttbr, 0));
    clear();
    WRITE_ISB(hcr_el2, hcr);
}

void test_main(void)
{
    mdcr = READ(mdcr_el2);
    if (!CHECK_EQ("watchpoints that this test knows", BITS(READ(id_aa64dfr0_el1), 23, 20) + 1, 4) ||
        !CHECK_EQ("breakpoints that this test knows", BITS(READ(id_aa64dfr0_el1), 15, 12) + 1, 6))
        return;
    WRITE_ISB(oslar_el1, 0);
    WRITE_ISB(sctlr_el1, READ(sctlr_el1));
    clear();
    rt_el1_flat();
    WRITE_ISB(sctlr_el1, READ(sctlr_el1) | BIT(14) | BIT(26)); /* DZE, UCI: EL0 has DC ZVA */
    routing();
    all_forms();
    block_zeroed();
    misaligned();
    other_instructions();
    byte_select();
    masks();
    tags();
    exception_levels();
    contexts();
    priorities();
    memory_copy();
    nested();
    effects();
    WRITE_ISB(mdscr_el1, 0);
}
