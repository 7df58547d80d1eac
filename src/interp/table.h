/*
 * Kind to handler.
 */
#pragma once

#include "kinds.h"

extern const InterpFn interp_handlers[IK_TOTAL];
