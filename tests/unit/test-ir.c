/*
 * The IR builder's folding and the passes against a second evaluator written here from the words of ir-ops.def, on random blocks;
 * the verifier against broken ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "armillary/ir.h"

static uint64_t rng_state = 0x9e3779b97f4a7c15;

static uint64_t rng(void)
{
    rng_state ^= rng_state << 13;
    rng_state ^= rng_state >> 7;
    rng_state ^= rng_state << 17;
    return rng_state;
}

static uint64_t interesting(void)
{
    static const uint64_t values[] = {0, 1, 2, 31, 32, 63, 64, 0x7fffffff, 0x80000000, 0xffffffff,
                                      0x100000000, INT64_MAX, (uint64_t)INT64_MIN, UINT64_MAX};
    return rng() % 3 ? values[rng() % 14] : rng();
}

/* --- the second evaluator: bit by bit and in 128 bits, to share no trick with the first --- */

typedef __int128 Wide;

static Wide sx(uint64_t a, unsigned bits)
{
    Wide v = 0;
    for (unsigned i = 0; i < bits; i++)
        v |= (Wide)(a >> i & 1) << i;
    return a >> (bits - 1) & 1 ? v - ((Wide)1 << bits) : v;
}

static Wide zx(uint64_t a, unsigned bits)
{
    return (Wide)((unsigned __int128)a & (((unsigned __int128)1 << bits) - 1));
}

static uint64_t bits_map(uint64_t a, unsigned width, unsigned group, unsigned unit)
{
    uint64_t r = 0; /* reverses the order of `unit`-bit pieces within each `group` */
    for (unsigned i = 0; i < width; i++) {
        unsigned base = i / group * group, piece = (i - base) / unit, in = i % unit;
        unsigned to = base + (group / unit - 1 - piece) * unit + in;
        r |= (a >> i & 1) << to;
    }
    return r;
}

static uint64_t ref_flags(Wide u, Wide s, unsigned w)
{
    uint64_t r = (uint64_t)zx((uint64_t)u, w);
    uint64_t n = r >> (w - 1) & 1, z = r == 0, c = zx((uint64_t)u, w) != u, v = sx(r, w) != s;
    return n << 31 | z << 30 | c << 29 | v << 28;
}

static int ref_cond(unsigned cond, uint64_t f)
{
    int n = f >> 31 & 1, z = f >> 30 & 1, c = f >> 29 & 1, v = f >> 28 & 1, r;
    switch (cond >> 1) {
    case 0: r = z; break;
    case 1: r = c; break;
    case 2: r = n; break;
    case 3: r = v; break;
    case 4: r = c && !z; break;
    case 5: r = n == v; break;
    case 6: r = n == v && !z; break;
    default: return 1;
    }
    return cond & 1 ? !r : r;
}

static unsigned lead(uint64_t a, unsigned w, unsigned bit)
{
    unsigned n = 0;
    while (n < w && (a >> (w - 1 - n) & 1) == bit)
        n++;
    return n;
}

static uint64_t ref_div(Wide a, Wide b)
{
    return b == 0 ? 0 : (uint64_t)(a / b);
}

static uint64_t ref_bits(unsigned op, unsigned w, uint64_t a, uint64_t b, uint64_t imm)
{
    unsigned lsb = imm & 0xff, width = imm >> 8 & 0xff, n = (unsigned)(b % w);
    unsigned __int128 ab = (unsigned __int128)a << w | b;
    switch (op) {
    case IR_SHL: return (uint64_t)((unsigned __int128)a << n);
    case IR_SHR: return a >> n;
    case IR_SAR: return (uint64_t)(sx(a, w) >> n);
    case IR_ROR: return (uint64_t)(((unsigned __int128)a << w | a) >> n);
    case IR_CLZ: return lead(a, w, 0);
    case IR_CLS: return lead(a, w, a >> (w - 1) & 1) - 1;
    case IR_RBIT: return bits_map(a, w, w, 1);
    case IR_REV: return bits_map(a, w, w, 8);
    case IR_REV16: return bits_map(a, w, 16, 8);
    case IR_REV32: return bits_map(a, w, 32, 8);
    case IR_SEXT: return (uint64_t)sx(a, (unsigned)imm);
    case IR_ZEXT: return (uint64_t)zx(a, (unsigned)imm);
    case IR_UBFX: return (uint64_t)zx(a >> lsb, width);
    case IR_SBFX: return (uint64_t)sx(a >> lsb, width);
    case IR_EXTR: return (uint64_t)(ab >> imm);
    default: /* BFI */
        for (unsigned i = 0; i < width; i++)
            a = (a & ~(UINT64_C(1) << (lsb + i))) | (b >> i & 1) << (lsb + i);
        return a;
    }
}

static uint64_t ref_one(unsigned op, unsigned w, const uint64_t v[3], uint64_t imm)
{
    uint64_t a = (uint64_t)zx(v[0], w), b = (uint64_t)zx(v[1], w), c = (uint64_t)zx(v[2], w);
    Wide ua = zx(a, w), ub = zx(b, w), sa = sx(a, w), sb = sx(b, w);
    switch (op) {
    case IR_ADD: return a + b;
    case IR_SUB: return a - b;
    case IR_ADC: return a + b + c;
    case IR_MUL: return a * b;
    case IR_UMULH: return (uint64_t)(((unsigned __int128)a * b) >> w);
    case IR_SMULH: return (uint64_t)((sa * sb) >> w);
    case IR_UDIV: return ref_div(ua, ub);
    case IR_SDIV: return ref_div(sa, sb);
    case IR_AND: return a & b;
    case IR_OR: return a | b;
    case IR_XOR: return a ^ b;
    case IR_ANDN: return a & ~b;
    case IR_ORN: return a | ~b;
    case IR_EON: return a ^ ~b;
    case IR_NOT: return ~a;
    case IR_NEG: return (uint64_t)-sa;
    case IR_EQ: return a == b;
    case IR_NE: return a != b;
    case IR_ULT: return ua < ub;
    case IR_ULE: return ua <= ub;
    case IR_SLT: return sa < sb;
    case IR_SLE: return sa <= sb;
    case IR_SELECT: return a ? b : c;
    case IR_FLAGS_ADD: return ref_flags(ua + ub, sa + sb, w);
    case IR_FLAGS_SUB: return ref_flags(ua + zx(~b, w) + 1, sa - sb, w);
    case IR_FLAGS_ADC: return ref_flags(ua + ub + (c & 1), sa + sb + (c & 1), w);
    case IR_FLAGS_LOGIC: return ref_flags(ua, sa, w);
    case IR_COND: return (uint64_t)ref_cond((unsigned)imm, v[0]);
    default: return ref_bits(op, w, a, b, imm);
    }
}

static int is_i32_result(unsigned op)
{
    return (op >= IR_EQ && op <= IR_SLE) || op == IR_COND ||
           (op >= IR_FLAGS_ADD && op <= IR_FLAGS_LOGIC);
}

static uint64_t ref_eval(unsigned op, unsigned type, const uint64_t v[3], uint64_t imm)
{
    uint64_t r = ref_one(op, type == IR_I64 ? 64 : 32, v, imm);
    return type == IR_I64 && !is_i32_result(op) ? r : (uint32_t)r;
}

/* Runs a block's GETs, PUTs and values on `state`. */
static void ref_run(const IrBlock *b, uint8_t *state)
{
    uint64_t value[IR_MAX_OPS] = {0};
    for (uint32_t i = 1; i < b->n_ops; i++) {
        const IrOp *op = &b->ops[i];
        const uint64_t v[3] = {value[op->a], value[op->b], value[op->c]};
        size_t n = (size_t)1 << op->type;
        switch (op->op) {
        case IR_CONST: value[i] = op->imm; break;
        case IR_PC: value[i] = 0x400000 + op->imm; break;
        case IR_GET: memcpy(&value[i], state + op->imm, n); break;
        case IR_PUT: memcpy(state + op->imm, &v[0], n); break;
        case IR_INSN: case IR_EXIT: case IR_FENCE: break;
        case IR_CALL: value[i] = ((const IrHelper *)(uintptr_t)op->imm)->fn(state, v[0], v[1], v[2]); break;
        default: value[i] = ref_eval(op->op, op->type, v, op->imm); break;
        }
    }
}

static uint64_t helper_swap(void *state, uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t x[2];
    memcpy(x, state, 16);
    x[0] ^= a + b;
    x[1] += c ^ x[0];
    memcpy(state, x, 16);
    return x[0] - x[1];
}

static const IrHelper swap = {"swap", helper_swap, 3, IR_H_READS | IR_H_WRITES};

static uint64_t random_imm(unsigned op, IrType type)
{
    unsigned w = type == IR_I64 ? 64 : 32, lsb = rng() % w;
    switch (op) {
    case IR_SEXT: case IR_ZEXT: return 1 + rng() % w;
    case IR_UBFX: case IR_SBFX: case IR_BFI: return IR_FIELD(lsb, 1 + rng() % (w - lsb));
    case IR_EXTR: return rng() % w;
    case IR_COND: return rng() % 16;
    default: return 0;
    }
}


enum { STATE = 64 };

/* The block as asked for, without the builder's folding, so that ref_run can be its own judge. */
static void raw_emit(IrBlock *b, IrOp op)
{
    b->ops[b->n_ops++] = op;
}

static IrVal random_op(IrBlock *b, IrBlock *raw, IrVal map[], IrVal *pool, unsigned n)
{
    unsigned op = IR_ADD + rng() % (IR_COND - IR_ADD + 1);
    IrType type = rng() & 1 ? IR_I64 : IR_I32;
    IrVal v[3] = {0};
    for (unsigned i = 0; i < ir_op_args((IrOpcode)op); i++)
        v[i] = n ? pool[rng() % n] : 1;
    uint64_t imm = random_imm(op, type);
    IrVal r = ir_emit(b, (IrOpcode)op, type, map[v[0]], map[v[1]], map[v[2]], imm);
    raw_emit(raw, (IrOp){(uint8_t)op, (uint8_t)type, v[0], v[1], v[2], imm});
    map[raw->n_ops - 1] = r;
    return (IrVal)(raw->n_ops - 1);
}

static IrVal random_source(IrBlock *b, IrBlock *raw, IrVal map[])
{
    IrType type = rng() & 1 ? IR_I64 : IR_I32;
    unsigned kind = rng() % 8;
    uint64_t imm = (rng() % (STATE / 8)) * 8 + (type == IR_I32 && rng() % 4 == 0 ? 4 : 0);
    unsigned op = IR_GET;
    if (kind == 0) {
        op = IR_PC;
        type = IR_I64;
        imm = rng() % 4096;
    } else if (kind < 4) {
        op = IR_CONST;
        imm = type == IR_I64 ? interesting() : (uint32_t)interesting();
    } else if (kind == 4) {
        type = rng() & 1 ? IR_I8 : IR_I16;
    }
    IrVal r = ir_emit(b, (IrOpcode)op, type, 0, 0, 0, imm);
    raw_emit(raw, (IrOp){(uint8_t)op, (uint8_t)type, 0, 0, 0, imm});
    map[raw->n_ops - 1] = r;
    return (IrVal)(raw->n_ops - 1);
}

static void random_put(IrBlock *b, IrBlock *raw, IrVal map[], IrVal v)
{
    IrType type = (IrType)(rng() & 1 ? IR_I64 : rng() % 4);
    uint64_t offset = rng() % (STATE / 8) * 8;
    ir_put(b, type, offset, map[v]);
    raw_emit(raw, (IrOp){IR_PUT, (uint8_t)type, v, 0, 0, offset});
}

static void random_block(IrBlock *b, IrBlock *raw)
{
    IrVal map[IR_MAX_OPS] = {0}, pool[400];
    unsigned n = 0;
    ir_begin(b);
    ir_begin(raw);
    for (unsigned i = 0; i < 100; i++) {
        unsigned kind = rng() % 8;
        if (n == 0 || kind < 2) {
            pool[n] = random_source(b, raw, map);
            n++;
        } else if (kind < 5) {
            pool[n] = random_op(b, raw, map, pool, n);
            n++;
        } else if (kind < 7 || rng() % 3) {
            random_put(b, raw, map, pool[rng() % n]);
        } else {
            IrVal x = pool[rng() % n], y = pool[rng() % n], z = pool[rng() % n];
            IrVal r = ir_call(b, &swap, map[x], map[y], map[z]);
            raw_emit(raw, (IrOp){IR_CALL, IR_I64, x, y, z, (uint64_t)(uintptr_t)&swap});
            map[raw->n_ops - 1] = r;
            pool[n++] = (IrVal)(raw->n_ops - 1);
        }
    }
    ir_emit(b, IR_EXIT, IR_I64, 0, 0, 0, 4);
    raw_emit(raw, (IrOp){.op = IR_EXIT, .type = IR_I64, .imm = 4});
}

/* Every op by itself, through the builder's folding. */
static void test_fold_ops(void **unused)
{
    IrBlock *b = malloc(sizeof *b);
    for (unsigned round = 0; round < 200000; round++) {
        unsigned op = IR_ADD + rng() % (IR_COND - IR_ADD + 1);
        IrType type = rng() & 1 ? IR_I64 : IR_I32;
        uint64_t v[3] = {interesting(), interesting(), rng() & 1}, imm = random_imm(op, type);
        if (op == IR_SELECT)
            v[0] &= 1;
        ir_begin(b);
        IrVal arg[3] = {0};
        for (unsigned i = 0; i < ir_op_args((IrOpcode)op); i++)
            arg[i] = ir_const(b, IR_I64, v[i]);
        IrVal r = ir_emit(b, (IrOpcode)op, type, arg[0], arg[1], arg[2], imm);
        assert_int_equal(b->ops[r].op, IR_CONST);
        if (b->ops[r].imm != ref_eval(op, type, v, imm))
            print_message("%s type %u\n", ir_op_name((IrOpcode)op), type);
        assert_int_equal(b->ops[r].imm, ref_eval(op, type, v, imm));
    }
    free(b);
}

static void test_random_blocks(void **unused)
{
    IrBlock *b = malloc(sizeof *b), *raw = malloc(sizeof *raw);
    for (unsigned round = 0; round < 4000; round++) {
        uint8_t want[STATE], built[STATE], passed[STATE];
        for (unsigned i = 0; i < STATE; i += 8) {
            uint64_t v = interesting();
            memcpy(want + i, &v, 8);
        }
        memcpy(built, want, STATE);
        memcpy(passed, want, STATE);
        random_block(b, raw);
        assert_null(ir_verify(raw));
        assert_null(ir_verify(b));
        ref_run(raw, want);
        ref_run(b, built);
        ir_optimise(b);
        assert_null(ir_verify(b));
        ref_run(b, passed);
        if (memcmp(want, passed, STATE) != 0 || memcmp(want, built, STATE) != 0) {
            char *was = ir_print(raw), *is = ir_print(b);
            fprintf(stderr, "round %u\n%s--- optimised\n%s", round, was, is);
            free(was);
            free(is);
            assert_memory_equal(want, built, STATE);
            assert_memory_equal(want, passed, STATE);
        }
    }
    free(b);
    free(raw);
}

static void test_passes_remove(void **unused)
{
    IrBlock *b = malloc(sizeof *b);
    ir_begin(b);
    IrVal x = ir_get(b, IR_I64, 8);
    ir_put(b, IR_I32, 16, ir_bin(b, IR_FLAGS_SUB, IR_I64, x, ir_const(b, IR_I64, 1)));
    ir_put(b, IR_I32, 16, ir_bin(b, IR_FLAGS_SUB, IR_I64, x, ir_const(b, IR_I64, 2)));
    ir_put(b, IR_I64, 24, ir_const(b, IR_I64, 0x1234));
    IrVal again = ir_get(b, IR_I64, 24);
    ir_put(b, IR_I64, 32, ir_emit(b, IR_BFI, IR_I64, again, ir_const(b, IR_I64, 7), 0, IR_FIELD(16, 16)));
    ir_emit(b, IR_EXIT, IR_I64, 0, 0, 0, 4);
    ir_optimise(b);
    unsigned puts = 0, fields = 0, flags = 0;
    for (uint32_t i = 1; i < b->n_ops; i++) {
        puts += b->ops[i].op == IR_PUT;
        fields += b->ops[i].op == IR_BFI;
        flags += b->ops[i].op == IR_FLAGS_SUB;
        if (b->ops[i].op == IR_PUT && b->ops[i].imm == 32)
            assert_int_equal(b->ops[b->ops[i].a].imm, 0x71234);
    }
    assert_int_equal(puts, 3);
    assert_int_equal(fields, 0);
    assert_int_equal(flags, 1);
    free(b);
}

/* A PUT before something that may fault must stay: the fault's handler sees it. */
static void test_put_before_fault(void **unused)
{
    IrBlock *b = malloc(sizeof *b);
    ir_begin(b);
    ir_put(b, IR_I64, 8, ir_const(b, IR_I64, 1));
    IrVal v = ir_load(b, IR_I64, ir_get(b, IR_I64, 16), IR_MEM_SIZE(3));
    ir_put(b, IR_I64, 8, v);
    ir_emit(b, IR_EXIT, IR_I64, 0, 0, 0, 4);
    ir_optimise(b);
    unsigned puts = 0;
    for (uint32_t i = 1; i < b->n_ops; i++)
        puts += b->ops[i].op == IR_PUT;
    assert_int_equal(puts, 2);
    free(b);
}

static void expect_broken(IrOp op, const char *word)
{
    static IrBlock b;
    ir_begin(&b);
    raw_emit(&b, (IrOp){.op = IR_GET, .type = IR_I64, .imm = 8});
    raw_emit(&b, op);
    raw_emit(&b, (IrOp){.op = IR_EXIT, .type = IR_I64});
    const char *said = ir_verify(&b);
    assert_non_null(said);
    assert_non_null(strstr(said, word));
}

static void test_verifier(void **unused)
{
    expect_broken((IrOp){.op = IR_NOT, .type = IR_I64}, "missing");
    expect_broken((IrOp){.op = IR_NOT, .type = IR_I64, .a = 2}, "before its definition");
    expect_broken((IrOp){.op = IR_NOT, .type = IR_I64, .a = 1, .b = 1}, "more arguments");
    expect_broken((IrOp){.op = IR_NOT, .type = IR_I8, .a = 1}, "narrower");
    expect_broken((IrOp){.op = IR_PUT, .type = IR_I64, .a = 1, .imm = 4}, "multiple");
    expect_broken((IrOp){.op = IR_UBFX, .type = IR_I32, .a = 1, .imm = IR_FIELD(30, 3)}, "field");
    expect_broken((IrOp){.op = IR_SEXT, .type = IR_I32, .a = 1, .imm = 33}, "extension");
    expect_broken((IrOp){.op = IR_LOAD, .type = IR_I64, .a = 1, .imm = 4}, "wider");
    expect_broken((IrOp){.op = IR_EXIT, .type = IR_I64}, "end");
    expect_broken((IrOp){.op = IR_OP_COUNT}, "no such op");
}

static void test_overflow(void **unused)
{
    IrBlock *b = malloc(sizeof *b);
    ir_begin(b);
    while (!b->overflow)
        ir_put(b, IR_I64, 8, ir_un(b, IR_NOT, IR_I64, ir_get(b, IR_I64, 16)));
    ir_emit(b, IR_EXIT, IR_I64, 0, 0, 0, 0);
    assert_true(b->n_ops <= IR_MAX_OPS);
    assert_null(ir_verify(b));
    free(b);
}

static void test_print(void **unused)
{
    IrBlock *b = malloc(sizeof *b);
    ir_begin(b);
    ir_emit(b, IR_INSN, IR_I64, 0, 0, 0, IR_INSN_AT(4, 0x91000421));
    ir_put(b, IR_I64, 16, ir_bin(b, IR_ADD, IR_I64, ir_get(b, IR_I64, 16), ir_const(b, IR_I64, 1)));
    ir_emit(b, IR_GOTO, IR_I64, 0, 0, 0, 8);
    char *text = ir_print(b);
    assert_string_equal(text, "INSN.i64 +0x4: 91000421\nv2 = GET.i64 @16\nv3 = CONST.i64 0x1\n"
                              "v4 = ADD.i64 v2 v3\nPUT.i64 v4 @16\nGOTO.i64 +8\n");
    free(text);
    free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fold_ops), cmocka_unit_test(test_random_blocks), cmocka_unit_test(test_passes_remove),
        cmocka_unit_test(test_put_before_fault), cmocka_unit_test(test_verifier),
        cmocka_unit_test(test_overflow), cmocka_unit_test(test_print),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
