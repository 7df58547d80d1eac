/*
 * Random words run at EL0 and every MRS encoding at EL0, EL1 and EL2: each does something or is refused, and control comes back.
 * EL0 sees one page of code and one of data; a timer of EL2 ends what loops.
 */
#include "rt.h"

#define CODE 0x200000000ull
#define DATA 0x200010000ull
#define PAGE_CODE 0x46000000ull
#define PAGE_DATA 0x46010000ull

static u64 state = 0x2545f4914f6cdd1d;
static u64 random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static u64 loops, exceptions, words;

/* The watchdog: whatever EL0 does, EL2 goes on behind rt_call. */
static bool watchdog(struct RtFrame *f)
{
    struct RtCpu *cpu = rt_cpu();
    u64 intid = READ(ICC_IAR1_EL1);
    WRITE_ISB(s3_4_c14_c2_1, 0);
    WRITE_ISB(ICC_EOIR1_EL1, intid);
    if (f->el == 2 && f->vector >= 0x400 && cpu->active[2]) {
        loops++;
        cpu->active[2] = 0;
        rt_leave(&cpu->context[2], 0);
    }
    return true;
}

/* An exception of EL0 at EL1 ends the attempt: the runtime's way back from EL1. */
static bool ended(struct RtFrame *f)
{
    if (f->el != 1)
        return false;
    exceptions++;
    __asm__ volatile("hvc #0xffff" : : : "memory");
    __builtin_unreachable();
}

static void publish(u64 at)
{
    __asm__ volatile("dc cvau, %0\n dsb ish\n ic ivau, %0\n dsb ish\n isb" : : "r"(at) : "memory");
}

/* Registers: addresses in the data page and numbers; the word; then SVC. */
static void words_at_el0(unsigned count)
{
    volatile u32 *code = (u32 *)PAGE_CODE;
    code[0] = 0x8b1f0001; /* add x1, x0, xzr: the data page */
    code[1] = 0x91080002; /* add x2, x0, #512 */
    code[2] = 0xd2800083; /* mov x3, #4 */
    code[3] = 0x9100001f; /* mov sp, x0 */
    code[4] = 0x91040004; /* add x4, x0, #256 */
    code[5] = 0xaa0003fe; /* mov x30, x0 */
    for (unsigned i = 7; i < 32; i++)
        code[i] = 0xd4000021; /* svc #1 */
    for (unsigned i = 0; i < count; i++) {
        code[6] = (u32)random();
        publish((u64)code);
        words++;
        WRITE(s3_4_c14_c2_0, READ(cntfrq_el0) / 2000);
        WRITE_ISB(s3_4_c14_c2_1, 1);
        rt_call(SPSR_EL0, (u64(*)(u64))CODE, DATA + 1024);
        WRITE_ISB(s3_4_c14_c2_1, 0);
    }
}

/* MRS X0 of every encoding, copied to a page and called at each level. */
static void registers(u64 spsr, const char *level, u64 least)
{
    volatile u32 *code = (u32 *)PAGE_CODE;
    u64 read = 0;
    code[1] = 0xd65f03c0;
    for (u32 encoding = 0; encoding < 0x8000; encoding++) { /* op0 2 or 3, op1, CRn, CRm, op2 */
        u32 crn = BITS(encoding, 10, 7), crm = BITS(encoding, 6, 3);
        bool acknowledges = (crn == 12 && (crm == 8 || crm == 12)); /* ICC_IAR: would activate */
        if (acknowledges)
            continue;
        code[0] = 0xd5300000 | encoding << 5;
        publish((u64)code);
        rt_arm(RT_SKIP);
        if (spsr == SPSR_EL2H)
            ((void (*)(void))PAGE_CODE)();
        else
            rt_call(spsr, (u64(*)(u64))CODE, 0);
        read += !rt_disarm()->count;
    }
    rt_check(read >= least, WHERE, level, read, least);
}

void test_main(void)
{
    static struct RtMap map;
    rt_map_init(&map, 12, 39);
    rt_map_range(&map, 0x08000000, 0x08000000, 0x02200000, S1_DEVICE | S1_AF | S1_UXN | S1_PXN);
    rt_map_range(&map, 0x40200000, 0x40200000, 0x200000, S1_RAM | S1_RO);
    rt_map_range(&map, 0x40400000, 0x40400000, 0x3c00000, S1_RAM | S1_UXN | S1_PXN);
    rt_map_set(&map, 0x40202000, 3, 0x40202000, S1_RAM | S1_RO | S1_USER); /* the way back of rt_call */
    rt_map_set(&map, CODE, 3, PAGE_CODE, S1_RAM | S1_RO | S1_USER);
    rt_map_set(&map, DATA, 3, PAGE_DATA, S1_RAM | S1_USER | S1_UXN | S1_PXN);
    rt_el1_mmu(&map, 0);
    rt_gic_init();
    registers(SPSR_EL0, "MRS at EL0", 8);
    registers(SPSR_EL1H, "MRS at EL1", 80);
    registers(SPSR_EL2H, "MRS at EL2", 120);
    rt_irq_enable(26, 0x80);
    rt_cpu()->irq = watchdog;
    rt_cpu()->sync = ended;
    WRITE_ISB(hcr_el2, HCR_RW | HCR_IMO);
    words_at_el0(30000);
    WRITE_ISB(hcr_el2, HCR_RW);
    rt_cpu()->irq = 0;
    rt_cpu()->sync = 0;
    CHECK("random words end by exceptions", exceptions > words / 2);
    CHECK("few loop", loops < words / 10);
    rt_printf("%ld words, %ld exceptions, %ld loops\n", words, exceptions, loops);
}
