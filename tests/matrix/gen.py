#!/usr/bin/env python3
"""Writes the tables of the trap matrix's guest program.   usage: gen.py --pairs N OUT.S OUT.h"""
import argparse
import re

import cases

NONE = 0xffff
READ, WRITE, VOLATILE, NAMED = 1, 2, 4, 8  # flags of an access
MODES = {"seed": 1, "keep": 2, "vectors": 3, "page": 4}
FIXED, FIXED_HPMN = 0, 5
# Values that time, or the order of the accesses of one run, changes.
UNSTEADY = re.compile(r"(\w*TVAL_|CNT\w*CT_|CNT\w*CTSS_|CNT\w*_CTL_|RNDR|PMCCNTR|PMEVCNTR|PMXEVCNTR|PMICNTR|AMEVCNTR|DBGDTR|TRC|ISR_EL1"
                      r"|(ELR|SPSR|ESR|FAR|PFAR)_EL|HPFAR|PAR_EL1|S\d_|PMCCSR|ERX|SPM|PMOVS|PMCNTEN|PMINTEN|GCSSS2|GCSPOPM)")
PSTATE = {"DAIF", "NZCV", "SPSel", "PAN", "UAO", "SSBS", "DIT", "TCO", "ALLINT", "PM", "SVCR"}
LDR_X0, LDR_X1, STR_X0 = 0xf9400280, 0xf9400281, 0xf9000260  # [x20, #0]; [x19, #0]
RET, SVC_1, NOP, SEVL = 0xd65f03c0, 0xd4000021, 0xd503201f, 0xd50320bf


def flags(access):
    reads = access.form in ("MRS", "MRRS", "SYSL")
    return (READ if reads else WRITE) | (VOLATILE if reads and UNSTEADY.match(access.name) else 0)


def stub(access):
    """Four words: one access, then back to the walker. x19 holds the values read, x20 the operands."""
    slot = access.index << 10
    if flags(access) & READ:
        return [access.word, STR_X0 | slot, RET, NOP]
    if access.form == "INSN" and access.name == "WFE":
        return [SEVL, access.word, RET, NOP]
    load = LDR_X1 if access.form == "INSN" and "[X1]" in access.name else LDR_X0
    changes_pstate = access.form == "MSRimm" or access.form == "MSR" and access.name in PSTATE
    return [load | slot, access.word, SVC_1 if changes_pstate else RET, NOP]


def operand(access):
    """The operand of a write whose register is not in base.tsv, as assembly."""
    if access.form in ("SYS", "SYSP") and re.match(r"(DC|IC|AT|GCSSS)", access.name) and not access.name.endswith("SW"):
        return "buffer"
    if access.form == "INSN":
        return "0x84000000" if access.name.startswith("SMC") else "0" if access.name.startswith("WF") else "buffer"
    if access.name == "OSLAR_EL1":
        return "1"
    return "0x3ff" if re.search(r"ICC_(EOIR|DIR)", access.name) else "0"


def order(access):
    """Reads first; a TVAL write before the write of what it changes; PSTATE last."""
    if flags(access) & READ and access.form != "SYSL":
        return 0
    if access.form in ("SYS", "SYSL", "SYSP", "INSN"):
        return 1
    if "TVAL" in access.name:
        return 2
    return 4 if access.form == "MSRimm" else 3


class States:
    """The registers of base.tsv, numbered."""

    def __init__(self, accesses):
        self.bases = cases.Bases()
        self.list = list(self.bases.value)
        self.number = {key: n for n, key in enumerate(self.list)}
        self.index = {(a.form, a.name): a.index for a in accesses}
        self.names = {a.name for a in accesses}

    def of(self, name, e2h):
        return self.number.get((name, e2h), self.number.get((name, None), NONE))

    def target(self, name, e2h, host):
        """The state that an access of this name should reach; it only serves to choose a harmless value."""
        if e2h and host:
            other = re.sub(r"_EL12$", "_EL1", re.sub(r"_EL02$", "_EL0", name))
            if other != name:
                return self.of(other, e2h)
            if name.endswith("_EL1") and name + "2" in self.names:
                special = {"CPACR_EL1": "CPTR_EL2", "CNTKCTL_EL1": "CNTHCTL_EL2"}
                return self.of(special.get(name, name[:-1] + "2"), e2h)
            if re.match(r"CNT[PV]_(CTL|CVAL)_EL0$", name):
                return self.of(name.replace("CNT", "CNTH")[:-1] + "2", e2h)
        return self.of(name, e2h)

    def rows(self):
        for name, layout in self.list:
            text, flip = self.bases.value[name, layout], self.bases.flip[name, layout]
            mode = MODES.get(text, FIXED_HPMN if name == "MDCR_EL2" else FIXED)
            base = int(text, 16) if mode in (FIXED, FIXED_HPMN) else 0
            mask = (1 << 64) - 1 if flip == "all" else int(flip, 16)
            yield (base, mask, self.index["MRS", name], self.index["MSR", name], mode, 2 if layout is None else layout)


def words(out, directive, values, per_line=16):
    values = list(values)
    for at in range(0, len(values), per_line):
        out.append(f"    .{directive} " + ", ".join(str(v) for v in values[at:at + per_line]))


def table(out, name, directive, values, section=".data"):
    out += [f"    .section {section}", "    .balign 16", f"    .globl {name}", f"{name}:"]
    words(out, directive, values)


def assembly(accesses, states, controls, pairs):
    out = ["/* Made by tests/matrix/gen.py. */", "    .section .stubs, \"ax\"", "    .balign 16", "    .globl stubs", "stubs:"]
    for access in accesses:
        words(out, "inst", (hex(w) for w in stub(access)))
    named = states.bases.names()
    named |= {re.sub(r"0$", "02", re.sub(r"1$", "12", n)) for n in named}
    table(out, "access_flags", "byte", (flags(a) | (NAMED if a.name in named else 0) for a in accesses))
    table(out, "access_operand", "quad", (operand(a) for a in accesses))
    table(out, "full_list", "word", [a.index for a in sorted(accesses, key=lambda a: (order(a), a.index))] + ["0xffffffff"])
    for label, e2h, host in (("link_nvhe", 0, False), ("link_vhe", 1, False), ("link_vhe_host", 1, True)):
        table(out, label, "hword", (states.target(a.name, e2h, host) if not flags(a) & READ else NONE for a in accesses))
    out += ["    .balign 16", "    .globl state_table", "state_table:"]
    for base, flip, read, write, mode, layout in states.rows():
        out += [f"    .quad {base:#x}, {flip:#x}", f"    .hword {read}, {write}, {mode}, {layout}"]
    out += ["    .balign 16", "    .globl control_table", "control_table:"]
    for c in controls:
        state = states.number[c.register, c.layout] if (c.register, c.layout) in states.number else states.number[c.register, None]
        out += [f"    .quad {c.mask:#x}, {c.value << c.lsb:#x}", f"    .hword {state}, {2 if c.layout is None else c.layout}, 0, 0"]
    numbers = {c: n for n, c in enumerate(controls)}
    table(out, "set_table", "hword", (n for s in cases.sets(controls) for n in ([numbers[c] for c in s] + [NONE] * 3)[:3]))
    table(out, "context_table", "byte", (v for c in cases.CONTEXTS for v in c))
    table(out, "pair_table", "hword", [v for p in pairs for v in (p.context, p.first, p.second)] or [0])
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=0)
    parser.add_argument("source")
    parser.add_argument("header")
    args = parser.parse_args()
    accesses, controls = cases.accesses(), cases.controls()
    states = States(accesses)
    if len(accesses) > 4095:
        raise SystemExit("gen.py: the stubs reach 4095 slots")
    with open(args.source, "w", encoding="ascii") as file:
        file.write("\n".join(assembly(accesses, states, controls, cases.pairs(args.pairs, controls))) + "\n")
    with open(args.header, "w", encoding="ascii") as file:
        file.write(f"""/* Made by tests/matrix/gen.py. */
#define ACCESSES {len(accesses)}
#define STATES {len(states.list)}
#define CONTROLS {len(controls)}
#define SETS {len(cases.SETS)}
#define CONTEXTS {len(cases.CONTEXTS)}
#define PAIRS {args.pairs}
#define PER_PAIR {cases.RANDOM_PER_PAIR}
#define STATE_HCR {states.number['HCR_EL2', None]}
#define STATE_SCTLR_EL2 {states.number['SCTLR_EL2', None]}
#define STATE_VBAR_EL1 {states.number['VBAR_EL1', None]}
""")


if __name__ == "__main__":
    main()
