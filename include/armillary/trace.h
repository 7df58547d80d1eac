/*
 * Text of events, and a sink that writes them. A line: vCPU, its instruction count, PC, kind,
 * fields.
 */
#pragma once

#include <glib.h>

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

/* A sink that writes lines to path (NULL: standard error). Owns the file. */
typedef struct TraceText TraceText;
TraceText *trace_text_new(const char *path, GError **error);
void trace_text_free(TraceText *t);
/* EvSinkFn; ctx = TraceText. */
void trace_text_sink(void *ctx, const EvEvent *e);

/* The candidate nearest to `word` by edit distance, NULL when none is near. n candidates. */
const char *trace_nearest(const char *word, const char *const *candidates, size_t n);

#define TRACE_ERROR trace_error_quark()
GQuark trace_error_quark(void);
