#!/usr/bin/env python3
"""Differential test: random legal instructions on our interpreter and on an independent emulator, every register compared.

usage: diff.py --ours PROGRAM --loader LOADER [--peer QEMU-AARCH64] [--cases N] [--seed S] [--start I] [--rows A,B] [--tables FILE...]
Prints each mismatch as assembly with the registers that differ, then a line a row that failed. Exit status 1 on any mismatch.
"""
import argparse
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import gen
from sequences import Sequences

ENDS = ["next", "skip", "undefined", "abort", "alignment", "trap"]
FPSR = 0x0800009f


def disassemble(word):
    tool = shutil.which("llvm-mc-19") or shutil.which("llvm-mc")
    if not tool:
        return ".inst 0x%08x" % word
    text = " ".join(f"0x{b:02x}" for b in word.to_bytes(4, "little"))
    out = subprocess.run([tool, "--disassemble", "-triple=aarch64", "-mattr=+all"], input=text, capture_output=True, text=True).stdout
    return " ".join(out.split()[1:]) or ".inst 0x%08x" % word


def run(command, data):
    """The program's output; shorter than it should be when it died."""
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=False).stdout


def fields(blob):
    values = gen.RESULT.unpack(blob)
    named = {"end": values[0]}
    named.update({f"x{i}": values[1 + i] for i in range(31)})
    named.update(sp=values[32], nzcv=values[33], fpcr=values[34], fpsr=values[35] & FPSR)
    for i in range(32):
        named[f"v{i}"] = values[36 + 2 * i] | values[37 + 2 * i] << 64
    named["memory"] = values[100]
    return named


def report(row, case, ours, peer):
    values = gen.CASE.unpack(case)
    a, b = fields(ours), fields(peer)
    words = " ; ".join(f"{word:08x}  {disassemble(word)}" for word in values[:values[4]])
    print(f"MISMATCH {row.name} {words}")
    before = dict(zip([f"x{i}" for i in range(31)] + ["sp", "nzcv", "fpcr", "fpsr"], values[6:41]))
    before.update({f"v{i}": values[41 + 2 * i] | values[42 + 2 * i] << 64 for i in range(32)})
    word = values[0]
    for name in dict.fromkeys([f"x{word >> s & 31}" for s in (5, 16) if word >> s & 31 != 31]
                              + [f"v{word >> s & 31}" for s in (0, 5, 16, 10)] + ["nzcv", "fpcr", "fpsr"]):
        print(f"    before {name} = {before[name]:x}")
    for name in a:
        if a[name] != b[name]:
            if name == "memory":
                at = next(i for i in range(gen.WINDOW) if a[name][i] != b[name][i])
                print(f"    memory[{at - gen.WINDOW // 2:+d}]: ours {a[name][at:at + 16].hex()} peer {b[name][at:at + 16].hex()}")
            elif name == "end":
                print(f"    end: ours {ENDS[a[name]]} peer {ENDS[b[name]]}")
            else:
                print(f"    {name}: ours {a[name]:x} peer {b[name]:x}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--ours", required=True)
    parser.add_argument("--loader", required=True, help="the cross-compiled loader.c")
    parser.add_argument("--peer", default=os.environ.get("ARMILLARY_QEMU_USER", ""), help="a qemu-aarch64, version 10 or later")
    parser.add_argument("--cases", type=int, default=20000)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--rows", default="")
    parser.add_argument("--sequences", action="store_true", help="four instructions a case (sequences.py)")
    parser.add_argument("--features", default="")
    parser.add_argument("--show", type=int, default=3, help="mismatches shown per row")
    parser.add_argument("--tables", nargs="+", default=sorted(map(str, (Path(__file__).resolve().parents[2] / "target-arm64/tables").glob("a64-*.dec"))))
    options = parser.parse_args()
    features = set(options.features.split(",")) if options.features else set(
        subprocess.run([options.ours, "--features"], capture_output=True, text=True, check=True).stdout.split())
    if not options.peer:
        print("no peer: run `export ARMILLARY_QEMU_USER=$(scripts/peer-qemu user)` first")
        sys.exit(77)
    generator = (Sequences if options.sequences else gen.Generator)(options.tables, features, set(filter(None, options.rows.split(","))))
    bad, seen, done, began = {}, {}, 0, time.time()
    with ThreadPoolExecutor(2) as pool:
        for start in range(options.start, options.start + options.cases, gen.SLOTS):
            batch = [generator.case(options.seed, i) for i in range(start, min(start + gen.SLOTS, options.start + options.cases))]
            data = b"".join(packed for _, packed in batch)
            ours, peer = pool.map(lambda c: run(c, data), ([options.ours], [options.peer, options.loader]))
            size = gen.RESULT.size
            if len(peer) != size * len(batch):
                sys.exit(f"diff: the peer stopped at case {start + len(peer) // size}")
            if len(ours) != size * len(batch):
                row, packed = batch[len(ours) // size]
                sys.exit(f"diff: ours stopped at case {start + len(ours) // size}: {row.name} {disassemble(gen.CASE.unpack(packed)[0])}")
            for k, (row, packed) in enumerate(batch):
                seen[row.name] = seen.get(row.name, 0) + 1
                a, b = ours[k * size:(k + 1) * size], peer[k * size:(k + 1) * size]
                if a != b and fields(a) != fields(b):
                    bad[row.name] = bad.get(row.name, 0) + 1
                    if bad[row.name] <= options.show:
                        report(row, packed, a, b)
            done += len(batch)
    for name, count in sorted(bad.items()):
        print(f"row {name}: {count} of {seen[name]} cases differ")
    untested = [r.name for r in generator.rows if r.name not in seen]
    print(f"{done} cases, {len(seen)} rows tested, {len(untested)} untested, {sum(bad.values())} mismatches in {len(bad)} rows, "
          f"seed {options.seed}, {done / (time.time() - began):.0f} cases/s")
    untested = untested if not options.sequences and options.cases >= 4 * len(generator.rows) else []
    sys.exit(1 if bad or untested else 0)


if __name__ == "__main__":
    main()
