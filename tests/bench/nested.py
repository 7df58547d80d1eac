#!/usr/bin/env python3
"""Costs of nested virtualization on Armillary and a peer QEMU: a guest of a guest booted, its exits; CPU seconds of the whole process, and how
often our EL2 was entered. Never a pass/fail test.

usage: nested.py ARMILLARY [--runs N] [--peer QEMU-SYSTEM-AARCH64 | --no-peer] [--only NAME,...] [--limit S]
Debian's kernel is host (kvm-arm.mode=nested), its guest starts at EL2 under tests/vmm and runs the same kernel as its guest (L2) or, for
single exits, the tiny guest of `kvmtest cost`. A run that needs more than --limit seconds (300) is ended, and shown as "> its CPU seconds".
"""
import argparse
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import compare

QUIET = "console=ttyS0 panic=-1 quiet"
VERBOSE = "console=ttyS0 panic=-1"
BOOTS = {  # name: (what it is, option of the outer monitor, command line of L2 or None: L1 alone, what the console must show)
    "l1": ("a guest with EL2, to power-off", "-e", None, "L1 done"),
    "l2-quiet": ("and its guest, quiet", "-e", QUIET, "L2 marker"),
    "l2-verbose": ("and its guest, verbose", "-e", VERBOSE, "L2 marker"),
    "l1-nvhe": ("a guest with EL2 but without VHE, to power-off", "-n", None, "L1 done"),
    "l2-nvhe": ("and its guest, quiet, under nVHE", "-n", QUIET, "L2 marker"),
}


class Bench:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.kernel = compare.output_of(compare.SCRIPTS / "guest-fetch", "kernel", "cloud", "trixie-backports") + "/boot/vmlinuz"
        for program in ("vmm", "kvmtest"):
            compare.output_of(compare.SCRIPTS / "guest-vmm", folder / program, program)

    def initramfs(self, name, script, *adds):
        (self.folder / f"{name}.sh").write_text(script)
        out = self.folder / f"{name}.cpio"
        command = [compare.SCRIPTS / "guest-initramfs", out, "--script", self.folder / f"{name}.sh"]
        for add in adds:
            command += ["--add", add]
        compare.output_of(*command)
        return out

    def host(self, option, inner, adds):
        """The host's initramfs; inner: what its guest does, with these files."""
        guest = self.initramfs("guest", inner, *adds)
        run = f'vmm {option} -m 640 -a "{QUIET}" -i /guest.cpio /Image </dev/null\n'
        return str(self.initramfs("host", run, f"{self.folder}/vmm:bin/vmm", f"{guest}:guest.cpio", f"{self.kernel}:Image"))

    def commands(self, initrd, *extra):
        append = "console=ttyAMA0 quiet kvm-arm.mode=nested"
        ours = [self.options.armillary, "run", "--kernel", self.kernel, "--memory", "2G", "--initrd", initrd, "--append", append, "--stats", *extra]
        peer = [self.options.peer, "-M", "virt,virtualization=on,gic-version=3", "-cpu", "max,pauth-impdef=on,sve=off,sme=off", "-accel",
                "tcg,thread=multi", "-smp", "1", "-m", "2048", "-nographic", "-no-reboot", "-kernel", self.kernel, "-initrd", initrd, "-append", append]
        return {"armillary": ours} if self.options.no_peer else {"armillary": ours, "peer": peer}

    def run(self, command, marker):
        """(CPU seconds, wall seconds, console); the console is None when the limit was reached."""
        start = time.time()
        child = subprocess.Popen(["timeout", str(self.options.limit), *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        output = child.stdout.read().decode(errors="replace")
        _, status, usage = compare.os.wait4(child.pid, 0)
        cpu = usage.ru_utime + usage.ru_stime
        if compare.os.waitstatus_to_exitcode(status) == 124:
            return cpu, time.time() - start, None
        if marker not in output:
            sys.exit(f"nested: no \"{marker}\":\n{output[-3000:]}")
        return cpu, time.time() - start, output


def exits(output):
    """How often EL2 was entered, by the figures of --stats."""
    text = output[output.index("exits to EL2"):]
    return sum(int(n) for n in re.findall(r"^ +(\d+) +(?:\d+|host) +EL\d", text, re.M))


def boots(bench, names):
    print("| workload | Armillary, CPU s | peer, CPU s | ratio (above 1: Armillary is faster) | exits to EL2 |\n|---|---|---|---|---|")
    for name in names:
        what, option, append, marker = BOOTS[name]
        inner, adds = "echo L1 done\n", []
        if append is not None:
            l2 = bench.initramfs("l2", "echo L2 marker\n")
            inner = f'vmm -m 192 -a "{append}" -i /l2.cpio /Image </dev/null\n'
            adds = [f"{bench.folder}/vmm:bin/vmm", f"{l2}:l2.cpio", f"{bench.kernel}:Image"]
        initrd, found, count = bench.host(option, inner, adds), {}, 0
        for _ in range(bench.options.runs):
            for who, command in bench.commands(initrd).items():
                got = bench.run(command, marker)
                found.setdefault(who, []).append(got)
                count = exits(got[2]) if who == "armillary" and got[2] else count
        time_of = {who: statistics.median(g[0] for g in v) for who, v in found.items()}
        cell = {who: f"{time_of[who]:.2f}" if all(g[2] for g in v) else f"> {time_of[who]:.0f}" for who, v in found.items()}
        ratio = f"{time_of['peer'] / time_of['armillary']:.2f}" if len(cell) == 2 and all(">" not in c for c in cell.values()) else ""
        print(f"| {name}: {what} | {cell['armillary']} | {cell.get('peer', '')} | {ratio} | {count} |", flush=True)


def single_exits(bench):
    """The differences of runs that do none, many calls, or many loads: of their CPU time, and, under the virtual clock, of their exits."""
    many, adds, spent, entries = 10000, [f"{bench.folder}/kvmtest:bin/kvmtest"], {}, {}
    for kind, counts in ("none", "CALLS=0 LOADS=0"), ("hypercall", f"CALLS={many} LOADS=0"), ("load", f"CALLS=0 LOADS={many}"):
        initrd = bench.host("-e", f"{counts} kvmtest cost\n", adds)
        for _ in range(bench.options.runs):
            for who, command in bench.commands(initrd).items():
                cpu, _, output = bench.run(command, "kvmtest: 0 failed")
                spent.setdefault((kind, who), []).append(cpu if output else float("nan"))
        _, _, output = bench.run(bench.commands(initrd, "--clock", "virtual")["armillary"], "kvmtest: 0 failed")
        entries[kind] = exits(output) if output else float("nan")
    print("| L2 exit | Armillary, CPU us | peer, CPU us | ratio (above 1: Armillary is faster) | exits to EL2 for each |\n|---|---|---|---|---|")
    for kind, what in ("hypercall", "hypercall (answered by L1's KVM)"), ("load", "load that L1's monitor answers"):
        cost = {who: (statistics.median(spent[kind, who]) - statistics.median(spent["none", who])) / many * 1e6 for who in
                ("armillary", "peer") if (kind, who) in spent}
        ratio = f"{cost['peer'] / cost['armillary']:.2f}" if "peer" in cost else ""
        each = (entries[kind] - entries["none"]) / many
        print(f"| {what} | {cost['armillary']:.0f} | {cost.get('peer', float('nan')):.0f} | {ratio} | {each:.1f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("armillary")
    parser.add_argument("--peer", default="")
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--limit", type=int, default=300)
    parser.add_argument("--only", default=",".join([*BOOTS, "exits"]))
    options = parser.parse_args()
    if not options.no_peer:
        options.peer = options.peer or compare.output_of(compare.SCRIPTS / "peer-qemu", "system")
    names = options.only.split(",")
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(options, Path(name))
        if [n for n in names if n in BOOTS]:
            boots(bench, [n for n in names if n in BOOTS])
        if "exits" in names:
            single_exits(bench)


if __name__ == "__main__":
    main()
