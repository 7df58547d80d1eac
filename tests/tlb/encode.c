/*
 * A TLBI of the model as an instruction: encoding and operand, written from the encodings and field
 * descriptions of the Arm ARM's "A64 System instructions for TLB maintenance". The product decodes
 * what comes out.
 */
#include "test-tlb.h"

enum { LOCAL, INNER, OUTER };

/* CRm: what a form reaches. */
static unsigned crm_of(unsigned reach, bool range)
{
    static const uint8_t single[3] = { 7, 3, 1 }, ranges[3] = { 6, 2, 5 };

    return range ? ranges[reach] : single[reach];
}

/* By IPA the reach is in CRm and op2. */
static A64SysOp by_ipa(unsigned reach, bool range, bool last)
{
    static const uint8_t single[3] = { 1, 1, 0 }, ranges[3] = { 2, 2, 3 };

    return (A64SysOp){ 4, 8, reach == INNER ? 0 : 4,
                       (range ? ranges : single)[reach] + (last ? 4u : 0u) };
}

static A64SysOp all_of(const EngTlbi *i, unsigned reach)
{
    unsigned crm = crm_of(reach, false);

    if (i->regime == M_EL2) {
        return (A64SysOp){ 4, 8, crm, 0 }; /* ALLE2 */
    }
    if (i->kind == ENG_TLBI_ALL || i->kind == ENG_TLBI_VMID) { /* ALLE1, VMALLS12E1 */
        return (A64SysOp){ 4, 8, crm, i->kind == ENG_TLBI_ALL ? 4 : 6 };
    }
    return (A64SysOp){ 0, 8, crm, i->kind == ENG_TLBI_ASID ? 2 : 0 }; /* ASIDE1, VMALLE1 */
}

/* TTL of one address: granule (4K: 0b01) and level. Without a hint now and then a reserved value,
 * which says nothing. */
static uint64_t single_ttl(const Past *p, uint32_t r)
{
    static const uint8_t none[8] = { 0, 0, 0, 1, 2, 3, 4 /* level 0 without LPA2 */, 0 };

    return p->hint ? 4u | p->hint : none[r & 7];
}

static uint64_t operand(const Past *p, uint32_t r)
{
    const EngTlbi *i = &p->what;
    uint64_t asid = i->kind == ENG_TLBI_VA || i->kind == ENG_TLBI_ASID ? (uint64_t)i->asid << 48 : 0;

    if (i->kind == ENG_TLBI_ASID) {
        return asid | (r & 0xfffff); /* the rest is RES0 */
    }
    if (!i->size) {
        return (uint64_t)r << 20;
    }
    if (p->range) {
        return asid | 1ull << 46 | (uint64_t)p->scale << 44 | (uint64_t)p->num << 39 |
               (uint64_t)p->hint << 37 | (i->base >> 12 & 0x1fffffffffull);
    }
    return asid | single_ttl(p, r) << 44 | (i->base >> 12 & 0xfffffffffffull);
}

A64SysOp test_encode(const Past *p, uint32_t r, uint64_t *xt)
{
    const EngTlbi *i = &p->what;
    unsigned reach = !p->broadcast ? LOCAL : r >> 8 & 1 ? OUTER : INNER;
    bool last = r >> 9 & 1;
    A64SysOp op;

    *xt = operand(p, r >> 12);
    if (i->kind == ENG_TLBI_IPA) {
        op = by_ipa(reach, p->range, last);
    } else if (i->kind == ENG_TLBI_VA) {
        op = (A64SysOp){ i->regime == M_EL2 ? 4 : 0, 8, crm_of(reach, p->range),
                         (i->any_asid ? 3u : 1u) + (last ? 4u : 0u) };
    } else {
        op = all_of(i, reach);
    }
    op.crn = r >> 10 & 1 ? 9 : 8; /* nXS */
    return op;
}
