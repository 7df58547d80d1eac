/*
 * PL061 general-purpose I/O: eight pins with edge and level interrupts.
 * Arm PrimeCell General Purpose Input/Output (PL061) TRM, DDI 0190, chapter 3 "Programmer's Model".
 *
 * DIFFERS: alternate functions (AFSEL) change nothing: no other peripheral shares the pins.
 */
#include "pl061.h"

typedef struct {
    uint32_t data;  /* levels driven by outputs */
    uint32_t input; /* levels driven from outside */
    uint32_t old;   /* pin levels at the last update, for edges */
    uint32_t dir, is, ibe, iev, ie, ris, afsel;
} Pl061;

static uint32_t pins(const Pl061 *s)
{
    return (s->data & s->dir) | (s->input & ~s->dir);
}

/* GPIODATA: address bits 9:2 mask which pins an access sees. TRM, "Data register". */
static uint32_t read_data(HwDevice *dev, unsigned i)
{
    return pins(dev->state) & i;
}

static void write_data(HwDevice *dev, unsigned i, uint32_t value)
{
    Pl061 *s = dev->state;
    const uint32_t mask = i & s->dir;
    s->data = (s->data & ~mask) | (value & mask);
}

static uint32_t masked_status(HwDevice *dev, unsigned i)
{
    const Pl061 *s = dev->state;
    return s->ris & s->ie;
}

static void clear(HwDevice *dev, unsigned i, uint32_t value)
{
    Pl061 *s = dev->state;
    s->ris &= ~(value & ~s->is); /* levels clear at their source only */
}

#define SLOT(f) offsetof(Pl061, f)
#define PLAIN(off, text, field) \
    { .offset = (off), .name = (text), .access = HW_RW, .slot = SLOT(field), .mask = 0xff }
static const HwReg regs[] = {
    { .offset = 0x000, .name = "GPIODATA", .access = HW_RW, .slot = HW_NO_SLOT, .count = 256,
      .read = read_data, .write = write_data },
    PLAIN(0x400, "GPIODIR", dir),
    PLAIN(0x404, "GPIOIS", is),
    PLAIN(0x408, "GPIOIBE", ibe),
    PLAIN(0x40c, "GPIOIEV", iev),
    PLAIN(0x410, "GPIOIE", ie),
    { .offset = 0x414, .name = "GPIORIS", .access = HW_RO, .slot = SLOT(ris) },
    { .offset = 0x418, .name = "GPIOMIS", .access = HW_RO, .slot = HW_NO_SLOT,
      .read = masked_status },
    { .offset = 0x41c, .name = "GPIOIC", .access = HW_WO, .slot = HW_NO_SLOT, .write = clear },
    PLAIN(0x420, "GPIOAFSEL", afsel),
};

static void update(HwDevice *dev)
{
    Pl061 *s = dev->state;
    const uint32_t now = pins(s);
    const uint32_t changed = now ^ s->old;
    const uint32_t edges = changed & (s->ibe | ~(now ^ s->iev));
    s->old = now;
    s->ris = ((s->ris | edges) & ~s->is) | (~(now ^ s->iev) & s->is);
    s->ris &= 0xff;
    dev->lines = (s->ris & s->ie) != 0;
}

void pl061_set_input(HwDevice *dev, unsigned pin, bool level)
{
    Pl061 *s = dev->state;
    s->input = (s->input & ~(1u << pin)) | (uint32_t)level << pin;
    hw_device_update(dev);
}

static const uint8_t id[8] = { 0x61, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

static const HwDeviceClass class = {
    .name = "pl061",
    .span = 0x1000,
    .state_size = sizeof(Pl061),
    .state_version = 1,
    .regs = regs,
    .n_regs = sizeof regs / sizeof *regs,
    .primecell_id = id,
    .update = update,
};

const HwDeviceClass *pl061_class(void)
{
    return &class;
}
