/*
 * From system registers to views: effective values of the fields that a walk depends on, and their
 * digests. Arm ARM, "Translation regimes", the descriptions of SCTLR_ELx, TCR_ELx, HCR_EL2 and
 * VTCR_EL2, and "ASID and VMID".
 */
#include "view.h"

#include <glib.h>
#include <string.h>

#include "armillary/engine.h"
#include "model.h"
#include "unpredictable.h"

#define HCR(f) A64_HCR_EL2_##f
#define BIT(n) (UINT64_C(1) << (n))
#define BITS(from, n) (((UINT64_C(1) << (n)) - 1) << (from))
/* T0SZ EPD0 SH0 TG0; T1SZ EPD1 SH1 TG1; IPS TBI HA HD HPD TBID E0PD DS */
#define TCR_LOW (BITS(0, 6) | BIT(7) | BITS(12, 2) | BITS(14, 2))
#define TCR_UP (BITS(16, 6) | BIT(23) | BITS(28, 2) | BITS(30, 2))
#define TCR_BOTH (BITS(32, 3) | BITS(37, 2) | BITS(39, 4) | BITS(51, 2) | BITS(55, 2) | BIT(59))
#define TCR_FIELDS (TCR_LOW | TCR_UP | TCR_BOTH)
/* T0SZ SL0 SH0 TG0 PS HA HD DS SL2, AssuredOnly TL1 TL0 GCSH; S2PIE and S2POE are flags */
#define VTCR_THE (BITS(34, 2) | BITS(40, 2))
#define VTCR_FIELDS (BITS(0, 8) | BITS(12, 4) | BITS(16, 3) | BITS(21, 2) | BITS(32, 2) | VTCR_THE)
#define TCR_TBI_FIELDS (BITS(37, 2) | BITS(51, 2))

static unsigned id(const A64Model *m, unsigned slot, unsigned lsb)
{
    return (unsigned)(m->reset[slot] >> lsb) & 15;
}

static A64MmuCaps caps_of(const A64Model *m)
{
    static const uint8_t pa[8] = { 32, 36, 40, 42, 44, 48, 52, 52 };
    unsigned g4 = id(m, A64_SR_ID_AA64MMFR0_EL1, 28), g16 = id(m, A64_SR_ID_AA64MMFR0_EL1, 20);
    unsigned pan = id(m, A64_SR_ID_AA64MMFR1_EL1, 20), haf = id(m, A64_SR_ID_AA64MMFR1_EL1, 0);

    return (A64MmuCaps){
        .pa_bits = pa[id(m, A64_SR_ID_AA64MMFR0_EL1, 0) & 7],
        .gran4 = g4 != 15,
        .gran16 = g16 != 0,
        .gran64 = id(m, A64_SR_ID_AA64MMFR0_EL1, 24) != 15,
        .lva = id(m, A64_SR_ID_AA64MMFR2_EL1, 16) >= 1,
        .lpa2_4 = g4 == 1,
        .lpa2_16 = g16 == 2,
        .ttst = id(m, A64_SR_ID_AA64MMFR2_EL1, 28) >= 1,
        .haf = haf >= 1,
        .hd = haf >= 2,
        .hpds = id(m, A64_SR_ID_AA64MMFR1_EL1, 12) >= 1,
        .pan = pan >= 1,
        .epan = pan >= 3,
        .uao = id(m, A64_SR_ID_AA64MMFR2_EL1, 4) >= 1,
        .e0pd = id(m, A64_SR_ID_AA64MMFR2_EL1, 60) >= 1,
        .xnx = id(m, A64_SR_ID_AA64MMFR1_EL1, 28) >= 1,
        .fwb = id(m, A64_SR_ID_AA64MMFR2_EL1, 40) >= 1,
        .vmid16 = id(m, A64_SR_ID_AA64MMFR1_EL1, 4) >= 2,
        .asid16 = id(m, A64_SR_ID_AA64MMFR0_EL1, 4) >= 2,
        .bti = id(m, A64_SR_ID_AA64PFR1_EL1, 0) >= 1,
        .nv = id(m, A64_SR_ID_AA64MMFR2_EL1, 24) >= 1 || id(m, A64_SR_ID_AA64MMFR4_EL1, 20) >= 1,
        .nv2 = id(m, A64_SR_ID_AA64MMFR2_EL1, 24) >= 2 || id(m, A64_SR_ID_AA64MMFR4_EL1, 20) >= 1,
        .el2 = id(m, A64_SR_ID_AA64PFR0_EL1, 8) >= 1,
        .vh = id(m, A64_SR_ID_AA64MMFR1_EL1, 8) >= 1,
    };
}

void a64_mmu_init(A64Cpu *cpu)
{
    cpu->mmu = g_new0(A64Mmu, 1);
    cpu->mmu->caps = caps_of(cpu->model);
}

void a64_mmu_fini(A64Cpu *cpu)
{
    g_free(cpu->mmu);
    cpu->mmu = NULL;
}

void a64_mmu_changed(A64Cpu *cpu)
{
    memset(cpu->mmu->fresh, 0, sizeof cpu->mmu->fresh);
}

uint64_t a64_mmu_hcr(const A64Cpu *cpu)
{
    return cpu->mmu->caps.el2 ? cpu->st.sr[A64_SR_HCR_EL2] : 0;
}

static bool is_host(uint64_t hcr)
{
    return (hcr & (HCR(E2H) | HCR(TGE))) == (HCR(E2H) | HCR(TGE));
}

A64Regime a64_regime_of(const A64Cpu *cpu, unsigned el)
{
    uint64_t hcr = a64_mmu_hcr(cpu);

    if (el == 2) {
        return hcr & HCR(E2H) ? A64_REGIME_EL20 : A64_REGIME_EL2;
    }
    return el == 0 && is_host(hcr) ? A64_REGIME_EL20 : A64_REGIME_EL10;
}

A64Regime a64_regime(const A64Cpu *cpu)
{
    return a64_regime_of(cpu, cpu->st.pstate.el);
}

uint32_t a64_vmid(const A64Cpu *cpu)
{
    bool wide = cpu->mmu->caps.vmid16 && (cpu->st.sr[A64_SR_VTCR_EL2] >> 19 & 1);

    if (!cpu->mmu->caps.el2) {
        return 0;
    }
    return (uint32_t)(cpu->st.sr[A64_SR_VTTBR_EL2] >> 48) & (wide ? 0xffff : 0xff);
}

uint32_t a64_asid(const A64Cpu *cpu, A64Regime regime)
{
    const uint64_t *sr = cpu->st.sr;
    uint64_t tcr, ttbr;
    bool wide;

    if (regime == A64_REGIME_EL2) {
        return 0;
    }
    if (regime == A64_REGIME_EL10) {
        tcr = sr[A64_SR_TCR_EL1];
        ttbr = sr[tcr & A64_TCR_EL1_A1 ? A64_SR_TTBR1_EL1 : A64_SR_TTBR0_EL1];
    } else {
        tcr = sr[A64_SR_TCR_EL2];
        ttbr = sr[tcr & A64_TCR_EL1_A1 ? A64_SR_TTBR1_EL2 : A64_SR_TTBR0_EL2];
    }
    wide = cpu->mmu->caps.asid16 && (tcr & A64_TCR_EL1_AS);
    return (uint32_t)(ttbr >> 48) & (wide ? 0xffff : 0xff);
}

/* TCR_EL2 with E2H = 0, in TCR_EL1's layout. */
static uint64_t tcr_from_el2(uint64_t t)
{
    return (t & 0xff3f) | (t >> 16 & 7) << 32 | (t >> 20 & 1) << 37 | (t >> 21 & 3) << 39 |
           (t >> 24 & 1) << 41 | (t >> 29 & 1) << 51 | (t >> 32 & 1) << 59;
}

static uint32_t sctlr_flags(const A64MmuCaps *caps, uint64_t sctlr)
{
    return (sctlr & A64_SCTLR_EL1_M ? A64_VF_S1 : 0u) |
           (sctlr & A64_SCTLR_EL1_WXN ? A64_VF_WXN : 0u) |
           (sctlr & A64_SCTLR_EL1_EE ? A64_VF_EE : 0u) |
           (caps->epan && (sctlr & A64_SCTLR_EL1_EPAN) ? A64_VF_EPAN : 0u) |
           (sctlr & A64_SCTLR_EL1_C ? A64_VF_C : 0u) |
           (sctlr & A64_SCTLR_EL1_A ? A64_VF_A : 0u);
}

static void stage2_regs(const A64Cpu *cpu, uint64_t hcr, A64ViewRegs *r)
{
    if (is_host(hcr) || !(hcr & (HCR(VM) | HCR(DC)))) {
        return;
    }
    r->flags |= A64_VF_S2 | (hcr & HCR(CD) ? A64_VF_CD : 0u) |
                (cpu->mmu->caps.fwb && (hcr & HCR(FWB)) ? A64_VF_FWB : 0u) |
                ((hcr & HCR(PTW)) && !(hcr & HCR(TGE)) ? A64_VF_PTW : 0u) |
                (cpu->st.sr[A64_SR_SCTLR_EL2] & A64_SCTLR_EL1_EE ? A64_VF_S2EE : 0u);
    r->vtcr = cpu->st.sr[A64_SR_VTCR_EL2] & VTCR_FIELDS;
    r->flags |= cpu->st.sr[A64_SR_VTCR_EL2] & A64_VTCR_EL2_HAFT ? A64_VF_S2HAFT : 0u;
    if (cpu->st.sr[A64_SR_VTCR_EL2] & A64_VTCR_EL2_S2PIE) {
        r->flags |= A64_VF_S2PIE;
        r->s2pir = cpu->st.sr[A64_SR_S2PIR_EL2];
        if (cpu->st.sr[A64_SR_VTCR_EL2] & A64_VTCR_EL2_S2POE) {
            r->flags |= A64_VF_S2POE;
            r->s2por = cpu->st.sr[A64_SR_S2POR_EL1];
        }
    }
}

/* What TCR2_ELx adds; tcr2: its effective value. TCR2_EL2 has TCR2_EL1's layout. */
static void tcr2_regs(const A64Cpu *cpu, uint64_t tcr2, unsigned regime, A64ViewRegs *r)
{
    const uint64_t *sr = cpu->st.sr;
    bool el1 = regime == A64_REGIME_EL10;
    bool user = regime != A64_REGIME_EL2 && !(r->flags & A64_VF_NV1);

    r->flags |= tcr2 & A64_TCR2_EL1_HAFT ? A64_VF_HAFT : 0u;
    if (el1) {
        r->flags |= (tcr2 & A64_TCR2_EL1_PnCH ? A64_VF_PNCH : 0u) |
                    (tcr2 & A64_TCR2_EL1_FNGNA0 ? A64_VF_FNGNA0 : 0u) |
                    (tcr2 & A64_TCR2_EL1_FNGNA1 ? A64_VF_FNGNA1 : 0u);
    }
    if (tcr2 & A64_TCR2_EL1_PIE) {
        r->flags |= A64_VF_PIE;
        r->pir = sr[el1 ? A64_SR_PIR_EL1 : A64_SR_PIR_EL2];
        r->pire0 = user ? sr[el1 ? A64_SR_PIRE0_EL1 : A64_SR_PIRE0_EL2] : 0;
    }
    if (tcr2 & A64_TCR2_EL1_POE) {
        r->flags |= A64_VF_POE;
        r->por = sr[el1 ? A64_SR_POR_EL1 : A64_SR_POR_EL2];
    }
    if (user && (tcr2 & A64_TCR2_EL1_E0POE)) {
        r->flags |= A64_VF_E0POE;
        r->por0 = sr[A64_SR_POR_EL0];
    }
    if (tcr2 & A64_TCR2_EL1_AIE) {
        r->flags |= A64_VF_AIE;
        r->mair2 = sr[el1 ? A64_SR_MAIR2_EL1 : A64_SR_MAIR2_EL2];
    }
}

/* TCR2_EL1 as the MMU sees it: EL2 can hide it. */
static uint64_t tcr2_el1(const A64Cpu *cpu)
{
    bool hidden = cpu->mmu->caps.el2 && !(cpu->st.sr[A64_SR_HCRX_EL2] & A64_HCRX_EL2_TCR2En);

    return hidden ? 0 : cpu->st.sr[A64_SR_TCR2_EL1];
}

bool a64_protection(const A64Cpu *cpu)
{
    bool el1 = a64_regime(cpu) == A64_REGIME_EL10;

    return (el1 ? tcr2_el1(cpu) : cpu->st.sr[A64_SR_TCR2_EL2]) & A64_TCR2_EL1_PnCH;
}

/* HCR_EL2.{NV,NV1} = {1,1}: EL1 uses its tables as EL2 would. */
static bool nv1_applies(const A64Cpu *cpu, uint64_t hcr)
{
    return cpu->mmu->caps.nv && a64_unpred_nv1(hcr & HCR(NV), hcr & HCR(NV1));
}

static void el10_regs(const A64Cpu *cpu, uint64_t hcr, A64ViewRegs *r)
{
    const A64MmuCaps *caps = &cpu->mmu->caps;

    r->flags = sctlr_flags(caps, cpu->st.sr[A64_SR_SCTLR_EL1]);
    r->tcr = cpu->st.sr[A64_SR_TCR_EL1];
    r->mair = cpu->st.sr[A64_SR_MAIR_EL1];
    if ((hcr & HCR(DC)) && !is_host(hcr)) {
        r->flags = (r->flags & ~(uint32_t)A64_VF_S1) | A64_VF_DC;
    }
    if (hcr & HCR(TGE)) {
        r->flags &= ~(uint32_t)A64_VF_S1;
    }
    if (nv1_applies(cpu, hcr)) {
        r->flags |= A64_VF_NV1;
    }
    if (r->flags & A64_VF_S1) {
        tcr2_regs(cpu, tcr2_el1(cpu), A64_REGIME_EL10, r);
    }
    stage2_regs(cpu, hcr, r);
}

static void make_regs(const A64Cpu *cpu, unsigned which, A64ViewRegs *r)
{
    uint64_t hcr = a64_mmu_hcr(cpu);

    *r = (A64ViewRegs){ 0 };
    if (which == A64_REGIME_EL10) {
        el10_regs(cpu, hcr, r);
    } else if (which == A64_STAGE2_DIGEST) {
        stage2_regs(cpu, hcr, r);
    } else {
        r->flags = sctlr_flags(&cpu->mmu->caps, cpu->st.sr[A64_SR_SCTLR_EL2]);
        r->mair = cpu->st.sr[A64_SR_MAIR_EL2];
        r->tcr = cpu->st.sr[A64_SR_TCR_EL2];
        if (which == A64_REGIME_EL2) {
            r->flags &= ~(uint32_t)A64_VF_EPAN;
            r->tcr = tcr_from_el2(r->tcr);
        }
        if (r->flags & A64_VF_S1) {
            tcr2_regs(cpu, cpu->st.sr[A64_SR_TCR2_EL2], which, r);
        }
    }
    r->regime = which;
    r->tcr &= TCR_FIELDS;
    if (!(r->flags & A64_VF_S1)) {
        r->mair = 0;
        r->tcr &= TCR_TBI_FIELDS;
        r->flags &= ~(uint32_t)(A64_VF_WXN | A64_VF_EPAN | A64_VF_EE | A64_VF_C | A64_VF_NV1);
    }
}

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 29;
}

static uint32_t regs_hash(const A64ViewRegs *r)
{
    uint64_t h = mix(mix((uint64_t)r->flags << 8 | r->regime, r->tcr), r->mair ^ r->vtcr << 1);

    if (r->flags & (A64_VF_PIE | A64_VF_POE | A64_VF_E0POE | A64_VF_AIE)) {
        h = mix(mix(mix(h, r->por), r->por0), r->pir ^ r->pire0 << 1 ^ r->mair2 << 2);
    }
    return (uint32_t)((mix(mix(h, r->s2pir), r->s2por) >> 32) % (2 * A64_DIGESTS));
}

static bool same_regs(const A64ViewRegs *a, const A64ViewRegs *b)
{
    return a->regime == b->regime && a->flags == b->flags && a->tcr == b->tcr &&
           a->mair == b->mair && a->vtcr == b->vtcr && a->mair2 == b->mair2 && a->pir == b->pir &&
           a->pire0 == b->pire0 && a->por == b->por && a->por0 == b->por0 &&
           a->s2pir == b->s2pir && a->s2por == b->s2por;
}

/* The number of a digest. An id stands for the same registers until forget(). */
static uint32_t intern(A64Mmu *m, const A64ViewRegs *r)
{
    uint32_t i = regs_hash(r);

    for (; m->hash[i]; i = (i + 1) % (2 * A64_DIGESTS)) {
        if (same_regs(&m->interned[m->hash[i] - 1], r)) {
            return m->hash[i] - 1u;
        }
    }
    m->interned[m->n_interned] = *r;
    m->hash[i] = (uint16_t)++m->n_interned;
    return m->n_interned - 1;
}

/* Before numbers run out, everything that carries one is dropped. */
static void make_room(A64Cpu *cpu)
{
    A64Mmu *m = cpu->mmu;

    if (m->n_interned + 8 > A64_DIGESTS) {
        m->n_interned = 0;
        memset(m->hash, 0, sizeof m->hash);
        a64_mmu_changed(cpu);
        if (cpu->eng.tlb) {
            eng_tlb_flush(&cpu->eng);
        }
    }
}

void a64_view_refresh(A64Cpu *cpu, unsigned which)
{
    A64Mmu *m = cpu->mmu;

    make_regs(cpu, which, &m->regs[which]);
    m->digest[which] = intern(m, &m->regs[which]);
    m->fresh[which] = true;
}

void a64_view(A64Cpu *cpu, A64Regime regime, A64View *out)
{
    const uint64_t *sr = cpu->st.sr;
    bool el10 = regime == A64_REGIME_EL10;

    if (!cpu->mmu->fresh[regime]) {
        a64_view_refresh(cpu, regime);
    }
    *out = (A64View){
        .r = cpu->mmu->regs[regime],
        .caps = cpu->mmu->caps,
        .ttbr = { sr[el10 ? A64_SR_TTBR0_EL1 : A64_SR_TTBR0_EL2],
                  sr[el10 ? A64_SR_TTBR1_EL1 : A64_SR_TTBR1_EL2] },
        .vttbr = sr[A64_SR_VTTBR_EL2],
        .vmid = el10 ? a64_vmid(cpu) : 0,
        .asid = a64_asid(cpu, regime),
    };
}

/* LDTR, STTR: the privilege of EL0 unless UAO or nested virtualization say otherwise. */
static bool unprivileged(const A64Cpu *cpu)
{
    uint64_t hcr = a64_mmu_hcr(cpu);

    if (cpu->st.pstate.el == 0) {
        return true;
    }
    if (cpu->st.pstate.uao) {
        return false;
    }
    if (cpu->st.pstate.el == 2) {
        return is_host(hcr);
    }
    return !nv1_applies(cpu, hcr);
}

A64Regime a64_access_view(const A64Cpu *cpu, IrView view, EngAccess access, unsigned *number)
{
    unsigned el = cpu->st.pstate.el;

    if (view == IR_VIEW_VNCR) {
        *number = A64_VIEW_PRIV;
        return a64_regime_of(cpu, 2);
    }
    bool down = view == IR_VIEW_UNPRIV || view == IR_VIEW_GCS_UNPRIV;
    bool as_el0 = el == 0 || (down && unprivileged(cpu));
    if (view == IR_VIEW_GCS || view == IR_VIEW_GCS_UNPRIV) {
        *number = as_el0 ? A64_VIEW_GCS_EL0 : A64_VIEW_GCS_PRIV;
    } else if (as_el0) {
        *number = A64_VIEW_EL0;
    } else {
        bool pan = cpu->st.pstate.pan && !(el == 1 && nv1_applies(cpu, a64_mmu_hcr(cpu)));
        *number = access != ENG_FETCH && pan ? A64_VIEW_PRIV_PAN : A64_VIEW_PRIV;
    }
    return a64_regime_of(cpu, el);
}

EngContext a64_context(EngVcpu *eng, IrView view, EngAccess access)
{
    A64Cpu *cpu = a64_cpu(eng);
    unsigned number;
    A64Regime regime = a64_access_view(cpu, view, access, &number);

    make_room(cpu);
    if (ARM_UNLIKELY(!cpu->mmu->fresh[regime])) {
        a64_view_refresh(cpu, regime);
    }
    return (EngContext){ .regime = regime,
                         .vmid = regime == A64_REGIME_EL10 ? a64_vmid(cpu) : 0,
                         .digest = cpu->mmu->digest[regime],
                         .asid = a64_asid(cpu, regime),
                         .view = number };
}

/* They differ in the privilege view alone. */
void a64_contexts(EngVcpu *eng, EngContext out[3])
{
    A64Cpu *cpu = a64_cpu(eng);
    unsigned number;

    out[0] = out[1] = out[2] = a64_context(eng, IR_VIEW_CURRENT, ENG_READ);
    a64_access_view(cpu, IR_VIEW_UNPRIV, ENG_READ, &number);
    out[1].view = number;
    out[2].view = cpu->st.pstate.el == 0 ? A64_VIEW_EL0 : A64_VIEW_PRIV;
}
