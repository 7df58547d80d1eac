#include "fdt.h"

#include <string.h>

static void put32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

static void word(Fdt *f, uint32_t v)
{
    put32(f->structure + f->used, v);
    f->used += 4;
}

static void data(Fdt *f, const void *from, size_t n)
{
    memcpy(f->structure + f->used, from, n);
    f->used += (n + 3) & ~(size_t)3;
}

void fdt_begin(Fdt *f, const char *name)
{
    word(f, 1);
    data(f, name, strlen(name) + 1);
}

void fdt_end(Fdt *f)
{
    word(f, 2);
}

void fdt_bytes(Fdt *f, const char *name, const void *from, size_t n)
{
    const size_t at = f->strings_used;
    memcpy(f->strings + at, name, strlen(name) + 1);
    f->strings_used += strlen(name) + 1;
    word(f, 3);
    word(f, (uint32_t)n);
    word(f, (uint32_t)at);
    data(f, from, n);
}

void fdt_text(Fdt *f, const char *name, const char *text)
{
    fdt_bytes(f, name, text, strlen(text) + 1);
}

void fdt_cells(Fdt *f, const char *name, const uint32_t *cells, size_t n)
{
    uint8_t bytes[256];
    for (size_t i = 0; i < n; i++) {
        put32(bytes + 4 * i, cells[i]);
    }
    fdt_bytes(f, name, bytes, 4 * n);
}

size_t fdt_finish(Fdt *f, uint8_t *to)
{
    word(f, 9);
    const size_t reserve = 40, structure = 56, strings = structure + f->used, total = strings + f->strings_used;
    const uint32_t header[10] = { 0xd00dfeed, (uint32_t)total, (uint32_t)structure, (uint32_t)strings, (uint32_t)reserve, 17, 16, 0,
                                  (uint32_t)f->strings_used, (uint32_t)f->used };
    memset(to, 0, structure);
    for (unsigned i = 0; i < 10; i++) {
        put32(to + 4 * i, header[i]);
    }
    memcpy(to + structure, f->structure, f->used);
    memcpy(to + strings, f->strings, f->strings_used);
    return total;
}
