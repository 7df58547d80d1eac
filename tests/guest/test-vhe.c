/*
 * A VHE host (E2H set) with and without its guest: PAN and user accesses of the EL2&0 regime, LDTR, guests under the other CPTR_EL2
 * layout, EL1's timers behind the _EL02 names, ASIDs of the host. Arm ARM, "Behavior of HCR_EL2.E2H", "PSTATE.PAN", "UAO".
 */
#include "rt.h"

#define TARGET 0x46000000ull
#define WINDOW 0x100000000ull
#define PAN s3_0_c4_c2_3
#define UAO s3_0_c4_c2_4

PROBE(load, "ldr x0, [x0]");
PROBE(store, "str x0, [x0]");
PROBE(ldtr, "ldtr x0, [x0]");
PROBE(sttr, "sttr x0, [x0]");
PROBE(ldtrb, "ldtrb w0, [x0]");
PROBE(jump, "stp x29, x30, [sp, #-16]!\n blr x0\n ldp x29, x30, [sp], #16");

enum { USER, KERNEL, USER_RO, KERNEL_RO };

static struct RtMap host;

static u64 page(unsigned n) { return WINDOW + n * 0x1000; }

static void refuse(const char *what, u64 spsr, u64 (*probe)(u64), unsigned n, bool write)
{
    u64 el = BITS(spsr, 3, 2);
    const struct RtExc *exc = TRY(RT_SKIP, el == 2 ? probe(page(n)) : rt_call(spsr, probe, page(n)));
    CHECK_EXC(what, exc, el, 0x200, ESR(0x25, 15 | write << 6));
    CHECK_EQ("FAR", exc->far, page(n));
}

static void allow(const char *what, u64 spsr, u64 (*probe)(u64), unsigned n)
{
    u64 el = BITS(spsr, 3, 2);
    const struct RtExc *exc = TRY(RT_SKIP, el == 2 ? probe(page(n)) : rt_call(spsr, probe, page(n)));
    rt_check(!exc->count, WHERE, what, exc->esr, 0);
}

/* LDTR and STTR have the rights of EL0, whatever PAN says; UAO gives them back those of EL1. */
static void unprivileged(u64 spsr)
{
    allow("LDR, user page", spsr, load, USER);
    allow("LDTR, user page", spsr, ldtr, USER);
    allow("STTR, user page", spsr, sttr, USER);
    refuse("LDTR, kernel page", spsr, ldtr, KERNEL, false);
    refuse("LDTRB, kernel page", spsr, ldtrb, KERNEL, false);
    refuse("STTR, kernel page", spsr, sttr, KERNEL, true);
    refuse("STTR, read-only user page", spsr, sttr, USER_RO, true);
    allow("LDTR, read-only user page", spsr, ldtr, USER_RO);
}

static void el1(void)
{
    rt_el1_mmu(&host, 0);
    unprivileged(SPSR_EL1H);
    if (!BITS(READ(id_aa64mmfr1_el1), 23, 20)) {
        rt_skip("PAN", "not announced");
        return;
    }
    u64 pan = SPSR_EL1H | BIT(22);
    refuse("PAN: LDR, user page", pan, load, USER, false);
    refuse("PAN: STR, user page", pan, store, USER, true);
    refuse("PAN: LDR, read-only user page", pan, load, USER_RO, false);
    allow("PAN: LDR, kernel page", pan, load, KERNEL);
    allow("PAN: LDTR, user page", pan, ldtr, USER);
    allow("PAN: STTR, user page", pan, sttr, USER);
    refuse("PAN: LDTR, kernel page", pan, ldtr, KERNEL, false);
    if (BITS(READ(id_aa64mmfr2_el1), 7, 4)) {
        u64 uao = SPSR_EL1H | BIT(23);
        allow("UAO: LDTR, kernel page", uao, ldtr, KERNEL);
        allow("UAO: STTR, kernel page", uao, sttr, KERNEL);
        refuse("UAO: STTR, read-only kernel page", uao, sttr, KERNEL_RO, true);
        refuse("UAO and PAN: LDTR, user page", uao | BIT(22), ldtr, USER, false);
    } else {
        rt_skip("UAO", "not announced");
    }
}

/* In the EL2 regime (E2H clear) PAN means nothing and LDTR is LDR. */
static void el2(void)
{
    for (unsigned n = 0; n < 4; n++)
        rt_map_set(&rt_el2_map, page(n), 3, TARGET + n * 0x1000, S1_RAM | (n >= 2 ? S1_RO : 0) | S1_USER);
    table_sync();
    if (BITS(READ(id_aa64mmfr1_el1), 23, 20)) {
        WRITE_ISB(PAN, BIT(22));
        allow("EL2: PAN means nothing", SPSR_EL2H, load, USER);
        WRITE_ISB(PAN, 0);
    }
    allow("EL2: LDTR is LDR", SPSR_EL2H, ldtr, KERNEL);
    refuse("EL2: read-only", SPSR_EL2H, store, KERNEL_RO, true);
}

static void host_regime(void)
{
    u64 hcr = READ(hcr_el2), ttbr = READ(ttbr0_el2), tcr = READ(tcr_el2);
    WRITE_ISB(hcr_el2, hcr | HCR_E2H | HCR_TGE);
    WRITE(tcr_el2, rt_tcr_el1(&host));
    WRITE_ISB(ttbr0_el2, (u64)host.root | 7ull << 48);
    unprivileged(SPSR_EL2H);
    refuse("host: read-only", SPSR_EL2H, store, KERNEL_RO, true);
    if (BITS(READ(id_aa64mmfr1_el1), 23, 20)) {
        WRITE_ISB(PAN, BIT(22));
        refuse("host PAN: LDR, user page", SPSR_EL2H, load, USER, false);
        allow("host PAN: LDR, kernel page", SPSR_EL2H, load, KERNEL);
        allow("host PAN: LDTR, user page", SPSR_EL2H, ldtr, USER);
        WRITE_ISB(PAN, 0);
    }
    /* EL0 may not touch the host's pages, the host may not run what its user may write */
    const struct RtExc *exc = TRY(RT_SKIP, rt_call(SPSR_EL0, load, page(KERNEL)));
    CHECK_EXC("user of a VHE host", exc, 2, 0x400, ESR(0x24, 15));
    exc = TRY(RT_LR, jump(page(USER)));
    CHECK_EXC("the host runs no user-writable page", exc, 2, 0x200, ESR(0x21, 15));
    WRITE_ISB(hcr_el2, (hcr | HCR_E2H) & ~HCR_TGE);
    allow("LDTR is LDR while TGE is clear", SPSR_EL2H, ldtr, KERNEL);
    WRITE_ISB(ttbr0_el2, ttbr);
    WRITE_ISB(tcr_el2, tcr);
    WRITE_ISB(hcr_el2, hcr);
    rt_tlbi_all();
}

PROBE(g_fmov, ".arch_extension fp\n fmov d0, xzr");
PROBE(g_cpacr, "mrs x0, cpacr_el1");
PROBE(g_hvc, "hvc #3");
PROBE(g_far, "mrs x0, far_el1");
PROBE(g_vbar_el12, "mrs x0, s3_5_c12_c0_0");

static void trap(const char *what, u64 spsr, u64 (*probe)(u64), u64 el, u64 esr)
{
    const struct RtExc *exc = TRY(RT_SKIP, rt_call(spsr, probe, 0));
    if (esr)
        CHECK_EXC(what, exc, el, el == 2 || !BITS(spsr, 3, 2) ? 0x400 : 0x200, esr);
    else
        rt_check(!exc->count, WHERE, what, exc->esr, 0);
}

static void guests(void)
{
    u64 fp = ESR(7, 1u << 24 | 0xe << 20), hcr = HCR_RW | HCR_E2H;
    rt_el1_flat();
    WRITE_ISB(hcr_el2, hcr);
    WRITE_ISB(cptr_el2, 0);
    trap("CPTR FPEN 0", SPSR_EL1H, g_fmov, 2, fp);
    trap("CPTR FPEN 0", SPSR_EL0, g_fmov, 2, fp);
    WRITE_ISB(cptr_el2, 1 << 20);
    trap("CPTR FPEN 1 binds EL0 only with TGE", SPSR_EL1H, g_fmov, 0, 0);
    trap("CPTR FPEN 1 binds EL0 only with TGE", SPSR_EL0, g_fmov, 0, 0);
    WRITE_ISB(cptr_el2, 2 << 20);
    trap("CPTR FPEN 2", SPSR_EL1H, g_fmov, 2, fp);
    WRITE_ISB(cptr_el2, 3 << 20 | 1ull << 31);
    trap("TCPAC", SPSR_EL1H, g_cpacr, 2, ESR(0x18, 3u << 20 | 2 << 17 | 1 << 10 | 1));
    WRITE_ISB(cptr_el2, 3 << 20);
    trap("HVC", SPSR_EL1H, g_hvc, 2, ESR(0x16, 3));
    WRITE(s3_5_c6_c0_0, 0x1234); /* FAR_EL12 */
    ISB();
    CHECK_EQ("the guest's FAR_EL1 is FAR_EL12", rt_el1(g_far, 0), 0x1234);
    trap("_EL12 at EL1", SPSR_EL1H, g_vbar_el12, 1, ESR(0, 0));
    WRITE_ISB(hcr_el2, HCR_RW);
    WRITE_ISB(cptr_el2, 0x33ff);
}

/* Stage 2 faults of a guest while the host is VHE. */
static void stage2(void)
{
    static struct RtMap s1, s2;
    rt_map_init(&s1, 12, 39);
    rt_map_image(&s1);
    rt_map_set(&s1, WINDOW, 3, WINDOW, S1_RAM);
    rt_map_init(&s2, 12, 39);
    rt_map_image_s2(&s2);
    rt_map_entry(&s2, WINDOW, 3);
    rt_el1_mmu(&s1, 0);
    rt_s2(&s2, 9, HCR_E2H);
    const struct RtExc *exc = TRY(RT_SKIP, rt_el1(load, WINDOW + 0x18));
    CHECK_EXC("stage 2 fault", exc, 2, 0x400, ESR(0x24, 1u << 24 | 3u << 22 | 1 << 15 | 7));
    CHECK_EQ("FAR", exc->far, WINDOW + 0x18);
    CHECK_EQ("HPFAR", exc->hpfar, WINDOW >> 12 << 4);
    rt_map_set(&s2, WINDOW, 3, TARGET, S2_RAM);
    table_sync();
    *(volatile u64 *)TARGET = 12345;
    CHECK_EQ("mapped", rt_el1(load, WINDOW), 12345);
    /* TLBI VMALLE1IS of a host with TGE is about the host; with TGE clear about the guest */
    *(volatile u64 *)rt_map_entry(&s1, WINDOW, 3) = 0;
    DSB();
    __asm__ volatile("tlbi vmalle1is\n dsb ish\n isb" : : : "memory");
    exc = TRY(RT_SKIP, rt_el1(load, WINDOW));
    CHECK_EXC("stage 1 of the guest gone", exc, 1, 0x200, ESR(0x25, 7));
    WRITE_ISB(hcr_el2, HCR_RW);
    rt_s2_off();
}

/* The guest's timers, armed by the host through the _EL02 names, raise the guest's PPIs. */
static bool pending(unsigned intid)
{
    for (unsigned i = 0; i < 2000; i++)
        if (io_read(rt_gicr() + 0x200) >> intid & 1)
            return true;
    return false;
}

static void timers(void)
{
    rt_gic_init();
    WRITE_ISB(hcr_el2, HCR_RW | HCR_E2H);
    WRITE(s3_5_c14_c2_2, 0); /* CNTP_CVAL_EL02 */
    WRITE_ISB(s3_5_c14_c2_1, 1);
    CHECK_EQ("CNTP_EL02 raises PPI 30", pending(30), true);
    CHECK_EQ("CNTP_CTL_EL02.ISTATUS", READ(s3_5_c14_c2_1), 5);
    CHECK_EQ("not the host's timer", READ(s3_4_c14_c2_1) & 1, 0);
    WRITE_ISB(s3_5_c14_c2_1, 0);
    WRITE(s3_5_c14_c3_2, 0); /* CNTV_CVAL_EL02 */
    WRITE_ISB(s3_5_c14_c3_1, 1);
    CHECK_EQ("CNTV_EL02 raises PPI 27", pending(27), true);
    WRITE_ISB(s3_5_c14_c3_1, 0);
    WRITE(cntp_cval_el0, 0); /* CNTHP, by its redirected name */
    WRITE_ISB(cntp_ctl_el0, 1);
    CHECK_EQ("the host's CNTP is PPI 26", pending(26), true);
    CHECK_EQ("and not PPI 30", io_read(rt_gicr() + 0x200) >> 30 & 1, 0);
    WRITE_ISB(cntp_ctl_el0, 0);
    WRITE(cntv_cval_el0, 0);
    WRITE_ISB(cntv_ctl_el0, 1);
    CHECK_EQ("the host's CNTV is PPI 28", pending(28), true);
    WRITE_ISB(cntv_ctl_el0, 0);
    WRITE_ISB(hcr_el2, HCR_RW);
}

void test_main(void)
{
    rt_map_init(&host, 12, 39);
    rt_map_range(&host, 0x08000000, 0x08000000, 0x02200000, S1_DEVICE | S1_AF | S1_UXN | S1_PXN);
    rt_map_range(&host, 0x40200000, 0x40200000, 0x200000, S1_RAM | S1_RO);
    rt_map_range(&host, 0x40400000, 0x40400000, 0x3c00000, S1_RAM | S1_UXN | S1_PXN);
    rt_map_set(&host, 0x40202000, 3, 0x40202000, S1_RAM | S1_RO | S1_USER);
    rt_map_set(&host, (u64)load & ~0xfffull, 3, (u64)load & ~0xfffull, S1_RAM | S1_RO | S1_USER);
    for (unsigned n = 0; n < 4; n++)
        rt_map_set(&host, page(n), 3, TARGET + n * 0x1000, S1_RAM | (n >= 2 ? S1_RO : 0) | (n & 1 ? 0 : S1_USER));
    el1();
    el2();
    if (!BITS(READ(id_aa64mmfr1_el1), 11, 8)) {
        rt_skip("E2H", "VHE is not announced");
        return;
    }
    host_regime();
    guests();
    stage2();
    timers();
}
