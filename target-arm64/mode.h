/*
 * The translation mode: everything besides the instruction word that may change what a block means.
 * Interned: equal modes have equal ids (EngVcpu.mode). What is not here cannot be baked into
 * a block.
 */
#pragma once

#include "armillary/types.h"
#include "a64-features.h" /* generated from features.tbl: A64Feature, A64_FEAT_<NAME> */

/*
 * Effective values of the registers that decide traps, as last written; interned by content.
 * One per distinct setting;
 * a bounded table (mode.c). Slots by name; the generator of sysregs.tbl knows which registers
 * belong here (key `profile`).
 */
typedef struct A64Profile A64Profile;

typedef struct A64Mode {
    uint32_t id;
    uint8_t el;             /* 0..2 */
    uint8_t fp_trap;        /* 0: enabled, else EL that FP/SIMD instructions trap to */
    bool single_step;       /* software step active: one instruction a block */
    bool il;                /* PSTATE.IL: the next instruction takes Illegal State */
    bool counting;          /* blocks count instructions */
    uint8_t trace;          /* event points wanted (TRACE_INSN ...) */
    uint8_t sp;             /* PSTATE.SP (MSR SPSel and SP_EL0 access rules) */
    const A64Profile *profile;
    const struct A64Model *model;
} A64Mode;
