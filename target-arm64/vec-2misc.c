/*
 * One integer vector to another, and reductions of a vector to one lane.
 * Arm ARM, "Advanced SIMD two-register miscellaneous", "Advanced SIMD across lanes".
 */
#include "vec-int.h"

/* Lanes of a larger container in reverse. */
VEC_MAP(rev64_b, u, 8, x->u8[i ^ 7])
VEC_MAP(rev64_h, u, 16, x->u16[i ^ 3])
VEC_MAP(rev64_s, u, 32, x->u32[i ^ 1])
VEC_MAP(rev32_b, u, 8, x->u8[i ^ 3])
VEC_MAP(rev32_h, u, 16, x->u16[i ^ 1])
VEC_MAP(rev16_b, u, 8, x->u8[i ^ 1])

/* Neighbours added into a lane of twice the size. */
VEC_MAP(saddlp_b, s, 16, (T)x->s8[2 * i] + (T)x->s8[2 * i + 1])
VEC_MAP(saddlp_h, s, 32, (T)x->s16[2 * i] + (T)x->s16[2 * i + 1])
VEC_MAP(saddlp_s, s, 64, (T)x->s32[2 * i] + (T)x->s32[2 * i + 1])
VEC_MAP(uaddlp_b, u, 16, x->u8[2 * i] + x->u8[2 * i + 1])
VEC_MAP(uaddlp_h, u, 32, (T)x->u16[2 * i] + (T)x->u16[2 * i + 1])
VEC_MAP(uaddlp_s, u, 64, (T)x->u32[2 * i] + (T)x->u32[2 * i + 1])
VEC_MAP(sadalp_b, s, 16, (U)c + x->s8[2 * i] + x->s8[2 * i + 1])
VEC_MAP(sadalp_h, s, 32, (U)c + (U)x->s16[2 * i] + (U)x->s16[2 * i + 1])
VEC_MAP(sadalp_s, s, 64, (U)c + (U)x->s32[2 * i] + (U)x->s32[2 * i + 1])
VEC_MAP(uadalp_b, u, 16, c + x->u8[2 * i] + x->u8[2 * i + 1])
VEC_MAP(uadalp_h, u, 32, c + x->u16[2 * i] + x->u16[2 * i + 1])
VEC_MAP(uadalp_s, u, 64, c + x->u32[2 * i] + x->u32[2 * i + 1])

/* Counts of bits, in lanes of at most 32. */
VEC_BHS(VEC_MAP, cls, s, __builtin_clrsb(a) - (32 - N))
VEC_BHS(VEC_MAP, clz, u, a ? __builtin_clz(a) - (32 - N) : N)
VEC_MAP(cnt_b, u, 8, __builtin_popcount(a))

VEC_WHOLE(not_b, u, 64, ~a)
static inline uint64_t bits_reversed(uint64_t a)
{
    a = (a & 0x5555555555555555) << 1 | (a >> 1 & 0x5555555555555555);
    a = (a & 0x3333333333333333) << 2 | (a >> 2 & 0x3333333333333333);
    return (a & 0x0f0f0f0f0f0f0f0f) << 4 | (a >> 4 & 0x0f0f0f0f0f0f0f0f);
}
VEC_MAP(rbit_b, u, 64, bits_reversed(a))

VEC_BHSD(VEC_WHOLE, cmgt0, s, a > 0)
VEC_BHSD(VEC_WHOLE, cmge0, s, a >= 0)
VEC_BHSD(VEC_WHOLE, cmeq0, s, a == 0)
VEC_BHSD(VEC_WHOLE, cmle0, s, a <= 0)
VEC_BHSD(VEC_WHOLE, cmlt0, s, a < 0)
VEC_BHSD(VEC_WHOLE, abs, s, VEC_SELECT(a < 0, -(VU)a, a))
VEC_BHSD(VEC_WHOLE, neg, u, -a)

#define SATURATED(value) (sat = true, (T)(value))
VEC_BHSD(VEC_LANES, sqabs, s, a == LANE_SMIN ? SATURATED(LANE_SMAX) : (T)(a < 0 ? -a : a))
VEC_BHSD(VEC_LANES, sqneg, s, a == LANE_SMIN ? SATURATED(LANE_SMAX) : (T)-a)
/* The destination is signed and the source unsigned, or the other way round. */
#define ADDED(to, more, nearest)                                                                   \
    ({                                                                                             \
        T r_;                                                                                      \
        __builtin_add_overflow(to, more, &r_) ? SATURATED(nearest) : r_;                           \
    })
VEC_BHSD(VEC_LANES, suqadd, s, ADDED(c, (U)a, LANE_SMAX))
VEC_BHSD(VEC_LANES, usqadd, u, ADDED(c, (S)a, (S)a < 0 ? 0 : LANE_UMAX))

const IrVecFn a64_vec_2misc[A64_SIMD_2MISC_OP_COUNT][4] = {
    [A64_SIMD_2MISC_REV64] = ROW_BHS(rev64),
    [A64_SIMD_2MISC_REV32] = {rev32_b, rev32_h, NULL, NULL},
    [A64_SIMD_2MISC_REV16] = ROW_B(rev16),
    [A64_SIMD_2MISC_SADDLP] = ROW_BHS(saddlp),
    [A64_SIMD_2MISC_UADDLP] = ROW_BHS(uaddlp),
    [A64_SIMD_2MISC_SADALP] = ROW_BHS(sadalp),
    [A64_SIMD_2MISC_UADALP] = ROW_BHS(uadalp),
    [A64_SIMD_2MISC_CLS] = ROW_BHS(cls),
    [A64_SIMD_2MISC_CLZ] = ROW_BHS(clz),
    [A64_SIMD_2MISC_CNT] = ROW_B(cnt),
    [A64_SIMD_2MISC_NOT] = ROW_B(not),
    [A64_SIMD_2MISC_RBIT] = ROW_B(rbit),
    [A64_SIMD_2MISC_CMGT0] = ROW_BHSD(cmgt0),
    [A64_SIMD_2MISC_CMGE0] = ROW_BHSD(cmge0),
    [A64_SIMD_2MISC_CMEQ0] = ROW_BHSD(cmeq0),
    [A64_SIMD_2MISC_CMLE0] = ROW_BHSD(cmle0),
    [A64_SIMD_2MISC_CMLT0] = ROW_BHSD(cmlt0),
    [A64_SIMD_2MISC_ABS] = ROW_BHSD(abs),
    [A64_SIMD_2MISC_NEG] = ROW_BHSD(neg),
    [A64_SIMD_2MISC_SQABS] = ROW_BHSD(sqabs),
    [A64_SIMD_2MISC_SQNEG] = ROW_BHSD(sqneg),
    [A64_SIMD_2MISC_SUQADD] = ROW_BHSD(suqadd),
    [A64_SIMD_2MISC_USQADD] = ROW_BHSD(usqadd),
};

/* One lane of rbits made of all: a = what there is so far, b = the next lane of n. */
#define ACROSS(fn, sg, bits, rbits, expr)                                                          \
    VEC_FN(fn)                                                                                     \
    {                                                                                              \
        const A64Vreg *x = n;                                                                      \
        const unsigned lanes = vec_bytes(desc) * 8 / bits;                                         \
        A64Vreg r = {0};                                                                           \
        __typeof__(r.sg##rbits[0]) a = x->sg##bits[0];                                             \
        for (unsigned i = 1; i < lanes; i++) {                                                     \
            const __typeof__(a) b = x->sg##bits[i];                                                \
            a = (__typeof__(a))(expr);                                                             \
        }                                                                                          \
        r.sg##rbits[0] = a;                                                                        \
        *(A64Vreg *)d = r;                                                                         \
    }
#define ACROSS_BHS(fn, sg, expr)                                                                   \
    ACROSS(fn##_b, sg, 8, 8, expr) ACROSS(fn##_h, sg, 16, 16, expr) ACROSS(fn##_s, sg, 32, 32, expr)
#define ACROSS_LONG(fn, sg, expr)                                                                  \
    ACROSS(fn##_b, sg, 8, 16, expr)                                                                \
    ACROSS(fn##_h, sg, 16, 32, expr) ACROSS(fn##_s, sg, 32, 64, expr)
ACROSS_BHS(addv, u, a + b)
ACROSS_BHS(smaxv, s, a > b ? a : b)
ACROSS_BHS(umaxv, u, a > b ? a : b)
ACROSS_BHS(sminv, s, a < b ? a : b)
ACROSS_BHS(uminv, u, a < b ? a : b)
ACROSS_LONG(saddlv, s, a + b)
ACROSS_LONG(uaddlv, u, a + b)

const IrVecFn a64_vec_across[A64_SIMD_ACROSS_OP_COUNT][4] = {
    [A64_SIMD_ACROSS_ADDV] = ROW_BHS(addv),     [A64_SIMD_ACROSS_SMAXV] = ROW_BHS(smaxv),
    [A64_SIMD_ACROSS_UMAXV] = ROW_BHS(umaxv),   [A64_SIMD_ACROSS_SMINV] = ROW_BHS(sminv),
    [A64_SIMD_ACROSS_UMINV] = ROW_BHS(uminv),   [A64_SIMD_ACROSS_SADDLV] = ROW_BHS(saddlv),
    [A64_SIMD_ACROSS_UADDLV] = ROW_BHS(uaddlv),
};
