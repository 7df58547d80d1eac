/*
 * Exclusive accesses, the local monitor, compare and swap of pairs, alignment.
 * Arm ARM: "Synchronization and semaphores", "Alignment of data accesses", "SP alignment checking", "PC alignment checking".
 */
#include "rt.h"

static u64 cell[4] __attribute__((aligned(64)));

/* Results: bits 3:0 the first status, 7:4 the second. */
#define TWO_STATUSES "\n add x0, x2, x3, lsl #4"
PROBE(once, "ldxr x1, [x0]\n add x1, x1, #1\n stxr w2, x1, [x0]\n stxr w3, x1, [x0]" TWO_STATUSES);
PROBE(cleared, "mov w3, #0\n ldaxr x1, [x0]\n add x1, x1, #1\n clrex\n stlxr w2, x1, [x0]" TWO_STATUSES);
PROBE(returned, "adr x9, 1f\n msr elr_el1, x9\n mov x9, #0x3c5\n msr spsr_el1, x9\n isb\n mov w3, #0\n"
                "ldxr x1, [x0]\n add x1, x1, #1\n eret\n1: stxr w2, x1, [x0]" TWO_STATUSES);
PROBE(exceeded, "mov w3, #0\n ldxr x1, [x0]\n add x1, x1, #1\n svc #0\n stxr w2, x1, [x0]" TWO_STATUSES);
PROBE(byte, "mov x2, #-1\n mov w3, #0\n ldxrb w1, [x0]\n add w1, w1, #0xff1\n stxrb w2, w1, [x0]" TWO_STATUSES);
PROBE(half, "mov x2, #-1\n mov w3, #0\n ldaxrh w1, [x0]\n mvn w1, w1\n stlxrh w2, w1, [x0]" TWO_STATUSES);
PROBE(word, "mov x2, #-1\n mov w3, #0\n mov x1, #-1\n ldxr w1, [x0]\n lsr x4, x1, #32\n stxr w2, w4, [x0]" TWO_STATUSES);
PROBE(swapped, "mov w3, #0\n ldxp x1, x4, [x0]\n stxp w2, x4, x1, [x0]" TWO_STATUSES);
PROBE(swapped_words, "mov w3, #0\n ldaxp w1, w4, [x0]\n stlxp w2, w4, w1, [x0]" TWO_STATUSES);

static void status(const char *what, u64 (*probe)(u64), u64 want, u64 after)
{
    cell[0] = 0x8182838485868788;
    cell[1] = 0x9192939495969798;
    CHECK_EQ(what, rt_el1(probe, (u64)cell), want);
    CHECK_EQ(what, cell[0], after);
}

static void monitor(void)
{
    status("a store-exclusive succeeds once", once, 0x10, 0x8182838485868789);
    status("CLREX", cleared, 1, 0x8182838485868788);
    status("an exception return opens the monitor", returned, 1, 0x8182838485868788);
    status("an exception and its return do", exceeded, 1, 0x8182838485868788);
    status("bytes", byte, 0, 0x8182838485868779);
    status("halfwords", half, 0, 0x8182838485867877);
    status("words", word, 0, 0x8182838400000000);
    status("pairs", swapped, 0, 0x9192939495969798);
    CHECK_EQ("pairs", cell[1], 0x8182838485868788);
    status("pairs of words", swapped_words, 0, 0x8586878881828384);
}

/* x0: four registers for CASP, the pair in memory behind them. */
PROBE(casp_x, "mov x14, x0\n ldp x0, x1, [x14]\n ldp x2, x3, [x14, #16]\n add x15, x14, #32\n"
              "caspal x0, x1, x2, x3, [x15]\n stp x0, x1, [x14]");
PROBE(casp_w, "mov x14, x0\n ldp x0, x1, [x14]\n ldp x2, x3, [x14, #16]\n add x15, x14, #32\n"
              "casp w0, w1, w2, w3, [x15]\n stp x0, x1, [x14]");

static void pairs(void)
{
    static u64 at[6] __attribute__((aligned(64)));
    u64 start[6] = {5, 6, 0x77, 0x88, 5, 6};
    for (unsigned i = 0; i < 6; i++)
        at[i] = start[i];
    rt_el1(casp_x, (u64)at);
    CHECK_EQ("CASP stores where the pair is equal", at[4], 0x77);
    CHECK_EQ("CASP stores where the pair is equal", at[5], 0x88);
    CHECK_EQ("CASP yields the old pair", at[0] << 8 | at[1], 0x506);
    at[0] = 0x77;
    at[1] = 0x89;
    rt_el1(casp_x, (u64)at);
    CHECK_EQ("CASP leaves a pair that differs in one half", at[4] << 8 | at[5], 0x7788);
    CHECK_EQ("and yields it", at[0] << 8 | at[1], 0x7788);
    at[4] = 0xaaaaaaaabbbbbbbb;
    at[0] = 0xffffffffbbbbbbbb;
    at[1] = 0xeeeeeeeeaaaaaaaa;
    rt_el1(casp_w, (u64)at);
    CHECK_EQ("CASP of words", at[4], 0x8800000077);
    CHECK_EQ("clears the upper halves", at[0], 0xbbbbbbbb);
    CHECK_EQ("clears the upper halves", at[1], 0xaaaaaaaa);
}

PROBE(load_x0, "ldxr x1, [x0]");
PROBE(store_x0, "stxr w1, x2, [x0]");
PROBE(load_pair_x0, "ldxp x1, x2, [x0]");
PROBE(plain_x0, "ldr x1, [x0]");
PROBE(with_sp, "mov x9, sp\n mov sp, x0\n ldr x1, [sp, #8]\n mov sp, x9");
PROBE(with_sp_store, "mov x9, sp\n mov sp, x0\n str x1, [sp, #-16]!\n mov x0, sp\n mov sp, x9");
PROBE(jump, "mov x9, x30\n blr x0\n mov x30, x9");

#define ALIGNMENT 0x21
static void misaligned(const char *what, u64 (*probe)(u64), u64 at, bool write)
{
    const struct RtExc *exc = TRY(RT_SKIP, rt_el1(probe, at));
    CHECK_EXC(what, exc, 1, 0x200, ESR(0x25, ALIGNMENT | (write ? BIT(6) : 0)));
    CHECK_EQ("FAR [peer differs]", exc->far, at);
}

static void alignment(void)
{
    misaligned("LDXR [peer differs]", load_x0, (u64)cell + 12, false); /* not within 16 bytes: FEAT_LSE2 or not */
    misaligned("STXR [peer differs]", store_x0, (u64)cell + 12, true);
    misaligned("LDXP", load_pair_x0, (u64)cell + 8, false);
    CHECK_NONE("LDR of Normal memory", TRY(RT_SKIP, rt_el1(plain_x0, (u64)cell + 1)));
    WRITE(sctlr_el1, READ(sctlr_el1) | BIT(1));
    misaligned("LDR with SCTLR_EL1.A", plain_x0, (u64)cell + 1, false);
    WRITE(sctlr_el1, READ(sctlr_el1) & ~BIT(1));
}

/* With SP_EL0, so that the handler has a stack. */
static const struct RtExc *try_sp(u64 (*probe)(u64), u64 sp)
{
    return TRY(RT_SKIP, rt_call(SPSR_EL1T, probe, sp));
}

static void stack(void)
{
    u64 sctlr = READ(sctlr_el1);
    WRITE(sctlr_el1, sctlr | BIT(3)); /* SA */
    CHECK_EXC("SP as a base, SA [peer differs]", try_sp(with_sp, (u64)cell + 8), 1, 0, ESR(0x26, 0));
    CHECK_EXC("SP as a base with writeback, SA [peer differs]", try_sp(with_sp_store, (u64)cell + 24), 1, 0, ESR(0x26, 0));
    CHECK_NONE("an aligned SP", try_sp(with_sp, (u64)cell + 16));
    WRITE(sctlr_el1, sctlr & ~BIT(3));
    CHECK_NONE("SA = 0", try_sp(with_sp, (u64)cell + 8));
    WRITE(sctlr_el1, sctlr);
}

static void program_counter(void)
{
    u64 to = (u64)cell + 2;
    const struct RtExc *exc = TRY(RT_LR, rt_el1(jump, to));
    CHECK_EXC("a branch to a misaligned address", exc, 1, 0x200, ESR(0x22, 0));
    CHECK_EQ("ELR", exc->elr, to);
    CHECK_EQ("FAR", exc->far, to);
}

void test_main(void)
{
    rt_el1_flat();
    rt_arm(RT_SKIP);
    monitor();
    rt_disarm();
    pairs();
    alignment();
    stack();
    program_counter();
}
