/*
 * A64 instructions as text: Capstone, and where it does not know a word, a name the caller knows.
 * The only user of Capstone.
 */
#include "armillary/trace.h"

#include <capstone/capstone.h>
#include <inttypes.h>

struct TraceDisasm {
    csh handle;
    TraceNameFn name;
};

TraceDisasm *trace_disasm_new(TraceNameFn name)
{
    TraceDisasm *d = g_new0(TraceDisasm, 1);
    d->name = name;
    if (cs_open(CS_ARCH_ARM64, CS_MODE_ARM, &d->handle) != CS_ERR_OK) {
        d->handle = 0; /* names only */
    }
    return d;
}

void trace_disasm_free(TraceDisasm *d)
{
    if (d) {
        if (d->handle) {
            cs_close(&d->handle);
        }
        g_free(d);
    }
}

void trace_disasm(TraceDisasm *d, uint32_t word, uint64_t pc, GString *out)
{
    const uint32_t le = GUINT32_TO_LE(word);
    cs_insn *insn = NULL;
    if (d->handle && cs_disasm(d->handle, (const uint8_t *)&le, sizeof le, pc, 1, &insn) == 1) {
        g_string_append_printf(out, insn->op_str[0] ? "%s %s" : "%s", insn->mnemonic,
                               insn->op_str);
        cs_free(insn, 1);
        return;
    }
    const char *name = d->name ? d->name(word) : NULL;
    g_string_append(out, name ? name : "unallocated");
}
