/*
 * The guest's serial console as a window. One thread of its own makes every SDL call.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct UiWindow UiWindow;

/* Opens the window. NULL when there is no display: *why is then SDL's sentence, freed by free(). */
UiWindow *ui_window_new(const char *title, char **why);
/* Closes it and waits for its thread. */
void ui_window_free(UiWindow *w);
/* Console output to draw. Any thread. */
void ui_window_write(UiWindow *w, const uint8_t *bytes, size_t n);
/*
 * Readable when keys were typed (their bytes, as a terminal sends them); at its end when the user
 * closed the window. Owned by w.
 */
int ui_window_fd(const UiWindow *w);
