#!/usr/bin/env python3
"""Hardware breakpoints, watchpoints and single steps of a process in a Debian kernel: ptrace and perf (debugcheck.c).

usage: debugcheck.py ARMILLARY [--guest] [boot.py options]
With --guest the process runs in a KVM guest with the same kernel, while another one with other breakpoints runs in the host.
"""
import subprocess
import sys
import tempfile
from pathlib import Path

import boot


def with_guest(folder, adds):
    """Files of a host that runs the check in a guest and, all the time, in itself."""
    kernel = boot.output_of(boot.SCRIPTS / "guest-fetch", "kernel", "cloud", "trixie-backports")
    boot.output_of(boot.SCRIPTS / "guest-vmm", folder / "vmm")
    boot.output_of(boot.SCRIPTS / "guest-initramfs", folder / "inner.cpio", "--script", folder / "script.sh", *adds)
    (folder / "host.sh").write_text(
        'vmm -a "console=ttyS0 panic=-1 quiet" -i /inner.cpio /Image >/tmp/out 2>&1 </dev/null &\n'
        'guest=$!; bad=0\n'
        'while kill -0 $guest 2>/dev/null; do debugcheck >/tmp/check || { bad=1; cat /tmp/check; }; done\n'
        "sed 's/^/L1| /' /tmp/out; debugcheck || bad=1; exit $bad\n")
    return folder / "host.sh", [*adds, "--add", f"{folder}/vmm:bin/vmm", "--add", f"{folder}/inner.cpio:inner.cpio", "--add",
                                f"{kernel}/boot/vmlinuz:Image", "--expect", r"L1\| debugcheck: 0 failed"]


def main():
    armillary, rest = sys.argv[1], sys.argv[2:]
    guest = rest[:1] == ["--guest"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run(["aarch64-linux-gnu-gcc", "-O1", "-static", "-o", folder / "debugcheck", boot.HERE / "debugcheck.c"], check=True)
        script, adds = folder / "script.sh", ["--add", f"{folder}/debugcheck:bin/debugcheck"]
        script.write_text("/bin/debugcheck\n")
        if guest:
            script, adds = with_guest(folder, adds)
        command = [sys.executable, boot.HERE / "boot.py", armillary, "--script", script, *adds, "--expect", r"\ndebugcheck: 0 failed",
                   "--show", "debugcheck", *rest[guest:]]
        sys.exit(subprocess.run([str(c) for c in command], check=False).returncode)


if __name__ == "__main__":
    main()
