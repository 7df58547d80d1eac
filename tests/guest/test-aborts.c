/*
 * What a confused guest does: accesses and jumps to where nothing is, nonsense in translation tables. Each has its architected end.
 * Arm ARM, "Synchronous External aborts", "Address size fault", "Memory aborts".
 */
#include "rt.h"

#define TARGET 0x46000000ull
#define WINDOW 0x100000000ull
#define NOTHING 0x300000000ull /* no device, no memory on the board */
#define HOLE 0x0b800000ull

PROBE(load, "ldr x0, [x0]");
PROBE(load32, "ldr w0, [x0]");
PROBE(loadq, "ldp x1, x2, [x0]");
PROBE(store, "str w1, [x0]");
PROBE(jump, "stp x29, x30, [sp, #-16]!\n blr x0\n ldp x29, x30, [sp], #16");
PROBE(atomic, "ldadd x1, x2, [x0]");

/* EA, FnV and the like are the implementation's; class, vector, status and direction are not. */
static void abort_at(const char *what, const struct RtExc *exc, u64 el, u64 vector, u64 ec, u64 fsc)
{
    CHECK_EQ(what, exc->count, 1);
    CHECK_EQ("EL", exc->el, el);
    CHECK_EQ("vector", exc->vector, vector);
    CHECK_EQ("EC", EC(exc), ec);
    CHECK_EQ("status", FSC(exc), fsc);
}

static void external(void)
{
    rt_map_set(&rt_el2_map, WINDOW, 3, NOTHING, S1_RAM);
    rt_map_set(&rt_el2_map, WINDOW + 0x1000, 3, NOTHING, S1_DEVICE | S1_AF);
    rt_map_set(&rt_el2_map, WINDOW + 0x2000, 3, HOLE, S1_DEVICE | S1_AF);
    table_sync();
    const struct RtExc *exc = TRY(RT_SKIP, load(WINDOW + 8));
    abort_at("load", exc, 2, 0x200, 0x25, 0x10);
    CHECK_EQ("WnR", exc->esr & 0x40, 0);
    if (!(exc->esr & BIT(10)))
        CHECK_EQ("FAR", exc->far, WINDOW + 8);
    abort_at("load, Device", TRY(RT_SKIP, load32(WINDOW + 0x1000)), 2, 0x200, 0x25, 0x10);
    abort_at("load, hole between devices", TRY(RT_SKIP, load32(WINDOW + 0x2000)), 2, 0x200, 0x25, 0x10);
    exc = TRY(RT_SKIP, store(WINDOW + 0x1004));
    abort_at("store", exc, 2, 0x200, 0x25, 0x10);
    CHECK_EQ("WnR", exc->esr & 0x40, 0x40);
    abort_at("pair", TRY(RT_SKIP, loadq(WINDOW + 16)), 2, 0x200, 0x25, 0x10);
    abort_at("jump", TRY(RT_LR, jump(WINDOW + 0x40)), 2, 0x200, 0x21, 0x10);
    if (BITS(READ(id_aa64isar0_el1), 23, 20) >= 2)
        abort_at("atomic", TRY(RT_SKIP, atomic(WINDOW)), 2, 0x200, 0x25, 0x10);
}

static void external_el1(void)
{
    rt_map_set(&rt_flat, WINDOW, 3, NOTHING, S1_RAM | S1_USER | S1_RO);
    rt_map_set(&rt_flat, WINDOW + 0x1000, 3, NOTHING, S1_RAM | S1_RO);
    /* tables where nothing is, at levels 3 and 2 */
    *rt_map_entry(&rt_flat, WINDOW + 0x40000000, 2) = NOTHING | 3;
    *rt_map_entry(&rt_flat, WINDOW + 0x80000000, 1) = NOTHING | 3;
    rt_tlbi_all();
    abort_at("load of EL1", TRY(RT_SKIP, rt_el1(load, WINDOW)), 1, 0x200, 0x25, 0x10);
    abort_at("load of EL0", TRY(RT_SKIP, rt_el0(load, WINDOW)), 1, 0x400, 0x24, 0x10);
    abort_at("jump of EL1", TRY(RT_LR, rt_el1(jump, WINDOW + 0x1000)), 1, 0x200, 0x21, 0x10);
    abort_at("table of level 3", TRY(RT_SKIP, rt_el1(load, WINDOW + 0x40000000)), 1, 0x200, 0x25, 0x17);
    abort_at("table of level 2", TRY(RT_SKIP, rt_el1(load, WINDOW + 0x80000000)), 1, 0x200, 0x25, 0x16);
    abort_at("table of level 2, jump", TRY(RT_LR, rt_el1(jump, WINDOW + 0x80000000)), 1, 0x200, 0x21, 0x16);
    static struct RtMap s2;
    rt_map_init(&s2, 12, 39);
    rt_map_image_s2(&s2);
    rt_map_set(&s2, NOTHING, 3, NOTHING, S2_RAM);
    rt_s2(&s2, 1, 0);
    abort_at("load of a guest: its own", TRY(RT_SKIP, rt_el1(load, WINDOW)), 1, 0x200, 0x25, 0x10);
    *rt_map_entry(&s2, NOTHING, 1) = NOTHING | 3;
    rt_tlbi_all();
    abort_at("table of stage 2", TRY(RT_SKIP, rt_el1(load, WINDOW)), 2, 0x400, 0x24, 0x16);
    rt_s2_off();
}

/* Output addresses beyond TCR_EL1.IPS, at each level, in a block, a page, a table and TTBR0. */
static void address_size(void)
{
    u64 tcr = READ(tcr_el1), beyond = 0x4000000000; /* IPS 0: 32 bits */
    rt_map_set(&rt_flat, WINDOW + 0x3000, 3, beyond, S1_RAM);
    rt_map_set(&rt_flat, WINDOW + 0x41000000, 2, beyond, S1_RAM);
    rt_map_set(&rt_flat, WINDOW + 0xc0000000, 1, beyond, S1_RAM);
    *rt_map_entry(&rt_flat, WINDOW + 0x42000000, 2) = beyond | 3;
    WRITE_ISB(tcr_el1, tcr & ~(7ull << 32));
    rt_tlbi_all();
    abort_at("page", TRY(RT_SKIP, rt_el1(load, WINDOW + 0x3000)), 1, 0x200, 0x25, 3);
    abort_at("level 2 block", TRY(RT_SKIP, rt_el1(load, WINDOW + 0x41000000)), 1, 0x200, 0x25, 2);
    abort_at("level 1 block", TRY(RT_SKIP, rt_el1(load, WINDOW + 0xc0000000)), 1, 0x200, 0x25, 1);
    abort_at("table", TRY(RT_SKIP, rt_el1(load, WINDOW + 0x42000000)), 1, 0x200, 0x25, 2);
    abort_at("page, jump", TRY(RT_LR, rt_el1(jump, WINDOW + 0x3000)), 1, 0x200, 0x21, 3);
    WRITE_ISB(tcr_el1, tcr);
    rt_tlbi_all();
    /* MMU off: an address beyond the physical size */
    WRITE_ISB(sctlr_el1, SCTLR_EL1_OFF);
    rt_tlbi_all();
    u64 range = BITS(READ(id_aa64mmfr0_el1), 3, 0);
    u64 bits = range == 0 ? 32 : range == 1 ? 36 : range == 2 ? 40 : range == 3 ? 42 : range == 4 ? 44 : range == 5 ? 48 : 52;
    if (bits <= 52)
        abort_at("MMU off, beyond the physical size", TRY(RT_SKIP, rt_el1(load, 1ull << bits)), 1, 0x200, 0x25, 0);
    rt_el1_flat();
}

static void into_nothing(void)
{
    static const u64 places[] = {0x7f00000000, 0xffffff0000000000, 0x0012345678900000};
    const struct RtExc *exc = TRY(RT_LR, jump(places[0]));
    abort_at("unmapped", exc, 2, 0x200, 0x21, 5);
    CHECK_EQ("FAR", exc->far, places[0]);
    CHECK_EQ("ELR", exc->elr, places[0]);
    for (unsigned i = 1; i < 3; i++) {
        exc = TRY(RT_LR, jump(places[i]));
        abort_at("no such half", exc, 2, 0x200, 0x21, 4);
        CHECK_EQ("FAR", exc->far, places[i]);
        abort_at("no such half, load", TRY(RT_SKIP, load(places[i])), 2, 0x200, 0x25, 4);
    }
    /* words that are no instruction */
    static const u32 words[] = {0x00000000, 0x00001234, 0xffffffff, 0x02000000, 0x16000000 | 0xe0000000, 0xd503401f};
    volatile u32 *code = (u32 *)TARGET;
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
        if (words[i] == 0xf6000000 || words[i] == 0xd503401f)
            continue;
        code[0] = words[i];
        code[1] = 0xd65f03c0;
        __asm__ volatile("dc cvau, %0\n dsb ish\n ic ivau, %0\n dsb ish\n isb" : : "r"(code) : "memory");
        exc = TRY(RT_SKIP, ((void (*)(void))code)());
        CHECK_EXC("no instruction", exc, 2, 0x200, ESR(0, 0));
    }
}

void test_main(void)
{
    rt_el1_flat();
    external();
    external_el1();
    address_size();
    into_nothing();
}
