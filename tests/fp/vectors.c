/*
 * Checks src/fp against vectors on standard input: operation, FPCR, operands, result and FPSR
 * flags, one vector a line (tests/fp/generate.py). Each vector runs with several flags already set,
 * since the fast paths depend on IXC. Exits with 1 when a vector fails or there are none.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "armillary/fp-convert.h"
#include "armillary/fp.h"

enum { MAX_OPERANDS = 4, MAX_REPORTS = 20 };

typedef struct {
    uint64_t arg[MAX_OPERANDS];
    FpEnv env;
} Call;

typedef uint64_t Operation(Call *call);

#define DEFINE(name, expression)  \
    static uint64_t name(Call *c) \
    {                             \
        return expression;        \
    }

#define H(i) ((uint16_t)c->arg[i])
#define S(i) ((uint32_t)c->arg[i])
#define D(i) (c->arg[i])
#define N(i) ((unsigned)c->arg[i])
#define MODE(i) ((FpRounding)c->arg[i])
#define ENV (&c->env)

/* Every operation of the vectors: X(function, call). */
#define EACH_IN_FORMAT(X, suffix, T)                                         \
    X(add_##suffix, fp_add_##suffix(T(0), T(1), ENV))                        \
    X(sub_##suffix, fp_sub_##suffix(T(0), T(1), ENV))                        \
    X(mul_##suffix, fp_mul_##suffix(T(0), T(1), ENV))                        \
    X(mulx_##suffix, fp_mulx_##suffix(T(0), T(1), ENV))                      \
    X(div_##suffix, fp_div_##suffix(T(0), T(1), ENV))                        \
    X(abd_##suffix, fp_abd_##suffix(T(0), T(1), ENV))                        \
    X(sqrt_##suffix, fp_sqrt_##suffix(T(0), ENV))                            \
    X(muladd_##suffix, fp_muladd_##suffix(T(0), T(1), T(2), ENV))            \
    X(max_##suffix, fp_max_##suffix(T(0), T(1), ENV))                        \
    X(min_##suffix, fp_min_##suffix(T(0), T(1), ENV))                        \
    X(maxnm_##suffix, fp_maxnm_##suffix(T(0), T(1), ENV))                    \
    X(minnm_##suffix, fp_minnm_##suffix(T(0), T(1), ENV))                    \
    X(compare_##suffix, fp_compare_##suffix(T(0), T(1), N(2), ENV))          \
    X(eq_##suffix, fp_eq_##suffix(T(0), T(1), ENV))                          \
    X(ge_##suffix, fp_ge_##suffix(T(0), T(1), ENV))                          \
    X(gt_##suffix, fp_gt_##suffix(T(0), T(1), ENV))                          \
    X(recip_estimate_##suffix, fp_recip_estimate_##suffix(T(0), ENV))        \
    X(rsqrt_estimate_##suffix, fp_rsqrt_estimate_##suffix(T(0), ENV))        \
    X(recip_step_##suffix, fp_recip_step_##suffix(T(0), T(1), ENV))          \
    X(rsqrt_step_##suffix, fp_rsqrt_step_##suffix(T(0), T(1), ENV))          \
    X(recpx_##suffix, fp_recpx_##suffix(T(0), ENV))                          \
    X(to_sint_##suffix, fp_to_sint_##suffix(T(0), N(1), N(2), MODE(3), ENV)) \
    X(to_uint_##suffix, fp_to_uint_##suffix(T(0), N(1), N(2), MODE(3), ENV)) \
    X(from_sint_##suffix, fp_from_sint_##suffix(D(0), N(1), ENV))            \
    X(from_uint_##suffix, fp_from_uint_##suffix(D(0), N(1), ENV))            \
    X(round_int_##suffix, fp_round_int_##suffix(T(0), MODE(1), N(2), ENV))

#define EACH(X)                                                        \
    EACH_IN_FORMAT(X, h, H)                                            \
    EACH_IN_FORMAT(X, s, S)                                            \
    EACH_IN_FORMAT(X, d, D)                                            \
    X(recip_estimate12_s, fp_recip_estimate12_s(S(0), ENV))            \
    X(rsqrt_estimate12_s, fp_rsqrt_estimate12_s(S(0), ENV))            \
    X(muladd_hs, fp_muladd_hs(S(0), H(1), H(2), ENV))                  \
    X(recip_estimate_u32, fp_recip_estimate_u32(S(0)))                 \
    X(rsqrt_estimate_u32, fp_rsqrt_estimate_u32(S(0)))                 \
    X(convert_hs, fp_convert_hs(H(0), ENV))                            \
    X(convert_hd, fp_convert_hd(H(0), ENV))                            \
    X(convert_sh, fp_convert_sh(S(0), ENV))                            \
    X(convert_sd, fp_convert_sd(S(0), ENV))                            \
    X(convert_dh, fp_convert_dh(D(0), ENV))                            \
    X(convert_ds, fp_convert_ds(D(0), ENV))                            \
    X(convert_ds_odd, fp_convert_ds_odd(D(0), ENV))                    \
    X(round_int_bits_s, fp_round_int_bits_s(S(0), N(1), MODE(2), ENV)) \
    X(round_int_bits_d, fp_round_int_bits_d(D(0), N(1), MODE(2), ENV))

EACH(DEFINE)

/* Z in bit 32, as the oracle prints it. */
static uint64_t to_int32_js(Call *c)
{
    bool exact;
    uint32_t result = fp_to_int32_js(D(0), &exact, ENV);
    return (uint64_t)exact << 32 | result;
}

#define ROW(name, expression) {#name, name},

static const struct {
    const char *name;
    Operation *run;
} OPERATIONS[] = {EACH(ROW){"to_int32_js", to_int32_js}};

static Operation *find(const char *name)
{
    for (size_t i = 0; i < sizeof OPERATIONS / sizeof OPERATIONS[0]; i++) {
        if (strcmp(OPERATIONS[i].name, name) == 0) {
            return OPERATIONS[i].run;
        }
    }
    return NULL;
}

/* Splits "name fpcr operand... result flags"; returns the count of numbers, or 0 if malformed. */
static unsigned parse(char *line, uint64_t numbers[MAX_OPERANDS + 3])
{
    unsigned count = 0;
    strtok(line, " \n");
    for (char *word; (word = strtok(NULL, " \n")) != NULL; count++) {
        char *end;
        if (count == MAX_OPERANDS + 3) {
            return 0;
        }
        numbers[count] = strtoull(word, &end, 16);
        if (*end != '\0') {
            return 0;
        }
    }
    return count >= 4 ? count : 0;
}

/* Runs one line; returns whether result and flags are right, with any flags set beforehand. */
static bool check(char *line)
{
    static const uint32_t BEFORE[] = {0, FP_SR_IXC, FP_SR_IOC | UINT32_C(1) << 27, UINT32_MAX};
    char text[256];
    snprintf(text, sizeof text, "%s", line);

    uint64_t number[MAX_OPERANDS + 3];
    unsigned count = parse(line, number);
    Operation *run = find(line);
    if (count == 0 || run == NULL) {
        printf("malformed vector: %s", text);
        return false;
    }
    uint64_t result = number[count - 2];
    for (size_t i = 0; i < sizeof BEFORE / sizeof BEFORE[0]; i++) {
        Call call = {.env = {.fpcr = (uint32_t)number[0], .fpsr = BEFORE[i]}};
        memcpy(call.arg, number + 1, (count - 3) * sizeof number[0]);
        uint64_t actual = run(&call);
        uint32_t fpsr = BEFORE[i] | (uint32_t)number[count - 1];
        if (actual != result || call.env.fpsr != fpsr) {
            printf("got %" PRIx64 " with FPSR %" PRIx32 " after %" PRIx32 ": %s", actual,
                   call.env.fpsr, BEFORE[i], text);
            return false;
        }
    }
    return true;
}

int main(void)
{
    char line[256];
    unsigned long total = 0;
    unsigned long failed = 0;
    while (failed < MAX_REPORTS && fgets(line, sizeof line, stdin) != NULL) {
        total++;
        failed += !check(line);
    }
    printf("%lu vectors, %lu failed\n", total, failed);
    return total == 0 || failed != 0;
}
