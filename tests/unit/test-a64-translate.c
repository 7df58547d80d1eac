/*
 * The block translator: every row makes well-formed IR at every EL, blocks end where they must, and
 * accesses carry the syndrome of the manual ("ISS encoding for an exception from a Data Abort").
 * What instructions compute is the differential test's.
 *
 * The row list is named by A64_ROWS.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "armillary/engine.h"
#include "mode.h"
#include "model.h"
#include "state.h"
#include "translate.h"

enum { PAGE_WORDS = 1024, WORDS_PER_ROW = 64 };
enum { ISV = 1 << 24, SSE = 1 << 21, SF = 1 << 15, AR = 1 << 14 };
#define SAS(log2) ((uint32_t)(log2) << 22)
#define SRT(n) ((uint32_t)(n) << 16)

static IrBlock block;
static uint32_t page[PAGE_WORDS];
static A64Model *model;

static uint32_t translate(const A64Mode *mode, uint32_t offset, uint32_t max_insns)
{
    ir_begin(&block);
    return a64_translate(&block, mode, page, offset, max_insns);
}

static uint32_t translate_words(const uint32_t *words, size_t n)
{
    const A64Mode mode = {.el = 1, .model = model};
    memset(page, 0, sizeof page);
    memcpy(page, words, n * sizeof words[0]);
    return translate(&mode, 0, (uint32_t)n);
}

#define TRANSLATE(...)                                                                             \
    translate_words((const uint32_t[]){__VA_ARGS__},                                               \
                    sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static const IrOp *find(IrOpcode op, unsigned nth)
{
    for (uint32_t i = 1; i < block.n_ops; i++) {
        if (block.ops[i].op == op && nth-- == 0) {
            return &block.ops[i];
        }
    }
    return NULL;
}

static const IrOp *last(void)
{
    return &block.ops[block.n_ops - 1];
}

static void assert_calls(const char *helper)
{
    const IrOp *call = find(IR_CALL, 0);
    assert_non_null(call);
    assert_string_equal(((const IrHelper *)(uintptr_t)call->imm)->name, helper);
}

static void assert_sound(const char *row, uint32_t word)
{
    const char *wrong = ir_verify(&block);
    if (!wrong) {
        ir_optimise(&block);
        wrong = ir_verify(&block);
    }
    if (wrong || block.overflow) {
        fail_msg("%s %08x: %s", row, (unsigned)word, wrong ? wrong : "overflow");
    }
}

static void check_row(const char *row, const uint32_t mask_value[2], uint32_t *seed)
{
    for (unsigned i = 0; i < WORDS_PER_ROW; i++) {
        *seed ^= *seed << 13;
        *seed ^= *seed >> 17;
        *seed ^= *seed << 5;
        page[0] = mask_value[1] | (*seed & ~mask_value[0]);
        for (uint8_t el = 0; el <= 2; el++) {
            const A64Mode mode = {.el = el, .sp = el != 0, .model = model, .fp_trap = i % 8 == 7};
            assert_int_equal(translate(&mode, 0, 1), 4);
            assert_sound(row, page[0]);
        }
    }
}

static void every_row(void **state)
{
    char line[4096], name[64];
    uint32_t mask_value[2], seed = 64;
    unsigned rows = 0;
    FILE *file = fopen(getenv("A64_ROWS"), "r");

    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    while (fgets(line, sizeof line, file)) {
        assert_int_equal(sscanf(line, "%63s %x %x", name, &mask_value[0], &mask_value[1]), 3);
        check_row(name, mask_value, &seed);
        rows++;
    }
    fclose(file);
    assert_true(rows > 1000);
}

typedef struct {
    uint32_t word;
    IrOpcode op;
    uint32_t iss;
    const char *text;
} Syndrome;

static void syndromes(void **state)
{
    static const Syndrome cases[] = {
        {0x39801423, IR_LOAD, ISV | SAS(0) | SSE | SRT(3) | SF, "ldrsb x3, [x1, #5]"},
        {0x39c01423, IR_LOAD, ISV | SAS(0) | SSE | SRT(3), "ldrsb w3, [x1, #5]"},
        {0x78e26823, IR_LOAD, ISV | SAS(1) | SSE | SRT(3), "ldrsh w3, [x1, x2]"},
        {0xf94007e7, IR_LOAD, ISV | SAS(3) | SRT(7) | SF, "ldr x7, [sp, #8]"},
        {0x39000029, IR_STORE, ISV | SAS(0) | SRT(9), "strb w9, [x1]"},
        {0xf900003f, IR_STORE, ISV | SAS(3) | SRT(31) | SF, "str xzr, [x1]"},
        {0xb84047e5, IR_LOAD, 0, "ldr w5, [sp], #4"},
        {0xf81f0c45, IR_STORE, 0, "str x5, [x2, #-16]!"},
        {0x88dffc64, IR_LOAD, ISV | SAS(2) | SRT(4) | AR, "ldar w4, [x3]"},
        {0x489ffc64, IR_STORE, ISV | SAS(1) | SRT(4) | AR, "stlrh w4, [x3]"},
        {0xb8800868, IR_LOAD, ISV | SAS(2) | SSE | SRT(8) | SF, "ldtrsw x8, [x3]"},
        {0x98000041, IR_LOAD, ISV | SAS(2) | SSE | SRT(1) | SF, "ldrsw x1, .+8"},
        {0xa9400861, IR_LOAD, 0, "ldp x1, x2, [x3]"},
        {0xb8210062, IR_ATOMIC, 0, "ldadd w1, w2, [x3]"},
        {0xc8a17c62, IR_ATOMIC, 0, "cas x1, x2, [x3]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        TRANSLATE(cases[i].word);
        const IrOp *op = find(cases[i].op, 0);
        if (!op || IR_MEM_GET_ISS(op->imm) != cases[i].iss) {
            fail_msg("%s: ISS %x", cases[i].text, op ? (unsigned)IR_MEM_GET_ISS(op->imm) : 0);
        }
    }
}

static void unprivileged_view(void **state)
{
    TRANSLATE(0xb8800868); /* ldtrsw x8, [x3] */
    assert_int_equal(IR_MEM_GET_VIEW(find(IR_LOAD, 0)->imm), IR_VIEW_UNPRIV);
    TRANSLATE(0xb8800068); /* ldursw x8, [x3] */
    assert_int_equal(IR_MEM_GET_VIEW(find(IR_LOAD, 0)->imm), IR_VIEW_CURRENT);
}

static void orders(void **state)
{
    TRANSLATE(0xb8e10062); /* ldaddal w1, w2, [x3] */
    assert_int_equal(IR_MEM_GET_ORDER(find(IR_ATOMIC, 0)->imm), IR_ORDER_ACQ_REL);
    TRANSLATE(0xb8e1007f); /* ldaddal w1, wzr, [x3]: no acquire when Rt is 31 */
    assert_int_equal(IR_MEM_GET_ORDER(find(IR_ATOMIC, 0)->imm), IR_ORDER_RELEASE);
    TRANSLATE(0xb8a1807f); /* swpa w1, wzr, [x3] */
    assert_int_equal(IR_MEM_GET_ORDER(find(IR_ATOMIC, 0)->imm), IR_ORDER_ACQUIRE);
    TRANSLATE(0x88dffc64); /* ldar w4, [x3] */
    assert_int_equal(IR_MEM_GET_ORDER(find(IR_LOAD, 0)->imm), IR_ORDER_ACQUIRE);
}

/* A fault must leave the registers as they were: accesses come before any register is written. */
static void accesses_before_registers(void **state)
{
    TRANSLATE(0xf8408443); /* ldr x3, [x2], #8 */
    assert_true(find(IR_LOAD, 0) < find(IR_PUT, 0));
    TRANSLATE(0xa8c11043); /* ldp x3, x4, [x2], #16 */
    assert_true(find(IR_LOAD, 1) < find(IR_PUT, 0));
    TRANSLATE(0xa9bf1043); /* stp x3, x4, [x2, #-16]! */
    assert_true(find(IR_STORE, 1) < find(IR_PUT, 0));
}

static void branches(void **state)
{
    assert_int_equal(TRANSLATE(0xd503201f, 0x14000004, 0xd503201f), 8); /* nop; b .+16 */
    assert_int_equal(last()->op, IR_GOTO);
    assert_int_equal((int64_t)last()->imm, 4 + 16);
    assert_int_equal(TRANSLATE(0xd503201f, 0x17ffffff), 8); /* nop; b .-4 */
    assert_int_equal((int64_t)last()->imm, 0);
    assert_int_equal(TRANSLATE(0xb4000063), 4); /* cbz x3, .+12 */
    assert_int_equal(last()->op, IR_GOTO_IF);
    assert_int_equal(last()->imm, IR_TWO_WAYS(12, 4));
    assert_int_equal(TRANSLATE(0xd503201f, 0x372fffc3), 8); /* nop; tbnz w3, #5, .-8 */
    assert_int_equal(last()->imm, IR_TWO_WAYS(-4, 8));
    assert_int_equal(TRANSLATE(0x5400004e), 4); /* b.al .+8 */
    assert_int_equal(last()->op, IR_GOTO);
    assert_int_equal(TRANSLATE(0xd63f03c0), 4); /* blr x30: the target is the old x30 */
    assert_int_equal(last()->op, IR_GOTO_PTR);
    assert_int_equal(block.ops[last()->a].op, IR_GET);
    assert_true(&block.ops[last()->a] < find(IR_PUT, 0));
}

static void block_ends(void **state)
{
    const A64Mode mode = {.el = 1, .model = model}, step = {.single_step = true, .model = model};

    for (unsigned i = 0; i < PAGE_WORDS; i++) {
        page[i] = 0xd503201f; /* nop */
    }
    assert_int_equal(translate(&mode, 0, 7), 28);
    assert_int_equal(last()->op, IR_GOTO);
    assert_int_equal(last()->imm, 28);
    assert_int_equal(translate(&mode, 4092, 64), 4);
    assert_int_equal(last()->imm, 4);
    assert_int_equal(translate(&step, 0, 64), 4); /* software step: its exception comes next */
    assert_calls("step_pending");
    assert_string_equal(((const IrHelper *)(uintptr_t)find(IR_CALL, 1)->imm)->name, "stepped");
    assert_int_equal(last()->op, IR_EXIT_PC);
    assert_int_equal(TRANSLATE(0xd5033fdf, 0xd503201f), 4); /* isb */
    assert_int_equal(last()->op, IR_EXIT);
    assert_int_equal(last()->imm, 4);
    assert_int_equal(TRANSLATE(0xd5033f9f, 0xd503201f), 4); /* dsb sy */
    assert_int_equal(last()->op, IR_EXIT);
}

static void exceptions(void **state)
{
    const A64Mode el0 = {.el = 0, .model = model}, illegal = {.el = 1, .il = true, .model = model};

    assert_int_equal(TRANSLATE(0xd40000e1, 0xd503201f), 4); /* svc #7 */
    assert_calls("svc");
    assert_int_equal(block.ops[find(IR_CALL, 0)->a].imm, 7);
    assert_int_equal(last()->op, IR_EXIT_PC);
    assert_int_equal(TRANSLATE(0x00000000), 4); /* udf */
    assert_calls("undefined");
    page[0] = 0xd40000a2; /* hvc #5 */
    translate(&el0, 0, 1);
    assert_calls("undefined");
    page[0] = 0xd503201f;
    translate(&illegal, 0, 1);
    assert_calls("illegal_state");
}

/* SCTLR_ELx.SA: the first access with SP as its base checks it, and again after a change that may have
 * lost the alignment. */
static void stack_pointer(void **state)
{
    static const uint32_t words[] = {
        0xf94003e0, /* ldr x0, [sp] */
        0xf94007e1, /* ldr x1, [sp, #8] */
        0xd10083ff, /* sub sp, sp, #32 */
        0xf90003e0, /* str x0, [sp] */
        0x9100005f, /* mov sp, x2 */
        0xa9bf07e0, /* stp x0, x1, [sp, #-16]! */
    };
    const A64Mode checking = {.el = 1, .model = model, .sp_check = true};

    TRANSLATE(words[0]);
    assert_null(find(IR_CHECK, 0));
    memcpy(page, words, sizeof words);
    assert_int_equal(translate(&checking, 0, 6), 24);
    assert_null(ir_verify(&block));
    assert_true(find(IR_CHECK, 0) < find(IR_LOAD, 0));
    assert_true(find(IR_CHECK, 1) > find(IR_STORE, 0));
    assert_true(find(IR_CHECK, 1) < find(IR_STORE, 1));
    assert_null(find(IR_CHECK, 2));
}

/* A hint whose feature is not announced does nothing; other encodings are UNDEFINED. */
static void features(void **state)
{
    A64Model *without = a64_model_new("max,lse=off,pauth=off,pacimp=off", NULL);
    const A64Mode mode = {.el = 1, .model = without};

    assert_non_null(without);
    page[0] = 0xb8210062; /* ldadd w1, w2, [x3] */
    translate(&mode, 0, 1);
    assert_calls("undefined");
    page[0] = 0xd503233f; /* paciasp */
    translate(&mode, 0, 1);
    assert_null(find(IR_CALL, 0));
    assert_null(find(IR_PUT, 0));
    a64_model_free(without);
}

static int setup(void **state)
{
    model = a64_model_new("max", NULL);
    return model ? 0 : -1;
}

static int teardown(void **state)
{
    a64_model_free(model);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row),
        cmocka_unit_test(syndromes),
        cmocka_unit_test(unprivileged_view),
        cmocka_unit_test(orders),
        cmocka_unit_test(accesses_before_registers),
        cmocka_unit_test(branches),
        cmocka_unit_test(block_ends),
        cmocka_unit_test(exceptions),
        cmocka_unit_test(stack_pointer),
        cmocka_unit_test(features),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
