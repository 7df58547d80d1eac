/*
 * CPU models: which features one announces, and the ID registers and register masks that follow.
 * Arm ARM, "Feature descriptions" and "ID registers"; the facts are in tables/features.tbl.
 */
#pragma once

#include <glib.h>

#include "armillary/types.h"
#include "a64-features.h"
#include "a64-sysregs.h"

/* Generated rows. */
typedef struct {
    A64Feature feature, needs;
} A64FeatureNeed;

typedef struct {
    A64Feature feature; /* A64_FEAT_COUNT: whatever is announced */
    uint16_t slot;
    uint8_t lsb, width;
    uint8_t value;
} A64FeatureId;

typedef struct {
    const char *name, *version, *about;
    const A64Feature *features;
    unsigned n;
} A64CpuRow;

extern const char *const a64_feature_names[A64_FEAT_COUNT];
extern const A64FeatureNeed a64_feature_needs[];
extern const unsigned a64_n_feature_needs;
extern const A64FeatureId a64_feature_ids[];
extern const unsigned a64_n_feature_ids;
extern const A64CpuRow a64_cpu_rows[];
extern const unsigned a64_n_cpu_rows;

/* A CPU model. Read-only once made; shared by all vCPUs of a machine. */
typedef struct A64Model {
    uint64_t features[(A64_FEAT_COUNT + 63) / 64];
    uint64_t reset[A64_SR_COUNT]; /* value after reset; for an ID register its only value */
    uint64_t res0[A64_SR_COUNT];  /* bits that read 0, by the fields that are not announced */
    uint64_t res1[A64_SR_COUNT];  /* bits that read 1 */
    uint64_t nv2_implied;         /* HCR_EL2.NV2 where HCR_EL2.NV implies it, else 0 */
} A64Model;

static inline bool a64_has(const A64Model *m, A64Feature f)
{
    return m->features[f / 64] >> (f % 64) & 1;
}

/*
 * Makes a model from a `--cpu` text: NAME[,feature=on|off...], e.g. "max,el2=off". NAME is a row of
 * a64_cpu_rows; names of features are those of the manual without FEAT_, in any case. NULL and a
 * sentence in *error when the text names something unknown or leaves out what an announced feature
 * needs. Free with a64_model_free.
 */
A64Model *a64_model_new(const char *cpu, GError **error);
/* The model that announces exactly these, implemented or not: for tests of the tables. */
A64Model *a64_model_of(const A64Feature *features, unsigned n);
void a64_model_free(A64Model *m);
