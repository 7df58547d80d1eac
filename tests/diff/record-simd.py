#!/usr/bin/env python3
"""Records what an independent emulator makes of one random word of each SIMD and floating-point row, for tests/unit/test-simd.c.

usage: record-simd.py --peer "QEMU-AARCH64 LOADER" > tests/unit/simd-cases.inc
The vector registers are the same in every case and stand at the top of the output; x[i] is x-register number i times a constant.
"""
import argparse
import random
import subprocess
from pathlib import Path

import gen

TABLES = Path(__file__).resolve().parents[2] / "target-arm64/tables"
FILES = ("a64-fp.dec", "a64-simd.dec")
X_STEP = 0x0123456789abcdef


def rounding(rng):
    """FPCR: mostly as programs have it, else a rounding mode with some of FZ, DN, FZ16, AHP."""
    if rng.random() < 0.6:
        return 0
    return rng.getrandbits(2) << 22 | rng.getrandbits(32) & (1 << 24 | 1 << 25 | 1 << 19 | 1 << 26)

INTS = [0, 1, 2, 3, 7, 8, 31, 32, 33, 63, 64, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff,
        0x100000000, 0x7fffffffffffffff, 0x8000000000000000, gen.M64, gen.M64 - 1, 0x5555555555555555, 0x8000000080000000]
HALVES = [0, 0x8000, 0x3c00, 0xbc00, 0x7bff, 0xfbff, 0x7c00, 0xfc00, 0x7e00, 0xfe00, 0x7c01, 0xfd55, 1, 0x8001, 0x3ff, 0x400,
          0x83ff, 0x8400, 0x3555, 0x3800, 0x4200, 0x3e00, 0x0401, 0x5640]
SINGLES = [0, 0x80000000, 0x3f800000, 0xbf800000, 0x7f7fffff, 0xff7fffff, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc12345,
           0x7f800001, 0xff955555, 1, 0x80000001, 0x7fffff, 0x800000, 0x80800000, 0x3f000000, 0x3fc00000, 0x4b000000, 0x4b000001,
           0x4f000000, 0xcf000000, 0x5f000000, 0xdf000000, 0x4effffff, 0x40490fdb, 0x33800000, 0x34000000, 0x477fe000, 0x387fc000]
DOUBLES = [0, 1 << 63, 0x3ff0 << 48, 0xbff0 << 48, 0x7fefffffffffffff, 0xffefffffffffffff, 0x7ff0 << 48, 0xfff0 << 48, 0x7ff8 << 48,
           0xfff8123456789abc, 0x7ff0000000000001, 0xfff5555555555555, 1, (1 << 63) | 1, 0xfffffffffffff, 0x10000000000000,
           0x3fe0 << 48, 0x3ff8 << 48, 0x4330 << 48, 0x4330000000000001, 0x41dfffffffc00000, 0xc1e0 << 48, 0x43e0 << 48, 0xc3e0 << 48,
           0x43dfffffffffffff, 0x47efffffe0000000, 0x3810 << 48, 0x36a0 << 48, 0x400921fb54442d18]


def lane64(rng):
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
        return 0x3f8000003f800000 + rng.randrange(-9, 9) + (rng.randrange(-9, 9) << 32) & gen.M64
    if kind < 0.95:
        return rng.choice(HALVES) | rng.choice(HALVES) << 16 | rng.choice(HALVES) << 32 | rng.choice(HALVES) << 48
    return rng.choice(INTS)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--peer", required=True)
    options = parser.parse_args()
    rng = random.Random("simd")
    everything = {f for row in gen.dectable.load(sorted(map(str, TABLES.glob("a64-*.dec")))).rows for f in row.features}
    generator = gen.Generator(sorted(map(str, TABLES.glob("a64-*.dec"))), everything)
    rows = [r for r in generator.rows if Path(r.where.split(":")[0]).name in FILES]
    v = [lane64(rng) for _ in range(64)]
    x = [i * X_STEP & gen.M64 for i in range(31)]
    cases = []
    for row in rows:
        word = next(w for w in (generator.word(rng, row) for _ in range(10000)) if w is not None)
        cases.append((row, word, rounding(rng)))
    data = gen.HEADER.pack(0, len(cases)) + b"".join(gen.CASE.pack(word, 0, 0, 0, 1, 0, *x, gen.DATA, 0, fpcr, 0, *v, bytes(gen.WINDOW)) for _, word, fpcr in cases)
    results = subprocess.run(options.peer.split(), input=data, stdout=subprocess.PIPE, check=True).stdout
    print("/* Recorded by tests/diff/record-simd.py from qemu-aarch64 11: name, word, FPCR; V[rd], X[rd], FPSR, NZCV. */")
    print("SIMD_REGISTERS(" + ",\n    ".join(", ".join(f"0x{n:x}" for n in v[i:i + 4]) for i in range(0, 64, 4)) + ")")
    for k, (row, word, fpcr) in enumerate(cases):
        values = gen.RESULT.unpack_from(results, k * gen.RESULT.size)
        assert values[0] == 0, f"{row.name} {word:08x} did not run"
        rd = word & 31
        low, high = values[36 + 2 * rd], values[37 + 2 * rd]
        at = values[1 + rd] if rd < 31 else 0
        print(f"SIMD_CASE({row.name}, 0x{word:08x}, 0x{fpcr:x},\n    0x{low:x}, 0x{high:x}, 0x{at:x}, 0x{values[35] & 0x0800009f:x}, 0x{values[33]:x})")


if __name__ == "__main__":
    main()
