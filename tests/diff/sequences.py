"""Sequences of four instructions on few registers, so that values flow from one to the next: what the passes over the IR and the
interpreter's fused operations must not disturb. Same cases and results as gen.py."""
import random

import gen

MEMORY = {"ldst_pair", "ldst_imm", "ldst_uimm", "ldst_reg"}
VECTOR_MEMORY = {"vldst_pair", "vldst_imm", "vldst_uimm", "vldst_reg", "vldst_multi", "vldst_single", "vldst_rep"}
ALONE = {"cas", "casp", "atomic", "atomic128", "ordered", "exclusive", "vldst_ordered", "vldst_lane_ordered", "mops"} # registers must be made for them
NO_SEQUENCE = gen.BRANCHES | {"ldr_literal", "vldr_literal"}
MODES = 1 << 26 | 7 # bits of FPCR that stay clear
BASES, INDEX = (20, 21), 22 # of memory accesses; nothing else writes them


class Sequences(gen.Generator):
    def __init__(self, tables, features, rows=None):
        super().__init__(tables, features, rows)
        pool = [r for r in self.rows if r.handler not in NO_SEQUENCE and r.args.name not in ALONE]
        vector = [r for r in pool if r.where.rsplit("/", 1)[-1].startswith(("a64-fp", "a64-simd"))]
        memory = [r for r in pool if r.args.name in MEMORY]
        vector_memory = [r for r in pool if r.args.name in VECTOR_MEMORY]
        taken = {r.name for r in vector + memory + vector_memory}
        integer = [r for r in pool if r.name not in taken]
        self.kinds = [kind for kind in (vector, vector, vector_memory, integer, memory) if kind]

    def narrowed(self, rng, row):
        """A word of the row on registers 0 to 5, or None."""
        word = self.word(rng, row)
        if word is None:
            return None
        choice = {name: rng.randrange(4) for name in ("rd", "rm", "rn", "ra")}
        if row.args.name in MEMORY | VECTOR_MEMORY:
            choice = {name: rng.randrange(6) for name in ("rt", "rt2", "rs")}
            choice.update(rn=rng.choice(BASES), rm=INDEX, imm=rng.randrange(24))
        for name, value in choice.items():
            if name in row.fields:
                word = self.put(word, row, name, value)
        if not gen.dectable.row_holds(word, row) or self.unpredictable(word, row):
            return None
        inner = self.inner.get(row.name, ())
        return None if any(gen.dectable.row_holds(word, r) for r in inner) else word

    def spec(self, seed, index, runs):
        """(row of the first instruction, packed DiffSpec) number `index`."""
        rng = random.Random(f"sequence/{seed}/{index}")
        rows, words = [], []
        while len(words) < 4:
            row = rng.choice(rng.choice(self.kinds))
            word = self.narrowed(rng, row)
            if word is not None:
                rows.append(row)
                words.append(word)
        fixes = [(gen.VALUE, BASES[0], 0, gen.DATA), (gen.SHARE, BASES[1], 0, gen.DATA - 8), (gen.SHARE, INDEX, 0, 0)]
        return rows[0], self.pack(words, fixes, rng.getrandbits(64), index % gen.SLOTS, 0, runs, 0, MODES)
