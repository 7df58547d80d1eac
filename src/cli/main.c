/*
 * The armillary program: one user of the library.
 */
#include <stdio.h>
#include <string.h>

#include "armillary/trace.h"
#include "cli.h"

typedef struct {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
} Verb;

static const Verb verbs[] = {
    { "run", "run a kernel, firmware or program", cli_run },
    { "demo", "run a built-in program: hello, el2", cli_demo },
    { "info", "what this build can do: cpu, machine, events", cli_info },
};

static int usage(FILE *to)
{
    fprintf(to, "armillary: an AArch64 full-system emulator\n\n");
    for (size_t i = 0; i < G_N_ELEMENTS(verbs); i++) {
        fprintf(to, "  armillary %-6s %s\n", verbs[i].name, verbs[i].summary);
    }
    fprintf(to, "\n`armillary VERB --help` lists a verb's options.\n");
    return to == stdout ? CLI_OK : CLI_USAGE;
}

static int unknown_verb(const char *word)
{
    const char *names[G_N_ELEMENTS(verbs)];
    for (size_t i = 0; i < G_N_ELEMENTS(verbs); i++) {
        names[i] = verbs[i].name;
    }
    const char *near = trace_nearest(word, names, G_N_ELEMENTS(verbs));
    fprintf(stderr, "armillary: unknown verb \"%s\"", word);
    fprintf(stderr, near ? ": did you mean \"%s\"?\n" : " (see armillary --help)\n", near);
    return CLI_USAGE;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        return usage(stderr);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        return usage(stdout);
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("armillary %s\n", ARMILLARY_VERSION);
        return CLI_OK;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(verbs); i++) {
        if (strcmp(argv[1], verbs[i].name) == 0) {
            return verbs[i].run(argc - 1, argv + 1);
        }
    }
    return unknown_verb(argv[1]);
}
