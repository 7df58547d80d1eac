/*
 * Answers questions about accesses to system registers, for check_access.py. Commands on standard
 * input, one a line:
 *   features NAME ...     a model that announces exactly these; all registers become 0
 *   set REGISTER HEX      writes a register as an MSR would store it; prints what it then holds
 *   mode EL N             selects the translation mode; N: PSTATE.SP + 2 * PSTATE.EXLOCK
 *   ask KEY r|w           prints what the access does
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu.h"
#include "sysreg.h"

static A64Cpu cpu;

static void set_features(char *names)
{
    static char before[65536];
    memset(&cpu.st, 0, sizeof cpu.st);
    if (strcmp(names, before) == 0)
        return;
    strcpy(before, names);
    A64Feature list[A64_FEAT_COUNT];
    unsigned n = 0;
    for (char *name = strtok(names, " \n"); name; name = strtok(NULL, " \n"))
        for (unsigned f = 0; f < A64_FEAT_COUNT; f++)
            if (strcmp(name, a64_feature_names[f]) == 0)
                list[n++] = (A64Feature)f;
    a64_modes_free(cpu.modes);
    a64_model_free((A64Model *)(uintptr_t)cpu.model);
    cpu.model = a64_model_of(list, n);
    cpu.modes = a64_modes_new(cpu.model);
}

static void set_register(const char *name, uint64_t value)
{
    const A64SysReg *reg = a64_sysreg_named(name);
    if (!reg || reg->slot == A64_NO_SLOT) {
        printf("none\n");
        return;
    }
    value = (value & ~cpu.model->res0[reg->slot]) | cpu.model->res1[reg->slot];
    cpu.st.sr[reg->slot] = value;
    printf("%" PRIx64 "\n", value);
}

static void ask(unsigned key, char direction)
{
    A64SysAccess a = {(uint16_t)key, direction == 'w'};
    A64Decision d = a64_sysreg_decide(a64_mode_current(&cpu.eng), &a);
    switch (d.kind) {
    case A64_ACC_UNDEF:
        printf("UNDEF\n");
        break;
    case A64_ACC_TRAP:
        printf("TRAP_EL%u 0x%02X\n", d.el, d.ec);
        break;
    case A64_ACC_SELF:
        printf("SELF %s\n", d.reg->name);
        break;
    case A64_ACC_RAZ:
        printf("RAZ\n");
        break;
    case A64_ACC_NVMEM:
        printf("NVMEM 0x%03x\n", d.nv_offset);
        break;
    case A64_ACC_REG:
        abort();
    }
}

int main(void)
{
    static char line[65536];
    char name[64], direction;
    uint64_t value;
    unsigned key, el, sp;
    while (fgets(line, sizeof line, stdin)) {
        if (strncmp(line, "features", 8) == 0) {
            set_features(line + 8);
        } else if (sscanf(line, "set %63s %" SCNx64, name, &value) == 2) {
            set_register(name, value);
        } else if (sscanf(line, "mode %u %u", &el, &sp) == 2) {
            cpu.st.pstate.el = (uint8_t)el;
            cpu.st.pstate.sp = sp & 1;
            cpu.st.pstate.exlock = sp >> 1 & 1;
            a64_mode_forget(&cpu);
            a64_mode_select(&cpu);
        } else if (sscanf(line, "ask %u %c", &key, &direction) == 2) {
            ask(key, direction);
        } else {
            fprintf(stderr, "test-access: cannot read '%s'\n", line);
            return 2;
        }
    }
    return 0;
}
