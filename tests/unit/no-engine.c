/*
 * The engine for tests of the A64 guest that run no blocks: nothing happens.
 */
#include "armillary/engine.h"

void eng_kick(EngVcpu *cpu, uint32_t attention)
{
}

void eng_context_changed(EngVcpu *cpu)
{
}

void eng_dsb(EngVcpu *cpu)
{
}

bool eng_load_exclusive(EngVcpu *cpu, Va va, uint64_t mem, uint64_t value[2])
{
    return false;
}

bool eng_store_exclusive(EngVcpu *cpu, Va va, uint64_t mem, const uint64_t value[2],
                         uint64_t *failed)
{
    return false;
}

bool eng_cas16(EngVcpu *cpu, Va va, uint64_t mem, uint64_t expected_seen[2],
               const uint64_t desired[2])
{
    return false;
}
