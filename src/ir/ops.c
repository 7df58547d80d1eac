/*
 * The table of IR opcodes.
 */
#include "ops.h"

#define P IR_F_P
#define S IR_F_S
#define M IR_F_M
#define F IR_F_F
#define T IR_F_T
const IrOpInfo ir_op_table[256] = {
#define IR_OP(name, nargs, result, flags) {#name, nargs, result, flags},
#include "armillary/ir-ops.def"
#undef IR_OP
};

const char *ir_op_name(IrOpcode op)
{
    return (unsigned)op < IR_OP_COUNT ? ir_op_table[op].name : "?";
}

unsigned ir_op_args(IrOpcode op)
{
    return (unsigned)op < IR_OP_COUNT ? ir_op_table[op].args : 0;
}

IrType ir_value_type(const IrOp *op)
{
    switch (op->op) {
    case IR_CALL:
    case IR_PC:
        return IR_I64;
    case IR_EQ:
    case IR_NE:
    case IR_ULT:
    case IR_ULE:
    case IR_SLT:
    case IR_SLE:
    case IR_COND:
    case IR_FLAGS_ADD:
    case IR_FLAGS_SUB:
    case IR_FLAGS_ADC:
    case IR_FLAGS_LOGIC:
        return IR_I32;
    default:
        return op->type == IR_I64 ? IR_I64 : IR_I32;
    }
}
