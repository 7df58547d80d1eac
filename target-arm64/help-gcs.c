/*
 * The guarded control stack at run time: records and the exceptions of their checks. Arm ARM, "The
 * Guarded Control Stack", and the instructions' own pages.
 *
 * An access is done with the memory type that it finds, one of the manual's choices. GCSB orders
 * nothing: a PE sees its own accesses in program order.
 */
#include "gcs.h"

#include "armillary/engine.h"
#include "cpu.h"
#include "mmu.h"
#include "view.h"

enum { RECORD = 8, EXCEPTION_RECORD = 32, EXCEPTION_MARK = 9 };
enum { IN_PROGRESS = 5, VALID_CAP = 1, TOKEN = 7, PAGE = 0xfff };
enum { RAISES = IR_H_READS | IR_H_WRITES | IR_H_RAISES };
#define GCS_MEM(view) (IR_MEM_SIZE(3) | IR_MEM_ALIGN | IR_MEM_VIEW(view))

static uint64_t *pointer(A64Cpu *cpu)
{
    static const uint16_t slots[3] = {A64_SR_GCSPR_EL0, A64_SR_GCSPR_EL1, A64_SR_GCSPR_EL2};
    return &cpu->st.sr[slots[cpu->st.pstate.el]];
}

static uint64_t control(const A64Cpu *cpu)
{
    static const uint16_t slots[3] = {A64_SR_GCSCRE0_EL1, A64_SR_GCSCR_EL1, A64_SR_GCSCR_EL2};
    return cpu->st.sr[slots[cpu->st.pstate.el]];
}

static bool load(A64Cpu *cpu, uint64_t at, uint64_t *value)
{
    return eng_load(&cpu->eng, (Va){at}, GCS_MEM(IR_VIEW_GCS), value);
}

static bool store(A64Cpu *cpu, uint64_t at, uint64_t value)
{
    return eng_store(&cpu->eng, (Va){at}, GCS_MEM(IR_VIEW_GCS), value);
}

/* GCS Data Check exception. */
static void data_check(A64Cpu *cpu, A64GcsKind kind, unsigned rn)
{
    a64_raise(cpu, &(A64Exception){.ec = A64_EC_GCS,
                                   .iss = A64_ISS_GCS_Rvalue(rn) | A64_ISS_GCS_IT(kind)});
}

static uint64_t push(void *env, uint64_t value, uint64_t b, uint64_t c)
{
    A64Cpu *cpu = env;
    uint64_t *p = pointer(cpu);
    if (store(cpu, *p - RECORD, value))
        *p -= RECORD;
    return 0;
}
const IrHelper a64_h_gcs_push = {"gcs_push", push, 1, RAISES};

static uint64_t procedure_return(void *env, uint64_t target, uint64_t what, uint64_t c)
{
    A64Cpu *cpu = env;
    uint64_t *p = pointer(cpu), recorded;
    if (!load(cpu, *p, &recorded))
        return 0;
    if (control(cpu) & A64_GCSCR_EL1_RVCHKEN && recorded != target) {
        data_check(cpu, (A64GcsKind)(what & 31), (unsigned)what >> 5);
        return 0;
    }
    *p += RECORD;
    return recorded;
}
const IrHelper a64_h_gcs_return = {"gcs_return", procedure_return, 2, RAISES};

static uint64_t popm(void *env, uint64_t rt, uint64_t b, uint64_t c)
{
    A64Cpu *cpu = env;
    uint64_t *p = pointer(cpu), recorded;
    if (!load(cpu, *p, &recorded))
        return 0;
    if (recorded & 3) {
        data_check(cpu, A64_GCS_POPM, (unsigned)rt);
        return 0;
    }
    *p += RECORD;
    return recorded;
}
const IrHelper a64_h_gcs_popm = {"gcs_popm", popm, 1, RAISES};

/* ---- switching stacks ---- */

static uint64_t ss1(void *env, uint64_t incoming, uint64_t rt, uint64_t c)
{
    A64Cpu *cpu = env;
    uint64_t *p = pointer(cpu), seen;
    uint64_t mem = GCS_MEM(IR_VIEW_GCS) | IR_MEM_ATOMIC(IR_ATOMIC_CAS);
    const uint64_t operands[2] = {(incoming & ~(uint64_t)PAGE) | VALID_CAP,
                                  (*p & ~(uint64_t)TOKEN) | IN_PROGRESS};
    if (!eng_atomic(&cpu->eng, (Va){incoming}, mem, operands, &seen))
        return 0;
    if (seen == operands[0])
        *p = incoming & ~(uint64_t)TOKEN;
    else
        data_check(cpu, A64_GCS_SS1, (unsigned)rt);
    return 0;
}
const IrHelper a64_h_gcs_ss1 = {"gcs_ss1", ss1, 2, RAISES};

static uint64_t ss2(void *env, uint64_t a, uint64_t b, uint64_t c)
{
    A64Cpu *cpu = env;
    uint64_t *p = pointer(cpu), token;
    if (!load(cpu, *p, &token))
        return 0;
    if ((token & TOKEN) != IN_PROGRESS) {
        data_check(cpu, A64_GCS_SS2, 0);
        return 0;
    }
    uint64_t outgoing = (token & ~(uint64_t)TOKEN) - RECORD;
    if (store(cpu, outgoing, (outgoing & ~(uint64_t)PAGE) | VALID_CAP))
        *p += RECORD;
    return outgoing;
}
const IrHelper a64_h_gcs_ss2 = {"gcs_ss2", ss2, 0, RAISES};

/* ---- exception return records ---- */

/* From its lowest address up. */
typedef struct {
    uint64_t mark, elr, spsr, lr;
} Record;

static Record own_record(const A64Cpu *cpu)
{
    bool el2 = cpu->st.pstate.el == 2;
    return (Record){EXCEPTION_MARK, cpu->st.sr[el2 ? A64_SR_ELR_EL2 : A64_SR_ELR_EL1],
                    cpu->st.sr[el2 ? A64_SR_SPSR_EL2 : A64_SR_SPSR_EL1], cpu->st.x[30]};
}

static bool load_record(A64Cpu *cpu, uint64_t at, Record *r)
{
    return load(cpu, at, &r->mark) && load(cpu, at + 8, &r->elr) && load(cpu, at + 16, &r->spsr) &&
           load(cpu, at + 24, &r->lr);
}

/* PSTATE.EXLOCK is part of the mode; the block ends with the instruction. */
static void set_lock(A64Cpu *cpu, bool lock)
{
    cpu->st.pstate.exlock = lock;
    a64_mode_select(cpu);
}

static uint64_t pushx(void *env, uint64_t a, uint64_t b, uint64_t c)
{
    A64Cpu *cpu = env;
    Record r = own_record(cpu);
    uint64_t *p = pointer(cpu), at = *p - EXCEPTION_RECORD;
    if (!store(cpu, at + 24, r.lr) || !store(cpu, at + 16, r.spsr) || !store(cpu, at + 8, r.elr) ||
        !store(cpu, at, r.mark))
        return 0;
    *p = at;
    set_lock(cpu, false);
    return 0;
}
const IrHelper a64_h_gcs_pushx = {"gcs_pushx", pushx, 0, RAISES};

static uint64_t popcx(void *env, uint64_t a, uint64_t b, uint64_t c)
{
    A64Cpu *cpu = env;
    Record own = own_record(cpu), r;
    uint64_t *p = pointer(cpu);
    if (!load_record(cpu, *p, &r))
        return 0;
    if (r.mark != own.mark || r.elr != own.elr || r.spsr != own.spsr || r.lr != own.lr) {
        data_check(cpu, A64_GCS_POPCX, 0);
        return 0;
    }
    *p += EXCEPTION_RECORD;
    set_lock(cpu, a64_gcs_locks(cpu, cpu->st.pstate.el));
    return 0;
}
const IrHelper a64_h_gcs_popcx = {"gcs_popcx", popcx, 0, RAISES};

static uint64_t popx(void *env, uint64_t a, uint64_t b, uint64_t c)
{
    A64Cpu *cpu = env;
    uint64_t *p = pointer(cpu);
    Record r;
    if (!load_record(cpu, *p, &r))
        return 0;
    if (r.mark == EXCEPTION_MARK)
        *p += EXCEPTION_RECORD;
    else
        data_check(cpu, A64_GCS_POPX, 31);
    return 0;
}
const IrHelper a64_h_gcs_popx = {"gcs_popx", popx, 0, RAISES};

/* ---- GCSSTR, GCSSTTR ---- */

/* Is it GCSSTTR, and with the privilege of EL0, from above EL0? Then nothing traps it. */
static bool lowers_privilege(const A64Cpu *cpu, bool unprivileged)
{
    unsigned view;
    a64_access_view(cpu, IR_VIEW_GCS_UNPRIV, ENG_WRITE, &view);
    return unprivileged && cpu->st.pstate.el && view == A64_VIEW_GCS_EL0;
}

static uint64_t gcsstr_trap(void *env, uint64_t unprivileged, uint64_t registers, uint64_t c)
{
    static const char *const controls[3] = {"GCSCRE0_EL1.STREn", "GCSCR_EL1.STREn",
                                            "GCSCR_EL2.STREn"};
    A64Cpu *cpu = env;
    unsigned el = cpu->st.pstate.el;
    A64Exception e = {.ec = A64_EC_GCS,
                      .iss = A64_ISS_GCS_ExType(A64_GCS_STR) | (uint32_t)registers,
                      .control = controls[el]};
    if (lowers_privilege(cpu, unprivileged))
        return 0;
    if (control(cpu) & A64_GCSCR_EL1_STREn) {
        if (el != 1 || !a64_has(cpu->model, A64_FEAT_EL2) || !a64_has(cpu->model, A64_FEAT_FGT) ||
            cpu->st.sr[A64_SR_HFGITR_EL2] & A64_HFGITR_EL2_nGCSSTR_EL1)
            return 0;
        e.el = 2;
        e.control = "HFGITR_EL2.nGCSSTR_EL1";
    }
    a64_raise(cpu, &e);
    return 0;
}
const IrHelper a64_h_gcsstr_trap = {"gcsstr_trap", gcsstr_trap, 2, RAISES};

static uint64_t gcsstr(void *env, uint64_t at, uint64_t value, uint64_t unprivileged)
{
    A64Cpu *cpu = env;
    uint64_t mem = GCS_MEM(unprivileged ? IR_VIEW_GCS_UNPRIV : IR_VIEW_GCS);
    eng_store(&cpu->eng, (Va){at}, mem, value);
    return 0;
}
const IrHelper a64_h_gcsstr = {"gcsstr", gcsstr, 3, RAISES};
