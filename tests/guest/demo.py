#!/usr/bin/env python3
"""The built-in guests end by themselves and say what they should.  usage: demo.py ARMILLARY hello|el2 [OPTION...]"""
import re
import subprocess
import sys

HELLO = [r"Hello\. I am an EL1 program.*", r"CurrentEL = EL1", r"MIDR_EL1 = 0x[0-9a-f]+", r"MPIDR_EL1 = 0x80000000",
         r"CNTFRQ_EL0 = 0x[0-9a-f]+"]
TICKS = [rf"tick {n} of the virtual timer after \d+ ms" for n in range(1, 6)]
END = [r"That was all: PSCI SYSTEM_OFF\."]


def wanted(name):
    """Patterns of lines that must come in this order."""
    if name == "hello":
        return HELLO + TICKS + END
    inner = [r"EL1 \|   " + line for line in HELLO + TICKS + END]
    ticks = []
    for line in inner[len(HELLO):-1]:
        ticks += [r"EL2 \| timer interrupt 27: into list register 0", line]
    return ([r"EL2 \| I am .*", r"EL2 \| stage 2: .*"] + inner[:len(HELLO)] +
            [r"EL2 \| HVC #42 from the guest, x0 = 0x6", r"EL1 \|   HVC #42 with 6 answers 42"] + ticks + inner[-1:] +
            [r"EL2 \| the guest powers off\. Exits: \d\d+ stage 2 faults, 5 interrupts, [1-9]\d? WFI, 1 HVC, 1 SMC"])


def main():
    program, name, *options = sys.argv[1:]
    run = subprocess.run([program, "demo", name, *options], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    print(run.stdout, run.stderr, sep="")
    lines = iter(run.stdout.replace("\r", "").splitlines())
    for pattern in wanted(name):
        if not any(re.fullmatch(pattern, line) for line in lines):
            sys.exit(f"demo.py: no line (or not in this order): {pattern}")
    last = [float(m[1]) for m in re.finditer(r"tick \d of the virtual timer after (\d+) ms", run.stdout)]
    if any(late < 10 * n for n, late in enumerate(last, 1)):
        sys.exit(f"demo.py: a tick before its time: {last}")
    if run.returncode or run.stderr:
        sys.exit(f"demo.py: exit status {run.returncode}, or something on standard error")


if __name__ == "__main__":
    main()
