/*
 * Commands of `monitor`: breakpoints with conditions that gdb has no words for. docs/howto-gdb.md.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "session.h"

enum { LEVELS = 3, LINES = 50 };

static const char HELP[] =
    "break [el0|el1|el2]... [vmid N] [asid N] ADDRESS\n"
    "    stop at this virtual address, at these Exception levels, with this VMID, this ASID\n"
    "break pa [el0|el1|el2]... [vmid N] [asid N] ADDRESS\n"
    "    stop at this physical address, whatever virtual address leads there\n"
    "delete ID | delete all\n"
    "list [ID]          all breakpoints (from ID), gdb's too\n"
    "forget             breakpoints of gdb that are out get new places\n"
    "translate ADDRESS  where it leads in the current context\n"
    "Numbers are decimal, or hexadecimal with 0x: eval \"monitor break el2 %#lx\", $VBAR_EL2\n";

/* --- words --- */

/* False: it is no number, or too large. */
static bool number(const char *word, uint64_t max, uint64_t *value)
{
    const bool hex = word && g_str_has_prefix(word, "0x");
    char *end = NULL;
    if (!word || !g_ascii_isxdigit(word[hex ? 2 : 0])) {
        return false;
    }
    errno = 0;
    *value = g_ascii_strtoull(word + (hex ? 2 : 0), &end, hex ? 16 : 10);
    return *end == 0 && errno == 0 && *value <= max;
}

/* "elN": the level, else -1. */
static int level_of(const char *word)
{
    return strlen(word) == 3 && strncmp(word, "el", 2) == 0 && word[2] >= '0' &&
                   word[2] < '0' + LEVELS
               ? word[2] - '0'
               : -1;
}

/* --- break --- */

/* A word with a number behind it; false: it is none of them. */
static bool take_number(EngBreak *b, const char *word, const char *value)
{
    uint64_t n;
    const bool vmid = strcmp(word, "vmid") == 0;
    if ((!vmid && strcmp(word, "asid") != 0) || !number(value, UINT16_MAX, &n)) {
        return false;
    }
    *(vmid ? &b->vmid : &b->asid) = (uint32_t)n;
    b->when |= vmid ? ENG_BREAK_VMID : ENG_BREAK_ASID;
    return true;
}

/* The address is the last word. False: something is not understood. */
static bool parse_break(char **words, EngBreak *b)
{
    bool physical = false;
    for (; words[0] && words[1]; words++) {
        const int level = level_of(words[0]);
        if (level >= 0) {
            b->levels |= (uint8_t)(1 << level);
            b->when |= ENG_BREAK_EL;
        } else if (strcmp(words[0], "pa") == 0) {
            physical = true;
        } else if (!take_number(b, words[0], words[1])) {
            return false;
        } else if (!*++words) {
            return false;
        }
    }
    uint64_t at;
    if (!number(words[0], UINT64_MAX, &at)) {
        return false;
    }
    b->va = physical ? 0 : at;
    b->pa.v = physical ? at : 0;
    b->placed = physical;
    b->when |= physical ? 0 : ENG_BREAK_VA;
    return true;
}

static void set_break(GdbSession *s, char **words, GString *out)
{
    EngBreak b = { .owner = GDB_OWNER_MONITOR };
    if (!parse_break(words, &b)) {
        g_string_append(out, "break [pa] [el0|el1|el2]... [vmid N] [asid N] ADDRESS\n");
        return;
    }
    const uint32_t id = vm_debug_break_set(s->machine, s->general, &b);
    if (!id) {
        g_string_append_printf(out, "The address is misaligned, or there are %d breakpoints.\n",
                               ENG_MAX_BREAKS);
        return;
    }
    for (unsigned n = 0; vm_debug_break_get(s->machine, n, &b) && b.id != id;) {
        n++;
    }
    gdb_monitor_describe(&b, out);
}

/* --- the others --- */

void gdb_monitor_describe(const EngBreak *b, GString *out)
{
    g_string_append_printf(out, "%" PRIu32 ":%s", b->id,
                           b->owner == GDB_OWNER_MONITOR ? "" : " of gdb,");
    for (int level = 0; level < LEVELS && (b->when & ENG_BREAK_EL); level++) {
        if (b->levels >> level & 1) {
            g_string_append_printf(out, " el%d", level);
        }
    }
    if (b->when & ENG_BREAK_VMID) {
        g_string_append_printf(out, " vmid %" PRIu32, b->vmid);
    }
    if (b->when & ENG_BREAK_ASID) {
        g_string_append_printf(out, " asid %" PRIu32, b->asid);
    }
    if (b->when & ENG_BREAK_VA) {
        g_string_append_printf(out, " 0x%" PRIx64, b->va);
    }
    if (b->placed) {
        g_string_append_printf(out, " pa 0x%" PRIx64, b->pa.v);
    } else {
        g_string_append(out, " (not executed yet)");
    }
    g_string_append_printf(out, ", %" PRIu64 " hits\n", b->hits);
}

static void list(GdbSession *s, const char *from, GString *out)
{
    uint64_t first = 0;
    EngBreak b;
    if (from && !number(from, UINT32_MAX, &first)) {
        g_string_append(out, "list [ID]\n");
        return;
    }
    unsigned lines = 0;
    for (unsigned n = 0; vm_debug_break_get(s->machine, n, &b); n++) {
        if (b.id >= first && lines++ == LINES) {
            g_string_append_printf(out, "more: list %" PRIu32 "\n", b.id);
            return;
        }
        if (b.id >= first) {
            gdb_monitor_describe(&b, out);
        }
    }
    if (lines == 0) {
        g_string_append(out, "There are no breakpoints.\n");
    }
}

/* gdb's own are gdb's to delete. */
static void delete_break(GdbSession *s, const char *which, GString *out)
{
    const bool all = g_strcmp0(which, "all") == 0;
    uint64_t id = 0;
    EngBreak b;
    if (!all && !number(which, UINT32_MAX, &id)) {
        g_string_append(out, "delete ID | delete all\n");
        return;
    }
    unsigned done = 0;
    for (unsigned n = 0; vm_debug_break_get(s->machine, n, &b);) {
        if (b.owner == GDB_OWNER_MONITOR && (all || b.id == id)) {
            vm_debug_break_clear(s->machine, b.id);
            done++;
        } else {
            n++;
        }
    }
    g_string_append_printf(out, "%u deleted.\n", done);
}

static void translate(GdbSession *s, const char *address, GString *out)
{
    uint64_t va, pa;
    if (!number(address, UINT64_MAX, &va)) {
        g_string_append(out, "translate ADDRESS\n");
    } else if (vm_debug_translate(s->machine, s->general, va, &pa)) {
        g_string_append_printf(out, "pa 0x%" PRIx64 "\n", pa);
    } else {
        g_string_append(out, "It leads nowhere in this context.\n");
    }
}

void gdb_monitor(GdbSession *s, const char *line, GString *out)
{
    char *text = g_strdup(line);
    char *words[32] = { NULL };
    unsigned n = 0;
    for (char *rest = text, *word; n < G_N_ELEMENTS(words) - 2 && (word = strsep(&rest, " \t"));) {
        if (*word) {
            words[n++] = word;
        }
    }
    const char *command = n ? words[0] : "help";
    if (strcmp(command, "break") == 0) {
        set_break(s, words + 1, out);
    } else if (strcmp(command, "delete") == 0) {
        delete_break(s, words[1], out);
    } else if (strcmp(command, "list") == 0) {
        list(s, words[1], out);
    } else if (strcmp(command, "translate") == 0) {
        translate(s, words[1], out);
    } else if (strcmp(command, "forget") == 0) {
        s->n_out = s->n_out_data = 0;
        g_string_append(out, "Done.\n");
    } else {
        g_string_append(out, strcmp(command, "help") == 0 ? "" : "There is no such command.\n");
        g_string_append(out, HELP);
    }
    g_free(text);
}
