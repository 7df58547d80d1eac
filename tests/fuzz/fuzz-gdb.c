/* Whatever a gdb client sends: packets of any kind to a small machine, which steps when it is told to go on. */
#include <stddef.h>
#include <stdint.h>

#include "session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static VmMachine *machine(void)
{
    static VmMachine *m;
    if (!m) {
        const VmConfig config = { .cpus = 2, .memory = 4 << 20, .virtual_clock = true, .seed = 1 };
        GError *error = NULL;
        m = vm_new(&config, &error);
        g_assert(m);
    }
    return m;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    GdbSession s = { .machine = machine() };
    GByteArray *in = g_byte_array_new();
    GString *packet = g_string_new(NULL), *reply = g_string_new(NULL);
    g_byte_array_append(in, data, (guint)size);
    for (GdbInput got; (got = gdb_packet_take(in, packet)) != GDB_IN_NOTHING && !s.killed;) {
        if (got == GDB_IN_PACKET && !gdb_command(&s, packet, reply)) {
            vm_debug_step(s.machine, s.step);
        }
        g_assert(reply->len <= 2 * GDB_PACKET_MAX);
    }
    vm_debug_breaks_clear(s.machine);
    if (s.features) {
        g_string_free(s.features, TRUE);
    }
    g_string_free(packet, TRUE);
    g_string_free(reply, TRUE);
    g_byte_array_free(in, TRUE);
    return 0;
}
