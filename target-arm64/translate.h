/*
 * CpuTarget.translate of A64; see armillary/vcpu.h.
 */
#pragma once

#include "armillary/ir.h"

/* mode is the A64Mode. Returns bytes consumed, at least 4. */
uint32_t a64_translate(IrBlock *b, const void *mode, const uint32_t *page, uint32_t offset,
                       uint32_t max_insns);
