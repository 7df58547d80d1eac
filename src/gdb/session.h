/* What one client has been told and wants: between server.c, which moves bytes, and commands.c. */
#pragma once

#include "armillary/debug.h"
#include "packet.h"

typedef enum { GDB_STAND, GDB_GO, GDB_STEP } GdbWish;

/* Whose a breakpoint is (EngBreak.owner). */
enum { GDB_OWNER_SOFT = 1, GDB_OWNER_HARD = 2, GDB_OWNER_MONITOR = 4,
       GDB_OWNER_WATCH = 8, GDB_OWNER_RWATCH = 16, GDB_OWNER_AWATCH = 32 };

typedef struct {
    VmMachine *machine;
    unsigned general, resume; /* vCPUs of the H packets */
    unsigned step;            /* GDB_STEP: which */
    GdbWish wish;
    bool no_ack, swbreak, hwbreak, detached, killed;
    unsigned listed;          /* threads given to qfThreadInfo so far */
    GString *features;        /* target.xml, once made */
    /* breakpoints that gdb took out since the machine last ran, with their places: it takes all out
     * when the machine stops and puts them in again when it goes on, wherever it stands then */
    unsigned n_out;
    EngBreak out[ENG_MAX_BREAKS];
    unsigned n_out_data;
    EngWatch out_data[ENG_MAX_WATCHES];
} GdbSession;

/* Carries out the command in `packet`; the answer into `reply`. False: there is none (yet). */
bool gdb_command(GdbSession *s, const GString *packet, GString *reply);
/* Why the machine has stopped, as a stop reply. */
void gdb_stop_reply(GdbSession *s, unsigned signal, int break_cpu, GString *reply);

/* Packets of breakpoints (breaks.c), behind the first letter. */
void gdb_break_packet(GdbSession *s, bool set, const char *at, GString *reply);
/* What of a stop reply tells which kind of breakpoint the machine stands at, appended. */
void gdb_break_reason(const GdbSession *s, GString *reply);
/* A line for the user when it is one that gdb does not know; false: it does. */
bool gdb_break_note(const GdbSession *s, GString *line);
/* qRcmd: what the user typed behind `monitor`; the answer as text (monitor.c). */
void gdb_monitor(GdbSession *s, const char *line, GString *out);
/* A breakpoint of `monitor`, in a line. */
void gdb_monitor_describe(const EngBreak *b, GString *out);

/* Registers by gdb's numbers (registers.c). */
unsigned gdb_register_count(VmMachine *m);
/* False: there is no such register (append), it cannot hold the value (write). */
bool gdb_register_append(VmMachine *m, unsigned cpu, unsigned n, GString *out);
bool gdb_register_write(VmMachine *m, unsigned cpu, unsigned n, const char **hex);
/* Registers of the g and G packets: the core and FP ones. */
enum { GDB_CORE_REGS = 68 };
/* The target description. */
GString *gdb_features(VmMachine *m);
