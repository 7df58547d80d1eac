/*
 * One A64 vCPU. A64State is what a snapshot holds: plain, no pointers. A64Cpu adds wiring and
 * caches that can be rebuilt.
 * Arm ARM, "The AArch64 System Level Programmers' Model".
 */
#pragma once

#include "armillary/fp.h"
#include "armillary/random.h"
#include "armillary/vcpu.h"
#include "a64-sysregs.h" /* generated from sysregs.tbl: A64_SR_<NAME> slots, A64_SR_COUNT */

typedef union {
    /* d[0] holds bits 63:0; the other views are its lanes (little-endian hosts) */
    _Alignas(16) uint64_t d[2];
    uint8_t u8[16];
    uint16_t u16[8];
    uint32_t u32[4];
    uint64_t u64[2];
    int8_t s8[16];
    int16_t s16[8];
    int32_t s32[4];
    int64_t s64[2];
} A64Vreg;

/* PSTATE, spread out; a64_spsr_pack()/a64_spsr_unpack() convert. Fields that translated code
 * touches are words of their own. */
typedef struct {
    uint32_t nzcv; /* N,Z,C,V in bits 31..28, other bits 0 */
    uint8_t el;    /* 0..2 */
    uint8_t sp;    /* PSTATE.SP: 0 = SP_EL0, 1 = SP_ELx */
    uint8_t daif;  /* D,A,I,F in bits 3..0 */
    /* BTYPE is EngVcpu.landing */
    uint8_t pan, uao, dit, ssbs, tco, ss, il, allint, pm, pacm, exlock;
} A64Pstate;

typedef struct {
    uint64_t x[32];        /* x[31] is the *current* stack pointer */
    A64Pstate pstate;
    union {
        FpEnv fp; /* what the functions of armillary/fp.h are handed */
        struct {
            uint32_t fpcr, fpsr;
        };
    };
    A64Vreg v[32];
    /* banked stack pointers; the current one's copy here is stale (it lives in x[31]) */
    uint64_t sp_el[3];
    uint64_t sr[A64_SR_COUNT]; /* system registers with storage, by slot of sysregs.tbl */
    BaseRandom random;   /* of RNDR; a reset leaves it alone */
    uint64_t event_seen; /* count up to which the event streams have set `event` (timer.c) */
    int64_t event_ns;    /* when they wake the waiting WFE, INT64_MAX when none waits (timer.c) */
    int64_t until_ns;    /* when the waiting WFET or WFIT gives up, INT64_MAX otherwise (timer.c) */
    int64_t trap_ns;     /* when the WFE that waits before its trap takes it, INT64_MAX otherwise */
    uint64_t pmu_cycles, pmu_insns; /* up to which counters are settled (pmu.c) */
    uint64_t pmu_aborted; /* instructions begun that took an exception instead of being executed */
    bool event;            /* event register of WFE/SEV */
    bool waits_for_event;  /* halted by WFE, not WFI */
    bool powered;          /* PSCI: on */
} A64State;

enum { A64_BREAKPOINTS = 6, A64_WATCHPOINTS = 4 };

/* Pages with watched bytes: those of addresses that agree with base in the bits of mask. */
typedef struct {
    uint64_t base, mask;
} A64WatchedPages;

/* Where a pointer of one range has its code. */
typedef struct {
    bool tbi;
    uint64_t field;     /* bits that hold the code, 0: no room */
    uint64_t extension; /* bits that are equal in a pointer without code */
} A64PacPlace;

/* ... of one translation regime, as its TCR has it. */
typedef struct {
    bool known, two_ranges;
    uint64_t tcr;
    bool tagged[2];          /* [data]: bit 55 tells the range, not bit 63 */
    A64PacPlace place[2][2]; /* [data][upper range] */
} A64PacLayout;

typedef struct A64Cpu A64Cpu;
struct A64Cpu {
    EngVcpu eng; /* first */
    A64State st;
    /* Everything below is wiring or a cache: see cpu.h of the rooms that own it. */
    A64Vreg scratch[4];              /* structure loads and stores: elements in memory order */
    const struct A64Model *model;    /* features and ID registers of this --cpu */
    struct A64Modes *modes;          /* interned modes and trap profiles (mode.c) */
    A64PacLayout pac_layouts[2];     /* of EL1&0, of EL2 (pauth.c) */
    uint32_t profile_dirty; /* bit per EL whose profile a register write may have changed */
    A64WatchedPages watched[A64_WATCHPOINTS]; /* (debug-watch.c) */
    unsigned n_watched;
    struct A64GicCpu *gic;           /* CPU interface (gic-cpu.c) */
    struct A64Mmu *mmu;              /* cached effective MMU registers of each regime (mmu.h) */
    struct A64Timers *timers;        /* generic timers (timer.c) */
    struct A64Pmu *pmu;              /* performance monitors (pmu.c), NULL without */
    bool pmu_counts;                 /* some counter counts at some EL */
    /* memory, clock, interrupt controller, firmware, events (include/armillary/port.h) */
    const struct A64Ports *ports;
    uint32_t traced_vmid, traced_asid[3]; /* what the last switch event said (cpu-trace.c) */
    void *port_ctx;
};

/* Byte offsets from the EngVcpu, for GET, PUT and VEC. */
#define A64_OFF(field) ((uint16_t)offsetof(A64Cpu, st.field))
#define A64_OFF_X(n) ((uint16_t)(offsetof(A64Cpu, st.x) + 8u * (n)))
#define A64_OFF_V(n) ((uint16_t)(offsetof(A64Cpu, st.v) + 16u * (n)))
#define A64_OFF_SR(slot) ((uint32_t)(offsetof(A64Cpu, st.sr) + 8u * (slot)))

static inline A64Cpu *a64_cpu(void *cpu)
{
    return cpu;
}
