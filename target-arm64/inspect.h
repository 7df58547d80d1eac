/*
 * A stopped vCPU seen and changed from outside: debuggers, explainers. Nothing here takes an
 * exception, and looking changes nothing.
 */
#pragma once

#include "armillary/breaks.h"
#include "state.h"
#include "sysreg.h"

/*
 * The register's value as EL2 would read it with nothing trapped. False: the model does not have
 * it, it cannot be read, or reading it would change something.
 */
bool a64_inspect_sysreg(A64Cpu *cpu, const A64SysReg *reg, uint64_t *value);
/* Writes it as MSR at EL2 would, with all its effects. False: it cannot be written. */
bool a64_inspect_set_sysreg(A64Cpu *cpu, const A64SysReg *reg, uint64_t value);

/* PSTATE as SPSR_ELx would hold it. */
uint64_t a64_inspect_pstate(const A64Cpu *cpu);
/* False: a mode that the model does not have; nothing is changed. */
bool a64_inspect_set_pstate(A64Cpu *cpu, uint64_t spsr);

/*
 * Where va leads in the current context, whatever its permissions; the tables keep their access
 * flags. False: nowhere.
 */
bool a64_inspect_va(A64Cpu *cpu, Va va, Pa *pa);
/*
 * Places a breakpoint by virtual address where the current context leads, if its condition holds
 * there and some stage of translation is on.
 */
void a64_inspect_break(A64Cpu *cpu, EngBreak *b);
