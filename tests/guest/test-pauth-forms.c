/*
 * FEAT_PAuth_LR: what its instructions sign and authenticate with, their exceptions, traps and enables. Whatever the algorithm; of
 * QARMA also which bits of two modifiers make one. Arm ARM: "Pointer authentication", "PSTATE.PACM", instruction pages.
 */
#include "pauth-forms.h"

static bool full, qarma;

/* ---- two modifiers ---- */

#define OP171615(name, text)                                                                       \
    static u64 name(u64 p, u64 first, u64 second)                                                  \
    {                                                                                              \
        register u64 x17 __asm__("x17") = p;                                                       \
        register u64 x16 __asm__("x16") = first;                                                   \
        register u64 x15 __asm__("x15") = second;                                                  \
        __asm__ volatile(text : "+r"(x17) : "r"(x16), "r"(x15));                                   \
        return x17;                                                                                \
    }
OP171615(sign_a, PACIA171615)
OP171615(sign_b, PACIB171615)
OP171615(auth_a, AUTIA171615)
OP171615(auth_b, AUTIB171615)
OP171615(plain_a, "pacia x17, x16")
OP171615(plain_b, "pacib x17, x16")
OP171615(pacm_sign_a, PACM "pacia1716")
OP171615(pacm_sign_b, PACM "pacib1716")
OP171615(pacm_auth_a, PACM "autia1716")
OP171615(pacm_auth_b, PACM "autib1716")

/* x0 signed as LR: the result in x0, SP and the address of the signing instruction in x1 and x2. */
struct Signed {
    u64 lr, sp, pc;
};
#define SIGN_LR(name, text)                                                                        \
    static struct Signed name(u64 p)                                                               \
    {                                                                                              \
        register u64 x0 __asm__("x0") = p;                                                         \
        register u64 x1 __asm__("x1");                                                             \
        register u64 x2 __asm__("x2");                                                             \
        __asm__ volatile("mov x9, x30\n mov x30, x0\n mov x1, sp\n adr x2, 1f\n" text              \
                         "mov x0, x30\n mov x30, x9" : "+r"(x0), "=r"(x1), "=r"(x2) : : "x9");     \
        return (struct Signed){x0, x1, x2};                                                        \
    }
SIGN_LR(sign_aspc, "1:" PACIASPPC)
SIGN_LR(sign_bspc, "1:" PACIBSPPC)
SIGN_LR(sign_nbaspc, "1:" PACNBIASPPC)
SIGN_LR(sign_nbbspc, "1:" PACNBIBSPPC)
SIGN_LR(sign_pacm_asp, PACM "1: paciasp\n")
SIGN_LR(sign_pacm_bsp, PACM "1: pacibsp\n")

/* LR x0 authenticated with second modifier x1. */
#define AUTH_LR(name, text)                                                                        \
    static u64 name(u64 p, u64 second)                                                             \
    {                                                                                              \
        register u64 x0 __asm__("x0") = p;                                                         \
        register u64 x1 __asm__("x1") = second;                                                    \
        __asm__ volatile("mov x9, x30\n mov x30, x0\n mov x16, x1\n" text                          \
                         "mov x0, x30\n mov x30, x9" : "+r"(x0) : "r"(x1) : "x9", "x16");          \
        return x0;                                                                                 \
    }
AUTH_LR(auth_aspcr, AUTIASPPCR(1))
AUTH_LR(auth_bspcr, AUTIBSPPCR(1))
AUTH_LR(auth_aspcr_zero, AUTIASPPCR(31))
AUTH_LR(auth_bspcr_zero, AUTIBSPPCR(31))
AUTH_LR(auth_pacm_asp, PACM "autiasp\n")
AUTH_LR(auth_pacm_bsp, PACM "autibsp\n")

static u64 sp_now(void)
{
    u64 sp;
    __asm__("mov %0, sp" : "=r"(sp));
    return sp;
}

/* One way of signing LR against the instruction that says it all. */
static void signs_lr(const char *what, struct Signed (*sign)(u64), u64 (*by_hand)(u64, u64, u64))
{
    static const u64 pointers[] = {0x40201234, 0, 0x7ffffff000, 0x123456789a};
    for (unsigned i = 0; i < 4; i++) {
        struct Signed s = sign(pointers[i]);
        CHECK_EQ(what, s.lr, by_hand(pointers[i], s.sp, s.pc));
    }
}

static void sign_ways(void)
{
    signs_lr("PACIASPPC", sign_aspc, sign_a);
    signs_lr("PACIBSPPC", sign_bspc, sign_b);
    signs_lr("PACNBIASPPC", sign_nbaspc, sign_a);
    signs_lr("PACNBIBSPPC", sign_nbbspc, sign_b);
    if (full) { /* an algorithm that is not published may do otherwise here */
        signs_lr("PACM, PACIASP", sign_pacm_asp, qarma ? sign_a : pacm_sign_a);
        signs_lr("PACM, PACIBSP", sign_pacm_bsp, qarma ? sign_b : pacm_sign_b);
    }
}

/* What signs, what authenticates, and that another second modifier would be noticed somewhere. */
static u64 differs;
static void pair(const char *what, u64 (*sign)(u64, u64, u64), u64 (*auth)(u64, u64))
{
    for (u64 second = 32; second < 4096; second += 32) {
        u64 p = 0x40200000 + second, sp = sp_now(), made = sign(p, sp, second), got = 0;
        const struct RtExc *exc = TRY(RT_SKIP, got = auth(made, second));
        none(what, exc);
        CHECK_EQ(what, got, p);
        differs |= made ^ sign(p, sp, second + 32);
    }
}

static u64 auth_171615_a(u64 p, u64 second) { return auth_a(p, sp_now(), second); }
static u64 auth_171615_b(u64 p, u64 second) { return auth_b(p, sp_now(), second); }
static u64 auth_pacm_1716_a(u64 p, u64 second) { return pacm_auth_a(p, sp_now(), second); }
static u64 auth_pacm_1716_b(u64 p, u64 second) { return pacm_auth_b(p, sp_now(), second); }

static void auth_ways(void)
{
    u64 p = 0x40200000;
    pair("AUTIA171615", sign_a, auth_171615_a);
    pair("AUTIB171615", sign_b, auth_171615_b);
    pair("AUTIASPPCR", sign_a, auth_aspcr);
    pair("AUTIBSPPCR", sign_b, auth_bspcr);
    CHECK("a second modifier counts", differs != 0);
    CHECK_EQ("AUTIASPPCR XZR", auth_aspcr_zero(sign_a(p, sp_now(), 0), 77), p);
    CHECK_EQ("AUTIBSPPCR XZR", auth_bspcr_zero(sign_b(p, sp_now(), 0), 77), p);
    if (!full)
        return;
    pair("PACM, AUTIA1716", pacm_sign_a, auth_pacm_1716_a);
    pair("PACM, AUTIB1716", pacm_sign_b, auth_pacm_1716_b);
    pair("PACM, AUTIASP", pacm_sign_a, auth_pacm_asp);
    pair("PACM, AUTIBSP", pacm_sign_b, auth_pacm_bsp);
}

/* QARMA has one tweak: 32 bits of each. The single modifier is compared with another implementation elsewhere. */
static void tweaks(void)
{
    u64 first = 0x0123456789abcdef, second = 0xfedcba9876543210;
    for (unsigned i = 0; i < 65; i++) {
        for (unsigned which = 0; which < 2; which++) {
            u64 a = first ^ (i < 64 && !which ? BIT(i) : 0), b = second ^ (i < 64 && which ? BIT(i) : 0);
            u64 both = BITS(b, 36, 5) << 32 | BITS(a, 35, 4), p = 0x40201234 + 4 * i;
            CHECK_EQ("PACIA171615 is PACIA of both", sign_a(p, a, b), plain_a(p, both, 0));
            CHECK_EQ("PACIB171615 is PACIB of both", sign_b(p, a, b), plain_b(p, both, 0));
            CHECK_EQ("PACM, PACIA1716", pacm_sign_a(p, a, b), plain_a(p, both, 0));
            CHECK_EQ("PACM, PACIB1716", pacm_sign_b(p, a, b), plain_b(p, both, 0));
        }
    }
}

/* ---- labels and returns; x0 is 77 when all went well ---- */

PROBE(label_a, KEEP LR "9:" PACIASPPC "nop\n nop\n" AUTIASPPC(3) SAME);
PROBE(label_b, KEEP LR "9:" PACIBSPPC AUTIBSPPC(1) SAME);
PROBE(label_far, KEEP "adr x11, .\n mov x17, x11\n mov x16, sp\n adr x15, 1f\n mov x12, #262140\n sub x15, x15, x12\n" PACIA171615
                 "mov x30, x17\n 1:" AUTIASPPC(65535) SAME);
PROBE(label_here, KEEP "adr x11, .\n mov x17, x11\n mov x16, sp\n adr x15, 1f\n" PACIB171615 "mov x30, x17\n 1:" AUTIBSPPC(0) SAME);
PROBE(ret_a, KEEP LR PACIASPPC "nop\n" RETAASPPC(2) RETURNED);
PROBE(ret_b, KEEP LR PACNBIBSPPC RETABSPPC(1) RETURNED);
PROBE(ret_ar, KEEP LR "adr x13, 1f\n 1:" PACNBIASPPC RETAASPPCR(13) RETURNED);
PROBE(ret_br, KEEP LR "adr x0, 1f\n 1:" PACIBSPPC RETABSPPCR(0) RETURNED);
PROBE(pacm_ret_a, KEEP LR "adr x16, 1f\n" PACM "1: paciasp\n" PACM "retaa\n" RETURNED);
PROBE(pacm_ret_b, KEEP LR "adr x16, 1f\n" PACM "1: pacibsp\n nop\n" PACM "retab\n" RETURNED);
PROBE(pacm_twice, KEEP LR "9: adr x16, 1f\n" PACM PACM "1: paciasp\n" PACM PACM PACM "autiasp\n" SAME);
/* what the hint does not reach: these have one modifier */
PROBE(pacm_general, KEEP LR "9:" PACM "pacia x30, sp\n autiasp\n" SAME);
PROBE(pacm_zero, KEEP LR "9:" PACM "paciaz\n autiaz\n" SAME);
PROBE(pacm_late, KEEP LR "9:" PACM "nop\n paciasp\n" PACM "nop\n autia x30, sp\n" SAME);

static const struct {
    const char *name;
    u64 (*probe)(u64);
    bool pacm;
} programs[] = {
    {"PACIASPPC, AUTIASPPC", label_a, false}, {"PACIBSPPC, AUTIBSPPC", label_b, false}, {"AUTIASPPC, farthest", label_far, false},
    {"AUTIBSPPC, itself", label_here, false}, {"RETAASPPC", ret_a, false}, {"RETABSPPC", ret_b, false},
    {"RETAASPPCR", ret_ar, false}, {"RETABSPPCR", ret_br, false}, {"PACM, RETAA", pacm_ret_a, true}, {"PACM, RETAB", pacm_ret_b, true},
    {"PACM twice", pacm_twice, true}, {"PACM, PACIA LR, SP", pacm_general, true}, {"PACM, PACIAZ", pacm_zero, true},
    {"PACM, NOP", pacm_late, true},
};

static void run_programs(u64 spsr)
{
    for (unsigned i = 0; i < sizeof programs / sizeof *programs; i++) {
        u64 got = 0, el = BITS(spsr, 3, 2);
        if (programs[i].pacm && !full)
            continue;
        none(programs[i].name, TRY(RT_LR, got = el == 2 ? programs[i].probe(0) : rt_call(spsr, programs[i].probe, 0)));
        CHECK_EQ(programs[i].name, got, 77);
    }
}

/* ---- exceptions ---- */

#define BAD KEEP "mov x30, #0x40000000\n movk x30, #0x6, lsl #48\n mov x17, x30\n mov x16, #3\n mov x15, #4\n"
PROBE(bad_a17, BAD AUTIA171615 BACK);
PROBE(bad_b17, BAD AUTIB171615 BACK);
PROBE(bad_apc, BAD AUTIASPPC(1) BACK);
PROBE(bad_bpc, BAD AUTIBSPPC(1) BACK);
PROBE(bad_apcr, BAD AUTIASPPCR(1) BACK);
PROBE(bad_bpcr, BAD AUTIBSPPCR(1) BACK);
PROBE(bad_ra, BAD RETAASPPC(1) BACK);
PROBE(bad_rb, BAD RETABSPPC(1) BACK);
PROBE(bad_rar, BAD RETAASPPCR(1) BACK);
PROBE(bad_rbr, BAD RETABSPPCR(1) BACK);
PROBE(bad_pacm_a, BAD PACM "autiasp\n" BACK);
PROBE(bad_pacm_b, BAD PACM "autibsp\n" BACK);
PROBE(bad_pacm_a17, BAD PACM "autia1716\n" BACK);
PROBE(bad_pacm_rb, BAD PACM "retab\n" BACK);
PROBE(good_a17, BAD PACIA171615 BACK);
PROBE(good_b17, BAD PACIB171615 BACK);
PROBE(good_apc, BAD PACIASPPC BACK);
PROBE(good_bpc, BAD PACIBSPPC BACK);
PROBE(good_anpc, BAD PACNBIASPPC BACK);
PROBE(good_bnpc, BAD PACNBIBSPPC BACK);
PROBE(good_pacm_b, BAD PACM "pacibsp\n" BACK);
PROBE(off_ra, KEEP LR RETAASPPC(1) RETURNED);
PROBE(off_a, KEEP LR "9:" PACIASPPC PACNBIASPPC AUTIASPPC(9) AUTIASPPCR(2) PACM "paciasp\n" PACM "autiasp\n" SAME);

PROBE(pacm_alone, PACM "udf #0");

enum { SIGNS = 4, PACM_FIRST = 8 };
static const struct {
    const char *name;
    u64 (*probe)(u64);
    u8 how; /* key */
} uses[] = {
    {"AUTIA171615", bad_a17, 0}, {"AUTIB171615", bad_b17, 1}, {"AUTIASPPC", bad_apc, 0}, {"AUTIBSPPC", bad_bpc, 1},
    {"AUTIASPPCR", bad_apcr, 0}, {"AUTIBSPPCR", bad_bpcr, 1}, {"RETAASPPC", bad_ra, 0}, {"RETABSPPC", bad_rb, 1},
    {"RETAASPPCR", bad_rar, 0}, {"RETABSPPCR", bad_rbr, 1}, {"PACM, AUTIASP", bad_pacm_a, 0 | PACM_FIRST},
    {"PACM, AUTIBSP", bad_pacm_b, 1 | PACM_FIRST}, {"PACM, AUTIA1716", bad_pacm_a17, 0 | PACM_FIRST},
    {"PACM, RETAB", bad_pacm_rb, 1 | PACM_FIRST}, {"PACIA171615", good_a17, SIGNS}, {"PACIB171615", good_b17, SIGNS},
    {"PACIASPPC", good_apc, SIGNS}, {"PACIBSPPC", good_bpc, SIGNS}, {"PACNBIASPPC", good_anpc, SIGNS},
    {"PACNBIBSPPC", good_bnpc, SIGNS}, {"PACM, PACIBSP", good_pacm_b, SIGNS | PACM_FIRST},
};

/* Wrong codes (FEAT_FPACCOMBINE is there), HCR_EL2.API, and keys that are off. */
static void exceptions(void)
{
    u64 hcr = READ(hcr_el2), sctlr = READ(sctlr_el1);
    for (unsigned i = 0; i < sizeof uses / sizeof *uses; i++) {
        u64 pacm = full && uses[i].how & PACM_FIRST;
        const struct RtExc *exc = TRY(RT_SKIP, rt_el1(uses[i].probe, 0));
        if (uses[i].how & SIGNS)
            none(uses[i].name, exc);
        else {
            rt_check_exc(WHERE, uses[i].name, exc, 1, 0x200, ESR(0x1c, uses[i].how & 1));
            CHECK_EQ(uses[i].name, lr_pacm_of(exc), pacm);
            rt_check_exc(WHERE, uses[i].name, TRY(RT_SKIP, rt_el0(uses[i].probe, 0)), 1, 0x400, ESR(0x1c, uses[i].how & 1));
        }
        WRITE_ISB(hcr_el2, hcr & ~HCR_API);
        exc = TRY(RT_SKIP, rt_el1(uses[i].probe, 0));
        rt_check_exc(WHERE, uses[i].name, exc, 2, 0x400, ESR(9, 0));
        CHECK_EQ(uses[i].name, lr_pacm_of(exc), pacm);
        WRITE_ISB(hcr_el2, hcr);
    }
    WRITE(sctlr_el1, sctlr & ~ALL_KEYS);
    WRITE_ISB(hcr_el2, hcr & ~HCR_API);
    CHECK_EQ("keys off", rt_el1(off_a, 0), 77);
    CHECK_EQ("keys off, a return", rt_el1(off_ra, 0), 77);
    CHECK_EQ("keys off, PACM", lr_pacm_of(TRY(RT_LR, rt_el1(pacm_alone, 0))), full);
    WRITE(sctlr_el1, sctlr);
    WRITE_ISB(hcr_el2, hcr);
}

/* Without it PACM is a NOP and the others are UNDEFINED. */
static void absent(void)
{
    CHECK_NONE("PACM", TRY_ASM(PACM));
    CHECK_EXC("PACIASPPC", TRY_ASM(PACIASPPC, "r"(0)), 2, 0x200, ESR(0, 0));
    CHECK_EXC("AUTIBSPPCR", TRY_ASM(AUTIBSPPCR(1)), 2, 0x200, ESR(0, 0));
    CHECK_EXC("AUTIASPPC", TRY_ASM(AUTIASPPC(1)), 2, 0x200, ESR(0, 0));
    CHECK_EXC("RETAASPPC", TRY_ASM(RETAASPPC(1)), 2, 0x200, ESR(0, 0));
    CHECK_EXC("RETABSPPCR", TRY_ASM(RETABSPPCR(1)), 2, 0x200, ESR(0, 0));
    CHECK_EXC("PACIA171615", TRY_ASM(PACIA171615), 2, 0x200, ESR(0, 0));
}

void test_main(void)
{
    if (!lr_announced(&full, &qarma)) {
        absent();
        rt_skip("the rest", "no FEAT_PAuth_LR");
        return;
    }
    lr_enable();
    sign_ways();
    auth_ways();
    if (qarma)
        tweaks();
    run_programs(SPSR_EL2H);
    run_programs(SPSR_EL1H);
    run_programs(SPSR_EL0);
    exceptions();
}
