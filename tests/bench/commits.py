#!/usr/bin/env python3
"""The interpreter of two commits side by side: CPU seconds of the same work, in alternating runs. Never a pass/fail test.

usage: commits.py OLD NEW [--runs N] [--only NAME,...] [--options "..."] [--callgrind]
OLD and NEW are commits (built like scripts/build does, in a folder of their own in the cache) or paths of programs. The work is one boot of
Debian's kernel and a fixed number of operations of each workload of micro.c: CPU seconds of all threads, read from the host when the
guest's console shows the mark at the end of each part, so that neither the guest's clock nor waiting counts.
--options: for `armillary run` of both, for instance "--clock virtual".
--callgrind: instructions of the host for a boot's first 60 million instructions, counted by valgrind: the same whatever else the machine does.
"""
import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import compare

COUNTS = {"integer": 100_000_000, "crc": 200_000_000, "nbody": 20_000_000, "saxpy": 300_000_000, "memcpy": 6 << 30, "syscall": 800_000,
          "pagefault": 1_000_000, "switch": 10_000, "fork": 600}


def build(what):
    """The program of a commit, or what already is one."""
    if Path(what).is_file():
        return what
    commit = compare.output_of("git", "-C", compare.HERE, "rev-parse", f"{what}^{{commit}}")
    cache = os.environ.get("ARMILLARY_CACHE") or os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache")) + "/armillary"
    folder = Path(cache) / "commits" / commit
    if not (folder / "scripts").exists():
        folder.mkdir(parents=True, exist_ok=True)
        tree = subprocess.run(["git", "-C", compare.HERE.parents[1], "archive", commit], stdout=subprocess.PIPE, check=True).stdout
        subprocess.run(["tar", "-x", "-C", folder], input=tree, check=True)
    return compare.output_of(folder / "scripts/build")


def cpu_seconds(pid):
    """Of all its threads that live, by the scheduler's count of nanoseconds."""
    return sum(int(task.read_text().split()[0]) for task in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def measure(program, options, initrd):
    """CPU seconds of each part of one run: {name: seconds}."""
    command = [program, "run", "--kernel", options.kernel, "--memory", "1G", "--initrd", initrd, "--append", "console=ttyAMA0 quiet",
               *options.options.split()]
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    found, last, text = {}, 0.0, []
    for line in child.stdout:
        text.append(line.decode(errors="replace"))
        mark = re.match(r"mark (\S+)", text[-1])
        if mark:
            now = cpu_seconds(child.pid)
            found[mark[1]], last = now - last, now
    if child.wait() != 0 or len(found) != len(options.only) + 2:
        sys.exit(f"commits: {program} failed:\n{''.join(text)[-2000:]}")
    return found


def prepare(folder, names):
    """An initramfs that runs the workloads and marks the end of each."""
    subprocess.run(["aarch64-linux-gnu-gcc", "-O2", "-static", "-fno-math-errno", "-pthread", "-o", folder / "micro", compare.HERE / "micro.c"], check=True)
    # The first pays for what the kernel still does after its boot, whichever it is.
    lines = ["echo mark boot", f"/bin/micro 0 integer {COUNTS['integer']} && echo mark first"] + [f"/bin/micro 0 {name} {COUNTS[name]} && echo mark {name}" for name in names]
    (folder / "work.sh").write_text("\n".join(lines) + "\n")
    compare.output_of(compare.SCRIPTS / "guest-initramfs", folder / "work.cpio", "--script", folder / "work.sh", "--add", f"{folder}/micro:bin/micro")
    return str(folder / "work.cpio")


def callgrind(program, options, initrd):
    """Host instructions of a boot's first part."""
    with tempfile.NamedTemporaryFile() as out:
        run = subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out.name}", program, "run", "--kernel", options.kernel, "--memory", "1G",
                              "--clock", "virtual", "--max-insns", "60000000", "--initrd", initrd, "--append", "console=ttyAMA0 quiet"],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    collected = re.search(r"Collected : (\d+)", run.stdout)
    return int(collected[1]) if collected else sys.exit(f"commits: valgrind:\n{run.stdout[-2000:]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(COUNTS))
    parser.add_argument("--options", default="")
    parser.add_argument("--callgrind", action="store_true")
    options = parser.parse_args()
    programs = {"old": build(options.old), "new": build(options.new)}
    options.kernel = compare.output_of(compare.SCRIPTS / "guest-fetch", "kernel", "cloud", "trixie-backports") + "/boot/vmlinuz"
    with tempfile.TemporaryDirectory() as name:
        initrd = prepare(Path(name), options.only)
        if options.callgrind:
            old, new = (callgrind(program, options, initrd) for program in programs.values())
            print(f"first 60 million instructions, million instructions of the host: old {old / 1e6:.0f}, new {new / 1e6:.0f}, {new / old - 1:+.1%}")
            return
        runs = {who: [] for who in programs}
        for _ in range(options.runs):
            for who, program in programs.items():
                runs[who].append(measure(program, options, initrd))
    print("| CPU s | old: median (least) | new: median (least) | new against old: medians (least) |\n|---|---|---|---|")
    for name in ("boot", *options.only):
        (a, low_a), (b, low_b) = ((statistics.median(r[name] for r in runs[w]), min(r[name] for r in runs[w])) for w in ("old", "new"))
        print(f"| {name} | {a:.2f} ({low_a:.2f}) | {b:.2f} ({low_b:.2f}) | {b / a - 1:+.1%} ({low_b / low_a - 1:+.1%}) |", flush=True)


if __name__ == "__main__":
    main()
