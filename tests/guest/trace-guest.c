/*
 * What trace.py expects events of: each step causes one or two that the manual names. Arm ARM, register pages of the controls;
 * "TLB maintenance instructions"; GIC architecture specification, "ICH_LR<n>_EL2".
 */
#include "rt.h"

#define HCR_TSC BIT(19)
#define HCR_TWI BIT(13)
#define HCR_TVM BIT(26)
#define HCR_API BIT(41)
#define HCR_TEA BIT(37)
#define MDCR_TDA BIT(9)
#define MDCR_TDE BIT(8)
#define HFGWTR_EL2 s3_4_c1_c1_5

PROBE(w_tcr, "msr tcr_el1, x0");
PROBE(r_mdscr, "mrs x0, mdscr_el1");
PROBE(use_fp, "fmov d0, xzr");
PROBE(do_wfi, "wfi");
PROBE(do_smc, "smc #7");
PROBE(do_load, "ldr x0, [x0]");
PROBE(do_store, "str x0, [x0]");
PROBE(set_ttbr0, "msr ttbr0_el1, x0");
PROBE(tlbi_vae1is, "tlbi vae1is, x0");
PROBE(tlbi_aside1, "tlbi aside1, x0");
PROBE(tlbi_vmalle1, "tlbi vmalle1");
PROBE(tlbi_alle1is, "tlbi alle1is");
PROBE(tlbi_ipas2e1is, "tlbi ipas2e1is, x0");
PROBE(set_vttbr, "msr vttbr_el2, x0");
PROBE(set_lr0, "msr s3_4_c12_c12_0, x0");
PROBE(set_lr3, "msr s3_4_c12_c12_3, x0");
PROBE(undefined, "udf #0");
PROBE(do_brk, "brk #3");
PROBE(nothing_there, "ldr w0, [x0]");
/* 1 + 2 x 100 + 1 instructions from the return to the exit (trace.py). */
PROBE(loop, "mov x1, #100\n 1: subs x1, x1, #1\n b.ne 1b\n hvc #1");

static struct RtMap s2;
#define NOTHING 0x0b000000 /* no device answers there */

static void trapped(u64 hcr, u64 (*probe)(u64))
{
    WRITE_ISB(hcr_el2, HCR_RW | HCR_API | hcr);
    rt_arm(RT_SKIP);
    rt_el1(probe, NOTHING);
    CHECK_EQ("exceptions", rt_disarm()->count, 1);
    WRITE_ISB(hcr_el2, HCR_RW | HCR_API);
}

static void traps(void)
{
    trapped(HCR_TVM, w_tcr);
    trapped(HCR_TWI, do_wfi);
    trapped(HCR_TSC, do_smc);
    WRITE_ISB(mdcr_el2, READ(mdcr_el2) | MDCR_TDA);
    trapped(0, r_mdscr);
    WRITE_ISB(mdcr_el2, READ(mdcr_el2) & ~MDCR_TDA);
    WRITE_ISB(mdcr_el2, READ(mdcr_el2) | MDCR_TDE);
    trapped(0, do_brk);
    WRITE_ISB(mdcr_el2, READ(mdcr_el2) & ~MDCR_TDE);
    if (BITS(READ(id_aa64pfr0_el1), 31, 28)) {
        rt_puts("RAS\n");
        trapped(HCR_TEA, nothing_there);
    }
    WRITE_ISB(cptr_el2, READ(cptr_el2) | BIT(10));
    trapped(0, use_fp);
    WRITE_ISB(cptr_el2, READ(cptr_el2) & ~BIT(10));
    WRITE_ISB(cpacr_el1, 0);
    trapped(0, use_fp);
    WRITE_ISB(cpacr_el1, 3 << 20);
    trapped(0, undefined);
    if (BITS(READ(id_aa64mmfr0_el1), 59, 56)) {
        rt_puts("FGT\n");
        WRITE_ISB(HFGWTR_EL2, BIT(32));
        trapped(0, w_tcr);
        WRITE_ISB(HFGWTR_EL2, 0);
    }
}

static void stage2(void)
{
    rt_map_init(&s2, 12, 39);
    rt_map_range(&s2, 0x40200000, 0x40200000, 0x400000, S2_RAM);
    WRITE(vtcr_el2, (64 - 39) | 1 << 6 | 1 << 8 | 1 << 10 | 3 << 12 | 2 << 16 | BIT(31));
    set_vttbr((u64)s2.root | 5ull << 48);
    trapped(HCR_VM, loop);
    rt_arm(RT_SKIP);
    WRITE_ISB(hcr_el2, HCR_RW | HCR_API | HCR_VM);
    rt_el1(do_load, 0x50001238);
    rt_el1(do_store, 0x50002000);
    CHECK_EQ("stage 2 faults", rt_disarm()->count, 2);
    WRITE_ISB(hcr_el2, HCR_RW | HCR_API);
    set_vttbr((u64)s2.root | 6ull << 48);
}

void test_main(void)
{
    traps();
    stage2();
    rt_el1(set_ttbr0, 9ull << 48);
    rt_el1(tlbi_vae1is, 9ull << 48 | 0x412345);
    rt_el1(tlbi_aside1, 9ull << 48);
    rt_el1(tlbi_vmalle1, 0);
    tlbi_alle1is(0);
    tlbi_ipas2e1is(0x50001);
    set_lr0(BIT(62) | BIT(60) | 0xa0ull << 48 | 27);
    set_lr3(BIT(62) | BIT(61) | BIT(60) | 0x80ull << 48 | 30ull << 32 | 35);
    set_lr3(0);
}
