/*
 * The library's error domain.
 */
#include "armillary/machine.h"

GQuark vm_error_quark(void)
{
    return g_quark_from_static_string("armillary");
}
