/*
 * CRC32 and CRC32C of FEAT_CRC32: bit-reflected, no initial or final inversion.
 * Arm ARM, "CRC32B, CRC32H, CRC32W, CRC32X", polynomials 0x04C11DB7 and 0x1EDC6F41.
 */
#include "helpers.h"

/* The polynomials with their bits reversed. */
enum { STEPS = 4 };
static const uint32_t ieee = 0xedb88320, castagnoli = 0x82f63b78;

/* What the low four bits of the accumulator turn into after four steps. */
static uint32_t nibble(uint32_t polynomial, uint32_t v)
{
    for (unsigned i = 0; i < STEPS; i++) {
        v = v & 1 ? v >> 1 ^ polynomial : v >> 1;
    }
    return v;
}

static uint32_t crc(uint32_t polynomial, uint32_t acc, uint64_t data, unsigned bytes)
{
    uint32_t table[16];

    for (uint32_t i = 0; i < 16; i++) {
        table[i] = nibble(polynomial, i);
    }
    for (unsigned i = 0; i < 2 * bytes; i++) {
        acc = acc >> STEPS ^ table[(acc ^ data) & 15];
        data >>= STEPS;
    }
    return acc;
}

static uint64_t crc32(void *cpu, uint64_t acc, uint64_t data, uint64_t size)
{
    return crc(ieee, (uint32_t)acc, data, 1u << size);
}

static uint64_t crc32c(void *cpu, uint64_t acc, uint64_t data, uint64_t size)
{
    return crc(castagnoli, (uint32_t)acc, data, 1u << size);
}

const IrHelper a64_h_crc32 = {"crc32", crc32, 3, IR_H_PURE};
const IrHelper a64_h_crc32c = {"crc32c", crc32c, 3, IR_H_PURE};
