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

/* Data Fault Status Code. Source: Arm ARM, ESR_ELx, "ISS encoding for an exception from a Data
 * Abort". */
unsigned a64_fault_status(const A64Fault *f);
/* Takes the abort. */
void a64_abort(A64Cpu *cpu, const A64FaultSource *from, const A64Fault *f);
