/*
 * The IR: one block of guest code as a linear list of typed, single-assignment operations.
 * It is the one meaning of an instruction: the interpreter and any compiler execute it.
 * A value is named by the index of the op that defines it. Guest registers are read and
 * written by GET and PUT
 * at byte offsets from the vCPU (EngVcpu *).
 */
#pragma once

#include "armillary/types.h"

typedef enum { IR_I8, IR_I16, IR_I32, IR_I64 } IrType;

typedef enum {
#define IR_OP(name, nargs, result, flags) IR_##name,
#include "armillary/ir-ops.def"
#undef IR_OP
    IR_OP_COUNT
} IrOpcode;

/* A value: index of the op that defines it. Never 0: op 0 of a block is reserved, so 0 means
 * "no value". */
typedef uint16_t IrVal;

typedef struct {
    uint8_t op;   /* IrOpcode */
    uint8_t type; /* IrType */
    uint16_t a, b, c;
    uint64_t imm;
} IrOp;

/* What a memory op carries in imm. */
typedef enum { IR_ORDER_NONE, IR_ORDER_ACQUIRE, IR_ORDER_RELEASE, IR_ORDER_ACQ_REL } IrOrder;
/* Whose permissions; GCS: of guarded control stacks. */
typedef enum {
    IR_VIEW_CURRENT, IR_VIEW_UNPRIV, IR_VIEW_VNCR, IR_VIEW_GCS, IR_VIEW_GCS_UNPRIV
} IrView;
typedef enum {
    IR_ATOMIC_SWP, IR_ATOMIC_ADD, IR_ATOMIC_CLR, IR_ATOMIC_EOR, IR_ATOMIC_SET,
    IR_ATOMIC_SMAX, IR_ATOMIC_SMIN, IR_ATOMIC_UMAX, IR_ATOMIC_UMIN, IR_ATOMIC_CAS
} IrAtomic;

#define IR_MEM_SIZE(log2) ((uint64_t)(log2))              /* bits 2:0, log2 of bytes (0..3) */
#define IR_MEM_SIGN (UINT64_C(1) << 3)                    /* sign-extend to `type` */
#define IR_MEM_ORDER(o) ((uint64_t)(o) << 4)              /* bits 5:4, IrOrder */
/* bits 7:6 and 31, IrView */
#define IR_MEM_VIEW(v) (((uint64_t)(v) & 3) << 6 | (uint64_t)(v) >> 2 << 31)
/* misalignment faults whatever SCTLR.A says */
#define IR_MEM_ALIGN (UINT64_C(1) << 8)
#define IR_MEM_ATOMIC(op) ((uint64_t)(op) << 9)           /* bits 12:9, IrAtomic */
#define IR_MEM_PAIR (UINT64_C(1) << 13)                   /* one of two accesses of a pair */
/* bits 16:14: SCTLR.A and Device memory ask for this alignment, not for that of the size: elements
 * of a structure loaded together; a first half (IR_MEM_PAIR) that answers for both. 0 = the size */
#define IR_MEM_GRAIN(log2) (((uint64_t)(log2) + 1) << 14)
/* misalignment faults where not all bytes (of a pair: of both) are within 16 aligned ones ... */
#define IR_MEM_WITHIN16 (UINT64_C(1) << 17)
/* ... unless SCTLR_ELx.nAA is set */
#define IR_MEM_NAA (UINT64_C(1) << 18)
/* Device memory faults at any address (DC ZVA) */
#define IR_MEM_NORMAL (UINT64_C(1) << 19)
/* a read that a write of the same bytes follows (atomics): both permissions are asked for */
#define IR_MEM_RMW (UINT64_C(1) << 20)
/* bits 56:32: data-abort ISS[24:0] known at translation: ISV, SAS, SSE, SRT, SF, AR (0 when
 * ISV = 0); WnR is added */
#define IR_MEM_ISS(iss) ((uint64_t)(iss) << 32)
#define IR_MEM_GET_SIZE(m) ((unsigned)((m) & 7))
#define IR_MEM_GET_ORDER(m) ((IrOrder)((m) >> 4 & 3))
#define IR_MEM_GET_VIEW(m) ((IrView)(((m) >> 6 & 3) | ((m) >> 31 & 1) << 2))
#define IR_MEM_GET_ATOMIC(m) ((IrAtomic)((m) >> 9 & 15))
/* log2 */
#define IR_MEM_GET_GRAIN(m) ((m) >> 14 & 7 ? (unsigned)((m) >> 14 & 7) - 1 : IR_MEM_GET_SIZE(m))
#define IR_MEM_GET_ISS(m) ((uint32_t)((m) >> 32 & 0x1ffffff))
/* What the second half of a pair carries: the first one has answered for both. */
#define IR_MEM_SECOND(m)                                                                    \
    ((IR_MEM_GET_GRAIN(m) > IR_MEM_GET_SIZE(m) ? (m) & ~(UINT64_C(7) << 14) : (m)) &        \
     ~(IR_MEM_WITHIN16 | IR_MEM_NAA))
/* Bits of an address that alignment asks to be clear. */
#define IR_MEM_LOW_BITS(m) ((UINT64_C(1) << IR_MEM_GET_GRAIN(m)) - 1)

typedef enum { IR_FENCE_LD, IR_FENCE_ST, IR_FENCE_ALL } IrFence;

#define IR_FIELD(lsb, width) ((uint64_t)(lsb) | (uint64_t)(width) << 8)
#define IR_FIELD_LSB(imm) ((unsigned)((imm) & 0xff))
#define IR_FIELD_WIDTH(imm) ((unsigned)((imm) >> 8 & 0xff))
#define IR_INSN_AT(delta, word) ((uint64_t)(uint32_t)(delta) << 32 | (uint32_t)(word))
/* signed 32-bit deltas */
#define IR_TWO_WAYS(taken, other) ((uint64_t)(uint32_t)(taken) << 32 | (uint32_t)(other))

/*
 * An out-of-line helper. `cpu` is the EngVcpu. Values in, value out. A helper that RAISES may
 * take an exception or ask
 * to leave: it returns with eng->leave != 0 and PC, mode and registers already those of the
 * next instruction to run.
 */
typedef uint64_t (*IrHelperFn)(void *cpu, uint64_t a, uint64_t b, uint64_t c);

enum {
    IR_H_PURE = 1,        /* depends on its arguments only */
    /* reads guest registers behind GET's back (pending PUTs must be done first) */
    IR_H_READS = 2,
    /* writes guest registers behind PUT's back (cached GETs are stale afterwards) */
    IR_H_WRITES = 4,
    IR_H_RAISES = 8,      /* may set eng->leave; eng->insn_pc is exact when it is called */
};

typedef struct {
    const char *name;
    IrHelperFn fn;
    unsigned nargs, flags;
} IrHelper;

/*
 * A vector helper works on guest state in place: d, n, m are the addresses of the op's a, b,
 * c. It may read all three, and a
 * fourth 16-byte operand where desc carries IR_VEC_ALSO; it writes d only. It may read and
 * write the FP status, which GET and
 * PUT must therefore never name: MRS and MSR reach it through CALL. The rest of desc is the
 * translator's. Never faults.
 */
/* bits 63:48: byte offset of the fourth operand, 0 = none */
#define IR_VEC_ALSO(offset) ((uint64_t)(offset) << 48)
#define IR_VEC_GET_ALSO(desc) ((uint16_t)((desc) >> 48))
typedef void (*IrVecFn)(void *cpu, void *d, const void *n, const void *m, uint64_t desc);

typedef struct {
    IrVecFn fn;
    uint64_t desc;
} IrVec;

enum { IR_MAX_OPS = 2048, IR_MAX_VECS = 256, IR_MAX_INSNS = 64 };

/* One block under construction or done. Plain memory, reused for every translation of a vCPU. */
typedef struct {
    uint32_t n_ops, n_vecs, n_insns;
    bool ended;      /* a T op has been emitted */
    /* a limit was hit: the last instruction must be dropped and the block ended before it */
    bool overflow;
    /* What may branch to the first instruction, IR_LANDS_*; ir_begin sets IR_LANDS_ALL. */
    uint16_t lands;
    IrOp ops[IR_MAX_OPS];
    IrVec vecs[IR_MAX_VECS];
} IrBlock;

/* Bit per ENG_LANDING_*, on a guarded page. */
enum {
    IR_LANDS_ALL = 15,
    IR_LANDS_KEEP = 16 /* everything may, and the instruction wants to see what did */
};

/* Empties the block. */
void ir_begin(IrBlock *b);

/* Appends an op and returns its value (or index, when it defines none). Folds constants where
 * all arguments are known. */
IrVal ir_append(IrBlock *b, IrOp op);

static inline IrVal ir_emit(IrBlock *b, IrOpcode op, IrType type, IrVal a, IrVal x, IrVal c,
                            uint64_t imm)
{
    return ir_append(b, (IrOp){(uint8_t)op, (uint8_t)type, a, x, c, imm});
}

static inline IrVal ir_const(IrBlock *b, IrType type, uint64_t value)
{
    return ir_emit(b, IR_CONST, type, 0, 0, 0, type == IR_I64 ? value : (uint32_t)value);
}

static inline IrVal ir_get(IrBlock *b, IrType type, uint64_t offset)
{
    return ir_emit(b, IR_GET, type, 0, 0, 0, offset);
}

static inline void ir_put(IrBlock *b, IrType type, uint64_t offset, IrVal v)
{
    ir_emit(b, IR_PUT, type, v, 0, 0, offset);
}

static inline IrVal ir_un(IrBlock *b, IrOpcode op, IrType type, IrVal a)
{
    return ir_emit(b, op, type, a, 0, 0, 0);
}

static inline IrVal ir_bin(IrBlock *b, IrOpcode op, IrType type, IrVal a, IrVal x)
{
    return ir_emit(b, op, type, a, x, 0, 0);
}

static inline IrVal ir_load(IrBlock *b, IrType type, IrVal addr, uint64_t mem)
{
    return ir_emit(b, IR_LOAD, type, addr, 0, 0, mem);
}

static inline void ir_store(IrBlock *b, IrType type, IrVal addr, IrVal v, uint64_t mem)
{
    ir_emit(b, IR_STORE, type, addr, v, 0, mem);
}

static inline IrVal ir_call(IrBlock *b, const IrHelper *h, IrVal x, IrVal y, IrVal z)
{
    return ir_emit(b, IR_CALL, IR_I64, x, y, z, (uint64_t)(uintptr_t)h);
}

/* Appends a VEC op; d, n, m are byte offsets from the EngVcpu. */
void ir_vec(IrBlock *b, IrVecFn fn, const uint16_t offsets[3], uint64_t desc);

/* Runs every pass (constants and copies, GET/PUT forwarding, dead values and PUTs) in place;
 * verifies after each in debug builds. */
void ir_optimise(IrBlock *b);

/* Checks the block's own rules (arguments defined before use, types, one end). Returns NULL or
 * a static sentence naming the rule. */
const char *ir_verify(const IrBlock *b);

/* Text of the block, one op a line, for traces and tests. Caller frees with free(). */
char *ir_print(const IrBlock *b);

/* Table facts of an opcode. */
const char *ir_op_name(IrOpcode op);
unsigned ir_op_args(IrOpcode op);
