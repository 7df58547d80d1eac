/*
 * Tables and translation controls that make no sense: tables that name themselves, lie beyond the address size or where nothing
 * answers, start levels that contradict the size, reserved granules and sizes. Each has the answer of the manual, or, where the manual
 * leaves a choice, some answer. Arm ARM, "Translation table walk", "MMU faults", VTCR_EL2, TCR_EL1.
 */
#include "rt.h"

#define TARGET 0x46000000ull
#define WINDOW 0x100000000ull
#define PAGE 0x1000ull
#define NOWHERE 0x3f00000000ull /* physical addresses where the machine has nothing */

PROBE(load, "ldr x0, [x0]");

static struct RtMap s1, s2;

#define ABORT (BIT(62) | 1)
/* AT S12E1R: PAR_EL1; an exception instead: ABORT and its status code where PAR_EL1 has it. */
static u64 at(u64 va)
{
    rt_arm(RT_SKIP);
    __asm__ volatile("at s12e1r, %0\n isb" : : "r"(va) : "memory");
    u64 par = READ(par_el1);
    const struct RtExc *exc = rt_disarm();
    return exc->count ? ABORT | FSC(exc) << 1 : par & 1 ? par & ~BIT(62) : par;
}

static void is_fault(const char *what, u64 par, u64 fst, u64 stage2)
{
    CHECK_EQ(what, par & (ABORT | 0x27f), stage2 << 9 | fst << 1 | 1);
}

static void goes_to(const char *what, u64 par, u64 pa)
{
    CHECK_EQ(what, par & 1 ? par : par & 0xfffffffff000, pa);
}

/* Some answer: an address, or a fault that exists. */
static void anything(const char *what, u64 par)
{
    u64 fst = BITS(par, 6, 1);
    bool known = fst < 0x10 || (fst >= 0x13 && fst < 0x18) || fst == 0x29 || fst == 0x2b;
    CHECK_EQ(what, !(par & 1) || known ? 0 : par, 0);
}

static u64 external(u64 level)
{
    return ABORT | (0x14 + level) << 1;
}

/* ---- stage 2, stage 1 off: VA = IPA ---- */

static u64 table(u64 value)
{
    u64 *t = rt_alloc(4096, 4096);
    for (unsigned i = 0; i < 512; i++)
        t[i] = value;
    return (u64)t;
}

static void use(u64 root, u64 vtcr)
{
    WRITE(vtcr_el2, vtcr | 1 << 8 | 1 << 10 | 3 << 12 | BIT(31));
    WRITE(vttbr_el2, root);
    WRITE_ISB(hcr_el2, HCR_RW | HCR_VM);
    rt_tlbi_all();
}

#define PS48 (5ull << 16)
#define SL0(n) ((u64)(n) << 6)

static void stage2_tables(void)
{
    u64 self = table(0), level2 = table(0), far = table(0);
    for (unsigned i = 0; i < 512; i++)
        ((u64 *)self)[i] = self | S2_RAM | 3; /* a table of tables, and at level 3 a page: itself */
    use(self, 25 | SL0(1) | PS48);
    goes_to("a table that names itself", at(WINDOW + 0x123000), self);
    goes_to("... everywhere", at(0x7fffffffffull), self);
    use(self, 16 | SL0(2) | PS48);
    goes_to("... from level 0", at(WINDOW), self);
    use(self, 34 | SL0(0) | PS48);
    goes_to("... from level 2", at(0x12345000), self);
    /* two that name each other, and a block of level 2 */
    ((u64 *)far)[0] = level2 | 3;
    ((u64 *)level2)[0] = far | 3;
    ((u64 *)level2)[1] = (TARGET & ~0x1fffffull) | S2_RAM | 1;
    use(far, 25 | SL0(1) | PS48);
    is_fault("two that name each other: the page has no access flag", at(0), 8 + 3, 1);
    goes_to("their block", at(0x200000), TARGET & ~0x1fffffull);
    /* beyond the output size, by level of the table that says so */
    ((u64 *)far)[1] = 1ull << 40 | 3;
    ((u64 *)level2)[2] = 1ull << 40 | 3;
    ((u64 *)level2)[3] = 1ull << 40 | S2_RAM | 1;
    use(far, 25 | SL0(1) | 2ull << 16); /* PS: 40 bits */
    is_fault("level 1 names a table beyond the size", at(1ull << 30), 1, 1);
    is_fault("level 2 names a table beyond the size", at(0x400000), 2, 1);
    is_fault("level 2 names a block beyond the size", at(0x600000), 2, 1);
    use(1ull << 41, 25 | SL0(1) | 2ull << 16);
    is_fault("the root is beyond the size", at(0), 0, 1);
    /* where nothing answers */
    ((u64 *)far)[2] = NOWHERE | 3;
    ((u64 *)level2)[4] = NOWHERE | 3;
    use(far, 25 | SL0(1) | PS48);
    CHECK_EQ("level 2 table where nothing is", at(2ull << 30), external(2));
    CHECK_EQ("level 3 table where nothing is", at(0x800000), external(3));
    use(NOWHERE, 25 | SL0(1) | PS48);
    CHECK_EQ("root where nothing is", at(0), external(1));
    /* in a device: whatever its registers read as */
    use(GICD_BASE, 25 | SL0(1) | PS48);
    anything("root in a device", at(0));
}

static void stage2_controls(void)
{
    u64 root = (u64)s2.root;
    use(root, 25 | SL0(1) | PS48);
    goes_to("as it should be", at(TARGET), TARGET);
    use(root, 25 | SL0(0) | PS48);
    is_fault("39 bits from level 2: too many tables", at(TARGET), 4, 1);
    use(root, 34 | SL0(1) | PS48);
    is_fault("30 bits from level 1: no table", at(0x100000), 4, 1);
    use(root, 39 | SL0(1) | PS48);
    is_fault("25 bits from level 1", at(0x100000), 4, 1);
    use(root, 16 | SL0(1) | PS48);
    is_fault("48 bits from level 1", at(TARGET), 4, 1);
    use(root, 0 | SL0(1) | PS48);
    is_fault("64 bits", at(TARGET), 4, 1);
    use(root, 63 | SL0(1) | PS48);
    is_fault("one bit", at(0), 4, 1);
    for (u64 v = 0; v < 1 << 14; v += 3) {
        /* T0SZ, SL0, TG0 in all combinations */
        u64 vtcr = (v & 63) | SL0(v >> 6 & 3) | (v >> 8 & 3) << 14 | (v >> 10 & 7) << 16 | (v >> 13 & 1) << 21;
        WRITE(vtcr_el2, vtcr | BIT(31));
        ISB();
        if (v % 509 == 0)
            rt_tlbi_all();
        u64 par = at(TARGET + (v << 12 & 0xffff000));
        anything("all of VTCR_EL2", par);
    }
    rt_s2_off();
}

/* ---- stage 1 ---- */

static void stage1_tables(void)
{
    u64 self = table(0), kept = READ(tcr_el1);
    for (unsigned i = 0; i < 512; i++)
        ((u64 *)self)[i] = self | S1_RAM | 3;
    rt_el1_mmu(&s1, 0);
    WRITE_ISB(ttbr0_el1, self);
    rt_tlbi_all();
    goes_to("a table that names itself", at(WINDOW), self);
    WRITE_ISB(ttbr0_el1, NOWHERE);
    rt_tlbi_all();
    CHECK_EQ("root where nothing is", at(WINDOW), external(1));
    WRITE_ISB(ttbr0_el1, 1ull << 47);
    WRITE_ISB(tcr_el1, (rt_tcr_el1(&s1) & ~(7ull << 32)) | 2ull << 32);
    rt_tlbi_all();
    is_fault("the root is beyond the size", at(WINDOW), 0, 0);
    WRITE_ISB(ttbr0_el1, (u64)s1.root);
    for (u64 v = 0; v < 1 << 11; v++) {
        /* T0SZ, TG0, IPS in all combinations */
        WRITE_ISB(tcr_el1, (v & 63) | (v >> 6 & 3) << 14 | (v >> 8 & 7) << 32 | BIT(23) | 3 << 12);
        rt_tlbi_all();
        u64 par = at(TARGET);
        anything("all of TCR_EL1", par);
    }
    WRITE_ISB(tcr_el1, kept);
    rt_el1_mmu(&s1, 0);
}

/* Stage 1's tables are stage 2's: each reads the other's descriptors. */
static void mutual(void)
{
    rt_s2(&s2, 1, 0);
    WRITE_ISB(ttbr0_el1, (u64)s2.root);
    rt_tlbi_all();
    anything("stage 1 walks the tables of stage 2", at(TARGET));
    WRITE_ISB(vttbr_el2, (u64)s1.root);
    WRITE_ISB(ttbr0_el1, (u64)s1.root);
    rt_tlbi_all();
    anything("stage 2 walks the tables of stage 1", at(TARGET));
    anything("stage 2 walks the tables of stage 1", at(WINDOW));
    rt_s2_off();
}

/* Hardware updates of tables that cannot be written. */
static void updates(void)
{
    if (BITS(READ(id_aa64mmfr1_el1), 3, 0) < 1) {
        rt_skip("updates", "HAFDBS is not announced");
        return;
    }
    static struct RtMap fine; /* every page by itself */
    rt_map_init(&fine, 12, 39);
    rt_map_range(&fine, 0x08000000, 0x08000000, 0x02200000, S2_DEV | S2_XN);
    u64 *leaf = rt_map_entry(&s1, WINDOW + (8ull << 30), 3), page = (u64)leaf & ~0xfffull;
    *leaf = (TARGET | S1_RAM | 3) & ~(u64)S1_AF;
    for (u64 ipa = 0x40200000; ipa < 0x44000000; ipa += PAGE)
        rt_map_set(&fine, ipa, 3, ipa, ipa == page ? S2_RAM & ~(u64)S2_W : S2_RAM);
    rt_map_set(&fine, TARGET, 3, TARGET, S2_RAM);
    rt_s2(&fine, 1, 0);
    WRITE_ISB(tcr_el1, rt_tcr_el1(&s1) | BIT(39));
    rt_tlbi_all();
    const struct RtExc *exc = TRY(RT_SKIP, rt_el1(load, WINDOW + (8ull << 30)));
    CHECK_EXC("access flag in a table that stage 2 makes read-only", exc, 2, 0x400, ESR(0x24, 1 << 7 | 15));
    CHECK_EQ("HPFAR", exc->hpfar, page >> 12 << 4);
    CHECK_EQ("the access flag", *leaf & S1_AF, 0);
    rt_s2_off();
    rt_el1_mmu(&s1, 0);
}

void test_main(void)
{
    rt_map_init(&s1, 12, 39);
    rt_map_image(&s1);
    rt_map_range(&s1, TARGET, TARGET, 0x200000, S1_RAM);
    rt_map_init(&s2, 12, 39);
    rt_map_image_s2(&s2);
    rt_map_range(&s2, TARGET, TARGET, 0x200000, S2_RAM);
    WRITE_ISB(sctlr_el1, SCTLR_EL1_OFF);
    stage2_tables();
    stage2_controls();
    stage1_tables();
    mutual();
    updates();
    *(volatile u64 *)TARGET = 4711;
    CHECK_EQ("and still", rt_el1(load, TARGET), 4711);
}
