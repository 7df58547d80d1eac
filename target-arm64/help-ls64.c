/*
 * 64-byte loads and stores (FEAT_LS64, FEAT_LS64_V, FEAT_LS64_ACCDATA): their traps, the memory
 * types they may reach, and the accesses. Arm ARM, "Single-copy atomic 64-byte load/store", LD64B,
 * ST64B, ST64BV, ST64BV0; "ISS encoding for an exception from an LD64B or ST64B* instruction".
 *
 * RAM takes LD64B and ST64B as eight accesses of 8 bytes, which the manual allows. Nothing takes
 * ST64BV and ST64BV0: their status says so and memory stays as it is.
 */
#include "armillary/engine.h"
#include "cpu.h"
#include "exception.h"
#include "helpers.h"
#include "mmu-fault.h"
#include "unpredictable.h"
#include "view.h"

typedef struct {
    uint64_t sctlr, hcrx;
    uint32_t iss;
    const char *sctlr_el1, *sctlr_el2, *hcrx_el2;
} Control;

static const Control controls[] = {
    [A64_LS64_V] = {A64_SCTLR_EL1_EnASR, A64_HCRX_EL2_EnASR, 0, "SCTLR_EL1.EnASR",
                    "SCTLR_EL2.EnASR", "HCRX_EL2.EnASR"},
    [A64_LS64_V0] = {A64_SCTLR_EL1_EnAS0, A64_HCRX_EL2_EnAS0, 1, "SCTLR_EL1.EnAS0",
                     "SCTLR_EL2.EnAS0", "HCRX_EL2.EnAS0"},
    [A64_LS64_PLAIN] = {A64_SCTLR_EL1_EnALS, A64_HCRX_EL2_EnALS, 2, "SCTLR_EL1.EnALS",
                        "SCTLR_EL2.EnALS", "HCRX_EL2.EnALS"},
};

/* Source: pseudocode of CheckLDST64BEnabled and its like. */
static uint64_t enabled(void *env, uint64_t kind, uint64_t b, uint64_t c)
{
    A64Cpu *cpu = env;
    const uint64_t *sr = cpu->st.sr;
    const Control *t = &controls[kind];
    A64Exception e = {.ec = A64_EC_LS64, .iss = t->iss};
    unsigned el = cpu->st.pstate.el;
    bool host = el == 0 && a64_in_host(cpu);
    if (host && !(sr[A64_SR_SCTLR_EL2] & t->sctlr)) {
        e.el = 2;
        e.control = t->sctlr_el2;
    } else if (el == 0 && !host && !(sr[A64_SR_SCTLR_EL1] & t->sctlr)) {
        e.el = a64_hcr(cpu) & A64_HCR_EL2_TGE ? 2 : 1;
        e.control = t->sctlr_el1;
    } else if (el < 2 && !host && a64_has(cpu->model, A64_FEAT_EL2) &&
               !(sr[A64_SR_HCRX_EL2] & t->hcrx)) {
        e.el = 2;
        e.control = t->hcrx_el2;
    } else {
        return 0;
    }
    a64_raise(cpu, &e);
    return 0;
}

/* Device and Non-cacheable memory only. */
static bool is_uncached(A64MemAttr a)
{
    return a.device || a.attr == 0x44;
}

static void unsupported(A64Cpu *cpu, const A64FaultSource *from, const A64Fault *f)
{
    A64Fault fault = *f;
    fault.type = A64_FAULT_EXCLUSIVE;
    fault.write = from->access == ENG_WRITE;
    a64_abort(cpu, from, &fault);
}

/*
 * False: the memory's type does not allow the access, and the Data Abort has been taken. The type
 * is that of both stages together, and the first stage that makes it a wrong one reports it: one of
 * the manual's choices. What faults otherwise is left to the access.
 */
static bool type_allows(A64Cpu *cpu, const A64FaultSource *from)
{
    A64WalkIo io = a64_walk_io(cpu);
    A64Access a = {.va = from->va, .access = from->access, .at = true};
    unsigned number;
    A64View v;
    a64_view(cpu, a64_access_view(cpu, IR_VIEW_CURRENT, from->access, &number), &v);
    a.el0 = number == A64_VIEW_EL0;
    a.pan = number == A64_VIEW_PRIV_PAN;
    A64Walk both = a64_walk(&v, &io, &a);
    if (both.fault.type != A64_FAULT_NONE || is_uncached(both.attr))
        return true;
    A64Walk first = a64_walk_stage1(&v, &io, &a);
    bool stage2 = a64_unpred_ls64_stage2(both.s2_on, first.s1_on, is_uncached(first.attr));
    unsupported(cpu, from,
                &(A64Fault){.level = stage2 ? both.s2_level : both.s1_level,
                            .stage2 = stage2,
                            .ipa = stage2 ? both.ipa : (Ipa){0}});
    return false;
}

static void move(A64Cpu *cpu, const A64FaultSource *from, unsigned rt)
{
    uint64_t data[8];
    bool load = from->access == ENG_READ;
    for (unsigned i = 0; i < 8; i++)
        data[i] = rt + i == 31 ? 0 : cpu->st.x[rt + i];
    EngDone done = eng_transfer64(&cpu->eng, from->va, from->access, from->mem, data);
    if (done == ENG_DONE_NOT)
        unsupported(cpu, from, &(A64Fault){0});
    for (unsigned i = 0; done == ENG_DONE && load && i < 8; i++) {
        if (rt + i != 31)
            cpu->st.x[rt + i] = data[i];
    }
}

/* No destination takes it; but faults come first. */
static void store_status(A64Cpu *cpu, const A64FaultSource *from, unsigned rs)
{
    EngDone done = eng_transfer64(&cpu->eng, from->va, ENG_WRITE, from->mem, NULL);
    if (done != ENG_DONE_FAULT && rs != 31)
        cpu->st.x[rs] = UINT64_MAX;
}

static uint64_t ls64(void *env, uint64_t va, uint64_t mem, uint64_t regs)
{
    A64Cpu *cpu = env;
    unsigned rs = regs & 31, rt = regs >> 8 & 31;
    bool load = regs >> 16 & 1, status = regs >> 17 & 1;
    const A64FaultSource from = {.va = {va}, .access = load ? ENG_READ : ENG_WRITE, .mem = mem};
    if (!(va & 63) && !type_allows(cpu, &from))
        return 0;
    if (status)
        store_status(cpu, &from, rs);
    else
        move(cpu, &from, rt);
    return 0;
}

enum { TOUCHES = IR_H_READS | IR_H_WRITES | IR_H_RAISES };

const IrHelper a64_h_ls64_enabled = {"ls64_enabled", enabled, 1, TOUCHES};
const IrHelper a64_h_ls64 = {"ls64", ls64, 3, TOUCHES};
