/*
 * Virtual SErrors, and what ESB defers of them (FEAT_RAS), with no error records needed. Arm ARM, "Virtual SError exceptions",
 * ESB, VSESR_EL2, VDISR_EL2, DISR_EL1, HCR_EL2.{AMO,VSE,TERR}.
 */
#include "rt.h"

#define HCR_VSE BIT(8)
#define HCR_TERR BIT(36)
#define VSESR_EL2 s3_4_c5_c2_3
#define VDISR_EL2 s3_4_c12_c1_1
#define SYNDROME 0x1000c11ull /* IDS and a few bits of ISS */
#define OPEN_A(spsr) ((spsr) & ~0x100u)

PROBE(esb, "mov x0, #1\n hint #16\n nop");
PROBE(esb_open, "mov x0, #1\n msr daifclr, #4\n hint #16\n mov x0, #2\n msr daifset, #4");
PROBE(esb_disr, "hint #16\n mrs x0, s3_0_c12_c1_1");
PROBE(r_disr, "mrs x0, s3_0_c12_c1_1");
PROBE(w_disr, "msr s3_0_c12_c1_1, x0");
PROBE(r_erridr, "mrs x0, s3_0_c5_c3_0");

/* One SError pending for EL1 when fn runs. */
static const struct RtExc *with_serror(u64 hcr, u64 spsr, u64 (*fn)(u64))
{
    WRITE(VSESR_EL2, SYNDROME);
    WRITE(VDISR_EL2, 0);
    WRITE_ISB(hcr_el2, HCR_RW | hcr);
    return TRY(RT_SKIP, rt_call(spsr, fn, 0));
}

static void deferred(const char *what, u64 hcr, u64 spsr, bool expected)
{
    const struct RtExc *exc = with_serror(hcr, spsr, esb);
    CHECK_EQ(what, exc->count, 0);
    CHECK_EQ(what, READ(VDISR_EL2), expected ? BIT(31) | SYNDROME : 0);
    CHECK_EQ(what, READ(hcr_el2) & HCR_VSE, expected ? 0 : hcr & HCR_VSE);
    WRITE_ISB(hcr_el2, HCR_RW);
}

static void taken(const char *what, u64 spsr, u64 vector, u64 (*fn)(u64))
{
    const struct RtExc *exc = with_serror(HCR_AMO | HCR_VSE, spsr, fn);
    CHECK_EXC(what, exc, 1, vector, ESR(0x2f, SYNDROME));
    CHECK_EQ(what, READ(VDISR_EL2), 0);
    CHECK_EQ(what, READ(hcr_el2) & HCR_VSE, 0);
    WRITE_ISB(hcr_el2, HCR_RW);
}

static void registers(void)
{
    WRITE(VDISR_EL2, 0);
    WRITE(s3_0_c12_c1_1, 0x11);
    CHECK_EQ("DISR_EL1 at EL1", rt_el1(r_disr, 0), 0x11);
    with_serror(HCR_AMO | HCR_VSE, SPSR_EL1H, esb);
    CHECK_EQ("DISR_EL1 with AMO", rt_el1(r_disr, 0), BIT(31) | SYNDROME);
    rt_el1(w_disr, 0);
    CHECK_EQ("VDISR_EL2 written as DISR_EL1", READ(VDISR_EL2), 0);
    CHECK_EQ("DISR_EL1 at EL2", READ(s3_0_c12_c1_1), 0x11);
    WRITE(VSESR_EL2, 0x11);
    WRITE_ISB(hcr_el2, HCR_RW | HCR_AMO | HCR_VSE);
    CHECK_EQ("DISR_EL1 right after ESB", rt_el1(esb_disr, 0), BIT(31) | 0x11);
    WRITE_ISB(hcr_el2, HCR_RW | HCR_TERR);
    CHECK_EXC("TERR, ERRIDR", TRY(RT_SKIP, rt_el1(r_erridr, 0)), 2, 0x400, ESR(0x18, 0x301407));
    CHECK_NONE("TERR, DISR", TRY(RT_SKIP, rt_el1(r_disr, 0)));
    WRITE_ISB(hcr_el2, HCR_RW);
}

void test_main(void)
{
    if (!BITS(READ(id_aa64pfr0_el1), 31, 28)) {
        rt_skip("virtual SErrors", "no FEAT_RAS");
        return;
    }
    deferred("EL1, masked", HCR_AMO | HCR_VSE, SPSR_EL1H, true);
    deferred("EL0, masked", HCR_AMO | HCR_VSE, SPSR_EL0, true);
    deferred("no AMO", HCR_VSE, SPSR_EL1H, false);
    deferred("nothing pending", HCR_AMO, SPSR_EL1H, false);
    deferred("EL0 with TGE", HCR_AMO | HCR_VSE | HCR_TGE, SPSR_EL0, false);
    taken("EL1, open", OPEN_A(SPSR_EL1H), 0x380, esb);
    taken("EL0, open", OPEN_A(SPSR_EL0), 0x580, esb);
    taken("opened by MSR", SPSR_EL1H, 0x380, esb_open);
    registers();
}
