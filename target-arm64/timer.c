/*
 * Counters, timer conditions, output lines, event streams.
 * Arm ARM, "The physical counter", "The virtual counter", "Timers", "Event streams".
 */
#include "timer.h"

#include <assert.h>
#include <stdlib.h>

#include "armillary/engine.h"
#include "armillary/port.h"

#define UNKNOWN_NS INT64_MIN
enum { CTL_ENABLE = 1, CTL_IMASK = 2, CTL_ISTATUS = 4 };

static const struct {
    uint16_t ctl, cval;
    uint8_t intid;
} timers[A64_TIMERS] = {
    [A64_TIMER_P] = {A64_SR_CNTP_CTL_EL0, A64_SR_CNTP_CVAL_EL0, 30},
    [A64_TIMER_V] = {A64_SR_CNTV_CTL_EL0, A64_SR_CNTV_CVAL_EL0, 27},
    [A64_TIMER_HP] = {A64_SR_CNTHP_CTL_EL2, A64_SR_CNTHP_CVAL_EL2, 26},
    [A64_TIMER_HV] = {A64_SR_CNTHV_CTL_EL2, A64_SR_CNTHV_CVAL_EL2, 28},
};

static uint64_t count_now(const A64Cpu *cpu)
{
    return (uint64_t)ev_now_ns(cpu->ports->clock);
}

/* HCR_EL2.{E2H,TGE} = {1,1}: EL0 belongs to the host. */
static bool host_el0(const A64Cpu *cpu)
{
    const uint64_t both = A64_HCR_EL2_E2H | A64_HCR_EL2_TGE;
    return (cpu->st.sr[A64_SR_HCR_EL2] & both) == both;
}

static uint64_t physical_offset(const A64Cpu *cpu)
{
    const bool used = (cpu->st.sr[A64_SR_CNTHCTL_EL2] & A64_CNTHCTL_EL2_ECV) && !host_el0(cpu);
    return used ? cpu->st.sr[A64_SR_CNTPOFF_EL2] : 0;
}

/* What is taken from the physical count before a timer compares it. */
static uint64_t offset_of(const A64Cpu *cpu, A64TimerId id)
{
    if (id == A64_TIMER_V) {
        return cpu->st.sr[A64_SR_CNTVOFF_EL2];
    }
    return id == A64_TIMER_P ? physical_offset(cpu) : 0;
}

uint64_t a64_timers_physical_count(A64Cpu *cpu)
{
    return count_now(cpu) - (cpu->st.pstate.el < 2 ? physical_offset(cpu) : 0);
}

uint64_t a64_timers_virtual_count(A64Cpu *cpu)
{
    const uint32_t el = cpu->st.pstate.el;
    const bool host =
        el == 2 ? (cpu->st.sr[A64_SR_HCR_EL2] & A64_HCR_EL2_E2H) != 0 : el == 0 && host_el0(cpu);
    return count_now(cpu) - (host ? 0 : cpu->st.sr[A64_SR_CNTVOFF_EL2]);
}

/* The condition of a timer whose comparator sees `count`, both unsigned. */
static bool is_met(const A64Cpu *cpu, A64TimerId id, uint64_t count)
{
    return count - offset_of(cpu, id) >= cpu->st.sr[timers[id].cval];
}

/* Guest time at which that condition changes next: the compare value, or the wrap of the count. */
static int64_t next_change(const A64Cpu *cpu, A64TimerId id, uint64_t now)
{
    const uint64_t view = now - offset_of(cpu, id), cval = cpu->st.sr[timers[id].cval];
    const uint64_t left = view < cval ? cval - view : cval ? 0 - view : UINT64_MAX;
    return left < INT64_MAX - now ? (int64_t)(now + left) : INT64_MAX;
}

/* The n-th bit of a count that CNTKCTL_EL1 or CNTHCTL_EL2 makes an event stream of. */
static unsigned event_bit(uint64_t control)
{
    return (unsigned)((control & A64_CNTKCTL_EL1_EVNTI) >> A64_CNTKCTL_EL1_EVNTI_SHIFT) +
           (control & A64_CNTKCTL_EL1_EVNTIS ? 8 : 0);
}

/* Events come where (count + phase) is a multiple of the period, a power of two. */
static uint64_t event_phase(uint64_t control)
{
    return control & A64_CNTKCTL_EL1_EVNTDIR ? 0 : UINT64_C(1) << event_bit(control);
}

static bool passed(uint64_t control, uint64_t from, uint64_t to)
{
    const unsigned shift = event_bit(control) + 1;
    const uint64_t phase = event_phase(control);
    return (control & A64_CNTKCTL_EL1_EVNTEN) && (from + phase) >> shift != (to + phase) >> shift;
}

static uint64_t until_event(uint64_t control, uint64_t count)
{
    const uint64_t period = UINT64_C(2) << event_bit(control);
    if (!(control & A64_CNTKCTL_EL1_EVNTEN)) {
        return INT64_MAX;
    }
    return period - ((count + event_phase(control)) & (period - 1));
}

/* The stream from the virtual counter stops while {E2H,TGE} = {1,1}. */
static uint64_t virtual_stream(const A64Cpu *cpu)
{
    return host_el0(cpu) ? 0 : cpu->st.sr[A64_SR_CNTKCTL_EL1];
}

bool a64_timers_take_event(A64Cpu *cpu)
{
    const uint64_t *sr = cpu->st.sr;
    const uint64_t now = count_now(cpu), seen = cpu->st.event_seen;
    const uint64_t voff = sr[A64_SR_CNTVOFF_EL2], poff = physical_offset(cpu);
    cpu->st.event_seen = now;
    return passed(virtual_stream(cpu), seen - voff, now - voff) ||
           passed(sr[A64_SR_CNTHCTL_EL2], seen - poff, now - poff);
}

static int64_t next_event(const A64Cpu *cpu, uint64_t now)
{
    const uint64_t *sr = cpu->st.sr;
    const uint64_t v = until_event(virtual_stream(cpu), now - sr[A64_SR_CNTVOFF_EL2]);
    const uint64_t p = until_event(sr[A64_SR_CNTHCTL_EL2], now - physical_offset(cpu));
    const uint64_t left = v < p ? v : p;
    return left < INT64_MAX - now ? (int64_t)(now + left) : INT64_MAX;
}

/* Any thread, device lock held. */
static void alarm_rang(void *ctx)
{
    A64Cpu *cpu = ctx;
    atomic_store_explicit(&cpu->timers->due, true, memory_order_release);
    eng_kick(&cpu->eng, ENG_ATT_TIMER);
}

/*
 * With the host clock a deadline that moves away leaves the alarm where it is: it rings once for
 * nothing. With the virtual clock alarms end turns, which must follow from the state alone.
 */
static void arm(A64Cpu *cpu)
{
    struct A64Timers *t = cpu->timers;
    const int64_t deadline = a64_timers_next_deadline(cpu);
    if (deadline < t->armed_ns || t->armed_ns == UNKNOWN_NS ||
        (deadline != t->armed_ns && ev_clock_is_virtual(cpu->ports->clock))) {
        t->armed_ns = deadline;
        mem_lock_devices(cpu->ports->mem);
        ev_alarm_set(t->alarm, deadline);
        mem_unlock_devices(cpu->ports->mem);
    }
}

/* force: what the interrupt controller believes of the lines is not known. */
static void update(A64Cpu *cpu, bool force)
{
    struct A64Timers *t = cpu->timers;
    if (atomic_exchange_explicit(&t->due, false, memory_order_acquire)) {
        t->armed_ns = INT64_MAX;
    }
    const uint64_t now = count_now(cpu);
    int64_t deadline = INT64_MAX;
    for (unsigned i = 0; i < A64_TIMERS; i++) {
        const uint64_t ctl = cpu->st.sr[timers[i].ctl];
        bool line = false;
        if ((ctl & (CTL_ENABLE | CTL_IMASK)) == CTL_ENABLE) {
            const int64_t change = next_change(cpu, (A64TimerId)i, now);
            line = is_met(cpu, (A64TimerId)i, now);
            deadline = change < deadline ? change : deadline;
        }
        if (line != t->line[i] || force) {
            t->line[i] = line;
            cpu->ports->gic->set_ppi(cpu->ports->gic_ctx, cpu->eng.index, timers[i].intid, line);
        }
    }
    t->deadline_ns = deadline;
    if (cpu->st.event_ns <= (int64_t)now) {
        cpu->st.event_ns = INT64_MAX; /* the WFE has its event, or has gone on long ago */
    }
    if (cpu->st.until_ns <= (int64_t)now) {
        cpu->st.until_ns = INT64_MAX;
    }
    arm(cpu);
}

int64_t a64_timers_next_deadline(A64Cpu *cpu)
{
    const struct A64Timers *t = cpu->timers;
    const int64_t wait = cpu->st.event_ns < cpu->st.until_ns ? cpu->st.event_ns : cpu->st.until_ns;
    return wait < t->deadline_ns ? wait : t->deadline_ns;
}

void a64_timers_update(A64Cpu *cpu)
{
    update(cpu, false);
}

void a64_timers_rebuild(A64Cpu *cpu)
{
    atomic_store_explicit(&cpu->timers->due, false, memory_order_relaxed);
    cpu->timers->armed_ns = UNKNOWN_NS;
    update(cpu, true);
}

void a64_timers_wait(A64Cpu *cpu, bool events, uint64_t until)
{
    const uint64_t now = count_now(cpu), view = a64_timers_virtual_count(cpu);
    const uint64_t left = until > view ? until - view : 0;
    cpu->st.event_ns = events ? next_event(cpu, now) : INT64_MAX;
    cpu->st.until_ns =
        until != UINT64_MAX && left < INT64_MAX - now ? (int64_t)(now + left) : INT64_MAX;
    arm(cpu);
}

bool a64_timers_delay_trap(A64Cpu *cpu, uint64_t ns)
{
    const uint64_t now = count_now(cpu);
    if (cpu->st.trap_ns == INT64_MAX) {
        cpu->st.trap_ns = (int64_t)(now + ns);
    }
    if (cpu->st.trap_ns <= (int64_t)now) {
        cpu->st.trap_ns = INT64_MAX;
        return false;
    }
    cpu->st.event_ns = next_event(cpu, now);
    cpu->st.until_ns = cpu->st.trap_ns;
    arm(cpu);
    return true;
}

void a64_timers_init(A64Cpu *cpu)
{
    struct A64Timers *t = calloc(1, sizeof *t);
    assert(t);
    t->armed_ns = INT64_MAX;
    t->deadline_ns = INT64_MAX;
    cpu->st.event_ns = INT64_MAX;
    cpu->st.until_ns = INT64_MAX;
    cpu->st.trap_ns = INT64_MAX;
    t->alarm = ev_alarm_new(cpu->ports->clock, alarm_rang, cpu);
    cpu->timers = t;
    cpu->st.event_seen = count_now(cpu);
    a64_timers_update(cpu);
}

void a64_timers_free(A64Cpu *cpu)
{
    if (cpu->timers) {
        ev_alarm_free(cpu->timers->alarm);
        free(cpu->timers);
        cpu->timers = NULL;
    }
}

/* ISTATUS says whether the condition is met, masked or not; 0 while the timer is off. */
uint64_t a64_timers_read_ctl(A64Cpu *cpu, A64TimerId id)
{
    const uint64_t ctl = cpu->st.sr[timers[id].ctl];
    const bool met = (ctl & CTL_ENABLE) && is_met(cpu, id, count_now(cpu));
    return ctl | (met ? CTL_ISTATUS : 0);
}

void a64_timers_write_ctl(A64Cpu *cpu, A64TimerId id, uint64_t value)
{
    cpu->st.sr[timers[id].ctl] = value & (CTL_ENABLE | CTL_IMASK);
    a64_timers_update(cpu);
}

void a64_timers_write_cval(A64Cpu *cpu, A64TimerId id, uint64_t value)
{
    cpu->st.sr[timers[id].cval] = value;
    a64_timers_update(cpu);
}

/* The TVAL view of CNTP at EL2 knows no CNTPOFF_EL2. */
static uint64_t tval_count(const A64Cpu *cpu, A64TimerId id)
{
    const bool raw = id == A64_TIMER_P && cpu->st.pstate.el == 2;
    return count_now(cpu) - (raw ? 0 : offset_of(cpu, id));
}

uint64_t a64_timers_read_tval(A64Cpu *cpu, A64TimerId id)
{
    return (uint32_t)(cpu->st.sr[timers[id].cval] - tval_count(cpu, id));
}

void a64_timers_write_tval(A64Cpu *cpu, A64TimerId id, uint64_t value)
{
    const uint64_t distance = (uint64_t)(int64_t)(int32_t)(uint32_t)value;
    a64_timers_write_cval(cpu, id, tval_count(cpu, id) + distance);
}
