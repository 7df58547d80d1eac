/*
 * Counting: settling, overflow, alarm, line. Arm ARM, "Controlling the PMU counters", "Behavior on
 * overflow".
 */
#include "pmu-filter.h"

#include <assert.h>
#include <stdlib.h>

#include "armillary/engine.h"
#include "armillary/port.h"
#include "cpu.h"

#define UNKNOWN_NS INT64_MIN
enum { HOST_INSNS_PER_NS = 2, HOST_SHORTEST_NS = 2000 };

static const uint64_t *regs(const A64Cpu *cpu)
{
    return cpu->st.sr;
}

/* What an overflow leads to. */
typedef enum { BY_INTERRUPT, BY_EXCEPTION, BY_NOTHING } Signal;

/* Reserved values of PMEE disable both. Source: Arm ARM, "Exception-based event profiling". */
static Signal signal_of(const A64Cpu *cpu, bool *el2)
{
    unsigned mdcr = 1, pmecr = regs(cpu)[A64_SR_PMECR_EL1] & A64_PMECR_EL1_PMEE;
    *el2 = false;
    if (!a64_has(cpu->model, A64_FEAT_EBEP))
        return BY_INTERRUPT;
    if (a64_has(cpu->model, A64_FEAT_EL2))
        mdcr = regs(cpu)[A64_SR_MDCR_EL2] >> A64_MDCR_EL2_PMEE_SHIFT & 3;
    *el2 = mdcr != 1;
    unsigned pmee = mdcr == 1 ? pmecr : mdcr;
    return pmee == 0 ? BY_INTERRUPT : pmee == 3 ? BY_EXCEPTION : BY_NOTHING;
}

static bool by_exception(const A64Cpu *cpu)
{
    bool el2;
    return signal_of(cpu, &el2) == BY_EXCEPTION;
}

unsigned a64_pmu_exception(const A64Cpu *cpu)
{
    bool own; /* EL2 has enabled it for itself */
    if (!cpu->pmu || !cpu->pmu->pending || signal_of(cpu, &own) != BY_EXCEPTION)
        return 0;
    unsigned target = own || a64_hcr(cpu) & A64_HCR_EL2_TGE ? 2 : 1, el = cpu->st.pstate.el;
    bool local = regs(cpu)[A64_SR_PMECR_EL1] & A64_PMECR_EL1_KPME && !cpu->st.pstate.pm;
    if (el > target || (el == target && (!local || (el == 2 && !own))))
        return 0;
    return target;
}

/* Is the overflow of counter n that of bit 31 or of bit 63? */
static bool is_short(const A64Cpu *cpu, unsigned n)
{
    if (by_exception(cpu))
        return false;
    if (n == A64_PMU_CYCLE)
        return !(regs(cpu)[A64_SR_PMCR_EL0] & A64_PMCR_EL0_LC);
    if (a64_pmu_first_range(cpu) >> n & 1)
        return !(regs(cpu)[A64_SR_PMCR_EL0] & A64_PMCR_EL0_LP);
    return !(regs(cpu)[A64_SR_MDCR_EL2] & A64_MDCR_EL2_HLP);
}

static uint64_t *value_of(A64Cpu *cpu, unsigned n)
{
    return &cpu->st.sr[n == A64_PMU_CYCLE ? A64_SR_PMCCNTR_EL0 : A64_SR_PMEVCNTR0_EL0 + n];
}

/* Does counter n + 1 count the overflows of n? */
static bool is_chained(const A64Cpu *cpu, unsigned n)
{
    return n < A64_PMU_COUNTERS && n % 2 == 0 && is_short(cpu, n) &&
           a64_pmu_counts_carries(cpu, n + 1);
}

static void add(A64Cpu *cpu, unsigned n, uint64_t by)
{
    uint64_t *value = value_of(cpu, n), old = *value;
    *value += by;
    uint64_t carries = *value < old;
    if (is_short(cpu, n))
        carries = (by >> 32) + (((old & UINT32_MAX) + (by & UINT32_MAX)) >> 32);
    if (!carries)
        return;
    bool chained = is_chained(cpu, n); /* this overflow may be the one that freezes */
    cpu->st.sr[A64_SR_PMOVSSET_EL0] |= UINT64_C(1) << n;
    if (chained)
        add(cpu, n + 1, carries);
}

/* force: what the interrupt controller believes is not known. */
static void update_line(A64Cpu *cpu, bool force)
{
    uint32_t wanted = (uint32_t)regs(cpu)[A64_SR_PMINTENSET_EL1] & a64_pmu_enabled_globally(cpu);
    bool el2, pending = a64_pmu_flags(cpu) & wanted;
    bool line = pending && signal_of(cpu, &el2) == BY_INTERRUPT;
    cpu->pmu->pending = pending;
    if (a64_pmu_exception(cpu))
        atomic_fetch_or_explicit(&cpu->eng.attention, ENG_ATT_IRQ, memory_order_relaxed);
    if (line == cpu->pmu->line && !force)
        return;
    cpu->pmu->line = line;
    cpu->ports->gic->set_ppi(cpu->ports->gic_ctx, cpu->eng.index, A64_PMU_INTID, line);
}

static void add_each(A64Cpu *cpu, uint32_t counters, uint64_t by)
{
    for (; counters; counters &= counters - 1)
        add(cpu, (unsigned)__builtin_ctz(counters), by);
}

/* After counting: have flags appeared? */
static void overflowed(A64Cpu *cpu, uint32_t before)
{
    if (a64_pmu_flags(cpu) == before)
        return;
    a64_pmu_derive(cpu);
    update_line(cpu, false);
}

void a64_pmu_settle(A64Cpu *cpu)
{
    const struct A64Pmu *p = cpu->pmu;
    A64State *st = &cpu->st;
    uint64_t cycles = eng_insns_now(&cpu->eng), insns = cycles - st->pmu_aborted;
    unsigned el = st->pstate.el;
    uint32_t before = a64_pmu_flags(cpu);
    uint64_t by_cycles = cycles - st->pmu_cycles, by_insns = insns - st->pmu_insns;
    st->pmu_cycles = cycles;
    st->pmu_insns = insns;
    if (by_cycles)
        add_each(cpu, p->cycles[el], by_cycles);
    if (by_insns)
        add_each(cpu, p->insns[el], by_insns);
    overflowed(cpu, before);
}

/* Must counter n's overflow be noticed before something looks at its flag? */
static bool is_awaited(const A64Cpu *cpu, unsigned n)
{
    uint32_t bit = UINT32_C(1) << n, first = a64_pmu_first_range(cpu);
    if (regs(cpu)[A64_SR_PMINTENSET_EL1] & bit || is_chained(cpu, n))
        return true;
    if (n == A64_PMU_CYCLE)
        return false;
    return first & bit ? regs(cpu)[A64_SR_PMCR_EL0] & A64_PMCR_EL0_FZO
                       : regs(cpu)[A64_SR_MDCR_EL2] & A64_MDCR_EL2_HPMFZO;
}

/* Instructions at el until some overflow must be noticed, UINT64_MAX: never. The counters are
 * settled. */
static uint64_t until_overflow(A64Cpu *cpu, unsigned el)
{
    const struct A64Pmu *p = cpu->pmu;
    uint64_t least = UINT64_MAX;
    for (uint32_t m = p->cycles[el] | p->insns[el]; m; m &= m - 1) {
        unsigned n = (unsigned)__builtin_ctz(m);
        uint64_t value = *value_of(cpu, n);
        uint64_t left = is_short(cpu, n) ? (UINT64_C(1) << 32) - (value & UINT32_MAX) : 0 - value;
        if (left && left < least && is_awaited(cpu, n))
            least = left;
    }
    return least;
}

/*
 * With the virtual clock an instruction takes a nanosecond, and alarms end turns. With the host's
 * they take what they take: the alarm rings early, again and again, as the overflow comes near.
 */
static void arm(A64Cpu *cpu, unsigned el)
{
    struct A64Pmu *p = cpu->pmu;
    uint64_t left = until_overflow(cpu, el);
    bool is_virtual = ev_clock_is_virtual(cpu->ports->clock);
    int64_t now = ev_now_ns(cpu->ports->clock), at = INT64_MAX;
    if (!is_virtual && left != UINT64_MAX) {
        left /= HOST_INSNS_PER_NS;
        left = left < HOST_SHORTEST_NS ? HOST_SHORTEST_NS : left;
    }
    if (left < (uint64_t)(INT64_MAX - now))
        at = now + (int64_t)left;
    if (at < p->armed_ns || p->armed_ns == UNKNOWN_NS || (at != p->armed_ns && is_virtual)) {
        p->armed_ns = at;
        mem_lock_devices(cpu->ports->mem);
        ev_alarm_set(p->alarm, at);
        mem_unlock_devices(cpu->ports->mem);
    }
}

void a64_pmu_changed(A64Cpu *cpu)
{
    bool by_blocks = a64_pmu_by_blocks(cpu);
    a64_pmu_derive(cpu);
    update_line(cpu, false);
    arm(cpu, cpu->st.pstate.el);
    if (a64_pmu_by_blocks(cpu) != by_blocks)
        a64_mode_select(cpu);
}

void a64_pmu_switch_slow(A64Cpu *cpu, unsigned el)
{
    a64_pmu_settle(cpu);
    arm(cpu, el);
}

/* Any thread, device lock held. */
static void alarm_rang(void *ctx)
{
    A64Cpu *cpu = ctx;
    atomic_store_explicit(&cpu->pmu->due, true, memory_order_release);
    eng_kick(&cpu->eng, ENG_ATT_TIMER);
}

void a64_pmu_poll_slow(A64Cpu *cpu)
{
    struct A64Pmu *p = cpu->pmu;
    if (!atomic_exchange_explicit(&p->due, false, memory_order_acquire))
        return;
    p->armed_ns = UNKNOWN_NS;
    a64_pmu_settle(cpu);
    arm(cpu, cpu->st.pstate.el);
}

void a64_pmu_wait_slow(A64Cpu *cpu)
{
    struct A64Pmu *p = cpu->pmu;
    a64_pmu_settle(cpu);
    if (p->armed_ns == INT64_MAX)
        return;
    p->armed_ns = UNKNOWN_NS;
    mem_lock_devices(cpu->ports->mem);
    ev_alarm_set(p->alarm, INT64_MAX);
    mem_unlock_devices(cpu->ports->mem);
    atomic_store_explicit(&p->due, true, memory_order_relaxed);
}

/* `what` happened, for these counters. */
static bool count(A64Cpu *cpu, uint32_t counters, uint32_t what)
{
    const struct A64Pmu *p = cpu->pmu;
    uint32_t before = a64_pmu_flags(cpu);
    for (; counters; counters &= counters - 1) {
        unsigned n = (unsigned)__builtin_ctz(counters);
        unsigned by = (unsigned)__builtin_popcount(p->what[n] & what);
        if (by)
            add(cpu, n, by);
    }
    if (a64_pmu_flags(cpu) == before)
        return false;
    a64_pmu_settle(cpu); /* by the rules as they were */
    a64_pmu_derive(cpu);
    update_line(cpu, false);
    return true;
}

bool a64_pmu_event_slow(A64Cpu *cpu, uint32_t what)
{
    const struct A64Pmu *p = cpu->pmu;
    unsigned el = cpu->st.pstate.el;
    return p->wanted[el] & what && count(cpu, p->events[el], what);
}

void a64_pmu_software(A64Cpu *cpu, uint32_t counters)
{
    count(cpu, counters & cpu->pmu->events[cpu->st.pstate.el], A64_PMU_SOFTWARE);
}

void a64_pmu_rebuild(A64Cpu *cpu)
{
    if (!cpu->pmu)
        return;
    atomic_store_explicit(&cpu->pmu->due, false, memory_order_relaxed);
    cpu->pmu->armed_ns = UNKNOWN_NS;
    a64_pmu_derive(cpu);
    update_line(cpu, true);
    arm(cpu, cpu->st.pstate.el);
}

void a64_pmu_init(A64Cpu *cpu)
{
    if (!cpu->ports || !a64_has(cpu->model, A64_FEAT_PMUv3))
        return;
    cpu->pmu = calloc(1, sizeof *cpu->pmu);
    assert(cpu->pmu);
    cpu->pmu->armed_ns = INT64_MAX;
    cpu->pmu->alarm = ev_alarm_new(cpu->ports->clock, alarm_rang, cpu);
}

void a64_pmu_free(A64Cpu *cpu)
{
    if (cpu->pmu) {
        ev_alarm_free(cpu->pmu->alarm);
        free(cpu->pmu);
        cpu->pmu = NULL;
    }
}
