/*
 * Breakpoints of a debugger, as the engine keeps them: the physical address of an instruction, and
 * the contexts in which it stops whoever comes there. docs/howto-gdb.md, "Where a breakpoint is".
 */
#pragma once

#include "armillary/types.h"

enum { ENG_MAX_BREAKS = 256, ENG_MAX_WATCHES = 64 };

/* What must hold besides the physical address (EngBreak.when). */
enum {
    ENG_BREAK_VA = 1, /* the instruction is executed at va */
    ENG_BREAK_EL = 2, /* at one of levels */
    ENG_BREAK_VMID = 4,
    ENG_BREAK_ASID = 8
};

/* The translation that led va to the place, named as TLB entries are. */
typedef struct {
    uint32_t regime, vmid, asid;
    bool global; /* of every ASID */
} EngBreakHome;

typedef struct {
    uint32_t id;       /* from 1; never the same again in one machine */
    uint8_t owner;     /* one bit, the debugger's own */
    uint8_t when;      /* ENG_BREAK_* */
    uint8_t levels;    /* bit n: Exception level n */
    bool placed;       /* pa holds. A pending one has ENG_BREAK_VA */
    uint32_t vmid, asid;
    uint64_t va;
    Pa pa;
    EngBreakHome home; /* of one that is placed and has ENG_BREAK_VA */
    uint64_t hits;
} EngBreak;

/* Bytes whose accesses stop the vCPU that makes them, by whatever virtual address. */
typedef struct {
    uint64_t va; /* the debugger's own: what it is told of a stop */
    Pa pa;
    uint32_t n;  /* within one page */
    uint8_t owner;
    bool read, write;
} EngWatch;

/* Does it hold in this context, whatever the address? */
static inline bool eng_break_admits(const EngBreak *b, unsigned level, uint32_t vmid, uint32_t asid)
{
    return (!(b->when & ENG_BREAK_EL) || (b->levels >> level & 1)) &&
           (!(b->when & ENG_BREAK_VMID) || b->vmid == vmid) &&
           (!(b->when & ENG_BREAK_ASID) || b->asid == asid);
}
