/*
 * The firmware that EL3 would be: it answers SMC (HVC on a machine without EL2).
 * Arm "Power State Coordination Interface" (DEN0022) 1.1; "SMC Calling Convention" (DEN0028) 1.2;
 * "True Random Number Generator Firmware Interface" (DEN0098) 1.0.
 *
 * DIFFERS: EL3 itself is not modelled; CPU_SUSPEND of any depth is a standby that ends at once,
 * which PSCI allows.
 */
#include "psci.h"

#include <string.h>

#include "board.h"

enum {
    PSCI_VERSION = 0x0,
    PSCI_CPU_SUSPEND = 0x1,
    PSCI_CPU_OFF = 0x2,
    PSCI_CPU_ON = 0x3,
    PSCI_AFFINITY_INFO = 0x4,
    PSCI_MIGRATE_INFO_TYPE = 0x6,
    PSCI_SYSTEM_OFF = 0x8,
    PSCI_SYSTEM_RESET = 0x9,
    PSCI_FEATURES = 0xa,
    PSCI_SYSTEM_RESET2 = 0x12,
    TRNG_VERSION = 0x50,
    TRNG_FEATURES = 0x51,
    TRNG_GET_UUID = 0x52,
    TRNG_RND = 0x53,
};

#define STANDARD UINT32_C(0x84000000) /* standard secure service calls, SMC32 */
#define SMC64 UINT32_C(0x40000000)
#define SMCCC_VERSION UINT32_C(0x80000000)
#define SMCCC_ARCH_FEATURES UINT32_C(0x80000001)
#define SMCCC_WORKAROUND_1 UINT32_C(0x80008000)
#define SMCCC_WORKAROUND_2 UINT32_C(0x80007fff)
#define SMCCC_WORKAROUND_3 UINT32_C(0x80003fff)

enum {
    SUCCESS = 0,
    NOT_SUPPORTED = -1,
    INVALID_PARAMETERS = -2,
    ALREADY_ON = -4,
    ON_PENDING = -5,
    INVALID_ADDRESS = -9,
};

void vm_firmware_init(VmFirmware *f, unsigned cpus, uint64_t seed)
{
    f->cpus = cpus;
    f->state = g_new0(VmPowerState, cpus);
    pthread_mutex_init(&f->lock, NULL);
    base_random_seed(&f->random, seed);
    vm_firmware_reset(f);
}

void vm_firmware_fini(VmFirmware *f)
{
    pthread_mutex_destroy(&f->lock);
    g_free(f->state);
}

void vm_firmware_reset(VmFirmware *f)
{
    for (unsigned i = 0; i < f->cpus; i++) {
        f->state[i] = (VmPowerState){ .power = VM_POWER_OFF };
    }
}

VmPower vm_firmware_power(VmFirmware *f, unsigned cpu)
{
    pthread_mutex_lock(&f->lock);
    const VmPower p = (VmPower)f->state[cpu].power;
    pthread_mutex_unlock(&f->lock);
    return p;
}

int vm_firmware_cpu_on(VmFirmware *f, unsigned cpu, uint64_t entry, uint64_t context)
{
    pthread_mutex_lock(&f->lock);
    VmPowerState *s = &f->state[cpu];
    const VmPower before = (VmPower)s->power;
    if (before == VM_POWER_OFF) {
        *s = (VmPowerState){ .power = VM_POWER_PENDING, .entry = entry, .context = context };
    }
    pthread_mutex_unlock(&f->lock);
    if (before != VM_POWER_OFF) {
        return before == VM_POWER_ON ? ALREADY_ON : ON_PENDING;
    }
    f->started(f->ctx, cpu);
    return SUCCESS;
}

bool vm_firmware_take_start(VmFirmware *f, unsigned cpu, uint64_t *entry, uint64_t *context)
{
    pthread_mutex_lock(&f->lock);
    VmPowerState *s = &f->state[cpu];
    const bool pending = s->power == VM_POWER_PENDING;
    if (pending) {
        *entry = s->entry;
        *context = s->context;
        *s = (VmPowerState){ .power = VM_POWER_ON };
    }
    pthread_mutex_unlock(&f->lock);
    return pending;
}

/* vCPU of an MPIDR-like argument, -1 none. Bit 31 (RES1 in MPIDR_EL1) is tolerated: guests pass
 * the register as they read it. */
static int cpu_of(const VmFirmware *f, uint64_t target)
{
    const uint64_t affinity = target & UINT64_C(0xff00ffffff);
    if ((target & ~(UINT64_C(0xff00ffffff) | UINT64_C(1) << 31)) == 0) {
        for (unsigned i = 0; i < f->cpus; i++) {
            if (vm_affinity(i) == affinity) {
                return (int)i;
            }
        }
    }
    return -1;
}

static int call_cpu_on(VmFirmware *f, uint64_t target, uint64_t entry, uint64_t context)
{
    MemKind kind;
    const int cpu = cpu_of(f, target);
    if (cpu < 0) {
        return INVALID_PARAMETERS;
    }
    if ((entry & 3) != 0 || !mem_host(f->mem, (Pa){ entry }, &kind)) {
        return INVALID_ADDRESS;
    }
    return vm_firmware_cpu_on(f, (unsigned)cpu, entry, context);
}

/* A level above 0 asks for a whole group: it is on while any of its vCPUs is. */
static int affinity_info(VmFirmware *f, uint64_t target, uint64_t level)
{
    if (level > 3) {
        return INVALID_PARAMETERS;
    }
    const uint64_t mask = UINT64_C(0xff00ffffff) & ~((UINT64_C(1) << 8 * level) - 1);
    int result = INVALID_PARAMETERS;
    for (unsigned i = 0; i < f->cpus; i++) {
        if (((vm_affinity(i) ^ target) & mask) != 0) {
            continue;
        }
        const int power = (int)vm_firmware_power(f, i);
        const bool better = result == INVALID_PARAMETERS || power == VM_POWER_ON ||
                            (power == VM_POWER_PENDING && result == VM_POWER_OFF);
        result = better ? power : result;
    }
    return result;
}

static int features(uint32_t function)
{
    switch (function & ~SMC64) {
    case STANDARD | PSCI_VERSION:
    case STANDARD | PSCI_CPU_OFF:
    case STANDARD | PSCI_MIGRATE_INFO_TYPE:
    case STANDARD | PSCI_SYSTEM_OFF:
    case STANDARD | PSCI_SYSTEM_RESET:
    case STANDARD | PSCI_FEATURES:
        return function & SMC64 ? NOT_SUPPORTED : SUCCESS; /* these have no SMC64 form */
    case STANDARD | PSCI_CPU_SUSPEND: /* original power-state format, platform-coordinated */
    case STANDARD | PSCI_CPU_ON:
    case STANDARD | PSCI_AFFINITY_INFO:
    case STANDARD | PSCI_SYSTEM_RESET2:
        return SUCCESS;
    default: return function == SMCCC_VERSION ? SUCCESS : NOT_SUPPORTED;
    }
}

static int cpu_off(VmFirmware *f, uint32_t cpu)
{
    pthread_mutex_lock(&f->lock);
    f->state[cpu] = (VmPowerState){ .power = VM_POWER_OFF };
    pthread_mutex_unlock(&f->lock);
    f->powered_off(f->ctx, cpu);
    return SUCCESS;
}

static int system_call(VmFirmware *f, uint32_t cpu, VmStop what)
{
    f->system(f->ctx, cpu, what);
    return SUCCESS;
}

static int psci(VmFirmware *f, uint32_t cpu, uint32_t function, const uint64_t a[4])
{
    switch (function & 0xff) {
    case PSCI_VERSION: return 0x10001;
    case PSCI_CPU_SUSPEND: return SUCCESS;
    case PSCI_CPU_OFF: return cpu_off(f, cpu);
    case PSCI_CPU_ON: return call_cpu_on(f, a[1], a[2], a[3]);
    case PSCI_AFFINITY_INFO: return affinity_info(f, a[1], a[2]);
    case PSCI_MIGRATE_INFO_TYPE: return 2; /* no Trusted OS that could migrate */
    case PSCI_SYSTEM_OFF: return system_call(f, cpu, VM_STOP_POWEROFF);
    case PSCI_SYSTEM_RESET: return system_call(f, cpu, VM_STOP_RESET);
    case PSCI_FEATURES: return features((uint32_t)a[1]);
    case PSCI_SYSTEM_RESET2:
        return (uint32_t)a[1] == 0 ? system_call(f, cpu, VM_STOP_RESET) : INVALID_PARAMETERS;
    default: return NOT_SUPPORTED;
    }
}

/* x1..x3 from the most significant word down; bits beyond the request are zero. */
static int random_bits(VmFirmware *f, uint64_t x[18], bool wide)
{
    const unsigned word = wide ? 64 : 32;
    uint64_t bits = wide ? x[1] : (uint32_t)x[1];
    memset(&x[1], 0, 3 * sizeof *x);
    if (bits == 0 || bits > 3 * word) {
        return INVALID_PARAMETERS;
    }
    pthread_mutex_lock(&f->lock);
    for (unsigned i = 3; bits > 0; i--) {
        const unsigned n = (unsigned)MIN(bits, word);
        x[i] = base_random_next(&f->random) >> (64 - n);
        bits -= n;
    }
    pthread_mutex_unlock(&f->lock);
    return SUCCESS;
}

static int trng_features(uint32_t function)
{
    const uint32_t number = function & 0xff;
    const bool known = (function & ~SMC64) == (STANDARD | number) &&
                       (number == TRNG_RND || (!(function & SMC64) && number >= TRNG_VERSION &&
                                               number <= TRNG_GET_UUID));
    return known ? SUCCESS : NOT_SUPPORTED;
}

static void trng(VmFirmware *f, uint32_t function, uint64_t x[18])
{
    static const uint32_t uuid[4] = { 0x6d6c6c41, 0x72616c69, 0x4d0d9979, 0x31473176 };
    int result = NOT_SUPPORTED;
    switch (function & 0xff) {
    case TRNG_VERSION: result = 0x10000; break;
    case TRNG_FEATURES: result = trng_features((uint32_t)x[1]); break;
    case TRNG_GET_UUID:
        for (unsigned i = 0; i < 4; i++) {
            x[i] = uuid[i];
        }
        return;
    case TRNG_RND: result = random_bits(f, x, function & SMC64); break;
    }
    x[0] = (uint64_t)(int64_t)result;
}

static int arch(uint32_t function, uint32_t argument)
{
    switch (function) {
    case SMCCC_VERSION: return 0x10002;
    case SMCCC_ARCH_FEATURES:
        switch (argument) {
        case SMCCC_VERSION:
        case SMCCC_ARCH_FEATURES: return SUCCESS;
        case SMCCC_WORKAROUND_1:
        case SMCCC_WORKAROUND_2:
        case SMCCC_WORKAROUND_3: return 1; /* this PE needs none */
        default: return NOT_SUPPORTED;
        }
    case SMCCC_WORKAROUND_1:
    case SMCCC_WORKAROUND_2:
    case SMCCC_WORKAROUND_3: return SUCCESS;
    default: return NOT_SUPPORTED;
    }
}

void vm_firmware_call(void *firmware, uint32_t cpu, uint64_t x[18])
{
    VmFirmware *f = firmware;
    const uint32_t function = (uint32_t)x[0];
    const uint32_t number = function & 0xffff;
    uint64_t a[4];
    for (unsigned i = 0; i < 4; i++) {
        a[i] = function & SMC64 ? x[i] : (uint32_t)x[i];
    }
    if (f->bus && ev_wanted(f->bus, EV_PSCI)) {
        ev_bus_post(f->bus, &(EvEvent){ .kind = EV_PSCI, .cpu = cpu, .a = function, .b = a[1],
                                        .c = a[2], .d = a[3] });
    }
    if ((function & ~SMC64) != (STANDARD | number)) {
        x[0] = (uint64_t)(int64_t)arch(function, (uint32_t)x[1]);
    } else if (number >= TRNG_VERSION && number <= 0x5f) {
        const bool narrow_only = (function & SMC64) && number != TRNG_RND;
        if (narrow_only) {
            x[0] = (uint64_t)(int64_t)NOT_SUPPORTED;
        } else {
            trng(f, function, x);
        }
    } else {
        const bool known = number <= 0xff && features(function) != NOT_SUPPORTED;
        x[0] = (uint64_t)(int64_t)(known ? psci(f, cpu, function, a) : NOT_SUPPORTED);
    }
}
