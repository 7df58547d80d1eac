/*
 * What the slow memory paths share.
 */
#pragma once

#include "code.h"
#include "machine.h"
#include "tlb.h"

/* Alignment checks, translation and watchpoints of an access. False: the exception has been
 * taken. */
bool eng_access_hit(EngVcpu *cpu, Va va, EngAccess access, uint64_t mem, EngTlbHit *hit);
/* The same of an access that reads and writes: every fault comes before any watchpoint. */
bool eng_access_hit_rmw(EngVcpu *cpu, Va va, uint64_t mem, EngTlbHit *hit);

/* An access of n bytes from va, which may go on to a second page. */
typedef struct {
    Va va;
    uint64_t n;
    EngAccess access;
    uint64_t mem;
    bool second; /* the page in question is that one */
} EngSpan;
/* Does a debugger or the guest watch some of it on hit's page? True: leave; the stop or exception
 * is prepared. */
bool eng_span_watched(EngVcpu *cpu, const EngTlbHit *hit, const EngSpan *s);
static inline bool eng_is_watched(EngVcpu *cpu, const EngTlbHit *hit, const EngSpan *s)
{
    return ARM_UNLIKELY(hit->watched || hit->debug) && eng_span_watched(cpu, hit, s);
}

/* Are all of the n bytes within 16 aligned ones? Arm ARM, "Alignment of data accesses". */
static inline bool eng_is_within16(Va va, uint64_t n)
{
    return (va.v & 15) + n <= 16;
}

/* Counting mode: a device may only be touched from a block of one instruction. False: leave the
 * block; the run loop comes back with such a block. */
bool eng_access_may_do_io(EngVcpu *cpu);
