/*
 * Handlers that make or use condition flags. Flags are stored as 32 bits, N Z C V at the top.
 * F<op>: flags of the operation into d. <op>S: result into d and flags into c.
 */
#include "kinds.h"

#include "../ir/eval.h"

#define FLAGS_AND64(a, b) ir_flags_logic(IR_I64, (a) & (b))
#define FLAGS_AND32(a, b) ir_flags_logic(IR_I32, (a) & (b))

#define FLAGS(name, flags64, flags32, oper)                                     \
    INTERP_HANDLER(F##name##64)                                                 \
    {                                                                           \
        R32(d) = flags64(R64(a), R64(b));                                       \
        INTERP_NEXT(op + 1);                                                    \
    }                                                                           \
    INTERP_HANDLER(F##name##64I)                                                \
    {                                                                           \
        R32(d) = flags64(R64(a), op->imm);                                      \
        INTERP_NEXT(op + 1);                                                    \
    }                                                                           \
    INTERP_HANDLER(F##name##32)                                                 \
    {                                                                           \
        R32(d) = flags32(R32(a), R32(b));                                       \
        INTERP_NEXT(op + 1);                                                    \
    }                                                                           \
    INTERP_HANDLER(F##name##32I)                                                \
    {                                                                           \
        R32(d) = flags32(R32(a), (uint32_t)op->imm);                            \
        INTERP_NEXT(op + 1);                                                    \
    }                                                                           \
    INTERP_HANDLER(name##S64)                                                   \
    {                                                                           \
        uint64_t a = R64(a), b = R64(b);                                        \
        R32(c) = flags64(a, b);                                                 \
        R64(d) = a oper b;                                                      \
        INTERP_NEXT(op + 1);                                                    \
    }                                                                           \
    INTERP_HANDLER(name##S64I)                                                  \
    {                                                                           \
        uint64_t a = R64(a), b = op->imm;                                       \
        R32(c) = flags64(a, b);                                                 \
        R64(d) = a oper b;                                                      \
        INTERP_NEXT(op + 1);                                                    \
    }                                                                           \
    INTERP_HANDLER(name##S32)                                                   \
    {                                                                           \
        uint32_t a = R32(a), b = R32(b);                                        \
        R32(c) = flags32(a, b);                                                 \
        R64(d) = a oper b;                                                      \
        INTERP_NEXT(op + 1);                                                    \
    }                                                                           \
    INTERP_HANDLER(name##S32I)                                                  \
    {                                                                           \
        uint32_t a = R32(a), b = (uint32_t)op->imm;                             \
        R32(c) = flags32(a, b);                                                 \
        R64(d) = a oper b;                                                      \
        INTERP_NEXT(op + 1);                                                    \
    }

FLAGS(ADD, ir_flags_add64, ir_flags_add32, +)
FLAGS(SUB, ir_flags_sub64, ir_flags_sub32, -)
FLAGS(AND, FLAGS_AND64, FLAGS_AND32, &)

INTERP_HANDLER(FADC64)
{
    R32(d) = ir_flags_adc64(R64(a), R64(b), R64(c));
    INTERP_NEXT(op + 1);
}

INTERP_HANDLER(FADC32)
{
    R32(d) = ir_flags_adc32(R32(a), R32(b), R32(c));
    INTERP_NEXT(op + 1);
}

/* imm: ir_cond_mask() of the condition; a: the flags. */
#define HOLDS() (op->imm >> (R32(a) >> IR_FLAG_SHIFT) & 1)

INTERP_HANDLER(COND)
{
    R64(d) = HOLDS();
    INTERP_NEXT(op + 1);
}

#define CSEL(name, otherwise)                                                   \
    INTERP_HANDLER(name##64)                                                    \
    {                                                                           \
        uint64_t b = R64(b), c = R64(c);                                        \
        R64(d) = HOLDS() ? b : (otherwise);                                     \
        INTERP_NEXT(op + 1);                                                    \
    }                                                                           \
    INTERP_HANDLER(name##32)                                                    \
    {                                                                           \
        uint32_t b = R32(b), c = R32(c);                                        \
        R64(d) = HOLDS() ? b : (otherwise);                                     \
        INTERP_NEXT(op + 1);                                                    \
    }

CSEL(CSEL, c)
CSEL(CSINC, c + 1)
CSEL(CSINV, ~c)
CSEL(CSNEG, 0 - c)
