/*
 * The predecoded operation and how one hands over to the next: by a guaranteed tail call where the
 * compiler has it (clang, optimised), else by returning to a loop. This header is the only place
 * that knows which.
 */
#pragma once

#include "armillary/vcpu.h"

typedef struct InterpOp InterpOp;

#if defined(__clang__) && defined(__OPTIMIZE__) && !defined(INTERP_TRAMPOLINE)
#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer) && \
    !__has_feature(memory_sanitizer)
#define INTERP_MUSTTAIL 1
#endif
#endif
#ifndef INTERP_MUSTTAIL
#define INTERP_MUSTTAIL 0
#endif

/*
 * A handler gets the vCPU, its own op and the pinned data bank (a copy of cpu->l1 and cpu->l1_mask,
 * reloaded after anything that may change the bank). acc: the result of the arithmetic operation
 * before this one, for forms that take it from there instead of waiting for its way through memory.
 */
#define INTERP_PARAMS \
    EngVcpu *cpu, const InterpOp *op, EngL1Entry *l1, uint64_t l1_mask, uint64_t acc
#define INTERP_ARGS cpu, op, l1, l1_mask, acc

/* Handlers may use every register; what they get in registers survives calls of C functions. */
#if INTERP_MUSTTAIL && __has_attribute(preserve_none)
#define INTERP_CC __attribute__((preserve_none))
#else
#define INTERP_CC
#endif

#if INTERP_MUSTTAIL
typedef void InterpRet;
#define INTERP_NEXT(next)                                       \
    do {                                                        \
        op = (next);                                            \
        __attribute__((musttail)) return op->fn(INTERP_ARGS);   \
    } while (0)
/* Continues in another handler with the same op. */
#define INTERP_TAIL(handler)                                    \
    do {                                                        \
        __attribute__((musttail)) return handler(INTERP_ARGS);  \
    } while (0)
#define INTERP_LEAVE() return
/* The result of arithmetic, for the register and for acc. */
#define INTERP_RESULT(v) (acc = R64(d) = (v))
/* After anything that may have changed the data bank. */
#define INTERP_RELOAD()         \
    do {                        \
        l1 = cpu->l1;           \
        l1_mask = cpu->l1_mask; \
        acc = 0;                \
    } while (0)
#else
typedef const InterpOp *InterpRet;
#define INTERP_NEXT(next) return (next)
#define INTERP_TAIL(handler) return handler(INTERP_ARGS)
#define INTERP_LEAVE() return NULL
#define INTERP_RELOAD() (void)0 /* the loop does */
#define INTERP_RESULT(v) (cpu->acc = R64(d) = (v))
#endif

typedef InterpRet (*InterpFn)(INTERP_PARAMS) INTERP_CC;

/*
 * d, a, b, c: byte offsets from the vCPU of result and operands (registers, temporaries), unless
 * the handler says otherwise.
 */
struct InterpOp {
    union {
        InterpFn fn;
        uintptr_t kind; /* InterpKind, while lowering */
    };
    uint16_t d, a, b, c;
    uint64_t imm;
};
_Static_assert(sizeof(InterpOp) == 24, "predecoded operations are 24 bytes");

/*
 * What a slow path needs to know of the op that may fault: c of the op is the distance to it from
 * the op, in units of 8 bytes.
 */
typedef struct {
    uint64_t mem;   /* IR_MEM_* */
    int32_t delta;  /* address of the instruction - start of the block */
    uint32_t index; /* number of the instruction in the block, from 1 */
} InterpSide;

/*
 * A link slot follows the op that branches. `target` starts out as the slot itself, whose handler
 * asks the run loop for the block and has the slot patched.
 */
typedef struct {
    InterpFn fn;    /* interp_LINK */
    int32_t delta;  /* from the start of this block to the target */
    uint32_t insns; /* instructions executed when this way is taken */
    const InterpOp *target;
} InterpLink;
_Static_assert(sizeof(InterpLink) == sizeof(InterpOp), "a link takes the place of an op");

#define INTERP_HANDLER(name) INTERP_CC InterpRet interp_op_##name(INTERP_PARAMS)
#define INTERP_COLD(name) \
    __attribute__((noinline, cold)) INTERP_CC static InterpRet name(INTERP_PARAMS)
/* The less frequent way of a handler, out of its line. */
#define INTERP_ODD(name) __attribute__((noinline)) INTERP_CC static InterpRet name(INTERP_PARAMS)

/*
 * Guest state as handlers see it. A wide operation may read a narrow field (the bits above do not
 * count then), which need not be aligned for it.
 */
typedef uint64_t __attribute__((aligned(1), may_alias)) InterpU64;
typedef uint32_t __attribute__((aligned(1), may_alias)) InterpU32;
typedef uint16_t __attribute__((aligned(1), may_alias)) InterpU16;

#define R64(field) (*(InterpU64 *)((char *)cpu + op->field))
#define R32(field) (*(InterpU32 *)((char *)cpu + op->field))

static inline const InterpSide *interp_side(const InterpOp *op)
{
    return (const InterpSide *)((const char *)op + (size_t)op->c * 8);
}
