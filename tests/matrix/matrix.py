#!/usr/bin/env python3
"""Runs the trap matrix's program on a machine and writes the result file.

usage: matrix.py [--armillary PROGRAM | --peer QEMU] [--timeout S] PROGRAM.elf RESULT [-- OPTION...]
       matrix.py --records FILE RESULT          (of a run that was kept with --keep FILE)

A line of RESULT is EL, E2H, TGE, CONTROLS, FORM:NAME, RESULT, tab separated; docs/trap-matrix.md explains them. Lines starting
with "#" tell about the machine: "id REGISTER VALUE" (tab separated), "# absent REGISTER.FIELD", "# cases N configurations N", "# pairs N" (of cases.pairs).
"""
import argparse
import re
import subprocess
import sys

import cases
import gen

ID_SPACE = re.compile(r"(ID_\w+|MIDR|CTR|DCZID|CLIDR|REVIDR|AIDR|PMCR|ICH_VTR|CNTFRQ|MPAMIDR|ERRIDR|GMID|LORID|PMMIR|TRCIDR\d+|ICC_CTLR|AMCGCR|AMCFGR)(_EL|$)")


def command(args):
    if args.peer:
        return [args.peer, "-M", "virt,virtualization=on,gic-version=3", "-cpu", "max,sve=off,sme=off,pauth-impdef=on", "-m", "256",
                "-nographic", "-no-reboot", "-kernel", args.program, *args.options]
    return [args.armillary, "run", "--kernel", args.program, "--memory", "256M", "--timeout", str(args.timeout), *args.options]


def records(text):
    return [(line[0], [int(word, 16) for word in line[2:].split()]) for line in text.replace("\r", "").splitlines()
            if re.fullmatch(r"[A-Z]( [0-9a-f]+)+", line)]


class Result:
    """The records of a run, in words."""

    def __init__(self, found):
        self.accesses, self.controls = cases.accesses(), cases.controls()
        self.states = gen.States(self.accesses)
        self.sets = cases.sets(self.controls)
        self.set_labels = {cases.label(*some) for some in self.sets}
        self.state_value = {fields[0]: fields[1] for kind, fields in found if kind == "S"}
        self.walker = next(fields[0] for kind, fields in found if kind == "I")
        self.by_value = {}
        for number, value in self.state_value.items():
            if self.states.bases.value[self.states.list[number]] == "seed":
                self.by_value[value] = self.states.list[number][0]
        self.lines, self.notes = {}, []
        self.at_el2 = {fields[1]: fields[3] for kind, fields in found
                       if kind == "B" and cases.CONTEXTS[fields[0]] == cases.Context(2, 0, 0) and len(fields) == 4}
        count = next(fields[2] for kind, fields in found if kind == "E")
        self.pair_of = {pair.number: pair for pair in cases.pairs(count, self.controls)}
        for kind, fields in found:
            getattr(self, "record_" + kind)(*fields)

    def value(self, context, access, value):
        """What a read gave: the name of the register whose value it is, if the register is in base.tsv."""
        named = access.name in self.states.bases.names()
        alias = re.sub(r"_EL02$", "_EL0", re.sub(r"_EL12$", "_EL1", access.name))
        if value >> 48 == 0x4e56 and value & 0xfff == value & 0xffffffffffff:
            return f"ok=VNCR+{value & 0xfff:#x}"
        if value in self.by_value and value:
            return "ok=" + self.by_value[value]
        if not named and alias not in self.states.bases.names():
            return "ok" if value == self.at_el2.get(access.index, value) or gen.flags(access) & gen.VOLATILE else f"ok={value:#x}"
        found = [name for name in (alias, self.other(alias)) if self.state_value.get(self.states.of(name, context.e2h)) == value]
        if found:
            return "ok=" + (found[0] if len(found) == 1 or not context.e2h or context.el < 2 or self.other(alias) == alias else "?")
        if alias == "HCR_EL2" and context.el == 2:
            return "ok=HCR_EL2"
        if gen.flags(access) & gen.VOLATILE and context.el < 2:
            return "ok"
        if value == self.walker:
            return "ok=ELR_EL2"
        if context.el == 2 and "SPSR" in access.name and value == 0x3c9:
            return "ok=SPSR_EL2"
        return f"ok={value:#x}"

    @staticmethod
    def other(name):
        special = {"CPACR_EL1": "CPTR_EL2", "CNTKCTL_EL1": "CNTHCTL_EL2", "MIDR_EL1": "VPIDR_EL2", "MPIDR_EL1": "VMPIDR_EL2"}
        return special.get(name) or re.sub(r"^CNT([PV])_(\w+)_EL0$", r"CNTH\1_\2_EL2", re.sub(r"_EL1$", "_EL2", name))

    def result(self, context, access, status, value=None):
        if status:
            return f"el{status >> 32}:EC{status >> 26 & 0x3f:02x}:ISS{status & 0x1ffffff:07x}"
        return "ok" if value is None or not gen.flags(access) & gen.READ else self.value(context, access, value)

    def add(self, context, controls, number, text, mark=""):
        context, access = cases.CONTEXTS[context], self.accesses[number]
        self.lines[f"{context.el}\t{context.e2h}\t{context.tge}\t{controls}\t{access.form}{mark}:{access.name}"] = text

    def record_I(self, *_):
        pass

    def record_S(self, *_):
        pass

    def record_X(self, *fields):
        raise SystemExit("matrix.py: the program was lost: ESR {:#x} ELR {:#x} kind {} LR {:#x}".format(*fields))

    def record_A(self, number):
        control = self.controls[number]
        self.notes.append(f"# absent {control.register}.{control.field}")

    def record_B(self, context, number, status, value=None):
        access = self.accesses[number]
        if cases.CONTEXTS[context] == cases.Context(2, 0, 0) and not status and ID_SPACE.match(access.name) and access.form == "MRS":
            self.notes.append(f"id\t{access.name}\t{value:#x}")
        self.add(context, "-", number, self.result(cases.CONTEXTS[context], access, status, value))

    def record_D(self, context, control, number, status, value):
        self.add(context, cases.label(self.controls[control]), number,
                 self.result(cases.CONTEXTS[context], self.accesses[number], status, value))

    def record_T(self, context, which, number, status, value):
        self.add(context, cases.label(*self.sets[which]), number,
                 self.result(cases.CONTEXTS[context], self.accesses[number], status, value))

    def record_P(self, pair, number, status, value):
        pair = self.pair_of[pair]
        label = cases.label(self.controls[pair.first], self.controls[pair.second])
        if label in self.set_labels:
            return
        self.add(pair.context, label, number, self.result(cases.CONTEXTS[pair.context], self.accesses[number], status, value))

    def record_W(self, context, which, number, *changed):
        names = [f"VNCR+{n - 0x800:#x}" if n >= 0x800 else self.states.list[n][0] for n in changed]
        self.add(context, cases.label(*self.sets[which - 1]) if which else "-", number, "ok>" + (",".join(names) or "-"), ">")

    def record_E(self, count, configurations, pairs):
        self.notes += [f"# cases {count} configurations {configurations}", f"# pairs {pairs}"]


def run(args):
    process = subprocess.run(command(args), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             timeout=args.timeout + 5, check=False)
    text = process.stdout.decode("latin-1")
    if not re.search(r"^E [0-9a-f ]+\s*$", text, re.M):
        raise SystemExit(f"matrix.py: no end record (status {process.returncode}); the last lines:\n" + text[-300:]
                         + process.stderr.decode("latin-1")[-300:])
    return text


def main():
    argv, options = sys.argv[1:], []
    if "--" in argv:
        argv, options = argv[:argv.index("--")], argv[argv.index("--") + 1:]
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--armillary", default="armillary")
    parser.add_argument("--peer")
    parser.add_argument("--timeout", type=float, default=120)
    parser.add_argument("--keep")
    parser.add_argument("--records", action="store_true")
    parser.add_argument("program")
    parser.add_argument("result")
    args = parser.parse_args(argv)
    args.options = options
    if args.records:
        with open(args.program, encoding="ascii") as file:
            text = file.read()
    else:
        text = run(args)
    if args.keep:
        with open(args.keep, "w", encoding="ascii") as file:
            file.write(text)
    result = Result(records(text))
    with open(args.result, "w", encoding="ascii") as file:
        file.write("\n".join(sorted(set(result.notes)) + [f"{key}\t{text}" for key, text in sorted(result.lines.items())]) + "\n")
    print(next(note for note in result.notes if note.startswith("# cases"))[2:], f"lines {len(result.lines)}")


if __name__ == "__main__":
    main()
