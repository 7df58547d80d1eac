"""The cases of the trap matrix: accesses, contexts, controls, sets and pairs of controls, in one fixed order.

Reads tests/facts/ (what exists) and base.tsv, exclude.tsv (how the program runs it). The guest program's tables, the second expectation
and the comparison all enumerate through this file. Knows nothing about any emulator.
"""
import collections
import csv
import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))
FACTS = os.path.join(HERE, "..", "facts")

Access = collections.namedtuple("Access", "index name form word")
Context = collections.namedtuple("Context", "el e2h tge")
# A value of one field: register as in base.tsv rows ("CPTR_EL2" with layout 0 or 1, None where there is one layout).
Control = collections.namedtuple("Control", "register layout field lsb mask value base feature")
Pair = collections.namedtuple("Pair", "number context first second")

CONTEXTS = [Context(el, e2h, tge) for el in (0, 1, 2) for e2h in (0, 1) for tge in (0, 1) if not (el == 1 and tge)]
RANDOM_PER_PAIR = 16
# How often a random pair is tried in a context: most traps are from EL1.
WEIGHTED = [number for number, context in enumerate(CONTEXTS) for _ in range((2, 6, 1)[context.el])]
HPMN = "MDCR_EL2.HPMN"
NO_OPERAND = re.compile(r"(TLBI (VMALL|ALLE)|IC IALLU|BRB |GCSPUSHX|GCSPOPX|GCSPOPCX)")


def rows(name, folder=FACTS):
    with open(os.path.join(folder, name), newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)


def excluded(what):
    return {row["name"] for row in rows("exclude.tsv", HERE) if row["what"] == what}


def accesses():
    """All accesses in the order of accesses.tsv; index is also the number of the stub."""
    skip, seen, result = excluded("access"), collections.Counter(), []
    for row in rows("accesses.tsv"):
        name, form = row["name"], row["form"]
        if f"{form}:{name}" in skip:
            continue
        if name.startswith("("):
            name = f"{name.strip('()').replace(' ', '-')}:S{row['op0']}_{row['op1']}_C{row['CRn']}_C{row['CRm']}_{row['op2']}"
        seen[form, name] += 1
        if seen[form, name] > 1:
            raise ValueError(f"accesses.tsv: {form}:{name} twice")
        word = int(row["word"], 16)
        if form == "SYS" and NO_OPERAND.match(name):
            word |= 31
        result.append(Access(len(result), name, form, word))
    return result


class Bases:
    """Base configuration: register (and layout 0/1 of E2H, or None) -> value, a word such as `seed`, or `n+...`; and what to flip."""

    def __init__(self):
        self.value, self.flip = {}, {}
        for row in rows("base.tsv", HERE):
            match = re.fullmatch(r"(\w+?)(?:\[E2H=([01])\])?", row["register"])
            key = match[1], int(match[2]) if match[2] else None
            self.value[key] = row["value"]
            self.flip[key] = row["flip"]

    def number(self, register, layout):
        """The value as a number; 0 for one that the program makes up."""
        text = self.value[(register, layout) if (register, layout) in self.value else (register, None)]
        return int(text, 16) if text.startswith("0x") else 0

    def names(self):
        return {register for register, _ in self.value}


def controls(bases=None):
    """Every value of every control field other than its base."""
    bases, skip, result = bases or Bases(), excluded("control"), {}
    for row in rows("controls.tsv"):
        register, field = row["register"], row["field"]
        layout = None
        match = re.fullmatch(r"(\w+)\[E2H=([01])\]", register)
        if match:
            register, layout = match[1], int(match[2])
        elif row.get("layout", "-") not in ("-", None, ""):
            layout = int(row["layout"][-1])
        if f"{register}.{field}" in skip:
            continue
        layouts = [layout] if layout is not None or (register, None) in bases.value else [0, 1]
        lsb, width = int(row["lsb"]), int(row["msb"]) - int(row["lsb"]) + 1
        ones = (1 << width) - 1
        for layout in layouts:
            base = bases.number(register, layout) >> lsb & ones
            if f"{register}.{field}" == HPMN:
                values, base = [1], None
            elif row["polarity"] == "m":
                values = [v for v in range(1 << width) if v != base]
            else:
                values = [ones if int(row["polarity"]) else 0]
                if base in values:
                    raise ValueError(f"base.tsv: {register}.{field} is {base:#x}, which is the value to be tried")
            for value in values:
                control = Control(register, layout, field, lsb, ones << lsb, value, base, row["feature"])
                result[register, layout, field, value] = control
    return list(result.values())


def applies(control, context):
    """A layout of CPTR_EL2 or CNTHCTL_EL2 exists with one value of E2H only."""
    return control.layout is None or control.layout == context.e2h


def label(*some):
    return ",".join(f"{c.register}.{c.field}={c.value:#x}" for c in some) or "-"


SETS = [("NV", "NV1"), ("NV", "NV2"), ("NV", "NV1", "NV2"), ("AMO", "IMO", "FMO")]


def sets(all_controls):
    """Sets of fields of HCR_EL2 that are tried together, as lists of controls."""
    by_name = {c.field: c for c in all_controls if c.register == "HCR_EL2"}
    return [[by_name[name] for name in names] for names in SETS]


class Random:
    """splitmix64: the same numbers in the program and here."""

    def __init__(self, seed):
        self.state = seed & (1 << 64) - 1

    def next(self):
        self.state = (self.state + 0x9e3779b97f4a7c15) & (1 << 64) - 1
        z = self.state
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9 & (1 << 64) - 1
        z = (z ^ z >> 27) * 0x94d049bb133111eb & (1 << 64) - 1
        return z ^ z >> 31

    def below(self, n):
        return self.next() % n


def rule_partners(all_controls):
    """For each rule (an access at one EL) the numbers of the controls it names, where there are two or more."""
    by_name = collections.defaultdict(list)
    for number, control in enumerate(all_controls):
        by_name[control.register, control.field].append(number)
    result = []
    for row in rows("rules.tsv"):
        for el in (0, 1, 2):
            text, found = row[f"EL{el}"], []
            for register, fields in re.findall(r"(\w+_EL\d)\.(\{[^}]*\}|\w+)", text):
                for field in fields.strip("{}").split(","):
                    found += by_name[register, field]
            if "NVx" in text:
                found += by_name["HCR_EL2", "NV"] + by_name["HCR_EL2", "NV1"] + by_name["HCR_EL2", "NV2"]
            found = sorted(set(found))
            if len(found) >= 2:
                result.append((el, found))
    return result


def rule_pairs(all_controls):
    """All (context, first, second) of two controls that one rule names, in a fixed order, each once."""
    found = set()
    for el, numbers in rule_partners(all_controls):
        for number, context in enumerate(CONTEXTS):
            here = [n for n in numbers if context.el == el and applies(all_controls[n], context)]
            found.update((number, a, b) for a in here for b in here if a < b)
    return sorted(found)


def pairs(count, all_controls=None, seed=1):
    """Different pairs of controls of different fields: two of three from the rules while there are any, the others uniform."""
    all_controls = all_controls or controls()
    random, result, seen = Random(seed), [], set()
    pool = rule_pairs(all_controls)
    while len(result) < count:
        if pool and len(result) % 3:
            at = random.below(len(pool))
            pool[at], pool[-1] = pool[-1], pool[at]
            chosen = pool.pop()
        else:
            first, second = random.below(len(all_controls)), random.below(len(all_controls))
            chosen = WEIGHTED[random.below(len(WEIGHTED))], min(first, second), max(first, second)
        a, b = all_controls[chosen[1]], all_controls[chosen[2]]
        if chosen in seen or (a.register, a.field) == (b.register, b.field):
            continue
        seen.add(chosen)
        if applies(a, CONTEXTS[chosen[0]]) and applies(b, CONTEXTS[chosen[0]]):
            result.append(Pair(len(result), *chosen))
    return result


def random_accesses(pair_number, count):
    """The further accesses of a pair, whatever its controls are."""
    random = Random(0xa11ce + pair_number)
    return sorted({random.below(count) for _ in range(RANDOM_PER_PAIR)})
