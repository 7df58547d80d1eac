/*
 * SIMD and floating point: one word of every row against what qemu-aarch64 made of it
 * (simd-cases.inc, recorded by tests/diff/record-simd.py), and the structure loads and stores.
 * The IR is executed here, op by op: this test needs no engine.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "armillary/ir.h"
#include "a64-decode.h"
#include "model.h"
#include "state.h"

#include "ir/eval.h"

typedef struct {
    const char *name;
    uint32_t word, fpcr;
    uint64_t v[2], x;
    uint32_t fpsr, nzcv;
} Case;

#define SIMD_REGISTERS(...) static const uint64_t registers[64] = {__VA_ARGS__};
#define SIMD_CASE(name, word, fpcr, low, high, x, fpsr, nzcv)
#include "simd-cases.inc"
#undef SIMD_REGISTERS
#undef SIMD_CASE

static const Case cases[] = {
#define SIMD_REGISTERS(...)
#define SIMD_CASE(name, word, fpcr, low, high, x, fpsr, nzcv)                                      \
    {#name, word, fpcr, {low, high}, x, fpsr, nzcv},
#include "simd-cases.inc"
};

enum { MEMORY = 512, BASE = 256 };
static uint8_t memory[MEMORY];
static A64Cpu cpu;
static IrBlock block;
static uint64_t values[IR_MAX_OPS];

static uint8_t *at(uint64_t address, unsigned size)
{
    assert_true(address + size <= MEMORY);
    return memory + address;
}

static uint64_t access_memory(const IrOp *op)
{
    const unsigned size = 1u << IR_MEM_GET_SIZE(op->imm);
    uint8_t *const p = at(values[op->a], size);
    uint64_t v = 0;
    memcpy(op->op == IR_LOAD ? (uint8_t *)&v : p, op->op == IR_LOAD ? p : (uint8_t *)&values[op->b],
           size);
    return v;
}

static uint64_t call(const IrOp *op)
{
    const IrHelper *h = (const IrHelper *)(uintptr_t)op->imm;
    return h->fn(&cpu, values[op->a], values[op->b], values[op->c]);
}

static uint64_t execute(const IrOp *op)
{
    uint8_t *const state = (uint8_t *)&cpu;
    uint64_t v = 0;
    switch (op->op) {
    case IR_CONST:
        return op->imm;
    case IR_GET:
        memcpy(&v, state + op->imm, 1u << op->type);
        return v;
    case IR_PUT:
        memcpy(state + op->imm, &values[op->a], 1u << op->type);
        return 0;
    case IR_LOAD:
    case IR_STORE:
        return access_memory(op);
    case IR_CALL:
        return call(op);
    case IR_VEC: {
        const IrVec *vec = &block.vecs[op->imm];
        vec->fn(&cpu, state + op->a, state + op->b, state + op->c, vec->desc);
        return 0;
    }
    case IR_GOTO:
        return 0;
    default:
        return ir_eval((IrOpcode)op->op, (IrType)op->type,
                       (const uint64_t[]){values[op->a], values[op->b], values[op->c]}, op->imm);
    }
}

/* Executes one instruction with all features announced. */
static void run(uint32_t word)
{
    static A64Model all;
    memset(all.features, 0xff, sizeof all.features);
    const A64Mode mode = {.el = 0, .model = &all};
    A64Trans t = {.b = &block, .mode = &mode, .word = word};
    ir_begin(&block);
    assert_true(a64_decode(&t));
    ir_emit(&block, IR_GOTO, IR_I64, 0, 0, 0, 4);
    assert_null(ir_verify(&block));
    ir_optimise(&block);
    for (uint32_t i = 1; i < block.n_ops; i++) {
        values[i] = execute(&block.ops[i]);
    }
}

static void reset(uint32_t fpcr)
{
    memset(&cpu, 0, sizeof cpu);
    memcpy(cpu.st.v, registers, sizeof cpu.st.v);
    for (unsigned i = 0; i < 31; i++) {
        cpu.st.x[i] = i * UINT64_C(0x0123456789abcdef);
    }
    cpu.st.fpcr = fpcr;
}

static void test_rows(void **state)
{
    unsigned bad = 0;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const Case *c = &cases[i];
        const unsigned rd = c->word & 31;
        reset(c->fpcr);
        run(c->word);
        if (memcmp(&cpu.st.v[rd], c->v, 16) != 0 || (rd < 31 && cpu.st.x[rd] != c->x) ||
            cpu.st.fpsr != c->fpsr || cpu.st.pstate.nzcv != c->nzcv) {
            print_error("%s %08x differs\n", c->name, c->word);
            bad++;
        }
    }
    assert_int_equal(bad, 0);
}

/* LD<selem> {v30 ...}, [x0] and back: element e of structure s lies at (s * selem + e) * size. */
static void check_structures(unsigned selem, unsigned size, unsigned q)
{
    static const unsigned opcodes[] = {0, 7, 8, 4, 0};
    const uint32_t word = 0x0c000000 | q << 30 | opcodes[selem] << 12 | size << 10 | 30;
    const unsigned step = 1u << size, bytes = 8u << q;
    reset(0);
    cpu.st.x[0] = BASE;
    for (unsigned i = 0; i < MEMORY; i++) {
        memory[i] = (uint8_t)(i * 7);
    }
    run(word | 1 << 22);
    for (unsigned e = 0; e < selem; e++) {
        const uint8_t *reg = cpu.st.v[(30 + e) % 32].u8;
        for (unsigned i = 0; i < 16; i++) {
            const unsigned from = (i / step * selem + e) * step + i % step;
            assert_int_equal(reg[i], i < bytes ? memory[BASE + from] : 0);
        }
    }
    uint8_t before[MEMORY];
    memcpy(before, memory, MEMORY);
    memset(memory + BASE, 0, (size_t)selem * bytes);
    run(word);
    assert_memory_equal(memory, before, MEMORY);
}

static void test_structures(void **state)
{
    for (unsigned selem = 1; selem <= 4; selem++) {
        for (unsigned size = 0; size < 4; size++) {
            check_structures(selem, size, 1);
            if (size < 3 || selem == 1) {
                check_structures(selem, size, 0);
            }
        }
    }
}

/* A lane is written alone, also in V0 after V31; post-index adds the bytes transferred. */
static void test_lanes(void **state)
{
    reset(0);
    cpu.st.x[1] = BASE;
    memcpy(memory + BASE, "\x11\x22\x33\x44\x55\x66\x77\x88", 8);
    run(0x4dff903f); /* ld2 {v31.s, v0.s}[3], [x1], #8 */
    assert_int_equal(cpu.st.v[31].u32[3], 0x44332211);
    assert_int_equal(cpu.st.v[0].u32[3], 0x88776655);
    assert_int_equal(cpu.st.v[31].u32[2], (uint32_t)registers[63]);
    assert_int_equal(cpu.st.x[1], BASE + 8);
    cpu.st.x[1] = BASE;
    run(0x0d40c423); /* ld1r {v3.4h}, [x1] */
    assert_true(cpu.st.v[3].d[0] == 0x2211221122112211 && cpu.st.v[3].d[1] == 0);
}

/* Pairs and Q registers move all their bytes; shorter loads clear the rest. */
static void test_registers(void **state)
{
    reset(0);
    cpu.st.x[2] = BASE;
    run(0xad010440); /* stp q0, q1, [x2, #32] */
    assert_memory_equal(memory + BASE + 32, registers, 32);
    run(0x3dc00843); /* ldr q3, [x2, #32] */
    assert_memory_equal(&cpu.st.v[3], registers, 16);
    run(0xbd402044); /* ldr s4, [x2, #32] */
    assert_true(cpu.st.v[4].d[0] == (uint32_t)registers[0] && cpu.st.v[4].d[1] == 0);
    run(0x6cc21845); /* ldp d5, d6, [x2], #32 */
    assert_int_equal(cpu.st.x[2], BASE + 32);
    assert_int_equal(cpu.st.v[6].d[1], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_structures),
        cmocka_unit_test(test_lanes),
        cmocka_unit_test(test_registers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
