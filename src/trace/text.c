/*
 * Events as text: the table, names and their nearest match, the text sink.
 */
#include "armillary/trace.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const TraceKind kinds[EV_KIND_COUNT] = {
#define TRACE(kind, name_, text_, meaning_)                                                       \
    [kind] = { .name = (name_), .text = (text_), .meaning = (meaning_) },
#include "events.trace"
#undef TRACE
};

struct TraceText {
    FILE *file;
    bool owned;
    GString *line;
    TraceDisasm *disasm;
};

GQuark trace_error_quark(void)
{
    return g_quark_from_static_string("armillary-trace");
}

const TraceKind *trace_kind(EvKind kind)
{
    g_assert((unsigned)kind < EV_KIND_COUNT);
    return &kinds[kind];
}

/* Levenshtein distance, of short words. */
static unsigned distance(const char *a, const char *b)
{
    enum { MAX = 40 };
    unsigned row[MAX + 1];
    const size_t n = strlen(b);
    if (n > MAX || strlen(a) > MAX) {
        return MAX;
    }
    for (unsigned j = 0; j <= n; j++) {
        row[j] = j;
    }
    for (unsigned i = 1; a[i - 1]; i++) {
        unsigned corner = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= n; j++) {
            const unsigned change = corner + (a[i - 1] != b[j - 1]);
            corner = row[j];
            row[j] = MIN(change, MIN(row[j], row[j - 1]) + 1);
        }
    }
    return row[n];
}

const char *trace_nearest(const char *word, const char *const *candidates, size_t n)
{
    const char *best = NULL;
    unsigned best_distance = (unsigned)strlen(word) / 2 + 1;
    for (size_t i = 0; i < n; i++) {
        const unsigned d = distance(word, candidates[i]);
        if (d < best_distance) {
            best_distance = d;
            best = candidates[i];
        }
    }
    return best;
}

static int kind_named(const char *name)
{
    for (int k = 0; k < EV_KIND_COUNT; k++) {
        if (strcmp(kinds[k].name, name) == 0) {
            return k;
        }
    }
    return -1;
}

bool trace_parse(const char *list, uint32_t *mask, GError **error)
{
    g_auto(GStrv) names = g_strsplit(list, ",", -1);
    *mask = 0;
    for (char **name = names; *name; name++) {
        const int kind = kind_named(*name);
        if (kind >= 0) {
            *mask |= 1u << kind;
        } else if (strcmp(*name, "all") == 0) {
            *mask |= ((1u << EV_KIND_COUNT) - 1) & ~(1u << EV_INSN);
        } else {
            const char *all[EV_KIND_COUNT];
            for (unsigned k = 0; k < EV_KIND_COUNT; k++) {
                all[k] = kinds[k].name;
            }
            const char *near = trace_nearest(*name, all, EV_KIND_COUNT);
            g_set_error(error, TRACE_ERROR, 0,
                        near ? "unknown event \"%s\": did you mean \"%s\"?"
                             : "unknown event \"%s\" (see armillary info events)",
                        *name, near);
            return false;
        }
    }
    if (*mask == 0) {
        g_set_error(error, TRACE_ERROR, 0, "no event named (see armillary info events)");
    }
    return *mask != 0;
}

/* A field of a name; false when it is another kind of field. */
static bool put_string(const EvEvent *e, const char *p, GString *out)
{
    if (strncmp(p, "{text}", 6) == 0) {
        g_string_append(out, e->text ? e->text : "");
    } else if (strncmp(p, "{detail}", 8) == 0) {
        g_string_append_printf(out, "%s%s", e->detail ? ": " : "", e->detail ? e->detail : "");
    } else if (strncmp(p, "{vmid}", 6) != 0) {
        return false;
    } else if (e->vmid == EV_NO_VMID) {
        g_string_append(out, "none");
    } else {
        g_string_append_printf(out, "%u", e->vmid);
    }
    return true;
}

/* One "{...}" of a row; returns the text behind it. */
static const char *put_field(const EvEvent *e, const char *p, GString *out)
{
    const char *end = strchr(p, '}');
    g_assert(end);
    if (put_string(e, p, out)) {
        return end + 1;
    }
    const uint64_t v = ((const uint64_t[]){ e->a, e->b, e->c, e->d })[p[1] - 'a'];
    switch (p[2] == ':' ? p[3] : 'x') {
    case 'u': g_string_append_printf(out, "%" PRIu64, v); break;
    case 'w': g_string_append(out, v == 0 ? "read" : v == 1 ? "write" : "fetch"); break;
    case 'e':
        g_string_append_printf(out, "EL%u->EL%u", (unsigned)(v >> 8 & 3), (unsigned)(v & 3));
        break;
    default: g_string_append_printf(out, "%#" PRIx64, v); break;
    }
    return end + 1;
}

void trace_format(const EvEvent *e, GString *out)
{
    const TraceKind *kind = trace_kind(e->kind);
    if (e->cpu == UINT32_MAX) {
        g_string_append_printf(out, "- %s ", kind->name);
    } else {
        g_string_append_printf(out, "cpu%u %" PRIu64 " pc=%#" PRIx64 " %s ", e->cpu, e->insns,
                               e->pc, kind->name);
    }
    for (const char *p = kind->text; *p;) {
        if (*p == '{') {
            p = put_field(e, p, out);
        } else {
            g_string_append_c(out, *p++);
        }
    }
}

TraceText *trace_text_new(const char *path, TraceNameFn name, GError **error)
{
    FILE *file = path ? fopen(path, "we") : stderr;
    if (!file) {
        g_set_error(error, TRACE_ERROR, 0, "cannot write the trace to %s: %s", path,
                    g_strerror(errno));
        return NULL;
    }
    TraceText *t = g_new0(TraceText, 1);
    *t = (TraceText){ .file = file, .owned = path != NULL, .line = g_string_new(NULL),
                      .disasm = trace_disasm_new(name) };
    return t;
}

void trace_text_free(TraceText *t)
{
    if (t) {
        if (t->owned) {
            fclose(t->file);
        }
        g_string_free(t->line, TRUE);
        trace_disasm_free(t->disasm);
        g_free(t);
    }
}

void trace_text_sink(void *ctx, const EvEvent *e)
{
    TraceText *t = ctx;
    g_string_truncate(t->line, 0);
    trace_format(e, t->line);
    if (e->kind == EV_INSN) {
        trace_disasm(t->disasm, (uint32_t)e->a, e->pc, t->line);
    }
    g_string_append_c(t->line, '\n');
    fwrite(t->line->str, 1, t->line->len, t->file);
}
