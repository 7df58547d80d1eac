/*
 * Which instructions read and write memory, for counting them. Arm ARM, "Loads and stores" of the
 * A64 instruction set encoding. And the calls that tell of instructions.
 */
#include "pmu.h"

#include "armillary/engine.h"
#include "cpu.h"

enum { LOAD = A64_PMU_LOAD, STORE = A64_PMU_STORE, BOTH = LOAD | STORE };

static unsigned bits(uint32_t word, unsigned high, unsigned low)
{
    return word >> low & ((2u << (high - low)) - 1);
}

/* Exclusives, ordered ones, compare and swap. */
static uint32_t exclusive(uint32_t word, unsigned *status)
{
    bool o2 = bits(word, 23, 23), load = bits(word, 22, 22), o1 = bits(word, 21, 21);
    if (o1 && (o2 || !bits(word, 31, 31)))
        return BOTH; /* CAS, CASP */
    if (!o2 && !load)
        *status = bits(word, 20, 16);
    return load ? LOAD : STORE;
}

/* opc of a single register; 2 is a prefetch at the largest size. */
static uint32_t single(uint32_t word)
{
    unsigned opc = bits(word, 23, 22);
    if (bits(word, 26, 26))
        return opc & 1 ? LOAD : STORE;
    if (opc == 2 && bits(word, 31, 30) == 3)
        return 0;
    return opc ? LOAD : STORE;
}

/* Atomic memory operations, LDAPR, and the accesses of 64 bytes, which smaller sizes make RCW. */
static uint32_t atomic(uint32_t word)
{
    enum { ST64B = 9, ST64BV0 = 10, ST64BV = 11, LDAPR = 12, LD64B = 13 };
    switch (bits(word, 15, 12)) {
    case LDAPR:
    case LD64B:
        return LOAD;
    case ST64B:
    case ST64BV0:
    case ST64BV:
        return bits(word, 31, 30) == 3 ? STORE : BOTH;
    default:
        return BOTH;
    }
}

static uint32_t registers(uint32_t word)
{
    if (bits(word, 24, 24) || !bits(word, 21, 21))
        return single(word);
    if (bits(word, 11, 10) == 0)
        return atomic(word);
    return bits(word, 11, 10) == 2 ? single(word) : LOAD; /* LDRAA, LDRAB */
}

/* LDAPUR and STLUR with their pairs and SIMD&FP forms, copies and fills, 128-bit atomics. */
static uint32_t newer(uint32_t word)
{
    if (bits(word, 21, 21))
        return BOTH;
    if (bits(word, 11, 10) == 1)
        return bits(word, 23, 22) == 3 ? STORE : BOTH;
    return bits(word, 26, 26) || bits(word, 11, 10) == 2
               ? (bits(word, 22, 22) ? LOAD : STORE)
               : (bits(word, 23, 22) ? LOAD : STORE);
}

uint32_t a64_pmu_memory_of(uint32_t word, unsigned *status)
{
    *status = 32;
    if ((word & 0x0a000000) != 0x08000000)
        return 0;
    if ((word & 0xffffec00) == 0xd91f0c00)
        return A64_PMU_GCS_WRITE; /* GCSSTR, GCSSTTR */
    if ((word & 0xbe000000) == 0x0c000000 || (word & 0x3a000000) == 0x28000000)
        return bits(word, 22, 22) ? LOAD : STORE; /* structures, pairs */
    if ((word & 0x3f000000) == 0x08000000)
        return exclusive(word, status);
    if ((word & 0x3b000000) == 0x18000000) /* literal; PRFM */
        return bits(word, 31, 30) == 3 && !bits(word, 26, 26) ? 0 : LOAD;
    if ((word & 0x3b000000) == 0x19000000)
        return newer(word);
    return (word & 0x3a000000) == 0x38000000 ? registers(word) : 0;
}

enum { RAISES = IR_H_READS | IR_H_WRITES | IR_H_RAISES };

/* The instruction is done: what an overflow makes due is taken before the next one. */
static uint64_t pmu_access(void *env, uint64_t what, uint64_t failed, uint64_t c)
{
    A64Cpu *cpu = env;
    const A64Mode *mode = a64_mode_current(&cpu->eng);
    if (failed & 1)
        what &= ~(uint64_t)STORE;
    if (!cpu->pmu_counts || !a64_pmu_event_slow(cpu, (uint32_t)what))
        return 0;
    if (a64_interrupt_due(cpu) && !a64_mode_alone(mode)) {
        atomic_fetch_or_explicit(&cpu->eng.attention, ENG_ATT_IRQ, memory_order_relaxed);
        cpu->eng.pc = cpu->eng.insn_pc + 4;
        cpu->eng.leave = ENG_LEAVE_NEXT;
    }
    return 0;
}
const IrHelper a64_h_pmu_access = {"pmu_access", pmu_access, 2, RAISES};

/* Nothing is raised, but the count of instructions must be exact. The branch ends the block. */
static uint64_t pmu_branch(void *env, uint64_t what, uint64_t taken, uint64_t c)
{
    A64Cpu *cpu = env;
    if (!taken)
        what &= ~(uint64_t)A64_PMU_TAKEN;
    if (cpu->pmu_counts && a64_pmu_event_slow(cpu, (uint32_t)what) && cpu->eng.counting)
        eng_shorten_turn(&cpu->eng, 0);
    return 0;
}
const IrHelper a64_h_pmu_branch = {"pmu_branch", pmu_branch, 2, RAISES};

static uint64_t pmu_written(void *env, uint64_t what, uint64_t b, uint64_t c)
{
    a64_pmu_event(env, (uint32_t)what);
    return 0;
}
const IrHelper a64_h_pmu_written = {"pmu_written", pmu_written, 1, RAISES};
