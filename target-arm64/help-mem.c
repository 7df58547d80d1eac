/*
 * Exclusive accesses, CASP, and barriers that have to do more than order memory.
 */
#include "helpers.h"

#include "armillary/engine.h"
#include "state.h"

static uint64_t read_x(A64Cpu *cpu, unsigned n, uint64_t mem)
{
    uint64_t v = n == 31 ? 0 : cpu->st.x[n];
    unsigned bits = 8u << IR_MEM_GET_SIZE(mem);
    return bits == 64 ? v : v & ((UINT64_C(1) << bits) - 1);
}

static void write_x(A64Cpu *cpu, unsigned n, uint64_t v)
{
    if (n != 31) {
        cpu->st.x[n] = v;
    }
}

static unsigned reg_rs(uint64_t regs)
{
    return regs & 31;
}

static unsigned reg_rt(uint64_t regs)
{
    return regs >> 8 & 31;
}

static unsigned reg_rt2(uint64_t regs)
{
    return regs >> 16 & 31;
}

static uint64_t load_exclusive(void *opaque, uint64_t va, uint64_t mem, uint64_t regs)
{
    A64Cpu *cpu = a64_cpu(opaque);
    uint64_t value[2];

    if (eng_load_exclusive(&cpu->eng, (Va){va}, mem, value)) {
        write_x(cpu, reg_rt(regs), value[0]);
        if (mem & IR_MEM_PAIR) {
            write_x(cpu, reg_rt2(regs), value[1]);
        }
    }
    return 0;
}

static uint64_t store_exclusive(void *opaque, uint64_t va, uint64_t mem, uint64_t regs)
{
    A64Cpu *cpu = a64_cpu(opaque);
    uint64_t failed;
    const uint64_t value[2] = {read_x(cpu, reg_rt(regs), mem),
                               mem & IR_MEM_PAIR ? read_x(cpu, reg_rt2(regs), mem) : 0};

    if (eng_store_exclusive(&cpu->eng, (Va){va}, mem, value, &failed)) {
        write_x(cpu, reg_rs(regs), failed);
    }
    return 0;
}

static uint64_t casp(void *opaque, uint64_t va, uint64_t mem, uint64_t regs)
{
    A64Cpu *cpu = a64_cpu(opaque);
    unsigned rs = reg_rs(regs), rt = reg_rt(regs);
    uint64_t seen[2] = {read_x(cpu, rs, mem), read_x(cpu, rs + 1, mem)};
    const uint64_t desired[2] = {read_x(cpu, rt, mem), read_x(cpu, rt + 1, mem)};

    if (eng_cas16(&cpu->eng, (Va){va}, mem, seen, desired)) {
        write_x(cpu, rs, seen[0]);
        write_x(cpu, rs + 1, seen[1]);
    }
    return 0;
}

static uint64_t combine128(unsigned op, uint64_t old, uint64_t operand)
{
    switch (op) {
    case A64_H_ATOMIC128_CLR:
        return old & ~operand;
    case A64_H_ATOMIC128_SET:
        return old | operand;
    default:
        return operand;
    }
}

/* The first exchange finds out what is there: it stores zero where zero is. */
static uint64_t atomic128(void *opaque, uint64_t va, uint64_t mem, uint64_t regs)
{
    A64Cpu *cpu = a64_cpu(opaque);
    unsigned op = reg_rs(regs), rt = reg_rt(regs), rt2 = reg_rt2(regs);
    const uint64_t operand[2] = {cpu->st.x[rt], cpu->st.x[rt2]};
    uint64_t seen[2] = {0, 0}, guess[2], desired[2] = {0, 0};

    if (!eng_cas16(&cpu->eng, (Va){va}, mem, seen, desired)) {
        return 0;
    }
    do {
        for (unsigned i = 0; i < 2; i++) {
            guess[i] = seen[i];
            desired[i] = combine128(op, seen[i], operand[i]);
        }
        if (!eng_cas16(&cpu->eng, (Va){va}, mem, seen, desired)) {
            return 0;
        }
    } while (seen[0] != guess[0] || seen[1] != guess[1]);
    write_x(cpu, rt, seen[0]);
    write_x(cpu, rt2, seen[1]);
    return 0;
}

static uint64_t dsb(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    eng_dsb(&a64_cpu(opaque)->eng);
    return 0;
}

enum { TOUCHES = IR_H_READS | IR_H_WRITES | IR_H_RAISES };

const IrHelper a64_h_load_exclusive = {"load_exclusive", load_exclusive, 3, TOUCHES};
const IrHelper a64_h_store_exclusive = {"store_exclusive", store_exclusive, 3, TOUCHES};
const IrHelper a64_h_casp = {"casp", casp, 3, TOUCHES};
const IrHelper a64_h_atomic128 = {"atomic128", atomic128, 3, TOUCHES};
const IrHelper a64_h_dsb = {"dsb", dsb, 0, TOUCHES};
