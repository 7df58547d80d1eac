/*
 * Copies of guest memory by words: each source word is read once, so a target that is aligned
 * differently costs two shifts. Arm ARM, "Memory Copy and Memory Set instructions".
 */
#include "host-copy.h"

enum { WORD = sizeof(uint64_t) };

static size_t beyond_word(const uint8_t *at)
{
    return (uintptr_t)at % WORD;
}

static uint64_t load_word(const uint8_t *at)
{
    return __atomic_load_n((const uint64_t *)(const void *)at, __ATOMIC_RELAXED);
}

static void store_word(uint8_t *at, uint64_t v)
{
    __atomic_store_n((uint64_t *)(void *)at, v, __ATOMIC_RELAXED);
}

static void copy_byte(uint8_t *to, const uint8_t *from)
{
    __atomic_store_n(to, __atomic_load_n(from, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
}

/* The word that begins skew bytes (1..7) into the first of two neighbours. */
static uint64_t straddling(uint64_t first, uint64_t second, size_t skew)
{
    return first >> 8 * skew | second << 8 * (WORD - skew);
}

/* Whole words to aligned addresses, upwards; returns the bytes done. */
static size_t words_up(uint8_t *to, const uint8_t *from, size_t n)
{
    size_t skew = beyond_word(from), done = 0;
    if (skew == 0) {
        for (; n - done >= WORD; done += WORD)
            store_word(to + done, load_word(from + done));
        return done;
    }
    const uint8_t *aligned = from - skew;
    uint64_t first = load_word(aligned);
    for (; n - done >= WORD; done += WORD) {
        uint64_t second = load_word(aligned + done + WORD);
        store_word(to + done, straddling(first, second, skew));
        first = second;
    }
    return done;
}

/* The same downwards: to and from are the ends. */
static size_t words_down(uint8_t *to, const uint8_t *from, size_t n)
{
    size_t skew = beyond_word(from), done = 0;
    if (skew == 0) {
        for (; n - done >= WORD; done += WORD)
            store_word(to - done - WORD, load_word(from - done - WORD));
        return done;
    }
    const uint8_t *aligned = from - skew;
    uint64_t second = load_word(aligned);
    for (; n - done >= WORD; done += WORD) {
        uint64_t first = load_word(aligned - done - WORD);
        store_word(to - done - WORD, straddling(first, second, skew));
        second = first;
    }
    return done;
}

void eng_host_copy_up(uint8_t *to, const uint8_t *from, size_t n)
{
    size_t i = 0;
    for (; i < n && beyond_word(to + i); i++)
        copy_byte(to + i, from + i);
    i += words_up(to + i, from + i, n - i);
    for (; i < n; i++)
        copy_byte(to + i, from + i);
}

void eng_host_copy_down(uint8_t *to, const uint8_t *from, size_t n)
{
    for (; n > 0 && beyond_word(to + n); n--)
        copy_byte(to + n - 1, from + n - 1);
    n -= words_down(to + n, from + n, n);
    for (; n > 0; n--)
        copy_byte(to + n - 1, from + n - 1);
}

void eng_host_fill(uint8_t *to, uint8_t byte, size_t n)
{
    const uint64_t word = byte * UINT64_C(0x0101010101010101);
    size_t i = 0;
    for (; i < n && beyond_word(to + i); i++)
        __atomic_store_n(to + i, byte, __ATOMIC_RELAXED);
    for (; n - i >= WORD; i += WORD)
        store_word(to + i, word);
    for (; i < n; i++)
        __atomic_store_n(to + i, byte, __ATOMIC_RELAXED);
}
