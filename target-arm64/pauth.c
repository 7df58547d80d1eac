/*
 * Pointer authentication codes: where they stand in a pointer, and what they are. The code is a
 * keyed mix of our own (or QARMA's), 64 bits of which as many are used as the pointer has room for.
 * Arm ARM, "Pointer authentication", and the pseudocode of AddPAC, Auth and Strip.
 */
#include "pauth.h"

#include "cpu.h"
#include "helpers.h"
#include "model.h"
#include "qarma.h"

/* Size of the field, within what the granule and FEAT_TTST, FEAT_LVA, FEAT_LPA2 allow. */
static unsigned clamp_tsz(const A64Cpu *cpu, unsigned tsz, bool granule64)
{
    bool small = a64_has(cpu->model, A64_FEAT_TTST);
    bool large = granule64 ? a64_has(cpu->model, A64_FEAT_LVA) : a64_has(cpu->model, A64_FEAT_LPA2);
    unsigned max = small ? 48 - granule64 : 39, min = large ? 12 : 16;
    return tsz > max ? max : tsz < min ? min : tsz;
}

/* Bits high..low of ones. */
static uint64_t span(unsigned high, unsigned low)
{
    return (UINT64_MAX >> (63 - high)) & (UINT64_MAX << low);
}

static A64PacPlace place_of(unsigned tsz, bool tbi)
{
    unsigned bottom = 64 - tsz;
    return (A64PacPlace){.tbi = tbi,
                         .field = (bottom < 55 ? span(54, bottom) : 0) | (tbi ? 0 : span(63, 56)),
                         .extension = span(tbi ? 55 : 63, bottom < 55 ? bottom : 55)};
}

static void lay_out(A64PacLayout *l, const unsigned tsz[2], const bool tbi[2], const bool tbid[2])
{
    for (unsigned data = 0; data < 2; data++) {
        for (unsigned upper = 0; upper < 2; upper++)
            l->place[data][upper] = place_of(tsz[upper], tbi[upper] && (data || !tbid[upper]));
        l->tagged[data] = l->place[data][0].tbi || l->place[data][1].tbi;
    }
}

static void lay_out_two(const A64Cpu *cpu, A64PacLayout *l, uint64_t tcr)
{
    enum { TG0_64K = 1, TG1_64K = 3 };
    lay_out(l,
            (const unsigned[2]){clamp_tsz(cpu, tcr & 63, (tcr >> 14 & 3) == TG0_64K),
                                clamp_tsz(cpu, tcr >> 16 & 63, (tcr >> 30 & 3) == TG1_64K)},
            (const bool[2]){tcr & A64_TCR_EL1_TBI0, tcr & A64_TCR_EL1_TBI1},
            (const bool[2]){tcr & A64_TCR_EL1_TBID0, tcr & A64_TCR_EL1_TBID1});
}

static void lay_out_one(const A64Cpu *cpu, A64PacLayout *l, uint64_t tcr)
{
    unsigned tsz = clamp_tsz(cpu, tcr & 63, (tcr >> 14 & 3) == 1);
    bool tbi = tcr & A64_TCR_EL2_TBI, tbid = tcr & A64_TCR_EL2_TBID;
    lay_out(l, (const unsigned[2]){tsz, tsz}, (const bool[2]){tbi, tbi},
            (const bool[2]){tbid, tbid});
}

/* The layout of the current regime, made anew when its TCR has changed. */
static const A64PacLayout *layout_of(A64Cpu *cpu)
{
    unsigned el = cpu->st.pstate.el;
    bool host = el == 2 ? a64_hcr(cpu) & A64_HCR_EL2_E2H : el == 0 && a64_in_host(cpu);
    bool two_ranges = host || el < 2, el2 = host || el == 2;
    uint64_t tcr = cpu->st.sr[el2 ? A64_SR_TCR_EL2 : A64_SR_TCR_EL1];
    A64PacLayout *l = &cpu->pac_layouts[el2];
    if (ARM_LIKELY(l->known && l->tcr == tcr && l->two_ranges == two_ranges))
        return l;
    *l = (A64PacLayout){.known = true, .tcr = tcr, .two_ranges = two_ranges};
    (two_ranges ? lay_out_two : lay_out_one)(cpu, l, tcr);
    return l;
}

uint64_t a64_branch_address(A64Cpu *cpu, uint64_t va)
{
    const uint64_t tag = UINT64_C(0xff) << 56;
    const A64PacLayout *l = layout_of(cpu);
    bool high = va >> 55 & 1;
    if (!l->place[0][high].tbi)
        return va;
    return l->two_ranges && high ? va | tag : va & ~tag;
}

static bool is_data(A64PacKey key)
{
    return key >= A64_KEY_DA;
}

/* Finalizers in the manner of 64-bit hash functions: every input bit reaches every output bit. */
static uint64_t mix(uint64_t x)
{
    x ^= x >> 32;
    x *= UINT64_C(0xd6e8feb86659fd93);
    x ^= x >> 32;
    x *= UINT64_C(0xd6e8feb86659fd93);
    return x ^ x >> 32;
}

/* QARMA takes one tweak: half of it from each modifier. Source: Arm ARM, pseudocode of
 * ComputePAC2QARMA. */
static uint64_t tweak(const A64PacModifiers *m)
{
    return m->two ? m->second >> 5 << 32 | (m->first >> 4 & UINT32_MAX) : m->first;
}

static uint64_t code(const A64Cpu *cpu, uint64_t ptr, const A64PacModifiers *m, unsigned key_slot)
{
    uint64_t low = cpu->st.sr[key_slot], high = cpu->st.sr[key_slot + 1];
    const uint64_t key[2] = {high, low};
    if (a64_has(cpu->model, A64_FEAT_PACQARMA5))
        return a64_qarma5(ptr, tweak(m), key);
    if (a64_has(cpu->model, A64_FEAT_PACQARMA3))
        return a64_qarma3(ptr, tweak(m), key);
    uint64_t mixed = mix(mix(ptr ^ low) + (m->first ^ high));
    if (m->two)
        mixed = mix(mixed + (m->second ^ ~high));
    return mixed ^ low;
}

static unsigned key_slot(A64PacKey key)
{
    static const uint16_t slots[4] = {A64_SR_APIAKeyLo_EL1, A64_SR_APIBKeyLo_EL1,
                                      A64_SR_APDAKeyLo_EL1, A64_SR_APDBKeyLo_EL1};
    return slots[key];
}

/* The pointer with its extension bits (and bit 55) all equal to `upper`. */
static uint64_t extended(uint64_t ptr, const A64PacPlace *p, bool upper)
{
    return upper ? ptr | p->extension : ptr & ~p->extension;
}

static uint64_t sign(A64Cpu *cpu, uint64_t ptr, const A64PacModifiers *m, A64PacKey key)
{
    const A64PacLayout *l = layout_of(cpu);
    bool data = is_data(key), upper = ptr >> (l->tagged[data] ? 55 : 63) & 1;
    const A64PacPlace *p = &l->place[data][upper];
    if (!p->field)
        return ptr;
    uint64_t good = extended(ptr, p, upper), unused = p->field;
    uint64_t pac = code(cpu, good, m, key_slot(key));
    bool canonical = (ptr & unused) == 0 || (ptr & unused) == unused;
    bool enhanced = a64_has(cpu->model, A64_FEAT_PAuth2);
    if (!canonical && a64_has(cpu->model, A64_FEAT_EPAC) && !enhanced)
        pac = 0;
    else if (!canonical && !enhanced)
        pac ^= UINT64_C(1) << (p->tbi ? 54 : 62);
    uint64_t in_field = enhanced ? ptr ^ pac : pac;
    uint64_t bit55 = (uint64_t)upper << 55;
    return (in_field & p->field) | (ptr & ~p->field & ~(UINT64_C(1) << 55)) | bit55;
}

static uint64_t authenticate(A64Cpu *cpu, uint64_t ptr, const A64PacModifiers *m,
                             A64PacKey key, bool *ok)
{
    bool upper = ptr >> 55 & 1;
    const A64PacPlace *p = &layout_of(cpu)->place[is_data(key)][upper];
    if (!p->field)
        return ptr;
    uint64_t good = extended(ptr, p, upper);
    uint64_t pac = code(cpu, good, m, key_slot(key));
    if (a64_has(cpu->model, A64_FEAT_PAuth2)) {
        uint64_t result = ptr ^ (pac & p->field);
        *ok = (result & p->field) == (upper ? p->field : 0);
        return result;
    }
    *ok = ((pac ^ ptr) & p->field) == 0;
    if (*ok)
        return good;
    unsigned at = p->tbi ? 53 : 61; /* where the error code stands: key number, and its inverse */
    uint64_t error = key & 1 ? 2 : 1;
    return (good & ~(UINT64_C(3) << at)) | error << at;
}

static uint64_t strip(A64Cpu *cpu, uint64_t ptr, bool data)
{
    bool upper = ptr >> 55 & 1;
    const A64PacPlace *p = &layout_of(cpu)->place[data][upper];
    return p->field ? extended(ptr, p, upper) : ptr;
}

uint64_t a64_pac(A64Cpu *cpu, uint64_t ptr, const A64PacModifiers *modifiers, uint64_t what,
                 bool *ok)
{
    A64PacKey key = (A64PacKey)(what >> 4 & 3);
    *ok = true;
    switch ((A64PacWhat)(what & 15)) {
    case A64_PAC_SIGN:
        return sign(cpu, ptr, modifiers, key);
    case A64_PAC_AUTH:
        return authenticate(cpu, ptr, modifiers, key, ok);
    case A64_PAC_STRIP:
        break;
    }
    return strip(cpu, ptr, is_data(key));
}

static uint64_t sctlr_of(const A64Cpu *cpu)
{
    unsigned el = cpu->st.pstate.el;
    bool el2 = el == 2 || (el == 0 && a64_in_host(cpu));
    return cpu->st.sr[el2 ? A64_SR_SCTLR_EL2 : A64_SR_SCTLR_EL1];
}

static uint64_t enable_bit(A64PacKey key)
{
    static const uint64_t bits[4] = {A64_SCTLR_EL1_EnIA, A64_SCTLR_EL1_EnIB, A64_SCTLR_EL1_EnDA,
                                     A64_SCTLR_EL1_EnDB};
    return bits[key];
}

bool a64_pac_enabled(const A64Cpu *cpu)
{
    return sctlr_of(cpu) &
           (A64_SCTLR_EL1_EnIA | A64_SCTLR_EL1_EnIB | A64_SCTLR_EL1_EnDA | A64_SCTLR_EL1_EnDB);
}

/* HCR_EL2.API = 0 traps what an enabled key does below EL2. */
static bool is_trapped(A64Cpu *cpu)
{
    unsigned el = cpu->st.pstate.el;
    if (el == 2 || !a64_has(cpu->model, A64_FEAT_EL2) || a64_hcr(cpu) & A64_HCR_EL2_API)
        return false;
    if (el == 0 && a64_in_host(cpu))
        return false;
    a64_raise(cpu, &(A64Exception){.el = 2, .ec = A64_EC_PAUTH, .control = "HCR_EL2.API"});
    return true;
}

/* A failed authentication: FEAT_FPAC, FEAT_FPACCOMBINE. */
static void failed(A64Cpu *cpu, uint64_t what)
{
    A64Feature f = what >> 8 & 1 ? A64_FEAT_FPACCOMBINE : A64_FEAT_FPAC;
    if (a64_has(cpu->model, f))
        a64_raise(cpu, &(A64Exception){.ec = A64_EC_PAC_FAIL, .iss = what >> 4 & 3});
}

static uint64_t perform(A64Cpu *cpu, uint64_t ptr, const A64PacModifiers *m, uint64_t what)
{
    bool ok;
    if ((what & 15) != A64_PAC_STRIP) {
        if (!(sctlr_of(cpu) & enable_bit((A64PacKey)(what >> 4 & 3))))
            return ptr;
        if (is_trapped(cpu))
            return 0;
    }
    uint64_t result = a64_pac(cpu, ptr, m, what, &ok);
    if (!ok)
        failed(cpu, what);
    return result;
}

static uint64_t pac(void *env, uint64_t ptr, uint64_t modifier, uint64_t what)
{
    return perform(env, ptr, &(A64PacModifiers){.first = modifier}, what);
}

static uint64_t pac2(void *env, uint64_t first, uint64_t second, uint64_t what)
{
    A64Cpu *cpu = env;
    const A64PacModifiers m = {.first = first, .second = second, .two = true};
    return perform(cpu, cpu->st.x[what >> 16 & 31], &m, what);
}

static uint64_t pacga(void *env, uint64_t value, uint64_t modifier, uint64_t c)
{
    A64Cpu *cpu = env;
    if (is_trapped(cpu))
        return 0;
    const A64PacModifiers m = {.first = modifier};
    return code(cpu, value, &m, A64_SR_APGAKeyLo_EL1) & UINT64_C(0xffffffff00000000);
}

bool a64_pacm_enabled(const A64Cpu *cpu, unsigned el)
{
    const uint64_t *sr = cpu->st.sr, consent = A64_HCRX_EL2_SCTLR2En | A64_HCRX_EL2_PACMEn;
    bool guest = el == 1 || (el == 0 && !a64_in_host(cpu));
    if (el > 2 || !a64_has(cpu->model, A64_FEAT_PAuth_LR))
        return false;
    if (guest && a64_has(cpu->model, A64_FEAT_EL2) && ~sr[A64_SR_HCRX_EL2] & consent)
        return false;
    uint64_t sctlr2 = sr[guest ? A64_SR_SCTLR2_EL1 : A64_SR_SCTLR2_EL2];
    return sctlr2 & (el == 0 ? A64_SCTLR2_EL1_EnPACM0 : A64_SCTLR2_EL1_EnPACM);
}

/* The next instruction has a mode of its own. */
static uint64_t pacm(void *env, uint64_t a, uint64_t b, uint64_t c)
{
    A64Cpu *cpu = env;
    const A64Mode *mode = a64_mode_current(&cpu->eng);
    cpu->st.pstate.pacm = a64_pacm_enabled(cpu, cpu->st.pstate.el);
    if (cpu->st.pstate.pacm && !a64_mode_alone(mode)) {
        a64_mode_select(cpu);
        cpu->eng.pc = cpu->eng.insn_pc + 4;
        cpu->eng.leave = ENG_LEAVE_NEXT;
    }
    return 0;
}

const IrHelper a64_h_pac = {"pac", pac, 3, IR_H_READS | IR_H_RAISES};
const IrHelper a64_h_pac2 = {"pac2", pac2, 3, IR_H_READS | IR_H_RAISES};
const IrHelper a64_h_pacm = {"pacm", pacm, 0, IR_H_READS | IR_H_WRITES | IR_H_RAISES};
const IrHelper a64_h_pacga = {"pacga", pacga, 2, IR_H_READS | IR_H_RAISES};
