/*
 * armillary demo: runs a program that is built in, through the same path as `armillary run`.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "armillary/machine.h"
#include "armillary/trace.h"
#include "cli.h"
#include "guests.h"

typedef struct {
    const char *name, *summary;
    const uint8_t *elf;
    const size_t *size;
} Demo;

static const Demo demos[] = {
    { "hello", "an EL1 program: registers, timer interrupts, power off", vm_guest_hello,
      &vm_guest_hello_size },
    { "el2", "a hypervisor at EL2 that runs it: stage 2, traps, list registers", vm_guest_el2,
      &vm_guest_el2_size },
};

static int usage(FILE *to)
{
    fprintf(to, "armillary demo NAME [options of armillary run]\n\n");
    for (size_t i = 0; i < G_N_ELEMENTS(demos); i++) {
        fprintf(to, "  %-6s %s\n", demos[i].name, demos[i].summary);
    }
    return to == stdout ? CLI_OK : CLI_USAGE;
}

static int unknown_demo(const char *word)
{
    const char *names[G_N_ELEMENTS(demos)];
    for (size_t i = 0; i < G_N_ELEMENTS(demos); i++) {
        names[i] = demos[i].name;
    }
    const char *near = trace_nearest(word, names, G_N_ELEMENTS(demos));
    fprintf(stderr, "armillary: no demo \"%s\"", word);
    fprintf(stderr, near ? ": did you mean \"%s\"?\n" : " (see armillary demo --help)\n", near);
    return CLI_USAGE;
}

/* A file in memory only; -1 and *error when the host refuses. */
static int memory_file(const Demo *demo, GError **error)
{
    const int fd = memfd_create(demo->name, MFD_CLOEXEC);
    for (size_t done = 0; fd >= 0 && done < *demo->size;) {
        const ssize_t n = write(fd, demo->elf + done, *demo->size - done);
        if (n > 0) {
            done += (size_t)n;
        } else if (errno != EINTR) {
            g_set_error(error, VM_ERROR, VM_ERROR_HOST, "demo %s: %s", demo->name,
                        g_strerror(errno));
            close(fd);
            return -1;
        }
    }
    if (fd < 0) {
        g_set_error(error, VM_ERROR, VM_ERROR_HOST, "demo %s: %s", demo->name, g_strerror(errno));
    }
    return fd;
}

/* argv of `run`: the program in the place of the demo's name, then the caller's options. */
static int run_demo(const Demo *demo, int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    const int fd = memory_file(demo, &error);
    if (fd < 0) {
        return cli_fail(error);
    }
    g_autofree char *kernel = g_strdup_printf("--kernel=/proc/self/fd/%d", fd);
    g_autofree char **args = g_new0(char *, (gsize)argc + 1);
    args[0] = argv[0];
    args[1] = kernel;
    for (int i = 2; i < argc; i++) {
        args[i] = argv[i];
    }
    const int status = cli_run(argc, args);
    close(fd);
    return status;
}

int cli_demo(int argc, char **argv)
{
    if (argc < 2) {
        return usage(stderr);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        return usage(stdout);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(demos); i++) {
        if (strcmp(argv[1], demos[i].name) == 0) {
            return run_demo(&demos[i], argc, argv);
        }
    }
    return unknown_demo(argv[1]);
}
