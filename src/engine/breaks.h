/* Where a debugger wants vCPUs to stop. */
#pragma once

#include "armillary/engine.h"

typedef struct {
    unsigned n;
    uint64_t va[ENG_MAX_BREAKS];
} EngBreaks;

/* How many instructions a block at pc may have, at most max_insns. */
uint32_t eng_break_distance(const EngBreaks *b, uint64_t pc, uint32_t max_insns);
/* Must the instruction at pc be a block of its own, which is not kept? */
bool eng_break_near(const EngBreaks *b, uint64_t pc);
/* Is there a breakpoint? */
bool eng_break_hit(const EngBreaks *b, uint64_t pc);
