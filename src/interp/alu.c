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

/* One form: where a and b come from is the caller's. */
#define FORM(name, bits, get_a, get_b, expr)                                    \
    INTERP_HANDLER(name)                                                        \
    {                                                                           \
        TYPES(bits)                                                             \
        U a = (U)(get_a), b = (U)(get_b), c = (U)R##bits(c);                    \
        uint64_t imm = op->imm;                                                 \
        (void)b, (void)c, (void)imm;                                            \
        INTERP_RESULT((U)(expr));                                               \
        INTERP_NEXT(op + 1);                                                    \
    }

/* name_A: a is the last result; name_B: b is; name_AB: both are. */
#define REGISTER_FORMS(name, bits, expr)                                        \
    FORM(name##bits, bits, R##bits(a), R##bits(b), expr)                        \
    FORM(name##bits##_A, bits, acc, R##bits(b), expr)                           \
    FORM(name##bits##_B, bits, R##bits(a), acc, expr)                           \
    FORM(name##bits##_AB, bits, acc, acc, expr)

#define IMMEDIATE_FORMS(name, bits, expr)                                       \
    FORM(name##bits##I, bits, R##bits(a), op->imm, expr)                        \
    FORM(name##bits##I_A, bits, acc, op->imm, expr)                             \
    FORM(name##bits##I_B, bits, R##bits(a), op->imm, expr)                      \
    FORM(name##bits##I_AB, bits, acc, op->imm, expr)

#define BINARY(name, expr)                                                      \
    REGISTER_FORMS(name, 64, expr)                                              \
    IMMEDIATE_FORMS(name, 64, expr)                                             \
    REGISTER_FORMS(name, 32, expr)                                              \
    IMMEDIATE_FORMS(name, 32, expr)

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
#define GENERAL(name, expr)         \
    REGISTER_FORMS(name, 64, expr)  \
    REGISTER_FORMS(name, 32, expr)

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
#define FIELD_MASK() (U)(ir_ones(op->c >> 8) << (op->c & 63))
GENERAL(BFII, (a & ~FIELD_MASK()) | imm)
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

REGISTER_FORMS(ADDUXTW, 64, a + ((uint64_t)(uint32_t)b << (imm & 63)))
REGISTER_FORMS(ADDSXTW, 64, a + ((uint64_t)(int32_t)b << (imm & 63)))
REGISTER_FORMS(UMADDL, 64, c + (uint64_t)(uint32_t)a * (uint32_t)b)
REGISTER_FORMS(SMADDL, 64, c + (uint64_t)((int64_t)(int32_t)a * (int32_t)b))
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
