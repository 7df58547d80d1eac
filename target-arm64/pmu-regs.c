/*
 * Register hooks of the Performance Monitors: what sysregs.tbl calls for PM* registers and
 * MDCR_EL2. Arm ARM, "Performance Monitors registers", "Counter access". Traps, and what is
 * UNDEFINED by PMSELR_EL0.SEL and MDCR_EL2.HPMN, are rules of the table.
 */
#include "sysreg-hooks.h"

#include "cpu.h"
#include "pmu.h"
#include "unpredictable.h"

enum { COUNTERS = (1 << A64_PMU_COUNTERS) - 1 };
#define CYCLE (UINT32_C(1) << A64_PMU_CYCLE)
_Static_assert(A64_SR_PMEVCNTR7_EL0 == A64_SR_PMEVCNTR0_EL0 + 7, "slots of a family are in a row");
_Static_assert(A64_SR_PMEVTYPER7_EL0 == A64_SR_PMEVTYPER0_EL0 + 7, "and of this one");

/* EL0, with PMUACR_EL1 in force. */
static bool is_narrowed(const A64Cpu *cpu)
{
    return cpu->st.pstate.el == 0 && cpu->st.sr[A64_SR_PMUSERENR_EL0] & A64_PMUSERENR_EL0_UEN;
}

/* Counters that exist for the current EL, bit per counter; others are RAZ/WI. */
static uint32_t readable(const A64Cpu *cpu)
{
    uint32_t all = (cpu->st.pstate.el == 2 ? COUNTERS : a64_pmu_first_range(cpu)) | CYCLE;
    return is_narrowed(cpu) ? all & (uint32_t)cpu->st.sr[A64_SR_PMUACR_EL1] : all;
}

static uint32_t writable(const A64Cpu *cpu)
{
    uint64_t user = cpu->st.sr[A64_SR_PMUSERENR_EL0];
    uint32_t all = readable(cpu);
    if (!is_narrowed(cpu))
        return all;
    return all & ~((user & A64_PMUSERENR_EL0_ER ? COUNTERS : 0) |
                   (user & A64_PMUSERENR_EL0_CR ? CYCLE : 0));
}

/* Writes a register that counting depends on. */
static void change(A64Cpu *cpu, unsigned slot, uint64_t value)
{
    a64_pmu_settle(cpu);
    cpu->st.sr[slot] = value;
    a64_pmu_changed(cpu);
}

/* The registers of one bit per counter: what is set, and writes that set or clear. */
static uint64_t read_bits(A64Cpu *cpu, unsigned slot)
{
    a64_pmu_settle(cpu);
    return cpu->st.sr[slot] & readable(cpu);
}

static void set_bits(A64Cpu *cpu, unsigned slot, uint64_t value)
{
    a64_pmu_settle(cpu);
    cpu->st.sr[slot] |= value & writable(cpu);
    a64_pmu_changed(cpu);
}

static void clear_bits(A64Cpu *cpu, unsigned slot, uint64_t value)
{
    a64_pmu_settle(cpu);
    cpu->st.sr[slot] &= ~(value & writable(cpu));
    a64_pmu_changed(cpu);
}

uint64_t a64_sr_read_pmcntenset_el0(A64Cpu *cpu)
{
    return read_bits(cpu, A64_SR_PMCNTENSET_EL0);
}

void a64_sr_write_pmcntenset_el0(A64Cpu *cpu, uint64_t value)
{
    set_bits(cpu, A64_SR_PMCNTENSET_EL0, value);
}

void a64_sr_write_pmcntenclr_el0(A64Cpu *cpu, uint64_t value)
{
    clear_bits(cpu, A64_SR_PMCNTENSET_EL0, value);
}

uint64_t a64_sr_read_pmovsset_el0(A64Cpu *cpu)
{
    return read_bits(cpu, A64_SR_PMOVSSET_EL0);
}

void a64_sr_write_pmovsset_el0(A64Cpu *cpu, uint64_t value)
{
    set_bits(cpu, A64_SR_PMOVSSET_EL0, value);
}

void a64_sr_write_pmovsclr_el0(A64Cpu *cpu, uint64_t value)
{
    clear_bits(cpu, A64_SR_PMOVSSET_EL0, value);
}

uint64_t a64_sr_read_pmintenset_el1(A64Cpu *cpu)
{
    return read_bits(cpu, A64_SR_PMINTENSET_EL1);
}

void a64_sr_write_pmintenset_el1(A64Cpu *cpu, uint64_t value)
{
    set_bits(cpu, A64_SR_PMINTENSET_EL1, value);
}

void a64_sr_write_pmintenclr_el1(A64Cpu *cpu, uint64_t value)
{
    clear_bits(cpu, A64_SR_PMINTENSET_EL1, value);
}

/* N: the counters that the current EL has. */
uint64_t a64_sr_read_pmcr_el0(A64Cpu *cpu)
{
    uint32_t all = cpu->st.pstate.el == 2 ? COUNTERS : a64_pmu_first_range(cpu);
    return cpu->st.sr[A64_SR_PMCR_EL0] |
           (uint64_t)__builtin_popcount(all) << A64_PMCR_EL0_N_SHIFT;
}

static void zero(A64Cpu *cpu, uint32_t counters)
{
    for (unsigned n = 0; n < A64_PMU_COUNTERS; n++)
        if (counters >> n & 1)
            cpu->st.sr[A64_SR_PMEVCNTR0_EL0 + n] = 0;
    if (counters & CYCLE)
        cpu->st.sr[A64_SR_PMCCNTR_EL0] = 0;
}

/* X: nothing is exported. LC is RES1 and D is RES0, as there is no AArch32. */
void a64_sr_write_pmcr_el0(A64Cpu *cpu, uint64_t value)
{
    const uint64_t kept = A64_PMCR_EL0_E | A64_PMCR_EL0_DP | A64_PMCR_EL0_LP | A64_PMCR_EL0_FZO;
    a64_pmu_settle(cpu);
    zero(cpu, (value & A64_PMCR_EL0_P ? readable(cpu) & COUNTERS : 0) |
              (value & A64_PMCR_EL0_C ? CYCLE : 0));
    cpu->st.sr[A64_SR_PMCR_EL0] = (value & kept) | A64_PMCR_EL0_LC;
    a64_pmu_changed(cpu);
}

void a64_sr_write_pmzr_el0(A64Cpu *cpu, uint64_t value)
{
    a64_pmu_settle(cpu);
    zero(cpu, (uint32_t)value & writable(cpu));
    a64_pmu_changed(cpu);
}

void a64_sr_write_pmswinc_el0(A64Cpu *cpu, uint64_t value)
{
    bool by_sw = cpu->st.sr[A64_SR_PMUSERENR_EL0] & A64_PMUSERENR_EL0_SW;
    uint32_t all = is_narrowed(cpu) && by_sw ? a64_pmu_first_range(cpu) : readable(cpu);
    a64_pmu_software(cpu, (uint32_t)value & all & COUNTERS);
}

/* A register of one counter: may the current EL see it, write it? */
static uint64_t read_own(A64Cpu *cpu, unsigned n, unsigned slot)
{
    a64_pmu_settle(cpu);
    return readable(cpu) >> n & 1 ? cpu->st.sr[slot] : 0;
}

static void write_own(A64Cpu *cpu, unsigned n, unsigned slot, uint64_t value)
{
    if (writable(cpu) >> n & 1)
        change(cpu, slot, value & ~cpu->model->res0[slot]);
}

uint64_t a64_sr_read_pmccntr_el0(A64Cpu *cpu)
{
    return read_own(cpu, A64_PMU_CYCLE, A64_SR_PMCCNTR_EL0);
}

void a64_sr_write_pmccntr_el0(A64Cpu *cpu, uint64_t value)
{
    write_own(cpu, A64_PMU_CYCLE, A64_SR_PMCCNTR_EL0, value);
}

uint64_t a64_sr_read_pmccfiltr_el0(A64Cpu *cpu)
{
    return read_own(cpu, A64_PMU_CYCLE, A64_SR_PMCCFILTR_EL0);
}

void a64_sr_write_pmccfiltr_el0(A64Cpu *cpu, uint64_t value)
{
    write_own(cpu, A64_PMU_CYCLE, A64_SR_PMCCFILTR_EL0, value);
}

uint64_t a64_sr_read_pmevcntr_el0(A64Cpu *cpu, unsigned n)
{
    return read_own(cpu, n, A64_SR_PMEVCNTR0_EL0 + n);
}

void a64_sr_write_pmevcntr_el0(A64Cpu *cpu, unsigned n, uint64_t value)
{
    write_own(cpu, n, A64_SR_PMEVCNTR0_EL0 + n, value);
}

uint64_t a64_sr_read_pmevtyper_el0(A64Cpu *cpu, unsigned n)
{
    return read_own(cpu, n, A64_SR_PMEVTYPER0_EL0 + n);
}

void a64_sr_write_pmevtyper_el0(A64Cpu *cpu, unsigned n, uint64_t value)
{
    write_own(cpu, n, A64_SR_PMEVTYPER0_EL0 + n, value);
}

/* The rules know the selection as of the last context synchronization; a newer one may name no
 * counter. */
static unsigned selected(const A64Cpu *cpu)
{
    return cpu->st.sr[A64_SR_PMSELR_EL0] & A64_PMSELR_EL0_SEL;
}

uint64_t a64_sr_read_pmxevcntr_el0(A64Cpu *cpu)
{
    unsigned n = selected(cpu);
    return n < A64_PMU_COUNTERS ? a64_sr_read_pmevcntr_el0(cpu, n) : a64_unpred_no_counter();
}

void a64_sr_write_pmxevcntr_el0(A64Cpu *cpu, uint64_t value)
{
    unsigned n = selected(cpu);
    if (n < A64_PMU_COUNTERS)
        a64_sr_write_pmevcntr_el0(cpu, n, value);
}

uint64_t a64_sr_read_pmxevtyper_el0(A64Cpu *cpu)
{
    unsigned n = selected(cpu);
    if (n == A64_PMU_CYCLE)
        return a64_sr_read_pmccfiltr_el0(cpu);
    return n < A64_PMU_COUNTERS ? a64_sr_read_pmevtyper_el0(cpu, n) : a64_unpred_no_counter();
}

void a64_sr_write_pmxevtyper_el0(A64Cpu *cpu, uint64_t value)
{
    unsigned n = selected(cpu);
    if (n == A64_PMU_CYCLE)
        a64_sr_write_pmccfiltr_el0(cpu, value);
    else if (n < A64_PMU_COUNTERS)
        a64_sr_write_pmevtyper_el0(cpu, n, value);
}

/* Bits of counters that EL1 has not are RAZ/WI. */
uint64_t a64_sr_read_pmuacr_el1(A64Cpu *cpu)
{
    return cpu->st.sr[A64_SR_PMUACR_EL1] & readable(cpu);
}

void a64_sr_write_pmuacr_el1(A64Cpu *cpu, uint64_t value)
{
    uint64_t mask = readable(cpu), *own = &cpu->st.sr[A64_SR_PMUACR_EL1];
    *own = (*own & ~mask) | (value & mask);
}

void a64_sr_write_pmecr_el1(A64Cpu *cpu, uint64_t value)
{
    change(cpu, A64_SR_PMECR_EL1, value);
}

void a64_sr_write_mdcr_el2(A64Cpu *cpu, uint64_t value)
{
    if (cpu->pmu)
        change(cpu, A64_SR_MDCR_EL2, value);
    else
        cpu->st.sr[A64_SR_MDCR_EL2] = value;
}
