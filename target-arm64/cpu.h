/*
 * A vCPU as a whole: making, resetting, and what the files of the exception model share.
 * Arm ARM, "Reset" and "The AArch64 System Level Programmers' Model".
 */
#pragma once

#include "armillary/engine.h"
#include "armillary/port.h"
#include "exception.h"
#include "mode.h"
#include "model.h"
#include "state.h"

/* CpuTarget of A64, for eng_vcpu_init and tests. */
extern const CpuTarget a64_target;

/*
 * A vCPU in reset state, added to the machine: at EL2h, or EL1h without EL2, PC 0, powered off.
 * model and ports are borrowed and outlive it. Free with a64_cpu_free.
 */
A64Cpu *a64_cpu_new(EngMachine *machine, const A64Model *model, const A64Ports *ports);
void a64_cpu_free(A64Cpu *cpu);
/* Back to reset state; caches are emptied by the caller (eng_tlb_flush). */
void a64_cpu_reset(A64Cpu *cpu);
/* Makes caches anew after the state was changed from outside (snapshot, debugger, PSCI). */
void a64_cpu_changed(A64Cpu *cpu);
/* Start of a kernel or PSCI CPU_ON: reset, then PC and x0, powered on. */
void a64_cpu_start(A64Cpu *cpu, uint64_t pc, uint64_t x0);

/* MPIDR_EL1 of vCPU n: 16 to a cluster, as GICv3 SGIs reach them. */
uint64_t a64_mpidr(unsigned n);

/* Exception entry without syndrome: from the current state to target's vector + offset. */
void a64_enter(A64Cpu *cpu, unsigned target, unsigned offset, uint64_t return_pc);

/* Events, when some sink wants them. */
void a64_trace_exception(A64Cpu *cpu, unsigned from_el, uint64_t from, uint64_t esr);
void a64_trace_interrupt(A64Cpu *cpu, unsigned from_el, uint64_t from, const char *name);
/* An access or instruction that `control` traps to el with this syndrome. */
void a64_trace_trap(A64Cpu *cpu, unsigned el, uint64_t esr, const char *control);
/* A translation that failed. */
void a64_trace_fault(A64Cpu *cpu, const EvEvent *fault);
/* The TLBI of this A64_SYS_KEY, as decoded. */
void a64_trace_tlbi(A64Cpu *cpu, uint16_t key, const EngTlbi *t, bool broadcast);
/* VMID and ASIDs are to be compared with the current ones from now on. */
void a64_trace_reset(A64Cpu *cpu);
void a64_trace_wait(A64Cpu *cpu, bool wfe);
/* Event points that sinks want (A64_TRACE_*). */
unsigned a64_trace_points(const A64Ports *ports);
void a64_trace_eret(A64Cpu *cpu, unsigned from_el, uint64_t from);

/* The event register: other vCPUs' SEV sets it, so every access is atomic. */
static inline void a64_event_set(A64Cpu *cpu)
{
    __atomic_store_n(&cpu->st.event, true, __ATOMIC_RELEASE);
}

static inline void a64_event_clear(A64Cpu *cpu)
{
    __atomic_store_n(&cpu->st.event, false, __ATOMIC_RELAXED);
}

static inline bool a64_event_is_set(const A64Cpu *cpu)
{
    return __atomic_load_n(&cpu->st.event, __ATOMIC_ACQUIRE);
}

/* Sets the event register (SEV) and wakes the vCPU. Any thread. */
void a64_event(A64Cpu *cpu);
