/*
 * The MMU: one walker over a by-value view of a regime's registers, and what the vCPU does with its
 * answers. Arm ARM, "The AArch64 Virtual Memory System Architecture".
 */
#pragma once

#include "armillary/vcpu.h"

typedef enum { A64_REGIME_EL10, A64_REGIME_EL2, A64_REGIME_EL20 } A64Regime;

/* What the implementation offers. From the CPU model; plain, so that tests can set it. */
typedef struct {
    uint8_t pa_bits;            /* 32..52 */
    bool gran4, gran16, gran64; /* granules, stage 1 and 2 */
    bool lva;                   /* FEAT_LVA: 52-bit VA with 64K */
    bool lpa2_4, lpa2_16;       /* FEAT_LPA2: 52 bits with 4K, 16K (TCR.DS, VTCR.DS) */
    bool ttst;                  /* FEAT_TTST: TxSZ up to 48 (47 with 64K) */
    bool haf, hd;               /* FEAT_HAFDBS: access flag; dirty state too */
    bool hpds;                  /* FEAT_HPDS */
    bool pan, epan;             /* FEAT_PAN, FEAT_PAN3 */
    bool uao;
    bool e0pd;
    bool xnx;                   /* FEAT_XNX */
    bool fwb;                   /* FEAT_S2FWB */
    bool vmid16, asid16;
    bool bti;
    bool nv, nv2;
    bool el2, vh;
} A64MmuCaps;

/* Bits of A64ViewRegs.flags: effective values of control bits outside TCR. */
enum {
    A64_VF_S1 = 1,     /* stage 1 on */
    A64_VF_WXN = 2,
    A64_VF_EE = 4,     /* stage-1 tables are big-endian */
    A64_VF_EPAN = 8,
    A64_VF_C = 16,     /* data cacheable (PAR only) */
    A64_VF_NV1 = 32,   /* HCR_EL2.{NV,NV1} = {1,1}: EL1's descriptors are read as EL2's */
    A64_VF_DC = 64,    /* HCR_EL2.DC */
    A64_VF_S2 = 128,   /* stage 2 on */
    A64_VF_PTW = 256,  /* HCR_EL2.PTW */
    A64_VF_FWB = 512,  /* HCR_EL2.FWB */
    A64_VF_CD = 1024,  /* HCR_EL2.CD */
    A64_VF_S2EE = 2048, /* stage-2 tables are big-endian */
    A64_VF_A = 4096, /* alignment is checked: not walks' concern, but that of TLB entries */
    A64_VF_PIE = 8192,        /* stage 1: indirect permissions */
    A64_VF_POE = 16384,       /* overlays of privileged accesses */
    A64_VF_E0POE = 32768,     /* overlays of EL0's */
    A64_VF_AIE = 65536,       /* 4-bit AttrIndx */
    A64_VF_S2PIE = 1 << 17,   /* stage 2: indirect permissions */
    A64_VF_S2POE = 1 << 18,   /* ... with overlays */
    A64_VF_HAFT = 1 << 19,    /* stage 1: access flags of table descriptors */
    A64_VF_S2HAFT = 1 << 20,
    A64_VF_PNCH = 1 << 21,    /* stage 1 of EL1&0: descriptors have the Protected attribute */
    A64_VF_FNGNA0 = 1 << 22,  /* TTBR0_EL1, TTBR1_EL1: what is not assured is not global */
    A64_VF_FNGNA1 = 1 << 23
};

/*
 * Registers that change what a walk yields: effective values; fields that play no part are 0. Equal
 * regs = equal digest. tcr has TCR_EL1's layout in every regime.
 */
typedef struct {
    uint32_t regime; /* A64Regime */
    uint32_t flags;  /* A64_VF_* */
    uint64_t tcr;
    uint64_t mair;
    uint64_t vtcr; /* 0 when stage 2 is off */
    uint64_t mair2;
    uint64_t pir, pire0; /* PIR_ELx, PIRE0_ELx */
    uint64_t por, por0;  /* POR_ELx, POR_EL0: TLBs may not cache what they do: part of the tag */
    uint64_t s2pir, s2por;
} A64ViewRegs;

/* Privilege views (EngContext.view); bit 1 << view is A64_BY_*. GCS: accesses to guarded control
 * stacks. */
enum {
    A64_VIEW_EL0, A64_VIEW_PRIV, A64_VIEW_PRIV_PAN, A64_VIEW_GCS_EL0, A64_VIEW_GCS_PRIV, A64_VIEWS
};
static inline bool a64_view_is_el0(unsigned view)
{
    return view == A64_VIEW_EL0 || view == A64_VIEW_GCS_EL0;
}
static inline bool a64_view_is_gcs(unsigned view)
{
    return view == A64_VIEW_GCS_EL0 || view == A64_VIEW_GCS_PRIV;
}

/* The view of one regime. Table bases, ASID and VMID are not part of the digest. */
typedef struct {
    A64ViewRegs r;
    A64MmuCaps caps;
    uint64_t ttbr[2];
    uint64_t vttbr;
    uint32_t vmid;
    uint32_t asid; /* the current one (TCR.A1); zero-extended when AS = 0 */
} A64View;

/* Who accesses, and for what. */
typedef struct {
    Va va;
    EngAccess access;
    bool el0;      /* with EL0's permissions */
    bool pan;      /* PSTATE.PAN applies */
    bool gcs;      /* to a guarded control stack */
    /* address translation instruction: no dirty-state update; access flag per the manual */
    bool at;
    bool unaligned; /* Device memory faults */
    bool no_perm;  /* no permission is needed (DC, IC by VA from EL1 and EL2; AT S1E1A) */
    bool rcw;      /* read-check-write instructions: stage 2 has permissions of their own */
    bool rmw;      /* a read that a write of the same bytes follows: needs both permissions */
    bool cmo;      /* cache maintenance: dirty state does not matter */
    bool cmow1, cmow2; /* FEAT_CMOW: cache maintenance that stage 1, stage 2 must let write */
    bool vncr;     /* access to the VNCR_EL2 page */
} A64Access;

typedef enum {
    A64_FAULT_NONE,
    A64_FAULT_ADDRESS_SIZE,
    A64_FAULT_TRANSLATION,
    A64_FAULT_ACCESS_FLAG,
    A64_FAULT_PERMISSION,
    A64_FAULT_ALIGNMENT,
    A64_FAULT_EXTERNAL,      /* synchronous external abort on the access */
    A64_FAULT_EXTERNAL_WALK, /* ... on a table walk */
    A64_FAULT_EXCLUSIVE      /* unsupported exclusive or atomic */
} A64FaultType;

typedef struct {
    A64FaultType type;
    int8_t level; /* -1..3 */
    bool stage2;
    bool s1ptw;   /* stage-2 fault on a stage-1 table access */
    bool write;   /* the failing access counts as a write (dirty or AF update of a stage-1 table) */
    bool overlay; /* permission faults: an overlay forbids it; */
    bool dirty;   /* ... only the dirty state is missing, which software keeps; */
    bool top_level;    /* ... stage 2 forbids that the first table is there; */
    bool assured_only; /* ... stage 2 asks for an assured translation */
    Ipa ipa;      /* stage 2 only: of the failing access */
} A64Fault;

/* Memory attributes as PAR_EL1 shows them. attr: MAIR encoding. sh: 0 non, 2 outer, 3 inner
 * shareable. */
typedef struct {
    uint8_t attr;
    uint8_t sh;
    bool device;
} A64MemAttr;

/* The answer: a fault, or a translation. */
typedef struct {
    A64Fault fault;
    Pa pa;
    Ipa ipa; /* output of stage 1 */
    A64MemAttr attr;
    uint8_t s1_bits, s2_bits; /* log2 of the leaf sizes; s1 off: 52; no stage 2: 0 */
    int8_t s1_level, s2_level;
    bool s1_on, s2_on;
    bool global, guarded;
    bool assured; /* stage 1 has the Assured Translation property */
    bool s1_device;            /* stage 1 alone makes it Device */
    bool clean;                /* a leaf is writable by its DBM bit only: a write must walk again */
    uint8_t read, write, exec; /* who may: bits A64_BY_* */
} A64Walk;
enum {
    A64_BY_EL0 = 1, A64_BY_PRIV = 2, A64_BY_PRIV_PAN = 4, A64_BY_GCS_EL0 = 8, A64_BY_GCS_PRIV = 16
};

/* One descriptor read of a walk, for explainers and tests. */
typedef struct {
    bool stage2;
    int8_t level;
    Pa at;
    uint64_t desc;
} A64WalkStep;

/* The walker's way to memory. load and cas are atomic 64-bit accesses; false = nothing answered.
 * note and s2_* may be NULL. */
typedef struct {
    void *ctx;
    bool (*load)(void *ctx, Pa at, uint64_t *desc);
    bool (*cas)(void *ctx, Pa at, uint64_t expected, uint64_t desired, uint64_t *seen);
    void (*note)(void *ctx, const A64WalkStep *step);
    /* A cache of stage-2 translations for table accesses. */
    bool (*s2_get)(void *ctx, const A64View *v, Ipa ipa, EngXlat *out);
    void (*s2_put)(void *ctx, const A64View *v, Ipa ipa, const EngXlat *x);
} A64WalkIo;

/* Both stages for an access. Source: Arm ARM, "Translation process" and J1
 * "AArch64.FullTranslate". */
A64Walk a64_walk(const A64View *v, const A64WalkIo *io, const A64Access *a);
/* Stage 1 alone: output is the IPA (in .ipa and .pa) and stage-1 attributes (AT S1*). Table
 * reads still go through stage 2. */
A64Walk a64_walk_stage1(const A64View *v, const A64WalkIo *io, const A64Access *a);

/* ---- the vCPU's side ---- */

typedef struct A64Mmu A64Mmu;
typedef struct A64Cpu A64Cpu;

/* Sets cpu->mmu from cpu->model. */
void a64_mmu_init(A64Cpu *cpu);
void a64_mmu_fini(A64Cpu *cpu);

/*
 * A register with an MMU effect was written (SCTLR, TCR, MAIR, HCR, VTCR ... of any EL: sysregs.tbl
 * tlb=walk, and tlb=lookup, what TLBs may not hold): views are made anew at the next use. Writes of
 * TTBRn, VTTBR and PSTATE need no call beyond eng_context_changed.
 */
void a64_mmu_changed(A64Cpu *cpu);

/* The view of a regime as the registers stand. */
void a64_view(A64Cpu *cpu, A64Regime regime, A64View *out);
/* The regime that instructions and data accesses at the current EL use. */
A64Regime a64_regime(const A64Cpu *cpu);

/* CpuTarget hooks. */
bool a64_translate_va(EngVcpu *cpu, Va va, EngAccess access, uint64_t mem, EngXlat *out);
void a64_alignment_fault(EngVcpu *cpu, Va va, EngAccess access, uint64_t mem);
void a64_external_abort(EngVcpu *cpu, Va va, EngAccess access, uint64_t mem);
unsigned a64_alignment(EngVcpu *cpu);
EngContext a64_context(EngVcpu *cpu, IrView view, EngAccess access);
void a64_contexts(EngVcpu *cpu, EngContext out[3]);

/* AT, TLBI and DC/IC by VA, after all traps and UNDEF checks. They may take an exception
 * (eng.leave is set). */
void a64_at(A64Cpu *cpu, unsigned op1, unsigned crm, unsigned op2, uint64_t va);
typedef struct {
    unsigned op1, crn, crm, op2;
} A64SysOp;
void a64_tlbi(A64Cpu *cpu, A64SysOp op, uint64_t xt);
/* Cache maintenance by VA: checks translation and permission; on success gives the PA. False:
 * exception taken. */
bool a64_dc_va(A64Cpu *cpu, A64SysOp op, uint64_t va, Pa *pa);
/* DC ZVA: zeroes the 64-byte block that holds va. */
void a64_dc_zva(A64Cpu *cpu, uint64_t va);
