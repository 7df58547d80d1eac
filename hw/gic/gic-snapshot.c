/*
 * Saving and loading a GIC's state: three chunks, distributor, redistributors, and their LPIs.
 */
#include "gic.h"
#include "gic-lpi.h"

enum { VERSION = 2 };

void gic_save(Gic *gic, SnapWriter *w)
{
    snap_put(w, "gicd", VERSION, &gic->dist, sizeof gic->dist);
    snap_put(w, "gicr", VERSION, gic->redist, gic->cpus * sizeof *gic->redist);
    gic_lpi_save(gic, w);
}

bool gic_load(Gic *gic, SnapReader *r, GError **error)
{
    const SnapWant dist = {"gicd", VERSION, &gic->dist, sizeof gic->dist};
    const SnapWant redist = {"gicr", VERSION, gic->redist, gic->cpus * sizeof *gic->redist};
    if (!snap_get(r, dist, error) || !snap_get(r, redist, error) || !gic_lpi_load(gic, r, error)) {
        return false;
    }
    gic_all_changed(gic);
    return true;
}
