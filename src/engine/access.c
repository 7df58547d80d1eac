/*
 * Memory accesses outside the inline path: misses, misalignment, page crossing, devices, code
 * pages. Arm ARM, "Alignment support", "Single-copy atomicity", "Device memory".
 */
#include "armillary/engine.h"

#include "access.h"
#include "host-access.h"
#include "host-copy.h"

/* SCTLR_ELx.A and accesses that must be aligned anyhow. */
bool eng_alignment_enforced(const EngVcpu *cpu, Va va, uint64_t mem)
{
    if (!(va.v & IR_MEM_LOW_BITS(mem)))
        return false;
    if ((cpu->align & ENG_ALIGN_CHECKED) || (mem & IR_MEM_ALIGN))
        return true;
    uint64_t n = UINT64_C(1) << (IR_MEM_GET_SIZE(mem) + (mem & IR_MEM_PAIR ? 1 : 0));
    return (mem & IR_MEM_WITHIN16) && !eng_is_within16(va, n) &&
           !((mem & IR_MEM_NAA) && (cpu->align & ENG_ALIGN_NAA));
}

/* Faults of an access. */
static bool access_translate(EngVcpu *cpu, Va va, EngAccess access, uint64_t mem, EngTlbHit *hit)
{
    if (eng_alignment_enforced(cpu, va, mem)) {
        cpu->target->alignment_fault(cpu, va, access, mem);
        return false;
    }
    if (!eng_tlb_data(cpu, va, access, mem, hit))
        return false;
    if ((hit->flags & ENG_X_DEVICE) &&
        ((va.v & IR_MEM_LOW_BITS(mem)) || (mem & IR_MEM_NORMAL))) {
        cpu->target->alignment_fault(cpu, va, access, mem);
        return false;
    }
    return true;
}

bool eng_span_watched(EngVcpu *cpu, const EngTlbHit *hit, const EngSpan *s)
{
    uint64_t page = hit->pa.v & ~ARM_PAGE_MASK, offset = s->va.v & ARM_PAGE_MASK;
    uint64_t left = ARM_PAGE_SIZE - offset, first = s->n < left ? s->n : left;
    Pa pa = {s->second ? page : page | offset};
    return (hit->debug && eng_watch_hit(cpu, pa, s->second ? s->n - first : first, s->access)) ||
           (hit->watched && cpu->target->watchpoint(cpu, s->va, s->n, s->access, s->mem));
}

static EngSpan span_of(Va va, EngAccess access, uint64_t mem)
{
    return (EngSpan){va, UINT64_C(1) << IR_MEM_GET_SIZE(mem), access, mem, false};
}

static bool is_watched(EngVcpu *cpu, const EngTlbHit *hit, EngSpan s)
{
    return eng_is_watched(cpu, hit, &s);
}

bool eng_access_hit(EngVcpu *cpu, Va va, EngAccess access, uint64_t mem, EngTlbHit *hit)
{
    return access_translate(cpu, va, access, mem, hit) &&
           !is_watched(cpu, hit, span_of(va, access, mem));
}

bool eng_access_hit_rmw(EngVcpu *cpu, Va va, uint64_t mem, EngTlbHit *hit)
{
    return access_translate(cpu, va, ENG_READ, mem | IR_MEM_RMW, hit) &&
           access_translate(cpu, va, ENG_WRITE, mem, hit) &&
           !is_watched(cpu, hit, span_of(va, ENG_READ, mem)) &&
           !is_watched(cpu, hit, span_of(va, ENG_WRITE, mem));
}

bool eng_access_may_do_io(EngVcpu *cpu)
{
    if (!cpu->counting || cpu->may_do_io)
        return true;
    /* The device must see the exact time: again, as a block of one instruction. */
    cpu->pc = cpu->insn_pc;
    cpu->retry_io = true;
    cpu->leave = ENG_LEAVE_NEXT;
    cpu->insn_done--;
    return false;
}

static bool device_read(EngVcpu *cpu, Va va, uint64_t mem, const EngTlbHit *hit, uint64_t *value)
{
    if (!eng_access_may_do_io(cpu))
        return false;
    *value = 0;
    if (mem_read(cpu->machine->config.mem, hit->pa, 1u << IR_MEM_GET_SIZE(mem), value))
        return true;
    cpu->target->external_abort(cpu, va, ENG_READ, mem);
    return false;
}

static bool device_write(EngVcpu *cpu, Va va, uint64_t mem, const EngTlbHit *hit, uint64_t value)
{
    if (!eng_access_may_do_io(cpu))
        return false;
    if (mem_write(cpu->machine->config.mem, hit->pa, 1u << IR_MEM_GET_SIZE(mem), value))
        return true;
    cpu->target->external_abort(cpu, va, ENG_WRITE, mem);
    return false;
}

/* Largest naturally aligned piece (log2) at the address that fits into n bytes. */
static unsigned piece(const uint8_t *host, unsigned n)
{
    unsigned size = 0;
    while (size < 3 && !((uintptr_t)host & (1u << size)) && 2u << size <= n)
        size++;
    return size;
}

static uint64_t load_pieces(const uint8_t *host, unsigned n)
{
    uint64_t value = 0;
    for (unsigned at = 0, size; at < n; at += 1u << size) {
        size = piece(host + at, n - at);
        value |= eng_host_load(host + at, size) << (8 * at);
    }
    return value;
}

static void store_pieces(uint8_t *host, unsigned n, uint64_t value)
{
    for (unsigned at = 0, size; at < n; at += 1u << size) {
        size = piece(host + at, n - at);
        eng_host_store_size(host + at, size, value >> (8 * at));
    }
}

/* Bytes of an access that lie on the first page. */
static unsigned first_part(Va va, uint64_t mem)
{
    uint64_t size = UINT64_C(1) << IR_MEM_GET_SIZE(mem);
    uint64_t left = ARM_PAGE_SIZE - (va.v & ARM_PAGE_MASK);
    return (unsigned)(left < size ? left : size);
}

/* One page's part of a misaligned access. */
static bool read_part(EngVcpu *cpu, const EngTlbHit *hit, unsigned n, uint64_t *value)
{
    *value = 0;
    if (hit->host) {
        bool whole = eng_is_within16((Va){hit->pa.v}, n);
        *value = whole ? eng_host_load_within(hit->host, n) : load_pieces(hit->host, n);
        return true;
    }
    for (unsigned i = 0; i < n; i++) {
        uint64_t byte;
        if (!mem_read(cpu->machine->config.mem, (Pa){hit->pa.v + i}, 1, &byte))
            return false;
        *value |= byte << (8 * i);
    }
    return true;
}

static bool write_part(EngVcpu *cpu, const EngTlbHit *hit, unsigned n, uint64_t value)
{
    if (hit->host) {
        if (eng_is_within16((Va){hit->pa.v}, n))
            eng_host_store_within(hit->host, n, value);
        else
            store_pieces(hit->host, n, value);
        if (hit->code)
            eng_code_written(cpu, hit->pa, n);
        return true;
    }
    for (unsigned i = 0; i < n; i++) {
        uint64_t byte = value >> (8 * i) & 0xff;
        if (!mem_write(cpu->machine->config.mem, (Pa){hit->pa.v + i}, 1, byte))
            return false;
    }
    return true;
}

/* Both pages of a crossing access are looked up before either is touched. */
static bool hit_second(EngVcpu *cpu, Va va, EngAccess access, uint64_t mem, EngTlbHit *second)
{
    Va next = {(va.v & ~ARM_PAGE_MASK) + ARM_PAGE_SIZE};
    if (!eng_tlb_data(cpu, next, access, mem, second))
        return false;
    if (second->flags & ENG_X_DEVICE) {
        cpu->target->alignment_fault(cpu, va, access, mem);
        return false;
    }
    EngSpan s = span_of(va, access, mem);
    s.second = true;
    return !eng_is_watched(cpu, second, &s);
}

static bool load_misaligned(EngVcpu *cpu, Va va, uint64_t mem, uint64_t *value)
{
    EngTlbHit hit, second = {0};
    unsigned size = 1u << IR_MEM_GET_SIZE(mem), n = first_part(va, mem);
    uint64_t high = 0;
    if (!eng_access_hit(cpu, va, ENG_READ, mem, &hit) ||
        (n < size && !hit_second(cpu, va, ENG_READ, mem, &second)))
        return false;
    bool io = !hit.host || (n < size && !second.host);
    if (io && !eng_access_may_do_io(cpu))
        return false;
    if (!read_part(cpu, &hit, n, value) ||
        (n < size && !read_part(cpu, &second, size - n, &high))) {
        cpu->target->external_abort(cpu, va, ENG_READ, mem);
        return false;
    }
    *value |= n < size ? high << (8 * n) : 0;
    return true;
}

static bool store_misaligned(EngVcpu *cpu, Va va, uint64_t mem, uint64_t value)
{
    EngTlbHit hit, second = {0};
    unsigned size = 1u << IR_MEM_GET_SIZE(mem), n = first_part(va, mem);
    if (!eng_access_hit(cpu, va, ENG_WRITE, mem, &hit) ||
        (n < size && !hit_second(cpu, va, ENG_WRITE, mem, &second)))
        return false;
    bool io = !hit.host || (n < size && !second.host);
    if (io && !eng_access_may_do_io(cpu))
        return false;
    if (!write_part(cpu, &hit, n, value) ||
        (n < size && !write_part(cpu, &second, size - n, value >> (8 * n)))) {
        cpu->target->external_abort(cpu, va, ENG_WRITE, mem);
        return false;
    }
    if (IR_MEM_GET_ORDER(mem) != IR_ORDER_NONE)
        arm_full_fence();
    return true;
}

static bool is_misaligned(Va va, uint64_t mem)
{
    return va.v & ((UINT64_C(1) << IR_MEM_GET_SIZE(mem)) - 1);
}

bool eng_load(EngVcpu *cpu, Va va, uint64_t mem, uint64_t *value)
{
    EngTlbHit hit;
    if (is_misaligned(va, mem))
        return load_misaligned(cpu, va, mem, value);
    if (!eng_access_hit(cpu, va, ENG_READ, mem, &hit))
        return false;
    if (!hit.host)
        return device_read(cpu, va, mem, &hit, value);
    *value = eng_host_load(hit.host, IR_MEM_GET_SIZE(mem));
    return true;
}

bool eng_store(EngVcpu *cpu, Va va, uint64_t mem, uint64_t value)
{
    EngTlbHit hit;
    if (is_misaligned(va, mem))
        return store_misaligned(cpu, va, mem, value);
    if (!eng_access_hit(cpu, va, ENG_WRITE, mem, &hit))
        return false;
    if (!hit.host)
        return device_write(cpu, va, mem, &hit, value);
    eng_host_store(hit.host, mem, value);
    if (hit.code)
        eng_code_written(cpu, hit.pa, UINT64_C(1) << IR_MEM_GET_SIZE(mem));
    return true;
}

/* --- pairs --- */

/* Where both registers of a pair are, when one access of the host can reach them; else NULL. False:
 * the exception has been taken. */
static bool pair_host(EngVcpu *cpu, Va va, EngAccess access, uint64_t mem, EngTlbHit *hit)
{
    uint64_t size = UINT64_C(1) << IR_MEM_GET_SIZE(mem);
    *hit = (EngTlbHit){0};
    if (!eng_is_within16(va, 2 * size))
        return true;
    if (!access_translate(cpu, va, access, mem, hit) ||
        eng_is_watched(cpu, hit, &(EngSpan){va, 2 * size, access, mem, false}))
        return false;
    if (hit->flags & ENG_X_DEVICE)
        hit->host = NULL;
    return true;
}

bool eng_load_pair(EngVcpu *cpu, Va va, uint64_t mem, uint64_t value[2])
{
    EngTlbHit hit;
    unsigned size = 1u << IR_MEM_GET_SIZE(mem);
    if (!pair_host(cpu, va, ENG_READ, mem, &hit))
        return false;
    if (!hit.host)
        return eng_load(cpu, va, mem, &value[0]) &&
               eng_load(cpu, (Va){va.v + size}, IR_MEM_SECOND(mem), &value[1]);
    eng_host_load_pair_within(hit.host, size, value);
    return true;
}

bool eng_store_pair(EngVcpu *cpu, Va va, uint64_t mem, const uint64_t value[2])
{
    EngTlbHit hit;
    unsigned size = 1u << IR_MEM_GET_SIZE(mem);
    if (!pair_host(cpu, va, ENG_WRITE, mem, &hit))
        return false;
    if (!hit.host)
        return eng_store(cpu, va, mem, value[0]) &&
               eng_store(cpu, (Va){va.v + size}, IR_MEM_SECOND(mem), value[1]);
    eng_host_store_pair_within(hit.host, size, value);
    if (hit.code)
        eng_code_written(cpu, hit.pa, 2 * size);
    return true;
}

/* --- blocks of zeroes --- */

static bool zero_device(EngVcpu *cpu, Pa pa, unsigned n, Va fault)
{
    if (!eng_access_may_do_io(cpu))
        return false;
    for (unsigned i = 0; i < n; i += 8) {
        if (!mem_write(cpu->machine->config.mem, (Pa){pa.v + i}, 8, 0)) {
            cpu->target->external_abort(cpu, fault, ENG_WRITE, 0);
            return false;
        }
    }
    return true;
}

bool eng_zero(EngVcpu *cpu, Va va, unsigned n, Va fault)
{
    EngTlbHit hit;
    uint64_t before = fault.v - va.v;
    const uint64_t mem = IR_MEM_SIZE(0) | IR_MEM_NORMAL;
    if (!access_translate(cpu, fault, ENG_WRITE, mem, &hit) ||
        eng_is_watched(cpu, &hit, &(EngSpan){va, n, ENG_WRITE, mem, false}))
        return false;
    Pa pa = {hit.pa.v - before};
    if (!hit.host)
        return zero_device(cpu, pa, n, fault);
    eng_host_fill(hit.host - before, 0, n);
    if (hit.code)
        eng_code_written(cpu, pa, n);
    return true;
}
