/*
 * Where a debugger wants vCPUs to stop. The set is changed while no vCPU runs, but for places: a
 * vCPU that fetches from a page finds or moves those of breakpoints whose virtual address is there.
 */
#pragma once

#include <pthread.h>

#include "armillary/engine.h"

typedef struct {
    pthread_mutex_t lock; /* guards places and counts while vCPUs run; rank: last of all */
    unsigned n;           /* constant while vCPUs run */
    uint32_t last_id;
    uint64_t generation;  /* moves with every place found */
    EngBreak at[ENG_MAX_BREAKS];
    uint64_t since[ENG_MAX_BREAKS]; /* the generation that found its place */
} EngBreaks;

/* Constant while vCPUs run. */
typedef struct {
    unsigned n;
    EngWatch at[ENG_MAX_WATCHES];
} EngWatches;

/* Is something of the page watched? */
bool eng_watch_on_page(EngVcpu *cpu, Pa page);
/* Is it any of [pa, pa+n)? Then the vCPU leaves before the instruction. */
bool eng_watch_hit(EngVcpu *cpu, Pa pa, uint64_t n, EngAccess access);

/* What is at cpu->pc, on the page of f: nothing, an instruction that must be a block of its own and
 * is not kept, or a breakpoint whose condition holds. Drops blocks that have not been cut yet. */
typedef enum { ENG_BREAK_NONE, ENG_BREAK_ALONE, ENG_BREAK_STOP } EngBreakLook;
EngBreakLook eng_break_look(EngVcpu *cpu, const EngFetchEntry *f);

/* How many instructions a block at pa may have, at most max_insns. */
uint32_t eng_break_distance(EngBreaks *s, Pa pa, uint32_t max_insns);
