/*
 * Interned trap profiles and translation modes. The table is bounded: a guest that cycles through
 * settings makes it start over, with new ids, so that blocks of old modes are never found again.
 */
#include "mode.h"

#include <glib.h>
#include <string.h>

#include "cpu.h"
#include "debug.h"
#include "pauth.h"
#include "pmu.h"
#include "step.h"
#include "sysreg.h"

enum { PROFILE_MAX = 1024, HASH_SIZE = 1024, VARIANTS = 2048, BREAKING_MAX = 512 };

struct A64Profile {
    uint64_t word[A64_PROFILE_WORDS];
    unsigned el;
    A64Profile *next;
    A64Mode *mode[VARIANTS]; /* by PSTATE.SP, IL, stepping, counting, SP check, PAC, BT, NEP,
                              * events, PACM, EXLOCK */
    A64Mode *breaking; /* list: with breakpoints */
};

struct A64Modes {
    const A64Model *model;
    const A64Mode *now;
    A64Profile *of_el[3]; /* current one of each EL; stale where EL's bit of profile_dirty is set */
    A64Profile *bucket[HASH_SIZE];
    unsigned n_profiles, n_breaking;
    uint32_t last_id;
    uint8_t trace;
};

A64Modes *a64_modes_new(const A64Model *model)
{
    A64Modes *m = g_new0(A64Modes, 1);
    m->model = model;
    return m;
}

static void free_variants(A64Profile *p)
{
    for (unsigned v = 0; v < VARIANTS; v++)
        g_free(p->mode[v]);
    for (A64Mode *mode = p->breaking, *next; mode; mode = next) {
        next = mode->next;
        g_free(mode);
    }
}

static void empty(A64Modes *m)
{
    for (unsigned b = 0; b < HASH_SIZE; b++) {
        while (m->bucket[b]) {
            A64Profile *p = m->bucket[b];
            m->bucket[b] = p->next;
            free_variants(p);
            g_free(p);
        }
    }
    m->n_profiles = m->n_breaking = 0;
    m->now = NULL;
    memset(m->of_el, 0, sizeof m->of_el);
}

void a64_modes_trace(A64Modes *m, unsigned points)
{
    if (m->trace != points)
        empty(m);
    m->trace = (uint8_t)points;
}

void a64_modes_free(A64Modes *m)
{
    if (m)
        empty(m);
    g_free(m);
}

static uint64_t hash_words(const uint64_t *word, unsigned el)
{
    uint64_t h = el;
    for (unsigned i = 0; i < A64_PROFILE_WORDS; i++)
        h = (h ^ word[i]) * UINT64_C(0x9e3779b97f4a7c15);
    return h >> 32;
}

static A64Profile *intern(A64Cpu *cpu, unsigned el)
{
    A64Modes *m = cpu->modes;
    uint64_t word[A64_PROFILE_WORDS];
    for (unsigned i = 0; i < A64_PROFILE_WORDS; i++) {
        unsigned slot = a64_profile_slots[i];
        uint64_t value = slot == A64_SR_HCR_EL2 ? a64_hcr(cpu) : cpu->st.sr[slot];
        word[i] = value & a64_profile_masks[el][i];
    }
    unsigned b = (unsigned)(hash_words(word, el) % HASH_SIZE);
    for (A64Profile *p = m->bucket[b]; p; p = p->next)
        if (p->el == el && memcmp(p->word, word, sizeof word) == 0)
            return p;
    if (m->n_profiles == PROFILE_MAX)
        empty(m);
    A64Profile *p = g_new0(A64Profile, 1);
    memcpy(p->word, word, sizeof word);
    p->el = el;
    p->next = m->bucket[b];
    m->bucket[b] = p;
    m->n_profiles++;
    return p;
}

/* Where FP and SIMD instructions trap to: the rules of the FPSR row. */
static void set_fp_trap(A64Mode *mode)
{
    static const A64SysAccess fpsr = {.key = A64_SYS_KEY(3, 3, 4, 4, 1)};
    A64Decision d = a64_sysreg_decide(mode, &fpsr);
    mode->fp_trap = d.kind == A64_ACC_TRAP ? d.el : 0;
    mode->fp_rule = d.rule;
}

/* Is the guarded control stack on? GCSSS1 does nothing else where it is not. */
static bool has_gcs(const A64Mode *mode)
{
    static const A64SysAccess gcsss1 = {.key = A64_SYS_KEY(1, 3, 7, 7, 2), .write = true};
    return a64_sysreg_decide(mode, &gcsss1).kind == A64_ACC_SELF;
}

static A64Mode *make_mode(A64Modes *m, A64Profile *p, unsigned variant)
{
    A64Mode *mode = g_new0(A64Mode, 1);
    *mode = (A64Mode){
        .id = ++m->last_id,
        .el = (uint8_t)p->el,
        .sp = variant & 1,
        .il = variant & 2,
        .single_step = variant & 4,
        .counting = variant & 8,
        .sp_check = variant & 16,
        .pac = variant & 32,
        .bt = variant & 64,
        .nep = variant & 128,
        .events = variant & 256,
        .pacm = variant & 512,
        .exlock = variant & 1024,
        .trace = m->trace,
        .variant = (uint16_t)variant,
        .profile = p,
        .model = m->model,
    };
    set_fp_trap(mode);
    mode->gcs = has_gcs(mode);
    return mode;
}

static A64Mode *breaking_mode(A64Modes *m, A64Profile *p, unsigned variant, const A64Breaks *b)
{
    for (A64Mode *mode = p->breaking; mode; mode = mode->next)
        if (mode->variant == variant && memcmp(&mode->breaks, b, sizeof *b) == 0)
            return mode;
    A64Mode *mode = make_mode(m, p, variant);
    mode->breaking = true;
    mode->breaks = *b;
    mode->next = p->breaking;
    p->breaking = mode;
    m->n_breaking++;
    return mode;
}

/* SCTLR_ELx of the EL's regime. */
static uint64_t own_sctlr(const A64Cpu *cpu)
{
    const uint64_t *sr = cpu->st.sr;
    unsigned el = cpu->st.pstate.el;
    return el == 2 || (el == 0 && a64_in_host(cpu)) ? sr[A64_SR_SCTLR_EL2] : sr[A64_SR_SCTLR_EL1];
}

static bool checks_sp(const A64Cpu *cpu)
{
    return own_sctlr(cpu) & (cpu->st.pstate.el == 0 ? A64_SCTLR_EL1_SA0 : A64_SCTLR_EL1_SA);
}

static bool keeps_elements(const A64Cpu *cpu)
{
    return cpu->st.fpcr & FP_CR_NEP;
}

static bool narrows_landings(const A64Cpu *cpu)
{
    return own_sctlr(cpu) & (cpu->st.pstate.el == 0 ? A64_SCTLR_EL1_BT0 : A64_SCTLR_EL1_BT1);
}

void a64_mode_select(A64Cpu *cpu)
{
    A64Modes *m = cpu->modes;
    unsigned el = cpu->st.pstate.el;
    A64Breaks breaks;
    if (ARM_UNLIKELY(m->n_breaking == BREAKING_MAX))
        empty(m);
    if (ARM_UNLIKELY(cpu->profile_dirty >> el & 1 || !m->of_el[el])) {
        m->of_el[el] = intern(cpu, el);
        cpu->profile_dirty &= ~(1u << el);
    }
    A64Profile *p = m->of_el[el];
    unsigned variant = (unsigned)(cpu->st.pstate.sp | cpu->st.pstate.il << 1 |
                                  a64_step_active(cpu) << 2 | cpu->eng.counting << 3 |
                                  checks_sp(cpu) << 4 | a64_pac_enabled(cpu) << 5 |
                                  narrows_landings(cpu) << 6 | keeps_elements(cpu) << 7 |
                                  a64_pmu_by_blocks(cpu) << 8 | cpu->st.pstate.pacm << 9 |
                                  (cpu->st.pstate.exlock && el) << 10);
    if (ARM_UNLIKELY(!p->mode[variant]))
        p->mode[variant] = make_mode(m, p, variant);
    m->now = p->mode[variant];
    bool events = cpu->st.sr[A64_SR_MDSCR_EL1] & A64_MDSCR_EL1_MDE;
    if (ARM_UNLIKELY(events) && a64_breaks(cpu, &breaks))
        m->now = breaking_mode(m, p, variant, &breaks);
    if (ARM_UNLIKELY(events || cpu->n_watched))
        a64_watch_select(cpu);
    cpu->eng.mode = m->now->id;
}

void a64_mode_forget(A64Cpu *cpu)
{
    cpu->profile_dirty = 7;
}

const void *a64_mode_current(EngVcpu *eng)
{
    A64Cpu *cpu = a64_cpu(eng);
    return cpu->modes->now;
}

uint64_t a64_profile_word(const A64Profile *p, unsigned i)
{
    return p ? p->word[i] : 0;
}
