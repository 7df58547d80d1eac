/*
 * Register hooks of no other file: cache identification, debug locks and claims, CPTR_EL2, ISR_EL1.
 * Arm ARM, the registers' own descriptions.
 */
#include "sysreg-hooks.h"

#include "cpu.h"
#include "unpredictable.h"

/* CCSIDR_EL1 by CSSELR_EL1: 32K L1 data and instruction caches, 1M unified L2, 64-byte lines. */
uint64_t a64_sr_read_ccsidr_el1(A64Cpu *cpu)
{
    enum { LINE_64 = 2, WAYS_4 = 3 << 3, WAYS_16 = 15 << 3 };
    switch (cpu->st.sr[A64_SR_CSSELR_EL1] & 0xf) {
    case 0: /* level 1, data */
    case 1: /* level 1, instruction */
        return 127 << 13 | WAYS_4 | LINE_64;
    case 2: /* level 2 */
        return 1023 << 13 | WAYS_16 | LINE_64;
    default:
        return a64_unpred_ccsidr();
    }
}

/* A number, always: PSTATE.NZCV is 0. RNDRRS reseeds from the same source. */
uint64_t a64_sr_read_rndr(A64Cpu *cpu)
{
    cpu->st.pstate.nzcv = 0;
    return base_random_next(&cpu->st.random);
}

/* DZP: would DC ZVA be trapped from here? */
uint64_t a64_sr_read_dczid_el0(A64Cpu *cpu)
{
    const uint64_t *sr = cpu->st.sr;
    unsigned el = cpu->st.pstate.el;
    bool host = el == 0 && a64_in_host(cpu);
    uint64_t sctlr = sr[host ? A64_SR_SCTLR_EL2 : A64_SR_SCTLR_EL1];
    bool by_el1 = el == 0 && !(sctlr & A64_SCTLR_EL1_DZE);
    bool by_el2 = el < 2 && !host && a64_hcr(cpu) & A64_HCR_EL2_TDZ;
    return sr[A64_SR_DCZID_EL0] | (by_el1 || by_el2 ? A64_DCZID_EL0_DZP : 0);
}

uint64_t a64_sr_read_isr_el1(A64Cpu *cpu)
{
    return a64_isr(cpu);
}

void a64_sr_write_oslar_el1(A64Cpu *cpu, uint64_t value)
{
    uint64_t *oslsr = &cpu->st.sr[A64_SR_OSLSR_EL1];
    *oslsr = value & 1 ? *oslsr | A64_OSLSR_EL1_OSLK : *oslsr & ~A64_OSLSR_EL1_OSLK;
}

/* Eight claim bits. The slot holds the bits that are set; SET reads as what can be set. */
enum { CLAIM_BITS = 0xff };

uint64_t a64_sr_read_dbgclaimset_el1(A64Cpu *cpu)
{
    return CLAIM_BITS;
}

void a64_sr_write_dbgclaimset_el1(A64Cpu *cpu, uint64_t value)
{
    cpu->st.sr[A64_SR_DBGCLAIMSET_EL1] |= value & CLAIM_BITS;
}

uint64_t a64_sr_read_dbgclaimclr_el1(A64Cpu *cpu)
{
    return cpu->st.sr[A64_SR_DBGCLAIMSET_EL1];
}

void a64_sr_write_dbgclaimclr_el1(A64Cpu *cpu, uint64_t value)
{
    cpu->st.sr[A64_SR_DBGCLAIMSET_EL1] &= ~value;
}

/* Two layouts, by HCR_EL2.E2H; bits 13:0 of the older one are RES1 but for TFP, as neither SVE nor
 * SME nor trace are there. */
void a64_sr_write_cptr_el2(A64Cpu *cpu, uint64_t value)
{
    enum { OLD_LAYOUT = 0x3fff, OLD_RES1 = 0x33ff };
    if (a64_hcr(cpu) & A64_HCR_EL2_E2H)
        value &= ~(uint64_t)OLD_LAYOUT;
    else
        value = (value & (A64_CPTR_EL2_TCPAC | A64_CPTR_EL2_TAM | A64_CPTR_EL2_TFP)) | OLD_RES1;
    cpu->st.sr[A64_SR_CPTR_EL2] = value;
}
