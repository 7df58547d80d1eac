/*
 * Floating point: the rules of the Arm ARM that differ from IEEE 754's defaults or are Arm's own,
 * one by one with values worked out by hand. Bulk checking is done by tests/fp/.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "armillary/fp-convert.h"
#include "armillary/fp.h"

enum {
    ONE_S = 0x3f800000,
    INF_S = 0x7f800000,
    QNAN_A = 0x7fc00aaa,
    QNAN_B = 0x7fc00bbb,
    SNAN_A = 0x7f800aaa,
    SNAN_B = 0x7f800bbb,
    DEFAULT_NAN_S = 0x7fc00000,
};

static const uint32_t ROUND_DOWN = FP_ROUND_NEGINF << FP_CR_RMODE_SHIFT;

static void signaling_nans_come_first(void **state)
{
    FpEnv env = {0};
    assert_int_equal(fp_add_s(QNAN_A, QNAN_B, &env), QNAN_A);
    assert_int_equal(env.fpsr, 0);
    assert_int_equal(fp_add_s(QNAN_A, SNAN_B, &env), QNAN_B);
    assert_int_equal(env.fpsr, FP_SR_IOC);
    assert_int_equal(fp_add_s(SNAN_A, SNAN_B, &env), QNAN_A);

    env = (FpEnv){.fpcr = FP_CR_DN};
    assert_int_equal(fp_add_s(ONE_S, QNAN_B, &env), DEFAULT_NAN_S);
    assert_int_equal(env.fpsr, 0);
}

static void muladd_prefers_the_addend_nan(void **state)
{
    FpEnv env = {0};
    assert_int_equal(fp_muladd_s(QNAN_A, QNAN_B, ONE_S, &env), QNAN_A);
    assert_int_equal(fp_muladd_s(QNAN_A, SNAN_B, ONE_S, &env), QNAN_B);
    assert_int_equal(env.fpsr, FP_SR_IOC);

    /* A quiet addend does not hide infinity by zero. */
    env.fpsr = 0;
    assert_int_equal(fp_muladd_s(QNAN_A, INF_S, 0, &env), DEFAULT_NAN_S);
    assert_int_equal(env.fpsr, FP_SR_IOC);
}

static void invalid_gives_the_positive_default_nan(void **state)
{
    FpEnv env = {0};
    assert_int_equal(fp_sub_s(INF_S, INF_S, &env), DEFAULT_NAN_S);
    assert_int_equal(fp_sqrt_d(UINT64_C(0xbff0000000000000), &env), UINT64_C(0x7ff8000000000000));
    assert_int_equal(env.fpsr, FP_SR_IOC);
    assert_int_equal(fp_mulx_s(INF_S | 0x80000000, 0, &env), 0xc0000000);
}

/* 2^-126 * (1 - 2^-24) * 1 rounds up to 2^-126, but was tiny before. */
static void tininess_is_detected_before_rounding(void **state)
{
    FpEnv env = {0};
    assert_int_equal(fp_mul_s(0x3f7fffff, 0x00800000, &env), 0x00800000);
    assert_int_equal(env.fpsr, FP_SR_UFC | FP_SR_IXC);

    /* An exact denormal raises nothing; flushed it raises UFC alone. */
    env = (FpEnv){0};
    assert_int_equal(fp_mul_s(0x3f000000, 0x00800000, &env), 0x00400000);
    assert_int_equal(env.fpsr, 0);
    env.fpcr = FP_CR_FZ;
    assert_int_equal(fp_mul_s(0xbf000000, 0x00800000, &env), 0x80000000);
    assert_int_equal(env.fpsr, FP_SR_UFC);
}

static void flushed_inputs_raise_idc_but_halves_do_not(void **state)
{
    FpEnv env = {.fpcr = FP_CR_FZ | FP_CR_FZ16};
    assert_int_equal(fp_add_s(ONE_S, 0x00000001, &env), ONE_S);
    assert_int_equal(env.fpsr, FP_SR_IDC);
    env.fpsr = 0;
    assert_int_equal(fp_add_h(0x3c00, 0x03ff, &env), 0x3c00);
    assert_int_equal(env.fpsr, 0);

    /* FZ is for single and double, FZ16 for half precision arithmetic, not for conversions. */
    env.fpcr = FP_CR_FZ16;
    assert_int_equal(fp_add_s(0x00000001, 0, &env), 0x00000001);
    assert_int_equal(fp_convert_hs(0x0001, &env), 0x33800000);
    assert_int_equal(env.fpsr, 0);
}

static void exact_zero_sums_follow_the_rounding_mode(void **state)
{
    FpEnv env = {0};
    assert_int_equal(fp_sub_s(ONE_S, ONE_S, &env), 0);
    env.fpcr = ROUND_DOWN;
    assert_int_equal(fp_sub_s(ONE_S, ONE_S, &env), 0x80000000);
    assert_int_equal(fp_add_s(0, 0, &env), 0);
    assert_int_equal(env.fpsr, 0);
}

static void unrelated_fpsr_bits_are_kept(void **state)
{
    const uint32_t qc = UINT32_C(1) << 27;
    FpEnv env = {.fpsr = qc};
    assert_int_equal(fp_div_s(ONE_S, 0, &env), INF_S);
    assert_int_equal(env.fpsr, qc | FP_SR_DZC);
}

static void number_forms_drop_a_lone_quiet_nan(void **state)
{
    FpEnv env = {0};
    assert_int_equal(fp_maxnm_s(QNAN_A, ONE_S, &env), ONE_S);
    assert_int_equal(fp_max_s(ONE_S, QNAN_A, &env), QNAN_A);
    assert_int_equal(fp_max_s(0x80000000, 0, &env), 0);
    assert_int_equal(fp_min_s(0, 0x80000000, &env), 0x80000000);
    assert_int_equal(env.fpsr, 0);
    assert_int_equal(fp_minnm_s(SNAN_A, ONE_S, &env), QNAN_A);
    assert_int_equal(env.fpsr, FP_SR_IOC);
}

static void comparisons_give_nzcv(void **state)
{
    FpEnv env = {0};
    assert_int_equal(fp_compare_s(0, 0x80000000, false, &env), 6);
    assert_int_equal(fp_compare_s(0xff800000, ONE_S, false, &env), 8);
    assert_int_equal(fp_compare_s(ONE_S, 0, false, &env), 2);
    assert_int_equal(fp_compare_s(QNAN_A, ONE_S, false, &env), 3);
    assert_int_equal(env.fpsr, 0);
    assert_int_equal(fp_compare_s(QNAN_A, ONE_S, true, &env), 3);
    assert_int_equal(env.fpsr, FP_SR_IOC);
}

static void alternative_half_has_no_specials(void **state)
{
    FpEnv env = {.fpcr = FP_CR_AHP};
    assert_int_equal(fp_convert_hs(0x7fff, &env), 0x47ffe000); /* 131008 */
    assert_int_equal(env.fpsr, 0);
    assert_int_equal(fp_convert_sh(INF_S, &env), 0x7fff);
    assert_int_equal(env.fpsr, FP_SR_IOC);
    assert_int_equal(fp_convert_sh(QNAN_A | 0x80000000, &env), 0x8000);
}

static void round_to_odd_keeps_a_trace(void **state)
{
    FpEnv env = {0};
    assert_int_equal(fp_convert_ds_odd(UINT64_C(0x3ff0000000000001), &env), 0x3f800001);
    assert_int_equal(env.fpsr, FP_SR_IXC);
    assert_int_equal(fp_convert_ds_odd(UINT64_C(0x7fefffffffffffff), &env), 0x7f7fffff);
}

static void integers_saturate(void **state)
{
    FpEnv env = {0};
    assert_int_equal(fp_to_sint_s(0xcf000000, 32, 0, FP_ROUND_ZERO, &env), 0x80000000);
    assert_int_equal(env.fpsr, 0);
    assert_int_equal(fp_to_sint_s(0x4f000000, 32, 0, FP_ROUND_ZERO, &env), 0x7fffffff);
    assert_int_equal(fp_to_uint_s(0xbf800000, 64, 0, FP_ROUND_ZERO, &env), 0);
    assert_int_equal(fp_to_sint_s(QNAN_A, 64, 0, FP_ROUND_ZERO, &env), 0);
    assert_int_equal(env.fpsr, FP_SR_IOC);

    /* -0.5 truncates to zero, which is not invalid; 2.5 ties away to 3; 1.5 has 3 halves. */
    env.fpsr = 0;
    assert_int_equal(fp_to_uint_s(0xbf000000, 32, 0, FP_ROUND_ZERO, &env), 0);
    assert_int_equal(env.fpsr, FP_SR_IXC);
    assert_int_equal(fp_to_sint_s(0x40200000, 32, 0, FP_ROUND_TIEAWAY, &env), 3);
    assert_int_equal(fp_to_sint_s(0x3fc00000, 32, 1, FP_ROUND_ZERO, &env), 3);
}

static void javascript_conversion_wraps(void **state)
{
    FpEnv env = {0};
    bool exact = true;
    /* 2^32 + 5 */
    assert_int_equal(fp_to_int32_js(UINT64_C(0x41f0000000500000), &exact, &env), 5);
    assert_false(exact);
    assert_int_equal(env.fpsr, FP_SR_IOC);
    env.fpsr = 0;
    assert_int_equal(fp_to_int32_js(UINT64_C(0xbff0000000000000), &exact, &env), 0xffffffff);
    assert_true(exact);
    assert_int_equal(fp_to_int32_js(UINT64_C(1) << 63, &exact, &env), 0);
    assert_false(exact);
    assert_int_equal(env.fpsr, 0);
}

static void estimates_of_one(void **state)
{
    FpEnv env = {0};
    /* Both are 511/512, the middle of what 1/x and 1/sqrt(x) take on just above 1. */
    assert_int_equal(fp_recip_estimate_s(ONE_S, &env), 0x3f7f8000);
    assert_int_equal(fp_rsqrt_estimate_s(ONE_S, &env), 0x3f7f8000);
    assert_int_equal(fp_recip_estimate_u32(0x80000000), 0xff800000);
    assert_int_equal(fp_recip_estimate_u32(0x7fffffff), 0xffffffff);
    assert_int_equal(env.fpsr, 0);
    assert_int_equal(fp_recip_estimate_s(0x80000000, &env), 0xff800000);
    assert_int_equal(env.fpsr, FP_SR_DZC);
}

static void steps_treat_infinity_by_zero_as_zero(void **state)
{
    FpEnv env = {0};
    assert_int_equal(fp_recip_step_s(INF_S, 0, &env), 0x40000000);
    assert_int_equal(fp_rsqrt_step_s(0, INF_S, &env), 0x3fc00000);
    assert_int_equal(env.fpsr, 0);
    assert_int_equal(fp_recip_step_s(QNAN_A, ONE_S, &env), QNAN_A | 0x80000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signaling_nans_come_first),
        cmocka_unit_test(muladd_prefers_the_addend_nan),
        cmocka_unit_test(invalid_gives_the_positive_default_nan),
        cmocka_unit_test(tininess_is_detected_before_rounding),
        cmocka_unit_test(flushed_inputs_raise_idc_but_halves_do_not),
        cmocka_unit_test(exact_zero_sums_follow_the_rounding_mode),
        cmocka_unit_test(unrelated_fpsr_bits_are_kept),
        cmocka_unit_test(number_forms_drop_a_lone_quiet_nan),
        cmocka_unit_test(comparisons_give_nzcv),
        cmocka_unit_test(alternative_half_has_no_specials),
        cmocka_unit_test(round_to_odd_keeps_a_trace),
        cmocka_unit_test(integers_saturate),
        cmocka_unit_test(javascript_conversion_wraps),
        cmocka_unit_test(estimates_of_one),
        cmocka_unit_test(steps_treat_infinity_by_zero_as_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
