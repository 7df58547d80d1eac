/* Physical memory map: lookup, overlap, access sizes, atomics, DMA. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "armillary/memory.h"

typedef struct {
    uint64_t offset, value;
    unsigned size, calls;
} Probe;

static bool probe_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
    Probe *p = dev;
    *p = (Probe){ .offset = offset, .size = size, .calls = p->calls + 1 };
    *value = 0x1122334455667788 >> 8 * (offset & 7);
    return offset < 0x80;
}

static bool probe_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
    Probe *p = dev;
    *p = (Probe){ .offset = offset, .size = size, .value = value, .calls = p->calls + 1 };
    return true;
}

static const MemDeviceOps probe_ops = { "probe", probe_read, probe_write };

static void test_map(void **state)
{
    Mem *m = mem_new();
    Probe p = { 0 };
    MemKind kind;
    assert_null(mem_host(m, (Pa){ 0 }, &kind));
    assert_true(mem_add_ram(m, "ram", (Pa){ 0x40000000 }, 0x200000, MEM_RAM));
    assert_true(mem_add_ram(m, "rom", (Pa){ 0 }, 0x10000, MEM_ROM));
    assert_true(mem_add_device(m, (Pa){ 0xa000000 }, 0x200, &probe_ops, &p));
    assert_true(mem_add_device(m, (Pa){ 0xa000200 }, 0x200, &probe_ops, &p));
    assert_false(mem_add_device(m, (Pa){ 0xa0001ff }, 1, &probe_ops, &p));
    assert_false(mem_add_ram(m, "x", (Pa){ 0x401ff000 }, 0x1000, MEM_RAM));
    assert_false(mem_add_ram(m, "x", (Pa){ 0x3ffff000 }, 0x2000, MEM_RAM));
    assert_false(mem_add_ram(m, "x", (Pa){ 0x50000800 }, 0x1000, MEM_RAM));
    assert_false(mem_add_ram(m, "x", (Pa){ 0xfffffffffffff000 }, 0x2000, MEM_RAM));
    assert_false(mem_add_ram(m, "x", (Pa){ 0x60000000 }, 0, MEM_RAM));
    /* the last page of the address space is a legal region */
    assert_true(mem_add_ram(m, "top", (Pa){ 0xfffffffffffff000 }, 0x1000, MEM_RAM));
    assert_non_null(mem_host(m, (Pa){ UINT64_MAX }, &kind));
    assert_non_null(mem_host(m, (Pa){ 0x401fffff }, &kind));
    assert_int_equal(kind, MEM_RAM);
    assert_null(mem_host(m, (Pa){ 0x40200000 }, &kind));
    assert_null(mem_host(m, (Pa){ 0x3fffffff }, &kind));
    assert_null(mem_host(m, (Pa){ 0xa000000 }, &kind));
    assert_non_null(mem_host(m, (Pa){ 0xffff }, &kind));
    assert_int_equal(kind, MEM_ROM);
    mem_free(m);
}

static void test_device_access(void **state)
{
    Mem *m = mem_new();
    Probe p = { 0 };
    uint64_t v;
    assert_true(mem_add_device(m, (Pa){ 0x1000 }, 0x100, &probe_ops, &p));
    assert_true(mem_read(m, (Pa){ 0x1002 }, 2, &v));
    assert_int_equal(v, 0x5566);
    assert_int_equal(p.offset, 2);
    assert_int_equal(p.size, 2);
    assert_false(mem_read(m, (Pa){ 0x1080 }, 4, &v)); /* the device does not answer */
    assert_false(mem_read(m, (Pa){ 0x10fe }, 4, &v)); /* leaves the region */
    assert_false(mem_read(m, (Pa){ 0xfff }, 1, &v));
    p.calls = 0;
    assert_true(mem_read(m, (Pa){ 0x1001 }, 4, &v)); /* pieces of 1, 2, 1 */
    assert_int_equal(v, 0x44556677);
    assert_int_equal(p.calls, 3);
    assert_true(mem_write(m, (Pa){ 0x1010 }, 8, 0x0123456789abcdef));
    assert_int_equal(p.value, 0x0123456789abcdef);
    assert_int_equal(p.size, 8);
    mem_free(m);
}

static void note_write(void *ctx, Pa pa, uint64_t n)
{
    uint64_t *sum = ctx;
    *sum += pa.v + n;
}

static void test_ram_access(void **state)
{
    Mem *m = mem_new();
    uint64_t v, seen, told = 0;
    uint8_t bytes[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    assert_true(mem_add_ram(m, "a", (Pa){ 0x10000 }, 0x1000, MEM_RAM));
    assert_true(mem_add_ram(m, "b", (Pa){ 0x11000 }, 0x1000, MEM_RAM));
    assert_true(mem_add_ram(m, "rom", (Pa){ 0x12000 }, 0x1000, MEM_ROM));
    mem_on_code_write(m, note_write, &told);
    assert_true(mem_copy_to(m, (Pa){ 0x10ffc }, bytes, 8)); /* across two regions */
    assert_int_equal(told, 0x10ffc + 4 + 0x11000 + 4);
    assert_true(mem_read(m, (Pa){ 0x10ffc }, 8, &v));
    assert_int_equal(v, 0x0807060504030201);
    assert_false(mem_copy_to(m, (Pa){ 0x11ffc }, bytes, 8)); /* into ROM */
    assert_true(mem_load_image(m, (Pa){ 0x12000 }, bytes, 8));
    assert_true(mem_write(m, (Pa){ 0x12000 }, 4, 0)); /* ignored */
    assert_true(mem_load64(m, (Pa){ 0x12000 }, &v));
    assert_int_equal(v, 0x0807060504030201);
    assert_false(mem_cas64(m, (Pa){ 0x12000 }, v, 0, &seen));
    assert_false(mem_load64(m, (Pa){ 0x10004 }, &v));
    assert_false(mem_load64(m, (Pa){ 0x10001 }, &v));
    assert_true(mem_write(m, (Pa){ 0x10008 }, 8, 77));
    assert_true(mem_cas64(m, (Pa){ 0x10008 }, 76, 1, &seen));
    assert_int_equal(seen, 77);
    assert_true(mem_cas64(m, (Pa){ 0x10008 }, 77, 1, &seen));
    assert_int_equal(seen, 77);
    assert_true(mem_copy_from(m, bytes, (Pa){ 0x10008 }, 8));
    assert_int_equal(bytes[0], 1);
    assert_false(mem_copy_from(m, bytes, (Pa){ 0x12fff }, 2));
    mem_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_map),
        cmocka_unit_test(test_device_access),
        cmocka_unit_test(test_ram_access),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
