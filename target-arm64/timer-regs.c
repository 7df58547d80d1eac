/*
 * Register hooks of the Generic Timer: what sysregs.tbl calls for CNT* registers.
 * Arm ARM, "Generic Timer registers". Traps and the redirections of E2H and TGE are rows of the
 * table: each hook means its own register.
 */
#include "sysreg-hooks.h"

#include "model.h"
#include "cpu.h"
#include "timer.h"

uint64_t a64_sr_read_cntpct_el0(A64Cpu *cpu)
{
    return a64_timers_physical_count(cpu);
}

uint64_t a64_sr_read_cntvct_el0(A64Cpu *cpu)
{
    return a64_timers_virtual_count(cpu);
}

uint64_t a64_sr_read_cntp_ctl_el0(A64Cpu *cpu)
{
    return a64_timers_read_ctl(cpu, A64_TIMER_P);
}

void a64_sr_write_cntp_ctl_el0(A64Cpu *cpu, uint64_t value)
{
    a64_timers_write_ctl(cpu, A64_TIMER_P, value);
}

void a64_sr_write_cntp_cval_el0(A64Cpu *cpu, uint64_t value)
{
    a64_timers_write_cval(cpu, A64_TIMER_P, value);
}

uint64_t a64_sr_read_cntp_tval_el0(A64Cpu *cpu)
{
    return a64_timers_read_tval(cpu, A64_TIMER_P);
}

void a64_sr_write_cntp_tval_el0(A64Cpu *cpu, uint64_t value)
{
    a64_timers_write_tval(cpu, A64_TIMER_P, value);
}

uint64_t a64_sr_read_cntv_ctl_el0(A64Cpu *cpu)
{
    return a64_timers_read_ctl(cpu, A64_TIMER_V);
}

void a64_sr_write_cntv_ctl_el0(A64Cpu *cpu, uint64_t value)
{
    a64_timers_write_ctl(cpu, A64_TIMER_V, value);
}

void a64_sr_write_cntv_cval_el0(A64Cpu *cpu, uint64_t value)
{
    a64_timers_write_cval(cpu, A64_TIMER_V, value);
}

uint64_t a64_sr_read_cntv_tval_el0(A64Cpu *cpu)
{
    return a64_timers_read_tval(cpu, A64_TIMER_V);
}

void a64_sr_write_cntv_tval_el0(A64Cpu *cpu, uint64_t value)
{
    a64_timers_write_tval(cpu, A64_TIMER_V, value);
}

uint64_t a64_sr_read_cnthp_ctl_el2(A64Cpu *cpu)
{
    return a64_timers_read_ctl(cpu, A64_TIMER_HP);
}

void a64_sr_write_cnthp_ctl_el2(A64Cpu *cpu, uint64_t value)
{
    a64_timers_write_ctl(cpu, A64_TIMER_HP, value);
}

void a64_sr_write_cnthp_cval_el2(A64Cpu *cpu, uint64_t value)
{
    a64_timers_write_cval(cpu, A64_TIMER_HP, value);
}

uint64_t a64_sr_read_cnthp_tval_el2(A64Cpu *cpu)
{
    return a64_timers_read_tval(cpu, A64_TIMER_HP);
}

void a64_sr_write_cnthp_tval_el2(A64Cpu *cpu, uint64_t value)
{
    a64_timers_write_tval(cpu, A64_TIMER_HP, value);
}

uint64_t a64_sr_read_cnthv_ctl_el2(A64Cpu *cpu)
{
    return a64_timers_read_ctl(cpu, A64_TIMER_HV);
}

void a64_sr_write_cnthv_ctl_el2(A64Cpu *cpu, uint64_t value)
{
    a64_timers_write_ctl(cpu, A64_TIMER_HV, value);
}

void a64_sr_write_cnthv_cval_el2(A64Cpu *cpu, uint64_t value)
{
    a64_timers_write_cval(cpu, A64_TIMER_HV, value);
}

uint64_t a64_sr_read_cnthv_tval_el2(A64Cpu *cpu)
{
    return a64_timers_read_tval(cpu, A64_TIMER_HV);
}

void a64_sr_write_cnthv_tval_el2(A64Cpu *cpu, uint64_t value)
{
    a64_timers_write_tval(cpu, A64_TIMER_HV, value);
}

void a64_sr_write_cntvoff_el2(A64Cpu *cpu, uint64_t value)
{
    cpu->st.sr[A64_SR_CNTVOFF_EL2] = value;
    a64_timers_update(cpu);
}

void a64_sr_write_cntpoff_el2(A64Cpu *cpu, uint64_t value)
{
    cpu->st.sr[A64_SR_CNTPOFF_EL2] = value;
    a64_timers_update(cpu);
}

/* Events of the stream set up before count as before; the new one starts now. */
static void set_stream(A64Cpu *cpu, uint16_t slot, uint64_t value)
{
    if (a64_timers_take_event(cpu)) {
        a64_event_set(cpu);
    }
    cpu->st.sr[slot] = value & ~cpu->model->res0[slot];
}

void a64_sr_write_cntkctl_el1(A64Cpu *cpu, uint64_t value)
{
    set_stream(cpu, A64_SR_CNTKCTL_EL1, value);
}

/* One set of bits for both layouts: HCR_EL2.E2H says what bits 0, 1 and 8 to 11 mean. */
void a64_sr_write_cnthctl_el2(A64Cpu *cpu, uint64_t value)
{
    set_stream(cpu, A64_SR_CNTHCTL_EL2, value);
    a64_timers_update(cpu);
}
