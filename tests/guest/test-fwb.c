/*
 * FEAT_S2FWB: stage 2's attributes with HCR_EL2.FWB set, as PAR_EL1 shows them and as misaligned accesses feel them.
 * Arm ARM, "Stage 2 memory type and Cacheability attributes when FWB is enabled", its tables of MemAttr[2] = 0 and 1.
 */
#include "rt.h"

#define TARGET 0x46000000ull
#define WINDOW 0x100000000ull
#define PAGE 0x1000ull
#define HCR_FWB BIT(46)

PROBE(load, "ldr x0, [x0]");

static struct RtMap s1, s2;

/* Stage 1 by MAIR_EL1 index: Device-nGnRnE and nGnRE, Write-Back with both and with one allocation hint, Non-cacheable,
 * Write-Through, Device-GRE. */
enum { NGNRNE, NGNRE, WB, WB_RA, NC, WT, GRE, S1_KINDS };
static const u8 mair[S1_KINDS] = {0x00, 0x04, 0xff, 0xee, 0x44, 0xbb, 0x0c};
static const char *const names[S1_KINDS] = {"nGnRnE", "nGnRE", "WB", "WB, read-allocate", "NC", "WT", "GRE"};

static bool is_device(u8 attr)
{
    return attr < 0x10;
}

/* What the tables say of stage 1's attribute and MemAttr[2:0]. */
static u8 expected(u8 attr, unsigned mem)
{
    if (mem < 4)
        return is_device(attr) && attr < mem << 2 ? attr : (u8)(mem << 2);
    if (mem == 5)
        return is_device(attr) ? attr : 0x44;
    if (mem == 7)
        return attr;
    return attr == 0xee ? 0xee : 0xff;
}

static u64 at_s12(u64 va)
{
    __asm__ volatile("at s12e1r, %0\n isb" : : "r"(va) : "memory");
    return READ(par_el1);
}

static u64 va_of(unsigned kind, unsigned mem)
{
    return WINDOW + (kind * 8 + mem) * PAGE;
}

static void attributes(void)
{
    for (unsigned kind = 0; kind < S1_KINDS; kind++) {
        for (unsigned mem = 0; mem < 8; mem++) {
            if (mem == 4)
                continue; /* reserved */
            u8 attr = expected(mair[kind], mem);
            u64 sh = is_device(attr) || attr == 0x44 ? 2 : 3, par = at_s12(va_of(kind, mem));
            /* the peer does not combine two Device types */
            bool differs = is_device(mair[kind]) && mem < 4;
            if (!CHECK_EQ(differs ? "two Device types [peer differs]" : names[kind], par & 0xff00000000000181, (u64)attr << 56 | sh << 7))
                rt_printf("  with %s, MemAttr %d\n", names[kind], mem);
            CHECK_EQ("address", BITS(par, 47, 12), (TARGET + (kind * 8 + mem) * PAGE) >> 12);
        }
    }
}

static void misaligned(void)
{
    for (unsigned kind = 0; kind < S1_KINDS; kind++) {
        for (unsigned mem = 0; mem < 8; mem++) {
            if (mem == 4 || (mem == 6 && is_device(mair[kind])))
                continue; /* reserved; CONSTRAINED UNPREDICTABLE */
            bool device1 = is_device(mair[kind]), device = is_device(expected(mair[kind], mem));
            const struct RtExc *exc = TRY(RT_SKIP, rt_el1(load, va_of(kind, mem) + 1));
            CHECK_EQ(names[kind], exc->count ? FSC(exc) : 0, device ? 0x21 : 0);
            if (device)
                CHECK_EQ("Exception level [peer differs]", exc->el, device1 ? 1 : 2);
        }
    }
}

/* The same descriptors without FWB: MemAttr[3:0] in its other encoding. */
static void off(void)
{
    WRITE_ISB(hcr_el2, READ(hcr_el2) & ~HCR_FWB);
    rt_tlbi_all();
    CHECK_EQ("FWB off: 0b0101 is Non-cacheable", at_s12(va_of(WB, 5)) >> 56, 0x44);
    CHECK_EQ("FWB off: 0b0111 is outer Non-cacheable, inner Write-Back", at_s12(va_of(WB, 7)) >> 56, 0x4f);
    CHECK_EQ("FWB off: 0b0010 is Device-nGRE", at_s12(va_of(WB, 2)) >> 56, 0x08);
}

void test_main(void)
{
    if (BITS(READ(id_aa64mmfr2_el1), 43, 40) < 1) {
        rt_skip("FWB", "S2FWB is not announced");
        CHECK_EQ("HCR_EL2.FWB is RES0", (WRITE(hcr_el2, HCR_RW | HCR_FWB), READ(hcr_el2)) & HCR_FWB, 0);
        return;
    }
    u64 indices = 0;
    rt_map_init(&s1, 12, 39);
    rt_map_image(&s1);
    rt_map_init(&s2, 12, 39);
    /* the image is mapped by index 0 (Device), 1 (Normal): keep those, and put the others behind them */
    rt_map_image_s2(&s2);
    for (unsigned kind = 0; kind < S1_KINDS; kind++)
        for (unsigned mem = 0; mem < 8; mem++) {
            u64 ipa = TARGET + (kind * 8 + mem) * PAGE, index = kind == NGNRNE ? 0 : kind == WB ? 1 : kind == NGNRE ? 2 : kind;
            rt_map_set(&s1, va_of(kind, mem), 3, ipa, index << 2 | S1_SH | S1_AF);
            rt_map_set(&s2, ipa, 3, ipa, mem << 2 | S2_R | S2_W | S2_SH | S2_AF);
            indices = (indices & ~(0xffull << 8 * index)) | (u64)mair[kind] << 8 * index;
        }
    rt_el1_mmu(&s1, 0);
    WRITE(mair_el1, indices);
    rt_s2(&s2, 1, HCR_FWB);
    attributes();
    misaligned();
    off();
    rt_s2_off();
}
