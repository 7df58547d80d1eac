"""Random legal instructions of the decode tables, as DiffSpecs (state.h). Deterministic in (seed, index)."""
import random
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "target-arm64/tables"))
import dectable  # noqa: E402

CODE, DATA, SLOTS, WINDOW = 0x20000000, 0x10008000, 1024, 1024
FIXES = 8
HEADER = struct.Struct("<2I")
CASES, SPECS, SHOW = range(3)  # DiffHeader.kind
SPEC = struct.Struct("<4I4IQ4I" + "3B5xQ" * FIXES)
STATE = struct.Struct("<31QQQQQ64Q1024s")
CASE = struct.Struct("<4I2I31QQQQQ64Q1024s")
RESULT = struct.Struct("<Q31QQQQQ64Q1024s")
M64 = (1 << 64) - 1
BASE, INDEX, CODE_ADDRESS, VALUE, MATCH, SHARE = range(1, 7)  # DIFF_FIX_*
NO_FLAGS, NOWHERE = 1, 2

# Handlers of control flow that the runner's slot can catch: a taken branch goes to the next but one word.
BRANCHES = {"branch", "b_cond", "cbz", "tbz", "branch_reg"}
# Handlers of rows that are not drawn, because they leave user mode, the peer does not have them or two machines need not agree: what
# tests them instead. docs/testing.md has the list.
ELSEWHERE = {
    **dict.fromkeys(("svc", "hvc", "smc", "brk", "hlt", "dcps", "eret", "drps", "eret_pac", "udf"), "guest exceptions, vhe, nv; matrix"),
    **dict.fromkeys(("mrs", "msr", "msr_imm", "sys", "sysl"), "matrix; guest pstate"),
    **dict.fromkeys(("rcpc3", "vldst_ordered", "vldst_lane_ordered"), "guest rcpc3 (the peer has no FEAT_LRCPC3)"),
    **dict.fromkeys(("rcwcas", "rcwclr", "rcwset", "rcwswp"), "guest rcw, the (the peer has no FEAT_THE)"),
    "gcsstr": "guest gcs, gcs-entry",
    "ls64": "guest ls64; matrix (the peer has no FEAT_LS64)",
    **dict.fromkeys(("pac", "pacga", "branch_pac", "ldr_pac"), "unit pauth, guest pauth: published vectors of QARMA5 and QARMA3"),
    **dict.fromkeys(("addpt", "maddpt"), "guest cpa (the peer has no FEAT_CPA)"),
    **dict.fromkeys(("pac2", "ret_pac2", "pacm"), "guest pauth-forms, pacm (the peer has no FEAT_PAuth_LR)"),
    **dict.fromkeys(("stxr", "ldxr", "stxp", "ldxp"), "guest monitor, smp, lse2"),
    **dict.fromkeys(("wfi", "wfe", "wfet", "wfit"), "guest wait, wfxt"),
}

MEMORY = {"cas", "atomic", "ordered", "exclusive", "ldst_pair", "vldst_pair", "ldst_imm", "ldst_uimm", "ldst_reg", "vldst_imm", "vldst_uimm",
          "vldst_reg", "vldst_ordered", "vldst_multi", "vldst_single", "vldst_rep", "vldst_lane_ordered", "atomic128"}


class Generator:
    def __init__(self, tables, features, rows=None):
        self.table = dectable.load(tables)
        self.elsewhere = [r for r in self.table.rows if r.handler in ELSEWHERE]
        self.rows = [r for r in self.table.rows if r.handler != "-" and r.handler not in ELSEWHERE
                     and all(f == "base" or f in features for f in r.features)
                     and (not rows or r.name in rows)]
        self.modes = (1 << 13 if "EBF16" in features else 0) | (7 if "AFP" in features else 0)  # more of FPCR
        self.free = {r.name: sum(((1 << width) - 1) << lsb for parts in r.fields.values() for lsb, width in parts)
                     | sum(1 << 31 - i for i, c in enumerate(r.bits) if c == ".") for r in self.table.rows}
        self.inner = {}
        for row in self.table.rows:
            for outer in row.outers:
                self.inner.setdefault(outer.name, []).append(row)

    def word(self, rng, row):
        """A word of the row, or None when the draw is not allocated or belongs to a row inside it."""
        word = row.value | row.sbo | rng.getrandbits(32) & self.free[row.name]
        if row.handler in BRANCHES and "simm" in row.fields:
            word = self.put(word, row, "simm", rng.choice((1, 2)))
        if row.handler in ("ldr_literal", "vldr_literal"):
            word = self.put(word, row, "simm", rng.randrange(4, 11) & ~1 | 1)
        if row.name.startswith(("LDR", "STR", "PRF")) and "imm" in row.fields and rng.random() < 0.9:
            word = self.put(word, row, "imm", rng.randrange(24))
        if row.handler == "ldst_ordered" and "simm" in row.fields:
            word = self.put(word, row, "simm", 8 * rng.randrange(-8, 8) & 0x1ff)
        # the narrowest free bits that no field names
        if not dectable.row_holds(word, row):
            return None
        if any(word & r.mask == r.value and dectable.row_holds(word, r) for r in self.inner.get(row.name, ())):
            return None
        return None if self.unpredictable(word, row) else word

    @staticmethod
    def put(word, row, name, value):
        shift = sum(width for _, width in row.fields[name])
        for lsb, width in row.fields[name]:
            shift -= width
            mask = (1 << width) - 1
            word = word & ~(mask << lsb) | (value >> shift & mask) << lsb
        return word

    def field(self, word, row, name):
        if name in row.fields:
            return dectable.extract(word, row, name)
        return None

    def unpredictable(self, word, row):
        """CONSTRAINED UNPREDICTABLE register overlaps of loads and stores, and offsets that are a base as well (twice the data's
        address is where the code lies)."""
        if row.args.name in ("ldst_reg", "vldst_reg") and self.field(word, row, "rm") == self.field(word, row, "rn"):
            return True
        if row.args.name in ("ldst_pair", "vldst_pair", "ldst_imm", "exclusive"):
            rt, rt2, rn, rs = (self.field(word, row, n) for n in ("rt", "rt2", "rn", "rs"))
            if row.args.name == "ldst_pair" or row.args.name == "vldst_pair":
                if rt == rt2:
                    return True
            if row.args.name in ("ldst_pair", "ldst_imm") and rn != 31 and rn in (rt, rt2):
                return True
            if rs is not None and rs in (rt, rt2, rn):
                return True
        return False

    def fixes(self, rng, row, word):
        """Registers that must hold something fit for the word, as fixes of state.h in order; None: draw again."""
        rd, rn, rs = word & 31, word >> 5 & 31, word >> 16 & 31
        out = []
        if row.args.name in MEMORY:
            rm = self.field(word, row, "rm")
            if rm is not None and rm != 31:
                out.append((INDEX, rm, 0, 0))
            if rn != 31:
                out.append((BASE, rn, 0, 1))
        if row.handler in ("cas", "casp"):
            out.append((MATCH, self.field(word, row, "rs") * (2 if row.handler == "casp" else 1), rn, 0))
        if row.args.name == "mops":
            if len({rd, rn, rs, 31}) < 4:
                return None  # unallocated, but for sets of XZR
            out += self.mops(rng, row, word)
        if row.handler == "branch_reg":
            if rn == 31:
                return None
            out.append((CODE_ADDRESS, rn, 0, 0))
        return out

    def mops(self, rng, row, word):
        """Registers of a copy or fill of some bytes, in the form that its part expects (Option A)."""
        size = rng.choice((0, 1, 7, 16, 33, rng.randrange(200)))
        target, source = (DATA + rng.randrange(-200, 0) for _ in range(2))
        if row.handler == "mops_copy":
            while row.name.startswith("CPYF") and -size < source - target < size:
                target, source, size = target + 1, source - 1, size // 2  # overlapping: any order is right
        left, backwards = size, row.name in ("CPYM", "CPYE") and rng.random() < 0.5
        if row.name[-1] != "P":  # the prologue has chosen a direction that suits an overlap
            if row.handler == "mops_copy" and (target < source < target + size if backwards else source < target < source + size):
                target, source = source, target
            if not backwards:
                left, target, source = -size & M64, target + size, source + size
        out = [(VALUE, word & 31, 0, target), (VALUE, word >> 5 & 31, 0, left)]
        return out + ([(VALUE, word >> 16 & 31, 0, source)] if row.handler == "mops_copy" else [])

    def pack(self, words, fixes, seed, slot=0, first=0, runs=1, flags=0, clear=0):
        """A DiffSpec (state.h)."""
        cells = [c for fix in fixes for c in fix] + [0] * (4 * (FIXES - len(fixes)))
        return SPEC.pack(*(words + [0] * (4 - len(words))), len(words), slot, first, runs, seed, self.modes, clear, flags, len(fixes), *cells)

    def spec(self, seed, index, runs):
        """(row, packed DiffSpec) number `index`."""
        rng = random.Random(f"{seed}/{index}")
        slot = index % SLOTS
        while True:
            row = self.rows[index % len(self.rows)]
            for _ in range(200):
                word = self.word(rng, row)
                fixes = None if word is None else self.fixes(rng, row, word)
                if fixes is not None:
                    flags = NO_FLAGS if row.args.name == "mops" else 0
                    clear = 2 if row.name.startswith(("FABS_v", "FNEG_v")) else 0  # see explanations in docs/testing.md
                    return row, self.pack([word], fixes, rng.getrandbits(64), slot, 0, runs, flags, clear)
            index += 1
