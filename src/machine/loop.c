/*
 * Waiting for files, wake-ups and time with poll() and an eventfd.
 */
#define _GNU_SOURCE /* ppoll */
#include "loop.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

bool vm_loop_init(VmLoop *l, GError **error)
{
    *l = (VmLoop){ .wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC) };
    if (l->wake_fd < 0) {
        g_set_error(error, VM_ERROR, VM_ERROR_HOST, "cannot make an eventfd: %s",
                    g_strerror(errno));
        return false;
    }
    return true;
}

void vm_loop_fini(VmLoop *l)
{
    if (l->wake_fd >= 0) {
        close(l->wake_fd);
    }
}

void vm_loop_wake(VmLoop *l)
{
    const uint64_t one = 1;
    const int saved = errno;
    const ssize_t n = write(l->wake_fd, &one, sizeof one); /* full: a wake-up is pending anyway */
    (void)n;
    errno = saved;
}

bool vm_loop_listens(const VmLoop *l)
{
    for (unsigned i = 0; i < l->n_watches; i++) {
        if (atomic_load_explicit(&l->watches[i].armed, memory_order_acquire)) {
            return true;
        }
    }
    return false;
}

static void call(VmWatch *w)
{
    if (atomic_exchange_explicit(&w->armed, false, memory_order_acq_rel)) {
        w->fn(w->ctx);
    }
}

void vm_loop_wait(VmLoop *l, int64_t timeout_ns)
{
    struct pollfd fds[VM_MAX_WATCHES + 1] = { { .fd = l->wake_fd, .events = POLLIN } };
    bool posted = false;
    for (unsigned i = 0; i < l->n_watches; i++) {
        VmWatch *w = &l->watches[i];
        const bool armed = atomic_load_explicit(&w->armed, memory_order_acquire);
        fds[i + 1] = (struct pollfd){ .fd = armed ? w->fd : -1, .events = POLLIN };
        posted = posted || (armed && w->fd < 0);
    }
    const struct timespec t = { .tv_sec = timeout_ns / 1000000000,
                                .tv_nsec = timeout_ns % 1000000000 };
    const struct timespec now = { 0 };
    const int n = ppoll(fds, l->n_watches + 1, posted ? &now : timeout_ns < 0 ? NULL : &t, NULL);
    if (n > 0 && fds[0].revents) {
        uint64_t count;
        const ssize_t got = read(l->wake_fd, &count, sizeof count);
        (void)got;
    }
    for (unsigned i = 0; i < l->n_watches; i++) {
        if (l->watches[i].fd < 0 || (n > 0 && fds[i + 1].revents)) {
            call(&l->watches[i]);
        }
    }
}
