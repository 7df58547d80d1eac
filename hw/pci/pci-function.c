/*
 * A PCI function: configuration space, one 32-bit memory BAR, MSI-X.
 * PCI Local Bus 3.0, "Configuration Space Organization", "MSI-X Capability and Table Structure".
 */
#include "pci.h"

#include <string.h>

#include <glib.h>

enum {
    CFG_VENDOR = 0x00,
    CFG_DEVICE = 0x02,
    CFG_COMMAND = 0x04,
    CFG_STATUS = 0x06,
    CFG_REVISION = 0x08,
    CFG_CLASS = 0x09,
    CFG_BAR0 = 0x10,
    CFG_SUBSYSTEM_VENDOR = 0x2c,
    CFG_SUBSYSTEM = 0x2e,
    CFG_CAPABILITIES = 0x34,
    CFG_LINE = 0x3c,
    CFG_MSIX = 0x40, /* the first capability */
    CFG_MSIX_CONTROL = CFG_MSIX + 2,
};
enum { COMMAND_MEMORY = 2, COMMAND_MASTER = 4, COMMAND_NO_INTX = 0x400 };
enum { STATUS_CAPABILITIES = 0x10 };
enum { CAP_MSIX = 0x11, MSIX_ENABLE = 0x8000, MSIX_MASK_ALL = 0x4000 };
enum { VECTOR_ADDRESS, VECTOR_HIGH, VECTOR_DATA, VECTOR_CONTROL };

static void put(uint8_t *space, unsigned at, unsigned size, uint32_t value)
{
    for (unsigned i = 0; i < size; i++) {
        space[at + i] = (uint8_t)(value >> (8 * i));
    }
}

static uint32_t get(const uint8_t *space, unsigned at, unsigned size)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < size; i++) {
        value |= (uint32_t)space[at + i] << (8 * i);
    }
    return value;
}

void pci_function_init(PciFunction *f, const PciType *type)
{
    uint8_t msix[10] = {0};
    uint8_t *c = f->initial, *w = f->writable;
    f->type = type;
    put(c, CFG_VENDOR, 2, type->vendor);
    put(c, CFG_DEVICE, 2, type->device);
    put(c, CFG_STATUS, 2, STATUS_CAPABILITIES);
    put(c, CFG_REVISION, 1, 1);
    put(c, CFG_CLASS, 3, type->class_code);
    put(c, CFG_SUBSYSTEM_VENDOR, 2, type->vendor);
    put(c, CFG_SUBSYSTEM, 2, type->subsystem);
    put(w, CFG_COMMAND, 2, COMMAND_MEMORY | COMMAND_MASTER | COMMAND_NO_INTX);
    put(w, CFG_BAR0, 4, ~(uint32_t)(PCI_BAR_BYTES - 1));
    put(w, CFG_LINE, 1, 0xff);
    put(w, CFG_MSIX_CONTROL, 2, MSIX_ENABLE | MSIX_MASK_ALL);
    f->config_end = CFG_MSIX;
    f->last_capability = 0;
    put(msix, 0, 2, PCI_VECTORS - 1);
    put(msix, 2, 4, PCI_MSIX_TABLE);
    put(msix, 6, 4, PCI_MSIX_PENDING);
    pci_function_add_capability(f, CAP_MSIX, msix, sizeof msix);
}

void pci_function_add_capability(PciFunction *f, uint8_t id, const uint8_t *bytes, unsigned n)
{
    const unsigned at = f->config_end;
    const unsigned link = f->last_capability ? f->last_capability + 1 : CFG_CAPABILITIES;
    g_assert(at + 2 + n <= PCI_CONFIG_BYTES);
    f->initial[link] = (uint8_t)at;
    f->initial[at] = id;
    memcpy(&f->initial[at + 2], bytes, n);
    f->last_capability = at;
    f->config_end = (at + 2 + n + 3) & ~3u;
}

void pci_function_reset(PciFunction *f)
{
    memset(&f->s, 0, sizeof f->s);
    memcpy(f->s.config, f->initial, sizeof f->initial);
    for (unsigned v = 0; v < PCI_VECTORS; v++) {
        f->s.table[v][VECTOR_CONTROL] = 1;
    }
    f->type->reset(f);
}

/* Extended configuration space is empty: no capabilities. */
uint64_t pci_config_read(const PciFunction *f, uint32_t offset, unsigned size)
{
    if (offset + size > PCI_CONFIG_BYTES) {
        return 0;
    }
    const uint64_t low = get(f->s.config, offset, size < 4 ? size : 4);
    return size == 8 ? low | (uint64_t)get(f->s.config, offset + 4, 4) << 32 : low;
}

static bool can_send(const PciFunction *f, uint32_t vector)
{
    const uint32_t control = get(f->s.config, CFG_MSIX_CONTROL, 2);
    return (control & MSIX_ENABLE) && !(control & MSIX_MASK_ALL) &&
           !(f->s.table[vector][VECTOR_CONTROL] & 1) &&
           (f->s.config[CFG_COMMAND] & COMMAND_MASTER);
}

static void send_pending(PciFunction *f)
{
    for (uint32_t v = 0; v < PCI_VECTORS; v++) {
        const uint32_t *t = f->s.table[v];
        if ((f->s.pending >> v & 1) && can_send(f, v)) {
            f->s.pending &= ~(1u << v);
            pci_send_message(f->host, f->requester,
                             t[VECTOR_ADDRESS] | (uint64_t)t[VECTOR_HIGH] << 32, t[VECTOR_DATA]);
        }
    }
}

void pci_config_write(PciFunction *f, uint32_t offset, unsigned size, uint64_t value)
{
    const bool was_enabled = pci_msix_is_enabled(f);
    if (offset + size > PCI_CONFIG_BYTES) {
        return;
    }
    for (unsigned i = 0; i < size; i++) {
        const uint8_t mask = f->writable[offset + i];
        uint8_t *byte = &f->s.config[offset + i];
        *byte = (uint8_t)((*byte & ~mask) | ((value >> (8 * i)) & mask));
    }
    if (pci_msix_is_enabled(f) != was_enabled) {
        f->type->msix_enabled(f);
    }
    send_pending(f);
}

bool pci_decodes(const PciFunction *f, uint64_t address, uint32_t *offset)
{
    const uint64_t bar = get(f->s.config, CFG_BAR0, 4);
    *offset = (uint32_t)(address - bar);
    return (f->s.config[CFG_COMMAND] & COMMAND_MEMORY) && address >= bar &&
           address - bar < PCI_BAR_BYTES;
}

/* A word of the table or of the pending bits; NULL: none. */
static uint32_t *msix_word(PciFunction *f, uint32_t offset)
{
    if (offset >= PCI_MSIX_TABLE && offset < PCI_MSIX_TABLE + sizeof f->s.table) {
        return &f->s.table[(offset - PCI_MSIX_TABLE) / 16][offset / 4 % 4];
    }
    return offset == PCI_MSIX_PENDING ? &f->s.pending : NULL;
}

uint64_t pci_bar_read(PciFunction *f, uint32_t offset, unsigned size)
{
    if (offset < PCI_MSIX_TABLE) {
        return f->type->read(f, offset, size);
    }
    const uint32_t *low = msix_word(f, offset), *high = msix_word(f, offset + 4);
    if (size < 4) {
        return 0;
    }
    return (low ? *low : 0) | (size == 8 && high ? (uint64_t)*high << 32 : 0);
}

static void write_table(PciFunction *f, uint32_t offset, uint32_t value)
{
    uint32_t *word = msix_word(f, offset);
    if (word && word != &f->s.pending) {
        *word = offset / 4 % 4 == VECTOR_CONTROL ? value & 1 : value;
    }
}

void pci_bar_write(PciFunction *f, uint32_t offset, unsigned size, uint64_t value)
{
    if (offset < PCI_MSIX_TABLE) {
        f->type->write(f, offset, size, value);
    } else if (size >= 4) {
        write_table(f, offset, (uint32_t)value);
        if (size == 8) {
            write_table(f, offset + 4, (uint32_t)(value >> 32));
        }
        send_pending(f);
    }
}

bool pci_msix_is_enabled(const PciFunction *f)
{
    return get(f->s.config, CFG_MSIX_CONTROL, 2) & MSIX_ENABLE;
}

void pci_msix_signal(PciFunction *f, uint32_t vector)
{
    if (vector < PCI_VECTORS && pci_msix_is_enabled(f)) {
        f->s.pending |= 1u << vector;
        send_pending(f);
    }
}
