/*
 * The host of bus 0: where configuration accesses and those of BARs go.
 * PCI Express Base, "Enhanced Configuration Access Mechanism": nobody at an address means ones.
 */
#include "pci.h"

#include <glib.h>

enum { VERSION = 1 };

struct PciHost {
    PciFunction *slot[PCI_SLOTS];
    unsigned n; /* slots 1..n are taken */
    uint64_t window;
    PciMessages messages;
};

PciHost *pci_host_new(PciMessages messages)
{
    PciHost *h = g_new0(PciHost, 1);
    h->messages = messages;
    return h;
}

void pci_host_free(PciHost *h)
{
    g_free(h);
}

bool pci_host_add(PciHost *h, PciFunction *f)
{
    if (h->n + 1 >= PCI_SLOTS) {
        return false;
    }
    h->slot[++h->n] = f;
    f->host = h;
    f->requester = h->n << 3;
    pci_function_reset(f);
    return true;
}

void pci_host_set_window(PciHost *h, uint64_t base)
{
    h->window = base;
}

void pci_send_message(PciHost *h, uint32_t requester, uint64_t address, uint32_t data)
{
    h->messages.send(h->messages.ctx, requester, address, data);
}

static uint64_t ones(unsigned size)
{
    return UINT64_MAX >> (64 - 8 * size);
}

/* Function 0 of a device of bus 0; NULL: nobody. */
static PciFunction *addressed(PciHost *h, uint64_t offset)
{
    const uint64_t bus = offset >> 20, function = offset >> 12 & 7;
    return bus || function ? NULL : h->slot[offset >> 15 & 31];
}

static bool ecam_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
    const PciFunction *f = addressed(dev, offset);
    *value = f ? pci_config_read(f, offset & 0xfff, size) : ones(size);
    return true;
}

static bool ecam_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
    PciFunction *f = addressed(dev, offset);
    if (f) {
        pci_config_write(f, offset & 0xfff, size, value);
    }
    return true;
}

const MemDeviceOps pci_ecam_ops = {.name = "ecam", .read = ecam_read, .write = ecam_write};

static PciFunction *decoder(PciHost *h, uint64_t address, uint32_t *offset)
{
    for (unsigned i = 1; i <= h->n; i++) {
        if (pci_decodes(h->slot[i], address, offset)) {
            return h->slot[i];
        }
    }
    return NULL;
}

static bool bar_read(void *dev, uint64_t at, unsigned size, uint64_t *value)
{
    PciHost *h = dev;
    uint32_t offset;
    PciFunction *f = decoder(h, h->window + at, &offset);
    *value = f ? pci_bar_read(f, offset, size) & ones(size) : ones(size);
    return true;
}

static bool bar_write(void *dev, uint64_t at, unsigned size, uint64_t value)
{
    PciHost *h = dev;
    uint32_t offset;
    PciFunction *f = decoder(h, h->window + at, &offset);
    if (f) {
        pci_bar_write(f, offset, size, value);
    }
    return true;
}

const MemDeviceOps pci_bar_ops = {.name = "pci-mmio", .read = bar_read, .write = bar_write};

void pci_host_reset(PciHost *h)
{
    for (unsigned i = 1; i <= h->n; i++) {
        pci_function_reset(h->slot[i]);
    }
}

void pci_host_save(PciHost *h, SnapWriter *w)
{
    for (unsigned i = 1; i <= h->n; i++) {
        snap_put(w, "pci", VERSION, &h->slot[i]->s, sizeof h->slot[i]->s);
    }
}

bool pci_host_load(PciHost *h, SnapReader *r, GError **error)
{
    for (unsigned i = 1; i <= h->n; i++) {
        PciState *s = &h->slot[i]->s;
        if (!snap_get(r, (SnapWant){"pci", VERSION, s, sizeof *s}, error)) {
            return false;
        }
    }
    return true;
}
