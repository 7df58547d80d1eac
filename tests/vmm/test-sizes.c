/*
 * Memory in pages of 4K, 2M and 1G: the guest touches a stretch of it, and the number of its exits says how large the mappings are.
 * Then dirty logging is switched on: the first write to a large mapping is a permission fault at that mapping's level (seen by
 * tests/boot/kvmtest.py in the trace), and what the guest wrote is reported page for page.
 */
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "kvmtest.h"
#include "tiny.h"

#ifndef MAP_HUGE_SHIFT
#define MAP_HUGE_SHIFT 26
#endif
enum { SLOT = 1, COMMAND_EXITS = 6, SLACK = 100 /* interrupts */, TOUCHES = 256, LOGGED = 37 };

typedef struct {
    const char *name;
    uint64_t gpa, bytes;
    int flags;              /* of mmap */
    uint64_t stride;        /* between the guest's accesses */
    unsigned long mappings; /* how many the accesses need */
    unsigned long in_2m;    /* and where 2M is the largest mapping */
} Size;

static const Size sizes[] = {
    { "4K", 0x80000000ull, 8ull << 20, 0, 0x8000, TOUCHES, TOUCHES },
    { "2M", 0xc0000000ull, 8ull << 20, MAP_HUGETLB | 21 << MAP_HUGE_SHIFT, 0x8000, 4, 4 },
    { "1G", 0x140000000ull, 1ull << 30, MAP_HUGETLB | 30 << MAP_HUGE_SHIFT, 4ull << 20, 1, TOUCHES },
};

/* The guest wrote the pages LOGGED apart: is the bitmap just that? */
static void logging(Tiny *t, const Size *s, uint8_t *memory)
{
    static uint64_t bit[(1u << 30) / TINY_PAGE / 64];
    const unsigned pages = (unsigned)(s->bytes / TINY_PAGE);
    unsigned wrong = 0, wrote = 0;
    tiny_slot(t, SLOT, s->gpa, s->bytes, memory, KVM_MEM_LOG_DIRTY_PAGES);
    const struct kvm_dirty_log log = { .slot = SLOT, .dirty_bitmap = bit };
    tiny_store(t, 0, s->gpa + 0x8000, 1); /* the fault whose level the trace shows */
    if (ioctl(t->vm, KVM_GET_DIRTY_LOG, &log) < 0) {
        fail_hard("KVM_GET_DIRTY_LOG");
    }
    const unsigned stride = pages / LOGGED;
    tiny_do(t, 0, (TinyCommand){ TINY_STEP, { s->gpa, LOGGED, (uint64_t)stride * TINY_PAGE, 1000 } }, NULL);
    if (ioctl(t->vm, KVM_GET_DIRTY_LOG, &log) < 0) {
        fail_hard("KVM_GET_DIRTY_LOG");
    }
    for (unsigned page = 0; page < pages; page++) {
        const int expected = page % stride == 0 && page / stride < LOGGED, said = (int)(bit[page / 64] >> page % 64 & 1);
        wrong += expected != said;
        wrote += (unsigned)said;
    }
    check(wrong == 0, "sizes: %s under dirty logging: %u pages in the bitmap, %u wrong", s->name, wrote, wrong);
}

static void one_size(const Size *s, int up_to_2m)
{
    const unsigned long mappings = up_to_2m ? s->in_2m : s->mappings;
    Tiny t;
    uint8_t *memory = mmap((void *)0x4000000000, s->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | s->flags, -1, 0);
    if (memory == MAP_FAILED) {
        check(0, "sizes: no memory of %s pages in the host", s->name);
        return;
    }
    if (!s->flags) {
        madvise(memory, s->bytes, MADV_NOHUGEPAGE);
    }
    tiny_create(&t, 0, 1);
    if (tiny_slot(&t, SLOT, s->gpa, s->bytes, memory, 0)) {
        fail_hard("slot");
    }
    tiny_load(&t, 0, TINY_CODE); /* the agent's own page is there now */
    const uint64_t before = tiny_stat(&t, 0, "exits");
    tiny_do(&t, 0, (TinyCommand){ TINY_STEP, { s->gpa, TOUCHES, s->stride, 1 } }, NULL);
    const uint64_t exits = tiny_stat(&t, 0, "exits") - before;
    check(exits >= mappings + COMMAND_EXITS && exits <= mappings + COMMAND_EXITS + SLACK,
          "sizes: %s pages: %d accesses, %llu exits, %lu mappings expected", s->name, TOUCHES, (unsigned long long)exits, mappings);
    unsigned wrong = 0;
    for (unsigned i = 0; i < TOUCHES; i++) {
        uint64_t value;
        memcpy(&value, memory + i * s->stride, 8);
        wrong += value != i + 1;
    }
    check(wrong == 0, "sizes: %s pages: what the guest wrote is where it belongs", s->name);
    logging(&t, s, memory);
    tiny_destroy(&t);
    munmap(memory, s->bytes);
}

static void every_size(int up_to_2m)
{
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        one_size(&sizes[i], up_to_2m);
    }
}

void test_sizes(void)
{
    every_size(0);
}

void test_sizes_2m(void)
{
    every_size(1);
}
