/*
 * HCR_EL2.E2H: redirection of EL1 names at EL2, the _EL12 and _EL02 aliases, the second register layouts.
 * Arm ARM: "Behavior of HCR_EL2.E2H", "Register access instruction aliases".
 */
#include "rt.h"

#define NAME(op0, op1, crn, crm, op2) s##op0##_##op1##_c##crn##_c##crm##_##op2

/* name of EL1, of EL2, op1 = 5 alias, value that all three hold without RES0 trouble */
#define PAIRS(X)                                                                                   \
    X(elr_el1, elr_el2, NAME(3, 5, 4, 0, 1), 0x40201230)                                           \
    X(far_el1, far_el2, NAME(3, 5, 6, 0, 0), 0xffff123456789abc)                                   \
    X(afsr0_el1, afsr0_el2, NAME(3, 5, 5, 1, 0), 0)                                                \
    X(amair_el1, amair_el2, NAME(3, 5, 10, 3, 0), 0)

static void pairs(void)
{
#define CHECK_PAIR(el1, el2, el12, value)                                                          \
    {                                                                                              \
        u64 keep1 = READ(el1), keep2 = READ(el2);                                                  \
        WRITE(el1, value);                                                                         \
        WRITE(el2, keep2);                                                                           \
        CHECK_EQ(#el1 " is its own with E2H clear", READ(el1), value);                             \
        const struct RtExc *exc = TRY(RT_SKIP, (void)READ(el12));                                  \
        CHECK_EXC("alias of " #el1 " with E2H clear", exc, 2, 0x200, ESR(0, 0));                   \
        WRITE(el2, keep2);                                                                         \
        WRITE(el1, value);                                                                         \
        WRITE_ISB(hcr_el2, HCR_RW | HCR_E2H);                                                      \
        CHECK_EQ(#el1 " names " #el2, READ(el1), keep2);                                           \
        CHECK_EQ("alias reads " #el1, READ(el12), value);                                          \
        WRITE(el12, keep1);                                                                        \
        ISB();                                                                                     \
        CHECK_EQ(#el2 " stays", READ(el2), keep2);                                                 \
        WRITE_ISB(hcr_el2, HCR_RW);                                                                \
        CHECK_EQ("alias wrote " #el1, READ(el1), keep1);                                           \
    }
    PAIRS(CHECK_PAIR)
}

/* How Linux finds out whether E2H is stuck at one. */
static void linux_probe(void)
{
    WRITE(far_el1, 0x1111);
    WRITE(far_el2, 0x2222);
    ISB();
    CHECK_EQ("FAR_EL1 is not FAR_EL2", READ(far_el1), 0x1111);
    WRITE_ISB(hcr_el2, HCR_RW | HCR_E2H);
    WRITE(far_el1, 0x3333);
    CHECK_EQ("FAR_EL1 names FAR_EL2", READ(far_el2), 0x3333);
    WRITE(far_el2, 0x4444);
    CHECK_EQ("FAR_EL1 names FAR_EL2", READ(far_el1), 0x4444);
    CHECK_EQ("FAR_EL12 is the other", READ(NAME(3, 5, 6, 0, 0)), 0x1111);
    WRITE_ISB(hcr_el2, HCR_RW);
}

static void redirected(void)
{
    u64 vbar2 = READ(vbar_el2), tcr1 = READ(tcr_el1);
    WRITE(spsr_el1, 0x3c5);
    WRITE(spsr_el2, 0x3c9);
    WRITE(cntp_cval_el0, 0x111);
    WRITE(s3_4_c14_c2_2, 0x222); /* CNTHP_CVAL_EL2 */
    WRITE(s3_4_c14_c3_2, 0x333); /* CNTHV_CVAL_EL2 */
    WRITE(cntv_cval_el0, 0x444);
    WRITE(contextidr_el1, 5);
    WRITE(ttbr0_el1, 0x40700000);
    WRITE(mair_el1, 0xbb4400ff);
    WRITE(s3_4_c13_c0_1, 6); /* CONTEXTIDR_EL2 */
    WRITE_ISB(cpacr_el1, 1 << 20);
    WRITE_ISB(hcr_el2, HCR_RW | HCR_E2H);
    CHECK_EQ("VBAR_EL1 names VBAR_EL2", READ(vbar_el1), vbar2);
    CHECK_EQ("VBAR_EL12", READ(NAME(3, 5, 12, 0, 0)), (u64)vectors_el1);
    CHECK_EQ("SPSR_EL1 names SPSR_EL2", READ(spsr_el1) & 0xfff, 0x3c9);
    CHECK_EQ("SPSR_EL12", READ(NAME(3, 5, 4, 0, 0)) & 0xfff, 0x3c5);
    CHECK_EQ("TCR_EL12", READ(NAME(3, 5, 2, 0, 2)), tcr1);
    CHECK_EQ("SCTLR_EL12", READ(NAME(3, 5, 1, 0, 0)) & 0xffffffff, SCTLR_EL1_OFF);
    CHECK_EQ("TTBR0_EL12", READ(NAME(3, 5, 2, 0, 0)), 0x40700000);
    CHECK_EQ("TTBR0_EL1 names TTBR0_EL2", READ(ttbr0_el1), READ(ttbr0_el2));
    CHECK_EQ("MAIR_EL12", READ(NAME(3, 5, 10, 2, 0)), 0xbb4400ff);
    CHECK_EQ("MAIR_EL1 names MAIR_EL2", READ(mair_el1), MAIR_VALUE);
    CHECK_EQ("CPACR_EL12", READ(NAME(3, 5, 1, 0, 2)), 1 << 20);
    CHECK_EQ("CONTEXTIDR_EL1 names CONTEXTIDR_EL2", READ(contextidr_el1), 6);
    CHECK_EQ("CONTEXTIDR_EL12", READ(NAME(3, 5, 13, 0, 1)), 5);
    CHECK_EQ("CNTP_CVAL_EL0 names CNTHP", READ(cntp_cval_el0), 0x222);
    CHECK_EQ("CNTV_CVAL_EL0 names CNTHV", READ(cntv_cval_el0), 0x333);
    CHECK_EQ("CNTP_CVAL_EL02", READ(NAME(3, 5, 14, 2, 2)), 0x111);
    CHECK_EQ("CNTV_CVAL_EL02", READ(NAME(3, 5, 14, 3, 2)), 0x444);
    WRITE(NAME(3, 5, 14, 3, 2), 0x555);
    CHECK_EQ("CNTV_CVAL_EL02 does not reach CNTHV", READ(cntv_cval_el0), 0x333);
    CHECK_EQ("CNTKCTL_EL1 names CNTHCTL_EL2", READ(cntkctl_el1), READ(cnthctl_el2));
    WRITE(NAME(3, 5, 14, 1, 0), 0x302);
    WRITE_ISB(hcr_el2, HCR_RW);
    CHECK_EQ("CNTKCTL_EL12 wrote CNTKCTL_EL1", READ(cntkctl_el1), 0x302);
    WRITE(cntkctl_el1, 0);
    CHECK_EQ("CNTV_CVAL_EL02 wrote CNTV_CVAL_EL0", READ(cntv_cval_el0), 0x555);
    WRITE(cpacr_el1, 3 << 20);
}

/* CPTR_EL2 has the layout of CPACR_EL1 while E2H is set: FPEN, not TFP. Registers of lower levels are not renamed. */
static void layouts(void)
{
    WRITE_ISB(hcr_el2, HCR_RW | HCR_E2H);
    WRITE_ISB(cptr_el2, 0);
    const struct RtExc *exc = TRY(RT_SKIP, __asm__ volatile(".arch_extension fp\n fmov d0, xzr"));
    CHECK_EXC("FPEN 0 with E2H", exc, 2, 0x200, ESR(7, 1u << 24 | 0xe << 20));
    CHECK_EQ("CPACR_EL1 names CPTR_EL2", READ(cpacr_el1), READ(cptr_el2));
    WRITE_ISB(cpacr_el1, 3 << 20);
    CHECK_EQ("CPACR_EL1 wrote CPTR_EL2", READ(cptr_el2) & (3 << 20), 3 << 20);
    exc = TRY(RT_SKIP, __asm__ volatile(".arch_extension fp\n fmov d0, xzr"));
    CHECK_NONE("FPEN 3 with E2H", exc);
    WRITE_ISB(hcr_el2, HCR_RW);
    WRITE_ISB(cptr_el2, 0x33ff);
}

PROBE(el1_far12, "mrs x0, " STR(s3_5_c6_c0_0));
PROBE(el0_svc, "svc #9");
PROBE(el0_load, "ldr x0, [x0]");

/* The level at which the flat map of the test lacks 0xdead0000. */
static u64 rt_flat_miss(void)
{
    return rt_flat.shift == 12 ? 1 : rt_flat.start + (rt_flat.shift == 14 ? 0 : 1);
}

static void below(void)
{
    const struct RtExc *exc = TRY(RT_SKIP, rt_el1(el1_far12, 0));
    CHECK_EXC("FAR_EL12 at EL1", exc, 1, 0x200, ESR(0, 0));
    WRITE_ISB(hcr_el2, HCR_RW | HCR_E2H);
    exc = TRY(RT_SKIP, rt_el1(el1_far12, 0));
    CHECK_EXC("FAR_EL12 at EL1 with E2H", exc, 1, 0x200, ESR(0, 0));
    WRITE_ISB(hcr_el2, HCR_RW);
}

/* The Linux way back to EL2: E2H and TGE set, ERET through SPSR_EL1 and ELR_EL1, which are those of EL2. EL0 is a user of EL2. */
static void host_of_el0(void)
{
    u64 hcr = READ(hcr_el2), ttbr = READ(ttbr0_el2), tcr = READ(tcr_el2), sctlr = READ(sctlr_el2);
    WRITE_ISB(hcr_el2, hcr | HCR_E2H | HCR_TGE);
    WRITE(tcr_el2, rt_tcr_e2h(&rt_flat));
    WRITE_ISB(ttbr0_el2, (u64)rt_flat.root | 1ull << 48);
    WRITE_ISB(sctlr_el2, sctlr | BIT(23)); /* SPAN: PAN would refuse the user's pages to the handler */
    const struct RtExc *exc = TRY(RT_SKIP, rt_call(SPSR_EL0, el0_svc, 0));
    CHECK_EXC("SVC of a host user", exc, 2, 0x400, ESR(0x15, 9));
    exc = TRY(RT_SKIP, rt_call(SPSR_EL0, el0_load, 0xdead0000));
    CHECK_EXC("load of a host user", exc, 2, 0x400, ESR(0x24, 4 + rt_flat_miss()));
    CHECK_EQ("FAR", exc->far, 0xdead0000);
    exc = TRY(RT_SKIP, (void)*(volatile u64 *)0xdead0000);
    CHECK_EXC("load of the host", exc, 2, 0x200, ESR(0x25, 4 + rt_flat_miss()));
    WRITE(sctlr_el2, sctlr);
    WRITE(ttbr0_el2, ttbr);
    WRITE(tcr_el2, tcr);
    WRITE_ISB(hcr_el2, hcr);
    rt_tlbi_all();
}

void test_main(void)
{
    if (BITS(READ(id_aa64mmfr1_el1), 11, 8) == 0) {
        rt_skip("E2H", "VHE is not announced");
        CHECK("nothing", true);
        return;
    }
    linux_probe();
    pairs();
    redirected();
    layouts();
    rt_el1_flat();
    below();
    host_of_el0();
}
