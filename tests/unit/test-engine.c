/*
 * The run loop and the block cache on the toy architecture: self-modifying code, links and their invalidation, polling, turns
 * counted exactly whatever the block size, devices within turns.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "../../src/engine/code.h"
#include "toy-cpu.h"

static void start(Toy *t, uint64_t pc)
{
    t->cpu[0]->eng.pc = pc;
    memset(t->cpu[0]->x, 0, sizeof t->cpu[0]->x);
}

static void test_loop(void **unused)
{
    static const uint32_t code[] = {
        TOY(TOY_ADDI, 1, 1, 1), TOY(TOY_ADDI, 2, 2, 3), TOY(TOY_ADDI, 0, 0, -1),
        TOY(TOY_CBNZ, 0, 0, -3), TOY(TOY_HALT, 0, 0, 0),
    };
    Toy t;
    toy_new(&t, &(EngConfig){0}, 1);
    toy_code(&t, 0x1000, code, 5);
    start(&t, 0x1000);
    t.cpu[0]->x[0] = 1000;
    assert_int_equal(eng_run(&t.cpu[0]->eng), ENG_RAN_HALT);
    assert_int_equal(t.cpu[0]->x[1], 1000);
    assert_int_equal(t.cpu[0]->x[2], 3000);
    assert_int_equal(t.cpu[0]->eng.pc, 0x1014);
    assert_int_equal(t.cpu[0]->eng.insns, 4001);
    assert_in_range(t.cpu[0]->translations, 2, 3);
    assert_in_range(t.cpu[0]->polls, 1, 3); /* linked: the loop never came back to the run loop */
    toy_free(&t);
}

/* A loop over two pages writes the immediate of an instruction of the other page each time around. */
static void test_self_modifying(void **unused)
{
    static const uint32_t loop[] = {
        /* x3 = the word at 0x2000, one more in its immediate each time */
        TOY(TOY_LDR, 3, 4, 0), TOY(TOY_ADDI, 3, 3, 1), TOY(TOY_STR, 3, 4, 0),
        TOY(TOY_B, 0, 0, 1021), /* 0x100c -> 0x2000 */
    };
    static const uint32_t other[] = {
        TOY(TOY_ADDI, 1, 1, 0), TOY(TOY_ADDI, 0, 0, -1), TOY(TOY_CBNZ, 0, 0, -1026), TOY(TOY_HALT, 0, 0, 0),
    };
    for (unsigned max = 0; max < 3; max++) {
        Toy t;
        toy_new(&t, &(EngConfig){.max_block_insns = max}, 1);
        toy_code(&t, 0x1000, loop, 4);
        toy_code(&t, 0x2000, other, 4);
        start(&t, 0x1000);
        t.cpu[0]->x[0] = 100;
        t.cpu[0]->x[4] = 0x2000;
        assert_int_equal(eng_run(&t.cpu[0]->eng), ENG_RAN_HALT);
        assert_int_equal(t.cpu[0]->x[1], 100 * 101 / 2);
        assert_int_equal(t.cpu[0]->eng.insns, 701);
        toy_free(&t);
    }
}

/* The same with everything on one page, reached by patched links. */
static void test_self_modifying_same_page(void **unused)
{
    static const uint32_t loop[] = {
        TOY(TOY_LDR, 3, 4, 0), TOY(TOY_ADDI, 3, 3, 1), TOY(TOY_STR, 3, 4, 0), TOY(TOY_B, 0, 0, 61),
    };
    static const uint32_t other[] = {
        TOY(TOY_ADDI, 1, 1, 0), TOY(TOY_ADDI, 0, 0, -1), TOY(TOY_CBNZ, 0, 0, -66), TOY(TOY_HALT, 0, 0, 0),
    };
    Toy t;
    toy_new(&t, &(EngConfig){0}, 1);
    toy_code(&t, 0x1000, loop, 4);
    toy_code(&t, 0x1100, other, 4);
    start(&t, 0x1000);
    t.cpu[0]->x[0] = 100;
    t.cpu[0]->x[4] = 0x1100;
    assert_int_equal(eng_run(&t.cpu[0]->eng), ENG_RAN_HALT);
    assert_int_equal(t.cpu[0]->x[1], 100 * 101 / 2);
    /* only the block written to was translated again */
    assert_in_range(t.cpu[0]->translations, 100, 130);
    toy_free(&t);
}

/* Data next to code: writes to other lines of the page drop nothing. */
static void test_data_on_code_page(void **unused)
{
    static const uint32_t code[] = {
        TOY(TOY_STR, 0, 4, 0), TOY(TOY_STRX, 0, 4, 8), TOY(TOY_ADDI, 0, 0, -1), TOY(TOY_CBNZ, 0, 0, -3), TOY(TOY_HALT, 0, 0, 0),
    };
    Toy t;
    toy_new(&t, &(EngConfig){0}, 1);
    toy_code(&t, 0x1000, code, 5);
    start(&t, 0x1000);
    t.cpu[0]->x[0] = 1000;
    t.cpu[0]->x[4] = 0x1800;
    assert_int_equal(eng_run(&t.cpu[0]->eng), ENG_RAN_HALT);
    assert_int_equal(t.ram[0x1800], 1);
    assert_int_equal(eng_blocks_stats(&t.cpu[0]->eng)->dropped, 0);
    toy_free(&t);
}

/* A device writes over code that has run. */
static void test_dma(void **unused)
{
    const uint32_t code[] = {TOY(TOY_ADDI, 1, 1, 1), TOY(TOY_HALT, 0, 0, 0)};
    const uint32_t changed = TOY(TOY_ADDI, 1, 1, 100);
    Toy t;
    toy_new(&t, &(EngConfig){0}, 1);
    toy_code(&t, 0x1000, code, 2);
    start(&t, 0x1000);
    eng_run(&t.cpu[0]->eng);
    assert_true(mem_copy_to(t.mem, (Pa){0x1000}, &changed, 4));
    t.cpu[0]->eng.pc = 0x1000;
    eng_run(&t.cpu[0]->eng);
    assert_int_equal(t.cpu[0]->x[1], 101);
    toy_free(&t);
}

/* What one vCPU writes over, another one no longer runs. */
static void test_two_cpus(void **unused)
{
    const uint32_t code[] = {TOY(TOY_ADDI, 1, 1, 1), TOY(TOY_HALT, 0, 0, 0)};
    const uint32_t writer[] = {TOY(TOY_STR, 3, 4, 0), TOY(TOY_HALT, 0, 0, 0)};
    Toy t;
    toy_new(&t, &(EngConfig){0}, 2);
    toy_code(&t, 0x1000, code, 2);
    toy_code(&t, 0x3000, writer, 2);
    start(&t, 0x1000);
    eng_run(&t.cpu[0]->eng);
    t.cpu[1]->eng.pc = 0x3000;
    t.cpu[1]->x[3] = TOY(TOY_ADDI, 1, 1, 100);
    t.cpu[1]->x[4] = 0x1000;
    eng_run(&t.cpu[1]->eng);
    t.cpu[0]->eng.pc = 0x1000;
    eng_run(&t.cpu[0]->eng);
    assert_int_equal(t.cpu[0]->x[1], 101);
    toy_free(&t);
}

static void *kick_later(void *arg)
{
    ToyCpu *cpu = arg;
    while (!atomic_load(&cpu->eng.sleeping) && cpu->eng.insns == UINT64_MAX) {
    }
    eng_kick(&cpu->eng, ENG_ATT_STOP);
    return NULL;
}

/* `b .` is left when something wants attention; so is an indirect branch to itself. */
static void test_poll(void **unused)
{
    const uint32_t self = TOY(TOY_B, 0, 0, 0), indirect = TOY(TOY_BR, 0, 5, 0);
    for (unsigned i = 0; i < 2; i++) {
        Toy t;
        pthread_t thread;
        toy_new(&t, &(EngConfig){0}, 1);
        toy_code(&t, 0x1000, i ? &indirect : &self, 1);
        start(&t, 0x1000);
        t.cpu[0]->x[5] = 0x1000;
        assert_int_equal(pthread_create(&thread, NULL, kick_later, t.cpu[0]), 0);
        assert_int_equal(eng_run(&t.cpu[0]->eng), ENG_RAN_STOP);
        assert_int_equal(t.cpu[0]->eng.pc, 0x1000);
        pthread_join(thread, NULL);
        toy_free(&t);
    }
}

/* Sleeping ends at a kick, and at a kick that came before. */
static void test_sleep(void **unused)
{
    Toy t;
    pthread_t thread;
    toy_new(&t, &(EngConfig){0}, 1);
    pthread_create(&thread, NULL, kick_later, t.cpu[0]);
    eng_sleep(&t.cpu[0]->eng, INT64_MAX);
    pthread_join(thread, NULL);
    eng_sleep(&t.cpu[0]->eng, INT64_MAX);
    assert_int_equal(atomic_load(&t.cpu[0]->eng.attention), ENG_ATT_STOP);
    toy_free(&t);
}

/* Faults are precise: x[15] is the instruction, x before it are done, after it not. */
static void test_fault(void **unused)
{
    static const uint32_t code[] = {
        TOY(TOY_ADDI, 1, 1, 7), TOY(TOY_LDR, 2, 4, 0), TOY(TOY_ADDI, 1, 1, 7), TOY(TOY_HALT, 0, 0, 0),
    };
    const uint32_t handler = TOY(TOY_HALT, 0, 0, 0);
    Toy t;
    toy_new(&t, &(EngConfig){0}, 1);
    toy_code(&t, 0x1000, code, 4);
    toy_code(&t, 0x200, &handler, 1);
    start(&t, 0x1000);
    t.cpu[0]->x[2] = 99;
    t.cpu[0]->x[4] = 0x20000000;
    assert_int_equal(eng_run(&t.cpu[0]->eng), ENG_RAN_HALT);
    assert_int_equal(t.cpu[0]->x[15], 0x1004);
    assert_int_equal(t.cpu[0]->x[1], 7);
    assert_int_equal(t.cpu[0]->x[2], 99);
    assert_int_equal(t.cpu[0]->eng.insns, 3); /* the one that faulted counts */
    assert_int_equal(t.cpu[0]->eng.pc, 0x204);
    /* and a jump to where nothing is mapped, and a misaligned one */
    start(&t, 0x20000000);
    eng_run(&t.cpu[0]->eng);
    assert_int_equal(t.cpu[0]->x[15], 0x20000000);
    start(&t, 0x1002);
    eng_run(&t.cpu[0]->eng);
    assert_int_equal(t.cpu[0]->x[15], 0x1002);
    toy_free(&t);
}

/* --- turns --- */

/* A loop that reads the counter and a device at several places; digest of all it saw. */
static const uint32_t counted[] = {
    TOY(TOY_ADDI, 1, 1, 1), TOY(TOY_WRAP, 2, 0, 0), TOY(TOY_ADDI, 3, 2, 0), TOY(TOY_LDR, 6, 5, 0),
    TOY(TOY_ADDI, 7, 6, 1), TOY(TOY_WRAP, 8, 0, 0), TOY(TOY_EXIT, 0, 0, 0), TOY(TOY_STR, 8, 4, 0),
    TOY(TOY_STR, 8, 5, 8), /* raises the interrupt, taken right after */
    TOY(TOY_ADDI, 9, 9, 1), TOY(TOY_ADDI, 10, 10, 1), TOY(TOY_CBNZ, 0, 1, -11),
};
static const uint32_t on_irq[] = {
    TOY(TOY_ADDI, 11, 11, 1), TOY(TOY_ADDI, 12, 9, 0), TOY(TOY_BR, 0, 14, 0),
};

typedef struct {
    uint64_t x[16], pc, insns, io_at;
} Seen;

static Seen run_turns(unsigned max_block, const int64_t *turns, unsigned n)
{
    Toy t;
    Seen seen;
    toy_new(&t, &(EngConfig){.max_block_insns = max_block}, 1);
    toy_code(&t, 0x1000, counted, 12);
    toy_code(&t, 0x100, on_irq, 3);
    start(&t, 0x1000);
    ToyCpu *cpu = t.cpu[0];
    cpu->eng.counting = true;
    cpu->x[4] = 0x4000;
    cpu->x[5] = TOY_DEVICE;
    for (unsigned i = 0; i < n; i++) {
        uint64_t before = cpu->eng.insns;
        cpu->eng.budget = turns[i];
        assert_int_equal(eng_run(&cpu->eng), ENG_RAN_BUDGET);
        assert_int_equal(cpu->eng.insns - before, turns[i]);
        assert_int_equal(cpu->eng.budget, 0);
    }
    memcpy(seen.x, cpu->x, sizeof seen.x);
    seen.pc = cpu->eng.pc;
    seen.insns = cpu->eng.insns;
    seen.io_at = cpu->io_at;
    toy_free(&t);
    return seen;
}

static void test_turns(void **unused)
{
    static const int64_t turns[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 100, 1000, 3, 57, 1};
    for (unsigned n = 1; n <= sizeof turns / sizeof turns[0]; n++) {
        Seen one = run_turns(1, turns, n);
        int64_t all = 0;
        for (unsigned i = 0; i < n; i++)
            all += turns[i];
        assert_int_equal(one.insns, all);
        for (unsigned max = 0; max < 8; max++) {
            Seen other = run_turns(max, turns, n);
            assert_memory_equal(&one, &other, sizeof one);
        }
        Seen whole = run_turns(0, &all, 1);
        assert_memory_equal(&one, &whole, sizeof one);
    }
}

/* The first time around by hand: what the counter and the device must say. */
static void test_turn_values(void **unused)
{
    const int64_t turn = 14;
    Seen s = run_turns(0, &turn, 1);
    assert_int_equal(s.x[2], 2);
    assert_int_equal(s.x[6], 4);
    assert_int_equal(s.x[8], 6);
    assert_int_equal(s.io_at, 9);
    assert_int_equal(s.x[14], 0x1024); /* interrupted right after the device was written */
    assert_int_equal(s.x[9], 1);
    assert_int_equal(s.x[11], 1);
}

/* --- the arena --- */

/* Code far larger than the arena, called round and round through links and indirect branches. */
static void test_eviction(void **unused)
{
    enum { PAGES = 96, FIRST = 0x20000, ARENA = 256 << 10 };
    Toy t;
    toy_new(&t, &(EngConfig){.code_bytes = ARENA}, 1);
    for (unsigned p = 0; p < PAGES; p++) {
        for (unsigned i = 0; i < 1024; i += 8) {
            bool last = i == 1016;
            const uint32_t code[8] = {
                TOY(TOY_ADDI, 1, 1, 1), TOY(TOY_ADDI, 2, 2, 2), TOY(TOY_B, 0, 0, 1), TOY(TOY_ADDI, 3, 3, 1),
                TOY(TOY_ADDI, 3, 3, 1), TOY(TOY_ADDI, 3, 3, 1), TOY(TOY_ADDI, 3, 3, 1),
                last && p == PAGES - 1 ? TOY(TOY_HALT, 0, 0, 0) : TOY(TOY_B, 0, 0, 1),
            };
            toy_code(&t, FIRST + 4096 * p + 4 * i, code, 8);
        }
    }
    for (unsigned round = 1; round <= 4; round++) {
        t.cpu[0]->eng.pc = FIRST;
        assert_int_equal(eng_run(&t.cpu[0]->eng), ENG_RAN_HALT);
        assert_int_equal(t.cpu[0]->x[1], round * PAGES * 128);
        assert_int_equal(t.cpu[0]->x[3], round * PAGES * 128 * 4);
    }
    assert_true(eng_blocks_stats(&t.cpu[0]->eng)->evicted > 1000);
    toy_free(&t);
}

/* --- accesses --- */

static void test_misaligned(void **unused)
{
    static const uint32_t code[] = {
        TOY(TOY_STRX, 3, 4, 0), TOY(TOY_LDR, 5, 4, 4), TOY(TOY_LDR, 6, 4, 1), TOY(TOY_HALT, 0, 0, 0),
    };
    for (uint64_t at = 0x4000 - 9; at <= 0x4000; at++) {
        Toy t;
        toy_new(&t, &(EngConfig){0}, 1);
        toy_code(&t, 0x1000, code, 4);
        start(&t, 0x1000);
        t.cpu[0]->x[3] = 0x8877665544332211;
        t.cpu[0]->x[4] = at;
        assert_int_equal(eng_run(&t.cpu[0]->eng), ENG_RAN_HALT);
        assert_memory_equal(t.ram + at, &t.cpu[0]->x[3], 8);
        assert_int_equal(t.cpu[0]->x[5], 0x88776655);
        assert_int_equal(t.cpu[0]->x[6], 0x55443322);
        assert_int_equal(t.cpu[0]->faults, 0);
        toy_free(&t);
    }
}

static void test_exclusives(void **unused)
{
    Toy t;
    uint64_t v[2], failed, pair = IR_MEM_SIZE(3) | IR_MEM_PAIR, word = IR_MEM_SIZE(2);
    toy_new(&t, &(EngConfig){0}, 1);
    EngVcpu *cpu = &t.cpu[0]->eng;
    eng_run((cpu->pc = 0x1000, toy_code(&t, 0x1000, &(uint32_t){TOY(TOY_HALT, 0, 0, 0)}, 1), cpu));
    assert_true(eng_load_exclusive(cpu, (Va){0x4000}, word, v));
    assert_true(eng_store_exclusive(cpu, (Va){0x4000}, word, (uint64_t[2]){5}, &failed));
    assert_int_equal(failed, 0);
    assert_true(eng_store_exclusive(cpu, (Va){0x4000}, word, (uint64_t[2]){6}, &failed));
    assert_int_equal(failed, 1); /* the monitor is open again */
    eng_load_exclusive(cpu, (Va){0x4000}, word, v);
    assert_int_equal(v[0], 5);
    t.ram[0x4000] = 9; /* somebody else */
    eng_store_exclusive(cpu, (Va){0x4000}, word, (uint64_t[2]){7}, &failed);
    assert_int_equal(failed, 1);
    assert_int_equal(t.ram[0x4000], 9);
    eng_load_exclusive(cpu, (Va){0x4000}, word, v);
    eng_store_exclusive(cpu, (Va){0x4004}, word, (uint64_t[2]){7}, &failed);
    assert_int_equal(failed, 1); /* another address */
    eng_load_exclusive(cpu, (Va){0x4010}, pair, v);
    eng_store_exclusive(cpu, (Va){0x4010}, pair, (uint64_t[2]){1, 2}, &failed);
    assert_int_equal(failed, 0);
    assert_int_equal(t.ram[0x4018], 2);
    eng_load_exclusive(cpu, (Va){0x4020}, word | IR_MEM_PAIR, v);
    eng_store_exclusive(cpu, (Va){0x4020}, word | IR_MEM_PAIR, (uint64_t[2]){0x11, 0x22}, &failed);
    assert_int_equal(failed, 0);
    eng_load_exclusive(cpu, (Va){0x4020}, word | IR_MEM_PAIR, v);
    assert_int_equal(v[0], 0x11);
    assert_int_equal(v[1], 0x22);
    assert_false(eng_load_exclusive(cpu, (Va){0x4001}, word, v)); /* must be aligned */
    assert_int_equal(t.cpu[0]->faults, 1);
    toy_free(&t);
}

static void test_sixteen(void **unused)
{
    Toy t;
    uint64_t v[2] = {0}, want[2] = {0x1111, 0x2222};
    toy_new(&t, &(EngConfig){0}, 1);
    EngVcpu *cpu = &t.cpu[0]->eng;
    eng_run((cpu->pc = 0x1000, toy_code(&t, 0x1000, &(uint32_t){TOY(TOY_HALT, 0, 0, 0)}, 1), cpu));
    for (unsigned at = 0; at < 40; at++) { /* within 16 bytes and across them, across a page */
        const uint64_t sizes[2] = {IR_MEM_SIZE(2) | IR_MEM_PAIR, IR_MEM_SIZE(3) | IR_MEM_PAIR};
        for (unsigned k = 0; k < 2; k++) {
            memset(t.ram + 0x4fd0, 0xee, 96);
            assert_true(eng_store_pair(cpu, (Va){0x4fe0 + at}, sizes[k], want));
            assert_true(eng_load_pair(cpu, (Va){0x4fe0 + at}, sizes[k], v));
            assert_memory_equal(v, want, 16);
            assert_int_equal(t.ram[0x4fdf + at], 0xee);
            assert_int_equal(t.ram[0x4fe0 + at], 0x11);
            assert_int_equal(t.ram[0x4fe0 + at + (4u << k)], 0x22);
            assert_int_equal(t.ram[0x4fe0 + at + (8u << k)], 0xee);
        }
    }
    t.ram[0x4000] = t.ram[0x4001] = 0x11;
    t.ram[0x4008] = t.ram[0x4009] = 0x22;
    uint64_t expected[2] = {0x1111, 0x2223};
    assert_true(eng_cas16(cpu, (Va){0x4000}, 0, expected, (uint64_t[2]){3, 4}));
    assert_memory_equal(expected, want, 16);
    assert_true(eng_cas16(cpu, (Va){0x4000}, 0, expected, (uint64_t[2]){3, 4}));
    assert_int_equal(t.ram[0x4000], 3);
    assert_int_equal(t.ram[0x4008], 4);
    toy_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loop), cmocka_unit_test(test_self_modifying),
        cmocka_unit_test(test_self_modifying_same_page), cmocka_unit_test(test_data_on_code_page),
        cmocka_unit_test(test_dma), cmocka_unit_test(test_two_cpus), cmocka_unit_test(test_poll),
        cmocka_unit_test(test_sleep), cmocka_unit_test(test_fault), cmocka_unit_test(test_turns),
        cmocka_unit_test(test_turn_values), cmocka_unit_test(test_eviction), cmocka_unit_test(test_misaligned),
        cmocka_unit_test(test_exclusives), cmocka_unit_test(test_sixteen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
