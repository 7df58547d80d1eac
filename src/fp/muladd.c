/*
 * Fused multiply-add: the host's where it is provably right (see armillary/fp-fast.h), else exact
 * integers. Arm ARM, Shared Pseudocode, functions/float: FPMulAdd, FPMulAddH, FPRecipStepFused,
 * FPRSqrtStepFused.
 */
#include "armillary/fp-fast.h"
#include "exact.h"
#include "host.h"

/* A zero result is known to be exact only when the product has a zero factor. */
FP_HOST_FMA static bool fast_s(uint32_t addend, uint32_t a, uint32_t b, FpEnv *env,
                               uint32_t *result)
{
    float sum = __builtin_fmaf(fp_host_s(a), fp_host_s(b), fp_host_s(addend));
    bool is_zero = sum == 0 && (fp_abs_s(a) == 0 || fp_abs_s(b) == 0);
    if (!fp_fast_allows_s(a, b, env) || !fp_fast_allows_s(addend, addend, env) ||
        !(fp_fast_normal_s(sum) || is_zero)) {
        return false;
    }
    /* The product is exact in double; whether the sum is shows as in fp_fast_add_d. */
    double x = fp_host_s(addend);
    double product = (double)fp_host_s(a) * fp_host_s(b);
    double wide_sum = x + product;
    bool exact = wide_sum - x == product && wide_sum - product == x && wide_sum == sum;
    return fp_fast_done_s(sum, !exact, result, env);
}

FP_HOST_FMA static bool fast_d(uint64_t addend, uint64_t a, uint64_t b, FpEnv *env,
                               uint64_t *result)
{
    double x = fp_host_d(a);
    double y = fp_host_d(b);
    double z = fp_host_d(addend);
    double sum = __builtin_fma(x, y, z);
    bool zero_product = x == 0 || y == 0;
    if (!fp_fast_allows_d(a, b, env) || !fp_fast_allows_d(addend, addend, env) ||
        !(fp_fast_normal_d(sum) || (sum == 0 && zero_product))) {
        return false;
    }
    if (!(env->fpsr & FP_SR_IXC)) {
        double product = x * y;
        bool exact_product = zero_product || (fp_fast_normal_d(product) &&
                                              fp_fast_length_d(x) + fp_fast_length_d(y) <= 53);
        if (!exact_product || sum - z != product || sum - product != z) {
            return false;
        }
    }
    return fp_fast_done_d(sum, false, result, env);
}

static uint64_t exact(const FpFormat *fmt, const uint64_t bits[3], FpEnv *env)
{
    FpParts ops[3];
    for (unsigned i = 0; i < 3; i++) {
        ops[i] = fp_unpack(fmt, bits[i], env);
    }
    return fp_exact_muladd(fmt, ops, env);
}

uint16_t fp_muladd_h(uint16_t addend, uint16_t a, uint16_t b, FpEnv *env)
{
    return (uint16_t)exact(&FP_HALF, (uint64_t[]){addend, a, b}, env);
}

uint32_t fp_muladd_s(uint32_t addend, uint32_t a, uint32_t b, FpEnv *env)
{
    uint32_t result;
    if (fp_host_has_fma() && fast_s(addend, a, b, env, &result)) {
        return result;
    }
    return (uint32_t)exact(&FP_SINGLE, (uint64_t[]){addend, a, b}, env);
}

uint64_t fp_muladd_d(uint64_t addend, uint64_t a, uint64_t b, FpEnv *env)
{
    uint64_t result;
    if (fp_host_has_fma() && fast_d(addend, a, b, env, &result)) {
        return result;
    }
    return exact(&FP_DOUBLE, (uint64_t[]){addend, a, b}, env);
}

uint16_t fp_recip_step_h(uint16_t a, uint16_t b, FpEnv *env)
{
    return (uint16_t)fp_exact_recip_step(&FP_HALF, a, b, env);
}

uint16_t fp_rsqrt_step_h(uint16_t a, uint16_t b, FpEnv *env)
{
    return (uint16_t)fp_exact_rsqrt_step(&FP_HALF, a, b, env);
}

/*
 * The steps are a multiply-add of a constant, and the fast path declines infinities and NaNs.
 * Halving is exact: what is left of 3 after cancellation is far above the denormals.
 */
#define STEPS(type, suffix, fmt, two, three)                                                  \
    type fp_recip_step_##suffix(type a, type b, FpEnv *env)                                   \
    {                                                                                         \
        type result;                                                                          \
        if (fp_host_has_fma() && fast_##suffix(two, fp_neg_##suffix(a), b, env, &result)) {   \
            return result;                                                                    \
        }                                                                                     \
        return (type)fp_exact_recip_step(&fmt, a, b, env);                                    \
    }                                                                                         \
    type fp_rsqrt_step_##suffix(type a, type b, FpEnv *env)                                   \
    {                                                                                         \
        type result;                                                                          \
        if (fp_host_has_fma() && fast_##suffix(three, fp_neg_##suffix(a), b, env, &result)) { \
            return fp_bits_##suffix(fp_host_##suffix(result) / 2);                            \
        }                                                                                     \
        return (type)fp_exact_rsqrt_step(&fmt, a, b, env);                                    \
    }

STEPS(uint32_t, s, FP_SINGLE, UINT32_C(0x40000000), UINT32_C(0x40400000))
STEPS(uint64_t, d, FP_DOUBLE, UINT64_C(0x4000000000000000), UINT64_C(0x4008000000000000))

static FpParts unpack_half_for_single(uint16_t a, FpEnv *env)
{
    FpParts op = fp_unpack(&FP_HALF, a, env);
    if (fp_class_is_nan(op.cls)) {
        op.sig = fp_nan_convert(&FP_HALF, &FP_SINGLE, op.sig);
    }
    return op;
}

uint32_t fp_muladd_hs(uint32_t addend, uint16_t a, uint16_t b, FpEnv *env)
{
    FpParts ops[3] = {fp_unpack(&FP_SINGLE, addend, env), unpack_half_for_single(a, env),
                      unpack_half_for_single(b, env)};
    return (uint32_t)fp_exact_muladd(&FP_SINGLE, ops, env);
}
