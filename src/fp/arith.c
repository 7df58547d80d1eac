/*
 * Exact arithmetic. Arm ARM, Shared Pseudocode, functions/float: FPAdd, FPSub, FPMul, FPMulX,
 * FPDiv, FPSqrt, FPMulAdd, FPMulAddH, FPRecipStepFused, FPRSqrtStepFused.
 */
#include "exact.h"

static bool is_inf(FpParts a)
{
    return a.cls == FP_CLASS_INF;
}

static bool is_zero(FpParts a)
{
    return a.cls == FP_CLASS_ZERO;
}

/* An infinity times a zero: the product without a value. */
static bool is_inf_by_zero(FpParts a, FpParts b)
{
    return (is_inf(a) && is_zero(b)) || (is_zero(a) && is_inf(b));
}

static uint64_t infinity(const FpFormat *fmt, bool sign)
{
    return fp_signed(fmt, sign, fp_format_inf(fmt));
}

static void unpack_two(const FpFormat *fmt, FpParts ops[2], const uint64_t bits[2], FpEnv *env)
{
    ops[0] = fp_unpack(fmt, bits[0], env);
    ops[1] = fp_unpack(fmt, bits[1], env);
}

static uint64_t add(const FpFormat *fmt, const uint64_t bits[2], bool subtract, FpEnv *env)
{
    FpParts op[2];
    unpack_two(fmt, op, bits, env);
    uint64_t nan = fp_nan_of(fmt, op, 2, env);
    if (nan) {
        return nan;
    }
    op[1].sign ^= subtract;
    fp_used(op, 2, env);
    if (is_inf(op[0]) && is_inf(op[1]) && op[0].sign != op[1].sign) {
        return fp_invalid(fmt, env);
    }
    if (is_inf(op[0]) || is_inf(op[1])) {
        return infinity(fmt, op[is_inf(op[0]) ? 0 : 1].sign);
    }
    if (is_zero(op[0]) && is_zero(op[1]) && op[0].sign == op[1].sign) {
        return fp_signed(fmt, op[0].sign, 0);
    }
    return fp_round_sum(fmt, fp_wide_add(fp_wide_of(op[0]), fp_wide_of(op[1])), env);
}

uint64_t fp_exact_add(const FpFormat *fmt, uint64_t a, uint64_t b, FpEnv *env)
{
    return add(fmt, (uint64_t[]){a, b}, false, env);
}

uint64_t fp_exact_sub(const FpFormat *fmt, uint64_t a, uint64_t b, FpEnv *env)
{
    return add(fmt, (uint64_t[]){a, b}, true, env);
}

/* The product of two operands neither of which is a NaN, but for infinity times zero. */
static uint64_t mul_numbers(const FpFormat *fmt, const FpParts op[2], FpEnv *env)
{
    bool sign = op[0].sign != op[1].sign;
    if (is_inf(op[0]) || is_inf(op[1])) {
        return infinity(fmt, sign);
    }
    if (is_zero(op[0]) || is_zero(op[1])) {
        return fp_signed(fmt, sign, 0);
    }
    return fp_round(fmt, fp_wide_mul(op[0], op[1]), fp_env_rounding(env), env);
}

uint64_t fp_exact_mul(const FpFormat *fmt, uint64_t a, uint64_t b, FpEnv *env)
{
    FpParts op[2];
    unpack_two(fmt, op, (uint64_t[]){a, b}, env);
    uint64_t nan = fp_nan_of(fmt, op, 2, env);
    if (nan) {
        return nan;
    }
    fp_used(op, 2, env);
    return is_inf_by_zero(op[0], op[1]) ? fp_invalid(fmt, env) : mul_numbers(fmt, op, env);
}

/* k * 2^exp for k = 1 ... 3, positive. */
static FpWide small_constant(unsigned k, int exp)
{
    return fp_wide_normalise((FpWide){.exp = 127 + exp, .sig = k});
}

uint64_t fp_exact_mulx(const FpFormat *fmt, uint64_t a, uint64_t b, FpEnv *env)
{
    FpParts op[2];
    unpack_two(fmt, op, (uint64_t[]){a, b}, env);
    uint64_t nan = fp_nan_of(fmt, op, 2, env);
    if (nan) {
        return nan;
    }
    fp_used(op, 2, env);
    if (is_inf_by_zero(op[0], op[1])) {
        FpWide two = small_constant(1, 1);
        two.sign = op[0].sign != op[1].sign;
        return fp_round(fmt, two, FP_ROUND_ZERO, env);
    }
    return mul_numbers(fmt, op, env);
}

uint64_t fp_exact_div(const FpFormat *fmt, uint64_t a, uint64_t b, FpEnv *env)
{
    FpParts op[2];
    unpack_two(fmt, op, (uint64_t[]){a, b}, env);
    uint64_t nan = fp_nan_of(fmt, op, 2, env);
    if (nan) {
        return nan;
    }
    bool sign = op[0].sign != op[1].sign;
    fp_used(op, is_zero(op[1]) ? 0 : 2, env);
    if ((is_inf(op[0]) && is_inf(op[1])) || (is_zero(op[0]) && is_zero(op[1]))) {
        return fp_invalid(fmt, env);
    }
    if (is_inf(op[0]) || is_zero(op[1])) {
        env->fpsr |= is_inf(op[0]) ? 0 : FP_SR_DZC;
        return infinity(fmt, sign);
    }
    if (is_zero(op[0]) || is_inf(op[1])) {
        return fp_signed(fmt, sign, 0);
    }
    FpU128 dividend = (FpU128)op[0].sig << 63;
    FpU128 quotient = dividend / op[1].sig;
    bool inexact = quotient * op[1].sig != dividend;
    FpWide value = {.sign = sign, .exp = op[0].exp - op[1].exp, .sig = quotient << 64 | inexact};
    return fp_round(fmt, fp_wide_normalise(value), fp_env_rounding(env), env);
}

uint64_t fp_exact_sqrt(const FpFormat *fmt, uint64_t a, FpEnv *env)
{
    FpParts op = fp_unpack(fmt, a, env);
    uint64_t nan = fp_nan_of(fmt, &op, 1, env);
    if (nan) {
        return nan;
    }
    if (is_zero(op)) {
        return fp_signed(fmt, op.sign, 0);
    }
    if (op.sign) {
        return fp_invalid(fmt, env);
    }
    if (is_inf(op)) {
        return infinity(fmt, false);
    }
    fp_used(&op, 1, env);
    bool odd = op.exp & 1;
    FpU128 square = (FpU128)op.sig << (odd ? 64 : 63);
    uint64_t root = fp_isqrt(square);
    bool inexact = (FpU128)root * root != square;
    FpWide value = {.exp = (op.exp - odd) / 2, .sig = (FpU128)root << 64 | inexact};
    return fp_round(fmt, value, fp_env_rounding(env), env);
}

uint64_t fp_exact_muladd(const FpFormat *fmt, const FpParts ops[3], FpEnv *env)
{
    FpParts addend = ops[0];
    bool undefined_product = is_inf_by_zero(ops[1], ops[2]);

    /* A signaling addend is quietened as usual; a quiet one does not hide the invalid product but
     * with FPCR.AH. */
    bool hidden = fp_class_is_nan(addend.cls) && (env->fpcr & FP_CR_AH);
    if (undefined_product && addend.cls != FP_CLASS_SNAN && !hidden) {
        return fp_invalid(fmt, env);
    }
    uint64_t nan = fp_nan_of(fmt, ops, 3, env);
    if (nan) {
        return nan;
    }
    FpWide product = fp_wide_mul(ops[1], ops[2]);
    bool inf_product = is_inf(ops[1]) || is_inf(ops[2]);
    if (is_inf(addend) && inf_product && addend.sign != product.sign) {
        return fp_invalid(fmt, env);
    }
    fp_used(ops, 3, env);
    if (is_inf(addend) || inf_product) {
        return infinity(fmt, inf_product ? product.sign : addend.sign);
    }
    if (is_zero(addend) && product.sig == 0 && addend.sign == product.sign) {
        return fp_signed(fmt, addend.sign, 0);
    }
    return fp_round_sum(fmt, fp_wide_add(fp_wide_of(addend), product), env);
}

/* (k - a * b) * 2^scale, where infinity by zero counts as a zero product. */
static uint64_t quiet_step(const FpFormat *fmt, const uint64_t bits[2], FpWide k, int scale,
                           FpEnv *env)
{
    FpParts op[2];
    unpack_two(fmt, op, bits, env);
    uint64_t nan = fp_nan_of(fmt, op, 2, env);
    if (nan) {
        return nan;
    }
    FpWide sum = k;
    if (!is_inf_by_zero(op[0], op[1])) {
        if (is_inf(op[0]) || is_inf(op[1])) {
            return infinity(fmt, op[0].sign != op[1].sign);
        }
        sum = fp_wide_add(k, fp_wide_mul(op[0], op[1]));
    }
    sum.exp += scale;
    return fp_round_sum(fmt, sum, env);
}

static uint64_t step(const FpFormat *fmt, const uint64_t bits[2], FpWide k, int scale, FpEnv *env)
{
    FpEnv quiet = fp_quiet_env(env);
    uint64_t result = quiet_step(fmt, bits, k, scale, &quiet);
    fp_quiet_done(&quiet, env);
    return result;
}

/* With FPCR.AH a NaN keeps its sign. */
static uint64_t negated(const FpFormat *fmt, uint64_t a, const FpEnv *env)
{
    bool nan = (a & ~fp_format_sign(fmt)) > fp_format_inf(fmt);
    return nan && (env->fpcr & FP_CR_AH) ? a : a ^ fp_format_sign(fmt);
}

uint64_t fp_exact_recip_step(const FpFormat *fmt, uint64_t a, uint64_t b, FpEnv *env)
{
    uint64_t neg_a = negated(fmt, a, env);
    return step(fmt, (uint64_t[]){neg_a, b}, small_constant(1, 1), 0, env);
}

uint64_t fp_exact_rsqrt_step(const FpFormat *fmt, uint64_t a, uint64_t b, FpEnv *env)
{
    uint64_t neg_a = negated(fmt, a, env);
    return step(fmt, (uint64_t[]){neg_a, b}, small_constant(3, 0), -1, env);
}
