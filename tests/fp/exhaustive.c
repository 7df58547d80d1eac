/*
 * Every operand of half precision, and of single precision where there is one operand, through src/fp and the oracle of wide.h.
 *
 * usage: exhaustive [--part N] [--threads N] [--seed N] [NAME...]   every Nth chunk of 65536 cases of each row; only rows of that name
 *        exhaustive --vectors <FILE                                 the oracle itself against tests/fp/generate.py's lines
 *
 * A row's every case runs with the cumulative flags clear or IXC set, by turns, as fast paths depend on it. Exits with 1 on a mismatch.
 */
#include "wide.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "armillary/fp-convert.h"
#include "armillary/fp.h"

typedef struct {
    uint64_t ours, wide;
    uint32_t fpsr, flags, before;
} Answer;

/* One case; `x` is the chunk and `y` counts in it, each 16 bits. Whether both agree. */
typedef bool Case(uint32_t x, uint32_t y, uint32_t fpcr, Answer *answer);
/* A chunk: the first case that fails, or 65536. */
typedef uint32_t Chunk(uint32_t x, uint32_t fpcr, Answer *answer);

static inline bool agree(Answer *r, const FpEnv *env, const WideEnv *wide, uint32_t before)
{
    r->fpsr = env->fpsr;
    r->flags = wide->flags;
    r->before = before;
    return r->ours == r->wide && env->fpsr == (before | wide->flags);
}

#define DEFINE(name, subject, oracle)                                                   \
    static inline bool name##_case(uint32_t x, uint32_t y, uint32_t fpcr, Answer *r)    \
    {                                                                                   \
        const uint32_t before = (x ^ y ^ y >> 7) & 1 ? FP_SR_IXC : 0, s = x << 16 | y;  \
        FpEnv env = {.fpcr = fpcr, .fpsr = before};                                     \
        WideEnv wide = {.fpcr = fpcr};                                                  \
        (void)s;                                                                        \
        r->ours = subject;                                                              \
        r->wide = oracle;                                                               \
        return agree(r, &env, &wide, before);                                           \
    }                                                                                   \
    static uint32_t name(uint32_t x, uint32_t fpcr, Answer *r)                          \
    {                                                                                   \
        uint32_t y = 0;                                                                 \
        while (y < 65536 && name##_case(x, y, fpcr, r)) {                               \
            y++;                                                                        \
        }                                                                               \
        return y;                                                                       \
    }

#define H(v) ((uint16_t)(v))
#define MODE(n) ((uint32_t)(n) << 22)
#define PAIR(op) DEFINE(op##_h, fp_##op##_h(H(x), H(y), &env), wide_##op##_h(x, y, &wide))
PAIR(add)
PAIR(sub)
PAIR(mul)
PAIR(div)
PAIR(max)
PAIR(min)
PAIR(maxnm)
PAIR(minnm)
DEFINE(compare_h, fp_compare_h(H(x), H(y), false, &env), wide_compare_h(x, y, false, &wide))
DEFINE(compare_e_h, fp_compare_h(H(x), H(y), true, &env), wide_compare_h(x, y, true, &wide))
DEFINE(sqrt_s, fp_sqrt_s(s, &env), wide_sqrt_s(s, &wide))
DEFINE(convert_sh, fp_convert_sh(s, &env), wide_convert_sh(s, &wide))

/* The rounding of an integer conversion is the instruction's: FPCR bits that do not exist choose it here. */
#define ROUNDING(fpcr) ((fpcr) >> 28 & 7)
#define WITH_ROUNDING(n) ((uint32_t)(n) << 28)
#define TO_INTEGER(name, sign, is_signed, n)                                               \
    DEFINE(name, fp_to_##sign##int_s(s, n, 0, (FpRounding)ROUNDING(fpcr), &env),           \
           wide_to_int_s(s, (WideInteger){n, 0, ROUNDING(fpcr), is_signed}, &wide))
TO_INTEGER(to_sint32_s, s, true, 32)
TO_INTEGER(to_uint32_s, u, false, 32)
TO_INTEGER(to_sint64_s, s, true, 64)
TO_INTEGER(to_uint64_s, u, false, 64)

/* One operand of half precision is y; x counts the instruction's forms, and past the last of them there is nothing to do. */
DEFINE(sqrt_h, fp_sqrt_h(H(y), &env), wide_sqrt_h(y, &wide))
DEFINE(convert_hs, fp_convert_hs(H(y), &env), wide_convert_hs(y, &wide))
DEFINE(convert_hd, fp_convert_hd(H(y), &env), wide_convert_hd(y, &wide))
DEFINE(round_int_h, fp_round_int_h(H(y), (FpRounding)(x / 2), x & 1, &env), wide_round_int_h(y, x / 2, x & 1, &wide))

enum { FORMS = 65 * 5 }; /* fraction bits and roundings */
#define HALF_TO_INTEGER(name, sign, is_signed, n)                                               \
    DEFINE(name, fp_to_##sign##int_h(H(y), n, x / 5 % (n + 1), (FpRounding)(x % 5), &env),      \
           wide_to_int_h(y, (WideInteger){n, x / 5 % (n + 1), x % 5, is_signed}, &wide))
HALF_TO_INTEGER(to_sint16_h, s, true, 16)
HALF_TO_INTEGER(to_uint16_h, u, false, 16)
HALF_TO_INTEGER(to_sint32_h, s, true, 32)
HALF_TO_INTEGER(to_uint32_h, u, false, 32)
HALF_TO_INTEGER(to_sint64_h, s, true, 64)
HALF_TO_INTEGER(to_uint64_h, u, false, 64)
DEFINE(from_sint_h, fp_from_sint_h((uint64_t)(int16_t)y, x, &env), wide_from_int_h((uint64_t)(int16_t)y, (WideInteger){64, x, 0, true}, &wide))
DEFINE(from_uint_h, fp_from_uint_h(y, x, &env), wide_from_int_h(y, (WideInteger){64, x, 0, false}, &wide))

typedef struct {
    const char *name;
    Chunk *run;
    uint32_t chunks;    /* 65536: all x */
    uint32_t fpcr;
    uint32_t part;      /* every so manieth chunk, in the whole run too */
} Row;

#define ALL 65536
#define ROW(name, chunks, fpcr, part) {#name, name, chunks, fpcr, part}
#define DIRECTED(name, chunks, more, part)                                                      \
    ROW(name, chunks, MODE(1) | (more), part), ROW(name, chunks, MODE(2) | (more), part), ROW(name, chunks, MODE(3) | (more), part)
#define EACH_MODE(name, chunks, more, part) ROW(name, chunks, more, part), DIRECTED(name, chunks, more, part)
#define FLUSHING(name, chunks, part)                                                                                     \
    EACH_MODE(name, chunks, WIDE_FZ16 | WIDE_FZ, part), EACH_MODE(name, chunks, WIDE_AH | WIDE_DN, part),                \
    EACH_MODE(name, chunks, WIDE_AH | WIDE_FZ16 | WIDE_FZ, part), EACH_MODE(name, chunks, WIDE_AH | WIDE_FIZ, part),     \
    EACH_MODE(name, chunks, WIDE_FZ16 | WIDE_FZ | WIDE_FIZ | WIDE_DN, part)
#define ROUNDINGS(name, part)                                                                                            \
    ROW(name, ALL, WITH_ROUNDING(3), 1), ROW(name, ALL, WITH_ROUNDING(0), part), ROW(name, ALL, WITH_ROUNDING(1), part), \
    ROW(name, ALL, WITH_ROUNDING(2), part), ROW(name, ALL, WITH_ROUNDING(4), part),                                      \
    ROW(name, ALL, WITH_ROUNDING(3) | WIDE_FZ, part), ROW(name, ALL, WITH_ROUNDING(1) | WIDE_AH | WIDE_FIZ, part)
#define SMALL(name, chunks) EACH_MODE(name, chunks, 0, 1), EACH_MODE(name, chunks, WIDE_AHP, 1), FLUSHING(name, chunks, 1)
#define INTEGER(name, chunks)                                                                                            \
    ROW(name, chunks, 0, 1), ROW(name, chunks, WIDE_FZ16, 1), ROW(name, chunks, WIDE_AH, 1), ROW(name, chunks, WIDE_AH | WIDE_FZ16 | WIDE_DN, 1)

/* What is too slow for one night with every mode takes a part of the chunks, another one with the next seed. */
static const Row ROWS[] = {
    ROW(add_h, ALL, 0, 1), DIRECTED(add_h, ALL, 0, 16), ROW(add_h, ALL, WIDE_FZ16, 16), ROW(add_h, ALL, WIDE_AH | WIDE_FZ16, 16), FLUSHING(add_h, ALL, 256),
    ROW(mul_h, ALL, 0, 1), DIRECTED(mul_h, ALL, 0, 16), ROW(mul_h, ALL, WIDE_FZ16, 16), ROW(mul_h, ALL, WIDE_AH | WIDE_FZ16, 16), FLUSHING(mul_h, ALL, 256),
    ROW(max_h, ALL, 0, 1), ROW(max_h, ALL, WIDE_AH, 1), ROW(max_h, ALL, WIDE_FZ16, 8), FLUSHING(max_h, ALL, 256),
    ROW(min_h, ALL, 0, 1), ROW(min_h, ALL, WIDE_AH, 1), ROW(min_h, ALL, WIDE_FZ16, 8), FLUSHING(min_h, ALL, 256),
    ROW(compare_h, ALL, 0, 1), ROW(compare_h, ALL, WIDE_FZ16, 8), ROW(compare_e_h, ALL, WIDE_AH, 8),
    EACH_MODE(sub_h, ALL, 0, 128), FLUSHING(sub_h, ALL, 512),
    EACH_MODE(div_h, ALL, 0, 128), FLUSHING(div_h, ALL, 512),
    ROW(maxnm_h, ALL, 0, 64), FLUSHING(maxnm_h, ALL, 512),
    ROW(minnm_h, ALL, 0, 64), FLUSHING(minnm_h, ALL, 512),
    ROW(sqrt_s, ALL, 0, 1), DIRECTED(sqrt_s, ALL, 0, 8), FLUSHING(sqrt_s, ALL, 128),
    ROW(convert_sh, ALL, 0, 1), DIRECTED(convert_sh, ALL, 0, 16), EACH_MODE(convert_sh, ALL, WIDE_AHP, 32), FLUSHING(convert_sh, ALL, 256),
    ROUNDINGS(to_sint32_s, 32), ROUNDINGS(to_uint32_s, 32), ROUNDINGS(to_sint64_s, 32), ROUNDINGS(to_uint64_s, 32),
    SMALL(sqrt_h, 1), SMALL(convert_hs, 1), SMALL(convert_hd, 1), SMALL(round_int_h, 10), SMALL(from_sint_h, 65), SMALL(from_uint_h, 65),
    INTEGER(to_sint16_h, 17 * 5), INTEGER(to_uint16_h, 17 * 5), INTEGER(to_sint32_h, 33 * 5), INTEGER(to_uint32_h, 33 * 5),
    INTEGER(to_sint64_h, FORMS), INTEGER(to_uint64_h, FORMS),
};
enum { ROW_COUNT = sizeof ROWS / sizeof ROWS[0], MAX_REPORTS = 20 };

typedef struct {
    uint32_t part, seed;
    char **names;
    atomic_ulong next, cases;
    atomic_uint failed;
} Job;

static bool chosen(const Job *job, const char *name)
{
    bool any = false;
    for (char **wanted = job->names; *wanted; wanted++) {
        if (strcmp(*wanted, name) == 0) {
            return true;
        }
        any = true;
    }
    return !any;
}

/* Spreads the chunks that a part of the run takes over all exponents, and other ones with another seed. */
static bool taken(const Job *job, const Row *row, uint32_t x)
{
    const uint64_t part = row->chunks == ALL ? (uint64_t)row->part * job->part : job->part < 4 ? 1 : 16;
    return part <= 1 || (x * UINT32_C(2654435761) + job->seed * UINT32_C(40503)) % part == 0;
}

static void *work(void *arg)
{
    Job *job = arg;
    for (unsigned long i; (i = atomic_fetch_add(&job->next, 1)) < (unsigned long)ROW_COUNT * ALL;) {
        const Row *row = &ROWS[i / ALL];
        const uint32_t x = i % ALL;
        if (x >= row->chunks || !taken(job, row, x) || !chosen(job, row->name)) {
            continue;
        }
        Answer r;
        const uint32_t y = row->run(x, row->fpcr, &r);
        atomic_fetch_add(&job->cases, y);
        if (y < 65536 && atomic_fetch_add(&job->failed, 1) < MAX_REPORTS) {
            printf("%s fpcr %08" PRIx32 " x %04" PRIx32 " y %04" PRIx32 ": %" PRIx64 " fpsr %" PRIx32 " after %" PRIx32 ", the oracle %" PRIx64
                   " flags %" PRIx32 "\n", row->name, row->fpcr, x, y, r.ours, r.fpsr, r.before, r.wide, r.flags);
        }
    }
    return NULL;
}

static int sweep(Job *job, unsigned threads)
{
    pthread_t thread[64];
    threads = threads > 64 ? 64 : threads;
    for (unsigned i = 0; i < threads; i++) {
        if (pthread_create(&thread[i], NULL, work, job) != 0) {
            perror("pthread_create");
            return 2;
        }
    }
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(thread[i], NULL);
    }
    printf("%lu cases, %u chunks failed\n", job->cases, job->failed);
    return job->cases == 0 || job->failed != 0;
}

/* The oracle's answer to a vector: operation name, operands. */
static bool answer(const char *name, const uint64_t *v, WideEnv *env, uint64_t *result)
{
    const uint32_t a = (uint32_t)v[0], b = (uint32_t)v[1];
    const WideInteger form = {(unsigned)v[1], (unsigned)v[2], (unsigned)v[3], strncmp(name, "to_s", 4) == 0};
    const WideInteger from = {64, b, 0, strncmp(name, "from_s", 6) == 0};
    const struct {
        const char *name;
        uint32_t (*run)(uint32_t, uint32_t, WideEnv *);
    } pairs[] = {{"add_h", wide_add_h}, {"sub_h", wide_sub_h}, {"mul_h", wide_mul_h}, {"div_h", wide_div_h},
                 {"max_h", wide_max_h}, {"min_h", wide_min_h}, {"maxnm_h", wide_maxnm_h}, {"minnm_h", wide_minnm_h}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        if (strcmp(name, pairs[i].name) == 0) {
            *result = pairs[i].run(a, b, env);
            return true;
        }
    }
    const bool half = name[strlen(name) - 1] == 'h';
    if (strcmp(name, "compare_h") == 0) {
        *result = wide_compare_h(a, b, v[2], env);
    } else if (strcmp(name, "sqrt_h") == 0 || strcmp(name, "sqrt_s") == 0) {
        *result = (half ? wide_sqrt_h : wide_sqrt_s)(a, env);
    } else if (strcmp(name, "convert_sh") == 0 || strcmp(name, "convert_hs") == 0) {
        *result = (half ? wide_convert_sh : wide_convert_hs)(a, env);
    } else if (strcmp(name, "convert_hd") == 0) {
        *result = wide_convert_hd(a, env);
    } else if (strncmp(name, "to_", 3) == 0) {
        *result = (half ? wide_to_int_h : wide_to_int_s)(a, form, env);
    } else if (strncmp(name, "from_", 5) == 0) {
        *result = wide_from_int_h(v[0], from, env);
    } else if (strcmp(name, "round_int_h") == 0) {
        *result = wide_round_int_h(a, b, v[2], env);
    } else {
        return false;
    }
    return true;
}

static int vectors(void)
{
    char line[256], name[64];
    unsigned long total = 0, failed = 0;
    while (failed < MAX_REPORTS && fgets(line, sizeof line, stdin)) {
        uint64_t v[8] = {0};
        char *end = line + strcspn(line, " ");
        snprintf(name, sizeof name, "%.*s", (int)(end - line), line);
        unsigned count = 0;
        for (char *word = strtok(end, " \n"); word && count < 8; word = strtok(NULL, " \n")) {
            v[count++] = strtoull(word, NULL, 16);
        }
        WideEnv env = {.fpcr = (uint32_t)v[0]};
        uint64_t result = 0;
        const bool known = count >= 4 && answer(name, v + 1, &env, &result);
        total++;
        if (!known || result != v[count - 2] || env.flags != v[count - 1]) {
            failed++;
            printf("%s fpcr %" PRIx64 " operands %" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64 ": %s %" PRIx64 " flags %" PRIx32 "\n", name, v[0], v[1],
                   v[2], v[3], v[4], known ? "got" : "unknown", result, env.flags);
        }
    }
    printf("%lu vectors, %lu failed\n", total, failed);
    return total == 0 || failed != 0;
}

int main(int argc, char **argv)
{
    Job job = {.part = 1};
    unsigned threads = 2;
    int i = 1;
    if (argc == 2 && strcmp(argv[1], "--vectors") == 0) {
        return vectors();
    }
    for (; i + 1 < argc && strncmp(argv[i], "--", 2) == 0; i += 2) {
        const unsigned number = (unsigned)strtoul(argv[i + 1], NULL, 10);
        *(strcmp(argv[i], "--part") == 0 ? &job.part : strcmp(argv[i], "--seed") == 0 ? &job.seed : &threads) = number;
    }
    job.names = argv + i;
    return sweep(&job, threads);
}
