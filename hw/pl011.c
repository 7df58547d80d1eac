/*
 * PL011 UART: transmits at once, receives into a 16-entry FIFO, with level and timeout interrupts.
 * Arm PrimeCell UART (PL011) TRM, DDI 0183, chapter 3 "Programmer's Model".
 *
 * DIFFERS: characters leave the transmitter in no time, and also while UARTEN or TXE is 0, because
 * many small programs never enable it. The other end obeys flow control: it sends nothing that does
 * not fit, and nothing before the receiver is enabled, so there are no overruns.
 */
#include "pl011.h"

enum { DEPTH = 16, UARTCLK_HZ = 24000000, SETTLE_NS = 1000000 };

enum {
    FR_CTS = 1 << 0,
    FR_DSR = 1 << 1,
    FR_DCD = 1 << 2,
    FR_RXFE = 1 << 4,
    FR_RXFF = 1 << 6,
    FR_TXFE = 1 << 7,
    LCR_FEN = 1 << 4,
    CR_UARTEN = 1 << 0,
    CR_LBE = 1 << 7,
    CR_TXE = 1 << 8,
    CR_RXE = 1 << 9,
    DR_BE = 1 << 10,
    INT_RX = 1 << 4,
    INT_TX = 1 << 5,
    INT_RT = 1 << 6,
    INT_BE = 1 << 9,
    INT_ALL = 0x7ff,
};

typedef struct {
    uint32_t ilpr, ibrd, fbrd, lcr_h, cr, ifls, imsc, ris, dmacr;
    uint32_t rsr;              /* error bits of the character read last */
    uint32_t fifo[DEPTH];      /* character and its error bits as in DR */
    uint32_t first, count;
    int64_t timeout_ns;        /* when the receive timeout is due, INT64_MAX none */
    int64_t open_ns;           /* the other end starts sending then */
} Pl011;

static unsigned depth(const Pl011 *s)
{
    return s->lcr_h & LCR_FEN ? DEPTH : 1;
}

/* Characters that raise the receive interrupt. TRM, "Interrupt FIFO level select register". */
static unsigned trigger(const Pl011 *s)
{
    static const uint8_t levels[8] = { 2, 4, 8, 12, 14, 14, 14, 14 };
    return s->lcr_h & LCR_FEN ? levels[s->ifls >> 3 & 7] : 1;
}

/* 32 bit periods at the programmed rate. TRM, "UARTRTINTR" and "Fractional baud rate register". */
static int64_t timeout_period(const Pl011 *s)
{
    const int64_t divisor_64ths = (int64_t)(s->ibrd & 0xffff) * 64 + (s->fbrd & 0x3f);
    const int64_t bit_ns = divisor_64ths * 16 * 1000 / 64 * 1000000 / UARTCLK_HZ;
    return 32 * (bit_ns ? bit_ns : 8681); /* 115200 baud until programmed */
}

static void flush(Pl011 *s)
{
    s->first = 0;
    s->count = 0;
    s->timeout_ns = INT64_MAX;
    s->ris &= ~(uint32_t)(INT_RX | INT_RT);
}

static void push(HwDevice *dev, uint32_t entry)
{
    Pl011 *s = dev->state;
    if (s->count >= depth(s)) {
        return;
    }
    s->fifo[(s->first + s->count) % DEPTH] = entry;
    s->count++;
    if (s->count >= trigger(s)) {
        s->ris |= INT_RX;
    }
    if (entry & DR_BE) {
        s->ris |= INT_BE;
    }
    s->timeout_ns = hw_now_ns(dev) + timeout_period(s);
}

static uint32_t read_data(HwDevice *dev, unsigned i)
{
    Pl011 *s = dev->state;
    const uint32_t entry = s->fifo[s->first];
    if (s->count == 0) {
        return entry; /* the slot's last content, as in hardware */
    }
    s->first = (s->first + 1) % DEPTH;
    s->count--;
    s->rsr = entry >> 8 & 0xf;
    if (s->count < trigger(s)) {
        s->ris &= ~(uint32_t)INT_RX;
    }
    if (s->count == 0) {
        s->ris &= ~(uint32_t)INT_RT;
        s->timeout_ns = INT64_MAX;
    }
    const HwCharPort *port = dev->wiring;
    if (port && port->input_ready) {
        port->input_ready(port->ctx);
    }
    return entry;
}

static void write_data(HwDevice *dev, unsigned i, uint32_t value)
{
    Pl011 *s = dev->state;
    const HwCharPort *port = dev->wiring;
    const uint8_t byte = (uint8_t)value;
    if (s->cr & CR_LBE) {
        push(dev, byte);
    } else if (port && port->output) {
        port->output(port->ctx, &byte, 1);
    }
    s->ris |= INT_TX; /* the FIFO has drained through its trigger level again */
}

static uint32_t read_status(HwDevice *dev, unsigned i)
{
    const Pl011 *s = dev->state;
    return s->rsr;
}

static void clear_errors(HwDevice *dev, unsigned i, uint32_t value)
{
    Pl011 *s = dev->state;
    s->rsr = 0;
}

static uint32_t read_flags(HwDevice *dev, unsigned i)
{
    const Pl011 *s = dev->state;
    const uint32_t rx = s->count == 0 ? FR_RXFE : s->count >= depth(s) ? FR_RXFF : 0;
    return FR_TXFE | FR_CTS | FR_DSR | FR_DCD | rx;
}

static void write_lcr(HwDevice *dev, unsigned i, uint32_t value)
{
    Pl011 *s = dev->state;
    if ((s->lcr_h ^ value) & LCR_FEN) {
        flush(s);
    }
    s->lcr_h = value & 0xff;
}

static bool receives(const Pl011 *s)
{
    return (s->cr & CR_UARTEN) && (s->cr & CR_RXE);
}

static void write_cr(HwDevice *dev, unsigned i, uint32_t value)
{
    Pl011 *s = dev->state;
    const bool before = receives(s);
    s->cr = value & 0xff87;
    if (receives(s) && !before) {
        /* Drivers drain the FIFO right after enabling it: a sender that jumps in would lose bytes.
         * */
        s->open_ns = hw_now_ns(dev) + SETTLE_NS;
    }
}

static uint32_t masked_status(HwDevice *dev, unsigned i)
{
    const Pl011 *s = dev->state;
    return s->ris & s->imsc;
}

static void clear_interrupts(HwDevice *dev, unsigned i, uint32_t value)
{
    Pl011 *s = dev->state;
    s->ris &= ~value;
}

#define SLOT(f) offsetof(Pl011, f)
static const HwReg regs[] = {
    { .offset = 0x00, .name = "UARTDR", .access = HW_RW, .slot = HW_NO_SLOT, .read = read_data,
      .write = write_data },
    { .offset = 0x04, .name = "UARTRSR", .access = HW_RW, .slot = HW_NO_SLOT, .read = read_status,
      .write = clear_errors },
    { .offset = 0x18, .name = "UARTFR", .access = HW_RO, .slot = HW_NO_SLOT, .read = read_flags },
    { .offset = 0x20, .name = "UARTILPR", .access = HW_RW, .slot = SLOT(ilpr), .mask = 0xff },
    { .offset = 0x24, .name = "UARTIBRD", .access = HW_RW, .slot = SLOT(ibrd), .mask = 0xffff },
    { .offset = 0x28, .name = "UARTFBRD", .access = HW_RW, .slot = SLOT(fbrd), .mask = 0x3f },
    { .offset = 0x2c, .name = "UARTLCR_H", .access = HW_RW, .slot = SLOT(lcr_h),
      .write = write_lcr },
    { .offset = 0x30, .name = "UARTCR", .access = HW_RW, .slot = SLOT(cr),
      .reset = CR_RXE | CR_TXE, .write = write_cr },
    { .offset = 0x34, .name = "UARTIFLS", .access = HW_RW, .slot = SLOT(ifls), .mask = 0x3f,
      .reset = 0x12 },
    { .offset = 0x38, .name = "UARTIMSC", .access = HW_RW, .slot = SLOT(imsc), .mask = INT_ALL },
    { .offset = 0x3c, .name = "UARTRIS", .access = HW_RO, .slot = SLOT(ris) },
    { .offset = 0x40, .name = "UARTMIS", .access = HW_RO, .slot = HW_NO_SLOT,
      .read = masked_status },
    { .offset = 0x44, .name = "UARTICR", .access = HW_WO, .slot = HW_NO_SLOT,
      .write = clear_interrupts },
    { .offset = 0x48, .name = "UARTDMACR", .access = HW_RW, .slot = SLOT(dmacr), .mask = 7 },
};

static void reset(HwDevice *dev)
{
    Pl011 *s = dev->state;
    s->timeout_ns = INT64_MAX;
}

static void update(HwDevice *dev)
{
    Pl011 *s = dev->state;
    const HwCharPort *port = dev->wiring;
    const int64_t now = hw_now_ns(dev);
    if (s->timeout_ns <= now) {
        s->timeout_ns = INT64_MAX;
        s->ris |= INT_RT;
    }
    dev->alarm_ns = s->timeout_ns;
    if (s->open_ns && s->open_ns <= now) {
        s->open_ns = 0;
        if (port && port->input_ready) {
            port->input_ready(port->ctx);
        }
    } else if (s->open_ns && s->open_ns < dev->alarm_ns) {
        dev->alarm_ns = s->open_ns;
    }
    dev->lines = (s->ris & s->imsc) != 0;
}

size_t pl011_receive(HwDevice *dev, const uint8_t *bytes, size_t n)
{
    Pl011 *s = dev->state;
    size_t taken = 0;
    if (!receives(s) || (s->open_ns && s->open_ns > hw_now_ns(dev)) || (s->cr & CR_LBE)) {
        return 0;
    }
    for (; taken < n && s->count < depth(s); taken++) {
        push(dev, bytes[taken]);
    }
    hw_device_update(dev);
    return taken;
}

void pl011_break(HwDevice *dev)
{
    if (receives(dev->state)) {
        push(dev, DR_BE);
        hw_device_update(dev);
    }
}

static const uint8_t id[8] = { 0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

static const HwDeviceClass class = {
    .name = "pl011",
    .span = 0x1000,
    .state_size = sizeof(Pl011),
    .state_version = 1,
    .regs = regs,
    .n_regs = sizeof regs / sizeof *regs,
    .primecell_id = id,
    .reset = reset,
    .update = update,
};

const HwDeviceClass *pl011_class(void)
{
    return &class;
}
