/*
 * Breakpoint exceptions. An instruction whose page offset is that of some enabled breakpoint is
 * translated with a look at the registers before it; a breakpoint for a context alone puts that
 * before every instruction. Arm ARM, "Breakpoint exceptions".
 */
#include "debug.h"

#include <string.h>

enum { N = A64_BREAKPOINTS, ISS_DEBUG = 0x22, ADDRESS = 0, LINKED_ADDRESS = 1 };
_Static_assert(A64_SR_DBGBVR5_EL1 - A64_SR_DBGBVR0_EL1 == N - 1 &&
               A64_SR_DBGBCR5_EL1 - A64_SR_DBGBCR0_EL1 == N - 1, "a family has neighbouring slots");

static unsigned type_of(uint64_t control)
{
    return (unsigned)(control >> A64_DBGBCR_EL1_BT_SHIFT & 15);
}

static bool matches(const A64Cpu *cpu, unsigned n, uint64_t pc)
{
    uint64_t control = cpu->st.sr[A64_SR_DBGBCR0_EL1 + n];
    uint64_t value = cpu->st.sr[A64_SR_DBGBVR0_EL1 + n];
    if (!(control & A64_DBGBCR_EL1_E) || !a64_debug_el_match(cpu, control, cpu->st.pstate.el))
        return false;
    if (type_of(control) > LINKED_ADDRESS)
        return a64_debug_context_match(cpu, n, false);
    return !((pc ^ value) & A64_DEBUG_VA & ~UINT64_C(3)) &&
           (type_of(control) == ADDRESS || a64_debug_link_match(cpu, control));
}

bool a64_breakpoint_due(const A64Cpu *cpu, uint64_t pc)
{
    const A64Pstate *p = &cpu->st.pstate;
    bool found = false;
    if (a64_debug_events(cpu, p->el, p->daif & 8))
        for (unsigned n = 0; n < N && !found; n++)
            found = matches(cpu, n, pc);
    return found;
}

static uint64_t breakpoint(void *env, uint64_t a, uint64_t b, uint64_t c)
{
    A64Cpu *cpu = env;
    if (a64_breakpoint_due(cpu, cpu->eng.insn_pc))
        a64_raise(cpu, &(A64Exception){.el = a64_debug_target(cpu),
                                       .control = a64_debug_control(cpu),
                                       .ec = A64_EC_BREAKPOINT_LOWER,
                                       .iss = ISS_DEBUG});
    return 0;
}
const IrHelper a64_h_breakpoint = {"breakpoint", breakpoint, 0,
                                   IR_H_READS | IR_H_WRITES | IR_H_RAISES};

/* Contexts are compared at run time: CONTEXTIDR_ELx and VTTBR_EL2 are not part of the mode. */
bool a64_breaks(const A64Cpu *cpu, A64Breaks *out)
{
    const A64Pstate *p = &cpu->st.pstate;
    if (!a64_debug_events(cpu, p->el, p->daif & 8))
        return false;
    memset(out, 0, sizeof *out);
    for (unsigned n = 0; n < N; n++) {
        uint64_t control = cpu->st.sr[A64_SR_DBGBCR0_EL1 + n];
        if (!(control & A64_DBGBCR_EL1_E) || !a64_debug_el_match(cpu, control, p->el))
            continue;
        if (type_of(control) <= LINKED_ADDRESS)
            out->offset[out->n++] = cpu->st.sr[A64_SR_DBGBVR0_EL1 + n] & ARM_PAGE_MASK & ~3u;
        else if (!(type_of(control) & 1))
            out->everywhere = true;
    }
    return out->n || out->everywhere;
}

bool a64_breaks_at(const A64Breaks *b, uint32_t offset)
{
    bool found = b->everywhere;
    for (unsigned i = 0; i < b->n; i++)
        found |= b->offset[i] == offset;
    return found;
}
