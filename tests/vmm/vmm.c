/*
 * A small KVM virtual machine monitor for tests, run inside a guest: a Linux Image with initrd and device tree, GICv3, an 8250
 * UART by MMIO, PSCI by KVM. Linux kernel documentation, "The Definitive KVM API Documentation"; "Booting AArch64 Linux".
 *
 *   vmm [-c CPUS] [-m MIB] [-a APPEND] [-i INITRD] [-t MARK] [-b SEED] [-f MHZ] [-e] [-n] [-u] [-p] [-d] IMAGE
 *     -t  text before each console line
 *     -f  the guest is told that its counter runs that fast; more than the truth makes its ticks rarer, for guests in guests in guests
 *     -e  the guest starts at EL2 (nested)        -n  ... without FEAT_VHE's E2H (nVHE guests)     -u  with a PMU
 *     -p  protected VM                            -d  dirty logging is switched on and read every 100 ms
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fdt.h"
#include "uart.h"

#define RAM 0x40000000ull
#define DTB_AT 0x07000000ull    /* offsets into RAM */
#define INITRD_AT 0x08000000ull
#define GICD 0x08000000ull
#define GICR 0x080a0000ull
#define UART 0x09000000ull
#define UART_SPI 1
#define TYPE_PROTECTED (1ul << 31) /* KVM_VM_TYPE_ARM_PROTECTED */
enum { FEATURE_EL2 = 7, FEATURE_EL2_E2H0 = 8, GROUP_MAINT_IRQ = 9, TGRAN4 = 28, MAX_CPUS = 16 };

typedef struct {
    unsigned cpus;
    unsigned long mib;
    const char *append, *initrd, *image, *mark;
    int el2, e2h0, pmu, protected_vm, dirty;
    unsigned bad_tree; /* not 0: damage the device tree, with this seed */
    unsigned mhz;      /* not 0: the tree says so of the counter */
} Options;

typedef struct {
    Options o;
    int kvm, vm, gic, vcpu[MAX_CPUS];
    uint8_t *ram;
    size_t initrd_size;
    size_t run_size;
    Uart uart;
    pthread_mutex_t lock;
} Vmm;

static void die(const char *what)
{
    fprintf(stderr, "vmm: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int call(int fd, unsigned long request, const void *arg, const char *what)
{
    const int result = ioctl(fd, request, arg);
    if (result < 0) {
        die(what);
    }
    return result;
}

static size_t load(Vmm *v, const char *path, uint64_t at)
{
    const int fd = open(path, O_RDONLY);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0) {
        die(path);
    }
    size_t done = 0;
    while (done < (size_t)st.st_size) {
        const ssize_t n = read(fd, v->ram + at + done, (size_t)st.st_size - done);
        if (n <= 0) {
            die(path);
        }
        done += (size_t)n;
    }
    close(fd);
    return done;
}

static void make_vm(Vmm *v)
{
    v->kvm = open("/dev/kvm", O_RDWR);
    if (v->kvm < 0) {
        die("/dev/kvm");
    }
    v->vm = call(v->kvm, KVM_CREATE_VM, (void *)(v->o.protected_vm ? TYPE_PROTECTED : 0ul), "KVM_CREATE_VM");
    v->run_size = (size_t)call(v->kvm, KVM_GET_VCPU_MMAP_SIZE, NULL, "KVM_GET_VCPU_MMAP_SIZE");
    v->ram = mmap(NULL, v->o.mib << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (v->ram == MAP_FAILED) {
        die("guest memory");
    }
    const struct kvm_userspace_memory_region slot = { .flags = v->o.dirty ? KVM_MEM_LOG_DIRTY_PAGES : 0, .guest_phys_addr = RAM,
                                                      .memory_size = v->o.mib << 20, .userspace_addr = (uint64_t)v->ram };
    call(v->vm, KVM_SET_USER_MEMORY_REGION, &slot, "KVM_SET_USER_MEMORY_REGION");
}

/*
 * A kernel with its hypervisor at EL2 (nVHE) sets TCR_EL2.DS when stage 1 has 52-bit addresses, but
 * writes descriptors of that format only when stage 2 has them too, and KVM shows a guest hypervisor
 * no such stage 2. What it then does is take the shareability of each page for address bits 51:50.
 */
static void without_lpa2(int vcpu)
{
    uint64_t mmfr0;
    const struct kvm_one_reg reg = { .id = ARM64_SYS_REG(3, 0, 0, 7, 0), .addr = (uint64_t)&mmfr0 };
    call(vcpu, KVM_GET_ONE_REG, &reg, "ID_AA64MMFR0_EL1");
    if ((mmfr0 >> TGRAN4 & 15) == 1) {
        mmfr0 &= ~(UINT64_C(15) << TGRAN4);
    }
    call(vcpu, KVM_SET_ONE_REG, &reg, "ID_AA64MMFR0_EL1");
}

static void make_vcpu(Vmm *v, unsigned n)
{
    v->vcpu[n] = call(v->vm, KVM_CREATE_VCPU, (void *)(unsigned long)n, "KVM_CREATE_VCPU");
    struct kvm_vcpu_init init;
    call(v->vm, KVM_ARM_PREFERRED_TARGET, &init, "KVM_ARM_PREFERRED_TARGET");
    /* Pointer authentication is all or nothing: half of it confuses guest kernels. */
    if (ioctl(v->kvm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_PTRAUTH_ADDRESS) > 0 &&
        ioctl(v->kvm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_PTRAUTH_GENERIC) > 0) {
        init.features[0] |= 1u << KVM_ARM_VCPU_PTRAUTH_ADDRESS | 1u << KVM_ARM_VCPU_PTRAUTH_GENERIC;
    }
    init.features[0] |= 1u << KVM_ARM_VCPU_PSCI_0_2 | (unsigned)(n != 0) << KVM_ARM_VCPU_POWER_OFF |
                        (unsigned)v->o.el2 << FEATURE_EL2 | (unsigned)v->o.e2h0 << FEATURE_EL2_E2H0 |
                        (unsigned)v->o.pmu << KVM_ARM_VCPU_PMU_V3;
    call(v->vcpu[n], KVM_ARM_VCPU_INIT, &init, "KVM_ARM_VCPU_INIT");
    if (v->o.e2h0) {
        without_lpa2(v->vcpu[n]);
    }
}

static void set_attr(int fd, uint32_t group, uint64_t attr, const void *value, const char *what)
{
    const struct kvm_device_attr a = { .group = group, .attr = attr, .addr = (uint64_t)value };
    call(fd, KVM_SET_DEVICE_ATTR, &a, what);
}

static void make_gic(Vmm *v)
{
    struct kvm_create_device device = { .type = KVM_DEV_TYPE_ARM_VGIC_V3 };
    call(v->vm, KVM_CREATE_DEVICE, &device, "GICv3");
    v->gic = (int)device.fd;
    const uint64_t dist = GICD, redist = GICR;
    const uint32_t lines = 64, maintenance = 25;
    set_attr(v->gic, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, &dist, "GICD address");
    set_attr(v->gic, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST, &redist, "GICR address");
    set_attr(v->gic, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &lines, "GIC lines");
    if (v->o.el2) {
        set_attr(v->gic, GROUP_MAINT_IRQ, 0, &maintenance, "maintenance interrupt");
    }
    set_attr(v->gic, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, NULL, "GIC init");
}

static void make_pmu(Vmm *v, unsigned n)
{
    const int irq = 23;
    set_attr(v->vcpu[n], KVM_ARM_VCPU_PMU_V3_CTRL, KVM_ARM_VCPU_PMU_V3_IRQ, &irq, "PMU interrupt");
    set_attr(v->vcpu[n], KVM_ARM_VCPU_PMU_V3_CTRL, KVM_ARM_VCPU_PMU_V3_INIT, NULL, "PMU init");
}

static void tree_nodes(Vmm *v, Fdt *f)
{
    fdt_begin(f, "psci");
    fdt_text(f, "compatible", "arm,psci-1.0");
    fdt_text(f, "method", v->o.el2 ? "smc" : "hvc");
    fdt_end(f);
    fdt_begin(f, "intc@8000000");
    fdt_text(f, "compatible", "arm,gic-v3");
    FDT_CELLS(f, "#interrupt-cells", 3);
    fdt_bytes(f, "interrupt-controller", "", 0);
    FDT_CELLS(f, "reg", 0, GICD, 0, 0x10000, 0, GICR, 0, 0x20000 * v->o.cpus);
    FDT_CELLS(f, "interrupts", 1, 9, 4);
    FDT_CELLS(f, "phandle", 1);
    fdt_end(f);
    fdt_begin(f, "timer");
    fdt_text(f, "compatible", "arm,armv8-timer");
    fdt_bytes(f, "always-on", "", 0);
    FDT_CELLS(f, "interrupts", 1, 13, 4, 1, 14, 4, 1, 11, 4, 1, 10, 4, 1, 12, 4);
    if (v->o.mhz) {
        FDT_CELLS(f, "clock-frequency", v->o.mhz * 1000000);
    }
    fdt_end(f);
    if (v->o.pmu) {
        fdt_begin(f, "pmu");
        fdt_text(f, "compatible", "arm,armv8-pmuv3");
        FDT_CELLS(f, "interrupts", 1, 7, 4);
        fdt_end(f);
    }
    fdt_begin(f, "serial@9000000");
    fdt_text(f, "compatible", "ns16550a");
    FDT_CELLS(f, "reg", 0, UART, 0, 0x1000);
    FDT_CELLS(f, "clock-frequency", 1843200);
    FDT_CELLS(f, "interrupts", 0, UART_SPI, 4);
    fdt_end(f);
}

static void make_tree(Vmm *v)
{
    static Fdt f;
    fdt_begin(&f, "");
    FDT_CELLS(&f, "#address-cells", 2);
    FDT_CELLS(&f, "#size-cells", 2);
    FDT_CELLS(&f, "interrupt-parent", 1);
    fdt_text(&f, "compatible", "linux,dummy-virt");
    fdt_begin(&f, "chosen");
    fdt_text(&f, "bootargs", v->o.append);
    fdt_text(&f, "stdout-path", "/serial@9000000");
    if (v->o.initrd) {
        FDT_CELLS(&f, "linux,initrd-start", 0, (uint32_t)(RAM + INITRD_AT));
        FDT_CELLS(&f, "linux,initrd-end", 0, (uint32_t)(RAM + INITRD_AT + v->initrd_size));
    }
    fdt_end(&f);
    fdt_begin(&f, "memory@40000000");
    fdt_text(&f, "device_type", "memory");
    FDT_CELLS(&f, "reg", 0, RAM, (uint32_t)(v->o.mib >> 12), (uint32_t)(v->o.mib << 20));
    fdt_end(&f);
    fdt_begin(&f, "cpus");
    FDT_CELLS(&f, "#address-cells", 1);
    FDT_CELLS(&f, "#size-cells", 0);
    for (unsigned n = 0; n < v->o.cpus; n++) {
        char name[16];
        snprintf(name, sizeof name, "cpu@%u", n);
        fdt_begin(&f, name);
        fdt_text(&f, "device_type", "cpu");
        fdt_text(&f, "compatible", "arm,armv8");
        fdt_text(&f, "enable-method", "psci");
        FDT_CELLS(&f, "reg", n);
        fdt_end(&f);
    }
    fdt_end(&f);
    tree_nodes(v, &f);
    fdt_end(&f);
    fdt_finish(&f, v->ram + DTB_AT);
}

static void set_reg(Vmm *v, uint64_t offset, uint64_t value)
{
    const struct kvm_one_reg reg = { .id = KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | offset / 4, .addr = (uint64_t)&value };
    call(v->vcpu[0], KVM_SET_ONE_REG, &reg, "KVM_SET_ONE_REG");
}

static void uart_line(Vmm *v)
{
    const struct kvm_irq_level line = { .irq = KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT | (32 + UART_SPI),
                                        .level = uart_irq(&v->uart) };
    call(v->vm, KVM_IRQ_LINE, &line, "KVM_IRQ_LINE");
}

/* False: the guest touched an address where nothing is. */
static int mmio(Vmm *v, struct kvm_run *run)
{
    if (run->mmio.phys_addr < UART || run->mmio.phys_addr >= UART + 8) {
        fprintf(stderr, "vmm: %s of 0x%llx\n", run->mmio.is_write ? "write" : "read", (unsigned long long)run->mmio.phys_addr);
        return 0;
    }
    const unsigned reg = (unsigned)(run->mmio.phys_addr - UART);
    pthread_mutex_lock(&v->lock);
    if (run->mmio.is_write) {
        uart_write(&v->uart, reg, run->mmio.data[0]);
    } else {
        memset(run->mmio.data, 0, sizeof run->mmio.data);
        run->mmio.data[0] = uart_read(&v->uart, reg);
    }
    uart_line(v);
    pthread_mutex_unlock(&v->lock);
    return 1;
}

static void finish(const char *how, int status)
{
    fflush(stdout);
    fprintf(stderr, "vmm: %s\n", how);
    exit(status);
}

static void run_vcpu(Vmm *v, unsigned n)
{
    struct kvm_run *run = mmap(NULL, v->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, v->vcpu[n], 0);
    for (;;) {
        if (ioctl(v->vcpu[n], KVM_RUN, 0) < 0 && errno != EINTR && errno != EAGAIN) {
            die("KVM_RUN");
        }
        switch (run->exit_reason) {
        case KVM_EXIT_MMIO:
            if (!mmio(v, run)) {
                finish("guest error", 1);
            }
            break;
        case KVM_EXIT_SYSTEM_EVENT:
            if (run->system_event.type == KVM_SYSTEM_EVENT_SHUTDOWN) {
                finish("power off", 0);
            }
            finish(run->system_event.type == KVM_SYSTEM_EVENT_RESET ? "reset" : "crash", 2);
            break;
        case KVM_EXIT_INTR:
            break;
        default:
            fprintf(stderr, "vmm: exit reason %u\n", run->exit_reason);
            finish("unexpected exit", 1);
        }
    }
}

typedef struct {
    Vmm *v;
    unsigned n;
} Thread;

static void *vcpu_thread(void *arg)
{
    const Thread *t = arg;
    run_vcpu(t->v, t->n);
    return NULL;
}

/* Reads and clears the dirty bitmap for as long as the guest lives; says how many pages were seen at the end of each second. */
static void *dirty_thread(void *arg)
{
    Vmm *v = arg;
    const size_t words = (v->o.mib << 8) / 64;
    uint64_t *map = calloc(words, 8);
    unsigned long total = 0;
    for (unsigned round = 1;; round++) {
        usleep(100000);
        const struct kvm_dirty_log log = { .slot = 0, .dirty_bitmap = map };
        call(v->vm, KVM_GET_DIRTY_LOG, &log, "KVM_GET_DIRTY_LOG");
        for (size_t i = 0; i < words; i++) {
            total += (unsigned long)__builtin_popcountll(map[i]);
        }
        if (round % 10 == 0) {
            fprintf(stderr, "vmm: dirty pages %lu\n", total);
        }
    }
    return NULL;
}

/* What a careless monitor may pass: no tree at all, or one with bytes changed in its header and its nodes. */
static void damage_tree(Vmm *v)
{
    uint8_t *tree = v->ram + DTB_AT;
    uint32_t x = v->o.bad_tree;
    if (x == 1) {
        memset(tree, 0, 4096);
        return;
    }
    for (unsigned i = 0; i < 64; i++) {
        x = x * 1664525 + 1013904223;
        tree[(x >> 8) % (i < 4 ? 40 : 2048)] ^= (uint8_t)(x >> 24);
    }
}

static Options parse(int argc, char **argv)
{
    Options o = { .cpus = 1, .mib = 256, .append = "console=ttyS0" };
    int c;
    while ((c = getopt(argc, argv, "c:m:a:i:t:b:f:enupd")) != -1) {
        switch (c) {
        case 'c': o.cpus = (unsigned)atoi(optarg); break;
        case 'm': o.mib = (unsigned long)atol(optarg); break;
        case 'a': o.append = optarg; break;
        case 'i': o.initrd = optarg; break;
        case 't': o.mark = optarg; break;
        case 'b': o.bad_tree = (unsigned)atoi(optarg); break;
        case 'f': o.mhz = (unsigned)atoi(optarg); break;
        case 'e': o.el2 = 1; break;
        case 'n': o.el2 = o.e2h0 = 1; break;
        case 'u': o.pmu = 1; break;
        case 'p': o.protected_vm = 1; break;
        case 'd': o.dirty = 1; break;
        default: exit(2);
        }
    }
    if (optind + 1 != argc || o.cpus < 1 || o.cpus > MAX_CPUS || o.mib < 160) {
        fputs("usage: vmm [-c CPUS] [-m MIB] [-a APPEND] [-i INITRD] [-t MARK] [-b SEED] [-f MHZ] [-e] [-n] [-u] [-p] [-d] IMAGE\n", stderr);
        exit(2);
    }
    o.image = argv[optind];
    return o;
}

int main(int argc, char **argv)
{
    static Vmm v = { .lock = PTHREAD_MUTEX_INITIALIZER };
    v.o = parse(argc, argv);
    v.uart.mark = v.o.mark;
    v.uart.at_start = 1;
    setvbuf(stdout, NULL, _IOFBF, 4096);
    make_vm(&v);
    load(&v, v.o.image, 0);
    if (v.o.initrd) {
        v.initrd_size = load(&v, v.o.initrd, INITRD_AT);
    }
    make_tree(&v);
    if (v.o.bad_tree) {
        damage_tree(&v);
    }
    for (unsigned n = 0; n < v.o.cpus; n++) {
        make_vcpu(&v, n);
    }
    make_gic(&v);
    set_reg(&v, offsetof(struct kvm_regs, regs.regs[0]), RAM + DTB_AT);
    set_reg(&v, offsetof(struct kvm_regs, regs.pc), RAM);
    pthread_t thread;
    static Thread args[MAX_CPUS];
    for (unsigned n = 0; n < v.o.cpus; n++) {
        if (v.o.pmu) {
            make_pmu(&v, n);
        }
        args[n] = (Thread){ &v, n };
        if (n && pthread_create(&thread, NULL, vcpu_thread, &args[n])) {
            die("thread");
        }
    }
    if (v.o.dirty && pthread_create(&thread, NULL, dirty_thread, &v)) {
        die("thread");
    }
    run_vcpu(&v, 0);
    return 0;
}
