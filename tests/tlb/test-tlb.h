/*
 * The TLB model test's own types: operations, the two vCPUs, what has happened so far; and what its
 * parts offer each other.
 */
#pragma once

#include "model.h"
#include "tlb-impl.h"
#include "tlbi.h"

#define HOST UINT64_C(0x100000000000)

typedef enum {
    OP_S1,
    OP_S2,
    OP_TLBI,
    OP_DSB,
    OP_SWITCH,
    OP_ACCESS,
    OP_SERVE,
    OP_PAUSE,
    OP_KINDS
} Kind;

typedef struct {
    Kind kind;
    uint8_t cpu;
    uint32_t r[6]; /* random arguments */
} Op;

typedef struct {
    EngVcpu eng;
    MContext ctx;
    unsigned view;
    bool running;
} Cpu;

typedef struct {
    EngTlbi what;
    uint8_t cpu;
    bool broadcast;
    bool range;         /* of (num + 1) * 2^(5 * scale + 1) pages */
    uint8_t num, scale;
    uint8_t hint;       /* TTL: level of the leaf, the only one that must go; 0: any */
    unsigned done; /* op that completed it (DSB); 0 = not yet */
} Past;

typedef struct {
    EngTlbGroup *group;
    Cpu cpu[M_CPUS];
    MState state[M_MAX_OPS + 2]; /* after op i; 0 = start */
    Past past[M_MAX_OPS + 2];    /* TLBI of op i, if it was one */
    bool is_tlbi[M_MAX_OPS + 2];
    unsigned now; /* the op being done, from 1 */
    uint64_t rng;
    uint64_t hits, faults;
} Test;

/* The tables before the op being done. */
static inline const MState *test_seen(const Test *t)
{
    return &t->state[t->now - 1];
}

/* test-tlb.c: the context that the vCPU's accesses use. */
EngContext test_context(EngVcpu *eng, IrView view, EngAccess access);

/* judge.c. Is the answer pa (or the fault) for va right? how: EngAccess | view << 2. */
bool judge_allows(const MXlat *x, EngAccess access, unsigned view);
bool judge_answer(const Test *t, unsigned cpu, const uint64_t va_pa[2], unsigned how);
bool judge_fault(const Test *t, unsigned cpu, uint64_t va, unsigned how);

/* encode.c. The instruction that does p; r: its free choices. */
A64SysOp test_encode(const Past *p, uint32_t r, uint64_t *xt);

/* ops.c. */
MLeaf test_leaf(const uint32_t *r, bool stage2);
/* Does one op; false: the TLB gave a wrong answer. */
bool test_do_op(Test *t, const Op *o);
