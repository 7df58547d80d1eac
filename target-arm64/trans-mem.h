/*
 * Addresses and access descriptions of loads and stores, for general and vector registers.
 */
#pragma once

#include "trans.h"
#include "unpredictable.h"

/* A base register with its offset. wback: the base is written with base + offset after the
 * access; post: the access is at the base itself. */
typedef struct {
    uint32_t rn;
    int64_t offset;
    bool wback, post;
} A64Base;

/* Address of the access; reads the base (31 is SP) and its alignment. */
IrVal a64_t_address(A64Trans *t, A64Base base);
/* The access is done: writes the base if wback. `address` is what a64_t_address returned. */
void a64_t_writeback(A64Trans *t, A64Base base, IrVal address);
/* Is a transfer of rt UNDEFINED because the base rn is written as well? */
static inline bool a64_t_overlaps(bool load, uint32_t rn, uint32_t rt)
{
    return load ? a64_unpred_load_writeback(rn, rt) : a64_unpred_store_writeback(rn, rt);
}
/* Base plus an extended register. */
IrVal a64_t_address_reg(A64Trans *t, uint32_t rn, A64Extend index);

/* IR_MEM_* of alignment for acquire, release and atomics. Without FEAT_LSE2 these must be aligned;
 * with it their bytes must lie within 16 aligned ones. */
uint64_t a64_t_ordered(const A64Trans *t);

/* A transfer of one general register, as the data-abort syndrome describes it. */
typedef struct {
    uint32_t size, sign, sf, rt;
    bool ordered;
} A64Transfer;
/* The ISS with ISV = 1 as part of an access's IR_MEM_*. Arm ARM, "ISS encoding for an exception
 * from a Data Abort". */
uint64_t a64_t_iss(const A64Transfer *x);
