/*
 * The code map: two levels, by gigabyte and page. A gigabyte's table is made when code is first
 * translated there. Physical addresses of 2^44 and more are not tracked: writes there are noticed
 * only by instruction cache maintenance, which the architecture asks for (CTR_EL0.DIC = 0).
 */
#include "code-map.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { CHUNK_BITS = 30, CHUNKS = 1 << 14, CHUNK_PAGES = 1 << (CHUNK_BITS - ARM_PAGE_BITS) };

typedef _Atomic(uint64_t) Lines;

struct EngCodeMap {
    _Atomic(Lines *) chunks[CHUNKS];
};

EngCodeMap *eng_code_map_new(void)
{
    return calloc(1, sizeof(EngCodeMap));
}

void eng_code_map_free(EngCodeMap *m)
{
    for (unsigned i = 0; m && i < CHUNKS; i++)
        free(atomic_load_explicit(&m->chunks[i], memory_order_relaxed));
    free(m);
}

static Lines *find(const EngCodeMap *m, Pa page)
{
    uint64_t chunk = page.v >> CHUNK_BITS;
    if (chunk >= CHUNKS)
        return NULL;
    /* pairs with the release in make() */
    Lines *lines = atomic_load_explicit(&m->chunks[chunk], memory_order_acquire);
    return lines ? &lines[page.v >> ARM_PAGE_BITS & (CHUNK_PAGES - 1)] : NULL;
}

static Lines *make(EngCodeMap *m, Pa page)
{
    Lines *there = find(m, page);
    uint64_t chunk = page.v >> CHUNK_BITS;
    if (there || chunk >= CHUNKS)
        return there;
    Lines *fresh = calloc(CHUNK_PAGES, sizeof *fresh), *none = NULL;
    if (fresh && !atomic_compare_exchange_strong(&m->chunks[chunk], &none, fresh))
        free(fresh); /* another vCPU was faster */
    return find(m, page);
}

bool eng_code_map_tracks(Pa page)
{
    return page.v >> CHUNK_BITS < CHUNKS;
}

uint64_t eng_code_map_lines(const EngCodeMap *m, Pa page)
{
    Lines *lines = find(m, page);
    return lines ? atomic_load_explicit(lines, memory_order_relaxed) : 0;
}

uint64_t eng_code_map_add(EngCodeMap *m, Pa page, uint64_t lines)
{
    Lines *there = make(m, page);
    if (!there)
        return lines;
    uint64_t before = atomic_load_explicit(there, memory_order_relaxed);
    return (before & lines) == lines ? before : atomic_fetch_or(there, lines);
}

void eng_code_map_remove(EngCodeMap *m, Pa page, uint64_t lines)
{
    Lines *there = find(m, page);
    if (there)
        atomic_fetch_and(there, ~lines);
}
