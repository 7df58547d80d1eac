/*
 * A guest architecture of a dozen instructions for tests of the engine: flat memory at 0, one mode, hooks that count.
 * An instruction word is op << 24 | d << 20 | a << 16 | imm (16 bits, signed where it is an offset in instructions).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "armillary/engine.h"

enum { TOY_RAM = 1 << 20, TOY_DEVICE = 0x10000000 };

typedef struct {
    EngVcpu eng;
    uint64_t x[16];
    uint32_t nzcv;
    unsigned translations, polls, faults, ios;
    uint64_t io_at, mode_bits;
    bool irq;
} ToyCpu;

enum {
    TOY_ADDI,  /* x[d] = x[a] + imm */
    TOY_B,     /* pc += 4 * imm */
    TOY_CBNZ,  /* if x[a]: pc += 4 * imm */
    TOY_STR,   /* word at x[a] + imm = x[d] */
    TOY_LDR,   /* x[d] = word at x[a] + imm */
    TOY_BR,    /* pc = x[a] */
    TOY_HALT,
    TOY_EXIT,  /* to the run loop, then on */
    TOY_WRAP,  /* x[d] = instructions executed, this one included */
    TOY_STRX,  /* doubleword at x[a] + imm = x[d] */
};

#define TOY(op, d, a, imm) ((uint32_t)(op) << 24 | (d) << 20 | (a) << 16 | (uint16_t)(imm))
#define TOY_X(n) (offsetof(ToyCpu, x) + 8 * (n))

static inline uint64_t toy_halt(void *cpu, uint64_t a, uint64_t b, uint64_t c)
{
    EngVcpu *eng = cpu;
    eng->pc = eng->insn_pc + 4;
    eng->leave = ENG_LEAVE_HALT;
    return 0;
}

static inline uint64_t toy_now(void *cpu, uint64_t a, uint64_t b, uint64_t c)
{
    return eng_insns_now(cpu);
}

static const IrHelper toy_h_halt = {"halt", toy_halt, 0, IR_H_RAISES};
static const IrHelper toy_h_now = {"now", toy_now, 0, IR_H_RAISES};

static inline bool toy_insn(IrBlock *b, uint32_t w, int32_t delta)
{
    uint32_t d = w >> 20 & 15, a = w >> 16 & 15;
    int64_t imm = (int16_t)w;
    ir_emit(b, IR_INSN, IR_I64, 0, 0, 0, IR_INSN_AT(delta, w));
    IrVal x = ir_get(b, IR_I64, TOY_X(a));
    IrVal sum = ir_bin(b, IR_ADD, IR_I64, x, ir_const(b, IR_I64, (uint64_t)imm));
    switch (w >> 24) {
    case TOY_ADDI:
        ir_put(b, IR_I64, TOY_X(d), sum);
        return false;
    case TOY_B:
        ir_emit(b, IR_GOTO, IR_I64, 0, 0, 0, (uint64_t)(delta + 4 * imm));
        return true;
    case TOY_CBNZ:
        ir_emit(b, IR_GOTO_IF, IR_I64, ir_bin(b, IR_NE, IR_I64, x, ir_const(b, IR_I64, 0)), 0, 0,
                IR_TWO_WAYS(delta + 4 * imm, delta + 4));
        return true;
    case TOY_STR:
        ir_store(b, IR_I32, sum, ir_get(b, IR_I32, TOY_X(d)), IR_MEM_SIZE(2));
        return false;
    case TOY_STRX:
        ir_store(b, IR_I64, sum, ir_get(b, IR_I64, TOY_X(d)), IR_MEM_SIZE(3));
        return false;
    case TOY_LDR:
        ir_put(b, IR_I64, TOY_X(d), ir_load(b, IR_I32, sum, IR_MEM_SIZE(2)));
        return false;
    case TOY_BR:
        ir_emit(b, IR_GOTO_PTR, IR_I64, x, 0, 0, 0);
        return true;
    case TOY_WRAP:
        ir_put(b, IR_I64, TOY_X(d), ir_call(b, &toy_h_now, 0, 0, 0));
        return false;
    case TOY_EXIT:
        ir_emit(b, IR_EXIT, IR_I64, 0, 0, 0, (uint64_t)(delta + 4));
        return true;
    default:
        ir_call(b, &toy_h_halt, 0, 0, 0);
        ir_emit(b, IR_EXIT_PC, IR_I64, 0, 0, 0, 0);
        return true;
    }
}

static inline uint32_t toy_translate(IrBlock *b, const void *mode, const uint32_t *page, uint32_t offset,
                                     uint32_t max_insns)
{
    uint32_t n = 0;
    bool ended = false;
    while (!ended && n < max_insns && offset + 4 * n < ARM_PAGE_SIZE) {
        ended = toy_insn(b, page[offset / 4 + n], (int32_t)(4 * n));
        n++;
    }
    if (!ended)
        ir_emit(b, IR_GOTO, IR_I64, 0, 0, 0, 4 * n);
    ++*(unsigned *)(uintptr_t)mode;
    return 4 * n;
}

static inline const void *toy_mode(EngVcpu *cpu)
{
    return &((ToyCpu *)cpu)->translations;
}

static inline void toy_fault(EngVcpu *cpu, Va va, EngAccess access, uint64_t mem)
{
    ToyCpu *toy = (ToyCpu *)cpu;
    toy->faults++;
    if (getenv("TOY")) fprintf(stderr, "fault va %lx access %d mem %lx\n", va.v, access, mem);
    toy->x[15] = cpu->insn_pc;
    cpu->pc = 0x200; /* the handler */
    cpu->leave = ENG_LEAVE_EXCEPTION;
}

static inline bool toy_translate_va(EngVcpu *cpu, Va va, EngAccess access, uint64_t mem, EngXlat *out)
{
    if (va.v >= 0x20000000) {
        toy_fault(cpu, va, access, mem);
        return false;
    }
    *out = (EngXlat){.pa = {va.v}, .s1_bits = 12, .read = 0xff, .write = 0xff, .exec = 0xff,
                     .flags = va.v >= TOY_DEVICE ? ENG_X_DEVICE : 0};
    return true;
}

static inline bool toy_false(EngVcpu *cpu)
{
    return false;
}

static inline bool toy_land(EngVcpu *cpu, bool fits, bool keep)
{
    cpu->landing = 0;
    return true;
}

static inline unsigned toy_alignment(EngVcpu *cpu)
{
    return 0;
}

static inline bool toy_take_pending(EngVcpu *cpu)
{
    ToyCpu *toy = (ToyCpu *)cpu;
    toy->polls++;
    if (!toy->irq)
        return false;
    toy->irq = false;
    toy->x[14] = cpu->pc;
    cpu->pc = 0x100;
    return true;
}

static inline bool toy_wakes(EngVcpu *cpu)
{
    return false;
}

static inline int64_t toy_deadline(EngVcpu *cpu)
{
    return INT64_MAX;
}

static inline EngContext toy_context(EngVcpu *cpu, IrView view, EngAccess access)
{
    return (EngContext){.regime = 1, .view = view};
}

static const CpuTarget toy_target = {
    .name = "toy", .cpu_size = sizeof(ToyCpu), .translate = toy_translate, .mode = toy_mode,
    .translate_va = toy_translate_va, .alignment_fault = toy_fault, .external_abort = toy_fault,
    .land = toy_land, .alignment = toy_alignment, .take_pending = toy_take_pending, .wakes = toy_wakes,
    .next_deadline = toy_deadline, .context = toy_context,
};

typedef struct {
    Mem *mem;
    EngMachine *machine;
    ToyCpu *cpu[2];
    uint8_t *ram;
} Toy;

static inline bool toy_io_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
    ToyCpu *toy = dev;
    toy->ios++;
    toy->io_at = eng_insns_now(&toy->eng);
    *value = toy->io_at;
    return offset < 0x100;
}

static inline bool toy_io_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
    ToyCpu *toy = dev;
    toy->ios++;
    toy->io_at = eng_insns_now(&toy->eng);
    if (offset == 8) { /* raises the interrupt */
        toy->irq = true;
        eng_kick(&toy->eng, ENG_ATT_IRQ);
    }
    return offset < 0x100;
}

static const MemDeviceOps toy_io = {"toy", toy_io_read, toy_io_write};

static inline void toy_new(Toy *t, const EngConfig *config, unsigned n_cpus)
{
    *t = (Toy){.mem = mem_new()};
    mem_add_ram(t->mem, "ram", (Pa){0}, TOY_RAM, MEM_RAM);
    t->ram = mem_host(t->mem, (Pa){0}, &(MemKind){MEM_RAM});
    EngConfig c = *config;
    c.mem = t->mem;
    t->machine = eng_machine_new(&c);
    for (unsigned i = 0; i < n_cpus; i++) {
        t->cpu[i] = aligned_alloc(64, (sizeof(ToyCpu) + 63) & ~(size_t)63);
        memset(t->cpu[i], 0, sizeof(ToyCpu));
        eng_vcpu_init(t->machine, &t->cpu[i]->eng, &toy_target);
    }
    mem_add_device(t->mem, (Pa){TOY_DEVICE}, 0x1000, &toy_io, t->cpu[0]);
}

static inline void toy_free(Toy *t)
{
    for (unsigned i = 0; i < 2; i++) {
        if (t->cpu[i])
            eng_vcpu_fini(&t->cpu[i]->eng);
        free(t->cpu[i]);
    }
    eng_machine_free(t->machine);
    mem_free(t->mem);
}

static inline void toy_code(Toy *t, uint64_t at, const uint32_t *words, size_t n)
{
    memcpy(t->ram + at, words, n * 4);
}
