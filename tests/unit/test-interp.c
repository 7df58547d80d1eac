/*
 * The interpreter: random blocks with loads and stores, fused and plain, against the second evaluator of ir-ref.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "../../src/engine/tlb.h"
#include "../../src/interp/interp.h"
#include "ir-ref.h"
#include "toy-cpu.h"

enum { STATE = offsetof(ToyCpu, x), DATA = 0x8000, DATA_BYTES = 0x4000 };

typedef struct {
    uint64_t pc, insns;
    ToyCpu cpu;
    uint8_t data[DATA_BYTES];
} Outcome;

static uint64_t mix_helper(void *cpu, uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t x[2];
    uint8_t *state = (uint8_t *)cpu + STATE;
    memcpy(x, state, 16);
    x[0] ^= a + b;
    x[1] += c ^ x[0];
    memcpy(state, x, 16);
    return x[0] - x[1];
}

static uint64_t sum_helper(void *cpu, uint64_t a, uint64_t b, uint64_t c)
{
    return a + 3 * b + 5 * c;
}

static void vec_add(void *cpu, void *d, const void *n, const void *m, uint64_t desc)
{
    uint64_t x[2], y[2];
    memcpy(x, n, 16);
    memcpy(y, m, 16);
    x[0] += y[0] + desc;
    x[1] += y[1];
    memcpy(d, x, 16);
}

static const IrHelper mix = {"mix", mix_helper, 3, IR_H_READS | IR_H_WRITES};
static const IrHelper sum = {"sum", sum_helper, 2, IR_H_PURE};
static const IrHelper raise_sum = {"raise", sum_helper, 3, IR_H_RAISES};

/* --- random blocks in the manner of translators: short expressions on registers --- */

static uint64_t reg(void)
{
    return TOY_X(roll(12));
}

static IrType random_type(void)
{
    return rng() & 1 ? IR_I64 : IR_I32;
}

static IrVal operand(IrBlock *b, IrType type)
{
    return roll(4) ? ir_get(b, type, reg()) : ir_const(b, type, interesting());
}

static IrVal expression(IrBlock *b, unsigned depth, IrType type)
{
    if (depth == 0)
        return operand(b, type);
    static const unsigned shapes[] = {IR_ADD, IR_SUB, IR_AND, IR_OR, IR_XOR, IR_SHL, IR_SHR, IR_MUL,
                                      IR_SEXT, IR_ZEXT, IR_UBFX, IR_BFI, IR_SELECT, IR_COND, IR_EQ};
    unsigned op = roll(3) ? shapes[roll(15)] : IR_ADD + roll(IR_COND - IR_ADD + 1);
    IrVal v[3] = {0};
    for (unsigned i = 0; i < ir_op_args((IrOpcode)op); i++)
        v[i] = expression(b, depth - 1, type);
    if ((op == IR_SHL || op == IR_SHR) && roll(4))
        v[1] = ir_const(b, type, roll(32));
    if (op == IR_COND && roll(2))
        v[0] = ir_get(b, IR_I32, offsetof(ToyCpu, nzcv));
    return ir_emit(b, (IrOpcode)op, type, v[0], v[1], v[2], random_imm(op, type));
}

static IrVal address(IrBlock *b, unsigned size)
{
    /* a register's low bits, so that all forms stay in the data: base + displacement or index */
    uint64_t mask = DATA_BYTES / 4 - 1;
    if (roll(4))
        mask &= ~((UINT64_C(1) << size) - 1);
    IrVal base = ir_bin(b, IR_AND, IR_I64, ir_get(b, IR_I64, reg()), ir_const(b, IR_I64, mask));
    base = ir_bin(b, IR_ADD, IR_I64, base, ir_const(b, IR_I64, DATA));
    uint64_t home = reg();
    ir_put(b, IR_I64, home, base);
    if (roll(2))
        return ir_bin(b, IR_ADD, IR_I64, ir_get(b, IR_I64, home),
                      ir_const(b, IR_I64, (roll(64)) << size));
    IrVal index = ir_bin(b, IR_AND, IR_I32, ir_get(b, IR_I32, reg()), ir_const(b, IR_I32, 0x1f));
    uint64_t other = reg();
    ir_put(b, IR_I64, other, index);
    index = ir_get(b, IR_I64, other);
    unsigned how = roll(3);
    if (how)
        index = ir_emit(b, how == 1 ? IR_SEXT : IR_ZEXT, IR_I64, index, 0, 0, 32);
    if (roll(2))
        index = ir_bin(b, IR_SHL, IR_I64, index, ir_const(b, IR_I64, size));
    return ir_bin(b, IR_ADD, IR_I64, ir_get(b, IR_I64, home == other ? reg() : home), index);
}

static bool in_data(uint64_t va)
{
    return va >= DATA && va - DATA <= DATA_BYTES - 16;
}

static void access_insn(IrBlock *b)
{
    unsigned size = roll(4);
    uint64_t mem = IR_MEM_SIZE(size), writeback = reg();
    IrType type = random_type();
    bool pair = size >= 2 && roll(2), load = rng() & 1;
    IrVal at = address(b, size);
    if (pair)
        mem |= IR_MEM_PAIR;
    else if (load && roll(2))
        mem |= IR_MEM_SIGN;
    if (roll(8) == 0)
        mem |= IR_MEM_ORDER(IR_ORDER_ACQ_REL);
    if (roll(8) == 0)
        mem |= IR_MEM_VIEW(IR_VIEW_UNPRIV);
    if (size == 3)
        type = IR_I64;
    IrVal next = ir_bin(b, IR_ADD, IR_I64, at, ir_const(b, IR_I64, UINT64_C(1) << size));
    if (load) {
        IrVal v = ir_load(b, type, at, mem), w = pair ? ir_load(b, type, next, mem) : 0;
        ir_put(b, IR_I64, reg(), v);
        if (pair)
            ir_put(b, IR_I64, reg(), w);
    } else {
        IrVal v = operand(b, type), w = operand(b, type);
        ir_store(b, type, at, v, mem);
        if (pair)
            ir_store(b, type, next, w, mem);
    }
    if (roll(3) == 0) {
        IrVal k = ir_const(b, IR_I64, 16);
        ir_put(b, IR_I64, writeback, ir_bin(b, IR_ADD, IR_I64, ir_get(b, IR_I64, writeback), k));
    }
}

static void atomic_insn(IrBlock *b)
{
    unsigned size = roll(4);
    uint64_t mem = IR_MEM_SIZE(size) | IR_MEM_ATOMIC(roll(10));
    IrVal base = ir_bin(b, IR_AND, IR_I64, ir_get(b, IR_I64, reg()), ir_const(b, IR_I64, 0x1f8));
    base = ir_bin(b, IR_ADD, IR_I64, base, ir_const(b, IR_I64, DATA));
    IrVal old = ir_emit(b, IR_ATOMIC, IR_I64, base, operand(b, IR_I64), operand(b, IR_I64), mem);
    ir_put(b, IR_I64, reg(), old);
}

static void flags_insn(IrBlock *b)
{
    IrType type = random_type();
    IrVal x = operand(b, type), y = expression(b, roll(2), type);
    unsigned kind = roll(3);
    IrOpcode op = kind == 0 ? IR_ADD : kind == 1 ? IR_SUB : IR_AND;
    IrVal r = ir_bin(b, op, type, x, y);
    IrVal f = kind == 0   ? ir_bin(b, IR_FLAGS_ADD, type, x, y)
              : kind == 1 ? ir_bin(b, IR_FLAGS_SUB, type, x, y)
                          : ir_un(b, IR_FLAGS_LOGIC, type, r);
    if (roll(2)) {
        ir_put(b, IR_I32, offsetof(ToyCpu, nzcv), f);
        if (roll(2))
            ir_put(b, IR_I64, reg(), r);
    } else {
        ir_put(b, IR_I64, reg(), r);
        ir_put(b, IR_I32, offsetof(ToyCpu, nzcv), f);
    }
}

static IrVal nzcv_cond(IrBlock *b)
{
    IrVal flags = ir_get(b, IR_I32, offsetof(ToyCpu, nzcv));
    return ir_emit(b, IR_COND, IR_I32, flags, 0, 0, roll(14));
}

/* CCMP and CCMN, CSET, CSEL and its kin, ADC and SBC: in the shapes of the A64 translator. */
static void choice_insn(IrBlock *b)
{
    IrType type = random_type();
    IrVal x = operand(b, type), y = operand(b, type), f = ir_get(b, IR_I32, offsetof(ToyCpu, nzcv)), c;
    switch (roll(5)) {
    case 0:
        c = nzcv_cond(b);
        y = roll(2) ? ir_const(b, type, roll(32)) : y;
        f = ir_bin(b, roll(2) ? IR_FLAGS_SUB : IR_FLAGS_ADD, type, x, y);
        f = ir_emit(b, IR_SELECT, IR_I32, c, f, ir_const(b, IR_I32, (uint64_t)roll(16) << 28), 0);
        ir_put(b, IR_I32, offsetof(ToyCpu, nzcv), f);
        break;
    case 1:
        ir_put(b, IR_I64, reg(), ir_emit(b, IR_SELECT, type, nzcv_cond(b), ir_const(b, type, roll(2)), ir_const(b, type, roll(2)), 0));
        break;
    case 2:
        c = nzcv_cond(b);
        y = roll(3) == 0   ? ir_bin(b, IR_ADD, type, y, ir_const(b, type, 1))
            : roll(2) == 0 ? ir_un(b, roll(2) ? IR_NOT : IR_NEG, type, y)
                           : y;
        ir_put(b, IR_I64, reg(), ir_emit(b, IR_SELECT, type, c, x, y, 0));
        break;
    case 3:
        c = ir_emit(b, IR_UBFX, IR_I32, f, 0, 0, IR_FIELD(29, 1));
        if (roll(2))
            ir_put(b, IR_I32, offsetof(ToyCpu, nzcv), ir_emit(b, IR_FLAGS_ADC, type, x, y, c, 0));
        ir_put(b, IR_I64, reg(), ir_emit(b, IR_ADC, type, x, y, c, 0));
        break;
    default:
        ir_put(b, IR_I64, reg(), ir_get(b, IR_I64, reg()));
        ir_put(b, IR_I64, reg(), ir_get(b, IR_I64, reg()));
        break;
    }
}

static void random_insn(IrBlock *b, unsigned i)
{
    ir_emit(b, IR_INSN, IR_I64, 0, 0, 0, IR_INSN_AT(4 * i, 0));
    unsigned kind = roll(20);
    const uint16_t offsets[3] = {(uint16_t)TOY_X(roll(6) * 2), (uint16_t)TOY_X(roll(6) * 2),
                                 (uint16_t)TOY_X(roll(6) * 2)};
    if (kind < 7) {
        static const IrType types[] = {IR_I64, IR_I64, IR_I64, IR_I32, IR_I16, IR_I8};
        IrType type = types[roll(6)];
        IrVal v = expression(b, roll(4), random_type());
        ir_put(b, type, type == IR_I64 ? reg() : offsetof(ToyCpu, nzcv), v);
    } else if (kind < 11) {
        access_insn(b);
    } else if (kind < 13) {
        flags_insn(b);
    } else if (kind == 13) {
        const IrHelper *h = roll(3) == 0 ? &mix : rng() & 1 ? &sum : &raise_sum;
        IrVal c = h->nargs == 3 ? operand(b, IR_I64) : 0;
        ir_put(b, IR_I64, reg(), ir_call(b, h, operand(b, IR_I64), operand(b, IR_I64), c));
    } else if (kind == 14) {
        ir_vec(b, vec_add, offsets, roll(16));
    } else if (kind == 15) {
        atomic_insn(b);
    } else {
        choice_insn(b);
    }
}

static void random_end(IrBlock *b, unsigned n)
{
    IrType type = random_type();
    IrVal x = operand(b, type), y = operand(b, type), cond;
    switch (roll(6)) {
    case 0:
        ir_put(b, IR_I64, TOY_X(11), ir_emit(b, IR_PC, IR_I64, 0, 0, 0, 4 * n));
        ir_emit(b, IR_GOTO, IR_I64, 0, 0, 0, 0x1000);
        return;
    case 1:
        x = ir_get(b, IR_I64, reg());
        ir_put(b, IR_I64, TOY_X(11), ir_emit(b, IR_PC, IR_I64, 0, 0, 0, 4 * n));
        ir_emit(b, IR_GOTO_PTR, IR_I64, x, 0, 0, 0);
        return;
    case 2:
        cond = ir_bin(b, (IrOpcode)(IR_EQ + roll(6)), type, x, roll(3) ? y : ir_const(b, type, 0));
        break;
    case 3:
        cond = ir_emit(b, IR_UBFX, type, x, 0, 0, IR_FIELD(roll(32), 1));
        if (rng() & 1)
            cond = ir_bin(b, IR_EQ, type, cond, ir_const(b, type, 0));
        break;
    default:
        if (rng() & 1)
            flags_insn(b);
        else if (rng() & 1)
            choice_insn(b);
        cond = ir_emit(b, IR_COND, IR_I32, ir_get(b, IR_I32, offsetof(ToyCpu, nzcv)), 0, 0, roll(14));
        break;
    }
    ir_emit(b, IR_GOTO_IF, IR_I32, cond, 0, 0, IR_TWO_WAYS(0x2000, -0x3000));
}

static void random_block(IrBlock *b)
{
    unsigned n = 1 + roll(8);
    ir_begin(b);
    for (unsigned i = 0; i < n; i++)
        random_insn(b, i);
    random_end(b, n);
    assert_null(ir_verify(b));
}

/* --- the reference run --- */

static uint64_t ref_load(const Outcome *o, uint64_t va, unsigned size)
{
    uint64_t v = 0;
    memcpy(&v, o->data + (va - DATA), (size_t)1 << size);
    return v;
}

static uint64_t ref_atomic(uint64_t mem, uint64_t old, uint64_t b, uint64_t c)
{
    unsigned bits = 8u << IR_MEM_GET_SIZE(mem);
    uint64_t ub = (uint64_t)zx(b, bits);
    switch (IR_MEM_GET_ATOMIC(mem)) {
    case IR_ATOMIC_SWP: return b;
    case IR_ATOMIC_ADD: return old + b;
    case IR_ATOMIC_CLR: return old & ~b;
    case IR_ATOMIC_EOR: return old ^ b;
    case IR_ATOMIC_SET: return old | b;
    case IR_ATOMIC_SMAX: return sx(old, bits) > sx(b, bits) ? old : b;
    case IR_ATOMIC_SMIN: return sx(old, bits) < sx(b, bits) ? old : b;
    case IR_ATOMIC_UMAX: return old > ub ? old : b;
    case IR_ATOMIC_UMIN: return old < ub ? old : b;
    case IR_ATOMIC_CAS: return old == ub ? c : old;
    }
    return 0;
}

/* False: an access leaves the data area, the block is of no use. */
static bool ref_memory(const IrOp *op, Outcome *o, const uint64_t v[3], uint64_t *result)
{
    unsigned size = IR_MEM_GET_SIZE(op->imm), bits = 8u << size;
    size_t n = (size_t)1 << size;
    uint64_t store = v[1];
    if (!in_data(v[0]))
        return false;
    if (op->op == IR_ATOMIC) {
        *result = ref_load(o, v[0], size);
        store = ref_atomic(op->imm, *result, v[1], v[2]);
    }
    if (op->op == IR_LOAD) {
        *result = ref_load(o, v[0], size);
        if (op->imm & IR_MEM_SIGN)
            *result = (uint64_t)sx(*result, bits);
        if (op->type == IR_I32)
            *result = (uint32_t)*result;
    } else {
        memcpy(o->data + (v[0] - DATA), &store, n);
    }
    return true;
}

static void ref_end(const IrOp *op, Outcome *o, const uint64_t v[3])
{
    if (op->op == IR_GOTO)
        o->pc += op->imm;
    else if (op->op == IR_GOTO_IF)
        o->pc += (uint64_t)(int64_t)(int32_t)(v[0] ? op->imm >> 32 : op->imm);
    else
        o->pc = v[0];
}

static bool ref_block(const IrBlock *b, Outcome *o)
{
    static uint64_t value[IR_MAX_OPS];
    uint8_t *state = (uint8_t *)&o->cpu;
    for (uint32_t i = 1; i < b->n_ops; i++) {
        const IrOp *op = &b->ops[i];
        const bool vec = op->op == IR_VEC;
        const uint64_t v[3] = {vec || !op->a ? 0 : value[op->a], vec || !op->b ? 0 : value[op->b],
                               vec || !op->c ? 0 : value[op->c]};
        size_t n = (size_t)1 << op->type;
        value[i] = 0;
        switch (op->op) {
        case IR_CONST: value[i] = op->imm; break;
        case IR_PC: value[i] = o->pc + op->imm; break;
        case IR_GET: memcpy(&value[i], state + op->imm, n); break;
        case IR_PUT: memcpy(state + op->imm, &v[0], n); break;
        case IR_INSN: o->insns++; break;
        case IR_CALL: value[i] = ((const IrHelper *)(uintptr_t)op->imm)->fn(state, v[0], v[1], v[2]); break;
        case IR_VEC: b->vecs[op->imm].fn(state, state + op->a, state + op->b, state + op->c, b->vecs[op->imm].desc); break;
        case IR_LOAD: case IR_STORE: case IR_ATOMIC:
            if (!ref_memory(op, o, v, &value[i]))
                return false;
            break;
        case IR_GOTO: case IR_GOTO_IF: case IR_GOTO_PTR: ref_end(op, o, v); break;
        default: value[i] = ref_eval(op->op, op->type, v, op->imm); break;
        }
    }
    return true;
}

/* --- running it --- */

static void run_lowered(Toy *t, InterpLower *l, const IrBlock *b, Outcome *o, bool plain)
{
    static uint64_t buffer[1 << 16];
    ToyCpu *cpu = t->cpu[0];
    uint16_t links[2];
    size_t bytes = interp_lower(l, b, (InterpOptions){.offset = 0, .plain = plain});
    assert_true(bytes > 0 && bytes <= sizeof buffer);
    interp_store(l, buffer, links);
    memcpy(cpu->x, o->cpu.x, sizeof cpu->x);
    cpu->nzcv = o->cpu.nzcv;
    memcpy(t->ram + DATA, o->data, DATA_BYTES);
    cpu->eng.pc = o->pc;
    cpu->eng.insns = o->insns;
    cpu->eng.leave = ENG_STAY;
    atomic_store(&cpu->eng.attention, ENG_ATT_WORK); /* stop at the end of the block */
    interp_run(&cpu->eng, buffer);
    assert_int_equal(cpu->eng.zero, 0);
    memcpy(o->cpu.x, cpu->x, sizeof cpu->x);
    o->cpu.nzcv = cpu->nzcv;
    memcpy(o->data, t->ram + DATA, DATA_BYTES);
    o->pc = cpu->eng.pc;
    o->insns = cpu->eng.insns;
}

static bool same(const Outcome *a, const Outcome *b)
{
    return a->pc == b->pc && a->insns == b->insns && a->cpu.nzcv == b->cpu.nzcv &&
           memcmp(a->cpu.x, b->cpu.x, sizeof a->cpu.x) == 0 && memcmp(a->data, b->data, DATA_BYTES) == 0;
}

static void explain(const IrBlock *b, const Outcome *want, const Outcome *got)
{
    char *text = ir_print(b);
    fprintf(stderr, "%s", text);
    free(text);
    for (unsigned i = 0; i < 16; i++) {
        if (want->cpu.x[i] != got->cpu.x[i])
            fprintf(stderr, "x%u @%zu: want %016lx got %016lx\n", i, TOY_X(i), want->cpu.x[i], got->cpu.x[i]);
    }
    fprintf(stderr, "nzcv %08x %08x pc %lx %lx insns %lu %lu data %s\n", want->cpu.nzcv, got->cpu.nzcv, want->pc,
            got->pc, want->insns, got->insns, memcmp(want->data, got->data, DATA_BYTES) ? "differs" : "same");
}

static void test_random_blocks(void **unused)
{
    Toy t;
    toy_new(&t, &(EngConfig){0}, 1);
    eng_tlb_switch(&t.cpu[0]->eng);
    InterpLower *l = interp_lower_new();
    IrBlock *b = calloc(1, sizeof *b), *raw = calloc(1, sizeof *raw);
    Outcome *start = calloc(1, sizeof *start), *want = calloc(1, sizeof *want), *got = calloc(1, sizeof *got);
    unsigned useful = 0;
    for (unsigned round = 0; round < 20000; round++) {
        for (unsigned i = 0; i < 16; i++)
            start->cpu.x[i] = interesting();
        start->cpu.nzcv = (uint32_t)rng() & 0xf0000000;
        start->pc = 0x4000;
        for (unsigned i = 0; round % 64 == 0 && i < DATA_BYTES; i++)
            start->data[i] = (uint8_t)rng();
        random_block(raw);
        *want = *start;
        if (!ref_block(raw, want))
            continue;
        useful++;
        for (unsigned how = 0; how < 4; how++) {
            *b = *raw;
            *got = *start;
            if (how & 2)
                ir_optimise(b);
            run_lowered(&t, l, b, got, how & 1);
            if (!same(want, got)) {
                fprintf(stderr, "round %u, %s, %s\n", round, how & 2 ? "optimised" : "as built", how & 1 ? "plain" : "fused");
                explain(b, want, got);
            }
            assert_true(same(want, got));
        }
    }
    assert_true(useful > 5000);
    interp_lower_free(l);
    free(b);
    free(raw);
    free(start);
    free(want);
    free(got);
    toy_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_blocks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
