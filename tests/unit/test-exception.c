/*
 * Exception entry and return, routing and masking of interrupts. Expectations: Arm ARM, "AArch64
 * Exception model", by name at each test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "cpu.h"
#include "gic-cpu.h"
#include "sysreg.h"
#include "timer.h"

enum { PC = 0x40000000 };
#define HCR_TGE (UINT64_C(1) << 27)
#define HCR_E2H (UINT64_C(1) << 34)
#define HCR_IMO (UINT64_C(1) << 4)
#define HCR_FMO (UINT64_C(1) << 3)
#define HCR_VI (UINT64_C(1) << 7)
#define HCR_AMO (UINT64_C(1) << 5)
#define HCR_VSE (UINT64_C(1) << 8)

static A64Cpu cpu;
static struct A64GicCpu gic;
static A64Ports ports;
static A64Model *model;
static uint64_t firmware_saw;

static void firmware_call(void *firmware, uint32_t index, uint64_t x[18])
{
    firmware_saw = x[0];
    x[0] = 7;
}
static const ArmFirmwarePort firmware = {firmware_call};

static void at(unsigned el, unsigned sp, uint64_t hcr)
{
    memcpy(cpu.st.sr, model->reset, sizeof cpu.st.sr);
    cpu.st.pstate = (A64Pstate){.el = (uint8_t)el, .sp = (uint8_t)sp};
    cpu.st.sp_el[0] = 0x1000;
    cpu.st.sp_el[1] = 0x1001;
    cpu.st.sp_el[2] = 0x1002;
    cpu.st.x[31] = cpu.st.sp_el[sp ? el : 0];
    cpu.st.sr[A64_SR_HCR_EL2] = hcr;
    cpu.st.sr[A64_SR_VBAR_EL1] = 0x100000;
    cpu.st.sr[A64_SR_VBAR_EL2] = 0x200000;
    cpu.eng.pc = cpu.eng.insn_pc = PC;
    cpu.eng.leave = ENG_STAY;
    gic.pending = A64_GIC_SPURIOUS;
    gic.virtual_line = 0;
    a64_mode_forget(&cpu);
    a64_mode_select(&cpu);
}

static int setup(void **state)
{
    model = a64_model_new("max", NULL);
    ports = (A64Ports){.mem = mem_new(), .clock = ev_clock_new(true), .firmware = &firmware,
                       .smc_is_firmware = true};
    gic = (struct A64GicCpu){.pending = A64_GIC_SPURIOUS, .pmr = 0xf8, .running = A64_GIC_IDLE};
    cpu = (A64Cpu){.model = model, .modes = a64_modes_new(model), .gic = &gic, .ports = &ports};
    a64_timers_init(&cpu);
    return model ? 0 : -1;
}

static int teardown(void **state)
{
    a64_timers_free(&cpu);
    a64_modes_free(cpu.modes);
    a64_model_free(model);
    ev_clock_free(ports.clock);
    mem_free(ports.mem);
    return 0;
}

static void call(const IrHelper *h, uint64_t arg)
{
    cpu.eng.leave = ENG_STAY;
    h->fn(&cpu, arg, 0, 0);
}

/* "Exception vectors", "PSTATE on exception entry", ISS of SVC. */
static void svc_to_el1(void **state)
{
    at(0, 0, 0);
    cpu.st.pstate.nzcv = 0x60000000;
    cpu.st.pstate.daif = 2;
    call(&a64_h_svc, 0x1234);
    assert_int_equal(cpu.eng.leave, ENG_LEAVE_EXCEPTION);
    assert_int_equal(cpu.eng.pc, 0x100400);
    assert_int_equal(cpu.st.sr[A64_SR_ESR_EL1], UINT64_C(0x56001234));
    assert_int_equal(cpu.st.sr[A64_SR_ELR_EL1], PC + 4);
    assert_int_equal(cpu.st.sr[A64_SR_SPSR_EL1], 0x60000080);
    assert_int_equal(cpu.st.pstate.el, 1);
    assert_int_equal(cpu.st.pstate.sp, 1);
    assert_int_equal(cpu.st.pstate.daif, 15);
    assert_int_equal(cpu.st.pstate.nzcv, 0x60000000);
    assert_int_equal(cpu.st.x[31], 0x1001);
    assert_int_equal(cpu.st.sp_el[0], 0x1000);
}

/* "Traps to EL2 of general exceptions from EL0" (HCR_EL2.TGE). */
static void svc_with_tge(void **state)
{
    at(0, 0, HCR_TGE | HCR_E2H);
    call(&a64_h_svc, 1);
    assert_int_equal(cpu.eng.pc, 0x200400);
    assert_int_equal(cpu.st.sr[A64_SR_ESR_EL2], UINT64_C(0x56000001));
    assert_int_equal(cpu.st.x[31], 0x1002);
}

/* The same EL: offset 0x200 with SP_ELx, 0 with SP_EL0. */
static void vectors_of_the_same_el(void **state)
{
    at(1, 1, 0);
    call(&a64_h_svc, 0);
    assert_int_equal(cpu.eng.pc, 0x100200);
    assert_int_equal(cpu.st.sr[A64_SR_SPSR_EL1] & 0x3ff, 5);
    at(1, 0, 0);
    call(&a64_h_svc, 0);
    assert_int_equal(cpu.eng.pc, 0x100000);
    assert_int_equal(cpu.st.sr[A64_SR_SPSR_EL1] & 0x3ff, 4);
    assert_int_equal(cpu.st.x[31], 0x1001);
    at(2, 1, 0);
    call(&a64_h_undefined, 0);
    assert_int_equal(cpu.eng.pc, 0x200200);
    assert_int_equal(cpu.st.sr[A64_SR_ESR_EL2], UINT64_C(0x02000000));
    assert_int_equal(cpu.st.sr[A64_SR_ELR_EL2], PC);
}

/* SCTLR_ELx.SPAN, and the host at {E2H,TGE} = {1,1}. */
static void pan_on_entry(void **state)
{
    at(0, 0, 0);
    cpu.st.sr[A64_SR_SCTLR_EL1] &= ~A64_SCTLR_EL1_SPAN;
    call(&a64_h_svc, 0);
    assert_int_equal(cpu.st.pstate.pan, 1);
    at(0, 0, 0);
    cpu.st.sr[A64_SR_SCTLR_EL1] |= A64_SCTLR_EL1_SPAN;
    call(&a64_h_svc, 0);
    assert_int_equal(cpu.st.pstate.pan, 0);
    at(0, 0, HCR_TGE | HCR_E2H);
    cpu.st.sr[A64_SR_SCTLR_EL2] &= ~A64_SCTLR_EL1_SPAN;
    call(&a64_h_svc, 0);
    assert_int_equal(cpu.st.pstate.pan, 1);
    at(1, 1, 0); /* to EL2 without a host: SPAN plays no part */
    cpu.st.sr[A64_SR_SCTLR_EL2] &= ~A64_SCTLR_EL1_SPAN;
    call(&a64_h_hvc, 0);
    assert_int_equal(cpu.st.pstate.pan, 0);
}

/* ESR_ELx.EC of aborts, FAR, HPFAR_EL2.FIPA. */
static void aborts(void **state)
{
    const A64Exception stage2 = {.el = 2, .ec = A64_EC_DATA_ABORT_LOWER, .iss = 0x46,
                                 .has_far = true, .far = 0xffff000012345678, .has_ipa = true,
                                 .ipa = {0x123456789abc}};
    at(1, 1, 1);
    a64_raise(&cpu, &stage2);
    assert_int_equal(cpu.st.sr[A64_SR_ESR_EL2], UINT64_C(0x92000046));
    assert_int_equal(cpu.st.sr[A64_SR_FAR_EL2], 0xffff000012345678);
    assert_int_equal(cpu.st.sr[A64_SR_HPFAR_EL2], UINT64_C(0x1234567890));
    const A64Exception own = {.ec = A64_EC_INSN_ABORT_LOWER, .iss = 7, .has_far = true, .far = 8};
    at(1, 1, 0);
    a64_raise(&cpu, &own);
    assert_int_equal(cpu.st.sr[A64_SR_ESR_EL1], UINT64_C(0x86000007));
    assert_int_equal(cpu.st.sr[A64_SR_FAR_EL1], 8);
}

/* HVC, HCR_EL2.HCD, HCR_EL2.TSC, BRK with MDCR_EL2.TDE. */
static void calls(void **state)
{
    at(1, 1, 0);
    call(&a64_h_hvc, 0x4d);
    assert_int_equal(cpu.st.sr[A64_SR_ESR_EL2], UINT64_C(0x5a00004d));
    assert_int_equal(cpu.st.sr[A64_SR_ELR_EL2], PC + 4);
    at(1, 1, A64_HCR_EL2_HCD);
    call(&a64_h_hvc, 0);
    assert_int_equal(cpu.st.sr[A64_SR_ESR_EL1], UINT64_C(0x02000000));
    at(1, 1, A64_HCR_EL2_TSC);
    call(&a64_h_smc, 3);
    assert_int_equal(cpu.st.sr[A64_SR_ESR_EL2], UINT64_C(0x5e000003));
    assert_int_equal(cpu.st.sr[A64_SR_ELR_EL2], PC);
    at(1, 1, 0);
    cpu.st.x[0] = 0x84000000;
    call(&a64_h_smc, 0);
    assert_int_equal(firmware_saw, 0x84000000);
    assert_int_equal(cpu.st.x[0], 7);
    assert_int_equal(cpu.eng.leave, ENG_LEAVE_NEXT);
    assert_int_equal(cpu.eng.pc, PC + 4);
    at(1, 1, 0);
    cpu.st.sr[A64_SR_MDCR_EL2] = A64_MDCR_EL2_TDE;
    call(&a64_h_brk, 9);
    assert_int_equal(cpu.st.sr[A64_SR_ESR_EL2], UINT64_C(0xf2000009));
    assert_int_equal(cpu.st.sr[A64_SR_ELR_EL2], PC);
}

/* "Illegal exception returns from AArch64 state": every mode field, from EL1 and EL2. */
static void illegal_returns(void **state)
{
    for (unsigned from = 1; from <= 2; from++) {
        for (unsigned m = 0; m < 32; m++) {
            bool legal = m == 0 || m == 4 || m == 5 || (from == 2 && (m == 8 || m == 9));
            at(from, 1, 0);
            cpu.st.sr[from == 2 ? A64_SR_SPSR_EL2 : A64_SR_SPSR_EL1] = 0x90000240 | m;
            cpu.st.sr[from == 2 ? A64_SR_ELR_EL2 : A64_SR_ELR_EL1] = 0x5000;
            call(&a64_h_eret, 0);
            assert_int_equal(cpu.eng.pc, 0x5000);
            assert_int_equal(cpu.st.pstate.nzcv, 0x90000000);
            assert_int_equal(cpu.st.pstate.daif, 9);
            assert_int_equal(cpu.st.pstate.il, !legal);
            assert_int_equal(cpu.st.pstate.el, legal ? m >> 2 : from);
            assert_int_equal(cpu.st.pstate.sp, legal ? m & 1 : 1);
        }
    }
}

/* A return to EL1 with HCR_EL2.TGE; SP banks; monitor and event register. */
static void returns(void **state)
{
    at(2, 1, HCR_TGE);
    cpu.st.sr[A64_SR_SPSR_EL2] = 5;
    call(&a64_h_eret, 0);
    assert_int_equal(cpu.st.pstate.il, 1);
    at(2, 1, 0);
    cpu.eng.excl_size = 8;
    cpu.st.event = false;
    cpu.st.x[31] = 0x77;
    cpu.st.sr[A64_SR_SPSR_EL2] = 4;
    call(&a64_h_eret, 0);
    assert_int_equal(cpu.st.x[31], 0x1000);
    assert_int_equal(cpu.st.sp_el[2], 0x77);
    assert_int_equal(cpu.eng.excl_size, 0);
    assert_true(cpu.st.event);
}

/* Rows of "FIQ and IRQ interrupt exception targets" and of the table of masking, for SCR_EL3.{NS,
 * IRQ,FIQ,RW} = {1,0,0,1}. A: taken whatever PSTATE.I; B: unless masked; C: never. */
static const struct {
    unsigned tge, imo, e2h, el;
    char mask;
    unsigned target;
} routes[] = {
    {0, 0, 0, 0, 'B', 1}, {0, 0, 0, 1, 'B', 1}, {0, 0, 0, 2, 'C', 0},
    {0, 0, 1, 0, 'B', 1}, {0, 0, 1, 1, 'B', 1}, {0, 0, 1, 2, 'C', 0},
    {0, 1, 0, 0, 'A', 2}, {0, 1, 0, 1, 'A', 2}, {0, 1, 0, 2, 'B', 2},
    {0, 1, 1, 0, 'A', 2}, {0, 1, 1, 1, 'A', 2}, {0, 1, 1, 2, 'B', 2},
    {1, 0, 0, 0, 'A', 2}, {1, 0, 0, 2, 'B', 2}, {1, 1, 0, 0, 'A', 2}, {1, 1, 0, 2, 'B', 2},
    {1, 0, 1, 0, 'B', 2}, {1, 0, 1, 2, 'B', 2}, {1, 1, 1, 0, 'B', 2}, {1, 1, 1, 2, 'B', 2},
};

static void one_route(unsigned i, bool fiq, bool masked)
{
    uint64_t hcr = (routes[i].tge ? HCR_TGE : 0) | (routes[i].e2h ? HCR_E2H : 0) |
                   (routes[i].imo ? fiq ? HCR_FMO : HCR_IMO : 0);
    unsigned el = routes[i].el;
    at(el, el != 0, hcr);
    gic.pending = 40 | UINT64_C(0x80) << 32 | (uint64_t)!fiq << 40;
    cpu.st.pstate.daif = masked ? (fiq ? 1 : 2) : 0;
    bool taken = a64_take_pending(&cpu.eng);
    assert_int_equal(taken, routes[i].mask == 'A' || (routes[i].mask == 'B' && !masked));
    if (!taken)
        return;
    assert_int_equal(cpu.st.pstate.el, routes[i].target);
    uint64_t base = routes[i].target == 2 ? 0x200000 : 0x100000;
    unsigned offset = (routes[i].target > el ? 0x400 : 0x200) + (fiq ? 0x100 : 0x80);
    assert_int_equal(cpu.eng.pc, base + offset);
    assert_int_equal(cpu.st.sr[routes[i].target == 2 ? A64_SR_ELR_EL2 : A64_SR_ELR_EL1], PC);
}

static void physical_interrupts(void **state)
{
    for (unsigned i = 0; i < sizeof routes / sizeof routes[0]; i++)
        for (unsigned k = 0; k < 4; k++)
            one_route(i, k & 1, k & 2);
}

/* The table of masking of virtual interrupts. */
static void virtual_interrupts(void **state)
{
    for (unsigned k = 0; k < 32; k++) {
        bool tge = k & 1, imo = k & 2, masked = k & 4, by_gic = k & 8;
        unsigned el = k & 16 ? 1 : 0;
        if (tge && el == 1)
            continue;
        at(el, el, (tge ? HCR_TGE : 0) | (imo ? HCR_IMO : 0) | (by_gic ? 0 : HCR_VI));
        gic.virtual_line = by_gic;
        cpu.st.pstate.daif = masked ? 2 : 0;
        assert_int_equal(a64_take_pending(&cpu.eng), imo && !tge && !masked);
        assert_int_equal(a64_wakes(&cpu.eng, false), imo && !tge);
    }
    at(2, 1, HCR_IMO | HCR_VI);
    assert_false(a64_take_pending(&cpu.eng));
}

/* ISR_EL1: at EL1 with HCR_EL2.IMO the virtual interrupt, else the physical one. */
static void isr(void **state)
{
    at(1, 1, HCR_IMO);
    gic.pending = 40 | UINT64_C(0x80) << 32 | UINT64_C(1) << 40;
    assert_int_equal(a64_isr(&cpu), 0);
    cpu.st.sr[A64_SR_HCR_EL2] |= HCR_VI;
    assert_int_equal(a64_isr(&cpu), 0x80);
    cpu.st.sr[A64_SR_HCR_EL2] = 0;
    assert_int_equal(a64_isr(&cpu), 0x80);
    at(2, 1, 0);
    gic.pending = 40 | UINT64_C(0x80) << 32;
    assert_int_equal(a64_isr(&cpu), 0x40);
}

/* WFI and WFE: SCTLR_EL1.nTWI, HCR_EL2.TWE, ISS with CV = 1 and COND = 0b1110. */
static void wait_traps(void **state)
{
    at(0, 0, 0);
    cpu.st.sr[A64_SR_SCTLR_EL1] = 0;
    call(&a64_h_wfi, 0);
    assert_int_equal(cpu.st.sr[A64_SR_ESR_EL1], UINT64_C(0x07e00000));
    at(1, 1, A64_HCR_EL2_TWE);
    cpu.st.event = true;
    call(&a64_h_wfe, 0); /* the event is there: nothing to wait for */
    assert_int_equal(cpu.eng.leave, ENG_STAY);
    call(&a64_h_wfe, 0);
    assert_int_equal(cpu.st.sr[A64_SR_ESR_EL2], UINT64_C(0x07e00001));
    at(1, 1, A64_HCR_EL2_TWI);
    gic.pending = 40 | UINT64_C(0x80) << 32 | UINT64_C(1) << 40;
    call(&a64_h_wfi, 0); /* an interrupt is pending */
    assert_int_equal(cpu.eng.leave, ENG_STAY);
}

/* CPACR_EL1.FPEN and CPTR_EL2 in both layouts: where FP instructions trap to. */
static void fp_traps(void **state)
{
    const struct {
        unsigned el;
        uint64_t hcr, cpacr, cptr;
        unsigned target, ec;
    } cases[] = {
        {0, 0, 0x300000, 0, 0, 0},
        {0, 0, 0x100000, 0, 1, 7},
        {1, 0, 0x100000, 0, 0, 0},
        {1, 0, 0x200000, 0, 1, 7},
        {1, 0, 0x300000, 0x400, 2, 7},
        {2, 0, 0, 0x400, 2, 7},
        {2, 0, 0, 0, 0, 0},
        {0, HCR_TGE, 0, 0, 2, 0},
        {0, HCR_TGE | HCR_E2H, 0, 0x100000, 2, 7},
        {0, HCR_TGE | HCR_E2H, 0, 0x300000, 0, 0},
        {2, HCR_E2H, 0, 0x100000, 0, 0},
        {2, HCR_E2H, 0, 0x200000, 2, 7},
        {1, HCR_E2H, 0x300000, 0, 2, 7},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        at(cases[i].el, cases[i].el != 0, cases[i].hcr);
        cpu.st.sr[A64_SR_CPACR_EL1] = cases[i].cpacr;
        cpu.st.sr[A64_SR_CPTR_EL2] = cases[i].cptr;
        a64_mode_forget(&cpu);
        a64_mode_select(&cpu);
        const A64Mode *mode = a64_mode_current(&cpu.eng);
        assert_int_equal(mode->fp_trap, cases[i].target);
        if (!mode->fp_trap)
            continue;
        call(&a64_h_fp_trap, mode->fp_trap);
        uint64_t esr = cpu.st.sr[cases[i].target == 2 ? A64_SR_ESR_EL2 : A64_SR_ESR_EL1];
        assert_int_equal(esr >> 26, cases[i].ec);
        assert_int_equal(esr & 0x1ffffff, cases[i].ec ? 0x1e00000 : 0);
    }
}

/* "Virtual SError exceptions", ESR_EL1 for a virtual SError: IDS and ISS are VSESR_EL2's. */
static void virtual_serror(void **state)
{
    for (unsigned el = 0; el < 2; el++) {
        at(el, el, HCR_AMO | HCR_VSE);
        cpu.st.sr[A64_SR_VSESR_EL2] = 0x1abcdef;
        cpu.st.pstate.daif = 8 | 2 | 1;
        assert_int_equal(a64_isr(&cpu), el ? 0x100 : 0);
        assert_true(a64_take_pending(&cpu.eng));
        assert_int_equal(cpu.eng.pc, 0x100000 + (el ? 0x380 : 0x580));
        assert_int_equal(cpu.st.sr[A64_SR_ESR_EL1], UINT64_C(0xbfabcdef));
        assert_int_equal(cpu.st.sr[A64_SR_ELR_EL1], PC);
        assert_int_equal(cpu.st.sr[A64_SR_HCR_EL2], HCR_AMO);
        assert_int_equal(cpu.st.sr[A64_SR_VDISR_EL2], 0);
    }
}

/* ESB: who defers a virtual SError, and what VDISR_EL2 then says. */
static void esb_defers(void **state)
{
    const struct {
        unsigned el;
        uint64_t hcr;
        bool masked, deferred;
    } cases[] = {
        {0, HCR_AMO | HCR_VSE, true, true},
        {1, HCR_AMO | HCR_VSE, true, true},
        {1, HCR_AMO | HCR_VSE | HCR_E2H, true, true},
        {1, HCR_AMO | HCR_VSE, false, false},
        {1, HCR_VSE, true, false},
        {1, HCR_AMO, true, false},
        {0, HCR_AMO | HCR_VSE | HCR_TGE, true, false},
        {2, HCR_AMO | HCR_VSE, true, false},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        at(cases[i].el, cases[i].el != 0, cases[i].hcr);
        cpu.st.sr[A64_SR_VSESR_EL2] = 0x1000c11;
        cpu.st.sr[A64_SR_DISR_EL1] = 0x11;
        cpu.st.pstate.daif = cases[i].masked ? 4 : 11;
        call(&a64_h_esb, 0);
        assert_int_equal(cpu.eng.leave, ENG_STAY);
        assert_int_equal(cpu.eng.pc, PC);
        assert_int_equal(cpu.st.sr[A64_SR_VDISR_EL2], cases[i].deferred ? 0x81000c11 : 0);
        assert_int_equal(cpu.st.sr[A64_SR_DISR_EL1], 0x11);
        uint64_t left = cases[i].deferred ? cases[i].hcr & ~HCR_VSE : cases[i].hcr;
        assert_int_equal(cpu.st.sr[A64_SR_HCR_EL2], left);
    }
}

/* DISR_EL1 at EL1 is VDISR_EL2 with HCR_EL2.AMO; ERRSELR_EL1 is trapped by HCR_EL2.TERR, and with
 * ERRIDR_EL1.NUM = 0 the record registers read as zero. */
static void error_registers(void **state)
{
    const A64SysAccess disr = {A64_SYS_KEY(3, 0, 12, 1, 1), false};
    const A64SysAccess select = {A64_SYS_KEY(3, 0, 5, 3, 1), true};
    at(1, 1, 0);
    assert_string_equal(a64_sysreg_decide(a64_mode_current(&cpu.eng), &disr).reg->name, "DISR_EL1");
    A64Decision d = a64_sysreg_decide(a64_mode_current(&cpu.eng), &select);
    assert_int_equal(d.kind, A64_ACC_RAZ);
    at(1, 1, HCR_AMO);
    assert_string_equal(a64_sysreg_decide(a64_mode_current(&cpu.eng), &disr).reg->name, "VDISR_EL2");
    at(1, 1, UINT64_C(1) << 36);
    d = a64_sysreg_decide(a64_mode_current(&cpu.eng), &select);
    assert_int_equal(d.kind, A64_ACC_TRAP);
    assert_int_equal(d.el, 2);
    assert_int_equal(d.ec, 0x18);
    at(0, 0, 0);
    assert_int_equal(a64_sysreg_decide(a64_mode_current(&cpu.eng), &disr).kind, A64_ACC_UNDEF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(svc_to_el1, setup, teardown),
        cmocka_unit_test_setup_teardown(svc_with_tge, setup, teardown),
        cmocka_unit_test_setup_teardown(vectors_of_the_same_el, setup, teardown),
        cmocka_unit_test_setup_teardown(pan_on_entry, setup, teardown),
        cmocka_unit_test_setup_teardown(aborts, setup, teardown),
        cmocka_unit_test_setup_teardown(calls, setup, teardown),
        cmocka_unit_test_setup_teardown(illegal_returns, setup, teardown),
        cmocka_unit_test_setup_teardown(returns, setup, teardown),
        cmocka_unit_test_setup_teardown(physical_interrupts, setup, teardown),
        cmocka_unit_test_setup_teardown(virtual_interrupts, setup, teardown),
        cmocka_unit_test_setup_teardown(isr, setup, teardown),
        cmocka_unit_test_setup_teardown(wait_traps, setup, teardown),
        cmocka_unit_test_setup_teardown(fp_traps, setup, teardown),
        cmocka_unit_test_setup_teardown(virtual_serror, setup, teardown),
        cmocka_unit_test_setup_teardown(esb_defers, setup, teardown),
        cmocka_unit_test_setup_teardown(error_registers, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
