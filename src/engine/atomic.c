/*
 * Read-modify-write accesses, 16-byte accesses and exclusives. Arm ARM, "Atomic instructions",
 * "Synchronization and semaphores".
 *
 * DIFFERS: the exclusive monitor remembers address and value; a location that was changed and
 * changed back in between passes (ABA).
 */
#include "access.h"
#include "host-access.h"

/*
 * Host address of an access that both reads and writes; NULL: the exception has been taken. A page
 * that faults on reading is reported as a write when writing faults too (the manual calls for the
 * read's permission to be checked first).
 */
static uint8_t *rmw_host(EngVcpu *cpu, Va va, uint64_t mem, EngTlbHit *hit)
{
    if (!eng_access_hit_rmw(cpu, va, mem, hit))
        return NULL;
    if (!hit->host) /* a device or ROM: no read-modify-write there */
        cpu->target->external_abort(cpu, va, ENG_WRITE, mem);
    return hit->host;
}

/* What asks for no other alignment must have its natural one. */
static uint64_t aligned(uint64_t mem)
{
    return mem & IR_MEM_WITHIN16 ? mem : mem | IR_MEM_ALIGN;
}

bool eng_atomic(EngVcpu *cpu, Va va, uint64_t mem, const uint64_t operands[2], uint64_t *old)
{
    EngTlbHit hit;
    uint8_t *host = rmw_host(cpu, va, aligned(mem), &hit);
    if (!host)
        return false;
    if (va.v & IR_MEM_LOW_BITS(mem))
        *old = eng_host_atomic_within(host, mem, operands[0], operands[1]);
    else
        *old = eng_host_atomic(host, mem, operands[0], operands[1]);
    if (hit.code)
        eng_code_written(cpu, hit.pa, UINT64_C(1) << IR_MEM_GET_SIZE(mem));
    return true;
}

/* --- 16 bytes --- */

enum { SIZE_16 = 4 };

static uint64_t mem16(uint64_t mem)
{
    return (mem & ~(UINT64_C(7) | IR_MEM_PAIR)) | IR_MEM_SIZE(SIZE_16);
}

bool eng_cas16(EngVcpu *cpu, Va va, uint64_t mem, uint64_t expected_seen[2],
               const uint64_t desired[2])
{
    EngTlbHit hit;
    uint8_t *host = rmw_host(cpu, va, aligned(mem16(mem)), &hit);
    if (!host)
        return false;
    eng_host_cas16(host, expected_seen, desired);
    if (hit.code)
        eng_code_written(cpu, hit.pa, 16);
    return true;
}

/* --- 64 bytes --- */

EngDone eng_transfer64(EngVcpu *cpu, Va va, EngAccess access, uint64_t mem, uint64_t *data)
{
    enum { WORDS = 8, LOG2 = 6 };
    EngTlbHit hit;
    mem = (mem & ~UINT64_C(7)) | IR_MEM_SIZE(LOG2) | IR_MEM_ALIGN;
    if (!eng_access_hit(cpu, va, access, mem, &hit))
        return ENG_DONE_FAULT;
    if (!hit.host)
        return ENG_DONE_NOT;
    for (unsigned i = 0; data && i < WORDS; i++) {
        if (access == ENG_READ)
            data[i] = eng_host_load(hit.host + 8 * i, 3);
        else
            eng_host_store_size(hit.host + 8 * i, 3, data[i]);
    }
    if (data && access == ENG_WRITE && hit.code)
        eng_code_written(cpu, hit.pa, 8 * WORDS);
    return ENG_DONE;
}

/* --- exclusives --- */

/* Bytes of the whole access: pairs of registers are marked IR_MEM_PAIR. */
static unsigned exclusive_size(uint64_t mem)
{
    return IR_MEM_GET_SIZE(mem) + (mem & IR_MEM_PAIR ? 1 : 0);
}

/* A pair as one access of 2^size bytes. */
static uint64_t whole_access(uint64_t mem, unsigned size)
{
    return aligned((mem & ~(UINT64_C(7) | IR_MEM_PAIR)) | IR_MEM_SIZE(size));
}

static void split_pair(unsigned size, uint64_t word, uint64_t value[2])
{
    value[0] = size == 3 ? (uint32_t)word : word;
    value[1] = word >> 32;
}

static void read_watched(uint8_t *host, unsigned bytes, uint64_t seen[2])
{
    if (bytes == 16)
        eng_host_load16(host, seen);
    else
        seen[0] = eng_host_load_within(host, bytes);
}

bool eng_load_exclusive(EngVcpu *cpu, Va va, uint64_t mem, uint64_t value[2])
{
    EngTlbHit hit;
    unsigned size = exclusive_size(mem);
    uint64_t whole = whole_access(mem, size);
    uint64_t seen[2] = {0, 0};
    if (!eng_access_hit(cpu, va, ENG_READ, whole, &hit))
        return false;
    cpu->excl_size = 0;
    if (!hit.host) { /* no monitor there: the store will fail */
        bool done = size < 4 && eng_load(cpu, va, whole, &seen[0]);
        if (!done && cpu->leave == ENG_STAY)
            cpu->target->external_abort(cpu, va, ENG_READ, mem);
        if (!done)
            return false;
    } else {
        read_watched(hit.host, 1u << size, seen);
        cpu->excl_pa = hit.pa.v;
        cpu->excl_host = hit.host;
        cpu->excl_lo = seen[0];
        cpu->excl_hi = seen[1];
        cpu->excl_size = 1u << size;
    }
    value[0] = seen[0];
    value[1] = seen[1];
    if ((mem & IR_MEM_PAIR) && size < SIZE_16)
        split_pair(size, seen[0], value);
    return true;
}

bool eng_lost_exclusive(EngVcpu *cpu)
{
    uint64_t seen[2] = {0, 0};
    if (!cpu->excl_size)
        return false;
    read_watched(cpu->excl_host, cpu->excl_size, seen);
    if (seen[0] == cpu->excl_lo && seen[1] == cpu->excl_hi)
        return false;
    cpu->excl_size = 0;
    return true;
}

bool eng_store_exclusive(EngVcpu *cpu, Va va, uint64_t mem, const uint64_t value[2],
                         uint64_t *failed)
{
    EngTlbHit hit;
    unsigned size = exclusive_size(mem);
    uint64_t whole = whole_access(mem, size);
    if (!eng_access_hit(cpu, va, ENG_WRITE, whole, &hit))
        return false;
    bool armed = cpu->excl_size == 1u << size && hit.host && hit.pa.v == cpu->excl_pa;
    uint64_t seen[2] = {cpu->excl_lo, cpu->excl_hi};
    cpu->excl_size = 0;
    *failed = 1;
    if (!armed)
        return true;
    if (size == SIZE_16) {
        *failed = !eng_host_cas16(hit.host, seen, value);
    } else {
        bool pair = mem & IR_MEM_PAIR;
        uint64_t word = pair ? (uint32_t)value[0] | value[1] << 32 : value[0];
        *failed = !eng_host_cas_within(hit.host, size, seen, word);
    }
    if (hit.code && !*failed)
        eng_code_written(cpu, hit.pa, UINT64_C(1) << size);
    return true;
}
