/*
 * TLBI instructions as values.
 */
#pragma once

#include "armillary/engine.h"
#include "mmu.h"

/* What the decoder needs to know of the PE. */
typedef struct {
    uint32_t vmid;
    bool el2_is_el20; /* HCR_EL2.E2H */
    bool el1_is_el20; /* HCR_EL2.{E2H,TGE} = {1,1} */
    bool asid16;
    /* 52-bit addresses of 4K and 16K granules: TCR_ELx.DS of the regime, VTCR_EL2.DS */
    bool ds1, ds2;
} A64TlbiContext;

/* The encoding (op0 = 1, CRn 8 or 9) and operand as an invalidation. False: it names nothing (a
 * range without a granule). *broadcast: the Inner or Outer Shareable forms. Source: Arm ARM,
 * "TLB maintenance instructions". */
bool a64_tlbi_decode(const A64TlbiContext *c, A64SysOp op, uint64_t xt, EngTlbi *out,
                     bool *broadcast);
