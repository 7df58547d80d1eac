#!/usr/bin/env python3
"""A program that checks what a Debian kernel makes of the CPU: hardware breakpoints, watchpoints and single steps with ptrace and perf
(debugcheck.c), guarded control stacks (gcscheck.c).

usage: debugcheck.py ARMILLARY [--program gcscheck] [--guest] [boot.py options]
With --guest it runs in a KVM guest with the same kernel, while another one, with breakpoints or stacks of its own, runs in the host.
"""
import subprocess
import sys
import tempfile
from pathlib import Path

import boot


def with_guest(folder, program, adds):
    """Files of a host that runs the check in a guest and, all the time, in itself."""
    kernel = boot.output_of(boot.SCRIPTS / "guest-fetch", "kernel", "cloud", "trixie-backports")
    boot.output_of(boot.SCRIPTS / "guest-vmm", folder / "vmm")
    boot.output_of(boot.SCRIPTS / "guest-initramfs", folder / "inner.cpio", "--script", folder / "script.sh", *adds)
    (folder / "host.sh").write_text(
        'vmm -a "console=ttyS0 panic=-1 quiet" -i /inner.cpio /Image >/tmp/out 2>&1 </dev/null &\n'
        'guest=$!; bad=0\n'
        f'while kill -0 $guest 2>/dev/null; do {program} >/tmp/check || {{ bad=1; cat /tmp/check; }}; done\n'
        f"sed 's/^/L1| /' /tmp/out; {program} || bad=1; exit $bad\n")
    return folder / "host.sh", [*adds, "--add", f"{folder}/vmm:bin/vmm", "--add", f"{folder}/inner.cpio:inner.cpio", "--add",
                                f"{kernel}/boot/vmlinuz:Image", "--expect", rf"L1\| {program}: 0 failed"]


def main():
    armillary, rest, program = sys.argv[1], sys.argv[2:], "debugcheck"
    if rest[:1] == ["--program"]:
        program, rest = rest[1], rest[2:]
    guest = rest[:1] == ["--guest"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run(["aarch64-linux-gnu-gcc", "-O1", "-static", "-o", folder / program, boot.HERE / f"{program}.c"],
                       check=True)
        script, adds = folder / "script.sh", ["--add", f"{folder}/{program}:bin/{program}"]
        script.write_text(f"/bin/{program}\n")
        if guest:
            script, adds = with_guest(folder, program, adds)
        command = [sys.executable, boot.HERE / "boot.py", armillary, "--script", script, *adds, "--expect", rf"\n{program}: 0 failed",
                   "--show", program, *rest[guest:]]
        sys.exit(subprocess.run([str(c) for c in command], check=False).returncode)


if __name__ == "__main__":
    main()
