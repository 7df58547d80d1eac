/*
 * Guarded control stacks (FEAT_GCS) of EL0 and EL1: calls and returns, the instructions, permissions in both stages, traps,
 * exception return records and PSTATE.EXLOCK. Arm ARM, "The Guarded Control Stack", "Stage 1 Indirect permissions", ESR_ELx (ISS
 * of a GCS exception, ISS2 of a Data Abort).
 */
#include "pmu.h"

#define HCRX_EL2 s3_4_c1_c2_2
#define HFGRTR_EL2 s3_4_c1_c1_4
#define HFGWTR_EL2 s3_4_c1_c1_5
#define HFGITR_EL2 s3_4_c1_c1_6
#define TCR2_EL1 s3_0_c2_c0_3
#define PIRE0_EL1 s3_0_c10_c2_2
#define PIR_EL1 s3_0_c10_c2_3
#define GCSCR_EL1 s3_0_c2_c5_0
#define GCSPR_EL1 s3_0_c2_c5_1
#define GCSCRE0_EL1 s3_0_c2_c5_2
#define GCSPR_EL0 s3_3_c2_c5_1
#define GCSCR_EL2 s3_4_c2_c5_0
#define GCSPR_EL2 s3_4_c2_c5_1
#define HFGITR_GCS (7ull << 57) /* nGCSEPP, nGCSSTR_EL1, nGCSPUSHM_EL1 */
#define HCRX_GCSEN BIT(22)
#define HCRX_TCR2EN BIT(14)
#define TCR2_PIE BIT(1)
#define PCRSEL BIT(0)
#define RVCHKEN BIT(5)
#define EXLOCKEN BIT(6)
#define PUSHMEN BIT(8)
#define STREN BIT(9)
#define NTR BIT(10)
#define EXLOCK BIT(34)
#define ISS2_GCS BIT(32 + 8)
#define ISS2_ASSURED_ONLY BIT(32 + 7)
#define VTCR_GCSH BIT(40)
#define ISS2_DIRTY BIT(32 + 5)
#define WNR BIT(6)
#define PERMISSION 15 /* level 3 */
#define TRANSLATION 7
#define ALIGNMENT 33
#define GCS_ESR(type, raddr, rvalue, it) ESR(0x2d, (u64)(type) << 20 | (raddr) << 10 | (rvalue) << 5 | (it))
/* The kinds of instruction in the syndrome of a GCS Data Check exception. */
enum { IT_RET, IT_POPM, IT_RETAA, IT_RETAB, IT_SS1, IT_SS2, IT_POPCX = 8, IT_POPX };
#define ON (PCRSEL | RVCHKEN | PUSHMEN)

#define USTACK 0x100000000ull /* EL0's stack, two pages */
#define KSTACK 0x100010000ull /* EL1's */
#define PLAIN 0x100020000ull  /* read and write for everybody */
#define NOTHING 0x100030000ull
#define USTACK_PA 0x46000000ull
#define KSTACK_PA 0x46010000ull
#define PLAIN_PA 0x46020000ull
enum { DATA = 1, TEXT = 2, UGCS = 3, KGCS = 4, BOTH = 5 }; /* PIIndex */
#define TOP (USTACK + 0x1000)
#define AT(va) (*(volatile u64 *)((va) - USTACK + USTACK_PA))

/* Functions for rt_call that return by a branch that pops nothing. */
#define FREE(name, text) PROBE(name, text "\n br x30")

#define GCSSTR ".inst 0xd91f0c01\n"  /* gcsstr x1, [x0] */
#define GCSSTTR ".inst 0xd91f1c01\n" /* gcssttr x1, [x0] */
#define PUSHM(x) "sys #3, c7, c7, #0, " #x "\n"
#define POPM(x) "sysl " #x ", #3, c7, c7, #1\n"
#define SS1(x) "sys #3, c7, c7, #2, " #x "\n"
#define SS2(x) "sysl " #x ", #3, c7, c7, #3\n"
#define PUSHX "sys #0, c7, c7, #4\n"
#define POPCX "sys #0, c7, c7, #5\n"
#define POPX "sys #0, c7, c7, #6\n"

FREE(call, "mov x9, x30\n bl 1f\n .globl after_call\n after_call: mov x30, x9\n br x30\n"
           "1: mov x10, x30\n mov x0, #7\n bl 2f\n mov x30, x10\n ret\n 2: ret");
FREE(call_reg, "mov x9, x30\n adr x5, 1f\n blr x5\n .globl after_blr\n after_blr: mov x0, x5\n mov x30, x9\n br x30\n"
               "1: mov x6, x30\n mov x5, #9\n ret x6");
FREE(wrong, "mov x9, x30\n bl 1f\n mov x0, #5\n mov x30, x9\n br x30\n"
            "1: add x30, x30, #4\n mov x0, #6\n ret\n mov x0, #8\n mov x30, x9\n br x30");
FREE(wrong_x5, "mov x9, x30\n bl 1f\n mov x0, #5\n mov x30, x9\n br x30\n"
               "1: mov x5, #0\n ret x5\n mov x0, #8\n mov x30, x9\n br x30");
FREE(wrong_a, "mov x9, x30\n bl 1f\n mov x0, #5\n mov x30, x9\n br x30\n"
              "1: add x30, x30, #4\n retaa\n mov x0, #8\n mov x30, x9\n br x30");
FREE(wrong_b, "mov x9, x30\n bl 1f\n mov x0, #5\n mov x30, x9\n br x30\n"
              "1: add x30, x30, #4\n retab\n mov x0, #8\n mov x30, x9\n br x30");
/* RETAASPPC, RETABSPPCR X5 */
FREE(wrong_pc_a, "mov x9, x30\n bl 1f\n mov x0, #5\n mov x30, x9\n br x30\n"
                 "1: add x30, x30, #4\n .inst 0x5500001f\n mov x0, #8\n mov x30, x9\n br x30");
FREE(wrong_pc_b, "mov x9, x30\n bl 1f\n mov x0, #5\n mov x30, x9\n br x30\n"
                 "1: add x30, x30, #4\n .inst 0xd65f0fe5\n mov x0, #8\n mov x30, x9\n br x30");
FREE(just_bl, "mov x9, x30\n mov x30, #3\n bl 1f\n 1: mov x0, x30\n mov x30, x9");
FREE(just_ret, "mov x9, x30\n adr x30, 1f\n ret\n nop\n 1: mov x30, x9");
FREE(pushm, PUSHM(x0));
FREE(popm, "mov x7, #3\n" POPM(x7) "mov x0, x7");
FREE(switch_stack, SS1(x0) "mov x0, #0\n" SS2(x0));
FREE(ss1, SS1(x0));
FREE(ss2, "mov x0, #2\n" SS2(x0));
FREE(str_gcs, "mov x1, #0x77\n" GCSSTR);
FREE(sttr_gcs, "mov x1, #0x78\n" GCSSTTR);
FREE(load, "ldr x0, [x0]");
FREE(store, "str x0, [x0]");
FREE(read_pointer, "mrs x0, s3_3_c2_c5_1");
FREE(write_pointer, "msr s3_3_c2_c5_1, x0");
FREE(chkfeat, "mov x16, #3\n hint #40\n mov x0, x16");

static struct RtMap map;
extern char after_call[], after_blr[];

static u64 index_bits(u64 i)
{
    return (i >> 2) << 53 | (i >> 1 & 1) << 51 | (i & 1) << 6;
}

static u64 perm(u64 i, u64 value)
{
    return value << (4 * i);
}

static void set_both(u64 priv, u64 user)
{
    WRITE(PIR_EL1, perm(DATA, 0xc) | perm(TEXT, 0xa) | perm(UGCS, 0xc) | perm(KGCS, 9) | perm(BOTH, priv));
    WRITE(PIRE0_EL1, perm(TEXT, 0xa) | perm(UGCS, 9) | perm(BOTH, user));
    rt_tlbi_all();
}

static void map_all(void)
{
    rt_map_init(&map, 12, 39);
    rt_map_range(&map, 0x08000000, 0x08000000, 0x02200000, S1_DEVICE | S1_AF | index_bits(DATA));
    rt_map_range(&map, 0x40200000, 0x40200000, 0x200000, S1_RAM | index_bits(TEXT));
    rt_map_range(&map, 0x40400000, 0x40400000, 0x3c00000, S1_RAM | index_bits(DATA));
    for (u64 page = 0; page < 0x2000; page += 0x1000) {
        rt_map_set(&map, USTACK + page, 3, USTACK_PA + page, S1_RAM | index_bits(UGCS));
        rt_map_set(&map, KSTACK + page, 3, KSTACK_PA + page, S1_RAM | index_bits(KGCS));
        rt_map_set(&map, PLAIN + page, 3, PLAIN_PA + page, S1_RAM | index_bits(BOTH));
    }
    WRITE_ISB(HCRX_EL2, HCRX_TCR2EN | HCRX_GCSEN);
    WRITE(HFGRTR_EL2, 3ull << 52); /* nGCS_EL1, nGCS_EL0 */
    WRITE(HFGWTR_EL2, 3ull << 52);
    WRITE(HFGITR_EL2, HFGITR_GCS);
    WRITE_ISB(TCR2_EL1, TCR2_PIE);
    set_both(5, 5);
    rt_el1_mmu(&map, 0);
}

static void user(u64 control, u64 top)
{
    WRITE(GCSCRE0_EL1, control);
    WRITE_ISB(GCSPR_EL0, top);
}

/* --- EL0: calls and returns ------------------------------------------------------------------- */

static void mismatch(const char *what, u64 (*fn)(u64), u64 rn, u64 it)
{
    u64 value = 0;
    user(ON, TOP);
    const struct RtExc *exc = TRY(RT_SKIP, value = rt_el0(fn, 0));
    CHECK_EXC(what, exc, 1, 0x400, GCS_ESR(0, 0, rn, it));
    CHECK_EQ("the instruction after it", value, 8);
    CHECK_EQ("the record stays", READ(GCSPR_EL0), TOP - 8);
}

static void calls(void)
{
    user(ON, TOP);
    AT(TOP - 8) = AT(TOP - 16) = 1;
    CHECK_EQ("nested calls", rt_el0(call, 0), 7);
    CHECK_EQ("pointer after them", READ(GCSPR_EL0), TOP);
    CHECK_EQ("record of the first", AT(TOP - 8), (u64)after_call);
    CHECK("record of the second", AT(TOP - 16) - (u64)after_call < 64);
    CHECK_EQ("BLR, RET of another register", rt_el0(call_reg, 0), 9);
    CHECK_EQ("record of BLR", AT(TOP - 8), (u64)after_blr);
    CHECK_EQ("pointer after it", READ(GCSPR_EL0), TOP);
    CHECK_EQ("CHKFEAT, on", rt_el0(chkfeat, 0), 2);
    mismatch("RET to another address", wrong, 30, IT_RET);
    mismatch("RET X5", wrong_x5, 5, IT_RET);
    mismatch("RETAA", wrong_a, 30, IT_RETAA);
    mismatch("RETAB", wrong_b, 30, IT_RETAB);
    if (BITS(READ(id_aa64isar1_el1), 7, 4) == 6 || BITS(READ(id_aa64isar1_el1), 11, 8) == 6) {
        mismatch("RETAASPPC", wrong_pc_a, 30, IT_RETAA);
        mismatch("RETABSPPCR", wrong_pc_b, 30, IT_RETAB);
    } else {
        rt_skip("returns of FEAT_PAuth_LR", "it is not announced");
    }
    user(PCRSEL, TOP);
    CHECK_EQ("not compared: the recorded address is taken", rt_el0(wrong, 0), 5);
    CHECK_EQ("not compared: RET X5", rt_el0(wrong_x5, 0), 5);
    CHECK_EQ("not compared: RETAA", rt_el0(wrong_a, 0), 5);
    CHECK_EQ("pointer after them", READ(GCSPR_EL0), TOP);
    user(RVCHKEN, TOP);
    CHECK_EQ("not selected", rt_el0(wrong, 0), 8 - 2);
    CHECK_EQ("pointer", READ(GCSPR_EL0), TOP);
    CHECK_EQ("CHKFEAT, off", rt_el0(chkfeat, 0), 3);
}

static void hidden(void)
{
    WRITE_ISB(HCRX_EL2, HCRX_TCR2EN);
    user(ON, TOP);
    CHECK_NONE("HCRX_EL2.GCSEn = 0: nothing is pushed", TRY(RT_SKIP, rt_el0(just_bl, 0)));
    CHECK_NONE("HCRX_EL2.GCSEn = 0: GCSPUSHM does nothing", TRY(RT_SKIP, rt_el0(pushm, 8)));
    CHECK_EQ("HCRX_EL2.GCSEn = 0: GCSPOPM leaves its register", rt_el0(popm, 8), 3);
    CHECK_EQ("HCRX_EL2.GCSEn = 0: GCSSS2 leaves its register", rt_el0(ss2, 8), 2);
    CHECK_EQ("pointer", READ(GCSPR_EL0), TOP);
    CHECK_EQ("CHKFEAT", rt_el0(chkfeat, 0), 3);
    WRITE_ISB(HCRX_EL2, HCRX_TCR2EN | HCRX_GCSEN);
    CHECK_EQ("CHKFEAT", rt_el0(chkfeat, 0), 2);
    for (unsigned i = 0; i < 4; i++) {
        bool on = i == 3;
        WRITE_ISB(HCRX_EL2, HCRX_TCR2EN | (i & 1 ? HCRX_GCSEN : 0));
        WRITE(GCSCR_EL1, PUSHMEN | (i & 2 ? PCRSEL : 0));
        WRITE_ISB(GCSPR_EL1, KSTACK + 0x1000);
        CHECK_NONE("GCSPUSHM at EL1", TRY(RT_SKIP, rt_el1(pushm, 8)));
        CHECK_EQ("EL1: PCRSEL and GCSEn", READ(GCSPR_EL1), KSTACK + 0x1000 - (on ? 8 : 0));
    }
    WRITE_ISB(GCSCR_EL1, 0);
}

/* --- EL0: the instructions -------------------------------------------------------------------- */

static void records(void)
{
    user(ON, TOP);
    rt_el0(pushm, 0x1234);
    CHECK_EQ("GCSPUSHM", AT(TOP - 8), 0x1234);
    CHECK_EQ("GCSPUSHM, pointer", READ(GCSPR_EL0), TOP - 8);
    CHECK_EQ("GCSPOPM", rt_el0(popm, 0), 0x1234);
    CHECK_EQ("GCSPOPM, pointer", READ(GCSPR_EL0), TOP);
    rt_el0(pushm, 0x1232);
    u64 value = 0;
    const struct RtExc *exc = TRY(RT_SKIP, value = rt_el0(popm, 0));
    CHECK_EXC("GCSPOPM of no return address", exc, 1, 0x400, GCS_ESR(0, 0, 7, IT_POPM));
    CHECK_EQ("GCSPOPM leaves its register", value, 3);
    CHECK_EQ("GCSPOPM leaves the pointer", READ(GCSPR_EL0), TOP - 8);
    WRITE_ISB(HFGITR_EL2, 0);
    CHECK_NONE("HFGITR_EL2.nGCSPUSHM_EL1 is not for EL0 [peer differs]", TRY(RT_SKIP, rt_el0(pushm, 0)));
    WRITE_ISB(HFGITR_EL2, HFGITR_GCS);
    user(PCRSEL | RVCHKEN, TOP);
    exc = TRY(RT_SKIP, rt_el0(pushm, 0));
    CHECK_EXC("GCSCRE0_EL1.PUSHMEn = 0", exc, 1, 0x400, ESR(0x18, 1 << 20 | 3 << 14 | 7 << 10 | 7 << 1));
    exc = TRY(RT_SKIP, rt_el0(read_pointer, 0));
    CHECK_EXC("GCSCRE0_EL1.nTR = 0", exc, 1, 0x400, ESR(0x18, 3 << 20 | 1 << 17 | 3 << 14 | 2 << 10 | 5 << 1 | 1));
    user(ON | NTR, TOP + 64);
    CHECK_EQ("GCSPR_EL0 read at EL0", rt_el0(read_pointer, 0), TOP + 64);
    exc = TRY(RT_SKIP, rt_el0(write_pointer, 0));
    CHECK_EXC("GCSPR_EL0 written at EL0", exc, 1, 0x400, ESR(0, 0));
    WRITE(GCSPR_EL0, 0xffffffffffffffff);
    CHECK_EQ("GCSPR_EL0, RES0", READ(GCSPR_EL0), 0xfffffffffffffff8);
    WRITE(GCSCRE0_EL1, 0xffffffffffffffff);
    CHECK_EQ("GCSCRE0_EL1, RES0 [peer differs]", READ(GCSCRE0_EL1), 0x721);
    WRITE(GCSCR_EL1, 0xffffffffffffffff & ~EXLOCKEN);
    CHECK_EQ("GCSCR_EL1, RES0 [peer differs]", READ(GCSCR_EL1), 0x321);
    WRITE(GCSCR_EL1, 0);
}

static void switching(void)
{
    u64 other = USTACK + 0x800, cap = other - 8;
    const struct RtExc *exc;

    user(ON, TOP - 24);
    AT(cap) = (cap & ~0xfffull) | 1;
    CHECK_EQ("GCSSS1, GCSSS2: the outgoing stack", rt_el0(switch_stack, cap), TOP - 32);
    CHECK_EQ("its cap", AT(TOP - 32), ((TOP - 32) & ~0xfffull) | 1);
    CHECK_EQ("the incoming pointer", READ(GCSPR_EL0), other);
    CHECK_EQ("the token that was there", AT(cap), (TOP - 24) | 5);
    user(ON, TOP - 24);
    rt_el0(pushm, 8); /* what is on a stack is not capped */
    AT(cap) = (cap & ~0xfffull) | 3;
    exc = TRY(RT_SKIP, rt_el0(ss1, cap));
    CHECK_EXC("GCSSS1 of no cap", exc, 1, 0x400, GCS_ESR(0, 0, 0, IT_SS1));
    CHECK_EQ("it stays", AT(cap), (cap & ~0xfffull) | 3);
    CHECK_EQ("the pointer stays", READ(GCSPR_EL0), TOP - 32);
    AT(cap) = ((cap + 0x1000) & ~0xfffull) | 1;
    exc = TRY(RT_SKIP, rt_el0(ss1, cap));
    CHECK_EXC("GCSSS1, another page's cap", exc, 1, 0x400, GCS_ESR(0, 0, 0, IT_SS1));
    u64 value = 0;
    exc = TRY(RT_SKIP, value = rt_el0(ss2, 0));
    CHECK_EXC("GCSSS2 without a token", exc, 1, 0x400, (exc->esr & 31 << 5) | GCS_ESR(0, 0, 0, IT_SS2));
    CHECK_EQ("its register stays", value, 2);
    exc = TRY(RT_SKIP, rt_el0(ss1, cap + 4));
    CHECK_EXC("GCSSS1, misaligned [peer differs]", exc, 1, 0x400, ESR(0x24, ALIGNMENT) | ISS2_GCS);
    exc = TRY(RT_SKIP, rt_el0(ss1, PLAIN));
    CHECK_EXC("GCSSS1, no such stack [peer differs]", exc, 1, 0x400, ESR(0x24, PERMISSION) | ISS2_GCS);
}

static void faults(void)
{
    const struct RtExc *exc;

    user(ON, PLAIN + 64);
    exc = TRY(RT_SKIP, rt_el0(just_bl, 0));
    CHECK_EXC("BL, ordinary memory", exc, 1, 0x400, ESR(0x24, WNR | PERMISSION) | ISS2_GCS);
    CHECK_EQ("FAR_EL1", exc->far, PLAIN + 56);
    CHECK_EQ("pointer", READ(GCSPR_EL0), PLAIN + 64);
    exc = TRY(RT_SKIP, rt_el0(just_ret, 0));
    CHECK_EXC("RET, ordinary memory", exc, 1, 0x400, ESR(0x24, PERMISSION) | ISS2_GCS);
    CHECK_EQ("FAR_EL1", exc->far, PLAIN + 64);
    user(ON, NOTHING);
    exc = TRY(RT_SKIP, rt_el0(just_bl, 0));
    CHECK_EXC("BL, no memory", exc, 1, 0x400, ESR(0x24, WNR | TRANSLATION) | ISS2_GCS);
    u64 value = 0;
    TRY(RT_SKIP, value = rt_el0(just_bl, 0));
    CHECK_EQ("X30 stays", value, 3);
    exc = TRY(RT_SKIP, rt_el0(pushm, 0));
    CHECK_EXC("GCSPUSHM, no memory", exc, 1, 0x400, ESR(0x24, WNR | TRANSLATION) | ISS2_GCS);
    user(ON, KSTACK + 64);
    exc = TRY(RT_SKIP, rt_el0(just_bl, 0));
    CHECK_EXC("BL, EL1's stack", exc, 1, 0x400, ESR(0x24, WNR | PERMISSION) | ISS2_GCS);
    CHECK_NONE("an ordinary load of the stack", TRY(RT_SKIP, rt_el0(load, USTACK)));
    exc = TRY(RT_SKIP, rt_el0(store, USTACK));
    CHECK_EXC("an ordinary store to it", exc, 1, 0x400, ESR(0x24, WNR | PERMISSION));
    user(ON | STREN, TOP);
    exc = TRY(RT_SKIP, rt_el0(str_gcs, USTACK + 4));
    CHECK_EXC("GCSSTR, misaligned", exc, 1, 0x400, ESR(0x24, WNR | ALIGNMENT) | ISS2_GCS);
    CHECK_NONE("GCSSTR", TRY(RT_SKIP, rt_el0(str_gcs, USTACK + 8)));
    CHECK_EQ("GCSSTR", AT(USTACK + 8), 0x77);
    CHECK_NONE("GCSSTTR", TRY(RT_SKIP, rt_el0(sttr_gcs, USTACK + 8)));
    CHECK_EQ("GCSSTTR", AT(USTACK + 8), 0x78);
    user(STREN, TOP);
    CHECK_NONE("GCSSTR while it is off", TRY(RT_SKIP, rt_el0(str_gcs, USTACK + 8)));
    CHECK_EQ("GCSSTR while it is off", AT(USTACK + 8), 0x77);
    user(ON, TOP);
    exc = TRY(RT_SKIP, rt_el0(str_gcs, USTACK + 8));
    CHECK_EXC("GCSCRE0_EL1.STREn = 0", exc, 1, 0x400, GCS_ESR(2, 0, 1, 0));
    exc = TRY(RT_SKIP, rt_el0(sttr_gcs, USTACK + 8));
    CHECK_EXC("GCSCRE0_EL1.STREn = 0, GCSSTTR", exc, 1, 0x400, GCS_ESR(2, 0, 1, 0));
    WRITE_ISB(hcr_el2, HCR_RW | HCR_TGE);
    WRITE_ISB(hcr_el2, HCR_RW);
}

/* --- permissions ------------------------------------------------------------------------------ */

static const struct {
    bool w, x, gcs;
} base1[16] = {
    {0}, {0}, {.x = 1}, {.x = 1}, {0}, {.w = 1}, {.w = 1, .x = 1}, {.w = 1, .x = 1},
    {0}, {.gcs = 1}, {.x = 1}, {0}, {.w = 1}, {0}, {.w = 1, .x = 1}, {0},
};

static void allowed(const char *what, const struct RtExc *exc, bool ok, u64 el)
{
    if (ok)
        CHECK_NONE("permitted", exc);
    else
        CHECK_EXC(what, exc, 1, el ? 0x200 : 0x400, ESR(0x24 + el, WNR | PERMISSION) | ISS2_GCS);
}

static void permissions(void)
{
    WRITE_ISB(GCSCR_EL1, STREN);
    user(STREN, TOP);
    for (u64 priv = 0; priv < 16; priv++) {
        for (u64 el0 = 0; el0 < 16; el0++) {
            bool unsafe = (base1[priv].x || base1[priv].gcs) && (base1[el0].w || base1[el0].gcs);
            set_both(priv, el0);
            allowed("EL1", TRY(RT_SKIP, rt_el1(str_gcs, PLAIN)), base1[priv].gcs && !unsafe, 1);
            allowed("EL1 with PAN", TRY(RT_SKIP, rt_call(SPSR_EL1H | BIT(22), str_gcs, PLAIN)),
                    base1[priv].gcs && !unsafe, 1);
            allowed("EL1 for EL0", TRY(RT_SKIP, rt_el1(sttr_gcs, PLAIN)), base1[el0].gcs && !unsafe, 1);
            allowed("EL1 for EL0, UAO", TRY(RT_SKIP, rt_call(SPSR_EL1H | BIT(23), sttr_gcs, PLAIN)),
                    base1[priv].gcs && !unsafe, 1);
            allowed("EL0", TRY(RT_SKIP, rt_el0(str_gcs, PLAIN)), base1[el0].gcs && !unsafe, 0);
        }
    }
    set_both(5, 5);
    WRITE_ISB(GCSCR_EL1, 0);
    user(0, TOP);
    CHECK_NONE("GCSCR_EL1.STREn is not for EL0's accesses", TRY(RT_SKIP, rt_el1(sttr_gcs, USTACK)));
    const struct RtExc *exc = TRY(RT_SKIP, rt_call(SPSR_EL1H | BIT(23), sttr_gcs, USTACK));
    CHECK_EXC("GCSCR_EL1.STREn = 0, UAO", exc, 1, 0x200, GCS_ESR(2, 0, 1, 0));
    exc = TRY(RT_SKIP, rt_el1(str_gcs, KSTACK));
    CHECK_EXC("GCSCR_EL1.STREn = 0", exc, 1, 0x200, GCS_ESR(2, 0, 1, 0));
    WRITE_ISB(TCR2_EL1, 0);
    rt_tlbi_all();
    user(ON, TOP);
    *rt_map_entry(&map, TOP - 8, 3) = USTACK_PA | S1_RAM | S1_USER | 3;
    rt_tlbi_all();
    exc = TRY(RT_SKIP, rt_el0(just_bl, 0));
    CHECK("direct permissions know no stacks", exc->count == 1 && FSC(exc) == PERMISSION);
    *rt_map_entry(&map, TOP - 8, 3) = USTACK_PA | S1_RAM | index_bits(UGCS) | 3;
    WRITE_ISB(TCR2_EL1, TCR2_PIE);
    rt_tlbi_all();
}

static void dirty_state(void)
{
    u64 *entry = rt_map_entry(&map, TOP - 8, 3), plain = *entry, tcr = READ(tcr_el1);

    *entry = plain | S1_RO;
    rt_tlbi_all();
    user(ON, TOP);
    const struct RtExc *exc = TRY(RT_SKIP, rt_el0(just_bl, 0));
    CHECK_EXC("BL, clean", exc, 1, 0x400, ESR(0x24, WNR | PERMISSION) | ISS2_GCS | ISS2_DIRTY);
    user(ON, TOP - 8);
    AT(TOP - 8) = 8;
    CHECK_NONE("GCSPOPM, clean", TRY(RT_SKIP, rt_el0(popm, 0)));
    exc = TRY(RT_SKIP, rt_el0(just_bl, 0));
    CHECK_EXC("BL, clean, cached [peer differs]", exc, 1, 0x400, ESR(0x24, WNR | PERMISSION) | ISS2_GCS | ISS2_DIRTY);
    WRITE_ISB(tcr_el1, tcr | BIT(39) | BIT(40));
    rt_tlbi_all();
    user(ON, TOP - 8);
    CHECK_NONE("GCSPOPM, hardware", TRY(RT_SKIP, rt_el0(popm, 0)));
    CHECK_EQ("stays clean", *entry, plain | S1_RO);
    CHECK_NONE("BL, hardware", TRY(RT_SKIP, rt_el0(just_bl, 0)));
    CHECK_EQ("becomes dirty [peer differs]", *entry, plain);
    WRITE_ISB(tcr_el1, tcr);
    *entry = 0;
    rt_tlbi_all();
    user(ON, TOP);
    exc = TRY(RT_SKIP, rt_el0(just_bl, 0));
    CHECK_EXC("BL after the mapping went", exc, 1, 0x400, ESR(0x24, WNR | TRANSLATION) | ISS2_GCS);
    *entry = plain;
    rt_tlbi_all();
}

/* VTCR_EL2.GCSH: EL1's stacks want an assured translation, for which nothing here provides. */
static void hardened(void)
{
    if (!BITS(READ(id_aa64pfr1_el1), 51, 48)) {
        rt_skip("VTCR_EL2.GCSH", "FEAT_THE is not announced");
        return;
    }
    WRITE_ISB(GCSCR_EL1, STREN);
    CHECK_NONE("GCSH = 0", TRY(RT_SKIP, rt_el1(str_gcs, KSTACK)));
    WRITE_ISB(vtcr_el2, READ(vtcr_el2) | VTCR_GCSH);
    rt_tlbi_all();
    CHECK_NONE("GCSH, an ordinary load", TRY(RT_SKIP, rt_el1(load, KSTACK)));
    const struct RtExc *exc = TRY(RT_SKIP, rt_el1(str_gcs, KSTACK));
    CHECK_EXC("GCSH, EL1", exc, 2, 0x400, ESR(0x24, WNR | PERMISSION) | ISS2_GCS | ISS2_ASSURED_ONLY);
    CHECK_NONE("GCSH, EL0's stack", TRY(RT_SKIP, rt_el1(sttr_gcs, USTACK)));
    WRITE_ISB(vtcr_el2, READ(vtcr_el2) & ~VTCR_GCSH);
    rt_tlbi_all();
    WRITE_ISB(GCSCR_EL1, 0);
}

/* Stage 2 knows loads and stores only. */
static void stage2(void)
{
    static struct RtMap low;
    u64 ipa = TOP - 0x1000 - USTACK + USTACK_PA, *entry;

    rt_map_init(&low, 12, 39);
    rt_map_image_s2(&low);
    for (u64 page = 0; page < 0x30000; page += 0x1000)
        rt_map_set(&low, USTACK_PA + page, 3, USTACK_PA + page, S2_RAM);
    rt_s2(&low, 3, 0);
    user(ON, TOP);
    CHECK_EQ("nested calls, stage 2", rt_el0(call, 0), 7);
    hardened();
    entry = rt_map_entry(&low, ipa, 3);
    *entry &= ~(u64)S2_W;
    rt_tlbi_all();
    user(ON, TOP);
    const struct RtExc *exc = TRY(RT_SKIP, rt_el0(just_bl, 0));
    CHECK_EXC("BL, stage 2 read-only [peer differs]", exc, 2, 0x400, ESR(0x24, WNR | PERMISSION) | ISS2_GCS);
    CHECK_EQ("HPFAR_EL2 [peer differs]", exc->hpfar & 0xfffffffff0ull, ipa >> 8 & ~15ull);
    user(ON, TOP - 8);
    CHECK_NONE("GCSPOPM, stage 2 read-only", TRY(RT_SKIP, rt_el0(popm, 0)));
    *entry = 0;
    rt_tlbi_all();
    user(ON, TOP - 8);
    exc = TRY(RT_SKIP, rt_el0(popm, 0));
    CHECK_EXC("GCSPOPM, no stage 2 [peer differs]", exc, 2, 0x400, ESR(0x24, TRANSLATION) | ISS2_GCS);
    rt_s2_off();
}

static void watchpoint(void)
{
    WRITE(oslar_el1, 0);
    WRITE(dbgwvr0_el1, TOP - 8);
    WRITE(dbgwcr0_el1, 0xffull << 5 | 3 << 3 | 2 << 1 | 1);
    WRITE_ISB(mdscr_el1, BIT(15));
    user(ON, TOP);
    const struct RtExc *exc = TRY(RT_SKIP, rt_el0(just_bl, 0));
    CHECK_EQ("watchpoint", exc->count, 1);
    CHECK_EQ("watchpoint, ESR_EL1 [peer differs]", exc->esr & ~(63ull << 18 | BIT(17) | BIT(16) | BIT(15)), ESR(0x34, WNR | 0x22) | ISS2_GCS);
    CHECK_EQ("watchpoint, pointer", READ(GCSPR_EL0), TOP);
    WRITE(mdscr_el1, 0);
    WRITE_ISB(dbgwcr0_el1, 0);
}

/* BL and RET, and their accesses, which are no loads and stores of the program's. */
static void counted(void)
{
    static const struct { const char *what; u64 event, n; } events[] = {
        {"LD_RETIRED", EVENT_LD, 0}, {"ST_RETIRED", EVENT_ST, 0}, {"MEM_ACCESS_RD [peer differs]", 0x66, 2},
        {"MEM_ACCESS_WR [peer differs]", 0x67, 2}, {"MEM_ACCESS [peer differs]", 0x13, 4}, {"BR_RETURN_RETIRED [peer differs]", EVENT_BR_RETURN, 2},
    };
    if (!there_are_monitors()) {
        rt_skip("counts", "there are no performance monitors");
        return;
    }
    rt_el1_mmu(&map, 0); /* it has another one */
    for (unsigned i = 0; i < sizeof events / sizeof events[0]; i++) {
        reset();
        select_type(0, events[i].event | NOT_EL1);
        WRITE(pmcntenset_el0, 1);
        WRITE_ISB(pmcr_el0, PMCR_E);
        user(ON, TOP);
        rt_el0(call, 0);
        WRITE_ISB(pmcr_el0, 0);
        CHECK_EQ(events[i].what, count(0), events[i].n);
    }
}

void test_main(void)
{
    if (!BITS(READ(id_aa64pfr1_el1), 47, 44)) {
        rt_skip("everything", "FEAT_GCS is not announced");
        CHECK("FEAT_GCS is not announced", true);
        return;
    }
    map_all();
    calls();
    hidden();
    records();
    switching();
    faults();
    permissions();
    dirty_state();
    stage2();
    watchpoint();
    counted();
}
