#!/usr/bin/env python3
"""Linux with virtio disk and entropy device behind the PCIe host: its own ITS driver takes their MSI-X interrupts as LPIs.

usage: pci.py ARMILLARY [boot.py options]
"""
import hashlib
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import boot


def main():
    armillary, rest = sys.argv[1], sys.argv[2:]
    contents = random.Random(5).randbytes(2 << 20)
    with tempfile.TemporaryDirectory() as folder:
        disk = Path(folder) / "disk.img"
        disk.write_bytes(contents)
        digest = hashlib.md5(contents).hexdigest()
        command = [sys.executable, boot.HERE / "boot.py", armillary, "--script", boot.HERE / "pci.sh", "--modules", "virtio_blk,virtio-rng",
                   "--show", "ITS|LPIs|pci-host", "--expect", f"disk {digest}", "--expect", "LPIs at every CPU: yes",
                   "--expect", "LPIs of the disk: yes", "--expect", "ITS-PCI-MSIX?|ITS-MSI", *rest, "--", "--pci",
                   "--drive", f"file={disk},readonly=on"]
        sys.exit(subprocess.run([str(c) for c in command], check=False).returncode)


if __name__ == "__main__":
    main()
