/*
 * Register hooks of the GIC CPU interface, as sysregs.tbl names them: a read returns the register's
 * value, a write takes the value as written. The access has passed its traps.
 */
#pragma once

#include "gic-cpu.h"

uint64_t a64_sr_read_icc_iar0_el1(A64Cpu *cpu);
uint64_t a64_sr_read_icc_iar1_el1(A64Cpu *cpu);
void a64_sr_write_icc_eoir0_el1(A64Cpu *cpu, uint64_t value);
void a64_sr_write_icc_eoir1_el1(A64Cpu *cpu, uint64_t value);
uint64_t a64_sr_read_icc_hppir0_el1(A64Cpu *cpu);
uint64_t a64_sr_read_icc_hppir1_el1(A64Cpu *cpu);
void a64_sr_write_icc_dir_el1(A64Cpu *cpu, uint64_t value);
uint64_t a64_sr_read_icc_rpr_el1(A64Cpu *cpu);
uint64_t a64_sr_read_icc_bpr0_el1(A64Cpu *cpu);
uint64_t a64_sr_read_icc_bpr1_el1(A64Cpu *cpu);
void a64_sr_write_icc_bpr0_el1(A64Cpu *cpu, uint64_t value);
void a64_sr_write_icc_bpr1_el1(A64Cpu *cpu, uint64_t value);
uint64_t a64_sr_read_icc_ap0r0_el1(A64Cpu *cpu);
uint64_t a64_sr_read_icc_ap1r0_el1(A64Cpu *cpu);
void a64_sr_write_icc_ap0r0_el1(A64Cpu *cpu, uint64_t value);
void a64_sr_write_icc_ap1r0_el1(A64Cpu *cpu, uint64_t value);
uint64_t a64_sr_read_icc_pmr_el1(A64Cpu *cpu);
void a64_sr_write_icc_pmr_el1(A64Cpu *cpu, uint64_t value);
uint64_t a64_sr_read_icc_ctlr_el1(A64Cpu *cpu);
void a64_sr_write_icc_ctlr_el1(A64Cpu *cpu, uint64_t value);
uint64_t a64_sr_read_icc_igrpen0_el1(A64Cpu *cpu);
uint64_t a64_sr_read_icc_igrpen1_el1(A64Cpu *cpu);
void a64_sr_write_icc_igrpen0_el1(A64Cpu *cpu, uint64_t value);
void a64_sr_write_icc_igrpen1_el1(A64Cpu *cpu, uint64_t value);
void a64_sr_write_icc_sgi0r_el1(A64Cpu *cpu, uint64_t value);
void a64_sr_write_icc_sgi1r_el1(A64Cpu *cpu, uint64_t value);
void a64_sr_write_icc_asgi1r_el1(A64Cpu *cpu, uint64_t value);
uint64_t a64_sr_read_icc_sre_el1(A64Cpu *cpu);
void a64_sr_write_icc_sre_el1(A64Cpu *cpu, uint64_t value);
void a64_sr_write_icc_sre_el2(A64Cpu *cpu, uint64_t value);
void a64_sr_write_ich_hcr_el2(A64Cpu *cpu, uint64_t value);
uint64_t a64_sr_read_ich_vtr_el2(A64Cpu *cpu);
uint64_t a64_sr_read_ich_misr_el2(A64Cpu *cpu);
uint64_t a64_sr_read_ich_eisr_el2(A64Cpu *cpu);
uint64_t a64_sr_read_ich_elrsr_el2(A64Cpu *cpu);
void a64_sr_write_ich_vmcr_el2(A64Cpu *cpu, uint64_t value);
void a64_sr_write_ich_ap0r0_el2(A64Cpu *cpu, uint64_t value);
void a64_sr_write_ich_ap1r0_el2(A64Cpu *cpu, uint64_t value);
void a64_sr_write_ich_lr_el2(A64Cpu *cpu, unsigned n, uint64_t value);
