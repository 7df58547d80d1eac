/*
 * The console window of a build without SDL2: there is none, and it says so.
 */
#include "window.h"

#include <string.h>

UiWindow *ui_window_new(const char *title, char **why)
{
    *why = strdup("built without SDL2 (meson setup -Dsdl=enabled)");
    return NULL;
}

void ui_window_free(UiWindow *w)
{
}

void ui_window_write(UiWindow *w, const uint8_t *bytes, size_t n)
{
}

int ui_window_fd(const UiWindow *w)
{
    return -1;
}
