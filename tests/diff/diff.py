#!/usr/bin/env python3
"""Differential test: random legal instructions on our interpreter and on an independent emulator, every register compared.

usage: diff.py --ours PROGRAM --loader LOADER [--peer QEMU-AARCH64] [--cases N] [--runs R] [--seed S] [--state FILE] [--rows A,B]
A case is a word (or four, --sequences) and a state; each word is run with R states. --state keeps the counts of an interrupted run, which
goes on there. A mismatch is shrunk to the first instruction that differs and printed as assembly. Exit status 1 on any mismatch.
"""
import argparse
import json
import os
import shutil
import struct
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import gen
from sequences import Sequences

ENDS = ["next", "skip", "undefined", "abort", "alignment", "trap", "operand", "?"]
FPSR = 0x0800009f


def disassemble(word):
    tool = shutil.which("llvm-mc-19") or shutil.which("llvm-mc")
    if not tool:
        return ".inst 0x%08x" % word
    text = " ".join(f"0x{b:02x}" for b in word.to_bytes(4, "little"))
    out = subprocess.run([tool, "--disassemble", "-triple=aarch64", "-mattr=+all"], input=text, capture_output=True, text=True).stdout
    return " ".join(out.split()[1:]) or ".inst 0x%08x" % word


class Child:
    """One of the two sides: a process that answers batches (state.h)."""

    def __init__(self, command):
        self.command = command
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, kind, specs, size):
        """The answer to specs, `size` bytes; shorter when the process died."""
        try:
            self.process.stdin.write(gen.HEADER.pack(kind, len(specs)) + b"".join(specs))
            self.process.stdin.flush()
            answer = self.process.stdout.read(size)
        except BrokenPipeError:
            answer = b""
        if len(answer) != size:
            self.process.kill()
            self.start()
        return answer

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def named(values):
    out = {f"x{i}": values[i] for i in range(31)}
    out.update(sp=values[31], nzcv=values[32], fpcr=values[33], fpsr=values[34] & FPSR)
    for i in range(32):
        out[f"v{i}"] = values[35 + 2 * i] | values[36 + 2 * i] << 64
    out["memory"] = values[99]
    return out


def shown(child, spec):
    """(state before, state after with "end") of a spec of one state; None when the process died."""
    answer = child.ask(gen.SHOW, [spec], 2 * gen.STATE.size + 8)
    if len(answer) != 2 * gen.STATE.size + 8:
        return None
    before, after = named(gen.STATE.unpack_from(answer)), named(gen.STATE.unpack_from(answer, gen.STATE.size + 8))
    after["end"] = struct.unpack_from("<Q", answer, gen.STATE.size)[0]
    return before, after


def shrink(sides, spec, n):
    """(words up to the first instruction that differs, state before it, ours, the peer's)."""
    cells = list(gen.SPEC.unpack(spec))
    cells[6:8] = n, 1
    before = None
    for length in range(1, cells[4] + 1):
        part = gen.SPEC.pack(*cells[:4], length, *cells[5:])
        ours, peer = (shown(side, part) for side in sides)
        if ours is None or peer is None or ours[1] != peer[1]:
            return cells[:length], before or (ours or peer or ({}, {}))[0], ours and ours[1], peer and peer[1]
        before = ours[1]
    return cells[:cells[4]], before, None, None


def report(sides, row, spec, n):
    words, before, a, b = shrink(sides, spec, n)
    print(f"MISMATCH {row.name} state {n}: " + " ; ".join(f"{word:08x}  {disassemble(word)}" for word in words))
    if a is None or b is None:
        print("    " + ("does not show when repeated" if before else "a side died"))
        return
    word = words[-1]
    for name in dict.fromkeys([f"x{word >> s & 31}" for s in (0, 5, 16) if word >> s & 31 != 31]
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


class Run:
    """Counts of a run, kept in a file if there is one."""

    def __init__(self, options):
        self.path = options.state
        self.next, self.seen, self.bad, self.seconds = 0, {}, {}, 0.0
        self.key = {"seed": options.seed, "runs": options.runs, "sequences": options.sequences, "rows": options.rows}
        if self.path and os.path.exists(self.path):
            kept = json.loads(Path(self.path).read_text())
            if kept["key"] != self.key:
                sys.exit(f"diff: {self.path} is of another run: {kept['key']}")
            self.next, self.seen, self.bad, self.seconds = kept["next"], kept["seen"], kept["bad"], kept["seconds"]

    def keep(self):
        if self.path:
            Path(self.path + ".new").write_text(json.dumps({"key": self.key, "next": self.next, "seen": self.seen, "bad": self.bad,
                                                            "seconds": self.seconds}))
            os.replace(self.path + ".new", self.path)

    def cases(self):
        return sum(self.seen.values())


def compare(sides, batch, answers, run, options):
    """Counts a batch's cases and mismatches; shows the first of each row."""
    size = 8 * options.runs
    for k, (row, spec) in enumerate(batch):
        run.seen[row.name] = run.seen.get(row.name, 0) + options.runs
        ours, peer = (answer[k * size:(k + 1) * size] for answer in answers)
        if ours == peer:
            continue
        differ = [n for n in range(options.runs) if ours[8 * n:8 * n + 8] != peer[8 * n:8 * n + 8]]
        run.bad[row.name] = run.bad.get(row.name, 0) + len(differ)
        if run.bad[row.name] - len(differ) < options.show:
            report(sides, row, spec, differ[0])


def execute(sides, generator, run, options):
    words = -(-options.cases // options.runs)

    def batch_at(start):
        return [generator.spec(options.seed, i, options.runs) for i in range(start, min(start + gen.SLOTS, words))]

    with ThreadPoolExecutor(2) as pool:
        batch, began, kept = batch_at(run.next), time.time(), time.time()
        while batch:
            specs, size = [spec for _, spec in batch], 8 * options.runs * len(batch)
            waiting = [pool.submit(side.ask, gen.SPECS, specs, size) for side in sides]
            following = batch_at(run.next + len(batch))
            answers = [w.result() for w in waiting]
            for name, answer in zip(("ours", "the peer"), answers):
                if len(answer) != size:
                    sys.exit(f"diff: {name} stopped in words {run.next} to {run.next + len(batch)}")
            compare(sides, batch, answers, run, options)
            run.next += len(batch)
            batch = following
            if time.time() - kept > 20:
                run.seconds += time.time() - began
                began = kept = time.time()
                run.keep()
    run.seconds += time.time() - began
    if run.path and os.path.exists(run.path):
        os.remove(run.path)  # the run is whole: the next one starts anew


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--ours", required=True)
    parser.add_argument("--loader", required=True, help="the cross-compiled loader.c")
    parser.add_argument("--peer", default=os.environ.get("ARMILLARY_QEMU_USER", ""), help="a qemu-aarch64, version 10 or later")
    parser.add_argument("--cases", type=int, default=20000)
    parser.add_argument("--runs", type=int, default=8, help="states a word, up to 16")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--state", default="", help="file of an interrupted run, to go on with it")
    parser.add_argument("--rows", default="")
    parser.add_argument("--sequences", action="store_true", help="four instructions a case (sequences.py)")
    parser.add_argument("--features", default="")
    parser.add_argument("--counts", action="store_true", help="print the cases of each row")
    parser.add_argument("--show", type=int, default=3, help="mismatches shown per row")
    parser.add_argument("--tables", nargs="+", default=sorted(map(str, (Path(__file__).resolve().parents[2] / "target-arm64/tables").glob("a64-*.dec"))))
    return parser.parse_args()


def main():
    options = parse()
    features = set(options.features.split(",")) if options.features else set(
        subprocess.run([options.ours, "--features"], capture_output=True, text=True, check=True).stdout.split())
    if not options.peer:
        print("no peer: run `export ARMILLARY_QEMU_USER=$(scripts/peer-qemu user)` first")
        sys.exit(77)
    generator = (Sequences if options.sequences else gen.Generator)(options.tables, features, set(filter(None, options.rows.split(","))))
    sides, run = [Child([options.ours]), Child([options.peer, options.loader])], Run(options)
    execute(sides, generator, run, options)
    for side in sides:
        side.close()
    for name, count in sorted(run.seen.items() if options.counts else ()):
        print(f"{name}: {count}")
    for name, count in sorted(run.bad.items()):
        print(f"row {name}: {count} of {run.seen[name]} cases differ")
    untested = [r.name for r in generator.rows if r.name not in run.seen]
    least = min(run.seen, key=run.seen.get)
    print(f"{run.cases()} cases, {len(run.seen)} rows tested (the least, {least}, {run.seen[least]} times), {len(untested)} untested, "
          f"{sum(run.bad.values())} mismatches in {len(run.bad)} rows, seed {options.seed}, {run.cases() / run.seconds:.0f} cases/s")
    untested = untested if not options.sequences and options.cases >= 4 * options.runs * len(generator.rows) else []
    for name in untested:
        print(f"untested: {name}")
    sys.exit(1 if run.bad or untested else 0)


if __name__ == "__main__":
    main()
