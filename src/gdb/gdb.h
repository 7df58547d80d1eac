/*
 * A server of gdb's remote protocol for one machine. GDB manual, "GDB Remote Serial Protocol".
 * The machine stops as a whole; vCPU n is thread p1.(n+1).
 */
#pragma once

#include "armillary/debug.h"

typedef struct GdbServer GdbServer;

/* Listens at "tcp:PORT" (this host only) or "unix:PATH". NULL and *error when it cannot. */
GdbServer *gdb_new(VmMachine *m, const char *address, GError **error);
void gdb_free(GdbServer *g);
/* Instead of vm_run: runs the machine as the client says; with `wait` not before one has come. */
VmStop gdb_run(GdbServer *g, bool wait);
