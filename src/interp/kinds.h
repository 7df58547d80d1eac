/*
 * Every predecoded operation, as a list macro. A family is listed by the macro that also generates
 * its handlers' variants: 64 and 32 bits, register and immediate (I) second operand.
 */
#pragma once

#include "op.h"

#define INTERP_BIN(X, n) X(n##64) X(n##64I) X(n##32) X(n##32I)
#define INTERP_PAIR(X, n) X(n##64) X(n##32)

#define INTERP_ALU(X)                                                                             \
    INTERP_BIN(X, ADD) INTERP_BIN(X, SUB) INTERP_BIN(X, MUL) INTERP_BIN(X, AND) INTERP_BIN(X, OR) \
    INTERP_BIN(X, XOR) INTERP_BIN(X, ANDN) INTERP_BIN(X, ORN) INTERP_BIN(X, EON)                  \
    INTERP_BIN(X, SHL) INTERP_BIN(X, SHR) INTERP_BIN(X, SAR) INTERP_BIN(X, ROR)                   \
    INTERP_BIN(X, EQ) INTERP_BIN(X, NE) INTERP_BIN(X, ULT) INTERP_BIN(X, ULE)                     \
    INTERP_BIN(X, SLT) INTERP_BIN(X, SLE)                                                         \
    INTERP_PAIR(X, UMULH) INTERP_PAIR(X, SMULH) INTERP_PAIR(X, UDIV) INTERP_PAIR(X, SDIV)         \
    INTERP_PAIR(X, ADC) INTERP_PAIR(X, NOT) INTERP_PAIR(X, NEG) INTERP_PAIR(X, CLZ)               \
    INTERP_PAIR(X, CLS) INTERP_PAIR(X, RBIT) INTERP_PAIR(X, REV) INTERP_PAIR(X, REV16)            \
    INTERP_PAIR(X, REV32) INTERP_PAIR(X, UBFX) INTERP_PAIR(X, SBFX) INTERP_PAIR(X, BFI)           \
    INTERP_PAIR(X, BFII) INTERP_PAIR(X, EXTR) INTERP_PAIR(X, SELECT)                              \
    INTERP_PAIR(X, ADDSHL) INTERP_PAIR(X, SUBSHL) INTERP_PAIR(X, ANDSHL) INTERP_PAIR(X, ORSHL)    \
    INTERP_PAIR(X, XORSHL) INTERP_PAIR(X, ADDSHR) INTERP_PAIR(X, ORSHR) INTERP_PAIR(X, XORSHR)    \
    INTERP_PAIR(X, MADD) INTERP_PAIR(X, MSUB) X(ADDUXTW64) X(ADDSXTW64) X(UMADDL64) X(SMADDL64)

#define INTERP_MOVES(X) \
    X(MOV64) X(MOV64X2) X(MOV32) X(MOVI) X(GET8) X(GET16) X(PUT8) X(PUT16) X(PUT32)  \
    X(PUT8I) X(PUT16I) X(PUT32I) X(PC)

/* A comparison whose flags the next operation selects by: both in one step. The next one's own
 * operation stays in its slot. */
#define INTERP_SELS(X, n) \
    X(n##_COND) X(n##_CSEL64) X(n##_CSEL32) X(n##_CSINC64) X(n##_CSINC32)

#define INTERP_FLAGS(X)                                                                    \
    INTERP_BIN(X, FADD) INTERP_BIN(X, FSUB) INTERP_BIN(X, FAND) INTERP_PAIR(X, FADC)        \
    INTERP_BIN(X, ADDS) INTERP_BIN(X, SUBS) INTERP_BIN(X, ANDS)                             \
    INTERP_PAIR(X, ADCC) INTERP_PAIR(X, FADCC) INTERP_BIN(X, CCMP) INTERP_BIN(X, CCMN)      \
    X(COND) INTERP_PAIR(X, CSEL) INTERP_PAIR(X, CSINC) INTERP_PAIR(X, CSINV)                \
    INTERP_PAIR(X, CSNEG)                                                                   \
    INTERP_SELS(X, FSUB64) INTERP_SELS(X, FSUB64I) INTERP_SELS(X, FSUB32)                   \
    INTERP_SELS(X, FSUB32I)

/* Address forms: D base + displacement, W the same and then base += the imm's high half, X base +
 * (index << imm), U base + (zero-extended 32-bit index << imm), S the same sign-extended.
 * LDZ also clears the 8 bytes above the result's, as a load of a vector register does. */
#define INTERP_FORMS(X, n) X(n##_D) X(n##_W) X(n##_X) X(n##_U) X(n##_S)
#define INTERP_MEMORY(X)                                                                   \
    INTERP_FORMS(X, LD8) INTERP_FORMS(X, LD16) INTERP_FORMS(X, LD32) INTERP_FORMS(X, LD64)  \
    INTERP_FORMS(X, LD8S32) INTERP_FORMS(X, LD8S64) INTERP_FORMS(X, LD16S32)                \
    INTERP_FORMS(X, LD16S64) INTERP_FORMS(X, LD32S64)                                       \
    INTERP_FORMS(X, LDZ32) INTERP_FORMS(X, LDZ64)                                          \
    INTERP_FORMS(X, ST8) INTERP_FORMS(X, ST16) INTERP_FORMS(X, ST32) INTERP_FORMS(X, ST64)  \
    X(LDQ_D) X(LDQ_W)                                                                      \
    X(LDP64_D) X(LDP64_W) X(LDP32_D) X(LDP32_W) X(STP64_D) X(STP64_W) X(STP32_D)            \
    X(STP32_W) X(LDANY) X(STANY) X(ATOMIC) X(FENCE)

/* Compare and branch: SUBS or ANDS, flags into c, then b.cond. */
#define INTERP_CONDS(X, n)                                                                 \
    X(n##_EQ) X(n##_NE) X(n##_CS) X(n##_CC) X(n##_MI) X(n##_PL) X(n##_VS) X(n##_VC)         \
    X(n##_HI) X(n##_LS) X(n##_GE) X(n##_LT) X(n##_GT) X(n##_LE)
#define INTERP_TESTS(X, n) X(n##_EQ) X(n##_NE) X(n##_MI) X(n##_PL)
#define INTERP_BRANCHES(X)                                                                 \
    INTERP_CONDS(X, SUBS64) INTERP_CONDS(X, SUBS64I) INTERP_CONDS(X, SUBS32)                \
    INTERP_CONDS(X, SUBS32I) INTERP_TESTS(X, ANDS64) INTERP_TESTS(X, ANDS64I)               \
    INTERP_TESTS(X, ANDS32) INTERP_TESTS(X, ANDS32I)                                        \
    INTERP_BIN(X, ADDSB) INTERP_BIN(X, FADDB) INTERP_BIN(X, CCMPB) INTERP_BIN(X, CCMNB)     \
    INTERP_BIN(X, BEQ) INTERP_BIN(X, BNE) INTERP_BIN(X, BULT) INTERP_BIN(X, BULE)           \
    INTERP_BIN(X, BSLT) INTERP_BIN(X, BSLE)                                                 \
    INTERP_PAIR(X, BZ) INTERP_PAIR(X, BNZ) X(TBZ) X(TBNZ) X(BCOND) X(GOTO) X(CALLTO)        \
    X(GOTOPTR) X(CALLPTR) X(GOTOPTRL) X(CALLPTRL) X(EXIT) X(EXITPC) X(LINK) X(LINKFAR) X(TURN)

#define INTERP_CALLS(X) X(CALL) X(CALLRAISES) X(VEC) X(CHECK) X(CHECKBITS)

/* Arithmetic again, in the same order, with a, b or both taken from the last result. */
#define INTERP_A(n) INTERP_X(n##_A)
#define INTERP_B(n) INTERP_X(n##_B)
#define INTERP_AB(n) INTERP_X(n##_AB)

#define INTERP_KINDS(X)                                                                    \
    INTERP_ALU(X) INTERP_MOVES(X) INTERP_FLAGS(X) INTERP_MEMORY(X) INTERP_BRANCHES(X)       \
    INTERP_CALLS(X)
#define INTERP_ACC_KINDS() \
    INTERP_ALU(INTERP_A) INTERP_ALU(INTERP_B) INTERP_ALU(INTERP_AB)

typedef enum {
#define X(name) IK_##name,
#define INTERP_X(name) IK_##name,
    INTERP_KINDS(X)
    INTERP_ACC_KINDS()
#undef INTERP_X
#undef X
    IK_TOTAL
} InterpKind;

#define X(name) INTERP_HANDLER(name);
#define INTERP_X(name) INTERP_HANDLER(name);
INTERP_KINDS(X)
INTERP_ACC_KINDS()
#undef INTERP_X
#undef X
