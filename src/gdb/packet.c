/* See packet.h. GDB manual, "Remote Protocol: Overview". */
#include "packet.h"

#include <string.h>

enum { INTERRUPT = 3, ESCAPE = '}', ESCAPE_BIT = 0x20 };

static uint8_t checksum(const uint8_t *p, size_t n)
{
    uint8_t sum = 0;
    while (n--) {
        sum = (uint8_t)(sum + *p++);
    }
    return sum;
}

static void unescape(const uint8_t *p, size_t n, GString *packet)
{
    g_string_truncate(packet, 0);
    for (size_t i = 0; i < n; i++) {
        const bool escaped = p[i] == ESCAPE && i + 1 < n;
        g_string_append_c(packet, (char)(escaped ? p[++i] ^ ESCAPE_BIT : p[i]));
    }
}

/* `in` begins with '$'. */
static GdbInput take_packet(GByteArray *in, GString *packet)
{
    const uint8_t *end = memchr(in->data, '#', in->len);
    if (!end) {
        if (in->len <= 2 * GDB_PACKET_MAX) {
            return GDB_IN_NOTHING;
        }
        g_byte_array_set_size(in, 0);
        return GDB_IN_BAD;
    }
    const size_t n = (size_t)(end - in->data) - 1;
    if (in->len < n + 4) {
        return GDB_IN_NOTHING;
    }
    const char digits[] = { (char)end[1], (char)end[2], 0 };
    const char *at = digits;
    uint64_t sum;
    const bool good = gdb_hex_number(&at, &sum) && sum == checksum(in->data + 1, n);
    if (good) {
        unescape(in->data + 1, n, packet);
    }
    g_byte_array_remove_range(in, 0, (guint)n + 4);
    return good ? GDB_IN_PACKET : GDB_IN_BAD;
}

GdbInput gdb_packet_take(GByteArray *in, GString *packet)
{
    guint skip = 0; /* acknowledgements and noise */
    while (skip < in->len && in->data[skip] != '$' && in->data[skip] != INTERRUPT) {
        skip++;
    }
    g_byte_array_remove_range(in, 0, skip);
    if (in->len == 0) {
        return GDB_IN_NOTHING;
    }
    if (in->data[0] == INTERRUPT) {
        g_byte_array_remove_range(in, 0, 1);
        return GDB_IN_INTERRUPT;
    }
    return take_packet(in, packet);
}

void gdb_packet_frame(const GString *payload, GString *out)
{
    const gsize start = out->len + 1;
    g_string_append_c(out, '$');
    for (gsize i = 0; i < payload->len; i++) {
        const char c = payload->str[i];
        if (c == '$' || c == '#' || c == ESCAPE || c == '*') {
            g_string_append_c(out, ESCAPE);
            g_string_append_c(out, (char)(c ^ ESCAPE_BIT));
        } else {
            g_string_append_c(out, c);
        }
    }
    const uint8_t sum = checksum((const uint8_t *)out->str + start, out->len - start);
    g_string_append_printf(out, "#%02x", sum);
}

void gdb_hex_append(GString *out, const void *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        g_string_append_printf(out, "%02x", ((const uint8_t *)bytes)[i]);
    }
}

bool gdb_hex_bytes(const char **at, void *to, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const int high = g_ascii_xdigit_value((*at)[0]);
        const int low = high < 0 ? -1 : g_ascii_xdigit_value((*at)[1]);
        if (low < 0) {
            return false;
        }
        ((uint8_t *)to)[i] = (uint8_t)(high << 4 | low);
        *at += 2;
    }
    return true;
}

bool gdb_hex_number(const char **at, uint64_t *value)
{
    const char *start = *at;
    *value = 0;
    for (int digit; (digit = g_ascii_xdigit_value(**at)) >= 0; ++*at) {
        if (*value >> 60) {
            return false;
        }
        *value = *value << 4 | (unsigned)digit;
    }
    return *at > start;
}
