/* The board's map, its device tree, and state chunks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <libfdt.h>
#include <string.h>

#include "armillary/machine.h"
#include "armillary/snapshot.h"
#include "board.h"
#include "devtree.h"

static void test_no_overlap(void **state)
{
    for (VmMapId a = 0; a < VM_MAP_COUNT; a++) {
        const VmMapRow *x = vm_map_row(a);
        assert_true(x->base + x->size * x->count <= VM_RAM_BASE);
        for (VmMapId b = a + 1; b < VM_MAP_COUNT; b++) {
            const VmMapRow *y = vm_map_row(b);
            if (x->base < y->base + y->size * y->count && y->base < x->base + x->size * x->count) {
                fail_msg("%s and %s overlap", x->name, y->name);
            }
            const bool both = x->spi >= 0 && y->spi >= 0;
            if (both && x->spi < y->spi + (int)y->count && y->spi < x->spi + (int)x->count) {
                fail_msg("%s and %s share an interrupt", x->name, y->name);
            }
        }
    }
}

static const void *prop(const void *fdt, const char *path, const char *name, int *size)
{
    const int node = fdt_path_offset(fdt, path);
    assert_true(node >= 0);
    const void *p = fdt_getprop(fdt, node, name, size);
    assert_non_null(p);
    return p;
}

static uint32_t cell(const void *fdt, const char *path, const char *name, int i)
{
    int size;
    const fdt32_t *p = prop(fdt, path, name, &size);
    assert_true(4 * (i + 1) <= size);
    return fdt32_to_cpu(p[i]);
}

static void test_tree(void **state)
{
    const VmFdtBoard board = { .cpus = 20, .memory = UINT64_C(6) << 30, .el2 = true, .virtio = 3 };
    g_autoptr(GBytes) blob = vm_fdt_build(&board);
    gsize n;
    const void *fdt = g_bytes_get_data(blob, &n);
    assert_int_equal(fdt_check_full(fdt, n), 0);
    int size;
    assert_string_equal(prop(fdt, "/psci", "method", &size), "smc");
    assert_int_equal(cell(fdt, "/cpus/cpu@103", "reg", 0), 0x103); /* number 19: clusters of 16 */
    assert_true(fdt_path_offset(fdt, "/cpus/cpu@104") < 0);
    assert_int_equal(cell(fdt, "/memory@40000000", "reg", 2), 1); /* 6 GiB */
    assert_int_equal(cell(fdt, "/memory@40000000", "reg", 3), 0x80000000);
    prop(fdt, "/timer", "interrupts", &size);
    assert_int_equal(size, 60);
    assert_int_equal(cell(fdt, "/timer", "interrupts", 13), 12); /* CNTHV: INTID 28 */
    assert_int_equal(cell(fdt, "/intc@8000000", "interrupts", 1), 9); /* maintenance: INTID 25 */
    assert_true(fdt_path_offset(fdt, "/virtio_mmio@a000400") >= 0);
    assert_true(fdt_path_offset(fdt, "/virtio_mmio@a000600") < 0);
    assert_true(fdt_path_offset(fdt, "/pmu") < 0);

    const VmFdtBoard wide = { .cpus = 512, .memory = 1 << 30 };
    g_autoptr(GBytes) big = vm_fdt_build(&wide);
    fdt = g_bytes_get_data(big, &n);
    assert_int_equal(fdt_check_full(fdt, n), 0);
    assert_string_equal(prop(fdt, "/psci", "method", &size), "hvc");
    assert_int_equal(cell(fdt, "/intc@8000000", "#redistributor-regions", 0), 2);
    assert_int_equal(cell(fdt, "/intc@8000000", "reg", 11), 0x4000000);
    assert_int_equal(fdt_getprop(fdt, fdt_path_offset(fdt, "/intc@8000000"), "interrupts", NULL),
                     0);
    prop(fdt, "/timer", "interrupts", &size);
    assert_int_equal(size, 48);
}

static void test_chosen(void **state)
{
    const VmFdtBoard board = { .cpus = 1, .memory = 1 << 30, .el2 = true };
    g_autoptr(GBytes) blob = vm_fdt_build(&board);
    VmFdtChosen c = { .bootargs = "console=ttyAMA0", .initrd_start = 0x48000000,
                      .initrd_end = 0x48000123, .kaslr_seed = 0x1122334455667788 };
    g_autoptr(GBytes) one = vm_fdt_with_chosen(blob, &c, NULL);
    c.bootargs = NULL;
    c.kaslr_seed = 9;
    g_autoptr(GBytes) two = vm_fdt_with_chosen(one, &c, NULL);
    const void *fdt = g_bytes_get_data(two, NULL);
    int size;
    assert_string_equal(prop(fdt, "/chosen", "bootargs", &size), "console=ttyAMA0");
    assert_int_equal(cell(fdt, "/chosen", "linux,initrd-end", 1), 0x48000123);
    assert_int_equal(cell(fdt, "/chosen", "kaslr-seed", 0), 0x11223344); /* kept */
    assert_string_equal(prop(fdt, "/chosen", "stdout-path", &size), "/pl011@9000000");
    g_autoptr(GBytes) junk = g_bytes_new("xx", 2);
    g_autoptr(GError) error = NULL;
    assert_null(vm_fdt_with_chosen(junk, &c, &error));
    assert_non_null(error);
}

static GBytes *sample(void)
{
    GBytes *out;
    SnapWriter *w = snap_writer_new(true);
    snap_put(w, "one", 3, "abc", 3);
    snap_begin(w, "two", 1, 4);
    snap_bytes(w, "de", 2);
    snap_bytes(w, "fg", 2);
    SnapWriter *h = snap_writer_new(false);
    snap_put(h, "one", 3, "abc", 3);
    snap_put(h, "two", 1, "defg", 4);
    assert_string_equal(snap_finish(w, &out), snap_finish(h, NULL));
    snap_writer_free(w);
    snap_writer_free(h);
    return out;
}

static void test_chunks(void **state)
{
    g_autoptr(GBytes) blob = sample();
    g_autoptr(GError) error = NULL;
    char data[4];
    SnapReader *r = snap_reader_new(blob, NULL);
    assert_non_null(r);
    assert_false(snap_get(r, (SnapWant){ "one", 3, data, 4 }, &error));
    g_clear_error(&error);
    assert_true(snap_get(r, (SnapWant){ "two", 1, data, 4 }, NULL));
    assert_memory_equal(data, "defg", 4);
    assert_false(snap_get(r, (SnapWant){ "three", 1, data, 4 }, &error));
    assert_non_null(error);
    snap_reader_free(r);
    r = snap_reader_new(blob, NULL);
    g_clear_error(&error);
    assert_false(snap_get(r, (SnapWant){ "one", 2, data, 3 }, &error)); /* another version */
    snap_reader_free(r);
    /* every damaged byte and every truncation is noticed */
    gsize n;
    const uint8_t *bytes = g_bytes_get_data(blob, &n);
    for (gsize i = 0; i < n; i++) {
        g_autofree uint8_t *copy = g_memdup2(bytes, n);
        copy[i] ^= 0x20;
        g_autoptr(GBytes) bad = g_bytes_new(copy, n);
        g_autoptr(GBytes) cut = g_bytes_new(bytes, i);
        assert_null(snap_reader_new(bad, NULL));
        assert_null(snap_reader_new(cut, NULL));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_overlap), cmocka_unit_test(test_tree),
        cmocka_unit_test(test_chosen), cmocka_unit_test(test_chunks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
