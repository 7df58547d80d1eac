/*
 * CPU models: ID registers against the manual's field values, options, errors. Arm ARM, "ID
 * registers" (D24.2), fields as in their descriptions.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "model.h"

static uint64_t field(const A64Model *m, unsigned slot, unsigned lsb)
{
    return m->reset[slot] >> lsb & 15;
}

static void id_registers(void **state)
{
    A64Model *m = a64_model_new("max", NULL);
    assert_non_null(m);
    /* PFR0: AArch64 only at EL0..EL2, GIC system registers */
    assert_int_equal(m->reset[A64_SR_ID_AA64PFR0_EL1] & 0xf000fff, 0x1000111);
    assert_int_equal(field(m, A64_SR_ID_AA64PFR0_EL1, 12), 0); /* EL3: firmware is not modelled */
    assert_int_equal(field(m, A64_SR_ID_AA64ISAR0_EL1, 20), 3); /* Atomic: LSE128 */
    assert_int_equal(field(m, A64_SR_ID_AA64ISAR0_EL1, 4), 2);  /* AES with PMULL */
    assert_int_equal(field(m, A64_SR_ID_AA64ISAR0_EL1, 16), 1); /* CRC32 */
    assert_int_equal(field(m, A64_SR_ID_AA64MMFR1_EL1, 8), 1);  /* VH */
    assert_true(field(m, A64_SR_ID_AA64MMFR1_EL1, 20) >= 2);    /* PAN: with ATS1E1 */
    assert_int_equal(field(m, A64_SR_ID_AA64MMFR1_EL1, 4), 2);  /* VMIDBits: 16 */
    assert_int_equal(field(m, A64_SR_ID_AA64MMFR0_EL1, 4), 2);  /* ASIDBits: 16 */
    assert_int_equal(field(m, A64_SR_ID_AA64MMFR0_EL1, 0), 6);  /* PARange: 52 bits (LPA) */
    assert_int_equal(field(m, A64_SR_ID_AA64MMFR0_EL1, 28) & 8, 0); /* TGran4 supported */
    assert_true(field(m, A64_SR_ID_AA64MMFR0_EL1, 20) >= 1);        /* TGran16 */
    assert_int_equal(field(m, A64_SR_ID_AA64MMFR0_EL1, 24), 0);     /* TGran64 supported */
    assert_int_equal(field(m, A64_SR_ID_AA64DFR0_EL1, 12), 5);      /* BRPs - 1 */
    assert_int_equal(field(m, A64_SR_ID_AA64DFR0_EL1, 8), 9);       /* PMUVer: PMUv3p9 */
    assert_int_equal(field(m, A64_SR_ID_AA64PFR0_EL1, 28), 3);      /* RAS: RASv2 */
    assert_int_equal(field(m, A64_SR_ID_AA64DFR0_EL1, 0), 11);      /* DebugVer: v8.9 */
    assert_int_equal(field(m, A64_SR_ID_AA64MMFR2_EL1, 12), 1);     /* IESB */
    assert_int_equal(m->reset[A64_SR_ID_PFR0_EL1], 0);
    a64_model_free(m);
}

static void without_el2(void **state)
{
    A64Model *m = a64_model_new("max,el2=off", NULL);
    assert_non_null(m);
    assert_int_equal(field(m, A64_SR_ID_AA64PFR0_EL1, 8), 0);
    assert_int_equal(field(m, A64_SR_ID_AA64MMFR1_EL1, 8), 0); /* VHE needs EL2 */
    a64_model_free(m);
}

static void options(void **state)
{
    A64Model *m = a64_model_new("MAX,FEAT_AES=off", NULL);
    assert_non_null(m);
    assert_int_equal(field(m, A64_SR_ID_AA64ISAR0_EL1, 4), 0); /* PMULL went with AES */
    a64_model_free(m);
    m = a64_model_new("max,pmull=off", NULL);
    assert_int_equal(field(m, A64_SR_ID_AA64ISAR0_EL1, 4), 1);
    a64_model_free(m);
    m = a64_model_new("max,fp=off", NULL);
    assert_int_equal(field(m, A64_SR_ID_AA64PFR0_EL1, 16), 15);
    assert_int_equal(field(m, A64_SR_ID_AA64PFR0_EL1, 20), 15);
    a64_model_free(m);
}

/* Without FEAT_E2H0 EL2 is a host for good. */
static void without_e2h0(void **state)
{
    A64Model *m = a64_model_new("max,e2h0=off", NULL);
    assert_non_null(m);
    assert_int_equal(field(m, A64_SR_ID_AA64MMFR4_EL1, 24), 15);
    assert_int_equal(field(m, A64_SR_ID_AA64MMFR1_EL1, 8), 1); /* VH */
    assert_int_equal(m->res1[A64_SR_HCR_EL2] >> 34 & 1, 1);
    assert_int_equal(m->reset[A64_SR_HCR_EL2] >> 34 & 1, 1);
    a64_model_free(m);
    m = a64_model_new("max,vhe=off", NULL);
    assert_int_equal(field(m, A64_SR_ID_AA64MMFR4_EL1, 24), 0);
    assert_int_equal(m->reset[A64_SR_HCR_EL2] >> 34 & 1, 0);
    a64_model_free(m);
}

static void refused(const char *text, const char *part)
{
    GError *error = NULL;
    assert_null(a64_model_new(text, &error));
    assert_non_null(error);
    assert_non_null(strstr(error->message, part));
    g_clear_error(&error);
}

static void errors(void **state)
{
    refused("cortex-a999", "unknown CPU 'cortex-a999'");
    refused("v8.5", "did you mean 'v8.");
    refused("v8.8-nv2onli", "did you mean 'v8.8-nv2only'");
    refused("max,nv1=off", "'E2H0' and 'NV' together need 'NV1'");
    refused("v8.0,nv2=on", "'NV2' needs 'NV'");
    refused("", "unknown CPU ''");
    refused("max,lsee=off", "did you mean 'LSE'");
    refused("max,lse", "say lse=on or lse=off");
    refused("max,lse=maybe", "say lse=on or lse=off");
    refused("max,sve=on", "'sve' is not implemented");
    refused("max,vhe=off,e2h0=on", "'E2H0' needs 'VHE'");
}

/* The frozen models. Expected: ID_AA64MMFR1_EL1.VH, ID_AA64MMFR2_EL1.NV, ID_AA64MMFR4_EL1.{E2H0,NV_frac} and FGT as their text in
 * features.tbl says, by the values in the manual. */
static void profiles(void **state)
{
    static const struct {
        const char *name;
        unsigned vh, nv, e2h0, frac, fgt, atomic, vmid;
    } want[] = {
        { "v8.0", 0, 0, 0, 0, 0, 0, 0 },          { "v8.2", 1, 0, 0, 0, 0, 2, 2 },
        { "v8.4", 1, 2, 0, 0, 0, 2, 2 },          { "v8.8", 1, 2, 0, 0, 1, 2, 2 },
        { "v8.8-nv2only", 1, 0, 0, 1, 1, 2, 2 },  { "v8.8-no-e2h0", 1, 2, 14, 0, 1, 2, 2 },
        { "v9.4", 1, 2, 0, 0, 2, 3, 2 },          { "v8.4,nv=off", 1, 0, 0, 0, 0, 2, 2 },
        { "v8.4,e2h0=off", 1, 2, 15, 0, 0, 2, 2 },
    };
    for (unsigned i = 0; i < sizeof want / sizeof want[0]; i++) {
        A64Model *m = a64_model_new(want[i].name, NULL);
        assert_non_null(m);
        assert_int_equal(field(m, A64_SR_ID_AA64MMFR1_EL1, 8), want[i].vh);
        assert_int_equal(field(m, A64_SR_ID_AA64MMFR1_EL1, 4), want[i].vmid);
        assert_int_equal(field(m, A64_SR_ID_AA64MMFR2_EL1, 24), want[i].nv);
        assert_int_equal(field(m, A64_SR_ID_AA64MMFR4_EL1, 24), want[i].e2h0);
        assert_int_equal(field(m, A64_SR_ID_AA64MMFR4_EL1, 20), want[i].frac);
        assert_int_equal(field(m, A64_SR_ID_AA64MMFR0_EL1, 56), want[i].fgt);
        assert_int_equal(field(m, A64_SR_ID_AA64ISAR0_EL1, 20), want[i].atomic);
        assert_int_equal(m->res0[A64_SR_HCR_EL2] >> 43 & 1, want[i].e2h0 == 14 || !(want[i].nv + want[i].frac));
        assert_int_equal(m->nv2_implied, want[i].frac ? UINT64_C(1) << 45 : 0);
        a64_model_free(m);
    }
}

/* Bits of features that are not announced read 0, and 1 where the manual says RES1. */
static void masks(void **state)
{
    A64Model *m = a64_model_new("max", NULL);
    assert_int_equal(m->res0[A64_SR_HCR_EL2] >> 56 & 7, 7);      /* TID5, DCT, ATA: MTE */
    assert_int_equal(m->res0[A64_SR_HCR_EL2] >> 34 & 1, 0);      /* E2H is there */
    assert_int_equal(m->res1[A64_SR_HCR_EL2], UINT64_C(1) << 31); /* RW: no AArch32 */
    assert_int_equal(m->res1[A64_SR_SCTLR_EL1] >> 28 & 3, 3);    /* nTLSMD, LSMAOE */
    assert_int_equal(m->reset[A64_SR_VMPIDR_EL2], UINT64_C(1) << 31);
    a64_model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(id_registers), cmocka_unit_test(without_el2), cmocka_unit_test(options), cmocka_unit_test(without_e2h0),
        cmocka_unit_test(errors), cmocka_unit_test(masks),
        cmocka_unit_test(profiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
