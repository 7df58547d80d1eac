/* Virtual time, alarms in order, and the event bus. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "armillary/clock.h"
#include "armillary/event.h"

typedef struct {
    EvAlarm *alarm;
    int64_t again_ns;
    unsigned id, runs;
    unsigned *log, *n_log;
} Ringer;

static void ring(void *ctx)
{
    Ringer *r = ctx;
    r->runs++;
    r->log[(*r->n_log)++] = r->id;
    if (r->again_ns) {
        ev_alarm_set(r->alarm, r->again_ns);
    }
}

static void note_sooner(void *ctx, int64_t ns)
{
    *(int64_t *)ctx = ns;
}

static int64_t elapsed(void *ctx)
{
    return *(int64_t *)ctx;
}

static void test_alarms(void **state)
{
    EvClock *c = ev_clock_new(true);
    unsigned log[16], n = 0;
    int64_t sooner = 0;
    Ringer r[3];
    for (unsigned i = 0; i < 3; i++) {
        r[i] = (Ringer){ .id = i, .log = log, .n_log = &n };
        r[i].alarm = ev_alarm_new(c, ring, &r[i]);
    }
    ev_clock_on_sooner(c, note_sooner, &sooner);
    assert_int_equal(ev_next_alarm(c), INT64_MAX);
    ev_alarm_set(r[2].alarm, 100);
    assert_int_equal(sooner, 100);
    ev_alarm_set(r[0].alarm, 100);
    ev_alarm_set(r[1].alarm, 50);
    assert_int_equal(sooner, 50);
    ev_clock_advance(c, 49);
    ev_run_due(c);
    assert_int_equal(n, 0);
    ev_clock_advance(c, 100);
    ev_clock_advance(c, 20); /* never back */
    assert_int_equal(ev_now_ns(c), 100);
    r[1].again_ns = 130;
    ev_run_due(c);
    assert_int_equal(n, 3);
    assert_int_equal(log[0], 1);
    assert_int_equal(log[1], 0); /* same time: in order of creation */
    assert_int_equal(log[2], 2);
    assert_int_equal(ev_next_alarm(c), 130);
    r[1].again_ns = 0;
    ev_alarm_set(r[1].alarm, INT64_MAX);
    ev_clock_advance(c, 1000);
    ev_run_due(c);
    assert_int_equal(n, 3);
    /* an alarm that stays in the past comes back to its caller */
    r[1].again_ns = 5;
    ev_alarm_set(r[1].alarm, 5);
    ev_run_due(c);
    assert_true(r[1].runs > 1 && r[1].runs < 12);
    for (unsigned i = 0; i < 3; i++) {
        ev_alarm_free(r[i].alarm);
    }
    assert_int_equal(ev_next_alarm(c), INT64_MAX);
    ev_clock_free(c);
}

static void test_elapsed(void **state)
{
    EvClock *c = ev_clock_new(true);
    int64_t turn = 7;
    ev_clock_set(c, 1000);
    ev_clock_on_elapsed(c, elapsed, &turn);
    assert_int_equal(ev_now_ns(c), 1007);
    ev_clock_set(c, 10);
    assert_int_equal(ev_now_ns(c), 17);
    ev_clock_free(c);
    c = ev_clock_new(false);
    const int64_t a = ev_now_ns(c), b = ev_now_ns(c);
    assert_true(a >= 0 && b >= a);
    ev_clock_set(c, INT64_C(5000000000));
    assert_true(ev_now_ns(c) >= INT64_C(5000000000) && ev_now_ns(c) < INT64_C(60000000000));
    ev_clock_free(c);
}

static void count(void *ctx, const EvEvent *e)
{
    *(uint64_t *)ctx += e->a;
}

static void test_bus(void **state)
{
    EvBus *b = ev_bus_new();
    uint64_t wfi = 0, both = 0;
    assert_false(ev_wanted(b, EV_WFI));
    ev_bus_subscribe(b, 1u << EV_WFI, count, &wfi);
    ev_bus_subscribe(b, 1u << EV_WFI | 1u << EV_IRQ, count, &both);
    assert_true(ev_wanted(b, EV_WFI) && ev_wanted(b, EV_IRQ));
    assert_false(ev_wanted(b, EV_MMIO));
    ev_bus_post(b, &(EvEvent){ .kind = EV_WFI, .a = 1 });
    ev_bus_post(b, &(EvEvent){ .kind = EV_IRQ, .a = 10 });
    assert_int_equal(wfi, 1);
    assert_int_equal(both, 11);
    ev_bus_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alarms),
        cmocka_unit_test(test_elapsed),
        cmocka_unit_test(test_bus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
