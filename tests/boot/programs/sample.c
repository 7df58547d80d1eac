/*
 * Work of many kinds with one right answer: integers of up to 128 bits, correctly rounded floating point, strings, sorting, threads,
 * atomics, longjmp and processes. Every line is the same on every machine and with every compiler option.
 */
#define _GNU_SOURCE
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COUNT = 20000, THREADS = 4 };

static uint64_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static uint64_t mix(uint64_t hash, const void *data, size_t size)
{
    const unsigned char *byte = data;
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

static uint64_t integers(uint64_t seed)
{
    uint64_t hash = 1;
    for (int i = 0; i < COUNT; i++) {
        const uint64_t a = next(&seed), b = next(&seed) >> (i & 63) | 1;
        const unsigned __int128 wide = (unsigned __int128)a * b;
        const int64_t quotient = b == 1 ? 0 : (int64_t)a / (int64_t)b;
        const uint64_t out[] = {(uint64_t)(wide >> 64), (uint64_t)wide, a / b, a % b, (uint64_t)quotient, (uint64_t)(wide / (b | 6)),
                                (uint64_t)__builtin_clzll(b), (uint64_t)__builtin_popcountll(a), __builtin_bswap64(a), a << (b & 63) | a >> (-b & 63),
                                (uint64_t)__builtin_ctzll(b), (uint64_t)((int64_t)a >> (b & 31))};
        hash = mix(hash, out, sizeof out);
    }
    return hash;
}

static uint64_t floats(uint64_t seed)
{
    uint64_t hash = 2;
    for (int i = 0; i < COUNT; i++) {
        const double a = (double)(int64_t)next(&seed) * 0x1p-40, b = (double)next(&seed) * 0x1p-300 * (i % 7 ? 1 : 0x1p-760);
        const float c = (float)a, d = (float)(b * 0x1p250);
        const double wide[] = {a + b, a * b, a / b, sqrt(fabs(a)), fma(a, b, -a), rint(a), trunc(a * 0.5), a < b, fmax(a, b), copysign(a, -b), ldexp(b, -20)};
        const float narrow[] = {c + d, c * d, c / d, sqrtf(fabsf(c)), fmaf(c, d, c), (float)(int)c, roundf(c), (float)(uint64_t)fabs(a), nearbyintf(d)};
        hash = mix(mix(hash, wide, sizeof wide), narrow, sizeof narrow);
    }
    return hash;
}

static int order(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static uint64_t sorting(uint64_t seed)
{
    static uint64_t value[COUNT];
    for (int i = 0; i < COUNT; i++) {
        value[i] = next(&seed);
    }
    qsort(value, COUNT, sizeof value[0], order);
    return mix(3, value, sizeof value);
}

static uint64_t text(uint64_t seed)
{
    uint64_t hash = 4;
    char line[200], copy[400];
    for (int i = 0; i < 3000; i++) {
        const uint64_t a = next(&seed);
        const int length = snprintf(line, sizeof line, "%d %llx %.17g %s|%-12s|%+e", i, (unsigned long long)a, (double)a / 3, "armillary" + a % 9, "x", 1 / (double)a);
        memset(copy, (int)(a & 0x7f), sizeof copy);
        memmove(copy + a % 37, line, (size_t)length + 1);
        memmove(copy + a % 11, copy + a % 37, (size_t)length + 1);
        const double back = strtod(strchr(copy + a % 11, '.') - 1, NULL);
        hash = mix(mix(hash, copy, 300), &back, sizeof back) + strlen(copy + a % 11) + (strstr(line, "mill") != NULL);
    }
    return hash;
}

static atomic_ulong counted;
static unsigned long locked;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *worker(void *arg)
{
    for (uintptr_t i = 0; i < COUNT; i++) {
        atomic_fetch_add(&counted, i ^ (uintptr_t)arg);
        if (i % 64 == 0) {
            pthread_mutex_lock(&mutex);
            locked += i;
            pthread_mutex_unlock(&mutex);
        }
    }
    return arg;
}

static uint64_t threads(void)
{
    pthread_t thread[THREADS];
    uint64_t hash = 5;
    for (uintptr_t i = 0; i < THREADS; i++) {
        pthread_create(&thread[i], NULL, worker, (void *)i);
    }
    for (int i = 0; i < THREADS; i++) {
        void *result;
        pthread_join(thread[i], &result);
        hash = mix(hash, &result, sizeof result);
    }
    return hash + counted + locked;
}

static uint64_t leap(uint64_t depth, jmp_buf *out)
{
    if (depth == 0) {
        longjmp(*out, 77);
    }
    return depth > 1000 ? depth : leap(depth - 1, out) + depth;
}

static uint64_t jumps(void)
{
    volatile uint64_t count = 0;
    jmp_buf out;
    if (setjmp(out) == 77) {
        count += 1000;
    }
    if (count < 20000) {
        count += leap(count % 50, &out);
    }
    return count;
}

static uint64_t children(void)
{
    uint64_t sum = 0;
    for (int i = 0; i < 20; i++) {
        const pid_t child = fork();
        if (child == 0) {
            _exit((int)(integers((uint64_t)i + 1) & 0x7f));
        }
        int status = 0;
        waitpid(child, &status, 0);
        sum = sum * 131 + (uint64_t)WEXITSTATUS(status);
    }
    return sum;
}

int main(void)
{
    printf("integers %016llx\n", (unsigned long long)integers(88172645463325252u));
    printf("floats %016llx\n", (unsigned long long)floats(2026));
    printf("sorting %016llx\n", (unsigned long long)sorting(7));
    printf("text %016llx\n", (unsigned long long)text(99));
    printf("threads %016llx\n", (unsigned long long)threads());
    printf("jumps %llu\n", (unsigned long long)jumps());
    printf("children %016llx\n", (unsigned long long)(fflush(stdout), children()));
    return 0;
}
