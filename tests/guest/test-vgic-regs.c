/*
 * The registers of the virtual GIC CPU interface field by field: ICH_* as EL2 has them, ICV_* as EL1 sees them, list registers
 * in each state, maintenance conditions, EOIcount.
 * Arm GIC Architecture Specification, the register descriptions by their names; "Virtual interrupt handling and prioritization".
 */
#include "gic.h"

#define LR(state, intid, priority) ((u64)(state) << 62 | BIT(60) | (u64)(priority) << 48 | (u64)(intid))
#define LR_GROUP0(lr) ((lr) & ~BIT(60))
#define LR_HW(pintid) (BIT(61) | (u64)(pintid) << 32)
#define LR_EOI BIT(41)
#define STATE(lr) ((lr) >> 62)
#define VMCR_OPEN (0xffull << 24 | 3)
#define EOICOUNT BITS(READ(ICH_HCR_EL2), 31, 27)
#define SPURIOUS 1023
#define SPI 90
enum { INVALID, PENDING, ACTIVE, BOTH };

PROBE(r_iar1, "mrs x0, s3_0_c12_c12_0\n isb");
PROBE(r_iar0, "mrs x0, s3_0_c12_c8_0\n isb");
PROBE(w_eoir1, "msr s3_0_c12_c12_1, x0\n isb");
PROBE(w_eoir0, "msr s3_0_c12_c8_1, x0\n isb");
PROBE(w_dir, "msr s3_0_c12_c11_1, x0\n isb");
PROBE(r_hppir0, "mrs x0, s3_0_c12_c8_2");
PROBE(r_hppir1, "mrs x0, s3_0_c12_c12_2");
PROBE(r_rpr, "mrs x0, s3_0_c12_c11_3");
PROBE(r_pmr, "mrs x0, s3_0_c4_c6_0");
PROBE(w_pmr, "msr s3_0_c4_c6_0, x0\n isb");
PROBE(r_bpr0, "mrs x0, s3_0_c12_c8_3");
PROBE(w_bpr0, "msr s3_0_c12_c8_3, x0\n isb");
PROBE(r_bpr1, "mrs x0, s3_0_c12_c12_3");
PROBE(w_bpr1, "msr s3_0_c12_c12_3, x0\n isb");
PROBE(r_ctlr, "mrs x0, s3_0_c12_c12_4");
PROBE(w_ctlr, "msr s3_0_c12_c12_4, x0\n isb");
PROBE(r_igrpen0, "mrs x0, s3_0_c12_c12_6");
PROBE(w_igrpen0, "msr s3_0_c12_c12_6, x0\n isb");
PROBE(r_igrpen1, "mrs x0, s3_0_c12_c12_7");
PROBE(w_igrpen1, "msr s3_0_c12_c12_7, x0\n isb");
PROBE(r_ap0r0, "mrs x0, s3_0_c12_c8_4");
PROBE(w_ap0r0, "msr s3_0_c12_c8_4, x0\n isb");
PROBE(r_ap1r0, "mrs x0, s3_0_c12_c9_0");
PROBE(r_isr, "mrs x0, isr_el1");

static u64 vtr, pribits, prebits, min_bpr0;

static void start(void)
{
    start_with(VMCR_OPEN);
}

static u64 vmcr(unsigned high, unsigned low)
{
    return BITS(READ(ICH_VMCR_EL2), high, low);
}

static u64 misr(u64 hcr)
{
    WRITE_ISB(ICH_HCR_EL2, hcr);
    return READ(ICH_MISR_EL2);
}

static bool maintenance(void)
{
    DSB();
    for (unsigned i = 0; i < 1000; i++)
        if (io_read(rt_gicr() + 0x200) >> 25 & 1)
            return true;
    return false;
}

static void hypervisor_registers(void)
{
    CHECK("ICH_VTR_EL2.PRIbits: at least 5", pribits >= 5);
    CHECK("ICH_VTR_EL2.PREbits: no more", prebits >= 5 && prebits <= pribits);
    CHECK("ICH_VTR_EL2.IDbits", BITS(vtr, 25, 23) <= 1);
    CHECK_EQ("ICH_VTR_EL2, RES0", vtr & ~(0xffffull << 18 & 0xffffffff) & ~0x1full, 0);
    start();
    u64 optional = (BITS(vtr, 19, 19) ? BIT(14) : 0) | (BITS(vtr, 22, 22) ? BIT(13) : 0) | (BITS(vtr, 18, 18) ? BIT(15) : 0);
    WRITE_ISB(ICH_HCR_EL2, ~0ull);
    CHECK_EQ("ICH_HCR_EL2, all ones [peer differs]", READ(ICH_HCR_EL2) & ~BIT(8), 0xf8001cff | optional);
    WRITE_ISB(ICH_HCR_EL2, 0);
    CHECK_EQ("ICH_HCR_EL2, zero", READ(ICH_HCR_EL2), 0);
    WRITE_ISB(ICH_VMCR_EL2, 0);
    CHECK_EQ("ICH_VMCR_EL2, zero: VFIQEn RES1, least binary points", READ(ICH_VMCR_EL2),
             min_bpr0 << 21 | (min_bpr0 + 1) << 18 | BIT(3));
    WRITE_ISB(ICH_VMCR_EL2, ~0ull);
    CHECK_EQ("ICH_VMCR_EL2, all ones", READ(ICH_VMCR_EL2) & ~(0xffull << 24), 0xfc021b);
    CHECK_EQ("ICH_VMCR_EL2.VPMR [peer differs]", vmcr(31, 24), (0xff << (8 - pribits)) & 0xff);
    WRITE_ISB(ICH_LR0_EL2, ~0ull);
    CHECK_EQ("ICH_LR0_EL2, RES0 [peer differs]", READ(ICH_LR0_EL2) & 0x0700e00000000000, 0);
    CHECK_EQ("ICH_LR0_EL2.{State,HW,Group}", READ(ICH_LR0_EL2) >> 60, 15);
    CHECK_EQ("ICH_LR0_EL2.Priority [peer differs]", BITS(READ(ICH_LR0_EL2), 55, 48), (0xff << (8 - pribits)) & 0xff);
    CHECK_EQ("ICH_LR0_EL2.vINTID [peer differs]", READ(ICH_LR0_EL2) & 0xffffffff, BITS(vtr, 25, 23) ? 0xffffff : 0xffff);
    WRITE_ISB(ICH_LR0_EL2, 0);
    CHECK_EQ("ICH_LR0_EL2, zero", READ(ICH_LR0_EL2), 0);
    WRITE(ICH_AP0R0_EL2, ~0ull);
    CHECK_EQ("ICH_AP0R0_EL2 [peer differs]", READ(ICH_AP0R0_EL2), 0xffffffff);
    WRITE_ISB(ICH_AP0R0_EL2, 0);
    CHECK_EQ("ICH_EISR_EL2", READ(ICH_EISR_EL2), 0);
    CHECK_EQ("ICH_ELRSR_EL2", READ(ICH_ELRSR_EL2) & 0xf, 0xf);
}

/* ICH_VMCR_EL2 has the fields of the ICV_* registers, in both directions. */
static void aliases(void)
{
    start();
    rt_el1(w_pmr, 0x50);
    CHECK_EQ("ICV_PMR -> VPMR", vmcr(31, 24), 0x50);
    rt_el1(w_bpr0, 5);
    CHECK_EQ("ICV_BPR0 -> VBPR0", vmcr(23, 21), 5);
    rt_el1(w_bpr1, 6);
    CHECK_EQ("ICV_BPR1 -> VBPR1", vmcr(20, 18), 6);
    rt_el1(w_ctlr, ~0ull);
    CHECK_EQ("ICV_CTLR.EOImode -> VEOIM", vmcr(9, 9), 1);
    CHECK_EQ("ICV_CTLR.CBPR -> VCBPR", vmcr(4, 4), 1);
    u64 ctlr = rt_el1(r_ctlr, 0);
    CHECK_EQ("ICV_CTLR.{EOImode,CBPR}", ctlr & 0xff, 3);
    CHECK_EQ("ICV_CTLR.PRIbits", BITS(ctlr, 10, 8) + 1, pribits);
    CHECK_EQ("ICV_CTLR.IDbits", BITS(ctlr, 13, 11), BITS(vtr, 25, 23));
    CHECK_EQ("ICV_CTLR.A3V", BITS(ctlr, 15, 15), BITS(vtr, 21, 21));
    CHECK_EQ("ICV_CTLR, RES0", ctlr & ~0xcff03ull, 0);
    CHECK_EQ("CBPR: ICV_BPR1 is BPR0 + 1", rt_el1(r_bpr1, 0), 6);
    rt_el1(w_bpr0, 7);
    CHECK_EQ("CBPR: at most 7", rt_el1(r_bpr1, 0), 7);
    rt_el1(w_bpr1, 4);
    CHECK_EQ("CBPR: ICV_BPR1 ignores writes", vmcr(20, 18), 6);
    rt_el1(w_ctlr, 0);
    CHECK_EQ("CBPR 0: VBPR1 again", rt_el1(r_bpr1, 0), 6);
    CHECK_EQ("VEOIM", vmcr(9, 9), 0);
    rt_el1(w_bpr0, 0);
    rt_el1(w_bpr1, 0);
    CHECK_EQ("ICV_BPR0, least", rt_el1(r_bpr0, 0), min_bpr0);
    CHECK_EQ("ICV_BPR1, least", rt_el1(r_bpr1, 0), min_bpr0 + 1);
    rt_el1(w_igrpen0, ~0ull);
    rt_el1(w_igrpen1, ~1ull);
    CHECK_EQ("ICV_IGRPEN0, 1 -> VENG0, VENG1", vmcr(1, 0), 1);
    CHECK_EQ("ICV_IGRPEN0", rt_el1(r_igrpen0, 0), 1);
    CHECK_EQ("ICV_IGRPEN1", rt_el1(r_igrpen1, 0), 0);
    WRITE_ISB(ICH_VMCR_EL2, 0x70ull << 24 | 4ull << 21 | 5ull << 18 | BIT(9) | 2);
    CHECK_EQ("VPMR -> ICV_PMR", rt_el1(r_pmr, 0), 0x70);
    CHECK_EQ("VBPR0 -> ICV_BPR0", rt_el1(r_bpr0, 0), 4);
    CHECK_EQ("VBPR1 -> ICV_BPR1", rt_el1(r_bpr1, 0), 5);
    CHECK_EQ("VEOIM, VCBPR -> ICV_CTLR", rt_el1(r_ctlr, 0) & 3, 2);
    CHECK_EQ("VENG0 -> ICV_IGRPEN0", rt_el1(r_igrpen0, 0), 0);
    CHECK_EQ("VENG1 -> ICV_IGRPEN1", rt_el1(r_igrpen1, 0), 1);
    rt_el1(w_ap0r0, 0x12345678);
    CHECK_EQ("ICV_AP0R0 -> ICH_AP0R0", READ(ICH_AP0R0_EL2), 0x12345678);
    WRITE(ICH_AP1R0_EL2, 0x40);
    WRITE_ISB(ICH_AP0R0_EL2, 0x80);
    CHECK_EQ("ICH_AP0R0 -> ICV_AP0R0", rt_el1(r_ap0r0, 0), 0x80);
    CHECK_EQ("ICH_AP1R0 -> ICV_AP1R0", rt_el1(r_ap1r0, 0), 0x40);
    CHECK_EQ("ICV_RPR: the higher of both", rt_el1(r_rpr, 0), 6 << (min_bpr0 + 1));
}

/* HCR_EL2.FMO makes the Group 0 registers virtual, IMO those of Group 1, each of them the common ones. */
static void redirection(void)
{
    u64 bpr0 = READ(ICC_BPR0_EL1), bpr1 = READ(ICC_BPR1_EL1);
    start();
    WRITE(ICC_BPR0_EL1, 6);
    WRITE(ICC_BPR1_EL1, 6);
    WRITE(ICC_PMR_EL1, 0xf0);
    WRITE_ISB(ICH_VMCR_EL2, 0x70ull << 24 | 5ull << 21 | 5ull << 18 | 3);
    for (unsigned i = 0; i < 4; i++) {
        bool fmo = i & 1, imo = i & 2;
        WRITE_ISB(hcr_el2, HCR_RW | (fmo ? HCR_FMO : 0) | (imo ? HCR_IMO : 0));
        CHECK_EQ("BPR0 by FMO", rt_el1(r_bpr0, 0), fmo ? 5 : 6);
        CHECK_EQ("BPR1 by IMO", rt_el1(r_bpr1, 0), imo ? 5 : 6);
        CHECK_EQ("PMR by either", rt_el1(r_pmr, 0), fmo || imo ? 0x70 : 0xf0);
        CHECK_EQ("IGRPEN0 by FMO", rt_el1(r_igrpen0, 0), fmo);
    }
    WRITE(ICC_PMR_EL1, 0xff);
    WRITE(ICC_BPR0_EL1, bpr0);
    WRITE_ISB(ICC_BPR1_EL1, bpr1);
}

/* What EOIR and DIR make of a list register in each state. */
static void states(void)
{
    for (unsigned group = 0; group < 2; group++) {
        u64 lr = group ? LR(PENDING, 42, 0x80) : LR_GROUP0(LR(PENDING, 42, 0x80));
        u64 (*iar)(u64) = group ? r_iar1 : r_iar0, (*other)(u64) = group ? r_iar0 : r_iar1;
        u64 (*eoir)(u64) = group ? w_eoir1 : w_eoir0;
        start();
        WRITE_ISB(ICH_LR0_EL2, lr | LR_EOI);
        CHECK_EQ("ISR_EL1: Group 0 is FIQ", rt_el1(r_isr, 0) & 0x1c0, group ? 0x80 : 0x40);
        CHECK_EQ("HPPIR of its group", rt_el1(group ? r_hppir1 : r_hppir0, 0), 42);
        CHECK_EQ("HPPIR of the other", rt_el1(group ? r_hppir0 : r_hppir1, 0), SPURIOUS);
        CHECK_EQ("IAR of the other", rt_el1(other, 0), SPURIOUS);
        CHECK_EQ("IAR of its group", rt_el1(iar, 0), 42);
        CHECK_EQ("active", STATE(READ(ICH_LR0_EL2)), ACTIVE);
        WRITE_ISB(ICH_LR0_EL2, lr | LR_EOI | BIT(63));
        rt_el1(eoir, 42);
        CHECK_EQ("pending and active -> pending", STATE(READ(ICH_LR0_EL2)), PENDING);
        CHECK_EQ("no EOI maintenance yet", READ(ICH_EISR_EL2) | READ(ICH_MISR_EL2), 0);
        rt_el1(iar, 0);
        rt_el1(eoir, 42);
        CHECK_EQ("active -> invalid", STATE(READ(ICH_LR0_EL2)), INVALID);
        CHECK_EQ("EISR", READ(ICH_EISR_EL2), 1);
        CHECK_EQ("MISR.EOI", READ(ICH_MISR_EL2), 1);
        CHECK_EQ("ELRSR", READ(ICH_ELRSR_EL2) & 0xf, 0xe);
        CHECK_EQ("priority dropped", READ(ICH_AP0R0_EL2) | READ(ICH_AP1R0_EL2), 0);
        WRITE_ISB(ICH_LR0_EL2, LR_HW(0x200)); /* EOI's bit, of pINTID */
        CHECK_EQ("HW: no EOI", READ(ICH_EISR_EL2), 0);
        CHECK_EQ("HW: free", READ(ICH_ELRSR_EL2) & 1, 1);
        WRITE_ISB(ICH_LR0_EL2, lr);
        WRITE_ISB(ICH_VMCR_EL2, VMCR_OPEN & ~(group ? 2ull : 1ull));
        CHECK_EQ("its group disabled", rt_el1(iar, 0), SPURIOUS);
        CHECK_EQ("its group disabled", rt_el1(r_isr, 0) & 0x1c0, 0);
    }
    start();
    WRITE_ISB(ICH_LR0_EL2, LR(PENDING, 8192, 0x80));
    CHECK_EQ("LPI", rt_el1(r_iar1, 0), 8192);
    CHECK_EQ("LPI: never active [peer differs]", STATE(READ(ICH_LR0_EL2)), INVALID);
    CHECK("LPI: its priority is", READ(ICH_AP1R0_EL2) != 0);
    rt_el1(w_eoir1, 8192);
    CHECK_EQ("LPI: dropped", READ(ICH_AP1R0_EL2), 0);
    CHECK_EQ("LPI: EOIcount", EOICOUNT, 0);
    start();
    WRITE_ISB(ICH_LR0_EL2, LR(PENDING, 42, 0x80));
    WRITE_ISB(ICH_HCR_EL2, 0);
    CHECK_EQ("ICH_HCR_EL2.En 0: IAR", rt_el1(r_iar1, 0), SPURIOUS);
    CHECK_EQ("ICH_HCR_EL2.En 0: ISR_EL1", rt_el1(r_isr, 0) & 0x1c0, 0);
    CHECK_EQ("ICH_HCR_EL2.En 0: HPPIR is no signal", rt_el1(r_hppir1, 0), 42);
}

/* The conditions are in MISR whatever ICH_HCR_EL2.En; it gates the interrupt alone. */
static void conditions(void)
{
    for (u64 en = 0; en < 2; en++) {
        start();
        WRITE(ICH_VMCR_EL2, 0xffull << 24 | 3);
        CHECK_EQ("VENG0, VENG1: VGrp0E, VGrp1E", misr(en | 0xf0), 0x50);
        CHECK_EQ("PPI 25", maintenance(), en);
        WRITE(ICH_VMCR_EL2, 0xffull << 24 | 2);
        CHECK_EQ("VENG1: VGrp0D, VGrp1E [peer differs]", misr(en | 0xf0), 0x60);
        WRITE(ICH_VMCR_EL2, 0xffull << 24 | 1);
        CHECK_EQ("VENG0: VGrp0E, VGrp1D [peer differs]", misr(en | 0xf0), 0x90);
        WRITE(ICH_VMCR_EL2, 0xffull << 24);
        CHECK_EQ("none: VGrp0D, VGrp1D", misr(en | 0xf0), 0xa0);
        CHECK_EQ("not enabled: nothing", misr(en), 0);
        CHECK_EQ("PPI 25", maintenance(), false);
        CHECK_EQ("U, NP of empty list registers", misr(en | BIT(1) | BIT(3)), 0xa);
        CHECK_EQ("PPI 25", maintenance(), en);
        WRITE(ICH_LR0_EL2, LR(ACTIVE, 42, 0x80));
        CHECK_EQ("U, one active; NP, none pending", misr(en | BIT(1) | BIT(3)), 0xa);
        WRITE(ICH_LR1_EL2, LR(BOTH, 43, 0x80));
        CHECK_EQ("two valid; pending and active is not pending", misr(en | BIT(1) | BIT(3)), 8);
        WRITE(ICH_LR1_EL2, LR(INVALID, 43, 0x80) | LR_EOI);
        CHECK_EQ("an EOI that waits is not valid", misr(en | BIT(1) | BIT(3)), 0xb);
        WRITE(ICH_LR1_EL2, 0);
        WRITE(ICH_LR0_EL2, LR(PENDING, 42, 0x80));
        CHECK_EQ("U, one pending", misr(en | BIT(1) | BIT(3)), 2);
        CHECK_EQ("LRENP", misr(en | BIT(2) | 3ull << 27), 4);
        CHECK_EQ("LRENP, not enabled", misr(en | 3ull << 27), 0);
        CHECK_EQ("LRENP, EOIcount 0", misr(en | BIT(2)), 0);
    }
    WRITE_ISB(ICH_HCR_EL2, 0);
}

/* EOIs and deactivations of what no list register holds. */
static void counts(void)
{
    start();
    WRITE_ISB(ICH_AP1R0_EL2, 0xff);
    rt_el1(w_eoir1, 90);
    CHECK_EQ("EOImode 0, EOIR", EOICOUNT, 1);
    rt_el1(w_dir, 90);
    CHECK_EQ("EOImode 0, DIR: ignored", EOICOUNT, 1);
    CHECK_EQ("one priority dropped", READ(ICH_AP1R0_EL2), 0xfe);
    for (u64 special = 1020; special < 1024; special++)
        rt_el1(w_eoir1, special);
    CHECK_EQ("special INTIDs drop nothing", READ(ICH_AP1R0_EL2), 0xfe);
    CHECK_EQ("special INTIDs count nothing", EOICOUNT, 1);
    rt_el1(w_eoir1, 8192);
    CHECK_EQ("LPI: dropped", READ(ICH_AP1R0_EL2), 0xfc);
    CHECK_EQ("LPI: not counted", EOICOUNT, 1);
    rt_el1(w_ctlr, 2);
    rt_el1(w_eoir1, 90);
    CHECK_EQ("EOImode 1, EOIR: dropped", READ(ICH_AP1R0_EL2), 0xf8);
    CHECK_EQ("EOImode 1, EOIR: not counted [peer differs]", EOICOUNT, 1);
    WRITE_ISB(ICH_HCR_EL2, 1 | 1ull << 27);
    rt_el1(w_dir, 90);
    CHECK_EQ("EOImode 1, DIR: counted", EOICOUNT, 2);
    rt_el1(w_dir, 1020);
    rt_el1(w_dir, 8192);
    CHECK_EQ("EOImode 1, DIR of LPIs and special INTIDs", EOICOUNT, 2);
    WRITE_ISB(ICH_LR0_EL2, LR(ACTIVE, 90, 0x80));
    rt_el1(w_dir, 90);
    CHECK_EQ("EOImode 1, DIR", STATE(READ(ICH_LR0_EL2)), INVALID);
    CHECK_EQ("EOImode 1, DIR: found", EOICOUNT, 2);
    WRITE_ISB(ICH_LR0_EL2, LR(PENDING, 90, 0x80));
    rt_el1(w_dir, 90);
    CHECK_EQ("a pending one is not found", STATE(READ(ICH_LR0_EL2)), PENDING);
    CHECK_EQ("a pending one is not found", EOICOUNT, 3);
}

/* The group priority that EOIR drops belongs to whichever group has the highest. */
static void both_groups(void)
{
    start();
    WRITE(ICH_AP0R0_EL2, 4);
    WRITE_ISB(ICH_AP1R0_EL2, 6);
    rt_el1(w_eoir1, SPURIOUS);
    rt_el1(w_eoir1, 8192);
    CHECK_EQ("the highest, of Group 1", READ(ICH_AP1R0_EL2), 4);
    rt_el1(w_eoir0, 8192);
    CHECK_EQ("one of equal ones", READ(ICH_AP0R0_EL2) + READ(ICH_AP1R0_EL2), 4);
    rt_el1(w_eoir0, 8192);
    CHECK_EQ("and the other", READ(ICH_AP0R0_EL2) | READ(ICH_AP1R0_EL2), 0);
    start();
    WRITE_ISB(ICH_LR0_EL2, LR_GROUP0(LR(PENDING, 50, 0x80)));
    WRITE_ISB(ICH_LR1_EL2, LR(PENDING, 51, 0x40));
    CHECK_EQ("Group 1 is higher", rt_el1(r_iar0, 0), SPURIOUS);
    CHECK_EQ("Group 1 is higher", rt_el1(r_iar1, 0), 51);
    CHECK_EQ("and keeps Group 0 away", rt_el1(r_iar0, 0), SPURIOUS);
    rt_el1(w_eoir1, 51);
    CHECK_EQ("its turn", rt_el1(r_iar0, 0), 50);
    rt_el1(w_eoir0, 50);
    /* VCBPR: the binary point of Group 0 for both */
    WRITE_ISB(ICH_VMCR_EL2, VMCR_OPEN | 6ull << 21 | 3ull << 18 | BIT(4));
    WRITE_ISB(ICH_LR0_EL2, LR(PENDING, 50, 0xb0));
    CHECK_EQ("VCBPR", rt_el1(r_iar1, 0), 50);
    CHECK_EQ("VCBPR: one bit of group priority", rt_el1(r_rpr, 0), 0x80);
    WRITE_ISB(ICH_LR1_EL2, LR(PENDING, 51, 0x80));
    CHECK_EQ("VCBPR: the same group priority", rt_el1(r_iar1, 0), SPURIOUS);
    WRITE_ISB(ICH_LR1_EL2, LR(PENDING, 51, 0x78));
    CHECK_EQ("VCBPR: another", rt_el1(r_iar1, 0), 51);
}

/* HW: an EOI deactivates the SPI at the distributor. */
static void hardware_spi(void)
{
    u64 word = SPI / 32 * 4;
    u32 bit = 1u << (SPI & 31);
    start();
    io_write(GICD_BASE + 0x300 + word, bit);
    CHECK_EQ("active", io_read(GICD_BASE + 0x300 + word) & bit, bit);
    WRITE_ISB(ICH_LR0_EL2, LR(PENDING, 42, 0x80) | LR_HW(SPI));
    CHECK_EQ("IAR1", rt_el1(r_iar1, 0), 42);
    CHECK_EQ("active still", io_read(GICD_BASE + 0x300 + word) & bit, bit);
    rt_el1(w_eoir1, 42);
    DSB();
    CHECK_EQ("deactivated", io_read(GICD_BASE + 0x300 + word) & bit, 0);
    CHECK_EQ("the list register", STATE(READ(ICH_LR0_EL2)), INVALID);
    CHECK_EQ("no EOI maintenance", READ(ICH_EISR_EL2), 0);
    WRITE(ICH_HCR_EL2, 0);
    WRITE_ISB(hcr_el2, HCR_RW);
}

void test_main(void)
{
    rt_el1_flat();
    rt_gic_init();
    vtr = READ(ICH_VTR_EL2);
    pribits = BITS(vtr, 31, 29) + 1;
    prebits = BITS(vtr, 28, 26) + 1;
    min_bpr0 = 7 - prebits;
    hypervisor_registers();
    aliases();
    redirection();
    states();
    conditions();
    counts();
    both_groups();
    hardware_spi();
}
