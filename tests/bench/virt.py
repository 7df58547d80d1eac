#!/usr/bin/env python3
"""Costs of virtualization on Armillary and a peer QEMU, in one alternating run; medians and ratios. Never a pass/fail test.

usage: virt.py ARMILLARY [--runs N] [--peer QEMU-SYSTEM-AARCH64] [--only switches|l1] [--modes vhe,nvhe,...]
switches: the program virt.c, timed by the guest's clock and scaled by wall/CPU seconds of its process (see compare.py).
l1: Debian's kernel as a host in each mode and the same kernel as its KVM guest under tests/vmm, to the guest's power-off: CPU seconds
of the whole run, and without those of the host alone.
"""
import argparse
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import compare

ROOT = compare.HERE.parents[1]
FLAGS = ["-O2", "-ffreestanding", "-nostdlib", "-static", "-mgeneral-regs-only", "-mstrict-align", "-fno-pic", "-no-pie",
         "-fno-stack-protector", "-mno-outline-atomics", "-fno-tree-loop-distribute-patterns", "-march=armv8.5-a",
         "-Wl,-z,max-page-size=4096", "-Wl,--build-id=none", "-Wl,--no-warn-rwx-segments"]
MODES = {  # name: (host's command line, options of the monitor)
    "vhe": ("", ""),
    "nvhe": ("kvm-arm.mode=nvhe", ""),
    "hvhe": ("kvm-arm.mode=protected", ""),
    "protected-vm": ("kvm-arm.mode=protected", "-p"),
}


def build_switches(folder):
    guest = ROOT / "tests" / "guest"
    elf = folder / "virt.elf"
    subprocess.run(["aarch64-linux-gnu-gcc", *FLAGS, f"-Wl,-T,{guest}/rt.ld", guest / "rt.S", guest / "rt.c", compare.HERE / "virt-vectors.S",
                    compare.HERE / "virt.c", "-o", elf], check=True)
    return str(elf)


def switches(options, folder):
    options.kernel = build_switches(folder)
    found = {"armillary": {}, "peer": {}}
    for _ in range(options.runs):
        for who, command in compare.commands(options, None).items():
            cpu, wall, _, output = compare.run(command)
            for name, value, unit in re.findall(r"^bench (\S+) (\S+) ([^\r\n]+)", output, re.M):
                found[who].setdefault(f"{name}, {unit}", []).append(float(value) * wall / cpu)
    for name in found["peer"]:
        ours, peer = (statistics.median(found[who][name]) for who in ("armillary", "peer"))
        print(f"| {name} | {ours:.4g} | {peer:.4g} | {ours / peer:.1f} |", flush=True)


def prepare_l1(folder):
    """Initramfs of a host that does nothing, and of one that runs a guest, by options of the monitor."""
    kernel = compare.output_of(compare.SCRIPTS / "guest-fetch", "kernel", "cloud", "trixie-backports") + "/boot/vmlinuz"
    make = compare.SCRIPTS / "guest-initramfs"
    compare.output_of(compare.SCRIPTS / "guest-vmm", folder / "vmm")
    (folder / "inner.sh").write_text("echo L1 marker\n")
    compare.output_of(make, folder / "inner.cpio", "--script", folder / "inner.sh")
    add = ["--add", f"{folder}/vmm:bin/vmm", "--add", f"{folder}/inner.cpio:inner.cpio", "--add", f"{kernel}:Image"]
    out = {}
    scripts = {None: "true", "": "vmm", "-p": "vmm -p"}
    for key, words in scripts.items():
        command = "true" if key is None else f'{words} -a "console=ttyS0 quiet panic=-1" -i /inner.cpio /Image'
        (folder / "outer.sh").write_text(f"echo host up\n{command}\n")
        out[key] = str(folder / f"host{key}.cpio")
        compare.output_of(make, out[key], "--script", folder / "outer.sh", *add)
    return kernel, out


def boot(options, initrd, append, marker):
    """CPU seconds of one run of each."""
    out = {}
    for who, command in compare.commands(options, initrd).items():
        words = [w + " " + append if w.startswith("console=") else w for w in command]
        cpu, _, _, output = compare.run(words)
        if marker not in output:
            sys.exit(f"virt: no \"{marker}\" from {' '.join(words)}:\n{output[-2000:]}")
        out[who] = cpu
    return out


def l1(options, folder):
    options.kernel, initrds = prepare_l1(folder)
    for mode in options.modes.split(","):
        append, monitor = MODES[mode]
        host, whole = ({"armillary": [], "peer": []} for _ in range(2))
        for _ in range(options.runs):
            for times, initrd, marker in ((host, initrds[None], "host up"), (whole, initrds[monitor], "L1 marker")):
                for who, cpu in boot(options, initrd, append, marker).items():
                    times[who].append(cpu)
        low, high = ({who: statistics.median(t) for who, t in times.items()} for times in (host, whole))
        ours, peer = (high[who] - low[who] for who in ("armillary", "peer"))
        print(f"| {mode} host to power-off, CPU s | {low['armillary']:.2f} | {low['peer']:.2f} | {low['peer'] / low['armillary']:.2f} |")
        print(f"| {mode} host and guest, CPU s | {high['armillary']:.2f} | {high['peer']:.2f} | {high['peer'] / high['armillary']:.2f} |")
        print(f"| {mode}: the guest alone | {ours:.2f} | {peer:.2f} | {peer / ours:.2f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("armillary")
    parser.add_argument("--peer", default="")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", choices=("switches", "l1"))
    parser.add_argument("--modes", default=",".join(MODES))
    options = parser.parse_args()
    options.peer = options.peer or compare.output_of(compare.SCRIPTS / "peer-qemu", "system")
    print("| workload | Armillary | peer | ratio (above 1: Armillary is faster) |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        if options.only != "l1":
            switches(options, Path(name))
        if options.only != "switches":
            l1(options, Path(name))


if __name__ == "__main__":
    main()
