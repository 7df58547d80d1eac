/* The guest's serial console in a window, beside the terminal. */
#pragma once

#include "terminal.h"

typedef struct CliDisplay CliDisplay;

/*
 * Opens the window: what the console outputs appears there too, what is typed there reaches the
 * guest, and closing it quits. NULL and *error when there is no display. Free before the machine,
 * after cli_terminal_free.
 */
CliDisplay *cli_display_new(VmMachine *m, CliTerminalOwner owner, GError **error);
void cli_display_free(CliDisplay *d);
/* Console output (a CliTeeFn). */
void cli_display_write(void *display, const uint8_t *bytes, size_t n);
