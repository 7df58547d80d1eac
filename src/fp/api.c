/*
 * The public arithmetic functions: the host FPU where it is provably right, else the exact path.
 */
#include "armillary/fp-fast.h"
#include "exact.h"

#define EXACT_BINARY(type, name, suffix, fmt)             \
    type fp_##name##_##suffix(type a, type b, FpEnv *env) \
    {                                                     \
        return (type)fp_exact_##name(&fmt, a, b, env);    \
    }

#define FAST_BINARY(type, name, suffix, fmt)                 \
    type fp_##name##_##suffix(type a, type b, FpEnv *env)    \
    {                                                        \
        type result;                                         \
        if (fp_fast_##name##_##suffix(a, b, env, &result)) { \
            return result;                                   \
        }                                                    \
        return (type)fp_exact_##name(&fmt, a, b, env);       \
    }

/* With an infinity or NaN the product's fast path declines, and that is all FMULX treats apart. */
#define FAST_MULX(type, suffix, fmt)                    \
    type fp_mulx_##suffix(type a, type b, FpEnv *env)   \
    {                                                   \
        type result;                                    \
        if (fp_fast_mul_##suffix(a, b, env, &result)) { \
            return result;                              \
        }                                               \
        return (type)fp_exact_mulx(&fmt, a, b, env);    \
    }

#define FAST_SQRT(type, suffix, fmt)                  \
    type fp_sqrt_##suffix(type a, FpEnv *env)         \
    {                                                 \
        type result;                                  \
        if (fp_fast_sqrt_##suffix(a, env, &result)) { \
            return result;                            \
        }                                             \
        return (type)fp_exact_sqrt(&fmt, a, env);     \
    }

#define ANY_FORMAT(type, suffix, fmt)                       \
    type fp_abd_##suffix(type a, type b, FpEnv *env)        \
    {                                                       \
        return fp_magnitude_##suffix(fp_sub_##suffix(a, b, env), env); \
    }

#define FAST_FORMAT(type, suffix, fmt)  \
    FAST_BINARY(type, add, suffix, fmt) \
    FAST_BINARY(type, sub, suffix, fmt) \
    FAST_BINARY(type, mul, suffix, fmt) \
    FAST_BINARY(type, div, suffix, fmt) \
    FAST_MULX(type, suffix, fmt)        \
    FAST_SQRT(type, suffix, fmt)        \
    ANY_FORMAT(type, suffix, fmt)

FAST_FORMAT(uint32_t, s, FP_SINGLE)
FAST_FORMAT(uint64_t, d, FP_DOUBLE)

EXACT_BINARY(uint16_t, add, h, FP_HALF)
EXACT_BINARY(uint16_t, sub, h, FP_HALF)
EXACT_BINARY(uint16_t, mul, h, FP_HALF)
EXACT_BINARY(uint16_t, mulx, h, FP_HALF)
EXACT_BINARY(uint16_t, div, h, FP_HALF)
ANY_FORMAT(uint16_t, h, FP_HALF)

uint16_t fp_sqrt_h(uint16_t a, FpEnv *env)
{
    return (uint16_t)fp_exact_sqrt(&FP_HALF, a, env);
}
