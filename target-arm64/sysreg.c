/* The decision what a system-register access does: an interpreter of the generated rules. */
#include "sysreg.h"

#include <strings.h>

#include "exception.h"
#include "model.h"

const A64SysReg *a64_sysreg_find(uint16_t key, bool write)
{
    unsigned low = 0, high = a64_n_sysregs;
    while (low < high) {
        unsigned mid = (low + high) / 2;
        if (a64_sysregs[mid].key < key)
            low = mid + 1;
        else
            high = mid;
    }
    uint8_t wanted = write ? A64_SR_WRITE : A64_SR_READ;
    const A64SysReg *any = NULL;
    for (; low < a64_n_sysregs && a64_sysregs[low].key == key; low++) {
        any = &a64_sysregs[low];
        if (any->access & wanted)
            break;
    }
    return any;
}

const A64SysReg *a64_sysreg_named(const char *name)
{
    for (unsigned i = 0; i < a64_n_sysregs; i++)
        if (strcasecmp(a64_sysregs[i].name, name) == 0)
            return &a64_sysregs[i];
    return NULL;
}

static bool atom_holds(const A64Mode *mode, const A64Atom *a)
{
    bool is;
    if (a->word & A64_ATOM_FEATURE)
        is = a64_has(mode->model, (A64Feature)(a->word & ~A64_ATOM_FEATURE));
    else if (a->word == A64_ATOM_SP)
        is = mode->sp == a->value;
    else if (a->word == A64_ATOM_EXLOCK)
        is = mode->exlock == a->value;
    else
        is = (a64_profile_word(mode->profile, a->word) & a->mask) == a->value;
    return is != a->negated;
}

/* Traps to an EL2 that is not there do not exist, whatever a control's 0 means. */
static const A64AccessRule *first_that_holds(const A64Mode *mode, uint16_t start)
{
    bool el2 = a64_has(mode->model, A64_FEAT_EL2);
    for (const A64AccessRule *r = &a64_access_rules[start];; r++) {
        unsigned i = 0;
        if (r->kind == A64_ACC_TRAP && r->el == 2 && !el2)
            continue;
        while (i < r->n_atoms && atom_holds(mode, &a64_access_atoms[r->atoms + i]))
            i++;
        if (i == r->n_atoms)
            return r;
    }
}

/* A trap to EL1 goes to EL2 from EL0 with HCR_EL2.TGE; an FP trap then loses its class. */
static A64Decision trap(const A64Mode *mode, const A64AccessRule *r)
{
    A64Decision d = {.kind = A64_ACC_TRAP, .el = r->el, .ec = r->ec,
                     .rule = (uint16_t)(r - a64_access_rules)};
    uint64_t hcr = a64_profile_word(mode->profile, A64_PROFILE_HCR_EL2);
    if (r->el == 1 && mode->el == 0 && hcr & A64_HCR_EL2_TGE) {
        d.el = 2;
        if (r->ec == A64_EC_FP)
            d.ec = A64_EC_UNKNOWN;
    }
    return d;
}

/* CRn 11 and 15 of op0 1 and 3: what no row describes there is IMPLEMENTATION DEFINED. */
static bool is_impdef(uint16_t key)
{
    unsigned crn = key >> 7 & 15;
    return key >> 14 & 1 && (crn == 11 || crn == 15);
}

/* op0 3, op1 0, 1 or 3, CRn 0, CRm 0 to 7: the feature ID space. */
static bool is_id_space(uint16_t key)
{
    enum { OP1_0_1_3 = 0xb };
    return key >> 14 == 3 && OP1_0_1_3 >> (key >> 11 & 7) & 1 && (key >> 6 & 0x1f) == 0;
}

A64Decision a64_sysreg_decide(const A64Mode *mode, const A64SysAccess *a)
{
    const A64SysReg *reg = a64_sysreg_find(a->key, a->write);
    const uint16_t *rules;
    if (reg)
        rules = reg->rules[a->write];
    else if (is_impdef(a->key))
        rules = a64_impdef_rules[a->write];
    else if (is_id_space(a->key))
        rules = a64_idspace_rules[a->write];
    else
        return (A64Decision){.kind = A64_ACC_UNDEF};

    const A64AccessRule *r = first_that_holds(mode, rules[mode->el]);
    switch ((A64AccessKind)r->kind) {
    case A64_ACC_TRAP:
        return trap(mode, r);
    case A64_ACC_REG:
        return (A64Decision){.kind = A64_ACC_SELF, .reg = &a64_sysregs[r->arg]};
    case A64_ACC_NVMEM:
        return (A64Decision){.kind = A64_ACC_NVMEM, .nv_offset = r->arg};
    case A64_ACC_SELF:
    case A64_ACC_UNDEF:
    case A64_ACC_RAZ:
        break;
    }
    return (A64Decision){.kind = (A64AccessKind)r->kind, .reg = reg};
}
