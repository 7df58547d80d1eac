/*
 * A character screen fed with a serial console's bytes: carriage return, line feed, backspace, tab,
 * scrolling; escape sequences are swallowed but for "erase display".
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { UI_COLUMNS = 100, UI_ROWS = 32 };

typedef struct {
    uint8_t cell[UI_ROWS][UI_COLUMNS];
    unsigned row, column;
    uint8_t escape; /* 0: text; 1: after ESC; 2: within ESC [ */
    uint8_t argument;
} UiScreen;

void ui_screen_clear(UiScreen *s);
void ui_screen_write(UiScreen *s, const uint8_t *bytes, size_t n);
