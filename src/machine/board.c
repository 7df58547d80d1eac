/*
 * The board's map as a table: virt.map.
 */
#include "board.h"

#include <glib.h>

static const VmMapRow rows[VM_MAP_COUNT] = {
#define VM_MAP(id, base_, size_, count_, spi_, compatible_)                                       \
    [VM_MAP_##id] = { .name = #id, .base = (base_), .size = (size_), .count = (count_),           \
                      .spi = (spi_), .compatible = (compatible_),                                 \
                      .compatible_size = sizeof(compatible_) },
#include "virt.map"
#undef VM_MAP
};

const VmMapRow *vm_map_row(VmMapId id)
{
    g_assert((unsigned)id < VM_MAP_COUNT);
    return &rows[id];
}
