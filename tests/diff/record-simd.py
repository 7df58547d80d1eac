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


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--peer", required=True)
    options = parser.parse_args()
    rng = random.Random("simd")
    everything = {f for row in gen.dectable.load(sorted(map(str, TABLES.glob("a64-*.dec")))).rows for f in row.features}
    generator = gen.Generator(sorted(map(str, TABLES.glob("a64-*.dec"))), everything)
    rows = [r for r in generator.rows if Path(r.where.split(":")[0]).name in FILES]
    v = [generator.lane64(rng) for _ in range(64)]
    x = [i * X_STEP & gen.M64 for i in range(31)]
    cases = []
    for row in rows:
        word = next(w for w in (generator.word(rng, row) for _ in range(10000)) if w is not None)
        cases.append((row, word, rounding(rng)))
    data = b"".join(gen.CASE.pack(word, 0, 0, 0, 1, 0, *x, gen.DATA, 0, fpcr, 0, *v, bytes(gen.WINDOW)) for _, word, fpcr in cases)
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
