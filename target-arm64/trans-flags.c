/*
 * Instructions on PSTATE.NZCV alone (FEAT_FlagM, FEAT_FlagM2).
 * Arm ARM, "CFINV", "AXFLAG", "XAFLAG".
 */
#include "a64-decode.h"

typedef struct {
    IrVal n, z, c, v; /* each 0 or 1 */
} Flags;

static IrVal flag(A64Trans *t, IrVal nzcv, unsigned bit)
{
    return ir_emit(t->b, IR_UBFX, IR_I32, nzcv, 0, 0, IR_FIELD(bit, 1));
}

static IrVal flag_op(A64Trans *t, IrOpcode op, IrVal a, IrVal b)
{
    return ir_bin(t->b, op, IR_I32, a, b);
}

static void put_flags(A64Trans *t, const Flags *f)
{
    const IrVal parts[4] = {f->v, f->c, f->z, f->n};
    IrVal nzcv = a64_t_const(t, IR_I32, 0);
    for (unsigned i = 0; i < 4; i++) {
        if (parts[i]) {
            nzcv = ir_emit(t->b, IR_BFI, IR_I32, nzcv, parts[i], 0, IR_FIELD(28 + i, 1));
        }
    }
    a64_t_set_nzcv(t, nzcv);
}

bool a64_trans_cfinv(A64Trans *t, const A64Args_none *a)
{
    IrVal carry = a64_t_const(t, IR_I32, UINT32_C(1) << 29);
    a64_t_set_nzcv(t, flag_op(t, IR_XOR, a64_t_nzcv(t), carry));
    return true;
}

bool a64_trans_axflag(A64Trans *t, const A64Args_none *a)
{
    IrVal nzcv = a64_t_nzcv(t), v = flag(t, nzcv, 28);
    put_flags(t, &(Flags){
                     .z = flag_op(t, IR_OR, flag(t, nzcv, 30), v),
                     .c = flag_op(t, IR_ANDN, flag(t, nzcv, 29), v),
                 });
    return true;
}

bool a64_trans_xaflag(A64Trans *t, const A64Args_none *a)
{
    IrVal nzcv = a64_t_nzcv(t), one = a64_t_const(t, IR_I32, 1);
    IrVal z = flag(t, nzcv, 30), c = flag(t, nzcv, 29);
    IrVal not_c = flag_op(t, IR_XOR, c, one);
    put_flags(t, &(Flags){
                     .n = flag_op(t, IR_ANDN, not_c, z),
                     .z = flag_op(t, IR_AND, z, c),
                     .c = flag_op(t, IR_OR, c, z),
                     .v = flag_op(t, IR_AND, not_c, z),
                 });
    return true;
}
