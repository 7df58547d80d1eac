/*
 * Speed of the engine alone: runs a flat A64 program at 0x40000000 with the MMU off until its first WFI.
 *
 * usage: engine-bench PROGRAM.bin [X0 [BLOCK-INSNS]]      (built by `ninja tests/bench/engine-bench`; not a test)
 * The program is what `aarch64-linux-gnu-objcopy -O binary` makes of code linked at 0x40000000.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../src/engine/code.h"
#include "../../src/interp/interp.h"
#include "cpu.h"

static bool activate(void *gic, uint32_t cpu, uint32_t intid)
{
    return false;
}

static void deactivate(void *gic, uint32_t cpu, uint32_t intid)
{
}

static void send_sgi(void *gic, uint32_t cpu, uint64_t value, unsigned group)
{
}

static void upstream(void *gic, uint32_t cpu, bool group0, bool group1)
{
}

static void set_ppi(void *gic, uint32_t cpu, uint32_t intid, bool level)
{
}

static bool load(Mem *mem, const char *path)
{
    static char program[1 << 24];
    FILE *f = fopen(path, "rb");
    size_t n = f ? fread(program, 1, sizeof program, f) : 0;
    if (f)
        fclose(f);
    return n > 0 && mem_copy_to(mem, (Pa){0x40000000}, program, n);
}

int main(int argc, char **argv)
{
    static const ArmGicPort gic = {activate, deactivate, send_sgi, upstream, set_ppi};
    Mem *mem = mem_new();
    mem_add_ram(mem, "ram", (Pa){0x40000000}, 256u << 20, MEM_RAM);
    if (argc < 2 || !load(mem, argv[1])) {
        fprintf(stderr, "usage: engine-bench PROGRAM.bin [X0 [BLOCK-INSNS]]\n");
        return 2;
    }
    EngConfig config = {.mem = mem, .clock = ev_clock_new(false)};
    config.max_block_insns = argc > 3 ? (uint32_t)atoi(argv[3]) : 0;
    EngMachine *machine = eng_machine_new(&config);
    A64Ports ports = {.mem = mem, .clock = config.clock, .bus = ev_bus_new(), .gic = &gic};
    A64Cpu *cpu = a64_cpu_new(machine, a64_model_new("max", NULL), &ports);
    a64_cpu_start(cpu, 0x40000000, argc > 2 ? strtoull(argv[2], NULL, 0) : 0);
    int64_t start = ev_host_cpu_ns();
    while (eng_run(&cpu->eng) != ENG_RAN_HALT) {
    }
    double seconds = (double)(ev_host_cpu_ns() - start) * 1e-9;
    const EngBlocksStats *s = eng_blocks_stats(&cpu->eng);
    printf("%" PRIu64 " instructions, %.3f s, %.1f MIPS (%s); x0 0x%" PRIx64 "\n", cpu->eng.insns, seconds,
           (double)cpu->eng.insns * 1e-6 / seconds, interp_is_threaded() ? "tail calls" : "trampoline", cpu->st.x[0]);
    printf("translated %" PRIu64 " instructions in %" PRIu64 " blocks, %.1f bytes each\n", s->insns, s->translated,
           (double)s->bytes / (double)s->insns);
    return 0;
}
