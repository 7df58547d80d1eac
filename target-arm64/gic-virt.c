/*
 * The virtual GICv3 CPU interface: list registers, what a guest acknowledges and ends, and the
 * maintenance interrupt.
 * GIC architecture specification, "Virtual interrupt handling and prioritization", "ICH_LR<n>_EL2",
 * "ICH_MISR_EL2", "Maintenance interrupts".
 */
#include "gic-internal.h"

#define LR_PENDING (UINT64_C(1) << 62)
#define LR_ACTIVE (UINT64_C(1) << 63)
#define LR_STATE (LR_PENDING | LR_ACTIVE)
#define LR_HW (UINT64_C(1) << 61)
#define LR_EOI (UINT64_C(1) << 41)
#define LR_GROUP (UINT64_C(1) << 60)
#define LR_NMI (UINT64_C(1) << 59)
/* State, HW, Group, NMI; 5 priority bits; pINTID (or EOI); 16 bits of vINTID. */
#define LR_MASK                                                                             \
    (LR_STATE | LR_HW | LR_GROUP | LR_NMI | A64_ICC_PRIORITY_MASK << 48 | UINT64_C(0x1fff) << 32 | \
     UINT64_C(0xffff))
/* VENG0, VENG1, VCBPR, VEOIM, VBPR1, VBPR0, VPMR. VFIQEn is RAO/WI, VAckCtl RAZ/WI: no GICv2. */
#define VMCR_MASK UINT64_C(0xf8fc0213)
#define VMCR_VFIQEN UINT64_C(8)
#define HCR_EOICOUNT_ONE (UINT64_C(1) << 27)
#define HCR_EOICOUNT (UINT64_C(0x1f) << 27)
enum { HCR_UIE = 2, HCR_LRENPIE = 4, HCR_NPIE = 8 };

static uint64_t *list_register(A64Cpu *cpu, unsigned n)
{
    return &cpu->st.sr[A64_SR_ICH_LR0_EL2 + n];
}

static uint64_t vmcr(const A64Cpu *cpu)
{
    return cpu->st.sr[A64_SR_ICH_VMCR_EL2];
}

static uint64_t *active_priorities(A64Cpu *cpu, unsigned group)
{
    return &cpu->st.sr[group ? A64_SR_ICH_AP1R0_EL2 : A64_SR_ICH_AP0R0_EL2];
}

static uint8_t running(const A64Cpu *cpu)
{
    return a64_gic_active_priority(cpu->st.sr[A64_SR_ICH_AP0R0_EL2],
                                   cpu->st.sr[A64_SR_ICH_AP1R0_EL2]);
}

static bool running_nmi(const A64Cpu *cpu)
{
    return cpu->st.sr[A64_SR_ICH_AP1R0_EL2] & A64_AP1_NMI;
}

static uint8_t group_mask(const A64Cpu *cpu, unsigned group)
{
    const uint64_t v = vmcr(cpu);
    return a64_gic_group_mask(v >> A64_ICH_VMCR_VBPR0 & 7, v >> A64_ICH_VMCR_VBPR1 & 7,
                              v & A64_ICH_VMCR_VCBPR, group);
}

static unsigned lr_group(uint64_t lr)
{
    return lr >> 60 & 1;
}

/* Only interrupts of Group 1 can be non-maskable. */
static bool lr_nmi(uint64_t lr)
{
    return (lr & (LR_GROUP | LR_NMI)) == (LR_GROUP | LR_NMI);
}

static uint8_t lr_priority(uint64_t lr)
{
    return lr_nmi(lr) ? 0 : (uint8_t)(lr >> 48);
}

/* In the order of priorities; Superpriority comes before 0. */
static int rank(uint64_t lr)
{
    return lr_nmi(lr) ? -1 : lr_priority(lr);
}

/* The list register with the highest-priority pending interrupt of an enabled group, or -1. */
static int highest_pending(A64Cpu *cpu)
{
    const uint64_t enabled = vmcr(cpu);
    int best = -1, best_rank = 0x100;
    for (uint32_t left = cpu->gic->lr_pending; left; left &= left - 1) {
        const int n = __builtin_ctz(left);
        const uint64_t lr = *list_register(cpu, (unsigned)n);
        if ((enabled >> lr_group(lr) & 1) && rank(lr) < best_rank) {
            best_rank = rank(lr);
            best = n;
        }
    }
    return best;
}

/* Is the interrupt of list register n of high enough priority to be signalled? */
static bool signalled(A64Cpu *cpu, unsigned n)
{
    const uint64_t lr = *list_register(cpu, n);
    if (!(cpu->st.sr[A64_SR_ICH_HCR_EL2] & A64_ICH_HCR_EN)) {
        return false;
    }
    if (lr_nmi(lr)) {
        return !running_nmi(cpu);
    }
    return lr_priority(lr) < vmcr(cpu) >> A64_ICH_VMCR_VPMR &&
           a64_gic_preempts(lr_priority(lr), group_mask(cpu, lr_group(lr)), running(cpu));
}

uint64_t a64_ich_read_misr(A64Cpu *cpu)
{
    const struct A64GicCpu *g = cpu->gic;
    const uint64_t hcr = cpu->st.sr[A64_SR_ICH_HCR_EL2], v = vmcr(cpu);
    const uint64_t group0 = v & 1, group1 = v >> 1 & 1;
    uint64_t misr = g->lr_eoi != 0;
    if ((hcr & HCR_UIE) && !(g->lr_valid & (g->lr_valid - 1))) {
        misr |= 1 << 1; /* U: none or one is valid */
    }
    if ((hcr & HCR_LRENPIE) && (hcr & HCR_EOICOUNT)) {
        misr |= 1 << 2;
    }
    if ((hcr & HCR_NPIE) && !g->lr_pending) {
        misr |= 1 << 3;
    }
    misr |= (hcr >> 4 & 1 & group0) << 4;
    misr |= (hcr >> 5 & 1 & ~group0) << 5;
    misr |= (hcr >> 6 & 1 & group1) << 6;
    misr |= (hcr >> 7 & 1 & ~group1) << 7;
    return misr;
}

void a64_ich_update(A64Cpu *cpu)
{
    struct A64GicCpu *g = cpu->gic;
    const bool enabled = cpu->st.sr[A64_SR_ICH_HCR_EL2] & A64_ICH_HCR_EN;
    const bool maintenance = enabled && a64_ich_read_misr(cpu) != 0;
    g->virtual_line = 0;
    if (enabled && g->lr_pending) {
        const int n = highest_pending(cpu);
        if (n >= 0 && signalled(cpu, (unsigned)n)) {
            const uint64_t lr = *list_register(cpu, (unsigned)n);
            g->virtual_line = lr_nmi(lr) ? 5 : lr_group(lr) ? 1 : 2;
            a64_gic_poke(cpu);
        }
    }
    if (maintenance != g->maintenance) {
        g->maintenance = maintenance;
        cpu->ports->gic->set_ppi(cpu->ports->gic_ctx, cpu->eng.index, A64_GIC_MAINTENANCE,
                                 maintenance);
    }
}

static uint16_t with_bit(uint16_t set, unsigned n, bool on)
{
    return (uint16_t)((set & ~(1u << n)) | (unsigned)on << n);
}

static void set_lr(A64Cpu *cpu, unsigned n, uint64_t lr)
{
    struct A64GicCpu *g = cpu->gic;
    *list_register(cpu, n) = lr;
    g->lr_pending = with_bit(g->lr_pending, n, (lr & LR_STATE) == LR_PENDING);
    g->lr_active = with_bit(g->lr_active, n, lr & LR_ACTIVE);
    g->lr_valid = with_bit(g->lr_valid, n, lr & LR_STATE);
    g->lr_eoi = with_bit(g->lr_eoi, n, (lr & (LR_STATE | LR_HW | LR_EOI)) == LR_EOI);
}

void a64_ich_rebuild(A64Cpu *cpu)
{
    for (unsigned n = 0; n < A64_GIC_LRS; n++) {
        set_lr(cpu, n, *list_register(cpu, n));
    }
    a64_ich_update(cpu);
}

void a64_ich_write_lr(A64Cpu *cpu, unsigned n, uint64_t value)
{
    set_lr(cpu, n, value & LR_MASK);
    a64_ich_update(cpu);
}

/* A binary point below the least one reads as the least. */
static uint64_t at_least(uint64_t point, uint64_t least)
{
    return point < least ? least : point;
}

void a64_ich_write_vmcr(A64Cpu *cpu, uint64_t value)
{
    const uint64_t bpr0 = at_least(value >> A64_ICH_VMCR_VBPR0 & 7, A64_ICC_MIN_BPR0);
    const uint64_t bpr1 = at_least(value >> A64_ICH_VMCR_VBPR1 & 7, A64_ICC_MIN_BPR1);
    const uint64_t points = UINT64_C(7) << A64_ICH_VMCR_VBPR0 | UINT64_C(7) << A64_ICH_VMCR_VBPR1;
    cpu->st.sr[A64_SR_ICH_VMCR_EL2] = (value & VMCR_MASK & ~points) | VMCR_VFIQEN |
                                      bpr0 << A64_ICH_VMCR_VBPR0 | bpr1 << A64_ICH_VMCR_VBPR1;
    a64_ich_update(cpu);
}

uint64_t a64_icv_read_iar(A64Cpu *cpu, unsigned group, A64GicAck by)
{
    const int best = highest_pending(cpu);
    if (best < 0 || !signalled(cpu, (unsigned)best)) {
        return A64_GIC_SPURIOUS;
    }
    const unsigned n = (unsigned)best;
    const uint64_t lr = *list_register(cpu, n);
    const uint64_t intid = (uint32_t)lr;
    if (lr_group(lr) != group) {
        return A64_GIC_SPURIOUS;
    }
    if (!a64_gic_is_interrupt(intid)) {
        set_lr(cpu, n, lr & ~LR_STATE); /* a special INTID is read, but never active */
        a64_ich_update(cpu);
        return intid;
    }
    const uint32_t refusal = a64_gic_refusal(cpu, by, lr_nmi(lr));
    if (refusal) {
        return refusal;
    }
    const uint8_t priority = lr_priority(lr) & group_mask(cpu, group);
    *active_priorities(cpu, group) |= a64_gic_active_bit(priority, lr_nmi(lr));
    /* An LPI has no active state. */
    set_lr(cpu, n, (lr & ~LR_STATE) | (intid < A64_GIC_LPI_FIRST ? LR_ACTIVE : 0));
    a64_ich_update(cpu);
    return intid;
}

uint64_t a64_icv_read_hppir(A64Cpu *cpu, unsigned group)
{
    /* ICH_HCR_EL2.En stops the signalling and the acknowledge registers, not this one. */
    const int n = highest_pending(cpu);
    if (n < 0) {
        return A64_GIC_SPURIOUS;
    }
    const uint64_t lr = *list_register(cpu, (unsigned)n);
    return lr_group(lr) == group ? (uint32_t)lr : A64_GIC_SPURIOUS;
}

/* The list register in which intid is active, or -1. */
static int find_active(A64Cpu *cpu, uint32_t intid)
{
    for (uint32_t left = cpu->gic->lr_active; left; left &= left - 1) {
        const int n = __builtin_ctz(left);
        if ((uint32_t)*list_register(cpu, (unsigned)n) == intid) {
            return n;
        }
    }
    return -1;
}

static void deactivate(A64Cpu *cpu, unsigned n)
{
    const uint64_t lr = *list_register(cpu, n);
    set_lr(cpu, n, lr & ~LR_ACTIVE);
    if (lr & LR_HW) {
        const uint32_t physical = lr >> 32 & 0x1fff;
        if (a64_gic_is_interrupt(physical)) {
            a64_icc_deactivate(cpu, physical);
        }
    }
}

static void count_eoi(A64Cpu *cpu, uint32_t intid)
{
    uint64_t *hcr = &cpu->st.sr[A64_SR_ICH_HCR_EL2];
    if (intid < A64_GIC_LPI_FIRST) {
        *hcr = (*hcr & ~HCR_EOICOUNT) | ((*hcr + HCR_EOICOUNT_ONE) & HCR_EOICOUNT);
    }
}

/* Clears the highest active priority of either group and returns it, A64_GIC_IDLE when none; the
 * priority of a non-maskable one is 0. */
static uint8_t drop_priority(A64Cpu *cpu)
{
    const uint8_t priority = running(cpu);
    const int holder = a64_gic_running_group(cpu->st.sr[A64_SR_ICH_AP0R0_EL2],
                                             cpu->st.sr[A64_SR_ICH_AP1R0_EL2]);
    if (holder >= 0) {
        uint64_t *ap = active_priorities(cpu, (unsigned)holder);
        *ap = a64_gic_drop(*ap);
    }
    return priority;
}

void a64_icv_write_eoir(A64Cpu *cpu, unsigned group, uint64_t value)
{
    const uint32_t intid = value & 0xffffff;
    if (!a64_gic_is_interrupt(intid)) {
        return;
    }
    const bool dropped_nmi = running_nmi(cpu);
    const uint8_t dropped = drop_priority(cpu);
    const bool split = vmcr(cpu) & A64_ICH_VMCR_VEOIM;
    const int n = find_active(cpu, intid);
    if (dropped != A64_GIC_IDLE && !split) {
        if (n < 0) {
            count_eoi(cpu, intid);
        } else {
            const uint64_t lr = *list_register(cpu, (unsigned)n);
            if (lr_group(lr) == group && lr_nmi(lr) == dropped_nmi &&
                (lr_priority(lr) & group_mask(cpu, group)) == dropped) {
                deactivate(cpu, (unsigned)n);
            }
        }
    }
    a64_ich_update(cpu);
}

void a64_icv_write_dir(A64Cpu *cpu, uint64_t value)
{
    const uint32_t intid = value & 0xffffff;
    if (!a64_gic_is_interrupt(intid) || !(vmcr(cpu) & A64_ICH_VMCR_VEOIM)) {
        return;
    }
    const int n = find_active(cpu, intid);
    if (n < 0) {
        count_eoi(cpu, intid);
    } else {
        deactivate(cpu, (unsigned)n);
    }
    a64_ich_update(cpu);
}

uint64_t a64_icv_read_rpr(A64Cpu *cpu)
{
    return running(cpu) | (running_nmi(cpu) ? A64_AP1_NMI : 0);
}

uint64_t a64_icv_read_bpr(A64Cpu *cpu, unsigned group)
{
    const uint64_t v = vmcr(cpu), bpr0 = v >> A64_ICH_VMCR_VBPR0 & 7;
    if (group == 0) {
        return bpr0;
    }
    if (v & A64_ICH_VMCR_VCBPR) {
        return bpr0 == 7 ? 7 : bpr0 + 1;
    }
    return v >> A64_ICH_VMCR_VBPR1 & 7;
}

void a64_icv_write_bpr(A64Cpu *cpu, unsigned group, uint64_t value)
{
    const uint64_t v = vmcr(cpu);
    const unsigned at = group ? A64_ICH_VMCR_VBPR1 : A64_ICH_VMCR_VBPR0;
    if (!(group && (v & A64_ICH_VMCR_VCBPR))) {
        a64_ich_write_vmcr(cpu, (v & ~(UINT64_C(7) << at)) | (value & 7) << at);
    }
}

uint64_t a64_icv_read_ctlr(A64Cpu *cpu)
{
    const uint64_t v = vmcr(cpu);
    return A64_ICC_CTLR_FIXED | (v & A64_ICH_VMCR_VCBPR ? A64_ICC_CBPR : 0) |
           (v & A64_ICH_VMCR_VEOIM ? A64_ICC_EOIMODE : 0);
}

void a64_icv_write_ctlr(A64Cpu *cpu, uint64_t value)
{
    const uint64_t keep = vmcr(cpu) & ~(A64_ICH_VMCR_VCBPR | A64_ICH_VMCR_VEOIM);
    a64_ich_write_vmcr(cpu, keep | (value & A64_ICC_CBPR ? A64_ICH_VMCR_VCBPR : 0) |
                                (value & A64_ICC_EOIMODE ? A64_ICH_VMCR_VEOIM : 0));
}
