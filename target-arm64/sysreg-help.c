/* Helpers of trans-sysreg.c and trans-pstate.c. */
#include "sysreg-help.h"

#include "cpu.h"
#include "mmu.h"
#include "timer.h"

enum { TOUCHES = IR_H_READS | IR_H_WRITES, RAISES = TOUCHES | IR_H_RAISES };

static uint64_t sr_read(void *env, uint64_t row, uint64_t b, uint64_t c)
{
    return a64_sysreg_hooks[row].read(env);
}
const IrHelper a64_h_sr_read = {"sr_read", sr_read, 1, TOUCHES};
/* Nothing is raised, but a helper that might is called with an exact count of instructions. */
const IrHelper a64_h_sr_read_timed = {"sr_read_timed", sr_read, 1, RAISES};

static uint64_t sr_write(void *env, uint64_t row, uint64_t value, uint64_t c)
{
    a64_sysreg_hooks[row].write(env, value);
    return 0;
}

/* The instruction is done; one that is alone ends its block anyway. */
static void end_block(A64Cpu *cpu, bool alone)
{
    if (alone)
        return;
    cpu->eng.pc = cpu->eng.insn_pc + 4;
    cpu->eng.leave = ENG_LEAVE_NEXT;
}

/* It may have let an interrupt in: what is due is taken before the next one. */
static void let_in(A64Cpu *cpu, bool alone)
{
    if (!a64_interrupt_due(cpu))
        return;
    atomic_fetch_or_explicit(&cpu->eng.attention, ENG_ATT_IRQ, memory_order_relaxed);
    end_block(cpu, alone);
}

static bool is_alone(A64Cpu *cpu)
{
    const A64Mode *mode = a64_mode_current(&cpu->eng);
    return a64_mode_alone(mode);
}

static uint64_t sr_write_timed(void *env, uint64_t row, uint64_t value, uint64_t c)
{
    a64_sysreg_hooks[row].write(env, value);
    let_in(env, is_alone(env));
    return 0;
}
const IrHelper a64_h_sr_write = {"sr_write", sr_write, 2, TOUCHES};
const IrHelper a64_h_sr_write_timed = {"sr_write_timed", sr_write_timed, 2, RAISES};

static uint64_t sr_written(void *env, uint64_t row, uint64_t b, uint64_t c)
{
    A64Cpu *cpu = env;
    const A64SysReg *reg = &a64_sysregs[row];
    if (reg->flags & A64_SRF_WALK)
        a64_mmu_changed(cpu);
    if (reg->flags & A64_SRF_CONTEXT)
        eng_context_changed(&cpu->eng);
    if (reg->slot == A64_SR_HCR_EL2)
        a64_timers_hcr_changed(cpu);
    if (reg->flags & A64_SRF_IRQ)
        let_in(cpu, is_alone(cpu));
    return 0;
}
const IrHelper a64_h_sr_written = {"sr_written", sr_written, 1, RAISES};

static uint64_t set_spsel(void *env, uint64_t value, uint64_t b, uint64_t c)
{
    A64Cpu *cpu = env;
    a64_set_el(cpu, cpu->st.pstate.el, value & 1);
    a64_mode_select(cpu);
    return 0;
}
const IrHelper a64_h_set_spsel = {"set_spsel", set_spsel, 1, TOUCHES};

static uint64_t view_changed(void *env, uint64_t a, uint64_t b, uint64_t c)
{
    eng_context_changed(env);
    return 0;
}
const IrHelper a64_h_view_changed = {"view_changed", view_changed, 0, TOUCHES};

static uint64_t unmasked(void *env, uint64_t a, uint64_t b, uint64_t c)
{
    let_in(env, is_alone(env));
    return 0;
}
const IrHelper a64_h_unmasked = {"unmasked", unmasked, 0, RAISES};

/* PSTATE.D starts and stops software step and breakpoints, which are part of the mode. */
static uint64_t daif_changed(void *env, uint64_t a, uint64_t b, uint64_t c)
{
    A64Cpu *cpu = env;
    bool alone = is_alone(cpu);
    uint32_t mode = cpu->eng.mode;
    if (ARM_UNLIKELY(cpu->st.sr[A64_SR_MDSCR_EL1] & (A64_MDSCR_EL1_SS | A64_MDSCR_EL1_MDE))) {
        a64_mode_select(cpu);
        if (cpu->eng.mode != mode)
            end_block(cpu, alone);
    }
    let_in(cpu, alone);
    return 0;
}
const IrHelper a64_h_daif_changed = {"daif_changed", daif_changed, 0, RAISES};

static A64SysOp op_of(uint64_t key)
{
    return (A64SysOp){.op1 = key >> 11 & 7, .crn = key >> 7 & 15, .crm = key >> 3 & 15,
                      .op2 = key & 7};
}

static uint64_t at(void *env, uint64_t key, uint64_t xt, uint64_t c)
{
    A64SysOp op = op_of(key);
    a64_at(env, op.op1, op.crm, op.op2, xt);
    return 0;
}

static uint64_t tlbi(void *env, uint64_t key, uint64_t xt, uint64_t c)
{
    a64_tlbi(env, op_of(key), xt);
    return 0;
}

/* IC IALLUIS and, with HCR_EL2.FB at EL1, IC IALLU reach every vCPU; IC IVAU the line of its VA. */
static uint64_t ic(void *env, uint64_t key, uint64_t xt, uint64_t c)
{
    enum { CRM_IALLUIS = 1, OP1_IVAU = 3, LINE = 64 };
    A64Cpu *cpu = env;
    A64SysOp op = op_of(key);
    Pa pa;
    if (op.op1 == OP1_IVAU) {
        if (a64_dc_va(cpu, op, xt, &pa))
            eng_ic_pa(&cpu->eng, (Pa){pa.v & ~(uint64_t)(LINE - 1)}, LINE);
        return 0;
    }
    bool forced = cpu->st.pstate.el == 1 && a64_hcr(cpu) & A64_HCR_EL2_FB;
    eng_ic_maintain(&cpu->eng, op.crm == CRM_IALLUIS || forced);
    return 0;
}

/* Data caches hold nothing that memory does not: by set and way there is nothing to do, by VA the
 * translation and permission checks, and DC ZVA. */
static uint64_t dc(void *env, uint64_t key, uint64_t xt, uint64_t c)
{
    enum { KEY_ZVA = A64_SYS_KEY(1, 3, 7, 4, 1) };
    A64SysOp op = op_of(key);
    bool by_way = op.op1 == 0 && op.op2 == 2;
    Pa pa;
    if (key == KEY_ZVA)
        a64_dc_zva(env, xt);
    else if (!by_way)
        a64_dc_va(env, op, xt, &pa);
    return 0;
}

const IrHelper *a64_sys_helper(A64SysCall call)
{
    static const IrHelper h_at = {"at", at, 2, TOUCHES | IR_H_RAISES};
    static const IrHelper h_tlbi = {"tlbi", tlbi, 2, TOUCHES | IR_H_RAISES};
    static const IrHelper h_ic = {"ic", ic, 2, TOUCHES | IR_H_RAISES};
    static const IrHelper h_dc = {"dc", dc, 2, TOUCHES | IR_H_RAISES};
    switch (call) {
    case A64_CALL_AT:
        return &h_at;
    case A64_CALL_TLBI:
        return &h_tlbi;
    case A64_CALL_IC:
        return &h_ic;
    case A64_CALL_DC:
        return &h_dc;
    case A64_CALL_NONE:
    case A64_CALL_IMM:
    case A64_CALL_RCTX: /* nothing is predicted */
    case A64_CALL_GCS: /* trans-gcs.c */
        break;
    }
    return NULL;
}
