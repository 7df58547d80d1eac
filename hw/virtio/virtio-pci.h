/*
 * The modern virtio-pci transport with MSI-X. VIRTIO 1.2, "Virtio Over PCI Bus". It is a second
 * set of registers over a virtio device that would else be behind virtio-mmio.
 */
#pragma once

#include "pci/pci.h"
#include "virtio.h"

typedef struct VirtioPci VirtioPci;

/* dev: of virtio_mmio_class, not mapped; its line 0 becomes the transport's. It outlives the
 * transport, which the caller frees. */
VirtioPci *virtio_pci_new(HwDevice *dev);
void virtio_pci_free(VirtioPci *p);
PciFunction *virtio_pci_function(VirtioPci *p);
