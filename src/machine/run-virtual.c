/*
 * Running with the virtual clock: vCPUs take turns on the caller's thread. A turn is a fixed number
 * of instructions, cut short by the next alarm; time is the number of instructions executed by all,
 * and idle time is skipped. What happens depends on nothing else.
 */
#include "machine-impl.h"

enum {
    TURN_INSNS = 10000,
    TURNS_PER_POLL = 64, /* turns between looks at files and signals */
    YIELD_NS = 1000,     /* all vCPUs wait for each other's memory writes: time goes on */
};

int64_t vm_turn_elapsed(void *ctx)
{
    const VmMachine *m = ctx;
    const VmCpu *c = m->running;
    return c ? (int64_t)(eng_insns_now(&c->cpu->eng) - m->turn_start) : 0;
}

/* An alarm was set within the running turn: end the turn there. */
void vm_turn_shorten(void *ctx, int64_t ns)
{
    VmMachine *m = ctx;
    if (!m->running) {
        return;
    }
    eng_shorten_turn(&m->running->cpu->eng, (uint64_t)MAX(ns - ev_now_ns(m->clock), 0));
}

uint64_t vm_turn(VmCpu *c, uint64_t n)
{
    VmMachine *m = c->machine;
    EngVcpu *eng = &c->cpu->eng;
    const int64_t start_ns = ev_now_ns(m->clock);
    m->turn_start = eng->insns;
    m->running = c;
    eng->budget = (int64_t)n;
    const EngRan ran = eng_run(eng);
    const uint64_t executed = eng->insns - m->turn_start;
    m->running = NULL;
    ev_clock_advance(m->clock, start_ns + (int64_t)executed);
    c->asleep = ran == ENG_RAN_HALT;
    if (ran == ENG_RAN_BREAK) {
        vm_break_at(c);
    }
    return executed;
}

static bool can_run(VmCpu *c)
{
    EngVcpu *eng = &c->cpu->eng;
    vm_start_if_pending(c);
    if (vm_firmware_power(&c->machine->firmware, c->index) != VM_POWER_ON) {
        return false;
    }
    if (c->asleep && (atomic_load(&eng->attention) || eng->target->wakes(eng))) {
        c->asleep = false;
    }
    return !c->asleep || eng->excl_size != 0;
}

/* The next vCPU that can run, in turn; NULL when all sleep. */
static VmCpu *pick(VmMachine *m)
{
    for (unsigned i = 0; i < m->config.cpus; i++) {
        VmCpu *c = &m->cpus[(m->next_turn + i) % m->config.cpus];
        if (can_run(c)) {
            m->next_turn = (c->index + 1) % m->config.cpus;
            return c;
        }
    }
    return NULL;
}

static int64_t serve_alarms(VmMachine *m)
{
    mem_lock_devices(m->mem);
    ev_run_due(m->clock);
    const int64_t next = ev_next_alarm(m->clock);
    mem_unlock_devices(m->mem);
    return next;
}

/* Nothing runs: on to the next alarm, or to something from outside. */
static void idle(VmMachine *m, int64_t next)
{
    if (next != INT64_MAX) {
        ev_clock_advance(m->clock, next);
    } else if (vm_loop_listens(&m->loop)) {
        vm_loop_wait(&m->loop, -1);
    } else {
        vm_stop_for(m, VM_STOP_IDLE);
    }
}

/* A vCPU that waits with an armed monitor (WFE) yields; when every one does, time must pass. */
static void note_yield(VmMachine *m, const VmCpu *c, unsigned *yields, int64_t next)
{
    *yields = c->asleep ? *yields + 1 : 0;
    if (*yields > m->config.cpus) {
        *yields = 0;
        ev_clock_advance(m->clock, MIN(next, ev_now_ns(m->clock) + YIELD_NS));
    }
}

void vm_run_virtual(VmMachine *m)
{
    uint64_t total = vm_insns(m);
    unsigned turns = 0, yields = 0;
    for (unsigned i = 0; i < m->config.cpus; i++) {
        m->cpus[i].cpu->eng.counting = true;
    }
    while (atomic_load(&m->stop) == VM_STOP_NONE) {
        if (++turns % TURNS_PER_POLL == 0) {
            vm_loop_wait(&m->loop, 0);
        }
        const int64_t next = serve_alarms(m);
        VmCpu *c = pick(m);
        if (!c) {
            idle(m, next);
            continue;
        }
        uint64_t n = (uint64_t)MIN(MAX(next - ev_now_ns(m->clock), 1), TURN_INSNS);
        if (m->config.max_insns) {
            n = MIN(n, m->config.max_insns - total);
        }
        total += vm_turn(c, n);
        note_yield(m, c, &yields, next);
        if (m->config.max_insns && total >= m->config.max_insns) {
            vm_stop_for(m, VM_STOP_MAX_INSNS);
        }
    }
}
