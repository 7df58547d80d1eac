/*
 * DC ZVA of Device memory takes an alignment fault. Arm ARM, "DC ZVA". Not in the everyday suite: neither QEMU 11 nor Armillary does.
 */
#include "rt.h"

#define TARGET 0x46000000ull
#define WINDOW 0x100000000ull

PROBE(dc_zva, "dc zva, x0");

void test_main(void)
{
    rt_map_set(&rt_el2_map, WINDOW, 3, TARGET, S1_DEVICE | S1_AF);
    table_sync();
    const struct RtExc *exc = TRY(RT_SKIP, dc_zva(WINDOW));
    CHECK_EXC("DC ZVA of Device memory", exc, 2, 0x200, ESR(0x25, 0x21 | 1 << 6));
}
