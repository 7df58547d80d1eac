/*
 * FEAT_LPA2: 52-bit addresses of the 4K and 16K granules in both stages, by address translation instructions: level -1, output address
 * bits in other places, shareability from the control register, 52-bit base addresses' alignment. Arm ARM, "Translation table
 * descriptor formats" with TCR_ELx.DS = 1, PAR_EL1.
 */
#include "rt.h"

#define HIGH 0x000a500012340000ull /* an address of 52 bits */
#define DS BIT(59)
#define VTCR_DS BIT(32)
#define VTCR_SL2 BIT(33)

static u64 at_s1(u64 va)
{
    __asm__ volatile("at s1e1r, %0\n isb" : : "r"(va) : "memory");
    return READ(par_el1);
}

static u64 at_s12(u64 va)
{
    __asm__ volatile("at s12e1r, %0\n isb" : : "r"(va) : "memory");
    return READ(par_el1);
}

static unsigned low_bit(unsigned shift, int level)
{
    return shift + (unsigned)(3 - level) * (shift - 3);
}

/* Output address bits 51:48 where DS puts them: 51:50 in 9:8, 49:48 in place. */
static u64 field(u64 pa)
{
    return (pa & 0x3ffffffffffffull) | (pa >> 50 & 3) << 8;
}

/* Tables from `start` to a leaf of `level` for va; root has the entries of the first level. */
static u64 *entry_of(u64 *root, unsigned shift, int start, int level, u64 va)
{
    u64 *t = root;
    for (int at = start;; at++) {
        u64 *entry = &t[va >> low_bit(shift, at) & ((1ull << (shift - 3)) - 1)];
        if (at == level)
            return entry;
        if (!(*entry & 1))
            *entry = (u64)rt_alloc(1ull << shift, 1ull << shift) | 3;
        t = (u64 *)(*entry & 0xfffffffff000ull & ~((1ull << shift) - 1));
    }
}

static void is_pa(const char *what, u64 par, u64 pa, u64 sh)
{
    CHECK_EQ(what, par & 0x000ffffffffff181, pa | sh << 7);
}

static void is_fault(const char *what, u64 par, u64 fst, u64 stage2)
{
    CHECK_EQ(what, par & 0x27f, stage2 << 9 | fst << 1 | 1);
}

static void stage1(unsigned shift, int start, u64 tg0, unsigned max_ps)
{
    u64 *root = rt_alloc(1ull << shift, 1ull << shift), unit = 1ull << shift;
    u64 va = 0x000c123456780000ull, block = 0x0003210000000000ull;
    u64 tcr = 12 | tg0 << 14 | 3 << 12 | BIT(23) | (u64)max_ps << 32 | DS;
    *entry_of(root, shift, start, 3, va) = field(HIGH) | S1_NORMAL | S1_AF | 3;
    *entry_of(root, shift, start, 3, va + unit) = field(HIGH + (1ull << 40)) | S1_NORMAL | S1_AF | S1_RO | 3;
    u64 size = 1ull << low_bit(shift, 1);
    *entry_of(root, shift, start, 1, block) = field(HIGH & ~(size - 1)) | S1_NORMAL | S1_AF | 1;
    WRITE(mair_el1, MAIR_VALUE);
    WRITE(ttbr0_el1, (u64)root);
    WRITE(tcr_el1, tcr);
    WRITE_ISB(sctlr_el1, SCTLR_EL1_ON);
    rt_tlbi_all();
    is_pa("page", at_s1(va + 0x123), HIGH, 3);
    is_pa("next page", at_s1(va + unit), HIGH + (1ull << 40), 3);
    is_pa("block of level 1", at_s1(block + 0x5000), (HIGH & ~(size - 1)) + 0x5000, 3);
    is_fault("missing page", at_s1(va + 2 * unit), 7, 0);
    is_fault("missing at the first level", at_s1(1ull << 51 | 1ull << 48), start < 0 ? 0x2b : 4, 0);
    WRITE_ISB(tcr_el1, tcr & ~(3ull << 12)); /* non-shareable */
    rt_tlbi_all();
    is_pa("TCR.SH0 is the shareability", at_s1(va), HIGH, 0);
    WRITE_ISB(tcr_el1, (tcr & ~(7ull << 32)) | 5ull << 32);
    rt_tlbi_all();
    is_fault("beyond 48 bits of output", at_s1(va), 3, 0);
    WRITE_ISB(tcr_el1, tcr & ~DS);
    rt_tlbi_all();
    is_fault("T0SZ of 12 without DS", at_s1(va), 4, 0);
}

static void stage2(unsigned shift, int start, u64 tg0, unsigned max_ps)
{
    u64 *root = rt_alloc(1ull << shift, 1ull << shift), unit = 1ull << shift;
    u64 ipa = 0x0005432100000000ull;
    u64 sl = shift == 12 ? VTCR_SL2 : 3 << 6;
    u64 vtcr = 12 | sl | tg0 << 14 | 3 << 12 | (u64)max_ps << 16 | BIT(31) | VTCR_DS;
    *entry_of(root, shift, start, 3, ipa) = field(HIGH) | S2_NORMAL | S2_R | S2_W | S2_AF | 3;
    WRITE(sctlr_el1, SCTLR_EL1_OFF);
    WRITE(vtcr_el2, vtcr);
    WRITE(vttbr_el2, (u64)root);
    WRITE_ISB(hcr_el2, HCR_RW | HCR_VM | BIT(12)); /* DC: attributes are stage 2's */
    rt_tlbi_all();
    is_pa("page", at_s12(ipa), HIGH, 3);
    is_fault("missing page", at_s12(ipa + unit), 7, 1);
    is_fault("missing at the first level", at_s12(1ull << 51 | 1ull << 48), start < 0 ? 0x2b : 4, 1);
    WRITE_ISB(vtcr_el2, vtcr & ~(3ull << 12));
    rt_tlbi_all();
    is_pa("VTCR.SH0 is the shareability", at_s12(ipa), HIGH, 0);
    WRITE_ISB(vtcr_el2, (vtcr & ~(7ull << 16)) | 5ull << 16);
    rt_tlbi_all();
    is_fault("beyond 48 bits of output", at_s12(ipa), 3, 1);
    rt_s2_off();
}

void test_main(void)
{
    u64 mmfr0 = READ(id_aa64mmfr0_el1);
    unsigned ps = mmfr0 & 15;
    if (BITS(mmfr0, 31, 28) != 1 || ps < 6) {
        rt_skip("4K", "LPA2 is not announced");
    } else {
        stage1(12, -1, 0, ps);
        if (BITS(mmfr0, 43, 40) == 3)
            stage2(12, -1, 0, ps);
    }
    if (BITS(mmfr0, 23, 20) != 2 || ps < 6) {
        rt_skip("16K", "LPA2 is not announced");
    } else {
        stage1(14, 0, 2, ps);
        if (BITS(mmfr0, 35, 32) == 3)
            stage2(14, 0, 2, ps);
    }
    CHECK_EQ("52 bits are announced with LPA2", BITS(mmfr0, 31, 28) == 1 && ps < 6, 0);
}
