/*
 * The GICv3 CPU interface of a vCPU: physical (ICC_*), virtual (ICV_*) and hypervisor control
 * (ICH_*) registers.
 * GIC architecture specification (IHI 0069), "AArch64 System register descriptions" of the GIC.
 * The registers themselves are in A64State.sr; here is what follows from them, and the one word
 * that other threads write. The hooks a64_sr_read_icc_*, ... of sysregs.tbl are in gic-regs.c.
 */
#pragma once

#include "state.h"

#include "armillary/port.h"

#define A64_GIC_SPURIOUS 1023u
#define A64_GIC_USE_NMIAR 1022u /* the interrupt is to be acknowledged by ICC_NMIAR1_EL1 */
#define A64_GIC_LPI_FIRST 8192u
#define A64_GIC_NMI (UINT64_C(1) << 41) /* of A64GicCpu.pending */
#define A64_GIC_IDLE 0xffu /* running priority when no interrupt is active */
enum { A64_GIC_LRS = 16 };
enum { A64_GIC_MAINTENANCE = 25 }; /* INTID of the maintenance interrupt */

struct A64GicCpu {
    /* Highest-priority pending interrupt: INTID, priority << 32, group << 40, non-maskable << 41.
     * Written by the distributor (any thread, device lock held), read by the vCPU's thread without
     * a lock. */
    _Atomic(uint64_t) pending;
    /* Caches over A64State.sr; a64_gic_rebuild() makes them. */
    uint8_t pmr;
    uint8_t mask[2];      /* group priority bits of Group 0, Group 1 */
    uint8_t running;      /* running priority, A64_GIC_IDLE when none */
    bool running_nmi;     /* it is that of a non-maskable interrupt */
    uint8_t virtual_line; /* bit 0: virtual IRQ, bit 1: virtual FIQ, bit 2: with Superpriority */
    bool maintenance;     /* level of the maintenance interrupt */
    uint16_t lr_pending;  /* list registers in state pending (not active) */
    uint16_t lr_active;   /* active, or active and pending */
    uint16_t lr_valid;    /* not invalid */
    uint16_t lr_eoi;      /* invalid, HW = 0, EOI = 1: a maintenance interrupt waits */
};

/* Allocates cpu->gic; the registers must have their reset values. a64_gic_free undoes it. */
void a64_gic_init(A64Cpu *cpu);
void a64_gic_free(A64Cpu *cpu);
/* Remakes the caches and tells the distributor the group enables: after reset or loading state. */
void a64_gic_rebuild(A64Cpu *cpu);
/* An ArmGicSetPending; cpu is the A64Cpu. */
void a64_gic_set_pending(void *cpu, uint32_t intid, uint8_t priority, unsigned group, bool nmi);

/* Would an interrupt of this priority preempt what runs? mask: group priority bits. */
static inline bool a64_gic_preempts(uint8_t priority, uint8_t mask, uint8_t running)
{
    return running == A64_GIC_IDLE || (priority & mask) < (running & mask);
}

static inline bool a64_gic_line(const struct A64GicCpu *g, unsigned group)
{
    const uint64_t p = atomic_load_explicit(&g->pending, memory_order_acquire);
    const uint8_t priority = (uint8_t)(p >> 32);
    if ((uint32_t)p == A64_GIC_SPURIOUS || (p >> 40 & 1) != group)
        return false;
    if (p & A64_GIC_NMI) /* above every priority, so only another one keeps it away */
        return !g->running_nmi;
    return priority < g->pmr && a64_gic_preempts(priority, g->mask[group], g->running);
}

/* Inputs of the exception model, before PSTATE and HCR_EL2 (whose VI and VF are not in here). */
static inline bool a64_gic_irq(const A64Cpu *cpu)
{
    return cpu->gic && a64_gic_line(cpu->gic, 1);
}

/* Is the IRQ one with Superpriority? */
static inline bool a64_gic_nmi(const A64Cpu *cpu)
{
    return a64_gic_irq(cpu) &&
           (atomic_load_explicit(&cpu->gic->pending, memory_order_acquire) & A64_GIC_NMI);
}

static inline bool a64_gic_fiq(const A64Cpu *cpu)
{
    return cpu->gic && a64_gic_line(cpu->gic, 0);
}

static inline bool a64_gic_virq(const A64Cpu *cpu)
{
    return cpu->gic && (cpu->gic->virtual_line & 1);
}

static inline bool a64_gic_vnmi(const A64Cpu *cpu)
{
    return cpu->gic && (cpu->gic->virtual_line & 4);
}

static inline bool a64_gic_vfiq(const A64Cpu *cpu)
{
    return cpu->gic && (cpu->gic->virtual_line & 2);
}
