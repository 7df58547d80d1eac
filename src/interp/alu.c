/*
 * Handlers of integer arithmetic and moves. Each computes on the register file in place; 32-bit
 * results are zero-extended. What an op means: include/armillary/ir-ops.def.
 */
#include "kinds.h"

#include "../ir/eval.h"

/* The names that expressions use; some use not all of them. */
#define TYPES(bits)                                     \
    typedef uint##bits##_t U;                           \
    typedef int##bits##_t S __attribute__((unused));    \
    enum { BITS = bits };

#define BINARY(name, expr)                                                      \
    INTERP_HANDLER(name##64)                                                    \
    {                                                                           \
        TYPES(64)                                                               \
        U a = R64(a), b = R64(b);                                               \
        R64(d) = (U)(expr);                                                     \
        INTERP_NEXT(op + 1);                                                    \
    }                                                                           \
    INTERP_HANDLER(name##64I)                                                   \
    {                                                                           \
        TYPES(64)                                                               \
        U a = R64(a), b = op->imm;                                              \
        R64(d) = (U)(expr);                                                     \
        INTERP_NEXT(op + 1);                                                    \
    }                                                                           \
    INTERP_HANDLER(name##32)                                                    \
    {                                                                           \
        TYPES(32)                                                               \
        U a = R32(a), b = R32(b);                                               \
        R64(d) = (U)(expr);                                                     \
        INTERP_NEXT(op + 1);                                                    \
    }                                                                           \
    INTERP_HANDLER(name##32I)                                                   \
    {                                                                           \
        TYPES(32)                                                               \
        U a = R32(a), b = (U)op->imm;                                           \
        R64(d) = (U)(expr);                                                     \
        INTERP_NEXT(op + 1);                                                    \
    }

BINARY(ADD, a + b)
BINARY(SUB, a - b)
BINARY(MUL, a * b)
BINARY(AND, a & b)
BINARY(OR, a | b)
BINARY(XOR, a ^ b)
BINARY(ANDN, a & ~b)
BINARY(ORN, a | ~b)
BINARY(EON, a ^ ~b)
BINARY(SHL, a << (b & (BITS - 1)))
BINARY(SHR, a >> (b & (BITS - 1)))
BINARY(SAR, (S)a >> (b & (BITS - 1)))
BINARY(ROR, a >> (b & (BITS - 1)) | a << (-b & (BITS - 1)))
BINARY(EQ, a == b)
BINARY(NE, a != b)
BINARY(ULT, a < b)
BINARY(ULE, a <= b)
BINARY(SLT, (S)a < (S)b)
BINARY(SLE, (S)a <= (S)b)

/* Three operands, some of them unused; imm free. */
#define GENERAL(name, expr)                                                     \
    INTERP_HANDLER(name##64)                                                    \
    {                                                                           \
        TYPES(64)                                                               \
        U a = R64(a), b = R64(b), c = R64(c);                                   \
        uint64_t imm = op->imm;                                                 \
        (void)b, (void)c, (void)imm;                                            \
        R64(d) = (U)(expr);                                                     \
        INTERP_NEXT(op + 1);                                                    \
    }                                                                           \
    INTERP_HANDLER(name##32)                                                    \
    {                                                                           \
        TYPES(32)                                                               \
        U a = R32(a), b = R32(b), c = R32(c);                                   \
        uint64_t imm = op->imm;                                                 \
        (void)b, (void)c, (void)imm;                                            \
        R64(d) = (U)(expr);                                                     \
        INTERP_NEXT(op + 1);                                                    \
    }

#define EVAL(irop) \
    ir_eval(irop, BITS == 64 ? IR_I64 : IR_I32, (const uint64_t[3]){a, b, c}, imm)

GENERAL(ADC, a + b + c)
GENERAL(NOT, ~a)
GENERAL(NEG, 0 - a)
GENERAL(SELECT, a ? b : c)
GENERAL(MADD, c + a * b)
GENERAL(MSUB, c - a * b)
GENERAL(CLZ, a == 0 ? (U)BITS : (U)__builtin_clzll(a) - (64 - BITS))
GENERAL(REV, BITS == 64 ? (U)__builtin_bswap64(a) : (U)__builtin_bswap32((uint32_t)a))
GENERAL(UMULH, BITS == 64 ? (U)((unsigned __int128)a * b >> 64) : (U)((uint64_t)a * b >> 32))
GENERAL(SMULH, EVAL(IR_SMULH))
GENERAL(UDIV, b == 0 ? 0 : a / b)
GENERAL(SDIV, b == 0 ? 0 : b == (U)-1 ? 0 - a : (U)((S)a / (S)b))
GENERAL(CLS, EVAL(IR_CLS))
GENERAL(RBIT, EVAL(IR_RBIT))
GENERAL(REV16, EVAL(IR_REV16))
GENERAL(REV32, EVAL(IR_REV32))
/* imm: left shift, then right shift in bits 15:8 */
GENERAL(UBFX, (U)(a << (imm & (BITS - 1))) >> (imm >> 8 & (BITS - 1)))
GENERAL(SBFX, (S)(U)(a << (imm & (BITS - 1))) >> (imm >> 8 & (BITS - 1)))
GENERAL(BFI, EVAL(IR_BFI))
/* imm: the inserted bits in place; c: lsb, width << 8 */
INTERP_HANDLER(BFII64)
{
    uint64_t mask = ir_ones(op->c >> 8) << (op->c & 63);
    R64(d) = (R64(a) & ~mask) | op->imm;
    INTERP_NEXT(op + 1);
}
INTERP_HANDLER(BFII32)
{
    uint64_t mask = ir_ones(op->c >> 8) << (op->c & 63);
    R64(d) = (uint32_t)((R32(a) & ~mask) | op->imm);
    INTERP_NEXT(op + 1);
}
GENERAL(EXTR, EVAL(IR_EXTR))
GENERAL(ADDSHL, a + (b << (imm & (BITS - 1))))
GENERAL(SUBSHL, a - (b << (imm & (BITS - 1))))
GENERAL(ANDSHL, a & (b << (imm & (BITS - 1))))
GENERAL(ORSHL, a | (b << (imm & (BITS - 1))))
GENERAL(XORSHL, a ^ (b << (imm & (BITS - 1))))
GENERAL(ADDSHR, a + (b >> (imm & (BITS - 1))))
GENERAL(ORSHR, a | (b >> (imm & (BITS - 1))))
GENERAL(XORSHR, a ^ (b >> (imm & (BITS - 1))))

#define SINGLE(name, statement)   \
    INTERP_HANDLER(name)          \
    {                             \
        statement;                \
        INTERP_NEXT(op + 1);      \
    }
#define AT(type, field) (*(type *)((char *)cpu + op->field))

SINGLE(ADDUXTW, R64(d) = R64(a) + ((uint64_t)R32(b) << (op->imm & 63)))
SINGLE(ADDSXTW, R64(d) = R64(a) + ((uint64_t)(int32_t)R32(b) << (op->imm & 63)))
SINGLE(UMADDL, R64(d) = R64(c) + (uint64_t)R32(a) * R32(b))
SINGLE(SMADDL, R64(d) = R64(c) + (uint64_t)((int64_t)(int32_t)R32(a) * (int32_t)R32(b)))
SINGLE(MOV64, R64(d) = R64(a))
SINGLE(MOV64X2, R64(d) = R64(a); R64(b) = R64(c))
SINGLE(MOV32, R64(d) = R32(a))
SINGLE(MOVI, R64(d) = op->imm)
SINGLE(GET8, R64(d) = AT(uint8_t, a))
SINGLE(GET16, R64(d) = AT(InterpU16, a))
SINGLE(PUT8, AT(uint8_t, d) = AT(uint8_t, a))
SINGLE(PUT16, AT(InterpU16, d) = AT(InterpU16, a))
SINGLE(PUT32, R32(d) = R32(a))
SINGLE(PUT8I, AT(uint8_t, d) = (uint8_t)op->imm)
SINGLE(PUT16I, AT(InterpU16, d) = (uint16_t)op->imm)
SINGLE(PUT32I, R32(d) = (uint32_t)op->imm)
SINGLE(PC, R64(d) = cpu->pc + op->imm)
