/* PL061 GPIO, eight pins. Line 0: GPIOINTR. */
#pragma once

#include "armillary/device.h"

enum { PL061_POWER_KEY = 3 }; /* the virt board's gpio-keys pin */

const HwDeviceClass *pl061_class(void);
/* Drives pin 0..7 from outside. Device lock held. */
void pl061_set_input(HwDevice *dev, unsigned pin, bool level);
