/*
 * Linux futex(2). The one file that knows.
 */
#include "host-wait.h"

#include <linux/futex.h>
#include <limits.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void eng_host_wait(_Atomic(uint32_t) *word, uint32_t value, int64_t timeout_ns)
{
    const struct timespec left = {.tv_sec = timeout_ns / 1000000000,
                                  .tv_nsec = timeout_ns % 1000000000};
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, timeout_ns == INT64_MAX ? NULL : &left,
            NULL, 0);
}

void eng_host_wake(_Atomic(uint32_t) *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}
