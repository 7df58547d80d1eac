/* virtio console and entropy devices, driven as a driver would: layouts and values from VIRTIO 1.2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "virtio-bench.h"
#include "virtio/console.h"
#include "virtio/rng.h"

static void take_output(void *ctx, const uint8_t *bytes, size_t n)
{
    Bench *b = ctx;
    assert_true(b->n_out + n <= sizeof b->out);
    memcpy(b->out + b->n_out, bytes, n);
    b->n_out += n;
}

static void ask_input(void *ctx)
{
    ((Bench *)ctx)->asks++;
}

static void console(void **state)
{
    HwCharPort port = {take_output, ask_input, NULL};
    VirtioDevice *d = virtio_console_new(&port);
    Bench *b = bench_new(d);
    port.ctx = b;
    assert_int_equal(get(b, 8), 3);
    set(b, 0x108, 'e'); /* emergency write, before any driver */
    start(b, 1, FEATURES);
    memcpy(at(b, DATA), "hello", 5);
    write_desc(b, DESC, 0, (VirtioSegment){DATA, 3}, link_to(D_NEXT, 1));
    write_desc(b, DESC, 1, (VirtioSegment){DATA + 3, 2}, 0);
    offer(b, 0);
    kick(b);
    assert_int_equal(b->n_out, 6);
    assert_memory_equal(b->out, "ehello", 6);
    assert_int_equal(used_length(b, 0), 0);

    const uint8_t text[] = "abcdef";
    assert_int_equal(virtio_console_receive(b->dev, text, 6), 0); /* queue 0 is not set up */
    start(b, 0, FEATURES);
    assert_int_equal(virtio_console_receive(b->dev, text, 6), 0); /* no buffer */
    write_desc(b, DESC, 0, (VirtioSegment){DATA, 4}, D_WRITE);
    offer(b, 0);
    kick(b);
    assert_int_equal(b->asks, 1);
    assert_int_equal(virtio_console_receive(b->dev, text, 6), 4);
    assert_int_equal(used_length(b, 0), 4);
    assert_memory_equal(at(b, DATA), "abcd", 4);
    assert_true(b->line);
    bench_free(b);
    virtio_console_free(d);
}

/* A driver on another CPU that adds requests as fast as they are served. */
static void take_and_offer(void *ctx, const uint8_t *bytes, size_t n)
{
    Bench *b = ctx;
    b->n_out++;
    if (b->n_out < 100) {
        offer(b, 0);
    }
}

static void endless_requests(void **state)
{
    HwCharPort port = {take_and_offer, NULL, NULL};
    VirtioDevice *d = virtio_console_new(&port);
    Bench *b = bench_new(d);
    port.ctx = b;
    start(b, 1, FEATURES);
    write_desc(b, DESC, 0, (VirtioSegment){DATA, 1}, 0);
    offer(b, 0);
    kick(b);
    assert_in_range(b->n_out, NUM, 2 * NUM); /* a queue's length now (twice: kick updates, too) */
    assert_true(ev_next_alarm(b->clock) != INT64_MAX);
    for (unsigned i = 1; i < 20 && b->n_out < 100; i++) {
        ev_clock_advance(b->clock, 10000 * i);
        mem_lock_devices(b->mem);
        ev_run_due(b->clock);
        mem_unlock_devices(b->mem);
    }
    assert_int_equal(b->n_out, 100);
    assert_int_equal(get16(b, USED + 2), 100);
    assert_true(ev_next_alarm(b->clock) == INT64_MAX);
    bench_free(b);
    virtio_console_free(d);
}

static void entropy(void **state)
{
    BaseRandom random;
    base_random_seed(&random, 42);
    VirtioDevice *d = virtio_rng_new(&random);
    Bench *b = bench_new(d);
    /* high bytes of xoshiro256** seeded with splitmix64(42) */
    const uint8_t expected[] = {0x15, 0x61, 0xae, 0xec, 0xfd, 0xc5};
    assert_int_equal(get(b, 8), 4);
    start(b, 0, FEATURES);
    write_desc(b, DESC, 0, (VirtioSegment){DATA, 6}, D_WRITE);
    offer(b, 0);
    kick(b);
    assert_int_equal(used_length(b, 0), 6);
    assert_memory_equal(at(b, DATA), expected, 6);
    write_desc(b, DESC, 0, (VirtioSegment){DATA, 0x10000}, D_WRITE);
    offer(b, 0);
    kick(b);
    assert_int_equal(used_length(b, 0), 4096);
    assert_int_equal(at(b, DATA)[4096], 0);
    bench_free(b);
    virtio_rng_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(console),
        cmocka_unit_test(endless_requests),
        cmocka_unit_test(entropy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
