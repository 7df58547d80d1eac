/*
 * Handlers of block ends. Every way out of a block but falling through polls `attention`; a link
 * goes straight to the next block of the same page, an indirect or far branch through the
 * instruction-side bank's table of entry points. Not being able to go on means returning to the run
 * loop with PC set.
 */
#include "kinds.h"

#include "../engine/code.h"
#include "armillary/engine.h"
#include "cond.h"

#define POLL()                                                                              \
    if (ARM_UNLIKELY(atomic_load_explicit(&cpu->attention, memory_order_relaxed)))          \
    INTERP_LEAVE()

/* Leaves the block by the first or second link behind op. */
#define LEAVE_BY(which, poll)                                       \
    do {                                                            \
        const InterpLink *way = (const InterpLink *)(op + (which)); \
        cpu->pc += (uint64_t)(int64_t)way->delta;                   \
        cpu->insns += way->insns;                                   \
        poll;                                                       \
        INTERP_NEXT(way->target);                                   \
    } while (0)
#define TAKE(which) LEAVE_BY(which, POLL())

/* Only forwards: no loop is without another way out of some block. */
#define FALL_THROUGH() LEAVE_BY(2, (void)0)

/* A real branch, not a selection: the host predicts its direction, and then each of two jumps. */
#define TAKE_IF(test)   \
    do {                \
        if (test)       \
            TAKE(1);    \
        FALL_THROUGH(); \
    } while (0)

/* Goes on at cpu->pc, wherever that is. */
#define ENTER()                                                                             \
    do {                                                                                    \
        const InterpOp *next = eng_code_probe(cpu);                                         \
        if (ARM_UNLIKELY(!next))                                                            \
            INTERP_LEAVE();                                                                 \
        INTERP_NEXT(next);                                                                  \
    } while (0)

#define BRANCH(name, U, field, second, test)                                                \
    INTERP_HANDLER(name)                                                                    \
    {                                                                                       \
        U a = (U)field, b = (U)(second);                                                    \
        TAKE_IF(test);                                                                           \
    }
#define COMPARE_BRANCH(name, cmp)                                                           \
    BRANCH(name##64, uint64_t, R64(a), R64(b), cmp)                                         \
    BRANCH(name##64I, uint64_t, R64(a), op->imm, cmp)                                       \
    BRANCH(name##32, uint32_t, R32(a), R32(b), cmp)                                         \
    BRANCH(name##32I, uint32_t, R32(a), op->imm, cmp)
#define COMPARE_BRANCH_SIGNED(name, cmp)                                                    \
    BRANCH(name##64, int64_t, R64(a), R64(b), cmp)                                          \
    BRANCH(name##64I, int64_t, R64(a), op->imm, cmp)                                        \
    BRANCH(name##32, int32_t, R32(a), R32(b), cmp)                                          \
    BRANCH(name##32I, int32_t, R32(a), op->imm, cmp)

COMPARE_BRANCH(BEQ, a == b)
COMPARE_BRANCH(BNE, a != b)
COMPARE_BRANCH(BULT, a < b)
COMPARE_BRANCH(BULE, a <= b)
COMPARE_BRANCH_SIGNED(BSLT, a < b)
COMPARE_BRANCH_SIGNED(BSLE, a <= b)
BRANCH(BZ64, uint64_t, R64(a), 0, a == b)
BRANCH(BZ32, uint32_t, R32(a), 0, a == b)
BRANCH(BNZ64, uint64_t, R64(a), 0, a != b)
BRANCH(BNZ32, uint32_t, R32(a), 0, a != b)
/* imm: the bit */
BRANCH(TBZ, uint64_t, R64(a) >> (op->imm & 63) & 1, 0, a == b)
BRANCH(TBNZ, uint64_t, R64(a) >> (op->imm & 63) & 1, 0, a != b)
/* imm: ir_cond_mask() */
BRANCH(BCOND, uint64_t, op->imm >> (R32(a) >> IR_FLAG_SHIFT) & 1, 0, a != b)

/* The operation's result into d, its flags into c, then the branch on them. */
#define FUSED(name, U, flags, arg_a, arg_b, oper, test)                                     \
    INTERP_HANDLER(name)                                                                    \
    {                                                                                       \
        U a = arg_a, b = (U)arg_b, r = a oper b;                                            \
        uint32_t nzcv = flags(a, b);                                                        \
        R32(c) = nzcv;                                                                      \
        R64(d) = r;                                                                         \
        (void)r;                                                                            \
        TAKE_IF(test);                                                                           \
    }
#define FLAG(name) ((nzcv >> IR_FLAG_SHIFT & IR_FLAG_##name) != 0)
#define SUBS_FAMILY(name, U, S, bits, arg_a, arg_b)                                         \
    FUSED(name##_EQ, U, ir_flags_sub##bits, arg_a, arg_b, -, a == b)                        \
    FUSED(name##_NE, U, ir_flags_sub##bits, arg_a, arg_b, -, a != b)                        \
    FUSED(name##_CS, U, ir_flags_sub##bits, arg_a, arg_b, -, a >= b)                        \
    FUSED(name##_CC, U, ir_flags_sub##bits, arg_a, arg_b, -, a < b)                         \
    FUSED(name##_MI, U, ir_flags_sub##bits, arg_a, arg_b, -, (S)r < 0)                      \
    FUSED(name##_PL, U, ir_flags_sub##bits, arg_a, arg_b, -, (S)r >= 0)                     \
    FUSED(name##_VS, U, ir_flags_sub##bits, arg_a, arg_b, -, FLAG(V))                       \
    FUSED(name##_VC, U, ir_flags_sub##bits, arg_a, arg_b, -, !FLAG(V))                      \
    FUSED(name##_HI, U, ir_flags_sub##bits, arg_a, arg_b, -, a > b)                         \
    FUSED(name##_LS, U, ir_flags_sub##bits, arg_a, arg_b, -, a <= b)                        \
    FUSED(name##_GE, U, ir_flags_sub##bits, arg_a, arg_b, -, (S)a >= (S)b)                  \
    FUSED(name##_LT, U, ir_flags_sub##bits, arg_a, arg_b, -, (S)a < (S)b)                   \
    FUSED(name##_GT, U, ir_flags_sub##bits, arg_a, arg_b, -, (S)a > (S)b)                   \
    FUSED(name##_LE, U, ir_flags_sub##bits, arg_a, arg_b, -, (S)a <= (S)b)

SUBS_FAMILY(SUBS64, uint64_t, int64_t, 64, R64(a), R64(b))
SUBS_FAMILY(SUBS64I, uint64_t, int64_t, 64, R64(a), op->imm)
SUBS_FAMILY(SUBS32, uint32_t, int32_t, 32, R32(a), R32(b))
SUBS_FAMILY(SUBS32I, uint32_t, int32_t, 32, R32(a), op->imm)

#define FLAGS_AND64(a, b) ir_flags_logic(IR_I64, (a) & (b))
#define FLAGS_AND32(a, b) ir_flags_logic(IR_I32, (a) & (b))
#define ANDS_FAMILY(name, U, S, bits, arg_a, arg_b)                                         \
    FUSED(name##_EQ, U, FLAGS_AND##bits, arg_a, arg_b, &, r == 0)                           \
    FUSED(name##_NE, U, FLAGS_AND##bits, arg_a, arg_b, &, r != 0)                           \
    FUSED(name##_MI, U, FLAGS_AND##bits, arg_a, arg_b, &, (S)r < 0)                         \
    FUSED(name##_PL, U, FLAGS_AND##bits, arg_a, arg_b, &, (S)r >= 0)

ANDS_FAMILY(ANDS64, uint64_t, int64_t, 64, R64(a), R64(b))
ANDS_FAMILY(ANDS64I, uint64_t, int64_t, 64, R64(a), op->imm)
ANDS_FAMILY(ANDS32, uint32_t, int32_t, 32, R32(a), R32(b))
ANDS_FAMILY(ANDS32I, uint32_t, int32_t, 32, R32(a), op->imm)

/* Flags made here and branched on by the BCOND in the next slot. */
#define FLAGS_BRANCH(name, U, second, flags, result)                                        \
    INTERP_HANDLER(name)                                                                    \
    {                                                                                       \
        U a = (U)R64(a), b = (U)(second);                                                   \
        uint32_t nzcv = flags;                                                              \
        result;                                                                             \
        uint64_t holds = HOLDS_IN((op + 1)->imm, nzcv);                                     \
        op++;                                                                               \
        TAKE_IF(holds);                                                                     \
    }
#define FLAGS_BRANCHES(name, imm_operand, flags64, flags32, result)                         \
    FLAGS_BRANCH(name##64, uint64_t, R64(b), flags64, result)                               \
    FLAGS_BRANCH(name##64I, uint64_t, imm_operand, flags64, result)                         \
    FLAGS_BRANCH(name##32, uint32_t, R64(b), flags32, result)                               \
    FLAGS_BRANCH(name##32I, uint32_t, imm_operand, flags32, result)

FLAGS_BRANCHES(ADDSB, op->imm, ir_flags_add64(a, b), ir_flags_add32(a, b),
               R32(c) = nzcv; R64(d) = a + b)
FLAGS_BRANCHES(FADDB, op->imm, ir_flags_add64(a, b), ir_flags_add32(a, b), R32(d) = nzcv)
FLAGS_BRANCHES(CCMPB, CCMP_IMM(), CCMP_HOLDS() ? ir_flags_sub64(a, b) : CCMP_OTHER(),
               CCMP_HOLDS() ? ir_flags_sub32(a, b) : CCMP_OTHER(), R32(d) = nzcv)
FLAGS_BRANCHES(CCMNB, CCMP_IMM(), CCMP_HOLDS() ? ir_flags_add64(a, b) : CCMP_OTHER(),
               CCMP_HOLDS() ? ir_flags_add32(a, b) : CCMP_OTHER(), R32(d) = nzcv)

INTERP_HANDLER(GOTO)
{
    TAKE(1);
}

/* d: the return address, block start + imm */
INTERP_HANDLER(CALLTO)
{
    R64(d) = cpu->pc + op->imm;
    TAKE(1);
}

/* a: the target; imm: instructions executed in the low half */
INTERP_HANDLER(GOTOPTR)
{
    cpu->pc = R64(a);
    cpu->insns += (uint32_t)op->imm;
    POLL();
    ENTER();
}

/* As GOTOPTR; d: the return address, block start + high half of imm */
INTERP_HANDLER(CALLPTR)
{
    uint64_t target = R64(a);
    R64(d) = cpu->pc + (uint64_t)((int64_t)op->imm >> 32);
    cpu->pc = target;
    cpu->insns += (uint32_t)op->imm;
    POLL();
    ENTER();
}

/*
 * Where the way of an indirect branch matters (b: ENG_LANDING_*): straight on when what is there
 * accepts it, else by way of the run loop, which also may take an interrupt before it does.
 */
static const InterpOp *land(EngVcpu *cpu)
{
    bool turn_over = cpu->counting && cpu->insns >= cpu->turn_end;
    if (ARM_UNLIKELY(turn_over ||
                     atomic_load_explicit(&cpu->attention, memory_order_relaxed)))
        return NULL;
    const InterpOp *next = eng_code_probe(cpu);
    if (ARM_UNLIKELY(!next || !eng_code_lands(cpu, next)))
        return NULL;
    cpu->landing = ENG_LANDING_NONE;
    return next;
}

#define LAND()                          \
    do {                                \
        const InterpOp *next = land(cpu); \
        if (ARM_UNLIKELY(!next))        \
            INTERP_LEAVE();             \
        INTERP_NEXT(next);              \
    } while (0)

INTERP_HANDLER(GOTOPTRL)
{
    cpu->landing = eng_landing(cpu, op->b);
    cpu->pc = R64(a);
    cpu->insns += (uint32_t)op->imm;
    LAND();
}

INTERP_HANDLER(CALLPTRL)
{
    uint64_t target = R64(a);
    R64(d) = cpu->pc + (uint64_t)((int64_t)op->imm >> 32);
    cpu->landing = eng_landing(cpu, op->b);
    cpu->pc = target;
    cpu->insns += (uint32_t)op->imm;
    LAND();
}

/* A link to this page that is not patched yet: the run loop finds the block and patches. */
INTERP_HANDLER(LINK)
{
    cpu->link = op;
    INTERP_LEAVE();
}

/* A link to another page. */
INTERP_HANDLER(LINKFAR)
{
    ENTER();
}

/* imm: delta in the low half, instructions executed in the high half */
INTERP_HANDLER(EXIT)
{
    cpu->pc += (uint64_t)(int64_t)(int32_t)op->imm;
    cpu->insns += op->imm >> 32;
    cpu->leave = ENG_LEAVE_NEXT;
    INTERP_LEAVE();
}

/* A helper has set PC. */
INTERP_HANDLER(EXITPC)
{
    cpu->insns += op->imm;
    if (cpu->leave == ENG_STAY)
        cpu->leave = ENG_LEAVE_NEXT;
    INTERP_LEAVE();
}

/* Counting mode, first in a block of imm instructions. */
INTERP_HANDLER(TURN)
{
    if (ARM_UNLIKELY(cpu->insns + op->imm > cpu->turn_end)) {
        cpu->split = true;
        INTERP_LEAVE();
    }
    INTERP_NEXT(op + 1);
}
