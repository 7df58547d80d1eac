/*
 * QARMA on 64 bits as sixteen cells of four. Cell 0 is the lowest.
 */
#include "qarma.h"

typedef struct {
    uint8_t sub[16], inverse[16]; /* substitution of a cell and back */
    unsigned rounds;
} Variant;

static const Variant variant5 = {
    .sub = {11, 6, 8, 15, 12, 0, 9, 14, 3, 7, 4, 5, 13, 2, 1, 10},
    .inverse = {5, 14, 13, 8, 10, 11, 1, 9, 2, 6, 15, 0, 4, 12, 7, 3},
    .rounds = 4,
};
static const Variant variant3 = {
    .sub = {10, 13, 14, 6, 15, 7, 3, 5, 9, 8, 0, 12, 11, 1, 2, 4},
    .inverse = {10, 13, 14, 6, 15, 7, 3, 5, 9, 8, 0, 12, 11, 1, 2, 4},
    .rounds = 2,
};

/* Digits of pi, as the paper has them. */
static const uint64_t round_constant[5] = {
    0, UINT64_C(0x13198a2e03707344), UINT64_C(0xa4093822299f31d0), UINT64_C(0x082efa98ec4e6c89),
    UINT64_C(0x452821e638d01377),
};
#define ALPHA UINT64_C(0xc0ac29b7c97c50dd)

/* Where each cell comes from. */
static const uint8_t shuffle[16] = {13, 6, 11, 0, 7, 12, 1, 10, 8, 3, 14, 5, 2, 9, 4, 15};
static const uint8_t unshuffle[16] = {3, 6, 12, 9, 14, 11, 1, 4, 8, 13, 7, 2, 5, 0, 10, 15};
static const uint8_t tweak_from[16] = {4, 5, 6, 7, 11, 2, 3, 8, 12, 13, 14, 15, 0, 1, 10, 9};
/* The cells that a step of the tweak also turns. */
enum { TWEAK_TURNS = 0xd894 };

static unsigned cell(uint64_t v, unsigned i)
{
    return v >> (4 * i) & 15;
}

static uint64_t permute(uint64_t v, const uint8_t from[16])
{
    uint64_t r = 0;
    for (unsigned i = 0; i < 16; i++)
        r |= (uint64_t)cell(v, from[i]) << (4 * i);
    return r;
}

static uint64_t substitute(uint64_t v, const uint8_t box[16])
{
    uint64_t r = 0;
    for (unsigned i = 0; i < 16; i++)
        r |= (uint64_t)box[cell(v, i)] << (4 * i);
    return r;
}

static unsigned turned(unsigned c, unsigned by)
{
    return (c << by | c >> (4 - by)) & 15;
}

/* Columns times the matrix whose rows are the turns (-, 1, 2, 1), each row further on by one. */
static uint64_t mix(uint64_t v)
{
    uint64_t r = 0;
    for (unsigned i = 0; i < 16; i++) {
        unsigned mixed = 0;
        for (unsigned k = 1; k < 4; k++)
            mixed ^= turned(cell(v, (i + 4 * k) % 16), k == 2 ? 2 : 1);
        r |= (uint64_t)mixed << (4 * i);
    }
    return r;
}

static uint64_t tweak_on(uint64_t t)
{
    uint64_t r = 0;
    for (unsigned i = 0; i < 16; i++) {
        unsigned c = cell(t, tweak_from[i]);
        if (TWEAK_TURNS >> i & 1)
            c = c >> 1 | ((c ^ c >> 1) & 1) << 3;
        r |= (uint64_t)c << (4 * i);
    }
    return r;
}

static uint64_t tweak_back(uint64_t t)
{
    uint64_t r = 0;
    for (unsigned i = 0; i < 16; i++) {
        unsigned c = cell(t, i);
        if (TWEAK_TURNS >> i & 1)
            c = (c << 1 & 14) | ((c ^ c >> 3) & 1);
        r |= (uint64_t)c << (4 * tweak_from[i]);
    }
    return r;
}

static uint64_t forth(uint64_t v, const Variant *q)
{
    return substitute(mix(permute(v, shuffle)), q->sub);
}

static uint64_t qarma(uint64_t data, uint64_t tweak, const uint64_t key[2], const Variant *q)
{
    uint64_t outer = key[0], core = key[1];
    uint64_t outer_out = (outer >> 1 | outer << 63) ^ outer >> 63;
    uint64_t v = data ^ outer;
    for (unsigned i = 0; i <= q->rounds; i++) {
        v ^= core ^ tweak ^ round_constant[i];
        v = i ? forth(v, q) : substitute(v, q->sub);
        tweak = tweak_on(tweak);
    }
    v = forth(v ^ outer_out ^ tweak, q);
    v = mix(permute(v, shuffle)) ^ core; /* the reflector */
    v = substitute(permute(v, unshuffle), q->inverse);
    v = permute(mix(v), unshuffle) ^ outer ^ tweak;
    for (unsigned i = 0; i <= q->rounds; i++) {
        v = substitute(v, q->inverse);
        if (i < q->rounds)
            v = permute(mix(v), unshuffle);
        tweak = tweak_back(tweak);
        v ^= round_constant[q->rounds - i] ^ core ^ tweak ^ ALPHA;
    }
    return v ^ outer_out;
}

uint64_t a64_qarma5(uint64_t data, uint64_t modifier, const uint64_t key[2])
{
    return qarma(data, modifier, key, &variant5);
}

uint64_t a64_qarma3(uint64_t data, uint64_t modifier, const uint64_t key[2])
{
    return qarma(data, modifier, key, &variant3);
}
