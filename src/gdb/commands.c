/* The packets that ask and command. GDB manual, "Packets", "General Query Packets". */
#include <string.h>

#include "session.h"

enum { SIGNAL_INT = 2, SIGNAL_TRAP = 5, ERROR_ARGUMENT = 1, ERROR_FAULT = 14, ALL = -1 };

static void fail(GString *reply, unsigned code)
{
    g_string_printf(reply, "E%02x", code);
}

static bool skip(const char **at, const char *text)
{
    const size_t n = strlen(text);
    if (strncmp(*at, text, n) != 0) {
        return false;
    }
    *at += n;
    return true;
}

/* "p1.2", "2", "p1.-1", "-1", "0": a vCPU of this machine; 0 and -1 are any: `any`. */
static bool thread_id(const GdbSession *s, const char **at, int any, int *cpu)
{
    uint64_t n;
    if (skip(at, "p")) {
        if (!skip(at, "-1") && (!gdb_hex_number(at, &n) || n > 1)) {
            return false;
        }
        if (!skip(at, ".")) {
            *cpu = any;
            return true;
        }
    }
    if (skip(at, "-1")) {
        *cpu = any;
        return true;
    }
    if (!gdb_hex_number(at, &n) || n > vm_cpus(s->machine)) {
        return false;
    }
    *cpu = n ? (int)n - 1 : any;
    return true;
}

static void append_thread(GString *reply, unsigned cpu)
{
    g_string_append_printf(reply, "p1.%x", cpu + 1);
}

void gdb_stop_reply(GdbSession *s, unsigned signal, int break_cpu, GString *reply)
{
    if (break_cpu >= 0) {
        s->general = s->resume = (unsigned)break_cpu;
    }
    g_string_printf(reply, "T%02xthread:", signal);
    append_thread(reply, s->general);
    g_string_append_c(reply, ';');
    if (break_cpu >= 0) {
        gdb_break_reason(s, reply);
    }
}

/* --- registers and memory --- */

static void read_registers(GdbSession *s, GString *reply)
{
    for (unsigned n = 0; n < GDB_CORE_REGS; n++) {
        gdb_register_append(s->machine, s->general, n, reply);
    }
}

static void write_registers(GdbSession *s, const char *at, GString *reply)
{
    for (unsigned n = 0; n < GDB_CORE_REGS; n++) {
        if (!gdb_register_write(s->machine, s->general, n, &at)) {
            fail(reply, ERROR_ARGUMENT);
            return;
        }
    }
    g_string_assign(reply, "OK");
}

static void one_register(GdbSession *s, bool write, const char *at, GString *reply)
{
    uint64_t n;
    const bool ok = gdb_hex_number(&at, &n) && n <= UINT32_MAX &&
                    (write ? skip(&at, "=") &&
                                 gdb_register_write(s->machine, s->general, (unsigned)n, &at)
                           : gdb_register_append(s->machine, s->general, (unsigned)n, reply));
    if (!ok) {
        fail(reply, ERROR_ARGUMENT);
    } else if (write) {
        g_string_assign(reply, "OK");
    }
}

/* "ADDRESS,LENGTH". */
static bool range(const char **at, uint64_t *va, uint64_t *n)
{
    return gdb_hex_number(at, va) && skip(at, ",") && gdb_hex_number(at, n);
}

static void read_memory(GdbSession *s, const char *at, GString *reply)
{
    uint8_t bytes[GDB_PACKET_MAX / 2];
    uint64_t va, n;
    if (!range(&at, &va, &n)) {
        fail(reply, ERROR_ARGUMENT);
        return;
    }
    n = MIN(n, sizeof bytes);
    const size_t got = vm_debug_read(s->machine, s->general, va, bytes, n);
    if (n && !got) {
        fail(reply, ERROR_FAULT);
    } else {
        gdb_hex_append(reply, bytes, got);
    }
}

/* M: hexadecimal; X: the packet's own bytes. */
static void write_memory(GdbSession *s, const GString *packet, GString *reply)
{
    uint8_t bytes[GDB_PACKET_MAX];
    const char *at = packet->str + 1;
    uint64_t va, n;
    if (!range(&at, &va, &n) || !skip(&at, ":") || n > sizeof bytes) {
        fail(reply, ERROR_ARGUMENT);
        return;
    }
    const size_t left = packet->len - (size_t)(at - packet->str);
    if (packet->str[0] == 'X' && left == n) {
        memcpy(bytes, at, n);
    } else if (packet->str[0] == 'X' || !gdb_hex_bytes(&at, bytes, n)) {
        fail(reply, ERROR_ARGUMENT);
        return;
    }
    if (vm_debug_write(s->machine, s->general, va, bytes, n) == n) {
        g_string_assign(reply, "OK");
    } else {
        fail(reply, ERROR_FAULT);
    }
}

/* --- going on --- */

static bool resume(GdbSession *s, GdbWish wish, unsigned cpu)
{
    s->wish = wish;
    s->step = cpu;
    if (wish == GDB_GO) { /* what is still out was deleted */
        s->n_out = s->n_out_data = 0;
    }
    return false;
}

/* "c", "s", "c ADDRESS", "C SIGNAL...": signals mean nothing to a machine. */
static bool old_resume(GdbSession *s, const char *at, GString *reply)
{
    const bool with_signal = *at == 'C' || *at == 'S', step = *at == 's' || *at == 'S';
    uint64_t va;
    at++;
    if (!with_signal && gdb_hex_number(&at, &va)) {
        VmCoreRegs regs;
        vm_debug_get_core(s->machine, s->resume, &regs);
        regs.pc = va;
        if (!vm_debug_set_core(s->machine, s->resume, &regs)) {
            fail(reply, ERROR_ARGUMENT);
            return true;
        }
    }
    return resume(s, step ? GDB_STEP : GDB_GO, s->resume);
}

/* "vCont;ACTION[:THREAD]...": a step of one vCPU, or all go on. */
static bool vcont(GdbSession *s, const char *at, GString *reply)
{
    bool go = false;
    while (skip(&at, ";")) {
        const char action = *at;
        int cpu = ALL;
        while (*at && *at != ':' && *at != ';') {
            at++;
        }
        if (skip(&at, ":") && !thread_id(s, &at, ALL, &cpu)) {
            fail(reply, ERROR_ARGUMENT);
            return true;
        }
        if (action == 's' || action == 'S') {
            return resume(s, GDB_STEP, cpu == ALL ? s->resume : (unsigned)cpu);
        }
        go = go || action == 'c' || action == 'C';
    }
    if (go) {
        return resume(s, GDB_GO, 0);
    }
    fail(reply, ERROR_ARGUMENT);
    return true;
}

static bool detach(GdbSession *s, GString *reply)
{
    s->detached = true;
    s->wish = GDB_GO;
    g_string_assign(reply, "OK");
    return true;
}

static bool kill_machine(GdbSession *s, GString *reply)
{
    s->killed = true;
    g_string_assign(reply, "OK");
    return true;
}

/* --- queries --- */

/* "OFFSET,LENGTH" of a document. */
static void send_part(const GString *text, const char *at, GString *reply)
{
    uint64_t offset, n;
    if (!range(&at, &offset, &n) || offset > text->len) {
        fail(reply, ERROR_ARGUMENT);
        return;
    }
    const size_t part = MIN(MIN(n, text->len - offset), (uint64_t)GDB_PACKET_MAX / 2);
    g_string_append_c(reply, offset + part < text->len ? 'm' : 'l');
    g_string_append_len(reply, text->str + offset, (gssize)part);
}

static void supported(GdbSession *s, const char *at, GString *reply)
{
    s->swbreak = strstr(at, "swbreak+") != NULL;
    s->hwbreak = strstr(at, "hwbreak+") != NULL;
    g_string_printf(reply, "PacketSize=%x;qXfer:features:read+;QStartNoAckMode+;vContSupported+;"
                           "multiprocess+;swbreak+;hwbreak+", GDB_PACKET_MAX);
}

static void list_threads(GdbSession *s, bool first, GString *reply)
{
    enum { PER_PACKET = 128 };
    const unsigned cpus = vm_cpus(s->machine);
    s->listed = first ? 0 : s->listed;
    g_string_append_c(reply, s->listed < cpus ? 'm' : 'l');
    for (unsigned n = 0; s->listed < cpus && n < PER_PACKET; n++) {
        g_string_append(reply, n ? "," : "");
        append_thread(reply, s->listed++);
    }
}

static void describe_thread(GdbSession *s, const char *at, GString *reply)
{
    int cpu;
    if (!thread_id(s, &at, 0, &cpu)) {
        fail(reply, ERROR_ARGUMENT);
        return;
    }
    VmCoreRegs regs;
    vm_debug_get_core(s->machine, (unsigned)cpu, &regs);
    g_autofree char *text = vm_debug_cpu_on(s->machine, (unsigned)cpu)
                                ? g_strdup_printf("vCPU %d, EL%u", cpu, regs.pstate >> 2 & 3)
                                : g_strdup_printf("vCPU %d, off", cpu);
    gdb_hex_append(reply, text, strlen(text));
}

/* "qRcmd,COMMAND" in hexadecimal, and so the answer. */
static void monitor(GdbSession *s, const char *at, GString *reply)
{
    char line[256] = "";
    const size_t n = strlen(at) / 2;
    if (n >= sizeof line || !gdb_hex_bytes(&at, line, n) || *at) {
        fail(reply, ERROR_ARGUMENT);
        return;
    }
    GString *text = g_string_new(NULL);
    gdb_monitor(s, line, text);
    gdb_hex_append(reply, text->str, text->len);
    if (text->len == 0) {
        g_string_assign(reply, "OK");
    }
    g_string_free(text, TRUE);
}

static void query(GdbSession *s, const char *at, GString *reply)
{
    if (skip(&at, "qSupported")) {
        supported(s, at, reply);
    } else if (skip(&at, "qXfer:features:read:target.xml:")) {
        s->features = s->features ? s->features : gdb_features(s->machine);
        send_part(s->features, at, reply);
    } else if (skip(&at, "qfThreadInfo")) {
        list_threads(s, true, reply);
    } else if (skip(&at, "qsThreadInfo")) {
        list_threads(s, false, reply);
    } else if (skip(&at, "qThreadExtraInfo,")) {
        describe_thread(s, at, reply);
    } else if (skip(&at, "qRcmd,")) {
        monitor(s, at, reply);
    } else if (skip(&at, "qAttached")) {
        g_string_assign(reply, "1");
    } else if (strcmp(at, "qC") == 0) {
        g_string_assign(reply, "QC");
        append_thread(reply, s->general);
    } else if (strcmp(at, "QStartNoAckMode") == 0) {
        s->no_ack = true;
        g_string_assign(reply, "OK");
    }
}

static void choose_thread(GdbSession *s, const char *at, GString *reply)
{
    const char which = *at;
    int cpu;
    at += which != 0;
    if ((which != 'g' && which != 'c') ||
        !thread_id(s, &at, (int)(which == 'g' ? s->general : s->resume), &cpu)) {
        fail(reply, ERROR_ARGUMENT);
        return;
    }
    *(which == 'g' ? &s->general : &s->resume) = (unsigned)cpu;
    g_string_assign(reply, "OK");
}

static bool v_packet(GdbSession *s, const char *at, GString *reply)
{
    if (strcmp(at, "vCont?") == 0) {
        g_string_assign(reply, "vCont;c;C;s;S");
        return true;
    }
    if (skip(&at, "vCont")) {
        return vcont(s, at, reply);
    }
    return skip(&at, "vKill") ? kill_machine(s, reply) : true;
}

static bool is_alive(GdbSession *s, const char *at)
{
    int cpu;
    return thread_id(s, &at, 0, &cpu);
}

bool gdb_command(GdbSession *s, const GString *packet, GString *reply)
{
    const char *at = packet->str;
    g_string_truncate(reply, 0);
    switch (*at) {
    case '?': gdb_stop_reply(s, SIGNAL_TRAP, -1, reply); return true;
    case 'g': read_registers(s, reply); return true;
    case 'G': write_registers(s, at + 1, reply); return true;
    case 'p':
    case 'P': one_register(s, *at == 'P', at + 1, reply); return true;
    case 'm': read_memory(s, at + 1, reply); return true;
    case 'M':
    case 'X': write_memory(s, packet, reply); return true;
    case 'Z':
    case 'z': gdb_break_packet(s, *at == 'Z', at + 1, reply); return true;
    case 'H': choose_thread(s, at + 1, reply); return true;
    case 'T': g_string_assign(reply, is_alive(s, at + 1) ? "OK" : "E01"); return true;
    case 'c':
    case 'C':
    case 's':
    case 'S': return old_resume(s, at, reply);
    case 'v': return v_packet(s, at, reply);
    case 'D': return detach(s, reply);
    case 'k': s->killed = true; return false;
    case 'q':
    case 'Q': query(s, at, reply); return true;
    default: return true; /* the empty answer: not supported */
    }
}
