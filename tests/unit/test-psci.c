/* PSCI, SMCCC and TRNG: values of the specifications, and CPU_ON exactly once under races. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdatomic.h>

#include "board.h"
#include "psci.h"

enum { CPUS = 40 };

typedef struct {
    VmFirmware f;
    Mem *mem;
    _Atomic(unsigned) starts;
    unsigned offs;
    VmStop stop;
} Bench;

static void on_started(void *ctx, unsigned cpu)
{
    atomic_fetch_add(&((Bench *)ctx)->starts, 1);
}

static void on_off(void *ctx, unsigned cpu)
{
    ((Bench *)ctx)->offs++;
}

static void on_system(void *ctx, unsigned cpu, VmStop what)
{
    ((Bench *)ctx)->stop = what;
}

static void init(Bench *b)
{
    *b = (Bench){ .mem = mem_new() };
    assert_true(mem_add_ram(b->mem, "ram", (Pa){ VM_RAM_BASE }, 1 << 20, MEM_RAM));
    b->f = (VmFirmware){ .mem = b->mem, .started = on_started, .powered_off = on_off,
                         .system = on_system, .ctx = b };
    vm_firmware_init(&b->f, CPUS, 5);
    uint64_t entry, context;
    assert_int_equal(vm_firmware_cpu_on(&b->f, 0, VM_RAM_BASE, 0), 0);
    assert_true(vm_firmware_take_start(&b->f, 0, &entry, &context));
    b->starts = 0;
}

static void fini(Bench *b)
{
    vm_firmware_fini(&b->f);
    mem_free(b->mem);
}

static int64_t call(Bench *b, uint64_t x0, uint64_t x1, uint64_t x2, uint64_t x3)
{
    uint64_t x[18] = { x0, x1, x2, x3 };
    vm_firmware_call(&b->f, 0, x);
    return (int64_t)x[0];
}

static void test_discovery(void **state)
{
    Bench b;
    init(&b);
    assert_int_equal(call(&b, 0x84000000, 0, 0, 0), 0x10001);
    assert_int_equal(call(&b, 0xdead000084000000, 0, 0, 0), 0x10001); /* the ID is W0 */
    assert_int_equal(call(&b, 0x80000000, 0, 0, 0), 0x10002);
    assert_int_equal(call(&b, 0x8400000a, 0x80000000, 0, 0), 0);
    assert_int_equal(call(&b, 0x8400000a, 0xc4000003, 0, 0), 0);
    assert_int_equal(call(&b, 0x8400000a, 0xc4000002, 0, 0), -1); /* CPU_OFF is SMC32 only */
    assert_int_equal(call(&b, 0x8400000a, 0xc400000e, 0, 0), -1);
    assert_int_equal(call(&b, 0x84000006, 0, 0, 0), 2);
    assert_int_equal(call(&b, 0xc4000005, 0, 0, 0), -1);
    assert_int_equal(call(&b, 0xc4000000, 0, 0, 0), -1);
    assert_int_equal(call(&b, 0x80000001, 0x80008000, 0, 0), 1);
    assert_int_equal(call(&b, 0x80000001, 0x80000002, 0, 0), -1);
    assert_int_equal(call(&b, 0xc6000020, 0, 0, 0), -1); /* a hypervisor service */
    assert_int_equal(call(&b, 0, 0, 0, 0), -1);
    assert_int_equal(call(&b, UINT64_MAX, 0, 0, 0), -1);
    assert_int_equal(call(&b, 0x04000003, 0, 0, 0), -1); /* a yielding call */
    assert_int_equal(call(&b, 0xc4000001, 0, 0, 0), 0);
    fini(&b);
}

static void test_power(void **state)
{
    Bench b;
    uint64_t entry = 0, context = 0;
    init(&b);
    assert_int_equal(call(&b, 0xc4000003, 1, VM_RAM_BASE + 0x1000, 77), 0);
    assert_int_equal(call(&b, 0xc4000003, 1, VM_RAM_BASE + 0x1000, 77), -5);
    assert_int_equal(call(&b, 0xc4000004, 1, 0, 0), 2);
    assert_true(vm_firmware_take_start(&b.f, 1, &entry, &context));
    assert_false(vm_firmware_take_start(&b.f, 1, &entry, &context));
    assert_int_equal(entry, VM_RAM_BASE + 0x1000);
    assert_int_equal(context, 77);
    assert_int_equal(call(&b, 0xc4000003, 1, VM_RAM_BASE, 0), -4);
    assert_int_equal(call(&b, 0xc4000004, 1, 0, 0), 0);
    assert_int_equal(call(&b, 0xc4000003, 0, VM_RAM_BASE, 0), -4); /* itself */
    assert_int_equal(call(&b, 0xc4000003, 0x80000100, VM_RAM_BASE, 0), 0); /* bit 31 as read */
    assert_int_equal(vm_firmware_power(&b.f, 16), VM_POWER_PENDING);
    assert_int_equal(call(&b, 0xc4000003, 0x300, VM_RAM_BASE, 0), -2);
    assert_int_equal(call(&b, 0xc4000003, 0x10, VM_RAM_BASE, 0), -2);
    assert_int_equal(call(&b, 0xc4000003, UINT64_C(1) << 32, VM_RAM_BASE, 0), -2);
    assert_int_equal(call(&b, 0xc4000003, 2, 0x1000, 0), -9);
    assert_int_equal(call(&b, 0xc4000003, 2, VM_RAM_BASE + 2, 0), -9);
    assert_int_equal(call(&b, 0xc4000004, 2, 0, 0), 1);
    assert_int_equal(call(&b, 0xc4000004, 2, 1, 0), 0);     /* its cluster has a CPU that is on */
    assert_int_equal(call(&b, 0xc4000004, 0x105, 1, 0), 2); /* only a pending one */
    assert_int_equal(call(&b, 0xc4000004, 0x205, 1, 0), 1);
    assert_int_equal(call(&b, 0xc4000004, 2, 4, 0), -2);
    assert_int_equal(call(&b, 0x84000003, UINT64_C(0xffffffff00000002), VM_RAM_BASE, 0), 0);
    assert_int_equal(call(&b, 0x84000002, 0, 0, 0), 0);
    assert_int_equal(b.offs, 1);
    assert_int_equal(call(&b, 0xc4000004, 0, 0, 0), 1);
    assert_int_equal(call(&b, 0x84000012, 1, 0, 0), -2);
    assert_int_equal(call(&b, 0x84000009, 0, 0, 0), 0);
    assert_int_equal(b.stop, VM_STOP_RESET);
    call(&b, 0x84000008, 0, 0, 0);
    assert_int_equal(b.stop, VM_STOP_POWEROFF);
    fini(&b);
}

static void test_trng(void **state)
{
    Bench b;
    init(&b);
    assert_int_equal(call(&b, 0x84000050, 0, 0, 0), 0x10000);
    assert_int_equal(call(&b, 0x84000051, 0xc4000053, 0, 0), 0);
    assert_int_equal(call(&b, 0x84000051, 0xc4000050, 0, 0), -1);
    assert_int_equal(call(&b, 0xc4000053, 0, 0, 0), -2);
    assert_int_equal(call(&b, 0xc4000053, 193, 0, 0), -2);
    assert_int_equal(call(&b, 0x84000053, 97, 0, 0), -2);
    uint64_t ones[3] = { 0 };
    for (unsigned i = 0; i < 64; i++) {
        uint64_t x[18] = { 0xc4000053, 130 };
        vm_firmware_call(&b.f, 0, x);
        assert_int_equal(x[0], 0);
        for (unsigned w = 0; w < 3; w++) {
            ones[w] |= x[1 + w];
        }
    }
    assert_int_equal(ones[0], 3); /* bits 129:128 in x1 */
    assert_int_equal(ones[1], UINT64_MAX);
    assert_int_equal(ones[2], UINT64_MAX);
    uint64_t x[18] = { 0x84000053, 32 };
    vm_firmware_call(&b.f, 0, x);
    assert_true(x[1] == 0 && x[2] == 0 && x[3] != 0 && x[3] <= UINT32_MAX);
    fini(&b);
}

static void *race(void *ctx)
{
    Bench *b = ctx;
    unsigned won = 0;
    for (unsigned cpu = 1; cpu < CPUS; cpu++) {
        won += call(b, 0xc4000003, vm_affinity(cpu), VM_RAM_BASE, 0) == 0;
    }
    return (void *)(uintptr_t)won;
}

static void test_race(void **state)
{
    for (unsigned round = 0; round < 50; round++) {
        Bench b;
        pthread_t threads[4];
        uintptr_t won = 0;
        init(&b);
        for (unsigned i = 0; i < 4; i++) {
            assert_int_equal(pthread_create(&threads[i], NULL, race, &b), 0);
        }
        for (unsigned i = 0; i < 4; i++) {
            void *result;
            pthread_join(threads[i], &result);
            won += (uintptr_t)result;
        }
        assert_int_equal(won, CPUS - 1);
        assert_int_equal(b.starts, CPUS - 1);
        fini(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_discovery), cmocka_unit_test(test_power),
        cmocka_unit_test(test_trng), cmocka_unit_test(test_race),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
