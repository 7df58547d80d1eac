/*
 * The walker's way to a vCPU's memory, and its cache of stage-2 translations for stage-1 table
 * accesses. Arm ARM, "Two-stage translation", "Use of translation lookaside buffers".
 */
#include "armillary/engine.h"
#include "armillary/port.h"
#include "view.h"

static bool io_load(void *ctx, Pa at, uint64_t *desc)
{
    A64Cpu *cpu = ctx;

    return mem_load64(cpu->ports->mem, at, desc);
}

static bool io_cas(void *ctx, Pa at, uint64_t expected, uint64_t desired, uint64_t *seen)
{
    A64Cpu *cpu = ctx;

    return mem_cas64(cpu->ports->mem, at, expected, desired, seen);
}

static bool io_s2_get(void *ctx, const A64View *v, Ipa ipa, EngXlat *out)
{
    A64Cpu *cpu = ctx;

    if (!cpu->mmu->fresh[A64_STAGE2_DIGEST]) {
        a64_view_refresh(cpu, A64_STAGE2_DIGEST);
    }
    return eng_tlb_stage2(&cpu->eng, v->vmid, cpu->mmu->digest[A64_STAGE2_DIGEST], ipa, out);
}

static void io_s2_put(void *ctx, const A64View *v, Ipa ipa, const EngXlat *x)
{
    A64Cpu *cpu = ctx;

    eng_tlb_stage2_fill(&cpu->eng, v->vmid, cpu->mmu->digest[A64_STAGE2_DIGEST], ipa, x);
}

A64WalkIo a64_walk_io(A64Cpu *cpu)
{
    bool cached = cpu->eng.tlb;

    return (A64WalkIo){.ctx = cpu,
                       .load = io_load,
                       .cas = io_cas,
                       .s2_get = cached ? io_s2_get : NULL,
                       .s2_put = cached ? io_s2_put : NULL};
}
