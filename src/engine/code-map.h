/*
 * Which 64-byte lines of guest memory some vCPU holds translated code of. Shared by the vCPUs of a
 * machine; only ever too large, never too small, for what the asking vCPU itself translated.
 */
#pragma once

#include "armillary/types.h"

typedef struct EngCodeMap EngCodeMap;

EngCodeMap *eng_code_map_new(void);
void eng_code_map_free(EngCodeMap *m);

/* Whether writes to the page are noticed at all. */
bool eng_code_map_tracks(Pa page);
/* The lines of the page (bit per 64 bytes). Any thread. */
uint64_t eng_code_map_lines(const EngCodeMap *m, Pa page);
/* Adds lines; returns what was there before. */
uint64_t eng_code_map_add(EngCodeMap *m, Pa page, uint64_t lines);
void eng_code_map_remove(EngCodeMap *m, Pa page, uint64_t lines);

/* The lines of a page that [pa, pa+n) touches; n up to the page's end. */
static inline uint64_t eng_code_lines(uint64_t offset, uint64_t n)
{
    unsigned first = (unsigned)(offset / 64), last = (unsigned)((offset + n - 1) / 64);
    return (last >= 63 ? UINT64_MAX : (UINT64_C(1) << (last + 1)) - 1) & (UINT64_MAX << first);
}
