/* Putting a machine's parts together. Private to src/machine. */
#pragma once

#include "devtree.h"
#include "machine-impl.h"

/* Makes everything of m that follows from m->config and m->model. vm_dismantle frees it, also when
 * this failed half-way. */
bool vm_build(VmMachine *m, GError **error);
void vm_dismantle(VmMachine *m);
/* Reset state of every device and vCPU; memory keeps its content. */
void vm_reset_parts(VmMachine *m);
VmFdtBoard vm_fdt_board(const VmMachine *m);
