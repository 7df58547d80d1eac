/*
 * Slow memory accesses of handlers: they note where the instruction is, ask the engine, and settle
 * the instruction count when it took an exception.
 */
#pragma once

#include "../engine/host-access.h"
#include "op.h"

/* op's side entry names the access. False: leave the block, nothing has been written to registers.
 */
bool interp_slow_load(EngVcpu *cpu, const InterpOp *op, uint64_t va, uint64_t *value);
bool interp_slow_store(EngVcpu *cpu, const InterpOp *op, uint64_t va, uint64_t value);
/* operands: b and c of the IR's ATOMIC; the address is operand a. */
bool interp_slow_atomic(EngVcpu *cpu, const InterpOp *op, const uint64_t operands[2],
                        uint64_t *old);
