/*
 * The machine: making, loading, running, resetting.
 */
#include "machine-impl.h"

#include <inttypes.h>
#include <string.h>

#include "../engine/code.h"
#include "../engine/tlb.h"
#include "board.h"
#include "build.h"
#include "pl011.h"
#include "pl061.h"
#include "virtio/console.h"

#define MIB (UINT64_C(1) << 20)
#define KEY_PRESS_NS 100000000

static bool check_config(const VmConfig *c, GError **error)
{
    if (c->cpus < 1 || c->cpus > VM_MAX_CPUS) {
        g_set_error(error, VM_ERROR, VM_ERROR_CONFIG,
                    "%u vCPUs: a machine has 1 to %u", c->cpus, VM_MAX_CPUS);
        return false;
    }
    if (c->memory < 2 * MIB || c->memory > VM_RAM_MAX || c->memory % (2 * MIB) != 0) {
        g_set_error(error, VM_ERROR, VM_ERROR_CONFIG,
                    "%" PRIu64 " bytes of memory: a machine has 2 MiB to %" PRIu64
                    " GiB, a multiple of 2 MiB",
                    c->memory, VM_RAM_MAX >> 30);
        return false;
    }
    if (c->n_drives > VM_MAX_DRIVES) {
        g_set_error(error, VM_ERROR, VM_ERROR_CONFIG, "%u drives: a machine has at most %u",
                    c->n_drives, VM_MAX_DRIVES);
        return false;
    }
    return true;
}

VmMachine *vm_new(const VmConfig *config, GError **error)
{
    if (!check_config(config, error)) {
        return NULL;
    }
    A64Model *model = a64_model_new(config->cpu ? config->cpu : "max", error);
    if (!model) {
        return NULL;
    }
    VmMachine *m = g_new0(VmMachine, 1);
    m->config = *config;
    m->config.cpu = NULL; /* the caller's: not kept beyond vm_new */
    m->model = model;
    m->loop.wake_fd = -1;
    pthread_mutex_init(&m->power_lock, NULL);
    pthread_cond_init(&m->power_changed, NULL);
    base_random_seed(&m->random, config->seed);
    if (!vm_loop_init(&m->loop, error) || !vm_build(m, error)) {
        vm_free(m);
        return NULL;
    }
    m->config.drives = NULL;
    return m;
}

static void free_images(VmMachine *m)
{
    g_free((char *)m->images.kernel);
    g_free((char *)m->images.initrd);
    g_free((char *)m->images.append);
    g_free((char *)m->images.dtb);
    g_free((char *)m->images.firmware);
    m->images = (VmImages){ 0 };
}

void vm_free(VmMachine *m)
{
    if (!m) {
        return;
    }
    vm_dismantle(m);
    vm_loaded_clear(&m->loaded);
    free_images(m);
    g_free(m->inspected);
    vm_loop_fini(&m->loop);
    a64_model_free(m->model);
    pthread_mutex_destroy(&m->power_lock);
    pthread_cond_destroy(&m->power_changed);
    g_free(m);
}

static void seed_plan(VmMachine *m, VmLoadPlan *plan)
{
    for (unsigned i = 0; i < sizeof plan->rng_seed; i += 8) {
        const uint64_t r = base_random_next(&m->random);
        memcpy(plan->rng_seed + i, &r, 8);
    }
    plan->kaslr_seed = base_random_next(&m->random);
}

/* Loads m->images and makes the first vCPU ready to start. */
static bool load_now(VmMachine *m, GError **error)
{
    const VmFdtBoard board = vm_fdt_board(m);
    g_autoptr(GBytes) tree = vm_fdt_build(&board);
    VmLoadPlan plan = { .mem = m->mem, .ram_base = VM_RAM_BASE, .ram_size = m->config.memory,
                        .board_dtb = tree };
    seed_plan(m, &plan);
    vm_loaded_clear(&m->loaded);
    if (!vm_load_images(&plan, &m->images, &m->loaded, error)) {
        return false;
    }
    vm_firmware_cpu_on(&m->firmware, 0, m->loaded.entry.v, m->loaded.dtb_at.v);
    return true;
}

bool vm_load(VmMachine *m, const VmImages *images, GError **error)
{
    const VmImages own = { .kernel = g_strdup(images->kernel),
                           .initrd = g_strdup(images->initrd),
                           .append = g_strdup(images->append),
                           .dtb = g_strdup(images->dtb),
                           .firmware = g_strdup(images->firmware),
                           .tree_only = images->tree_only };
    free_images(m);
    m->images = own;
    vm_firmware_reset(&m->firmware);
    return load_now(m, error);
}

GBytes *vm_dtb(VmMachine *m)
{
    return m->loaded.dtb;
}

bool vm_reset(VmMachine *m, GError **error)
{
    vm_reset_parts(m);
    base_random_seed(&m->random, m->config.seed);
    base_random_seed(&m->firmware.random, base_random_next(&m->random));
    return load_now(m, error);
}

void vm_stop_for(VmMachine *m, VmStop why)
{
    int was = VM_STOP_NONE;
    if (!atomic_compare_exchange_strong(&m->stop, &was, why) && was == VM_STOP_DEBUG) {
        atomic_compare_exchange_strong(&m->stop, &was, why); /* a debugger's stop is no end */
    }
    vm_loop_wake(&m->loop);
}

void vm_stop(VmMachine *m)
{
    vm_stop_for(m, VM_STOP_REQUEST);
}

void vm_start_if_pending(VmCpu *c)
{
    uint64_t entry, context;
    if (vm_firmware_take_start(&c->machine->firmware, c->index, &entry, &context)) {
        eng_tlb_flush(&c->cpu->eng);
        a64_cpu_start(c->cpu, entry, context);
        c->asleep = false;
    }
}

VmStop vm_run(VmMachine *m)
{
    vm_breaks_resume(m);
    if (m->config.virtual_clock) {
        vm_run_virtual(m);
    } else {
        vm_run_host(m);
    }
    return (VmStop)atomic_exchange(&m->stop, VM_STOP_NONE);
}

void vm_set_max_insns(VmMachine *m, uint64_t max_insns)
{
    m->config.max_insns = max_insns;
}

uint64_t vm_step(VmMachine *m, unsigned cpu, uint64_t n)
{
    g_return_val_if_fail(m->config.virtual_clock && cpu < m->config.cpus, 0);
    VmCpu *c = &m->cpus[cpu];
    vm_start_if_pending(c);
    if (vm_firmware_power(&m->firmware, cpu) != VM_POWER_ON) {
        return 0;
    }
    c->cpu->eng.counting = true;
    return vm_turn(c, n);
}

void vm_power_key(VmMachine *m)
{
    mem_lock_devices(m->mem);
    pl061_set_input(m->gpio, PL061_POWER_KEY, true);
    m->key_release_ns = ev_now_ns(m->clock) + KEY_PRESS_NS;
    ev_alarm_set(m->key_release, m->key_release_ns);
    mem_unlock_devices(m->mem);
}

void vm_console_connect(VmMachine *m, const HwCharPort *port)
{
    m->console = *port;
}

size_t vm_console_input(VmMachine *m, const uint8_t *bytes, size_t n)
{
    mem_lock_devices(m->mem);
    size_t taken = 0;
    if (!m->hvc) {
        taken = pl011_receive(m->uart, bytes, n);
    } else if (m->hvc_settled) {
        taken = virtio_console_receive(m->hvc_device, bytes, n);
    }
    mem_unlock_devices(m->mem);
    return taken;
}

void vm_console_break(VmMachine *m)
{
    mem_lock_devices(m->mem);
    pl011_break(m->uart);
    mem_unlock_devices(m->mem);
}

void vm_console_lock(VmMachine *m)
{
    mem_lock_devices(m->mem);
}

void vm_console_unlock(VmMachine *m)
{
    mem_unlock_devices(m->mem);
}

unsigned vm_watch_fd(VmMachine *m, int fd, VmWatchFn fn, void *ctx)
{
    VmLoop *l = &m->loop;
    g_assert(l->n_watches < VM_MAX_WATCHES);
    VmWatch *w = &l->watches[l->n_watches];
    w->fd = fd;
    w->fn = fn;
    w->ctx = ctx;
    return l->n_watches++;
}

void vm_watch_resume(VmMachine *m, unsigned watch)
{
    g_assert(watch < m->loop.n_watches);
    if (!atomic_exchange(&m->loop.watches[watch].armed, true)) {
        vm_loop_wake(&m->loop);
    }
}

EvBus *vm_bus(VmMachine *m)
{
    return m->bus;
}

unsigned vm_cpus(const VmMachine *m)
{
    return m->config.cpus;
}

uint64_t vm_insns(const VmMachine *m)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < m->config.cpus; i++) {
        sum += m->cpus[i].cpu->eng.insns;
    }
    return sum;
}

void vm_stats(const VmMachine *m, VmStats *out)
{
    *out = (VmStats){ .insns = vm_insns(m) };
    for (unsigned i = 0; i < m->config.cpus; i++) {
        const EngTlbStats *t = eng_tlb_stats(&m->cpus[i].cpu->eng);
        const EngBlocksStats *b = eng_blocks_stats(&m->cpus[i].cpu->eng);
        out->blocks += b->translated;
        out->block_insns += b->insns;
        out->blocks_dropped += b->dropped + b->evicted;
        out->tlb_misses += t->l1_misses;
        out->tlb_hits += t->l2_hits;
        out->tlb_walks += t->walks;
        out->tlb_flushes += t->flushes;
        out->context_switches += t->switches;
        out->mails += t->mails;
    }
}

int64_t vm_guest_ns(VmMachine *m)
{
    return ev_now_ns(m->clock);
}
