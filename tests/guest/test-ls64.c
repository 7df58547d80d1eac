/*
 * FEAT_LS64 and its like: data, memory types of one and two stages, alignment, status, syndromes of faults, enables. FEAT_LSE128's
 * faults. Arm ARM, "Single-copy atomic 64-byte load/store", LD64B, ST64B, ST64BV, ST64BV0; "ISS encoding for an exception from a Data
 * Abort" (LST), ISS2 (Xs).
 */
#include "rt.h"

#define RAM 0x46000000ull
#define NC_RAM 0x100000000ull /* windows on RAM and a device */
#define WB_RAM 0x100001000ull
#define DEV_RAM 0x100002000ull
#define RO_RAM 0x100003000ull
#define DEVICE 0x100004000ull
#define NOWHERE 0x100005000ull
#define ENASR BIT(54)
#define ENAS0 BIT(55)
#define ENALS BIT(56)
#define HCRX_EL2 s3_4_c1_c2_2
#define ACCDATA_EL1 s3_0_c13_c0_5
#define NONE (~0ull)

/* x0 -> the place; X4 to X11 are the data, X2 the status. */
#define DATA "mov x15, x0\n mov x2, #5\n mov x4, #104\n mov x5, #105\n mov x6, #106\n mov x7, #107\n mov x8, #108\n mov x9, #109\n" \
             "mov x10, #110\n movn x11, #111\n"
#define AT(word) DATA "mov x1, x15\n .inst " STR(word) "\n mov x0, x2\n"
PROBE(st64b, AT(0xf83f9024));
PROBE(st64bv, AT(0xf822b024));
PROBE(st64bv0, AT(0xf822a024));
PROBE(ld64b, DATA "mov x1, x0\n .inst 0xf83fd024\n add x0, x4, x5\n add x0, x0, x6, lsl #4\n add x0, x0, x7, lsl #8\n"
             "add x0, x0, x8, lsl #12\n add x0, x0, x9, lsl #16\n add x0, x0, x10, lsl #20\n add x0, x0, x11, lsl #24");
PROBE(ldsetp, "mov x1, x0\n mov x4, #1\n mov x5, #2\n .inst 0x19253024"); /* LDSETP X4, X5, [X1] */
PROBE(get_accdata, "mrs x0, s3_0_c13_c0_5");
PROBE(set_accdata, "msr s3_0_c13_c0_5, x0");

static u64 (*const all[])(u64) = {st64b, ld64b, st64bv, st64bv0};
static const u64 type_of[] = {2, 2, 1, 3}; /* LST */
static unsigned kinds;                     /* how many of them are there */

static volatile u64 *const ram = (volatile u64 *)RAM;

static void map(struct RtMap *m)
{
    rt_map_set(m, NC_RAM, 3, RAM, S1_NC | S1_AF | S1_USER);
    rt_map_set(m, WB_RAM, 3, RAM, S1_RAM | S1_USER);
    rt_map_set(m, DEV_RAM, 3, RAM, S1_DEVICE | S1_AF | S1_USER);
    rt_map_set(m, RO_RAM, 3, RAM, S1_NC | S1_AF | S1_USER | S1_RO);
    rt_map_set(m, DEVICE, 3, RTC_BASE, S1_DEVICE | S1_AF | S1_USER);
    table_sync();
}

static void data(u64 at)
{
    for (unsigned i = 0; i < 24; i++)
        ram[i] = i;
    CHECK_NONE("ST64B", TRY(RT_SKIP, st64b(at + 64)));
    for (unsigned i = 0; i < 24; i++)
        CHECK_EQ("stored", ram[i], i < 8 || i > 15 ? i : i == 15 ? ~111ull : 104 + (i - 8));
    for (unsigned i = 0; i < 8; i++)
        ram[i] = i + 1;
    u64 got = 0;
    CHECK_NONE("LD64B", TRY(RT_SKIP, got = ld64b(at)));
    CHECK_EQ("loaded", got, 0x8765433);
}

static void status(void)
{
    for (unsigned i = 2; i < kinds; i++) {
        ram[0] = 77;
        u64 got = 0;
        CHECK_NONE("status", TRY(RT_SKIP, got = all[i](NC_RAM)));
        CHECK_EQ("nothing takes it", got, NONE);
        CHECK_EQ("nothing takes it: memory", ram[0], 77);
    }
}

static void faults(void)
{
    for (unsigned i = 0; i < kinds; i++) {
        u64 wnr = i == 1 ? 0 : 0x40;
        CHECK_EXC("Write-Back", TRY(RT_SKIP, all[i](WB_RAM)), 2, 0x200, ESR(0x25, wnr | 0x35));
        CHECK_EXC("misaligned", TRY(RT_SKIP, all[i](NC_RAM + 32)), 2, 0x200, ESR(0x25, wnr | 0x21));
        CHECK_EXC("misaligned, Write-Back", TRY(RT_SKIP, all[i](WB_RAM + 8)), 2, 0x200, ESR(0x25, wnr | 0x21));
        u64 xs = i < 2 ? 0 : 2ull << 32;
        CHECK_EXC("translation", TRY(RT_SKIP, all[i](NOWHERE)), 2, 0x200, ESR(0x25, wnr | type_of[i] << 11 | 7) | xs);
        if (i != 1)
            CHECK_EXC("permission", TRY(RT_SKIP, all[i](RO_RAM)), 2, 0x200, ESR(0x25, wnr | type_of[i] << 11 | 15) | xs);
        if (i < 2)
            CHECK_EXC("device that does not take it", TRY(RT_SKIP, all[i](DEVICE)), 2, 0x200, ESR(0x25, wnr | 0x35));
        else
            CHECK_NONE("device that does not take it", TRY(RT_SKIP, all[i](DEVICE)));
    }
}

/* Two stages: the resulting type counts; stage 1 reports what it made cacheable. */
static void stage2(void)
{
    static struct RtMap s2;
    rt_map_init(&s2, 12, 39);
    rt_map_image_s2(&s2);
    rt_map_set(&s2, RAM, 3, RAM, S2_RAM);
    rt_s2(&s2, 1, 0);
    u64 hcrx = READ(HCRX_EL2);
    WRITE_ISB(HCRX_EL2, hcrx | 7);
    CHECK_NONE("NC, WB", TRY(RT_SKIP, rt_el1(st64b, NC_RAM)));
    CHECK_EXC("WB, WB", TRY(RT_SKIP, rt_el1(st64b, WB_RAM)), 1, 0x200, ESR(0x25, 0x75));
    rt_map_set(&s2, RAM, 3, RAM, 5 << 2 | S2_R | S2_W | S2_AF); /* Normal, Non-cacheable */
    rt_tlbi_all();
    CHECK_NONE("WB, NC", TRY(RT_SKIP, rt_el1(st64b, WB_RAM)));
    rt_map_set(&s2, RAM, 3, RAM, 0);
    rt_tlbi_all();
    const struct RtExc *exc = TRY(RT_SKIP, rt_el1(st64b, NC_RAM + 0x40));
    CHECK_EXC("stage 2, access flag", exc, 2, 0x400, ESR(0x24, 0x40 | 2 << 11 | 0xb));
    CHECK_EQ("IPA", exc->hpfar, RAM >> 8);
    WRITE_ISB(HCRX_EL2, hcrx);
    rt_s2_off();
}

static void enables(void)
{
    static const u64 bit[] = {ENALS, ENALS, ENASR, ENAS0}, hcrx_bit[] = {2, 2, 4, 1}, iss[] = {2, 2, 0, 1};
    u64 sctlr = READ(sctlr_el1), hcrx = READ(HCRX_EL2);
    for (unsigned i = 0; i < kinds; i++) {
        WRITE_ISB(sctlr_el1, sctlr | bit[i]);
        WRITE_ISB(HCRX_EL2, hcrx & ~7ull);
        /* an odd address: the trap comes first */
        CHECK_EXC("HCRX_EL2, EL1", TRY(RT_SKIP, rt_el1(all[i], NC_RAM + 1)), 2, 0x400, ESR(0xa, iss[i]));
        CHECK_EXC("HCRX_EL2, EL0", TRY(RT_SKIP, rt_el0(all[i], NC_RAM + 1)), 2, 0x400, ESR(0xa, iss[i]));
        WRITE_ISB(HCRX_EL2, hcrx | hcrx_bit[i]);
        CHECK_NONE("EL1", TRY(RT_SKIP, rt_el1(all[i], NC_RAM)));
        CHECK_NONE("EL0", TRY(RT_SKIP, rt_el0(all[i], NC_RAM)));
        WRITE_ISB(sctlr_el1, (sctlr | ENALS | ENASR | ENAS0) & ~bit[i]);
        CHECK_EXC("SCTLR_EL1, EL0", TRY(RT_SKIP, rt_el0(all[i], NC_RAM)), 1, 0x400, ESR(0xa, iss[i]));
        CHECK_NONE("SCTLR_EL1, EL1", TRY(RT_SKIP, rt_el1(all[i], NC_RAM)));
    }
    WRITE_ISB(sctlr_el1, sctlr);
    WRITE_ISB(HCRX_EL2, hcrx);
}

static void accdata(void)
{
    WRITE_ISB(ACCDATA_EL1, 0x123456789abcdef0);
    CHECK_EQ("ACCDATA_EL1", READ(ACCDATA_EL1), 0x9abcdef0);
}

static void lse128(void)
{
    if (BITS(READ(id_aa64isar0_el1), 23, 20) < 3) {
        rt_skip("FEAT_LSE128", "not announced");
        return;
    }
    ram[0] = 0x10;
    ram[1] = 0x21;
    CHECK_NONE("LDSETP", TRY(RT_SKIP, ldsetp(WB_RAM)));
    CHECK_EQ("low", ram[0], 0x11);
    CHECK_EQ("high", ram[1], 0x23);
    CHECK_EXC("LDSETP, misaligned", TRY(RT_SKIP, ldsetp(WB_RAM + 8)), 2, 0x200, ESR(0x25, 0x21)); /* as reading would */
    rt_map_set(&rt_el2_map, WB_RAM, 3, RAM, S1_RAM | S1_RO);
    rt_tlbi_all();
    CHECK_EXC("LDSETP, no write permission", TRY(RT_SKIP, ldsetp(WB_RAM)), 2, 0x200, ESR(0x25, 0x4f));
    CHECK_EQ("nothing stored", ram[0], 0x11);
}

void test_main(void)
{
    rt_el1_flat();
    map(&rt_el2_map);
    map(&rt_flat);
    kinds = (unsigned)BITS(READ(s3_0_c0_c6_1), 63, 60);
    if (!kinds) {
        rt_skip("FEAT_LS64", "not announced");
        CHECK("skipped", true);
    } else {
        kinds++;
        data(NC_RAM);
        data(DEV_RAM);
        status();
        faults();
        stage2();
        enables();
        if (kinds == 4)
            accdata();
    }
    lse128();
}
