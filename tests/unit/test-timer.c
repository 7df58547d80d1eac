/*
 * Generic Timer: conditions, views, offsets, deadlines and event streams, by the Arm ARM.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "armillary/engine.h"
#include "armillary/port.h"
#include "model.h"
#include "timer.h"
#include "sysreg-hooks.h"

#define HCR_E2H (UINT64_C(1) << 34)
#define HCR_TGE (UINT64_C(1) << 27)

static A64Cpu cpu;
static A64Ports ports;
static uint32_t lines; /* PPI levels, bit per INTID */

static void set_ppi(void *gic, uint32_t index, uint32_t intid, bool level)
{
    lines = (lines & ~(UINT32_C(1) << intid)) | (uint32_t)level << intid;
}

static const ArmGicPort gic = {.set_ppi = set_ppi};

void eng_context_changed(EngVcpu *v)
{
}

void eng_kick(EngVcpu *v, uint32_t attention)
{
    atomic_fetch_or(&v->attention, attention);
}

static int setup(void **state)
{
    ports = (A64Ports){.mem = mem_new(), .clock = ev_clock_new(true), .gic = &gic};
    A64Model *model = a64_model_new("max", NULL);
    assert_non_null(model);
    /* the fields of FEAT_ECV, which max does not announce */
    model->res0[A64_SR_CNTHCTL_EL2] = model->res0[A64_SR_CNTKCTL_EL1] = 0;
    cpu = (A64Cpu){.ports = &ports, .model = model};
    lines = 0;
    ev_clock_set(ports.clock, 1000);
    cpu.st.pstate.el = 1;
    a64_timers_init(&cpu);
    return 0;
}

static int teardown(void **state)
{
    a64_timers_free(&cpu);
    a64_model_free((A64Model *)(uintptr_t)cpu.model);
    ev_clock_free(ports.clock);
    mem_free(ports.mem);
    return 0;
}

/* As the run loop: time passes, alarms ring, the vCPU answers. */
static void pass_to(int64_t ns)
{
    ev_clock_advance(ports.clock, ns);
    mem_lock_devices(ports.mem);
    ev_run_due(ports.clock);
    mem_unlock_devices(ports.mem);
    a64_timers_poll(&cpu);
}

static void compare_and_mask(void **state)
{
    a64_sr_write_cntv_cval_el0(&cpu, 5000);
    a64_sr_write_cntv_ctl_el0(&cpu, 1);
    assert_int_equal(a64_timers_next_deadline(&cpu), 5000);
    assert_int_equal(ev_next_alarm(ports.clock), 5000);
    assert_int_equal(a64_sr_read_cntv_ctl_el0(&cpu), 1);
    pass_to(4999);
    assert_int_equal(lines, 0);
    pass_to(5000);
    assert_true(atomic_load(&cpu.eng.attention) & ENG_ATT_TIMER);
    assert_int_equal(lines, UINT32_C(1) << 27);
    assert_int_equal(a64_sr_read_cntv_ctl_el0(&cpu), 5); /* ISTATUS */
    a64_sr_write_cntv_ctl_el0(&cpu, 3);
    assert_int_equal(lines, 0);
    assert_int_equal(a64_sr_read_cntv_ctl_el0(&cpu), 7);
    a64_sr_write_cntv_ctl_el0(&cpu, 1);
    assert_int_equal(lines, UINT32_C(1) << 27);
    a64_sr_write_cntv_tval_el0(&cpu, 100); /* into the future: the line falls */
    assert_int_equal(lines, 0);
    assert_int_equal(cpu.st.sr[A64_SR_CNTV_CVAL_EL0], 5100);
    a64_sr_write_cntv_ctl_el0(&cpu, UINT64_MAX & ~UINT64_C(1));
    assert_int_equal(a64_sr_read_cntv_ctl_el0(&cpu), 2); /* off: no ISTATUS */
}

static void four_timers(void **state)
{
    a64_sr_write_cntp_ctl_el0(&cpu, 1); /* CVAL 0: met at once */
    assert_int_equal(lines, UINT32_C(1) << 30);
    a64_sr_write_cnthp_ctl_el2(&cpu, 1);
    a64_sr_write_cnthv_ctl_el2(&cpu, 1);
    a64_sr_write_cntv_ctl_el0(&cpu, 1);
    assert_int_equal(lines, UINT32_C(1) << 30 | 1 << 26 | 1 << 28 | 1 << 27);
    a64_sr_write_cnthp_cval_el2(&cpu, 1001);
    a64_sr_write_cnthv_cval_el2(&cpu, UINT64_MAX); /* compared without sign: never */
    assert_int_equal(lines, UINT32_C(1) << 30 | 1 << 27);
    assert_int_equal(a64_timers_next_deadline(&cpu), 1001);
    pass_to(1001);
    assert_int_equal(lines, UINT32_C(1) << 30 | 1 << 27 | 1 << 26);
    assert_int_equal(a64_timers_next_deadline(&cpu), INT64_MAX);
}

static void timer_values(void **state)
{
    a64_sr_write_cntp_tval_el0(&cpu, 0xffffffff); /* -1 */
    assert_int_equal(cpu.st.sr[A64_SR_CNTP_CVAL_EL0], 999);
    assert_int_equal(a64_sr_read_cntp_tval_el0(&cpu), 0xffffffff);
    a64_sr_write_cnthp_tval_el2(&cpu, UINT64_C(0x500000010)); /* bits 31:0 alone */
    assert_int_equal(cpu.st.sr[A64_SR_CNTHP_CVAL_EL2], 1016);
    ev_clock_advance(ports.clock, 1020);
    assert_int_equal(a64_sr_read_cnthp_tval_el2(&cpu), 0xfffffffc);
}

static void virtual_offset(void **state)
{
    a64_sr_write_cntvoff_el2(&cpu, 600);
    assert_int_equal(a64_sr_read_cntvct_el0(&cpu), 400);
    assert_int_equal(a64_sr_read_cntpct_el0(&cpu), 1000);
    a64_sr_write_cntv_cval_el0(&cpu, 500);
    a64_sr_write_cntv_ctl_el0(&cpu, 1);
    assert_int_equal(a64_timers_next_deadline(&cpu), 1100);
    assert_int_equal(a64_sr_read_cntv_tval_el0(&cpu), 100);
    a64_sr_write_cntvoff_el2(&cpu, 500);
    assert_int_equal(lines, UINT32_C(1) << 27);
    a64_sr_write_cntvoff_el2(&cpu, 1500); /* a count below 0 is a huge one until it wraps */
    assert_int_equal(lines, UINT32_C(1) << 27);
    assert_int_equal(a64_timers_next_deadline(&cpu), 1500);
    pass_to(1500);
    assert_int_equal(lines, 0);
    assert_int_equal(a64_timers_next_deadline(&cpu), 2000);
    /* EL2 without E2H has the offset; with E2H, or EL0 of a host, not */
    cpu.st.pstate.el = 2;
    assert_int_equal(a64_sr_read_cntvct_el0(&cpu), 0);
    cpu.st.sr[A64_SR_HCR_EL2] = HCR_E2H;
    assert_int_equal(a64_sr_read_cntvct_el0(&cpu), 1500);
    cpu.st.pstate.el = 0;
    assert_int_equal(a64_sr_read_cntvct_el0(&cpu), 0);
    cpu.st.sr[A64_SR_HCR_EL2] = HCR_E2H | HCR_TGE;
    assert_int_equal(a64_sr_read_cntvct_el0(&cpu), 1500);
}

static void physical_offset(void **state)
{
    a64_sr_write_cntpoff_el2(&cpu, 300);
    assert_int_equal(a64_sr_read_cntpct_el0(&cpu), 1000); /* ECV is 0 */
    a64_sr_write_cnthctl_el2(&cpu, UINT64_C(1) << 12);
    assert_int_equal(a64_sr_read_cntpct_el0(&cpu), 700);
    a64_sr_write_cntp_cval_el0(&cpu, 800);
    a64_sr_write_cntp_ctl_el0(&cpu, 1);
    assert_int_equal(a64_sr_read_cntp_tval_el0(&cpu), 100);
    assert_int_equal(a64_timers_next_deadline(&cpu), 1100);
    cpu.st.pstate.el = 2;
    assert_int_equal(a64_sr_read_cntpct_el0(&cpu), 1000);
    assert_int_equal(a64_sr_read_cntp_tval_el0(&cpu), 0xffffff38); /* 800 - 1000 */
    cpu.st.sr[A64_SR_HCR_EL2] = HCR_E2H | HCR_TGE; /* the host: no offset, the condition is met */
    a64_timers_hcr_changed(&cpu);
    assert_int_equal(lines, UINT32_C(1) << 30);
    cpu.st.sr[A64_SR_HCR_EL2] = HCR_E2H;
    a64_timers_hcr_changed(&cpu);
    assert_int_equal(lines, 0);
}

/* The virtual clock's alarms follow from the registers alone. */
static void moving_deadline(void **state)
{
    a64_sr_write_cntp_cval_el0(&cpu, 2000);
    a64_sr_write_cntp_ctl_el0(&cpu, 1);
    a64_sr_write_cntp_cval_el0(&cpu, 3000);
    assert_int_equal(ev_next_alarm(ports.clock), 3000);
    a64_sr_write_cntp_cval_el0(&cpu, 2500);
    assert_int_equal(ev_next_alarm(ports.clock), 2500);
    pass_to(2500);
    assert_int_equal(lines, UINT32_C(1) << 30);
    a64_sr_write_cntp_cval_el0(&cpu, 4000);
    a64_sr_write_cntp_ctl_el0(&cpu, 0);
    assert_int_equal(ev_next_alarm(ports.clock), INT64_MAX);
}

/* State from a snapshot: lines and alarm follow, whatever was there before. */
static void rebuilding(void **state)
{
    a64_sr_write_cntp_ctl_el0(&cpu, 1);
    assert_int_equal(lines, UINT32_C(1) << 30);
    lines = 0;
    cpu.st.sr[A64_SR_CNTV_CTL_EL0] = 1;
    cpu.st.sr[A64_SR_CNTV_CVAL_EL0] = 7000;
    a64_timers_rebuild(&cpu);
    assert_int_equal(lines, UINT32_C(1) << 30);
    assert_int_equal(ev_next_alarm(ports.clock), 7000);
}

static void event_stream(void **state)
{
    /* EVNTI 9 = 512 ns, rising edges at 512 + k * 1024; time is 1000 */
    assert_false(a64_timers_take_event(&cpu));
    a64_sr_write_cntkctl_el1(&cpu, 9 << 4 | 1 << 2);
    a64_timers_wait(&cpu, true, UINT64_MAX);
    assert_int_equal(a64_timers_next_deadline(&cpu), 1536);
    assert_int_equal(ev_next_alarm(ports.clock), 1536);
    ev_clock_advance(ports.clock, 1535);
    assert_false(a64_timers_take_event(&cpu));
    ev_clock_advance(ports.clock, 1536);
    assert_true(a64_timers_take_event(&cpu));
    assert_false(a64_timers_take_event(&cpu));
    pass_to(1536); /* the wait is over: no more alarms for it */
    assert_int_equal(a64_timers_next_deadline(&cpu), INT64_MAX);
    assert_int_equal(ev_next_alarm(ports.clock), INT64_MAX);
    ev_clock_advance(ports.clock, 100000);
    assert_true(a64_timers_take_event(&cpu));
    /* falling edges at k * 1024 of the virtual count */
    a64_sr_write_cntvoff_el2(&cpu, 100);
    a64_sr_write_cntkctl_el1(&cpu, 9 << 4 | 1 << 3 | 1 << 2);
    a64_timers_wait(&cpu, true, UINT64_MAX);
    assert_int_equal(a64_timers_next_deadline(&cpu), 98 * 1024 + 100);
    /* the host at {E2H,TGE} = {1,1} uses CNTHCTL_EL2; EVNTIS adds 8 to EVNTI */
    cpu.st.sr[A64_SR_HCR_EL2] = HCR_E2H | HCR_TGE;
    a64_timers_wait(&cpu, true, UINT64_MAX);
    assert_int_equal(a64_timers_next_deadline(&cpu), INT64_MAX);
    a64_sr_write_cnthctl_el2(&cpu, UINT64_C(1) << 17 | 1 << 4 | 1 << 3 | 1 << 2);
    a64_timers_wait(&cpu, true, UINT64_MAX);
    assert_int_equal(a64_timers_next_deadline(&cpu), 98 * 1024);
}

static void events_before_a_change_count(void **state)
{
    a64_sr_write_cntkctl_el1(&cpu, 9 << 4 | 1 << 2);
    ev_clock_advance(ports.clock, 2000);
    a64_sr_write_cntkctl_el1(&cpu, 0);
    assert_true(cpu.st.event);
    assert_false(a64_timers_take_event(&cpu));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(compare_and_mask, setup, teardown),
        cmocka_unit_test_setup_teardown(four_timers, setup, teardown),
        cmocka_unit_test_setup_teardown(timer_values, setup, teardown),
        cmocka_unit_test_setup_teardown(virtual_offset, setup, teardown),
        cmocka_unit_test_setup_teardown(physical_offset, setup, teardown),
        cmocka_unit_test_setup_teardown(moving_deadline, setup, teardown),
        cmocka_unit_test_setup_teardown(rebuilding, setup, teardown),
        cmocka_unit_test_setup_teardown(event_stream, setup, teardown),
        cmocka_unit_test_setup_teardown(events_before_a_change_count, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
