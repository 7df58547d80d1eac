#!/usr/bin/env python3
"""Boot and microbenchmarks of Armillary against a peer QEMU in one alternating run; medians and ratios. Never a pass/fail test.

usage: compare.py ARMILLARY [--runs N] [--peer QEMU-SYSTEM-AARCH64]
Both run the same kernel with the same features: the peer as `-cpu max,pauth-impdef=on,sve=off,sme=off -accel tcg,thread=multi`.
Workloads are timed by the guest's clock; each figure is scaled by wall/CPU seconds of its process, so that a busy machine hurts both alike.
"""
import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
SCRIPTS = HERE.parents[1] / "scripts"


def commands(options, initrd):
    """Both command lines; initrd None: a program that needs neither that nor a command line."""
    append = "console=ttyAMA0 quiet"
    ours, peer = (["--initrd", initrd, "--append", append], ["-initrd", initrd, "-append", append]) if initrd else ([], [])
    return {
        "armillary": [options.armillary, "run", "--kernel", options.kernel, "--memory", "1G", *ours],
        "peer": [options.peer, "-M", "virt,virtualization=on,gic-version=3", "-cpu", "max,pauth-impdef=on,sve=off,sme=off",
                 "-accel", "tcg,thread=multi", "-smp", "1", "-m", "1024", "-nographic", "-no-reboot", "-kernel", options.kernel, *peer],
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


def output_of(*command):
    return subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def prepare(folder):
    """(initramfs that powers off at once, initramfs that runs the workloads)."""
    (folder / "boot.sh").write_text("uname -r\n")
    (folder / "micro.sh").write_text("/bin/micro 0.5\n")
    subprocess.run(["aarch64-linux-gnu-gcc", "-O2", "-static", "-fno-math-errno", "-pthread", "-o", folder / "micro", HERE / "micro.c"], check=True)
    output_of(SCRIPTS / "guest-initramfs", folder / "boot.cpio", "--script", folder / "boot.sh")
    output_of(SCRIPTS / "guest-initramfs", folder / "micro.cpio", "--script", folder / "micro.sh", "--add", f"{folder}/micro:bin/micro")
    return str(folder / "boot.cpio"), str(folder / "micro.cpio")


def table(options, boot, micro):
    boots, found = {"armillary": [], "peer": []}, {"armillary": {}, "peer": {}}
    for _ in range(options.runs):
        for who, command in commands(options, boot).items():
            boots[who].append(run(command))
        for who, command in commands(options, micro).items():
            cpu, wall, _, output = run(command)
            for name, value, unit in re.findall(r"^bench (\S+) (\S+) ([^\r\n]+)", output, re.M):
                found[who].setdefault(f"{name}, {unit}", []).append(float(value) * wall / cpu)
    ours, peer = (statistics.median(r[0] for r in boots[w]) for w in ("armillary", "peer"))
    memory = [statistics.median(r[2] for r in boots[w]) for w in ("armillary", "peer")]
    print("| workload | Armillary | peer | ratio (above 1: Armillary is faster) |\n|---|---|---|---|")
    print(f"| boot to power-off, CPU s | {ours:.2f} | {peer:.2f} | {peer / ours:.2f} |")
    print(f"| boot, peak RSS MiB (guest RAM that was touched included) | {memory[0]:.0f} | {memory[1]:.0f} | |")
    for name in found["peer"]:
        a, b = (statistics.median(found[w].get(name, [0])) for w in ("armillary", "peer"))
        print(f"| {name} | {a:.4g} | {b:.4g} | {a / b:.2f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("armillary")
    parser.add_argument("--peer", default="")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    options.peer = options.peer or output_of(SCRIPTS / "peer-qemu", "system")
    options.kernel = output_of(SCRIPTS / "guest-fetch", "kernel", "cloud", "trixie-backports") + "/boot/vmlinuz"
    with tempfile.TemporaryDirectory() as name:
        table(options, *prepare(Path(name)))


if __name__ == "__main__":
    main()
