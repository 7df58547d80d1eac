/*
 * Syndromes as text. Examples are ESR values with the fields the manual gives them (Arm ARM,
 * "ESR_ELx").
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "syndrome.h"

static void is(uint64_t esr, const char *want)
{
    char text[200];
    assert_string_equal(a64_esr_text(esr, text, sizeof text), want);
}

static void texts(void **state)
{
    is(0x02000000, "unknown reason");
    is(0x56000080, "SVC imm16=0x80");
    is(0x92000047, "data abort WnR FSC=0x7 (translation fault, level 3)");
    /* STR W1, [X0] to a device: ISV, SAS = word, SRT = 1, WnR */
    is(0x93810046, "data abort ISV SAS=0x2 SRT=0x1 WnR FSC=0x6 (translation fault, level 2)");
    is(0x8600000f, "instruction abort FSC=0xf (permission fault, level 3)");
    /* MSR SCTLR_EL1, X0 */
    is(0x62300400, "system register access Op0=0x3 CRn=0x1");
    is(0x07e00001, "WFI or WFE CV COND=0xe TI=0x1");
    is(0x9200003e, "data abort FSC=0x3e (reserved)");
    is(0x4c000000, "reserved class");
}

static void cut(void **state)
{
    char text[10];
    assert_string_equal(a64_esr_text(0x92000047, text, sizeof text), "data abor");
    assert_string_equal(a64_esr_text(0x92000047, text, 1), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(texts), cmocka_unit_test(cut)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
