/*
 * Between the files of the GIC CPU interface: gic-cpu.c (physical), gic-virt.c (virtual, list
 * registers), gic-regs.c (register hooks).
 */
#pragma once

#include "gic-cpu.h"

/* ICC_CTLR_EL1 and, for the first two, ICV_CTLR_EL1. */
#define A64_ICC_CBPR UINT64_C(1)
#define A64_ICC_EOIMODE UINT64_C(2)
/* PRIbits = 4 (5 bits), IDbits = 0 (16 bits), SEIS = 0, A3V = 1, RSS = 0, ExtRange = 0 */
#define A64_ICC_CTLR_FIXED (UINT64_C(4) << 8 | UINT64_C(1) << 15)

#define A64_ICC_PRIORITY_MASK UINT64_C(0xf8)
enum { A64_ICC_MIN_BPR0 = 2, A64_ICC_MIN_BPR1 = 3 };

/* The group priority bits of a group, from the binary points. Source: "Priority grouping". */
uint8_t a64_gic_group_mask(uint64_t bpr0, uint64_t bpr1, bool common, unsigned group);
/* Highest priority in active priority registers, A64_GIC_IDLE when none. */
uint8_t a64_gic_active_priority(uint64_t ap0, uint64_t ap1);
/* AP1R<n>.NMI, ICC_RPR_EL1.NMI: a non-maskable interrupt is active. It has priority 0. */
#define A64_AP1_NMI (UINT64_C(1) << 63)
#define A64_AP_MASK (A64_AP1_NMI | UINT32_MAX)
/* The group that holds the running priority, Group 0 if both do; -1: none. */
int a64_gic_running_group(uint64_t ap0, uint64_t ap1);
/* The active priority register, of the group that holds the running priority, after a drop. */
uint64_t a64_gic_drop(uint64_t ap);
/* The bit that an activation sets there; priority: the group priority. */
uint64_t a64_gic_active_bit(uint8_t priority, bool nmi);
/* Which acknowledge register is read, as seen by an interrupt of its group. */
typedef enum { A64_GIC_IAR, A64_GIC_NMIAR } A64GicAck;
/* The special INTID that keeps a Group 1 interrupt from being acknowledged by that register at the
 * current Exception level; 0: none. Source: "Special INTIDs", ICC_NMIAR1_EL1. */
uint32_t a64_gic_refusal(const A64Cpu *cpu, A64GicAck by, bool nmi);
/* Is this the INTID of an interrupt, rather than a special one (1020-1023) or none at all? */
bool a64_gic_is_interrupt(uint64_t intid);
/* Asks for a poll when an interrupt input is high: what was masked may not be so any more. */
void a64_gic_poke(A64Cpu *cpu);

/* Physical interface. group = 0, 1. */
uint64_t a64_icc_read_iar(A64Cpu *cpu, unsigned group, A64GicAck by);
uint64_t a64_icc_read_rpr(const A64Cpu *cpu);
uint64_t a64_icc_read_hppir(A64Cpu *cpu, unsigned group);
void a64_icc_write_eoir(A64Cpu *cpu, unsigned group, uint64_t value);
void a64_icc_write_dir(A64Cpu *cpu, uint64_t value);
void a64_icc_deactivate(A64Cpu *cpu, uint32_t intid);
/* After a write of PMR, BPR, CTLR or an active priority register: the caches and the inputs. */
void a64_icc_update(A64Cpu *cpu);

/* Virtual interface. */
uint64_t a64_icv_read_iar(A64Cpu *cpu, unsigned group, A64GicAck by);
uint64_t a64_icv_read_hppir(A64Cpu *cpu, unsigned group);
void a64_icv_write_eoir(A64Cpu *cpu, unsigned group, uint64_t value);
void a64_icv_write_dir(A64Cpu *cpu, uint64_t value);
uint64_t a64_icv_read_rpr(A64Cpu *cpu);
uint64_t a64_icv_read_bpr(A64Cpu *cpu, unsigned group);
void a64_icv_write_bpr(A64Cpu *cpu, unsigned group, uint64_t value);
uint64_t a64_icv_read_ctlr(A64Cpu *cpu);
void a64_icv_write_ctlr(A64Cpu *cpu, uint64_t value);

/* Hypervisor control. */
#define A64_ICH_HCR_EN UINT64_C(1)
#define A64_ICH_VMCR_VCBPR UINT64_C(0x10)
#define A64_ICH_VMCR_VEOIM UINT64_C(0x200)
enum { A64_ICH_VMCR_VBPR1 = 18, A64_ICH_VMCR_VBPR0 = 21, A64_ICH_VMCR_VPMR = 24 };
/* Source: ICH_VTR_EL2: 16 list registers, TDS, no direct injection, A3V, 16-bit INTIDs, 5 priority
 * and 5 preemption bits. */
#define A64_ICH_VTR                                                             \
    (UINT64_C(15) | UINT64_C(1) << 19 | UINT64_C(1) << 20 | UINT64_C(1) << 21 | \
     UINT64_C(4) << 26 | UINT64_C(4) << 29)
void a64_ich_write_lr(A64Cpu *cpu, unsigned n, uint64_t value);
void a64_ich_write_vmcr(A64Cpu *cpu, uint64_t value);
uint64_t a64_ich_read_misr(A64Cpu *cpu);
/* The virtual lines and the maintenance interrupt, from HCR, VMCR, active priorities and LRs. */
void a64_ich_update(A64Cpu *cpu);
/* The list-register caches, from the registers. */
void a64_ich_rebuild(A64Cpu *cpu);
