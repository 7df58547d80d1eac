/* Firmware: PSCI, SMCCC and TRNG calls, and the power state of the vCPUs. */
#pragma once

#include <pthread.h>

#include "armillary/machine.h"
#include "armillary/memory.h"
#include "armillary/port.h"
#include "armillary/random.h"

/* Values are those AFFINITY_INFO returns. */
typedef enum { VM_POWER_ON, VM_POWER_OFF, VM_POWER_PENDING } VmPower;

/* Power state of one vCPU; saved. */
typedef struct {
    uint64_t entry, context; /* of the CPU_ON that is pending */
    uint32_t power;          /* VmPower */
    uint32_t reserved;
} VmPowerState;

typedef struct {
    /* All but random are set by the owner before use. Callbacks: the caller's thread, no lock. */
    Mem *mem;
    EvBus *bus;
    unsigned cpus;
    void (*started)(void *ctx, unsigned cpu);      /* a CPU_ON of cpu is pending now */
    void (*powered_off)(void *ctx, unsigned cpu);  /* cpu called CPU_OFF: it must not go on */
    void (*system)(void *ctx, unsigned cpu, VmStop what);
    void *ctx;
    pthread_mutex_t lock; /* guards what follows; a leaf */
    VmPowerState *state;  /* [cpus] */
    BaseRandom random;
} VmFirmware;

/* Everything off. fini frees what init made. */
void vm_firmware_init(VmFirmware *f, unsigned cpus, uint64_t seed);
void vm_firmware_fini(VmFirmware *f);
void vm_firmware_reset(VmFirmware *f);

/* The call port (ArmFirmwarePort.call); firmware = VmFirmware. */
void vm_firmware_call(void *firmware, uint32_t cpu, uint64_t x[18]);

/* Starts a vCPU as CPU_ON does; a PSCI status. */
int vm_firmware_cpu_on(VmFirmware *f, unsigned cpu, uint64_t entry, uint64_t context);
/* If a start is pending: takes it (the vCPU is on from here) and returns true. */
bool vm_firmware_take_start(VmFirmware *f, unsigned cpu, uint64_t *entry, uint64_t *context);
VmPower vm_firmware_power(VmFirmware *f, unsigned cpu);
