/*
 * The vCPU's cached views and their interned digests; what view.c shares with mmu.c, at.c and
 * tlbi.c.
 */
#pragma once

#include "mmu.h"
#include "state.h"

enum { A64_DIGESTS = 512, A64_STAGE2_DIGEST = 3 };

struct A64Mmu {
    A64MmuCaps caps;
    bool fresh[4];          /* by regime; [A64_STAGE2_DIGEST]: stage 2 alone */
    A64ViewRegs regs[4];
    uint32_t digest[4];     /* index into interned */
    uint32_t n_interned;
    A64ViewRegs interned[A64_DIGESTS];
    uint16_t hash[2 * A64_DIGESTS]; /* index + 1 */
};

A64Regime a64_regime_of(const A64Cpu *cpu, unsigned el);
/* {E2H,TGE} = {1,1}; E2H alone. */
uint32_t a64_vmid(const A64Cpu *cpu);
uint32_t a64_asid(const A64Cpu *cpu, A64Regime regime);
/* Do descriptors of the current EL's regime have the Protected attribute, its stage 1 on or off? */
bool a64_protection(const A64Cpu *cpu);
/* HCR_EL2 as the MMU sees it: 0 without EL2. */
uint64_t a64_mmu_hcr(const A64Cpu *cpu);
/* Regime and privilege view of an access by the current EL. */
A64Regime a64_access_view(const A64Cpu *cpu, IrView view, EngAccess access, unsigned *number);
/* Makes regs and digest of a regime, or of stage 2 alone, from the registers as they stand. */
void a64_view_refresh(A64Cpu *cpu, unsigned which);
/* The walker's way to this vCPU's memory. */
A64WalkIo a64_walk_io(A64Cpu *cpu);
