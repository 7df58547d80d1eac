/*
 * Steps of copies and fills of memory: as much at a time as one page of each side holds. Arm ARM,
 * "Memory Copy and Memory Set instructions": the size of the single accesses is the
 * implementation's choice, so nothing here is misaligned.
 */
#include "armillary/engine.h"

#include "access.h"
#include "host-copy.h"

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Bytes from va on (or, backwards, up to va) in its page; va itself counts forwards only. */
static uint64_t left_in_page(Va va, bool backwards)
{
    uint64_t at = va.v & ARM_PAGE_MASK;
    return backwards ? (at ? at : ARM_PAGE_SIZE) : ARM_PAGE_SIZE - at;
}

static uint64_t bytes(uint64_t mem)
{
    return mem | IR_MEM_SIZE(0);
}

/* Where neither is plain memory: a byte. */
static uint64_t move_byte(EngVcpu *cpu, const EngMove *m, Va to, Va from)
{
    uint64_t byte;
    bool done = eng_load(cpu, from, bytes(m->mem_from), &byte) &&
                eng_store(cpu, to, bytes(m->mem_to), byte);
    return done ? 1 : 0;
}

uint64_t eng_move(EngVcpu *cpu, const EngMove *m)
{
    EngTlbHit source, target;
    uint64_t back = m->backwards ? 1 : 0;
    Va from = {m->from.v - back}, to = {m->to.v - back};
    uint64_t n = least(m->n, least(left_in_page(m->from, back), left_in_page(m->to, back)));
    if (!eng_access_hit(cpu, from, ENG_READ, bytes(m->mem_from), &source) ||
        !eng_access_hit(cpu, to, ENG_WRITE, bytes(m->mem_to), &target))
        return 0;
    if (!source.host || !target.host)
        return move_byte(cpu, m, to, from);
    uint64_t before = back ? n - 1 : 0;
    /* of all bytes at once, before any is moved */
    const EngSpan read = {{from.v - before}, n, ENG_READ, m->mem_from, false};
    const EngSpan write = {{to.v - before}, n, ENG_WRITE, m->mem_to, false};
    if (eng_is_watched(cpu, &source, &read) || eng_is_watched(cpu, &target, &write))
        return 0;
    if (back)
        eng_host_copy_down(target.host - before, source.host - before, n);
    else
        eng_host_copy_up(target.host, source.host, n);
    if (target.code)
        eng_code_written(cpu, (Pa){target.pa.v - before}, n);
    return n;
}

uint64_t eng_fill(EngVcpu *cpu, Va to, uint64_t n, uint8_t byte, uint64_t mem)
{
    EngTlbHit target;
    n = least(n, left_in_page(to, false));
    if (!eng_access_hit(cpu, to, ENG_WRITE, bytes(mem), &target))
        return 0;
    if (!target.host)
        return eng_store(cpu, to, bytes(mem), byte) ? 1 : 0;
    if (eng_is_watched(cpu, &target, &(EngSpan){to, n, ENG_WRITE, mem, false}))
        return 0;
    eng_host_fill(target.host, byte, n);
    if (target.code)
        eng_code_written(cpu, target.pa, n);
    return n;
}
