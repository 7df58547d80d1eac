/*
 * Saving and loading LPI state: per PE the two base registers, and a list of what is pending.
 */
#include "gic-lpi.h"

#include <string.h>

enum { VERSION = 1 };
/* One pending LPI. */
#define SAVED(intid, config) ((intid) | (uint32_t)(config) << 16)

typedef struct {
    GicLpiBases bases;
    uint64_t count;
} SavedPe;

static void save_pe(const GicLpis *l, SnapWriter *w)
{
    const SavedPe head = {{l->propbaser, l->pendbaser}, l->count};
    snap_bytes(w, &head, sizeof head);
    for (uint32_t n = 0; n < GIC_LPIS && l->count; n++) {
        if (l->pending[n / 64] >> (n % 64) & 1) {
            const uint32_t entry = SAVED(n + GIC_FIRST_LPI, l->config[n]);
            snap_bytes(w, &entry, sizeof entry);
        }
    }
}

void gic_lpi_save(Gic *gic, SnapWriter *w)
{
    uint64_t size = 0;
    for (uint32_t p = 0; p < gic->cpus; p++) {
        size += sizeof(SavedPe) + gic->lpi[p].count * sizeof(uint32_t);
    }
    snap_begin(w, "lpi", VERSION, size);
    for (uint32_t p = 0; p < gic->cpus; p++) {
        save_pe(&gic->lpi[p], w);
    }
}

/* The bytes of one PE at data, of `left` that there are; those used, 0 when they make no sense. */
static uint64_t load_pe(Gic *gic, uint32_t p, const uint8_t *data, uint64_t left)
{
    SavedPe head;
    if (left < sizeof head) {
        return 0;
    }
    memcpy(&head, data, sizeof head);
    if (head.count > GIC_LPIS || left - sizeof head < head.count * sizeof(uint32_t)) {
        return 0;
    }
    gic_lpi_restore(gic, p, head.bases);
    for (uint64_t i = 0; i < head.count; i++) {
        uint32_t entry;
        memcpy(&entry, data + sizeof head + i * sizeof entry, sizeof entry);
        gic_lpi_restore_pending(gic, p, entry & 0xffff, (uint8_t)(entry >> 16));
    }
    return sizeof head + head.count * sizeof(uint32_t);
}

bool gic_lpi_load(Gic *gic, SnapReader *r, GError **error)
{
    uint64_t left;
    const uint8_t *data = snap_next(r, "lpi", VERSION, &left, error);
    if (!data) {
        return false;
    }
    for (uint32_t p = 0; p < gic->cpus; p++) {
        const uint64_t used = load_pe(gic, p, data, left);
        if (!used) {
            g_set_error(error, SNAP_ERROR, 0, "the snapshot's chunk lpi is too short");
            return false;
        }
        data += used;
        left -= used;
        gic_lpi_find_best(gic, p);
    }
    return true;
}
