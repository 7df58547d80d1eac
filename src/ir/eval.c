/*
 * Evaluation of pure IR ops on known values. One function per operand shape; 32-bit ops compute
 * on zero-extended values and
 * the caller truncates.
 */
#include "eval.h"

static uint64_t divide(bool is_signed, IrType type, uint64_t a, uint64_t b)
{
    if (b == 0)
        return 0;
    if (!is_signed)
        return a / b;
    if (type == IR_I32)
        return (int32_t)b == -1 ? 0 - a : (uint64_t)((int32_t)a / (int32_t)b);
    return b == UINT64_MAX ? 0 - a : (uint64_t)((int64_t)a / (int64_t)b);
}

static uint64_t mul_high(bool is_signed, IrType type, uint64_t a, uint64_t b)
{
    if (type == IR_I32)
        return (is_signed ? (uint64_t)((int64_t)(int32_t)a * (int32_t)b) : a * b) >> 32;
    unsigned __int128 p = is_signed ? (unsigned __int128)((__int128)(int64_t)a * (int64_t)b)
                                    : (unsigned __int128)a * b;
    return (uint64_t)(p >> 64);
}

static uint64_t shift(IrOpcode op, IrType type, uint64_t a, uint64_t count)
{
    unsigned width = type == IR_I64 ? 64 : 32, n = (unsigned)count & (width - 1);
    switch ((int)op) {
    case IR_SHL:
        return a << n;
    case IR_SHR:
        return a >> n;
    case IR_SAR:
        return (uint64_t)((int64_t)ir_sign_extend(a, width) >> n);
    default: /* ROR */
        return n == 0 ? a : a >> n | a << (width - n);
    }
}

static uint64_t count_leading(IrOpcode op, IrType type, uint64_t a)
{
    unsigned width = type == IR_I64 ? 64 : 32;
    if (op == IR_CLS) {
        int64_t s = (int64_t)ir_sign_extend(a, width);
        uint64_t folded = (uint64_t)(s ^ s >> 1) & ir_ones(width - 1);
        return folded == 0 ? width - 1
                           : (unsigned)__builtin_clzll(folded) - (64 - width) - 1;
    }
    return a == 0 ? width : (unsigned)__builtin_clzll(a) - (64 - width);
}

static uint64_t field(IrOpcode op, const uint64_t v[3], uint64_t imm)
{
    unsigned lsb = IR_FIELD_LSB(imm), width = IR_FIELD_WIDTH(imm);
    uint64_t mask = ir_ones(width);
    if (op == IR_BFI)
        return (v[0] & ~(mask << lsb)) | (v[1] & mask) << lsb;
    uint64_t bits = v[0] >> lsb & mask;
    return op == IR_SBFX ? ir_sign_extend(bits, width) : bits;
}

static uint64_t extract(IrType type, const uint64_t v[3], uint64_t imm)
{
    unsigned width = type == IR_I64 ? 64 : 32, n = (unsigned)imm & (width - 1);
    return n == 0 ? v[1] : v[1] >> n | v[0] << (width - n);
}

static uint64_t reverse(IrOpcode op, IrType type, uint64_t a)
{
    unsigned down = type == IR_I64 ? 0 : 32;
    switch ((int)op) {
    case IR_RBIT:
        return ir_rbit64(a) >> down;
    case IR_REV:
        return __builtin_bswap64(a) >> down;
    case IR_REV16:
        return ir_rev16(a);
    default: /* REV32 */
        a = __builtin_bswap64(a);
        return a >> 32 | a << 32;
    }
}

static uint64_t compare(IrOpcode op, IrType type, uint64_t a, uint64_t b)
{
    unsigned width = type == IR_I64 ? 64 : 32;
    int64_t sa = (int64_t)ir_sign_extend(a, width), sb = (int64_t)ir_sign_extend(b, width);
    switch ((int)op) {
    case IR_EQ:
        return a == b;
    case IR_NE:
        return a != b;
    case IR_ULT:
        return a < b;
    case IR_ULE:
        return a <= b;
    case IR_SLT:
        return sa < sb;
    default: /* SLE */
        return sa <= sb;
    }
}

static uint64_t flags(IrOpcode op, IrType type, const uint64_t v[3])
{
    bool wide = type == IR_I64;
    uint32_t a = (uint32_t)v[0], b = (uint32_t)v[1];
    switch ((int)op) {
    case IR_FLAGS_ADD:
        return wide ? ir_flags_add64(v[0], v[1]) : ir_flags_add32(a, b);
    case IR_FLAGS_SUB:
        return wide ? ir_flags_sub64(v[0], v[1]) : ir_flags_sub32(a, b);
    case IR_FLAGS_ADC:
        return wide ? ir_flags_adc64(v[0], v[1], v[2]) : ir_flags_adc32(a, b, v[2]);
    default: /* FLAGS_LOGIC */
        return ir_flags_logic(type, v[0]);
    }
}

static uint64_t evaluate(IrOpcode op, IrType type, const uint64_t v[3], uint64_t imm)
{
    switch ((int)op) {
    case IR_ADD: return v[0] + v[1];
    case IR_SUB: return v[0] - v[1];
    case IR_ADC: return v[0] + v[1] + v[2];
    case IR_MUL: return v[0] * v[1];
    case IR_UMULH: return mul_high(false, type, v[0], v[1]);
    case IR_SMULH: return mul_high(true, type, v[0], v[1]);
    case IR_UDIV: return divide(false, type, v[0], v[1]);
    case IR_SDIV: return divide(true, type, v[0], v[1]);
    case IR_AND: return v[0] & v[1];
    case IR_OR: return v[0] | v[1];
    case IR_XOR: return v[0] ^ v[1];
    case IR_ANDN: return v[0] & ~v[1];
    case IR_ORN: return v[0] | ~v[1];
    case IR_EON: return v[0] ^ ~v[1];
    case IR_NOT: return ~v[0];
    case IR_NEG: return 0 - v[0];
    case IR_SHL: case IR_SHR: case IR_SAR: case IR_ROR: return shift(op, type, v[0], v[1]);
    case IR_CLZ: case IR_CLS: return count_leading(op, type, v[0]);
    case IR_RBIT: case IR_REV: case IR_REV16: case IR_REV32: return reverse(op, type, v[0]);
    case IR_SEXT: return ir_sign_extend(v[0], (unsigned)imm);
    case IR_ZEXT: return v[0] & ir_ones((unsigned)imm);
    case IR_UBFX: case IR_SBFX: case IR_BFI: return field(op, v, imm);
    case IR_EXTR: return extract(type, v, imm);
    case IR_EQ: case IR_NE: case IR_ULT: case IR_ULE: case IR_SLT: case IR_SLE:
        return compare(op, type, v[0], v[1]);
    case IR_SELECT: return v[0] ? v[1] : v[2];
    case IR_COND: return ir_cond_mask((unsigned)imm) >> (v[0] >> IR_FLAG_SHIFT & 15) & 1;
    default: return flags(op, type, v);
    }
}

uint64_t ir_eval(IrOpcode op, IrType type, const uint64_t v[3], uint64_t imm)
{
    if (type == IR_I64)
        return evaluate(op, type, v, imm);
    uint64_t low[3] = {(uint32_t)v[0], (uint32_t)v[1], (uint32_t)v[2]};
    return (uint32_t)evaluate(op, type, low, imm);
}
