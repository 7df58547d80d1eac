/*
 * FEAT_LRCPC3: values, write-back and alignment of LDAPR, STLR, LDIAPP, STILP, LDAPUR and STLUR of SIMD registers, LDAP1, STL1.
 * Arm ARM, their pages; "Alignment of data accesses".
 */
#include "rt.h"

#define NAA BIT(6)

static u8 cell[96] __attribute__((aligned(64)));

/* x0 = address; x1, x2 hold what is stored or has been loaded, x0 comes back as the base. */
u64 seen[4];
#define FORM(name, before, word, after)                                                                     \
    PROBE(name, "mov x1, x0\n adrp x4, seen\n add x4, x4, :lo12:seen\n ldr x2, 9f\n ldr x3, 8f\n movi v2.16b, #0xee\n" before \
                "\n .inst " word "\n" after "\n stp x2, x3, [x4]\n str x1, [x4, #16]\n ret\n .balign 8\n 9: .quad 0x0123456789abcdef\n" \
                " 8: .quad 0xfedcba9876543210\n")
FORM(ldapr_x, "", "0xd9c00822", "");
FORM(ldapr_w, "", "0x99c00822", "");
FORM(stlr_x, "", "0xd9800822", "");
FORM(stlr_w, "", "0x99800822", "");
FORM(ldiapp_x, "", "0xd9431822", "");
FORM(ldiapp_w, "", "0x99431822", "");
FORM(ldiapp_x_post, "", "0xd9430822", "");
FORM(ldiapp_w_post, "", "0x99430822", "");
FORM(stilp_x, "", "0xd9031822", "");
FORM(stilp_w, "", "0x99031822", "");
FORM(stilp_x_pre, "", "0xd9030822", "");
FORM(stilp_w_pre, "", "0x99030822", "");
#define V_IN "fmov d2, x2\n mov v2.d[1], x3"
#define V_OUT "fmov x2, d2\n mov x3, v2.d[1]"
FORM(ldapur_b, "", "0x1d400822", V_OUT);
FORM(ldapur_h, "", "0x5d400822", V_OUT);
FORM(ldapur_s, "", "0x9d408822", V_OUT); /* #8 */
FORM(ldapur_d, "", "0xdd400822", V_OUT);
FORM(ldapur_q, "", "0x1dc00822", V_OUT);
FORM(stlur_b, V_IN, "0x1d000822", "");
FORM(stlur_h, V_IN, "0x5d000822", "");
FORM(stlur_s, V_IN, "0x9d1f8822", ""); /* #-8 */
FORM(stlur_d, V_IN, "0xdd000822", "");
FORM(stlur_q, V_IN, "0x1d800822", "");
FORM(ldap1_0, V_IN, "0x0d418422", V_OUT);
FORM(ldap1_1, V_IN, "0x4d418422", V_OUT);
FORM(stl1_0, V_IN, "0x0d018422", "");
FORM(stl1_1, V_IN, "0x4d018422", "");

#define LOW 0x0123456789abcdefull
#define HIGH 0xfedcba9876543210ull
enum { GPR_1, GPR_2, VECTOR, LANE_0, LANE_1 };
static const struct {
    const char *name;
    u64 (*probe)(u64);
    u8 load, kind, element, bytes; /* of one register, and in all */
    int8_t at, moves;              /* where the access is, and by how much the base moves */
} forms[] = {
    {"LDAPR X", ldapr_x, 1, GPR_1, 8, 8, 0, 8}, {"LDAPR W", ldapr_w, 1, GPR_1, 4, 4, 0, 4},
    {"STLR X", stlr_x, 0, GPR_1, 8, 8, -8, -8}, {"STLR W", stlr_w, 0, GPR_1, 4, 4, -4, -4},
    {"LDIAPP X", ldiapp_x, 1, GPR_2, 8, 16, 0, 0}, {"LDIAPP W", ldiapp_w, 1, GPR_2, 4, 8, 0, 0},
    {"LDIAPP X, post", ldiapp_x_post, 1, GPR_2, 8, 16, 0, 16}, {"LDIAPP W, post", ldiapp_w_post, 1, GPR_2, 4, 8, 0, 8},
    {"STILP X", stilp_x, 0, GPR_2, 8, 16, 0, 0}, {"STILP W", stilp_w, 0, GPR_2, 4, 8, 0, 0},
    {"STILP X, pre", stilp_x_pre, 0, GPR_2, 8, 16, -16, -16}, {"STILP W, pre", stilp_w_pre, 0, GPR_2, 4, 8, -8, -8},
    {"LDAPUR B", ldapur_b, 1, VECTOR, 1, 1, 0, 0}, {"LDAPUR H", ldapur_h, 1, VECTOR, 2, 2, 0, 0},
    {"LDAPUR S", ldapur_s, 1, VECTOR, 4, 4, 8, 0}, {"LDAPUR D", ldapur_d, 1, VECTOR, 8, 8, 0, 0},
    {"LDAPUR Q", ldapur_q, 1, VECTOR, 16, 16, 0, 0}, {"STLUR B", stlur_b, 0, VECTOR, 1, 1, 0, 0},
    {"STLUR H", stlur_h, 0, VECTOR, 2, 2, 0, 0}, {"STLUR S", stlur_s, 0, VECTOR, 4, 4, -8, 0},
    {"STLUR D", stlur_d, 0, VECTOR, 8, 8, 0, 0}, {"STLUR Q", stlur_q, 0, VECTOR, 16, 16, 0, 0},
    {"LDAP1 D[0]", ldap1_0, 1, LANE_0, 8, 8, 0, 0}, {"LDAP1 D[1]", ldap1_1, 1, LANE_1, 8, 8, 0, 0},
    {"STL1 D[0]", stl1_0, 0, LANE_0, 8, 8, 0, 0}, {"STL1 D[1]", stl1_1, 0, LANE_1, 8, 8, 0, 0},
};

static u64 bytes_at(unsigned at, unsigned n)
{
    u64 v = 0;
    for (unsigned i = 0; i < n; i++)
        v |= (u64)((volatile u8 *)cell)[at + i] << (8 * i);
    return v;
}

static u64 cut(u64 v, unsigned n)
{
    return n == 8 ? v : v & ((1ull << (8 * n)) - 1);
}

/* What the registers hold after a load of the cell's bytes at `at`. */
static void loaded(unsigned f, unsigned at)
{
    unsigned n = forms[f].element < 8 ? forms[f].element : 8;
    u64 first = bytes_at(at, n), second = bytes_at(at + n, n), x2 = first, x3 = HIGH;
    if (forms[f].kind == GPR_2 || forms[f].bytes == 16)
        x3 = second;
    else if (forms[f].kind == VECTOR)
        x3 = 0;
    else if (forms[f].kind == LANE_1)
        x2 = LOW, x3 = first;
    CHECK_EQ("loaded", seen[0], x2);
    CHECK_EQ("loaded", seen[1], x3);
}

static void stored(unsigned f, unsigned at)
{
    unsigned n = forms[f].element < 8 ? forms[f].element : 8;
    CHECK_EQ("stored", bytes_at(at, n), cut(forms[f].kind == LANE_1 ? HIGH : LOW, n));
    if (forms[f].bytes > n)
        CHECK_EQ("stored", bytes_at(at + n, n), cut(HIGH, n));
    for (unsigned i = 0; i < sizeof cell; i++)
        if ((i < at || i >= at + forms[f].bytes) && cell[i] != (u8)(i * 37 + 5))
            CHECK_EQ("and nothing else", i, at);
}

static void one(unsigned f, unsigned offset, bool naa)
{
    unsigned at = 32 + offset;
    for (unsigned i = 0; i < sizeof cell; i++)
        ((volatile u8 *)cell)[i] = (u8)(i * 37 + 5);
    u64 base = (u64)cell + at - (u64)(int64_t)forms[f].at;
    bool fault = at % forms[f].element && at % 16 + forms[f].bytes > 16 && !naa;
    const struct RtExc *exc = TRY(RT_SKIP, forms[f].probe(base));
    if (exc->count != fault || (fault && exc->esr != ESR(0x25, 0x21 | (forms[f].load ? 0 : 1 << 6)))) {
        rt_printf("%s at %d, nAA %d:\n", forms[f].name, (int)offset, naa);
        CHECK_EQ("exceptions", exc->count, fault);
        CHECK_EQ("ESR", exc->esr, 0);
    }
    if (fault)
        return;
    CHECK_EQ("the base", seen[2], base + (u64)(int64_t)forms[f].moves);
    if (forms[f].load)
        loaded(f, at);
    else
        stored(f, at);
}

void test_main(void)
{
    if (BITS(READ(id_aa64isar1_el1), 23, 20) < 3) {
        rt_skip("FEAT_LRCPC3", "not announced");
        CHECK("skipped", true);
        return;
    }
    u64 sctlr = READ(sctlr_el2);
    for (unsigned naa = 0; naa < 2; naa++) {
        WRITE_ISB(sctlr_el2, naa ? sctlr | NAA : sctlr & ~NAA);
        for (unsigned f = 0; f < sizeof forms / sizeof *forms; f++)
            for (unsigned offset = 0; offset < 16; offset++)
                one(f, offset, naa);
    }
    WRITE_ISB(sctlr_el2, sctlr);
}
