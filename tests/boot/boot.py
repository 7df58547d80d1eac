#!/usr/bin/env python3
"""Boot a real kernel to a script in its userland and check the console.

usage: boot.py ARMILLARY --kernel cloud|generic --suite trixie|trixie-backports [--smp N] [--clock host|virtual] [--append WORDS]
       [--expect REGEX]... [--forbid REGEX]... [--script FILE] [--add HOST:GUEST]... [--modules A,B] [--timeout S] [-- armillary options]
The console must contain the usual lines of an EL2 boot and every --expect, end with the script's status 0 and a power-off, and
contain none of the kernel's complaints.
"""
import argparse
import os
import pty
import re
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
SCRIPTS = HERE.parents[1] / "scripts"
COMPLAINTS = [r"\bWARNING:", r"\bBUG:", r"undefined instruction", r"soft lockup", r"rcu: INFO", r"Oops", r"Kernel panic",
              r"Call trace", r"Internal error", r"guest error"]


def output_of(*command):
    return subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def console_problems(text, expected, forbidden=tuple(COMPLAINTS)):
    problems = [f"missing: {p}" for p in expected if not re.search(p, text)]
    for pattern in forbidden:
        match = re.search(pattern, text)
        if match:
            line = text[text.rfind("\n", 0, match.start()) + 1:text.find("\n", match.end())]
            problems.append(f"complaint: {line.strip()}")
    return problems


def converse(command, typed, seconds):
    """Runs the command on a terminal of its own: (what it showed, status). typed: (regex, text) in turn; the text is typed when all
    that came so far matches the regex."""
    child, terminal = pty.fork()
    if child == 0:
        os.execvp(command[0], command)
    text, end, waiting = "", time.monotonic() + seconds, list(typed)
    while time.monotonic() < end:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            data = os.read(terminal, 4096)
        except OSError:
            break
        if not data:
            break
        text += data.decode(errors="replace").replace("\r", "")
        if waiting and re.search(waiting[0][0], text):
            os.write(terminal, waiting.pop(0)[1].encode())
    else:
        os.kill(child, 15)
    return text, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("armillary")
    parser.add_argument("--kernel", default="cloud")
    parser.add_argument("--suite", default="trixie-backports")
    parser.add_argument("--smp", default="1")
    parser.add_argument("--clock", default="host")
    parser.add_argument("--append", default="")
    parser.add_argument("--expect", action="append", default=[])
    parser.add_argument("--forbid", action="append", default=[])
    parser.add_argument("--el1", action="store_true", help="the machine starts at EL1: expect no EL2 lines")
    parser.add_argument("--script", default=str(HERE / "tour.sh"))
    parser.add_argument("--add", action="append", default=[])
    parser.add_argument("--modules", default="")
    parser.add_argument("--timeout", type=float, default=240)
    parser.add_argument("--show", default="", help="regex of further lines to print")
    words = sys.argv[1:]
    split = words.index("--") if "--" in words else len(words)
    options = parser.parse_args(words[:split])
    kernel = output_of(SCRIPTS / "guest-fetch", "kernel", options.kernel, options.suite)
    with tempfile.TemporaryDirectory() as folder:
        initrd = Path(folder) / "initrd.cpio"
        build = [SCRIPTS / "guest-initramfs", initrd, "--script", options.script]
        for item in options.add:
            build += ["--add", item]
        if options.modules:
            build += ["--modules", kernel, *options.modules.split(","), "--"]
        output_of(*build)
        command = [options.armillary, "run", "--kernel", f"{kernel}/boot/vmlinuz", "--initrd", str(initrd), "--memory", "1G",
                   "--smp", options.smp, "--clock", options.clock, "--append", f"console=ttyAMA0 {options.append}".strip(), *words[split + 1:]]
        try:
            run = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 timeout=options.timeout, check=False)
            text, status = run.stdout.decode(errors="replace"), run.returncode
        except subprocess.TimeoutExpired as expired:
            text, status = (expired.stdout or b"").decode(errors="replace"), "timeout"
    text = text.replace("\r", "")
    expected = ["armillary: init", "armillary: script ended with status 0", "reboot: Power down", *options.expect]
    if not options.el1:
        expected.append(r"CPU: All CPU\(s\) started at EL2")
        if "kvm-arm.mode" not in options.append:
            expected.append("VHE mode initialized successfully")
    if options.script.endswith("tour.sh"):
        expected.append(f"CPUs online: {options.smp}$".replace("$", r"\n"))
    problems = console_problems(text, expected, [*COMPLAINTS, *options.forbid])
    if status != 0:
        problems.append(f"exit status {status}")
    if problems:
        print(text)
        print("\n".join(problems))
        sys.exit(1)
    print("\n".join(line for line in text.splitlines() if re.search(r"started at EL|kvm \[|armillary" + (f"|{options.show}" if options.show else ""), line)))


if __name__ == "__main__":
    main()
