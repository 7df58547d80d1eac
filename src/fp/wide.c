/*
 * Arithmetic on unpacked numbers: exact, or with a sticky low bit far below any rounding position.
 */
#include "core.h"

static int clz128(FpU128 a)
{
    uint64_t high = (uint64_t)(a >> 64);
    return high ? __builtin_clzll(high) : 64 + __builtin_clzll((uint64_t)a);
}

FpWide fp_wide_of(FpParts a)
{
    if (a.cls != FP_CLASS_FINITE) {
        return (FpWide){.sign = a.sign};
    }
    return (FpWide){.sign = a.sign, .exp = a.exp, .sig = (FpU128)a.sig << 64};
}

FpWide fp_wide_normalise(FpWide value)
{
    if (value.sig != 0) {
        int shift = clz128(value.sig);
        value.sig <<= shift;
        value.exp -= shift;
    }
    return value;
}

static FpU128 shift_right_sticky(FpU128 a, int shift)
{
    if (shift > 127) {
        return a != 0;
    }
    FpU128 lost = a & (((FpU128)1 << shift) - 1);
    return a >> shift | (lost != 0);
}

static bool less_in_magnitude(FpWide a, FpWide b)
{
    return a.exp != b.exp ? a.exp < b.exp : a.sig < b.sig;
}

/*
 * Both operands end in at least 22 zero bits (a product of 53-bit significands fills 106), so the
 * shift that makes room for the carry loses nothing, and bits lost in alignment lie below any
 * rounding position: cancellation of more than one bit only happens when none were.
 */
FpWide fp_wide_add(FpWide a, FpWide b)
{
    if (a.sig == 0) {
        return b;
    }
    if (b.sig == 0) {
        return a;
    }
    if (less_in_magnitude(a, b)) {
        FpWide swap = a;
        a = b;
        b = swap;
    }
    FpU128 large = a.sig >> 1;
    FpU128 small = shift_right_sticky(b.sig, a.exp - b.exp + 1);
    return fp_wide_normalise((FpWide){
        .sign = a.sign, .exp = a.exp + 1, .sig = a.sign == b.sign ? large + small : large - small});
}

FpWide fp_wide_mul(FpParts a, FpParts b)
{
    bool sign = a.sign != b.sign;
    if (a.cls != FP_CLASS_FINITE || b.cls != FP_CLASS_FINITE) {
        return (FpWide){.sign = sign};
    }
    return fp_wide_normalise(
        (FpWide){.sign = sign, .exp = a.exp + b.exp + 1, .sig = (FpU128)a.sig * b.sig});
}

uint64_t fp_isqrt(FpU128 a)
{
    FpU128 root = 0;
    for (FpU128 bit = (FpU128)1 << 126; bit != 0; bit >>= 2) {
        FpU128 trial = root + bit;
        root >>= 1;
        if (a >= trial) {
            a -= trial;
            root += bit;
        }
    }
    return (uint64_t)root;
}
