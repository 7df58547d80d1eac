/*
 * Stage-2-only translations, whole leaves: for the table accesses of stage-1 walks.
 * Arm ARM, "TLB maintenance": TLBI IPAS2 takes the stage-2 leaf that holds the IPA; VMALLS12 and
 * ALL take everything.
 */
#include "tlb-impl.h"

static TlbStage2 *slot_of(EngTlb *t, uint32_t vmid, uint64_t ipa, unsigned bits)
{
    uint64_t n = ipa >> bits;

    return &t->stage2[(n ^ n >> 9 ^ vmid * 0x9e3779b1u ^ bits * 0x61u) % TLB_STAGE2];
}

bool eng_tlb_stage2(EngVcpu *cpu, uint32_t vmid, uint32_t digest, Ipa ipa, EngXlat *out)
{
    EngTlb *t = cpu->tlb;

    eng_tlb_also_activate(t, vmid);
    for (uint64_t m = t->stage2_sizes; m; m &= m - 1) {
        unsigned bits = (unsigned)__builtin_ctzll(m);
        const TlbStage2 *e = slot_of(t, vmid, ipa.v, bits);

        if (e->bits == bits && e->vmid == vmid && e->digest == digest && e->gen == t->stage2_gen &&
            !((e->ipa ^ ipa.v) >> bits)) {
            *out = (EngXlat){ .pa = { e->pa | (ipa.v & ((UINT64_C(1) << bits) - 1)) },
                              .ipa = ipa,
                              .s2_bits = e->bits,
                              .s2_level = e->level,
                              .read = e->read,
                              .write = e->write };
            return true;
        }
    }
    return false;
}

void eng_tlb_stage2_fill(EngVcpu *cpu, uint32_t vmid, uint32_t digest, Ipa ipa, const EngXlat *x)
{
    EngTlb *t = cpu->tlb;
    unsigned bits = x->s2_bits;

    t->stage2_sizes |= UINT64_C(1) << bits;
    *slot_of(t, vmid, ipa.v, bits) = (TlbStage2){ .ipa = ipa.v >> bits << bits,
                                                  .pa = x->pa.v >> bits << bits,
                                                  .vmid = vmid,
                                                  .digest = digest,
                                                  .gen = t->stage2_gen,
                                                  .bits = (uint8_t)bits,
                                                  .read = x->read,
                                                  .write = x->write,
                                                  .level = x->s2_level };
}

static void drop_leaves(EngTlb *t, const EngTlbi *what, unsigned bits)
{
    uint64_t first = what->base >> bits, last = (what->base + what->size - 1) >> bits;

    if (last - first >= TLB_STAGE2) {
        for (int i = 0; i < TLB_STAGE2; i++) {
            TlbStage2 *e = &t->stage2[i];

            if (e->bits == bits && e->vmid == what->vmid && e->ipa >> bits >= first &&
                e->ipa >> bits <= last) {
                e->bits = 0;
            }
        }
        return;
    }
    for (uint64_t n = first; n <= last; n++) {
        TlbStage2 *e = slot_of(t, what->vmid, n << bits, bits);

        if (e->bits == bits && e->vmid == what->vmid && e->ipa >> bits == n) {
            e->bits = 0;
        }
    }
}

void eng_tlb_stage2_drop(EngTlb *t, const EngTlbi *what)
{
    if (what->kind == ENG_TLBI_ALL) {
        t->stage2_gen++;
        return;
    }
    if (what->kind == ENG_TLBI_VMID) {
        for (int i = 0; i < TLB_STAGE2; i++) {
            if (t->stage2[i].vmid == what->vmid) {
                t->stage2[i].bits = 0;
            }
        }
        return;
    }
    if (tlb_planted(t, TLB_PLANT_IPA)) {
        return;
    }
    for (uint64_t m = t->stage2_sizes; m; m &= m - 1) {
        unsigned bits = (unsigned)__builtin_ctzll(m);

        if (bits == ARM_PAGE_BITS || !tlb_planted(t, TLB_PLANT_IPA_SIZE)) {
            drop_leaves(t, what, bits);
        }
    }
}
