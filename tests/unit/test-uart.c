/* PL011 and PL061 against their TRMs, with a fake clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "pl011.h"
#include "pl061.h"

typedef struct {
    EvClock *clock;
    HwDevice *dev;
    HwCharPort port;
    char out[64];
    size_t n_out;
    unsigned asked;
    bool level;
} Bench;

static void on_output(void *ctx, const uint8_t *bytes, size_t n)
{
    Bench *b = ctx;
    memcpy(b->out + b->n_out, bytes, n);
    b->n_out += n;
}

static void on_ready(void *ctx)
{
    ((Bench *)ctx)->asked++;
}

static void set_level(void *ctx, unsigned n, bool level)
{
    ((Bench *)ctx)->level = level;
}

static void init(Bench *b, const HwDeviceClass *cls)
{
    memset(b, 0, sizeof *b);
    b->clock = ev_clock_new(true);
    b->port = (HwCharPort){ on_output, on_ready, b };
    b->dev = hw_device_new(cls, &(HwEnv){ .clock = b->clock }, &b->port);
    hw_device_connect(b->dev, 0, (HwLine){ set_level, b, 0 });
}

static void fini(Bench *b)
{
    hw_device_free(b->dev);
    ev_clock_free(b->clock);
}

static uint32_t rd(Bench *b, uint32_t offset)
{
    uint64_t v;
    assert_true(hw_device_read(b->dev, offset, 4, &v));
    return (uint32_t)v;
}

static void wr(Bench *b, uint32_t offset, uint32_t v)
{
    assert_true(hw_device_write(b->dev, offset, 4, v));
}

static void pass(Bench *b, int64_t ns)
{
    ev_clock_advance(b->clock, ev_now_ns(b->clock) + ns);
    ev_run_due(b->clock);
}

enum { DR = 0, RSR = 4, FR = 0x18, IBRD = 0x24, FBRD = 0x28, LCR = 0x2c, CR = 0x30, IFLS = 0x34,
       IMSC = 0x38, RIS = 0x3c, MIS = 0x40, ICR = 0x44 };

static void test_reset_and_output(void **state)
{
    Bench b;
    init(&b, pl011_class());
    assert_int_equal(rd(&b, CR), 0x300);
    assert_int_equal(rd(&b, IFLS), 0x12);
    assert_int_equal(rd(&b, FR) & 0x90, 0x90);
    assert_int_equal(rd(&b, 0xfe0), 0x11);
    assert_int_equal(rd(&b, 0xffc), 0xb1);
    assert_true(hw_device_write(b.dev, DR, 1, 'h'));
    assert_true(hw_device_write(b.dev, DR, 2, 'i'));
    assert_memory_equal(b.out, "hi", 2);
    assert_int_equal(b.n_out, 2);
    assert_int_equal(rd(&b, RIS), 0x20);
    assert_false(b.level);
    wr(&b, IMSC, 0x20);
    assert_true(b.level);
    assert_int_equal(rd(&b, MIS), 0x20);
    wr(&b, ICR, 0x20);
    assert_false(b.level);
    fini(&b);
}

static void enable(Bench *b, uint32_t lcr)
{
    wr(b, IBRD, 13); /* 24 MHz / (16 * 13.0208) = 115200 baud */
    wr(b, FBRD, 1);
    wr(b, LCR, lcr);
    wr(b, CR, 0x301);
    pass(b, 2000000);
}

static void test_receive(void **state)
{
    Bench b;
    uint8_t text[20] = "abcdefghijklmnopqrs";
    init(&b, pl011_class());
    assert_int_equal(pl011_receive(b.dev, text, 20), 0); /* not enabled: the sender waits */
    enable(&b, 0x70);
    assert_int_equal(b.asked, 1);
    assert_int_equal(pl011_receive(b.dev, text, 20), 16);
    assert_int_equal(rd(&b, FR) & 0x50, 0x40);
    assert_int_equal(rd(&b, RIS) & 0x50, 0x10);
    wr(&b, IMSC, 0x10);
    assert_true(b.level);
    for (unsigned i = 0; i < 16; i++) {
        assert_int_equal(rd(&b, FR) & 0x10, 0);
        assert_int_equal(rd(&b, RIS) & 0x10, i <= 8 ? 0x10 : 0); /* half full is 8 */
        assert_int_equal(rd(&b, DR), text[i]);
    }
    assert_int_equal(rd(&b, FR) & 0x50, 0x10);
    assert_false(b.level);
    assert_int_equal(b.asked, 17);
    fini(&b);
}

static void test_receive_timeout(void **state)
{
    Bench b;
    init(&b, pl011_class());
    enable(&b, 0x70);
    wr(&b, IMSC, 0x40);
    assert_int_equal(pl011_receive(b.dev, (const uint8_t *)"xy", 2), 2);
    assert_int_equal(rd(&b, RIS) & 0x50, 0);
    pass(&b, 277000); /* 32 bits at 115200 baud are 277.8 us */
    assert_false(b.level);
    pass(&b, 1500);
    assert_true(b.level);
    assert_int_equal(rd(&b, DR), 'x');
    assert_true(b.level);
    assert_int_equal(rd(&b, DR), 'y');
    assert_false(b.level);
    /* without the FIFO one character raises the receive interrupt */
    wr(&b, LCR, 0x60);
    assert_int_equal(pl011_receive(b.dev, (const uint8_t *)"xy", 2), 1);
    assert_int_equal(rd(&b, RIS) & 0x10, 0x10);
    /* changing FEN flushes */
    wr(&b, LCR, 0x70);
    assert_int_equal(rd(&b, FR) & 0x10, 0x10);
    pl011_break(b.dev);
    assert_int_equal(rd(&b, RIS) & 0x200, 0x200);
    assert_int_equal(rd(&b, DR), 0x400);
    assert_int_equal(rd(&b, RSR), 4);
    wr(&b, RSR, 0);
    assert_int_equal(rd(&b, RSR), 0);
    /* loopback */
    wr(&b, CR, 0x381);
    wr(&b, DR, 'L');
    assert_int_equal(b.n_out, 0);
    assert_int_equal(rd(&b, DR), 'L');
    fini(&b);
}

static void test_gpio(void **state)
{
    Bench b;
    init(&b, pl061_class());
    wr(&b, 0x400, 0x0f); /* pins 0..3 out */
    wr(&b, 0x3fc, 0xff);
    assert_int_equal(rd(&b, 0x3fc), 0x0f);
    wr(&b, 0x001 << 2, 0x00); /* masked: pin 0 only */
    assert_int_equal(rd(&b, 0x3fc), 0x0e);
    assert_int_equal(rd(&b, 0x006 << 2), 0x06);
    wr(&b, 0x400, 0);
    wr(&b, 0x410, 0xff);
    wr(&b, 0x40c, 1 << 3); /* rising edge of pin 3 */
    wr(&b, 0x41c, 0xff);
    pl061_set_input(b.dev, 3, true);
    assert_true(b.level);
    assert_int_equal(rd(&b, 0x418), 1 << 3);
    wr(&b, 0x41c, 0xff);
    assert_false(b.level);
    pl061_set_input(b.dev, 3, false);
    assert_false(b.level);
    wr(&b, 0x408, 1 << 3); /* both edges */
    pl061_set_input(b.dev, 3, true);
    wr(&b, 0x41c, 0xff);
    pl061_set_input(b.dev, 3, false);
    assert_true(b.level);
    wr(&b, 0x41c, 0xff);
    wr(&b, 0x408, 0);
    wr(&b, 0x40c, 1 << 5);
    wr(&b, 0x404, 1 << 5); /* high level of pin 5 */
    assert_false(b.level);
    pl061_set_input(b.dev, 5, true);
    wr(&b, 0x41c, 0xff);
    assert_true(b.level);
    pl061_set_input(b.dev, 5, false);
    assert_false(b.level);
    assert_int_equal(rd(&b, 0xfe0), 0x61);
    fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reset_and_output),
        cmocka_unit_test(test_receive),
        cmocka_unit_test(test_receive_timeout),
        cmocka_unit_test(test_gpio),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
