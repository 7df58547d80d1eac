/*
 * The tagged TLB of a vCPU and its part in invalidation: what the run loop, the slow memory path
 * and the block cache ask of it. Translations are cached per context (regime, VMID, digest of the
 * walk's registers, ASID, view); a world switch only swaps bank pointers. Arm ARM, "Translation
 * lookaside buffers" and "TLB maintenance". Design: docs/architecture.md, "The life of an address".
 *
 * Only the owning thread touches a vCPU's TLB. Other vCPUs post mail; eng_tlb_serve applies it at a
 * poll point.
 */
#pragma once

#include "armillary/engine.h"

typedef struct EngTlbGroup EngTlbGroup;

/* What the TLBs of one machine need. Callbacks may be NULL. */
typedef struct {
    Mem *mem;
    /* all vCPUs share one thread (virtual clock): invalidations are applied to every TLB at once */
    bool immediate;
    uint32_t bank_entries;   /* first size of an L1 bank, a power of two; 0 = 256 */
    uint32_t bank_budget;    /* L1 entries a vCPU may have in all banks; 0 = 32768 */
    uint32_t l2_entries;     /* 0 = 8192 */
    /* Does some vCPU hold translated code of this physical page? Then writes to it stay on the
     * slow path. */
    bool (*holds_code)(EngVcpu *cpu, Pa page);
    /* Does a debugger watch some of it? Then it has no fast entries. */
    bool (*holds_watch)(EngVcpu *cpu, Pa page);
    /* Drops translations of code at [pa, pa+n) on this vCPU; n = UINT64_MAX: all. Called by
     * eng_tlb_serve for eng_tlb_post_code. */
    void (*drop_code)(EngVcpu *cpu, Pa pa, uint64_t n);
    /* Sets ENG_ATT_MAIL and wakes the vCPU (eng_kick). */
    void (*kick)(EngVcpu *cpu, uint32_t attention);
} EngTlbConfig;

EngTlbGroup *eng_tlb_group_new(const EngTlbConfig *config);
/* After every eng_tlb_fini. */
void eng_tlb_group_free(EngTlbGroup *g);
/* Sets cpu->tlb and all bank pointers (to empty banks). cpu->target must be set; no vCPU of the
 * group runs. */
void eng_tlb_init(EngTlbGroup *g, EngVcpu *cpu);
void eng_tlb_fini(EngVcpu *cpu);

/*
 * The run loop brackets everything that may use translations: enter before the first block (serves
 * mail), leave before sleeping or returning. Outside, the vCPU is quiescent: DSBs of others do not
 * wait for it.
 */
void eng_tlb_enter(EngVcpu *cpu);
void eng_tlb_leave(EngVcpu *cpu);

/* Makes the target's current contexts (data, unprivileged, fetch) current: the slow half of
 * eng_context_changed. Constant time. */
void eng_tlb_switch(EngVcpu *cpu);

/* Applies posted mail (invalidations, code drops). For ENG_ATT_MAIL; clears nothing in
 * attention. True when there was some. */
bool eng_tlb_serve(EngVcpu *cpu);

/* A data translation, for the slow path. host is valid to the end of the 4K page. */
typedef struct {
    Pa pa;
    /* host address of the byte; NULL: use mem_read()/mem_write() (device, nothing there, or a
     * write to ROM) */
    uint8_t *host;
    uint16_t flags; /* ENG_X_* */
    /* the page holds translated code: drop that before (and after, when others run) writing */
    bool code;
    bool watched; /* the access must be shown to CpuTarget.watchpoint */
    bool debug;   /* ... and to eng_watch_hit */
} EngTlbHit;

/*
 * Bank pointers and masks in EngVcpu may change in any eng_tlb_* call but the probe.
 * Translates va for a data access in the view named in mem (IR_MEM_*), filling L1 and L2. False:
 * the exception has been taken (eng->leave is set). For read-modify-write ask for ENG_READ first,
 * then ENG_WRITE.
 */
bool eng_tlb_data(EngVcpu *cpu, Va va, EngAccess access, uint64_t mem, EngTlbHit *hit);

/* Instruction side. Probe: one compare, NULL on miss. Lookup: fills; NULL when the exception has
 * been taken. Entries stay valid until the next eng_tlb_* call on this vCPU other than
 * eng_tlb_data. */
static inline EngFetchEntry *eng_tlb_fetch_probe(const EngVcpu *cpu, Va va)
{
    EngFetchEntry *e = &cpu->fetch[(va.v & cpu->fetch_mask) >> ARM_PAGE_BITS];

    return ARM_LIKELY(e->tag == (va.v & ~ARM_PAGE_MASK)) ? e : NULL;
}
EngFetchEntry *eng_tlb_fetch(EngVcpu *cpu, Va va);
/* What the current instruction-side bank's translations are named by; the digest is left out. */
EngContext eng_tlb_fetch_context(const EngVcpu *cpu);
/* Forgets every `code` handle in this vCPU's instruction-side banks (handles of evicted blocks,
 * another mode's). */
void eng_tlb_forget_code(EngVcpu *cpu);

/* The page now holds translated code: no TLB of the group keeps a fast write to it. On other
 * vCPUs: after their next mail. */
void eng_tlb_protect(EngVcpu *cpu, Pa page);
/* fetch_serial (EngVcpu) names the contents of the current instruction-side bank: the same number
 * comes back with the same bank when nothing of it was invalidated meanwhile. */

/* Runs config.drop_code on every other vCPU (at once when immediate, else with its mail;
 * complete at eng_dsb). */
void eng_tlb_post_code(EngVcpu *cpu, Pa pa, uint64_t n);

/* Host pointers have changed (a region came, went or changed kind): every TLB drops everything.
 * No vCPU is running. */
void eng_tlb_map_changed(EngTlbGroup *g);

/* Counters for tests and `info`. */
typedef struct {
    uint64_t switches, l1_misses, l2_hits, walks, flushes, mails;
} EngTlbStats;
const EngTlbStats *eng_tlb_stats(const EngVcpu *cpu);
