/*
 * A guest for gdb's breakpoints (places.py): the same few instructions on three pages, called by many ways. x0 tells which call it is, so
 * that whoever stops there knows. The pages' names and the virtual addresses are places.py's too.
 */
#include "rt.h"

#define VA1 0x80000000ull /* page_a, page_b for a while */
#define VA2 0x80001000ull /* page_a, an alias */
#define VA3 0x80002000ull /* not global: page_a or page_b by ASID */
#define VA4 0x80003000ull /* cells, which are flat as well */
#define TEXT 0x40200000ull
#define TEXT_SIZE 0x200000ull
#define LOOPS 20

#define PAGE(name)                                                                                                                 \
    __asm__(".pushsection .text\n.balign 4096\n.globl " #name "\n" #name ":\n nop\n add x0, x0, #100\n add x0, x0, #0\n ret\n"      \
            ".balign 4096\n.popsection");                                                                                           \
    u64 name(u64)
PAGE(page_a);
PAGE(page_b);
PAGE(page_c);

/* Stores and loads for EL1: the argument is an address. */
PROBE(put, "mov x1, #0x11\n str x1, [x0]");
PROBE(put_byte, "mov w1, #0x22\n strb w1, [x0]");
PROBE(put_misaligned, "mov x1, #0x4444444444444444\n str x1, [x0]");
PROBE(put_pair, "mov x1, #0x66\n mov x2, #0x77\n stp x1, x2, [x0]");
PROBE(add, "mov x1, #1\n ldadd x1, x0, [x0]");
PROBE(get_pair, "ldp x1, x2, [x0]\n add x0, x1, x2");

volatile u64 cells[512] __attribute__((aligned(4096)));

static struct RtMap s1, s1_other, s2_a, s2_b;
static volatile u64 second_result, second_done, loop_start, loop_sum[2];

static u64 without_mmu(u64 (*fn)(u64), u64 arg)
{
    u64 on = READ(sctlr_el2);
    WRITE_ISB(sctlr_el2, on & ~1ull);
    u64 result = fn(arg);
    WRITE_ISB(sctlr_el2, on);
    return result;
}

static u64 (*at(u64 va))(u64)
{
    return (u64 (*)(u64))va;
}

static void map_page(struct RtMap *map, u64 va, u64 (*page)(u64), u64 more)
{
    rt_map_set(map, va, 3, (u64)page, S1_RAM | S1_USER | S1_RO | more);
}

static void map_stage1(void)
{
    rt_map_init(&s1, 12, 39);
    rt_map_image(&s1);
    map_page(&s1, VA1, page_a, 0);
    map_page(&s1, VA2, page_a, 0);
    map_page(&s1, VA3, page_a, S1_NG);
    rt_map_set(&s1, VA4, 3, (u64)cells, S1_RAM | S1_UXN | S1_PXN);
    rt_map_init(&s1_other, 12, 39);
    rt_map_image(&s1_other);
    map_page(&s1_other, VA3, page_b, S1_NG);
}

/* Flat, but that page_a's intermediate address leads to `page`. */
static void map_stage2(struct RtMap *map, u64 (*page)(u64))
{
    rt_map_init(map, 12, 39);
    rt_map_range(map, 0x08000000, 0x08000000, 0x02200000, S2_DEV | S2_XN);
    for (u64 pa = TEXT; pa < TEXT + TEXT_SIZE; pa += 4096)
        rt_map_set(map, pa, 3, pa == (u64)page_a ? (u64)page : pa, S2_RAM);
    rt_map_range(map, TEXT + TEXT_SIZE, TEXT + TEXT_SIZE, 0x3c00000, S2_RAM);
}

static void remap(u64 va, u64 (*page)(u64), u64 more)
{
    rt_map_set(&s1, va, 3, 0, 0);
    rt_tlbi_all();
    map_page(&s1, va, page, more);
    rt_tlbi_all();
}

static void set_asid(const struct RtMap *map, u64 asid)
{
    WRITE_ISB(ttbr0_el1, (u64)map->root | asid << 48);
}

static void second(u64 n)
{
    second_result = page_a(11);
    DSB();
    second_done = 1;
    while (!loop_start)
        ;
    for (unsigned i = 0; i < LOOPS; i++)
        loop_sum[1] += page_c(n);
    DSB();
    second_done = 2;
}

static void machines(void)
{
    map_stage2(&s2_a, page_a);
    map_stage2(&s2_b, page_b);
    rt_s2(&s2_a, 5, 0);
    CHECK_EQ("VMID 5", rt_el1(at(VA1), 4), 104);
    rt_s2(&s2_b, 6, 0);
    CHECK_EQ("VMID 6", rt_el1(at(VA1), 5), 105);
    rt_s2(&s2_a, 7, 0);
    CHECK_EQ("VMID 7", rt_el1(at(VA1), 6), 106);
    rt_s2_off();
}

static void rewrite(void)
{
    ((volatile u32 *)page_a)[2] = 0x91001c00; /* add x0, x0, #7 */
    __asm__ volatile("dsb ish\n ic ialluis\n dsb ish\n isb" : : : "memory");
}

static void processors(void)
{
    CHECK("a second CPU", rt_start_cpu(1, second));
    while (second_done < 1)
        ;
    CHECK_EQ("second CPU", second_result, 118);
    loop_start = 1;
    for (unsigned i = 0; i < LOOPS; i++)
        loop_sum[0] += page_c(0);
    while (second_done < 2)
        ;
    CHECK_EQ("loop of the first", loop_sum[0], LOOPS * 100);
    CHECK_EQ("loop of the second", loop_sum[1], LOOPS * 101);
}

static void spaces(void)
{
    set_asid(&s1, 1);
    CHECK_EQ("ASID 1", rt_el1(at(VA3), 12), 119);
    set_asid(&s1_other, 2);
    CHECK_EQ("ASID 2", rt_el1(at(VA3), 13), 113);
    remap(VA3, page_b, S1_NG);
    set_asid(&s1, 1);
    CHECK_EQ("ASID 1, another page", rt_el1(at(VA3), 14), 114);
}

/* cells[2] is what gdb watches: six writes, one of which reads as well, and two reads, some by another address. */
static void data(void)
{
    cells[1] = 3;
    cells[2] = 1;
    cells[3] = 5;
    rt_el1(put, VA4 + 16);
    rt_el1(put_byte, (u64)cells + 17);
    rt_el1(put_misaligned, VA4 + 12);
    rt_el1(put_pair, (u64)cells + 8);
    rt_el1(put, VA4 + 24);
    CHECK_EQ("added to", rt_el1(add, (u64)cells + 16), 0x77);
    CHECK_EQ("pair", rt_el1(get_pair, VA4 + 16), 0x78 + 0x11);
    CHECK_EQ("cell", cells[2], 0x78);
}

void test_main(void)
{
    map_stage1();
    CHECK_EQ("EL2 without MMU", without_mmu(page_a, 1), 101);
    rt_el1_mmu(&s1, 0);
    CHECK_EQ("EL1", rt_el1(at(VA1), 2), 102);
    CHECK_EQ("alias", rt_el1(at(VA2), 3), 103);
    machines();
    CHECK_EQ("EL0", rt_el0(at(VA1), 7), 107);
    remap(VA1, page_b, 0);
    CHECK_EQ("another page", rt_el1(at(VA1), 8), 108);
    remap(VA1, page_a, 0);
    CHECK_EQ("the first again", rt_el1(at(VA1), 9), 109);
    rewrite();
    CHECK_EQ("EL2", page_a(10), 117);
    processors();
    spaces();
    set_asid(&s1, 0);
    data();
}
