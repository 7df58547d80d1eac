/*
 * The terminal as the guest's serial console: raw mode, the Ctrl-A keys, buffered output.
 */
#include "terminal.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { CTRL_A = 1, IN_BYTES = 256, OUT_BYTES = 4096 };

struct CliTerminal {
    VmMachine *machine;
    CliTerminalOwner owner;
    bool is_tty;
    bool escaped; /* the last key was Ctrl-A */
    struct termios before;
    pid_t guard;
    int guard_fd;
    unsigned in_watch, retry_watch, out_watch;
    uint8_t in[IN_BYTES]; /* typed, not yet taken by the UART */
    size_t n_in;
    uint8_t out[OUT_BYTES]; /* device lock */
    size_t n_out;
    CliTeeFn tee;
    void *tee_ctx;
};

static void write_all(int fd, const uint8_t *bytes, size_t n)
{
    while (n > 0) {
        const ssize_t done = write(fd, bytes, n);
        if (done < 0 && errno != EINTR) {
            return; /* nobody reads: the guest goes on */
        }
        bytes += done > 0 ? done : 0;
        n -= done > 0 ? (size_t)done : 0;
    }
}

static void flush(CliTerminal *t)
{
    write_all(STDOUT_FILENO, t->out, t->n_out);
    t->n_out = 0;
}

/* Device lock held. Lines go out at once; the rest when the main thread comes by. */
static void on_output(void *ctx, const uint8_t *bytes, size_t n)
{
    CliTerminal *t = ctx;
    if (t->tee) {
        t->tee(t->tee_ctx, bytes, n);
    }
    for (size_t i = 0; i < n; i++) {
        t->out[t->n_out++] = bytes[i];
        if (bytes[i] == '\n' || t->n_out == OUT_BYTES) {
            flush(t);
        }
    }
    if (t->n_out > 0) {
        vm_watch_resume(t->machine, t->out_watch);
    }
}

static void on_out_watch(void *ctx)
{
    CliTerminal *t = ctx;
    vm_console_lock(t->machine);
    flush(t);
    vm_console_unlock(t->machine);
}

static void say(const char *text)
{
    write_all(STDERR_FILENO, (const uint8_t *)text, strlen(text));
}

/* The key after Ctrl-A. Returns true when it is to be sent to the guest. */
static bool command(CliTerminal *t, uint8_t key)
{
    switch (key) {
    case 'x': t->owner.key(t->owner.ctx, CLI_KEY_QUIT); return false;
    case 'p': t->owner.key(t->owner.ctx, CLI_KEY_POWER); return false;
    case 'b': vm_console_break(t->machine); return false;
    case 'h':
    case '?':
        say("\r\nCtrl-A x  quit\r\nCtrl-A b  send a break\r\nCtrl-A p  press the power button\r\n"
            "Ctrl-A h  this help\r\nCtrl-A Ctrl-A  send Ctrl-A\r\n");
        return false;
    default: return key == CTRL_A;
    }
}

static size_t filter(CliTerminal *t, const uint8_t *typed, size_t n)
{
    size_t kept = t->n_in;
    for (size_t i = 0; i < n; i++) {
        if (t->escaped) {
            t->escaped = false;
            if (!command(t, typed[i])) {
                continue;
            }
        } else if (typed[i] == CTRL_A && t->is_tty) {
            t->escaped = true;
            continue;
        }
        t->in[kept++] = typed[i];
    }
    return kept;
}

/* Gives the UART what it takes; asks for more typing only when there is room to keep it. */
static void push(CliTerminal *t)
{
    const size_t taken = vm_console_input(t->machine, t->in, t->n_in);
    memmove(t->in, t->in + taken, t->n_in - taken);
    t->n_in -= taken;
    if (t->n_in < IN_BYTES) {
        vm_watch_resume(t->machine, t->in_watch);
    }
}

static void on_typed(void *ctx)
{
    CliTerminal *t = ctx;
    uint8_t typed[IN_BYTES];
    const ssize_t n = read(STDIN_FILENO, typed, IN_BYTES - t->n_in);
    if (n > 0) {
        t->n_in = filter(t, typed, (size_t)n);
        push(t);
    } else if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
        vm_watch_resume(t->machine, t->in_watch);
    } /* end of input: the guest goes on without */
}

static void on_retry(void *ctx)
{
    CliTerminal *t = ctx;
    if (t->n_in > 0) {
        push(t);
    }
}

static void on_input_ready(void *ctx)
{
    CliTerminal *t = ctx;
    vm_watch_resume(t->machine, t->retry_watch);
}

/*
 * The guard: waits until the pipe from us ends. A byte says all is well; the end without one says
 * that we died, and it puts the terminal back for us.
 */
static void guard(int fd, const struct termios *before)
{
    uint8_t byte;
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL); /* SIGTTOU too: it may change the terminal */
    while (read(fd, &byte, 1) < 0 && errno == EINTR) {
    }
    if (byte != 1) {
        tcsetattr(STDIN_FILENO, TCSANOW, before);
    }
    _exit(0);
}

static void start_guard(CliTerminal *t)
{
    int fds[2];
    if (pipe(fds) != 0) {
        return;
    }
    t->guard = fork();
    if (t->guard == 0) {
        close(fds[1]);
        guard(fds[0], &t->before);
    }
    close(fds[0]);
    t->guard_fd = fds[1];
}

static void stop_guard(CliTerminal *t)
{
    if (t->guard > 0) {
        const uint8_t one = 1;
        write_all(t->guard_fd, &one, 1);
        waitpid(t->guard, NULL, 0);
    }
    if (t->guard_fd >= 0) {
        close(t->guard_fd);
    }
}

static void make_raw(CliTerminal *t)
{
    t->is_tty = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &t->before) == 0;
    if (!t->is_tty) {
        return;
    }
    start_guard(t);
    struct termios raw = t->before;
    raw.c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    raw.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
    raw.c_oflag &= ~(tcflag_t)OPOST;
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
}

CliTerminal *cli_terminal_new(VmMachine *m, CliTerminalOwner owner)
{
    CliTerminal *t = g_new0(CliTerminal, 1);
    t->machine = m;
    t->owner = owner;
    t->guard_fd = -1;
    t->in_watch = vm_watch_fd(m, STDIN_FILENO, on_typed, t);
    t->retry_watch = vm_watch_fd(m, -1, on_retry, t);
    t->out_watch = vm_watch_fd(m, -1, on_out_watch, t);
    vm_console_connect(m, &(HwCharPort){ on_output, on_input_ready, t });
    make_raw(t);
    vm_watch_resume(m, t->in_watch);
    return t;
}

void cli_terminal_tee(CliTerminal *t, CliTeeFn fn, void *ctx)
{
    t->tee = fn;
    t->tee_ctx = ctx;
}

void cli_terminal_free(CliTerminal *t)
{
    if (!t) {
        return;
    }
    flush(t);
    if (t->is_tty) {
        tcsetattr(STDIN_FILENO, TCSADRAIN, &t->before);
    }
    stop_guard(t);
    vm_console_connect(t->machine, &(HwCharPort){ 0 });
    g_free(t);
}
