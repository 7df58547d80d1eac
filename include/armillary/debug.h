/*
 * Looking into a machine that stands still, and steering it: what debuggers are made of. Everything
 * but vm_debug_stop is for the machine's own thread while it does not run.
 */
#pragma once

#include "armillary/breaks.h"
#include "armillary/machine.h"

/* Registers of every AArch64 machine. */
typedef struct {
    uint64_t x[31], sp, pc;
    uint32_t pstate;     /* as SPSR_ELx */
    uint64_t v[32][2];   /* low half first */
    uint32_t fpsr, fpcr;
} VmCoreRegs;

void vm_debug_get_core(VmMachine *m, unsigned cpu, VmCoreRegs *out);
/* False: PSTATE names a mode that is not there, or PC is misaligned; nothing is changed. */
bool vm_debug_set_core(VmMachine *m, unsigned cpu, const VmCoreRegs *in);

/* System registers that this machine has and that can be looked at without changing anything, in
 * the order of their encodings. */
unsigned vm_debug_sysregs(VmMachine *m);
const char *vm_debug_sysreg_name(const VmMachine *m, unsigned n);
uint64_t vm_debug_get_sysreg(VmMachine *m, unsigned cpu, unsigned n);
/* Writes as MSR at EL2 would, with all effects. False: it is read-only. */
bool vm_debug_set_sysreg(VmMachine *m, unsigned cpu, unsigned n, uint64_t value);

/*
 * Memory at virtual address va in the vCPU's current context, whatever its permissions. RAM (for
 * reading also ROM) only: a device might mind. Return the bytes done before something was missing.
 */
size_t vm_debug_read(VmMachine *m, unsigned cpu, uint64_t va, void *to, size_t n);
size_t vm_debug_write(VmMachine *m, unsigned cpu, uint64_t va, const void *from, size_t n);

/* Is the vCPU switched on (PSCI)? One that is off has registers, but nothing runs. */
bool vm_debug_cpu_on(VmMachine *m, unsigned cpu);

/* Where va leads in the vCPU's current context, whatever its permissions. False: nowhere. */
bool vm_debug_translate(VmMachine *m, unsigned cpu, uint64_t va, uint64_t *pa);

/*
 * Breakpoints of every vCPU; the guest sees none of it. One by virtual address without a place gets
 * the one where the address leads in the current context of `cpu`, when its condition holds there;
 * else where it is first executed. set returns its id; 0: misaligned, or too many. get: the n-th;
 * false: there are not so many. clear: false, there is none.
 */
uint32_t vm_debug_break_set(VmMachine *m, unsigned cpu, const EngBreak *what);
bool vm_debug_break_get(const VmMachine *m, unsigned n, EngBreak *out);
bool vm_debug_break_clear(VmMachine *m, uint32_t id);
void vm_debug_breaks_clear(VmMachine *m);
/* Watched data, by virtual address in the current context of `cpu` when `placed` is false, else at
 * what->pa. False: it leads nowhere, is across pages, or they are too many (set); not there. */
bool vm_debug_watch_set(VmMachine *m, unsigned cpu, const EngWatch *what, bool placed);
bool vm_debug_watch_get(const VmMachine *m, unsigned n, EngWatch *out);
bool vm_debug_watch_clear(VmMachine *m, const EngWatch *what);
/* The vCPU that stood at a breakpoint when vm_run last returned VM_STOP_DEBUG, or after a step; -1:
 * none. When the machine goes on, that vCPU goes on over it. */
int vm_debug_break_cpu(const VmMachine *m);
/* What it stood at: the owners of breakpoints and the id of one of them, or (id 0) the owner and
 * address of watched data that the next instruction accesses. */
typedef struct {
    uint8_t owners;
    uint32_t id;
    uint64_t data;
} VmBreakHit;
VmBreakHit vm_debug_break_hit(const VmMachine *m);

/* Runs one instruction of one vCPU, during which no interrupt is taken. False: it is off. Where it
 * would access watched data it is not executed, and vm_debug_break_cpu says so. */
bool vm_debug_step(VmMachine *m, unsigned cpu);
/* What has asked the machine to end since it last ran (a step may power off), or VM_STOP_NONE. */
VmStop vm_debug_ended(VmMachine *m);
/* Makes vm_run return VM_STOP_DEBUG. Any thread. */
void vm_debug_stop(VmMachine *m);
/* While the machine does not run: waits for and serves files that are watched, once. Returns what
 * asked to stop meanwhile, VM_STOP_NONE if nothing did. */
VmStop vm_debug_wait(VmMachine *m);
