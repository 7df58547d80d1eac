/*
 * What differs from host to host: fused multiply-add in hardware. Where it is missing,
 * fp_host_has_fma is false and the exact path is used. A function marked FP_HOST_FMA may only be
 * called when it is true.
 */
#pragma once

#include <stdbool.h>

#if defined(__x86_64__)
#define FP_HOST_FMA __attribute__((target("fma")))
#define FP_HOST_HAS_FMA __builtin_cpu_supports("fma")
#elif defined(__aarch64__)
#define FP_HOST_FMA
#define FP_HOST_HAS_FMA true
#else
#define FP_HOST_FMA
#define FP_HOST_HAS_FMA false
#endif

static inline bool fp_host_has_fma(void)
{
    return FP_HOST_HAS_FMA;
}
