/*
 * Aborts: routing and syndromes. Arm ARM, "MMU faults", "Routing synchronous External aborts",
 * ESR_ELx (ISS encodings of Instruction and Data Aborts), FAR_ELx, HPFAR_EL2.
 */
#include "mmu-fault.h"

#include "cpu.h"
#include "exception.h"
#include "view.h"

enum { ISS2_ASSURED_ONLY = 1 << 7, ISS2_OVERLAY = 1 << 6, ISS2_DIRTY = 1 << 5 };
enum { ISS_TOP_LEVEL = 1 << 21 };
enum { ISS_VNCR = 1 << 13, ISS_CM = 1 << 8, ISS_S1PTW = 1 << 7, ISS_WNR = 1 << 6 };
enum { ISS_ISV = 1 << 24, ISS_LST = 3 << 11 };

unsigned a64_fault_status(const A64Fault *f)
{
    unsigned level = (unsigned)(f->level & 3);
    bool below = f->level < 0; /* level -1 */

    switch (f->type) {
    case A64_FAULT_ADDRESS_SIZE:
        return below ? 0x29 : level;
    case A64_FAULT_TRANSLATION:
        return below ? 0x2b : 0x04 | level;
    case A64_FAULT_ACCESS_FLAG:
        return 0x08 | level;
    case A64_FAULT_PERMISSION:
        return 0x0c | level;
    case A64_FAULT_EXTERNAL:
        return 0x10;
    case A64_FAULT_EXTERNAL_WALK:
        return below ? 0x13 : 0x14 | level;
    case A64_FAULT_ALIGNMENT:
        return 0x21;
    case A64_FAULT_EXCLUSIVE:
        return 0x35;
    case A64_FAULT_NONE:
    default:
        return 0;
    }
}

static bool external(const A64Fault *f)
{
    return f->type == A64_FAULT_EXTERNAL || f->type == A64_FAULT_EXTERNAL_WALK;
}

static unsigned target_el(const A64Cpu *cpu, const A64Fault *f, bool vncr)
{
    uint64_t hcr = a64_mmu_hcr(cpu);

    if (cpu->st.pstate.el == 2 || f->stage2 || vncr || (hcr & A64_HCR_EL2_TGE) ||
        (external(f) && (hcr & A64_HCR_EL2_TEA))) {
        return 2;
    }
    return 1;
}

/* Does the syndrome tell which 64-byte access it was (LST, and Xs in ISS2)? */
static bool names_ls64(const A64FaultSource *from, const A64Fault *f)
{
    return !from->cache_op && IR_MEM_GET_ISS(from->mem) & ISS_LST &&
           !(IR_MEM_GET_ISS(from->mem) & ISS_ISV) &&
           (f->type == A64_FAULT_TRANSLATION || f->type == A64_FAULT_ACCESS_FLAG ||
            f->type == A64_FAULT_PERMISSION);
}

static uint32_t data_iss(const A64FaultSource *from, const A64Fault *f, bool vncr)
{
    uint32_t iss = a64_fault_status(f);

    if (f->stage2 && !f->s1ptw && !external(f) && !from->cache_op) {
        iss |= IR_MEM_GET_ISS(from->mem) & ~(uint32_t)ISS_LST;
    }
    if (names_ls64(from, f)) {
        iss |= IR_MEM_GET_ISS(from->mem);
    }
    if (from->cache_op) {
        iss |= ISS_CM | ISS_WNR;
    } else if (f->write) {
        iss |= ISS_WNR;
    }
    return iss | (f->s1ptw ? ISS_S1PTW : 0u) | (vncr ? ISS_VNCR : 0u);
}

/* Events: the fault, and, when nothing answered at the address, a guest error. */
static void trace_abort(A64Cpu *cpu, const A64FaultSource *from, const A64Fault *f, uint32_t iss)
{
    static const char *const names[] = {
        [A64_FAULT_ADDRESS_SIZE] = "address size",    [A64_FAULT_TRANSLATION] = "translation",
        [A64_FAULT_ACCESS_FLAG] = "access flag",      [A64_FAULT_PERMISSION] = "permission",
        [A64_FAULT_ALIGNMENT] = "alignment",          [A64_FAULT_EXTERNAL] = "external abort",
        [A64_FAULT_EXTERNAL_WALK] = "external abort on a walk",
        [A64_FAULT_EXCLUSIVE] = "unsupported exclusive",
    };
    EvEvent e = {.kind = f->stage2 ? EV_S2_FAULT : EV_MMU_FAULT, .a = from->va.v, .b = f->ipa.v,
                 .c = iss, .d = f->write ? ENG_WRITE : from->access, .text = names[f->type],
                 .detail = f->s1ptw ? "on a table access" : NULL};

    a64_trace_fault(cpu, &e);
    if (external(f)) {
        e.kind = EV_GUEST_ERROR;
        e.text = "access that nothing answers, VA,";
        a64_trace_fault(cpu, &e);
    }
}

void a64_abort(A64Cpu *cpu, const A64FaultSource *from, const A64Fault *f)
{
    bool fetch = from->access == ENG_FETCH;
    bool vncr = !fetch && IR_MEM_GET_VIEW(from->mem) == IR_VIEW_VNCR;
    A64Exception e = {
        .el = target_el(cpu, f, vncr),
        .ec = fetch ? A64_EC_INSN_ABORT_LOWER : vncr ? A64_EC_DATA_ABORT : A64_EC_DATA_ABORT_LOWER,
        .iss2 = (f->overlay ? ISS2_OVERLAY : 0u) | (f->dirty ? ISS2_DIRTY : 0u) |
                (f->assured_only ? ISS2_ASSURED_ONLY : 0u),
        .has_far = true,
        .far = from->va.v,
        /* UNKNOWN for a permission fault that is not on a table access: the address all the same */
        .has_ipa = f->stage2 && f->type != A64_FAULT_ALIGNMENT && !external(f),
        .ipa = f->ipa,
    };

    if (fetch) {
        cpu->eng.insn_pc = from->va.v;
        e.iss = a64_fault_status(f) | (f->s1ptw ? ISS_S1PTW : 0u);
    } else {
        e.iss = data_iss(from, f, vncr);
        e.iss2 |= names_ls64(from, f) ? A64_MEM_GET_XS(from->mem) : 0;
        e.iss2 |= a64_mem_gcs(from->mem) ? A64_ISS2_GCS : 0;
    }
    e.iss |= f->top_level ? ISS_TOP_LEVEL : 0u;
    if (e.el == 2 && cpu->st.pstate.el < 2 && external(f) && !f->stage2 && !a64_in_host(cpu)) {
        e.control = a64_mmu_hcr(cpu) & A64_HCR_EL2_TGE ? "HCR_EL2.TGE" : "HCR_EL2.TEA";
    }
    trace_abort(cpu, from, f, e.iss);
    a64_raise(cpu, &e);
}
