/*
 * Facts about IR opcodes, from ir-ops.def, for the builder, the passes and the backends.
 */
#pragma once

#include "armillary/ir.h"

enum { IR_F_P = 1, IR_F_S = 2, IR_F_M = 4, IR_F_F = 8, IR_F_T = 16 };

typedef struct {
    const char *name;
    uint8_t args, result, flags;
} IrOpInfo;

extern const IrOpInfo ir_op_table[256]; /* by opcode; zero beyond the last one */

static inline const IrOpInfo *ir_op_info(uint8_t op)
{
    return &ir_op_table[op];
}

/* Type of the value an op defines: flags, conditions and narrow GETs are I32, whatever the op's
 * own type says. */
IrType ir_value_type(const IrOp *op);
