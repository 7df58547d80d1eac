/*
 * Out-of-line parts of base instructions.
 */
#pragma once

#include "armillary/ir.h"

/* FEAT_CRC32: (accumulator, data, log2 of the data's bytes) -> CRC. Pure. */
extern const IrHelper a64_h_crc32;
extern const IrHelper a64_h_crc32c;

/* Up to three register numbers in one argument. */
#define A64_REGS(rs, rt, rt2) ((uint64_t)(rs) | (uint64_t)(rt) << 8 | (uint64_t)(rt2) << 16)

/* (VA, IR_MEM_*, A64_REGS): read and write the registers named themselves. */
extern const IrHelper a64_h_load_exclusive;  /* to rt and, IR_MEM_PAIR, rt2 */
extern const IrHelper a64_h_store_exclusive; /* from rt and rt2; status to rs */
extern const IrHelper a64_h_casp;            /* rs:rs+1 compared, rt:rt+1 stored, 64 bits each */
/* rs is A64_H_ATOMIC128_*: memory is changed by rt (low) and rt2, which get what was there */
enum { A64_H_ATOMIC128_CLR, A64_H_ATOMIC128_SET, A64_H_ATOMIC128_SWP };
extern const IrHelper a64_h_atomic128;
/* FEAT_THE: A64_REGS(rs, rt, A64_H_RCW_* | A64_H_RCW_SOFT), and NZCV. CAS compares with rs, which
 * gets what was there, and stores rt; the others store what rs makes of it, and rt gets it. */
enum { A64_H_RCW_CLR, A64_H_RCW_SET, A64_H_RCW_SWP, A64_H_RCW_CAS, A64_H_RCW_SOFT };
extern const IrHelper a64_h_rcw;
/* FEAT_LS64: (A64_LS64_*) takes the trap that is set for it; (VA, IR_MEM_* with A64_MEM_LS64,
 * A64_REGS(rs, rt, load | status << 1)) does it. */
enum { A64_LS64_V, A64_LS64_V0, A64_LS64_PLAIN };
extern const IrHelper a64_h_ls64_enabled;
extern const IrHelper a64_h_ls64;

/* Completes this vCPU's TLB and cache maintenance. */
extern const IrHelper a64_h_dsb;
/* Error synchronization: defers a masked virtual SError. */
extern const IrHelper a64_h_esb;
/* Wait for interrupt or event: traps, sleeps or goes on. */
extern const IrHelper a64_h_wfi;
extern const IrHelper a64_h_wfe;
/* (until, rt): WFIT and WFET wait until CNTVCT_EL0 says so; RAISES */
extern const IrHelper a64_h_wfit;
extern const IrHelper a64_h_wfet;
extern const IrHelper a64_h_sev;
extern const IrHelper a64_h_sevl;

/* Exceptions to take now; the argument is the instruction's immediate. */
extern const IrHelper a64_h_svc;
extern const IrHelper a64_h_hvc;
extern const IrHelper a64_h_smc;
extern const IrHelper a64_h_brk;
/* UNDEFINED, and PSTATE.IL set: no argument is looked at. */
extern const IrHelper a64_h_undefined;
extern const IrHelper a64_h_illegal_state;
/* Pointer authentication: (pointer, modifier, A64_PAC_DO), (two modifiers, A64_PAC2_DO), (value,
 * modifier); PACM, which ends the block unless it is alone there. */
extern const IrHelper a64_h_pac;
extern const IrHelper a64_h_pac2;
extern const IrHelper a64_h_pacm;
extern const IrHelper a64_h_pacga;
/* ERETAA, ERETAB; the argument is A64_PAC_DO. */
extern const IrHelper a64_h_eret_pac;
/* SP is a base and misaligned. */
extern const IrHelper a64_h_sp_align;
/* Software step: before an instruction; after it (VA of the next, nonzero for a Load-Exclusive),
 * always leaves. */
extern const IrHelper a64_h_landing; /* (ENG_LANDING_*): how the next one is branched to */
extern const IrHelper a64_h_step_pending;
extern const IrHelper a64_h_stepped;
/* After an instruction that has a block of its own (VA of the next); always leaves. */
extern const IrHelper a64_h_went_alone;
/* FP/SIMD access trapped. */
extern const IrHelper a64_h_fp_trap;
/* Exception return. */
extern const IrHelper a64_h_eret;

/* FPCR and FPSR, which GET and PUT must not name: their value; sets them to the argument, whose
 * bits are those that exist. */
extern const IrHelper a64_h_get_fpcr;
extern const IrHelper a64_h_get_fpsr;
extern const IrHelper a64_h_set_fpcr;
extern const IrHelper a64_h_set_fpsr;
