/*
 * Exclusive, ordered and atomic accesses.
 * Arm ARM, "Synchronization and semaphores", "Load-Acquire, Load-AcquirePC, and Store-Release",
 * "Atomic instructions".
 */
#include "a64-decode.h"
#include "helpers.h"
#include "mmu-fault.h"
#include "trans-mem.h"

static IrVal base_address(A64Trans *t, unsigned rn)
{
    return a64_t_address(t, (A64Base){.rn = rn});
}

uint64_t a64_t_ordered(const A64Trans *t)
{
    return a64_t_has(t, A64_FEAT_LSE2) ? IR_MEM_WITHIN16 : IR_MEM_ALIGN;
}

/*
 * FEAT_LOR: without limited regions of its own (LORC_EL1.EN = 0 covers no address) a LOAcquire is
 * an Acquire of everything, which is allowed to be stronger.
 */
bool a64_trans_ldst_ordered(A64Trans *t, const A64Args_ordered *a)
{
    const A64Transfer x = {a->size, a->sign, a->sign ? a->sf : a->size == 3, a->rt, true};
    const A64Base base = {.rn = a->rn, .offset = a->simm};
    uint64_t mem = IR_MEM_SIZE(a->size) | a64_t_ordered(t) | IR_MEM_NAA | a64_t_iss(&x);
    IrVal address = a64_t_address(t, base);

    if (a->load) {
        mem |= IR_MEM_ORDER(IR_ORDER_ACQUIRE) | (a->sign ? IR_MEM_SIGN : 0);
        a64_t_set_x(t, a->rt, ir_load(t->b, x.sf ? IR_I64 : IR_I32, address, mem));
    } else {
        IrType type = a->size == 3 ? IR_I64 : IR_I32;
        mem |= IR_MEM_ORDER(IR_ORDER_RELEASE);
        ir_store(t->b, type, address, a64_t_x(t, type, a->rt), mem);
    }
    return true;
}

/*
 * FEAT_LRCPC3. A pair of releasing stores is one access where it can be, with the fence of STLR
 * behind it.
 */
bool a64_trans_rcpc3(A64Trans *t, const A64Args_rcpc3 *a)
{
    const IrType type = a->size == 3 ? IR_I64 : IR_I32;
    const int64_t bytes = (int64_t)(1 + a->pair) << a->size;
    const A64Base base = {.rn = a->rn, .offset = a->load ? bytes : -bytes, .wback = a->wback,
                          .post = a->load || !a->wback};
    const uint64_t mem = IR_MEM_SIZE(a->size) | a64_t_ordered(t) | IR_MEM_NAA |
                         (a->pair ? IR_MEM_PAIR : 0);
    if ((a->load && a->pair && a64_unpred_load_pair(a->rt, a->rt2)) ||
        (a->wback && (a64_t_overlaps(a->load, a->rn, a->rt) ||
                      (a->pair && a64_t_overlaps(a->load, a->rn, a->rt2))))) {
        return false;
    }
    const IrVal address = a64_t_address(t, base);
    const IrVal next = ir_bin(t->b, IR_ADD, IR_I64, address,
                              a64_t_const(t, IR_I64, UINT64_C(1) << a->size));

    if (a->load) {
        const IrVal first = ir_load(t->b, type, address, mem);
        const IrVal second = a->pair ? ir_load(t->b, type, next, IR_MEM_SECOND(mem)) : 0;
        a64_t_set_x(t, a->rt, first);
        if (a->pair) {
            a64_t_set_x(t, a->rt2, second);
        }
    } else {
        ir_store(t->b, type, address, a64_t_x(t, type, a->rt), mem);
        if (a->pair) {
            ir_store(t->b, type, next, a64_t_x(t, type, a->rt2), IR_MEM_SECOND(mem));
        }
        ir_emit(t->b, IR_FENCE, IR_I64, 0, 0, 0, IR_FENCE_ALL);
    }
    a64_t_writeback(t, base, address);
    return true;
}

/* Register numbers of a helper that reads or writes registers itself. */
static IrVal pack_regs(A64Trans *t, uint32_t rs, uint32_t rt, uint32_t rt2)
{
    return a64_t_const(t, IR_I64, A64_REGS(rs, rt, rt2));
}

static bool is_undefined(const A64Args_exclusive *a, bool load, bool pair)
{
    if (load) {
        return pair && a64_unpred_load_pair(a->rt, a->rt2);
    }
    return a64_unpred_store_exclusive_data(a->rs, a->rt) ||
           (pair && a64_unpred_store_exclusive_data(a->rs, a->rt2)) ||
           a64_unpred_store_exclusive_base(a->rs, a->rn);
}

static bool exclusive(A64Trans *t, const A64Args_exclusive *a, bool load, bool pair)
{
    if (is_undefined(a, load, pair)) {
        return false;
    }
    IrOrder order = load ? IR_ORDER_ACQUIRE : IR_ORDER_RELEASE;
    uint64_t mem = IR_MEM_SIZE(a->size) | a64_t_ordered(t) | (pair ? IR_MEM_PAIR : 0) |
                   IR_MEM_ORDER(a->ordered ? order : IR_ORDER_NONE);
    IrVal address = base_address(t, a->rn);
    IrVal regs = pack_regs(t, a->rs, a->rt, a->rt2);
    const IrHelper *h = load ? &a64_h_load_exclusive : &a64_h_store_exclusive;

    a64_t_call(t, h, address, a64_t_const(t, IR_I64, mem), regs);
    return true;
}

bool a64_trans_ldxr(A64Trans *t, const A64Args_exclusive *a)
{
    return exclusive(t, a, true, false);
}

bool a64_trans_ldxp(A64Trans *t, const A64Args_exclusive *a)
{
    return exclusive(t, a, true, true);
}

bool a64_trans_stxr(A64Trans *t, const A64Args_exclusive *a)
{
    return exclusive(t, a, false, false);
}

bool a64_trans_stxp(A64Trans *t, const A64Args_exclusive *a)
{
    return exclusive(t, a, false, true);
}

static uint64_t atomic_mem(const A64Trans *t, uint32_t size, uint32_t acq, uint32_t rel)
{
    static const IrOrder orders[2][2] = {{IR_ORDER_NONE, IR_ORDER_RELEASE},
                                         {IR_ORDER_ACQUIRE, IR_ORDER_ACQ_REL}};
    return IR_MEM_SIZE(size) | a64_t_ordered(t) | IR_MEM_ORDER(orders[acq][rel]);
}

bool a64_trans_atomic(A64Trans *t, const A64Args_atomic *a)
{
    static const IrAtomic ops[A64_ATOMIC_OP_COUNT] = {
        [A64_ATOMIC_ADD] = IR_ATOMIC_ADD,   [A64_ATOMIC_CLR] = IR_ATOMIC_CLR,
        [A64_ATOMIC_EOR] = IR_ATOMIC_EOR,   [A64_ATOMIC_SET] = IR_ATOMIC_SET,
        [A64_ATOMIC_SMAX] = IR_ATOMIC_SMAX, [A64_ATOMIC_SMIN] = IR_ATOMIC_SMIN,
        [A64_ATOMIC_UMAX] = IR_ATOMIC_UMAX, [A64_ATOMIC_UMIN] = IR_ATOMIC_UMIN,
        [A64_ATOMIC_SWP] = IR_ATOMIC_SWP,
    };
    IrType type = a->size == 3 ? IR_I64 : IR_I32;
    /* A store form (Rt = 31, not SWP) does not acquire. */
    uint32_t acq = a->acq && (a->rt != 31 || a->op == A64_ATOMIC_SWP);
    uint64_t mem = atomic_mem(t, a->size, acq, a->rel) | IR_MEM_ATOMIC(ops[a->op]);
    IrVal address = base_address(t, a->rn), operand = a64_t_x(t, type, a->rs);
    IrVal unused = a64_t_const(t, type, 0);

    a64_t_set_x(t, a->rt, ir_emit(t->b, IR_ATOMIC, type, address, operand, unused, mem));
    return true;
}

bool a64_trans_cas(A64Trans *t, const A64Args_cas *a)
{
    IrType type = a->size == 3 ? IR_I64 : IR_I32;
    uint64_t mem = atomic_mem(t, a->size, a->acq, a->rel) | IR_MEM_ATOMIC(IR_ATOMIC_CAS);
    IrVal address = base_address(t, a->rn);
    IrVal expected = a64_t_x(t, type, a->rs), desired = a64_t_x(t, type, a->rt);

    a64_t_set_x(t, a->rs, ir_emit(t->b, IR_ATOMIC, type, address, expected, desired, mem));
    return true;
}

/* Registers n (low) and n + 1 of 32 bits as one value. */
static IrVal joined(A64Trans *t, uint32_t n)
{
    IrVal low = a64_t_x(t, IR_I32, n), high = a64_t_x(t, IR_I64, n + 1);
    return ir_emit(t->b, IR_BFI, IR_I64, low, high, 0, IR_FIELD(32, 32));
}

bool a64_trans_casp(A64Trans *t, const A64Args_cas *a)
{
    IrVal address = base_address(t, a->rn);

    if (a->size == 3) {
        uint64_t mem = atomic_mem(t, 3, a->acq, a->rel) | IR_MEM_PAIR;
        IrVal regs = pack_regs(t, a->rs, a->rt, 0);
        a64_t_call(t, &a64_h_casp, address, a64_t_const(t, IR_I64, mem), regs);
        return true;
    }
    uint64_t mem = atomic_mem(t, 3, a->acq, a->rel) | IR_MEM_ATOMIC(IR_ATOMIC_CAS);
    IrVal expected = joined(t, a->rs), desired = joined(t, a->rt);
    IrVal old = ir_emit(t->b, IR_ATOMIC, IR_I64, address, expected, desired, mem);
    a64_t_set_x(t, a->rs, ir_emit(t->b, IR_ZEXT, IR_I64, old, 0, 0, 32));
    a64_t_set_x(t, a->rs + 1, ir_emit(t->b, IR_UBFX, IR_I64, old, 0, 0, IR_FIELD(32, 32)));
    return true;
}

/* FEAT_LSE128 */
bool a64_trans_atomic128(A64Trans *t, const A64Args_atomic128 *a)
{
    static const unsigned ops[A64_ATOMIC128_OP_COUNT] = {
        [A64_ATOMIC128_CLR] = A64_H_ATOMIC128_CLR,
        [A64_ATOMIC128_SET] = A64_H_ATOMIC128_SET,
        [A64_ATOMIC128_SWP] = A64_H_ATOMIC128_SWP,
    };
    if (a64_unpred_atomic128(a->rt, a->rt2)) {
        return false;
    }
    const uint64_t mem = atomic_mem(t, 3, a->acq, a->rel) | IR_MEM_PAIR;
    const IrVal address = base_address(t, a->rn);
    const IrVal regs = pack_regs(t, ops[a->op], a->rt, a->rt2);

    a64_t_call(t, &a64_h_atomic128, address, a64_t_const(t, IR_I64, mem), regs);
    return true;
}

/* Bytes of RCW and RCWS are aligned, whatever FEAT_LSE2 allows others. */
static bool rcw(A64Trans *t, const A64Args_rcw *a, unsigned op)
{
    const uint64_t mem = (atomic_mem(t, 3, a->acq, a->rel) & ~IR_MEM_WITHIN16) | IR_MEM_ALIGN |
                         A64_MEM_RCW;
    const IrVal address = base_address(t, a->rn);
    const IrVal regs = pack_regs(t, a->rs, a->rt, op | (a->soft ? A64_H_RCW_SOFT : 0u));

    a64_t_call(t, &a64_h_rcw, address, a64_t_const(t, IR_I64, mem), regs);
    return true;
}

/* FEAT_THE */
bool a64_trans_rcwcas(A64Trans *t, const A64Args_rcw *a)
{
    return rcw(t, a, A64_H_RCW_CAS);
}

bool a64_trans_rcwclr(A64Trans *t, const A64Args_rcw *a)
{
    return rcw(t, a, A64_H_RCW_CLR);
}

bool a64_trans_rcwset(A64Trans *t, const A64Args_rcw *a)
{
    return rcw(t, a, A64_H_RCW_SET);
}

bool a64_trans_rcwswp(A64Trans *t, const A64Args_rcw *a)
{
    return rcw(t, a, A64_H_RCW_SWP);
}

/* FEAT_LS64 and its like: the trap comes before anything about the address. */
bool a64_trans_ls64(A64Trans *t, const A64Args_ls64 *a)
{
    const unsigned kind = !a->status ? A64_LS64_PLAIN : a->accdata ? A64_LS64_V0 : A64_LS64_V;
    const uint32_t lst = kind == A64_LS64_PLAIN ? 2 : kind == A64_LS64_V ? 1 : 3;
    const uint64_t mem = IR_MEM_SIZE(3) | A64_MEM_LS64(lst, a->status ? a->rs : 0u);

    a64_t_call(t, &a64_h_ls64_enabled, a64_t_const(t, IR_I64, kind), 0, 0);
    const IrVal address = base_address(t, a->rn);
    const IrVal regs = pack_regs(t, a->rs, a->rt, a->load | a->status << 1);
    a64_t_call(t, &a64_h_ls64, address, a64_t_const(t, IR_I64, mem), regs);
    return true;
}
