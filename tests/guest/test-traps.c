/*
 * Traps to EL2 (and EL1) of registers and instructions, with exact syndrome: HCR_EL2, HSTR_EL2, CPTR_EL2, CPACR_EL1, MDCR_EL2.
 * Arm ARM, register pages of the named registers; "ISS encoding for an exception from MSR, MRS, or System instruction execution".
 */
#include "rt.h"

#define SYS(op0, op1, crn, crm, op2) ((u32)(op0) << 20 | (op2) << 17 | (op1) << 14 | (crn) << 10 | (crm) << 1)
#define R(op0, op1, crn, crm, op2) (SYS(op0, op1, crn, crm, op2) | 1)
#define W SYS

PROBE(r_sctlr, "mrs x0, sctlr_el1");
PROBE(w_sctlr, "msr sctlr_el1, x0");
PROBE(r_ttbr0, "mrs x0, ttbr0_el1");
PROBE(w_ttbr0, "msr ttbr0_el1, x0");
PROBE(w_ttbr1, "msr ttbr1_el1, x0");
PROBE(w_tcr, "msr tcr_el1, x0");
PROBE(w_esr, "msr esr_el1, x0");
PROBE(w_far, "msr far_el1, x0");
PROBE(w_afsr0, "msr afsr0_el1, x0");
PROBE(w_afsr1, "msr afsr1_el1, x0");
PROBE(w_mair, "msr mair_el1, x0");
PROBE(w_amair, "msr amair_el1, x0");
PROBE(w_contextidr, "msr contextidr_el1, x0");
PROBE(r_contextidr, "mrs x0, contextidr_el1");
PROBE(r_vbar, "mrs x0, vbar_el1");
PROBE(r_tpidr, "mrs x0, tpidr_el0");
PROBE(r_midr, "mrs x0, midr_el1");
PROBE(r_revidr, "mrs x0, revidr_el1");
PROBE(r_aidr, "mrs x0, aidr_el1");
PROBE(r_pfr0, "mrs x0, id_aa64pfr0_el1");
PROBE(r_mmfr0, "mrs x0, id_aa64mmfr0_el1");
PROBE(r_dfr0, "mrs x0, id_aa64dfr0_el1");
PROBE(r_isar0, "mrs x0, id_aa64isar0_el1");
PROBE(r_mvfr0, "mrs x0, mvfr0_el1");
PROBE(r_ctr, "mrs x0, ctr_el0");
PROBE(r_ccsidr, "mrs x0, ccsidr_el1");
PROBE(r_clidr, "mrs x0, clidr_el1");
PROBE(r_csselr, "mrs x0, csselr_el1");
PROBE(w_csselr, "mov x0, #0\n msr csselr_el1, x0");
PROBE(r_actlr, "mrs x0, actlr_el1");
PROBE(w_actlr, "msr actlr_el1, x0");
PROBE(r_dczid, "mrs x0, dczid_el0");
PROBE(r_cpacr, "mrs x0, cpacr_el1");
PROBE(w_cpacr, "mov x0, #0x300000\n msr cpacr_el1, x0");
PROBE(r_mdscr, "mrs x0, mdscr_el1");
PROBE(r_oslsr, "mrs x0, oslsr_el1");
PROBE(w_oslar, "mov x0, #0\n msr oslar_el1, x0");
PROBE(r_mdrar, "mrs x0, mdrar_el1");
PROBE(r_mdccsr, "mrs x0, mdccsr_el0");
PROBE(r_dbgbvr0, "mrs x0, dbgbvr0_el1");
PROBE(r_pmcr, "mrs x0, pmcr_el0");
PROBE(r_pmccntr, "mrs x0, pmccntr_el0");
PROBE(r_impdef, "mrs x0, s3_0_c15_c2_0");
PROBE(r_impdef0, "mrs x0, s3_3_c11_c0_0");
PROBE(i_wfi, "wfi");
PROBE(i_wfe, "wfe\n wfe\n wfe");
PROBE(i_smc, "smc #0x55");
PROBE(i_dc_isw, "mov x0, #0\n dc isw, x0");
PROBE(i_dc_csw, "mov x0, #0\n dc csw, x0");
PROBE(i_dc_civac, "dc civac, x0");
PROBE(i_dc_cvac, "dc cvac, x0");
PROBE(i_dc_ivac, "dc ivac, x0");
PROBE(i_dc_cvau, "dc cvau, x0");
PROBE(i_ic_ivau, "ic ivau, x0");
PROBE(i_ic_iallu, "ic iallu");
PROBE(i_ic_ialluis, "ic ialluis");
PROBE(i_dc_zva, "dc zva, x0");
PROBE(i_tlbi_vmalle1, "tlbi vmalle1");
PROBE(i_tlbi_vae1is, "mov x0, #0\n tlbi vae1is, x0");
PROBE(i_tlbi_aside1, "mov x0, #0\n tlbi aside1, x0");
PROBE(i_fmov, ".arch_extension fp\n fmov d0, xzr");
PROBE(i_movi, ".arch_extension simd\n movi v0.2d, #0");
PROBE(r_fpcr, "mrs x0, fpcr");
PROBE(r_fpsr, "mrs x0, fpsr");

#define TVM BIT(26)
#define TRVM BIT(30)
#define TID1 BIT(16)
#define TID2 BIT(17)
#define TID3 BIT(18)
#define TSC BIT(19)
#define TIDCP BIT(20)
#define TACR BIT(21)
#define TSW BIT(22)
#define TPCP BIT(23)
#define TPU BIT(24)
#define TTLB BIT(25)
#define TWI BIT(13)
#define TWE BIT(14)
#define TDZ BIT(28)

struct Trap {
    const char *name;
    u64 bits; /* of HCR_EL2 */
    u64 (*probe)(u64);
    u32 iss;
};

static const struct Trap hcr_traps[] = {
    {"TVM SCTLR", TVM, w_sctlr, W(3, 0, 1, 0, 0)},
    {"TVM TTBR0", TVM, w_ttbr0, W(3, 0, 2, 0, 0)},
    {"TVM TTBR1", TVM, w_ttbr1, W(3, 0, 2, 0, 1)},
    {"TVM TCR", TVM, w_tcr, W(3, 0, 2, 0, 2)},
    {"TVM ESR", TVM, w_esr, W(3, 0, 5, 2, 0)},
    {"TVM FAR", TVM, w_far, W(3, 0, 6, 0, 0)},
    {"TVM AFSR0", TVM, w_afsr0, W(3, 0, 5, 1, 0)},
    {"TVM AFSR1", TVM, w_afsr1, W(3, 0, 5, 1, 1)},
    {"TVM MAIR", TVM, w_mair, W(3, 0, 10, 2, 0)},
    {"TVM AMAIR", TVM, w_amair, W(3, 0, 10, 3, 0)},
    {"TVM CONTEXTIDR", TVM, w_contextidr, W(3, 0, 13, 0, 1)},
    {"TVM leaves reads", TVM, r_sctlr, 0},
    {"TRVM SCTLR", TRVM, r_sctlr, R(3, 0, 1, 0, 0)},
    {"TRVM TTBR0", TRVM, r_ttbr0, R(3, 0, 2, 0, 0)},
    {"TRVM CONTEXTIDR", TRVM, r_contextidr, R(3, 0, 13, 0, 1)},
    {"TRVM leaves VBAR", TRVM, r_vbar, 0},
    {"TID1 REVIDR", TID1, r_revidr, R(3, 0, 0, 0, 6)},
    {"TID1 AIDR", TID1, r_aidr, R(3, 1, 0, 0, 7)},
    {"TID1 leaves MIDR", TID1, r_midr, 0},
    {"TID2 CTR", TID2, r_ctr, R(3, 3, 0, 0, 1)},
    {"TID2 CCSIDR", TID2, r_ccsidr, R(3, 1, 0, 0, 0)},
    {"TID2 CLIDR", TID2, r_clidr, R(3, 1, 0, 0, 1)},
    {"TID2 CSSELR", TID2, r_csselr, R(3, 2, 0, 0, 0)},
    {"TID2 CSSELR write", TID2, w_csselr, W(3, 2, 0, 0, 0)},
    {"TID2 leaves DCZID", TID2, r_dczid, 0},
    {"TID3 PFR0", TID3, r_pfr0, R(3, 0, 0, 4, 0)},
    {"TID3 MMFR0", TID3, r_mmfr0, R(3, 0, 0, 7, 0)},
    {"TID3 DFR0", TID3, r_dfr0, R(3, 0, 0, 5, 0)},
    {"TID3 ISAR0", TID3, r_isar0, R(3, 0, 0, 6, 0)},
    {"TID3 MVFR0", TID3, r_mvfr0, R(3, 0, 0, 3, 0)},
    {"TID3 leaves CTR", TID3, r_ctr, 0},
    {"TACR ACTLR", TACR, r_actlr, R(3, 0, 1, 0, 1)},
    {"TACR ACTLR write", TACR, w_actlr, W(3, 0, 1, 0, 1)},
    {"TSW DC ISW", TSW, i_dc_isw, W(1, 0, 7, 6, 2)},
    {"TSW DC CSW", TSW, i_dc_csw, W(1, 0, 7, 10, 2)},
    {"TPCP DC CIVAC", TPCP, i_dc_civac, W(1, 3, 7, 14, 1)},
    {"TPCP DC CVAC", TPCP, i_dc_cvac, W(1, 3, 7, 10, 1)},
    {"TPCP DC IVAC", TPCP, i_dc_ivac, W(1, 0, 7, 6, 1)},
    {"TPCP leaves DC CVAU", TPCP, i_dc_cvau, 0},
    {"TPU DC CVAU", TPU, i_dc_cvau, W(1, 3, 7, 11, 1)},
    {"TPU IC IVAU", TPU, i_ic_ivau, W(1, 3, 7, 5, 1)},
    {"TPU IC IALLU", TPU, i_ic_iallu, W(1, 0, 7, 5, 0) | 31 << 5},
    {"TPU IC IALLUIS", TPU, i_ic_ialluis, W(1, 0, 7, 1, 0) | 31 << 5},
    {"TTLB VMALLE1", TTLB, i_tlbi_vmalle1, W(1, 0, 8, 7, 0) | 31 << 5},
    {"TTLB VAE1IS", TTLB, i_tlbi_vae1is, W(1, 0, 8, 3, 1)},
    {"TTLB ASIDE1", TTLB, i_tlbi_aside1, W(1, 0, 8, 7, 2)},
    {"TDZ DC ZVA", TDZ, i_dc_zva, W(1, 3, 7, 4, 1)},
    {"TIDCP", TIDCP, r_impdef, R(3, 0, 15, 2, 0)},
    {"TIDCP, c11", TIDCP, r_impdef0, R(3, 3, 11, 0, 0)},
    {"nothing set", 0, w_far, 0},
};

static u64 scratch[64] __attribute__((aligned(256)));

static void one(const char *name, u64 (*probe)(u64), u64 spsr, u64 el, u64 esr)
{
    u64 regs[] = {READ(sctlr_el1), READ(ttbr0_el1), READ(tcr_el1), READ(mair_el1), READ(ttbr1_el1)};
    u64 arg = probe == w_sctlr ? regs[0] : probe == w_ttbr0 ? regs[1] : probe == w_tcr ? regs[2]
            : probe == w_mair ? regs[3] : probe == w_ttbr1 ? regs[4] : (u64)scratch;
    const struct RtExc *exc = TRY(RT_SKIP, rt_call(spsr, probe, arg));
    if (!esr)
        rt_check(!exc->count, WHERE, name, exc->esr, 0);
    else
        rt_check_exc(WHERE, name, exc, el, el == 2 || !BITS(spsr, 3, 2) ? 0x400 : 0x200, esr);
}

static void hcr(void)
{
    for (unsigned i = 0; i < sizeof hcr_traps / sizeof *hcr_traps; i++) {
        const struct Trap *t = &hcr_traps[i];
        WRITE_ISB(hcr_el2, HCR_RW | t->bits);
        one(t->name, t->probe, SPSR_EL1H, 2, t->iss ? ESR(0x18, t->iss) : 0);
    }
    WRITE_ISB(hcr_el2, HCR_RW);
    WRITE_ISB(sctlr_el1, READ(sctlr_el1) | BIT(15) | BIT(26) | BIT(14) | BIT(16) | BIT(18));
    WRITE_ISB(hcr_el2, HCR_RW | TID2);
    one("TID2 CTR at EL0", r_ctr, SPSR_EL0, 2, ESR(0x18, R(3, 3, 0, 0, 1)));
    WRITE_ISB(hcr_el2, HCR_RW | TPCP);
    one("TPCP DC CIVAC at EL0", i_dc_civac, SPSR_EL0, 2, ESR(0x18, W(1, 3, 7, 14, 1)));
    WRITE_ISB(hcr_el2, HCR_RW | TWI);
    one("TWI", i_wfi, SPSR_EL1H, 2, ESR(1, 1u << 24 | 0xe << 20));
    one("TWI at EL0", i_wfi, SPSR_EL0, 2, ESR(1, 1u << 24 | 0xe << 20));
    WRITE_ISB(hcr_el2, HCR_RW | TWE);
    /* the exception return sets the event register, which the first WFE may consume without waiting (and trapping) */
    const struct RtExc *exc = TRY(RT_SKIP, rt_call(SPSR_EL1H, i_wfe, 0));
    CHECK("TWE", exc->count >= 1 && exc->count <= 3);
    CHECK_EQ("TWE", exc->esr, ESR(1, 1u << 24 | 0xe << 20 | 1));
    WRITE_ISB(hcr_el2, HCR_RW | TSC);
    one("TSC", i_smc, SPSR_EL1H, 2, ESR(0x17, 0x55));
    WRITE_ISB(hcr_el2, HCR_RW);
    WRITE_ISB(sctlr_el1, READ(sctlr_el1) & ~(BIT(16) | BIT(18) | BIT(14) | BIT(15) | BIT(26)));
    one("nTWI clear, at EL0", i_wfi, SPSR_EL0, 1, ESR(1, 1u << 24 | 0xe << 20));
    one("UCT clear, at EL0", r_ctr, SPSR_EL0, 1, ESR(0x18, R(3, 3, 0, 0, 1)));
    one("UCI clear, at EL0", i_dc_cvac, SPSR_EL0, 1, ESR(0x18, W(1, 3, 7, 10, 1)));
    one("UCI clear, IC IVAU at EL0", i_ic_ivau, SPSR_EL0, 1, ESR(0x18, W(1, 3, 7, 5, 1)));
    one("DZE clear, at EL0", i_dc_zva, SPSR_EL0, 1, ESR(0x18, W(1, 3, 7, 4, 1)));
    /* traps do not bind EL2 */
    WRITE_ISB(hcr_el2, HCR_RW | TVM | TRVM | TID3 | TWI);
    CHECK_NONE("EL2 is not trapped", TRY(RT_SKIP, WRITE(far_el1, READ(id_aa64pfr0_el1))));
    WRITE_ISB(hcr_el2, HCR_RW);
}

static void identity(void)
{
    WRITE_ISB(vpidr_el2, 0x12345678);
    CHECK_EQ("MIDR at EL1 is VPIDR", rt_el1(r_midr, 0), 0x12345678);
    CHECK("MIDR at EL2 is not", READ(midr_el1) != 0x12345678);
    WRITE_ISB(vpidr_el2, READ(midr_el1));
}

#define FP_ISS (1u << 24 | 0xe << 20)

static void floating_point(void)
{
    WRITE_ISB(cptr_el2, 0x33ff | BIT(10));
    /* TFP at EL2 itself and below: EC 0x07, ISS with TA of AArch64 */
    const struct RtExc *exc = TRY(RT_SKIP, __asm__ volatile(".arch_extension fp\n fmov d0, xzr"));
    CHECK_EXC("TFP at EL2", exc, 2, 0x200, ESR(7, FP_ISS));
    one("TFP at EL1", i_fmov, SPSR_EL1H, 2, ESR(7, FP_ISS));
    one("TFP SIMD", i_movi, SPSR_EL1H, 2, ESR(7, FP_ISS));
    one("TFP FPCR", r_fpcr, SPSR_EL0, 2, ESR(7, FP_ISS));
    WRITE_ISB(cpacr_el1, 0);
    one("FPEN 0 wins at EL1", i_fmov, SPSR_EL1H, 1, ESR(7, FP_ISS));
    WRITE_ISB(cptr_el2, 0x33ff);
    one("FPEN 0 at EL1", r_fpsr, SPSR_EL1H, 1, ESR(7, FP_ISS));
    one("FPEN 0 at EL0", i_fmov, SPSR_EL0, 1, ESR(7, FP_ISS));
    WRITE_ISB(cpacr_el1, 1 << 20);
    one("FPEN 1 at EL1", i_fmov, SPSR_EL1H, 0, 0);
    one("FPEN 1 at EL0", i_movi, SPSR_EL0, 1, ESR(7, FP_ISS));
    WRITE_ISB(cpacr_el1, 2 << 20);
    one("FPEN 2 at EL1", i_fmov, SPSR_EL1H, 1, ESR(7, FP_ISS));
    WRITE_ISB(cpacr_el1, 0);
    WRITE_ISB(hcr_el2, HCR_RW | HCR_TGE);
    one("TGE: the trap of EL0 arrives as UNDEFINED", i_fmov, SPSR_EL0, 2, ESR(0, 0));
    WRITE_ISB(hcr_el2, HCR_RW);
    WRITE_ISB(cpacr_el1, 3 << 20);
    one("FPEN 3 at EL0", i_fmov, SPSR_EL0, 0, 0);
    WRITE_ISB(cptr_el2, 0x33ff | BIT(31));
    one("TCPAC", r_cpacr, SPSR_EL1H, 2, ESR(0x18, R(3, 0, 1, 0, 2)));
    one("TCPAC write", w_cpacr, SPSR_EL1H, 2, ESR(0x18, W(3, 0, 1, 0, 2)));
    WRITE_ISB(cptr_el2, 0x33ff);
    /* undefined comes before the trap of lower privilege: FP registers exist, so a trapped one at EL0 is EC 7 */
    CHECK_EQ("CPTR_EL2 RES1 bits", READ(cptr_el2) & 0x32ff, 0x32ff);
}

static void debug(void)
{
    u64 base = READ(mdcr_el2);
    WRITE_ISB(mdcr_el2, base | BIT(9)); /* TDA */
    one("TDA MDSCR", r_mdscr, SPSR_EL1H, 2, ESR(0x18, R(2, 0, 0, 2, 2)));
    one("TDA DBGBVR0", r_dbgbvr0, SPSR_EL1H, 2, ESR(0x18, R(2, 0, 0, 0, 4)));
    one("TDA MDCCSR at EL0", r_mdccsr, SPSR_EL0, 2, ESR(0x18, R(2, 3, 0, 1, 0)));
    one("TDA leaves OSLSR", r_oslsr, SPSR_EL1H, 0, 0);
    WRITE_ISB(mdcr_el2, base | BIT(10)); /* TDOSA */
    one("TDOSA OSLSR", r_oslsr, SPSR_EL1H, 2, ESR(0x18, R(2, 0, 1, 1, 4)));
    one("TDOSA OSLAR", w_oslar, SPSR_EL1H, 2, ESR(0x18, W(2, 0, 1, 0, 4)));
    one("TDOSA leaves MDSCR", r_mdscr, SPSR_EL1H, 0, 0);
    WRITE_ISB(mdcr_el2, base | BIT(11)); /* TDRA */
    one("TDRA MDRAR", r_mdrar, SPSR_EL1H, 2, ESR(0x18, R(2, 0, 1, 0, 0)));
    WRITE_ISB(mdcr_el2, base);
    u64 pmu = BITS(READ(id_aa64dfr0_el1), 11, 8);
    if (!pmu || pmu == 15) {
        rt_skip("MDCR_EL2.TPM", "no PMU");
        return;
    }
    WRITE_ISB(mdcr_el2, base | BIT(6));
    one("TPM PMCR", r_pmcr, SPSR_EL1H, 2, ESR(0x18, R(3, 3, 9, 12, 0)));
    one("TPM PMCCNTR", r_pmccntr, SPSR_EL1H, 2, ESR(0x18, R(3, 3, 9, 13, 0)));
    WRITE_ISB(mdcr_el2, base | BIT(5));
    one("TPMCR PMCR", r_pmcr, SPSR_EL1H, 2, ESR(0x18, R(3, 3, 9, 12, 0)));
    one("TPMCR leaves PMCCNTR", r_pmccntr, SPSR_EL1H, 0, 0);
    WRITE_ISB(mdcr_el2, base);
}

/* DC CVADP (FEAT_DPB2) and the bits of FEAT_ExS, if they are there. */
PROBE(i_dc_cvadp, ".inst 0xd50b7d20");

static void later_versions(void)
{
    u64 sctlr = READ(sctlr_el1), exs = BIT(22) | BIT(11);
    if (BITS(READ(id_aa64isar1_el1), 3, 0) >= 2) {
        WRITE_ISB(sctlr_el1, sctlr | BIT(26)); /* UCI */
        one("DC CVADP", i_dc_cvadp, SPSR_EL1H, 0, 0);
        one("DC CVADP at EL0", i_dc_cvadp, SPSR_EL0, 0, 0);
        WRITE_ISB(hcr_el2, HCR_RW | TPCP);
        one("TPCP DC CVADP", i_dc_cvadp, SPSR_EL1H, 2, ESR(0x18, W(1, 3, 7, 13, 1)));
        WRITE_ISB(hcr_el2, HCR_RW);
        WRITE_ISB(sctlr_el1, sctlr & ~BIT(26));
        one("UCI clear, DC CVADP at EL0", i_dc_cvadp, SPSR_EL0, 1, ESR(0x18, W(1, 3, 7, 13, 1)));
        const struct RtExc *exc = TRY(RT_SKIP, rt_el1(i_dc_cvadp, 0x1000));
        CHECK_EXC("DC CVADP, nothing mapped [peer differs]", exc, 1, 0x200, ESR(0x25, 0x140) | FSC(exc));
        CHECK_EQ("DC CVADP, nothing mapped", FSC(exc) >> 2, 1);
        CHECK_EQ("DC CVADP, nothing mapped", exc->far, 0x1000);
    } else {
        one("no DC CVADP", i_dc_cvadp, SPSR_EL1H, 1, ESR(0, 0));
    }
    WRITE_ISB(sctlr_el1, sctlr & ~exs);
    CHECK_EQ("SCTLR_EL1.{EIS,EOS} [peer differs]", READ(sctlr_el1) & exs, BITS(READ(id_aa64mmfr0_el1), 47, 44) ? 0 : exs);
    CHECK_NONE("exceptions go on without synchronization", TRY(RT_SKIP, rt_el0(r_tpidr, 0)));
    WRITE_ISB(sctlr_el1, sctlr);
}

/* DCZID_EL0.DZP tells whether DC ZVA would be trapped. */
static void zero_prohibited(void)
{
    u64 sctlr = READ(sctlr_el1);
    WRITE_ISB(sctlr_el1, sctlr | BIT(14)); /* DZE */
    CHECK_EQ("DZP, EL1", rt_el1(r_dczid, 0) & BIT(4), 0);
    CHECK_EQ("DZP, EL0", rt_el0(r_dczid, 0) & BIT(4), 0);
    WRITE_ISB(sctlr_el1, sctlr & ~BIT(14));
    CHECK_EQ("DZP, EL1 without DZE", rt_el1(r_dczid, 0) & BIT(4), 0);
    CHECK_EQ("DZP, EL0 without DZE", rt_el0(r_dczid, 0) & BIT(4), BIT(4));
    CHECK_EQ("DZP, EL2", READ(dczid_el0) & BIT(4), 0);
    WRITE_ISB(sctlr_el1, sctlr | BIT(14));
    WRITE_ISB(hcr_el2, HCR_RW | TDZ);
    CHECK_EQ("DZP, EL1 with TDZ", rt_el1(r_dczid, 0) & BIT(4), BIT(4));
    CHECK_EQ("DZP, EL0 with TDZ", rt_el0(r_dczid, 0) & BIT(4), BIT(4));
    CHECK_EQ("DZP, EL2 with TDZ", READ(dczid_el0) & BIT(4), 0);
    WRITE_ISB(hcr_el2, HCR_RW);
    WRITE_ISB(sctlr_el1, sctlr);
}

/* HSTR_EL2 traps AArch32 accesses only. */
static void hstr(void)
{
    WRITE_ISB(hstr_el2, 0xffff);
    one("HSTR_EL2 is not for AArch64", r_vbar, SPSR_EL1H, 0, 0);
    one("HSTR_EL2 is not for AArch64", r_midr, SPSR_EL1H, 0, 0);
    WRITE_ISB(hstr_el2, 0);
}

/* Unallocated and privileged encodings are UNDEFINED with EC 0, never a trap of EC 0x18. */
PROBE(r_unallocated, "mrs x0, s3_0_c1_c7_7");
PROBE(w_ro, ".inst 0xd5180000"); /* MSR MIDR_EL1, x0 */
PROBE(r_el2, "mrs x0, esr_el2");
PROBE(i_el2, "tlbi alle2");
PROBE(i_at, "at s1e2r, x0");
PROBE(r_id_hole, "mrs x0, s3_0_c0_c7_6");

/* Reads of the feature ID space that lead nowhere: FEAT_IDST gives them EC 0x18 wherever they are made. */
PROBE(r_hole_0, "mrs x0, s3_0_c0_c0_1");
PROBE(r_hole_1, "mrs x0, s3_1_c0_c3_3");
PROBE(r_hole_3, "mrs x0, s3_3_c0_c7_1");
PROBE(w_hole_1, "msr s3_1_c0_c3_3, x0");
PROBE(r_outside_crm, "mrs x0, s3_1_c0_c8_3");
PROBE(r_outside_op1, "mrs x0, s3_2_c0_c3_3");

static void id_space(void)
{
    bool idst = BITS(READ(id_aa64mmfr2_el1), 39, 36);
    static const struct {
        u64 (*probe)(u64);
        u32 iss;
        const char *name;
    } holes[] = {
        {r_hole_0, R(3, 0, 0, 0, 1), "hole, op1 0 CRm 0 [peer differs]"},
        {r_hole_1, R(3, 1, 0, 3, 3), "hole, op1 1 [peer differs]"},
        {r_hole_3, R(3, 3, 0, 7, 1), "hole, op1 3 [peer differs]"},
        {w_hole_1, 0, "hole, op1 1, written"},
        {r_outside_crm, 0, "outside, CRm 8"},
        {r_outside_op1, 0, "outside, op1 2"},
    };
    for (unsigned i = 0; i < sizeof holes / sizeof *holes; i++) {
        u64 esr = idst && holes[i].iss ? ESR(0x18, holes[i].iss) : ESR(0, 0);
        one(holes[i].name, holes[i].probe, SPSR_EL0, 1, esr);
        one(holes[i].name, holes[i].probe, SPSR_EL1H, 1, esr);
        CHECK_EXC(holes[i].name, TRY(RT_SKIP, holes[i].probe(0)), 2, 0x200, esr);
        WRITE_ISB(hcr_el2, HCR_RW | TID3 | TID1);
        one(holes[i].name, holes[i].probe, SPSR_EL1H, 1, esr);
        WRITE_ISB(hcr_el2, HCR_RW | HCR_TGE);
        one(holes[i].name, holes[i].probe, SPSR_EL0, 2, esr);
        WRITE_ISB(hcr_el2, HCR_RW);
    }
}

static void undefined(void)
{
    one("unallocated", r_unallocated, SPSR_EL1H, 1, ESR(0, 0));
    one("write of a read-only register", w_ro, SPSR_EL1H, 1, ESR(0, 0));
    one("EL2 register at EL1", r_el2, SPSR_EL1H, 1, ESR(0, 0));
    one("EL2 TLBI at EL1", i_el2, SPSR_EL1H, 1, ESR(0, 0));
    one("EL2 AT at EL1", i_at, SPSR_EL1H, 1, ESR(0, 0));
    u64 esr = BITS(READ(id_aa64mmfr2_el1), 39, 36) ? ESR(0x18, R(3, 0, 0, 4, 0)) : ESR(0, 0); /* IDST */
    one("ID register at EL0", r_pfr0, SPSR_EL0, 1, esr);
    one("holes of the ID space read as zero", r_id_hole, SPSR_EL1H, 0, 0);
    CHECK_EQ("holes of the ID space read as zero", rt_el1(r_id_hole, 1), 0);
    /* with TGE what EL0 does wrong goes to EL2 */
    WRITE_ISB(hcr_el2, HCR_RW | HCR_TGE);
    one("TGE: ID register at EL0", r_pfr0, SPSR_EL0, 2, esr);
    one("TGE: UNDEFINED at EL0", r_unallocated, SPSR_EL0, 2, ESR(0, 0));
    WRITE_ISB(hcr_el2, HCR_RW);
}

void test_main(void)
{
    rt_el1_flat();
    hcr();
    identity();
    floating_point();
    debug();
    hstr();
    zero_prohibited();
    later_versions();
    undefined();
    id_space();
}
