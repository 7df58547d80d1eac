/* What the command line's files share. */
#pragma once

#include <glib.h>

#include "armillary/machine.h"

/* Exit statuses of `armillary run`. */
enum {
    CLI_OK = 0,        /* the guest powered off */
    CLI_FAILED = 1,    /* a file, the host: the message says what */
    CLI_USAGE = 2,     /* the command line */
    CLI_RESET = 3,     /* the guest asked for a reset */
    CLI_MAX_INSNS = 4, /* --max-insns reached */
    CLI_TIMEOUT = 5,   /* --timeout reached */
    CLI_IDLE = 6,      /* virtual clock: nothing can ever wake the guest */
    CLI_QUIT = 7,      /* Ctrl-A x */
    CLI_SIGNAL = 128   /* + number */
};

/* The verbs: argv[0] is the verb. Return the exit status. */
int cli_run(int argc, char **argv);
int cli_info(int argc, char **argv);
int cli_demo(int argc, char **argv);

/* Prints "armillary: MESSAGE" to standard error; returns CLI_FAILED or, for usage, CLI_USAGE. */
int cli_fail(const GError *error);

/*
 * Parses options into their variables. On failure prints a message (with the nearest option when
 * one is unknown) and returns false; arguments that are left over are a failure too.
 */
bool cli_parse(int *argc, char ***argv, const GOptionEntry *entries, const char *summary);

/* "512M", "2G", a plain number of MiB. False and *error when it is no size. */
bool cli_parse_size(const char *text, uint64_t *bytes, GError **error);
/* An unsigned number, decimal or 0x. what: the option, for the message. */
bool cli_parse_number(const char *what, const char *text, uint64_t *value, GError **error);
/* "file=F[,readonly=on|off][,snapshot=on|off]"; drive->file is the caller's to free, also after a
 * failure. */
bool cli_parse_drive(const char *text, VmDrive *drive, GError **error);
