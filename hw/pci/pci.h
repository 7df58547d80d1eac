/*
 * A PCI Express host with one bus: functions of type 0 behind an ECAM window, each with one memory
 * BAR and MSI-X. PCI Local Bus 3.0, "Configuration Space"; PCI Express Base, "Enhanced
 * Configuration Access Mechanism"; Devicetree binding pci-host-ecam-generic.
 * MISSING: bridges, INTx (functions have MSI-X, and no interrupt pin), I/O space.
 */
#pragma once

#include "armillary/memory.h"
#include "armillary/snapshot.h"

enum { PCI_SLOTS = 32, PCI_CONFIG_BYTES = 256, PCI_VECTORS = 3, PCI_OWN_WORDS = 4 };
enum { PCI_NO_VECTOR = 0xffff };
/* Where a BAR has the MSI-X table and its pending bits; a function's own registers are below. */
enum { PCI_MSIX_TABLE = 0x4000, PCI_MSIX_PENDING = 0x5000, PCI_BAR_BYTES = 0x8000 };

typedef struct PciHost PciHost;
typedef struct PciFunction PciFunction;

/* A memory write that signals an interrupt. Requester: bus, device and function. */
typedef struct {
    void (*send)(void *ctx, uint32_t requester, uint64_t address, uint32_t data);
    void *ctx;
} PciMessages;

/* What a function is. The calls are made with the device lock held. */
typedef struct {
    uint16_t vendor, device, subsystem;
    uint32_t class_code; /* 24 bits */
    void (*reset)(PciFunction *f);
    uint64_t (*read)(PciFunction *f, uint32_t offset, unsigned size);
    void (*write)(PciFunction *f, uint32_t offset, unsigned size, uint64_t value);
    void (*msix_enabled)(PciFunction *f); /* MSI-X was switched on or off */
} PciType;

/* Saved as bytes. */
typedef struct {
    uint8_t config[PCI_CONFIG_BYTES];
    uint32_t table[PCI_VECTORS][4]; /* MSI-X: address, its high half, data, control */
    uint32_t pending;
    uint32_t own[PCI_OWN_WORDS]; /* the function's */
} PciState;

/* First member of each function's own struct. Filled by pci_function_init. */
struct PciFunction {
    PciState s;
    const PciType *type;
    PciHost *host;
    uint8_t initial[PCI_CONFIG_BYTES], writable[PCI_CONFIG_BYTES];
    uint32_t requester;
    unsigned config_end, last_capability;
};

PciHost *pci_host_new(PciMessages messages);
void pci_host_free(PciHost *h);
/* The next free slot from 1; false: there is none. */
bool pci_host_add(PciHost *h, PciFunction *f);
/* The ECAM window, and the window of 32-bit BARs (bus address = physical address); dev: PciHost. */
extern const MemDeviceOps pci_ecam_ops;
extern const MemDeviceOps pci_bar_ops;
/* Where the window of BARs begins. */
void pci_host_set_window(PciHost *h, uint64_t base);

/* Device lock held. */
void pci_host_reset(PciHost *h);
void pci_host_save(PciHost *h, SnapWriter *w);
bool pci_host_load(PciHost *h, SnapReader *r, GError **error);

/* pci-function.c. A function in reset state with an MSI-X capability. */
void pci_function_init(PciFunction *f, const PciType *type);
void pci_function_reset(PciFunction *f);
/* Appends a capability: id and next are filled in, `bytes` holds what follows (n of them). */
void pci_function_add_capability(PciFunction *f, uint8_t id, const uint8_t *bytes, unsigned n);
uint64_t pci_config_read(const PciFunction *f, uint32_t offset, unsigned size);
void pci_config_write(PciFunction *f, uint32_t offset, unsigned size, uint64_t value);
/* Does the function decode this bus address? */
bool pci_decodes(const PciFunction *f, uint64_t address, uint32_t *offset);
uint64_t pci_bar_read(PciFunction *f, uint32_t offset, unsigned size);
void pci_bar_write(PciFunction *f, uint32_t offset, unsigned size, uint64_t value);

bool pci_msix_is_enabled(const PciFunction *f);
/* Sends a vector's message, or makes it pending while it is masked. PCI_NO_VECTOR: nothing. */
void pci_msix_signal(PciFunction *f, uint32_t vector);
/* What the host does with it. */
void pci_send_message(PciHost *h, uint32_t requester, uint64_t address, uint32_t data);
