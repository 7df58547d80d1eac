/*
 * Loads and stores of structures: several registers, with their elements interleaved in memory (LD2
 * to LD4), one lane of each, or one element repeated. Arm ARM, "Advanced SIMD load/store multiple
 * structures", "... single structure".
 *
 * Whole structures move as doublewords through a scratch area of the vCPU, where a call puts
 * elements in order; the alignment that SCTLR_ELx.A asks for is still that of an element. When a
 * later access faults, what has been loaded stays: see trans-simd-ldst.c.
 */
#include <string.h>

#include "a64-decode.h"
#include "trans-mem.h"
#include "vec.h"

/* Register i of a list wraps from V31 to V0. */
static unsigned reg_of(unsigned rt, unsigned i)
{
    return (rt + i) % 32;
}

static uint64_t scratch_offset(unsigned doubleword)
{
    return offsetof(A64Cpu, scratch) + 8u * doubleword;
}

static IrVal plus(A64Trans *t, IrVal base, uint64_t off)
{
    return off ? ir_bin(t->b, IR_ADD, IR_I64, base, a64_t_const(t, IR_I64, off)) : base;
}

/* Post-index: by rm, or by the bytes transferred when rm is 31. */
static void write_back(A64Trans *t, unsigned rn, unsigned rm, IrVal base, uint64_t bytes)
{
    const IrVal step = rm == 31 ? a64_t_const(t, IR_I64, bytes) : a64_t_x(t, IR_I64, rm);
    a64_t_set_x_sp(t, rn, ir_bin(t->b, IR_ADD, IR_I64, base, step));
}

/*
 * Descriptor of a whole structure: first register, number of registers, log2 of the element, bytes
 * of a register.
 */
enum { STRUCT_RT = 0, STRUCT_SELEM = 8, STRUCT_SIZE = 16, STRUCT_BYTES = 24 };

/* Memory order in the scratch area <-> lanes of the registers. */
static void reorder(A64Cpu *cpu, uint64_t how, bool to_regs)
{
    const unsigned rt = how >> STRUCT_RT & 31, selem = how >> STRUCT_SELEM & 7;
    const unsigned step = 1u << (how >> STRUCT_SIZE & 3), bytes = how >> STRUCT_BYTES & 31;
    uint8_t *memory = cpu->scratch[0].u8;
    for (unsigned lane = 0; lane < bytes; lane += step) {
        for (unsigned i = 0; i < selem; i++, memory += step) {
            uint8_t *const reg = cpu->st.v[reg_of(rt, i)].u8 + lane;
            memcpy(to_regs ? reg : memory, to_regs ? memory : reg, step);
        }
    }
    for (unsigned i = 0; i < selem && to_regs && bytes == 8; i++) {
        cpu->st.v[reg_of(rt, i)].d[1] = 0;
    }
}

static uint64_t from_memory(void *cpu, uint64_t how, uint64_t unused, uint64_t unused2)
{
    reorder(a64_cpu(cpu), how, true);
    return 0;
}

static uint64_t to_memory(void *cpu, uint64_t how, uint64_t unused, uint64_t unused2)
{
    reorder(a64_cpu(cpu), how, false);
    return 0;
}

static const IrHelper unpack = {"unpack-structs", from_memory, 1, IR_H_READS | IR_H_WRITES};
static const IrHelper pack = {"pack-structs", to_memory, 1, IR_H_READS | IR_H_WRITES};

static void call_reorder(A64Trans *t, const IrHelper *helper, const A64Args_vldst_multi *a)
{
    const uint64_t how = (uint64_t)a->rt << STRUCT_RT | (uint64_t)a->selem << STRUCT_SELEM |
                         (uint64_t)a->size << STRUCT_SIZE | UINT64_C(8) << a->q << STRUCT_BYTES;
    a64_t_call(t, helper, a64_t_const(t, IR_I64, how), 0, 0);
}

/*
 * Doubleword k of what memory holds: in the scratch area, or in the registers themselves when
 * nothing interleaves.
 */
static uint64_t doubleword_offset(const A64Args_vldst_multi *a, unsigned k)
{
    if (a->selem > 1) {
        return scratch_offset(k);
    }
    return (uint64_t)A64_OFF_V(reg_of(a->rt, k >> a->q)) + (a->q ? 8u * (k & 1) : 0);
}

/* Doublewords are loaded and put away in pairs. */
static void load_multi(A64Trans *t, const A64Args_vldst_multi *a, IrVal base, unsigned count)
{
    const uint64_t mem = IR_MEM_SIZE(3) | IR_MEM_GRAIN(a->size) | IR_MEM_PAIR;
    const unsigned step = a->q ? 2 : 1;
    for (unsigned k = 0; k < count; k += step) {
        IrVal v[2] = {ir_load(t->b, IR_I64, plus(t, base, 8u * k), mem), 0};
        if (a->q) {
            v[1] = ir_load(t->b, IR_I64, plus(t, base, 8u * k + 8), mem);
        } else if (a->selem == 1) {
            v[1] = a64_t_const(t, IR_I64, 0);
        }
        for (unsigned i = 0; i < 2 && v[i]; i++) {
            ir_put(t->b, IR_I64, doubleword_offset(a, k) + 8u * i, v[i]);
        }
    }
    if (a->selem > 1) {
        call_reorder(t, &unpack, a);
    }
}

static void store_multi(A64Trans *t, const A64Args_vldst_multi *a, IrVal base, unsigned count)
{
    const uint64_t mem = IR_MEM_SIZE(3) | IR_MEM_GRAIN(a->size) | IR_MEM_PAIR;
    if (a->selem > 1) {
        call_reorder(t, &pack, a);
    }
    for (unsigned k = 0; k < count; k++) {
        const IrVal v = ir_get(t->b, IR_I64, doubleword_offset(a, k));
        ir_store(t->b, IR_I64, plus(t, base, 8u * k), v, mem);
    }
}

bool a64_trans_vldst_multi(A64Trans *t, const A64Args_vldst_multi *a)
{
    if (a64_t_fp_enabled(t)) {
        const IrVal base = a64_t_address(t, (A64Base){.rn = a->rn});
        const unsigned count = a->regs << a->q;
        if (a->load) {
            load_multi(t, a, base, count);
        } else {
            store_multi(t, a, base, count);
        }
        if (a->post) {
            write_back(t, a->rn, a->rm, base, 8u * count);
        }
    }
    return true;
}

bool a64_trans_vldst_single(A64Trans *t, const A64Args_vldst_single *a)
{
    if (!a64_t_fp_enabled(t)) {
        return true;
    }
    const IrVal base = a64_t_address(t, (A64Base){.rn = a->rn});
    const uint64_t lane = (uint64_t)a->index << a->size;
    IrVal v[4] = {0};
    for (unsigned i = 0; i < a->selem; i++) {
        const IrVal addr = plus(t, base, (uint64_t)i << a->size);
        if (a->load) {
            v[i] = ir_load(t->b, IR_I64, addr, IR_MEM_SIZE(a->size));
        } else {
            v[i] = ir_get(t->b, (IrType)a->size, A64_OFF_V(reg_of(a->rt, i)) + lane);
            ir_store(t->b, IR_I64, addr, v[i], IR_MEM_SIZE(a->size));
        }
    }
    for (unsigned i = 0; i < a->selem && a->load; i++) {
        ir_put(t->b, (IrType)a->size, A64_OFF_V(reg_of(a->rt, i)) + lane, v[i]);
    }
    if (a->post) {
        write_back(t, a->rn, a->rm, base, (uint64_t)a->selem << a->size);
    }
    return true;
}

bool a64_trans_vldst_rep(A64Trans *t, const A64Args_vldst_rep *a)
{
    static const uint64_t ones[] = {0x0101010101010101, 0x0001000100010001, 0x0000000100000001, 1};
    if (!a64_t_fp_enabled(t)) {
        return true;
    }
    const IrVal base = a64_t_address(t, (A64Base){.rn = a->rn});
    const IrVal times = a64_t_const(t, IR_I64, ones[a->size]), zero = a64_t_const(t, IR_I64, 0);
    IrVal v[4] = {0};
    for (unsigned i = 0; i < a->selem; i++) {
        const IrVal addr = plus(t, base, (uint64_t)i << a->size);
        v[i] = ir_load(t->b, IR_I64, addr, IR_MEM_SIZE(a->size));
    }
    for (unsigned i = 0; i < a->selem; i++) {
        const IrVal all = ir_bin(t->b, IR_MUL, IR_I64, v[i], times);
        ir_put(t->b, IR_I64, A64_OFF_V(reg_of(a->rt, i)), all);
        ir_put(t->b, IR_I64, A64_OFF_V(reg_of(a->rt, i)) + 8u, a->q ? all : zero);
    }
    if (a->post) {
        write_back(t, a->rn, a->rm, base, (uint64_t)a->selem << a->size);
    }
    return true;
}
