/*
 * A second meaning of the pure IR ops, written from the words of ir-ops.def, bit by bit and in 128 bits, to share no trick with
 * the product's; and a random-number generator. For tests of the builder, the passes and the interpreter.
 */
#pragma once

#include <stdint.h>
#include <string.h>

#include "armillary/ir.h"

static uint64_t rng_state = 0x9e3779b97f4a7c15;

static inline uint64_t rng(void)
{
    rng_state ^= rng_state << 13;
    rng_state ^= rng_state >> 7;
    rng_state ^= rng_state << 17;
    return rng_state;
}

/* 0 .. n-1 */
static inline unsigned roll(unsigned n)
{
    return (unsigned)(rng() % n);
}

static inline uint64_t interesting(void)
{
    static const uint64_t values[] = {0, 1, 2, 31, 32, 63, 64, 0x7fffffff, 0x80000000, 0xffffffff,
                                      0x100000000, INT64_MAX, (uint64_t)INT64_MIN, UINT64_MAX};
    return roll(3) ? values[roll(14)] : rng();
}

typedef __int128 Wide;

static inline Wide sx(uint64_t a, unsigned bits)
{
    Wide v = 0;
    for (unsigned i = 0; i < bits; i++)
        v |= (Wide)(a >> i & 1) << i;
    return a >> (bits - 1) & 1 ? v - ((Wide)1 << bits) : v;
}

static inline Wide zx(uint64_t a, unsigned bits)
{
    return (Wide)((unsigned __int128)a & (((unsigned __int128)1 << bits) - 1));
}

static inline uint64_t bits_map(uint64_t a, unsigned width, unsigned group, unsigned unit)
{
    uint64_t r = 0; /* reverses the order of `unit`-bit pieces within each `group` */
    for (unsigned i = 0; i < width; i++) {
        unsigned base = i / group * group, piece = (i - base) / unit, in = i % unit;
        unsigned to = base + (group / unit - 1 - piece) * unit + in;
        r |= (a >> i & 1) << to;
    }
    return r;
}

static inline uint64_t ref_flags(Wide u, Wide s, unsigned w)
{
    uint64_t r = (uint64_t)zx((uint64_t)u, w);
    uint64_t n = r >> (w - 1) & 1, z = r == 0, c = zx((uint64_t)u, w) != u, v = sx(r, w) != s;
    return n << 31 | z << 30 | c << 29 | v << 28;
}

static inline int ref_cond(unsigned cond, uint64_t f)
{
    int n = f >> 31 & 1, z = f >> 30 & 1, c = f >> 29 & 1, v = f >> 28 & 1, r;
    switch (cond >> 1) {
    case 0: r = z; break;
    case 1: r = c; break;
    case 2: r = n; break;
    case 3: r = v; break;
    case 4: r = c && !z; break;
    case 5: r = n == v; break;
    case 6: r = n == v && !z; break;
    default: return 1;
    }
    return cond & 1 ? !r : r;
}

static inline unsigned lead(uint64_t a, unsigned w, unsigned bit)
{
    unsigned n = 0;
    while (n < w && (a >> (w - 1 - n) & 1) == bit)
        n++;
    return n;
}

static inline uint64_t ref_div(Wide a, Wide b)
{
    return b == 0 ? 0 : (uint64_t)(a / b);
}

static inline uint64_t ref_bits(unsigned op, unsigned w, uint64_t a, uint64_t b, uint64_t imm)
{
    unsigned lsb = imm & 0xff, width = imm >> 8 & 0xff, n = (unsigned)(b % w);
    unsigned __int128 ab = (unsigned __int128)a << w | b;
    switch (op) {
    case IR_SHL: return (uint64_t)((unsigned __int128)a << n);
    case IR_SHR: return a >> n;
    case IR_SAR: return (uint64_t)(sx(a, w) >> n);
    case IR_ROR: return (uint64_t)(((unsigned __int128)a << w | a) >> n);
    case IR_CLZ: return lead(a, w, 0);
    case IR_CLS: return lead(a, w, a >> (w - 1) & 1) - 1;
    case IR_RBIT: return bits_map(a, w, w, 1);
    case IR_REV: return bits_map(a, w, w, 8);
    case IR_REV16: return bits_map(a, w, 16, 8);
    case IR_REV32: return bits_map(a, w, 32, 8);
    case IR_SEXT: return (uint64_t)sx(a, (unsigned)imm);
    case IR_ZEXT: return (uint64_t)zx(a, (unsigned)imm);
    case IR_UBFX: return (uint64_t)zx(a >> lsb, width);
    case IR_SBFX: return (uint64_t)sx(a >> lsb, width);
    case IR_EXTR: return (uint64_t)(ab >> imm);
    default: /* BFI */
        for (unsigned i = 0; i < width; i++)
            a = (a & ~(UINT64_C(1) << (lsb + i))) | (b >> i & 1) << (lsb + i);
        return a;
    }
}

static inline uint64_t ref_one(unsigned op, unsigned w, const uint64_t v[3], uint64_t imm)
{
    uint64_t a = (uint64_t)zx(v[0], w), b = (uint64_t)zx(v[1], w), c = (uint64_t)zx(v[2], w);
    Wide ua = zx(a, w), ub = zx(b, w), sa = sx(a, w), sb = sx(b, w);
    switch (op) {
    case IR_ADD: return a + b;
    case IR_SUB: return a - b;
    case IR_ADC: return a + b + c;
    case IR_MUL: return a * b;
    case IR_UMULH: return (uint64_t)(((unsigned __int128)a * b) >> w);
    case IR_SMULH: return (uint64_t)((sa * sb) >> w);
    case IR_UDIV: return ref_div(ua, ub);
    case IR_SDIV: return ref_div(sa, sb);
    case IR_AND: return a & b;
    case IR_OR: return a | b;
    case IR_XOR: return a ^ b;
    case IR_ANDN: return a & ~b;
    case IR_ORN: return a | ~b;
    case IR_EON: return a ^ ~b;
    case IR_NOT: return ~a;
    case IR_NEG: return (uint64_t)-sa;
    case IR_EQ: return a == b;
    case IR_NE: return a != b;
    case IR_ULT: return ua < ub;
    case IR_ULE: return ua <= ub;
    case IR_SLT: return sa < sb;
    case IR_SLE: return sa <= sb;
    case IR_SELECT: return a ? b : c;
    case IR_FLAGS_ADD: return ref_flags(ua + ub, sa + sb, w);
    case IR_FLAGS_SUB: return ref_flags(ua + zx(~b, w) + 1, sa - sb, w);
    case IR_FLAGS_ADC: return ref_flags(ua + ub + (c & 1), sa + sb + (c & 1), w);
    case IR_FLAGS_LOGIC: return ref_flags(ua, sa, w);
    case IR_COND: return (uint64_t)ref_cond((unsigned)imm, v[0]);
    default: return ref_bits(op, w, a, b, imm);
    }
}

static inline int is_i32_result(unsigned op)
{
    return (op >= IR_EQ && op <= IR_SLE) || op == IR_COND ||
           (op >= IR_FLAGS_ADD && op <= IR_FLAGS_LOGIC);
}

static inline uint64_t ref_eval(unsigned op, unsigned type, const uint64_t v[3], uint64_t imm)
{
    uint64_t r = ref_one(op, type == IR_I64 ? 64 : 32, v, imm);
    return type == IR_I64 && !is_i32_result(op) ? r : (uint32_t)r;
}

/* Runs a block's GETs, PUTs and values on `state`. */
static inline void ref_run(const IrBlock *b, uint8_t *state)
{
    uint64_t value[IR_MAX_OPS] = {0};
    for (uint32_t i = 1; i < b->n_ops; i++) {
        const IrOp *op = &b->ops[i];
        const uint64_t v[3] = {value[op->a], value[op->b], value[op->c]};
        size_t n = (size_t)1 << op->type;
        switch (op->op) {
        case IR_CONST: value[i] = op->imm; break;
        case IR_PC: value[i] = 0x400000 + op->imm; break;
        case IR_GET: memcpy(&value[i], state + op->imm, n); break;
        case IR_PUT: memcpy(state + op->imm, &v[0], n); break;
        case IR_INSN: case IR_EXIT: case IR_FENCE: break;
        case IR_CALL: value[i] = ((const IrHelper *)(uintptr_t)op->imm)->fn(state, v[0], v[1], v[2]); break;
        default: value[i] = ref_eval(op->op, op->type, v, op->imm); break;
        }
    }
}

static inline uint64_t random_imm(unsigned op, IrType type)
{
    unsigned w = type == IR_I64 ? 64 : 32, lsb = roll(w);
    switch (op) {
    case IR_SEXT: case IR_ZEXT: return 1 + roll(w);
    case IR_UBFX: case IR_SBFX: case IR_BFI: return IR_FIELD(lsb, 1 + roll(w - lsb));
    case IR_EXTR: return roll(w);
    case IR_COND: return roll(16);
    default: return 0;
    }
}
