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
#include "ir-ref.h"

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

enum { STATE = 64 };

/* The block as asked for, without the builder's folding, so that ref_run can be its own judge. */
static void raw_emit(IrBlock *b, IrOp op)
{
    b->ops[b->n_ops++] = op;
}

static IrVal random_op(IrBlock *b, IrBlock *raw, IrVal map[], IrVal *pool, unsigned n)
{
    unsigned op = IR_ADD + roll(IR_COND - IR_ADD + 1);
    IrType type = rng() & 1 ? IR_I64 : IR_I32;
    IrVal v[3] = {0};
    for (unsigned i = 0; i < ir_op_args((IrOpcode)op); i++)
        v[i] = n ? pool[roll(n)] : 1;
    uint64_t imm = random_imm(op, type);
    IrVal r = ir_emit(b, (IrOpcode)op, type, map[v[0]], map[v[1]], map[v[2]], imm);
    raw_emit(raw, (IrOp){(uint8_t)op, (uint8_t)type, v[0], v[1], v[2], imm});
    map[raw->n_ops - 1] = r;
    return (IrVal)(raw->n_ops - 1);
}

static IrVal random_source(IrBlock *b, IrBlock *raw, IrVal map[])
{
    IrType type = rng() & 1 ? IR_I64 : IR_I32;
    unsigned kind = roll(8);
    uint64_t imm = (roll(STATE / 8)) * 8 + (type == IR_I32 && roll(4) == 0 ? 4 : 0);
    unsigned op = IR_GET;
    if (kind == 0) {
        op = IR_PC;
        type = IR_I64;
        imm = roll(4096);
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
    IrType type = (IrType)(rng() & 1 ? IR_I64 : roll(4));
    uint64_t offset = roll(STATE / 8) * 8;
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
        unsigned kind = roll(8);
        if (n == 0 || kind < 2) {
            pool[n] = random_source(b, raw, map);
            n++;
        } else if (kind < 5) {
            pool[n] = random_op(b, raw, map, pool, n);
            n++;
        } else if (kind < 7 || roll(3)) {
            random_put(b, raw, map, pool[roll(n)]);
        } else {
            IrVal x = pool[roll(n)], y = pool[roll(n)], z = pool[roll(n)];
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
        unsigned op = IR_ADD + roll(IR_COND - IR_ADD + 1);
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
    IrVal x = ir_get(b, IR_I64, 16);
    IrVal one = ir_const(b, IR_I64, 1);
    ir_put(b, IR_I64, 16, ir_bin(b, IR_ADD, IR_I64, x, one));
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
