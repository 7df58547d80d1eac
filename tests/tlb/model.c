/*
 * The reference walker of the TLB model test.
 */
#include "model.h"

static const uint16_t pages[M_PAGES] = { 0, 1, 100, 511 };
static const uint64_t bases[M_REGIONS] = { 0x400000, 0x600000, 0xffff000000800000 };

uint64_t m_va(unsigned region, unsigned page)
{
    return bases[region] + (uint64_t)pages[page] * 4096;
}

uint64_t m_ipa(unsigned region, unsigned page)
{
    return 0x40000000 + (uint64_t)region * 0x200000 + (uint64_t)pages[page] * 4096;
}

unsigned m_page_of(uint64_t address)
{
    unsigned n = address >> 12 & 511;

    return n == 0 ? 0 : n == 1 ? 1 : n == 100 ? 2 : 3;
}

unsigned m_region_of(uint64_t va)
{
    return va >> 63 ? 2 : va >> 21 == bases[1] >> 21 ? 1 : 0;
}

/* Physical memory is never shared by two leaf numbers. */
static uint64_t physical(const MRegion *r, const MLeaf *l, uint64_t ipa)
{
    return r->block ? (UINT64_C(1) << 40 | (uint64_t)l->where << 21) + (ipa & 0x1fffff) :
                      (UINT64_C(2) << 40 | (uint64_t)l->where << 12);
}

unsigned m_copy(uint64_t pa)
{
    return (pa >> 40 == 1 ? pa >> 21 : pa >> 12) & 1;
}

MXlat m_stage2(const MState *s, uint32_t vmid, uint64_t ipa)
{
    const MRegion *r = &s->s2[vmid][(ipa - 0x40000000) >> 21];
    const MLeaf *l = r->block ? &r->whole : &r->page[m_page_of(ipa)];
    MXlat x = { .ok = l->valid };

    x.pa = physical(r, l, ipa);
    x.s2_bits = r->block ? 21 : 12;
    x.read = 7;
    x.write = l->write ? 7 : 0;
    x.exec = l->exec ? 7 : 0;
    return x;
}

bool m_tables_through_s2(const MContext *c)
{
    return c->regime == M_EL10 && c->digest != M_S2_OFF && c->digest != M_S1_OFF;
}

uint64_t m_table_ipa(const MContext *c)
{
    return m_ipa(M_TABLE_REGION, c->asid);
}

/* Stage 1: the IPA in pa. */
static MXlat stage1(const MState *s, const MContext *c, unsigned copy, uint64_t va)
{
    unsigned region = m_region_of(va);
    const MRegion *r = c->regime == M_EL2 ? &s->el2[region] :
                                            &s->s1[c->vmid][c->asid][copy][region];
    const MLeaf *l = r->block ? &r->whole : &r->page[m_page_of(va)];
    MXlat x = { .ok = l->valid, .global = l->global || c->regime == M_EL2 };

    x.s1_bits = r->block ? 21 : 12;
    x.pa = r->block ? m_ipa(l->where % 3, 0) + (va & 0x1ff000) :
                      m_ipa(l->where % 3, l->where / 3 % 4);
    x.read = l->user ? 7 : 6;
    x.write = l->write ? x.read : 0;
    x.exec = l->exec && !(c->digest == M_WXN && l->write) ? x.read : 0;
    return x;
}

MXlat m_walk(const MState *s, const MContext *c, unsigned copy, uint64_t va)
{
    MXlat x = { .ok = true, .s1_bits = 12, .global = true, .read = 7, .write = 7, .exec = 7 };
    MXlat y;

    if (c->regime == M_EL10 && c->digest == M_S1_OFF) {
        x.pa = m_ipa(m_region_of(va), m_page_of(va));
    } else {
        x = stage1(s, c, copy, va);
    }
    if (!x.ok || c->regime == M_EL2 || c->digest == M_S2_OFF) {
        return x;
    }
    y = m_stage2(s, c->vmid, x.pa);
    y.s1_bits = x.s1_bits;
    y.global = x.global;
    y.read &= x.read;
    y.write &= x.write;
    y.exec &= x.exec;
    return y;
}
