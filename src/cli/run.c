/*
 * `armillary run`: a machine from options, its console on standard input and output.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "armillary/clock.h"
#include "armillary/machine.h"
#include "armillary/trace.h"
#include "a64-rows.h"
#include "cli.h"
#include "display.h"
#include "gdb.h"
#include "run-options.h"
#include "terminal.h"

enum { MAX_TRACES = 4, GUEST_ERRORS_SHOWN = 10 };

typedef struct {
    CliRunOptions o;
    VmConfig config;
    VmMachine *machine;
    CliTerminal *terminal;
    CliDisplay *display; /* NULL: none */
    GdbServer *gdb;      /* NULL: none */
    TraceText *traces[MAX_TRACES];
    unsigned n_traces;
    TraceStats *counts; /* --stats */
    uint64_t guest_errors;
    int signal_fd, timer_fd;
    unsigned signal_watch, timer_watch;
    int forced_status; /* why we stopped the machine ourselves, else -1 */
} Run;

/* "EVENTS[:FILE]". */
static bool add_trace(Run *r, const char *text, GError **error)
{
    const char *colon = strchr(text, ':');
    g_autofree char *list = colon ? g_strndup(text, (gsize)(colon - text)) : g_strdup(text);
    uint32_t mask;
    if (r->n_traces == MAX_TRACES) {
        g_set_error(error, VM_ERROR, VM_ERROR_CONFIG, "more than %d --trace", MAX_TRACES);
        return false;
    }
    if (!trace_parse(list, &mask, error)) {
        return false;
    }
    TraceText *t = trace_text_new(colon ? colon + 1 : NULL, a64_insn_name, error);
    if (!t) {
        return false;
    }
    r->traces[r->n_traces++] = t;
    ev_bus_subscribe(vm_bus(r->machine), mask, trace_text_sink, t);
    return true;
}

/* Guest errors are shown, but not without end. */
static void on_guest_error(void *ctx, const EvEvent *e)
{
    Run *r = ctx;
    if (r->guest_errors++ < GUEST_ERRORS_SHOWN) {
        GString *line = g_string_new("armillary: guest: ");
        trace_format(e, line);
        fprintf(stderr, "%s%s\r\n", line->str,
                r->guest_errors == GUEST_ERRORS_SHOWN ? " (further ones are only counted)" : "");
        g_string_free(line, TRUE);
    }
}

static bool set_up_events(Run *r, GError **error)
{
    ev_bus_subscribe(vm_bus(r->machine), 1u << EV_GUEST_ERROR, on_guest_error, r);
    if (r->o.stats) {
        r->counts = trace_stats_new();
        const uint32_t counted = 1u << EV_EXCEPTION | 1u << EV_IRQ | 1u << EV_ERET;
        ev_bus_subscribe(vm_bus(r->machine), counted, trace_stats_sink, r->counts);
    }
    for (char **t = r->o.traces; t && *t; t++) {
        if (!add_trace(r, *t, error)) {
            return false;
        }
    }
    return true;
}

static void on_signal(void *ctx)
{
    Run *r = ctx;
    struct signalfd_siginfo info;
    if (read(r->signal_fd, &info, sizeof info) == sizeof info) {
        r->forced_status = CLI_SIGNAL + (int)info.ssi_signo;
        vm_stop(r->machine);
    }
}

static void on_timeout(void *ctx)
{
    Run *r = ctx;
    r->forced_status = CLI_TIMEOUT;
    vm_stop(r->machine);
}

static void on_key(void *ctx, CliKey key)
{
    Run *r = ctx;
    if (key == CLI_KEY_POWER) {
        vm_power_key(r->machine);
    } else {
        r->forced_status = CLI_QUIT;
        vm_stop(r->machine);
    }
}

/* Signals arrive as file events: no handler, no global state. */
static void catch_signals(Run *r)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGQUIT);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    r->signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
    r->signal_watch = vm_watch_fd(r->machine, r->signal_fd, on_signal, r);
    vm_watch_resume(r->machine, r->signal_watch);
}

static bool start_timer(Run *r, GError **error)
{
    if (!r->o.timeout) {
        return true;
    }
    char *end;
    const double seconds = g_ascii_strtod(r->o.timeout, &end);
    if (*end || end == r->o.timeout || !(seconds > 0 && seconds < 1e9)) {
        g_set_error(error, VM_ERROR, VM_ERROR_CONFIG, "--timeout %s: not a number of seconds",
                    r->o.timeout);
        return false;
    }
    const int64_t ns = MAX((int64_t)(seconds * 1e9), 1);
    const struct itimerspec when = { .it_value = { ns / 1000000000, ns % 1000000000 } };
    r->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    timerfd_settime(r->timer_fd, 0, &when, NULL);
    r->timer_watch = vm_watch_fd(r->machine, r->timer_fd, on_timeout, r);
    vm_watch_resume(r->machine, r->timer_watch);
    return true;
}

static bool open_display(Run *r, GError **error)
{
    const char *kind = r->o.display ? r->o.display : "none";
    if (strcmp(kind, "none") == 0) {
        return true;
    }
    if (strcmp(kind, "sdl") != 0) {
        g_set_error(error, VM_ERROR, VM_ERROR_CONFIG, "--display %s: write none or sdl", kind);
        return false;
    }
    r->display = cli_display_new(r->machine, (CliTerminalOwner){ on_key, r }, error);
    return r->display;
}

static bool open_gdb(Run *r, GError **error)
{
    if (r->o.wait && !r->o.gdb) {
        g_set_error(error, VM_ERROR, VM_ERROR_CONFIG, "--wait: for whom? Add --gdb tcp:PORT");
        return false;
    }
    return !r->o.gdb || (r->gdb = gdb_new(r->machine, r->o.gdb, error));
}

static int status_of(const Run *r, VmStop why)
{
    if (why == VM_STOP_REQUEST && r->forced_status >= 0) {
        return r->forced_status;
    }
    switch (why) {
    case VM_STOP_RESET: return CLI_RESET;
    case VM_STOP_MAX_INSNS: return CLI_MAX_INSNS;
    case VM_STOP_IDLE: return CLI_IDLE;
    case VM_STOP_NONE:
    case VM_STOP_POWEROFF:
    case VM_STOP_REQUEST:
    case VM_STOP_DEBUG: break;
    }
    return CLI_OK;
}

static const char *reason_of(int status)
{
    switch (status) {
    case CLI_OK: return NULL;
    case CLI_RESET: return "the guest asked for a reset";
    case CLI_MAX_INSNS: return "--max-insns reached";
    case CLI_TIMEOUT: return "--timeout reached";
    case CLI_IDLE: return "the guest waits for what can never come";
    case CLI_QUIT: return "quit";
    default: return "stopped by a signal";
    }
}

static void print_stats(Run *r, int64_t wall_ns)
{
    const double wall = (double)wall_ns / 1e9, cpu = (double)ev_host_cpu_ns() / 1e9;
    VmStats s;
    vm_stats(r->machine, &s);
    fprintf(stderr, "instructions   %" PRIu64 "\n", s.insns);
    fprintf(stderr, "guest time     %.3f s\n", (double)vm_guest_ns(r->machine) / 1e9);
    fprintf(stderr, "wall time      %.3f s\n", wall);
    fprintf(stderr, "CPU time       %.3f s\n", cpu);
    fprintf(stderr, "speed          %.1f MIPS\n", wall > 0 ? (double)s.insns / wall / 1e6 : 0);
    fprintf(stderr, "blocks         %" PRIu64 " translated, %" PRIu64 " instructions, %" PRIu64
                    " dropped\n",
            s.blocks, s.block_insns, s.blocks_dropped);
    fprintf(stderr, "TLB            %" PRIu64 " misses, of them %" PRIu64 " found, %" PRIu64
                    " walks\n",
            s.tlb_misses, s.tlb_hits, s.tlb_walks);
    fprintf(stderr, "invalidations  %" PRIu64 " everything, %" PRIu64 " by mail\n", s.tlb_flushes,
            s.mails);
    fprintf(stderr, "contexts       %" PRIu64 " switches\n", s.context_switches);
    trace_stats_print(r->counts, stderr);
    fprintf(stderr, "guest errors   %" PRIu64 "\n", r->guest_errors);
}

static int run_machine(Run *r)
{
    EvClock *wall = ev_clock_new(false);
    r->terminal = cli_terminal_new(r->machine, (CliTerminalOwner){ on_key, r });
    if (r->display) {
        cli_terminal_tee(r->terminal, cli_display_write, r->display);
    }
    const VmStop why = r->gdb ? gdb_run(r->gdb, r->o.wait) : vm_run(r->machine);
    cli_terminal_free(r->terminal);
    const int status = status_of(r, why);
    if (reason_of(status)) {
        fprintf(stderr, "armillary: %s\n", reason_of(status));
    }
    if (r->o.state_hash) {
        g_autofree char *hash = vm_state_hash(r->machine);
        printf("state-hash %s\n", hash);
    }
    if (r->o.stats) {
        print_stats(r, ev_now_ns(wall));
    }
    ev_clock_free(wall);
    return status;
}

static bool dump_dtb(Run *r, GError **error)
{
    gsize size;
    const void *data = g_bytes_get_data(vm_dtb(r->machine), &size);
    g_autoptr(GError) why = NULL;
    if (!g_file_set_contents(r->o.dump_dtb, data, (gssize)size, &why)) {
        g_set_error(error, VM_ERROR, VM_ERROR_FILE, "%s", why->message);
        return false;
    }
    return true;
}

static int prepare_and_run(Run *r, GError **error)
{
    const CliRunOptions *o = &r->o;
    const VmImages images = { .kernel = o->kernel, .initrd = o->initrd, .append = o->append,
                              .dtb = o->dtb, .firmware = o->firmware,
                              .tree_only = o->dump_dtb != NULL };
    if (!cli_run_options_config(&r->o, &r->config, error) ||
        !(r->machine = vm_new(&r->config, error)) || !set_up_events(r, error) ||
        !vm_load(r->machine, &images, error)) {
        return -1;
    }
    if (o->dump_dtb) {
        return dump_dtb(r, error) ? CLI_OK : -1;
    }
    catch_signals(r);
    return start_timer(r, error) && open_display(r, error) && open_gdb(r, error) ? run_machine(r)
                                                                                  : -1;
}

static void clean_up(Run *r)
{
    cli_display_free(r->display);
    gdb_free(r->gdb);
    vm_free(r->machine);
    trace_stats_free(r->counts);
    for (unsigned i = 0; i < r->n_traces; i++) {
        trace_text_free(r->traces[i]);
    }
    cli_run_options_free(&r->o);
}

int cli_run(int argc, char **argv)
{
    Run r = { .signal_fd = -1, .timer_fd = -1, .forced_status = -1 };
    g_autoptr(GError) error = NULL;
    int status = CLI_USAGE;
    if (cli_run_options_parse(argc, argv, &r.o)) {
        status = prepare_and_run(&r, &error);
        if (status < 0) {
            status = cli_fail(error);
        }
    }
    clean_up(&r);
    return status;
}
