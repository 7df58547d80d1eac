#!/usr/bin/env python3
"""A monitor in the guest hands its guests damaged device trees: whatever these do, the host goes on, and its next guest is well.

usage: bad-trees.py ARMILLARY [boot.py options]
"""
import subprocess
import sys
import tempfile
from pathlib import Path

import boot

SEEDS = range(1, 9)
VMM = "vmm -a 'console=ttyS0 panic=-1 quiet' -i /inner.cpio"


def main():
    armillary, rest = sys.argv[1], sys.argv[2:]
    suite = rest[rest.index("--suite") + 1] if "--suite" in rest else "trixie-backports"
    kernel = boot.output_of(boot.SCRIPTS / "guest-fetch", "kernel", "cloud", suite)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        boot.output_of(boot.SCRIPTS / "guest-vmm", folder / "vmm")
        (folder / "inner.sh").write_text('echo "guest is well"\n')
        boot.output_of(boot.SCRIPTS / "guest-initramfs", folder / "inner.cpio", "--script", folder / "inner.sh")
        lines = [f'timeout 3 {VMM} -b {seed} /Image </dev/null >/dev/null 2>&1; echo "damaged tree {seed} over"' for seed in SEEDS]
        (folder / "host.sh").write_text("\n".join([*lines, f"{VMM} /Image </dev/null 2>&1 | sed 's/^/L1| /'", ""]))
        command = [sys.executable, boot.HERE / "boot.py", armillary, "--script", folder / "host.sh", "--add", f"{folder}/vmm:bin/vmm",
                   "--add", f"{folder}/inner.cpio:inner.cpio", "--add", f"{kernel}/boot/vmlinuz:Image", "--show", "damaged|well",
                   "--expect", r"L1\| guest is well", *(word for s in SEEDS for word in ("--expect", f"damaged tree {s} over")), *rest]
        sys.exit(subprocess.run([str(c) for c in command], check=False).returncode)


if __name__ == "__main__":
    main()
