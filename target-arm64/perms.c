/*
 * Permissions: what a leaf grants, directly or by an index into a register, what overlays leave of
 * it, and whether an access may have what it needs. Arm ARM, "Memory access control": stage 1 and
 * stage 2 Direct, Indirect and Overlay permissions; "The dirty state"; "Prioritization of
 * Permission faults".
 */
#include "walk.h"

enum { R = A64_PERM_R, W = A64_PERM_W, X = A64_PERM_X, ALL = R | W | X };
enum { DESC_BIT6 = 1 << 6, DESC_BIT7 = 1 << 7 };
#define DESC_DBM (UINT64_C(1) << 51)

static bool flag(const A64View *v, uint32_t flag)
{
    return v->r.flags & flag;
}

/* Entry `index` of a register of 16 4-bit fields. */
static unsigned field(uint64_t reg, unsigned index)
{
    return (unsigned)(reg >> 4 * index) & 15;
}

/* The PIIndex field of a leaf, both stages. */
static unsigned pi_index(uint64_t desc)
{
    return (unsigned)((desc >> 53 & 3) << 2 | (desc >> 51 & 1) << 1 | (desc >> 6 & 1));
}

/* ---- stage 1 ---- */

/* Which of the two privileges a WXN control applies to. */
typedef struct {
    bool user, priv;
} Pick;

static bool two_levels(const A64View *v)
{
    return v->r.regime != A64_REGIME_EL2;
}

/* "Stage 1 Direct permissions". */
static Pick direct1(const A64View *v, const A64Stage1 *s, const A64Leaf *l, A64Perms *p)
{
    bool two = two_levels(v), nv1 = flag(v, A64_VF_NV1), wxn = flag(v, A64_VF_WXN);
    unsigned table = s->hpd ? 0 : l->table;
    bool dbm = s->t.ha && s->t.hd && (l->desc & DESC_DBM);
    bool ro = ((l->desc & DESC_BIT7) && !dbm) || (table & 8);         /* APTable[1] */
    bool user = two && !nv1 && (l->desc & DESC_BIT6) && !(table & 4); /* APTable[0] */
    bool ux = !(l->desc >> 54 & 1) && !(table & 2), px = ux;

    if (two) {
        /* with NV1 bit 54 is PXN and there is no UXN */
        px = nv1 ? px : !(l->desc >> 53 & 1) && !(table & 1);
        ux = nv1 ? true : ux;
        px = px && !(user && !ro);
    }
    p->clean = dbm && (l->desc & DESC_BIT7);
    p->base[A64_VIEW_PRIV] = (uint8_t)(R | (ro ? 0 : W) | (px ? X : 0));
    p->base[A64_VIEW_EL0] = (uint8_t)((user ? ro ? R : R | W : 0) | (two && ux ? X : 0));
    p->base[A64_VIEW_PRIV_PAN] = p->base[A64_VIEW_PRIV];
    if (two && !nv1 && (user || (flag(v, A64_VF_EPAN) && ux))) {
        p->base[A64_VIEW_PRIV_PAN] &= X;
    }
    return (Pick){.user = wxn && (p->base[A64_VIEW_EL0] & (W | X)) == (W | X),
                  .priv = wxn && px && !ro};
}

/* What a field of PIR_ELx or PIRE0_ELx grants; *gcs: to accesses to guarded control stacks. */
static uint8_t indirect(unsigned perm, uint8_t *gcs)
{
    static const uint8_t grants[16] = {0, R, X,     R | X, 0,     R | W, ALL, ALL,
                                       R, R, R | X, 0,     R | W, 0,     ALL, 0};

    *gcs = perm == 9 ? R | W : 0;
    return grants[perm];
}

/* "Stage 1 Indirect permissions". may: those that an overlay applies to. */
static Pick indirect1(const A64View *v, const A64Leaf *l, Pick *may, A64Perms *p)
{
    unsigned index = pi_index(l->desc);
    unsigned priv = field(v->r.pir, index), user = two_levels(v) ? field(v->r.pire0, index) : 0;
    uint8_t *priv_gcs = &p->base[A64_VIEW_GCS_PRIV], *user_gcs = &p->base[A64_VIEW_GCS_EL0];

    p->base[A64_VIEW_PRIV] = indirect(priv, priv_gcs);
    p->base[A64_VIEW_EL0] = indirect(user, user_gcs);
    if (((p->base[A64_VIEW_PRIV] & X) || *priv_gcs) && ((p->base[A64_VIEW_EL0] & W) || *user_gcs)) {
        p->base[A64_VIEW_PRIV] = p->base[A64_VIEW_EL0] = *priv_gcs = *user_gcs = 0;
    }
    /* by the field's value, reserved or not; SCTLR_ELx.EPAN plays no part */
    p->base[A64_VIEW_PRIV_PAN] = p->base[A64_VIEW_PRIV] & (user ? X : ALL);
    p->clean = l->desc & DESC_BIT7;
    *may = (Pick){ .user = !(user & 8), .priv = !(priv & 8) };
    return (Pick){ .user = user == 6, .priv = priv == 6 };
}

/* What a field of POR_ELx leaves, if there is an overlay at all, with the WXN control's effect on
 * it or else on the base permissions of the view. */
static void overlay1(A64Perms *p, unsigned view, bool on, unsigned perm, bool wxn)
{
    static const uint8_t leaves[8] = { 0, R, X, R | X, W, R | W, W | X, ALL };

    p->over[view] = ALL;
    if (on) {
        p->over[view] = perm < 8 ? leaves[perm] : 0;
        if (wxn && (p->over[view] & X)) {
            p->over[view] &= (uint8_t)~W;
        }
    } else if (wxn) {
        p->base[view] &= (uint8_t)~X;
    }
}

/* Overlays play no part in accesses to guarded control stacks, nor does PAN. */
A64Perms a64_stage1_perms(const A64View *v, const A64Stage1 *s, const A64Leaf *l)
{
    A64Perms p = {.over = {[A64_VIEW_GCS_EL0] = ALL, [A64_VIEW_GCS_PRIV] = ALL}};
    unsigned index = (unsigned)(l->desc >> 60) & 7; /* POIndex */
    Pick may = { true, true };
    bool pie = flag(v, A64_VF_PIE), poe = flag(v, A64_VF_POE);
    Pick wxn = pie ? indirect1(v, l, &may, &p) : direct1(v, s, l, &p);

    p.software = pie && !(s->t.ha && s->t.hd);
    overlay1(&p, A64_VIEW_EL0, flag(v, A64_VF_E0POE) && may.user, field(v->r.por0, index),
             wxn.user);
    overlay1(&p, A64_VIEW_PRIV, poe && may.priv, field(v->r.por, index), wxn.priv);
    overlay1(&p, A64_VIEW_PRIV_PAN, poe && may.priv, field(v->r.por, index), wxn.priv);
    if (s->e0pd) { /* for EL0 there is no translation; what EL1 gets cached must not give it one */
        p.base[A64_VIEW_EL0] = p.base[A64_VIEW_GCS_EL0] = 0;
    }
    return p;
}

/* ---- stage 2 ---- */

/*
 * "Stage 2 Base permissions" and "Stage 2 Overlay permissions" share their encodings. The MMU's
 * accesses are those to stage-1 tables; what RCW instructions may do is the same. Returned: the
 * TopLevel attributes that go with MRO, bit 0 and bit 1.
 */
static uint8_t general2(unsigned perm, uint8_t out[3])
{
    static const uint8_t user[16] = {0, 0,     R, R,     W,     0,   R,     R,
                                     R, R | X, R, R | X, R | W, ALL, R | W, ALL};
    static const uint8_t priv[16] = {0, 0, R,     R,     W,     0,     R,   R,
                                     R, R, R | X, R | X, R | W, R | W, ALL, ALL};
    static const uint8_t top[16] = { [3] = 2, [6] = 1, [7] = 3 };
    static const uint8_t mmu[16] = {0, 0, R | W, R | W, 0,     0,     R | W, R | W,
                                    R, R, R,     R,     R | W, R | W, R | W, R | W};

    out[A64_S2_EL0] = user[perm];
    out[A64_S2_EL1] = priv[perm];
    out[A64_S2_MMU] = mmu[perm];
    return top[perm];
}

/* "Stage 2 Direct permissions". */
static void direct2(const A64View *v, const A64Tables *t, uint64_t desc, A64Perms *p)
{
    unsigned xn = (unsigned)(desc >> 53) & (v->caps.xnx ? 3 : 2);
    bool dbm = t->ha && t->hd && (desc & DESC_DBM);
    uint8_t data = (uint8_t)((desc & DESC_BIT6 ? R : 0) | ((desc & DESC_BIT7) || dbm ? W : 0));

    p->clean = dbm && !(desc & DESC_BIT7);
    p->base[A64_S2_EL0] = data | (xn <= 1 ? X : 0);
    p->base[A64_S2_EL1] = data | (xn == 0 || xn == 3 ? X : 0);
    p->base[A64_S2_MMU] = data;
}

A64Perms a64_stage2_perms(const A64View *v, const A64Tables *t, uint64_t desc)
{
    A64Perms p = {.over = { ALL, ALL, ALL }};

    if (!flag(v, A64_VF_S2PIE)) {
        direct2(v, t, desc, &p);
        return p;
    }
    p.top = general2(field(v->r.s2pir, pi_index(desc)), p.base);
    p.clean = !(desc & DESC_BIT7);
    p.software = !(t->ha && t->hd);
    if (flag(v, A64_VF_S2POE)) {
        p.top |= general2(field(v->r.s2por, (unsigned)(desc >> 59) & 15), p.over);
    }
    p.mro = (p.base[A64_S2_MMU] & p.over[A64_S2_MMU] & W) &&
            !(p.base[A64_S2_EL1] & p.over[A64_S2_EL1] & W);
    p.top = p.mro ? p.top : 0;
    return p;
}

/* ---- both ---- */

unsigned a64_access_needs(const A64Access *a)
{
    switch (a->access) {
    case ENG_FETCH:
        return X;
    case ENG_WRITE:
        return a->cmo ? W : W | A64_PERM_DIRTY;
    case ENG_READ:
    default:
        return a->rmw ? R | W | A64_PERM_DIRTY : R;
    }
}

bool a64_permits(const A64Perms *p, unsigned who, unsigned needs, A64Fault *f)
{
    unsigned lacks = needs & ALL & ~(unsigned)p->over[who];

    f->overlay = lacks;
    if (!lacks) {
        lacks = needs & ALL & ~(unsigned)p->base[who];
    }
    if (!lacks && (needs & A64_PERM_DIRTY) && p->clean && p->software) {
        f->dirty = true;
        lacks = W;
    }
    if (lacks && !f->s1ptw) {
        f->write = lacks == W;
    }
    return !lacks;
}
