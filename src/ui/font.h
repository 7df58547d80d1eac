/* The console window's letters. */
#pragma once

#include <stdint.h>

enum { UI_FIRST_CHAR = 32, UI_LAST_CHAR = 126, UI_GLYPH_COLUMNS = 5, UI_GLYPH_ROWS = 7 };

/* UI_GLYPH_ROWS bytes, a row each, bit 4 leftmost; a blank for what has no letter. */
const uint8_t *ui_glyph(uint8_t c);
