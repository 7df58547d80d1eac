/*
 * TLBI: from encoding and operand to what the TLB is asked to drop. TTL is a hint that is not
 * needed here: the leaf's own size decides. nXS means no less: accesses complete at once, whatever
 * their XS attribute. Outer Shareable is Inner Shareable: there is one domain. Arm ARM, "TLB
 * maintenance instructions", "TLB range maintenance instructions".
 */
#include "tlbi.h"

#define VA_PAGE_BITS ((UINT64_C(1) << 56) - ARM_PAGE_SIZE)

/* BaseADDR, NUM, SCALE and TG of a range operand. */
static bool range(uint64_t xt, bool ds, bool is_va, EngTlbi *t)
{
    unsigned tg = (unsigned)(xt >> 46) & 3, granule = tg * 2 + 10;
    unsigned shift = ds ? 16 : granule;
    uint64_t base = xt & ((UINT64_C(1) << 37) - 1), limit;

    if (!tg) {
        return false;
    }
    if (is_va) {
        base = (uint64_t)((int64_t)(base << 27) >> 27);
    }
    t->base = base << shift & VA_PAGE_BITS;
    t->size = ((xt >> 39 & 31) + 1) << (5 * (xt >> 44 & 3) + 1 + granule);
    /* it ends with its half of the address space */
    limit = (t->base >> 55) ? UINT64_C(1) << 56 : UINT64_C(1) << 55;
    if (t->size > limit - t->base) {
        t->size = limit - t->base;
    }
    return true;
}

static void one_va(uint64_t xt, EngTlbi *t)
{
    t->kind = ENG_TLBI_VA;
    t->base = xt << 12 & VA_PAGE_BITS;
    t->size = ARM_PAGE_SIZE;
}

/* CRm 0 and 4 with op1 = 4: by IPA. */
static bool by_ipa(const A64TlbiContext *c, A64SysOp op, uint64_t xt, EngTlbi *t)
{
    bool is_range = (op.op2 & 3) >= 2;

    if (op.crm == 0 && ((op.op2 & 3) == 0 || (op.op2 & 3) == 3)) {
        return false;
    }
    *t = (EngTlbi){ .kind = ENG_TLBI_IPA, .regime = A64_REGIME_EL10, .vmid = c->vmid };
    if (is_range) {
        return range(xt, c->ds2, false, t);
    }
    t->base = xt << 12 & ((UINT64_C(1) << 52) - 1);
    t->size = ARM_PAGE_SIZE;
    return true;
}

/* The rest of op1 = 4. */
static bool by_el2(const A64TlbiContext *c, A64SysOp op, uint64_t xt, EngTlbi *t)
{
    bool el20 = c->el2_is_el20;

    *t = (EngTlbi){ .kind = ENG_TLBI_VMID_S1, .regime = el20 ? A64_REGIME_EL20 : A64_REGIME_EL2 };
    switch (op.op2) {
    case 0: /* ALLE2 */
        return true;
    case 1: /* VAE2, RVAE2 */
    case 5: /* VALE2, RVALE2 */
        t->asid = el20 ? (uint32_t)(xt >> 48) & (c->asid16 ? 0xffff : 0xff) : 0;
        one_va(xt, t);
        return true;
    case 4: /* ALLE1 */
        t->kind = ENG_TLBI_ALL;
        t->regime = A64_REGIME_EL10;
        return true;
    case 6: /* VMALLS12E1 */
        t->kind = ENG_TLBI_VMID;
        t->regime = A64_REGIME_EL10;
        t->vmid = c->vmid;
        return true;
    default:
        return false;
    }
}

static bool by_el1(const A64TlbiContext *c, A64SysOp op, uint64_t xt, EngTlbi *t)
{
    *t = (EngTlbi){ .kind = ENG_TLBI_VMID_S1,
                    .regime = c->el1_is_el20 ? A64_REGIME_EL20 : A64_REGIME_EL10,
                    .vmid = c->el1_is_el20 ? 0 : c->vmid,
                    .asid = (uint32_t)(xt >> 48) & (c->asid16 ? 0xffff : 0xff) };
    switch (op.op2) {
    case 0: /* VMALLE1 */
        t->asid = 0;
        return true;
    case 2: /* ASIDE1 */
        t->kind = ENG_TLBI_ASID;
        return true;
    case 1: /* VAE1, RVAE1 */
    case 5: /* VALE1, RVALE1 */
        one_va(xt, t);
        return true;
    case 3: /* VAAE1, RVAAE1 */
    case 7: /* VAALE1, RVAALE1 */
        t->asid = 0;
        t->any_asid = true;
        one_va(xt, t);
        return true;
    default:
        return false;
    }
}

bool a64_tlbi_decode(const A64TlbiContext *c, A64SysOp op, uint64_t xt, EngTlbi *out,
                     bool *broadcast)
{
    bool is_range = op.crm == 2 || op.crm == 5 || op.crm == 6;

    if (op.op1 == 4 && (op.crm == 0 || op.crm == 4)) {
        /* CRm 0: IS; CRm 4: op2 0, 3, 4, 7 OS, the others local */
        *broadcast = op.crm == 0 || (op.op2 & 3) == 0 || (op.op2 & 3) == 3;
        if (op.crm == 4 && (op.op2 & 3) == 0) {
            op.op2 |= 1; /* IPAS2E1OS: one address */
        }
        return by_ipa(c, op, xt, out);
    }
    *broadcast = op.crm == 1 || op.crm == 3 || op.crm == 2 || op.crm == 5;
    if (!(op.op1 == 4 ? by_el2(c, op, xt, out) : by_el1(c, op, xt, out))) {
        return false;
    }
    return !is_range || (out->kind == ENG_TLBI_VA && range(xt, c->ds1, true, out));
}
