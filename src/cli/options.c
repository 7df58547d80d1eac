/*
 * Parsing of options and numbers, with messages a person can act on.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "armillary/machine.h"
#include "armillary/trace.h"
#include "cli.h"

int cli_fail(const GError *error)
{
    fprintf(stderr, "armillary: %s\n", error->message);
    const bool usage = error->domain == G_OPTION_ERROR || error->domain == TRACE_ERROR ||
                       (error->domain == VM_ERROR && error->code == VM_ERROR_CONFIG);
    return usage ? CLI_USAGE : CLI_FAILED;
}

/* The first "--word" of argv that is no option, and the option nearest to it. */
static const char *unknown_option(char **argv, const GOptionEntry *entries, const char **nearest)
{
    const char *names[64];
    size_t n = 0;
    for (const GOptionEntry *e = entries; e->long_name && n < G_N_ELEMENTS(names); e++) {
        names[n++] = e->long_name;
    }
    for (char **arg = argv + 1; *arg; arg++) {
        if (strncmp(*arg, "--", 2) != 0 || !(*arg)[2]) {
            continue;
        }
        g_autofree char *word = g_strndup(*arg + 2, strcspn(*arg + 2, "="));
        bool known = strcmp(word, "help") == 0;
        for (size_t i = 0; i < n; i++) {
            known = known || strcmp(word, names[i]) == 0;
        }
        if (!known) {
            *nearest = trace_nearest(word, names, n);
            return *arg;
        }
    }
    return NULL;
}

bool cli_parse(int *argc, char ***argv, const GOptionEntry *entries, const char *summary)
{
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) before = g_strdupv(*argv);
    g_autofree char *parameters = g_strdup_printf("- %s", summary);
    GOptionContext *context = g_option_context_new(parameters);
    g_option_context_add_main_entries(context, entries, NULL);
    g_autofree char *name = g_strdup_printf("armillary %s", (*argv)[0]);
    g_set_prgname(name);
    const bool ok = g_option_context_parse(context, argc, argv, &error);
    g_option_context_free(context);
    const char *near = NULL;
    const char *unknown = ok ? NULL : unknown_option(before, entries, &near);
    if (ok && *argc > 1) {
        fprintf(stderr, "armillary: what is \"%s\"? Everything is an option: see %s --help\n",
                (*argv)[1], name);
    } else if (!ok && near) {
        fprintf(stderr, "armillary: unknown option %s: did you mean --%s?\n", unknown, near);
    } else if (!ok) {
        fprintf(stderr, "armillary: %s (see %s --help)\n", error->message, name);
    }
    return ok && *argc == 1;
}

bool cli_parse_number(const char *what, const char *text, uint64_t *value, GError **error)
{
    char *end;
    errno = 0;
    *value = g_ascii_strtoull(text, &end, 0);
    if (*text < '0' || *text > '9' || *end || errno) {
        g_set_error(error, VM_ERROR, VM_ERROR_CONFIG, "%s %s: not a number", what, text);
        return false;
    }
    return true;
}

bool cli_parse_size(const char *text, uint64_t *bytes, GError **error)
{
    static const char units[] = "KMGT";
    char *end;
    errno = 0;
    const uint64_t n = g_ascii_strtoull(text, &end, 10);
    const char *unit = *end ? strchr(units, g_ascii_toupper(*end)) : units + 1;
    const bool tail_ok = !*end || !end[1] || g_ascii_strcasecmp(end + 1, "B") == 0 ||
                         g_ascii_strcasecmp(end + 1, "iB") == 0;
    const unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;
    if (*text < '0' || *text > '9' || !unit || !tail_ok || errno || n > UINT64_MAX >> shift) {
        g_set_error(error, VM_ERROR, VM_ERROR_CONFIG,
                    "%s: not a size; write 512M or 2G", text);
        return false;
    }
    *bytes = n << shift;
    return true;
}

static bool parse_switch(const char *word, const char *name, bool *value)
{
    const size_t n = strlen(name);
    const bool is_on = strcmp(word + n, "=on") == 0 || !word[n];
    if (strncmp(word, name, n) != 0 || (!is_on && strcmp(word + n, "=off") != 0)) {
        return false;
    }
    *value = is_on;
    return true;
}

bool cli_parse_drive(const char *text, VmDrive *drive, GError **error)
{
    g_auto(GStrv) words = g_strsplit(text, ",", -1);
    *drive = (VmDrive){ 0 };
    for (char **word = words; *word; word++) {
        if (strncmp(*word, "file=", 5) == 0 && !drive->file) {
            drive->file = g_strdup(*word + 5);
        } else if (!parse_switch(*word, "readonly", &drive->readonly) &&
                   !parse_switch(*word, "snapshot", &drive->snapshot)) {
            g_set_error(error, VM_ERROR, VM_ERROR_CONFIG,
                        "--drive %s: what is \"%s\"? Write file=FILE[,readonly=on][,snapshot=on]",
                        text, *word);
            return false;
        }
    }
    if (!drive->file) {
        g_set_error(error, VM_ERROR, VM_ERROR_CONFIG, "--drive %s: file=FILE is missing", text);
        return false;
    }
    return true;
}
