/*
 * The engine's part of a machine: its vCPUs, sleep and wake, and what devices write into code.
 */
#include "machine.h"

#include <stdlib.h>

#include "code-map.h"
#include "host-wait.h"

/* A device's writes to translated code, for one vCPU: applied with its mail. */
enum { DMA_RANGES = 32 };

typedef struct {
    Pa pa;
    uint64_t n;
} DmaRange;

typedef struct {
    EngVcpu *cpu;
    uint32_t n;
    bool overflow;
    DmaRange ranges[DMA_RANGES];
} DmaMail;

struct EngDma {
    pthread_mutex_t lock; /* guards mail; rank: after the device lock */
    uint32_t n_cpus;
    DmaMail mail[ENG_MAX_CPUS];
};

static bool holds_code(EngVcpu *cpu, Pa page)
{
    return eng_code_map_lines(cpu->machine->code_map, page) != 0;
}

static void post_dma(EngMachine *m, Pa pa, uint64_t n)
{
    struct EngDma *d = m->dma;
    pthread_mutex_lock(&d->lock);
    for (uint32_t i = 0; i < d->n_cpus; i++) {
        DmaMail *to = &d->mail[i];
        if (!to->cpu)
            continue;
        if (to->n < DMA_RANGES)
            to->ranges[to->n++] = (DmaRange){pa, n};
        else
            to->overflow = true;
        eng_kick(to->cpu, ENG_ATT_MAIL);
    }
    pthread_mutex_unlock(&d->lock);
}

/* MemCodeWriteFn: within the device lock, on any thread. */
static void device_wrote(void *ctx, Pa pa, uint64_t n)
{
    EngMachine *m = ctx;
    for (uint64_t at = pa.v, end = pa.v + n; at < end;) {
        Pa page = {at & ~ARM_PAGE_MASK};
        uint64_t stop = page.v + ARM_PAGE_SIZE, upto = end < stop ? end : stop;
        uint64_t lines = eng_code_lines(at - page.v, upto - at);
        if (eng_code_map_lines(m->code_map, page) & lines) {
            eng_code_map_remove(m->code_map, page, lines);
            post_dma(m, (Pa){at}, upto - at);
        }
        at = upto;
    }
}

void eng_dma_serve(EngVcpu *cpu)
{
    struct EngDma *d = cpu->machine->dma;
    DmaMail *mine = &d->mail[cpu->index];
    pthread_mutex_lock(&d->lock);
    for (uint32_t i = 0; i < mine->n; i++)
        eng_blocks_drop(cpu, mine->ranges[i].pa, mine->ranges[i].n);
    if (mine->overflow)
        eng_blocks_drop(cpu, (Pa){0}, UINT64_MAX);
    mine->n = 0;
    mine->overflow = false;
    pthread_mutex_unlock(&d->lock);
}

EngMachine *eng_machine_new(const EngConfig *config)
{
    EngMachine *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->config = *config;
    m->code_map = eng_code_map_new();
    m->dma = calloc(1, sizeof *m->dma);
    m->tlbs = eng_tlb_group_new(&(EngTlbConfig){
        .mem = config->mem,
        .immediate = config->clock && ev_clock_is_virtual(config->clock),
        .holds_code = holds_code,
        .holds_watch = eng_watch_on_page,
        .drop_code = eng_blocks_drop,
        .kick = eng_kick,
    });
    if (!m->code_map || !m->dma) {
        eng_machine_free(m);
        return NULL;
    }
    pthread_mutex_init(&m->dma->lock, NULL);
    pthread_mutex_init(&m->breaks.lock, NULL);
    mem_on_code_write(config->mem, device_wrote, m);
    return m;
}

void eng_machine_free(EngMachine *m)
{
    if (!m)
        return;
    mem_on_code_write(m->config.mem, NULL, NULL);
    eng_tlb_group_free(m->tlbs);
    eng_code_map_free(m->code_map);
    if (m->dma && m->code_map) {
        pthread_mutex_destroy(&m->dma->lock);
        pthread_mutex_destroy(&m->breaks.lock);
    }
    free(m->dma);
    free(m);
}

bool eng_vcpu_init(EngMachine *m, EngVcpu *cpu, const CpuTarget *target)
{
    const EngBlocksConfig blocks = {
        .max_block_insns = m->config.max_block_insns,
        .arena_bytes = m->config.code_bytes,
    };
    if (m->n_cpus == ENG_MAX_CPUS)
        return false;
    cpu->machine = m;
    cpu->target = target;
    cpu->index = m->n_cpus;
    cpu->zero = 0;
    cpu->context_dirty = true;
    if (!eng_blocks_init(cpu, &blocks))
        return false;
    eng_tlb_init(m->tlbs, cpu);
    m->dma->mail[cpu->index].cpu = cpu;
    m->cpus[cpu->index] = cpu;
    m->dma->n_cpus = ++m->n_cpus;
    return true;
}

void eng_vcpu_fini(EngVcpu *cpu)
{
    cpu->machine->dma->mail[cpu->index].cpu = NULL;
    eng_tlb_fini(cpu);
    eng_blocks_fini(cpu);
}

void eng_kick(EngVcpu *cpu, uint32_t attention)
{
    /* release: what made the caller kick is seen by whoever sees the bit */
    atomic_fetch_or_explicit(&cpu->attention, attention, memory_order_seq_cst);
    if (atomic_load_explicit(&cpu->sleeping, memory_order_seq_cst))
        eng_host_wake(&cpu->attention);
}

void eng_sleep(EngVcpu *cpu, int64_t deadline_ns)
{
    /* pairs with eng_kick: one of the two sees the other's store */
    atomic_store_explicit(&cpu->sleeping, true, memory_order_seq_cst);
    while (atomic_load_explicit(&cpu->attention, memory_order_seq_cst) == 0) {
        int64_t left = INT64_MAX;
        if (deadline_ns != INT64_MAX)
            left = deadline_ns - ev_now_ns(cpu->machine->config.clock);
        if (left <= 0)
            break;
        eng_host_wait(&cpu->attention, 0, left);
    }
    atomic_store_explicit(&cpu->sleeping, false, memory_order_relaxed);
}

void eng_ic_all(EngVcpu *cpu, bool broadcast)
{
    eng_blocks_drop(cpu, (Pa){0}, UINT64_MAX);
    if (broadcast)
        eng_tlb_post_code(cpu, (Pa){0}, UINT64_MAX);
}

void eng_ic_maintain(EngVcpu *cpu, bool broadcast)
{
    /* Between vCPUs a store may come before the message that the line holds code now. */
    if (cpu->machine->n_cpus > 1)
        eng_ic_all(cpu, broadcast);
    else
        eng_blocks_maintain(cpu);
}

void eng_ic_pa(EngVcpu *cpu, Pa pa, uint64_t n)
{
    eng_code_written(cpu, pa, n);
}

void eng_map_changed(EngMachine *m)
{
    eng_tlb_map_changed(m->tlbs);
}
