/*
 * Fine-grained traps (FEAT_FGT, FEAT_FGT2): every bit with every register and instruction it names. What works at EL1 (EL0) while no
 * bit is set is trapped with EC 0x18 and its own syndrome when the bit is; what does not exist is UNDEFINED whatever the bit says.
 * Arm ARM, HFGRTR_EL2, HFGWTR_EL2, HFGITR_EL2, HDFGRTR_EL2, HDFGWTR_EL2 and their second registers.
 */
#include "rt.h"

#define HFGRTR_EL2 s3_4_c1_c1_4
#define HFGWTR_EL2 s3_4_c1_c1_5
#define HFGITR_EL2 s3_4_c1_c1_6
#define HDFGRTR_EL2 s3_4_c3_c1_4
#define HDFGWTR_EL2 s3_4_c3_c1_5
#define HFGRTR2_EL2 s3_4_c3_c1_2
#define HFGWTR2_EL2 s3_4_c3_c1_3
#define HDFGRTR2_EL2 s3_4_c3_c1_0
#define HDFGWTR2_EL2 s3_4_c3_c1_1
#define HFGITR2_EL2 s3_4_c3_c1_7
#define HCRX_EL2 s3_4_c1_c2_2

#define ACCESS(name)                                                                               \
    static u64 get_##name(void) { return READ(name); }                                             \
    static void set_##name(u64 v) { WRITE_ISB(name, v); }
ACCESS(HFGRTR_EL2)
ACCESS(HFGWTR_EL2)
ACCESS(HFGITR_EL2)
ACCESS(HDFGRTR_EL2)
ACCESS(HDFGWTR_EL2)
ACCESS(HFGRTR2_EL2)
ACCESS(HFGWTR2_EL2)
ACCESS(HDFGRTR2_EL2)
ACCESS(HDFGWTR2_EL2)
ACCESS(HFGITR2_EL2)

enum Kind { READS, WRITES, INSTRUCTIONS };
static const struct Control {
    const char *name;
    u64 (*get)(void);
    void (*set)(u64);
    enum Kind kind;
    bool second; /* of FEAT_FGT2 */
} fgt_registers[] = {
#define CONTROL(name, kind, second) {#name, get_##name, set_##name, kind, second}
    CONTROL(HFGRTR_EL2, READS, false),   CONTROL(HFGWTR_EL2, WRITES, false),  CONTROL(HFGITR_EL2, INSTRUCTIONS, false),
    CONTROL(HDFGRTR_EL2, READS, false),  CONTROL(HDFGWTR_EL2, WRITES, false), CONTROL(HFGRTR2_EL2, READS, true),
    CONTROL(HFGWTR2_EL2, WRITES, true),  CONTROL(HDFGRTR2_EL2, READS, true),  CONTROL(HDFGWTR2_EL2, WRITES, true),
    CONTROL(HFGITR2_EL2, INSTRUCTIONS, true),
};

static const struct Row {
    u8 control, bit;
    u16 key;
    u8 negative, nxs;
} rows[] = {
#define F(control, bit, key, negative, nxs) {control, bit, key, negative, nxs},
#include "fgt-rows.inc"
};

/* An instruction made at run time, in the block of text. */
#define CODE 0x403f0000ull
#define RET 0xd65f03c0u
#define READ_WORD(key) (0xd5200000u | (u32)(key) << 5)
#define WRITE_WORD(key) (0xd5000000u | (u32)(key) << 5)

static u64 run(u64 spsr, u32 word, u64 arg)
{
    volatile u32 *code = (u32 *)CODE;
    code[0] = word;
    code[1] = RET;
    __asm__ volatile("dc cvau, %0\n dsb ish\n ic ivau, %0\n dsb ish\n isb" : : "r"(code) : "memory");
    return spsr ? rt_call(spsr, (u64 (*)(u64))CODE, arg) : ((u64 (*)(u64))CODE)(arg);
}

static bool has_fgt2;
static u64 hcr_base, scratch[64] __attribute__((aligned(256)));

static u64 negatives(const struct Control *c)
{
    u64 mask = 0;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
        if (&fgt_registers[rows[i].control] == c && rows[i].negative)
            mask |= BIT(rows[i].bit);
    return mask;
}

/* Everything open. */
static void open_all(void)
{
    for (unsigned i = 0; i < sizeof fgt_registers / sizeof *fgt_registers; i++)
        if (!fgt_registers[i].second || has_fgt2)
            fgt_registers[i].set(negatives(&fgt_registers[i]));
}

static u32 iss_of(u16 key, bool read)
{
    return (u32)(BITS(key, 15, 14) << 20 | BITS(key, 2, 0) << 17 | BITS(key, 13, 11) << 14 | BITS(key, 10, 7) << 10 |
                 BITS(key, 6, 3) << 1 | read);
}

/* The argument that changes nothing: what a register holds, an address for what wants one, 0 for TLBI and set/way. */
static u64 harmless(const struct Row *r)
{
    if (r->key >> 14 == 1 && BITS(r->key, 13, 3) == (7 << 4 | 6) && r->key & 1) /* DC IVAC and its like */
        return (u64)scratch;
    if (r->key >> 14 == 1)
        return (r->key >> 11 & 7) == 3 && BITS(r->key, 10, 3) != (7 << 4 | 3) ? (u64)scratch : 0;
    u64 value = 0;
    rt_arm(RT_SKIP);
    value = run(0, READ_WORD(r->key), 0);
    return rt_disarm()->count ? 0 : value;
}

static void say(const struct Row *r, const char *what, const struct RtExc *exc, u64 want)
{
    rt_printf("row %s bit %d encoding %x %s: ESR %lx EL%d, want ESR %lx\n", fgt_registers[r->control].name, r->bit, r->key,
              what, exc->count ? exc->esr : 0, (int)exc->el, want);
}

static bool is(const struct RtExc *exc, u64 el, u64 esr)
{
    return esr ? exc->count == 1 && exc->el == el && exc->esr == esr : !exc->count;
}

/* One access from el with the bit set, and without. */
static void row_at(const struct Row *r, u64 el)
{
    const struct Control *c = &fgt_registers[r->control];
    u64 spsr = el ? SPSR_EL1H : SPSR_EL0, arg = c->kind == READS ? 0 : harmless(r);
    u32 word = c->kind == READS ? READ_WORD(r->key) : WRITE_WORD(r->key);
    struct RtExc open = *TRY(RT_SKIP, run(spsr, word, arg));
    bool there = !open.count;
    if (!there && &fgt_registers[0] == c && (r->bit == 16 || r->bit == 17 || r->bit == 26))
        return; /* the handler at EL1 reads ESR_EL1, FAR_EL1 and MPIDR_EL1 */
    if (r->key == 0x809c && BITS(READ(id_aa64dfr0_el1), 39, 36) == 0xf)
        return; /* OSDLR_EL1 is there without FEAT_DoubleLock, its traps are not */
    u64 value = c->get(), bit = BIT(r->bit), trapped = r->negative ? value & ~bit : value | bit;
    c->set(trapped);
    if (there)
        CHECK("the bit can be set", !(c->get() ^ trapped));
    struct RtExc exc = *TRY(RT_SKIP, run(spsr, word, arg));
    u64 want = there ? ESR(0x18, iss_of(r->key, c->kind == READS)) : open.esr, to = there ? 2 : open.el;
    bool ok = is(&exc, to, want);
    rt_check(ok, WHERE, r->key == 0xdcf0 ? "trapped, PMUSERENR_EL0 [peer differs]" : "trapped", exc.esr, want);
    if (!ok)
        say(r, el ? "at EL1" : "at EL0", &exc, want);
    if (el && there) { /* EL2 is not concerned */
        exc = *TRY(RT_SKIP, run(0, word, arg));
        ok = is(&exc, 0, 0);
        CHECK("not trapped at EL2", ok);
        if (!ok)
            say(r, "at EL2", &exc, 0);
    }
    c->set(value);
}

/* With an open FGT a form of nXS is taken out of the trap. */
static void nxs(const struct Row *r)
{
    const struct Control *c = &fgt_registers[r->control];
    u64 value = c->get();
    WRITE_ISB(HCRX_EL2, BIT(4));
    c->set(value | BIT(r->bit));
    struct RtExc exc = *TRY(RT_SKIP, run(SPSR_EL1H, WRITE_WORD(r->key), 0));
    CHECK("FGTnXS", !exc.count);
    if (exc.count)
        say(r, "FGTnXS", &exc, 0);
    c->set(value);
    WRITE_ISB(HCRX_EL2, 0);
}

/* What a trap of the same register by HCR_EL2 says is the same, and EL1's own traps and UNDEFINED come first. */
PROBE(w_tpidrro, "msr tpidrro_el0, x0");
PROBE(r_ctr, "mrs x0, ctr_el0");
PROBE(dc_cvac, "dc cvac, x0");

static void priorities(void)
{
    set_HFGWTR_EL2(get_HFGWTR_EL2() | BIT(34)); /* TPIDRRO_EL0 */
    CHECK_EXC("read-only at EL0", TRY(RT_SKIP, rt_el0(w_tpidrro, 0)), 1, 0x400, ESR(0, 0));
    CHECK_EXC("writable at EL1", TRY(RT_SKIP, rt_el1(w_tpidrro, 0)), 2, 0x400, ESR(0x18, 0x300000 | 3 << 17 | 3 << 14 | 13 << 10));
    set_HFGRTR_EL2(get_HFGRTR_EL2() | BIT(14)); /* CTR_EL0 */
    u64 sctlr = READ(sctlr_el1);
    WRITE_ISB(sctlr_el1, sctlr & ~BIT(15)); /* UCT */
    CHECK_EXC("SCTLR_EL1.UCT first", TRY(RT_SKIP, rt_el0(r_ctr, 0)), 1, 0x400, ESR(0x18, iss_of(0xd801, true)));
    WRITE_ISB(sctlr_el1, sctlr | BIT(15));
    CHECK_EXC("then HFGRTR_EL2", TRY(RT_SKIP, rt_el0(r_ctr, 0)), 2, 0x400, ESR(0x18, iss_of(0xd801, true)));
    set_HFGITR_EL2(get_HFGITR_EL2() | BIT(54)); /* DCCVAC */
    WRITE_ISB(sctlr_el1, sctlr & ~BIT(26));     /* UCI */
    CHECK_EXC("SCTLR_EL1.UCI first", TRY(RT_SKIP, rt_el0(dc_cvac, (u64)scratch)), 1, 0x400, ESR(0x18, iss_of(0x5bd1, false)));
    WRITE_ISB(sctlr_el1, sctlr | BIT(26));
    CHECK_EXC("then HFGITR_EL2", TRY(RT_SKIP, rt_el0(dc_cvac, (u64)scratch)), 2, 0x400, ESR(0x18, iss_of(0x5bd1, false)));
    WRITE_ISB(hcr_el2, hcr_base | HCR_TGE);
    CHECK_EXC("TGE alone", TRY(RT_SKIP, rt_el0(dc_cvac, (u64)scratch)), 2, 0x400, ESR(0x18, iss_of(0x5bd1, false)));
    WRITE_ISB(hcr_el2, hcr_base);
    WRITE_ISB(sctlr_el1, sctlr);
    open_all();
}

/* SVC and ERET. */
PROBE(svc, "svc #0x123");
PROBE(eret, "mrs x1, spsr_el1\n mrs x2, elr_el1\n adr x3, 1f\n msr elr_el1, x3\n mov x3, #0x3c5\n msr spsr_el1, x3\n"
            " isb\n eret\n1: msr spsr_el1, x1\n msr elr_el1, x2");
PROBE(eretaa, ".arch_extension pauth\n eretaa");
PROBE(eretab, ".arch_extension pauth\n eretab");

/* The preferred return address of a trapped SVC is the SVC: go on behind it all the same. */
static struct RtExc skip_svc(u64 (*call)(u64 (*)(u64), u64))
{
    rt_cpu()->resume = (u64)svc + 4;
    return *TRY(RT_AT, call(svc, 0));
}

static void exceptions(void)
{
    struct RtExc exc = *TRY(RT_SKIP, rt_el1(svc, 0));
    CHECK_EXC("SVC at EL1", &exc, 1, 0x200, ESR(0x15, 0x123));
    CHECK_EQ("SVC returns behind itself", exc.elr, (u64)svc + 4);
    set_HFGITR_EL2(get_HFGITR_EL2() | BIT(53));
    exc = skip_svc(rt_el1);
    CHECK_EXC("SVC_EL1", &exc, 2, 0x400, ESR(0x15, 0x123));
    CHECK_EQ("a trapped SVC returns to itself", exc.elr, (u64)svc);
    CHECK_EXC("SVC_EL1 is not for EL0", TRY(RT_SKIP, rt_el0(svc, 0)), 1, 0x400, ESR(0x15, 0x123));
    open_all();
    set_HFGITR_EL2(get_HFGITR_EL2() | BIT(52));
    exc = skip_svc(rt_el0);
    CHECK_EXC("SVC_EL0", &exc, 2, 0x400, ESR(0x15, 0x123));
    CHECK_EQ("a trapped SVC returns to itself", exc.elr, (u64)svc);
    CHECK_EXC("SVC_EL0 is not for EL1", TRY(RT_SKIP, rt_el1(svc, 0)), 1, 0x200, ESR(0x15, 0x123));
    WRITE_ISB(hcr_el2, hcr_base | HCR_TGE);
    exc = skip_svc(rt_el0);
    CHECK_EXC("SVC_EL0 with TGE", &exc, 2, 0x400, ESR(0x15, 0x123));
    CHECK_EQ("a trapped SVC returns to itself", exc.elr, (u64)svc);
    WRITE_ISB(hcr_el2, hcr_base);
    open_all();
    CHECK_NONE("ERET", TRY(RT_SKIP, rt_el1(eret, 0)));
    set_HFGITR_EL2(get_HFGITR_EL2() | BIT(51));
    CHECK_EXC("ERET trapped", TRY(RT_SKIP, rt_el1(eret, 0)), 2, 0x400, ESR(0x1a, 0));
    if (BITS(READ(id_aa64isar1_el1), 11, 4) || BITS(READ(s3_0_c0_c6_2), 15, 12)) {
        WRITE_ISB(hcr_el2, hcr_base | 3ull << 40); /* API, APK */
        CHECK_EXC("ERETAA trapped", TRY(RT_SKIP, rt_el1(eretaa, 0)), 2, 0x400, ESR(0x1a, 2));
        CHECK_EXC("ERETAB trapped", TRY(RT_SKIP, rt_el1(eretab, 0)), 2, 0x400, ESR(0x1a, 3));
        WRITE_ISB(hcr_el2, hcr_base);
    }
    open_all();
}

/* Bits of what is not there are RES0: no bit stays set for which no row can be found. */
static void reserved(void)
{
    static const u64 known_res0[] = {BIT(51), BIT(51) | BIT(46) | BIT(42) | BIT(40) | BIT(28) | BIT(26) | BIT(25) | BIT(21) |
                                     BIT(18) | BIT(15) | BIT(14) | BIT(10) | BIT(9) | BIT(2), BIT(61)};
    for (unsigned i = 0; i < 3; i++) {
        fgt_registers[i].set(~0ull);
        CHECK_EQ("reserved bits [peer differs]", fgt_registers[i].get() & known_res0[i], 0);
    }
    open_all();
}

void test_main(void)
{
    u64 fgt = BITS(READ(id_aa64mmfr0_el1), 59, 56);
    has_fgt2 = fgt >= 2;
    rt_el1_flat();
    if (!fgt) {
        CHECK_EXC("no FEAT_FGT, no HFGRTR_EL2", TRY(RT_SKIP, get_HFGRTR_EL2()), 2, 0x200, ESR(0, 0));
        rt_skip("fine-grained traps", "no FEAT_FGT");
        return;
    }
    hcr_base = HCR_RW | 3ull << 40 | BIT(47) | BIT(53); /* API, APK, FIEN, EnSCXT */
    WRITE_ISB(hcr_el2, hcr_base);
    /* UCI, nTWE, nTWI, UCT, DZE, EnRCTX */
    WRITE_ISB(sctlr_el1, READ(sctlr_el1) | BIT(26) | BIT(18) | BIT(16) | BIT(15) | BIT(14) | BIT(10));
    bool hcx = BITS(READ(id_aa64mmfr1_el1), 43, 40);
    if (hcx)
        WRITE_ISB(HCRX_EL2, 0);
    open_all();
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (fgt_registers[rows[i].control].second && !has_fgt2)
            continue;
        row_at(&rows[i], 1);
        row_at(&rows[i], 0);
        if (rows[i].nxs && hcx && BITS(READ(id_aa64isar1_el1), 59, 56))
            nxs(&rows[i]);
    }
    priorities();
    exceptions();
    reserved();
}
