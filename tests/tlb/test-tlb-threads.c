/*
 * Two vCPUs on two threads: after a broadcast TLBI and DSB the other one never uses the old
 * translation, whether it runs, stands still or is just starting. Arm ARM, "Ordering and completion
 * of TLB maintenance instructions". Usage: test-tlb-threads ROUNDS [PLANT]: with PLANT the build's
 * deliberate mistake must be noticed (and the test ends when it is).
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "armillary/memory.h"
#include "tlb-impl.h"

#define HOST UINT64_C(0x100000000000)
#define PAGE UINT64_C(0x400000)

enum { SKIPPED = 77 }; /* Meson's */

typedef struct {
    EngVcpu eng[2];
    EngTlbGroup *group;
    _Atomic(uint64_t) mapping;   /* the page table: number of the physical page */
    _Atomic(uint64_t) published; /* mappings below this one have been invalidated */
    _Atomic(bool) started, over;
    _Atomic(uint64_t) looks, stale;
    uint64_t rounds;
    bool planted;
    _Alignas(64) _Atomic(uint64_t) noise[8]; /* a cache line both write to: stores behind it wait */
} Test;

static Test test; /* the fakes below have no other way to it */

uint8_t *mem_host(Mem *m, Pa pa, MemKind *kind)
{
    *kind = MEM_RAM;
    return (uint8_t *)(uintptr_t)(HOST + pa.v);
}

static void kick(EngVcpu *cpu, uint32_t attention)
{
    atomic_fetch_or(&cpu->attention, attention);
}

static EngContext context(EngVcpu *cpu, IrView view, EngAccess access)
{
    return (EngContext){ .view = 1 };
}

static bool translate(EngVcpu *cpu, Va va, EngAccess access, uint64_t mem, EngXlat *out)
{
    *out = (EngXlat){ .pa = { atomic_load(&test.mapping) << 12 },
                      .s1_bits = 12,
                      .read = 7,
                      .write = 7,
                      .exec = 7 };
    return true;
}

static const CpuTarget target = {
    .name = "threads", .translate_va = translate, .context = context
};

static uint64_t look(EngVcpu *cpu)
{
    const EngL1Entry *e = &cpu->l1[(PAGE & cpu->l1_mask) >> 12];
    EngTlbHit hit = { 0 };

    if (e->tag_read == PAGE) {
        return (PAGE + e->addend - HOST) >> 12;
    }
    eng_tlb_data(cpu, (Va){ PAGE }, ENG_READ, 3, &hit);
    return hit.pa.v >> 12;
}

static void check(EngVcpu *cpu)
{
    uint64_t floor = atomic_load(&test.published);

    atomic_fetch_add(&test.stale, look(cpu) < floor);
    atomic_fetch_add(&test.looks, 1);
}

/*
 * Stands still for a moment, in some rounds again and again: who posts then must be seen by who
 * starts. The store that says "running" is the last one before the mail is read, and it waits for
 * the one to `noise` before it.
 */
static void pause(EngVcpu *cpu, uint64_t i)
{
    unsigned times = i % 1000 == 0 ? 1 : i % 16 == 0 && i % 4096 < 3072 ? 8 : 0;

    for (unsigned k = 0; k < times; k++) {
        eng_tlb_leave(cpu);
        for (unsigned still = 0; still < (i + k) % 7; still++) {
            atomic_signal_fence(memory_order_seq_cst);
        }
        atomic_store_explicit(&test.noise[0], i, memory_order_relaxed);
        eng_tlb_enter(cpu);
        check(cpu);
    }
}

/* The reader: a run loop in small. */
static void *reader(void *ctx)
{
    EngVcpu *cpu = &test.eng[1];

    eng_tlb_enter(cpu);
    atomic_store(&test.started, true);
    for (uint64_t i = 1; !atomic_load(&test.over); i++) {
        check(cpu);
        if (i % 64 == 0 && (atomic_load(&cpu->attention) & ENG_ATT_MAIL)) {
            atomic_fetch_and(&cpu->attention, ~(uint32_t)ENG_ATT_MAIL);
            eng_tlb_serve(cpu);
        }
        pause(cpu, i);
    }
    eng_tlb_leave(cpu);
    return NULL;
}

static void write_rounds(void)
{
    EngVcpu *cpu = &test.eng[0];
    EngTlbi all = { .kind = ENG_TLBI_VMID_S1 };
    EngTlbi page = { .kind = ENG_TLBI_VA, .base = PAGE, .size = 4096 };

    while (!atomic_load(&test.started)) {
        sched_yield();
    }
    eng_tlb_enter(cpu);
    for (uint64_t n = 1; n <= test.rounds && !(test.planted && atomic_load(&test.stale)); n++) {
        atomic_store(&test.mapping, n);
        for (uint64_t wait = n % 67; wait > 0; wait--) {
            atomic_store_explicit(&test.noise[1], wait, memory_order_relaxed);
        }
        eng_tlbi(cpu, n % 16 ? &page : &all, true);
        eng_dsb(cpu);
        atomic_store(&test.published, n);
        /* the reader must have looked since, whatever the host's scheduler does */
        for (uint64_t looks = atomic_load(&test.looks); atomic_load(&test.looks) < looks + 2;) {
            sched_yield();
        }
    }
    eng_tlb_leave(cpu);
    atomic_store(&test.over, true);
}

/* Each thread on a CPU of its own, else nothing races. False: there is only one. */
static bool spread(pthread_t thread)
{
    cpu_set_t all, one[2];
    unsigned n = 0;

    CPU_ZERO(&one[0]);
    CPU_ZERO(&one[1]);
    if (sched_getaffinity(0, sizeof all, &all)) {
        return false;
    }
    for (int i = 0; i < CPU_SETSIZE && n < 2; i++) {
        if (CPU_ISSET(i, &all)) {
            CPU_SET(i, &one[n++]);
        }
    }
    return n == 2 && !pthread_setaffinity_np(thread, sizeof one[0], &one[0]) &&
           !pthread_setaffinity_np(pthread_self(), sizeof one[1], &one[1]);
}

int main(int argc, char **argv)
{
    EngTlbConfig cfg = { .bank_entries = 16, .l2_entries = 64, .kick = kick };
    uint32_t plant = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 0) : 0;
    pthread_t thread;

    test.rounds = argc > 1 ? strtoull(argv[1], NULL, 0) : 1000;
    test.group = eng_tlb_group_new(&cfg);
    test.group->plant = plant;
    test.planted = plant;
    for (int i = 0; i < 2; i++) {
        test.eng[i].target = &target;
        eng_tlb_init(test.group, &test.eng[i]);
        eng_tlb_switch(&test.eng[i]);
    }
    if (pthread_create(&thread, NULL, reader, NULL)) {
        return 1;
    }
    if (!spread(thread) && plant == TLB_PLANT_FENCE) {
        printf("one CPU: no race to be had\n");
        return SKIPPED;
    }
    write_rounds();
    pthread_join(thread, NULL);
    printf("%ju looks, %ju stale\n", (uintmax_t)atomic_load(&test.looks),
           (uintmax_t)atomic_load(&test.stale));
    for (int i = 0; i < 2; i++) {
        eng_tlb_fini(&test.eng[i]);
    }
    eng_tlb_group_free(test.group);
    return (atomic_load(&test.stale) != 0) == (plant != 0) ? 0 : 1;
}
