/*
 * Loads and stores of SIMD&FP registers: one register, pairs, literals. Arm ARM, "Loads and stores"
 * of the A64 instruction set encoding; Mem[], and V[] for what a load clears.
 *
 * A register that was loaded before a later access of the instruction faults keeps the new value:
 * the architecture leaves it UNKNOWN, and executing the instruction again loads it again.
 */
#include "a64-decode.h"
#include "trans-mem.h"
#include "trans-simd.h"
#include "unpredictable.h"

enum { SIZE_Q = 4 };

/* An access of 2^size bytes: a Q register moves as a pair of doublewords, the first of which must
 * be aligned for both. */
static uint64_t mem_of(unsigned size)
{
    return size == SIZE_Q ? IR_MEM_SIZE(3) | IR_MEM_PAIR | IR_MEM_GRAIN(4) : IR_MEM_SIZE(size);
}

static IrVal plus(A64Trans *t, IrVal base, int64_t off)
{
    return off ? ir_bin(t->b, IR_ADD, IR_I64, base, a64_t_const(t, IR_I64, (uint64_t)off)) : base;
}

static void load(A64Trans *t, IrVal addr, unsigned rt, unsigned size, uint64_t more)
{
    const uint64_t mem = mem_of(size) | more;
    const IrVal low = ir_load(t->b, IR_I64, addr, mem);
    if (size == SIZE_Q) {
        const uint64_t second = IR_MEM_SECOND(mem);
        simd_put(t, rt, low, ir_load(t->b, IR_I64, plus(t, addr, 8), second));
    } else {
        simd_put_scalar(t, rt, low);
    }
}

static void store(A64Trans *t, IrVal addr, unsigned rt, unsigned size, uint64_t more)
{
    const IrType type = size < 3 ? (IrType)size : IR_I64;
    const uint64_t mem = mem_of(size) | more;
    ir_store(t->b, IR_I64, addr, ir_get(t->b, type, A64_OFF_V(rt)), mem);
    if (size == SIZE_Q) {
        const IrVal high = ir_get(t->b, IR_I64, A64_OFF_V(rt) + 8u);
        ir_store(t->b, IR_I64, plus(t, addr, 8), high, IR_MEM_SECOND(mem));
    }
}

static void load_or_store(A64Trans *t, bool is_load, IrVal addr, unsigned rt, unsigned size)
{
    if (is_load) {
        load(t, addr, rt, size, 0);
    } else {
        store(t, addr, rt, size, 0);
    }
}

bool a64_trans_vldst_imm(A64Trans *t, const A64Args_vldst_imm *a)
{
    if (a64_t_fp_enabled(t)) {
        const A64Base base = {a->rn, a->simm, a->wback, a->post};
        const IrVal addr = a64_t_address(t, base);
        load_or_store(t, a->load, addr, a->rt, a->size);
        a64_t_writeback(t, base, addr);
    }
    return true;
}

bool a64_trans_vldst_uimm(A64Trans *t, const A64Args_vldst_uimm *a)
{
    if (a64_t_fp_enabled(t)) {
        const A64Base base = {a->rn, (int64_t)a->imm << a->size, false, false};
        load_or_store(t, a->load, a64_t_address(t, base), a->rt, a->size);
    }
    return true;
}

bool a64_trans_vldst_reg(A64Trans *t, const A64Args_vldst_reg *a)
{
    if (a64_t_fp_enabled(t)) {
        const A64Extend index = {a->rm, a->option, a->shift ? a->size : 0};
        load_or_store(t, a->load, a64_t_address_reg(t, a->rn, index), a->rt, a->size);
    }
    return true;
}

bool a64_trans_vldr_literal(A64Trans *t, const A64Args_vldr_literal *a)
{
    if (a64_t_fp_enabled(t)) {
        load(t, a64_t_pc(t, (int64_t)a->simm * 4), a->rt, a->size, 0);
    }
    return true;
}

static void load_pair(A64Trans *t, const A64Args_vldst_pair *a, IrVal addr, IrVal next)
{
    if (a->size == SIZE_Q) { /* two pairs */
        load(t, addr, a->rt, SIZE_Q, 0);
        load(t, next, a->rt2, SIZE_Q, 0);
    } else {
        const IrVal first = ir_load(t->b, IR_I64, addr, mem_of(a->size) | IR_MEM_PAIR);
        const IrVal second = ir_load(t->b, IR_I64, next, mem_of(a->size) | IR_MEM_PAIR);
        simd_put_scalar(t, a->rt, first);
        simd_put_scalar(t, a->rt2, second);
    }
}

bool a64_trans_vldst_pair(A64Trans *t, const A64Args_vldst_pair *a)
{
    if (!a64_t_fp_enabled(t)) {
        return true;
    }
    if (a->load && a64_unpred_load_pair(a->rt, a->rt2)) {
        return false;
    }
    const A64Base base = {a->rn, (int64_t)a->simm * (1 << a->size), a->wback, a->post};
    const IrVal addr = a64_t_address(t, base), next = plus(t, addr, 1 << a->size);
    if (a->load) {
        load_pair(t, a, addr, next);
    } else {
        store(t, addr, a->rt, a->size, IR_MEM_PAIR);
        store(t, next, a->rt2, a->size, IR_MEM_PAIR);
    }
    a64_t_writeback(t, base, addr);
    return true;
}

/* FEAT_LRCPC3: acquiring loads and releasing stores. */
bool a64_trans_vldst_ordered(A64Trans *t, const A64Args_vldst_ordered *a)
{
    if (!a64_t_fp_enabled(t)) {
        return true;
    }
    const IrVal addr = a64_t_address(t, (A64Base){a->rn, a->simm, false, false});
    const uint64_t more = a64_t_ordered(t) | IR_MEM_NAA;
    if (a->load) {
        load(t, addr, a->rt, a->size, more);
    } else {
        store(t, addr, a->rt, a->size, more);
        ir_emit(t->b, IR_FENCE, IR_I64, 0, 0, 0, IR_FENCE_ALL);
    }
    return true;
}

bool a64_trans_vldst_lane_ordered(A64Trans *t, const A64Args_vldst_lane_ordered *a)
{
    if (!a64_t_fp_enabled(t)) {
        return true;
    }
    const IrVal addr = a64_t_address(t, (A64Base){.rn = a->rn});
    const uint64_t mem = IR_MEM_SIZE(3) | a64_t_ordered(t) | IR_MEM_NAA;
    const uint64_t lane = A64_OFF_V(a->rt) + 8u * a->q;
    if (a->load) {
        ir_put(t->b, IR_I64, lane, ir_load(t->b, IR_I64, addr, mem));
    } else {
        ir_store(t->b, IR_I64, addr, ir_get(t->b, IR_I64, lane), mem);
        ir_emit(t->b, IR_FENCE, IR_I64, 0, 0, 0, IR_FENCE_ALL);
    }
    return true;
}
