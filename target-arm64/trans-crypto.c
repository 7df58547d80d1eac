/*
 * Cryptographic instructions: one helper each. Arm ARM, "The Cryptographic Extension".
 */
#include "a64-decode.h"
#include "trans-simd.h"
#include "vec-crypto.h"

bool a64_trans_aes(A64Trans *t, const A64Args_crypto *a)
{
    return simd_emit(t, a64_vec_aes[a->op], (const unsigned[3]){a->rd, a->rn, a->rn}, 16);
}

static bool emit3(A64Trans *t, IrVecFn fn, const A64Args_crypto *a)
{
    return simd_emit(t, fn, (const unsigned[3]){a->rd, a->rn, a->rm}, 16);
}

bool a64_trans_sha1(A64Trans *t, const A64Args_crypto *a)
{
    return emit3(t, a64_vec_sha1[a->op], a);
}

bool a64_trans_sha256(A64Trans *t, const A64Args_crypto *a)
{
    return emit3(t, a64_vec_sha256[a->op], a);
}

bool a64_trans_sha512(A64Trans *t, const A64Args_crypto *a)
{
    return emit3(t, a64_vec_sha512[a->op], a);
}

bool a64_trans_sha3(A64Trans *t, const A64Args_crypto *a)
{
    const uint64_t desc = A64_VEC_DESC(16, a->imm) | IR_VEC_ALSO(A64_OFF_V(a->ra));
    return simd_emit(t, a64_vec_sha3[a->op], (const unsigned[3]){a->rd, a->rn, a->rm}, desc);
}

bool a64_trans_sm3(A64Trans *t, const A64Args_crypto *a)
{
    const uint64_t desc = A64_VEC_DESC(16, a->imm) | IR_VEC_ALSO(A64_OFF_V(a->ra));
    return simd_emit(t, a64_vec_sm3[a->op], (const unsigned[3]){a->rd, a->rn, a->rm}, desc);
}

bool a64_trans_sm4(A64Trans *t, const A64Args_crypto *a)
{
    return emit3(t, a64_vec_sm4[a->op], a);
}
