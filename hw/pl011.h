/* PL011 UART. Line 0: UARTINTR. Wiring: a HwCharPort (borrowed, may be NULL). */
#pragma once

#include "armillary/chardev.h"
#include "armillary/device.h"

const HwDeviceClass *pl011_class(void);
/* Takes bytes from outside into the receive FIFO; returns how many fitted. Device lock held. */
size_t pl011_receive(HwDevice *dev, const uint8_t *bytes, size_t n);
/* The other end sends a break. */
void pl011_break(HwDevice *dev);
