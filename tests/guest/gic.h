/*
 * What tests of the interrupt controller share. Arm GIC Architecture Specification, "ICC_SGI1R_EL1", "ICC_HPPIR1_EL1", "ICH_VMCR_EL2".
 */
#pragma once

#include "rt.h"

/* An SGI for this CPU. */
static inline void sgi(unsigned intid)
{
    u64 self = READ(mpidr_el1);
    DSB();
    WRITE_ISB(ICC_SGI1R_EL1, (u64)intid << 24 | BIT(self & 15) | (self & 0xff00) << 8);
}

/* The interface sees a change of distributor or redistributor after a while. */
static inline bool offered(u64 intid)
{
    for (unsigned i = 0; i < 20000; i++)
        if (READ(ICC_HPPIR1_EL1) == intid)
            return true;
    return false;
}

/* A virtual interface without interrupts. */
static inline void start_with(u64 vmcr)
{
    WRITE_ISB(hcr_el2, HCR_RW | HCR_IMO | HCR_FMO);
    WRITE(ICH_AP1R0_EL2, 0);
    WRITE(ICH_AP0R0_EL2, 0);
    WRITE(ICH_LR0_EL2, 0);
    WRITE(ICH_LR1_EL2, 0);
    WRITE(ICH_LR2_EL2, 0);
    WRITE(ICH_LR3_EL2, 0);
    WRITE(ICH_VMCR_EL2, vmcr);
    WRITE_ISB(ICH_HCR_EL2, 1);
}
