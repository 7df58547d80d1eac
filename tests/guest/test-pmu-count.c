/*
 * Performance monitors: what is counted where, overflow and its interrupt, the second range, freezing, profiling exceptions.
 * Arm ARM, "Controlling the PMU counters", "Event filtering", "Behavior on overflow", "PMU Event Descriptions".
 * Counts of instructions may be off by what a boundary costs; software increments and exceptions may not.
 */
#include "pmu.h"

/* --- counting --- */
PROBE(set_swinc, "msr pmswinc_el0, x0");
static u64 work(u64 loops)
{
    __asm__ volatile("1: subs %0, %0, #1\n b.ne 1b" : "+r"(loops) : : "cc");
    return 0;
}

static const char *const el_names[] = {"EL0", "EL1", "EL2"};

static void work_at(unsigned el)
{
    if (el == 2)
        work(LOOPS);
    else if (el == 1)
        rt_el1(work, LOOPS);
    else
        rt_el0(work, LOOPS);
}

/* A count of n iterations of two instructions, or none; other instructions around them may be counted too. */
static void check_worked(const char *what, u64 got, bool counted, u64 slack)
{
    const u64 least = counted ? 2 * LOOPS : 0;
    rt_check(got >= least && got <= least + slack, WHERE, what, got, least);
}

static void filters(void)
{
    static const u64 masks[] = {0, NOT_EL1, NOT_EL0, NOT_EL1 | NOT_EL0, IN_EL2, IN_EL2 | NOT_EL1 | NOT_EL0};
    const bool insts = has_event(EVENT_INST);
    for (unsigned i = 0; i < sizeof masks / sizeof masks[0]; i++) {
        for (unsigned el = 0; el < 3; el++) {
            const u64 m = masks[i];
            const bool counted = el == 2 ? m & IN_EL2 : !(m & (el ? NOT_EL1 : NOT_EL0));
            reset();
            WRITE(pmccfiltr_el0, m);
            select_type(0, EVENT_INST | m);
            select_type(1, EVENT_CYCLES | m);
            WRITE_ISB(pmcntenset_el0, CYCLE | 3);
            WRITE_ISB(pmcr_el0, PMCR_E);
            work_at(el);
            WRITE_ISB(pmcr_el0, 0);
            if (insts)
                check_worked(el_names[el], count(0), counted, 400);
            CHECK("the cycle counter follows its filter", counted ? READ(pmccntr_el0) > LOOPS / 2 : READ(pmccntr_el0) < 1000000);
        }
    }
    reset();
}

static u64 probe_count(unsigned event, u64 (*probe)(u64), u64 arg)
{
    reset();
    select_type(0, event | NOT_EL0);
    WRITE_ISB(pmcntenset_el0, 1);
    WRITE_ISB(pmcr_el0, PMCR_E);
    rt_el1(probe, arg);
    WRITE_ISB(pmcr_el0, 0);
    return count(0);
}

/* 3 loads, 2 stores (one pair each), an atomic, branches: 1 not taken, 2 immediate taken, 1 call and its return. */
PROBE(mix, "mov x9, x30\n ldr x1, [x0]\n ldp x2, x3, [x0]\n ldrb w4, [x0]\n str x1, [x0]\n stp x2, x3, [x0]\n ldadd x1, x2, [x0]\n"
           " cbz x9, 1f\n b 1f\n nop\n1: bl 2f\n mov x30, x9\n b 3f\n2: ret\n3: prfm pldl1keep, [x0]\n");
PROBE(nothing, "nop");
/* RCWCAS, RCWSCLR, RCWSWP, RCWSSET x1, x2, [x0] */
PROBE(rcw, "mov x1, #0\n mov x2, #0\n .inst 0x19210802\n .inst 0x78219002\n .inst 0x3821a002\n .inst 0x7821b002");
PROBE(write_ttbr, "mrs x1, ttbr0_el1\n msr ttbr0_el1, x1\n isb\n mrs x1, ttbr1_el1\n msr ttbr1_el1, x1\n isb");
PROBE(write_context, "mrs x1, contextidr_el1\n msr contextidr_el1, x1\n isb");
static u64 memory[2];

/* What `probe` has more than an empty one. */
static void check_event(const char *name, unsigned event, u64 (*probe)(u64), u64 want)
{
    if (!has_event(event)) {
        rt_skip(name, "this PMU does not count it");
        return;
    }
    const u64 base = probe_count(event, nothing, (u64)memory);
    CHECK_EQ(name, probe_count(event, probe, (u64)memory) - base, want);
}

static u64 svc_twice(u64 x)
{
    __asm__ volatile("svc #0\n svc #1" : : : "memory");
    return 0;
}

static void events(void)
{
    check_event("LD_RETIRED", EVENT_LD, mix, 4);
    check_event("ST_RETIRED", EVENT_ST, mix, 3);
    if (BITS(READ(id_aa64pfr1_el1), 51, 48)) { /* FEAT_THE */
        check_event("LD_RETIRED, Read-Check-Write", EVENT_LD, rcw, 4);
        check_event("ST_RETIRED, Read-Check-Write", EVENT_ST, rcw, 4);
    }
    check_event("BR_RETIRED", EVENT_BR, mix, 5);
    check_event("PC_WRITE_RETIRED", EVENT_PC_WRITE, mix, 4);
    check_event("BR_IMMED_RETIRED", EVENT_BR_IMMED, mix, 4);
    check_event("BR_RETURN_RETIRED", EVENT_BR_RETURN, mix, 1);
    check_event("INST_RETIRED", EVENT_INST, mix, 13);
    check_event("TTBR_WRITE_RETIRED", EVENT_TTBR_WRITE, write_ttbr, 2);
    check_event("CID_WRITE_RETIRED", EVENT_CID_WRITE, write_context, 1);
    if (!has_event(EVENT_EXC_TAKEN) || !has_event(EVENT_EXC_RETURN)) {
        rt_skip("EXC_TAKEN, EXC_RETURN", "this PMU does not count them");
        return;
    }
    reset();
    select_type(0, EVENT_EXC_TAKEN | NOT_EL1);
    select_type(1, EVENT_EXC_RETURN | NOT_EL0);
    WRITE_ISB(pmcntenset_el0, 3);
    WRITE_ISB(pmcr_el0, PMCR_E);
    rt_arm(RT_SKIP);
    rt_el0(nothing, 0);
    const u64 taken = count(0), returned = count(1);
    rt_el0(svc_twice, 0);
    rt_disarm();
    CHECK_EQ("EXC_TAKEN from EL0", count(0) - taken, taken + 2);
    CHECK_EQ("EXC_RETURN from EL1", count(1) - returned, returned + 2);
    reset();
}

/* --- overflow --- */
static volatile u64 interrupts, flags_seen;
static bool on_irq(struct RtFrame *f)
{
    const u64 id = READ(s3_0_c12_c12_0);
    interrupts += id == PMU_IRQ;
    flags_seen = READ(pmovsclr_el0);
    WRITE_ISB(pmovsclr_el0, flags_seen);
    WRITE_ISB(s3_0_c12_c12_1, id);
    return true;
}

static void unmask(void)
{
    __asm__ volatile("msr daifclr, #2\n isb" : : : "memory");
}

static void mask(void)
{
    __asm__ volatile("msr daifset, #2\n isb" : : : "memory");
}

static void overflow(void)
{
    reset();
    WRITE_ISB(pmcntenset_el0, 3);
    set_count(0, 0xffffffff);
    set_count(1, 0xfffffffe);
    WRITE_ISB(pmcr_el0, PMCR_E);
    software(3);
    CHECK_EQ("LP = 0: bit 31 overflows", READ(pmovsset_el0), 1);
    CHECK_EQ("the counter goes on", count(0), version >= 6 ? 1ull << 32 : 0);
    if (version >= 6) {
        WRITE_ISB(pmovsclr_el0, ~0ull);
        WRITE_ISB(pmcr_el0, PMCR_E | PMCR_LP);
        set_count(0, 0xffffffff);
        set_count(1, ~0ull);
        software(3);
        CHECK_EQ("LP = 1: bit 63 overflows", READ(pmovsset_el0), 2);
        CHECK_EQ("to 0", count(1), 0);
    }
    reset();
    select_type(1, EVENT_CHAIN | EVERYWHERE);
    WRITE_ISB(pmcntenset_el0, 3);
    set_count(0, 0xffffffff);
    WRITE_ISB(pmcr_el0, PMCR_E);
    if (has_event(EVENT_CHAIN)) {
        software(1);
        CHECK_EQ("CHAIN counts the overflow below", count(1), 1);
        software(1);
        CHECK_EQ("... alone", count(1), 1);
    }
    reset();
    WRITE_ISB(pmcntenset_el0, CYCLE);
    WRITE(pmccfiltr_el0, IN_EL2);
    WRITE_ISB(pmccntr_el0, 0 - 500ull);
    WRITE_ISB(pmcr_el0, PMCR_E | 0x40);
    for (unsigned i = 0; i < 200000 && !READ(pmovsset_el0); i++)
        work(LOOPS);
    WRITE_ISB(pmcr_el0, 0x40);
    CHECK_EQ("the cycle counter overflows", READ(pmovsset_el0), CYCLE);
    reset();
}

static void interrupt(void)
{
    const u64 hcr = READ(hcr_el2);
    WRITE_ISB(hcr_el2, hcr | HCR_IMO);
    rt_gic_init();
    rt_irq_enable(PMU_IRQ, 0x80);
    rt_cpu()->irq = on_irq;
    reset();
    interrupts = 0;
    WRITE_ISB(pmcntenset_el0, 1);
    WRITE_ISB(pmintenset_el1, 1);
    set_count(0, 0xffffffff);
    WRITE_ISB(pmcr_el0, PMCR_E);
    unmask();
    software(1);
    for (unsigned i = 0; i < 200000 && !interrupts; i++)
        work(LOOPS);
    CHECK_EQ("an overflow interrupts once", interrupts, 1);
    CHECK_EQ("... its flag is set", flags_seen, 1);
    WRITE_ISB(pmovsset_el0, 1);
    work(LOOPS);
    CHECK_EQ("so does a flag set by software", interrupts, 2);
    WRITE_ISB(pmcr_el0, 0);
    WRITE_ISB(pmovsset_el0, 1);
    work(LOOPS);
    CHECK_EQ("not with PMCR_EL0.E clear", interrupts, 2);
    WRITE_ISB(pmovsclr_el0, 1);
    WRITE_ISB(pmcr_el0, PMCR_E);
    if (has_event(EVENT_INST)) {
        select_type(0, EVENT_INST | EVERYWHERE);
        set_count(0, 0xffffffff - 3 * LOOPS);
        work(4 * LOOPS);
        for (unsigned i = 0; i < 200000 && interrupts == 2; i++)
            work(LOOPS);
        CHECK_EQ("instructions overflow, too [peer differs]", interrupts, 3);
    }
    mask();
    rt_cpu()->irq = 0;
    rt_irq_disable(PMU_IRQ);
    WRITE_ISB(hcr_el2, hcr);
    reset();
}

/* --- the second range --- */
static void second_range(void)
{
    reset();
    WRITE_ISB(mdcr_el2, mdcr | 1);
    WRITE_ISB(pmcntenset_el0, 3);
    WRITE_ISB(pmcr_el0, PMCR_E);
    software(3);
    CHECK_EQ("PMCR_EL0.E is for the first range", count(0) << 8 | count(1), 0x100);
    WRITE_ISB(mdcr_el2, mdcr | 1 | MDCR_HPME);
    WRITE_ISB(pmcr_el0, 0);
    software(3);
    CHECK_EQ("MDCR_EL2.HPME is for the second", count(0) << 8 | count(1), 0x101);
    WRITE_ISB(pmcr_el0, PMCR_E);
    if (version >= 4) {
        WRITE_ISB(mdcr_el2, mdcr | 1 | MDCR_HPME | MDCR_HPMD);
        software(3);
        CHECK_EQ("HPMD keeps the first range from counting EL2", count(0) << 8 | count(1), 0x102);
    }
    if (version >= 6) {
        WRITE_ISB(mdcr_el2, mdcr | 1 | MDCR_HPME | MDCR_HLP);
        set_count(0, 0xffffffff);
        set_count(1, 0xffffffff);
        software(3);
        CHECK_EQ("HLP: the second range has 64 bits", READ(pmovsclr_el0), 1);
        WRITE_ISB(mdcr_el2, mdcr | counters | MDCR_HCCD);
        WRITE(pmccfiltr_el0, IN_EL2);
        WRITE_ISB(pmcntenset_el0, CYCLE);
        const u64 before = READ(pmccntr_el0);
        work(LOOPS);
        CHECK_EQ("HCCD: no cycles at EL2", READ(pmccntr_el0), before);
        WRITE_ISB(mdcr_el2, mdcr | counters);
        work(LOOPS);
        CHECK("... but without it", READ(pmccntr_el0) != before);
    }
    reset();
}

static void freezing(void)
{
    if (version < 7) {
        rt_skip("FZO", "no FEAT_PMUv3p7");
        return;
    }
    reset();
    WRITE_ISB(mdcr_el2, mdcr | 2);
    WRITE_ISB(pmcntenset_el0, 0xf);
    WRITE_ISB(pmcr_el0, PMCR_E | PMCR_FZO);
    WRITE_ISB(mdcr_el2, mdcr | 2 | MDCR_HPME);
    set_count(0, 0xffffffff);
    software(1);
    software(0xf);
    CHECK_EQ("FZO: an overflow stops the first range", count(1), 0);
    CHECK_EQ("... and no other", count(2), 1);
    WRITE_ISB(pmovsclr_el0, 1);
    software(2);
    CHECK_EQ("until the flag is cleared", count(1), 1);
    WRITE_ISB(mdcr_el2, mdcr | 2 | MDCR_HPME | MDCR_HPMFZO);
    WRITE_ISB(pmovsset_el0, 8);
    software(0xf);
    CHECK_EQ("HPMFZO: the second", count(2), 1);
    CHECK_EQ("... and not the first", count(1), 2);
    WRITE_ISB(pmovsclr_el0, 8);
    WRITE(pmccfiltr_el0, IN_EL2);
    WRITE_ISB(pmcntenset_el0, CYCLE);
    WRITE_ISB(pmcr_el0, PMCR_E | PMCR_FZO | PMCR_DP);
    WRITE_ISB(pmovsset_el0, 1);
    const u64 frozen = READ(pmccntr_el0);
    work(LOOPS);
    CHECK_EQ("FZO with DP: the cycle counter, too", READ(pmccntr_el0), frozen);
    WRITE_ISB(pmcr_el0, PMCR_E | PMCR_FZO);
    work(LOOPS);
    CHECK("... not without DP", READ(pmccntr_el0) != frozen);
    reset();
}

/* --- FEAT_EBEP: PMU Profiling exceptions --- */
#define PMECR_EL1 s3_0_c9_c14_5
#define PM s3_0_c4_c3_1
#define PMECR_PMEE 3ull
#define PMECR_KPME BIT(2)
#define MDCR_PMEE_EL1 (1ull << 40)
#define MDCR_PMEE_EL2 (3ull << 40)
#define ESR_PROFILING ESR(0x3d, 0)
PROBE(unmasked_swinc, "msr s3_0_c4_c3_1, xzr\n msr pmswinc_el0, x0\n isb\n nop\n nop");
PROBE(masked_swinc, "mov x1, #1\n lsl x1, x1, #32\n msr s3_0_c4_c3_1, x1\n msr pmswinc_el0, x0\n isb\n nop\n mrs x0, s3_0_c4_c3_1");
PROBE(read_ecr, "mrs x0, s3_0_c9_c14_5");

static u64 profiled, profiled_el, profiled_esr, profiled_spsr, profiled_vector;
static bool on_profiling(struct RtFrame *f)
{
    if (f->esr >> 26 != 0x3d)
        return false;
    profiled++;
    profiled_el = f->el;
    profiled_esr = f->esr;
    profiled_spsr = f->spsr;
    profiled_vector = f->vector;
    WRITE_ISB(pmovsclr_el0, ~0ull);
    return true;
}

/* A counter of 64 bits overflows by `how` at el; EL2 has the PMEE of `mdcr_bits`, EL1 that of `ecr`. */
static void profile(u64 mdcr_bits, u64 ecr, unsigned el, u64 (*how)(u64))
{
    WRITE_ISB(pmovsclr_el0, ~0ull);
    WRITE_ISB(mdcr_el2, mdcr | counters | mdcr_bits);
    WRITE_ISB(PMECR_EL1, ecr);
    WRITE(pmuserenr_el0, 1);
    set_count(0, ~0ull);
    profiled = 0;
    rt_cpu()->sync = on_profiling;
    if (el == 2)
        how(1);
    else if (el == 1)
        rt_el1(how, 1);
    else
        rt_el0(set_swinc, 1);
    rt_cpu()->sync = 0;
}

static void check_profiled(const char *what, u64 el, u64 vector)
{
    const u64 want = el << 16 | vector;
    rt_check(el ? profiled == 1 && (profiled_el << 16 | profiled_vector) == want && profiled_esr == ESR_PROFILING : !profiled, WHERE, what,
             profiled ? profiled_el << 16 | profiled_vector : 0, el ? want : 0);
}

static void profiling(void)
{
    if (BITS(READ(s3_0_c0_c5_1), 51, 48) == 0) {
        rt_skip("PMU Profiling exceptions", "no FEAT_EBEP");
        return;
    }
    reset();
    WRITE_ISB(pmcntenset_el0, 1);
    WRITE_ISB(pmintenset_el1, 1);
    WRITE_ISB(pmcr_el0, PMCR_E);
    profile(MDCR_PMEE_EL2, 0, 1, masked_swinc);
    check_profiled("EL2's, from EL1, whatever PM there", 2, 0x400);
    CHECK_EQ("SPSR_EL2.PM is that of EL1", profiled_spsr >> 32 & 1, 1);
    profile(MDCR_PMEE_EL2, 0, 0, 0);
    check_profiled("EL2's, from EL0", 2, 0x400);
    profile(MDCR_PMEE_EL2, 0, 2, unmasked_swinc);
    check_profiled("KPME = 0: not from EL2 itself", 0, 0);
    profile(MDCR_PMEE_EL2, PMECR_KPME, 2, masked_swinc);
    check_profiled("PM = 1: not from EL2 itself", 0, 0);
    profile(MDCR_PMEE_EL2, PMECR_KPME, 2, unmasked_swinc);
    check_profiled("KPME = 1, PM = 0: from EL2 itself", 2, 0x200);
    profile(MDCR_PMEE_EL1, PMECR_PMEE, 0, 0);
    check_profiled("EL1's, from EL0", 1, 0x400);
    profile(MDCR_PMEE_EL1, PMECR_PMEE, 1, unmasked_swinc);
    check_profiled("KPME = 0: not from EL1 itself", 0, 0);
    profile(MDCR_PMEE_EL1, PMECR_PMEE | PMECR_KPME, 1, unmasked_swinc);
    check_profiled("KPME = 1, PM = 0: from EL1 itself", 1, 0x200);
    profile(MDCR_PMEE_EL1, PMECR_PMEE | PMECR_KPME, 2, unmasked_swinc);
    check_profiled("never from EL2 to EL1", 0, 0);
    profile(MDCR_PMEE_EL1, 0, 0, 0);
    check_profiled("PMECR_EL1.PMEE = 0: none", 0, 0);
    profile(0, PMECR_PMEE | PMECR_KPME, 0, 0);
    check_profiled("MDCR_EL2.PMEE = 0: none", 0, 0);
    CHECK_EQ("... but the interrupt", io_read(rt_gicr() + 0x200) >> PMU_IRQ & 1, 1);
    profile(MDCR_PMEE_EL2, 0, 2, unmasked_swinc);
    CHECK_EQ("no interrupt while exceptions are enabled", io_read(rt_gicr() + 0x200) >> PMU_IRQ & 1, 0);
    CHECK_EQ("the flag is set", READ(pmovsclr_el0), 1);
    WRITE_ISB(pmovsclr_el0, 1);
    set_count(0, 0xffffffff);
    software(1);
    CHECK_EQ("counters have 64 bits then, whatever PMCR_EL0.LP", READ(pmovsclr_el0), 0);
    CHECK_EQ("PM at EL1 reads as written", rt_el1(masked_swinc, 0), BIT(32));
    __asm__ volatile(".inst 0xd501431f" : : : "memory"); /* msr pm, #1 */
    CHECK_EQ("MSR PM, #1", READ(s3_0_c4_c3_1), BIT(32));
    __asm__ volatile(".inst 0xd501421f" : : : "memory"); /* msr pm, #0 */
    CHECK_EQ("MSR PM, #0", READ(s3_0_c4_c3_1), 0);
    CHECK_EXC("PMECR_EL1 at EL1 by HDFGRTR2_EL2", TRY(RT_SKIP, rt_el1(read_ecr, 0)), 2, FROM_LOWER, ESR(0x18, ISS_READ(0, 9, 14, 5)));
    WRITE(PMECR_EL1, 0);
    reset();
}

void test_main(void)
{
    if (!there_are_monitors())
        return;
    filters();
    events();
    overflow();
    interrupt();
    second_range();
    freezing();
    profiling();
}
