/*
 * Nonsense written to devices, GIC, list registers and firmware: the machine answers (or aborts the access) and goes on.
 * What it answers is nobody's business; that the CPU, its memory and the console still work at the end is checked.
 * (QEMU 11 does not survive this one.)
 */
#include "rt.h"

#define TARGET 0x46000000ull

static u64 state = 0x9e3779b97f4a7c15;
static u64 random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* Often small, often a register of the CPU's memory, sometimes anything. */
static u64 nonsense(void)
{
    switch (random() % 6) {
    case 0: return random() & 0xff;
    case 1: return 1ull << (random() & 63);
    case 2: return TARGET + (random() & 0xfffff);
    case 3: return ~0ull;
    case 4: return 0;
    default: return random();
    }
}

static void poke(u64 at)
{
    u64 value = nonsense();
    switch (random() % 8) {
    case 0: __asm__ volatile("strb %w0, [%1]" : : "r"(value), "r"(at) : "memory"); break;
    case 1: __asm__ volatile("strh %w0, [%1]" : : "r"(value), "r"(at & ~1ull) : "memory"); break;
    case 2: __asm__ volatile("str %0, [%1]" : : "r"(value), "r"(at & ~7ull) : "memory"); break;
    case 3: __asm__ volatile("ldrb w9, [%0]" : : "r"(at) : "x9", "memory"); break;
    case 4: __asm__ volatile("ldr x9, [%0]" : : "r"(at & ~7ull) : "x9", "memory"); break;
    case 5: __asm__ volatile("ldr w9, [%0]" : : "r"(at & ~3ull) : "x9", "memory"); break;
    default: __asm__ volatile("str %w0, [%1]" : : "r"(value), "r"(at & ~3ull) : "memory"); break;
    }
}

static void region(const char *what, u64 base, u64 bytes, unsigned times)
{
    u64 aborts = 0;
    for (unsigned i = 0; i < times; i++) {
        rt_arm(RT_SKIP);
        poke(base + random() % bytes);
        aborts += rt_disarm()->count;
    }
    CHECK(what, aborts <= times);
}

/* A virtqueue that points anywhere, then a kick. */
static void virtqueues(void)
{
    for (unsigned i = 0; i < 600; i++) {
        u64 base = 0x0a000000 + (random() & 31) * 0x200;
        rt_arm(RT_SKIP);
        io_write(base + 0x70, (u32)(random() % 16));
        io_write(base + 0x30, (u32)(random() % 3));
        io_write(base + 0x38, (u32)(1u << random() % 10));
        io_write(base + 0x80, (u32)nonsense());
        io_write(base + 0x84, (u32)(random() & 1));
        io_write(base + 0x90, (u32)nonsense());
        io_write(base + 0xa0, (u32)nonsense());
        io_write(base + 0x44, 1);
        io_write(base + 0x70, 0xf);
        io_write(base + 0x50, (u32)(random() % 3));
        rt_disarm();
    }
    CHECK("virtqueues", true);
}

PROBE(g_work, "mrs x0, s3_0_c12_c12_0\n msr s3_0_c12_c12_1, x0\n mrs x0, s3_0_c12_c8_0\n msr s3_0_c12_c8_1, x0\n"
              "msr s3_0_c12_c11_1, x0\n mrs x0, s3_0_c12_c11_3\n mrs x0, s3_0_c12_c12_2\n msr daifclr, #7\n isb\n nop\n isb\n"
              "msr daifset, #7");

static void list_registers(void)
{
    WRITE_ISB(hcr_el2, HCR_RW | HCR_IMO | HCR_FMO);
    for (unsigned i = 0; i < 400; i++) {
        WRITE(ICH_LR0_EL2, nonsense());
        WRITE(ICH_LR1_EL2, nonsense());
        WRITE(ICH_LR2_EL2, nonsense());
        WRITE(ICH_LR3_EL2, nonsense());
        WRITE(ICH_AP0R0_EL2, nonsense());
        WRITE(ICH_AP1R0_EL2, nonsense());
        WRITE(ICH_VMCR_EL2, nonsense());
        WRITE_ISB(ICH_HCR_EL2, nonsense() | 1);
        rt_arm(RT_SKIP);
        rt_el1(g_work, 0);
        rt_disarm();
        WRITE_ISB(hcr_el2, HCR_RW | HCR_IMO | HCR_FMO);
    }
    WRITE_ISB(ICH_HCR_EL2, 0);
    WRITE_ISB(hcr_el2, HCR_RW);
    CHECK("list registers", true);
}

static void cpu_interface(void)
{
    for (unsigned i = 0; i < 400; i++) {
        WRITE(ICC_PMR_EL1, nonsense());
        WRITE(ICC_BPR0_EL1, nonsense());
        WRITE(ICC_BPR1_EL1, nonsense());
        WRITE(ICC_CTLR_EL1, nonsense());
        WRITE(ICC_IGRPEN0_EL1, nonsense());
        WRITE(ICC_IGRPEN1_EL1, nonsense());
        WRITE(ICC_AP0R0_EL1, nonsense());
        WRITE(ICC_AP1R0_EL1, nonsense());
        WRITE(ICC_SGI1R_EL1, nonsense());
        WRITE(ICC_SGI0R_EL1, nonsense());
        WRITE(ICC_EOIR1_EL1, READ(ICC_IAR1_EL1));
        WRITE(ICC_EOIR0_EL1, READ(ICC_IAR0_EL1));
        WRITE(ICC_EOIR1_EL1, nonsense());
        WRITE_ISB(ICC_DIR_EL1, nonsense());
    }
    CHECK("CPU interface", true);
}

/* Everything but what powers off, resets, suspends or starts CPUs. */
static void firmware(void)
{
    for (unsigned i = 0; i < 600; i++) {
        u64 function = random() & 1 ? 0x84000000 | (random() & 0x4000007f) : nonsense();
        u64 low = function & 0xffff;
        if ((function & 0x3f000000) == 0x04000000 && low < 0x20 && low != 4 && low != 0 && low != 10 && low != 6)
            continue;
        rt_smc(function, nonsense(), nonsense(), nonsense());
    }
    CHECK("firmware", true);
}

static void timers(void)
{
    for (unsigned i = 0; i < 300; i++) {
        WRITE(cntp_cval_el0, nonsense());
        WRITE(cntv_tval_el0, nonsense());
        WRITE(cntvoff_el2, nonsense());
        WRITE(s3_4_c14_c2_0, nonsense());
        WRITE(cntp_ctl_el0, random());
        WRITE(cntv_ctl_el0, random());
        WRITE_ISB(s3_4_c14_c2_1, random());
    }
    WRITE(cntvoff_el2, 0);
    WRITE(cntp_ctl_el0, 0);
    WRITE(cntv_ctl_el0, 0);
    WRITE_ISB(s3_4_c14_c2_1, 0);
    CHECK("timers", true);
}

void test_main(void)
{
    rt_el1_flat();
    region("RTC", RTC_BASE, 0x1000, 2000);
    region("GPIO", 0x09030000, 0x1000, 2000);
    region("virtio", 0x0a000000, 0x4000, 6000);
    virtqueues();
    region("distributor", GICD_BASE, 0x10000, 20000);
    region("redistributors", GICR_BASE, 0x80000, 20000);
    region("redistributor of this CPU", rt_gicr() - 0x10000, 0x20000, 8000);
    cpu_interface();
    list_registers();
    region("between devices", 0x0a004000, 0x1fc000, 500);
    firmware();
    timers();
    region("UART, but its data and control", UART_BASE + 0x38, 0xfc8, 1000);
    io_write(UART_BASE + 0x30, 0x301);
    io_write(UART_BASE + 0x38, 0);
    /* and still: memory, exceptions, interrupts */
    *(volatile u64 *)TARGET = 4711;
    CHECK_EQ("memory", *(volatile u64 *)TARGET, 4711);
    CHECK_EQ("exceptions", TRY(RT_SKIP, __asm__ volatile("svc #5"))->esr, ESR(0x15, 5));
}
