/*
 * The interpreter as the engine sees it: lowers a block of IR to predecoded operations, runs them.
 */
#pragma once

#include "armillary/vcpu.h"

typedef struct InterpLower InterpLower;

/* Workspace of one vCPU's translations. Free with interp_lower_free. NULL without memory. */
InterpLower *interp_lower_new(void);
void interp_lower_free(InterpLower *l);

typedef struct {
    uint32_t offset;  /* of the first instruction in its page: which links stay on the page */
    bool counting;    /* the block begins by looking at the turn's end */
    bool plain;       /* one operation per IR op, no fusion (tests) */
} InterpOptions;

/* Lowers b. Returns the bytes that interp_store will write, 0 when the block needs more
 * temporaries than there are (a shorter one will do). */
size_t interp_lower(InterpLower *l, const IrBlock *b, InterpOptions options);

/* Writes the operations to dst (8-byte aligned); links: distances of link slots from dst, 0 none.
 */
void interp_store(const InterpLower *l, void *dst, uint16_t links[2]);

/* Runs from ops until something needs the run loop: see EngVcpu.leave, link, split, attention. */
void interp_run(EngVcpu *cpu, const void *ops);

/* The operations that a link slot leads to; itself when not patched. */
const void *interp_link_target(const void *link);
/* Sets where a link slot leads; NULL: nowhere, ask the run loop. */
void interp_link_set(void *link, const void *ops);

/* Was this build made with guaranteed tail calls? */
bool interp_is_threaded(void);
