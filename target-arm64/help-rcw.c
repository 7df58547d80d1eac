/*
 * Read-check-write instructions on one 64-bit descriptor. Arm ARM, "Stage 1 Protected Attribute",
 * RCWMASK_EL1, RCWSMASK_EL1, RCWCAS to RCWSWP and RCWSCAS to RCWSSWP; J1 MemAtomicRCW, RCWCheck.
 *
 * TCR2_ELx.PTTWI lets table walks overlook what RCWS wrote; here they see it all the same.
 */
#include "armillary/engine.h"
#include "helpers.h"
#include "view.h"

#define VALID UINT64_C(1)
#define PROTECTED (UINT64_C(1) << 52)
/* Bits 49:18 of a mask are as bit 17. */
#define LIKE_17 (((UINT64_C(1) << 32) - 1) << 18)

enum { FLAG_N = 8u << 28, FLAG_Z = 4u << 28, FLAG_C = 2u << 28 };

/* What a change of a descriptor is held against. */
typedef struct {
    uint64_t mask, soft_mask; /* effective values */
    bool protection, soft;
} Checks;

static uint64_t effective_mask(uint64_t reg)
{
    return (reg & ~(LIKE_17 | VALID)) | (reg >> 17 & 1 ? LIKE_17 : 0);
}

static Checks checks_of(const A64Cpu *cpu, bool soft)
{
    Checks c = {.mask = effective_mask(cpu->st.sr[A64_SR_RCWMASK_EL1]),
                .soft_mask = effective_mask(cpu->st.sr[A64_SR_RCWSMASK_EL1]),
                .protection = a64_protection(cpu),
                .soft = soft};
    if (c.protection)
        c.soft_mask &= ~PROTECTED;
    return c;
}

static bool rcw_fails(const Checks *c, uint64_t old, uint64_t changed)
{
    if (!c->protection)
        return false;
    if (!(old & PROTECTED))
        return changed & PROTECTED;
    return (changed & (PROTECTED | VALID)) || ((old & VALID) && (changed & ~c->mask));
}

static bool rcws_fails(const Checks *c, uint64_t old, uint64_t changed)
{
    if (!c->soft)
        return false;
    if (old & VALID)
        return changed & (VALID | ~c->soft_mask);
    return (changed & VALID) && !(c->protection && (old & PROTECTED));
}

typedef struct {
    Checks checks;
    unsigned op;
    uint64_t operand, compared; /* compared: of CAS */
} Rcw;

/* NZCV when `old` is what is there; *value: what to store, which only FLAG_C alone does. */
static uint32_t outcome(const Rcw *r, uint64_t old, uint64_t *value)
{
    switch (r->op) {
    case A64_H_RCW_CLR:
        *value = old & ~r->operand;
        break;
    case A64_H_RCW_SET:
        *value = old | r->operand;
        break;
    default:
        *value = r->operand;
        break;
    }
    if (r->op == A64_H_RCW_CAS && old != r->compared)
        return FLAG_N | FLAG_C;
    return (rcw_fails(&r->checks, old, old ^ *value) ? FLAG_Z : 0u) |
           (rcws_fails(&r->checks, old, old ^ *value) ? 0u : FLAG_C);
}

/* What was there is written back first, to see it; the manual allows that where checks fail. */
static bool exchange(A64Cpu *cpu, const Rcw *r, Va va, uint64_t mem, uint64_t *seen)
{
    uint64_t pair[2] = {0, 0}, old = 0;
    uint32_t nzcv = 0;
    mem |= IR_MEM_ATOMIC(IR_ATOMIC_CAS);
    if (!eng_atomic(&cpu->eng, va, mem, pair, seen))
        return false;
    do {
        old = *seen;
        nzcv = outcome(r, old, &pair[1]);
        if (nzcv != FLAG_C)
            break;
        pair[0] = old;
        if (!eng_atomic(&cpu->eng, va, mem, pair, seen))
            return false;
    } while (*seen != old);
    cpu->st.pstate.nzcv = nzcv;
    return true;
}

static uint64_t rcw(void *env, uint64_t va, uint64_t mem, uint64_t regs)
{
    A64Cpu *cpu = env;
    unsigned rs = regs & 31, rt = regs >> 8 & 31, how = regs >> 16 & 31;
    uint64_t xs = rs == 31 ? 0 : cpu->st.x[rs], xt = rt == 31 ? 0 : cpu->st.x[rt], seen;
    bool cas = (how & (A64_H_RCW_SOFT - 1)) == A64_H_RCW_CAS;
    const Rcw r = {.checks = checks_of(cpu, how & A64_H_RCW_SOFT),
                   .op = how & (A64_H_RCW_SOFT - 1),
                   .operand = cas ? xt : xs,
                   .compared = xs};
    if (exchange(cpu, &r, (Va){va}, mem, &seen) && (cas ? rs : rt) != 31)
        cpu->st.x[cas ? rs : rt] = seen;
    return 0;
}

const IrHelper a64_h_rcw = {"rcw", rcw, 3, IR_H_READS | IR_H_WRITES | IR_H_RAISES};
