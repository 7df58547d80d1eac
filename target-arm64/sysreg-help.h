/*
 * Out-of-line parts of system-register accesses and system instructions.
 */
#pragma once

#include "armillary/ir.h"
#include "sysreg.h"

extern const IrHelper a64_h_sr_read;      /* (row) -> value, by the row's hook */
extern const IrHelper a64_h_sr_write;     /* (row, value), by the row's hook */
extern const IrHelper a64_h_sr_read_timed;  /* the same where guest time matters */
extern const IrHelper a64_h_sr_write_timed;
extern const IrHelper a64_h_sr_written;   /* (row): effects on translation and interrupts */
extern const IrHelper a64_h_trace_write;  /* (row, value): the event */
extern const IrHelper a64_h_trace_lr;     /* (row, value): the event */
extern const IrHelper a64_h_trace_tags;   /* the events of a new VMID or ASID */
extern const IrHelper a64_h_trace_insn;   /* (word): the event of the instruction to come */
extern const IrHelper a64_h_set_spsel;    /* (value): PSTATE.SP, banking SP */
extern const IrHelper a64_h_view_changed; /* PSTATE.PAN or UAO was written */
extern const IrHelper a64_h_unmasked;     /* some mask was written: look at interrupts */
extern const IrHelper a64_h_daif_changed; /* the same, and PSTATE.D may have changed */

/* What carries out the instructions of a row: (key, Xt). NULL: nothing to do. */
const IrHelper *a64_sys_helper(A64SysCall call);
