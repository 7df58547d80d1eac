/*
 * The library: a machine, from configuration to results. Configure, load, run, look.
 * A machine belongs to one thread; calls marked "any thread" are the exceptions. Nothing is global:
 * any number of machines may live in one process.
 */
#pragma once

#include <glib.h>

#include "armillary/chardev.h"
#include "armillary/event.h"

typedef struct VmMachine VmMachine;

#define VM_ERROR vm_error_quark()
GQuark vm_error_quark(void);
typedef enum {
    VM_ERROR_CONFIG, /* what was asked for cannot be */
    VM_ERROR_FILE,   /* a file cannot be read or written */
    VM_ERROR_IMAGE,  /* a file is not what it should be */
    VM_ERROR_HOST,   /* the host refused (memory, threads) */
} VmErrorCode;

/* A disk, seen by the guest as virtio-blk; the first given is the first the guest finds. */
typedef struct {
    const char *file; /* raw image or block device */
    bool readonly;
    bool snapshot;    /* changes are kept aside and forgotten at the end */
} VmDrive;
enum { VM_MAX_DRIVES = 16 };

typedef struct {
    const char *cpu;     /* "NAME[,feature=on|off]..."; NULL: the default model */
    unsigned cpus;       /* 1..512 */
    uint64_t memory;     /* bytes of RAM, multiple of 2 MiB */
    bool virtual_clock;  /* guest time = instructions executed, one thread, same run every time */
    uint64_t seed;       /* of every random number the guest can see */
    uint32_t max_block_insns; /* 0: the engine's own; 1: one-instruction blocks (tests) */
    uint64_t max_insns;  /* stop once the vCPUs together have executed so many; 0: no limit */
    const VmDrive *drives;
    unsigned n_drives;
    bool virtio_console; /* a virtio console (hvc0) beside the UART: it gets the input */
    bool pci;            /* virtio devices are behind a PCIe host, with MSI-X */
} VmConfig;

/* Paths; NULL: none. */
typedef struct {
    const char *kernel;   /* arm64 Image (also gzip, zstd, EFI zboot) or ELF */
    const char *initrd;
    const char *append;   /* the kernel's command line, not a path */
    const char *dtb;      /* instead of the board's own; /chosen is completed */
    const char *firmware; /* into flash at 0 */
    bool tree_only;       /* no kernel or firmware is fine: only vm_dtb is wanted */
} VmImages;

/* Why a run ended. */
typedef enum {
    VM_STOP_NONE,
    VM_STOP_POWEROFF,  /* the guest powered the machine off */
    VM_STOP_RESET,     /* the guest asked for a reset */
    VM_STOP_REQUEST,   /* vm_stop */
    VM_STOP_MAX_INSNS, /* VmConfig.max_insns */
    VM_STOP_IDLE,      /* virtual clock: every vCPU sleeps and nothing can wake one */
    VM_STOP_DEBUG,     /* a breakpoint, or vm_debug_stop (debug.h) */
} VmStop;

/* NULL and *error when the configuration makes no machine. */
VmMachine *vm_new(const VmConfig *config, GError **error);
void vm_free(VmMachine *m);

/* Places the images in memory and the first vCPU at their entry. The strings are copied. */
bool vm_load(VmMachine *m, const VmImages *images, GError **error);
/* The device tree the guest gets, after vm_load. Borrowed. */
GBytes *vm_dtb(VmMachine *m);

/* Runs until something stops the machine. May be called again (pause and go on). */
VmStop vm_run(VmMachine *m);
/* Changes VmConfig.max_insns. Not while running. */
void vm_set_max_insns(VmMachine *m, uint64_t max_insns);
/* Virtual clock: runs vCPU `cpu` for at most n instructions; returns how many it executed. */
uint64_t vm_step(VmMachine *m, unsigned cpu, uint64_t n);
/* Makes vm_run return, or the next one at once. Any thread; may be called from a signal handler. */
void vm_stop(VmMachine *m);
/* Power-on state again, images loaded anew. Not while running. */
bool vm_reset(VmMachine *m, GError **error);
/* Presses the power button. Any thread but a vCPU's. */
void vm_power_key(VmMachine *m);

/* The serial console. Output callback: any thread, device lock held. Before vm_run. */
void vm_console_connect(VmMachine *m, const HwCharPort *port);
/* Sends input; returns how many bytes were taken (the rest when input_ready is called). */
size_t vm_console_input(VmMachine *m, const uint8_t *bytes, size_t n);
void vm_console_break(VmMachine *m);
/* Around what an output callback shares with another thread: nothing is output meanwhile. */
void vm_console_lock(VmMachine *m);
void vm_console_unlock(VmMachine *m);

/*
 * Has fn called from vm_run's thread when fd is readable (or at its end). Re-armed by each
 * vm_watch_resume, which any thread may call; fn runs once per arming.
 */
typedef void (*VmWatchFn)(void *ctx);
unsigned vm_watch_fd(VmMachine *m, int fd, VmWatchFn fn, void *ctx);
void vm_watch_resume(VmMachine *m, unsigned watch);

/* The event bus: subscribe before vm_run. */
EvBus *vm_bus(VmMachine *m);

/* State. */
unsigned vm_cpus(const VmMachine *m);
uint64_t vm_insns(const VmMachine *m); /* executed by all vCPUs; not while running */
int64_t vm_guest_ns(VmMachine *m);
/* Sums over the vCPUs; not while running. */
typedef struct {
    uint64_t insns;
    uint64_t blocks, block_insns, blocks_dropped; /* translated; instructions in them; dropped */
    uint64_t tlb_misses, tlb_hits, tlb_walks;     /* of the first level; found in the second */
    uint64_t tlb_flushes, context_switches, mails;
} VmStats;
void vm_stats(const VmMachine *m, VmStats *out);
/* SHA-256 over the ordered state chunks, as hex. Free with g_free. Not while running. */
char *vm_state_hash(VmMachine *m);
/* All state as one blob, and back into a machine of the same configuration. Not while running.
 * After a restore that failed the machine is good for vm_reset, vm_restore and vm_free only. */
GBytes *vm_save(VmMachine *m);
bool vm_restore(VmMachine *m, GBytes *state, GError **error);
