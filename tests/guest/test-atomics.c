/*
 * Exclusives and LSE atomics: results, sizes, monitors cleared by CLREX and exception return.
 * Arm ARM, "Synchronization and semaphores", instruction pages of CAS, CASP, SWP, LD<op>.
 */
#include "rt.h"

static u64 cell[4] __attribute__((aligned(64)));

#define EXCLUSIVE(suffix, reg, mask)                                                               \
    {                                                                                              \
        u64 old, failed, value = 0x8877665544332211;                                               \
        cell[0] = ~0ull;                                                                           \
        __asm__ volatile("ldxr" suffix " %" reg "0, [%2]\n stxr" suffix " %w1, %" reg "3, [%2]"    \
                         : "=&r"(old), "=&r"(failed) : "r"(cell), "r"(value) : "memory");          \
        CHECK_EQ("ldxr" suffix, old, mask);                                                        \
        CHECK_EQ("stxr" suffix " succeeds", failed, 0);                                            \
        CHECK_EQ("stxr" suffix, cell[0], (~0ull & ~(u64)(mask)) | (value & (mask)));               \
        __asm__ volatile("stxr" suffix " %w0, %" reg "2, [%1]"                                     \
                         : "=&r"(failed) : "r"(cell), "r"(5ull) : "memory");                       \
        CHECK_EQ("second stxr" suffix " fails", failed, 1);                                        \
        __asm__ volatile("ldaxr" suffix " %" reg "0, [%2]\n clrex\n stlxr" suffix " %w1, %" reg "3, [%2]" \
                         : "=&r"(old), "=&r"(failed) : "r"(cell), "r"(6ull) : "memory");           \
        CHECK_EQ("clrex", failed, 1);                                                              \
        CHECK_EQ("nothing stored", cell[0], (~0ull & ~(u64)(mask)) | (value & (mask)));            \
        __asm__ volatile("ldaxr" suffix " %" reg "0, [%2]\n stlxr" suffix " %w1, %" reg "3, [%2]"  \
                         : "=&r"(old), "=&r"(failed) : "r"(cell), "r"(7ull) : "memory");           \
        CHECK_EQ("stlxr" suffix " succeeds", failed, 0);                                           \
    }

static void exclusives(void)
{
    EXCLUSIVE("b", "w", 0xffull)
    EXCLUSIVE("h", "w", 0xffffull)
    EXCLUSIVE("", "w", 0xffffffffull)
    EXCLUSIVE("", "x", ~0ull)
    u64 a, b, failed;
    cell[0] = 0x1111;
    cell[1] = 0x2222;
    __asm__ volatile("ldxp %0, %1, [%3]\n stxp %w2, %1, %0, [%3]" : "=&r"(a), "=&r"(b), "=&r"(failed) : "r"(cell) : "memory");
    CHECK_EQ("ldxp", a, 0x1111);
    CHECK_EQ("ldxp", b, 0x2222);
    CHECK_EQ("stxp succeeds", failed, 0);
    CHECK_EQ("stxp", cell[0], 0x2222);
    CHECK_EQ("stxp", cell[1], 0x1111);
    __asm__ volatile("ldaxp %w0, %w1, [%3]\n stlxp %w2, %w1, %w0, [%3]" : "=&r"(a), "=&r"(b), "=&r"(failed) : "r"(cell) : "memory");
    CHECK_EQ("ldaxp of words", a | b << 32, 0x2222);
    CHECK_EQ("stlxp of words", cell[0], 0x222200000000);
    CHECK_EQ("stlxp succeeds", failed, 0);
}

/* An exception return clears the local monitor. */
static void cleared(void)
{
    u64 old, failed;
    cell[0] = 1;
    rt_arm(RT_SKIP);
    __asm__ volatile("ldxr %0, [%2]\n svc #1\n stxr %w1, %0, [%2]" : "=&r"(old), "=&r"(failed) : "r"(cell) : "memory");
    CHECK_EQ("SVC taken", rt_disarm()->count, 1);
    CHECK_EQ("cleared by exception return", failed, 1);
    rt_arm(RT_SKIP);
    __asm__ volatile("ldxr %0, [%2]\n .inst 0\n stxr %w1, %0, [%2]" : "=&r"(old), "=&r"(failed) : "r"(cell) : "memory");
    CHECK_EQ("UDF taken", rt_disarm()->count, 1);
    CHECK_EQ("cleared by exception return", failed, 1);
    /* an increment that an interrupt may hit at any place loses nothing */
    cell[0] = 0;
    for (u64 i = 0; i < 1000; i++)
        __asm__ volatile("1: ldxr x9, [%0]\n add x9, x9, #1\n stxr w10, x9, [%0]\n cbnz w10, 1b" : : "r"(cell) : "x9", "x10", "memory");
    CHECK_EQ("increments", cell[0], 1000);
}

static const u64 values[] = {0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0x7fffffff, 0x80000000, 0xffffffff,
                             0x7fffffffffffffff, 0x8000000000000000, ~0ull, 0x0123456789abcdef};
#define N (sizeof values / sizeof *values)

static int64_t extend(u64 v, unsigned bits)
{
    return (int64_t)(v << (64 - bits)) >> (64 - bits);
}

static u64 expected(unsigned op, u64 old, u64 arg, unsigned bits)
{
    u64 mask = ~0ull >> (64 - bits);
    int64_t so = extend(old, bits), sa = extend(arg, bits);
    old &= mask;
    arg &= mask;
    switch (op) {
    case 0: return (old + arg) & mask;
    case 1: return old & ~arg;
    case 2: return old ^ arg;
    case 3: return old | arg;
    case 4: return so > sa ? old : arg;
    case 5: return so < sa ? old : arg;
    case 6: return old > arg ? old : arg;
    case 7: return old < arg ? old : arg;
    default: return arg;
    }
}

/* One instruction on cell[0] and the bytes around it: old value, new value, the rest untouched. */
#define ONE(op, name, reg, bits)                                                                   \
    for (unsigned i = 0; i < N; i++)                                                               \
        for (unsigned j = 0; j < N; j++) {                                                         \
            u64 old, mask = ~0ull >> (64 - (bits));                                                \
            cell[0] = values[i];                                                                   \
            __asm__ volatile(name " %" reg "2, %" reg "0, [%1]" : "=&r"(old) : "r"(cell), "r"(values[j]) : "memory"); \
            wrong += old != (values[i] & mask) ||                                                  \
                     cell[0] != ((values[i] & ~mask) | expected(op, values[i], values[j], bits));  \
        }
#define ALL(op, name)                                                                              \
    {                                                                                              \
        u64 wrong = 0;                                                                             \
        ONE(op, name "b", "w", 8) ONE(op, name "alb", "w", 8) ONE(op, name "h", "w", 16)           \
        ONE(op, name "ah", "w", 16) ONE(op, name, "w", 32) ONE(op, name "l", "w", 32)              \
        ONE(op, name, "x", 64) ONE(op, name "al", "x", 64) ONE(op, name "a", "x", 64)              \
        CHECK_EQ(name, wrong, 0);                                                                  \
    }

#define CAS(name, reg, bits)                                                                       \
    for (unsigned i = 0; i < N; i++)                                                               \
        for (unsigned j = 0; j < N; j++) {                                                         \
            u64 got = values[j], mask = ~0ull >> (64 - (bits)), new = 0x5a5a5a5a5a5a5a5a;          \
            bool equal = !((values[i] ^ values[j]) & mask);                                        \
            cell[0] = values[i];                                                                   \
            __asm__ volatile(name " %" reg "0, %" reg "2, [%1]" : "+r"(got) : "r"(cell), "r"(new) : "memory"); \
            wrong += got != (values[i] & mask) ||                                                  \
                     cell[0] != (equal ? (values[i] & ~mask) | (new & mask) : values[i]);          \
        }

static void lse(void)
{
    ALL(0, "ldadd")
    ALL(1, "ldclr")
    ALL(2, "ldeor")
    ALL(3, "ldset")
    ALL(4, "ldsmax")
    ALL(5, "ldsmin")
    ALL(6, "ldumax")
    ALL(7, "ldumin")
    ALL(8, "swp")
    u64 wrong = 0;
    CAS("casb", "w", 8) CAS("casalb", "w", 8) CAS("cash", "w", 16) CAS("cas", "w", 32) CAS("cas", "x", 64) CAS("casal", "x", 64)
    CHECK_EQ("cas", wrong, 0);
    register u64 x4 __asm__("x4") = 1, x5 __asm__("x5") = 2, x6 __asm__("x6") = 3, x7 __asm__("x7") = 4;
    cell[0] = 1;
    cell[1] = 2;
    __asm__ volatile("caspal x4, x5, x6, x7, [%2]" : "+r"(x4), "+r"(x5) : "r"(cell), "r"(x6), "r"(x7) : "memory");
    CHECK("casp equal", x4 == 1 && x5 == 2 && cell[0] == 3 && cell[1] == 4);
    __asm__ volatile("casp x4, x5, x6, x7, [%2]" : "+r"(x4), "+r"(x5) : "r"(cell), "r"(x6), "r"(x7) : "memory");
    CHECK("casp different", x4 == 3 && x5 == 4 && cell[0] == 3 && cell[1] == 4);
    cell[0] = 0x200000001;
    x4 = 1, x5 = 2, x6 = 8, x7 = 9;
    __asm__ volatile("casp w4, w5, w6, w7, [%2]" : "+r"(x4), "+r"(x5) : "r"(cell), "r"(x6), "r"(x7) : "memory");
    CHECK("casp of words", x4 == 1 && x5 == 2 && cell[0] == 0x900000008);
    __asm__ volatile("stadd %0, [%1]" : : "r"(1ull), "r"(cell) : "memory");
    CHECK_EQ("stadd", cell[0], 0x900000009);
}

void test_main(void)
{
    exclusives();
    cleared();
    if (BITS(READ(id_aa64isar0_el1), 23, 20) >= 2)
        lse();
    else
        rt_skip("LSE", "not announced");
}
