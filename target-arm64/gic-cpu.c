/*
 * The physical GICv3 CPU interface: acknowledge, priority drop, deactivation, masking, preemption.
 * GIC architecture specification, "Interrupt prioritization", "Physical interrupt handling".
 * One Security state: Group 0 is signalled as FIQ, Group 1 as IRQ. 5 priority bits, 5 of
 * preemption, so one active priority register a group, a bit for each 8 priorities.
 */
#include "gic-cpu.h"

#include <assert.h>
#include <stdlib.h>

#include "armillary/engine.h"
#include "gic-internal.h"
#include "unpredictable.h"

#define NO_PENDING ((uint64_t)A64_GIC_SPURIOUS | UINT64_C(0xff) << 32)

uint8_t a64_gic_group_mask(uint64_t bpr0, uint64_t bpr1, bool common, unsigned group)
{
    /* Group 1's own binary point counts one bit lower (Non-secure BPR1). */
    const uint64_t point = group && !common ? (bpr1 & 7) - 1 : bpr0 & 7;
    return (uint8_t)(0xff << (point + 1));
}

uint8_t a64_gic_active_priority(uint64_t ap0, uint64_t ap1)
{
    const uint32_t both = (uint32_t)(ap0 | ap1);
    if (ap1 & A64_AP1_NMI) {
        return 0;
    }
    return both ? (uint8_t)(__builtin_ctz(both) * 8) : A64_GIC_IDLE;
}

int a64_gic_running_group(uint64_t ap0, uint64_t ap1)
{
    if (!(ap0 | ap1)) {
        return -1;
    }
    if (!ap0 || ap1 & A64_AP1_NMI) {
        return 1;
    }
    return ap1 && __builtin_ctzll(ap1) < __builtin_ctzll(ap0);
}

uint64_t a64_gic_drop(uint64_t ap)
{
    return ap & A64_AP1_NMI ? ap & ~A64_AP1_NMI : ap & (ap - 1);
}

uint64_t a64_gic_active_bit(uint8_t priority, bool nmi)
{
    return nmi ? A64_AP1_NMI : UINT64_C(1) << (priority >> 3);
}

uint32_t a64_gic_refusal(const A64Cpu *cpu, A64GicAck by, bool nmi)
{
    const uint64_t *sr = cpu->st.sr;
    const uint64_t sctlr = sr[cpu->st.pstate.el == 2 ? A64_SR_SCTLR_EL2 : A64_SR_SCTLR_EL1];
    if (by == A64_GIC_NMIAR) {
        return nmi ? 0 : A64_GIC_SPURIOUS;
    }
    return nmi && sctlr & A64_SCTLR_EL1_NMI ? A64_GIC_USE_NMIAR : 0;
}

bool a64_gic_is_interrupt(uint64_t intid)
{
    return intid < 1020 || intid >= A64_GIC_LPI_FIRST;
}

void a64_gic_poke(A64Cpu *cpu)
{
    const struct A64GicCpu *g = cpu->gic;
    if (g->virtual_line || a64_gic_line(g, 0) || a64_gic_line(g, 1)) {
        atomic_fetch_or_explicit(&cpu->eng.attention, ENG_ATT_IRQ, memory_order_relaxed);
    }
}

void a64_gic_set_pending(void *ctx, uint32_t intid, uint8_t priority, unsigned group, bool nmi)
{
    A64Cpu *cpu = ctx;
    const uint64_t word = intid == A64_GIC_SPURIOUS
                              ? NO_PENDING
                              : intid | (uint64_t)priority << 32 | (uint64_t)group << 40 |
                                    (nmi ? A64_GIC_NMI : 0);
    atomic_store_explicit(&cpu->gic->pending, word, memory_order_release);
    if (intid != A64_GIC_SPURIOUS) {
        eng_kick(&cpu->eng, ENG_ATT_IRQ);
    }
}

void a64_gic_init(A64Cpu *cpu)
{
    cpu->gic = calloc(1, sizeof *cpu->gic);
    assert(cpu->gic);
    atomic_init(&cpu->gic->pending, NO_PENDING);
    a64_gic_rebuild(cpu);
}

void a64_gic_free(A64Cpu *cpu)
{
    free(cpu->gic);
    cpu->gic = NULL;
}

void a64_icc_update(A64Cpu *cpu)
{
    struct A64GicCpu *g = cpu->gic;
    const uint64_t *sr = cpu->st.sr;
    const bool common = sr[A64_SR_ICC_CTLR_EL1] & A64_ICC_CBPR;
    const uint64_t bpr0 = sr[A64_SR_ICC_BPR0_EL1], bpr1 = sr[A64_SR_ICC_BPR1_EL1];
    g->pmr = (uint8_t)sr[A64_SR_ICC_PMR_EL1];
    g->mask[0] = a64_gic_group_mask(bpr0, bpr1, common, 0);
    g->mask[1] = a64_gic_group_mask(bpr0, bpr1, common, 1);
    g->running = a64_gic_active_priority(sr[A64_SR_ICC_AP0R0_EL1], sr[A64_SR_ICC_AP1R0_EL1]);
    g->running_nmi = sr[A64_SR_ICC_AP1R0_EL1] & A64_AP1_NMI;
    a64_gic_poke(cpu);
}

void a64_gic_rebuild(A64Cpu *cpu)
{
    const uint64_t *sr = cpu->st.sr;
    a64_icc_update(cpu);
    a64_ich_rebuild(cpu);
    cpu->ports->gic->upstream(cpu->ports->gic_ctx, cpu->eng.index, sr[A64_SR_ICC_IGRPEN0_EL1] & 1,
                              sr[A64_SR_ICC_IGRPEN1_EL1] & 1);
    cpu->ports->gic->set_ppi(cpu->ports->gic_ctx, cpu->eng.index, A64_GIC_MAINTENANCE,
                             cpu->gic->maintenance);
}

static uint64_t *active_priorities(A64Cpu *cpu, unsigned group)
{
    return &cpu->st.sr[group ? A64_SR_ICC_AP1R0_EL1 : A64_SR_ICC_AP0R0_EL1];
}

uint64_t a64_icc_read_rpr(const A64Cpu *cpu)
{
    return cpu->gic->running | (cpu->gic->running_nmi ? A64_AP1_NMI : 0);
}

uint64_t a64_icc_read_iar(A64Cpu *cpu, unsigned group, A64GicAck by)
{
    struct A64GicCpu *g = cpu->gic;
    while (a64_gic_line(g, group)) {
        const uint64_t p = atomic_load_explicit(&g->pending, memory_order_acquire);
        const uint32_t intid = (uint32_t)p;
        const bool nmi = p & A64_GIC_NMI;
        if ((p >> 40 & 1) != group || intid == A64_GIC_SPURIOUS) {
            continue; /* it changed meanwhile */
        }
        const uint32_t refusal = a64_gic_refusal(cpu, by, nmi);
        if (refusal) {
            return refusal;
        }
        if (cpu->ports->gic->activate(cpu->ports->gic_ctx, cpu->eng.index, intid)) {
            const uint8_t priority = (uint8_t)(p >> 32) & g->mask[group];
            *active_priorities(cpu, group) |= a64_gic_active_bit(priority, nmi);
            a64_icc_update(cpu);
            return intid;
        }
        if (atomic_load_explicit(&g->pending, memory_order_acquire) == p) {
            break; /* refused, and nothing else is offered */
        }
    }
    return A64_GIC_SPURIOUS;
}

uint64_t a64_icc_read_hppir(A64Cpu *cpu, unsigned group)
{
    const uint64_t p = atomic_load_explicit(&cpu->gic->pending, memory_order_acquire);
    return (p >> 40 & 1) == group ? (uint32_t)p : A64_GIC_SPURIOUS;
}

void a64_icc_deactivate(A64Cpu *cpu, uint32_t intid)
{
    cpu->ports->gic->deactivate(cpu->ports->gic_ctx, cpu->eng.index, intid);
}

/*
 * Priority drop, and deactivation when EOImode is 0. A write through the register of the group that
 * does not hold the running priority is a guest error.
 */
void a64_icc_write_eoir(A64Cpu *cpu, unsigned group, uint64_t value)
{
    const uint32_t intid = value & 0xffffff;
    uint64_t *mine = active_priorities(cpu, group);
    const int running =
        a64_gic_running_group(*active_priorities(cpu, 0), *active_priorities(cpu, 1));
    if (!a64_gic_is_interrupt(intid) || (running != (int)group && !a64_unpred_eoir())) {
        return;
    }
    *mine = a64_gic_drop(*mine);
    a64_icc_update(cpu);
    if (!(cpu->st.sr[A64_SR_ICC_CTLR_EL1] & A64_ICC_EOIMODE)) {
        a64_icc_deactivate(cpu, intid);
    }
}

/* With EOImode 0 the write is a guest error. */
void a64_icc_write_dir(A64Cpu *cpu, uint64_t value)
{
    const uint32_t intid = value & 0xffffff;
    const bool split = cpu->st.sr[A64_SR_ICC_CTLR_EL1] & A64_ICC_EOIMODE;
    if (a64_gic_is_interrupt(intid) && (split || a64_unpred_dir())) {
        a64_icc_deactivate(cpu, intid);
    }
}
