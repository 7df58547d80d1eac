/*
 * Counting: which counter counts what at which Exception level, settling, overflow, alarm, line.
 * Arm ARM, "Controlling the PMU counters", "Behavior on overflow", "Event filtering", "PMU Event
 * Descriptions".
 */
#include "pmu.h"

#include <assert.h>
#include <stdlib.h>

#include "armillary/engine.h"
#include "armillary/port.h"
#include "cpu.h"

#define UNKNOWN_NS INT64_MIN
enum { ALL = (1 << A64_PMU_COUNTERS) - 1, HOST_INSNS_PER_NS = 2, HOST_SHORTEST_NS = 2000 };
#define CYCLE (UINT32_C(1) << A64_PMU_CYCLE)

/* How an event number is counted. */
enum {
    KIND_CYCLES = 1 << 28,
    KIND_INSNS = 1 << 29,
    KIND_CHAIN = 1 << 30 /* overflows of the counter below */
};

/*
 * An instruction that reads or writes memory is one access, an atomic one two. A memory access is
 * an access of the first cache, an instruction an access of the one for instructions; they never
 * miss, nothing stalls: those events never occur. A refill of a TLB is a walk.
 */
static uint32_t what_of(unsigned event)
{
    switch (event) {
    case 0x00:
        return A64_PMU_SOFTWARE;
    case 0x02: case 0x35: /* L1I_TLB_REFILL, ITLB_WALK */
        return A64_PMU_FETCH_WALK;
    case 0x05: case 0x34: /* L1D_TLB_REFILL, DTLB_WALK */
        return A64_PMU_DATA_WALK;
    case 0x06: case 0x40: case 0x66: /* LD_RETIRED, L1D_CACHE_RD, MEM_ACCESS_RD */
        return A64_PMU_LOAD;
    case 0x07: case 0x41: case 0x67: /* ST_RETIRED, L1D_CACHE_WR, MEM_ACCESS_WR */
        return A64_PMU_STORE;
    case 0x04: case 0x13: /* L1D_CACHE, MEM_ACCESS */
        return A64_PMU_LOAD | A64_PMU_STORE;
    case 0x08: case 0x14: case 0x1b: /* INST_RETIRED, L1I_CACHE, INST_SPEC */
        return KIND_INSNS;
    case 0x09:
        return A64_PMU_EXC_TAKEN;
    case 0x0a:
        return A64_PMU_EXC_RETURN;
    case 0x0b: /* CID_WRITE_RETIRED */
        return A64_PMU_CONTEXT;
    case 0x0c: /* PC_WRITE_RETIRED */
        return A64_PMU_TAKEN;
    case 0x0d: /* BR_IMMED_RETIRED */
        return A64_PMU_IMMEDIATE;
    case 0x0e: /* BR_RETURN_RETIRED */
        return A64_PMU_RETURN;
    case 0x11: /* CPU_CYCLES */
        return KIND_CYCLES;
    case 0x1c: /* TTBR_WRITE_RETIRED */
        return A64_PMU_TTBR;
    case 0x1e:
        return KIND_CHAIN;
    case 0x21: /* BR_RETIRED */
        return A64_PMU_BRANCH;
    default:
        return 0;
    }
}

static const uint64_t *regs(const A64Cpu *cpu)
{
    return cpu->st.sr;
}

/* Without EL2 all counters are in the first range; a number beyond the last is all of them. */
uint32_t a64_pmu_first_range(const A64Cpu *cpu)
{
    uint64_t hpmn = regs(cpu)[A64_SR_MDCR_EL2] & A64_MDCR_EL2_HPMN;
    if (!a64_has(cpu->model, A64_FEAT_EL2) || hpmn > A64_PMU_COUNTERS)
        return ALL;
    return (UINT32_C(1) << hpmn) - 1;
}

/* Counters whose global enable is on. */
static uint32_t enabled_globally(const A64Cpu *cpu)
{
    uint32_t first = a64_pmu_first_range(cpu);
    return (regs(cpu)[A64_SR_PMCR_EL0] & A64_PMCR_EL0_E ? first | CYCLE : 0) |
           (regs(cpu)[A64_SR_MDCR_EL2] & A64_MDCR_EL2_HPME ? ALL & ~first : 0);
}

static uint32_t flags_set(const A64Cpu *cpu)
{
    return (uint32_t)regs(cpu)[A64_SR_PMOVSSET_EL0];
}

/* Counters that do not count because another one has overflowed. */
static uint32_t frozen(const A64Cpu *cpu)
{
    uint64_t pmcr = regs(cpu)[A64_SR_PMCR_EL0];
    uint32_t first = a64_pmu_first_range(cpu), out = 0;
    if (pmcr & A64_PMCR_EL0_FZO && flags_set(cpu) & first)
        out |= first | (pmcr & A64_PMCR_EL0_DP ? CYCLE : 0);
    if (regs(cpu)[A64_SR_MDCR_EL2] & A64_MDCR_EL2_HPMFZO && flags_set(cpu) & ALL & ~first)
        out |= ALL & ~first;
    return out;
}

/* Counters that MDCR_EL2 keeps from counting at EL2. */
static uint32_t prohibited(const A64Cpu *cpu, unsigned el)
{
    uint64_t mdcr = regs(cpu)[A64_SR_MDCR_EL2];
    uint32_t out = 0;
    if (el != 2)
        return 0;
    if (mdcr & A64_MDCR_EL2_HPMD)
        out |= a64_pmu_first_range(cpu) |
               (regs(cpu)[A64_SR_PMCR_EL0] & A64_PMCR_EL0_DP ? CYCLE : 0);
    return out | (mdcr & A64_MDCR_EL2_HCCD ? CYCLE : 0);
}

static uint64_t filter_of(const A64Cpu *cpu, unsigned n)
{
    return regs(cpu)[n == A64_PMU_CYCLE ? A64_SR_PMCCFILTR_EL0 : A64_SR_PMEVTYPER0_EL0 + n];
}

/* Does the counter's filter let el through? */
static bool passes(const A64Cpu *cpu, unsigned n, unsigned el)
{
    uint64_t filter = filter_of(cpu, n);
    if (el == 2)
        return filter & A64_PMCCFILTR_EL0_NSH;
    return !(filter & (el == 1 ? A64_PMCCFILTR_EL0_P : A64_PMCCFILTR_EL0_U));
}

static uint32_t enabled(const A64Cpu *cpu)
{
    return (uint32_t)regs(cpu)[A64_SR_PMCNTENSET_EL0] & enabled_globally(cpu);
}

static unsigned event_of(const A64Cpu *cpu, unsigned n)
{
    return regs(cpu)[A64_SR_PMEVTYPER0_EL0 + n] & 0xffff;
}

static void derive_el(A64Cpu *cpu, unsigned el)
{
    struct A64Pmu *p = cpu->pmu;
    uint32_t live = enabled(cpu) & ~frozen(cpu) & ~prohibited(cpu, el);
    p->cycles[el] = live & CYCLE && passes(cpu, A64_PMU_CYCLE, el) ? CYCLE : 0;
    p->insns[el] = p->events[el] = p->wanted[el] = 0;
    for (unsigned n = 0; n < A64_PMU_COUNTERS; n++) {
        uint32_t bit = UINT32_C(1) << n, what = what_of(event_of(cpu, n));
        if (!(live & bit) || !passes(cpu, n, el))
            continue;
        p->cycles[el] |= what & KIND_CYCLES ? bit : 0;
        p->insns[el] |= what & KIND_INSNS ? bit : 0;
        what &= ~(uint32_t)(KIND_CYCLES | KIND_INSNS | KIND_CHAIN);
        p->what[n] = what;
        p->events[el] |= what ? bit : 0;
        p->wanted[el] |= what;
    }
}

static void derive(A64Cpu *cpu)
{
    const struct A64Pmu *p = cpu->pmu;
    cpu->pmu_counts = false;
    for (unsigned el = 0; el < 3; el++) {
        derive_el(cpu, el);
        cpu->pmu_counts |= p->cycles[el] | p->insns[el] | p->events[el];
    }
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

/* Does counter n + 1 count the overflows of n? Its filter is ignored, as it may be. */
static bool is_chained(const A64Cpu *cpu, unsigned n)
{
    return n < A64_PMU_COUNTERS && n % 2 == 0 && is_short(cpu, n) &&
           what_of(event_of(cpu, n + 1)) & KIND_CHAIN &&
           enabled(cpu) & ~frozen(cpu) & UINT32_C(1) << (n + 1);
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
    bool el2, pending =
        flags_set(cpu) & (uint32_t)regs(cpu)[A64_SR_PMINTENSET_EL1] & enabled_globally(cpu);
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
    if (flags_set(cpu) == before)
        return;
    derive(cpu);
    update_line(cpu, false);
}

void a64_pmu_settle(A64Cpu *cpu)
{
    const struct A64Pmu *p = cpu->pmu;
    A64State *st = &cpu->st;
    uint64_t cycles = eng_insns_now(&cpu->eng), insns = cycles - st->pmu_aborted;
    unsigned el = st->pstate.el;
    uint32_t before = flags_set(cpu);
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
    derive(cpu);
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
    uint32_t before = flags_set(cpu);
    for (; counters; counters &= counters - 1) {
        unsigned n = (unsigned)__builtin_ctz(counters);
        unsigned by = (unsigned)__builtin_popcount(p->what[n] & what);
        if (by)
            add(cpu, n, by);
    }
    if (flags_set(cpu) == before)
        return false;
    a64_pmu_settle(cpu); /* by the rules as they were */
    derive(cpu);
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
    derive(cpu);
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
