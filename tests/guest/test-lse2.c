/*
 * FEAT_LSE2: exclusives, atomics, acquire and release anywhere within 16 aligned bytes; SCTLR_ELx.nAA; what other CPUs see of
 * accesses within 16 bytes. Arm ARM, "Changes to single-copy atomicity in Armv8.4", "Alignment of data accesses".
 */
#include "rt.h"

#define ALIGNMENT 0x21
#define NAA BIT(6)

static u8 cell[64] __attribute__((aligned(64)));

static u64 peek(unsigned at, unsigned n)
{
    u64 v = 0;
    for (unsigned i = 0; i < n; i++)
        v |= (u64)((volatile u8 *)cell)[at + i] << (8 * i);
    return v;
}

static void fill(void)
{
    for (unsigned i = 0; i < sizeof cell; i++)
        ((volatile u8 *)cell)[i] = (u8)(i + 0x80);
}

static u64 filled(unsigned at, unsigned n)
{
    u64 v = 0;
    for (unsigned i = 0; i < n; i++)
        v |= (u64)(u8)(at + i + 0x80) << (8 * i);
    return v;
}

/* Nothing but [at, at+n) has changed. */
static void others(const char *what, unsigned at, unsigned n)
{
    for (unsigned i = 0; i < sizeof cell; i++)
        if ((i < at || i >= at + n) && ((volatile u8 *)cell)[i] != (u8)(i + 0x80))
            CHECK_EQ(what, i, at);
}

#define OLD ((u64)0x0123456789abcdef)
#define MASK(n) ((n) == 8 ? ~0ull : (1ull << (8 * (n))) - 1)

#define CASES(name, n, reg, exclusive_suffix, atomic_suffix)                                                \
    static void name(unsigned at)                                                                           \
    {                                                                                                       \
        u64 old = 0, failed = 2, where = (u64)cell + at;                                                    \
        fill();                                                                                             \
        __asm__ volatile("ldaxr" exclusive_suffix " %" reg "0, [%2]\n stlxr" exclusive_suffix " %w1, %" reg "3, [%2]" \
                         : "=&r"(old), "=&r"(failed) : "r"(where), "r"(OLD) : "memory");                    \
        CHECK_EQ("ldaxr", old, filled(at, n));                                                              \
        CHECK_EQ("stlxr succeeds", failed, 0);                                                              \
        CHECK_EQ("stlxr", peek(at, n), OLD & MASK(n));                                                      \
        others("stlxr", at, n);                                                                             \
        /* a neighbour's change does not matter, one's own bytes' does */                                   \
        fill();                                                                                             \
        __asm__ volatile("ldxr" exclusive_suffix " %" reg "0, [%2]\n strb %w4, [%2]\n stxr" exclusive_suffix " %w1, %" reg "3, [%2]" \
                         : "=&r"(old), "=&r"(failed) : "r"(where), "r"(OLD), "r"(0x55) : "memory");         \
        CHECK_EQ("stxr after a store", failed, 1);                                                          \
        fill();                                                                                             \
        __asm__ volatile("ldadd" atomic_suffix " %" reg "2, %" reg "0, [%1]" : "=&r"(old) : "r"(where), "r"(OLD) : "memory"); \
        CHECK_EQ("ldadd", old, filled(at, n));                                                              \
        CHECK_EQ("ldadd", peek(at, n), (filled(at, n) + OLD) & MASK(n));                                    \
        others("ldadd", at, n);                                                                             \
        __asm__ volatile("ldsmax" atomic_suffix " %" reg "2, %" reg "0, [%1]" : "=&r"(old) : "r"(where), "r"(1ull) : "memory"); \
        CHECK_EQ("ldsmax", peek(at, n), (int64_t)(old << (64 - 8 * n)) < 0 ? 1 : old);                      \
        others("ldsmax", at, n);                                                                            \
        fill();                                                                                             \
        old = filled(at, n);                                                                                \
        __asm__ volatile("casal" atomic_suffix " %" reg "0, %" reg "2, [%1]" : "+&r"(old) : "r"(where), "r"(OLD) : "memory"); \
        CHECK_EQ("cas", old, filled(at, n));                                                                \
        CHECK_EQ("cas", peek(at, n), OLD & MASK(n));                                                        \
        old = 0;                                                                                            \
        __asm__ volatile("cas" atomic_suffix " %" reg "0, %" reg "2, [%1]" : "+&r"(old) : "r"(where), "r"(3ull) : "memory"); \
        CHECK_EQ("cas that fails", old, OLD & MASK(n));                                                     \
        CHECK_EQ("cas that fails", peek(at, n), OLD & MASK(n));                                             \
        others("cas", at, n);                                                                               \
        fill();                                                                                             \
        __asm__ volatile("stlr" exclusive_suffix " %" reg "1, [%0]" : : "r"(where), "r"(OLD) : "memory");   \
        CHECK_EQ("stlr", peek(at, n), OLD & MASK(n));                                                       \
        others("stlr", at, n);                                                                              \
        __asm__ volatile("ldapr" exclusive_suffix " %" reg "0, [%1]" : "=r"(old) : "r"(where) : "memory");  \
        CHECK_EQ("ldapr", old, OLD & MASK(n));                                                              \
        __asm__ volatile("ldapur" exclusive_suffix " %" reg "0, [%1, #1]" : "=r"(old) : "r"(where - 1) : "memory"); \
        CHECK_EQ("ldapur", old, OLD & MASK(n));                                                             \
    }
CASES(halfwords, 2, "w", "h", "h")
CASES(words, 4, "w", "", "")
CASES(doublewords, 8, "x", "", "")

static void pairs(unsigned at)
{
    u64 a, b, failed, where = (u64)cell + at;
    fill();
    __asm__ volatile("ldxp %w0, %w1, [%3]\n stxp %w2, %w4, %w5, [%3]"
                     : "=&r"(a), "=&r"(b), "=&r"(failed) : "r"(where), "r"(0x11), "r"(0x22) : "memory");
    CHECK_EQ("ldxp w", a | b << 32, filled(at, 8));
    CHECK_EQ("stxp w succeeds", failed, 0);
    CHECK_EQ("stxp w", peek(at, 8), 0x2200000011);
    others("stxp w", at, 8);
}

static void within(void)
{
    for (unsigned at = 0; at < 16; at++) {
        if (at + 2 <= 16)
            halfwords(at);
        if (at + 4 <= 16)
            words(at);
        if (at + 8 <= 16) {
            doublewords(at);
            pairs(at);
        }
    }
}

PROBE(ldar, "ldar x0, [x0]");
PROBE(stlr, "stlr x1, [x0]");
PROBE(ldapr, "ldapr x0, [x0]");
PROBE(ldapur, "ldapur x0, [x0, #1]");
PROBE(stlur, "stlur x1, [x0]");
PROBE(ldarh, "ldarh w0, [x0]");
PROBE(ldxr, "ldxr x0, [x0]");
PROBE(stxr, "stxr w2, x1, [x0]");
PROBE(ldadd, "ldadd x1, x2, [x0]");
PROBE(casp, "mov x2, #0\n casp x2, x3, x4, x5, [x0]");

static void fault(const char *what, u64 (*probe)(u64), u64 va, u64 wnr)
{
    const struct RtExc *exc = TRY(RT_SKIP, probe(va));
    CHECK_EXC(what, exc, 2, 0x200, ESR(0x25, ALIGNMENT | wnr << 6));
}

static void across(void)
{
    u64 sctlr = READ(sctlr_el2), here = (u64)cell;
    for (unsigned at = 9; at < 16; at++) {
        fault("ldar across", ldar, here + at, 0);
        fault("stlr across", stlr, here + at, 1);
        fault("ldapr across", ldapr, here + at, 0);
        fault("ldapur across", ldapur, here + at - 1, 0);
        fault("stlur across", stlur, here + at, 1);
        fault("ldxr across [peer differs]", ldxr, here + at, 0);
    }
    fault("ldarh across", ldarh, here + 15, 0);
    fault("casp, 16 bytes [peer differs]", casp, here + 8, 0);
    WRITE_ISB(sctlr_el2, sctlr | NAA);
    fill();
    for (unsigned at = 0; at < 32; at++) {
        u64 v = 0;
        CHECK_NONE("nAA: ldar", TRY(RT_SKIP, v = ldar(here + at)));
        CHECK_EQ("nAA: ldar", v, filled(at, 8));
        CHECK_NONE("nAA: ldapr", TRY(RT_SKIP, v = ldapr(here + at)));
        CHECK_EQ("nAA: ldapr", v, filled(at, 8));
        __asm__ volatile("stlr %1, [%0]" : : "r"(here + at), "r"(OLD) : "memory");
        CHECK_EQ("nAA: stlr", peek(at, 8), OLD);
        others("nAA: stlr", at, 8);
        fill();
    }
    fault("nAA: ldxr across [peer differs]", ldxr, here + 9, 0);
    const struct RtExc *exc = TRY(RT_SKIP, ldadd(here + 9));
    CHECK_EQ("nAA: ldadd across", exc->count ? exc->esr & ~BIT(6) : 0, ESR(0x25, ALIGNMENT));
    WRITE_ISB(sctlr_el2, sctlr | NAA | 2);
    fault("nAA and A: ldar", ldar, here + 4, 0);
    fault("nAA and A: ldxr", ldxr, here + 4, 0);
    WRITE_ISB(sctlr_el2, sctlr);
    /* EL1 and EL0 have SCTLR_EL1's */
    u64 sctlr1 = READ(sctlr_el1), in = (u64)cell;
    for (unsigned on = 0; on < 2; on++) {
        WRITE_ISB(sctlr_el1, on ? sctlr1 | NAA : sctlr1 & ~NAA);
        exc = TRY(RT_SKIP, rt_el1(ldar, in + 12));
        CHECK_EQ("nAA at EL1", exc->count, !on);
        exc = TRY(RT_SKIP, rt_el1(stlr, in + 12));
        CHECK_EQ("nAA at EL1", exc->count, !on);
        exc = TRY(RT_SKIP, rt_el1(ldar, in + 4));
        CHECK_EQ("within 16 bytes at EL1", exc->count, 0);
    }
    WRITE_ISB(sctlr_el1, sctlr1);
}

/* --- two CPUs --------------------------------------------------------------------------------- */

static volatile u64 stop;
static u64 shared[8] __attribute__((aligned(64)));

/* Alternates between all ones and all zeros, in each form that is to be seen whole. */
static void writer(u64 n)
{
    u64 v = 0;
    while (!stop) {
        v = ~v;
        __asm__ volatile("stp %1, %1, [%0]\n stp %w1, %w1, [%0, #16]\n stur %1, [%0, #36]\n stp %w1, %w1, [%0, #52]"
                         : : "r"(shared), "r"(v) : "memory");
    }
}

static void tearing(void)
{
    unsigned torn[4] = {0};
    if (!rt_start_cpu(1, writer))
        rt_die("the machine has fewer than two CPUs");
    for (unsigned i = 0; i < 300000; i++) {
        u64 a, b;
        __asm__ volatile("ldp %0, %1, [%2]" : "=r"(a), "=r"(b) : "r"(shared) : "memory");
        torn[0] += a != b;
        __asm__ volatile("ldp %w0, %w1, [%2, #16]" : "=r"(a), "=r"(b) : "r"(shared) : "memory");
        torn[1] += a != b;
        __asm__ volatile("ldur %0, [%1, #36]" : "=r"(a) : "r"(shared) : "memory");
        torn[2] += a != 0 && a != ~0ull;
        __asm__ volatile("ldp %w0, %w1, [%2, #52]" : "=r"(a), "=r"(b) : "r"(shared) : "memory");
        torn[3] += a != b;
    }
    stop = 1;
    CHECK_EQ("LDP and STP of 16 bytes", torn[0], 0);
    CHECK_EQ("LDP and STP of 8 bytes", torn[1], 0);
    CHECK_EQ("a doubleword within 16 bytes", torn[2], 0);
    CHECK_EQ("a pair of words across 8 bytes", torn[3], 0);
}

void test_main(void)
{
    if (!BITS(READ(id_aa64mmfr2_el1), 35, 32)) {
        rt_skip("FEAT_LSE2", "not announced");
        CHECK("skipped", true);
        return;
    }
    rt_el1_flat();
    within();
    across();
    tearing();
}
