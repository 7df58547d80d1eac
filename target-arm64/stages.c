/*
 * Both stages of translation, stage 1 in full: access flag and dirty state, memory attributes, and
 * stage 2 of its table walks; perms.c says who may do what. Arm ARM, "Memory access control",
 * "Hardware updates to the translation tables", "Two-stage translation", "MMU faults",
 * "Translation Hardening Extension".
 *
 * The Contiguous bit and nT change nothing: entries are cached at the size of one descriptor, and a
 * TLB that holds two sizes of a mapping answers from either (FEAT_BBM, level 2).
 * MISSING: FEAT_D128.
 */
#include "stages.h"

#define DESC_PROTECTED (UINT64_C(1) << 52)

bool a64_walk_load(const A64WalkCtx *c, bool stage2, int level, A64Leaf *leaf)
{
    if (!c->io->load(c->io->ctx, leaf->pa, &leaf->desc)) {
        return a64_walk_fail(&leaf->fault, A64_FAULT_EXTERNAL_WALK, level);
    }
    leaf->desc = a64_desc_order(c->v->r.flags & (stage2 ? A64_VF_S2EE : A64_VF_EE), leaf->desc);
    if (c->io->note) {
        c->io->note(c->io->ctx, &(A64WalkStep){ stage2, (int8_t)level, leaf->pa, leaf->desc });
    }
    return true;
}

A64Update a64_walk_update(const A64WalkCtx *c, bool big, Pa at, uint64_t old, uint64_t desc)
{
    uint64_t seen;

    old = a64_desc_order(big, old);
    if (!c->io->cas(c->io->ctx, at, old, a64_desc_order(big, desc), &seen)) {
        return A64_DESC_LOST;
    }
    return seen == old ? A64_DESC_UPDATED : A64_DESC_CHANGED;
}

/* What the cache keeps of a leaf in EngXlat.read, besides that it may be read (1). */
enum { CACHED_TOP = 1, CACHED_MRO = 8, CACHED_ASSURED_ONLY = 16 }; /* shift; bits */

static bool cached(const A64WalkCtx *c, const A64Stage2Ask *ask, EngXlat *x)
{
    return c->io->s2_get && c->io->s2_get(c->io->ctx, c->v, ask->ipa, x) &&
           (ask->use == A64_FOR_TABLE_READ ? x->read : x->write) &&
           !(ask->top && !a64_may_top(c->v, ask, x->read >> CACHED_TOP & 3)) &&
           !((x->read & CACHED_ASSURED_ONLY) && !ask->assured);
}

/* Stage 2 of a stage-1 table access, by way of the cache when there is one. *mro: the table is
 * Mostly Read Only. */
static bool table_pa(const A64WalkCtx *c, const A64Stage2Ask *ask, Pa *pa, bool *mro, A64Fault *f)
{
    A64Stage2 o;
    EngXlat x;

    *mro = false;
    if (!(c->v->r.flags & A64_VF_S2)) {
        *pa = (Pa){ ask->ipa.v };
        return true;
    }
    if (cached(c, ask, &x)) {
        *pa = x.pa;
        *mro = x.read & CACHED_MRO;
        return true;
    }
    if (!a64_stage2(c, ask, &o)) {
        *f = o.fault;
        return false;
    }
    if (c->io->s2_put) {
        x = (EngXlat){.pa = o.pa,
                      .ipa = ask->ipa,
                      .s2_bits = o.bits,
                      .s2_level = (uint8_t)o.level,
                      .read = (uint8_t)(1 | o.p.top << CACHED_TOP | (o.p.mro ? CACHED_MRO : 0) |
                                        (o.assured_only ? CACHED_ASSURED_ONLY : 0)),
                      .write =
                          !o.p.clean && (o.p.base[A64_S2_MMU] & o.p.over[A64_S2_MMU] & A64_PERM_W)};
        c->io->s2_put(c->io->ctx, c->v, ask->ipa, &x);
    }
    *pa = o.pa;
    *mro = o.p.mro;
    return true;
}

/* ---- stage 1 ---- */

/* A walk of stage 1, for its reader and writer. */
typedef struct {
    const A64WalkCtx *c;
    const A64Stage1 *s;
} Stage1Walk;

static const A64MemAttr walk_attr = { .attr = 0xff, .sh = 3 };

/* "Assured translation": what a Protected descriptor in an MRO table leads to is as assured as the
 * table. */
static bool read_stage1(void *ctx, uint64_t at, int level, A64Leaf *leaf)
{
    const Stage1Walk *w = ctx;
    const A64Stage2Ask ask = {.ipa = { at },
                              .s1 = walk_attr,
                              .use = A64_FOR_TABLE_READ,
                              .assured = leaf->assured,
                              .top = level == w->s->t.start,
                              .upper = w->s->upper};
    bool mro;

    if (!table_pa(w->c, &ask, &leaf->pa, &mro, &leaf->fault) ||
        !a64_walk_load(w->c, false, level, leaf)) {
        return false;
    }
    leaf->table_assured = leaf->assured;
    leaf->assured = leaf->assured && mro && (w->c->v->r.flags & A64_VF_PNCH) &&
                    (leaf->desc & DESC_PROTECTED);
    return true;
}

static A64Update write_stage1(void *ctx, uint64_t at, uint64_t desc, A64Leaf *leaf)
{
    const A64WalkCtx *c = ((const Stage1Walk *)ctx)->c;
    const A64Stage2Ask ask = {.ipa = { at },
                              .s1 = walk_attr,
                              .use = A64_FOR_TABLE_WRITE,
                              .assured = leaf->table_assured};
    A64Update u = A64_DESC_LOST;
    bool mro;
    Pa pa;

    if (table_pa(c, &ask, &pa, &mro, &leaf->fault)) {
        u = a64_walk_update(c, c->v->r.flags & A64_VF_EE, pa, leaf->desc, desc);
        if (u == A64_DESC_LOST) {
            a64_walk_fail(&leaf->fault, A64_FAULT_EXTERNAL_WALK, leaf->level);
        }
    }
    return u;
}

/* VA bits between the top of the address and the region's size must all equal the region's sign. */
static bool in_range(const A64Stage1 *s, uint64_t va, bool fetch)
{
    unsigned top = (fetch ? s->tbi_fetch : s->tbi) ? 55 : 63;
    uint64_t high = s->upper ? ~va : va;

    return s->t.ia_bits > top || !((high << (63 - top)) >> (63 - top) >> s->t.ia_bits);
}

static unsigned who(const A64Access *a)
{
    if (a->gcs) {
        return a->el0 ? A64_VIEW_GCS_EL0 : A64_VIEW_GCS_PRIV;
    }
    return a->el0 ? A64_VIEW_EL0 : a->pan ? A64_VIEW_PRIV_PAN : A64_VIEW_PRIV;
}

static bool stage1_allows(const A64WalkCtx *c, const A64Perms *p, A64Fault *f)
{
    const A64Access *a = c->a;

    return a->no_perm ||
           a64_permits(p, who(a), a64_access_needs(a) | (a->cmow1 ? A64_PERM_W : 0u), f);
}

static uint64_t stage1_marked(const A64WalkCtx *c, const A64Tables *t, uint64_t desc)
{
    if (t->ha) {
        desc |= A64_DESC_AF;
        if (t->hd && c->a->access == ENG_WRITE && !c->a->at && !c->a->no_perm &&
            ((desc & A64_DESC_DBM) || (c->v->r.flags & A64_VF_PIE))) {
            desc &= ~(uint64_t)A64_DESC_BIT7;
        }
    }
    return desc;
}

static bool stage1_off(const A64WalkCtx *c, A64Walk *w)
{
    const A64View *v = c->v;
    bool two = v->r.regime != A64_REGIME_EL2, up = two && (c->a->va.v >> 55 & 1);
    bool tbi = v->r.tcr >> (up ? 38 : 37) & 1;

    if (c->a->access == ENG_FETCH && (v->r.tcr >> (up ? 52 : 51) & 1)) {
        tbi = false;
    }
    if ((tbi ? c->a->va.v << 8 >> 8 : c->a->va.v) >> v->caps.pa_bits) {
        return a64_walk_fail(&w->fault, A64_FAULT_ADDRESS_SIZE, 0);
    }
    w->pa = (Pa){ c->a->va.v << 8 >> 8 };
    w->attr = v->r.flags & A64_VF_DC ? (A64MemAttr){ .attr = 0xff }
                                     : (A64MemAttr){ .attr = 0, .sh = 2, .device = true };
    if (c->a->unaligned && w->attr.device) {
        return a64_walk_fail(&w->fault, A64_FAULT_ALIGNMENT, 0);
    }
    w->s1_device = w->attr.device;
    w->s1_bits = ARM_PAGE_BITS;
    w->s1_level = 3;
    w->global = true;
    w->exec = A64_BY_EL0 | A64_BY_PRIV | A64_BY_PRIV_PAN;
    w->read = w->write = w->exec | A64_BY_GCS_EL0 | A64_BY_GCS_PRIV;
    return true;
}

static unsigned attr_index(const A64View *v, uint64_t desc)
{
    return ((unsigned)(desc >> 2) & 7) |
           (v->r.flags & A64_VF_AIE ? (unsigned)(desc >> 59 & 1) << 3 : 0);
}

/* TCR2_EL1.FNGNAn */
static bool forced_nonglobal(const A64View *v, const A64Stage1 *s, const A64Leaf *l)
{
    uint32_t f = v->r.flags;

    return !l->assured && (f & A64_VF_PNCH) && (f & A64_VF_S2) &&
           (f & (s->upper ? A64_VF_FNGNA1 : A64_VF_FNGNA0));
}

static void stage1_result(const A64WalkCtx *c, const A64Stage1 *s, const A64Leaf *l, A64Walk *w)
{
    unsigned sh = s->t.ds ? s->sh : (unsigned)(l->desc >> 8) & 3;

    w->s1_on = true;
    w->pa = (Pa){ l->oa };
    w->s1_bits = l->bits;
    w->s1_level = l->level;
    w->attr = a64_attr_stage1(c->v, attr_index(c->v, l->desc), sh);
    w->s1_device = w->attr.device;
    w->global = c->v->r.regime == A64_REGIME_EL2 ||
                !((l->desc >> 11 & 1) || forced_nonglobal(c->v, s, l));
    w->assured = l->assured;
    w->guarded = c->v->caps.bti && (l->desc >> 50 & 1);
}

/* Sets the access flag and dirty state of a stage-1 leaf: a write to the table, which stage 2 must
 * allow. */
static bool stage1_mark(const Stage1Walk *walk, A64Leaf *l, bool *done)
{
    uint64_t marked = stage1_marked(walk->c, &walk->s->t, l->desc);
    A64Update u;

    *done = marked == l->desc;
    if (*done) {
        return true;
    }
    u = write_stage1((void *)walk, l->at, marked, l);
    *done = u == A64_DESC_UPDATED;
    l->desc = marked;
    return u != A64_DESC_LOST;
}

/* What the access's own view and the others may do from now on. */
static void grant(A64Walk *w, const A64Perms *p)
{
    w->read = w->write = w->exec = 0;
    for (unsigned i = 0; i < A64_VIEWS; i++) {
        unsigned may = p->base[i] & p->over[i];

        w->read |= (uint8_t)(may & A64_PERM_R ? 1u << i : 0);
        w->write |= (uint8_t)(may & A64_PERM_W ? 1u << i : 0);
        w->exec |= (uint8_t)(may & A64_PERM_X ? 1u << i : 0);
    }
    w->clean = p->clean;
}

static bool stage1(const A64WalkCtx *c, A64Walk *w)
{
    A64Stage1 s;
    Stage1Walk walk = { .c = c, .s = &s };
    A64TableMem mem = { .ctx = &walk, .read = read_stage1, .write = write_stage1 };
    A64Perms p;
    bool done = false;

    w->fault.write = c->a->access == ENG_WRITE;
    if (!(c->v->r.flags & A64_VF_S1)) {
        return stage1_off(c, w);
    }
    s = a64_stage1_params(c->v, c->a->va.v);
    if (s.t.bad || !in_range(&s, c->a->va.v, c->a->access == ENG_FETCH) || (c->a->el0 && s.e0pd) ||
        s.epd) {
        return a64_walk_fail(&w->fault, A64_FAULT_TRANSLATION, 0);
    }
    while (!done) {
        A64Leaf leaf = { .fault = w->fault };

        if (!a64_walk_tables(&s.t, c->a->va.v, &mem, &leaf)) {
            w->fault = leaf.fault;
            return false;
        }
        if (!(leaf.desc & A64_DESC_AF) && !s.t.ha) {
            return a64_walk_fail(&w->fault, A64_FAULT_ACCESS_FLAG, leaf.level);
        }
        stage1_result(c, &s, &leaf, w);
        if (c->a->unaligned && w->attr.device) {
            return a64_walk_fail(&w->fault, A64_FAULT_ALIGNMENT, leaf.level);
        }
        p = a64_stage1_perms(c->v, &s, &leaf);
        if (!stage1_allows(c, &p, &w->fault)) {
            return a64_walk_fail(&w->fault, A64_FAULT_PERMISSION, leaf.level);
        }
        uint64_t found = leaf.desc;

        if (!stage1_mark(&walk, &leaf, &done)) {
            w->fault = leaf.fault;
            return false;
        }
        if (leaf.desc != found) {
            p = a64_stage1_perms(c->v, &s, &leaf);
        }
    }
    grant(w, &p);
    return true;
}

/* ---- both ---- */

A64Walk a64_walk_stage1(const A64View *v, const A64WalkIo *io, const A64Access *a)
{
    A64WalkCtx c = { v, io, a };
    A64Walk w = { 0 };

    if (stage1(&c, &w)) {
        w.ipa = (Ipa){ w.pa.v };
        w.attr = a64_attr_effective(w.attr);
        w.fault = (A64Fault){ 0 };
    }
    return w;
}

/* What stage 2 leaves of it. */
static void limit(A64Walk *w, const A64Perms *p)
{
    unsigned user = p->base[A64_S2_EL0] & p->over[A64_S2_EL0];
    unsigned priv = p->base[A64_S2_EL1] & p->over[A64_S2_EL1];
    unsigned el1 = A64_BY_PRIV | A64_BY_PRIV_PAN | A64_BY_GCS_PRIV;
    unsigned el0 = A64_BY_EL0 | A64_BY_GCS_EL0;

    w->read &= (uint8_t)((user & A64_PERM_R ? el0 : 0u) | (priv & A64_PERM_R ? el1 : 0));
    w->write &= (uint8_t)((user & A64_PERM_W ? el0 : 0u) | (priv & A64_PERM_W ? el1 : 0));
    w->exec &= (uint8_t)((user & A64_PERM_X ? el0 : 0u) | (priv & A64_PERM_X ? el1 : 0));
}

A64Walk a64_walk(const A64View *v, const A64WalkIo *io, const A64Access *a)
{
    A64WalkCtx c = { v, io, a };
    A64Walk w = { 0 };
    A64Stage2Ask ask;
    A64Stage2 o;

    if (!stage1(&c, &w)) {
        return w;
    }
    w.ipa = (Ipa){ w.pa.v };
    if (!(v->r.flags & A64_VF_S2)) {
        w.attr = a64_attr_effective(w.attr);
        w.fault = (A64Fault){ 0 };
        return w;
    }
    ask = (A64Stage2Ask){
        .ipa = w.ipa, .s1 = w.attr, .use = A64_FOR_ACCESS, .assured = w.assured };
    if (!a64_stage2(&c, &ask, &o)) {
        w.fault = o.fault;
        return w;
    }
    w.fault = (A64Fault){ 0 };
    w.s2_on = true;
    w.pa = o.pa;
    w.attr = o.attr;
    w.s2_bits = o.bits;
    w.s2_level = o.level;
    w.clean |= o.p.clean;
    limit(&w, &o.p);
    if (a64_wants_assured_gcs(v, o.assured_only)) {
        w.read &= (uint8_t)~A64_BY_GCS_PRIV;
        w.write &= (uint8_t)~A64_BY_GCS_PRIV;
    }
    return w;
}
