/*
 * Memory slots that come and go while the guest runs: no access may reach memory that was taken away, and none may be lost.
 */
#include <linux/kvm.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kvmtest.h"
#include "tiny.h"

#define AT 0x90000000ull
enum { BYTES = 1 << 20, SLOT = 1, COUNT = 5000000 };

typedef struct {
    Tiny *t;
    unsigned cpu;
    volatile int done;
} Counter;

static uint8_t *memory_of(uint64_t word)
{
    uint64_t *m = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if ((void *)m == MAP_FAILED) {
        fail_hard("memory");
    }
    for (unsigned i = 0; i < BYTES / 8; i++) {
        m[i] = word;
    }
    return (uint8_t *)m;
}

static uint64_t word_at(const uint8_t *memory, unsigned offset)
{
    uint64_t value;
    memcpy(&value, memory + offset, 8);
    return value;
}

static void one_vcpu(void)
{
    Tiny t;
    uint8_t *a = memory_of(0xa), *b = memory_of(0xb);
    tiny_create(&t, 0, 1);
    tiny_slot(&t, SLOT, AT, BYTES, a, 0);
    check(tiny_load(&t, 0, AT + 0x1000) == 0xa, "slots: first memory read");
    tiny_store(&t, 0, AT + 0x2000, 0xaa);
    tiny_slot(&t, SLOT, AT, 0, NULL, 0);
    check(tiny_load(&t, 0, AT + 0x1000) == ~0ull && t.outside[0] == 1, "slots: removed, the read leaves the guest");
    tiny_store(&t, 0, AT + 0x2000, 0xdead);
    check(t.outside[0] == 2 && word_at(a, 0x2000) == 0xaa, "slots: removed, the write leaves the guest and changes nothing");
    tiny_slot(&t, SLOT, AT, BYTES, b, 0);
    check(tiny_load(&t, 0, AT + 0x1000) == 0xb && t.outside[0] == 2, "slots: added again with other memory");
    tiny_store(&t, 0, AT + 0x3000, 0xbb);
    check(word_at(b, 0x3000) == 0xbb && word_at(a, 0x3000) == 0xa, "slots: the write goes to the new memory");
    tiny_slot(&t, SLOT, AT, 0, NULL, 0);
    tiny_slot(&t, SLOT, AT + 0x100000, BYTES, b, 0);
    check(tiny_load(&t, 0, AT + 0x1000) == ~0ull && tiny_load(&t, 0, AT + 0x103000) == 0xbb, "slots: at another address");
    madvise(b, BYTES, MADV_DONTNEED);
    check(tiny_load(&t, 0, AT + 0x103000) == 0, "slots: the monitor gave the memory back, the guest reads zeros");
    tiny_store(&t, 0, AT + 0x103000, 0xcc);
    check(word_at(b, 0x3000) == 0xcc, "slots: and writes the new page");
    tiny_slot(&t, SLOT, AT + 0x100000, 0, NULL, 0);
    tiny_slot(&t, SLOT, AT, BYTES, b, KVM_MEM_READONLY);
    tiny_load(&t, 0, AT + 0x3000);
    const unsigned long before = t.outside[0];
    tiny_store(&t, 0, AT + 0x3000, 0xdead);
    check(t.outside[0] == before + 1 && word_at(b, 0x3000) == 0xcc, "slots: read-only, the write leaves the guest");
    tiny_destroy(&t);
    munmap(a, BYTES);
    munmap(b, BYTES);
}

static void *count(void *arg)
{
    Counter *c = arg;
    tiny_do(c->t, c->cpu, (TinyCommand){ TINY_COUNT, { AT + c->cpu * 0x4000 + 0x40, COUNT } }, NULL);
    c->done = 1;
    return NULL;
}

static int all_done(const Counter *c, unsigned cpus)
{
    for (unsigned cpu = 0; cpu < cpus; cpu++) {
        if (!c[cpu].done) {
            return 0;
        }
    }
    return 1;
}

/* All vCPUs count in memory while the slot goes and comes back; the monitor stands in for the memory when it is away. */
static void while_running(unsigned cpus)
{
    static Tiny t;
    Counter c[TINY_MAX_CPUS];
    pthread_t thread[TINY_MAX_CPUS];
    uint8_t *memory = memory_of(0);
    unsigned changes = 0, right = 0;
    unsigned long outside = 0;
    tiny_create(&t, 0, cpus);
    tiny_slot(&t, SLOT, AT, BYTES, memory, 0);
    t.slot[SLOT].backing = 1;
    for (unsigned cpu = 0; cpu < cpus; cpu++) {
        c[cpu] = (Counter){ &t, cpu, 0 };
        if (pthread_create(&thread[cpu], NULL, count, &c[cpu])) {
            fail_hard("thread");
        }
    }
    for (; !all_done(c, cpus); changes++) {
        if (tiny_slot(&t, SLOT, AT, 0, NULL, 0) || tiny_slot(&t, SLOT, AT, BYTES, memory, 0)) {
            fail_hard("slot");
        }
        usleep(1000);
    }
    for (unsigned cpu = 0; cpu < cpus; cpu++) {
        pthread_join(thread[cpu], NULL);
        right += word_at(memory, cpu * 0x4000 + 0x40) == COUNT;
        outside += t.outside[cpu];
    }
    check(right == cpus && changes > 0, "slots: %u of %u vCPUs counted right, %u changes, %lu accesses in between", right, cpus, changes, outside);
    tiny_destroy(&t);
    munmap(memory, BYTES);
}

void test_slots(void)
{
    one_vcpu();
    while_running(1);
    while_running(4);
}
