/* See include/armillary/debug.h. */
#include "armillary/debug.h"

#include <string.h>

#include "inspect.h"
#include "machine-impl.h"

void vm_debug_get_core(VmMachine *m, unsigned cpu, VmCoreRegs *out)
{
    A64Cpu *c = m->cpus[cpu].cpu;
    *out = (VmCoreRegs){ .sp = c->st.x[31], .pc = c->eng.pc, .fpsr = c->st.fpsr,
                         .fpcr = c->st.fpcr, .pstate = (uint32_t)a64_inspect_pstate(c) };
    memcpy(out->x, c->st.x, sizeof out->x);
    memcpy(out->v, c->st.v, sizeof out->v);
}

bool vm_debug_set_core(VmMachine *m, unsigned cpu, const VmCoreRegs *in)
{
    A64Cpu *c = m->cpus[cpu].cpu;
    /* a debugger's CPSR has no room for the upper half, which stays */
    const uint64_t now = a64_inspect_pstate(c), wanted = (now & ~(uint64_t)UINT32_MAX) | in->pstate;
    if (in->pc & 3 || (wanted != now && !a64_inspect_set_pstate(c, wanted))) {
        return false;
    }
    memcpy(c->st.x, in->x, sizeof in->x);
    memcpy(c->st.v, in->v, sizeof in->v);
    c->st.x[31] = in->sp;
    c->eng.pc = in->pc;
    c->st.fpsr = in->fpsr;
    c->st.fpcr = in->fpcr;
    return true;
}

/* Made when first asked for: the rows of the table that this model has. */
static void list_sysregs(VmMachine *m)
{
    if (m->inspected) {
        return;
    }
    m->inspected = g_new(uint16_t, a64_n_sysregs);
    for (unsigned row = 0; row < a64_n_sysregs; row++) {
        uint64_t value;
        if (a64_inspect_sysreg(m->cpus[0].cpu, &a64_sysregs[row], &value)) {
            m->inspected[m->n_inspected++] = (uint16_t)row;
        }
    }
}

static const A64SysReg *sysreg(const VmMachine *m, unsigned n)
{
    return &a64_sysregs[m->inspected[n]];
}

unsigned vm_debug_sysregs(VmMachine *m)
{
    list_sysregs(m);
    return m->n_inspected;
}

const char *vm_debug_sysreg_name(const VmMachine *m, unsigned n)
{
    return sysreg(m, n)->name;
}

uint64_t vm_debug_get_sysreg(VmMachine *m, unsigned cpu, unsigned n)
{
    uint64_t value = 0;
    a64_inspect_sysreg(m->cpus[cpu].cpu, sysreg(m, n), &value);
    return value;
}

bool vm_debug_set_sysreg(VmMachine *m, unsigned cpu, unsigned n, uint64_t value)
{
    return a64_inspect_set_sysreg(m->cpus[cpu].cpu, sysreg(m, n), value);
}

/* Bytes from va to the end of its page, at most n. */
static size_t piece(uint64_t va, size_t n)
{
    return MIN(n, ARM_PAGE_SIZE - (va & ARM_PAGE_MASK));
}

size_t vm_debug_read(VmMachine *m, unsigned cpu, uint64_t va, void *to, size_t n)
{
    size_t done = 0;
    Pa pa;
    while (done < n && a64_inspect_va(m->cpus[cpu].cpu, (Va){ va + done }, &pa)) {
        const size_t now = piece(va + done, n - done);
        MemKind kind;
        const uint8_t *host = mem_host(m->mem, pa, &kind);
        if (!host) {
            break;
        }
        memcpy((uint8_t *)to + done, host, now);
        done += now;
    }
    return done;
}

size_t vm_debug_write(VmMachine *m, unsigned cpu, uint64_t va, const void *from, size_t n)
{
    size_t done = 0;
    Pa pa;
    while (done < n && a64_inspect_va(m->cpus[cpu].cpu, (Va){ va + done }, &pa)) {
        const size_t now = piece(va + done, n - done);
        mem_lock_devices(m->mem); /* as a device writes: translated code is dropped */
        const bool ok = mem_copy_to(m->mem, pa, (const uint8_t *)from + done, now);
        mem_unlock_devices(m->mem);
        if (!ok) {
            break;
        }
        done += now;
    }
    return done;
}

bool vm_debug_cpu_on(VmMachine *m, unsigned cpu)
{
    vm_start_if_pending(&m->cpus[cpu]);
    return vm_firmware_power(&m->firmware, cpu) == VM_POWER_ON;
}

bool vm_debug_translate(VmMachine *m, unsigned cpu, uint64_t va, uint64_t *pa)
{
    Pa at;
    const bool ok = a64_inspect_va(m->cpus[cpu].cpu, (Va){ va }, &at);
    *pa = ok ? at.v : 0;
    return ok;
}

uint32_t vm_debug_break_set(VmMachine *m, unsigned cpu, const EngBreak *what)
{
    EngBreak b = *what;
    if ((b.when & ENG_BREAK_VA) && !b.placed) {
        a64_inspect_break(m->cpus[cpu].cpu, &b);
    }
    return eng_break_add(m->engine, &b);
}

bool vm_debug_break_get(const VmMachine *m, unsigned n, EngBreak *out)
{
    return eng_break_get(m->engine, n, out);
}

bool vm_debug_break_clear(VmMachine *m, uint32_t id)
{
    return eng_break_remove(m->engine, id);
}

bool vm_debug_watch_set(VmMachine *m, unsigned cpu, const EngWatch *what, bool placed)
{
    EngWatch w = *what;
    return (placed || a64_inspect_va(m->cpus[cpu].cpu, (Va){ w.va }, &w.pa)) &&
           eng_watch_add(m->engine, &w);
}

bool vm_debug_watch_get(const VmMachine *m, unsigned n, EngWatch *out)
{
    return eng_watch_get(m->engine, n, out);
}

bool vm_debug_watch_clear(VmMachine *m, const EngWatch *what)
{
    return eng_watch_remove(m->engine, what);
}

void vm_debug_breaks_clear(VmMachine *m)
{
    EngWatch w;
    eng_breaks_clear(m->engine);
    while (eng_watch_get(m->engine, 0, &w)) {
        eng_watch_remove(m->engine, &w);
    }
}

void vm_break_at(VmCpu *c)
{
    int none = -1;
    atomic_compare_exchange_strong(&c->machine->break_cpu, &none, (int)c->index);
    vm_stop_for(c->machine, VM_STOP_DEBUG);
}

int vm_debug_break_cpu(const VmMachine *m)
{
    return atomic_load(&m->break_cpu);
}

VmBreakHit vm_debug_break_hit(const VmMachine *m)
{
    const int cpu = vm_debug_break_cpu(m);
    const EngVcpu *eng = cpu < 0 ? NULL : &m->cpus[cpu].cpu->eng;
    return eng ? (VmBreakHit){ eng->brk.owners, eng->brk.id, eng->brk.data } : (VmBreakHit){ 0 };
}

void vm_breaks_resume(VmMachine *m)
{
    const int reported = atomic_exchange(&m->break_cpu, -1);
    for (unsigned i = 0; i < m->config.cpus; i++) {
        eng_break_resume(&m->cpus[i].cpu->eng, (int)i == reported);
    }
}

/* Instructions are counted, by which a turn of one ends. */
static void set_counting(A64Cpu *c, bool counting)
{
    c->eng.counting = counting;
    a64_cpu_changed(c);
}

bool vm_debug_step(VmMachine *m, unsigned cpu)
{
    VmCpu *c = &m->cpus[cpu];
    EngVcpu *eng = &c->cpu->eng;
    vm_breaks_resume(m);
    if (!vm_debug_cpu_on(m, cpu)) {
        return false;
    }
    const bool counting = eng->counting;
    set_counting(c->cpu, true);
    eng->stepping = true;
    if (m->config.virtual_clock) {
        vm_turn(c, 1);
    } else {
        const uint64_t before = eng->insns;
        EngRan ran;
        do { /* someone's call for attention ends a turn before it began */
            eng->budget = 1;
            ran = eng_run(eng);
        } while (ran == ENG_RAN_STOP && eng->insns == before);
        if (ran == ENG_RAN_BREAK) {
            vm_break_at(c);
        }
    }
    eng->stepping = false;
    set_counting(c->cpu, counting);
    return true;
}

void vm_debug_stop(VmMachine *m)
{
    vm_stop_for(m, VM_STOP_DEBUG);
}

VmStop vm_debug_ended(VmMachine *m)
{
    int debug = VM_STOP_DEBUG;
    atomic_compare_exchange_strong(&m->stop, &debug, VM_STOP_NONE);
    return (VmStop)atomic_load(&m->stop);
}

VmStop vm_debug_wait(VmMachine *m)
{
    VmStop why = vm_debug_ended(m);
    if (why == VM_STOP_NONE) {
        vm_loop_wait(&m->loop, -1);
        why = vm_debug_ended(m);
    }
    return why;
}
