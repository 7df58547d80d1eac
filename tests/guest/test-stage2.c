/*
 * Stage 2: faults with exact level, HPFAR_EL2, syndromes of every load and store form, faults on stage 1 walks, permissions, VMIDs.
 * Arm ARM: "Stage 2 translation", "ISS encoding for an exception from a Data Abort", "HPFAR_EL2".
 */
#include "rt.h"

#define TARGET 0x46000000ull
#define WINDOW 0x100000000ull /* intermediate addresses of the tests; stage 1 is flat there */

PROBE(load, "ldr x0, [x0]");
PROBE(store, "str x0, [x0]");
PROBE(jump, "stp x29, x30, [sp, #-16]!\n blr x0\n ldp x29, x30, [sp], #16");

static struct RtMap s1, s2;

static void sync_s2(void)
{
    __asm__ volatile("dsb ishst\n tlbi vmalls12e1is\n dsb ish\n isb" : : : "memory");
}

#define ISV (1u << 24)
#define SF (1u << 15)
#define AR (1u << 14)
#define SSE (1u << 21)
#define WNR (1u << 6)
#define SAS(n) ((u32)(n) << 22)
#define SRT(n) ((u32)(n) << 16)

static void fault(const char *what, u64 (*probe)(u64), u64 ipa, u32 fsc)
{
    u32 iss = fsc;
    rt_arm(probe == jump ? RT_LR : RT_SKIP);
    rt_el1(probe, ipa);
    const struct RtExc *exc = rt_disarm();
    if (probe != jump)
        iss |= ISV | SAS(3) | SF | SRT(0) | (probe == store ? WNR : 0);
    CHECK_EXC(what, exc, 2, 0x400, ESR(probe == jump ? 0x20 : 0x24, iss));
    CHECK_EQ("FAR", exc->far, ipa);
    if ((fsc & 0x3c) != 12) /* UNKNOWN for permission faults */
        CHECK_EQ("HPFAR", exc->hpfar, ipa >> 12 << 4);
}

static void works(const char *what, u64 ipa, u64 pa)
{
    *(volatile u64 *)pa = pa ^ 0xaaaa;
    CHECK_NONE("works", TRY(RT_SKIP, CHECK_EQ(what, rt_el1(load, ipa), pa ^ 0xaaaa)));
    rt_el1(store, ipa);
    CHECK_EQ(what, *(volatile u64 *)pa, ipa);
}

static void faults(void)
{
    u64 page = 1ull << s2.shift, size = rt_level_size(&s2, 2), block = WINDOW + (2ull << 30);
    u64 pa = TARGET & ~(size - 1);
    rt_map_set(&s2, WINDOW, 3, TARGET + page, S2_RAM);
    rt_map_set(&s2, block, 2, pa, S2_RAM);
    sync_s2();
    works("page", WINDOW + 8, TARGET + page + 8);
    works("block", block + (TARGET - pa) + 0x3210, TARGET + 0x3210);
    u64 missing = WINDOW + page;
    for (unsigned level = s2.start; level <= 3; level++) {
        u64 ipa = level == 3 ? missing : level == 2 ? WINDOW + (4ull << 30) : WINDOW + (6ull << 30);
        rt_map_entry(&s2, WINDOW + (4ull << 30), 2);
        if (level < 2 && s2.shift != 12)
            continue;
        fault("missing", load, ipa + 0x128, 4 + level);
        fault("missing, store", store, ipa + 0x128, 4 + level);
        fault("missing, jump", jump, ipa + 0x128, 4 + level);
    }
    rt_map_set(&s2, missing, 3, TARGET, S2_RAM & ~(u64)S2_AF);
    sync_s2();
    fault("AF clear", load, missing, 8 + 3);
    fault("AF clear, store", store, missing, 8 + 3);
    rt_map_set(&s2, missing, 3, TARGET, S2_RAM & ~(u64)S2_W);
    sync_s2();
    fault("read-only", store, missing + 8, 12 + 3);
    CHECK_NONE("read-only, load", TRY(RT_SKIP, rt_el1(load, missing)));
    rt_map_set(&s2, missing, 3, TARGET, S2_RAM & ~(u64)S2_R);
    sync_s2();
    fault("write-only", load, missing + 8, 12 + 3);
    CHECK_NONE("write-only, store", TRY(RT_SKIP, rt_el1(store, missing)));
    rt_map_set(&s2, missing, 3, TARGET, S2_RAM | S2_XN);
    sync_s2();
    fault("XN", jump, missing, 12 + 3);
    rt_map_set(&s2, block, 2, pa, (S2_RAM | S2_XN) & ~(u64)S2_W);
    sync_s2();
    fault("block read-only", store, block + (TARGET - pa), 12 + 2);
    fault("block XN", jump, block + (TARGET - pa), 12 + 2);
    *rt_map_entry(&s2, missing, 3) = 0;
    *rt_map_entry(&s2, block, 2) = 0;
    sync_s2();
    if (s2.va_bits < 40)
        fault("beyond T0SZ", load, 1ull << s2.va_bits, 4);
}

/* --- syndromes ------------------------------------------------------------------------------- */
#define FORM(name, text) PROBE(form_##name, " mov x1, x0\n " text)
#define FORMS(X)                                                                                   \
    X(ldr_x, "ldr x3, [x1]", ISV | SAS(3) | SF | SRT(3))                                           \
    X(ldr_w, "ldr w4, [x1]", ISV | SAS(2) | SRT(4))                                                \
    X(ldrh, "ldrh w5, [x1]", ISV | SAS(1) | SRT(5))                                                \
    X(ldrb, "mov x9, x30\n ldrb w30, [x1]\n mov x30, x9", ISV | SAS(0) | SRT(30))                                \
    X(ldrsw, "ldrsw x6, [x1]", ISV | SAS(2) | SSE | SF | SRT(6))                                   \
    X(ldrsh_x, "ldrsh x7, [x1]", ISV | SAS(1) | SSE | SF | SRT(7))                                 \
    X(ldrsh_w, "ldrsh w7, [x1]", ISV | SAS(1) | SSE | SRT(7))                                      \
    X(ldrsb_x, "ldrsb x8, [x1]", ISV | SAS(0) | SSE | SF | SRT(8))                                 \
    X(ldrsb_w, "ldrsb w8, [x1]", ISV | SAS(0) | SSE | SRT(8))                                      \
    X(ldr_off, "ldr x10, [x1, #8]", ISV | SAS(3) | SF | SRT(10))                                   \
    X(ldr_reg, "mov x2, #16\n ldr w10, [x1, x2]", ISV | SAS(2) | SRT(10))                          \
    X(ldur, "ldur x11, [x1, #3]", ISV | SAS(3) | SF | SRT(11))                                     \
    X(ldtr, "ldtr x12, [x1]", ISV | SAS(3) | SF | SRT(12))                                         \
    X(ldr_xzr, "ldr xzr, [x1]", ISV | SAS(3) | SF | SRT(31))                                       \
    X(ldar, "ldar x3, [x1]", ISV | SAS(3) | SF | AR | SRT(3))                                      \
    X(ldarb, "ldarb w3, [x1]", ISV | SAS(0) | AR | SRT(3))                                         \
    X(ldarh, "ldarh w3, [x1]", ISV | SAS(1) | AR | SRT(3))                                         \
    X(str_x, "str x3, [x1]", ISV | SAS(3) | SF | SRT(3) | WNR)                                     \
    X(str_w, "str w4, [x1]", ISV | SAS(2) | SRT(4) | WNR)                                          \
    X(str_wzr, "str wzr, [x1]", ISV | SAS(2) | SRT(31) | WNR)                                      \
    X(strh, "strh w5, [x1]", ISV | SAS(1) | SRT(5) | WNR)                                          \
    X(strb, "strb w6, [x1, #1]", ISV | SAS(0) | SRT(6) | WNR)                                      \
    X(stur, "stur w6, [x1, #2]", ISV | SAS(2) | SRT(6) | WNR)                                      \
    X(sttr, "sttr w6, [x1]", ISV | SAS(2) | SRT(6) | WNR)                                          \
    X(stlr, "stlr x3, [x1]", ISV | SAS(3) | SF | AR | SRT(3) | WNR)                                \
    X(stlrb, "stlrb w3, [x1]", ISV | SAS(0) | AR | SRT(3) | WNR)                                   \
    X(ldr_post, "ldr x3, [x1], #8", 0)                                                             \
    X(ldr_pre, "ldr w3, [x1, #8]!", 0)                                                             \
    X(str_post, "str x3, [x1], #8", WNR)                                                           \
    X(strb_pre, "strb w3, [x1, #8]!", WNR)                                                         \
    X(ldp, "ldp x3, x4, [x1]", 0)                                                                  \
    X(ldpsw, "ldpsw x3, x4, [x1]", 0)                                                              \
    X(stp, "stp w3, w4, [x1]", WNR)                                                                \
    X(ldnp, "ldnp x3, x4, [x1]", 0)                                                                \
    X(ldxr, "ldxr x3, [x1]", 0)                                                                    \
    X(ldaxrb, "ldaxrb w3, [x1]", 0)                                                                \
    X(ldxp, "ldxp x3, x4, [x1]", 0)                                                                \
    X(ldr_q, "ldr q3, [x1]", 0)                                                                    \
    X(ldr_d, "ldr d3, [x1]", 0)                                                                    \
    X(str_s, "str s3, [x1]", WNR)                                                                  \
    X(ld1, "ld1 {v3.16b}, [x1]", 0)                                                                \
    X(st1, "st1 {v3.b}[2], [x1]", WNR)                                                             \
    X(dc_zva, "dc zva, x1", WNR)
#define ATOMICS(X)                                                                                 \
    X(swp, "swp x3, x4, [x1]")                                                                     \
    X(ldadd, "ldadd x3, x4, [x1]")                                                                 \
    X(cas, "cas x3, x4, [x1]")

#define DEFINE(name, text, iss) FORM(name, text);
__asm__(".arch armv8.5-a+fp+simd+lse");
FORMS(DEFINE)
#define DEFINE_ATOMIC(name, text) FORM(name, text);
ATOMICS(DEFINE_ATOMIC)
FORM(prfm, "prfm pldl1keep, [x1]");
FORM(prfum, "prfum pldl1keep, [x1, #-1]");

static const struct {
    const char *name;
    u64 (*probe)(u64);
    u32 iss;
} forms[] = {
#define ENTRY(name, text, iss) {#name, form_##name, iss},
    FORMS(ENTRY)
};

static void syndromes(void)
{
    u64 ipa = WINDOW + (3ull << 30);
    rt_map_entry(&s2, ipa, 2);
    for (unsigned i = 0; i < sizeof forms / sizeof *forms; i++) {
        const struct RtExc *exc = TRY(RT_SKIP, rt_el1(forms[i].probe, ipa));
        CHECK_EXC(forms[i].name, exc, 2, 0x400, ESR(0x24, forms[i].iss | 6));
        CHECK_EQ("HPFAR", exc->hpfar, ipa >> 12 << 4);
    }
    CHECK_NONE("PRFM", TRY(RT_SKIP, rt_el1(form_prfm, ipa)));
    CHECK_NONE("PRFUM", TRY(RT_SKIP, rt_el1(form_prfum, ipa)));
    if (BITS(READ(id_aa64isar0_el1), 23, 20) < 2) {
        rt_skip("atomics", "LSE is not announced");
        return;
    }
    /* WnR is 0 where a read alone would have faulted too */
#define CHECK_ATOMIC(name, text)                                                                   \
    CHECK_EXC(#name " [peer differs]", TRY(RT_SKIP, rt_el1(form_##name, ipa)), 2, 0x400, ESR(0x24, 6));
    ATOMICS(CHECK_ATOMIC)
}

/* --- faults on the walk of stage 1 ------------------------------------------------------------ */
static void walk_faults(void)
{
    u64 va = WINDOW + (7ull << 30), unit = 1ull << s2.shift;
    u64 *entry = rt_alloc(65536, 65536); /* a level 3 table alone in its page, whatever the granule */
    *rt_map_entry(&s1, va, 2) = (u64)entry | 3;
    *entry = TARGET | S1_RAM | 3;
    u64 table = (u64)entry & ~0xfffull, page = table & ~(unit - 1);
    static struct RtMap fine; /* stage 2 that maps the page of the table by itself */
    rt_map_init(&fine, s2.shift, s2.va_bits);
    rt_map_range(&fine, 0x08000000, 0x08000000, 0x02200000, S2_DEV | S2_XN);
    for (u64 at = 0x40200000; at < 0x42000000; at += unit)
        rt_map_set(&fine, at, 3, at, S2_RAM);
    for (u64 at = TARGET; at < TARGET + 0x100000; at += unit)
        rt_map_set(&fine, at, 3, at, S2_RAM);
    rt_s2(&fine, 3, 0);
    *(volatile u64 *)TARGET = 4711;
    CHECK_NONE("walk", TRY(RT_SKIP, CHECK_EQ("walk", rt_el1(load, va), 4711)));
    u64 *descriptor = rt_map_entry(&fine, page, 3), kept = *descriptor;
    u64 address = ((u64)entry & ~0xfffull) >> 12 << 4;
    *descriptor = 0;
    sync_s2();
    const struct RtExc *exc = TRY(RT_SKIP, rt_el1(load, va + 16));
    CHECK_EXC("table missing", exc, 2, 0x400, ESR(0x24, 1u << 7 | 7));
    CHECK_EQ("FAR", exc->far, va + 16);
    CHECK_EQ("HPFAR", exc->hpfar, address);
    exc = TRY(RT_LR, rt_el1(jump, va + 16));
    CHECK_EXC("table missing, jump", exc, 2, 0x400, ESR(0x20, 1u << 7 | 7));
    CHECK_EQ("HPFAR", exc->hpfar, address);
    *descriptor = kept & ~(u64)S2_R;
    sync_s2();
    exc = TRY(RT_SKIP, rt_el1(load, va));
    CHECK_EXC("table unreadable", exc, 2, 0x400, ESR(0x24, 1u << 7 | 15));
    CHECK_EQ("HPFAR", exc->hpfar, address);
    *descriptor = kept & ~(u64)S2_AF;
    sync_s2();
    exc = TRY(RT_SKIP, rt_el1(load, va));
    CHECK_EXC("table without AF", exc, 2, 0x400, ESR(0x24, 1u << 7 | 11));
    *descriptor = (kept & ~(u64)S2_NORMAL) | S2_DEVICE;
    WRITE_ISB(hcr_el2, READ(hcr_el2) | BIT(2)); /* PTW: no walks in Device memory */
    sync_s2();
    exc = TRY(RT_SKIP, rt_el1(load, va));
    CHECK_EXC("table in Device memory [peer differs]", exc, 2, 0x400, ESR(0x24, 1u << 7 | 15));
    *descriptor = kept;
    WRITE_ISB(hcr_el2, READ(hcr_el2) & ~BIT(2));
    sync_s2();
    /* stage 1 faults stay with EL1 */
    exc = TRY(RT_SKIP, rt_el1(load, va + 0x1000));
    CHECK_EXC("stage 1 fault", exc, 1, 0x200, ESR(0x25, 7));
    *entry = 0;
    rt_s2(&s2, 2, 0);
}

/* Two VMs, one TLB: no invalidation between switches of VTTBR_EL2. */
static void vmids(void)
{
    static struct RtMap other;
    u64 page = 1ull << s2.shift;
    rt_map_init(&other, s2.shift, s2.va_bits);
    rt_map_image_s2(&other);
    rt_map_set(&s2, WINDOW, 3, TARGET, S2_RAM);
    rt_map_set(&other, WINDOW, 3, TARGET + page, S2_RAM);
    *(volatile u64 *)TARGET = 111;
    *(volatile u64 *)(TARGET + page) = 222;
    sync_s2();
    u64 first = (u64)s2.root | 5ull << 48, second = (u64)other.root | 6ull << 48;
    for (unsigned i = 0; i < 4; i++) {
        WRITE_ISB(vttbr_el2, first);
        CHECK_EQ("first VM", rt_el1(load, WINDOW), 111);
        WRITE_ISB(vttbr_el2, second);
        CHECK_EQ("second VM", rt_el1(load, WINDOW), 222);
    }
    /* remap in the second by IPA, the form KVM uses */
    *rt_map_entry(&other, WINDOW, 3) = 0;
    __asm__ volatile("dsb ishst\n tlbi ipas2e1is, %0\n dsb ish\n tlbi vmalle1is\n dsb ish\n isb"
                     : : "r"(WINDOW >> 12) : "memory");
    fault("unmapped by IPA", load, WINDOW, 7);
    WRITE_ISB(vttbr_el2, first);
    CHECK_EQ("the other VM keeps it", rt_el1(load, WINDOW), 111);
    *rt_map_entry(&s2, WINDOW, 3) = 0;
    sync_s2();
    WRITE_ISB(vttbr_el2, (u64)s2.root | 2ull << 48);
}

/* HCR_EL2.DC: stage 1 off is Normal memory, and stage 2 is on. VM clear: no stage 2. */
static void switches(void)
{
    fault("with VM", load, WINDOW + 0x2000000, s2.shift == 12 ? 4 + 2 : 4 + 3 - (s2.shift == 14));
    u64 hcr = READ(hcr_el2), sctlr = READ(sctlr_el1);
    WRITE_ISB(sctlr_el1, sctlr & ~1ull);
    WRITE_ISB(hcr_el2, (hcr & ~HCR_VM) | BIT(12));
    rt_tlbi_all();
    fault("with DC", load, WINDOW + (4ull << 30), 4 + 2);
    WRITE_ISB(hcr_el2, hcr & ~HCR_VM);
    WRITE_ISB(sctlr_el1, sctlr);
    rt_tlbi_all();
    *(volatile u64 *)TARGET = 99;
    CHECK_EQ("without VM", rt_el1(load, TARGET), 99);
    WRITE_ISB(hcr_el2, hcr);
    rt_tlbi_all();
}

static void one_granule(unsigned shift, unsigned ipa_bits)
{
    if (!rt_has_granule(shift)) {
        rt_skip("granule", "not announced");
        return;
    }
    u64 failures = rt_failures;
    rt_map_init(&s2, shift, ipa_bits);
    rt_map_image_s2(&s2);
    rt_s2(&s2, 2, 0);
    faults();
    syndromes();
    walk_faults();
    vmids();
    rt_s2_off();
    if (rt_failures != failures)
        rt_printf("  with page shift %d\n", shift);
}

void test_main(void)
{
    rt_map_init(&s1, 12, 40);
    rt_map_image(&s1);
    rt_map_range(&s1, TARGET, TARGET, 0x200000, S1_RAM);
    for (u64 at = WINDOW; at < WINDOW + (7ull << 30); at += 1 << 30)
        rt_map_set(&s1, at, 1, at, S1_RAM | (at == WINDOW + (3ull << 30) ? S1_USER : 0)); /* LDTR */
    rt_map_set(&s1, 1ull << 39, 1, 1ull << 39, S1_RAM);
    rt_map_set(&s1, 1ull << 36, 1, 1ull << 36, S1_RAM);
    rt_el1_mmu(&s1, 0);
    one_granule(12, 39);
    one_granule(14, 36);
    one_granule(16, 42);
    (void)switches;
    rt_map_init(&s2, 12, 39);
    rt_map_image_s2(&s2);
    rt_map_entry(&s2, WINDOW + (4ull << 30), 2);
    rt_s2(&s2, 2, 0);
    rt_map_entry(&s2, WINDOW + 0x2000000, 2);
    switches();
    rt_s2_off();
}
