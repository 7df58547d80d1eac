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

bool eng_lost_exclusive(EngVcpu *cpu)
{
    return false;
}

EngDone eng_transfer64(EngVcpu *cpu, Va va, EngAccess access, uint64_t mem, uint64_t *data)
{
    return ENG_DONE_FAULT;
}

bool eng_atomic(EngVcpu *cpu, Va va, uint64_t mem, const uint64_t operands[2], uint64_t *old)
{
    return false;
}

bool eng_cas16(EngVcpu *cpu, Va va, uint64_t mem, uint64_t expected_seen[2],
               const uint64_t desired[2])
{
    return false;
}

uint64_t eng_move(EngVcpu *cpu, const EngMove *m)
{
    return 0;
}

uint64_t eng_fill(EngVcpu *cpu, Va to, uint64_t n, uint8_t byte, uint64_t mem)
{
    return 0;
}

bool eng_zero(EngVcpu *cpu, Va va, unsigned n, Va fault)
{
    return false;
}

bool eng_alignment_enforced(const EngVcpu *cpu, Va va, uint64_t mem)
{
    return false;
}

bool eng_load(EngVcpu *cpu, Va va, uint64_t mem, uint64_t *value)
{
    return false;
}

bool eng_store(EngVcpu *cpu, Va va, uint64_t mem, uint64_t value)
{
    return false;
}

void eng_tlbi(EngVcpu *cpu, const EngTlbi *what, bool broadcast)
{
}

void eng_tlb_flush(EngVcpu *cpu)
{
}

bool eng_tlb_stage2(EngVcpu *cpu, uint32_t vmid, uint32_t digest, Ipa ipa, EngXlat *out)
{
    return false;
}

void eng_tlb_stage2_fill(EngVcpu *cpu, uint32_t vmid, uint32_t digest, Ipa ipa, const EngXlat *x)
{
}

void eng_ic_all(EngVcpu *cpu, bool broadcast)
{
}

void eng_ic_maintain(EngVcpu *cpu, bool broadcast)
{
}

void eng_ic_pa(EngVcpu *cpu, Pa pa, uint64_t n)
{
}

void eng_watch(EngVcpu *cpu, bool any)
{
}
