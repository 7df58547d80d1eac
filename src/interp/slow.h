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
/* Two neighbouring registers; a store's are the op's d and b. */
bool interp_slow_load_pair(EngVcpu *cpu, const InterpOp *op, uint64_t va, uint64_t value[2]);
bool interp_slow_store_pair(EngVcpu *cpu, const InterpOp *op, uint64_t va);
/* operands: b and c of the IR's ATOMIC; the address is operand a. */
bool interp_slow_atomic(EngVcpu *cpu, const InterpOp *op, const uint64_t operands[2],
                        uint64_t *old);
