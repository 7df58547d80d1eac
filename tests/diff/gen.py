"""Random legal instructions of the decode tables, as DiffCases (case.h). Deterministic in (seed, index)."""
import random
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "target-arm64/tables"))
import dectable  # noqa: E402

CODE, DATA, SLOTS, WINDOW = 0x20000000, 0x10008000, 1024, 1024
CASE = struct.Struct("<4I2I31QQQQQ64Q1024s")
RESULT = struct.Struct("<Q31QQQQQ64Q1024s")
M64 = (1 << 64) - 1

INTS = [0, 1, 2, 3, 7, 8, 31, 32, 33, 63, 64, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff,
        0x100000000, 0x7fffffffffffffff, 0x8000000000000000, M64, M64 - 1, 0x5555555555555555, 0x8000000080000000]
HALVES = [0, 0x8000, 0x3c00, 0xbc00, 0x7bff, 0xfbff, 0x7c00, 0xfc00, 0x7e00, 0xfe00, 0x7c01, 0xfd55, 1, 0x8001, 0x3ff, 0x400,
          0x83ff, 0x8400, 0x3555, 0x3800, 0x4200, 0x3e00, 0x0401, 0x5640]
SINGLES = [0, 0x80000000, 0x3f800000, 0xbf800000, 0x7f7fffff, 0xff7fffff, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc12345,
           0x7f800001, 0xff955555, 1, 0x80000001, 0x7fffff, 0x800000, 0x80800000, 0x3f000000, 0x3fc00000, 0x4b000000, 0x4b000001,
           0x4f000000, 0xcf000000, 0x5f000000, 0xdf000000, 0x4effffff, 0x40490fdb, 0x33800000, 0x34000000, 0x477fe000, 0x387fc000]
DOUBLES = [0, 1 << 63, 0x3ff0 << 48, 0xbff0 << 48, 0x7fefffffffffffff, 0xffefffffffffffff, 0x7ff0 << 48, 0xfff0 << 48, 0x7ff8 << 48,
           0xfff8123456789abc, 0x7ff0000000000001, 0xfff5555555555555, 1, (1 << 63) | 1, 0xfffffffffffff, 0x10000000000000,
           0x3fe0 << 48, 0x3ff8 << 48, 0x4330 << 48, 0x4330000000000001, 0x41dfffffffc00000, 0xc1e0 << 48, 0x43e0 << 48, 0xc3e0 << 48,
           0x43dfffffffffffff, 0x47efffffe0000000, 0x3810 << 48, 0x36a0 << 48, 0x400921fb54442d18]

# Handlers of control flow that the runner's slot can catch: a taken branch goes to the next but one word.
BRANCHES = {"branch", "b_cond", "cbz", "tbz", "branch_reg"}
# Not for user mode, or with effects that two machines need not share.
SKIPPED = {"svc", "hvc", "smc", "brk", "hlt", "dcps", "eret", "drps", "mrs", "msr_reg", "msr_imm", "sys", "sysl", "wfi", "wfe", "wfet", "wfit",
           "rcpc3", "vldst_ordered", "vldst_lane_ordered",  # the peer has no FEAT_LRCPC3
           "pac", "pacga", "branch_pac", "eret_pac", "ldr_pac",  # each implementation has its own algorithm
           "ls64",  # the peer has no FEAT_LS64
           "yield", "sev", "sevl", "udf", "esb", "hint", "barrier", "clrex", "prfm", "stxr", "ldxr", "stxp", "ldxp", "msr", "sysreg"}
# The peer has FEAT_LSE2, under which some of these may be misaligned: keep them aligned.
ALIGNED = {"cas", "casp", "atomic", "atomic128", "ldst_ordered", "vldst_ordered", "stxr", "ldxr", "stxp", "ldxp"}


class Generator:
    def __init__(self, tables, features, rows=None):
        self.table = dectable.load(tables)
        self.rows = [r for r in self.table.rows if r.handler != "-" and r.handler not in SKIPPED
                     and all(f == "base" or f in features for f in r.features)
                     and (not rows or r.name in rows)]
        self.modes = (1 << 13 if "EBF16" in features else 0) | (7 if "AFP" in features else 0)  # more of FPCR
        self.inner = {}
        for row in self.table.rows:
            for outer in row.outers:
                self.inner.setdefault(outer.name, []).append(row)

    def word(self, rng, row):
        """A word of the row, or None when the draw is not allocated or belongs to a row inside it."""
        word = row.value
        for parts in row.fields.values():
            for lsb, width in parts:
                word |= rng.getrandbits(width) << lsb
        word |= row.sbo
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

    def reg(self, rng):
        kind = rng.random()
        if kind < 0.35:
            return rng.getrandbits(64)
        if kind < 0.7:
            return rng.choice(INTS)
        return rng.getrandbits(rng.randrange(1, 65))

    def lane64(self, rng):
        kind = rng.random()
        if kind < 0.25:
            return rng.getrandbits(64)
        if kind < 0.5:
            return rng.choice(DOUBLES)
        if kind < 0.55:  # near one: cancellation and ties
            return 0x3ff0000000000000 + rng.randrange(-64, 64) ^ (rng.getrandbits(1) << 63)
        if kind < 0.78:
            return rng.choice(SINGLES) | rng.choice(SINGLES) << 32
        if kind < 0.82:
            return 0x3f8000003f800000 + rng.randrange(-9, 9) + (rng.randrange(-9, 9) << 32) & M64
        if kind < 0.95:
            return rng.choice(HALVES) | rng.choice(HALVES) << 16 | rng.choice(HALVES) << 32 | rng.choice(HALVES) << 48
        return rng.choice(INTS)

    def registers(self, rng, row, word, slot):
        x = [self.reg(rng) for _ in range(31)]
        sp = DATA + 16 * rng.randrange(-4, 4)
        set_name = row.args.name
        memory = set_name in ("cas", "atomic", "ordered", "exclusive", "ldst_pair", "vldst_pair", "ldst_imm", "ldst_uimm", "ldst_reg",
                              "vldst_imm", "vldst_uimm", "vldst_reg", "vldst_ordered", "vldst_multi", "vldst_single",
                              "vldst_rep", "vldst_lane_ordered", "atomic128")
        if memory:
            rn = self.field(word, row, "rn")
            rm = self.field(word, row, "rm")
            if rm is not None and rm != 31:
                x[rm] = rng.choice((0, 1, 2, 8, 15, 24))
                if rng.random() < 0.3:
                    x[rm] = -x[rm] & (M64 if rng.random() < 0.5 else 0xffffffff)
            if rn != 31:
                x[rn] = DATA + (16 * rng.randrange(-8, 8) if row.handler in ALIGNED or rng.random() < 0.6 else rng.randrange(-64, 64))
        if set_name == "mops":
            if len({word & 31, word >> 5 & 31, word >> 16 & 31, 31}) < 4:
                return None, None  # unallocated, but for sets of XZR
            self.mops(rng, row, word, x)
        if row.handler == "branch_reg":
            rn = self.field(word, row, "rn")
            if rn == 31:
                return None, None
            x[rn] = CODE + 64 * slot + 4 * rng.choice((2, 3))
        return x, sp

    def mops(self, rng, row, word, x):
        """Registers of a copy or fill of some bytes, in the form that its part expects (Option A)."""
        rd, rn, rs = word & 31, word >> 5 & 31, word >> 16 & 31
        size = rng.choice((0, 1, 7, 16, 33, rng.randrange(200)))
        target, source = (DATA + rng.randrange(-200, 0) for _ in range(2))
        if row.handler == "mops_copy":
            while row.name.startswith("CPYF") and -size < source - target < size:
                target, source, size = target + 1, source - 1, size // 2  # overlapping: any order is right
            x[rs] = source
        x[rd], x[rn] = target, size
        if row.name[-1] != "P":
            backwards = row.name in ("CPYM", "CPYE") and rng.random() < 0.5
            x[rn] = size if backwards else -size & M64
            if not backwards:
                x[rd] = target + size
                if row.handler == "mops_copy":
                    x[rs] = source + size

    def case(self, seed, index):
        """(row, packed DiffCase) of case `index`."""
        rng = random.Random(f"{seed}/{index}")
        slot = index % SLOTS
        while True:
            row = self.rows[index % len(self.rows)] if rng.random() < 0.9 else rng.choice(self.rows)
            words = None
            for _ in range(200):
                word = self.word(rng, row)
                if word is None:
                    continue
                x, sp = self.registers(rng, row, word, slot)
                if x is not None:
                    words = [word]
                    break
            if words:
                break
            index += 1
        v = [self.lane64(rng) for _ in range(64)]
        fpcr = 0
        if rng.random() < 0.5:
            fpcr = rng.choice((0, 1 << 22, 2 << 22, 3 << 22)) | rng.getrandbits(1) << 24 | rng.getrandbits(1) << 25 \
                | (rng.getrandbits(1) << 19 if rng.random() < 0.3 else 0) | (rng.getrandbits(1) << 26 if rng.random() < 0.2 else 0)
            fpcr |= rng.getrandbits(14) & self.modes
            if row.name.startswith(("FABS_v", "FNEG_v")):
                fpcr &= ~2  # with FPCR.AH the peer changes NaNs' signs there
        fpsr = rng.choice((0, 0x9f, 0x10, 1 << 27)) if rng.random() < 0.3 else 0
        mem = bytearray(rng.randbytes(WINDOW))
        if rng.random() < 0.5:
            for k in range(0, WINDOW, 8):
                struct.pack_into("<Q", mem, k, self.lane64(rng) if k % 16 else self.reg(rng))
        if row.handler in ("cas", "casp") and rng.random() < 0.7:  # make the comparison succeed often
            rn, rs = self.field(word, row, "rn"), self.field(word, row, "rs")
            base = sp if rn == 31 else x[rn]
            k = base - (DATA - WINDOW // 2)
            if rs < 30:
                x[rs], x[rs + 1] = struct.unpack_from("<QQ", mem, k)
                if rn != 31 and rn in (rs, rs + 1):
                    x[rn] = base
        nzcv = rng.getrandbits(4) & (0 if row.args.name == "mops" else 15)
        packed = CASE.pack(*(words + [0] * (4 - len(words))), len(words), 0, *x, sp, nzcv << 28, fpcr, fpsr, *v, bytes(mem))
        return row, packed
