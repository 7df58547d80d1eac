/*
 * Code that is written while the machine runs: DC CVAU, IC IVAU, ISB, through aliases, across pages, in the running page.
 * Arm ARM, "Synchronization and coherency issues between data and instruction accesses".
 */
#include "rt.h"

#define TARGET 0x46000000ull
#define WINDOW 0x100000000ull

#define MOV_X0(value) (0xd2800000u | (u32)(value) << 5)
#define ADD_X0(value) (0x91000000u | (u32)(value) << 10)
#define RET 0xd65f03c0u
#define B(words) (0x14000000u | ((u32)(words) & 0x3ffffff))

typedef u64 Function(void);

static void publish(const volatile u32 *at, u64 where)
{
    __asm__ volatile("dc cvau, %0\n dsb ish\n ic ivau, %1\n dsb ish\n isb" : : "r"(at), "r"(where) : "memory");
}

static void rewritten(void)
{
    volatile u32 *code = (u32 *)TARGET;
    code[1] = RET;
    for (u32 i = 0; i < 300; i++) {
        code[0] = MOV_X0(i);
        publish(code, (u64)code);
        CHECK_EQ("rewritten function", ((Function *)code)(), i);
    }
    /* a loop whose body changes from one turn to the next, called through a chain of blocks */
    volatile u32 *far = (u32 *)(TARGET + 0x10000);
    far[0] = ADD_X0(1);
    far[1] = RET;
    publish(far, (u64)far);
    code[0] = MOV_X0(100);
    code[1] = B(((u64)far - (u64)&code[1]) / 4);
    publish(code, (u64)code);
    for (u32 i = 1; i < 50; i++) {
        far[0] = ADD_X0(i);
        publish(far, (u64)far);
        CHECK_EQ("target of a branch", ((Function *)code)(), 100 + i);
    }
    code[0] = MOV_X0(7);
    code[1] = RET;
    __asm__ volatile("dc cvau, %0\n dsb ish\n ic iallu\n dsb ish\n isb" : : "r"(code) : "memory");
    CHECK_EQ("IC IALLU", ((Function *)code)(), 7);
    code[0] = MOV_X0(8);
    __asm__ volatile("dc cvau, %0\n dsb ish\n ic ialluis\n dsb ish\n isb" : : "r"(code) : "memory");
    CHECK_EQ("IC IALLUIS", ((Function *)code)(), 8);
}

static void across_pages(void)
{
    volatile u32 *code = (u32 *)(TARGET + 0x2000 - 8); /* two words in one page, two in the next */
    for (u32 i = 0; i < 20; i++) {
        code[0] = MOV_X0(i);
        code[1] = ADD_X0(1);
        code[2] = ADD_X0(i);
        code[3] = RET;
        publish(code, (u64)code);
        publish(code + 2, (u64)(code + 2));
        CHECK_EQ("across pages", ((Function *)code)(), 2 * i + 1);
        code[2] = ADD_X0(100 + i);
        publish(code + 2, (u64)(code + 2));
        CHECK_EQ("second page rewritten", ((Function *)code)(), 2 * i + 101);
    }
}

/* Written through one virtual address, run at another. */
static void aliases(void)
{
    rt_map_set(&rt_el2_map, WINDOW, 3, TARGET + 0x5000, S1_RAM);
    rt_map_set(&rt_el2_map, WINDOW + 0x1000, 3, TARGET + 0x5000, S1_RAM);
    table_sync();
    volatile u32 *code = (u32 *)WINDOW;
    for (u32 i = 0; i < 50; i++) {
        code[16] = MOV_X0(i);
        code[17] = RET;
        publish(code + 16, WINDOW + 0x1040);
        CHECK_EQ("alias", ((Function *)(WINDOW + 0x1040))(), i);
        *(volatile u32 *)(TARGET + 0x5040) = MOV_X0(i + 1000);
        publish((u32 *)(TARGET + 0x5040), WINDOW + 0x1040);
        CHECK_EQ("third name", ((Function *)(WINDOW + 0x1040))(), i + 1000);
    }
    /* the same address, another page */
    *(volatile u32 *)(TARGET + 0x6040) = MOV_X0(77);
    *(volatile u32 *)(TARGET + 0x6044) = RET;
    publish((u32 *)(TARGET + 0x6040), TARGET + 0x6040);
    volatile u64 *entry = rt_map_entry(&rt_el2_map, WINDOW + 0x1000, 3);
    *entry = 0;
    __asm__ volatile("dsb ishst\n tlbi vae2is, %0\n dsb ish\n isb" : : "r"((WINDOW + 0x1000) >> 12) : "memory");
    *entry = (TARGET + 0x6000) | S1_RAM | 3;
    table_sync();
    CHECK_EQ("remapped", ((Function *)(WINDOW + 0x1040))(), 77);
}

/* A function that rewrites the instruction behind its own ISB. x0: new word, x1: where; both in one page. */
PROBE(patch_self, " adr x1, 1f\n str w0, [x1]\n dc cvau, x1\n dsb ish\n ic ivau, x1\n dsb ish\n isb\n"
                  " mov x0, #0\n 1: nop\n nop");

static void running_page(void)
{
    volatile u32 *copy = (u32 *)(TARGET + 0x8000);
    const u32 *from = (u32 *)patch_self;
    for (unsigned i = 0; i < 11; i++)
        copy[i] = from[i];
    for (unsigned at = 0; at < 11; at += 4)
        publish(copy + at, (u64)(copy + at));
    for (u32 i = 0; i < 20; i++)
        CHECK_EQ("behind its own ISB", ((u64(*)(u64))copy)(MOV_X0(i + 5)), i + 5);
}

/* Data beside code: stores into a page that holds code do not disturb it. */
static void beside(void)
{
    volatile u32 *code = (u32 *)(TARGET + 0x9000);
    code[0] = MOV_X0(3);
    code[1] = RET;
    publish(code, (u64)code);
    u64 sum = 0;
    for (u32 i = 0; i < 2000; i++) {
        code[64 + i % 256] = i;
        sum += ((Function *)code)();
    }
    CHECK_EQ("code beside data", sum, 6000);
    CHECK_EQ("data beside code", code[64 + 1999 % 256], 1999);
}

/* EL1 runs what EL2 wrote, and the other way round. */
static u64 el1_write(u64 word)
{
    volatile u32 *code = (u32 *)(rt_heap + 0x1000000);
    code[0] = (u32)word;
    code[1] = RET;
    publish(code, (u64)code);
    return 0;
}

static void levels(void)
{
    rt_el1_flat();
    volatile u32 *code = (u32 *)(rt_heap + 0x1000000);
    for (u32 i = 0; i < 20; i++) {
        rt_el1(el1_write, MOV_X0(i));
        CHECK_EQ("written by EL1", ((Function *)code)(), i);
    }
    volatile u32 *page = (u32 *)TARGET;
    rt_map_set(&rt_flat, TARGET, 3, TARGET, S1_RAM | S1_RO);
    rt_tlbi_all();
    for (u32 i = 0; i < 20; i++) {
        page[0] = MOV_X0(i);
        page[1] = RET;
        publish(page, (u64)page);
        CHECK_EQ("written by EL2", rt_el1((u64(*)(u64))page, 0), i);
    }
}

void test_main(void)
{
    rewritten();
    across_pages();
    aliases();
    running_page();
    beside();
    levels();
}
