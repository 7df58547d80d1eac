/* Breakpoints that gdb itself sets. GDB manual, "Packets" (z, Z), "Stop Reply Packets". */
#include <inttypes.h>

#include "session.h"

static bool find(const GdbSession *s, uint8_t owner, uint64_t va, uint32_t *id)
{
    EngBreak b;
    for (unsigned n = 0; vm_debug_break_get(s->machine, n, &b); n++) {
        if (b.owner == owner && b.va == va) {
            *id = b.id;
            return true;
        }
    }
    return false;
}

/* Takes it from those that were taken out; false: it is a new one. */
static bool take_back(GdbSession *s, EngBreak *b)
{
    for (unsigned i = 0; i < s->n_out; i++) {
        if (s->out[i].owner == b->owner && s->out[i].va == b->va) {
            *b = s->out[i];
            s->out[i] = s->out[--s->n_out];
            return true;
        }
    }
    return false;
}

static bool insert(GdbSession *s, uint8_t owner, uint64_t va)
{
    uint32_t id;
    if (find(s, owner, va, &id)) {
        return true;
    }
    EngBreak b = { .owner = owner, .when = ENG_BREAK_VA, .va = va };
    take_back(s, &b);
    return vm_debug_break_set(s->machine, s->general, &b) != 0;
}

static void take_out(GdbSession *s, uint8_t owner, uint64_t va)
{
    EngBreak b;
    for (unsigned n = 0; vm_debug_break_get(s->machine, n, &b); n++) {
        if (b.owner == owner && b.va == va) {
            vm_debug_break_clear(s->machine, b.id);
            if (s->n_out < G_N_ELEMENTS(s->out)) {
                s->out[s->n_out++] = b;
            }
            return;
        }
    }
}

/* --- data --- */

static bool same_data(const EngWatch *a, const EngWatch *b)
{
    return a->owner == b->owner && a->va == b->va && a->n == b->n;
}

static bool insert_data(GdbSession *s, const EngWatch *w)
{
    EngWatch there;
    for (unsigned n = 0; vm_debug_watch_get(s->machine, n, &there); n++) {
        if (same_data(&there, w)) {
            return true;
        }
    }
    for (unsigned i = 0; i < s->n_out_data; i++) {
        if (same_data(&s->out_data[i], w)) {
            there = s->out_data[i];
            s->out_data[i] = s->out_data[--s->n_out_data];
            return vm_debug_watch_set(s->machine, s->general, &there, true);
        }
    }
    return vm_debug_watch_set(s->machine, s->general, w, false);
}

static void take_out_data(GdbSession *s, const EngWatch *w)
{
    EngWatch there;
    unsigned n = 0;
    while (vm_debug_watch_get(s->machine, n, &there) && !same_data(&there, w)) {
        n++;
    }
    if (vm_debug_watch_clear(s->machine, w) && s->n_out_data < G_N_ELEMENTS(s->out_data)) {
        s->out_data[s->n_out_data++] = there;
    }
}

/* --- packets --- */

/* "TYPE,ADDRESS,KIND". gdb's hardware breakpoints are made like its software ones; the kind of a
 * watchpoint is its length. */
void gdb_break_packet(GdbSession *s, bool set, const char *at, GString *reply)
{
    static const uint8_t owners[] = { GDB_OWNER_SOFT, GDB_OWNER_HARD, GDB_OWNER_WATCH,
                                      GDB_OWNER_RWATCH, GDB_OWNER_AWATCH };
    const unsigned type = (unsigned)(*at - '0');
    uint64_t va, kind;
    if (type >= G_N_ELEMENTS(owners) || at[1] != ',') {
        return; /* not supported */
    }
    at += 2;
    bool ok = gdb_hex_number(&at, &va) && *at++ == ',' && gdb_hex_number(&at, &kind);
    if (ok && type < 2) {
        if (!set) {
            take_out(s, owners[type], va); /* clearing twice is no error */
        }
        ok = !set || insert(s, owners[type], va);
    } else if (ok) {
        const EngWatch w = { .va = va, .n = (uint32_t)MIN(kind, UINT32_MAX),
                             .owner = owners[type], .read = type != 2, .write = type != 3 };
        if (!set) {
            take_out_data(s, &w);
        }
        ok = !set || insert_data(s, &w);
    }
    g_string_assign(reply, ok ? "OK" : "E01");
}

void gdb_break_reason(const GdbSession *s, GString *reply)
{
    const VmBreakHit hit = vm_debug_break_hit(s->machine);
    const char *data = hit.owners & GDB_OWNER_WATCH    ? "watch"
                       : hit.owners & GDB_OWNER_RWATCH ? "rwatch"
                       : hit.owners & GDB_OWNER_AWATCH ? "awatch"
                                                       : NULL;
    if (data) {
        g_string_append_printf(reply, "%s:%" PRIx64 ";", data, hit.data);
    } else if ((hit.owners & GDB_OWNER_SOFT) && s->swbreak) {
        g_string_append(reply, "swbreak:;");
    } else if ((hit.owners & GDB_OWNER_HARD) && s->hwbreak) {
        g_string_append(reply, "hwbreak:;");
    }
}

bool gdb_break_note(const GdbSession *s, GString *line)
{
    const VmBreakHit hit = vm_debug_break_hit(s->machine);
    if (!(hit.owners & GDB_OWNER_MONITOR)) {
        return false;
    }
    EngBreak b;
    unsigned n = 0;
    while (vm_debug_break_get(s->machine, n, &b) && b.id != hit.id) {
        n++;
    }
    g_string_append(line, "Breakpoint of the monitor, ");
    gdb_monitor_describe(&b, line);
    return true;
}
