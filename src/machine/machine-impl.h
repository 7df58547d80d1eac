/* What a machine is made of: private to src/machine. */
#pragma once

#include <pthread.h>

#include "armillary/device.h"
#include "armillary/engine.h"
#include "armillary/machine.h"
#include "armillary/random.h"
#include "cpu.h"
#include "gic/gic-its.h"
#include "load.h"
#include "loop.h"
#include "psci.h"
#include "virtio/virtio-pci.h"

enum { VM_MAX_VIRTIO = VM_MAX_DRIVES + 2, VM_MAX_DEVICES = 3 + VM_MAX_VIRTIO };

typedef struct {
    VmMachine *machine;
    A64Cpu *cpu;
    unsigned index;
    pthread_t thread;
    bool asleep; /* virtual clock: halted, waits for attention; saved */
} VmCpu;

struct VmMachine {
    VmConfig config;  /* config.cpu is m's own copy */
    VmImages images;  /* m's own copies */
    Mem *mem;
    EvClock *clock;
    EvBus *bus;
    A64Model *model;
    EngMachine *engine;
    Gic *gic;
    GicIts *its;
    PciHost *pci; /* NULL: none */
    VirtioPci *pci_functions[VM_MAX_VIRTIO];
    unsigned n_pci;
    HwDevice *uart, *rtc, *gpio;
    HwDevice *devices[VM_MAX_DEVICES]; /* all of them, in order of their chunks */
    unsigned n_devices, n_virtio;
    VirtioDevice *disks[VM_MAX_DRIVES];
    VirtioDevice *entropy;
    VirtioDevice *hvc;     /* NULL: no virtio console */
    HwDevice *hvc_device;
    HwCharPort hvc_port;
    EvAlarm *hvc_ready; /* tells the console that hvc takes input */
    bool hvc_settled;   /* its driver has been there for a while */
    HwCharPort console;    /* the UART's wiring */
    EvAlarm *key_release;  /* lets go of the power button */
    int64_t key_release_ns; /* INT64_MAX: it is not pressed */
    A64Ports ports;
    VmFirmware firmware;
    BaseRandom random;     /* seeds of the device tree; virtio-rng (device lock) */
    VmCpu *cpus;
    VmLoaded loaded;
    VmLoop loop;
    /* run loops */
    _Atomic(int) stop;            /* VmStop; first cause wins */
    _Atomic(int) break_cpu;       /* that stood at a breakpoint, -1: none */
    uint16_t *inspected;          /* rows of a64_sysregs that a debugger sees (debug.c) */
    unsigned n_inspected;
    pthread_mutex_t power_lock;   /* with power_changed: vCPU threads that are off wait; a leaf */
    pthread_cond_t power_changed;
    VmCpu *running;               /* virtual clock: whose turn it is, else NULL */
    uint64_t turn_start;          /* insns of `running` when its turn began */
    unsigned next_turn;           /* virtual clock: index of the next vCPU; saved */
    _Atomic(uint64_t) host_insns; /* host clock with max_insns: executed in finished slices */
};

/* Records why the machine stops and makes the run loop notice. Any thread, signal handlers too. */
void vm_stop_for(VmMachine *m, VmStop why);
/* c stands at a breakpoint. */
void vm_break_at(VmCpu *c);
/* The machine goes on, over the breakpoint that was reported. */
void vm_breaks_resume(VmMachine *m);
/* If a CPU_ON of c is pending, starts it. On the thread that runs c. */
void vm_start_if_pending(VmCpu *c);

/* The two run loops. */
void vm_run_host(VmMachine *m);
void vm_run_virtual(VmMachine *m);
/* Virtual clock: one turn of c, at most n instructions; returns those executed. */
uint64_t vm_turn(VmCpu *c, uint64_t n);
/* EvElapsedFn, EvSoonerFn of the virtual clock; ctx is the VmMachine. */
int64_t vm_turn_elapsed(void *ctx);
void vm_turn_shorten(void *ctx, int64_t ns);
