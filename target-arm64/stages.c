/*
 * Both stages of translation: permissions, access flag and dirty state, memory attributes, and
 * stage 2 of stage-1 table walks. Arm ARM, "Memory access control", "Hardware updates to the
 * translation tables", "Two-stage translation", "MMU faults".
 *
 * The Contiguous bit and nT change nothing: entries are cached at the size of one descriptor, and a
 * TLB that holds two sizes of a mapping answers from either (FEAT_BBM, level 2).
 * MISSING: FEAT_S1PIE, FEAT_S1POE, FEAT_S2PIE, FEAT_S2POE, FEAT_HAFT, FEAT_D128, FEAT_THE.
 */
#include "walk.h"

typedef struct {
    const A64View *v;
    const A64WalkIo *io;
    const A64Access *a;
} Ctx;

typedef enum { FOR_TABLE_READ, FOR_TABLE_WRITE, FOR_ACCESS } Use;

/* What stage 2 says about one IPA. */
typedef struct {
    Pa pa;
    A64MemAttr attr; /* combined */
    uint8_t bits;
    int8_t level;
    bool r, w, px, ux, clean, device;
    bool again;
    A64Fault fault;
} Stage2;

enum { DESC_AF = 1 << 10, DESC_BIT7 = 1 << 7 };
#define DESC_DBM (UINT64_C(1) << 51)

static bool fail(A64Fault *f, A64FaultType type, int level)
{
    f->type = type;
    f->level = (int8_t)level;
    return false;
}

static bool load(const Ctx *c, bool stage2, int level, A64Leaf *leaf)
{
    if (!c->io->load(c->io->ctx, leaf->pa, &leaf->desc)) {
        return fail(&leaf->fault, A64_FAULT_EXTERNAL_WALK, level);
    }
    leaf->desc = a64_desc_order(c->v->r.flags & (stage2 ? A64_VF_S2EE : A64_VF_EE), leaf->desc);
    if (c->io->note) {
        c->io->note(c->io->ctx, &(A64WalkStep){ stage2, (int8_t)level, leaf->pa, leaf->desc });
    }
    return true;
}

typedef enum { UPDATED, CHANGED, LOST } Update;

/* Replaces the leaf at `at` atomically. CHANGED: it is another one meanwhile, walk again. */
static Update update(const Ctx *c, bool big, Pa at, uint64_t old, uint64_t desc)
{
    uint64_t seen;

    old = a64_desc_order(big, old);
    if (!c->io->cas(c->io->ctx, at, old, a64_desc_order(big, desc), &seen)) {
        return LOST;
    }
    return seen == old ? UPDATED : CHANGED;
}

/* ---- stage 2 ---- */

static bool read_stage2(void *ctx, uint64_t at, int level, A64Leaf *leaf)
{
    leaf->pa = (Pa){ at };
    return load(ctx, true, level, leaf);
}

static void stage2_perms(const Ctx *c, const A64Tables *t, uint64_t desc, Stage2 *o)
{
    unsigned xn = (unsigned)(desc >> 53) & (c->v->caps.xnx ? 3 : 2);
    bool dbm = t->ha && t->hd && (desc & DESC_DBM);

    o->r = desc >> 6 & 1;
    o->w = (desc >> 7 & 1) || dbm;
    o->clean = dbm && !(desc & DESC_BIT7);
    o->px = xn == 0 || xn == 3;
    o->ux = xn <= 1;
}

static bool stage2_allows(const Ctx *c, const Stage2 *o, Use use, A64Fault *f)
{
    const A64Access *a = c->a;

    if (use != FOR_ACCESS) {
        if ((c->v->r.flags & A64_VF_PTW) && o->device) {
            return false;
        }
        return o->r && (use == FOR_TABLE_READ || o->w);
    }
    if (a->cmow2 && !o->w) {
        return false;
    }
    if (a->no_perm) {
        return true;
    }
    f->write = a->access == ENG_WRITE;
    switch (a->access) {
    case ENG_FETCH:
        return a->el0 ? o->ux : o->px;
    case ENG_WRITE:
        return o->w;
    case ENG_READ:
    default:
        return o->r;
    }
}

/* The leaf as the access leaves it: access flag set, dirty state set for a write. */
static uint64_t stage2_marked(const Ctx *c, const A64Tables *t, uint64_t desc, Use use)
{
    bool write = use == FOR_TABLE_WRITE ||
                 (use == FOR_ACCESS && c->a->access == ENG_WRITE && !c->a->at && !c->a->no_perm);

    if (t->ha) {
        desc |= DESC_AF;
        if (t->hd && write && (desc & DESC_DBM)) {
            desc |= DESC_BIT7;
        }
    }
    return desc;
}

static void stage2_result(const Ctx *c, const A64Tables *t, const A64Leaf *l, A64MemAttr s1,
                          Stage2 *o)
{
    unsigned sh = (unsigned)(t->ds ? c->v->r.vtcr >> 12 : l->desc >> 8) & 3;

    o->pa = (Pa){ l->oa };
    o->bits = l->bits;
    o->level = l->level;
    o->attr = a64_attr_combine(c->v, s1, (unsigned)(l->desc >> 2) & 15, sh, &o->device);
    stage2_perms(c, t, l->desc, o);
}

/* One walk of stage 2. *again: the leaf changed under our hands. False: o->fault. */
static bool stage2_once(const Ctx *c, const A64Tables *t, A64MemAttr s1, Use use, Stage2 *o)
{
    A64Leaf leaf = { .fault = o->fault };
    uint64_t marked;
    Update u;

    o->again = false;
    if (t->bad || o->fault.ipa.v >> t->ia_bits) {
        return fail(&o->fault, A64_FAULT_TRANSLATION, 0);
    }
    if (!a64_walk_tables(t, o->fault.ipa.v, read_stage2, (void *)c, &leaf)) {
        o->fault = leaf.fault;
        return false;
    }
    if (!(leaf.desc & DESC_AF) && !t->ha) {
        return fail(&o->fault, A64_FAULT_ACCESS_FLAG, leaf.level);
    }
    stage2_result(c, t, &leaf, s1, o);
    if (use == FOR_ACCESS && c->a->unaligned && o->attr.device) {
        return fail(&o->fault, A64_FAULT_ALIGNMENT, leaf.level);
    }
    if (!stage2_allows(c, o, use, &o->fault)) {
        return fail(&o->fault, A64_FAULT_PERMISSION, leaf.level);
    }
    marked = stage2_marked(c, t, leaf.desc, use);
    if (marked == leaf.desc) {
        return true;
    }
    u = update(c, t->big_endian, leaf.pa, leaf.desc, marked);
    o->again = u == CHANGED;
    stage2_perms(c, t, marked, o);
    return u != LOST || fail(&o->fault, A64_FAULT_EXTERNAL_WALK, leaf.level);
}

static bool stage2(const Ctx *c, Ipa ipa, A64MemAttr s1, Use use, Stage2 *o)
{
    A64Tables t = a64_stage2_tables(c->v);

    do {
        o->fault = (A64Fault){ .stage2 = true,
                               .s1ptw = use != FOR_ACCESS,
                               .ipa = ipa,
                               .write = c->a->access == ENG_WRITE };
        if (!stage2_once(c, &t, s1, use, o)) {
            return false;
        }
    } while (o->again);
    return true;
}

/* Stage 2 of a stage-1 table access, by way of the cache when there is one. */
static bool table_pa(const Ctx *c, Ipa ipa, Use use, Pa *pa, A64Fault *f)
{
    static const A64MemAttr walk_attr = { .attr = 0xff, .sh = 3 };
    Stage2 o;
    EngXlat x;

    if (!(c->v->r.flags & A64_VF_S2)) {
        *pa = (Pa){ ipa.v };
        return true;
    }
    if (c->io->s2_get && c->io->s2_get(c->io->ctx, c->v, ipa, &x) &&
        (use == FOR_TABLE_READ ? x.read : x.write)) {
        *pa = x.pa;
        return true;
    }
    if (!stage2(c, ipa, walk_attr, use, &o)) {
        *f = o.fault;
        return false;
    }
    if (c->io->s2_put) {
        x = (EngXlat){ .pa = o.pa,
                       .ipa = ipa,
                       .s2_bits = o.bits,
                       .s2_level = (uint8_t)o.level,
                       .read = 1,
                       .write = o.w && !o.clean };
        c->io->s2_put(c->io->ctx, c->v, ipa, &x);
    }
    *pa = o.pa;
    return true;
}

/* ---- stage 1 ---- */

static bool read_stage1(void *ctx, uint64_t at, int level, A64Leaf *leaf)
{
    return table_pa(ctx, (Ipa){ at }, FOR_TABLE_READ, &leaf->pa, &leaf->fault) &&
           load(ctx, false, level, leaf);
}

/* VA bits between the top of the address and the region's size must all equal the region's sign. */
static bool in_range(const A64Stage1 *s, uint64_t va, bool fetch)
{
    unsigned top = (fetch ? s->tbi_fetch : s->tbi) ? 55 : 63;
    uint64_t high = s->upper ? ~va : va;

    return s->t.ia_bits > top || !((high << (63 - top)) >> (63 - top) >> s->t.ia_bits);
}

/* A leaf's own permissions and those of the tables above it. Source: "Stage 1 data accesses" and
 * "instruction execution" rules. */
static void stage1_perms(const Ctx *c, const A64Stage1 *s, const A64Leaf *l, A64Walk *w)
{
    const A64View *v = c->v;
    bool two = v->r.regime != A64_REGIME_EL2, nv1 = v->r.flags & A64_VF_NV1;
    unsigned table = s->hpd ? 0 : l->table;
    bool dbm = s->t.ha && s->t.hd && (l->desc & DESC_DBM);
    bool ro = (l->desc & DESC_BIT7) && !dbm, user = two && !nv1 && (l->desc >> 6 & 1);
    bool ux = !(l->desc >> 54 & 1) && !(table & 2), px = ux;
    bool pw, ur, uw, pan;

    if (table & 8) { /* APTable[1] */
        ro = true;
    }
    if ((table & 4) && two && !nv1) { /* APTable[0] */
        user = false;
    }
    pw = !ro;
    ur = user;
    uw = user && !ro;
    if (two) {
        /* with NV1 bit 54 is PXN and there is no UXN */
        px = nv1 ? px : !(l->desc >> 53 & 1) && !(table & 1);
        ux = nv1 ? true : ux;
        px = px && !uw;
    }
    pan = two && !nv1 && (ur || ((v->r.flags & A64_VF_EPAN) && ux));
    w->clean = dbm && (l->desc & DESC_BIT7);
    w->read = A64_BY_PRIV | (ur ? A64_BY_EL0 : 0) | (pan ? 0 : A64_BY_PRIV_PAN);
    w->write = (uint8_t)((pw ? A64_BY_PRIV : 0) | (uw ? A64_BY_EL0 : 0) |
                         (pw && !pan ? A64_BY_PRIV_PAN : 0));
    if (v->r.flags & A64_VF_WXN) {
        px = px && !pw;
        ux = ux && !uw;
    }
    w->exec = (px ? A64_BY_PRIV | A64_BY_PRIV_PAN : 0) | (two && ux ? A64_BY_EL0 : 0);
    if (s->e0pd) { /* for EL0 there is no translation; what EL1 gets cached must not give it one */
        w->read &= (uint8_t)~A64_BY_EL0;
        w->write &= (uint8_t)~A64_BY_EL0;
        w->exec &= (uint8_t)~A64_BY_EL0;
    }
}

static uint8_t who(const A64Access *a)
{
    return a->el0 ? A64_BY_EL0 : a->pan ? A64_BY_PRIV_PAN : A64_BY_PRIV;
}

static bool stage1_allows(const Ctx *c, const A64Walk *w)
{
    const A64Access *a = c->a;

    if (a->no_perm) {
        return true;
    }
    if (a->cmow1 && !(who(a) & w->write)) {
        return false;
    }
    return who(a) &
           (a->access == ENG_FETCH ? w->exec : a->access == ENG_WRITE ? w->write : w->read);
}

static uint64_t stage1_marked(const Ctx *c, const A64Tables *t, uint64_t desc)
{
    if (t->ha) {
        desc |= DESC_AF;
        if (t->hd && c->a->access == ENG_WRITE && !c->a->at && !c->a->no_perm &&
            (desc & DESC_DBM)) {
            desc &= ~(uint64_t)DESC_BIT7;
        }
    }
    return desc;
}

static bool stage1_off(const Ctx *c, A64Walk *w)
{
    const A64View *v = c->v;
    bool two = v->r.regime != A64_REGIME_EL2, up = two && (c->a->va.v >> 55 & 1);
    bool tbi = v->r.tcr >> (up ? 38 : 37) & 1;

    if (c->a->access == ENG_FETCH && (v->r.tcr >> (up ? 52 : 51) & 1)) {
        tbi = false;
    }
    if ((tbi ? c->a->va.v << 8 >> 8 : c->a->va.v) >> v->caps.pa_bits) {
        return fail(&w->fault, A64_FAULT_ADDRESS_SIZE, 0);
    }
    w->pa = (Pa){ c->a->va.v << 8 >> 8 };
    w->attr = v->r.flags & A64_VF_DC ? (A64MemAttr){ .attr = 0xff } :
                                       (A64MemAttr){ .attr = 0, .sh = 2, .device = true };
    if (c->a->unaligned && w->attr.device) {
        return fail(&w->fault, A64_FAULT_ALIGNMENT, 0);
    }
    w->s1_device = w->attr.device;
    w->s1_bits = ARM_PAGE_BITS;
    w->s1_level = 3;
    w->global = true;
    w->read = w->write = w->exec = A64_BY_EL0 | A64_BY_PRIV | A64_BY_PRIV_PAN;
    return true;
}

static void stage1_result(const Ctx *c, const A64Stage1 *s, const A64Leaf *l, A64Walk *w)
{
    unsigned sh = s->t.ds ? s->sh : (unsigned)(l->desc >> 8) & 3;

    w->s1_on = true;
    w->pa = (Pa){ l->oa };
    w->s1_bits = l->bits;
    w->s1_level = l->level;
    w->attr = a64_attr_stage1(c->v, (unsigned)(l->desc >> 2) & 7, sh);
    w->s1_device = w->attr.device;
    w->global = c->v->r.regime == A64_REGIME_EL2 || !(l->desc >> 11 & 1);
    w->guarded = c->v->caps.bti && (l->desc >> 50 & 1);
    stage1_perms(c, s, l, w);
}

/* Sets the access flag and dirty state of a stage-1 leaf: a write to the table, which stage 2 must
 * allow. */
static bool stage1_mark(const Ctx *c, const A64Stage1 *s, A64Leaf *l, bool *done, A64Walk *w)
{
    uint64_t marked = stage1_marked(c, &s->t, l->desc);
    Update u;
    Pa at;

    *done = marked == l->desc;
    if (*done) {
        return true;
    }
    if (!table_pa(c, (Ipa){ l->at }, FOR_TABLE_WRITE, &at, &w->fault)) {
        return false;
    }
    u = update(c, s->t.big_endian, at, l->desc, marked);
    if (u == LOST) {
        return fail(&w->fault, A64_FAULT_EXTERNAL_WALK, l->level);
    }
    *done = u == UPDATED;
    l->desc = marked;
    stage1_perms(c, s, l, w);
    return true;
}

static bool stage1(const Ctx *c, A64Walk *w)
{
    A64Stage1 s;
    bool done = false;

    w->fault.write = c->a->access == ENG_WRITE;
    if (!(c->v->r.flags & A64_VF_S1)) {
        return stage1_off(c, w);
    }
    s = a64_stage1_params(c->v, c->a->va.v);
    if (s.t.bad || !in_range(&s, c->a->va.v, c->a->access == ENG_FETCH) ||
        (c->a->el0 && s.e0pd) || s.epd) {
        return fail(&w->fault, A64_FAULT_TRANSLATION, 0);
    }
    while (!done) {
        A64Leaf leaf = { .fault = w->fault };

        if (!a64_walk_tables(&s.t, c->a->va.v, read_stage1, (void *)c, &leaf)) {
            w->fault = leaf.fault;
            return false;
        }
        if (!(leaf.desc & DESC_AF) && !s.t.ha) {
            return fail(&w->fault, A64_FAULT_ACCESS_FLAG, leaf.level);
        }
        stage1_result(c, &s, &leaf, w);
        if (c->a->unaligned && w->attr.device) {
            return fail(&w->fault, A64_FAULT_ALIGNMENT, leaf.level);
        }
        if (!stage1_allows(c, w)) {
            return fail(&w->fault, A64_FAULT_PERMISSION, leaf.level);
        }
        if (!stage1_mark(c, &s, &leaf, &done, w)) {
            return false;
        }
    }
    return true;
}

/* ---- both ---- */

A64Walk a64_walk_stage1(const A64View *v, const A64WalkIo *io, const A64Access *a)
{
    Ctx c = { v, io, a };
    A64Walk w = { 0 };

    if (stage1(&c, &w)) {
        w.ipa = (Ipa){ w.pa.v };
        w.attr = a64_attr_effective(w.attr);
        w.fault = (A64Fault){ 0 };
    }
    return w;
}

A64Walk a64_walk(const A64View *v, const A64WalkIo *io, const A64Access *a)
{
    Ctx c = { v, io, a };
    A64Walk w = { 0 };
    Stage2 o;

    if (!stage1(&c, &w)) {
        return w;
    }
    w.ipa = (Ipa){ w.pa.v };
    if (!(v->r.flags & A64_VF_S2)) {
        w.attr = a64_attr_effective(w.attr);
        w.fault = (A64Fault){ 0 };
        return w;
    }
    if (!stage2(&c, w.ipa, w.attr, FOR_ACCESS, &o)) {
        w.fault = o.fault;
        return w;
    }
    w.fault = (A64Fault){ 0 };
    w.s2_on = true;
    w.pa = o.pa;
    w.attr = o.attr;
    w.s2_bits = o.bits;
    w.s2_level = o.level;
    w.clean |= o.clean;
    w.read &= (uint8_t)(o.r ? 7 : 0);
    w.write &= (uint8_t)(o.w ? 7 : 0);
    w.exec &= (uint8_t)((o.ux ? A64_BY_EL0 : 0) | (o.px ? A64_BY_PRIV | A64_BY_PRIV_PAN : 0));
    return w;
}
