/*
 * From a fault to the exception it makes.
 */
#pragma once

#include "mmu.h"
#include "state.h"

/* Where an access that faults came from. */
typedef struct {
    Va va;
    EngAccess access;
    uint64_t mem;   /* IR_MEM_*: view, and the syndrome bits known at translation */
    bool cache_op;  /* DC, IC or AT: CM and WnR are 1 */
} A64FaultSource;

/* IR_MEM_*: LST and Xs of a 64-byte access, for the syndrome of its faults. Arm ARM, "ISS encoding
 * for an exception from a Data Abort", "ISS2 encoding ...". */
#define A64_MEM_LS64(lst, xs) (IR_MEM_ISS((lst) << 11) | (uint64_t)(xs) << 57)
/* ... and that the instruction is one of RCW and RCWS: stage 2 permits these more. */
#define A64_MEM_RCW (UINT64_C(1) << 62)
#define A64_MEM_GET_XS(mem) ((uint32_t)((mem) >> 57 & 31))

/* ISS2 of aborts and watchpoints: it was an access to a guarded control stack. */
enum { A64_ISS2_GCS = 1 << 8 };
static inline bool a64_mem_gcs(uint64_t mem)
{
    return IR_MEM_GET_VIEW(mem) == IR_VIEW_GCS || IR_MEM_GET_VIEW(mem) == IR_VIEW_GCS_UNPRIV;
}

/* Data Fault Status Code. Source: Arm ARM, ESR_ELx, "ISS encoding for an exception from a Data
 * Abort". */
unsigned a64_fault_status(const A64Fault *f);
/* Takes the abort. */
void a64_abort(A64Cpu *cpu, const A64FaultSource *from, const A64Fault *f);
