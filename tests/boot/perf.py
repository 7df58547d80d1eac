#!/usr/bin/env python3
"""Debian's perf in the guest: counts of a known program, twice the same under the virtual clock, and samples by overflow interrupts.

usage: perf.py ARMILLARY [--guest] [boot.py options]
With --guest perf runs in a KVM guest with a PMU of its own, which must count that guest alone; the host counts in the meantime, too.
"""
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import boot
import gdb

TURNS = 1000000
# Event: how often a turn of perfwork.S has it; what comes on top is the start, and work for the kernel.
EVENTS = {"instructions:u": 5, "cycles:u": 5, "r6:u": 1, "r7:u": 1, "r21:u": 1, "rd:u": 1, "r13:u": 2}
MORE = 100
# Cycles have the instructions that take exceptions, too.
SCRIPT = """export LD_LIBRARY_PATH=/lib
for i in 1 2; do
    perf stat -x, -o /tmp/stat -e {} /bin/perfwork && grep ,, /tmp/stat | sed "s/^/count $i: /"
done
perf stat -x, -o /tmp/stat -e r9,ra,r5,r2,r1c /bin/perfwork && grep ,, /tmp/stat | sed "s/^/other: /"
for e in instructions:u r6:u r21:u; do
    perf record -q -e $e -c 10000 -o /tmp/data /bin/perfwork && echo "samples $e: $(perf script -i /tmp/data -F ip | grep -c .)"
done
"""
HOST = """export LD_LIBRARY_PATH=/lib
perf stat -x, -o /tmp/stat -e instructions:uH,instructions:G vmm -u -m 512 -a "console=ttyS0 panic=-1 quiet" -i /inner.cpio /Image \\
    >/tmp/out 2>/tmp/err </dev/null; status=$?
cat /tmp/out /tmp/err | sed 's/^/L1| /'
grep ,, /tmp/stat | sed 's/^/host: /'
exit $status
"""


def files(folder):
    """--add options for perf, what it is linked with, and the program."""
    roots = [Path(line) for line in boot.output_of(boot.SCRIPTS / "guest-fetch", "libraries", "linux-perf").splitlines()]
    program = next(r for r in roots if r.name.startswith("linux-perf_")) / "usr/bin/perf"
    (folder / "lib").mkdir()
    gdb.libraries(roots, program, folder / "lib")
    work = folder / "perfwork"
    subprocess.run(["aarch64-linux-gnu-gcc", "-nostdlib", "-static", "-o", work, boot.HERE / "perfwork.S"], check=True)
    adds = [f"{program}:usr/bin/perf", f"{work}:bin/perfwork"] + [f"{path}:lib/{path.name}" for path in (folder / "lib").iterdir()]
    return [word for item in adds for word in ("--add", item)]


def command(armillary, folder, guest, rest):
    script, adds = folder / "script.sh", files(folder)
    script.write_text(SCRIPT.format(",".join(EVENTS)))
    if guest:
        kernel = boot.output_of(boot.SCRIPTS / "guest-fetch", "kernel", "cloud", "trixie-backports")
        boot.output_of(boot.SCRIPTS / "guest-vmm", folder / "vmm")
        boot.output_of(boot.SCRIPTS / "guest-initramfs", folder / "inner.cpio", "--script", script, *adds)
        script = folder / "host.sh"
        script.write_text(HOST)
        adds += ["--add", f"{folder}/vmm:bin/vmm", "--add", f"{folder}/inner.cpio:inner.cpio", "--add", f"{kernel}/boot/vmlinuz:Image"]
    return [sys.executable, boot.HERE / "boot.py", armillary, "--script", script, *adds, "--show", "count|samples|other|host:", *rest]


def problems(text, exact):
    """exact: with the host's clock, and through KVM, not every overflow becomes an interrupt of its own."""
    counts = {}
    for number, value, event in re.findall(r"count ([12]): (\d+),,([^,]+),", text):
        counts.setdefault(event, {})[number] = int(value)
    out = [f"{event}: not counted twice" for event in EVENTS if len(counts.get(event, {})) != 2]
    for event, both in counts.items():
        least = EVENTS[event] * TURNS
        out += [f"{event}: {value}, at least {least} wanted and not much more" for value in both.values() if not least <= value <= least + MORE]
    for event, turns in (("instructions:u", 5), ("r6:u", 1), ("r21:u", 1)):
        want = turns * TURNS // 10000
        found = re.search(rf"samples {event}: (\d+)", text)
        if not found or not (want * 0.99 if exact else 1) <= int(found[1]) <= want * 1.01:
            out.append(f"samples of {event}: {found[1] if found else 'none'}, about {want} wanted")
    return out


def main():
    armillary, rest = sys.argv[1], sys.argv[2:]
    guest = rest[:1] == ["--guest"]
    texts = []
    with tempfile.TemporaryDirectory() as name:
        words = [str(c) for c in command(armillary, Path(name), guest, rest[guest:])]
        for _ in range(2 if "virtual" in rest else 1):
            run = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=False)
            texts.append(run.stdout)
            if run.returncode:
                print(run.stdout)
                sys.exit(run.returncode)
    print(texts[0])
    bad = problems(texts[0], "virtual" in rest and not guest)
    # compared is what was counted
    counted = [re.findall(r"(?:count \d|samples|other): .*?(?=,\d+,1|$)", text, re.M) for text in texts]
    if (counted[0] if not guest else [c for c in counted[0] if "count" in c]) != (
            counted[-1] if not guest else [c for c in counted[-1] if "count" in c]):
        bad.append(f"another run counted otherwise:\n{texts[-1]}")
    print("\n".join(bad))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
