/*
 * Pointer authentication: what holds for any algorithm, the enables, the traps to EL2.
 * Arm ARM: "Pointer authentication", HCR_EL2.{API,APK}.
 */
#include "rt.h"

#define HCR_APK BIT(40)
#define HCR_API BIT(41)
#define EN_IA BIT(31)
#define EN_IB BIT(30)
#define EN_DA BIT(27)
#define EN_DB BIT(13)
#define ALL_KEYS (EN_IA | EN_IB | EN_DA | EN_DB)
#define KEYS(X) X(ia) X(ib) X(da) X(db)

static void set_keys(void)
{
    WRITE(s3_0_c2_c1_0, 0x0123456789abcdef);
    WRITE(s3_0_c2_c1_1, 0xfedcba9876543210);
    WRITE(s3_0_c2_c1_2, 0x1111111122222222);
    WRITE(s3_0_c2_c1_3, 0x3333333344444444);
    WRITE(s3_0_c2_c2_0, 0x5555555566666666);
    WRITE(s3_0_c2_c2_1, 0x7777777788888888);
    WRITE(s3_0_c2_c2_2, 0x99999999aaaaaaaa);
    WRITE(s3_0_c2_c2_3, 0xbbbbbbbbcccccccc);
    WRITE(s3_0_c2_c3_0, 0xddddddddeeeeeeee);
    WRITE_ISB(s3_0_c2_c3_1, 0x0f0f0f0ff0f0f0f0);
}

#define OPS(key)                                                                                   \
    static u64 sign_##key(u64 p, u64 m)                                                            \
    {                                                                                              \
        __asm__ volatile("pac" #key " %0, %1" : "+r"(p) : "r"(m));                                 \
        return p;                                                                                  \
    }                                                                                              \
    static u64 auth_##key(u64 p, u64 m)                                                            \
    {                                                                                              \
        __asm__ volatile("aut" #key " %0, %1" : "+r"(p) : "r"(m));                                 \
        return p;                                                                                  \
    }
KEYS(OPS)

static u64 xpaci(u64 p)
{
    __asm__ volatile("xpaci %0" : "+r"(p));
    return p;
}

static u64 differs; /* a wrong key or modifier that went unnoticed would leave bits of this 0 */
#define ROUND(key)                                                                                 \
    for (u64 m = 1; m < 40; m++) {                                                                 \
        u64 made = sign_##key(p, m);                                                               \
        CHECK_EQ(#key ": authenticates", auth_##key(made, m), p);                                  \
        CHECK_EQ(#key ": strips", xpaci(made), p);                                                 \
        differs |= made ^ p;                                                                       \
        const struct RtExc *exc = TRY(RT_SKIP, wrong = auth_##key(made, m + 40));                  \
        if (exc->count)                                                                            \
            CHECK_EQ(#key ": FEAT_FPAC", EC(exc), 0x1c);                                           \
        else                                                                                       \
            CHECK(#key ": a wrong modifier", wrong != p || sign_##key(p, m + 40) == made);         \
    }

static void round_trips(void)
{
    static const u64 pointers[] = {0x40201234, 0, 0x7ffffff000};
    u64 wrong = 0;
    for (unsigned i = 0; i < 3; i++) {
        u64 p = pointers[i];
        KEYS(ROUND)
    }
    CHECK("codes differ from address to address", differs != 0);
}

PROBE(sign_at_el1, "mov x9, #5\n pacia x0, x9");
PROBE(generic_at_el1, "mov x9, #5\n pacga x0, x0, x9");
PROBE(strip_at_el1, "xpacd x0");
PROBE(key_at_el1, "mrs x0, s3_0_c2_c1_0");
PROBE(hint_at_el1, "mov x17, x0\n mov x16, #5\n pacia1716\n mov x0, x17");
PROBE(returns, "stp x29, x30, [sp, #-16]!\n paciasp\n mov x9, x30\n mov x30, #0\n mov x30, x9\n autiasp\n ldp x29, x30, [sp], #16\n"
               "mov x10, x30\n adr x30, 1f\n paciasp\n retaa\n1: mov x30, x10\n adr x9, 2f\n pacizb x9\n brabz x9\n nop\n2: mov x0, #77");

static u64 at_el1(u64 (*probe)(u64), u64 x, u64 *ec)
{
    u64 result = 0;
    const struct RtExc *exc = TRY(RT_SKIP, result = rt_el1(probe, x));
    *ec = exc->count ? EC(exc) << 8 | exc->el : 0;
    return result;
}

static void traps(void)
{
    u64 ec, hcr = READ(hcr_el2) & ~(HCR_API | HCR_APK), sctlr = READ(sctlr_el1) & ~ALL_KEYS;
    WRITE(sctlr_el1, sctlr);
    WRITE_ISB(hcr_el2, hcr);
    CHECK_EQ("not enabled: does nothing", at_el1(sign_at_el1, 0x1234, &ec), 0x1234);
    CHECK_EQ("not enabled: not trapped", ec, 0);
    at_el1(generic_at_el1, 0x1234, &ec);
    CHECK_EQ("PACGA needs no enable: trapped by API", ec, 0x902);
    at_el1(key_at_el1, 0, &ec);
    CHECK_EQ("keys are trapped by APK", ec, 0x1802);
    CHECK_EQ("XPACD", at_el1(strip_at_el1, 0x1234, &ec), 0x1234);
    CHECK_EQ("XPACD is not trapped", ec, 0);
    WRITE(sctlr_el1, sctlr | ALL_KEYS);
    at_el1(sign_at_el1, 0x1234, &ec);
    CHECK_EQ("enabled: trapped by API", ec, 0x902);
    at_el1(hint_at_el1, 0x1234, &ec);
    CHECK_EQ("the hint form too", ec, 0x902);
    WRITE_ISB(hcr_el2, hcr | HCR_API | HCR_APK);
    CHECK("signs", at_el1(sign_at_el1, 0x1234, &ec) != 0x1234);
    CHECK_EQ("not trapped", ec, 0);
    CHECK_EQ("both forms agree", at_el1(hint_at_el1, 0x1234, &ec), at_el1(sign_at_el1, 0x1234, &ec));
    u64 code = at_el1(generic_at_el1, 0x1234, &ec);
    CHECK_EQ("PACGA: not trapped", ec, 0);
    CHECK_EQ("PACGA: low half", code & 0xffffffff, 0);
    CHECK_EQ("a key", at_el1(key_at_el1, 0, &ec), 0x0123456789abcdef);
    CHECK_EQ("returns and branches that authenticate", at_el1(returns, 0, &ec), 77);
    CHECK_EQ("without exception", ec, 0);
    WRITE(sctlr_el1, sctlr);
}

/* FEAT_FPAC: AUT* of a bad code; FEAT_FPACCOMBINE: branches, returns and loads that authenticate. The key is in the syndrome. */
#define BAD "mov x0, #0x40000000\n movk x0, #0x6, lsl #48\n mov x9, #3\n"
PROBE(bad_ia, BAD "autia x0, x9");
PROBE(bad_ib, BAD "autib x0, x9");
PROBE(bad_da, BAD "autda x0, x9");
PROBE(bad_dzb, BAD "autdzb x0");
PROBE(bad_hint, BAD "mov x10, x30\n mov x30, x0\n autibz\n mov x30, x10");
PROBE(bad_braa, BAD "braa x0, x9");
PROBE(bad_blrabz, BAD "mov x10, x30\n blrabz x0\n mov x30, x10");
PROBE(bad_retab, BAD "mov x10, x30\n mov x30, x0\n retab\n mov x30, x10");
PROBE(bad_ldraa, BAD "ldraa x0, [x0]");
PROBE(bad_ldrab, BAD "ldrab x0, [x0, #8]!");
static const struct {
    const char *name;
    u64 (*probe)(u64);
    u8 key;
    bool combined;
} bad[] = {
    {"AUTIA", bad_ia, 0, false}, {"AUTIB", bad_ib, 1, false}, {"AUTDA", bad_da, 2, false}, {"AUTDZB", bad_dzb, 3, false},
    {"AUTIBZ", bad_hint, 1, false}, {"BRAA", bad_braa, 0, true}, {"BLRABZ", bad_blrabz, 1, true},
    {"RETAB", bad_retab, 1, true}, {"LDRAA", bad_ldraa, 2, true}, {"LDRAB", bad_ldrab, 3, true},
};

static void failing(void)
{
    u64 isar1 = READ(id_aa64isar1_el1), level = BITS(isar1, 7, 4) | BITS(isar1, 11, 8) | BITS(READ(s3_0_c0_c6_2), 15, 12);
    u64 sctlr = READ(sctlr_el1);
    WRITE_ISB(sctlr_el1, sctlr | ALL_KEYS);
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (level < (bad[i].combined ? 5 : 4))
            continue;
        const struct RtExc *exc = TRY(RT_SKIP, rt_el1(bad[i].probe, 0));
        CHECK_EXC(bad[i].name, exc, 1, 0x200, ESR(0x1c, bad[i].key));
        exc = TRY(RT_SKIP, rt_el0(bad[i].probe, 0));
        CHECK_EXC(bad[i].name, exc, 1, 0x400, ESR(0x1c, bad[i].key));
    }
    /* the exception of an instruction whose key is off is none */
    WRITE_ISB(sctlr_el1, sctlr);
    CHECK_NONE("no key enabled", TRY(RT_SKIP, rt_el1(bad_ia, 0)));
}

void test_main(void)
{
    if (!(READ(id_aa64isar1_el1) & 0xff0) && !(READ(s3_0_c0_c6_2) & 0xf000)) {
        rt_skip("all", "no pointer authentication here");
        CHECK("skipped", true);
        return;
    }
    set_keys();
    WRITE_ISB(sctlr_el2, READ(sctlr_el2) | ALL_KEYS);
    rt_el1_flat();
    round_trips();
    traps();
    WRITE_ISB(hcr_el2, READ(hcr_el2) | HCR_API | HCR_APK);
    failing();
}
