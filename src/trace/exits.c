/*
 * A sink that counts exits: exceptions taken to EL2 from below, by reason, VMID and level, with the
 * instructions of the guest before each and those of EL2 until it returns.
 */
#include "exits.h"

#include <inttypes.h>

typedef struct {
    const char *text, *detail; /* static text of the events */
    uint32_t vmid;
    unsigned from;
} Key;

typedef struct {
    Key key;
    uint64_t count, below, above; /* instructions before the exits, and at EL2 */
} Row;

/* A vCPU: where it is, and since when. */
typedef struct {
    uint64_t since; /* instruction count when it last came to, or left, EL2 */
    Row *exit;      /* the exit that is being served; NULL: below EL2, or at EL2 since its start */
} Cpu;

struct TraceExits {
    GHashTable *rows; /* Row by its Key */
    GArray *cpus;
};

static guint hash(gconstpointer p)
{
    const Key *k = p;
    return g_direct_hash(k->text) * 31 + g_direct_hash(k->detail) * 7 + k->vmid * 4 + k->from;
}

static gboolean equal(gconstpointer a, gconstpointer b)
{
    const Key *x = a, *y = b;
    return x->text == y->text && x->detail == y->detail && x->vmid == y->vmid &&
           x->from == y->from;
}

TraceExits *trace_exits_new(void)
{
    TraceExits *t = g_new0(TraceExits, 1);
    t->rows = g_hash_table_new_full(hash, equal, NULL, g_free);
    t->cpus = g_array_new(FALSE, TRUE, sizeof(Cpu));
    return t;
}

void trace_exits_free(TraceExits *t)
{
    if (t) {
        g_hash_table_unref(t->rows);
        g_array_unref(t->cpus);
        g_free(t);
    }
}

static Cpu *cpu_of(TraceExits *t, uint32_t n)
{
    if (n >= t->cpus->len) {
        g_array_set_size(t->cpus, n + 1);
    }
    return &g_array_index(t->cpus, Cpu, n);
}

static Row *row_of(TraceExits *t, const Key *key)
{
    Row *row = g_hash_table_lookup(t->rows, key);
    if (!row) {
        row = g_new0(Row, 1);
        row->key = *key;
        g_hash_table_insert(t->rows, &row->key, row);
    }
    return row;
}

void trace_exits_event(TraceExits *t, const EvEvent *e)
{
    const unsigned from = e->a >> 8 & 3, to = e->a & 3;
    const bool enters = e->kind != EV_ERET && from < 2 && to == 2;
    const bool leaves = e->kind == EV_ERET && from == 2 && to < 2;
    if (e->cpu == UINT32_MAX || !(enters || leaves)) {
        return;
    }
    Cpu *cpu = cpu_of(t, e->cpu);
    const uint64_t spent = e->insns - cpu->since;
    cpu->since = e->insns;
    if (enters) {
        cpu->exit = row_of(t, &(Key){ e->text, e->detail, e->vmid, from });
        cpu->exit->count++;
        cpu->exit->below += spent;
    } else if (cpu->exit) {
        cpu->exit->above += spent;
        cpu->exit = NULL;
    }
}

/* Most frequent first; then so that two runs print the same. */
static gint by_count(gconstpointer a, gconstpointer b)
{
    const Row *x = *(Row *const *)a, *y = *(Row *const *)b;
    if (x->count != y->count) {
        return x->count < y->count ? 1 : -1;
    }
    if (x->key.vmid != y->key.vmid) {
        return x->key.vmid < y->key.vmid ? -1 : 1;
    }
    if (x->key.from != y->key.from) {
        return x->key.from < y->key.from ? -1 : 1;
    }
    const int order = g_strcmp0(x->key.text, y->key.text);
    return order ? order : g_strcmp0(x->key.detail, y->key.detail);
}

static void print_row(const Row *r, FILE *to)
{
    char vmid[16] = "host";
    if (r->key.vmid != EV_NO_VMID) {
        g_snprintf(vmid, sizeof vmid, "%u", r->key.vmid);
    }
    fprintf(to, "%-14s %10" PRIu64 " %5s  EL%u %14" PRIu64 " %10" PRIu64 " %14" PRIu64 " %8" PRIu64
            "  %s%s%s\n",
            "", r->count, vmid, r->key.from, r->below, r->below / r->count, r->above,
            r->above / r->count, r->key.text ? r->key.text : "", r->key.detail ? ": " : "",
            r->key.detail ? r->key.detail : "");
}

void trace_exits_print(const TraceExits *t, FILE *to)
{
    if (g_hash_table_size(t->rows) == 0) {
        return;
    }
    g_autoptr(GPtrArray) rows = g_ptr_array_new();
    GHashTableIter iter;
    gpointer row;
    g_hash_table_iter_init(&iter, t->rows);
    while (g_hash_table_iter_next(&iter, NULL, &row)) {
        g_ptr_array_add(rows, row);
    }
    g_ptr_array_sort(rows, by_count);
    fprintf(to, "%-14s %10s %5s %4s %14s %10s %14s %8s  %s\n", "exits to EL2", "count", "VMID",
            "from", "below EL2", "each", "at EL2", "each", "reason (instructions)");
    for (guint i = 0; i < rows->len; i++) {
        print_row(g_ptr_array_index(rows, i), to);
    }
}
