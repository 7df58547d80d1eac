/*
 * The engine's half of a vCPU and its view of the guest architecture (CpuTarget).
 * A guest's CPU struct starts with an EngVcpu; engine and backends never look further.
 */
#pragma once

#include <stdatomic.h>

#include "armillary/ir.h"

typedef struct EngVcpu EngVcpu;
typedef struct EngMachine EngMachine;
typedef struct EngTlb EngTlb;
typedef struct EngBlocks EngBlocks;
typedef struct CpuTarget CpuTarget;

/*
 * One entry of an L1 bank (direct-mapped, by VA page). A tag is the VA's page (low 12 bits 0)
 * when the access may go straight to
 * host memory, else ENG_TAG_NONE, which no access matches. Misaligned and page-crossing
 * accesses miss by construction:
 * the compare keeps the low bits that an aligned access has clear.
 */
typedef struct {
    uint64_t tag_read, tag_write;
    uint64_t addend; /* host address = VA + addend */
    uint64_t info;   /* TLB's own, but for ENG_L1_CAREFUL */
} EngL1Entry;
#define ENG_TAG_NONE UINT64_C(0xfff)
/* In EngL1Entry.info: Device memory, or alignment is checked. What is aligned to its elements but
 * not as a whole goes by the slow path, and so does DC ZVA. */
#define ENG_L1_CAREFUL (UINT64_C(1) << 10)

/*
 * One entry of the instruction-side bank of the current context (direct-mapped, by VA page): where
 * the page's code is. The TLB owns tag, host, pa and flags; `code` and `mode` belong to the block
 * cache and are NULL and 0 after a fill.
 */
typedef struct {
    uint64_t tag;   /* the VA's page, or ENG_TAG_NONE */
    uint8_t *host;  /* host view of the guest page; NULL: not executable from host memory */
    Pa pa;          /* of the page */
    void *code;     /* block cache: entry points of (page, mode) */
    uint32_t mode;  /* block cache: the mode `code` was made for */
    uint32_t flags; /* ENG_X_* */
} EngFetchEntry;

/* Why a vCPU leaves translated code. Bits of EngVcpu.attention, set by any thread, cleared by
 * the vCPU's own. */
enum {
    ENG_ATT_IRQ = 1,   /* the interrupt inputs changed: ask the target */
    ENG_ATT_MAIL = 2,  /* TLB or code invalidations wait in the mailbox */
    ENG_ATT_STOP = 4,  /* return from eng_run: pause, exit, debugger */
    ENG_ATT_TIMER = 8, /* a deadline of this vCPU has passed */
    ENG_ATT_WORK = 16, /* request queue is not empty (PSCI CPU_ON, debugger) */
};

/* Why a helper made the block end at once (EngVcpu.leave). */
typedef enum {
    ENG_STAY = 0,
    ENG_LEAVE_EXCEPTION, /* an exception was taken: PC and mode are the handler's */
    /* the instruction is done, PC is the next one; look at mode, mail, interrupts */
    ENG_LEAVE_NEXT,
    /* WFI/WFE with nothing to do: sleep until attention or the event register */
    ENG_LEAVE_HALT,
    ENG_LEAVE_BREAK, /* a debugger's breakpoint is on the next instruction: the engine's own */
} EngLeave;

enum { ENG_TEMPS = 64 };

struct EngVcpu {
    /* hot: touched by translated code */
    /* in a block: VA of its first instruction; outside: the next instruction */
    uint64_t pc;
    _Atomic(uint32_t) attention; /* ENG_ATT_*; polled relaxed */
    uint32_t leave;              /* EngLeave */
    /* instructions left in this turn (counting mode: virtual clock, PMU) */
    int64_t budget;
    EngL1Entry *l1;              /* the current data bank */
    uint64_t l1_mask;            /* (number of entries - 1) << ARM_PAGE_BITS */
    EngL1Entry *l1_unpriv;       /* the bank of IR_VIEW_UNPRIV accesses, with its mask */
    uint64_t l1_unpriv_mask;
    EngFetchEntry *fetch;        /* the current instruction-side bank, with its mask */
    uint64_t fetch_mask;
    /* names the bank and its contents: another bank or an invalidated entry = another number; links
     * that skip the instruction-side lookup hold while it is the one they were made under */
    uint64_t fetch_serial;
    uint64_t insn_pc;            /* exact PC of the instruction a raising helper was called from */
    uint64_t insns;              /* instructions executed, exact outside blocks */
    /* exclusive monitor: where, physically and in the host, and the value; excl_size 0 = open */
    uint64_t excl_pa, excl_lo, excl_hi;
    uint8_t *excl_host;
    uint32_t excl_size;
    /* id of the current translation mode, see CpuTarget.mode_changed */
    uint32_t mode;
    bool counting;               /* blocks count instructions against budget */
    bool context_dirty;          /* eng_context_changed was called: run loop's own */
    bool may_do_io;              /* counting: this block is one instruction long, see eng_run */
    bool split;                  /* counting: the block is longer than what is left of the turn */
    bool retry_io;               /* counting: a device was touched within a longer block */
    bool stepping;               /* a debugger steps: interrupts wait */
    uint8_t align;               /* CpuTarget.alignment of the current context */
    bool watching;               /* eng_watch: some pages are watched */
    /* how the indirect branch that led to pc asked to be checked (ENG_LANDING_*); 0 when none did
     * or the first instruction has begun */
    uint8_t landing;
    uint16_t page_flags;         /* ENG_X_* of the page that the running block is on */
    /* instructions of the running block begun so far, while a raising helper or a slow memory
     * access runs; else 0 */
    uint32_t insn_done;
    uint64_t turn_end;           /* counting: value of insns at which eng_run returns */
    uint8_t *code_base;          /* block cache: entry tables hold offsets from it */
    _Atomic(bool) sleeping;      /* in eng_sleep: a kick must wake */
    const void *link;            /* block cache: the link slot that asks to be patched */
    uint64_t zero;               /* always 0: operand of predecoded operations */
    uint64_t acc;                /* last result, where handlers do not keep it in a register */
    uint64_t temp[ENG_TEMPS];    /* values of predecoded operations that are in no register */
    /* cold */
    EngMachine *machine;
    const CpuTarget *target;
    EngTlb *tlb;
    EngBlocks *blocks;
    uint32_t index; /* 0..n-1 in the machine */
    struct {
        uint64_t seen;  /* EngBreaks.generation that blocks here have been cut for */
        uint64_t pc;    /* of the breakpoint that ended eng_run last: */
        uint32_t id;    /* 0: none */
        uint8_t owners; /* of all breakpoints that held there */
        uint64_t data;  /* EngWatch.va, when it was an access (id 0) */
        bool pass;      /* its instruction is let through once */
    } brk;
};

/* The ways of an indirect branch (EngVcpu.landing; imm of GOTO_PTR). Arm's PSTATE.BTYPE. */
enum {
    ENG_LANDING_NONE,
    ENG_LANDING_EASY, /* a jump from an unguarded page, or by a register meant for it */
    ENG_LANDING_CALL,
    ENG_LANDING_JUMP  /* from a guarded page; else it is EASY */
};

enum {
    ENG_ALIGN_CHECKED = 1, /* it faults whatever the memory type (SCTLR_ELx.A) */
    ENG_ALIGN_NAA = 2      /* IR_MEM_NAA accesses may be anywhere (SCTLR_ELx.nAA) */
};

/* What an address translation is for. */
typedef enum { ENG_READ, ENG_WRITE, ENG_FETCH } EngAccess;

/* Flags of a translation (EngXlat.flags). */
enum {
    ENG_X_DEVICE = 1,   /* Device memory: no speculation, misalignment faults */
    ENG_X_GLOBAL = 2,   /* matches every ASID */
    ENG_X_STAGE2 = 32,  /* a stage 2 took part: the entry is combined */
    ENG_X_GUARDED = 64, /* GP: BTI applies to this page */
    ENG_X_NOCACHE = 128 /* do not keep in the TLB */
};

/* A successful translation of one VA, as the TLB stores it. */
typedef struct {
    Pa pa;             /* of the VA asked for */
    Ipa ipa;           /* the same byte's IPA when ENG_X_STAGE2 */
    uint8_t s1_bits;   /* log2 of the stage-1 leaf size (48+ when stage 1 is off) */
    uint8_t s2_bits;   /* log2 of the stage-2 leaf size (0 when no stage 2) */
    uint16_t flags;    /* ENG_X_* */
    uint8_t s1_level;  /* level of the stage-1 leaf, for TTL and traces */
    uint8_t s2_level;
    /* Which privilege views (bit n = EngContext.view n) may read, write and execute without
     * another walk. A page whose hardware dirty state is not set yet has no bit in `write`. */
    uint8_t read, write, exec;
} EngXlat;

/*
 * The tag of cached translations. `space` is regime and VMID plus the interned digest of
 * every register field that changes
 * what a walk yields; `asid` tags non-global entries; `view` is the privilege view (PAN,
 * unprivileged, overlay) and picks L1 slots only.
 */
typedef struct {
    uint32_t regime;  /* target's regime number */
    uint32_t vmid;
    uint32_t digest;
    uint32_t asid;
    uint32_t view; /* 0..7 */
} EngContext;

/* The guest architecture as the engine knows it. All functions run on the vCPU's own thread. */
struct CpuTarget {
    const char *name;
    size_t cpu_size; /* bytes of the guest's CPU struct, EngVcpu first */
    /*
     * Translates the block at `pc` in mode `mode` into `b` (already ir_begin()-ed), reading
     * guest instructions from `page` (host view of
     * the guest page that holds pc). Stops at a block end, at the end of the page or after
     * max_insns; returns bytes consumed.
     * Sees no vCPU: what is not in the mode cannot be baked in.
     */
    uint32_t (*translate)(IrBlock *b, const void *mode, const uint32_t *page, uint32_t offset,
                          uint32_t max_insns);
    /* The description of mode id `mode`, valid until evicted. Passed to translate. */
    const void *(*mode)(EngVcpu *cpu);
    /*
     * Walks for an access at va in the current context and given view. Returns true and fills
     * *out, or takes the exception
     * (PC and state are the handler's, eng->leave is set) and returns false. iss: syndrome
     * bits known at translation.
     */
    bool (*translate_va)(EngVcpu *cpu, Va va, EngAccess access, uint64_t mem, EngXlat *out);
    /*
     * An indirect branch with `landing` has come to pc, and the block there does not just accept
     * it. fits: its first instruction may be branched to, here and that way; keep: landing stays
     * for that instruction to see. False: an exception has been taken.
     */
    bool (*land)(EngVcpu *cpu, bool fits, bool keep);
    /*
     * Before a fetch at a pc that the instruction-side bank does not know: brings pc into the form
     * that addresses of instructions have (a tag is no part of them), and takes what comes before
     * any fault of the fetch (false). NULL: nothing to do.
     */
    bool (*before_fetch)(EngVcpu *cpu);
    /* Takes the alignment fault for an access at va. */
    void (*alignment_fault)(EngVcpu *cpu, Va va, EngAccess access, uint64_t mem);
    /* Takes the synchronous external abort for an access at va that nothing answered. */
    void (*external_abort)(EngVcpu *cpu, Va va, EngAccess access, uint64_t mem);
    /* What the current context says of misalignment: ENG_ALIGN_*. */
    unsigned (*alignment)(EngVcpu *cpu);
    /* Watchpoints; only asked while EngVcpu.watching, and NULL where that is never set. Does the
     * page of va hold bytes whose accesses must be looked at? Such a page has no fast entries. */
    bool (*watched)(EngVcpu *cpu, Va va);
    /* An access of n bytes to such a page, translated and not done yet: takes its exception (true),
     * or lets it be done. */
    bool (*watchpoint)(EngVcpu *cpu, Va va, uint64_t n, EngAccess access, uint64_t mem);
    /* Takes a pending, unmasked interrupt or other asynchronous exception, if there is one.
     * Returns true when it did. */
    bool (*take_pending)(EngVcpu *cpu);
    /* Is there a reason for the wait that halted the vCPU (WFI or WFE) to end? */
    bool (*wakes)(EngVcpu *cpu);
    /* Guest time (ns) of the vCPU's next own deadline (its timers), INT64_MAX when none. */
    int64_t (*next_deadline)(EngVcpu *cpu);
    /* The current privilege (Exception) level, for conditions of breakpoints: another one has
     * another mode or view. NULL: 0. */
    unsigned (*level)(const EngVcpu *cpu);
    /* The current translation context for `view` (IrView) and access kind. */
    EngContext (*context)(EngVcpu *cpu, IrView view, EngAccess access);
    /* Three at once, for a switch: of current data accesses, unprivileged ones, and fetches. NULL:
     * `context` is asked three times. */
    void (*contexts)(EngVcpu *cpu, EngContext out[3]);
};
