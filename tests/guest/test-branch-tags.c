/*
 * Branches, returns and exception returns to tagged addresses: the tag does not become part of the PC. Arm ARM, "Address tagging",
 * and the pseudocode of branches and exception returns.
 */
#include "rt.h"

#define TAG(address, tag) (((address) & ~(0xffull << 56)) | (u64)(tag) << 56)
#define TBI0 BIT(37)
#define TBI1 BIT(38)
#define TBID0 BIT(51)
#define EL2_TBI BIT(20)
#define EL2_TBID BIT(29)

#define AROUND(text) "mov x15, x30\n" text "\n mov x30, x15"
PROBE(by_blr, AROUND("blr x0"));
PROBE(by_br, AROUND("adr x30, 1f\n br x0\n 1:"));
PROBE(by_ret, AROUND("adr x30, 1f\n mov x1, x0\n ret x1\n 1:"));
/* Where it runs; where it would return to is tagged as well. */
PROBE(where, "adr x0, where\n orr x30, x30, #0x0f00000000000000");
PROBE(where_svc, "svc #0x77");
PROBE(where_udf, "udf #0");

static u64 (*const ways[])(u64) = {by_blr, by_br, by_ret};

static void all_ways(const char *what, u64 spsr, u64 high)
{
    for (unsigned i = 0; i < 3; i++) {
        u64 to = (u64)where | high;
        u64 got = BITS(spsr, 3, 2) == 2 ? ways[i](TAG(to, 0x5a)) : rt_call(spsr, ways[i], TAG(to, 0x5a));
        rt_check(got == to, WHERE, what, got, to);
    }
}

/* ELR of exceptions behind such a branch. */
static void exceptions(u64 spsr)
{
    const struct RtExc *exc = TRY(RT_LR, rt_call(spsr, by_blr, TAG((u64)where_udf, 0xa5)));
    CHECK_EQ("UDF", exc->count, 1);
    CHECK_EQ("its ELR", exc->elr, (u64)where_udf);
    exc = TRY(RT_LR, rt_call(spsr, (void *)TAG((u64)where_udf, 0xa5), 0));
    CHECK_EQ("UDF behind ERET", exc->count, 1);
    CHECK_EQ("its ELR", exc->elr, (u64)where_udf);
    exc = TRY(RT_LR, rt_call(spsr, (void *)TAG((u64)where_udf + 2, 0xa5), 0));
    CHECK_EQ("misaligned ERET", EC(exc), 0x22);
    CHECK_EQ("its ELR", exc->elr, (u64)where_udf + 2);
}

/* Without TBI, and with TBID, the address is what it is: nothing is mapped there. */
static void faults(const char *what, u64 spsr)
{
    for (unsigned i = 0; i < 3; i++) {
        u64 to = TAG((u64)where, 0x5a);
        const struct RtExc *exc = TRY(RT_LR, BITS(spsr, 3, 2) == 2 ? ways[i](to) : rt_call(spsr, ways[i], to));
        rt_check(EC(exc) == 0x20 || EC(exc) == 0x21, WHERE, what, exc->esr, 0);
        rt_check(exc->far == to && exc->elr == to, WHERE, what, exc->far, to);
    }
}

static void el1(u64 spsr)
{
    u64 tcr = READ(tcr_el1);
    faults("no TBI", spsr);
    WRITE_ISB(tcr_el1, tcr | TBI0);
    all_ways("TBI0", spsr, 0);
    exceptions(spsr);
    if (BITS(READ(id_aa64isar1_el1), 11, 4)) { /* FEAT_PAuth */
        WRITE_ISB(tcr_el1, tcr | TBI0 | TBID0);
        faults("TBID0", spsr);
    }
    WRITE_ISB(tcr_el1, tcr);
}

/* Addresses of the upper range get their sign back. */
static void upper_half(void)
{
    enum { T1SZ = 16, TG1_4K = 30, EPD1 = 23 };
    u64 tcr = READ(tcr_el1), size = BITS(tcr, 5, 0), high = ~0ull << (64 - size);
    WRITE(ttbr1_el1, READ(ttbr0_el1));
    WRITE_ISB(tcr_el1, (tcr & ~BIT(EPD1)) | size << T1SZ | 2ull << TG1_4K | TBI0 | TBI1);
    rt_tlbi_all();
    all_ways("TBI1", SPSR_EL1H, high);
    CHECK_EQ("ERET to the upper range", rt_el1((void *)TAG((u64)where | high, 0x12), 0), (u64)where | high);
    WRITE_ISB(tcr_el1, tcr);
}

static void el2(void)
{
    u64 tcr = READ(tcr_el2);
    faults("EL2, no TBI", SPSR_EL2H);
    WRITE_ISB(tcr_el2, tcr | EL2_TBI);
    all_ways("EL2 TBI", SPSR_EL2H, 0);
    if (BITS(READ(id_aa64isar1_el1), 11, 4)) {
        WRITE_ISB(tcr_el2, tcr | EL2_TBI | EL2_TBID);
        faults("EL2 TBID", SPSR_EL2H);
    }
    WRITE_ISB(tcr_el2, tcr);
}

void test_main(void)
{
    rt_el1_flat();
    el1(SPSR_EL1H);
    el1(SPSR_EL0);
    upper_half();
    el2();
}
