/*
 * What all register-table devices share: dispatch by offset, access sizes, reset, lines and alarms.
 * Arm PrimeCell TRMs, "Programmer's model": identification registers at the end of the 4 KiB
 * window.
 */
#include "armillary/device.h"

#include <glib.h>
#include <string.h>

int64_t hw_now_ns(HwDevice *dev)
{
    return ev_now_ns(dev->env.clock);
}

void hw_guest_error(HwDevice *dev, const char *what, uint64_t offset, uint64_t value)
{
    EvBus *bus = dev->env.bus;
    if (bus && ev_wanted(bus, EV_GUEST_ERROR)) {
        ev_bus_post(bus, &(EvEvent){ .kind = EV_GUEST_ERROR, .cpu = UINT32_MAX,
                                     .a = dev->base + offset, .b = value, .text = what });
    }
}

static void drive(HwDevice *dev)
{
    uint32_t changed = dev->lines ^ dev->driven;
    dev->driven = dev->lines;
    for (unsigned n = 0; changed != 0; n++, changed >>= 1) {
        const HwLine *far = &dev->far_ends[n];
        if ((changed & 1) && far->set) {
            far->set(far->ctx, far->n, dev->lines >> n & 1);
        }
    }
}

void hw_device_update(HwDevice *dev)
{
    if (dev->cls->update) {
        dev->cls->update(dev);
    }
    drive(dev);
    ev_alarm_set(dev->alarm, dev->alarm_ns);
}

static void on_alarm(void *ctx)
{
    hw_device_update(ctx);
}

static uint32_t *slot_of(const HwDevice *dev, const HwReg *reg, unsigned i)
{
    return reg->slot == HW_NO_SLOT ? NULL
                                   : (uint32_t *)(void *)((char *)dev->state + reg->slot) + i;
}

static unsigned count_of(const HwReg *reg)
{
    return reg->count ? reg->count : 1;
}

static void index_registers(HwDevice *dev)
{
    const HwDeviceClass *cls = dev->cls;
    dev->index = g_new0(uint16_t, cls->span / 4);
    for (size_t r = 0; r < cls->n_regs; r++) {
        const HwReg *reg = &cls->regs[r];
        for (unsigned i = 0; i < count_of(reg); i++) {
            const uint32_t word = reg->offset / 4 + i;
            g_assert(reg->offset % 4 == 0 && word < cls->span / 4 && dev->index[word] == 0);
            g_assert(reg->slot == HW_NO_SLOT || reg->slot + 4 * (i + 1) <= cls->state_size);
            dev->index[word] = (uint16_t)(r + 1);
        }
    }
}

HwDevice *hw_device_new(const HwDeviceClass *cls, const HwEnv *env, void *wiring)
{
    HwDevice *dev = g_new0(HwDevice, 1);
    dev->cls = cls;
    dev->env = *env;
    dev->wiring = wiring;
    dev->state = g_malloc0(cls->state_size);
    dev->alarm = ev_alarm_new(env->clock, on_alarm, dev);
    index_registers(dev);
    hw_device_reset(dev);
    return dev;
}

void hw_device_free(HwDevice *dev)
{
    if (dev) {
        ev_alarm_free(dev->alarm);
        g_free(dev->index);
        g_free(dev->state);
        g_free(dev);
    }
}

void hw_device_reset(HwDevice *dev)
{
    const HwDeviceClass *cls = dev->cls;
    memset(dev->state, 0, cls->state_size);
    for (size_t r = 0; r < cls->n_regs; r++) {
        for (unsigned i = 0; i < count_of(&cls->regs[r]); i++) {
            uint32_t *slot = slot_of(dev, &cls->regs[r], i);
            if (slot && cls->regs[r].reset) {
                *slot = cls->regs[r].reset;
            }
        }
    }
    dev->alarm_ns = INT64_MAX;
    if (cls->reset) {
        cls->reset(dev);
    }
    hw_device_update(dev);
}

void hw_device_connect(HwDevice *dev, unsigned line, HwLine far_end)
{
    g_assert(line < HW_MAX_LINES);
    dev->far_ends[line] = far_end;
    far_end.set(far_end.ctx, far_end.n, dev->lines >> line & 1);
}

static void trace_access(HwDevice *dev, const char *name, const EvEvent *access)
{
    EvBus *bus = dev->env.bus;
    if (bus && ev_wanted(bus, EV_MMIO)) {
        g_autofree char *text = g_strdup_printf("%s.%s", dev->cls->name, name);
        EvEvent e = *access;
        e.kind = EV_MMIO;
        e.cpu = UINT32_MAX;
        e.text = text;
        ev_bus_post(bus, &e);
    }
}

static const HwReg *find(const HwDevice *dev, uint32_t offset)
{
    const uint16_t row = offset < dev->cls->span ? dev->index[offset / 4] : 0;
    return row ? &dev->cls->regs[row - 1] : NULL;
}

static uint32_t read_word(HwDevice *dev, uint32_t offset)
{
    const HwDeviceClass *cls = dev->cls;
    const HwReg *reg = find(dev, offset);
    if (!reg && cls->primecell_id && offset >= cls->span - 0x20 && offset < cls->span) {
        return cls->primecell_id[(offset - (cls->span - 0x20)) / 4];
    }
    if (!reg || !(reg->access & HW_RO)) {
        hw_guest_error(dev, reg ? "read of a write-only register" : "read of a hole", offset, 0);
        return 0;
    }
    const unsigned i = (offset - reg->offset) / 4;
    const uint32_t *slot = slot_of(dev, reg, i);
    const uint32_t value = reg->read ? reg->read(dev, i) : slot ? *slot : 0;
    if (reg->read) {
        hw_device_update(dev); /* the hook may have changed state (FIFO pops) */
    }
    trace_access(dev, reg->name, &(EvEvent){ .a = dev->base + offset, .b = value });
    return value;
}

static void write_word(HwDevice *dev, uint32_t offset, uint32_t value)
{
    const HwReg *reg = find(dev, offset);
    if (!reg || !(reg->access & HW_WO)) {
        hw_guest_error(dev, reg ? "write to a read-only register" : "write to a hole", offset,
                       value);
        return;
    }
    trace_access(dev, reg->name, &(EvEvent){ .a = dev->base + offset, .b = value, .d = 1 });
    const unsigned i = (offset - reg->offset) / 4;
    uint32_t *slot = slot_of(dev, reg, i);
    if (reg->write) {
        reg->write(dev, i, value);
    } else if (slot) {
        *slot = (*slot & ~reg->mask) | (value & reg->mask);
    }
    hw_device_update(dev);
}

bool hw_device_read(void *opaque, uint64_t offset, unsigned size, uint64_t *value)
{
    HwDevice *dev = opaque;
    const uint32_t word = (uint32_t)offset & ~3u;
    const uint32_t low = read_word(dev, word);
    if (size == 8) {
        *value = low | (uint64_t)read_word(dev, word + 4) << 32;
    } else {
        *value = low >> 8 * (offset & 3) & (UINT32_MAX >> (32 - 8 * size));
    }
    return true;
}

bool hw_device_write(void *opaque, uint64_t offset, unsigned size, uint64_t value)
{
    HwDevice *dev = opaque;
    const uint32_t word = (uint32_t)offset & ~3u;
    if (size == 8) {
        write_word(dev, word, (uint32_t)value);
        write_word(dev, word + 4, (uint32_t)(value >> 32));
    } else {
        const uint32_t lanes = (uint32_t)value & (UINT32_MAX >> (32 - 8 * size));
        write_word(dev, word, lanes << 8 * (offset & 3));
    }
    return true;
}

bool hw_device_map(HwDevice *dev, Pa base)
{
    dev->ops = (MemDeviceOps){ .name = dev->cls->name, .read = hw_device_read,
                               .write = hw_device_write };
    dev->base = base.v;
    return mem_add_device(dev->env.mem, base, dev->cls->span, &dev->ops, dev);
}
