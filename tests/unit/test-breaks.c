/*
 * Breakpoints of a debugger on the toy architecture, which here has a window at 0x400000 that leads to any page, machine numbers and
 * levels: places, conditions, what is cut and what is not, going on, turns. docs/howto-gdb.md, "Where a breakpoint is".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "../../src/engine/code.h"
#include "toy-cpu.h"

enum { WINDOW = 0x400000, LOOP = 0x1000, OTHER = 0x2000 };

/* Of the whole machine: where the window leads; of each context: its VMID, level and ASID. */
static uint64_t window_page;
static unsigned vmid_now, level_now, asid_now, global_now;

static bool translate_va(EngVcpu *cpu, Va va, EngAccess access, uint64_t mem, EngXlat *out)
{
    bool window = (va.v & ~ARM_PAGE_MASK) == WINDOW;
    bool ok = toy_translate_va(cpu, va, access, mem, out);
    if (window)
        out->pa.v = window_page | (va.v & ARM_PAGE_MASK);
    out->flags |= global_now ? ENG_X_GLOBAL : 0;
    return ok;
}

static EngContext context(EngVcpu *cpu, IrView view, EngAccess access)
{
    return (EngContext){.regime = 1, .vmid = vmid_now, .asid = asid_now, .view = level_now};
}

static unsigned level(const EngVcpu *cpu)
{
    return level_now;
}

static CpuTarget target;

/* x1 += 1, x2 += 3, x0 -= 1, until x0 is 0. */
static const uint32_t loop_code[] = {
    TOY(TOY_ADDI, 1, 1, 1), TOY(TOY_ADDI, 2, 2, 3), TOY(TOY_ADDI, 0, 0, -1), TOY(TOY_CBNZ, 0, 0, -3), TOY(TOY_HALT, 0, 0, 0),
};

static EngVcpu *begin(Toy *t, unsigned cpus)
{
    target = toy_target;
    target.translate_va = translate_va;
    target.context = context;
    target.level = level;
    window_page = LOOP;
    vmid_now = level_now = asid_now = 0;
    global_now = 1;
    toy_new(t, &(EngConfig){0}, cpus);
    for (unsigned i = 0; i < cpus; i++)
        t->cpu[i]->eng.target = &target;
    toy_code(t, LOOP, loop_code, 5);
    toy_code(t, OTHER, loop_code, 5);
    toy_code(t, OTHER + 0x1000, loop_code, 5);
    return &t->cpu[0]->eng;
}

static void at(EngVcpu *cpu, uint64_t pc, uint64_t rounds)
{
    ToyCpu *toy = (ToyCpu *)cpu;
    memset(toy->x, 0, sizeof toy->x);
    toy->x[0] = rounds;
    cpu->pc = pc;
    eng_context_changed(cpu);
}

/* How often it stops until it halts. */
static unsigned stops(EngVcpu *cpu)
{
    unsigned n = 0;
    while (eng_run(cpu) == ENG_RAN_BREAK) {
        n++;
        eng_break_resume(cpu, true);
    }
    return n;
}

static unsigned stops_at(EngVcpu *cpu, uint64_t pc)
{
    at(cpu, pc, 4);
    unsigned n = stops(cpu);
    assert_int_equal(((ToyCpu *)cpu)->x[1], 4);
    assert_int_equal(((ToyCpu *)cpu)->x[2], 12);
    return n;
}

static uint32_t add_pa(Toy *t, uint64_t pa)
{
    return eng_break_add(t->machine, &(EngBreak){.placed = true, .pa = {pa}, .owner = 1});
}

static uint32_t add_va(Toy *t, uint64_t va)
{
    return eng_break_add(t->machine, &(EngBreak){.when = ENG_BREAK_VA, .va = va, .owner = 2});
}

static void test_set(void **unused)
{
    Toy t;
    EngBreak b;
    begin(&t, 1);
    assert_int_equal(add_pa(&t, LOOP + 2), 0);
    assert_int_equal(add_va(&t, WINDOW + 1), 0);
    assert_int_equal(eng_break_add(t.machine, &(EngBreak){0}), 0); /* neither here nor there */
    uint32_t first = add_pa(&t, LOOP), second = add_va(&t, LOOP), third = add_pa(&t, LOOP);
    assert_true(first && second > first && third > second);
    assert_true(eng_break_remove(t.machine, second));
    assert_false(eng_break_remove(t.machine, second));
    assert_true(eng_break_get(t.machine, 1, &b));
    assert_int_equal(b.id, third);
    assert_false(eng_break_get(t.machine, 2, &b));
    for (unsigned n = 2; n < ENG_MAX_BREAKS; n++)
        assert_true(add_pa(&t, 4 * n) > third);
    assert_int_equal(add_pa(&t, LOOP), 0);
    eng_breaks_clear(t.machine);
    assert_false(eng_break_get(t.machine, 0, &b));
    assert_true(add_pa(&t, LOOP) > third);
    toy_free(&t);
}

/* At each place of the loop, in the middle of blocks and at their ends; counts stay exact. */
static void test_everywhere(void **unused)
{
    for (unsigned n = 0; n < 5; n++) {
        Toy t;
        EngBreak b;
        EngVcpu *cpu = begin(&t, 1);
        for (unsigned warm = 0; warm < 2; warm++) {
            uint64_t before = cpu->insns;
            uint32_t id = add_pa(&t, LOOP + 4 * n);
            assert_int_equal(stops_at(cpu, LOOP), n < 4 ? 4 : 1);
            assert_int_equal(cpu->insns - before, 17);
            assert_true(eng_break_get(t.machine, 0, &b));
            assert_int_equal(b.hits, n < 4 ? 4 : 1);
            assert_true(eng_break_remove(t.machine, id));
            assert_int_equal(stops_at(cpu, LOOP), 0);
        }
        toy_free(&t);
    }
}

/* Nothing of another page is translated again, and of its own only the line; afterwards all is as before. */
static void test_costs(void **unused)
{
    Toy t;
    EngVcpu *cpu = begin(&t, 1);
    const EngBlocksStats *stats = eng_blocks_stats(cpu);
    toy_code(&t, LOOP + 0x100, loop_code, 5);
    stops_at(cpu, LOOP);
    stops_at(cpu, LOOP + 0x100);
    stops_at(cpu, OTHER);
    uint64_t translated = stats->translated;
    stops_at(cpu, OTHER);
    assert_int_equal(stats->translated, translated); /* they stay */
    uint32_t id = add_pa(&t, LOOP + 4);
    uint64_t dropped = stats->dropped;
    assert_true(dropped >= 1);
    stops_at(cpu, OTHER);
    stops_at(cpu, LOOP + 0x100);
    assert_int_equal(stats->translated, translated);
    /* a loop on a page without breakpoints runs linked: it polls when it begins and when it ends */
    unsigned polls = t.cpu[0]->polls;
    at(cpu, OTHER, 1000);
    eng_run(cpu);
    assert_in_range(t.cpu[0]->polls - polls, 1, 3);
    assert_int_equal(stops_at(cpu, LOOP), 4);
    assert_true(stats->translated > translated);
    eng_break_remove(t.machine, id);
    stops_at(cpu, LOOP);
    translated = stats->translated;
    polls = t.cpu[0]->polls;
    at(cpu, LOOP, 1000);
    eng_run(cpu);
    assert_int_equal(stats->translated, translated);
    assert_in_range(t.cpu[0]->polls - polls, 1, 3);
    toy_free(&t);
}

/* The window shows the loop's page: a physical place stops both ways, a virtual one only its own. */
static void test_alias(void **unused)
{
    Toy t;
    EngVcpu *cpu = begin(&t, 1);
    stops_at(cpu, LOOP); /* blocks are there already, by the other way */
    uint32_t id = add_va(&t, WINDOW + 4);
    assert_int_equal(stops_at(cpu, LOOP), 0);
    assert_int_equal(stops_at(cpu, WINDOW), 4);
    assert_int_equal(stops_at(cpu, LOOP), 0);
    eng_break_remove(t.machine, id);
    add_pa(&t, LOOP + 4);
    assert_int_equal(stops_at(cpu, LOOP), 4);
    assert_int_equal(stops_at(cpu, WINDOW), 4);
    toy_free(&t);
}

static void test_conditions(void **unused)
{
    Toy t;
    EngVcpu *cpu = begin(&t, 1);
    const EngBreak b = {.when = ENG_BREAK_VA | ENG_BREAK_EL | ENG_BREAK_VMID | ENG_BREAK_ASID,
                        .levels = 1 << 1, .vmid = 3, .asid = 9, .va = WINDOW + 8};
    for (unsigned placed = 0; placed < 2; placed++) {
        EngBreak what = b;
        what.placed = placed;
        what.pa.v = LOOP + 8;
        uint32_t id = eng_break_add(t.machine, &what);
        for (unsigned way = 0; way < 16; way++) {
            vmid_now = way & 1 ? 3 : 4;
            level_now = way & 2 ? 1 : 0;
            asid_now = way & 4 ? 9 : 8;
            assert_int_equal(stops_at(cpu, way & 8 ? WINDOW : LOOP), way == 15 ? 4 : 0);
        }
        eng_break_remove(t.machine, id);
    }
    toy_free(&t);
}

static uint64_t place(const Toy *t)
{
    EngBreak b;
    assert_true(eng_break_get(t->machine, 0, &b));
    return b.placed ? b.pa.v : 0;
}

/* Another page at the same address, after the invalidation that this asks for. */
static void show(EngVcpu *cpu, uint64_t page)
{
    window_page = page;
    eng_tlbi(cpu, &(EngTlbi){.kind = ENG_TLBI_ALL, .regime = 1}, true);
    eng_tlbi(cpu, &(EngTlbi){.kind = ENG_TLBI_VMID, .regime = 1, .vmid = vmid_now}, true);
    eng_dsb(cpu);
}

/* It follows the translation by which it was placed; another machine's at the same address is not its own. */
static void test_moves(void **unused)
{
    Toy t;
    EngVcpu *cpu = begin(&t, 1);
    stops_at(cpu, OTHER); /* blocks of the page that it will move to */
    add_va(&t, WINDOW + 4);
    assert_int_equal(place(&t), 0);
    assert_int_equal(stops_at(cpu, WINDOW), 4);
    assert_int_equal(place(&t), LOOP + 4);
    show(cpu, OTHER);
    assert_int_equal(stops_at(cpu, WINDOW), 4);
    assert_int_equal(place(&t), OTHER + 4);
    vmid_now = 2;
    show(cpu, LOOP);
    assert_int_equal(stops_at(cpu, WINDOW), 0); /* the same address of another machine */
    assert_int_equal(place(&t), OTHER + 4);
    show(cpu, OTHER);
    assert_int_equal(stops_at(cpu, WINDOW), 4); /* the same instruction */
    vmid_now = 0;
    global_now = 0;
    show(cpu, LOOP);
    assert_int_equal(stops_at(cpu, WINDOW), 0); /* some process' own page */
    toy_free(&t);
}

static void test_processes(void **unused)
{
    Toy t;
    EngVcpu *cpu = begin(&t, 1);
    global_now = 0;
    asid_now = 1;
    add_va(&t, WINDOW + 4);
    assert_int_equal(stops_at(cpu, WINDOW), 4);
    asid_now = 2;
    window_page = OTHER;
    assert_int_equal(stops_at(cpu, WINDOW), 0);
    asid_now = 1;
    assert_int_equal(stops_at(cpu, WINDOW), 4);
    show(cpu, OTHER + 0x1000);
    assert_int_equal(stops_at(cpu, WINDOW), 4);
    assert_int_equal(place(&t), OTHER + 0x1004);
    toy_free(&t);
}

/* A place found by one vCPU holds for another, which has blocks from before. */
static void test_two_cpus(void **unused)
{
    Toy t;
    EngVcpu *cpu = begin(&t, 2), *second = &t.cpu[1]->eng;
    for (unsigned i = 0; i < 2; i++) {
        stops_at(&t.cpu[i]->eng, LOOP);
        stops_at(&t.cpu[i]->eng, WINDOW);
    }
    add_va(&t, WINDOW + 4);
    assert_int_equal(stops_at(cpu, WINDOW), 4);
    assert_int_equal(stops_at(second, LOOP), 0);
    assert_int_equal(stops_at(second, WINDOW), 4);
    /* one is reported and goes on over it; the other comes there later */
    at(cpu, LOOP, 2);
    at(second, LOOP, 2);
    add_pa(&t, LOOP + 4);
    assert_int_equal(eng_run(cpu), ENG_RAN_BREAK);
    assert_int_equal(eng_run(second), ENG_RAN_BREAK);
    eng_break_resume(cpu, true);
    eng_break_resume(second, false);
    assert_int_equal(eng_run(second), ENG_RAN_BREAK);
    assert_int_equal(t.cpu[1]->x[1], 1);
    eng_break_resume(cpu, false); /* has not run in between */
    eng_break_resume(second, true);
    assert_int_equal(eng_run(cpu), ENG_RAN_BREAK);
    assert_int_equal(t.cpu[0]->x[1], 2);
    toy_free(&t);
}

/* The code around it changes, by the guest and by a device. */
static void test_code_changes(void **unused)
{
    const uint32_t more = TOY(TOY_ADDI, 2, 2, 5), less = TOY(TOY_ADDI, 2, 2, 3);
    Toy t;
    EngVcpu *cpu = begin(&t, 1);
    add_pa(&t, LOOP + 4);
    assert_int_equal(stops_at(cpu, LOOP), 4);
    assert_true(mem_copy_to(t.mem, (Pa){LOOP + 4}, &more, 4));
    at(cpu, LOOP, 4);
    assert_int_equal(stops(cpu), 4);
    assert_int_equal(t.cpu[0]->x[2], 20);
    assert_true(eng_store(cpu, (Va){LOOP + 4}, IR_MEM_SIZE(2), less));
    assert_int_equal(stops_at(cpu, LOOP), 4);
    toy_free(&t);
}

/* Turns are exact, and a device's instruction with a breakpoint is executed once. */
static void test_turns(void **unused)
{
    static const uint32_t code[] = {
        TOY(TOY_ADDI, 1, 1, 1), TOY(TOY_LDR, 5, 4, 0), TOY(TOY_ADDI, 0, 0, -1), TOY(TOY_CBNZ, 0, 0, -3), TOY(TOY_HALT, 0, 0, 0),
    };
    for (unsigned n = 0; n < 4; n++) {
        for (int64_t turn = 1; turn < 7; turn++) {
            Toy t;
            EngVcpu *cpu = begin(&t, 1);
            toy_code(&t, LOOP, code, 5);
            add_pa(&t, LOOP + 4 * n);
            at(cpu, LOOP, 10);
            t.cpu[0]->x[4] = TOY_DEVICE;
            cpu->counting = true;
            unsigned hits = 0;
            for (EngRan ran = ENG_RAN_BUDGET; ran != ENG_RAN_HALT;) {
                uint64_t before = cpu->insns;
                cpu->budget = turn;
                ran = eng_run(cpu);
                assert_true(cpu->insns - before <= (uint64_t)turn);
                assert_true(ran != ENG_RAN_BUDGET || cpu->insns - before == (uint64_t)turn);
                hits += ran == ENG_RAN_BREAK;
                if (ran == ENG_RAN_BREAK)
                    eng_break_resume(cpu, true);
            }
            assert_int_equal(hits, 10);
            assert_int_equal(cpu->insns, 41);
            assert_int_equal(t.cpu[0]->ios, 10);
            toy_free(&t);
        }
    }
}

/* A step is one instruction, breakpoint or not. */
static void test_step(void **unused)
{
    Toy t;
    EngVcpu *cpu = begin(&t, 1);
    add_pa(&t, LOOP);
    add_pa(&t, LOOP + 4);
    at(cpu, LOOP, 2);
    cpu->counting = cpu->stepping = true;
    for (unsigned n = 1; n < 6; n++) {
        cpu->budget = 1;
        assert_int_equal(eng_run(cpu), ENG_RAN_BUDGET);
        assert_int_equal(cpu->insns, n);
    }
    assert_int_equal(cpu->pc, LOOP + 4);
    toy_free(&t);
}

/* --- data --- */

enum { DATA = 0x5000 };

static void watch(Toy *t, uint64_t pa, uint32_t n, bool read, bool write)
{
    assert_true(eng_watch_add(t->machine, &(EngWatch){.va = pa, .pa = {pa}, .n = n, .owner = 8, .read = read, .write = write}));
}

static void test_watch_set(void **unused)
{
    Toy t;
    EngWatch w;
    begin(&t, 1);
    assert_false(eng_watch_add(t.machine, &(EngWatch){.pa = {DATA + 0xffc}, .n = 8}));
    assert_false(eng_watch_add(t.machine, &(EngWatch){.pa = {DATA}, .n = 0}));
    assert_false(eng_watch_add(t.machine, &(EngWatch){.pa = {DATA}, .n = UINT32_MAX}));
    for (unsigned n = 0; n < ENG_MAX_WATCHES; n++)
        watch(&t, DATA + n, 1, true, true);
    assert_false(eng_watch_add(t.machine, &(EngWatch){.pa = {DATA}, .n = 1}));
    assert_false(eng_watch_remove(t.machine, &(EngWatch){.va = DATA, .n = 2, .owner = 8}));
    assert_false(eng_watch_remove(t.machine, &(EngWatch){.va = DATA, .n = 1, .owner = 16}));
    assert_true(eng_watch_remove(t.machine, &(EngWatch){.va = DATA, .n = 1, .owner = 8}));
    assert_false(eng_watch_remove(t.machine, &(EngWatch){.va = DATA, .n = 1, .owner = 8}));
    assert_true(eng_watch_get(t.machine, ENG_MAX_WATCHES - 2, &w));
    assert_false(eng_watch_get(t.machine, ENG_MAX_WATCHES - 1, &w));
    toy_free(&t);
}

/* Leaves before the instruction, with everything before it done and counted, in a turn and without; then goes on unwatched. */
static void test_watched(void **unused)
{
    static const uint32_t code[] = {
        TOY(TOY_ADDI, 1, 1, 1), TOY(TOY_STR, 1, 4, 8), TOY(TOY_LDR, 2, 4, 8), TOY(TOY_ADDI, 0, 0, -1), TOY(TOY_CBNZ, 0, 0, -4),
        TOY(TOY_HALT, 0, 0, 0),
    };
    for (unsigned way = 0; way < 8; way++) {
        bool read = way & 1, write = way & 2;
        Toy t;
        EngVcpu *cpu = begin(&t, 1);
        toy_code(&t, LOOP, code, 6);
        at(cpu, LOOP, 2);
        t.cpu[0]->x[4] = DATA;
        assert_int_equal(eng_run(cpu), ENG_RAN_HALT); /* fast accesses are there */
        at(cpu, LOOP, 2);
        t.cpu[0]->x[4] = DATA;
        cpu->counting = way & 4;
        cpu->budget = 100;
        uint64_t before = cpu->insns;
        watch(&t, DATA + 11, 1, read, write); /* the last byte */
        watch(&t, DATA + 12, 4, true, true);  /* next to it */
        if (!read && !write) {
            assert_int_equal(eng_run(cpu), ENG_RAN_HALT);
        } else {
            for (unsigned again = 0; again < 2; again++) { /* it does not get past */
                cpu->budget = 100;
                assert_int_equal(eng_run(cpu), ENG_RAN_BREAK);
                assert_int_equal(cpu->pc, write ? LOOP + 4 : LOOP + 8);
                assert_int_equal(cpu->insns - before, write ? 1 : 2);
                assert_int_equal(cpu->brk.data, DATA + 11);
                assert_int_equal(cpu->brk.owners, 8);
                assert_int_equal(t.ram[DATA + 8], write ? 2 : 1);
                eng_break_resume(cpu, true);
            }
            assert_true(eng_watch_remove(t.machine, &(EngWatch){.va = DATA + 11, .n = 1, .owner = 8}));
            cpu->budget = 100;
            assert_int_equal(eng_run(cpu), ENG_RAN_HALT);
        }
        assert_int_equal(cpu->insns - before, 11);
        assert_int_equal(t.cpu[0]->x[2], 2);
        toy_free(&t);
    }
}

/* Other ways to memory: across pages, misaligned, pairs, blocks, by another address. */
static void test_watched_ways(void **unused)
{
    uint64_t two[2] = {1, 2};
    for (unsigned second = 0; second < 2; second++) {
        Toy t;
        EngVcpu *cpu = begin(&t, 1);
        uint64_t byte = second ? DATA + 0x1000 : DATA + 0xfff;
        at(cpu, LOOP, 1);
        eng_run(cpu);
        watch(&t, byte, 1, false, true);
        assert_false(eng_store(cpu, (Va){DATA + 0xffc}, IR_MEM_SIZE(3), 0x5555555555555555));
        assert_int_equal(cpu->leave, ENG_LEAVE_BREAK);
        assert_int_equal(t.ram[DATA + 0xffc], 0); /* nothing of it is done */
        assert_int_equal(t.ram[DATA + 0x1000], 0);
        cpu->leave = ENG_STAY;
        assert_true(eng_load(cpu, (Va){DATA + 0xffc}, IR_MEM_SIZE(3), two));
        uint64_t near = byte & ~UINT64_C(15);
        assert_false(eng_store_pair(cpu, (Va){near}, IR_MEM_SIZE(3) | IR_MEM_PAIR, two));
        assert_false(eng_zero(cpu, (Va){byte & ~UINT64_C(63)}, 64, (Va){byte & ~UINT64_C(63)}));
        assert_int_equal(eng_fill(cpu, (Va){byte & ~UINT64_C(63)}, 64, 1, 0), 0);
        assert_int_equal(eng_move(cpu, &(EngMove){.to = {near}, .from = {0x8000}, .n = 16}), 0);
        assert_int_equal(eng_move(cpu, &(EngMove){.to = {near + 16}, .from = {0x8010}, .n = 16, .backwards = true}), 0);
        assert_int_equal(t.ram[byte], 0);
        window_page = byte & ~ARM_PAGE_MASK;
        assert_false(eng_store(cpu, (Va){WINDOW | (byte & ARM_PAGE_MASK)}, IR_MEM_SIZE(0), 1));
        cpu->leave = ENG_STAY;
        uint64_t other = second ? near + 16 : near - 16;
        assert_true(eng_store_pair(cpu, (Va){other}, IR_MEM_SIZE(3) | IR_MEM_PAIR, two));
        assert_int_equal(cpu->leave, ENG_STAY);
        toy_free(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set), cmocka_unit_test(test_everywhere), cmocka_unit_test(test_costs), cmocka_unit_test(test_alias),
        cmocka_unit_test(test_conditions), cmocka_unit_test(test_moves), cmocka_unit_test(test_processes),
        cmocka_unit_test(test_two_cpus), cmocka_unit_test(test_code_changes), cmocka_unit_test(test_turns),
        cmocka_unit_test(test_step), cmocka_unit_test(test_watch_set), cmocka_unit_test(test_watched),
        cmocka_unit_test(test_watched_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
