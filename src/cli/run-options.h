/*
 * The options of `armillary run` and the machine they ask for.
 */
#pragma once

#include <glib.h>

#include "armillary/machine.h"

typedef struct {
    char *kernel, *initrd, *append, *dtb, *dump_dtb, *firmware;
    char *cpu, *smp, *memory, *clock, *seed, *max_insns, *timeout, *block_insns, *console;
    char *display, *gdb;
    char **traces, **drives;
    gboolean stats, state_hash, wait, pci;
    VmDrive drive[VM_MAX_DRIVES]; /* of drives, once there is a configuration */
    unsigned n_drives;
} CliRunOptions;

/* False: the error, or the help that was asked for, has been printed. */
bool cli_run_options_parse(int argc, char **argv, CliRunOptions *o);
/* What config points to stays o's. */
bool cli_run_options_config(CliRunOptions *o, VmConfig *config, GError **error);
void cli_run_options_free(CliRunOptions *o);
