#!/usr/bin/env python3
"""Boot and microbenchmarks of Armillary against a peer QEMU in one alternating run; medians and ratios. Never a pass/fail test.

usage: compare.py ARMILLARY QEMU-SYSTEM-AARCH64 KERNEL INITRD [--runs N] [--micro INITRD] [--markdown FILE]
Both run the same kernel with the same features: the peer as `-cpu max,pauth-impdef=on,sve=off,sme=off -accel tcg,thread=multi`.
"""
import argparse
import os
import re
import statistics
import subprocess
import sys
import time


def commands(options, initrd):
    append = "console=ttyAMA0 quiet"
    return {
        "armillary": [options.armillary, "run", "--kernel", options.kernel, "--initrd", initrd, "--append", append, "--memory", "1G"],
        "peer": [options.peer, "-M", "virt,virtualization=on,gic-version=3", "-cpu", "max,pauth-impdef=on,sve=off,sme=off",
                 "-accel", "tcg,thread=multi", "-smp", "1", "-m", "1024", "-nographic", "-no-reboot", "-kernel", options.kernel,
                 "-initrd", initrd, "-append", append],
    }


def run(command):
    """(CPU seconds, wall seconds, peak RSS in MiB, output) of one run."""
    start = time.time()
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output = child.stdout.read().decode(errors="replace")
    _, status, usage = os.wait4(child.pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"compare: {command[0]} ended with status {os.waitstatus_to_exitcode(status)}:\n{output[-2000:]}")
    return usage.ru_utime + usage.ru_stime, time.time() - start, usage.ru_maxrss / 1024, output


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name in ("armillary", "peer", "kernel", "initrd"):
        parser.add_argument(name)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--micro", help="initrd whose script runs the micro program")
    options = parser.parse_args()
    boots = {"armillary": [], "peer": []}
    for _ in range(options.runs):
        for who, command in commands(options, options.initrd).items():
            boots[who].append(run(command))
    ours, peer = (statistics.median(r[0] for r in boots[w]) for w in ("armillary", "peer"))
    print("| workload | Armillary | peer | ratio |\n|---|---|---|---|")
    print(f"| boot to power-off, CPU s | {ours:.2f} | {peer:.2f} | {peer / ours:.2f}x |")
    rss = [statistics.median(r[2] for r in boots[w]) for w in ("armillary", "peer")]
    print(f"| boot, peak RSS MiB | {rss[0]:.0f} | {rss[1]:.0f} | |")
    if options.micro:
        found = {"armillary": {}, "peer": {}}
        for _ in range(options.runs):
            for who, command in commands(options, options.micro).items():
                for name, value, unit in re.findall(r"^bench (\S+) (\S+) ([^\r\n]+)", run(command)[3], re.M):
                    found[who].setdefault(f"{name}, {unit}", []).append(float(value))
        for name in found["peer"]:
            a, b = (statistics.median(found[w].get(name, [0])) for w in ("armillary", "peer"))
            print(f"| {name} | {a:.4g} | {b:.4g} | {a / b:.2f}x |")


if __name__ == "__main__":
    main()
