/*
 * FEAT_NMI: PSTATE.ALLINT and its accesses, SCTLR_ELx.{NMI,SPINTMASK}, HCRX_EL2.{TALLINT,VINMI,VFNMI}, Superpriority of virtual
 * interrupts. Arm ARM, "Asynchronous exception masking", ALLINT, "MSR (immediate)", HCRX_EL2.
 */
#include "rt.h"

#define ALLINT s3_0_c4_c3_0
#define HCRX_EL2 s3_4_c1_c2_2
#define TALLINT BIT(6)
#define VINMI BIT(7)
#define VFNMI BIT(8)
#define NMI BIT(61)
#define SPINTMASK BIT(62)
#define PSTATE_ALLINT 0x2000u
#define SPSR_I 0x80u
#define SPSR_F 0x40u
#define SPSR_DA 0x300u

#define ALLINT_IMM(n) ".inst 0xd501401f | " #n " << 8"
PROBE(r_allint, "mrs x0, s3_0_c4_c3_0");
PROBE(w_allint, "msr s3_0_c4_c3_0, x0\n mrs x0, s3_0_c4_c3_0");
PROBE(set_allint, ALLINT_IMM(1) "\n mrs x0, s3_0_c4_c3_0");
PROBE(clear_allint, ALLINT_IMM(0) "\n mrs x0, s3_0_c4_c3_0");
PROBE(set_only, ALLINT_IMM(1));
PROBE(beyond, ALLINT_IMM(4));
PROBE(nothing, "isb\n nop");
PROBE(on_sp0, "msr spsel, #0\n isb\n nop\n msr spsel, #1");
PROBE(open_allint, ALLINT_IMM(0) "\n nop\n " ALLINT_IMM(1));
PROBE(open_register, "mov x1, #0\n msr s3_0_c4_c3_0, x1\n nop\n mov x1, #0x2000\n msr s3_0_c4_c3_0, x1");
PROBE(r_isr, "mrs x0, isr_el1");

static u64 taken, entry_allint, entry_spsr, entry_vector;

static bool on_interrupt(struct RtFrame *f)
{
    taken++;
    entry_allint = READ(ALLINT);
    entry_spsr = f->spsr;
    entry_vector = f->vector;
    f->spsr |= PSTATE_ALLINT | SPSR_DAIF;
    if (!(f->spsr & 0xc)) /* ALLINT masks nothing at EL0 */
        WRITE_ISB(sctlr_el1, READ(sctlr_el1) & ~NMI);
    return true;
}

static void accesses(void)
{
    WRITE_ISB(HCRX_EL2, 0);
    for (u64 spsr = SPSR_EL1T; spsr <= SPSR_EL1H; spsr++) {
        CHECK_EQ("ALLINT from SPSR", rt_call(spsr | PSTATE_ALLINT, r_allint, 0), PSTATE_ALLINT);
        CHECK_EQ("ALLINT from SPSR", rt_call(spsr, r_allint, 0), 0);
        CHECK_EQ("MSR ALLINT, all ones", rt_call(spsr, w_allint, ~0ull), PSTATE_ALLINT);
        CHECK_EQ("MSR ALLINT, zero", rt_call(spsr | PSTATE_ALLINT, w_allint, 0), 0);
        CHECK_EQ("MSR ALLINT, #1", rt_call(spsr, set_allint, 0), PSTATE_ALLINT);
        CHECK_EQ("MSR ALLINT, #0", rt_call(spsr | PSTATE_ALLINT, clear_allint, 0), 0);
    }
    CHECK_EXC("MRS ALLINT at EL0", TRY(RT_SKIP, rt_el0(r_allint, 0)), 1, 0x400, ESR(0, 0));
    CHECK_EXC("MSR ALLINT, #1 at EL0", TRY(RT_SKIP, rt_el0(set_only, 0)), 1, 0x400, ESR(0, 0));
    CHECK_EXC("MSR (immediate) with CRm 4", TRY(RT_SKIP, rt_el1(beyond, 0)), 1, 0x200, ESR(0, 0));
    WRITE_ISB(HCRX_EL2, TALLINT);
    CHECK_EXC("TALLINT, MSR", TRY(RT_SKIP, rt_el1(w_allint, 0)), 2, 0x400, ESR(0x18, 3u << 20 | 4 << 10 | 3 << 1));
    CHECK_EXC("TALLINT, MSR #1", TRY(RT_SKIP, rt_el1(set_only, 0)), 2, 0x400, ESR(0x18, 1u << 14 | 4 << 10 | 31 << 5 | 1 << 1));
    CHECK_NONE("TALLINT leaves MSR #0", TRY(RT_SKIP, rt_el1(clear_allint, 0)));
    CHECK_NONE("TALLINT leaves MRS", TRY(RT_SKIP, rt_el1(r_allint, 0)));
    CHECK_NONE("TALLINT leaves EL2", TRY(RT_SKIP, set_allint(0)));
    clear_allint(0);
    WRITE_ISB(HCRX_EL2, 0);
}

/* Virtual interrupts, as HCR_EL2 makes them. */
static const struct Case {
    const char *name;
    u64 sctlr;
    u64 spsr;
    u64 hcrx;
    u64 (*probe)(u64);
    bool irq, fiq; /* which one is taken */
} cases[] = {
    {"NMI 0: ALLINT is without effect", 0, SPSR_EL1H & ~SPSR_I, 0, set_only, true, false},
    {"NMI 0: ALLINT from SPSR", 0, (SPSR_EL1H & ~SPSR_I) | PSTATE_ALLINT, 0, nothing, true, false},
    {"NMI 0: no Superpriority", 0, SPSR_EL1H, VINMI, nothing, false, false},
    {"NMI 1: I masks", NMI, SPSR_EL1H, 0, nothing, false, false},
    {"NMI 1: nothing masks", NMI, SPSR_EL1H & ~SPSR_I, 0, nothing, true, false},
    {"NMI 1: ALLINT masks", NMI, (SPSR_EL1H & ~SPSR_I) | PSTATE_ALLINT, 0, nothing, false, false},
    {"NMI 1: ALLINT masks both", NMI, (SPSR_EL1H & ~(SPSR_I | SPSR_F)) | PSTATE_ALLINT, VINMI | VFNMI, nothing, false, false},
    {"NMI 1: ALLINT opened by MSR #0", NMI, (SPSR_EL1H & ~SPSR_I) | PSTATE_ALLINT, 0, open_allint, true, false},
    {"NMI 1: ALLINT opened by MSR", NMI, (SPSR_EL1H & ~SPSR_I) | PSTATE_ALLINT, 0, open_register, true, false},
    {"NMI 1: Superpriority, I masks not", NMI, SPSR_EL1H, VINMI, nothing, true, false},
    {"NMI 1: Superpriority of FIQ", NMI, SPSR_EL1H, VFNMI, nothing, false, true},
    {"NMI 1: of the other one", NMI, SPSR_EL1H & ~SPSR_F, VINMI & 0, nothing, false, true},
    {"SPINTMASK: SP_EL1 masks", NMI | SPINTMASK, SPSR_EL1H & ~SPSR_I, 0, nothing, false, false},
    {"SPINTMASK: SP_EL1 masks Superpriority", NMI | SPINTMASK, SPSR_EL1H, VINMI, nothing, false, false},
    {"SPINTMASK: SP_EL0 masks not", NMI | SPINTMASK, SPSR_EL1T & ~SPSR_I, 0, nothing, true, false},
    {"SPINTMASK: MSR SPSel opens", NMI | SPINTMASK, SPSR_EL1H & ~SPSR_I, 0, on_sp0, true, false},
    {"SPINTMASK without NMI", SPINTMASK, SPSR_EL1H & ~SPSR_I, 0, nothing, true, false},
    {"EL0: ALLINT is EL1's affair", NMI, (SPSR_EL0 & ~SPSR_I) | PSTATE_ALLINT, 0, nothing, true, false},
    {"EL0: I masks", NMI, SPSR_EL0, 0, nothing, false, false},
    {"EL0: Superpriority", NMI, SPSR_EL0, VINMI, nothing, true, false},
};

static void masks(void)
{
    u64 sctlr = READ(sctlr_el1);
    rt_cpu()->irq = on_interrupt;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct Case *c = &cases[i];
        bool fiq_only = c->fiq;
        WRITE(sctlr_el1, sctlr | c->sctlr);
        WRITE(HCRX_EL2, c->hcrx);
        WRITE_ISB(hcr_el2, HCR_RW | HCR_IMO | HCR_FMO | (fiq_only ? 0 : HCR_VI) | (fiq_only || c->hcrx & VFNMI ? HCR_VF : 0));
        taken = 0;
        rt_call(c->spsr, c->probe, 0);
        WRITE_ISB(hcr_el2, HCR_RW);
        CHECK_EQ(c->name, taken, c->irq || c->fiq);
        if (taken && (c->irq || c->fiq)) {
            CHECK_EQ(c->name, entry_vector & 0x180, c->fiq ? 0x100 : 0x80);
            CHECK_EQ(c->name, entry_allint, c->sctlr & SPINTMASK ? 0 : PSTATE_ALLINT);
            if (c->probe == nothing)
                CHECK_EQ(c->name, entry_spsr & PSTATE_ALLINT, c->spsr & PSTATE_ALLINT);
        }
    }
    rt_cpu()->irq = 0;
    WRITE(HCRX_EL2, 0);
    WRITE_ISB(sctlr_el1, sctlr);
}

static void isr(void)
{
    WRITE(HCRX_EL2, VINMI | VFNMI);
    WRITE_ISB(hcr_el2, HCR_RW | HCR_IMO | HCR_FMO | HCR_VI);
    CHECK_EQ("ISR_EL1, IRQ with Superpriority", rt_el1(r_isr, 0), BIT(10) | BIT(7));
    WRITE_ISB(hcr_el2, HCR_RW | HCR_IMO | HCR_FMO | HCR_VF);
    CHECK_EQ("ISR_EL1, FIQ with Superpriority", rt_el1(r_isr, 0), BIT(9) | BIT(6));
    WRITE_ISB(HCRX_EL2, VFNMI);
    WRITE_ISB(hcr_el2, HCR_RW | HCR_IMO | HCR_FMO | HCR_VI);
    CHECK_EQ("ISR_EL1, plain IRQ", rt_el1(r_isr, 0), BIT(7));
    WRITE_ISB(hcr_el2, HCR_RW | HCR_VI);
    CHECK_EQ("ISR_EL1, not enabled", rt_el1(r_isr, 0), 0);
    WRITE(HCRX_EL2, 0);
    WRITE_ISB(hcr_el2, HCR_RW);
}

/* ALLINT on entry to EL2. */
static void entry(void)
{
    u64 sctlr = READ(sctlr_el2);
    for (unsigned i = 0; i < 4; i++) {
        WRITE_ISB(sctlr_el2, sctlr | (i & 1 ? SPINTMASK : 0));
        u64 spsr = SPSR_EL1H | (i & 2 ? PSTATE_ALLINT : 0);
        CHECK_EQ("ALLINT at EL1", rt_call(spsr, r_allint, 0), spsr & PSTATE_ALLINT);
        CHECK_EQ("after HVC to EL2", READ(ALLINT), i & 1 ? 0 : PSTATE_ALLINT);
        clear_allint(0);
    }
    WRITE_ISB(sctlr_el2, sctlr);
}

void test_main(void)
{
    if (!BITS(READ(id_aa64pfr1_el1), 39, 36)) {
        CHECK_EXC("no FEAT_NMI, no ALLINT", TRY(RT_SKIP, (void)READ(ALLINT)), 2, 0x200, ESR(0, 0));
        CHECK_EXC("no FEAT_NMI, no MSR ALLINT", TRY(RT_SKIP, set_only(0)), 2, 0x200, ESR(0, 0));
        WRITE_ISB(sctlr_el1, READ(sctlr_el1) | NMI | SPINTMASK);
        CHECK_EQ("no FEAT_NMI, no SCTLR_EL1.NMI", READ(sctlr_el1) & (NMI | SPINTMASK), 0);
        rt_skip("non-maskable interrupts", "no FEAT_NMI");
        return;
    }
    rt_el1_flat();
    accesses();
    masks();
    isr();
    entry();
}
