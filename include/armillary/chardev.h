/*
 * A character port: the outside end of a serial device. Output goes through the callback; input is
 * pushed into the device by its own receive function, which takes what fits and asks for more
 * through input_ready when there is room again.
 */
#pragma once

#include "armillary/types.h"

/* Both are called with the device lock held and may be NULL. */
typedef struct {
    void (*output)(void *ctx, const uint8_t *bytes, size_t n);
    void (*input_ready)(void *ctx);
    void *ctx;
} HwCharPort;
