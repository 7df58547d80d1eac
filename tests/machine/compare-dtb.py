#!/usr/bin/env python3
"""Compares the board's device tree with the peer's: every property of every node that both have must mean the same.

usage: compare-dtb.py ARMILLARY
       compare-dtb.py --record QEMU     writes peer-trees/ anew (QEMU 11's qemu-system-aarch64: scripts/peer-qemu system)
"""
import gzip
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import fdt  # noqa: E402

PHANDLES = {"interrupt-parent": 1, "clocks": 1, "cpu": 1, "gpios": 3}  # property: cells per reference
NOT_THERE_YET = ("/fw-cfg@", "/pcie@", "/platform-bus@", "/pmu", "/virtio_mmio@")
DIFFERENT = {  # (last part of the node's name up to @, property): why
    ("chosen", "rng-seed"): "random", ("chosen", "kaslr-seed"): "random",
    ("cpu", "enable-method"): "the peer leaves it out with one CPU",
    ("cpu", "compatible"): "no Cortex-A57: the CPU is a model",
    **{("cpu", f"{c}-cache-{p}"): "caches are not modelled" for c in "id" for p in ("size", "sets", "block-size")},
    ("cpu", "next-level-cache"): "caches are not modelled",
}


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


CONFIGURATIONS = [(el2, smp, memory) for el2 in ("on", "off") for smp, memory in ((1, "512M"), (20, "1G"), (124, "6G"))]


def recorded(el2, smp, memory):
    return Path(__file__).resolve().parent / "peer-trees" / f"el2-{el2}-{smp}-{memory}.dtb.gz"


def record(qemu):
    for el2, smp, memory in CONFIGURATIONS:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "tree.dtb"
            subprocess.run([qemu, "-M", f"virt,virtualization={el2},gic-version=3,dumpdtb={path}", "-cpu", "max", "-smp", str(smp),
                            "-m", memory, "-nographic"], check=True, stdin=subprocess.DEVNULL, capture_output=True)
            recorded(el2, smp, memory).write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "--record":
        return record(sys.argv[2])
    errors = []
    for el2, smp, memory in CONFIGURATIONS:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "tree.dtb"
            subprocess.run([sys.argv[1], "run", "--dump-dtb", path, "--smp", str(smp), "--memory", memory, "--cpu", f"max,el2={el2}"],
                           check=True, stdin=subprocess.DEVNULL)
            ours = fdt.parse(path.read_bytes())
        theirs = fdt.parse(gzip.decompress(recorded(el2, smp, memory).read_bytes()))
        found = compare(resolve(ours), resolve(theirs))
        errors += [f"el2={el2} smp={smp} memory={memory}: {e}" for e in found]
    print("\n".join(errors[:40]))
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
