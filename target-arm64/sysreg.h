/*
 * System registers and system instructions: rows generated from tables/sysregs.tbl and
 * tables/sysinsns.tbl, and the decision what an access does. Arm ARM, "AArch64 System Register
 * Descriptions" and "The A64 System Instruction Class".
 */
#pragma once

#include "mode.h"
#include "state.h"

/* An encoding, as in bits 20:5 of the instruction. */
#define A64_SYS_KEY(op0, op1, crn, crm, op2)                                                       \
    ((uint16_t)((op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2)))

typedef struct {
    uint16_t key;
    bool write; /* MSR, SYS; else MRS, SYSL */
} A64SysAccess;

/* What an access does. */
typedef enum {
    A64_ACC_UNDEF,
    A64_ACC_TRAP,  /* to el, with class ec */
    A64_ACC_SELF,  /* the register (or instruction) of the row */
    A64_ACC_RAZ,   /* reads 0, ignores writes */
    A64_ACC_NVMEM, /* the doubleword at VNCR_EL2.BADDR + offset */
    A64_ACC_REG    /* the register of another row (generated rules only) */
} A64AccessKind;

enum { A64_SR_READ = 1, A64_SR_WRITE = 2 };
/* Bits of A64SysReg.flags. */
enum {
    A64_SRF_PSTATE = 1,  /* PSTATE, SP_ELx, FPCR and FPSR: no slot of its own */
    A64_SRF_RAZ = 2,     /* reads 0, ignores writes */
    A64_SRF_CONTEXT = 4, /* a write changes the translation regime's registers or tags */
    A64_SRF_WALK = 8,    /* ... those that the walker's view is made of (tlb=walk) */
    A64_SRF_IRQ = 16,    /* a write may unmask or route interrupts */
    A64_SRF_EXIT = 32,   /* a write ends the block */
    A64_SRF_READ_HOOK = 64,
    A64_SRF_WRITE_HOOK = 128,
    A64_SRF_TIME = 256, /* hooks look at the time: the count of instructions must be exact */
};
/* What carries out a system instruction. */
typedef enum {
    A64_CALL_NONE,
    A64_CALL_IMM, /* MSR (immediate) */
    A64_CALL_AT,
    A64_CALL_DC,
    A64_CALL_IC,
    A64_CALL_TLBI,
    A64_CALL_RCTX, /* prediction restriction */
    A64_CALL_GCS,
} A64SysCall;
#define A64_NO_SLOT UINT16_MAX

typedef struct A64SysReg {
    const char *name;
    uint16_t key;
    uint8_t access; /* A64_SR_READ | A64_SR_WRITE */
    uint16_t flags;
    uint8_t call;         /* A64SysCall */
    uint8_t profile_els;  /* EL n's profile tests bits of it: bit n */
    uint16_t slot;        /* of A64State.sr, or A64_NO_SLOT */
    uint16_t rules[2][3]; /* first rule of reads, writes at each EL */
} A64SysReg;

/* What the rooms provide for a row; NULL without a hook. */
typedef struct {
    uint64_t (*read)(A64Cpu *cpu);
    void (*write)(A64Cpu *cpu, uint64_t value); /* stores, too; value is masked already */
} A64SysRegHooks;

/* One test of a rule: bits of a profile word, a feature, PSTATE.SP or PSTATE.EXLOCK. */
typedef struct {
    uint16_t word; /* profile word, or one of the following */
    bool negated;
    uint64_t mask, value;
} A64Atom;
enum { A64_ATOM_SP = 0x4000, A64_ATOM_EXLOCK, A64_ATOM_FEATURE = 0x8000 /* + feature */ };

/* Rules are tried in order: the first whose atoms all hold decides; a list's last has none. */
typedef struct {
    uint16_t atoms;
    uint8_t n_atoms;
    uint8_t kind;  /* A64AccessKind */
    uint8_t el, ec; /* TRAP */
    uint16_t arg;  /* NVMEM: offset; REG: row */
} A64AccessRule;

/* Bits of a register that are fixed while a feature is not announced. */
typedef struct {
    uint16_t slot;
    uint16_t feature; /* A64_FEAT_COUNT: whatever is announced */
    bool one;
    uint64_t mask;
} A64FixedBits;

typedef struct {
    uint16_t slot;
    uint64_t value;
} A64ResetRow;

extern const A64SysReg a64_sysregs[];
extern const unsigned a64_n_sysregs;
extern const A64SysRegHooks a64_sysreg_hooks[]; /* by row */
extern const A64AccessRule a64_access_rules[];
extern const char *const a64_rule_controls[]; /* by rule: the control bit behind it */
extern const A64Atom a64_access_atoms[];
/* Encodings without a row: IMPLEMENTATION DEFINED ones, and the feature ID space. */
extern const uint16_t a64_impdef_rules[2][3];
extern const uint16_t a64_idspace_rules[2][3];
extern const uint16_t a64_profile_slots[A64_PROFILE_WORDS];
extern const uint64_t a64_profile_masks[3][A64_PROFILE_WORDS];
extern const A64FixedBits a64_fixed_bits[];
extern const unsigned a64_n_fixed_bits;
extern const A64ResetRow a64_reset_rows[];
extern const unsigned a64_n_reset_rows;

typedef struct {
    A64AccessKind kind;       /* never REG */
    uint8_t el, ec;           /* TRAP */
    uint16_t nv_offset;       /* NVMEM */
    uint16_t rule;            /* that decided, of a64_access_rules */
    const A64SysReg *reg;     /* SELF: after redirection */
} A64Decision;

/* The row of an encoding, NULL when there is none. */
const A64SysReg *a64_sysreg_find(uint16_t key, bool write);
/* The row by name (any case), NULL when there is none: debuggers, explainers, tests. */
const A64SysReg *a64_sysreg_named(const char *name);
/* What the access does in this mode: feature, traps, nesting, redirection, in this order. */
A64Decision a64_sysreg_decide(const A64Mode *mode, const A64SysAccess *a);
