/*
 * Memory accesses outside the inline path: misses, misalignment, page crossing, devices, code
 * pages. Arm ARM, "Alignment support", "Single-copy atomicity", "Device memory".
 */
#include "armillary/engine.h"

#include "access.h"
#include "host-access.h"

/* SCTLR_ELx.A and accesses that must be aligned anyhow. */
static bool alignment_fault(EngVcpu *cpu, Va va, EngAccess access, uint64_t mem)
{
    uint64_t size = UINT64_C(1) << IR_MEM_GET_SIZE(mem);
    uint64_t grain = UINT64_C(1) << IR_MEM_GET_GRAIN(mem);
    bool wrong = (mem & IR_MEM_ALIGN) && (va.v & (size - 1));
    if (cpu->strict_align && (va.v & ((grain < size ? grain : size) - 1)))
        wrong = true;
    if (wrong)
        cpu->target->alignment_fault(cpu, va, access, mem);
    return wrong;
}

bool eng_access_hit(EngVcpu *cpu, Va va, EngAccess access, uint64_t mem, EngTlbHit *hit)
{
    uint64_t size = UINT64_C(1) << IR_MEM_GET_SIZE(mem);
    uint64_t grain = UINT64_C(1) << IR_MEM_GET_GRAIN(mem);
    if (ARM_UNLIKELY(va.v & (size - 1)) && alignment_fault(cpu, va, access, mem))
        return false;
    if (!eng_tlb_data(cpu, va, access, mem, hit))
        return false;
    if ((hit->flags & ENG_X_DEVICE) && (va.v & ((grain < size ? grain : size) - 1))) {
        cpu->target->alignment_fault(cpu, va, access, mem);
        return false;
    }
    return true;
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
        *value = load_pieces(hit->host, n);
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
    return true;
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
