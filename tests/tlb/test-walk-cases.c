/*
 * Runs the walker on the cases of walk_cases.py (standard input) and compares answers, and what it did to the tables.
 * Arm ARM, "The AArch64 Virtual Memory System Architecture".
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "walk.h"

enum { CELLS = 128 };

typedef struct {
    uint64_t at[CELLS], value[CELLS];
    unsigned n;
} Memory;

static bool load(void *ctx, Pa at, uint64_t *desc)
{
    Memory *m = ctx;

    for (unsigned i = 0; i < m->n; i++) {
        if (m->at[i] == at.v) {
            *desc = m->value[i];
            return true;
        }
    }
    return false;
}

static bool cas(void *ctx, Pa at, uint64_t expected, uint64_t desired, uint64_t *seen)
{
    Memory *m = ctx;

    if (!load(ctx, at, seen)) {
        return false;
    }
    for (unsigned i = 0; i < m->n && *seen == expected; i++) {
        if (m->at[i] == at.v) {
            m->value[i] = desired;
        }
    }
    return true;
}

static uint64_t number(bool *ok)
{
    char text[32] = "";

    *ok = *ok && scanf("%31s", text) == 1;
    return text[0] == '-' ? -strtoull(text + 1, NULL, 16) : strtoull(text, NULL, 16);
}

static void read_caps(A64MmuCaps *c, bool *ok)
{
    bool *flags[] = { &c->gran4, &c->gran16, &c->gran64, &c->lva,  &c->lpa2_4, &c->lpa2_16, &c->ttst,
                      &c->haf,   &c->hd,     &c->hpds,   &c->e0pd, &c->xnx,    &c->bti };

    c->pa_bits = (uint8_t)number(ok);
    for (unsigned i = 0; i < sizeof flags / sizeof *flags; i++) {
        *flags[i] = number(ok);
    }
    c->fwb = c->pan = c->epan = true;
}

static void read_view(A64View *v, bool *ok)
{
    *v = (A64View){ .r.regime = (uint32_t)number(ok) };
    v->r.flags = (uint32_t)number(ok);
    v->r.tcr = number(ok);
    v->r.mair = number(ok);
    v->r.vtcr = number(ok);
    v->ttbr[0] = number(ok);
    v->ttbr[1] = number(ok);
    v->vttbr = number(ok);
    read_caps(&v->caps, ok);
}

static unsigned read_pairs(uint64_t *at, uint64_t *value, bool *ok)
{
    unsigned n = (unsigned)number(ok);

    for (unsigned i = 0; i < n && *ok && n <= CELLS; i++) {
        at[i] = number(ok);
        value[i] = number(ok);
    }
    *ok = *ok && n <= CELLS;
    return n;
}

/* The walker's answer in the order of the model's. */
static unsigned flatten(const A64Walk *w, uint64_t out[16])
{
    const A64Fault *f = &w->fault;

    if (f->type != A64_FAULT_NONE) {
        uint64_t a[] = { f->type,  (uint64_t)(int64_t)f->level, f->stage2, f->s1ptw, f->write,
                         f->stage2 ? f->ipa.v : 0 };

        memcpy(out, a, sizeof a);
        return 6;
    }
    uint64_t a[] = { 0,          w->pa.v,
                     w->ipa.v,   w->attr.attr,
                     w->attr.sh, w->attr.device,
                     w->s1_bits, (uint64_t)(int64_t)w->s1_level,
                     w->s2_bits, (uint64_t)(int64_t)w->s2_level,
                     w->global,  w->guarded,
                     w->read,    w->write,
                     w->exec,    w->clean };
    memcpy(out, a, sizeof a);
    return 16;
}

static bool check(unsigned line, const A64Walk *w, const uint64_t *want, unsigned n)
{
    uint64_t got[16];
    unsigned m = flatten(w, got);
    bool same = m == n && !memcmp(got, want, n * sizeof *got);

    if (!same) {
        printf("case %u\n expected", line);
        for (unsigned i = 0; i < n; i++) {
            printf(" %" PRIx64, want[i]);
        }
        printf("\n got     ");
        for (unsigned i = 0; i < m; i++) {
            printf(" %" PRIx64, got[i]);
        }
        putchar('\n');
    }
    return same;
}

/* One line; false at the end of input. *bad counts wrong answers. */
static bool one_case(unsigned line, unsigned *bad)
{
    static Memory m, before;
    A64WalkIo io = { .ctx = &m, .load = load, .cas = cas };
    uint64_t want[16] = { 0 }, at[CELLS], value[CELLS], now;
    A64Access a = { 0 };
    bool ok = true;
    unsigned n, changed;
    A64View v;
    A64Walk w;

    read_view(&v, &ok);
    a.va.v = number(&ok);
    a.access = (EngAccess)number(&ok);
    a.el0 = number(&ok);
    a.pan = number(&ok);
    a.at = number(&ok);
    a.no_perm = number(&ok);
    m.n = read_pairs(m.at, m.value, &ok);
    n = (unsigned)number(&ok);
    for (unsigned i = 0; i < n && i < 16; i++) {
        want[i] = number(&ok);
    }
    changed = read_pairs(at, value, &ok);
    if (!ok) {
        return false;
    }
    before = m;
    w = a64_walk(&v, &io, &a);
    ok = check(line, &w, want, n);
    for (unsigned i = 0; i < changed; i++) {
        ok = ok && load(&m, (Pa){ at[i] }, &now) && now == value[i];
        load(&before, (Pa){ at[i] }, &now);
        for (unsigned k = 0; k < m.n; k++) {
            before.value[k] = before.at[k] == at[i] ? value[i] : before.value[k];
        }
    }
    if (memcmp(before.value, m.value, m.n * sizeof *m.value)) {
        printf("case %u: tables changed otherwise than expected\n", line);
        ok = false;
    }
    *bad += !ok;
    return true;
}

int main(void)
{
    unsigned line = 0, bad = 0;

    while (one_case(line + 1, &bad) && bad < 10) {
        line++;
    }
    printf("%u cases, %u wrong\n", line, bad);
    return bad || !line ? 1 : 0;
}
