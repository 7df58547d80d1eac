#!/usr/bin/env python3
"""Vectors of the guest test pauth-lr: pointer authentication with one and two modifiers, by qarma.py for QARMA5 and QARMA3.

usage: gen_pauth_lr.py INSTRUCTIONS.tsv OUT.inc
A vector is three instructions at an address, registers before and after, and whether it fails to authenticate. Seeded.
"""
import os
import random
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import qarma  # noqa: E402  pylint: disable=wrong-import-position

BUFFER, SLOTS, LANDING, AREA = 0x46000000, 0x40, 0x50, 0x10000  # as test-pauth-lr.c lays the code out
NOP = 0xd503201f
SETTINGS = [(16, 16, 0, 0, 0, 0), (25, 25, 1, 1, 0, 0), (25, 16, 1, 1, 1, 1), (16, 30, 1, 0, 0, 0), (28, 39, 0, 1, 0, 1), (32, 25, 0, 1, 0, 0)]
COUNT = 120  # of each setting
ALL = qarma.ALL


class Words:
    """Encodings: those of FEAT_PAuth_LR and the older ones, from the table."""

    def __init__(self, path):
        self.found = {}
        with open(path, encoding="utf-8") as f:
            for line in f:
                cells = line.rstrip("\n").split("\t")
                if "FEAT_PAuth" in cells[3]:
                    self.found[cells[0].split("_")[0]] = int(cells[6], 16)

    def __getitem__(self, name):
        if name not in self.found:
            raise SystemExit(f"instructions.tsv:1: no encoding of {name}")
        return self.found[name]


# kind, name ({k}: key), register, modifiers with PACM clear, modifiers with PACM set (None: the same)
FORMS = [
    ("sign", "PACI{k}SPPC", 30, ("sp", "pc"), None), ("sign", "PACNBI{k}SPPC", 30, ("sp", "pc"), None),
    ("sign", "PACI{k}171615", 17, ("x16", "x15"), None), ("auth", "AUTI{k}171615", 17, ("x16", "x15"), None),
    ("auth", "AUTI{k}SPPC", 30, ("sp", "label"), None), ("auth", "AUTI{k}SPPCR", 30, ("sp", "xn"), None),
    ("ret", "RETA{k}SPPC", 30, ("sp", "label"), None), ("ret", "RETA{k}SPPCR", 30, ("sp", "xn"), None),
    ("sign", "PACI{k}SP", 30, ("sp",), ("sp", "pc")), ("auth", "AUTI{k}SP", 30, ("sp",), ("sp", "x16")),
    ("sign", "PACI{k}1716", 17, ("x16",), ("x16", "x15")), ("auth", "AUTI{k}1716", 17, ("x16",), ("x16", "x15")),
    ("ret", "RETA{k}", 30, ("sp",), ("sp", "x16")),
    ("sign", "PACI{k}Z", 30, ("zero",), None), ("auth", "AUTI{k}Z", 30, ("zero",), None),
    ("sign", "PACI{k}", 17, ("x16",), None), ("auth", "AUTI{k}", 17, ("x16",), None),
]


class Case:
    """One vector but for what the algorithm decides."""

    def __init__(self, rng, words, setting, form):
        kind, name, self.register, modifiers, extended = form
        self.kind, self.key = kind, rng.randrange(2)
        self.name = name.replace("{k}", "AB"[self.key])
        before = rng.choice(["nn", "nn", "np", "np", "pn", "pp"])
        self.slots = [words["PACM"] if c == "p" else NOP for c in before]
        if extended and before[1] == "p":
            modifiers = extended
        self.lr = len(modifiers) == 2
        self.offset = rng.randrange(AREA // 0x80) * 0x80
        self.regs = {r: rng.getrandbits(64) for r in ("x15", "x16", "x17", "x30", "sp")}
        word, names = words[self.name], dict(self.regs)
        names.update(zero=0, pc=BUFFER + self.offset + SLOTS + 8)
        if "label" in modifiers:
            back = rng.choice([0, 1, 0xffff, rng.randrange(0x10000)])
            word |= back << 5
            names["label"] = names["pc"] - 4 * back
        if "xn" in modifiers:
            n = rng.choice([15, 16, 17] if kind == "ret" else [15, 16, 17, 31])  # RETAASPPCR of 31 is RETAA
            word |= n if kind == "ret" else n << 5
            names["xn"] = 0 if n == 31 else self.regs[f"x{n}"]
        if self.name in ("PACIA", "PACIB", "AUTIA", "AUTIB"):
            word |= 16 << 5 | 17
        self.slots.append(word)
        self.modifiers = [names[m] for m in modifiers]
        self.others = list(self.modifiers)
        if rng.random() < 0.4 and modifiers != ("zero",):
            self.others[rng.randrange(len(modifiers))] ^= 1 << rng.choice([0, 3, 4, 5, 35, 36, 37, 63, rng.randrange(64)])
        self.pointer = BUFFER + self.offset + LANDING
        if kind != "ret":
            upper = rng.randrange(2)
            self.pointer = setting.canonical(rng.getrandbits(64) & ~(1 << 55) | upper << 55)

    @staticmethod
    def modifier(values):
        return values[0] if len(values) == 1 else qarma.joined(*values)

    def text(self, setting, keys, algorithm):
        key, regs, failed = keys[self.key], dict(self.regs), 0
        name = f"x{self.register}"
        if self.kind == "sign":
            regs[name], after = self.pointer, setting.sign(self.pointer, self.modifier(self.modifiers), key, algorithm)
        else:
            regs[name] = setting.sign(self.pointer, self.modifier(self.others), key, algorithm)
            after = setting.authenticate(regs[name], self.modifier(self.modifiers), key, algorithm)
            failed = after is None
            if failed or self.kind == "ret":
                after = regs[name]
        out = {"x30": regs["x30"], "x17": regs["x17"], name: after}
        values = [regs[r] for r in ("x30", "sp", "x15", "x16", "x17")] + [out["x30"], out["x17"]]
        slots = ", ".join(f"{w:#x}" for w in self.slots)
        return (f'{{"{self.name}", {self.offset:#x}, {{{slots}}}, {int(self.lr)}, {int(self.kind == "ret")}, {(self.key + 1) * failed}, '
                f'{{{", ".join(f"{v:#x}" for v in values)}}}}},')


def generic(rng, keys):
    """Rows for PACGA: x, y, the code of each algorithm."""
    for _ in range(40):
        x, y = rng.getrandbits(64), rng.getrandbits(64)
        codes = ", ".join(f"{qarma.qarma(x, y, *keys[2], a) >> 32 << 32:#x}" for a in (5, 3))
        yield f"{{{x:#x}, {y:#x}, {{{codes}}}}},"


def main(table, out):
    rng, words = random.Random(0x4c52), Words(table)
    lines, settings = ["/* Made by tests/guest/gen_pauth_lr.py. */", f"#define COUNT {COUNT}"], []
    vectors, codes = {5: [], 3: []}, []
    for numbers in SETTINGS:
        setting = qarma.Setting(*numbers)
        keys = [(rng.getrandbits(64), rng.getrandbits(64)) for _ in range(3)]
        halves = ", ".join(f"{k[1]:#x}, {k[0]:#x}" for k in keys)  # the low half first
        settings.append(f"{{{64 - numbers[0]}, {setting.tcr():#x}, {{{halves}}}}},")
        for i in range(COUNT):
            case = Case(rng, words, setting, FORMS[i % len(FORMS)])
            for algorithm, rows in vectors.items():
                rows.append(case.text(setting, keys, algorithm))
        codes += generic(rng, keys)
    lines += ["static const struct Setting settings[] = {", *settings, "};"]
    lines += ["static const struct Code codes[] = {", *codes, "};"]
    lines += ["static const struct Vector vectors[2][COUNT * sizeof settings / sizeof settings[0]] = {"]
    for rows in vectors.values():
        lines += ["{", *rows, "},"]
    lines.append("};")
    news = sorted({form[1].replace("{k}", k) for form in FORMS[:8] for k in "AB"})
    lines.append("static const struct { const char *name; u32 word; } news[] = {" + ", ".join(f'{{"{n}", {words[n]:#x}}}' for n in news) + "};")
    with open(out, "w", encoding="utf-8") as f:
        f.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
