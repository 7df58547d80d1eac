/*
 * Software Step exceptions. Arm ARM, "AArch64 Self-hosted Debug", "Software Step exceptions".
 */
#pragma once

#include "state.h"

/* Is the step machine active: MDSCR_EL1.SS, and debug exceptions are enabled here? */
bool a64_step_active(const A64Cpu *cpu);
/* ... and its exception comes before the next instruction. */
bool a64_step_pending(const A64Cpu *cpu);
/* CpuTarget.before_fetch. */
bool a64_before_fetch(EngVcpu *eng);
/* PSTATE.SS after an exception return from the current state to the one in spsr. */
bool a64_step_after_return(const A64Cpu *cpu, uint64_t spsr);
