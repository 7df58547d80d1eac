/*
 * What switches between worlds cost: a guest at EL1 (both stages on) under a small hypervisor at EL2. Prints "bench NAME VALUE
 * UNIT" for compare.py. Built on the runtime of tests/guest; the loops are in virt-vectors.S.
 */
#include "../guest/rt.h"

enum { PAGES = 512, ASIDS = 2, LR_SGI = 5 };
#define SET_VA 0x80c00000ull /* far from what blocks map */

extern char virt_vectors_el2[], virt_vectors_el1[];
u64 run_hypercall(u64), run_mmio(u64), run_vipi(u64), run_touch(u64), run_tlbi_512(u64), run_tlbi_64(u64), run_asid(u64),
    run_vmid(u64);
u64 virt_set = SET_VA, virt_ttbr[2], virt_vttbr[2], virt_exits;

static struct RtMap s1[ASIDS], s2;

#define ICH_LR(value) WRITE(ICH_LR0_EL2, value)

/* An exit with all registers saved: a load from a device that is not there reads 0; an SGI becomes a list register. */
void virt_exit(u64 esr, u64 *x);
void virt_exit(u64 esr, u64 *x)
{
    virt_exits++;
    if (esr >> 26 == 0x24 && esr & BIT(24)) {
        u64 ipa = READ(hpfar_el2) << 8 | (READ(far_el2) & 4095);
        x[BITS(esr, 20, 16)] = ipa & 0xff;
    } else if (esr >> 26 == 0x18) {
        ICH_LR(BIT(62) | BIT(60) | 0xa0ull << 48 | (x[BITS(esr, 9, 5)] >> 24 & 15));
    } else {
        rt_printf("FAIL exit with ESR %lx\n", esr);
        rt_off();
    }
    WRITE(elr_el2, READ(elr_el2) + 4);
}

/* Image and heap in blocks, the set in pages that are not global. */
static void make_tables(void)
{
    u8 *set = rt_alloc(PAGES * 4096, 0x200000);
    for (unsigned a = 0; a < ASIDS; a++) {
        rt_map_init(&s1[a], 12, 39);
        rt_map_image(&s1[a]);
        for (u64 i = 0; i < PAGES; i++) {
            u64 *entry = rt_map_entry(&s1[a], SET_VA + i * 4096, 3);
            *entry = ((u64)set + i * 4096) | S1_RAM | S1_NG | 3;
        }
        virt_ttbr[a] = (u64)s1[a].root | (u64)(a + 1) << 48;
    }
    rt_map_init(&s2, 12, 39);
    rt_map_range(&s2, 0x08000000, 0x08000000, 0x02000000, S2_DEV | S2_XN);
    rt_map_range(&s2, 0x40000000, 0x40000000, 0x08000000, S2_RAM);
    virt_vttbr[0] = (u64)s2.root | 1ull << 48;
    virt_vttbr[1] = (u64)s2.root | 2ull << 48;
}

/* Both virtual machines share tables, so that the cost of a switch is the switch's. */
static void measure(const char *name, u64 (*run)(u64), u64 scale)
{
    u64 rounds = 64, start, ticks, frequency = READ(cntfrq_el0);
    rt_el1(run, 16);
    do {
        rounds *= 2;
        start = READ(cntvct_el0);
        rt_el1(run, rounds);
        ticks = READ(cntvct_el0) - start;
    } while (ticks < frequency / 5);
    rt_printf("bench %s %ld ops/s\n", name, rounds * scale * frequency / ticks);
}

void test_main(void)
{
    make_tables();
    rt_el1_mmu(&s1[0], 0);
    WRITE(ttbr0_el1, virt_ttbr[0]);
    WRITE(tcr_el1, READ(tcr_el1) & ~BIT(22));
    rt_s2(&s2, 1, HCR_IMO | HCR_FMO);
    WRITE(vbar_el1, (u64)virt_vectors_el1);
    WRITE(ICH_VMCR_EL2, 0xffull << 24 | 2);
    WRITE(ICH_HCR_EL2, 1);
    WRITE_ISB(vbar_el2, (u64)virt_vectors_el2);
    measure("hypercall", run_hypercall, 1);
    measure("mmio-exit", run_mmio, 1);
    measure("vipi", run_vipi, 1);
    measure("touch-512", run_touch, 1);
    measure("tlbi+touch-64", run_tlbi_64, 1);
    measure("tlbi+touch-512", run_tlbi_512, 1);
    measure("asid+touch-64", run_asid, 1);
    measure("vmid+touch-512", run_vmid, 1);
    rt_puts("PASS 1\n");
    rt_off();
}
