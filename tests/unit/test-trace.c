/* Event text, names and their nearest match. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "armillary/trace.h"

static void test_names(void **state)
{
    uint32_t mask = 0;
    g_autoptr(GError) error = NULL;
    assert_true(trace_parse("exception,irq", &mask, NULL));
    assert_int_equal(mask, 1u << EV_EXCEPTION | 1u << EV_IRQ);
    assert_true(trace_parse("all", &mask, NULL));
    assert_int_equal(mask, ((1u << EV_KIND_COUNT) - 1) & ~(1u << EV_INSN));
    assert_false(trace_parse("exceptoin", &mask, &error));
    assert_non_null(strstr(error->message, "\"exception\"?"));
    g_clear_error(&error);
    assert_false(trace_parse("mmu_fault,zzzzzzzz", &mask, &error));
    assert_non_null(strstr(error->message, "info events"));
    g_clear_error(&error);
    assert_false(trace_parse("", &mask, &error));
    for (unsigned k = 0; k < EV_KIND_COUNT; k++) { /* every kind has a row */
        assert_non_null(trace_kind((EvKind)k)->name);
        assert_true(trace_parse(trace_kind((EvKind)k)->name, &mask, NULL));
        assert_int_equal(mask, 1u << k);
    }
}

static void check(const EvEvent *e, const char *want)
{
    GString *s = g_string_new(NULL);
    trace_format(e, s);
    assert_string_equal(s->str, want);
    g_string_free(s, TRUE);
}

static void test_text(void **state)
{
    check(&(EvEvent){ .kind = EV_EXCEPTION, .cpu = 3, .insns = 42, .pc = 0x1000, .a = 0x102,
                      .b = 0x56000000, .c = 0, .d = 0x2600, .text = "SVC" },
          "cpu3 42 pc=0x1000 exception EL1->EL2 SVC esr=0x56000000 far=0 vector=0x2600");
    check(&(EvEvent){ .kind = EV_MMIO, .cpu = UINT32_MAX, .a = 0x9000000, .b = 0x41, .d = 1,
                      .text = "pl011.UARTDR" },
          "- mmio write pl011.UARTDR at 0x9000000 value=0x41");
    for (unsigned k = 0; k < EV_KIND_COUNT; k++) { /* no row has a field the sink does not know */
        GString *s = g_string_new(NULL);
        trace_format(&(EvEvent){ .kind = (EvKind)k }, s);
        assert_null(strchr(s->str, '{'));
        g_string_free(s, TRUE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_names), cmocka_unit_test(test_text) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
