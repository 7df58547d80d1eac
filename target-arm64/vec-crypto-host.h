/*
 * Vector helpers that the host has an instruction for. VEC_HOST_AES(fn, op, portable) and
 * VEC_HOST_CLMUL(fn, portable) define helper fn: the host's instructions where they are found at
 * run time, else the helper `portable`. The only place that knows which host that is.
 */
#pragma once

#include "vec.h"

#if defined(__x86_64__)
#include <immintrin.h>

/* x: n; z: the old destination. The round key is added first. */
#define VEC_HOST_AESE(x, z) _mm_aesenclast_si128(_mm_xor_si128(x, z), _mm_setzero_si128())
#define VEC_HOST_AESD(x, z) _mm_aesdeclast_si128(_mm_xor_si128(x, z), _mm_setzero_si128())
/* The last round of decryption, then a round: everything but MixColumns cancels. */
#define VEC_HOST_AESMC(x, z)                                                                       \
    _mm_aesenc_si128(_mm_aesdeclast_si128(x, _mm_setzero_si128()), _mm_setzero_si128())
#define VEC_HOST_AESIMC(x, z) _mm_aesimc_si128(x)
#define VEC_HOST_AES(fn, op, portable)                                                             \
    __attribute__((target("aes"))) static void fn##_host(__m128i *d, const __m128i *n)             \
    {                                                                                              \
        *d = VEC_HOST_##op(*n, *d);                                                                \
    }                                                                                              \
    VEC_FN(fn)                                                                                     \
    {                                                                                              \
        if (__builtin_cpu_supports("aes")) {                                                       \
            fn##_host(d, n);                                                                       \
        } else {                                                                                   \
            portable(cpu, d, n, m, desc);                                                          \
        }                                                                                          \
    }

#define VEC_HOST_CLMUL(fn, portable)                                                               \
    __attribute__((target("pclmul"))) static void fn##_host(__m128i *d, const uint64_t *a,         \
                                                            const uint64_t *b)                     \
    {                                                                                              \
        const __m128i x = _mm_loadl_epi64((const __m128i *)a);                                     \
        *d = _mm_clmulepi64_si128(x, _mm_loadl_epi64((const __m128i *)b), 0);                      \
    }                                                                                              \
    VEC_FN(fn)                                                                                     \
    {                                                                                              \
        if (__builtin_cpu_supports("pclmul")) {                                                    \
            const unsigned half = desc & A64_VEC_UPPER ? 1 : 0;                                    \
            fn##_host(d, &((const A64Vreg *)n)->d[half], &((const A64Vreg *)m)->d[half]);          \
        } else {                                                                                   \
            portable(cpu, d, n, m, desc);                                                          \
        }                                                                                          \
    }
#else
#define VEC_HOST_AES(fn, op, portable)                                                             \
    VEC_FN(fn)                                                                                     \
    {                                                                                              \
        portable(cpu, d, n, m, desc);                                                              \
    }
#define VEC_HOST_CLMUL(fn, portable) VEC_HOST_AES(fn, CLMUL, portable)
#endif
