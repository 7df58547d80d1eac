/*
 * PL031 real-time clock: a one-hertz counter with a match register and one interrupt.
 * Arm PrimeCell Real Time Clock (PL031) TRM, DDI 0224, chapter 3 "Programmer's Model".
 */
#include "pl031.h"

enum { NS_PER_S = 1000000000 };

typedef struct {
    uint32_t match, load, mask, raised;
    uint32_t offset_s; /* counter = whole seconds of guest time + offset_s, modulo 2^32 */
    uint32_t matched_s; /* counter value for which the match has been raised */
    uint32_t is_matched;
} Pl031;

static uint32_t guest_seconds(HwDevice *dev)
{
    return (uint32_t)(hw_now_ns(dev) / NS_PER_S);
}

static uint32_t counter(HwDevice *dev)
{
    const Pl031 *s = dev->state;
    return guest_seconds(dev) + s->offset_s;
}

static uint32_t read_counter(HwDevice *dev, unsigned i)
{
    return counter(dev);
}

static void set_match(HwDevice *dev, unsigned i, uint32_t value)
{
    Pl031 *s = dev->state;
    s->match = value;
    s->is_matched = 0;
}

static void set_time(HwDevice *dev, unsigned i, uint32_t value)
{
    Pl031 *s = dev->state;
    s->load = value;
    s->offset_s = value - guest_seconds(dev);
    s->is_matched = 0;
}

static uint32_t always_on(HwDevice *dev, unsigned i)
{
    return 1; /* RTCCR: once started, the counter can be stopped by a reset only */
}

static void ignore(HwDevice *dev, unsigned i, uint32_t value)
{
}

static uint32_t masked_status(HwDevice *dev, unsigned i)
{
    const Pl031 *s = dev->state;
    return s->raised & s->mask;
}

static void clear(HwDevice *dev, unsigned i, uint32_t value)
{
    Pl031 *s = dev->state;
    s->raised &= ~value;
}

#define SLOT(f) offsetof(Pl031, f)
static const HwReg regs[] = {
    { .offset = 0x00, .name = "RTCDR", .access = HW_RO, .slot = HW_NO_SLOT, .read = read_counter },
    { .offset = 0x04, .name = "RTCMR", .access = HW_RW, .slot = SLOT(match), .write = set_match },
    { .offset = 0x08, .name = "RTCLR", .access = HW_RW, .slot = SLOT(load), .write = set_time },
    { .offset = 0x0c, .name = "RTCCR", .access = HW_RW, .slot = HW_NO_SLOT, .read = always_on,
      .write = ignore },
    { .offset = 0x10, .name = "RTCIMSC", .access = HW_RW, .slot = SLOT(mask), .mask = 1 },
    { .offset = 0x14, .name = "RTCRIS", .access = HW_RO, .slot = SLOT(raised) },
    { .offset = 0x18, .name = "RTCMIS", .access = HW_RO, .slot = HW_NO_SLOT,
      .read = masked_status },
    { .offset = 0x1c, .name = "RTCICR", .access = HW_WO, .slot = HW_NO_SLOT, .write = clear },
};

/* The match is an edge: it is raised once each time the counter comes to equal the match register.
 * */
static void update(HwDevice *dev)
{
    Pl031 *s = dev->state;
    const uint32_t now_s = counter(dev);
    const uint32_t wait_s = s->match - now_s;
    if (s->is_matched && s->matched_s != now_s) {
        s->is_matched = 0;
    }
    if (wait_s == 0 && !s->is_matched) {
        s->raised = 1;
        s->is_matched = 1;
        s->matched_s = now_s;
    }
    const int64_t whole_s = hw_now_ns(dev) / NS_PER_S;
    dev->alarm_ns = (whole_s + (wait_s ? (int64_t)wait_s : INT64_C(1) << 32)) * NS_PER_S;
    dev->lines = s->raised & s->mask;
}

void pl031_set_time(HwDevice *dev, uint32_t seconds)
{
    set_time(dev, 0, seconds);
    hw_device_update(dev);
}

static const uint8_t id[8] = { 0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

static const HwDeviceClass class = {
    .name = "pl031",
    .span = 0x1000,
    .state_size = sizeof(Pl031),
    .state_version = 1,
    .regs = regs,
    .n_regs = sizeof regs / sizeof *regs,
    .primecell_id = id,
    .update = update,
};

const HwDeviceClass *pl031_class(void)
{
    return &class;
}
