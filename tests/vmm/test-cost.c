/*
 * What an exit costs: hypercalls that KVM answers itself, and loads that go to the monitor, of a guest of a few instructions. $CALLS
 * and $LOADS say how many (1000); tests/bench/nested.py compares the cost of runs. Prints rates by the clock of the machine it runs in.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "kvmtest.h"
#include "tiny.h"

#define SMCCC_VERSION 0x80000000ull
#define NOWHERE 0x0b000000ull /* no slot, not the mailbox */

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void run(Tiny *t, const char *what, TinyCommand command, unsigned long count)
{
    const double start = seconds();
    if (!count)
        return;
    tiny_do(t, 0, command, NULL);
    printf("bench %s %.0f ops/s\n", what, (double)count / (seconds() - start));
}

static unsigned long count_of(const char *variable)
{
    const char *text = getenv(variable);
    return text ? strtoul(text, NULL, 0) : 1000;
}

void test_cost(void)
{
    const unsigned long calls = count_of("CALLS"), loads = count_of("LOADS");
    Tiny t;
    tiny_create(&t, 0, 1);
    const uint64_t version = tiny_do(&t, 0, (TinyCommand){ TINY_CALL, { SMCCC_VERSION } }, NULL);
    check(version >= 0x10001, "cost: SMCCC version %#lx", (unsigned long)version);
    run(&t, "hypercall", (TinyCommand){ TINY_CALLS, { SMCCC_VERSION, calls } }, calls);
    run(&t, "mmio", (TinyCommand){ TINY_LOADS, { NOWHERE, loads } }, loads);
    check(t.outside[0] == loads, "cost: %lu of %lu loads seen", t.outside[0], loads);
    tiny_destroy(&t);
}
