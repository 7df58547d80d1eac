/* Framing of gdb's protocol. Expected values: GDB manual, "Remote Protocol: Overview" and its examples; checksums by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "packet.h"

typedef struct {
    GByteArray *in;
    GString *packet;
} Fixture;

static int set_up(void **state)
{
    Fixture *f = g_new0(Fixture, 1);
    f->in = g_byte_array_new();
    f->packet = g_string_new(NULL);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    Fixture *f = *state;
    g_byte_array_free(f->in, TRUE);
    g_string_free(f->packet, TRUE);
    g_free(f);
    return 0;
}

static GdbInput give(Fixture *f, const char *text)
{
    g_byte_array_append(f->in, (const guint8 *)text, (guint)strlen(text));
    return gdb_packet_take(f->in, f->packet);
}

static void packets(void **state)
{
    Fixture *f = *state;
    assert_int_equal(give(f, "+$m4015bc,2#5a"), GDB_IN_PACKET);
    assert_string_equal(f->packet->str, "m4015bc,2");
    assert_int_equal(give(f, "$?#3"), GDB_IN_NOTHING);
    assert_int_equal(give(f, "f\x03"), GDB_IN_PACKET);
    assert_string_equal(f->packet->str, "?");
    assert_int_equal(give(f, ""), GDB_IN_INTERRUPT);
    assert_int_equal(give(f, "$?#40"), GDB_IN_BAD);
    assert_int_equal(give(f, "$?#xy"), GDB_IN_BAD);
    assert_int_equal(give(f, "noise++--"), GDB_IN_NOTHING);
    assert_int_equal(f->in->len, 0);
}

static void escapes(void **state)
{
    Fixture *f = *state;
    GString *out = g_string_new(NULL), *payload = g_string_new("a$b#c}d*e");
    gdb_packet_frame(payload, out);
    /* each of the four is '}' and the character with bit 5 turned over */
    assert_true(g_str_has_prefix(out->str, "$a}\x04" "b}\x03" "c}]d}\x0a" "e#"));
    assert_int_equal(give(f, out->str), GDB_IN_PACKET);
    assert_string_equal(f->packet->str, payload->str);
    g_string_truncate(out, 0);
    g_string_assign(payload, "OK");
    gdb_packet_frame(payload, out);
    assert_string_equal(out->str, "$OK#9a");
    g_string_free(out, TRUE);
    g_string_free(payload, TRUE);
}

static void endless(void **state)
{
    Fixture *f = *state;
    GdbInput got = give(f, "$");
    for (unsigned i = 0; i < 3 * GDB_PACKET_MAX && got == GDB_IN_NOTHING; i++)
        got = give(f, "x");
    assert_int_equal(got, GDB_IN_BAD);
    assert_int_equal(f->in->len, 0);
}

static void hex(void **state)
{
    uint8_t bytes[2];
    uint64_t n;
    const char *at = "12aBz";
    assert_true(gdb_hex_bytes(&at, bytes, 2));
    assert_int_equal(bytes[0] << 8 | bytes[1], 0x12ab);
    assert_false(gdb_hex_bytes(&at, bytes, 1));
    at = "ffffffffffffffff,";
    assert_true(gdb_hex_number(&at, &n));
    assert_true(n == UINT64_MAX && *at == ',');
    at = "10000000000000000";
    assert_false(gdb_hex_number(&at, &n));
    at = ",1";
    assert_false(gdb_hex_number(&at, &n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(packets, set_up, tear_down),
        cmocka_unit_test_setup_teardown(escapes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(endless, set_up, tear_down),
        cmocka_unit_test(hex),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
