/*
 * A protected VM's life: pages it touched are its own, the host that touches one loses the process that did it, sharing and
 * unsharing by hypercall, and pages that come back empty. Linux kernel documentation, "Protected KVM (pKVM)" and "KVM/arm64-specific
 * hypercalls exposed to guests".
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kvmtest.h"
#include "tiny.h"

#define AT 0x80000000ull
enum { SLOT = 1, PAGES = 64, BYTES = PAGES * TINY_PAGE };
enum { SECRET = 3, SHARED = 4, LEFT_SHARED = 5, UNTOUCHED = 60 }; /* pages */
enum { FEATURES = 0x86000000, MEMINFO = 0xc6000002, SHARE = 0xc6000003, UNSHARE = 0xc6000004 };

typedef enum { CAN_READ, KILLED, OTHER } Outcome;

static uint64_t page_at(unsigned page)
{
    return AT + (uint64_t)page * TINY_PAGE;
}

static uint64_t word_of(const uint8_t *memory, unsigned page)
{
    return *(const volatile uint64_t *)(memory + (size_t)page * TINY_PAGE);
}

static void set_word(uint8_t *memory, unsigned page, uint64_t value)
{
    *(volatile uint64_t *)(memory + (size_t)page * TINY_PAGE) = value;
}

static uint64_t hypercall(Tiny *t, uint64_t function, uint64_t arg)
{
    return tiny_do(t, 0, (TinyCommand){ TINY_CALL, { function, arg } }, NULL);
}

/* A process of its own touches the page. */
static Outcome touch(uint8_t *memory, unsigned page, int write)
{
    int status;
    const pid_t child = fork();
    if (child == 0) {
        if (write) {
            set_word(memory, page, 0xbad);
        } else {
            (void)word_of(memory, page);
        }
        _exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child) {
        fail_hard("child");
    }
    if (WIFSIGNALED(status)) {
        return WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGBUS ? KILLED : OTHER;
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? CAN_READ : OTHER;
}

/* The kernel touches the page for us. */
static void system_call(const uint8_t *memory)
{
    int fd[2];
    if (pipe(fd)) {
        fail_hard("pipe");
    }
    errno = 0;
    const ssize_t n = write(fd[1], memory + SECRET * TINY_PAGE, 64);
    check(n < 0 && errno == EFAULT, "protected: write() from a private page: %zd, %s", n, strerror(errno));
    close(fd[0]);
    close(fd[1]);
}

static void privacy(Tiny *t, uint8_t *memory)
{
    check(tiny_load(t, 0, page_at(SECRET)) == 0x1000 + SECRET, "protected: the guest finds what the host had put there");
    tiny_store(t, 0, page_at(SECRET), 0x5ec7e7);
    check(touch(memory, SECRET, 0) == KILLED, "protected: a process that reads a private page is killed");
    check(touch(memory, SECRET, 1) == KILLED, "protected: a process that writes one is killed");
    system_call(memory);
    check(touch(memory, UNTOUCHED, 0) == CAN_READ, "protected: a page the guest has not touched is still the host's");
    check(tiny_load(t, 0, page_at(SECRET)) == 0x5ec7e7, "protected: the guest goes on and has its value");
}

static void sharing(Tiny *t, uint8_t *memory)
{
    const uint64_t features = hypercall(t, FEATURES, 0), granule = hypercall(t, MEMINFO, 0);
    check((features >> 2 & 7) == 7 && granule == TINY_PAGE, "protected: hypercalls %#llx, granule %llu", (unsigned long long)features,
          (unsigned long long)granule);
    tiny_store(t, 0, page_at(SHARED), 0x11);
    check(touch(memory, SHARED, 0) == KILLED, "protected: before sharing, a process that reads the page is killed");
    check(hypercall(t, SHARE, page_at(SHARED)) == 0, "protected: MEM_SHARE");
    check(touch(memory, SHARED, 0) == CAN_READ && word_of(memory, SHARED) == 0x11, "protected: the host reads the shared page");
    set_word(memory, SHARED, 0x22);
    check(tiny_load(t, 0, page_at(SHARED)) == 0x22, "protected: the guest reads what the host wrote");
    check((int64_t)hypercall(t, SHARE, page_at(SHARED)) < 0, "protected: MEM_SHARE of a shared page is refused");
    check(touch(memory, SHARED + 4, 0) == CAN_READ && touch(memory, SECRET, 0) == KILLED, "protected: the pages around it are as before");
    check(hypercall(t, UNSHARE, page_at(SHARED)) == 0, "protected: MEM_UNSHARE");
    check(touch(memory, SHARED, 0) == KILLED, "protected: after that, a process that reads the page is killed");
    check(tiny_load(t, 0, page_at(SHARED)) == 0x22, "protected: the guest still has it");
    check((int64_t)hypercall(t, UNSHARE, page_at(SHARED)) < 0, "protected: MEM_UNSHARE of a private page is refused");
    tiny_store(t, 0, page_at(LEFT_SHARED), 0x33);
    check(hypercall(t, SHARE, page_at(LEFT_SHARED)) == 0, "protected: another page stays shared to the end");
}

/* What userspace may no longer do once the VM has run. */
static void fixed(Tiny *t, uint8_t *memory)
{
    check(tiny_slot(t, SLOT, AT, 0, NULL, 0) == -EPERM, "protected: a slot cannot be removed any more");
    check(tiny_slot(t, 2, AT + BYTES, BYTES, memory, KVM_MEM_LOG_DIRTY_PAGES) != 0, "protected: no dirty logging");
}

static void life(unsigned round)
{
    Tiny t;
    uint8_t *memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        fail_hard("memory");
    }
    for (unsigned page = 0; page < PAGES; page++) {
        set_word(memory, page, 0x1000 + page);
    }
    tiny_create(&t, TINY_PROTECTED, 1);
    if (tiny_slot(&t, SLOT, AT, BYTES, memory, 0)) {
        fail_hard("slot");
    }
    privacy(&t, memory);
    sharing(&t, memory);
    fixed(&t, memory);
    tiny_destroy(&t);
    check(touch(memory, SECRET, 0) == CAN_READ && touch(memory, SHARED, 1) == CAN_READ, "protected: round %u, after the end the host has its pages back", round);
    unsigned leaks = 0;
    for (unsigned i = 0; i < TINY_PAGE; i += 8) {
        leaks += *(uint64_t *)(memory + SECRET * TINY_PAGE + i) != 0;
    }
    check(leaks == 0, "protected: and they are empty: %u words left", leaks);
    check(word_of(memory, LEFT_SHARED) == 0x33, "protected: what was shared to the end was the host's to see, and is");
    check(word_of(memory, UNTOUCHED) == 0x1000 + UNTOUCHED, "protected: those the guest never had are as they were");
    munmap(memory, BYTES);
}

void test_protected(void)
{
    life(1);
    life(2);
}
