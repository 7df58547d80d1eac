/* What the guest does, as events for the bus. Meaning of their fields: src/trace/events.trace. */
#include <inttypes.h>
#include <stdio.h>

#include "cpu.h"
#include "view.h"
#include "syndrome.h"
#include "sysreg-help.h"

static void post(A64Cpu *cpu, EvEvent e)
{
    e.cpu = cpu->eng.index;
    e.insns = eng_insns_now(&cpu->eng);
    e.vmid = a64_in_host(cpu) ? EV_NO_VMID : a64_vmid(cpu);
    ev_bus_post(cpu->ports->bus, &e);
}

static bool wanted(const A64Cpu *cpu, EvKind kind)
{
    return cpu->ports && cpu->ports->bus && ev_wanted(cpu->ports->bus, kind);
}

/* Name of the register or instruction whose access an ISS describes. */
static const char *accessed(uint64_t iss)
{
    uint16_t key = A64_SYS_KEY(iss >> 20 & 3, iss >> 14 & 7, iss >> 10 & 15, iss >> 1 & 15,
                               iss >> 17 & 7);
    const A64SysReg *reg = a64_sysreg_find(key, !(iss & 1));
    return reg ? reg->name : "IMPLEMENTATION DEFINED";
}

/* What a syndrome says beyond its class: the register of an access, the fault of an abort. */
static const char *esr_detail(uint64_t esr)
{
    switch ((unsigned)(esr >> 26 & 63)) {
    case A64_EC_SYS:
    case A64_EC_SYS128:
        return accessed(esr);
    case A64_EC_INSN_ABORT_LOWER:
    case A64_EC_INSN_ABORT:
    case A64_EC_DATA_ABORT_LOWER:
    case A64_EC_DATA_ABORT:
        return a64_fsc_text[esr & 63];
    default:
        return NULL;
    }
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
                        .text = a64_esr_class(esr), .detail = esr_detail(esr)});
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

/* text: the control bit, detail: the access, a: EL, b: syndrome */
void a64_trace_trap(A64Cpu *cpu, unsigned el, uint64_t esr, const char *control)
{
    if (!wanted(cpu, EV_TRAP))
        return;
    char access[80];
    const char *what = a64_esr_class(esr);
    if ((esr >> 26 & 63) == A64_EC_SYS) {
        snprintf(access, sizeof access, "%s %s", esr & 1 ? "read" : "write", accessed(esr));
        what = access;
    }
    post(cpu, (EvEvent){.kind = EV_TRAP, .pc = cpu->eng.insn_pc, .a = el, .b = esr,
                        .text = control, .detail = what});
}

/* a: VA, b: IPA, c: ISS, d: EngAccess */
void a64_trace_fault(A64Cpu *cpu, const EvEvent *fault)
{
    EvEvent e = *fault;
    e.pc = cpu->eng.insn_pc;
    if (wanted(cpu, fault->kind))
        post(cpu, e);
}

/* text: the instruction, detail: what it names */
void a64_trace_tlbi(A64Cpu *cpu, uint16_t key, const EngTlbi *t, bool broadcast)
{
    static const char *const regimes[] = {[A64_REGIME_EL10] = "EL1&0", [A64_REGIME_EL2] = "EL2",
                                          [A64_REGIME_EL20] = "EL2&0"};
    if (!wanted(cpu, EV_TLBI))
        return;
    char address[64] = "", asid[24] = "", vmid[24] = "", text[160];
    if (t->kind == ENG_TLBI_VA || t->kind == ENG_TLBI_IPA)
        snprintf(address, sizeof address, " %s=%#" PRIx64 " size=%#" PRIx64,
                 t->kind == ENG_TLBI_VA ? "va" : "ipa", t->base, t->size);
    if (t->kind == ENG_TLBI_ASID || (t->kind == ENG_TLBI_VA && !t->any_asid))
        snprintf(asid, sizeof asid, " asid=%u", t->asid);
    if (t->regime == A64_REGIME_EL10 && t->kind != ENG_TLBI_ALL)
        snprintf(vmid, sizeof vmid, " vmid=%u", t->vmid);
    snprintf(text, sizeof text, "%s%s%s%s%s", regimes[t->regime], address, asid, vmid,
             broadcast ? " broadcast" : "");
    const A64SysReg *row = a64_sysreg_find(key, true);
    post(cpu, (EvEvent){.kind = EV_TLBI, .pc = cpu->eng.insn_pc, .text = row->name,
                        .detail = text});
}

/* a: which, b: value, text: its fields. GIC architecture specification, "ICH_LR<n>_EL2". */
static uint64_t trace_lr(void *env, uint64_t row, uint64_t value, uint64_t c)
{
    A64Cpu *cpu = env;
    static const char *const states[] = {"invalid", "pending", "active", "pending and active"};
    char hw[32] = "", text[120];
    if (value >> 61 & 1)
        snprintf(hw, sizeof hw, " pintid=%u", (unsigned)(value >> 32 & 0x1fff));
    else if (value >> 41 & 1)
        snprintf(hw, sizeof hw, " eoi");
    snprintf(text, sizeof text, "%s vintid=%u group=%u priority=%#x%s", states[value >> 62],
             (uint32_t)value, (unsigned)(value >> 60 & 1), (unsigned)(value >> 48 & 0xff), hw);
    post(cpu, (EvEvent){.kind = EV_LR, .pc = cpu->eng.insn_pc, .b = value, .text = text,
                        .a = a64_sysregs[row].slot - A64_SR_ICH_LR0_EL2});
    return 0;
}
const IrHelper a64_h_trace_lr = {"trace_lr", trace_lr, 2, IR_H_RAISES};

void a64_trace_reset(A64Cpu *cpu)
{
    cpu->traced_vmid = a64_vmid(cpu);
    for (unsigned r = 0; r < 3; r++)
        cpu->traced_asid[r] = a64_asid(cpu, (A64Regime)r);
}

/* a: before, b: after, text: regime */
static void trace_asid(A64Cpu *cpu, A64Regime regime, const char *name)
{
    uint32_t asid = a64_asid(cpu, regime), old = cpu->traced_asid[regime];
    cpu->traced_asid[regime] = asid;
    if (asid != old && wanted(cpu, EV_ASID))
        post(cpu, (EvEvent){.kind = EV_ASID, .pc = cpu->eng.insn_pc, .a = old, .b = asid,
                            .text = name});
}

/* a: before, b: after, c: VTTBR_EL2 */
static uint64_t trace_tags(void *env, uint64_t a, uint64_t b, uint64_t c)
{
    A64Cpu *cpu = env;
    uint32_t vmid = a64_vmid(cpu), old = cpu->traced_vmid;
    cpu->traced_vmid = vmid;
    if (vmid != old && wanted(cpu, EV_VMID))
        post(cpu, (EvEvent){.kind = EV_VMID, .pc = cpu->eng.insn_pc, .a = old, .b = vmid,
                            .c = cpu->st.sr[A64_SR_VTTBR_EL2]});
    trace_asid(cpu, A64_REGIME_EL10, "EL1&0");
    if (a64_hcr(cpu) & A64_HCR_EL2_E2H)
        trace_asid(cpu, A64_REGIME_EL20, "EL2&0");
    return 0;
}
const IrHelper a64_h_trace_tags = {"trace_tags", trace_tags, 0, IR_H_RAISES};

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
           (ev_wanted(ports->bus, EV_INSN) ? A64_TRACE_INSNS : 0u) |
           (ev_wanted(ports->bus, EV_VMID) || ev_wanted(ports->bus, EV_ASID) ? A64_TRACE_TAGS
                                                                          : 0u) |
           (ev_wanted(ports->bus, EV_LR) ? A64_TRACE_LRS : 0u);
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
