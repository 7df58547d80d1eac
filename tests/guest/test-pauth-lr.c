/*
 * Pointer authentication with two modifiers (FEAT_PAuth_LR): codes and failures against vectors computed from the manual (qarma.py) for
 * QARMA5 and QARMA3, for one and two modifiers; what holds for any algorithm; PSTATE.PACM. Without the feature the instructions are
 * UNDEFINED and PACM does nothing. Arm ARM, "Pointer authentication", "PSTATE.PACM", the instructions.
 */
#include "rt.h"

struct Vector {
    const char *name;
    u32 offset, slots[3];
    u8 lr, branches, fails;
    u64 values[7]; /* X30, SP, X15, X16, X17 before; X30, X17 after */
};
struct Setting {
    u32 va_bits;
    u64 tcr, keys[6]; /* IA, IB, GA: low and high half */
};
struct Code {
    u64 x, y, code[2];
};
#include "pauth-lr-vectors.inc"
#define SETTINGS (sizeof settings / sizeof settings[0])

#define ID_AA64ISAR2_EL1 s3_0_c0_c6_2
#define ID_AA64MMFR3_EL1 s3_0_c0_c7_3
#define HCRX_EL2 s3_4_c1_c2_2
#define SCTLR2_EL1 s3_0_c1_c0_3
#define HCR_API_APK (BIT(40) | BIT(41))
#define HCRX_PACMEN BIT(24)
#define HCRX_SCTLR2EN BIT(15)
#define SCTLR2_ENPACM0 BIT(8)
#define SCTLR2_ENPACM BIT(7)
#define EN_IA BIT(31)
#define EN_IB BIT(30)
#define TCR_TAGS (3ull << 37 | 3ull << 51)
#define PACM BIT(35) /* in SPSR_ELx */
#define BUFFER 0x46000000ull
#define AREA 0x10000
#define LR_LEVEL 6
#define COMBINE_LEVEL 5

/* X0: struct Regs. The three NOPs in the middle, at 0x40, are replaced; 0x50 is where a return goes. */
__asm__(".pushsection .text\n.balign 0x80\nframe:\n"
        "mov x9, x30\n mov x10, sp\n ldp x30, x11, [x0]\n ldp x15, x16, [x0, #16]\n ldr x17, [x0, #32]\n mov x12, #0\n mov sp, x11\n"
        ".rept 9\n nop\n .endr\n nop\n nop\n nop\n mov x12, #1\n"
        "mov sp, x10\n str x30, [x0]\n str x17, [x0, #32]\n str x12, [x0, #40]\n mov x30, x9\n ret\nframe_end:\n.popsection");
extern const u32 frame[], frame_end[];
#define SLOT 16

struct Regs {
    u64 x30, sp, x15, x16, x17, x12;
};
static struct Regs regs;
static struct RtMap maps[SETTINGS];
static u64 level; /* of pointer authentication: 6 has two modifiers */

static void put_code(u32 offset, const u32 *slots)
{
    volatile u32 *page = (u32 *)(BUFFER + offset);
    for (unsigned i = 0; frame + i < frame_end; i++)
        page[i] = i >= SLOT && i < SLOT + 3 ? slots[i - SLOT] : frame[i];
    for (u64 at = BUFFER + offset; at < BUFFER + offset + 0x80; at += 16)
        __asm__ volatile("dc cvau, %0" : : "r"(at) : "memory");
    __asm__ volatile("dsb ish\n ic iallu\n dsb ish\n isb" : : : "memory");
}

static const struct RtExc *run(u64 spsr, u32 offset)
{
    return TRY(RT_SKIP, rt_call(spsr, (u64(*)(u64))(BUFFER + offset), (u64)&regs));
}

static void enter_setting(unsigned n)
{
    const struct Setting *s = &settings[n];
    WRITE(s3_0_c2_c1_0, s->keys[0]);
    WRITE(s3_0_c2_c1_1, s->keys[1]);
    WRITE(s3_0_c2_c1_2, s->keys[2]);
    WRITE(s3_0_c2_c1_3, s->keys[3]);
    WRITE(s3_0_c2_c3_0, s->keys[4]);
    WRITE_ISB(s3_0_c2_c3_1, s->keys[5]);
    if (!maps[n].root) {
        rt_map_init(&maps[n], rt_el2_map.shift, s->va_bits);
        rt_map_image(&maps[n]);
        rt_map_range(&maps[n], BUFFER, BUFFER, AREA, S1_RAM | S1_USER | S1_RO);
    }
    rt_el1_mmu(&maps[n], EN_IA | EN_IB);
    WRITE_ISB(tcr_el1, (READ(tcr_el1) & ~(0x3full << 16)) | s->tcr);
    rt_tlbi_all();
}

/* --- vectors ------------------------------------------------------------------------------------- */
static unsigned shown;
static bool one_vector(const struct Vector *v, const char *where, u64 spsr, unsigned setting)
{
    put_code(v->offset, v->slots);
    regs = (struct Regs){v->values[0], v->values[1], v->values[2], v->values[3], v->values[4], 7};
    const struct RtExc *exc = run(spsr, v->offset);
    u64 esr = v->fails ? ESR(0x1c, v->fails - 1) : 0, got = exc->count ? exc->esr : 0, x12 = v->fails || !v->branches;
    if (got == esr && exc->count <= 1 && regs.x30 == v->values[5] && regs.x17 == v->values[6] && regs.x12 == x12 &&
        (!esr || exc->elr == BUFFER + v->offset + 4 * SLOT + 8))
        return true;
    if (shown++ < 20)
        rt_printf("%s, setting %d: %s (%x %x %x at %lx) X30 %lx SP %lx X15 %lx X16 %lx X17 %lx: X30 %lx X17 %lx X12 %lx ESR %lx, "
                  "expected %lx %lx %lx %lx\n",
                  where, (int)setting, v->name, v->slots[0], v->slots[1], v->slots[2], (unsigned long)BUFFER + v->offset, v->values[0], v->values[1],
                  v->values[2], v->values[3], v->values[4], regs.x30, regs.x17, regs.x12, got, v->values[5], v->values[6], x12, esr);
    return false;
}

static u64 pacga(u64 x, u64 y)
{
    __asm__("pacga %0, %0, %1" : "+r"(x) : "r"(y));
    return x;
}

static void all_vectors(unsigned algorithm)
{
    unsigned done = 0, wrong = 0, codes_each = sizeof codes / sizeof codes[0] / SETTINGS;
    for (unsigned n = 0; n < SETTINGS; n++) {
        enter_setting(n);
        for (unsigned i = 0; i < codes_each; i++) {
            const struct Code *c = &codes[n * codes_each + i];
            CHECK_EQ("PACGA", pacga(c->x, c->y), c->code[algorithm]);
        }
        for (unsigned i = 0; i < COUNT && level >= COMBINE_LEVEL; i++) {
            const struct Vector *v = &vectors[algorithm][n * COUNT + i];
            if (v->lr && level < LR_LEVEL)
                continue;
            wrong += !one_vector(v, "EL1", SPSR_EL1T, n);
            wrong += !one_vector(v, "EL0", SPSR_EL0, n);
            done++;
        }
    }
    CHECK_EQ("vectors that differ", wrong, 0);
    CHECK("vectors executed", level < COMBINE_LEVEL || done > 100);
}

/* --- any algorithm ---------------------------------------------------------------------------------- */
#define NOP 0xd503201fu
#define PACM_WORD 0xd50324ffu
#define POINTER 0x40201234ull

/* Executes first (with or without PACM) and then second, 64 bytes of code behind it, and what fails of those that must. */
static bool pair(u32 first, u32 second, bool pacm, u64 sp, u64 wrong_sp, u64 wrong_x16)
{
    u32 sign[3] = {NOP, pacm ? PACM_WORD : NOP, first}, check[3] = {NOP, pacm ? PACM_WORD : NOP, second};
    put_code(0, sign);
    put_code(0x80, check);
    u64 pc = BUFFER + 4 * SLOT + 8;
    regs = (struct Regs){POINTER, sp, 1, 2, POINTER, 0};
    CHECK_NONE("signs", run(SPSR_EL1T, 0));
    regs.sp ^= wrong_sp;
    regs.x16 = pc ^ wrong_x16;
    const struct RtExc *exc = run(SPSR_EL1T, 0x80);
    if (exc->count)
        CHECK_EQ("fails", EC(exc), 0x1c);
    return !exc->count && regs.x30 == POINTER;
}

/* AUTIASPPC of a label 0x80 bytes back; AUTIASPPCR X16; the same of key B. */
static const struct {
    u32 sign, check;
    bool label;
} pairs[] = {
    {0xdac1a3fe, 0xf380001f | 0x20 << 5, true}, {0xdac183fe, 0xf380001f | 0x20 << 5, true}, {0xdac1a3fe, 0xdac1901e | 16 << 5, false},
    {0xdac1a7fe, 0xf3a0001f | 0x20 << 5, true}, {0xdac187fe, 0xdac1941e | 16 << 5, false},
};

static void properties(void)
{
    enter_setting(0);
    for (unsigned i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        unsigned passed = 0;
        for (u64 k = 1; k <= 16; k++) {
            u64 sp = 0x40500000 + 0x730 * k;
            CHECK("authenticates", pair(pairs[i].sign, pairs[i].check, false, sp, 0, 0));
            passed += pair(pairs[i].sign, pairs[i].check, false, sp, 0x10ull << k, 0);
            passed += !pairs[i].label && pair(pairs[i].sign, pairs[i].check, false, sp, 0, 0x40ull << k);
            passed += pair(pairs[i].sign, pairs[i].check ^ (pairs[i].label ? 0x200000 : 0x400), false, sp, 0, 0); /* the other key */
        }
        CHECK("other modifiers and keys fail", passed <= 1);
    }
    /* a trivial PACM has no effect on either */
    CHECK("PACM, PACIASP, AUTIASP", pair(0xd503233f, 0xd50323bf, true, 0x40500000, 0, 0));
    CHECK("PACM, PACIBSP, AUTIBSP", pair(0xd503237f, 0xd50323ff, true, 0x40500000, 0, 0));
}

/* --- PSTATE.PACM ---------------------------------------------------------------------------------------- */
PROBE(pacm_udf, "hint #39\n .inst 0");
PROBE(pacm_pacm_udf, "hint #39\n hint #39\n .inst 0");
PROBE(pacm_nop_udf, "hint #39\n nop\n .inst 0");
PROBE(pacm_svc, "hint #39\n svc #7\n nop\n nop");
PROBE(pacm_hvc, "hint #39\n hvc #7\n nop\n nop");
PROBE(udf, ".inst 0");

static u64 pacm_seen(u64 spsr, u64 (*probe)(u64))
{
    const struct RtExc *exc = TRY(RT_SKIP, rt_call(spsr, probe, 0));
    CHECK_EQ("one exception", exc->count, 1);
    return exc->spsr >> 35 & 1;
}

static void pacm(bool trivial)
{
    u64 hcrx = READ(HCRX_EL2), set = !trivial;
    for (unsigned enabled = 0; enabled < 16; enabled++) {
        bool el1 = enabled & 1, el0 = enabled & 2, el2 = enabled & 4, there = enabled & 8;
        WRITE(SCTLR2_EL1, (el1 ? SCTLR2_ENPACM : 0) | (el0 ? SCTLR2_ENPACM0 : 0));
        WRITE_ISB(HCRX_EL2, (hcrx & ~(HCRX_PACMEN | HCRX_SCTLR2EN)) | (el2 ? HCRX_PACMEN : 0) | (there ? HCRX_SCTLR2EN : 0));
        CHECK_EQ("EL1: PACM, UDF", pacm_seen(SPSR_EL1H, pacm_udf), el1 && el2 && there && set);
        CHECK_EQ("EL1: PACM, PACM, UDF", pacm_seen(SPSR_EL1H, pacm_pacm_udf), el1 && el2 && there && set);
        CHECK_EQ("EL1: PACM, NOP, UDF", pacm_seen(SPSR_EL1H, pacm_nop_udf), 0);
        CHECK_EQ("EL1: PACM, HVC", pacm_seen(SPSR_EL1H, pacm_hvc), 0);
        CHECK_EQ("EL1: returned to with PACM", pacm_seen(SPSR_EL1H | PACM, udf), el1 && el2 && there && set);
        CHECK_EQ("EL0: PACM, UDF", pacm_seen(SPSR_EL0, pacm_udf), el0 && el2 && there && set);
        CHECK_EQ("EL0: PACM, NOP, UDF", pacm_seen(SPSR_EL0, pacm_nop_udf), 0);
        CHECK_EQ("EL0: PACM, SVC", pacm_seen(SPSR_EL0, pacm_svc), 0);
        CHECK_EQ("EL0: returned to with PACM", pacm_seen(SPSR_EL0 | PACM, udf), el0 && el2 && there && set);
    }
    WRITE(SCTLR2_EL1, SCTLR2_ENPACM | SCTLR2_ENPACM0);
    WRITE_ISB(HCRX_EL2, hcrx);
}

static void absent(void)
{
    rt_skip("two modifiers", "no FEAT_PAuth_LR here");
    enter_setting(0);
    for (unsigned i = 0; i < sizeof news / sizeof news[0]; i++) {
        put_code(0, (u32[]){NOP, NOP, news[i].word});
        regs = (struct Regs){POINTER, 16, 0, 0, POINTER, 0};
        const struct RtExc *exc = run(SPSR_EL1T, 0);
        CHECK_EXC(news[i].name, exc, 1, 0, ESR(0, 0));
        exc = run(SPSR_EL0, 0);
        CHECK_EXC(news[i].name, exc, 1, 0x400, ESR(0, 0));
        CHECK_EQ("X30", regs.x30, POINTER);
    }
    CHECK_EQ("PACM is a NOP", pacm_seen(SPSR_EL1H, pacm_udf), 0);
}

/* The level that one of the three fields announces; the algorithm is 0 for QARMA5, 1 for QARMA3, 2 for another one. */
static u64 announced(unsigned *algorithm)
{
    u64 isar1 = READ(id_aa64isar1_el1), isar2 = READ(ID_AA64ISAR2_EL1);
    u64 levels[] = {BITS(isar1, 7, 4), BITS(isar2, 15, 12), BITS(isar1, 11, 8)};
    for (*algorithm = 0; *algorithm < 2 && !levels[*algorithm];)
        ++*algorithm;
    return levels[*algorithm];
}

void test_main(void)
{
    unsigned algorithm;
    level = announced(&algorithm);
    if (level) {
        WRITE_ISB(hcr_el2, READ(hcr_el2) | HCR_API_APK);
        WRITE_ISB(sctlr_el2, READ(sctlr_el2) | EN_IA | EN_IB);
    }
    if (level >= LR_LEVEL) {
        CHECK("FEAT_SCTLR2", BITS(READ(ID_AA64MMFR3_EL1), 7, 4) != 0);
        WRITE_ISB(HCRX_EL2, READ(HCRX_EL2) | HCRX_PACMEN | HCRX_SCTLR2EN);
        WRITE_ISB(SCTLR2_EL1, SCTLR2_ENPACM | SCTLR2_ENPACM0);
    }
    if (algorithm < 2)
        all_vectors(algorithm);
    else
        rt_skip("vectors", "an algorithm of its own");
    if (level < LR_LEVEL) {
        absent();
        return;
    }
    properties();
    enter_setting(0);
    pacm(algorithm == 2 && !pacm_seen(SPSR_EL1H, pacm_udf));
}
