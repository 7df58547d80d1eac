#!/usr/bin/env python3
"""Debian's arm64 qemu-system-aarch64 -accel kvm in a Debian host under Armillary boots the same kernel as its guest.

usage: inner-qemu.py ARMILLARY [--qemu "OPTIONS"] [--msi] [boot.py options]
QEMU, the libraries it needs, the kernel and an inner initramfs are on an ext4 image, which the host mounts from a virtio disk; QEMU runs in
a chroot there. The guest's console lines are marked `L1| `. With --msi the guest has a PCI entropy device, whose
interrupts are LPIs of the virtual ITS that KVM gives it.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import boot

LIBRARIES = "usr/lib/aarch64-linux-gnu"
SCRIPT = r"""
mkdir -p /mnt/d && mount -t ext4 -o ro /dev/vda /mnt/d || exit 1
for d in dev proc sys tmp; do mount -o bind /$d /mnt/d/$d; done
chroot /mnt/d /usr/bin/qemu-system-aarch64 -accel kvm -cpu host -M virt,gic-version=3 -m 256 -display none -nodefaults -serial stdio -no-reboot \
    -kernel /Image -initrd /inner.cpio -append "console=ttyAMA0 panic=-1" @OPTIONS@ >/tmp/out 2>/tmp/err </dev/null
status=$?
cat /tmp/out /tmp/err | sed 's/^/L1| /'
echo "inner QEMU ended with status $status"
exit $status
"""


MSI = r"""
dd if=/dev/hwrng of=/tmp/noise bs=256 count=8 2>/dev/null
grep ITS /proc/interrupts
awk '/ITS.*virtio0-input/ { print "LPIs of the entropy device:", ($2 >= 8 ? "enough" : $2) }' /proc/interrupts
"""


def needed(path):
    """Sonames an ELF file asks for."""
    text = subprocess.run(["aarch64-linux-gnu-readelf", "-d", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True).stdout
    return re.findall(r"\(NEEDED\).*\[(.+)\]", text)


def install(root, program, folders):
    """Copies the program and everything it is linked with."""
    found = {path.name: path for folder in folders for path in folder.rglob("*.so*") if path.is_file() and "gconv" not in path.parts}
    target = root / "usr/bin" / program.name
    target.parent.mkdir(parents=True)
    shutil.copy(program, target)
    libraries = root / LIBRARIES
    libraries.mkdir(parents=True)
    waiting = needed(program)
    while waiting:
        name = waiting.pop()
        if (libraries / name).exists():
            continue
        if name not in found:
            sys.exit(f"no {name} in the packages")
        shutil.copy(found[name], libraries / name)  # of a link: the file
        waiting += needed(found[name])
    (root / "lib").symlink_to("usr/lib")
    os.link(libraries / "ld-linux-aarch64.so.1", root / "usr/lib/ld-linux-aarch64.so.1")


def main():
    armillary, rest, options = sys.argv[1], sys.argv[2:], ""
    if rest[:1] == ["--qemu"]:
        options, rest = rest[1], rest[2:]
    modules, script, expected = [], 'echo "L1 marker: cpus $(nproc), $(uname -r)"\n', []
    msi = rest[:1] == ["--msi"]
    if msi:
        rest = rest[1:]
        options += " -device virtio-rng-pci"
        script += MSI
        expected = ["--expect", r"L1\| .*ITS \[mem 0x08080000", "--expect", r"L1\| LPIs of the entropy device: enough"]
    suite = rest[rest.index("--suite") + 1] if "--suite" in rest else "trixie-backports"
    kernel = Path(boot.output_of(boot.SCRIPTS / "guest-fetch", "kernel", "cloud", suite))
    folders = [Path(line) for line in boot.output_of(boot.SCRIPTS / "guest-fetch", "libraries", "qemu-system-arm").splitlines()]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        root, disk = folder / "root", folder / "disk.img"
        for part in ("dev", "proc", "sys", "tmp"):
            (root / part).mkdir(parents=True)
        install(root, next(f for f in folders if f.name.startswith("qemu-system-arm_")) / "usr/bin/qemu-system-aarch64", folders)
        shutil.copy(kernel / "boot/vmlinuz", root / "Image")
        if msi:
            modules = ["--modules", kernel, "virtio-rng", "--"]
        (folder / "inner.sh").write_text(script)
        boot.output_of(boot.SCRIPTS / "guest-initramfs", root / "inner.cpio", "--script", folder / "inner.sh", *modules)
        subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-d", root, disk, "320M"], check=True)
        (folder / "script.sh").write_text(SCRIPT.replace("@OPTIONS@", options))
        command = [sys.executable, boot.HERE / "boot.py", armillary, "--script", folder / "script.sh", "--modules", "virtio_mmio,virtio_blk",
                   "--timeout", "600", "--show", "marker|inner QEMU|LPIs|L1.*ITS", "--expect", r"L1\| L1 marker", "--expect", r"L1\| .*reboot: Power down",
                   "--expect", "inner QEMU ended with status 0", *expected, *rest, "--", "--drive", f"file={disk},readonly=on"]
        sys.exit(subprocess.run([str(c) for c in command], check=False).returncode)


if __name__ == "__main__":
    main()
