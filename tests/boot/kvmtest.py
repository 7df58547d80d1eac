#!/usr/bin/env python3
"""Tests of KVM from its user's side (tests/vmm/kvmtest.c), in a Debian kernel as host under Armillary.

usage: kvmtest.py ARMILLARY SUBJECT[,SUBJECT...] [boot.py options] [-- armillary options]
For `sizes` the host gets pages of 2M and 1G, and the run's trace must show the levels at which the walker found the write-protected
mappings: 3 for 4K, 2 for 2M, 1 for 1G (2 in protected KVM of 7.x, which maps no more than 2M at once; Arm ARM, ISS encoding for a data abort: DFSC 0b0011LL is a permission fault, level LL).
"""
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import boot

HUGE = "hugepagesz=1G hugepages=1 hugepagesz=2M hugepages=4"
LEVELS = {0x80008000: 3, 0xc0008000: 2, 0x140008000: 1}  # IPA of the first write under dirty logging (tests/vmm/test-sizes.c)


def level_problems(trace, largest):
    """What is wrong with the levels of the first stage-2 permission faults at the watched addresses."""
    found = {}
    for line in trace.splitlines():
        match = re.search(r"stage2_fault \w+ permission.* ipa=(\S+) .*status=(\S+)", line)
        if match and int(match[1], 16) in LEVELS:
            found.setdefault(int(match[1], 16), int(match[2], 16) & 0x3f)
    wanted = {ipa: 0b001100 | max(level, largest) for ipa, level in LEVELS.items()}
    return [f"IPA {ipa:#x}: status {found.get(ipa)}, expected {status:#x}" for ipa, status in wanted.items() if found.get(ipa) != status]


def main():
    armillary, subjects, rest = sys.argv[1], sys.argv[2].split(","), sys.argv[3:]
    split = rest.index("--") if "--" in rest else len(rest)
    rest, own = rest[:split], rest[split + 1:]
    largest = 2 if "mode=protected" in " ".join(rest) and "trixie" not in rest else 1
    programs = [f"{s}-2m" if s == "sizes" and largest == 2 else s for s in subjects]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        boot.output_of(boot.SCRIPTS / "guest-vmm", folder / "kvmtest", "kvmtest")
        (folder / "script.sh").write_text(f"kvmtest {' '.join(programs)}\n")
        if "sizes" in subjects:
            where = rest.index("--append") + 1 if "--append" in rest else len(rest) + 1
            rest = rest if "--append" in rest else rest + ["--append", ""]
            rest[where] = f"{rest[where]} {HUGE}".strip()
            own += ["--memory", "3G", "--trace", f"stage2_fault:{folder}/trace"]
        command = [sys.executable, boot.HERE / "boot.py", armillary, "--script", folder / "script.sh", "--add", f"{folder}/kvmtest:bin/kvmtest",
                   "--expect", "kvmtest: 0 failed", "--show", "kvmtest", "--timeout", "280", *rest, "--", *own]
        status = subprocess.run([str(c) for c in command], check=False).returncode
        problems = level_problems((folder / "trace").read_text(), largest) if status == 0 and "sizes" in subjects else []
        if problems:
            sys.exit("\n".join(problems))
        sys.exit(status)


if __name__ == "__main__":
    main()
