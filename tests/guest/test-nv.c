/*
 * A guest hypervisor at EL1: what HCR_EL2.{NV,NV1,NV2} trap, redirect to memory and to EL1's registers, and pretend. Arm ARM, "Nested
 * virtualization".
 */
#include "rt.h"

#define HCR_NV BIT(42)
#define HCR_NV1 BIT(43)
#define HCR_AT BIT(44)
#define HCR_NV2 BIT(45)
#define VNCR_EL2 s3_4_c2_c2_0
#define VA 0x180000000ull /* of the VNCR page, in EL2's map */
#define READ_ISS(op1, crn, crm, op2) (3u << 20 | (op2) << 17 | (op1) << 14 | (crn) << 10 | (crm) << 1 | 1)

PROBE(r_hcr, "mrs x0, hcr_el2");
PROBE(w_hcr, "msr hcr_el2, x0");
PROBE(r_vttbr, "mrs x0, vttbr_el2");
PROBE(w_vttbr, "msr vttbr_el2, x0");
PROBE(r_sctlr, "mrs x0, sctlr_el1");
PROBE(w_far, "msr far_el1, x0");
PROBE(r_far12, "mrs x0, s3_5_c6_c0_0");
PROBE(w_sp_el1, "msr sp_el1, x0");
PROBE(r_elr2, "mrs x0, elr_el2");
PROBE(r_esr2, "mrs x0, esr_el2");
PROBE(w_far2, "msr far_el2, x0");
PROBE(r_vbar1, "mrs x0, vbar_el1");
PROBE(r_vbar2, "mrs x0, vbar_el2");
PROBE(r_elr1, "mrs x0, elr_el1");
PROBE(r_current, "mrs x0, CurrentEL");
PROBE(do_eret, "eret");
PROBE(do_svc, "svc #7");
PROBE(do_at, "at s1e1r, x0");
PROBE(do_at_e2, "at s1e2r, x0");
PROBE(do_tlbi_e2, "tlbi alle2");
PROBE(load, "ldr x0, [x0]");
PROBE(ldtr, "ldtr x0, [x0]");
PROBE(jump, "stp x29, x30, [sp, #-16]!\n blr x0\n ldp x29, x30, [sp], #16");
PROBE(nothing, "nop");

static u64 page[512] __attribute__((aligned(4096)));

static volatile u64 *slot(u64 offset) { return &page[offset / 8]; }

static void goes_to_memory(const char *what, u64 (*read)(u64), u64 (*write)(u64), u64 offset)
{
    *slot(offset) = 0xfedcba9876543210ull;
    if (read)
        CHECK_EQ(what, rt_el1(read, 0), 0xfedcba9876543210ull);
    if (!write)
        return;
    rt_el1(write, 0x8123456789abcdefull); /* no bit of the register is RES0 in memory */
    CHECK_EQ(what, *slot(offset), 0x8123456789abcdefull);
}

static void traps(const char *what, u64 (*probe)(u64), u32 iss)
{
    const struct RtExc *exc = TRY(RT_SKIP, rt_el1(probe, 0));
    CHECK_EXC(what, exc, 2, 0x400, ESR(0x18, iss));
}

/* NV alone: EL2's registers and instructions trap. */
static void nv(u64 hcr)
{
    WRITE_ISB(hcr_el2, hcr | HCR_NV);
    traps("NV: HCR_EL2", r_hcr, READ_ISS(4, 1, 1, 0));
    traps("NV: VBAR_EL2", r_vbar2, READ_ISS(4, 12, 0, 0));
    traps("NV: ESR_EL2", r_esr2, READ_ISS(4, 5, 2, 0));
    traps("NV: FAR_EL12", r_far12, READ_ISS(5, 6, 0, 0));
    traps("NV: TLBI ALLE2", do_tlbi_e2, 1u << 20 | 4 << 14 | 8 << 10 | 31 << 5 | 7 << 1);
    traps("NV: AT S1E2R", do_at_e2, 1u << 20 | 4 << 14 | 7 << 10 | 8 << 1);
    CHECK_EXC("NV: ERET", TRY(RT_SKIP, rt_el1(do_eret, 0)), 2, 0x400, ESR(0x1a, 0));
    CHECK_EQ("NV: CurrentEL", rt_el1(r_current, 0), 8);
    CHECK_NONE("NV: VBAR_EL1", TRY(RT_SKIP, rt_el1(r_vbar1, 0)));
    CHECK_NONE("NV: AT S1E1R", TRY(RT_SKIP, rt_el1(do_at, 0)));
    WRITE_ISB(hcr_el2, hcr | HCR_AT);
    traps("AT: AT S1E1R", do_at, 1u << 20 | 7 << 10 | 8 << 1);
    WRITE_ISB(hcr_el2, hcr);
    CHECK_EQ("CurrentEL", rt_el1(r_current, 0), 4);
    CHECK_EXC("HCR_EL2 at EL1", TRY(RT_SKIP, rt_el1(r_hcr, 0)), 1, 0x200, ESR(0, 0));
}

/*
 * EL1 handlers that only call EL2: ERET traps under NV, and ELR_EL1 may be memory. EL2 notes what EL1 was told and continues at the
 * caller of the probe.
 */
__asm__(".pushsection .text\n.balign 0x800\nreporting_vectors:\n.rept 16\n.balign 0x80\n hvc #0x123\n.endr\n.popsection");
extern char reporting_vectors[];
static struct {
    u64 count, spsr, esr;
} seen;

static bool report(struct RtFrame *f)
{
    if (f->el != 2 || f->esr != ESR(0x16, 0x123))
        return false;
    seen.count++;
    seen.spsr = READ(spsr_el1);
    seen.esr = READ(esr_el1);
    f->elr = f->x[30];
    f->spsr = SPSR_EL1H;
    return true;
}

static u64 run_reported(u64 hcr, u64 spsr, u64 (*probe)(u64), u64 arg)
{
    u64 vbar = READ(vbar_el1), before = READ(hcr_el2);
    seen.count = 0;
    rt_cpu()->sync = report;
    WRITE(vbar_el1, (u64)reporting_vectors);
    WRITE_ISB(hcr_el2, hcr);
    rt_call(spsr, probe, arg);
    WRITE_ISB(hcr_el2, before);
    WRITE_ISB(vbar_el1, vbar);
    rt_cpu()->sync = 0;
    return seen.count ? seen.esr : 0;
}

/* What SPSR_EL1.M[3:2] says of an exception from EL1 to EL1. */
static void shown_spsr(u64 hcr)
{
    static const struct { u64 bits, el; } want[] = {
        {0, 1}, {HCR_NV, 2}, {HCR_NV | HCR_NV1, 1}, {HCR_NV | HCR_NV2, 2}, {HCR_NV | HCR_NV1 | HCR_NV2, 2},
        {HCR_NV2, 1},
    };
    for (unsigned i = 0; i < sizeof want / sizeof want[0]; i++) {
        CHECK_EQ("SVC at EL1", run_reported(hcr | want[i].bits, SPSR_EL1H, do_svc, 0), ESR(0x15, 7));
        CHECK_EQ("SPSR_EL1.M of an SVC at EL1", BITS(seen.spsr, 3, 0), want[i].el << 2 | 1);
    }
}

static void nv2(u64 hcr)
{
    u64 on = hcr | HCR_NV | HCR_NV2;
    WRITE_ISB(VNCR_EL2, VA);
    WRITE_ISB(hcr_el2, on);
    goes_to_memory("NV2: HCR_EL2", r_hcr, w_hcr, 0x78);
    goes_to_memory("NV2: VTTBR_EL2", r_vttbr, w_vttbr, 0x20);
    goes_to_memory("NV2: SP_EL1", 0, w_sp_el1, 0x240);
    goes_to_memory("NV2: FAR_EL12", r_far12, 0, 0x220);
    CHECK_EQ("NV2: EL2's own HCR_EL2 stays", READ(hcr_el2), on);
    traps("NV2: VBAR_EL2", r_vbar2, READ_ISS(4, 12, 0, 0));
    WRITE_ISB(elr_el1, 0x4444);
    CHECK_EQ("NV2: ELR_EL2 is ELR_EL1", rt_el1(r_elr2, 0), 0x4444);
    WRITE_ISB(esr_el1, 0x5555);
    CHECK_EQ("NV2: ESR_EL2 is ESR_EL1", rt_el1(r_esr2, 0), 0x5555);
    rt_el1(w_far2, 0x6666);
    CHECK_EQ("NV2: FAR_EL2 is FAR_EL1", READ(far_el1), 0x6666);
    CHECK_EQ("NV2: SCTLR_EL1 is itself", rt_el1(r_sctlr, 0), READ(sctlr_el1));
    CHECK_NONE("NV2: VBAR_EL1 is itself", TRY(RT_SKIP, rt_el1(r_vbar1, 0)));

    WRITE_ISB(hcr_el2, on | HCR_NV1);
    goes_to_memory("NV1 and NV2: SCTLR_EL1", r_sctlr, 0, 0x110);
    goes_to_memory("NV1 and NV2: FAR_EL1", 0, w_far, 0x220);
    goes_to_memory("NV1 and NV2: VBAR_EL1", r_vbar1, 0, 0x250);
    goes_to_memory("NV1 and NV2: ELR_EL1", r_elr1, 0, 0x230);
    goes_to_memory("NV1 and NV2: VTTBR_EL2", r_vttbr, w_vttbr, 0x20);
    traps("NV1 and NV2: FAR_EL12", r_far12, READ_ISS(5, 6, 0, 0));
    WRITE_ISB(hcr_el2, hcr | HCR_NV | HCR_NV1);
    traps("NV1: VBAR_EL1", r_vbar1, READ_ISS(0, 12, 0, 0));
    traps("NV1: ELR_EL1", r_elr1, READ_ISS(0, 4, 0, 1));
    WRITE_ISB(hcr_el2, hcr | HCR_NV2);
    CHECK_EXC("NV2 without NV: HCR_EL2", TRY(RT_SKIP, rt_el1(r_hcr, 0)), 1, 0x200, ESR(0, 0));
    WRITE_ISB(hcr_el2, hcr);
}

/* A VNCR page that is not there, or not writable. */
static void vncr_faults(u64 hcr)
{
    u64 *entry = rt_map_entry(&rt_el2_map, VA, 3), good = *entry;
    WRITE_ISB(hcr_el2, hcr | HCR_NV | HCR_NV2);
    *entry = good | S1_RO;
    rt_tlbi_all();
    *slot(0x78) = 77;
    CHECK_EQ("read-only VNCR page", rt_el1(r_hcr, 0), 77);
    const struct RtExc *exc = TRY(RT_SKIP, rt_el1(w_hcr, 0));
    CHECK_EXC("write to a read-only VNCR page", exc, 2, 0x400, ESR(0x25, 1 << 13 | 1 << 6 | 15));
    CHECK_EQ("FAR", exc->far, VA + 0x78);
    CHECK_EQ("SPSR", BITS(exc->spsr, 3, 0), 5);
    *entry = 0;
    rt_tlbi_all();
    exc = TRY(RT_SKIP, rt_el1(r_hcr, 0));
    CHECK_EXC("no VNCR page, read", exc, 2, 0x400, ESR(0x25, 1 << 13 | 7));
    exc = TRY(RT_SKIP, rt_el1(w_vttbr, 0));
    CHECK_EXC("no VNCR page, write", exc, 2, 0x400, ESR(0x25, 1 << 13 | 1 << 6 | 7));
    CHECK_EQ("FAR", exc->far, VA + 0x20);
    *entry = good;
    rt_tlbi_all();
    CHECK_EQ("VNCR page back", rt_el1(r_hcr, 0), 77);
    WRITE_ISB(VNCR_EL2, 0x7fff00000000);
    exc = TRY(RT_SKIP, rt_el1(r_hcr, 0));
    CHECK("VNCR_EL2 outside the map", exc->count == 1 && exc->el == 2 && EC(exc) == 0x25 && exc->esr & BIT(13));
    WRITE_ISB(VNCR_EL2, VA);
    WRITE_ISB(hcr_el2, hcr);
}

/* The accesses have EL2's rights whatever PSTATE.PAN says, and EL1's stage 2 is not theirs. */
static void vncr_rights(u64 hcr)
{
    static struct RtMap s2;
    rt_map_init(&s2, rt_el2_map.shift, 39);
    rt_map_image_s2(&s2);
    rt_s2(&s2, 3, HCR_NV | HCR_NV2 | (hcr & HCR_E2H));
    *slot(0x78) = 0x99;
    CHECK_EQ("stage 2 on", rt_call(SPSR_EL1H | BIT(22), r_hcr, 0), 0x99);
    WRITE_ISB(hcr_el2, hcr);
    rt_s2_off();
    WRITE_ISB(hcr_el2, hcr);
}

/* With NV and NV1 EL1's descriptors mean what EL2's do: bit 54 is PXN, AP[1] nothing; PAN is 0, UAO 1. */
static void nv1_tables(u64 hcr)
{
    static struct RtMap map;
    const u64 base = 0x100000000ull, ram = 0x46000000ull;
    rt_map_init(&map, 12, 39);
    rt_map_range(&map, 0x08000000, 0x08000000, 0x02200000, S1_DEVICE | S1_AF | S1_UXN | S1_PXN);
    rt_map_range(&map, 0x40200000, 0x40200000, 0x200000, S1_RAM | S1_RO);
    rt_map_range(&map, 0x40400000, 0x40400000, 0x3c00000, S1_RAM | S1_UXN | S1_PXN);
    rt_map_set(&map, base, 3, (u64)nothing & ~0xfffull, S1_RAM | S1_RO | S1_UXN);
    rt_map_set(&map, base + 0x1000, 3, (u64)nothing & ~0xfffull, S1_RAM | S1_RO | S1_PXN);
    rt_map_set(&map, base + 0x2000, 3, ram, S1_RAM | S1_USER | S1_UXN);
    rt_el1_mmu(&map, 0);
    const u64 at = base + ((u64)nothing & 0xfff), pan = SPSR_EL1H | BIT(22);
    CHECK_NONE("UXN page", TRY(RT_LR, rt_el1(jump, at)));
    CHECK_EXC("PXN page", TRY(RT_LR, rt_el1(jump, at + 0x1000)), 1, 0x200, ESR(0x21, 15));
    CHECK_EXC("PAN", TRY(RT_SKIP, rt_call(pan, load, base + 0x2000)), 1, 0x200, ESR(0x25, 15));
    CHECK_EXC("LDTR", TRY(RT_SKIP, rt_el1(ldtr, base)), 1, 0x200, ESR(0x25, 15));
    rt_tlbi_all();
    hcr |= HCR_NV | HCR_NV1;
    CHECK_EQ("NV1: bit 54 is PXN", run_reported(hcr, SPSR_EL1H, jump, at), ESR(0x21, 15));
    CHECK_EQ("NV1: bit 53 is nothing", run_reported(hcr, SPSR_EL1H, jump, at + 0x1000), 0);
    CHECK_EQ("NV1: PAN is nothing", run_reported(hcr, pan, load, base + 0x2000), 0);
    CHECK_EQ("NV1: LDTR is LDR", run_reported(hcr, SPSR_EL1H, ldtr, base), 0);
    rt_el1_mmu_off();
}

void test_main(void)
{
    unsigned level = BITS(READ(id_aa64mmfr2_el1), 27, 24);
    if (!level) {
        rt_skip("nested virtualization", "not announced");
        CHECK_EQ("HCR_EL2.NV is RES0", (WRITE_ISB(hcr_el2, HCR_RW | HCR_NV), READ(hcr_el2)), HCR_RW);
        return;
    }
    rt_map_set(&rt_el2_map, VA, 3, (u64)page, S1_RAM);
    table_sync();
    rt_el1_flat();
    nv(HCR_RW);
    shown_spsr(HCR_RW);
    if (level < 2) {
        rt_skip("NV2", "not announced");
        return;
    }
    nv2(HCR_RW);
    vncr_faults(HCR_RW);
    vncr_rights(HCR_RW);
    /* the same from a VHE host: the page is found in the EL2&0 regime */
    WRITE_ISB(cptr_el2, 3 << 20);
    u64 hcr = READ(hcr_el2), tcr = READ(tcr_el2);
    WRITE_ISB(hcr_el2, hcr | HCR_E2H);
    WRITE_ISB(tcr_el2, rt_tcr_e2h(&rt_el2_map));
    rt_tlbi_all();
    vncr_faults(HCR_RW | HCR_E2H);
    WRITE_ISB(hcr_el2, hcr);
    WRITE_ISB(tcr_el2, tcr);
    WRITE_ISB(cptr_el2, 0x33ff);
    rt_tlbi_all();
    nv1_tables(HCR_RW);
}
