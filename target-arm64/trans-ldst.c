/*
 * Loads and stores of general registers: immediate, register and literal offsets, pairs,
 * unprivileged.
 * Arm ARM, "Loads and stores".
 */
#include "a64-decode.h"
#include "helpers.h"
#include "trans-mem.h"

enum { ISS_ISV = 1 << 24, ISS_SAS = 22, ISS_SSE = 21, ISS_SRT = 16, ISS_SF = 15, ISS_AR = 14 };

uint64_t a64_t_iss(const A64Transfer *x)
{
    return IR_MEM_ISS(ISS_ISV | x->size << ISS_SAS | x->sign << ISS_SSE | x->rt << ISS_SRT |
                      x->sf << ISS_SF | (uint32_t)x->ordered << ISS_AR);
}

/* A base register's value. A stack pointer must be aligned (SCTLR_ELx.SA, SA0); once is enough. */
static IrVal base_value(A64Trans *t, uint32_t rn)
{
    IrVal v = a64_t_x_sp(t, IR_I64, rn);
    if (rn == 31 && t->mode->sp_check && !t->sp_aligned) {
        IrVal low = ir_bin(t->b, IR_AND, IR_I64, v, a64_t_const(t, IR_I64, 15));
        ir_emit(t->b, IR_CHECK, IR_I64, low, 0, 0, (uint64_t)(uintptr_t)&a64_h_sp_align);
        t->sp_aligned = true;
    }
    return v;
}

IrVal a64_t_address(A64Trans *t, A64Base base)
{
    IrVal address = base_value(t, base.rn);
    if (base.post || base.offset == 0) {
        return address;
    }
    return ir_bin(t->b, IR_ADD, IR_I64, address, a64_t_const(t, IR_I64, (uint64_t)base.offset));
}

void a64_t_writeback(A64Trans *t, A64Base base, IrVal address)
{
    if (!base.wback) {
        return;
    }
    if (base.post && base.offset != 0) {
        IrVal offset = a64_t_const(t, IR_I64, (uint64_t)base.offset);
        address = ir_bin(t->b, IR_ADD, IR_I64, address, offset);
    }
    a64_t_set_x_sp(t, base.rn, address);
}

IrVal a64_t_address_reg(A64Trans *t, uint32_t rn, A64Extend index)
{
    IrVal base = base_value(t, rn);
    return ir_bin(t->b, IR_ADD, IR_I64, base, a64_t_extended(t, IR_I64, index));
}

/* The access itself; extra is added to size, sign and syndrome. */
static void transfer(A64Trans *t, const A64Transfer *x, bool load, IrVal address, uint64_t extra)
{
    uint64_t mem = IR_MEM_SIZE(x->size) | extra;

    if (!load) {
        IrType type = x->size == 3 ? IR_I64 : IR_I32;
        ir_store(t->b, type, address, a64_t_x(t, type, x->rt), mem);
        return;
    }
    if (x->sign) {
        mem |= IR_MEM_SIGN;
    }
    a64_t_set_x(t, x->rt, ir_load(t->b, x->sf ? IR_I64 : IR_I32, address, mem));
}

/* Width of the register that a load or store names: 64 bits when it is a doubleword. */
static uint32_t sf_of(uint32_t size, uint32_t sign, uint32_t sf)
{
    return sign ? sf : size == 3;
}

bool a64_trans_ldst_imm(A64Trans *t, const A64Args_ldst_imm *a)
{
    const A64Base base = {a->rn, a->simm, a->wback, a->post};
    const A64Transfer x = {a->size, a->sign, sf_of(a->size, a->sign, a->sf), a->rt, false};
    if (a->wback && a64_t_overlaps(a->load, a->rn, a->rt)) {
        return false;
    }
    uint64_t extra = a->wback ? 0 : a64_t_iss(&x);
    IrVal address = a64_t_address(t, base);

    if (a->unpriv) {
        extra |= IR_MEM_VIEW(IR_VIEW_UNPRIV);
    }
    transfer(t, &x, a->load, address, extra);
    a64_t_writeback(t, base, address);
    return true;
}

bool a64_trans_ldst_uimm(A64Trans *t, const A64Args_ldst_uimm *a)
{
    const A64Base base = {a->rn, (int64_t)a->imm << a->size, false, false};
    const A64Transfer x = {a->size, a->sign, sf_of(a->size, a->sign, a->sf), a->rt, false};
    transfer(t, &x, a->load, a64_t_address(t, base), a64_t_iss(&x));
    return true;
}

bool a64_trans_ldst_reg(A64Trans *t, const A64Args_ldst_reg *a)
{
    const A64Extend index = {a->rm, a->option, a->shift ? a->size : 0};
    const A64Transfer x = {a->size, a->sign, sf_of(a->size, a->sign, a->sf), a->rt, false};
    transfer(t, &x, a->load, a64_t_address_reg(t, a->rn, index), a64_t_iss(&x));
    return true;
}

bool a64_trans_ldr_literal(A64Trans *t, const A64Args_ldr_literal *a)
{
    const A64Transfer x = {a->size, a->sign, a->sf, a->rt, false};
    transfer(t, &x, true, a64_t_pc(t, (int64_t)a->simm * 4), a64_t_iss(&x));
    return true;
}

bool a64_trans_prfm(A64Trans *t, const A64Args_prfm *a)
{
    return true;
}

/* Both loads come before both registers: a fault on the second leaves everything as it was. */
static void load_pair(A64Trans *t, const A64Args_ldst_pair *a, const IrVal address[2])
{
    uint64_t mem = IR_MEM_SIZE(a->size) | IR_MEM_PAIR | (a->sign ? IR_MEM_SIGN : 0);
    IrType type = a->sign || a->size == 3 ? IR_I64 : IR_I32;
    IrVal first = ir_load(t->b, type, address[0], mem);
    IrVal second = ir_load(t->b, type, address[1], mem);
    a64_t_set_x(t, a->rt, first);
    a64_t_set_x(t, a->rt2, second);
}

static void store_pair(A64Trans *t, const A64Args_ldst_pair *a, const IrVal address[2])
{
    uint64_t mem = IR_MEM_SIZE(a->size) | IR_MEM_PAIR;
    IrType type = a->size == 3 ? IR_I64 : IR_I32;
    IrVal first = a64_t_x(t, type, a->rt), second = a64_t_x(t, type, a->rt2);
    ir_store(t->b, type, address[0], first, mem);
    ir_store(t->b, type, address[1], second, mem);
}

bool a64_trans_ldst_pair(A64Trans *t, const A64Args_ldst_pair *a)
{
    const A64Base base = {a->rn, (int64_t)a->simm * (1 << a->size), a->wback, a->post};
    if ((a->load && a64_unpred_load_pair(a->rt, a->rt2)) ||
        (a->wback && (a64_t_overlaps(a->load, a->rn, a->rt) ||
                      a64_t_overlaps(a->load, a->rn, a->rt2)))) {
        return false;
    }
    IrVal address[2] = {a64_t_address(t, base), 0};
    IrVal step = a64_t_const(t, IR_I64, UINT64_C(1) << a->size);

    address[1] = ir_bin(t->b, IR_ADD, IR_I64, address[0], step);
    if (a->load) {
        load_pair(t, a, address);
    } else {
        store_pair(t, a, address);
    }
    a64_t_writeback(t, base, address[0]);
    return true;
}
