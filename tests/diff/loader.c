/*
 * The peer's side of the differential test: a freestanding AArch64 Linux program, run by a user-mode emulator. Reads DiffCases from
 * standard input in batches of up to DIFF_SLOTS, executes each, writes DiffResults; or DiffSpecs (state.h). Needs nothing of a C library.
 */
#include <asm/sigcontext.h>
#include <asm/signal.h>
#include <asm/ucontext.h>
#include <asm/unistd.h>

#include "state.h"

typedef struct {
    uint64_t x[31], sp, nzcv, fpcr, fpsr;
    uint64_t v[64];
    uint64_t end, host_sp, target;
} Context;

Context context; /* enter.S knows the offsets */
void enter(void);
void leave_next(void);
void leave_skip(void);
void resume(void);
void restorer(void);

static union {
    DiffCase cases[DIFF_SLOTS];
    DiffSpec specs[DIFF_SLOTS];
} in;
static union {
    DiffResult results[DIFF_SLOTS];
    uint64_t digests[DIFF_SLOTS * DIFF_RUNS];
} out;
static DiffShow one;
static uint8_t signal_stack[65536] __attribute__((aligned(16)));

static long syscall6(long n, long a, long b, long c, long d, const long ef[2])
{
    register long x8 __asm__("x8") = n;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = ef ? ef[0] : 0;
    register long x5 __asm__("x5") = ef ? ef[1] : 0;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5), "r"(x8) : "memory");
    return x0;
}

static void copy(void *to, const void *from, unsigned long n)
{
    uint64_t *d = to;
    const uint64_t *s = from;
    for (; n >= 8; n -= 8) {
        *d++ = *s++;
        __asm__ volatile("" ::: "memory"); /* no memcpy here */
    }
}

static void map(uint64_t at, uint64_t size)
{
    const long rest[2] = { -1, 0 };
    if (syscall6(__NR_mmap, (long)at, (long)size, 7, 0x32 /* PRIVATE ANONYMOUS FIXED */, rest) != (long)at) {
        syscall6(__NR_exit, 3, 0, 0, 0, 0);
    }
}

/* A fault ends the case: take over the registers that the kernel saved and go on behind enter(). */
enum { ILLEGAL_OPERAND = 2 }; /* ILL_ILLOPN: FEAT_FPAC, FEAT_MOPS */

static void on_signal(int number, void *info, void *frame)
{
    struct ucontext *uc = frame;
    struct sigcontext *sc = &uc->uc_mcontext;
    copy(context.x, sc->regs, sizeof context.x);
    context.sp = sc->sp;
    context.nzcv = sc->pstate & 0xf0000000u;
    const struct fpsimd_context *fp = (const void *)sc->__reserved;
    copy(context.v, fp->vregs, sizeof context.v);
    context.fpcr = fp->fpcr;
    context.fpsr = fp->fpsr;
    const int code = ((const int *)info)[2]; /* siginfo.si_code */
    context.end = number == SIGILL    ? code == ILLEGAL_OPERAND ? DIFF_OPERAND : DIFF_UNDEF
                  : number == SIGBUS  ? DIFF_ALIGN
                  : number == SIGTRAP ? DIFF_TRAP
                                      : DIFF_ABORT;
    sc->sp = context.host_sp;
    sc->pc = (uint64_t)&resume;
}

static void setup_signals(void)
{
    const stack_t stack = { .ss_sp = signal_stack, .ss_size = sizeof signal_stack };
    syscall6(__NR_sigaltstack, (long)&stack, 0, 0, 0, 0);
    const int numbers[] = { SIGILL, SIGSEGV, SIGBUS, SIGTRAP };
    for (unsigned i = 0; i < 4; i++) {
        struct {
            void (*handler)(int, void *, void *);
            unsigned long flags;
            void (*restorer)(void);
            uint64_t mask;
        } action = { on_signal, SA_SIGINFO | SA_ONSTACK | SA_RESTORER, restorer, 0 };
        syscall6(__NR_rt_sigaction, numbers[i], (long)&action, 0, 8, 0);
    }
}

static uint32_t branch(uint64_t from, uint64_t to)
{
    return 0x14000000u | ((uint32_t)((to - from) >> 2) & 0x3ffffffu);
}

/* Fills slot i: mrs x0, tpidr_el0; the words; "next"; "skip"; literals. */
static void lay(unsigned i, const uint32_t *word, unsigned n)
{
    const uint64_t at = DIFF_CODE + 64ull * i, exits = DIFF_CODE + 64ull * DIFF_SLOTS;
    uint32_t *slot = (uint32_t *)at;
    slot[0] = 0xd53bd040u;
    for (unsigned k = 0; k < n; k++) {
        slot[1 + k] = word[k];
    }
    slot[n + 1] = branch(at + 4 * (n + 1), exits);
    slot[n + 2] = branch(at + 4 * (n + 2), exits + 64);
    for (unsigned k = n + 3; k < 16; k++) {
        slot[k] = DIFF_LITERAL(i, k);
    }
}

/* Both exits lie within reach of the slots: stubs that save x0 in TPIDR_EL0 and go on in enter.S. */
static void lay_exits(void)
{
    void (*const to[2])(void) = { leave_next, leave_skip };
    for (unsigned k = 0; k < 2; k++) {
        uint32_t *p = (uint32_t *)(DIFF_CODE + 64ull * DIFF_SLOTS + 64 * k);
        p[0] = 0xd51bd040u; /* msr tpidr_el0, x0 */
        p[1] = 0x58000060u; /* ldr x0, p + 4 words */
        p[2] = 0xd61f0000u; /* br x0 */
        p[4] = (uint32_t)(uint64_t)to[k];
        p[5] = (uint32_t)((uint64_t)to[k] >> 32);
    }
}

/* New code becomes visible to instruction fetch (lines of 64 bytes or more). */
static void synchronise_code(void)
{
    for (uint64_t at = DIFF_CODE; at < DIFF_CODE + 64ull * DIFF_SLOTS + 128; at += 64) {
        __asm__ volatile("dc cvau, %0; dsb ish; ic ivau, %0" ::"r"(at) : "memory");
    }
    __asm__ volatile("dsb ish; isb" ::: "memory");
}

static void run(unsigned i, const DiffState *before, DiffResult *after)
{
    copy((void *)(DIFF_DATA - DIFF_WINDOW / 2), before->mem, DIFF_WINDOW);
    copy(&context, before, sizeof *before - sizeof before->mem);
    context.target = DIFF_CODE + 64ull * i;
    enter();
    copy(&after->state, &context, sizeof *before - sizeof before->mem);
    copy(after->state.mem, (void *)(DIFF_DATA - DIFF_WINDOW / 2), DIFF_WINDOW);
    after->end = context.end;
}

static long transfer(long number, long fd, void *data, unsigned long n)
{
    unsigned long done = 0;
    while (done < n) {
        const long got = syscall6(number, fd, (long)data + (long)done, (long)(n - done), 0, 0);
        if (got <= 0) {
            break;
        }
        done += (unsigned long)got;
    }
    return (long)done;
}

static void run_cases(unsigned n)
{
    transfer(__NR_read, 0, in.cases, n * sizeof in.cases[0]);
    for (unsigned i = 0; i < n; i++) {
        lay(i, in.cases[i].word, in.cases[i].n_words);
    }
    synchronise_code();
    for (unsigned i = 0; i < n; i++) {
        run(i, &in.cases[i].state, &out.results[i]);
    }
    transfer(__NR_write, 1, out.results, n * sizeof out.results[0]);
}

/* show: whole states, else digests. */
static void run_specs(unsigned n, int show)
{
    unsigned digests = 0;
    transfer(__NR_read, 0, in.specs, n * sizeof in.specs[0]);
    for (unsigned i = 0; i < n; i++) {
        lay(in.specs[i].slot, in.specs[i].word, in.specs[i].n_words);
    }
    synchronise_code();
    for (unsigned i = 0; i < n; i++) {
        const DiffSpec *p = &in.specs[i];
        for (unsigned k = 0; k < p->runs && k < DIFF_RUNS; k++) {
            diff_expand(p, p->first + k, &one.before);
            run(p->slot, &one.before, &one.after);
            if (show) {
                transfer(__NR_write, 1, &one, sizeof one);
            } else {
                out.digests[digests++] = diff_digest(&one.after);
            }
        }
    }
    transfer(__NR_write, 1, out.digests, digests * sizeof out.digests[0]);
}

void start_c(void)
{
    DiffHeader h;
    map(DIFF_CODE, 64ull * DIFF_SLOTS + 4096);
    map(DIFF_PAGES, DIFF_PAGES_SIZE);
    setup_signals();
    lay_exits();
    while (transfer(__NR_read, 0, &h, sizeof h) == sizeof h && h.count <= DIFF_SLOTS) {
        if (h.kind == DIFF_CASES) {
            run_cases(h.count);
        } else {
            run_specs(h.count, h.kind == DIFF_SHOW);
        }
    }
    syscall6(__NR_exit, 0, 0, 0, 0, 0);
}
