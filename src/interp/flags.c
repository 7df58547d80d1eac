/*
 * Handlers that make or use condition flags. Flags are stored as 32 bits, N Z C V at the top.
 * F<op>: flags of the operation into d. <op>S: result into d and flags into c.
 */
#include "kinds.h"

#include "cond.h"

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

/* c: flags, of which C is the carry in. */
INTERP_HANDLER(ADCC64)
{
    R64(d) = R64(a) + R64(b) + CARRY(R32(c));
    INTERP_NEXT(op + 1);
}

INTERP_HANDLER(ADCC32)
{
    R64(d) = R32(a) + R32(b) + CARRY(R32(c));
    INTERP_NEXT(op + 1);
}

INTERP_HANDLER(FADCC64)
{
    R32(d) = ir_flags_adc64(R64(a), R64(b), CARRY(R32(c)));
    INTERP_NEXT(op + 1);
}

INTERP_HANDLER(FADCC32)
{
    R32(d) = ir_flags_adc32(R32(a), R32(b), CARRY(R32(c)));
    INTERP_NEXT(op + 1);
}

#define COMPARE(name, U, flags, second)                                         \
    INTERP_HANDLER(name)                                                        \
    {                                                                           \
        U a = (U)R64(a), b = (U)(second);                                       \
        R32(d) = CCMP_HOLDS() ? flags(a, b) : CCMP_OTHER();                     \
        INTERP_NEXT(op + 1);                                                    \
    }
COMPARE(CCMP64, uint64_t, ir_flags_sub64, R64(b))
COMPARE(CCMP64I, uint64_t, ir_flags_sub64, CCMP_IMM())
COMPARE(CCMP32, uint32_t, ir_flags_sub32, R64(b))
COMPARE(CCMP32I, uint32_t, ir_flags_sub32, CCMP_IMM())
COMPARE(CCMN64, uint64_t, ir_flags_add64, R64(b))
COMPARE(CCMN64I, uint64_t, ir_flags_add64, CCMP_IMM())
COMPARE(CCMN32, uint32_t, ir_flags_add32, R64(b))
COMPARE(CCMN32I, uint32_t, ir_flags_add32, CCMP_IMM())

/* Both candidates are loaded before the choice, so that waiting for the flags delays no load. */
#define SELECT(at, flags, U, otherwise)                                         \
    do {                                                                        \
        U b = (U)interp_get(cpu, (at)->b), c = (U)interp_get(cpu, (at)->c);     \
        __asm__("" : "+r"(b), "+r"(c));                                         \
        U v = HOLDS_IN((at)->imm, flags) ? b : (U)(otherwise);                  \
        interp_put(cpu, (at)->d, v);                                            \
    } while (0)

#define SELECT_COND(at, flags) interp_put(cpu, (at)->d, HOLDS_IN((at)->imm, flags))
#define SELECT_CSEL64(at, flags) SELECT(at, flags, uint64_t, c)
#define SELECT_CSEL32(at, flags) SELECT(at, flags, uint32_t, c)
#define SELECT_CSINC64(at, flags) SELECT(at, flags, uint64_t, c + 1)
#define SELECT_CSINC32(at, flags) SELECT(at, flags, uint32_t, c + 1)
#define SELECT_CSINV64(at, flags) SELECT(at, flags, uint64_t, ~c)
#define SELECT_CSINV32(at, flags) SELECT(at, flags, uint32_t, ~c)
#define SELECT_CSNEG64(at, flags) SELECT(at, flags, uint64_t, 0 - c)
#define SELECT_CSNEG32(at, flags) SELECT(at, flags, uint32_t, 0 - c)

/* imm: ir_cond_mask() of the condition; a: the flags. */
#define CHOOSE(name)                                                            \
    INTERP_HANDLER(name)                                                        \
    {                                                                           \
        SELECT_##name(op, R32(a));                                              \
        INTERP_NEXT(op + 1);                                                    \
    }
CHOOSE(COND)
CHOOSE(CSEL64)
CHOOSE(CSEL32)
CHOOSE(CSINC64)
CHOOSE(CSINC32)
CHOOSE(CSINV64)
CHOOSE(CSINV32)
CHOOSE(CSNEG64)
CHOOSE(CSNEG32)

#define COMPARE_CHOOSE(name, choice, flags)                                     \
    INTERP_HANDLER(name##_##choice)                                             \
    {                                                                           \
        uint32_t nzcv = flags;                                                  \
        R32(d) = nzcv;                                                          \
        SELECT_##choice(op + 1, nzcv);                                          \
        INTERP_NEXT(op + 2);                                                    \
    }
#define COMPARE_CHOICES(name, flags)                                            \
    COMPARE_CHOOSE(name, COND, flags)                                           \
    COMPARE_CHOOSE(name, CSEL64, flags)                                         \
    COMPARE_CHOOSE(name, CSEL32, flags)                                         \
    COMPARE_CHOOSE(name, CSINC64, flags)                                        \
    COMPARE_CHOOSE(name, CSINC32, flags)

COMPARE_CHOICES(FSUB64, ir_flags_sub64(R64(a), R64(b)))
COMPARE_CHOICES(FSUB64I, ir_flags_sub64(R64(a), op->imm))
COMPARE_CHOICES(FSUB32, ir_flags_sub32(R32(a), R32(b)))
COMPARE_CHOICES(FSUB32I, ir_flags_sub32(R32(a), (uint32_t)op->imm))
