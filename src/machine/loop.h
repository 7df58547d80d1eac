/* Waiting for files, wake-ups and time: the main thread's half of a run. */
#pragma once

#include "armillary/machine.h"

enum { VM_MAX_WATCHES = 16 };

typedef struct {
    int fd; /* -1: fn runs whenever the watch is resumed */
    VmWatchFn fn;
    void *ctx;
    _Atomic(bool) armed;
} VmWatch;

typedef struct {
    int wake_fd; /* eventfd */
    unsigned n_watches;
    VmWatch watches[VM_MAX_WATCHES];
} VmLoop;

bool vm_loop_init(VmLoop *l, GError **error);
void vm_loop_fini(VmLoop *l);
/* Ends a wait. Any thread, signal handlers too. */
void vm_loop_wake(VmLoop *l);
/* Waits at most timeout_ns (negative: for ever) and calls what is ready. */
void vm_loop_wait(VmLoop *l, int64_t timeout_ns);
/* Is there a watch that could still bring something? */
bool vm_loop_listens(const VmLoop *l);
