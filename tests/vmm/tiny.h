/*
 * Tiny virtual machines for kvmtest: a few memory slots and vCPUs that run agent.S, which does single accesses on command. Linux
 * kernel documentation, "The Definitive KVM API Documentation".
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { TINY_MAX_CPUS = 4, TINY_MAX_SLOTS = 8, TINY_PAGE = 4096 };
#define TINY_CODE 0x40000000ull     /* where the agent lies */
#define TINY_CODE_SIZE 0x10000ull
#define TINY_MAILBOX 0x0a000000ull  /* one page a vCPU */
#define TINY_PROTECTED (1ul << 31)  /* KVM_VM_TYPE_ARM_PROTECTED */

typedef enum {
    TINY_STORE = 1, TINY_LOAD, TINY_STEP, TINY_CALL, TINY_COUNT, TINY_STORE32, TINY_LOAD32,
    TINY_OPEN, TINY_ACK, TINY_EOI, /* the GIC CPU interface */
    TINY_CALLS, TINY_LOADS,
} TinyOp;

typedef struct {
    uint64_t gpa, size;
    uint8_t *memory;
    int backing;     /* accesses that find no slot go to `memory` if set: the slot is away for a moment */
} TinySlot;

struct kvm_run;
typedef struct Tiny Tiny;
struct Tiny {
    int kvm, vm;
    unsigned cpus;
    int vcpu[TINY_MAX_CPUS];
    void *run[TINY_MAX_CPUS];
    TinySlot slot[TINY_MAX_SLOTS];
    unsigned long outside[TINY_MAX_CPUS]; /* accesses that found no slot */
    uint64_t esr[TINY_MAX_CPUS], far[TINY_MAX_CPUS]; /* the last exception the agent took; esr 0: none */
    void (*on_debug)(Tiny *t, unsigned cpu, struct kvm_run *run); /* KVM_EXIT_DEBUG; NULL: unexpected */
};

typedef struct {
    TinyOp op;
    uint64_t arg[4];
} TinyCommand;

/* A VM with the agent in slot 0. type: of KVM_CREATE_VM. Ends the program when KVM refuses. */
void tiny_create(Tiny *t, unsigned long type, unsigned cpus);
void tiny_destroy(Tiny *t);
/* Sets (size != 0) or removes a slot; flags as KVM_SET_USER_MEMORY_REGION takes them. Returns 0 or -errno. */
int tiny_slot(Tiny *t, unsigned slot, uint64_t gpa, uint64_t size, void *memory, uint32_t flags);
/* Runs vCPU `cpu` until it has done the command; returns the result. *error (may be NULL): errno of KVM_RUN, or 0. */
uint64_t tiny_do(Tiny *t, unsigned cpu, TinyCommand command, int *error);
uint64_t tiny_load(Tiny *t, unsigned cpu, uint64_t gpa);
void tiny_store(Tiny *t, unsigned cpu, uint64_t gpa, uint64_t value);
/* A number of KVM's own statistics of a vCPU, by name. */
uint64_t tiny_stat(const Tiny *t, unsigned cpu, const char *name);

/* Reports: one line a check; the program's status is the number that failed (at most 100). */
void check(int ok, const char *format, ...) __attribute__((format(printf, 2, 3)));
void fail_hard(const char *what);
int checks_failed(void);
