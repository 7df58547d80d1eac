/*
 * Memory types and cacheability: MAIR decoding and the combination of both stages. Attributes are
 * kept in MAIR's own encoding. Arm ARM, "Memory region attributes", "Stage 2 memory region type and
 * cacheability attributes", "Combining stage 1 and stage 2".
 *
 * The XS attribute (FEAT_XS) is not kept: no access takes long. PAR_EL1 shows the attributes as
 * implemented, which it may. MAIR's encodings with XS = 0 are what they are without.
 */
#include "walk.h"
#include "unpredictable.h"

enum { SH_OUTER = 2, SH_INNER = 3, NIBBLE_NC = 4 };

/* 0 Non-cacheable, 1 Write-Through, 2 Write-Back: what half of a Normal attribute says. */
static unsigned cache_class(unsigned nibble)
{
    if (nibble == NIBBLE_NC) {
        return 0;
    }
    return nibble & 4 ? 2 : 1;
}

static unsigned shareability(unsigned sh)
{
    return sh == 1 ? a64_unpred_shareability() : sh;
}

A64MemAttr a64_attr_effective(A64MemAttr a)
{
    if (a.device || a.attr == 0x44) {
        a.sh = SH_OUTER;
    }
    return a;
}

A64MemAttr a64_attr_stage1(const A64View *v, unsigned index, unsigned sh)
{
    uint8_t attr = (uint8_t)((index < 8 ? v->r.mair : v->r.mair2) >> 8 * (index & 7));
    A64MemAttr a = { .sh = (uint8_t)shareability(sh) };

    if (!(attr >> 4)) {
        a.device = true;
        a.attr = attr & 0x0c;
        return a;
    }
    if (!(attr & 15)) {
        attr = a64_unpred_mair(attr);
    }
    a.attr = v->r.flags & A64_VF_C ? attr : 0x44;
    return a;
}

static unsigned combine_sh(unsigned s1, unsigned s2)
{
    if (s1 == SH_OUTER || s2 == SH_OUTER) {
        return SH_OUTER;
    }
    return s1 == SH_INNER || s2 == SH_INNER ? SH_INNER : 0;
}

/* Weaker of the two; the allocation hints are stage 1's. class2: 1 NC, 2 WT, 3 WB, 0
 * reserved. */
static unsigned combine_half(unsigned s1, unsigned class2)
{
    if (class2 == 1 || a64_unpred_memattr_is_nc(class2) || s1 == NIBBLE_NC) {
        return NIBBLE_NC;
    }
    if (class2 == 2 && cache_class(s1) == 2) {
        return s1 & ~4u; /* Write-Back, transient or not -> Write-Through */
    }
    return s1;
}

static A64MemAttr combine_fwb(A64MemAttr s1, unsigned attr, bool *device)
{
    A64MemAttr a = s1;

    *device = !(attr & 4);
    if (*device) {
        a.device = true;
        a.attr = (uint8_t)((attr & 3) << 2);
        if (s1.device && s1.attr < a.attr) {
            a.attr = s1.attr;
        }
    } else if ((attr & 3) == 2) {
        unsigned in = s1.device ? NIBBLE_NC : s1.attr & 15u;
        unsigned out = s1.device ? NIBBLE_NC : s1.attr >> 4;

        /* Write-Back; hints of stage 1 when it was cacheable */
        in = in == NIBBLE_NC ? 15 : cache_class(in) == 2 ? in : in | 4;
        out = out == NIBBLE_NC ? 15 : cache_class(out) == 2 ? out : out | 4;
        a.device = false;
        a.attr = (uint8_t)(out << 4 | in);
    } else if ((attr & 3) != 3 && !s1.device) {
        a.attr = 0x44;
    }
    return a;
}

A64MemAttr a64_attr_combine(const A64View *v, A64MemAttr s1, unsigned attr, unsigned sh,
                            bool *device)
{
    bool off = v->r.flags & A64_VF_CD;
    A64MemAttr a;

    if (v->r.flags & A64_VF_FWB) {
        a = combine_fwb(s1, attr, device);
        if (off && !a.device) {
            a.attr = 0x44;
        }
    } else {
        a = s1;
        *device = attr < 4;
        if (*device) {
            a.device = true;
            a.attr = (uint8_t)(attr << 2);
            if (s1.device && s1.attr < a.attr) {
                a.attr = s1.attr;
            }
        } else if (!s1.device) {
            unsigned out = off ? 1 : attr >> 2, in = off ? 1 : attr & 3;

            a.attr = (uint8_t)(combine_half(s1.attr >> 4, out) << 4 |
                               combine_half(s1.attr & 15u, in));
        }
    }
    a.sh = (uint8_t)combine_sh(s1.sh, shareability(sh));
    return a64_attr_effective(a);
}
