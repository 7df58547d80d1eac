/* Machines through the public API: small guests, both clocks, determinism, state, errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "armillary/machine.h"

typedef struct {
    VmMachine *m;
    char out[64];
    size_t n_out;
} Bench;

static void on_output(void *ctx, const uint8_t *bytes, size_t n)
{
    Bench *b = ctx;
    for (size_t i = 0; i < n && b->n_out < sizeof b->out - 1; i++) {
        b->out[b->n_out++] = (char)bytes[i];
    }
}

static void init(Bench *b, const char *guest, VmConfig config)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = g_build_filename(getenv("GUESTS"), guest, NULL);
    memset(b, 0, sizeof *b);
    config.cpus = config.cpus ? config.cpus : 1;
    config.memory = 16 << 20;
    b->m = vm_new(&config, &error);
    if (!b->m || !vm_load(b->m, &(VmImages){ .kernel = path }, &error)) {
        fail_msg("%s", error->message);
    }
    vm_console_connect(b->m, &(HwCharPort){ .output = on_output, .ctx = b });
}

static void test_hello(void **state)
{
    for (unsigned is_virtual = 0; is_virtual < 2; is_virtual++) {
        Bench b;
        init(&b, "hello.bin", (VmConfig){ .virtual_clock = is_virtual });
        assert_int_equal(vm_run(b.m), VM_STOP_POWEROFF);
        assert_string_equal(b.out, "hello\n");
        /* 4 + 6 * 4 + 2 + 1 and the call: counted by hand in hello.S, the header's branch too */
        assert_int_equal(vm_insns(b.m), 1 + 3 + 6 * 4 + 2 + 4);
        assert_true(vm_reset(b.m, NULL));
        assert_int_equal(vm_run(b.m), VM_STOP_POWEROFF);
        assert_string_equal(b.out, "hello\nhello\n");
        vm_free(b.m);
    }
}

static void test_el1(void **state)
{
    Bench b;
    init(&b, "hello.bin", (VmConfig){ .cpu = "max,el2=off", .virtual_clock = true,
                                      .max_insns = 1000 });
    /* There, firmware is behind HVC and SMC is undefined: the program does not end. */
    assert_int_equal(vm_run(b.m), VM_STOP_MAX_INSNS);
    assert_string_equal(b.out, "hello\n");
    vm_free(b.m);
}

static void test_smp(void **state)
{
    for (unsigned is_virtual = 0; is_virtual < 2; is_virtual++) {
        for (unsigned cpus = 1; cpus <= 10; cpus += 3) {
            Bench b;
            init(&b, "smp.bin", (VmConfig){ .cpus = cpus, .virtual_clock = is_virtual });
            assert_int_equal(vm_run(b.m), VM_STOP_POWEROFF);
            assert_int_equal(b.out[0], '0' + (int)cpus - 1);
            vm_free(b.m);
        }
    }
}

static char *hash_after(uint64_t insns, uint32_t max_block, uint64_t seed)
{
    Bench b;
    init(&b, "spin.bin", (VmConfig){ .virtual_clock = true, .max_block_insns = max_block,
                                     .max_insns = insns, .seed = seed });
    assert_int_equal(vm_run(b.m), VM_STOP_MAX_INSNS);
    assert_int_equal(vm_insns(b.m), insns);
    assert_int_equal(vm_guest_ns(b.m), (int64_t)insns);
    char *hash = vm_state_hash(b.m);
    vm_free(b.m);
    return hash;
}

static void test_determinism(void **state)
{
    g_autofree char *one = hash_after(123457, 0, 7);
    g_autofree char *again = hash_after(123457, 0, 7);
    g_autofree char *single = hash_after(123457, 1, 7);
    g_autofree char *more = hash_after(123458, 0, 7);
    g_autofree char *seeded = hash_after(123457, 0, 8);
    assert_string_equal(one, again);
    assert_string_equal(one, single);
    assert_string_not_equal(one, more);
    assert_string_not_equal(one, seeded); /* the tree's seeds are in memory */
}

static void test_two_machines(void **state)
{
    Bench a, b;
    init(&a, "spin.bin", (VmConfig){ .virtual_clock = true });
    init(&b, "spin.bin", (VmConfig){ .virtual_clock = true });
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(vm_step(a.m, 0, 500), 500);
        assert_int_equal(vm_step(b.m, 0, 1), 1);
        assert_int_equal(vm_step(b.m, 0, 499), 499);
    }
    g_autofree char *ha = vm_state_hash(a.m);
    g_autofree char *hb = vm_state_hash(b.m);
    assert_string_equal(ha, hb);
    vm_free(a.m);
    vm_free(b.m);
}

static void test_save(void **state)
{
    Bench a, b;
    g_autoptr(GError) error = NULL;
    init(&a, "spin.bin", (VmConfig){ .virtual_clock = true, .cpus = 2, .seed = 1 });
    init(&b, "hello.bin", (VmConfig){ .virtual_clock = true, .cpus = 2, .seed = 2 });
    vm_step(a.m, 0, 50000);
    vm_step(b.m, 0, 20); /* other code at the same addresses, translated already */
    g_autoptr(GBytes) first = vm_save(a.m);
    if (!vm_restore(b.m, first, &error)) {
        fail_msg("%s", error->message);
    }
    g_autoptr(GBytes) second = vm_save(b.m);
    assert_true(g_bytes_equal(first, second));
    vm_step(a.m, 0, 30000);
    vm_step(b.m, 0, 30000);
    g_autofree char *ha = vm_state_hash(a.m);
    g_autofree char *hb = vm_state_hash(b.m);
    assert_string_equal(ha, hb);
    vm_free(b.m);
    init(&b, "spin.bin", (VmConfig){ .virtual_clock = true, .cpus = 3 });
    assert_false(vm_restore(b.m, first, &error)); /* another machine */
    assert_non_null(strstr(error->message, "2 vCPUs"));
    vm_free(a.m);
    vm_free(b.m);
}

/* In every state of the interrupts, pending ones among them, and with devices behind the PCIe host. */
static void test_save_lpis(void **state)
{
    Bench a, b;
    g_autoptr(GError) error = NULL;
    const VmConfig config = { .virtual_clock = true, .cpus = 2, .pci = true };
    init(&a, "lpi.bin", config);
    init(&b, "hello.bin", config);
    for (unsigned i = 0; i < 60; i++) {
        vm_step(a.m, 0, i ? 7 : 500);
        g_autoptr(GBytes) first = vm_save(a.m);
        if (!vm_restore(b.m, first, &error)) {
            fail_msg("%s", error->message);
        }
        g_autoptr(GBytes) second = vm_save(b.m);
        assert_true(g_bytes_equal(first, second));
    }
    vm_step(a.m, 0, 5000);
    vm_step(b.m, 0, 5000);
    g_autofree char *ha = vm_state_hash(a.m);
    g_autofree char *hb = vm_state_hash(b.m);
    assert_string_equal(ha, hb);
    assert_string_equal(a.out, "l");
    assert_string_equal(b.out, "l");
    vm_free(a.m);
    vm_free(b.m);
}

static void *stop_soon(void *ctx)
{
    usleep(30000);
    vm_stop(ctx);
    return NULL;
}

static void test_stop_and_go_on(void **state)
{
    for (unsigned is_virtual = 0; is_virtual < 2; is_virtual++) {
        Bench b;
        init(&b, "spin.bin", (VmConfig){ .virtual_clock = is_virtual, .cpus = 2 });
        uint64_t before = 0;
        for (unsigned i = 0; i < 3; i++) {
            pthread_t t;
            assert_int_equal(pthread_create(&t, NULL, stop_soon, b.m), 0);
            assert_int_equal(vm_run(b.m), VM_STOP_REQUEST);
            pthread_join(t, NULL);
            assert_true(vm_insns(b.m) > before);
            before = vm_insns(b.m);
        }
        vm_free(b.m);
    }
}

static void rejects(VmConfig c, const char *word)
{
    g_autoptr(GError) error = NULL;
    assert_null(vm_new(&c, &error));
    if (!strstr(error->message, word)) {
        fail_msg("\"%s\" does not say \"%s\"", error->message, word);
    }
}

static void test_configurations(void **state)
{
    const uint64_t mem = 64 << 20;
    rejects((VmConfig){ .cpus = 0, .memory = mem }, "vCPUs");
    rejects((VmConfig){ .cpus = 100000, .memory = mem }, "vCPUs");
    rejects((VmConfig){ .cpus = 1, .memory = mem + 1 }, "memory");
    rejects((VmConfig){ .cpus = 1, .memory = 0 }, "memory");
    rejects((VmConfig){ .cpus = 1, .memory = UINT64_MAX & ~UINT64_C(0x1fffff) }, "memory");
    rejects((VmConfig){ .cpus = 1, .memory = mem, .cpu = "cortex-z9" }, "cortex-z9");
    rejects((VmConfig){ .cpus = 1, .memory = mem, .n_drives = 1,
                        .drives = &(VmDrive){ .file = "/nonexistent/disk" } },
            "/nonexistent/disk");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hello),       cmocka_unit_test(test_el1),
        cmocka_unit_test(test_smp),         cmocka_unit_test(test_determinism),
        cmocka_unit_test(test_two_machines), cmocka_unit_test(test_save),
 cmocka_unit_test(test_save_lpis),
        cmocka_unit_test(test_stop_and_go_on), cmocka_unit_test(test_configurations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
