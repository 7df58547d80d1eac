/*
 * `armillary info`: what this build can do.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "armillary/trace.h"
#include "board.h"
#include "cli.h"
#include "model.h"

static int info_events(void)
{
    for (unsigned k = 0; k < EV_KIND_COUNT; k++) {
        const TraceKind *kind = trace_kind((EvKind)k);
        printf("%-14s %s\n", kind->name, kind->meaning);
    }
    return CLI_OK;
}

static int info_machine(void)
{
    printf("%-13s %-12s %10s  %-5s %s\n", "device", "address", "size", "SPI", "compatible");
    for (unsigned id = 0; id < VM_MAP_COUNT; id++) {
        const VmMapRow *row = vm_map_row((VmMapId)id);
        g_autofree char *spi = row->spi < 0 ? g_strdup("") : g_strdup_printf("%d", row->spi);
        g_autofree char *times = row->count > 1 ? g_strdup_printf(" x %u", row->count)
                                                : g_strdup("");
        printf("%-13s %#12" PRIx64 " %#10" PRIx64 "  %-5s %s%s\n", row->name, row->base, row->size,
               spi, row->compatible, times);
    }
    printf("%-13s %#12" PRIx64 "             as large as --memory says\n", "RAM", VM_RAM_BASE);
    printf("up to %u vCPUs, %" PRIu64 " GiB\n", VM_MAX_CPUS, VM_RAM_MAX >> 30);
    return CLI_OK;
}

static int info_cpu(void)
{
    for (unsigned i = 0; i < a64_n_cpu_rows; i++) {
        const A64CpuRow *row = &a64_cpu_rows[i];
        printf("%s (Arm%s): %s", row->name, row->version, row->about);
        int column = 100;
        for (unsigned k = 0; k < row->n; k++) {
            const char *name = a64_feature_names[row->features[k]];
            if (column + (int)strlen(name) > 78) {
                column = printf("\n   ") - 1;
            }
            column += printf(" %s", name);
        }
        printf("\n");
    }
    return CLI_OK;
}

int cli_info(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*show)(void);
    } topics[] = { { "cpu", info_cpu }, { "machine", info_machine }, { "events", info_events } };
    for (size_t i = 0; argc == 2 && i < G_N_ELEMENTS(topics); i++) {
        if (strcmp(argv[1], topics[i].name) == 0) {
            return topics[i].show();
        }
    }
    const bool help = argc == 2 && strcmp(argv[1], "--help") == 0;
    fprintf(help ? stdout : stderr, "usage: armillary info cpu|machine|events\n");
    return help ? CLI_OK : CLI_USAGE;
}
