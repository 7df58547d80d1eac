/*
 * DC ZVA of Device memory takes an alignment fault, at any address, before a permission fault. Arm ARM, "DC ZVA".
 */
#include "rt.h"

#define TARGET 0x46000000ull
#define WINDOW 0x100000000ull

PROBE(dc_zva, "dc zva, x0");
PROBE(store, "str xzr, [x0]");

static void fault(const char *what, const struct RtExc *exc, u64 va)
{
    CHECK_EXC(what, exc, 2, 0x200, ESR(0x25, 0x21 | 1 << 6));
    CHECK_EQ("FAR is the address given", exc->far, va);
}

static void stage1(void)
{
    rt_map_set(&rt_el2_map, WINDOW, 3, TARGET, S1_DEVICE | S1_AF);
    rt_map_set(&rt_el2_map, WINDOW + 0x1000, 3, TARGET, S1_DEVICE | S1_AF | S1_RO);
    rt_map_set(&rt_el2_map, WINDOW + 0x2000, 3, TARGET, S1_RAM | S1_RO);
    rt_map_set(&rt_el2_map, WINDOW + 0x3000, 3, TARGET, S1_RAM);
    rt_map_entry(&rt_el2_map, WINDOW + 0x4000, 3);
    table_sync();
    volatile u64 *cell = (volatile u64 *)TARGET;
    for (unsigned i = 0; i < 24; i++)
        cell[i] = ~0ull;
    fault("Device", TRY(RT_SKIP, dc_zva(WINDOW)), WINDOW);
    store(WINDOW + 8); /* now its translation is cached */
    fault("Device, cached", TRY(RT_SKIP, dc_zva(WINDOW + 0x48)), WINDOW + 0x48);
    fault("Device, read-only", TRY(RT_SKIP, dc_zva(WINDOW + 0x1000)), WINDOW + 0x1000);
    const struct RtExc *exc = TRY(RT_SKIP, dc_zva(WINDOW + 0x2043));
    CHECK_EXC("read-only", exc, 2, 0x200, ESR(0x25, 0x4f));
    CHECK_EQ("FAR is the address given", exc->far, WINDOW + 0x2043);
    exc = TRY(RT_SKIP, dc_zva(WINDOW + 0x4041));
    CHECK_EXC("unmapped", exc, 2, 0x200, ESR(0x25, 0x47));
    CHECK_EQ("FAR is the address given", exc->far, WINDOW + 0x4041);
    CHECK_EQ("nothing was written", cell[9], ~0ull);
    CHECK_EQ("but by the store", cell[1], 0);
    CHECK_NONE("Normal", TRY(RT_SKIP, dc_zva(WINDOW + 0x3047)));
    for (unsigned i = 2; i < 24; i++)
        if (cell[i] != (i >= 8 && i < 16 ? 0 : ~0ull))
            CHECK_EQ("64 bytes", i, ~0ull);
}

static void below(void)
{
    static struct RtMap s2;
    rt_el1_mmu_off();
    const struct RtExc *exc = TRY(RT_SKIP, rt_el1(dc_zva, TARGET));
    CHECK_EXC("MMU off", exc, 1, 0x200, ESR(0x25, 0x21 | 1 << 6));
    rt_el1_flat();
    rt_map_set(&rt_flat, TARGET, 3, TARGET, S1_RAM);
    rt_map_set(&rt_flat, TARGET + 0x1000, 3, TARGET + 0x1000, S1_RAM);
    table_sync();
    rt_map_init(&s2, 12, 40);
    rt_map_image_s2(&s2);
    rt_map_set(&s2, TARGET, 3, TARGET, S2_DEV);
    rt_map_set(&s2, TARGET + 0x1000, 3, TARGET, S2_DEV & ~(u64)S2_W);
    rt_s2(&s2, 1, 0);
    exc = TRY(RT_SKIP, rt_el1(dc_zva, TARGET));
    CHECK_EXC("stage 2 Device", exc, 2, 0x400, ESR(0x24, 0x21 | 1 << 6));
    rt_el1(store, TARGET);
    exc = TRY(RT_SKIP, rt_el1(dc_zva, TARGET + 64));
    CHECK_EXC("stage 2 Device, cached", exc, 2, 0x400, ESR(0x24, 0x21 | 1 << 6));
    exc = TRY(RT_SKIP, rt_el1(dc_zva, TARGET + 0x1000));
    CHECK_EXC("stage 2 Device, read-only", exc, 2, 0x400, ESR(0x24, 0x21 | 1 << 6));
    rt_s2_off();
}

void test_main(void)
{
    rt_el1_flat();
    stage1();
    below();
}
