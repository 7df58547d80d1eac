/*
 * MRS, MSR, SYS and SYSL: the access is decided from the mode while translating, so that an
 * untrapped plain register is one GET or PUT. Arm ARM, "The A64 System Instruction Class".
 */
#include "a64-decode.h"
#include "exception.h"
#include "gic-cpu.h"
#include "model.h"
#include "sysreg.h"
#include "trans-pstate.h"

#include "sysreg-help.h"

/* ISS of a trapped MRS, MSR or SYS: Arm ARM, "ISS encoding for an exception from MSR, MRS, or
 * System instruction execution in AArch64 state". */
static uint32_t access_iss(const A64Args_sys *a, bool read)
{
    return A64_ISS_SYS_Op0(a->op0) | A64_ISS_SYS_Op2(a->op2) | A64_ISS_SYS_Op1(a->op1) |
           A64_ISS_SYS_CRn(a->crn) | A64_ISS_SYS_Rt(a->rt) | A64_ISS_SYS_CRm(a->crm) |
           A64_ISS_SYS_Read(read);
}

void a64_t_trap(A64Trans *t, const A64Decision *d, uint32_t iss)
{
    if (d->ec == A64_EC_FP)
        iss = A64_ISS_FP_CV(1) | A64_ISS_FP_COND(14);
    else if (d->ec != A64_EC_SYS && d->ec != A64_EC_SYS128)
        iss = 0;
    IrVal what = a64_t_const(t, IR_I64, (uint64_t)d->el << 32 | (uint64_t)d->ec << 26 | iss);
    a64_t_call(t, &a64_h_sys_trap, what, a64_t_const(t, IR_I64, d->rule), 0);
    a64_t_exit_pc(t);
}

static A64SysAccess access_of(const A64Args_sys *a, bool write)
{
    return (A64SysAccess){A64_SYS_KEY(a->op0, a->op1, a->crn, a->crm, a->op2), write};
}

static IrVal row_const(A64Trans *t, const A64SysReg *reg)
{
    return a64_t_const(t, IR_I64, (uint64_t)(reg - a64_sysregs));
}

static IrVal read_hook(A64Trans *t, const A64SysReg *reg)
{
    const IrHelper *h = reg->flags & A64_SRF_TIME ? &a64_h_sr_read_timed : &a64_h_sr_read;
    return a64_t_call(t, h, row_const(t, reg), 0, 0);
}

static void write_hook(A64Trans *t, const A64SysReg *reg, IrVal value)
{
    const IrHelper *h = reg->flags & A64_SRF_TIME ? &a64_h_sr_write_timed : &a64_h_sr_write;
    a64_t_call(t, h, row_const(t, reg), value, 0);
}

bool a64_trans_mrs(A64Trans *t, const A64Args_sys *a)
{
    A64SysAccess access = access_of(a, false);
    A64Decision d = a64_sysreg_decide(t->mode, &access);
    switch (d.kind) {
    case A64_ACC_TRAP:
        a64_t_trap(t, &d, access_iss(a, true));
        return true;
    case A64_ACC_RAZ:
        a64_t_set_x(t, a->rt, a64_t_const(t, IR_I64, 0));
        return true;
    case A64_ACC_SELF:
        break;
    case A64_ACC_NVMEM: /* MISSING: FEAT_NV2 is not announced, so that no rule leads here */
    case A64_ACC_UNDEF:
    case A64_ACC_REG:
        return false;
    }
    if (d.reg->flags & A64_SRF_PSTATE)
        a64_t_set_x(t, a->rt, a64_t_read_pstate(t, d.reg->key));
    else if (d.reg->flags & A64_SRF_READ_HOOK)
        a64_t_set_x(t, a->rt, read_hook(t, d.reg));
    else
        a64_t_set_x(t, a->rt, ir_get(t->b, IR_I64, A64_OFF_SR(d.reg->slot)));
    return true;
}

/* The value as the register takes it: bits of what is not announced stay as they are fixed. */
static IrVal mask_value(A64Trans *t, const A64SysReg *reg, IrVal v)
{
    if (reg->slot == A64_NO_SLOT)
        return v;
    uint64_t res0 = t->mode->model->res0[reg->slot], res1 = t->mode->model->res1[reg->slot];
    if (res0 | res1)
        v = ir_bin(t->b, IR_AND, IR_I64, v, a64_t_const(t, IR_I64, ~(res0 | res1)));
    if (res1)
        v = ir_bin(t->b, IR_OR, IR_I64, v, a64_t_const(t, IR_I64, res1));
    return v;
}

static void mark_profiles(A64Trans *t, const A64SysReg *reg)
{
    uint32_t at = offsetof(A64Cpu, profile_dirty);
    IrVal old = ir_get(t->b, IR_I32, at);
    ir_put(t->b, IR_I32, at,
           ir_bin(t->b, IR_OR, IR_I32, old, a64_t_const(t, IR_I32, reg->profile_els)));
}

/* EL1's registers do not matter to what EL2 itself fetches and loads. */
static bool is_of_this_regime(const A64Trans *t, const A64SysReg *reg)
{
    return t->mode->el < 2 || (reg->key >> 11 & 7) == 4;
}

static bool is_list_register(const A64SysReg *reg)
{
    return reg->slot >= A64_SR_ICH_LR0_EL2 && reg->slot < A64_SR_ICH_LR0_EL2 + A64_GIC_LRS;
}

static void write_register(A64Trans *t, const A64SysReg *reg, unsigned rt)
{
    IrVal v = mask_value(t, reg, a64_t_x(t, IR_I64, rt));
    if (t->mode->trace & A64_TRACE_WRITES)
        a64_t_call(t, &a64_h_trace_write, row_const(t, reg), v, 0);
    if (t->mode->trace & A64_TRACE_LRS && is_list_register(reg))
        a64_t_call(t, &a64_h_trace_lr, row_const(t, reg), v, 0);
    if (reg->flags & A64_SRF_WRITE_HOOK)
        write_hook(t, reg, v);
    else
        ir_put(t->b, IR_I64, A64_OFF_SR(reg->slot), v);
    if (reg->profile_els)
        mark_profiles(t, reg);
    if (t->mode->trace & A64_TRACE_TAGS && reg->flags & A64_SRF_CONTEXT)
        a64_t_call(t, &a64_h_trace_tags, 0, 0, 0);
    if (reg->flags & (A64_SRF_CONTEXT | A64_SRF_IRQ))
        a64_t_call(t, &a64_h_sr_written, row_const(t, reg), 0, 0);
    if (reg->flags & A64_SRF_EXIT ||
        (reg->flags & A64_SRF_CONTEXT && is_of_this_regime(t, reg)))
        a64_t_exit(t);
}

bool a64_trans_msr(A64Trans *t, const A64Args_sys *a)
{
    A64SysAccess access = access_of(a, true);
    A64Decision d = a64_sysreg_decide(t->mode, &access);
    switch (d.kind) {
    case A64_ACC_TRAP:
        a64_t_trap(t, &d, access_iss(a, false));
        return true;
    case A64_ACC_RAZ:
        return true;
    case A64_ACC_SELF:
        break;
    case A64_ACC_NVMEM: /* MISSING: as for MRS */
    case A64_ACC_UNDEF:
    case A64_ACC_REG:
        return false;
    }
    if (d.reg->flags & A64_SRF_PSTATE)
        a64_t_write_pstate(t, d.reg->key, a64_t_x(t, IR_I64, a->rt));
    else
        write_register(t, d.reg, a->rt);
    return true;
}

bool a64_trans_msr_imm(A64Trans *t, const A64Args_msr_imm *a)
{
    A64SysAccess access = {A64_SYS_KEY(0, a->op1, 4, 0, a->op2), true};
    A64Decision d = a64_sysreg_decide(t->mode, &access);
    A64Args_sys as_sys = {.op1 = a->op1, .crn = 4, .crm = a->crm, .op2 = a->op2, .rt = 31};
    if (d.kind == A64_ACC_TRAP) {
        a64_t_trap(t, &d, access_iss(&as_sys, false));
        return true;
    }
    if (d.kind != A64_ACC_SELF)
        return false;
    a64_t_write_pstate_imm(t, a->op1, a->op2, a->crm);
    return true;
}

bool a64_trans_sys(A64Trans *t, const A64Args_sys *a)
{
    A64SysAccess access = access_of(a, true);
    A64Decision d = a64_sysreg_decide(t->mode, &access);
    if (d.kind == A64_ACC_TRAP) {
        a64_t_trap(t, &d, access_iss(a, false));
        return true;
    }
    if (d.kind != A64_ACC_SELF)
        return false;
    const IrHelper *h = a64_sys_helper((A64SysCall)d.reg->call);
    if (!h)
        return true;
    IrVal op = a64_t_const(t, IR_I64, access.key);
    a64_t_call(t, h, op, a64_t_x(t, IR_I64, a->rt), 0);
    if (d.reg->call == A64_CALL_IC || d.reg->call == A64_CALL_TLBI)
        a64_t_exit(t);
    return true;
}

/* No SYSL that is announced returns anything: what is left are undefined or trapped encodings. */
bool a64_trans_sysl(A64Trans *t, const A64Args_sys *a)
{
    A64SysAccess access = access_of(a, false);
    A64Decision d = a64_sysreg_decide(t->mode, &access);
    if (d.kind != A64_ACC_TRAP)
        return false;
    a64_t_trap(t, &d, access_iss(a, true));
    return true;
}
