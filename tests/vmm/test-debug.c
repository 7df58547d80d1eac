/*
 * A guest that is debugged from outside: KVM_SET_GUEST_DEBUG with hardware breakpoints and watchpoints, single steps and BRK. Linux
 * kernel documentation, "KVM_SET_GUEST_DEBUG"; syndromes: Arm ARM, ESR_ELx.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "kvmtest.h"
#include "tiny.h"

#define AT 0x90000000ull
#define BRK 0xd4200000u
enum { BYTES = 1 << 16, SLOT = 1, MAX_EXITS = 64, BREAKPOINT = 0x30, STEP = 0x32, WATCHPOINT = 0x34, BRK64 = 0x3c };

extern const uint8_t agent_code[], agent_store[], agent_load[], agent_done[];

static uint64_t guest_address(const uint8_t *label)
{
    return TINY_CODE + (uint64_t)(label - agent_code);
}

/* What the exits said; after `limit` of them debugging ends. */
static struct {
    unsigned n, limit;
    unsigned class[MAX_EXITS];
    uint64_t pc[MAX_EXITS], far[MAX_EXITS];
} seen;

static void set_debug(Tiny *t, const struct kvm_guest_debug *debug)
{
    if (ioctl(t->vcpu[0], KVM_SET_GUEST_DEBUG, debug) < 0) {
        fail_hard("KVM_SET_GUEST_DEBUG");
    }
}

static uint64_t pc_of(Tiny *t)
{
    uint64_t value = 0;
    const struct kvm_one_reg reg = { .id = KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | offsetof(struct kvm_regs, regs.pc) / 4,
                                     .addr = (uint64_t)&value };
    if (ioctl(t->vcpu[0], KVM_GET_ONE_REG, &reg) < 0) {
        fail_hard("KVM_GET_ONE_REG");
    }
    return value;
}

static void on_debug(Tiny *t, unsigned cpu, struct kvm_run *run)
{
    (void)cpu;
    if (seen.n < MAX_EXITS) {
        seen.class[seen.n] = run->debug.arch.hsr >> 26;
        seen.far[seen.n] = run->debug.arch.far;
        seen.pc[seen.n] = pc_of(t);
    }
    if (++seen.n >= seen.limit) {
        set_debug(t, &(struct kvm_guest_debug){ 0 });
    }
}

static void start(Tiny *t, const struct kvm_guest_debug *debug, unsigned limit)
{
    memset(&seen, 0, sizeof seen);
    seen.limit = limit;
    t->on_debug = on_debug;
    set_debug(t, debug);
}

static void breakpoint(Tiny *t, unsigned n)
{
    struct kvm_guest_debug debug = { .control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW };
    debug.arch.dbg_bvr[n] = guest_address(agent_load);
    debug.arch.dbg_bcr[n] = 0xf << 5 | 3 << 1 | 1;
    start(t, &debug, 1);
    tiny_store(t, 0, AT, 0x1234);
    check(seen.n == 0, "debug: breakpoint %u, not for other code", n);
    check(tiny_load(t, 0, AT) == 0x1234 && seen.n == 1, "debug: breakpoint %u, one exit", n);
    check(seen.class[0] == BREAKPOINT && seen.pc[0] == guest_address(agent_load), "debug: breakpoint %u, class %#x at %#lx", n, seen.class[0],
          seen.pc[0]);
    check(tiny_load(t, 0, AT) == 0x1234 && seen.n == 1, "debug: breakpoint %u is gone", n);
}

/* kind: 1 loads, 2 stores, 3 both. */
static void watchpoint(Tiny *t, unsigned n, unsigned kind)
{
    struct kvm_guest_debug debug = { .control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW };
    const uint64_t at = AT + 0x1000 + 8 * n;
    tiny_store(t, 0, at, 0x55);
    debug.arch.dbg_wvr[n] = at;
    debug.arch.dbg_wcr[n] = 0xff << 5 | kind << 3 | 3 << 1 | 1;
    start(t, &debug, 1);
    tiny_store(t, 0, at + 64, 1);
    tiny_load(t, 0, at - 64);
    check(seen.n == 0, "debug: watchpoint %u, not for its neighbours", n);
    if (kind & 2) {
        tiny_store(t, 0, at, 0x66);
    } else {
        tiny_load(t, 0, at);
    }
    check(seen.n == 1 && seen.class[0] == WATCHPOINT && seen.far[0] == at, "debug: watchpoint %u, class %#x at %#lx", n, seen.class[0], seen.far[0]);
    check(seen.pc[0] == guest_address(kind & 2 ? agent_store : agent_load), "debug: watchpoint %u, its instruction", n);
    check(tiny_load(t, 0, at) == (kind & 2 ? 0x66 : 0x55), "debug: watchpoint %u is gone", n);
}

/* The agent from its first instruction to the result of a load: each once, those that leave for the mailbox too. */
static void steps(void)
{
    Tiny t;
    uint64_t expected[MAX_EXITS];
    unsigned n = 0, differ = 0;
    uint64_t *memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    tiny_create(&t, 0, 1);
    memory[0] = 0x77;
    tiny_slot(&t, SLOT, AT, BYTES, memory, 0);
    enum { PROLOGUE = 4, TO_BRANCH = 9 }; /* instructions: up to `loop`; from there to the branch that a load takes */
    for (unsigned i = 1; i < PROLOGUE + TO_BRANCH; i++) {
        expected[n++] = TINY_CODE + 4 * i;
    }
    expected[n++] = guest_address(agent_load);
    expected[n++] = guest_address(agent_load) + 4;
    expected[n++] = guest_address(agent_done);
    start(&t, &(struct kvm_guest_debug){ .control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP }, n);
    check(tiny_load(&t, 0, AT) == 0x77, "debug: a load by steps");
    check(seen.n == n, "debug: %u steps, expected %u", seen.n, n);
    for (unsigned i = 0; i < n && i < seen.n; i++) {
        differ += seen.class[i] != STEP || seen.pc[i] != expected[i];
    }
    check(differ == 0, "debug: class and address of each step, %u differ", differ);
    tiny_destroy(&t);
    munmap(memory, BYTES);
}

static void software_breakpoint(Tiny *t)
{
    uint32_t *code = (uint32_t *)(t->slot[0].memory + (agent_load - agent_code)), kept = *code;
    *code = BRK;
    __builtin___clear_cache((char *)code, (char *)code + 4);
    start(t, &(struct kvm_guest_debug){ .control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP }, 2);
    for (unsigned i = 0; i < 2; i++) {
        struct kvm_run *run = t->run[0];
        while (ioctl(t->vcpu[0], KVM_RUN, 0) == 0 && run->exit_reason == KVM_EXIT_MMIO) {
            const uint64_t value = (run->mmio.phys_addr & 0xff) == 0 ? TINY_LOAD : AT;
            memcpy(run->mmio.data, &value, 8);
        }
        on_debug(t, 0, run);
    }
    check(seen.class[0] == BRK64 && seen.class[1] == BRK64, "debug: BRK, classes %#x and %#x", seen.class[0], seen.class[1]);
    check(seen.pc[0] == guest_address(agent_load) && seen.pc[1] == seen.pc[0], "debug: BRK is where it was");
    *code = kept;
    __builtin___clear_cache((char *)code, (char *)code + 4);
    check(tiny_load(t, 0, AT) == 0x1234, "debug: the instruction is back, and its load ends");
}

void test_debug(void)
{
    Tiny t;
    void *memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    tiny_create(&t, 0, 1);
    tiny_slot(&t, SLOT, AT, BYTES, memory, 0);
    const int bps = ioctl(t.vm, KVM_CHECK_EXTENSION, KVM_CAP_GUEST_DEBUG_HW_BPS), wps = ioctl(t.vm, KVM_CHECK_EXTENSION, KVM_CAP_GUEST_DEBUG_HW_WPS);
    check(bps == 6 && wps == 4, "debug: %d breakpoints, %d watchpoints", bps, wps);
    for (int n = 0; n < bps; n++) {
        breakpoint(&t, (unsigned)n);
    }
    for (int n = 0; n < wps; n++) {
        watchpoint(&t, (unsigned)n, (unsigned)n % 3 + 1);
    }
    software_breakpoint(&t);
    tiny_destroy(&t);
    munmap(memory, BYTES);
    steps();
}
