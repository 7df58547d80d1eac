/*
 * virtio-console with one port: input and output of characters. VIRTIO 1.2, "Console Device".
 */
#pragma once

#include "armillary/chardev.h"
#include "virtio.h"

/* Wiring of a transport. port is borrowed. */
VirtioDevice *virtio_console_new(const HwCharPort *port);
void virtio_console_free(VirtioDevice *d);
/* Takes bytes from outside; returns how many the driver had room for. Device lock held. */
size_t virtio_console_receive(HwDevice *dev, const uint8_t *bytes, size_t n);
