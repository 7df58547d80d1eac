/* Exception syndromes as text. */
#include "syndrome.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    char *at;
    size_t left;
} Out;

__attribute__((format(printf, 2, 3))) static void put(Out *o, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(o->at, o->left, format, args);
    va_end(args);
    size_t used = n < 0 ? 0 : (size_t)n < o->left ? (size_t)n : o->left - 1;
    o->at += used;
    o->left -= used;
}

const char *a64_esr_class(uint64_t esr)
{
    const A64EcRow *row = &a64_ec_rows[esr >> 26 & 0x3f];
    return row->name ? row->text : "reserved class";
}

/* Fields that are 0 are left out, but for the first of an access. */
static void put_field(Out *o, const A64IssField *f, uint32_t iss)
{
    uint32_t v = iss >> f->lsb & ((UINT32_C(1) << f->width) - 1);
    if (strcmp(f->name, "FSC") == 0) {
        const char *text = a64_fsc_text[v];
        put(o, " FSC=%#x (%s)", v, text ? text : "reserved");
    } else if (v) {
        put(o, f->width == 1 ? " %s" : " %s=%#x", f->name, v);
    }
}

const char *a64_esr_text(uint64_t esr, char *out, size_t n)
{
    Out o = {out, n};
    put(&o, "%s", a64_esr_class(esr));
    for (const A64IssField *f = a64_ec_rows[esr >> 26 & 0x3f].iss; f && f->name; f++)
        put_field(&o, f, (uint32_t)esr);
    return out;
}
