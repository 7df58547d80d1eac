/*
 * Conditions in predecoded operations: a mask with a bit for each value of NZCV (ir_cond_mask).
 */
#pragma once

#include "../ir/eval.h"
#include "op.h"

#define HOLDS_IN(mask, flags) ((mask) >> ((flags) >> IR_FLAG_SHIFT) & 1)
#define CARRY(flags) ((flags) >> (IR_FLAG_SHIFT + 1) & 1)

/*
 * CCMP and CCMN: d: where flags go, c: flags that decide; imm: mask in bits 15:0, the flags
 * otherwise in bits 31:28, the immediate operand in the high half.
 */
#define CCMP_HOLDS() HOLDS_IN(op->imm & 0xffff, R32(c))
#define CCMP_OTHER() ((uint32_t)op->imm & 0xf0000000)
#define CCMP_IMM() (op->imm >> 32)

static inline uint64_t interp_get(const EngVcpu *cpu, uint16_t offset)
{
    return *(const InterpU64 *)((const char *)cpu + offset);
}

static inline void interp_put(EngVcpu *cpu, uint16_t offset, uint64_t v)
{
    *(InterpU64 *)((char *)cpu + offset) = v;
}
