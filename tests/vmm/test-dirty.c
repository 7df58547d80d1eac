/*
 * Dirty logging: what the bitmap says against the pages the guest wrote, page for page.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "kvmtest.h"
#include "tiny.h"

#define AT 0x80000000ull
enum { PAGES = 2048, WORDS = PAGES / 64, BYTES = PAGES * TINY_PAGE, SLOT = 1 };

typedef struct {
    uint64_t bit[WORDS];
} Map;

typedef struct {
    Tiny *t;
    unsigned cpu;
    Map pages;
} Writer;

static uint64_t draw(uint64_t *state)
{
    *state = *state * 6364136223846793005ull + 1442695040888963407ull;
    return *state >> 33;
}

static void set_bit(Map *m, unsigned page)
{
    m->bit[page / 64] |= 1ull << page % 64;
}

/* About n random pages. */
static Map some_pages(uint64_t *seed, unsigned n)
{
    Map m = { 0 };
    for (unsigned i = 0; i < n; i++) {
        set_bit(&m, (unsigned)draw(seed) % PAGES);
    }
    return m;
}

static void *write_pages(void *arg)
{
    const Writer *w = arg;
    for (unsigned page = 0; page < PAGES; page++) {
        if (w->pages.bit[page / 64] >> page % 64 & 1) {
            tiny_store(w->t, w->cpu, AT + (uint64_t)page * TINY_PAGE + page % 512 * 8, page);
        }
    }
    return NULL;
}

static Map get_log(Tiny *t)
{
    Map m;
    memset(&m, 0xa5, sizeof m);
    const struct kvm_dirty_log log = { .slot = SLOT, .dirty_bitmap = m.bit };
    if (ioctl(t->vm, KVM_GET_DIRTY_LOG, &log) < 0) {
        fail_hard("KVM_GET_DIRTY_LOG");
    }
    return m;
}

static void clear_log(Tiny *t, unsigned first, unsigned n, Map *m)
{
    const struct kvm_clear_dirty_log log = { .slot = SLOT, .first_page = first, .num_pages = n, .dirty_bitmap = &m->bit[first / 64] };
    if (ioctl(t->vm, KVM_CLEAR_DIRTY_LOG, &log) < 0) {
        fail_hard("KVM_CLEAR_DIRTY_LOG");
    }
}

static void compare(const char *what, Map wrote, Map said)
{
    unsigned n = 0, missing = 0, extra = 0;
    for (unsigned i = 0; i < WORDS; i++) {
        n += (unsigned)__builtin_popcountll(wrote.bit[i]);
        missing += (unsigned)__builtin_popcountll(wrote.bit[i] & ~said.bit[i]);
        extra += (unsigned)__builtin_popcountll(said.bit[i] & ~wrote.bit[i]);
    }
    check(missing == 0 && extra == 0, "dirty: %s: %u pages written, %u not in the bitmap, %u in it that were not", what, n, missing, extra);
}

/* Every vCPU writes its own random pages at the same time. Returns what was written. */
static Map write_all(Tiny *t, uint64_t *seed, unsigned n)
{
    Writer w[TINY_MAX_CPUS];
    pthread_t thread[TINY_MAX_CPUS];
    Map all = { 0 };
    for (unsigned cpu = 0; cpu < t->cpus; cpu++) {
        w[cpu] = (Writer){ t, cpu, some_pages(seed, n) };
        for (unsigned i = 0; i < WORDS; i++) {
            all.bit[i] |= w[cpu].pages.bit[i];
        }
        if (pthread_create(&thread[cpu], NULL, write_pages, &w[cpu])) {
            fail_hard("thread");
        }
    }
    for (unsigned cpu = 0; cpu < t->cpus; cpu++) {
        pthread_join(thread[cpu], NULL);
    }
    return all;
}

static void rounds(Tiny *t, uint8_t *memory)
{
    uint64_t seed = 2026;
    const Map none = { 0 };
    tiny_do(t, 0, (TinyCommand){ TINY_STEP, { AT, PAGES, TINY_PAGE, 0 } }, NULL); /* everything mapped, writable */
    tiny_slot(t, SLOT, AT, BYTES, memory, KVM_MEM_LOG_DIRTY_PAGES);
    compare("after switching it on", none, get_log(t));
    for (unsigned i = 0; i < PAGES; i += 7) {
        tiny_load(t, 0, AT + (uint64_t)i * TINY_PAGE);
    }
    memory[5 * TINY_PAGE] = 1; /* by the monitor: not the guest's */
    compare("after the guest's reads", none, get_log(t));
    compare("first round", write_all(t, &seed, 300), get_log(t));
    compare("nothing since", none, get_log(t));
    compare("second round", write_all(t, &seed, 300), get_log(t));
    tiny_slot(t, SLOT, AT, BYTES, memory, 0);
    write_all(t, &seed, 100);
    tiny_slot(t, SLOT, AT, BYTES, memory, KVM_MEM_LOG_DIRTY_PAGES);
    compare("off and on again", none, get_log(t));
    compare("third round", write_all(t, &seed, 500), get_log(t));
}

/* With KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 reading clears nothing; pages are cleared by range. */
static void manual_rounds(Tiny *t, uint8_t *memory)
{
    uint64_t seed = 7;
    const struct kvm_enable_cap cap = { .cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, .args = { KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE } };
    if (ioctl(t->vm, KVM_ENABLE_CAP, &cap) < 0) {
        fail_hard("KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2");
    }
    tiny_do(t, 0, (TinyCommand){ TINY_STEP, { AT, PAGES, TINY_PAGE, 0 } }, NULL);
    tiny_slot(t, SLOT, AT, BYTES, memory, KVM_MEM_LOG_DIRTY_PAGES);
    Map now = write_all(t, &seed, 300), said = get_log(t);
    compare("manual, first round", now, said);
    compare("manual, read again", now, get_log(t));
    clear_log(t, PAGES / 2, PAGES / 2, &said);
    memset(&now.bit[WORDS / 2], 0, sizeof now.bit / 2);
    compare("manual, upper half cleared", now, get_log(t));
    const Map more = write_all(t, &seed, 200);
    for (unsigned i = 0; i < WORDS; i++) {
        now.bit[i] |= more.bit[i];
    }
    compare("manual, second round", now, get_log(t));
}

static void one_vm(unsigned cpus, void (*with)(Tiny *, uint8_t *))
{
    Tiny t;
    uint8_t *memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        fail_hard("memory");
    }
    tiny_create(&t, 0, cpus);
    if (tiny_slot(&t, SLOT, AT, BYTES, memory, 0)) {
        fail_hard("slot");
    }
    with(&t, memory);
    tiny_destroy(&t);
    munmap(memory, BYTES);
}

void test_dirty(void)
{
    one_vm(1, rounds);
    one_vm(1, manual_rounds);
    one_vm(4, rounds);
}
