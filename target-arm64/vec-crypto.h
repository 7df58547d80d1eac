/*
 * Helpers of the cryptographic instructions, by operation. They work on all 16 bytes; descriptors
 * have bytes 16.
 */
#pragma once

#include "a64-decode.h"
#include "vec.h"

extern const IrVecFn a64_vec_aes[A64_AES_OP_COUNT];
extern const IrVecFn a64_vec_sha1[A64_SHA1_OP_COUNT];
extern const IrVecFn a64_vec_sha256[A64_SHA256_OP_COUNT];
extern const IrVecFn a64_vec_sha512[A64_SHA512_OP_COUNT];
/* The immediate is the rotation of XAR; the fourth operand that of EOR3 and BCAX. */
extern const IrVecFn a64_vec_sha3[A64_SHA3_OP_COUNT];
/* The immediate is the word of m that SM3TT* take; the fourth operand that of SM3SS1. */
extern const IrVecFn a64_vec_sm3[A64_SM3_OP_COUNT];
extern const IrVecFn a64_vec_sm4[A64_SM4_OP_COUNT];
