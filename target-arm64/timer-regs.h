/*
 * Register hooks of the Generic Timer, as sysregs.tbl names them: a read returns the register's
 * value, a write takes the value as written. The access has passed its traps and redirections.
 */
#pragma once

#include "state.h"

uint64_t a64_sr_read_cntpct_el0(A64Cpu *cpu);
uint64_t a64_sr_read_cntvct_el0(A64Cpu *cpu);
uint64_t a64_sr_read_cntp_ctl_el0(A64Cpu *cpu);
void a64_sr_write_cntp_ctl_el0(A64Cpu *cpu, uint64_t value);
void a64_sr_write_cntp_cval_el0(A64Cpu *cpu, uint64_t value);
uint64_t a64_sr_read_cntp_tval_el0(A64Cpu *cpu);
void a64_sr_write_cntp_tval_el0(A64Cpu *cpu, uint64_t value);
uint64_t a64_sr_read_cntv_ctl_el0(A64Cpu *cpu);
void a64_sr_write_cntv_ctl_el0(A64Cpu *cpu, uint64_t value);
void a64_sr_write_cntv_cval_el0(A64Cpu *cpu, uint64_t value);
uint64_t a64_sr_read_cntv_tval_el0(A64Cpu *cpu);
void a64_sr_write_cntv_tval_el0(A64Cpu *cpu, uint64_t value);
uint64_t a64_sr_read_cnthp_ctl_el2(A64Cpu *cpu);
void a64_sr_write_cnthp_ctl_el2(A64Cpu *cpu, uint64_t value);
void a64_sr_write_cnthp_cval_el2(A64Cpu *cpu, uint64_t value);
uint64_t a64_sr_read_cnthp_tval_el2(A64Cpu *cpu);
void a64_sr_write_cnthp_tval_el2(A64Cpu *cpu, uint64_t value);
uint64_t a64_sr_read_cnthv_ctl_el2(A64Cpu *cpu);
void a64_sr_write_cnthv_ctl_el2(A64Cpu *cpu, uint64_t value);
void a64_sr_write_cnthv_cval_el2(A64Cpu *cpu, uint64_t value);
uint64_t a64_sr_read_cnthv_tval_el2(A64Cpu *cpu);
void a64_sr_write_cnthv_tval_el2(A64Cpu *cpu, uint64_t value);
void a64_sr_write_cntvoff_el2(A64Cpu *cpu, uint64_t value);
void a64_sr_write_cntpoff_el2(A64Cpu *cpu, uint64_t value);
void a64_sr_write_cntkctl_el1(A64Cpu *cpu, uint64_t value);
void a64_sr_write_cnthctl_el2(A64Cpu *cpu, uint64_t value);
