/* Event text, names and their nearest match. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
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
    check(&(EvEvent){ .kind = EV_TRAP, .insns = 7, .pc = 4, .a = 2, .b = 0x62340800,
                      .text = "HCR_EL2.TVM", .detail = "write TCR_EL1" },
          "cpu0 7 pc=0x4 trap HCR_EL2.TVM: write TCR_EL1 to EL2 esr=0x62340800");
    check(&(EvEvent){ .kind = EV_S2_FAULT, .insns = 7, .pc = 4, .a = 0x1008, .b = 0x2008, .c = 7,
                      .d = 2, .vmid = EV_NO_VMID, .text = "translation",
                      .detail = "on a table access" },
          "cpu0 7 pc=0x4 stage2_fault fetch translation: on a table access ipa=0x2008 va=0x1008 "
          "status=0x7 vmid=none");
    for (unsigned k = 0; k < EV_KIND_COUNT; k++) { /* no row has a field the sink does not know */
        GString *s = g_string_new(NULL);
        trace_format(&(EvEvent){ .kind = (EvKind)k }, s);
        assert_null(strchr(s->str, '{'));
        g_string_free(s, TRUE);
    }
}

static const char *name_of(uint32_t word)
{
    return word == 0xffffffff ? "mystery" : NULL;
}

static void check_insn(uint32_t word, uint64_t pc, const char *want)
{
    TraceDisasm *d = trace_disasm_new(name_of);
    GString *s = g_string_new(NULL);
    trace_disasm(d, word, pc, s);
    assert_string_equal(s->str, want);
    g_string_free(s, TRUE);
    trace_disasm_free(d);
}

/* Words: LLVM's assembler. */
static void test_disasm(void **state)
{
    check_insn(0x91001063, 0, "add x3, x3, #4");
    check_insn(0x14000010, 0x1000, "b #0x1040");
    check_insn(0xd69f03e0, 0, "eret");
    check_insn(0xffffffff, 0, "mystery");
    check_insn(0x00000001, 0, "unallocated");
}

static void test_counts(void **state)
{
    TraceStats *s = trace_stats_new();
    for (unsigned i = 0; i < 3; i++) {
        trace_stats_sink(s, &(EvEvent){ .kind = EV_EXCEPTION, .a = 0x102, .b = 0x5a000000,
                                        .text = "HVC" });
    }
    trace_stats_sink(s, &(EvEvent){ .kind = EV_IRQ, .a = 0x202 });
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    trace_stats_print(s, f);
    fclose(f);
    assert_string_equal(text, "exceptions     3  EL1 -> EL2 HVC\n"
                              "               1  EL2 -> EL2 interrupt\n"
                              "exits to EL2        count  VMID from      below EL2       each"
                              "         at EL2     each  reason (instructions)\n"
                              "                        3     0  EL1              0          0"
                              "              0        0  HVC\n");
    free(text);
    trace_stats_free(s);
}

/* Two vCPUs: 7 and 9 guest instructions before two exits of the first, 20 and 30 at EL2, an
 * interrupt of EL2 in between; the second exits from the host's EL0 and never returns. */
static void test_exits(void **state)
{
    static const EvEvent events[] = {
        { .kind = EV_ERET, .cpu = 0, .a = 0x201, .insns = 100 },
        { .kind = EV_EXCEPTION, .cpu = 0, .a = 0x102, .insns = 107, .vmid = 3, .text = "SYS",
          .detail = "TCR_EL1" },
        { .kind = EV_IRQ, .cpu = 0, .a = 0x202, .insns = 110, .vmid = 3, .text = "IRQ" },
        { .kind = EV_ERET, .cpu = 0, .a = 0x202, .insns = 115 },
        { .kind = EV_ERET, .cpu = 1, .a = 0x200, .insns = 50 },
        { .kind = EV_ERET, .cpu = 0, .a = 0x201, .insns = 127 },
        { .kind = EV_EXCEPTION, .cpu = 0, .a = 0x001, .insns = 130, .vmid = 3, .text = "SVC" },
        { .kind = EV_EXCEPTION, .cpu = 0, .a = 0x102, .insns = 136, .vmid = 3, .text = "SYS",
          .detail = "TCR_EL1" },
        { .kind = EV_IRQ, .cpu = 1, .a = 0x002, .insns = 51, .vmid = EV_NO_VMID, .text = "IRQ" },
        { .kind = EV_ERET, .cpu = 0, .a = 0x200, .insns = 166 },
    };
    TraceStats *s = trace_stats_new();
    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        trace_stats_sink(s, &events[i]);
    }
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    trace_stats_print(s, f);
    fclose(f);
    const char *table = strstr(text, "exits to EL2");
    assert_non_null(table);
    assert_string_equal(strchr(table, '\n') + 1,
                        "                        2     3  EL1             16          8"
                        "             50       25  SYS: TCR_EL1\n"
                        "                        1  host  EL0              1          1"
                        "              0        0  IRQ\n");
    free(text);
    trace_stats_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_names), cmocka_unit_test(test_text),
                                        cmocka_unit_test(test_disasm),
                                        cmocka_unit_test(test_counts),
                                        cmocka_unit_test(test_exits) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
