#!/usr/bin/env python3
"""The same command under the virtual clock gives the same run: instruction count, console bytes and state hash.

usage: determinism.py ARMILLARY [--smp N] [--max-insns N] [--variants load,blocks,trace]
Boots Debian's kernel for a number of instructions (or to power-off), once as it is and once in each variant: again; with the host's other
core busy; with one-instruction blocks; with a trace.
"""
import argparse
import multiprocessing
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import boot


def spin():
    while True:
        pass


def run(command, *extra):
    """(instructions, state hash, console) of one run."""
    result = subprocess.run([*command, *extra], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    figures = result.stderr.decode(errors="replace")
    insns, state = re.search(r"instructions\s+(\d+)", figures), re.search(rb"state-hash (\S+)", result.stdout)
    if not insns or not state:
        sys.exit(f"no figures from {' '.join(map(str, command))} (status {result.returncode}):\n{figures}")
    return insns[1], state[1].decode(), result.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("armillary")
    parser.add_argument("--smp", default="1")
    parser.add_argument("--max-insns", default="")
    parser.add_argument("--variants", default="again,load,blocks,trace")
    options = parser.parse_args()
    kernel = boot.output_of(boot.SCRIPTS / "guest-fetch", "kernel", "cloud", "trixie-backports")
    with tempfile.TemporaryDirectory() as folder:
        initrd = Path(folder) / "initrd.cpio"
        boot.output_of(boot.SCRIPTS / "guest-initramfs", initrd, "--script", boot.HERE / "tour.sh")
        command = [options.armillary, "run", "--kernel", f"{kernel}/boot/vmlinuz", "--initrd", str(initrd), "--append", "console=ttyAMA0",
                   "--smp", options.smp, "--clock", "virtual", "--seed", "7", "--stats", "--state-hash"]
        if options.max_insns:
            command += ["--max-insns", options.max_insns]
        first = run(command)
        print(f"{first[0]} instructions, {len(first[2])} console bytes, state {first[1]}")
        bad = 0
        for variant in options.variants.split(","):
            extra = {"blocks": ["--block-insns", "1"], "trace": ["--trace", f"exception,irq:{folder}/trace"]}.get(variant, [])
            busy = [multiprocessing.Process(target=spin, daemon=True) for _ in range(2 if variant == "load" else 0)]
            for process in busy:
                process.start()
            other = run(command, *extra)
            for process in busy:
                process.terminate()
            same = other == first
            bad += not same
            print(f"{variant}: {'the same' if same else f'DIFFERENT: {other[0]} instructions, state {other[1]}'}")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
