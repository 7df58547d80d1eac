/*
 * Checks of a process's life in the guest: fork and wait, threads with futexes and atomics, mappings and faults, and a sweep of
 * libm whose bits the host compares with its own. Prints "check NAME ok" or "check NAME FAILED"; exit status 1 on any failure.
 */
#define _GNU_SOURCE
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static int failures;

static void report(const char *name, int good)
{
    printf("check %s %s\n", name, good ? "ok" : "FAILED");
    failures += !good;
}

static int forks(void)
{
    for (int i = 0; i < 40; i++) {
        const pid_t child = fork();
        if (child == 0) {
            _exit(i);
        }
        int status = 0;
        if (waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != i) {
            return 0;
        }
    }
    return 1;
}

enum { THREADS = 8, ROUNDS = 20000 };
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t barrier;
static long locked;
static atomic_long counted;

static void *worker(void *arg)
{
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < ROUNDS; i++) {
        atomic_fetch_add(&counted, 1);
        if (i % 16 == 0) {
            pthread_mutex_lock(&mutex);
            locked++;
            pthread_mutex_unlock(&mutex);
        }
    }
    return arg;
}

static int threads(void)
{
    pthread_t t[THREADS];
    pthread_barrier_init(&barrier, NULL, THREADS);
    for (int i = 0; i < THREADS; i++) {
        if (pthread_create(&t[i], NULL, worker, &t[i])) {
            return 0;
        }
    }
    for (int i = 0; i < THREADS; i++) {
        void *result = NULL;
        pthread_join(t[i], &result);
        if (result != &t[i]) {
            return 0;
        }
    }
    return counted == (long)THREADS * ROUNDS && locked == THREADS * (ROUNDS / 16);
}

static sigjmp_buf back;
static volatile uintptr_t fault_address;

static void on_fault(int number, siginfo_t *info, void *context)
{
    fault_address = (uintptr_t)info->si_addr;
    siglongjmp(back, number);
}

static int fault_at(volatile char *p, int write)
{
    const int got = sigsetjmp(back, 1);
    if (got == 0) {
        if (write) {
            *p = 1;
        } else {
            (void)*p;
        }
        return 0;
    }
    return fault_address == (uintptr_t)p ? got : -1;
}

static int mappings(void)
{
    const struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    char *p = mmap(NULL, 64 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 64 * 4096; i += 64) {
        p[i] = (char)(i >> 6);
    }
    mprotect(p + 4096, 4096, PROT_READ);
    mprotect(p + 8192, 4096, PROT_NONE);
    int good = fault_at(p + 4096 + 5, 1) == SIGSEGV && fault_at(p + 4096 + 5, 0) == 0 && fault_at(p + 8192 + 7, 0) == SIGSEGV;
    mprotect(p + 8192, 4096, PROT_READ | PROT_WRITE);
    for (int i = 0; i < 64 * 4096; i += 64) {
        good &= p[i] == (char)(i >> 6);
    }
    munmap(p, 64 * 4096);
    return good && fault_at(p, 0) == SIGSEGV;
}

static int new_code(void)
{
    uint32_t *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (uint32_t i = 0; i < 200; i++) {
#ifdef __aarch64__
        code[0] = 0x52800000u | i << 5; /* mov w0, #i */
        code[1] = 0xd65f03c0u;
#else
        memcpy(code, "\xb8\0\0\0\0\xc3", 6);
        memcpy((char *)code + 1, &i, 4);
#endif
        __builtin___clear_cache((char *)code, (char *)code + 8);
        if (((uint32_t(*)(void))code)() != i) {
            return 0;
        }
    }
    return 1;
}

/* A hash of basic operations' bits, which IEEE 754 fixes: the host runs the same program and must print the same. */
static uint64_t mix(uint64_t h, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, 8);
    return (h ^ bits) * 0x9e3779b97f4a7c15u + (h >> 29);
}

static void floats(void)
{
    uint64_t h = 1, state = 12345;
    for (int i = 0; i < 200000; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        const uint64_t bits = (state >> 12 & ~(0x7ffull << 52)) | (1023ull - 30 + (state >> 5) % 60) << 52 | (state & 1) << 63;
        double x;
        memcpy(&x, &bits, 8);
        const double y = (double)(int64_t)(state >> 20) * 0.001;
        h = mix(h, x + y);
        h = mix(h, x * y);
        h = mix(h, x / (y + 1));
        h = mix(h, sqrt(fabs(x)));
        h = mix(h, fma(x, y, -x));
        h = mix(h, (double)((float)x * (float)y));
        h = mix(h, rint(x) + floor(y) + ceil(x) + trunc(y) + round(x));
        h = mix(h, (double)(int64_t)x + (double)(uint32_t)fmod(fabs(y), 4e9));
        h = mix(h, fmod(y, 7.25) + ldexp(x, i % 31) + nextafter(x, y));
    }
    printf("floats %016llx\n", (unsigned long long)h);
}

int main(void)
{
    report("fork", forks());
    report("threads", threads());
    report("mappings", mappings());
    report("new-code", new_code());
    floats();
    return failures != 0;
}
