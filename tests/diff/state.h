/*
 * Many states for one piece of code: what both sides make of a DiffSpec. Plain C without a library: the loader is freestanding.
 */
#pragma once

#include "case.h"

/* How a register is set after the random ones, in the order of DiffSpec.fix. */
enum {
    DIFF_FIX_BASE = 1, /* an address in the window: 16-aligned, or with value 1 most often not */
    DIFF_FIX_INDEX,    /* a small number, sometimes negative (64 or 32 bits) */
    DIFF_FIX_CODE,     /* where a branch may go: "next" or "skip" */
    DIFF_FIX_VALUE,    /* value */
    DIFF_FIX_MATCH,    /* with reg + 1: most often what lies at register `other` (31: SP), so that a comparison succeeds */
    DIFF_FIX_SHARE,    /* value + 8 * (0 to 3) */
};

typedef struct {
    uint8_t kind, reg, other, unused[5];
    uint64_t value;
} DiffFix;

enum { DIFF_FIXES = 8, DIFF_RUNS = 16 /* at most, of a spec */ };
/* DiffSpec.flags */
enum { DIFF_NO_FLAGS = 1 /* NZCV starts as 0 */, DIFF_NOWHERE = 2 /* all registers are an address that is not mapped */ };
#define DIFF_UNMAPPED 0x500000000000ull

typedef struct {
    uint32_t word[4];
    uint32_t n_words, slot;
    uint32_t first, runs; /* states first to first + runs - 1 of the seed */
    uint64_t seed;
    uint32_t fpcr_random; /* bits of FPCR, beyond rounding and flushing, that are drawn */
    uint32_t fpcr_clear;
    uint32_t flags, n_fix;
    DiffFix fix[DIFF_FIXES];
} DiffSpec;

/* What a stream is made of: DiffHeaders, each with `count` (at most DIFF_SLOTS) items behind it. */
enum { DIFF_CASES, DIFF_SPECS, DIFF_SHOW }; /* -> DiffResult; a digest (uint64_t) a state; DiffShow a state */
typedef struct {
    uint32_t kind, count;
} DiffHeader;

typedef struct {
    DiffState before;
    DiffResult after;
} DiffShow;

static inline uint64_t diff_next(uint64_t *s)
{
    uint64_t z = *s += 0x9e3779b97f4a7c15ull;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

static const uint64_t diff_ints[32] = {
    0, 1, 2, 3, 7, 8, 31, 32, 33, 63, 64, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
    0x7fffffffffffffff, 0x8000000000000000, ~0ull, ~1ull, 0x5555555555555555, 0x8000000080000000, 0x10000, 0xfffffffeull,
    0xffffffff00000000, 0x8000000000000001, 0xaaaaaaaaaaaaaaaa };
static const uint16_t diff_halves[32] = {
    0, 0x8000, 0x3c00, 0xbc00, 0x7bff, 0xfbff, 0x7c00, 0xfc00, 0x7e00, 0xfe00, 0x7c01, 0xfd55, 1, 0x8001, 0x3ff, 0x400, 0x83ff, 0x8400,
    0x3555, 0x3800, 0x4200, 0x3e00, 0x0401, 0x5640, 0x6400, 0x6401, 0x7800, 0xf800, 0x3bff, 0x3c01, 0x1400, 0x0200 };
static const uint32_t diff_singles[32] = {
    0, 0x80000000, 0x3f800000, 0xbf800000, 0x7f7fffff, 0xff7fffff, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc12345, 0x7f800001, 0xff955555,
    1, 0x80000001, 0x7fffff, 0x800000, 0x80800000, 0x3f000000, 0x3fc00000, 0x4b000000, 0x4b000001, 0x4f000000, 0xcf000000, 0x5f000000,
    0xdf000000, 0x4effffff, 0x40490fdb, 0x33800000, 0x34000000, 0x477fe000, 0x387fc000, 0x3f801000 };
static const uint64_t diff_doubles[32] = {
    0, 1ull << 63, 0x3ff0ull << 48, 0xbff0ull << 48, 0x7fefffffffffffff, 0xffefffffffffffff, 0x7ff0ull << 48, 0xfff0ull << 48,
    0x7ff8ull << 48, 0xfff8123456789abc, 0x7ff0000000000001, 0xfff5555555555555, 1, 1ull << 63 | 1, 0xfffffffffffff, 0x10000000000000,
    0x3fe0ull << 48, 0x3ff8ull << 48, 0x4330ull << 48, 0x4330000000000001, 0x41dfffffffc00000, 0xc1e0ull << 48, 0x43e0ull << 48,
    0xc3e0ull << 48, 0x43dfffffffffffff, 0x47efffffe0000000, 0x3810ull << 48, 0x36a0ull << 48, 0x400921fb54442d18, 0x3ff0000010000000,
    0x3ca0ull << 48, 0x0010000000000001 };

static inline uint64_t diff_reg(uint64_t *s)
{
    uint64_t k = diff_next(s), kind = k & 255;
    if (kind < 90) {
        return diff_next(s);
    }
    return kind < 180 ? diff_ints[k >> 8 & 31] : diff_next(s) >> (k >> 8 & 63);
}

/* Values of every format, neighbours of one (cancellation, ties) and integers. */
static inline uint64_t diff_lane(uint64_t *s)
{
    uint64_t k = diff_next(s), kind = k & 255;
    if (kind < 64) {
        return diff_next(s);
    }
    if (kind < 128) {
        return diff_doubles[k >> 8 & 31];
    }
    if (kind < 141) {
        return (0x3ff0000000000000 + (k >> 8 & 127) - 64) ^ (k >> 15 << 63);
    }
    if (kind < 200) {
        return (uint64_t)diff_singles[k >> 8 & 31] << 32 | diff_singles[k >> 13 & 31];
    }
    if (kind < 210) {
        return 0x3f8000003f800000 + (k >> 8 & 15) - 8 + ((k >> 12 & 15) << 32);
    }
    if (kind < 243) {
        return (uint64_t)diff_halves[k >> 8 & 31] << 48 | (uint64_t)diff_halves[k >> 13 & 31] << 32 |
               (uint64_t)diff_halves[k >> 18 & 31] << 16 | diff_halves[k >> 23 & 31];
    }
    return diff_ints[k >> 8 & 31];
}

/* Rounding, DN, FZ and rarely FZ16 and AHP; zero in half of the states. */
static inline uint64_t diff_fpcr(const DiffSpec *p, uint64_t *s)
{
    uint64_t k = diff_next(s);
    if (k & 1) {
        return 0;
    }
    uint64_t fpcr = (k >> 1 & 15) << 22 | ((k >> 8 & 3) == 0) << 19 | ((k >> 10 & 3) == 0) << 26 | (k >> 16 & p->fpcr_random);
    return fpcr & ~(uint64_t)p->fpcr_clear;
}

static inline void diff_fix(const DiffSpec *p, const DiffFix *f, uint64_t *s, DiffState *st)
{
    uint64_t k = diff_next(s), *x = st->x, at;
    switch (f->kind) {
    case DIFF_FIX_BASE:
        x[f->reg] = DIFF_DATA + (!f->value || (k & 15) < 9 ? 16 * (k >> 4 & 15) - 128 : (k >> 4 & 127) - 64);
        break;
    case DIFF_FIX_INDEX:
        x[f->reg] = k & 8 ? k & 3 : 8 * (k & 3);
        x[f->reg] = (k >> 4 & 3) ? x[f->reg] : k & 64 ? 0 - x[f->reg] : (uint32_t)(0 - x[f->reg]);
        break;
    case DIFF_FIX_CODE:
        x[f->reg] = DIFF_CODE + 64ull * p->slot + 4 + 4 * (p->n_words + (k & 1));
        break;
    case DIFF_FIX_MATCH:
        at = (f->other == 31 ? st->sp : x[f->other]) - (DIFF_DATA - DIFF_WINDOW / 2);
        for (unsigned i = 0; (k & 3) && i < 16; i++) {
            unsigned r = f->reg + i / 8;
            if (r < 31 && r != f->other && at + i < DIFF_WINDOW) {
                x[r] = (x[r] & ~(0xffull << i % 8 * 8)) | (uint64_t)st->mem[at + i] << i % 8 * 8;
            }
        }
        break;
    case DIFF_FIX_SHARE:
        x[f->reg] = f->value + 8 * (k & 3);
        break;
    default:
        x[f->reg] = f->value;
    }
}

/* State n of the spec; eight bytes at a time, as the loader has no memset. */
static inline void diff_expand(const DiffSpec *p, uint32_t n, DiffState *st)
{
    uint64_t s = p->seed + 0xd1342543de82ef95ull * n, k = diff_next(&s), *mem = (uint64_t *)(void *)st->mem;
    for (unsigned i = 0; i < 31; i++) {
        st->x[i] = p->flags & DIFF_NOWHERE ? DIFF_UNMAPPED : diff_reg(&s);
    }
    st->sp = p->flags & DIFF_NOWHERE ? DIFF_UNMAPPED : DIFF_DATA + 16 * (k & 7) - 64;
    st->nzcv = p->flags & DIFF_NO_FLAGS ? 0 : (k >> 4 & 15) << 28;
    st->fpcr = diff_fpcr(p, &s);
    st->fpsr = (k >> 8 & 3) ? 0 : (k >> 10 & 1) << 27 | (k >> 11 & 0x9f);
    for (unsigned i = 0; i < 64; i++) {
        st->v[i] = diff_lane(&s);
    }
    for (unsigned i = 0; i < DIFF_WINDOW / 8; i++) {
        mem[i] = !(k >> 20 & 1) ? diff_next(&s) : i & 1 ? diff_lane(&s) : diff_reg(&s);
    }
    for (unsigned i = 0; i < p->n_fix; i++) {
        diff_fix(p, &p->fix[i], &s, st);
    }
}

#define DIFF_FPSR 0x0800009full

/* Of everything in the result; the lowest three bits are how it ended. */
static inline uint64_t diff_digest(const DiffResult *r)
{
    const uint64_t *w = (const void *)r;
    uint64_t h = 0x243f6a8885a308d3ull;
    for (unsigned i = 1; i < sizeof *r / 8; i++) {
        h = (h ^ (i == 35 ? w[i] & DIFF_FPSR : w[i])) * 0x9fb21c651e98df25ull;
        h ^= h >> 32;
    }
    return (h & ~7ull) | (r->end & 7);
}
