/*
 * A flattened device tree written front to back. Devicetree Specification, "Flattened Devicetree (DTB) Format".
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint8_t structure[16384];
    char strings[2048];
    size_t used, strings_used;
} Fdt;

void fdt_begin(Fdt *f, const char *name);
void fdt_end(Fdt *f);
void fdt_bytes(Fdt *f, const char *name, const void *data, size_t n);
void fdt_text(Fdt *f, const char *name, const char *text);
void fdt_cells(Fdt *f, const char *name, const uint32_t *cells, size_t n);
#define FDT_CELLS(f, name, ...)                                                                                                    \
    fdt_cells(f, name, (const uint32_t[]){ __VA_ARGS__ }, sizeof((const uint32_t[]){ __VA_ARGS__ }) / 4)
/* The whole blob into `to`; returns its size. */
size_t fdt_finish(Fdt *f, uint8_t *to);
