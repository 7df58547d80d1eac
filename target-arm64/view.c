/*
 * From system registers to views: effective values of the fields that a walk depends on, and their
 * digests. Arm ARM, "Translation regimes", the descriptions of SCTLR_ELx, TCR_ELx, HCR_EL2 and
 * VTCR_EL2, and "ASID and VMID".
 */
#include "view.h"

#include <glib.h>
#include <string.h>

#include "armillary/engine.h"
#include "armillary/port.h"
#include "model.h"

#define HCR(f) A64_HCR_EL2_##f
#define BIT(n) (UINT64_C(1) << (n))
#define BITS(from, n) (((UINT64_C(1) << (n)) - 1) << (from))
/* T0SZ EPD0 SH0 TG0; T1SZ EPD1 SH1 TG1; IPS TBI HA HD HPD TBID E0PD DS */
#define TCR_LOW (BITS(0, 6) | BIT(7) | BITS(12, 2) | BITS(14, 2))
#define TCR_UP (BITS(16, 6) | BIT(23) | BITS(28, 2) | BITS(30, 2))
#define TCR_BOTH (BITS(32, 3) | BITS(37, 2) | BITS(39, 4) | BITS(51, 2) | BITS(55, 2) | BIT(59))
#define TCR_FIELDS (TCR_LOW | TCR_UP | TCR_BOTH)
/* T0SZ SL0 SH0 TG0 PS HA HD DS SL2 */
#define VTCR_FIELDS (BITS(0, 8) | BITS(12, 4) | BITS(16, 3) | BITS(21, 2) | BITS(32, 2))
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
}

/* HCR_EL2.{NV,NV1} = {1,1}: EL1 uses its tables as EL2 would. */
static bool nv1_applies(const A64Cpu *cpu, uint64_t hcr)
{
    return cpu->mmu->caps.nv && (hcr & HCR(NV)) && (hcr & HCR(NV1));
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
    }
    r->regime = which;
    r->tcr &= TCR_FIELDS;
    if (!(r->flags & A64_VF_S1)) {
        r->mair = 0;
        r->tcr &= TCR_TBI_FIELDS;
        r->flags &= ~(uint32_t)(A64_VF_WXN | A64_VF_EPAN | A64_VF_EE | A64_VF_C | A64_VF_NV1);
    }
}

static uint32_t regs_hash(const A64ViewRegs *r)
{
    uint64_t h = r->tcr * UINT64_C(0x9e3779b97f4a7c15) ^ r->mair * UINT64_C(0xc2b2ae3d27d4eb4f) ^
                 r->vtcr * UINT64_C(0x165667b19e3779f9) ^ ((uint64_t)r->flags << 8 | r->regime);

    return (uint32_t)((h ^ h >> 29 ^ h >> 51) % (2 * A64_DIGESTS));
}

static bool same_regs(const A64ViewRegs *a, const A64ViewRegs *b)
{
    return a->regime == b->regime && a->flags == b->flags && a->tcr == b->tcr &&
           a->mair == b->mair && a->vtcr == b->vtcr;
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

static void refresh(A64Cpu *cpu, unsigned which)
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
        refresh(cpu, regime);
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
    if (el == 0 || (view == IR_VIEW_UNPRIV && unprivileged(cpu))) {
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
        refresh(cpu, regime);
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

static bool io_load(void *ctx, Pa at, uint64_t *desc)
{
    A64Cpu *cpu = ctx;

    return mem_load64(cpu->ports->mem, at, desc);
}

static bool io_cas(void *ctx, Pa at, uint64_t expected, uint64_t desired, uint64_t *seen)
{
    A64Cpu *cpu = ctx;

    return mem_cas64(cpu->ports->mem, at, expected, desired, seen);
}

static bool io_s2_get(void *ctx, const A64View *v, Ipa ipa, EngXlat *out)
{
    A64Cpu *cpu = ctx;

    if (!cpu->mmu->fresh[A64_STAGE2_DIGEST]) {
        refresh(cpu, A64_STAGE2_DIGEST);
    }
    return eng_tlb_stage2(&cpu->eng, v->vmid, cpu->mmu->digest[A64_STAGE2_DIGEST], ipa, out);
}

static void io_s2_put(void *ctx, const A64View *v, Ipa ipa, const EngXlat *x)
{
    A64Cpu *cpu = ctx;

    eng_tlb_stage2_fill(&cpu->eng, v->vmid, cpu->mmu->digest[A64_STAGE2_DIGEST], ipa, x);
}

A64WalkIo a64_walk_io(A64Cpu *cpu)
{
    bool cached = cpu->eng.tlb;

    return (A64WalkIo){ .ctx = cpu,
                        .load = io_load,
                        .cas = io_cas,
                        .s2_get = cached ? io_s2_get : NULL,
                        .s2_put = cached ? io_s2_put : NULL };
}
