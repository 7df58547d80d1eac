/*
 * Text of events, and a sink that writes them. A line: vCPU, its instruction count, PC, kind,
 * fields.
 */
#pragma once

#include <glib.h>
#include <stdio.h>

#include "armillary/event.h"

/* One event kind as users see it. */
typedef struct {
    const char *name, *text, *meaning;
} TraceKind;

const TraceKind *trace_kind(EvKind kind);

/*
 * Reads "name,name..." ("all" for every kind but insn) into a mask of kinds. False and *error with
 * the nearest name when one is unknown.
 */
bool trace_parse(const char *list, uint32_t *mask, GError **error);

/* The event as one line without its end, appended to out. */
void trace_format(const EvEvent *e, GString *out);

/* Instructions as text. name: what to call a word the disassembler does not know; may be NULL. */
typedef const char *(*TraceNameFn)(uint32_t word);
typedef struct TraceDisasm TraceDisasm;
TraceDisasm *trace_disasm_new(TraceNameFn name);
void trace_disasm_free(TraceDisasm *d);
void trace_disasm(TraceDisasm *d, uint32_t word, uint64_t pc, GString *out);

/* Counts exceptions, interrupts and exits to EL2 with the instructions they cost. */
typedef struct TraceStats TraceStats;
TraceStats *trace_stats_new(void);
void trace_stats_free(TraceStats *s);
/* EvSinkFn for EV_EXCEPTION, EV_IRQ and EV_ERET; ctx = TraceStats. */
void trace_stats_sink(void *ctx, const EvEvent *e);
void trace_stats_print(const TraceStats *s, FILE *to);

/* A sink that writes lines to path (NULL: standard error). Owns the file. */
typedef struct TraceText TraceText;
/* name: see trace_disasm_new. */
TraceText *trace_text_new(const char *path, TraceNameFn name, GError **error);
void trace_text_free(TraceText *t);
/* EvSinkFn; ctx = TraceText. */
void trace_text_sink(void *ctx, const EvEvent *e);

/* The candidate nearest to `word` by edit distance, NULL when none is near. n candidates. */
const char *trace_nearest(const char *word, const char *const *candidates, size_t n);

#define TRACE_ERROR trace_error_quark()
GQuark trace_error_quark(void);
