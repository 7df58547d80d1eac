/*
 * Registers as gdb numbers them: those of its own AArch64 features, then every system register.
 * GDB manual, "AArch64 Features", "Target Description Format".
 */
#include "session.h"

enum { X0 = 0, SP = 31, PC = 32, CPSR = 33, V0 = 34, FPSR = 66, FPCR = 67, SYSTEM = GDB_CORE_REGS };

typedef struct {
    void *at;
    size_t size;
} Place;

static Place place_of(VmCoreRegs *r, unsigned n)
{
    if (n < SP) {
        return (Place){ &r->x[n - X0], 8 };
    }
    if (n >= V0 && n < FPSR) {
        return (Place){ r->v[n - V0], 16 };
    }
    switch (n) {
    case SP: return (Place){ &r->sp, 8 };
    case PC: return (Place){ &r->pc, 8 };
    case CPSR: return (Place){ &r->pstate, 4 };
    case FPSR: return (Place){ &r->fpsr, 4 };
    default: return (Place){ &r->fpcr, 4 };
    }
}

unsigned gdb_register_count(VmMachine *m)
{
    return SYSTEM + vm_debug_sysregs(m);
}

bool gdb_register_append(VmMachine *m, unsigned cpu, unsigned n, GString *out)
{
    if (n >= gdb_register_count(m)) {
        return false;
    }
    if (n >= SYSTEM) {
        const uint64_t value = vm_debug_get_sysreg(m, cpu, n - SYSTEM);
        gdb_hex_append(out, &value, sizeof value);
        return true;
    }
    VmCoreRegs regs;
    vm_debug_get_core(m, cpu, &regs);
    const Place p = place_of(&regs, n);
    gdb_hex_append(out, p.at, p.size);
    return true;
}

bool gdb_register_write(VmMachine *m, unsigned cpu, unsigned n, const char **hex)
{
    uint64_t value;
    if (n >= gdb_register_count(m)) {
        return false;
    }
    if (n >= SYSTEM) {
        return gdb_hex_bytes(hex, &value, sizeof value) &&
               vm_debug_set_sysreg(m, cpu, n - SYSTEM, value);
    }
    VmCoreRegs regs;
    vm_debug_get_core(m, cpu, &regs);
    const Place p = place_of(&regs, n);
    return gdb_hex_bytes(hex, p.at, p.size) && vm_debug_set_core(m, cpu, &regs);
}

static void add_register(GString *xml, const char *name, const char *rest)
{
    g_string_append_printf(xml, "<reg name=\"%s\" %s/>", name, rest);
}

static void add_core(GString *xml)
{
    g_string_append(xml, "<feature name=\"org.gnu.gdb.aarch64.core\">");
    for (unsigned i = 0; i < SP; i++) {
        g_autofree char *name = g_strdup_printf("x%u", i);
        add_register(xml, name, "bitsize=\"64\"");
    }
    add_register(xml, "sp", "bitsize=\"64\" type=\"data_ptr\"");
    add_register(xml, "pc", "bitsize=\"64\" type=\"code_ptr\"");
    add_register(xml, "cpsr", "bitsize=\"32\"");
    g_string_append(xml, "</feature>");
}

static void add_fpu(GString *xml)
{
    g_string_append(xml,
        "<feature name=\"org.gnu.gdb.aarch64.fpu\">"
        "<vector id=\"v2d\" type=\"ieee_double\" count=\"2\"/>"
        "<vector id=\"v2u\" type=\"uint64\" count=\"2\"/>"
        "<vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/>"
        "<vector id=\"v4u\" type=\"uint32\" count=\"4\"/>"
        "<vector id=\"v8u\" type=\"uint16\" count=\"8\"/>"
        "<vector id=\"v16u\" type=\"uint8\" count=\"16\"/>"
        "<union id=\"aarch64v\"><field name=\"d\" type=\"v2d\"/><field name=\"du\" type=\"v2u\"/>"
        "<field name=\"s\" type=\"v4f\"/><field name=\"su\" type=\"v4u\"/>"
        "<field name=\"hu\" type=\"v8u\"/><field name=\"bu\" type=\"v16u\"/>"
        "<field name=\"q\" type=\"uint128\"/></union>");
    for (unsigned i = 0; i < FPSR - V0; i++) {
        g_autofree char *name = g_strdup_printf("v%u", i);
        add_register(xml, name, "bitsize=\"128\" type=\"aarch64v\"");
    }
    add_register(xml, "fpsr", "bitsize=\"32\"");
    add_register(xml, "fpcr", "bitsize=\"32\"");
    g_string_append(xml, "</feature>");
}

static void add_system(GString *xml, VmMachine *m)
{
    g_string_append(xml, "<feature name=\"org.armillary.system\">");
    for (unsigned i = 0; i < vm_debug_sysregs(m); i++) {
        add_register(xml, vm_debug_sysreg_name(m, i),
                     "bitsize=\"64\" group=\"system\" save-restore=\"no\"");
    }
    g_string_append(xml, "</feature>");
}

GString *gdb_features(VmMachine *m)
{
    GString *xml = g_string_new("<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\">"
                                "<target version=\"1.0\"><architecture>aarch64</architecture>");
    add_core(xml);
    add_fpu(xml);
    add_system(xml, m);
    g_string_append(xml, "</target>");
    return xml;
}
