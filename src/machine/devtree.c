/*
 * The board's device tree, and /chosen of any tree. The only user of libfdt.
 * Devicetree Specification; Linux device tree bindings of each compatible named here.
 */
#include "devtree.h"

#include <inttypes.h>
#include <libfdt.h>
#include <string.h>

#include "armillary/machine.h"
#include "board.h"

enum { PHANDLE_CLOCK = 1, PHANDLE_GIC, PHANDLE_GPIO, PHANDLE_ITS, PHANDLE_CPU0 };
enum { IRQ_SPI = 0, IRQ_PPI = 1, IRQ_EDGE = 1, IRQ_LEVEL_HIGH = 4 };

/* Our own buffer is large enough by construction: a failure is a bug. */
static void must(int result)
{
    g_assert(result >= 0);
}

static void begin(void *fdt, const char *name)
{
    must(fdt_begin_node(fdt, name));
}

static void end(void *fdt)
{
    must(fdt_end_node(fdt));
}

static void flag(void *fdt, const char *name)
{
    must(fdt_property(fdt, name, NULL, 0));
}

static void cell(void *fdt, const char *name, uint32_t value)
{
    must(fdt_property_u32(fdt, name, value));
}

static void string(void *fdt, const char *name, const char *value)
{
    must(fdt_property(fdt, name, value, (int)strlen(value) + 1));
}

static void cells(void *fdt, const char *name, const uint32_t *values, unsigned n)
{
    uint32_t big[32];
    g_assert(n <= G_N_ELEMENTS(big));
    for (unsigned i = 0; i < n; i++) {
        big[i] = cpu_to_fdt32(values[i]);
    }
    must(fdt_property(fdt, name, big, (int)(n * sizeof *big)));
}
#define CELLS(fdt, name, ...)                                                                     \
    cells(fdt, name, (const uint32_t[]){ __VA_ARGS__ },                                           \
          sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t))
#define HI(x) ((uint32_t)((uint64_t)(x) >> 32))
#define LO(x) ((uint32_t)(x))

/* "name@base" with the row's compatible and reg. */
static void begin_row(void *fdt, const char *name, VmMapId id, unsigned i)
{
    const VmMapRow *row = vm_map_row(id);
    const uint64_t base = row->base + i * row->size;
    g_autofree char *node = g_strdup_printf("%s@%" PRIx64, name, base);
    begin(fdt, node);
    must(fdt_property(fdt, "compatible", row->compatible, (int)row->compatible_size));
    CELLS(fdt, "reg", HI(base), LO(base), HI(row->size), LO(row->size));
    if (row->spi >= 0) {
        CELLS(fdt, "interrupts", IRQ_SPI, (uint32_t)row->spi + i,
              id == VM_MAP_VIRTIO ? IRQ_EDGE : IRQ_LEVEL_HIGH);
    }
}

static void add_root(void *fdt)
{
    string(fdt, "compatible", "linux,dummy-virt");
    string(fdt, "model", "linux,dummy-virt");
    cell(fdt, "#address-cells", 2);
    cell(fdt, "#size-cells", 2);
    cell(fdt, "interrupt-parent", PHANDLE_GIC);
    flag(fdt, "dma-coherent");
}

static void add_psci(void *fdt, const VmFdtBoard *b)
{
    static const char compatible[] = "arm,psci-1.0\0arm,psci-0.2\0arm,psci";
    begin(fdt, "psci");
    must(fdt_property(fdt, "compatible", compatible, sizeof compatible));
    string(fdt, "method", b->el2 ? "smc" : "hvc");
    cell(fdt, "cpu_suspend", 0xc4000001);
    cell(fdt, "cpu_off", 0x84000002);
    cell(fdt, "cpu_on", 0xc4000003);
    cell(fdt, "migrate", 0xc4000005);
    end(fdt);
}

static void add_cpu_map(void *fdt, const VmFdtBoard *b)
{
    begin(fdt, "cpu-map");
    begin(fdt, "socket0");
    begin(fdt, "cluster0");
    for (unsigned i = 0; i < b->cpus; i++) {
        g_autofree char *core = g_strdup_printf("core%u", i);
        begin(fdt, core);
        cell(fdt, "cpu", PHANDLE_CPU0 + i);
        end(fdt);
    }
    end(fdt);
    end(fdt);
    end(fdt);
}

static void add_cpus(void *fdt, const VmFdtBoard *b)
{
    begin(fdt, "cpus");
    cell(fdt, "#address-cells", 1);
    cell(fdt, "#size-cells", 0);
    for (unsigned i = 0; i < b->cpus; i++) {
        g_autofree char *name = g_strdup_printf("cpu@%" PRIx64, vm_affinity(i));
        begin(fdt, name);
        string(fdt, "device_type", "cpu");
        string(fdt, "compatible", "arm,armv8");
        cell(fdt, "reg", (uint32_t)vm_affinity(i));
        string(fdt, "enable-method", "psci");
        cell(fdt, "phandle", PHANDLE_CPU0 + i);
        end(fdt);
    }
    add_cpu_map(fdt, b);
    end(fdt);
}

static void add_timer(void *fdt, const VmFdtBoard *b)
{
    static const char compatible[] = "arm,armv8-timer\0arm,armv7-timer";
    /* Secure physical, non-secure physical, virtual, EL2 physical, EL2 virtual. */
    static const uint32_t ppis[] = { 13, 14, 11, 10, 12 };
    uint32_t all[15];
    const unsigned n = b->el2 ? 5 : 4;
    for (unsigned i = 0; i < n; i++) {
        all[3 * i] = IRQ_PPI;
        all[3 * i + 1] = ppis[i];
        all[3 * i + 2] = IRQ_LEVEL_HIGH;
    }
    begin(fdt, "timer");
    must(fdt_property(fdt, "compatible", compatible, sizeof compatible));
    cells(fdt, "interrupts", all, 3 * n);
    flag(fdt, "always-on");
    end(fdt);
}

static void add_its(void *fdt)
{
    begin_row(fdt, "its", VM_MAP_GIC_ITS, 0);
    flag(fdt, "msi-controller");
    cell(fdt, "#msi-cells", 1);
    cell(fdt, "phandle", PHANDLE_ITS);
    end(fdt);
}

static void add_gic(void *fdt, const VmFdtBoard *b)
{
    const VmMapRow *dist = vm_map_row(VM_MAP_GIC_DIST);
    const VmMapRow *redist = vm_map_row(VM_MAP_GIC_REDIST);
    const bool high = b->cpus > VM_LOW_REDISTS;
    const uint32_t regs[] = { HI(dist->base), LO(dist->base), HI(dist->size), LO(dist->size),
                              HI(redist->base), LO(redist->base), HI(redist->size),
                              LO(redist->size), HI(VM_HIGH_REDIST_BASE), LO(VM_HIGH_REDIST_BASE),
                              HI(VM_HIGH_REDIST_SIZE), LO(VM_HIGH_REDIST_SIZE) };
    begin(fdt, "intc@8000000");
    string(fdt, "compatible", dist->compatible);
    cells(fdt, "reg", regs, high ? 12 : 8);
    flag(fdt, "interrupt-controller");
    cell(fdt, "#interrupt-cells", 3);
    cell(fdt, "#redistributor-regions", high ? 2 : 1);
    cell(fdt, "#address-cells", 2);
    cell(fdt, "#size-cells", 2);
    flag(fdt, "ranges");
    cell(fdt, "phandle", PHANDLE_GIC);
    if (b->el2) {
        CELLS(fdt, "interrupts", IRQ_PPI, 9, IRQ_LEVEL_HIGH);
    }
    if (b->its) {
        add_its(fdt);
    }
    end(fdt);
}

static void add_clock(void *fdt)
{
    begin(fdt, "apb-pclk");
    string(fdt, "compatible", "fixed-clock");
    cell(fdt, "#clock-cells", 0);
    cell(fdt, "clock-frequency", 24000000);
    string(fdt, "clock-output-names", "clk24mhz");
    cell(fdt, "phandle", PHANDLE_CLOCK);
    end(fdt);
}

static void add_primecells(void *fdt)
{
    static const char uart_clocks[] = "uartclk\0apb_pclk";
    begin_row(fdt, "pl011", VM_MAP_UART, 0);
    CELLS(fdt, "clocks", PHANDLE_CLOCK, PHANDLE_CLOCK);
    must(fdt_property(fdt, "clock-names", uart_clocks, sizeof uart_clocks));
    end(fdt);
    begin_row(fdt, "pl031", VM_MAP_RTC, 0);
    cell(fdt, "clocks", PHANDLE_CLOCK);
    string(fdt, "clock-names", "apb_pclk");
    end(fdt);
    begin_row(fdt, "pl061", VM_MAP_GPIO, 0);
    cell(fdt, "clocks", PHANDLE_CLOCK);
    string(fdt, "clock-names", "apb_pclk");
    flag(fdt, "gpio-controller");
    cell(fdt, "#gpio-cells", 2);
    cell(fdt, "phandle", PHANDLE_GPIO);
    end(fdt);
    begin(fdt, "gpio-keys");
    string(fdt, "compatible", "gpio-keys");
    begin(fdt, "poweroff");
    string(fdt, "label", "GPIO Key Poweroff");
    cell(fdt, "linux,code", 116); /* KEY_POWER */
    CELLS(fdt, "gpios", PHANDLE_GPIO, 3, 0);
    end(fdt);
    end(fdt);
}

static void add_memory(void *fdt, const VmFdtBoard *b)
{
    begin(fdt, "memory@40000000");
    string(fdt, "device_type", "memory");
    CELLS(fdt, "reg", HI(VM_RAM_BASE), LO(VM_RAM_BASE), HI(b->memory), LO(b->memory));
    end(fdt);
    const VmMapRow *flash = vm_map_row(VM_MAP_FLASH);
    begin(fdt, "flash@0");
    string(fdt, "compatible", flash->compatible);
    CELLS(fdt, "reg", 0, 0, 0, LO(flash->size), 0, LO(flash->size), 0, LO(flash->size));
    cell(fdt, "bank-width", 4);
    end(fdt);
}

static void add_virtio(void *fdt, const VmFdtBoard *b)
{
    for (unsigned i = 0; i < b->virtio; i++) {
        begin_row(fdt, "virtio_mmio", VM_MAP_VIRTIO, i);
        flag(fdt, "dma-coherent");
        end(fdt);
    }
}

/* Memory of 32-bit BARs; every function's messages go to the ITS with its own DeviceID. */
static void add_pci(void *fdt)
{
    const VmMapRow *ecam = vm_map_row(VM_MAP_PCIE_ECAM), *mmio = vm_map_row(VM_MAP_PCIE_MMIO);
    const uint32_t memory_32 = 0x02000000;
    begin(fdt, "pcie@10000000");
    must(fdt_property(fdt, "compatible", ecam->compatible, (int)ecam->compatible_size));
    string(fdt, "device_type", "pci");
    CELLS(fdt, "reg", HI(ecam->base), LO(ecam->base), HI(ecam->size), LO(ecam->size));
    CELLS(fdt, "bus-range", 0, (uint32_t)(ecam->size >> 20) - 1);
    CELLS(fdt, "ranges", memory_32, HI(mmio->base), LO(mmio->base), HI(mmio->base),
          LO(mmio->base), HI(mmio->size), LO(mmio->size));
    CELLS(fdt, "msi-map", 0, PHANDLE_ITS, 0, 0x10000);
    cell(fdt, "linux,pci-domain", 0);
    cell(fdt, "#address-cells", 3);
    cell(fdt, "#size-cells", 2);
    flag(fdt, "dma-coherent");
    end(fdt);
}

static void add_pmu(void *fdt)
{
    begin(fdt, "pmu");
    string(fdt, "compatible", "arm,armv8-pmuv3");
    CELLS(fdt, "interrupts", IRQ_PPI, 7, IRQ_LEVEL_HIGH);
    end(fdt);
}

static void add_console(void *fdt)
{
    begin(fdt, "aliases");
    string(fdt, "serial0", "/pl011@9000000");
    end(fdt);
    begin(fdt, "chosen");
    string(fdt, "stdout-path", "/pl011@9000000");
    end(fdt);
}

GBytes *vm_fdt_build(const VmFdtBoard *b)
{
    const int size = 64 * 1024 + (int)b->cpus * 512;
    void *fdt = g_malloc0((size_t)size);
    must(fdt_create(fdt, size));
    must(fdt_finish_reservemap(fdt));
    begin(fdt, "");
    add_root(fdt);
    add_psci(fdt, b);
    add_cpus(fdt, b);
    add_timer(fdt, b);
    add_gic(fdt, b);
    add_clock(fdt);
    add_primecells(fdt);
    add_memory(fdt, b);
    add_virtio(fdt, b);
    if (b->pci) {
        add_pci(fdt);
    }
    if (b->pmu) {
        add_pmu(fdt);
    }
    add_console(fdt);
    end(fdt);
    must(fdt_finish(fdt));
    return g_bytes_new_take(fdt, fdt_totalsize(fdt));
}

static int set_chosen(void *fdt, const VmFdtChosen *c)
{
    int node = fdt_path_offset(fdt, "/chosen");
    if (node == -FDT_ERR_NOTFOUND) {
        node = fdt_add_subnode(fdt, 0, "chosen");
    }
    int err = node < 0 ? node : 0;
    if (!err && c->bootargs) {
        err = fdt_setprop(fdt, node, "bootargs", c->bootargs, (int)strlen(c->bootargs) + 1);
    }
    if (!err && c->initrd_start != c->initrd_end) {
        err = fdt_setprop_u64(fdt, node, "linux,initrd-start", c->initrd_start);
        err = err ? err : fdt_setprop_u64(fdt, node, "linux,initrd-end", c->initrd_end);
    }
    if (!err && !fdt_getprop(fdt, node, "rng-seed", NULL)) {
        err = fdt_setprop(fdt, node, "rng-seed", c->rng_seed, sizeof c->rng_seed);
    }
    if (!err && !fdt_getprop(fdt, node, "kaslr-seed", NULL)) {
        err = fdt_setprop_u64(fdt, node, "kaslr-seed", c->kaslr_seed);
    }
    return err;
}

GBytes *vm_fdt_with_chosen(GBytes *dtb, const VmFdtChosen *c, GError **error)
{
    size_t size;
    const void *data = g_bytes_get_data(dtb, &size);
    int err = size < sizeof(struct fdt_header) ? -FDT_ERR_TRUNCATED : fdt_check_full(data, size);
    const size_t room = size + 4096 + (c->bootargs ? strlen(c->bootargs) : 0);
    g_autofree void *copy = NULL;
    if (!err && room < INT32_MAX) {
        copy = g_malloc0(room);
        err = fdt_open_into(data, copy, (int)room);
        err = err ? err : set_chosen(copy, c);
        err = err ? err : fdt_pack(copy);
    }
    if (err || !copy) {
        g_set_error(error, VM_ERROR, VM_ERROR_IMAGE, "not a usable device tree: %s",
                    fdt_strerror(err ? err : -FDT_ERR_NOSPACE));
        return NULL;
    }
    return g_bytes_new(copy, fdt_totalsize(copy));
}
