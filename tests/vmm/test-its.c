/*
 * The virtual ITS that KVM gives a guest: the guest sets it up and gives commands, LPIs come from INT commands and from the monitor's
 * messages (KVM_SIGNAL_MSI), and the guest acknowledges them. Linux kernel documentation, "ARM Virtual Interrupt Translation Service".
 */
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "kvmtest.h"
#include "tiny.h"

#define GICD 0x08000000ull
#define GITS 0x08080000ull
#define GICR(cpu) (0x080a0000ull + (cpu) * 0x20000ull)
#define AT 0x90000000ull
#define VALID (1ull << 63)
enum { BYTES = 1 << 20, CPUS = 2, SPURIOUS = 1023 };
/* Where the tables are in the slot. */
enum { CONFIG = 0, PENDING = 0x10000, DEVICES = 0x40000, COLLECTIONS = 0x50000, QUEUE = 0x60000, ITT = 0x70000 };
enum { MOVI = 1, INT = 3, CLEAR = 4, SYNC = 5, MAPD = 8, MAPC = 9, MAPTI = 10, INV = 12, INVALL = 13, DISCARD = 15 };

static Tiny t;
static uint8_t *memory;

static uint64_t act(unsigned cpu, TinyOp op, uint64_t a, uint64_t b)
{
    return tiny_do(&t, cpu, (TinyCommand){ op, { a, b } }, NULL);
}

static void set_attr(int fd, unsigned group, uint64_t attr, uint64_t value, const char *what)
{
    const struct kvm_device_attr a = { .group = group, .attr = attr, .addr = (uint64_t)&value };
    if (ioctl(fd, KVM_SET_DEVICE_ATTR, &a) < 0) {
        fail_hard(what);
    }
}

static int make_device(unsigned type, const char *what)
{
    struct kvm_create_device d = { .type = type };
    if (ioctl(t.vm, KVM_CREATE_DEVICE, &d) < 0) {
        fail_hard(what);
    }
    return (int)d.fd;
}

/* The ITS's file. */
static int make_interrupts(void)
{
    const int gic = make_device(KVM_DEV_TYPE_ARM_VGIC_V3, "vGIC");
    set_attr(gic, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, GICD, "distributor");
    set_attr(gic, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST, GICR(0), "redistributors");
    set_attr(gic, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, 0, "vGIC");
    const int its = make_device(KVM_DEV_TYPE_ARM_VGIC_ITS, "vITS");
    set_attr(its, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_ITS_ADDR_TYPE, GITS, "vITS");
    set_attr(its, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, 0, "vITS");
    return its;
}

static void set_up(void)
{
    memset(memory + CONFIG, 0xa3, 0x10000); /* every LPI: priority 0xa0, enabled */
    act(0, TINY_STORE32, GICD, 0x12);
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        act(cpu, TINY_STORE, GICR(cpu) + 0x70, (AT + CONFIG) | 15);
        act(cpu, TINY_STORE, GICR(cpu) + 0x78, (AT + PENDING + cpu * 0x10000) | 1ull << 62);
        act(cpu, TINY_STORE32, GICR(cpu), 1);
        act(cpu, TINY_OPEN, 0xf0, 0);
    }
    for (unsigned n = 0; n < 8; n++) {
        const uint64_t type = act(0, TINY_LOAD, GITS + 0x100 + 8 * n, 0) >> 56 & 7;
        if (type == 1 || type == 4) {
            act(0, TINY_STORE, GITS + 0x100 + 8 * n, VALID | (AT + (type == 1 ? DEVICES : COLLECTIONS)) | 2 << 8);
        }
    }
    act(0, TINY_STORE, GITS + 0x80, VALID | (AT + QUEUE) | 15);
    act(0, TINY_STORE, GITS + 0x88, 0);
    act(0, TINY_STORE32, GITS, 1);
    check((act(0, TINY_LOAD, GITS + 8, 0) & 1) == 1, "its: GITS_TYPER.Physical");
    check((act(0, TINY_LOAD32, GICR(0), 0) & 1) == 1, "its: LPIs are enabled");
}

/* Written by the monitor into the queue, given by the guest. */
static void command(uint64_t d0, uint64_t d1, uint64_t d2)
{
    const uint64_t at = act(0, TINY_LOAD, GITS + 0x88, 0), dw[4] = { d0, d1, d2 };
    memcpy(memory + QUEUE + at, dw, sizeof dw);
    act(0, TINY_STORE, GITS + 0x88, (at + 32) % 0x10000);
}

static void on_device(unsigned code, uint64_t d1, uint64_t d2)
{
    command(code | 5ull << 32, d1, d2);
}

static int signal_msi(uint32_t event)
{
    const struct kvm_msi msi = { .address_lo = (uint32_t)(GITS + 0x10040), .data = event, .flags = KVM_MSI_VALID_DEVID, .devid = 5 };
    return ioctl(t.vm, KVM_SIGNAL_MSI, &msi);
}

/* What the vCPU acknowledges; it is ended. */
static uint64_t take(unsigned cpu)
{
    const uint64_t intid = act(cpu, TINY_ACK, 0, 0);
    if (intid != SPURIOUS) {
        act(cpu, TINY_EOI, intid, 0);
    }
    return intid;
}

static void one_vcpu(void)
{
    on_device(MAPD, 4, (AT + ITT) | VALID);
    command(MAPC, 0, VALID);
    on_device(MAPTI, 3 | 8200ull << 32, 0);
    on_device(MAPTI, 4 | 8201ull << 32, 0);
    command(SYNC, 0, 0);
    check(take(0) == SPURIOUS, "its: nothing is pending");
    on_device(INT, 3, 0);
    check(take(0) == 8200 && take(0) == SPURIOUS, "its: INT command");
    check(signal_msi(4) == 1 && take(0) == 8201 && take(0) == SPURIOUS, "its: the monitor's message");
    memory[CONFIG + 8 + 1] = 0x23; /* 8201 goes first */
    on_device(INV, 4, 0);
    signal_msi(3);
    signal_msi(4);
    check(take(0) == 8201 && take(0) == 8200 && take(0) == SPURIOUS, "its: priorities");
    memory[CONFIG + 8] = 0xa2;
    command(INVALL, 0, 0);
    signal_msi(3);
    check(take(0) == SPURIOUS, "its: disabled");
    memory[CONFIG + 8] = 0xa3;
    command(INVALL, 0, 0);
    check(take(0) == 8200, "its: enabled, it was pending");
    signal_msi(4);
    on_device(CLEAR, 4, 0);
    check(take(0) == SPURIOUS, "its: CLEAR");
    check(signal_msi(7) <= 0 && take(0) == SPURIOUS, "its: a message that is not mapped");
    unsigned right = 0;
    for (unsigned i = 0; i < 500; i++) {
        right += signal_msi(3 + i % 2) == 1 && take(0) == 8200 + i % 2;
    }
    check(right == 500, "its: %u of 500 messages arrived", right);
}

static void two_vcpus(void)
{
    const uint64_t target = act(1, TINY_LOAD, GICR(1) + 8, 0) >> 8 & 0xffff;
    command(MAPC, 0, 1 | target << 16 | VALID);
    signal_msi(3);
    on_device(MOVI, 3, 1);
    check(take(0) == SPURIOUS && take(1) == 8200, "its: MOVI moves what is pending");
    signal_msi(3);
    check(take(0) == SPURIOUS && take(1) == 8200, "its: and what comes");
    signal_msi(4);
    check(take(1) == SPURIOUS && take(0) == 8201, "its: the other one stays");
    on_device(DISCARD, 3, 0);
    check(signal_msi(3) <= 0 && take(1) == SPURIOUS, "its: DISCARD");
}

static void tables(int its)
{
    const struct kvm_device_attr save = { .group = KVM_DEV_ARM_VGIC_GRP_CTRL, .attr = KVM_DEV_ARM_ITS_SAVE_TABLES };
    const struct kvm_device_attr reset = { .group = KVM_DEV_ARM_VGIC_GRP_CTRL, .attr = KVM_DEV_ARM_ITS_CTRL_RESET };
    const int saved = ioctl(its, KVM_SET_DEVICE_ATTR, &save);
    uint64_t device;
    memcpy(&device, memory + DEVICES + 5 * 8, 8);
    check(saved == 0 && device >> 63 == 1, "its: KVM saves the tables in the guest's memory");
    check(ioctl(its, KVM_SET_DEVICE_ATTR, &reset) == 0 && signal_msi(4) <= 0, "its: reset");
}

void test_its(void)
{
    memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if ((void *)memory == MAP_FAILED) {
        fail_hard("memory");
    }
    tiny_create(&t, 0, CPUS);
    tiny_slot(&t, 1, AT, BYTES, memory, 0);
    const int its = make_interrupts();
    set_up();
    one_vcpu();
    two_vcpus();
    tables(its);
    tiny_destroy(&t);
}
