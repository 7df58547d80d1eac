/*
 * What an exit costs: hypercalls that KVM answers itself, and loads that go to the monitor, of a guest of a few instructions. Prints
 * rates by the clock of the machine it runs in, for tests/bench/nested.py. $COUNT says how many of each (1000).
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

static double rate(Tiny *t, TinyCommand command, unsigned long count)
{
    const double start = seconds();
    tiny_do(t, 0, command, NULL);
    return (double)count / (seconds() - start);
}

void test_cost(void)
{
    const char *text = getenv("COUNT");
    const unsigned long count = text ? strtoul(text, NULL, 0) : 1000;
    Tiny t;
    tiny_create(&t, 0, 1);
    const uint64_t version = tiny_do(&t, 0, (TinyCommand){ TINY_CALL, { SMCCC_VERSION } }, NULL);
    check(version >= 0x10001, "cost: SMCCC version %#lx", (unsigned long)version);
    if (!text || count) {
        printf("bench hypercall %.0f ops/s\n", rate(&t, (TinyCommand){ TINY_CALLS, { SMCCC_VERSION, count } }, count));
        printf("bench mmio %.0f ops/s\n", rate(&t, (TinyCommand){ TINY_LOADS, { NOWHERE, count } }, count));
        check(t.outside[0] == count, "cost: %lu of %lu loads seen", t.outside[0], count);
    }
    tiny_destroy(&t);
}
