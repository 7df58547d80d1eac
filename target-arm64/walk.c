/*
 * Table parameters and the loop over levels of one stage.
 * Arm ARM, "Translation tables and the translation process", "Translation table base address
 * register", "VMSAv8-64 descriptor formats", "Address size configuration".
 */
#include "walk.h"

#include "a64-sysregs.h"
#include "unpredictable.h"

enum { DESC_AF = 1 << 10 };

static uint64_t ones(unsigned n)
{
    return n >= 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1;
}

static unsigned output_bits(const A64View *v, unsigned ps, unsigned granule)
{
    static const uint8_t sizes[7] = { 32, 36, 40, 42, 44, 48, 52 };
    unsigned size = ps < 7 ? sizes[ps] : a64_unpred_reserved_ps();
    bool wide = granule == 16 || (granule == 12 ? v->caps.lpa2_4 : v->caps.lpa2_16);
    unsigned max = v->caps.pa_bits;

    if (max > 48 && !wide) {
        max = 48;
    }
    return size < max ? size : max;
}

static bool has_granule(const A64MmuCaps *c, unsigned granule)
{
    return granule == 12 ? c->gran4 : granule == 14 ? c->gran16 : c->gran64;
}

/* Reserved and unimplemented encodings select a granule that exists. */
static unsigned implemented_granule(const A64MmuCaps *c, unsigned granule)
{
    if (granule && has_granule(c, granule)) {
        return granule;
    }
    return a64_unpred_granule(c->gran4, c->gran64);
}

static unsigned granule_tg0(const A64MmuCaps *c, unsigned tg)
{
    static const uint8_t bits[4] = { 12, 16, 14, 0 };

    return implemented_granule(c, bits[tg]);
}

static unsigned granule_tg1(const A64MmuCaps *c, unsigned tg)
{
    static const uint8_t bits[4] = { 0, 14, 12, 16 };

    return implemented_granule(c, bits[tg]);
}

static unsigned max_txsz(const A64MmuCaps *c, unsigned granule)
{
    if (!c->ttst) {
        return 39;
    }
    return granule == 16 ? 47 : 48;
}

/* The base field of a TTBR, aligned to the first table's size. */
static uint64_t table_base(const A64View *v, const A64Tables *t, uint64_t ttbr, unsigned ps)
{
    unsigned stride = t->granule - 3u;
    unsigned below = (unsigned)(3 - t->start) * stride + t->granule;
    unsigned size = t->ia_bits + 3u - below;
    uint64_t base = ttbr & ones(48) & ~UINT64_C(1);

    if (t->ds || (t->granule == 16 && v->caps.pa_bits == 52 && ps == 6)) {
        base = (ttbr & ones(48)) | (ttbr >> 2 & 15) << 48;
        size = size < 6 ? 6 : size;
    }
    return a64_unpred_table_base(base, size);
}

static int start_level(unsigned ia_bits, unsigned granule)
{
    return 3 - (int)((ia_bits - 1 - granule) / (granule - 3));
}

A64Stage1 a64_stage1_params(const A64View *v, uint64_t va)
{
    uint64_t tcr = v->r.tcr;
    bool two = v->r.regime != A64_REGIME_EL2;
    bool up = two && (va >> 55 & 1);
    unsigned txsz = (unsigned)(up ? tcr >> 16 : tcr) & 63;
    unsigned ps = (unsigned)(tcr >> 32) & 7;
    unsigned g = up ? granule_tg1(&v->caps, tcr >> 30 & 3) : granule_tg0(&v->caps, tcr >> 14 & 3);
    bool lpa2 = g == 12 ? v->caps.lpa2_4 : g == 14 && v->caps.lpa2_16;
    bool ds = lpa2 && (tcr >> 59 & 1);
    unsigned min = ds || (g == 16 && v->caps.lva) ? 12 : 16;
    A64Stage1 s = {
        .t = { .granule = (uint8_t)g,
               .ds = ds,
               .wide64 = g == 16 && v->caps.pa_bits == 52,
               .oa_bits = (uint8_t)output_bits(v, ps, g),
               .ha = v->caps.haf && (tcr >> 39 & 1),
               .hd = v->caps.hd && (tcr >> 40 & 1),
               .haft = v->caps.haf && (tcr >> 39 & 1) && (v->r.flags & A64_VF_HAFT),
               .big_endian = v->r.flags & A64_VF_EE,
               .assured = (v->r.flags & A64_VF_S2) &&
                          (v->r.vtcr & (up ? A64_VTCR_EL2_TL1 : A64_VTCR_EL2_TL0)) },
        .upper = up,
        .tbi = tcr >> (up ? 38 : 37) & 1,
        .epd = two && (tcr >> (up ? 23 : 7) & 1),
        .e0pd = two && v->caps.e0pd && (tcr >> (up ? 56 : 55) & 1),
        /* "hierarchical permissions are disabled" by each of these */
        .hpd = (v->caps.hpds && (tcr >> (up ? 42 : 41) & 1)) ||
               (v->r.flags & (A64_VF_PIE | A64_VF_POE | A64_VF_E0POE)),
        .sh = (uint8_t)(tcr >> (up ? 28 : 12) & 3),
    };

    s.tbi_fetch = s.tbi && !(tcr >> (up ? 52 : 51) & 1);
    if (a64_unpred_txsz_faults(txsz, min, max_txsz(&v->caps, g))) {
        s.t.bad = true;
        return s;
    }
    s.t.ia_bits = (uint8_t)(64 - txsz);
    s.t.start = (int8_t)start_level(s.t.ia_bits, g);
    s.t.base = table_base(v, &s.t, v->ttbr[up], ps);
    return s;
}

/* Start level from SL2:SL0. */
static int stage2_start(const A64View *v, unsigned g, bool ds)
{
    unsigned sl0 = (unsigned)(v->r.vtcr >> 6) & 3;
    unsigned pa = v->caps.pa_bits;
    const int none = a64_unpred_stage2_start();

    switch (g) {
    case 12:
        if (ds && (v->r.vtcr >> 33 & 1)) {
            return sl0 == 0 ? -1 : none;
        }
        if (sl0 == 3) {
            return v->caps.ttst ? 3 : none;
        }
        return sl0 == 2 && pa < 44 ? none : 2 - (int)sl0;
    case 14:
        if (sl0 == 3) {
            return ds ? 0 : none;
        }
        return sl0 == 2 && pa < 42 ? none : 3 - (int)sl0;
    default:
        if (sl0 == 3) {
            return none;
        }
        return sl0 == 2 && pa < 44 ? none : 3 - (int)sl0;
    }
}

A64Tables a64_stage2_tables(const A64View *v)
{
    uint64_t vtcr = v->r.vtcr;
    unsigned g = granule_tg0(&v->caps, vtcr >> 14 & 3);
    unsigned txsz = (unsigned)vtcr & 63, ps = (unsigned)(vtcr >> 16) & 7;
    bool lpa2 = g == 12 ? v->caps.lpa2_4 : g == 14 && v->caps.lpa2_16;
    bool ds = lpa2 && (vtcr >> 32 & 1);
    unsigned ipa = v->caps.pa_bits > 48 && g != 16 && !ds ? 48 : v->caps.pa_bits;
    A64Tables t = {
        .granule = (uint8_t)g,
        .ds = ds,
        .wide64 = g == 16 && v->caps.pa_bits == 52,
        .oa_bits = (uint8_t)output_bits(v, ps, g),
        .ha = v->caps.haf && (vtcr >> 21 & 1),
        .hd = v->caps.hd && (vtcr >> 22 & 1),
        .haft = v->caps.haf && (vtcr >> 21 & 1) && (v->r.flags & A64_VF_S2HAFT),
        .big_endian = v->r.flags & A64_VF_S2EE,
    };
    int start = stage2_start(v, g, ds);
    unsigned least;

    if (a64_unpred_txsz_faults(txsz, 64 - ipa, max_txsz(&v->caps, g)) ||
        start == a64_unpred_stage2_start()) {
        t.bad = true;
        return t;
    }
    t.ia_bits = (uint8_t)(64 - txsz);
    t.start = (int8_t)start;
    /* Up to 16 tables may be concatenated at the first level. */
    least = (unsigned)(3 - start) * (g - 3) + g + 1;
    if (t.ia_bits < least || t.ia_bits > least + (g - 3) - 1 + 4) {
        t.bad = true;
        return t;
    }
    t.base = table_base(v, &t, v->vttbr, ps);
    return t;
}

static bool block_allowed(const A64Tables *t, int level)
{
    if (level == 2) {
        return true;
    }
    switch (t->granule) {
    case 12:
        return level == 1 || (level == 0 && t->ds);
    case 14:
        return level == 1 && t->ds;
    default:
        return level == 1 && t->wide64;
    }
}

/* Bits 51:48 of the address in a descriptor. */
static uint64_t high_bits(const A64Tables *t, uint64_t desc)
{
    if (t->wide64) {
        return (desc >> 12 & 15) << 48;
    }
    return t->ds ? (desc >> 8 & 3) << 50 | (desc >> 48 & 3) << 48 : 0;
}

static bool fault_at(A64Fault *f, A64FaultType type, int level)
{
    f->type = type;
    f->level = (int8_t)level;
    return false;
}

typedef enum { FOUND, FAULT, GO_ON, AGAIN } Step;

/* What a table descriptor says: where the next table is. Its access flag is set behind the checks
 * of the descriptor, "MMU fault prioritization". */
static Step next_table(const A64Tables *t, const A64TableMem *mem, uint64_t *at, A64Leaf *leaf)
{
    uint64_t desc = leaf->desc, next = (desc & ones(48) & ~ones(t->granule)) | high_bits(t, desc);

    leaf->table |= (uint8_t)(desc >> 59);
    if (next >> t->oa_bits) {
        fault_at(&leaf->fault, A64_FAULT_ADDRESS_SIZE, leaf->level);
        return FAULT;
    }
    if (t->haft && !(desc & DESC_AF)) {
        A64Update u = mem->write(mem->ctx, *at, desc | DESC_AF, leaf);

        if (u != A64_DESC_UPDATED) {
            return u == A64_DESC_LOST ? FAULT : AGAIN;
        }
    }
    *at = next;
    return GO_ON;
}

/* One level: the descriptor at *at. leaf->bits, leaf->level: of what one would map. */
static Step step(const A64Tables *t, uint64_t ia, const A64TableMem *mem, uint64_t *at,
                 A64Leaf *leaf)
{
    uint64_t desc;
    int level = leaf->level;

    if (!mem->read(mem->ctx, *at, level, leaf)) {
        return FAULT;
    }
    desc = leaf->desc;
    if (!(desc & 1) || (!(desc & 2) && !block_allowed(t, level))) {
        fault_at(&leaf->fault, A64_FAULT_TRANSLATION, level);
        return FAULT;
    }
    if (level < 3 && (desc & 2)) {
        return next_table(t, mem, at, leaf);
    }
    leaf->at = *at;
    leaf->oa = (desc & ones(48) & ~ones(leaf->bits)) | high_bits(t, desc) | (ia & ones(leaf->bits));
    if (leaf->oa >> t->oa_bits) {
        fault_at(&leaf->fault, A64_FAULT_ADDRESS_SIZE, level);
        return FAULT;
    }
    return FOUND;
}

bool a64_walk_tables(const A64Tables *t, uint64_t ia, const A64TableMem *mem, A64Leaf *leaf)
{
    unsigned stride = t->granule - 3u;
    Step s = AGAIN;
    uint64_t at = 0;

    while (s != FOUND) {
        if (s == AGAIN) {
            leaf->table = 0;
            leaf->assured = t->assured;
            leaf->level = t->start;
            leaf->bits = (uint8_t)((unsigned)(3 - t->start) * stride + t->granule);
            at = t->base | (ia & ones(t->ia_bits)) >> leaf->bits << 3;
            if (at >> t->oa_bits) {
                return fault_at(&leaf->fault, A64_FAULT_ADDRESS_SIZE, 0);
            }
        }
        s = step(t, ia, mem, &at, leaf);
        if (s == FAULT) {
            return false;
        }
        if (s == GO_ON) {
            leaf->bits = (uint8_t)(leaf->bits - stride);
            leaf->level++;
            at |= (ia >> leaf->bits & ones(stride)) << 3;
        }
    }
    return true;
}
