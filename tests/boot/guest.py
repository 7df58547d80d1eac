#!/usr/bin/env python3
"""Guests of guests: Debian's kernel as host under Armillary, the same kernel as its KVM guest, in that perhaps one more, and so on.

usage: guest.py ARMILLARY [--vmm "OPTIONS"]... [--console plain|quiet|verbose] [boot.py options]
Each --vmm is a level: the options of the small monitor of tests/vmm that runs it, outermost first (default: one level). A level's guest is
asked for its marker, each level's console lines are marked `L1| `, `L2| `, and every monitor must see its guest power off. --console is
about the consoles of all guests.
"""
import subprocess
import sys
import tempfile
from pathlib import Path

import boot


CONSOLES = {  # a guest's command line; what its console must and must not have
    "plain": ("console=ttyS0 panic=-1", r".*Booting Linux", None),
    "quiet": ("console=ttyS0 panic=-1 quiet", "", r".*Booting Linux"),
    "verbose": ("console=ttyS0 panic=-1 earlycon=uart8250,mmio,0x9000000 loglevel=8 ignore_loglevel", r".*bootconsole \[uart8250", None),
}


def take(rest, name):
    """The values of every `name VALUE` at the front of rest, which loses them."""
    values = []
    while rest[:1] == [name]:
        values.append(rest[1])
        del rest[:2]
    return values


def hypervisor(vmm_options):
    """Is the guest of a monitor with these options one that starts at EL2?"""
    return any(word in ("-e", "-n") for word in vmm_options.split())


def script(level, vmm_options, append):
    """What the guest of a level does: says who it is and runs the next level."""
    lines = [f'echo "L{level} marker: cpus $(nproc)"'] if level else []
    if vmm_options is not None:
        # the console is shown in one go, so that lines of two levels never mix
        lines += [f'vmm {vmm_options} -a "{append}" -i /inner.cpio /Image >/tmp/out 2>/tmp/err </dev/null; status=$?',
                  f"cat /tmp/out /tmp/err | sed 's/^/L{level + 1}| /'", "exit $status"]
    return "\n".join(lines) + "\n"


def append_for(levels, level, append):
    """The command line of the guest that this level runs: with nested virtualization if that guest runs a hypervisor in turn."""
    inner = levels[level + 1] if level + 1 < len(levels) else ""
    return append + " kvm-arm.mode=nested" if hypervisor(inner) else append


def main():
    armillary, rest = sys.argv[1], sys.argv[2:]
    levels = take(rest, "--vmm") or [""]
    console = (take(rest, "--console") or ["plain"])[0]
    append, wanted, unwanted = CONSOLES[console]
    suite = rest[rest.index("--suite") + 1] if "--suite" in rest else "trixie-backports"
    kernel = boot.output_of(boot.SCRIPTS / "guest-fetch", "kernel", "cloud", suite)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        boot.output_of(boot.SCRIPTS / "guest-vmm", folder / "vmm")
        adds, expected = [], []
        for level in range(len(levels), 0, -1):
            inner = folder / f"level{level}.sh"
            inner.write_text(script(level, levels[level] if level < len(levels) else None, append_for(levels, level, append)))
            boot.output_of(boot.SCRIPTS / "guest-initramfs", folder / f"level{level}.cpio", "--script", inner, *adds)
            adds = ["--add", f"{folder}/vmm:bin/vmm", "--add", f"{folder}/level{level}.cpio:inner.cpio", "--add",
                    f"{kernel}/boot/vmlinuz:Image"]
            mark = "".join(rf"L{n}\| " for n in range(1, level + 1))
            expected += ["--expect", f"{mark}L{level} marker", "--expect", f"{mark}vmm: power off", "--expect", mark + wanted]
            if unwanted:
                expected += ["--forbid", mark + unwanted]
        (folder / "host.sh").write_text(script(0, levels[0], append_for(levels, 0, append)))
        command = [sys.executable, boot.HERE / "boot.py", armillary, "--script", folder / "host.sh", "--timeout", "600",
                   "--show", "marker|vmm:", *expected, *adds, *rest]
        sys.exit(subprocess.run([str(c) for c in command], check=False).returncode)


if __name__ == "__main__":
    main()
