/*
 * The distributor's register frame, 64 KiB.
 * GIC architecture specification, "The GIC Distributor registers", for one Security state and
 * affinity routing.
 */
#include "gic-state.h"

enum {
    GICD_CTLR = 0x0,
    GICD_TYPER = 0x4,
    GICD_IIDR = 0x8,
    GICD_TYPER2 = 0xc,
    GICD_STATUSR = 0x10,
    GICD_SETSPI_NSR = 0x40,
    GICD_CLRSPI_NSR = 0x48,
    GICD_SETSPI_SR = 0x50,
    GICD_CLRSPI_SR = 0x58,
    GICD_BLOCKS = 0x80,
    GICD_IPRIORITYR = 0x400,
    GICD_ITARGETSR = 0x800,
    GICD_ICFGR = 0xc00,
    GICD_IGRPMODR = 0xd00,
    GICD_NSACR = 0xe00,
    GICD_SGIR = 0xf00,
    GICD_INMIR = 0xf80,
    GICD_END = 0x1000,
    GICD_IROUTER = 0x6000,
    GICD_IROUTER_END = 0x8000,
    GICD_IDREGS = 0xffd0,
};
#define CTLR_ARE (UINT32_C(1) << 4)
#define CTLR_DS (UINT32_C(1) << 6)
#define PRIORITY_MASK UINT32_C(0xf8f8f8f8) /* 32 levels */
#define ROUTE_MASK UINT64_C(0xff80ffffff)

static uint32_t words(const Gic *gic)
{
    return (gic->lines + 31) / 32;
}

/* The interrupts of word w that exist as SPIs. */
static uint32_t implemented(const Gic *gic, uint32_t w)
{
    if (w == 0 || w >= words(gic)) {
        return 0;
    }
    const uint32_t left = gic->lines - w * 32;
    return left >= 32 ? UINT32_MAX : (UINT32_C(1) << left) - 1;
}

static uint32_t typer(const Gic *gic)
{
    const uint32_t mbis = 1, lpis = 1, id_bits = GIC_ID_BITS - 1, a3v = 1;
    return (words(gic) - 1) | (uint32_t)gic->nmi << 9 | mbis << 16 | lpis << 17 | id_bits << 19 |
           a3v << 24;
}

static uint32_t read_priority(const Gic *gic, uint32_t n, unsigned size)
{
    uint32_t value = 0;
    for (uint32_t i = 0; i < size; i++) {
        value |= (uint32_t)gic->dist.priority[n + i] << (i * 8);
    }
    return value;
}

static void write_priority(Gic *gic, uint32_t first, unsigned size, uint32_t value)
{
    for (uint32_t i = 0; i < size; i++) {
        const uint32_t n = first + i;
        const uint8_t priority = (uint8_t)((value & PRIORITY_MASK) >> (i * 8));
        if (n >= GIC_FIRST_SPI && n < gic->lines && gic->dist.priority[n] != priority) {
            gic->dist.priority[n] = priority;
            gic_spi_changed(gic, n);
        }
    }
}

/* Word and half of a block access; ICFGR has one word for 16 interrupts. */
static void locate(uint32_t offset, uint32_t *block, uint32_t *word, uint32_t *half)
{
    const bool config = offset >= GICD_ICFGR && offset < GICD_IGRPMODR;
    const uint32_t index = config ? (offset - GICD_ICFGR) / 4 : (offset & 0x7f) / 4;
    *block = config ? GIC_BLK_CONFIG : offset / 0x80;
    *word = config ? index / 2 : index;
    *half = config ? index % 2 : 0;
}

static uint32_t read_block(const Gic *gic, uint32_t offset)
{
    uint32_t block, word, half, value = 0;
    locate(offset, &block, &word, &half);
    if (implemented(gic, word)) {
        gic_bank_read(&gic->dist.bank[word], block, half, &value);
    }
    return value;
}

static void write_block(Gic *gic, uint32_t offset, uint32_t value)
{
    uint32_t block, word, half;
    locate(offset, &block, &word, &half);
    const uint32_t exist = implemented(gic, word);
    if (!exist) {
        return;
    }
    const uint32_t bits = block == GIC_BLK_CONFIG ? value : value & exist;
    uint32_t left = gic_bank_write(&gic->dist.bank[word], block, half, bits, ~exist);
    for (; left; left &= left - 1) {
        gic_spi_changed(gic, word * 32 + (uint32_t)__builtin_ctz(left));
    }
}

/* GICD_SETSPI_NSR, GICD_CLRSPI_NSR: a message-based SPI. A level-sensitive one stays pending
 * between the two, active or not. */
static void message_spi(Gic *gic, uint32_t value, bool set)
{
    const uint32_t n = value & 0x1fff;
    if (n < GIC_FIRST_SPI || n >= gic->lines) {
        return;
    }
    const uint32_t bit = UINT32_C(1) << (n % 32);
    GicBank *bank = &gic->dist.bank[n / 32];
    if (bank->edge & bit) {
        bank->latched = set ? bank->latched | bit : bank->latched & ~bit;
    } else {
        bank->message = set ? bank->message | bit : bank->message & ~bit;
    }
    gic_spi_changed(gic, n);
}

/* Registers that read as zero and ignore writes with affinity routing and one Security state. */
static bool is_void(uint32_t offset)
{
    return offset == GICD_TYPER2 || offset == GICD_SETSPI_SR || offset == GICD_CLRSPI_SR ||
           (offset >= GICD_ITARGETSR && offset < GICD_ICFGR) ||
           (offset >= GICD_IGRPMODR && offset < GICD_END);
}

static bool is_block(const Gic *gic, uint32_t offset)
{
    return (offset >= GICD_BLOCKS && offset < GICD_IPRIORITYR) ||
           (gic->nmi && offset >= GICD_INMIR && offset < GICD_END) ||
           (offset >= GICD_ICFGR && offset < GICD_IGRPMODR);
}

static uint32_t fail(Gic *gic, uint32_t error)
{
    gic->dist.statusr |= error;
    return 0;
}

static uint32_t read_word(Gic *gic, uint32_t offset)
{
    if (is_block(gic, offset)) {
        return read_block(gic, offset);
    }
    if (offset >= GICD_IDREGS && offset < GIC_DIST_SPAN) {
        return gic_id_register(offset, 0x92);
    }
    switch (offset) {
    case GICD_CTLR: /* RWP is 0: every write has its effect at once */
        return gic->dist.ctlr | CTLR_ARE | CTLR_DS;
    case GICD_TYPER:
        return typer(gic);
    case GICD_IIDR:
        return GIC_IIDR;
    case GICD_STATUSR:
        return gic->dist.statusr;
    case GICD_SETSPI_NSR:
    case GICD_CLRSPI_NSR:
        return fail(gic, GIC_ERR_READ_WO);
    default:
        return is_void(offset) ? 0 : fail(gic, GIC_ERR_READ_RESERVED);
    }
}

static void write_word(Gic *gic, uint32_t offset, uint32_t value)
{
    if (is_block(gic, offset)) {
        write_block(gic, offset, value);
        return;
    }
    switch (offset) {
    case GICD_CTLR:
        gic->dist.ctlr = value & (GIC_CTLR_GRP0 | GIC_CTLR_GRP1);
        gic_all_changed(gic);
        break;
    case GICD_STATUSR:
        gic->dist.statusr &= ~value;
        break;
    case GICD_SETSPI_NSR:
    case GICD_CLRSPI_NSR:
        message_spi(gic, value, offset == GICD_SETSPI_NSR);
        break;
    case GICD_TYPER:
    case GICD_IIDR:
        fail(gic, GIC_ERR_WRITE_RO);
        break;
    default:
        if (offset >= GICD_IDREGS) {
            fail(gic, GIC_ERR_WRITE_RO);
        } else if (!is_void(offset)) {
            fail(gic, GIC_ERR_WRITE_RESERVED);
        }
    }
}

/* IROUTER takes 64-bit accesses and 32-bit ones of its halves. */
static uint64_t read_route(const Gic *gic, uint32_t offset, unsigned size)
{
    const uint32_t n = (offset - GICD_IROUTER) / 8;
    if (n < GIC_FIRST_SPI || n >= gic->lines) {
        return 0;
    }
    const uint64_t route = gic->dist.route[n] >> (offset & 4) * 8;
    return size == 8 ? route : route & UINT32_MAX;
}

static void write_route(Gic *gic, uint32_t offset, unsigned size, uint64_t value)
{
    const uint32_t n = (offset - GICD_IROUTER) / 8, shift = (offset & 4) * 8;
    if (n < GIC_FIRST_SPI || n >= gic->lines) {
        return;
    }
    const uint64_t mask = (size == 8 ? UINT64_MAX : (uint64_t)UINT32_MAX << shift) & ROUTE_MASK;
    gic->dist.route[n] = (gic->dist.route[n] & ~mask) | (value << shift & mask);
    gic_spi_changed(gic, n);
}

static bool is_priority(uint64_t offset)
{
    return offset >= GICD_IPRIORITYR && offset < GICD_ITARGETSR;
}

static bool is_route(uint64_t offset)
{
    return offset >= GICD_IROUTER && offset < GICD_IROUTER_END;
}

/* Accesses of a size a register does not take count as accesses of a reserved location. */
static bool dist_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
    Gic *gic = dev;
    const uint32_t at = (uint32_t)offset;
    if (is_priority(offset) && (size == 1 || size == 4)) {
        *value = read_priority(gic, at - GICD_IPRIORITYR, size);
    } else if (is_route(offset) && size >= 4) {
        *value = read_route(gic, at, size);
    } else {
        *value = size == 4 ? read_word(gic, at) : fail(gic, GIC_ERR_READ_RESERVED);
    }
    return true;
}

static bool dist_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
    Gic *gic = dev;
    const uint32_t at = (uint32_t)offset;
    if (is_priority(offset) && (size == 1 || size == 4)) {
        write_priority(gic, at - GICD_IPRIORITYR, size, (uint32_t)value);
    } else if (is_route(offset) && size >= 4) {
        write_route(gic, at, size, value);
    } else if (size == 4) {
        write_word(gic, at, (uint32_t)value);
    } else {
        fail(gic, GIC_ERR_WRITE_RESERVED);
    }
    return true;
}

const MemDeviceOps gic_dist_ops = {.name = "gicd", .read = dist_read, .write = dist_write};
