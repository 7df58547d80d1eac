#!/usr/bin/env python3
"""Test of the trap matrix: the program on Armillary against the rules of tests/facts/; with --peer also on QEMU, and the two compared.

usage: test.py --armillary PROGRAM --pairs N [--peer | --without FEATURE,...] MATRIX.elf

--peer: $ARMILLARY_QEMU_SYSTEM names the other machine (scripts/peer-qemu system); without it the comparison is skipped (status 77).
--without: one run for each feature, with it switched off: what it brings must be gone, and nothing else.
"""
import argparse
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))


def step(*words):
    line = [sys.executable, os.path.join(HERE, words[0]), *map(str, words[1:])]
    print("==", *words, flush=True)
    return subprocess.run(line, check=False).returncode


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--armillary", default="armillary")
    parser.add_argument("--pairs", type=int, required=True)
    parser.add_argument("--peer", action="store_true")
    parser.add_argument("--without", type=lambda text: text.split(","), default=[])
    parser.add_argument("program")
    args = parser.parse_args()
    peer = os.environ.get("ARMILLARY_QEMU_SYSTEM")
    with tempfile.TemporaryDirectory(prefix="armillary-matrix-") as folder:
        ours, theirs = os.path.join(folder, "ours"), os.path.join(folder, "theirs")
        for options in [["--", "--cpu", f"max,{feature}=off"] for feature in args.without] or [[]]:
            if step("matrix.py", "--armillary", args.armillary, "--timeout", 600, args.program, ours, *options):
                return 1
            if step("expect.py", "--pairs", args.pairs, ours):
                return 1
        if not args.peer:
            return 0
        if not peer:
            print("no comparison: ARMILLARY_QEMU_SYSTEM is not set (scripts/peer-qemu system)")
            return 77
        if step("matrix.py", "--peer", peer, "--timeout", 900, args.program, theirs):
            return 1
        return step("compare.py", "--pairs", args.pairs, ours, theirs, os.path.join(HERE, "differences.tsv"))


if __name__ == "__main__":
    sys.exit(main())
