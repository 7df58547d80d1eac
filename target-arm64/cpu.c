/*
 * A vCPU as a whole. Arm ARM, "PE state on reset to AArch64 state". The reset values of registers
 * are in tables/sysregs.tbl; those the manual leaves UNKNOWN are 0.
 */
#include "cpu.h"
#include "landing.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "debug.h"
#include "gic-cpu.h"
#include "mmu.h"
#include "pmu.h"
#include "step.h"
#include "sysreg.h"
#include "timer.h"
#include "translate.h"

uint64_t a64_mpidr(unsigned n)
{
    uint64_t aff0 = n & 15, aff1 = n >> 4 & 255, aff2 = n >> 12 & 255;
    return UINT64_C(1) << 31 | aff2 << 16 | aff1 << 8 | aff0;
}

static void reset_registers(A64Cpu *cpu)
{
    A64State *st = &cpu->st;
    memcpy(st->sr, cpu->model->reset, sizeof st->sr);
    st->sr[A64_SR_MPIDR_EL1] = a64_mpidr(cpu->eng.index);
    if (a64_has(cpu->model, A64_FEAT_EL2)) {
        st->sr[A64_SR_VPIDR_EL2] = st->sr[A64_SR_MIDR_EL1];
        st->sr[A64_SR_VMPIDR_EL2] = st->sr[A64_SR_MPIDR_EL1];
    } else {
        st->sr[A64_SR_HCR_EL2] = 0;
    }
}

void a64_cpu_changed(A64Cpu *cpu)
{
    a64_modes_trace(cpu->modes, a64_trace_points(cpu->ports));
    a64_pmu_rebuild(cpu);
    a64_mode_forget(cpu);
    a64_mode_select(cpu);
    a64_mmu_changed(cpu);
    a64_gic_rebuild(cpu);
    a64_timers_rebuild(cpu);
    a64_trace_reset(cpu);
    eng_context_changed(&cpu->eng);
}

static void reset_state(A64Cpu *cpu)
{
    const BaseRandom random = cpu->st.random;
    memset(&cpu->st, 0, sizeof cpu->st);
    cpu->st.random = random;
    reset_registers(cpu);
    cpu->st.pstate.el = a64_has(cpu->model, A64_FEAT_EL2) ? 2 : 1;
    cpu->st.pstate.sp = 1;
    cpu->st.pstate.daif = 0xf;
    cpu->eng.pc = 0;
    cpu->eng.leave = ENG_STAY;
    cpu->eng.landing = ENG_LANDING_NONE;
    eng_clear_exclusive(&cpu->eng);
}

void a64_cpu_reset(A64Cpu *cpu)
{
    reset_state(cpu);
    a64_cpu_changed(cpu);
}

void a64_cpu_start(A64Cpu *cpu, uint64_t pc, uint64_t x0)
{
    a64_cpu_reset(cpu);
    cpu->st.x[0] = x0;
    cpu->st.powered = true;
    cpu->eng.pc = pc;
}

static void free_parts(A64Cpu *cpu)
{
    a64_timers_free(cpu);
    a64_pmu_free(cpu);
    a64_gic_free(cpu);
    a64_mmu_fini(cpu);
    a64_modes_free(cpu->modes);
    free(cpu);
}

A64Cpu *a64_cpu_new(EngMachine *machine, const A64Model *model, const A64Ports *ports)
{
    A64Cpu *cpu = aligned_alloc(64, (sizeof *cpu + 63) & ~(size_t)63);
    g_assert(cpu);
    memset(cpu, 0, sizeof *cpu);
    cpu->model = model;
    cpu->ports = ports;
    cpu->modes = a64_modes_new(model);
    cpu->eng.target = &a64_target;
    reset_state(cpu);
    a64_mmu_init(cpu);
    a64_gic_init(cpu);
    a64_timers_init(cpu);
    a64_pmu_init(cpu);
    a64_mode_forget(cpu);
    a64_mode_select(cpu);
    if (!eng_vcpu_init(machine, &cpu->eng, &a64_target)) {
        free_parts(cpu);
        return NULL;
    }
    base_random_seed(&cpu->st.random, (ports ? ports->seed : 0) + cpu->eng.index + 1);
    a64_cpu_reset(cpu); /* now that the index is known */
    return cpu;
}

void a64_cpu_free(A64Cpu *cpu)
{
    if (!cpu)
        return;
    eng_vcpu_fini(&cpu->eng);
    free_parts(cpu);
}

static int64_t next_deadline(EngVcpu *eng)
{
    return a64_timers_next_deadline(a64_cpu(eng));
}

static bool wakes(EngVcpu *eng)
{
    return a64_wakes(eng, a64_cpu(eng)->st.waits_for_event);
}

static unsigned level(const EngVcpu *eng)
{
    return ((const A64Cpu *)eng)->st.pstate.el;
}

const CpuTarget a64_target = {
    .name = "arm64",
    .cpu_size = sizeof(A64Cpu),
    .translate = a64_translate,
    .mode = a64_mode_current,
    .land = a64_land,
    .translate_va = a64_translate_va,
    .before_fetch = a64_before_fetch,
    .alignment_fault = a64_alignment_fault,
    .external_abort = a64_external_abort,
    .alignment = a64_alignment,
    .watched = a64_watched,
    .watchpoint = a64_watchpoint,
    .take_pending = a64_take_pending,
    .wakes = wakes,
    .next_deadline = next_deadline,
    .level = level,
    .context = a64_context,
    .contexts = a64_contexts,
};
