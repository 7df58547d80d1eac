/* Sockets, and when the machine runs. See gdb.h. */
#include "gdb.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "session.h"

enum { SIGNAL_INT = 2, SIGNAL_TRAP = 5 };
/* How long the machine waits for a client that does not read. */
static const struct timeval PATIENCE = { .tv_sec = 2 };

struct GdbServer {
    VmMachine *machine;
    int listener, client; /* -1: none */
    int ready;            /* epoll of the two: what the machine watches */
    unsigned watch;
    char *path;           /* of a unix socket, else NULL */
    GByteArray *in;
    bool waits;           /* the client waits for a stop reply */
    GdbSession session;
};

static void watch_socket(GdbServer *g, int fd)
{
    struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };
    epoll_ctl(g->ready, EPOLL_CTL_ADD, fd, &e);
}

/* --- sending --- */

static void send_all(GdbServer *g, const char *bytes, size_t n)
{
    while (n && g->client >= 0) {
        const ssize_t sent = send(g->client, bytes, n, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent <= 0) { /* or it does not read any more */
            shutdown(g->client, SHUT_RDWR); /* the reader will see the end */
            return;
        }
        bytes += sent;
        n -= (size_t)sent;
    }
}

static void send_packet(GdbServer *g, const GString *payload)
{
    GString *frame = g_string_new(NULL);
    gdb_packet_frame(payload, frame);
    send_all(g, frame->str, frame->len);
    g_string_free(frame, TRUE);
}

/* --- the client comes, speaks and goes --- */

static void forget_session(GdbServer *g)
{
    if (g->session.features) {
        g_string_free(g->session.features, TRUE);
    }
    g->session = (GdbSession){ .machine = g->machine };
    g_byte_array_set_size(g->in, 0);
    g->waits = false;
}

/* Breakpoints go with the client that set them; the machine goes on. */
static void drop_client(GdbServer *g)
{
    if (g->client >= 0) {
        close(g->client);
    }
    g->client = -1;
    vm_debug_breaks_clear(g->machine);
    forget_session(g);
    g->session.wish = GDB_GO;
}

static void accept_client(GdbServer *g)
{
    const int fd = accept(g->listener, NULL, NULL);
    if (fd < 0) {
        return;
    }
    if (g->client >= 0) {
        close(fd); /* one at a time */
        return;
    }
    forget_session(g);
    g->client = fd;
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &PATIENCE, sizeof PATIENCE);
    watch_socket(g, fd);
    vm_debug_stop(g->machine);
}

/* Is there something to look at, besides acknowledgements? */
static bool has_request(const GdbServer *g)
{
    for (guint i = 0; i < g->in->len; i++) {
        if (g->in->data[i] != '+' && g->in->data[i] != '-') {
            return true;
        }
    }
    return false;
}

static void read_client(GdbServer *g)
{
    uint8_t bytes[4096];
    const ssize_t n = recv(g->client, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n > 0) {
        g_byte_array_append(g->in, bytes, (guint)n);
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        close(g->client);
        g->client = -1;
    }
    if (g->client < 0 || has_request(g)) {
        vm_debug_stop(g->machine); /* whatever it is, it wants the machine to stand still */
    }
}

/* VmWatchFn: a client knocks, or says something. */
static void on_ready(void *ctx)
{
    GdbServer *g = ctx;
    struct epoll_event e;
    if (epoll_wait(g->ready, &e, 1, 0) == 1) {
        if (e.data.fd == g->listener) {
            accept_client(g);
        } else {
            read_client(g);
        }
    }
    vm_watch_resume(g->machine, g->watch);
}

static void do_packet(GdbServer *g, const GString *packet)
{
    GString *reply = g_string_new(NULL);
    const bool acknowledge = !g->session.no_ack;
    if (acknowledge) {
        send_all(g, "+", 1);
    }
    if (gdb_command(&g->session, packet, reply)) {
        send_packet(g, reply);
    } else {
        g->waits = true;
    }
    g_string_free(reply, TRUE);
}

/* Carries out what has arrived, up to a wish to go on. */
static void do_packets(GdbServer *g)
{
    GString *packet = g_string_new(NULL);
    GdbInput got = GDB_IN_PACKET;
    while (got != GDB_IN_NOTHING && g->session.wish == GDB_STAND && !g->session.killed) {
        got = gdb_packet_take(g->in, packet);
        if (got == GDB_IN_PACKET) {
            do_packet(g, packet);
        } else if (got == GDB_IN_BAD && !g->session.no_ack) {
            send_all(g, "-", 1);
        }
    }
    g_string_free(packet, TRUE);
}

/* --- running --- */

/* The machine stands until the client lets it go. What asked to end meanwhile, or NONE. */
static VmStop stand(GdbServer *g)
{
    g->session.wish = GDB_STAND;
    for (unsigned cpu = 0; cpu < vm_cpus(g->machine); cpu++) {
        vm_debug_cpu_on(g->machine, cpu); /* a start that is due shows in the registers */
    }
    for (;;) {
        do_packets(g);
        if (g->session.killed) {
            return VM_STOP_REQUEST;
        }
        if (g->client < 0 || g->session.detached) {
            drop_client(g);
        }
        if (g->session.wish != GDB_STAND) {
            return VM_STOP_NONE;
        }
        const VmStop why = vm_debug_wait(g->machine);
        if (why != VM_STOP_NONE) {
            return why;
        }
    }
}

/* gdb calls a stop that it knows no breakpoint for a signal: a line says more. */
static void send_note(GdbServer *g)
{
    GString *line = g_string_new(NULL), *packet = g_string_new("O");
    if (gdb_break_note(&g->session, line)) {
        gdb_hex_append(packet, line->str, line->len);
        send_packet(g, packet);
    }
    g_string_free(line, TRUE);
    g_string_free(packet, TRUE);
}

static void report_stop(GdbServer *g, unsigned signal)
{
    if (g->waits && g->client >= 0) {
        GString *reply = g_string_new(NULL);
        const bool stepped = g->session.wish == GDB_STEP;
        const int at = vm_debug_break_cpu(g->machine);
        if (stepped) {
            g->session.general = g->session.resume = g->session.step;
        } else {
            send_note(g);
        }
        gdb_stop_reply(&g->session, signal, at, reply);
        send_packet(g, reply);
        g_string_free(reply, TRUE);
    }
    g->waits = false;
}

static void report_end(GdbServer *g)
{
    if (g->client >= 0) {
        GString *reply = g_string_new("W00;process:1");
        send_packet(g, reply);
        g_string_free(reply, TRUE);
    }
}

/* Lets the machine do what the client wished; NONE when it stands again. */
static VmStop go(GdbServer *g)
{
    if (g->session.wish == GDB_STEP) {
        vm_debug_step(g->machine, g->session.step); /* a vCPU that is off stays where it is */
        const VmStop end = vm_debug_ended(g->machine); /* the step was that of a power-off */
        if (end == VM_STOP_NONE) {
            report_stop(g, SIGNAL_TRAP);
        }
        return end;
    }
    if (has_request(g)) {
        vm_debug_stop(g->machine); /* it came together with the wish to go on */
    }
    const VmStop why = vm_run(g->machine);
    if (why != VM_STOP_DEBUG) {
        return why;
    }
    report_stop(g, vm_debug_break_cpu(g->machine) >= 0 ? SIGNAL_TRAP : SIGNAL_INT);
    return VM_STOP_NONE;
}

/* Until a client has come: it then finds the machine standing. */
static VmStop await_client(GdbServer *g)
{
    VmStop why = VM_STOP_NONE;
    while (why == VM_STOP_NONE && g->client < 0) {
        why = vm_debug_wait(g->machine);
    }
    return why;
}

VmStop gdb_run(GdbServer *g, bool wait)
{
    VmStop why = wait ? await_client(g) : VM_STOP_NONE;
    bool standing = g->client >= 0;
    g->session.wish = GDB_GO;
    while (why == VM_STOP_NONE) {
        why = standing ? stand(g) : VM_STOP_NONE;
        standing = true;
        if (why == VM_STOP_NONE) {
            why = go(g);
        }
    }
    report_end(g);
    return why;
}

/* --- making --- */

static int listen_tcp(const char *port)
{
    char *end;
    const guint64 n = g_ascii_strtoull(port, &end, 10);
    if (*end || end == port || n < 1 || n > 65535) {
        errno = EINVAL;
        return -1;
    }
    const struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)n),
                                    .sin_addr = { htonl(INADDR_LOOPBACK) } };
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (const struct sockaddr *)&at, sizeof at) < 0 || listen(fd, 1) < 0) {
        const int err = errno;
        close(fd);
        errno = err;
        return -1;
    }
    return fd;
}

static int listen_unix(const char *path)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof at.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(at.sun_path, path, strlen(path));
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(fd, (const struct sockaddr *)&at, sizeof at) < 0 || listen(fd, 1) < 0) {
        const int err = errno;
        close(fd);
        errno = err;
        return -1;
    }
    return fd;
}

GdbServer *gdb_new(VmMachine *m, const char *address, GError **error)
{
    const bool tcp = g_str_has_prefix(address, "tcp:"), local = g_str_has_prefix(address, "unix:");
    if (!tcp && !local) {
        g_set_error(error, VM_ERROR, VM_ERROR_CONFIG,
                    "--gdb %s: write tcp:PORT or unix:PATH", address);
        return NULL;
    }
    const int fd = tcp ? listen_tcp(address + 4) : listen_unix(address + 5);
    if (fd < 0) {
        g_set_error(error, VM_ERROR, VM_ERROR_HOST, "--gdb %s: %s", address, g_strerror(errno));
        return NULL;
    }
    GdbServer *g = g_new0(GdbServer, 1);
    *g = (GdbServer){ .machine = m, .listener = fd, .client = -1,
                      .ready = epoll_create1(EPOLL_CLOEXEC), .in = g_byte_array_new(),
                      .path = local ? g_strdup(address + 5) : NULL, .session = { .machine = m } };
    watch_socket(g, fd);
    g->watch = vm_watch_fd(m, g->ready, on_ready, g);
    vm_watch_resume(m, g->watch);
    return g;
}

void gdb_free(GdbServer *g)
{
    if (!g) {
        return;
    }
    forget_session(g);
    if (g->client >= 0) {
        close(g->client);
    }
    close(g->listener);
    close(g->ready);
    if (g->path) {
        unlink(g->path);
    }
    g_free(g->path);
    g_byte_array_free(g->in, TRUE);
    g_free(g);
}
