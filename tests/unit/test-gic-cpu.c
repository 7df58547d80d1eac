/*
 * GICv3 CPU interface, physical and virtual: values worked out from the GIC architecture
 * specification. The distributor is a recorder, except in the last test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "armillary/engine.h"
#include "gic-cpu.h"
#include "sysreg-hooks.h"
#include "gic/gic.h"

enum { NONE = 1023 };
#define HCR_IMO UINT64_C(0x10)
#define HCR_FMO UINT64_C(0x8)
#define LR_PENDING (UINT64_C(1) << 62)
#define LR_ACTIVE (UINT64_C(2) << 62)
#define LR_HW (UINT64_C(1) << 61)
#define LR_GROUP1 (UINT64_C(1) << 60)
#define LR_EOI (UINT64_C(1) << 41)
#define LR_PRIORITY(p) ((uint64_t)(p) << 48)

/* What the interface asked of the distributor last. */
static struct {
    uint32_t activated, deactivated, deactivations;
    uint64_t sgi;
    unsigned sgi_group;
    bool group0, group1, maintenance, refuse;
} asked;

static A64Cpu cpu;

static bool activate(void *gic, uint32_t index, uint32_t intid)
{
    asked.activated = intid;
    if (!asked.refuse) {
        a64_gic_set_pending(&cpu, NONE, 0xff, 0, false);
    }
    return !asked.refuse;
}

static void deactivate(void *gic, uint32_t index, uint32_t intid)
{
    asked.deactivated = intid;
    asked.deactivations++;
}

static void send_sgi(void *gic, uint32_t index, uint64_t value, unsigned group)
{
    asked.sgi = value;
    asked.sgi_group = group;
}

static void upstream(void *gic, uint32_t index, bool group0, bool group1)
{
    asked.group0 = group0;
    asked.group1 = group1;
}

static void set_ppi(void *gic, uint32_t index, uint32_t intid, bool level)
{
    assert_int_equal(intid, 25);
    asked.maintenance = level;
}

void eng_kick(EngVcpu *v, uint32_t attention)
{
    atomic_fetch_or(&v->attention, attention);
}

void mem_lock_devices(Mem *m)
{
}

void mem_unlock_devices(Mem *m)
{
}

static const ArmGicPort recorder = {activate, deactivate, send_sgi, upstream, set_ppi};
static const A64Ports ports = {.gic = &recorder};

static int setup(void **state)
{
    cpu = (A64Cpu){.ports = &ports};
    cpu.st.sr[A64_SR_ICC_BPR0_EL1] = 2;
    cpu.st.sr[A64_SR_ICC_BPR1_EL1] = 3;
    cpu.st.pstate.el = 2;
    memset(&asked, 0, sizeof asked);
    a64_gic_init(&cpu);
    a64_sr_write_icc_igrpen0_el1(&cpu, 1);
    a64_sr_write_icc_igrpen1_el1(&cpu, 1);
    a64_sr_write_icc_pmr_el1(&cpu, 0xff);
    return 0;
}

static int teardown(void **state)
{
    a64_gic_free(&cpu);
    return 0;
}

static void identification(void **state)
{
    assert_true(asked.group0 && asked.group1);
    assert_int_equal(a64_sr_read_icc_sre_el1(&cpu), 7);
    assert_int_equal(a64_sr_read_icc_ctlr_el1(&cpu), 0x8400); /* PRIbits 4, A3V */
    a64_sr_write_icc_ctlr_el1(&cpu, UINT64_MAX);
    assert_int_equal(a64_sr_read_icc_ctlr_el1(&cpu), 0x8403);
    assert_int_equal(a64_sr_read_icc_pmr_el1(&cpu), 0xf8); /* 32 levels */
    /* ListRegs 15, TDS, nV4, A3V, PREbits 4, PRIbits 4 */
    assert_int_equal(a64_sr_read_ich_vtr_el2(&cpu), 0x9038000f);
    a64_sr_write_icc_igrpen0_el1(&cpu, 2);
    assert_int_equal(a64_sr_read_icc_igrpen0_el1(&cpu), 0);
    assert_true(!asked.group0 && asked.group1);
}

static void binary_points(void **state)
{
    a64_sr_write_icc_bpr0_el1(&cpu, 0);
    assert_int_equal(a64_sr_read_icc_bpr0_el1(&cpu), 2);
    a64_sr_write_icc_bpr1_el1(&cpu, 0);
    assert_int_equal(a64_sr_read_icc_bpr1_el1(&cpu), 3);
    a64_sr_write_icc_bpr1_el1(&cpu, 5);
    a64_sr_write_icc_bpr0_el1(&cpu, 7);
    a64_sr_write_icc_ctlr_el1(&cpu, 1); /* CBPR */
    assert_int_equal(a64_sr_read_icc_bpr1_el1(&cpu), 7);
    a64_sr_write_icc_bpr0_el1(&cpu, 3);
    assert_int_equal(a64_sr_read_icc_bpr1_el1(&cpu), 4);
    a64_sr_write_icc_bpr1_el1(&cpu, 6);
    a64_sr_write_icc_ctlr_el1(&cpu, 0);
    assert_int_equal(a64_sr_read_icc_bpr1_el1(&cpu), 5);
}

static void acknowledge_and_end(void **state)
{
    a64_gic_set_pending(&cpu, 33, 0xa0, 1, false);
    assert_true(a64_gic_irq(&cpu));
    assert_false(a64_gic_fiq(&cpu));
    assert_true(atomic_load(&cpu.eng.attention) & ENG_ATT_IRQ);
    assert_int_equal(a64_sr_read_icc_hppir1_el1(&cpu), 33);
    assert_int_equal(a64_sr_read_icc_hppir0_el1(&cpu), NONE);
    assert_int_equal(a64_sr_read_icc_iar0_el1(&cpu), NONE);
    assert_int_equal(a64_sr_read_icc_iar1_el1(&cpu), 33);
    assert_int_equal(asked.activated, 33);
    assert_false(a64_gic_irq(&cpu));
    assert_int_equal(a64_sr_read_icc_rpr_el1(&cpu), 0xa0);
    assert_int_equal(a64_sr_read_icc_ap1r0_el1(&cpu), UINT64_C(1) << 20); /* 0xa0 / 8 */
    a64_sr_write_icc_eoir0_el1(&cpu, 33);                                 /* not its group */
    assert_int_equal(asked.deactivations, 0);
    a64_sr_write_icc_eoir1_el1(&cpu, 1021); /* special */
    assert_int_equal(a64_sr_read_icc_rpr_el1(&cpu), 0xa0);
    a64_sr_write_icc_eoir1_el1(&cpu, 33);
    assert_int_equal(asked.deactivated, 33);
    assert_int_equal(a64_sr_read_icc_rpr_el1(&cpu), 0xff);
    a64_sr_write_icc_eoir1_el1(&cpu, 33); /* nothing is active */
    assert_int_equal(asked.deactivations, 1);
    assert_int_equal(a64_sr_read_icc_iar1_el1(&cpu), NONE);
}

static void split_end(void **state)
{
    a64_sr_write_icc_dir_el1(&cpu, 33); /* EOImode 0: no effect */
    assert_int_equal(asked.deactivations, 0);
    a64_sr_write_icc_ctlr_el1(&cpu, 2);
    a64_gic_set_pending(&cpu, 33, 0, 1, false);
    assert_int_equal(a64_sr_read_icc_iar1_el1(&cpu), 33);
    a64_sr_write_icc_eoir1_el1(&cpu, 33);
    assert_int_equal(a64_sr_read_icc_rpr_el1(&cpu), 0xff);
    assert_int_equal(asked.deactivations, 0);
    a64_sr_write_icc_dir_el1(&cpu, 33);
    assert_int_equal(asked.deactivated, 33);
}

static void priority_mask(void **state)
{
    a64_gic_set_pending(&cpu, 33, 0xa0, 1, false);
    a64_sr_write_icc_pmr_el1(&cpu, 0xa0); /* equal is not enough */
    assert_false(a64_gic_irq(&cpu));
    assert_int_equal(a64_sr_read_icc_iar1_el1(&cpu), NONE);
    assert_int_equal(a64_sr_read_icc_hppir1_el1(&cpu), 33);
    atomic_store(&cpu.eng.attention, 0);
    a64_sr_write_icc_pmr_el1(&cpu, 0xa8);
    assert_true(a64_gic_irq(&cpu));
    assert_true(atomic_load(&cpu.eng.attention) & ENG_ATT_IRQ);
}

static void preemption(void **state)
{
    a64_sr_write_icc_bpr1_el1(&cpu, 5); /* group priority = bits 7:5 */
    a64_gic_set_pending(&cpu, 40, 0x58, 1, false);
    assert_int_equal(a64_sr_read_icc_iar1_el1(&cpu), 40);
    assert_int_equal(a64_sr_read_icc_rpr_el1(&cpu), 0x40);
    a64_gic_set_pending(&cpu, 41, 0x40, 1, false); /* same group priority */
    assert_false(a64_gic_irq(&cpu));
    a64_gic_set_pending(&cpu, 41, 0x38, 1, false);
    assert_true(a64_gic_irq(&cpu));
    assert_int_equal(a64_sr_read_icc_iar1_el1(&cpu), 41);
    assert_int_equal(a64_sr_read_icc_ap1r0_el1(&cpu), 0x110); /* 0x20 and 0x40 */
    a64_gic_set_pending(&cpu, 5, 0, 0, false);                       /* Group 0: BPR0 = 2 */
    assert_true(a64_gic_fiq(&cpu));
    assert_int_equal(a64_sr_read_icc_iar0_el1(&cpu), 5);
    assert_int_equal(a64_sr_read_icc_ap0r0_el1(&cpu), 1);
    a64_sr_write_icc_eoir1_el1(&cpu, 41); /* Group 0 runs: not the highest */
    assert_int_equal(a64_sr_read_icc_rpr_el1(&cpu), 0);
    a64_sr_write_icc_eoir0_el1(&cpu, 5);
    assert_int_equal(a64_sr_read_icc_rpr_el1(&cpu), 0x20);
    a64_sr_write_icc_eoir1_el1(&cpu, 41);
    assert_int_equal(a64_sr_read_icc_rpr_el1(&cpu), 0x40);
}

static void refused_acknowledge(void **state)
{
    asked.refuse = true;
    a64_gic_set_pending(&cpu, 33, 0, 1, false);
    assert_int_equal(a64_sr_read_icc_iar1_el1(&cpu), NONE);
    assert_int_equal(a64_sr_read_icc_rpr_el1(&cpu), 0xff);
}

static void software_interrupts(void **state)
{
    a64_sr_write_icc_sgi1r_el1(&cpu, 0x05000001);
    assert_int_equal(asked.sgi, 0x05000001);
    assert_int_equal(asked.sgi_group, 1);
    a64_sr_write_icc_sgi0r_el1(&cpu, 0x06000001);
    assert_int_equal(asked.sgi_group, 0);
}

/* A virtual machine: EL1 with both groups virtual, VMCR with all enabled. */
static void enter_guest(void)
{
    a64_sr_write_ich_hcr_el2(&cpu, 1);
    a64_sr_write_ich_vmcr_el2(&cpu, 0xff000003);
    cpu.st.sr[A64_SR_HCR_EL2] = HCR_IMO | HCR_FMO;
    cpu.st.pstate.el = 1;
}

static void virtual_registers(void **state)
{
    a64_sr_write_icc_pmr_el1(&cpu, 0x80);
    enter_guest();
    /* VPMR, the least binary points 2 and 3, VFIQEn, both enables */
    assert_int_equal(cpu.st.sr[A64_SR_ICH_VMCR_EL2], 0xf84c000b);
    assert_int_equal(a64_sr_read_icc_pmr_el1(&cpu), 0xf8);
    a64_sr_write_icc_pmr_el1(&cpu, 0x77);
    assert_int_equal(a64_sr_read_icc_pmr_el1(&cpu), 0x70);
    a64_sr_write_icc_ctlr_el1(&cpu, 3);
    assert_int_equal(a64_sr_read_icc_ctlr_el1(&cpu), 0x8403);
    a64_sr_write_icc_bpr0_el1(&cpu, 4);
    assert_int_equal(a64_sr_read_icc_bpr0_el1(&cpu), 4);
    assert_int_equal(a64_sr_read_icc_bpr1_el1(&cpu), 5);
    a64_sr_write_icc_igrpen0_el1(&cpu, 0);
    assert_int_equal(a64_sr_read_icc_igrpen0_el1(&cpu), 0);
    assert_int_equal(a64_sr_read_icc_igrpen1_el1(&cpu), 1);
    assert_int_equal(cpu.st.sr[A64_SR_ICH_VMCR_EL2], 0x708c021a);
    assert_true(asked.group0); /* the physical enables are untouched */
    a64_sr_write_icc_ap1r0_el1(&cpu, 0x100);
    assert_int_equal(cpu.st.sr[A64_SR_ICH_AP1R0_EL2], 0x100);
    assert_int_equal(a64_sr_read_icc_rpr_el1(&cpu), 0x40);
    cpu.st.sr[A64_SR_HCR_EL2] = HCR_FMO; /* Group 1 is physical again, what is common is not */
    assert_int_equal(a64_sr_read_icc_ap1r0_el1(&cpu), 0);
    assert_int_equal(a64_sr_read_icc_pmr_el1(&cpu), 0x70);
    cpu.st.pstate.el = 2;
    assert_int_equal(a64_sr_read_icc_pmr_el1(&cpu), 0x80);
}

static void virtual_interrupt(void **state)
{
    enter_guest();
    a64_sr_write_ich_lr_el2(&cpu, 3, LR_PENDING | LR_GROUP1 | LR_PRIORITY(0xa0) | 27);
    a64_sr_write_ich_lr_el2(&cpu, 5, LR_PENDING | LR_GROUP1 | LR_PRIORITY(0x80) | 28);
    assert_true(a64_gic_virq(&cpu));
    assert_false(a64_gic_vfiq(&cpu));
    assert_false(a64_gic_irq(&cpu));
    assert_int_equal(a64_sr_read_ich_elrsr_el2(&cpu), 0xffd7);
    assert_int_equal(a64_sr_read_icc_hppir1_el1(&cpu), 28);
    assert_int_equal(a64_sr_read_icc_iar0_el1(&cpu), NONE);
    assert_int_equal(a64_sr_read_icc_iar1_el1(&cpu), 28);
    assert_false(a64_gic_virq(&cpu)); /* 27 does not preempt */
    assert_int_equal(a64_sr_read_icc_rpr_el1(&cpu), 0x80);
    assert_int_equal(cpu.st.sr[A64_SR_ICH_LR5_EL2], LR_ACTIVE | LR_GROUP1 | LR_PRIORITY(0x80) | 28);
    assert_int_equal(cpu.st.sr[A64_SR_ICH_AP1R0_EL2], 0x10000);
    a64_sr_write_icc_eoir1_el1(&cpu, 28);
    assert_int_equal(cpu.st.sr[A64_SR_ICH_LR5_EL2], LR_GROUP1 | LR_PRIORITY(0x80) | 28);
    assert_int_equal(asked.deactivations, 0);
    assert_true(a64_gic_virq(&cpu));
    a64_sr_write_icc_pmr_el1(&cpu, 0xa0);
    assert_false(a64_gic_virq(&cpu));
    a64_sr_write_icc_pmr_el1(&cpu, 0xff);
    a64_sr_write_icc_igrpen1_el1(&cpu, 0);
    assert_false(a64_gic_virq(&cpu));
    assert_int_equal(a64_sr_read_icc_hppir1_el1(&cpu), NONE);
    a64_sr_write_icc_igrpen1_el1(&cpu, 1);
    assert_true(a64_gic_virq(&cpu));
    a64_sr_write_ich_hcr_el2(&cpu, 0);
    assert_false(a64_gic_virq(&cpu));
    assert_int_equal(a64_sr_read_icc_iar1_el1(&cpu), NONE);
}

static void virtual_fiq_and_hardware(void **state)
{
    enter_guest();
    a64_sr_write_ich_lr_el2(&cpu, 0,
                            LR_PENDING | LR_HW | LR_PRIORITY(0x20) | UINT64_C(30) << 32 | 26);
    assert_true(a64_gic_vfiq(&cpu));
    assert_int_equal(a64_sr_read_icc_iar0_el1(&cpu), 26);
    a64_sr_write_icc_eoir0_el1(&cpu, 26);
    assert_int_equal(asked.deactivations, 1);
    assert_int_equal(asked.deactivated, 30);
    /* active and pending: ends as pending; not deliverable before */
    a64_sr_write_ich_lr_el2(&cpu, 0, LR_PENDING | LR_ACTIVE | LR_PRIORITY(0x20) | 26);
    assert_false(a64_gic_vfiq(&cpu));
    a64_sr_write_ich_ap0r0_el2(&cpu, 1 << 4);
    a64_sr_write_icc_eoir0_el1(&cpu, 26);
    assert_true(a64_gic_vfiq(&cpu));
    assert_int_equal(asked.deactivations, 1);
}

static void virtual_split_end(void **state)
{
    enter_guest();
    a64_sr_write_icc_ctlr_el1(&cpu, 2);
    a64_sr_write_ich_lr_el2(&cpu, 1, LR_PENDING | LR_GROUP1 | 40);
    assert_int_equal(a64_sr_read_icc_iar1_el1(&cpu), 40);
    a64_sr_write_icc_eoir1_el1(&cpu, 40);
    assert_int_equal(a64_sr_read_icc_rpr_el1(&cpu), 0xff);
    assert_int_equal(cpu.st.sr[A64_SR_ICH_LR1_EL2], LR_ACTIVE | LR_GROUP1 | 40);
    a64_sr_write_icc_dir_el1(&cpu, 40);
    assert_int_equal(cpu.st.sr[A64_SR_ICH_LR1_EL2], LR_GROUP1 | 40);
    assert_int_equal(cpu.st.sr[A64_SR_ICH_HCR_EL2], 1);
    a64_sr_write_icc_dir_el1(&cpu, 40); /* in no list register: EOIcount */
    assert_int_equal(cpu.st.sr[A64_SR_ICH_HCR_EL2], 0x08000001);
    a64_sr_write_icc_dir_el1(&cpu, 8192); /* LPIs do not count */
    assert_int_equal(cpu.st.sr[A64_SR_ICH_HCR_EL2], 0x08000001);
}

static void eoi_count(void **state)
{
    enter_guest();
    a64_sr_write_icc_eoir1_el1(&cpu, 40); /* no active priority: not counted */
    assert_int_equal(cpu.st.sr[A64_SR_ICH_HCR_EL2], 1);
    a64_sr_write_ich_hcr_el2(&cpu, 0xf8000005); /* EOIcount 31, LRENPIE */
    assert_true(asked.maintenance);
    a64_sr_write_ich_hcr_el2(&cpu, 0x5);
    assert_false(asked.maintenance);
    a64_sr_write_ich_ap1r0_el2(&cpu, 0x3);
    a64_sr_write_icc_eoir1_el1(&cpu, 40);
    assert_int_equal(cpu.st.sr[A64_SR_ICH_HCR_EL2], 0x08000005);
    assert_true(asked.maintenance);
    assert_int_equal(a64_sr_read_ich_misr_el2(&cpu), 4);
    assert_int_equal(cpu.st.sr[A64_SR_ICH_AP1R0_EL2], 2);
}

static void maintenance(void **state)
{
    enter_guest();
    cpu.st.pstate.el = 2;
    assert_int_equal(a64_sr_read_ich_misr_el2(&cpu), 0);
    a64_sr_write_ich_lr_el2(&cpu, 2, LR_EOI | 50); /* invalid with EOI: was ended */
    assert_int_equal(a64_sr_read_ich_eisr_el2(&cpu), 4);
    assert_int_equal(a64_sr_read_ich_elrsr_el2(&cpu), 0xfffb);
    assert_int_equal(a64_sr_read_ich_misr_el2(&cpu), 1);
    assert_true(asked.maintenance);
    a64_sr_write_ich_lr_el2(&cpu, 2, 0);
    assert_false(asked.maintenance);
    a64_sr_write_ich_hcr_el2(&cpu, 0x3); /* UIE */
    assert_int_equal(a64_sr_read_ich_misr_el2(&cpu), 2);
    a64_sr_write_ich_lr_el2(&cpu, 0, LR_ACTIVE | 40);
    assert_int_equal(a64_sr_read_ich_misr_el2(&cpu), 2); /* one is still underflow */
    a64_sr_write_ich_lr_el2(&cpu, 1, LR_ACTIVE | 41);
    assert_int_equal(a64_sr_read_ich_misr_el2(&cpu), 0);
    a64_sr_write_ich_hcr_el2(&cpu, 0x9); /* NPIE: active ones are not pending */
    assert_int_equal(a64_sr_read_ich_misr_el2(&cpu), 8);
    a64_sr_write_ich_lr_el2(&cpu, 1, LR_PENDING | 41);
    assert_int_equal(a64_sr_read_ich_misr_el2(&cpu), 0);
    a64_sr_write_ich_hcr_el2(&cpu, 0xf1); /* the four group conditions */
    assert_int_equal(a64_sr_read_ich_misr_el2(&cpu), 0x50);
    a64_sr_write_ich_vmcr_el2(&cpu, 0xff000001);
    assert_int_equal(a64_sr_read_ich_misr_el2(&cpu), 0x90);
    a64_sr_write_ich_vmcr_el2(&cpu, 0xff000002);
    assert_int_equal(a64_sr_read_ich_misr_el2(&cpu), 0x60);
    assert_true(asked.maintenance);
    a64_sr_write_ich_hcr_el2(&cpu, 0xf0); /* not enabled: conditions, but no interrupt */
    assert_int_equal(a64_sr_read_ich_misr_el2(&cpu), 0x60);
    assert_false(asked.maintenance);
}

static void hostile_list_registers(void **state)
{
    enter_guest();
    a64_sr_write_ich_lr_el2(&cpu, 15, UINT64_MAX);
    /* State, HW, Group, NMI, 5 priority bits, pINTID, 16 bits of vINTID */
    assert_int_equal(cpu.st.sr[A64_SR_ICH_LR15_EL2], UINT64_C(0xf8f81fff0000ffff));
    a64_sr_write_ich_lr_el2(&cpu, 15, LR_PENDING | LR_GROUP1 | 1022);
    assert_int_equal(a64_sr_read_icc_iar1_el1(&cpu), 1022);
    assert_int_equal(cpu.st.sr[A64_SR_ICH_LR15_EL2], LR_GROUP1 | 1022);
    a64_sr_write_ich_lr_el2(&cpu, 15, LR_PENDING | LR_GROUP1 | 8200); /* a virtual LPI */
    assert_int_equal(a64_sr_read_icc_iar1_el1(&cpu), 8200);
    assert_int_equal(cpu.st.sr[A64_SR_ICH_LR15_EL2], LR_GROUP1 | 8200);
    a64_sr_write_icc_eoir1_el1(&cpu, 8200);
    assert_int_equal(a64_sr_read_icc_rpr_el1(&cpu), 0xff);
    assert_int_equal(cpu.st.sr[A64_SR_ICH_HCR_EL2], 1);
    /* caches come back from the registers alone */
    cpu.st.sr[A64_SR_ICH_LR4_EL2] = LR_PENDING | LR_GROUP1 | 40;
    a64_gic_rebuild(&cpu);
    assert_true(a64_gic_virq(&cpu));
}

/* With the real distributor behind it: a PPI through all its states. */
static void whole_way(void **state)
{
    const uint64_t affinity = 0;
    Gic *gic = gic_new(&(GicConfig){.lines = 64, .cpus = 1, .affinity = &affinity});
    GicRegion *region = gic_add_region(gic, 0, 1);
    const A64Ports real = {.gic = &gic_port, .gic_ctx = gic};
    cpu.ports = &real;
    gic_connect_cpu(gic, 0, a64_gic_set_pending, &cpu);
    a64_gic_rebuild(&cpu);
    gic_dist_ops.write(gic, 0, 4, 2);
    gic_redist_ops.write(region, 0x10080, 4, UINT32_MAX);
    gic_redist_ops.write(region, 0x10100, 4, UINT32_C(1) << 27);
    gic_redist_ops.write(region, 0x1041b, 1, 0x90);
    gic_set_ppi(gic, 0, 27, true);
    assert_true(a64_gic_irq(&cpu));
    assert_int_equal(a64_sr_read_icc_iar1_el1(&cpu), 27);
    assert_int_equal(a64_sr_read_icc_rpr_el1(&cpu), 0x90);
    assert_false(a64_gic_irq(&cpu));
    a64_sr_write_icc_eoir1_el1(&cpu, 27); /* the line is still high */
    assert_true(a64_gic_irq(&cpu));
    a64_sr_write_icc_igrpen1_el1(&cpu, 0);
    assert_false(a64_gic_irq(&cpu));
    a64_sr_write_icc_igrpen1_el1(&cpu, 1);
    assert_true(a64_gic_irq(&cpu));
    gic_set_ppi(gic, 0, 27, false);
    assert_false(a64_gic_irq(&cpu));
    gic_free(gic);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(identification, setup, teardown),
        cmocka_unit_test_setup_teardown(binary_points, setup, teardown),
        cmocka_unit_test_setup_teardown(acknowledge_and_end, setup, teardown),
        cmocka_unit_test_setup_teardown(split_end, setup, teardown),
        cmocka_unit_test_setup_teardown(priority_mask, setup, teardown),
        cmocka_unit_test_setup_teardown(preemption, setup, teardown),
        cmocka_unit_test_setup_teardown(refused_acknowledge, setup, teardown),
        cmocka_unit_test_setup_teardown(software_interrupts, setup, teardown),
        cmocka_unit_test_setup_teardown(virtual_registers, setup, teardown),
        cmocka_unit_test_setup_teardown(virtual_interrupt, setup, teardown),
        cmocka_unit_test_setup_teardown(virtual_fiq_and_hardware, setup, teardown),
        cmocka_unit_test_setup_teardown(virtual_split_end, setup, teardown),
        cmocka_unit_test_setup_teardown(eoi_count, setup, teardown),
        cmocka_unit_test_setup_teardown(maintenance, setup, teardown),
        cmocka_unit_test_setup_teardown(hostile_list_registers, setup, teardown),
        cmocka_unit_test_setup_teardown(whole_way, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
