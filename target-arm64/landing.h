/*
 * Where indirect branches may lead: FEAT_BTI. Arm ARM, "PSTATE.BTYPE", instruction pages of BTI,
 * PACIASP, BRK, BR and BLR.
 */
#pragma once

#include "mode.h"
#include "armillary/vcpu.h"

/* ENG_LANDING_* of BR and BLR (link) by register rn, with or without authentication. */
static inline unsigned a64_landing(bool link, unsigned rn)
{
    return link ? ENG_LANDING_CALL : rn == 16 || rn == 17 ? ENG_LANDING_EASY : ENG_LANDING_JUMP;
}

/* IrBlock.lands of an instruction. */
uint16_t a64_lands(const A64Mode *mode, uint32_t word);

/* CpuTarget.land: takes the Branch Target exception. */
bool a64_land(EngVcpu *eng, bool fits, bool keep);
