/*
 * The character screen of the console window. ECMA-48, "Control functions" (the few that matter).
 */
#include "screen.h"

#include <string.h>

enum { ESC = 27 };

void ui_screen_clear(UiScreen *s)
{
    memset(s->cell, ' ', sizeof s->cell);
    s->row = s->column = 0;
    s->escape = 0;
}

static void line_feed(UiScreen *s)
{
    if (s->row + 1 < UI_ROWS) {
        s->row++;
        return;
    }
    memmove(s->cell[0], s->cell[1], sizeof s->cell - sizeof s->cell[0]);
    memset(s->cell[UI_ROWS - 1], ' ', sizeof s->cell[0]);
}

static void put(UiScreen *s, uint8_t c)
{
    if (s->column == UI_COLUMNS) {
        s->column = 0;
        line_feed(s);
    }
    s->cell[s->row][s->column++] = c;
}

/* One byte of an escape sequence. */
static void escape(UiScreen *s, uint8_t c)
{
    if (s->escape == 1) {
        s->escape = c == '[' ? 2 : 0;
        s->argument = 0;
    } else if (c >= '0' && c <= '9') {
        s->argument = (uint8_t)(s->argument * 10 + (c - '0'));
    } else if (c >= 0x40) {
        s->escape = 0;
        if (c == 'J' && s->argument == 2) {
            ui_screen_clear(s);
        } else if (c == 'H' && s->argument == 0) {
            s->row = s->column = 0;
        }
    }
}

static void control(UiScreen *s, uint8_t c)
{
    switch (c) {
    case '\r': s->column = 0; break;
    case '\n': line_feed(s); break;
    case '\b': s->column -= s->column > 0; break;
    case '\t':
        do {
            put(s, ' ');
        } while (s->column % 8);
        break;
    case ESC: s->escape = 1; break;
    default: break;
    }
}

void ui_screen_write(UiScreen *s, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (s->escape) {
            escape(s, bytes[i]);
        } else if (bytes[i] < ' ') {
            control(s, bytes[i]);
        } else {
            put(s, bytes[i]);
        }
    }
}
