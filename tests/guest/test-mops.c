/*
 * FEAT_MOPS: whole copies and fills of every length and overlap, across pages; faults in the middle and going on after them;
 * enables; mismatched parts. Arm ARM, CPYP, SETP and their kin, "Memory Copy and Memory Set exceptions".
 */
#include "rt.h"

#define SPACE 0x46000000ull
#define WINDOW 0x100000000ull
#define MSCEN BIT(33)
#define HCRX_EL2 s3_4_c1_c2_2
#define HCRX_MSCEN BIT(11)
#define HCRX_MCE2 BIT(10)

/* X1 = to, X2 = from or value, X3 = bytes: CPY and SET words of these registers. */
#define CPY(stage, forward) (0x19000400u | (u32)(forward ? 0 : 1) << 26 | (u32)(stage) << 22 | 2 << 16 | 3 << 5 | 1)
#define SET(stage) (0x19c00400u | 2 << 16 | (u32)(stage) << 14 | 3 << 5 | 1)
#define THREE(name, a, b, c)                                                                                \
    PROBE(name, "ldp x1, x2, [x0]\n ldr x3, [x0, #16]\n mov x14, x0\n .inst " STR(a) "\n .inst " STR(b) "\n .inst " STR(c) "\n" \
                "stp x1, x2, [x14]\n str x3, [x14, #16]\n mrs x9, nzcv\n str x9, [x14, #24]")
THREE(cpyf, 0x19020461, 0x19420461, 0x19820461);
THREE(cpy, 0x1d020461, 0x1d420461, 0x1d820461);
THREE(set, 0x19c20461, 0x19c24461, 0x19c28461);
#define ONE(name, word)                                                                                     \
    PROBE(name, "ldp x1, x2, [x0]\n ldr x3, [x0, #16]\n ldr x9, [x0, #24]\n msr nzcv, x9\n mov x14, x0\n .inst " STR(word) "\n" \
                "stp x1, x2, [x14]\n str x3, [x14, #16]\n mrs x9, nzcv\n str x9, [x14, #24]")
ONE(cpyp, 0x1d020461);
ONE(cpym, 0x1d420461);
ONE(cpye, 0x1d820461);
ONE(cpyfm, 0x19420461);
ONE(setp, 0x19c20461);
ONE(setm, 0x19c24461);
ONE(sete, 0x19c28461);
ONE(setpt, 0x19c21461);  /* as EL0 */
ONE(cpyprt, 0x1d022461); /* reads as EL0 */
ONE(cpypwt, 0x1d021461); /* writes as EL0 */

static u64 arg[4] __attribute__((aligned(64)));
static u8 model[0x6000];

static void load(u64 to, u64 from, u64 size)
{
    arg[0] = to;
    arg[1] = from;
    arg[2] = size;
    arg[3] = 0;
}

static void fill_space(void)
{
    for (unsigned i = 0; i < sizeof model; i++)
        model[i] = ((volatile u8 *)SPACE)[i] = (u8)(i * 13 + (i >> 8));
}

static void compare(const char *what, u64 x, u64 y, u64 n)
{
    for (unsigned i = 0; i < sizeof model; i++)
        if (((volatile u8 *)SPACE)[i] != model[i]) {
            rt_printf("%s 0x%lx 0x%lx 0x%lx at 0x%lx\n", what, (long)x, (long)y, (long)n, (long)i);
            CHECK_EQ("memory", ((volatile u8 *)SPACE)[i], model[i]);
            return;
        }
}

static const u16 sizes[] = {0, 1, 2, 15, 64, 255, 4095, 4096, 4097, 8191, 8192, 9000};
#define SIZES (sizeof sizes / sizeof *sizes)

static void whole(void)
{
    fill_space();
    for (unsigned s = 0; s < SIZES; s++) {
        for (unsigned k = 0; k < 12; k++) {
            u64 n = sizes[s], to = 0x800 + 0x3fb * k, from = 0x2f00 - 0x211 * k;
            if (k == 11)
                from = to + 3;
            if (k == 10)
                from = to > 5 ? to - 5 : 0;
            load(SPACE + to, SPACE + from, n);
            cpy((u64)arg);
            for (u64 i = 0; i < n; i++) {
                u64 at = from < to ? n - 1 - i : i;
                model[to + at] = model[from + at];
            }
            compare("cpy", to, from, n);
            CHECK_EQ("cpy: size", arg[2], 0);
            CHECK_EQ("cpy: Option A", arg[3], 0);
            load(SPACE + to, 0xabcd00 + k, n);
            set((u64)arg);
            for (u64 i = 0; i < n; i++)
                model[to + i] = (u8)k;
            compare("set", to, 0, n);
            CHECK_EQ("set: size", arg[2], 0);
            CHECK_EQ("set: data", arg[1], 0xabcd00 + k);
            u64 apart = (to + 0x2800) % 0x3000;
            if (apart + n <= to || to + n <= apart) {
                load(SPACE + to, SPACE + apart, n);
                cpyf((u64)arg);
                for (u64 i = 0; i < n; i++)
                    model[to + i] = model[apart + i];
                compare("cpyf", to, apart, n);
            }
        }
    }
    CHECK("copies and fills", true);
}

/* Longer than what is done without a look at interrupts. */
static void large(void)
{
    u64 n = 0x180003, at = SPACE + 0x100001;
    volatile u64 *around = (volatile u64 *)(SPACE + 0x100000);
    around[0] = ~0ull;
    load(at, 0x5a, n);
    set((u64)arg);
    CHECK_EQ("the byte before", around[0], 0x5a5a5a5a5a5a5aff);
    for (u64 i = 1; i < n / 8; i++)
        if (around[i] != 0x5a5a5a5a5a5a5a5a)
            CHECK_EQ("a large fill", i, ~0ull);
    load(SPACE + 0x300000, at - 1, n + 1);
    cpy((u64)arg);
    volatile u64 *copy = (volatile u64 *)(SPACE + 0x300000);
    for (u64 i = 0; i < n / 8; i++)
        if (copy[i] != around[i])
            CHECK_EQ("a large copy", i, ~0ull);
}

/* The third page of a destination is missing at first: the fault names it, and the copy goes on behind it. */
static u64 missing, faults, fault_esr, fault_far;

static bool repair(struct RtFrame *f)
{
    faults++;
    fault_esr = f->esr;
    fault_far = f->far;
    if (faults > 3)
        return false;
    rt_map_set(&rt_el2_map, missing, 3, SPACE + (missing - WINDOW), S1_RAM);
    table_sync();
    return true;
}

static void resumes(void)
{
    for (unsigned way = 0; way < 4; way++) {
        bool back = way == 1;
        fill_space();
        for (unsigned page = 0; page < 6; page++)
            rt_map_set(&rt_el2_map, WINDOW + 0x1000 * page, 3, SPACE + 0x1000 * page, S1_RAM);
        missing = WINDOW + 0x2000;
        *rt_map_entry(&rt_el2_map, missing, 3) = 0;
        DSB();
        rt_tlbi_all();
        u64 to = WINDOW + 0x123, from = way == 2 ? WINDOW + 0x1456 : WINDOW + 0x100, n = 0x3000;
        faults = 0;
        rt_cpu()->sync = repair;
        if (way == 3) {
            load(to, 0x77, n);
            set((u64)arg);
        } else {
            load(to, back ? from : WINDOW + 0x1456, n);
            cpy((u64)arg);
        }
        rt_cpu()->sync = 0;
        for (u64 i = 0; i < n; i++) {
            u64 at = back ? n - 1 - i : i;
            model[0x123 + at] = way == 3 ? 0x77 : model[(back ? 0x100 : 0x1456) + at];
        }
        compare("resumed", way, 0, 0);
        CHECK_EQ("faults", faults, 1);
        CHECK_EQ("class and level", fault_esr & ~BIT(6), ESR(0x25, 7));
        CHECK_EQ("the page", fault_far & ~0xfffull, missing);
    }
}

static u64 ec_of(const struct RtExc *exc)
{
    return exc->count ? EC(exc) << 4 | exc->el : 0;
}

static void enables(void)
{
    u64 sctlr = READ(sctlr_el1), hcrx = READ(HCRX_EL2);
    fill_space();
    load(SPACE, SPACE + 64, 0);
    WRITE(HCRX_EL2, hcrx & ~(HCRX_MSCEN | HCRX_MCE2));
    WRITE_ISB(sctlr_el1, sctlr | MSCEN);
    CHECK_EQ("HCRX_EL2.MSCEn = 0 at EL1", ec_of(TRY(RT_SKIP, rt_el1(cpyp, (u64)arg))), 0x001);
    CHECK_EQ("HCRX_EL2.MSCEn = 0 at EL2", ec_of(TRY(RT_SKIP, cpyp((u64)arg))), 0);
    WRITE_ISB(HCRX_EL2, (hcrx & ~HCRX_MCE2) | HCRX_MSCEN);
    CHECK_EQ("EL1", ec_of(TRY(RT_SKIP, rt_el1(setp, (u64)arg))), 0);
    CHECK_EQ("EL0", ec_of(TRY(RT_SKIP, rt_el0(cpyp, (u64)arg))), 0);
    WRITE_ISB(sctlr_el1, sctlr & ~MSCEN);
    CHECK_EQ("SCTLR_EL1.MSCEn = 0 at EL0", ec_of(TRY(RT_SKIP, rt_el0(setp, (u64)arg))), 0x001);
    CHECK_EQ("SCTLR_EL1.MSCEn = 0 at EL1", ec_of(TRY(RT_SKIP, rt_el1(setp, (u64)arg))), 0);
    WRITE_ISB(sctlr_el1, sctlr);
}

/* A main part or epilogue of the other option: PSTATE.C is set. (Registers in 14:10, 9:5, 4:0.) */
#define REGISTERS (1 << 10 | 2 << 5 | 3)
static void mismatched(void)
{
    u64 sctlr = READ(sctlr_el1), hcrx = READ(HCRX_EL2);
    static const struct {
        u64 (*probe)(u64);
        u32 iss;
    } parts[] = {{cpym, 0}, {cpye, 1 << 18}, {cpyfm, 0}, {setm, 1 << 24}, {sete, 1 << 24 | 1 << 18}};
    WRITE_ISB(sctlr_el1, sctlr | MSCEN);
    for (unsigned i = 0; i < 5; i++) {
        u32 iss = parts[i].iss | REGISTERS | 1 << 16 | 1 << 17;
        for (unsigned mce2 = 0; mce2 < 2; mce2++) {
            WRITE_ISB(HCRX_EL2, hcrx | HCRX_MSCEN | (mce2 ? HCRX_MCE2 : 0));
            load(SPACE + 64, SPACE + 640, -32ull);
            arg[3] = BIT(29);
            const struct RtExc *exc = TRY(RT_SKIP, parts[i].probe((u64)arg));
            CHECK_EXC("wrong option at EL2", exc, 2, 0x200, ESR(0x27, iss));
            arg[3] = BIT(29);
            exc = TRY(RT_SKIP, rt_el1(parts[i].probe, (u64)arg));
            CHECK_EXC("wrong option at EL1", exc, mce2 ? 2 : 1, mce2 ? 0x400 : 0x200, ESR(0x27, iss));
            arg[3] = BIT(29);
            exc = TRY(RT_SKIP, rt_el0(parts[i].probe, (u64)arg));
            CHECK_EXC("wrong option at EL0", exc, 1, 0x400, ESR(0x27, iss));
        }
    }
    WRITE(sctlr_el1, sctlr);
    WRITE_ISB(HCRX_EL2, hcrx);
}

/* The T forms use EL0's permissions, which kernel pages do not give. */
static void unprivileged(void)
{
    u64 hcrx = READ(HCRX_EL2);
    WRITE_ISB(HCRX_EL2, hcrx | HCRX_MSCEN);
    rt_map_set(&rt_flat, WINDOW, 3, SPACE, S1_RAM);
    rt_map_set(&rt_flat, WINDOW + 0x1000, 3, SPACE + 0x1000, S1_RAM | S1_USER);
    DSB();
    rt_tlbi_all();
    static const struct {
        u64 (*probe)(u64);
        u64 to, from;
        u32 fsc;
    } cases[] = {
        {setpt, WINDOW, 0, 0x4f}, {setpt, WINDOW + 0x1000, 0, 0}, {cpyprt, WINDOW, WINDOW + 0x1000, 0},
        {cpyprt, WINDOW + 0x1000, WINDOW, 0x0f}, {cpypwt, WINDOW, WINDOW + 0x1000, 0x4f}, {cpypwt, WINDOW + 0x1000, WINDOW, 0},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        load(cases[i].to, cases[i].from, 8);
        const struct RtExc *exc = TRY(RT_SKIP, rt_el1(cases[i].probe, (u64)arg));
        if (cases[i].fsc)
            CHECK_EXC("T form", exc, 1, 0x200, ESR(0x25, cases[i].fsc));
        else
            CHECK_NONE("T form", exc);
    }
    WRITE_ISB(HCRX_EL2, hcrx);
}

void test_main(void)
{
    if (!BITS(READ(s3_0_c0_c6_2), 19, 16)) {
        rt_skip("FEAT_MOPS", "not announced");
        CHECK("skipped", true);
        return;
    }
    rt_el1_flat();
    rt_map_set(&rt_flat, SPACE, 3, SPACE, S1_RAM | S1_USER | S1_UXN);
    table_sync();
    whole();
    large();
    resumes();
    enables();
    mismatched();
    unprivileged();
}
