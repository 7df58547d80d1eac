/*
 * Memory copy and memory set (FEAT_MOPS), by Option A: the size counts up to zero from below, or,
 * copying backwards, down to it. The prologue does what lies in the first pages, the main part
 * leaves less than a page to the epilogue. Arm ARM, CPYP, CPYM, CPYE, SETP, SETM, SETE; "Memory
 * Copy and Memory Set exceptions".
 */
#include "armillary/engine.h"
#include "cpu.h"
#include "exception.h"
#include "trans-mops.h"

enum { PAGE = 4096, STEPS = 64 /* in one go; interrupts are looked at in between */ };

/* The fields of an instruction. */
typedef struct {
    unsigned d, s, n, options;
    A64MopsStage stage;
    bool set, forward_only;
} Op;

static Op decode(uint32_t word)
{
    Op op = {.d = word & 31, .n = word >> 5 & 31, .s = word >> 16 & 31};
    op.forward_only = !(word >> 26 & 1);
    op.set = (word >> 22 & 3) == 3;
    op.options = word >> 12 & (op.set ? 3 : 15);
    op.stage = (A64MopsStage)(op.set ? word >> 14 & 3 : word >> 22 & 3);
    return op;
}

/* SCTLR_ELx.MSCEn, HCRX_EL2.MSCEn. Source: pseudocode of CheckMOPSEnabled. */
static bool is_enabled(const A64Cpu *cpu)
{
    const uint64_t *sr = cpu->st.sr;
    unsigned el = cpu->st.pstate.el;
    bool host = a64_in_host(cpu);
    if (el < 2 && a64_has(cpu->model, A64_FEAT_EL2) && !host &&
        !(sr[A64_SR_HCRX_EL2] & A64_HCRX_EL2_MSCEn))
        return false;
    uint64_t sctlr = sr[host ? A64_SR_SCTLR_EL2 : A64_SR_SCTLR_EL1];
    return el != 0 || (sctlr & A64_SCTLR_EL1_MSCEn);
}

static void mismatched(A64Cpu *cpu, const Op *op, bool wrong_option)
{
    enum { OPTION_A = 1 << 16, WRONG_OPTION = 1 << 17, FROM_EPILOGUE = 1 << 18, IS_SET = 1 << 24 };
    bool up = cpu->st.pstate.el == 1 && cpu->st.sr[A64_SR_HCRX_EL2] & A64_HCRX_EL2_MCE2;
    uint32_t iss = OPTION_A | (wrong_option ? WRONG_OPTION : 0u) | op->options << 19 | op->d << 10 |
                   op->s << 5 | op->n;
    iss |= op->stage == A64_MOPS_EPILOGUE ? FROM_EPILOGUE : 0u;
    iss |= op->set ? IS_SET : 0u;
    a64_raise(cpu, &(A64Exception){.el = up ? 2 : 0, .ec = A64_EC_MOPS, .iss = iss});
}

static uint64_t view(bool unprivileged)
{
    return unprivileged ? IR_MEM_VIEW(IR_VIEW_UNPRIV) : 0;
}

/* PSTATE.C tells the options apart. */
static bool is_wrong(A64Cpu *cpu, const Op *op, uint64_t size)
{
    bool option_b = cpu->st.pstate.nzcv >> 29 & 1;
    if (size != 0 && option_b)
        mismatched(cpu, op, true);
    else if (op->stage == A64_MOPS_EPILOGUE && size >= PAGE)
        mismatched(cpu, op, false);
    else
        return false;
    return true;
}

/* Not done yet: the instruction is executed again after a look at interrupts. */
static void again(A64Cpu *cpu)
{
    cpu->eng.pc = cpu->eng.insn_pc;
    cpu->eng.leave = ENG_LEAVE_NEXT;
}

/* ---- set ---- */

/* A store of XZR's byte is possible. */
static uint8_t data_of(const A64Cpu *cpu, const Op *op)
{
    return op->s == 31 ? 0 : (uint8_t)cpu->st.x[op->s];
}

static void set_prologue(A64Cpu *cpu, const Op *op)
{
    uint64_t *x = cpu->st.x, to = x[op->d], size = x[op->n];
    if (size > INT64_MAX)
        size = INT64_MAX;
    uint64_t first = to & (PAGE - 1) ? PAGE - (to & (PAGE - 1)) : PAGE;
    uint64_t stage = size < first ? size : first;
    while (stage > 0) {
        uint64_t n = eng_fill(&cpu->eng, (Va){to}, stage, data_of(cpu, op), view(op->options & 1));
        if (n == 0)
            return;
        to += n;
        size -= n;
        stage -= n;
    }
    x[op->d] = to + size;
    x[op->n] = -size;
    cpu->st.pstate.nzcv = 0;
}

static void set_rest(A64Cpu *cpu, const Op *op)
{
    uint64_t *x = cpu->st.x, size = -x[op->n];
    if (is_wrong(cpu, op, size))
        return;
    uint64_t stage = op->stage == A64_MOPS_MAIN ? size & ~(uint64_t)(PAGE - 1) : size;
    for (unsigned i = 0; stage > 0; i++) {
        if (i == STEPS) {
            again(cpu);
            return;
        }
        Va to = {x[op->d] + x[op->n]};
        uint64_t n = eng_fill(&cpu->eng, to, stage, data_of(cpu, op), view(op->options & 1));
        if (n == 0)
            return;
        stage -= n;
        x[op->n] += n;
    }
}

/* ---- copy ---- */

static EngMove move_of(const Op *op, uint64_t to, uint64_t from, uint64_t n)
{
    return (EngMove){.to = {to},
                     .from = {from},
                     .n = n,
                     .mem_to = view(op->options & 1),
                     .mem_from = view(op->options & 2)};
}

/* Overlapping so that the source would be overwritten before it is read: not forwards. */
static bool goes_back(const Op *op, uint64_t to, uint64_t from, uint64_t size)
{
    const uint64_t address = (UINT64_C(1) << 56) - 1;
    if (op->forward_only)
        return false;
    return (from & address) < (to & address) && ((from + size) & address) > (to & address);
}

static void copy_prologue(A64Cpu *cpu, const Op *op)
{
    uint64_t *x = cpu->st.x, to = x[op->d], from = x[op->s], size = x[op->n];
    uint64_t most = op->forward_only ? INT64_MAX : UINT64_C(0x007fffffffffffff);
    if (size > most)
        size = most;
    bool back = goes_back(op, to, from, size);
    EngMove m = move_of(op, back ? to + size : to, back ? from + size : from, size);
    m.backwards = back;
    uint64_t n = size ? eng_move(&cpu->eng, &m) : 0;
    if (size && n == 0)
        return;
    size -= n;
    if (!back) {
        x[op->d] = to + n + size;
        x[op->s] = from + n + size;
    }
    x[op->n] = back ? size : -size;
    cpu->st.pstate.nzcv = 0;
}

static void copy_rest(A64Cpu *cpu, const Op *op)
{
    uint64_t *x = cpu->st.x;
    bool back = !op->forward_only && (int64_t)x[op->n] >= 0;
    uint64_t size = back ? x[op->n] : -x[op->n], least = op->stage == A64_MOPS_MAIN ? PAGE : 1;
    if (is_wrong(cpu, op, size))
        return;
    for (unsigned i = 0; size >= least; i++) {
        if (i == STEPS) {
            again(cpu);
            return;
        }
        EngMove m = move_of(op, x[op->d] + x[op->n], x[op->s] + x[op->n], size);
        m.backwards = back;
        uint64_t n = eng_move(&cpu->eng, &m);
        if (n == 0)
            return;
        size -= n;
        x[op->n] = back ? size : -size;
    }
}

static uint64_t mops(void *env, uint64_t word, uint64_t b, uint64_t c)
{
    A64Cpu *cpu = env;
    const Op op = decode((uint32_t)word);
    bool prologue = op.stage == A64_MOPS_PROLOGUE;
    if (!is_enabled(cpu))
        a64_undefined(cpu);
    else if (op.set)
        (prologue ? set_prologue : set_rest)(cpu, &op);
    else
        (prologue ? copy_prologue : copy_rest)(cpu, &op);
    return 0;
}

const IrHelper a64_h_mops = {"mops", mops, 1, IR_H_READS | IR_H_WRITES | IR_H_RAISES};
