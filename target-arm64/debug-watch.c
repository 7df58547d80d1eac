/*
 * Watchpoint exceptions. Pages with watched bytes have no fast entries in the TLB, so that each
 * access to them comes here when it has been translated. Arm ARM, "Watchpoint exceptions".
 */
#include "debug.h"

#include "armillary/engine.h"
#include "mmu-fault.h"
#include "model.h"
#include "unpredictable.h"
#include "view.h"

enum { N = A64_WATCHPOINTS };
enum { ISS_DEBUG = 0x22, ISS_WNR = 1 << 6, ISS_CM = 1 << 8, ISS_VNCR = 1 << 13 };
enum { ISS_WPTV = 1 << 17, ISS_WPT_SHIFT = 18 };
_Static_assert(A64_SR_DBGWVR3_EL1 - A64_SR_DBGWVR0_EL1 == N - 1 &&
               A64_SR_DBGWCR3_EL1 - A64_SR_DBGWCR0_EL1 == N - 1, "a family has neighbouring slots");

typedef struct {
    uint64_t base, size;
} Range;

/* Bytes that watchpoint n watches; none: disabled. */
static Range range_of(const A64Cpu *cpu, unsigned n)
{
    uint64_t control = cpu->st.sr[A64_SR_DBGWCR0_EL1 + n];
    uint64_t value = cpu->st.sr[A64_SR_DBGWVR0_EL1 + n] & A64_DEBUG_VA;
    unsigned mask = (unsigned)(control >> A64_DBGWCR_EL1_MASK_SHIFT & 31);
    unsigned bas = (unsigned)(control >> A64_DBGWCR_EL1_BAS_SHIFT & (value & 4 ? 15 : 255));
    if (!(control & A64_DBGWCR_EL1_E) || !(control & A64_DBGWCR_EL1_LSC) ||
        a64_unpred_watch_mask(mask))
        return (Range){0, 0};
    if (mask)
        return (Range){a64_unpred_watch_base(value, mask), UINT64_C(1) << mask};
    if (!bas)
        return (Range){0, 0};
    bas = a64_unpred_watch_bas(bas);
    return (Range){(value & ~UINT64_C(3)) + (unsigned)__builtin_ctz(bas),
                   (unsigned)__builtin_popcount(bas)};
}

void a64_watch_select(A64Cpu *cpu)
{
    A64WatchedPages now[N];
    unsigned n = 0;
    bool on = cpu->st.sr[A64_SR_MDSCR_EL1] & A64_MDSCR_EL1_MDE;
    for (unsigned i = 0; on && i < N; i++) {
        Range r = range_of(cpu, i);
        uint64_t size = r.size > ARM_PAGE_SIZE ? r.size : ARM_PAGE_SIZE;
        if (r.size)
            now[n++] = (A64WatchedPages){r.base, A64_DEBUG_VA & ~(size - 1)};
    }
    bool same = n == cpu->n_watched;
    for (unsigned i = 0; same && i < n; i++)
        same = now[i].base == cpu->watched[i].base && now[i].mask == cpu->watched[i].mask;
    if (same)
        return;
    for (unsigned i = 0; i < n; i++)
        cpu->watched[i] = now[i];
    cpu->n_watched = n;
    eng_watch(&cpu->eng, n > 0);
}

bool a64_watched(EngVcpu *eng, Va va)
{
    const A64Cpu *cpu = a64_cpu(eng);
    for (unsigned i = 0; i < cpu->n_watched; i++)
        if (!((va.v ^ cpu->watched[i].base) & cpu->watched[i].mask))
            return true;
    return false;
}

typedef struct {
    uint64_t va, size;
    unsigned el; /* with whose privilege */
    bool write;
    uint32_t iss, iss2;
} Access;

/* The first watched byte of the access, as an offset; at least size: there is none. */
static uint64_t first_watched(const Range *r, const Access *a)
{
    uint64_t ahead = (r->base - a->va) & A64_DEBUG_VA, behind = (a->va - r->base) & A64_DEBUG_VA;
    return behind < r->size ? 0 : r->size ? ahead : a->size;
}

static bool control_matches(const A64Cpu *cpu, uint64_t control, const Access *a)
{
    uint64_t kind = control >> A64_DBGWCR_EL1_LSC_SHIFT & 3;
    return kind & (a->write ? 2 : 1) && a64_debug_el_match(cpu, control, a->el) &&
           (!(control & A64_DBGWCR_EL1_WT) || a64_debug_link_match(cpu, control));
}

static void take(A64Cpu *cpu, const Access *a, unsigned n, uint64_t offset)
{
    bool numbered = a64_has(cpu->model, A64_FEAT_Debugv8p2);
    /* one that stands for an EL2 access of EL1 is EL2's own */
    A64Ec ec = a->iss & ISS_VNCR ? A64_EC_WATCHPOINT : A64_EC_WATCHPOINT_LOWER;
    a64_raise(cpu, &(A64Exception){
                       .el = a64_debug_target(cpu),
                       .control = a64_debug_control(cpu),
                       .ec = ec,
                       .iss = ISS_DEBUG | a->iss | (a->write ? ISS_WNR : 0) |
                              (numbered ? ISS_WPTV | n << ISS_WPT_SHIFT : 0),
                       .iss2 = a->iss2,
                       .has_far = true,
                       .far = a->va + offset,
                   });
}

/* The lowest-numbered one that matches is reported, with the first byte of it that is accessed. */
static bool check(A64Cpu *cpu, const Access *a)
{
    for (unsigned n = 0; n < N; n++) {
        Range r = range_of(cpu, n);
        uint64_t offset = first_watched(&r, a);
        if (offset < a->size && control_matches(cpu, cpu->st.sr[A64_SR_DBGWCR0_EL1 + n], a)) {
            take(cpu, a, n, offset);
            return true;
        }
    }
    return false;
}

bool a64_watchpoint(EngVcpu *eng, Va va, uint64_t n, EngAccess access, uint64_t mem)
{
    A64Cpu *cpu = a64_cpu(eng);
    bool vncr = IR_MEM_GET_VIEW(mem) == IR_VIEW_VNCR;
    unsigned el = vncr ? 2 : cpu->st.pstate.el, number;
    if (!a64_debug_events(cpu, el, !vncr && cpu->st.pstate.daif & 8))
        return false;
    a64_access_view(cpu, IR_MEM_GET_VIEW(mem), access, &number);
    return check(cpu, &(Access){.va = va.v,
                                .size = n,
                                .el = a64_view_is_el0(number) ? 0 : el,
                                .write = access == ENG_WRITE,
                                .iss = vncr ? ISS_VNCR : 0,
                                .iss2 = a64_mem_gcs(mem) ? A64_ISS2_GCS : 0});
}

bool a64_watch_invalidate(A64Cpu *cpu, Va va, uint64_t n)
{
    const A64Pstate *p = &cpu->st.pstate;
    return a64_debug_events(cpu, p->el, p->daif & 8) &&
           check(cpu, &(Access){.va = va.v,
                                .size = n,
                                .el = p->el,
                                .write = true,
                                .iss = ISS_CM});
}
