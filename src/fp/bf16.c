/*
 * BFloat16. Arm ARM, Shared Pseudocode, functions/float: FPConvertBF, BFDotAdd, BFMulH, BFAdd,
 * BFRound, FPDot, BFMulAddH.
 */
#include "armillary/fp-convert.h"
#include "exact.h"

/* The upper half of a single. */
static const FpFormat BF16 = {16, 7, -126, FP_CR_FZ, true};

uint16_t fp_convert_sb(uint32_t a, FpEnv *env)
{
    FpEnv quiet = fp_quiet_env(env);
    uint64_t result = fp_exact_convert(&FP_SINGLE, &BF16, a, fp_env_rounding(&quiet), &quiet);
    fp_quiet_done(&quiet, env);
    return (uint16_t)result;
}

uint32_t fp_muladd_bs(uint32_t addend, uint16_t a, uint16_t b, FpEnv *env)
{
    FpEnv quiet = fp_quiet_env(env);
    uint32_t result = fp_muladd_s(addend, (uint32_t)a << 16, (uint32_t)b << 16, &quiet);
    fp_quiet_done(&quiet, env);
    return result;
}

/* ---- the arithmetic of dot products: denormals are zeros, NaNs the default one, no flags ---- */

static FpParts unpack(uint32_t a)
{
    FpEnv env = {.fpcr = FP_CR_FZ};
    return fp_unpack(&FP_SINGLE, a, &env);
}

/* Rounds to odd; what is below the normal numbers is zero, what is above them infinity. */
static uint32_t round_odd(FpWide a)
{
    if (a.sig == 0 || a.exp < FP_SINGLE.emin) {
        return (uint32_t)fp_signed(&FP_SINGLE, a.sign, 0);
    }
    if (a.exp > 127) {
        return (uint32_t)fp_signed(&FP_SINGLE, a.sign, fp_format_inf(&FP_SINGLE));
    }
    uint32_t sticky = (a.sig << 24) != 0;
    uint32_t mag = (uint32_t)(a.sig >> 104 & 0x7fffff) | sticky;
    return (uint32_t)fp_signed(&FP_SINGLE, a.sign, (uint64_t)(a.exp + 127) << 23 | mag);
}

/* Neither a NaN nor a result without a value; infinities are told apart by the caller. */
static bool is_undefined_product(FpParts a, FpParts b)
{
    return fp_class_is_nan(a.cls) || fp_class_is_nan(b.cls) ||
           (a.cls == FP_CLASS_INF && b.cls == FP_CLASS_ZERO) ||
           (a.cls == FP_CLASS_ZERO && b.cls == FP_CLASS_INF);
}

static uint32_t infinity(bool sign)
{
    return (uint32_t)fp_signed(&FP_SINGLE, sign, fp_format_inf(&FP_SINGLE));
}

static uint32_t multiply(uint32_t a, uint32_t b, const FpEnv *env)
{
    FpParts x = unpack(a), y = unpack(b);
    if (is_undefined_product(x, y)) {
        return (uint32_t)fp_default_nan(&FP_SINGLE, env);
    }
    if (x.cls == FP_CLASS_INF || y.cls == FP_CLASS_INF) {
        return infinity(x.sign != y.sign);
    }
    return round_odd(fp_wide_mul(x, y));
}

static uint32_t add(uint32_t a, uint32_t b, const FpEnv *env)
{
    FpParts x = unpack(a), y = unpack(b);
    bool x_inf = x.cls == FP_CLASS_INF, y_inf = y.cls == FP_CLASS_INF;
    if (fp_class_is_nan(x.cls) || fp_class_is_nan(y.cls) || (x_inf && y_inf && x.sign != y.sign)) {
        return (uint32_t)fp_default_nan(&FP_SINGLE, env);
    }
    if (x_inf || y_inf) {
        return infinity(x_inf ? x.sign : y.sign);
    }
    if (x.cls == FP_CLASS_ZERO && y.cls == FP_CLASS_ZERO && x.sign == y.sign) {
        return (uint32_t)fp_signed(&FP_SINGLE, x.sign, 0);
    }
    FpWide sum = fp_wide_add(fp_wide_of(x), fp_wide_of(y));
    return sum.sig ? round_odd(sum) : 0;
}

/* The low and the high element of a pair, as singles. */
static uint32_t low_of(uint32_t pair)
{
    return pair << 16;
}

static uint32_t high_of(uint32_t pair)
{
    return pair & 0xffff0000;
}

/* ---- FEAT_EBF16: two products and their sum with one rounding, as FPCR says ---- */

static uint32_t fused(uint32_t a, uint32_t b, FpEnv *env)
{
    const uint32_t bits[4] = {low_of(a), low_of(b), high_of(a), high_of(b)};
    FpParts x[4];
    bool nan = false, inf[2], any_inf = false;
    FpWide product[2];
    for (unsigned i = 0; i < 4; i++) {
        x[i] = fp_unpack(&FP_SINGLE, bits[i], env);
    }
    for (unsigned i = 0; i < 2; i++) {
        nan = nan || is_undefined_product(x[2 * i], x[2 * i + 1]);
        inf[i] = x[2 * i].cls == FP_CLASS_INF || x[2 * i + 1].cls == FP_CLASS_INF;
        any_inf = any_inf || inf[i];
        product[i] = fp_wide_mul(x[2 * i], x[2 * i + 1]);
    }
    if (nan || (inf[0] && inf[1] && product[0].sign != product[1].sign)) {
        return (uint32_t)fp_default_nan(&FP_SINGLE, env);
    }
    if (any_inf) {
        return infinity(product[inf[0] ? 0 : 1].sign);
    }
    if (product[0].sig == 0 && product[1].sig == 0 && product[0].sign == product[1].sign) {
        return (uint32_t)fp_signed(&FP_SINGLE, product[0].sign, 0);
    }
    return (uint32_t)fp_round_sum(&FP_SINGLE, fp_wide_add(product[0], product[1]), env);
}

uint32_t fp_dot_b(uint32_t addend, uint32_t a, uint32_t b, const FpEnv *env)
{
    if (env->fpcr & FP_CR_EBF) {
        FpEnv silent = {.fpcr = env->fpcr | FP_CR_DN};
        uint32_t products = fused(a, b, &silent);
        return (uint32_t)fp_exact_add(&FP_SINGLE, addend, products, &silent);
    }
    uint32_t low = multiply(low_of(a), low_of(b), env);
    uint32_t high = multiply(high_of(a), high_of(b), env);
    return add(addend, add(low, high, env), env);
}
