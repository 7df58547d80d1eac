/*
 * Lanes moved about. Arm ARM, "Advanced SIMD permute", "Advanced SIMD extract",
 * "Advanced SIMD table lookup", "Advanced SIMD copy".
 */
#include <string.h>

#include "vec-int.h"

/* lanes and half are constants in each loop, which makes shuffles of them. */
#define PERM_LOOP(bits, bytes, expr)                                                               \
    do {                                                                                           \
        enum { lanes = (bytes) * 8 / bits, half = lanes / 2 };                                     \
        for (unsigned i = 0; i < lanes; i++) {                                                     \
            r.u##bits[i] = (expr)->u##bits[PERM_AT];                                               \
        }                                                                                          \
    } while (0)
#define PERM(fn, bits, from)                                                                       \
    VEC_FN(fn)                                                                                     \
    {                                                                                              \
        const A64Vreg x = *(const A64Vreg *)n, y = *(const A64Vreg *)m;                            \
        A64Vreg r = {0};                                                                           \
        if (desc & 16) {                                                                           \
            PERM_LOOP(bits, 16, from);                                                             \
        } else {                                                                                   \
            PERM_LOOP(bits, 8, from);                                                              \
        }                                                                                          \
        *(A64Vreg *)d = r;                                                                         \
    }
#define PERM_BHSD(fn, from)                                                                        \
    PERM(fn##_b, 8, from)                                                                          \
    PERM(fn##_h, 16, from)                                                                         \
    PERM(fn##_s, 32, from)                                                                         \
    PERM(fn##_d, 64, from)
#define ALTERNATELY (i & 1 ? &y : &x)
#define IN_TURN ((int)i < (int)half ? &x : &y)
#define PERM_AT (i / 2)
PERM_BHSD(zip1, ALTERNATELY)
#undef PERM_AT
#define PERM_AT (half + i / 2)
PERM_BHSD(zip2, ALTERNATELY)
#undef PERM_AT
#define PERM_AT (2 * i % lanes)
PERM_BHSD(uzp1, IN_TURN)
#undef PERM_AT
#define PERM_AT (2 * i % lanes + 1)
PERM_BHSD(uzp2, IN_TURN)
#undef PERM_AT
#define PERM_AT (i & ~1u)
PERM_BHSD(trn1, ALTERNATELY)
#undef PERM_AT
#define PERM_AT (i | 1)
PERM_BHSD(trn2, ALTERNATELY)
#undef PERM_AT

const IrVecFn a64_vec_perm[A64_SIMD_PERM_OP_COUNT][4] = {
    [A64_SIMD_PERM_ZIP1] = ROW_BHSD(zip1), [A64_SIMD_PERM_ZIP2] = ROW_BHSD(zip2),
    [A64_SIMD_PERM_UZP1] = ROW_BHSD(uzp1), [A64_SIMD_PERM_UZP2] = ROW_BHSD(uzp2),
    [A64_SIMD_PERM_TRN1] = ROW_BHSD(trn1), [A64_SIMD_PERM_TRN2] = ROW_BHSD(trn2),
};

VEC_MAP(dup_b, u, 8, x->u8[imm])
VEC_MAP(dup_h, u, 16, x->u16[imm])
VEC_MAP(dup_s, u, 32, x->u32[imm])
VEC_MAP(dup_d, u, 64, x->u64[imm])

const IrVecFn a64_vec_dup[4] = ROW_BHSD(dup);

void a64_vec_ext(void *cpu, void *d, const void *n, const void *m, uint64_t desc)
{
    const uint64_t *x = ((const A64Vreg *)n)->d, *y = ((const A64Vreg *)m)->d;
    const bool q = desc & 16;
    const uint64_t both[4] = {x[0], q ? x[1] : y[0], y[0], y[1]};
    const unsigned word = vec_imm(desc) / 8, shift = vec_imm(desc) % 8 * 8;
    A64Vreg r;
    for (unsigned i = 0; i < 2; i++) {
        const uint64_t low = both[word + i], high = both[word + i + 1];
        r.d[i] = (uint64_t)(((unsigned __int128)high << 64 | low) >> shift);
    }
    vec_put(d, &r, desc);
}

/*
 * Bytes of a table of 1 to 4 consecutive registers (31 is followed by 0), picked by the bytes of
 * rm.
 */
static void lookup(A64Vreg *v, uint64_t regs, uint64_t desc, bool keep)
{
    const unsigned rn = regs >> 8 & 31, size = 16 * vec_imm(desc);
    uint8_t table[64];
    for (unsigned i = 0; i < size / 16; i++) {
        memcpy(table + 16 * i, &v[(rn + i) % 32], 16);
    }
    const A64Vreg index = v[regs >> 16 & 31];
    A64Vreg *const d = &v[regs & 31];
    A64Vreg r = {0};
    for (unsigned i = 0; i < vec_bytes(desc); i++) {
        r.u8[i] = index.u8[i] < size ? table[index.u8[i]] : keep ? d->u8[i] : 0;
    }
    *d = r;
}

static uint64_t tbl(void *cpu, uint64_t regs, uint64_t desc, uint64_t unused)
{
    lookup(a64_cpu(cpu)->st.v, regs, desc, false);
    return 0;
}

static uint64_t tbx(void *cpu, uint64_t regs, uint64_t desc, uint64_t unused)
{
    lookup(a64_cpu(cpu)->st.v, regs, desc, true);
    return 0;
}

const IrHelper a64_vec_tbl = {"tbl", tbl, 2, IR_H_READS | IR_H_WRITES};
const IrHelper a64_vec_tbx = {"tbx", tbx, 2, IR_H_READS | IR_H_WRITES};

/* FEAT_LUT: elements of one register, or of two where a 4-bit index picks halfwords, by packed
 * indices. desc: bits of an index, log2 of an element's bytes << 8, segment << 16. */
static uint64_t lut(void *cpu, uint64_t regs, uint64_t desc, uint64_t unused)
{
    A64Vreg *const v = a64_cpu(cpu)->st.v;
    const unsigned bits = desc & 15, size = desc >> 8 & 1, part = desc >> 16 & 7;
    const unsigned lanes = 16u >> size, rn = regs >> 8 & 31;
    const A64Vreg table[2] = {v[rn], v[(rn + 1) % 32]}, indices = v[regs >> 16 & 31];
    A64Vreg r;
    for (unsigned e = 0; e < lanes; e++) {
        const unsigned at = (lanes * part + e) * bits;
        const unsigned index = indices.u8[at / 8] >> at % 8 & ((1u << bits) - 1);
        if (size == 0) {
            r.u8[e] = table[0].u8[index];
        } else {
            r.u16[e] = table[index / 8].u16[index % 8];
        }
    }
    v[regs & 31] = r;
    return 0;
}

const IrHelper a64_vec_lut = {"lut", lut, 2, IR_H_READS | IR_H_WRITES};
