/*
 * Scalar floating point. Arm ARM, "Data processing -- scalar floating-point" of the A64 instruction
 * set encoding. The helpers are those of vec-fp.h; NZCV and general registers are reached through
 * values.
 */
#include "a64-decode.h"
#include "trans-simd.h"
#include "vec-fp.h"

/* The low lane of register n, of 2^size bytes. */
static IrVal get_lane(A64Trans *t, unsigned n, unsigned size)
{
    return ir_get(t->b, (IrType)size, A64_OFF_V(n));
}

bool a64_trans_fp1(A64Trans *t, const A64Args_fp1 *a)
{
    if (a->op != A64_FP1_FMOV) {
        const unsigned regs[3] = {a->rd, a->rn, a->rn};
        return a64_t_vec_scalar(t, a64_fp_one[a->op][a->size], regs, 0,
                                (SimdKeep){a->rd, a->size});
    }
    if (a64_t_fp_enabled(t)) {
        simd_put_scalar(t, a->rd, get_lane(t, a->rn, a->size));
    }
    return true;
}

bool a64_trans_fcvt(A64Trans *t, const A64Args_fcvt *a)
{
    return a64_t_vec_scalar(t, a64_fp_fcvt[a->from][a->to],
                            (const unsigned[3]){a->rd, a->rn, a->rn}, 0,
                            (SimdKeep){a->rd, a->to});
}

bool a64_trans_fp2(A64Trans *t, const A64Args_fp2 *a)
{
    return a64_t_vec_scalar(t, a64_fp_two[a->op][a->size],
                            (const unsigned[3]){a->rd, a->rn, a->rm}, 0,
                            (SimdKeep){a->rn, a->size});
}

bool a64_trans_bfcvt(A64Trans *t, const A64Args_fcvt *a)
{
    return a64_t_vec_scalar(t, a64_fp_bfcvt, (const unsigned[3]){a->rd, a->rn, a->rn}, 0,
                            (SimdKeep){a->rd, 1});
}

bool a64_trans_fp3(A64Trans *t, const A64Args_fp3 *a)
{
    return a64_t_vec_scalar(t, a64_fp_three[a->neg_product][a->neg_addend][a->size],
                            (const unsigned[3]){a->rd, a->rn, a->rm},
                            IR_VEC_ALSO(A64_OFF_V(a->ra)), (SimdKeep){a->ra, a->size});
}

bool a64_trans_fmov_imm(A64Trans *t, const A64Args_fmov_imm *a)
{
    if (a64_t_fp_enabled(t)) {
        simd_put_scalar(t, a->rd, a64_t_const(t, IR_I64, vec_fp_imm(a->size, a->imm)));
    }
    return true;
}

bool a64_trans_fcsel(A64Trans *t, const A64Args_fcsel *a)
{
    if (a64_t_fp_enabled(t)) {
        const IrVal n = get_lane(t, a->rn, a->size), m = get_lane(t, a->rm, a->size);
        const IrVal holds = a64_t_cond(t, a->cond);
        simd_put_scalar(t, a->rd, ir_emit(t->b, IR_SELECT, IR_I64, holds, n, m, 0));
    }
    return true;
}

bool a64_trans_fmov_gpr(A64Trans *t, const A64Args_fmov_gpr *a)
{
    if (!a64_t_fp_enabled(t)) {
        return true;
    }
    const IrVal x = a->to_fp ? a64_t_x(t, a->sf ? IR_I64 : IR_I32, a->rn) : 0;
    if (a->top && a->to_fp) {
        ir_put(t->b, IR_I64, A64_OFF_V(a->rd) + 8u, x);
    } else if (a->top) {
        a64_t_set_x(t, a->rd, ir_get(t->b, IR_I64, A64_OFF_V(a->rn) + 8u));
    } else if (a->to_fp) {
        simd_put_scalar(t, a->rd, a->size == 1 ? ir_emit(t->b, IR_ZEXT, IR_I64, x, 0, 0, 16) : x);
    } else {
        a64_t_set_x(t, a->rd, get_lane(t, a->rn, a->size));
    }
    return true;
}

/* ---- Comparisons ---- */

/* desc: size in 1:0, two flags, and for FCCMP the shifts of cond and nzcv. */
enum { CMP_SIGNAL = 1 << 2, CMP_ZERO = 1 << 3, CMP_COND = 4, CMP_NZCV = 8 };

static uint32_t compare(void *cpu, const A64Vreg *n, const A64Vreg *m, uint64_t desc)
{
    static const A64Vreg zero;
    const bool signal = desc & CMP_SIGNAL;
    FpEnv *env = vec_env(cpu);
    m = desc & CMP_ZERO ? &zero : m;
    switch (desc & 3) {
    case 1: return quick_compare_h(n->u16[0], m->u16[0], signal, env) << 28;
    case 2: return quick_compare_s(n->u32[0], m->u32[0], signal, env) << 28;
    default: return quick_compare_d(n->d[0], m->d[0], signal, env) << 28;
    }
}

/* NZCV, in place, of a comparison of the low lanes. */
static void fcmp(void *cpu, void *d, const void *n, const void *m, uint64_t desc)
{
    *(uint32_t *)d = compare(cpu, n, m, desc);
}

static bool emit_compare(A64Trans *t, IrVecFn fn, const unsigned nm[2], uint64_t desc)
{
    if (a64_t_fp_enabled(t)) {
        const uint16_t offsets[3] = {A64_OFF(pstate.nzcv), A64_OFF_V(nm[0]), A64_OFF_V(nm[1])};
        ir_vec(t->b, fn, offsets, desc);
    }
    return true;
}

bool a64_trans_fcmp(A64Trans *t, const A64Args_fcmp *a)
{
    const uint64_t desc = a->size | (a->signal ? CMP_SIGNAL : 0) | (a->zero ? CMP_ZERO : 0);
    return emit_compare(t, fcmp, (const unsigned[2]){a->rn, a->rm}, desc);
}

/* ConditionHolds: 14 and 15 both mean always. */
static bool condition_holds(unsigned cond, uint32_t nzcv)
{
    const bool n = nzcv >> 31 & 1, z = nzcv >> 30 & 1, c = nzcv >> 29 & 1, v = nzcv >> 28 & 1;
    const bool holds[] = {z, c, n, v, c && !z, n == v, n == v && !z, true};
    return holds[cond >> 1] != ((cond & 1) && cond != 15);
}

static void fccmp(void *cpu, void *d, const void *n, const void *m, uint64_t desc)
{
    uint32_t *nzcv = d;
    const bool holds = condition_holds(desc >> CMP_COND & 15, *nzcv);
    *nzcv = holds ? compare(cpu, n, m, desc) : (uint32_t)(desc >> CMP_NZCV & 15) << 28;
}

bool a64_trans_fccmp(A64Trans *t, const A64Args_fccmp *a)
{
    const uint64_t desc = a->size | (a->signal ? CMP_SIGNAL : 0) | (uint64_t)a->cond << CMP_COND |
                          (uint64_t)a->nzcv << CMP_NZCV;
    return emit_compare(t, fccmp, (const unsigned[2]){a->rn, a->rm}, desc);
}

/* ---- Conversions to and from general registers ---- */

/* how: size in 1:0, unsigned in 2, 64-bit integer in 3, rounding in 7:4, fraction bits in 15:8. */
enum { CVT_UNSIGNED = 2, CVT_64 = 3, CVT_ROUND = 4, CVT_FBITS = 8 };

static uint64_t to_int(void *cpu, uint64_t a, uint64_t how, uint64_t unused)
{
    typedef uint64_t (*Half)(uint16_t, unsigned, unsigned, FpRounding, FpEnv *);
    typedef uint64_t (*Single)(uint32_t, unsigned, unsigned, FpRounding, FpEnv *);
    typedef uint64_t (*Double)(uint64_t, unsigned, unsigned, FpRounding, FpEnv *);
    static const Half half[] = {fp_to_sint_h, fp_to_uint_h};
    static const Single single[] = {quick_to_sint_s, fp_to_uint_s};
    static const Double twice[] = {quick_to_sint_d, fp_to_uint_d};
    const unsigned uns = how >> CVT_UNSIGNED & 1, bits = how >> CVT_64 & 1 ? 64 : 32;
    const unsigned fbits = how >> CVT_FBITS & 0xff;
    const FpRounding round = (FpRounding)(how >> CVT_ROUND & 15);
    FpEnv *env = vec_env(cpu);
    switch (how & 3) {
    case 1: return half[uns]((uint16_t)a, bits, fbits, round, env);
    case 2: return single[uns]((uint32_t)a, bits, fbits, round, env);
    default: return twice[uns](a, bits, fbits, round, env);
    }
}

static uint64_t from_int(void *cpu, uint64_t a, uint64_t how, uint64_t unused)
{
    const unsigned uns = how >> CVT_UNSIGNED & 1, fbits = how >> CVT_FBITS & 0xff;
    FpEnv *env = vec_env(cpu);
    if (!(how >> CVT_64 & 1)) {
        a = uns ? (uint32_t)a : (uint64_t)(int32_t)a;
    }
    switch (how & 3) {
    case 1: return uns ? fp_from_uint_h(a, fbits, env) : fp_from_sint_h(a, fbits, env);
    case 2: return uns ? fp_from_uint_s(a, fbits, env) : quick_from_sint_s(a, fbits, env);
    default: return uns ? fp_from_uint_d(a, fbits, env) : quick_from_sint_d(a, fbits, env);
    }
}

/* No register is touched behind GET and PUT: only the FP status. */
static const IrHelper fp_to_int = {"fp-to-int", to_int, 2, 0};
static const IrHelper fp_from_int = {"fp-from-int", from_int, 2, 0};

static IrVal how_of(A64Trans *t, const A64Args_fp_int *a, FpRounding round)
{
    return a64_t_const(t, IR_I64, a->size | a->uns << CVT_UNSIGNED | a->sf << CVT_64 |
                                      (unsigned)round << CVT_ROUND | a->fbits << CVT_FBITS);
}

bool a64_trans_fp_to_int(A64Trans *t, const A64Args_fp_int *a)
{
    static const FpRounding modes[A64_FP_TO_INT_ROUND_COUNT] = {
        [A64_FP_TO_INT_EVEN] = FP_ROUND_TIEEVEN, [A64_FP_TO_INT_PLUS] = FP_ROUND_POSINF,
        [A64_FP_TO_INT_MINUS] = FP_ROUND_NEGINF, [A64_FP_TO_INT_ZERO] = FP_ROUND_ZERO,
        [A64_FP_TO_INT_AWAY] = FP_ROUND_TIEAWAY,
    };
    if (a64_t_fp_enabled(t)) {
        const IrVal how = how_of(t, a, modes[a->round]);
        a64_t_set_x(t, a->rd, a64_t_call(t, &fp_to_int, get_lane(t, a->rn, a->size), how, 0));
    }
    return true;
}

bool a64_trans_fp_from_int(A64Trans *t, const A64Args_fp_int *a)
{
    if (a64_t_fp_enabled(t)) {
        const IrVal how = how_of(t, a, FP_ROUND_TIEEVEN);
        const IrVal x = a64_t_x(t, a->sf ? IR_I64 : IR_I32, a->rn);
        a64_t_put_fp(t, a->rd, a->size, a64_t_call(t, &fp_from_int, x, how, 0));
    }
    return true;
}

/* The result in bits 31:0, NZCV in bits 63:32. */
static uint64_t to_int_js(void *cpu, uint64_t a, uint64_t unused, uint64_t unused2)
{
    bool exact;
    const uint64_t r = fp_to_int32_js(a, &exact, vec_env(cpu));
    return r | (exact ? UINT64_C(1) << 62 : 0);
}

static const IrHelper fp_to_int_js = {"fp-to-int-js", to_int_js, 1, 0};

bool a64_trans_fjcvtzs(A64Trans *t, const A64Args_reg_fp *a)
{
    if (a64_t_fp_enabled(t)) {
        const IrVal both = a64_t_call(t, &fp_to_int_js, get_lane(t, a->rn, 3), 0, 0);
        const IrVal flags = ir_bin(t->b, IR_SHR, IR_I64, both, a64_t_const(t, IR_I64, 32));
        a64_t_set_x(t, a->rd, ir_emit(t->b, IR_ZEXT, IR_I64, both, 0, 0, 32));
        a64_t_set_nzcv(t, flags);
    }
    return true;
}
