#!/usr/bin/env python3
"""A guest's guest: Debian's kernel as host under Armillary, the same kernel as its KVM guest, to the guest's script.

usage: guest.py ARMILLARY [--vmm "OPTIONS"] [--console plain|quiet|verbose] [boot.py options]
Builds the small monitor of tests/vmm, puts it with the kernel and an inner initramfs into the host's initramfs, and looks for the guest's
marker and power-off. The guest's console lines are marked `L1| `.
"""
import subprocess
import sys
import tempfile
from pathlib import Path

import boot


CONSOLES = {  # the guest's command line; what its console must and must not have
    "plain": ("console=ttyS0 panic=-1", r"L1\| .*Booting Linux", None),
    "quiet": ("console=ttyS0 panic=-1 quiet", "", r"L1\| .*Booting Linux"),
    "verbose": ("console=ttyS0 panic=-1 earlycon=uart8250,mmio,0x9000000 loglevel=8 initcall_debug", r"L1\| .*initcall .* returned 0", None),
}


def main():
    armillary, rest = sys.argv[1], sys.argv[2:]
    vmm_options = ""
    if rest[:1] == ["--vmm"]:
        vmm_options, rest = rest[1], rest[2:]
    console = "plain"
    if rest[:1] == ["--console"]:
        console, rest = rest[1], rest[2:]
    append, wanted, unwanted = CONSOLES[console]
    suite = rest[rest.index("--suite") + 1] if "--suite" in rest else "trixie-backports"
    kernel = boot.output_of(boot.SCRIPTS / "guest-fetch", "kernel", "cloud", suite)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        boot.output_of(boot.SCRIPTS / "guest-vmm", folder / "vmm")
        (folder / "inner.sh").write_text('echo "L1 marker: cpus $(nproc)"\n')
        boot.output_of(boot.SCRIPTS / "guest-initramfs", folder / "inner.cpio", "--script", folder / "inner.sh")
        (folder / "outer.sh").write_text(
            f'vmm {vmm_options} -a "{append}" -i /inner.cpio /Image >/tmp/l1 2>/tmp/l1.err; status=$?\n'
            "cat /tmp/l1 /tmp/l1.err | sed 's/^/L1| /'\nexit $status\n")
        command = [sys.executable, boot.HERE / "boot.py", armillary, "--script", folder / "outer.sh", "--timeout", "600",
                   "--show", "marker|vmm:", "--expect", r"L1\| L1 marker", "--expect", r"L1\| vmm: power off",
                   "--add", f"{folder}/vmm:bin/vmm", "--add", f"{folder}/inner.cpio:inner.cpio", "--add", f"{kernel}/boot/vmlinuz:Image", *rest]
        if wanted:
            command += ["--expect", wanted]
        if unwanted:
            command += ["--forbid", unwanted]
        sys.exit(subprocess.run([str(c) for c in command], check=False).returncode)


if __name__ == "__main__":
    main()
