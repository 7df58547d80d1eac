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

/* Registers of error records: the traps of TERR and FIEN, and with no record at all (ERRIDR_EL1.NUM is 0) no values. */
#define HCR_FIEN BIT(47)
#define RECORD(name, crm, op2)                                                                     \
    PROBE(r_##name, "mrs x0, s3_0_c5_c" #crm "_" #op2);                                           \
    PROBE(w_##name, "msr s3_0_c5_c" #crm "_" #op2 ", x0")
RECORD(errselr, 3, 1);
RECORD(erxfr, 4, 0);
RECORD(erxctlr, 4, 1);
RECORD(erxstatus, 4, 2);
RECORD(erxaddr, 4, 3);
RECORD(erxpfgf, 4, 4);
RECORD(erxpfgctl, 4, 5);
RECORD(erxpfgcdn, 4, 6);
RECORD(erxmisc0, 5, 0);
RECORD(erxmisc1, 5, 1);
RECORD(erxmisc2, 5, 2);
RECORD(erxmisc3, 5, 3);
RECORD(erxmisc4, 5, 4);

static const struct Record {
    const char *name;
    u64 (*read)(u64), (*write)(u64);
    u32 op2, crm;
    bool read_only, fault_injection, v1p1, never;
} records[] = {
#define ROW(name, crm, op2, ...) {#name " [peer differs]", r_##name, w_##name, op2, crm, __VA_ARGS__}
    ROW(errselr, 3, 1, 0, 0, 0, 0),   ROW(erxfr, 4, 0, 1, 0, 0, 0),     ROW(erxctlr, 4, 1, 0, 0, 0, 0),
    ROW(erxstatus, 4, 2, 0, 0, 0, 0), ROW(erxaddr, 4, 3, 0, 0, 0, 0),   ROW(erxmisc0, 5, 0, 0, 0, 0, 0),
    ROW(erxmisc1, 5, 1, 0, 0, 0, 0),  ROW(erxmisc2, 5, 2, 0, 0, 1, 0),  ROW(erxmisc3, 5, 3, 0, 0, 1, 0),
    ROW(erxpfgf, 4, 4, 1, 1, 1, 0),   ROW(erxpfgctl, 4, 5, 0, 1, 1, 0), ROW(erxpfgcdn, 4, 6, 0, 1, 1, 0),
    ROW(erxmisc4, 5, 4, 0, 0, 0, 1),
};

static void record(const struct Record *r, bool write, bool v1p1)
{
    u64 (*probe)(u64) = write ? r->write : r->read;
    u64 iss = ESR(0x18, 3u << 20 | r->op2 << 17 | 5u << 10 | r->crm << 1 | !write);
    bool there = !r->never && (!r->v1p1 || v1p1) && !(write && r->read_only);
    u64 trap = r->fault_injection ? 0 : HCR_TERR, open = r->fault_injection ? HCR_FIEN : 0;
    WRITE_ISB(hcr_el2, HCR_RW | trap);
    const struct RtExc *exc = TRY(RT_SKIP, rt_el1(probe, -1ull));
    if (!there)
        CHECK_EXC(r->name, exc, 1, 0x200, ESR(0, 0));
    else
        CHECK_EXC(r->name, exc, 2, 0x400, iss);
    if (there) {
        WRITE_ISB(hcr_el2, HCR_RW | open);
        u64 value = 0;
        exc = TRY(RT_SKIP, value = rt_el1(probe, -1ull));
        rt_check(!exc->count, WHERE, r->name, exc->esr, 0);
        CHECK_EQ(r->name, value, write || exc->count ? value : 0);
    }
    WRITE_ISB(hcr_el2, HCR_RW | open);
    CHECK_EXC(r->name, TRY(RT_SKIP, rt_el0(probe, -1ull)), 1, 0x400, ESR(0, 0));
}

static void error_records(void)
{
    if (READ(s3_0_c5_c3_0)) {
        rt_skip("error records", "there are some");
        return;
    }
    bool v1p1 = BITS(READ(id_aa64pfr0_el1), 31, 28) > 1 || BITS(READ(id_aa64pfr1_el1), 15, 12);
    for (unsigned i = 0; i < sizeof records / sizeof *records; i++) {
        record(&records[i], true, v1p1);
        record(&records[i], false, v1p1);
    }
    WRITE_ISB(hcr_el2, HCR_RW | HCR_FIEN);
    CHECK_EQ("FIEN", READ(hcr_el2) & HCR_FIEN, v1p1 ? HCR_FIEN : 0);
    WRITE_ISB(hcr_el2, HCR_RW);
}

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
    error_records();
}
