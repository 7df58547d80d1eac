/*
 * kvmtest SUBJECT...: tests of KVM from its user's side, with guests of a few instructions (agent.S). Runs in a host under Armillary.
 */
#include <stdio.h>
#include <string.h>

#include "kvmtest.h"
#include "tiny.h"

static const struct {
    const char *name;
    void (*run)(void);
} subjects[] = {
    { "dirty", test_dirty },
    { "slots", test_slots },
    { "sizes", test_sizes },
    { "sizes-2m", test_sizes_2m },
    { "debug", test_debug },
    { "its", test_its },
    { "protected", test_protected },
    { "cost", test_cost },
};

int main(int argc, char **argv)
{
    unsigned run = 0;
    for (int i = 1; i < argc; i++) {
        for (unsigned s = 0; s < sizeof subjects / sizeof subjects[0]; s++) {
            if (strcmp(argv[i], subjects[s].name) == 0) {
                subjects[s].run();
                run++;
            }
        }
    }
    if (run == 0 || run != (unsigned)argc - 1) {
        fputs("usage: kvmtest dirty|slots|sizes|sizes-2m|debug|its|protected|cost...\n", stderr);
        return 2;
    }
    printf("kvmtest: %d failed\n", checks_failed());
    return checks_failed();
}
