#!/usr/bin/env python3
"""Compares the board's device tree with the peer's: every property of every node that both have must mean the same.

usage: compare-dtb.py ARMILLARY      (the peer: $ARMILLARY_PEER/qemu-system-aarch64; exit 77: not there)
"""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import fdt  # noqa: E402

PHANDLES = {"interrupt-parent": 1, "clocks": 1, "cpu": 1, "gpios": 3}  # property: cells per reference
NOT_THERE_YET = ("/fw-cfg@", "/pcie@", "/platform-bus@", "/intc@8000000/its@", "/pmu", "/virtio_mmio@")
DIFFERENT = {  # (last part of the node's name up to @, property): why
    ("chosen", "rng-seed"): "random", ("chosen", "kaslr-seed"): "random",
    ("cpu", "enable-method"): "the peer leaves it out with one CPU",
    ("cpu", "compatible"): "no Cortex-A57: the CPU is a model",
    **{("cpu", f"{c}-cache-{p}"): "caches are not modelled" for c in "id" for p in ("size", "sets", "block-size")},
    ("cpu", "next-level-cache"): "caches are not modelled",
}


def tree_of(command, folder):
    path = Path(folder) / "tree.dtb"
    subprocess.run([*command(path)], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    return fdt.parse(path.read_bytes())


def resolve(tree):
    """The tree with references as node paths and without phandles."""
    # The peer numbers its cpu nodes in decimal; here their unit address is reg, in hexadecimal, as the specification wants.
    cpus = sorted((path for path in tree if path.startswith("/cpus/cpu@")), key=lambda path: tree[path]["reg"])
    rename = {path: f"/cpus/cpu@{number}" for number, path in enumerate(cpus)}
    tree = {rename.get(path, path): properties for path, properties in tree.items()}
    names = {value: path for path, properties in tree.items() for name, value in properties.items() if name == "phandle"}
    out = {}
    for path, properties in tree.items():
        out[path] = {}
        for name, value in properties.items():
            if name == "phandle":
                continue
            if name in PHANDLES and len(value) >= 4:
                step = 4 * PHANDLES[name]
                value = [(names.get(value[i:i + 4]), value[i + 4:i + step]) for i in range(0, len(value), step)]
            out[path][name] = value
    return out


def compare(ours, theirs):
    errors = []
    for path in sorted(set(ours) | set(theirs)):
        kind = path.rsplit("/", 1)[-1].split("@")[0]
        if path not in theirs:
            errors.append(f"{path}: only ours")
        elif path not in ours:
            if not path.startswith(NOT_THERE_YET):
                errors.append(f"{path}: missing")
        else:
            for name in sorted(set(ours[path]) | set(theirs[path])):
                a, b = ours[path].get(name), theirs[path].get(name)
                if a != b and (kind, name) not in DIFFERENT:
                    errors.append(f"{path} {name}: {a} here, {b} there")
    return errors


def main():
    armillary = sys.argv[1]
    cache = Path(os.environ.get("ARMILLARY_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "armillary")
    qemu = Path(os.environ.get("ARMILLARY_PEER") or cache / "peer") / "qemu-system-aarch64"
    if not qemu.exists():
        print(f"compare-dtb: no {qemu}: run scripts/peer-qemu system")
        return 77
    errors = []
    for el2 in ("on", "off"):
        for smp, memory in ((1, "512M"), (20, "1G"), (124, "6G")):
            with tempfile.TemporaryDirectory() as folder:
                ours = tree_of(lambda p: [armillary, "run", "--dump-dtb", p, "--smp", str(smp), "--memory", memory,
                                          "--cpu", f"max,el2={el2}"], folder)
                theirs = tree_of(lambda p: [qemu, "-M", f"virt,virtualization={el2},gic-version=3,dumpdtb={p}", "-cpu", "max",
                                            "-smp", str(smp), "-m", memory, "-nographic"], folder)
            found = compare(resolve(ours), resolve(theirs))
            errors += [f"el2={el2} smp={smp} memory={memory}: {e}" for e in found]
    print("\n".join(errors[:40]))
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
