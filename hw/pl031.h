/* PL031 real-time clock. Line 0: RTCINTR. */
#pragma once

#include "armillary/device.h"

const HwDeviceClass *pl031_class(void);
/* Sets the counter, seconds since 1970, as software does by RTCLR. */
void pl031_set_time(HwDevice *dev, uint32_t seconds);
