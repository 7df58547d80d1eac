/* What one client has been told and wants: between server.c, which moves bytes, and commands.c. */
#pragma once

#include "armillary/debug.h"
#include "packet.h"

typedef enum { GDB_STAND, GDB_GO, GDB_STEP } GdbWish;

typedef struct {
    VmMachine *machine;
    unsigned general, resume; /* vCPUs of the H packets */
    unsigned step;            /* GDB_STEP: which */
    GdbWish wish;
    bool no_ack, swbreak, detached, killed;
    unsigned listed;          /* threads given to qfThreadInfo so far */
    GString *features;        /* target.xml, once made */
} GdbSession;

/* Carries out the command in `packet`; the answer into `reply`. False: there is none (yet). */
bool gdb_command(GdbSession *s, const GString *packet, GString *reply);
/* Why the machine has stopped, as a stop reply. */
void gdb_stop_reply(GdbSession *s, unsigned signal, int break_cpu, GString *reply);

/* Registers by gdb's numbers (registers.c). */
unsigned gdb_register_count(VmMachine *m);
/* False: there is no such register (append), it cannot hold the value (write). */
bool gdb_register_append(VmMachine *m, unsigned cpu, unsigned n, GString *out);
bool gdb_register_write(VmMachine *m, unsigned cpu, unsigned n, const char **hex);
/* Registers of the g and G packets: the core and FP ones. */
enum { GDB_CORE_REGS = 68 };
/* The target description. */
GString *gdb_features(VmMachine *m);
