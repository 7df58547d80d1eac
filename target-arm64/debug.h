/*
 * Self-hosted debug: when debug exceptions are enabled and where they go, breakpoints and
 * watchpoints. Arm ARM, "AArch64 Self-hosted Debug".
 */
#pragma once

#include "exception.h"
#include "mode.h"
#include "state.h"

/* --- what all debug exceptions share (debug.c) --- */

/* EL that debug exceptions go to. */
unsigned a64_debug_target(const A64Cpu *cpu);
/* The bit that takes debug exceptions from the current EL to EL2, NULL when they go there (or to
 * EL1) anyway. For A64Exception.control. */
const char *a64_debug_control(const A64Cpu *cpu);
/* Are debug exceptions generated from el with PSTATE.D = masked? */
bool a64_debug_enabled(const A64Cpu *cpu, unsigned el, bool masked);
/* Breakpoints and watchpoints: as a64_debug_enabled, and MDSCR_EL1.MDE. */
bool a64_debug_events(const A64Cpu *cpu, unsigned el, bool masked);
/* Does el match the SSC, HMC and PMC (PAC) fields of a control register? Reserved ones: never. */
bool a64_debug_el_match(const A64Cpu *cpu, uint64_t control, unsigned el);
/* Does the context that breakpoint n asks for hold? False: it is none with this linking. */
bool a64_debug_context_match(const A64Cpu *cpu, unsigned n, bool linking);
/* The same for what a linked breakpoint's or watchpoint's LBN names. */
bool a64_debug_link_match(const A64Cpu *cpu, uint64_t control);

/* Bits of an address that are compared: those above only repeat the sign, or are a tag. */
#define A64_DEBUG_VA ((UINT64_C(1) << 53) - 1)

/* --- breakpoints (debug-break.c) --- */

/* Where instructions may have a breakpoint in the state as it is: part of the translation mode.
 * False: nowhere, and *out is not set. */
bool a64_breaks(const A64Cpu *cpu, A64Breaks *out);
/* May the instruction at this offset of a page have one? */
bool a64_breaks_at(const A64Breaks *b, uint32_t offset);
/* Would the instruction at pc take it? */
bool a64_breakpoint_due(const A64Cpu *cpu, uint64_t pc);
/* Before such an instruction: takes the exception if it has. */
extern const IrHelper a64_h_breakpoint;

/* --- watchpoints (debug-watch.c) --- */

/* Tells the engine when other pages are watched than before. */
void a64_watch_select(A64Cpu *cpu);
/* CpuTarget hooks. */
bool a64_watched(EngVcpu *eng, Va va);
bool a64_watchpoint(EngVcpu *eng, Va va, uint64_t n, EngAccess access, uint64_t mem);
/* DC IVAC of n bytes, which counts as a write: true when its exception was taken. */
bool a64_watch_invalidate(A64Cpu *cpu, Va va, uint64_t n);
