/*
 * A sink that counts: exceptions by class and by the levels they go between, interrupts, exits.
 */
#include "armillary/trace.h"

#include "exits.h"

#include <inttypes.h>
#include <string.h>

enum { CLASSES = 64, LEVELS = 4, MAX_ROWS = CLASSES * LEVELS * LEVELS };

struct TraceStats {
    uint64_t exceptions[CLASSES][LEVELS][LEVELS]; /* by EC, from, to */
    const char *names[CLASSES];                   /* static text of the events */
    uint64_t interrupts[LEVELS][LEVELS];
    TraceExits *exits;
};

TraceStats *trace_stats_new(void)
{
    TraceStats *s = g_new0(TraceStats, 1);
    s->exits = trace_exits_new();
    return s;
}

void trace_stats_free(TraceStats *s)
{
    if (s) {
        trace_exits_free(s->exits);
        g_free(s);
    }
}

void trace_stats_sink(void *ctx, const EvEvent *e)
{
    TraceStats *s = ctx;
    const unsigned from = e->a >> 8 & 3, to = e->a & 3;
    trace_exits_event(s->exits, e);
    if (e->kind == EV_IRQ) {
        s->interrupts[from][to]++;
    } else if (e->kind == EV_EXCEPTION) {
        const unsigned ec = (unsigned)(e->b >> 26 & 63);
        s->exceptions[ec][from][to]++;
        s->names[ec] = e->text;
    }
}

typedef struct {
    uint64_t count;
    const char *name;
    unsigned from, to;
} Row;

static int by_count(const void *a, const void *b)
{
    const Row *x = a, *y = b;
    return x->count < y->count ? 1 : x->count > y->count ? -1 : 0;
}

static void add_row(Row *rows, size_t *n, Row row)
{
    if (row.count) {
        rows[(*n)++] = row;
    }
}

void trace_stats_print(const TraceStats *s, FILE *to)
{
    g_autofree Row *rows = g_new(Row, MAX_ROWS + LEVELS * LEVELS);
    size_t n = 0;
    for (unsigned f = 0; f < LEVELS; f++) {
        for (unsigned t = 0; t < LEVELS; t++) {
            add_row(rows, &n, (Row){ s->interrupts[f][t], "interrupt", f, t });
            for (unsigned ec = 0; ec < CLASSES; ec++) {
                add_row(rows, &n, (Row){ s->exceptions[ec][f][t], s->names[ec], f, t });
            }
        }
    }
    qsort(rows, n, sizeof *rows, by_count);
    for (size_t i = 0; i < n; i++) {
        fprintf(to, "%-14s %" PRIu64 "  EL%u -> EL%u %s\n", i ? "" : "exceptions", rows[i].count,
                rows[i].from, rows[i].to, rows[i].name ? rows[i].name : "");
    }
    trace_exits_print(s->exits, to);
}
