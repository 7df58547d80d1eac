/*
 * Bits of HCR_EL2 that no other test is about: FB (TLBI and IC IALLU of EL1 reach the other PEs), BSU (so do barriers), TLOR, HCD at
 * EL1, and bits that are RES0 without their features. Arm ARM, HCR_EL2; "TLB maintenance instructions".
 */
#include "rt.h"

#define WINDOW 0x100000000ull
#define TARGET 0x46000000ull
#define ASID 0x23ull
#define HCR_FB BIT(9)
#define HCR_BSU(n) ((u64)(n) << 10)
#define HCR_TID3 BIT(18)
#define HCR_HCD BIT(29)
#define HCR_TLOR BIT(35)

PROBE(load, "ldr x0, [x0]");

/* --- FB and BSU: what the other CPU has used before must be gone ----------------------------------- */
#define LOCAL(name, op) PROBE(do_##name, "dsb nshst\n tlbi " op "\n dsb nsh\n isb");
LOCAL(vmalle1, "vmalle1")
LOCAL(vae1, "vae1, x0")
LOCAL(vale1, "vale1, x0")
LOCAL(vaae1, "vaae1, x0")
LOCAL(vaale1, "vaale1, x0")
LOCAL(aside1, "aside1, x0")
LOCAL(rvae1, "rvae1, x0")
LOCAL(rvale1, "rvale1, x0")
LOCAL(rvaae1, "rvaae1, x0")
LOCAL(rvaale1, "rvaale1, x0")
PROBE(do_iallu, "dc cvau, x0\n dsb nsh\n ic iallu\n dsb nsh\n isb");

#define VA_ARG (ASID << 48 | WINDOW >> 12)
#define RANGE_ARG (ASID << 48 | 1ull << 46 | WINDOW >> 12) /* two pages of 4 KiB */
static const struct {
    const char *name;
    u64 (*probe)(u64);
    u64 arg;
    bool range;
} forms[] = {
    {"FB, VMALLE1", do_vmalle1, 0, false},     {"FB, VAE1", do_vae1, VA_ARG, false},
    {"FB, VALE1", do_vale1, VA_ARG, false},    {"FB, VAAE1", do_vaae1, VA_ARG, false},
    {"FB, VAALE1", do_vaale1, VA_ARG, false},  {"FB, ASIDE1", do_aside1, ASID << 48, false},
    {"FB, RVAE1", do_rvae1, RANGE_ARG, true},  {"FB, RVALE1", do_rvale1, RANGE_ARG, true},
    {"FB, RVAAE1", do_rvaae1, RANGE_ARG, true}, {"FB, RVAALE1", do_rvaale1, RANGE_ARG, true},
};

static struct RtMap map;
static volatile u64 wanted, answered, faults, esr, result;
static u64 (*volatile function)(u64);
static u32 code[16] __attribute__((aligned(64)));

static void el1_on(void)
{
    WRITE_ISB(hcr_el2, HCR_RW);
    rt_el1_mmu(&map, 0);
    WRITE_ISB(ttbr0_el1, (u64)map.root | ASID << 48);
    rt_tlbi_all();
}

/* The other CPU calls at EL1 what it is told to (at EL2 what lies in data pages), and changes nothing in between. */
static void second(u64 n)
{
    el1_on();
    for (u64 at = 1; function; at++) {
        while (wanted < at)
            __asm__ volatile("yield" : : : "memory");
        DSB();
        if (!function)
            break;
        ISB();
        rt_arm(RT_SKIP);
        result = (u64)function == (u64)code ? function(0) : rt_el1(function, WINDOW);
        const struct RtExc *exc = rt_disarm();
        faults = exc->count;
        esr = exc->esr;
        DSB();
        answered = at;
    }
    answered = wanted;
}

/* True when the other CPU came back. */
static bool ask(u64 (*what)(u64))
{
    u64 start = READ(cntpct_el0);
    function = what;
    DSB();
    wanted++;
    while (answered != wanted)
        if (READ(cntpct_el0) - start > 20 * READ(cntfrq_el0))
            return false;
    DSB();
    return true;
}

static void translations(unsigned form, unsigned bsu)
{
    const char *name = forms[form].name;
    rt_map_set(&map, WINDOW, 3, TARGET, S1_RAM | S1_NG);
    table_sync();
    CHECK(name, ask(load));
    CHECK_EQ(name, faults, 0);
    CHECK_EQ(name, result, 0x1234);
    *(volatile u64 *)rt_map_entry(&map, WINDOW, 3) = 0;
    WRITE_ISB(hcr_el2, HCR_RW | HCR_FB | HCR_BSU(bsu));
    rt_el1(forms[form].probe, forms[form].arg);
    WRITE_ISB(hcr_el2, HCR_RW);
    CHECK(name, ask(load));
    CHECK_EQ(name, faults, 1);
    CHECK_EQ(name, esr & ~0x3full, ESR(0x25, 0));
    CHECK_EQ(name, esr & 0x3f, 7);
}

static void instructions(unsigned bsu)
{
    static u64 number;
    for (unsigned i = 0; i < 4; i++) {
        number++;
        *(volatile u32 *)&code[0] = 0xd2800000 | (u32)number << 5; /* mov x0, #number */
        *(volatile u32 *)&code[1] = 0xd65f03c0;
        WRITE_ISB(hcr_el2, HCR_RW | HCR_FB | HCR_BSU(bsu));
        rt_el1(do_iallu, (u64)code);
        WRITE_ISB(hcr_el2, HCR_RW);
        CHECK("FB, IC IALLU", ask((u64(*)(u64))code));
        CHECK_EQ("FB, IC IALLU", result, number);
    }
}

static void broadcasts(void)
{
    if (!rt_has_granule(12)) {
        rt_skip("HCR_EL2.FB", "no 4 KiB granule");
        return;
    }
    bool ranges = BITS(READ(id_aa64isar0_el1), 59, 56) >= 2;
    rt_map_init(&map, 12, 39);
    rt_map_image(&map);
    *(volatile u64 *)TARGET = 0x1234;
    function = load;
    if (!rt_start_cpu(1, second)) {
        rt_skip("HCR_EL2.FB", "one CPU");
        return;
    }
    el1_on();
    for (unsigned bsu = 1; bsu < 4; bsu++) {
        for (unsigned i = 0; i < sizeof forms / sizeof *forms; i++)
            if (ranges || !forms[i].range)
                translations(i, bsu);
        instructions(bsu);
    }
    CHECK("the other CPU ends", ask(0));
}

/* --- TLOR ---------------------------------------------------------------------------------- */
PROBE(r_lorsa, "mrs x0, s3_0_c10_c4_0");
PROBE(w_lorsa, "msr s3_0_c10_c4_0, xzr");
PROBE(r_lorea, "mrs x0, s3_0_c10_c4_1");
PROBE(w_lorea, "msr s3_0_c10_c4_1, xzr");
PROBE(r_lorn, "mrs x0, s3_0_c10_c4_2");
PROBE(w_lorn, "msr s3_0_c10_c4_2, xzr");
PROBE(r_lorc, "mrs x0, s3_0_c10_c4_3");
PROBE(w_lorc, "msr s3_0_c10_c4_3, xzr");
PROBE(r_lorid, "mrs x0, s3_0_c10_c4_7");

static const struct {
    const char *name;
    u64 (*probe)(u64);
    unsigned op2;
    bool read;
} lor[] = {
    {"LORSA_EL1", r_lorsa, 0, true}, {"LORSA_EL1, write", w_lorsa, 0, false}, {"LOREA_EL1", r_lorea, 1, true},
    {"LOREA_EL1, write", w_lorea, 1, false}, {"LORN_EL1", r_lorn, 2, true}, {"LORN_EL1, write", w_lorn, 2, false},
    {"LORC_EL1", r_lorc, 3, true}, {"LORC_EL1, write", w_lorc, 3, false}, {"LORID_EL1", r_lorid, 7, true},
};

static void ordering(void)
{
    bool there = BITS(READ(id_aa64mmfr1_el1), 19, 16);
    WRITE_ISB(hcr_el2, HCR_RW | HCR_TLOR);
    CHECK_EQ("HCR_EL2.TLOR is there with FEAT_LOR", !!(READ(hcr_el2) & HCR_TLOR), there);
    for (unsigned i = 0; i < sizeof lor / sizeof *lor; i++) {
        u32 iss = 3u << 20 | lor[i].op2 << 17 | 10 << 10 | (lor[i].read ? 0 : 31) << 5 | 4 << 1 | lor[i].read;
        const struct RtExc *exc = TRY(RT_SKIP, rt_el1(lor[i].probe, 0));
        if (there)
            CHECK_EXC(lor[i].name, exc, 2, 0x400, ESR(0x18, iss));
        else
            CHECK_EXC(lor[i].name, exc, 1, 0x200, ESR(0, 0));
        CHECK_EXC(lor[i].name, TRY(RT_SKIP, rt_el0(lor[i].probe, 0)), 1, 0x400, ESR(0, 0));
        if (there)
            CHECK_NONE("TLOR leaves EL2", TRY(RT_SKIP, lor[i].probe(0)));
    }
    WRITE_ISB(hcr_el2, HCR_RW);
    for (unsigned i = 0; there && i < sizeof lor / sizeof *lor; i++)
        CHECK_NONE("without TLOR", TRY(RT_SKIP, rt_el1(lor[i].probe, 0)));
}

/* --- HCD ----------------------------------------------------------------------------------- */
PROBE(hvc_out, "hvc #0x77\n mrs x0, id_aa64pfr0_el1"); /* the way out is what TID3 traps */
static u64 where[2];

static bool note(struct RtFrame *f)
{
    unsigned ec = (unsigned)(f->esr >> 26);
    if (f->el == 1 && ec == 0) {
        where[0]++;
        where[1] = f->elr;
        f->elr += 4;
        return true;
    }
    if (f->el == 2 && ec == 0x18) {
        WRITE_ISB(hcr_el2, HCR_RW);
        f->elr += 4;
        return true;
    }
    return false;
}

static void disabled(void)
{
    if (BITS(READ(id_aa64pfr0_el1), 15, 12)) {
        rt_skip("HCR_EL2.HCD", "EL3 exists");
        return;
    }
    rt_cpu()->sync = note;
    WRITE_ISB(hcr_el2, HCR_RW | HCR_HCD | HCR_TID3);
    rt_el1(hvc_out, 0);
    rt_cpu()->sync = 0;
    CHECK_EQ("HCD: HVC of EL1 is UNDEFINED there", where[0], 1);
    CHECK_EQ("HCD: HVC of EL1, ELR", where[1], (u64)hvc_out);
    CHECK_EQ("HCD is off again", READ(hcr_el2) & HCR_HCD, 0);
}

static void reserved(void)
{
    bool aarch32 = BITS(READ(id_aa64pfr0_el1), 3, 0) == 2, mte2 = BITS(READ(id_aa64pfr1_el1), 11, 8) >= 2;
    WRITE_ISB(hcr_el2, HCR_RW | BIT(15) | BIT(58) | BIT(57) | BIT(56));
    CHECK_EQ("HCR_EL2.TID0 without AArch32", READ(hcr_el2) & BIT(15), aarch32 ? BIT(15) : 0);
    CHECK_EQ("HCR_EL2.{TID5,DCT,ATA} without FEAT_MTE2", BITS(READ(hcr_el2), 58, 56), mte2 ? 7 : 0);
    WRITE_ISB(hcr_el2, HCR_RW);
}

void test_main(void)
{
    reserved();
    ordering();
    disabled();
    broadcasts();
}
