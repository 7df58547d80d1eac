#!/usr/bin/env python3
"""Time from start to the first guest instruction and exit: median, least and most of N runs.  Never a pass/fail test.

usage: startup.py ARMILLARY KERNEL [--runs N] [OPTION...]
"""
import argparse
import os
import statistics
import subprocess
import time


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("armillary")
    parser.add_argument("kernel")
    parser.add_argument("--runs", type=int, default=20)
    options, more = parser.parse_known_args()
    command = [options.armillary, "run", "--kernel", options.kernel, "--max-insns", "1", *more]
    wall, cpu = [], []
    for _ in range(options.runs):
        start = time.perf_counter()
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, _, usage = os.wait4(child.pid, 0)
        wall.append((time.perf_counter() - start) * 1000)
        cpu.append((usage.ru_utime + usage.ru_stime) * 1000)
    for name, values in (("wall", wall), ("CPU", cpu)):
        print(f"{name}: median {statistics.median(values):.1f} ms, {min(values):.1f} to {max(values):.1f}")


if __name__ == "__main__":
    main()
