/*
 * What the vector helpers (vec-*.c) share: the descriptor that the translator hands them, the
 * macros that make a helper out of the expression of one lane, and the tables of helpers. Arm ARM,
 * "A64 Advanced SIMD and floating-point instruction descriptions".
 *
 * A helper works on whole registers: d = destination (and old value of it), n and m = sources, any
 * of which may be the same register. What lies above the descriptor's active bytes is written as
 * zero.
 */
#pragma once

#include "state.h"

/*
 * Descriptor: active bytes of the operation (1, 2, 4, 8, 16), flags, and an immediate of 16 bits.
 */
#define A64_VEC_DESC(bytes, imm) ((uint64_t)(bytes) | (uint64_t)(uint16_t)(imm) << 8)
enum {
    A64_VEC_UPPER = 1 << 5, /* "2" forms: the narrow operand is the upper half of its register */
    A64_VEC_FOLD = 1 << 6,  /* scalar pairwise: only the first half of the result is kept */
};

static inline unsigned vec_bytes(uint64_t desc)
{
    return (unsigned)(desc & 31);
}

static inline unsigned vec_imm(uint64_t desc)
{
    return (unsigned)(desc >> 8 & 0xffff);
}

static inline FpEnv *vec_env(void *cpu)
{
    return &a64_cpu(cpu)->st.fp;
}

/* Fourth operand (IR_VEC_ALSO). */
static inline const A64Vreg *vec_also(void *cpu, uint64_t desc)
{
    return (const A64Vreg *)((const char *)cpu + IR_VEC_GET_ALSO(desc));
}

/* FPSR.QC, cumulative. */
static inline void vec_saturated(void *cpu, bool sat)
{
    if (sat) {
        a64_cpu(cpu)->st.fpsr |= UINT32_C(1) << 27;
    }
}

/* Writes a vector of 8 or 16 active bytes; in one piece, so that it can be read back in one. */
static inline void vec_put(A64Vreg *d, const A64Vreg *r, uint64_t desc)
{
    typedef uint64_t Pair __attribute__((vector_size(16)));
    const Pair keep = {UINT64_MAX, 0 - (desc >> 4 & 1)};
    *(Pair *)d = *(const Pair *)r & keep;
}

/* Writes the 8 bytes of a narrow result into its half. */
static inline void vec_put_narrow(A64Vreg *d, uint64_t r, uint64_t desc)
{
    if (desc & A64_VEC_UPPER) {
        d->d[1] = r;
    } else {
        d->d[0] = r;
        d->d[1] = 0;
    }
}

/* VFPExpandImm: the number of 2^size bytes that an eight-bit immediate stands for. */
static inline uint64_t vec_fp_imm(unsigned size, uint64_t imm8)
{
    const unsigned bits = 8u << size, exponent = size == 1 ? 5 : size == 2 ? 8 : 11;
    const unsigned fraction = bits - 1 - exponent;
    const uint64_t high = imm8 >> 6 & 1, low = imm8 >> 4 & 3;
    const uint64_t repeated = high ? (UINT64_C(1) << (exponent - 3)) - 1 : 0;
    return imm8 >> 7 << (bits - 1) | (high ^ 1) << (bits - 2) | repeated << (fraction + 2) |
           low << fraction | (imm8 & 15) << (fraction - 4);
}

/* Of a lane type T and its unsigned twin U. */
#define VEC_TYPES(sg, bits)                                                                        \
    typedef __typeof__(((A64Vreg *)0)->sg##bits[0]) T __attribute__((unused));                     \
    typedef uint##bits##_t U __attribute__((unused));                                              \
    typedef int##bits##_t S __attribute__((unused));                                               \
    enum { N = bits };
#define LANE_SMAX ((S)((U) ~(U)0 >> 1))
#define LANE_SMIN ((S)((U)1 << (N - 1)))
#define LANE_UMAX ((U) ~(U)0)

#define VEC_FN(fn)                                                                                 \
    static void fn(void *cpu, void *d, const void *n, const void *m, uint64_t desc)

/*
 * Lane by lane, without side effects: a, b, c = lanes of n, m and the old d; i = lane number; imm =
 * the immediate. Computes all lanes of the register, whatever the active bytes (8 or 16), so that
 * it vectorises.
 */
#define VEC_MAP(fn, sg, bits, expr)                                                                \
    VEC_FN(fn)                                                                                     \
    {                                                                                              \
        VEC_TYPES(sg, bits)                                                                        \
        const A64Vreg *x = n, *y = m, *z = d;                                                      \
        const unsigned imm __attribute__((unused)) = vec_imm(desc);                                \
        A64Vreg r;                                                                                 \
        for (unsigned i = 0; i < 128 / N; i++) {                                                   \
            const T a __attribute__((unused)) = x->sg##bits[i];                                    \
            const T b __attribute__((unused)) = y->sg##bits[i];                                    \
            const T c __attribute__((unused)) = z->sg##bits[i];                                    \
            r.sg##bits[i] = (T)(expr);                                                             \
        }                                                                                          \
        vec_put(d, &r, desc);                                                                      \
    }

/*
 * As VEC_MAP, but only the active lanes are computed (1 to 16 bytes), because computing one may
 * raise something: the expression may set sat, which ends up in FPSR.QC, and use env.
 */
#define VEC_LANES(fn, sg, bits, expr)                                                              \
    VEC_FN(fn)                                                                                     \
    {                                                                                              \
        VEC_TYPES(sg, bits)                                                                        \
        const A64Vreg *x = n, *y = m, *z = d;                                                      \
        const unsigned imm __attribute__((unused)) = vec_imm(desc);                                \
        FpEnv *env __attribute__((unused)) = vec_env(cpu);                                         \
        const unsigned lanes = vec_bytes(desc) * 8 / N;                                            \
        bool sat = false;                                                                          \
        A64Vreg r = {0};                                                                           \
        for (unsigned i = 0; i < lanes; i++) {                                                     \
            const T a __attribute__((unused)) = x->sg##bits[i];                                    \
            const T b __attribute__((unused)) = y->sg##bits[i];                                    \
            const T c __attribute__((unused)) = z->sg##bits[i];                                    \
            r.sg##bits[i] = (T)(expr);                                                             \
        }                                                                                          \
        vec_saturated(cpu, sat);                                                                   \
        *(A64Vreg *)d = r;                                                                         \
    }

/*
 * Whole registers at once: a, b, c and the result are host vectors V (VU unsigned, VS signed
 * lanes), whose comparisons are masks. For what a lane does without looking at others or at its own
 * number.
 */
#define VEC_WHOLE(fn, sg, bits, expr)                                                              \
    VEC_FN(fn)                                                                                     \
    {                                                                                              \
        VEC_TYPES(sg, bits)                                                                        \
        typedef T V __attribute__((vector_size(16)));                                              \
        typedef U VU __attribute__((vector_size(16), unused));                                     \
        typedef S VS __attribute__((vector_size(16), unused));                                     \
        const unsigned imm __attribute__((unused)) = vec_imm(desc);                                \
        const V a = *(const V *)n;                                                                 \
        const V b __attribute__((unused)) = *(const V *)m;                                         \
        const V c __attribute__((unused)) = *(const V *)d;                                         \
        const V r = (V)(expr);                                                                     \
        vec_put(d, (const A64Vreg *)&r, desc);                                                     \
    }
#define VEC_SELECT(mask, yes, no) (((VU)(mask) & (VU)(yes)) | (~(VU)(mask) & (VU)(no)))

/* Pairs of neighbours a, b of n, then of m. */
#define VEC_PAIR(fn, sg, bits, expr)                                                               \
    VEC_FN(fn)                                                                                     \
    {                                                                                              \
        VEC_TYPES(sg, bits)                                                                        \
        const A64Vreg *src[2] = {n, m};                                                            \
        FpEnv *env __attribute__((unused)) = vec_env(cpu);                                         \
        const unsigned half = vec_bytes(desc) * 4 / N;                                             \
        A64Vreg r = {0};                                                                           \
        for (unsigned i = 0; i < (desc & A64_VEC_FOLD ? half : 2 * half); i++) {                   \
            const A64Vreg *x = src[i >= half];                                                     \
            const T a = x->sg##bits[2 * i % (2 * half)];                                           \
            const T b = x->sg##bits[2 * i % (2 * half) + 1];                                       \
            r.sg##bits[i] = (T)(expr);                                                             \
        }                                                                                          \
        *(A64Vreg *)d = r;                                                                         \
    }

/*
 * Pairs of neighbours as vectors a, b of the even and the odd lanes of n and m one after the other.
 */
#define VEC_EVEN_8 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define VEC_ODD_8 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
#define VEC_EVEN_16 0, 2, 4, 6, 8, 10, 12, 14
#define VEC_ODD_16 1, 3, 5, 7, 9, 11, 13, 15
#define VEC_EVEN_32 0, 2, 4, 6
#define VEC_ODD_32 1, 3, 5, 7
#define VEC_EVEN_64 0, 2
#define VEC_ODD_64 1, 3
#define VEC_WHOLE_PAIR(fn, sg, bits, expr)                                                         \
    VEC_FN(fn)                                                                                     \
    {                                                                                              \
        VEC_TYPES(sg, bits)                                                                        \
        typedef T V __attribute__((vector_size(16)));                                              \
        typedef U VU __attribute__((vector_size(16), unused));                                     \
        const A64Vreg lows = {.d = {((const A64Vreg *)n)->d[0], ((const A64Vreg *)m)->d[0]}};      \
        const V x = *(const V *)(desc & 16 ? n : &lows), y = *(const V *)(desc & 16 ? m : &lows);  \
        const V a = __builtin_shufflevector(x, y, VEC_EVEN_##bits);                                \
        const V b = __builtin_shufflevector(x, y, VEC_ODD_##bits);                                 \
        const V r = (V)(expr);                                                                     \
        vec_put(d, (const A64Vreg *)&r, desc);                                                     \
    }

/* The same for several lane sizes: fn_b, fn_h, fn_s, fn_d, rows of the tables. */
#define VEC_BHS(macro, fn, sg, expr)                                                               \
    macro(fn##_b, sg, 8, expr) macro(fn##_h, sg, 16, expr) macro(fn##_s, sg, 32, expr)
#define VEC_BHSD(macro, fn, sg, expr) VEC_BHS(macro, fn, sg, expr) macro(fn##_d, sg, 64, expr)
#define ROW_B(fn) {fn##_b, NULL, NULL, NULL}
#define ROW_HS(fn) {NULL, fn##_h, fn##_s, NULL}
#define ROW_BHS(fn) {fn##_b, fn##_h, fn##_s, NULL}
#define ROW_BHSD(fn) {fn##_b, fn##_h, fn##_s, fn##_d}
#define ROW_HSD(fn) {NULL, fn##_h, fn##_s, fn##_d}

/* fn with one lane of m, the immediate's low byte, instead of each of m's lanes. */
#define VEC_EL(fn, bits)                                                                           \
    VEC_FN(fn##_el)                                                                                \
    {                                                                                              \
        const A64Vreg *y = m;                                                                      \
        const uint##bits##_t lane = y->u##bits[vec_imm(desc) & 0xff];                              \
        A64Vreg all;                                                                               \
        for (unsigned i = 0; i < 128 / bits; i++) {                                                \
            all.u##bits[i] = lane;                                                                 \
        }                                                                                          \
        fn(cpu, d, n, &all, desc);                                                                 \
    }
#define ROW_EL_HS(fn) {NULL, fn##_h_el, fn##_s_el, NULL}
#define ROW_EL_HSD(fn) {NULL, fn##_h_el, fn##_s_el, fn##_d_el}
