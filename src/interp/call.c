/*
 * Handlers of out-of-line helpers. A second slot follows each: where the instruction is, or the
 * vector helper's address.
 */
#include "kinds.h"

INTERP_HANDLER(CALL)
{
    IrHelperFn fn = (IrHelperFn)(uintptr_t)op->imm;
    R64(d) = fn(cpu, R64(a), R64(b), R64(c));
    INTERP_RELOAD();
    INTERP_NEXT(op + 2);
}

INTERP_HANDLER(CALLRAISES)
{
    IrHelperFn fn = (IrHelperFn)(uintptr_t)op->imm;
    const InterpSide *side = (const InterpSide *)(op + 1);
    cpu->insn_pc = cpu->pc + (uint64_t)(int64_t)side->delta;
    cpu->insn_done = side->index;
    uint64_t v = fn(cpu, R64(a), R64(b), R64(c));
    uint32_t done = cpu->insn_done;
    cpu->insn_done = 0;
    if (ARM_UNLIKELY(cpu->leave != ENG_STAY)) {
        cpu->insns += done;
        INTERP_LEAVE();
    }
    R64(d) = v;
    INTERP_RELOAD();
    INTERP_NEXT(op + 2);
}

INTERP_COLD(check_failed)
{
    IrHelperFn fn = (IrHelperFn)(uintptr_t)op->imm;
    const InterpSide *side = interp_side(op);
    cpu->insn_pc = cpu->pc + (uint64_t)(int64_t)side->delta;
    cpu->insn_done = side->index;
    fn(cpu, 0, 0, 0);
    cpu->insns += cpu->insn_done;
    cpu->insn_done = 0;
    INTERP_LEAVE();
}

INTERP_HANDLER(CHECK)
{
    if (ARM_UNLIKELY(R64(a) != 0))
        INTERP_TAIL(check_failed);
    INTERP_NEXT(op + 1);
}

INTERP_HANDLER(CHECKBITS)
{
    if (ARM_UNLIKELY(R64(a) & op->b))
        INTERP_TAIL(check_failed);
    INTERP_NEXT(op + 1);
}

INTERP_HANDLER(VEC)
{
    char *base = (char *)cpu;
    IrVecFn fn = (IrVecFn)(uintptr_t)op[1].imm;
    fn(cpu, base + op->d, base + op->a, base + op->b, op->imm);
    INTERP_NEXT(op + 2);
}
