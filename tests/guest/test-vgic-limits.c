/*
 * Virtual GIC CPU interface, at its edges: every list register, group 0 maintenance, EOImode with hardware interrupts, EOIcount,
 * nonsense in list registers.
 * Arm GIC Architecture Specification, "Virtual Interrupt Handling and Prioritization", ICH_HCR_EL2, ICH_MISR_EL2, ICV_DIR_EL1.
 */
#include "rt.h"

#define LR(state, intid, priority) ((u64)(state) << 62 | BIT(60) | (u64)(priority) << 48 | (u64)(intid))
#define LR_HW(pintid) (BIT(61) | (u64)(pintid) << 32)
#define STATE(lr) ((lr) >> 62)
#define VMCR_OPEN (0xffull << 24 | 2)
#define EOICOUNT BITS(READ(ICH_HCR_EL2), 31, 27)

PROBE(g_iar1, "mrs x0, s3_0_c12_c12_0\n isb");
PROBE(g_eoir1, "msr s3_0_c12_c12_1, x0\n isb");
PROBE(g_dir, "msr s3_0_c12_c11_1, x0\n isb");
PROBE(g_ctlr_w, "msr s3_0_c12_c12_4, x0\n isb");
PROBE(g_grpen0_w, "msr s3_0_c12_c12_6, x0\n isb");
PROBE(g_iar0, "mrs x0, s3_0_c12_c8_0\n isb");
PROBE(g_eoir0, "msr s3_0_c12_c8_1, x0\n isb");
PROBE(g_rpr, "mrs x0, s3_0_c12_c11_3");

/* All list registers: op2 and the low bit of CRm say which. */
#define EACH(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)
#define NAME_0 s3_4_c12_c12_0
#define NAME_1 s3_4_c12_c12_1
#define NAME_2 s3_4_c12_c12_2
#define NAME_3 s3_4_c12_c12_3
#define NAME_4 s3_4_c12_c12_4
#define NAME_5 s3_4_c12_c12_5
#define NAME_6 s3_4_c12_c12_6
#define NAME_7 s3_4_c12_c12_7
#define NAME_8 s3_4_c12_c13_0
#define NAME_9 s3_4_c12_c13_1
#define NAME_10 s3_4_c12_c13_2
#define NAME_11 s3_4_c12_c13_3
#define NAME_12 s3_4_c12_c13_4
#define NAME_13 s3_4_c12_c13_5
#define NAME_14 s3_4_c12_c13_6
#define NAME_15 s3_4_c12_c13_7

static u64 lr_read(unsigned n)
{
    switch (n) {
#define CASE(n) case n: return READ(NAME_##n);
        EACH(CASE)
#undef CASE
    }
    return 0;
}

static void lr_write(unsigned n, u64 value)
{
    switch (n) {
#define CASE(n) case n: WRITE_ISB(NAME_##n, value); break;
        EACH(CASE)
#undef CASE
    }
}

static unsigned count;

static void start(void)
{
    WRITE_ISB(hcr_el2, HCR_RW | HCR_IMO | HCR_FMO);
    WRITE(ICH_AP1R0_EL2, 0);
    WRITE(ICH_AP0R0_EL2, 0);
    for (unsigned i = 0; i < count; i++)
        lr_write(i, 0);
    WRITE(ICH_VMCR_EL2, VMCR_OPEN);
    WRITE_ISB(ICH_HCR_EL2, 1);
}

static void every_register(void)
{
    start();
    CHECK_EQ("ELRSR, all free", READ(ICH_ELRSR_EL2), BIT(count) - 1);
    /* the last one has the highest priority */
    for (unsigned i = 0; i < count; i++)
        lr_write(i, LR(1, 64 + i, 0xf0 - 8 * i));
    CHECK_EQ("ELRSR, none free", READ(ICH_ELRSR_EL2), 0);
    for (unsigned i = count; i-- > 0;) {
        CHECK_EQ("highest priority first", rt_el1(g_iar1, 0), 64 + i);
        CHECK_EQ("active", STATE(lr_read(i)), 2);
        rt_el1(g_eoir1, 64 + i);
        CHECK_EQ("done", STATE(lr_read(i)), 0);
    }
    CHECK_EQ("nothing is left", rt_el1(g_iar1, 0), 1023);
    CHECK_EQ("ELRSR, all free again", READ(ICH_ELRSR_EL2), BIT(count) - 1);
}

static void group0(void)
{
    start();
    WRITE_ISB(ICH_HCR_EL2, 1 | BIT(4));
    CHECK_EQ("VGrp0E, off", READ(ICH_MISR_EL2), 0);
    rt_el1(g_grpen0_w, 1);
    CHECK_EQ("VGrp0E", READ(ICH_MISR_EL2), 16);
    WRITE_ISB(ICH_HCR_EL2, 1 | BIT(5));
    CHECK_EQ("VGrp0D, on", READ(ICH_MISR_EL2), 0);
    rt_el1(g_grpen0_w, 0);
    CHECK_EQ("VGrp0D [peer differs]", READ(ICH_MISR_EL2), 32);
}

/* EOI of interrupts that are in no list register. */
static void counts(void)
{
    start();
    rt_el1(g_eoir1, 90);
    CHECK_EQ("EOI with no active priority counts nothing", EOICOUNT, 0);
    lr_write(0, LR(1, 90, 0x80));
    CHECK_EQ("IAR1", rt_el1(g_iar1, 0), 90);
    lr_write(0, 0);
    rt_el1(g_eoir1, 90);
    CHECK_EQ("EOI of what is in no list register", EOICOUNT, 1);
    CHECK_EQ("its priority dropped", rt_el1(g_rpr, 0), 0xff);
}

/* With EOImode a hardware interrupt is deactivated by DIR. */
static void hardware(void)
{
    start();
    rt_irq_enable(27, 0x80);
    WRITE_ISB(ICC_CTLR_EL1, READ(ICC_CTLR_EL1) | 2);
    WRITE_ISB(cntv_cval_el0, 0);
    WRITE_ISB(cntv_ctl_el0, 1);
    u64 intid = 1023;
    for (unsigned i = 0; i < 20000 && intid == 1023; i++)
        intid = READ(ICC_IAR1_EL1);
    CHECK_EQ("timer", intid, 27);
    WRITE_ISB(ICC_EOIR1_EL1, 27);
    WRITE_ISB(cntv_ctl_el0, 0);
    rt_el1(g_ctlr_w, 2);
    lr_write(0, LR(1, 27, 0x80) | LR_HW(27));
    CHECK_EQ("IAR1", rt_el1(g_iar1, 0), 27);
    rt_el1(g_eoir1, 27);
    DSB();
    CHECK("EOI drops, and deactivates nothing", io_read(rt_gicr() + 0x300) >> 27 & 1);
    CHECK_EQ("still active", STATE(lr_read(0)), 2);
    rt_el1(g_dir, 27);
    DSB();
    CHECK_EQ("DIR deactivates", io_read(rt_gicr() + 0x300) >> 27 & 1, 0);
    CHECK_EQ("both", STATE(lr_read(0)), 0);
    WRITE_ISB(ICC_CTLR_EL1, READ(ICC_CTLR_EL1) & ~2ull);
    rt_irq_disable(27);
}

/* --- nonsense: UNPREDICTABLE in part, but the registers stay in step with each other, and all of it ends ----------- */

static u64 seed = 1;

static u64 any(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* A list register of one of the kinds that a hypervisor should not write. */
static u64 nonsense(void)
{
    static const u16 intids[] = {0, 15, 27, 42, 42, 1019, 1020, 1021, 1022, 1023, 1024, 8191, 8192, 0xffff};
    u64 lr = any() & ~0xffffull;
    return lr | (any() & 7 ? intids[any() % (sizeof intids / sizeof *intids)] : any() & 0xffff);
}

/* EISR, ELRSR and MISR.{U,NP,EOI} follow from the list registers, as their descriptions say. */
static void in_step(void)
{
    u64 eisr = 0, elrsr = 0, valid = 0, pending = 0;
    for (unsigned i = 0; i < count; i++) {
        u64 lr = lr_read(i);
        bool eoi = !STATE(lr) && !(lr & BIT(61)) && lr & BIT(41);
        eisr |= (u64)eoi << i;
        elrsr |= (u64)(!STATE(lr) && !eoi) << i;
        valid += STATE(lr) != 0;
        pending += STATE(lr) == 1;
    }
    u64 misr = READ(ICH_MISR_EL2);
    if (READ(ICH_EISR_EL2) != eisr || READ(ICH_ELRSR_EL2) != elrsr ||
        (misr & 0xb) != ((eisr ? 1 : 0) | (valid < 2 ? 2 : 0) | (pending ? 0 : 8))) {
        CHECK_EQ("EISR", READ(ICH_EISR_EL2), eisr);
        CHECK_EQ("ELRSR", READ(ICH_ELRSR_EL2), elrsr);
        CHECK_EQ("MISR", misr & 0xb, (eisr ? 1 : 0) | (valid < 2 ? 2 : 0) | (pending ? 0 : 8));
    }
}

static void hostile(void)
{
    /* not the SGIs and PPIs that are in use: what HW deactivates must not matter here */
    for (unsigned round = 0; round < 150; round++) {
        start();
        for (unsigned i = 0; i < count; i++)
            lr_write(i, nonsense());
        WRITE(ICH_AP1R0_EL2, any() & any());
        WRITE(ICH_AP0R0_EL2, any() & any());
        WRITE(ICH_VMCR_EL2, any() | 3);
        WRITE_ISB(ICH_HCR_EL2, (any() & 0xf80000f1) | 0xb);
        in_step();
        for (unsigned i = 0; i < 6; i++) {
            u64 intid = rt_el1(g_iar1, 0);
            in_step();
            rt_el1(any() & 1 ? g_eoir1 : g_dir, any() & 3 ? intid : any());
            in_step();
            rt_el1(any() & 1 ? g_eoir0 : g_eoir1, any() & 0xffff);
            rt_el1(g_iar0, 0);
            in_step();
        }
    }
    CHECK("150 rounds", true);
    start();
    lr_write(3, LR(1, 50, 0x40));
    CHECK_EQ("and what makes sense works", rt_el1(g_iar1, 0), 50);
    rt_el1(g_eoir1, 50);
    CHECK_EQ("and what makes sense works", STATE(lr_read(3)), 0);
}

/* Hardware interrupts that are not there, or are not active: the list register goes, nothing else happens. */
static void missing_hardware(void)
{
    static const u16 pintids[] = {0, 15, 16, 31, 32, 287, 288, 1019, 1020, 1023, 1024, 4096, 8191};
    for (unsigned i = 0; i < sizeof pintids / sizeof *pintids; i++) {
        start();
        lr_write(0, LR(1, 42, 0x80) | LR_HW(pintids[i]));
        CHECK_EQ("IAR1", rt_el1(g_iar1, 0), 42);
        rt_el1(g_eoir1, 42);
        CHECK_EQ("ended", STATE(lr_read(0)), 0);
        CHECK_EQ("priority dropped", READ(ICH_AP1R0_EL2), 0);
    }
    /* two list registers, one vINTID */
    start();
    lr_write(0, LR(1, 42, 0x80));
    lr_write(1, LR(1, 42, 0x40));
    CHECK_EQ("duplicates: one of them", rt_el1(g_iar1, 0), 42);
    rt_el1(g_eoir1, 42);
    CHECK_EQ("duplicates: the other", rt_el1(g_iar1, 0), 42);
    rt_el1(g_eoir1, 42);
    CHECK_EQ("duplicates: none is left", STATE(lr_read(0)) | STATE(lr_read(1)), 0);
    CHECK_EQ("duplicates: idle", rt_el1(g_rpr, 0), 0xff);
}

void test_main(void)
{
    rt_gic_init();
    rt_el1_flat();
    count = (unsigned)BITS(READ(ICH_VTR_EL2), 4, 0) + 1;
    every_register();
    group0();
    counts();
    hardware();
    missing_hardware();
    hostile();
}
