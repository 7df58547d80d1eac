/*
 * Small workloads, run inside the guest's userland (or on the host, for scale): each line is "bench NAME OPS_PER_SECOND UNIT".
 *
 * usage: micro [SECONDS [NAME [COUNT]]]: until one takes so long, or exactly COUNT operations of one.
 * Time is the process's own clock, so that idle neighbours do not count.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static volatile uint64_t sink;

/* Integer mix: shifts, multiplies, compares, a data-dependent branch, loads and stores in a small table. */
static void integer_mix(long n)
{
    static uint32_t table[256];
    uint64_t h = 88172645463325252u;
    for (long i = 0; i < n; i++) {
        h ^= h << 13;
        h ^= h >> 7;
        h ^= h << 17;
        uint32_t *slot = &table[h & 255];
        if (*slot > (uint32_t)h) {
            *slot += (uint32_t)(h >> 32) * 2654435761u;
        } else {
            *slot ^= (uint32_t)(i * 3);
        }
    }
    sink = h + table[3];
}

static uint32_t crc_table[256];
static void crc_bytes(long n)
{
    uint32_t c = ~0u;
    for (long i = 0; i < n; i++) {
        c = crc_table[(c ^ (uint32_t)i) & 255] ^ c >> 8;
    }
    sink = c;
}

static void fp_nbody(long n)
{
    double x = 1.0, y = 0.0, vx = 0.0, vy = 1.0;
    for (long i = 0; i < n; i++) {
        const double r2 = x * x + y * y, k = 0.001 / (r2 * __builtin_sqrt(r2));
        vx -= x * k;
        vy -= y * k;
        x += vx * 0.001;
        y += vy * 0.001;
    }
    sink = (uint64_t)(x * 1e9);
}

static float sa[4096], sb[4096];
static void fp_saxpy(long n)
{
    for (long k = 0; k < n; k += 4096) {
        for (int i = 0; i < 4096; i++) {
            sa[i] = sa[i] * 0.5f + sb[i];
        }
        __asm__ volatile("" ::: "memory");
    }
}

static char *from, *to;
static void copy_small(long n)
{
    for (long k = 0; k < n; k += 256 << 10) {
        memcpy(to, from, 256 << 10);
        __asm__ volatile("" ::: "memory");
    }
}

static void syscalls(long n)
{
    for (long i = 0; i < n; i++) {
        syscall(SYS_getppid);
    }
}

static void page_faults(long n)
{
    for (long k = 0; k < n; k += 512) {
        char *p = mmap(NULL, 512 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        for (int i = 0; i < 512; i++) {
            p[i * 4096] = 1;
        }
        munmap(p, 512 * 4096);
    }
}

static void switches(long n)
{
    int a[2], b[2];
    char c = 0;
    if (pipe(a) || pipe(b)) {
        exit(1);
    }
    const pid_t child = fork();
    if (child == 0) {
        while (read(a[0], &c, 1) == 1 && write(b[1], &c, 1) == 1 && c == 0) {
        }
        _exit(0);
    }
    for (long i = 0; i < n; i++) {
        c = i == n - 1;
        if (write(a[1], &c, 1) != 1 || read(b[0], &c, 1) != 1) {
            exit(1);
        }
    }
    waitpid(child, NULL, 0);
}

static void forks(long n)
{
    for (long i = 0; i < n; i++) {
        const pid_t child = fork();
        if (child == 0) {
            _exit(0);
        }
        waitpid(child, NULL, 0);
    }
}

typedef struct {
    const char *name;
    void (*run)(long n);
    const char *unit;
    long first;
} Bench;

/* Doubles the work until one run takes long enough, then reports that run; with a count, does that much once. */
static void measure(const Bench *b, double seconds, long count)
{
    for (long n = count ? count : b->first;; n *= 2) {
        const double start = now();
        b->run(n);
        const double took = now() - start;
        if (took >= seconds || count || n > 1L << 40) {
            printf("bench %s %.4g %s/s\n", b->name, (double)n / took, b->unit);
            fflush(stdout);
            return;
        }
    }
}

int main(int argc, char **argv)
{
    static const Bench benches[] = {
        { "integer", integer_mix, "iterations", 100000 }, { "crc", crc_bytes, "bytes", 200000 },
        { "nbody", fp_nbody, "steps", 20000 },            { "saxpy", fp_saxpy, "elements", 1 << 18 },
        { "memcpy", copy_small, "bytes", 64 << 20 },      { "syscall", syscalls, "calls", 20000 },
        { "pagefault", page_faults, "faults", 4096 },     { "switch", switches, "round trips", 500 },
        { "fork", forks, "forks", 20 },
    };
    const double seconds = argc > 1 ? atof(argv[1]) : 0.5;
    for (unsigned i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int k = 0; k < 8; k++) {
            c = c & 1 ? 0xedb88320u ^ c >> 1 : c >> 1;
        }
        crc_table[i] = c;
    }
    from = malloc(256 << 10);
    to = malloc(256 << 10);
    memset(from, 1, 256 << 10);
    for (unsigned i = 0; i < sizeof benches / sizeof *benches; i++) {
        if (argc < 3 || strcmp(argv[2], benches[i].name) == 0) {
            measure(&benches[i], seconds, argc > 3 ? atol(argv[3]) : 0);
        }
    }
    return 0;
}
