#!/usr/bin/env python3
"""Hardware breakpoints, watchpoints and single steps of a process in a Debian kernel: ptrace and perf (debugcheck.c).

usage: debugcheck.py ARMILLARY [boot.py options]
"""
import subprocess
import sys
import tempfile
from pathlib import Path

import boot


def main():
    armillary, rest = sys.argv[1], sys.argv[2:]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run(["aarch64-linux-gnu-gcc", "-O1", "-static", "-o", folder / "debugcheck", boot.HERE / "debugcheck.c"], check=True)
        (folder / "script.sh").write_text("/bin/debugcheck\n")
        command = [sys.executable, boot.HERE / "boot.py", armillary, "--script", folder / "script.sh", "--add", f"{folder}/debugcheck:bin/debugcheck",
                   "--expect", "debugcheck: 0 failed", "--show", "debugcheck", *rest]
        sys.exit(subprocess.run([str(c) for c in command], check=False).returncode)


if __name__ == "__main__":
    main()
