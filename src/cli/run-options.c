/*
 * The options of `armillary run`.
 */
#include "run-options.h"

#include <string.h>
#include <sys/random.h>

#include "cli.h"

bool cli_run_options_parse(int argc, char **argv, CliRunOptions *o)
{
    const GOptionEntry entries[] = {
        { "kernel", 'k', 0, G_OPTION_ARG_FILENAME, &o->kernel,
          "arm64 Image (plain or packed) or ELF", "FILE" },
        { "initrd", 'i', 0, G_OPTION_ARG_FILENAME, &o->initrd, "initial ramdisk", "FILE" },
        { "append", 'a', 0, G_OPTION_ARG_STRING, &o->append, "kernel command line", "TEXT" },
        { "dtb", 0, 0, G_OPTION_ARG_FILENAME, &o->dtb,
          "device tree instead of the board's own", "FILE" },
        { "dump-dtb", 0, 0, G_OPTION_ARG_FILENAME, &o->dump_dtb,
          "write the device tree and exit", "FILE" },
        { "firmware", 0, 0, G_OPTION_ARG_FILENAME, &o->firmware, "image for the flash at 0",
          "FILE" },
        { "cpu", 0, 0, G_OPTION_ARG_STRING, &o->cpu, "CPU model (see armillary info cpu)",
          "NAME,FEAT=on|off,..." },
        { "smp", 's', 0, G_OPTION_ARG_STRING, &o->smp, "number of vCPUs (1)", "N" },
        { "memory", 'm', 0, G_OPTION_ARG_STRING, &o->memory, "size of RAM (1G)", "SIZE" },
        { "display", 0, 0, G_OPTION_ARG_STRING, &o->display,
          "sdl: show the console in a window too", "none|sdl" },
        { "clock", 0, 0, G_OPTION_ARG_STRING, &o->clock,
          "host (default), or virtual: the same run every time",
          "host|virtual" },
        { "seed", 0, 0, G_OPTION_ARG_STRING, &o->seed, "seed of all randomness", "N" },
        { "console", 0, 0, G_OPTION_ARG_STRING, &o->console,
          "where typing goes: ttyAMA0 (default) or hvc0", "uart|virtio" },
        { "drive", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o->drives,
          "a raw disk; also readonly=on, snapshot=on", "file=FILE,..." },
        { "pci", 0, 0, G_OPTION_ARG_NONE, &o->pci,
          "virtio devices are behind a PCIe host, with MSI-X", NULL },
        { "trace", 't', 0, G_OPTION_ARG_STRING_ARRAY, &o->traces,
          "write events (see armillary info events)", "EVENT,...[:FILE]" },
        { "gdb", 0, 0, G_OPTION_ARG_STRING, &o->gdb, "let gdb debug the machine",
          "tcp:PORT|unix:PATH" },
        { "wait", 0, 0, G_OPTION_ARG_NONE, &o->wait, "start when gdb has come and says so", NULL },
        { "stats", 0, 0, G_OPTION_ARG_NONE, &o->stats, "print figures at exit", NULL },
        { "state-hash", 0, 0, G_OPTION_ARG_NONE, &o->state_hash, "print the state's hash at exit",
          NULL },
        { "max-insns", 0, 0, G_OPTION_ARG_STRING, &o->max_insns, "stop after N instructions",
          "N" },
        { "block-insns", 0, 0, G_OPTION_ARG_STRING, &o->block_insns,
          "at most N instructions per block (for tests)", "N" },
        { "timeout", 0, 0, G_OPTION_ARG_STRING, &o->timeout, "stop after that much time",
          "SECONDS" },
        { .long_name = NULL }
    };
    return cli_parse(&argc, &argv, entries,
                     "run a machine on this terminal (Ctrl-A h: keys)");
}

static bool parse_clock(const CliRunOptions *o, VmConfig *config, GError **error)
{
    const char *clock = o->clock ? o->clock : "host";
    config->virtual_clock = strcmp(clock, "virtual") == 0;
    if (!config->virtual_clock && strcmp(clock, "host") != 0) {
        g_set_error(error, VM_ERROR, VM_ERROR_CONFIG, "--clock %s: it is host or virtual", clock);
        return false;
    }
    return true;
}

static bool parse_console(const CliRunOptions *o, VmConfig *config, GError **error)
{
    const char *console = o->console ? o->console : "uart";
    config->virtio_console = strcmp(console, "virtio") == 0;
    if (!config->virtio_console && strcmp(console, "uart") != 0) {
        g_set_error(error, VM_ERROR, VM_ERROR_CONFIG, "--console %s: it is uart or virtio",
                    console);
        return false;
    }
    return true;
}

static bool parse_drives(CliRunOptions *o, GError **error)
{
    for (char **d = o->drives; d && *d; d++) {
        if (o->n_drives == VM_MAX_DRIVES) {
            g_set_error(error, VM_ERROR, VM_ERROR_CONFIG, "more than %d --drive", VM_MAX_DRIVES);
            return false;
        }
        if (!cli_parse_drive(*d, &o->drive[o->n_drives++], error)) {
            return false;
        }
    }
    return true;
}

static bool parse_seed(const CliRunOptions *o, VmConfig *config, GError **error)
{
    if (o->seed) {
        return cli_parse_number("--seed", o->seed, &config->seed, error);
    }
    if (!config->virtual_clock) {
        const ssize_t n = getrandom(&config->seed, sizeof config->seed, GRND_NONBLOCK);
        (void)n; /* without entropy the fixed seed has to do */
    }
    return true;
}

bool cli_run_options_config(CliRunOptions *o, VmConfig *config, GError **error)
{
    uint64_t cpus = 1, block_insns = 0;
    *config = (VmConfig){ .cpu = o->cpu, .memory = UINT64_C(1) << 30, .seed = 1, .pci = o->pci };
    if (!parse_clock(o, config, error) || !parse_console(o, config, error) ||
        (o->smp && !cli_parse_number("--smp", o->smp, &cpus, error)) ||
        (o->memory && !cli_parse_size(o->memory, &config->memory, error)) ||
        (o->block_insns &&
         !cli_parse_number("--block-insns", o->block_insns, &block_insns, error)) ||
        (o->max_insns &&
         !cli_parse_number("--max-insns", o->max_insns, &config->max_insns, error)) ||
        !parse_drives(o, error)) {
        return false;
    }
    config->cpus = (unsigned)MIN(cpus, UINT32_MAX);
    config->max_block_insns = (uint32_t)MIN(block_insns, UINT32_MAX);
    config->drives = o->drive;
    config->n_drives = o->n_drives;
    return parse_seed(o, config, error);
}

void cli_run_options_free(CliRunOptions *o)
{
    char *const strings[] = { o->kernel, o->initrd, o->append, o->dtb, o->dump_dtb, o->firmware,
                              o->cpu, o->smp, o->memory, o->clock, o->seed, o->max_insns,
                              o->timeout, o->block_insns, o->console, o->display, o->gdb };
    for (size_t i = 0; i < G_N_ELEMENTS(strings); i++) {
        g_free(strings[i]);
    }
    g_strfreev(o->traces);
    g_strfreev(o->drives);
    for (unsigned i = 0; i < o->n_drives; i++) {
        g_free((char *)o->drive[i].file);
    }
}
