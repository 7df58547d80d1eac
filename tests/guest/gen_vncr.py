#!/usr/bin/env python3
"""Rows of the guest test vncr: every register that FEAT_NV2 moves to memory or to EL1's register, from tests/facts.

usage: gen_vncr.py FACTS-DIRECTORY OUT.inc
For each register: its accesses as stubs, its place in the page, when it exists (a C expression of ID registers), and what each access does for
each effective {NV2,NV1,NV}, {E2H,TGE} and Exception level when no other control traps it: M moved to memory, R to EL1's register, D done,
T trapped to EL2 with EC 0x18, U UNDEFINED.
"""
import re
import sys

SKIPPED = {"PMSCR_EL1", "TRFCR_EL1"}  # whether these move depends on fields of their own: FEAT_SPE, FEAT_TRF

# Announced by registers that are only there with another feature.
PARTS = {"FEAT_SPE_FDS": "FEAT_SPE", "FEAT_SPE_FnE": "FEAT_SPE", "FEAT_MPAM_PE_BW_CTRL": "FEAT_MPAM"}


def number_expression(atom, m):
    """C of a comparison in a presence condition; None where the test cannot tell."""
    if re.fullmatch(r"m=\{[\d,]+\}", atom):
        return str(int(str(m) in re.findall(r"\d+", atom)))
    k = re.fullmatch(r"m>=(\w+)", atom)
    if k:
        return f"({m} >= num_lrs())" if k[1] == "NUM_LRS" else str(int(m >= int(k[1]))) if k[1].isdigit() else "0"
    k = re.fullmatch(r"GICV_APR>=(\d)", atom)
    if k:
        return f"(gicv_apr() >= {k[1]})"
    return None


class Expressions:
    """Features as C expressions over the ID registers of the machine that runs the test."""

    def __init__(self, facts):
        self.features = {r["feature"]: r["condition"] for r in facts.table("features.tsv")}
        self.encoding = {r["name"]: f"s{r['op0']}_{r['op1']}_c{r['CRn']}_c{r['CRm']}_{r['op2']}"
                         for r in facts.table("accesses.tsv") if r["form"] == "MRS"}

    def field(self, match):
        register, msb, lsb, sign, value = match.groups()
        return f"(BITS(READ({self.encoding[register]}), {msb}, {lsb}) {'==' if sign == '=' else sign} {value})"

    def feature(self, name):
        if name in PARTS:
            return f"({self.feature(PARTS[name])} && {self.plain(name)})"
        return self.plain(name)

    def plain(self, name):
        text = re.sub(r"(\w+)\.\w+\[(\d+):(\d+)\](>=|!=|=)(\d+)", self.field, self.features[name])
        return "(" + text.replace(" & ", " && ").replace(" | ", " || ") + ")"

    def presence(self, text, m):
        out = []
        for token in re.findall(r"[()!&|]|(?:[^()!&| ]|\([^()]*\))+", text):
            if token in "()!":
                out.append(token)
            elif token in "&|":
                out.append(f" {token}{token} ")
            elif token == "T":
                out.append("1")
            elif token.startswith("FEAT_"):
                out.append(self.feature(token))
            else:
                out.append(number_expression(token, m) or "0")
        return "".join(out)


class Setting:
    """One context: the atoms of the rules in it. Everything else is set so that it neither traps nor changes anything."""

    def __init__(self, nvx, e2h, tge, m):
        self.nvx, self.e2h, self.tge, self.m = nvx, e2h, tge, m

    def atom(self, text):
        k = re.fullmatch(r"NVx(!?)=([01x]{3})", text)
        if k:
            same = all(p in ("x", b) for p, b in zip(k[2], f"{self.nvx:03b}"))
            return same != bool(k[1])
        if text in ("E2H_HOST(EL2)", "E2H_HOST(EL0)"):
            return bool(self.e2h and (self.tge or "EL2" in text))
        k = re.fullmatch(r"HCR_EL2\.TGE=([01])", text)
        if k:
            return self.tge == int(k[1])
        if text.startswith("FEAT_") or text in ("T", "HCR_EL2.ATA=1", "IMPDEF_ACTLR_ELX"):
            return True
        return False


def outcome(facts, cell, setting, name):
    for condition, what in facts.split_rules(cell):
        if facts.Parser(condition, setting.atom).value:
            break
    if what.startswith("NVMEM"):
        return "M"
    if what in ("EL2:18", "UNDEF"):
        return "T" if what == "EL2:18" else "U"
    if what.startswith(("REG", "FUNC")):
        moved = setting.nvx & 5 == 5 and re.fullmatch(r"REG \w+_EL1", what) and name.endswith("_EL2")
        return "R" if moved else "D"
    raise ValueError(f"{name}: outcome '{what}'")


def outcomes(facts, row, access):
    """Text of 8 (NVx) for EL1 without and with E2H, then 8 for each {E2H,TGE} at EL0, then at EL2."""
    m, name = int(access["m"]) if access["m"] != "-" else 0, access["name"]
    out = []
    for el, contexts in ((1, [(0, 0), (1, 0)]), (0, [(0, 0), (0, 1), (1, 0), (1, 1)]), (2, [(0, 0), (0, 1), (1, 0), (1, 1)])):
        for e2h, tge in contexts:
            out.append("".join(outcome(facts, row[f"EL{el}"], Setting(n, e2h, tge, m), name) for n in range(8)))
    return " ".join(out)


def rows(facts):
    """(name, access rows by form, rule rows by form, offset, name of the register it moves to)."""
    rules = {(r["name"], r["form"]): r for r in facts.table("rules.tsv")}
    found = {}
    for access in facts.table("accesses.tsv"):
        family = access["name"] if access["family"] == "-" else access["family"]
        rule = rules.get((family, access["form"]))
        if rule and access["form"] in ("MRS", "MSR") and access["name"] not in SKIPPED and "128" not in rule["EL1"]:
            if "NVMEM" in rule["EL1"] or re.search(r"NVx=1x1 -> REG", rule["EL1"]):
                found.setdefault(access["name"], {})[access["form"]] = (access, rule)
    for name, forms in found.items():
        access, rule = next(iter(forms.values()))
        m = int(access["m"]) if access["m"] != "-" else 0
        k = re.search(r"NVMEM 0x(\w+?)(\+8\*m)?(;|$)", rule["EL1"])
        target = re.search(r"NVx=1x1 -> REG (\w+)", rule["EL1"])
        yield name, forms, int(k[1], 16) + (8 * m if k[2] else 0) if k else -1, target[1] if target else None, rule["presence"], m


def main(folder, out):
    sys.path.insert(0, folder)
    import facts  # pylint: disable=import-outside-toplevel
    expressions, text, stubs, table = Expressions(facts), [], [], []
    for n, (name, forms, offset, target, presence, m) in enumerate(rows(facts)):
        text.append(f"static bool has_{n}(void) {{ return {expressions.presence(presence, m)}; }}")
        cells = []
        for form in ("MRS", "MSR"):
            if form in forms:
                access, rule = forms[form]
                stubs.append(f"{form}_{n}: .inst 0x{access['word']}\\n ret\\n")
                text.append(f"u64 {form}_{n}(u64);")
                cells += [f"{form}_{n}", f'"{outcomes(facts, rule, access)}"']
            else:
                cells += ["0", "0"]
        moved = f'"{target}"' if target else "0"
        table.append(f'    {{"{name}", has_{n}, {cells[0]}, {cells[1]}, {cells[2]}, {cells[3]}, {offset}, {moved}}},')
    with open(out, "w", encoding="utf-8") as f:
        f.write("/* Made by tests/guest/gen_vncr.py from tests/facts. */\n" + "\n".join(text) + "\n")
        f.write('__asm__(".pushsection .text\\n.balign 4\\n"\n' + "\n".join(f'        "{s}"' for s in stubs) + '\n        ".popsection");\n')
        f.write("static const struct Row rows[] = {\n" + "\n".join(table) + "\n};\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
