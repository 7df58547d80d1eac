/*
 * Putting a machine's parts together: memory, interrupt controller, devices, vCPUs and the wires
 * between them, as virt.map says.
 */
#include "build.h"

#include <inttypes.h>

#include "board.h"
#include "gic-cpu.h"
#include "pl011.h"
#include "pl031.h"
#include "pl061.h"
#include "virtio/blk.h"
#include "virtio/console.h"
#include "virtio/rng.h"

/* First value of the real-time clock under the virtual clock: 2026-01-01. */
#define VIRTUAL_EPOCH_S 1767225600
#define HVC_SETTLE_NS 500000000

/* MISSING: the flash's command set (CFI): it reads as ROM, and writes are ignored. */
static bool add_memory(VmMachine *m, GError **error)
{
    const VmMapRow *flash = vm_map_row(VM_MAP_FLASH);
    m->mem = mem_new();
    if (mem_add_ram(m->mem, "flash", (Pa){ flash->base }, flash->size * flash->count, MEM_ROM) &&
        mem_add_ram(m->mem, "ram", (Pa){ VM_RAM_BASE }, m->config.memory, MEM_RAM)) {
        return true;
    }
    g_set_error(error, VM_ERROR, VM_ERROR_HOST,
                "the host has no room for %" PRIu64 " MiB of memory", m->config.memory >> 20);
    return false;
}

/* Devices sit where virt.map says; test-board.c proves that nothing is in their way. */
static void map_device(VmMachine *m, const MemDeviceOps *ops, void *dev, VmMapId id)
{
    const VmMapRow *row = vm_map_row(id);
    const bool ok = mem_add_device(m->mem, (Pa){ row->base }, row->size, ops, dev);
    g_assert(ok);
}

static void map_redists(VmMachine *m, uint64_t base, GicRegion *region, unsigned n)
{
    const uint64_t size = n * GIC_REDIST_SPAN;
    const bool ok = mem_add_device(m->mem, (Pa){ base }, size, &gic_redist_ops, region);
    g_assert(ok);
}

static void add_gic(VmMachine *m)
{
    const unsigned n = m->config.cpus, low = MIN(n, VM_LOW_REDISTS);
    g_autofree uint64_t *affinity = g_new(uint64_t, n);
    for (unsigned i = 0; i < n; i++) {
        affinity[i] = vm_affinity(i);
    }
    m->gic = gic_new(&(GicConfig){ .mem = m->mem, .lines = VM_GIC_LINES, .cpus = n,
                                   .affinity = affinity,
                                   .nmi = a64_has(m->model, A64_FEAT_GICv3_NMI) });
    map_device(m, &gic_dist_ops, m->gic, VM_MAP_GIC_DIST);
    const uint64_t redist = vm_map_row(VM_MAP_GIC_REDIST)->base;
    map_redists(m, redist, gic_add_region(m->gic, 0, low), low);
    if (n > low) {
        map_redists(m, VM_HIGH_REDIST_BASE, gic_add_region(m->gic, low, n - low), n - low);
    }
    m->its = gic_its_new(&(GicItsConfig){ .gic = m->gic, .mem = m->mem, .clock = m->clock });
    map_device(m, &gic_its_ops, m->its, VM_MAP_GIC_ITS);
}

static void set_spi(void *ctx, unsigned n, bool level)
{
    gic_set_spi(ctx, n, level);
}

/* The i-th window of a row of the map. */
static HwDevice *add_nth(VmMachine *m, const HwDeviceClass *cls, VmMapId id, unsigned i,
                         void *wiring)
{
    const VmMapRow *row = vm_map_row(id);
    const HwEnv env = { .mem = m->mem, .clock = m->clock, .bus = m->bus };
    HwDevice *dev = hw_device_new(cls, &env, wiring);
    const bool ok = hw_device_map(dev, (Pa){ row->base + i * row->size });
    g_assert(ok && m->n_devices < VM_MAX_DEVICES && i < row->count);
    hw_device_connect(dev, 0, (HwLine){ set_spi, m->gic, (unsigned)row->spi + i });
    m->devices[m->n_devices++] = dev;
    return dev;
}

static HwDevice *add_device(VmMachine *m, const HwDeviceClass *cls, VmMapId id, void *wiring)
{
    return add_nth(m, cls, id, 0, wiring);
}

/* A device's message: to the ITS, or plainly to memory. */
static void send_message(void *ctx, uint32_t requester, uint64_t address, uint32_t data)
{
    VmMachine *m = ctx;
    if (address == vm_map_row(VM_MAP_GIC_ITS)->base + GIC_ITS_TRANSLATER) {
        gic_its_msi(m->its, requester, data);
    } else {
        mem_copy_to(m->mem, (Pa){ address }, &data, sizeof data);
    }
}

static void add_pci(VmMachine *m)
{
    m->pci = pci_host_new((PciMessages){ send_message, m });
    pci_host_set_window(m->pci, vm_map_row(VM_MAP_PCIE_MMIO)->base);
    map_device(m, &pci_ecam_ops, m->pci, VM_MAP_PCIE_ECAM);
    map_device(m, &pci_bar_ops, m->pci, VM_MAP_PCIE_MMIO);
}

static HwDevice *add_virtio_pci(VmMachine *m, VirtioDevice *device)
{
    const HwEnv env = { .mem = m->mem, .clock = m->clock, .bus = m->bus };
    HwDevice *dev = hw_device_new(virtio_mmio_class(), &env, device);
    VirtioPci *p = virtio_pci_new(dev);
    const bool ok = pci_host_add(m->pci, virtio_pci_function(p));
    g_assert(ok && m->n_devices < VM_MAX_DEVICES && m->n_pci < VM_MAX_VIRTIO);
    m->devices[m->n_devices++] = dev;
    m->pci_functions[m->n_pci++] = p;
    return dev;
}

static HwDevice *add_virtio(VmMachine *m, VirtioDevice *device)
{
    if (m->pci) {
        return add_virtio_pci(m, device);
    }
    return add_nth(m, virtio_mmio_class(), VM_MAP_VIRTIO, m->n_virtio++, device);
}

/* A driver that has just given its first buffers throws away what comes before it is done with
 * its set-up: typing waits a moment. */
static void on_hvc_hungry(void *ctx)
{
    VmMachine *m = ctx;
    const int64_t now = ev_now_ns(m->clock);
    ev_alarm_set(m->hvc_ready, m->hvc_settled ? now : now + HVC_SETTLE_NS);
}

static void on_hvc_ready(void *ctx)
{
    VmMachine *m = ctx;
    m->hvc_settled = true;
    if (m->console.input_ready) {
        m->console.input_ready(m->console.ctx);
    }
}

static void on_hvc_output(void *ctx, const uint8_t *bytes, size_t n)
{
    VmMachine *m = ctx;
    if (m->console.output) {
        m->console.output(m->console.ctx, bytes, n);
    }
}

static void add_hvc(VmMachine *m)
{
    m->hvc_port = (HwCharPort){ on_hvc_output, on_hvc_hungry, m };
    m->hvc_ready = ev_alarm_new(m->clock, on_hvc_ready, m);
    m->hvc = virtio_console_new(&m->hvc_port);
    m->hvc_device = add_virtio(m, m->hvc);
}

/* Disks first, so that the first drive is the guest's vda. */
static bool add_virtio_devices(VmMachine *m, GError **error)
{
    for (unsigned i = 0; i < m->config.n_drives; i++) {
        const VmDrive *d = &m->config.drives[i];
        g_autofree char *serial = g_strdup_printf("drive%u", i);
        VirtioImage *image = virtio_image_open(d->file,
                                               d->snapshot   ? VIRTIO_IMAGE_SNAPSHOT
                                               : d->readonly ? VIRTIO_IMAGE_RO
                                                             : VIRTIO_IMAGE_RW,
                                               error);
        if (!image) {
            return false;
        }
        m->disks[i] = virtio_blk_new(image, serial);
        add_virtio(m, m->disks[i]);
    }
    m->entropy = virtio_rng_new(&m->random);
    add_virtio(m, m->entropy);
    if (m->config.virtio_console) {
        add_hvc(m);
    }
    return true;
}

static void release_key(void *ctx)
{
    VmMachine *m = ctx;
    m->key_release_ns = INT64_MAX;
    pl061_set_input(m->gpio, PL061_POWER_KEY, false);
}

static void set_wall_clock(VmMachine *m)
{
    const int64_t now_s = m->config.virtual_clock ? VIRTUAL_EPOCH_S : ev_host_wall_seconds();
    pl031_set_time(m->rtc, (uint32_t)now_s);
}

static void add_devices(VmMachine *m)
{
    m->uart = add_device(m, pl011_class(), VM_MAP_UART, &m->console);
    m->rtc = add_device(m, pl031_class(), VM_MAP_RTC, NULL);
    m->gpio = add_device(m, pl061_class(), VM_MAP_GPIO, NULL);
    m->key_release_ns = INT64_MAX;
    m->key_release = ev_alarm_new(m->clock, release_key, m);
    set_wall_clock(m);
}

static void on_started(void *ctx, unsigned cpu)
{
    VmMachine *m = ctx;
    pthread_mutex_lock(&m->power_lock);
    pthread_cond_broadcast(&m->power_changed);
    pthread_mutex_unlock(&m->power_lock);
}

static void on_powered_off(void *ctx, unsigned cpu)
{
    VmMachine *m = ctx;
    eng_kick(&m->cpus[cpu].cpu->eng, ENG_ATT_STOP);
}

static void on_system(void *ctx, unsigned cpu, VmStop what)
{
    VmMachine *m = ctx;
    vm_stop_for(m, what);
    eng_kick(&m->cpus[cpu].cpu->eng, ENG_ATT_STOP);
}

/* SEV. On the vCPU's thread; m->cpus does not change while one runs. */
static void send_event(void *ctx)
{
    VmMachine *m = ctx;
    for (unsigned i = 0; i < m->config.cpus; i++) {
        a64_event(m->cpus[i].cpu);
    }
}

static const ArmFirmwarePort firmware_port = { .call = vm_firmware_call };

static void add_firmware(VmMachine *m)
{
    m->firmware.mem = m->mem;
    m->firmware.bus = m->bus;
    m->firmware.started = on_started;
    m->firmware.powered_off = on_powered_off;
    m->firmware.system = on_system;
    m->firmware.ctx = m;
    vm_firmware_init(&m->firmware, m->config.cpus, base_random_next(&m->random));
}

static bool add_cpus(VmMachine *m, GError **error)
{
    m->ports = (A64Ports){ .mem = m->mem,
                           .seed = m->config.seed,
                           .clock = m->clock,
                           .bus = m->bus,
                           .gic = &gic_port,
                           .gic_ctx = m->gic,
                           .send_event = send_event,
                           .event_ctx = m,
                           .firmware = &firmware_port,
                           .firmware_ctx = &m->firmware,
                           .smc_is_firmware = a64_has(m->model, A64_FEAT_EL2) };
    m->cpus = g_new0(VmCpu, m->config.cpus);
    m->engine = eng_machine_new(&(EngConfig){ .mem = m->mem, .clock = m->clock,
                                              .max_block_insns = m->config.max_block_insns });
    for (unsigned i = 0; i < m->config.cpus; i++) {
        A64Cpu *cpu = a64_cpu_new(m->engine, m->model, &m->ports);
        if (!cpu) {
            g_set_error(error, VM_ERROR, VM_ERROR_HOST,
                        "there is room for %u vCPUs only: use a smaller --smp", i);
            return false;
        }
        m->cpus[i] = (VmCpu){ .machine = m, .cpu = cpu, .index = i };
        mem_lock_devices(m->mem);
        gic_connect_cpu(m->gic, i, a64_gic_set_pending, cpu);
        mem_unlock_devices(m->mem);
    }
    return true;
}

bool vm_build(VmMachine *m, GError **error)
{
    m->clock = ev_clock_new(m->config.virtual_clock);
    m->bus = ev_bus_new();
    if (!add_memory(m, error)) {
        return false;
    }
    if (m->config.virtual_clock) {
        ev_clock_on_elapsed(m->clock, vm_turn_elapsed, m);
        ev_clock_on_sooner(m->clock, vm_turn_shorten, m);
    }
    add_gic(m);
    if (m->config.pci) {
        add_pci(m);
    }
    mem_lock_devices(m->mem);
    add_devices(m);
    const bool ok = add_virtio_devices(m, error);
    mem_unlock_devices(m->mem);
    add_firmware(m);
    return ok && add_cpus(m, error);
}

void vm_dismantle(VmMachine *m)
{
    for (unsigned i = 0; m->cpus && i < m->config.cpus && m->cpus[i].cpu; i++) {
        a64_cpu_free(m->cpus[i].cpu);
    }
    if (m->cpus) {
        eng_machine_free(m->engine);
        g_free(m->cpus);
    }
    if (m->firmware.state) {
        vm_firmware_fini(&m->firmware);
    }
    if (m->gic) {
        ev_alarm_free(m->key_release);
        ev_alarm_free(m->hvc_ready);
        for (unsigned i = 0; i < m->n_pci; i++) {
            virtio_pci_free(m->pci_functions[i]);
        }
        pci_host_free(m->pci);
        for (unsigned i = 0; i < m->n_devices; i++) {
            hw_device_free(m->devices[i]);
        }
        for (unsigned i = 0; i < VM_MAX_DRIVES && m->disks[i]; i++) {
            virtio_blk_free(m->disks[i]);
        }
        if (m->entropy) {
            virtio_rng_free(m->entropy);
        }
        if (m->hvc) {
            virtio_console_free(m->hvc);
        }
        gic_its_free(m->its);
        gic_free(m->gic);
    }
    mem_free(m->mem);
    ev_bus_free(m->bus);
    ev_clock_free(m->clock);
}

void vm_reset_parts(VmMachine *m)
{
    ev_clock_set(m->clock, 0);
    mem_lock_devices(m->mem);
    m->key_release_ns = INT64_MAX;
    ev_alarm_set(m->key_release, INT64_MAX);
    for (unsigned i = 0; i < m->n_devices; i++) {
        hw_device_reset(m->devices[i]);
    }
    if (m->pci) {
        pci_host_reset(m->pci);
    }
    set_wall_clock(m);
    gic_reset(m->gic);
    gic_its_reset(m->its);
    mem_unlock_devices(m->mem);
    vm_firmware_reset(&m->firmware);
    for (unsigned i = 0; i < m->config.cpus; i++) {
        a64_cpu_reset(m->cpus[i].cpu);
        m->cpus[i].asleep = false;
    }
    m->hvc_settled = false;
    m->next_turn = 0;
    atomic_store(&m->host_insns, 0);
}

VmFdtBoard vm_fdt_board(const VmMachine *m)
{
    return (VmFdtBoard){ .cpus = m->config.cpus,
                         .memory = m->config.memory,
                         .el2 = a64_has(m->model, A64_FEAT_EL2),
                         .virtio = m->n_virtio,
                         .its = true,
                         .pci = m->config.pci,
                         .pmu = a64_has(m->model, A64_FEAT_PMUv3) };
}
