/* See inspect.h. Arm ARM, "AArch64 System Register Descriptions", "SPSR_EL2". */
#include "inspect.h"

#include "cpu.h"
#include "exception.h"
#include "model.h"
#include "pmu.h"
#include "view.h"

enum {
    KEY_SP_EL0 = A64_SYS_KEY(3, 0, 4, 1, 0),
    KEY_SP_EL1 = A64_SYS_KEY(3, 4, 4, 1, 0),
    KEY_RNDR = A64_SYS_KEY(3, 3, 2, 4, 0),
    KEY_RNDRRS = A64_SYS_KEY(3, 3, 2, 4, 1),
    KEY_ICC_IAR0 = A64_SYS_KEY(3, 0, 12, 8, 0),
    KEY_ICC_IAR1 = A64_SYS_KEY(3, 0, 12, 12, 0),
};

/* Acknowledging an interrupt or drawing a random number is not looking. */
static bool changes_when_read(uint16_t key)
{
    return key == KEY_RNDR || key == KEY_RNDRRS || key == KEY_ICC_IAR0 || key == KEY_ICC_IAR1;
}

/* The row that EL2 reaches while every control is 0, or NULL: instructions are no registers. */
static const A64SysReg *reach(const A64Cpu *cpu, const A64SysReg *reg, bool write)
{
    A64Mode mode = {.el = a64_has(cpu->model, A64_FEAT_EL2) ? 2 : 1, .sp = 1, .model = cpu->model};
    A64SysAccess access = {reg->key, write};
    A64Decision d = a64_sysreg_decide(&mode, &access);
    if (!(reg->access & (write ? A64_SR_WRITE : A64_SR_READ)) || d.kind == A64_ACC_UNDEF ||
        reg->call != A64_CALL_NONE)
        return NULL;
    return d.kind == A64_ACC_SELF ? d.reg : reg;
}

/* SP_EL0, SP_EL1: the one in use lives in x[31]. */
static uint64_t *banked_sp(A64Cpu *cpu, uint16_t key)
{
    A64State *st = &cpu->st;
    if (key != KEY_SP_EL0 && key != KEY_SP_EL1)
        return NULL;
    unsigned bank = key == KEY_SP_EL1;
    bool current = bank == (st->pstate.sp ? st->pstate.el : 0);
    return current ? &st->x[31] : &st->sp_el[bank];
}

bool a64_inspect_sysreg(A64Cpu *cpu, const A64SysReg *reg, uint64_t *value)
{
    const uint64_t *sp = banked_sp(cpu, reg->key);
    const A64SysReg *r = reach(cpu, reg, false);
    if (sp)
        *value = *sp;
    else if (!r || changes_when_read(reg->key) || r->flags & A64_SRF_PSTATE)
        return false;
    else if (r->flags & A64_SRF_READ_HOOK)
        *value = a64_sysreg_hooks[r - a64_sysregs].read(cpu);
    else
        *value = r->slot == A64_NO_SLOT ? 0 : cpu->st.sr[r->slot];
    return true;
}

bool a64_inspect_set_sysreg(A64Cpu *cpu, const A64SysReg *reg, uint64_t value)
{
    uint64_t *sp = banked_sp(cpu, reg->key);
    const A64SysReg *r = reach(cpu, reg, true);
    if (sp) {
        *sp = value;
        return true;
    }
    if (!r || r->flags & (A64_SRF_PSTATE | A64_SRF_RAZ))
        return false;
    if (r->slot != A64_NO_SLOT)
        value = (value & ~cpu->model->res0[r->slot]) | cpu->model->res1[r->slot];
    if (r->flags & A64_SRF_WRITE_HOOK)
        a64_sysreg_hooks[r - a64_sysregs].write(cpu, value);
    else if (r->slot != A64_NO_SLOT)
        cpu->st.sr[r->slot] = value;
    else
        return false;
    a64_cpu_changed(cpu);
    return true;
}

uint64_t a64_inspect_pstate(const A64Cpu *cpu)
{
    return a64_spsr_pack(cpu);
}

bool a64_inspect_set_pstate(A64Cpu *cpu, uint64_t spsr)
{
    unsigned el = spsr >> 2 & 3, sp = spsr & 1;
    bool aarch32 = spsr & 0x12;
    if (aarch32 || el == 3 || (el == 0 && sp) || (el == 2 && !a64_has(cpu->model, A64_FEAT_EL2)))
        return false;
    a64_pmu_switch(cpu, el);
    a64_set_el(cpu, el, sp);
    a64_set_pstate(cpu, spsr);
    a64_cpu_changed(cpu);
    return true;
}

static bool pretend_cas(void *ctx, Pa at, uint64_t expected, uint64_t desired, uint64_t *seen)
{
    *seen = expected;
    return true;
}

static A64Walk walk(A64Cpu *cpu, Va va)
{
    A64WalkIo io = a64_walk_io(cpu);
    A64Access a = {.va = va, .access = ENG_READ, .at = true, .no_perm = true};
    A64View v;
    io.cas = pretend_cas;
    io.s2_get = NULL;
    io.s2_put = NULL;
    a64_view(cpu, a64_regime(cpu), &v);
    return a64_walk(&v, &io, &a);
}

bool a64_inspect_va(A64Cpu *cpu, Va va, Pa *pa)
{
    A64Walk w = walk(cpu, va);
    *pa = w.pa;
    return w.fault.type == A64_FAULT_NONE;
}

void a64_inspect_break(A64Cpu *cpu, EngBreak *b)
{
    A64Regime regime = a64_regime(cpu);
    A64Walk w = walk(cpu, (Va){b->va});
    EngBreakHome home = {
        .regime = regime,
        .vmid = regime == A64_REGIME_EL10 ? a64_vmid(cpu) : 0,
        .asid = a64_asid(cpu, regime),
        .global = w.global,
    };
    if (w.fault.type != A64_FAULT_NONE || !(w.s1_on || w.s2_on) ||
        !eng_break_admits(b, cpu->st.pstate.el, home.vmid, home.asid))
        return;
    b->pa = w.pa;
    b->home = home;
    b->placed = true;
}
