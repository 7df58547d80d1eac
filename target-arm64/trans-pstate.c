/* PSTATE and its neighbours as registers. Arm ARM, "Special-purpose registers". */
#include "trans-pstate.h"

#include "helpers.h"
#include "exception.h"
#include "model.h"
#include "sysreg-help.h"

/* Encodings of the registers here, all op0 = 3. */
enum {
    KEY_SP_EL0 = A64_SYS_KEY(3, 0, 4, 1, 0),
    KEY_SPSEL = A64_SYS_KEY(3, 0, 4, 2, 0),
    KEY_CURRENTEL = A64_SYS_KEY(3, 0, 4, 2, 2),
    KEY_PAN = A64_SYS_KEY(3, 0, 4, 2, 3),
    KEY_UAO = A64_SYS_KEY(3, 0, 4, 2, 4),
    KEY_ALLINT = A64_SYS_KEY(3, 0, 4, 3, 0),
    KEY_PM = A64_SYS_KEY(3, 0, 4, 3, 1),
    KEY_NZCV = A64_SYS_KEY(3, 3, 4, 2, 0),
    KEY_DAIF = A64_SYS_KEY(3, 3, 4, 2, 1),
    KEY_DIT = A64_SYS_KEY(3, 3, 4, 2, 5),
    KEY_SSBS = A64_SYS_KEY(3, 3, 4, 2, 6),
    KEY_TCO = A64_SYS_KEY(3, 3, 4, 2, 7),
    KEY_FPCR = A64_SYS_KEY(3, 3, 4, 4, 0),
    KEY_FPSR = A64_SYS_KEY(3, 3, 4, 4, 1),
    KEY_SP_EL1 = A64_SYS_KEY(3, 4, 4, 1, 0),
};

/* One-byte PSTATE fields and where the register shows them. */
typedef struct {
    uint16_t key;
    uint16_t offset;
    uint8_t lsb, width;
} ByteField;

static const ByteField byte_fields[] = {
    {KEY_PAN, A64_OFF(pstate.pan), 22, 1},   {KEY_UAO, A64_OFF(pstate.uao), 23, 1},
    {KEY_DIT, A64_OFF(pstate.dit), 24, 1},   {KEY_SSBS, A64_OFF(pstate.ssbs), 12, 1},
    {KEY_TCO, A64_OFF(pstate.tco), 25, 1},   {KEY_ALLINT, A64_OFF(pstate.allint), 13, 1},
    {KEY_DAIF, A64_OFF(pstate.daif), 6, 4},  {KEY_PM, A64_OFF(pstate.pm), 32, 1},
};

static const ByteField *find_byte(uint16_t key)
{
    for (unsigned i = 0; i < sizeof byte_fields / sizeof byte_fields[0]; i++)
        if (byte_fields[i].key == key)
            return &byte_fields[i];
    return NULL;
}

/* A GET zero-extends. */
static IrVal get_byte(A64Trans *t, uint16_t offset)
{
    return ir_get(t->b, IR_I8, offset);
}

static IrVal get_word(A64Trans *t, uint16_t offset)
{
    return ir_emit(t->b, IR_ZEXT, IR_I64, ir_get(t->b, IR_I32, offset), 0, 0, 32);
}

/* A guest hypervisor at EL1 is told that it is at EL2 (HCR_EL2.NV). */
static unsigned shown_el(const A64Mode *mode)
{
    uint64_t hcr = a64_profile_word(mode->profile, A64_PROFILE_HCR_EL2);
    return mode->el == 1 && hcr & A64_HCR_EL2_NV ? 2 : mode->el;
}

IrVal a64_t_read_pstate(A64Trans *t, uint16_t key)
{
    const ByteField *f = find_byte(key);
    if (f)
        return ir_bin(t->b, IR_SHL, IR_I64, get_byte(t, f->offset),
                      a64_t_const(t, IR_I64, f->lsb));
    switch (key) {
    case KEY_SP_EL0:
        return ir_get(t->b, IR_I64, A64_OFF(sp_el[0]));
    case KEY_SP_EL1:
        return ir_get(t->b, IR_I64, A64_OFF(sp_el[1]));
    case KEY_SPSEL:
        return a64_t_const(t, IR_I64, t->mode->sp);
    case KEY_CURRENTEL:
        return a64_t_const(t, IR_I64, (uint64_t)shown_el(t->mode) << 2);
    case KEY_NZCV:
        return get_word(t, A64_OFF(pstate.nzcv));
    case KEY_FPCR:
        return a64_t_call(t, &a64_h_get_fpcr, 0, 0, 0);
    default:
        return a64_t_call(t, &a64_h_get_fpsr, 0, 0, 0);
    }
}

/* Bits of FPCR that are there; FPSR's are those of A64 alone (no AArch32: no condition flags). */
static uint32_t fpcr_mask(const A64Trans *t)
{
    uint32_t mask = FP_CR_AHP | FP_CR_DN | FP_CR_FZ | FP_CR_RMODE;
    if (a64_t_has(t, A64_FEAT_FP16))
        mask |= FP_CR_FZ16;
    if (a64_t_has(t, A64_FEAT_EBF16))
        mask |= FP_CR_EBF;
    if (a64_t_has(t, A64_FEAT_AFP))
        mask |= FP_CR_FIZ | FP_CR_AH | FP_CR_NEP;
    return mask;
}
enum { FPSR_MASK = 0x0800009f };

static IrVal masked(A64Trans *t, IrVal v, uint32_t mask)
{
    return ir_bin(t->b, IR_AND, IR_I64, v, a64_t_const(t, IR_I64, mask));
}

/* PAN and UAO select the view of data accesses. */
static void view_changed(A64Trans *t)
{
    a64_t_call(t, &a64_h_view_changed, 0, 0, 0);
    a64_t_exit(t);
}

static void write_byte(A64Trans *t, const ByteField *f, IrVal v)
{
    ir_put(t->b, IR_I8, f->offset,
           ir_emit(t->b, IR_UBFX, IR_I64, v, 0, 0, IR_FIELD(f->lsb, f->width)));
    if (f->key == KEY_DAIF)
        a64_t_call(t, &a64_h_daif_changed, 0, 0, 0);
    if (f->key == KEY_ALLINT || f->key == KEY_PM)
        a64_t_call(t, &a64_h_unmasked, 0, 0, 0);
    if (f->key == KEY_PAN || f->key == KEY_UAO)
        view_changed(t);
}

static void write_spsel(A64Trans *t, IrVal v)
{
    a64_t_call(t, &a64_h_set_spsel, v, 0, 0);
    if (a64_t_has(t, A64_FEAT_NMI)) /* PSTATE.SP may mask interrupts */
        a64_t_call(t, &a64_h_unmasked, 0, 0, 0);
    a64_t_exit(t);
}

void a64_t_write_pstate(A64Trans *t, uint16_t key, IrVal v)
{
    const ByteField *f = find_byte(key);
    if (f) {
        write_byte(t, f, v);
        return;
    }
    switch (key) {
    case KEY_SP_EL0:
        ir_put(t->b, IR_I64, A64_OFF(sp_el[0]), v);
        break;
    case KEY_SP_EL1:
        ir_put(t->b, IR_I64, A64_OFF(sp_el[1]), v);
        break;
    case KEY_SPSEL:
        write_spsel(t, v);
        break;
    case KEY_NZCV:
        ir_put(t->b, IR_I32, A64_OFF(pstate.nzcv), masked(t, v, 0xf0000000));
        break;
    case KEY_FPCR:
        a64_t_call(t, &a64_h_set_fpcr, masked(t, v, fpcr_mask(t)), 0, 0);
        if (a64_t_has(t, A64_FEAT_AFP)) { /* FPCR.NEP is part of the mode */
            a64_t_call(t, &a64_h_isb, 0, 0, 0);
            a64_t_exit(t);
        }
        break;
    default:
        a64_t_call(t, &a64_h_set_fpsr, masked(t, v, FPSR_MASK), 0, 0);
        break;
    }
}

static void change_daif(A64Trans *t, unsigned crm, bool set)
{
    IrVal old = get_byte(t, A64_OFF(pstate.daif));
    IrVal bits = a64_t_const(t, IR_I64, crm);
    ir_put(t->b, IR_I8, A64_OFF(pstate.daif),
           ir_bin(t->b, set ? IR_OR : IR_ANDN, IR_I64, old, bits));
    if (!set || crm & 8)
        a64_t_call(t, &a64_h_daif_changed, 0, 0, 0);
}

void a64_t_write_pstate_imm(A64Trans *t, unsigned op1, unsigned op2, unsigned crm)
{
    static const uint16_t keys[4][8] = {
        [0] = {[3] = KEY_UAO, [4] = KEY_PAN, [5] = KEY_SPSEL},
        [1] = {[0] = KEY_ALLINT},
        [3] = {[1] = KEY_SSBS, [2] = KEY_DIT, [4] = KEY_TCO},
    };
    if (op1 == 3 && op2 >= 6) {
        change_daif(t, crm, op2 == 6);
        return;
    }
    uint16_t key = op1 == 1 && crm & 2 ? KEY_PM : keys[op1 & 3][op2];
    const ByteField *f = find_byte(key);
    IrVal v = a64_t_const(t, IR_I64, (uint64_t)(crm & 1) << (f ? f->lsb : 0));
    a64_t_write_pstate(t, key, v);
}
