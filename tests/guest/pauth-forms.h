/* FEAT_PAuth_LR's instructions, which the assembler does not know, and what the tests of it share. */
#pragma once

#include "rt.h"

#define SCTLR2_EL1 s3_0_c1_c0_3
#define SCTLR2_EL12 s3_5_c1_c0_3
#define SCTLR2_EL2 s3_4_c1_c0_3
#define HCRX_EL2 s3_4_c1_c2_2
#define HCRX_SCTLR2EN BIT(15)
#define HCRX_PACMEN BIT(24)
#define EN_PACM BIT(7)
#define EN_PACM0 BIT(8)
#define SPSR_PACM BIT(35)
#define HCR_TSC BIT(19)
#define HCR_HCD BIT(29)
#define HCR_APK BIT(40)
#define HCR_API BIT(41)
#define ALL_KEYS (BIT(31) | BIT(30) | BIT(27) | BIT(13))

#define INST(word) ".inst " STR(word) "\n"
#define PACM INST(0xd50324ff)
#define PACIASPPC INST(0xdac1a3fe)
#define PACIBSPPC INST(0xdac1a7fe)
#define PACNBIASPPC INST(0xdac183fe)
#define PACNBIBSPPC INST(0xdac187fe)
#define PACIA171615 INST(0xdac18bfe)
#define PACIB171615 INST(0xdac18ffe)
#define AUTIA171615 INST(0xdac1bbfe)
#define AUTIB171615 INST(0xdac1bffe)
#define AUTIASPPCR(n) INST(0xdac1901e + (n << 5))
#define AUTIBSPPCR(n) INST(0xdac1941e + (n << 5))
#define AUTIASPPC(words) INST(0xf380001f + (words << 5))
#define AUTIBSPPC(words) INST(0xf3a0001f + (words << 5))
#define RETAASPPC(words) INST(0x5500001f + (words << 5))
#define RETABSPPC(words) INST(0x5520001f + (words << 5))
#define RETAASPPCR(m) INST(0xd65f0be0 + m)
#define RETABSPPCR(m) INST(0xd65f0fe0 + m)

#define KEEP "mov x10, x30\n"
#define BACK "mov x30, x10\n"
#define SAME "cmp x30, x11\n mov x0, #77\n csel x0, x0, xzr, eq\n" BACK
#define LR "adr x11, 9f\n mov x30, x11\n"
#define RETURNED "mov x0, xzr\n b 8f\n 9: mov x0, #77\n 8:" BACK

static inline void none(const char *what, const struct RtExc *exc)
{
    rt_check(!exc->count, WHERE, what, exc->count ? exc->esr : 0, 0);
}

static inline u64 lr_pacm_of(const struct RtExc *exc)
{
    return exc->count ? BITS(exc->spsr, 35, 35) : 99;
}

/* ID_AA64ISAR1_EL1.{API,APA}, ID_AA64ISAR2_EL1.APA3: 6 in one; ID_AA64ISAR3_EL1.PACM: 1 only without QARMA. */
static inline bool lr_announced(bool *full, bool *qarma)
{
    u64 isar1 = READ(id_aa64isar1_el1), five = BITS(isar1, 7, 4), three = BITS(READ(s3_0_c0_c6_2), 15, 12);
    u64 level = five | three | BITS(isar1, 11, 8), pacm = BITS(READ(s3_0_c0_c6_3), 15, 12);
    *qarma = five || three;
    *full = pacm == 2;
    if (level < 6) {
        CHECK_EQ("no PACM without", pacm, 0);
        return false;
    }
    CHECK("PACM", *full || (pacm == 1 && !*qarma));
    return true;
}

static inline void lr_set_keys(void)
{
    WRITE(s3_0_c2_c1_0, 0x0123456789abcdef);
    WRITE(s3_0_c2_c1_1, 0xfedcba9876543210);
    WRITE(s3_0_c2_c1_2, 0x1111111122222222);
    WRITE_ISB(s3_0_c2_c1_3, 0x3333333344444444);
}

/* From EL2: EL1 translated flat, keys A and B and PACM enabled everywhere. */
static inline void lr_enable(void)
{
    lr_set_keys();
    rt_el1_flat();
    WRITE(sctlr_el1, READ(sctlr_el1) | ALL_KEYS);
    WRITE(HCRX_EL2, READ(HCRX_EL2) | HCRX_PACMEN | HCRX_SCTLR2EN);
    WRITE(SCTLR2_EL1, EN_PACM | EN_PACM0);
    WRITE(SCTLR2_EL2, EN_PACM | EN_PACM0);
    WRITE(sctlr_el2, READ(sctlr_el2) | ALL_KEYS);
    WRITE_ISB(hcr_el2, READ(hcr_el2) | HCR_API | HCR_APK);
}
