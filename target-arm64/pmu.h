/*
 * The Performance Monitors of a vCPU. Arm ARM, "The Performance Monitors Extension" and "PMU Event
 * Descriptions". A cycle is an instruction, and a waiting PE has none. What counts every
 * instruction is settled when the Exception level or a register changes, and its overflow is an
 * alarm; all other events are told one by one, those of plain instructions by calls that blocks
 * only have while some counter wants them.
 */
#pragma once

#include "armillary/clock.h"
#include "armillary/ir.h"
#include "state.h"

enum { A64_PMU_COUNTERS = 8, A64_PMU_CYCLE = 31, A64_PMU_INTID = 23 };

/* What happens, one bit each; an event of the architecture counts some of them. */
enum {
    A64_PMU_LOAD = 1 << 0,
    A64_PMU_STORE = 1 << 1,
    A64_PMU_BRANCH = 1 << 2,    /* executed, taken or not */
    A64_PMU_TAKEN = 1 << 3,     /* ... taken */
    A64_PMU_IMMEDIATE = 1 << 4, /* ... with an immediate */
    A64_PMU_RETURN = 1 << 5,    /* RET and its kin */
    A64_PMU_TTBR = 1 << 6,      /* TTBR0_EL1 or TTBR1_EL1 written by name */
    A64_PMU_CONTEXT = 1 << 7,   /* CONTEXTIDR_EL1 written by name */
    A64_PMU_EXC_TAKEN = 1 << 8,
    A64_PMU_EXC_RETURN = 1 << 9,
    A64_PMU_DATA_WALK = 1 << 10,
    A64_PMU_FETCH_WALK = 1 << 11,
    A64_PMU_SOFTWARE = 1 << 12, /* a write of PMSWINC_EL0 with the counter's bit */
    A64_PMU_GCS_READ = 1 << 13, /* of a guarded control stack: no load or store */
    A64_PMU_GCS_WRITE = 1 << 14,
    A64_PMU_BY_BLOCKS = ((1 << 8) - 1) | A64_PMU_GCS_READ | A64_PMU_GCS_WRITE
};

struct A64Pmu {
    uint32_t cycles[3], insns[3];  /* by EL: counters that count each cycle, each instruction */
    uint32_t events[3];            /* ... that count something of `what` */
    uint32_t wanted[3];            /* ... all that those count */
    uint32_t what[A64_PMU_COUNTERS];
    bool pending;          /* an overflow asks for an interrupt or an exception */
    bool line;             /* as last given to the interrupt controller */
    _Atomic(bool) due;     /* the alarm rang, or the vCPU waits: a64_pmu_poll is wanted */
    int64_t armed_ns;      /* what the alarm is set to */
    EvAlarm *alarm;
};

/* Allocates cpu->pmu; ports and registers are in place. a64_pmu_free undoes it. */
void a64_pmu_init(A64Cpu *cpu);
void a64_pmu_free(A64Cpu *cpu);
/* Derives everything from the registers anew: after reset or loading. */
void a64_pmu_rebuild(A64Cpu *cpu);

/* Brings counters up to the current instruction. */
void a64_pmu_settle(A64Cpu *cpu);
/* Controls have changed (the counters were settled before): what counts, line, alarm, mode. */
void a64_pmu_changed(A64Cpu *cpu);
/* A write of PMSWINC_EL0. */
void a64_pmu_software(A64Cpu *cpu, uint32_t counters);
/* Counters that EL1 and EL0 may use, bit per counter: all below MDCR_EL2.HPMN. */
uint32_t a64_pmu_first_range(const A64Cpu *cpu);

/* True when a counter has overflowed. */
bool a64_pmu_event_slow(A64Cpu *cpu, uint32_t what);
void a64_pmu_switch_slow(A64Cpu *cpu, unsigned el);
void a64_pmu_poll_slow(A64Cpu *cpu);
void a64_pmu_wait_slow(A64Cpu *cpu);

/* `what` (A64_PMU_*) happened at the current EL. */
static inline void a64_pmu_event(A64Cpu *cpu, uint32_t what)
{
    if (ARM_UNLIKELY(cpu->pmu_counts))
        a64_pmu_event_slow(cpu, what);
}

/* The EL is about to become el. */
static inline void a64_pmu_switch(A64Cpu *cpu, unsigned el)
{
    if (ARM_UNLIKELY(cpu->pmu_counts))
        a64_pmu_switch_slow(cpu, el);
}

/* For take_pending: is there something to do since the alarm rang? */
static inline void a64_pmu_poll(A64Cpu *cpu)
{
    if (ARM_UNLIKELY(cpu->pmu_counts))
        a64_pmu_poll_slow(cpu);
}

/* The vCPU begins to wait: nothing is counted, so no alarm needs to ring. */
static inline void a64_pmu_wait(A64Cpu *cpu)
{
    if (ARM_UNLIKELY(cpu->pmu_counts))
        a64_pmu_wait_slow(cpu);
}

/* The EL that takes a PMU Profiling exception now (FEAT_EBEP), 0: none. */
unsigned a64_pmu_exception(const A64Cpu *cpu);

/* Do blocks of this EL tell events (A64Mode.counting_events)? */
static inline bool a64_pmu_by_blocks(const A64Cpu *cpu)
{
    return cpu->pmu_counts && cpu->pmu->wanted[cpu->st.pstate.el] & A64_PMU_BY_BLOCKS;
}

/* Loads and stores that an instruction is: A64_PMU_LOAD, A64_PMU_STORE, both or none. A
 * Store-Exclusive is a store if it succeeds: *status is its status register, else 32. */
uint32_t a64_pmu_memory_of(uint32_t word, unsigned *status);

/* Calls that blocks have while A64Mode.events: */
extern const IrHelper a64_h_pmu_access;  /* (what, Store-Exclusive failed): behind the accesses */
extern const IrHelper a64_h_pmu_branch;  /* (what, taken): last before the branch */
extern const IrHelper a64_h_pmu_written; /* (what): of a register */
