/* What the guest does, as events for the bus. Meaning of their fields: src/trace/events.trace. */
#include <stdio.h>

#include "cpu.h"
#include "syndrome.h"
#include "sysreg-help.h"

static void post(A64Cpu *cpu, EvEvent e)
{
    e.cpu = cpu->eng.index;
    e.insns = eng_insns_now(&cpu->eng);
    ev_bus_post(cpu->ports->bus, &e);
}

static bool wanted(const A64Cpu *cpu, EvKind kind)
{
    return cpu->ports && cpu->ports->bus && ev_wanted(cpu->ports->bus, kind);
}

/* a: ELs from << 8 | to, b: ESR, c: FAR, d: PC of the handler */
void a64_trace_exception(A64Cpu *cpu, unsigned from_el, uint64_t from, uint64_t esr)
{
    if (!wanted(cpu, EV_EXCEPTION))
        return;
    unsigned el = cpu->st.pstate.el;
    uint64_t far = cpu->st.sr[el == 2 ? A64_SR_FAR_EL2 : A64_SR_FAR_EL1];
    post(cpu, (EvEvent){.kind = EV_EXCEPTION, .pc = from, .a = (uint64_t)from_el << 8 | el,
                        .b = esr, .c = far, .d = cpu->eng.pc,
                        .text = a64_esr_class(esr)});
}

/* a: ELs from << 8 | to, d: PC of the handler, text: which */
void a64_trace_interrupt(A64Cpu *cpu, unsigned from_el, uint64_t from, const char *name)
{
    if (wanted(cpu, EV_IRQ))
        post(cpu, (EvEvent){.kind = EV_IRQ, .pc = from,
                            .a = (uint64_t)from_el << 8 | cpu->st.pstate.el, .d = cpu->eng.pc,
                            .text = name});
}

/* a: ELs from << 8 | to, b: SPSR, d: PC returned to */
void a64_trace_eret(A64Cpu *cpu, unsigned from_el, uint64_t from)
{
    if (!wanted(cpu, EV_ERET))
        return;
    uint64_t spsr = cpu->st.sr[from_el == 2 ? A64_SR_SPSR_EL2 : A64_SR_SPSR_EL1];
    post(cpu, (EvEvent){.kind = EV_ERET, .pc = from,
                        .a = (uint64_t)from_el << 8 | cpu->st.pstate.el, .b = spsr,
                        .d = cpu->eng.pc});
}

/* Name of the register or instruction whose access an ISS describes. */
static const char *accessed(uint32_t iss)
{
    uint16_t key = A64_SYS_KEY(iss >> 20 & 3, iss >> 14 & 7, iss >> 10 & 15, iss >> 1 & 15,
                               iss >> 17 & 7);
    const A64SysReg *reg = a64_sysreg_find(key, !(iss & 1));
    return reg ? reg->name : "IMPLEMENTATION DEFINED";
}

/* text: control bit and access, a: EL, b: syndrome */
void a64_trace_trap(A64Cpu *cpu, unsigned el, uint32_t esr, unsigned rule)
{
    if (!wanted(cpu, EV_TRAP))
        return;
    char text[120];
    if (esr >> 26 == A64_EC_SYS)
        snprintf(text, sizeof text, "%s: %s %s", a64_rule_controls[rule],
                 esr & 1 ? "read" : "write", accessed(esr));
    else
        snprintf(text, sizeof text, "%s: %s", a64_rule_controls[rule], a64_esr_class(esr));
    post(cpu, (EvEvent){.kind = EV_TRAP, .pc = cpu->eng.insn_pc, .a = el, .b = esr, .text = text});
}

/* text: the instruction, a: VA or IPA of its operand, b: ASID, c: current VMID */
void a64_trace_tlbi(A64Cpu *cpu, uint16_t key, uint64_t xt)
{
    if (!wanted(cpu, EV_TLBI))
        return;
    const A64SysReg *row = a64_sysreg_find(key, true);
    post(cpu, (EvEvent){.kind = EV_TLBI, .pc = cpu->eng.insn_pc, .a = xt << 12 & 0xfffffffffff000,
                        .b = xt >> 48, .c = cpu->st.sr[A64_SR_VTTBR_EL2] >> 48,
                        .text = row->name});
}

void a64_trace_wait(A64Cpu *cpu, bool wfe)
{
    if (wanted(cpu, EV_WFI))
        post(cpu, (EvEvent){.kind = EV_WFI, .pc = cpu->eng.insn_pc, .text = wfe ? "WFE" : "WFI"});
}

unsigned a64_trace_points(const A64Ports *ports)
{
    if (!ports->bus)
        return 0;
    return (ev_wanted(ports->bus, EV_SYSREG_WRITE) ? A64_TRACE_WRITES : 0u) |
           (ev_wanted(ports->bus, EV_INSN) ? A64_TRACE_INSNS : 0u);
}

/* text: register, a: value as the register takes it */
static uint64_t trace_write(void *env, uint64_t row, uint64_t value, uint64_t c)
{
    A64Cpu *cpu = env;
    post(cpu, (EvEvent){.kind = EV_SYSREG_WRITE, .pc = cpu->eng.insn_pc, .a = value,
                        .text = a64_sysregs[row].name});
    return 0;
}
const IrHelper a64_h_trace_write = {"trace_write", trace_write, 2, IR_H_RAISES};

/* a: the instruction word */
static uint64_t trace_insn(void *env, uint64_t word, uint64_t b, uint64_t c)
{
    A64Cpu *cpu = env;
    post(cpu, (EvEvent){.kind = EV_INSN, .pc = cpu->eng.insn_pc, .a = word});
    return 0;
}
const IrHelper a64_h_trace_insn = {"trace_insn", trace_insn, 1, IR_H_RAISES};
