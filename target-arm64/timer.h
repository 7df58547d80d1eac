/*
 * The Generic Timer of a vCPU: counters, four timers, event streams.
 * Arm ARM, "The Generic Timer in AArch64 state". The counter runs at 1 GHz: one count is one
 * nanosecond of guest time. The registers are in A64State.sr; here is what follows from them.
 */
#pragma once

#include "armillary/clock.h"
#include "state.h"

typedef enum { A64_TIMER_P, A64_TIMER_V, A64_TIMER_HP, A64_TIMER_HV, A64_TIMERS } A64TimerId;

struct A64Timers {
    bool line[A64_TIMERS]; /* output levels as last given to the interrupt controller */
    _Atomic(bool) due;     /* the alarm rang: a64_timers_update is wanted */
    int64_t deadline_ns;   /* next change of an output line, INT64_MAX when none */
    int64_t armed_ns;      /* what the alarm is set to */
    EvAlarm *alarm;
};

/* Allocates cpu->timers; ports and registers are in place. a64_timers_free undoes it. */
void a64_timers_init(A64Cpu *cpu);
void a64_timers_free(A64Cpu *cpu);

/*
 * Recomputes output lines, the deadline and the alarm from the registers and guest time: after
 * writes of timer registers, on ENG_ATT_TIMER. On the vCPU's thread, no lock held.
 */
void a64_timers_update(A64Cpu *cpu);

/* Tells the interrupt controller the lines and sets the alarm anew: after reset or loading. */
void a64_timers_rebuild(A64Cpu *cpu);

/* Updates if the alarm rang. For take_pending and wakes. */
static inline void a64_timers_poll(A64Cpu *cpu)
{
    if (cpu->timers && atomic_load_explicit(&cpu->timers->due, memory_order_acquire)) {
        a64_timers_update(cpu);
    }
}

/* HCR_EL2 was written: {E2H,TGE} decide whether CNTPOFF_EL2 applies. */
static inline void a64_timers_hcr_changed(A64Cpu *cpu)
{
    if (cpu->timers && (cpu->st.sr[A64_SR_CNTHCTL_EL2] & A64_CNTHCTL_EL2_ECV)) {
        a64_timers_update(cpu);
    }
}

/* Guest time (ns) at which an output line changes, or an event or its end ends a wait. */
int64_t a64_timers_next_deadline(A64Cpu *cpu);

/* Has an event stream produced an event since the last call? WFE then does not wait. */
bool a64_timers_take_event(A64Cpu *cpu);
/* A wait begins: with `events` (WFE) the next event of a stream becomes a deadline, and so does the
 * time when CNTVCT_EL0, as seen from here, reaches `until` (UINT64_MAX: never): the kick wakes. */
void a64_timers_wait(A64Cpu *cpu, bool events, uint64_t until);
/* A WFE (WFET) that is to be trapped, but not before `ns` from its first call: true, and the next
 * event and that time are deadlines; false when the time has come. Source: FEAT_TWED. */
bool a64_timers_delay_trap(A64Cpu *cpu, uint64_t ns);

/* Counters as seen from the current EL, up to the current instruction. */
uint64_t a64_timers_physical_count(A64Cpu *cpu);
uint64_t a64_timers_virtual_count(A64Cpu *cpu);

/* Register views of one timer; the access has passed its traps and redirections. */
uint64_t a64_timers_read_ctl(A64Cpu *cpu, A64TimerId id);
uint64_t a64_timers_read_tval(A64Cpu *cpu, A64TimerId id);
void a64_timers_write_ctl(A64Cpu *cpu, A64TimerId id, uint64_t value);
void a64_timers_write_cval(A64Cpu *cpu, A64TimerId id, uint64_t value);
void a64_timers_write_tval(A64Cpu *cpu, A64TimerId id, uint64_t value);
