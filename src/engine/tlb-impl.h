/*
 * Inside the TLB: contexts (scope > space > set > bank), the second level, stage 2, mail.
 * Arm ARM, "Translation lookaside buffers": entries are named by regime, VMID and ASID (or global);
 * control registers that may change what a walk yields are named by the digest. TLB maintenance
 * names regime, VMID and ASID only, so:
 *   scope = regime + VMID          what a TLBI can name
 *   space = scope + digest         what a walk depends on
 *   set   = space + ASID           its banks: one per privilege view, data and fetch
 * Nothing is swept for an inactive bank: TLBIs go to short logs of the set or the scope, and a bank
 * replays what it has missed when it is used again; whoever fell too far behind, or carries an old
 * generation, starts empty.
 */
#pragma once

#include <pthread.h>

#include "tlb.h"

enum {
    TLB_VIEWS = 8,
    TLB_SCOPES = 256,
    TLB_SPACES = 512,
    TLB_SETS = 256,
    TLB_SET_HASH = 512,
    TLB_BANKS = 256,
    TLB_SET_LOG = 16,
    TLB_SCOPE_LOG = 32,
    TLB_CODE_LOG = 64,
    TLB_WAYS = 4,
    TLB_STAGE2 = 512,
    TLB_SPLINTERS = 1024,
    TLB_MAX_BANK = 8192,
    TLB_FETCH_BANK = 128,
    TLB_FILTER = 8 /* words */
};

/* Messages a box holds; few in the test build, so that it often is full. */
#ifdef ENG_TLB_PLANTS
enum { TLB_MAIL = 4 };
#else
enum { TLB_MAIL = 64 };
#endif

/* Deliberate mistakes that the model test must notice; always off in the product. */
typedef enum {
    TLB_PLANT_S1_SIZE = 1,   /* TLBI by VA ignores the stage-1 leaf size */
    TLB_PLANT_DIGEST,        /* TLBI by VA matches the current digest only */
    TLB_PLANT_GLOBAL,        /* TLBI by VA skips global entries */
    TLB_PLANT_INACTIVE,      /* inactive banks miss TLBIs */
    TLB_PLANT_IPA,           /* TLBI by IPA drops nothing */
    TLB_PLANT_IPA_SIZE,      /* TLBI by IPA ignores the stage-2 leaf size */
    TLB_PLANT_BROADCAST,     /* broadcasts stay local */
    TLB_PLANT_DSB,           /* DSB does not wait */
    TLB_PLANT_ASID,          /* TLBI by ASID keeps the second level */
    TLB_PLANT_RANGE,         /* ranges are one page */
    TLB_PLANT_ACTIVE,        /* a world switch does not look at its mail */
    TLB_PLANT_FENCE,         /* nothing orders "I run" before a look at the mail */
    TLB_PLANT_COUNT
} TlbPlant;

typedef struct {
    uint64_t base, size; /* VA bits 55:12 */
    bool global_only;
} TlbRange;

typedef struct {
    uint32_t regime, vmid;
    uint64_t gen;           /* moves when everything of the scope goes */
    uint64_t log_head;      /* TLBIs ever logged */
    bool has_global[2];     /* by VA bit 55: some set may hold global entries there */
    uint64_t reaches;       /* bit n: the second level may hold entries of 2^n bytes */
    uint64_t splinter_sizes; /* bit n: stage-1 leaves of 2^n bytes are held in smaller pieces */
    TlbRange log[TLB_SCOPE_LOG];
} TlbScope;

typedef struct {
    uint16_t scope;
    uint32_t digest;
    uint64_t gen;       /* the scope's, when id was drawn */
    uint64_t global_id; /* tag of global entries in the second level */
} TlbSpace;

typedef struct TlbBank TlbBank;

typedef struct {
    bool used;
    uint16_t scope, space;
    uint32_t asid;
    uint64_t gen;      /* the scope's, when id was drawn */
    uint64_t epoch;    /* moves when everything of the set goes */
    uint64_t id;       /* tag of non-global entries in the second level */
    uint64_t log_head;
    uint64_t last_use;
    TlbRange log[TLB_SET_LOG];
    TlbBank *bank[2][TLB_VIEWS]; /* data, fetch */
} TlbSet;

/* A bank. Data: EngL1Entry; fetch: EngFetchEntry. */
struct TlbBank {
    TlbSet *set; /* NULL: free */
    uint8_t view;
    bool fetch;
    uint32_t n;   /* entries in use, a power of two; 0: no memory */
    uint32_t cap; /* entries there is memory for */
    uint32_t evictions;
    uint32_t fills; /* since it was last empty */
    uint64_t scope_gen, set_epoch;
    uint64_t set_pos, scope_pos, code_pos;
    uint64_t watch_epoch; /* the TLB's, when the bank was looked at last */
    uint64_t last_use;
    uint64_t serial;
    uint64_t s1_sizes[2]; /* by VA bit 55: stage-1 leaf sizes seen */
    uint64_t blocks[TLB_FILTER]; /* hashes of the stage-1 blocks that entries came from */
    EngL1Entry *data;
    EngFetchEntry *code;
    uint64_t *code_info; /* EngL1Entry.info for fetch entries */
};

/* Second-level entry. */
typedef struct {
    uint64_t va; /* base of the reach, all 64 bits */
    uint64_t pa;
    uint64_t id; /* 0: empty */
    uint16_t scope;
    uint16_t flags;
    uint32_t asid;
    uint8_t reach, s1_bits, s2_bits;
    uint8_t read, write, exec;
} TlbEntry;

typedef struct {
    uint64_t ipa, pa; /* bases of the leaf */
    uint32_t vmid, digest, gen;
    uint8_t bits, read, write, level; /* bits 0: empty */
} TlbStage2;

typedef enum { MAIL_TLBI, MAIL_PROTECT, MAIL_CODE, MAIL_FLUSH } MailKind;
typedef struct {
    MailKind kind;
    EngTlbi tlbi;
    Pa pa;
    uint64_t n;
} TlbMail;

struct EngTlb {
    EngVcpu *cpu;
    EngTlbGroup *group;
    uint32_t index;
    EngTlbStats stats;
    uint64_t clock; /* of uses, for eviction */
    uint64_t serials;
    uint64_t ids;
    /* current */
    TlbBank *data, *unpriv, *fetch;
    /* contexts */
    uint32_t n_scopes, n_spaces, n_sets;
    TlbScope scope[TLB_SCOPES];
    TlbSpace space[TLB_SPACES];
    TlbSet set[TLB_SETS];
    uint16_t set_hash[TLB_SET_HASH]; /* last set found there + 1 */
    TlbBank bank[TLB_BANKS];
    uint64_t bank_entries; /* of all banks */
    uint64_t watch_epoch; /* moves when other pages are watched */
    Pa code_log[TLB_CODE_LOG];
    uint64_t code_head;
    /* second level */
    TlbEntry *l2;
    uint32_t l2_mask; /* sets - 1 */
    uint16_t splinter[TLB_SPLINTERS];
    /* stage 2 */
    TlbStage2 stage2[TLB_STAGE2];
    uint64_t stage2_sizes;
    uint32_t stage2_gen;
    /* mail: lock guards list and overflow; rank: below the device lock */
    pthread_mutex_t mail_lock;
    uint32_t n_mail;
    bool mail_overflow;
    TlbMail mail[TLB_MAIL];
    _Atomic(uint64_t) posted, served;
    _Atomic(bool) running;
    /* VMIDs (by tlb_vmid_bit) whose entries the vCPU may use without looking at its mail first */
    _Atomic(uint64_t) active;
    bool owes;          /* mail posted since the last DSB: some of wait_for is not 0 */
    uint64_t *wait_for; /* by TLB index: the posted count to wait for at DSB; 0 = nothing */
};

struct EngTlbGroup {
    EngTlbConfig cfg;
    EngTlb **tlb;
    uint32_t n;
    uint32_t plant; /* TlbPlant, tests only */
};

#ifdef ENG_TLB_PLANTS
static inline bool tlb_planted(const EngTlb *t, TlbPlant p)
{
    return t->group->plant == (uint32_t)p;
}
#else
static inline bool tlb_planted(const EngTlb *t, TlbPlant p)
{
    return false;
}
#endif

/* What a vCPU says of itself is visible before it reads its mail: pairs with the one in post(). */
static inline void tlb_announce_fence(const EngTlb *t)
{
    if (!tlb_planted(t, TLB_PLANT_FENCE)) {
        arm_full_fence();
    }
}

#define TLB_VA_MASK ((UINT64_C(1) << 56) - 1)

/* EngL1Entry.info: physical page in bits 51:12; bit 10 is ENG_L1_CAREFUL. */
#define TLB_INFO_S1(bits) ((uint64_t)(bits))             /* 5:0 */
#define TLB_INFO_GLOBAL (UINT64_C(1) << 6)
#define TLB_INFO_DEVICE (UINT64_C(1) << 7)
#define TLB_INFO_CODE (UINT64_C(1) << 8)
#define TLB_INFO_STAGE2 (UINT64_C(1) << 9)
#define TLB_INFO_PA UINT64_C(0x000ffffffffff000)

/* Regimes without VMIDs share bit 0 with VMID 0. */
static inline uint64_t tlb_vmid_bit(uint32_t vmid)
{
    return UINT64_C(1) << vmid % 64;
}

static inline unsigned tlb_half(uint64_t va)
{
    return va >> 55 & 1;
}

/* Does a TLBI of [base, base+size) hit the stage-1 leaf of 2^bits bytes that holds va? */
static inline bool tlb_leaf_hit(const TlbRange *r, uint64_t va, unsigned bits)
{
    uint64_t leaf = (va & TLB_VA_MASK) >> bits << bits;

    return leaf < r->base + r->size && r->base < leaf + (UINT64_C(1) << bits);
}

/* Bit of a stage-1 leaf larger than a page in TlbBank.blocks. */
static inline unsigned tlb_block_bit(uint64_t va, unsigned bits)
{
    uint64_t n = (va & TLB_VA_MASK) >> bits;

    return (unsigned)(n ^ n >> 9 ^ bits * 41u) % (TLB_FILTER * 64);
}

/* An entry of the bank came from the stage-1 leaf of 2^bits bytes that holds va. */
static inline void tlb_bank_note(TlbBank *b, uint64_t va, unsigned bits)
{
    unsigned n = tlb_block_bit(va, bits);

    b->s1_sizes[tlb_half(va)] |= UINT64_C(1) << bits;
    b->blocks[n / 64] |= UINT64_C(1) << n % 64;
    b->fills++;
}

/* tlb-context.c */
TlbScope *eng_tlb_scope(EngTlb *t, uint32_t regime, uint32_t vmid); /* NULL: nothing cached */
TlbSet *eng_tlb_set(EngTlb *t, const EngContext *c);
/* Makes room for a few new contexts; true when that emptied the TLB (current banks are then empty
 * ones: switch again). */
bool eng_tlb_contexts_room(EngTlb *t);
/* Draws new ids when the set's generation is over. */
void eng_tlb_set_sync(EngTlb *t, TlbSet *s);
void eng_tlb_contexts_reset(EngTlb *t);
uint64_t eng_tlb_new_id(EngTlb *t);

/* tlb-bank.c */
/* The bank of a set, up to date with every TLBI. */
TlbBank *eng_tlb_bank(EngTlb *t, TlbSet *s, unsigned view, bool fetch);
void eng_tlb_bank_sync(EngTlb *t, TlbBank *b);
/* A fill replaces another page: makes room when the bank thrashes. */
void eng_tlb_bank_grow(EngTlb *t, TlbBank *b);
void eng_tlb_banks_free(EngTlb *t);
/* Pointers of the current banks into the vCPU. */
void eng_tlb_publish(EngTlb *t);

/* tlb-l2.c */
const TlbEntry *eng_tlb_l2_find(EngTlb *t, const TlbSet *s, uint64_t va);
void eng_tlb_l2_add(EngTlb *t, const TlbSet *s, uint64_t va, const EngXlat *x);
void eng_tlb_l2_drop_va(EngTlb *t, TlbScope *scope, const EngTlbi *what);
void eng_tlb_l2_reset(EngTlb *t);

/* tlb-stage2.c */
void eng_tlb_stage2_drop(EngTlb *t, const EngTlbi *what);

/* tlb-mail.c */
/* Entries of exactly these VMIDs are used from now on; mail that waited for that is applied. */
void eng_tlb_activate(EngTlb *t, uint64_t vmids);
/* Entries of this VMID too (AT for a guest, VNCR), until the next switch. */
static inline void eng_tlb_also_activate(EngTlb *t, uint32_t vmid)
{
    uint64_t active = atomic_load_explicit(&t->active, memory_order_relaxed);

    if (ARM_UNLIKELY(!(active & tlb_vmid_bit(vmid)))) {
        eng_tlb_activate(t, active | tlb_vmid_bit(vmid));
    }
}

/* tlb-inval.c: on the TLB's own thread (or while it stands still). */
void eng_tlb_apply(EngTlb *t, const EngTlbi *what);
void eng_tlb_apply_protect(EngTlb *t, Pa page);
void eng_tlb_reset(EngTlb *t);
