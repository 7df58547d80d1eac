#include "tiny.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

extern const uint8_t agent_code[], agent_end[];

enum { MAILBOX_ARGS = 8, MAILBOX_RESULT = 40, MAILBOX_FAR = 48, MAILBOX_ESR = 56 };
static int failed;

void check(int ok, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    printf("kvmtest: %s: ", ok ? "ok" : "FAILED");
    vprintf(format, args);
    putchar('\n');
    fflush(stdout);
    va_end(args);
    failed += !ok && failed < 100;
}

int checks_failed(void)
{
    return failed;
}

void fail_hard(const char *what)
{
    printf("kvmtest: FAILED: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int call(int fd, unsigned long request, const void *arg, const char *what)
{
    const int result = ioctl(fd, request, arg);
    if (result < 0) {
        fail_hard(what);
    }
    return result;
}

int tiny_slot(Tiny *t, unsigned slot, uint64_t gpa, uint64_t size, void *memory, uint32_t flags)
{
    const struct kvm_userspace_memory_region region = { .slot = slot, .flags = flags, .guest_phys_addr = gpa, .memory_size = size,
                                                        .userspace_addr = (uint64_t)memory };
    if (ioctl(t->vm, KVM_SET_USER_MEMORY_REGION, &region) < 0) {
        return -errno;
    }
    if (size || !t->slot[slot].backing) {
        t->slot[slot] = (TinySlot){ .gpa = gpa, .size = size, .memory = memory, .backing = t->slot[slot].backing };
    }
    return 0;
}

static void set_core(Tiny *t, unsigned cpu, uint64_t offset, uint64_t value)
{
    const struct kvm_one_reg reg = { .id = KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | offset / 4, .addr = (uint64_t)&value };
    call(t->vcpu[cpu], KVM_SET_ONE_REG, &reg, "KVM_SET_ONE_REG");
}

static void make_vcpu(Tiny *t, unsigned cpu, size_t run_size)
{
    struct kvm_vcpu_init init;
    t->vcpu[cpu] = call(t->vm, KVM_CREATE_VCPU, (void *)(unsigned long)cpu, "KVM_CREATE_VCPU");
    call(t->vm, KVM_ARM_PREFERRED_TARGET, &init, "KVM_ARM_PREFERRED_TARGET");
    init.features[0] |= 1u << KVM_ARM_VCPU_PSCI_0_2;
    call(t->vcpu[cpu], KVM_ARM_VCPU_INIT, &init, "KVM_ARM_VCPU_INIT");
    t->run[cpu] = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, t->vcpu[cpu], 0);
    if (t->run[cpu] == MAP_FAILED) {
        fail_hard("vCPU");
    }
    set_core(t, cpu, offsetof(struct kvm_regs, regs.regs[0]), TINY_MAILBOX + cpu * TINY_PAGE);
    set_core(t, cpu, offsetof(struct kvm_regs, regs.pc), TINY_CODE);
}

void tiny_create(Tiny *t, unsigned long type, unsigned cpus)
{
    memset(t, 0, sizeof *t);
    t->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (t->kvm < 0) {
        fail_hard("/dev/kvm");
    }
    t->vm = call(t->kvm, KVM_CREATE_VM, (void *)type, "KVM_CREATE_VM");
    t->cpus = cpus;
    uint8_t *code = mmap(NULL, TINY_CODE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (code == MAP_FAILED) {
        fail_hard("memory");
    }
    memcpy(code, agent_code, (size_t)(agent_end - agent_code));
    if (tiny_slot(t, 0, TINY_CODE, TINY_CODE_SIZE, code, 0)) {
        fail_hard("slot 0");
    }
    const size_t run_size = (size_t)call(t->kvm, KVM_GET_VCPU_MMAP_SIZE, NULL, "KVM_GET_VCPU_MMAP_SIZE");
    for (unsigned cpu = 0; cpu < cpus; cpu++) {
        make_vcpu(t, cpu, run_size);
    }
}

void tiny_destroy(Tiny *t)
{
    const size_t run_size = (size_t)call(t->kvm, KVM_GET_VCPU_MMAP_SIZE, NULL, "KVM_GET_VCPU_MMAP_SIZE");
    for (unsigned cpu = 0; cpu < t->cpus; cpu++) {
        munmap(t->run[cpu], run_size);
        close(t->vcpu[cpu]);
    }
    close(t->vm);
    close(t->kvm);
    munmap(t->slot[0].memory, TINY_CODE_SIZE);
}

/* The mailbox: reads give the command, the write of the result ends it. True: it has ended, *result. */
static int mailbox(Tiny *t, unsigned cpu, const TinyCommand *command, uint64_t *result)
{
    struct kvm_run *run = t->run[cpu];
    const uint64_t offset = run->mmio.phys_addr & (TINY_PAGE - 1);
    uint64_t value = 0;
    memcpy(&value, run->mmio.data, 8);
    if (!run->mmio.is_write) {
        value = offset == 0 ? (uint64_t)command->op : command->arg[(offset - MAILBOX_ARGS) / 8 & 3];
        memcpy(run->mmio.data, &value, 8);
        return 0;
    }
    if (offset == MAILBOX_FAR) {
        t->far[cpu] = value;
    } else if (offset == MAILBOX_ESR) {
        t->esr[cpu] = value;
    }
    *result = value;
    return offset == MAILBOX_RESULT;
}

/* An access that found no slot: to the memory behind a slot that is away, else reads give ~0. */
static void outside(Tiny *t, unsigned cpu)
{
    struct kvm_run *run = t->run[cpu];
    t->outside[cpu]++;
    for (unsigned i = 1; i < TINY_MAX_SLOTS; i++) {
        const TinySlot *s = &t->slot[i];
        const uint64_t offset = run->mmio.phys_addr - s->gpa;
        if (s->backing && offset < s->size) {
            void *to = run->mmio.is_write ? (void *)(s->memory + offset) : (void *)run->mmio.data;
            void *from = run->mmio.is_write ? (void *)run->mmio.data : (void *)(s->memory + offset);
            memcpy(to, from, run->mmio.len);
            return;
        }
    }
    if (!run->mmio.is_write) {
        memset(run->mmio.data, 0xff, sizeof run->mmio.data);
    }
}

uint64_t tiny_do(Tiny *t, unsigned cpu, TinyCommand command, int *error)
{
    struct kvm_run *run = t->run[cpu];
    uint64_t result = 0;
    t->esr[cpu] = 0;
    for (;;) {
        if (ioctl(t->vcpu[cpu], KVM_RUN, 0) < 0) {
            if (errno == EINTR || errno == EAGAIN) {
                continue;
            }
            if (!error) {
                fail_hard("KVM_RUN");
            }
            *error = errno;
            return 0;
        }
        if (run->exit_reason == KVM_EXIT_DEBUG && t->on_debug) {
            t->on_debug(t, cpu, run);
            continue;
        }
        if (run->exit_reason != KVM_EXIT_MMIO) {
            printf("kvmtest: exit reason %u\n", run->exit_reason);
            errno = EPROTO;
            fail_hard("unexpected exit");
        }
        if (run->mmio.phys_addr - TINY_MAILBOX >= (uint64_t)TINY_MAX_CPUS * TINY_PAGE) {
            outside(t, cpu);
        } else if (mailbox(t, cpu, &command, &result)) {
            if (error) {
                *error = 0;
            }
            return result;
        }
    }
}

uint64_t tiny_load(Tiny *t, unsigned cpu, uint64_t gpa)
{
    return tiny_do(t, cpu, (TinyCommand){ TINY_LOAD, { gpa } }, NULL);
}

void tiny_store(Tiny *t, unsigned cpu, uint64_t gpa, uint64_t value)
{
    tiny_do(t, cpu, (TinyCommand){ TINY_STORE, { gpa, value } }, NULL);
}

uint64_t tiny_stat(const Tiny *t, unsigned cpu, const char *name)
{
    struct kvm_stats_header header;
    uint64_t value = ~0ull;
    const int fd = call(t->vcpu[cpu], KVM_GET_STATS_FD, NULL, "KVM_GET_STATS_FD");
    if (pread(fd, &header, sizeof header, 0) != sizeof header) {
        fail_hard("statistics");
    }
    const size_t size = sizeof(struct kvm_stats_desc) + header.name_size;
    struct kvm_stats_desc *d = malloc(size);
    for (unsigned i = 0; d && i < header.num_desc; i++) {
        if (pread(fd, d, size, (off_t)(header.desc_offset + i * size)) == (ssize_t)size && strcmp(d->name, name) == 0 &&
            pread(fd, &value, 8, (off_t)(header.data_offset + d->offset)) != 8) {
            value = ~0ull;
        }
    }
    free(d);
    close(fd);
    return value;
}
