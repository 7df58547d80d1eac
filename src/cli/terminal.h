/* The terminal as the guest's serial console. */
#pragma once

#include "armillary/machine.h"

typedef struct CliTerminal CliTerminal;

/* What a key of the terminal asks of the program; called on vm_run's thread. */
typedef enum { CLI_KEY_QUIT, CLI_KEY_POWER } CliKey;
typedef struct {
    void (*key)(void *ctx, CliKey key);
    void *ctx;
} CliTerminalOwner;

/*
 * Connects standard input and output to the machine's console. A terminal is put into raw mode, and
 * is put back by cli_terminal_free or, should the process die, by a small guard process.
 * Call before any thread is started; free before the machine.
 */
CliTerminal *cli_terminal_new(VmMachine *m, CliTerminalOwner owner);
void cli_terminal_free(CliTerminal *t);

/* Hands the console's output to fn as well (device lock held). Before vm_run. */
typedef void (*CliTeeFn)(void *ctx, const uint8_t *bytes, size_t n);
void cli_terminal_tee(CliTerminal *t, CliTeeFn fn, void *ctx);
