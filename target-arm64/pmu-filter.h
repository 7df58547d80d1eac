/*
 * Inside the PMU: what its registers make each counter count. A set of counters has a bit for each,
 * A64_PMU_CYCLE is that of the cycle counter.
 */
#pragma once

#include "pmu.h"
#include "cpu.h"

/* The overflow flags. */
static inline uint32_t a64_pmu_flags(const A64Cpu *cpu)
{
    return (uint32_t)cpu->st.sr[A64_SR_PMOVSSET_EL0];
}

/* Counters whose global enable is on. */
uint32_t a64_pmu_enabled_globally(const A64Cpu *cpu);
/* Sets what cpu->pmu and cpu->pmu_counts say of each counter and Exception level. */
void a64_pmu_derive(A64Cpu *cpu);
/* Does counter n count the overflows of n - 1 (CHAIN) now? */
bool a64_pmu_counts_carries(const A64Cpu *cpu, unsigned n);
