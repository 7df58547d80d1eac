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

static void checked(void)
{
    u64 sctlr = READ(sctlr_el2);
    WRITE_ISB(sctlr_el2, sctlr | 2);
    fault("A: ldr", form_ldr, TARGET + 4, false);
    fault("A: str", form_str, TARGET + 1, true);
    fault("A: ldrh", form_ldrh, TARGET + 1, false);
    fault("A: ldp", form_ldp, TARGET + 4, false);
    fault("A: stp", form_stp, TARGET + 4, true);
    fault("A: ldr q", form_ldr_q, TARGET + 4, false); /* at a multiple of 8 models differ */
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
    fault("Device: ldr", form_ldr, WINDOW + 0x4004, false);
    fault("Device: str", form_str, WINDOW + 0x4002, true);
    fault("Device: ldp", form_ldp, WINDOW + 0x4004, false);
    CHECK_NONE("Device: aligned", TRY(RT_SKIP, form_ldr(WINDOW + 0x4008)));
    /* MMU off is Device memory */
    rt_el1_mmu_off();
    const struct RtExc *exc = TRY(RT_SKIP, rt_el1(form_ldr, TARGET + 4));
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
    checked();
    device();
    stack();
    counter();
}
