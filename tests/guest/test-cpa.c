/*
 * FEAT_CPA: ADDPT, SUBPT, MADDPT and MSUBPT where nothing is checked (FEAT_CPA2's controls in SCTLR2_ELx are clear or not there): sums and
 * products like any other. Arm ARM, instruction pages of ADDPT, SUBPT, MADDPT, MSUBPT and the pseudocode of their checks.
 */
#include "rt.h"

static const u64 values[] = {
    0, 1, 7, 0x80, 0x40201234, 0x7fffffffffffff, 0x80000000000000, 0xff000000000000, 0x00ffffffffffffff, 0x0100000000000000,
    0x5a00123456789abc, 0x7fffffffffffffff, 0x8000000000000000, 0xff7fffffffffffff, 0xfffffffffffffff8, 0xffffffffffffffff,
};
#define N (sizeof values / sizeof *values)

/* X0 and X1 are the operands of base and offset, X2 the third; the flags are asked for behind it. */
#define OP(name, word)                                                                             \
    static u64 name(u64 a, u64 b, u64 c, u64 *flags)                                               \
    {                                                                                              \
        register u64 x0 __asm__("x0") = a;                                                         \
        register u64 x1 __asm__("x1") = b;                                                         \
        register u64 x2 __asm__("x2") = c;                                                         \
        __asm__ volatile("mov x9, #0x90000000\n msr nzcv, x9\n .inst " STR(word) "\n mrs x1, nzcv"       \
                         : "+r"(x0), "+r"(x1) : "r"(x2) : "cc", "x9");                             \
        *flags = x1;                                                                               \
        return x0;                                                                                 \
    }
#define ADDPT(n) (0x9a012000 + (n << 10)) /* x0, x0, x1, LSL #n */
#define SUBPT(n) (0xda012000 + (n << 10))
#define EACH(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)
#define BOTH(n) OP(addpt_##n, ADDPT(n)) OP(subpt_##n, SUBPT(n))
EACH(BOTH)
OP(maddpt, 0x9b610800)     /* x0, x0, x1, x2 */
OP(msubpt, 0x9b618800)
OP(maddpt_zero, 0x9b617c00) /* x0, x0, x1, xzr */
OP(addpt_zero, 0x9a1f3c00) /* x0, x0, xzr, lsl #7 */
#define NAME(n) {addpt_##n, subpt_##n},
static u64 (*const shifted[8][2])(u64, u64, u64, u64 *) = {EACH(NAME)};

#define FLAGS 0x90000000ull

static void sums(void)
{
    u64 flags;
    for (unsigned i = 0; i < N; i++) {
        for (unsigned j = 0; j < N; j++) {
            u64 a = values[i], b = values[j];
            for (unsigned n = 0; n < 8; n++) {
                CHECK_EQ("ADDPT", shifted[n][0](a, b, 0, &flags), a + (b << n));
                CHECK_EQ("ADDPT keeps flags", flags, FLAGS);
                CHECK_EQ("SUBPT", shifted[n][1](a, b, 0, &flags), a - (b << n));
                CHECK_EQ("SUBPT keeps flags", flags, FLAGS);
            }
            CHECK_EQ("ADDPT XZR", addpt_zero(a, b, 0, &flags), a);
            CHECK_EQ("MADDPT XZR", maddpt_zero(a, b, 77, &flags), a * b);
            for (unsigned k = 0; k < N; k++) {
                CHECK_EQ("MADDPT", maddpt(a, b, values[k], &flags), values[k] + a * b);
                CHECK_EQ("MSUBPT", msubpt(a, b, values[k], &flags), values[k] - a * b);
                CHECK_EQ("MSUBPT keeps flags", flags, FLAGS);
            }
        }
    }
}

/* Register 31 is SP as base and as result, XZR as offset. */
PROBE(stack, "mov x1, sp\n mov x2, #3\n .inst 0x9a0233e1\n" /* addpt x1, sp, x2, lsl #4 */
             "mov x3, sp\n sub x1, x1, x3\n .inst 0xda0233ff\n" /* subpt sp, sp, x2, lsl #4 */
             "mov x4, sp\n sub x4, x3, x4\n mov sp, x3\n add x0, x4, x1, lsl #8");

void test_main(void)
{
    u64 flags;
    if (!BITS(READ(s3_0_c0_c6_3), 3, 0)) {
        rt_skip("the rest", "no FEAT_CPA");
        CHECK_EXC("ADDPT", TRY(RT_SKIP, addpt_3(1, 2, 3, &flags)), 2, 0x200, ESR(0, 0));
        CHECK_EXC("SUBPT", TRY(RT_SKIP, subpt_0(1, 2, 3, &flags)), 2, 0x200, ESR(0, 0));
        CHECK_EXC("MADDPT", TRY(RT_SKIP, maddpt(1, 2, 3, &flags)), 2, 0x200, ESR(0, 0));
        CHECK_EXC("MSUBPT", TRY(RT_SKIP, msubpt(1, 2, 3, &flags)), 2, 0x200, ESR(0, 0));
        return;
    }
    if (BITS(READ(s3_0_c0_c6_3), 3, 0) > 1)
        WRITE_ISB(s3_4_c1_c0_3, 0); /* SCTLR2_EL2 */
    sums();
    CHECK_EQ("ADDPT, SUBPT of SP", stack(0), 48 + (48 << 8));
    rt_el1_flat();
    CHECK_EQ("at EL1", rt_el1(stack, 0), 48 + (48 << 8));
    CHECK_EQ("at EL0", rt_el0(stack, 0), 48 + (48 << 8));
}
