/*
 * The console window: a thread that draws the character screen and turns keys into bytes. SDL2.
 */
#define _GNU_SOURCE /* pipe2 */
#include "window.h"

#include <SDL.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "font.h"
#include "screen.h"

enum { SCALE = 2, CELL_W = (UI_GLYPH_COLUMNS + 1) * SCALE, CELL_H = (UI_GLYPH_ROWS + 2) * SCALE };
enum { WIDTH = UI_COLUMNS * CELL_W, HEIGHT = UI_ROWS * CELL_H, FRAME_MS = 30 };
#define INK 0xffd8dee9u
#define PAPER 0xff1e2227u

struct UiWindow {
    pthread_t thread;
    pthread_mutex_t lock; /* guards screen, changed, closing, failed, ready */
    pthread_cond_t started;
    UiScreen screen;
    bool changed, closing, ready;
    char *failed;
    const char *title;
    int keys[2];
};

typedef struct {
    SDL_Window *window;
    SDL_Renderer *renderer;
    SDL_Texture *texture;
} Display;

static bool open_display(Display *d, const char *title)
{
    if (SDL_InitSubSystem(SDL_INIT_VIDEO) != 0) {
        return false;
    }
    d->window = SDL_CreateWindow(title, SDL_WINDOWPOS_UNDEFINED, SDL_WINDOWPOS_UNDEFINED, WIDTH,
                                 HEIGHT, SDL_WINDOW_SHOWN | SDL_WINDOW_RESIZABLE);
    d->renderer = d->window ? SDL_CreateRenderer(d->window, -1, SDL_RENDERER_SOFTWARE) : NULL;
    d->texture = d->renderer ? SDL_CreateTexture(d->renderer, SDL_PIXELFORMAT_ARGB8888,
                                                 SDL_TEXTUREACCESS_STREAMING, WIDTH, HEIGHT)
                             : NULL;
    return d->texture;
}

static void close_display(Display *d)
{
    SDL_DestroyTexture(d->texture);
    SDL_DestroyRenderer(d->renderer);
    SDL_DestroyWindow(d->window);
    SDL_QuitSubSystem(SDL_INIT_VIDEO);
}

static void draw_cell(uint32_t *at, unsigned stride, uint8_t c, bool cursor)
{
    const uint8_t *glyph = ui_glyph(c);
    for (unsigned y = 0; y < CELL_H; y++) {
        for (unsigned x = 0; x < CELL_W; x++) {
            const unsigned row = y / SCALE, column = x / SCALE;
            const bool lit = row < UI_GLYPH_ROWS && column < UI_GLYPH_COLUMNS &&
                             (glyph[row] >> (UI_GLYPH_COLUMNS - 1 - column) & 1);
            at[y * stride + x] = lit != cursor ? INK : PAPER;
        }
    }
}

static void draw(Display *d, const UiScreen *s)
{
    void *pixels;
    int pitch;
    if (SDL_LockTexture(d->texture, NULL, &pixels, &pitch) == 0) {
        const unsigned stride = (unsigned)pitch / 4;
        for (unsigned r = 0; r < UI_ROWS; r++) {
            for (unsigned c = 0; c < UI_COLUMNS; c++) {
                draw_cell((uint32_t *)pixels + r * CELL_H * stride + c * CELL_W, stride,
                          s->cell[r][c], r == s->row && c == s->column);
            }
        }
        SDL_UnlockTexture(d->texture);
    }
    SDL_RenderCopy(d->renderer, d->texture, NULL, NULL);
    SDL_RenderPresent(d->renderer);
}

/* The bytes a terminal sends for a key that is no text. */
static const char *key_bytes(const SDL_KeyboardEvent *key)
{
    switch (key->keysym.sym) {
    case SDLK_RETURN:
    case SDLK_KP_ENTER: return "\r";
    case SDLK_BACKSPACE: return "\x7f";
    case SDLK_TAB: return "\t";
    case SDLK_ESCAPE: return "\x1b";
    case SDLK_UP: return "\x1b[A";
    case SDLK_DOWN: return "\x1b[B";
    case SDLK_RIGHT: return "\x1b[C";
    case SDLK_LEFT: return "\x1b[D";
    default: return "";
    }
}

static void send(UiWindow *w, const char *bytes, size_t n)
{
    if (n > 0 && write(w->keys[1], bytes, n) < 0) {
        return; /* the pipe is full: the guest does not read */
    }
}

/* False when the user closed the window. */
static bool handle(UiWindow *w, const SDL_Event *e)
{
    if (e->type == SDL_QUIT) {
        return false;
    }
    if (e->type == SDL_TEXTINPUT) {
        send(w, e->text.text, strlen(e->text.text));
    } else if (e->type == SDL_KEYDOWN) {
        const SDL_Keycode sym = e->key.keysym.sym;
        if ((e->key.keysym.mod & KMOD_CTRL) && sym >= SDLK_a && sym <= SDLK_z) {
            const char control = (char)(sym & 31);
            send(w, &control, 1);
        } else {
            const char *bytes = key_bytes(&e->key);
            send(w, bytes, strlen(bytes));
        }
    } else if (e->type == SDL_WINDOWEVENT && e->window.event == SDL_WINDOWEVENT_EXPOSED) {
        pthread_mutex_lock(&w->lock);
        w->changed = true;
        pthread_mutex_unlock(&w->lock);
    }
    return true;
}

static void loop(UiWindow *w, Display *d)
{
    for (bool open = true; open;) {
        SDL_Event e;
        if (SDL_WaitEventTimeout(&e, FRAME_MS)) {
            do {
                open = handle(w, &e) && open;
            } while (SDL_PollEvent(&e));
        }
        pthread_mutex_lock(&w->lock);
        const bool changed = w->changed;
        UiScreen now = w->screen;
        w->changed = false;
        open = open && !w->closing;
        pthread_mutex_unlock(&w->lock);
        if (changed) {
            draw(d, &now);
        }
    }
}

static void *run(void *arg)
{
    UiWindow *w = arg;
    Display d = { NULL, NULL, NULL };
    const bool good = open_display(&d, w->title);
    pthread_mutex_lock(&w->lock);
    w->failed = good ? NULL : strdup(SDL_GetError());
    w->ready = true;
    pthread_cond_signal(&w->started);
    pthread_mutex_unlock(&w->lock);
    if (good) {
        loop(w, &d);
    }
    close_display(&d);
    close(w->keys[1]);
    return NULL;
}

UiWindow *ui_window_new(const char *title, char **why)
{
    UiWindow *w = calloc(1, sizeof *w);
    if (!w || pipe2(w->keys, O_CLOEXEC | O_NONBLOCK) != 0) {
        *why = strdup("out of memory or files");
        free(w);
        return NULL;
    }
    w->title = title;
    w->changed = true;
    ui_screen_clear(&w->screen);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->started, NULL);
    if (pthread_create(&w->thread, NULL, run, w) != 0) {
        *why = strdup("no thread");
        close(w->keys[0]);
        close(w->keys[1]);
        free(w);
        return NULL;
    }
    pthread_mutex_lock(&w->lock);
    while (!w->ready) {
        pthread_cond_wait(&w->started, &w->lock);
    }
    *why = w->failed;
    pthread_mutex_unlock(&w->lock);
    if (*why) {
        ui_window_free(w);
        return NULL;
    }
    return w;
}

void ui_window_free(UiWindow *w)
{
    pthread_mutex_lock(&w->lock);
    w->closing = true;
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    close(w->keys[0]);
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->started);
    free(w);
}

void ui_window_write(UiWindow *w, const uint8_t *bytes, size_t n)
{
    pthread_mutex_lock(&w->lock);
    ui_screen_write(&w->screen, bytes, n);
    w->changed = true;
    pthread_mutex_unlock(&w->lock);
}

int ui_window_fd(const UiWindow *w)
{
    return w->keys[0];
}
