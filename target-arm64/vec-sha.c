/*
 * Hash functions: parts of SHA-1, SHA-256, SHA-512 and SHA-3 on vectors of words. Arm ARM, the
 * instructions' own pages and SHA256hash, SHAchoose, SHAmajority; FIPS 180-4, FIPS 202.
 */
#include "vec-crypto.h"

static inline uint32_t ror32(uint32_t a, unsigned bits)
{
    return a >> (bits & 31) | a << (-bits & 31);
}

static inline uint64_t ror64(uint64_t a, unsigned bits)
{
    return a >> (bits & 63) | a << (-bits & 63);
}

#define CHOOSE(x, y, z) ((((y) ^ (z)) & (x)) ^ (z))
#define PARITY(x, y, z) ((x) ^ (y) ^ (z))
#define MAJORITY(x, y, z) (((x) & (y)) | (((x) | (y)) & (z)))

/* ---- SHA-1: a to d in the destination, e in n, four words with their constant in m ---- */

#define SHA1_ROUNDS(fn, f)                                                                         \
    VEC_FN(fn)                                                                                     \
    {                                                                                              \
        A64Vreg v = *(A64Vreg *)d;                                                                 \
        const A64Vreg w = *(const A64Vreg *)m;                                                     \
        uint32_t e = ((const A64Vreg *)n)->u32[0];                                                 \
        for (unsigned i = 0; i < 4; i++) {                                                         \
            const uint32_t mix = f(v.u32[1], v.u32[2], v.u32[3]);                                  \
            const uint32_t next = ror32(v.u32[0], 27) + mix + e + w.u32[i];                        \
            e = v.u32[3];                                                                          \
            v = (A64Vreg){.u32 = {next, v.u32[0], ror32(v.u32[1], 2), v.u32[2]}};                  \
        }                                                                                          \
        *(A64Vreg *)d = v;                                                                         \
    }
SHA1_ROUNDS(sha1c, CHOOSE)
SHA1_ROUNDS(sha1p, PARITY)
SHA1_ROUNDS(sha1m, MAJORITY)
VEC_MAP(sha1h, u, 32, i ? 0 : ror32(a, 2))
VEC_MAP(sha1su0, u, 64, (i ? x->d[0] : z->d[1]) ^ c ^ b)

VEC_FN(sha1su1)
{
    const A64Vreg *x = n;
    A64Vreg v = *(A64Vreg *)d;
    for (unsigned i = 0; i < 4; i++) {
        v.u32[i] = ror32(v.u32[i] ^ (i < 3 ? x->u32[i + 1] : 0), 31);
    }
    v.u32[3] ^= ror32(v.u32[0], 31);
    *(A64Vreg *)d = v;
}

const IrVecFn a64_vec_sha1[A64_SHA1_OP_COUNT] = {
    [A64_SHA1_SHA1C] = sha1c, [A64_SHA1_SHA1P] = sha1p,     [A64_SHA1_SHA1M] = sha1m,
    [A64_SHA1_SHA1H] = sha1h, [A64_SHA1_SHA1SU0] = sha1su0, [A64_SHA1_SHA1SU1] = sha1su1,
};

/* ---- SHA-256: four rounds on a to d and e to h with four words ---- */

static void sha256_rounds(A64Vreg *abcd, A64Vreg *efgh, const A64Vreg *w)
{
    for (unsigned i = 0; i < 4; i++) {
        const uint32_t *a = abcd->u32, *e = efgh->u32;
        const uint32_t sum1 = ror32(e[0], 6) ^ ror32(e[0], 11) ^ ror32(e[0], 25);
        const uint32_t sum0 = ror32(a[0], 2) ^ ror32(a[0], 13) ^ ror32(a[0], 22);
        const uint32_t t = e[3] + sum1 + CHOOSE(e[0], e[1], e[2]) + w->u32[i];
        const uint32_t first = t + sum0 + MAJORITY(a[0], a[1], a[2]), fifth = a[3] + t;
        *abcd = (A64Vreg){.u32 = {first, a[0], a[1], a[2]}};
        *efgh = (A64Vreg){.u32 = {fifth, e[0], e[1], e[2]}};
    }
}

VEC_FN(sha256h)
{
    A64Vreg abcd = *(A64Vreg *)d, efgh = *(const A64Vreg *)n;
    sha256_rounds(&abcd, &efgh, m);
    *(A64Vreg *)d = abcd;
}

VEC_FN(sha256h2)
{
    A64Vreg abcd = *(const A64Vreg *)n, efgh = *(A64Vreg *)d;
    sha256_rounds(&abcd, &efgh, m);
    *(A64Vreg *)d = efgh;
}

/* Word i + 1 of eight that start with those of p. */
static inline uint32_t next_word(const A64Vreg *p, const A64Vreg *q, unsigned i)
{
    return i < 3 ? p->u32[i + 1] : q->u32[0];
}

static inline uint32_t sigma0(uint32_t a)
{
    return ror32(a, 7) ^ ror32(a, 18) ^ a >> 3;
}

VEC_MAP(sha256su0, u, 32, c + sigma0(next_word(z, x, i)))

VEC_FN(sha256su1)
{
    const A64Vreg *x = n, *y = m, *z = d;
    A64Vreg r;
    for (unsigned i = 0; i < 4; i++) {
        const uint32_t a = i < 2 ? y->u32[i + 2] : r.u32[i - 2];
        const uint32_t sigma1 = ror32(a, 17) ^ ror32(a, 19) ^ a >> 10;
        r.u32[i] = z->u32[i] + sigma1 + next_word(x, y, i);
    }
    *(A64Vreg *)d = r;
}

const IrVecFn a64_vec_sha256[A64_SHA256_OP_COUNT] = {
    [A64_SHA256_SHA256H] = sha256h,
    [A64_SHA256_SHA256H2] = sha256h2,
    [A64_SHA256_SHA256SU0] = sha256su0,
    [A64_SHA256_SHA256SU1] = sha256su1,
};

/* ---- SHA-512: two rounds; the second takes what the first has made ---- */

static inline uint64_t big_sigma1(uint64_t a)
{
    return ror64(a, 14) ^ ror64(a, 18) ^ ror64(a, 41);
}

static inline uint64_t big_sigma0(uint64_t a)
{
    return ror64(a, 28) ^ ror64(a, 34) ^ ror64(a, 39);
}

VEC_FN(sha512h)
{
    const uint64_t *x = ((const A64Vreg *)n)->d, *y = ((const A64Vreg *)m)->d;
    const uint64_t *w = ((A64Vreg *)d)->d;
    const uint64_t high = w[1] + big_sigma1(y[1]) + CHOOSE(y[1], x[0], x[1]);
    const uint64_t e = high + y[0];
    const uint64_t low = w[0] + big_sigma1(e) + CHOOSE(e, y[1], x[0]);
    *(A64Vreg *)d = (A64Vreg){.d = {low, high}};
}

VEC_FN(sha512h2)
{
    const uint64_t *x = ((const A64Vreg *)n)->d, *y = ((const A64Vreg *)m)->d;
    const uint64_t *w = ((A64Vreg *)d)->d;
    const uint64_t high = w[1] + big_sigma0(y[0]) + MAJORITY(x[0], y[1], y[0]);
    const uint64_t low = w[0] + big_sigma0(high) + MAJORITY(high, y[0], y[1]);
    *(A64Vreg *)d = (A64Vreg){.d = {low, high}};
}

static inline uint64_t small_sigma0(uint64_t a)
{
    return ror64(a, 1) ^ ror64(a, 8) ^ a >> 7;
}

static inline uint64_t small_sigma1(uint64_t a)
{
    return ror64(a, 19) ^ ror64(a, 61) ^ a >> 6;
}

VEC_MAP(sha512su0, u, 64, c + small_sigma0(i ? x->d[0] : z->d[1]))
VEC_MAP(sha512su1, u, 64, c + small_sigma1(a) + b)

const IrVecFn a64_vec_sha512[A64_SHA512_OP_COUNT] = {
    [A64_SHA512_SHA512H] = sha512h,
    [A64_SHA512_SHA512H2] = sha512h2,
    [A64_SHA512_SHA512SU0] = sha512su0,
    [A64_SHA512_SHA512SU1] = sha512su1,
};

/* ---- SHA-3 ---- */

VEC_MAP(eor3, u, 64, a ^ b ^ vec_also(cpu, desc)->d[i])
VEC_MAP(bcax, u, 64, a ^ (b & ~vec_also(cpu, desc)->d[i]))
VEC_MAP(rax1, u, 64, a ^ ror64(b, 63))
VEC_MAP(xar, u, 64, ror64(a ^ b, imm))

const IrVecFn a64_vec_sha3[A64_SHA3_OP_COUNT] = {
    [A64_SHA3_EOR3] = eor3,
    [A64_SHA3_BCAX] = bcax,
    [A64_SHA3_RAX1] = rax1,
    [A64_SHA3_XAR] = xar,
};
