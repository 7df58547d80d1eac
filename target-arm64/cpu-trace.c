/* Exception events for the bus. Fields: tables/events.trace of src/trace. */
#include "cpu.h"

static void post(A64Cpu *cpu, EvEvent e)
{
    e.cpu = cpu->eng.index;
    e.insns = cpu->eng.insns;
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
                        .b = esr, .c = far, .d = cpu->eng.pc});
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
