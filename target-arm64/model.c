/* CPU models from text. Arm ARM, "ID registers"; facts from tables/features.tbl. */
#include "model.h"

#include <string.h>

#include "sysreg.h"

static GQuark error_quark(void)
{
    return g_quark_from_static_string("a64-model");
}

static void announce(A64Model *m, A64Feature f, bool on)
{
    uint64_t bit = UINT64_C(1) << (f % 64);
    m->features[f / 64] = on ? m->features[f / 64] | bit : m->features[f / 64] & ~bit;
}

/* Edit distance of two short names, letters in any case. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[64];
    size_t n = MIN(strlen(b), 62);
    for (size_t j = 0; j <= n; j++)
        row[j] = (unsigned)j;
    for (; *a; a++) {
        unsigned diagonal = row[0]++;
        for (size_t j = 1; j <= n; j++) {
            unsigned change = diagonal + (g_ascii_tolower(*a) != g_ascii_tolower(b[j - 1]));
            diagonal = row[j];
            row[j] = MIN(MIN(row[j], row[j - 1]) + 1, change);
        }
    }
    return row[n];
}

static const char *nearest_feature(const char *name)
{
    const char *best = a64_feature_names[0];
    for (unsigned f = 1; f < A64_FEAT_COUNT; f++)
        if (distance(name, a64_feature_names[f]) < distance(name, best))
            best = a64_feature_names[f];
    return best;
}

static bool find_feature(const char *name, A64Feature *out, GError **error)
{
    const char *bare = g_ascii_strncasecmp(name, "feat_", 5) == 0 ? name + 5 : name;
    for (unsigned f = 0; f < A64_FEAT_COUNT; f++) {
        if (g_ascii_strcasecmp(bare, a64_feature_names[f]) == 0) {
            *out = (A64Feature)f;
            return true;
        }
    }
    g_set_error(error, error_quark(), 0, "unknown CPU feature '%s'; did you mean '%s'?", name,
                nearest_feature(bare));
    return false;
}

/* What must go when f goes: everything that needs it, over and over. */
static void withdraw(A64Model *m, A64Feature f)
{
    announce(m, f, false);
    for (unsigned i = 0; i < a64_n_feature_needs; i++)
        if (a64_feature_needs[i].needs == f && a64_has(m, a64_feature_needs[i].feature))
            withdraw(m, a64_feature_needs[i].feature);
}

/* Algorithms of pointer authentication: models have the first, and may be asked for another. */
static const A64Feature pac_algorithms[] = {A64_FEAT_PACIMP, A64_FEAT_PACQARMA5,
                                            A64_FEAT_PACQARMA3};

static bool is_pac_algorithm(A64Feature f)
{
    return f == pac_algorithms[0] || f == pac_algorithms[1] || f == pac_algorithms[2];
}

static bool in_row(const A64CpuRow *row, A64Feature f)
{
    for (unsigned i = 0; i < row->n; i++)
        if (row->features[i] == f)
            return true;
    return false;
}

/* Whole, but of a later version of the architecture than any model is: there on request. */
static const A64Feature later[] = {A64_FEAT_LSE128, A64_FEAT_FAMINMAX, A64_FEAT_LUT,
                                   A64_FEAT_PCDPHINT};

/* What any model has is implemented, and can be switched on in each. */
static bool implemented(A64Feature f)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(later); i++)
        if (later[i] == f)
            return true;
    for (unsigned i = 0; i < a64_n_cpu_rows; i++)
        if (in_row(&a64_cpu_rows[i], f))
            return true;
    return is_pac_algorithm(f);
}

/* One `name=on|off`. Off withdraws what needs it; on asks for what it needs to be there. */
static bool apply_option(A64Model *m, const char *item, GError **error)
{
    g_auto(GStrv) part = g_strsplit(item, "=", 2);
    A64Feature f;
    if (!find_feature(part[0], &f, error))
        return false;
    if (!part[1] || (strcmp(part[1], "on") != 0 && strcmp(part[1], "off") != 0)) {
        g_set_error(error, error_quark(), 0, "CPU feature '%s': say %s=on or %s=off", part[0],
                    part[0], part[0]);
        return false;
    }
    if (strcmp(part[1], "off") == 0) {
        withdraw(m, f);
        return true;
    }
    if (!implemented(f)) {
        g_set_error(error, error_quark(), 0, "CPU feature '%s' is not implemented", part[0]);
        return false;
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(pac_algorithms) && is_pac_algorithm(f); i++)
        announce(m, pac_algorithms[i], false);
    announce(m, f, true);
    return true;
}

static bool check_needs(const A64Model *m, GError **error)
{
    for (unsigned i = 0; i < a64_n_feature_needs; i++) {
        const A64FeatureNeed *n = &a64_feature_needs[i];
        if (a64_has(m, n->feature) && !a64_has(m, n->needs)) {
            g_set_error(error, error_quark(), 0, "CPU feature '%s' needs '%s'",
                        a64_feature_names[n->feature], a64_feature_names[n->needs]);
            return false;
        }
    }
    if (a64_has(m, A64_FEAT_E2H0) && a64_has(m, A64_FEAT_NV) && !a64_has(m, A64_FEAT_NV1)) {
        g_set_error(error, error_quark(), 0, "CPU features 'E2H0' and 'NV' together need 'NV1'");
        return false;
    }
    return true;
}

static void fill_ids(A64Model *m)
{
    for (unsigned i = 0; i < a64_n_feature_ids; i++) {
        const A64FeatureId *id = &a64_feature_ids[i];
        if (id->feature != A64_FEAT_COUNT && !a64_has(m, id->feature))
            continue;
        uint64_t mask = ((UINT64_C(1) << id->width) - 1) << id->lsb;
        m->reset[id->slot] = (m->reset[id->slot] & ~mask) | (uint64_t)id->value << id->lsb;
    }
}

/* What a pointer authentication can do stands in the field of its algorithm. The table says it of
 * APA, QARMA5's. */
static void move_pac_level(A64Model *m)
{
    uint64_t *isar1 = &m->reset[A64_SR_ID_AA64ISAR1_EL1];
    uint64_t *isar2 = &m->reset[A64_SR_ID_AA64ISAR2_EL1];
    uint64_t level = *isar1 >> 4 & 15;
    if (!a64_has(m, A64_FEAT_PAuth) || a64_has(m, A64_FEAT_PACQARMA5))
        return;
    *isar1 &= ~UINT64_C(0xf0);
    level = level ? level : 1;
    if (a64_has(m, A64_FEAT_PACQARMA3))
        *isar2 = (*isar2 & ~UINT64_C(0xf000)) | level << 12;
    else
        *isar1 = (*isar1 & ~UINT64_C(0xf00)) | level << 8;
}

static void fill_masks(A64Model *m)
{
    for (unsigned i = 0; i < a64_n_fixed_bits; i++) {
        const A64FixedBits *f = &a64_fixed_bits[i];
        if (f->feature != A64_FEAT_COUNT && a64_has(m, (A64Feature)f->feature))
            continue;
        *(f->one ? &m->res1[f->slot] : &m->res0[f->slot]) |= f->mask;
    }
    for (unsigned i = 0; i < a64_n_reset_rows; i++)
        m->reset[a64_reset_rows[i].slot] =
            a64_reset_rows[i].value & ~m->res0[a64_reset_rows[i].slot];
    for (unsigned i = 0; i < A64_SR_COUNT; i++)
        m->reset[i] |= m->res1[i];
}

/* VHE without FEAT_E2H0: EL2 is a host for good, and the ID field is a negative number, which says
 * too whether HCR_EL2.NV1 is RES0. Source: Arm ARM, ID_AA64MMFR4_EL1.E2H0. */
static void fix_e2h(A64Model *m)
{
    if (a64_has(m, A64_FEAT_E2H0) || !a64_has(m, A64_FEAT_VHE))
        return;
    bool no_nv1 = a64_has(m, A64_FEAT_NV) && !a64_has(m, A64_FEAT_NV1);
    uint64_t value = no_nv1 ? 0xe : 0xf;
    m->reset[A64_SR_ID_AA64MMFR4_EL1] |= value << A64_ID_AA64MMFR4_EL1_E2H0_SHIFT;
    m->res1[A64_SR_HCR_EL2] |= A64_HCR_EL2_E2H;
    m->reset[A64_SR_HCR_EL2] |= A64_HCR_EL2_E2H;
}

/* NV2_ONLY is told by ID_AA64MMFR4_EL1.NV_frac alone. Source: Arm ARM, ID_AA64MMFR2_EL1.NV. */
static void fix_nv(A64Model *m)
{
    if (!a64_has(m, A64_FEAT_NV2_ONLY))
        return;
    m->reset[A64_SR_ID_AA64MMFR2_EL1] &= ~(UINT64_C(0xf) << A64_ID_AA64MMFR2_EL1_NV_SHIFT);
    m->nv2_implied = A64_HCR_EL2_NV2;
}

static const A64CpuRow *find_cpu(const char *name, GError **error)
{
    const A64CpuRow *nearest = a64_cpu_rows;
    for (unsigned i = 0; i < a64_n_cpu_rows; i++) {
        const A64CpuRow *row = &a64_cpu_rows[i];
        if (g_ascii_strcasecmp(name, row->name) == 0)
            return row;
        if (distance(name, row->name) < distance(name, nearest->name))
            nearest = row;
    }
    g_set_error(error, error_quark(), 0,
                "unknown CPU '%s'; did you mean '%s'? 'armillary info cpu' lists them", name,
                nearest->name);
    return NULL;
}

/* What follows from the features. */
static void fill(A64Model *m)
{
    fill_masks(m);
    fill_ids(m);
    fix_e2h(m);
    fix_nv(m);
    move_pac_level(m);
}

A64Model *a64_model_new(const char *cpu, GError **error)
{
    g_auto(GStrv) items = g_strsplit(cpu, ",", -1);
    const A64CpuRow *row = find_cpu(items[0] ? items[0] : "", error);
    if (!row)
        return NULL;
    A64Model *m = g_new0(A64Model, 1);
    for (unsigned i = 0; i < row->n; i++)
        announce(m, row->features[i], true);
    bool ok = true;
    for (unsigned i = 1; ok && items[i]; i++)
        ok = apply_option(m, items[i], error);
    if (!ok || !check_needs(m, error)) {
        a64_model_free(m);
        return NULL;
    }
    fill(m);
    return m;
}

A64Model *a64_model_of(const A64Feature *features, unsigned n)
{
    A64Model *m = g_new0(A64Model, 1);
    for (unsigned i = 0; i < n; i++)
        announce(m, features[i], true);
    fill(m);
    return m;
}

void a64_model_free(A64Model *m)
{
    g_free(m);
}
