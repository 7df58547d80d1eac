/*
 * Pointer authentication codes: the properties that the pseudocode of AddPAC, Auth and Strip gives them,
 * whatever the algorithm.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cpu.h"
#include "pauth.h"
#include "qarma.h"

#define USER UINT64_C(0x0000123456789abc)
#define KERNEL UINT64_C(0xffff800012345678)
#define BIT(n) (UINT64_C(1) << (n))

static A64Model *model, *enhanced; /* without and with FEAT_PAuth2 */
static A64Cpu cpu;

static uint64_t sign(uint64_t ptr, uint64_t modifier, A64PacKey key)
{
    bool ok;
    const A64PacModifiers m = {.first = modifier};
    return a64_pac(&cpu, ptr, &m, A64_PAC_DO(A64_PAC_SIGN, key, 0), &ok);
}

static uint64_t auth(uint64_t ptr, uint64_t modifier, A64PacKey key)
{
    bool ok;
    const A64PacModifiers m = {.first = modifier};
    return a64_pac(&cpu, ptr, &m, A64_PAC_DO(A64_PAC_AUTH, key, 0), &ok);
}

static uint64_t strip(uint64_t ptr, A64PacKey key)
{
    bool ok;
    return a64_pac(&cpu, ptr, &(A64PacModifiers){0}, A64_PAC_DO(A64_PAC_STRIP, key, 0), &ok);
}

/* EL1, 48-bit ranges, no tags, keys of some bits. */
static int each(void **state)
{
    cpu = (A64Cpu){.model = model};
    cpu.st.pstate.el = 1;
    cpu.st.sr[A64_SR_TCR_EL1] = 16 | 16 << 16;
    for (unsigned i = 0; i < 10; i++) {
        cpu.st.sr[A64_SR_APIAKeyLo_EL1 + i] = UINT64_C(0x0123456789abcdef) * (2 * i + 3);
    }
    return 0;
}

static void there_and_back(void **state)
{
    static const uint64_t pointers[] = {USER, KERNEL, 0, UINT64_MAX, 0xffffffffffff,
                                        0xffff000000000000};
    for (unsigned i = 0; i < sizeof pointers / sizeof pointers[0]; i++) {
        for (A64PacKey key = A64_KEY_IA; key <= A64_KEY_DB; key++) {
            for (uint64_t modifier = 0; modifier < 64; modifier++) {
                uint64_t made = sign(pointers[i], modifier << 40 | modifier, key);
                assert_int_equal(auth(made, modifier << 40 | modifier, key), pointers[i]);
                assert_int_equal(strip(made, key), pointers[i]);
                /* address and bit 55 stay */
                assert_int_equal((made ^ pointers[i]) & (BIT(48) - 1), 0);
                assert_int_equal((made ^ pointers[i]) & BIT(55), 0);
            }
        }
    }
}

/* A wrong modifier, key or address leaves an address that faults: the error code in 62:61. */
static void failures(void **state)
{
    uint64_t made = sign(KERNEL, 5, A64_KEY_IA);
    assert_int_equal(auth(made, 6, A64_KEY_IA), (KERNEL & ~(BIT(62) | BIT(61))) | BIT(61));
    assert_int_equal(auth(made, 5, A64_KEY_IB), (KERNEL & ~(BIT(62) | BIT(61))) | BIT(62));
    made = sign(USER, 5, A64_KEY_DB);
    assert_int_equal(auth(made, 7, A64_KEY_DB), USER | BIT(62));
    assert_int_equal(auth(made + 8, 5, A64_KEY_DB), (USER + 8) | BIT(62));
    /* a pointer that was not canonical signs to what does not authenticate */
    made = sign(USER | BIT(50), 5, A64_KEY_IA);
    assert_int_not_equal(auth(made, 5, A64_KEY_IA), USER);
    assert_int_not_equal(auth(made, 5, A64_KEY_IA), USER | BIT(50));
}

/* FEAT_PAuth2: the code is added to what is there, and a wrong one leaves its difference. */
static void enhanced_failures(void **state)
{
    static const uint64_t pointers[] = {USER, KERNEL, USER | BIT(50), KERNEL ^ BIT(60)};
    const A64PacModifiers five = {.first = 5}, six = {.first = 6};
    bool ok;
    cpu.model = enhanced;
    for (unsigned i = 0; i < 4; i++) {
        uint64_t made = sign(pointers[i], 5, A64_KEY_IA), other = sign(pointers[i], 6, A64_KEY_IA);
        uint64_t back = a64_pac(&cpu, made, &five, A64_PAC_DO(A64_PAC_AUTH, A64_KEY_IA, 0), &ok);
        assert_int_equal(back, pointers[i]);
        assert_int_equal(ok, i < 2); /* it was not canonical */
        back = a64_pac(&cpu, made, &six, A64_PAC_DO(A64_PAC_AUTH, A64_KEY_IA, 0), &ok);
        assert_int_equal(back, pointers[i] ^ made ^ other);
        assert_int_equal(back & (BIT(48) - 1), pointers[i] & (BIT(48) - 1));
        assert_false(ok);
    }
}

/* FEAT_EPAC: what was not canonical is signed with zeros. */
static void epac(void **state)
{
    static const A64Feature features[] = {A64_FEAT_PAuth, A64_FEAT_EPAC, A64_FEAT_PACIMP};
    A64Model *m = a64_model_of(features, 3);
    cpu.model = m;
    assert_int_equal(sign(USER | BIT(50), 5, A64_KEY_IA), USER);
    assert_int_equal(sign(KERNEL ^ BIT(60), 5, A64_KEY_IA), (KERNEL & (BIT(48) - 1)) | BIT(55));
    assert_int_equal(m->reset[A64_SR_ID_AA64ISAR1_EL1] >> 4 & 0xff, 0x20); /* API = 2, APA = 0 */
    a64_model_free(m);
}

/* QARMA: the paper's key, tweak and text, and what qemu-system-aarch64 11 makes of PACGA. */
static void qarma(void **state)
{
    static const struct {
        uint64_t data, modifier, key[2];
        uint32_t five, three; /* the upper halves */
    } vectors[] = {
        {0xfb623599da6e8127, 0x477d469dec0b8762, {0x84be85ce9804e94b, 0xec2802d4e0a488e9},
         0xc003b939, 0xc8b7fdc1},
        {0, 0, {0, 0}, 0x76243b95, 0x10d058ee},
        {UINT64_MAX, 1, {2, 3}, 0x6dc4582e, 0x703fe3af},
        {0x0123456789abcdef, 0xfedcba9876543210, {0x1111222233334444, 0x5555666677778888},
         0x3b5cbb36, 0xdb5239dc},
    };
    for (unsigned i = 0; i < 4; i++) {
        uint64_t five = a64_qarma5(vectors[i].data, vectors[i].modifier, vectors[i].key);
        uint64_t three = a64_qarma3(vectors[i].data, vectors[i].modifier, vectors[i].key);
        assert_int_equal(five >> 32, vectors[i].five);
        assert_int_equal(three >> 32, vectors[i].three);
    }
    assert_int_equal(a64_qarma5(vectors[0].data, vectors[0].modifier, vectors[0].key),
                     UINT64_C(0xc003b93999b33765));
}

/* One algorithm at a time, with the level in its own field. */
static void algorithms(void **state)
{
    A64Model *five = a64_model_new("max,pacqarma5=on", NULL);
    A64Model *three = a64_model_new("max,pacqarma3=on", NULL);
    const uint64_t *id5 = five->reset, *id3 = three->reset;
    assert_int_equal(id5[A64_SR_ID_AA64ISAR1_EL1] >> 4 & 0xff, 0x06);  /* API, APA */
    assert_int_equal(id5[A64_SR_ID_AA64ISAR1_EL1] >> 24 & 0xff, 0x01); /* GPI, GPA */
    assert_int_equal(id5[A64_SR_ID_AA64ISAR2_EL1] >> 8 & 0xff, 0);
    assert_int_equal(id3[A64_SR_ID_AA64ISAR1_EL1] >> 4 & 0xff, 0);
    assert_int_equal(id3[A64_SR_ID_AA64ISAR1_EL1] >> 24 & 0xff, 0);
    assert_int_equal(id3[A64_SR_ID_AA64ISAR2_EL1] >> 8 & 0xff, 0x61); /* APA3, GPA3 */
    a64_model_free(five);
    a64_model_free(three);
}

/* FEAT_PAuth_LR: QARMA's tweak is bits 36:5 of the second modifier above 35:4 of the first; of ours every bit of both counts. */
static void two_modifiers(void **state)
{
    static const char *const names[] = {"max", "max,pacqarma5=on", "max,pacqarma3=on"};
    const A64PacModifiers base = {.first = 0x0123456789abcdef, .second = 0xfedcba9876543210, .two = true};
    const uint64_t sign_ia = A64_PAC_DO(A64_PAC_SIGN, A64_KEY_IA, 0), auth_ia = A64_PAC_DO(A64_PAC_AUTH, A64_KEY_IA, 0);
    for (unsigned i = 0; i < 3; i++) {
        A64Model *m = a64_model_new(names[i], NULL);
        bool ok;
        cpu.model = m;
        uint64_t made = a64_pac(&cpu, USER, &base, sign_ia, &ok);
        assert_int_equal(a64_pac(&cpu, made, &base, auth_ia, &ok), USER);
        assert_true(ok);
        const A64PacModifiers swapped = {.first = base.second, .second = base.first, .two = true};
        assert_int_not_equal(a64_pac(&cpu, USER, &swapped, sign_ia, &ok), made);
        if (i) { /* 0x76543210fedcba98 shifted by 5, and 0x789abcdef by 4 */
            assert_int_equal(sign(USER, UINT64_C(0xc3b2a190789abcde), A64_KEY_IA), made);
        }
        for (unsigned bit = 0; bit < 64; bit++) {
            A64PacModifiers one = base, other = base;
            one.first ^= BIT(bit);
            other.second ^= BIT(bit);
            bool counts = !i || (bit >= 4 && bit < 36), other_counts = !i || (bit >= 5 && bit < 37);
            assert_int_equal(a64_pac(&cpu, USER, &one, sign_ia, &ok) != made, counts);
            assert_int_equal(a64_pac(&cpu, USER, &other, sign_ia, &ok) != made, other_counts);
        }
        a64_model_free(m);
    }
}

/* With the top byte ignored it is not part of the code's place, but it is signed. */
static void tags(void **state)
{
    uint64_t tag = UINT64_C(0x5a) << 56, made;
    cpu.st.sr[A64_SR_TCR_EL1] |= A64_TCR_EL1_TBI0;
    made = sign(USER | tag, 9, A64_KEY_DA);
    assert_int_equal(made >> 56, 0x5a);
    assert_int_equal(auth(made, 9, A64_KEY_DA), USER | tag);
    assert_int_equal(auth(made, 8, A64_KEY_DA), USER | tag | BIT(53));
    assert_int_equal(strip(made, A64_KEY_DA), USER | tag);
    /* TBID: not for instructions */
    cpu.st.sr[A64_SR_TCR_EL1] |= A64_TCR_EL1_TBID0;
    made = sign(USER, 9, A64_KEY_IA);
    assert_int_equal(auth(made, 9, A64_KEY_IA), USER);
    assert_int_equal(auth(made, 8, A64_KEY_IA), USER | BIT(61));
}

/* A smaller range gives the code more room; EL2 without a host has one range. */
static void ranges(void **state)
{
    uint64_t places = 0;
    cpu.st.sr[A64_SR_TCR_EL1] = 25 | 25 << 16; /* 39 bits */
    for (uint64_t i = 0; i < 256; i++) {
        places |= sign(0x1234, i, A64_KEY_IA) ^ 0x1234;
    }
    assert_int_equal(places, UINT64_C(0xff7fff8000000000));
    cpu.st.pstate.el = 2;
    cpu.st.sr[A64_SR_TCR_EL2] = 16;
    uint64_t made = sign(USER, 3, A64_KEY_IA);
    assert_int_equal(auth(made, 3, A64_KEY_IA), USER);
}

static void enabling(void **state)
{
    assert_false(a64_pac_enabled(&cpu));
    cpu.st.sr[A64_SR_SCTLR_EL1] = A64_SCTLR_EL1_EnDB;
    assert_true(a64_pac_enabled(&cpu));
    cpu.st.pstate.el = 2;
    assert_false(a64_pac_enabled(&cpu));
}

static int setup(void **state)
{
    model = a64_model_new("max,pauth2=off", NULL);
    enhanced = a64_model_new("max", NULL);
    return model && enhanced && a64_has(model, A64_FEAT_PAuth) ? 0 : -1;
}

static int teardown(void **state)
{
    a64_model_free(model);
    a64_model_free(enhanced);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(there_and_back, each), cmocka_unit_test_setup(failures, each),
        cmocka_unit_test_setup(tags, each),
        cmocka_unit_test_setup(enhanced_failures, each), cmocka_unit_test_setup(epac, each),
        cmocka_unit_test(qarma), cmocka_unit_test(algorithms),
        cmocka_unit_test_setup(two_modifiers, each), cmocka_unit_test_setup(ranges, each), cmocka_unit_test_setup(enabling, each),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
