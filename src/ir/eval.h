/*
 * What each pure IR op means, as a function of its argument values: used by the builder's folding
 * and by backends for their
 * slow cases. Flags and conditions: Arm ARM, "Condition flags and related instructions",
 * AddWithCarry and ConditionHolds.
 */
#pragma once

#include "armillary/ir.h"

enum { IR_FLAG_N = 8, IR_FLAG_Z = 4, IR_FLAG_C = 2, IR_FLAG_V = 1, IR_FLAG_SHIFT = 28 };

/* Bit i of the result is 1 when condition cond holds for NZCV = i. */
static inline uint32_t ir_cond_mask(unsigned cond)
{
    static const uint16_t even[8] = {
        0xf0f0, /* EQ: Z */
        0xcccc, /* CS: C */
        0xff00, /* MI: N */
        0xaaaa, /* VS: V */
        0x0c0c, /* HI: C and not Z */
        0xaa55, /* GE: N == V */
        0x0a05, /* GT: N == V and not Z */
        0xffff, /* AL */
    };
    uint32_t mask = even[cond >> 1 & 7];
    return (cond & 1) && (cond & 15) != 15 ? ~mask & 0xffff : mask;
}

static inline uint32_t ir_pack_flags(bool n, bool z, bool c, bool v)
{
    return (uint32_t)n << 31 | (uint32_t)z << 30 | (uint32_t)c << 29 | (uint32_t)v << 28;
}

static inline uint32_t ir_flags_add32(uint32_t a, uint32_t b)
{
    uint32_t r = a + b;
    return ir_pack_flags(r >> 31, r == 0, r < a, ((a ^ r) & (b ^ r)) >> 31);
}

static inline uint32_t ir_flags_add64(uint64_t a, uint64_t b)
{
    uint64_t r = a + b;
    return ir_pack_flags(r >> 63, r == 0, r < a, ((a ^ r) & (b ^ r)) >> 63);
}

static inline uint32_t ir_flags_sub32(uint32_t a, uint32_t b)
{
    uint32_t r = a - b;
    return ir_pack_flags(r >> 31, r == 0, a >= b, ((a ^ b) & (a ^ r)) >> 31);
}

static inline uint32_t ir_flags_sub64(uint64_t a, uint64_t b)
{
    uint64_t r = a - b;
    return ir_pack_flags(r >> 63, r == 0, a >= b, ((a ^ b) & (a ^ r)) >> 63);
}

static inline uint32_t ir_flags_adc32(uint32_t a, uint32_t b, uint64_t c)
{
    uint64_t wide = (uint64_t)a + b + (c & 1);
    uint32_t r = (uint32_t)wide;
    return ir_pack_flags(r >> 31, r == 0, wide >> 32, ((a ^ r) & (b ^ r)) >> 31);
}

static inline uint32_t ir_flags_adc64(uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t t = a + b, r = t + (c & 1);
    return ir_pack_flags(r >> 63, r == 0, t < a || r < t, ((a ^ r) & (b ^ r)) >> 63);
}

static inline uint32_t ir_flags_logic(IrType type, uint64_t a)
{
    bool n = type == IR_I64 ? a >> 63 : a >> 31 & 1;
    return ir_pack_flags(n, type == IR_I64 ? a == 0 : (uint32_t)a == 0, false, false);
}

static inline uint64_t ir_ones(unsigned width)
{
    return width >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << width) - 1;
}

static inline uint64_t ir_sign_extend(uint64_t a, unsigned bits)
{
    unsigned shift = 64 - bits;
    return bits == 0 || bits >= 64 ? a : (uint64_t)((int64_t)(a << shift) >> shift);
}

static inline uint64_t ir_rbit64(uint64_t a)
{
    a = (a >> 1 & UINT64_C(0x5555555555555555)) | (a & UINT64_C(0x5555555555555555)) << 1;
    a = (a >> 2 & UINT64_C(0x3333333333333333)) | (a & UINT64_C(0x3333333333333333)) << 2;
    a = (a >> 4 & UINT64_C(0x0f0f0f0f0f0f0f0f)) | (a & UINT64_C(0x0f0f0f0f0f0f0f0f)) << 4;
    return __builtin_bswap64(a);
}

static inline uint64_t ir_rev16(uint64_t a)
{
    return (a >> 8 & UINT64_C(0x00ff00ff00ff00ff)) | (a & UINT64_C(0x00ff00ff00ff00ff)) << 8;
}

/*
 * The value of pure op `op` of type `type` for arguments v[0..2]; I32 results are zero-extended.
 * Not for CONST and PC.
 * Arguments of I32 ops may be wider values: their low 32 bits count.
 */
uint64_t ir_eval(IrOpcode op, IrType type, const uint64_t v[3], uint64_t imm);
