/*
 * Which counter counts what, at which Exception level. Arm ARM, "Controlling the PMU counters",
 * "Event filtering", "PMU Event Descriptions".
 */
#include "pmu-filter.h"
#include "unpredictable.h"

enum { ALL = (1 << A64_PMU_COUNTERS) - 1 };
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
    case 0x06: /* LD_RETIRED */
        return A64_PMU_LOAD;
    case 0x07: /* ST_RETIRED */
        return A64_PMU_STORE;
    case 0x40: case 0x66: /* L1D_CACHE_RD, MEM_ACCESS_RD */
        return A64_PMU_LOAD | A64_PMU_GCS_READ;
    case 0x41: case 0x67: /* L1D_CACHE_WR, MEM_ACCESS_WR */
        return A64_PMU_STORE | A64_PMU_GCS_WRITE;
    case 0x04: case 0x13: /* L1D_CACHE, MEM_ACCESS */
        return A64_PMU_LOAD | A64_PMU_STORE | A64_PMU_GCS_READ | A64_PMU_GCS_WRITE;
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

/* Without EL2 all counters are in the first range. */
uint32_t a64_pmu_first_range(const A64Cpu *cpu)
{
    uint64_t hpmn = regs(cpu)[A64_SR_MDCR_EL2] & A64_MDCR_EL2_HPMN;
    if (!a64_has(cpu->model, A64_FEAT_EL2))
        return ALL;
    if (hpmn > A64_PMU_COUNTERS)
        hpmn = a64_unpred_hpmn(A64_PMU_COUNTERS);
    return (UINT32_C(1) << hpmn) - 1;
}

uint32_t a64_pmu_enabled_globally(const A64Cpu *cpu)
{
    uint32_t first = a64_pmu_first_range(cpu);
    return (regs(cpu)[A64_SR_PMCR_EL0] & A64_PMCR_EL0_E ? first | CYCLE : 0) |
           (regs(cpu)[A64_SR_MDCR_EL2] & A64_MDCR_EL2_HPME ? ALL & ~first : 0);
}

/* Counters that do not count because another one has overflowed. */
static uint32_t frozen(const A64Cpu *cpu)
{
    uint64_t pmcr = regs(cpu)[A64_SR_PMCR_EL0];
    uint32_t first = a64_pmu_first_range(cpu), out = 0;
    if (pmcr & A64_PMCR_EL0_FZO && a64_pmu_flags(cpu) & first)
        out |= first | (pmcr & A64_PMCR_EL0_DP ? CYCLE : 0);
    if (regs(cpu)[A64_SR_MDCR_EL2] & A64_MDCR_EL2_HPMFZO && a64_pmu_flags(cpu) & ALL & ~first)
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
    return (uint32_t)regs(cpu)[A64_SR_PMCNTENSET_EL0] & a64_pmu_enabled_globally(cpu);
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

void a64_pmu_derive(A64Cpu *cpu)
{
    const struct A64Pmu *p = cpu->pmu;
    cpu->pmu_counts = false;
    for (unsigned el = 0; el < 3; el++) {
        derive_el(cpu, el);
        cpu->pmu_counts |= p->cycles[el] | p->insns[el] | p->events[el];
    }
}

/* Its filter is ignored, as it may be. */
bool a64_pmu_counts_carries(const A64Cpu *cpu, unsigned n)
{
    return what_of(event_of(cpu, n)) & KIND_CHAIN &&
           enabled(cpu) & ~frozen(cpu) & UINT32_C(1) << n;
}
