/*
 * Stage 2 of an access, or of an access to a stage-1 table: access flag and dirty state,
 * attributes; perms.c says who may do what. Arm ARM, "Two-stage translation", "Hardware updates to
 * the translation tables", "MMU faults"; "Assured translation", "Stage 2 TopLevel checks".
 */
#include "stages.h"

#include "a64-sysregs.h"

#define DESC_ASSURED_ONLY (UINT64_C(1) << 58)

static bool read_stage2(void *ctx, uint64_t at, int level, A64Leaf *leaf)
{
    leaf->pa = (Pa){ at };
    return a64_walk_load(ctx, true, level, leaf);
}

static A64Update write_stage2(void *ctx, uint64_t at, uint64_t desc, A64Leaf *leaf)
{
    const A64WalkCtx *c = ctx;
    A64Update u =
        a64_walk_update(c, c->v->r.flags & A64_VF_S2EE, (Pa){ at }, leaf->desc, desc);

    if (u == A64_DESC_LOST) {
        a64_walk_fail(&leaf->fault, A64_FAULT_EXTERNAL_WALK, leaf->level);
    }
    return u;
}

bool a64_may_top(const A64View *v, const A64Stage2Ask *ask, unsigned top)
{
    bool own = v->r.vtcr & (ask->upper ? A64_VTCR_EL2_TL1 : A64_VTCR_EL2_TL0);
    bool other = v->r.vtcr & (ask->upper ? A64_VTCR_EL2_TL0 : A64_VTCR_EL2_TL1);
    bool for_own = top >> ask->upper & 1, for_other = top >> !ask->upper & 1;

    return for_own || !(own || (other && for_other));
}

bool a64_wants_assured_gcs(const A64View *v, bool assured_only)
{
    return (v->r.vtcr & A64_VTCR_EL2_GCSH) && !assured_only;
}

/* What FEAT_THE asks of the access before its permissions are looked at. */
static bool is_assured(const A64WalkCtx *c, const A64Stage2Ask *ask, const A64Stage2 *o,
                       A64Fault *f)
{
    f->top_level = ask->top && !a64_may_top(c->v, ask, o->p.top);
    bool gcs = ask->use == A64_FOR_ACCESS && c->a->gcs && !c->a->el0 &&
               a64_wants_assured_gcs(c->v, o->assured_only);
    f->assured_only = !f->top_level && ((o->assured_only && !ask->assured) || gcs);
    return !f->top_level && !f->assured_only;
}

static bool stage2_allows(const A64WalkCtx *c, const A64Stage2Ask *ask, const A64Stage2 *o,
                          A64Fault *f)
{
    const A64Access *a = c->a;
    unsigned needs = a->no_perm ? 0 : a64_access_needs(a);
    A64Perms p = o->p;

    if (!is_assured(c, ask, o, f)) {
        return false;
    }
    switch (ask->use) {
    case A64_FOR_TABLE_READ:
    case A64_FOR_TABLE_WRITE:
        if ((c->v->r.flags & A64_VF_PTW) && o->device) {
            p.base[A64_S2_MMU] = 0;
        }
        needs = A64_PERM_R | (ask->use == A64_FOR_TABLE_WRITE ? A64_PERM_W | A64_PERM_DIRTY : 0u);
        return a64_permits(&p, A64_S2_MMU, needs, f);
    case A64_FOR_ACCESS:
    default:
        needs |= a->cmow2 ? (unsigned)A64_PERM_W : 0;
        return a64_permits(&p, a->rcw ? A64_S2_MMU : a->el0 ? A64_S2_EL0 : A64_S2_EL1, needs, f);
    }
}

/* The leaf as the access leaves it: access flag set, dirty state set for a write. */
static uint64_t stage2_marked(const A64WalkCtx *c, const A64Tables *t, uint64_t desc,
                              A64Stage2Use use)
{
    bool write =
        use == A64_FOR_TABLE_WRITE ||
        (use == A64_FOR_ACCESS && c->a->access == ENG_WRITE && !c->a->at && !c->a->no_perm);

    if (t->ha) {
        desc |= A64_DESC_AF;
        if (t->hd && write && ((desc & A64_DESC_DBM) || (c->v->r.flags & A64_VF_S2PIE))) {
            desc |= A64_DESC_BIT7;
        }
    }
    return desc;
}

static void stage2_result(const A64WalkCtx *c, const A64Tables *t, const A64Leaf *l, A64MemAttr s1,
                          A64Stage2 *o)
{
    unsigned sh = (unsigned)(t->ds ? c->v->r.vtcr >> 12 : l->desc >> 8) & 3;

    o->pa = (Pa){ l->oa };
    o->bits = l->bits;
    o->level = l->level;
    o->attr = a64_attr_combine(c->v, s1, (unsigned)(l->desc >> 2) & 15, sh, &o->device);
    o->p = a64_stage2_perms(c->v, t, l->desc);
    o->assured_only = (c->v->r.vtcr & A64_VTCR_EL2_AssuredOnly) && (l->desc & DESC_ASSURED_ONLY);
}

/* One walk of stage 2. *again: the leaf changed under our hands. False: o->fault. */
static bool stage2_once(const A64WalkCtx *c, const A64Tables *t, const A64Stage2Ask *ask,
                        A64Stage2 *o)
{
    A64Leaf leaf = { .fault = o->fault };
    A64TableMem mem = { .ctx = (void *)c, .read = read_stage2, .write = write_stage2 };
    uint64_t marked;
    A64Update u;

    o->again = false;
    if (t->bad || o->fault.ipa.v >> t->ia_bits) {
        return a64_walk_fail(&o->fault, A64_FAULT_TRANSLATION, 0);
    }
    if (!a64_walk_tables(t, o->fault.ipa.v, &mem, &leaf)) {
        o->fault = leaf.fault;
        return false;
    }
    if (!(leaf.desc & A64_DESC_AF) && !t->ha) {
        return a64_walk_fail(&o->fault, A64_FAULT_ACCESS_FLAG, leaf.level);
    }
    stage2_result(c, t, &leaf, ask->s1, o);
    if (ask->use == A64_FOR_ACCESS && c->a->unaligned && o->attr.device) {
        return a64_walk_fail(&o->fault, A64_FAULT_ALIGNMENT, leaf.level);
    }
    if (!stage2_allows(c, ask, o, &o->fault)) {
        return a64_walk_fail(&o->fault, A64_FAULT_PERMISSION, leaf.level);
    }
    marked = stage2_marked(c, t, leaf.desc, ask->use);
    if (marked == leaf.desc) {
        return true;
    }
    u = write_stage2((void *)c, leaf.at, marked, &leaf);
    o->again = u == A64_DESC_CHANGED;
    o->p = a64_stage2_perms(c->v, t, marked);
    if (u == A64_DESC_LOST) {
        o->fault = leaf.fault;
    }
    return u != A64_DESC_LOST;
}

bool a64_stage2(const A64WalkCtx *c, const A64Stage2Ask *ask, A64Stage2 *o)
{
    A64Tables t = a64_stage2_tables(c->v);

    do {
        o->fault = (A64Fault){.stage2 = true,
                              .s1ptw = ask->use != A64_FOR_ACCESS,
                              .ipa = ask->ipa,
                              .write = c->a->access == ENG_WRITE};
        if (!stage2_once(c, &t, ask, o)) {
            return false;
        }
    } while (o->again);
    return true;
}
