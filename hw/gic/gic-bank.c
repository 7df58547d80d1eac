/*
 * The per-interrupt register blocks of GICD and of GICR's SGI_base frame: one word speaks for 32
 * interrupts (ICFGR: for 16). GIC architecture specification, "GICD_IGROUPR<n>" to
 * "GICD_ICFGR<n>", "GICD_INMIR<n>" and their GICR counterparts.
 */
#include "gic-state.h"

uint32_t gic_bank_pending(const GicBank *bank)
{
    return bank->latched | ((bank->level | bank->message) & ~bank->edge);
}

GicPick gic_bank_pick(const GicBank *bank, uint32_t intid, uint8_t priority)
{
    const bool group = bank->group >> (intid % 32) & 1;
    const bool nmi = group && (bank->nmi >> (intid % 32) & 1);
    return (GicPick){intid, nmi ? 0 : priority, group, nmi};
}

/* ICFGR keeps one bit in two: bit 2n+1 of the word is 1 for an edge-triggered interrupt. */
static uint32_t spread(uint32_t half_word)
{
    uint32_t x = half_word & 0xffff;
    x = (x | x << 8) & 0x00ff00ff;
    x = (x | x << 4) & 0x0f0f0f0f;
    x = (x | x << 2) & 0x33333333;
    x = (x | x << 1) & 0x55555555;
    return x << 1;
}

static uint32_t gather(uint32_t word)
{
    uint32_t x = (word >> 1) & 0x55555555;
    x = (x | x >> 1) & 0x33333333;
    x = (x | x >> 2) & 0x0f0f0f0f;
    x = (x | x >> 4) & 0x00ff00ff;
    return (x | x >> 8) & 0xffff;
}

bool gic_bank_read(const GicBank *bank, uint32_t block, uint32_t half, uint32_t *value)
{
    switch (block) {
    case GIC_BLK_GROUP:
        *value = bank->group;
        return true;
    case GIC_BLK_SET_ENABLE:
    case GIC_BLK_CLEAR_ENABLE:
        *value = bank->enabled;
        return true;
    case GIC_BLK_SET_PENDING:
    case GIC_BLK_CLEAR_PENDING:
        *value = gic_bank_pending(bank);
        return true;
    case GIC_BLK_SET_ACTIVE:
    case GIC_BLK_CLEAR_ACTIVE:
        *value = bank->active;
        return true;
    case GIC_BLK_CONFIG:
        *value = spread(bank->edge >> (half * 16));
        return true;
    case GIC_BLK_NMI: /* RES0 for interrupts of Group 0 */
        *value = bank->nmi & bank->group;
        return true;
    default:
        return false;
    }
}

static uint32_t assign(uint32_t *field, uint32_t value)
{
    const uint32_t changed = *field ^ value;
    *field = value;
    return changed;
}

uint32_t gic_bank_write(GicBank *bank, uint32_t block, uint32_t half, uint32_t value,
                        uint32_t fixed_edge)
{
    const uint32_t half_mask = UINT32_C(0xffff) << (half * 16);
    const uint32_t config = half_mask & ~fixed_edge;
    switch (block) {
    case GIC_BLK_GROUP:
        return assign(&bank->group, value);
    case GIC_BLK_SET_ENABLE:
        return assign(&bank->enabled, bank->enabled | value);
    case GIC_BLK_CLEAR_ENABLE:
        return assign(&bank->enabled, bank->enabled & ~value);
    case GIC_BLK_SET_PENDING:
        return assign(&bank->latched, bank->latched | value);
    case GIC_BLK_CLEAR_PENDING:
        return assign(&bank->latched, bank->latched & ~value);
    case GIC_BLK_SET_ACTIVE:
        return assign(&bank->active, bank->active | value);
    case GIC_BLK_CLEAR_ACTIVE:
        return assign(&bank->active, bank->active & ~value);
    case GIC_BLK_CONFIG:
        return assign(&bank->edge,
                      (bank->edge & ~config) | ((gather(value) << (half * 16)) & config));
    case GIC_BLK_NMI:
        return assign(&bank->nmi, value & bank->group);
    default:
        return 0;
    }
}

uint32_t gic_id_register(uint64_t offset, uint8_t part0)
{
    /* PIDR4..7, PIDR0..3, CIDR0..3: Arm, GICv3 (PIDR2.ArchRev = 3). */
    const uint8_t ids[12] = {0x44, 0, 0, 0, part0, 0xb4, 0x3b, 0, 0x0d, 0xf0, 0x05, 0xb1};
    return ids[(offset - 0xffd0) / 4];
}
