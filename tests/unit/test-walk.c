/*
 * The walker on tables written by hand; expected values follow from the descriptor formats.
 * Arm ARM, "VMSAv8-64 translation table format descriptors", "Stage 2", "MMU fault-checking
 * sequence".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "walk.h"

enum { WORDS = 8 * 512 };
#define RAM UINT64_C(0x40000000)
#define TABLE(n) (RAM + 0x1000u * (n))
#define AF (UINT64_C(1) << 10)
#define DBM (UINT64_C(1) << 51)
#define PAGE(pa) ((pa) | 3 | AF)
#define BLOCK(pa) ((pa) | 1 | AF)

typedef struct {
    uint64_t m[WORDS];
    unsigned loads;
    int64_t fail_cas; /* index whose first compare-and-swap finds another value */
    uint64_t other;
} Ram;

static bool ram_load(void *ctx, Pa at, uint64_t *desc)
{
    Ram *r = ctx;

    r->loads++;
    if (at.v < RAM || at.v >= RAM + sizeof r->m) {
        return false;
    }
    *desc = r->m[(at.v - RAM) / 8];
    return true;
}

static bool ram_cas(void *ctx, Pa at, uint64_t expected, uint64_t desired, uint64_t *seen)
{
    Ram *r = ctx;
    uint64_t i = (at.v - RAM) / 8;

    if ((int64_t)i == r->fail_cas) {
        r->fail_cas = -1;
        r->m[i] = r->other;
    }
    *seen = r->m[i];
    if (*seen == expected) {
        r->m[i] = desired;
    }
    return true;
}

static Ram ram;

static A64WalkIo io(void)
{
    return (A64WalkIo){ .ctx = &ram, .load = ram_load, .cas = ram_cas };
}

/* 4K granule, 48-bit VA, 48-bit PA; attribute 0 is Normal Write-Back, 1 is Device-nGnRE. */
static A64View view(uint32_t regime)
{
    A64View v = { .r = { .regime = regime,
                         .flags = A64_VF_S1 | A64_VF_C,
                         .tcr = 16 | 16 << 16 | UINT64_C(2) << 30 | UINT64_C(5) << 32,
                         .mair = 0x04ff },
                  .caps = { .pa_bits = 48, .gran4 = true, .gran16 = true, .gran64 = true,
                            .haf = true, .hd = true, .hpds = true, .pan = true, .e0pd = true,
                            .xnx = true, .fwb = true, .ttst = true },
                  .ttbr = { TABLE(0), TABLE(4) } };

    memset(&ram, 0, sizeof ram);
    ram.fail_cas = -1;
    ram.m[0] = TABLE(1) | 3;
    ram.m[512] = TABLE(2) | 3;
    ram.m[1024] = TABLE(3) | 3;
    return v;
}

static A64Walk walk(const A64View *v, uint64_t va, EngAccess access, bool el0)
{
    A64WalkIo i = io();
    A64Access a = { .va = { va }, .access = access, .el0 = el0 };

    return a64_walk(v, &i, &a);
}

static void expect_fault(A64Walk w, A64FaultType type, int level)
{
    assert_int_equal(w.fault.type, type);
    assert_int_equal(w.fault.level, level);
}

static void test_page(void **state)
{
    A64View v = view(A64_REGIME_EL10);
    A64Walk w;

    ram.m[1536 + 5] = PAGE(0x80005000) | 1 << 11 | 1 << 6 | 3 << 8; /* nG, EL0 read/write */
    w = walk(&v, 0x5123, ENG_WRITE, true);
    assert_int_equal(w.fault.type, A64_FAULT_NONE);
    assert_int_equal(w.pa.v, 0x80005123);
    assert_int_equal(w.s1_bits, 12);
    assert_int_equal(w.s1_level, 3);
    assert_false(w.global);
    assert_int_equal(w.read, A64_BY_EL0 | A64_BY_PRIV); /* not under PAN */
    /* privileged code never runs from EL0-writable pages */
    assert_int_equal(w.exec, A64_BY_EL0);
    assert_int_equal(w.attr.attr, 0xff);
    assert_int_equal(w.attr.sh, 3);
    assert_int_equal(ram.loads, 4);
    expect_fault(walk(&v, 0x6000, ENG_READ, true), A64_FAULT_TRANSLATION, 3);
    expect_fault(walk(&v, 0x5123, ENG_FETCH, false), A64_FAULT_PERMISSION, 3);
}

static void test_blocks_and_levels(void **state)
{
    A64View v = view(A64_REGIME_EL10);

    ram.m[512 + 1] = BLOCK(UINT64_C(0x1c0000000)); /* 1 GiB */
    ram.m[1024 + 3] = BLOCK(0x80600000) | 1 << 2;  /* 2 MiB, Device */
    assert_int_equal(walk(&v, 0x7fffffff, ENG_READ, false).pa.v, UINT64_C(0x1ffffffff));
    assert_int_equal(walk(&v, 0x7fffffff, ENG_READ, false).s1_bits, 30);
    assert_int_equal(walk(&v, 0x6fffff, ENG_READ, false).pa.v, 0x806fffff);
    assert_true(walk(&v, 0x6fffff, ENG_READ, false).attr.device);
    assert_int_equal(walk(&v, 0x6fffff, ENG_READ, false).attr.attr, 4);
    ram.m[1] = BLOCK(0); /* no 512 GiB blocks without DS */
    expect_fault(walk(&v, UINT64_C(1) << 39, ENG_READ, false), A64_FAULT_TRANSLATION, 0);
    ram.m[1536] = 1 | AF; /* reserved at level 3 */
    expect_fault(walk(&v, 0, ENG_READ, false), A64_FAULT_TRANSLATION, 3);
    expect_fault(walk(&v, UINT64_C(1) << 48, ENG_READ, false), A64_FAULT_TRANSLATION, 0);
    v.r.tcr |= UINT64_C(1) << 37; /* TBI0 */
    assert_int_equal(walk(&v, UINT64_C(0x5a00000000600000), ENG_READ, false).pa.v, 0x80600000);
}

static void test_address_size(void **state)
{
    A64View v = view(A64_REGIME_EL10);

    v.r.tcr = (v.r.tcr & ~(UINT64_C(7) << 32)) | UINT64_C(1) << 32; /* 36 bits */
    ram.m[1536] = PAGE(UINT64_C(1) << 36);
    expect_fault(walk(&v, 0, ENG_READ, false), A64_FAULT_ADDRESS_SIZE, 3);
    ram.m[512] = (UINT64_C(1) << 40) | 3;
    expect_fault(walk(&v, 0, ENG_READ, false), A64_FAULT_ADDRESS_SIZE, 1);
    v.ttbr[0] = UINT64_C(1) << 37;
    expect_fault(walk(&v, 0, ENG_READ, false), A64_FAULT_ADDRESS_SIZE, 0);
    v.r.flags = 0; /* stage 1 off: the VA is the output */
    expect_fault(walk(&v, UINT64_C(1) << 48, ENG_READ, false), A64_FAULT_ADDRESS_SIZE, 0);
    assert_int_equal(walk(&v, UINT64_C(0xffff00001234), ENG_READ, false).pa.v, 0xffff00001234);
    assert_true(walk(&v, 0x1234, ENG_READ, false).attr.device);
}

static void test_access_flag_and_dirty(void **state)
{
    A64View v = view(A64_REGIME_EL10);
    A64Walk w;

    ram.m[1536] = (PAGE(0x80000000) & ~AF) | DBM | 1 << 7; /* writable-clean */
    expect_fault(walk(&v, 0, ENG_READ, false), A64_FAULT_ACCESS_FLAG, 3);
    v.r.tcr |= UINT64_C(1) << 39; /* HA */
    w = walk(&v, 0, ENG_READ, false);
    assert_int_equal(w.fault.type, A64_FAULT_NONE);
    assert_int_equal(ram.m[1536], PAGE(0x80000000) | DBM | 1 << 7);
    expect_fault(walk(&v, 0, ENG_WRITE, false), A64_FAULT_PERMISSION, 3);
    v.r.tcr |= UINT64_C(1) << 40; /* HD */
    assert_true(walk(&v, 0, ENG_READ, false).clean);
    assert_int_equal(ram.m[1536], PAGE(0x80000000) | DBM | 1 << 7);
    w = walk(&v, 0, ENG_WRITE, false);
    assert_int_equal(w.fault.type, A64_FAULT_NONE);
    assert_false(w.clean);
    assert_int_equal(ram.m[1536], PAGE(0x80000000) | DBM);
    /* Another observer unmaps the page between the read and the update: the walk starts again. */
    ram.m[1536] = PAGE(0x80000000) | DBM | 1 << 7;
    ram.fail_cas = 1536;
    ram.other = 0;
    expect_fault(walk(&v, 0, ENG_WRITE, false), A64_FAULT_TRANSLATION, 3);
}

static void test_two_stages(void **state)
{
    A64View v = view(A64_REGIME_EL10);
    A64Walk w;

    /* Stage 2: 40-bit IPA from level 1 (two concatenated tables at 4 and 5), RAM identity-mapped
     * by a 1 GiB block. */
    v.r.flags |= A64_VF_S2;
    v.r.vtcr = 24 | 1 << 6 | 5 << 16;
    v.vttbr = TABLE(4);
    ram.m[2048 + 1] = BLOCK(RAM) | 0xf << 2 | 3 << 6;
    ram.m[1536] = PAGE(0x80000000);
    w = walk(&v, 0x10, ENG_READ, false);
    expect_fault(w, A64_FAULT_TRANSLATION, 1);
    assert_true(w.fault.stage2);
    assert_false(w.fault.s1ptw);
    assert_int_equal(w.fault.ipa.v, 0x80000010);
    ram.m[2048 + 2] = BLOCK(UINT64_C(0xc0000000)) | 0xf << 2 | 1 << 6; /* read-only */
    w = walk(&v, 0x10, ENG_READ, false);
    assert_int_equal(w.pa.v, 0xc0000010);
    assert_int_equal(w.ipa.v, 0x80000010);
    assert_int_equal(w.s1_bits, 12);
    assert_int_equal(w.s2_bits, 30);
    w = walk(&v, 0x10, ENG_WRITE, false);
    expect_fault(w, A64_FAULT_PERMISSION, 1);
    assert_true(w.fault.stage2 && w.fault.write);
    ram.m[2048 + 1] = 0; /* the stage-1 tables vanish */
    w = walk(&v, 0x10, ENG_READ, false);
    expect_fault(w, A64_FAULT_TRANSLATION, 1);
    assert_true(w.fault.stage2 && w.fault.s1ptw);
    assert_int_equal(w.fault.ipa.v, TABLE(0));
    v.r.vtcr = 24 | 5 << 16; /* starting at level 2 cannot cover 40 bits */
    expect_fault(walk(&v, 0x10, ENG_READ, false), A64_FAULT_TRANSLATION, 0);
}

static void test_s1_update_needs_s2_write(void **state)
{
    A64View v = view(A64_REGIME_EL10);
    A64Walk w;

    v.r.flags |= A64_VF_S2;
    v.r.vtcr = 24 | 1 << 6 | 5 << 16;
    v.vttbr = TABLE(4);
    v.r.tcr |= UINT64_C(1) << 39;
    ram.m[2048 + 1] = BLOCK(RAM) | 0xf << 2 | 1 << 6;
    ram.m[2048 + 2] = BLOCK(0x80000000) | 0xf << 2 | 3 << 6;
    ram.m[1536] = PAGE(0x80000000) & ~AF;
    w = walk(&v, 0, ENG_READ, false);
    expect_fault(w, A64_FAULT_PERMISSION, 1);
    assert_true(w.fault.stage2 && w.fault.s1ptw);
    assert_int_equal(w.fault.ipa.v, TABLE(3));
    assert_int_equal(ram.m[1536], PAGE(0x80000000) & ~AF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page),
        cmocka_unit_test(test_blocks_and_levels),
        cmocka_unit_test(test_address_size),
        cmocka_unit_test(test_access_flag_and_dirty),
        cmocka_unit_test(test_two_stages),
        cmocka_unit_test(test_s1_update_needs_s2_write),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
