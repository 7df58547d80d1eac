/*
 * Guarded control stacks of EL1 and EL2: exception return records, PSTATE.EXLOCK at exception entry and return, what it locks.
 * (The peer's ERET does not restore PSTATE.EXLOCK.) Arm ARM, "The Guarded Control Stack" (exception returns), "Exception entry", "Illegal exception returns from AArch64 state".
 */
#include "rt.h"

#define HCRX_EL2 s3_4_c1_c2_2
#define HFGITR_EL2 s3_4_c1_c1_6
#define TCR2_EL1 s3_0_c2_c0_3
#define TCR2_EL2 s3_4_c2_c0_3
#define PIR_EL1 s3_0_c10_c2_3
#define PIR_EL2 s3_4_c10_c2_3
#define GCSCR_EL1 s3_0_c2_c5_0
#define GCSPR_EL1 s3_0_c2_c5_1
#define GCSCR_EL2 s3_4_c2_c5_0
#define GCSPR_EL2 s3_4_c2_c5_1
#define HCRX_GCSEN BIT(22)
#define HCRX_TCR2EN BIT(14)
#define TCR2_PIE BIT(1)
#define NGCSEPP BIT(59)
#define NGCSSTR_EL1 BIT(58)
#define NGCSPUSHM_EL1 BIT(57)
#define HFGITR_GCS (NGCSEPP | NGCSSTR_EL1 | NGCSPUSHM_EL1)
#define PCRSEL BIT(0)
#define RVCHKEN BIT(5)
#define EXLOCKEN BIT(6)
#define PUSHMEN BIT(8)
#define STREN BIT(9)
#define EXLOCK BIT(34)
#define ISS2_GCS BIT(32 + 8)
#define GCS_ESR(type, rn, it) ESR(0x2d, (u64)(type) << 20 | (rn) << 5 | (it))
#define DATA_CHECK(rn, it) GCS_ESR(0, rn, it)
#define LOCKED GCS_ESR(1, 0, 0)
enum { IT_RET, IT_POPM, IT_POPCX = 8, IT_POPX };
#define ON (PCRSEL | RVCHKEN | PUSHMEN)

#define STACK 0x100010000ull
#define STACK_PA 0x46010000ull
#define TOP (STACK + 0x1000)
#define AT(va) (*(volatile u64 *)((va) - STACK + STACK_PA))
enum { DATA = 1, TEXT = 2, KGCS = 4 };

#define FREE(name, text) PROBE(name, text "\n br x30")
#define PUSHX "sys #0, c7, c7, #4\n"
#define POPCX "sys #0, c7, c7, #5\n"
#define POPX "sys #0, c7, c7, #6\n"
#define POPM(x) "sysl " #x ", #3, c7, c7, #1\n"
#define LOOK "hvc #0x6000\n" /* remembers PSTATE */

/*
 * Vectors of EL1 that use no stack: EL2 looks at what EL1 got, and goes on after the instruction.
 */
__asm__(".pushsection .text\n.balign 0x800\nbare_vectors:\n"
        ".irp offset, 0x000, 0x080, 0x100, 0x180, 0x200, 0x280, 0x300, 0x380, 0x400\n"
        ".balign 0x80\n hvc #0x7000 + \\offset\n.endr\n.balign 0x800\n.popsection");
extern char bare_vectors[];

static struct {
    u64 count, vector, esr, elr, spsr, far; /* EL1's */
    u64 handler;                            /* PSTATE of the handler */
    u64 look;                               /* of LOOK */
} seen;

static bool hypercall(struct RtFrame *f)
{
    u64 imm = f->esr & 0xffff;

    if (BITS(f->esr, 31, 26) != 0x16 || imm == 0xffff)
        return false;
    if (imm == 0x6000) {
        seen.look = f->spsr;
        return true;
    }
    seen.count++;
    seen.vector = imm & 0xfff;
    seen.esr = READ(esr_el1);
    seen.elr = READ(elr_el1);
    seen.spsr = READ(spsr_el1);
    seen.far = READ(far_el1);
    seen.handler = f->spsr;
    bool svc = BITS(seen.esr, 31, 26) == 0x15;
    f->elr = seen.elr + (svc ? 0 : 4);
    f->spsr = seen.spsr & ~BIT(20);
    return true;
}

FREE(pushx, PUSHX LOOK);
FREE(popcx, POPCX LOOK);
FREE(popx, POPX LOOK);
FREE(popm, POPM(x0) LOOK);
FREE(write_elr, "msr elr_el1, x0\n" LOOK);
FREE(write_spsr, "msr spsr_el1, x0\n" LOOK);
FREE(call_svc, "svc #3\n" LOOK);
FREE(calls, "mov x9, x30\n bl 1f\n mov x30, x9\n br x30\n 1: mov x10, x30\n bl 2f\n mov x30, x10\n ret\n 2: ret");
FREE(wrong, "mov x9, x30\n bl 1f\n mov x30, x9\n br x30\n 1: add x30, x30, #4\n ret\n mov x30, x9\n br x30");
/* to itself, with SPSR_EL1 = x0 */
FREE(eret_here, "adr x1, 1f\n msr elr_el1, x1\n msr spsr_el1, x0\n eret\n nop\n 1: nop\n" LOOK);
FREE(locked_eret, "eret\n nop\n 1: nop\n" LOOK);
FREE(str_gcs, ".inst 0xd91f0c01\n"); /* gcsstr x1, [x0] */
FREE(pushm, "sys #3, c7, c7, #0, x0\n");
PROBE(store_cap, ".inst 0xd91f0c01\n");

static struct RtMap map;

static u64 index_bits(u64 i)
{
    return (i >> 2) << 53 | (i >> 1 & 1) << 51 | (i & 1) << 6;
}

static u64 perm(u64 i, u64 value)
{
    return value << (4 * i);
}

/* At EL1 with EXLOCK as given. */
static u64 run(u64 (*fn)(u64), u64 arg, u64 exlock)
{
    seen.count = 0;
    seen.look = ~0ull;
    return rt_call(SPSR_EL1H | exlock, fn, arg);
}

static void took(const char *what, u64 esr)
{
    if (CHECK_EQ(what, seen.count, 1)) {
        CHECK_EQ(what, seen.esr, esr);
        CHECK_EQ(what, seen.vector, 0x200);
    }
}

static void is_locked(const char *what, bool locked)
{
    CHECK_EQ(what, seen.look & EXLOCK, locked ? EXLOCK : 0);
}

static void none(const char *what)
{
    rt_check(!seen.count, WHERE, what, seen.esr, 0);
}

/* Set by EL2: a lock stops EL1's own writes only. */
static void control(u64 bits, u64 top)
{
    WRITE(GCSCR_EL1, bits);
    WRITE(GCSPR_EL1, top);
    WRITE(elr_el1, 0x123456789abcdef0);
    WRITE_ISB(spsr_el1, 0x3c5);
}

static void records(void)
{
    control(ON, TOP);
    run(calls, 0, 0);
    none("nested calls of EL1");
    CHECK_EQ("pointer", READ(GCSPR_EL1), TOP);
    CHECK_EQ("their records", AT(TOP - 16) - AT(TOP - 8), 16);
    run(wrong, 0, 0);
    took("RET to another address", DATA_CHECK(30, IT_RET));
    CHECK_EQ("the record stays", READ(GCSPR_EL1), TOP - 8);
    control(ON, TOP);
    u64 lr = 0;
    run(pushx, 0, 0);
    none("GCSPUSHX");
    CHECK_EQ("pointer", READ(GCSPR_EL1), TOP - 32);
    CHECK_EQ("mark", AT(TOP - 32), 9);
    CHECK_EQ("ELR", AT(TOP - 24), 0x123456789abcdef0);
    CHECK_EQ("SPSR", AT(TOP - 16), 0x3c5);
    lr = AT(TOP - 8);
    CHECK("X30", lr > 0x40200000 && lr < 0x40400000);
    run(popcx, 0, 0);
    none("GCSPOPCX");
    CHECK_EQ("pointer", READ(GCSPR_EL1), TOP);
    for (unsigned i = 0; i < 4; i++) {
        control(ON, TOP - 32);
        AT(TOP - 32 + 8 * i) ^= 1;
        run(popcx, 0, 0);
        CHECK_EQ("GCSPOPCX of another record", seen.count, 1);
        CHECK_EQ("its syndrome but for bits 9:5", seen.esr & ~(31ull << 5), DATA_CHECK(0, IT_POPCX));
        CHECK_EQ("pointer", READ(GCSPR_EL1), TOP - 32);
        AT(TOP - 32 + 8 * i) ^= 1;
    }
    run(popm, 0, 0);
    took("GCSPOPM of an exception record", DATA_CHECK(0, IT_POPM));
    run(popx, 0, 0);
    none("GCSPOPX");
    CHECK_EQ("pointer", READ(GCSPR_EL1), TOP);
    control(ON, TOP - 24);
    run(popx, 0, 0);
    took("GCSPOPX of something else", DATA_CHECK(31, IT_POPX));
    control(ON, TOP + 0x1000 + 16); /* the upper half has no memory */
    run(pushx, 0, 0);
    CHECK_EQ("GCSPUSHX across the end", seen.count, 1);
    CHECK_EQ("its syndrome", seen.esr, ESR(0x25, 1 << 6 | 7) | ISS2_GCS);
    CHECK_EQ("pointer", READ(GCSPR_EL1), TOP + 0x1000 + 16);
    control(0, TOP);
    run(pushx, 0, 0);
    run(popcx, 0, 0);
    run(popx, 0, 0);
    none("off");
    CHECK_EQ("off", READ(GCSPR_EL1), TOP);
}

static void traps(void)
{
    const struct RtExc *exc;

    control(ON | STREN, TOP);
    WRITE_ISB(HFGITR_EL2, HFGITR_GCS & ~NGCSEPP);
    exc = TRY(RT_SKIP, rt_el1(pushx, 0));
    CHECK_EXC("nGCSEPP, GCSPUSHX", exc, 2, 0x400, ESR(0x18, 1 << 20 | 4 << 17 | 7 << 10 | 31 << 5 | 7 << 1));
    exc = TRY(RT_SKIP, rt_el1(popcx, 0));
    CHECK_EXC("nGCSEPP, GCSPOPCX", exc, 2, 0x400, ESR(0x18, 1 << 20 | 5 << 17 | 7 << 10 | 31 << 5 | 7 << 1));
    WRITE_ISB(HFGITR_EL2, HFGITR_GCS & ~NGCSSTR_EL1);
    exc = TRY(RT_SKIP, rt_el1(str_gcs, STACK));
    CHECK_EXC("nGCSSTR_EL1", exc, 2, 0x400, GCS_ESR(2, 1, 0));
    WRITE_ISB(HFGITR_EL2, HFGITR_GCS & ~NGCSPUSHM_EL1);
    exc = TRY(RT_SKIP, rt_el1(pushm, STACK));
    CHECK_EXC("nGCSPUSHM_EL1", exc, 2, 0x400, ESR(0x18, 1 << 20 | 3 << 14 | 7 << 10 | 7 << 1));
    WRITE_ISB(HFGITR_EL2, HFGITR_GCS);
    CHECK_NONE("not trapped", TRY(RT_SKIP, rt_el1(str_gcs, STACK)));
}

static void locks(void)
{
    control(ON | EXLOCKEN, TOP);
    run(write_elr, 8, EXLOCK);
    took("ELR_EL1 is locked [peer differs]", LOCKED);
    is_locked("PSTATE.EXLOCK came with ERET [peer differs]", true);
    CHECK_EQ("exception taken from EL1: SPSR_EL1 [peer differs]", seen.spsr & EXLOCK, EXLOCK);
    CHECK_EQ("PSTATE.EXLOCK in the handler [peer differs]", seen.handler & EXLOCK, EXLOCK);
    control(ON | EXLOCKEN, TOP);
    run(write_spsr, 8, EXLOCK);
    took("SPSR_EL1 is locked [peer differs]", LOCKED);
    run(write_elr, 8, 0);
    none("ELR_EL1 is not locked");
    CHECK_EQ("ELR_EL1", READ(elr_el1), 8);
    run(write_spsr, 0x3c0, 0);
    none("SPSR_EL1 is not locked");
    control(ON | EXLOCKEN, TOP);
    run(popcx, 0, EXLOCK);
    took("GCSPOPCX is locked [peer differs]", LOCKED);
    control(ON | EXLOCKEN, TOP);
    run(pushx, 0, 0);
    took("GCSPUSHX wants the lock", LOCKED);
    control(ON | EXLOCKEN, TOP);
    run(pushx, 0, EXLOCK);
    none("GCSPUSHX [peer differs]");
    is_locked("GCSPUSHX unlocks", false);
    CHECK_EQ("pointer [peer differs]", READ(GCSPR_EL1), TOP - 32);
    run(popcx, 0, 0);
    none("GCSPOPCX [peer differs]");
    is_locked("GCSPOPCX locks [peer differs]", true);
    run(call_svc, 0, 0);
    CHECK_EQ("an exception to EL1 locks [peer differs]", seen.handler & EXLOCK, EXLOCK);
    is_locked("it was not locked before it", false);
    control(EXLOCKEN, TOP);
    run(write_elr, 8, EXLOCK);
    took("locked while the stack is off [peer differs]", LOCKED);
    control(ON, TOP);
    run(write_elr, 8, EXLOCK);
    none("EXLOCKEN = 0");
    run(call_svc, 0, EXLOCK);
    CHECK_EQ("EXLOCKEN = 0: an exception to EL1 unlocks", seen.handler & EXLOCK, 0);
    is_locked("it was locked before it [peer differs]", true);
    run(popcx, 0, EXLOCK);
    control(ON, TOP);
    run(pushx, 0, EXLOCK);
    none("EXLOCKEN = 0, GCSPUSHX");
    is_locked("GCSPUSHX unlocks", false);
}

static void returns(void)
{
    control(ON | EXLOCKEN, TOP);
    run(eret_here, 0x3c5, 0);
    took("ERET to EL1, unlocked", ESR(0x0e, 0));
    control(ON, TOP);
    run(eret_here, 0x3c5 | EXLOCK, 0);
    none("ERET, EXLOCKEN = 0");
    is_locked("ERET sets PSTATE.EXLOCK [peer differs]", true);
    run(eret_here, 0x3c5, EXLOCK);
    none("ERET, EXLOCKEN = 0");
    is_locked("ERET clears PSTATE.EXLOCK", false);
    control(ON | EXLOCKEN, TOP);
    WRITE(elr_el1, (u64)locked_eret + 8);
    WRITE_ISB(spsr_el1, 0x3c5);
    run(locked_eret, 0, EXLOCK);
    none("ERET to EL1, locked [peer differs]");
    is_locked("PSTATE.EXLOCK after it", false);
    control(ON | EXLOCKEN, TOP);
    WRITE(elr_el1, (u64)locked_eret + 8);
    WRITE_ISB(spsr_el1, 0x3c5 | 8); /* EL3: illegal anyway */
    run(locked_eret, 0, EXLOCK);
    took("illegal ERET", ESR(0x0e, 0));
    CHECK_EQ("an illegal return leaves PSTATE.EXLOCK [peer differs]", seen.spsr & EXLOCK, EXLOCK);
}

/* EL2's own regime; C code calls while its stack is on. */
static __attribute__((noinline)) u64 deep(u64 n)
{
    __asm__ volatile("" : "+r"(n));
    return n ? deep(n - 1) + 1 : 0;
}

#define EL2_ON(bits) __asm__ volatile("msr s3_4_c2_c5_0, %0\n isb" : : "r"((u64)(bits)) : "memory")

static void at_el2(void)
{
    enum { MINE = 11 };
    u64 usual = 0xeeeeeeeeeeeeeeeeull & ~perm(MINE, 15);

    rt_map_set(&rt_el2_map, STACK, 3, STACK_PA, S1_RAM | index_bits(MINE));
    WRITE(PIR_EL2, usual | perm(MINE, 9));
    WRITE_ISB(TCR2_EL2, TCR2_PIE);
    rt_tlbi_all();
    WRITE_ISB(GCSPR_EL2, TOP);
    EL2_ON(ON);
    u64 depth = deep(20);
    EL2_ON(0);
    CHECK_EQ("calls at EL2", depth, 20);
    CHECK_EQ("pointer", READ(GCSPR_EL2), TOP);
    CHECK("records", AT(TOP - 16) && AT(TOP - 16) == AT(TOP - 24));
    EL2_ON(PCRSEL);
    rt_arm(RT_SKIP);
    store_cap(STACK);
    const struct RtExc *exc = rt_disarm();
    EL2_ON(0);
    CHECK_EXC("GCSCR_EL2.STREn = 0", exc, 2, 0x200, GCS_ESR(2, 1, 0));
    WRITE_ISB(spsr_el2, 0x3c9);
    EL2_ON(EXLOCKEN);
    rt_arm(RT_SKIP);
    __asm__ volatile("msr elr_el2, xzr"); /* EXLOCK is 0 at EL2: nothing was taken from EL2 */
    EL2_ON(0);
    CHECK_NONE("ELR_EL2 is not locked", rt_disarm());
    WRITE_ISB(TCR2_EL2, 0);
}

void test_main(void)
{
    if (!BITS(READ(id_aa64pfr1_el1), 47, 44)) {
        rt_skip("everything", "FEAT_GCS is not announced");
        CHECK("FEAT_GCS is not announced", true);
        return;
    }
    rt_map_init(&map, 12, 39);
    rt_map_range(&map, 0x08000000, 0x08000000, 0x02200000, S1_DEVICE | S1_AF | index_bits(DATA));
    rt_map_range(&map, 0x40200000, 0x40200000, 0x200000, S1_RAM | index_bits(TEXT));
    rt_map_range(&map, 0x40400000, 0x40400000, 0x3c00000, S1_RAM | index_bits(DATA));
    for (u64 page = 0; page < 0x2000; page += 0x1000)
        rt_map_set(&map, STACK + page, 3, STACK_PA + page, S1_RAM | index_bits(KGCS));
    WRITE_ISB(HCRX_EL2, HCRX_TCR2EN | HCRX_GCSEN);
    WRITE(HFGITR_EL2, HFGITR_GCS);
    WRITE_ISB(TCR2_EL1, TCR2_PIE);
    WRITE(PIR_EL1, perm(DATA, 0xc) | perm(TEXT, 0xa) | perm(KGCS, 9));
    rt_el1_mmu(&map, 0);
    u64 usual = READ(vbar_el1);
    WRITE(vbar_el1, (u64)bare_vectors);
    rt_cpu()->sync = hypercall;
    records();
    locks();
    returns();
    traps();
    rt_cpu()->sync = 0;
    WRITE(vbar_el1, usual);
    control(0, TOP);
    at_el2();
}
