/*
 * WFI, WFE, SEV, SEVL, the event register and the event stream: what must end a wait. A test that hangs has failed.
 * Arm ARM, "Wait for Event mechanism and Send event", "Wait For Interrupt", "Event streams".
 */
#include "rt.h"

static u64 count(void)
{
    ISB();
    return READ(cntpct_el0);
}

static bool stop_timer(struct RtFrame *f)
{
    u64 intid = READ(ICC_IAR1_EL1);
    WRITE_ISB(s3_4_c14_c2_1, 0);
    rt_cpu()->exc.count++;
    WRITE(ICC_EOIR1_EL1, intid);
    return true;
}

static void events(void)
{
    for (unsigned i = 0; i < 100; i++)
        __asm__ volatile("sevl\n wfe\n sev\n wfe" : : : "memory");
    CHECK("SEVL, SEV and WFE", true);
    u64 start = count();
    rt_delay_us(50);
    CHECK("time goes on", count() > start);
}

/* Runs what waits; true when the timer that would end a hang did not have to. */
static bool by_itself(void (*wait)(void))
{
    u64 freq = READ(cntfrq_el0);
    rt_cpu()->exc.count = 0;
    WRITE_ISB(s3_4_c14_c2_2, count() + freq / 2);
    WRITE_ISB(s3_4_c14_c2_1, 1);
    __asm__ volatile("msr daifclr, #2" : : : "memory");
    wait();
    __asm__ volatile("msr daifset, #2" : : : "memory");
    WRITE_ISB(s3_4_c14_c2_1, 0);
    return rt_cpu()->exc.count == 0;
}

static void twenty(void)
{
    for (unsigned i = 0; i < 20; i++)
        __asm__ volatile("wfe" : : : "memory");
}

static bool next(struct RtFrame *f)
{
    return f->esr >> 26 == 0x15;
}

static void after_return(void)
{
    rt_cpu()->sync = next;
    __asm__ volatile("sevl\n wfe\n svc #1\n wfe" : : : "memory");
    rt_cpu()->sync = 0;
}

/* EVNTEN, bit EVNTI of the counter makes events. */
static void event_stream(void)
{
    rt_irq_enable(26, 0x80);
    rt_cpu()->irq = stop_timer;
    WRITE_ISB(hcr_el2, HCR_RW | HCR_IMO);
    CHECK("an exception return sets the event register [peer differs]", by_itself(after_return));
    WRITE_ISB(cnthctl_el2, 3 | 1 << 2 | 12 << 4);
    CHECK("the event stream of CNTHCTL_EL2 [peer differs]", by_itself(twenty));
    WRITE_ISB(cnthctl_el2, 3);
    WRITE_ISB(cntkctl_el1, 1 << 2 | 10 << 4);
    CHECK("the event stream of CNTKCTL_EL1 [peer differs]", by_itself(twenty));
    WRITE_ISB(cntkctl_el1, 0);
    rt_cpu()->irq = 0;
    WRITE_ISB(hcr_el2, HCR_RW);
}

static void interrupts(void)
{
    u64 freq = READ(cntfrq_el0);
    rt_irq_enable(26, 0x80);
    rt_cpu()->irq = stop_timer;
    WRITE_ISB(hcr_el2, HCR_RW | HCR_IMO);
    /* pending already: WFI does not wait, masked or not */
    WRITE_ISB(s3_4_c14_c2_2, 0);
    WRITE_ISB(s3_4_c14_c2_1, 1);
    __asm__ volatile("wfi" : : : "memory");
    rt_cpu()->exc.count = 0;
    __asm__ volatile("msr daifclr, #2\n isb\n msr daifset, #2" : : : "memory");
    CHECK_EQ("taken when unmasked", rt_cpu()->exc.count, 1);
    /* unmasked: the handler runs, then the wait is over */
    u64 start = count();
    rt_cpu()->exc.count = 0;
    WRITE_ISB(s3_4_c14_c2_2, start + freq / 500);
    WRITE_ISB(s3_4_c14_c2_1, 1);
    __asm__ volatile("msr daifclr, #2" : : : "memory");
    while (!*(volatile u64 *)&rt_cpu()->exc.count)
        __asm__ volatile("wfi" : : : "memory");
    __asm__ volatile("msr daifset, #2" : : : "memory");
    CHECK("waited", count() - start >= freq / 500);
    /* WFE too, with the interrupt unmasked */
    start = count();
    rt_cpu()->exc.count = 0;
    WRITE_ISB(s3_4_c14_c2_2, start + freq / 500);
    WRITE_ISB(s3_4_c14_c2_1, 1);
    __asm__ volatile("msr daifclr, #2" : : : "memory");
    while (!*(volatile u64 *)&rt_cpu()->exc.count)
        __asm__ volatile("wfe" : : : "memory");
    __asm__ volatile("msr daifset, #2" : : : "memory");
    CHECK("waited", count() - start >= freq / 500);
    rt_irq_disable(26);
    rt_cpu()->irq = 0;
    WRITE_ISB(hcr_el2, HCR_RW);
}

PROBE(el1_wfi, "wfi\n isb");

/* A virtual interrupt ends the guest's WFI. */
static void virtual(void)
{
    WRITE(ICH_VMCR_EL2, 0xffull << 24 | 2);
    WRITE(ICH_LR0_EL2, 1ull << 62 | 1ull << 60 | 0x80ull << 48 | 40);
    WRITE_ISB(ICH_HCR_EL2, 1);
    WRITE_ISB(hcr_el2, HCR_RW | HCR_IMO);
    CHECK_NONE("WFI of a guest with a virtual interrupt, masked", TRY(RT_SKIP, rt_el1(el1_wfi, 0)));
    WRITE(ICH_LR0_EL2, 0);
    WRITE_ISB(ICH_HCR_EL2, 0);
    WRITE_ISB(hcr_el2, HCR_RW | HCR_IMO | HCR_VI);
    CHECK_NONE("WFI of a guest with VI", TRY(RT_SKIP, rt_el1(el1_wfi, 0)));
    WRITE_ISB(hcr_el2, HCR_RW);
}

static void hints(void)
{
    CHECK_NONE("hints", TRY(RT_SKIP, __asm__ volatile("nop\n yield\n esb\n psb csync\n csdb\n hint #50\n hint #127\n sb\n ssbb")));
}

void test_main(void)
{
    rt_el1_flat();
    rt_gic_init();
    events();
    event_stream();
    interrupts();
    virtual();
    hints();
}
