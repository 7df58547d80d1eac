/*
 * Translation of system-register accesses: what is in the block for plain, trapped, redirected and
 * hooked registers, and the hooks of sysreg-misc.c. Encodings from an assembler.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "cpu.h"
#include "sysreg-hooks.h"
#include "translate.h"

enum {
    MRS_X0_TPIDR_EL0 = 0xd53bd040,
    MSR_TPIDR_EL0_X1 = 0xd51bd041,
    MRS_X0_SCTLR_EL1 = 0xd5381000,
    MSR_SCTLR_EL1_X0 = 0xd5181000,
    MSR_SCTLR_EL12_X0 = 0xd51d1000,
    MRS_X3_CNTVCT_EL0 = 0xd53be043,
    MSR_DAIFSET_2 = 0xd50342df,
    MSR_DAIFCLR_2 = 0xd50342ff,
    MRS_X0_CURRENTEL = 0xd5384240,
    MSR_HSTR_EL2_X0 = 0xd51c1160,
    MSR_VTTBR_EL2_X0 = 0xd51c2100,
    MRS_X0_S3_1_C15_C0_0 = 0xd539f000,
    MRS_X0_ID_RESERVED = 0xd53804e0, /* S3_0_C0_C4_7 */
    DC_ZVA_X0 = 0xd50b7420,
    MRS_X0_CNTPCT_EL0 = 0xd53be020,
    MSR_APIAKEYLO_EL1_X0 = 0xd5182100,
};

static A64Cpu cpu;
static A64Model *model;
static IrBlock block;
static uint32_t page[1024];

static int setup(void **state)
{
    model = a64_model_new("max", NULL);
    cpu = (A64Cpu){.model = model, .modes = a64_modes_new(model)};
    memcpy(cpu.st.sr, model->reset, sizeof cpu.st.sr);
    return model ? 0 : -1;
}

static int teardown(void **state)
{
    a64_modes_free(cpu.modes);
    a64_model_free(model);
    return 0;
}

static void translate(unsigned el, uint32_t word)
{
    cpu.st.pstate.el = (uint8_t)el;
    cpu.st.pstate.sp = el != 0;
    a64_mode_forget(&cpu);
    a64_mode_select(&cpu);
    page[0] = word;
    ir_begin(&block);
    assert_int_equal(a64_translate(&block, a64_mode_current(&cpu.eng), page, 0, 1), 4);
    assert_null(ir_verify(&block));
}

/* The argument of the block's only call to h, or ~0 when there is none. */
static uint64_t called(const IrHelper *h)
{
    for (unsigned i = 0; i < block.n_ops; i++)
        if (block.ops[i].op == IR_CALL && block.ops[i].imm == (uint64_t)(uintptr_t)h)
            return block.ops[i].a ? block.ops[block.ops[i].a].imm : 0;
    return UINT64_MAX;
}

static bool touches(IrOpcode op, uint64_t offset)
{
    for (unsigned i = 0; i < block.n_ops; i++)
        if (block.ops[i].op == op && block.ops[i].imm == offset)
            return true;
    return false;
}

static bool calls_anything(void)
{
    for (unsigned i = 0; i < block.n_ops; i++)
        if (block.ops[i].op == IR_CALL)
            return true;
    return false;
}

static void plain(void **state)
{
    translate(0, MRS_X0_TPIDR_EL0);
    assert_true(touches(IR_GET, A64_OFF_SR(A64_SR_TPIDR_EL0)));
    assert_false(calls_anything());
    translate(0, MSR_TPIDR_EL0_X1);
    assert_true(touches(IR_PUT, A64_OFF_SR(A64_SR_TPIDR_EL0)));
    assert_false(calls_anything());
    translate(2, MSR_HSTR_EL2_X0); /* decides traps: the profile is marked, nothing called */
    assert_true(touches(IR_PUT, A64_OFF_SR(A64_SR_HSTR_EL2)));
    assert_false(calls_anything());
}

/* ISS: Op0 21:20, Op2 19:17, Op1 16:14, CRn 13:10, Rt 9:5, CRm 4:1, Direction 0. */
static void trapped(void **state)
{
    cpu.st.sr[A64_SR_HCR_EL2] = A64_HCR_EL2_TVM;
    translate(1, MSR_SCTLR_EL1_X0);
    assert_int_equal(called(&a64_h_sys_trap), UINT64_C(2) << 32 | 0x18u << 26 | 3 << 20 | 1 << 10);
    translate(1, MRS_X0_SCTLR_EL1); /* TVM is for writes */
    assert_int_equal(called(&a64_h_sys_trap), UINT64_MAX);
    cpu.st.sr[A64_SR_HCR_EL2] = 0;
    translate(0, MRS_X3_CNTVCT_EL0); /* CNTKCTL_EL1.EL0VCTEN = 0 */
    assert_int_equal(called(&a64_h_sys_trap), UINT64_C(1) << 32 | 0x18u << 26 | 3 << 20 | 2 << 17 |
                                                  3 << 14 | 14 << 10 | 3 << 5 | 1);
    cpu.st.sr[A64_SR_HCR_EL2] = A64_HCR_EL2_TIDCP;
    translate(1, MRS_X0_S3_1_C15_C0_0);
    assert_int_equal(called(&a64_h_sys_trap) >> 32, 2);
}

/* Without EL2 nothing traps there: CNTHCTL_EL2.EL1PCTEN and HCR_EL2.APK trap when 0. */
static void without_el2(void **state)
{
    A64Model *small = a64_model_new("max,el2=off", NULL);
    A64Modes *modes_before = cpu.modes;
    cpu.model = small;
    cpu.modes = a64_modes_new(small);
    translate(1, MRS_X0_CNTPCT_EL0);
    assert_int_equal(called(&a64_h_sys_trap), UINT64_MAX);
    translate(1, MSR_APIAKEYLO_EL1_X0);
    assert_int_equal(called(&a64_h_sys_trap), UINT64_MAX);
    a64_modes_free(cpu.modes);
    a64_model_free(small);
    cpu.modes = modes_before;
    cpu.model = model;
    translate(1, MRS_X0_CNTPCT_EL0);
    assert_int_equal(called(&a64_h_sys_trap) >> 32, 2);
}

static void undefined(void **state)
{
    translate(0, MRS_X0_SCTLR_EL1);
    assert_int_not_equal(called(&a64_h_undefined), UINT64_MAX);
    translate(2, MSR_SCTLR_EL12_X0); /* E2H is 0 */
    assert_int_not_equal(called(&a64_h_undefined), UINT64_MAX);
    translate(2, MRS_X0_S3_1_C15_C0_0);
    assert_int_not_equal(called(&a64_h_undefined), UINT64_MAX);
    translate(1, MRS_X0_ID_RESERVED); /* reserved ID registers read as zero */
    assert_int_equal(called(&a64_h_undefined), UINT64_MAX);
}

static void redirected(void **state)
{
    cpu.st.sr[A64_SR_HCR_EL2] = A64_HCR_EL2_E2H;
    translate(2, MRS_X0_SCTLR_EL1);
    assert_true(touches(IR_GET, A64_OFF_SR(A64_SR_SCTLR_EL2)));
    translate(2, MSR_SCTLR_EL12_X0);
    assert_true(touches(IR_PUT, A64_OFF_SR(A64_SR_SCTLR_EL1)));
    assert_int_not_equal(block.ops[block.n_ops - 1].op, IR_EXIT); /* not this regime */
    translate(2, MSR_SCTLR_EL1_X0);
    assert_true(touches(IR_PUT, A64_OFF_SR(A64_SR_SCTLR_EL2)));
    assert_int_equal(block.ops[block.n_ops - 1].op, IR_EXIT);
}

static void context(void **state)
{
    translate(1, MSR_SCTLR_EL1_X0);
    assert_int_equal(block.ops[block.n_ops - 1].op, IR_EXIT);
    translate(2, MSR_VTTBR_EL2_X0);
    assert_true(calls_anything());
}

static void pstate(void **state)
{
    translate(1, MSR_DAIFSET_2);
    assert_true(touches(IR_PUT, A64_OFF(pstate.daif)));
    assert_false(calls_anything());
    translate(1, MSR_DAIFCLR_2);
    assert_true(calls_anything()); /* interrupts are looked at */
    translate(0, MSR_DAIFSET_2);   /* SCTLR_EL1.UMA is 0 */
    assert_int_equal(called(&a64_h_sys_trap) >> 26 & 0x3f, 0x18);
    translate(2, MRS_X0_CURRENTEL);
    assert_false(calls_anything());
}

/* DC ZVA at EL0: SCTLR_EL1.DZE. */
static void instructions(void **state)
{
    translate(0, DC_ZVA_X0);
    assert_int_equal(called(&a64_h_sys_trap) >> 32, 1);
    cpu.st.sr[A64_SR_SCTLR_EL1] |= A64_SCTLR_EL1_DZE;
    translate(0, DC_ZVA_X0);
    assert_int_equal(called(&a64_h_sys_trap), UINT64_MAX);
}

/* Equal settings have equal ids; what an EL does not test does not change its mode. */
static void modes(void **state)
{
    translate(1, MRS_X0_TPIDR_EL0);
    uint32_t first = cpu.eng.mode;
    cpu.st.sr[A64_SR_HCR_EL2] = A64_HCR_EL2_TVM;
    translate(1, MRS_X0_TPIDR_EL0);
    assert_int_not_equal(cpu.eng.mode, first);
    cpu.st.sr[A64_SR_HCR_EL2] = A64_HCR_EL2_VI; /* no rule tests it */
    translate(1, MRS_X0_TPIDR_EL0);
    assert_int_equal(cpu.eng.mode, first);
    translate(2, MRS_X0_TPIDR_EL0);
    uint32_t second = cpu.eng.mode;
    cpu.st.sr[A64_SR_HCR_EL2] = A64_HCR_EL2_TVM; /* a trap of EL1 */
    translate(2, MRS_X0_TPIDR_EL0);
    assert_int_equal(cpu.eng.mode, second);
}

/* Setting i of EL0's controls. */
static void choose(unsigned i)
{
    cpu.st.sr[A64_SR_CNTKCTL_EL1] = (i & 3) | (uint64_t)(i >> 2 & 3) << 8;
    cpu.st.sr[A64_SR_CPACR_EL1] = (uint64_t)(i >> 4 & 3) << 20;
    cpu.st.sr[A64_SR_HCR_EL2] = (uint64_t)(i >> 6 & 3) << 23 | (uint64_t)(i >> 8 & 1) << 28 |
                                (uint64_t)(i >> 9 & 1) << 17;
    cpu.st.sr[A64_SR_SCTLR_EL1] = (uint64_t)(i >> 10 & 3) << 14 | (uint64_t)(i >> 12 & 1) << 26 |
                                  (uint64_t)(i >> 13 & 1) << 9;
}

/* More settings than the table holds: an id is never used for another setting. */
static void many_modes(void **state)
{
    uint32_t last = 0;
    for (unsigned i = 0; i < 10000; i++) {
        choose(i);
        translate(0, MRS_X0_TPIDR_EL0);
        assert_true(cpu.eng.mode > last);
        last = cpu.eng.mode;
    }
    choose(9999);
    translate(0, MRS_X0_TPIDR_EL0);
    assert_int_equal(cpu.eng.mode, last);
    choose(0);
    translate(0, MRS_X0_TPIDR_EL0);
    assert_true(cpu.eng.mode > last);
}

static void cache_identification(void **state)
{
    cpu.st.sr[A64_SR_CSSELR_EL1] = 0; /* 32K: 128 sets of 4 ways of 64 bytes */
    assert_int_equal(a64_sr_read_ccsidr_el1(&cpu), 127 << 13 | 3 << 3 | 2);
    cpu.st.sr[A64_SR_CSSELR_EL1] = 2; /* 1M: 1024 sets of 16 ways */
    assert_int_equal(a64_sr_read_ccsidr_el1(&cpu), 1023 << 13 | 15 << 3 | 2);
}

/* CPTR_EL2: RES1 bits of the older layout, none with E2H. */
static void cptr(void **state)
{
    a64_sr_write_cptr_el2(&cpu, 0);
    assert_int_equal(cpu.st.sr[A64_SR_CPTR_EL2], 0x33ff);
    a64_sr_write_cptr_el2(&cpu, 0xffffffff);
    assert_int_equal(cpu.st.sr[A64_SR_CPTR_EL2] & 0x400, 0x400);
    cpu.st.sr[A64_SR_HCR_EL2] = A64_HCR_EL2_E2H;
    a64_sr_write_cptr_el2(&cpu, 0x300000);
    assert_int_equal(cpu.st.sr[A64_SR_CPTR_EL2], 0x300000);
}

static void debug_locks(void **state)
{
    assert_true(cpu.st.sr[A64_SR_OSLSR_EL1] & 2); /* locked at reset */
    a64_sr_write_oslar_el1(&cpu, 0);
    assert_int_equal(cpu.st.sr[A64_SR_OSLSR_EL1], 8);
    a64_sr_write_dbgclaimset_el1(&cpu, 0x105);
    assert_int_equal(a64_sr_read_dbgclaimclr_el1(&cpu), 5);
    assert_int_equal(a64_sr_read_dbgclaimset_el1(&cpu), 0xff);
    a64_sr_write_dbgclaimclr_el1(&cpu, 1);
    assert_int_equal(a64_sr_read_dbgclaimclr_el1(&cpu), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(plain, setup, teardown),
        cmocka_unit_test_setup_teardown(trapped, setup, teardown),
        cmocka_unit_test_setup_teardown(without_el2, setup, teardown),
        cmocka_unit_test_setup_teardown(undefined, setup, teardown),
        cmocka_unit_test_setup_teardown(redirected, setup, teardown),
        cmocka_unit_test_setup_teardown(context, setup, teardown),
        cmocka_unit_test_setup_teardown(pstate, setup, teardown),
        cmocka_unit_test_setup_teardown(instructions, setup, teardown),
        cmocka_unit_test_setup_teardown(modes, setup, teardown),
        cmocka_unit_test_setup_teardown(many_modes, setup, teardown),
        cmocka_unit_test_setup_teardown(cache_identification, setup, teardown),
        cmocka_unit_test_setup_teardown(cptr, setup, teardown),
        cmocka_unit_test_setup_teardown(debug_locks, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
