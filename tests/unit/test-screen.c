/*
 * The console window's character screen.
 */
#include "screen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "font.h"

static void feed(UiScreen *s, const char *text)
{
    ui_screen_write(s, (const uint8_t *)text, strlen(text));
}

static void expect_row(const UiScreen *s, unsigned row, const char *text)
{
    assert_memory_equal(s->cell[row], text, strlen(text));
    for (size_t c = strlen(text); c < UI_COLUMNS; c++) {
        assert_int_equal(s->cell[row][c], ' ');
    }
}

static void test_controls(void **unused)
{
    UiScreen s;
    ui_screen_clear(&s);
    feed(&s, "one\r\ntwo\bW\r\n\tx\ra");
    expect_row(&s, 0, "one");
    expect_row(&s, 1, "twW");
    expect_row(&s, 2, "a       x");
    assert_int_equal(s.row, 2);
    assert_int_equal(s.column, 1);
}

static void test_wrap_and_scroll(void **unused)
{
    UiScreen s;
    ui_screen_clear(&s);
    for (unsigned i = 0; i < UI_COLUMNS + 2; i++) {
        feed(&s, "w");
    }
    expect_row(&s, 1, "ww");
    for (unsigned i = 0; i < UI_ROWS; i++) {
        feed(&s, "\r\nline");
    }
    expect_row(&s, 0, "line");
    expect_row(&s, UI_ROWS - 1, "line");
    assert_int_equal(s.row, UI_ROWS - 1);
}

static void test_escapes(void **unused)
{
    UiScreen s;
    ui_screen_clear(&s);
    feed(&s, "\x1b[31mred\x1b[0m \x1b[?25hx\x1b""c.");
    expect_row(&s, 0, "red x.");
    feed(&s, "\x1b[2Jafter");
    expect_row(&s, 0, "after");
    feed(&s, "\b\b\b\b\b\b\b\b\b");
    assert_int_equal(s.column, 0);
}

static void test_glyphs(void **unused)
{
    static const uint8_t blank[UI_GLYPH_ROWS];
    assert_memory_equal(ui_glyph(' '), blank, UI_GLYPH_ROWS);
    assert_memory_equal(ui_glyph(200), blank, UI_GLYPH_ROWS);
    for (unsigned c = UI_FIRST_CHAR + 1; c <= UI_LAST_CHAR; c++) {
        assert_memory_not_equal(ui_glyph((uint8_t)c), blank, UI_GLYPH_ROWS);
        for (unsigned other = UI_FIRST_CHAR; other < c; other++) {
            assert_memory_not_equal(ui_glyph((uint8_t)c), ui_glyph((uint8_t)other), UI_GLYPH_ROWS);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_controls), cmocka_unit_test(test_wrap_and_scroll),
        cmocka_unit_test(test_escapes), cmocka_unit_test(test_glyphs) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
