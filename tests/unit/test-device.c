/* The register-table device: dispatch, access sizes, guest errors, lines and alarms, with the PL031 as its first user. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "armillary/device.h"
#include "pl031.h"

typedef struct {
    EvClock *clock;
    HwDevice *dev;
    EvBus *bus;
    Mem *mem;
    unsigned errors;
    bool level;
} Bench;

static void set_level(void *ctx, unsigned n, bool level)
{
    Bench *b = ctx;
    assert_int_equal(n, 34);
    b->level = level;
}

static void count_error(void *ctx, const EvEvent *e)
{
    Bench *b = ctx;
    b->errors++;
}

static void bench_init(Bench *b, const HwDeviceClass *cls)
{
    *b = (Bench){ .clock = ev_clock_new(true), .bus = ev_bus_new(), .mem = mem_new() };
    ev_bus_subscribe(b->bus, 1u << EV_GUEST_ERROR, count_error, b);
    b->dev = hw_device_new(cls, &(HwEnv){ b->mem, b->clock, b->bus }, b);
    assert_true(hw_device_map(b->dev, (Pa){ 0x9010000 }));
    hw_device_connect(b->dev, 0, (HwLine){ set_level, b, 34 });
}

static void bench_fini(Bench *b)
{
    hw_device_free(b->dev);
    mem_free(b->mem);
    ev_bus_free(b->bus);
    ev_clock_free(b->clock);
}

static uint64_t rd(Bench *b, uint64_t offset, unsigned size)
{
    uint64_t v = 0;
    assert_true(mem_read(b->mem, (Pa){ 0x9010000 + offset }, size, &v));
    return v;
}

static void wr(Bench *b, uint64_t offset, unsigned size, uint64_t v)
{
    assert_true(mem_write(b->mem, (Pa){ 0x9010000 + offset }, size, v));
}

/* Register values and reset state: PL031 TRM, table 3-1. */
static void test_pl031_registers(void **state)
{
    Bench b;
    bench_init(&b, pl031_class());
    ev_clock_advance(b.clock, INT64_C(5999999999));
    assert_int_equal(rd(&b, 0x00, 4), 5);
    assert_int_equal(rd(&b, 0x0c, 4), 1);
    wr(&b, 0x08, 4, 1000);
    assert_int_equal(rd(&b, 0x00, 4), 1000);
    ev_clock_advance(b.clock, INT64_C(6000000000));
    assert_int_equal(rd(&b, 0x00, 4), 1001);
    assert_int_equal(rd(&b, 0x08, 4), 1000);
    assert_int_equal(rd(&b, 0x00, 1), 1001 & 0xff);
    assert_int_equal(rd(&b, 0x01, 1), 1001 >> 8);
    assert_int_equal(rd(&b, 0x08, 8), 1000 | UINT64_C(1) << 32);
    wr(&b, 0x10, 4, UINT32_MAX);
    assert_int_equal(rd(&b, 0x10, 4), 1);
    const uint8_t id[8] = { 0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(rd(&b, 0xfe0 + 4 * i, 4), id[i]);
    }
    assert_int_equal(b.errors, 0);
    assert_int_equal(rd(&b, 0x20, 4), 0);
    assert_int_equal(rd(&b, 0x1c, 4), 0); /* write-only */
    wr(&b, 0x00, 4, 9);                   /* read-only */
    wr(&b, 0xfe0, 4, 9);
    assert_int_equal(b.errors, 4);
    assert_int_equal(rd(&b, 0x00, 4), 1001);
    bench_fini(&b);
}

static void run_to(Bench *b, int64_t ns)
{
    ev_clock_advance(b->clock, ns);
    ev_run_due(b->clock);
}

static void test_pl031_match(void **state)
{
    Bench b;
    bench_init(&b, pl031_class());
    run_to(&b, 10);
    wr(&b, 0x1c, 4, 1); /* the counter starts equal to the match register: clear that */
    wr(&b, 0x10, 4, 1);
    wr(&b, 0x04, 4, 3);
    assert_int_equal(ev_next_alarm(b.clock), INT64_C(3000000000));
    run_to(&b, INT64_C(2999999999));
    assert_false(b.level);
    run_to(&b, INT64_C(3000000000));
    assert_true(b.level);
    assert_int_equal(rd(&b, 0x14, 4), 1);
    assert_int_equal(rd(&b, 0x18, 4), 1);
    wr(&b, 0x1c, 4, 1); /* clearing within the same second does not raise it again */
    assert_false(b.level);
    wr(&b, 0x10, 4, 1);
    assert_false(b.level);
    run_to(&b, INT64_C(4000000000));
    assert_false(b.level);
    wr(&b, 0x04, 4, 4); /* a match written for now is raised at once; masked it stays inside */
    assert_true(b.level);
    wr(&b, 0x10, 4, 0);
    assert_false(b.level);
    assert_int_equal(rd(&b, 0x14, 4), 1);
    hw_device_reset(b.dev);
    assert_int_equal(rd(&b, 0x10, 4), 0);
    bench_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pl031_registers),
        cmocka_unit_test(test_pl031_match),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
