/* Copies and fills by words against the same done byte by byte: every skew, overlap both ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/engine/host-copy.h"

enum { SIZE = 96, GUARD = 16 };

typedef struct {
    _Alignas(16) uint8_t byte[SIZE + 2 * GUARD];
} Memory;

static Memory numbered(void)
{
    Memory m;
    for (size_t i = 0; i < sizeof m.byte; i++)
        m.byte[i] = (uint8_t)(i * 37 + 11);
    return m;
}

static void copy_and_compare(size_t to, size_t from, size_t n, bool down)
{
    Memory words = numbered(), bytes = numbered();
    memmove(bytes.byte + to, bytes.byte + from, n);
    (down ? eng_host_copy_down : eng_host_copy_up)(words.byte + to, words.byte + from, n);
    assert_memory_equal(words.byte, bytes.byte, sizeof bytes.byte);
}

static void test_copies_whole(void **state)
{
    (void)state;
    for (size_t to = GUARD; to < GUARD + 24; to++) {
        for (size_t from = GUARD; from < GUARD + 24; from++) {
            for (size_t n = 0; n <= 48; n++) {
                if (to <= from)
                    copy_and_compare(to, from, n, false);
                if (to >= from)
                    copy_and_compare(to, from, n, true);
            }
        }
    }
}

static void test_fills_exactly(void **state)
{
    (void)state;
    for (size_t to = GUARD; to < GUARD + 16; to++) {
        for (size_t n = 0; n <= 40; n++) {
            Memory words = numbered(), bytes = numbered();
            memset(bytes.byte + to, 0xa5, n);
            eng_host_fill(words.byte + to, 0xa5, n);
            assert_memory_equal(words.byte, bytes.byte, sizeof bytes.byte);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copies_whole),
        cmocka_unit_test(test_fills_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
