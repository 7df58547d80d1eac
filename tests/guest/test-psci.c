/*
 * Firmware calls by SMC: PSCI, SMCCC, TRNG, right and wrong arguments. Arm PSCI (DEN0022), SMC Calling Convention (DEN0028),
 * True Random Number Generator Firmware Interface (DEN0098).
 */
#include "rt.h"

#define NOT_SUPPORTED (~0ull)
#define NOT_SUPPORTED32 0xffffffffull
#define INVALID_PARAMETERS (-2ull)
#define ALREADY_ON (-4ull)

static u64 call(u64 function, u64 a, u64 b, u64 c)
{
    return rt_smc(function, a, b, c).x0;
}

/* A 32-bit call's result: the upper half of x0 is nobody's. */
static u32 call32(u64 function, u64 a)
{
    return (u32)call(function, a, 0, 0);
}

static void psci(void)
{
    u32 version = call32(0x84000000, 0);
    CHECK("PSCI 1.0 or later", version >= 0x10000 && version < 0x20000);
    CHECK_EQ("MIGRATE_INFO_TYPE: no migration needed", call32(0x84000006, 0), 2);
    static const u32 there[] = {0x84000000, 0x84000002, 0xc4000003, 0xc4000001, 0xc4000004, 0x84000008, 0x84000009, 0x8400000a};
    for (unsigned i = 0; i < sizeof there / sizeof *there; i++)
        if (call32(0x8400000a, there[i]) >> 31)
            rt_check(false, WHERE, "PSCI_FEATURES of a mandatory function", there[i], 0);
    CHECK_EQ("PSCI_FEATURES of nothing", call32(0x8400000a, 0x8400ffff), NOT_SUPPORTED32);
    CHECK_EQ("PSCI_FEATURES(SMCCC_VERSION) [peer differs]", call32(0x8400000a, 0x80000000), 0);
    CHECK_EQ("unknown PSCI function", call32(0x840000ff, 0), NOT_SUPPORTED32);
    CHECK_EQ("unknown 64-bit PSCI function", call(0xc40000ff, 0, 0, 0), NOT_SUPPORTED);
    CHECK_EQ("CPU_ON of no CPU", call(0xc4000003, 0x00ff0000, 0x40200000, 0), INVALID_PARAMETERS);
    CHECK_EQ("CPU_ON of oneself", call(0xc4000003, READ(mpidr_el1) & 0xff00ffffff, 0x40200000, 0), ALREADY_ON);
    CHECK_EQ("AFFINITY_INFO of oneself", call(0xc4000004, READ(mpidr_el1) & 0xff00ffffff, 0, 0), 0);
    CHECK_EQ("AFFINITY_INFO of no CPU", call(0xc4000004, 0x00ff0000, 0, 0), INVALID_PARAMETERS);
    /* a standby state: a WFI that a pending interrupt ends at once */
    rt_gic_init();
    rt_irq_enable(1, 0x80);
    WRITE_ISB(ICC_SGI1R_EL1, 1ull << 24 | 1);
    WRITE_ISB(hcr_el2, HCR_RW | HCR_IMO);
    CHECK_EQ("CPU_SUSPEND, standby, with an interrupt pending", call(0xc4000001, 0, 0, 0), 0);
    WRITE_ISB(hcr_el2, HCR_RW);
    CHECK_EQ("the interrupt is still there", READ(ICC_IAR1_EL1), 1);
    WRITE_ISB(ICC_EOIR1_EL1, 1);
}

static void smccc(void)
{
    if (call32(0x8400000a, 0x80000000) == 0) {
        u32 version = call32(0x80000000, 0);
        rt_check(version >= 0x10001 && version < 0x20000, WHERE, "SMCCC_VERSION [peer differs]", version, 0x10001);
        CHECK_EQ("SMCCC_ARCH_FEATURES of nothing", call32(0x80000001, 0x8000ffff), NOT_SUPPORTED32);
    } else {
        rt_skip("SMCCC_VERSION", "not announced by PSCI_FEATURES");
    }
    CHECK_EQ("unknown function", call(0xc2001234, 0, 0, 0), NOT_SUPPORTED);
    CHECK_EQ("unknown vendor hypervisor function", call32(0x86001234, 0), NOT_SUPPORTED32);
    CHECK_EQ("reserved identifier", call(0x0, 0, 0, 0) , NOT_SUPPORTED);
}

/* Registers that a call must leave alone: x4 to x17 unless they carry results (SMCCC 1.1), x18 to x30 always. */
static void registers(void)
{
    u64 bad;
    __asm__ volatile("mov x0, #0x84000000\n mov x18, #18\n mov x19, #19\n mov x28, #28\n mov x5, #5\n mov x17, #17\n smc #0\n"
                     "mov x0, #0\n cmp x18, #18\n cinc x0, x0, ne\n cmp x19, #19\n cinc x0, x0, ne\n cmp x28, #28\n"
                     "cinc x0, x0, ne\n cmp x5, #5\n cinc x0, x0, ne\n cmp x17, #17\n cinc x0, x0, ne\n mov %0, x0"
                     : "=r"(bad) : : "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12",
                       "x13", "x14", "x15", "x16", "x17", "x18", "x19", "x28", "cc", "memory");
    CHECK_EQ("registers survive an SMC", bad, 0);
}

static void trng(void)
{
    u32 version = call32(0x84000050, 0);
    if (version >> 31) {
        rt_skip("TRNG", "not offered");
        return;
    }
    CHECK("TRNG 1.0 or later", version >= 0x10000);
    CHECK_EQ("TRNG_FEATURES(RND64)", call32(0x84000051, 0xc4000053) >> 31, 0);
    CHECK_EQ("TRNG_FEATURES of nothing", call32(0x84000051, 0x840000aa), NOT_SUPPORTED32);
    struct SmcResult a = rt_smc(0xc4000053, 192, 0, 0), b = rt_smc(0xc4000053, 192, 0, 0);
    CHECK_EQ("RND64", a.x0, 0);
    CHECK("RND64 gives 192 bits", a.x1 && a.x2 && a.x3);
    CHECK("and others the next time", a.x1 != b.x1 && a.x2 != b.x2 && a.x3 != b.x3);
    struct SmcResult c = rt_smc(0xc4000053, 65, 0, 0);
    CHECK_EQ("RND64 of 65 bits", c.x0, 0);
    CHECK("65 bits", c.x1 == 0 && c.x2 <= 1);
    CHECK_EQ("RND64 of 193 bits", rt_smc(0xc4000053, 193, 0, 0).x0, INVALID_PARAMETERS);
    CHECK_EQ("RND64 of 0 bits", rt_smc(0xc4000053, 0, 0, 0).x0, INVALID_PARAMETERS);
    CHECK_EQ("RND32 of 97 bits", (u32)rt_smc(0x84000053, 97, 0, 0).x0, (u32)INVALID_PARAMETERS);
}

PROBE(el1_version, "mov x0, #0x84000000\n smc #0");
PROBE(el1_unknown, "mov x0, #0x82000000\n smc #0");

static void from_el1(void)
{
    rt_el1_flat();
    CHECK_EQ("PSCI_VERSION from EL1", (u32)rt_el1(el1_version, 0), call32(0x84000000, 0));
    CHECK_EQ("unknown function from EL1", (u32)rt_el1(el1_unknown, 0), NOT_SUPPORTED32);
}

void test_main(void)
{
    psci();
    smccc();
    registers();
    trng();
    from_el1();
}
