/*
 * TLB maintenance by every form, with and without a level hint; ASIDs and nG. A mapping is used, taken away, invalidated: the next
 * use faults. Arm ARM, "TLB maintenance instructions".
 */
#include "rt.h"

#define TARGET 0x46000000ull
#define WINDOW 0x100000000ull
#define PAGE 0x1000ull
#define ASID 0x23ull

static struct RtMap map, s2;

PROBE(load, "ldr x0, [x0]");
PROBE(load_twice, "ldr x1, [x0]\n ldr x0, [x0]");

#define FORM(name, op) PROBE(tlbi_##name, "dsb ishst\n tlbi " op "\n dsb ish\n isb")
/* name, instruction, argument: n none, v VA and ASID, a VA of all ASIDs, i ASID, r range, s range of all ASIDs, p IPA, q IPA range */
#define FORMS_EL1(X)                                                                               \
    X(vmalle1, "vmalle1", 'n', 0)                                                                  \
    X(vmalle1is, "vmalle1is", 'n', 0)                                                              \
    X(vae1, "vae1, x0", 'v', 0)                                                                    \
    X(vae1is, "vae1is, x0", 'v', 0)                                                                \
    X(vale1, "vale1, x0", 'v', 0)                                                                  \
    X(vale1is, "vale1is, x0", 'v', 0)                                                              \
    X(vaae1, "vaae1, x0", 'a', 0)                                                                  \
    X(vaae1is, "vaae1is, x0", 'a', 0)                                                              \
    X(vaale1, "vaale1, x0", 'a', 0)                                                                \
    X(vaale1is, "vaale1is, x0", 'a', 0)                                                            \
    X(aside1, "aside1, x0", 'i', 0)                                                                \
    X(aside1is, "aside1is, x0", 'i', 0)                                                            \
    X(vmalle1os, "vmalle1os", 'n', 1)                                                              \
    X(vae1os, "vae1os, x0", 'v', 1)                                                                \
    X(aside1os, "aside1os, x0", 'i', 1)                                                            \
    X(vaae1os, "vaae1os, x0", 'a', 1)                                                              \
    X(vale1os, "vale1os, x0", 'v', 1)                                                              \
    X(vaale1os, "vaale1os, x0", 'a', 1)                                                            \
    X(rvae1, "rvae1, x0", 'r', 2)                                                                  \
    X(rvae1is, "rvae1is, x0", 'r', 2)                                                              \
    X(rvale1is, "rvale1is, x0", 'r', 2)                                                            \
    X(rvaae1is, "rvaae1is, x0", 's', 2)                                                            \
    X(rvaale1is, "rvaale1is, x0", 's', 2)                                                          \
    X(rvale1, "rvale1, x0", 'r', 2)                                                                \
    X(rvaae1, "rvaae1, x0", 's', 2)                                                                \
    X(rvaale1, "rvaale1, x0", 's', 2)                                                              \
    X(rvae1os, "rvae1os, x0", 'r', 2)                                                              \
    X(rvale1os, "rvale1os, x0", 'r', 2)                                                            \
    X(rvaae1os, "rvaae1os, x0", 's', 2)                                                            \
    X(rvaale1os, "rvaale1os, x0", 's', 2)
#define FORMS_EL2(X)                                                                               \
    X(alle1, "alle1", 'n', 0)                                                                      \
    X(alle1is, "alle1is", 'n', 0)                                                                  \
    X(vmalls12e1, "vmalls12e1", 'n', 0)                                                            \
    X(vmalls12e1is, "vmalls12e1is", 'n', 0)                                                        \
    X(alle1os, "alle1os", 'n', 1)                                                                  \
    X(vmalls12e1os, "vmalls12e1os", 'n', 1)
#define FORMS_IPA(X)                                                                               \
    X(ipas2e1, "ipas2e1, x0", 'p', 0)                                                              \
    X(ipas2e1is, "ipas2e1is, x0", 'p', 0)                                                          \
    X(ipas2le1, "ipas2le1, x0", 'p', 0)                                                            \
    X(ipas2le1is, "ipas2le1is, x0", 'p', 0)                                                        \
    X(ipas2e1os, "ipas2e1os, x0", 'p', 1)                                                          \
    X(ipas2le1os, "ipas2le1os, x0", 'p', 1)                                                        \
    X(ripas2e1, "ripas2e1, x0", 'q', 2)                                                            \
    X(ripas2le1, "ripas2le1, x0", 'q', 2)                                                          \
    X(ripas2e1is, "ripas2e1is, x0", 'q', 2)                                                        \
    X(ripas2le1is, "ripas2le1is, x0", 'q', 2)                                                      \
    X(ripas2e1os, "ripas2e1os, x0", 'q', 2)                                                        \
    X(ripas2le1os, "ripas2le1os, x0", 'q', 2)
#define FORMS_VA2(X)                                                                               \
    X(alle2, "alle2", 'n', 0)                                                                      \
    X(alle2is, "alle2is", 'n', 0)                                                                  \
    X(vae2, "vae2, x0", 'a', 0)                                                                    \
    X(vae2is, "vae2is, x0", 'a', 0)                                                                \
    X(vale2, "vale2, x0", 'a', 0)                                                                  \
    X(vale2is, "vale2is, x0", 'a', 0)                                                              \
    X(alle2os, "alle2os", 'n', 1)                                                                  \
    X(vae2os, "vae2os, x0", 'a', 1)                                                                \
    X(vale2os, "vale2os, x0", 'a', 1)                                                              \
    X(rvae2, "rvae2, x0", 's', 2)                                                                  \
    X(rvale2, "rvale2, x0", 's', 2)                                                                \
    X(rvae2is, "rvae2is, x0", 's', 2)                                                              \
    X(rvale2is, "rvale2is, x0", 's', 2)                                                            \
    X(rvae2os, "rvae2os, x0", 's', 2)                                                              \
    X(rvale2os, "rvale2os, x0", 's', 2)
/* FEAT_XS: the same with CRn = 9. (The assembler is told nothing of Armv8.7.) */
#define FORMS_XS(X)                                                                                \
    X(vmalle1isnxs, "#0, c9, c3, #0", 'n', 4)                                                      \
    X(vae1isnxs, "#0, c9, c3, #1, x0", 'v', 4)                                                     \
    X(aside1isnxs, "#0, c9, c3, #2, x0", 'i', 4)                                                   \
    X(vaae1isnxs, "#0, c9, c3, #3, x0", 'a', 4)                                                    \
    X(vale1nxs, "#0, c9, c7, #5, x0", 'v', 4)                                                      \
    X(vaale1osnxs, "#0, c9, c1, #7, x0", 'a', 5)                                                   \
    X(rvae1isnxs, "#0, c9, c2, #1, x0", 'r', 6)                                                    \
    X(rvaale1osnxs, "#0, c9, c5, #7, x0", 's', 6)                                                  \
    X(rvaae1nxs, "#0, c9, c6, #3, x0", 's', 6)
#define FORMS_IPA_XS(X)                                                                            \
    X(ipas2e1isnxs, "#4, c9, c0, #1, x0", 'p', 4)                                                  \
    X(ipas2le1osnxs, "#4, c9, c4, #4, x0", 'p', 5)                                                 \
    X(ripas2e1isnxs, "#4, c9, c0, #2, x0", 'q', 6)
#define FORMS_EL2_XS(X)                                                                            \
    X(alle1isnxs, "#4, c9, c3, #4", 'n', 4)                                                        \
    X(vmalls12e1isnxs, "#4, c9, c3, #6", 'n', 4)
#define DSB_ISH_NXS ".inst 0xd5033a3f"
#define FORM_XS(name, op) PROBE(tlbi_##name, "dsb ishst\n sys " op "\n " DSB_ISH_NXS "\n dsb ish\n isb")
#define DEFINE_XS(name, op, kind, level) FORM_XS(name, op);
FORMS_XS(DEFINE_XS)
FORMS_IPA_XS(DEFINE_XS)
FORMS_EL2_XS(DEFINE_XS)
#define DEFINE(name, op, kind, level) FORM(name, op);
FORMS_EL1(DEFINE)
FORMS_EL2(DEFINE)
FORMS_IPA(DEFINE)
FORMS_VA2(DEFINE)

struct Form {
    const char *name;
    u64 (*probe)(u64);
    char kind;
    u8 level; /* of ID_AA64ISAR0_EL1.TLB: 1 outer shareable, 2 ranges; 4 more: FEAT_XS */
};
#define ENTRY(name, op, kind, level) {#name, tlbi_##name, kind, level},
static const struct Form forms_el1[] = {FORMS_EL1(ENTRY) FORMS_XS(ENTRY)}, forms_el2[] = {FORMS_EL2(ENTRY) FORMS_EL2_XS(ENTRY)},
                         forms_ipa[] = {FORMS_IPA(ENTRY) FORMS_IPA_XS(ENTRY)},
                         forms_va2[] = {FORMS_VA2(ENTRY)};

/* Range: TG 4K, SCALE 0, NUM 0 are two pages. hint: the leaf's level as TTL, 0: none (one address: 4K and level). */
static u64 argument(char kind, u64 va, u64 asid, u64 hint)
{
    u64 page = BITS(va, 55, 12) | (hint ? (4 | hint) << 44 : 0), range = (va >> 12 & 0x1fffffffffull) | 1ull << 46 | hint << 37;
    return kind == 'v' ? page | asid << 48 : kind == 'a' || kind == 'p' ? page : kind == 'i' ? asid << 48
         : kind == 'r' ? range | asid << 48 : kind == 's' || kind == 'q' ? range : 0;
}

static bool announced(const struct Form *f)
{
    if (f->level >= 4 && !BITS(READ(id_aa64isar1_el1), 59, 56)) {
        rt_skip(f->name, "XS is not announced");
        return false;
    }
    if (BITS(READ(id_aa64isar0_el1), 59, 56) >= (f->level & 3u))
        return true;
    rt_skip(f->name, (f->level & 3) == 1 ? "TLBIOS is not announced" : "TLBIRANGE is not announced");
    return false;
}

static bool hints(void)
{
    return BITS(READ(id_aa64mmfr2_el1), 51, 48) >= 1;
}

/* at_el1: by EL1 itself, else by EL2. ng: the page belongs to the ASID. */
static void stage1(const struct Form *f, bool at_el1, u64 attrs, unsigned level, bool hinted)
{
    u64 arg;
    u64 va = WINDOW + 0x200000;
    rt_map_set(&map, va, level, TARGET, S1_RAM | attrs);
    table_sync();
    CHECK_EQ(f->name, rt_el1(load_twice, va + 8), 4711);
    *(volatile u64 *)rt_map_entry(&map, va, level) = 0;
    arg = argument(f->kind, va, ASID, hinted ? level : 0);
    if (at_el1)
        rt_el1(f->probe, arg);
    else
        f->probe(arg);
    const struct RtExc *exc = TRY(RT_SKIP, rt_el1(load, va + 8));
    CHECK_EXC(f->name, exc, 1, 0x200, ESR(0x25, 4 + level));
    *rt_map_entry(&map, va, 2) = 0; /* a block and a table take turns here */
    tlbi_alle1is(0);
}

static void every(const struct Form *forms, unsigned count, bool at_el1)
{
    for (unsigned i = 0; i < count; i++) {
        if (!announced(&forms[i]))
            continue;
        for (unsigned hinted = 0; hinted <= hints(); hinted++) {
            if (forms[i].kind != 'i')
                stage1(&forms[i], at_el1, 0, 3, hinted);
            stage1(&forms[i], at_el1, S1_NG, 3, hinted);
            stage1(&forms[i], at_el1, S1_NG, 2, hinted);
        }
    }
}
#define EVERY(forms, at_el1) every(forms, sizeof forms / sizeof *forms, at_el1)

static void regime_el2(void)
{
    u64 va = WINDOW + 0x200000;
    for (unsigned k = 0; k < 2 * sizeof forms_va2 / sizeof *forms_va2; k++) {
        const struct Form *f = &forms_va2[k / 2];
        if (!announced(f))
            continue;
        rt_map_set(&rt_el2_map, va, 3, TARGET, S1_RAM);
        table_sync();
        CHECK_EQ(f->name, load_twice(va + 8), 4711);
        *(volatile u64 *)rt_map_entry(&rt_el2_map, va, 3) = 0;
        f->probe(argument(f->kind, va, 0, k & hints() ? 3 : 0));
        const struct RtExc *exc = TRY(RT_SKIP, load(va + 8));
        CHECK_EXC(f->name, exc, 2, 0x200, ESR(0x25, 7));
    }
}

/* By IPA, then all of stage 1 as KVM does it. */
static void by_ipa(void)
{
    u64 ipa = WINDOW + 0x400000;
    for (unsigned k = 0; k < 2 * sizeof forms_ipa / sizeof *forms_ipa; k++) {
        const struct Form *f = &forms_ipa[k / 2];
        if (!announced(f))
            continue;
        rt_map_set(&s2, ipa, 3, TARGET, S2_RAM);
        table_sync();
        CHECK_EQ(f->name, rt_el1(load_twice, ipa + 8), 4711);
        *(volatile u64 *)rt_map_entry(&s2, ipa, 3) = 0;
        f->probe(argument(f->kind, ipa, 0, k & hints() ? 3 : 0));
        tlbi_vmalle1is(0);
        const struct RtExc *exc = TRY(RT_SKIP, rt_el1(load, ipa + 8));
        CHECK_EQ(f->name, exc->count ? exc->esr & 0xfc00003f : 0, 0x24ull << 26 | 7);
    }
}

PROBE(range_va, "dsb ishst\n tlbi rvaae1is, x0\n dsb ish\n isb");
PROBE(range_ipa, "dsb ishst\n tlbi ripas2e1is, x0\n dsb ish\n tlbi vmalle1is\n dsb ish\n isb");

/* SCALE and NUM: (NUM + 1) * 2^(5 * SCALE + 1) pages from BaseADDR; the first, one within and the last are gone. */
static void ranges(struct RtMap *m, u64 attrs, u64 (*probe)(u64), u64 esr)
{
    static const struct {
        u8 scale, num;
    } rows[] = {{0, 0}, {0, 1}, {0, 30}, {0, 31}, {1, 0}, {1, 5}, {2, 0}};
    u64 first = WINDOW + 0x800000;
    if (BITS(READ(id_aa64isar0_el1), 59, 56) < 2) {
        rt_skip("ranges", "TLBIRANGE is not announced");
        return;
    }
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        u64 pages = (rows[i].num + 1ull) << (5 * rows[i].scale + 1);
        u64 at[3] = {first, first + pages / 2 * PAGE, first + (pages - 1) * PAGE};
        for (unsigned k = 0; k < 3; k++)
            rt_map_set(m, at[k], 3, TARGET, attrs);
        table_sync();
        for (unsigned k = 0; k < 3; k++)
            CHECK_EQ("in the range", rt_el1(load_twice, at[k] + 8), 4711);
        for (unsigned k = 0; k < 3; k++)
            *(volatile u64 *)rt_map_entry(m, at[k], 3) = 0;
        probe(first >> 12 | (u64)rows[i].num << 39 | (u64)rows[i].scale << 44 | 1ull << 46);
        for (unsigned k = 0; k < 3; k++) {
            const struct RtExc *exc = TRY(RT_SKIP, rt_el1(load, at[k] + 8));
            CHECK_EQ("gone with the range", exc->count ? exc->esr & 0xfc00003f : 0, esr);
        }
    }
}

/* The same address under two ASIDs, without invalidation between switches; global pages belong to both. */
static void asids(void)
{
    static struct RtMap other;
    u64 va = WINDOW + 0x600000, top = BITS(READ(id_aa64mmfr0_el1), 7, 4) == 2 ? 0x4567 : 0x67;
    rt_map_init(&other, 12, 39);
    rt_map_image(&other);
    rt_map_set(&map, va, 3, TARGET, S1_RAM | S1_NG);
    rt_map_set(&other, va, 3, TARGET + PAGE, S1_RAM | S1_NG);
    rt_map_set(&map, va + PAGE, 3, TARGET, S1_RAM);
    rt_map_set(&other, va + PAGE, 3, TARGET, S1_RAM);
    table_sync();
    u64 first = (u64)map.root | ASID << 48, second = (u64)other.root | top << 48;
    if (top > 0xff)
        WRITE(tcr_el1, READ(tcr_el1) | BIT(36));
    else
        rt_skip("16-bit ASIDs", "not announced");
    for (unsigned i = 0; i < 3; i++) {
        WRITE_ISB(ttbr0_el1, first);
        CHECK_EQ("first ASID", rt_el1(load, va + 8), 4711);
        CHECK_EQ("global", rt_el1(load, va + PAGE + 8), 4711);
        WRITE_ISB(ttbr0_el1, second);
        CHECK_EQ("second ASID", rt_el1(load, va + 8), 4712);
        CHECK_EQ("global", rt_el1(load, va + PAGE + 8), 4711);
    }
    *(volatile u64 *)rt_map_entry(&other, va, 3) = 0;
    tlbi_aside1is(top << 48);
    CHECK_EXC("second ASID gone", TRY(RT_SKIP, rt_el1(load, va + 8)), 1, 0x200, ESR(0x25, 7));
    WRITE_ISB(ttbr0_el1, first);
    CHECK_EQ("first ASID stays", rt_el1(load, va + 8), 4711);
    /* A1: the ASID of TTBR1 counts */
    WRITE(ttbr1_el1, top << 48);
    WRITE_ISB(tcr_el1, READ(tcr_el1) | BIT(22));
    tlbi_vmalle1is(0);
    WRITE_ISB(ttbr0_el1, (u64)other.root | ASID << 48);
    rt_map_set(&other, va, 3, TARGET + PAGE, S1_RAM | S1_NG);
    table_sync();
    CHECK_EQ("A1", rt_el1(load, va + 8), 4712);
    *(volatile u64 *)rt_map_entry(&other, va, 3) = 0;
    tlbi_aside1is(top << 48);
    CHECK_EXC("A1: gone with the ASID of TTBR1", TRY(RT_SKIP, rt_el1(load, va + 8)), 1, 0x200, ESR(0x25, 7));
    WRITE_ISB(tcr_el1, rt_tcr_el1(&map));
    WRITE_ISB(ttbr0_el1, first);
    rt_tlbi_all();
}

/* A stage 1 entry of one VM survives what is said about another, and each goes with its own. */
static void vmids(void)
{
    u64 ipa = WINDOW + 0x400000, kept = READ(vttbr_el2);
    rt_map_set(&s2, ipa, 3, TARGET, S2_RAM);
    table_sync();
    for (u64 vmid = 3; vmid <= 4; vmid++) {
        WRITE_ISB(vttbr_el2, (u64)s2.root | vmid << 48);
        CHECK_EQ("VM", rt_el1(load_twice, ipa + 8), 4711);
    }
    *(volatile u64 *)rt_map_entry(&s2, ipa, 3) = 0;
    tlbi_vmalls12e1is(0);
    const struct RtExc *exc = TRY(RT_SKIP, rt_el1(load, ipa + 8));
    CHECK_EQ("VMID 4", exc->count ? exc->esr & 0xfc00003f : 0, 0x24ull << 26 | 7);
    WRITE_ISB(vttbr_el2, (u64)s2.root | 3ull << 48);
    tlbi_vmalls12e1(0);
    exc = TRY(RT_SKIP, rt_el1(load, ipa + 8));
    CHECK_EQ("VMID 3", exc->count ? exc->esr & 0xfc00003f : 0, 0x24ull << 26 | 7);
    WRITE_ISB(vttbr_el2, kept);
}

void test_main(void)
{
    *(volatile u64 *)(TARGET + 8) = 4711;
    *(volatile u64 *)(TARGET + PAGE + 8) = 4712;
    rt_map_init(&map, 12, 39);
    rt_map_image(&map);
    rt_map_entry(&map, WINDOW, 3);
    rt_el1_mmu(&map, 0);
    WRITE_ISB(ttbr0_el1, (u64)map.root | ASID << 48);
    EVERY(forms_el1, true);
    EVERY(forms_el1, false);
    EVERY(forms_el2, false);
    regime_el2();
    ranges(&map, S1_RAM, range_va, 0x25ull << 26 | 7);
    asids();
    rt_map_range(&map, WINDOW + 0x400000, WINDOW + 0x400000, 0x200000, S1_RAM);
    rt_map_init(&s2, 12, 39);
    rt_map_image_s2(&s2);
    rt_s2(&s2, 2, 0);
    by_ipa();
    rt_map_range(&map, WINDOW + 0x800000, WINDOW + 0x800000, 0x2000000, S1_RAM);
    rt_map_entry(&s2, WINDOW + 0x800000, 3);
    rt_tlbi_all();
    ranges(&s2, S2_RAM, range_ipa, 0x24ull << 26 | 7);
    vmids();
    rt_s2_off();
}
