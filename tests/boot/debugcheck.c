/*
 * Hardware breakpoints, watchpoints and single steps as a debugger and as perf use them: PTRACE_SETREGSET of NT_ARM_HW_BREAK and
 * NT_ARM_HW_WATCH, PTRACE_SINGLESTEP, perf_event_open of PERF_TYPE_BREAKPOINT. Prints "check NAME ok" or "check NAME FAILED".
 */
#define _GNU_SOURCE
#include <elf.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <asm/ptrace.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static int failures;

static void report(const char *name, int good)
{
    printf("check %s %s\n", name, good ? "ok" : "FAILED");
    failures += !good;
}

static void report_number(const char *name, uint64_t got, uint64_t want)
{
    if (got != want)
        printf("%s: %#llx, expected %#llx\n", name, (unsigned long long)got, (unsigned long long)want);
    report(name, got == want);
}

static volatile struct {
    uint64_t before;
    uint8_t bytes[8];
    uint64_t after, many[64];
} cells __attribute__((aligned(512)));

/* Ten instructions, of which the third is a call of the kernel and the sixth jumps over the seventh. */
void line(void);
__asm__(".pushsection .text\n.globl line\n.balign 4\nline:\n"
        " mov x9, x30\n mov x8, #172\n svc #0\n nop\n cbz xzr, 1f\n nop\n1: add x0, x0, #1\n bl 2f\n ret x9\n2: ret\n"
        ".popsection");
extern char leaf[];
void call_leaf(void);
__asm__(".pushsection .text\n.globl call_leaf\n.globl leaf\n.balign 4\ncall_leaf:\n mov x0, #0\nleaf: add x0, x0, #1\n ret\n.popsection");

/* --- the traced process ------------------------------------------------------------------------ */
static void traced(void)
{
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    call_leaf();
    call_leaf();
    cells.before = 1;
    cells.after = 1;
    (void)cells.bytes[5];
    cells.bytes[4] = 1;
    cells.bytes[5] = 2;
    cells.many[63] = 3;
    line();
    __asm__ volatile("brk #7");
    _exit(17);
}

/* --- the debugger ------------------------------------------------------------------------------ */
static uint64_t pc_of(pid_t child)
{
    struct user_pt_regs regs;
    struct iovec io = {&regs, sizeof regs};
    ptrace(PTRACE_GETREGSET, child, (void *)NT_PRSTATUS, &io);
    return regs.pc;
}

static void skip_instruction(pid_t child)
{
    struct user_pt_regs regs;
    struct iovec io = {&regs, sizeof regs};
    ptrace(PTRACE_GETREGSET, child, (void *)NT_PRSTATUS, &io);
    regs.pc += 4;
    ptrace(PTRACE_SETREGSET, child, (void *)NT_PRSTATUS, &io);
}

static unsigned slots(pid_t child, long kind)
{
    struct user_hwdebug_state state = {0};
    struct iovec io = {&state, sizeof state};
    return ptrace(PTRACE_GETREGSET, child, (void *)kind, &io) ? 0 : state.dbg_info & 0xff;
}

/* bytes: of the doubleword, a bit each; type: HW_BREAKPOINT_*; 0 bytes: off. False: the kernel refuses. */
static int set(pid_t child, long kind, uint64_t address, unsigned bytes, unsigned type)
{
    struct user_hwdebug_state state = {0};
    struct iovec io = {&state, offsetof(struct user_hwdebug_state, dbg_regs[1])};
    enum { EL0 = 2 << 1 };
    unsigned lsc = type == HW_BREAKPOINT_X ? 0 : type;
    state.dbg_regs[0].addr = address;
    state.dbg_regs[0].ctrl = bytes ? bytes << 5 | lsc << 3 | EL0 | 1 : 0;
    return ptrace(PTRACE_SETREGSET, child, (void *)kind, &io) == 0;
}

/* Goes on until the next signal; si_code of a SIGTRAP, else -1. */
static int go(pid_t child, int how, siginfo_t *info)
{
    int status;
    ptrace(how, child, 0, 0);
    if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP)
        return -1;
    ptrace(PTRACE_GETSIGINFO, child, 0, info);
    return info->si_code;
}

/* A hit at this address; then the instruction is stepped with the breakpoint off. */
static void expect_hit(pid_t child, long kind, const char *name, uint64_t address)
{
    siginfo_t info = {0};
    int code = go(child, PTRACE_CONT, &info);
    report_number(name, code == TRAP_HWBKPT ? (uint64_t)info.si_addr : 0, address);
    if (kind == NT_ARM_HW_BREAK)
        report_number("pc at a breakpoint", pc_of(child), address);
    set(child, kind, 0, 0, 0);
    report("step over it", go(child, PTRACE_SINGLESTEP, &info) == TRAP_TRACE || info.si_code == TRAP_HWBKPT);
}

static void breakpoints(pid_t child)
{
    report_number("breakpoints", slots(child, NT_ARM_HW_BREAK), 6);
    report_number("watchpoints", slots(child, NT_ARM_HW_WATCH), 4);
    for (int i = 0; i < 2; i++) {
        report("set a breakpoint", set(child, NT_ARM_HW_BREAK, (uint64_t)leaf, 15, HW_BREAKPOINT_X));
        expect_hit(child, NT_ARM_HW_BREAK, "breakpoint", (uint64_t)leaf);
    }
}

static void watchpoints(pid_t child)
{
    const uint64_t at = (uint64_t)cells.bytes;
    report("set a watchpoint", set(child, NT_ARM_HW_WATCH, at, 0x30, HW_BREAKPOINT_W));
    expect_hit(child, NT_ARM_HW_WATCH, "write of byte 4", at + 4);
    set(child, NT_ARM_HW_WATCH, at, 0x20, HW_BREAKPOINT_RW);
    expect_hit(child, NT_ARM_HW_WATCH, "write of byte 5", at + 5);
    set(child, NT_ARM_HW_WATCH, (uint64_t)&cells.many[63], 0xff, HW_BREAKPOINT_W);
    expect_hit(child, NT_ARM_HW_WATCH, "write of the last doubleword", (uint64_t)&cells.many[63]);
}

/* From the breakpoint at `line`, instruction by instruction. Behind the SVC the kernel reports the end of its call first (not as
 * TRAP_TRACE), then the step. */
static void steps(pid_t child)
{
    enum { AFTER_CALL = 2 };
    static const uint8_t offsets[] = {4, 8, 12, 12, 16, 24, 28, 36, 32};
    siginfo_t info;
    set(child, NT_ARM_HW_BREAK, (uint64_t)line, 15, HW_BREAKPOINT_X);
    report("to the line", go(child, PTRACE_CONT, &info) == TRAP_HWBKPT);
    set(child, NT_ARM_HW_BREAK, 0, 0, 0);
    for (unsigned i = 0; i < sizeof offsets; i++) {
        int code = go(child, PTRACE_SINGLESTEP, &info);
        report("step", i == AFTER_CALL ? code != -1 : code == TRAP_TRACE);
        report_number("pc after it", pc_of(child) - (uint64_t)line, offsets[i]);
    }
}

static void debugger(void)
{
    int status;
    siginfo_t info;
    pid_t child = fork();
    if (child == 0)
        traced();
    waitpid(child, &status, 0);
    report("stopped", WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    breakpoints(child);
    watchpoints(child);
    steps(child);
    report("BRK", go(child, PTRACE_CONT, &info) == TRAP_BRKPT);
    skip_instruction(child);
    ptrace(PTRACE_CONT, child, 0, 0);
    report("exit status", waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 17);
}

/* --- perf: the kernel itself steps over each hit ---------------------------------------------------- */
static int counter(uint64_t address, unsigned type, uint64_t length)
{
    struct perf_event_attr attr = {
        .type = PERF_TYPE_BREAKPOINT,
        .size = sizeof attr,
        .bp_type = type,
        .bp_addr = address,
        .bp_len = length,
        .exclude_kernel = 1,
        .exclude_hv = 1,
    };
    return (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

static uint64_t count_of(int event)
{
    uint64_t value = 0;
    return read(event, &value, sizeof value) == sizeof value ? value : UINT64_MAX;
}

enum { ROUNDS = 100 };
static void perf(void)
{
    int calls = counter((uint64_t)leaf, HW_BREAKPOINT_X, 4), writes = counter((uint64_t)&cells.many[7], HW_BREAKPOINT_W, 8);
    int reads = counter((uint64_t)&cells.many[8], HW_BREAKPOINT_R, 4);
    report("perf_event_open", calls >= 0 && writes >= 0 && reads >= 0);
    for (unsigned i = 0; i < ROUNDS; i++) {
        call_leaf();
        cells.many[7] = i;
        (void)cells.many[7];
        (void)*(volatile uint32_t *)&cells.many[8];
        cells.many[8] = i;
        memset((void *)&cells.many[6], 0, 8);
    }
    report_number("calls counted", count_of(calls), ROUNDS);
    report_number("writes counted", count_of(writes), ROUNDS);
    report_number("reads counted", count_of(reads), ROUNDS);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    debugger();
    perf();
    printf("debugcheck: %d failed\n", failures);
    return failures != 0;
}
