#!/usr/bin/env python3
"""Runs guest tests: each ends with "PASS n"; a line starting with FAIL, a missing last line or a wrong exit status is a failure.

usage: run.py [--armillary PROGRAM] [--peer QEMU] [--timeout S] TEST.elf... [-- OPTION...]

With --peer (a program, or `env`: what $ARMILLARY_QEMU_SYSTEM names, skipped without it) the tests run on another machine model instead, to
validate the tests themselves: there, checks whose name says "[peer differs]" may fail (the manual is on the test's side). Options behind "--" go to the machine.
"""
import argparse
import os
import re
import subprocess
import sys


def command(args, elf):
    if args.peer:
        return [args.peer, "-M", "virt,virtualization=on,gic-version=3", "-cpu", "max", "-smp", "4", "-m", "256", "-nographic",
                "-no-reboot", "-kernel", elf, *args.options]
    return [args.armillary, "run", "--kernel", elf, "--smp", "4", "--memory", "256M", "--timeout", str(args.timeout), *args.options]


def judge(args, output, status):
    """A list of what is wrong."""
    lines = output.replace("\r", "").splitlines()
    failed = [line for line in lines if line.startswith("FAIL ")]
    if args.peer:
        failed = [line for line in failed if "[peer differs]" not in line]
    passed = [int(m[1]) for m in (re.fullmatch(r"PASS (\d+)", line) for line in lines) if m]
    excused = args.peer and any("[peer differs]" in line for line in lines)
    if not failed and not passed and not (excused and any(line.startswith("FAILED ") for line in lines)):
        failed.append("no PASS line: the test did not end")
    if passed == [0]:
        failed.append("PASS 0: nothing was checked")
    if status and not args.peer:
        failed.append(f"exit status {status}")
    return failed


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--armillary", default="armillary")
    parser.add_argument("--peer")
    parser.add_argument("--timeout", type=float, default=60)
    parser.add_argument("tests", nargs="+")
    argv, options = sys.argv[1:], []
    if "--" in argv:
        argv, options = argv[:argv.index("--")], argv[argv.index("--") + 1:]
    args = parser.parse_args(argv)
    args.options = options
    if args.peer == "env":
        args.peer = os.environ.get("ARMILLARY_QEMU_SYSTEM")
        if not args.peer:
            print("no comparison: ARMILLARY_QEMU_SYSTEM is not set (scripts/peer-qemu system)")
            sys.exit(77)
    bad = 0
    for elf in args.tests:
        line = command(args, elf)
        try:
            run = subprocess.run(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 timeout=args.timeout + 5, check=False)
            output, status = run.stdout.decode("latin-1"), run.returncode
        except subprocess.TimeoutExpired as error:
            output, status = (error.stdout or b"").decode("latin-1") + "\ntimed out", -1
        wrong = judge(args, output, status)
        print(f"== {elf}: {'FAILED' if wrong else 'ok'}")
        print(output.rstrip())
        print("\n".join(w for w in wrong if not w.startswith("FAIL ")), end="\n" if wrong else "")
        if wrong:
            print("command:", " ".join(line))
        bad += bool(wrong)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
