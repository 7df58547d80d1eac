/*
 * What tests of the performance monitors need: bits, events, counters by number.
 * Arm ARM, "The Performance Monitors Extension", "PMU Event Descriptions".
 */
#pragma once

#include "rt.h"

#define EVENT_SW_INCR 0x00
#define EVENT_LD 0x06
#define EVENT_ST 0x07
#define EVENT_INST 0x08
#define EVENT_EXC_TAKEN 0x09
#define EVENT_EXC_RETURN 0x0a
#define EVENT_CID_WRITE 0x0b
#define EVENT_PC_WRITE 0x0c
#define EVENT_BR_IMMED 0x0d
#define EVENT_BR_RETURN 0x0e
#define EVENT_CYCLES 0x11
#define EVENT_TTBR_WRITE 0x1c
#define EVENT_CHAIN 0x1e
#define EVENT_BR 0x21
#define NOT_EL1 BIT(31)
#define NOT_EL0 BIT(30)
#define IN_EL2 BIT(27)
#define EVERYWHERE IN_EL2
#define PMCR_E BIT(0)
#define PMCR_P BIT(1)
#define PMCR_C BIT(2)
#define PMCR_DP BIT(5)
#define PMCR_LP BIT(7)
#define PMCR_FZO BIT(9)
#define MDCR_TPM BIT(6)
#define MDCR_TPMCR BIT(5)
#define MDCR_HPME BIT(7)
#define MDCR_HPMD BIT(17)
#define MDCR_HCCD BIT(23)
#define MDCR_HLP BIT(26)
#define MDCR_HPMFZO BIT(29)
#define CYCLE BIT(31)
#define PMU_IRQ 23
#define ISS_READ(op1, crn, crm, op2) (3u << 20 | (op2) << 17 | (op1) << 14 | (crn) << 10 | (crm) << 1 | 1)
#define ISS_WRITE(op1, crn, crm, op2) (ISS_READ(op1, crn, crm, op2) & ~1u)
#define FROM_LOWER 0x400
#define LOOPS 1000
#define SLACK 60

static u64 counters, version, mdcr;

static inline bool has_event(unsigned event)
{
    return (event < 32 ? READ(pmceid0_el0) : READ(pmceid1_el0)) >> (event & 31) & 1;
}

static inline void reset(void)
{
    WRITE_ISB(mdcr_el2, mdcr | counters);
    WRITE(pmcntenclr_el0, ~0ull);
    WRITE(pmintenclr_el1, ~0ull);
    WRITE(pmovsclr_el0, ~0ull);
    WRITE(pmuserenr_el0, 0);
    WRITE(pmccfiltr_el0, 0);
    for (u64 n = 0; n < counters; n++) {
        WRITE_ISB(pmselr_el0, n);
        WRITE(pmxevtyper_el0, EVENT_SW_INCR | EVERYWHERE);
    }
    WRITE_ISB(pmselr_el0, 0);
    WRITE_ISB(pmcr_el0, PMCR_P | PMCR_C);
}

static inline void select_type(u64 n, u64 type)
{
    WRITE_ISB(pmselr_el0, n);
    WRITE_ISB(pmxevtyper_el0, type);
}

static inline void set_count(u64 n, u64 value)
{
    WRITE_ISB(pmselr_el0, n);
    WRITE_ISB(pmxevcntr_el0, value);
}

static inline u64 count(u64 n)
{
    WRITE_ISB(pmselr_el0, n);
    return READ(pmxevcntr_el0);
}

static inline void software(u64 mask)
{
    WRITE_ISB(pmswinc_el0, mask);
}

/* False: there are none, which has been said. */
static inline bool there_are_monitors(void)
{
    version = BITS(READ(id_aa64dfr0_el1), 11, 8);
    if (version == 0 || version == 15) {
        rt_skip("the performance monitors", "there are none");
        return false;
    }
    counters = BITS(READ(pmcr_el0), 15, 11);
    mdcr = READ(mdcr_el2) & ~0x1full;
    rt_el1_flat();
    return true;
}
