/*
 * The handlers' way into the engine's slow memory path. See slow.h.
 */
#include "slow.h"

#include "armillary/engine.h"

static void begin(EngVcpu *cpu, const InterpSide *side)
{
    cpu->insn_pc = cpu->pc + (uint64_t)(int64_t)side->delta;
    cpu->insn_done = side->index;
}

static bool end(EngVcpu *cpu, bool done)
{
    if (!done)
        cpu->insns += cpu->insn_done;
    cpu->insn_done = 0;
    return done;
}

bool interp_slow_load(EngVcpu *cpu, const InterpOp *op, uint64_t va, uint64_t *value)
{
    const InterpSide *side = interp_side(op);
    begin(cpu, side);
    return end(cpu, eng_load(cpu, (Va){va}, side->mem, value));
}

bool interp_slow_store(EngVcpu *cpu, const InterpOp *op, uint64_t va, uint64_t value)
{
    const InterpSide *side = interp_side(op);
    begin(cpu, side);
    return end(cpu, eng_store(cpu, (Va){va}, side->mem, value));
}

bool interp_slow_load_pair(EngVcpu *cpu, const InterpOp *op, uint64_t va, uint64_t value[2])
{
    const InterpSide *side = interp_side(op);
    begin(cpu, side);
    return end(cpu, eng_load_pair(cpu, (Va){va}, side->mem, value));
}

bool interp_slow_store_pair(EngVcpu *cpu, const InterpOp *op, uint64_t va)
{
    const InterpSide *side = interp_side(op);
    const uint64_t value[2] = {R64(d), R64(b)};
    begin(cpu, side);
    return end(cpu, eng_store_pair(cpu, (Va){va}, side->mem, value));
}

bool interp_slow_atomic(EngVcpu *cpu, const InterpOp *op, const uint64_t operands[2],
                        uint64_t *old)
{
    const InterpSide *side = interp_side(op);
    begin(cpu, side);
    return end(cpu, eng_atomic(cpu, (Va){R64(a)}, side->mem, operands, old));
}
