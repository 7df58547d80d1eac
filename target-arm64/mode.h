/*
 * The translation mode: everything besides the instruction word that may change what a block means.
 * Interned: equal modes have equal ids (EngVcpu.mode). What is not here cannot be baked into a
 * block.
 */
#pragma once

#include "armillary/types.h"
#include "a64-features.h" /* generated from features.tbl: A64Feature, A64_FEAT_<NAME> */

struct A64Cpu;
struct EngVcpu;

/*
 * Effective values of the registers that decide traps; interned by content, one per EL and distinct
 * setting. word[i] holds the bits of register a64_profile_slots[i] that some rule of this EL tests
 * (tables/sysregs.tbl); all other bits are 0.
 */
typedef struct A64Profile A64Profile;

/* Events that need code of their own in a block (A64Mode.trace). */
enum { A64_TRACE_WRITES = 1, A64_TRACE_INSNS = 2, A64_TRACE_TAGS = 4, A64_TRACE_LRS = 8 };

/* Offsets in a page of instructions that may have a breakpoint; bytes that are not used are 0. */
typedef struct {
    uint16_t offset[6];
    uint8_t n;
    bool everywhere;
} A64Breaks;

typedef struct A64Mode {
    uint32_t id;
    uint8_t el;             /* 0..2 */
    uint8_t fp_trap;        /* 0: enabled, else EL that FP/SIMD instructions trap to */
    uint16_t fp_rule;       /* ... and the access rule that says so */
    bool single_step;       /* software step active */
    bool pacm;              /* PSTATE.PACM: the next instruction may take a second modifier */
    bool il;                /* PSTATE.IL: the next instruction takes Illegal State */
    bool counting;          /* blocks count instructions */
    bool events;            /* blocks tell the performance monitors what they do */
    uint8_t trace;          /* event points wanted: A64_TRACE_* */
    uint8_t sp;             /* PSTATE.SP (MSR SPSel and SP_EL0 access rules) */
    bool pac;               /* some pointer authentication key is enabled */
    bool nep;               /* FPCR.NEP: scalar operations keep what is above their lane */
    bool bt;                /* SCTLR_ELx.BT, BT0: PACIxSP is no landing for jumps */
    bool gcs;               /* FEAT_GCS: calls push to and returns pop from a guarded stack */
    bool exlock;            /* PSTATE.EXLOCK, at EL1 and EL2 */
    bool sp_check;          /* SCTLR_ELx.SA or SA0: a misaligned SP faults when it is a base */
    bool breaking;          /* some instruction may have a breakpoint: */
    A64Breaks breaks;
    const A64Profile *profile;
    const struct A64Model *model;
    struct A64Mode *next;   /* this and the next one: mode.c's own */
    uint16_t variant;
} A64Mode;

/* Has an instruction a block of its own? */
static inline bool a64_mode_alone(const A64Mode *mode)
{
    return mode->single_step || mode->pacm;
}

typedef struct A64Modes A64Modes;

A64Modes *a64_modes_new(const struct A64Model *model);
void a64_modes_free(A64Modes *m);
/* Sets the event points (A64_TRACE_*) of all modes; a64_mode_select must follow. */
void a64_modes_trace(A64Modes *m, unsigned points);

/*
 * Sets EngVcpu.mode from PSTATE and, where registers of the profile were written, from those. For
 * exception entry, ERET, ISB and whenever PSTATE.{EL,SP,IL} change. Constant time when nothing of
 * the profile changed.
 */
void a64_mode_select(struct A64Cpu *cpu);
/* Every profile is to be made anew at its next use. */
void a64_mode_forget(struct A64Cpu *cpu);
/* CpuTarget.mode. */
const void *a64_mode_current(struct EngVcpu *eng);

/* Bits that this EL's rules may test of profile word i. p NULL: a profile of zeros (tests). */
uint64_t a64_profile_word(const A64Profile *p, unsigned i);
