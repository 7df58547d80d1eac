#!/usr/bin/env python3
"""Unallocated means UNDEFINED: random words and near misses of every encoding, executed by us and by an independent emulator, all
registers pointing nowhere. Either both find a word UNDEFINED or neither does, or a feature that only one of them has explains it.

usage: undefined.py --ours PROGRAM --loader LOADER [--peer QEMU-AARCH64] [--words N] [--seed S]
The words: a third random, a third of the encodings of tests/facts/instructions.tsv, a third such with one fixed bit changed. Left out:
what a user program cannot try without consequences, exception generation, direct branches, and the system instructions, which
tests/matrix compares. The peer runs without SVE and SME.
"""
import argparse
import collections
import os
import random
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import gen
from diff import Child, disassemble

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "facts"))
import facts  # noqa: E402

UNDEF = 2
# (mask, value): SVC and its like, system, B and BL, B.cond, CBZ and TBZ, compare and branch
LEFT_OUT = ((0xff000000, 0xd4000000), (0xff800000, 0xd5000000), (0x7c000000, 0x14000000), (0xff000000, 0x54000000), (0x7c000000, 0x34000000),
            (0x7e000000, 0x74000000))


def entries():
    out = []
    for e in facts.table("instructions.tsv"):
        mask, value = int(e["mask"], 16), int(e["value"], 16)
        out.append((mask, value, set(re.findall(r"FEAT_(\w+)", e["feature"])), e["encoding"]))
    return out


def draw(rng, table):
    kind, word = rng.randrange(3), rng.getrandbits(32)
    if kind:
        mask, value, _, _ = rng.choice(table)
        word = value | word & ~mask
        if kind == 2:
            word ^= 1 << rng.choice([b for b in range(32) if mask >> b & 1])
    return word


def should_be(word, rows):
    """Is a bit that should be 0 or 1 not that? UNDEFINED and executing are both allowed then."""
    held = [r for r in rows if not (word ^ r.value) & r.mask and gen.dectable.row_holds(word, r)]
    row = max(held, key=lambda r: r.weight()) if held else None
    return row and (word & row.sbz or ~word & row.sbo)


def explanation(word, table, has, undefined_here, rows):
    """The feature that tells the two apart, or the rule; None without one."""
    fits = [(f, bin(m).count("1")) for m, v, f, _ in table if word & m == v]
    named = {f for features, n in fits if n == max(n for _, n in fits) for f in features}
    lacking = sorted(f for f in named if f not in has)
    if undefined_here and lacking:
        return "only the peer has " + " ".join(lacking)
    if not undefined_here and named & PEER_LACKS:
        return "only we have " + " ".join(sorted(named & PEER_LACKS))
    if not undefined_here and should_be(word, rows):
        return "a bit that should be 0 or 1 is not: the peer takes that as UNDEFINED"
    for mask, value, here, why in CHOICES:
        if word & mask == value and undefined_here == here:
            return why
    return None


PEER_LACKS = {"LRCPC3", "THE", "LS64", "LS64_V", "LS64_ACCDATA", "PAuth_LR", "CPA"}
# (mask, value, UNDEFINED here?, why both are right or we are)
SAME_SIZE = "FEAT_FPRCVT has no conversion between formats of one size, which the peer accepts"
CHOICES = ((0xffe0fc00, 0x1e200000, True, SAME_SIZE), (0xffe0fc00, 0x9e600000, True, SAME_SIZE),
           (0xffffec00, 0xd91f0c00, True, "GCSSTR, GCSSTTR are trapped by GCSCRE0_EL1.STREn, with an exception class of their own"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--ours", required=True)
    parser.add_argument("--loader", required=True)
    parser.add_argument("--peer", default=os.environ.get("ARMILLARY_QEMU_USER", ""))
    parser.add_argument("--words", type=int, default=100000)
    parser.add_argument("--seed", default="1")
    options = parser.parse_args()
    if not options.peer:
        print("no peer: run `export ARMILLARY_QEMU_USER=$(scripts/peer-qemu user)` first")
        sys.exit(77)
    has = set(subprocess.run([options.ours, "--features"], capture_output=True, text=True, check=True).stdout.split())
    table, rng = entries(), random.Random(options.seed)
    generator = gen.Generator(sorted(map(str, (Path(__file__).resolve().parents[2] / "target-arm64/tables").glob("a64-*.dec"))), has)
    sides = [Child([options.ours]), Child([options.peer, "-cpu", "max,sve=off,sme=off", options.loader])]
    explained, bad, undefined, done, began = collections.Counter(), [], 0, 0, time.time()
    with ThreadPoolExecutor(2) as pool:
        while done < options.words:
            words = []
            while len(words) < gen.SLOTS:
                word = draw(rng, table)
                if not any(word & mask == value for mask, value in LEFT_OUT):
                    words.append(word)
            specs = [generator.pack([w], [], 1, slot=i, flags=gen.NOWHERE) for i, w in enumerate(words)]
            ours, peer = pool.map(lambda side: side.ask(gen.SPECS, specs, 8 * len(specs)), sides)
            if len(ours) != len(peer) or len(ours) != 8 * len(specs):
                sys.exit(f"undefined: a side stopped in the words after {done}")
            for k, word in enumerate(words):
                here, there = (answer[8 * k] & 7 == UNDEF for answer in (ours, peer))
                undefined += here
                if here != there:
                    why = explanation(word, table, has, here, generator.table.rows)
                    if why:
                        explained[why] += 1
                    else:
                        bad.append(f"{word:08x}  {disassemble(word)}: {'UNDEFINED' if here else 'executed'} here, not so there")
            done += len(words)
    for side in sides:
        side.close()
    for line in bad[:60]:
        print(line)
    for why, count in explained.most_common():
        print(f"{count} words: {why}")
    print(f"{done} words, {undefined} UNDEFINED, {sum(explained.values())} differences explained, {len(bad)} not, seed {options.seed}, "
          f"{done / (time.time() - began):.0f} words/s")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
