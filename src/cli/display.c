/*
 * --display sdl: the console window of src/ui, wired to the machine's serial console.
 */
#include "display.h"

#include <stdlib.h>
#include <unistd.h>

#include "window.h"

struct CliDisplay {
    VmMachine *machine;
    CliTerminalOwner owner;
    UiWindow *window;
    unsigned watch;
};

static void on_keys(void *ctx)
{
    CliDisplay *d = ctx;
    uint8_t typed[64];
    const ssize_t n = read(ui_window_fd(d->window), typed, sizeof typed);
    if (n == 0) {
        d->owner.key(d->owner.ctx, CLI_KEY_QUIT);
        return;
    }
    if (n > 0) {
        vm_console_input(d->machine, typed, (size_t)n); /* typed ahead of a full UART: lost */
    }
    vm_watch_resume(d->machine, d->watch);
}

CliDisplay *cli_display_new(VmMachine *m, CliTerminalOwner owner, GError **error)
{
    char *why = NULL;
    UiWindow *window = ui_window_new("Armillary", &why);
    if (!window) {
        g_set_error(error, VM_ERROR, VM_ERROR_HOST,
                    "--display sdl: %s (is there a display? --display none works without)", why);
        free(why);
        return NULL;
    }
    CliDisplay *d = g_new0(CliDisplay, 1);
    *d = (CliDisplay){ m, owner, window, 0 };
    d->watch = vm_watch_fd(m, ui_window_fd(window), on_keys, d);
    vm_watch_resume(m, d->watch);
    return d;
}

void cli_display_free(CliDisplay *d)
{
    if (d) {
        ui_window_free(d->window);
        g_free(d);
    }
}

void cli_display_write(void *display, const uint8_t *bytes, size_t n)
{
    const CliDisplay *d = display;
    ui_window_write(d->window, bytes, n);
}
