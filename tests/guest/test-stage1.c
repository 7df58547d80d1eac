/*
 * Stage 1 of EL1&0 for each granule: pages, blocks, contiguous entries, TTBR1, TBI, and every fault with its exact level.
 * Arm ARM, "The AArch64 Virtual Memory System Architecture": "Translation process", "Memory aborts".
 */
#include "rt.h"

#define TARGET 0x46000000ull  /* physical memory of the tests: 32 MiB aligned */
#define WINDOW 0x100000000ull /* virtual addresses of the tests */

PROBE(load, "ldr x0, [x0]");
PROBE(store, "str x0, [x0]");
PROBE(jump, "stp x29, x30, [sp, #-16]!\n blr x0\n ldp x29, x30, [sp], #16");
PROBE(el0_jump, "mov x9, x30\n blr x0\n mov x30, x9");

static struct RtMap map;

static void sync_tables(void)
{
    __asm__ volatile("dsb ishst\n tlbi vmalle1is\n dsb ish\n isb" : : : "memory");
}

static void fault(const char *what, u64 (*probe)(u64), u64 va, u64 el, u32 fsc)
{
    bool write = probe == store, exec = probe == jump || probe == el0_jump;
    rt_arm(exec ? RT_LR : RT_SKIP);
    rt_call(el ? SPSR_EL1H : SPSR_EL0, probe, va);
    const struct RtExc *exc = rt_disarm();
    CHECK_EXC(what, exc, 1, el ? 0x200 : 0x400, ESR((exec ? 0x20 : 0x24) + el, fsc | write << 6));
    CHECK_EQ("FAR", exc->far, va);
    if (exec)
        CHECK_EQ("ELR", exc->elr, va);
}

static u64 peek(u64 va)
{
    return rt_el1(load, va);
}

static void works(const char *what, u64 va, u64 pa)
{
    *(volatile u64 *)pa = pa ^ 0x5555;
    const struct RtExc *exc = TRY(RT_SKIP, CHECK_EQ(what, peek(va), pa ^ 0x5555));
    CHECK_NONE("works", exc);
    rt_el1(store, va);
    CHECK_EQ(what, *(volatile u64 *)pa, va);
}

static void pages_and_blocks(void)
{
    u64 page = 1ull << map.shift;
    rt_map_set(&map, WINDOW, 3, TARGET + 5 * page, S1_RAM);
    rt_map_set(&map, WINDOW + page, 3, TARGET, S1_RAM);
    sync_tables();
    works("page", WINDOW + 8, TARGET + 5 * page + 8);
    works("next page", WINDOW + page + 16, TARGET + 16);
    fault("beyond the pages", load, WINDOW + 2 * page, 1, 4 + 3);
    u64 size = rt_level_size(&map, 2), block = WINDOW + (4ull << 30);
    u64 pa = size > (32 << 20) ? 0x40000000 : TARGET;
    rt_map_set(&map, block, 2, pa, S1_RAM);
    sync_tables();
    works("level 2 block", block + (TARGET - pa) + 0x123458, TARGET + 0x123458);
    if (map.shift == 12) {
        rt_map_set(&map, 2 * block, 1, 0x40000000, S1_RAM);
        sync_tables();
        works("level 1 block", 2 * block + TARGET - 0x40000000 + 0x777770, TARGET + 0x777770);
    }
    /* contiguous pages: 16, 128 or 32 of them */
    unsigned run = map.shift == 12 ? 16 : map.shift == 14 ? 128 : 32;
    u64 start = WINDOW + run * page;
    for (unsigned i = 0; i < run; i++)
        rt_map_set(&map, start + i * page, 3, TARGET + i * page, S1_RAM | S1_CONT);
    sync_tables();
    works("contiguous, first", start, TARGET);
    works("contiguous, last", start + run * page - 8, TARGET + run * page - 8);
}

/* Translation faults at each level the walk can end at. */
static void missing(void)
{
    for (unsigned level = map.start; level <= 3; level++) {
        u64 va = WINDOW + (16ull << 30) + level * (1ull << 31);
        if (level == map.start)
            va = (1ull << map.va_bits) - 0x1000;
        u64 *entry = rt_map_entry(&map, va, level);
        *entry = 0x0123456789abcde0;
        sync_tables();
        fault("invalid descriptor", load, va, 1, 4 + level);
        fault("invalid descriptor, store at EL0", store, va, 0, 4 + level);
        fault("invalid descriptor, jump", jump, va, 1, 4 + level);
        *entry = 0;
    }
    u64 va = WINDOW + (48ull << 30);
    *rt_map_entry(&map, va, 3) = TARGET | S1_RAM | 1; /* 0b01 is reserved at level 3 */
    sync_tables();
    fault("reserved level 3 descriptor", load, va, 1, 4 + 3);
    u64 beyond = 1ull << map.va_bits;
    fault("beyond T0SZ", load, beyond, 1, 4);
    fault("top bits set, TTBR1 disabled", load, 0xffff000000001000, 1, 4);
    fault("neither half", load, 0x00f0000000000000, 1, 4);
}

static void access_flag(void)
{
    u64 page = 1ull << map.shift, va = WINDOW + (1ull << 30);
    rt_map_set(&map, va, 3, TARGET, S1_RAM & ~(u64)S1_AF);
    u64 block = va + rt_level_size(&map, 2) * 3;
    block &= ~(rt_level_size(&map, 2) - 1);
    rt_map_set(&map, block, 2, 0x40000000, S1_RAM & ~(u64)S1_AF);
    sync_tables();
    fault("AF clear, page", load, va, 1, 8 + 3);
    fault("AF clear, page, store", store, va + 8, 1, 8 + 3);
    fault("AF clear, block", load, block, 1, 8 + 2);
    CHECK_EQ("AF stays clear", *rt_map_entry(&map, va, 3) & S1_AF, 0);
    *rt_map_entry(&map, va, 3) |= S1_AF; /* a fault entry is never cached: no TLBI */
    table_sync();
    works("AF set without TLBI", va, TARGET);
    if (BITS(READ(id_aa64mmfr1_el1), 3, 0) == 0) {
        rt_skip("hardware AF and dirty state", "not announced");
        return;
    }
    WRITE_ISB(tcr_el1, READ(tcr_el1) | BIT(39));
    rt_map_set(&map, va + page, 3, TARGET, S1_RAM & ~(u64)S1_AF);
    sync_tables();
    works("hardware AF", va + page, TARGET);
    CHECK_EQ("AF was set", *rt_map_entry(&map, va + page, 3) & S1_AF, S1_AF);
    if (BITS(READ(id_aa64mmfr1_el1), 3, 0) >= 2) {
        WRITE_ISB(tcr_el1, READ(tcr_el1) | BIT(40));
        rt_map_set(&map, va + 2 * page, 3, TARGET, S1_RAM | S1_RO | BIT(51));
        sync_tables();
        CHECK_EQ("reading is not writing", (peek(va + 2 * page), *rt_map_entry(&map, va + 2 * page, 3) & S1_RO), S1_RO);
        works("hardware dirty state", va + 2 * page, TARGET);
        CHECK_EQ("AP[2] was cleared", *rt_map_entry(&map, va + 2 * page, 3) & S1_RO, 0);
    } else {
        rt_skip("hardware dirty state", "not announced");
    }
    WRITE_ISB(tcr_el1, rt_tcr_el1(&map));
    sync_tables();
}

struct Right {
    const char *name;
    u64 attrs;
    bool el1_w, el1_x, el0_r, el0_w, el0_x;
};

static const struct Right rights[] = {
    {"rw/-", 0, true, true, false, false, true},
    {"rw/rw", S1_USER, true, false, true, true, true}, /* writable at EL0: never executed at EL1 */
    {"r/-", S1_RO, false, true, false, false, true},
    {"r/r", S1_RO | S1_USER, false, true, true, false, true},
    {"rw/- pxn", S1_PXN, true, false, false, false, true},
    {"r/r uxn", S1_RO | S1_USER | S1_UXN, false, true, true, false, false},
    {"r/r pxn", S1_RO | S1_USER | S1_PXN, false, false, true, false, true},
    {"rw/rw uxn pxn", S1_USER | S1_UXN | S1_PXN, true, false, true, true, false},
};

static void right(const struct Right *r, unsigned level, u64 va, u64 pa, bool wxn)
{
    u32 fsc = 12 + level;
    u64 off = TARGET - pa;
    rt_map_set(&map, va, level, pa, S1_RAM | r->attrs);
    sync_tables();
    volatile u32 *code = (u32 *)TARGET;
    code[0] = 0xd65f03c0; /* ret */
    __asm__ volatile("dc cvau, %0\n dsb ish\n ic ivau, %0\n dsb ish\n isb" : : "r"(code) : "memory");
    va += off;
    bool el1_x = r->el1_x && !(wxn && r->el1_w), el0_x = r->el0_x && !(wxn && r->el0_w);
    CHECK_NONE("read at EL1", TRY(RT_SKIP, rt_el1(load, va)));
    if (r->el1_w)
        CHECK_NONE("write at EL1", TRY(RT_SKIP, rt_el1(store, va + 8)));
    else
        fault(r->name, store, va, 1, fsc);
    if (r->el0_r)
        CHECK_NONE("read at EL0", TRY(RT_SKIP, rt_el0(load, va)));
    else
        fault(r->name, load, va, 0, fsc);
    if (r->el0_w)
        CHECK_NONE("write at EL0", TRY(RT_SKIP, rt_el0(store, va + 8)));
    else
        fault(r->name, store, va, 0, fsc);
    if (el1_x)
        CHECK_NONE("execute at EL1", TRY(RT_LR, rt_el1(jump, va)));
    else
        fault(r->name, jump, va, 1, fsc);
    if (el0_x)
        CHECK_NONE("execute at EL0", TRY(RT_LR, rt_el0(el0_jump, va)));
    else
        fault(r->name, el0_jump, va, 0, fsc);
}

static void permissions(void)
{
    u64 page = WINDOW + (2ull << 30), block = WINDOW + (3ull << 30);
    u64 pa = TARGET & ~(rt_level_size(&map, 2) - 1);
    for (unsigned i = 0; i < sizeof rights / sizeof *rights; i++) {
        u64 failures = rt_failures;
        right(&rights[i], 3, page, TARGET, false);
        right(&rights[i], 2, block, pa, false);
        if (rt_failures != failures)
            rt_printf("  rights %s, page shift %d\n", rights[i].name, map.shift);
    }
}

/* WXN: with the test's own text read-only it can stay on. */
static void wxn(void)
{
    WRITE_ISB(sctlr_el1, READ(sctlr_el1) | BIT(19));
    sync_tables();
    for (unsigned i = 0; i < sizeof rights / sizeof *rights; i++)
        right(&rights[i], 3, WINDOW + (2ull << 30), TARGET, true);
    WRITE_ISB(sctlr_el1, READ(sctlr_el1) & ~BIT(19));
    sync_tables();
}

/* APTable, PXNTable and UXNTable of a table descriptor limit what lies below. */
static void hierarchical(void)
{
    u64 va = WINDOW + (5ull << 30) + (rt_level_size(&map, 2) > (32 << 20) ? 0 : 0);
    rt_map_set(&map, va, 3, TARGET, S1_RAM | S1_USER);
    u64 *table = rt_map_entry(&map, va, 2);
    *table |= BIT(62); /* no writes */
    sync_tables();
    fault("APTable[1]", store, va, 1, 12 + 3);
    CHECK_NONE("APTable[1], read", TRY(RT_SKIP, rt_el0(load, va)));
    *table = (*table & ~BIT(62)) | BIT(61); /* not for EL0 */
    sync_tables();
    fault("APTable[0]", load, va, 0, 12 + 3);
    CHECK_NONE("APTable[0], EL1", TRY(RT_SKIP, rt_el1(store, va)));
    *table = (*table & ~BIT(61)) | BIT(60); /* UXN */
    sync_tables();
    fault("UXNTable", el0_jump, va, 0, 12 + 3);
    *table = (*table & ~BIT(60)) | BIT(59); /* PXN */
    rt_map_set(&map, va, 3, TARGET, S1_RAM | S1_RO);
    sync_tables();
    fault("PXNTable", jump, va, 1, 12 + 3);
    *table &= ~BIT(59);
    if (BITS(READ(id_aa64mmfr1_el1), 15, 12)) {
        *table |= BIT(59) | BIT(62);
        rt_map_set(&map, va, 3, TARGET, S1_RAM);
        WRITE_ISB(tcr_el1, READ(tcr_el1) | BIT(41)); /* HPD0 */
        sync_tables();
        CHECK_NONE("HPD0", TRY(RT_SKIP, rt_el1(store, va)));
        WRITE_ISB(tcr_el1, rt_tcr_el1(&map));
    } else {
        rt_skip("HPD0", "not announced");
    }
}

static void top_bytes(void)
{
    u64 va = WINDOW + (2ull << 30), tagged = va | 0x5a00000000000000;
    rt_map_set(&map, va, 3, TARGET, S1_RAM);
    sync_tables();
    fault("tag without TBI", load, tagged, 1, 4);
    WRITE_ISB(tcr_el1, READ(tcr_el1) | BIT(37));
    sync_tables();
    works("tag with TBI0", tagged, TARGET);
    rt_map_set(&map, va, 3, TARGET, S1_RAM | S1_RO);
    sync_tables();
    fault("FAR keeps the tag", store, tagged, 1, 12 + 3);
    WRITE_ISB(tcr_el1, rt_tcr_el1(&map));
    sync_tables();
}

static void upper_half(void)
{
    struct RtMap high;
    rt_map_init(&high, map.shift, map.va_bits);
    u64 base = ~((1ull << map.va_bits) - 1), page = 1ull << map.shift;
    rt_map_set(&high, base + 3 * page, 3, TARGET + page, S1_RAM);
    rt_map_set(&high, base + 4 * page, 3, TARGET, S1_RAM | S1_RO);
    WRITE(ttbr1_el1, (u64)high.root);
    u64 tg1 = map.shift == 12 ? 2 : map.shift == 14 ? 1 : 3;
    WRITE_ISB(tcr_el1, (rt_tcr_el1(&map) & ~BIT(23)) | (64 - map.va_bits) << 16 | 1 << 24 | 1 << 26 |
                           3 << 28 | tg1 << 30);
    sync_tables();
    works("TTBR1", base + 3 * page + 32, TARGET + page + 32);
    fault("TTBR1, read-only", store, base + 4 * page, 1, 12 + 3);
    fault("TTBR1, missing", load, base + 5 * page, 1, 4 + 3);
    fault("below T1SZ", load, base - 8, 1, 4);
    fault("TTBR1 from EL0", load, base + 3 * page, 0, 12 + 3);
    WRITE_ISB(tcr_el1, READ(tcr_el1) | BIT(38)); /* TBI1 */
    sync_tables();
    works("TTBR1 with TBI1", (base + 3 * page) & ~(0x3full << 56), TARGET + page);
    WRITE_ISB(tcr_el1, READ(tcr_el1) | BIT(23)); /* EPD1 */
    sync_tables();
    fault("EPD1", load, base + 3 * page, 1, 4);
    WRITE_ISB(tcr_el1, rt_tcr_el1(&map));
    sync_tables();
}

static void one_granule(unsigned shift, unsigned va_bits)
{
    if (!rt_has_granule(shift)) {
        rt_skip("granule", shift == 14 ? "16K is not announced" : "not announced");
        return;
    }
    rt_map_init(&map, shift, va_bits);
    rt_map_image(&map);
    rt_el1_mmu(&map, 0);
    u64 failures = rt_failures;
    pages_and_blocks();
    missing();
    access_flag();
    permissions();
    wxn();
    hierarchical();
    top_bytes();
    upper_half();
    if (rt_failures != failures)
        rt_printf("  with page shift %d\n", shift);
    rt_el1_mmu_off();
}

void test_main(void)
{
    one_granule(12, 39);
    one_granule(12, 48);
    one_granule(14, 47);
    one_granule(14, 36);
    one_granule(16, 42);
    one_granule(16, 48);
}
