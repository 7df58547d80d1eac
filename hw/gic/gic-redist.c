/*
 * The redistributors' register frames: RD_base and SGI_base of each PE, 64 KiB each.
 * GIC architecture specification, "The GIC Redistributor registers".
 * DirectLPI is 0: LPIs come from the ITS. The invalidate registers are there (GICR_CTLR.IR), and
 * LPIs can be disabled again (GICR_CTLR.CES).
 */
#include "gic-lpi.h"

enum {
    GICR_CTLR = 0x0,
    GICR_IIDR = 0x4,
    GICR_TYPER = 0x8,
    GICR_TYPER_HIGH = 0xc,
    GICR_STATUSR = 0x10,
    GICR_WAKER = 0x14,
    GICR_PROPBASER = 0x70,
    GICR_PENDBASER = 0x78,
    GICR_BASER_END = 0x80,
    GICR_INVLPIR = 0xa0,
    GICR_INVLPIR_HIGH = 0xa4,
    GICR_INVALLR = 0xb0,
    GICR_INVALLR_HIGH = 0xb4,
    GICR_SYNCR = 0xc0,
    GICR_IDREGS = 0xffd0,
    GICR_SGI_BASE = 0x10000,
    SGI_IPRIORITYR = 0x400,
    SGI_IPRIORITYR_END = 0x420,
    SGI_ICFGR = 0xc00,
    SGI_ICFGR_END = 0xc08,
    SGI_IGRPMODR = 0xd00,
    SGI_NSACR = 0xe00,
    SGI_INMIR = 0xf80,
};
#define SGIS UINT32_C(0xffff) /* always edge-triggered */

typedef struct {
    Gic *gic;
    GicRedistState *state;
    uint32_t pe;
    bool last;
} Frame;

static Frame frame_of(const GicRegion *region, uint64_t offset)
{
    const uint32_t index = (uint32_t)(offset / GIC_REDIST_SPAN);
    const uint32_t pe = region->first + index;
    return (Frame){region->gic, &region->gic->redist[pe], pe, index + 1 == region->count};
}

static uint64_t typer(const Frame *f)
{
    const uint64_t dpgs = 1, plpis = 1;
    return f->gic->pe[f->pe].affinity << 32 | (uint64_t)f->pe << 8 | dpgs << 5 |
           (uint64_t)f->last << 4 | plpis;
}

static uint32_t fail(const Frame *f, uint32_t error)
{
    f->state->statusr |= error;
    return 0;
}

/* GICR_PROPBASER and GICR_PENDBASER: 64 bits, or 32 bits of a half. */
static bool is_baser(uint32_t offset, unsigned size)
{
    return offset >= GICR_PROPBASER && offset < GICR_BASER_END && size >= 4;
}

static uint64_t read_baser(const Frame *f, uint32_t offset, unsigned size)
{
    const uint64_t value = (offset < GICR_PENDBASER ? gic_lpi_read_propbaser(f->gic, f->pe)
                                                    : gic_lpi_read_pendbaser(f->gic, f->pe)) >>
                           (offset & 4) * 8;
    return size == 8 ? value : value & UINT32_MAX;
}

static void write_baser(const Frame *f, uint32_t offset, unsigned size, uint64_t value)
{
    const unsigned shift = (offset & 4) * 8;
    const uint64_t mask = size == 8 ? UINT64_MAX : (uint64_t)UINT32_MAX << shift;
    if (offset < GICR_PENDBASER) {
        gic_lpi_write_propbaser(f->gic, f->pe, value << shift, mask);
    } else {
        gic_lpi_write_pendbaser(f->gic, f->pe, value << shift, mask);
    }
}

static void write_ctlr(const Frame *f, uint32_t value)
{
    const uint32_t writable = GICR_CTLR_DPG0 | GICR_CTLR_DPG1NS | GICR_CTLR_ENABLE_LPIS;
    const uint32_t changed = f->state->ctlr ^ (value & writable);
    f->state->ctlr = value & writable;
    if (changed & GICR_CTLR_ENABLE_LPIS) {
        gic_lpi_enable(f->gic, f->pe, value & GICR_CTLR_ENABLE_LPIS);
    }
    gic_pe_changed(f->gic, f->pe);
}

static uint32_t read_rd(const Frame *f, uint32_t offset)
{
    if (offset >= GICR_IDREGS) {
        return gic_id_register(offset, 0x93);
    }
    switch (offset) {
    case GICR_CTLR: /* RWP and UWP are 0: every write has its effect at once */
        return f->state->ctlr | GICR_CTLR_CES | GICR_CTLR_IR;
    case GICR_IIDR:
        return GIC_IIDR;
    case GICR_TYPER:
        return (uint32_t)typer(f);
    case GICR_TYPER_HIGH:
        return (uint32_t)(typer(f) >> 32);
    case GICR_STATUSR:
        return f->state->statusr;
    case GICR_WAKER:
        return f->state->waker;
    case GICR_SYNCR: /* not busy */
        return 0;
    case GICR_INVLPIR:
    case GICR_INVLPIR_HIGH:
    case GICR_INVALLR:
    case GICR_INVALLR_HIGH:
        return fail(f, GIC_ERR_READ_WO);
    default:
        return fail(f, GIC_ERR_READ_RESERVED);
    }
}

static void write_rd(const Frame *f, uint32_t offset, uint32_t value)
{
    switch (offset) {
    case GICR_CTLR:
        write_ctlr(f, value);
        break;
    case GICR_INVLPIR:
        gic_lpi_invalidate(f->gic, f->pe, value);
        break;
    case GICR_INVALLR:
        gic_lpi_invalidate_all(f->gic, f->pe);
        break;
    case GICR_INVLPIR_HIGH:
    case GICR_INVALLR_HIGH: /* for virtual LPIs */
        break;
    case GICR_STATUSR:
        f->state->statusr &= ~value;
        break;
    case GICR_WAKER: /* ChildrenAsleep follows at once: the CPU interface has nothing in flight */
        f->state->waker = value & GIC_WAKER_SLEEP ? GIC_WAKER_SLEEP | GIC_WAKER_ASLEEP : 0;
        gic_pe_changed(f->gic, f->pe);
        break;
    case GICR_IIDR:
    case GICR_TYPER:
    case GICR_TYPER_HIGH:
    case GICR_SYNCR:
        fail(f, GIC_ERR_WRITE_RO);
        break;
    default:
        if (offset >= GICR_IDREGS) {
            fail(f, GIC_ERR_WRITE_RO);
        } else {
            fail(f, GIC_ERR_WRITE_RESERVED);
        }
    }
}

static bool is_priority(uint32_t sgi_offset)
{
    return sgi_offset >= SGI_IPRIORITYR && sgi_offset < SGI_IPRIORITYR_END;
}

/* Block of a register of the SGI_base frame; 0 when it has none. Only the first word of each block
 * is there. */
static uint32_t block_of(const Frame *f, uint32_t offset)
{
    if (offset == SGI_INMIR && f->gic->nmi) {
        return GIC_BLK_NMI;
    }
    if (offset >= SGI_ICFGR && offset < SGI_ICFGR_END) {
        return GIC_BLK_CONFIG;
    }
    return offset < SGI_IPRIORITYR && offset % 0x80 == 0 ? offset / 0x80 : 0;
}

static bool is_void(uint32_t offset)
{
    return offset == SGI_IGRPMODR || offset == SGI_NSACR || offset == SGI_INMIR;
}

static uint32_t read_sgi(const Frame *f, uint32_t offset)
{
    uint32_t value;
    if (gic_bank_read(&f->state->bank, block_of(f, offset), offset / 4 % 2, &value)) {
        return value;
    }
    return is_void(offset) ? 0 : fail(f, GIC_ERR_READ_RESERVED);
}

static void write_sgi(const Frame *f, uint32_t offset, uint32_t value)
{
    const uint32_t block = block_of(f, offset);
    if (block) {
        if (gic_bank_write(&f->state->bank, block, offset / 4 % 2, value, SGIS)) {
            gic_private_changed(f->gic, f->pe);
        }
    } else if (!is_void(offset)) {
        fail(f, GIC_ERR_WRITE_RESERVED);
    }
}

static uint32_t read_priority(const Frame *f, uint32_t n, unsigned size)
{
    uint32_t value = 0;
    for (uint32_t i = 0; i < size; i++) {
        value |= (uint32_t)f->state->priority[n + i] << (i * 8);
    }
    return value;
}

static void write_priority(const Frame *f, uint32_t n, unsigned size, uint32_t value)
{
    for (uint32_t i = 0; i < size; i++) {
        f->state->priority[n + i] = (uint8_t)(value >> (i * 8) & 0xf8);
    }
    gic_private_changed(f->gic, f->pe);
}

static bool redist_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
    const Frame f = frame_of(dev, offset);
    const uint32_t at = (uint32_t)(offset % GIC_REDIST_SPAN);
    const uint32_t sgi = at - GICR_SGI_BASE;
    if (is_priority(sgi) && (size == 1 || size == 4)) {
        *value = read_priority(&f, sgi - SGI_IPRIORITYR, size);
    } else if (is_baser(at, size)) {
        *value = read_baser(&f, at, size);
    } else if (size == 8 && at == GICR_TYPER) {
        *value = typer(&f);
    } else if (size == 4) {
        *value = at < GICR_SGI_BASE ? read_rd(&f, at) : read_sgi(&f, sgi);
    } else {
        *value = fail(&f, GIC_ERR_READ_RESERVED);
    }
    return true;
}

static bool redist_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
    const Frame f = frame_of(dev, offset);
    const uint32_t at = (uint32_t)(offset % GIC_REDIST_SPAN);
    const uint32_t sgi = at - GICR_SGI_BASE;
    if (is_priority(sgi) && (size == 1 || size == 4)) {
        write_priority(&f, sgi - SGI_IPRIORITYR, size, (uint32_t)value);
    } else if (is_baser(at, size)) {
        write_baser(&f, at, size, value);
    } else if (size == 8 && (at == GICR_INVLPIR || at == GICR_INVALLR)) {
        write_rd(&f, at, (uint32_t)value);
    } else if (size == 4 && at < GICR_SGI_BASE) {
        write_rd(&f, at, (uint32_t)value);
    } else if (size == 4) {
        write_sgi(&f, sgi, (uint32_t)value);
    } else {
        fail(&f, size == 8 && at == GICR_TYPER ? GIC_ERR_WRITE_RO : GIC_ERR_WRITE_RESERVED);
    }
    return true;
}

const MemDeviceOps gic_redist_ops = {.name = "gicr", .read = redist_read, .write = redist_write};
