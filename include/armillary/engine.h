/*
 * The engine's calls for targets and the machine: running, kicking, memory access outside
 * blocks, TLB maintenance.
 */
#pragma once

#include "armillary/breaks.h"
#include "armillary/clock.h"
#include "armillary/memory.h"
#include "armillary/vcpu.h"

typedef struct {
    Mem *mem;
    EvClock *clock;
    uint32_t max_block_insns; /* 1 = one-instruction blocks (tests); 0 = default */
    size_t code_bytes;        /* translated code of one vCPU; 0 = 64 MiB (address space) */
} EngConfig;

EngMachine *eng_machine_new(const EngConfig *config);
void eng_machine_free(EngMachine *m);
/* Prepares the EngVcpu at the start of a (zeroed) guest CPU struct and adds it to the machine;
 * false without memory, or when there are 512 already. */
bool eng_vcpu_init(EngMachine *m, EngVcpu *cpu, const CpuTarget *target);
void eng_vcpu_fini(EngVcpu *cpu);

/* Why eng_run returned. BREAK: a debugger's breakpoint is on the next instruction. */
typedef enum { ENG_RAN_BUDGET, ENG_RAN_HALT, ENG_RAN_STOP, ENG_RAN_BREAK } EngRan;

/*
 * Ends the running turn early, from a helper or device callback on this thread (counting mode): no
 * instruction after the n-th from now is executed.
 */
static inline void eng_shorten_turn(EngVcpu *cpu, uint64_t n)
{
    uint64_t end = cpu->insns + cpu->insn_done + n;
    if (end < cpu->turn_end)
        cpu->turn_end = end;
}

/*
 * Runs the vCPU on this thread until its budget of instructions is used up (counting mode),
 * it halts (WFI/WFE: returns at once, the
 * caller sleeps), or ENG_ATT_STOP or ENG_ATT_WORK is set (it clears them). budget is brought up to
 * date on return. In counting mode interrupts are looked at when a turn begins and after
 * instructions that end a block or touch a device, so that block sizes do not show.
 */
EngRan eng_run(EngVcpu *cpu);

/* Sets attention bits from any thread and wakes the vCPU if it sleeps in eng_sleep. */
void eng_kick(EngVcpu *cpu, uint32_t attention);
/* Sleeps until attention or guest time deadline_ns (host clock; INT64_MAX: none). May return
 * early: the caller asks target->wakes. Outside eng_run. */
void eng_sleep(EngVcpu *cpu, int64_t deadline_ns);

/* Instructions executed, exact also within a raising helper (the current instruction included). */
static inline uint64_t eng_insns_now(const EngVcpu *cpu)
{
    return cpu->insns + cpu->insn_done;
}

/* Data accesses from helpers with full checks: false when an exception was taken. mem =
 * IR_MEM_*; size from it. */
bool eng_load(EngVcpu *cpu, Va va, uint64_t mem, uint64_t *value);
bool eng_store(EngVcpu *cpu, Va va, uint64_t mem, uint64_t value);
/* IR_ATOMIC: mem names operation and size; operands are its b and c; *old is what was there. */
bool eng_atomic(EngVcpu *cpu, Va va, uint64_t mem, const uint64_t operands[2], uint64_t *old);
/* Does the access fault for its address alone, whatever memory is there? */
bool eng_alignment_enforced(const EngVcpu *cpu, Va va, uint64_t mem);
/* Two neighbouring registers of mem's size; in one piece when all is within 16 aligned bytes. */
bool eng_load_pair(EngVcpu *cpu, Va va, uint64_t mem, uint64_t value[2]);
bool eng_store_pair(EngVcpu *cpu, Va va, uint64_t mem, const uint64_t value[2]);
/* Zeroes n bytes at va, which do not cross a page; exceptions report `fault`. mem: as DC ZVA. */
bool eng_zero(EngVcpu *cpu, Va va, unsigned n, Va fault);
/*
 * A step of a copy of n > 0 bytes, forwards from `from` to `to`, or backwards ending there. Returns
 * how many bytes it did, at least one; 0: an exception was taken, or (devices) a retry is wanted.
 */
typedef struct {
    Va to, from;
    uint64_t n;
    bool backwards;
    uint64_t mem_to, mem_from; /* IR_MEM_VIEW */
} EngMove;
uint64_t eng_move(EngVcpu *cpu, const EngMove *m);
/* The same for a fill. */
uint64_t eng_fill(EngVcpu *cpu, Va to, uint64_t n, uint8_t byte, uint64_t mem);
/*
 * 64 aligned bytes from or to RAM, doubleword by doubleword; data NULL: the address is translated
 * and checked only. NOT: no RAM is there, nothing was done; FAULT: the exception has been taken.
 */
typedef enum { ENG_DONE, ENG_DONE_NOT, ENG_DONE_FAULT } EngDone;
EngDone eng_transfer64(EngVcpu *cpu, Va va, EngAccess access, uint64_t mem, uint64_t *data);
/* 16 bytes, single-copy atomic. */
bool eng_cas16(EngVcpu *cpu, Va va, uint64_t mem, uint64_t expected_seen[2],
               const uint64_t desired[2]);
/* Exclusives: load opens the monitor; store sets *failed to 0 or 1. pair = two registers of the
 * element size. */
bool eng_load_exclusive(EngVcpu *cpu, Va va, uint64_t mem, uint64_t value[2]);
bool eng_store_exclusive(EngVcpu *cpu, Va va, uint64_t mem, const uint64_t value[2],
                         uint64_t *failed);
/* Opens the monitor, true, if what it watches has changed since: the event that ends a WFE. */
bool eng_lost_exclusive(EngVcpu *cpu);
static inline void eng_clear_exclusive(EngVcpu *cpu)
{
    cpu->excl_size = 0;
}

/* EngVcpu.landing of an indirect branch from the running block. */
static inline uint8_t eng_landing(const EngVcpu *cpu, unsigned how)
{
    bool guarded = cpu->page_flags & ENG_X_GUARDED;
    return (uint8_t)(how == ENG_LANDING_JUMP && !guarded ? ENG_LANDING_EASY : how);
}

/* The guest context or translation mode may have changed (MSR, exception, ERET): picks bank and
 * mode again at the next block. */
void eng_context_changed(EngVcpu *cpu);

/* Another set of pages is watched from the next block on (CpuTarget.watched); any: it is not
 * empty. */
void eng_watch(EngVcpu *cpu, bool any);

/* TLB invalidation. What a TLBI names; fields not used by its kind are 0. Source: Arm ARM, "TLB
 * maintenance instructions". */
typedef enum {
    ENG_TLBI_ALL, ENG_TLBI_VMID, ENG_TLBI_VMID_S1, ENG_TLBI_ASID, ENG_TLBI_VA, ENG_TLBI_IPA
} EngTlbiKind;
typedef struct {
    EngTlbiKind kind;
    uint32_t regime, vmid, asid;
    bool any_asid;       /* VAA forms */
    uint64_t base, size; /* VA or IPA range in bytes, page-aligned (VA and IPA kinds) */
} EngTlbi;
/* broadcast: to every vCPU of the machine, complete at the issuing vCPU's next DSB (eng_dsb). */
void eng_tlbi(EngVcpu *cpu, const EngTlbi *what, bool broadcast);
void eng_dsb(EngVcpu *cpu);
/* Drops everything cached on this vCPU (its own thread, or stopped): snapshots, interned digests
 * starting anew. */
void eng_tlb_flush(EngVcpu *cpu);
/*
 * Stage-2-only translations of one IPA, so that stage-1 walks do not walk stage 2 again. digest: of
 * the stage-2 registers. EngXlat.read and .write here: bit 0, may be read or written; the other
 * bits are the target's.
 */
bool eng_tlb_stage2(EngVcpu *cpu, uint32_t vmid, uint32_t digest, Ipa ipa, EngXlat *out);
void eng_tlb_stage2_fill(EngVcpu *cpu, uint32_t vmid, uint32_t digest, Ipa ipa, const EngXlat *x);

/* Host pointers have changed (a region came or went). No vCPU runs. */
void eng_map_changed(EngMachine *m);

/*
 * Breakpoints of a debugger: eng_run returns before the instruction at its physical address when
 * the condition holds, whichever vCPU comes there. One that is not placed yet gets its place when a
 * vCPU in its condition first executes anything of the page of va. While no vCPU runs. add returns
 * its id, or 0: there is no room, or no such instruction; remove: false, there is none. get: the
 * n-th, in the order of being set; false: there are not so many.
 */
uint32_t eng_break_add(EngMachine *m, const EngBreak *what);
bool eng_break_remove(EngMachine *m, uint32_t id);
bool eng_break_get(const EngMachine *m, unsigned n, EngBreak *out);
void eng_breaks_clear(EngMachine *m);
/*
 * Watched data: eng_run returns before the instruction that would access them (ENG_RAN_BREAK). A
 * page with some has no fast accesses. While no vCPU runs. False: too many, or across pages (add);
 * there is none with this owner, va and n (remove); there are not so many (get).
 */
bool eng_watch_add(EngMachine *m, const EngWatch *what);
bool eng_watch_remove(EngMachine *m, const EngWatch *what);
bool eng_watch_get(const EngMachine *m, unsigned n, EngWatch *out);
/* Before the machine goes on. over: the breakpoint that this vCPU stands at was reported, and the
 * next execution of its instruction is let through. */
void eng_break_resume(EngVcpu *cpu, bool over);

/* Instruction cache maintenance: drops translations of code at [pa, pa+n) or everything. */
void eng_ic_all(EngVcpu *cpu, bool broadcast);
/*
 * The guest's maintenance of everything (IC IALLU, IALLUIS). Stores have dropped the code they hit,
 * so a machine with one vCPU drops only what lies beyond the code map: a host that runs several
 * vCPUs of a guest in turn does this at every switch.
 */
void eng_ic_maintain(EngVcpu *cpu, bool broadcast);
void eng_ic_pa(EngVcpu *cpu, Pa pa, uint64_t n);
