/*
 * Guarded control stacks of processes (FEAT_GCS), as Linux gives them: PR_SET_SHADOW_STACK_STATUS, map_shadow_stack. Each subject runs
 * in a process of its own, which enters no function's caller again after it has switched the stack on. Prints "check NAME ok" or
 * "check NAME FAILED".
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SET_STATUS = 75, GET_STATUS = 74, ENABLE = 1, WRITE = 2, PUSH = 4, MAP_SHADOW_STACK = 453, SET_TOKEN = 1 };
enum { CODE_CPERR = 10, FAILED = 99 };
#define NOINLINE __attribute__((noinline))

static int failures;

/* prctl without a call. */
static inline __attribute__((always_inline)) long enable(long flags)
{
    register long x0 __asm__("x0") = SET_STATUS;
    register long x1 __asm__("x1") = flags;
    register long x2 __asm__("x2") = 0;
    register long x3 __asm__("x3") = 0;
    register long x4 __asm__("x4") = 0;
    register long x8 __asm__("x8") = SYS_prctl;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x8) : "memory");
    return x0;
}

static inline uint64_t pointer(void)
{
    uint64_t v;
    __asm__ volatile("mrs %0, s3_3_c2_c5_1" : "=r"(v));
    return v;
}

/* Which of bits 0 and 1 CHKFEAT leaves: 2 with the stack on, 3 without. */
static inline uint64_t asked(void)
{
    register uint64_t x16 __asm__("x16") = 3;
    __asm__ volatile("hint #40" : "+r"(x16));
    return x16;
}

static NOINLINE int deep(int n)
{
    __asm__ volatile("" : "+r"(n) : : "memory");
    return n ? deep(n - 1) + 1 : 0;
}

static void calls(void)
{
    int before = asked() == 3;
    if (enable(ENABLE))
        _exit(FAILED);
    uint64_t top = pointer();
    _exit(before && asked() == 2 && deep(20000) == 20000 && pointer() == top ? 0 : 1);
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    _exit(number == SIGSEGV ? info->si_code : FAILED);
}

static void catch_faults(void)
{
    const struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGILL, &action, NULL);
}

/* Returns to where nobody called it from. */
void stray(void);
__asm__(".pushsection .text\n.globl stray\nstray: adr x30, 1f\n ret\n 1: mov x0, #0\n mov x8, #93\n svc #0\n.popsection");

static void corrupted(void)
{
    catch_faults();
    if (enable(ENABLE))
        _exit(FAILED);
    stray();
    _exit(FAILED);
}

static void stored_to(void)
{
    catch_faults();
    if (enable(ENABLE))
        _exit(FAILED);
    *(volatile uint64_t *)(pointer() - 8) = 1;
    _exit(FAILED);
}

static volatile int handled;
static void on_user(int number)
{
    handled += deep(10) == 10;
}

static void signals(void)
{
    signal(SIGUSR1, on_user);
    if (enable(ENABLE))
        _exit(FAILED);
    for (int i = 0; i < 100; i++)
        kill(getpid(), SIGUSR1);
    _exit(handled == 100 ? 0 : 1);
}

/* The child comes back through calls of its parent: its stack is a copy. */
static NOINLINE int forks(int n)
{
    if (n) {
        int status = forks(n - 1);
        __asm__ volatile("" : "+r"(status));
        return status;
    }
    pid_t child = fork();
    if (!child)
        return -1;
    int status = 0;
    return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static void forked(void)
{
    if (enable(ENABLE))
        _exit(FAILED);
    for (int i = 0; i < 10; i++) {
        int status = forks(600); /* more than a page of records */
        if (status == -1)
            _exit(deep(1000) == 1000 ? 0 : 2);
        if (status)
            _exit(status);
    }
    _exit(0);
}

static void *work(void *arg)
{
    return (void *)(intptr_t)(asked() == 2 ? deep(5000) : 0);
}

static void threads(void)
{
    pthread_t id[4];
    void *result[4];
    int bad = 0;
    if (enable(ENABLE))
        _exit(FAILED);
    for (int i = 0; i < 4; i++)
        bad |= pthread_create(&id[i], NULL, work, NULL);
    for (int i = 0; i < 4; i++)
        bad |= pthread_join(id[i], &result[i]) || result[i] != (void *)5000;
    _exit(bad);
}

static void own_records(void)
{
    if (enable(ENABLE | WRITE | PUSH))
        _exit(FAILED);
    uint64_t top = pointer(), popped, seen;
    __asm__ volatile("sys #3, c7, c7, #0, %0" : : "r"(0x1230ul));
    __asm__ volatile("mov x0, %0\n mov x1, %1\n .inst 0xd91f0c01" : : "r"(pointer()), "r"(0x4560ul) : "x0", "x1", "memory");
    seen = *(volatile uint64_t *)pointer();
    __asm__ volatile("sysl %0, #3, c7, c7, #1" : "=r"(popped));
    _exit(popped == 0x4560 && seen == 0x4560 && pointer() == top ? 0 : 1);
}

static void switched(void)
{
    enum { SIZE = 0x4000 };
    uint64_t stack = (uint64_t)syscall(MAP_SHADOW_STACK, 0l, (long)SIZE, (long)SET_TOKEN), old, back;
    if ((int64_t)stack < 0 || enable(ENABLE))
        _exit(FAILED);
    uint64_t top = pointer(), cap = stack + SIZE - 8;
    __asm__ volatile("sys #3, c7, c7, #2, %0" : : "r"(cap) : "memory");
    __asm__ volatile("sysl %0, #3, c7, c7, #3" : "=r"(old) : : "memory");
    int good = pointer() == stack + SIZE && old == top - 8 && deep(500) == 500;
    __asm__ volatile("sys #3, c7, c7, #2, %0" : : "r"(old) : "memory");
    __asm__ volatile("sysl %0, #3, c7, c7, #3" : "=r"(back) : : "memory");
    _exit(good && back == cap && pointer() == top && deep(5) == 5 ? 0 : 1);
}

static void check(const char *name, void (*subject)(void), int want)
{
    int status = 0;
    fflush(stdout);
    pid_t child = fork();
    if (!child) {
        subject();
        _exit(FAILED);
    }
    int good = waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == want;
    printf("check %s %s", name, good ? "ok\n" : "FAILED");
    if (!good)
        printf(": status %#x\n", status);
    failures += !good;
}

int main(void)
{
    if (!(getauxval(AT_HWCAP) >> 32 & 1)) {
        printf("gcscheck: the kernel does not give them\ngcscheck: 0 failed\n");
        return 0;
    }
    printf("gcscheck: the kernel gives them\n");
    check("calls", calls, 0);
    check("corrupted return address", corrupted, CODE_CPERR);
    check("ordinary store", stored_to, SEGV_ACCERR);
    check("signals", signals, 0);
    check("fork", forked, 0);
    check("threads", threads, 0);
    check("records of its own", own_records, 0);
    check("switched stacks", switched, 0);
    printf("gcscheck: %d failed\n", failures);
    return failures != 0;
}
