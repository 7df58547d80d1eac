/* Breakpoints that gdb itself sets. GDB manual, "Packets" (z, Z), "Stop Reply Packets". */
#include <string.h>

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

/* "TYPE,ADDRESS,KIND". gdb's hardware breakpoints are made like its software ones. */
void gdb_break_packet(GdbSession *s, bool set, const char *at, GString *reply)
{
    uint64_t va, kind;
    if ((*at != '0' && *at != '1') || at[1] != ',') {
        return; /* watchpoints: not supported */
    }
    const uint8_t owner = *at == '0' ? GDB_OWNER_SOFT : GDB_OWNER_HARD;
    at += 2;
    const bool ok = gdb_hex_number(&at, &va) && *at++ == ',' && gdb_hex_number(&at, &kind);
    if (ok && !set) {
        take_out(s, owner, va); /* clearing twice is no error */
    }
    g_string_assign(reply, ok && (!set || insert(s, owner, va)) ? "OK" : "E01");
}

const char *gdb_break_reason(const GdbSession *s)
{
    uint32_t id;
    const uint8_t owners = vm_debug_break_owners(s->machine, &id);
    if ((owners & GDB_OWNER_SOFT) && s->swbreak) {
        return ";swbreak:;";
    }
    return (owners & GDB_OWNER_HARD) && s->hwbreak ? ";hwbreak:;" : ";";
}

bool gdb_break_note(const GdbSession *s, GString *line)
{
    uint32_t id;
    if (!(vm_debug_break_owners(s->machine, &id) & GDB_OWNER_MONITOR)) {
        return false;
    }
    EngBreak b;
    unsigned n = 0;
    while (vm_debug_break_get(s->machine, n, &b) && b.id != id) {
        n++;
    }
    g_string_append(line, "Breakpoint of the monitor, ");
    gdb_monitor_describe(&b, line);
    return true;
}
