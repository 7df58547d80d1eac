/*
 * Unaligned accesses: what works, what faults, and which fault comes first. Arm ARM, "Alignment of data accesses",
 * "SP alignment checking", "PC alignment checking", "Synchronous exception prioritization".
 */
#include "rt.h"

#define TARGET 0x46000000ull
#define WINDOW 0x100000000ull
#define ALIGNMENT 0x21

#define FORM(name, text) PROBE(form_##name, text)
FORM(ldr, "ldr x0, [x0]");
FORM(str, "str x1, [x0]");
FORM(ldrh, "ldrh w0, [x0]");
FORM(ldp, "ldp x1, x2, [x0]");
FORM(stp, "stp x1, x2, [x0]");
FORM(ldr_q, "ldr q0, [x0]");
FORM(ldxr, "ldxr x1, [x0]");
FORM(ldxrb, "ldxrb w1, [x0]\n clrex");
FORM(ldxp, "ldxp x1, x2, [x0]");
FORM(stxr, "stxr w2, x1, [x0]");
FORM(ldar, "ldar x1, [x0]");
FORM(stlr, "stlr x1, [x0]");
FORM(ldadd, "ldadd x1, x2, [x0]");
FORM(cas, "cas x1, x2, [x0]");

static u64 at(u64 spsr, u64 (*probe)(u64), u64 va)
{
    u64 value = 0;
    CHECK_NONE("unaligned", TRY(RT_SKIP, value = spsr == SPSR_EL2H ? probe(va) : rt_call(spsr, probe, va)));
    return value;
}

static void fault(const char *what, u64 (*probe)(u64), u64 va, bool write)
{
    const struct RtExc *exc = TRY(RT_SKIP, probe(va));
    CHECK_EXC(what, exc, 2, 0x200, ESR(0x25, ALIGNMENT | write << 6));
    CHECK_EQ("FAR", exc->far, va);
}

static void works(void)
{
    volatile u8 *byte = (u8 *)TARGET;
    for (unsigned i = 0; i < 256; i++)
        byte[i] = (u8)(i * 7 + 1);
    for (unsigned offset = 0; offset < 130; offset++) {
        u64 want = 0;
        for (unsigned i = 0; i < 8; i++)
            want |= (u64)(u8)((offset + i) * 7 + 1) << (8 * i);
        if (at(SPSR_EL2H, form_ldr, TARGET + offset) != want)
            CHECK_EQ("ldr at each offset", offset, ~0ull);
    }
    /* across a page boundary, where the next page is elsewhere */
    rt_map_set(&rt_el2_map, WINDOW, 3, TARGET + 0x3000, S1_RAM);
    rt_map_set(&rt_el2_map, WINDOW + 0x1000, 3, TARGET + 0x1000, S1_RAM);
    rt_map_entry(&rt_el2_map, WINDOW + 0x2000, 3);
    table_sync();
    for (unsigned i = 0; i < 16; i++) {
        *(volatile u8 *)(TARGET + 0x3ff0 + i) = (u8)(0x10 + i);
        *(volatile u8 *)(TARGET + 0x1000 + i) = (u8)(0xa0 + i);
    }
    CHECK_EQ("across pages", at(SPSR_EL2H, form_ldr, WINDOW + 0xffd), 0xa4a3a2a1a01f1e1d);
    CHECK_EQ("across pages", at(SPSR_EL2H, form_ldrh, WINDOW + 0xfff), 0xa01f);
    *(volatile u64 *)(TARGET + 0x1000) = 0;
    __asm__ volatile("str %0, [%1]" : : "r"(0x1122334455667788), "r"(WINDOW + 0xffc) : "memory");
    CHECK_EQ("store across pages", *(volatile u32 *)(TARGET + 0x3ffc), 0x55667788);
    CHECK_EQ("store across pages", *(volatile u64 *)(TARGET + 0x1000), 0x11223344);
    /* the second page is missing: FAR is its first byte, and nothing is stored in the first where that shows */
    const struct RtExc *exc = TRY(RT_SKIP, form_ldr(WINDOW + 0x1ffd));
    CHECK_EXC("second page missing", exc, 2, 0x200, ESR(0x25, 7));
    CHECK_EQ("FAR is where it fails", exc->far, WINDOW + 0x2000);
    exc = TRY(RT_SKIP, form_str(WINDOW + 0x1ffe));
    CHECK_EXC("second page missing, store", exc, 2, 0x200, ESR(0x25, 0x47));
    CHECK_EQ("FAR is where it fails", exc->far, WINDOW + 0x2000);
    exc = TRY(RT_SKIP, form_ldr(WINDOW - 3));
    CHECK_EQ("first page missing", exc->far, WINDOW - 3);
}

/* Exclusives, acquire and release: aligned, or with LSE2 within 16 bytes (SCTLR_ELx.nAA is clear). */
static void never(void)
{
    bool lse2 = BITS(READ(id_aa64mmfr2_el1), 35, 32);
    fault("ldxr across 16 bytes [peer differs]", form_ldxr, TARGET + 12, false);
    fault("ldxp across 16 bytes", form_ldxp, TARGET + 8, false);
    fault("ldar across 16 bytes", form_ldar, TARGET + 12, false);
    fault("stlr across 16 bytes", form_stlr, TARGET + 12, true);
    CHECK_NONE("ldxrb is always aligned", TRY(RT_SKIP, form_ldxrb(TARGET + 3)));
    if (lse2) {
        CHECK_NONE("ldar within 16 bytes", TRY(RT_SKIP, form_ldar(TARGET + 4)));
        CHECK_NONE("ldxr within 16 bytes", TRY(RT_SKIP, form_ldxr(TARGET + 4)));
        __asm__ volatile("clrex");
    } else {
        fault("ldar within 16 bytes, no LSE2", form_ldar, TARGET + 4, false);
        fault("stlr within 16 bytes, no LSE2", form_stlr, TARGET + 4, true);
        fault("ldxr within 16 bytes, no LSE2", form_ldxr, TARGET + 4, false);
    }
    if (BITS(READ(id_aa64isar0_el1), 23, 20) >= 2) {
        const struct RtExc *exc = TRY(RT_SKIP, form_ldadd(TARGET + 12));
        CHECK_EQ("ldadd across 16 bytes", exc->count ? exc->esr & ~0x40ull : 0, ESR(0x25, ALIGNMENT));
        exc = TRY(RT_SKIP, form_cas(TARGET + 12));
        CHECK_EQ("cas across 16 bytes", exc->count ? exc->esr & ~0x40ull : 0, ESR(0x25, ALIGNMENT));
    }
    /* alignment comes before translation */
    fault("ldxr unaligned and unmapped [peer differs]", form_ldxr, WINDOW + 0x200c, false);
}

/* Every form: what its address must be a multiple of when alignment is checked. */
FORM(ldrb, "ldrb w1, [x0]");
FORM(strh, "strh w1, [x0]");
FORM(ldr_w, "ldr w1, [x0]");
FORM(ldp_w, "ldp w1, w2, [x0]");
FORM(stp_w, "stp w1, w2, [x0]");
FORM(ldpsw, "ldpsw x1, x2, [x0]");
FORM(ldtr, "ldtr x1, [x0]");
FORM(sttrh, "sttrh w1, [x0]");
FORM(ldr_b, "ldr b0, [x0]");
FORM(ldr_h, "ldr h0, [x0]");
FORM(str_s, "str s0, [x0]");
FORM(ldr_d, "ldr d0, [x0]");
FORM(str_q, "str q0, [x0]");
FORM(ldur_q, "ldur q0, [x0, #-16]");
FORM(str_q_post, "str q0, [x0], #8");
FORM(ldr_q_reg, "ldr q0, [x0, xzr]");
FORM(ldp_s, "ldp s0, s1, [x0]");
FORM(stp_d, "stp d0, d1, [x0]");
FORM(ldp_q, "ldp q0, q1, [x0]");
FORM(stp_q, "stp q0, q1, [x0]");
FORM(ldnp_q, "ldnp q0, q1, [x0]");
FORM(ld1_16b, "ld1 {v0.16b}, [x0]");
FORM(ld1_8h, "ld1 {v0.8h}, [x0]");
FORM(st1_4s, "st1 {v0.4s, v1.4s}, [x0]");
FORM(ld1_2d, "ld1 {v0.2d}, [x0]");
FORM(st1_2d_4, "st1 {v0.2d, v1.2d, v2.2d, v3.2d}, [x0]");
FORM(ld1_1d, "ld1 {v0.1d}, [x0]");
FORM(st2_8b, "st2 {v0.8b, v1.8b}, [x0]");
FORM(ld3_4h, "ld3 {v0.4h, v1.4h, v2.4h}, [x0]");
FORM(ld4_2d, "ld4 {v0.2d, v1.2d, v2.2d, v3.2d}, [x0]");
FORM(ld1_lane_s, "ld1 {v0.s}[1], [x0]");
FORM(st4_lane_h, "st4 {v0.h, v1.h, v2.h, v3.h}[3], [x0]");
FORM(ld2_lane_d, "ld2 {v0.d, v1.d}[1], [x0]");
FORM(ld1r_h, "ld1r {v0.8h}, [x0]");
FORM(ld4r_d, "ld4r {v0.2d, v1.2d, v2.2d, v3.2d}, [x0]");
FORM(ldxrh, "ldxrh w1, [x0]");
FORM(ldxp_w, "ldxp w1, w2, [x0]");
FORM(ldaxp, "ldaxp x1, x2, [x0]");
FORM(stlxr, "stlxr w2, w1, [x0]");
FORM(stxp, "stxp w3, x1, x2, [x0]");
FORM(ldarh, "ldarh w1, [x0]");
FORM(stlr_w, "stlr w1, [x0]");
FORM(ldapr, "ldapr x1, [x0]");
FORM(stlur, "stlur x1, [x0]");
FORM(ldapursw, "ldapursw x1, [x0]");
FORM(swp_w, "swp w1, w2, [x0]");
FORM(ldseth, "ldseth w1, w2, [x0]");
FORM(casal_h, "casalh w1, w2, [x0]");
FORM(casp, "mov x2, #0\n casp x2, x3, x4, x5, [x0]");
FORM(casp_w, "casp w2, w3, w4, w5, [x0]");

enum { LOADS, STORES, BOTH };
static const struct {
    const char *name;
    u64 (*probe)(u64);
    u8 unit, what;
} forms[] = {
    {"ldrb", form_ldrb, 1, LOADS}, {"ldrh", form_ldrh, 2, LOADS}, {"strh", form_strh, 2, STORES},
    {"ldr w", form_ldr_w, 4, LOADS}, {"ldr x", form_ldr, 8, LOADS}, {"str x", form_str, 8, STORES},
    {"ldp w", form_ldp_w, 4, LOADS}, {"stp w", form_stp_w, 4, STORES}, {"ldpsw", form_ldpsw, 4, LOADS},
    {"ldp x", form_ldp, 8, LOADS}, {"stp x", form_stp, 8, STORES}, {"ldtr", form_ldtr, 8, LOADS},
    {"sttrh", form_sttrh, 2, STORES}, {"ldr b", form_ldr_b, 1, LOADS}, {"ldr h", form_ldr_h, 2, LOADS},
    {"str s", form_str_s, 4, STORES}, {"ldr d", form_ldr_d, 8, LOADS}, {"ldr q", form_ldr_q, 16, LOADS},
    {"str q", form_str_q, 16, STORES}, {"ldur q", form_ldur_q, 16, LOADS}, {"str q, post", form_str_q_post, 16, STORES},
    {"ldr q, register", form_ldr_q_reg, 16, LOADS}, {"ldp s", form_ldp_s, 4, LOADS}, {"stp d", form_stp_d, 8, STORES},
    {"ldp q", form_ldp_q, 16, LOADS}, {"stp q", form_stp_q, 16, STORES}, {"ldnp q", form_ldnp_q, 16, LOADS},
    {"ld1 16b", form_ld1_16b, 1, LOADS}, {"ld1 8h", form_ld1_8h, 2, LOADS}, {"st1 4s x 2", form_st1_4s, 4, STORES},
    {"ld1 2d", form_ld1_2d, 8, LOADS}, {"st1 2d x 4", form_st1_2d_4, 8, STORES}, {"ld1 1d", form_ld1_1d, 8, LOADS},
    {"st2 8b", form_st2_8b, 1, STORES}, {"ld3 4h", form_ld3_4h, 2, LOADS}, {"ld4 2d", form_ld4_2d, 8, LOADS},
    {"ld1 s[1]", form_ld1_lane_s, 4, LOADS}, {"st4 h[3]", form_st4_lane_h, 2, STORES},
    {"ld2 d[1]", form_ld2_lane_d, 8, LOADS}, {"ld1r 8h", form_ld1r_h, 2, LOADS}, {"ld4r 2d", form_ld4r_d, 8, LOADS},
    {"ldxrb", form_ldxrb, 1, LOADS}, {"ldxrh", form_ldxrh, 2, LOADS}, {"ldxr", form_ldxr, 8, LOADS},
    {"ldxp w", form_ldxp_w, 8, LOADS}, {"ldxp x", form_ldxp, 16, LOADS}, {"ldaxp", form_ldaxp, 16, LOADS},
    {"stxr", form_stxr, 8, STORES}, {"stlxr w", form_stlxr, 4, STORES}, {"stxp", form_stxp, 16, STORES},
    {"ldarh", form_ldarh, 2, LOADS}, {"ldar", form_ldar, 8, LOADS}, {"stlr w", form_stlr_w, 4, STORES},
    {"stlr", form_stlr, 8, STORES}, {"ldapr", form_ldapr, 8, LOADS}, {"stlur", form_stlur, 8, STORES},
    {"ldapursw", form_ldapursw, 4, LOADS}, {"swp w", form_swp_w, 4, BOTH}, {"ldseth", form_ldseth, 2, BOTH},
    {"ldadd", form_ldadd, 8, BOTH}, {"casalh", form_casal_h, 2, BOTH}, {"cas", form_cas, 8, BOTH},
    {"casp x", form_casp, 16, BOTH}, {"casp w", form_casp_w, 8, BOTH},
};

/* Each form at each address of 16: it faults exactly where its unit says so. */
static void each_form(const char *where, u64 va)
{
    for (unsigned i = 0; i < sizeof forms / sizeof *forms; i++) {
        for (u64 offset = 0; offset < 16; offset++) {
            /* what a fault leaves is the same whatever ran before: run it twice, warm the second time */
            for (unsigned twice = 0; twice < 2; twice++) {
                u64 address = va + offset + (forms[i].probe == form_ldur_q ? 16 : 0);
                const struct RtExc *exc = TRY(RT_SKIP, forms[i].probe(address));
                u64 want = offset % forms[i].unit ? ESR(0x25, ALIGNMENT) : 0;
                u64 got = exc->count ? exc->esr & ~(forms[i].what == BOTH ? BIT(6) : 0) : 0;
                if (want && forms[i].what == STORES)
                    want |= BIT(6);
                if (got != want) {
                    rt_printf("%s, %s at %d:\n", where, forms[i].name, (int)offset);
                    CHECK_EQ("ESR [peer differs]", got, want);
                }
                if (want && exc->count && exc->far != va + offset)
                    CHECK_EQ("FAR", exc->far, va + offset);
            }
        }
    }
    CHECK("each form", true);
}

static void checked(void)
{
    u64 sctlr = READ(sctlr_el2);
    each_form("Device", WINDOW + 0x4000); /* mapped by device() */
    WRITE_ISB(sctlr_el2, sctlr | 2);
    each_form("A", TARGET + 64);
    each_form("A, near the end of a page", TARGET + 0xfe0);
    fault("A: ldr", form_ldr, TARGET + 4, false);
    fault("A: str", form_str, TARGET + 1, true);
    fault("A: ldrh", form_ldrh, TARGET + 1, false);
    fault("A: ldp", form_ldp, TARGET + 4, false);
    fault("A: stp", form_stp, TARGET + 4, true);
    CHECK_NONE("A: ldp is aligned to its elements", TRY(RT_SKIP, form_ldp(TARGET + 8)));
    CHECK_NONE("A: aligned", TRY(RT_SKIP, form_ldr(TARGET + 8)));
    fault("A: unaligned and unmapped", form_ldr, WINDOW + 0x2004, false);
    WRITE_ISB(sctlr_el2, sctlr);
    CHECK_NONE("A clear", TRY(RT_SKIP, form_ldr(TARGET + 4)));
}

static void device(void)
{
    rt_map_set(&rt_el2_map, WINDOW + 0x4000, 3, TARGET, S1_DEVICE | S1_AF);
    table_sync();
    const struct RtExc *exc;
    fault("Device: ldr", form_ldr, WINDOW + 0x4004, false);
    fault("Device: str", form_str, WINDOW + 0x4002, true);
    fault("Device: ldp", form_ldp, WINDOW + 0x4004, false);
    CHECK_NONE("Device: aligned", TRY(RT_SKIP, form_ldr(WINDOW + 0x4008)));
    /* alignment comes before permission, and after everything else */
    rt_map_set(&rt_el2_map, WINDOW + 0x5000, 3, TARGET, S1_DEVICE | S1_AF | S1_RO);
    rt_map_set(&rt_el2_map, WINDOW + 0x6000, 3, TARGET, S1_DEVICE);
    rt_map_set(&rt_el2_map, WINDOW + 0x7000, 3, TARGET, S1_RAM | S1_RO);
    table_sync();
    fault("Device, read-only: str", form_str, WINDOW + 0x5004, true);
    exc = TRY(RT_SKIP, form_str(WINDOW + 0x5008));
    CHECK_EXC("Device, read-only, aligned", exc, 2, 0x200, ESR(0x25, 0x4f));
    exc = TRY(RT_SKIP, form_str(WINDOW + 0x6004));
    CHECK_EXC("Device, access flag", exc, 2, 0x200, ESR(0x25, 0x4b));
    exc = TRY(RT_SKIP, form_str(WINDOW + 0x7004));
    CHECK_EXC("Normal, read-only", exc, 2, 0x200, ESR(0x25, 0x4f));
    /* MMU off is Device memory */
    rt_el1_mmu_off();
    exc = TRY(RT_SKIP, rt_el1(form_ldr, TARGET + 4));
    CHECK_EXC("MMU off", exc, 1, 0x200, ESR(0x25, ALIGNMENT));
    rt_el1_flat();
}

PROBE(sp_load, "mov x9, sp\n add x10, x9, #8\n mov sp, x10\n ldr x1, [sp]\n mov sp, x9");
PROBE(sp_add, "mov x9, sp\n add x10, x9, #8\n mov sp, x10\n add x1, sp, #8\n mov sp, x9");

static void stack(void)
{
    u64 sctlr = READ(sctlr_el1);
    WRITE_ISB(sctlr_el1, sctlr | 0x18); /* SA, SA0 */
    const struct RtExc *exc = TRY(RT_SKIP, rt_el0(sp_load, 0));
    CHECK_EXC("SP of EL0 [peer differs]", exc, 1, 0x400, ESR(0x26, 0));
    CHECK_NONE("SP used for no access", TRY(RT_SKIP, rt_el0(sp_add, 0)));
    exc = TRY(RT_SKIP, rt_call(SPSR_EL1T, sp_load, 0));
    CHECK_EXC("SP_EL0 at EL1 [peer differs]", exc, 1, 0x000, ESR(0x26, 0));
    WRITE_ISB(sctlr_el1, sctlr & ~0x18ull);
    CHECK_NONE("SA0 clear", TRY(RT_SKIP, rt_el0(sp_load, 0)));
    CHECK_NONE("SA clear", TRY(RT_SKIP, rt_call(SPSR_EL1T, sp_load, 0)));
    WRITE_ISB(sctlr_el1, sctlr);
}

PROBE(jump_odd, "mov x9, x30\n adr x30, 1f\n add x10, x30, #2\n br x10\n 1: mov x30, x9");

static void counter(void)
{
    const struct RtExc *exc = TRY(RT_LR, rt_el1(jump_odd, 0));
    CHECK_EXC("PC alignment at EL1", exc, 1, 0x200, ESR(0x22, 0));
    CHECK_EQ("FAR is the PC", exc->far, exc->elr);
    CHECK_EQ("ELR is unaligned", exc->elr & 3, 2);
    exc = TRY(RT_LR, rt_el0(jump_odd, 0));
    CHECK_EXC("PC alignment at EL0", exc, 1, 0x400, ESR(0x22, 0));
    exc = TRY(RT_LR, jump_odd(0));
    CHECK_EXC("PC alignment at EL2", exc, 2, 0x200, ESR(0x22, 0));
}

void test_main(void)
{
    rt_el1_flat();
    works();
    never();
    device();
    checked();
    stack();
    counter();
}
