/*
 * SM3 and SM4. Arm ARM, the instructions' own pages; GB/T 32905 (SM3), GB/T 32907 (SM4).
 */
#include "vec-crypto.h"

static inline uint32_t rol32(uint32_t a, unsigned bits)
{
    return a << (bits & 31) | a >> (-bits & 31);
}

/* ---- SM3: permutations, the message schedule, and halves of a round ---- */

static inline uint32_t p0(uint32_t a)
{
    return a ^ rol32(a, 9) ^ rol32(a, 17);
}

static inline uint32_t p1(uint32_t a)
{
    return a ^ rol32(a, 15) ^ rol32(a, 23);
}

VEC_FN(sm3partw1)
{
    const A64Vreg *x = n, *y = m, *z = d;
    A64Vreg r;
    for (unsigned i = 0; i < 4; i++) {
        const uint32_t older = rol32(i < 3 ? y->u32[i + 1] : r.u32[0], 15);
        r.u32[i] = p1(z->u32[i] ^ x->u32[i] ^ older);
    }
    *(A64Vreg *)d = r;
}

VEC_FN(sm3partw2)
{
    const A64Vreg *x = n, *y = m;
    A64Vreg r = *(A64Vreg *)d;
    for (unsigned i = 0; i < 4; i++) {
        r.u32[i] ^= x->u32[i] ^ rol32(y->u32[i], 7);
    }
    r.u32[3] ^= p1(rol32(x->u32[0] ^ rol32(y->u32[0], 7), 15));
    *(A64Vreg *)d = r;
}

VEC_FN(sm3ss1)
{
    const A64Vreg *x = n, *y = m;
    const uint32_t sum = rol32(x->u32[3], 12) + y->u32[3] + vec_also(cpu, desc)->u32[3];
    *(A64Vreg *)d = (A64Vreg){.u32 = {0, 0, 0, rol32(sum, 7)}};
}

#define PARITY(x, y, z) ((x) ^ (y) ^ (z))
#define MAJORITY(x, y, z) (((x) & (y)) | (((x) | (y)) & (z)))
#define CHOOSE(x, y, z) ((((y) ^ (z)) & (x)) ^ (z))

/* A half round on four words, the newest last: `add` besides the function, the oldest and W. */
#define SM3_HALF(fn, f, add, rotation, last)                                                       \
    VEC_FN(fn)                                                                                     \
    {                                                                                              \
        const A64Vreg *x = n, *y = m, z = *(A64Vreg *)d;                                           \
        const uint32_t newest = z.u32[3];                                                          \
        const uint32_t t = f(newest, z.u32[2], z.u32[1]) + z.u32[0] + (add) +                      \
                           y->u32[vec_imm(desc)];                                                  \
        *(A64Vreg *)d =                                                                            \
            (A64Vreg){.u32 = {z.u32[1], rol32(z.u32[2], rotation), newest, last(t)}};              \
    }
#define AS_IS(t) (t)
SM3_HALF(sm3tt1a, PARITY, x->u32[3] ^ rol32(newest, 12), 9, AS_IS)
SM3_HALF(sm3tt1b, MAJORITY, x->u32[3] ^ rol32(newest, 12), 9, AS_IS)
SM3_HALF(sm3tt2a, PARITY, x->u32[3], 19, p0)
SM3_HALF(sm3tt2b, CHOOSE, x->u32[3], 19, p0)

const IrVecFn a64_vec_sm3[A64_SM3_OP_COUNT] = {
    [A64_SM3_SM3PARTW1] = sm3partw1, [A64_SM3_SM3PARTW2] = sm3partw2,
    [A64_SM3_SM3SS1] = sm3ss1,       [A64_SM3_SM3TT1A] = sm3tt1a,
    [A64_SM3_SM3TT1B] = sm3tt1b,     [A64_SM3_SM3TT2A] = sm3tt2a,
    [A64_SM3_SM3TT2B] = sm3tt2b,
};

/* ---- SM4 ---- */

/* Inverse in GF(2^8) modulo x^8 + x^7 + x^6 + x^5 + x^4 + x^2 + 1 between two affine maps. */
static const uint8_t sub[256] = {
    0xd6, 0x90, 0xe9, 0xfe, 0xcc, 0xe1, 0x3d, 0xb7, 0x16, 0xb6, 0x14, 0xc2, 0x28, 0xfb, 0x2c, 0x05,
    0x2b, 0x67, 0x9a, 0x76, 0x2a, 0xbe, 0x04, 0xc3, 0xaa, 0x44, 0x13, 0x26, 0x49, 0x86, 0x06, 0x99,
    0x9c, 0x42, 0x50, 0xf4, 0x91, 0xef, 0x98, 0x7a, 0x33, 0x54, 0x0b, 0x43, 0xed, 0xcf, 0xac, 0x62,
    0xe4, 0xb3, 0x1c, 0xa9, 0xc9, 0x08, 0xe8, 0x95, 0x80, 0xdf, 0x94, 0xfa, 0x75, 0x8f, 0x3f, 0xa6,
    0x47, 0x07, 0xa7, 0xfc, 0xf3, 0x73, 0x17, 0xba, 0x83, 0x59, 0x3c, 0x19, 0xe6, 0x85, 0x4f, 0xa8,
    0x68, 0x6b, 0x81, 0xb2, 0x71, 0x64, 0xda, 0x8b, 0xf8, 0xeb, 0x0f, 0x4b, 0x70, 0x56, 0x9d, 0x35,
    0x1e, 0x24, 0x0e, 0x5e, 0x63, 0x58, 0xd1, 0xa2, 0x25, 0x22, 0x7c, 0x3b, 0x01, 0x21, 0x78, 0x87,
    0xd4, 0x00, 0x46, 0x57, 0x9f, 0xd3, 0x27, 0x52, 0x4c, 0x36, 0x02, 0xe7, 0xa0, 0xc4, 0xc8, 0x9e,
    0xea, 0xbf, 0x8a, 0xd2, 0x40, 0xc7, 0x38, 0xb5, 0xa3, 0xf7, 0xf2, 0xce, 0xf9, 0x61, 0x15, 0xa1,
    0xe0, 0xae, 0x5d, 0xa4, 0x9b, 0x34, 0x1a, 0x55, 0xad, 0x93, 0x32, 0x30, 0xf5, 0x8c, 0xb1, 0xe3,
    0x1d, 0xf6, 0xe2, 0x2e, 0x82, 0x66, 0xca, 0x60, 0xc0, 0x29, 0x23, 0xab, 0x0d, 0x53, 0x4e, 0x6f,
    0xd5, 0xdb, 0x37, 0x45, 0xde, 0xfd, 0x8e, 0x2f, 0x03, 0xff, 0x6a, 0x72, 0x6d, 0x6c, 0x5b, 0x51,
    0x8d, 0x1b, 0xaf, 0x92, 0xbb, 0xdd, 0xbc, 0x7f, 0x11, 0xd9, 0x5c, 0x41, 0x1f, 0x10, 0x5a, 0xd8,
    0x0a, 0xc1, 0x31, 0x88, 0xa5, 0xcd, 0x7b, 0xbd, 0x2d, 0x74, 0xd0, 0x12, 0xb8, 0xe5, 0xb4, 0xb0,
    0x89, 0x69, 0x97, 0x4a, 0x0c, 0x96, 0x77, 0x7e, 0x65, 0xb9, 0xf1, 0x09, 0xc5, 0x6e, 0xc6, 0x84,
    0x18, 0xf0, 0x7d, 0xec, 0x3a, 0xdc, 0x4d, 0x20, 0x79, 0xee, 0x5f, 0x3e, 0xd7, 0xcb, 0x39, 0x48,
};

static uint32_t substituted(uint32_t a)
{
    return sub[a & 0xff] | (uint32_t)sub[a >> 8 & 0xff] << 8 | (uint32_t)sub[a >> 16 & 0xff] << 16 |
           (uint32_t)sub[a >> 24] << 24;
}

static inline uint32_t cipher_map(uint32_t a)
{
    return a ^ rol32(a, 2) ^ rol32(a, 10) ^ rol32(a, 18) ^ rol32(a, 24);
}

static inline uint32_t key_map(uint32_t a)
{
    return a ^ rol32(a, 13) ^ rol32(a, 23);
}

/* Four rounds on the words of `start`, with a key or constant each. */
#define SM4_ROUNDS(fn, start, keys, map)                                                           \
    VEC_FN(fn)                                                                                     \
    {                                                                                              \
        A64Vreg r = *(const A64Vreg *)(start);                                                     \
        const A64Vreg key = *(const A64Vreg *)(keys);                                              \
        for (unsigned i = 0; i < 4; i++) {                                                         \
            const uint32_t mix = r.u32[3] ^ r.u32[2] ^ r.u32[1] ^ key.u32[i];                      \
            const uint32_t next = r.u32[0] ^ map(substituted(mix));                                \
            r = (A64Vreg){.u32 = {r.u32[1], r.u32[2], r.u32[3], next}};                            \
        }                                                                                          \
        *(A64Vreg *)d = r;                                                                         \
    }
SM4_ROUNDS(sm4e, d, n, cipher_map)
SM4_ROUNDS(sm4ekey, n, m, key_map)

const IrVecFn a64_vec_sm4[A64_SM4_OP_COUNT] = {
    [A64_SM4_SM4E] = sm4e,
    [A64_SM4_SM4EKEY] = sm4ekey,
};
