/*
 * When debug exceptions are enabled, the EL they go to, and the conditions that breakpoints and
 * watchpoints share: EL and context. Without EL3 there is one Security state. Arm ARM, "The debug
 * exception enable controls", "Routing debug exceptions", "Breakpoint context comparisons".
 */
#include "debug.h"

#include "model.h"
#include "sysreg-hooks.h"
#include "unpredictable.h"
#include "view.h"

unsigned a64_debug_target(const A64Cpu *cpu)
{
    bool el2 = a64_hcr(cpu) & A64_HCR_EL2_TGE || cpu->st.sr[A64_SR_MDCR_EL2] & A64_MDCR_EL2_TDE;
    return el2 ? 2 : 1;
}

const char *a64_debug_control(const A64Cpu *cpu)
{
    if (cpu->st.pstate.el == 2 || a64_in_host(cpu) || a64_debug_target(cpu) == 1)
        return NULL;
    return a64_hcr(cpu) & A64_HCR_EL2_TGE ? "HCR_EL2.TGE" : "MDCR_EL2.TDE";
}

bool a64_debug_enabled(const A64Cpu *cpu, unsigned el, bool masked)
{
    unsigned target = a64_debug_target(cpu);
    bool double_lock = cpu->st.sr[A64_SR_OSDLR_EL1] & 1 && !(cpu->st.sr[A64_SR_DBGPRCR_EL1] & 1);
    if (cpu->st.sr[A64_SR_OSLSR_EL1] & A64_OSLSR_EL1_OSLK || double_lock)
        return false;
    if (el == target)
        return cpu->st.sr[A64_SR_MDSCR_EL1] & A64_MDSCR_EL1_KDE && !masked;
    return el < target;
}

bool a64_debug_events(const A64Cpu *cpu, unsigned el, bool masked)
{
    return cpu->st.sr[A64_SR_MDSCR_EL1] & A64_MDSCR_EL1_MDE && a64_debug_enabled(cpu, el, masked);
}

bool a64_debug_el_match(const A64Cpu *cpu, uint64_t control, unsigned el)
{
    bool higher = control & A64_DBGBCR_EL1_HMC;
    unsigned ssc = (unsigned)(control >> A64_DBGBCR_EL1_SSC_SHIFT & 3);
    bool el1 = control >> A64_DBGBCR_EL1_PMC_SHIFT & 1;
    bool el0 = control >> A64_DBGBCR_EL1_PMC_SHIFT & 2;
    if (ssc == 0 && !higher)
        return el == 1 ? el1 : el == 0 && el0;
    if (!higher || !a64_has(cpu->model, A64_FEAT_EL2))
        return a64_unpred_debug_el();
    if (ssc == 3 && !el1 && !el0)
        return el == 2;
    if (ssc == 0 && el1)
        return el > 0 || el0;
    return a64_unpred_debug_el();
}

/* Bits of DBGBCRn_EL1.BT; addresses have neither CONTEXT nor EL2. */
enum { BT_LINK = 1, BT_CONTEXT = 2, BT_EL2 = 8 };

/* Types that look at CONTEXTIDR_ELx of an EL1 that is no host's, by BT without its lowest bit. */
enum { CONTEXT = 2, CONTEXT_1 = 6, VMID = 8, VMID_CONTEXT = 10, CONTEXT_2 = 12, FULL = 14 };

static bool type_matches(const A64Cpu *cpu, unsigned type, uint64_t value)
{
    const uint64_t *sr = cpu->st.sr;
    unsigned el = cpu->st.pstate.el;
    bool el2 = a64_has(cpu->model, A64_FEAT_EL2);
    bool host = el == 2 ? a64_hcr(cpu) & A64_HCR_EL2_E2H : el == 0 && a64_in_host(cpu);
    bool guest = el < 2 && !host;
    bool id1 = (uint32_t)value == (uint32_t)sr[A64_SR_CONTEXTIDR_EL1];
    bool id2 = (uint32_t)sr[A64_SR_CONTEXTIDR_EL2] == value >> 32;
    bool wide = sr[A64_SR_VTCR_EL2] & A64_VTCR_EL2_VS;
    bool vmid = (value >> 32 & (wide ? 0xffff : 0xff)) == a64_vmid(cpu);

    if (type == CONTEXT)
        return host ? (uint32_t)value == (uint32_t)sr[A64_SR_CONTEXTIDR_EL2] : guest && id1;
    if (!el2)
        return false;
    switch (type) {
    case CONTEXT_1:
        return guest && id1;
    case VMID:
        return guest && vmid;
    case VMID_CONTEXT:
        return guest && vmid && id1;
    case CONTEXT_2:
        return id2;
    case FULL:
        return guest && id1 && id2;
    default:
        return a64_unpred_breakpoint_type(); /* or a mismatch, which only AArch32 has */
    }
}

/* The highest-numbered ones are context-aware. */
static bool is_context_aware(const A64Cpu *cpu, unsigned n)
{
    uint64_t id = cpu->model->reset[A64_SR_ID_AA64DFR0_EL1];
    unsigned last = (unsigned)(id >> A64_ID_AA64DFR0_EL1_BRPs_SHIFT & 15);
    unsigned aware = (unsigned)(id >> A64_ID_AA64DFR0_EL1_CTX_CMPs_SHIFT & 15) + 1;
    return n <= last && n + aware > last;
}

bool a64_debug_context_match(const A64Cpu *cpu, unsigned n, bool linking)
{
    if (!is_context_aware(cpu, n))
        return a64_unpred_breakpoint_context();
    uint64_t control = cpu->st.sr[A64_SR_DBGBCR0_EL1 + n];
    unsigned type = (unsigned)(control >> A64_DBGBCR_EL1_BT_SHIFT & 15);
    if (!(control & A64_DBGBCR_EL1_E) || !(type & (BT_CONTEXT | BT_EL2)) ||
        linking != (type & BT_LINK))
        return false;
    return type_matches(cpu, type & ~(unsigned)BT_LINK, cpu->st.sr[A64_SR_DBGBVR0_EL1 + n]);
}

bool a64_debug_link_match(const A64Cpu *cpu, uint64_t control)
{
    unsigned n = (unsigned)(control >> A64_DBGBCR_EL1_LBN_SHIFT & 15);
    n |= (unsigned)(control >> A64_DBGBCR_EL1_LBNX_SHIFT & 3) << 4;
    return a64_debug_context_match(cpu, n, true);
}

/* Fields that stand for those of the external debug registers can be written under the OS Lock. */
void a64_sr_write_mdscr_el1(A64Cpu *cpu, uint64_t value)
{
    const uint64_t external = A64_MDSCR_EL1_TFO | A64_MDSCR_EL1_RXfull | A64_MDSCR_EL1_TXfull |
                              A64_MDSCR_EL1_RXO | A64_MDSCR_EL1_TXU | A64_MDSCR_EL1_INTdis |
                              A64_MDSCR_EL1_TDA | A64_MDSCR_EL1_SC2 | A64_MDSCR_EL1_HDE |
                              A64_MDSCR_EL1_ERR;
    uint64_t *mdscr = &cpu->st.sr[A64_SR_MDSCR_EL1];
    uint64_t kept = cpu->st.sr[A64_SR_OSLSR_EL1] & A64_OSLSR_EL1_OSLK ? 0 : external;
    *mdscr = (*mdscr & kept) | (value & ~kept);
}

/* Of Non-secure debug from outside, invasive debug is there and disabled; so is the other kind,
 * unless FEAT_Debugv8p4 has taken its controls away. */
uint64_t a64_sr_read_dbgauthstatus_el1(A64Cpu *cpu)
{
    enum { DISABLED = 2, ENABLED = 3 };
    unsigned other = a64_has(cpu->model, A64_FEAT_Debugv8p4) ? ENABLED : DISABLED;
    return other << A64_DBGAUTHSTATUS_EL1_NSNID_SHIFT | DISABLED;
}
