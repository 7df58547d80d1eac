/*
 * Running with the host clock: a thread per vCPU; the caller's thread serves alarms and files.
 */
#include "machine-impl.h"

#include <signal.h>

enum {
    SLICE_INSNS = 1000000, /* between looks at max_insns */
    WATCH_NS = 20000,      /* WFE with an armed monitor */
};

/* Waits until the vCPU is on; false when the machine stops. */
static bool wait_for_power(VmCpu *c)
{
    VmMachine *m = c->machine;
    vm_start_if_pending(c);
    if (vm_firmware_power(&m->firmware, c->index) == VM_POWER_ON) {
        return atomic_load(&m->stop) == VM_STOP_NONE;
    }
    pthread_mutex_lock(&m->power_lock);
    while (atomic_load(&m->stop) == VM_STOP_NONE &&
           vm_firmware_power(&m->firmware, c->index) == VM_POWER_OFF) {
        pthread_cond_wait(&m->power_changed, &m->power_lock);
    }
    pthread_mutex_unlock(&m->power_lock);
    vm_start_if_pending(c);
    return atomic_load(&m->stop) == VM_STOP_NONE;
}

/* max_insns is watched per slice: the machine stops within a slice of the limit. */
static void account(VmCpu *c, uint64_t executed)
{
    VmMachine *m = c->machine;
    const uint64_t total = atomic_fetch_add(&m->host_insns, executed) + executed;
    if (total >= m->config.max_insns) {
        vm_stop_for(m, VM_STOP_MAX_INSNS);
    }
}

static void run_slice(VmCpu *c)
{
    EngVcpu *eng = &c->cpu->eng;
    const uint64_t before = eng->insns;
    const bool limited = c->machine->config.max_insns != 0;
    if (limited) {
        eng->budget = (int64_t)MIN(SLICE_INSNS, c->machine->config.max_insns);
    }
    const EngRan ran = eng_run(eng);
    if (limited) {
        account(c, eng->insns - before);
    }
    if (ran == ENG_RAN_BREAK) {
        vm_break_at(c);
    }
    if (ran == ENG_RAN_HALT) {
        /* Timers are alarms: they kick. A WFE that watches memory looks again soon. */
        const int64_t soon = ev_now_ns(c->machine->clock) + WATCH_NS;
        eng_sleep(eng, eng->excl_size ? soon : INT64_MAX);
    }
}

static void *vcpu_thread(void *arg)
{
    VmCpu *c = arg;
    while (wait_for_power(c)) {
        run_slice(c);
    }
    return NULL;
}

static void on_sooner(void *ctx, int64_t ns)
{
    vm_loop_wake(&((VmMachine *)ctx)->loop);
}

static void main_loop(VmMachine *m)
{
    while (atomic_load(&m->stop) == VM_STOP_NONE) {
        mem_lock_devices(m->mem);
        ev_run_due(m->clock);
        const int64_t next = ev_next_alarm(m->clock);
        mem_unlock_devices(m->mem);
        const int64_t left = next - ev_now_ns(m->clock); /* once: time does not stand still */
        const int64_t wait = next == INT64_MAX ? -1 : MAX(left, 0);
        vm_loop_wait(&m->loop, wait);
    }
}

/* Signals are the main thread's. */
static void start_threads(VmMachine *m)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (unsigned i = 0; i < m->config.cpus; i++) {
        const int err = pthread_create(&m->cpus[i].thread, NULL, vcpu_thread, &m->cpus[i]);
        if (err) {
            g_error("cannot start the thread of vCPU %u: %s", i, g_strerror(err));
        }
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void vm_run_host(VmMachine *m)
{
    ev_clock_on_sooner(m->clock, on_sooner, m);
    for (unsigned i = 0; i < m->config.cpus; i++) {
        m->cpus[i].cpu->eng.counting = m->config.max_insns != 0;
    }
    start_threads(m);
    main_loop(m);
    for (unsigned i = 0; i < m->config.cpus; i++) {
        eng_kick(&m->cpus[i].cpu->eng, ENG_ATT_STOP);
    }
    pthread_mutex_lock(&m->power_lock);
    pthread_cond_broadcast(&m->power_changed);
    pthread_mutex_unlock(&m->power_lock);
    for (unsigned i = 0; i < m->config.cpus; i++) {
        pthread_join(m->cpus[i].thread, NULL);
    }
    ev_clock_on_sooner(m->clock, NULL, NULL);
}
