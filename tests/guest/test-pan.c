/*
 * Privileged access never: FEAT_PAN, its address translation forms (FEAT_PAN2), and SCTLR_EL1.EPAN (FEAT_PAN3), by which pages that
 * EL0 may only execute are user pages too. Arm ARM, "About the PAN bit", SCTLR_EL1.EPAN.
 */
#include "rt.h"

#define TARGET 0x46000000ull
#define WINDOW 0x100000000ull
#define PAGE 0x1000ull
#define PAN BIT(22)
#define SPSR_PAN (SPSR_EL1H | PAN)
#define EPAN BIT(57)

PROBE(load, "ldr x0, [x0]");
PROBE(store, "str x0, [x0]");
PROBE(load_user, "ldtr x0, [x0]");
PROBE(at_rp, "at s1e1rp, x0\n isb\n mrs x0, par_el1");
PROBE(at_r, "at s1e1r, x0\n isb\n mrs x0, par_el1");

static struct RtMap map;

static const struct {
    const char *name;
    u64 attrs;
    bool user, exec_only; /* readable by EL0; executable by EL0, not readable */
} pages[] = {
    {"EL1 only", S1_UXN, false, false},
    {"EL1, read-only", S1_RO | S1_UXN, false, false},
    {"EL0 too", S1_USER | S1_UXN, true, false},
    {"EL0 reads", S1_USER | S1_RO | S1_UXN, true, false},
    {"EL0 executes only", 0, false, true},
    {"EL0 executes only, read-only", S1_RO, false, true},
};
enum { PAGES = sizeof pages / sizeof *pages };

static u64 va_of(unsigned i)
{
    return WINDOW + i * PAGE;
}

static void one(unsigned i, bool epan)
{
    bool hidden = pages[i].user || (epan && pages[i].exec_only), writable = !(pages[i].attrs & S1_RO);
    const struct RtExc *exc = TRY(RT_SKIP, rt_call(SPSR_EL1H, load, va_of(i)));
    CHECK_NONE("without PAN", exc);
    exc = TRY(RT_SKIP, rt_call(SPSR_PAN, load, va_of(i)));
    if (hidden)
        CHECK_EXC(pages[i].name, exc, 1, 0x200, ESR(0x25, 15));
    else
        CHECK_NONE("with PAN", exc);
    exc = TRY(RT_SKIP, rt_call(SPSR_PAN, store, va_of(i)));
    if (hidden || !writable)
        CHECK_EXC(pages[i].name, exc, 1, 0x200, ESR(0x25, 1 << 6 | 15));
    else
        CHECK_NONE("store with PAN", exc);
    /* an access with EL0's rights is not privileged */
    exc = TRY(RT_SKIP, rt_call(SPSR_PAN, load_user, va_of(i)));
    if (pages[i].user)
        CHECK_NONE("LDTR", exc);
    else
        CHECK_EXC(pages[i].name, exc, 1, 0x200, ESR(0x25, 15));
    if (BITS(READ(id_aa64mmfr1_el1), 23, 20) >= 2) {
        CHECK_EQ(pages[i].name, rt_call(SPSR_PAN, at_rp, va_of(i)) & 0x7f, hidden ? 15 << 1 | 1 : 0);
        CHECK_EQ(pages[i].name, rt_call(SPSR_PAN, at_r, va_of(i)) & 0x7f, 0);
    }
}

void test_main(void)
{
    unsigned level = BITS(READ(id_aa64mmfr1_el1), 23, 20);
    if (level < 1) {
        rt_skip("PAN", "not announced");
        return;
    }
    rt_map_init(&map, 12, 39);
    /* the test itself belongs to EL1 alone: its handlers run with PAN */
    rt_map_range(&map, 0x08000000, 0x08000000, 0x02200000, S1_DEVICE | S1_AF | S1_UXN | S1_PXN);
    rt_map_range(&map, 0x40200000, 0x40200000, 0x200000, S1_RAM | S1_RO | S1_UXN);
    rt_map_range(&map, 0x40400000, 0x40400000, 0x3c00000, S1_RAM | S1_UXN | S1_PXN);
    for (unsigned i = 0; i < PAGES; i++)
        rt_map_set(&map, va_of(i), 3, TARGET, S1_RAM | S1_PXN | pages[i].attrs);
    rt_el1_mmu(&map, 0);
    for (unsigned i = 0; i < PAGES; i++)
        one(i, false);
    if (level < 3) {
        rt_skip("EPAN", "PAN3 is not announced");
        return;
    }
    /* the field may be cached in TLBs */
    WRITE_ISB(sctlr_el1, READ(sctlr_el1) | EPAN);
    rt_tlbi_all();
    for (unsigned i = 0; i < PAGES; i++)
        one(i, true);
    WRITE_ISB(sctlr_el1, READ(sctlr_el1) & ~EPAN);
    rt_tlbi_all();
    for (unsigned i = 0; i < PAGES; i++)
        one(i, false);
}
